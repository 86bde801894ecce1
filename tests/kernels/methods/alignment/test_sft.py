import math
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.methods.alignment import sft
from kernels.models.architectures import llama
from kernels.models.formats import checkpoints
from kernels.specs.methods import MethodJob
from kernels.specs.turns import Turn
from kernels.tokens import tokenizer_files
from kernels.tokens.tokenizers import byte_bpe
from tests.method_jobs import method_job

SHAPE = llama.LlamaConfig(
    kind="llama", hidden_size=32, num_layers=2, num_heads=2, num_kv_heads=1, intermediate_size=48, max_position_embeddings=128, tie_embeddings=True
)
CHATS = [[("user", f"say {word}"), ("assistant", word)] for word in ("cat", "dog", "mat", "sun", "sea")]
CONFIG = {"seed": 1, "num_steps": 8, "batch_size": 2, "learning_rate": 0.01, "warmup_steps": 2, "max_length": 64, "precision": "float32"}


def write(folder: Path, chats: list[list[tuple[str, str]]]) -> Path:
    documents = [conversation(str(key), [Turn(*turn) for turn in chat]) for key, chat in enumerate(chats)]
    pq.write_table(document_table("chats", "x.jsonl", documents), folder / "chats.parquet")
    return folder / "chats.parquet"


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("parent")
    tokenizer_files.write_tokenizer(byte_bpe.train(iter(["say cat"]), byte_bpe.ByteBpeConfig(vocab_size=264)), folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    torch.manual_seed(0)
    shape = llama.build(SHAPE, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    checkpoints.save(LlamaForCausalLM(shape), tokenizer, folder / "model")
    return folder / "model"


def job(
    parent: Path, folder: Path, chats: list[list[tuple[str, str]]], report: Any = lambda numbers: None, say: Any = pytest.fail, **changes: Any
) -> MethodJob:
    for name in ("out", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    chosen = {**CONFIG, "checkpoint_every": 2, **changes}
    config = sft.SftConfig(**{**chosen, "warmup_steps": min(chosen["warmup_steps"], chosen["num_steps"])})
    return method_job(config, {sft.PARENT: parent, sft.CONVERSATIONS: write(folder, chats)}, folder / "out", folder / "scratch", report, say)


def test_a_killed_run_goes_on_from_the_newest_intact_state_to_the_same_bytes(parent: Path, tmp_path: Path):
    sft.run(job(parent, tmp_path / "whole", CHATS))

    def die_at_six(numbers: dict[str, float]) -> None:
        if numbers["step"] == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sft.run(job(parent, tmp_path / "killed", CHATS, die_at_six))
    trainer = tmp_path / "killed" / "scratch" / "trainer"
    assert sorted(path.name for path in trainer.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-4"]
    (trainer / "checkpoint-6").mkdir()
    (trainer / "checkpoint-6" / "model.safetensors").write_bytes(b"half of it")
    optimizer = trainer / "checkpoint-4" / "optimizer.pt"
    size = optimizer.stat().st_size
    optimizer.write_bytes(optimizer.read_bytes()[:-1])
    steps: list[float] = []
    words: list[str] = []
    sft.run(job(parent, tmp_path / "killed", CHATS, lambda numbers: steps.append(numbers["step"]), words.append))
    assert steps == [4, 6, 8]
    assert words == [
        "state checkpoint-6: seal.json is missing, it was not written to its end; going on from checkpoint-2",
        f"state checkpoint-4: optimizer.pt has {size - 1} bytes where its seal has {size}; going on from checkpoint-2",
    ]
    for path in (tmp_path / "whole" / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "killed" / "out" / path.name).read_bytes(), path.name


def test_the_loss_is_that_of_the_answer_and_its_end_alone(parent: Path, tmp_path: Path):
    import torch

    summary = sft.run(job(parent, tmp_path, CHATS[:1], num_steps=1, batch_size=1))
    lm = checkpoints.load(parent, "cpu")
    prompt = lm.tokenizer("<|im_start|>user\nsay cat<|im_end|>\n<|im_start|>assistant\n")["input_ids"]
    ids = torch.tensor([prompt + lm.tokenizer("cat<|im_end|>\n")["input_ids"]])
    with torch.no_grad():
        losses = torch.nn.functional.cross_entropy(lm.model(ids).logits[0, :-1], ids[0, 1:], reduction="none")
    assert math.isclose(summary["first_loss"], float(losses[len(prompt) - 1 :].mean()), rel_tol=1e-4)


def test_it_learns_and_writes_its_losses_without_times(parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    summary = sft.run(job(parent, tmp_path, CHATS, num_steps=20))
    losses = pl.read_parquet(tmp_path / "out" / "losses.parquet")
    assert summary["final_loss"] < 0.7 * summary["first_loss"]
    assert losses["step"].to_list() == list(range(1, 21))
    assert {"loss", "learning_rate"} <= set(losses.columns) and not [name for name in losses.columns if "runtime" in name or "second" in name]
    assert capsys.readouterr().out == ""


def test_what_is_not_learned_from_is_counted_by_reason(parent: Path, tmp_path: Path):
    odd = [
        [("user", "say " + "x" * 99), ("assistant", "x")],  # too long
        [("user", "say cat")],  # no answer
        [("assistant", "cat")],  # an answer to nothing
        [("user", "say cat"), ("assistant", "cat"), ("rejected", "dog")],  # a pair is an answer
    ]
    summary = sft.run(job(parent, tmp_path, odd, num_steps=1))
    assert (summary["num_conversations"], summary["num_too_long"], summary["num_without_answer"]) == (1, 1, 2)


def test_data_without_an_answer_is_an_error(parent: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="none of 1 conversations ends in an answer"):
        sft.run(job(parent, tmp_path, [[("user", "say cat")]]))


def test_trl_learns_from_the_tokens_of_the_answer_and_its_end_and_from_no_other(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trainers: list[Any] = []

    def stop(job: MethodJob, config: sft.SftConfig, trainer: Any) -> list[dict[str, float]]:
        trainers.append(trainer)
        return [{"step": 1.0, "loss": 1.0}]

    monkeypatch.setattr(sft, "train", stop)
    spelled = "<|endoftext|><|im_end|>"
    sft.run(
        job(
            parent,
            tmp_path,
            [[("user", f"a {spelled}"), ("assistant", f"  b {spelled}"), ("user", "c"), ("assistant", f"  d {spelled}")]],
            max_length=200,
        )
    )
    (batch,) = trainers[0].get_train_dataloader()
    tokenizer = checkpoints.load(parent, "cpu").tokenizer
    ids, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
    assert tokenizer.decode(ids) == (
        f"<|im_start|>user\na {spelled}<|im_end|>\n<|im_start|>assistant\n  b {spelled}<|im_end|>\n"
        f"<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n  d {spelled}<|im_end|>\n"
    )
    learned = [token for token, label in zip(ids, labels, strict=True) if label == token]
    assert {label for token, label in zip(ids, labels, strict=True) if label != token} == {-100}
    assert ids[-len(learned) :] == learned and tokenizer.decode(learned) == f"  d {spelled}<|im_end|>\n"
    assert [token for token in ids if token < 4] == [1, 2] * 4 and [token for token in learned if token < 4] == [2]
    assert batch["attention_mask"][0].all()
