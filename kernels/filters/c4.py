"""C4 rules: lines without end punctuation and boilerplate lines go; pages of code, filler or few sentences are dropped.

The rules are those of Raffel et al. 2020 (arXiv 1910.10683) and of their released code; lines are treated as by datatrove 0.10.1's
``C4QualityFilter``. Sentences are counted by a simple splitter of our own, at ``.``, ``!`` or ``?`` before white space unless behind
a title or an initial, where datatrove asks spaCy: counts can differ by a few.
"""

import re
from typing import Any

from pydantic import Field

from kernels.filters.batch import TextBatch
from kernels.specs import Config, Filter, Outcome

_CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_LINE_END = (".", "?", "!", '"', "'")
_POLICY = re.compile("terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies")
_SENTENCE_END = re.compile(r"(?:[!?]|(?<![.])\.)[\"')\]\u201d\u2019]*(?=\s)")
_ABBREVIATION_END = re.compile(r"(?:\b(?:\w|\w\.\w|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|Gen|Gov|vs|etc|No))\.\s")


class C4Config(Config):
    """Thresholds of the paper and of its released code; None disables a rule."""

    remove_citations: bool = True
    """Take marks such as [1] and [edit] out of lines."""
    require_end_punctuation: bool = True
    """Remove lines that do not end in a full stop, question or exclamation mark, or quote."""
    min_sentences: int | None = Field(5, gt=0)
    """Fewest sentences of a kept text, counted after lines are removed."""
    min_words_per_line: int | None = Field(3, gt=0)
    """Fewest words, split at white space, of a kept line."""
    max_word_chars: int | None = Field(1000, gt=0)
    """Most characters of a word in a kept line."""
    drop_lorem_ipsum: bool = True
    """Drop texts that hold "lorem ipsum"."""
    remove_javascript: bool = True
    """Remove lines that mention JavaScript."""
    drop_curly_bracket: bool = True
    """Drop texts that hold an opening curly bracket."""
    remove_policy: bool = True
    """Remove lines that mention cookies, a privacy policy or terms of use."""


def count_sentences(text: str) -> int:
    """Return the number of sentences of a text that is not empty."""
    return max(1, 1 + len(_SENTENCE_END.findall(text)) - len(_ABBREVIATION_END.findall(text)))


def _keep_line(line: str, words: list[str], config: C4Config) -> bool:
    """Decide by the rules that come before those on the whole text."""
    if config.require_end_punctuation and (not line.endswith(_LINE_END) or line.endswith("...")):
        return False
    return config.min_words_per_line is None or len(words) >= config.min_words_per_line


def _is_notice(lower: str, config: C4Config) -> bool:
    return config.remove_policy and _POLICY.search(lower) is not None


def clean(text: str, config: C4Config) -> tuple[str, str | None, float | None]:
    """Return the text of kept lines, and the reason and value for which the text is dropped."""
    kept: list[str] = []
    num_sentences = 0
    for line in map(str.strip, text.splitlines()):
        words = line.split()
        limit = config.max_word_chars
        if limit is not None and len(line) > limit and any(len(word) > limit for word in words):
            continue
        if config.remove_citations and "[" in line:
            line = _CITATION.sub("", line)
        if not _keep_line(line, words, config):
            continue
        lower = line.lower()
        if config.drop_lorem_ipsum and "lorem ipsum" in lower:
            return text, "c4_lorem_ipsum", None
        if config.remove_javascript and "javascript" in lower:
            continue
        if config.drop_curly_bracket and "{" in line:
            return text, "c4_curly_bracket", None
        if _is_notice(lower, config):
            continue
        num_sentences += count_sentences(line) if config.min_sentences is not None else 0
        kept.append(line)
    if config.min_sentences is not None and num_sentences < config.min_sentences:
        return text, "c4_too_few_sentences", float(num_sentences)
    return "\n".join(kept).strip(), None, None


def apply(batch: TextBatch, config: C4Config) -> Outcome:
    """Remove lines and drop texts; a dropped text stays as it came."""
    import polars as pl

    rows: list[Any] = [clean(text, config) for text in batch.text]
    text = pl.Series("text", [row[0] for row in rows], dtype=pl.String)
    reason = pl.Series("reason", [row[1] for row in rows], dtype=pl.String)
    return Outcome(text, reason, pl.Series("value", [row[2] for row in rows], dtype=pl.Float64))


SPEC = Filter(name="c4", version=1, config=C4Config, apply=apply)
