"""Classifiers that filters ask: trained on documents of the recipe itself, of two sides, and judged on documents held out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PositiveInt, StringConstraints

from assets.corpus.names import DOCUMENTS, classifier_asset
from assets.graph.artifact import Artifact
from assets.graph.build import CellBuild, Judging
from assets.graph.checks import CheckFinding, CheckSuite, single_check
from assets.graph.metadata import rows_markdown
from assets.graph.upstream import first
from kernels.curation.classifiers.hashed_ngrams import ClassifierConfig
from kernels.specs.config import Config
from resources.storage.manifest import Cell

if TYPE_CHECKING:
    import polars as pl

CLASSIFIERS_VERSION = 2
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


FieldName = Annotated[str, StringConstraints(pattern=r"^[^'\\]+$")]


class Labels(Config):
    """Which documents are of which side, where sources hold both."""

    field: FieldName
    """A field of the documents' metadata; a document whose value stands on neither list is left out."""
    positive: Annotated[list[str], Field(min_length=1)]
    """Its values on the positive side."""
    negative: Annotated[list[str], Field(min_length=1)]
    """Its values on the negative side."""


class TrainingConfig(ClassifierConfig):
    """What a classifier of documents is made from: documents as they were extracted, before any filter."""

    positive: Annotated[list[str], Field(min_length=1)]
    """Sources of documents that should score near 1: texts as one would like them for `quality_classifier`, toxic ones for `toxicity_classifier`."""
    negative: Annotated[list[str], Field(min_length=1)]
    """Sources of documents of the other kind, or of all kinds."""
    labels: Labels | None = None
    """Which of their documents count; None takes all."""
    group_field: FieldName | None = None
    """A field of the documents' metadata; those with one value, such as sentences made from one template, are held out together."""
    partitions_per_source: PositiveInt
    """How many partitions of each, counted from the first, so that it stays as it is when data arrives."""
    max_documents: PositiveInt
    """How many documents of each side, counted from the first."""


class ClassifierEntry(TrainingConfig):
    """A classifier of documents, and how good it must be."""

    min_auc: float = Field(ge=0.5, lt=1)
    """What it must reach on held-out documents for filters to use it."""


def examples(documents: "pl.DataFrame", config: TrainingConfig, is_positive: bool) -> "pl.DataFrame":
    """Return what is learned from documents (id, text, metadata as JSON) of one side: text, label, group."""
    import polars as pl

    def field(name: str) -> pl.Expr:
        return pl.col("metadata").str.json_path_match(f"$['{name}']")

    if config.labels is not None:
        values = config.labels.positive if is_positive else config.labels.negative
        documents = documents.filter(field(config.labels.field).is_in(values))
    group = pl.col("id") if config.group_field is None else pl.coalesce(field(config.group_field), "id")
    return documents.select(pl.col("text").str.slice(0, config.max_chars), pl.lit(is_positive).alias("label"), group.alias("group"))


def classifier(recipe: str, name: str, entry: ClassifierEntry) -> Artifact:
    """Return the artifact of a trained classifier."""
    config = TrainingConfig.model_validate(entry.model_dump(include=set(TrainingConfig.model_fields)))
    return Artifact(
        recipe=recipe,
        name=classifier_asset(name),
        description=f"A classifier that tells documents of {', '.join(config.positive)} from those of {', '.join(config.negative)}.",
        group="classifiers",
        kinds=("numpy",),
        code_version=f"hashed_ngrams:{CLASSIFIERS_VERSION}",
        config=lambda partition: config,
        made_from=(first(DOCUMENTS, (*config.positive, *config.negative), config.partitions_per_source),),
        build=lambda build: train_classifier(build, config),
    )


def train_classifier(build: CellBuild, config: TrainingConfig) -> None:
    """Train on the first documents of each side."""
    import polars as pl

    from kernels.curation.classifiers.hashed_ngrams import save, train

    model, report = train(pl.concat([_side(build, config, config.positive, True), _side(build, config, config.negative, False)]), config)
    save(model, build.draft.folder)
    rows = [{"share of negatives at or above": rate, "least score": model.threshold(rate)} for rate in SHARES]
    build.draft.metadata |= {**report._asdict(), "thresholds": rows_markdown(rows)}


def _side(build: CellBuild, config: TrainingConfig, sources: Sequence[str], is_positive: bool) -> "pl.DataFrame":
    """Return the examples of one side, as many as the config takes."""
    import polars as pl

    usable = set(build.usable(DOCUMENTS))
    wanted = [key for source in sources for key in build.observed.keys_of({source})[: config.partitions_per_source] if key in usable]
    frames = [pl.DataFrame(schema={"text": pl.String, "label": pl.Boolean, "group": pl.String})]
    room = config.max_documents
    for table in (table for key in wanted for table in build.tables(DOCUMENTS, "documents", key)):
        frame: Any = pl.from_arrow(table.select(["id", "text", "metadata"]))
        frames.append(examples(frame, config, is_positive).head(room))
        room -= len(frames[-1])
        if not room:
            break
    return pl.concat(frames)


def classifier_suite(name: str, entry: ClassifierEntry) -> CheckSuite:
    """Return the check that a classifier separates what it was trained to."""

    def judge(judging: Judging, cell: Cell) -> CheckFinding:
        auc = float(judging.manifest(cell).metadata["auc"])
        return CheckFinding(auc >= entry.min_auc, f"AUC {auc:.3f} on held-out documents; at least {entry.min_auc} is asked for", {"auc": auc})

    return single_check(
        "separates",
        "The classifier tells held-out documents of its two sides apart.",
        classifier_asset(name),
        blocking=True,
        version=f"1:{entry.min_auc}",
        judge=judge,
    )
