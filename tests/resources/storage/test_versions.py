"""What becomes of versions: history, rollback, pins, retention, readers, two writers, verification, the ledger."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from resources.storage import ledger
from resources.storage.lake import Lake
from resources.storage.look import look
from resources.storage.manifest import Cell, KeptVersion, Manifest
from resources.storage.publishing import MadeFrom, draft, publish, sweep
from resources.storage.versions import history, old_versions, pin, pins, remove_version, rollback, trouble_of, unpin, verify
from tests.locations import PROJECT

MODEL, RELEASE = Cell("r", "models/base"), Cell("r", "release")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", tmp_path / "cache")


def put(lake: Lake, cell: Cell, text: str, *keeps: KeptVersion) -> Manifest:
    with draft(lake, cell, "f") as begun:
        (begun.folder / "text.txt").write_text(text)
        (begun.folder / "plot.png").write_text("plot of " + text)
        begun.unhashed.append("plot.png")
        begun.keeps += keeps
        return publish(lake, begun, MadeFrom(code_version="1", config={"text": text}, parents=[]))


def text_of(lake: Lake, cell: Cell, version: str | None = None) -> str:
    return (lake.folder(cell, version) / "text.txt").read_text()


def prune(lake: Lake, keep_last: int) -> list[str]:
    removed = [old.version for old in old_versions(lake, "r", keep_last)]
    for old in old_versions(lake, "r", keep_last):
        remove_version(lake, old.cell, old.version)
    return removed


def test_the_last_few_versions_stay_and_older_ones_go(lake: Lake) -> None:
    made = [put(lake, MODEL, text) for text in ("one", "two", "three", "four")]
    assert prune(lake, 2) == [made[1].version, made[0].version]
    assert [manifest.version for manifest in history(lake, MODEL)] == [made[3].version, made[2].version]
    assert text_of(lake, MODEL, made[2].version) == "three"
    assert prune(lake, 2) == []


def test_a_release_holds_the_model_that_it_names_however_often_that_is_made_again(lake: Lake) -> None:
    released = put(lake, MODEL, "released")
    put(lake, RELEASE, "release", KeptVersion(asset=MODEL.asset, partition=None, version=released.version))
    for number in range(4):
        put(lake, MODEL, f"refused {number}")
        prune(lake, 1)
    assert text_of(lake, MODEL, released.version) == "released"
    put(lake, RELEASE, "another release")
    assert prune(lake, 1)[-1:] and released.version not in [manifest.version for manifest in history(lake, MODEL)]


def test_a_pinned_version_stays_and_a_version_that_is_being_read(lake: Lake) -> None:
    first, second = put(lake, MODEL, "one"), put(lake, MODEL, "two")
    put(lake, MODEL, "three")
    pin(lake, MODEL, first.version, "the best so far")
    with lake.reading([(MODEL, second.version)]):
        assert prune(lake, 1) == []
    assert prune(lake, 1) == [second.version]
    assert unpin(lake, MODEL) and not unpin(lake, MODEL)
    assert prune(lake, 1) == [first.version]


def test_a_reader_that_was_killed_holds_nothing(lake: Lake) -> None:
    first = put(lake, MODEL, "one")
    put(lake, MODEL, "two")
    code = f"""
import os, signal
from pathlib import Path
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
with Lake({lake.root!r}, Path({str(lake.cache)!r})).reading([(Cell('r', 'models/base'), {first.version!r})]):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert len(list(lake.readers.iterdir())) == 1
    assert prune(lake, 1) == [first.version]
    assert list(lake.readers.iterdir()) == []


def test_an_earlier_version_stands_again_and_is_pinned(lake: Lake) -> None:
    first = put(lake, MODEL, "one")
    put(lake, MODEL, "two")
    assert rollback(lake, MODEL, None, "two is worse") == first
    assert text_of(lake, MODEL) == "one"
    assert (pins(lake, "r")[str(MODEL)].version, pins(lake, "r")[str(MODEL)].reason) == (first.version, "two is worse")
    with pytest.raises(ValueError, match="no earlier version is kept"):
        rollback(lake, MODEL, None, "again")
    with pytest.raises(ValueError, match=r"no versions are called 'v-nothing'; there are v-"):
        rollback(lake, MODEL, "v-nothing", "")


def test_a_damaged_version_does_not_stand_again(lake: Lake) -> None:
    first = put(lake, MODEL, "one")
    put(lake, MODEL, "two")
    (lake.folder(MODEL, first.version) / "text.txt").write_text("ONE")
    with pytest.raises(ValueError, match="cannot stand again"):
        rollback(lake, MODEL, None, "")
    assert text_of(lake, MODEL) == "two"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("text.txt", "ONE", "holds other values"), ("plot.png", "plot of two", "is not what was written"), ("text.txt", "longer", "has 6 bytes, not 3")],
)
def test_verification_finds_what_was_flipped_and_has_the_cell_made_again(lake: Lake, name: str, content: str, said: str) -> None:
    put(lake, MODEL, "one")
    assert dict(verify(lake, [MODEL])) == {MODEL: ""}
    (lake.folder(MODEL) / name).write_text(content)
    (trouble,) = dict(verify(lake, [MODEL])).values()
    assert said in trouble
    assert trouble in look(lake, "r")[MODEL].trouble
    put(lake, MODEL, "one again")
    assert look(lake, "r")[MODEL].trouble == ""


