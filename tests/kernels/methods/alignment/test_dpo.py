import math
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.methods.alignment import dpo
from kernels.models.architectures import llama
from kernels.models.formats import checkpoints
from kernels.models.formats.chats import chat_encoder
from kernels.specs.methods import MethodJob
from kernels.specs.turns import Turn
from kernels.training.tuning.preferences import ask_references
from tests.method_jobs import method_job
from tests.small_models import put_llama

SHAPE = llama.LlamaConfig(
    kind="llama", hidden_size=32, num_layers=2, num_heads=2, num_kv_heads=1, intermediate_size=48, max_position_embeddings=128, tie_embeddings=True
)
PAIRS = [[("user", f"{a} or {b}"), ("assistant", a), ("rejected", b)] for a, b in (("cat", "dog"), ("cat", "mat"), ("cat", "sun"))]
CONFIG = {"seed": 1, "num_steps": 6, "batch_size": 2, "learning_rate": 0.01, "warmup_steps": 1, "max_length": 64, "precision": "float32", "beta": 0.1}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_llama(tmp_path_factory.mktemp("parent"), SHAPE, "cat or dog")


def job(parent: Path, folder: Path, chats: list[list[tuple[str, str]]], report: Any = lambda numbers: None, **changes: Any) -> MethodJob:
    for name in ("out", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    documents = [conversation(str(key), [Turn(*turn) for turn in chat]) for key, chat in enumerate(chats)]
    pq.write_table(document_table("chats", "x.jsonl", documents), folder / "chats.parquet")
    config = dpo.DpoConfig(**{**CONFIG, "checkpoint_every": 2, **changes})
    return method_job(config, {dpo.PARENT: parent, dpo.PAIRS: folder / "chats.parquet"}, folder / "out", folder / "scratch", report)


def forget_states(folder: Path) -> None:
    for state in (folder / "scratch").glob("step-*"):
        shutil.rmtree(state)


def test_the_first_loss_is_that_of_no_preference_and_the_margin_grows(parent: Path, tmp_path: Path):
    summary = dpo.run(job(parent, tmp_path, PAIRS, num_steps=12))
    assert math.isclose(summary["first_loss"], math.log(2), rel_tol=1e-5)
    assert summary["final_loss"] < summary["first_loss"]
    assert summary["margins"] > 0 and summary["accuracies"] == 1
    assert pl.read_parquet(tmp_path / "out" / "losses.parquet")["rewards/margins"].to_list()[0] == 0


def test_the_chosen_answer_becomes_likelier_than_with_the_parent_against_the_rejected(parent: Path, tmp_path: Path):
    import torch

    dpo.run(job(parent, tmp_path, PAIRS, num_steps=12))

    def preference(folder: Path) -> float:
        lm = checkpoints.load(folder, "cpu")
        prompt = lm.tokenizer("<|im_start|>user\ncat or dog<|im_end|>\n<|im_start|>assistant\n", return_tensors="pt")["input_ids"]
        first = [lm.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("cat", "dog")]
        with torch.no_grad():
            logits = lm.model(prompt).logits[0, -1]
        return float(logits[first[0]] - logits[first[1]])

    assert preference(tmp_path / "out") > preference(parent)


def test_a_killed_run_goes_on_to_the_same_bytes(parent: Path, tmp_path: Path):
    def die_at_four(numbers: dict[str, float]) -> None:
        if numbers["step"] == 4:
            raise KeyboardInterrupt

    dpo.run(job(parent, tmp_path / "whole", PAIRS))
    with pytest.raises(KeyboardInterrupt):
        dpo.run(job(parent, tmp_path / "killed", PAIRS, die_at_four))
    dpo.run(job(parent, tmp_path / "killed", PAIRS))
    for name in ("model.safetensors", "losses.parquet"):
        assert (tmp_path / "whole" / "out" / name).read_bytes() == (tmp_path / "killed" / "out" / name).read_bytes(), name


def test_what_is_no_pair_is_counted_by_reason(parent: Path, tmp_path: Path):
    odd = [
        PAIRS[0],
        [("user", "x"), ("assistant", "y")],  # no rejected answer
        [("user", "x"), ("rejected", "y")],  # no chosen answer
        [("user", "x"), ("assistant", "y"), ("rejected", "z" * 99)],  # too long
    ]
    summary = dpo.run(job(parent, tmp_path, odd, num_steps=1))
    assert (summary["num_pairs"], summary["num_without_pair"], summary["num_too_long"]) == (1, 2, 1)


def test_data_without_pairs_is_an_error_that_tells_the_remedy(parent: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"0 of 1 conversations are preference pairs.*'assistant' and 'rejected'"):
        dpo.run(job(parent, tmp_path, [[("user", "x"), ("assistant", "y")]]))


def test_the_parent_is_asked_once_and_what_it_said_outlives_a_kill(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []

    def count(learner: Any, feed: Any, last_step: int, validation: Any, references: Any) -> None:
        asked.append(last_step)
        ask_references(learner, feed, last_step, validation, references)

    monkeypatch.setattr(dpo, "ask_references", count)

    def die_at_four(numbers: dict[str, float]) -> None:
        if numbers["step"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dpo.run(job(parent, tmp_path, PAIRS, die_at_four))
    dpo.run(job(parent, tmp_path, PAIRS))
    assert asked == [6]
    forget_states(tmp_path)
    dpo.run(job(parent, tmp_path, PAIRS, seed=2))  # another training
    assert asked == [6, 6]


def test_references_that_are_damaged_are_asked_for_again(parent: Path, tmp_path: Path):
    dpo.run(job(parent, tmp_path, PAIRS))
    kept = tmp_path / "scratch" / "references" / "train_N2.npy"
    whole, size = (tmp_path / "out" / "losses.parquet").read_bytes(), kept.stat().st_size
    kept.write_bytes(b"\0" * size)
    forget_states(tmp_path)
    dpo.run(job(parent, tmp_path, PAIRS))
    assert (tmp_path / "out" / "losses.parquet").read_bytes() == whole


def test_a_step_in_parts_has_the_loss_of_the_step_as_a_whole(parent: Path, tmp_path: Path):
    whole = dpo.run(job(parent, tmp_path / "whole", PAIRS, batch_size=3))
    parts = dpo.run(job(parent, tmp_path / "parts", PAIRS, batch_size=3, micro_batch_size=2))
    assert parts["final_loss"] == pytest.approx(whole["final_loss"], rel=1e-3)


def test_a_parent_that_has_no_module_of_ours_learns_by_transformers_own(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from kernels.models.formats import fast

    ours = dpo.run(job(parent, tmp_path / "ours", PAIRS, num_steps=3))
    monkeypatch.setattr(fast, "fast_of", lambda shape: None)
    theirs = dpo.run(job(parent, tmp_path / "theirs", PAIRS, num_steps=3))
    assert theirs["final_loss"] == pytest.approx(ours["final_loss"], rel=1e-3)


def test_pairs_are_held_out_by_their_prompts_and_begin_without_a_preference(parent: Path, tmp_path: Path):
    pairs = [[("user", f"{number}: cat or dog"), ("assistant", "cat"), ("rejected", "dog"), ("rejected", "mat")] for number in range(30)]
    summary = dpo.run(job(parent, tmp_path, pairs, num_steps=6, batch_size=8, validation_fraction=0.3, validate_every=3, learning_rate=0.003))
    assert summary["num_pairs"] + summary["num_held_out"] == 60 and summary["num_held_out"] % 2 == 0 and summary["num_held_out"] >= 8
    losses = pl.read_parquet(tmp_path / "out" / "losses.parquet").filter(pl.col("validation_loss").is_not_null())
    assert losses["step"].to_list() == [3, 6] and math.log(2) > losses["validation_loss"][0] > losses["validation_loss"][1]
    assert losses["validation_rewards/accuracies"].to_list() == [1, 1]


def test_the_tokens_of_two_answers_behind_one_prompt_are_compared(parent: Path):
    talk = [("user", "a<|im_end|>"), ("assistant", "  b<|pad|>"), ("rejected", "<|endoftext|>"), ("rejected", "c"), ("rejected", "  b<|pad|>")]
    tokenizer = checkpoints.load(parent, "cpu").tokenizer
    made = dpo.examples(chat_encoder(tokenizer), dpo.preference_pairs([Turn(*turn) for turn in talk]), 64)
    assert len(made.pairs) == 2  # an answer that says the same as the chosen one is no worse
    found: list[list[str]] = []
    for pair in made.pairs:
        for text in pair:
            prompt, answer = text.ids_n[~text.is_learned_n].tolist(), text.ids_n[text.is_learned_n].tolist()
            assert tokenizer.decode(prompt) == "<|endoftext|><|im_start|>user\na<|im_end|><|im_end|>\n<|im_start|>assistant\n"
            assert [token for token in prompt if token < 4] == [0, 1, 2, 1] and [token for token in answer if token < 4] == [2]
        found.append([tokenizer.decode(text.ids_n[text.is_learned_n].tolist()) for text in pair])
    assert found == [["  b<|pad|><|im_end|>\n", "<|endoftext|><|im_end|>\n"], ["  b<|pad|><|im_end|>\n", "c<|im_end|>\n"]]


def test_answers_that_the_template_writes_alike_are_no_pair_and_counted(parent: Path, tmp_path: Path):
    trims = tmp_path / "parent"
    shutil.copytree(parent, trims)
    path = trims / "chat_template.jinja"
    path.write_text(path.read_text().replace("(message['content'] or '')", "message['content'] | trim"))
    alike = [("user", "cat or dog"), ("assistant", "cat"), ("rejected", "cat\n")]
    summary = dpo.run(job(trims, tmp_path, [alike, PAIRS[1]], num_steps=1))
    assert (summary["num_pairs"], summary["num_alike"]) == (1, 1)


def test_a_loss_of_tokens_is_refused():
    with pytest.raises(ValidationError, match="the loss is on preferences, not on each token"):
        dpo.DpoConfig.model_validate({**CONFIG, "checkpoint_every": 2, "z_loss": 0.1})
