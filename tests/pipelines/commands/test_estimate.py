"""What ``mill estimate`` tells of a recipe's trainings before they run."""

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from kernels.models.architectures import llama
from kernels.models.formats.checkpoints import shape_of_folder
from kernels.models.formats.fast import counts_of, fresh
from kernels.models.formats.fast import write as write_checkpoint
from kernels.specs.architectures import Counts
from kernels.specs.families import specs
from kernels.training.costs.calibration import Pace
from kernels.training.costs.memory import training_memory
from kernels.training.costs.work import Work, seconds_here, training_flops
from pipelines.planning import trainings as trainings_module
from pipelines.planning.trainings import Reads, trainings, work_of
from pipelines.recipe.schema import kernel_config, load_recipe
from pipelines.terminal.application import app
from resources.storage.lake import Lake
from tests.pipelines.recipe.test_recipe_images import SEEING
from tests.small_mixtures import put_rows
from tests.small_recipe import RECIPE, SMALL, write

command = importlib.import_module("pipelines.commands.estimate")
SHAPE = {"hidden_size": 32, "num_layers": 1, "num_heads": 2, "num_kv_heads": 1, "intermediate_size": 64, "max_position_embeddings": 64}


def counts() -> Counts:
    """Return what the model of the small recipe holds and does."""
    config = llama.LlamaConfig.model_validate({"kind": "llama", "tie_embeddings": True, **SHAPE})
    found = counts_of(llama.build(config, vocab_size=300, eos_token_id=0, pad_token_id=0))
    assert found is not None
    return found


COUNTS = counts()


def empty_lake(folder: Path) -> Lake:
    return Lake(folder / "lake", folder / "cache")


def test_a_training_is_told_from_the_recipe_alone(tmp_path: Path) -> None:
    (found,) = trainings(load_recipe(write(tmp_path, SMALL)).entries, empty_lake(tmp_path), "cpu")
    work = found.work
    assert work is not None
    assert work.counts == COUNTS
    assert work.num_rows == 30 * 4
    assert (work.num_steps, work.num_tokens, work.step.num_rows, work.step.row_length, work.step.precision) == (30, 30 * 4 * 64, 4, 64, "float32")
    assert work.num_validation_rows == 3 * 4
    assert training_flops(work) == 30 * 4 * 64 * COUNTS.flops_per_token(64)


def reads(num_rows: int | None, of_row: tuple[int, int]) -> Reads:
    """Return what is read of whole rows of 64 tokens."""
    return Reads(64, num_rows, {64: of_row})


def asked(folder: Path, length: str, num_rows: int | None = None, more: str = "") -> Work | str:
    text = SMALL.replace("    num_steps: 30\n", f"    {length}\n{more}")
    entries = load_recipe(write(folder, text)).entries
    config: Any = kernel_config("methods", "pretrain", entries.models["base"])
    return work_of(config, Reads(64, num_rows, {length: (length, 0) for length in (16, 64)}), COUNTS, "cpu")


def test_a_length_may_be_said_in_tokens_flops_parameters_or_epochs_of_a_mixture_that_is_made(tmp_path: Path) -> None:
    flops = COUNTS.flops_per_token(64) * 256 * 7.5
    for length, num_rows in ((f"num_tokens: {256 * 7 + 100}", None), (f"num_flops: {flops}", None), ("num_epochs: 2.0", 14)):
        found = asked(tmp_path, length, num_rows)
        assert isinstance(found, Work)
        assert (found.num_steps, found.num_tokens) == (7, 7 * 256)
    assert asked(tmp_path, "num_epochs: 2.0") == "num_epochs are of rows that the mixture has once it is made"


def test_a_training_that_stops_early_takes_the_steps_before_that(tmp_path: Path) -> None:
    found = asked(tmp_path, "num_steps: 30", more="    stop_after_steps: 10\n    micro_batch_size: 2\n    activation_checkpointing: full\n")
    assert isinstance(found, Work)
    assert (found.num_steps, found.num_tokens, found.step.num_rows, found.step.checkpointing) == (10, 10 * 256, 2, "full")
    assert found.num_validation_rows == 4


