"""A benchmark is a dataset, templates, a solver and scorers: four parts that combine, and one declaration."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernels.evals.datasets.items import Dataset, Item, choose_subset, items_of
from kernels.evals.prompting.config import PromptConfig, ShotOrder
from kernels.evals.prompting.shots import choose_shots
from kernels.evals.scorers.scorer import Scorer, measured
from kernels.evals.solvers.solving import Put, Solved, Solver
from kernels.evals.statistics.measures import Measure, result
from kernels.evals.templates.template import Template
from kernels.evals.texts import item_texts
from kernels.specs.families import made_config
from kernels.specs.needs import DataFile
from kernels.specs.objectives import Attention
from kernels.specs.sources import Reject
from kernels.specs.tasks import EvalResult, ItemTexts, Progress, Task, TaskTexts, unwatched

if TYPE_CHECKING:
    import polars as pl

    from kernels.inference.asked_models import AskedModel


def benchmark(
    *,
    name: str,
    version: int,
    about: str,
    dataset: Dataset,
    templates: Sequence[Template],
    solver: Solver,
    scorers: Sequence[Scorer],
    num_shots: int = 0,
    shot_order: ShotOrder = "drawn",
    attentions: frozenset[Attention] | None = None,
    texts: Callable[[Item], ItemTexts] | None = None,
    texts_version: int = 1,
    **published: Any,
) -> Task:
    """Return the task of a benchmark.

    Args:
        name: how recipes call it.
        version: raised when the same config and data give other scores.
        about: what it asks, in a line, for the reference of recipes.
        dataset: its items.
        templates: how they may be put; the first is the one that is asked by where a recipe names none.
        solver: how models are asked.
        scorers: its metrics, the headline first.
        num_shots: examples before each item, as published.
        shot_order: which.
        attentions: models that it makes sense of; None for all that the solver can ask.
        texts: what of an item must not occur in training data; None for its question and options.
        texts_version: raised when the same file gives other texts.
        published: further fields of the solver's config that the benchmark gives a value for.
    """
    config = _config(name, about, templates, solver, {"num_shots": num_shots, "shot_order": shot_order, **published})

    def run(model: "AskedModel", data: Path | None, config: PromptConfig, progress: Progress = unwatched) -> EvalResult:
        return run_benchmark(model, data, config, dataset, solver, scorers, progress)

    def read_texts(path: Path) -> Iterator[ItemTexts]:
        for found in dataset.read(path, dataset.asked):
            if isinstance(found, Reject):
                told = ItemTexts((found.detail,), (found.detail,))
            else:
                told = texts(found) if texts else item_texts(str(found.fields[dataset.question]), found.options or found.references)
            yield told._replace(key=found.key)

    return Task(
        name=name,
        version=version,
        config=config,
        need=DataFile(),
        run=run,
        attentions=solver.attentions if attentions is None else attentions,
        asks_likelihoods=solver.asks_likelihoods,
        texts=TaskTexts(version=texts_version, read=read_texts),
        metrics=tuple(name for scorer in scorers for name in ((scorer.metric, f"{scorer.metric}/*") if scorer.by_group else (scorer.metric,))),
    )


def _config(name: str, about: str, templates: Sequence[Template], solver: Solver, published: dict[str, Any]) -> type[PromptConfig]:
    """Return the solver's config with what a benchmark gives a value for as defaults, and its templates."""
    fields: dict[str, Any] = {}
    for key, value in published.items():
        field = copy(solver.config.model_fields[key])
        field.default = value
        fields[key] = (field.annotation, field)
    made: Any = made_config(f"{name.title().replace('_', '')}Config", solver.config, about, fields, __module__=__name__)
    made.own_templates = {template.name: template for template in templates}
    return made


def run_benchmark(
    model: "AskedModel", data: Path | None, config: PromptConfig, dataset: Dataset, solver: Solver, scorers: Sequence[Scorer], progress: Progress
) -> EvalResult:
    """Return the scores of a model on the chosen items; the frame of items ends with the rejected records and why they were not asked.

    Raises:
        ValueError: the data cannot be read, fewer examples are there than are asked for, or the model cannot be asked so.
    """
    if data is None:
        raise ValueError("this eval reads a data file; name one in the recipe")
    split = config.split or dataset.asked
    items, rejects = items_of(dataset, data, split)
    chosen = choose_subset(len(items), config.num_items, config.seed)
    shots = _shots(dataset, data, split, items, set(chosen), config)
    asked = [Put(items[index], shots) for index in chosen]
    solved = solver.solve(model, asked, config, progress)
    own = [each.item for each in asked]
    measures = [measure for scorer in scorers for measure in measured(scorer, own, [each.answer for each in solved])]
    return result(measures, _frame(own, solved, rejects, measures, solver), config.num_bootstrap, config.seed)


def _shots(dataset: Dataset, data: Path, split: str, items: Sequence[Item], chosen: set[int], config: PromptConfig) -> list[Item]:
    """Return the examples: of their own split, or of items that are not asked where there is none."""
    if not config.num_shots:
        return []
    if dataset.shots is None or dataset.shots == split or data.is_file():
        pool = [item for index, item in enumerate(items) if index not in chosen]
    else:
        pool = items_of(dataset, data, dataset.shots)[0]
    asked = {_question(dataset, item) for index, item in enumerate(items) if index in chosen}
    return choose_shots([item for item in pool if _question(dataset, item) not in asked], config.num_shots, config.shot_order, config.seed)


def _question(dataset: Dataset, item: Item) -> str:
    """Return what tells an item from others: its question or, of a dataset that names none, its key."""
    return str(item.fields.get(dataset.question, item.key))


def _frame(items: Sequence[Item], solved: Sequence[Solved], rejects: Sequence[Reject], measures: Sequence[Measure], solver: Solver) -> "pl.DataFrame":
    """Return one row an item, with what it contributes to each mean, then one a reject."""
    import polars as pl

    means = {measure.metric: dict(zip(measure.items, measure.values[:, 0].tolist(), strict=True)) for measure in measures if _is_shown(measure)}
    rows: list[dict[str, Any]] = []
    for item, each in zip(items, solved, strict=True):
        rows.append({"item": item.key, "groups": list(item.groups), **each.row, **{name: values.get(item.key) for name, values in means.items()}})
    rows += [{"item": reject.key, "rejected": reject.reason} for reject in rejects]
    schema = {"item": pl.String, "groups": pl.List(pl.String), **solver.columns(), **dict.fromkeys(means, pl.Float64), "rejected": pl.String}
    return pl.DataFrame(rows, schema=schema)


def _is_shown(measure: Measure) -> bool:
    return measure.statistic == "mean" and "/" not in measure.metric
