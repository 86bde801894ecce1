import random
import re

import pytest

from kernels.synthesis.chats import Exchange, render_chats, word_tasks, worse_answer

EXCHANGES = [Exchange(f"What is thing {number}?", f"Thing {number} is " + "a part of a long and winding story " * 13 + ".") for number in range(400)]
STRANGER = Exchange("Къде е градът?", "Градът лежи край реката.")


@pytest.fixture(scope="module")
def rendered():
    return render_chats(EXCHANGES, [STRANGER], "chats-0.jsonl", 1)


def pairs(rendered, kind):
    return [(chat, label) for chat, label in zip(*rendered, strict=True) if label.kind == kind]


def test_every_exchange_gives_a_conversation_labelled_by_its_id(rendered):
    chats, labels = rendered
    assert [chat["id"] for chat in chats] == [label.key for label in labels]
    assert len({chat["id"] for chat in chats}) == len(EXCHANGES)


def test_the_same_seed_gives_the_same_conversations():
    first, again, other = (render_chats(EXCHANGES, [], "c.jsonl", seed)[0] for seed in (1, 1, 2))
    assert first == again != other


def test_about_a_third_of_clean_conversations_have_a_worse_answer(rendered):
    clean = [chat for chat, _ in pairs(rendered, "clean")]
    assert 0.25 < sum("rejected" in chat for chat in clean) / len(clean) < 0.45


def test_a_worse_answer_is_never_the_answer(rendered):
    assert any("rejected" in chat for chat in rendered[0])
    for chat in rendered[0]:
        assert chat.get("rejected") != chat["messages"][-1]["content"]


def test_an_exact_duplicate_repeats_all_but_the_id(rendered):
    chats = {chat["id"]: chat for chat in rendered[0]}
    assert pairs(rendered, "exact_duplicate")
    for chat, label in pairs(rendered, "exact_duplicate"):
        assert {**chat, "id": None} == {**chats[label.original], "id": None}


def test_a_near_duplicate_differs_from_its_original_in_a_few_words(rendered):
    chats = {chat["id"]: chat for chat in rendered[0]}
    assert pairs(rendered, "near_duplicate")
    for chat, label in pairs(rendered, "near_duplicate"):
        words, original = (each["messages"][1]["content"].split() for each in (chat, chats[label.original]))
        assert 0 < sum(left != right for left, right in zip(words, original, strict=True)) <= 2


def test_short_conversations_are_never_called_near_duplicates():
    short = [Exchange(f"What is {number}?", f"It is {number}.") for number in range(300)]
    assert "near_duplicate" not in {label.kind for label in render_chats(short, [], "c.jsonl", 1)[1]}


def test_planted_values_stand_in_the_answer(rendered):
    assert pairs(rendered, "personal_data")
    for chat, label in pairs(rendered, "personal_data"):
        assert label.values and all(value in chat["messages"][1]["content"] for value in label.values)


def test_given_foreign_exchanges_are_used_first(rendered):
    chat, _ = pairs(rendered, "foreign")[0]
    assert [turn["content"] for turn in chat["messages"]] == list(STRANGER)


def test_tasks_are_answered_correctly():
    num_checked = 0
    for task in word_tasks(2000, 1):
        num_checked += bool(re.match(r"What is (\d+ ([+-]|times) \d+\?|\w+ written backwards)|Which is larger, \d+", task.question))
        if found := re.match(r"What is (\d+) ([+-]|times) (\d+)\?", task.question):
            left, right = int(found[1]), int(found[3])
            want = {"+": left + right, "-": left - right, "times": left * right}[found[2]]
            assert task.answer.endswith(f" {want}.")
        elif found := re.match(r"What is (\w+) written backwards", task.question):
            assert task.answer.endswith(f" {found[1][::-1]}.")
        elif found := re.match(r"Which is larger, (\d+) or (\d+)", task.question):
            assert task.answer.startswith(f"{max(int(found[1]), int(found[2]))} ")
    assert num_checked > 1000


def test_no_task_comes_twice():
    tasks = word_tasks(3000, 1)
    assert len(set(tasks)) == len(tasks) == 3000


def test_more_tasks_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="1000000 tasks wanted"):
        word_tasks(1_000_000, 1)


def test_an_answer_too_short_to_spoil_in_one_way_is_spoiled_in_another():
    for seed in range(20):
        assert worse_answer(Exchange("?", "12."), Exchange("?", "12."), random.Random(seed)) != "12."
