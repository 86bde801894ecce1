import bz2
import io
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from kernels.reading.formats.stackexchange import SPEC, StackExchangeConfig
from kernels.reading.parsing.markup.markup import markdown
from kernels.specs.sources import Document, Reject, SourceFile


def config(**chosen: Any) -> StackExchangeConfig:
    values: dict[str, Any] = {"answer": "accepted_or_best", "min_question_score": 1, "min_answer_score": 1, "max_bytes": 10_000}
    return StackExchangeConfig.model_validate(values | chosen)


def row(**fields: Any) -> str:
    return "  <row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in fields.items() if value is not None) + " />\n"


def question(id: int, **fields: Any) -> str:
    values = {
        "Id": id, "PostTypeId": 1, "CreationDate": "2019-01-01T00:00:00.000", "Score": 5, "Body": "<p>How?</p>", "Title": f"Question {id}",
        "Tags": "<python><list>", "AnswerCount": 1, "ContentLicense": "CC BY-SA 4.0",
    }  # fmt: skip
    return row(**values | fields)


def answer(id: int, parent: int, **fields: Any) -> str:
    values = {"Id": id, "PostTypeId": 2, "ParentId": parent, "CreationDate": "2010-01-01T00:00:00.000", "Score": 3, "Body": f"<p>Answer {id}.</p>"}
    return row(**values | fields)


def read(*rows: str, path: str = "Posts.xml", head: str = "", **chosen: Any) -> list[Document | Reject]:
    data = ('<?xml version="1.0" encoding="utf-8"?>\n' + head + "<posts>\n" + "".join(rows) + "</posts>").encode()
    packed = bz2.compress(data) if path.endswith(".bz2") else data
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(packed)), config(**chosen)))


def rejects(items: list[Document | Reject]) -> list[tuple[str, str]]:
    return [(item.key, item.reason) for item in items if isinstance(item, Reject)]


def answers(items: list[Document | Reject]) -> list[int]:
    return [item.metadata["answer_id"] for item in items if isinstance(item, Document)]


@pytest.mark.parametrize("path", ["Posts.xml", "Posts.xml.bz2"])
def test_a_question_and_its_answer_are_one_document(path: str):
    (document,) = read(question(1, AcceptedAnswerId=2), answer(2, 1), path=path, site="stackoverflow.com")
    assert document == Document(
        key="1",
        text="# Question 1\n\nHow?\n\n## Answer\n\nAnswer 2.",
        title="Question 1",
        url="https://stackoverflow.com/questions/1",
        metadata={
            "score": 5,
            "tags": ["python", "list"],
            "created": "2019-01-01T00:00:00.000",
            "licence": "CC BY-SA 4.0",
            "answer_id": 2,
            "answer_score": 3,
            "answer_licence": "CC BY-SA 2.5",
            "is_accepted": True,
        },
    )


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [("accepted", [2]), ("best", [3]), ("accepted_or_best", [2])],
)
def test_the_answer_is_the_one_that_the_recipe_asks_for(choice: str, chosen: list[int]):
    rows = [question(1, AcceptedAnswerId=2, AnswerCount=3), answer(3, 1, Score=9), answer(2, 1, Score=0), answer(4, 1, Score=9)]
    items = read(*rows, answer=choice)
    assert answers(items) == chosen
    assert len(rejects(items)) == 2


def test_without_an_accepted_answer_the_best_is_taken_where_that_is_allowed():
    rows = [question(1, AnswerCount=2), answer(2, 1), answer(3, 1, Score=4)]
    assert answers(read(*rows)) == [3]
    assert rejects(read(*rows, answer="accepted"))[0] == ("1", "no_accepted_answer")


def test_an_answer_far_behind_its_question_is_found():
    far = read(question(1), *(question(number, AnswerCount=0) for number in range(10, 500)), answer(1000, 1))
    assert answers(far) == [1000]


