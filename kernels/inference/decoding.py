"""Text from a model that continues texts, by the back end that it is answered by (backends/): our own engine where none is named."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kernels.inference.api import model as api
from kernels.inference.api.model import ApiModel
from kernels.inference.asked_models import AskedModel
from kernels.inference.asking import Answers, Asked, Piece
from kernels.inference.backends.backend import Manner, Room
from kernels.inference.backends.choosing import opened
from kernels.inference.sampling import Sampling
from kernels.models.formats.chats import chat_encoder, text_encoder
from kernels.specs.turns import Turn
from kernels.tokens.content import TURN_END
from kernels.tokens.mixtures.permutation import key_of

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel

MOST_KEPT_TOKENS = 65_536
"""Of all prompts and answers under way at once: bounds memory."""


def stop_ids(lm: "LanguageModel") -> set[int]:
    """Return the tokens that end an answer: end of text, what ends a turn in vocabulary and chat template, and those that the model names."""
    tokenizer = lm.tokenizer
    ids = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(TURN_END)} - {tokenizer.unk_token_id}
    if tokenizer.chat_template:
        ids.add(chat_encoder(tokenizer).end_of_answer)
    named: Any = getattr(getattr(lm.model, "generation_config", None), "eos_token_id", None)
    ids |= {*(named if isinstance(named, list) else [named])}
    return {int(token) for token in ids if token is not None}


def continued(
    lm: "LanguageModel", prompts: Sequence[Sequence[int]], *, max_new_tokens: int, temperature: float, seed: int, stop: Collection[int]
) -> list[list[int]]:
    """Return the tokens that follow each prompt, up to the first of ``stop``, which is left out.

    Tokens are drawn from the whole distribution at ``temperature``, by the seed and the prompt's place among the others, or are the likeliest where
    it is 0. A row ends, too, with the first token that the model's context has no room to read.

    Raises:
        ValueError: a prompt has no token or more than the model reads, the model continues no texts, or the back end cannot answer by it.
    """
    made: list[list[int]] = [[] for _ in prompts]
    if max_new_tokens == 0:
        return made
    for piece in pieces_of(engine_for(lm, prompts, max_new_tokens), prompts, max_new_tokens, temperature, seed, stop):
        if piece.told is not None:
            made[piece.request].append(piece.told.token)
    return made


def engine_for(lm: "LanguageModel", prompts: Sequence[Sequence[int]], max_new_tokens: int, num_answers: int = 1) -> Answers:
    """Return what answers, with room for all that is asked, or for as much of it as may be under way at once."""
    lengths = [(len(prompt) + max_new_tokens) * num_answers for prompt in prompts]
    room = Room(max(1, *lengths, min(sum(lengths), MOST_KEPT_TOKENS)))
    return opened(lm.answered_by, lm, room, manner=Manner(is_invariant=lm.is_invariant))


def pieces_of(
    engine: Answers,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    temperature: float,
    seed: int,
    stop: Collection[int],
    stops: Sequence[str] = (),
    num_answers: int = 1,
) -> Iterator[Piece]:
    """Yield what comes to so many answers behind each prompt, drawn by the seed and the prompt's place, up to a token or string that ends them."""
    return engine.answers(
        [
            Asked(
                tokens=prompt,
                max_new_tokens=max_new_tokens,
                sampling=Sampling(temperature=temperature, seed=key_of("prompt", seed, place)),
                stop_tokens=frozenset(stop),
                stops=stops,
                num_answers=num_answers,
            )
            for place, prompt in enumerate(prompts)
        ]
    )


def beginnings(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return texts to be continued as token ids, behind what the tokenizer puts before texts, as documents are learned."""
    encoder = text_encoder(tokenizer)
    before = encoder.before_a_text()
    return [[*before, *ids] for ids in encoder.contents(texts)]


def generate(lm: "LanguageModel", prompts: Sequence[str], *, max_new_tokens: int, temperature: float, seed: int) -> list[str]:
    """Return a continuation of each text as it stands; what it spells is content."""
    return answer(lm, beginnings(lm.tokenizer, prompts), max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)


def answer(lm: "LanguageModel", ids: Sequence[Sequence[int]], *, max_new_tokens: int, temperature: float, seed: int) -> list[str]:
    """Return what follows each prompt, given as token ids, special tokens left out."""
    rows = continued(lm, ids, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, stop=stop_ids(lm))
    return [lm.tokenizer.decode(row, skip_special_tokens=True) for row in rows]


def answers_to(
    model: AskedModel, texts: Sequence[str], conversations: Sequence[Sequence[Turn]], *, max_new_tokens: int, temperature: float, seed: int
) -> list[str]:
    """Return a continuation of each text as it stands, then an answer to the last turn of each conversation.

    Raises:
        ValueError: there are conversations, and the tokenizer has no chat template.
    """
    drawn: dict[str, Any] = {"max_new_tokens": max_new_tokens, "temperature": temperature, "seed": seed}
    if isinstance(model, ApiModel):
        return api.answers(model, texts, conversations, **drawn)
    if conversations and not model.tokenizer.chat_template:
        raise ValueError("questions need a chat template and this tokenizer has none; ask prompts, or sample a model after SFT")
    prompts = beginnings(model.tokenizer, texts)
    prompts += [chat_encoder(model.tokenizer).prompt(turns) for turns in conversations]
    return answer(model, prompts, **drawn)


def chat(
    lm: "LanguageModel", turns: Sequence[Turn], *, max_new_tokens: int, temperature: float, seed: int, engine: Answers | None = None
) -> Iterator[str]:
    """Yield the answer to the last turn piece by piece, as it is made; by the same engine each time, turns that it knows are not read again."""
    ids = chat_encoder(lm.tokenizer).prompt(turns)
    for piece in pieces_of(engine or engine_for(lm, [ids], max_new_tokens), [ids], max_new_tokens, temperature, seed, stop_ids(lm)):
        if piece.text:
            yield piece.text
