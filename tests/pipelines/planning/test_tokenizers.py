"""Several tokenizers in one recipe, each with a mixture of its own, and what each tells of how it fits the texts."""

import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from kernels.tokens.content import TextEncoder
from kernels.tokens.mixtures.packing import PADDING_SEGMENT
from kernels.tokens.shards import open_shard
from kernels.tokens.tokenizer_files import control_tokens, read_tokenizer, write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from tests.small_recipe import SMALL

LANGUAGE = "      - {kind: language, languages: [en], min_score: 0.0}\n"
SPECIAL = "special_tokens: {mask: true, fill_in_the_middle: true, num_sentinels: 4, more: ['<|tool|>']}"


def recipe(tokenizers: str, *packed_by: str) -> str:
    """Return the small recipe without its model, with some tokenizers and a mixture by each of some of them."""
    text = SMALL[: SMALL.index("models:")].replace("      - {kind: personal_data", f"{LANGUAGE}      - {{kind: personal_data")
    start = text.index("mixtures:")
    body = text[start:].partition("  pretrain:\n")[2]
    mixtures = "".join(f"  by_{name}:\n    tokenizer: {name}\n{body}" for name in packed_by)
    return re.sub(r"(?s)tokenizer:\n.*?(?=mixtures:)", f"tokenizers:\n{tokenizers}", text[:start] + "mixtures:\n" + mixtures)


def of(method: str, size: int, more: str = "") -> str:
    return f"{{method: {method}, sources: [books], partitions_per_source: 2, vocab_size: {size}{', ' * bool(more)}{more}}}\n"


