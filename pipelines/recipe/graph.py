"""From a recipe to its graph of artifacts: the one place where policy (the recipe) meets mechanism (assets and kernels)."""

from dataclasses import replace
from typing import Any

from assets.corpus.classifiers import classifier, classifier_suite
from assets.corpus.decontamination import decontaminated
from assets.corpus.deduplication import MODEL_INPUT, deduplicated, paragraphs, signatures, trimmed
from assets.corpus.documents import DEDUPLICATED_ASSET, TRIMMED_ASSET, SourcePlan, documents, filtered, key_input
from assets.corpus.report import curation_report
from assets.corpus.suites import corpus_suites
from assets.datasets.embedded import EMBEDDED as EMBEDDED_SETS
from assets.datasets.embedded import prepare
from assets.evals.reports import EvalPlan, leaderboard, release, report
from assets.graph.artifact import Artifact, CheckSuite, Graph
from assets.models.checks import group_suite, model_suites
from assets.models.models import ModelPlan, model
from assets.tokens.card import CardConfig, Origin, data_card
from assets.tokens.tokens import mixture, shards, tokenizer
from kernels.evals.gates import GateConfig
from kernels.specs.config import Config
from kernels.specs.families import specs
from kernels.tokens.mixtures import MixtureConfig
from pipelines.recipe.schema import EMBEDDED, Recipe, RecipeError, kernel_config, nearest
from resources.storage.home import Home
from resources.storage.sources import Location


def build_graph(recipe: Recipe, home: Home) -> Graph:
    """Return a recipe's artifacts, parents before children, with their checks and the files they start from.

    Raises:
        RecipeError: the recipe names an embedded data set that does not exist.
    """
    entries, name = recipe.entries, recipe.name
    sources = {key: _source_plan(recipe, home, entry) for key, entry in entries.sources.items()}
    models = {key: _model_plan(recipe, home, entry) for key, entry in _in_order(entries.models).items()}
    evals = {key: _eval_plan(recipe, home, entry) for key, entry in entries.evals.items()}
    keys = {key: _file(recipe, home, path) for key, path in entries.keys.items()}
    made: list[Artifact] = [
        documents(name, sources),
        *(classifier(name, key, entry) for key, entry in entries.classifiers.items()),
        filtered(name, sources, keys),
        *_deduplication(recipe, home),
        decontaminated(name, TRIMMED_ASSET if entries.deduplication.trims else DEDUPLICATED_ASSET, entries.decontamination, _eval_files(evals)),
        curation_report(name, sources),
        _tokenizer(name, entries.tokenizer),
        shards(name),
        *(mixture(name, key, config) for key, config in entries.mixtures.items()),
        *(data_card(name, key, _card_config(recipe, sources, config)) for key, config in entries.mixtures.items()),
        *(model(name, key, plan) for key, plan in models.items()),
    ]
    if evals:
        made += [report(name, key, evals) for key in models]
        made += [leaderboard(name, list(models))] if models else []
    if entries.release is not None:
        gate = GateConfig.model_validate(entries.release.model_dump(include=set(GateConfig.model_fields)))
        made.append(release(name, entries.release.candidate, gate))
    inputs = {key: plan.location for key, plan in models.items() if plan.location}
    inputs |= {key: plan.location for key, plan in evals.items() if plan.location}
    inputs |= {key_input(key): location for key, location in keys.items()}
    if entries.deduplication.semantic is not None:
        inputs[MODEL_INPUT] = _file(recipe, home, entries.deduplication.semantic.model)
    needed = _embedded_names(recipe)

    def prepare_all() -> None:
        for key in needed:
            prepare(key, home.embedded, home.package_cache)

    return Graph(
        recipe=name,
        artifacts={artifact.name: _with_policy(artifact, recipe) for artifact in made},
        suites=_suites(recipe, models, evals),
        sources={key: plan.location for key, plan in sources.items()},
        inputs=inputs,
        prepare=prepare_all,
    )


def _deduplication(recipe: Recipe, home: Home) -> list[Artifact]:
    """Return the stages that the recipe asks for."""
    name, entry = recipe.name, recipe.entries.deduplication
    stages = [signatures(name, entry, entry.semantic and _file(recipe, home, entry.semantic.model)), deduplicated(name, entry)]
    if entry.paragraphs is not None:
        stages.append(paragraphs(name, entry.paragraphs))
    return [*stages, trimmed(name, entry)] if entry.trims else stages


def _tokenizer(name: str, entry: Any) -> Artifact:
    method = specs("tokenizers")[entry.method]
    return tokenizer(name, method, kernel_config("tokenizers", entry.method, entry), entry.sources, entry.partitions_per_source)


