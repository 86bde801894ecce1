"""Mixtures that come after others, as a recipe says it: which cells they hang on, and what cannot be."""

from pathlib import Path

import pytest

from assets.graph.artifact import Graph
from assets.graph.upstream import Partition
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import load_recipe
from pipelines.recipe.splits import earlier_of, partitions_of
from resources.storage.home import Home
from resources.storage.sources import ObservedFile, ObservedSources
from resources.storage.sources import Partition as SourcePartition
from tests.small_graphs import observed
from tests.small_recipe import SMALL, faults, line_of, write

PLAIN = SMALL[SMALL.index("  pretrain:\n") : SMALL.index("models:")]
FURTHER = SMALL[SMALL.index("    num_steps: 30") :]
GROWN = PLAIN.replace("  pretrain:", "  grown:\n    after: pretrain").replace("{books: 1.0}", "{chats: 1.0}")
MODEL = f"  base_grown:\n    method: continue_pretraining\n    from: [base]\n    data: grown\n{FURTHER}"
TEXT = SMALL.replace(PLAIN, PLAIN + GROWN) + MODEL
EVALS = "evals:\n  {name}: {{task: perplexity, data: {name}, num_items: 20, max_bytes: 500, seed: 1}}\n"


def changed(old: str, new: str) -> str:
    assert GROWN.count(old) == 1
    return TEXT.replace(GROWN, GROWN.replace(old, new))


def graph_of(folder: Path, text: str) -> Graph:
    return build_graph(load_recipe(write(folder, text)), Home.resolve(folder / ".mill", {}))


def read_by(graph: Graph, mixture: str, sources: ObservedSources) -> dict[str, tuple[Partition, ...]]:
    """Return which cells of each asset a mixture is made from."""
    return {each.asset: each.choose(sources, None) for each in graph.artifacts[f"tokens/mixture_{mixture}"].made_from}


def test_a_mixture_hangs_on_the_one_it_comes_after_and_on_all_before_that(tmp_path: Path) -> None:
    third = GROWN.replace("  grown:", "  third:").replace("after: pretrain", "after: grown").replace("{chats: 1.0}", "{more: 1.0}")
    text = TEXT.replace(GROWN, GROWN + third).replace("  chats: {", "  more: {format: chats, path: more}\n  chats: {", 1)
    graph, sources = graph_of(tmp_path, text), observed("books.base.000", "chats.base.000", "more.base.000")
    read = read_by(graph, "third", sources)
    assert read["tokens/mixture_grown"] == read["tokens/mixture_pretrain"] == (None,)
    assert read["tokens/shards"] == read["corpus/decontaminated"] == ("more.base.000",)
    names = list(graph.artifacts)
    assert names.index("tokens/mixture_pretrain") < names.index("tokens/mixture_grown") < names.index("tokens/mixture_third")


def test_where_documents_are_replayed_their_partitions_are_read_as_far_as_the_mixtures_before_read_them(tmp_path: Path) -> None:
    sources = observed("books.base.000", "chats.base.000", "books.base.001")
    bounded = TEXT.replace("  pretrain:\n", "  pretrain:\n    first_partitions: {books: 1}\n")
    replaying = bounded.replace("    after: pretrain\n", "    after: pretrain\n    replay: 0.1\n")
    assert read_by(graph_of(tmp_path, bounded), "grown", sources)["tokens/shards"] == ("chats.base.000",)
    graph = graph_of(tmp_path, replaying)
    assert read_by(graph, "grown", sources)["tokens/shards"] == ("books.base.000", "chats.base.000")
    assert read_by(graph, "pretrain", sources)["tokens/shards"] == ("books.base.000",)
    both = replaying.replace("{chats: 1.0}", "{chats: 1.0, books: 1.0}")
    assert read_by(graph_of(tmp_path, both), "grown", sources)["tokens/shards"] == sources.keys


def test_retired_partitions_keep_their_place_in_the_count() -> None:
    files = [ObservedFile(path="f", size_bytes=1, modified="", digest="d")]
    kept = [SourcePartition(key=f"books.base.{n:03d}", source="books", files=files if n != 1 else [], gone=["f"] if n == 1 else []) for n in range(4)]
    assert ObservedSources(partitions=kept).first_keys({"books": 3}) == ("books.base.000", "books.base.002")
    assert ObservedSources(partitions=kept).first_keys({"books": None, "chats": 1}) == ("books.base.000", "books.base.002", "books.base.003")


def test_a_bound_on_partitions_is_no_part_of_what_a_mixture_is_computed_by(tmp_path: Path) -> None:
    text = TEXT.replace("  pretrain:\n", "  pretrain:\n    first_partitions: {books: 1}\n")
    configs = [graph_of(tmp_path, each).artifacts["tokens/mixture_pretrain"].config(None) for each in (TEXT, text)]
    assert configs[0] == configs[1] is not None


def test_mixtures_before_and_their_partitions_are_found_from_the_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, changed("after: pretrain", "after: pretrain\n    replay: {books: 0.2}"))).entries
    assert (earlier_of(recipe, "grown"), earlier_of(recipe, "pretrain")) == (("pretrain",), ())
    assert partitions_of(recipe, "grown") == {"books": None, "chats": None} and partitions_of(recipe, "pretrain") == {"books": None}


