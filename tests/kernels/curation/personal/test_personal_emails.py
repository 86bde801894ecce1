"""E-mail addresses: found whole whatever stands beside them, and what only bears an at sign is left."""

import polars as pl
import pytest

from kernels.curation.personal.detection import find_by_rules


def _marked(text: str) -> str:
    """Return a text with what was found in angle quotes."""
    for span in reversed(find_by_rules(pl.Series([text]), ("email",)).get(0, [])):
        text = f"{text[: span.start]}«{text[span.start : span.end]}»{text[span.end :]}"
    return text


@pytest.mark.parametrize(
    "marked",
    [
        "-«info@example.com»",
        "_«info@example.com»_ and **«info@example.com»** and `«info@example.com»`",
        "...«info@example.com»...",
        "«info@example.com»- call",
        "«info@example.com»_2024",
        "«josé@example.com», «a.müller@example.com», «info@exämple.com».",
        "«почта@пример.рф» «info@xn--exmple-cua.com»",
        "«a@[192.0.2.1]» «a@192.0.2.1» «a@[IPv6:2001:db8::1]»",
        '<«"john doe"@example.com»>',
        "«o'brien@example.com» 'and' '«info@example.com»'",
        "«q&a@example.com», «user+tag@example.com»",
        "«{alice,bob}@cs.example.edu»",
        "«list-jane=example.org@lists.example.com»",
        "email=«info@example.com»&x=1",
        "mailto:«info%40example.com»?subject=x",
        "«info&#64;example.com» «info&#x40;example.com» «info\\u0040example.com»",
        "«info (at) example.com» «info[at]example[dot]com» «info [ at ] example.com» «info(@)example.com»",
        "«info＠example.com» «ｉｎｆｏ@example.com»",
        "«info\u200b@\u200bexam\u00adple.com»!",
        "联系«info@example.com»谢谢。",
        "이메일«info@example.com»으로 보내",
        "联系：«张三@例子.公司»谢谢",
        "Write to «info@example.com».Call me",
        "«info@gmail.con» «jane@db.prod.internal»",
        "ssh «jane@host.example.com»:/home",
        "@«alice@mastodon.social»",
        "пишите на «info@example.com»и ждите; «info@example.com»هنا; «info@example.com»²",
        "«info@example。com» «info@example｡com» «info@example\u2024com» «info@example.com»。Next",
        "«अजय@डाटा.भारत»",
        "«info%2540example.com» «info&commat;example.com» «info\\x40example.com»",
        "«info&#64;example&#46;com» «info&#x40;example&#x2e;com» «info%40example%2Ecom»",
        "«info<span>@</span>example.com» «info<!-- no robots -->@example.com» «info@<b>example.com»</b>",
        "\\n«info@example.com»\\n %20«info@example.com» %3C«info@example.com»%3E =3D«info@example.com»",
        "\\u003c«info@example.com»\\u003e u003c«info@example.com» \\x3c«info@example.com»\\x3e &lt;«info@example.com»&gt;",
        "«user!x@example.com» «x~y@example.com» !«info@example.com»! ~«info@example.com»~",
    ],
)
def test_an_address_is_found_whole(marked: str) -> None:
    assert _marked(marked.replace("«", "").replace("»", "")) == marked


@pytest.mark.parametrize(
    "text",
    [
        "@handle, @user:matrix.org, jane@localhost, a @ b.com, x @y.com",
        "@decorator.example.com\n@Component.foo(1)",
        "String@NotNull.List",
        "pkg@1.2.3 react@18.2.0 tool@1.2.3.4 chrome@120.0.6099.109 foo@v1.2.3-rc.alpha",
        "@types/node@18.0.0 actions/checkout@v4.1.x",
        "git@github.com:org/repo and ssh://git@github.com/org/repo.git and hg@bitbucket.org:x",
        "icon@2x.png, a@b.html",
        "w = x@y.to(device); K = Q@K.transpose(-2,-1); P@X.values; A@B.T",
        'f"{name}@example.com" + "@example.com" in ["a", "@example.com"]',
        "https://medium.com/@jane.doe/post https://www.google.com/maps/@52.37,4.89,12z",
        "sd_IN@devanagari.UTF-8",
        "look (at) this",
        "转发@人民日报.很好",
        "a@b.mp3 song@live.mp3 pkg@2.0.py3",
        "<span>A</span>@<span>B.inner</span> and <b>@</b><i>app.route</i>",
    ],
)
def test_what_is_no_address_is_left(text: str) -> None:
    assert _marked(text) == text
