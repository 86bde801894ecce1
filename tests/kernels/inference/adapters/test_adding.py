"""Requests of several adapters and of none pass one base together, and each is answered as by the model that peft merges for it."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from kernels.inference.asking import Asked
from kernels.inference.cache.pages import PAGE
from kernels.inference.engine import Engine
from kernels.inference.guessing.draft import Draft
from kernels.inference.guessing.guesser import Guesser
from kernels.inference.guessing.lookup import Lookup
from kernels.inference.parallel.stages import Stage
from kernels.inference.readers.by_sequence import Causal
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.readers.paged_transformers import PagedTransformers
from kernels.inference.sampling import Sampling
from kernels.inference.streaming.plan import Most
from kernels.inference.streaming.reader import Within, streamed_reader
from kernels.models.formats.fast import taken
from kernels.models.formats.writing import write_model
from tests.kernels.inference.adapters.peft_adapters import BASES, put_all

NUM_PAGES = 48
READERS = [*((kind, "by Transformers") for kind in BASES), ("Llama", "by blocks of ours"), ("Llama", "by layers that pass through memory")]
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def text_of(tokens: Any) -> str:
    return "".join(chr(97 + token % 26) for token in tokens)


def reader_of(base: Any, how: str, folder: Path) -> Any:
    if how == "by Transformers":
        return PagedTransformers(base, NUM_PAGES)
    if how == "by blocks of ours":
        return PagedDecoder(taken(base).module.eval(), NUM_PAGES, torch.float32)
    write_model(base, folder)
    size = sum(parameter.nbytes for parameter in base.parameters())
    return streamed_reader(base.config, Within(folder, size + 1_000_000), Most(NUM_PAGES * PAGE, 64, 8), "cpu")


def engine_of(reader: Any, folder: Path, guesser: Guesser | None = None) -> Engine:
    found = Engine(reader, text_of, num_pages=NUM_PAGES, most_tokens=24, most_sequences=8, max_positions=64, guesser=guesser)
    for path in sorted(folder.glob("*/adapter_config.json")):
        found.load_adapter(path.parent.name, path.parent)
    return found


def requests() -> list[Asked]:
    """Requests that begin alike, whoever they are for."""
    chance = random.Random(1)
    beginning = [chance.randrange(3, 64) for _ in range(20)]
    return [
        Asked(
            tokens=[*beginning, *(chance.randrange(3, 64) for _ in range(chance.randrange(1, 9)))],
            max_new_tokens=8,
            sampling=Sampling(temperature=0) if place < 6 else Sampling(seed=place),
            num_answers=1 if place < 6 else 2,
            first_told=1 if place < 4 else None,
            num_logprobs=64,
            adapter=(None, "one", "two", "three")[place % 4],
        )
        for place in range(12)
    ]


def answered(engine: Engine, some: list[Asked]) -> list[list[int]]:
    found: dict[tuple[int, int], list[int]] = {}
    for piece in engine.answers(some):
        assert piece.told is not None or piece.given
        found.setdefault((piece.request, piece.answer), []).extend([] if piece.told is None else [piece.told.token])
    engine.pages.check([])
    return [found[key] for key in sorted(found)]


@pytest.mark.parametrize(("kind", "how"), READERS)
def test_logits_are_those_of_the_model_that_peft_merges(kind: str, how: str, tmp_path: Path) -> None:
    base, models = put_all(kind, tmp_path)
    engine = engine_of(reader_of(base, how, tmp_path / "base"), tmp_path)
    asked = requests()[:4]
    told: dict[int, list[Any]] = {}
    for piece in engine.answers(asked):
        told.setdefault(piece.request, []).extend(piece.given)
    for place, each in enumerate(asked):
        with torch.no_grad():
            logprobs = models[each.adapter](torch.tensor([each.tokens])).logits[0].log_softmax(-1)
            alone = base(torch.tensor([each.tokens])).logits[0].log_softmax(-1)
        assert each.adapter is None or float((logprobs - alone).abs().max()) > 0.1
        found = torch.tensor([[logprob for _, logprob in sorted(token.likeliest)] for token in told[place]])
        torch.testing.assert_close(found, logprobs[:-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("kind", "how"), READERS)
def test_a_batch_of_all_adapters_and_the_base_gives_each_what_it_gets_alone(kind: str, how: str, tmp_path: Path) -> None:
    base, models = put_all(kind, tmp_path)
    together = answered(engine_of(reader_of(base, how, tmp_path / "base"), tmp_path), requests())
    alone: list[list[int]] = []
    for each in requests():
        plain = Asked(**{**vars(each), "adapter": None})
        alone += answered(engine_of(PagedTransformers(models[each.adapter], NUM_PAGES), tmp_path / "none"), [plain])
    assert together == alone and len({tuple(answer) for answer in together}) == 18


@pytest.mark.parametrize("guesses", ["by looking up", "by the base"])
def test_with_guesses_answers_are_the_same(guesses: str, tmp_path: Path) -> None:
    base, _ = put_all("Llama", tmp_path)
    expected = answered(engine_of(PagedTransformers(base, NUM_PAGES), tmp_path), requests())
    guesser = Lookup(3) if guesses == "by looking up" else Draft(PagedTransformers(base, NUM_PAGES), num_pages=NUM_PAGES, count=3)
    engine = engine_of(PagedTransformers(base, NUM_PAGES), tmp_path, guesser)
    assert answered(engine, requests()) == expected and engine.num_guessed > 0
    assert guesses == "by looking up" or engine.num_guessed_right > 0


class Counting(PagedTransformers):
    """Knows how many tokens passed."""

    count = 0

    def read(self, stretches: Any) -> Any:
        self.count += sum(len(each.tokens) for each in stretches)
        return super().read(stretches)


def test_what_an_adapter_has_read_is_found_by_its_own_requests_alone(tmp_path: Path) -> None:
    base, _ = put_all("Llama", tmp_path)
    reader = Counting(base, NUM_PAGES)
    engine = engine_of(reader, tmp_path)

    def num_read(adapter: str | None) -> int:
        before = reader.count
        answered(engine, [Asked(tokens=range(3, 40), max_new_tokens=1, adapter=adapter)])
        return reader.count - before

    assert [num_read(name) for name in (None, "one", "two", None, "two", "one")] == [37, 37, 37, 5, 5, 5]
    engine.drop_adapter("one")
    engine.load_adapter("one", tmp_path / "three")
    assert [num_read(name) for name in ("one", "one", "two")] == [37, 5, 5]


def test_adapters_come_and_go_while_requests_are_under_way_but_none_that_is_in_use(tmp_path: Path) -> None:
    base, _ = put_all("Llama", tmp_path)
    asked = requests()
    expected = answered(engine_of(PagedTransformers(base, NUM_PAGES), tmp_path), asked[:3])
    engine = Engine(PagedTransformers(base, NUM_PAGES), text_of, num_pages=NUM_PAGES, most_tokens=24, max_positions=64)
    found: dict[tuple[int, int], list[int]] = {}

    def pass_on(count: int) -> None:
        for _ in range(count):
            for piece in engine.step():
                found.setdefault((piece.request, piece.answer), []).extend([] if piece.told is None else [piece.told.token])

    engine.ask(asked[0])
    pass_on(2)
    with pytest.raises(ValueError, match="no adapter is named 'one'; valid: none"):
        engine.ask(asked[1])
    engine.load_adapter("one", tmp_path / "one")
    engine.ask(asked[1])
    pass_on(2)
    with pytest.raises(ValueError, match="adapter one: requests under way are answered by it, 1 of them; drop it once they have ended"):
        engine.drop_adapter("one")
    with pytest.raises(ValueError, match="adapter one: there is one of this name"):
        engine.load_adapter("one", tmp_path / "two")
    engine.load_adapter("two", tmp_path / "two")
    engine.ask(asked[2])
    pass_on(40)
    assert engine.is_idle and [found[key] for key in sorted(found)] == expected
    engine.drop_adapter("one")
    with pytest.raises(ValueError, match="no adapter is named 'one'; valid: two"):
        engine.ask(asked[1])
    with pytest.raises(ValueError, match="no adapter is named 'one'"):
        engine.drop_adapter("one")


def test_what_reads_by_other_means_takes_none(tmp_path: Path) -> None:
    base, _ = put_all("Llama", tmp_path)
    engine = Engine(Causal(base), text_of, num_pages=NUM_PAGES)
    with pytest.raises(ValueError, match="adapter one: the base is read by Causal, which adds none"):
        engine.load_adapter("one", tmp_path / "one")
    with pytest.raises(ValueError, match="a decoder that several processes read takes no adapters"):
        Stage.places(Stage.__new__(Stage))
