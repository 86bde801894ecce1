"""The charset of bytes that nothing declares and that are not UTF-8, by how often their characters occur.

charset-normalizer tells scripts apart. Which of the charsets of the Latin script it is, which differ in few letters, is told by alphabets: the
one in which the letters beyond ASCII are all of one language.
"""

import re

MIN_BYTES = 8
"""With fewer bytes beyond ASCII nothing can be told: Windows-1252 then, which is what browsers take."""
_SCRIPTS = [
    "cp1252", "cp1251", "koi8_r", "cp866", "cp1250", "iso8859_2", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874",
    "gb18030", "big5", "cp932", "euc_jp", "cp949",
]  # fmt: skip
"""What is guessed among: charsets that web pages are in (https://w3techs.com/technologies/overview/character_encoding), none of old machines."""
_LATIN = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257", "cp1258")
_ALPHABETS = (
    "áéíñóúü", "àâæçèéêëîïôœùûüÿ", "äöüß", "àáâãçéêíóôõúü", "àèéìîòóùú", "åäöéæø", "áðéíóúýþæö", "áéëïóúèö", "àçèéíïòóúü",
    "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîșțşţ", "çğıöşüâîû", "ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž",
    "ăâđêôơưàáèéìíòóùúýãõ",
)  # fmt: skip
"""The letters beyond ASCII of the languages that are written in one of the Latin charsets."""

_IN_WORD = re.compile(r"(?<=[^\W\d_])[^\x00-\x7f\u2010-\u2015\u2019\xb7\xad\ufffd](?=[^\W\d_])")


def guess(sample: bytes) -> str:
    """Return the codec that bytes which are not UTF-8 are probably in."""
    from charset_normalizer import from_bytes

    if len(sample) - len(sample.decode("ascii", "ignore")) < MIN_BYTES:
        return "cp1252"
    best = from_bytes(sample, cp_isolation=_SCRIPTS).best()
    return _latin(sample) if best is None or best.encoding in _LATIN else best.encoding


def _latin(sample: bytes) -> str:
    return max(_LATIN, key=lambda codec: _fit(sample.decode(codec, "replace").lower()))


def _fit(text: str) -> float:
    """Return the greatest share that one alphabet has of a text's letters beyond ASCII; U+FFFD and signs within words are in none."""
    letters = [char for char in text if not char.isascii() and (char.isalpha() or char == "\ufffd")]
    letters += [sign for sign in _IN_WORD.findall(text) if not sign.isalpha()]
    return max(sum(char in alphabet for char in letters) for alphabet in _ALPHABETS) / max(len(letters), 1)
