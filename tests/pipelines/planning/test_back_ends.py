"""A recipe's trainings by other back ends, from what is written in it or in a file of theirs to the model that stands in the lake."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

FILE = "distributed_type: FSDP\nnum_processes: 2\nmixed_precision: 'no'\nuse_cpu: true\nfsdp_config: {fsdp_version: 2, fsdp_offload_params: true}\n"
BY_FILE = "    method: pretrain\n    run: {back_end: accelerate, config: accelerate.yaml}\n"


def losses(shop: Any) -> pl.Series:
    return pl.read_parquet(shop.lake.folder(shop.cell("models/base")) / "losses.parquet")["loss"]


def test_a_file_of_accelerates_trains_the_model_that_one_process_does_is_recorded_and_makes_nothing_stale(
    shop: Any, make_shop: Callable[[Path], Any], tmp_path: Path
) -> None:
    alone = make_shop(tmp_path / "alone")
    assert not alone.up().failed
    for each in (shop, alone):
        (each.folder / "accelerate.yaml").write_text(FILE)
        each.change_recipe("    method: pretrain\n", BY_FILE)
    assert alone.waiting() == {}
    assert not shop.up().failed
    assert float((losses(shop) - losses(alone)).abs().max() or 0.0) < 1e-5  # type: ignore[arg-type]
    world = {"device": "cpu", "processes": 2, "zero": 3, "offload": "parameters", "back_end": "accelerate"}
    assert shop.lake.manifest(shop.cell("models/base")).metadata["world"] == world


@pytest.mark.slow
def test_a_training_by_deepspeed_is_that_of_one_process_and_recorded(shop: Any, make_shop: Callable[[Path], Any], tmp_path: Path) -> None:
    alone = make_shop(tmp_path / "alone")
    shop.change_recipe("    method: pretrain\n", "    method: pretrain\n    run: {processes: 2, zero: 2, offload: optimizer, back_end: deepspeed}\n")
    for each in (shop, alone):
        assert not each.up().failed
    assert float((losses(shop) - losses(alone)).abs().max() or 0.0) < 1e-5  # type: ignore[arg-type]
    world = {"device": "auto", "processes": 2, "zero": 2, "offload": "optimizer", "back_end": "deepspeed"}
    assert shop.lake.manifest(shop.cell("models/base")).metadata["world"] == world
