"""A GGUF file, read by llama.cpp: tokens of several sequences pass in one call, and it keeps keys and values by sequence in room of its own.

Functions are those of https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h as llama-cpp-python binds them. Sequences share the cells of
one cache, so that a fork takes none: cells in use are never more than the places of the pages that count them.
"""

import ctypes
import functools
import weakref
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kernels.inference.cache.sequences import Copy
from kernels.inference.readers.reading import Stretch
from kernels.specs.extras import Extra

EXTRA = Extra("llama_cpp", "llama_cpp")
PURPOSE = "models that llama.cpp reads"
MOST_SEQUENCES = 256
"""That a context tells apart; it wants room for as many tokens."""
ERROR_LEVEL = 4
"""GGML_LOG_LEVEL_ERROR of ggml.h."""
Format = Literal["Q8_0", "Q4_0", "IQ4_NL", "F16", "F32"]
_FILE_TYPES: dict[Format, str] = {
    "Q8_0": "LLAMA_FTYPE_MOSTLY_Q8_0",
    "Q4_0": "LLAMA_FTYPE_MOSTLY_Q4_0",
    "IQ4_NL": "LLAMA_FTYPE_MOSTLY_IQ4_NL",
    "F16": "LLAMA_FTYPE_MOSTLY_F16",
    "F32": "LLAMA_FTYPE_ALL_F32",
}


@functools.cache
def library() -> Any:
    """Return the bindings, whose library keeps what it says of errors for the exceptions here, and says nothing else.

    Raises:
        ModuleNotFoundError: the extra is not installed (names it and the remedy).
    """
    found: Any = EXTRA.require(PURPOSE)

    @found.llama_log_callback
    def keep(level: int, text: bytes, _: Any) -> None:
        if level == ERROR_LEVEL:
            _said.append(text.decode("utf-8", "replace").strip())

    _kept.append(keep)
    found.llama_log_set(keep, None)
    found.llama_backend_init()
    return found


_kept: list[Any] = []
"""What the library calls for as long as the process lives."""
_said: deque[str] = deque(maxlen=3)
"""The last errors."""


def _complaint() -> str:
    """Return what llama.cpp said last of errors, once."""
    said = "; ".join(_said) or "it does not say why"
    _said.clear()
    return said


def quantize(source: Path, target: Path, kind: Format, num_threads: int) -> None:
    """Write a GGUF file of float32 in another format, as llama.cpp itself does.

    Args:
        source: the file.
        target: of the format, which is written over.
        kind: of matrices; what llama.cpp holds better in another, as it does an embedding that is the output layer too, it keeps in that.
        num_threads: that round.

    Raises:
        RuntimeError: llama.cpp refuses (it says why).
    """
    bindings = library()
    told = bindings.llama_model_quantize_default_params()
    told.ftype, told.nthread = getattr(bindings, _FILE_TYPES[kind]), num_threads
    if bindings.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(told)) != 0:
        raise RuntimeError(f"{source}: llama.cpp does not write it as {kind}: {_complaint()}")


