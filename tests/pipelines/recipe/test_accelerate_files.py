"""Files that accelerate's own command writes become the layout of a training, and what they ask for that is not done here is refused."""

from pathlib import Path

import pytest

from kernels.specs.layout import Layout
from pipelines.recipe.schema import load_recipe
from pipelines.recipe.yaml_source import RecipeError
from tests.small_recipe import SMALL, write

GIVEN = "back_end: accelerate, config: accelerate.yaml"
CPUS = """\
compute_environment: LOCAL_MACHINE
debug: false
distributed_type: MULTI_CPU
downcast_bf16: 'no'
enable_cpu_affinity: false
machine_rank: 0
main_training_function: main
mixed_precision: 'no'
num_machines: 1
num_processes: 2
rdzv_backend: static
same_network: true
tpu_env: []
tpu_use_cluster: false
tpu_use_sudo: false
use_cpu: true
"""
FSDP = CPUS.replace("MULTI_CPU", "FSDP") + (
    "fsdp_config:\n"
    "  fsdp_version: 2\n"
    "  fsdp_reshard_after_forward: true\n"
    "  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n"
    "  fsdp_state_dict_type: SHARDED_STATE_DICT\n"
    "  fsdp_cpu_ram_efficient_loading: true\n"
    "  fsdp_activation_checkpointing: false\n"
    "  fsdp_offload_params: false\n"
)
MESH = "parallelism_config:\n  parallelism_config_dp_replicate_size: 2\n  parallelism_config_dp_shard_size: 2\n  parallelism_config_tp_size: 1\n"


def put(folder: Path, text: str, run: str = GIVEN) -> Path:
    (folder / "accelerate.yaml").write_text(text)
    return write(folder, SMALL.replace("    method: pretrain\n", f"    method: pretrain\n    run: {{{run}}}\n", 1))


def run_of(folder: Path, text: str, run: str = GIVEN) -> tuple[Layout, str, int]:
    """Return the layout, the device and the nodes that a recipe with a file comes to."""
    entry = load_recipe(put(folder, text, run)).entries.models["base"].run
    return Layout.model_validate(entry.model_dump(include=set(Layout.model_fields))), entry.device, entry.nodes


def faults(folder: Path, text: str, run: str = GIVEN) -> list[str]:
    with pytest.raises(RecipeError) as error:
        load_recipe(put(folder, text, run))
    return [line.replace(f"{folder}/", "") for line in str(error.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "layout", "device"),
    [
        (CPUS, {"processes": 2}, "cpu"),
        (CPUS.replace("MULTI_CPU", "MULTI_GPU").replace("use_cpu: true", "use_cpu: false"), {"processes": 2}, "cuda"),
        ("distributed_type: 'NO'\n", {}, "auto"),
        ("distributed_type: 'NO'\nuse_cpu: true\nmixed_precision: no\n", {}, "cpu"),
        (FSDP, {"processes": 2, "zero": 3}, "cpu"),
        (FSDP.replace("use_cpu: true", "use_cpu: false"), {"processes": 2, "zero": 3}, "cuda"),
        (FSDP.replace("offload_params: false", "offload_params: true"), {"processes": 2, "zero": 3, "offload": "parameters"}, "cpu"),
        (FSDP.replace("num_processes: 2", "num_processes: 4") + MESH, {"processes": 4, "zero": 3, "shard": 2}, "cpu"),
    ],
)
def test_a_file_says_where_a_training_runs(tmp_path: Path, text: str, layout: dict[str, object], device: str) -> None:
    assert run_of(tmp_path, text) == (Layout.model_validate({"back_end": "accelerate", **layout}), device, 1)


def test_several_machines_are_those_of_nodes(tmp_path: Path) -> None:
    text = CPUS.replace("num_machines: 1", "num_machines: 2")
    assert run_of(tmp_path, text, f"{GIVEN}, nodes: 2")[2] == 2
    assert faults(tmp_path, text) == [
        "accelerate.yaml:9: num_machines: these are 2 machines, and the recipe's run is by 1; give 'nodes: 2' to the model's run"
    ]


