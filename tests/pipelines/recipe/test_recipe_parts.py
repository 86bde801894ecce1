"""Parts of a recipe that may be left out, or be there several times, and the order of its entries."""

import re
from pathlib import Path

from assets.graph.artifact import Graph
from pipelines.recipe.graph import build_graph
from pipelines.recipe.schema import load_recipe
from resources.storage.home import Home
from tests.small_recipe import RECIPE, faults, write


def graph_of(folder: Path, text: str) -> Graph:
    return build_graph(load_recipe(write(folder, text)), Home.resolve(folder / ".mill", {}))


def artifacts(folder: Path, text: str) -> set[str]:
    return set(graph_of(folder, text).artifacts)


def test_a_recipe_that_only_adopts_compresses_and_evaluates_has_no_corpus(tmp_path: Path) -> None:
    text = """
name: adopted
models:
  smol: {method: adopt_gguf, data: model.gguf, dtype: float32}
  smol_int8: {method: int8, from: [smol], num_sequences: 2, sequence_length: 8, seed: 1}
evals:
  piqa: {task: piqa, data: piqa.jsonl, num_items: 5, seed: 1}
"""
    assert artifacts(tmp_path, text) == {"models/smol", "models/smol_int8", "evals/smol", "evals/smol_int8", "evals/leaderboard"}


def test_a_recipe_that_fine_tunes_an_adopted_model_needs_no_tokenizer_and_no_mixture(tmp_path: Path) -> None:
    text = RECIPE[: RECIPE.index("tokenizer:")] + RECIPE[RECIPE.index("models:") : RECIPE.index("  base:")]
    sft = RECIPE[RECIPE.index("  sft:") : RECIPE.index("  small_sft:")].replace("from: [base]", "from: [adopted]")
    adopted = RECIPE[RECIPE.index("  adopted:") : RECIPE.index("evals:")]
    found = artifacts(tmp_path, text + sft + adopted)
    assert {"models/adopted", "models/sft", "corpus/decontaminated"} <= found
    assert not [name for name in found if name.startswith("tokens/")]


def test_a_recipe_may_have_several_tokenizers_and_its_mixtures_say_which(tmp_path: Path) -> None:
    one = "{method: byte_bpe, sources: [books], partitions_per_source: 1, vocab_size: 300}"
    text = re.sub(r"(?s)^tokenizer:.*?(?=^mixtures:)", f"tokenizers: {{small: {one}, large: {one}}}\n", RECIPE, flags=re.MULTILINE)
    assert any("say by which tokenizer it is packed" in line for line in faults(tmp_path, text))
    mixed = re.sub(r"(?m)^mixtures:\n  pretrain:\n", "mixtures:\n  pretrain:\n    tokenizer: large\n", text)
    found = artifacts(tmp_path, mixed)
    assert {"tokens/tokenizer_small", "tokens/tokenizer_large", "tokens/shards_small", "tokens/shards_large"} <= found


OF_MODEL = "tokenizer: {method: of_model, model: adopted}\n"
FURTHER = RECIPE[RECIPE.index("    num_steps: 30") : RECIPE.index("  sft:")]


def with_tokenizer_of_a_model(parent: str, tokenizer: str = OF_MODEL) -> str:
    """Return the recipe with its mixture packed by a model's tokenizer, and a model that is trained further on it instead of its own."""
    text = re.sub(r"(?s)^tokenizer:.*?(?=^mixtures:)", tokenizer, RECIPE, flags=re.MULTILINE)
    further = f"  base:\n    method: continue_pretraining\n    from: [{parent}]\n    data: pretrain\n{FURTHER}"
    return re.sub(r"(?s)^  base:.*?(?=^  sft:)", further, text, flags=re.MULTILINE)


def test_a_model_that_is_adopted_packs_the_texts_that_it_is_trained_further_on(tmp_path: Path) -> None:
    names = list(graph_of(tmp_path, with_tokenizer_of_a_model("adopted")).artifacts)
    order = [
        names.index(name) for name in ("models/adopted", "tokens/tokenizer", "tokens/shards", "tokens/mixture_pretrain", "models/base", "models/sft")
    ]
    assert order == sorted(order)


def test_a_tokenizer_of_a_model_that_is_trained_by_it_is_a_circle(tmp_path: Path) -> None:
    text = with_tokenizer_of_a_model("adopted", OF_MODEL.replace("adopted", "sft"))
    assert any("models.base.from: the model 'base' is made from itself" in line for line in faults(tmp_path, text))


def test_a_model_is_not_trained_further_by_another_tokenizer(tmp_path: Path) -> None:
    one = "tokenizer: {method: byte_bpe, sources: [books], partitions_per_source: 1, vocab_size: 300}\n"
    (line,) = faults(tmp_path, with_tokenizer_of_a_model("adopted", one))
    assert "models.base.data: the mixture 'pretrain' is packed by another tokenizer than 'adopted' has" in line and "of_model" in line


def test_a_tokenizer_of_no_model_names_the_nearest(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, with_tokenizer_of_a_model("adopted", OF_MODEL.replace("adopted", "adoptd")))
    assert "tokenizer.model: no model is named 'adoptd'" in line and "adopted" in line


def test_sources_arrive_as_the_recipe_says_and_else_by_name(tmp_path: Path) -> None:
    assert list(graph_of(tmp_path, RECIPE).sources) == ["books", "chats"]
    turned = RECIPE.replace("  chats: {format: chats, path: chats}\n", "").replace(
        "sources:\n", "sources:\n  chats: {format: chats, path: chats}\n", 1
    )
    assert turned.index("chats:") < turned.index("books:")
    assert list(graph_of(tmp_path, turned).sources) == ["books", "chats"]
    assert list(graph_of(tmp_path, RECIPE + "arrival: [chats]\n").sources) == ["chats", "books"]


def test_what_is_ours_beside_the_files_of_a_source_is_no_data_of_it(tmp_path: Path) -> None:
    home = Home.resolve(tmp_path / ".mill", {})
    recipe = write(tmp_path, RECIPE.replace("path: chats}", 'path: "embedded:chats"}'))
    sources = build_graph(load_recipe(recipe), home).sources
    assert f"{tmp_path}/books/.labels.jsonl" in sources["books"].left_out and f"{tmp_path}/books/.complete" not in sources["books"].left_out
    assert {f"{home.embedded}/chats/.labels.jsonl", f"{home.embedded}/chats/.complete"} <= set(sources["chats"].left_out)