def test_a_count_that_promises_too_many_answers_does_not_lose_the_document():
    assert answers(read(question(1, AnswerCount=9), answer(2, 1))) == [2]
    assert answers(read(question(1, AnswerCount=None), answer(2, 1), answer(3, 1, Score=7))) == [3]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([question(1, Score=0)], [("1", "low_score")]),
        ([question(1, AnswerCount=0)], [("1", "no_answer")]),
        ([question(1), answer(2, 1, Score=0)], [("2", "not_chosen"), ("1", "no_answer")]),
        ([answer(2, 1)], [("2", "no_question")]),
        ([question(1, AcceptedAnswerId=3, AnswerCount=2), answer(2, 1, Score=50), answer(3, 1)], [("2", "not_chosen")]),
        ([row(Id=5, PostTypeId=4, Score=0)], [("5", "not_a_question")]),
        ([question(1, Score="many")], [("1", "schema")]),
        ([question(1), question(1)], [("1", "duplicate_key"), ("1", "no_answer")]),
        ([question(1, Body=""), answer(2, 1)], [("1", "no_text")]),
    ],
)
def test_every_post_that_is_no_part_of_a_document_is_a_reject(rows: list[str], expected: list[tuple[str, str]]):
    assert rejects(read(*rows)) == expected


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE posts [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n',
        '<!DOCTYPE posts [<!ENTITY file SYSTEM "file:///etc/passwd">]>\n',
        '<!DOCTYPE posts SYSTEM "http://127.0.0.1:1/posts.dtd">\n',
    ],
)
def test_a_file_that_declares_entities_or_points_outside_is_refused(head: str):
    assert rejects(read(question(1), answer(2, 1), head=head)) == [("after the start", "forbidden_xml")]


@pytest.mark.parametrize("body", ["x" * 20_000, "x" * 200_000, ">" * 200_000])
def test_a_post_past_the_bound_is_a_reject_and_the_next_is_read(body: str):
    items = read(question(1), answer(2, 1), question(3, Body=body), question(4), answer(5, 4))
    assert answers(items) == [2, 5]
    assert rejects(items) == [("3", "too_large")]


def test_a_cut_file_and_a_garbled_one_give_what_stood_before():
    whole = question(1) + answer(2, 1)
    for rest, reason in (("<row Id=", "truncated"), ("<row Id=1 />", "invalid_xml"), ("<a>" * 100, "forbidden_xml")):
        data = ("<posts>" + whole + rest).encode()
        items = list(SPEC.read(SourceFile("Posts.xml", lambda data=data: io.BytesIO(data)), config()))
        assert answers(items) == [2]
        assert rejects(items) == [("after post 2", reason)]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a <code>b &lt; c</code> &amp; <strong>d</strong></p>", "a `b < c` & **d**"),
        ('<pre class="lang-py prettyprint-override"><code>if a:\n    b &lt; c\n</code></pre>', "```py\nif a:\n    b < c\n```"),
        ("<pre><code>x = ```</code></pre>", "````\nx = ```\n````"),
        ('<p>see <a href="https://a.b/?x=1&amp;y=2">this</a> or <a href="javascript:x">that</a></p>', "see [this](https://a.b/?x=1&y=2) or that"),
        ("<p>a</p><ul><li>b<ol><li>c</li><li>d</li></ol></li><li><p>e</p></li></ul><p>f</p>", "a\n\n- b\n  1. c\n  2. d\n- e\n\nf"),
        ("<blockquote><p>a<br>b</p></blockquote><h2>c</h2><hr>", "> a\n> b\n\n## c\n\n---"),
        ("a<script>alert(1)</script><!-- b --> c", "a c"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p>=cmd|' /C calc'!A0</p>", "=cmd|' /C calc'!A0"),
    ],
)
def test_bodies_become_markdown_with_their_code_kept(html: str, text: str):
    assert markdown(html) == text


@pytest.mark.parametrize(
    ("piece", "end"),
    [
        ("<", "<<<the end"), ("<a ", "<a the end"), ('<a "', '<a "the end'), ("<ul><li>", "- the end"), ("<blockquote>", "> the end"),
        ("<a>x", "xxxthe end"), ("<!--", "begin"), ("</li>", "\nthe end"), ("<pre>", "the end\n```"), ("&", "&&the end"),
        ("&#xD800;", "\ufffd\ufffdthe end"),
    ],
)  # fmt: skip
def test_bodies_of_endless_markup_are_read_to_their_end(piece: str, end: str):
    text = markdown("begin " + piece * 20_000 + "the end")
    assert text.startswith("begin")
    assert text.endswith(end)
    assert text.encode("utf-8")
