"""What trains on a GPU computes what a CPU computes, and the same bits each time."""

from typing import Any

import numpy as np
import pytest
import torch

from kernels.models.blocks.attention import attend
from kernels.models.formats.fast import Trainable, fresh
from kernels.models.reading import MASKED
from kernels.specs.families import chosen, configured, specs
from kernels.training.costs.peak import measure_peak
from kernels.training.execution.seeding import seed_everything
from kernels.training.feeding.batches import Examples, Transform, prepare_rows
from kernels.training.feeding.feed import Batch, batch_of
from kernels.training.learner import Learner, Setting
from tests.kernels.models.architectures.test_decoders import POSITIONS
from tests.learning import CONTROL, END, FIRST_BYTE, PAD, VOCABULARY
from tests.method_jobs import DEVICE
from tests.small_mixtures import most_documents
from tests.small_models import shaken

pytestmark = pytest.mark.skipif(DEVICE != "cuda", reason="no GPU")
LENGTH = 256
"""Of rows: two blocks of what passes over those that nobody sees."""
STACK: dict[str, Any] = {"hidden_size": 64, "num_layers": 2, "num_heads": 4, "intermediate_size": 96, "max_position_embeddings": LENGTH}
CAUSAL = {"num_kv_heads": 2}
SEES = {"image_size": 8, "patch_size": 4, "vision_width": 24, "vision_layers": 2, "vision_heads": 3}
STATES = {"hidden_size": 64, "num_layers": 2, "state_size": 16, "head_dim": 16, "chunk_size": 64}
IMAGE, PATCHES = VOCABULARY, 4
FAMILIES: dict[str, tuple[str, dict[str, Any], str]] = {
    **{f"llama-{name}": ("llama", {**STACK, **CAUSAL, "positions": name}, "next_token") for name in POSITIONS},
    "llama-narrow": ("llama", {**STACK, **CAUSAL, "num_heads": 8}, "next_token"),
    "prefix": ("prefix_decoder", {**STACK, **CAUSAL}, "prefix_lm"),
    "prefix-t5": ("prefix_decoder", {**STACK, **CAUSAL, "positions": "t5"}, "prefix_lm"),
    "modernbert": ("modernbert", {**STACK, "num_layers": 3, "global_every": 2, "local_attention": 32}, "masked"),
    "t5": ("t5", STACK, "span_corruption"),
    "mamba2": ("mamba2", STATES, "next_token"),
    "llava": ("llava", {**STACK, **CAUSAL, **SEES}, "next_token"),
}
"""Architecture, config and objective."""


def made(name: str) -> Trainable:
    """A small model with weights large enough that a fault shows."""
    kind, config, _ = FAMILIES[name]
    spec = specs("architectures")[kind]
    images = {"image_token_id": IMAGE} if name == "llava" else {}
    parsed = spec.config.model_validate({"kind": kind, "tie_embeddings": False, **config})
    shape = spec.build(parsed, vocab_size=VOCABULARY + 1, eos_token_id=END, pad_token_id=PAD, **images)
    return fresh(shape, 3) if kind == "t5" else shaken(shape)  # its scores are not scaled, so that large weights magnify what is rounded


def batch(name: str, rows: int = 4, length: int = LENGTH) -> Batch:
    asked = configured("objectives", FAMILIES[name][2])
    random = np.random.default_rng(1)
    tokens = random.integers(FIRST_BYTE, VOCABULARY, (rows, length))
    segments = np.tile((np.arange(length) >= 70).astype(np.int32) + (np.arange(length) >= 150), (rows, 1)).astype(np.uint16)
    objective: Any = chosen("objectives", asked)
    transform = Transform(objective, asked, CONTROL, objective.lengths(asked, length, most_documents(segments)))
    part = prepare_rows(tokens, segments, range(rows), 1, transform)
    if name == "llava":
        part = with_images(part)
    return batch_of([part])


def with_images(part: Examples) -> Examples:
    """The same with an image each, at the third token."""
    inputs = part.inputs_BT.copy()
    inputs[:, 2 : 2 + PATCHES] = IMAGE
    pixels = np.random.default_rng(2).standard_normal((len(inputs), 3, 8, 8)).astype(np.float32)
    return part._replace(inputs_BT=inputs, pixels=pixels)


def learned(
    model: Trainable, read: Batch, device: str, precision: str = "float32", *, compiled: bool = False, kept: Any = "none", scale: float = 1.0
) -> tuple[float, dict[str, Any]]:
    """The loss of a batch and the gradients of a model, on the CPU."""
    learner = Learner(model, Setting(device, precision, compiled, 1e-4, kept))
    loss = learner.gradients(read, scale)
    return loss, {name: parameter.grad.cpu() / scale for name, parameter in learner.module.named_parameters() if parameter.grad is not None}


def apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    """How far gradients are from others, by the norm of all of them."""
    assert one.keys() == other.keys()
    total = sum(float((one[name] - other[name]).double().square().sum()) for name in one) ** 0.5
    return total / sum(float(each.double().square().sum()) for each in other.values()) ** 0.5


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_the_loss_and_gradients_of_the_cpu(name: str) -> None:
    expected = learned(made(name), batch(name), "cpu")
    found = learned(made(name), batch(name), "cuda")
    assert found[0] == pytest.approx(expected[0], rel=1e-5) and apart(found[1], expected[1]) < 1e-4


@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
@pytest.mark.parametrize("name", FAMILIES)
def test_a_compiled_family_is_near_to_single_precision(name: str) -> None:
    expected = learned(made(name), batch(name), "cpu")
    single = learned(made(name), batch(name), "cuda", compiled=True)
    assert single[0] == pytest.approx(expected[0], rel=1e-5) and apart(single[1], expected[1]) < 1e-3
    half = learned(made(name), batch(name), "cuda", "bfloat16", compiled=True)
    assert half[0] == pytest.approx(expected[0], rel=0.02) and apart(half[1], expected[1]) < 0.1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_rows_of_part_of_a_block_in_float16_are_near_to_single_precision(name: str, compiled: bool) -> None:
    """What is passed over goes by blocks of 128 positions; gradients are found scaled, as float16 asks for."""
    expected = learned(made(name), batch(name, length=160), "cpu")
    found = learned(made(name), batch(name, length=160), "cuda", "float16", compiled=compiled, scale=2.0**10)
    assert found[0] == pytest.approx(expected[0], rel=0.02) and apart(found[1], expected[1]) < 0.1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_are_the_same_bits_each_time(name: str, compiled: bool) -> None:
    seed_everything(1)
    found = [learned(made(name), batch(name, 16), "cuda", "bfloat16", compiled=compiled) for _ in range(3)]
    for again in found[1:]:
        assert again[0] == found[0][0]
        for each, gradient in again[1].items():
            assert torch.equal(gradient, found[0][1][each]), each


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kept", ["selective", "full"])
@pytest.mark.parametrize("name", ["llama-rope", "llama-t5", "mamba2", "t5"])
def test_recomputed_activations_give_the_same_gradients(name: str, kept: str, compiled: bool) -> None:
    seed_everything(1)
    expected, found = (learned(made(name), batch(name), "cuda", "bfloat16", compiled=compiled, kept=mode) for mode in ("none", kept))
    assert found[0] == pytest.approx(expected[0], rel=1e-3 if compiled else 0)
    assert apart(found[1], expected[1]) <= (0.02 if compiled else 0), "what is compiled anew is fused otherwise"


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize(("groups", "repeats"), [(4, 1), (2, 3)])
@pytest.mark.parametrize(("queries", "keys"), [(128, 128), (100, 100), (1, 77)])
def test_attention_is_near_to_the_formula(queries: int, keys: int, groups: int, repeats: int, has_bias: bool) -> None:
    random = torch.Generator().manual_seed(1)

    def draw(*sizes: int) -> torch.Tensor:
        return torch.randn(*sizes, generator=random, dtype=torch.float64)

    q, k, v = draw(2, groups, repeats, queries, 64) / 8, draw(2, groups, keys, 64), draw(2, groups, keys, 64)
    bias = draw(groups, repeats, queries, keys) if has_bias else None
    seen = torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)
    mask = torch.where(seen, 0.0, MASKED)[None, None].expand(2, -1, -1, -1)
    weight = draw(2, groups, repeats, queries, 64)

    def done(device: str, dtype: torch.dtype) -> list[torch.Tensor]:
        inputs = [each.to(device, dtype).requires_grad_() for each in (q, k, v)]
        added = [] if bias is None else [bias.to(device, torch.float64 if dtype == torch.float64 else torch.float32).requires_grad_()]
        out = attend(*inputs, mask.to(device, torch.float64 if dtype == torch.float64 else torch.float32), *added, causal=queries == keys)
        return [each.detach().cpu().double() for each in (out, *torch.autograd.grad((out.float() * weight.to(device).float()).sum(), inputs + added))]

    for found, expected in zip(done("cuda", torch.bfloat16), done("cpu", torch.float64), strict=True):
        assert float((found - expected).norm() / expected.norm()) < 1e-2


def test_the_peak_of_products_is_that_of_a_gpu_and_its_memory_counts_for_no_training() -> None:
    before = torch.cuda.memory_allocated()
    assert 1e13 < measure_peak("cuda", "bfloat16") < 1e16
    assert torch.cuda.max_memory_allocated() < before + 1e8, "squares of 8192 take four times that; the library keeps some room of its own"
