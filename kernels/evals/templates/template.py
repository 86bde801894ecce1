"""One way to put an item to a model, as text: what the answer follows (prefix form), or what an option is put into (cloze form).

The terms are those of Liu et al. 2021 (arXiv 2107.13586). Templates are Jinja in its sandbox; what items say is data in them and never read as a
template. A name that an item does not have is an error, not an empty text.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from kernels.specs.config import Config

BLANK = "\x00blank\x00"
"""What stands for ``{{ blank }}`` between rendering and asking: no text has it."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Template(Config):
    """One way to put an item to a model."""

    name: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    """How scores call it."""
    prompt: str
    """The item, in Jinja: its fields by name, ``options``, ``letters``. ``{{ blank }}`` is where options go in cloze form; else answers follow."""
    option: str = "{{ option }}"
    """What stands for an option: ``option``, ``letter`` and ``number`` (from 1) beside the item's fields."""
    words: dict[str, tuple[str, ...]] = Field(default={})
    """A verbalizer: for each option the words that stand for it, whose probabilities are added; an option that is not named stands for itself."""
    answer: str = "{{ answer }}"
    """What an example shows behind its prompt: ``answer`` is its right option as it is asked, or its first reference."""
    delimiter: str = " "
    """Between a prompt and what follows it."""
    separator: str = "\n\n"
    """Between examples, and behind the last."""
    description: str = ""
    """What stands before all examples, in Jinja; it may name fields that all items of a group have alike."""
    system: str = ""
    """What the system says where the chat template is used; the description follows it."""
    premise: str = ""
    """What options are asked behind where PMI takes their own probability away: the domain's, such as ``Answer:``."""
    scores: str = Field(default="all", pattern=r"^(all|behind)$")
    """Of the cloze form: whether the option and what is behind it are scored, or only what is behind, given the option (Trinh and Le 2018,
    arXiv 1806.02847)."""

    @property
    def is_cloze(self) -> bool:
        """Whether options go into the prompt."""
        return "blank" in self.prompt


def rendered(source: str, values: Mapping[str, Any]) -> str:
    """Return a template with values put in.

    Raises:
        ValueError: it is no template, names what is not there, or does what the sandbox forbids.
    """
    from jinja2 import TemplateError

    try:
        return str(_compiled(source).render(**values))
    except (TemplateError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"the template {source!r} cannot be filled in ({error}); it may name {', '.join(sorted(values))}") from error


@lru_cache(maxsize=256)
def _compiled(source: str) -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment: Any = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(source)


def read_template(path: Path) -> Template:
    """Return the template of a YAML file.

    Raises:
        ValueError: it is none (names the file and what is wrong).
    """
    try:
        return Template.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        raise ValueError(f"{path.name}: no template ({error}); give name and prompt, as in kernels/evals/templates") from error


@lru_cache(maxsize=1)
def shared_templates() -> Mapping[str, Template]:
    """Return the templates that suit many benchmarks, by name."""
    return {template.name: template for template in map(read_template, sorted(Path(__file__).parent.glob("*.yaml")))}
