"""What is dropped out of a row is a matter of the row, the step and the place, and of nothing else."""

from typing import Any

import pytest
import torch

from kernels.models.blocks.dropping import Dropping, keys_of
from kernels.models.formats.fast import taken
from kernels.models.reading import Reading
from kernels.training.execution import activations
from kernels.training.execution.seeding import seed_step
from tests.kernels.models.blocks.test_wrapped import SIZES, made

KINDS: dict[str, Any] = {
    "modules that drop": lambda: made("GPT2", vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2),
    "fused attention that drops": lambda: made("Llama", **SIZES, attention_dropout=0.3),
    "attention that drops": lambda: made("Llama", **SIZES, attention_dropout=0.3, attn_implementation="eager"),
}
ROWS = torch.randint(3, 64, (4, 16), generator=torch.Generator().manual_seed(1))


def learned(module: Any, rows: torch.Tensor, step: int = 0) -> torch.Tensor:
    seed_step(1, step)
    return module(Reading(rows, torch.zeros_like(rows)), torch.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_drops_the_same_whatever_rows_are_with_it(kind: str) -> None:
    module = taken(KINDS[kind]()).module.train()
    together = learned(module, ROWS)
    torch.testing.assert_close(torch.cat([learned(module, ROWS[2:]), learned(module, ROWS[:2])]), together[[2, 3, 0, 1]])
    assert not torch.allclose(learned(module, ROWS, step=1), together, atol=1e-3)
    same = learned(module.eval(), ROWS)
    torch.testing.assert_close(learned(module, ROWS, step=1), same)
    assert not torch.allclose(same, together, atol=1e-3)


@pytest.mark.parametrize("mode", ["selective", "full"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_computed_again_drops_the_same(kind: str, mode: activations.ActivationMode) -> None:
    gradients: list[list[torch.Tensor]] = []
    for each in ("none", mode):
        module = taken(KINDS[kind]()).module.train()
        activations.apply(module.blocks, each)
        learned(module, ROWS).square().sum().backward()
        gradients.append([parameter.grad for parameter in module.parameters() if parameter.grad is not None])
    for kept, again in zip(*gradients, strict=True):
        torch.testing.assert_close(again, kept)


def test_as_much_is_dropped_as_is_asked_and_the_rest_is_made_larger_by_it() -> None:
    torch.manual_seed(3)
    ones, keys = torch.ones(4, 100, 100), keys_of(ROWS)
    with Dropping(keys, "here"):
        first, second = (torch.nn.functional.dropout(ones, 0.2) for _ in range(2))
    with Dropping(keys, "there"):
        elsewhere = torch.nn.functional.dropout(ones, 0.2)
    assert set(first.unique().tolist()) == {0.0, 1.25}
    for row in (*first, *second, *elsewhere):
        assert (row == 0).float().mean() == pytest.approx(0.2, abs=0.02)
    drawn = [*first, *second, *elsewhere]  # by row, by number and by place
    alike = [((one == 0) & (other == 0)).float().mean().item() for index, one in enumerate(drawn) for other in drawn[:index]]
    assert alike == pytest.approx([0.04] * len(alike), abs=0.01)


@pytest.mark.parametrize(
    "seen", [{}, {"is_causal": True}, {"attn_mask": torch.ones(6, 6, dtype=torch.bool).tril()}, {"attn_mask": torch.randn(6, 6)}]
)
def test_attention_that_drops_next_to_nothing_is_attention(seen: dict[str, Any]) -> None:
    query, key, value = torch.randn(4, 4, 6, 8), torch.randn(4, 2, 6, 8), torch.randn(4, 2, 6, 8)
    attend = torch.nn.functional.scaled_dot_product_attention
    with Dropping(keys_of(ROWS), "here"):
        found = attend(query, key, value, dropout_p=1e-12, enable_gqa=True, scale=0.5, **seen)
    torch.testing.assert_close(found, attend(query, key, value, enable_gqa=True, scale=0.5, **seen))


def test_what_is_not_of_rows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"here: drops out of \(3, 2\), which are not 4 rows"), Dropping([1, 2, 3, 4], "here"):
        torch.nn.functional.dropout(torch.ones(3, 2))


@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_blocks_that_drop_are_not_compiled_and_drop_the_same() -> None:
    module = taken(KINDS["modules that drop"]()).module.train()
    expected = learned(module, ROWS)
    for block in module.blocks:
        block.forward = torch.compile(block.forward, dynamic=False)
    torch.testing.assert_close(learned(module, ROWS), expected)