class LlamaCpp:
    """See the module, and `kernels.inference.readers.reading.Reader`."""

    has_threads = True

    def __init__(self, path: Path, num_threads: int, *, most_kept_tokens: int, most_tokens: int) -> None:
        """Load a file, which may be removed then, and make room.

        Args:
            path: of the GGUF file.
            num_threads: that compute.
            most_kept_tokens: of all sequences.
            most_tokens: that pass in one call.

        Raises:
            ModuleNotFoundError: the extra is not installed.
            ValueError: llama.cpp does not load it, or finds no room for so many tokens (it says why).
        """
        self._library = library()
        self._model = self._loaded(path)
        weakref.finalize(self, self._library.llama_model_free, self._model)
        told = self._library.llama_context_default_params()
        told.n_seq_max = MOST_SEQUENCES
        told.n_ctx, told.n_batch = (max(count, MOST_SEQUENCES) for count in (most_kept_tokens, most_tokens))
        told.n_ubatch = told.n_batch
        told.n_threads = told.n_threads_batch = num_threads
        told.kv_unified = told.no_perf = True
        self._context = self._library.llama_init_from_model(self._model, told)
        if not self._context:
            raise ValueError(f"{path}: llama.cpp finds no room for {most_kept_tokens} tokens: {_complaint()}")
        weakref.finalize(self, self._library.llama_free, self._context)
        self._memory = self._library.llama_get_memory(self._context)
        self._batch = self._library.llama_batch_init(most_tokens, 0, 1)
        weakref.finalize(self, self._library.llama_batch_free, self._batch)
        self._num_logits = self._library.llama_vocab_n_tokens(self._library.llama_model_get_vocab(self._model))
        self._most_tokens = most_tokens
        self._free, self._numbers = list(range(MOST_SEQUENCES)), dict[int, int]()
        """llama.cpp's numbers of sequences: those that nobody has, and those of the engine's."""

    def _loaded(self, path: Path) -> Any:
        told = self._library.llama_model_default_params()
        told.load_mode = self._library.LLAMA_LOAD_MODE_NONE  # nothing is mapped, so that nothing needs the file any more
        model = self._library.llama_model_load_from_file(str(path).encode(), told)
        if not model:
            raise ValueError(f"{path}: llama.cpp does not load it: {_complaint()}")
        return model

    def read(self, stretches: Sequence[Stretch]) -> Any:
        """See `Reader`.

        Raises:
            ValueError: they have more tokens than pass in one call, or there are more sequences than llama.cpp tells apart.
            RuntimeError: llama.cpp cannot pass them (it says why).
        """
        import torch

        num_tokens = sum(len(each.tokens) for each in stretches)
        if num_tokens > self._most_tokens:  # beyond the batch lies memory of others
            raise ValueError(f"{num_tokens} tokens are to pass in one call, which takes {self._most_tokens}; open the file for more")
        self._fill(stretches)
        status = self._library.llama_decode(self._context, self._batch)
        if status != 0:
            raise RuntimeError(f"llama.cpp passes no {num_tokens} tokens of {len(stretches)} sequences (status {status}): {_complaint()}")
        num_asked = sum(len(each.asked) for each in stretches)
        if num_asked == 0:
            return torch.empty(0, self._num_logits)
        return torch.tensor(np.ctypeslib.as_array(self._library.llama_get_logits(self._context), (num_asked, self._num_logits)))

    def _fill(self, stretches: Sequence[Stretch]) -> None:
        """Write tokens, their places and sequences, and which are asked, into the batch."""
        batch, row = self._batch, 0
        for each in stretches:
            number = self._number(each.sequence)
            for index, token in enumerate(each.tokens):
                batch.token[row], batch.pos[row], batch.logits[row] = token, each.position + index, index in each.asked
                batch.n_seq_id[row], batch.seq_id[row][0] = 1, number
                row += 1
        batch.n_tokens = row

    def _number(self, sequence: int) -> int:
        """Return llama.cpp's number of a sequence, a free one where it has none."""
        if sequence not in self._numbers:
            if not self._free:
                raise ValueError(f"llama.cpp tells {MOST_SEQUENCES} sequences apart; ask for fewer answers at once")
            self._numbers[sequence] = self._free.pop()
        return self._numbers[sequence]

    def copy(self, copies: Sequence[Copy]) -> None:
        """See `Reader`: nothing lies in pages."""

    def fork(self, sequence: int, other: int) -> None:
        """See `Reader`."""
        self._library.llama_memory_seq_cp(self._memory, self._numbers[sequence], self._number(other), -1, -1)

    def forget(self, sequence: int) -> None:
        """See `Reader`."""
        number = self._numbers.pop(sequence, None)
        if number is not None:
            self._library.llama_memory_seq_rm(self._memory, number, -1, -1)
            self._free.append(number)
