"""What a rule of secrets is, and the formats of keys that their issuers document: a fixed prefix with a fixed alphabet and length.

A JSON web token must have a header that decodes, a private key must hold key material, also where a block was cut off at either end.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kernels.curation.secrets.values import is_formatted, is_key_material, is_web_token

MAX_KEY_BLOCK_CHARS = 20_000
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


def rule(
    kind: str, hints: str, pattern: str, is_real: Callable[[str], bool] = is_formatted, before: int = 10, after: int = 400, behind: str | None = None
) -> Rule:
    """Return a rule; its hints are parted by blanks, or by bars where blanks belong to them."""
    words = hints.split("|") if "|" in hints else hints.split()
    return Rule(kind, tuple(words), re.compile(pattern), is_real, before, after, re.compile(behind) if behind else None)


_END = r"(?![A-Za-z0-9_-])"
_START = r"(?<![A-Za-z0-9_-])"
_KEY_LINE = r"[ \t>]{0,8}[A-Za-z0-9+/]{40,76}={0,2}[ \t]?\r?\n"
FORMATS: Sequence[Rule] = (
    rule("private_key", "-----begin",
         rf"-----BEGIN [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----)){{1,{MAX_KEY_BLOCK_CHARS}}}(?:-----END [A-Z0-9 ]{{1,50}}-----)?",
         is_key_material, after=MAX_KEY_BLOCK_CHARS + 200),
    rule("private_key", "---- begin ssh2 |---- begin ssh2\t",
         rf"---- BEGIN SSH2 [A-Z ]{{0,20}}PRIVATE KEY ----(?:[^-]|-(?!---)){{1,{MAX_KEY_BLOCK_CHARS}}}(?:---- END [A-Z0-9 ]{{1,50}}----)?",
         is_key_material, after=MAX_KEY_BLOCK_CHARS + 200),
    rule("private_key", "private-lines:", r"Private-Lines: \d{1,4}\s{1,2}((?:[A-Za-z0-9+/=]{4,80}\s{1,2}){1,200})", is_key_material, after=MAX_KEY_BLOCK_CHARS),  # noqa: E501
    rule("private_key", "-----end", rf"(?:{_KEY_LINE}){{1,100}}+(?:[ \t>]{{0,8}}[A-Za-z0-9+/]{{1,76}}={{0,2}}\s{{1,2}})?[ \t>]{{0,8}}-----END [A-Z0-9 ]{{0,30}}PRIVATE KEY",  # noqa: E501
         is_key_material, before=8000),
    rule("aws_access_key_id", "akia asia abia acca", rf"{_START}(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{{16}}{_END}"),
    rule("google_api_key", "aiza", rf"{_START}AIza[A-Za-z0-9_-]{{35}}{_END}"),
    rule("github_token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
         rf"{_START}(?:gh[pousr]_[A-Za-z0-9]{{36,255}}|github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}){_END}"),
    rule("gitlab_token", "glpat- glptt-", rf"{_START}gl(?:pat|ptt)-[A-Za-z0-9_-]{{20,64}}(?:\.[a-z0-9]{{2}}\.[a-z0-9]{{9}})?{_END}"),
    rule("slack_token", "xox xapp-", rf"{_START}(?:xox[abeoprs]-(?=[A-Za-z-]{{0,60}}\d)[A-Za-z0-9-]{{10,250}}|xapp-\d-[A-Z0-9]{{8,14}}-\d{{8,16}}-[a-f0-9]{{40,80}}){_END}"),  # noqa: E501
    rule("slack_webhook", "hooks.slack.com", r"https://hooks\.slack\.com/services/(T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,30})"),
    rule("stripe_key", "k_live_", rf"{_START}[rs]k_live_[A-Za-z0-9]{{16,250}}{_END}"),
    rule("anthropic_key", "sk-ant-", rf"{_START}sk-ant-[a-z]{{2,10}}\d\d-[A-Za-z0-9_-]{{80,120}}{_END}"),
    rule("openai_key", "sk-", rf"{_START}sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{{40,200}}|[A-Za-z0-9]{{48}}){_END}"),
    rule("hugging_face_token", "hf_ api_org_", rf"{_START}(?:hf_[A-Za-z]{{34}}|api_org_[A-Za-z]{{34}}){_END}"),
    rule("npm_token", "npm_", rf"{_START}npm_[A-Za-z0-9]{{36}}{_END}"),
    rule("pypi_token", "pypi-", rf"{_START}pypi-AgE[A-Za-z0-9_-]{{50,1000}}{_END}", after=1100),
    rule("sendgrid_key", "sg.", rf"{_START}SG\.[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9_-]{{43}}{_END}"),
    rule("twilio_key", "sk", rf"{_START}SK[0-9a-f]{{32}}{_END}"),
    rule("json_web_token", "eyj", rf"{_START}eyJ[A-Za-z0-9_-]{{8,4000}}\.eyJ[A-Za-z0-9_-]{{8,8000}}\.[A-Za-z0-9_-]{{16,2000}}{_END}", is_web_token, after=15_000),  # noqa: E501
    rule("azure_key", "accountkey= sharedaccesskey= sig=",
         r"(?:AccountKey=([A-Za-z0-9+/]{86}==)|SharedAccessKey=([A-Za-z0-9+/]{43}=)|[?&]sig=([A-Za-z0-9%+/]{43,90}(?:%3[Dd]|=)))"),
    rule("service_key", "shpat_ shpss_ shpca_ shppa_ dop_v1_ doo_v1_ dor_v1_ dapi rubygems_ flwseck- pmak-",
         rf"{_START}(?:shp(?:at|ss|ca|pa)_[a-f0-9]{{32}}|do[opr]_v1_[a-f0-9]{{64}}|dapi[a-f0-9]{{32}}|rubygems_[a-f0-9]{{48}}|FLWSECK-[a-f0-9]{{32}}-X"
         rf"|PMAK-[a-f0-9]{{24}}-[a-f0-9]{{34}}){_END}"),
    rule("service_key", "sq0csp- sq0atp- nrak- lin_api_ atatt3 hvs. hvb. whsec_ gocspx- age-secret-key-1",
         rf"{_START}(?:sq0(?:csp-[A-Za-z0-9_-]{{43}}|atp-[A-Za-z0-9_-]{{22}})|NRAK-[A-Z0-9]{{27}}|lin_api_[A-Za-z0-9]{{40}}|ATATT3[A-Za-z0-9_=-]{{40,300}}"
         rf"|hv[sb]\.[A-Za-z0-9_-]{{24,300}}|whsec_[A-Za-z0-9+/]{{32,64}}|GOCSPX-[A-Za-z0-9_-]{{28}}|AGE-SECRET-KEY-1[0-9A-Z]{{58}}){_END}"),
    rule("service_key", "ya29. eaacedeose0cba", rf"{_START}(?:ya29\.[A-Za-z0-9_-]{{40,400}}|EAACEdEose0cBA[A-Za-z0-9]{{20,300}}){_END}", after=500),
    rule("service_key", ":aa", rf"(?<!\d)\d{{8,10}}:AA[A-Za-z0-9_-]{{33}}{_END}", before=20),
    rule("service_key", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d{17,20}/([A-Za-z0-9_-]{60,80})", before=20),
)  # fmt: skip
"""In order of precedence."""
