"""Losses and gradients of batches: of a document alone or packed, of a batch whole or in parts."""

from typing import Any

import numpy as np
import pytest
import torch

from kernels.models.architectures import llama
from kernels.models.formats.fast import Trainable, fresh, taken
from kernels.specs.objectives import ControlTokens
from kernels.tokens.mixtures.packing import PADDING_SEGMENT
from kernels.training.feeding.batches import Transform, prepare_rows
from kernels.training.feeding.feed import Batch
from kernels.training.learner import Learner, Setting, clip
from kernels.training.objectives import next_token
from tests.small_models import small_llama

LENGTH = 16
TRANSFORM = Transform(next_token.SPEC, next_token.NextTokenConfig(), ControlTokens(end_of_text=0, padding=3), (LENGTH, 0))


def trainable(positions: str = "rope") -> Trainable:
    shape = llama.LlamaConfig.model_validate(
        {"kind": "llama", "hidden_size": 16, "num_layers": 2, "num_heads": 2, "num_kv_heads": 1, "intermediate_size": 32, "tie_embeddings": False}
        | {"max_position_embeddings": 64, "positions": positions}
    )
    made = fresh(llama.build(shape, vocab_size=64, eos_token_id=0, pad_token_id=3), 1)
    with torch.no_grad():
        for parameter in made.module.parameters():
            parameter.mul_(5)
    return made


def learner(made: Trainable, precision: str = "float32", *, compiled: bool = False, z_loss: float = 0.0) -> Learner:
    return Learner(made, Setting("cpu", precision, compiled, z_loss, "none"))


def batch(rows: list[list[list[int]]], size: int | None = None) -> Batch:
    """Return rows of documents as one batch, in parts of ``size`` rows."""
    tokens, segments = np.full((len(rows), LENGTH), 3, np.uint16), np.full((len(rows), LENGTH), PADDING_SEGMENT, np.uint16)
    for number, documents in enumerate(rows):
        place = 0
        for segment, document in enumerate(documents):
            tokens[number, place : place + len(document)], segments[number, place : place + len(document)] = document, segment
            place += len(document)
    size = size or len(rows)
    parts = [prepare_rows(tokens[at : at + size], segments[at : at + size], range(at, min(at + size, len(rows))), 1, TRANSFORM)
             for at in range(0, len(rows), size)]  # fmt: skip
    return Batch(parts, int((segments != PADDING_SEGMENT).sum()), sum(int((part.targets >= 0).sum()) for part in parts), 0)


def words(seed: int, length: int) -> list[int]:
    return np.random.default_rng(seed).integers(4, 64, length).tolist()


def gradients(made: Learner, read: Batch) -> tuple[float, dict[str, Any]]:
    loss = made.gradients(read)
    found = {name: parameter.grad.clone() for name, parameter in made.module.named_parameters() if parameter.grad is not None}
    made.module.zero_grad()
    return loss, found


@pytest.mark.parametrize("positions", ["rope", "alibi", "t5", "learned", "sinusoidal"])
def test_a_document_has_the_same_loss_alone_and_packed_behind_another(positions: str) -> None:
    made = learner(trainable(positions))
    first, second = words(1, 6), words(2, 9)
    alone = [made.nats(batch([[document]]).parts[0]) for document in (first, second)]
    assert made.nats(batch([[first, second]]).parts[0]) == pytest.approx(sum(alone), rel=1e-5)


def test_the_gradients_of_a_batch_are_the_same_in_parts_of_unequal_label_counts() -> None:
    made = learner(trainable(), z_loss=0.01)
    rows = [[words(1, 16)], [words(2, 3), words(3, 4)], [words(4, 5)]]
    whole, in_parts = gradients(made, batch(rows)), gradients(made, batch(rows, 1))
    assert in_parts[0] == pytest.approx(whole[0], rel=1e-5)
    for name, gradient in whole[1].items():
        torch.testing.assert_close(in_parts[1][name], gradient, rtol=1e-4, atol=1e-6)


