import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.inference.decoding import chat
from kernels.methods.alignment import sft
from kernels.models.architectures import llama
from kernels.models.formats import checkpoints
from kernels.models.formats.chats import chat_encoder
from kernels.specs.methods import MethodJob
from kernels.specs.objectives import IGNORED
from kernels.specs.turns import Turn
from kernels.training.feeding.conversations import RowShape, row_length, rows_of
from tests.byte_tokenizers import byte_tokenizer
from tests.method_jobs import method_job
from tests.small_models import put_llama

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
    return put_llama(tmp_path_factory.mktemp("parent"), SHAPE, "say cat")


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
    scratch = tmp_path / "killed" / "scratch"
    assert sorted(path.name for path in scratch.glob("step-*")) == ["step-000002", "step-000004"]
    (scratch / "step-000006").mkdir()
    (scratch / "step-000006" / "tensors.safetensors").write_bytes(b"half of it")
    tensors = scratch / "step-000004" / "tensors.safetensors"
    size = tensors.stat().st_size
    tensors.write_bytes(tensors.read_bytes()[:-1])
    steps: list[float] = []
    words: list[str] = []
    sft.run(job(parent, tmp_path / "killed", CHATS, lambda numbers: steps.append(numbers["step"]), words.append))
    assert steps == [3, 4, 5, 6, 7, 8]
    assert words == [
        "state step-000006: seal.json is missing, it was not written to its end; going on from step-000002",
        f"state step-000004: tensors.safetensors has {size - 1} bytes where its seal has {size}; going on from step-000002",
    ]
    names = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole" / "out").rglob("*") if path.is_file()]
    assert {"model.safetensors", "losses.parquet", "chat_template.jinja", "generation_config.json"} <= {name.name for name in names}
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name


def test_the_loss_is_that_of_the_answer_and_its_end_alone(parent: Path, tmp_path: Path):
    import torch

    summary = sft.run(job(parent, tmp_path, CHATS[:1], num_steps=1, batch_size=1))
    lm = checkpoints.load(parent, "cpu")
    prompt = lm.tokenizer("<|im_start|>user\nsay cat<|im_end|>\n<|im_start|>assistant\n")["input_ids"]
    ids = torch.tensor([prompt + lm.tokenizer("cat<|im_end|>\n", add_special_tokens=False)["input_ids"]])
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


def test_it_learns_from_the_tokens_of_the_last_answer_and_its_end_and_from_no_other(parent: Path):
    spelled = "<|endoftext|><|im_end|>"
    talk = [("user", f"a {spelled}"), ("assistant", f"  b {spelled}"), ("user", "c"), ("assistant", f"  d {spelled}")]
    tokenizer = checkpoints.load(parent, "cpu").tokenizer
    (text,) = sft.examples(chat_encoder(tokenizer), [[Turn(*turn) for turn in talk]], 200).texts
    rows = rows_of([text], np.array([0]), RowShape(row_length([text]), padding=3))
    ids = text.ids_n.tolist()
    assert tokenizer.decode(ids) == (
        f"<|endoftext|><|im_start|>user\na {spelled}<|im_end|>\n<|im_start|>assistant\n  b {spelled}<|im_end|>\n"
        f"<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n  d {spelled}<|im_end|>\n"
    )
    assert rows.inputs_BT[0, : len(ids) - 1].tolist() == ids[:-1]
    (places,) = np.nonzero(rows.targets[0] != IGNORED)
    learned = rows.targets[0, places].tolist()
    assert learned == ids[-len(learned) :] and places.tolist() == list(range(len(ids) - 1 - len(learned), len(ids) - 1))
    assert tokenizer.decode(learned) == f"  d {spelled}<|im_end|>\n"
    assert [token for token in ids if token < 4] == [0] + [1, 2] * 4 and [token for token in learned if token < 4] == [2]


def test_conversations_are_held_out_by_their_prompts_and_their_loss_is_that_of_answers(parent: Path, tmp_path: Path):
    chats = [[("user", f"say {number}"), ("assistant", word)] for number in range(40) for word in ("cat", "dog")]
    summary = sft.run(job(parent, tmp_path, chats, num_steps=4, batch_size=8, validation_fraction=0.3, validate_every=2))
    assert summary["num_conversations"] + summary["num_held_out"] == 80 and 8 <= summary["num_held_out"] <= 40
    losses = pl.read_parquet(tmp_path / "out" / "losses.parquet")
    assert [value is not None for value in losses["validation_loss"].to_list()] == [False, True, False, True]
    assert summary["validation_loss"] == losses["validation_loss"][-1] < losses["validation_loss"][1]


def test_a_step_in_parts_has_the_loss_of_the_step_as_a_whole(parent: Path, tmp_path: Path):
    whole = sft.run(job(parent, tmp_path / "whole", CHATS, num_steps=3, batch_size=5))
    parts = sft.run(job(parent, tmp_path / "parts", CHATS, num_steps=3, batch_size=5, micro_batch_size=2))
    assert parts["final_loss"] == pytest.approx(whole["final_loss"], rel=1e-4)


