"""What a model says that knows nothing is JSON of the schema it is held to, and draws keep their proportions."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kernels.inference.asking import Asked, Piece
from kernels.inference.constraints import Constraint, UnfollowableError, _vocabulary, of_schema
from kernels.inference.engine import Engine
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.sampling import Sampling
from kernels.models.formats.checkpoints import LanguageModel
from kernels.tokens.special_tokens import SpecialTokens
from kernels.tokens.tokenizer_files import write_tokenizer
from kernels.tokens.tokenizers.byte_bpe import ByteBpeConfig, train
from tests.kernels.inference.readers.test_paged_decoder import made

VOCABULARY, END = 300, 0  # of the model; the tokenizer has 280
PERSON = {
    "type": "object",
    "properties": {"name": {"enum": ["Ada", "Zoë"]}, "age": {"type": "integer", "minimum": 0, "maximum": 99}, "knows": {"type": "boolean"}},
    "required": ["name", "age", "knows"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    from transformers import AutoTokenizer

    folder: Path = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(train(iter(["true false name age"] * 5), ByteBpeConfig(vocab_size=280)), folder, SpecialTokens(), "")
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(vocab_size=VOCABULARY))
    return LanguageModel(SimpleNamespace(config=config), AutoTokenizer.from_pretrained(folder), "cpu")


def engine(lm: LanguageModel, num_pages: int = 40) -> Engine:
    module = made(vocab_size=VOCABULARY)
    return Engine(PagedDecoder(module, num_pages, torch.float32), lm.tokenizer.decode, num_pages=num_pages, max_positions=96)


def answers(lm: LanguageModel, constraint: Constraint | None, seeds: Sequence[int], num_pages: int = 40, **told: Any) -> list[list[Piece]]:
    found: dict[tuple[int, int], list[Piece]] = {}
    asked = [
        Asked(tokens=[7, 8], max_new_tokens=90, sampling=Sampling(seed=seed), stop_tokens=frozenset({END}), constraint=constraint, **told)
        for seed in seeds
    ]
    for piece in engine(lm, num_pages).answers(asked):
        found.setdefault((piece.request, piece.answer), []).append(piece)
    return [found[key] for key in sorted(found)]


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def test_every_answer_is_json_of_its_schema_and_ends_where_nothing_may_follow(lm: LanguageModel) -> None:
    found = answers(lm, of_schema(lm, PERSON), range(20), num_answers=2, num_pages=12)
    assert len(found) == 40
    for pieces in found:
        value = json.loads(text_of(pieces))
        assert list(value) == ["name", "age", "knows"] and value["name"] in ("Ada", "Zoë") and value["age"] in range(100)
        assert type(value["knows"]) is bool and pieces[-1].ending == "stop" and json.dumps(value, ensure_ascii=False) == text_of(pieces)
    assert len({text_of(pieces) for pieces in found}) > 20


def test_an_answer_that_may_go_on_ends_by_the_tokens_that_end_answers(lm: LanguageModel) -> None:
    found = answers(lm, of_schema(lm, {"type": "integer", "minimum": 1}), range(30))
    assert all(int(text_of(pieces)) > 0 for pieces in found)
    assert {pieces[-1].stop for pieces in found if pieces[-1].ending == "stop"} == {END}


def test_texts_stand_around_what_is_held_to_a_schema(lm: LanguageModel) -> None:
    for pieces in answers(lm, of_schema(lm, {"enum": [1, 2]}, before="<call>\n", behind='"</call>'), range(5)):
        assert text_of(pieces) in ('<call>\n1"</call>', '<call>\n2"</call>')


def test_what_is_not_allowed_gives_its_share_to_the_rest(lm: LanguageModel) -> None:
    held = of_schema(lm, {"type": "boolean"}).begin()
    logits = torch.arange(VOCABULARY).float()
    masked = held.masked(logits, {END})
    allowed = {token for token in range(VOCABULARY) if masked[token] > float("-inf")}
    words = {token: lm.tokenizer.decode([token]) for token in range(3, 280)}
    assert allowed == {token for token, word in words.items() if word and any(value.startswith(word) for value in ("true", "false"))}
    assert all(masked[token] == logits[token] for token in allowed)
    with pytest.raises(UnfollowableError, match="doesn't satisfy the grammar"):
        held.take(9)


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "strange"}, "Invalid type: strange"),
        ({"not": {}}, 'Unimplemented keys: ."not".'),
        ({"$ref": "#/nowhere"}, "Pointer '/nowhere' does not exist"),
        ({"$ref": "http://127.0.0.1/schema"}, "127.0.0.1"),
        ({"type": "string", "format": "none"}, "Unknown format: none"),
        ({"type": "string", "pattern": "("}, "regex"),
        ({"enum": []}, "anyOf is empty"),
    ],
)
def test_a_schema_that_no_answer_can_be_held_to_is_refused_by_what_is_wrong_in_it(lm: LanguageModel, schema: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        of_schema(lm, schema)


def test_a_grammar_that_costs_too_much_ends_its_own_answer_alone(lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    import llguidance

    small = llguidance.LLParserLimits(step_lexer_fuel=1, step_max_items=1)
    matcher = llguidance.LLMatcher
    monkeypatch.setattr(llguidance, "LLMatcher", lambda *told, **more: matcher(*told, **more, limits=small))
    costly = Constraint(_vocabulary(lm.tokenizer, VOCABULARY), matcher.grammar_from_json_schema(PERSON))
    found = engine(lm)
    last = {each.request: each for each in found.answers([Asked(tokens=[7, 8], max_new_tokens=60, constraint=each) for each in (costly, None)])}
    assert last[0].ending == "failed" and "cannot be held to its grammar any longer" in str(last[0].stop) and last[0].told is None
    assert last[1].ending == "length" and found.is_idle
    found.pages.check([])
