"""The forms of conversations that people have, each with what it must come to."""

import io
import json
from typing import Any

import pytest

from kernels.reading.formats.chats import SPEC, ChatsConfig
from kernels.specs.sources import Document, Reject, SourceFile
from kernels.specs.turns import Turn

ASKED, BETTER, WORSE = Turn("user", "Name a knot."), Turn("assistant", "The bowline."), Turn("rejected", "Knot.")
BRIEF = Turn("system", "Be brief.")
Q, A, R = ({"role": role, "content": turn.content} for role, turn in (("user", ASKED), ("assistant", BETTER), ("assistant", WORSE)))
CALL = '[{"type": "function", "function": {"name": "tide", "arguments": {"day": 1}}}]'
TIDE = [Turn("user", "Tide today?"), Turn("assistant", "", tool_calls=CALL), Turn("tool", "11:20"), Turn("assistant", "High water at 11:20.")]
TOOL = {"type": "function", "function": {"name": "tide", "parameters": {}}}
DEFINED = Turn("tools", '[{"type": "function", "function": {"name": "tide", "parameters": {}}}]')


def read(record: Any) -> list[Turn]:
    (item,) = SPEC.read(SourceFile("chats.jsonl", lambda: io.BytesIO(json.dumps(record).encode())), ChatsConfig())
    assert isinstance(item, Document), item
    return list(item.turns or ())


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "Name a knot.", "chosen": "The bowline.", "rejected": "Knot."},
        {"prompt": [Q], "chosen": [A], "rejected": [R]},
        {"chosen": [Q, A], "rejected": [Q, R]},
        {"prompt": "Name a knot.", "prompt_id": "u1", "chosen": [Q, A], "rejected": [Q, R], "messages": [Q, A], "score_chosen": 8.0},
        {"question": "Name a knot.", "chosen": "The bowline.", "rejected": "Knot."},
        {"instruction": "Name a knot.", "input": "", "chosen": "The bowline.", "rejected": "Knot."},
        {"instruction": "Name a knot.", "chosen_response": "The bowline.", "rejected_response": "Knot."},
        {
            "conversations": [{"from": "human", "value": "Name a knot."}],
            "chosen": {"from": "gpt", "value": "The bowline."},
            "rejected": {"from": "gpt", "value": "Knot."},
        },
        {"messages": [Q], "chosen": A, "rejected": R},
        {"input": {"messages": [Q], "tools": []}, "preferred_output": [A], "non_preferred_output": [R]},
        {"question": "Name a knot.", "response_j": "The bowline.", "response_k": "Knot."},
        {"messages": [Q, A], "chosen": "The bowline.", "rejected": "Knot."},
        {"messages": [Q, A], "rejected": R},
        {"prompt": "Name a knot.", "completion": "The bowline.", "rejected": ["Knot."]},
        {"chosen": "\n\nHuman: Name a knot.\n\nAssistant: The bowline.", "rejected": "\n\nHuman: Name a knot.\n\nAssistant: Knot."},
        {"prompt": "\n\nHuman: Name a knot.\n\nAssistant:", "chosen": " The bowline.", "rejected": " Knot."},
        {"prompt": "Name a knot.", "chosen": "\n\nAssistant: The bowline.", "rejected": "\n\nAssistant: Knot."},
    ],
)
def test_every_form_of_a_preference_pair_gives_the_same_turns(record: Any) -> None:
    assert read(record) == [ASKED, BETTER, WORSE]


def test_several_rejected_answers_are_several_turns() -> None:
    record = {"prompt": "Name a knot.", "chosen": "The bowline.", "rejected": ["Knot.", "No."]}
    assert read(record) == [ASKED, BETTER, WORSE, Turn("rejected", "No.")]
    assert read({"messages": [Q, A], "rejected": ["Knot.", R]}) == [ASKED, BETTER, WORSE, WORSE]
    assert read({"chosen": [Q, A], "rejected": [[Q, R], [Q, R]]}) == [ASKED, BETTER, WORSE, WORSE]


@pytest.mark.parametrize(
    "record",
    [
        {"system": "Be brief.", "question": "Name a knot.", "chosen": "The bowline.", "rejected": "Knot."},
        {"system_prompt": "Be brief.", "prompt": "Name a knot.", "chosen": [A], "rejected": [R]},
        {
            "system": "Be brief.",
            "chosen": [{"role": "system", "content": "Be brief."}, Q, A],
            "rejected": [{"role": "system", "content": "Be brief."}, Q, R],
        },
    ],
)
def test_what_the_system_says_stands_before_a_pair_once(record: Any) -> None:
    assert read(record) == [BRIEF, ASKED, BETTER, WORSE]


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "Name a knot.", "input": "", "output": "The bowline."},
        {"instruction": "Name a knot.", "output": "The bowline.", "input": None, "history": []},
        {"instruction": "Name a knot.", "context": "", "response": "The bowline.", "category": "open_qa"},
        {"prompt": "Name a knot.", "completion": " The bowline."},
        {"prompt": "Name a knot.", "response": "The bowline."},
        {"prompt": [Q], "completion": [A]},
        {"prompt": "Name a knot.", "completion": "The bowline.", "label": True},
        {"question": "Name a knot.", "answer": "The bowline."},
        {"query": "Name a knot.", "response": "The bowline."},
        {"input": "Name a knot.", "output": "The bowline."},
        {"turns": [Q, A]},
        {"dialog": ["Name a knot.", "The bowline."]},
    ],
)
def test_every_form_of_a_question_and_its_answer_gives_the_same_turns(record: Any) -> None:
    assert read(record) == [ASKED, BETTER]