def test_a_parent_that_has_no_module_of_ours_learns_by_transformers_own(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from kernels.models.formats import fast

    ours = sft.run(job(parent, tmp_path / "ours", CHATS, num_steps=3))
    monkeypatch.setattr(fast, "fast_of", lambda shape: None)
    theirs = sft.run(job(parent, tmp_path / "theirs", CHATS, num_steps=3))
    assert theirs["final_loss"] == pytest.approx(ours["final_loss"], rel=1e-4)


def test_a_killed_run_of_a_parent_that_drops_out_at_random_goes_on_to_the_same_bytes(parent: Path, tmp_path: Path):
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    tokenizer = AutoTokenizer.from_pretrained(parent)
    torch.manual_seed(0)
    shape = GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0, pad_token_id=3)
    checkpoints.save(GPT2LMHeadModel(shape), tokenizer, tmp_path / "gpt2")

    def die_at_six(numbers: dict[str, float]) -> None:
        if numbers["step"] == 6:
            raise KeyboardInterrupt

    sft.run(job(tmp_path / "gpt2", tmp_path / "whole", CHATS))
    with pytest.raises(KeyboardInterrupt):
        sft.run(job(tmp_path / "gpt2", tmp_path / "killed", CHATS, die_at_six))
    sft.run(job(tmp_path / "gpt2", tmp_path / "killed", CHATS))
    for name in ("model.safetensors", "losses.parquet"):
        assert (tmp_path / "whole" / "out" / name).read_bytes() == (tmp_path / "killed" / "out" / name).read_bytes(), name


def test_a_conversation_longer_than_the_parent_reads_is_an_error(parent: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"a conversation has \d+ tokens, and the model attends to 128; lower max_length, now 500"):
        sft.run(job(parent, tmp_path, [[("user", "say " + "x" * 200), ("assistant", "x")]], max_length=500))


def test_transformers_alone_stops_where_an_answer_ends_as_we_do(parent: Path, tmp_path: Path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    sft.run(job(parent, tmp_path, CHATS, num_steps=120, batch_size=5))
    ours = "".join(chat(checkpoints.load(tmp_path / "out", "cpu"), [Turn("user", "say cat")], max_new_tokens=20, temperature=0, seed=0))
    tokenizer: Any = AutoTokenizer.from_pretrained(tmp_path / "out")
    turns = [{"role": "user", "content": "say cat"}]
    asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    made = model.generate(**asked, max_new_tokens=20, do_sample=False)
    assert tokenizer.decode(made[0, asked["input_ids"].shape[1] :]) == f"{ours}<|im_end|>" == "cat<|im_end|>"


def test_a_parent_without_marks_of_turns_learns_to_end_its_answers(tmp_path: Path):
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

    bytes_alone = byte_tokenizer()
    bytes_alone.add_special_tokens(["</s>"])
    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=bytes_alone, eos_token="</s>", pad_token="</s>")
    torch.manual_seed(0)
    shape = llama.build(SHAPE, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    checkpoints.save(LlamaForCausalLM(shape), tokenizer, tmp_path / "base")
    sft.run(job(tmp_path / "base", tmp_path, CHATS, num_steps=100, batch_size=5))
    answer = chat(checkpoints.load(tmp_path / "out", "cpu"), [Turn("user", "say cat")], max_new_tokens=30, temperature=0, seed=0)
    assert "".join(answer) == "cat"


def test_that_a_template_ends_no_answer_is_told(parent: Path, tmp_path: Path):
    endless = tmp_path / "parent"
    shutil.copytree(parent, endless)
    (endless / "chat_template.jinja").write_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    words: list[str] = []
    sft.run(job(endless, tmp_path, CHATS, num_steps=1, say=words.append))
    assert len(words) == 1 and "ends an answer by no control token" in words[0]


def test_how_the_parent_is_asked_stays_as_it_was_but_for_what_ends_an_answer(parent: Path, tmp_path: Path):
    own = tmp_path / "parent"
    shutil.copytree(parent, own)
    told = json.loads((own / "generation_config.json").read_text()) | {"temperature": 0.3}
    (own / "generation_config.json").write_text(json.dumps(told))
    sft.run(job(own, tmp_path / "job", CHATS, num_steps=1))
    asked = json.loads((tmp_path / "job" / "out" / "generation_config.json").read_text())
    assert asked == {**told, "eos_token_id": [0, 2]} and told["eos_token_id"] == 0
    assert (tmp_path / "job" / "out" / "chat_template.jinja").read_text() == (own / "chat_template.jinja").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"learning_rate": "auto"}, "law of pretraining"), ({"length_stages": [{"from": 0, "length": 8}]}, "a conversation is read whole")],
    ids=["law", "lengths"],
)
def test_what_is_for_pretraining_alone_is_refused(changes: dict[str, Any], message: str):
    with pytest.raises(ValidationError, match=message):
        sft.SftConfig.model_validate({**CONFIG, "checkpoint_every": 2, **changes})
