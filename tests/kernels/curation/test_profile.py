"""What a stage did, gathered piece by piece; and the pictures of a corpus."""

import pyarrow as pa

from kernels.charts.corpus import plot_outcomes, plot_reasons
from kernels.curation.filtering.chain import DROPPED, TAGS
from kernels.curation.profile import SAMPLE_SIZE, Profile
from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.specs.sources import Document
from kernels.specs.turns import Turn


def _documents(start: int, count: int) -> pa.Table:
    return document_table("s", "f", [Document(str(number), "x" * (number + 1)) for number in range(start, start + count)])


def _dropped(*reasons: str) -> pa.Table:
    rows = [{"id": f"s/f#{number}", "filter": "f", "reason": reason, "value": 1.0, "text": "gone"} for number, reason in enumerate(reasons)]
    return pa.Table.from_pylist(rows, schema=DROPPED)


def test_kept_and_dropped_are_counted_with_shares_and_bars() -> None:
    profile = Profile()
    profile.keep(_documents(0, 2))
    profile.drop(_dropped("short", "short"))
    assert profile.outcome_rows() == [
        {"outcome": "kept", "documents": 2, "share": "50.0%", "": "█" * 24},
        {"outcome": "short", "documents": 2, "share": "50.0%", "": "█" * 24},
    ]


def test_lengths_fall_into_powers_of_two_and_their_quantiles_are_told() -> None:
    profile = Profile()
    profile.keep(_documents(0, 4))  # 1, 2, 3 and 4 characters
    assert [(row["characters"], row["documents"]) for row in profile.length_rows()] == [("1+", 1), ("2+", 2), ("4+", 1)]
    assert profile.length_quantiles()["p50"] == 2.5


def test_pieces_give_the_same_samples_as_the_whole() -> None:
    whole, pieces = Profile(), Profile()
    whole.keep(_documents(0, 100))
    for start in range(0, 100, 10):
        pieces.keep(_documents(start, 10))
    assert len(whole.kept_rows()) == SAMPLE_SIZE
    assert whole.kept_rows() == pieces.kept_rows()


def test_samples_of_dropped_documents_tell_the_reason() -> None:
    profile = Profile()
    profile.drop(_dropped("short"))
    assert profile.dropped_rows() == [{"dropped": "s/f#0", "text": "(short) gone"}]


def test_languages_come_from_tags() -> None:
    rows = [{"id": "a", "filter": "language", "name": "language", "label": "vi", "value": None}] * 3
    rows += [{"id": "a", "filter": "x", "name": "other", "label": "no language", "value": None}]
    profile = Profile()
    profile.tag(pa.Table.from_pylist(rows, schema=TAGS))
    assert profile.language_shares() == {"vi": 1.0}


def test_nothing_seen_has_empty_tables_and_no_quantiles() -> None:
    profile = Profile()
    assert (profile.length_rows(), profile.kept_rows(), profile.length_quantiles(), profile.language_shares()) == ([], [], {}, {})


def test_pictures_are_small_files_for_any_number_of_sources() -> None:
    row = {"source": "web", "records": 10, "kept": 5, "rejected": 1, "filtered": 2, "duplicates": 1, "emptied": 0, "contaminated": 1}
    reasons = [{"source": "web", "stage": "filtered", "reason": "gopher_short_words", "documents": 2}]
    for rows in ([], [row], [{**row, "source": f"s{number}"} for number in range(9)]):
        schema = None if rows else pa.schema([(name, pa.string() if name == "source" else pa.int64()) for name in row])
        image = plot_outcomes(pa.Table.from_pylist(rows, schema=schema))
        assert image.startswith(b"\x89PNG") and len(image) < 50_000
    image = plot_reasons(pa.Table.from_pylist(reasons))
    assert image.startswith(b"\x89PNG") and len(image) < 50_000


def test_a_conversation_is_shown_with_who_says_what() -> None:
    profile = Profile()
    profile.keep(document_table("s", "f", [conversation("0", [Turn("user", "Why?"), Turn("assistant", "So.")])]))
    assert profile.kept_rows() == [{"kept": "s/f#0", "text": "user: Why?\n\nassistant: So."}]
