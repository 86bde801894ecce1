"""SFT and DPO give the losses, rewards and weights of TRL's trainers on the same examples in the same order."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import torch

from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.methods.alignment import dpo, sft
from kernels.models.architectures import llama
from kernels.models.formats import checkpoints
from kernels.models.formats.chats import chat_encoder
from kernels.specs.turns import Turn
from kernels.tokens import tokenizer_files
from kernels.tokens.tokenizers import byte_bpe
from kernels.training.course.stages import constant, make_plan, whole_rows
from kernels.training.feeding.epochs import ExampleFeed
from tests.method_jobs import method_job
from tests.trl_trainers import Settings, dpo_trainer, sft_trainer, train

STEPS, BATCH, RATE, BETA, LENGTH = 5, 4, 0.003, 0.3, 96
WORDS = ("cat", "a dog", "the mat", "sun", "sea and sand", "ox", "i")
CHATS = [
    [("user", f"say {word} {'so ' * number}"), ("assistant", word * (1 + number % 3)), ("rejected", word[::-1] + "!")]
    for number, word in enumerate(WORDS)
]
CONFIG = {"seed": 1, "num_steps": STEPS, "batch_size": BATCH, "learning_rate": RATE, "warmup_steps": 0, "max_length": LENGTH, "precision": "float32"}


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def parent(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import AutoTokenizer, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("parent")
    tokenizer_files.write_tokenizer(byte_bpe.train(iter(["say cat"]), byte_bpe.ByteBpeConfig(vocab_size=264)), folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    shape = llama.LlamaConfig.model_validate(
        {"kind": "llama", "hidden_size": 32, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2, "intermediate_size": 48}
        | {"max_position_embeddings": 128, "tie_embeddings": request.param}
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(llama.build(shape, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)  # so that the model says something
    checkpoints.save(model, tokenizer, folder / "model")
    return folder / "model"


def turns(chat: list[tuple[str, str]]) -> list[Turn]:
    return [Turn(*turn) for turn in chat]


def ours(method: Any, need: Any, config: Any, parent: Path, folder: Path) -> pl.DataFrame:
    (folder / "out").mkdir()
    pq.write_table(
        document_table("chats", "x.jsonl", [conversation(str(key), turns(chat)) for key, chat in enumerate(CHATS)]), folder / "chats.parquet"
    )
    method.run(method_job(config, {method.PARENT: parent, need: folder / "chats.parquet"}, folder / "out"))
    return pl.read_parquet(folder / "out" / "losses.parquet")


def in_order(kind: str, examples: list[Any]) -> list[Any]:
    """Examples as our steps read them, one step behind the other."""
    feed = ExampleFeed(
        kind, len(examples), lambda numbers: pytest.fail("rows are not asked for"), make_plan(STEPS, constant(BATCH), whole_rows(8), 8), 1, None
    )
    return [examples[number] for number in feed.numbers(np.arange(STEPS * BATCH))]


def assert_same_weights(folder: Path, model: Any) -> None:
    found = dict(checkpoints.load(folder, "cpu").model.named_parameters())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(found[name], parameter, rtol=0, atol=RATE / 20, msg=name)


def test_sft_gives_the_losses_and_weights_of_trl(parent: Path, tmp_path: Path) -> None:
    found = ours(sft, sft.CONVERSATIONS, sft.SftConfig(**CONFIG, checkpoint_every=50), parent, tmp_path)
    lm = checkpoints.load_to_train(parent, "cpu")
    texts = in_order("conversations", sft.examples(chat_encoder(lm.tokenizer), map(turns, CHATS), LENGTH).texts)
    trainer = sft_trainer(lm.model, lm.tokenizer, texts, Settings(tmp_path / "trl", STEPS, BATCH, RATE))
    expected = train(trainer)
    assert found["loss"].to_list() == pytest.approx([row["loss"] for row in expected], rel=1e-4)
    assert found["gradient_norm"].to_list() == pytest.approx([row["grad_norm"] for row in expected], rel=1e-3)
    assert found["learning_rate"].to_list() == pytest.approx([row["learning_rate"] for row in expected], rel=1e-6)
    assert_same_weights(tmp_path / "out", trainer.model)


def test_dpo_gives_the_losses_rewards_and_weights_of_trl(parent: Path, tmp_path: Path) -> None:
    found = ours(dpo, dpo.PAIRS, dpo.DpoConfig(**CONFIG, checkpoint_every=50, beta=BETA), parent, tmp_path)
    lm = checkpoints.load_to_train(parent, "cpu")
    all_pairs = [pair for chat in CHATS for pair in dpo.preference_pairs(turns(chat))]
    pairs = in_order("pairs", dpo.examples(chat_encoder(lm.tokenizer), all_pairs, LENGTH).pairs)
    reference = checkpoints.load(parent, "cpu").model
    trainer = dpo_trainer(lm.model, reference, lm.tokenizer, pairs, BETA, Settings(tmp_path / "trl", STEPS, BATCH, RATE))
    expected = train(trainer)
    assert found["loss"].to_list() == pytest.approx([row["loss"] for row in expected], rel=1e-4)
    assert found["gradient_norm"].to_list() == pytest.approx([row["grad_norm"] for row in expected], rel=1e-3)
    for name in ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies", "logps/chosen", "logps/rejected"):
        assert found[name].to_list() == pytest.approx([row[name] for row in expected], rel=1e-3, abs=1e-4), name
    assert_same_weights(tmp_path / "out", trainer.model)
