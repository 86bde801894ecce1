"""Models of APIs in recipes: which evals they are asked, and what needs weights is refused with its line."""

from pathlib import Path

import pytest

from tests.pipelines.recipe.test_evals_and_kinds_of_models import scored_by
from tests.small_recipe import changed, faults, line_of

ADOPTED = "  adopted: {method: adopt_gguf, data: model.gguf, dtype: float32}\n"
FAR = "  far: {method: adopt_api, base_url: 'http://127.0.0.1:8000/v1', model: sft}\n"
KNOWN = FAR.replace("model: sft", "model: sft, data: tokenizer")
SAYS = "  says: {task: samples, prompts: [a], max_new_tokens: 4, temperature: 0, seed: 1}\nrelease:"


def test_a_model_of_an_api_is_asked_for_likelihoods_where_its_tokenizer_is_given(tmp_path: Path) -> None:
    known = scored_by(tmp_path, changed(ADOPTED, KNOWN).replace("release:", SAYS))
    assert known["evals/far"] == known["evals/base"] == ["heldout", "piqa", "says"]
    assert scored_by(tmp_path, changed(ADOPTED, FAR).replace("release:", SAYS))["evals/far"] == ["says"]


def test_an_eval_that_no_model_can_be_asked_is_named(tmp_path: Path) -> None:
    text = f"name: far\nmodels:\n{FAR}evals:\n  piqa: {{task: piqa, data: p.jsonl, num_items: 2, seed: 1}}\n"
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"{line_of(text, 'piqa:')}: evals.piqa.task") and "tell likelihoods" in told


@pytest.mark.parametrize(
    ("child", "told"),
    [
        ("  child: {method: int8, from: [far], num_sequences: 2, sequence_length: 32, seed: 1}\n", "'int8' needs weights"),
        (
            "  child: {method: sft, from: [far], data: [chats], num_steps: 8, batch_size: 8, learning_rate: 0.002, warmup_steps: 2, max_length: 64, "
            "precision: float32, checkpoint_every: 6, seed: 2}\n",
            "'sft' needs weights",
        ),
    ],
)
def test_what_needs_weights_cannot_be_made_from_it(child: str, told: str, tmp_path: Path) -> None:
    text = changed(ADOPTED, KNOWN + child)
    (found,) = faults(tmp_path, text)
    assert found.startswith(f"{line_of(text, 'child:')}: models.child.from.0") and told in found and "'far' is a model of an API (adopt_api)" in found


def test_no_tokenizer_is_taken_from_it(tmp_path: Path) -> None:
    text = changed(ADOPTED, KNOWN).replace(
        "tokenizer:\n  method: byte_bpe\n  sources: [books]\n  partitions_per_source: 1\n  vocab_size: 300\n",
        "tokenizer: {method: of_model, model: far}\n",
    )
    found = faults(tmp_path, text)
    assert any(line.startswith(f"{line_of(text, 'tokenizer: {method')}: tokenizer.model: 'far' is a model of an API") for line in found), found


def test_a_candidate_that_tells_no_likelihoods_is_released_by_none(tmp_path: Path) -> None:
    found = faults(tmp_path, changed(ADOPTED, FAR).replace("candidate: sft", "candidate: far"))
    assert len(found) == 1 and "release.metric" in found[0] and "tells no likelihoods" in found[0]
