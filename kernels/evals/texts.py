"""What of an item must not occur in training data: its parts, and the question with what may follow it."""

import re
from collections.abc import Sequence

from kernels.specs.tasks import ItemTexts

_LABELS = ("", "Answer", "A", "Solution", "The answer is")
"""What stands between question and answer where others print an item, in the words that decontamination compares."""
_LABELS_ABROAD = ("答案", "答", "回答", "정답", "คำตอบ", "ตอบ", "Đáp án", "Respuesta", "Réponse", "Antwort", "Ответ", "الإجابة", "उत्तर")
"""The same of questions with other letters than ASCII's."""
_BLANK = re.compile(r"(?<!\w)_+(?!\w)")


def item_texts(question: str, options: Sequence[str]) -> ItemTexts:
    """Return the texts of one item: its parts, and the question with each option behind it, with and without a label between, or in its blank."""
    given = [option for option in options if option.strip()]
    labels = _LABELS if question.isascii() else (*_LABELS, *_LABELS_ABROAD)
    filled = [_BLANK.sub(lambda blank, option=option: option, question) for option in given if _BLANK.search(question)]
    return ItemTexts((question, *given), (*(f"{question} {label} {option}" for option in given for label in labels), *filled))
