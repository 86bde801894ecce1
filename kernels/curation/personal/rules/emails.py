r"""E-mail addresses, wherever an at sign stands: also with letters of any script, quoted, at an IP address, or with the sign spelled otherwise.

The characters around a sign are read outwards from it, so that punctuation and underlines beside an address hide none, and none is found in
half. Signs: ``@``, also between tags, ``%40``, ``&#64;``, ``&commat;``, ``\u0040``, and ``at`` or ``@`` in brackets. The names are those of
RFC 5322 and 6531 that people have.

What is left: names at a host without a point (``user@localhost``), versions (``pkg@1.2.3``), names of files (``icon@2x.png``), calls in code
(``a@b.mean()``), accounts of version control (``git@github.com:org/repo``), handles (``@name``, ``@name:matrix.org``), ``name at host dot com``
in words alone. A name before ``@`` in the form of an address counts, be it a person's, a machine's, or that of a message.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import tld

from kernels.curation.personal.search_windows import Place

_REACH = 128
_JOINED = (  # scripts written without spaces, and Hangul, whose particles follow at once: where they touch ASCII, a word ends
    "\u0e00-\u0eff\u0f00-\u109f\u1100-\u11ff\u1780-\u17ff\u3005\u3040-\u312f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
_MARKS = "\u0300-\u036f\u064b-\u065f\u0900-\u0dff"  # what stands above and below letters is no letter to expressions
_ALNUM = rf"(?:[^\W_{_JOINED}]|[{_MARKS}])"
_PLAIN = re.compile("@")
_CODED = re.compile(r"%(?:25)?40|&#0{0,3}(?:64|[xX]40);|\\(?:u00|x)40")
_BRACKETED = re.compile(r"[ ]?[\[({<][ ]?(?:at|AT|At|@)[ ]?[\])}>][ ]?|&commat;")
_TAG = r"(?:<(?:/?[A-Za-z][^<>]{0,60}|!--[^<>]{0,60}--)>)"
_TAGGED = re.compile(rf"(?<=[^>]){_TAG}{{1,3}}@{_TAG}{{0,3}}|@{_TAG}{{1,3}}")
_NAME = re.compile(rf"(?:[^\W_{_JOINED}]|[._%+{_MARKS}-]|['’&!$^~](?={_ALNUM})|(?<=[_.-])\\){{1,{_REACH}}}")  # read from its end
_ESCAPE = re.compile(r"\\(?:[nrtbf]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})|u003[CcEe]|=3D|%(?:25)?(?:[013][A-Fa-f0-9]|2[0-9ACFacf]|[57][B-Eb-e]|40)")
"""How programs write a character beside an address that is not of it: a line's end, a blank, a quote, an angle bracket, an equals sign."""
_JOINED_NAME = re.compile(rf"[{_JOINED}][{_JOINED}0-9A-Za-z._-]{{0,23}}")
_QUOTED = re.compile(r'"\w(?:[^"\n]{0,62}\w)?"(?![^\s<(:;,=])')
_GROUP = re.compile(r"\}[\w.+ -]{1,64}(?:[,;|][\w.+ -]{1,64}){1,16}\{")
_RETURNED = re.compile(r"=[\w.]{0,64}[+-][\w.+-]{1,64}")
_DOMAIN = re.compile(
    rf"(?:{_ALNUM}(?:{_ALNUM}|[_-]){{0,62}}\.){{1,8}}(?:(?:[^\W\d_{_JOINED}]|[{_MARKS}]){{2,24}}|xn--[A-Za-z0-9-]{{2,59}})(?!{_ALNUM})"
)
_TOUCHED_DOMAIN = re.compile(rf"(?:{_ALNUM}(?:{_ALNUM}|[_-]){{0,62}}[.。｡]){{1,8}}([A-Za-z]{{2,24}})(?![A-Za-z])")
"""A host with letters of another script or figures right behind it (``example.comи``, ``example.com²``), or with ideographic full stops."""
_JOINED_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,8}(?:[^\W\d_]{2,24}|xn--[A-Za-z0-9-]{2,59})")
_DOT = r"(?:\.|%2[Ee]|&period;|&#0{0,3}(?:46|[xX]2[eE]);|[ ]?[\[({<][ ]?(?:dot|DOT|Dot|\.)[ ]?[\])}>][ ]?)"
_DOTTED = re.compile(rf"(?:{_ALNUM}(?:{_ALNUM}|-){{0,62}}{_DOT}){{1,8}}[A-Za-z]{{2,24}}(?!{_ALNUM})")
_PLAIN_HOST = re.compile(r"[\w.-]+")
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]", re.IGNORECASE)
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)", re.ASCII)
_NUMBERED = re.compile(r"[vV]?\d+\.\d|\dx\.")
"""How versions (``v1.2.3-rc.alpha``) and names of pictures for screens of twice the points (``icon@2x.png``) go on behind the sign."""
_ACCOUNTS = frozenset({"git", "hg", "svn", "cvs", "bzr", "gitea", "gitolite", "gitlab", "aur"})
_FILES_WORDS = (
    "avif bmp cfg class conf cpp css csv eot exe gif gz html htm ico ini jar java jpeg jpg js json jsx less lock log mjs mp3 mp4 pdf php png "
    "rb scss svg tar tgz toml ts tsx ttf txt vue wasm wav webm webp whl woff woff2 xml yaml yml"
)
_FILES = frozenset(_FILES_WORDS.split())
_ATTRIBUTES_WORDS = "data dtype eval H inv inverse item mean shape size std sum T transpose value values"
_ATTRIBUTES = frozenset(_ATTRIBUTES_WORDS.split())
_CODE = frozenset("([-_=")
"""What no private domain is followed by."""
_MAX_VARIABLE = 2
"""A host of one label this short with a call behind it is a matrix product: ``a@b.to(device)``."""


