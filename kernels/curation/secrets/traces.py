"""What texts with secrets have somewhere: it decides which texts are searched rule by rule.

A trace is a regex in Rust's dialect, and a cheaper one that finds something wherever it does, searched for once where traces share it. What they
ask for is spread over as many of these as search fastest: some beginnings of words at once cost as much as one, dozens ten times as much.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import polars as pl


class Trace(NamedTuple):
    """What one kind of text holds: something that all of them have and few others, and a sharper look at it."""

    first: str
    pattern: str = ""
    """Empty where nothing more is asked."""


_NOT_ASCII = "[^\\x00-\\x7f]"
_RARE = "[_=@]"
_JOINED = r"://|----|:AA|:\*:|:5432:"
_NAMES = r"[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Kk]ey|KEY|[Cc]redential|CREDENTIAL"
_NAMED = rf"(?:{_NAMES}|aws|AWS|Aws)[\w.-]{{0,20}}[\"']?\]?[ \t]{{0,8}}[=:：]"
_TO = r"[\w.-]{0,20}[\"']?\]?[ \t]{0,8}(?:=>|:=|=|:|：)[ \t]{0,8}"
TRACES = (
    Trace(_RARE, r"gh[pousr]_|github_pat_|_live_|hf_|api_org_|npm_|shp(?:at|ss|ca|pa)_|do[opr]_v1_|rubygems_|lin_api_|whsec_|_PASS="),
    Trace(_RARE, r"AccountKey=|SharedAccessKey=|[?&]sig=|(?:pass|Pass|PASS)(?:[0-9_.-][\w.-]{0,19})?[\"']?\]?[ \t]{0,8}="),
    Trace(_RARE, r":[^\s:/@\"'<>`]*[0-9!#$%^&*+=~?][^\s:/@\"'<>`]*@[A-Za-z0-9\[]"),
    Trace(_RARE, r"(?:[Uu]ser|usr|name|login|me|admin|administrator|[Rr]oot|guest|test|foo|sa|postgres|mysql|oracle|uid|account):[^\s:/@\"'<>`]+@"),
    Trace(_JOINED, r"-----BEGIN |-----END |---- BEGIN SSH2|:AA[A-Za-z0-9_-]{33}|:\*:|:5432:"),
    Trace(_JOINED, r"://[^\s/\"'<>`]*:[^\s/\"'<>`]+@|://[^\s/:@\"'<>`]{20,}@|/hooks\.slack\.com/|/api/webhooks/"),
    Trace(_NAMED, rf"(?im)(?:{_NAMES}){_TO}(?:[rbuf]?[\"'][^\"'\s]{{8}}|[a-z0-9+/_=.~!@#%^&*-]{{12,200}}[ \t]*$|[a-z0-9/+]{{40}})"),
    Trace(_NAMED, r"(?i)aws[\w.\- \t\"']{0,30}(?:=>|[:=])[ \t]{0,8}[\"']?[a-z0-9/+]{40}"),
    Trace(r"glpat-|glptt-|xox[abeoprs]-|xapp-|pypi-AgE|FLWSECK-|PMAK-|NRAK-|GOCSPX-|AGE-SECRET|sq0csp-|sq0atp-|ATATT3|EAACEdE"
          r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}|AIza|eyJ[A-Za-z0-9_-]{8}|Private-Lines:"),
    Trace(r"sk-[A-Za-z0-9_-]{40}|SG\.[A-Za-z0-9_-]{22}\.|SK[0-9a-f]{32}|dapi[0-9a-f]{32}|hv[sb]\.[A-Za-z0-9_-]{24}|ya29\.[A-Za-z0-9_-]{40}"),
    Trace(r"[Pp]assw|PASSW|[Pp]wd|PWD|[Pp]assphrase|PASSPHRASE|sshpass|redis-cli|(?:[Pp]ass|PASS)[\"']?[ ]?[:：][^\n0-9]{0,40}[0-9]",
          r"(?i)(?:passw(?:or)?[dt]|passphrase|pwd)(?:[\w.-]{0,20}[\"']?\]?[ \t]{0,8}[=:：>]|[\"'][ \t,]|[ \t]+'|[ \t]+(?:is:? )?[\"“]?[^\s0-9]{0,100}[0-9])"  # noqa: E501
          r"|login\s+\S+\s+password|sshpass|redis-cli|mysql|mariadb|pass[\"']?[ ]?[:：]"),
    Trace(r"[ \t](?:-u|-a|--user(?:name)?|--auth)[ =]|[ \t]-u[a-z]+:",
          r"\b(?:curl|wget|http|svn|l?ftp|smbclient|mosquitto|git|restic|ldapsearch|docker|podman|helm|az|oc|buildah|skopeo|mongo)\w*(?:[ \t][^\n]*)?[ \t]-"),  # noqa: E501
    Trace(r"(?:[Bb]asic|[Bb]earer|BASIC|BEARER)[ \t]+[A-Za-z._~+/-]*[0-9=]|mysql[a-z]* -|mariadb[a-z]* -|jdbc:oracle|-pass(?:in|out)? pass:|requirepass"  # noqa: E501
          r"|dentified by '|DENTIFIED BY '"),
    Trace(r"uthorization[\"']?[ \t]?[:=]", r"(?i)authorization[\"']?[ \t]?[:=][ \t]?[\"']?(?:token|apikey|api-key|key)[ \t]"),
    Trace(r"ennwort|achtwoord|alasana|ontrasena|enha ?[:=]|aslo ?[:=]|ot de passe"),
    Trace(_NOT_ASCII, r"[Cc]ontraseña|[Hh]asło|[Ll]ösenord|[Şş]ifre|[Пп]ароль|ПАРОЛЬ|密码|密碼|口令|パスワード|暗証番号|비밀번호|[Mm]ật khẩu"),
)  # fmt: skip
"""At least one of them is found wherever a rule finds anything, where names are written in small letters, with one capital, or in capitals."""


def may_hold_secrets(texts: "pl.Series") -> "pl.Series":
    """Return the numbers of the texts, ascending, that have a trace."""
    import polars as pl

    found = np.zeros(len(texts), bool)
    rows_of: dict[str, pl.Series] = {_NOT_ASCII: (texts.str.len_bytes() != texts.str.len_chars()).arg_true()}
    for trace in TRACES:
        if trace.first not in rows_of:
            rows_of[trace.first] = texts.str.contains(trace.first).arg_true()
        rows = rows_of[trace.first]
        found[(rows.filter(texts.gather(rows).str.contains(trace.pattern)) if trace.pattern else rows).to_numpy()] = True
    return pl.Series(np.flatnonzero(found).astype(np.uint32))
