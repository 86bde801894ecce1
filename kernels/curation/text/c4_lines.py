"""The line rules of C4, text by text; compiled. What they mean is in `kernels.curation.filters.c4`."""

# Numba infers the types of loops; to NumPy's stubs an element of an array is no int.
# pyright: basic, reportArgumentType=false, reportReturnType=false, reportAssignmentType=false

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.compiled import compiled
from kernels.curation.text.characters import DIGIT, character_table
from kernels.curation.text.lines import break_bytes, line_end, skip_space, skip_space_back, space_bytes
from kernels.curation.text.spaceless_runs import AFTER_GAP, ENDS_SENTENCE, IS_PUNCTUATION, decode
from kernels.curation.text.words import Words

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

KEPT, LOREM_IPSUM, CURLY_BRACKET = 0, 1, 2
"""What becomes of a text before its sentences are counted."""

_LOREM, _JAVASCRIPT, _POLICY = 1, 2, 4
_MARKS = [
    ("lorem ipsum", _LOREM),
    ("javascript", _JAVASCRIPT),
    *((phrase, _POLICY) for phrase in ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")),
]
_CITATIONS = ["[edit]", "[citation needed]"]


class Rules(NamedTuple):
    """Settings of `kernels.curation.filters.c4.C4Config`, 0 where one is off, and what the loops look up."""

    remove_citations: bool
    require_end_punctuation: bool
    min_words_per_line: int
    max_word_chars: int
    drop_lorem_ipsum: bool
    remove_javascript: bool
    drop_curly_bracket: bool
    remove_policy: bool
    table: NDArray[np.uint16]
    pairs: NDArray[np.bool_]
    """[65536] whether two bytes begin a mark, in lower case."""
    marks: U8
    mark_ends: I64
    mark_kinds: I64
    citations: U8
    citation_ends: I64


def make_rules(**settings: float) -> Rules:
    """Return the rules for settings by name."""
    marks = [mark.encode() for mark, _ in _MARKS]
    pairs = np.zeros(1 << 16, bool)
    for mark in marks:
        pairs[mark[0] << 8 | mark[1]] = True
    citations = [citation.encode() for citation in _CITATIONS]
    return Rules(
        **settings,  # pyright: ignore[reportArgumentType]
        table=character_table(),
        pairs=pairs,
        marks=np.frombuffer(b"".join(marks), np.uint8),
        mark_ends=np.cumsum([len(mark) for mark in marks]),
        mark_kinds=np.array([kind for _, kind in _MARKS]),
        citations=np.frombuffer(b"".join(citations), np.uint8),
        citation_ends=np.cumsum([len(citation) for citation in citations]),
    )


@compiled
def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


@compiled
def _line_marks(data: U8, start: int, end: int, rules: Rules) -> int:
    """Return the kinds of marks that a line holds, as bits; ASCII letters match in either case."""
    kinds = 0
    for place in range(start, end - 9):
        if not rules.pairs[_lower(data[place]) << 8 | _lower(data[place + 1])]:
            continue
        begin = 0
        for number in range(len(rules.mark_ends)):
            length = rules.mark_ends[number] - begin
            same = place + length <= end
            index = 0
            while same and index < length:
                same = _lower(data[place + index]) == rules.marks[begin + index]
                index += 1
            if same:
                kinds |= rules.mark_kinds[number]
            begin = rules.mark_ends[number]
    return kinds


@compiled
def _citation(data: U8, place: int, end: int, rules: Rules, code: I32) -> int:
    """Return the bytes of the citation mark that begins with the bracket at ``place``, 0 for none."""
    stop = place + 1
    while stop < end and data[stop] != 93:
        width = 1
        while stop + width < end and (data[stop + width] & 0xC0) == 0x80:
            width += 1
        decode(data, stop, stop + width, code)
        if not rules.table[code[0]] & DIGIT:
            break
        stop += width
    if stop < end and data[stop] == 93:
        return stop + 1 - place
    begin = 0
    for number in range(len(rules.citation_ends)):
        length = rules.citation_ends[number] - begin
        same = place + length <= end
        index = 0
        while same and index < length:
            same = data[place + index] == rules.citations[begin + index]
            index += 1
        if same:
            return length
        begin = rules.citation_ends[number]
    return 0


@compiled
def _line_words(data: U8, start: int, end: int) -> tuple[int, int]:
    """Return the number of runs without white space, and the characters of the longest."""
    count, longest = 0, 0
    place = start
    while place < end:
        length = 0
        while place < end:
            byte = data[place]
            if (byte <= 32 or byte >= 0xC2) and space_bytes(data, place, end) > 0:
                break
            length += (byte & 0xC0) != 0x80
            place += 1
        count += length > 0
        longest = max(longest, length)
        if place < end:
            place += space_bytes(data, place, end)
    return count, longest


@compiled
def _copy_line(data: U8, start: int, end: int, rules: Rules, code: I32, out: U8, place: int) -> int:
    """Write a line less its citation marks; return where it ends in ``out``."""
    while start < end:
        if rules.remove_citations and data[start] == 91:
            width = _citation(data, start, end, rules, code)
            if width:
                start += width
                continue
        out[place] = data[start]
        place += 1
        start += 1
    return place


@compiled
def _keep_line(data: U8, start: int, end: int, rules: Rules, code: I32, out: U8, place: int) -> tuple[int, int]:
    """Write a stripped line if it is kept. Return where it ends in ``out`` (-1 where it goes) and what becomes of the text."""
    num_words, longest = _line_words(data, start, end)
    if rules.max_word_chars and longest > rules.max_word_chars:
        return -1, KEPT
    stop = _copy_line(data, start, end, rules, code, out, place)
    if rules.require_end_punctuation:
        last = out[stop - 1] if stop > place else 0
        is_ellipsis = stop - place > 2 and out[stop - 1] == 46 and out[stop - 2] == 46 and out[stop - 3] == 46
        if is_ellipsis or not (last == 46 or last == 63 or last == 33 or last == 34 or last == 39):
            return -1, KEPT
    if num_words < rules.min_words_per_line:
        return -1, KEPT
    kinds = _line_marks(out, place, stop, rules)
    if rules.drop_lorem_ipsum and kinds & _LOREM:
        return -1, LOREM_IPSUM
    if rules.remove_javascript and kinds & _JAVASCRIPT:
        return -1, KEPT
    if rules.drop_curly_bracket and (out[place:stop] == 123).any():
        return -1, CURLY_BRACKET
    if rules.remove_policy and kinds & _POLICY:
        return -1, KEPT
    return stop, KEPT


@compiled
def _line_sentences(words: Words, first: int, end: int, end_byte: int) -> int:
    """Return the sentences among words[first:end] that begin before a byte, as spaCy's sentencizer counts those of one line."""
    count = 0
    after_stop = False
    for word in range(first, end):
        if words.start[word] >= end_byte:
            break
        flags = words.flags[word]
        continues = (flags & (IS_PUNCTUATION | ENDS_SENTENCE)) != 0 and not flags & AFTER_GAP
        if word == first or (after_stop and not continues):
            count += 1
            after_stop = False
        after_stop |= (flags & ENDS_SENTENCE) != 0
    return count


@compiled
def clean_texts(words: Words, rules: Rules, out: U8, out_bounds: I64, fates: I64, num_sentences: I64) -> None:
    """Clean N texts: write their kept lines into ``out`` (room for the data and a byte a text) and where each begins.

    Also writes each text's fate and the number of sentences of its kept lines: -1 where a citation mark was taken out, so that the words
    are no longer those given.
    """
    data, bounds = words.data, words.bounds
    code = np.empty(4, np.int32)
    place = 0
    for row in range(len(fates)):
        out_bounds[row] = place
        begin, end = bounds[row], bounds[row + 1]
        word, end_word = words.offsets[row], words.offsets[row + 1]
        while begin < end and fates[row] == KEPT:
            stop = line_end(data, begin, end)
            first = skip_space(data, begin, stop)
            last = skip_space_back(data, first, stop)
            written, fates[row] = _keep_line(data, first, last, rules, code, out, place)
            if written >= 0:
                while word < end_word and words.start[word] < first:
                    word += 1
                if written - place < last - first:
                    num_sentences[row] = -1
                elif num_sentences[row] >= 0:
                    num_sentences[row] += _line_sentences(words, word, end_word, last)
                out[written] = 10
                place = written + 1
            begin = stop + (break_bytes(data, stop, end) if stop < end else 0)
        start = out_bounds[row]
        first = skip_space(out, start, place)
        place = skip_space_back(out, first, place)
        if first > start:
            for index in range(first, place):
                out[start + index - first] = out[index]
            place -= first - start
    out_bounds[len(fates)] = place


@compiled
def count_sentences(words: Words) -> I64:
    """Return the sentences of N texts whose lines end with line feeds: [N]."""
    counts = np.zeros(len(words.offsets) - 1, np.int64)
    for row in range(len(counts)):
        begin, end = words.bounds[row], words.bounds[row + 1]
        word, end_word = words.offsets[row], words.offsets[row + 1]
        while begin < end:
            stop = line_end(words.data, begin, end)
            while word < end_word and words.start[word] < begin:
                word += 1
            counts[row] += _line_sentences(words, word, end_word, stop)
            begin = stop + 1
    return counts
