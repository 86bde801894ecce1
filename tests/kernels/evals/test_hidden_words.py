"""Passages with a blank: which word is hidden, what it is chosen from, and how much stands around it."""

from kernels.evals.hidden_words import Document, Passage, hide_words
from kernels.specs.sources import Reject

TEXTS = [
    "The river runs past the mill, and the miller counts every sack that leaves the yard.",
    "A letter came from the north; nobody could read what stood on its second page.",
    "When the market opened, farmers brought barley and honey, apples and winter wool.",
    "Under the bridge a heron waits, patient as stone, until some careless fish swims past.",
]


def documents(texts: list[str]) -> list[Document]:
    return [Document(f"doc/{index}", "tales", text) for index, text in enumerate(texts)]


def passages(texts: list[str] = TEXTS, num_options: int = 4, max_bytes: int = 200, seed: int = 1) -> list[Passage]:
    found = hide_words(documents(texts), num_options, max_bytes, seed)
    assert all(isinstance(each, Passage) for each in found)
    return [each for each in found if isinstance(each, Passage)]


def test_the_passage_with_its_true_word_is_the_text_and_with_another_is_not() -> None:
    for passage, text in zip(passages(), TEXTS, strict=True):
        assert [filled == text for filled in passage.texts] == [number == passage.expected for number in range(4)]


def test_options_are_different_words_of_the_texts_and_the_true_one_stands_among_them_once() -> None:
    everything = set(" ".join(TEXTS).replace(",", " ").replace(".", " ").replace(";", " ").split())
    for passage in passages():
        assert len({option.casefold() for option in passage.options}) == 4
        assert set(passage.options) <= everything
        assert all(len(option) >= 4 and option.islower() for option in passage.options)


def test_the_true_word_has_no_place_of_its_own_among_the_options() -> None:
    assert len({passage.expected for seed in range(8) for passage in passages(seed=seed)}) == 4


def test_the_same_seed_asks_the_same_whatever_the_order_of_documents_and_another_seed_does_not() -> None:
    assert passages() == passages()
    assert {each.key: each for each in hide_words(documents(TEXTS)[::-1], 4, 200, 1) if isinstance(each, Passage)} == {
        each.key: each for each in passages()
    }
    assert passages(seed=2) != passages()


def test_names_beginnings_of_sentences_and_words_without_a_side_are_not_hidden() -> None:
    (found,) = hide_words(documents(["Berlin lies behind Potsdam, said Annabel."]), 2, 200, 1)[:1]
    assert isinstance(found, Reject) or found.options[found.expected] in ("lies", "behind", "said")
    assert [
        each.reason for each in hide_words(documents(["Only at-end words", "so-called 123 abc Def."]), 2, 200, 1) if isinstance(each, Reject)
    ] == [
        "no_word_to_hide",
        "no_word_to_hide",
    ]


def test_a_text_with_too_few_other_words_is_left_out_and_says_so() -> None:
    (found,) = hide_words(documents(["one word here, one two."]), 3, 200, 1)
    assert isinstance(found, Reject) and found.reason == "too_few_other_words"


def test_a_script_without_small_letters_has_words_to_hide() -> None:
    texts = ["यह \u0905\u092c\u0915\u0921 \u0917\u091c\u0930\u0924 \u092c\u0928\u0924\u0924 है।"]
    (found,) = hide_words(documents(texts), 2, 200, 1)
    assert isinstance(found, Passage) and len(set(found.options)) == 2


def test_both_sides_are_cut_between_words_to_a_number_of_bytes() -> None:
    long = " ".join(["wände", "über", "straße", "größe"] * 50)
    (passage,) = passages([long + "."], num_options=2, max_bytes=24)
    assert max(len(passage.left.encode()), len(passage.right.encode())) <= 24
    assert {*passage.left.split(), *passage.right.split()} <= {"wände", "über", "straße", "größe"}
    assert passage.texts[passage.expected] in long


def test_the_other_words_are_those_most_like_the_hidden_one_in_length() -> None:
    sizes = {size: [chr(97 + letter) * size for letter in range(10)] for size in (4, 9)}
    text = "The " + " ".join(word for words in sizes.values() for word in words) + " end"
    for seed in range(10):
        (passage,) = passages([text], num_options=3, seed=seed)
        assert len({len(option) for option in passage.options}) == 1


def test_the_other_words_are_those_most_like_the_hidden_one_in_frequency() -> None:
    often, seldom = [chr(97 + letter) * 5 for letter in range(10)], [chr(107 + letter) * 5 for letter in range(10)]
    text = "The " + " ".join(often * 40 + seldom) + " end"
    for seed in range(10):
        (passage,) = passages([text], num_options=3, seed=seed)
        assert set(passage.options) <= set(often) or set(passage.options) <= set(seldom)
