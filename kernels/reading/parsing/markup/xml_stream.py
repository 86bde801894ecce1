"""The records of large XML files, one after the other, from files of strangers.

Dumps declare no document type, so one that does is refused before it can name entities: neither an expansion that grows without end nor a
file of this machine is ever read. A record above the bound is given without its content, and the reading goes on behind it.
"""

import io
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.parsers import expat

from kernels.reading.parsing.markup.giant_tags import GiantTag

MAX_DEPTH = 64
"""Elements within elements; dumps have four."""

_CHUNK_BYTES = 1 << 16
_RECORD, _PART = 2, 3


class XmlError(Exception):
    """An XML file that cannot be read on: the reject's reason and detail."""

    def __init__(self, reason: str, detail: str) -> None:
        """State a short fixed code and what was found."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Newest(NamedTuple):
    """Of the children of a record with this tag only the one with the highest value of a field is kept, the later of equals."""

    tag: str
    field: str


class Record(NamedTuple):
    """A child of the root, without the prefixes of namespaces; one that is too large holds what stood before it grew so."""

    element: Element
    is_too_large: bool


class _Records:
    """Builds the children of the root and gives each away once it is whole."""

    def __init__(self, max_bytes: int, newest: Newest | None) -> None:
        self.max_bytes = max_bytes
        self.newest = newest
        self.whole: list[Record] = []
        self.depth = 0
        self._root = ""
        self._size = self._size_before_part = 0
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._too_large: set[Element] = set()
        self._skipped_depth = 0
        self._kept_part: Element | None = None
        self.parser = self._new_parser()

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = _CHUNK_BYTES
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        return parser

    def _refuse(self, name: str, system: str | None, public: str | None, has_subset: bool) -> None:
        raise XmlError("forbidden_xml", f"declares the document type {name[:100]!r}; dumps declare none")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise XmlError("forbidden_xml", f"elements nested deeper than {MAX_DEPTH}")
        if self.depth < _RECORD:
            self._root = tag
        if self.depth < _RECORD or self._skipped_depth:
            return
        element = Element(tag.rpartition(":")[2], attributes)
        if self.depth == _PART:
            self._size_before_part = self._size
        if self._open:
            self._open[-1].append(element)
        self._open.append(element)
        self._texts.append([])
        self._grow(len(tag) + sum(len(name) + len(value) for name, value in attributes.items()))

    def _text(self, text: str) -> None:
        if self._open and not self._skipped_depth:
            self._texts[-1].append(text)
            self._grow(len(text))

    def _end(self, tag: str) -> None:
        depth, self.depth = self.depth, self.depth - 1
        if depth < _RECORD or depth > self._skipped_depth > 0:
            return
        self._skipped_depth = 0
        element = self._open.pop()
        element.text = "".join(self._texts.pop())
        if depth == _PART and self._is_part(element):
            self._choose(element)
        if depth == _RECORD:
            self.whole.append(Record(element, element in self._too_large or self._kept_part in self._too_large))
            self._size, self._kept_part = 0, None
            self._too_large.clear()

    def _is_part(self, element: Element) -> bool:
        return self.newest is not None and element.tag == self.newest.tag

    def _choose(self, part: Element) -> None:
        """Keep the newer of a record's parts; each may be as large as a record."""
        assert self.newest is not None
        self._size = self._size_before_part
        older, record = self._kept_part, self._open[0]
        if older is not None and part.findtext(self.newest.field, "") < older.findtext(self.newest.field, ""):
            record.remove(part)
            return
        if older is not None:
            record.remove(older)
        self._kept_part = part

    def _grow(self, num_chars: int) -> None:
        self._size += num_chars
        if self._size <= self.max_bytes:
            return
        self._skipped_depth = _PART if len(self._open) > 1 and self._is_part(self._open[1]) else _RECORD
        del self._open[self._skipped_depth - 1 :], self._texts[self._skipped_depth - 1 :]
        for texts in self._texts:
            texts.clear()
        self._too_large.add(self._open[-1])

    def skip_giant(self, giant: GiantTag) -> bytes:
        """Go on behind a record whose one tag is too large, with a parser that has read the root; return what stands behind the tag."""
        self.parser = self._new_parser()
        self.depth = 0
        self.parser.Parse(f"<{self._root}>" if giant.is_whole else f"<{self._root}><{giant.tag}>", False)
        element = Element(giant.tag, giant.first_attributes)
        if giant.is_whole:
            self.whole.append(Record(element, is_too_large=True))
        else:
            self._open[0] = element
            self._too_large.add(element)
            self._skipped_depth = _RECORD
        return giant.rest


def xml_records(stream: io.RawIOBase, max_bytes: int, newest: Newest | None = None) -> Iterator[Record]:
    """Yield each child of the root once it has been read to its end.

    Raises:
        XmlError: the file declares a document type, nests too deep, breaks off, or is not well formed.
    """
    records = _Records(max_bytes, newest)
    giant: GiantTag | None = None
    chunks: list[bytes] = []
    num_fed = 0
    is_last = False
    while not is_last:
        chunk = stream.read(_CHUNK_BYTES) or b""
        is_last = not chunk
        if giant is not None:
            if not giant.feed(chunk):
                continue
            chunk, chunks, num_fed, giant = records.skip_giant(giant), [], records.parser.CurrentByteIndex, None
        error = _parse(records.parser, chunk, is_last)
        yield from records.whole
        records.whole.clear()
        if error is not None:
            raise error
        chunks.append(chunk)
        num_fed += len(chunk)
        num_pending = num_fed - records.parser.CurrentByteIndex
        chunks = _last_bytes(chunks, num_pending)
        if num_pending > max_bytes + _CHUNK_BYTES:
            giant = _giant(b"".join(chunks)[-num_pending:], records.depth, max_bytes)
    if giant is not None:
        raise XmlError("truncated", f"a tag of more than {max_bytes} bytes does not end")


def _parse(parser: expat.XMLParserType, chunk: bytes, is_last: bool) -> XmlError | None:
    try:
        parser.Parse(chunk, is_last)
    except XmlError as error:
        return error
    except expat.ExpatError as error:
        return XmlError("truncated" if is_last else "invalid_xml", str(error))
    return None


def _last_bytes(chunks: list[bytes], count: int) -> list[bytes]:
    """Return the last chunks that hold so many bytes together."""
    held = sum(map(len, chunks))
    first = 0
    while first < len(chunks) and held - len(chunks[first]) >= count:
        held -= len(chunks[first])
        first += 1
    return chunks[first:]


def _giant(start: bytes, depth: int, max_bytes: int) -> GiantTag:
    """Return a tag that is too large and has not ended yet. Raises XmlError where it is no record of the root."""
    if depth != 1 or not start.startswith(b"<") or start[1:2] in (b"!", b"?", b"/"):
        raise XmlError("too_large", f"a tag of more than {max_bytes} bytes that is no record; what follows is not read")
    return GiantTag(start)
