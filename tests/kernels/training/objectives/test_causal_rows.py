"""Next-token prediction: each token from those of its own document."""

from kernels.specs.objectives import IGNORED
from kernels.training.objectives.next_token import SPEC, NextTokenConfig
from tests.token_rows import CONTROL, END, chance, row_of


def test_each_token_is_predicted_but_the_first_of_a_document_and_padding() -> None:
    row = row_of([20, 21, END], [30], [40, 41], length=8)
    example = SPEC.prepare(row, chance(), CONTROL, NextTokenConfig(), SPEC.lengths(NextTokenConfig(), 8, 3))
    assert example.inputs.tokens.tolist() == row.tokens.tolist()
    assert example.targets.tolist() == [21, END, IGNORED, IGNORED, 41, IGNORED, IGNORED, IGNORED]
    assert (example.prefix, example.decoder, example.num_cut) == (None, None, 0)
