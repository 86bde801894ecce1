"""From a recipe to its graph of artifacts: the one place where policy (the recipe) meets mechanism (assets and kernels)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from assets.corpus.classifiers import classifier, classifier_suite
from assets.corpus.decontamination import decontaminated
from assets.corpus.deduplication import MODEL_INPUT, deduplicated, paragraphs, signatures, trimmed
from assets.corpus.documents import SourcePlan, documents
from assets.corpus.eval_texts import EvalTexts, eval_texts
from assets.corpus.filtered import filtered, steps_of
from assets.corpus.names import DEDUPLICATED, TRIMMED, key_input
from assets.corpus.report import curation_report
from assets.corpus.report_checks import group_suite
from assets.corpus.suites import corpus_suites
from assets.datasets.builder import COMPLETE, is_current
from assets.datasets.embedded import EMBEDDED as EMBEDDED_SETS
from assets.datasets.embedded import prepare
from assets.evals.ladder import ladder, ladder_suites
from assets.evals.leaderboard import leaderboard
from assets.evals.needs import EvalPlan, kind_of
from assets.evals.release import ReleasePlan, release
from assets.evals.scores import scores
from assets.evals.training_runs import comparable_of, groups_of, is_trained, training_runs
from assets.graph.artifact import Artifact, Graph
from assets.graph.checks import CheckSuite
from assets.graph.waivers import told_of
from assets.models.checkpoints import ModelPlan, model
from assets.models.checks import TrainingData, model_suites
from assets.models.names import model_asset
from assets.models.needs import training_sources
from assets.tokens.card import CardConfig, Origin, data_card
from assets.tokens.checks import round_trip_suite, shards_suite
from assets.tokens.mixture import MixturePlan, mixture
from assets.tokens.names import mixture_asset, shards_asset, tokenizer_input
from assets.tokens.shards import shards
from assets.tokens.tokenizer import Measured, tokenizer, tokenizer_of_file, tokenizer_of_model
from kernels.evals.gates import GateConfig
from kernels.specs.config import Config
from kernels.specs.families import specs
from kernels.specs.names import nearest
from kernels.specs.needs import Mixture, Package
from kernels.specs.tokenizers import TokenizerMethod, TokenizerOfFile, TokenizerOfModel
from kernels.synthesis.labels import LABELS_FILE
from kernels.tokens.mixtures.config import MixtureConfig
from pipelines.recipe.faults import said_of
from pipelines.recipe.kinds_of_models import applies, kind_of_model
from pipelines.recipe.schema import EMBEDDED, Recipe, RecipeBase, RecipeError, kernel_config
from pipelines.recipe.splits import earlier_of, partitions_of
from pipelines.recipe.tokenizers import tokenizer_of
from resources.devices.jobs import World
from resources.storage.home import Home
from resources.storage.sources import Location

CARD_TELLS_OF = ("corpus/", "tokens/")


def build_graph(recipe: Recipe, home: Home) -> Graph:
    """Return a recipe's artifacts, parents before children, with their checks and the files they start from.

    Raises:
        RecipeError: the recipe names an embedded data set or a stage that does not exist.
    """
    graph, until = _Builder(recipe, home).graph(), recipe.entries.schedules.until
    if until is not None:
        try:
            graph.until(until)
        except ValueError as error:
            raise RecipeError(f"{recipe.path}: schedules.until: {error}") from None
    return graph


class _Builder:
    """A recipe being turned into a graph: its entries as plans, by name."""

    def __init__(self, recipe: Recipe, home: Home) -> None:
        self.recipe, self.home, self.name, self.entries = recipe, home, recipe.name, recipe.entries
        self.sources = {key: self._source(self.entries.sources[key]) for key in _in_order_of_arrival(self.entries)}
        self.mixtures = {key: self._mixture(key, entry) for key, entry in self.entries.mixtures.items()}
        self.models = {key: self._model(key, entry) for key, entry in _in_order(self.entries.models).items()}
        self.runs = self._runs()
        self.evals = {key: self._eval(key, entry) for key, entry in sorted(self.entries.evals.items())}
        self.keys = {key: self._file(path) for key, path in self.entries.keys.items()}
        self.texts = {
            key: EvalTexts(plan.task, plan.task.texts, plan.location) for key, plan in self.evals.items() if plan.task.texts and plan.location
        }

    def graph(self) -> Graph:
        """Return the graph."""
        artifacts = [*self._corpus(), *self._tokens(), *(model(self.name, key, plan) for key, plan in self.models.items()), *self._evals()]
        artifacts += [ladder(self.name, key, entry) for key, entry in sorted(self.entries.ladders.items())]
        artifacts += [training_runs(self.name, self.runs)] if self.runs else []
        embedded = self._embedded()

        def prepare_all() -> None:
            for name in dict.fromkeys(embedded.values()):
                prepare(name, self.home.embedded, self.home.package_cache)

        suites = self._suites()
        self._check_waivers({artifact.name: artifact for artifact in artifacts}, suites)
        return Graph(
            recipe=self.name,
            artifacts={artifact.name: self._with_policy(artifact) for artifact in _parents_first(artifacts)},
            suites=suites,
            sources={key: self._without_ours(plan.location) for key, plan in self.sources.items()},
            inputs=self._inputs(),
            absent=lambda: {key for key, name in embedded.items() if not is_current(self.home.embedded / name)},
            prepare=prepare_all,
            waivers=tuple(self.entries.waivers),
            keep_versions=self.entries.keep_versions,
        )

    # --- stages ---

    def _corpus(self) -> list[Artifact]:
        """Return the stages of the corpus that the recipe asks for."""
        entry = self.entries.deduplication
        if not self.sources or entry is None:
            return []
        encoder = self._file(entry.semantic.model) if entry.semantic else None
        return [
            documents(self.name, self.sources),
            *(classifier(self.name, key, chosen) for key, chosen in self.entries.classifiers.items()),
            filtered(self.name, self.sources, self.keys),
            signatures(self.name, entry, encoder),
            deduplicated(self.name, entry),
            *([paragraphs(self.name, entry.paragraphs)] if entry.paragraphs else []),
            *([trimmed(self.name, entry)] if entry.trims else []),
            *([eval_texts(self.name, self.texts)] if self.texts else []),
            decontaminated(self.name, TRIMMED if entry.trims else DEDUPLICATED, self.entries.decontamination, list(self.texts)),
            curation_report(self.name, self.sources, list(self.texts), trims=entry.trims),
        ]

    def _tokenizers(self) -> dict[str | None, Any]:
        """Return the recipe's tokenizers; None is the name of an only one."""
        return {**self.entries.tokenizers} if self.entries.tokenizer is None else {None: self.entries.tokenizer}

    def _tokens(self) -> list[Artifact]:
        found: list[Artifact] = []
        for key, entry in self._tokenizers().items():
            found += [self._tokenizer(key, entry), shards(self.name, key)]
        for key, plan in self.mixtures.items():
            found += [mixture(self.name, key, plan), data_card(self.name, key, plan.tokenizer, self._card(plan), list(self.texts))]
        return found

    def _tokenizer(self, key: str | None, entry: Any) -> Artifact:
        method, config = specs("tokenizers")[entry.method], kernel_config("tokenizers", entry.method, entry)
        if isinstance(method, TokenizerMethod):
            return tokenizer(self.name, key, method, config, Measured(entry.sources, entry.partitions_per_source))
        packed = dict.fromkeys(source for plan in self.mixtures.values() if plan.tokenizer == key for source in sorted(plan.config.weights))
        measured = Measured(list(packed), 1)
        if isinstance(method, TokenizerOfModel):
            return tokenizer_of_model(self.name, key, method, config, model_asset(entry.model), measured)
        name = tokenizer_input(key)
        return tokenizer_of_file(self.name, key, method, config, (name, self._tokenizer_files()[name]), measured)

    def _evals(self) -> list[Artifact]:
        asked = {key: {name: plan for name, plan in self.evals.items() if applies(self.entries, name, key)} for key in self.models}
        asked = {key: plans for key, plans in asked.items() if plans}
        if not asked:
            return []
        found = [scores(self.name, key, plans, self._group(key, plans)) for key, plans in asked.items()]
        found.append(leaderboard(self.name, {key: list(plans) for key, plans in asked.items()}, shows_runs=bool(self.runs)))
        entry = self.entries.release
        if entry is not None:
            gate = GateConfig.model_validate(entry.model_dump(include=set(GateConfig.model_fields)))
            found.append(release(self.name, ReleasePlan(entry.candidate, gate, self.evals[gate.metric.split("/")[0]], told_of(self.entries.waivers))))
        return found

    def _group(self, model: str, plans: Mapping[str, EvalPlan]) -> str:
        """Return the name of the models that are asked the same evals: all of the recipe's, or those for their kind."""
        kind = kind_of_model(self.entries, model)
        assert kind is not None, "a recipe with faults has no graph"
        if len(plans) == len(self.evals):
            return "evals"
        return f"evals_of_{kind.attention}{'_reading_images' if kind.reads_images else ''}"

    # --- entries ---

    def _file(self, path: str) -> Location:
        return Location(root=self.recipe.locate(path, self.home.embedded), patterns=("*",), snapshot="base", files_per_partition=1)

    def _tokenizer_files(self) -> dict[str, Location]:
        """Return where the tokenizers are that somebody else made, by input."""
        found: dict[str, Location] = {}
        for key, entry in self._tokenizers().items():
            method = specs("tokenizers")[entry.method]
            if isinstance(method, TokenizerOfFile):
                found[tokenizer_input(key)] = self._file(entry.path)._replace(patterns=method.patterns)
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
        if any(isinstance(need, Package) for need in method.needs):
            said = said._replace(location=self._file(str(entry.data)))
        limits: dict[str, Config] = dict(entry.checks) if "checks" in type(entry).model_fields else {}
        config, project = kernel_config("methods", entry.method, entry), getattr(entry, "wandb_project", None)
        return ModelPlan(method, config, said, World(**entry.run.model_dump()), limits, project)

    def _runs(self) -> dict[str, list[str]]:
        """Return the models whose trainings compare. Examples are counted by the tokens of the model that learns from them."""
        trained = {key: plan for key, plan in self.models.items() if is_trained(plan)}
        tokenizers = {key: None if isinstance(plan.said.data, str) else id(tokenizer_of(self.entries, key)) for key, plan in trained.items()}
        return groups_of({key: comparable_of(plan, tokenizers[key]) for key, plan in trained.items()})

    def _eval(self, key: str, entry: Any) -> EvalPlan:
        task = specs("tasks")[entry.task]
        location = self._file(entry.data) if kind_of(task).is_file else None
        return EvalPlan(key, task, kernel_config("tasks", entry.task, entry), entry.data, location)

    def _card(self, plan: MixturePlan) -> CardConfig:
        entries, sources = self.entries, list(plan.partitions)
        origins = {key: Origin.model_validate(entries.sources[key].model_dump(include=set(Origin.model_fields))) for key in sources}
        return CardConfig(
            mixture=plan.config,
            partitions=dict(plan.partitions),
            origins=origins,
            steps={key: steps_of(self.sources[key]) for key in sources},
            deduplication=cast(Config, entries.deduplication),
            decontamination=entries.decontamination,
            waivers=[waiver for waiver in told_of(entries.waivers, sources) if waiver.asset.startswith(CARD_TELLS_OF)],
        )

    # --- files, checks, policy ---

    def _inputs(self) -> dict[str, Location]:
        """Return the files that the graph starts from beside its sources."""
        found = {key: plan.said.location for key, plan in self.models.items() if plan.said.location}
        found |= {key: plan.location for key, plan in self.evals.items() if plan.location}
        found |= {key_input(key).removeprefix("inputs/"): location for key, location in self.keys.items()}
        found |= self._tokenizer_files()
        semantic = self.entries.deduplication.semantic if self.entries.deduplication else None
        return found | ({MODEL_INPUT: self._file(semantic.model)} if semantic else {})

    def _without_ours(self, location: Location) -> Location:
        """Return a source's place less what is no data of it: the recipe, its other inputs, and modelmill's own state."""
        others = (str(self.recipe.path), *(given.root for given in self._inputs().values() if "://" not in given.root))
        others += (f"{location.root}/{LABELS_FILE}",)  # which the report reads
        if location.root.startswith(f"{self.home.embedded}/"):
            others += (f"{location.root}/{COMPLETE}",)
        return location._replace(left_out=others, state=(str(self.home.root), self.home.lake_url, str(self.home.package_cache)))

    def _embedded(self) -> dict[str, str]:
        """Return the embedded data sets that sources and inputs name, by source or input."""
        roots = {key: plan.location.root for key, plan in self.sources.items()} | {key: location.root for key, location in self._inputs().items()}
        prefix = str(self.home.embedded) + "/"
        found = {key: root.removeprefix(prefix).split("/")[0] for key, root in roots.items() if root.startswith(prefix)}
        for name in found.values():
            if name not in EMBEDDED_SETS:
                raise RecipeError(f"{self.recipe.path}: no embedded data set is named {name!r} ({EMBEDDED}{name}); {nearest(name, EMBEDDED_SETS)}")
        return found

    def _suites(self) -> dict[str, list[CheckSuite]]:
        found: list[CheckSuite] = []
        limits = {key: entry.limits for key, entry in self.entries.sources.items()}
        if self.sources:
            found += [*corpus_suites(limits), group_suite(self.entries.groups)]
        found += [classifier_suite(key, entry) for key, entry in self.entries.classifiers.items()]
        found += [shards_suite(shards_asset(key), limits) for key in self._tokenizers()]
        for key, entry in self._tokenizers().items():
            found.append(round_trip_suite(key, is_ours=isinstance(specs("tokenizers")[entry.method], TokenizerMethod)))
        for key, plan in self.models.items():
            found += model_suites(key, plan, self._training_data(plan), list(self.texts))
        found += [suite for key, entry in sorted(self.entries.ladders.items()) for suite in ladder_suites(key, entry)]
        by_asset: dict[str, list[CheckSuite]] = {}
        for suite in found:
            by_asset.setdefault(suite.asset, []).append(suite)
        return by_asset

    def _check_waivers(self, artifacts: dict[str, Artifact], suites: dict[str, list[CheckSuite]]) -> None:
        """Raise RecipeError where a waiver names an asset or a check that is not there."""
        for number, waiver in enumerate(self.entries.waivers):
            here = f"{self.recipe.path}: waivers.{number}"
            if waiver.asset not in artifacts:
                raise RecipeError(f"{here}: no asset is named {waiver.asset!r}; {nearest(waiver.asset, artifacts)}")
            checks = [check.name for suite in suites.get(waiver.asset, []) for check in suite.checks]
            if waiver.check is not None and waiver.check not in checks:
                raise RecipeError(f"{here}: {waiver.asset} has no check {waiver.check!r}; {nearest(waiver.check, checks)}")
            if (waiver.partition is None) != (artifacts[waiver.asset].partitioning is None):
                lacks = "say which partition, with the key 'partition'" if waiver.partition is None else "it has no partitions; leave the key out"
                raise RecipeError(f"{here}: {waiver.asset}: {lacks}")

    def _training_data(self, plan: ModelPlan) -> TrainingData | None:
        """Return which documents a model is trained on, None where it is trained on none."""
        if any(isinstance(need, Mixture) for need in plan.method.needs):
            name = str(plan.said.data)
            return TrainingData(self.mixtures[name].partitions, mixture_asset(name))
        sources = training_sources(plan.method.needs, plan.said)
        return TrainingData(dict.fromkeys(sources), None) if sources else None

    def _with_policy(self, artifact: Artifact) -> Artifact:
        """Add what the recipe says of an asset beyond its content: the owner, and how old the corpus may grow."""
        hours = self.entries.schedules.stale_after_hours if artifact.group in ("corpus", "tokens") else None
        return replace(artifact, owner=self.entries.owner, stale_after_hours=hours)


def _in_order_of_arrival(entries: RecipeBase) -> list[str]:
    """Return the names of the sources: those whose place the recipe states, then the others."""
    return [*entries.arrival, *sorted(entries.sources.keys() - set(entries.arrival))]


def _in_order(models: dict[str, Any]) -> dict[str, Any]:
    """Return models with parents before children, else in the recipe's order."""
    return {key: models[key] for key in _behind_parents({key: entry.parents for key, entry in models.items()})}


def _parents_first(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """Return artifacts with what each is made from before it, else in their order: a tokenizer may be of a model, and a model be trained by it."""
    by_name = {artifact.name: artifact for artifact in artifacts}
    made_from = {name: [each.asset for each in artifact.made_from if each.asset in by_name] for name, artifact in by_name.items()}
    return [by_name[name] for name in _behind_parents(made_from)]


def _behind_parents(parents: Mapping[str, Sequence[str]]) -> list[str]:
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
