"""What a model writes: continuations of prompts, and answers to questions asked through its chat template. For reading, not for scores."""

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from kernels.evals.statistics.measures import values_table
from kernels.specs.config import Config
from kernels.specs.tasks import EvalResult, Progress, Task, unwatched
from kernels.specs.turns import Turn

if TYPE_CHECKING:
    from pathlib import Path

    from kernels.inference.asked_models import AskedModel


class SamplesConfig(Config):
    """What is asked, and how the answer is drawn."""

    prompts: tuple[str, ...] = ()
    """Texts to be continued as they stand."""
    questions: tuple[str, ...] = ()
    """Questions put as a user's turn through the tokenizer's chat template."""
    max_new_tokens: int = Field(gt=0)
    """Tokens of an answer at most."""
    temperature: float = Field(ge=0)
    """0 takes the likeliest token; 1 draws from the model's own distribution."""
    seed: int
    """Seed of the draws."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.prompts and not self.questions:
            raise ValueError("neither prompts nor questions: name at least one")
        return self


def run(model: "AskedModel", data: "Path | None", config: SamplesConfig, progress: Progress = unwatched) -> EvalResult:
    """Return no scores, and one row a prompt or question: item, kind, prompt (as the recipe has it) and answer.

    Raises:
        ValueError: there are questions, and the tokenizer has no chat template.
    """
    import polars as pl

    from kernels.inference.decoding import answers_to

    asked = [("prompt", prompt) for prompt in config.prompts] + [("question", question) for question in config.questions]
    conversations = [[Turn("user", question)] for question in config.questions]
    answers = answers_to(model, config.prompts, conversations, max_new_tokens=config.max_new_tokens, temperature=config.temperature, seed=config.seed)
    rows = [
        {"item": f"{kind}:{index}", "kind": kind, "prompt": prompt, "answer": answer}
        for index, ((kind, prompt), answer) in enumerate(zip(asked, answers, strict=True))
    ]
    return EvalResult([], pl.DataFrame(rows), values_table([]))


SPEC = Task(name="samples", version=6, config=SamplesConfig, need=None, run=run, asks_likelihoods=False)
