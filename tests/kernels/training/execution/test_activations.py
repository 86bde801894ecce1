"""Recomputed activations: the same gradients from less memory."""

from collections.abc import Callable
from typing import Any

import pytest

from kernels.models.formats.fast import fresh
from kernels.specs.families import specs
from kernels.training.execution.activations import ActivationMode, apply
from tests.held_memory import held_bytes


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

    model = network()
    apply(model.blocks, mode)
    inputs = torch.randn(2, 12, 16)
    return held_bytes(lambda: model(inputs).square().mean(), [inputs, *model.parameters()])


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
    """Return how often a step of the network calls some operations, there and back."""
    model = network()
    apply(model.blocks, mode)
    return called(lambda: gradients(model), ["addmm.default", "_scaled_dot_product_flash_attention_for_cpu.default", "silu.default"])


def called(work: Callable[[], Any], names: list[str]) -> dict[str, int]:
    """Return how often work calls operations of torch."""
    from torch.utils._python_dispatch import TorchDispatchMode

    found = dict.fromkeys(names, 0)

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = str(func).removeprefix("aten.")
            if name in found:
                found[name] += 1
            return func(*args, **(kwargs or {}))

    with Count():
        work()
    return found


def test_selective_recomputation_computes_products_and_attention_once_and_the_rest_twice() -> None:
    assert list(calls("none").values()) == [9, 3, 3]
    assert list(calls("selective").values()) == [9, 3, 6]
    assert list(calls("full").values()) == [15, 6, 6]  # the last product of a block is needed by no gradient


@pytest.mark.parametrize("mode", ["selective", "full"])
def test_blocks_may_be_called_by_the_names_of_what_they_read(mode: ActivationMode) -> None:
    import torch

    model = network()
    expected = model(torch.ones(1, 4, 16))
    apply(model.blocks, mode)
    hidden = torch.ones(1, 4, 16)
    for block in model.blocks:
        hidden = block(hidden=hidden)
    assert torch.equal(hidden, expected)


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


TRACING = pytest.mark.filterwarnings("ignore")
"""Torch's own tracing warns of torch: of gradients of inputs that it looks at, and of its own old ways."""


@TRACING
@pytest.mark.parametrize(("mode", "num_again"), [("selective", 0), ("full", 1)])
def test_a_block_that_is_compiled_afterwards_is_one_graph_that_recomputes(mode: ActivationMode, num_again: int) -> None:
    from torch._dynamo.backends.common import aot_autograd
    from torch._functorch._aot_autograd.utils import make_boxed_func

    graphs: list[str] = []

    def keep(graph: Any, inputs: Any) -> Any:
        graphs.append(graph.code)
        return make_boxed_func(graph.forward)

    compiled = network()
    apply(compiled.blocks, mode)
    for block in compiled.blocks:
        block.compile(backend=aot_autograd(fw_compiler=keep, bw_compiler=keep), fullgraph=True, dynamic=False)
    gradients(compiled)
    forward, backward = graphs[0], graphs[-1]
    assert forward.count("silu.default") == backward.count("silu.default") == 1
    assert forward.count("_scaled_dot_product_flash_attention_for_cpu.default") == 1
    assert backward.count("_scaled_dot_product_flash_attention_for_cpu.default") == num_again


@TRACING
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


HEADS: dict[str, object] = {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "intermediate_size": 40, "max_position_embeddings": 64}
FAMILIES: dict[str, dict[str, object]] = {
    "llama": {**HEADS, "num_kv_heads": 2},
    "modernbert": {**HEADS, "local_attention": 8, "global_every": 2},
    "t5": HEADS,
    "mamba2": {"hidden_size": 32, "num_layers": 2, "state_size": 16, "head_dim": 8, "chunk_size": 8},
}


def step_of(family: str, mode: ActivationMode, precision: str) -> tuple[Any, Callable[[], Any]]:
    """Return a small model of a family, and what takes its gradients."""
    import torch

    from kernels.models.reading import Reading

    spec = specs("architectures")[family]
    config = spec.config.model_validate({"kind": family, "tie_embeddings": True, **FAMILIES[family]})
    module = fresh(spec.build(config, vocab_size=90, eos_token_id=0, pad_token_id=3), 1).module
    apply(module.blocks, mode)
    random = torch.Generator().manual_seed(1)
    tokens, written = (torch.randint(90, (2, length), generator=random) for length in (32, 12))
    apart = (written, torch.zeros_like(written)) if family == "t5" else (None, None)
    reading = Reading(tokens, (torch.arange(32) >= 20).long().expand(2, -1), None, *apart)
    return module, lambda: module(reading, getattr(torch, precision)).float().square().mean().backward()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("mode", ["selective", "full"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_every_family_learns_bit_for_bit_what_it_learns_without(family: str, mode: ActivationMode, precision: str) -> None:
    import torch

    (kept, step), (recomputed, other) = step_of(family, "none", precision), step_of(family, mode, precision)
    step()
    other()
    found = dict(recomputed.named_parameters())
    told = [name for name, parameter in kept.named_parameters() if parameter.grad is not None]
    assert len(told) > 10 and all(torch.equal(kept.get_parameter(name).grad, found[name].grad) for name in told)


@pytest.mark.parametrize("family", FAMILIES)
def test_products_with_weights_are_computed_once_and_scores_and_states_again(family: str) -> None:
    none, selective, full = (called(step_of(family, mode, "bfloat16")[1], ["mm.default", "bmm.default"]) for mode in ("none", "selective", "full"))
    assert selective["mm.default"] == none["mm.default"] < full["mm.default"]
    assert selective["bmm.default"] == full["bmm.default"] > none["bmm.default"]


@TRACING
@pytest.mark.parametrize("mode", ["selective", "full"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_every_family_learns_the_same_where_its_blocks_are_compiled(family: str, mode: ActivationMode) -> None:
    import torch

    (kept, step), (compiled, other) = step_of(family, "none", "float32"), step_of(family, mode, "float32")
    for block in compiled.blocks:
        block.compile(backend="aot_eager_decomp_partition", dynamic=False)
    step()
    other()
    found = dict(compiled.named_parameters())
    for name, parameter in kept.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[name].grad, parameter.grad, rtol=1e-4, atol=1e-5)
