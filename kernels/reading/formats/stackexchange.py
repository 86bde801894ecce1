"""Questions of Stack Exchange with their accepted or best answer, from the data dump's ``Posts.xml``: one document a question.

Source: the archive's schema, https://meta.stackexchange.com/questions/2677. Posts stand in order of id, an answer any distance behind its
question, so questions wait on disk until the answers that may be chosen have come; memory stays bounded and documents come as soon as they
are whole. Posts are CC BY-SA, the version by the day of writing: https://stackoverflow.com/help/licensing.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Literal

from pydantic import PositiveInt

from kernels.reading.parsing.conversations.questions import Answer, Question, Waiting
from kernels.reading.parsing.keys import SeenKeys, scratch_database
from kernels.reading.parsing.markup.markup import markdown
from kernels.reading.parsing.markup.xml_stream import XmlError, xml_records
from kernels.reading.parsing.rows import BadRecordError
from kernels.reading.parsing.text import DamagedFileError, decompressed
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

LICENCES = (("2018-05-02", "CC BY-SA 4.0"), ("2011-04-08", "CC BY-SA 3.0"), ("", "CC BY-SA 2.5"))
"""The licence of what was written from a day on, where a row names none (``ContentLicense``)."""

_TAGS = re.compile(r"[^<>|]+")
_QUESTION, _ANSWER = "1", "2"
_NEVER = (-1, 0, 0)
_UNKNOWN_COUNT = 1 << 30


class StackExchangeConfig(Config):
    """Which answer goes with a question, and which questions are taken."""

    answer: Literal["accepted", "best", "accepted_or_best"]
    """The accepted answer, the one with the highest score (the earliest of equals), or the accepted one where there is one."""
    min_question_score: int
    """Questions below are rejects."""
    min_answer_score: int
    """An answer below is not chosen, unless it is taken as the accepted one."""
    max_bytes: PositiveInt
    """A larger post is a reject."""
    site: str | None = None
    """The site's host, such as ``stackoverflow.com``, from which addresses are made."""


def read(file: SourceFile, config: StackExchangeConfig) -> Iterator[Document | Reject]:
    """Stream the questions of a dump, keyed by id; posts that are no part of a document are rejects with the reason."""
    last = "the start"
    with closing(scratch_database()) as database, SeenKeys() as keys:
        waiting = Waiting(database)
        try:
            with decompressed(file) as stream:
                for row, is_too_large in xml_records(stream, config.max_bytes):
                    if row.tag != "row":
                        continue
                    last = f"post {row.get('Id', '?')}"
                    try:
                        if is_too_large:
                            raise BadRecordError("too_large", f"more than {config.max_bytes} characters")
                        if not keys.add(row.get("Id", "")):
                            raise BadRecordError("duplicate_key", row.get("PostTypeId", ""))
                        yield from _take(dict(row.items()), waiting, config)
                    except BadRecordError as error:
                        yield Reject(row.get("Id", last), error.reason, error.detail)
        except DamagedFileError as error:
            yield Reject(f"after {last}", "truncated", str(error))
        except XmlError as error:
            yield Reject(f"after {last}", error.reason, error.detail)
        for question, answer in waiting.rest():
            yield _pair(question, answer, config)


def _take(row: dict[str, str], waiting: Waiting, config: StackExchangeConfig) -> Iterator[Document | Reject]:
    kind = row.get("PostTypeId")
    if kind == _QUESTION:
        question = _question(row, config)
        if question.num_awaited == 0:
            raise BadRecordError("no_answer", question.title)
        waiting.add(question)
    elif kind == _ANSWER:
        yield from _offer(row, waiting, config)
    else:
        raise BadRecordError("not_a_question", f"post type {kind}")