def test_a_file_that_accelerate_itself_writes_is_read(tmp_path: Path) -> None:
    from accelerate.commands.config.config_args import ClusterConfig

    written = ClusterConfig("LOCAL_MACHINE", "MULTI_CPU", "no", True, False, num_processes=2)  # type: ignore[arg-type]
    written.to_yaml_file(str(tmp_path / "written.yaml"))
    assert run_of(tmp_path, (tmp_path / "written.yaml").read_text())[0] == Layout(processes=2, back_end="accelerate")


JOINING = "leave the key out: machines find each other by 'nodes' and mill join"
AT_WORK = "the recipe says what is computed: leave the key out, and give"
OTHER = "is another precision than the model's, float32; write 'no', or change 'precision' of the model"
REFUSED = {
    "distributed_type: MULTI_CPU": {
        "distributed_type: DEEPSPEED": "distributed_type: 'DEEPSPEED' is not taken here; take one of NO, MULTI_CPU, MULTI_GPU, FSDP",
        "distributed_type: MEGATRON_LM": "distributed_type: 'MEGATRON_LM' is not taken here; take one of NO, MULTI_CPU, MULTI_GPU, FSDP",
        "distributed_type: XLA": "distributed_type: 'XLA' is not taken here; take one of NO, MULTI_CPU, MULTI_GPU, FSDP",
        "distributd_type: NO": "distributd_type: unknown key 'distributd_type'; did you mean 'distributed_type'?",
    },
    "downcast_bf16: 'no'": {
        "downcast_bf16: true": "downcast_bf16: True is not taken here; no TPU is trained on here; leave the key out",
        "dynamo_config: {dynamo_backend: INDUCTOR}": (
            f"dynamo_config: {{'dynamo_backend': 'INDUCTOR'}} is not taken here; {AT_WORK} 'compile' to the model"
        ),
        "gpu_ids: 0,1": (
            "gpu_ids: '0,1' is not taken here; name all: GPUs are given to each job as they are free, and CUDA_VISIBLE_DEVICES hides others"
        ),
        "deepspeed_config: {zero_stage: 2}": (
            "deepspeed_config: {'zero_stage': 2} is not taken here; write 'back_end: deepspeed' with 'zero' and 'offload' to the model's run"
        ),
        "main_process_ip: 10.0.0.1": f"main_process_ip: '10.0.0.1' is not taken here; {JOINING}",
        "mpirun_config: {mpirun_hostfile: hosts}": (
            "mpirun_config: {'mpirun_hostfile': 'hosts'} is not taken here; leave the key out: processes are started by Modelmill"
        ),
        "fsdp_config: {fsdp_version: 2}": "fsdp_config: it is of distributed_type: FSDP, and this is MULTI_CPU; change one of them",
        "learning_rate: 1": "learning_rate: unknown key 'learning_rate'; valid: command_file, ",
    },
    "machine_rank: 0": {"machine_rank: 1": f"machine_rank: 1 is not taken here; {JOINING}"},
    "main_training_function: main": {"main_training_function: go": "main_training_function: 'go' is not taken here; leave the key out"},
    "rdzv_backend: static": {"rdzv_backend: etcd": f"rdzv_backend: 'etcd' is not taken here; {JOINING}"},
    "mixed_precision: 'no'": {
        "mixed_precision: bf16": f"mixed_precision: 'bf16' {OTHER}",
        "mixed_precision: fp8": f"mixed_precision: 'fp8' {OTHER}",
    },
    "num_processes: 2": {
        "num_processes: two": "num_processes: 'two' is no number of processes; write how many there are on all machines together",
        "num_processes: 0": "num_processes: 0 is no number of processes; write how many there are on all machines together",
    },
    "compute_environment: LOCAL_MACHINE": {
        "compute_environment: AMAZON_SAGEMAKER": (
            "compute_environment: 'AMAZON_SAGEMAKER' is not taken here; name LOCAL_MACHINE: jobs are started here by Modelmill"
        )
    },
}
CASES = [(old, new, words) for old, changes in REFUSED.items() for new, words in changes.items()]


