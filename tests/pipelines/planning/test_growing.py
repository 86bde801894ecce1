"""A corpus that grows under a model: what stood stays, and what comes after it holds what is new and a share of what is not."""

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq

FIRST, GROWN = "tokens/mixture_pretrain", "tokens/mixture_grown"
MIXTURE = """\
  grown:
    after: pretrain
    replay: 0.25
    weights: {books: 1.0}
    max_epochs: 50.0
    max_train_tokens: null
    sequence_length: 64
    validation_fraction: 0.0
    max_heldout_documents: 0
    seed: 2
models:
"""


def members(shop: Any, mixture: str, split: str, *, earlier: bool) -> set[str]:
    wanted: Any = [("split", "=", split), ("is_earlier", "=", earlier)]
    table = pq.read_table(shop.lake.folder(shop.cell(mixture)) / "membership.parquet", columns=["id"], filters=wanted)
    return set(map(str, table["id"].to_pylist()))


def books(*numbers: int) -> set[str]:
    return {f"books/book-{number}.txt" for number in numbers}


def files_of(ids: set[str]) -> set[str]:
    return {document_id.split("#")[0] for document_id in ids}


def test_a_bound_that_comes_before_new_files_are_made_leaves_what_stands_and_the_rest_is_new(shop: Any, prose: Callable[..., str]) -> None:
    assert not shop.up(FIRST).failed
    shop.change_recipe("  pretrain:\n", "  pretrain:\n    first_partitions: {books: 3}\n")
    shop.change_recipe("models:\n", MIXTURE)
    assert FIRST not in shop.waiting()
    (told,) = shop.up(GROWN).failed.values()
    assert "no document of 'books' is new: 'pretrain', or a mixture before it, has all" in told
    (shop.folder / "books" / "book-8.txt").write_text(prose(8, 900))
    (shop.folder / "books" / "book-9.txt").write_text(prose(9, 900))
    before = shop.contents()
    assert FIRST not in shop.waiting()
    result = shop.up(GROWN)
    made = [str(cell) for cell in result.made if not cell.asset.startswith("corpus/")]
    assert not result.failed and sorted(made) == [GROWN, "tokens/shards[books.base.003]", "tokens/shards[books.base.004]"]
    assert shop.contents()[FIRST] == before[FIRST]
    trained = members(shop, FIRST, "train", earlier=False)
    new, again = members(shop, GROWN, "train", earlier=False), members(shop, GROWN, "train", earlier=True)
    assert files_of(new) == books(8, 9) and again and again <= trained and files_of(trained) <= books(0, 1, 2)
    metadata = shop.lake.require(shop.cell(GROWN)).metadata
    assert metadata["num_replayed_tokens"] == (metadata["num_train_tokens"] - metadata["num_replayed_tokens"]) // 3
    told, _ = shop.start("why", min(again)).communicate()
    assert f"{GROWN}, train row" in told and ", replayed" in told and f"{FIRST}, train row" in told