@pytest.mark.parametrize(("harm", "said"), [("missing", "is missing"), ("cut", "has 1 bytes, not 3"), ("swapped", "bytes, not 3")])
def test_every_look_sees_files_that_are_missing_or_of_another_size(lake: Lake, harm: str, said: str) -> None:
    put(lake, MODEL, "one")
    path = lake.folder(MODEL) / "text.txt"
    path.unlink() if harm == "missing" else path.write_text("o" if harm == "cut" else "quite another")
    assert said in look(lake, "r")[MODEL].trouble


def test_broken_sidecars_are_named_and_stop_nothing_else(lake: Lake) -> None:
    put(lake, MODEL, "one")
    put(lake, RELEASE, "fine")
    Path(lake.place(MODEL, "manifest.json")).write_text("{")
    Path(lake.place(RELEASE, "checks.json")).write_text("{")
    records = look(lake, "r")
    assert records[MODEL].manifest is None and "manifest.json: not a manifest" in records[MODEL].trouble
    assert records[RELEASE].manifest is not None and records[RELEASE].verdicts == {}


def test_of_two_writers_of_one_cell_one_wins_whole_and_nothing_is_left_over(lake: Lake) -> None:
    made_from = MadeFrom(code_version="1", config={}, parents=[])
    with draft(lake, MODEL) as first, draft(lake, MODEL) as second:
        for number, begun in enumerate((first, second)):
            (begun.folder / "text.txt").write_text(str(number))
        assert publish(lake, first, made_from) == publish(lake, second, made_from)
    assert text_of(lake, MODEL) == "0"
    assert len(history(lake, MODEL)) == 1 and list(lake.drafts.iterdir()) == []
    assert [attempt.outcome for attempt in ledger.read(lake, "r")] == ["made", "superseded"]


def test_sweeping_beside_a_living_writer_takes_nothing_of_its(lake: Lake) -> None:
    with draft(lake, MODEL) as begun:
        (begun.folder / "text.txt").write_text("half")
        assert sweep(lake) == []
        assert (begun.folder / "text.txt").exists()


def test_the_cost_of_a_killed_attempt_goes_into_the_ledger(lake: Lake) -> None:
    code = f"""
import os, signal, time
from pathlib import Path
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.publishing import draft
with draft(Lake({lake.root!r}, Path({str(lake.cache)!r})), Cell('r', 'models/base'), 'fingerprint') as begun:
    time.sleep(0.2)
    (begun.folder / 'half').write_text('half')
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert len(sweep(lake)) == 1
    (attempt,) = ledger.read(lake, "r")
    assert (attempt.asset, attempt.outcome, attempt.fingerprint) == ("models/base", "killed", "fingerprint")
    assert 0.1 < attempt.seconds < 60
    assert sweep(lake) == [] and len(ledger.read(lake, "r")) == 1


def test_a_killed_attempt_cost_the_time_until_it_last_wrote_into_its_scratch_folder(lake: Lake, tmp_path: Path) -> None:
    code = f"""
import os, signal, time
from pathlib import Path
from resources.storage.lake import Lake
from resources.storage.manifest import Cell
from resources.storage.publishing import draft
scratch = Path({str(tmp_path)!r}) / 'scratch' / 'states'
with draft(Lake({lake.root!r}, Path({str(lake.cache)!r})), Cell('r', 'models/base'), 'fingerprint', scratch.parent) as begun:
    time.sleep(0.2)
    scratch.mkdir(parents=True)
    (scratch / 'state').write_text('weights')
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    sweep(lake)
    (attempt,) = ledger.read(lake, "r")
    assert 0.1 < attempt.seconds < 60
    assert (tmp_path / "scratch" / "states" / "state").exists(), "what a training goes on from stays"


def test_the_ledger_keeps_every_attempt_and_a_torn_line_stops_nothing(lake: Lake) -> None:
    put(lake, MODEL, "one")
    put(lake, MODEL, "two")
    path = Path(lake.root) / "r" / ledger.FILE
    with path.open("a") as stream:
        stream.write('{"asset": "mod')
    assert [attempt.outcome for attempt in ledger.read(lake, "r")] == ["made", "made"]
    put(lake, MODEL, "three")
    assert [attempt.outcome for attempt in ledger.read(lake, "r")] == ["made", "made", "made"]
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["nonsense", *lines[:2], ""]))
    with pytest.raises(ValueError, match=r"ledger\.jsonl:1: not an attempt"):
        ledger.read(lake, "r")


def test_a_reason_with_separators_of_lines_in_it_stays_one_line_of_the_ledger(lake: Lake) -> None:
    attempt = ledger.Attempt(
        asset="a", partition=None, fingerprint="f", outcome="failed", began_at=0.0, seconds=1.0, reason="one\ntwo\u2028three\x85four"
    )
    ledger.record(lake, "r", attempt)
    assert ledger.read(lake, "r") == [attempt]


def test_broken_pins_name_their_file_and_the_remedy(lake: Lake) -> None:
    lake.write_state("r", "pins.json", "[")
    with pytest.raises(ValueError, match=r"pins\.json: no list of pins .*delete it to let go"):
        pins(lake, "r")


def test_a_cell_of_the_first_schema_is_still_read_and_verified(lake: Lake) -> None:
    put(lake, MODEL, "one")
    path = Path(lake.place(MODEL, "manifest.json"))
    values = json.loads(path.read_text())
    for name in ("unhashed", "seed", "provenance", "keeps"):
        values.pop(name)
    path.write_text(json.dumps({**values, "schema_version": 1}))
    os.utime(path)
    assert trouble_of(lake, Lake(lake.root, lake.cache).require(MODEL)) == ""