def _card_config(recipe: Recipe, sources: dict[str, SourcePlan], mixture_config: MixtureConfig) -> CardConfig:
    entries = recipe.entries
    steps = {key: [config for _, config in sources[key].steps] for key in mixture_config.weights}
    origins = {key: Origin.model_validate(entries.sources[key].model_dump(include=set(Origin.model_fields))) for key in mixture_config.weights}
    return CardConfig(
        mixture=mixture_config, origins=origins, steps=steps, deduplication=entries.deduplication, decontamination=entries.decontamination
    )


def _in_order(models: dict[str, Any]) -> dict[str, Any]:
    """Return models with parents before children, else in the recipe's order."""
    ordered: dict[str, Any] = {}

    def add(key: str) -> None:
        for parent in models[key].parents:
            if parent not in ordered:
                add(parent)
        ordered.setdefault(key, models[key])

    for key in models:
        add(key)
    return ordered


def _embedded_names(recipe: Recipe) -> list[str]:
    """Return the embedded data sets that a recipe's paths name."""
    entries = recipe.entries
    paths = [entry.path for entry in entries.sources.values()]
    paths += [entries.deduplication.semantic.model] if entries.deduplication.semantic else []
    paths += [entry.data for entry in (*entries.models.values(), *entries.evals.values()) if isinstance(entry.data, str)]
    names = list(dict.fromkeys(path.removeprefix(EMBEDDED).split("/")[0] for path in paths if path.startswith(EMBEDDED)))
    for name in names:
        if name not in EMBEDDED_SETS:
            raise RecipeError(f"{recipe.path}: no embedded data set is named {name!r}; {nearest(name, list(EMBEDDED_SETS))}")
    return names


def _source_plan(recipe: Recipe, home: Home, entry: Any) -> SourcePlan:
    spec = specs("sources")[entry.format]
    location = Location(
        root=recipe.locate(entry.path, home.embedded),
        patterns=tuple(entry.patterns or spec.patterns),
        snapshot=entry.snapshot,
        files_per_partition=entry.files_per_partition,
        left_out=str(recipe.path),
    )
    steps: tuple[tuple[Any, Config], ...] = tuple((specs("filters")[step.kind], step) for step in entry.filters)
    return SourcePlan(spec, kernel_config("sources", entry.format, entry), steps, location)


def _file(recipe: Recipe, home: Home, path: str) -> Location:
    return Location(root=recipe.locate(path, home.embedded), patterns=("*",), snapshot="base", files_per_partition=1)


def _model_plan(recipe: Recipe, home: Home, entry: Any) -> ModelPlan:
    spec = specs("methods")[entry.method]
    return ModelPlan(
        method=spec,
        config=kernel_config("methods", entry.method, entry),
        parents=tuple(entry.parents),
        data=tuple(entry.data) if isinstance(entry.data, list) else entry.data,
        location=_file(recipe, home, str(entry.data)) if spec.data == "package" else None,
    )


def _eval_plan(recipe: Recipe, home: Home, entry: Any) -> EvalPlan:
    spec = specs("tasks")[entry.task]
    return EvalPlan(
        spec=spec,
        config=kernel_config("tasks", entry.task, entry),
        mixture=entry.data if spec.data == "heldout" else None,
        location=_file(recipe, home, entry.data) if spec.data == "file" else None,
    )


def _suites(recipe: Recipe, models: dict[str, ModelPlan], evals: dict[str, EvalPlan]) -> dict[str, list[CheckSuite]]:
    sources = {
        key: set(plan.data) if isinstance(plan.data, tuple) else set(recipe.entries.mixtures[str(plan.data)].weights)
        for key, plan in models.items()
        if plan.method.data in ("mixture", "conversations")
    }
    files = _eval_files(evals)
    limits = {key: entry.limits for key, entry in recipe.entries.sources.items()}
    suites: dict[str, list[CheckSuite]] = {}
    classifiers = [classifier_suite(key, entry) for key, entry in recipe.entries.classifiers.items()]
    for suite in (*corpus_suites(limits), *classifiers, group_suite(recipe.entries.groups), *model_suites(models, sources, files)):
        suites.setdefault(suite.asset, []).append(suite)
    return suites


def _eval_files(evals: dict[str, EvalPlan]) -> dict[str, tuple[Any, Location]]:
    """Return the evals that have a data file, and where it is."""
    return {key: (plan.spec, plan.location) for key, plan in evals.items() if plan.location}


def _with_policy(artifact: Artifact, recipe: Recipe) -> Artifact:
    """Add what the recipe says of an asset beyond its content: the owner, and how old the corpus may grow."""
    metadata: dict[str, Any] = {**artifact.metadata, "owner": recipe.entries.owner}
    if artifact.group in ("corpus", "tokens"):
        metadata["stale_after_hours"] = recipe.entries.schedules.stale_after_hours
    return replace(artifact, metadata=metadata)
