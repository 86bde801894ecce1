import json
from collections import Counter

from assets.corpus.documents import counted
from kernels.documents.schema import document_table
from kernels.specs.sources import Document, Reject


def test_what_documents_leave_out_is_counted_over_all_of_them():
    first, second = Document("1", "a", losses={"tables": 2}), Document("3", "c", losses={"tables": 1, "lists": 4})
    records = [first, Reject("2", "redirect", "b"), second, Document("4", "d")]
    losses: Counter[str] = Counter()
    assert list(counted(records, losses)) == records
    assert losses == {"tables": 3, "lists": 4}


def test_a_document_tells_in_its_metadata_what_it_leaves_out():
    table = document_table("s", "p", [Document("1", "a", metadata={"page_id": "1"}, losses={"tables": 2}), Document("2", "b")])
    assert [json.loads(text) for text in table["metadata"].to_pylist()] == [{"page_id": "1", "losses": {"tables": 2}}, {}]