def rows(shop: Any, asset: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.lake.table(shop.cell(asset), name).to_pylist()
    return found


@pytest.fixture(scope="module")
def packed(make_shop: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A recipe with two tokenizers and a mixture by each, one of them bounded, brought up to them."""
    shop = make_shop(tmp_path_factory.mktemp("packed") / "shop")
    text = recipe(f"  words: {of('wordpiece', 700, SPECIAL)}  pairs: {of('byte_bpe', 300)}", "words", "pairs")
    start = text.index("  by_pairs:")
    text = text[:start] + text[start:].replace("max_train_tokens: null", "max_train_tokens: 301")
    shop.recipe_file.write_text(text.replace("validation_fraction: 0.2", "validation_fraction: 0.7"))
    assert not shop.up("tokens/card_by_words", "tokens/card_by_pairs").failed
    return shop


def test_a_wordpiece_and_a_bpe_tokenizer_pack_a_mixture_each(packed: Any) -> None:
    lake = packed.lake
    folders = {name: lake.folder(packed.cell(f"tokens/tokenizer_{name}")) for name in ("words", "pairs")}
    assert ["WordPiece" in (folder / "tokenizer.json").read_text() for folder in folders.values()] == [True, False]
    assert control_tokens(folders["words"])[2:7] == (4, 5, 6, 7, (8, 9, 10, 11)) and control_tokens(folders["pairs"]).mask is None
    for name, folder in folders.items():
        encoder = TextEncoder(read_tokenizer(folder).json_text)
        for cell in [cell for cell in lake.cells("small") if cell.asset == f"tokens/shards_{name}" and str(cell.partition).startswith("books")]:
            shard = open_shard(lake.folder(cell))
            assert set(shard.tokens[shard.offsets[:-1]]) == set(shard.tokens[shard.offsets[1:] - 1]) == {0}, "the end of text on either side"
            ids = [shard.tokens[start + 1 : end - 1].tolist() for start, end in pairwise(shard.offsets)]
            texts = lake.table(cell._replace(asset="corpus/decontaminated"), "documents")["text"].to_pylist()
            assert len(texts) > 0 and encoder.decoded(ids) == texts
    sizes = {name: lake.require(packed.cell(f"tokens/mixture_by_{name}")).metadata["num_sequences"] for name in folders}
    assert sizes["words"] and sizes["pairs"] and sizes["words"] != sizes["pairs"]


def test_manifests_of_shards_and_mixtures_count_exactly_the_tokens_that_their_files_hold(packed: Any) -> None:
    for name in ("words", "pairs"):
        in_books = sum(tokens for partition, tokens in shards_counted(packed, name) if partition.startswith("books"))
        cell = packed.cell(f"tokens/mixture_by_{name}")
        told, folder = packed.lake.require(cell), packed.lake.folder(cell)
        train, held = (np.load(folder / f"{split}_segments.npy") != PADDING_SEGMENT for split in ("train", "validation"))
        (row,) = rows(packed, cell.asset, "composition")
        assert told.metadata["num_train_tokens"] == row["num_train_tokens"] == int(train.sum())
        assert (told.metadata["num_sequences"], told.metadata["num_validation_sequences"]) == (told.num_rows, len(held)) == (len(train), len(held))
        assert row["num_validation_tokens"] == int(held.sum()) > 0 and told.metadata["packing_efficiency"] == pytest.approx(train.mean())
        assert row["num_train_tokens"] + row["num_tokens_cut_off"] + row["num_validation_tokens"] == in_books
        assert (row["num_train_tokens"] == 301) == (name == "pairs")


def shards_counted(shop: Any, tokenizer: str) -> list[tuple[str, int]]:
    """Return the tokens in the files of each partition, seen to be those of its manifest and, of books, of their texts."""
    lake, found = shop.lake, []
    library: Any = Tokenizer.from_file(str(lake.folder(shop.cell(f"tokens/tokenizer_{tokenizer}")) / "tokenizer.json"))
    for cell in [cell for cell in lake.cells("small") if cell.asset == f"tokens/shards_{tokenizer}"]:
        told, tokens = lake.require(cell), np.load(lake.folder(cell) / "tokens.npy")
        documents = lake.table(cell, "documents")["num_tokens"].to_pylist()
        assert told.metadata["num_tokens"] == len(tokens) == sum(documents) > 0
        assert told.metadata["num_documents"] == told.num_rows == len(documents)
        if str(cell.partition).startswith("books"):
            texts = lake.table(cell._replace(asset="corpus/decontaminated"), "documents")["text"].to_pylist()
            assert documents == [len(library.encode(each).ids) + 1 for each in texts], "what stands before a text, the text and its end"
        found.append((str(cell.partition), len(tokens)))
    return found


def test_a_tokenizer_tells_its_fit_by_source_and_language_and_its_check_passes(shop: Any) -> None:
    shop.recipe_file.write_text(recipe(f"  pieces: {of('unigram', 300)}", "pieces"))
    assert not shop.up("tokens/mixture_by_pieces").failed
    cell = shop.cell("tokens/tokenizer_pieces")
    fit = rows(shop, "tokens/tokenizer_pieces", "fit")
    assert [(row["by"], row["name"], row["num_texts"], row["num_changed"]) for row in fit] == [("source", "books", 2, 0), ("language", "en", 2, 0)]
    assert 0 < fit[0]["tokens_per_byte"] < 1 < fit[0]["tokens_per_word"]
    manifest = shop.lake.require(cell)
    assert "tokens a byte" in manifest.metadata["fit"]["markdown"] and "fit.parquet" in manifest.unhashed
    verdict = shop.lake.verdicts(cell)["texts_round_trip"]
    assert verdict.passed and verdict.description == "2 texts come back as they were"


@pytest.fixture
def lowering(tmp_path: Path) -> Path:
    """A tokenizer of others that takes capital letters for small ones."""
    from tokenizers import normalizers

    write_tokenizer(train(iter(["one two"]), ByteBpeConfig(vocab_size=264)), tmp_path / "lowering")
    tokenizer: Any = Tokenizer.from_file(str(tmp_path / "lowering" / "tokenizer.json"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.save(str(tmp_path / "lowering" / "tokenizer.json"))
    return tmp_path / "lowering"


def test_a_tokenizer_of_others_that_loses_capitals_packs_its_mixture_and_is_warned_of(shop: Any, lowering: Path) -> None:
    shutil.copytree(lowering, shop.folder / "theirs")
    shop.recipe_file.write_text(recipe("  theirs: {method: of_file, path: theirs}\n", "theirs"))
    assert not shop.up("tokens/card_by_theirs").failed
    verdict = shop.lake.verdicts(shop.cell("tokens/tokenizer_theirs"))["texts_round_trip"]
    assert not verdict.passed and verdict.description.startswith("1 of 1 texts do not come back, such as one of books: ")
    assert shop.lake.require(shop.cell("tokens/mixture_by_theirs")).metadata["num_sequences"]
    assert not [name for name in shop.waiting() if "tokens/" in name]

    (shop.folder / "theirs" / "notes.md").write_text("not of the tokenizer")
    assert not [name for name in shop.waiting() if "tokens/" in name]
    write_tokenizer(train(iter(["one two"]), ByteBpeConfig(vocab_size=264)), shop.folder / "theirs")
    assert {name for name in shop.waiting() if "tokenizer" in name} == {"tokens/tokenizer_theirs"}


def test_a_tokenizer_of_others_that_is_none_is_refused_where_it_is_made(shop: Any) -> None:
    (shop.folder / "theirs").mkdir()
    (shop.folder / "theirs" / "tokenizer.model").write_bytes(b"\x0a")
    shop.recipe_file.write_text(recipe("  theirs: {method: of_file, path: theirs}\n", "theirs"))
    assert shop.up("tokens/mixture_by_theirs").failed
    assert "tokens/tokenizer_theirs" in " ".join(shop.waiting())


def test_files_of_a_tokenizer_may_be_anywhere_that_fsspec_reaches(shop: Any, lowering: Path) -> None:
    shop.recipe_file.write_text(recipe(f"  theirs: {{method: of_file, path: 'file://{lowering}'}}\n", "theirs"))
    assert not shop.up("tokens/tokenizer_theirs").failed
    folder = shop.lake.folder(shop.cell("tokens/tokenizer_theirs"))
    assert (folder / "tokenizer.json").read_bytes() == (lowering / "tokenizer.json").read_bytes()
