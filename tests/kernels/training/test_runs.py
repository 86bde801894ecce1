"""What a training is called: a state is taken up by the same config, from the same weights, on the same data alone."""

from pathlib import Path
from typing import Any

import torch

from kernels.methods.pretraining.pretrain import PretrainConfig
from kernels.models.formats.fast import taken
from kernels.specs.families import configured
from kernels.tokens.mixtures.building import build_mixture
from kernels.tokens.tokenizer_files import JSON
from kernels.training.runs import Data, identity
from tests.kernels.methods.pretraining.test_pretrain import config
from tests.kernels.tokens.mixtures.test_building import PAD, shard
from tests.kernels.tokens.mixtures.test_building import config as mixture_config
from tests.small_models import small_llama


def data(folder: Path, *, added: int = 0) -> Data:
    """A mixture of some documents, to one of whose tokens a number is added."""
    folder.mkdir()
    texts = shard("a", 12)
    texts.tokens[25] += added
    build_mixture([("a", texts)], [], mixture_config(weights={"a": 1.0}), PAD, folder)
    (folder / JSON).write_text("{}")
    return Data(folder, folder, configured("objectives", "next_token"))


def name(of: Data, chosen: PretrainConfig | None = None, model: Any = None) -> str:
    return identity(chosen or config(), of, taken(model or small_llama()))


def test_the_same_config_and_data_are_one_training_wherever_they_lie(tmp_path: Path) -> None:
    assert name(data(tmp_path / "one")) == name(data(tmp_path / "other"))


def test_a_changed_token_in_arrays_of_the_same_size_is_another_training(tmp_path: Path) -> None:
    one, other = data(tmp_path / "one"), data(tmp_path / "other", added=1)
    sizes = [[(path.name, path.stat().st_size) for path in sorted(each.mixture.glob("*.npy"))] for each in (one, other)]
    assert sizes[0] == sizes[1] and name(one) != name(other)


def test_another_seed_or_objective_or_tokenizer_is_another_training(tmp_path: Path) -> None:
    one, other = data(tmp_path / "one"), data(tmp_path / "other")
    (other.tokenizer / JSON).write_text("{ }")
    masked = one._replace(objective=configured("objectives", "fill_in_the_middle"))
    names = [name(one), name(one, config(seed=99)), name(masked), name(other)]
    assert len(set(names)) == len(names)


def test_a_changed_weight_that_training_begins_at_is_another_training(tmp_path: Path) -> None:
    learned = data(tmp_path / "one")
    parent = small_llama()
    with torch.no_grad():
        parent.model.norm.weight[3] += 1e-6
    assert name(learned) == name(learned, model=small_llama()) and name(learned) != name(learned, model=parent)
