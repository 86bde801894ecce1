"""Models that keep states by sequence answer pieces, forks and sequences read anew as they do whole texts."""

import random
from typing import Any

import pytest
import torch

from kernels.inference.readers.by_sequence import Causal, EncoderDecoder
from kernels.inference.readers.reading import Stretch
from kernels.inference.readers.recurrent import Recurrent
from kernels.models.formats import recurrent
from tests.kernels.models.blocks.test_wrapped import FAMILIES

PROMPT = 7


def mamba() -> Any:
    from transformers import Mamba2Config

    torch.manual_seed(0)
    shape = Mamba2Config(vocab_size=64, hidden_size=32, num_hidden_layers=2, num_heads=8, head_dim=8, state_size=8, n_groups=2, chunk_size=4)
    return recurrent.register()(shape).eval()


def t5() -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 64, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
    sizes["decoder_start_token_id"] = 0
    return T5ForConditionalGeneration(T5Config(**sizes)).eval()


def whole(model: Any, tokens: list[int]) -> torch.Tensor:
    """Return what follows the prompt and each token behind it."""
    rows = torch.tensor([tokens])
    with torch.no_grad():
        if model.config.is_encoder_decoder:
            decoded = torch.tensor([[0, *tokens[PROMPT:]]])
            return model(input_ids=rows[:, :PROMPT], decoder_input_ids=decoded).logits[0]
        return model(input_ids=rows).logits[0, PROMPT - 1 :]


KINDS = {"mamba2": (mamba, Recurrent), "t5": (t5, EncoderDecoder), "a decoder without an interface": (FAMILIES["eager attention"], Causal)}


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_forks_and_what_is_read_anew_are_answered_as_whole_texts_are(kind: str) -> None:
    build, reader_of = KINDS[kind]
    model, chance = build(), random.Random(1)
    reader: Any = reader_of(model)
    texts = [[chance.randrange(3, 64) for _ in range(length)] for length in (12, 20, 15)]
    texts.append([*texts[0][:10], 5, 6, 7, 8])
    expected = [whole(model, text) for text in texts]
    kept = [0] * len(texts)
    has_forked = has_begun_anew = False
    while any(num < len(text) for num, text in zip(kept, texts, strict=True)):
        stretches: list[Stretch] = []
        wanted: list[torch.Tensor] = []
        for index, text in enumerate(texts):
            left = len(text) - kept[index]
            if not left or chance.random() < 0.3 or (index == 3 and not has_forked):
                continue
            count = PROMPT if kept[index] == 0 else chance.choice((1, 1, min(left, 2)))
            asked = range(count - 1, count) if kept[index] == 0 else range(count)
            stretches.append(Stretch(text[kept[index] : kept[index] + count], kept[index], (), asked, index))
            wanted.append(expected[index][kept[index] + asked.start - PROMPT + 1 : kept[index] + count - PROMPT + 1])
            kept[index] += count
        if stretches:
            torch.testing.assert_close(reader.read(stretches), torch.cat(wanted), rtol=1e-4, atol=1e-4)
        if not has_forked and PROMPT <= kept[0] <= 10:
            reader.fork(0, 3)
            kept[3], has_forked = kept[0], True
        if not has_begun_anew and kept[1] > PROMPT + 2:
            reader.forget(1)
            kept[1], has_begun_anew = 0, True
    assert has_forked and has_begun_anew
