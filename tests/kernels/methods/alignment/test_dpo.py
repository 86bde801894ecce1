import math
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.methods.alignment import dpo
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
PAIRS = [[("user", f"{a} or {b}"), ("assistant", a), ("rejected", b)] for a, b in (("cat", "dog"), ("cat", "mat"), ("cat", "sun"))]
CONFIG = {"seed": 1, "num_steps": 6, "batch_size": 2, "learning_rate": 0.01, "warmup_steps": 1, "max_length": 64, "precision": "float32", "beta": 0.1}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("parent")
    tokenizer_files.write_tokenizer(byte_bpe.train(iter(["cat or dog"]), byte_bpe.ByteBpeConfig(vocab_size=264)), folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    torch.manual_seed(0)
    shape = llama.build(SHAPE, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    checkpoints.save(LlamaForCausalLM(shape), tokenizer, folder / "model")
    return folder / "model"


def job(parent: Path, folder: Path, chats: list[list[tuple[str, str]]], report: Any = lambda numbers: None, **changes: Any) -> MethodJob:
    for name in ("out", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    documents = [conversation(str(key), [Turn(*turn) for turn in chat]) for key, chat in enumerate(chats)]
    pq.write_table(document_table("chats", "x.jsonl", documents), folder / "chats.parquet")
    config = dpo.DpoConfig(**{**CONFIG, "checkpoint_every": 2, **changes})
    return method_job(config, {dpo.PARENT: parent, dpo.PAIRS: folder / "chats.parquet"}, folder / "out", folder / "scratch", report)


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
        first = [lm.tokenizer(word)["input_ids"][0] for word in ("cat", "dog")]
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


def test_trl_compares_the_tokens_of_two_answers_behind_one_prompt(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trainers: list[Any] = []

    def stop(job: MethodJob, config: dpo.DpoConfig, trainer: Any) -> list[dict[str, float]]:
        trainers.append(trainer)
        return [{"step": 1.0, "loss": 1.0, "rewards/margins": 0.0, "rewards/accuracies": 0.0}]

    monkeypatch.setattr(dpo, "train", stop)
    talk = [("user", "a<|im_end|>"), ("assistant", "  b<|pad|>"), ("rejected", "<|endoftext|>"), ("rejected", "c"), ("rejected", "  b<|pad|>")]
    summary = dpo.run(job(parent, tmp_path, [talk], batch_size=1))
    assert summary["num_pairs"] == 2  # an answer that says the same as the chosen one is no worse
    tokenizer = checkpoints.load(parent, "cpu").tokenizer
    found: set[str] = set()
    for batch in trainers[0].get_train_dataloader():
        for row, mask in zip(batch["input_ids"].tolist(), batch["completion_mask"].tolist(), strict=True):
            prompt = [token for token, is_learned in zip(row, mask, strict=True) if not is_learned and token != 3]
            answer = [token for token, is_learned in zip(row, mask, strict=True) if is_learned]
            assert tokenizer.decode(prompt) == "<|im_start|>user\na<|im_end|><|im_end|>\n<|im_start|>assistant\n"
            assert [token for token in prompt if token < 4] == [1, 2, 1] and [token for token in answer if token < 4] == [2]
            found.add(tokenizer.decode(answer))
    assert found == {"  b<|pad|><|im_end|>\n", "<|endoftext|><|im_end|>\n", "c<|im_end|>\n"}
