"""The brackets of wikitext, matched in one pass: templates, links, tables, and tags whose content is no wikitext.

A stack holds what is open; what closes is resolved and handed to what is around it, so that the cost is in proportion to the text however its
brackets stand. What never closes gives back its content. After the preprocessor of MediaWiki:
https://www.mediawiki.org/wiki/Preprocessor_ABNF.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from kernels.reading.parsing.wikitext.marks import NOTHING, UNCLOSED, lost, protected

MAX_NESTING = 40
"""Brackets within brackets, as deep as MediaWiki itself expands templates ($wgMaxTemplateDepth, 40); what lies deeper is lost."""

_OPAQUE = (
    "nowiki|math|chem|ce|pre|source|syntaxhighlight|ref|references|gallery|timeline|imagemap|score|hiero|graph|mapframe|maplink|templatedata"
    "|templatestyles|categorytree|inputbox|section|indicator"
)
_TOKEN = re.compile(
    rf"<!--|<(?P<opaque>{_OPAQUE})\b[^<>]*+>|<(?P<html>/?(?:table|includeonly))\b[^<>]*+>"
    r"|\[\[(?P<link>[^\[\]{}<]*+)\]\]|\{\{(?P<template>[^\[\]{}<]*+)\}\}(?!\})|\{\{++|\}\}++|\[\[|\]\]|^[ \t:|!]*+\{\|(?!\})|^[ \t]*+\|\}(?!\})",
    re.IGNORECASE | re.MULTILINE,
)
_TABLE, _TEMPLATE, _LINK = "wikitable", "template", "link"


class Resolvers(NamedTuple):
    """What the content of brackets becomes: of a template, of a parameter (three braces), of a link, and of a tag (name, tag, content)."""

    template: Callable[[str], str]
    parameter: Callable[[str], str]
    link: Callable[[str], str]
    tag: Callable[[str, str, str], str]


@dataclass(slots=True)
class _Frame:
    """One open bracket: what it is, how many braces are still open, and what it holds so far."""

    kind: str
    num_braces: int = 0
    pieces: list[str] = field(default_factory=list[str])


class _Stack:
    """The open brackets; the lowest is the page."""

    def __init__(self, resolvers: Resolvers) -> None:
        self.resolvers = resolvers
        self.frames = [_Frame("page")]
        self.places: defaultdict[str, list[int]] = defaultdict(list)
        self.num_tables = 0

    def add(self, text: str) -> None:
        self.frames[-1].pieces.append(text)

    def push(self, kind: str, num_braces: int = 0) -> None:
        self.places[kind].append(len(self.frames))
        self.frames.append(_Frame(kind, num_braces))

    def pop(self) -> str:
        frame = self.frames.pop()
        self.places[frame.kind].pop()
        return "".join(frame.pieces)

    def give_up(self, place: int) -> None:
        """Hand what is open above a place in the stack, and will not be closed, to what is there."""
        below = self.frames[place]
        for frame in self.frames[place + 1 :]:
            self.places[frame.kind].pop()
            if frame.kind == _TEMPLATE:
                below.pieces.append(UNCLOSED)
            elif frame.kind == _TABLE:
                below.pieces.append("{|")
            below.pieces.extend(frame.pieces)
        del self.frames[place + 1 :]

    def nearest(self, kind: str) -> int:
        """Return the place in the stack of the nearest open bracket of a kind, 0 where there is none."""
        return self.places[kind][-1] if self.places[kind] else 0

    def close_braces(self, num_braces: int) -> None:
        while num_braces >= 2 and (place := self.nearest(_TEMPLATE)):
            self.give_up(place)
            frame = self.frames[-1]
            matched = 3 if min(num_braces, frame.num_braces) >= 3 else 2
            content = "".join(frame.pieces)
            is_deep = len(self.frames) > MAX_NESTING or frame.num_braces > 3 * MAX_NESTING
            resolve = self.resolvers.parameter if matched == 3 else self.resolvers.template
            frame.pieces = [protected(lost("nested too deep") if is_deep else resolve(content))]
            frame.num_braces -= matched
            num_braces -= matched
            if frame.num_braces < 2:
                braces = "{" * frame.num_braces
                self.add(braces + self.pop())
        if num_braces == 1:
            self.add("}")

    def close_link(self) -> None:
        if self.frames[-1].kind == _LINK:
            is_deep = len(self.frames) > MAX_NESTING
            content = self.pop()
            self.add(protected(lost("nested too deep") if is_deep else self.resolvers.link(content)))

    def close_table(self, kind: str) -> None:
        place = self.nearest(kind)
        if place > self.nearest(_TEMPLATE):
            self.give_up(place)
            self.pop()
            self.num_tables += kind in (_TABLE, "table")
            self.add(NOTHING)


def resolve_brackets(text: str, resolvers: Resolvers) -> tuple[str, int]:
    """Return text with its brackets resolved from the inside out, without comments, and how many tables it had, which are left out."""
    stack = _Stack(resolvers)
    unclosed: set[str] = set()
    place = 0
    while token := _TOKEN.search(text, place):
        stack.add(text[place : token.start()])
        place = token.end()
        word = token[0]
        if token["link"] is not None:  # what holds no further brackets needs no stack
            stack.add(protected(resolvers.link(token["link"])))
        elif token["template"] is not None:
            stack.add(protected(resolvers.template(token["template"])))
        elif word == "<!--":
            end = text.find("-->", place)
            place = len(text) if end < 0 else end + 3
        elif token["opaque"]:
            place = _take_tag(text, token, stack, unclosed)
        else:
            _take_bracket(word, (token["html"] or "").lower(), stack)
    stack.add(text[place:])
    stack.give_up(0)
    return "".join(stack.frames[0].pieces), stack.num_tables


def _take_bracket(word: str, html: str, stack: _Stack) -> None:
    if html:
        if html.startswith("/"):
            stack.close_table(html[1:])
        else:
            stack.push(html)
    elif word[0] == "[":
        stack.push(_LINK)
    elif word[0] == "]":
        stack.close_link()
    elif word[0] == "}":
        stack.close_braces(len(word))
    elif word.endswith("{|"):
        stack.push(_TABLE)
    elif word.endswith("|}"):
        stack.close_table(_TABLE)
    else:
        stack.push(_TEMPLATE, len(word))


def _take_tag(text: str, token: re.Match[str], stack: _Stack, unclosed: set[str]) -> int:
    """Resolve a tag whose content is no wikitext, and return where the text goes on; a tag that is never closed is dropped alone."""
    name = token["opaque"].lower()
    if token[0].endswith("/>"):
        stack.add(stack.resolvers.tag(name, token[0], ""))
        return token.end()
    end = None if name in unclosed else re.compile(rf"</{name}\s*+>", re.IGNORECASE).search(text, token.end())
    if end is None:
        unclosed.add(name)
        return token.end()
    stack.add(stack.resolvers.tag(name, token[0], text[token.end() : end.start()]))
    return end.end()
