"""Classifiers that filters ask: trained on documents of the recipe itself, reference against raw, and judged on documents held out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PositiveInt

from assets.artifact import Artifact, CheckSuite, Dependency, Work, markdown_table
from assets.corpus import DOCUMENTS_ASSET, first_partitions
from assets.suites import single_check
from kernels.classifiers.hashed_ngrams import ClassifierConfig
from resources.home import Home
from resources.lake import Cell, Lake

if TYPE_CHECKING:
    import polars as pl

CLASSIFIERS_VERSION = 1
KEEP_RATES = (0.1, 0.25, 0.5, 0.75, 0.9)


class TrainingConfig(ClassifierConfig):
    """What a classifier of documents is made from: documents as they were extracted, before any filter."""

    reference: Annotated[list[str], Field(min_length=1)]
    """Sources whose documents are as one would like them."""
    raw: Annotated[list[str], Field(min_length=1)]
    """Sources whose documents are of all kinds."""
    partitions_per_source: PositiveInt
    """How many partitions of each, counted from the first, so that it stays as it is when data arrives."""
    max_documents: PositiveInt
    """How many documents of each side, counted from the first."""


class ClassifierEntry(TrainingConfig):
    """A classifier of documents, and how good it must be."""

    min_auc: float = Field(ge=0.5, lt=1)
    """What it must reach on held-out documents for filters to use it."""


def classifier_asset(name: str) -> str:
    """Return the asset name of a classifier."""
    return f"classifiers/{name}"


def classifier(recipe: str, name: str, entry: ClassifierEntry) -> Artifact:
    """Return the artifact of a trained classifier."""
    config = TrainingConfig.model_validate(entry.model_dump(include=set(TrainingConfig.model_fields)))

    def texts(work: Work, sources: Sequence[str]) -> "pl.Series":
        import polars as pl

        known = set(work.existing(DOCUMENTS_ASSET))
        wanted = [key for key in first_partitions(work.registry, sources, config.partitions_per_source) if key in known]
        tables = (table for key in wanted for table in work.tables(DOCUMENTS_ASSET, "documents", key))
        parts = [pl.Series("text", [], pl.String)]
        room = config.max_documents
        while room and (table := next(tables, None)) is not None:
            text: Any = pl.from_arrow(table["text"])
            parts.append(text.rename("text").head(room).str.slice(0, config.max_chars))
            room -= len(parts[-1])
        return pl.concat(parts)

    def build(work: Work) -> None:
        from kernels.classifiers.hashed_ngrams import save, train

        model, report = train(texts(work, config.reference), texts(work, config.raw), config)
        save(model, work.draft.folder)
        rows = [{"keep rate": rate, "least score": model.threshold(rate)} for rate in KEEP_RATES]
        work.draft.metadata |= {**report._asdict(), "thresholds": {"markdown": markdown_table(rows)}}

    return Artifact(
        recipe=recipe,
        name=classifier_asset(name),
        description=f"A classifier that tells documents of {', '.join(config.reference)} from those of {', '.join(config.raw)}.",
        group="classifiers",
        kinds=("numpy",),
        code_version=f"hashed_ngrams:{CLASSIFIERS_VERSION}",
        partitioned=False,
        config=lambda partition: config,
        dependencies=lambda registry, partition: [
            Dependency(DOCUMENTS_ASSET, first_partitions(registry, (*config.reference, *config.raw), config.partitions_per_source), optional=True)
        ],
        build=build,
        upstream=(DOCUMENTS_ASSET,),
    )


def classifier_suite(name: str, entry: ClassifierEntry) -> CheckSuite:
    """Return the check that a classifier separates what it was trained to."""

    def judge(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
        auc = float(lake.require(cell).metadata["auc"])
        return auc >= entry.min_auc, f"AUC {auc:.3f} on held-out documents; at least {entry.min_auc} is asked for", {"auc": auc}

    return single_check(
        "separates", "The classifier tells held-out documents of its two sides apart.", classifier_asset(name), True, f"1:{entry.min_auc}", judge
    )
