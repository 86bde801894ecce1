"""How words are spoken: in the International Phonetic Alphabet, or spelled for English readers."""

import re
from collections.abc import Callable

from kernels.reading.parsing.wikitext.marks import ASIDE, ASIDE_END, NOTHING
from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,4})?")
_NO_SOUND = re.compile(r"lang|local|also|pron|us|uk|uklang|uslang|ipa|audio|small|[\w. -]+\.(?:og[ga]|wav)|en-.*", re.IGNORECASE)
_OFFER = re.compile(r"\W*(?:listen|play|hear|pronunciation|pronounced|audio|help|info|sound|speaker icon)\b.*", re.IGNORECASE | re.DOTALL)
_SOUND_SIGNS = {"-": "", "_": " ", "'": "\u02c8", ",": "\u02cc"}


def _aside(left: str, sounds: str, right: str) -> str:
    return f"{ASIDE}{left}{sounds}{right}{ASIDE_END}" if sounds else NOTHING


def _sounds(call: Arguments) -> str:
    """Return the second of two values where the first is a language."""
    return call.value(2) if call.value(2) and _CODE.fullmatch(call.value(1)) else call.value(1)


def _as_given(call: Arguments) -> str:
    """{{IPA|/x/}}, {{IPA|fr|[x]}}."""
    return _aside("", _sounds(call), "")


def _between_strokes(call: Arguments) -> str:
    """{{IPAslink|x}}."""
    return _aside("/", call.value(1), "/")


def _in_brackets(call: Arguments) -> str:
    """{{IPA-fr|x}}, {{IPAblink|x}}."""
    return _aside("[", call.value(1), "]")


def _one_by_one(call: Arguments) -> str:
    """{{IPAc-en|...}}: one sound a value."""
    sounds = [_SOUND_SIGNS.get(value, value) for value in call.values if not _NO_SOUND.fullmatch(value)]
    return _aside("/", "".join(sounds), "/")


def _spelled(call: Arguments) -> str:
    """{{respell|PARR|iss}}: PARR-iss."""
    return _aside("", "-".join(value for value in call.values if value).replace("-_-", " ").replace("-'-", "-"), "")


def _recorded(call: Arguments) -> str:
    """{{audio|file|words}}: the words, unless they only offer the recording."""
    return NOTHING if not call.value(2) or _OFFER.fullmatch(call.value(2)) else call.value(2)


def find(name: str) -> Callable[[Arguments], str | None] | None:
    """Return the renderer of ``ipa-fr``, ``ipac-es`` and their kin."""
    if name.startswith("ipac-"):
        return _one_by_one
    return _in_brackets if name.startswith("ipa-") and len(name) < 16 else None


RENDERERS = (
    dict.fromkeys(("ipa", "ipa link", "ipalink", "ipa-all", "api", "ipa symbol"), _as_given)
    | dict.fromkeys(("ipac-en", "ipac-pl", "ipac-de", "ipac-hu", "ipac-ga", "ipac-yue", "ipac-cmn", "ipac-fr"), _one_by_one)
    | {"audio": _recorded, "ipaslink": _between_strokes, "ipablink": _in_brackets}
    | dict.fromkeys(("respell", "pronunciation respelling"), _spelled)
)
"""Renderers by the name of a template in lower case."""