@pytest.mark.parametrize(("old", "new", "words"), CASES, ids=[new for _, new, _ in CASES])
def test_what_is_not_done_here_is_refused_with_file_line_key_and_remedy(tmp_path: Path, old: str, new: str, words: str) -> None:
    line = CPUS[: CPUS.index(old)].count("\n") + 1
    first = faults(tmp_path, CPUS.replace(old, new))[0]
    assert first.startswith(f"accelerate.yaml:{line}: {words}")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (FSDP.replace("fsdp_version: 2", "fsdp_version: 1"), "18: fsdp_config.fsdp_version: 1 is not taken here; write 2 (accelerate to-fsdp2 "),
        (FSDP.replace("  fsdp_version: 2\n", ""), "17: fsdp_config: without fsdp_version it is FSDP1, which is not taken; write fsdp_version: 2"),
        (FSDP.replace("forward: true", "forward: false"), "19: fsdp_config.fsdp_reshard_after_forward: False is not taken here; write true"),
        (FSDP.replace("TRANSFORMER_BASED", "SIZE_BASED"), "20: fsdp_config.fsdp_auto_wrap_policy: 'SIZE_BASED_WRAP' is not taken here; write "),
        (
            FSDP.replace("checkpointing: false", "checkpointing: true"),
            f"23: fsdp_config.fsdp_activation_checkpointing: True is not taken here; {AT_WORK} 'activation_checkpointing' to the model",
        ),
        (FSDP.replace("params: false", "params: some"), "24: fsdp_config.fsdp_offload_params: 'some' is neither true nor false; write one of them"),
        (FSDP + "  fsdp_min_num_params: 100\n", "25: fsdp_config.fsdp_min_num_params: 100 is not taken here; leave the key out: each block"),
        (FSDP + "  fsdp_sharding: 1\n", "25: fsdp_config.fsdp_sharding: unknown key 'fsdp_sharding'; did you mean"),
        (FSDP.replace("num_processes: 2", "num_processes: 1"), "10: num_processes: one process has nobody to share a model with; write more"),
        (FSDP + MESH, "25: parallelism_config: copies (2) times pieces (2) are to be the 2 processes, in 2 pieces at least; change "),
        (
            FSDP + "parallelism_config: {parallelism_config_tp_size: 2, parallelism_config_dp_shard_size: 2}\n",
            "25: parallelism_config.parallelism_config_tp_size: 2 is not taken here; tp is not taken; take back_end: modelmill",
        ),
        (CPUS.replace("MULTI_CPU", "MULTI_GPU"), "16: use_cpu: MULTI_GPU is of GPUs; write false, or distributed_type: MULTI_CPU"),
        (CPUS.replace("MULTI_CPU", "'NO'"), "10: num_processes: distributed_type: NO is one process, and these are 2; write MULTI_CPU or "),
    ],
)
def test_what_does_not_go_together_is_refused_with_file_line_key_and_remedy(tmp_path: Path, text: str, fault: str) -> None:
    (told,) = faults(tmp_path, text)
    assert told.startswith(f"accelerate.yaml:{fault}")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("config: accelerate.yaml", "models.base.run.config: it is a file of accelerate's; give 'back_end: accelerate' too, or leave the key out"),
        ("back_end: accelerate, config: other.yaml", "models.base.run.config: other.yaml is no file; name one"),
        (f"{GIVEN}, processes: 4", "models.base.run.processes: accelerate.yaml says it; leave it out here"),
        (
            "back_end: accelerate, processes: 2, zero: 1",
            "models.base.run.zero: accelerate has stage 1 by DeepSpeed alone; take back_end: deepspeed, or zero: 3",
        ),
    ],
)
def test_what_a_recipe_says_beside_a_file_is_refused_with_its_line(tmp_path: Path, run: str, words: str) -> None:
    text = put(tmp_path, CPUS, run).read_text()
    line = text[: text.index("run: {")].count("\n") + 1
    (told,) = faults(tmp_path, CPUS, run)
    assert told.startswith(f"recipe.yaml:{line}: {words}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1: the file is empty; start from a config of accelerate's made by accelerate config"),
        ("- NO\n", "1: a config of accelerate's is a mapping of keys, found list"),
        ("debug: !!python/object/apply:os.getcwd []\n", "1: not YAML: could not determine a constructor"),
        ("debug: false\ndebug: true\n", "2: the key 'debug' stands here again (first on line 1); keep one"),
    ],
)
def test_what_is_no_file_of_that_kind_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert faults(tmp_path, text)[0].startswith(f"accelerate.yaml:{words}")
