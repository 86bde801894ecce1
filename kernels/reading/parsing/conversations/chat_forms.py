r"""The forms in which conversations are kept, each read as turns (`kernels.specs.turns.Turn`).

- ``chosen`` and ``rejected``, whatever stands beside them: preference pairs (preferences.py).
- ``messages``, ``conversations``, ``conversation`` or ``dialogue``: lists of messages, OpenAI's or ShareGPT's (messages.py).
- ``data``, or a bare list: UltraChat's list of texts, the user's first.
- ``instruction``, ``prompt``, ``question`` or ``query`` with its answer (instructions.py), or ``instances`` of input and output (Self-Instruct).

Beside any of them may stand what the system says (``system``, ``system_prompt``), definitions of tools (``tools``, ``functions``), further
answers that are worse (``rejected``), and a verdict on the last answer (``label: false``), which makes it a rejected one. A record that
is about pictures or sounds is no text.
"""

from collections.abc import Iterator
from typing import Any, cast

from kernels.documents.conversations import fault_of
from kernels.reading.parsing.conversations.instructions import ASKED, instructed
from kernels.reading.parsing.conversations.messages import content, definitions, messages
from kernels.reading.parsing.conversations.preferences import LISTS, pair, rejected_answers, sides_of
from kernels.reading.parsing.rows import BadRecordError
from kernels.specs.turns import Turn

_SPOKEN = ("user", "assistant")
_SYSTEM = ("system", "system_prompt", "system_message")
_TOOLS = ("tools", "functions")
_VERDICTS = ("label", "kto_tag")
_NOT_TEXT = ("images", "image", "videos", "video", "audios", "audio")


def conversations(value: object) -> Iterator[list[Turn]]:
    """Yield the checked conversations of a record: one, or as many as it has instances. Raises BadRecordError."""
    if isinstance(value, list):
        yield _checked(_texts(cast(list[object], value)) or messages(cast(list[object], value)))
    elif not isinstance(value, dict):
        raise BadRecordError("schema", f"expected an object or a list, got {type(value).__name__}")
    else:
        record = cast(dict[str, Any], value)
        for field in _NOT_TEXT:
            if record.get(field):
                raise BadRecordError("not_text", f"the conversation is about {field!r}")
        for turns in _forms(record):
            yield _checked([*_head(record, turns), *_judged(turns, record)])


def _forms(record: dict[str, Any]) -> Iterator[list[Turn]]:
    """Yield the turns of a record by the first form that it has."""
    if names := sides_of(record):
        yield pair(record, names)
        return
    for field in LISTS:
        if field in record:
            values = _list(record[field], field)
            yield _with_rejected(_texts(values) or messages(values), record)
            return
    if "chosen" in record:
        raise BadRecordError("schema", f"'chosen' and no 'rejected' among {sorted(map(str, record))[:20]}")
    if "data" in record:
        yield _with_rejected(_texts(_list(record["data"], "data")), record)
    elif "instances" in record:
        for instance in _list(record["instances"], "instances"):
            yield instructed({**record, **instance} if isinstance(instance, dict) else {})
    elif "turns" in record:
        yield _turns(_list(record["turns"], "turns"))
    elif any(name in record for name in ASKED):
        yield _with_rejected(instructed(record), record)
    else:
        raise BadRecordError("schema", f"no known form of a conversation among {sorted(map(str, record))[:20]}")


def _list(value: object, field: str) -> list[object]:
    if not isinstance(value, list):
        raise BadRecordError("schema", f"{field!r} must be a list, got {type(value).__name__}")
    return cast(list[object], value)


def _texts(values: list[object]) -> list[Turn]:
    """Return turns of a list of two texts or more, none where it is something else."""
    if len(values) < 2 or not all(isinstance(value, str) for value in values):
        return []
    return [Turn(_SPOKEN[index % 2], content(value, f"turn {index + 1}")) for index, value in enumerate(values)]


def _turns(values: list[object]) -> list[Turn]:
    if not all(isinstance(value, dict) for value in values):
        raise BadRecordError("no_answers", "a list of questions without their answers")
    return messages(values)


def _head(record: dict[str, Any], turns: list[Turn]) -> Iterator[Turn]:
    """Yield the definitions of tools and what the system says, where they stand beside the turns."""
    for field in _TOOLS:
        if record.get(field) not in (None, "", [], "[]"):
            yield definitions(record[field], field)
            break
    for field in _SYSTEM:
        if record.get(field):
            said = Turn("system", content(record[field], field))
            if said != turns[0] if turns else True:
                yield said
            break


def _judged(turns: list[Turn], record: dict[str, Any]) -> list[Turn]:
    """Return turns whose last answer is a rejected one where the record says that it was not wanted (as in data for KTO)."""
    if any(record.get(field) is False for field in _VERDICTS) and turns and turns[-1].role == "assistant":
        return [*turns[:-1], turns[-1]._replace(role="rejected")]
    return turns


def _with_rejected(turns: list[Turn], record: dict[str, Any]) -> list[Turn]:
    """Return turns with the worse answers that stand beside them."""
    if record.get("rejected") is None:
        return turns
    if not turns or turns[-1].role != "assistant":
        raise BadRecordError("role_order", f"a rejected answer needs an assistant turn before it: {' '.join(turn.role for turn in turns[:50])}")
    return [*turns, *rejected_answers(record["rejected"])]


def _checked(turns: list[Turn]) -> list[Turn]:
    """Return turns that are a conversation. Raises BadRecordError."""
    if fault := fault_of(turns):
        raise BadRecordError(*fault)
    return turns
