"""Templates of the Chinese Wikipedia."""

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.wikis.naming import Renderer, Templates, between, names
from kernels.reading.parsing.wikitext.templates.words import block, first_value, last_value

_LINKS = ("link-", "internal link helper/")


def _link(call: Arguments) -> str | None:
    """{{link-en|title|English title|words}}, {{le|title|English title|words}}: a link to another language's article."""
    return call.get("d", "lt") or call.value(3) or call.value(1) or None


def _translated(call: Arguments) -> str | None:
    """{{tsl|en|English title|title|words}}."""
    return call.value(4) or call.value(3) or call.value(2) or None


def _life(call: Arguments) -> str | None:
    """{{bd|1900年|1月1日|1980年|2月2日}}: （1900年1月1日－1980年2月2日）."""
    values = [*call.values, "", "", "", ""][:4]
    born, died = values[0] + values[1], values[2] + values[3]
    return f"（{born}－{died}）" if born else None


def _find(name: str) -> Renderer | None:
    """Return the renderer of ``link-en`` and its kin."""
    return _link if name.startswith(_LINKS) else None


_RENDERERS: dict[str, Renderer] = (
    dict.fromkeys(
        names("僻字, 異體字, 异体字, 小, 大, 粗體, 斜體, 不轉換, 括號, 專名號, 专名, 書名號, 書名, 拼音, unihan, 僻字2, kai, 楷"), first_value
    )
    | dict.fromkeys(names("zh-lang, 色, 字体"), last_value)
    | dict.fromkeys(names("引用, 引文, 诗, 詩, 引言, cquote, quote"), block)
    | dict.fromkeys(("tsl", "translink", "ct", "tlink"), _translated)
    | dict.fromkeys(("le", "ill-en", "lj", "lk", "lf", "lg"), _link)
    | {"bd": _life, "《》": between("《", "》"), "引號": between("「", "」")}
)
_SILENT = frozenset(
    names("""
    notea, noteta, 主條目, 主条目, 小作品, 消歧義, 消歧义, 來源請求, 来源请求, 參考資料, 参考资料, 參見, 参见, 規範控制, 规范控制, 延伸閱讀,
    何時, 谁, 誰, 需要來源, 請求來源, 重定向, 外部連結, 外部链接, 權威控制, 同名條目, 分頁, 地图, 簡繁轉換, 原創研究, 注释, 註釋, 注釋,
    備註, 头注, 多個問題, 多个问题, 典範條目, 优良条目, 優良條目, en, ja, de, fr, en icon, ja icon, en-us
    """)
)
_SILENT_BEGINNINGS = ("infobox", "信息框", "cite", "消歧", "需要", "小作品", "noteta")

TEMPLATES = Templates(_RENDERERS, _SILENT, _SILENT_BEGINNINGS, _find)
