"""A small recipe: a corpus of books and chats, and one model; the whole of it has more models, evals and a release."""

from pathlib import Path

import pytest

from pipelines.recipe.schema import load_recipe
from pipelines.recipe.yaml_source import RecipeError

SMALL = """\
name: small
sources:
  books:
    format: books
    path: books
    max_chars: 4000
    filters:
      - kind: gopher_quality
        min_words: 20
        min_alpha_words_ratio: 0.5
      - {kind: personal_data, kinds: [email]}
  chats: {format: chats, path: chats}
deduplication:
  min_similarity: 0.8
  minhash: {seed: 1}
tokenizer:
  method: byte_bpe
  sources: [books]
  partitions_per_source: 1
  vocab_size: 300
mixtures:
  pretrain:
    weights: {books: 1.0}
    max_epochs: 50.0
    max_train_tokens: null
    sequence_length: 64
    validation_fraction: 0.2
    max_heldout_documents: 5
    seed: 1
models:
  base:
    method: pretrain
    data: pretrain
    architecture:
      kind: llama
      hidden_size: 32
      num_layers: 1
      num_heads: 2
      num_kv_heads: 1
      intermediate_size: 64
      max_position_embeddings: 64
      tie_embeddings: true
    num_steps: 30
    batch_size: 4
    learning_rate: 0.003
    warmup_steps: 2
    min_learning_rate_ratio: 0.1
    weight_decay: 0.1
    gradient_clip: 1.0
    precision: float32
    validate_every: 10
    max_validation_sequences: 4
    checkpoint_every: 5
    seed: 1
"""
RECIPE = (
    SMALL
    + """\
  sft:
    method: sft
    from: [base]
    data: [chats]
    num_steps: 8
    batch_size: 8
    learning_rate: 0.002
    warmup_steps: 2
    max_length: 64
    precision: float32
    checkpoint_every: 6
    seed: 2
  small_sft: {method: int8, from: [sft], num_sequences: 2, sequence_length: 32, seed: 1}
  adopted: {method: adopt_gguf, data: model.gguf, dtype: float32}
evals:
  heldout: {task: perplexity, data: pretrain, num_items: 20, max_bytes: 500, seed: 1}
  piqa: {task: piqa, data: piqa.jsonl, num_items: 20, seed: 1}
release: {candidate: sft, metric: heldout/bits_per_byte, tolerance: 0.02}
schedules: {watch_seconds: 60}
"""
)


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def changed(old: str, new: str) -> str:
    assert RECIPE.count(old) == 1, f"{old!r} stands {RECIPE.count(old)} times in the recipe"
    return RECIPE.replace(old, new)


def faults(folder: Path, text: str) -> list[str]:
    """Return the lines of the error, each without the file's path."""
    path = write(folder, text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    told = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in told), told
    return [line.removeprefix(f"{path}:") for line in told]


def line_of(text: str, part: str) -> int:
    (number,) = [number for number, line in enumerate(text.splitlines(), 1) if part in line]
    return number
