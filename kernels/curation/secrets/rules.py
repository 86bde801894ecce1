"""The kinds of secrets: known formats of keys, and names that speak of secrets with a value of high entropy assigned to them.

A known format is a fixed prefix with a fixed alphabet and length, as its issuer documents it; a JSON web token must have a header that
decodes, a private key must hold key material. An assigned value must reach the entropy limit of its kind (3.5 bits a character is what
the generic rule of gitleaks asks for); placeholders, references to variables, UUIDs and hashes of git are never secrets.
"""

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

MIN_VALUE_ENTROPY_BITS = 3.5
MIN_PASSWORD_ENTROPY_BITS = 2.75
MIN_FORMAT_ENTROPY_BITS = 2.5
"""Of a value in a known format: below this it is a row of one character, put there for show."""
MAX_KEY_BLOCK_CHARS = 20_000
MIN_KEY_MATERIAL_CHARS = 64


class Rule(NamedTuple):
    """How one kind is found. The last group that matched, where there is one, is the secret; ``is_real`` judges its text."""

    kind: str
    hints: tuple[str, ...]
    """A text without any of these, in lower case, is not searched."""
    pattern: re.Pattern[str]
    is_real: Callable[[str], bool]


def entropy_bits(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits a character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


_PLACEHOLDER = re.compile(
    r"example|placeholder|change.?me|changeit|your|dummy|sample|fake|redacted|replace|insert|secret.?here|todo|xxxx|\*\*\*|\.\.\.|1234567|abcdef(?!\d)|test"
    r"|[<>{}$%]|\(|\[",
    re.IGNORECASE,
)
_SHOW = re.compile(r"example|placeholder|your|dummy|xxxxx|\.\.\.|12345678|(.)\1{7}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|(?:sha(?:1|256|384|512)|md5)[-:].*", re.IGNORECASE)
_PATH = re.compile(r"(?:\.{0,2}/|[A-Za-z]:\\|[a-z]{2,10}://).*|[\w-]+\.(?:[a-z]{2,5})")


def _is_formatted(value: str) -> bool:
    return not _SHOW.search(value) and entropy_bits(value) >= MIN_FORMAT_ENTROPY_BITS


def _is_mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _may_be_secret(value: str) -> bool:
    return not (_PLACEHOLDER.search(value) or _UUID.fullmatch(value) or _HASH.fullmatch(value) or _PATH.fullmatch(value))


def _is_assigned(value: str) -> bool:
    return _is_mixed(value) and entropy_bits(value) >= MIN_VALUE_ENTROPY_BITS and _may_be_secret(value)


def _is_password(value: str) -> bool:
    return _is_mixed(value) and entropy_bits(value) >= MIN_PASSWORD_ENTROPY_BITS and _may_be_secret(value)


def _is_url_password(value: str) -> bool:
    is_word = value.lower() in {"pass", "password", "passwd", "pwd", "secret", "pw", "user", "username", "guest", "admin", "root", "postgres"}
    return not is_word and len(set(value)) > 3 and _may_be_secret(value)


def _is_web_token(value: str) -> bool:
    head = value.partition(".")[0]
    try:
        header: object = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def _is_key_block(value: str) -> bool:
    body = value.partition("-----\n")[2] or value.partition("-----\\n")[2] or value.partition("-----\r\n")[2]
    return sum(map(len, re.findall(r"[A-Za-z0-9+/=]{16,}", body))) >= MIN_KEY_MATERIAL_CHARS


def _rule(kind: str, hints: str, pattern: str, is_real: Callable[[str], bool] = _is_formatted) -> Rule:
    return Rule(kind, tuple(hints.split()), re.compile(pattern), is_real)


_END = r"(?![A-Za-z0-9_-])"
_START = r"(?<![A-Za-z0-9_-])"
_PASSWORD_NAME = r"(?i:passw(?:or)?d|passwd|passphrase|pwd)"
_SECRET_NAME = r"(?i:secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|account[_-]?key|private[_-]?key|client[_-]?key|credential)"
_ASSIGN = r"[\w.-]{0,20}+[\"']?+[ \t]{0,8}+(?:=>|:=|=(?!=)|:(?!:))[ \t]{0,8}+"
_QUOTED = r"[rbuf]?[\"']([^\"'\s]{8,200})[\"']"
_BARE = r"([A-Za-z0-9+/_=.~!@#%^&*-]{12,200})[ \t]{0,8}(?:$|\n)"
RULES: Sequence[Rule] = (
    _rule("private_key", "-----begin",
          rf"-----BEGIN [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----[^-]{{1,{MAX_KEY_BLOCK_CHARS}}}(?:-----END [A-Z0-9 ]{{1,50}}-----)?",
          _is_key_block),
    _rule("aws_access_key_id", "akia asia abia acca", rf"{_START}(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{{16}}{_END}"),
    _rule("aws_secret_key", "aws secret_access secret-access secretaccess",
          r"(?i:aws|secret[_-]?access)[\w.\- \t\"']{0,30}?(?:=>|[:=])[ \t]{0,8}[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", _is_assigned),
    _rule("google_api_key", "aiza", rf"{_START}AIza[A-Za-z0-9_-]{{35}}{_END}"),
    _rule("github_token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
          rf"{_START}(?:gh[pousr]_[A-Za-z0-9]{{36,255}}|github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}){_END}"),
    _rule("gitlab_token", "glpat-", rf"{_START}glpat-[A-Za-z0-9_-]{{20,64}}(?:\.[a-z0-9]{{2}}\.[a-z0-9]{{9}})?{_END}"),
    _rule("slack_token", "xox", rf"{_START}xox[abeoprs]-[A-Za-z0-9-]{{10,250}}{_END}"),
    _rule("slack_webhook", "hooks.slack.com", r"https://hooks\.slack\.com/services/(T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,30})"),
    _rule("stripe_key", "k_live_", rf"{_START}[rs]k_live_[A-Za-z0-9]{{16,250}}{_END}"),
    _rule("anthropic_key", "sk-ant-", rf"{_START}sk-ant-[a-z]{{2,10}}\d\d-[A-Za-z0-9_-]{{80,120}}{_END}"),
    _rule("openai_key", "sk-", rf"{_START}sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{{40,200}}|[A-Za-z0-9]{{48}}){_END}"),
    _rule("hugging_face_token", "hf_ api_org_", rf"{_START}(?:hf_[A-Za-z]{{34}}|api_org_[A-Za-z]{{34}}){_END}"),
    _rule("npm_token", "npm_", rf"{_START}npm_[A-Za-z0-9]{{36}}{_END}"),
    _rule("pypi_token", "pypi-", rf"{_START}pypi-AgE[A-Za-z0-9_-]{{50,1000}}{_END}"),
    _rule("sendgrid_key", "sg.", rf"{_START}SG\.[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9_-]{{43}}{_END}"),
    _rule("twilio_key", "sk", rf"{_START}SK[0-9a-f]{{32}}{_END}"),
    _rule("json_web_token", "eyj", rf"{_START}eyJ[A-Za-z0-9_-]{{8,4000}}\.eyJ[A-Za-z0-9_-]{{8,8000}}\.[A-Za-z0-9_-]{{16,2000}}{_END}", _is_web_token),
    _rule("azure_key", "accountkey= sharedaccesskey=", r"(?:AccountKey=([A-Za-z0-9+/]{86}==)|SharedAccessKey=([A-Za-z0-9+/]{43}=))"),
    _rule("url_password", "://",
          r"(?<![A-Za-z0-9+.-])[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@\"'<>`]{0,100}:([^\s/:@\"'<>`]{4,200})@[A-Za-z0-9\[]", _is_url_password),
    _rule("password", "passw passphrase pwd", _PASSWORD_NAME + _ASSIGN + _QUOTED, _is_password),
    _rule("password", "passw passphrase pwd", _PASSWORD_NAME + _ASSIGN + _BARE, _is_assigned),
    _rule("secret", "secret token key credential", _SECRET_NAME + _ASSIGN + _QUOTED, _is_assigned),
    _rule("secret", "secret token key credential", _SECRET_NAME + _ASSIGN + _BARE, _is_assigned),
)  # fmt: skip
"""In order of precedence: where two find the same characters, the first has them."""
KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))

