"""All rules of secrets: known formats of keys, logins as they are handed over, and names that speak of secrets with a value assigned to them.

Placeholders, references to variables and UUIDs are never secrets; a hash of git is none where nothing calls it one.
"""

from collections.abc import Sequence

from kernels.curation.secrets.assignments import ASSIGNMENTS
from kernels.curation.secrets.formats import FORMATS, Rule
from kernels.curation.secrets.logins import LOGINS

RULES: Sequence[Rule] = (*FORMATS, *LOGINS, *ASSIGNMENTS)
"""In order of precedence: where two find the same characters, the first has them."""
KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))
