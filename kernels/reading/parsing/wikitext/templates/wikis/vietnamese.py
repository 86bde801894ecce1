"""Templates of the Vietnamese Wikipedia."""

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.wikis.naming import Renderer, Templates, always, before, names
from kernels.reading.parsing.wikitext.templates.words import block, first_value, last_value


def _date(call: Arguments) -> str | None:
    """{{ngày sinh|1950|5|2}}: 2 tháng 5, 1950."""
    year, month, day = [*call.values, "", "", ""][:3]
    if not all(value.isdecimal() for value in (year, month, day)):
        return None
    return f"{int(day)} tháng {int(month)}, {year}"


def _as_of(call: Arguments) -> str | None:
    """{{tính đến|2012}}."""
    return f"tính đến năm {call.first}" if call.first.isdecimal() else None


_RENDERERS: dict[str, Renderer] = (
    dict.fromkeys(names("nhỏ, to, đậm, nghiêng, không ngắt, chữ nhỏ, viết tắt, hán tự, chữ nôm, nôm"), first_value)
    | dict.fromkeys(names("ngôn ngữ, màu, phông"), last_value)
    | dict.fromkeys(names("trích dẫn, trích, lời trích, thơ, hộp trích dẫn, quote"), block)
    | dict.fromkeys(names("ngày sinh, ngày sinh và tuổi, ngày mất, ngày mất và tuổi, ngày bắt đầu, ngày kết thúc"), _date)
    | {"khoảng": before("khoảng"), "kh.": before("khoảng"), "tcn": always("TCN"), "tính đến": _as_of}
)
_SILENT = frozenset(
    names("""
    bài chính, bài cùng tên, bài viết chọn lọc, bài viết tốt, chính, chú thích, chú thích báo, chú thích sách, chú thích web,
    chất lượng kém, chỉ đến đây, cần biên tập, cần chú thích, cần dẫn nguồn, ai nói, khi nào, kiểm soát tính nhất quán, liên kết hỏng,
    nguồn đáng tin, sơ khai, tham khảo, thiếu nguồn gốc, thời gian sống, thể loại commons, tiêu đề nhỏ, tiêu đề nghiêng, trang đổi hướng,
    xem thêm, đọc thêm, đầu bảng, đổi hướng, định hướng, thông báo, cổng thông tin, thế kỷ trong
    """)
)
_SILENT_BEGINNINGS = ("thông tin", "hộp thông tin", "chú thích", "sơ khai", "bảng ", "cổng", "infobox")

TEMPLATES = Templates(_RENDERERS, _SILENT, _SILENT_BEGINNINGS)
