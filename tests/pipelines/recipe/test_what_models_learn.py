"""A model is asked to learn what its architecture, its parent and its vocabulary can: what they cannot is a fault of the recipe with its line."""

from pathlib import Path

import pytest

from pipelines.recipe.schema import load_recipe
from tests.pipelines.recipe.test_evals_and_kinds_of_models import BASE, ENCODER, FURTHER, MASKED
from tests.small_recipe import RECIPE, SMALL, faults, line_of, write

SFT = RECIPE[RECIPE.index("  sft:") : RECIPE.index("  small_sft:")].replace("from: [base]", "from: [encoder]")
ANSWERS = {"sft": SFT, "dpo": SFT.replace("method: sft", "method: dpo\n    beta: 0.1")}
ADOPTED = "  adopted: {method: adopt_gguf, data: model.gguf, dtype: float32}\n"
OF_ADOPTED = SMALL[SMALL.index("tokenizer:") : SMALL.index("mixtures:")]


def further(parent: str, objective: str = "", name: str = "child") -> str:
    """A model that is trained further; by no objective, it says none."""
    said = objective and f"    objective: {{kind: {objective}}}\n"
    return f"  {name}:\n    method: continue_pretraining\n    from: [{parent}]\n    data: pretrain\n{said}{FURTHER}"


def pretrained(objective: str) -> str:
    return SMALL.replace("    num_steps: 30", f"    objective: {{kind: {objective}}}\n    num_steps: 30")


@pytest.mark.parametrize(
    ("objective", "asked"),
    [
        ("masked", "bidirectional"),
        ("span_corruption", "encoder_decoder"),
        ("prefix_lm", "prefix"),
        ("ul2, form: decoder", "prefix"),
        ("ul2, form: encoder_decoder", "encoder_decoder"),
    ],
)
def test_an_architecture_learns_no_objective_that_is_for_other_attention_than_it_has(objective: str, asked: str, tmp_path: Path) -> None:
    text = pretrained(objective)
    told = f"{objective.split(',')[0]} is for {asked} attention, and llama has causal; take fill_in_the_middle or next_token"
    assert faults(tmp_path, text) == [f"{line_of(text, 'objective:')}: models.base.objective: {told}"]


LEFT_OUT = "next_token, which is taken where the key 'objective' is left out, is for causal attention, and {} has {}; add the key with {}"


def test_an_architecture_that_cannot_do_what_is_learned_where_nothing_is_said_is_told_what_to_say(tmp_path: Path) -> None:
    text = MASKED.replace(BASE, ENCODER.replace("    objective: {kind: masked}\n", ""))
    assert faults(tmp_path, text) == [f"{line_of(text, '  encoder:')}: models.encoder: {LEFT_OUT.format('modernbert', 'bidirectional', 'masked')}"]


def test_a_model_is_trained_further_by_no_objective_that_its_parent_cannot_do(tmp_path: Path) -> None:
    text = MASKED + ENCODER + further("encoder", "span_corruption")
    lack = "the vocabulary has 0 sentinels, and spans need at least 2; ask for sentinels (T5 has 100) in the special tokens of the tokenizer"
    here = f"{line_of(text, 'span_corruption')}: models.child.objective: span_corruption"
    assert faults(tmp_path, text) == [
        f"{here} is for encoder_decoder attention, and 'encoder' has bidirectional; take masked",
        f"{here}: {lack}",
    ]


def test_a_model_that_is_trained_further_by_what_stands_where_nothing_is_said_is_told_what_to_say(tmp_path: Path) -> None:
    text = MASKED + ENCODER + further("encoder", "masked", "middle") + further("middle")
    told = LEFT_OUT.format("'middle'", "bidirectional", "masked")
    assert faults(tmp_path, text) == [f"{line_of(text, '  child:')}: models.child.objective: {told}"]


def test_what_others_made_is_causal_and_learns_as_such(tmp_path: Path) -> None:
    text = SMALL.replace(OF_ADOPTED, "tokenizer: {method: of_model, model: adopted}\n").replace(BASE, ADOPTED)
    load_recipe(write(tmp_path, text + further("adopted") + further("adopted", "fill_in_the_middle", "other")))
    told = "masked is for bidirectional attention, and 'adopted' has causal; take fill_in_the_middle or next_token"
    (line,) = faults(tmp_path, text + further("adopted", "masked"))
    assert line.endswith(f"models.child.objective: {told}")


@pytest.mark.parametrize("method", ANSWERS)
def test_answers_are_learned_by_no_model_that_gives_none(method: str, tmp_path: Path) -> None:
    text = MASKED + ENCODER + ANSWERS[method]
    told = f"'encoder' is bidirectional, and {method!r} takes causal or prefix models further; name one of them"
    assert faults(tmp_path, text) == [f"{line_of(text, 'from: [encoder]')}: models.sft.from.0: {told}"]


LACKS = {
    "fill_in_the_middle": ("fill_in_the_middle: true", "no token that marks the prefix, suffix, middle of a text with a gap"),
    "masked": ("mask: true", "no mask token"),
    "span_corruption": ("num_sentinels: 2", "0 sentinels"),
}


def with_vocabulary(objective: str, special: str) -> str:
    """The recipe with a model of the kind that an objective is for, and special tokens."""
    text = MASKED.replace("mask: true", special).replace(BASE, {"masked": ENCODER.replace("  encoder:", "  base:")}.get(objective, BASE))
    if objective == "span_corruption":
        text = text.replace("kind: llama", "kind: t5").replace("num_kv_heads: 1\n      ", "")
    if objective != "masked":
        text = text.replace("    num_steps: 30", f"    objective: {{kind: {objective}}}\n    num_steps: 30")
    return text


@pytest.mark.parametrize("objective", LACKS)
def test_what_an_objective_writes_the_tokenizer_of_the_mixture_has(objective: str, tmp_path: Path) -> None:
    asked, lack = LACKS[objective]
    load_recipe(write(tmp_path, with_vocabulary(objective, asked)))
    text = with_vocabulary(objective, "more: ['<|tool|>']")
    (line,) = faults(tmp_path, text)
    assert line.startswith(f"{line_of(text, 'objective:')}: models.base.objective: {objective}: the vocabulary has {lack}")
    assert "in the special tokens of the tokenizer" in line


def test_a_tokenizer_of_a_model_has_the_tokens_that_the_model_was_trained_with(tmp_path: Path) -> None:
    one = SMALL[SMALL.index("  method: byte_bpe") : SMALL.index("mixtures:")].replace("\n  ", "\n    ").replace("  method", "    method", 1)
    tokenizers = f"tokenizers:\n  own:\n{one}  same: {{method: of_model, model: base}}\n"
    mixture = SMALL[SMALL.index("  pretrain:") : SMALL.index("models:")]
    both = mixture.replace("  pretrain:\n", "  pretrain:\n    tokenizer: own\n") + mixture.replace("  pretrain:\n", "  more:\n    tokenizer: same\n")
    text = SMALL.replace(OF_ADOPTED, tokenizers).replace(mixture, both)
    text += further("base", "fill_in_the_middle").replace("data: pretrain", "data: more")
    (line,) = faults(tmp_path, text)
    assert line.startswith(f"{line_of(text, 'fill_in_the_middle')}: models.child.objective: fill_in_the_middle: the vocabulary has no token")
    load_recipe(write(tmp_path, text.replace("vocab_size: 300", "vocab_size: 300\n    special_tokens: {fill_in_the_middle: true}")))
