"""Examples of images as rows: answers alone are predicted, images go with their questions, and each epoch reads everything once."""

from pathlib import Path

import numpy as np
import pytest

from kernels.reading.images.decoding import normalised
from kernels.specs.objectives import IGNORED
from kernels.tokens.chats import template
from kernels.tokens.image_chats import IMAGE_TOKEN, image_chat_encoder
from kernels.tokens.special_tokens import SpecialTokens
from kernels.tokens.tokenizer_files import CHAT_TEMPLATE
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from kernels.training.course.stages import constant, make_plan, whole_rows
from kernels.training.feeding.image_examples import ImageSet, Limits, image_feed, prepare, rows_of
from tests.small_images import put_images, record, write

PATCHES = 4


def encoder():
    special = SpecialTokens(more=(IMAGE_TOKEN,))
    tokenizer = train(iter(["Which colour? red green blue"] * 4), ByteBpeConfig(vocab_size=280, special_tokens=special))
    return image_chat_encoder(tokenizer, template(CHAT_TEMPLATE, {}), PATCHES)


@pytest.fixture
def made(tmp_path: Path) -> ImageSet:
    put_images(tmp_path, {"train": 6})
    return prepare(tmp_path, "train", encoder(), Limits(8, 64), tmp_path / "pixels.npy")


def spelled(ids: list[int]) -> str:
    return encoder().chats.text.decoded([ids])[0]


def test_a_conversation_is_written_by_the_chat_template_with_the_image_in_its_place(made: ImageSet) -> None:
    ids, mask = made.examples[1].learned
    assert spelled(ids) == f"<|im_start|>user\n{IMAGE_TOKEN * PATCHES}\nWhich colour?<|im_end|>\n<|im_start|>assistant\ngreen<|im_end|>\n"
    assert spelled([token for token, learned in zip(ids, mask, strict=True) if learned]) == "green<|im_end|>\n"


def test_only_answers_are_predicted_each_from_the_token_before_it(made: ImageSet) -> None:
    rows = rows_of(made, np.array([1, 0]), made.row_length, padding=3)
    ids, mask = made.examples[1].learned
    assert rows.inputs_BT[0, : len(ids) - 1].tolist() == ids[:-1]
    assert rows.targets[0, : len(ids) - 1].tolist() == [token if learned else IGNORED for token, learned in zip(ids[1:], mask[1:], strict=True)]
    behind = slice(len(ids) - 1, None)
    assert (rows.inputs_BT[0, behind] == 3).all() and (rows.segments_BT[0, behind] == -1).all() and (rows.targets[0, behind] == IGNORED).all()
    assert rows.pixels is not None
    assert np.array_equal(rows.pixels, normalised(made.pixels[[1, 0]])), "images stand in the order of the rows"


def test_each_answer_of_a_conversation_is_an_example_about_the_same_image(tmp_path: Path) -> None:
    put_images(tmp_path, {"train": 1})
    turns = [("human", "<image>Which?"), ("gpt", "red"), ("human", "Sure?"), ("gpt", "blue")]
    write(tmp_path, "train", [{"image": "train/0.png", "conversations": [{"from": who, "value": value} for who, value in turns]}])
    made = prepare(tmp_path, "train", encoder(), Limits(8, 64), tmp_path / "pixels.npy")
    learned = [[token for token, is_learned in zip(*example.learned, strict=True) if is_learned] for example in made.examples]
    assert [spelled(ids) for ids in learned] == ["red<|im_end|>\n", "blue<|im_end|>\n"]
    assert [example.image for example in made.examples] == [0, 0] and len(made.pixels) == 1


def test_text_that_spells_the_image_token_holds_no_place(tmp_path: Path) -> None:
    put_images(tmp_path, {"train": 1})
    write(tmp_path, "train", [record("train/0.png", f"an {IMAGE_TOKEN} it is") | {"options": []}])
    (example,) = prepare(tmp_path, "train", encoder(), Limits(8, 64), tmp_path / "pixels.npy").examples
    assert example.learned.ids.count(encoder().image_token) == PATCHES and f"an {IMAGE_TOKEN} it is" in spelled(example.learned.ids)


def test_what_is_longer_than_the_model_reads_is_left_out(tmp_path: Path) -> None:
    put_images(tmp_path, {"train": 2})
    write(tmp_path, "train", [record("train/0.png", "red"), record("train/1.png", "red " * 60) | {"options": []}])
    made = prepare(tmp_path, "train", encoder(), Limits(8, 64), tmp_path / "pixels.npy")
    assert len(made.examples) == 1 and [(reject.key, reject.reason) for reject in made.rejects] == [("train.json:2", "too_long")]


def test_each_epoch_reads_everything_once_in_an_order_of_its_own(made: ImageSet) -> None:
    plan = make_plan(9, constant(4), whole_rows(made.row_length), made.row_length)
    feed = image_feed(made, plan, 3, 1, None)
    numbers = feed.numbers(np.arange(36)).reshape(6, 6)
    assert (np.sort(numbers, 1) == np.arange(6)).all() and len(np.unique(numbers, axis=0)) > 1
    assert np.array_equal(feed.batch(2).parts[0].inputs_BT, rows_of(made, numbers.flatten()[8:12], made.row_length, 3).inputs_BT)
