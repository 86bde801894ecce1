"""What holds for every format: one document a key in a file, and a count of how bytes became text."""

from kernels.reading.parsing.unique import Tally, unique_records
from kernels.specs.sources import Document, Reject


def test_the_second_document_of_a_key_is_a_reject_whatever_the_format() -> None:
    tally = Tally()
    records = [Document("a", "one"), Reject("a", "no_text", ""), Document("a", "two", "T"), Document("b", "three", metadata={"num_replaced": 2})]
    assert list(unique_records(records, tally)) == [records[0], records[1], Reject("a", "duplicate_key", "T"), records[3]]
    assert (tally.charsets, tally.replaced) == ({"utf-8": 2}, {"utf-8": 2})


def test_a_format_whose_charsets_come_from_the_files_fills_no_memory() -> None:
    tally = Tally()
    for number in range(1000):
        tally.add(Document(str(number), "x", metadata={"charset": f"made up {number}"}))
    assert len(tally.charsets) <= 65 and tally.charsets.total() == 1000
