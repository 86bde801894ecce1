"""What evals ask: a checkpoint that is loaded here, or a model of an API.

What tells one from the other is here, and where answers come from: likelihoods/ and decoding.py. No eval does.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from kernels.inference.api.endpoint import is_of_api
from kernels.inference.api.model import ApiModel, open_api_model
from kernels.models.formats import checkpoints
from kernels.models.formats.checkpoints import LanguageModel
from kernels.specs.objectives import Attention

AskedModel = LanguageModel | ApiModel


@contextmanager
def opened(folder: Path, device: str, backend: str = "own", *, is_invariant: bool = False) -> Generator[AskedModel]:
    """Have the model of an artifact's folder ready to answer, a checkpoint by a back end. Raises: see `checkpoints.load` and `open_api_model`."""
    if not is_of_api(folder):
        yield checkpoints.load(folder, device)._replace(answered_by=backend, is_invariant=is_invariant)
        return
    with open_api_model(folder) as model:
        yield model


def attention_of_asked(lm: LanguageModel) -> Attention:
    """Return who may look at whom in a model that is asked what follows a text.

    Raises:
        ValueError: it predicts masked tokens, and has no answer.
    """
    attention = lm.attention
    if attention == "bidirectional":
        raise ValueError(
            f"{type(lm.model).__name__} predicts masked tokens and continues no text; ask a causal, prefix or encoder-decoder model for text and "
            "likelihoods"
        )
    return attention


def window_of(model: AskedModel) -> int | None:
    """Return how many tokens a model reads before the last one that it is asked about, None where nothing bounds it or nobody knows."""
    return model.window if isinstance(model, ApiModel) else checkpoints.max_positions(model.model)


def spent(model: AskedModel) -> dict[str, float]:
    """Return what was asked of an API since this was last called, in tokens and money; nothing of what is here."""
    return model.client.spent() if isinstance(model, ApiModel) else {}
