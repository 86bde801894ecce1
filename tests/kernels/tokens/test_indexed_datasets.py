"""Token files of Megatron, byte for byte as its own reader takes them."""

from pathlib import Path

import numpy as np
import pytest

from kernels.tokens.indexed_datasets import read_sequences, write_rows

TOKENS = np.array([[5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 0, 0]])
SEGMENTS = np.array([[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 65535, 65535]], np.uint16)


def test_documents_are_sequences_and_padding_is_left_out(tmp_path: Path) -> None:
    assert write_rows(TOKENS, SEGMENTS, 300, tmp_path / "train_0") == 4
    assert [list(sequence) for sequence in read_sequences(tmp_path / "train_0")] == [[5, 6, 7, 8], [9, 10], [11, 12], [13, 14]]


def test_the_index_is_header_lengths_places_and_documents(tmp_path: Path) -> None:
    write_rows(TOKENS, SEGMENTS, 300, tmp_path / "train_0")
    index = (tmp_path / "train_0.idx").read_bytes()
    assert index[:34] == b"MMIDIDX\x00\x00" + bytes([1, 0, 0, 0, 0, 0, 0, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0])
    assert list(np.frombuffer(index, "<i4", 4, 34)) == [4, 2, 2, 2]
    assert list(np.frombuffer(index, "<i8", 4, 50)) == [0, 8, 12, 16]
    assert list(np.frombuffer(index, "<i8", 5, 82)) == [0, 1, 2, 3, 4] and len(index) == 82 + 40


def test_a_large_vocabulary_takes_four_bytes_a_token(tmp_path: Path) -> None:
    write_rows(TOKENS, SEGMENTS, 65_500, tmp_path / "train_0")
    assert (tmp_path / "train_0.bin").stat().st_size == 4 * 10 and read_sequences(tmp_path / "train_0")[1].dtype == np.int32


def test_a_file_that_is_no_index_is_told(tmp_path: Path) -> None:
    (tmp_path / "train_0.idx").write_bytes(bytes(40))
    with pytest.raises(ValueError, match="is no index of version 1"):
        read_sequences(tmp_path / "train_0")
