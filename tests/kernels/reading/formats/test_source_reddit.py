import gzip
import io
import json
from typing import Any

import pytest
import zstandard

from kernels.reading.formats.reddit import SPEC, RedditConfig
from kernels.specs.sources import Document, Reject, SourceFile


def config(**chosen: Any) -> RedditConfig:
    values: dict[str, Any] = {"collect": "threads", "order": "grouped", "min_comment_score": 1, "max_comments": 100, "max_bytes": 10_000}
    return RedditConfig.model_validate(values | chosen)


def submission(id: str, title: str = "A question", text: str = "What is it?", **fields: Any) -> dict[str, Any]:
    return {
        "id": id, "title": title, "selftext": text, "score": 10, "author": "ann", "created_utc": 1500000000, "subreddit": "ask",
        "permalink": f"/r/ask/comments/{id}/", "is_self": True, "url": f"https://www.reddit.com/r/ask/comments/{id}/", **fields,
    }  # fmt: skip


def comment(id: str, thread: str, body: str, parent: str = "", **fields: Any) -> dict[str, Any]:
    parent_id = f"t1_{parent}" if parent else f"t3_{thread}"
    return {
        "id": id, "link_id": f"t3_{thread}", "parent_id": parent_id, "body": body, "score": 5, "author": "bob", "created_utc": 1500000001,
        "subreddit": "ask", **fields,
    }  # fmt: skip


def read(*records: Any, path: str = "RS_2019-04", **chosen: Any) -> list[Document | Reject]:
    data = "".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records).encode()
    packed = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}.get(path.rpartition(".")[2], bytes)(data)
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(packed)), config(**chosen)))


def rejects(items: list[Document | Reject]) -> list[tuple[str, str]]:
    return [(item.key, item.reason) for item in items if isinstance(item, Reject)]


def texts(items: list[Document | Reject]) -> list[str]:
    return [item.text for item in items if isinstance(item, Document)]


def test_a_thread_is_its_submission_and_its_comments_as_a_nested_list():
    (thread,) = read(
        submission("a"), comment("b", "a", "It is\n\nthis &gt; that."), comment("c", "a", "Thanks!", parent="b"), comment("d", "a", "Or not.")
    )
    assert thread == Document(
        key="a",
        text="# A question\n\nWhat is it?\n\n- It is\n\n  this > that.\n  - Thanks!\n- Or not.",
        title="A question",
        url="https://www.reddit.com/r/ask/comments/a/",
        metadata={"kind": "thread", "subreddit": "ask", "num_comments": 3, "score": 10, "created": 1500000000},
    )


@pytest.mark.parametrize("path", ["RS_2019-04", "RS_2019-04.zst", "RS_2019-04.jsonl.gz"])
def test_archives_are_read_as_they_are_packed(path: str):
    assert len(texts(read(submission("a"), submission("b"), path=path))) == 2


def test_scattered_comments_find_their_thread_wherever_they_stand():
    records = [comment("c", "a", "First."), submission("b"), comment("d", "b", "Second."), submission("a"), comment("e", "a", "Third.")]
    assert texts(read(*records, order="scattered")) == [
        "# A question\n\nWhat is it?\n\n- First.\n- Third.",
        "# A question\n\nWhat is it?\n\n- Second.",
    ]


def test_a_thread_that_comes_back_in_a_grouped_file_is_refused_with_the_remedy():
    *_, last = read(submission("a"), submission("b"), comment("c", "a", "Late."))
    assert last == Reject("t1_c", "scattered_thread", "thread a has ended before; read the file with order: scattered")


def test_a_file_of_comments_alone_gives_threads_without_a_title():
    (thread,) = read(comment("b", "a", "One."), comment("c", "a", "Two."), path="RC_2019-04")
    assert isinstance(thread, Document)
    assert (thread.key, thread.title, thread.text) == ("a", None, "- One.\n- Two.")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"score": 2}, "low_score"),
        ({"selftext": "[deleted]", "author": "[deleted]"}, "deleted"),
        ({"selftext": "[removed]"}, "removed"),
        ({"author": "AutoModerator"}, "automoderator"),
        ({"author": "remind_bot"}, "bot"),
        ({"author": "Helper"}, "bot"),
        ({"selftext": "I am a bot, and this was done automatically."}, "bot"),
        ({"selftext": " "}, "no_text"),
    ],
)
def test_a_submission_that_must_not_be_used_goes_with_its_thread(fields: dict[str, Any], reason: str):
    comments = [] if reason == "no_text" else [comment("b", "a", "Nice.")]
    assert rejects(read(submission("a", **fields), *comments, bots=["helper"])) == [("t3_a", reason)]
    assert texts(read(submission("a", **fields), *comments, bots=["helper"])) == []


