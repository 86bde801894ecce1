"""What a recipe may say of a mixture, and what it is told otherwise."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from kernels.tokens.mixtures.config import MixtureConfig
from kernels.tokens.mixtures.index import Stage
from kernels.tokens.mixtures.packing import PADDING_SEGMENT


def config(**changes: object) -> MixtureConfig:
    values: dict[str, Any] = {"weights": {"a": 0.15, "b": 0.85}, "max_epochs": 1.0, "max_train_tokens": None, "sequence_length": 32}
    values |= {"validation_fraction": 0.2, "max_heldout_documents": 3, "seed": 7}
    return MixtureConfig.model_validate({**values, **changes})


def stage(start: float, **weights: float) -> dict[str, object]:
    return {"from": start, "weights": weights}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"weights": {"a": 1.0, "b": -0.5}}, "the weights of b are no shares"),
        ({"weights": {"a": float("nan")}}, "should be a finite number"),
        ({"weights": {"a": 0.0, "b": 0.0}}, "every weight is 0"),
        ({"sequence_length": PADDING_SEGMENT + 1}, "at most 65535"),
        ({"stages": [stage(0.0, a=1)]}, "greater than 0"),
        ({"stages": [stage(1.0, a=1)]}, "less than 1"),
        ({"stages": [stage(0.5, a=1), stage(0.5, b=1)]}, "the stage from 0.5 stands behind that from 0.5"),
        ({"stages": [stage(0.5, a=1), stage(0.2, b=1)]}, "the stage from 0.2 stands behind that from 0.5"),
        ({"stages": [stage(0.5, a=0)]}, "every weight is 0"),
        ({"stages": [stage(0.5, a=float("inf"))]}, "should be a finite number"),
        ({"stages": [{"weights": {"a": 1}}]}, "Field required"),
        ({"max_epochs": 0}, "that of a, b is not more than 0"),
        ({"max_epochs": float("nan")}, "should be a finite number"),
        ({"max_epochs": {"a": 1}}, "it does not say how often b may be read"),
        ({"max_epochs": {"a": 1, "b": 2, "c": 2}}, "no weight names c; name sources of the mixture: a, b"),
        ({"max_epochs": {"a": 1, "b": -2}}, "that of b is not more than 0"),
        ({"max_tokens": {"c": 5}}, "no weight names c"),
        ({"max_tokens": {"a": 0}}, "that of a is not more than 0"),
        ({"replay": 0.1}, "nothing says which documents were trained on before; add the key 'after'"),
        ({"replay": {"x": 0.1}}, "nothing says which documents were trained on before"),
        ({"after": "first", "replay": 1.0}, "1 is no share of the tokens; give at least 0 and less than 1 in all"),
        ({"after": "first", "replay": -0.1}, "-0.1 is no share of the tokens"),
        ({"after": "first", "replay": {"x": 0.6, "y": 0.4}}, "1 is no share of the tokens"),
        ({"after": "first", "replay": {"x": 0.1, "y": 0.0}}, "that of y is not more than 0; a source that is not named is not replayed"),
        ({"after": "first", "replay": float("nan")}, "should be a finite number"),
    ],
)
def test_what_no_mixture_can_be_made_of_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        config(**changes)


def test_the_example_of_a_stage_is_one() -> None:
    (example,) = Stage.model_json_schema()["examples"]
    assert Stage.model_validate(example).start == 0.8


def test_its_sources_are_those_that_have_a_share_at_any_time() -> None:
    chosen = config(weights={"b": 1.0, "x": 0.0}, stages=[stage(0.5, c=1, a=1), stage(0.7, b=1, y=0)])
    assert (chosen.sources, chosen.named) == (["a", "b", "c"], {"a", "b", "c", "x", "y"})


def test_how_often_a_source_may_be_read_is_said_for_all_or_for_each() -> None:
    assert [config(max_epochs=3).epochs_of(source) for source in "ab"] == [3, 3]
    assert [config(max_epochs={"a": 1.5, "b": 4}).epochs_of(source) for source in "ab"] == [1.5, 4]
    assert config(weights={"a": 1, "x": 0}, max_epochs={"a": 2}).epochs_of("a") == 2  # nothing is said of one that is never read


def test_a_quota_is_the_least_of_what_bounds_a_source() -> None:
    assert config().quota("a") is None
    assert config(max_train_tokens=1000).quota("a") == 150  # of weights as they are written, not as the machine rounds them
    assert config(max_train_tokens=1000, max_tokens={"a": 100}).quota("a") == 100
    assert config(max_train_tokens=1000, max_tokens={"a": 200}, stages=[stage(0.9, a=1)]).quota("a") == 200
    assert config(max_train_tokens=1000, stages=[stage(0.9, a=1)]).quota("a") == 1000


def test_a_quota_leaves_room_for_what_is_replayed() -> None:
    assert config(max_train_tokens=1000, after="first", replay=0.2).quota("a") == 120
    assert config(max_train_tokens=1000, after="first", replay={"x": 0.1, "y": 0.1}).quota("a") == 120
    assert config(max_train_tokens=None, after="first", replay=0.2).quota("a") is None


def test_shares_of_what_is_replayed_are_exact() -> None:
    read = {"x": Fraction(2, 3), "y": Fraction(1, 3)}
    assert config(after="first", replay=0.3).replayed_shares(read) == {"x": Fraction(1, 5), "y": Fraction(1, 10)}
    assert config(after="first", replay={"y": 0.1}).replayed_shares(read) == {"y": Fraction(1, 10)}
    assert config(after="first").replayed_shares(read) == config().replayed_shares({}) == {}
