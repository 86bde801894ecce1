"""Likelihoods are those of whole rows, though contexts, and what several begin with, are read once."""

import random
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kernels.inference.decoding import continued
from kernels.inference.likelihoods.likelihood import log_likelihoods
from kernels.inference.likelihoods.requests import Request
from kernels.inference.likelihoods.whole_rows import log_likelihoods as by_whole_rows
from kernels.models.formats.checkpoints import LanguageModel
from tests.kernels.inference.readers.test_readers import mamba
from tests.kernels.inference.test_kinds_of_decoders import KINDS as KINDS_OF_DECODERS
from tests.kernels.models.blocks.test_wrapped import FAMILIES, SIZES, made

KINDS = {
    "Llama": lambda: made("Llama", **SIZES),
    "windows in some layers": FAMILIES["windows in some layers, eager attention, capped logits"],
    "windows that the attention makes": FAMILIES["windows that the attention makes"],
}
OTHERS = {"states beside pages": KINDS_OF_DECODERS["a bias of a mask"][1], "Mamba2": mamba}
TOKENIZER = SimpleNamespace(decode=lambda tokens, **_: "")


def asked(chance: random.Random) -> list[Request]:
    beginnings = [[chance.randrange(3, 64) for _ in range(length)] for length in (0, 17, 33)]
    found: list[Request] = []
    for _ in range(12):
        context = (*chance.choice(beginnings), *(chance.randrange(3, 64) for _ in range(chance.randrange(1, 9))))
        found += [Request(context, tuple(chance.randrange(3, 64) for _ in range(chance.randrange(1, 6)))) for _ in range(chance.randrange(1, 4))]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_those_of_whole_rows(kind: str) -> None:
    lm = LanguageModel(KINDS[kind](), SimpleNamespace(), "cpu")
    requests = asked(random.Random(3))
    assert log_likelihoods(lm, requests) == pytest.approx(by_whole_rows(lm, requests, 64, None), rel=0.02)


def test_each_context_is_read_once_and_so_is_what_several_begin_with() -> None:
    model: Any = made("Llama", **SIZES)
    read: list[int] = []
    model.register_forward_pre_hook(lambda module, given, told: read.append(told["input_ids"].numel()), with_kwargs=True)
    few_shot = tuple(range(3, 51))
    requests = [Request((*few_shot, 4 + question, 9), (option,)) for question in range(4) for option in range(10, 14)]
    log_likelihoods(LanguageModel(model, SimpleNamespace(), "cpu"), requests)
    assert sum(read) == 48 + 4 * 2
    read.clear()
    log_likelihoods(LanguageModel(model, SimpleNamespace(), "cpu"), [Request((5, 6, 7), (8, 9, 10)), Request((5, 6, 7), (8, 9, 11))])
    assert sum(read) == 3 + 2 * 2


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_where_nothing_may_depend_on_what_is_asked_beside_it_not_one_bit_does(kind: str) -> None:
    lm = LanguageModel({**KINDS, **OTHERS}[kind](), TOKENIZER, "cpu", is_invariant=True)
    requests = asked(random.Random(5))
    apart = [log_likelihoods(lm, [request])[0] for request in requests]
    assert log_likelihoods(lm, requests) == apart
    assert log_likelihoods(lm, requests[::-1]) == apart[::-1]
    prompts, told = [list(request.context) for request in requests], {"max_new_tokens": 4, "temperature": 0.0, "seed": 1, "stop": ()}
    assert continued(lm, prompts, **told) == [continued(lm, [prompt], **told)[0] for prompt in prompts]


def test_of_a_context_longer_than_the_model_reads_its_end_counts() -> None:
    lm = LanguageModel(made("Llama", **SIZES), SimpleNamespace(), "cpu")
    long = tuple(3 + index % 60 for index in range(100))
    assert log_likelihoods(lm, [Request(long, (8, 9))]) == log_likelihoods(lm, [Request(long[-63:], (8, 9))])
    with torch.no_grad():
        logits = lm.model(torch.tensor([[*long[-63:], 8]])).logits[0, -2:].log_softmax(-1)
    assert log_likelihoods(lm, [Request(long, (8, 9))])[0] == pytest.approx(float(logits[0, 8] + logits[1, 9]), rel=0.02)
