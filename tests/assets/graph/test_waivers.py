"""A cell that a check stopped is let through, or left out, by the recipe: for one content, with a reason that is told."""

from pathlib import Path
from typing import Any

import pytest

from assets.graph.artifact import SHARDS, Graph
from assets.graph.build import CellBuild, Judging
from assets.graph.checks import BAD_ROWS, CheckFinding, CheckSuite, single_check
from assets.graph.state import GraphState
from assets.graph.upstream import every, same
from assets.graph.waivers import Waiver, proposal
from assets.orchestration.checks import check_result, waived
from resources.storage.home import Home
from resources.storage.manifest import Cell
from tests.small_graphs import artifact, bring_up, graph_of, observed

SOURCES = observed("web.base.000", "web.base.001")
BAD = Cell("r", "corpus/documents", "web.base.001")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.resolve(tmp_path / "home", {})


def write(build: CellBuild) -> None:
    (build.draft.folder / "text.txt").write_text(str(build.partition))


def gather(build: CellBuild) -> None:
    (build.draft.folder / "text.txt").write_text(" ".join(build.usable("corpus/filtered")))


def fails_on_the_second(judging: Judging, cell: Cell) -> CheckFinding:
    return CheckFinding(cell.partition != BAD.partition, "measured 3, at most 2")


SUITE: CheckSuite = single_check("is_good", "Good.", "corpus/documents", blocking=True, version=1, judge=fails_on_the_second)


def graph(*waivers: Waiver) -> Graph:
    return graph_of(
        artifact("corpus/documents", write, partitioning=SHARDS),
        artifact("corpus/filtered", write, partitioning=SHARDS, made_from=(same("corpus/documents"),)),
        artifact("tokens/mixture", gather, made_from=(every("corpus/filtered"),)),
        suites={"corpus/documents": [SUITE]},
        waivers=waivers,
    )


def waiver(given_for: str, **changes: Any) -> Waiver:
    words = {"action": "accept", "check": "is_good", "asset": BAD.asset, "partition": BAD.partition, "content": given_for, "reason": "seen, and fine"}
    return Waiver.model_validate({**words, **changes})


def states(home: Home, *waivers: Waiver) -> dict[str, tuple[str, str]]:
    state = GraphState(graph(*waivers), home.lake(), SOURCES)
    return {str(status.cell): (status.state, status.reason) for status in state.cells}


def mixed(home: Home) -> str:
    return (home.lake().folder(Cell("r", "tokens/mixture")) / "text.txt").read_text()


def test_a_cell_that_fails_is_blocked_and_what_hangs_on_it_held(home: Home) -> None:
    bring_up(graph(), home, SOURCES)
    assert states(home)[str(BAD)] == ("blocked", "is_good: measured 3, at most 2")
    assert states(home)["corpus/filtered[web.base.001]"][0] == "held"
    assert mixed(home) == "web.base.000"


def test_an_accepted_cell_is_let_through_and_says_why(home: Home) -> None:
    bring_up(graph(), home, SOURCES)
    content = home.lake().require(BAD).content
    accepted = waiver(content[:12])
    assert bring_up(graph(accepted), home, SOURCES) == ["corpus/filtered[web.base.001]", "tokens/mixture"]
    assert states(home, accepted)[str(BAD)] == ("fresh", "accepted though is_good fails: seen, and fine")
    assert mixed(home) == "web.base.000 web.base.001"
    assert home.lake().require(BAD).content == content


def test_a_waiver_changes_no_fingerprint_of_what_is_made(home: Home) -> None:
    bring_up(graph(), home, SOURCES)
    before = {cell: home.lake().require(cell).fingerprint for cell in home.lake().cells("r") if cell.asset.startswith("corpus")}
    bring_up(graph(waiver(home.lake().require(BAD).content)), home, SOURCES)
    assert before == {cell: home.lake().require(cell).fingerprint for cell in before}


def test_another_content_needs_another_waiver(home: Home) -> None:
    bring_up(graph(), home, SOURCES)
    stale = waiver("0" * 32)
    assert states(home, stale)[str(BAD)][0] == "blocked"
    (told,) = GraphState(graph(stale), home.lake(), SOURCES).acceptances.idle()
    assert "it was given for 00000000000000000000000000000000, and this is" in told


def test_a_waiver_of_a_version_is_for_that_making_alone(home: Home) -> None:
    bring_up(graph(), home, SOURCES)
    version = home.lake().require(BAD).version
    assert states(home, waiver("", content=None, version=version))[str(BAD)][0] == "fresh"
    assert states(home, waiver("", content=None, version="v-000000000000"))[str(BAD)][0] == "blocked"


def test_a_waiver_of_another_check_lets_nothing_through(home: Home) -> None:
    bring_up(graph(), home, SOURCES)
    assert states(home, waiver(home.lake().require(BAD).content, check="is_long"))[str(BAD)][0] == "blocked"


