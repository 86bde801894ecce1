"""A smaller model guesses for a larger one where both have the same tokens, and answers are the same."""

from pathlib import Path
from typing import Any

import pytest

from kernels.inference.asking import Asked
from kernels.inference.drafting import drafting
from kernels.inference.engines import engine_of
from kernels.inference.guessing.guesser import Guesser
from kernels.inference.sampling import Sampling
from kernels.models.architectures.llama import LlamaConfig
from kernels.models.formats.checkpoints import LanguageModel, load
from tests.small_models import put_llama

KEPT = 512


def small(folder: Path, num_layers: int, text: str = "a") -> LanguageModel:
    import torch

    sizes: dict[str, Any] = {"hidden_size": 16 * num_layers, "num_layers": num_layers, "num_heads": 2, "num_kv_heads": 1, "intermediate_size": 32}
    lm = load(put_llama(folder, LlamaConfig(kind="llama", max_position_embeddings=128, tie_embeddings=True, **sizes), text), "cpu")
    with torch.no_grad():
        for parameter in lm.model.parameters():
            parameter.mul_(4)
    return lm


def said(lm: LanguageModel, guesser: Guesser | None) -> tuple[list[list[int]], int, int]:
    engine = engine_of(lm, most_kept_tokens=KEPT, guesser=guesser)
    made: list[list[int]] = [[] for _ in range(3)]
    asked = [Asked(tokens=[5, 6, 5, 6, 9 + place], max_new_tokens=20, sampling=Sampling(temperature=0.8, seed=place)) for place in range(3)]
    for piece in engine.answers(asked):
        if piece.told is not None:
            made[piece.request].append(piece.told.token)
    return made, engine.use.num_guessed, engine.use.num_guessed_right


@pytest.mark.parametrize("draft_layers", [1, 2])
def test_answers_are_the_same_with_a_draft_and_its_guesses_are_counted(draft_layers: int, tmp_path: Path) -> None:
    lm, draft = small(tmp_path / "lm", 2), small(tmp_path / "draft", draft_layers)
    plain, _, none = said(lm, None)
    made, num, right = said(lm, drafting(lm, draft, most_kept_tokens=KEPT, count=3))
    assert made == plain and none == 0 and num > 10
    assert right == num if draft_layers == 2 else right < num  # a model guesses itself


def test_a_draft_of_other_tokens_is_refused_by_the_first_that_differs(tmp_path: Path) -> None:
    lm, other = small(tmp_path / "lm", 1, "ababab"), small(tmp_path / "other", 1, "xyxyxy")
    with pytest.raises(
        ValueError, match=r"token \d+ is '.*ab' of the model that answers and '.*xy' of the draft; take a draft of the same vocabulary"
    ):
        drafting(lm, other, most_kept_tokens=KEPT, count=3)
