"""Checks that look at one cell at a time: of the curation report and of models."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from assets.corpus.documents import CLEAN_ASSET, source_of
from assets.corpus.report import CURATION_ASSET, GroupLimits
from assets.graph.artifact import Check, CheckSuite
from assets.models.models import LOSSES, ModelPlan, model_asset
from kernels.documents.schema import DOCUMENTS
from kernels.specs.tasks import Eval
from resources.storage.content import hash_json
from resources.storage.home import Home
from resources.storage.lake import Cell, Lake, Verdict
from resources.storage.sources import Location, standing_cells
from resources.storage.tables import read_tables

MAX_KL_NATS = 0.05
MIN_TOP1_AGREEMENT = 0.8

Judge = Callable[[Lake, Home, Cell], tuple[bool, str, dict[str, Any]]]


def single_check(name: str, description: str, asset: str, blocking: bool, version: int | str, judge: Judge) -> CheckSuite:
    """Return a suite of one check that looks at one cell at a time."""

    def evaluate(lake: Lake, home: Home, cells: list[Cell]) -> dict[Cell, dict[str, Verdict]]:
        verdicts: dict[Cell, dict[str, Verdict]] = {}
        for cell in cells:
            passed, finding, metadata = judge(lake, home, cell)
            content = lake.require(cell).content
            verdicts[cell] = {
                name: Verdict(content=content, version=str(version), passed=passed, blocking=blocking, description=finding, metadata=metadata)
            }
        return verdicts

    suite = f"{asset.replace('/', '_')}__{name}"
    return CheckSuite(name=suite, asset=asset, checks=(Check(name, description, blocking, str(version)),), evaluate=evaluate)


def group_suite(limits: GroupLimits) -> CheckSuite:
    """Return the check that curation erases no group of people."""

    def judge(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
        rows = [row for row in lake.table(cell, "mentions").to_pylist() if row["before"] >= limits.min_documents]
        low = [row for row in rows if row["relative"] < (limits.min_relative or 0)]
        finding = "; ".join(
            f"{row['group']}: {row['before']} documents before, {row['after']} after, {row['relative']:.2f} of the rate of all" for row in low
        )
        return not low, finding or f"{len(rows)} groups are kept as others are", {"num_groups": len(rows), "num_low": len(low)}

    asked = "nothing is asked" if limits.min_relative is None else f"at least {limits.min_relative} of the rate of all"
    description = f"Documents that mention a group of people are kept about as often as others: {asked}."
    return single_check("no_group_is_erased", description, CURATION_ASSET, False, hash_json(limits.model_dump())[:8], judge)


def _judge_losses(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
    losses = [float(value) for value in lake.table(cell, LOSSES.removesuffix(".parquet"))["loss"].to_pylist() if value is not None]
    tenth = max(1, len(losses) // 10)
    first, last = sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
    finite = all(math.isfinite(loss) for loss in losses)
    return finite and last < first, f"loss {first:.3f} -> {last:.3f} over {len(losses)} records", {"first": first, "last": last}


def _judge_quantized(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
    metadata = lake.require(cell).metadata
    kl, agreement = float(metadata["mean_logit_kl"]), float(metadata["top1_agreement"])
    passed = kl <= MAX_KL_NATS and agreement >= MIN_TOP1_AGREEMENT
    return passed, f"KL {kl:.2g} nats, same first choice {agreement:.1%}", {"mean_logit_kl": kl, "top1_agreement": agreement}


def model_suites(
    models: Mapping[str, ModelPlan], training_sources: Mapping[str, set[str]], evals: Mapping[str, tuple[Eval, Location]]
) -> list[CheckSuite]:
    """Return the checks on models: those of training, of quantization, and that no eval text was trained on."""
    suites: list[CheckSuite] = []
    for name, plan in models.items():
        asset = model_asset(name)
        if plan.method.data in ("mixture", "conversations"):
            suites.append(
                single_check("loss_is_finite_and_fell", "Every loss is finite and the last tenth is below the first.", asset, True, 1, _judge_losses)
            )
            if evals:
                suites.append(_decontamination_check(asset, training_sources[name], evals))
        if plan.method.name == "int8":
            description = (
                f"The mean KL divergence from its parent is at most {MAX_KL_NATS} nats a token and {MIN_TOP1_AGREEMENT:.0%} of first choices agree."
            )
            suites.append(single_check("stays_close_to_its_parent", description, asset, True, 1, _judge_quantized))
    return suites


def _decontamination_check(asset: str, sources: set[str], evals: Mapping[str, tuple[Eval, Location]]) -> CheckSuite:
    def judge(lake: Lake, home: Home, cell: Cell) -> tuple[bool, str, dict[str, Any]]:
        import polars as pl

        from kernels.curation.contamination import find_contaminated, index_evals

        texts = [text for spec, location in evals.values() if spec.texts for text in spec.texts(Path(location.root))]
        trained = [c for c in standing_cells(lake, cell.recipe) if c.asset == CLEAN_ASSET and source_of(c.partition) in sources]
        index = index_evals(texts)
        parts = [find_contaminated(table, index) for c in trained for table in read_tables(lake.folder(c) / "documents.parquet")]
        found = pl.concat([find_contaminated(DOCUMENTS.empty_table(), index), *parts])
        examples = "; ".join(f"{row['id']}: {row['ngram']!r}" for row in found.head(3).iter_rows(named=True))
        finding = f"{found['id'].n_unique()} documents share 13 words with an eval item" + (f": {examples}" if examples else "")
        return found.is_empty(), finding, {"num_documents": found["id"].n_unique(), "num_eval_items": len(texts)}

    description = "No document it was trained on shares 13 words in a row with an item of the recipe's evals."
    return single_check("no_eval_text_in_training", description, asset, False, 1, judge)
