"""Passwords and tokens that are handed over: in URLs of any scheme, headers, commands, and files of logins."""

from collections.abc import Sequence

from kernels.curation.secrets.formats import Rule, rule
from kernels.curation.secrets.values import ACCOUNTS, NO_LOGIN, is_bare_login, is_basic, is_bearer, is_login, is_password, is_secret_word

_HOST = r"(?:(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}|(?:\d{1,3}\.){3}\d{1,3}|localhost|\[[0-9a-fA-F:]{2,45}\])"
_LABELS = r"(?i:mailto|e-?mails?|mail|to|cc|bcc|from|reply-to|sender|contact|address|sips?|xmpp|acct|im|msn|aim|skype|jabber|paypal|http|https|ident|tel|sms|fax|geo|urn)"  # noqa: E501
_BARE_LOGIN = rf":([^\s:/@\"'<>`]{{4,64}})@{_HOST}"
_CALLS = r"(?:curl|wget|https?|httpie|svn|ftp|lftp|smbclient|mosquitto_(?:pub|sub)|git|restic|ldapsearch|docker|helm|az|mongo(?:sh|dump)?)"
LOGINS: Sequence[Rule] = (
    rule("url_password", "://",
         rf"://(?!{NO_LOGIN}@)[^\s/@:\"'<>`]{{0,128}}:([^\s/?\"'<>`]{{3,200}})@[A-Za-z0-9\[]", is_login, before=50),
    rule("url_password", "://", r"://([^\s/:@\"'<>`]{20,200})@[A-Za-z0-9\[]", is_bearer),
    rule("url_password", "jdbc:", r"(?i:jdbc:oracle:\w{2,8}:\w{1,64}/)([^\s/@\"'<>`]{3,100})@", is_login),
    rule("url_password", "password= passwd= pwd=", r"://(?i:[^\s\"'<>`]{1,300}[?&;](?:password|passwd|pwd|pass)=)([^\s&;\"'<>`]{3,200})", is_secret_word, before=320),  # noqa: E501
    rule("basic_auth", "basic", r"(?i:\bbasic[ \t]{1,4})([A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])", is_basic, after=500),
    rule("bearer_token", "bearer", r"(?i:\bbearer[ \t]{1,4})([A-Za-z0-9._~+/-]{20,4000}={0,2})", is_bearer, after=4100),
    rule("bearer_token", "authorization",
         r"(?i:\bauthorization[\"']?[ \t]?[:=][ \t]?[\"']?(?:token|apikey|api-key|key)[ \t])([A-Za-z0-9._~+/-]{20,4000}={0,2})", is_bearer, after=4100),  # noqa: E501
    rule("password", "@", _BARE_LOGIN, is_bare_login, before=70, behind=rf"(?<![\w/@:.+-])(?!{_LABELS}\Z)[A-Za-z][\w.-]{{0,31}}\Z"),
    rule("password", "@", _BARE_LOGIN, is_secret_word, before=70, behind=rf"(?<![\w/@:.+-])(?i:{ACCOUNTS})\Z"),
    rule("password", "@", _BARE_LOGIN + r":\d{2,5}(?!\d)", is_password, before=70, behind=r"(?<![\w/@:.+-])[A-Za-z][\w.-]{0,31}\Z"),
    rule("password", ":5432: :*:", r"(?:^|\n)[\w.*-]{1,100}:(?:5432|\*):[\w*-]{1,64}:[\w*-]{1,64}:([^\s:]{4,100})", is_login, before=110),
    rule("password", " -u| --user| -a | --auth|\t-u|\t--user|\t-a|\t--auth",
         rf"\b{_CALLS}[ \t][^\n]{{0,300}}?(?<=[ \t])(?:-u|--user|-a|--auth)(?:[ =]|(?=\w))[ ]?[\"']?(?!{NO_LOGIN}\b)[^\s:/\"'-][^\s:/\"']{{0,63}}:([^\s\"'/]{{3,100}})", is_login, before=340),  # noqa: E501
    rule("password", "sshpass mysql mariadb redis-cli",
         r"(?:\bsshpass[ \t]+-p[ \t]?|\b(?:mysql\w*|mariadb\w*)[ \t][^\n|]{0,200}?[ \t](?:-p|--password=)|\bredis-cli[ \t][^\n|]{0,100}?-a[ \t])[\"']?([^\s\"'|-][^\s\"'|]{3,100})", is_login),  # noqa: E501
    rule("password", " login ",
         r"\b(?:docker|podman|helm|az|oc|buildah|skopeo)[ \t][^\n]{0,40}?\blogin[ \t][^\n]{0,120}?(?<=[ \t])(?:-p|--password)[ =]?[\"']?([^\s\"'-][^\s\"']{3,100})",  # noqa: E501
         is_login, before=120),
    rule("password", "pass:", r"\bopenssl[ \t][^\n]{0,300}?-pass(?:in|out)?[ ]pass:([^\s\"']{4,100})", is_login, before=340),
    rule("password", "machine default", r"\b(?:machine\s{1,8}\S{1,100}|default)\s{1,8}login\s{1,8}\S{1,100}\s{1,8}password\s{1,8}(\S{3,200})", is_secret_word, after=600),  # noqa: E501
)  # fmt: skip
"""In order of precedence."""
