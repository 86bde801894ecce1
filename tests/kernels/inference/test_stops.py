"""Text that is told as it grows is the text that is told at once, and ends where a string says so."""

import random
from collections.abc import Sequence

import pytest

from kernels.inference.stops import Growing

ALPHABET = [*(bytes([byte]) for byte in range(256)), b"ab", b"cab", "é".encode(), "日本".encode()]


def decode(tokens: Sequence[int]) -> str:
    return b"".join(ALPHABET[token] for token in tokens).decode(errors="replace")


def tokens_of(text: str) -> list[int]:
    return list(text.encode())


def grown(tokens: Sequence[int], stops: Sequence[str]) -> tuple[list[str], str | None, int]:
    """Return the pieces that were told, what ended the text, and how many tokens it took."""
    text, pieces = Growing(decode, stops), list[str]()
    for count, token in enumerate(tokens, 1):
        pieces.append(text.add(token))
        if text.stop is not None:
            return pieces, text.stop, count
    return [*pieces, text.end()], text.stop, len(tokens)


def test_a_string_that_tokens_part_ends_the_text_before_it_and_none_of_it_is_told() -> None:
    assert grown(tokens_of("one STOP two"), ["STOP"]) == ([*"one ", "", "", "", ""], "STOP", 8)


def test_what_only_begins_like_one_is_told_once_that_is_clear() -> None:
    assert grown(tokens_of("a STO!"), ["STOP"])[0] == ["a", " ", "", "", "", "STO!", ""]
    assert "".join(grown(tokens_of("a STO"), ["STOP"])[0]) == "a STO"


def test_the_first_of_several_strings_ends_it_and_of_those_that_begin_together_the_longest() -> None:
    assert grown([257], ["b", "cab"])[1] == "cab"
    assert grown([257], ["b", "a"])[1] == "a"


def test_a_character_is_told_when_it_is_whole_and_bytes_that_make_none_all_the_same() -> None:
    assert grown(tokens_of("日本"), [])[0] == ["", "", "日", "", "", "本", ""]
    assert "".join(grown([0xE6, 0x97], [])[0]) == "\ufffd"
    assert "".join(grown([0xFF] * 9, [])[0]) == "\ufffd" * 9


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_the_text_up_to_the_first_string_whatever_tokens_there_are(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        tokens = [chance.choice((97, 98, 99, 256, 257, 258, 259, 0xE6, 0x97, 0xA5, chance.randrange(256))) for _ in range(chance.randrange(30))]
        stops = ["".join(chance.choice("abcé") for _ in range(chance.randrange(1, 4))) for _ in range(chance.randrange(3))]
        pieces, stop, count = grown(tokens, stops)
        whole = decode(tokens)
        places = [whole.find(each) for each in stops if each in whole]
        assert (stop is None) == (not places)
        assert "".join(pieces) == whole[: min(places, default=len(whole))]
        assert stop is None or not any(each in decode(tokens[: count - 1]) for each in stops)


def test_an_empty_string_is_refused() -> None:
    with pytest.raises(ValueError, match="a string is empty"):
        Growing(decode, [""])
