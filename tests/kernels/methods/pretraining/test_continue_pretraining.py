"""Continued pretraining: a parent learns more by its own tokenizer, and what does not fit it is refused with the remedy."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from kernels.methods.pretraining.continue_pretraining import MIXTURE, PARENT, SPEC, TOKENIZER, ContinuePretrainingConfig
from kernels.models.formats.checkpoints import load, save
from kernels.specs.families import configured
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers import of_model
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from tests.method_jobs import method_job
from tests.small_mixtures import put_rows
from tests.small_models import small_llama

LENGTH = 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A parent, its tokenizer taken from it, and a mixture of rows that repeat."""
    from transformers import AutoTokenizer

    write_tokenizer(train(iter(["a b c"] * 4), ByteBpeConfig(vocab_size=262)), tmp_path / "own")
    model = small_llama()
    model.resize_token_embeddings(262)
    save(model, AutoTokenizer.from_pretrained(tmp_path / "own", local_files_only=True), tmp_path / "parent")
    (tmp_path / "tokenizer").mkdir()
    of_model.take(tmp_path / "parent", tmp_path / "tokenizer")
    (tmp_path / "mixture").mkdir()
    row = np.random.default_rng(0).integers(4, 20, LENGTH)
    for split in ("train", "validation"):
        put_rows(tmp_path / "mixture", split, np.tile(row, (8, 1)), np.zeros((8, LENGTH)))
    for name in ("out", "scratch"):
        (tmp_path / name).mkdir()
    return tmp_path


def run(folder: Path, report: Any = lambda numbers: None, say: Any = pytest.fail, **changes: Any) -> dict[str, float]:
    values = {"seed": 1, "num_steps": 30, "batch_size": 4, "learning_rate": 0.01, "warmup_steps": 2, "min_learning_rate_ratio": 0.1}
    values |= {"weight_decay": 0.1, "gradient_clip": 1.0, "validate_every": 30, "max_validation_sequences": 2, "checkpoint_every": 10}
    config = ContinuePretrainingConfig.model_validate({**values, "precision": "float32", **changes})
    paths = {PARENT: folder / "parent", MIXTURE: folder / "mixture", TOKENIZER: folder / "tokenizer"}
    return SPEC.run(method_job(config, paths, folder / "out", folder / "scratch", report, say))


def test_a_parent_learns_further_texts_and_keeps_its_shape_and_tokenizer(folder: Path) -> None:
    summary = run(folder)
    assert summary["validation_loss"] < 0.5 * summary["first_loss"]
    before, after = load(folder / "parent", "cpu"), load(folder / "out", "cpu")
    assert after.model.config.hidden_size == before.model.config.hidden_size
    assert after.tokenizer.get_vocab() == before.tokenizer.get_vocab() and after.tokenizer.chat_template == before.tokenizer.chat_template


def test_how_the_parent_is_asked_stays_as_it_was(folder: Path) -> None:
    told = folder / "parent" / "generation_config.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | {"eos_token_id": [0, 2], "temperature": 0.3, "do_sample": True}))
    run(folder)
    assert (folder / "out" / "generation_config.json").read_text() == told.read_text()


def test_training_begins_at_the_weights_of_the_parent(folder: Path) -> None:
    first = run(folder)["first_loss"]
    shutil.rmtree(folder / "scratch")
    (folder / "parent" / "model.safetensors").write_bytes((folder / "out" / "model.safetensors").read_bytes())
    assert run(folder)["first_loss"] < 0.5 * first


def test_a_state_of_another_parent_is_not_taken_up(folder: Path) -> None:
    def stop(numbers: dict[str, float]) -> None:
        if numbers["step"] == 12:
            raise KeyError

    with pytest.raises(KeyError):
        run(folder, stop)
    parent = folder / "parent" / "model.safetensors"
    save_file({name: tensor * 0.5 for name, tensor in load_file(parent).items()}, parent, {"format": "pt"})
    words: list[str] = []
    run(folder, say=words.append)
    assert words == ["state step-000010: it is of another config, of another parent or of other data; no state is intact, training starts anew"]


def test_a_mixture_of_another_tokenizer_is_refused(folder: Path) -> None:
    write_tokenizer(train(iter(["x y z"] * 4), ByteBpeConfig(vocab_size=262)), folder / "tokenizer")
    with pytest.raises(ValueError, match=r"packed by another tokenizer .* of_model"):
        run(folder)


def test_a_mixture_whose_texts_begin_otherwise_than_the_parent_is_asked_is_refused(folder: Path) -> None:
    path = folder / "tokenizer" / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"post_processor": None}))
    with pytest.raises(ValueError, match=r"packed by another tokenizer .* of_model"):
        run(folder)


@pytest.mark.parametrize(
    ("objective", "told"),
    [
        ("masked", "masked is for bidirectional attention, and the model has causal; take fill_in_the_middle or next_token"),
        (
            "fill_in_the_middle",
            "tokenizer: the vocabulary has no token that marks the prefix, suffix, middle of a text with a gap; ask for the three",
        ),
    ],
)
def test_an_objective_that_parent_or_vocabulary_cannot_serve_is_refused_before_the_first_step(folder: Path, objective: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        run(folder, objective=configured("objectives", objective))


def test_rows_longer_than_the_parent_reads_are_refused(folder: Path) -> None:
    for split in ("train", "validation"):
        put_rows(folder / "mixture", split, np.ones((8, 65)), np.ones((8, 65)))
    with pytest.raises(ValueError, match="65 tokens, and the parent attends to 64; lower sequence_length"):
        run(folder)
