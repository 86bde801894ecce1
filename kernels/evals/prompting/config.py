"""What a recipe says of any benchmark: which items, how they are put, and by how many examples."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from kernels.evals.templates.template import Template, shared_templates
from kernels.specs.config import Config
from kernels.specs.names import nearest

ShotOrder = Literal["first", "drawn", "balanced"]


class PromptConfig(Config):
    """Which items are asked, and how they are put."""

    own_templates: ClassVar[Mapping[str, Template]] = {}
    """Those of the benchmark by name; the first is the one that is asked by where a recipe names none."""

    seed: int
    """Seed of the subset, of the examples and of the bootstrap."""
    num_items: int | None = Field(default=None, gt=0)
    """Items asked at most, all where none is given; the subset is a seeded choice, the same for every model."""
    num_bootstrap: int = Field(default=1000, gt=0)
    """Bootstrap resamples (Efron and Tibshirani 1993 advise 1000 for intervals)."""
    split: str | None = Field(default=None, pattern=r"^[\w.-]+$")
    """Which split of the data is asked; the benchmark's own where none is given."""
    num_shots: int = Field(default=0, ge=0)
    """Examples before each item, none of them an item that is asked; as many fewer as the model's context makes it, which is counted."""
    shot_order: ShotOrder = "drawn"
    """Whether examples are the first of their split, drawn by the seed, or drawn so that right options come equally often."""
    templates: tuple[Template | str, ...] = Field(default=(), validate_default=True)
    """By which items are put: names of the benchmark's or of shared ones, files beside the recipe (NAME.yaml), or templates written out. Of several
    the mean of what each says is the answer, and how far they differ is reported."""
    chat: bool = False
    """Whether items are put as a user's turn through the tokenizer's chat template, and examples as earlier turns."""

    @field_validator("templates", mode="after")
    @classmethod
    def _named(cls, templates: tuple[Template | str, ...]) -> tuple[Template | str, ...]:
        known = {**shared_templates(), **cls.own_templates}
        if not templates:
            return tuple(cls.own_templates.values())[:1]
        for each in templates:
            if isinstance(each, str) and each not in known and not each.endswith(".yaml"):
                raise ValueError(f"no template is named {each!r}; {nearest(each, known)}, or name a file that ends in .yaml")
        found = tuple(known.get(each, each) if isinstance(each, str) else each for each in templates)
        names = [each.name for each in found if isinstance(each, Template)]
        if len(set(names)) < len(names):
            raise ValueError(f"two templates have one name, of {', '.join(names)}; name them apart")
        return found

    @property
    def chosen_templates(self) -> tuple[Template, ...]:
        """The templates themselves. Raises ValueError: one is a file that nobody has read."""
        for each in self.templates:
            if isinstance(each, str):
                raise ValueError(f"the template {each!r} was not read; give it as a file beside the recipe")
        return tuple(each for each in self.templates if isinstance(each, Template))


def with_templates(config: PromptConfig, read: Callable[[str], Template]) -> PromptConfig:
    """Return a benchmark's config with the files among its templates read. Raises ValueError: two have one name."""
    values = config.model_dump()
    values["templates"] = [read(each) if isinstance(each, str) else each for each in config.templates]
    return type(config).model_validate(values)
