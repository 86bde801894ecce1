"""What tests of trainings begin with: rows of tokens of one byte to several, and a peak that none of them waits for."""

from pathlib import Path

import numpy as np
import pytest

from kernels.tokens.special_tokens import SpecialTokens
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from kernels.training import outline, runs
from tests.small_mixtures import put_rows

LENGTH, VOCAB = 16, 280


@pytest.fixture(autouse=True)
def peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peak that no test here waits for."""
    for module in (outline, runs):
        monkeypatch.setattr(module, "measure_peak", lambda device, precision: 1e12)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of two documents each, of tokens of one byte to several."""
    folder = tmp_path_factory.mktemp("mixture")
    random = np.random.default_rng(0)
    for split, rows in (("train", 24), ("validation", 3)):
        put_rows(folder, split, random.integers(5, VOCAB, (rows, LENGTH)), np.tile(np.arange(LENGTH) // 8, (rows, 1)))
    special, text = SpecialTokens(mask=True), "the cat sat on that other mat there and then went home again"
    write_tokenizer(train(iter([text] * 4), ByteBpeConfig(vocab_size=VOCAB, special_tokens=special)), folder / "tokenizer", special)
    return folder
