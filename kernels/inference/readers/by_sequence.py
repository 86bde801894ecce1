"""Models of Transformers that keep what they read by sequence, in caches of their own: any decoder, as Transformers asks it, and encoder-decoders.

Sequences pass one by one, and pages count nothing but tokens.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from kernels.inference.readers.reading import BesidePages, Stretch


class _BySequence(BesidePages, ABC):
    def __init__(self, model: Any) -> None:
        """Keep nothing."""
        super().__init__()
        self._model = model

    def fork(self, sequence: int, other: int) -> None:
        """See `Reader`: Transformers' caches grow in place."""
        self._kept[other] = copy.deepcopy(self._kept[sequence])

    def read(self, stretches: Sequence[Stretch]) -> Any:
        """See `Reader`."""
        import torch

        with torch.inference_mode():
            return torch.cat([self._read(each) for each in stretches]).float()

    @abstractmethod
    def _read(self, stretch: Stretch) -> Any: ...

    def _tokens(self, tokens: Sequence[int]) -> Any:
        import torch

        return torch.tensor([list(tokens)], device=self._model.device)


class Causal(_BySequence):
    """A decoder."""

    def _read(self, stretch: Stretch) -> Any:
        tokens_1T = self._tokens(stretch.tokens)
        past = self._kept.get(stretch.sequence) if stretch.position else None
        positions_1T = self._tokens(range(stretch.position, stretch.position + len(stretch.tokens)))
        found = self._model(input_ids=tokens_1T, position_ids=positions_1T, past_key_values=past, use_cache=True)
        if (kept := getattr(found, "past_key_values", None)) is None:
            raise ValueError(
                f"{type(self._model).__name__}: keeps what it read in no cache that can be given back to it, and cannot be asked for text here"
            )
        self._kept[stretch.sequence] = kept
        return found.logits[0, list(stretch.asked)]


class EncoderDecoder(_BySequence):
    """What is given passes the encoder, whole, and what is made the decoder, behind the token that starts it.

    Of a prompt the last token alone can be asked: what follows it is the beginning of an answer.
    """

    def _read(self, stretch: Stretch) -> Any:
        tokens_1T = self._tokens(stretch.tokens)
        if stretch.position:
            read, past = self._kept[stretch.sequence]
        else:
            read, past = self._model.get_encoder()(input_ids=tokens_1T), None
            tokens_1T = self._tokens([self._model.config.decoder_start_token_id])
        found = self._model(encoder_outputs=read, decoder_input_ids=tokens_1T, past_key_values=past, use_cache=True)
        self._kept[stretch.sequence] = read, found.past_key_values
        return found.logits[0, [0] if stretch.position == 0 and stretch.asked else list(stretch.asked)]
