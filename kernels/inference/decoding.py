"""Text from a causal decoder: the one loop that every answer comes from, in batches, token by token.

Shape letters: B rows, T tokens, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kernels.models.formats.chats import chat_encoder, text_encoder
from kernels.specs.turns import Turn
from kernels.tokens.content import TURN_END

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


def stop_ids(tokenizer: Any) -> set[int]:
    """Return the tokens that end an answer: end of text and, where the vocabulary has it, end of turn."""
    ids = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(TURN_END)} - {None, tokenizer.unk_token_id}
    return {int(token) for token in ids}


def decode(
    lm: "LanguageModel", prompts: Sequence[Sequence[int]], *, max_new_tokens: int, temperature: float, seed: int, stop: set[int]
) -> Iterator[list[int | None]]:
    """Yield the next token of each of B prompts, step by step, None behind the token of ``stop`` that ended a row (which is not yielded).

    Tokens are drawn from the whole distribution at ``temperature``, or are the likeliest where it is 0. Rows are padded on the left, so
    that a row's tokens depend on its batch by rounding only, and by the seed's draws where it samples.

    Raises:
        ValueError: a prompt has no token.
    """
    import torch

    if not all(prompts):
        raise ValueError("a prompt has no token; give each at least one, such as the end of text")
    random = torch.Generator(device=lm.device).manual_seed(seed)
    width = max(map(len, prompts))
    tokens_BT = torch.tensor([[lm.tokenizer.pad_token_id] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=lm.device)
    mask_BT = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=lm.device)
    ended = [False] * len(prompts)
    cache: Any = None
    for _ in range(max_new_tokens):
        positions_BT = (mask_BT.cumsum(1) - 1).clamp(min=0)[:, -tokens_BT.shape[1] :]
        with torch.inference_mode():
            output = lm.model(
                input_ids=tokens_BT, attention_mask=mask_BT, position_ids=positions_BT, past_key_values=cache, use_cache=True, logits_to_keep=1
            )
        cache = output.past_key_values
        logits_BV = output.logits[:, -1].float()
        drawn: Any = torch.multinomial((logits_BV / temperature).softmax(-1), 1, generator=random)[:, 0] if temperature > 0 else logits_BV.argmax(-1)
        row_tokens: list[int] = drawn.tolist()
        ended = [was or token in stop for was, token in zip(ended, row_tokens, strict=True)]
        if all(ended):
            return
        yield [None if over else token for over, token in zip(ended, row_tokens, strict=True)]
        tokens_BT = drawn[:, None]
        mask_BT = torch.cat([mask_BT, torch.ones_like(mask_BT[:, :1])], dim=1)


def generate(lm: "LanguageModel", prompts: Sequence[str], *, max_new_tokens: int, temperature: float, seed: int) -> list[str]:
    """Return a continuation of each text as it stands; what it spells is content."""
    ids = text_encoder(lm.tokenizer).contents(prompts)
    return answer(lm, ids, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)


def answer(lm: "LanguageModel", ids: Sequence[Sequence[int]], *, max_new_tokens: int, temperature: float, seed: int) -> list[str]:
    """Return what follows each prompt, given as token ids, special tokens left out."""
    answers: list[list[int]] = [[] for _ in ids]
    for step in decode(lm, ids, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, stop=stop_ids(lm.tokenizer)):
        for row, token in zip(answers, step, strict=True):
            if token is not None:
                row.append(token)
    return [lm.tokenizer.decode(row, skip_special_tokens=True) for row in answers]


def chat(lm: "LanguageModel", turns: Sequence[Turn], *, max_new_tokens: int, temperature: float, seed: int) -> Iterator[str]:
    """Yield the answer to the last turn piece by piece, as it is made."""
    ids = chat_encoder(lm.tokenizer).prompt(turns)
    made: list[int] = []
    said = ""
    for step in decode(lm, [ids], max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, stop=stop_ids(lm.tokenizer)):
        made += [token for token in step if token is not None]
        text: str = lm.tokenizer.decode(made, skip_special_tokens=True)
        if not text.endswith("\ufffd"):  # the middle of a character
            yield text[len(said) :]
            said = text
