"""Values of personal data as such: what is the same value written differently, and its keyed token."""

import hmac
import re

from kernels.curation.personal.folding import plain
from kernels.curation.personal.spans import NAME_KINDS, Kind

TOKEN_HEX = 16
"""Characters of a token: 64 bits, so that a billion values share one with a probability below 3%."""
_EXTENSION = re.compile(r"\D*(?:x|ext|#)\D*\d{1,6}$", re.IGNORECASE)
_FREE_FORM: frozenset[Kind] = frozenset({*NAME_KINDS, "address", "birth_date", "coordinates", "email", "ip", "url_login"})


def canonical(kind: Kind, value: str) -> str:
    """Return a value without what does not tell it from others: case, repeated white space, and in numbers all separators."""
    value = plain(value)
    if kind == "wallet":
        return value
    if kind == "phone":
        return re.sub(r"\D", "", _EXTENSION.sub("", value))
    if kind in _FREE_FORM:
        return " ".join(value.split()).casefold()
    return re.sub(r"[\W_]", "", value).upper()


def token(kind: Kind, value: str, key: bytes) -> str:
    """Return the placeholder of a value with its keyed hash (HMAC-SHA256, RFC 2104): equal for equal values, and only with the key."""
    digest = hmac.digest(key, f"{kind}\0{canonical(kind, value)}".encode(), "sha256")
    return f"<{kind.upper()}:{digest.hex()[:TOKEN_HEX]}>"
