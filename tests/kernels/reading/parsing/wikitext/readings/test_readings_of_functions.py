import pytest

from tests.kernels.reading.parsing.wikitext.readings.pages import shown


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("It has {{formatnum:{{#expr:1200+34}}}} people.", "It has 1,234 people."),
        ("It has {{formatnum:{{#expr:2*3.5 round 0}}}} people.", "It has 7 people."),
        ("It has {{#expr: (3+4)*2}} legs.", "It has 14 legs."),
        ("It has {{#expr:10/4 round 1}} legs.", "It has 2.5 legs."),
        ("It is {{#switch:b|a=one|b=two|#default=none}} here.", "It is two here."),
        ("It is {{#switch:z|a=one|b=two|#default=none}} here.", "It is none here."),
        ("It is {{#switch:a|a|b=two|three}} here.", "It is two here."),
        ("It is {{#ifexpr:3>2|more|less}} here.", "It is more here."),
        ("It is {{#ifeq:1|1.0|same|other}} here.", "It is same here."),
        ("It is {{#ifexist:Foo|a|b}} here. Kept.", "Kept."),
        ("It is {{#if: |a|b}}.", "It is b."),
        ("It is {{#iferror:x|bad|good}} now.", "It is good now."),
        ("{{ucfirst:hello}} {{lcfirst:World}} {{uc:abc}} {{lc:ABC}}.", "Hello world ABC abc."),
        ("{{plural:1|item|items}} and 2 {{plural:2|item|items}}.", "item and 2 items."),
        ("Pad {{padleft:7|3|0}} and {{padright:7|3}}.", "Pad 007 and 700."),
    ],
)
def test_a_function_computes_what_it_shows(wikitext: str, text: str):
    assert shown(wikitext) == text


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("2 ^ 3 ^ 2", "64"), ("-2 ^ 2", "4"), ("7 mod 4", "3"), ("1/3 round 4", "0.3333"),
        ("2.5 round 0", "3"), ("-2.5 round 0", "-3"), ("1234 round -2", "1200"), ("3 >= 2 and 2 <> 1", "1"), ("not 0", "1"),
        ("sqrt 16 + 1", "5"), ("ceil 1.2 + floor 1.8", "3"), ("1e3 + 2e2", "1200"), ("pi round 2", "3.14"), ("trunc -1.9", "-1"),
        ("10 \u2212 4", "6"), ("abs -3", "3"), ("1 = 1.0", "1"),
    ],
)  # fmt: skip
def test_an_expression_has_its_value(expression: str, value: str):
    assert shown(f"{{{{#expr:{expression}}}}}") == value


@pytest.mark.parametrize(
    "expression", ["", "1/0", "(1", "1)", "1 2", "x", "__import__", "9^9^9^9", "sqrt -1", "ln 0", "5 mod 0", "1" * 400, "(" * 200, "1 round 1e9 +"]
)
def test_an_expression_without_a_value_is_lost(expression: str):
    assert shown(f"It is {{{{#expr:{expression}}}}} here. Kept.") == "Kept."


def test_a_condition_that_cannot_be_told_is_lost_and_a_branch_that_is_not_taken_is_not():
    assert shown("It is {{#if:{{mystery}}|a|b}}. Kept.") == "Kept."
    assert shown("It is {{#if:|{{mystery}}|b}}. Kept.") == "It is b. Kept."
