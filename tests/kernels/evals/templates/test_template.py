from pathlib import Path

import pytest
from pydantic import ValidationError

from kernels.evals.templates.template import BLANK, Template, read_template, rendered, shared_templates


def test_fields_stand_where_the_template_names_them():
    assert rendered("Q: {{ question }}\nA:", {"question": "why"}) == "Q: why\nA:"


def test_what_an_item_says_is_never_read_as_a_template():
    assert rendered("{{ question }}", {"question": "{{ 7 * 7 }}{% raw %}"}) == "{{ 7 * 7 }}{% raw %}"


def test_a_name_that_the_item_lacks_is_an_error_that_lists_those_it_has():
    with pytest.raises(ValueError, match=r"'qestion' is undefined\); it may name question"):
        rendered("{{ qestion }}", {"question": "why"})


@pytest.mark.parametrize(
    "source",
    [
        "{{ question.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% for number in range(10000000) %}x{% endfor %}",
        "{% if %}",
    ],
    ids=["class", "subclasses", "globals", "range", "no template"],
)
def test_a_template_that_reaches_out_of_the_sandbox_or_is_none_is_refused(source: str):
    with pytest.raises(ValueError, match="cannot be filled in"):
        rendered(source, {"question": "why"})


def test_the_sandbox_lets_no_template_change_what_it_is_given():
    options = ["a"]
    with pytest.raises(ValueError, match="cannot be filled in"):
        rendered("{{ options.append('b') }}", {"options": options})
    assert options == ["a"]


def test_a_file_gives_the_template_it_holds_and_one_that_holds_none_is_named(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text('name: mine\nprompt: "{{ question }}"\n')
    assert read_template(tmp_path / "mine.yaml") == Template(name="mine", prompt="{{ question }}")
    (tmp_path / "broken.yaml").write_text("prompt: x\n")
    with pytest.raises(ValueError, match=r"broken\.yaml: no template"):
        read_template(tmp_path / "broken.yaml")


def test_shared_templates_are_the_files_of_the_folder_by_name():
    assert set(shared_templates()) == {"letters", "question", "question_answer"}
    letters = shared_templates()["letters"]
    filled = rendered(letters.prompt, {"question": "why", "options": ["so", "no"], "letters": "ABC"})
    assert filled == "why\nA. so\nB. no\nAnswer:"


def test_a_template_with_a_blank_is_of_the_cloze_form():
    assert Template(name="a", prompt="x {{ blank }} y").is_cloze and not Template(name="b", prompt="x").is_cloze
    assert rendered("x {{ blank }} y", {"blank": BLANK}) == f"x {BLANK} y"


def test_what_is_scored_of_a_blank_is_all_or_what_is_behind():
    with pytest.raises(ValidationError, match="scores"):
        Template(name="a", prompt="x", scores="before")
