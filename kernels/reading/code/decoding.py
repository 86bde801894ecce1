"""Bytes of a source file as text: UTF-8 unless a byte order mark or a coding line (PEP 263) says otherwise.

Only encodings in use for text are obeyed: a coding line is the file's own word, and some of Python's codecs unpack or are slow.
"""

import codecs
import re

BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
MAX_CONTROL_FRACTION = 0.01
"""A file with a larger share of control characters is binary."""

_CODING = re.compile(rb"^[ \t\f]*#[^\n]{0,200}?coding[:=][ \t]*([-\w.]{1,40})")
_ENCODING = re.compile(
    r"ascii|us-ascii|utf-?8(?:-sig|-unix|-dos|-mac)?|latin-?[19]|iso-?8859-\d{1,2}|(?:cp|windows-)(?:125\d|437|850|866|932|936|949|950)"
    r"|koi8-[ru]|gb2312|gbk|gb18030|big5|shift-?jis|sjis|euc-(?:jp|kr|cn)|mac-?roman"
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"


class NotTextError(Exception):
    """The bytes are no text: ``reason`` is a reject's code, the message its detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def decode(data: bytes) -> str:
    """Return the text of a file, without its byte order mark.

    Raises:
        NotTextError: with ``binary``, or with ``undecodable`` for text in an encoding that the file does not tell.
    """
    mark, encoding = next(((mark, name) for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), (b"", None))
    if not encoding or encoding == "utf-8":
        _refuse_binary(data)
    try:
        return data[len(mark) :].decode(encoding or _declared(data))
    except LookupError as error:
        raise NotTextError("undecodable", str(error)) from error
    except UnicodeDecodeError as error:
        raise NotTextError("undecodable", f"{error.encoding}: {error.reason} at byte {error.start}") from error


def _refuse_binary(data: bytes) -> None:
    if b"\0" in data:
        raise NotTextError("binary", "a NUL byte")
    num_controls = len(data) - len(data.translate(None, _CONTROL))
    if num_controls > MAX_CONTROL_FRACTION * len(data):
        raise NotTextError("binary", f"{num_controls} control characters")


def _declared(data: bytes) -> str:
    """Return the encoding that one of the first two lines declares, else UTF-8."""
    for line in data[:1000].splitlines()[:2]:
        if match := _CODING.match(line):
            name = match[1].decode("ascii", "replace").lower().replace("_", "-")
            name = re.sub(r"-(?:unix|dos|mac)$", "", name)
            if not _ENCODING.fullmatch(name):
                raise NotTextError("undecodable", f"declares the encoding {name!r}")
            return name
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    return "utf-8"
