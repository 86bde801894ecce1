"""The check that every conversation of a corpus table is whole."""

from pathlib import Path

import pyarrow as pa
import pytest

from assets.corpus.names import CLEAN, DEDUPLICATED, DOCUMENTS, FILTERED
from assets.corpus.suites import corpus_suites
from assets.graph.artifact import SHARDS
from kernels.documents.conversations import conversation
from kernels.documents.schema import document_table
from kernels.specs.sources import Document
from kernels.specs.turns import Turn
from resources.storage.home import Home
from resources.storage.manifest import Cell
from tests.small_graphs import artifact, graph_of, judging, observed, put_cell

KEY = "chats.base.000"
CHECK = "conversations_are_whole"
SYSTEM, ASKED, ANSWER = Turn("system", "You are a guide."), Turn("user", "Why bands?"), Turn("assistant", "To tell towers apart.")


def judged(tmp_path: Path, asset: str, table: pa.Table) -> tuple[bool, str]:
    """Return whether a table passes the check, and what was found; nothing else about it is wrong."""
    home, cell = Home.resolve(tmp_path, {}), Cell("r", asset, KEY)
    put_cell(home.lake(), cell, num_rows=table.num_rows, documents=table)
    graph = graph_of(artifact(asset, lambda build: None, partitioning=SHARDS))
    (suite,) = [suite for suite in corpus_suites({}) if suite.asset == asset]
    assert {check.name: check.blocking for check in suite.checks}[CHECK]
    findings = suite.evaluate(judging(home, graph, observed(KEY)), [cell])[cell]
    assert [name for name, finding in findings.items() if not finding.passed and name != CHECK] == []
    return findings[CHECK].passed, findings[CHECK].description


def table(*talks: list[Turn]) -> pa.Table:
    return document_table("chats", "f", [Document("plain", "some text"), *(conversation(str(key), talk) for key, talk in enumerate(talks))])


@pytest.mark.parametrize("asset", [DOCUMENTS, FILTERED, DEDUPLICATED, CLEAN])
def test_whole_conversations_pass_at_every_stage(asset: str, tmp_path: Path) -> None:
    assert judged(tmp_path, asset, table([SYSTEM, ASKED, ANSWER], [ASKED, ANSWER, Turn("rejected", "No.")])) == (True, "3 rows, all good")


@pytest.mark.parametrize(
    ("talk", "found"),
    [
        # What cutting a passage together with the end of its turn leaves: one turn less, and its neighbours side by side.
        ([SYSTEM, ANSWER], "role_order: system assistant"),
        ([ASKED, ANSWER, ANSWER], "role_order: user assistant assistant"),
        ([ASKED, Turn("assistant", " ")], "empty_turn: turn 2 of user assistant"),
    ],
)
def test_a_conversation_that_lost_a_turn_stops_its_partition(talk: list[Turn], found: str, tmp_path: Path) -> None:
    passed, description = judged(tmp_path, CLEAN, table([ASKED, ANSWER], talk))
    assert not passed and "1 of 3 rows fail" in description and found in description


def test_a_text_that_is_not_that_of_its_turns_stops_its_partition(tmp_path: Path) -> None:
    whole = table([ASKED, ANSWER])
    spoiled = whole.set_column(1, whole.schema.field("text"), pa.array(["some text", "Why bands?"]))
    passed, description = judged(tmp_path, CLEAN, spoiled)
    assert not passed and "the text is not that of the turns" in description
