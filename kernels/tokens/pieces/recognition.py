"""Which tokenizers may be given a text piece by piece: those that cut at the places where we do, and whose tokens are the bytes of the text.

Everything is read from the JSON of a ``tokenizer.json``; whatever is not known there for certain is left to the library alone.
"""

import re
from collections.abc import Collection
from typing import Any, NamedTuple

LLAMA_3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"  # also cl100k's
QWEN_2 = LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")
_CUT_LONG = re.compile(r"\.\{1,\d+\}")
"""What cuts words of bytes anew where they are long, as our WordPiece does."""


class Cuts(NamedTuple):
    """How a tokenizer cuts texts."""

    signs_stand_alone: bool
    """Whether no word begins with a sign and goes on with letters, and none begins with a sign and ends with a line break: GPT-2's way. In Llama
    3's both may."""
    digits_stand_alone: bool
    """Whether each digit is a word of its own."""


def cuts_of(settings: dict[str, Any], control: Collection[str]) -> Cuts | None:
    """Return how a tokenizer cuts texts, None where it is not to be given pieces. ``control`` are its control tokens, which it passes over."""
    model = settings["model"]
    plain = settings.get("normalizer") is None and not model.get("dropout") and not model.get("byte_fallback") and not model.get("end_of_word_suffix")
    if not plain or any(token["content"] not in control for token in settings.get("added_tokens", [])):
        return None
    if model.get("type") not in ("BPE", "WordPiece", "Unigram"):
        return None
    return _words(settings.get("pre_tokenizer"))


def _words(chosen: dict[str, Any] | None) -> Cuts | None:
    steps = [] if chosen is None else _flat(chosen)
    digits = bool(steps) and steps[0] == {"type": "Digits", "individual_digits": True}
    steps = steps[digits:]
    split = _pattern(steps[0]) if steps else None
    if split in (LLAMA_3, QWEN_2) and len(steps) == 2 and _is_bytes(steps[1], cuts_words=False):
        return Cuts(signs_stand_alone=False, digits_stand_alone=digits)
    if not steps or not _is_bytes(steps[0], cuts_words=True) or not all(_CUT_LONG.fullmatch(_pattern(step) or "") for step in steps[1:]):
        return None
    return Cuts(signs_stand_alone=True, digits_stand_alone=digits)


def _flat(step: dict[str, Any]) -> list[dict[str, Any]]:
    if step["type"] != "Sequence":
        return [step]
    return [inner for each in step["pretokenizers"] for inner in _flat(each)]


def _is_bytes(step: dict[str, Any], *, cuts_words: bool) -> bool:
    return step["type"] == "ByteLevel" and not step.get("add_prefix_space") and step.get("use_regex", True) == cuts_words


def _pattern(step: dict[str, Any]) -> str | None:
    """Return the regular expression whose matches a step isolates, None where it does something else."""
    if step["type"] != "Split" or step.get("behavior") != "Isolated" or step.get("invert"):
        return None
    pattern: str | None = step["pattern"].get("Regex")
    return pattern


def bytes_of_tokens(vocabulary: dict[str, int], prefix: str, alphabet: Collection[str]) -> list[int]:
    """Return how many bytes of text each token stands for, by id; 0 where it is not made of the characters that stand for bytes."""
    known = frozenset(alphabet)
    lengths = [0] * (max(vocabulary.values(), default=-1) + 1)
    for token, index in vocabulary.items():
        own = token.removeprefix(prefix)
        lengths[index] = len(own) if known.issuperset(own) else 0
    return lengths
