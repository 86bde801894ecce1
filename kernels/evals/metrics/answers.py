"""Short answers against references: exact match and F1 of tokens, after a normalisation (Rajpurkar et al. 2016, arXiv 1606.05250).

English is normalised as SQuAD's own evaluation does it. Other languages are as MLQA's (Lewis et al. 2019, arXiv 1910.07475), which XQuAD's
are also measured by: each has its articles, punctuation is Unicode's, and Chinese is parted character by character.
"""

import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

_ARTICLES = {
    "en": r"\b(?:a|an|the)\b",
    "es": r"\b(?:un|una|unos|unas|el|la|los|las)\b",
    "de": r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "vi": r"\b(?:của|là|cái|chiếc|những)\b",
    "ar": "ال",  # wherever it stands, within words too: so MLQA's published figures were made
    "hi": None,
    "zh": None,
    "el": None,
    "ro": None,
    "ru": None,
    "th": None,
    "tr": None,
}
LANGUAGES = tuple(_ARTICLES)
"""Those of SQuAD, MLQA and XQuAD. The last five have no articles here, since MLQA, whose rules these are, has no such language."""
_HAN = re.compile("([\u4e00-\u9fa5])")


def normalise(text: str, language: str = "en") -> str:
    """Return a text in lower case without punctuation and articles, its tokens parted by single spaces.

    Punctuation of English is ASCII's, as SQuAD has it, so that a curly quotation mark stays; of the others all that Unicode calls so and ASCII's.

    Raises:
        ValueError: the language is none of `LANGUAGES`.
    """
    if language not in _ARTICLES:
        raise ValueError(f"no rule for answers in {language!r}; name one of {', '.join(LANGUAGES)}")
    plain = text.lower().translate(_punctuation(language == "en"))
    articles = _ARTICLES[language]
    if articles is not None:
        plain = re.sub(articles, " ", plain)
    if language == "zh":
        plain = _HAN.sub(r" \1 ", plain)
    return " ".join(plain.split())


@cache
def _punctuation(ascii_alone: bool) -> dict[int, str]:
    """Return what `str.translate` takes to drop punctuation."""
    marks = set(string.punctuation)
    if not ascii_alone:
        marks |= {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("P")}
    return {ord(mark): "" for mark in marks}


def exact_match(answer: str, references: Sequence[str], language: str = "en") -> float:
    """Return 1 where the normalised answer is one of the normalised references, else 0.

    References that are empty after normalisation are none. Without any the question has no answer (Rajpurkar et al. 2018, arXiv 1806.03822):
    right is what is empty after normalisation. Raises ValueError: see `normalise`.
    """
    return _best(answer, references, language, lambda given, wanted: float(given == wanted))


def token_f1(answer: str, references: Sequence[str], language: str = "en") -> float:
    """Return the best F1 that the bag of the answer's tokens has with any reference's, 0..1; unanswerable questions as in `exact_match`.

    Raises ValueError: see `normalise`.
    """
    return _best(answer, references, language, _f1)


def _best(answer: str, references: Sequence[str], language: str, score: Callable[[str, str], float]) -> float:
    """Return the best score of normalised texts; where there are no references the only one is the empty text."""
    given = normalise(answer, language)
    wanted = [text for text in (normalise(reference, language) for reference in references) if text] or [""]
    return max(score(given, text) for text in wanted)


def _f1(answer: str, reference: str) -> float:
    """Return the F1 of two normalised texts' tokens; where one has none, whether both have none."""
    given, wanted = answer.split(), reference.split()
    if not given or not wanted:
        return float(given == wanted)
    num_common = (Counter(given) & Counter(wanted)).total()
    return 2 * num_common / (len(given) + len(wanted))
