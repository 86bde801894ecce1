"""Check suites as Dagster sees them: each is one multi-asset check that judges the cells which wait for a verdict."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.graph.artifact import Graph
from assets.graph.build import Judging
from assets.graph.checks import Check, CheckFinding, CheckSuite
from assets.graph.metadata import markdown_table
from assets.graph.state import GraphState
from assets.graph.waivers import quarantine_of
from assets.orchestration.events import rounded
from assets.orchestration.keys import asset_key
from resources.storage.home import Home
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Verdict
from resources.storage.progress import Progress, tell
from resources.storage.sources import load_sources

MAX_TABLE_CHARS = 3000
MAX_HEADLINE_CHARS = 600
SHOWN_WAIVERS = 20


def dagster_checks(graph: Graph, suite: CheckSuite) -> dg.AssetChecksDefinition:
    """Return one suite as one multi-asset check; it judges the cells whose present content has no verdict yet."""
    key = asset_key(graph.recipe, suite.asset)

    @dg.multi_asset_check(
        name=f"{graph.recipe}__{suite.name}",
        specs=[dg.AssetCheckSpec(check.name, asset=key, description=check.description, blocking=check.blocking) for check in suite.checks],
        description=f"Judges every cell of {suite.asset} whose content has not been judged yet.",
        op_tags={"dagster/priority": "1"},  # before what hangs on it, which waits for verdicts
    )
    def body(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake], home: dg.ResourceParam[Home]) -> Iterator[dg.AssetCheckResult]:
        state = GraphState(graph, lake, load_sources(lake, graph.recipe))
        artifact = graph.artifacts[suite.asset]
        cells = [artifact.cell(partition) for partition in artifact.partitions(state.observed)]
        cells = [cell for cell in cells if state.manifest(cell.asset, cell.partition) is not None]
        waiting = [cell for cell in cells if state.is_unjudged(suite, cell)]
        judged = judge(suite, waiting, state, home) if waiting else {}
        for cell, verdicts in judged.items():
            blocked = [f"{name}: {verdict.description}" for name, verdict in verdicts.items() if verdict.blocking and not verdict.passed]
            tell(Progress(cell, "blocked" if blocked else "passed", "; ".join(blocked)))
            for message in blocked:
                context.log.error(f"{cell}: {message}")
        verdicts = {cell: {**state.record(cell.asset, cell.partition).verdicts, **judged.get(cell, {})} for cell in cells}
        for check in suite.checks:
            found = {cell: named[check.name] for cell, named in verdicts.items() if check.name in named}
            yield check_result(key, check, found, waived(state, check, found), len(judged), home.docs_url if suite.has_data_docs else None)

    return body


def judge(suite: CheckSuite, cells: list[Cell], state: GraphState, home: Home) -> dict[Cell, dict[str, Verdict]]:
    """Judge cells, keep the verdicts beside them and return them."""
    known = [check.name for other in state.graph.suites.get(suite.asset, []) for check in other.checks]
    checks = {check.name: check for check in suite.checks}
    judged: dict[Cell, dict[str, Verdict]] = {}
    for cell, findings in suite.evaluate(Judging(state, home), cells).items():
        content, reads = state.lake.require(cell).content, state.reads(suite, cell)
        judged[cell] = {name: _verdict(checks[name], finding, content, reads) for name, finding in findings.items()}
        state.lake.record_verdicts(cell, judged[cell], known)
    return judged


def _verdict(check: Check, finding: CheckFinding, content: str, reads: str) -> Verdict:
    return Verdict(
        content=content,
        version=check.version,
        reads=reads,
        passed=finding.passed,
        blocking=check.blocking,
        description=finding.description,
        metadata=dict(finding.metadata),
    )


def waived(state: GraphState, check: Check, verdicts: dict[Cell, Verdict]) -> dict[Cell, str]:
    """Return the cells that fail a check and that the recipe accepts or leaves out nevertheless, with its words."""
    found: dict[Cell, str] = {}
    for cell, verdict in verdicts.items():
        manifest = state.manifest(cell.asset, cell.partition)
        if manifest is not None and not verdict.passed:
            waiver = quarantine_of(state.graph.waivers, manifest) or state.acceptances.of(manifest, check.name)
            found |= {cell: f"{waiver.action}: {waiver.reason}"} if waiver else {}
    return found


def check_result(
    key: dg.AssetKey, check: Check, verdicts: dict[Cell, Verdict], waivers: dict[Cell, str], num_judged_now: int, docs_url: str | None
) -> dg.AssetCheckResult:
    """Return the state of one check over all cells of an asset: how many fail and which, what was measured, and the limit.

    It fails though the recipe waives some cells, and blocks where it waives not all of them.
    """
    failing = {cell: verdict for cell, verdict in verdicts.items() if not verdict.passed}
    metadata: dict[str, Any] = {}
    if waivers:
        rows = [{"partition": cell.partition or cell.asset, "decision": words} for cell, words in waivers.items()]
        metadata |= {"waived": dg.MetadataValue.md(markdown_table(rows[:SHOWN_WAIVERS])), "num_waived": len(waivers)}
    if failing:
        metadata["failing"] = dg.MetadataValue.md(_table(failing))
    elif len(verdicts) == 1:
        (only,) = verdicts.values()
        metadata |= {name: rounded(value) for name, value in only.metadata.items() if isinstance(value, int | float | str)}
    metadata |= {"num_failing": len(failing), "num_cells": len(verdicts), "num_judged_now": num_judged_now}
    if len(verdicts) > 1:
        metadata |= _sums(verdicts)
    if docs_url is not None:
        metadata["data_docs"] = dg.MetadataValue.url(docs_url)
    metadata["mill"] = f"mill show '{next(iter(failing or verdicts), key.to_user_string())}'"
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=check.name,
        passed=not failing,
        severity=dg.AssetCheckSeverity.ERROR if check.blocking and len(waivers) < len(failing) else dg.AssetCheckSeverity.WARN,
        description=(headline(verdicts, failing) + (f"; {len(waivers)} waived by the recipe" if waivers else ""))[:MAX_HEADLINE_CHARS],
        metadata=metadata,
    )


def headline(verdicts: dict[Cell, Verdict], failing: dict[Cell, Verdict]) -> str:
    """Return what a check came to in a line: how many fail, the first of them, what was measured and the limit."""
    if not failing:
        only = next(iter(verdicts.values())).description if len(verdicts) == 1 else ""
        return only or f"all {len(verdicts)} cells pass"
    cell, verdict = next(iter(failing.items()))
    count = "" if len(verdicts) == 1 else f"{len(failing)} of {len(verdicts)} cells fail; first "
    return f"{count}{cell.partition or cell.asset}: {verdict.description}"


def _sums(verdicts: dict[Cell, Verdict]) -> dict[str, int | float]:
    """Return the numbers that all verdicts have, added up."""
    names = set.intersection(*(set(verdict.metadata) for verdict in verdicts.values()))
    counted = [name for name in sorted(names) if name.startswith("num_") and name not in ("num_failing", "num_cells", "num_judged_now")]
    return {name: sum(verdict.metadata[name] for verdict in verdicts.values()) for name in counted}


def _table(failing: dict[Cell, Verdict]) -> str:
    """Return the failing cells as a table, as many whole rows as there is room for."""
    rows = [{"partition": cell.partition or cell.asset, "finding": verdict.description} for cell, verdict in failing.items()]
    shown = len(rows)
    while shown > 1 and len(markdown_table(rows[:shown])) > MAX_TABLE_CHARS:
        shown -= 1
    more = f"\n\nand {len(rows) - shown} more" if shown < len(rows) else ""
    return markdown_table(rows[:shown]) + more
