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
MAX_BEHIND_CHARS = 40


class Rule(NamedTuple):
    """How one kind is found. The last group that matched, where there is one, is the secret; ``is_real`` judges its text."""

    kind: str
    hints: tuple[str, ...]
    """What every match holds one of, in lower case."""
    pattern: re.Pattern[str]
    is_real: Callable[[str], bool]
    before: int
    """How many characters before a hint a match may begin."""
    after: int
    """How many behind the beginning of a hint it may reach, with what the expression looks at beyond."""
    behind: re.Pattern[str] | None = None
    """What must end where a match begins: read from at most `MAX_BEHIND_CHARS` before it."""


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


def _is_login(value: str) -> bool:
    """Say whether what stands where a password belongs is one: nothing that a program fills in, or that a reader is to replace."""
    return not (_TEMPLATE.search(value) or _TO_REPLACE.fullmatch(value))


def _is_secret_word(value: str) -> bool:
    """The same where settings name it a password, less the words that documentation puts there."""
    return _is_login(value) and not re.fullmatch(f"(?i:{_WORDS})", value)


def _is_bare_login(value: str) -> bool:
    """The same where nothing but an address follows: signs or a mixture of letters and digits that names before an @ do not have."""
    is_strange = re.search(r"[!#$%^&*+=~?]", value) or re.search(r"(?=.*[A-Z])(?=.*[a-z])(?=.*\d)|[A-Za-z]\d+[A-Za-z]", value)
    return is_strange is not None and _is_login(value)


def _is_basic(value: str) -> bool:
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(colon) and (name + password).isprintable() and _is_login(password) and not re.fullmatch(_NO_LOGIN, f"{name}:{password}")


def _is_bearer(value: str) -> bool:
    return _is_mixed(value) and entropy_bits(value) >= MIN_VALUE_ENTROPY_BITS and not _SHOW.search(value) and not _TEMPLATE.search(value)


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


def _rule(
    kind: str, hints: str, pattern: str, is_real: Callable[[str], bool] = _is_formatted, before: int = 10, after: int = 400, behind: str | None = None
) -> Rule:
    words = hints.split("|") if "|" in hints else hints.split()
    return Rule(kind, tuple(words), re.compile(pattern), is_real, before, after, re.compile(behind) if behind else None)


