"""Rules on span-labelled sentences: what was reached stays reached."""

import json
from pathlib import Path

import polars as pl
import pytest

from kernels.curation.personal.detection import find_by_rules
from kernels.curation.personal.spans import RuleKind


@pytest.mark.parametrize(
    ("kind", "label", "recall"),
    [("email", "EMAIL_ADDRESS", 1), ("phone", "PHONE_NUMBER", 0.95), ("card", "CREDIT_CARD", 1), ("iban", "IBAN_CODE", 1), ("ssn", "US_SSN", 1)],
)
def test_a_kind_is_found_exactly_where_it_is_labelled(shared_data: Path, kind: RuleKind, label: str, recall: float) -> None:
    rows = json.loads((shared_data / "pii-presidio" / "synth_dataset_v2.json").read_text())
    found = find_by_rules(pl.Series([row["full_text"] for row in rows]), (kind,))
    ours = {(number, span.start, span.end) for number, spans in found.items() for span in spans}
    labelled = set[tuple[int, int, int]]()
    for number, row in enumerate(rows):
        labelled |= {(number, span["start_position"], span["end_position"]) for span in row["spans"] if span["entity_type"] == label}
    assert ours <= labelled
    assert len(ours) >= recall * len(labelled)
