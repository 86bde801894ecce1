"""Questions about images: options are scored as a plain reading of each by Transformers' model scores them, image by image."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kernels.evals.tasks.images import image_questions
from kernels.evals.tasks.images.image_questions import SPEC, ImageQuestionsConfig
from kernels.inference.likelihoods.likelihood import log_likelihoods
from kernels.inference.likelihoods.requests import Request
from kernels.models.architectures import llava
from kernels.models.formats.chats import image_chats
from kernels.models.formats.checkpoints import LanguageModel, load
from kernels.models.formats.fast import fresh, write
from kernels.reading.images.conversations import PLACE
from kernels.reading.images.decoding import decode_file, normalised
from kernels.specs.tasks import unwatched
from kernels.specs.turns import Turn
from kernels.tokens.special_tokens import SpecialTokens
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from tests.small_images import put_images, read, record
from tests.small_images import write as write_split
from tests.small_models import small_llama


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = tmp_path_factory.mktemp("model")
    special = SpecialTokens(more=("<image>",))
    tokenizer = train(iter(["Which colour? red green blue"] * 4), ByteBpeConfig(vocab_size=280, special_tokens=special))
    write_tokenizer(tokenizer, folder, special)
    config = llava.LlavaConfig(
        kind="llava", hidden_size=16, num_layers=1, num_heads=2, num_kv_heads=1, intermediate_size=32, max_position_embeddings=64,
        tie_embeddings=True, image_size=8, patch_size=4, vision_width=16, vision_layers=1, vision_heads=2,
    )  # fmt: skip
    made = fresh(llava.build(config, vocab_size=280, eos_token_id=0, pad_token_id=3, image_token_id=4), 1)
    with torch.no_grad():
        for parameter in made.module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) * 0.3)
    write(made, folder)
    return load(folder, "cpu")


def test_an_option_has_the_likelihood_of_reading_it_alone_behind_its_own_image(model: LanguageModel, tmp_path: Path) -> None:
    put_images(tmp_path, {"test": 5})
    items = SPEC.run(model, tmp_path, ImageQuestionsConfig(num_items=5, seed=1), unwatched).items
    encoder = image_chats(model.tokenizer, 4)
    assert items["item"].to_list() == [f"test.json:{number}" for number in range(1, 6)]
    for row in items.iter_rows(named=True):
        pixels = torch.from_numpy(normalised(decode_file(tmp_path / row["image"], 8)[None]))
        for option, likelihood in zip(row["options"], row["log_likelihoods"], strict=True):
            learned = encoder.answered([Turn("user", f"{PLACE}\nWhich colour?"), Turn("assistant", option)])
            assert learned is not None
            tokens = torch.tensor([learned.ids])
            with torch.no_grad():
                scores = model.model(input_ids=tokens, pixel_values=pixels).logits[0].log_softmax(-1)
            expected = sum(float(scores[place - 1, token]) for place, token in enumerate(learned.ids) if learned.mask[place])
            assert likelihood == pytest.approx(expected, rel=0.02)
    assert len(np.unique(items["log_likelihoods"].to_list(), axis=0)) == 5, "another image, another likelihood"


def test_an_image_and_its_text_are_read_whole_or_not_at_all(model: LanguageModel) -> None:
    pixels, places = np.zeros((1, 3, 8, 8), np.float32), (4,) * 4
    assert log_likelihoods(model, [Request((*places, *(9,) * 59), (5, 6), 0)], pixels)[0] < 0
    with pytest.raises(ValueError, match="an image and its text are 65 tokens, and the model reads 64"):
        log_likelihoods(model, [Request((*places, *(9,) * 60), (5, 6), 0)], pixels)


def test_what_cannot_be_asked_ends_the_items_with_its_reason(model: LanguageModel, tmp_path: Path) -> None:
    put_images(tmp_path, {"test": 2})
    write_split(tmp_path, "test", [*read(tmp_path, "test"), record("gone.png", "red"), record("test/0.png", "red") | {"options": []}])
    result = SPEC.run(model, tmp_path, ImageQuestionsConfig(num_items=9, seed=1), unwatched)
    rejected = dict(result.items.drop_nulls("rejected").select("item", "rejected").iter_rows())
    assert rejected == {"test.json:3": "image_missing", "test.json:4": "options"}
    assert {score.metric: score.num_items for score in result.scores} == {"accuracy": 2, "accuracy_blind": 2}


def test_questions_about_one_image_are_drawn_together(model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_images(tmp_path, {"test": 2})
    asked = [record(f"test/{number % 2}.png", "red" if number % 2 else "green", f"<image>\nWhich colour, {number}?") for number in range(20)]
    write_split(tmp_path, "test", asked)
    monkeypatch.setattr(image_questions, "log_likelihoods", lambda model, requests, pixels: [-1.0, -2.0, -2.0, -2.0] * (len(requests) // 4))
    score = SPEC.run(model, tmp_path, ImageQuestionsConfig(num_items=20, seed=1), unwatched).scores[0]
    assert (score.value, score.low, score.high) == (0.5, 0.0, 1.0), "of two images one is answered wholly right and one wholly wrong"


def test_a_likelihood_that_is_no_number_is_an_error(model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_images(tmp_path, {"test": 1})
    monkeypatch.setattr(image_questions, "log_likelihoods", lambda model, requests, pixels: [float("nan")] * len(requests))
    with pytest.raises(ValueError, match=r"test\.json:1: a likelihood is not finite"):
        SPEC.run(model, tmp_path, ImageQuestionsConfig(num_items=1, seed=1), unwatched)


def test_a_model_that_reads_no_images_is_refused(model: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the model reads no images"):
        SPEC.run(LanguageModel(small_llama(), model.tokenizer, "cpu"), tmp_path, ImageQuestionsConfig(num_items=1, seed=1), unwatched)


def test_a_question_and_its_options_are_looked_for_once_however_often_they_are_asked_and_what_is_learned_from_is_not(tmp_path: Path) -> None:
    put_images(tmp_path, {"train": 3, "validation": 1, "test": 2})
    write_split(tmp_path, "test_more", [record("test/0.png", "red", "Look: <image> Which of the colours is it?")])
    assert SPEC.texts is not None
    texts = list(SPEC.texts.read(tmp_path))
    assert [item.parts[0] for item in texts] == ["Which colour?", "Look:  Which of the colours is it?"]
    assert texts[0].parts[1:] == ("red", "green", "blue", "white") and "Which colour?  green" in texts[0].wholes
