"""Tiny models, and a server of them, for all files of this folder."""

from collections.abc import Iterator

import pytest

from kernels.models.formats.checkpoints import LanguageModel
from tests.pipelines.serving.house import House, Shelved, opened, tiny, tiny_encoder


@pytest.fixture(scope="session")
def lm(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def house(lm: LanguageModel, encoder: LanguageModel) -> Iterator[House]:
    with opened([Shelved("tiny", lm), Shelved("encoder", encoder, "decade")]) as found:
        yield found
        assert found.check_pages() == 0
