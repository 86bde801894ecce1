"""Chain of thought before a choice: the model writes, and is asked behind what it wrote.

Kojima et al. 2022 (arXiv 2205.11916): a trigger, the model's reasoning, and words that call for the conclusion. Several lines of reasoning, drawn by
the seed, have the answer by majority (self-consistency, Wang et al. 2022, arXiv 2203.11171).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from kernels.evals.prompting.prompts import Prompt
from kernels.evals.solvers.encoding import prompt_tokens
from kernels.inference.writing import Writing, written
from kernels.specs.config import Config
from kernels.specs.turns import Turn

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel


class Reasoning(Config):
    """What a model writes before it is asked."""

    trigger: str = " Let's think step by step."
    """What stands behind the prompt to have it reason."""
    conclusion: str = "\nTherefore, the answer is"
    """What stands behind its reasoning to have it conclude."""
    max_new_tokens: int = Field(gt=0)
    """Tokens of its reasoning at most."""
    num_samples: int = Field(default=1, gt=0)
    """Lines of reasoning of an item."""
    temperature: float = Field(default=0.0, ge=0)
    """0 takes the likeliest token: then all lines are one."""


def reasoned(model: "AskedModel", prompts: Sequence[Prompt], reasoning: Reasoning, seed: int) -> list[list[str]]:
    """Return what stands behind each prompt after each line of reasoning, from the trigger to the words that call for the conclusion.

    Raises:
        ValueError: the prompt has no room, or is of a chat and the tokenizer has no chat template.
    """
    asked = [_triggered(prompt, reasoning.trigger) for prompt in prompts]
    writing = Writing(reasoning.max_new_tokens, reasoning.temperature, seed, num_answers=reasoning.num_samples)
    answers = written(model, [prompt_tokens(model, prompt) for prompt in asked], writing)
    before = ["" if prompt.turns else reasoning.trigger for prompt in prompts]
    return [[f"{trigger}{line.rstrip()}{reasoning.conclusion}" for line in lines] for trigger, lines in zip(before, answers, strict=True)]


def _triggered(prompt: Prompt, trigger: str) -> Prompt:
    if not prompt.turns:
        return prompt._replace(text=prompt.text + trigger)
    last = prompt.turns[-1]
    return prompt._replace(turns=(*prompt.turns[:-1], Turn(last.role, last.content + trigger)))
