"""What commands print, at eighty columns and through a pipe."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from assets.graph.state import CellStatus
from pipelines.terminal.application import app
from resources.storage.manifest import Cell

for command in ("plan", "show", "status", "up"):
    importlib.import_module(f"pipelines.commands.{command}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, make_shop: Callable[[Path], Any]) -> Any:
    """The small recipe brought up to its filtered documents."""
    shop = make_shop(tmp_path_factory.mktemp("finished") / "shop")
    assert not shop.up("corpus/filtered").failed
    return shop


def mill(shop: Any, *words: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    from pipelines.terminal import application

    monkeypatch.setattr(application.console, "width", 80)
    return CliRunner().invoke(app, [*words, "--recipe", str(shop.recipe_file)])


def test_a_plan_says_how_many_cells_of_each_stage_and_source_wait_and_why(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = mill(finished, "plan", monkeypatch=monkeypatch).output
    assert all(len(line) <= 80 for line in told.splitlines())
    lines = [line.split() for line in told.splitlines()]
    assert ["corpus/signatures", "books", "3", "stale", "missing"] in lines
    assert ["chats", "2", "stale", "missing"] in lines


def test_a_plan_names_files_that_came_changed_and_went_and_gives_each_cell_on_request(
    finished: Any, monkeypatch: pytest.MonkeyPatch, prose: Callable[[int], str]
) -> None:
    books = finished.folder / "books"
    kept = {path: path.read_text() for path in books.iterdir()}
    try:
        (books / "book-0.txt").unlink()
        (books / "book-1.txt").write_text(prose(11))
        (books / "book-7.txt").write_text(prose(7))
        assert "books: 1 new: book-7.txt; 1 changed: book-1.txt; 1 gone: book-0.txt" in mill(finished, "plan", monkeypatch=monkeypatch).output
        assert "corpus/documents[books.base.001]" in mill(finished, "plan", "--details", monkeypatch=monkeypatch).output
    finally:
        (books / "book-7.txt").unlink(missing_ok=True)
        for path, text in kept.items():
            path.write_text(text)


def test_a_stage_past_which_nothing_is_made_and_several_assets_may_be_named(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = mill(finished, "up", "corpus/documents", "corpus/filtered", monkeypatch=monkeypatch)
    assert told.exit_code == 0 and "nothing to do: 10 cells are as they should be" in told.output
    told = mill(finished, "up", "--until", "corpus/filtered", monkeypatch=monkeypatch)
    assert told.exit_code == 0 and "nothing to do: 10 cells" in told.output
    wrong = mill(finished, "up", "--until", "tokns", monkeypatch=monkeypatch)
    assert str(wrong.exception) == "no stage or asset is named 'tokns'; did you mean 'tokens'?"


def test_status_fits_eighty_columns_and_counts_cells_that_are_there(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = mill(finished, "status", monkeypatch=monkeypatch).output.splitlines()
    assert all(len(line) <= 80 for line in told)
    (filtered,) = [line.split() for line in told if "corpus/filtered" in line]
    assert filtered[1] == "5" and "pass" in filtered
    (shards,) = [line.split() for line in told if "tokens/shards" in line]
    assert shards[1:4] == ["0", "of", "5"]


def test_show_says_what_people_look_for_first_and_the_rest_on_request(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = mill(finished, "show", "corpus/filtered[books.base.000]", monkeypatch=monkeypatch).output
    assert told.startswith("corpus/filtered[books.base.000]") and " rows, " in told and "fingerprint" not in told
    assert "check text_is_not_empty: pass" in told
    assert "fingerprint" in mill(finished, "show", "corpus/filtered[books.base.000]", "--details", monkeypatch=monkeypatch).output


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.startswith("modelmill ")


def test_a_plan_counts_many_sources_of_one_reason_in_a_line_and_names_few(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.commands.plan import _groups
    from pipelines.terminal import application

    def waiting(sources: list[str], reason: str) -> list[CellStatus]:
        return [CellStatus(Cell("r", "corpus/filtered", f"{source}.base.000"), "pending", reason) for source in sources]

    monkeypatch.setattr(application.console, "width", 120)
    with application.console.capture() as captured:
        application.console.print(_groups([*waiting(["a", "b", "c", "d"], "missing; hangs on corpus/documents[a] and 2 more"), *waiting(["e"], "x")]))
    lines = [line.split() for line in captured.get().splitlines()]
    assert ["corpus/filtered", "4", "sources", "4", "pending", "missing;", "hangs", "on", "corpus/documents"] in lines
    assert ["e", "1", "pending", "x"] in lines


def test_past_a_stage_means_behind_all_of_it_and_of_those_before(finished: Any) -> None:
    reached = finished.graph().until("tokens")
    assert {"corpus/report", "tokens/mixture_pretrain"} <= reached and not [name for name in reached if name.startswith(("models/", "evals/"))]
    assert "corpus/report" not in finished.graph().until("tokens/shards")


def test_what_to_do_next_names_only_what_stands(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.terminal import application
    from pipelines.terminal.hints import print_next_steps
    from pipelines.terminal.workbench import Workbench

    bench = Workbench(str(finished.recipe_file))
    for standing, shown in (({"corpus/filtered"}, []), ({"corpus/report", "models/base"}, ["show corpus/report", "chat base"])):
        with application.console.capture() as captured:
            print_next_steps(bench, standing)
        assert [words for words in ("show corpus/report", "show evals/leaderboard", "chat base") if words in captured.get()] == shown
