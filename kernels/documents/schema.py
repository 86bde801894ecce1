"""The one document type: the Arrow schema that every corpus table shares, and that of records which became none."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

import pyarrow as pa

from kernels.documents.conversations import TURNS, turns_column
from kernels.documents.pieces import text_of
from kernels.specs.sources import Document, Reject

DOCUMENTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"description": "source/path#key, unique in the recipe"}),
        pa.field("text", pa.string(), nullable=False, metadata={"description": "the extracted text"}),
        pa.field("source", pa.string(), nullable=False, metadata={"description": "the recipe's name of the source"}),
        pa.field("path", pa.string(), nullable=False, metadata={"description": "file, relative to the source's root"}),
        pa.field("title", pa.string(), metadata={"description": "title, where the format has one"}),
        pa.field("url", pa.string(), metadata={"description": "address, where the format has one"}),
        pa.field("metadata", pa.string(), nullable=False, metadata={"description": "what else the format tells, as JSON"}),
        pa.field("turns", TURNS, metadata={"description": "of a conversation: who says what, from which the text is derived"}),
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


def document_table(source: str, path: str, documents: Iterable[Document]) -> pa.Table:
    """Return documents of one file as a table of schema `DOCUMENTS`; the text of a conversation is that of its turns."""
    held = list(documents)
    rows = [
        {
            "id": f"{source}/{path}#{document.key}",
            "text": document.text if document.turns is None else text_of(document.turns),
            "source": source,
            "path": path,
            "title": document.title,
            "url": document.url,
            "metadata": json.dumps(_told(document), ensure_ascii=False, sort_keys=True),
        }
        for document in held
    ]
    fields: list[Any] = [cast(Any, DOCUMENTS).field(name) for name in DOCUMENTS.names]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields[:-1]))
    return table.append_column(fields[-1], turns_column(document.turns for document in held))


def _told(document: Document) -> dict[str, Any]:
    """Return a document's metadata, with what of it is left out."""
    return dict(document.metadata) | ({"losses": dict(document.losses)} if document.losses else {})


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
