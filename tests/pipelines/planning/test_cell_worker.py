"""What a worker does with a request for one cell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assets.graph.state import GraphState
from pipelines.planning.cell_worker import open_recipe
from pipelines.planning.planner import observe_sources

DOCUMENTS = "corpus/documents"
BOOK = "books.base.000"


@pytest.fixture
def work(shop: Any) -> tuple[Callable[[str, str, str], None], str]:
    """Return what makes documents as a worker does, and the fingerprint that the first book's would have now."""
    graph, lake = shop.graph(), shop.lake
    state = GraphState(graph, lake, observe_sources(graph, lake))
    settings = {
        "recipe_file": str(shop.recipe_file),
        "asset": DOCUMENTS,
        "home": str(shop.home.root),
        "lake_url": shop.home.lake_url,
        "package_cache": str(shop.home.package_cache),
    }
    return open_recipe(settings), state.identity(graph.artifacts[DOCUMENTS], BOOK).fingerprint


def test_a_cell_is_made_as_ordered(shop: Any, work: Any) -> None:
    make_cell, fingerprint = work
    make_cell(BOOK, fingerprint, "")
    assert shop.lake.require(shop.cell(DOCUMENTS, BOOK)).fingerprint == fingerprint


def test_a_worker_whose_recipe_differs_refuses(shop: Any, work: Any) -> None:
    with pytest.raises(ValueError, match="install the same version everywhere"):
        work[0](BOOK, "another fingerprint", "")
    assert shop.contents() == {}


def test_what_an_earlier_attempt_made_is_left_alone_and_what_is_to_be_replaced_is_not(shop: Any, work: Any) -> None:
    make_cell, fingerprint = work
    make_cell(BOOK, fingerprint, "")
    first = shop.lake.require(shop.cell(DOCUMENTS, BOOK))
    make_cell(BOOK, fingerprint, "an older version")
    assert shop.lake.require(shop.cell(DOCUMENTS, BOOK)) == first
    make_cell(BOOK, fingerprint, first.version)
    assert shop.lake.require(shop.cell(DOCUMENTS, BOOK)).version != first.version


def test_a_recipe_that_changed_meanwhile_is_another_recipe(shop: Any, work: Any, tmp_path: Path) -> None:
    shop.change_recipe("max_chars: 4000", "max_chars: 3000")
    settings = {
        "recipe_file": str(shop.recipe_file),
        "asset": DOCUMENTS,
        "home": str(shop.home.root),
        "lake_url": shop.home.lake_url,
        "package_cache": str(tmp_path),
    }
    with pytest.raises(ValueError, match="are not those of the run"):
        open_recipe(settings)(BOOK, work[1], "")
