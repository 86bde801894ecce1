import pytest
from pydantic import ValidationError

from kernels.evals.datasets.items import Item
from kernels.evals.prompting.config import PromptConfig, with_templates
from kernels.evals.prompting.prompts import Prompt, content_free, log_sum, put, words_of
from kernels.evals.prompting.shots import choose_shots
from kernels.evals.templates.template import BLANK, Template
from kernels.specs.turns import Turn

ITEM = Item("f:1", {"question": "is it"}, ("no", "yes"), (1,))
SHOTS = [Item("f:2", {"question": "was it"}, ("no", "yes"), (0,)), Item("f:3", {"question": "will it"}, ("no", "yes"), (1,))]
PLAIN = Template(name="plain", prompt="Q: {{ question }}\nA:")


def always(prompt: Prompt) -> bool:
    return True


def test_examples_stand_before_the_question_with_their_right_answers():
    prompt = put(ITEM, PLAIN, SHOTS, chat=False, has_room=always)
    assert prompt.text == "Q: was it\nA: no\n\nQ: will it\nA: yes\n\nQ: is it\nA:"
    assert (prompt.options, prompt.num_shots_cut, prompt.turns) == ((("no",), ("yes",)), 0, ())


def test_examples_that_find_no_room_are_left_out_from_the_last_on_and_counted():
    prompt = put(ITEM, PLAIN, SHOTS, chat=False, has_room=lambda prompt: len(prompt.text) < 35)
    assert (prompt.text, prompt.num_shots_cut) == ("Q: was it\nA: no\n\nQ: is it\nA:", 1)
    assert put(ITEM, PLAIN, SHOTS, chat=False, has_room=lambda prompt: False)[::3] == ("Q: is it\nA:", 2)


def test_in_a_chat_examples_are_earlier_turns_and_the_description_is_the_systems():
    template = PLAIN.model_copy(update={"system": "Be brief.", "description": "About it.\n\n"})
    turns = put(ITEM, template, SHOTS[:1], chat=True, has_room=always).turns
    expected = [("system", "Be brief.\n\nAbout it."), ("user", "Q: was it\nA:"), ("assistant", "no"), ("user", "Q: is it\nA:")]
    assert list(turns) == [Turn(*each) for each in expected]


def test_an_option_stands_as_itself_by_its_letter_or_as_the_words_of_a_verbalizer():
    letters = PLAIN.model_copy(update={"option": "({{ letter }}) {{ option }}"})
    assert words_of(ITEM, letters) == (("(A) no",), ("(B) yes",))
    verbal = PLAIN.model_copy(update={"words": {"yes": ("true", "right")}})
    assert words_of(ITEM, verbal) == (("no",), ("true", "right"))


def test_a_blank_is_filled_in_examples_and_kept_in_the_question():
    cloze = Template(name="cloze", prompt="{{ question }}? {{ blank }}, sir.")
    assert put(ITEM, cloze, SHOTS[:1], chat=False, has_room=always).text == f"was it? no, sir.\n\nis it? {BLANK}, sir."


def test_without_content_all_texts_of_an_item_say_the_same():
    assert content_free(ITEM._replace(fields={"question": "x", "number": 3}), "N/A") == {"question": "N/A", "number": 3}


def test_probabilities_are_added_by_their_logarithms():
    assert log_sum([-1000.0, -1000.0]) == pytest.approx(-1000 + 0.6931471805599453)
    assert log_sum([float("-inf"), float("-inf")]) == float("-inf")


POOL = [Item(f"f:{number}", {"question": str(number)}, ("no", "yes"), (int(number % 4 == 0),)) for number in range(40)]


def test_drawn_examples_follow_from_the_seed_alone_and_not_from_the_order_of_the_file():
    drawn = choose_shots(POOL, 5, "drawn", 1)
    assert drawn == choose_shots(POOL[::-1], 5, "drawn", 1) != choose_shots(POOL, 5, "drawn", 2)
    assert choose_shots(POOL, 3, "first", 1) == POOL[:3]


def test_balanced_examples_have_each_right_option_equally_often():
    rights = [item.expected for item in choose_shots(POOL, 8, "balanced", 3)]
    assert rights.count((0,)) == rights.count((1,)) == 4
    assert sum(item.expected == (1,) for item in choose_shots(POOL, 30, "balanced", 3)) == 10, "as far as the pool has them"


def test_fewer_items_than_examples_are_an_error_that_says_how_many_there_are():
    with pytest.raises(ValueError, match="7 examples are asked for, and 5 items"):
        choose_shots(POOL[:5], 7, "drawn", 1)


class OwnConfig(PromptConfig):
    own_templates = {"plain": PLAIN, "cloze": Template(name="cloze", prompt="{{ question }}")}  # noqa: RUF012


def test_a_name_stands_for_the_template_whose_text_is_then_part_of_the_config():
    assert OwnConfig(seed=1).chosen_templates == (PLAIN,)
    named = OwnConfig.model_validate({"seed": 1, "templates": ["cloze", "letters"]})
    assert [each.name for each in named.chosen_templates] == ["cloze", "letters"]
    assert OwnConfig.model_validate(named.model_dump(mode="json")) == named


def test_an_unknown_name_is_an_error_that_says_the_nearest():
    with pytest.raises(ValidationError, match="no template is named 'plian'"):
        OwnConfig.model_validate({"seed": 1, "templates": ["plian"]})


def test_two_templates_of_one_name_are_an_error():
    with pytest.raises(ValidationError, match="two templates have one name"):
        OwnConfig.model_validate({"seed": 1, "templates": ["plain", {"name": "plain", "prompt": "x"}]})


def test_a_file_is_read_before_it_is_asked_by():
    config = OwnConfig.model_validate({"seed": 1, "templates": ["mine.yaml"]})
    with pytest.raises(ValueError, match=r"'mine\.yaml' was not read"):
        _ = config.chosen_templates
    read = with_templates(config, lambda path: Template(name=path.removesuffix(".yaml"), prompt="p"))
    assert read.chosen_templates == (Template(name="mine", prompt="p"),)
