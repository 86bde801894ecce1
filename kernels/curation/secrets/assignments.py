"""Names that speak of passwords and secrets, with a value assigned to them: in code, settings, YAML, JSON, XML, SQL and prose."""

from collections.abc import Sequence

from kernels.curation.secrets.formats import Rule, rule
from kernels.curation.secrets.values import is_access_key, is_assigned, is_password, is_secret_word

_PASSWORD = r"(?i:passw(?:or)?d|passwd|passphrase|pwd)"
_PASS = r"(?:(?<![A-Za-z])(?i:pass)(?![A-Za-z])|" + _PASSWORD + ")"
_COLONS = "passw|passphrase|pwd|pass:|pass：|pass :|pass ：|pass\"|pass'"
_NAMES = "passw|passphrase|pwd|pass:|pass=|pass：|pass |pass\"|pass'|pass_|pass-|pass."
_ABROAD = (
    "passwort|kennwort|contraseña|contrasena|senha|wachtwoord|hasło|haslo|пароль|密码|密碼|口令|パスワード|暗証番号|비밀번호|lösenord|şifre|salasana"
    "|mot de passe|mật khẩu"
)
_SECRET = (
    r"(?i:secret|token|(?:api|access|auth|account|private|client|signing|encryption|subscription|master)[_-]?key|credential)"
    r"(?![\w.-]{0,20}(?i:hash|sha\d|sum|digest|md5|fingerprint))"
)
"""Names of secrets, less those of what is computed from them."""
_TO = r"[\w.-]{0,20}+[\"']?+\]?+[ \t]{0,8}+(?:=>|:=|=(?!=)|[:：](?!:))[ \t]{0,8}+"
_QUOTED = r"[rbuf]?[\"']([^\"'\s]{%d,200})[\"']"
_BARE = r"([A-Za-z0-9+/_=.~!@#%^&*-]{12,200})[ \t]{0,8}(?:$|\n)"
_STOP = r"[.,;]?[ \t]{0,8}(?:$|\n|(?<=[,;])[ ])"
_SETTINGS = r"(?:\b(?:uid|user ?id|user ?name|user|server|data source|host|database|initial catalog)[ ]?=[^;\n]{1,100};[^\n]{0,200}?\b(?:password|pwd)[ ]?=[ ]?)"  # noqa: E501
ASSIGNMENTS: Sequence[Rule] = (
    rule("aws_secret_key", "aws secret_access secret-access secretaccess",
         r"(?i:aws|secret[_-]?access)[\w.\- \t\"']{0,30}?(?:=>|[:=])[ \t]{0,8}[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", is_access_key),
    rule("password", "pwd password", rf"(?i:{_SETTINGS})([^\s;\"'<>`]{{3,200}})", is_secret_word, before=420),
    rule("password", "password= passwd= _pass=", r"(?:(?<![a-z])[A-Z0-9_]{0,40}PASS(?:WORD|WD)?|--?pass(?:word|wd)?)=([^\s\"'<>`]{5,200})", is_password, before=50),  # noqa: E501
    rule("password", "--password", r"(?<![\w-])--password[ ][\"']?([^\s\"'<>`-][^\s\"'<>`]{4,200})", is_password),
    rule("password", "pass= pass_ pass- pass. passw passphrase pwd", _PASS + r"[\w.-]{0,20}+=([^\s\"'<>`;,&()\[\]{}]{6,100})(?=[\s;&\"'<]|$)", is_password),  # noqa: E501
    rule("password", _COLONS, rf"(?:{_PASS}[\"']?[ \t]?[:：][ \t]{{0,8}}|{_PASSWORD}[ ]is:?[ ])" r"[\"“]?([^\s\"”'<>`(:][^\s\"”'<>`(]{5,100}?)[\"”]?" + _STOP, is_password),  # noqa: E501
    rule("password", _NAMES, _PASS + _TO + _QUOTED % 6, is_password),
    rule("password", "passw passphrase pwd", _PASSWORD + _TO + _BARE, is_assigned),
    rule("password", "passw pwd", _PASSWORD + r"[\"'][ ]?,[ ]?[\"']([^\"'\s]{6,200})[\"']", is_password),
    rule("password", "passw pwd", rf"<[\w:.-]{{0,40}}{_PASSWORD}[\w.-]{{0,40}}>([^<>\s]{{6,100}})</", is_password, before=50),
    rule("password", "passw pwd", _PASSWORD + r"[\"'][ \t]{1,4}(?i:value)=[\"']([^\"'\s]{6,100})[\"']", is_password),
    rule("password", "identified|password", r"(?i:\bidentified[ ](?:with[ ]\S{1,40}[ ])?by|\bpassword)[ ]{1,4}'([^'\s]{6,100})'", is_password, before=70),  # noqa: E501
    rule("password", "env |arg |requirepass ", r"\b(?:ENV|ARG)[ ]\w{0,40}PASS(?:WORD|WD)?[ ]([^\s\"'=]{6,100})|\brequirepass[ ]([^\s\"']{6,100})", is_password, before=60),  # noqa: E501
    rule("password", _ABROAD,
         rf"(?i:{_ABROAD})[ ]?(?:[:：=]|是|は|ist|es|is|est)[ ]{{0,4}}[\"'“]?([!#-&(-;=?-~]{{5,99}}[!#-&(-+/-9=?-~])",
         is_password),
    rule("secret", "secret token key credential", _SECRET + _TO + _QUOTED % 8, is_assigned, before=20),
    rule("secret", "secret token key credential", _SECRET + _TO + _BARE, is_assigned, before=20),
)  # fmt: skip
"""In order of precedence."""
