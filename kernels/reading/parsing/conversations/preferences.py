r"""Preference pairs as people write them down, each read as shared turns, the chosen answer and one rejected answer or more.

``chosen`` and ``rejected`` are texts, messages, lists of messages (of the answer alone, or of the whole conversation), or transcripts with
``\n\nHuman:`` and ``\n\nAssistant:``. What they answer stands in them, or beside them: as a list of messages, as a ``prompt``, or as the
question of an instruction.
"""

import re
from typing import Any, cast

from kernels.reading.parsing.conversations.instructions import question
from kernels.reading.parsing.conversations.messages import ROLES, content, message, messages
from kernels.reading.parsing.rows import BadRecordError
from kernels.specs.turns import Turn

SIDES = (("chosen", "rejected"), ("chosen_response", "rejected_response"), ("response_j", "response_k"), ("preferred_output", "non_preferred_output"))
LISTS = ("messages", "conversations", "conversation", "dialogue", "dialog")
_TRANSCRIPT = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")


def sides_of(record: dict[str, Any]) -> tuple[str, str] | None:
    """Return the names of the fields that hold a pair's two sides, None where there is none."""
    return next((names for names in SIDES if all(record.get(name) is not None for name in names)), None)


def pair(record: dict[str, Any], names: tuple[str, str]) -> list[Turn]:
    """Return a preference pair's shared turns, the chosen answer and the rejected ones. Raises BadRecordError."""
    if isinstance(inner := record.get("input"), dict):  # as OpenAI's preference data hold the messages that are answered
        record = {**record, **cast(dict[str, Any], inner)}
    chosen, *others = _alternatives(record, names[0])
    if others:
        raise BadRecordError("schema", f"{names[0]!r} holds {len(others) + 1} answers; one is the better one")
    rejected = _alternatives(record, names[1])
    if any(not turns or turns[-1].role != "assistant" for turns in (chosen, *rejected)) or any(turns[:-1] != chosen[:-1] for turns in rejected):
        raise BadRecordError("pair_mismatch", "chosen and rejected must differ in their last turn, an answer, and in nothing else")
    return [*chosen, *(turns[-1]._replace(role="rejected") for turns in rejected)]


def rejected_answers(value: object) -> list[Turn]:
    """Return answers that stand beside a conversation as worse than its last: a text or message, or a list of such. Raises BadRecordError."""
    found = cast(list[object], value) if isinstance(value, list) else [value]
    turns = [message(cast(object, each)) if isinstance(each, dict) else Turn("assistant", content(each, "rejected")) for each in found]
    if not turns or any(turn.role != "assistant" for turn in turns):
        raise BadRecordError("role_order", f"a rejected answer must be an assistant's: {' '.join(turn.role for turn in turns)}")
    return [turn._replace(role="rejected") for turn in turns]


def transcript_turns(text: str, field: str) -> list[Turn]:
    """Return the turns of a transcript. Raises BadRecordError."""
    before, *parts = _TRANSCRIPT.split(text)
    if before.strip() or not parts:
        raise BadRecordError("schema", f"{field!r} must begin with Human: or Assistant:, or have a 'prompt' beside it")
    return [Turn(ROLES[role.lower()], content(said.lstrip(" "), field)) for role, said in zip(parts[::2], parts[1::2], strict=True)]


def _alternatives(record: dict[str, Any], field: str) -> list[list[Turn]]:
    """Return the conversations of one side, each with what it answers; more than one where a list of texts gives several answers."""
    value: object = record[field]
    if isinstance(value, str):
        return [_written_out(record, value, field)]
    if isinstance(value, dict):
        return [[*_asked(record), message(cast(object, value))]]
    if not isinstance(value, list) or not value:
        raise BadRecordError("schema", f"{field!r} must be an answer, a transcript or a list of turns, got {type(cast(object, value)).__name__}")
    values = cast(list[object], value)
    if all(isinstance(each, str) for each in values):
        return [_answered(record, each, field) for each in values]
    if all(isinstance(each, list) for each in values):
        return [turns for each in values for turns in _alternatives({**record, field: each}, field)]
    turns = messages(values)
    return [turns if turns[0].role in ("system", "user") else [*_asked(record), *turns]]


def _written_out(record: dict[str, Any], text: str, field: str) -> list[Turn]:
    """Return the conversation of a side that is one text: a transcript, whole or of the answer alone, or the answer itself."""
    begins = _TRANSCRIPT.match(text)
    if (begins and begins[1] == "Human") or not _has_prompt(record):
        return transcript_turns(text, field)
    return [*_asked(record), *transcript_turns(text, field)] if begins else _answered(record, text, field)


def _answered(record: dict[str, Any], answer: object, field: str) -> list[Turn]:
    return [*_asked(record), Turn("assistant", content(answer, field))]


def _has_prompt(record: dict[str, Any]) -> bool:
    return any(isinstance(record.get(name), list) for name in LISTS) or question(record) is not None


def _asked(record: dict[str, Any]) -> list[Turn]:
    """Return what the two answers answer. Raises BadRecordError."""
    for name in LISTS:
        if isinstance(record.get(name), list):
            turns = messages(record[name])
            return turns[:-1] if turns and turns[-1].role == "assistant" else turns
    found = question(record)
    if found is None:
        raise BadRecordError("schema", "an answer without what it answers: give a 'prompt', or the whole conversation")
    return found
