"""Links of wikitext: the words that an internal link shows, and those of an external one.

Syntax: https://www.mediawiki.org/wiki/Help:Links.
"""

import re

from kernels.reading.parsing.wikitext.marks import NOTHING
from kernels.reading.parsing.wikitext.templates.arguments import Wiki
from kernels.reading.parsing.wikitext.templates.languages import WIKIPEDIAS

_ADDRESS = re.compile(r"\[(?:https?:|ftp:|mailto:|news:|irc:|//)[^\s\[\]<]*+([^\S\n]*+)((?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+)\]")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)$")
_NAMESPACE_ALIASES = frozenset(
    """
    file image media category bild datei kategorie archivo imagen categoría fichier catégorie immagine categoria
    файл изображение категория bestand afbeelding categorie ficheiro imagem plik grafika kategoria fil kategori
    tiedosto kuva luokka soubor kategorie súbor fájl kép kategória dosya resim файлове картинка категорія ファイル 画像
    カテゴリ 文件 檔案 图像 分类 分類 파일 그림 분류 ملف صورة تصنيف קובץ קטגוריה
    """.split()  # noqa: SIM905
)
"""Names of the namespaces of files and categories that wikis take beside their own, in the larger languages."""


def label(link: str, wiki: Wiki) -> str:
    """Return the words of an internal link; files, categories and links to other languages' articles show none.

    Those are written in small letters without a blank, ``[[de:Katze]]``; "ID: Identity" is a title.
    """
    target, has_label, shown = link.partition("|")
    target = target.replace(NOTHING, "").strip()
    if "\n" in target:
        return link
    prefix, colon, title = target.partition(":")
    namespace = prefix.strip().lower()
    if colon and (namespace in wiki.hidden or namespace in _NAMESPACE_ALIASES or (prefix in WIKIPEDIAS and not title.startswith(" "))):
        return NOTHING
    if not has_label:
        return target.removeprefix(":").removeprefix("#")
    return shown if shown.strip() else _without_context(target)


def _without_context(target: str) -> str:
    """Return what a link with an empty label shows (the pipe trick): no namespace, no brackets, nothing from a comma on."""
    name = target.removeprefix(":").rpartition(":")[2].strip()
    return _IN_BRACKETS.sub("", name) if name.endswith(")") else name.partition(",")[0]


def resolve_addresses(text: str) -> str:
    """Return text with its external links resolved: their words stay, those without words show a number and go."""
    return _ADDRESS.sub(lambda link: link[2] if link[2].strip() else NOTHING, text)
