"""The records of large XML files, one after the other, from files of strangers.

Dumps declare no document type, so one that does is refused before it can name entities: neither an expansion that grows without end nor a
file of this machine is ever read. A record larger than the bound ends the reading, since no parser can tell where the next one begins.
"""

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

MAX_DEPTH = 64
"""Elements within elements; dumps have four."""

_CHUNK_BYTES = 1 << 16


class XmlError(Exception):
    """An XML file that cannot be read on: the reject's reason and detail."""

    def __init__(self, reason: str, detail: str) -> None:
        """State a short fixed code and what was found."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class _Records:
    """Builds the children of the root and gives each away once it is whole."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.buffer_size = _CHUNK_BYTES
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.whole: list[Element] = []
        self._depth = 0
        self._builder = TreeBuilder()

    def _refuse(self, name: str, system: str | None, public: str | None, has_subset: bool) -> None:
        raise XmlError("forbidden_xml", f"declares the document type {name[:100]!r}; dumps declare none")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise XmlError("forbidden_xml", f"elements nested deeper than {MAX_DEPTH}")
        if self._depth > 1:
            self.grow(len(tag) + sum(len(name) + len(value) for name, value in attributes.items()))
            self._builder.start(tag.rpartition(":")[2], attributes)

    def _text(self, text: str) -> None:
        if self._depth > 1:
            self.grow(len(text))
            self._builder.data(text)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._depth < 1:
            return
        self._builder.end(tag.rpartition(":")[2])
        if self._depth == 1:
            self.whole.append(self._builder.close())
            self._builder = TreeBuilder()
            self.size = 0

    def grow(self, num_chars: int) -> None:
        self.size += num_chars
        if self.size > self.max_bytes:
            raise XmlError("too_large", f"a record of more than {self.max_bytes} characters; what follows is not read")


def xml_records(stream: io.RawIOBase, max_bytes: int) -> Iterator[Element]:
    """Yield each child of the root, without the prefixes of namespaces, once it has been read to its end.

    Raises:
        XmlError: the file declares a document type, nests too deep, breaks off, is not well formed, or has a record above ``max_bytes``.
    """
    records = _Records(max_bytes)
    num_fed = 0
    is_last = False
    while not is_last:
        chunk = stream.read(_CHUNK_BYTES) or b""
        is_last = not chunk
        num_fed += len(chunk)
        error: XmlError | None = None
        try:
            records.parser.Parse(chunk, is_last)
            if num_fed - records.parser.CurrentByteIndex > max_bytes + _CHUNK_BYTES:  # a tag or comment that does not end
                error = XmlError("too_large", f"a tag of more than {max_bytes} bytes; what follows is not read")
        except XmlError as raised:
            error = raised
        except expat.ExpatError as raised:
            error = XmlError("truncated" if is_last else "invalid_xml", str(raised))
        yield from records.whole
        records.whole.clear()
        if error is not None:
            raise error
