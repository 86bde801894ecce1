"""What is kept of a training, by the weights of its checkpoint and the states beside it, and what goes on from it."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from kernels.methods.pretraining.from_scratch import fresh_model, load_tokenizer
from kernels.methods.pretraining.pretrain import PretrainConfig
from kernels.models.formats import fast
from kernels.specs.families import configured, specs
from kernels.training import trainer
from kernels.training.execution import compilation
from kernels.training.learner import Learner, Setting
from kernels.training.parallel.team import Team
from kernels.training.validation import Measured, PreparedValidation
from tests.kernels.methods.pretraining.test_pretrain import config as pretrain_config
from tests.kernels.training.test_trainer import losses, run, same
from tests.small_mixtures import put_rows

STEPS = 12


def config(**changes: object) -> PretrainConfig:
    return pretrain_config(**{"validate_every": 100, "checkpoint_every": 100, **changes})


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "out" / "model.safetensors")


def first_weights(data: Path, folder: Path, chosen: PretrainConfig) -> dict[str, torch.Tensor]:
    """The weights that a training begins from."""
    (folder / "out").mkdir(parents=True)
    fast.write(fresh_model(chosen, load_tokenizer(data / "tokenizer")), folder / "out")
    return weights(folder)


def states(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in (folder / "scratch").glob("step-*"))


def settings_of_trainings(monkeypatch: pytest.MonkeyPatch) -> list[Setting]:
    """How each training from here on computes, filled as they begin; what was compiled before one is forgotten, as in a process of its own."""
    import torch._dynamo

    plain = Learner.__init__
    settings: list[Setting] = []

    def noted(self: Learner, trainable: fast.Trainable, setting: Setting, team: Team) -> None:
        torch._dynamo.reset()
        settings.append(setting)
        plain(self, trainable, setting, team)

    monkeypatch.setattr(Learner, "__init__", noted)
    return settings


# --- what is kept ---


def test_the_checkpoint_holds_the_average_where_one_is_asked_for(data: Path, tmp_path: Path) -> None:
    for steps in (2, 3):
        run(data, tmp_path / str(steps), config(num_steps=3, stop_after_steps=steps))
    run(data, tmp_path / "averaged", config(num_steps=3, averaging={"kind": "snapshots", "num_snapshots": 2}))
    found, second, third = (weights(tmp_path / name) for name in ("averaged", "2", "3"))
    assert any(not torch.equal(second[name], third[name]) for name in found)
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, (second[name] + third[name]) / 2, rtol=1e-5, atol=1e-7)


def scripted(monkeypatch: pytest.MonkeyPatch, told: Iterable[float]) -> None:
    """Have validations measure what is given, one behind the other."""
    found = iter(told)
    monkeypatch.setattr(PreparedValidation, "measure", lambda self, learner: Measured(next(found), None))


SCRIPT = [float("nan"), 3.0, 1.0, 2.0, 2.0, 2.0]
"""Of a validation behind every other step: step 6 is the best."""
BEST = 6


def test_a_state_is_kept_behind_the_best_validation_at_whatever_step_it_stands(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, SCRIPT)
    run(data, tmp_path, config(validate_every=2, checkpoint_every=5, keep_states=1))
    assert states(tmp_path) == [BEST, 10]


@pytest.mark.parametrize("averaging", [None, {"kind": "ema", "decay": 0.5}])
def test_the_checkpoint_holds_the_weights_of_the_best_validation_where_these_are_asked_for_though_the_training_was_killed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, averaging: dict[str, object] | None
) -> None:
    scripted(monkeypatch, [0.0])
    run(data, tmp_path / "until_best", config(stop_after_steps=BEST, averaging=averaging))
    chosen = config(validate_every=2, checkpoint_every=5, keep_states=1, averaging=averaging, keep="best")
    scripted(monkeypatch, SCRIPT)
    said: list[str] = []
    found = run(data, tmp_path / "whole", chosen, say=said.append)
    assert said == ["the checkpoint holds the weights of step 6, whose validation was the best"]
    assert found["kept_step"] == BEST and found["validation_loss"] == 1.0
    assert losses(tmp_path / "whole")["step"].to_list() == list(range(1, STEPS + 1))
    for name, tensor in weights(tmp_path / "until_best").items():
        assert torch.equal(tensor, weights(tmp_path / "whole")[name])

    def stop(numbers: dict[str, float]) -> None:
        if numbers["step"] == 9:
            raise KeyError

    scripted(monkeypatch, SCRIPT)
    with pytest.raises(KeyError):
        run(data, tmp_path / "killed", chosen, stop)
    scripted(monkeypatch, SCRIPT[3:])
    run(data, tmp_path / "killed", chosen, say=said.append)
    assert same(tmp_path / "whole", tmp_path / "killed")


def test_the_last_step_is_kept_where_its_validation_is_the_best(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [3.0, 2.0, 1.0])
    found = run(data, tmp_path, config(validate_every=4, keep="best"))
    assert found["kept_step"] == STEPS and found["validation_loss"] == 1.0


def test_a_best_state_that_was_damaged_ends_the_training_rather_than_another_taking_its_place(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, SCRIPT)

    def damage(numbers: dict[str, float]) -> None:
        if numbers["step"] == STEPS:
            shutil.rmtree(tmp_path / "scratch" / "step-000006")

    with pytest.raises(ValueError, match=r"state step-000006, that of the best validation: .*; empty .* to train anew"):
        run(data, tmp_path, config(validate_every=2, keep="best"), damage)


def test_the_best_cannot_be_kept_where_nothing_is_validated_on(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "mixture")
    put_rows(tmp_path / "mixture", "validation", np.zeros((0, 16)), np.zeros((0, 16)))
    with pytest.raises(ValueError, match="keep: there is nothing to validate on"):
        run(tmp_path / "mixture", tmp_path, config(keep="best"))


def test_a_state_is_kept_when_its_time_has_come_though_its_step_has_not(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(trainer.time, "monotonic", lambda: now[0])
    kept: dict[float, list[int]] = {}

    def pass_time(numbers: dict[str, float]) -> None:
        kept[numbers["step"] - 1] = states(tmp_path)
        now[0] += 10

    run(data, tmp_path, config(checkpoint_seconds=35), pass_time)
    assert [kept[step] for step in (3, 4, 7, 8)] == [[], [4], [4], [8]]


# --- a training that was killed ---

HEADS: dict[str, object] = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32, "max_position_embeddings": 64}
MAMBA: dict[str, object] = {"hidden_size": 16, "num_layers": 1, "state_size": 8, "head_dim": 8, "chunk_size": 8}
FAMILIES: dict[str, tuple[dict[str, object], str]] = {
    "t5": (HEADS, "prefix_to_target"),
    "modernbert": (HEADS, "masked"),
    "mamba2": (MAMBA, "next_token"),
    "prefix_decoder": ({**HEADS, "num_kv_heads": 1}, "prefix_lm"),
}


def killed_and_taken_up(data: Path, folder: Path, chosen: PretrainConfig) -> bool:
    """Return whether a training that was killed behind the state of step 4 ends with the bytes of an undisturbed one."""

    def stop(numbers: dict[str, float]) -> None:
        if numbers["step"] == 6:
            raise KeyError

    run(data, folder / "whole", chosen)
    with pytest.raises(KeyError):
        run(data, folder / "killed", chosen, stop)
    assert states(folder / "killed") == [4]
    run(data, folder / "killed", chosen)
    return same(folder / "whole", folder / "killed")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_training_of_any_family_goes_on_bit_for_bit(data: Path, tmp_path: Path, family: str) -> None:
    sizes, objective = FAMILIES[family]
    architecture = specs("architectures")[family].config.model_validate({"kind": family, **sizes, "tie_embeddings": True})
    chosen = config(architecture=architecture, objective=configured("objectives", objective), num_steps=8, checkpoint_every=4)
    assert killed_and_taken_up(data, tmp_path, chosen)


@pytest.mark.slow  # the compiler takes half a minute
@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
def test_a_compiled_training_goes_on_bit_for_bit_in_a_process_that_compiles_anew(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "LEAST_FLOPS", dict.fromkeys(compilation.LEAST_FLOPS, 0.0))
    settings = settings_of_trainings(monkeypatch)
    chosen = config(num_steps=8, checkpoint_every=4)
    assert killed_and_taken_up(data, tmp_path, chosen)
    assert [setting.compiled for setting in settings] == [True] * 3
