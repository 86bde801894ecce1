"""Which parameter is moved how: the first pattern decides, and nothing is passed over in silence."""

from typing import Any

import pytest
from pydantic import ValidationError

from kernels.training.optimization.parameter_groups import ALL, GroupConfig, Member, OptimizerName, members_of


def model(*, tied: bool = False) -> Any:
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(10, 4)
            self.layers = torch.nn.ModuleList([torch.nn.Linear(4, 4) for _ in range(2)])
            self.norm = torch.nn.RMSNorm(4)
            self.lm_head = torch.nn.Linear(4, 10, bias=False)
            if tied:
                self.lm_head.weight = self.table.weight

    return Model()


def members(*groups: GroupConfig, optimizer: OptimizerName = "muon", tied: bool = False) -> dict[str, Member]:
    return {member.name: member for member in members_of(model(tied=tied), groups or [ALL], optimizer, 0.1)}


def treatment(found: dict[str, Member]) -> dict[str, tuple[str, float]]:
    return {name: (member.optimizer, member.weight_decay) for name, member in found.items()}


def test_by_default_matrices_are_decayed_and_moved_by_the_optimizer_of_the_training_and_all_else_by_adamw() -> None:
    assert treatment(members()) == {
        "table.weight": ("adamw", 0.0),
        "layers.0.weight": ("muon", 0.1),
        "layers.0.bias": ("adamw", 0.0),
        "layers.1.weight": ("muon", 0.1),
        "layers.1.bias": ("adamw", 0.0),
        "norm.weight": ("adamw", 0.0),
        "lm_head.weight": ("adamw", 0.0),
    }


def test_a_tied_output_layer_is_the_embedding_and_stands_once() -> None:
    found = members(tied=True)
    assert found["table.weight"].kind == "table" and "lm_head.weight" not in found


@pytest.mark.parametrize(
    ("name", "shape", "kind"),
    [
        ("embedding", (10, 4), "table"),
        ("model.embed_tokens.weight", (10, 4), "table"),
        ("places", (10, 4), "table"),
        ("output", (10, 4), "table"),
        ("backbone.layers.0.mixer.A_log", (32, 4), "vector"),
        ("decoder_bias.weight", (32, 4), "table"),
        ("blocks.0.out.weight", (4, 4), "matrix"),
        ("attention.output.dense.weight", (4, 4), "matrix"),
        ("blocks.0.experts", (3, 4, 8), "matrix"),
        ("blocks.0.kernel", (4, 1, 8), "vector"),
        ("blocks.0.conv.weight", (8, 1, 4), "vector"),
        ("norm.weight", (4,), "vector"),
        ("scale", (), "vector"),
    ],
)
def test_the_kind_of_a_parameter_follows_from_its_shape_and_the_end_of_its_name(name: str, shape: tuple[int, ...], kind: str) -> None:
    import torch

    weight = torch.nn.Parameter(torch.zeros(shape))
    named: Any = torch.nn.Module()
    named.named_parameters = lambda *args, **kwargs: [(name, weight)]
    assert [member.kind for member in members_of(named, [ALL], "muon", 0.1)] == [kind]


def test_a_table_stays_one_under_a_second_name_that_does_not_tell() -> None:
    import torch

    tied = torch.nn.Module()
    tied.embedding = torch.nn.Parameter(torch.zeros(10, 4))
    tied.last = torch.nn.Linear(4, 10, bias=False)
    tied.last.weight = tied.embedding
    assert [(member.name, member.kind) for member in members_of(tied, [ALL], "muon", 0.1)] == [("embedding", "table")]


def test_a_parameter_that_is_not_trained_is_in_no_group() -> None:
    frozen = model()
    frozen.table.weight.requires_grad_(False)
    assert "table.weight" not in {member.name for member in members_of(frozen, [ALL], "adamw", 0.1)}


def test_the_first_group_that_matches_decides() -> None:
    found = members(GroupConfig(pattern="layers.0.*", weight_decay=0.5), GroupConfig(pattern="layers.*", learning_rate_ratio=2.0), ALL)
    assert [found[name].weight_decay for name in ("layers.0.weight", "layers.0.bias", "layers.1.weight")] == [0.5, 0.5, 0.1]
    assert [found[f"layers.{index}.weight"].learning_rate_ratio for index in (0, 1)] == [1.0, 2.0]


def test_a_pattern_between_slashes_is_a_regular_expression() -> None:
    found = members(GroupConfig(pattern=r"/^layers\.[1-9]\.weight$/", optimizer="adamw"), ALL)
    assert [found[name].optimizer for name in ("layers.0.weight", "layers.1.weight")] == ["muon", "adamw"]


def test_wildcards_match_a_whole_name() -> None:
    with pytest.raises(ValueError, match="the parameter group of 'layers' decides on no parameter"):
        members(GroupConfig(pattern="layers"), ALL)


def test_a_group_behind_one_that_takes_all_its_parameters_is_a_fault() -> None:
    with pytest.raises(ValueError, match=r"the parameter group of 'norm\.weight' decides on no parameter; mend its pattern, move it up"):
        members(ALL, GroupConfig(pattern="norm.weight"))


def test_a_parameter_that_no_group_matches_is_named() -> None:
    with pytest.raises(ValueError, match=r"parameter norm\.weight matches no pattern of the parameter groups; end them with one for '\*'"):
        members(GroupConfig(pattern="layers.*"), GroupConfig(pattern="*table*"))


def test_muon_cannot_move_a_vector() -> None:
    with pytest.raises(ValueError, match=r"parameter layers\.0\.bias is a vector, which muon cannot move; give adamw in the group of 'layers\.\*'"):
        members(GroupConfig(pattern="layers.*", optimizer="muon"), ALL)


def test_an_embedding_is_moved_by_muon_where_a_group_says_so() -> None:
    assert members(GroupConfig(pattern="table.weight", optimizer="muon", weight_decay=0.2), ALL)["table.weight"].optimizer == "muon"


def test_a_regular_expression_that_is_none_is_a_fault_of_its_pattern() -> None:
    with pytest.raises(ValidationError, match="no regular expression") as caught:
        GroupConfig(pattern="/layers.(/")
    assert caught.value.errors()[0].get("ctx", {})["key"] == "pattern"
