"""Optimizers: against torch's own, against linear algebra, and resumed bit for bit."""

from pathlib import Path
from typing import Any

import pytest

from kernels.training.optimization.muon import orthogonalize
from kernels.training.optimization.optimizers import Optimizer, OptimizerConfig
from kernels.training.optimization.parameter_groups import ALL, GroupConfig, OptimizerName

SPLITS = {"*.qkv.weight": (8, 4, 4)}


def network(seed: int = 0) -> Any:
    import torch

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = torch.nn.Linear(8, 16, bias=False)
            self.down = torch.nn.Linear(16, 8)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(10, 8)
            self.blocks = torch.nn.ModuleList([Block() for _ in range(2)])
            self.lm_head = torch.nn.Linear(8, 10, bias=False)
            self.lm_head.weight = self.embed.weight

        def forward(self, tokens: Any) -> Any:
            hidden = self.embed(tokens)
            for block in self.blocks:
                hidden = hidden + block.down(torch.relu(block.qkv(hidden)))
            return self.lm_head(hidden)

    torch.manual_seed(seed)
    return Network()


def train(model: Any, optimizer: Any, steps: range, rate: float = 0.01) -> list[float]:
    import torch

    losses: list[float] = []
    for step in steps:
        tokens = torch.randint(10, (4, 6), generator=torch.Generator().manual_seed(step))
        loss = torch.nn.functional.cross_entropy(model(tokens).flatten(0, 1), ((tokens * 3 + 1) % 10).flatten())
        loss.backward()
        optimizer.step(rate)
        optimizer.zero()
        losses.append(float(loss.detach()))
    return losses


def one_matrix(optimizer: OptimizerName, weight: Any, weight_decay: float = 0.0, **config: Any) -> tuple[Any, Optimizer]:
    import torch

    model = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    model.weight.data.copy_(weight)
    return model, Optimizer(model, OptimizerConfig(optimizer=optimizer, **config), weight_decay)


@pytest.mark.parametrize("shape", [(3, 8, 24), (3, 24, 8), (2, 16, 16)])
def test_a_step_of_muon_has_the_singular_vectors_of_its_matrix_and_singular_values_near_one(shape: tuple[int, int, int]) -> None:
    import torch

    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    inside = left.mT @ orthogonalize(matrices).float() @ right.mT
    values = inside.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.6 and values.max() < 1.25
    assert (inside - torch.diag_embed(values)).abs().max() < 0.05


def test_a_gradient_of_zero_makes_no_step_and_a_large_one_no_larger_step() -> None:
    import torch

    matrices = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(2))
    assert not orthogonalize(torch.zeros(1, 4, 8)).any()
    torch.testing.assert_close(orthogonalize(matrices * 2.0**20), orthogonalize(matrices), rtol=0, atol=0)


def test_muon_takes_the_steps_of_torchs_own() -> None:
    import torch

    start = torch.randn(8, 24, generator=torch.Generator().manual_seed(3))
    model, optimizer = one_matrix("muon", start, weight_decay=0.1)
    theirs = torch.nn.Parameter(start.clone())
    reference = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for step in range(5):
        gradient = torch.randn(8, 24, generator=torch.Generator().manual_seed(10 + step))
        model.weight.grad, theirs.grad = gradient.clone(), gradient.clone()
        optimizer.step(0.02)
        reference.step()
    moved = (theirs - start).detach()
    assert float((model.weight - theirs).detach().norm() / moved.norm()) < 0.01  # both round to bfloat16 on the way


def test_the_entries_of_muons_step_are_about_as_large_as_adamws() -> None:
    import torch

    for shape in ((32, 64), (64, 32), (32, 32)):
        model, optimizer = one_matrix("muon", torch.zeros(shape))
        model.weight.grad = torch.randn(shape, generator=torch.Generator().manual_seed(4))
        optimizer.step(1.0)
        assert float(model.weight.detach().square().mean().sqrt()) == pytest.approx(0.2, rel=0.25)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_matrix_is_decayed_by_the_learning_rate_times_the_decay(optimizer: OptimizerName) -> None:
    import torch

    model, chosen = one_matrix(optimizer, torch.full((2, 4), 3.0), weight_decay=0.5)
    model.weight.grad = torch.zeros(2, 4)
    chosen.step(0.1)
    assert model.weight.detach().tolist() == [[pytest.approx(3.0 * 0.95)] * 4] * 2


