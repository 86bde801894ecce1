"""What files that are zip archives of XML share (docx, epub): a bound on what they unpack to, and XML that names no other file."""

import io
import zipfile
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

MAX_MEMBERS = 1 << 16
MAX_RATIO = 200
"""Unpacked bytes for each packed one, at which a package is a bomb, as for archives of code (`kernels.reading.code.members`)."""
SLACK_BYTES = 1 << 26
"""Unpacked bytes that any package may have."""


class PackageXmlError(Exception):
    """A part of a package that is not well-formed XML, or declares entities."""


def unpacks_to_too_much(data: bytes) -> str | None:
    """Return what shows that an archive unpacks to more than its size permits, None where it does not; zipfile gives no member more than it claims.

    Raises:
        zipfile.BadZipFile: it is no zip archive.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    size = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or size > SLACK_BYTES + MAX_RATIO * len(data):
        return f"{len(members)} members of {size} bytes from {len(data)}"
    return None


def parse_xml(data: bytes) -> Element:
    """Return a small XML document without the prefixes and names of its namespaces. Raises PackageXmlError."""
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> None:
        raise PackageXmlError("declares an entity")

    def start(tag: str, attributes: dict[str, str]) -> None:
        builder.start(tag.rpartition(" ")[2], {name.rpartition(" ")[2]: value for name, value in attributes.items()})

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: builder.end(tag.rpartition(" ")[2])
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, AssertionError) as error:
        raise PackageXmlError(str(error)) from error
