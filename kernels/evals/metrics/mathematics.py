r"""Answers of MATH (Hendrycks et al. 2021, arXiv 2103.03874) and GSM8K (Cobbe et al. 2021, arXiv 2110.14168): where they stand, whether two agree.

Nothing of a text is run or handed to an algebra system: what are compared are spellings, exact numbers, and lists of these. So ``2x+1`` and ``1+2x``
differ, and so do ``\sqrt{4}`` and ``2``: of right answers in an unusual form some are missed.
"""

import re

from kernels.evals.metrics.latex import normalise
from kernels.evals.metrics.latex_values import are_equal, read_value

_MAX_CHARS = 1_000
"""Of an answer; a longer one is compared as it is."""
_BOXED = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_AMOUNT = re.compile(r"(?:(?<![\w.)])-)?\$?(?:(?<=\$)-)?((?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)")
_GSM8K = re.compile(r"####\s*(-?)\$?(-?[0-9][0-9,]*(?:\.[0-9]+)?|-?\.[0-9]+)")


def last_boxed(text: str) -> str | None:
    r"""Return what stands in the last ``\boxed`` or ``\fbox``, without its braces; None where there is none or its braces are not closed.

    Without braces it is what follows up to the end of the formula or line. The time is linear.
    """
    command = max(_BOXED.finditer(text), key=lambda found: found.start(), default=None)
    if command is None:
        return None
    start = len(text) - len(text[command.end() :].lstrip())
    if not text.startswith("{", start):
        return re.split(r"[$\n]", text[start:], maxsplit=1)[0].strip() or None
    depth = 0
    for brace in _BRACES.finditer(text, start):
        depth += (brace[0] == "{") - (brace[0] == "}")
        if depth == 0:
            return text[start + 1 : brace.start()].strip()
    return None


def equivalent(first: str, second: str) -> bool:
    r"""Return whether two answers in LaTeX say the same.

    Spellings go by `kernels.evals.metrics.latex.normalise`; ``x=`` before a value is dropped. Numbers are compared exactly (integers, decimals,
    fractions, mixed numbers, powers of ten); a percentage equals both its number and its hundredth, unless both are percentages. Sets, unions and
    bare lists are equal in any order, tuples, intervals and matrices in theirs.

    The time is at most quadratic in the length of an answer, and that is bounded.
    """
    if max(len(first), len(second)) > _MAX_CHARS:
        return first.strip() == second.strip()
    return are_equal(read_value(normalise(first)), read_value(normalise(second)))


def final_number(text: str) -> str | None:
    """Return the last number of a text without dollar sign, commas and needless zeros, so that equal numbers are equal texts; None without any.

    A fraction is not read: of ``1/2`` the last number is 2.
    """
    number = max(_AMOUNT.finditer(text), key=lambda found: found.start(), default=None)
    return None if number is None else _plain("-" in number[0], number[1])


def gsm8k_answer(text: str) -> str | None:
    """Return the number behind the last ``####``, where GSM8K's solutions have it, spelt as `final_number` does; None where there is none."""
    found = _GSM8K.findall(text)
    return _plain("-" in "".join(found[-1]), found[-1][1].removeprefix("-")) if found else None


def _plain(is_negative: bool, digits: str) -> str:
    """Return a number without commas, leading zeros, and zeros that end a fraction."""
    whole, _, rest = digits.replace(",", "").partition(".")
    rest = rest.rstrip("0")
    size = (whole.lstrip("0") or "0") + (f".{rest}" if rest else "")
    return f"-{size}" if is_negative and size != "0" else size