def test_the_largest_batch_that_is_reached_and_the_rows_of_all_steps_are_told_where_batches_grow(tmp_path: Path) -> None:
    stages = "    batch_stages: [{from: 0.5, batch_size: 8}, {from: 0.9, batch_size: 32}]\n"
    found, stopped = (asked(tmp_path, "num_tokens: 25600", more=stages + more) for more in ("", "    stop_after_steps: 60\n"))
    assert isinstance(found, Work) and isinstance(stopped, Work)
    assert (found.step.num_rows, found.num_rows) == (32, 51 * 4 + 20 * 8 + 32), "one step of 32 rows is what stays within 400 rows"
    assert (stopped.step.num_rows, stopped.num_rows) == (8, 51 * 4 + 9 * 8)


def test_memory_is_that_of_the_optimizer_and_the_averages_that_a_recipe_asks_for(tmp_path: Path) -> None:
    def told(more: str) -> tuple[float, float]:
        found = asked(tmp_path, "num_steps: 30", more=more)
        assert isinstance(found, Work)
        memory = training_memory(found.counts, found.step, found.held)
        return memory.optimizer, memory.averages

    weights = 4.0 * COUNTS.num_parameters
    matrices = 4.0 * (COUNTS.num_matmul_parameters - 300 * 32)
    assert told("") == (2 * weights, 0)
    assert told("    optimizer: muon\n    averaging: {kind: ema}\n") == (2 * weights - matrices, weights)
    assert told("    averaging: {kind: snapshots, num_snapshots: 3}\n") == (2 * weights, 3 * weights)


def test_a_model_trained_on_has_the_shape_of_its_ancestor_and_one_from_elsewhere_none(tmp_path: Path) -> None:
    entry = (
        SMALL[SMALL.index("  base:") :].replace("  base:", "  further:").replace("method: pretrain", "method: continue_pretraining\n    from: [base]")
    )
    further = "".join(line for line in entry.splitlines(keepends=True) if "architecture:" not in line and not line.startswith("      "))
    stray = further.replace("further:", "stray:").replace("from: [base]", "from: [adopted]").replace("data: pretrain", "data: taken")
    mixture = (
        SMALL[SMALL.index("  pretrain:") : SMALL.index("models:")]
        .replace("  pretrain:", "  taken:")
        .replace("weights:", "tokenizer: of_it\n    weights:")
    )
    text = SMALL.replace("models:\n", f"{mixture}models:\n  adopted: {{method: adopt_gguf, data: model.gguf, dtype: float32}}\n")
    own = text[text.index("tokenizer:\n") : text.index("mixtures:")]
    trained = "  own: {method: byte_bpe, sources: [books], partitions_per_source: 1, vocab_size: 300}\n"
    tokenizers = f"tokenizers:\n{trained}  of_it: {{method: of_model, model: adopted}}\n"
    text = text.replace(own, tokenizers).replace("  pretrain:\n", "  pretrain:\n    tokenizer: own\n")
    found = list(trainings(load_recipe(write(tmp_path, text + further + stray)).entries, empty_lake(tmp_path), "cpu"))
    assert [training.model for training in found] == ["base", "further", "stray"]
    assert found[1].work is not None
    assert found[1].work.counts == COUNTS
    assert found[2].work is None
    assert "adopted comes from elsewhere and is not there yet" in found[2].why_not


def test_the_command_prints_a_line_a_training_and_why_others_cannot_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL_HOME", str(tmp_path / "home"))
    told = CliRunner().invoke(app, ["estimate", "--on", "h100", "--recipe", str(write(tmp_path, RECIPE))]).output
    lines = [line.split() for line in told.splitlines()]
    assert ["base", f"{COUNTS.num_parameters:,}", "7,680"] in [line[:3] for line in lines]
    assert "sft: cannot be told: sft reads documents" in told
    assert "H100" in told
    assert "small_sft" not in told