def test_an_instruction_keeps_its_system_prompt_its_history_and_what_it_is_about() -> None:
    record = {"instruction": "And the second?", "input": "Of the two.", "output": "The clove hitch.", "system": "Be brief."}
    history = {"history": [["Name two knots, one at a time.", "The bowline."]]}
    assert read({**record, **history}) == [
        BRIEF,
        Turn("user", "Name two knots, one at a time."),
        BETTER,
        Turn("user", "And the second?\n\nOf the two."),
        Turn("assistant", "The clove hitch."),
    ]
    assert read({**record, "system": None, "system_prompt": "Be brief.", "input": ""})[0] == BRIEF
    assert read({"prompt": "So?", "response": "So.", "history": [Q, A]}) == [ASKED, BETTER, Turn("user", "So?"), Turn("assistant", "So.")]


def test_a_second_question_is_no_conversation_unless_the_first_says_it_too() -> None:
    record = {"instruction": "Answer briefly.", "question": "Name a knot.", "answer": "The bowline."}
    (item,) = SPEC.read(SourceFile("chats.jsonl", lambda: io.BytesIO(json.dumps(record).encode())), ChatsConfig())
    assert isinstance(item, Reject) and "both 'instruction' and 'question' ask something" in item.detail
    assert read({**record, "instruction": "Answer briefly. Name a knot."})[0] == Turn("user", "Answer briefly. Name a knot.")
    assert read({**record, "instruction": ""}) == [ASKED, BETTER]


def test_an_answer_that_was_not_wanted_is_a_rejected_one() -> None:
    assert read({"prompt": "Name a knot.", "completion": "Knot.", "label": False}) == [ASKED, WORSE]
    assert read({"messages": [Q, R], "kto_tag": False}) == [ASKED, WORSE]


@pytest.mark.parametrize(
    "call",
    [
        {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {"name": "tide", "arguments": '{"day": 1}'}}]},
        {"role": "assistant", "content": "", "tool_calls": [{"name": "tide", "arguments": {"day": 1}}]},
        {"role": "assistant", "tool_calls": {"name": "tide", "parameters": {"day": 1}}},
        {"role": "assistant", "content": None, "function_call": {"name": "tide", "arguments": '{"day": 1}'}},
        {"from": "function_call", "value": '{"name": "tide", "arguments": {"day": 1}}'},
        {"role": "tool_call", "content": '[{"name": "tide", "arguments": {"day": 1}}]'},
    ],
)
@pytest.mark.parametrize("role", ["tool", "function", "observation", "ipython"])
def test_calls_of_tools_and_what_they_gave_are_kept(call: dict[str, Any], role: str) -> None:
    given = {"role": role, "content": "11:20"}
    record = {"messages": [{"role": "user", "content": "Tide today?"}, call, given, {"role": "assistant", "content": "High water at 11:20."}]}
    assert read(record) == TIDE


@pytest.mark.parametrize("tools", [{"tools": [TOOL]}, {"tools": json.dumps([TOOL])}, {"functions": [TOOL]}])
def test_definitions_of_tools_stand_first(tools: dict[str, Any]) -> None:
    assert read({"messages": [Q, A], "system": "Be brief.", **tools}) == [DEFINED, BRIEF, ASKED, BETTER]


def test_names_ids_of_calls_and_answers_that_are_not_to_be_learned_are_kept() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "tide", "arguments": "not JSON"}}
    record = {
        "messages": [
            {"role": "user", "content": "Tide?", "name": "Ada"},
            {"role": "assistant", "content": "Let me see.", "tool_calls": [call], "weight": 0},
            {"role": "tool", "tool_call_id": "c1", "name": "tide", "content": {"at": "11:20"}},
            {"role": "assistant", "content": "At 11:20.", "train": True},
        ]
    }
    called = '[{"id": "c1", "type": "function", "function": {"name": "tide", "arguments": "not JSON"}}]'
    assert read(record) == [
        Turn("user", "Tide?", name="Ada"),
        Turn("assistant", "Let me see.", tool_calls=called, is_learned=False),
        Turn("tool", '{"at": "11:20"}', name="tide", tool_call_id="c1"),
        Turn("assistant", "At 11:20."),
    ]


def test_a_tool_may_give_nothing_and_several_calls_have_several_results() -> None:
    record = {"messages": [Q, {"role": "assistant", "tool_calls": [{"name": "f"}, {"name": "g"}]}, *[{"role": "tool", "content": ""}] * 2, A]}
    assert [turn.role for turn in read(record)] == ["user", "assistant", "tool", "tool", "assistant"]


def test_what_a_model_thought_stands_before_its_answer() -> None:
    (_, answer) = read({"messages": [Q, {**A, "reasoning_content": "A loop is asked for."}]})
    assert answer.content == "<think>\nA loop is asked for.\n</think>\n\nThe bowline."


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("    return 1\nelse:\n    return 2\n", "    return 1\nelse:\n    return 2"),
        ("\tif x:\n\t\ty()  \n", "\tif x:\n\t\ty()"),
        ("\n\n  - one\n  - two", "  - one\n  - two"),
        (" One blank is a completion's.", "One blank is a completion's."),
    ],
)
def test_indents_of_code_and_lists_stay(content: str, kept: str) -> None:
    assert read({"messages": [Q, {"role": "assistant", "content": content}]})[1].content == kept
    assert read({"instruction": content, "output": content}) == [Turn("user", kept), Turn("assistant", kept)]
