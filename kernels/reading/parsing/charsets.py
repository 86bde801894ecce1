"""Bytes as text, decided in one way for every format.

The charset is told, in this order: by a byte order mark; by bytes that are UTF-8 throughout, which text in no other charset is by chance; by a
label that came with them, read as the WHATWG's Encoding Standard reads it (https://encoding.spec.whatwg.org/#names-and-labels); by bytes that
are UTF-8 but for a few, which become U+FFFD and are counted; and else by how often its characters occur. Half a character at the end, where
a crawler or a copy cut the bytes, is left out and counted.
"""

import codecs
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from kernels.reading.parsing.charset_guess import guess

UTF8 = "utf-8"
MAX_REPLACED_SHARE = 0.01
"""Of the characters of a text; one with more that could not be decoded is not worth keeping, and is probably in another charset."""
FEW_REPLACED = 3
"""So many may be replaced however short a text is."""
SAMPLE_BYTES = 1 << 16
"""How much of the bytes a charset is guessed from."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARS_A_BLANK = 40
_UNPRINTED = dict.fromkeys(map(ord, "\t\n\f\r\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u3000\ufeff"))
"""What texts hold beside characters that are printed."""
_MULTIBYTE = frozenset({"gb18030", "big5", "euc-jp", "euc-kr", "shift_jis"})
_MIN_SOUND_MULTIBYTE = 8
"""Characters of UTF-8 that bytes declared as one of those must be: a word or two of GBK may be UTF-8 by chance."""


class Decoded(NamedTuple):
    """A text, the charset that it was in by its WHATWG name, and how many runs of bytes became U+FFFD or were cut off at the end."""

    text: str
    charset: str
    num_replaced: int

    def told(self) -> dict[str, str | int]:
        """Return what a document's metadata says of its decoding: nothing where it was sound UTF-8."""
        return told(self.charset, self.num_replaced)


class UndecodableError(ValueError):
    """Bytes are text in no charset that they tell or that can be told from them."""


def told(charset: str, num_replaced: int) -> dict[str, str | int]:
    """Return a document's metadata on its decoding."""
    return {**({"charset": charset} if charset != UTF8 else {}), **({"num_replaced": num_replaced} if num_replaced else {})}


def is_few(num_replaced: int, num_chars: int) -> bool:
    """Return whether so many replaced characters leave a text as it was."""
    return num_replaced <= max(FEW_REPLACED, MAX_REPLACED_SHARE * num_chars)


@lru_cache(maxsize=1024)
def codec_of(label: str) -> tuple[str, str] | None:
    """Return the WHATWG's name of a charset and Python's codec for it, by any of its labels; None for a label of none."""
    import webencodings

    found = webencodings.lookup(label.strip())
    if found is None or found.name in ("replacement", "x-user-defined"):
        return None
    name = "gb18030" if found.name == "gbk" else found.name
    return name, "gb18030" if name == "gb18030" else found.codec_info.name


def marked(head: bytes) -> tuple[int, str] | None:
    """Return the length of the byte order mark that bytes begin with, and the charset it tells; None where there is none."""
    return next(((len(mark), name) for mark, name in _MARKS if head.startswith(mark)), None)


def unmarked_utf16(head: bytes) -> str | None:
    """Return in which order bytes are UTF-16 without a mark: text in one of them, and with NULs as that text has them, and in the other none."""
    if b"\0" not in head:
        return None
    found = [codec for codec in ("utf-16-le", "utf-16-be") if _is_utf16_text(head, codec)]
    return found[0] if len(found) == 1 else None


def _is_utf16_text(head: bytes, codec: str) -> bool:
    """Return whether bytes are printable text in an order, nearly all of it Latin, or with blanks as scripts have that stand between words."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(head[: len(head) & ~1])
    except UnicodeDecodeError:
        return False
    num_latin, num_blank = sum(ord(char) < 0x100 for char in text), text.count(" ") + text.count("\n")
    is_likely = num_latin > 0.7 * len(text) or num_blank * _CHARS_A_BLANK >= len(text)
    return len(text) >= 4 and is_likely and text.translate(_UNPRINTED).isprintable()


class Utf8Count:
    """How much of bytes that come in pieces is UTF-8."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.num_sound = 0
        """Characters beyond ASCII that are well formed."""
        self.num_bad = 0
        """Runs of bytes that are not."""
        self.num_chars = 0
        self.sample = bytearray()
        """Pieces with bytes beyond ASCII, up to `SAMPLE_BYTES`."""
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Count one more piece."""
        if piece.isascii() and not self._rest:
            self.num_chars += len(piece)
            return
        if len(self.sample) < SAMPLE_BYTES:
            self.sample += piece[: SAMPLE_BYTES - len(self.sample)]
        data = self._rest + piece
        whole = len(data) - _num_open(data)
        self._rest = data[whole:]
        self._count(data[:whole])

    def end(self) -> bool:
        """Return whether the bytes end within a character."""
        return bool(self._rest)

    @property
    def is_probably_cut(self) -> bool:
        """Whether bytes that end as a character of UTF-8 begins are that and no letter of another charset: after text in UTF-8, or by what begins.

        In English text those are no-break spaces, accents and quotation marks in UTF-8; in Windows-1252 no word ends in ``\u00c2`` or ``\u00c3``.
        """
        return self.num_sound > 0 or self._rest[:1] in (b"\xc2", b"\xc3", b"\xe2")

    def _count(self, data: bytes) -> None:
        try:
            text = data.decode(UTF8)
            bad = 0
        except UnicodeDecodeError:
            text = data.decode(UTF8, "replace")
            bad = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
        self.num_bad += bad
        self.num_chars += len(text)
        self.num_sound += len(text) - len(text.encode("ascii", "ignore")) - bad

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes are UTF-8, one cut character at their end aside."""
        return not self.num_bad


