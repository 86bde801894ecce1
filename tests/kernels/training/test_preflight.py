"""What is looked at before the first step: ties, gradients, losses, parameters that learn nothing, and memory."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest
import torch

from kernels.models.blocks.wrapped import Wrapped
from kernels.models.formats.fast import Trainable
from kernels.training import preflight
from kernels.training.costs import hardware, memory
from kernels.training.costs.hardware import memory_bytes
from kernels.training.feeding.feed import Batch
from kernels.training.learner import Learner
from kernels.training.preflight import DRY_RUN, check
from tests.kernels.methods.pretraining.test_pretrain import config
from tests.kernels.training.test_learner import batch, learner, trainable, words
from tests.small_models import small_llama

ROWS = batch([[words(1, 16)], [words(2, 10)]])


def checked(made: Learner, say: Callable[[str], None] = lambda words: None, changes: Mapping[str, object] = MappingProxyType({})) -> None:
    check(made, config(**changes), [(1, ROWS)], say)


def wrapped() -> Trainable:
    model = small_llama()
    return Trainable(Wrapped(model), model.config, "causal", None, is_own=False)


def test_a_model_without_fault_passes_and_keeps_no_gradient() -> None:
    for made in (learner(trainable()), learner(wrapped())):
        before = {name: weight.clone() for name, weight in made.module.state_dict().items()}
        checked(made)
        assert all(parameter.grad is None for parameter in made.module.parameters())
        assert all(torch.equal(weight, before[name]) for name, weight in made.module.state_dict().items())


def test_matrices_that_a_config_ties_and_the_model_does_not_are_a_fault() -> None:
    made = trainable()
    assert made.module.output_embedding is not None
    made.shape.tie_word_embeddings = True
    with pytest.raises(ValueError, match=r"the model has [\d,]+ parameters, and its config comes to [\d,]+; a matrix that it ties"):
        checked(learner(made))
    parted = wrapped()
    parted.module.model.lm_head.weight = torch.nn.Parameter(parted.module.model.lm_head.weight.detach().clone())
    with pytest.raises(ValueError, match="ties input and output embeddings, and the model has two"):
        checked(learner(parted))


def test_a_gradient_of_before_is_a_fault() -> None:
    made = learner(trainable())
    made.module.embedding.grad = torch.zeros_like(made.module.embedding)
    with pytest.raises(ValueError, match="parameter embedding has a gradient before the first step"):
        checked(made)


def test_a_loss_that_is_no_number_is_a_fault_of_the_step_that_has_it() -> None:
    made = learner(trainable())
    with torch.no_grad():
        made.module.embedding.fill_(float("nan"))
    with pytest.raises(ValueError, match="the loss of step 1 is nan before the first step"):
        checked(made)


def test_parameters_that_no_loss_depends_on_are_a_fault() -> None:
    made = learner(trainable())
    made.module.blocks[1].forward = lambda x, *_: x
    with pytest.raises(ValueError, match=r"the loss does not depend on blocks\.1\.[\w.]+ \(\d+ parameters have no gradient\)"):
        checked(made)


def test_the_memory_that_a_dry_run_took_is_told_beside_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "peak_memory_bytes", lambda device: 1_234_000_000)
    monkeypatch.setattr(preflight, "memory_bytes", lambda device: 8e9)
    said: list[str] = []
    made = learner(trainable())
    checked(made, said.append)
    assert said == [f"{DRY_RUN}: loss {made.gradients(ROWS):.3f}, and at most 1.23 GB of memory of 8.00 GB that are there"]


@pytest.mark.parametrize(
    ("has", "changes", "fault"),
    [
        (5e4, {}, "optimizer and averages take 0.00 GB, and 0.00 GB are there; take a smaller model"),
        (2e5, {}, "a step of 2 rows together takes 0.00 GB, and 0.00 GB are there; lower micro_batch_size, or set activation_checkpointing"),
        (2e5, {"averaging": {"kind": "snapshots", "num_snapshots": 5}}, "take a smaller model"),
    ],
)
def test_what_plainly_finds_no_memory_is_refused_with_a_remedy_before_it_is_tried(
    monkeypatch: pytest.MonkeyPatch, has: float, changes: dict[str, object], fault: str
) -> None:
    monkeypatch.setattr(preflight, "memory_bytes", lambda device: has)
    monkeypatch.setitem(memory.PROCESS_BYTES, "cpu", 0.0)
    monkeypatch.setattr(Learner, "gradients", lambda made, read: pytest.fail("it was tried"))
    with pytest.raises(ValueError, match=fault):
        checked(learner(trainable()), changes=changes)


def test_a_step_that_finds_no_memory_is_told_with_a_remedy_and_other_errors_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_gpu(made: Learner, read: Batch) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    for gradients, told in ((lambda made, read: torch.empty(1 << 50), "DefaultCPUAllocator"), (on_gpu, "CUDA out of memory")):
        monkeypatch.setattr(Learner, "gradients", gradients)
        with pytest.raises(ValueError, match=rf"step 1 finds no memory for 2 rows together; lower micro_batch_size.* \(.*{told}"):
            checked(learner(trainable()))
    monkeypatch.setattr(Learner, "gradients", lambda made, read: torch.empty(2, 3) @ torch.empty(2, 3))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        checked(learner(trainable()))


def test_a_process_has_no_more_memory_than_its_group_lets_it_and_a_gpu_what_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bound = tmp_path / "memory.max"
    monkeypatch.setattr(hardware, "_OF_GROUP", bound)
    of_machine = memory_bytes("cpu")
    bound.write_text("max\n")
    assert memory_bytes("cpu") == of_machine > 1e8
    bound.write_text("1000000\n")
    assert memory_bytes("cpu") == 1e6
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(total_memory=80_000_000_000))
    assert memory_bytes("cuda") == 8e10
