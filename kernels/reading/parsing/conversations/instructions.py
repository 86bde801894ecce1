r"""Instructions with their answers as people write them down: Alpaca, Dolly, ChatGLM, prompt and completion, question and answer.

The question is the first of ``instruction``, ``prompt``, ``question``, ``query`` and ``input`` that says something, with an ``input`` or
``context`` below it; a further one of them may only repeat a part of it. ``history`` holds earlier questions and answers. The answer is ``output``,
``completion``, ``response`` or ``answer``.
"""

import re
from typing import Any, cast

from kernels.reading.parsing.conversations.messages import content, messages
from kernels.reading.parsing.rows import BadRecordError
from kernels.specs.turns import Turn

ASKED = ("instruction", "prompt", "question", "query", "input")
GIVEN = ("input", "context")
ANSWERED = ("output", "completion", "response", "answer")
_LAST_SPEAKER = re.compile(r"\n\nAssistant:\s*\Z")
_SPEAKER = re.compile(r"\n\n(Human|Assistant): ?")


def question(record: dict[str, Any]) -> list[Turn] | None:
    """Return the turns of a record's question, after those of its history, None where it asks nothing. Raises BadRecordError."""
    name = next((name for name in ASKED if _says_something(record.get(name))), None)
    if name is None:
        return None
    asked = record[name]
    if isinstance(asked, list):
        return [*_history(record), *messages(cast(list[object], asked))]
    if isinstance(asked, str) and _LAST_SPEAKER.search(asked) and _SPEAKER.match(f"\n\n{asked.lstrip()}"):
        return _dialogue(asked)
    _require_one(record, name, asked)
    given = [content(record[field], field) for field in GIVEN if field != name and _says_something(record.get(field))]
    return [*_history(record), Turn("user", "\n\n".join([content(asked, name), *given]))]


def _require_one(record: dict[str, Any], name: str, asked: object) -> None:
    """Raise BadRecordError where another field asks something that the first does not say: which of them is answered, or both, nothing tells."""
    for other in ASKED:
        found = record.get(other)
        if other not in (name, *GIVEN) and isinstance(found, str) and found.strip() not in str(asked):
            raise BadRecordError("schema", f"both {name!r} and {other!r} ask something; name the question by one of them, what it is about 'input'")


def instructed(record: dict[str, Any]) -> list[Turn]:
    """Return the turns of a question and its answer. Raises BadRecordError."""
    asked = question(record)
    if asked is None:
        raise BadRecordError("empty_turn", f"none of {', '.join(ASKED)} says anything")
    name = next((name for name in ANSWERED if record.get(name) is not None), None)
    if name is None:
        raise BadRecordError("no_answers", f"a question without an answer: none of {', '.join(ANSWERED)} is there")
    answer = record[name]
    turns = messages(cast(list[object], answer)) if isinstance(answer, list) else [Turn("assistant", content(answer, name))]
    return [*asked, *turns]


def _says_something(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _history(record: dict[str, Any]) -> list[Turn]:
    """Return the turns of earlier questions and answers, in pairs or as messages."""
    history: object = record.get("history") or []
    if not isinstance(history, list):
        raise BadRecordError("schema", f"'history' must be a list, got {type(history).__name__}")
    turns: list[Turn] = []
    for entry in cast(list[object], history):
        if isinstance(entry, dict):
            turns += messages([cast(object, entry)])
            continue
        both = cast(list[object], entry) if isinstance(entry, list) else []
        if len(both) != 2:
            raise BadRecordError("schema", f"'history' must hold questions with their answers, got {entry!r:.60}")
        turns += [Turn("user", content(both[0], "history")), Turn("assistant", content(both[1], "history"))]
    return turns


def _dialogue(asked: str) -> list[Turn]:
    r"""Return the turns of a prompt that is a transcript up to ``\n\nAssistant:``."""
    parts = _SPEAKER.split("\n\n" + _LAST_SPEAKER.sub("", asked).lstrip())[1:]
    roles = {"Human": "user", "Assistant": "assistant"}
    return [Turn(roles[role], content(said, "prompt")) for role, said in zip(parts[::2], parts[1::2], strict=True)]
