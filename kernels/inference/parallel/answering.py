"""Requests answered by several processes: replicas of a model each answer their share, and each of them may be several processes itself."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kernels.inference.asking import Asked, Piece, Told
from kernels.inference.cache.pages import PAGE
from kernels.inference.engines import engine_by
from kernels.inference.parallel.seats import Seat
from kernels.inference.parallel.stages import Stage
from kernels.inference.streaming.plan import Most
from kernels.inference.streaming.weights import Weights

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel


class Together:
    """A checkpoint that is ready to answer in this process and others; each of them has one, and asks it the same in the same order."""

    def __init__(self, lm: "LanguageModel", folder: Path, seat: Seat, most: Most, dtype: Literal["float32", "bfloat16"] = "float32") -> None:
        """Read what this process holds.

        Args:
            lm: outline of the checkpoint (formats/checkpoints.py), on the device that computes.
            folder: of the checkpoint.
            seat: of this process.
            most: that a replica keeps and passes.
            dtype: that is computed in.

        Raises:
            ValueError: the model cannot be parted so, or predicts masked tokens.
        """
        import torch

        kind, num_pages = getattr(torch, dtype), -(-most.kept_tokens // PAGE)
        self._seat, self._stage = seat, Stage(seat, Weights(lm.model.config, folder, kind), num_pages, lm.device, kind)
        self._engine = engine_by(lm, self._stage, num_pages, most_tokens=most.tokens, most_sequences=most.sequences)

    def answers(self, requests: Sequence[Asked]) -> list[Piece]:
        """Return what came to the answers of some requests, those of each behind each other, in their order, in every process.

        What is said to a request does not depend on who answers it.

        Raises:
            ValueError: a request is refused; nothing can be asked here any more.
            RuntimeError: another process has ended.
        """
        seat, found = self._seat, list[Piece]()
        if seat.leads:
            share = range(seat.replica, len(requests), seat.num_replicas)
            found = [piece._replace(request=share[piece.request]) for piece in self._engine.answers([requests[number] for number in share])]
            self._stage.end()
        else:
            self._stage.follow()
        told = seat.told_by_each(json.dumps(found).encode())
        return sorted((_piece(*words) for text in told for words in json.loads(text)), key=lambda piece: piece.request)


def _piece(request: int, answer: int, told: Any, text: str, ending: Any, stop: int | str | None, given: Any) -> Piece:
    """Return a piece that went as text."""
    return Piece(request, answer, None if told is None else _told(*told), text, ending, stop, [_told(*each) for each in given])


def _told(token: int, logprob: float | None, likeliest: Any) -> Told:
    return Told(token, logprob, [(other, of_other) for other, of_other in likeliest])
