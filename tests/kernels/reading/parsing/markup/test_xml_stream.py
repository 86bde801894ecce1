import io

import pytest

from kernels.reading.parsing.markup.xml_stream import Newest, XmlError, xml_records


def read(xml: str, max_bytes: int = 1000, newest: Newest | None = None) -> list[tuple[str, bool]]:
    return [(record.element.get("id", ""), record.is_too_large) for record in xml_records(io.BytesIO(xml.encode()), max_bytes, newest)]


LARGE = "x" * 300_000


@pytest.mark.parametrize(
    "record",
    [
        f'<r id="2">{LARGE}</r>', f'<r id="2"><a><b>{LARGE}</b></a></r>', f'<r id="2" body="{LARGE}" />', f'<r id="2" body="{LARGE}"><a>b</a></r>',
        f'<r id="2" body="{">" * 300_000}"/>', f"<r id=\"2\" body='{chr(34) * 300_000}' />", '<r id="2">' + "<a>b</a>" * 50_000 + "</r>",
    ],
    ids=["text", "nested text", "attribute", "attribute and content", "brackets in an attribute", "quotes in an attribute", "many elements"],
)  # fmt: skip
def test_a_record_that_is_too_large_is_told_and_the_next_is_read(record: str):
    assert read(f'<root>\n<r id="1">a</r>\n{record}\n<r id="3">c</r></root>') == [("1", False), ("2", True), ("3", False)]


def test_a_tag_that_is_too_large_and_never_ends_is_a_broken_file():
    with pytest.raises(XmlError, match="truncated"):
        read(f'<root><r id="1" body="{LARGE}')


def test_of_the_parts_of_a_record_the_newest_is_kept_and_its_size_alone_counts():
    parts = "".join(f"<part><day>{day}</day><text>{'x' * size}</text></part>" for day, size in (("2", 900), ("3", 5), ("1", 5000)))
    (record,) = xml_records(io.BytesIO(f"<root><r>{parts}</r></root>".encode()), 1000, Newest("part", "day"))
    assert [part.findtext("day") for part in record.element] == ["3"]
    assert not record.is_too_large


def test_a_record_whose_newest_part_is_too_large_is_too_large():
    parts = f"<part><day>1</day></part><part><day>2</day><text>{'x' * 5000}</text></part>"
    assert read(f"<root><r>{parts}</r><r/></root>", newest=Newest("part", "day")) == [("", True), ("", False)]
