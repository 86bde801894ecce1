"""A file a process, joined."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from kernels.models.formats import megatron, megatron_ranks
from kernels.models.formats.megatron_pieces import Cut, cut
from tests.kernels.models.formats.test_megatron import Opens, llama, same


def put(folder: Path, by: Cut, **beside: Any) -> tuple[dict[str, Any], Any]:
    """Write what the processes of a cut hold as Megatron does."""
    import torch

    weights, stack = llama(layers=4)
    for piece, state in cut(megatron.to_megatron(weights, stack), stack, by, divisible_by=16).items():
        name = f"mp_rank_{piece.tensor:02d}" + (f"_{piece.pipeline:03d}" if by.pipeline > 1 else "")
        (folder / name).mkdir(exist_ok=True)
        path = folder / name / "model_optim_rng.pt"
        held = torch.load(path, weights_only=True) if path.is_file() else {"iteration": 30, **beside}
        torch.save({**held, f"model{piece.stage}" if by.stages > 1 else "model": state}, path)
    return weights, stack


@pytest.mark.parametrize("by", [Cut(), Cut(2, 1), Cut(2, 2), Cut(1, 2, 2)])
def test_the_files_of_all_processes_are_one_model(tmp_path: Path, by: Cut) -> None:
    weights, stack = put(tmp_path, by)
    assert same(megatron.from_megatron(megatron_ranks.read(tmp_path, stack), stack), weights)


def test_plain_settings_beside_the_weights_are_passed_over(tmp_path: Path) -> None:
    weights, stack = put(tmp_path, Cut(), args=Namespace(num_layers=4))
    assert same(megatron.from_megatron(megatron_ranks.read(tmp_path, stack), stack), weights)


def test_a_file_that_would_run_something_is_not_opened(tmp_path: Path) -> None:
    _, stack = put(tmp_path, Cut(), args=Opens(tmp_path / "ran"))
    with pytest.raises(ValueError, match="so that it is not opened; have Megatron save it by --ckpt-format torch_dist"):
        megatron_ranks.read(tmp_path, stack)
    assert not (tmp_path / "ran").exists()


def test_a_process_whose_file_lacks_and_a_folder_of_no_checkpoint_are_told(tmp_path: Path) -> None:
    _, stack = put(tmp_path, Cut(2, 2))
    (tmp_path / "mp_rank_00_001" / "model_optim_rng.pt").unlink()
    (tmp_path / "mp_rank_00_001").rmdir()
    with pytest.raises(ValueError, match="of the pieces of 2 x 2 processes lacks"):
        megatron_ranks.read(tmp_path, stack)
    with pytest.raises(FileNotFoundError, match="holds no checkpoint of Megatron"):
        megatron_ranks.read(tmp_path / "other", stack)
