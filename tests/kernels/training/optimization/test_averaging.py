"""Averages of weights against means worked out by hand, resumed and swapped bit for bit."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kernels.training.optimization.averaging import Averaging, AveragingConfig, start_averaging, swapped_in

EMA = AveragingConfig(kind="ema", decay=0.75, warms_up=False)
KINDS = [AveragingConfig(kind="ema", decay=0.9), AveragingConfig(kind="snapshots", num_snapshots=3)]


def averaged(config: AveragingConfig, *values: float) -> float:
    import torch

    averaging = start_averaging(config)
    for value in values:
        averaging.update({"weight": torch.tensor([value])})
    return float(averaging.averages()["weight"])


def test_a_moving_average_begins_with_the_first_weights_and_keeps_its_share_of_itself() -> None:
    assert averaged(EMA, 8.0) == 8.0
    assert averaged(EMA, 8.0, 4.0, 0.0) == 0.75 * (0.75 * 8 + 0.25 * 4)


def test_a_decay_that_warms_up_forgets_the_first_weights_sooner() -> None:
    warm = AveragingConfig(kind="ema", decay=0.75, warms_up=True)
    assert averaged(warm, 11.0, 0.0) == pytest.approx(11 * 2 / 11)
    assert averaged(warm, 11.0, 0.0, 0.0) == pytest.approx(11 * 2 / 11 * 3 / 12)
    assert averaged(warm, *[0.0] * 50, 4.0) == pytest.approx(1.0)  # once warm, a quarter of what is new


def test_snapshots_are_averaged_alike_and_the_oldest_make_room() -> None:
    config = AveragingConfig(kind="snapshots", num_snapshots=3)
    assert averaged(config, 3.0) == 3.0
    assert averaged(config, 3.0, 5.0) == 4.0
    assert averaged(config, 100.0, 3.0, 5.0, 7.0) == 5.0


@pytest.mark.parametrize("config", KINDS)
def test_an_average_is_in_float32_and_does_not_follow_its_weights(config: AveragingConfig) -> None:
    import torch

    weight = torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    averaging = start_averaging(config)
    averaging.update({"weight": weight})
    weight.data.zero_()
    average = averaging.averages()["weight"]
    assert average.dtype == torch.float32 and average.tolist() == [1.0, 1.0] and not average.requires_grad


@pytest.mark.parametrize("config", KINDS)
def test_an_average_goes_on_bit_for_bit_from_a_saved_state(config: AveragingConfig, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    def go_on(averaging: Averaging, steps: range) -> Averaging:
        for step in steps:
            generator = torch.Generator().manual_seed(step)
            averaging.update({"a.weight": torch.randn(3, 3, generator=generator), "b": torch.randn(2, generator=generator)})
        return averaging

    whole = go_on(start_averaging(config), range(7)).averages()
    save_file(go_on(start_averaging(config), range(4)).state(), tmp_path / "state.safetensors")
    resumed = start_averaging(config)
    resumed.load_state(load_file(tmp_path / "state.safetensors"))
    found = go_on(resumed, range(4, 7)).averages()
    assert found.keys() == whole.keys() and all(torch.equal(found[name], average) for name, average in whole.items())


@pytest.mark.parametrize("config", KINDS)
def test_averages_are_swapped_in_and_the_very_weights_come_back(config: AveragingConfig) -> None:
    import torch

    model: Any = torch.nn.Linear(3, 3)
    weights = dict(model.named_parameters())
    averaging = start_averaging(config)
    averaging.update({name: torch.full_like(weight, 2.0) for name, weight in weights.items()})
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    with pytest.raises(KeyboardInterrupt), swapped_in(averaging.averages(), weights):
        assert model(torch.ones(3)).tolist() == [8.0] * 3
        raise KeyboardInterrupt
    assert all(torch.equal(weight, before[name]) for name, weight in weights.items())
    assert all(average.eq(2.0).all() for average in averaging.averages().values())


@pytest.mark.parametrize("config", KINDS)
def test_there_is_no_average_of_nothing(config: AveragingConfig) -> None:
    with pytest.raises(ValueError, match="no weights were averaged yet"):
        start_averaging(config).averages()


def test_a_state_of_another_kind_is_refused() -> None:
    import torch

    ema, snapshots = (start_averaging(config) for config in KINDS)
    for averaging in (ema, snapshots):
        averaging.update({"weight": torch.ones(1)})
    with pytest.raises(ValueError, match=r"no average of kind 'snapshots': it has ema\.weight"):
        snapshots.load_state(ema.state())
    with pytest.raises(ValueError, match=r"no average of kind 'ema': it has snapshots\.0\.weight"):
        ema.load_state(snapshots.state())


def test_a_key_of_the_other_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="averaging of kind 'ema' has none; leave num_snapshots out"):
        AveragingConfig(kind="ema", num_snapshots=4)


@pytest.mark.parametrize("config", KINDS)
def test_a_config_that_is_written_out_with_all_its_keys_is_read_again(config: AveragingConfig) -> None:
    assert AveragingConfig.model_validate(config.model_dump(mode="json")) == config