def test_of_a_training_by_several_processes_is_told_what_each_holds_and_sends(tmp_path: Path) -> None:
    spread = SMALL.replace("    method: pretrain\n", "    method: pretrain\n    run: {processes: 2, zero: 1}\n", 1)
    told = CliRunner().invoke(app, ["estimate", "--on", "h100", "--recipe", str(write(tmp_path, spread))]).output
    (line,) = [line.split() for line in told.splitlines() if line.startswith(" base")]
    assert line[:4] == ["base", "zero", "1", "2"] and line[4:8:2] == [line[4], f"{4 * COUNTS.num_parameters / 1e3:.3g}"], line
    assert line[-3:] == ["under", "$0.01"][-3:] or line[-2:] == ["under", "$0.01"]


def test_a_training_by_accelerate_is_told_as_one_by_ours(tmp_path: Path) -> None:
    found: list[list[str]] = []
    for run in ("processes: 2, zero: 3", "processes: 2, zero: 3, back_end: accelerate"):
        spread = SMALL.replace("    method: pretrain\n", f"    method: pretrain\n    run: {{{run}}}\n", 1)
        told = CliRunner().invoke(app, ["estimate", "--on", "h100", "--recipe", str(write(tmp_path, spread))]).output
        found += [line.split() for line in told.splitlines() if line.startswith(" base")]
    ours, others = found
    assert ours[1:3] == ["zero", "3"] and others[1:5] == ["zero", "3,", "back_end", "accelerate"] and ours[3:] == others[5:]


def test_a_layout_that_the_model_cannot_have_is_told_in_its_line_and_why(tmp_path: Path) -> None:
    spread = SMALL.replace("    method: pretrain\n", "    method: pretrain\n    run: {processes: 3, tensor: 3}\n", 1)
    done = CliRunner().invoke(app, ["estimate", "--on", "h100", "--recipe", str(write(tmp_path, spread))])
    assert done.exit_code == 0, done.output
    (line,) = [line.split() for line in done.output.splitlines() if line.startswith(" base")]
    assert line == ["base", "tensor", "3", "3", "-", "-", "-", "-"] and "base: cannot be spread so: " in done.output


def test_processes_without_a_gpu_have_memory_of_their_own_and_share_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "visible_gpus", list)
    monkeypatch.setattr(command, "memory_bytes", lambda device: 0.9e9)
    spread = SMALL.replace("    method: pretrain\n", "    method: pretrain\n    run: {processes: 2}\n", 1)
    told = CliRunner().invoke(app, ["estimate", "--recipe", str(write(tmp_path, spread))]).output
    (line,) = [line.split() for line in told.splitlines() if line.startswith(" base")]
    assert line[1] == "2" and 500 < float(line[2]) < 600 and "much" in line and line[-2:] == ["-", "-"]


