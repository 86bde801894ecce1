"""What makes two texts the same: words, figures and signs do, case, white space and the punctuation of prose do not."""

import polars as pl
import pytest

from kernels.curation.text.normalised import count_words, normalise

TEXTS = [
    "Hello,  World! 3.14",
    "",
    "***  ###",
    "\u039f\u0394\u039f\u03a3 \u03a3\u0391",  # a sigma that ends a word is another letter
    "\u0130stanbul \u023a\u1e9e \u212a",  # lower cases of other lengths
    "\u6211\u4eec\u3002\u4eca\u5929",
    "smile \U0001f600\U0001f600 now \U00010400",
    "rare \U00020000 plane \U000e0101",
    "nai\u0308ve\tcafe\u0301\x00end\x7f",
    " leading and trailing ",
]


def signs(text: str) -> str:
    return normalise(pl.Series([text]), "signs")[0]


def words(text: str) -> str:
    return normalise(pl.Series([text]), "words")[0]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("a + b", "a * b"), ("a - b", "a / b"), ("a - b", "a b"), ("3 < 5", "3 > 5"), ("x == y", "x != y"), ("a && b", "a || b"),
        ("x <= y", "x < y"), ("a % b", "a & b"), ("a ^ b", "a | b"), ("i++", "i--"), ("-1", "1"), ("x = -1", "x = 1"), ("!x", "x"),
        ("~x", "x"), ("1.5", "15"), ("1.5", "1,5"), ("1.5", "1 5"), (".5", "5"), ("3 : 5", "3, 5"), ("10:30", "10.30"), ("f(x)", "f[x]"),
        ("f(x)", "f x"), ("(a + b) * c", "a + (b * c)"), ("[0, 1]", "(0, 1)"), ("$5", "€5"), ("5%", "5"), ("C++", "C#"), ("5! = 120", "5 != 120"),
        ("a × b", "a ÷ b"), ("x ≤ y", "x ≥ y"), ("A ∪ B", "A ∩ B"), ("−1", "1"), ("f′", "f"), ("a＋b", "a－b"), ("我＜你", "我＞你"), ("p.x", "p, x"),
        ("{a}", "(a)"), ("a = b", "a b"), ("a := b", "a = b"), ("#define x", "define x"), ("a@b", "a b"), ("\u1e9e", "\u0130"),
        ("T = –5", "T = 5"), ("x ‐5", "x 5"), ("温度-5度", "温度5度"), ("温度：－5", "温度：5"), ("(–٥)", "(٥)"), ("٣٫١٤", "٣٬١٤"), ("٣٫١٤", "٣١٤"),
        ("⌊x⌋", "⌈x⌉"), ("§5", "5"), ("5’", "5″"), ("👍", "👎"), ("５％", "５"), ("5℃", "5℉"), ("¥5", "₩5"), ("x²", "x³"), ("½", "¼"),
    ],
)  # fmt: skip
def test_code_and_formulas_that_differ_in_a_sign_are_not_the_same(left: str, right: str) -> None:
    assert signs(left) != signs(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Hello, World!", "hello  world"),
        ('“It’s well-known,” she said; "don\'t go."', "It's well known — she said: don’t go"),
        ("First (and last).\n\nThen... the end", "first and last then the end"),
        ("one two\u00a0three\u3000four\u2028five", "One\tTwo Three\r\nFour Five"),
        ("pre- and post-war", "pre and post war"),
        ("snake_case", "snake case"),
        ("我们。今天，去学校！", "我们 今天 去学校"),
        ("東京タワー（とうきょう）", "東京タワー とうきょう"),
        ("Bonjour ! Oui : non", "Bonjour! Oui: non"),
        ("zero\u200bwidth", "zero width"),
        ("1990–2000", "1990-2000"),
        ("T = –5", "T = -5"),
        ("years ago — 5 of them", "years ago 5 of them"),
        ("北京-上海", "北京 上海"),
        ("* * *", "***"),
    ],
)
def test_case_white_space_and_the_punctuation_of_prose_say_nothing(left: str, right: str) -> None:
    assert signs(left) == signs(right)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if x<=-1: f(a[i])", "if x <=- 1 f ( a [ i ])"),
        ("5! = 120", "5 ! = 120"),
        ("for i=0;i<n;i++ do", "for i = 0 ; i < n ; i ++ do"),
        ("word--word --flag", "word word -- flag"),
        ("用Python写，好", "用 python 写 好"),
        ("ไปAB", "ไ ป ab"),
        ("བོད་ཡིག", "བ ོ ད ཡ ི ག"),
        ("한국어 문장", "한국어 문장"),
        ("ΟΔΟΣ = Σ", "οδος = σ"),
    ],
)
def test_a_text_is_its_words_and_signs(text: str, expected: str) -> None:
    assert signs(text) == expected


def test_prose_of_spaced_scripts_is_its_words_alone_as_a_search_for_letters_and_digits_finds_them() -> None:
    import re

    text = "“Call me Ishmael.” Some years ago—never mind how long precisely—having little (or no) money; naïve, Ünïque: wasn't it?\n\nYes!"
    assert signs(text) == " ".join(re.findall(r"[^\W_]+", text.lower()))


def test_where_words_alone_are_asked_signs_say_nothing() -> None:
    assert words("A, b. C\nd -- E f (g) + h; 3.5") == "a b c d e f g h 3 5"
    assert words("***") == "***", "a text without any word is still itself"


def test_texts_are_normalised_alike_together_and_apart() -> None:
    together = normalise(pl.Series(TEXTS), "signs").to_list()
    assert together == [signs(text) for text in TEXTS]
    assert together[3:5] == ["οδος σα", "i\u0307stanbul \u2c65ß k"]
    assert len(set(together)) == len(TEXTS)


def test_no_texts_are_none() -> None:
    assert normalise(pl.Series([], dtype=pl.String), "signs").to_list() == []


def test_words_are_counted_between_white_space_and_by_character_where_a_script_has_none() -> None:
    texts = ["one two-three 4", "我们今天去学校", "用 Python 写", "กข ok", "", " \n"]
    assert pl.DataFrame({"text": texts}).select(count_words(pl.col("text")))["text"].to_list() == [3, 7, 3, 3, 0, 0]
