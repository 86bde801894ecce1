"""Character references of HTML and wikitext, of any length: `html.unescape` refuses a number of thousands of digits, which no character has."""

import html
import re

_TOO_LONG = re.compile(r"&#(?:0*+[1-9][0-9]{7,}+|[xX]0*+[1-9a-fA-F][0-9a-fA-F]{6,}+);?|&#0{8,}+;?")


def unescape(text: str) -> str:
    """Return text with its character references resolved; one that names no character is the replacement character, as HTML has it."""
    return html.unescape(_TOO_LONG.sub("\ufffd", text)) if "&" in text else text
