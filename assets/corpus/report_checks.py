"""Checks on the curation report."""

from assets.corpus.names import REPORT
from assets.corpus.report import GroupLimits
from assets.graph.build import Judging
from assets.graph.checks import CheckFinding, CheckSuite, single_check
from resources.storage.content import hash_json
from resources.storage.manifest import Cell


def group_suite(limits: GroupLimits) -> CheckSuite:
    """Return the check that curation erases no group of people."""

    def judge(judging: Judging, cell: Cell) -> CheckFinding:
        rows = [row for row in judging.table(cell, "mentions").to_pylist() if row["before"] >= limits.min_documents]
        low = [row for row in rows if row["relative"] < (limits.min_relative or 0)]
        finding = "; ".join(
            f"{row['group']}: {row['before']} documents before, {row['after']} after, {row['relative']:.2f} of the rate of all" for row in low
        )
        return CheckFinding(not low, finding or f"{len(rows)} groups are kept as others are", {"num_groups": len(rows), "num_low": len(low)})

    asked = "nothing is asked" if limits.min_relative is None else f"at least {limits.min_relative} of the rate of all"
    description = f"Documents that mention a group of people are kept about as often as others: {asked}."
    return single_check("no_group_is_erased", description, REPORT, blocking=False, version=hash_json(limits.model_dump())[:8], judge=judge)
