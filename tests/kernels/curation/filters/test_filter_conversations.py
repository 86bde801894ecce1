"""Filters rewrite conversations turn by turn, and judge them as a whole."""

import json

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filtering.chain import Filtered, Step, apply_filters
from kernels.curation.filters import c4, gopher_quality, personal_data, secrets, survey
from kernels.documents.conversations import conversation, disagreement, turns_of
from kernels.documents.schema import document_table
from kernels.specs.config import Config
from kernels.specs.filters import Filter, Outcome
from kernels.specs.sources import Document
from kernels.specs.turns import Turn

MAIL = "ada.lovelace@example.com"
CALL = json.dumps([{"type": "function", "function": {"name": "mail", "arguments": {"to": MAIL, "card": 4111111111111111}}}])
TALK = [
    Turn("system", f"Boss: {MAIL}"),
    Turn("user", f"Write to {MAIL}."),
    Turn("assistant", "", tool_calls=CALL),
    Turn("tool", f'{{"to": "{MAIL}"}}'),
    Turn("assistant", f"Sent to {MAIL}."),
    Turn("rejected", f"No, {MAIL}."),
]
SENTENCE = "This is a full sentence."


def passed(step: Step, *talks: list[Turn], text: str = "Plain words stand here.") -> Filtered:
    """Pass a document that is no conversation, and then conversations."""
    table = document_table("s", "f", [Document("0", text), *(conversation(str(number), talk) for number, talk in enumerate(talks, 1))])
    found = apply_filters(table, [step])
    assert [disagreement(kept, turns) for kept, turns in zip(found.kept["text"].to_pylist(), turns_of(found.kept["turns"]), strict=True)] == [
        ""
    ] * found.kept.num_rows
    return found


def talk_of(found: Filtered) -> list[Turn]:
    return turns_of(found.kept["turns"])[1] or []


@pytest.mark.parametrize("treatment", [{"treatment": "mask"}, {"treatment": "surrogate", "seed": 1}])
def test_personal_data_go_from_every_turn_and_every_call_by_equal_values(treatment: dict[str, object]) -> None:
    config = personal_data.PersonalDataConfig.model_validate({"kinds": ["email", "card"], **treatment})
    found = passed((personal_data.SPEC, config), TALK, text=f"Ask {MAIL} now.")
    instead = found.kept["text"].to_pylist()[0].split()[1]
    turns = talk_of(found)
    assert instead != MAIL
    assert [turn.content for turn in turns] == [turn.content.replace(MAIL, instead) for turn in TALK]
    arguments = json.loads(turns[2].tool_calls or "")[0]["function"]["arguments"]
    assert arguments["to"] == instead and arguments["card"] != 4111111111111111 and isinstance(arguments["card"], str)
    assert [(row["id"], row["name"], row["value"]) for row in found.tags.to_pylist()] == [
        ("s/f#0", "num_email", 1), ("s/f#1", "num_email", 6), ("s/f#1", "num_card", 1),
    ]  # fmt: skip


def test_a_value_does_not_reach_over_the_end_of_a_turn() -> None:
    found = passed(
        (personal_data.SPEC, personal_data.PersonalDataConfig(kinds=("phone",))), [Turn("user", "Call +1 212"), Turn("assistant", "555 0147")]
    )
    assert talk_of(found) == [Turn("user", "Call +1 212"), Turn("assistant", "555 0147")]


def test_secrets_are_masked_turn_by_turn_or_drop_the_conversation() -> None:
    token = "glpat-" + "aB3dE5gH7jK9mN1pQ2rS"
    talk = [Turn("user", f"Use {token}"), Turn("assistant", "", tool_calls=CALL.replace(MAIL, token))]
    masked = talk_of(passed((secrets.SPEC, secrets.SecretsConfig(action="mask")), talk))
    assert masked[0].content == "Use <GITLAB_TOKEN>" and token not in str(masked[1].tool_calls)
    dropped = passed((secrets.SPEC, secrets.SecretsConfig(action="drop")), talk).dropped.to_pylist()
    assert [(row["reason"], row["value"]) for row in dropped] == [("secret", 2)]


