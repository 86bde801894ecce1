"""Recomputed activations: the same gradients from less memory."""

from typing import Any

import pytest

from kernels.training.execution.activations import ActivationMode, apply


def network(*, dropout: float = 0.0) -> Any:
    import torch

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = torch.nn.RMSNorm(16)
            self.qkv = torch.nn.Linear(16, 48)
            self.up = torch.nn.Linear(16, 64)
            self.down = torch.nn.Linear(64, 16)
            self.dropout = torch.nn.Dropout(dropout)

        def forward(self, hidden: Any) -> Any:
            parts = self.qkv(self.norm(hidden)).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
            attended = torch.nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
            hidden = hidden + attended.transpose(1, 2).flatten(2)
            return hidden + self.dropout(self.down(torch.nn.functional.silu(self.up(self.norm(hidden)))))

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = torch.nn.ModuleList([Block() for _ in range(3)])

        def forward(self, hidden: Any) -> Any:
            for block in self.blocks:
                hidden = block(hidden)
            return hidden

    torch.manual_seed(0)
    return Network()


def gradients(model: Any) -> dict[str, Any]:
    import torch

    torch.manual_seed(1)
    model(torch.randn(2, 12, 16)).square().mean().backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def kept_bytes(mode: ActivationMode) -> int:
    """Return the bytes that come to be on the way there and are still held on the way back."""
    import torch
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for tensor in result if isinstance(result, tuple | list) else (result,):
                if isinstance(tensor, torch.Tensor) and tensor.untyped_storage()._cdata not in known:
                    made[tensor.untyped_storage()._cdata] = (StorageWeakRef(tensor.untyped_storage()), tensor.untyped_storage().nbytes())
            return result

    model = network()
    apply(model.blocks, mode)
    inputs = torch.randn(2, 12, 16)
    known = {tensor.untyped_storage()._cdata for tensor in (inputs, *model.parameters())}
    made: dict[int, tuple[Any, int]] = {}
    with Watch():
        loss = model(inputs).square().mean()
    held = sum(size for reference, size in made.values() if not reference.expired())
    loss.backward()
    return held


@pytest.mark.parametrize("mode", ["selective", "full"])
def test_gradients_are_bit_for_bit_those_of_a_training_that_keeps_everything(mode: ActivationMode) -> None:
    import torch

    kept, recomputed = network(), network()
    apply(recomputed.blocks, mode)
    expected = gradients(kept)
    assert all(torch.equal(gradient, expected[name]) for name, gradient in gradients(recomputed).items())


@pytest.mark.parametrize("mode", ["selective", "full"])
def test_chance_is_recomputed_as_it_was(mode: ActivationMode) -> None:
    import torch

    kept, recomputed = network(dropout=0.5), network(dropout=0.5)
    apply(recomputed.blocks, mode)
    expected = gradients(kept)
    assert all(torch.equal(gradient, expected[name]) for name, gradient in gradients(recomputed).items())


def test_less_is_kept_the_more_is_recomputed() -> None:
    everything, products, inputs = (kept_bytes(mode) for mode in ("none", "selective", "full"))
    assert inputs < products < everything
    rows = 2 * 12 * 4  # of 16 numbers: what each block reads, but for the first, and what the last gives
    assert inputs == pytest.approx(3 * 16 * rows, abs=64)
    assert products == pytest.approx(inputs + 3 * (48 + 64 + 16 + 16 + 2) * rows, abs=64)  # the products, attention and its two sums a row


def calls(mode: ActivationMode) -> dict[str, int]:
    """Return how often a step calls some operations, there and back."""
    from torch.utils._python_dispatch import TorchDispatchMode

    found = {"aten.addmm.default": 0, "aten._scaled_dot_product_flash_attention_for_cpu.default": 0, "aten.silu.default": 0}

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if str(func) in found:
                found[str(func)] += 1
            return func(*args, **(kwargs or {}))

    model = network()
    apply(model.blocks, mode)
    with Count():
        gradients(model)
    return found


def test_selective_recomputation_computes_products_and_attention_once_and_the_rest_twice() -> None:
    assert list(calls("none").values()) == [9, 3, 3]
    assert list(calls("selective").values()) == [9, 3, 6]
    assert list(calls("full").values()) == [15, 6, 6]  # the last product of a block is needed by no gradient


def test_names_of_parameters_stay() -> None:
    model = network()
    apply(model.blocks, "full")
    assert list(model.state_dict()) == list(network().state_dict())


def test_a_model_that_only_reads_computes_as_before() -> None:
    import torch

    kept, recomputed = network(), network()
    apply(recomputed.blocks, "selective")
    inputs = torch.randn(2, 12, 16)
    with torch.inference_mode():
        assert torch.equal(kept(inputs), recomputed(inputs))


@pytest.mark.parametrize("mode", ["selective", "full"])
def test_a_block_may_be_compiled_afterwards(mode: ActivationMode) -> None:
    import torch

    compiled, plain = network(), network()
    apply(compiled.blocks, mode)
    for block in compiled.blocks:
        block.compile(backend="aot_eager", dynamic=False)
    expected = gradients(plain)
    for name, gradient in gradients(compiled).items():
        torch.testing.assert_close(gradient, expected[name])