def test_the_fast_module_gives_the_loss_and_gradients_of_transformers() -> None:
    model = small_llama()
    rows = [[words(1, 7), words(2, 9)], [words(3, 12)]]
    ours = learner(taken(model))
    from kernels.models.blocks.wrapped import Wrapped

    theirs = learner(Trainable(Wrapped(model), model.config, "causal", None, is_own=False))
    (loss, found), (expected, others) = gradients(ours, batch(rows)), gradients(theirs, batch(rows))
    assert loss == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(found["embedding"], others["model.model.embed_tokens.weight"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found["blocks.0.down.weight"], others["model.model.layers.0.mlp.down_proj.weight"], rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_compiled_blocks_give_the_loss_of_plain_ones() -> None:
    rows = batch([[words(1, 16)], [words(2, 10), words(3, 6)]])
    plain, compiled = learner(trainable()), learner(trainable(), compiled=True)
    (loss, found), (expected, others) = gradients(compiled, rows), gradients(plain, rows)
    assert loss == pytest.approx(expected, rel=1e-4)
    for name, gradient in others.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_near_to_single(precision: str) -> None:
    rows = batch([[words(1, 16)], [words(2, 10)]])
    assert gradients(learner(trainable(), precision), rows)[0] == pytest.approx(gradients(learner(trainable()), rows)[0], rel=0.03)


def test_a_loss_scale_is_taken_out_of_the_gradients_again() -> None:
    rows = batch([[words(1, 16)]])
    made = learner(trainable())
    norms: list[float] = []
    for scale in (1.0, 1024.0):
        made.gradients(rows, scale)
        norms.append(clip(made.spread, 1.0, scale))
        total = float(torch.nn.utils.get_total_norm([parameter.grad for parameter in made.module.parameters()]))
        assert total == pytest.approx(min(1.0, norms[-1]), rel=1e-3)
        made.module.zero_grad()
    assert norms[1] == pytest.approx(norms[0], rel=1e-4)


def test_a_batch_that_predicts_nothing_has_no_loss_and_no_gradient() -> None:
    made = learner(trainable())
    loss, found = gradients(made, batch([[[5], [6]]]))
    assert loss == 0 and not any(gradient.any() for gradient in found.values())


def test_positions_that_predict_nothing_do_not_pass_the_output_layer_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from kernels.training import learner as learning

    rows = batch([[[token] for token in words(1, 12)] + [words(2, 4)], [words(3, 3)]])
    made = learner(trainable())
    whole = gradients(made, rows)
    monkeypatch.setattr(learning, "LABELS_TOGETHER", 4)
    chosen = learning._labelled(torch.zeros(2 * LENGTH, 16), torch.from_numpy(rows.parts[0].targets).flatten())
    assert chosen[0].shape == (8, 16) and (chosen[1] >= 0).sum() == rows.num_labels == 5
    some = gradients(made, rows)
    assert some[0] == pytest.approx(whole[0], rel=1e-6)
    for name, gradient in whole[1].items():
        torch.testing.assert_close(some[1][name], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_blocks_and_losses_are_compiled_for_every_shape_that_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._dynamo

    from kernels.models.blocks import cross_entropy

    compiled: dict[bool, set[int]] = {True: set(), False: set()}

    def keep(graph: Any, inputs: list[Any]) -> Any:
        shapes = [tuple(each.shape) for each in inputs if torch.is_tensor(each) and each.is_floating_point()]
        widths = {shape[-1] for shape in shapes if shape}
        compiled[LENGTH in widths].update(shape[0] for shape in shapes if len(shape) > 1)
        return graph.forward

    plain = torch.compile
    torch._dynamo.reset()
    settings: Any = torch._dynamo.config
    monkeypatch.setattr(torch, "compile", lambda function, **settings: plain(function, backend=keep, **settings))
    monkeypatch.setattr(cross_entropy, "_kept", [])
    with settings.patch(recompile_limit=8, accumulated_recompile_limit=8):  # a fixture's undoing would take them away from what comes behind
        made = learner(trainable(), compiled=True)
        for rows in range(1, 12):
            made.gradients(batch([[words(rows, LENGTH)]] * rows))
    torch._dynamo.reset()
    assert compiled[True] >= set(range(1, 12)) and compiled[False] == {LENGTH * rows for rows in range(1, 12)}
