"""A tag that is larger than a record may be, read to its end without being held: an attribute of a gigabyte in a file of rows."""

import re

_HEAD_BYTES = 1 << 10
_NAME = re.compile(rb"<([^\s/>\"'=]{1,100})")
_ATTRIBUTE = re.compile(rb"\s([A-Za-z_][\w.-]*)\s*=\s*\"([^\"<&]{0,100})\"")
_PIECE = re.compile(rb"\"[^\"]*+\"?+|'[^']*+'?+|>")


class GiantTag:
    """Looks for the end of a tag outside of quotes; of what is behind its first kilobyte it keeps nothing."""

    def __init__(self, start: bytes) -> None:
        """Begin with the bytes of the tag that have been read."""
        head = start[:_HEAD_BYTES]
        name = _NAME.match(head)
        self.tag = name[1].decode("utf-8", "replace") if name else ""
        self.first_attributes = {key.decode(): value.decode("utf-8", "replace") for key, value in _ATTRIBUTE.findall(head)}
        self.rest = b""
        self.is_whole = False
        """Whether the tag closes itself."""
        self._quote = b""
        self._last = b""
        self.has_ended = self.feed(start)

    def feed(self, data: bytes) -> bool:
        """Take more bytes, and return whether the tag has ended in them."""
        place = 0
        if self._quote:
            place = data.find(self._quote) + 1
            if not place:
                return False
            self._quote = b""
        for piece in _PIECE.finditer(data, place):
            if piece[0] == b">":
                self.is_whole = (data[piece.start() - 1 : piece.start()] or self._last) == b"/"
                self.rest = data[piece.end() :]
                return True
            if len(piece[0]) == 1 or piece[0][-1:] != piece[0][:1]:
                self._quote = piece[0][:1]
        self._last = data[-1:]
        return False
