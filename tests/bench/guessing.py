"""What look-up brings (guessing/lookup.py): our engine with and without it, on answers that copy what was given, repeat themselves or repeat nothing.

Run by ``make bench NAME=guessing``. SmolLM2-135M-Instruct at 8 bits on one core, alone: tokens a second of the wall clock and, in brackets, of the
CPU, from the first token of an answer to its last, and the share of guesses that were right. Each answer is made with and without in turn, and the
least time of three counts; both ways say the same but where two tokens are as likely to a rounding, and how many answers do is told. ``ratio`` is the
gain on copied text by the wall clock, ``ratio_plain`` what is left on text that repeats nothing.

Guessed are as many tokens at a time as `mill chat` and `mill serve` take. With 8 copied text came 2.11 times as fast and not 1.97 times, and text
that repeats nothing .91 times and not 1.01 times: so 4 are.
"""

import json
import os
import time
from typing import Any, NamedTuple

from pipelines.terminal.guesses import NUM_GUESSED
from resources.storage.home import Home
from tests.bench import texts
from tests.bench.serving_peers import write_checkpoint
from tests.locations import PROJECT

NUM_TEXTS, NUM_CHARS, NUM_NEW, REPEATS = 6, 500, 96, 3
KINDS = {
    "copies": ("Repeat this text word by word, without any change:\n\n{}", 0.0),
    "repeats itself": ("Write a story that has nothing to do with this text:\n\n{}", 0.0),
    "repeats nothing": ("Write a story that has nothing to do with this text:\n\n{}", 1.0),
}
"""What is asked, and the temperature: a small model that always takes the likeliest token soon says the same again."""


class Took(NamedTuple):
    """An answer."""

    tokens: tuple[int, ...]
    wall: float
    """Seconds from its first token to its last."""
    cpu: float


def answered(engine: Any, tokens: list[int], temperature: float) -> Took:
    """Return an answer of some tokens, which nothing ends before."""
    from kernels.inference.asking import Asked
    from kernels.inference.sampling import Sampling

    begun: tuple[float, float] | None = None
    made: list[int] = []
    for piece in engine.answers([Asked(tokens=tokens, max_new_tokens=NUM_NEW, sampling=Sampling(temperature=temperature))]):
        begun = begun or (time.perf_counter(), time.process_time())
        made.append(piece.told.token)
    assert begun is not None
    return Took(tuple(made), time.perf_counter() - begun[0], time.process_time() - begun[1])


def main() -> None:
    """Measure both kinds of answers, and print the table and the JSON line."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    import torch

    from kernels.inference.backends.backend import Manner, Room
    from kernels.inference.backends.choosing import opened
    from kernels.inference.guessing.lookup import Lookup
    from kernels.models.formats import checkpoints
    from kernels.models.formats.chats import chat_encoder
    from kernels.specs.turns import Turn

    torch.set_num_threads(1)
    cache = Home.resolve(PROJECT / ".mill", os.environ).package_cache
    folder = cache / "serving"
    folder.mkdir(parents=True, exist_ok=True)
    write_checkpoint(folder, cache)
    lm = checkpoints.load(folder / "checkpoint", "cpu")
    given = [text[:NUM_CHARS] for _, text in texts.documents(600) if len(text) > NUM_CHARS]
    given = given[:: len(given) // NUM_TEXTS][:NUM_TEXTS]
    found: dict[str, dict[str, float]] = {}
    for kind, (words, temperature) in KINDS.items():
        engines: dict[str, Any] = {
            how: opened("own", lm, Room(4096), "int8", Manner(guesser)) for how, guesser in (("plain", None), ("guesses", Lookup(NUM_GUESSED)))
        }
        seconds, num_same = {how: [0.0, 0.0] for how in engines}, 0
        for text in given:
            tokens = chat_encoder(lm.tokenizer).prompt([Turn("user", words.format(text))])
            took = {how: [answered(engine, tokens, temperature) for _ in range(REPEATS)] for how, engine in engines.items()}
            num_same += took["plain"][0].tokens == took["guesses"][0].tokens
            for how, each in took.items():
                seconds[how][0] += min(one.wall for one in each)
                seconds[how][1] += min(one.cpu for one in each)
        speeds = {how: [len(given) * (NUM_NEW - 1) / each for each in both] for how, both in seconds.items()}
        use = engines["guesses"].use
        right = use.num_guessed_right / max(1, use.num_guessed)
        (plain, plain_cpu), (guessed, guessed_cpu) = speeds["plain"], speeds["guesses"]
        found[kind] = {"plain": plain, "guesses": guessed, "ratio": guessed / plain, "ratio_cpu": guessed_cpu / plain_cpu, "right": right}
        shown = f"{plain:6.1f} ({plain_cpu:.1f}) tokens/s without, {guessed:6.1f} ({guessed_cpu:.1f}) with: {guessed / plain:.2f} times"
        print(f"{kind:15} {shown}; {use.num_guessed} guessed, {right:.0%} right; {num_same} of {len(given)} answers the same", flush=True)
    copied, made = found["copies"], found["repeats nothing"]
    line = {"name": "guessing", "ours": copied["guesses"], "peer": copied["plain"], "ratio": copied["ratio"], "unit": "tokens/s"}
    print(json.dumps({**line, "ratio_plain": made["ratio"], "ratio_cpu": copied["ratio_cpu"], "kinds": found}))


if __name__ == "__main__":
    main()