def test_adamw_takes_the_very_steps_of_torchs_own() -> None:
    import torch

    ours, theirs = network(), network()
    optimizer = Optimizer(ours, OptimizerConfig(), 0.1)
    matrices = [parameter for name, parameter in theirs.named_parameters() if parameter.ndim == 2 and "embed" not in name]
    rest = [parameter for name, parameter in theirs.named_parameters() if parameter.ndim != 2 or "embed" in name]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    reference: Any = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.95), fused=True)

    class Reference:
        def step(self, rate: float) -> None:
            reference.step()

        def zero(self) -> None:
            reference.zero_grad()

    assert train(ours, optimizer, range(5)) == train(theirs, Reference(), range(5))


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_toy_problem_is_learned(optimizer: OptimizerName) -> None:
    import torch

    wanted = torch.randn(6, 6, generator=torch.Generator().manual_seed(5))
    model, chosen = one_matrix(optimizer, torch.zeros(6, 6))
    for step in range(400):
        inputs = torch.randn(32, 6, generator=torch.Generator().manual_seed(step))
        (model(inputs) - inputs @ wanted.T).square().mean().backward()
        chosen.step(0.2 * (1 - step / 400))
        chosen.zero()
    assert float((model.weight - wanted).detach().abs().max()) < 0.01


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_network_learns(optimizer: OptimizerName) -> None:
    model = network()
    losses = train(model, Optimizer(model, OptimizerConfig(optimizer=optimizer), 0.1, SPLITS), range(60), rate=0.03)
    assert losses[0] > 2 and losses[-1] < 0.5


