"""``mill init``: a recipe beside the user's own data."""

from pathlib import Path

import pytest

from pipelines.planning.planner import observe_sources
from pipelines.recipe.graph import build_graph
from pipelines.recipe.scaffold import find_formats, scaffold
from pipelines.recipe.schema import load_recipe, specs
from resources.storage.home import Home


def test_the_formats_found_become_sources_and_each_reads_its_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "My Data 2"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("A book.")
    (folder / "deep" / "b.py").write_text("x = 1\n")
    (folder / "c.jsonl").write_text("{}\n")
    recipe = load_recipe(scaffold(folder))
    home = Home.resolve(folder / ".mill", {})
    observed = observe_sources(build_graph(recipe, home), home.lake())
    assert recipe.name == "my_data_2"
    assert {(p.source, file.path) for p in observed.active for file in p.files} == {("books", "a.txt"), ("code", "deep/b.py"), ("chats", "c.jsonl")}
    assert set(recipe.entries.mixtures["pretrain"].weights) == {"books", "code"}


@pytest.mark.parametrize("format_", list(specs("sources")))
def test_every_format_has_a_template_that_makes_a_valid_recipe(format_: str, tmp_path: Path) -> None:
    (tmp_path / specs("sources")[format_].patterns[0].replace("*", "000")).write_text("x")
    recipe = load_recipe(scaffold(tmp_path))
    assert list(recipe.entries.sources) == ["books" if format_ == "text" else "chats" if format_ == "jsonl" else format_]


def test_a_dump_of_posts_is_not_taken_for_an_encyclopedia(tmp_path: Path) -> None:
    (tmp_path / "Posts.xml").write_text("<posts/>")
    assert find_formats(tmp_path) == {"stackexchange": "stackexchange"}


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