def test_lines_go_from_what_is_said_and_stay_where_a_system_or_a_tool_speaks() -> None:
    talk = [
        Turn("system", "no full stop"),
        Turn("user", f"{SENTENCE}\nmenu"),
        Turn("assistant", f"menu\n{SENTENCE}"),
        Turn("rejected", f"{SENTENCE}\nmenu"),
    ]
    config = c4.C4Config(min_sentences=4, min_words_per_line=2)
    found = passed((c4.SPEC, config), talk, [*talk[:2], Turn("assistant", SENTENCE)], text="\n".join([SENTENCE] * 4))
    assert [turn.content for turn in talk_of(found)] == ["no full stop", SENTENCE, SENTENCE, SENTENCE]
    assert [(row["id"], row["reason"], row["value"]) for row in found.dropped.to_pylist()] == [("s/f#2", "c4_too_few_sentences", 3)]


def test_a_conversation_of_which_a_turn_is_emptied_is_dropped_and_no_turns_run_together() -> None:
    talk = [Turn("user", "Hi"), Turn("assistant", SENTENCE), Turn("user", SENTENCE), Turn("assistant", SENTENCE)]
    found = passed((c4.SPEC, c4.C4Config(min_sentences=None)), talk, talk[2:])
    assert found.kept["id"].to_pylist() == ["s/f#0", "s/f#2"]
    assert [(row["id"], row["filter"], row["reason"]) for row in found.dropped.to_pylist()] == [("s/f#1", "c4", "emptied_turn")]


def test_a_rule_against_code_drops_the_conversation_as_a_whole() -> None:
    found = passed((c4.SPEC, c4.C4Config(min_sentences=None)), [Turn("user", SENTENCE), Turn("assistant", f"{SENTENCE}\nThis is {{ code.")])
    assert [row["reason"] for row in found.dropped.to_pylist()] == ["c4_curly_bracket"]


def test_capitals_are_cut_turn_by_turn_and_symbols_counted_in_the_whole() -> None:
    config = survey.SurveyConfig(require_digits=True, min_capital_words=3, max_symbol_word_ratio=None)
    talk = [Turn("system", "DO NOT SHOUT AT ALL."), Turn("user", "I have 3. BUY IT ALL NOW. Yes."), Turn("assistant", "Good.")]
    found = passed((survey.SPEC, config), talk, [Turn("user", "No digit."), Turn("assistant", "None.")], text="1 line.")
    assert [turn.content for turn in talk_of(found)] == ["DO NOT SHOUT AT ALL.", "I have 3. Yes.", "Good."]
    assert [(row["id"], row["reason"]) for row in found.dropped.to_pylist()] == [("s/f#2", "survey_no_digits")]


def test_a_filter_that_only_judges_sees_the_whole_conversation() -> None:
    config = gopher_quality.GopherQualityConfig(min_words=9, min_stop_words=None, min_alpha_words_ratio=0.5)
    long = [Turn("user", "one two three four five"), Turn("assistant", "six seven eight nine ten")]
    found = passed((gopher_quality.SPEC, config), long, [Turn("user", "one two"), Turn("assistant", "three")], text="word " * 20)
    assert found.kept["id"].to_pylist() == ["s/f#0", "s/f#1"] and talk_of(found) == long


def test_a_filter_that_rewrites_whole_texts_is_an_error_that_tells_the_remedy() -> None:
    def shout(batch: TextBatch, config: Config) -> Outcome:
        nothing = pl.Series([None] * len(batch.text), dtype=pl.String)
        return Outcome(batch.text.str.to_uppercase(), nothing, nothing.cast(pl.Float64))

    with pytest.raises(ValueError, match=r"filter shout: 3 pieces of text in, 2 out; .* must rewrite the batch's pieces"):
        passed((Filter(name="shout", version=1, config=Config, apply=shout), Config()), [Turn("user", "a"), Turn("assistant", "b")])


def test_conversations_of_many_batches_keep_their_own_turns() -> None:
    talks = [[Turn("user", f"{number} {'y' * 400_000}."), Turn("assistant", f"{number} to {MAIL}")] for number in range(6)]
    found = passed((personal_data.SPEC, personal_data.PersonalDataConfig(kinds=("email",))), *talks)
    answers = [turns[1].content for turns in turns_of(found.kept["turns"]) if turns]
    assert answers == [f"{number} to <EMAIL>" for number in range(6)]
