r"""The one document type: the Arrow schema that every corpus table shares, and conversations written as text.

A conversation's text is its truth: ChatML turns (``<|im_start|>role\n...<|im_end|>\\n``), so that filters, masking and
deduplication treat it as any other document, and `parse_conversation` reads it back. A preference pair is a conversation
with one more turn of the role ``rejected`` behind the last ``assistant`` turn.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import TypedDict

import pyarrow as pa

from kernels.specs import Document, Reject

DOCUMENTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "source/path#key, unique in the recipe"}),
        pa.field("text", pa.string(), nullable=False, metadata={"description": "the extracted text"}),
        pa.field("source", pa.string(), nullable=False, metadata={"description": "the recipe's name of the source"}),
        pa.field("path", pa.string(), nullable=False, metadata={"description": "file, relative to the source's root"}),
        pa.field("title", pa.string(), metadata={"description": "title, where the format has one"}),
        pa.field("url", pa.string(), metadata={"description": "address, where the format has one"}),
        pa.field("metadata", pa.string(), nullable=False, metadata={"description": "what else the format tells, as JSON"}),
    ]
)
REJECTS = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False, metadata={"description": "file, relative to the source's root"}),
        pa.field("key", pa.string(), nullable=False, metadata={"description": "record within the file"}),
        pa.field("reason", pa.string(), nullable=False, metadata={"description": "why the record is not a document"}),
        pa.field("detail", pa.string(), nullable=False, metadata={"description": "the offending value"}),
    ]
)

PIECE_CHARS = 1 << 22
PIECE_RECORDS = 10_000

_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>(?:\n|$)", re.DOTALL)


class Turn(TypedDict):
    """One message of a conversation."""

    role: str
    content: str


def document_table(source: str, path: str, documents: Iterable[Document]) -> pa.Table:
    """Return documents of one file as a table of schema `DOCUMENTS`."""
    rows = [
        {
            "id": f"{source}/{path}#{document.key}",
            "text": document.text,
            "source": source,
            "path": path,
            "title": document.title,
            "url": document.url,
            "metadata": json.dumps(dict(document.metadata), ensure_ascii=False, sort_keys=True),
        }
        for document in documents
    ]
    return pa.Table.from_pylist(rows, schema=DOCUMENTS)


def reject_table(path: str, rejects: Iterable[Reject]) -> pa.Table:
    """Return rejects of one file as a table of schema `REJECTS`."""
    return pa.Table.from_pylist([{"path": path, **reject._asdict()} for reject in rejects], schema=REJECTS)


def record_tables(source: str, path: str, records: Iterable[Document | Reject]) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield what one file holds piece by piece: documents (schema `DOCUMENTS`) and rejects (schema `REJECTS`), in order."""
    documents: list[Document] = []
    rejects: list[Reject] = []
    size = 0
    for record in records:
        if isinstance(record, Document):
            documents.append(record)
            size += len(record.text)
        else:
            rejects.append(record)
        if size >= PIECE_CHARS or len(documents) + len(rejects) >= PIECE_RECORDS:
            yield document_table(source, path, documents), reject_table(path, rejects)
            documents, rejects, size = [], [], 0
    yield document_table(source, path, documents), reject_table(path, rejects)


def render_conversation(turns: Iterable[Turn]) -> str:
    """Return turns as ChatML text."""
    return "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in turns)


def parse_conversation(text: str) -> list[Turn]:
    """Return the turns of ChatML text, and none where the text is no conversation."""
    return [Turn(role=match[1], content=match[2]) for match in _TURN.finditer(text)]
