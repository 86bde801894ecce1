"""Labels of planted noise, and how well curation did against them.

A label says of one record what it is and what curation should do: keep it, drop it, or mask the values planted in it. Of a record and
its duplicates any one may stay.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import polars as pl

LABELS_FILE = ".labels.jsonl"
"""Beside the files of a source that has labels: one a line."""
Kind = Literal["clean", "boilerplate", "exact_duplicate", "near_duplicate", "personal_data", "foreign"]
EXPECTED: dict[str, str] = {
    "clean": "keep",
    "boilerplate": "drop",
    "exact_duplicate": "drop",
    "near_duplicate": "drop",
    "personal_data": "mask",
    "foreign": "drop",
}
DUPLICATES = ("exact_duplicate", "near_duplicate")
FAMILIES = {"language": "foreign", "exact": "duplicates", "minhash": "duplicates"}
"""What a reason to drop speaks of; every other reason speaks of boilerplate."""


class Label(NamedTuple):
    """What one rendered record is."""

    path: str
    key: str
    kind: Kind
    expected: str
    original: str | None
    """Key of the record it repeats, for duplicates; keys are unique in a data set, so it may stand in another file."""
    values: list[str]
    """Personal data planted in it."""


def label(path: str, key: str, kind: Kind, original: str | None = None, values: list[str] | None = None) -> Label:
    """Return a label with what its kind expects."""
    return Label(path, key, kind, EXPECTED[kind], original, values or [])


def score_curation(labels: "pl.DataFrame", kept: "pl.DataFrame", dropped: "pl.DataFrame", source: str) -> "pl.DataFrame":
    """Return one row a kind of noise: how much was planted, how much curation handled, and how right its drops were.

    Args:
        labels: columns of `Label`.
        kept: ``id`` and ``text`` of the documents that stay.
        dropped: ``id`` and ``reason`` of everything that does not, records that gave no document among them.
        source: the recipe's name of the source, part of the ids.

    Returns:
        ``kind, planted, handled, recall, precision``. Planted and handled count records, for ``personal_data`` values. Precision is the
        share of records dropped for the kind's family of reasons (both kinds of duplicates are one family) that were planted to be
        dropped, null where nothing was dropped for it. The row ``all dropped`` is that of every reason together; ``clean``
        counts clean records that were kept.
    """
    import polars as pl

    rows: list[dict[str, Any]] = [{**row, "id": f"{source}/{row['path']}#{row['key']}"} for row in labels.to_dicts()]
    texts: dict[str, str] = dict(zip(kept["id"].to_list(), kept["text"].to_list(), strict=True))
    planted: dict[str, int] = {}
    handled: dict[str, int] = {}
    for row, done in zip(rows, _handled(rows, texts), strict=True):
        weight = len(row["values"]) if row["kind"] == "personal_data" else 1
        planted[row["kind"]] = planted.get(row["kind"], 0) + weight
        handled[row["kind"]] = handled.get(row["kind"], 0) + done
    verdicts = _verdicts(rows, dropped)
    table = [
        {"kind": kind, "planted": count, "handled": handled[kind], "recall": handled[kind] / count, "precision": _precision(kind, verdicts)}
        for kind, count in sorted(planted.items())
        if count
    ]
    right = [is_right for found in verdicts.values() for is_right in found]
    precision = sum(right) / len(right) if right else None
    table.append({"kind": "all dropped", "planted": len(right), "handled": sum(right), "recall": None, "precision": precision})
    schema = {"kind": pl.String, "planted": pl.Int64, "handled": pl.Int64, "recall": pl.Float64, "precision": pl.Float64}
    return pl.DataFrame(table, schema=schema)


def _handled(rows: list[dict[str, Any]], texts: dict[str, str]) -> list[int]:
    """Return how much of each record's noise is gone (for clean records: whether it is still there)."""
    repeated = {row["original"] for row in rows if row["original"]}
    standing = {row["key"] for row in rows if row["key"] in repeated and row["id"] in texts}
    done: list[int] = []
    for row in rows:
        text = texts.get(row["id"])
        if row["kind"] in DUPLICATES and text is not None and row["original"] not in standing:
            standing.add(row["original"])  # the copy that may stay
            done.append(1)
        elif row["expected"] == "mask":
            done.append(sum(text is None or value not in text for value in row["values"]))
        else:
            done.append(int((text is not None) == (row["expected"] == "keep")))
    return done


def _verdicts(rows: list[dict[str, Any]], dropped: "pl.DataFrame") -> dict[str, list[bool]]:
    """Return for each family of reasons, record by record, whether it was right to drop it."""
    repeated = {row["original"] for row in rows if row["original"]}
    known = {row["id"]: row for row in rows}
    verdicts: dict[str, list[bool]] = {}
    reasons: dict[str, str] = dict(zip(dropped["id"].to_list(), dropped["reason"].to_list(), strict=True))
    for identifier, reason in reasons.items():
        row = known.get(identifier)
        if row is None:
            continue
        family = FAMILIES.get(reason, "boilerplate")
        is_twin = family == "duplicates" and row["key"] in repeated
        verdicts.setdefault(family, []).append(row["expected"] == "drop" or is_twin)
    return verdicts


def _precision(kind: str, verdicts: dict[str, list[bool]]) -> float | None:
    right = verdicts.get("duplicates" if kind in DUPLICATES else kind)
    return sum(right) / len(right) if right else None