_ASSIGNED = r"[\w.-]{0,20}[\"']?[ \t]{0,8}(?:=>|:=|=|:)[ \t]{0,8}"
TRACES = (
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY|A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}|AIza[A-Za-z0-9_-]{35}|gh[pousr]_[A-Za-z0-9]{36}"
    r"|github_pat_[A-Za-z0-9]{22}|glpat-[A-Za-z0-9_-]{20}|xox[abeoprs]-[A-Za-z0-9-]{10}|hooks\.slack\.com/services/|[rs]k_live_[A-Za-z0-9]{16}|sk-[A-Za-z]{2,10}-"
    r"|sk-[A-Za-z0-9]{48}|hf_[A-Za-z]{34}|api_org_[A-Za-z]{34}|npm_[A-Za-z0-9]{36}|pypi-AgE|SG\.[A-Za-z0-9_-]{22}\.|SK[0-9a-f]{32}|eyJ[A-Za-z0-9_-]{8}|AccountKey="
    r"|SharedAccessKey=",
    r"://[^\s/:@\"'<>`]{0,100}:[^\s/:@\"'<>`]{4,200}@",
    r"(?im)(?:passw|pwd|passphrase|secret|token|key|credential)" + _ASSIGNED + r"(?:[rbuf]?[\"'][^\"'\s]{8}|[a-z0-9+/_=.~!@#%^&*-]{12,200}[ \t]*$)",
    r"(?i)(?:aws|secret[_-]?access)[\w.\- \t\"']{0,30}(?:=>|[:=])[ \t]{0,8}[\"']?[a-z0-9/+]{40}",
)
"""Regexes in Rust's dialect of which at least one is found wherever a rule of `RULES` finds anything; they decide who is searched at all."""
