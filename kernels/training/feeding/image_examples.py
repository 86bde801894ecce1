"""Examples of an image, a question and an answer, and the steps that read them.

Each answer of a conversation is an example: all before it is given, it is predicted. Images are decoded once, into a file that is mapped.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from kernels.reading.images.conversations import ImageConversation, read_split
from kernels.reading.images.decoding import UnreadableImage, decode_file, normalised
from kernels.specs.objectives import IGNORED, NO_SEGMENT
from kernels.specs.sources import Reject
from kernels.tokens.chats import Learned, UnrenderedError
from kernels.tokens.image_chats import ImageChatEncoder
from kernels.training.course.stages import Plan
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.epochs import ExampleFeed
from kernels.training.feeding.image_questions import Asked, digest_of, question_of
from kernels.training.feeding.shares import ALL, Share

MULTIPLE = 8
"""Rows are as long as the longest example, rounded up to it."""


class ImageExample(NamedTuple):
    """An image, and the ids of a conversation about it whose last answer is learned."""

    image: int
    learned: Learned


class ImageSet(NamedTuple):
    """What is learned from of a split, and what is not."""

    examples: list[ImageExample]
    pixels: NDArray[np.uint8]
    """[I, size, size, 3]."""
    rejects: list[Reject]

    @property
    def row_length(self) -> int:
        """Positions of a row that holds any of the examples."""
        longest = max(len(example.learned.ids) for example in self.examples) - 1  # of the last token nothing is predicted
        return -(-longest // MULTIPLE) * MULTIPLE

    @property
    def num_tokens(self) -> int:
        """Tokens of all examples that a model reads."""
        return sum(len(example.learned.ids) - 1 for example in self.examples)


class Limits(NamedTuple):
    """What an example must fit."""

    image_size: int
    max_tokens: int


def prepare(folder: Path, split: str, encoder: ImageChatEncoder, limits: Limits, store: Path, held_out: Collection[Asked] = frozenset()) -> ImageSet:
    """Return the examples of a split.

    Args:
        folder: in LLaVA's form.
        split: which file of it.
        encoder: of the tokenizer.
        limits: of an example.
        store: the file that decoded images go to.
        held_out: questions about images that are not learned from, since they are asked of what was learned.

    Raises:
        ValueError: the split is not there or no JSON, or nothing in it can be learned from (says why, by reason).
    """
    rejects: list[Reject] = []
    found: list[ImageConversation] = []
    for each in read_split(folder, split):
        rejects.append(each) if isinstance(each, Reject) else found.append(each)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(each.image for each in found))}
    pixels, broken = decode_all(folder, list(numbers), limits.image_size, store)
    examples: list[ImageExample] = []
    for conversation in found:
        if (error := broken.get(conversation.image)) is not None:
            rejects.append(Reject(conversation.key, error.reason, f"{conversation.image}: {error.detail}"[:200]))
            continue
        for example in _examples(conversation, encoder, limits, digest_of(pixels[numbers[conversation.image]]), held_out):
            if isinstance(example, Reject):
                rejects.append(example)
            else:
                examples.append(ImageExample(numbers[conversation.image], example))
    if not examples:
        raise ValueError(f"{folder}: no example of the split {split!r} can be learned from ({in_words(rejects) or 'it is empty'}); mend the data")
    return ImageSet(examples, pixels, rejects)


def decode_all(folder: Path, names: list[str], size: int, store: Path) -> tuple[NDArray[np.uint8], dict[str, UnreadableImage]]:
    """Return the pixels of image files, [I, size, size, 3], mapped from ``store``, and why some are not there: their pixels are 0."""
    pixels: Any = (
        open_memmap(store, mode="w+", dtype=np.uint8, shape=(len(names), size, size, 3)) if names else np.zeros((0, size, size, 3), np.uint8)
    )
    broken: dict[str, UnreadableImage] = {}
    root = folder.resolve()
    for number, name in enumerate(names):
        try:
            if not (folder / name).resolve().is_relative_to(root):
                raise UnreadableImage("image_outside", "a link leads out of the folder")
            pixels[number] = decode_file(folder / name, size)
        except UnreadableImage as error:
            broken[name] = error
    return pixels, broken


def in_words(rejects: list[Reject]) -> str:
    """Return how many records are left out, by reason."""
    reasons = [reject.reason for reject in rejects]
    return ", ".join(f"{reasons.count(reason)} {reason}" for reason in sorted(set(reasons)))


def _examples(
    conversation: ImageConversation, encoder: ImageChatEncoder, limits: Limits, digest: bytes, held_out: Collection[Asked]
) -> Iterator[Learned | Reject]:
    """Yield what is learned of each answer, or why it is not. ``digest`` is that of the image."""
    for end in range(2, len(conversation.turns) + 1, 2):
        question = question_of(conversation.turns[end - 2].content)
        if Asked(digest, question) in held_out:
            yield Reject(conversation.key, "held_out", f"{conversation.image}: {question}"[:200])
            continue
        try:
            learned = encoder.answered(conversation.turns[:end])
        except UnrenderedError as error:
            yield Reject(conversation.key, "unrendered", str(error)[:200])
            continue
        if learned is None:
            yield Reject(conversation.key, "no_answer", "nothing of it is learned")
        elif learned.ids.count(encoder.image_token) != encoder.num_patches:
            yield Reject(conversation.key, "unrendered", "the chat template leaves the image out")
        elif len(learned.ids) > limits.max_tokens:
            yield Reject(conversation.key, "too_long", f"{len(learned.ids)} tokens, and the model reads {limits.max_tokens}")
        else:
            yield learned


def rows_of(data: ImageSet, numbers: NDArray[np.int64], row_length: int, padding: int) -> Examples:
    """Return examples by number as a model reads them, one a row: only tokens of answers are predicted."""
    inputs = np.full((len(numbers), row_length), padding, np.int64)
    segments = np.full((len(numbers), row_length), NO_SEGMENT, np.int32)
    targets = np.full((len(numbers), row_length), IGNORED, np.int64)
    examples = [data.examples[int(number)] for number in numbers]
    for row, example in enumerate(examples):
        ids, mask = np.array(example.learned.ids, np.int64), np.array(example.learned.mask, np.bool_)
        count = len(ids) - 1
        inputs[row, :count], segments[row, :count] = ids[:-1], 0
        targets[row, :count] = np.where(mask[1:], ids[1:], IGNORED)
    return Examples(inputs, segments, targets, None, None, None, 0, normalised(data.pixels[[example.image for example in examples]]))


def image_feed(data: ImageSet, plan: Plan, padding: int, seed: int, micro_batch_size: int | None, share: Share = ALL) -> ExampleFeed:
    """Return a share of the steps of a training on images."""

    def rows(numbers: NDArray[np.int64]) -> Examples:
        return rows_of(data, numbers, plan.row_length, padding)

    return ExampleFeed("images", len(data.examples), rows, plan, seed, micro_batch_size, share)
