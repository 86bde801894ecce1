"""From a recipe to its graph of artifacts: the one place where policy (the recipe) meets mechanism (assets and kernels)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from assets.corpus.classifiers import classifier, classifier_suite
from assets.corpus.decontamination import decontaminated
from assets.corpus.deduplication import deduplicated, paragraphs, signatures, trimmed
from assets.corpus.documents import documents
from assets.corpus.eval_texts import eval_texts
from assets.corpus.filtered import filtered, steps_of
from assets.corpus.names import DEDUPLICATED, TRIMMED
from assets.corpus.report import curation_report
from assets.corpus.report_checks import group_suite
from assets.corpus.suites import corpus_suites
from assets.datasets.builder import is_current
from assets.datasets.embedded import prepare
from assets.evals.ladder import ladder, ladder_suites
from assets.evals.leaderboard import leaderboard
from assets.evals.needs import EvalPlan
from assets.evals.release import ReleasePlan, release
from assets.evals.scores import scores
from assets.evals.training_runs import training_runs
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
from kernels.specs.needs import Mixture
from kernels.specs.tokenizers import TokenizerMethod, TokenizerOfModel
from pipelines.recipe.kinds_of_models import applies, kind_of_model
from pipelines.recipe.plans import Plans, behind_parents
from pipelines.recipe.schema import Recipe, RecipeError, kernel_config
from resources.storage.home import Home

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
    """A recipe being turned into a graph."""

    def __init__(self, recipe: Recipe, home: Home) -> None:
        self.recipe, self.home, self.name, self.entries = recipe, home, recipe.name, recipe.entries
        self.plans = Plans(recipe, home)

    def graph(self) -> Graph:
        """Return the graph."""
        artifacts = [*self._corpus(), *self._tokens(), *(model(self.name, key, plan) for key, plan in self.plans.models.items()), *self._evals()]
        artifacts += [ladder(self.name, key, entry) for key, entry in sorted(self.entries.ladders.items())]
        artifacts += [training_runs(self.name, self.plans.runs)] if self.plans.runs else []
        embedded = self.plans.embedded()

        def prepare_all() -> None:
            for name in dict.fromkeys(embedded.values()):
                prepare(name, self.home.embedded, self.home.package_cache)

        suites = self._suites()
        self._check_waivers({artifact.name: artifact for artifact in artifacts}, suites)
        return Graph(
            recipe=self.name,
            artifacts={artifact.name: self._with_policy(artifact) for artifact in _parents_first(artifacts)},
            suites=suites,
            sources={key: self.plans.without_ours(plan.location) for key, plan in self.plans.sources.items()},
            inputs=self.plans.inputs(),
            absent=lambda: {key for key, name in embedded.items() if not is_current(self.home.embedded / name)},
            prepare=prepare_all,
            waivers=tuple(self.entries.waivers),
            keep_versions=self.entries.keep_versions,
        )

    # --- stages ---

    def _corpus(self) -> list[Artifact]:
        """Return the stages of the corpus that the recipe asks for."""
        entry = self.entries.deduplication
        if not self.plans.sources or entry is None:
            return []
        encoder = self.plans.file(entry.semantic.model) if entry.semantic else None
        return [
            documents(self.name, self.plans.sources),
            *(classifier(self.name, key, chosen) for key, chosen in self.entries.classifiers.items()),
            filtered(self.name, self.plans.sources, self.plans.keys),
            signatures(self.name, entry, encoder),
            deduplicated(self.name, entry),
            *([paragraphs(self.name, entry.paragraphs)] if entry.paragraphs else []),
            *([trimmed(self.name, entry)] if entry.trims else []),
            *([eval_texts(self.name, self.plans.texts)] if self.plans.texts else []),
            decontaminated(self.name, TRIMMED if entry.trims else DEDUPLICATED, self.entries.decontamination, list(self.plans.texts)),
            curation_report(self.name, self.plans.sources, list(self.plans.texts), trims=entry.trims),
        ]

    def _tokens(self) -> list[Artifact]:
        found: list[Artifact] = []
        for key, entry in self.plans.tokenizers().items():
            found += [self._tokenizer(key, entry), shards(self.name, key)]
        for key, plan in self.plans.mixtures.items():
            found += [mixture(self.name, key, plan), data_card(self.name, key, plan.tokenizer, self._card(plan), list(self.plans.texts))]
        return found

    def _tokenizer(self, key: str | None, entry: Any) -> Artifact:
        method, config = specs("tokenizers")[entry.method], kernel_config("tokenizers", entry.method, entry)
        if isinstance(method, TokenizerMethod):
            return tokenizer(self.name, key, method, config, Measured(entry.sources, entry.partitions_per_source))
        packed = dict.fromkeys(source for plan in self.plans.mixtures.values() if plan.tokenizer == key for source in sorted(plan.config.weights))
        measured = Measured(list(packed), 1)
        if isinstance(method, TokenizerOfModel):
            return tokenizer_of_model(self.name, key, method, config, model_asset(entry.model), measured)
        name = tokenizer_input(key)
        return tokenizer_of_file(self.name, key, method, config, (name, self.plans.tokenizer_files()[name]), measured)

    def _evals(self) -> list[Artifact]:
        asked = {key: {name: plan for name, plan in self.plans.evals.items() if applies(self.entries, name, key)} for key in self.plans.models}
        asked = {key: plans for key, plans in asked.items() if plans}
        if not asked:
            return []
        found = [scores(self.name, key, plans, self._group(key, plans)) for key, plans in asked.items()]
        found.append(leaderboard(self.name, {key: list(plans) for key, plans in asked.items()}, shows_runs=bool(self.plans.runs)))
        entry = self.entries.release
        if entry is not None:
            gate = GateConfig.model_validate(entry.model_dump(include=set(GateConfig.model_fields)))
            found.append(
                release(self.name, ReleasePlan(entry.candidate, gate, self.plans.evals[gate.metric.split("/")[0]], told_of(self.entries.waivers)))
            )
        return found

    def _group(self, model: str, plans: Mapping[str, EvalPlan]) -> str:
        """Return the name of the models that are asked the same evals: all of the recipe's, or those for their kind."""
        kind = kind_of_model(self.entries, model)
        assert kind is not None, "a recipe with faults has no graph"
        if len(plans) == len(self.plans.evals):
            return "evals"
        told = f"{'_reading_images' if kind.reads_images else ''}{'' if kind.tells_likelihoods else '_telling_no_likelihoods'}"
        return f"evals_of_{kind.attention}{told}"

    def _card(self, plan: MixturePlan) -> CardConfig:
        entries, sources = self.entries, list(plan.partitions)
        origins = {key: Origin.model_validate(entries.sources[key].model_dump(include=set(Origin.model_fields))) for key in sources}
        return CardConfig(
            mixture=plan.config,
            partitions=dict(plan.partitions),
            origins=origins,
            steps={key: steps_of(self.plans.sources[key]) for key in sources},
            deduplication=cast(Config, entries.deduplication),
            decontamination=entries.decontamination,
            waivers=[waiver for waiver in told_of(entries.waivers, sources) if waiver.asset.startswith(CARD_TELLS_OF)],
        )

    # --- checks, policy ---

    def _suites(self) -> dict[str, list[CheckSuite]]:
        found: list[CheckSuite] = []
        limits = {key: entry.limits for key, entry in self.entries.sources.items()}
        if self.plans.sources:
            found += [*corpus_suites(limits), group_suite(self.entries.groups)]
        found += [classifier_suite(key, entry) for key, entry in self.entries.classifiers.items()]
        found += [shards_suite(shards_asset(key), limits) for key in self.plans.tokenizers()]
        for key, entry in self.plans.tokenizers().items():
            found.append(round_trip_suite(key, is_ours=isinstance(specs("tokenizers")[entry.method], TokenizerMethod)))
        for key, plan in self.plans.models.items():
            found += model_suites(key, plan, self._training_data(plan), list(self.plans.texts))
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
            return TrainingData(self.plans.mixtures[name].partitions, mixture_asset(name))
        sources = training_sources(plan.method.needs, plan.said)
        return TrainingData(dict.fromkeys(sources), None) if sources else None

    def _with_policy(self, artifact: Artifact) -> Artifact:
        """Add what the recipe says of an asset beyond its content: the owner, and how old the corpus may grow."""
        hours = self.entries.schedules.stale_after_hours if artifact.group in ("corpus", "tokens") else None
        return replace(artifact, owner=self.entries.owner, stale_after_hours=hours)


def _parents_first(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """Return artifacts with what each is made from before it, else in their order: a tokenizer may be of a model, and a model be trained by it."""
    by_name = {artifact.name: artifact for artifact in artifacts}
    made_from = {name: [each.asset for each in artifact.made_from if each.asset in by_name] for name, artifact in by_name.items()}
    return [by_name[name] for name in behind_parents(made_from)]
