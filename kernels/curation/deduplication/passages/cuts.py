"""Cutting spans out of documents: what was cut is recorded in characters of the text as it was, with the document that has it still."""

from typing import Any, cast

import pyarrow as pa

CUTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "the document that was cut"}),
        pa.field("start", pa.int64(), nullable=False, metadata={"description": "first character of the span"}),
        pa.field("end", pa.int64(), nullable=False, metadata={"description": "character behind the span"}),
        pa.field("kept_id", pa.string(), nullable=False, metadata={"description": "the document in which the span stands first"}),
    ]
)


def cut_documents(documents: pa.Table, cuts: pa.Table) -> pa.Table:
    """Return documents without the spans of ``cuts`` (schema `CUTS`, ascending within a document); one with nothing left is dropped."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for row in cuts.to_pylist():
        spans.setdefault(row["id"], []).append((row["start"], row["end"]))
    if not spans:
        return documents
    ids: list[Any] = documents["id"].to_pylist()
    old_texts: list[Any] = documents["text"].to_pylist()
    texts: list[str] = [cut_text(text, spans[key]) if key in spans else text for key, text in zip(ids, old_texts, strict=True)]
    column = documents.schema.get_field_index("text")
    field = cast(Any, documents.schema).field("text")
    changed = documents.set_column(column, field, pa.array(texts, pa.string()))
    keep: list[Any] = [key not in spans or bool(text) for key, text in zip(ids, texts, strict=True)]
    return changed.filter(pa.array(keep, pa.bool_()))


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
