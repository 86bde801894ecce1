r"""Texts as they may be shown: what would act on a terminal, or make a line read otherwise than it is written, is spelt out.

Documents, paths, errors and answers of models are written by others. An escape sequence in one of them may rewrite what stands on the screen,
put words into the clipboard or hide a link; a bidirectional control makes ``evil.exe`` read as another name (Boucher and Anderson 2021, arXiv
2111.00169); half a surrogate pair cannot be printed at all. Each such character becomes its Python escape: ``\x1b``, ``\u202e``, ``\udc80``.
"""

import re

_ACTS = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 (tab and new line aside), delete, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the characters of Unicode's property Bidi_Control
    "\u2028\u2029"  # separators that some programs break lines at
    "\u200b\u2060\ufeff\ufff9-\ufffb"  # without width
    "\ud800-\udfff"
    "\U000e0000-\U000e007f"  # tags: a second, invisible alphabet
    "]"
)


def visible(text: object) -> str:
    """Return a value's text with every character that acts spelt out; tabs and new lines stay. What is visible stays as it is."""
    return _ACTS.sub(_spell, str(text))


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