def _num_open(data: bytes) -> int:
    """Return how many bytes at the end begin a character of UTF-8 that is not there in full."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC2:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4 if byte < 0xF5 else 1
            return back if needed > back else 0
        if not 0x80 <= byte < 0xC0:
            return 0
    return 0


def choose_charset(count: Utf8Count, labels: Sequence[str] = ()) -> str:
    """Return the charset of counted bytes without a mark, as a Python codec, by the labels that declare it, if any."""
    declared = [found for label in labels if (found := codec_of(label)) is not None and not found[0].startswith("utf-16")]
    other = next((found for found in declared if found[0] != UTF8), None)
    min_sound = _MIN_SOUND_MULTIBYTE if other and other[0] in _MULTIBYTE else 1
    is_whole = not count.end() or count.is_probably_cut or (bool(declared) and other is None)
    if count.is_utf8 and is_whole and (other is None or count.num_sound >= min_sound):
        return UTF8
    if count.num_sound >= max(min_sound, FEW_REPLACED) and count.num_bad * 3 <= count.num_sound:
        return UTF8
    if other is not None and other is declared[0]:
        return other[1]
    if (count.num_sound and count.num_bad * 2 <= count.num_sound) or (declared and is_whole and count.num_bad <= max(FEW_REPLACED, count.num_sound)):
        return UTF8
    return other[1] if other is not None else guess(bytes(count.sample))


def num_bad_runs(data: bytes) -> int:
    """Return how many runs of bytes are not UTF-8."""
    count = Utf8Count()
    count.feed(data)
    return count.num_bad + count.end()


def replaced(data: bytes) -> str:
    """Return bytes as UTF-8 text with U+FFFD for what is none of it, and without the half of a character at their end."""
    return data[: len(data) - _num_open(data)].decode(UTF8, "replace")


def whatwg_name(codec: str) -> str:
    """Return the WHATWG's name of a Python codec, the codec's own where it has none."""
    if codec in (UTF8, "utf-8-sig"):
        return UTF8
    names = {"cp1252": "windows-1252", "cp932": "shift_jis", "cp949": "euc-kr", "big5hkscs": "big5", "utf-16-le": "utf-16le", "utf-16-be": "utf-16be"}
    plain = codecs.lookup(codec).name
    if plain in names:
        return names[plain]
    found = codec_of(plain) or codec_of(plain.replace("cp125", "windows-125")) or codec_of(plain.replace("iso8859", "iso-8859"))
    return found[0] if found else plain


def decode(data: bytes, labels: Sequence[str] = ()) -> Decoded:
    """Return bytes as text, by the rule of this module; ``labels`` declare their charset, the first before the others.

    Raises:
        UndecodableError: more of them than a few are in no charset that can be told.
    """
    if found := marked(data):
        size, codec = found
        return _decoded(data[size:], codec)
    try:
        text = data.decode(UTF8)
    except UnicodeDecodeError:
        text = None
    if text is not None and not labels and "\0" not in text[:SAMPLE_BYTES]:
        return Decoded(text, UTF8, 0)
    if b"\0" in data[:SAMPLE_BYTES] and (codec := unmarked_utf16(data[:SAMPLE_BYTES])):
        return _decoded(data, codec)
    if text is not None and (text.isascii() or all((codec_of(label) or (UTF8,))[0] == UTF8 for label in labels)) and not _is_stateful(labels):
        return Decoded(text, UTF8, 0)
    count = Utf8Count()
    count.feed(data)
    codec = "iso2022_jp" if _is_stateful(labels) and data.isascii() else choose_charset(count, labels)
    try:
        return _decoded(data, codec)
    except UndecodableError:
        if not labels or codec == UTF8:
            raise
    return _decoded(data, choose_charset(count))


def _is_stateful(labels: Sequence[str]) -> bool:
    return any((codec_of(label) or ("",))[0] == "iso-2022-jp" for label in labels)


def _decoded(data: bytes, codec: str) -> Decoded:
    """Return bytes in one charset, with what does not fit it replaced and counted. Raises UndecodableError past a few."""
    num_cut = _num_open(data) if codec == UTF8 else 0
    body = data[: len(data) - num_cut]
    try:
        return Decoded(body.decode(codec), whatwg_name(codec), int(num_cut > 0))
    except UnicodeDecodeError as error:
        if error.reason in ("truncated data", "unexpected end of data", "incomplete multibyte sequence") and len(body) - error.start < 4:
            return _decoded(body[: error.start], codec)._replace(num_replaced=1)
        first = error
    text = body.decode(codec, "replace")
    num_replaced = text.count("\ufffd") - (body.count(b"\xef\xbf\xbd") if codec == UTF8 else 0) + (num_cut > 0)
    if not is_few(num_replaced, len(text)):
        raise UndecodableError(f"{num_replaced} of {len(text)} characters are no {whatwg_name(codec)}: {first.reason} at byte {first.start}")
    return Decoded(text, whatwg_name(codec), num_replaced)
