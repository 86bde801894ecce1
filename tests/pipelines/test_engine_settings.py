"""Which engine and which back end the environment chooses."""

import pytest

from pipelines.settings import find_engine, find_inference
from resources.devices.inference import Inference
from resources.engines.engine import Engine, SlurmQueue


def test_without_a_word_the_run_makes_its_cells_itself() -> None:
    assert find_engine({}).kind == "inline"


def test_kind_workers_and_cluster_come_from_the_environment() -> None:
    assert find_engine({"MILL_ENGINE": "local", "MILL_WORKERS": "7"}) == Engine(kind="local", num_workers=7)
    assert find_engine({"MILL_ENGINE": "ray", "MILL_WORKERS": "3", "RAY_ADDRESS": "head:6379"}).ray_address == "head:6379"


def test_slurm_takes_its_partition_time_and_further_options() -> None:
    environment = {"MILL_ENGINE": "slurm", "MILL_SLURM_PARTITION": "cpu", "MILL_SLURM_ARGUMENTS": "--account=me mem-per-cpu=4G exclusive"}
    assert find_engine(environment).slurm == SlurmQueue("cpu", "24:00:00", {"account": "me", "mem-per-cpu": "4G", "exclusive": ""})
    assert find_engine({**environment, "MILL_SLURM_TIME": "1:00:00"}).slurm == SlurmQueue(
        "cpu", "1:00:00", {"account": "me", "mem-per-cpu": "4G", "exclusive": ""}
    )


def test_nodes_are_started_where_data_cells_are_made_unless_that_is_said() -> None:
    assert find_engine({"MILL_ENGINE": "local"}).nodes == "join"
    assert find_engine({"MILL_ENGINE": "ray"}).nodes == "ray"
    assert find_engine({"MILL_ENGINE": "ray", "MILL_NODES": "join"}).nodes == "join"
    found = find_engine({"MILL_NODES": "slurm", "MILL_SLURM_PARTITION": "gpus"})
    assert (found.kind, found.nodes, found.slurm) == ("inline", "slurm", SlurmQueue("gpus", "24:00:00", {}))


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"MILL_ENGINE": "spark"}, "MILL_ENGINE is 'spark'; choose one of inline, local, ray, slurm"),
        ({"MILL_WORKERS": "0"}, "MILL_WORKERS is '0'"),
        ({"MILL_WORKERS": "many"}, "MILL_WORKERS is 'many'"),
        ({"MILL_NODES": "torchrun"}, "MILL_NODES is 'torchrun'; choose one of join, ray, slurm"),
        ({"MILL_NODES": "slurm"}, "needs MILL_SLURM_PARTITION"),
        ({"MILL_ENGINE": "slurm"}, "needs MILL_SLURM_PARTITION"),
    ],
)
def test_a_value_that_means_nothing_is_named_with_the_remedy(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        find_engine(environment)


def test_evals_are_answered_by_our_own_engine_or_a_back_end_that_rounds_no_weights() -> None:
    assert find_inference({}) == Inference(backend="own") and find_inference({"MILL_BACKEND": "vllm"}) == Inference(backend="vllm")
    with pytest.raises(ValueError, match="MILL_BACKEND is 'llama'; choose one of own, transformers, vllm"):
        find_inference({"MILL_BACKEND": "llama"})
    with pytest.raises(ValueError, match="MILL_BACKEND is 'llama_cpp', which rounds weights"):
        find_inference({"MILL_BACKEND": "llama_cpp"})
    asked = {"MILL_INVARIANT": "1", "MILL_BACKEND": "transformers"}
    assert find_inference(asked) == Inference(backend="transformers", is_invariant=True) and find_inference({"MILL_INVARIANT": "0"}) == Inference()
    with pytest.raises(ValueError, match="MILL_INVARIANT is 'yes'; say 1 where no bit"):
        find_inference({"MILL_INVARIANT": "yes"})
