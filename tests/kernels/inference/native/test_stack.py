"""The CPU's own kernels compute what a stack of ours does with the same weights, as near as rounding rows to 8 bits lets them."""

import random
from typing import Any

import pytest
import torch

from kernels.inference.cache.pages import PAGE
from kernels.inference.native.building import lacking
from kernels.inference.native.packing import Bits
from kernels.inference.native.rounding import MATRICES, RoundedDecoder, of_module
from kernels.inference.native.stack import NativeStack
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.readers.reading import Stretch
from tests.kernels.inference.readers.test_paged_decoder import VOCABULARY, made, whole

NUM_PAGES = 16
SIZES: dict[str, Any] = {"width": 72, "head_width": 16, "inner_width": 104}
"""No multiples of what registers and groups hold."""


@pytest.fixture(autouse=True)
def _needs_its_processor() -> None:
    if (missing := lacking()) is not None:
        pytest.skip(f"no {missing}; to run them, run them on a machine with it")


def rounded_rows(rows: torch.Tensor) -> torch.Tensor:
    """Return rows as the kernels multiply them: by groups of 32 to whole numbers up to 127."""
    width = rows.shape[-1]
    groups = torch.nn.functional.pad(rows, (0, -width % 32)).unflatten(-1, (-1, 32))
    scale = groups.abs().amax(-1, keepdim=True).clamp(min=1e-9) / 127
    return ((groups / scale).round() * scale).flatten(-2)[..., :width]


def rows_rounded(decoder: RoundedDecoder) -> RoundedDecoder:
    """Have a stack of rounded weights round rows too where it is asked by PyTorch."""
    for block in decoder.blocks:
        for name in MATRICES:
            getattr(block, name).register_forward_pre_hook(lambda _, given: (rounded_rows(given[0]),))
    norm: Any = decoder.norm
    norm.register_forward_hook(lambda _, given, found: rounded_rows(found))
    return decoder


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize(
    "changes", [{}, {"positions": "alibi"}, {"positions": "t5"}, {"positions": "learned", "num_kv_heads": 1}, {"num_kv_heads": 4}]
)
@pytest.mark.parametrize("num_threads", [1, 3])
def test_pieces_of_several_sequences_are_answered_as_whole_texts_are(bits: Bits, changes: dict[str, Any], num_threads: int) -> None:
    module, chance = made(**{**SIZES, "tied": False, **changes}), random.Random(1)
    module.initialise(torch.Generator().manual_seed(0), 0.1)  # so that scores are small, and what is rounded of keys stays small
    decoder = of_module(module, bits)
    reader, module = NativeStack(decoder, NUM_PAGES, num_threads), rows_rounded(decoder)
    texts = [[chance.randrange(VOCABULARY) for _ in range(length)] for length in (5, 70, 23)]
    expected = [whole(module, text, 0) for text in texts]
    tables = chance.sample(range(NUM_PAGES), NUM_PAGES)
    pages = [[tables.pop() for _ in range(-(-len(text) // PAGE))] for text in texts]
    together = reader.read([Stretch(text, 0, table, range(len(text))) for text, table in zip(texts, pages, strict=True)])
    scale = torch.cat(expected).std()
    assert (together - torch.cat(expected)).std() < 0.03 * scale  # values are of bfloat16, and a sum near the border of two levels goes to either
    kept = [0] * len(texts)
    found: list[list[torch.Tensor]] = [[] for _ in texts]
    while any(num < len(text) for num, text in zip(kept, texts, strict=True)):
        chosen = [index for index, text in enumerate(texts) if kept[index] < len(text) and chance.random() < 0.7]
        counts = [min(len(texts[index]) - kept[index], chance.choice((1, 1, 2, 9))) for index in chosen]
        stretches = [
            Stretch(texts[index][kept[index] : kept[index] + count], kept[index], pages[index], range(count))
            for index, count in zip(chosen, counts, strict=True)
        ]
        if stretches:
            for index, count, rows in zip(chosen, counts, reader.read(stretches).split(counts), strict=True):
                found[index].append(rows)
                kept[index] += count
    torch.testing.assert_close(torch.cat([row for rows in found for row in rows]), together, rtol=0, atol=0)


@pytest.mark.parametrize("bits", [8, 4])
def test_but_for_attention_which_is_of_bfloat16_all_is_as_exact_as_float32(bits: Bits) -> None:
    module = made(**SIZES, tied=False)
    for block in module.blocks:
        found: Any = block
        found.out.weight.data.zero_()
    decoder = of_module(module, bits)
    found = NativeStack(decoder, NUM_PAGES, 1).read([Stretch(range(40), 0, [0, 1, 2], range(40))])
    torch.testing.assert_close(found, whole(rows_rounded(decoder), list(range(40)), 0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bits", [8, 4])
def test_pytorch_answers_with_the_same_weights_nearly_as_the_kernels_do_but_rounds_no_rows(bits: Bits) -> None:
    decoder = of_module(made(**SIZES), bits)
    step = [Stretch(range(40), 0, [0, 1, 2], range(40)), Stretch(range(50, 61), 0, [3], range(10, 11))]
    by_kernels, by_pytorch = NativeStack(decoder, NUM_PAGES, 1).read(step), PagedDecoder(decoder, NUM_PAGES, torch.float32).read(step)
    assert 0 < (by_kernels - by_pytorch).std() < 0.05 * by_pytorch.std()


def test_pages_are_copied_with_what_they_hold() -> None:
    reader = NativeStack(of_module(made(**SIZES, tied=False), 8), 4, 1)
    reader.read([Stretch(range(10), 0, [2], range(0))])
    reader.copy([(2, 0)])  # type: ignore[list-item]
    one, other = reader.read([Stretch([5], 10, [2], range(1)), Stretch([5], 10, [0], range(1))])
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_heads_that_registers_do_not_part_are_refused() -> None:
    with pytest.raises(ValueError, match="rounded weights: heads of 8 are no multiple of 16"):
        NativeStack(of_module(made(), 8), 4, 1)
