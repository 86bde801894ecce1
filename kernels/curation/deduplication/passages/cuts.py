"""Cutting spans out of documents: what was cut is recorded in characters of the text as it was, with the document that has it still.

A conversation is cut turn by turn; one of which a turn has nothing left is dropped, since without it others would run together.
"""

from typing import Any, cast

import pyarrow as pa

from kernels.curation.filtering.chain import DROPPED, EXCERPT_CHARS
from kernels.documents.conversations import turns_column, turns_of
from kernels.documents.pieces import BETWEEN, pieces_of, text_of, with_pieces
from kernels.specs.turns import Turn

CUTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document that was cut"}),
        pa.field("start", pa.int64(), nullable=False, metadata={"description": "first character of the span"}),
        pa.field("end", pa.int64(), nullable=False, metadata={"description": "character behind the span"}),
        pa.field("kept_id", pa.string(), nullable=False, metadata={"description": "the document in which the span stands first"}),
    ]
)


def cut_documents(documents: pa.Table, cuts: pa.Table) -> pa.Table:
    """Return documents without the spans of ``cuts`` (schema `CUTS`, ascending within a document).

    A document with nothing left is dropped, and so is a conversation of which a turn has nothing left.
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for row in cuts.to_pylist():
        spans.setdefault(row["id"], []).append((row["start"], row["end"]))
    if not spans:
        return documents
    ids: list[Any] = documents["id"].to_pylist()
    texts: list[Any] = documents["text"].to_pylist()
    turns = turns_of(documents["turns"])
    is_kept = [True] * len(ids)
    for row, key in enumerate(ids):
        if key not in spans:
            continue
        if (found := turns[row]) is None:
            texts[row] = cut_text(texts[row], spans[key])
            is_kept[row] = bool(texts[row])
        else:
            turns[row], is_kept[row] = _cut_turns(found, spans[key])
            texts[row] = text_of(turns[row] or [])
    changed = _with_column(documents, "text", pa.array(texts, pa.string()))
    if documents["turns"].null_count < documents.num_rows:
        changed = _with_column(changed, "turns", turns_column(turns))
    return changed.filter(pa.array(is_kept, pa.bool_()))


def _with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), cast(Any, table.schema).field(name), values)


def _cut_turns(turns: list[Turn], spans: list[tuple[int, int]]) -> tuple[list[Turn], bool]:
    """Return a conversation without spans of its text, and whether something is left of each piece that was cut."""
    left: list[str] = []
    place, is_whole = 0, True
    for piece in pieces_of(turns):
        end = place + len(piece.text)
        own = [(start - place, stop - place) for start, stop in spans if place <= start and stop <= end]
        left.append(cut_text(piece.text, own) if own else piece.text)
        is_whole = is_whole and bool(left[-1].strip() or not own)
        place = end + len(BETWEEN)
    return with_pieces(turns, left), is_whole


def emptied_documents(before: pa.Table, after: pa.Table, name: str) -> pa.Table:
    """Return the documents (schema `DROPPED`) that cutting, called by its name, left nothing of, or not of every turn."""
    kept = set(after["id"].to_pylist())
    lost = before.filter(pa.array([key not in kept for key in before["id"].to_pylist()], pa.bool_()))
    rows = [
        {"id": row["id"], "filter": name, "reason": "empty" if row["turns"] is None else "emptied_turn", "text": row["text"][:EXCERPT_CHARS]}
        for row in lost.select(["id", "text", "turns"]).to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=DROPPED)


def cut_text(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text without spans (ascending); of the white space on both sides of each, the side with more line breaks stays."""
    parts: list[str] = []
    place = 0
    for start, end in spans:
        parts.append(text[place:start])
        place = end
    parts.append(text[place:])
    result = parts[0]
    for part in parts[1:]:
        result = _join(result, part)
    return result.rstrip() if not parts[-1].strip() else result


def _join(left: str, right: str) -> str:
    """Return two parts with one of the two runs of white space between them."""
    before, after = left.rstrip(), right.lstrip()
    if not before:
        return after
    left_space, right_space = left[len(before) :], right[: len(right) - len(after)]
    space = right_space if right_space.count("\n") > left_space.count("\n") or not left_space else left_space
    return before + space + after
