"""Training on images and text: it learns what it sees, resumes bit for bit, and counts what it cannot learn from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from kernels.evals.tasks.images.image_questions import SPEC as TASK
from kernels.evals.tasks.images.image_questions import ImageQuestionsConfig
from kernels.methods.pretraining.pretrain_image_text import IMAGES, SPEC, TOKENIZER, PretrainImageTextConfig
from kernels.models.architectures import llama, llava
from kernels.models.formats.chats import image_chats
from kernels.models.formats.checkpoints import load, shape_of_folder
from kernels.models.formats.fast import counts_of
from kernels.reading.images.conversations import PLACE
from kernels.reading.images.decoding import decode_file, normalised
from kernels.specs.tasks import unwatched
from kernels.specs.turns import Turn
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from kernels.training.image_runs import LEFT_OUT
from tests.method_jobs import method_job
from tests.small_images import COLOURS, put_images, read, record, write


class Stopped(Exception):
    pass


def shape(**changes: Any) -> llava.LlavaConfig:
    values: dict[str, Any] = {"kind": "llava", "hidden_size": 32, "num_layers": 1, "num_heads": 2, "num_kv_heads": 1, "intermediate_size": 64}
    values |= {"max_position_embeddings": 64, "tie_embeddings": True, "image_size": 8, "patch_size": 4, "vision_width": 32, "vision_layers": 1}
    return llava.LlavaConfig.model_validate({**values, "vision_heads": 2, **changes})


def config(**changes: Any) -> PretrainImageTextConfig:
    values: dict[str, Any] = {"architecture": shape(), "seed": 1, "num_steps": 12, "batch_size": 8, "learning_rate": 0.005, "warmup_steps": 2}
    values |= {"min_learning_rate_ratio": 0.1, "weight_decay": 0.1, "gradient_clip": 1.0, "precision": "float32", "validate_every": 5}
    values |= {"max_validation_sequences": 8, "checkpoint_every": 3}
    return PretrainImageTextConfig.model_validate({**values, **changes})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = put_images(tmp_path_factory.mktemp("images"), {"train": 64, "validation": 8, "test": 40})
    write_tokenizer(train(iter(["Which colour? red green blue white"] * 4), ByteBpeConfig(vocab_size=279)), folder / "tokenizer")
    return folder


def run(
    data: Path,
    folder: Path,
    chosen: PretrainImageTextConfig,
    stop_at: int | None = None,
    say: Callable[[str], Any] = pytest.fail,
) -> dict[str, float]:
    def report(numbers: dict[str, float]) -> None:
        if stop_at is not None and numbers["step"] >= stop_at:
            raise Stopped

    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    (folder / "out").mkdir(exist_ok=True)
    return SPEC.run(method_job(chosen, {IMAGES: data, TOKENIZER: data / "tokenizer"}, folder / "out", folder / "scratch", report, say))


def test_a_stopped_run_ends_bit_for_bit_where_an_undisturbed_one_ends(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "whole", config())
    with pytest.raises(Stopped):
        run(data, tmp_path / "parted", config(), stop_at=8)
    assert {"step-000003", "step-000006"} <= {path.name for path in (tmp_path / "parted" / "scratch").iterdir()}
    run(data, tmp_path / "parted", config())
    for name in ("model.safetensors", "losses.parquet", LEFT_OUT, "tokenizer.json"):
        assert (tmp_path / "parted" / "out" / name).read_bytes() == (tmp_path / "whole" / "out" / name).read_bytes(), name


def test_a_step_in_parts_has_the_loss_of_the_step_as_a_whole(data: Path, tmp_path: Path) -> None:
    whole = run(data, tmp_path / "whole", config(num_steps=2))
    parts = run(data, tmp_path / "parts", config(num_steps=2, micro_batch_size=3))
    assert parts["final_loss"] == pytest.approx(whole["final_loss"], rel=1e-5)
    assert parts["validation_loss"] == pytest.approx(whole["validation_loss"], rel=1e-5)


def test_the_work_of_a_token_that_is_read_has_its_share_of_the_image_and_none_of_padding(data: Path, tmp_path: Path) -> None:
    summary = run(data, tmp_path, config(num_steps=8))  # all 64 examples once
    counts = counts_of(shape_of_folder(tmp_path / "out"))
    assert counts is not None and counts.image is not None
    length = round(summary["num_train_tokens"] / 64)
    assert length % 8, "rows are longer than what is read of them"
    assert summary["flops_per_token"] == int(counts.flops_per_row(length, num_images=1) / length) > counts.flops_per_token(length)
    assert summary["num_matmul_parameters"] == counts.num_matmul_parameters + counts.image.num_matmul_parameters


def test_one_batch_is_learned_by_heart(tmp_path: Path, data: Path) -> None:
    few = put_images(tmp_path / "few", {"train": 8, "validation": 4})
    (few / "tokenizer").symlink_to(data / "tokenizer")
    summary = run(few, tmp_path / "job", config(num_steps=200, weight_decay=0.0, validate_every=200, checkpoint_every=200))
    assert summary["first_loss"] > 4 and summary["final_loss"] < 0.01


def test_it_answers_what_it_sees_far_above_chance_and_by_chance_what_it_does_not(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path, config(num_steps=120, validate_every=120, checkpoint_every=120))
    model = load(tmp_path / "out", "cpu")
    result = TASK.run(model, data, ImageQuestionsConfig(num_items=40, seed=1), unwatched)
    scores = {score.metric: score for score in result.scores}
    assert scores["accuracy"].chance == 1 / len(COLOURS) and scores["accuracy"].num_items == 40
    assert scores["accuracy"].low > 0.8, "it sees"
    assert scores["accuracy_blind"].value == 1 / len(COLOURS), "one grey picture has one answer, which is right once in four"


def test_transformers_alone_reads_the_checkpoint_and_asks_it_as_it_was_trained(data: Path, tmp_path: Path) -> None:
    import torch
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    run(data, tmp_path, config(num_steps=1, warmup_steps=0, checkpoint_every=1))
    processor: Any = AutoProcessor.from_pretrained(tmp_path / "out")
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 48, 3), np.uint8))
    chat = [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": "\nWhich colour?"}]}]
    asked = processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt")
    image.save(tmp_path / "image.png")
    assert np.array_equal(asked["pixel_values"].numpy(), normalised(decode_file(tmp_path / "image.png", 8)[None]))
    ours = image_chats(load(tmp_path / "out", "cpu").tokenizer, 4).answered([Turn("user", f"{PLACE}\nWhich colour?"), Turn("assistant", "red")])
    assert ours is not None and asked["input_ids"][0].tolist() == ours.ids[: ours.mask.index(1)]
    assert ours.ids[0] == 0 and ours.ids.count(0) == 1, "a conversation about an image begins as texts do, once"
    model: Any = AutoModelForImageTextToText.from_pretrained(tmp_path / "out")
    assert model.generate(**asked, max_new_tokens=2, do_sample=False).shape[1] == asked["input_ids"].shape[1] + 2
    assert torch.isfinite(model(**asked).logits).all()
    assert model.generation_config.eos_token_id == [0, 2], "it goes on no further than an answer does"


def test_what_cannot_be_learned_from_is_counted_stored_and_told(data: Path, tmp_path: Path) -> None:
    folder = put_images(tmp_path / "broken", {"train": 8, "validation": 4})
    (folder / "tokenizer").symlink_to(data / "tokenizer")
    (folder / "train" / "1.png").write_bytes((folder / "train" / "1.png").read_bytes()[:60])
    (folder / "train" / "2.png").write_text("GIF89a")
    (tmp_path / "secret.png").write_bytes((folder / "train" / "3.png").read_bytes())
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    more = [record("gone.png", "red"), record("link.png", "red"), record("train/4.png", "red" * 60), record("train/5.png", "red", "no image")]
    write(folder, "train", [*read(folder, "train"), *more])
    words: list[str] = []
    summary = run(folder, tmp_path / "job", config(num_steps=2, max_validation_sequences=4), say=words.append)
    assert summary["num_examples"] == 6 and summary["num_train_left_out"] == 6 and summary["num_validation_left_out"] == 0
    stored = pl.read_parquet(tmp_path / "job" / "out" / LEFT_OUT)
    expected = {"train.json:2": "image_broken", "train.json:3": "image_format", "train.json:9": "image_missing", "train.json:10": "image_outside"}
    expected |= {"train.json:11": "options", "train.json:12": "image_mark"}
    assert dict(stored.select("key", "reason").iter_rows()) == expected and set(stored["split"]) == {"train"}
    assert len(words) == 1 and "6 records are left out: 1 image_broken" in words[0]


def test_what_another_split_asks_of_the_same_image_is_not_learned(data: Path, tmp_path: Path) -> None:
    folder = put_images(tmp_path / "leaks", {"train": 8, "validation": 4, "test_hard": 4})
    (folder / "tokenizer").symlink_to(data / "tokenizer")
    for name in ("validation", "test_hard"):
        (folder / "train" / f"{name}.png").write_bytes((folder / name / "1.png").read_bytes())
    (folder / "notes.json").write_text("{}")
    more = [record("train/test_hard.png", "green", " <image>\nwhich COLOUR?"), record("train/validation.png", "green")]
    write(folder, "train", [*read(folder, "train"), *more, record("train/test_hard.png", "green", "<image>\nIs it red?")])
    words: list[str] = []
    summary = run(folder, tmp_path / "job", config(num_steps=2, max_validation_sequences=4), say=words.append)
    assert summary["num_examples"] == 9 and "2 records are left out: 2 held_out" in words[0]
    stored = pl.read_parquet(tmp_path / "job" / "out" / LEFT_OUT)
    assert stored["key"].to_list() == ["train.json:9", "train.json:10"] and set(stored["split"]) == {"train"}


def test_a_folder_with_nothing_to_learn_from_is_refused(data: Path, tmp_path: Path) -> None:
    folder = put_images(tmp_path, {"validation": 4})
    (folder / "tokenizer").symlink_to(data / "tokenizer")
    write(folder, "train", [record("gone.png", "red")])
    with pytest.raises(ValueError, match=r"no example of the split 'train' can be learned from .*1 image_missing"):
        run(folder, tmp_path / "job", config())


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"length_stages": [{"from": 0, "length": 8}]}, "length_stages"),
        ({"samples": ["The"]}, "samples"),
        (
            {
                "architecture": llama.LlamaConfig(
                    kind="llama",
                    hidden_size=8,
                    num_layers=1,
                    num_heads=1,
                    num_kv_heads=1,
                    intermediate_size=8,
                    max_position_embeddings=8,
                    tie_embeddings=True,
                )
            },
            "architecture",
        ),
    ],
    ids=["length_stages", "samples", "architecture"],
)
def test_what_it_cannot_do_is_a_fault_of_the_key(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**changes)
    assert [fault.get("ctx", {})["key"] for fault in caught.value.errors()] == [key]
