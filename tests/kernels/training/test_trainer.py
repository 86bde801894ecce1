"""The loop: what it keeps, what it goes on from, how it ends, and what it does when something goes wrong."""

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from kernels.methods.pretraining.pretrain import MIXTURE, SPEC, TOKENIZER, PretrainConfig
from kernels.models.architectures import t5
from kernels.models.formats.fast import counts_of
from kernels.specs.families import configured
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from kernels.training.guards import Verdict
from kernels.training.learner import Learner
from kernels.training.logs.event_files import EVENTS, FOLDER, read_scalars
from kernels.training.logs.telling import read_told, speeds_of
from kernels.training.logs.tensors import STATISTICS
from kernels.training.states.progress import RECORDS
from kernels.training.trainer import Record, Trainer
from tests.kernels.methods.pretraining.test_pretrain import config as pretrain_config
from tests.method_jobs import method_job
from tests.small_mixtures import put_rows

LENGTH = 16


def config(**changes: object) -> PretrainConfig:
    return pretrain_config(**{"validate_every": 4, **changes})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixture")
    random = np.random.default_rng(0)
    row = random.integers(4, 20, LENGTH)
    for split, rows in (("train", 24), ("validation", 3)):
        put_rows(folder, split, np.tile(row, (rows, 1)), np.tile(np.arange(LENGTH) // 8, (rows, 1)))
    write_tokenizer(train(iter(["a b c"] * 4), ByteBpeConfig(vocab_size=262)), folder / "tokenizer")
    return folder


Reports = Callable[[dict[str, float]], None]


def run(
    data: Path, folder: Path, chosen: PretrainConfig, report: Reports = lambda numbers: None, say: Callable[[str], Any] = pytest.fail
) -> dict[str, float]:
    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    (folder / "out").mkdir(exist_ok=True)
    return SPEC.run(method_job(chosen, {MIXTURE: data, TOKENIZER: data / "tokenizer"}, folder / "out", folder / "scratch", report, say))


def losses(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "out" / "losses.parquet")


def same(one: Path, other: Path) -> bool:
    """Whether two trainings left the same files with the same bytes."""
    files = {path.relative_to(one / "out") for path in (one / "out").rglob("*") if path.is_file()}
    assert {Path("model.safetensors"), Path("losses.parquet"), Path(FOLDER) / EVENTS} <= files
    assert files == {path.relative_to(other / "out") for path in (other / "out").rglob("*") if path.is_file()}
    return all((one / "out" / name).read_bytes() == (other / "out" / name).read_bytes() for name in files)


FEATURES: dict[str, dict[str, object]] = {
    "muon": {"optimizer": "muon"},
    "ema": {"averaging": {"kind": "ema", "decay": 0.9}},
    "snapshots": {"averaging": {"kind": "snapshots", "num_snapshots": 2}},
    "stages": {"batch_stages": [{"from": 0.5, "batch_size": 2}], "length_stages": [{"from": 0, "length": 8}, {"from": 0.5, "length": 16}]},
    "parts": {"micro_batch_size": 2, "activation_checkpointing": "full"},
    "half": {"precision": "float16"},
    "tensors": {"tensor_statistics_every": 2},
    "span": {"objective": {"kind": "fill_in_the_middle"}},
}


@pytest.mark.parametrize("feature", [name for name in FEATURES if name != "span"])
def test_whatever_a_training_uses_a_stopped_one_ends_bit_for_bit_where_an_undisturbed_one_ends(data: Path, tmp_path: Path, feature: str) -> None:
    chosen = config(**FEATURES[feature])
    run(data, tmp_path / "whole", chosen)

    class Stopped(Exception):
        pass

    def stop(numbers: dict[str, float]) -> None:
        if numbers["step"] >= 8:
            raise Stopped

    with pytest.raises(Stopped):
        run(data, tmp_path / "stopped", chosen, stop)
    assert (tmp_path / "stopped" / "scratch" / "step-000006").is_dir()
    run(data, tmp_path / "stopped", chosen)
    assert same(tmp_path / "whole", tmp_path / "stopped")


def test_a_training_that_goes_on_keeps_the_speeds_of_before_and_no_clock_is_in_its_checkpoint(data: Path, tmp_path: Path) -> None:
    def stop(numbers: dict[str, float]) -> None:
        if numbers["step"] == 8:
            raise KeyError

    with pytest.raises(KeyError):
        run(data, tmp_path, config(), stop)
    before = speeds_of(read_told(tmp_path / "scratch"))
    run(data, tmp_path, config())
    after = speeds_of(read_told(tmp_path / "scratch"))
    assert [row["step"] for row in after] == list(range(1, 13)) and all(row["tokens_per_second"] > 0 and row["mfu"] > 0 for row in after)
    assert after[:6] == before[:6], "the state is of step 6"
    told = read_scalars(tmp_path / "out" / FOLDER / EVENTS)
    assert {tag for found in told for tag in found.values if any(word in tag for word in ("second", "mfu", "memory"))} == set()
    assert [found.wall_time for found in told] == [float(step) for step in range(1, 13)]


def test_states_do_not_grow_with_the_steps_and_records_are_written_once(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path, config(num_steps=24, checkpoint_every=3, validate_every=6, keep_states=8))
    sizes = [len(path.read_bytes()) for path in sorted((tmp_path / "scratch").glob("step-*/numbers.json"))]
    guarded = 2 * 3 * 25  # the last values of loss and gradient norm are there to judge by, so many a state at most
    assert len(sizes) == 7 and max(after - before for before, after in itertools.pairwise(sizes)) < guarded
    assert (tmp_path / "scratch" / RECORDS).read_text().count("learning_rate") == 21


def test_tensors_are_looked_at_only_where_that_is_asked_and_then_at_each_of_these_steps(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "plain", config())
    assert not (tmp_path / "plain" / "out" / STATISTICS).exists()
    run(data, tmp_path / "asked", config(tensor_statistics_every=5))
    assert (tmp_path / "asked" / "out" / "model.safetensors").read_bytes() == (tmp_path / "plain" / "out" / "model.safetensors").read_bytes()
    assert (tmp_path / "asked" / "out" / "losses.parquet").read_bytes() == (tmp_path / "plain" / "out" / "losses.parquet").read_bytes()
    found = pl.read_parquet(tmp_path / "asked" / "out" / STATISTICS)
    assert found["step"].unique().sort().to_list() == [5, 10]
    assert found.filter(pl.col("step") == 5)["tensor"].is_unique().all() and found["update_ratio"].drop_nulls().gt(0).all()
    norms = found.group_by("step").agg(pl.col("gradient_norm").pow(2).sum().sqrt()).sort("step")["gradient_norm"].to_list()
    whole = losses(tmp_path / "asked").filter(pl.col("step").is_in([5.0, 10.0]))["gradient_norm"].to_list()
    assert norms == pytest.approx(whole, rel=1e-5), "the norm of all is that of the norms of each"
    tags = {tag for each in read_scalars(tmp_path / "asked" / "out" / FOLDER / EVENTS) for tag in each.values if tag.startswith("tensors/")}
    assert len(tags) == 6 * found["tensor"].n_unique()


def test_a_training_that_is_asked_to_end_keeps_a_state_behind_the_step_under_way(data: Path, tmp_path: Path) -> None:
    def ask(numbers: dict[str, float]) -> None:
        if numbers["step"] == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    run(data, tmp_path / "whole", config())
    with pytest.raises(SystemExit, match="kept a state behind step 5"):
        run(data, tmp_path / "asked", config(), ask)
    assert (tmp_path / "asked" / "scratch" / "step-000005").is_dir()
    run(data, tmp_path / "asked", config())
    assert same(tmp_path / "whole", tmp_path / "asked")


@pytest.mark.parametrize("changes", [{"learning_rate": 0.02}, {"objective": None}])
def test_a_state_of_another_config_is_not_taken_up(data: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    def fail(numbers: dict[str, float]) -> None:
        if numbers["step"] == 4:
            raise KeyError

    with pytest.raises(KeyError):
        run(data, tmp_path, config(), fail)
    if changes.get("objective", 1) is None:
        changes = {"z_loss": 0.1}
    words: list[str] = []
    run(data, tmp_path, config(**changes), say=words.append)
    assert words == ["state step-000003: it is of another config, of another parent or of other data; no state is intact, training starts anew"]


def test_a_state_of_other_data_is_not_taken_up(data: Path, tmp_path: Path) -> None:
    def fail(numbers: dict[str, float]) -> None:
        if numbers["step"] == 4:
            raise KeyError

    with pytest.raises(KeyError):
        run(data, tmp_path, config(), fail)
    put_rows(tmp_path, "train", np.ones((30, LENGTH)), np.zeros((30, LENGTH)))
    put_rows(tmp_path, "validation", np.ones((3, LENGTH)), np.zeros((3, LENGTH)))
    (tmp_path / "tokenizer").symlink_to(data / "tokenizer")
    words: list[str] = []
    run(tmp_path, tmp_path, config(), say=words.append)
    assert words == ["state step-000003: it is of another config, of another parent or of other data; no state is intact, training starts anew"]


def test_pieces_of_rows_are_counted_for_what_they_attend_to(data: Path, tmp_path: Path) -> None:
    whole = run(data, tmp_path / "whole", config())
    half = run(data, tmp_path / "half", config(length_stages=[{"from": 0, "length": 8}, {"from": 0.5, "length": LENGTH}]))
    of_attention = 3 * 4 * 2 * 8 / 2  # a token of 2 heads of 8 by each key, of which a causal one sees half
    assert whole["flops_per_token"] == 6 * whole["num_matmul_parameters"] + LENGTH * of_attention
    assert half["flops_per_token"] == whole["flops_per_token"] - 8 * of_attention / 2


def test_the_state_of_the_best_validation_is_kept_beside_the_newest(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path, config(num_steps=16, learning_rate=0.5, checkpoint_every=1, validate_every=2, keep_states=1))
    best = losses(tmp_path).drop_nulls("validation_loss").filter(pl.col("step") < 16).sort("validation_loss")["step"][0]
    states = {path.name for path in (tmp_path / "scratch").glob("step-*")}
    assert states == {f"step-{int(best):06d}", "step-000015"}


@pytest.mark.parametrize("what", ["loss", "gradient norm"])
def test_a_step_far_from_the_usual_is_left_out_and_listed(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    plain = Learner.gradients
    calls = 0

    def spiked(self: Learner, batch: Any, scale: float = 1.0) -> float:
        nonlocal calls
        calls += 1  # the first is the dry run
        loss, times = plain(self, batch, scale), 1000.0 if calls == 11 else 1.0
        if what == "loss":
            return loss * times
        for parameter in self.module.parameters():
            parameter.grad *= times
        return loss

    monkeypatch.setattr(Learner, "gradients", spiked)
    words: list[str] = []
    summary = run(data, tmp_path, config(guards={"min_observations": 5}), say=words.append)
    assert summary["num_skipped_steps"] == 1 and losses(tmp_path).filter(pl.col("skipped") == 1)["step"].to_list() == [10]
    assert len(words) == 1 and words[0].startswith(f"step 10 is left out, since its {what} of")


def test_a_training_that_diverges_goes_back_and_on_more_slowly_where_the_recipe_says_so(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Learner.gradients
    calls = 0

    def broken(self: Learner, batch: Any, scale: float = 1.0) -> float:
        nonlocal calls
        calls += 1
        return plain(self, batch, scale) if calls not in (8, 9) else float("nan")

    monkeypatch.setattr(Learner, "gradients", broken)
    words: list[str] = []
    run(data, tmp_path, config(guards={"max_skips": 2, "on_divergence": "roll_back"}), say=words.append)
    assert words[-1].endswith("going on from step 6 at 0.5 of the rate")
    found = losses(tmp_path)
    assert found["step"].to_list() == [float(step) for step in range(1, 13)]
    assert found["learning_rate"][6] == pytest.approx(0.5 * _rate(7)) and found["learning_rate"][5] == pytest.approx(_rate(6))


def test_what_was_left_out_before_the_state_that_a_training_goes_back_to_is_not_held_against_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Learner.gradients
    calls = 0

    def broken(self: Learner, batch: Any, scale: float = 1.0) -> float:
        nonlocal calls
        calls += 1  # the first is the dry run: steps 5 to 7, then 7 and 8 behind the state of step 6
        return plain(self, batch, scale) if calls not in (6, 7, 8, 9, 10) else float("nan")

    monkeypatch.setattr(Learner, "gradients", broken)
    words: list[str] = []
    summary = run(data, tmp_path, config(guards={"max_skips": 3, "on_divergence": "roll_back"}), say=words.append)
    assert [word for word in words if "diverged" in word][-1].endswith("going on from step 6 at 0.5 of the rate")
    assert summary["num_skipped_steps"] == 4


@pytest.mark.parametrize("keep_states", [1, 2])
def test_where_a_training_goes_back_to_does_not_depend_on_states_that_a_clock_or_a_signal_asked_for(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep_states: int
) -> None:
    plain = Trainer._judge

    def diverges_once(self: Trainer, record: Record, norm: float) -> Verdict:
        is_first = record["step"] == 9 and self._progress.num_roll_backs == 0
        return Verdict("diverged", "so it is said") if is_first else plain(self, record, norm)

    def ask(numbers: dict[str, float]) -> None:
        if numbers["step"] == 8:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Trainer, "_judge", diverges_once)
    chosen = config(guards={"on_divergence": "roll_back"}, keep_states=keep_states)
    said: dict[str, list[str]] = {"whole": [], "asked": []}
    run(data, tmp_path / "whole", chosen, say=said["whole"].append)
    with pytest.raises(SystemExit, match="behind step 8"):
        run(data, tmp_path / "asked", chosen, ask, said["asked"].append)
    run(data, tmp_path / "asked", chosen, say=said["asked"].append)
    assert said["asked"] == said["whole"] == ["training diverged: so it is said; going on from step 6 at 0.5 of the rate"]
    assert same(tmp_path / "whole", tmp_path / "asked")


def _rate(step: int) -> float:
    from kernels.training.course.schedules import learning_rate_at

    chosen = config()
    return learning_rate_at(step - 1, chosen.course(12, 0.01))


def test_validation_gives_bits_a_byte_and_samples_are_told(data: Path, tmp_path: Path) -> None:
    words: list[str] = []
    summary = run(data, tmp_path, config(samples=["a b"], sample_tokens=3), say=words.append)
    assert [word.split(":")[0] for word in words] == ["step 4", "step 8", "step 12"] and "'a b' goes on" in words[0]
    nats = losses(tmp_path)["validation_loss"][-1]
    assert summary["validation_bits_per_byte"] == pytest.approx(nats / np.log(2), rel=1e-6), "every token of these rows is one byte"


def test_a_hard_stop_leaves_the_schedule_alone(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "whole", config())
    run(data, tmp_path / "cut", config(stop_after_steps=7))
    whole, cut = losses(tmp_path / "whole"), losses(tmp_path / "cut")
    assert cut["loss"].to_list() == whole["loss"].to_list()[:7] and cut["learning_rate"].to_list() == whole["learning_rate"].to_list()[:7]


def test_an_objective_whose_tokens_the_vocabulary_lacks_is_refused_before_the_first_step(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fill"):
        run(data, tmp_path, config(objective={"kind": "fill_in_the_middle"}))


def test_derived_numbers_are_told_with_their_law(data: Path, tmp_path: Path) -> None:
    words: list[str] = []
    run(data, tmp_path, config(learning_rate="auto", weight_decay="auto", num_steps=None, num_tokens=900), say=words.append)
    assert any("learning rate" in word and "Step Law" in word for word in words) and any("weight decay" in word for word in words)
    assert any("by num_tokens 900" in word for word in words)
    blocks = 16 * (16 + 2 * 8) + 16 * 16 + 3 * 16 * 32  # queries, keys and values, output of attention, gated layer
    assert any(f"for N = {blocks:,} and D" in word for word in words), "Step Law leaves out what grows with the vocabulary"


def test_an_architecture_that_has_no_module_of_ours_trains_by_transformers_own(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernels.models.formats import fast

    monkeypatch.setattr(fast, "fast_of", lambda shape: None)
    summary = run(data, tmp_path, config())
    assert summary["final_loss"] < summary["first_loss"] and (tmp_path / "out" / "model.safetensors").is_file()


def test_the_tokens_and_flops_of_an_encoder_decoder_are_those_of_both_stacks(data: Path, tmp_path: Path) -> None:
    architecture = t5.T5Config(
        kind="t5", hidden_size=16, num_layers=1, num_heads=2, intermediate_size=32, max_position_embeddings=64, tie_embeddings=True
    )
    found = run(data, tmp_path, config(architecture=architecture, objective=configured("objectives", "prefix_to_target")))
    counts = counts_of(t5.build(architecture, vocab_size=262, eos_token_id=0, pad_token_id=3))
    assert counts is not None
    assert found["num_train_tokens"] == 12 * 4 * LENGTH  # each token of a row is given to the encoder or written by the decoder
    assert found["flops_per_token"] == int(counts.flops_per_token(LENGTH, LENGTH - 1))
    assert found["num_matmul_parameters"] == counts.num_matmul_parameters
