"""A recipe's entries as plans: what each stage is told to make, and the files that the graph starts from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assets.corpus.deduplication import MODEL_INPUT
from assets.corpus.documents import SourcePlan
from assets.corpus.eval_texts import EvalTexts
from assets.corpus.names import key_input
from assets.datasets.builder import COMPLETE
from assets.datasets.embedded import EMBEDDED as EMBEDDED_SETS
from assets.evals.needs import EvalPlan, kind_of
from assets.evals.training_runs import comparable_of, groups_of, is_trained
from assets.models.checkpoints import ModelPlan
from assets.tokens.mixture import MixturePlan
from assets.tokens.names import tokenizer_input
from kernels.evals.prompting.config import PromptConfig, with_templates
from kernels.evals.templates.template import read_template
from kernels.specs.config import Config
from kernels.specs.families import specs
from kernels.specs.layout import Layout
from kernels.specs.names import nearest
from kernels.specs.needs import Package
from kernels.specs.tokenizers import TokenizerOfFile
from kernels.synthesis.labels import LABELS_FILE
from kernels.tokens.mixtures.config import MixtureConfig
from pipelines.recipe.faults.finding import said_of
from pipelines.recipe.kinds_of_models import inherited_modules
from pipelines.recipe.schema import EMBEDDED, Recipe, RecipeBase, RecipeError, kernel_config
from pipelines.recipe.splits import earlier_of, partitions_of
from pipelines.recipe.tokenizers import tokenizer_of
from resources.devices.jobs import World
from resources.storage.home import Home
from resources.storage.sources import Location


class Plans:
    """The entries of a recipe as plans, by name."""

    def __init__(self, recipe: Recipe, home: Home) -> None:
        self.recipe, self.home, self.name, self.entries = recipe, home, recipe.name, recipe.entries
        self.sources = {key: self._source(self.entries.sources[key]) for key in _in_order_of_arrival(self.entries)}
        self.mixtures = {key: self._mixture(key, entry) for key, entry in self.entries.mixtures.items()}
        self.models = {key: self._model(key, entry) for key, entry in _in_order(self.entries.models).items()}
        self.runs = self._runs()
        self.evals = {key: self._eval(key, entry) for key, entry in sorted(self.entries.evals.items())}
        self.keys = {key: self.file(path) for key, path in self.entries.keys.items()}
        self.texts = {
            key: EvalTexts(plan.task, plan.task.texts, plan.location) for key, plan in self.evals.items() if plan.task.texts and plan.location
        }

    def tokenizers(self) -> dict[str | None, Any]:
        """Return the recipe's tokenizers; None is the name of an only one."""
        return {**self.entries.tokenizers} if self.entries.tokenizer is None else {None: self.entries.tokenizer}

    def file(self, path: str) -> Location:
        """Return the place of one input, as the recipe writes its path."""
        return Location(root=self.recipe.locate(path, self.home.embedded), patterns=("*",), snapshot="base", files_per_partition=1)

    def tokenizer_files(self) -> dict[str, Location]:
        """Return where the tokenizers are that somebody else made, by input."""
        found: dict[str, Location] = {}
        for key, entry in self.tokenizers().items():
            method = specs("tokenizers")[entry.method]
            if isinstance(method, TokenizerOfFile):
                found[tokenizer_input(key)] = self.file(entry.path)._replace(patterns=method.patterns)
        return found

    def _source(self, entry: Any) -> SourcePlan:
        spec = specs("sources")[entry.format]
        location = Location(
            root=self.recipe.locate(entry.path, self.home.embedded),
            patterns=tuple(entry.patterns or spec.file_patterns),
            snapshot=entry.snapshot,
            files_per_partition=entry.files_per_partition,
        )
        steps: tuple[tuple[Any, Config], ...] = tuple(
            (specs("filters")[step.kind], kernel_config("filters", step.kind, step)) for step in entry.filters
        )
        return SourcePlan(spec, kernel_config("sources", entry.format, entry), steps, location)

    def _mixture(self, key: str, entry: Any) -> MixturePlan:
        config = MixtureConfig.model_validate(entry.model_dump(include=set(MixtureConfig.model_fields), by_alias=True))
        return MixturePlan(config, entry.tokenizer, partitions_of(self.entries, key), earlier_of(self.entries, key))

    def _model(self, key: str, entry: Any) -> ModelPlan:
        method = specs("methods")[entry.method]
        said = said_of(self.entries, key, entry)
        if entry.data is not None and any(isinstance(need, Package) for need in method.needs):
            said = said._replace(location=self.file(str(entry.data)))
        limits: dict[str, Config] = dict(entry.checks) if "checks" in type(entry).model_fields else {}
        config, project = kernel_config("methods", entry.method, entry), getattr(entry, "wandb_project", None)
        layout = Layout.model_validate(entry.run.model_dump(include=set(Layout.model_fields)))
        world = World(num_processes=layout.processes, num_nodes=entry.run.nodes, device=entry.run.device)
        plan = ModelPlan(method, config, said, world, limits, project, layout)
        return plan._replace(modules=inherited_modules(self.entries, key)) if is_trained(plan) and said.parents else plan

    def _runs(self) -> dict[str, list[str]]:
        """Return the models whose trainings compare. Examples are counted by the tokens of the model that learns from them."""
        trained = {key: plan for key, plan in self.models.items() if is_trained(plan)}
        tokenizers = {key: None if isinstance(plan.said.data, str) else id(tokenizer_of(self.entries, key)) for key, plan in trained.items()}
        return groups_of({key: comparable_of(plan, tokenizers[key]) for key, plan in trained.items()})

    def _eval(self, key: str, entry: Any) -> EvalPlan:
        task = specs("tasks")[entry.task]
        location = self.file(entry.data) if kind_of(task).is_file else None
        config = kernel_config("tasks", entry.task, entry)
        if isinstance(config, PromptConfig):
            config = with_templates(config, lambda path: read_template(Path(self.recipe.locate(path, self.home.embedded))))
        return EvalPlan(key, task, config, entry.data, location)

    def inputs(self) -> dict[str, Location]:
        """Return the files that the graph starts from beside its sources."""
        found = {key: plan.said.location for key, plan in self.models.items() if plan.said.location}
        found |= {key: plan.location for key, plan in self.evals.items() if plan.location}
        found |= {key_input(key).removeprefix("inputs/"): location for key, location in self.keys.items()}
        found |= self.tokenizer_files()
        semantic = self.entries.deduplication.semantic if self.entries.deduplication else None
        return found | ({MODEL_INPUT: self.file(semantic.model)} if semantic else {})

    def without_ours(self, location: Location) -> Location:
        """Return a source's place less what is no data of it: the recipe, its other inputs, and modelmill's own state."""
        others = (str(self.recipe.path), *(given.root for given in self.inputs().values() if "://" not in given.root))
        others += (f"{location.root}/{LABELS_FILE}",)  # which the report reads
        if location.root.startswith(f"{self.home.embedded}/"):
            others += (f"{location.root}/{COMPLETE}",)
        return location._replace(left_out=others, state=(str(self.home.root), self.home.lake_url, str(self.home.package_cache)))

    def embedded(self) -> dict[str, str]:
        """Return the embedded data sets that sources and inputs name, by source or input."""
        roots = {key: plan.location.root for key, plan in self.sources.items()} | {key: location.root for key, location in self.inputs().items()}
        prefix = str(self.home.embedded) + "/"
        found = {key: root.removeprefix(prefix).split("/")[0] for key, root in roots.items() if root.startswith(prefix)}
        for name in found.values():
            if name not in EMBEDDED_SETS:
                raise RecipeError(f"{self.recipe.path}: no embedded data set is named {name!r} ({EMBEDDED}{name}); {nearest(name, EMBEDDED_SETS)}")
        return found


def _in_order_of_arrival(entries: RecipeBase) -> list[str]:
    """Return the names of the sources: those whose place the recipe states, then the others."""
    return [*entries.arrival, *sorted(entries.sources.keys() - set(entries.arrival))]


def _in_order(models: dict[str, Any]) -> dict[str, Any]:
    """Return models with parents before children, else in the recipe's order."""
    return {key: models[key] for key in behind_parents({key: entry.parents for key, entry in models.items()})}


def behind_parents(parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Return names, each behind its parents, else in the order given. There is no circle."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        for parent in parents[name]:
            if parent not in ordered:
                add(parent)
        ordered.setdefault(name)

    for name in parents:
        add(name)
    return list(ordered)
