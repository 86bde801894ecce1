"""What a config chose of families is known, whatever holds it."""

from typing import Annotated

from kernels.specs.config import Config
from kernels.specs.families import OneOf, choices, expanded


class Inner(Config):
    objective: Annotated[Config, OneOf("objectives")]


class Outer(Config):
    one: Inner
    several: tuple[Inner, ...]


def test_the_specs_that_a_config_chose_are_told_at_any_depth() -> None:
    masked, spans, prefix = ({"objective": {"kind": name}} for name in ("masked", "span_corruption", "prefix_lm"))
    found = expanded(Outer).model_validate({"one": masked, "several": [spans, prefix]})
    assert [spec.name for spec in choices(found)] == ["masked", "span_corruption", "prefix_lm"]
