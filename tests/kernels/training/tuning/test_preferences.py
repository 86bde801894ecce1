"""The loss on preferences: by its formula over Transformers' logits, packed as alone, whole as in parts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kernels.models.formats.fast import taken
from kernels.tokens.chats import Compared
from kernels.training.execution.activations import ActivationMode
from kernels.training.feeding.conversations import Pair, RowShape, pair_of, rows_of_pairs
from kernels.training.feeding.feed import batch_of
from kernels.training.learner import Setting
from kernels.training.tuning.preferences import PreferenceLearner, References, keep_references, kept_references
from tests.small_models import small_llama

BETA = 0.4
SHAPE = RowShape(24, 3)


def words(seed: int, length: int) -> list[int]:
    return np.random.default_rng(seed).integers(4, 64, length).tolist()


PAIRS: list[Pair] = [pair_of(Compared(words(seed, 3 + seed), words(10 + seed, 1 + seed), words(20 + seed, 5 - seed))) for seed in range(4)]
REFERENCES = np.random.default_rng(5).normal(-12, 6, (4, 2)).astype(np.float32)


def louder() -> Any:
    model = small_llama()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)  # so that answers differ in what they cost
    return model


def learner(*, compiled: bool = False, precision: str = "float32", kept: ActivationMode = "none") -> PreferenceLearner:
    return PreferenceLearner(taken(louder()), Setting("cpu", precision, compiled, 0.0, kept), BETA)


def batch(numbers: list[int], size: int | None = None, least_rows: int = 0) -> Any:
    size = size or len(numbers)
    shape = SHAPE._replace(least_rows=least_rows)
    return batch_of([rows_of_pairs(PAIRS, REFERENCES, np.array(numbers[at : at + size]), shape) for at in range(0, len(numbers), size)])


def gradients(made: PreferenceLearner, read: Any, scale: float = 1.0) -> tuple[float, dict[str, Any]]:
    made.module.zero_grad()
    loss = made.gradients(read, scale)
    return loss, {name: parameter.grad.clone() for name, parameter in made.module.named_parameters()}


def by_formula(model: Any, numbers: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean loss and implicit rewards [P, 2] by equation 7 of the paper, each answer read alone."""
    sums: list[torch.Tensor] = []
    for number in numbers:
        for text in PAIRS[number]:
            ids = torch.from_numpy(text.ids_n.astype(np.int64))[None]
            costs = torch.nn.functional.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:], reduction="none")
            sums.append(-costs[torch.from_numpy(text.is_learned_n[1:])].sum())
    rewards = BETA * (torch.stack(sums).view(-1, 2) - torch.from_numpy(REFERENCES[numbers]))
    return -torch.log(torch.sigmoid(rewards[:, 0] - rewards[:, 1])).mean(), rewards


def test_loss_gradient_and_what_is_told_are_those_of_the_formula_over_answers_read_alone() -> None:
    numbers = [2, 0, 3, 1]
    made, model = learner(), louder()
    loss, found = gradients(made, batch(numbers))
    expected, rewards = by_formula(model, numbers)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-4)
    torch.testing.assert_close(found["embedding"], model.model.embed_tokens.weight.grad, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found["blocks.0.down.weight"], model.model.layers[0].mlp.down_proj.weight.grad, rtol=1e-3, atol=1e-5)
    margins = rewards[:, 0] - rewards[:, 1]
    assert made.told["rewards/margins"] == pytest.approx(margins.mean().item(), rel=1e-4)
    assert made.told["rewards/accuracies"] == (margins > 0).float().mean()
    assert [made.told[f"rewards/{name}"] for name in ("chosen", "rejected")] == pytest.approx(rewards.mean(0).tolist(), rel=1e-4)


def test_a_step_in_parts_or_in_rows_that_are_filled_up_has_the_loss_and_gradient_of_the_step_as_a_whole() -> None:
    made = learner()
    loss, whole = gradients(made, batch([0, 1, 2]))
    told = dict(made.told)
    for other in (batch([0, 1, 2], 2), batch([0, 1, 2], least_rows=9)):
        same, parts = gradients(made, other)
        assert same == pytest.approx(loss, rel=1e-5) and made.told == pytest.approx(told, rel=1e-4)
        for name, gradient in whole.items():
            torch.testing.assert_close(parts[name], gradient, rtol=1e-3, atol=1e-6)


def test_a_loss_scale_multiplies_gradients_and_no_number_that_is_told() -> None:
    made = learner()
    loss, plain = gradients(made, batch([0, 1]))
    scaled_loss, scaled = gradients(made, batch([0, 1]), 64.0)
    assert scaled_loss == loss
    for name, gradient in plain.items():
        torch.testing.assert_close(scaled[name], gradient * 64, rtol=1e-4, atol=1e-6)


def test_half_precision_is_near_to_single() -> None:
    assert gradients(learner(precision="bfloat16"), batch([0, 1, 2]))[0] == pytest.approx(gradients(learner(), batch([0, 1, 2]))[0], rel=0.1)


@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_compiled_blocks_give_the_loss_of_plain_ones() -> None:
    (loss, found), (expected, others) = gradients(learner(compiled=True), batch([0, 1, 2])), gradients(learner(), batch([0, 1, 2]))
    assert loss == pytest.approx(expected, rel=1e-4)
    for name, gradient in others.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-2, atol=1e-4)


def test_activations_that_are_computed_again_give_the_same_gradients() -> None:
    (loss, found), (expected, others) = gradients(learner(kept="full"), batch([0, 1])), gradients(learner(), batch([0, 1]))
    assert loss == expected and all(torch.equal(found[name], gradient) for name, gradient in others.items())


def test_references_are_found_again_by_their_training_alone_and_only_whole(tmp_path: Path) -> None:
    kept = References(REFERENCES, REFERENCES[:0])
    keep_references(kept, tmp_path, "one")
    found = kept_references(tmp_path, "one")
    assert found is not None and np.array_equal(found.train_N2, REFERENCES) and found.validation_M2.shape == (0, 2)
    assert kept_references(tmp_path, "another") is None
    (tmp_path / "references" / "train_N2.npy").write_bytes(b"half")
    assert kept_references(tmp_path, "one") is None
