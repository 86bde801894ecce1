"""The commonest function words of languages that put spaces between words, for rules that ask whether a text is running prose.

Ten of each language, in lower case; the English ones are Gopher's eight (Rae et al. 2021, arXiv:2112.11446). Nearly all passages of XQuAD in
English, Spanish and Vietnamese have two of their own language's; the other lists have not been tried on real text. Related languages share
words: a list tells prose from menus and tables, not languages apart. Korean and Japanese write such words onto others and have no list.
"""

from typing import Literal

Language = Literal[
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "nl", "no", "pl", "pt", "ro", "ru", "sv", "tr",
    "uk", "vi",
]  # fmt: skip

STOP_WORDS: dict[Language, tuple[str, ...]] = {
    "ar": ("في", "من", "على", "إلى", "أن", "عن", "التي", "الذي", "كان", "هذا"),
    "bg": ("и", "на", "да", "от", "за", "се", "са", "по", "че", "като"),
    "cs": ("a", "se", "na", "je", "že", "to", "jako", "pro", "ale", "byl"),
    "da": ("og", "i", "at", "det", "en", "er", "til", "af", "på", "som"),
    "de": ("der", "die", "und", "das", "in", "den", "von", "zu", "mit", "ist"),
    "el": ("και", "το", "του", "της", "να", "την", "με", "από", "για", "είναι"),
    "en": ("the", "be", "to", "of", "and", "that", "have", "with"),
    "es": ("de", "la", "que", "el", "en", "y", "los", "del", "se", "por"),
    "fa": ("و", "در", "به", "از", "که", "این", "را", "با", "است", "آن"),
    "fi": ("ja", "on", "oli", "että", "se", "ei", "hän", "joka", "mutta", "myös"),
    "fr": ("de", "la", "le", "et", "les", "des", "en", "du", "que", "est"),
    "he": ("של", "את", "על", "לא", "הוא", "היא", "עם", "גם", "זה", "או"),
    "hi": ("के", "में", "की", "है", "का", "से", "को", "और", "पर", "ने"),
    "hu": ("a", "az", "és", "hogy", "nem", "is", "egy", "volt", "meg", "mint"),
    "id": ("yang", "dan", "di", "dari", "untuk", "dengan", "pada", "ini", "itu", "dalam"),
    "it": ("di", "e", "il", "la", "che", "in", "per", "un", "del", "non"),
    "nl": ("de", "het", "een", "van", "en", "in", "is", "dat", "op", "te"),
    "no": ("og", "i", "det", "er", "på", "en", "til", "som", "av", "for"),
    "pl": ("w", "i", "na", "z", "się", "do", "nie", "jest", "to", "że"),
    "pt": ("de", "a", "o", "que", "e", "do", "da", "em", "um", "para"),
    "ro": ("de", "și", "în", "la", "a", "cu", "care", "din", "pe", "este"),
    "ru": ("и", "в", "на", "не", "что", "с", "по", "как", "из", "он"),
    "sv": ("och", "i", "att", "det", "en", "som", "på", "är", "av", "för"),
    "tr": ("ve", "bir", "bu", "da", "de", "için", "ile", "olarak", "çok", "daha"),
    "uk": ("і", "в", "на", "не", "що", "з", "та", "до", "як", "за"),
    "vi": ("và", "của", "là", "có", "trong", "được", "các", "cho", "một", "những"),
}
"""By ISO 639 code."""
