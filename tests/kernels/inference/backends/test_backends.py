"""Each back end answers as the reference does, whatever is answered beside it; what it lacks or cannot express it says before it begins."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kernels.inference.asking import Asked
from kernels.inference.backends.backend import Room
from kernels.inference.backends.choosing import backends, opened
from kernels.inference.readers.llama_cpp import EXTRA, LlamaCpp
from kernels.inference.readers.reading import Stretch
from kernels.inference.sampling import Sampling
from kernels.models.formats.checkpoints import LanguageModel
from kernels.models.gguf_files import write_gguf
from tests.gguf_models import random_model
from tests.kernels.inference.readers.test_readers import t5

VOCABULARY, NUM_PROMPTS, NUM_NEW = 300, 50, 20
NEAR = {"F32": 1e-3, "F16": 1e-2}
"""How near two tokens' logits stand, of a few units each, where a format may take another token than the reference does; keys and values are F16."""


def llama(**changes: Any) -> LanguageModel:
    from transformers import LlamaConfig

    sizes: dict[str, Any] = {"vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128}
    tokenizer = SimpleNamespace(decode=lambda tokens, **_: "".join(chr(97 + token % 26) for token in tokens))
    model = random_model(LlamaConfig(**{**sizes, **changes}))
    with torch.no_grad():
        model.model.norm.weight *= 20  # so that logits are some units apart, as those of a model that learned
    return LanguageModel(model, tokenizer, "cpu")


def prompts() -> list[list[int]]:
    chance = random.Random(0)
    return [[chance.randrange(VOCABULARY) for _ in range(chance.randrange(1, 40))] for _ in range(NUM_PROMPTS)]


def answers(
    lm: LanguageModel, name: str, weights: str | None, sampling: Sampling, room: Room, num_answers: int = 1
) -> dict[tuple[int, int], list[int]]:
    requests = [Asked(tokens=tokens, max_new_tokens=NUM_NEW, sampling=sampling, num_answers=num_answers) for tokens in prompts()]
    found: dict[tuple[int, int], list[int]] = {}
    for piece in opened(name, lm, room, weights).answers(requests):
        assert piece.told is not None
        found.setdefault((piece.request, piece.answer), []).append(piece.told.token)
    return found


def distance(lm: LanguageModel, tokens: list[int], one: int, other: int) -> float:
    """Return how far apart the reference has what follows some tokens."""
    with torch.no_grad():
        logits = lm.model(torch.tensor([tokens])).logits[0, -1]
    return float((logits[one] - logits[other]).abs())


def needs_llama_cpp() -> None:
    if not EXTRA.is_installed():
        pytest.skip(f"llama.cpp is not here; to run them, {EXTRA.remedy}")


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("weights", NEAR)
def test_llama_cpp_takes_the_tokens_that_the_reference_takes_but_where_two_are_all_but_as_likely(weights: str, tied: bool) -> None:
    needs_llama_cpp()
    lm, greedy = llama(tie_word_embeddings=tied, head_dim=32, rope_parameters={"rope_type": "default", "rope_theta": 5e3}), Sampling(temperature=0)
    expected = answers(lm, "transformers", None, greedy, Room(10_000))
    found = answers(lm, "llama_cpp", weights, greedy, Room(640, 64, 16))
    same = 0
    for number, prompt in enumerate(prompts()):
        ours, theirs = found[number, 0], expected[number, 0]
        place = next((index for index in range(NUM_NEW) if ours[index] != theirs[index]), None)
        same += place is None
        if place is not None:
            assert distance(lm, [*prompt, *theirs[:place]], ours[place], theirs[place]) < NEAR[weights], (number, place)
    assert same >= 0.9 * NUM_PROMPTS


@pytest.mark.parametrize(("name", "weights"), [("own", "loaded"), ("llama_cpp", "F32")])
@pytest.mark.parametrize("room", [Room(10_000), Room(160, 24, 8)])
def test_several_answers_drawn_to_each_prompt_are_those_of_the_reference(name: str, weights: str, room: Room) -> None:
    if name == "llama_cpp":
        needs_llama_cpp()
    lm, sampling = llama(), Sampling(temperature=0.8, top_p=0.9, seed=3)
    expected = answers(lm, "transformers", None, sampling, Room(10_000), num_answers=3)
    found = answers(lm, name, weights, sampling, room, num_answers=3)
    assert expected.keys() == found.keys()
    differing = sum(expected[key] != found[key] for key in expected)
    assert differing <= 0.1 * len(expected)  # where a draw falls between what two ways of rounding make of a share


@pytest.mark.parametrize(("weights", "most"), [("Q8_0", 0.001), ("Q4_0", 0.05), ("IQ4_NL", 0.05)])
def test_rounded_weights_of_llama_cpp_change_distributions_little(weights: str, most: float) -> None:
    needs_llama_cpp()
    lm, divergences = llama(), list[float]()
    asked = [Asked(tokens=tokens, max_new_tokens=1, sampling=Sampling(temperature=0), num_logprobs=VOCABULARY) for tokens in prompts()]
    for piece in opened("llama_cpp", lm, Room(10_000), weights).answers(asked):
        assert piece.told is not None
        with torch.no_grad():
            expected = lm.model(torch.tensor([asked[piece.request].tokens])).logits[0, -1].log_softmax(-1)
        found = torch.zeros(VOCABULARY)
        for token, logprob in piece.told.likeliest:
            found[token] = logprob
        divergences.append(float((expected.exp() * (expected - found)).sum()))
    assert 0 < sum(divergences) / NUM_PROMPTS < most


def test_what_a_back_end_lacks_or_cannot_express_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(backends()) == {"own", "transformers", "llama_cpp", "vllm"}
    room = Room(100)
    with pytest.raises(ValueError, match="no back end is named 'llama'; did you mean 'llama_cpp'"):
        opened("llama", llama(), room)
    with pytest.raises(ValueError, match="the back end llama_cpp has no weights 'Q8'; did you mean 'Q8_0'"):
        opened("llama_cpp", llama(), room, "Q8")
    with pytest.raises(ValueError, match="is encoder_decoder, and the back end transformers asks causal decoders alone"):
        opened("transformers", LanguageModel(t5(), None, "cpu"), room)
    monkeypatch.setattr(type(EXTRA), "is_installed", lambda _: False)
    with pytest.raises(ValueError, match=r"need the extra 'llama_cpp', which is not installed: pip install 'modelmill\[llama_cpp\]'"):
        opened("llama_cpp", llama(), room)
    monkeypatch.setattr(type(EXTRA), "is_installed", lambda _: True)
    with pytest.raises(ValueError, match="only a Llama of Transformers without biases and scaled positions is written as GGUF"):
        opened("llama_cpp", llama(attention_bias=True), room)


def test_llama_cpp_says_what_it_has_no_room_for_and_what_is_no_file_of_its_own(tmp_path: Path) -> None:
    needs_llama_cpp()
    (tmp_path / "torn.gguf").write_bytes(b"GGUF torn")
    with pytest.raises(ValueError, match=r"torn\.gguf: llama\.cpp does not load it: \w+"):
        LlamaCpp(tmp_path / "torn.gguf", 1, most_kept_tokens=64, most_tokens=8)
    write_gguf(llama().model, tmp_path / "whole.gguf")
    reader = LlamaCpp(tmp_path / "whole.gguf", 1, most_kept_tokens=512, most_tokens=8)
    with pytest.raises(ValueError, match="9 tokens are to pass in one call, which takes 8"):
        reader.read([Stretch([1] * 9, 0, (), range(9))])
    with pytest.raises(RuntimeError, match=r"llama\.cpp passes no 1 tokens of 1 sequences \(status -1\): .*invalid token"):
        reader.read([Stretch([VOCABULARY], 0, (), range(1))])
    reader.read([Stretch([number], 0, (), range(0), number) for number in range(8)])
    with pytest.raises(ValueError, match="256 sequences apart; ask for fewer answers at once"):
        for number in range(8, 300):
            reader.fork(0, number)