def test_a_quarantined_cell_is_left_out_of_all_that_hangs_on_it(home: Home) -> None:
    good = Cell("r", "corpus/documents", "web.base.000")
    bring_up(graph(), home, SOURCES)
    accepted = waiver(home.lake().require(BAD).content)
    out = waiver(home.lake().require(good).content, action="quarantine", check=None, partition=good.partition, reason="poisoned")
    bring_up(graph(accepted, out), home, SOURCES)
    assert states(home, accepted, out)[str(good)] == ("quarantined", "quarantined: poisoned")
    assert states(home, accepted, out)["corpus/filtered[web.base.000]"] == ("quarantined", f"left out: {good} is quarantined")
    assert mixed(home) == "web.base.001"


def test_dagster_is_told_that_a_check_fails_and_that_it_is_waived(home: Home) -> None:
    import dagster as dg

    bring_up(graph(), home, SOURCES)
    state = GraphState(graph(waiver(home.lake().require(BAD).content)), home.lake(), SOURCES)
    verdicts = {BAD: state.record(BAD.asset, BAD.partition).verdicts["is_good"]}
    decided = waived(state, SUITE.checks[0], verdicts)
    result = check_result(dg.AssetKey("x"), SUITE.checks[0], verdicts, decided, 1, None)
    assert decided == {BAD: "accept: seen, and fine"}
    assert (result.passed, result.severity, "1 waived by the recipe" in str(result.description)) == (False, dg.AssetCheckSeverity.WARN, True)
    assert check_result(dg.AssetKey("x"), SUITE.checks[0], verdicts, {}, 1, None).severity == dg.AssetCheckSeverity.ERROR


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content": None}, "say for which content or which version"),
        ({"version": "v-000000000000"}, "say for which content or which version"),
        ({"check": None}, "name the check"),
        ({"reason": "  "}, "at least 1 character"),
        ({"content": "0" * 7}, "should match pattern"),
    ],
)
def test_a_waiver_says_what_it_is_for_and_why(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        waiver("0" * 32, **changes)


def test_a_line_to_paste_is_a_waiver(home: Home) -> None:
    import yaml

    bring_up(graph(), home, SOURCES)
    manifest = home.lake().require(BAD)
    words = yaml.safe_load(proposal(manifest, "is_good"))[0]
    assert Waiver.model_validate(words).holds(manifest)


def bad_rows(asset: str, num_bad: int) -> CheckSuite:
    """A check that finds so many rows at fault in the second partition."""

    def judge(judging: Judging, cell: Cell) -> CheckFinding:
        found = num_bad if cell.partition == BAD.partition else 0
        return CheckFinding(not found, f"{found} of 9 rows fail", {"num_rows": 9, BAD_ROWS: found})

    return single_check("is_good", "Good.", asset, blocking=True, version=1, judge=judge)


def rows_graph(num_later: int, *waivers: Waiver) -> Graph:
    return graph_of(
        artifact("corpus/documents", write, partitioning=SHARDS),
        artifact("corpus/filtered", write, partitioning=SHARDS, made_from=(same("corpus/documents"),)),
        artifact("corpus/signatures", write, partitioning=SHARDS, made_from=(same("corpus/filtered"),)),
        artifact("tokens/shards", write, partitioning=SHARDS, made_from=(same("corpus/signatures"),)),
        suites={
            "corpus/documents": [bad_rows("corpus/documents", 2)],
            **{name: [bad_rows(name, num_later)] for name in ("corpus/filtered", "tokens/shards")},
        },
        waivers=waivers,
    )


@pytest.mark.parametrize("num_later", [1, 2])
def test_what_is_accepted_once_is_accepted_in_what_is_made_from_it(home: Home, num_later: int) -> None:
    bring_up(rows_graph(num_later), home, SOURCES)
    accepted = rows_graph(num_later, waiver(home.lake().require(BAD).content))
    bring_up(accepted, home, SOURCES)
    state = GraphState(accepted, home.lake(), SOURCES)
    assert {status.state for status in state.cells} == {"fresh"}
    for asset in ("corpus/filtered", "tokens/shards"):
        words = "accepted though is_good fails: seen, and fine (said of corpus/documents[web.base.001], which it is made from)"
        assert state.status(asset, BAD.partition).reason == words


def test_more_rows_at_fault_than_were_accepted_need_a_waiver_of_their_own(home: Home) -> None:
    bring_up(rows_graph(3), home, SOURCES)
    first = waiver(home.lake().require(BAD).content)
    bring_up(rows_graph(3, first), home, SOURCES)
    state = GraphState(rows_graph(3, first), home.lake(), SOURCES)
    assert [status.state for status in state.cells if status.cell.partition == BAD.partition] == ["fresh", "blocked", "held", "held"]


def test_a_waiver_for_an_earlier_content_carries_nothing_over(home: Home) -> None:
    bring_up(rows_graph(2), home, SOURCES)
    accepted = rows_graph(2, waiver(home.lake().require(BAD).content))
    bring_up(accepted, home, SOURCES)
    stale = GraphState(rows_graph(2, waiver("0" * 32)), home.lake(), SOURCES)
    assert [status.state for status in stale.cells if status.cell.partition == BAD.partition] == ["blocked", "held", "held", "held"]
