"""Checks on models: those that their methods declare, and that no evaluation's text was trained on."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from assets.corpus.names import CLEAN, EVAL_TEXTS
from assets.graph.build import Judging
from assets.graph.checks import CheckFinding, CheckSuite, single_check
from assets.graph.upstream import as_set, named, up_to, whole
from assets.models.checkpoints import ModelPlan
from assets.models.names import model_asset
from kernels.specs.config import Config
from kernels.specs.methods import MethodCheck
from kernels.tokens.mixtures.membership import MEMBERSHIP_FILE
from resources.storage.content import hash_json
from resources.storage.manifest import Cell
from resources.storage.tables import read_tables

CONTAMINATION_VERSION = 5
CONTAMINATION_CHECK = "no_eval_text_in_training"
SHOWN_DOCUMENTS = 3


class ContaminationLimits(Config):
    """How much of the recipe's evals a model may have been trained on."""

    max_documents: int = Field(default=0, ge=0)
    """Documents that share 13 words in a row with an item, at most."""


class TrainingData(NamedTuple):
    """Which documents a model is trained on."""

    partitions: Mapping[str, int | None]
    """The sources that they are of, and of each how many partitions at most, counted from the first that came."""
    mixture: str | None
    """The asset of the mixture that it reads them from, which leaves some out; None where it learns from all."""


def model_suites(name: str, plan: ModelPlan, data: TrainingData | None, evals: Sequence[str]) -> list[CheckSuite]:
    """Return the checks on one model. ``data`` is None where it is trained on no documents; ``evals`` are those whose texts are looked for."""
    asset = model_asset(name)
    suites = [_method_check(asset, check, plan.limits.get(check.name, check.limits)) for check in plan.method.checks]
    if data is None or not evals:
        return suites
    limits = plan.limits.get(CONTAMINATION_CHECK, ContaminationLimits())
    return [*suites, _contamination_check(asset, data, evals, ContaminationLimits.model_validate(limits.model_dump()).max_documents)]


def _method_check(asset: str, check: MethodCheck, limits: Config) -> CheckSuite:
    def judge(judging: Judging, cell: Cell) -> CheckFinding:
        found = check.judge(judging.folder(cell), judging.manifest(cell).metadata, limits)
        return CheckFinding(found.passed, found.description, found.numbers)

    version = f"{check.version}:{hash_json(limits.model_dump(mode='json'))[:8]}"
    return single_check(check.name, check.description, asset, blocking=check.blocking, version=version, judge=judge)


def _contamination_check(asset: str, data: TrainingData, evals: Sequence[str], max_documents: int) -> CheckSuite:
    def judge(judging: Judging, cell: Cell) -> CheckFinding:
        texts = tuple(sorted(str(judging.folder(cell._replace(asset=EVAL_TEXTS, partition=name))) for name in evals))
        keys = [key for key in judging.state.observed.first_keys(data.partitions) if judging.state.usable(CLEAN, key) is not None]
        folders = [judging.folder(cell._replace(asset=CLEAN, partition=key)) for key in keys]
        found = [row for folder in folders for row in _documents_with_texts(str(folder), texts)]
        seen = found if data.mixture is None else _in_rows(judging.folder(cell._replace(asset=data.mixture)), found)
        examples = "; ".join(f"{document}: {words!r}" for document, words in seen[:SHOWN_DOCUMENTS])
        description = f"{len(seen)} documents share 13 words with an eval item, or hold a shorter one whole (at most {max_documents} may)"
        description += f": {examples}" if examples else ""
        missed = sum(judging.manifest(cell._replace(asset=EVAL_TEXTS, partition=name)).metadata.get("num_not_searched", 0) for name in evals)
        description += f"; {missed} items are too short to be looked for" if missed else ""
        numbers = {"num_documents": len(seen), "num_not_trained_on": len(found) - len(seen), "num_items_not_searched": missed}
        return CheckFinding(len(seen) <= max_documents, description, numbers)

    return single_check(
        CONTAMINATION_CHECK,
        "No document it was trained on shares 13 words in a row with an item of the recipe's evals, or holds a shorter item whole.",
        asset,
        blocking=False,
        version=f"{CONTAMINATION_VERSION}:{max_documents}",
        judge=judge,
        reads=(as_set(named(EVAL_TEXTS, evals)), up_to(CLEAN, data.partitions), *((whole(data.mixture),) if data.mixture else ())),
    )


def _in_rows(mixture: Path, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return those of some documents, by id, of which a mixture's training rows hold any token."""
    ids = {document for document, _ in found}
    trained: set[str] = set()
    for table in read_tables(mixture / MEMBERSHIP_FILE, ["split", "id"]):
        rows = zip(table["split"].to_pylist(), table["id"].to_pylist(), strict=True)
        trained |= {document for split, document in rows if split == "train" and document in ids}
    return [row for row in found if row[0] in trained]


@functools.lru_cache(maxsize=4096)
def _documents_with_texts(documents: str, texts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the documents of a folder that share words with the texts of some folders, with the first words shared: once for all models."""
    index = _index(texts)
    from kernels.curation.contamination import find_contaminated

    found: dict[str, str] = {}
    for table in read_tables(Path(documents) / "documents.parquet"):
        for row in find_contaminated(table, index).iter_rows(named=True):
            found.setdefault(row["id"], row["ngram"])
    return list(found.items())


@functools.lru_cache(maxsize=2)
def _index(folders: tuple[str, ...]) -> Any:
    from kernels.curation.contamination import EvalText, index_evals

    tables = [table for folder in folders for table in read_tables(Path(folder) / "texts.parquet")]
    return index_evals([EvalText(**row) for table in tables for row in table.to_pylist()])
