"""Text from a model that continues texts: the one loop that every answer comes from, in batches, token by token.

Shape letters: B rows, T tokens, V vocabulary.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kernels.inference import encoder_decoder
from kernels.inference.requests import attention_of_asked
from kernels.models.formats.chats import chat_encoder, text_encoder
from kernels.models.formats.checkpoints import max_positions
from kernels.specs.objectives import Attention
from kernels.specs.turns import Turn
from kernels.tokens.content import TURN_END

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


def stop_ids(lm: "LanguageModel") -> set[int]:
    """Return the tokens that end an answer: end of text, what ends a turn in vocabulary and chat template, and those that the model names."""
    tokenizer = lm.tokenizer
    ids = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(TURN_END)} - {tokenizer.unk_token_id}
    if tokenizer.chat_template:
        ids.add(chat_encoder(tokenizer).end_of_answer)
    named: Any = getattr(getattr(lm.model, "generation_config", None), "eos_token_id", None)
    ids |= {*(named if isinstance(named, list) else [named])}
    return {int(token) for token in ids if token is not None}


def decode(
    lm: "LanguageModel", prompts: Sequence[Sequence[int]], *, max_new_tokens: int, temperature: float, seed: int, stop: set[int]
) -> Iterator[list[int | None]]:
    """Yield the next token of each of B prompts, step by step, None behind the token of ``stop`` that ended a row (which is not yielded).

    Tokens are drawn from the whole distribution at ``temperature``, or are the likeliest where it is 0. Rows are padded, so that a row's
    tokens depend on its batch by rounding only, and by the seed's draws where it samples. A row ends, too, with the first token that the model's
    context has no room to read.

    Raises:
        ValueError: a prompt has no token or more than the model reads, or the model continues no texts.
    """
    import torch

    attention = attention_of_asked(lm)
    if not all(prompts):
        raise ValueError("a prompt has no token; give each at least one, such as the end of text")
    rooms = [_room(lm, attention, len(prompt)) for prompt in prompts]
    random = torch.Generator(device=lm.device).manual_seed(seed)
    ask = (encoder_decoder.next_logits if attention == "encoder_decoder" else _next_logits)(lm, prompts)
    ended = [False] * len(prompts)
    drawn: Any = None
    for made in range(min(max_new_tokens, max(rooms, default=0))):
        logits_BV = ask(drawn).float()
        drawn = torch.multinomial((logits_BV / temperature).softmax(-1), 1, generator=random)[:, 0] if temperature > 0 else logits_BV.argmax(-1)
        row_tokens: list[int] = drawn.tolist()
        ended = [was or token in stop or made >= room for was, token, room in zip(ended, row_tokens, rooms, strict=True)]
        if all(ended):
            return
        yield [None if over else token for over, token in zip(ended, row_tokens, strict=True)]


def _room(lm: "LanguageModel", attention: Attention, num_given: int) -> int:
    """Return how many tokens can be drawn behind a prompt: all but the last are read. Raises ValueError where the prompt is too long itself."""
    limit = max_positions(lm.model) or sys.maxsize
    if num_given > limit:
        raise ValueError(f"a prompt has {num_given} tokens, and the model reads {limit} at most; shorten it")
    return limit if attention == "encoder_decoder" else limit - num_given + 1


def _next_logits(lm: "LanguageModel", prompts: Sequence[Sequence[int]]) -> Callable[[Any], Any]:
    """Return what gives the logits [B, V] behind prompts, padded on the left, and what was drawn: given the tokens [B] drawn last, or None."""
    import torch

    width = max(map(len, prompts))
    tokens = torch.tensor([[lm.tokenizer.pad_token_id] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=lm.device)
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=lm.device)
    cache: Any = None

    def ask(drawn_B: Any) -> Any:
        nonlocal tokens, mask, cache
        if drawn_B is not None:
            tokens, mask = drawn_B[:, None], torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        with torch.inference_mode():
            output = lm.model(input_ids=tokens, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache = output.past_key_values
        return output.logits[:, -1]

    return ask


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
    answers: list[list[int]] = [[] for _ in ids]
    for step in decode(lm, ids, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, stop=stop_ids(lm)):
        for row, token in zip(answers, step, strict=True):
            if token is not None:
                row.append(token)
    return [lm.tokenizer.decode(row, skip_special_tokens=True) for row in answers]


def chat(lm: "LanguageModel", turns: Sequence[Turn], *, max_new_tokens: int, temperature: float, seed: int) -> Iterator[str]:
    """Yield the answer to the last turn piece by piece, as it is made."""
    ids = chat_encoder(lm.tokenizer).prompt(turns)
    made: list[int] = []
    said = ""
    for step in decode(lm, [ids], max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, stop=stop_ids(lm)):
        made += [token for token in step if token is not None]
        text: str = lm.tokenizer.decode(made, skip_special_tokens=True)
        if not text.endswith("\ufffd"):  # the middle of a character
            yield text[len(said) :]
            said = text
