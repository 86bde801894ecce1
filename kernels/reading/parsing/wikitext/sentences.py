"""Sentences in which a template is lost are left out whole: a sentence without one of its words says something else.

A lost template that stands where none speaks is nothing: alone on its line, before the bold words that open an article, or as a source does,
closely behind the end of a sentence.
"""

import re

from kernels.reading.parsing.wikitext.marks import ASIDE, ASIDE_END, LOST, LOST_END, NOTHING

_MARK = rf"{LOST}[^{LOST_END}]*+{LOST_END}"
_NAME = re.compile(rf"{LOST}([^{LOST_END}]*+){LOST_END}")
_ALONE = re.compile(rf"^[*#:; \t]*+(?:(?:{_MARK}|{NOTHING})[ \t.,;:]*+)++$")
_BEFORE_BOLD = re.compile(rf"^(?:(?:{_MARK}|{NOTHING})[ \t]*+)++(?=''')")
_BEHIND_SENTENCE = re.compile(rf"(?<=[.!?\"\u201d)\u3002\uff01\uff1f\u300d])(?:{_MARK}|{NOTHING})++(?=\s|$)")
_CLOSING = re.compile(rf"(?<=[.!?\"\u201d)] )(?:{_MARK}|{NOTHING})++[ \t]*+$")
_END = re.compile(r"[.!?\u061f\u0964][\"'\u201d\u2019)\]\u00bb]*+(?:\s++|$)|[\u3002\uff01\uff1f][\u201d\u2019\u300d\u300f\uff09\u300b]*+\s*+")
"""The end of a sentence; a full stop of Chinese and Japanese needs no blank behind it."""
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'\u201c])(?:[^\W\d_]|\d{1,2}|[A-Za-z]\.[A-Za-z]|Mr|Mrs|Ms|Dr|St|Prof|Gen|Col|Lt|Sgt|Capt|Rev|Hon|Jr|Sr|No|Nos|vs|cf|ca|fl|approx|est|vol|pp?|ed|eds|Inc|Ltd|Co|Corp|Mt|Ft"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|e\.g|i\.e|etc|al|lit|Op|op|Fig|fig|Sen|Gov|Rep|Pres"
    r"|Jh|Jhd|Nr|Bd|Hl|bzw|usw|geb|gest|Mme|Mlle|Ste|av|apr|J\.-C|Sra?|Srta|Ud|Uds|p\.ej)$"
)
_ASIDE = re.compile(f"{ASIDE}([^{ASIDE}{ASIDE_END}]*+){ASIDE_END}")
_CONTEXT_CHARS = 12


def without_speechless(text: str) -> str:
    """Return text in which the lost templates that say nothing in a sentence, by where they stand, are nothing."""
    return "\n".join(_without_speechless(line) if LOST in line else line for line in text.split("\n")) if LOST in text else text


def _without_speechless(line: str) -> str:
    line = _BEFORE_BOLD.sub(NOTHING, _ALONE.sub(NOTHING, line))
    return _CLOSING.sub(NOTHING, _BEHIND_SENTENCE.sub(NOTHING, line))


def without_lost(paragraph: str) -> tuple[str, list[str]]:
    """Return a paragraph without the sentences that a template is lost in, and the names of the templates, one list entry a sentence."""
    if LOST not in paragraph:
        return paragraph, []
    kept: list[str] = []
    names: list[str] = []
    for sentence in split_sentences(paragraph):
        lost = _NAME.findall(sentence)
        if lost:
            names.append(lost[0])
        else:
            kept.append(sentence)
    return "".join(kept).rstrip(), names


def split_sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph with the white space behind them; an initial or an abbreviation ends none."""
    sentences: list[str] = []
    start = 0
    for end in _END.finditer(paragraph):
        following = paragraph[end.end() : end.end() + 1]
        before = paragraph[max(start, end.start() - _CONTEXT_CHARS) : end.start()]
        if following and (following.islower() or (paragraph[end.start()] == "." and _ABBREVIATION.search(before))):
            continue
        sentences.append(paragraph[start : end.end()])
        start = end.end()
    if start < len(paragraph):
        sentences.append(paragraph[start:])
    return sentences


def resolve_asides(line: str) -> str:
    """Return a line with its pronunciations, but for those that are all that a clause in brackets says."""
    if ASIDE not in line:
        return line
    parts: list[str] = []
    place = depth = 0
    for aside in _ASIDE.finditer(line):
        between = line[place : aside.start()]
        depth = max(0, depth + between.count("(") - between.count(")"))
        parts.append(between)
        place = aside.end()
        before = line[max(0, aside.start() - _CONTEXT_CHARS) : aside.start()].rstrip(f" {NOTHING}")[-1:]
        after = line[place : place + _CONTEXT_CHARS].lstrip(f" {NOTHING}")[:1]
        is_whole_clause = before in ("(", ";", ",", ASIDE_END) and after in (")", ";", ",", ASIDE)
        parts.append(NOTHING if depth and is_whole_clause else aside[1])
    parts.append(line[place:])
    return "".join(parts)
