"""Questions that wait for their answers, on disk, so that a dump whose answers stand far behind is read in bounded memory."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple


class Answer(NamedTuple):
    """What of an answer's row is kept."""

    id: int
    score: int
    body: str
    licence: str


class Question(NamedTuple):
    """What of a question's row is kept; ``num_awaited`` counts the answers that have not come."""

    id: int
    score: int
    title: str
    body: str
    tags: list[str]
    licence: str
    created: str
    accepted: int | None
    num_awaited: int


class Waiting:
    """Questions, each with the best answer so far, in a database on disk."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Begin with none, in a database that is empty."""
        self._database = database
        self._run("CREATE TABLE waiting (id INTEGER PRIMARY KEY, question TEXT, awaited INTEGER, answer TEXT)")

    def _run(self, statement: str, *values: object) -> list[tuple[str, int, str | None]]:
        with closing(self._database.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def add(self, question: Question) -> None:
        """Let a question wait."""
        self._run("INSERT INTO waiting VALUES (?, ?, ?, NULL)", question.id, json.dumps(question), question.num_awaited)

    def find(self, id: int) -> tuple[Question, Answer | None] | None:
        """Return a waiting question and its best answer so far, None where it does not wait."""
        found = self._run("SELECT question, awaited, answer FROM waiting WHERE id = ?", id)
        return self._parse(found[0]) if found else None

    def update(self, question: Question, answer: Answer | None) -> None:
        """Store how many answers a question still waits for, and the best so far."""
        packed = None if answer is None else json.dumps(answer)
        self._run("UPDATE waiting SET awaited = ?, answer = ? WHERE id = ?", question.num_awaited, packed, question.id)

    def remove(self, id: int) -> None:
        """Forget a question."""
        self._run("DELETE FROM waiting WHERE id = ?", id)

    def rest(self) -> Iterator[tuple[Question, Answer | None]]:
        """Yield the questions that still wait, in order of id."""
        with closing(self._database.execute("SELECT question, awaited, answer FROM waiting ORDER BY id")) as cursor:
            for found in cursor:
                yield self._parse(found)

    @staticmethod
    def _parse(found: tuple[str, int, str | None]) -> tuple[Question, Answer | None]:
        question = Question(*json.loads(found[0]))._replace(num_awaited=found[1])
        return question, None if found[2] is None else Answer(*json.loads(found[2]))