def test_the_karma_rule_is_three_and_above():
    assert [item.key for item in read(submission("a", score=3), submission("b", score=2)) if isinstance(item, Document)] == ["a"]


def test_a_refused_comment_leaves_its_answers_in_place():
    items = read(submission("a"), comment("b", "a", "[removed]"), comment("c", "a", "Answer.", parent="b"), comment("d", "a", "Bad.", score=0))
    assert texts(items) == ["# A question\n\nWhat is it?\n\n- Answer."]
    assert rejects(items) == [("t1_b", "removed"), ("t1_d", "low_score")]


def test_comments_that_answer_each_other_in_a_ring_are_not_lost():
    items = read(comment("b", "a", "One.", parent="c"), comment("c", "a", "Two.", parent="b"), comment("d", "a", "Self.", parent="d"))
    assert sorted(texts(items)[0].replace("  ", "").splitlines()) == ["- One.", "- Self.", "- Two."]


def test_a_thread_of_any_depth_is_written():
    items = read(submission("a"), *(comment(f"c{n}", "a", "x", parent=f"c{n - 1}" if n else "") for n in range(3000)), max_comments=5000)
    assert texts(items)[0].count("- x") == 3000


def test_a_thread_stays_within_its_bounds():
    few = read(submission("a"), comment("b", "a", "One."), comment("c", "a", "Two."), max_comments=1)
    assert rejects(few) == [("t1_c", "thread_full")]
    short = read(submission("a"), comment("b", "a", "x" * 300), comment("c", "a", "y" * 300), max_bytes=600)
    assert rejects(short) == [("t1_c", "thread_full")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "invalid_json"),
        ("[1]", "schema"),
        (json.dumps(submission("not an id!")), "schema"),
        (json.dumps(submission("a", created_utc="soon")), "schema"),
        (json.dumps({"id": "a"}), "schema"),
        (json.dumps(submission("a", text="\ud800")), "invalid_unicode"),
        (json.dumps(submission("a", text="x" * 20_000)), "too_large"),
    ],
)
def test_a_damaged_line_is_named_by_its_number(line: str, reason: str):
    assert rejects(read(line, submission("z"))) == [("line 1", reason)]


def test_a_post_given_twice_counts_once():
    assert rejects(read(submission("a"), submission("a"))) == [("line 2", "duplicate_key")]


def test_outlinks_are_the_addresses_that_submissions_of_enough_karma_point_to():
    link = {"is_self": False, "text": ""}
    items = read(
        submission("a", url="https://example.org/x?a=1&amp;b=2", **link),
        submission("b", url="https://example.org/low", score=2, **link),
        submission("c", url="https://i.redd.it/cat.png", **link),
        submission("d", url="javascript:alert(1)", **link),
        submission("e", url="https://example.org/x?a=1&b=2", **link),
        submission("f"),
        comment("g", "a", "https://example.org/in/a/comment"),
        submission("h", url="http://[broken", **link),
        collect="outlinks",
    )
    assert items[0] == Document(
        key="a",
        text="https://example.org/x?a=1&b=2",
        title="A question",
        url="https://example.org/x?a=1&b=2",
        metadata={"kind": "outlink", "subreddit": "ask", "score": 10, "created": 1500000000},
    )
    assert rejects(items) == [
        ("t3_b", "low_score"),
        ("t3_c", "internal_link"),
        ("t3_d", "bad_url"),
        ("t3_e", "duplicate_url"),
        ("t3_f", "internal_link"),
        ("t1_g", "not_a_submission"),
        ("t3_h", "bad_url"),
    ]