@lru_cache(maxsize=4096)
def _is_top(label: str) -> bool:
    """Say whether a label in small letters is a top-level domain (IANA's, by the public suffix list)."""
    return tld.is_tld(label)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """E-mail addresses with one kind of sign."""

    place: Place
    sign: re.Pattern[str]
    kind: Literal["email"] = "email"

    def find(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Return addresses (first character, end) whose sign stands in a window of a text; they may reach beyond it."""
        found: list[tuple[int, int]] = []
        done = 0
        sign = self.sign.search(text, start, end)
        while sign:
            stop = _end(text, sign)
            first = _start(text, sign.start(), done) if stop else sign.start()
            if first < sign.start() and not _is_account(text, first, sign, stop):
                found.append((first, stop))
                done = stop
            sign = self.sign.search(text, max(done, sign.end()), end)
        return found


def _end(text: str, sign: re.Match[str]) -> int:
    """Return where the host behind a sign ends, 0 where there is none."""
    start = sign.end()
    first = text[start : start + 1]
    if first == "[":
        literal = _LITERAL.match(text, start)
        return literal.end() if literal and _is_ip(literal[1]) else 0
    if sign[0] != "@" and (dotted := _DOTTED.match(text, start)) and not _PLAIN_HOST.fullmatch(dotted[0]):
        return dotted.end()
    if first.isdigit() and (number := _IPV4.match(text, start)):
        return number.end() if _is_ip(number[0]) and len(number[0]) > len("1.2.3.4") else 0
    domain = _DOMAIN.match(text, start)
    if domain and not (first in "0123456789vV" and _NUMBERED.match(domain[0])):
        size = _host_chars(domain[0], text[domain.end() : domain.end() + 1])
        if (">@" in sign[0] or "@<" in sign[0]) and not _is_top(domain[0][:size].rpartition(".")[2].lower()):
            return 0  # highlighted code: a private host is likelier a product of matrices
        if size or domain[0].isascii():
            return start + size if size else 0
    joined = _JOINED_DOMAIN.match(text, start)
    if joined and not joined[0].isascii() and (size := _joined_host_chars(joined[0])):
        return start + size
    touched = _TOUCHED_DOMAIN.match(text, start)
    return touched.end() if touched and _is_touched(touched, text[touched.end() : touched.end() + 1]) else 0


def _is_touched(domain: re.Match[str], following: str) -> bool:
    """Say whether a host ends where another script or figures begin: not where the word is one of a file (``song.mp3``) or a version."""
    is_file = (domain[1] + following).lower() in _FILES or _NUMBERED.match(domain[0]) is not None
    return _is_top(domain[1].lower()) and not is_file and following not in _CODE


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _host_chars(name: str, following: str) -> int:
    """Return how much of what looks like a host is one: less a word that begins the next sentence, and nothing where code has such names.

    Misspelled and private domains count: ``gmail.con`` is somebody's.
    """
    before, _, last = name.rpartition(".")
    if last[0].isupper() and "." in before and _is_top(before.rpartition(".")[2]):
        return len(before)
    if _is_top(last.lower()):
        return 0 if following == "(" and len(before) <= _MAX_VARIABLE else len(name)
    is_code = last.lower() in _FILES or last in _ATTRIBUTES or following in _CODE or last.istitle()
    return 0 if is_code or not last.isascii() else len(name)


def _joined_host_chars(host: str) -> int:
    """Return how much of a host in scripts without spaces is one: up to the longest known top-level domain that its last label begins with."""
    body, _, last = host.rpartition(".")
    sizes = [size for size in range(len(last), 1, -1) if _is_top(last[:size].lower())]
    return len(body) + 1 + max(sizes) if sizes else 0


def _start(text: str, at: int, done: int) -> int:
    """Return where the name before a sign begins, the sign's own place where there is none."""
    behind = text[max(done, at - _REACH) : at][::-1]
    if quoted := _QUOTED.match(behind) or _GROUP.match(behind):
        return at - quoted.end()
    name = _NAME.match(behind)
    size = len(name[0].rstrip("._%+-'’&\\")) if name else 0
    if not size:
        joined = _JOINED_NAME.match(behind)
        return at - (len(joined[0].rstrip("._-")) if joined else 0)
    return _behind_escape(text, at - size - _returned_chars(behind, size), at)


def _behind_escape(text: str, first: int, at: int) -> int:
    r"""Return where a name begins of which the first characters may be the end of an escape: ``\ninfo``, ``%20info``, ``u003cinfo``."""
    escape = _ESCAPE.search(text, max(0, first - 1), min(at, first + 6))
    return escape.end() if escape and escape.start() <= first < escape.end() < at else first


def _returned_chars(behind: str, size: int) -> int:
    """Return the characters before ``=`` of an address that bears another one, as mailing lists send (``list-jane=example.org@lists.org``)."""
    wrapped = _RETURNED.match(behind, size)
    return len(wrapped[0]) if wrapped and _is_top(behind[:size].partition(".")[0][::-1].lower()) and "." in behind[:size] else 0


def _is_account(text: str, first: int, sign: re.Match[str], stop: int) -> bool:
    """Say whether an address is that of an account that everybody uses, or the handle of a room."""
    name = text[first : sign.start()].lower()
    is_remote = text[stop : stop + 1] in (":", "/") or text[max(0, first - 3) : first] == "://"
    return name in _ACCOUNTS and (is_remote or name == "git")


RULES = (
    Addresses(place=Place("at", before=0, after=1), sign=_PLAIN),
    Addresses(place=Place("coded_at", before=4, after=4), sign=_CODED),
    Addresses(place=Place("bracketed_at", before=8, after=4), sign=_BRACKETED),
    Addresses(place=Place("tagged_at", before=192, after=192), sign=_TAGGED),
)
