"""Chat logs rendered from local facts: short questions with right answers, some with a worse answer beside, and labelled noise."""

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from kernels.synthesis.labels import Kind, Label, label
from kernels.synthesis.noise import edit_slightly, foreign_text, personal_sentence

SHARES: tuple[tuple[Kind, float], ...] = (
    ("clean", 0.84),
    ("exact_duplicate", 0.05),
    ("near_duplicate", 0.03),
    ("personal_data", 0.05),
    ("foreign", 0.03),
)
REJECTED_SHARE = 0.35
WORDS = [
    "apple",
    "bridge",
    "candle",
    "dragon",
    "engine",
    "forest",
    "garden",
    "hammer",
    "island",
    "jungle",
    "kitten",
    "lemon",
    "mirror",
    "number",
    "orange",
    "planet",
    "river",
    "silver",
    "table",
    "window",
]
MIN_NEAR_WORDS = 30


class Exchange(NamedTuple):
    """One question and its right answer."""

    question: str
    answer: str


def word_tasks(count: int, seed: int) -> list[Exchange]:
    """Return small tasks on numbers and words, with right answers."""
    dice = random.Random(seed)
    tasks: list[Exchange] = []
    for _ in range(count):
        word, a, b = dice.choice(WORDS), dice.randrange(1, 50), dice.randrange(1, 50)
        tasks.append(
            dice.choice(
                [
                    Exchange(f"What is {a} + {b}?", f"{a} + {b} = {a + b}."),
                    Exchange(f"What is {max(a, b)} - {min(a, b)}?", f"{max(a, b)} - {min(a, b)} = {abs(a - b)}."),
                    Exchange(f"Spell the word {word}.", f"{word} is spelled {'-'.join(word)}."),
                    Exchange(f"Write {word} in capital letters.", f"{word.upper()}."),
                    Exchange(f"How many letters does the word {word} have?", f"The word {word} has {len(word)} letters."),
                    Exchange(f"Which is larger, {a} or {b}?", f"{max(a, b)} is larger." if a != b else "They are equal."),
                ]
            )
        )
    return tasks


def render_chats(exchanges: Sequence[Exchange], path: str, seed: int) -> tuple[list[dict[str, Any]], list[Label]]:
    """Return conversations in OpenAI's form, one an exchange, and their labels under the file's name ``path``."""
    dice = random.Random(seed)
    conversations: list[dict[str, Any]] = []
    labels: list[Label] = []
    clean: list[tuple[str, Exchange]] = []
    rejected: dict[str, str] = {}
    for number, exchange in enumerate(exchanges):
        kind = dice.choices([kind for kind, _ in SHARES], [share for _, share in SHARES])[0]
        key = f"{path.partition('.')[0]}-{number:05d}"
        original, values = None, []
        long_enough = [each for each in clean if len(each[1].answer.split()) >= MIN_NEAR_WORDS]
        if not clean or (kind == "near_duplicate" and not long_enough):
            kind = "clean"
        match kind:
            case "exact_duplicate":
                original, exchange = clean[dice.randrange(len(clean))]
            case "near_duplicate":
                original, twin = long_enough[dice.randrange(len(long_enough))]
                exchange = twin._replace(answer=edit_slightly(twin.answer, dice))
            case "personal_data":
                planted = personal_sentence(dice)
                values = [planted.value]
                exchange = exchange._replace(answer=f"{exchange.answer} {planted.sentence}")
            case "foreign":
                exchange = Exchange(foreign_text(dice, 1), foreign_text(dice, 2))
            case _:
                clean.append((key, exchange))
        turns = [{"role": "user", "content": exchange.question}, {"role": "assistant", "content": exchange.answer}]
        conversation: dict[str, Any] = {"id": key, "messages": turns}
        if kind == "clean" and dice.random() < REJECTED_SHARE:
            rejected[key] = worse_answer(exchange, exchanges[dice.randrange(len(exchanges))], dice)
        if rejection := rejected.get(original or key):
            conversation["rejected"] = rejection
        conversations.append(conversation)
        labels.append(label(path, key, kind, original, values))
    return conversations, labels


def worse_answer(exchange: Exchange, other: Exchange, dice: random.Random) -> str:
    """Return an answer that people like less: another question's, cut short, shouted, or saying the same again and again."""
    words = exchange.answer.split()
    match dice.randrange(4):
        case 0 if other.answer != exchange.answer:
            return other.answer
        case 1 if len(exchange.answer) > 12:
            return exchange.answer[: len(exchange.answer) // 2].rstrip()
        case 2 if exchange.answer.upper() != exchange.answer:
            return exchange.answer.upper() + "!!!"
        case _:
            return " ".join(words[:3] * 6)