def _offer(row: dict[str, str], waiting: Waiting, config: StackExchangeConfig) -> Iterator[Document | Reject]:
    """Give an answer to its question; yield the document if that makes it whole, and reject the answer that is not chosen."""
    answer = Answer(_number(row, "Id"), _number(row, "Score"), row.get("Body", ""), _licence(row))
    parent = _number(row, "ParentId")
    known = waiting.find(parent)
    if known is None:
        raise BadRecordError("no_question", f"question {parent} is not here, was refused or has its answer")
    question, best = known
    is_better = _rank(answer, question, config) > (_rank(best, question, config) if best else _NEVER)
    left = best if is_better else answer
    chosen = answer if is_better else best
    if left is not None:
        yield Reject(str(left.id), "not_chosen", f"score {left.score}, question {parent}")
    is_whole = chosen is not None and chosen.id == question.accepted and config.answer != "best"
    if is_whole or question.num_awaited <= 1:
        waiting.remove(parent)
        yield _pair(question, chosen, config)
    else:
        waiting.update(question._replace(num_awaited=question.num_awaited - 1), chosen)


def _rank(answer: Answer, question: Question, config: StackExchangeConfig) -> tuple[int, int, int]:
    """Return what the chosen answer has most of; `_NEVER` for one that may not be chosen."""
    if answer.id == question.accepted and config.answer != "best":
        return (1, answer.score, -answer.id)
    if config.answer == "accepted" or answer.score < config.min_answer_score:
        return _NEVER
    return (0, answer.score, -answer.id)


def _question(row: dict[str, str], config: StackExchangeConfig) -> Question:
    """Return a question with the number of answers that it waits for. Raises BadRecordError."""
    score = _number(row, "Score")
    if score < config.min_question_score:
        raise BadRecordError("low_score", str(score))
    accepted = _number(row, "AcceptedAnswerId") if row.get("AcceptedAnswerId") else None
    if config.answer == "accepted" and accepted is None:
        raise BadRecordError("no_accepted_answer", row.get("Title", ""))
    return Question(
        id=_number(row, "Id"),
        score=score,
        title=" ".join(row.get("Title", "").split()),
        body=row.get("Body", ""),
        tags=_TAGS.findall(row.get("Tags", "")),
        licence=_licence(row),
        created=row.get("CreationDate", ""),
        accepted=accepted,
        num_awaited=_number(row, "AnswerCount") if row.get("AnswerCount") else _UNKNOWN_COUNT,
    )


def _number(row: dict[str, str], name: str) -> int:
    value = row.get(name, "")
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise BadRecordError("schema", f"{name} must be a whole number, got {value[:50]!r}")
    return int(value)


def _licence(row: dict[str, str]) -> str:
    created = row.get("CreationDate", "")
    return row.get("ContentLicense") or next(name for start, name in LICENCES if created >= start)


def _pair(question: Question, answer: Answer | None, config: StackExchangeConfig) -> Document | Reject:
    if answer is None:
        return Reject(str(question.id), "no_answer", f"none of its answers may be chosen: {question.title}")
    asked, answered = markdown(question.body), markdown(answer.body)
    if not asked or not answered:
        return Reject(str(question.id), "no_text", question.title)
    title = [f"# {question.title}"] if question.title else []
    return Document(
        key=str(question.id),
        text="\n\n".join([*title, asked, "## Answer", answered]),
        title=question.title or None,
        url=f"https://{config.site}/questions/{question.id}" if config.site else None,
        metadata={
            "score": question.score,
            "tags": question.tags,
            "created": question.created,
            "licence": question.licence,
            "answer_id": answer.id,
            "answer_score": answer.score,
            "answer_licence": answer.licence,
            "is_accepted": answer.id == question.accepted,
        },
    )


SPEC = SourceFormat(
    name="stackexchange",
    version=2,
    config=StackExchangeConfig,
    patterns=("Posts.xml", "Posts.xml.gz", "Posts.xml.bz2", "Posts.xml.xz", "*.Posts.xml", "*.Posts.xml.bz2"),
    read=read,
)
