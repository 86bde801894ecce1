"""The rule filters decide as datatrove's do: on a few documents here, on more than ten thousand of every kind when there is time."""

from pathlib import Path

import pytest

from tests.bench.parity import NUM_DOCUMENTS, compare, pairs
from tests.real_documents import real_documents


@pytest.mark.parametrize("number", range(5))
def test_a_few_real_documents_of_every_kind_are_decided_alike(number: int, shared_data: Path) -> None:
    assert compare(pairs()[number], real_documents(shared_data)[:300]).differences == []


@pytest.mark.slow
@pytest.mark.parametrize("number", range(5))
def test_ten_thousand_real_documents_are_decided_alike(number: int, shared_data: Path) -> None:
    documents = real_documents(shared_data)[:NUM_DOCUMENTS]
    parity = compare(pairs()[number], documents)
    assert len(documents) >= 10_000 and len(parity.reasons) > 2
    assert parity.differences == []