FAULTS = {
    "an unknown one": ("after: pretrain", "after: pretran", "    after:", "mixtures.grown.after: no mixture is named 'pretran'; did you mean 'pretrain'?"),  # noqa: E501
    "itself": ("after: pretrain", "after: grown", "    after:", "mixtures.grown.after: the mixture 'grown' comes after itself; cut the circle"),
    "a replay of nothing": ("    after: pretrain\n", "    replay: 0.1\n", "    replay:", "mixtures.grown.replay: nothing says which documents"),
    "a replay of all": ("after: pretrain", "after: pretrain\n    replay: 1.0", "    replay:", "mixtures.grown.replay: 1 is no share of the tokens"),
    "a source that was not trained on": ("after: pretrain", "after: pretrain\n    replay: {chats: 0.1}", "    replay:", "mixtures.grown.replay.chats: no source that 'pretrain' trains on is named 'chats'"),  # noqa: E501
    "nothing that could be new": ("{chats: 1.0}", "{books: 1.0}", "weights: {books: 1.0}", "mixtures.grown.weights.books: 'pretrain' trains on all of 'books' that this mixture reads, now and when more of it comes"),  # noqa: E501
    "partitions of no source": ("after: pretrain", "after: pretrain\n    first_partitions: {boks: 2}", "    first_partitions:", "mixtures.grown.first_partitions: no weight names boks; name sources of the mixture: chats"),  # noqa: E501
    "no partition": ("after: pretrain", "after: pretrain\n    first_partitions: {chats: 0}", "    first_partitions:", "mixtures.grown.first_partitions.chats: Input should be greater than 0"),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_what_cannot_come_after_another_is_told_with_its_line(kind: str, tmp_path: Path) -> None:
    old, new, there, message = FAULTS[kind]
    text = changed(old, new)
    number = text[: text.index(there, text.index("  grown:"))].count("\n") + 1
    told = faults(tmp_path, text)
    assert any(line.startswith(f"{number}: {message}") for line in told), told


def test_mixtures_that_come_after_each_other_are_a_circle_and_nothing_hangs(tmp_path: Path) -> None:
    text = TEXT.replace("  pretrain:\n", "  pretrain:\n    after: grown\n")
    told = faults(tmp_path, text)
    assert f"{line_of(text, 'after: grown')}: mixtures.pretrain.after: the mixture 'pretrain' comes after itself; cut the circle" in told
    assert f"{line_of(text, 'after: pretrain')}: mixtures.grown.after: the mixture 'grown' comes after itself; cut the circle" in told


def test_a_bound_before_or_a_cap_leaves_documents_that_may_be_new(tmp_path: Path) -> None:
    same = changed("{chats: 1.0}", "{books: 1.0}")
    load_recipe(write(tmp_path, same.replace("  pretrain:\n", "  pretrain:\n    first_partitions: {books: 3}\n")))
    load_recipe(write(tmp_path, same.replace("max_train_tokens: null", "max_train_tokens: 5000")))
    fewer = same.replace("  pretrain:\n", "  pretrain:\n    first_partitions: {books: 3}\n    max_tokens: {books: 900}\n")
    fewer = fewer.replace("    after: pretrain\n", "    after: pretrain\n    first_partitions: {books: 2}\n")
    (told,) = faults(tmp_path, fewer)
    message = "mixtures.grown.first_partitions.books: it reads fewer partitions of 'books' than 'pretrain'"
    assert told.startswith(f"{line_of(fewer, 'first_partitions: {books: 2}')}: {message}")


def test_a_mixture_that_is_packed_by_another_tokenizer_than_the_one_before_is_told(tmp_path: Path) -> None:
    one = "{method: byte_bpe, sources: [books], partitions_per_source: 1, vocab_size: 300}"
    start, end = TEXT.index("tokenizer:"), TEXT.index("mixtures:")
    several = f"{TEXT[:start]}tokenizers:\n  small: {one}\n  large: {one.replace('300', '400')}\n{TEXT[end:]}"
    packed = several.replace("  pretrain:\n", "  pretrain:\n    tokenizer: small\n").replace(
        "after: pretrain\n", "after: pretrain\n    tokenizer: {0}\n"
    )
    load_recipe(write(tmp_path, packed.replace("{0}", "small")))
    text = packed.replace("{0}", "large")
    told = faults(tmp_path, text)
    message = "mixtures.grown.after: 'pretrain' is packed by another tokenizer, and a model has one; pack both by the same"
    assert any(line.startswith(f"{line_of(text, 'after: pretrain')}: {message}") for line in told), told


@pytest.mark.parametrize("asked", ["pretrain", "grown"])
def test_evals_of_old_and_new_documents_are_asked_of_models_before_and_after_whatever_the_seeds(asked: str, tmp_path: Path) -> None:
    text = changed("seed: 1", "seed: 2").replace("{chats: 1.0}", "{chats: 1.0, books: 1.0}")
    text = text.replace("  pretrain:\n", "  pretrain:\n    first_partitions: {books: 3}\n")
    load_recipe(write(tmp_path, text + EVALS.format(name=asked)))
    unrelated = text.replace("    after: pretrain\n", "")
    assert any("may train on what" in line for line in faults(tmp_path, unrelated + EVALS.format(name=asked)))


def test_what_a_model_may_replay_counts_as_trained_on(tmp_path: Path) -> None:
    """`other` holds out books by seed 2; `base_grown` goes on with a mixture of chats that replays books of seed 1."""
    other = PLAIN.replace("  pretrain:", "  other:").replace("seed: 1", "seed: 2")
    text = TEXT.replace(GROWN, GROWN + other).replace("from: [base]", "from: [rival]")
    text += f"  rival:\n{SMALL[SMALL.index('    method: pretrain') :].replace('data: pretrain', 'data: other')}" + EVALS.format(name="other")
    told = [line for line in faults(tmp_path, text) if "'base_grown'" in line]
    assert told and "is trained on the mixture 'pretrain', which may train on what 'other' holds out" in told[0]