_ACCOUNTS = "user|username|usr|login|name|me|admin|administrator|root|guest|test|foo|sa|postgres|mysql|oracle|uid|account"
_WORDS = "pass|password|passwd|pwd|pw|secret|guest|admin|root|test|foo|bar|postgres|mysql|oracle|user|db_?pass|my_?pass(?:word)?|token|xxx+"
_NO_LOGIN = rf"(?i:(?:{_ACCOUNTS}):(?:{_WORDS}))"
"""Logins that documentation is full of, ``user:password`` and ``guest:guest`` among them: an account's usual name with a usual word for one."""
_HOST = r"(?:(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}|(?:\d{1,3}\.){3}\d{1,3}|localhost|\[[0-9a-fA-F:]{2,45}\])"
_LABELS = r"(?i:mailto|e-?mails?|mail|to|cc|bcc|from|reply-to|sender|contact|address|sips?|xmpp|acct|im|msn|aim|skype|jabber|paypal|http|https|ident)"
_BARE_LOGIN = rf":([^\s:/@\"'<>`]{{4,64}})@{_HOST}"
_CALLS = r"(?:curl|wget|https?|httpie|svn|ftp|lftp|smbclient|mosquitto_(?:pub|sub)|git|restic|ldapsearch|docker|helm|az|mongo(?:sh|dump)?)"
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
          _is_key_block, after=MAX_KEY_BLOCK_CHARS + 200),
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
    _rule("pypi_token", "pypi-", rf"{_START}pypi-AgE[A-Za-z0-9_-]{{50,1000}}{_END}", after=1100),
    _rule("sendgrid_key", "sg.", rf"{_START}SG\.[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9_-]{{43}}{_END}"),
    _rule("twilio_key", "sk", rf"{_START}SK[0-9a-f]{{32}}{_END}"),
    _rule("json_web_token", "eyj", rf"{_START}eyJ[A-Za-z0-9_-]{{8,4000}}\.eyJ[A-Za-z0-9_-]{{8,8000}}\.[A-Za-z0-9_-]{{16,2000}}{_END}", _is_web_token, after=15_000),  # noqa: E501
    _rule("azure_key", "accountkey= sharedaccesskey=", r"(?:AccountKey=([A-Za-z0-9+/]{86}==)|SharedAccessKey=([A-Za-z0-9+/]{43}=))"),
    _rule("url_password", "://",
          rf"://(?!{_NO_LOGIN}@)[^\s/@:\"'<>`]{{0,128}}:([^\s/?\"'<>`]{{3,200}})@[A-Za-z0-9\[]", _is_login, before=50),
    _rule("url_password", "://", r"://([^\s/:@\"'<>`]{20,200})@[A-Za-z0-9\[]", _is_bearer),
    _rule("url_password", "jdbc:", r"(?i:jdbc:oracle:\w{2,8}:\w{1,64}/)([^\s/@\"'<>`]{3,100})@", _is_login),
    _rule("url_password", "password= passwd= pwd=", r"://(?i:[^\s\"'<>`]{1,300}[?&;](?:password|passwd|pwd|pass)=)([^\s&;\"'<>`]{3,200})", _is_secret_word, before=320),  # noqa: E501
    _rule("basic_auth", "basic", r"(?i:\bbasic[ \t]{1,4})([A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])", _is_basic, after=500),
    _rule("bearer_token", "bearer", r"(?i:\bbearer[ \t]{1,4})([A-Za-z0-9._~+/-]{20,4000}={0,2})", _is_bearer, after=4100),
    _rule("password", "@", _BARE_LOGIN, _is_bare_login, before=70, behind=rf"(?<![\w/@:.+-])(?!{_LABELS}\Z)[A-Za-z][\w.-]{{0,31}}\Z"),
    _rule("password", "@", _BARE_LOGIN, _is_secret_word, before=70, behind=rf"(?<![\w/@:.+-])(?i:{_ACCOUNTS})\Z"),
    _rule("password", " -u| --user| -a | --auth|\t-u|\t--user|\t-a|\t--auth",
          rf"\b{_CALLS}[ \t][^\n]{{0,300}}?(?<=[ \t])(?:-u|--user|-a|--auth)(?:[ =]|(?=\w))[ ]?[\"']?(?!{_NO_LOGIN}\b)[^\s:/\"'-][^\s:/\"']{{0,63}}:([^\s\"'/]{{3,100}})", _is_login, before=340),  # noqa: E501
    _rule("password", "sshpass mysql mariadb redis-cli",
          r"(?:\bsshpass[ \t]+-p[ \t]?|\b(?:mysql\w*|mariadb\w*)[ \t][^\n|]{0,200}?[ \t](?:-p|--password=)|\bredis-cli[ \t][^\n|]{0,100}?-a[ \t])[\"']?([^\s\"'|-][^\s\"'|]{3,100})", _is_login),  # noqa: E501
    _rule("password", "machine", r"\bmachine\s{1,8}\S{1,100}\s{1,8}login\s{1,8}\S{1,100}\s{1,8}password\s{1,8}(\S{3,200})", _is_secret_word, after=600),  # noqa: E501
    _rule("password", "pwd password",
          r"(?i:(?:\b(?:uid|user ?id|user ?name|user|server|data source|host|database|initial catalog)[ ]?=[^;\n]{1,100};[^\n]{0,200}?\b(?:password|pwd)[ ]?=[ ]?))"  # noqa: E501
          r"([^\s;\"'<>`]{3,200})", _is_secret_word, before=420),
    _rule("password", "password= passwd= _pass=", r"(?:(?<![a-z])[A-Z0-9_]{0,40}PASS(?:WORD|WD)?|--?pass(?:word|wd)?)=([^\s\"'<>`]{5,200})", _is_password, before=50),  # noqa: E501
    _rule("password", "--password", r"(?<![\w-])--password[ ][\"']?([^\s\"'<>`-][^\s\"'<>`]{4,200})", _is_password),
    _rule("password", "passw pwd passphrase", rf"\b{_PASSWORD_NAME}[\"']?(?:[ \t]?:[ \t]{{1,8}}|[ ]is:?[ ])([^\s\"'<>`(]{{6,100}}?)[.,;]?[ \t]{{0,8}}(?:$|\n)", _is_password),  # noqa: E501
    _rule("password", "passw passphrase pwd", _PASSWORD_NAME + _ASSIGN + _QUOTED, _is_password),
    _rule("password", "passw passphrase pwd", _PASSWORD_NAME + _ASSIGN + _BARE, _is_assigned),
    _rule("secret", "secret token key credential", _SECRET_NAME + _ASSIGN + _QUOTED, _is_assigned),
    _rule("secret", "secret token key credential", _SECRET_NAME + _ASSIGN + _BARE, _is_assigned),
)  # fmt: skip
"""In order of precedence: where two find the same characters, the first has them."""
KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))

_ASSIGNED = r"[\w.-]{0,20}[\"']?[ \t]{0,8}(?:=>|:=|=|:)[ \t]{0,8}"
TRACES = (
    r"-----BEGIN |AKIA|ASIA[A-Z2-7]|ABIA|ACCA|AIza|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|hooks\.slack\.com/|k_live_|hf_|api_org_|npm_|pypi-AgE|eyJ"  # noqa: E501
    r"|AccountKey=|SharedAccessKey=",
    r"sk-[A-Za-z0-9_-]{40}|SG\.[A-Za-z0-9_-]{22}\.|SK[0-9a-f]{32}",
    r"://[^\s/\"'<>`]*:[^\s/\"'<>`]+@|://[^\s/:@\"'<>`]{20,}@",
    r":[^\s:/@\"'<>`]*[0-9!#$%^&*+=~?][^\s:/@\"'<>`]*@[A-Za-z0-9\[]",
    r"(?:[Uu]ser|usr|name|login|me|admin|administrator|[Rr]oot|guest|test|foo|sa|postgres|mysql|oracle|uid|account):[^\s:/@\"'<>`]+@",
    r"(?im)(?:secret|token|key|credential)" + _ASSIGNED + r"(?:[rbuf]?[\"'][^\"'\s]{8}|[a-z0-9+/_=.~!@#%^&*-]{12,200}[ \t]*$)",
    r"(?i)(?:aws|secret[_-]?access)[\w.\- \t\"']{0,30}(?:=>|[:=])[ \t]{0,8}[\"']?[a-z0-9/+]{40}",
    r"[Pp]assw|PASSW|[Pp]wd|PWD|[Pp]assphrase|PASSPHRASE|sshpass|redis-cli|mysql[a-z]* -|[ \t](?:-u|-a|--user|--auth)[ =]|[ \t]-u[a-z]+:|_PASS=|jdbc:oracle",  # noqa: E501
    r"(?:[Bb]asic|[Bb]earer|BASIC|BEARER)[ \t]+[A-Za-z._~+/-]*[0-9=]",
)
"""Regexes in Rust's dialect of which at least one is found wherever a rule of `RULES` finds anything; they decide who is searched at all."""
