"""``mill init``: a recipe beside the user's own data."""

from pathlib import Path

import pytest

from pipelines.graph import build_graph
from pipelines.planner import observe_sources
from pipelines.recipe import load_recipe
from pipelines.scaffold import scaffold
from resources.home import Home


def test_the_formats_found_become_sources_and_each_reads_its_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "My Data 2"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("A book.")
    (folder / "deep" / "b.py").write_text("x = 1\n")
    (folder / "c.jsonl").write_text("{}\n")
    recipe = load_recipe(scaffold(folder))
    home = Home.resolve(folder / ".mill", {})
    registry = observe_sources(build_graph(recipe, home), home.lake())
    assert recipe.name == "my_data_2"
    assert {(p.source, file.path) for p in registry.active() for file in p.files} == {("books", "a.txt"), ("code", "deep/b.py"), ("chats", "c.jsonl")}
    assert set(recipe.entries.mixtures["pretrain"].weights) == {"books", "code"}


def test_a_recipe_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A book.")
    scaffold(tmp_path)
    with pytest.raises(FileExistsError, match=r"recipe\.yaml"):
        scaffold(tmp_path)


def test_a_folder_without_readable_files_is_told_with_the_formats(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("?")
    with pytest.raises(FileNotFoundError, match=r"wikipedia: \*\.xml"):
        scaffold(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        scaffold(tmp_path / "nowhere")
