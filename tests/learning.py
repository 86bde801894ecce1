"""Training of small models on bytes of real text, for tests that a family learns by an objective."""

import argparse
import difflib
import typing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kernels.models.blocks.cross_entropy import token_loss
from kernels.models.formats.fast import fresh
from kernels.specs.objectives import ControlTokens
from kernels.training.feeding.batches import Examples, Transform, prepare_rows
from kernels.training.learner import reading_of
from tests.small_mixtures import most_documents

END, PAD, MASK = range(3)
SENTINELS = tuple(range(3, 19))
FIRST_BYTE = 19
VOCABULARY = FIRST_BYTE + 256
CONTROL = ControlTokens(END, PAD, MASK, sentinels=SENTINELS, vocabulary_size=VOCABULARY, special=frozenset(range(FIRST_BYTE)))
LENGTH = 96
"""Of rows."""


def text_rows() -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """Rows of bytes of the standard library, [N, LENGTH], two documents in each, and their segments."""
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in (argparse, difflib, typing))
    tokens = np.frombuffer(text[: len(text) // LENGTH * LENGTH], np.uint8).astype(np.int64).reshape(-1, LENGTH) + FIRST_BYTE
    segments = np.broadcast_to((np.arange(LENGTH) >= LENGTH // 3).astype(np.uint16), tokens.shape)
    return tokens, segments


def transform_of(objective: Any, config: Any, segments: NDArray[np.uint16]) -> Transform:
    """The transform of rows of a length with so many documents."""
    return Transform(objective, config, CONTROL, objective.lengths(config, segments.shape[1], most_documents(segments)))


def loss(module: Any, examples: Examples, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """The cross-entropy of a batch's targets, in nats each."""
    hidden = module(reading_of(examples, "cpu"), dtype).flatten(0, 1)
    targets = torch.from_numpy(examples.targets).flatten()
    kept = targets >= 0
    weight, bias = module.output_layer()
    return token_loss(hidden[kept], weight, targets[kept], kept.sum(), bias_V=bias).total


def trained(shape: Any, batches: Any, rate: float) -> Any:
    """A fresh module behind a step of AdamW on each of some batches, the rate rising over twenty steps."""
    module = fresh(shape, 1).module
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.0)
    for step, examples in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 20)
        optimizer.zero_grad()
        loss(module, examples).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
    return module


def unigram_nats(seen: NDArray[np.int64], asked: NDArray[np.int64]) -> float:
    """The cross-entropy of tokens by how often each was seen, in nats each."""
    counts = np.bincount(seen, minlength=VOCABULARY) + 0.01
    return float(-np.log(counts / counts.sum())[asked].mean())


def loss_of_a_batch_read_often(shape: Any, objective: Any, config: Any) -> float:
    """The cross-entropy of four rows, in nats a target, of a fresh model that has read them 150 times."""
    tokens, segments = text_rows()
    batch = prepare_rows(tokens[:4], segments[:4], range(4), 1, transform_of(objective, config, segments))
    module = trained(shape, [batch] * 150, 6e-3)
    with torch.no_grad():
        return float(loss(module, batch))


def losses_on_unseen_rows(shape: Any, objective: Any, config: Any, num_steps: int, rate: float) -> tuple[float, float]:
    """The cross-entropy of bytes of 64 rows, in nats each: by a fresh model that has read others, and by how often they stand in those."""
    tokens, segments = text_rows()
    transform = transform_of(objective, config, segments)
    order = np.random.default_rng(0).permutation(len(tokens))
    held, rest = order[:64], order[64:]
    batches = (prepare_rows(tokens[rest[at : at + 16]], segments[:16], range(at, at + 16), 3, transform) for at in range(0, num_steps * 16, 16))
    module = trained(shape, batches, rate)
    asked = prepare_rows(tokens[held], segments[: len(held)], range(len(held)), 9, transform)
    asked.targets[asked.targets < FIRST_BYTE] = -100  # sentinels come in order and are easy
    with torch.no_grad():
        return float(loss(module, asked)), unigram_nats(tokens[rest].ravel(), asked.targets[asked.targets >= 0])
