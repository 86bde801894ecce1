"""Several processes that read one model, or answer shares of what is asked, say what one process says."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kernels.inference.asking import Asked, Piece, Told
from kernels.inference.engines import engine_of
from kernels.inference.parallel.answering import Together, _piece
from kernels.inference.parallel.pieces import layers_of, narrowed
from kernels.inference.parallel.seats import Seat, meet
from kernels.inference.parallel.stages import Stage, packed, unpacked
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.readers.reading import Stretch
from kernels.inference.sampling import Sampling
from kernels.inference.streaming.plan import Most
from kernels.inference.streaming.weights import Weights
from kernels.models.formats.auto_classes import auto_class
from kernels.models.formats.checkpoints import LanguageModel, shape_of_folder
from kernels.specs.layout import Layout, Rank
from tests.kernels.inference.streaming.test_streaming import NUM_LAYERS, NUM_PAGES, VOCABULARY, llama, own, saved, steps
from tests.processes import on_processes

KINDS = {
    "a Llama": lambda: llama(),
    "a Llama, tied": lambda: llama(tie_word_embeddings=True),
    "alibi": lambda: own(positions="alibi"),
    "learned, apart": lambda: own(positions="learned", tied=False),
    "prefix, t5": lambda: own(positions="t5", attention="prefix"),
}
OF_FOUR = {"num_key_value_heads": 4}
LAYOUTS = {
    "tensor": Layout(processes=2, tensor=2),
    "pipeline": Layout(processes=2, pipeline=2),
    "tensor x pipeline": Layout(processes=4, tensor=2, pipeline=2),
    "pipeline of 4": Layout(processes=4, pipeline=4),
}


def read_here(rank: Rank, folders: Sequence[Path], num_steps: int | None = None) -> Any:
    """Read each model; return the logits that who leads has. A process is as good as killed that is given fewer steps than there are."""
    seat = meet(rank, "cpu")
    found: list[list[torch.Tensor]] = []
    for folder in folders:
        weights = Weights(shape_of_folder(folder), folder, torch.float32)
        stage = Stage(seat, weights, NUM_PAGES, "cpu", torch.float32)
        if seat.leads:
            found.append([stage.read(step) for step in steps(random.Random(1), whole=weights.module.shape.attention == "prefix")])
            stage.end()
        else:
            stage.follow()
    seat.leave()
    return [[logits.tolist() for logits in each] for each in found]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_processes_that_read_one_model_give_its_logits(layout: str, tmp_path: Path) -> None:
    kinds = {name: build() for name, build in KINDS.items()}
    modules = {name: saved(tmp_path / name, config) for name, config in kinds.items()}
    found, *others = on_processes(LAYOUTS[layout], read_here, [tmp_path / name for name in kinds])
    assert others == [[]] * len(others) and len(found) == len(kinds)
    for (name, module), logits in zip(modules.items(), found, strict=True):
        whole = PagedDecoder(module, NUM_PAGES, torch.float32)
        for step, each in zip(steps(random.Random(1), whole=name.startswith("prefix")), logits, strict=True):
            expected = whole.read(step)
            assert torch.allclose(torch.tensor(each).view_as(expected), expected, rtol=3e-5, atol=3e-5 * float(expected.abs().max())), name


def outline_of(folder: Path) -> LanguageModel:
    shape = shape_of_folder(folder)
    with torch.device("meta"):
        return LanguageModel(auto_class(shape).from_config(shape).eval(), SimpleNamespace(decode=lambda tokens, **_: repr(tokens)), "cpu")


def requests() -> list[Asked]:
    chance = random.Random(7)
    beginning = [chance.randrange(VOCABULARY) for _ in range(20)]
    prompts = [beginning[: chance.choice((0, 20))] + [chance.randrange(VOCABULARY) for _ in range(chance.randrange(1, 20))] for _ in range(9)]
    return [
        Asked(tokens=prompt, max_new_tokens=7, sampling=Sampling(temperature=place % 2, seed=place), num_answers=1 + place % 3, num_logprobs=2)
        for place, prompt in enumerate(prompts)
    ]


def tokens_of(pieces: Sequence[Piece]) -> dict[tuple[int, int], list[int]]:
    found: dict[tuple[int, int], list[int]] = {}
    for piece in pieces:
        assert piece.told is not None and len(piece.told.likeliest) == 2
        found.setdefault((piece.request, piece.answer), []).append(piece.told.token)
    return found


ROOM = Most(112, 16, 4)


def answered_here(rank: Rank, folder: Path) -> list[Piece]:
    seat = meet(rank, "cpu")
    together = Together(outline_of(folder), folder, seat, ROOM)
    found = together.answers(requests())
    assert tokens_of(together.answers(requests())) == tokens_of(found), "what is kept of texts that were read changed what is said"
    seat.leave()
    return found


GENERATING = {
    "replicas": Layout(processes=2),
    "tensor of 4": Layout(processes=4, tensor=4),
    "replicas x tensor": Layout(processes=4, tensor=2),
    "tensor x pipeline": Layout(processes=4, tensor=2, pipeline=2),
}


@pytest.mark.parametrize("layout", GENERATING)
def test_processes_answer_what_one_does_and_all_are_told_all(layout: str, tmp_path: Path) -> None:
    saved(tmp_path, llama(**OF_FOUR))
    shape = shape_of_folder(tmp_path)
    model: Any = auto_class(shape).from_pretrained(tmp_path, dtype=torch.float32, local_files_only=True).eval()
    engine = engine_of(outline_of(tmp_path)._replace(model=model), most_kept_tokens=1000)
    expected = tokens_of(list(engine.answers(requests())))
    for found in on_processes(GENERATING[layout], answered_here, tmp_path):
        assert tokens_of(found) == expected
        assert [piece.request for piece in found] == sorted(piece.request for piece in found)


def lost_here(rank: Rank, folder: Path, lost: int) -> str:
    """Answer until a process goes away without a word, and return what the others say."""
    seat = meet(rank, "cpu")
    stage = Stage(seat, Weights(shape_of_folder(folder), folder, torch.float32), NUM_PAGES, "cpu", torch.float32)
    if rank.number == lost:
        told = seat.told_by_leader(packed([], STEP) if seat.leads else None)
        assert unpacked(told) == ([], STEP)
        return "gone"
    try:
        if seat.leads:
            while True:
                stage.read(STEP)
        stage.follow()
    except RuntimeError as error:
        return str(error)
    return "ended as if nothing was"


STEP = [Stretch([1, 2, 3], 0, [0], range(3))]


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_a_process_that_is_lost_ends_the_others_who_say_so(lost: int, tmp_path: Path) -> None:
    saved(tmp_path, llama())
    found = on_processes(LAYOUTS["tensor x pipeline"], lost_here, tmp_path, lost)
    for number, told in enumerate(found):
        expected = "gone" if number == lost else f"process {number} of the 4 that answer together lost one that it waits for; see why that one ended"
        assert told.startswith(expected)


def test_layers_are_parted_as_evenly_as_they_can_be_and_each_is_of_one_stage() -> None:
    for num_layers, count in ((5, 2), (5, 4), (7, 3), (4, 4)):
        found = [layers_of(Seat(Rank(Layout(processes=count, pipeline=count), number)), num_layers) for number in range(count)]
        assert [layer for each in found for layer in each] == list(range(num_layers))
        assert {len(each) for each in found} <= {num_layers // count, -(-num_layers // count)}


def test_what_cannot_be_parted_is_refused_by_name(tmp_path: Path) -> None:
    saved(tmp_path, llama(intermediate_size=49))
    shape = Weights(shape_of_folder(tmp_path), tmp_path, torch.float32).module.shape
    with pytest.raises(ValueError, match="tensor: 2 key heads cannot be parted between 4 processes; take a divisor of 2"):
        narrowed(Seat(Rank(Layout(processes=4, tensor=4))), shape)
    with pytest.raises(ValueError, match="tensor: 49 neurons cannot be parted between 2 processes"):
        narrowed(Seat(Rank(Layout(processes=2, tensor=2))), shape)
    with pytest.raises(ValueError, match=f"pipeline: {NUM_LAYERS} layers cannot be parted between 6 processes"):
        narrowed(Seat(Rank(Layout(processes=6, pipeline=6))), shape)
    with pytest.raises(ValueError, match="zero: 3 is of trainings"):
        Seat(Rank(Layout(processes=2, zero=3)))


def test_a_piece_that_went_as_text_is_the_same() -> None:
    given = [Told(4, -1.0, [])]
    for piece in (Piece(0, 1, Told(3, -0.5, [(3, -0.5), (2, -1.5)]), "a", "stop", 7, given), Piece(2, 0, None, "", given=[])):
        assert _piece(*json.loads(json.dumps(piece))) == piece
