"""A document's loss is the same alone and packed, by every objective; and at hundreds of positions, in half precision and compiled."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.models.formats.fast import Trainable
from kernels.specs.families import specs
from kernels.specs.objectives import IGNORED
from kernels.tokens.mixtures.packing import PADDING_SEGMENT
from kernels.training.feeding.batches import Examples, Transform, prepare_rows
from kernels.training.feeding.feed import Batch
from kernels.training.learner import Learner, Setting
from tests.kernels.models.architectures.test_every_family import shape
from tests.learning import CONTROL as WITHOUT_GAPS
from tests.learning import FIRST_BYTE, VOCABULARY
from tests.small_models import shaken

CONTROL = WITHOUT_GAPS._replace(fim_prefix=16, fim_suffix=17, fim_middle=18, sentinels=tuple(range(3, 16)))
LENGTHS = (37, 12, 41)
"""Of the documents of a row."""
FORMS = {"encoder_decoder": {"form": "encoder_decoder"}, "decoder": {"form": "decoder"}}
FAMILIES = {"causal": ("llama", "mamba2"), "prefix": ("prefix_decoder",), "bidirectional": ("modernbert",), "encoder_decoder": ("t5",)}
CASES = [
    (name, fields, family)
    for name, spec in specs("objectives").items()
    for fields in (FORMS.values() if name == "ul2" else ({},))
    for family in FAMILIES[spec.attention(spec.config(**fields))]
]
HALF = {"min_prefix_share": 0.5, "max_prefix_share": 0.5}
WITHOUT_CHANCE = [("next_token", {}), ("fill_in_the_middle", {"rate": 0}), ("prefix_lm", HALF), ("prefix_to_target", HALF)]


def learner(family: str, precision: str = "float32", *, compiled: bool = False) -> Learner:
    made: Trainable = shaken(shape(family, hidden_size=32))
    return Learner(made, Setting("cpu", precision, compiled, 0.0, "none"))


def prepared(name: str, fields: dict[str, Any], documents: list[NDArray[np.int64]], seed: int = 1, length: int | None = None) -> Examples:
    """A row of documents, padded to a length, as an objective has it read."""
    objective = specs("objectives")[name]
    config = objective.config(**fields)
    tokens, numbers = np.concatenate(documents), np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    more = 0 if length is None else length - len(tokens)
    tokens, numbers = np.pad(tokens, (0, more)), np.pad(numbers, (0, more), constant_values=PADDING_SEGMENT)
    transform = Transform(objective, config, CONTROL, objective.lengths(config, len(tokens), len(documents)))
    return prepare_rows(tokens[None], numbers[None].astype(np.uint16), [seed], seed, transform)


def document(length: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(FIRST_BYTE, VOCABULARY, length)


def cut_out(row: Examples, number: int) -> Examples:
    """One document of a row, with the choices that were made for it."""
    of_inputs = row.segments_BT[0] == number
    of_targets = of_inputs if row.decoder_segments_BU is None else row.decoder_segments_BU[0] == number
    return row._replace(
        inputs_BT=row.inputs_BT[:, of_inputs],
        segments_BT=row.segments_BT[:, of_inputs],
        targets=row.targets[:, of_targets],
        prefix_BT=None if row.prefix_BT is None else row.prefix_BT[:, of_inputs],
        decoder_inputs_BU=None if row.decoder_inputs_BU is None else row.decoder_inputs_BU[:, of_targets],
        decoder_segments_BU=None if row.decoder_segments_BU is None else row.decoder_segments_BU[:, of_targets],
    )


def asked_of(row: Examples, number: int) -> Examples:
    """The row, of which only what is predicted of one document counts."""
    segments = row.segments_BT if row.decoder_segments_BU is None else row.decoder_segments_BU
    return row._replace(targets=np.where(segments == number, row.targets, IGNORED))


@pytest.mark.parametrize(("name", "fields", "family"), CASES)
def test_by_every_objective_a_document_has_the_same_loss_alone_and_packed_between_others(name: str, fields: dict[str, Any], family: str) -> None:
    made = learner(family)
    documents = [document(length, number) for number, length in enumerate(LENGTHS)]
    for seed in range(6 if name == "ul2" else 2):  # a row has one of ul2's denoisers
        row = prepared(name, fields, documents, seed)
        for number in range(len(LENGTHS)):
            alone = cut_out(row, number)
            assert (alone.targets != IGNORED).any()
            assert made.nats(asked_of(row, number)) == pytest.approx(made.nats(alone), rel=1e-5)


@pytest.mark.parametrize(("name", "fields"), WITHOUT_CHANCE)
def test_where_nothing_is_drawn_a_document_is_read_alone_as_it_is_packed(name: str, fields: dict[str, Any]) -> None:
    documents = [document(length, number) for number, length in enumerate(LENGTHS)]
    row = prepared(name, fields, documents)
    for number, text in enumerate(documents):
        alone, cut = cut_out(prepared(name, fields, [text]), 0), cut_out(row, number)
        for part in ("inputs_BT", "targets", "prefix_BT", "decoder_inputs_BU"):
            assert np.array_equal(getattr(alone, part), getattr(cut, part)), part


def loss_of(made: Learner, row: Examples) -> float:
    """The loss that a step learns by, which alone is compiled."""
    labels = int((row.targets != IGNORED).sum())
    return made.gradients(Batch([row], row.targets.size, labels, 0))


@pytest.mark.filterwarnings("ignore")  # of the compiler by itself
@pytest.mark.parametrize(
    ("precision", "compiled", "near"),
    [("float32", False, 1e-5), ("bfloat16", False, 5e-4), pytest.param("bfloat16", True, 5e-4, marks=pytest.mark.slow)],
)
def test_far_along_a_row_a_document_has_the_loss_that_it_has_alone_and_no_later_token_changes_an_earlier_ones(
    precision: str, compiled: bool, near: float
) -> None:
    made = learner("llama", precision, compiled=compiled)
    first, second = document(150, 1), document(106, 2)
    row = prepared("next_token", {}, [first, second])
    for number, text in enumerate((first, second)):
        alone = prepared("next_token", {}, [text], length=256)
        assert loss_of(made, asked_of(row, number)) == pytest.approx(loss_of(made, alone), rel=near)
    earlier = row._replace(targets=np.where(np.isin(np.arange(256), range(222, 230)), row.targets, IGNORED))
    changed = earlier.inputs_BT.copy()
    changed[:, 230:] = FIRST_BYTE + (changed[:, 230:] + 1) % 256
    assert loss_of(made, earlier._replace(inputs_BT=changed)) == loss_of(made, earlier)
    changed[:, 200] = FIRST_BYTE + (changed[:, 200] + 1) % 256
    assert loss_of(made, earlier._replace(inputs_BT=changed)) != loss_of(made, earlier)