@pytest.fixture
def timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the devices that works were timed on, of a machine with a GPU of 1 GB."""

    def seconds(work: Work) -> float:
        devices.append(work.step.device)
        return 1.0

    devices: list[str] = []
    monkeypatch.setenv("MILL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command, "visible_gpus", lambda: ["0"])
    monkeypatch.setattr(command, "seconds_at_hand", seconds)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(total_memory=1e9, name="H0"))
    return devices


def told_with_a_gpu(folder: Path, changed: str, to: str) -> str:
    told = CliRunner().invoke(app, ["estimate", "--recipe", str(write(folder, SMALL.replace(changed, to)))])
    assert told.exit_code == 0, told.output
    return " ".join(told.output.split())


@pytest.mark.parametrize(("asked", "expected"), [("auto", "cuda"), ("cuda", "cuda"), ("cpu", "cpu")])
def test_where_a_gpu_is_at_hand_a_model_is_told_on_the_device_that_it_asks_for(tmp_path: Path, timed: list[str], asked: str, expected: str) -> None:
    told = told_with_a_gpu(tmp_path, "    method: pretrain\n", f"    method: pretrain\n    run: {{device: {asked}}}\n")
    assert timed == [expected]
    assert ("this machine's H0" in told) == (expected == "cuda")


def test_what_finds_no_room_on_a_gpu_at_hand_is_told_so_and_not_timed(tmp_path: Path, timed: list[str]) -> None:
    told = told_with_a_gpu(tmp_path, "hidden_size: 32", "hidden_size: 65536")
    assert "too much" in told and timed == []


ARCHITECTURES = {
    "prefix_decoder": ("num_heads: 2, num_kv_heads: 1, intermediate_size: 64, max_position_embeddings: 64", "prefix_lm", (64, 0)),
    "modernbert": ("num_heads: 2, intermediate_size: 64, max_position_embeddings: 64", "masked", (64, 0)),
    "t5": ("num_heads: 2, intermediate_size: 64, max_position_embeddings: 64", "prefix_to_target", (64, 63)),
    "mamba2": ("state_size: 16, head_dim: 16", "next_token", (64, 0)),
}


def recipe_of(kind: str, objective: str) -> str:
    """Return the small recipe with an architecture and an objective."""
    own = SMALL[SMALL.index("    architecture:") : SMALL.index("    num_steps: 30")]
    shape = f"kind: {kind}, hidden_size: 32, num_layers: 2, tie_embeddings: true, {ARCHITECTURES[kind][0]}"
    text = SMALL.replace("vocab_size: 300", "vocab_size: 300\n  special_tokens: {mask: true, num_sentinels: 4}")
    return text.replace(own, f"    architecture: {{{shape}}}\n    objective: {{kind: {objective}}}\n")


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_training_of_every_family_is_told_as_its_objective_has_rows_read(tmp_path: Path, kind: str) -> None:
    _, objective, lengths = ARCHITECTURES[kind]
    (found,) = trainings(load_recipe(write(tmp_path, recipe_of(kind, objective))).entries, empty_lake(tmp_path), "cpu")
    work = found.work
    assert work is not None, found.why_not
    assert work.step.lengths == lengths
    assert (work.num_rows, work.num_tokens) == (30 * 4, 30 * 4 * 64)
    assert training_flops(work) == 30 * 4 * work.counts.flops_per_row(*lengths)
    assert training_memory(work.counts, work.step).activations > 0


def test_the_command_tells_of_an_encoder_decoder_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILL_HOME", str(tmp_path / "home"))
    told = CliRunner().invoke(app, ["estimate", "--recipe", str(write(tmp_path, recipe_of("t5", "prefix_to_target")))])
    assert told.exit_code == 0, told.output
    assert "7,680" in told.output


def test_what_an_objective_leaves_room_for_goes_by_the_documents_of_a_mixture_that_is_made(tmp_path: Path) -> None:
    class Made:
        def manifest(self, cell: object) -> object:
            return cell

        def folder(self, cell: object) -> Path:
            return tmp_path

    put_rows(tmp_path, "train", np.ones((3, 64)), np.tile(np.arange(64) // 16, (3, 1)))
    entries = load_recipe(write(tmp_path, recipe_of("t5", "span_corruption"))).entries
    config: Any = kernel_config("methods", "pretrain", entries.models["base"])
    made: Any = Made()
    lengths = specs("objectives")["span_corruption"].lengths
    assert trainings_module._reads(entries, made, "pretrain", config) == reads(3, lengths(config.objective, 64, 4))
    before = trainings_module._reads(entries, empty_lake(tmp_path), "pretrain", config)
    assert before == reads(None, lengths(config.objective, 64, 1))


def test_rows_in_pieces_are_less_work_and_a_budget_of_flops_makes_more_steps_of_them(tmp_path: Path) -> None:
    stages = "    length_stages: [{from: 0, length: 16}, {from: 0.5, length: 64}]\n"
    row, piece = 64 * COUNTS.flops_per_token(64), 64 * COUNTS.flops_per_token(16)
    found = asked(tmp_path, "num_steps: 30", more=stages)
    assert isinstance(found, Work)
    assert found.pieces == ((15 * 4 * 4, (16, 0)), (15 * 4, (64, 0)))
    assert training_flops(found) == 15 * 4 * (row + piece)
    whole = asked(tmp_path, "num_steps: 30")
    assert isinstance(whole, Work)
    pace = Pace(block_seconds=1e-3, around_seconds=5e-4, update_seconds=1e-9, forward_share=0.4)
    spared = 30 * 4 * 64 * pace.token_seconds(COUNTS.num_all_blocks) * (1 - piece / row) / 2
    assert seconds_here(whole, pace) - seconds_here(found, pace) == pytest.approx(spared)
    budget = asked(tmp_path, f"num_flops: {training_flops(found)}", more=stages)
    assert isinstance(budget, Work)
    assert budget.num_steps == 30


def test_where_few_positions_predict_few_pass_the_output_layer(tmp_path: Path) -> None:
    config: Any = kernel_config("methods", "pretrain", load_recipe(write(tmp_path, SMALL)).entries.models["base"])
    few, most, all_of_them = (work_of(config, Reads(1024, None, {1024: (1024, 0)}, share), COUNTS, "cpu") for share in (0.3, 0.8, 1.0))
    assert isinstance(few, Work) and isinstance(most, Work) and isinstance(all_of_them, Work)
    assert (few.output_share, most.output_share, all_of_them.output_share) == (1280 / 4096, 1.0, 1.0)
    pace = Pace(block_seconds=1e-3, around_seconds=5e-4, update_seconds=1e-9, forward_share=0.4)
    passed = few.num_tokens + few.num_validation_rows * 1024 * pace.forward_share
    assert seconds_here(most, pace) - seconds_here(few, pace) == pytest.approx(passed * 5e-4 * (1 - 1280 / 4096))


def test_an_objective_for_another_kind_of_model_is_told_of(tmp_path: Path) -> None:
    entries = load_recipe(write(tmp_path, SMALL)).entries
    config: Any = kernel_config("methods", "pretrain", entries.models["base"])
    assert work_of(config, reads(None, (64, 63)), COUNTS, "cpu") == "its objective is for another kind of model than it is made from"


@pytest.mark.parametrize("kind", ["llama", *ARCHITECTURES])
@pytest.mark.parametrize("tied", [True, False])
def test_a_checkpoint_tells_as_the_recipe_that_made_it(tmp_path: Path, kind: str, tied: bool) -> None:
    text = SMALL if kind == "llama" else recipe_of(kind, ARCHITECTURES[kind][1])
    entries = load_recipe(write(tmp_path, text.replace("tie_embeddings: true", f"tie_embeddings: {str(tied).lower()}"))).entries
    (found,) = trainings(entries, empty_lake(tmp_path), "cpu")
    config: Any = kernel_config("methods", "pretrain", entries.models["base"])
    shape = specs("architectures")[kind].build(config.architecture, vocab_size=300, eos_token_id=0, pad_token_id=3)
    trained = fresh(shape, 1)
    write_checkpoint(trained, tmp_path / "checkpoint")
    assert found.work is not None
    assert counts_of(shape_of_folder(tmp_path / "checkpoint")) == found.work.counts
    assert found.work.counts.num_parameters == sum(parameter.numel() for parameter in trained.module.parameters())


def test_a_training_on_images_cannot_be_told_before_it_reads_them(tmp_path: Path) -> None:
    (found,) = trainings(load_recipe(write(tmp_path, SEEING)).entries, empty_lake(tmp_path), "cpu")
    assert found[:3] == ("base", None, "pretrain_image_text reads images with texts, whose lengths are known when it reads them")


def test_every_architecture_tells_what_it_holds() -> None:
    assert [name for name, spec in specs("architectures").items() if spec.own is None] == []
