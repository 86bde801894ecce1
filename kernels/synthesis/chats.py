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
KINDS: list[Kind] = [kind for kind, _ in SHARES]
WEIGHTS = [share for _, share in SHARES]
REJECTED_SHARE = 0.36
MIN_NEAR_WORDS = 90
"""Of a shorter conversation two changed words are too large a part to call it nearly the same."""

WORDS = (
    "apple", "arrow", "autumn", "basket", "bottle", "bread", "bridge", "butter", "button", "candle", "carpet", "castle", "cat", "chair",
    "cheese", "circle", "clock", "cloud", "coffee", "copper", "corner", "cotton", "dinner", "doctor", "dog", "donkey", "door", "dragon",
    "engine", "family", "farmer", "feather", "field", "finger", "fire", "flower", "forest", "friend", "garden", "glass", "grass", "hammer",
    "harbor", "hat", "honey", "horse", "house", "island", "jacket", "jungle", "kitchen", "kitten", "ladder", "lamp", "leaf", "lemon",
    "letter", "light", "market", "meadow", "mirror", "monkey", "moon", "morning", "mother", "mountain", "music", "needle", "night", "number",
    "ocean", "office", "onion", "orange", "paper", "pencil", "pepper", "picture", "pillow", "planet", "plate", "pocket", "potato", "rabbit",
    "rain", "ribbon", "river", "road", "rocket", "school", "shadow", "sheep", "silver", "sister", "snow", "soap", "spoon", "spring", "star",
    "stone", "storm", "street", "summer", "sun", "table", "teacher", "thunder", "tiger", "tomato", "tower", "train", "tree", "valley",
    "village", "violin", "water", "whale", "wheel", "window", "winter", "wolf", "wood", "yellow", "zebra",
)  # fmt: skip


class Exchange(NamedTuple):
    """One question and its right answer."""

    question: str
    answer: str


def word_tasks(count: int, seed: int) -> list[Exchange]:
    """Return small tasks on numbers and words, with right answers and no two alike.

    Raises:
        ValueError: there are not that many.
    """
    numbers = range(1, 50)
    tasks = [Exchange(f"What is {a} + {b}?", f"{a} + {b} = {a + b}.") for a in numbers for b in numbers]
    tasks += [Exchange(f"What is {a} - {b}?", f"{a} - {b} = {a - b}.") for a in numbers for b in numbers if a >= b]
    tasks += [Exchange(f"What is {a} times {b}?", f"{a} times {b} is {a * b}.") for a in range(2, 13) for b in range(2, 13)]
    tasks += [Exchange(f"Which is larger, {a} or {b}?", f"{max(a, b)} is the larger of the two.") for a in numbers for b in numbers if a != b]
    words: list[Exchange] = []
    for word in WORDS:
        words += [
            Exchange(f"Spell the word {word}.", f"The word {word} is spelled {'-'.join(word)}."),
            Exchange(f"How do I write {word} in capital letters?", f"In capital letters, the word {word} is {word.upper()}."),
            Exchange(f"What is {word} written backwards?", f"Written backwards, the word {word} is {word[::-1]}."),
            Exchange(f"How many letters does the word {word} have?", f"The word {word} has {len(word)} letters."),
            Exchange(f"What is the first letter of {word}?", f"The first letter of {word} is {word[0]}."),
        ]
    dice = random.Random(seed)
    num_words = min(count // 2, len(words))
    if count - num_words > len(tasks):
        raise ValueError(f"{count} tasks wanted, there are {len(tasks) + len(words)}")
    chosen = dice.sample(words, num_words) + dice.sample(tasks, count - num_words)
    dice.shuffle(chosen)
    return chosen


def render_chats(exchanges: Sequence[Exchange], foreign: Sequence[Exchange], path: str, seed: int) -> tuple[list[dict[str, Any]], list[Label]]:
    """Return conversations in OpenAI's form, one an exchange, and their labels under the file's name ``path``.

    Foreign conversations take those of ``foreign`` in turn, and sentences of `kernels.synthesis.noise` when these are used up. A
    duplicate repeats the worse answer too, where there is one.
    """
    dice = random.Random(seed)
    strangers = iter(foreign)
    conversations: list[dict[str, Any]] = []
    labels: list[Label] = []
    clean: list[_Told] = []
    long: list[_Told] = []
    for number, exchange in enumerate(exchanges):
        kind: Kind = dice.choices(KINDS, WEIGHTS)[0]
        key = f"{path.partition('.')[0]}-{number:05d}"
        original, rejected, values = None, None, list[str]()
        if (kind == "exact_duplicate" and not clean) or (kind == "near_duplicate" and not long):
            kind = "clean"
        match kind:
            case "exact_duplicate":
                original, exchange, rejected = clean[dice.randrange(len(clean))]
            case "near_duplicate":
                original, exchange, rejected = long[dice.randrange(len(long))]
                exchange = exchange._replace(answer=edit_slightly(exchange.answer, dice))
            case "personal_data":
                planted = personal_sentence(dice)
                values = [planted.value]
                exchange = exchange._replace(answer=f"{exchange.answer} {planted.sentence}")
            case "foreign":
                exchange = next(strangers, None) or Exchange(foreign_text(dice, 1), foreign_text(dice, 2))
            case _:
                if dice.random() < REJECTED_SHARE:
                    rejected = worse_answer(exchange, exchanges[dice.randrange(len(exchanges))], dice)
                clean.append(_Told(key, exchange, rejected))
                long += clean[-1:] if len(" ".join(exchange).split()) >= MIN_NEAR_WORDS else []
        conversations.append(_conversation(key, exchange, rejected))
        labels.append(label(path, key, kind, original, values))
    return conversations, labels


class _Told(NamedTuple):
    key: str
    exchange: Exchange
    rejected: str | None


def _conversation(key: str, exchange: Exchange, rejected: str | None) -> dict[str, Any]:
    turns = [{"role": "user", "content": exchange.question}, {"role": "assistant", "content": exchange.answer}]
    return {"id": key, "messages": turns, **({} if rejected is None else {"rejected": rejected})}


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