def stepped(weights: dict[str, Any], gradients: dict[str, Any], splits: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    import torch

    model = torch.nn.ParameterDict({name: torch.nn.Parameter(weight.clone()) for name, weight in weights.items()})
    optimizer = Optimizer(model, OptimizerConfig(optimizer="muon"), 0.1, splits)
    for _ in range(3):
        for name, parameter in model.items():
            parameter.grad = gradients[name].clone()
        optimizer.step(0.1)
    return {name: parameter.detach() for name, parameter in model.items()}


def test_split_rows_move_as_matrices_apart() -> None:
    import torch

    generator = torch.Generator().manual_seed(6)
    parts = {name: torch.randn(rows, 8, generator=generator) for name, rows in (("q", 8), ("k", 4), ("v", 4))}
    slopes = {name: torch.randn(part.shape, generator=generator) for name, part in parts.items()}
    alone = stepped(parts, slopes, {})
    apart = torch.cat([alone[name] for name in parts])
    weights, gradients = {"qkv": torch.cat(list(parts.values()))}, {"qkv": torch.cat(list(slopes.values()))}
    assert torch.equal(stepped(weights, gradients, {"qkv": (8, 4, 4)})["qkv"], apart)
    assert not torch.allclose(stepped(weights, gradients, {})["qkv"], apart)


def test_what_is_held_of_a_matrix_moves_as_it_does_within_the_whole() -> None:
    import torch

    generator = torch.Generator().manual_seed(8)
    weight, gradient = torch.randn(16, 8, generator=generator), torch.randn(16, 8, generator=generator)
    splits = {"w": (10, 6)}
    expected = moved_once(weight, gradient, splits)
    for held in (slice(0, 9), slice(9, 16)):

        class Others:
            """Has what the others hold of the step, which is the gradient and its momentum."""

            def gathered(self, name: str, tensor: Any) -> Any:
                whole = torch.add(gradient, gradient, alpha=0.95)
                assert torch.equal(tensor, whole[held])  # noqa: B023
                return whole

            def piece(self, name: str, whole: Any) -> Any:
                return whole[held]  # noqa: B023

        model = torch.nn.ParameterDict({"w": torch.nn.Parameter(weight.clone())})
        piece = weight[held].clone()
        piece.grad = gradient[held].clone()
        Optimizer(model, OptimizerConfig(optimizer="muon"), 0.1, splits, {"w": piece}, Others()).step(0.1)
        torch.testing.assert_close(piece, expected[held], rtol=0, atol=1e-6)


def moved_once(weight: Any, gradient: Any, splits: dict[str, tuple[int, ...]]) -> Any:
    import torch

    model = torch.nn.ParameterDict({"w": torch.nn.Parameter(weight.clone())})
    optimizer = Optimizer(model, OptimizerConfig(optimizer="muon"), 0.1, splits)
    model["w"].grad = gradient.clone()
    optimizer.step(0.1)
    return model["w"].detach()


def test_a_stack_of_matrices_moves_as_matrices_apart() -> None:
    import torch

    generator = torch.Generator().manual_seed(7)
    parts = {str(index): torch.randn(8, 4, generator=generator) for index in range(3)}
    slopes = {name: torch.randn(8, 4, generator=generator) for name in parts}
    stack, slope = torch.stack(list(parts.values())), torch.stack(list(slopes.values()))
    alone = stepped(parts, slopes, {})
    assert torch.equal(stepped({"experts": stack}, {"experts": slope}, {})["experts"], torch.stack([alone[name] for name in parts]))


def test_rows_that_do_not_come_to_a_parameter_are_a_fault() -> None:
    with pytest.raises(ValueError, match=r"parameter blocks\.0\.qkv\.weight has 16 rows, and its parts of 8, 4 come to 12"):
        Optimizer(network(), OptimizerConfig(optimizer="muon"), 0.1, {"*.qkv.weight": (8, 4)})


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_splits_of_no_parameter_are_a_fault(optimizer: OptimizerName) -> None:
    with pytest.raises(ValueError, match=r"splits names '\*\.kqv\.weight', and the model has no such parameter"):
        Optimizer(network(), OptimizerConfig(optimizer=optimizer), 0.1, {"*.kqv.weight": (8, 4, 4)})


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_a_training_goes_on_bit_for_bit_from_a_saved_state(name: OptimizerName, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    def fresh(seed: int) -> tuple[Any, Optimizer]:
        model = network(seed)
        return model, Optimizer(model, OptimizerConfig(optimizer=name), 0.1, SPLITS)

    whole, whole_optimizer = fresh(0)
    losses = train(whole, whole_optimizer, range(8))
    first, first_optimizer = fresh(0)
    train(first, first_optimizer, range(5))
    save_file(first_optimizer.state(), tmp_path / "state.safetensors")
    second, second_optimizer = fresh(1)
    second.load_state_dict(first.state_dict())
    second_optimizer.load_state(load_file(tmp_path / "state.safetensors"))
    assert train(second, second_optimizer, range(5, 8)) == losses[5:]
    assert all(torch.equal(tensor, whole.state_dict()[key]) for key, tensor in second.state_dict().items())


def test_a_state_has_stable_names_and_a_tied_weight_once() -> None:
    names = set(Optimizer(network(), OptimizerConfig(optimizer="muon"), 0.1).state())
    assert {"embed.weight.exp_avg", "embed.weight.step", "blocks.0.qkv.weight.momentum", "blocks.1.down.bias.exp_avg_sq"} <= names
    assert len(names) == 4 + 3 * 3 and not any("lm_head" in name for name in names)


def test_a_state_of_another_optimizer_is_refused() -> None:
    state = Optimizer(network(), OptimizerConfig(optimizer="muon"), 0.1).state()
    with pytest.raises(
        ValueError, match=r"the state lacks blocks\.0\.down\.weight\.exp_avg \(16 slots differ\): it is of another model or optimizer"
    ):
        Optimizer(network(), OptimizerConfig(), 0.1).load_state(state)


def test_a_state_of_other_shapes_is_refused() -> None:
    import torch

    optimizer = Optimizer(network(), OptimizerConfig(), 0.1)
    state = {**optimizer.state(), "embed.weight.exp_avg": torch.zeros(11, 8)}
    with pytest.raises(ValueError, match=r"embed\.weight\.exp_avg is \[11, 8\] in the state and \[10, 8\] here"):
        optimizer.load_state(state)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_group_learns_at_its_own_rate(optimizer: OptimizerName) -> None:
    import torch

    model = torch.nn.ParameterDict({name: torch.nn.Parameter(torch.zeros(4, 4)) for name in ("slow", "fast")})
    groups = (GroupConfig(pattern="fast", learning_rate_ratio=2.0), ALL)
    chosen = Optimizer(model, OptimizerConfig(optimizer=optimizer, parameter_groups=groups), 0.0)
    for parameter in model.values():
        parameter.grad = torch.eye(4)
    chosen.step(0.1)
    torch.testing.assert_close(model["fast"].detach(), model["slow"].detach() * 2)
    assert bool(model["slow"].detach().any())


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_group_decays_at_its_own_rate(optimizer: OptimizerName) -> None:
    import torch

    model = torch.nn.ParameterDict({"fast": torch.nn.Parameter(torch.ones(4, 4))})
    groups = (GroupConfig(pattern="fast", learning_rate_ratio=2.0, weight_decay=0.5),)
    chosen = Optimizer(model, OptimizerConfig(optimizer=optimizer, parameter_groups=groups), 0.0)
    model["fast"].grad = torch.zeros(4, 4)
    chosen.step(0.1)
    torch.testing.assert_close(model["fast"].detach(), torch.full((4, 4), 1 - 0.1 * 2 * 0.5))


def test_a_parameter_without_a_gradient_stays() -> None:
    import torch

    model, optimizer = one_matrix("muon", torch.ones(2, 2), weight_decay=0.5)
    optimizer.step(0.1)
    assert model.weight.detach().tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_the_words_tell_what_moves_what() -> None:
    assert Optimizer(network(), OptimizerConfig(optimizer="muon"), 0.1).words() == [
        "adamw moves 96 parameters in 3 tensors, weight decay 0, learning rate x 1",
        "muon moves 512 parameters in 4 tensors, weight decay 0.1, learning rate x 1",
    ]
