"""What tells a secret's value from what stands in its place: placeholders, references to variables, paths, UUIDs, usual words.

An assigned value must reach the entropy limit of its kind (3.5 bits a character is what the generic rule of gitleaks asks for; 3 where it is
written in sixteen digits, of which the most is 4).
"""

import base64
import binascii
import json
import math
import re
from collections import Counter

MIN_VALUE_ENTROPY_BITS = 3.5
MIN_HEX_ENTROPY_BITS = 3.0
MIN_PASSWORD_ENTROPY_BITS = 2.75
MIN_FORMAT_ENTROPY_BITS = 2.5
"""Of a value in a known format: below this it is a row of one character, put there for show."""
MIN_KEY_MATERIAL_CHARS = 64

ACCOUNTS = "user|username|usr|login|name|me|admin|administrator|root|guest|test|foo|sa|postgres|mysql|oracle|uid|account"
WORDS = "pass|password|passwd|pwd|pw|secret|guest|admin|root|test|foo|bar|postgres|mysql|oracle|user|db_?pass|my_?pass(?:word)?|token|xxx+"
NO_LOGIN = rf"(?i:(?:{ACCOUNTS}):(?:{WORDS}))"
"""Logins that documentation is full of, ``user:password`` and ``guest:guest`` among them: an account's usual name with a usual word for one."""


def entropy_bits(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits a character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


_PLACEHOLDER = re.compile(
    r"example|placeholder|change.?me|changeit|your|dummy|sample|fake|redacted|replace|insert|secret.?here|todo|xxxx|\*\*\*|\.\.\.|1234567|abcdef(?!\d)|test"
    r"|[<>{}$%]|\(|\[",
    re.IGNORECASE,
)
_SHOW = re.compile(r"example|placeholder|your|dummy|xxxxx|\.\.\.|12345678|(.)\1{7}", re.IGNORECASE)
_TEMPLATE = re.compile(r"^[<\[({]|[>\])}]$|^\$|\$\{|^%\w?$|%[(s]|^\*+$|^\.+$|^(.)\1+$")
_TO_REPLACE = re.compile(
    r"(?:your|my|the|some|new|example|dummy|sample|fake|redacted|hidden|placeholder|change)[\w.-]*|[\w-]*(?:password|passwd|_pass|-pass)-?here|todo|none|null|true|false",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{32,128}", re.IGNORECASE)
_GIT_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_DIGEST = re.compile(r"(?:sha(?:1|256|384|512)|md5)[-:].*", re.IGNORECASE)
_PATH = re.compile(r"(?:\.{0,2}/|[A-Za-z]:\\|[a-z]{2,10}://).*|[\w-]+\.(?:[a-z]{2,5})|(?:[a-z_.-]+\d{0,4}/)+[a-z_.-]+\d{0,4}")
_REFERENCE = re.compile(
    r"[a-z_$][\w$]{0,19}(?:(?:\.|->|::)[a-z_$][\w$]{0,19})+|(?:new|old|confirm|re|my|user|db)?_?pass(?:word|wd)?_?\d{1,2}", re.IGNORECASE
)


def is_formatted(value: str) -> bool:
    """Say whether a value in a known format is no example."""
    return not _SHOW.search(value) and entropy_bits(value) >= MIN_FORMAT_ENTROPY_BITS


def _is_mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _may_be_secret(value: str) -> bool:
    return not (_PLACEHOLDER.search(value) or any(shape.fullmatch(value) for shape in (_UUID, _DIGEST, _PATH, _REFERENCE)))


def is_assigned(value: str) -> bool:
    """Say whether a value that is assigned to a secret's name is one."""
    least = MIN_HEX_ENTROPY_BITS if _HEX.fullmatch(value) else MIN_VALUE_ENTROPY_BITS
    return _is_mixed(value) and entropy_bits(value) >= least and _may_be_secret(value)


def is_access_key(value: str) -> bool:
    """The same of 40 characters behind a name that commits have too: no hash of git is one."""
    return is_assigned(value) and not _GIT_HASH.fullmatch(value)


def is_password(value: str) -> bool:
    """The same of a password, which people make up."""
    return _is_mixed(value) and entropy_bits(value) >= MIN_PASSWORD_ENTROPY_BITS and _may_be_secret(value)


def is_login(value: str) -> bool:
    """Say whether what stands where a password belongs is one: nothing that a program fills in, or that a reader is to replace."""
    return not (_TEMPLATE.search(value) or _TO_REPLACE.fullmatch(value))


def is_secret_word(value: str) -> bool:
    """The same where settings name it a password, less the words that documentation puts there."""
    return is_login(value) and not re.fullmatch(f"(?i:{WORDS})", value)


def is_bare_login(value: str) -> bool:
    """The same where nothing but an address follows: signs or a mixture of letters and digits that names before an @ do not have."""
    is_strange = re.search(r"[!#$%^&*+=~?]", value) or re.search(r"(?=.*[A-Z])(?=.*[a-z])(?=.*\d)|[A-Za-z]\d+[A-Za-z]", value)
    return is_strange is not None and is_login(value)


def is_basic(value: str) -> bool:
    """Say whether a value decodes to a login."""
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(colon) and (name + password).isprintable() and is_login(password) and not re.fullmatch(NO_LOGIN, f"{name}:{password}")


def is_bearer(value: str) -> bool:
    """Say whether a value is a token of many different characters."""
    return _is_mixed(value) and entropy_bits(value) >= MIN_VALUE_ENTROPY_BITS and not _SHOW.search(value) and not _TEMPLATE.search(value)


def is_web_token(value: str) -> bool:
    """Say whether the head of a JSON web token decodes."""
    head = value.partition(".")[0]
    try:
        header: object = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def is_key_material(value: str) -> bool:
    """Say whether a text holds the lines of a key in base 64, and not only what shows where they would be."""
    return sum(map(len, re.findall(r"[A-Za-z0-9+/=]{16,}", value))) >= MIN_KEY_MATERIAL_CHARS
