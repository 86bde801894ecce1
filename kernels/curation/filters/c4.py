"""C4 rules: lines without end punctuation and boilerplate lines go; pages of code, filler or few sentences are dropped.

The rules are those of Raffel et al. 2020 (arXiv 1910.10683) and of their released code; decisions and texts are those of datatrove
0.10.1's ``C4QualityFilter``, which reads lines and sentences in its own way. The loops are in `kernels.curation.text.c4_lines`.
"""

import numpy as np
from pydantic import Field

from kernels.curation.filtering.batch import TextBatch, verdicts
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome


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


def apply(batch: TextBatch, config: C4Config) -> Outcome:
    """Remove lines and drop texts; a dropped text stays as it came. The value of too few sentences is their number.

    Lines are removed turn by turn of a conversation, only of what people and the assistant say; it is dropped as a whole.
    """
    from kernels.curation.text.c4_lines import CURLY_BRACKET, LOREM_IPSUM, clean_texts, count_sentences, make_rules
    from kernels.curation.text.string_buffers import strings
    from kernels.curation.text.words import split_texts

    rules = make_rules(**{name: value or 0 for name, value in config.model_dump(exclude={"min_sentences", "kind"}).items()})
    words, pieces = batch.piece_words, batch.pieces
    out, out_bounds = np.empty(len(words.data) + len(words.bounds), np.uint8), np.empty(len(words.bounds), np.int64)
    fates, num_sentences = np.zeros(len(pieces.text), np.int64), np.zeros(len(pieces.text), np.int64)
    clean_texts(words, rules, out, out_bounds, fates, num_sentences)
    text = pieces.cut(strings(out[: out_bounds[-1]], out_bounds))
    values = np.full(len(batch.text), np.nan)
    fate_of_text = np.zeros(len(batch.text), np.int64)
    np.maximum.at(fate_of_text, pieces.rows, fates)
    reasons: list[str | None] = [{LOREM_IPSUM: "c4_lorem_ipsum", CURLY_BRACKET: "c4_curly_bracket"}.get(fate) for fate in fate_of_text.tolist()]
    if config.min_sentences is not None:
        changed = np.flatnonzero((num_sentences < 0) | ~pieces.may_be_cut)
        if len(changed):
            num_sentences[changed] = count_sentences(split_texts(text.gather(changed)))
        in_text = pieces.sums(num_sentences, len(batch.text))
        for row in np.flatnonzero((in_text < config.min_sentences) & (fate_of_text == 0)).tolist():
            reasons[row], values[row] = "c4_too_few_sentences", in_text[row]
    outcome = verdicts(batch, reasons, values)
    return outcome._replace(text=pieces.text.zip_with(outcome.reason.is_not_null().gather(pieces.rows), text))


SPEC = Filter(name="c4", version=3, config=C4Config, apply=apply)
