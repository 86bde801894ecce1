"""Waivers in Dagster's event log: a check whose waivers changed since it was last told is told anew, though nothing was judged."""

import json
from pathlib import Path

import dagster as dg

from assets.graph.state import GraphState
from assets.orchestration.checks import check_result, waived
from assets.orchestration.keys import asset_key
from resources.storage.atomic import write_atomically


def mirror_waivers(instance: dg.DagsterInstance, state: GraphState, ledger: Path) -> int:
    """Tell Dagster of each check whose waived cells are others than ``ledger`` remembers; return how many were told."""
    try:
        remembered: dict[str, dict[str, dict[str, str]]] = json.loads(ledger.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        remembered = {}
    known = remembered.get(state.graph.recipe, {})
    now: dict[str, dict[str, str]] = {}
    told = 0
    for asset, suites in state.graph.suites.items():
        cells = [status.cell for status in state.cells if status.cell.asset == asset]
        for check in (check for suite in suites for check in suite.checks):
            verdicts = {cell: found for cell in cells if (found := state.record(asset, cell.partition).verdicts.get(check.name)) is not None}
            waivers = waived(state, check, verdicts)
            words = {str(cell): said for cell, said in waivers.items()}
            name = f"{asset} {check.name}"
            if words:
                now[name] = words
            if verdicts and known.get(name, {}) != words:
                key = asset_key(state.graph.recipe, asset)
                result = check_result(key, check, verdicts, waivers, 0, None)
                instance.report_runless_asset_event(
                    dg.AssetCheckEvaluation(
                        asset_key=key,
                        check_name=check.name,
                        passed=result.passed,
                        severity=result.severity,
                        description=result.description,
                        metadata=dict(result.metadata or {}),
                    )
                )
                told += 1
    if now != known:
        write_atomically(ledger, json.dumps({**remembered, state.graph.recipe: now}, indent=1))
    return told
