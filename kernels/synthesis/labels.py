"""Labels of planted noise, and how well curation did against them.

A label says of one record what it is and what curation should do: keep it, drop it, or mask the values planted in it. Of duplicates
any one copy may stay.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["clean", "boilerplate", "exact_duplicate", "near_duplicate", "personal_data", "foreign"]
EXPECTED: dict[str, str] = {
    "clean": "keep",
    "boilerplate": "drop",
    "exact_duplicate": "drop",
    "near_duplicate": "drop",
    "personal_data": "mask",
    "foreign": "drop",
}


class Label(NamedTuple):
    """What one rendered record is."""

    path: str
    key: str
    kind: Kind
    expected: str
    original: str | None
    """Key of the record it repeats, for duplicates."""
    values: list[str]
    """Personal data planted in it."""


def label(path: str, key: str, kind: Kind, original: str | None = None, values: list[str] | None = None) -> Label:
    """Return a label with what its kind expects."""
    return Label(path, key, kind, EXPECTED[kind], original, values or [])


def score_curation(labels: "pl.DataFrame", kept: "pl.DataFrame", dropped: "pl.DataFrame", source: str) -> "pl.DataFrame":
    """Return one row a kind of noise: how much was planted, how much curation handled, and the precision of what it dropped.

    Args:
        labels: columns of `Label`.
        kept: ``id`` and ``text`` of the documents that stay.
        dropped: ``id`` and ``reason`` of everything that does not.
        source: the recipe's name of the source, part of the ids.

    Returns:
        ``kind, planted, handled, recall`` by kind; the row ``all dropped`` holds how many dropped records were planted to be dropped
        (``precision``); ``clean`` counts clean records that were kept.
    """
    import polars as pl

    texts: dict[str, str] = dict(zip(kept["id"].to_list(), kept["text"].to_list(), strict=True))
    rows: list[dict[str, Any]] = labels.to_dicts()
    planted: dict[str, int] = {}
    handled: dict[str, int] = {}
    for row in rows:
        text = texts.get(f"{source}/{row['path']}#{row['key']}")
        weight = len(row["values"]) if row["kind"] == "personal_data" else 1
        planted[row["kind"]] = planted.get(row["kind"], 0) + weight
        handled[row["kind"]] = handled.get(row["kind"], 0) + _handled(row, text, texts, source)
    bad = {f"{source}/{row['path']}#{row['key']}" for row in rows if row["expected"] == "drop"}
    bad |= {f"{source}/{row['path']}#{row['original']}" for row in rows if row["original"]}
    known = {f"{source}/{row['path']}#{row['key']}" for row in rows}
    lost = [identifier for identifier in dropped["id"].unique(maintain_order=True).to_list() if identifier in known]
    right = sum(identifier in bad for identifier in lost)
    table = [
        {"kind": kind, "planted": planted[kind], "handled": handled[kind], "recall": handled[kind] / planted[kind], "precision": None}
        for kind in sorted(planted)
        if planted[kind]
    ]
    table.append({"kind": "all dropped", "planted": len(lost), "handled": right, "recall": None, "precision": right / len(lost) if lost else None})
    schema = {"kind": pl.String, "planted": pl.Int64, "handled": pl.Int64, "recall": pl.Float64, "precision": pl.Float64}
    return pl.DataFrame(table, schema=schema)


def _handled(row: dict[str, Any], text: str | None, texts: dict[str, str], source: str) -> int:
    """Return how much of one record's noise is gone (for clean records: whether it is still there)."""
    match row["expected"]:
        case "keep":
            return int(text is not None)
        case "mask":
            return sum(text is None or value not in text for value in row["values"])
        case _:
            twin = row["original"] and f"{source}/{row['path']}#{row['original']}" in texts
            return int(text is None or (row["original"] is not None and not twin))
