"""Files that ``accelerate config`` writes, as the keys of a recipe's ``run``.

What says where a training runs becomes its layout. What would change what is computed, or is not done here, is refused with file, line, key and
remedy; what means nothing here may stand with the value that asks for nothing. Keys are those of accelerate's ``ClusterConfig``.
"""

from pathlib import Path
from typing import Any, NamedTuple, cast

from kernels.specs.names import nearest
from pipelines.recipe.yaml_source import RecipeError, YamlSource, read_yaml

FSDP, MESH = "fsdp_config", "parallelism_config"
TYPES = ("NO", "MULTI_CPU", "MULTI_GPU", "FSDP")
PRECISIONS = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}
NOTHING: tuple[Any, ...] = (None, False, "no", "", {}, [])
"""Values that ask for nothing; what YAML reads as 0 is False, too."""


class Allowed(NamedTuple):
    """What a key that becomes no key of a layout may say."""

    values: tuple[Any, ...] | None = NOTHING
    """None: anything, since it is of no consequence here."""
    remedy: str = "leave the key out"


_AT_WORK = "the recipe says what is computed: leave the key out, and give"
_BY_JOINING = "leave the key out: machines find each other by 'nodes' and mill join"
_OF_TPUS = Allowed(remedy="no TPU is trained on here; leave the key out")
TOP: dict[str, Allowed] = {
    "compute_environment": Allowed((None, "LOCAL_MACHINE"), "name LOCAL_MACHINE: jobs are started here by Modelmill"),
    "debug": Allowed(),
    "downcast_bf16": _OF_TPUS,
    "dynamo_config": Allowed((*NOTHING, {"dynamo_backend": "NO"}), f"{_AT_WORK} 'compile' to the model"),
    "deepspeed_config": Allowed(remedy="write 'back_end: deepspeed' with 'zero' and 'offload' to the model's run, in place of the file"),
    "enable_cpu_affinity": Allowed(),
    "fp8_config": Allowed(remedy=f"{_AT_WORK} 'precision' to the model"),
    "gpu_ids": Allowed((None, "all"), "name all: GPUs are given to each job as they are free, and CUDA_VISIBLE_DEVICES hides others"),
    "machine_rank": Allowed((None, 0), _BY_JOINING),
    "main_process_ip": Allowed((None,), _BY_JOINING),
    "main_process_port": Allowed((None,), _BY_JOINING),
    "main_training_function": Allowed((None, "main")),
    "megatron_lm_config": Allowed(remedy="Megatron-LM is not there; take distributed_type FSDP"),
    "mpirun_config": Allowed(remedy="leave the key out: processes are started by Modelmill"),
    "rdzv_backend": Allowed((None, "static", "c10d"), _BY_JOINING),
    "same_network": Allowed(None),
    **dict.fromkeys(("command_file", "commands", "tpu_env", "tpu_name", "tpu_use_cluster", "tpu_use_sudo", "tpu_vm", "tpu_zone"), _OF_TPUS),
}
OF_BLOCKS = "leave the key out: each block of the model is a unit"
OF_FSDP: dict[str, Allowed] = {
    "fsdp_version": Allowed((2,), "write 2 (accelerate to-fsdp2 converts a file): FSDP1 is not taken"),
    "fsdp_reshard_after_forward": Allowed((None, True), "write true: blocks are given back behind their forward pass"),
    "fsdp_auto_wrap_policy": Allowed((None, "TRANSFORMER_BASED_WRAP"), "write TRANSFORMER_BASED_WRAP: each block of the model is a unit"),
    "fsdp_transformer_layer_cls_to_wrap": Allowed(remedy=OF_BLOCKS),
    "fsdp_min_num_params": Allowed(remedy=OF_BLOCKS),
    "fsdp_ignored_modules": Allowed(remedy=OF_BLOCKS),
    "fsdp_state_dict_type": Allowed((None, "SHARDED_STATE_DICT", "FULL_STATE_DICT"), "leave the key out: states are those of the trainer"),
    "fsdp_cpu_ram_efficient_loading": Allowed((None, False, True)),  # of what it loads itself, which is nothing here
    "fsdp_activation_checkpointing": Allowed(remedy=f"{_AT_WORK} 'activation_checkpointing' to the model"),
    "fsdp_activation_checkpointing_offload": Allowed(),
}
OF_MESH: dict[str, Allowed] = {
    **{f"parallelism_config_{name}_size": Allowed((None, 1), f"{name} is not taken; take back_end: modelmill") for name in ("tp", "cp", "sp")},
    **{f"parallelism_config_{name}": Allowed(None) for name in ("cp_comm_strategy", "cp_backend", "sp_backend")},  # of sizes that are refused
}
READ = ("distributed_type", "num_processes", "num_machines", "mixed_precision", "use_cpu", FSDP, MESH)
OFFLOADED = "fsdp_offload_params"
REPLICATE, SHARD = "parallelism_config_dp_replicate_size", "parallelism_config_dp_shard_size"
Location = tuple[str, ...]
Fault = tuple[Location, str]


def with_files(source: YamlSource) -> YamlSource:
    """Return a recipe's file with what files of accelerate's say written into ``run``. What is not of the form is left for validation.

    Raises:
        RecipeError: with every fault found of the files, one a line, each with file, line, key and remedy.
    """
    models: Any = source.value.get("models")
    if not isinstance(models, dict):
        return source
    written, lines, faults = dict(cast(dict[str, Any], models)), dict(source.lines), list[str]()
    for name, entry in cast(dict[str, Any], models).items():
        run: Any = cast(dict[str, Any], entry).get("run") if isinstance(entry, dict) else None
        if not isinstance(run, dict) or run.get("back_end") != "accelerate" or not isinstance(run.get("config"), str):
            continue
        here = ("models", name, "run")
        path = source.path.parent / Path(run["config"]).expanduser()
        if not path.is_file():
            faults.append(f"{source.path}:{source.line((*here, 'config'))}: {'.'.join(here)}.config: {path} is no file; name one")
            continue
        file = read_yaml(path, "config of accelerate's", "accelerate config")
        of_file = [f"{path}:{file.line(location)}: {'.'.join(location)}: {words}" for location, words in _faults(file.value, entry)]
        said = {} if of_file else _run(file.value)
        twice = [key for key in said if key in run]
        faults += of_file + [f"{source.path}:{source.line((*here, key))}: {'.'.join(here)}.{key}: {path} says it; leave it out here" for key in twice]
        written[name] = {**entry, "run": {**said, **run}}
        lines |= {(*here, key): source.line((*here, "config")) for key in said}
    if faults:
        raise RecipeError("\n".join(faults))
    return YamlSource(source.path, {**source.value, "models": written}, lines)


def _run(config: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of ``run`` that a config without faults comes to."""
    kind, mesh = config["distributed_type"], config.get(MESH) or {}
    on_cpu = kind == "MULTI_CPU" or config.get("use_cpu")
    found: dict[str, Any] = {"processes": config.get("num_processes", 1), "device": "cpu" if on_cpu else "auto" if kind == "NO" else "cuda"}
    if kind != "FSDP":
        return found
    found |= {"zero": 3} | ({"shard": mesh[SHARD]} if mesh.get(REPLICATE, 1) > 1 else {})
    return found | ({"offload": "parameters"} if config[FSDP].get(OFFLOADED) else {})


def _faults(config: dict[str, Any], entry: dict[str, Any]) -> list[Fault]:
    """Return what of a config cannot be done for a model of a recipe, with where it stands."""
    found = [*_outside((), config, TOP, READ)]
    kind = config.get("distributed_type")
    if kind not in TYPES:
        return [*found, (("distributed_type",), f"{kind!r} is not taken here; take one of {', '.join(TYPES)}")]
    found += [*_counts(config, kind, entry), *_precision(config, entry)]
    if config.get("use_cpu") not in (None, False, True):
        found.append((("use_cpu",), f"{config['use_cpu']!r} is neither true nor false; write one of them"))
    elif kind == "MULTI_GPU" and config.get("use_cpu"):
        found.append((("use_cpu",), "MULTI_GPU is of GPUs; write false, or distributed_type: MULTI_CPU"))
    for key in (FSDP, MESH):
        if kind != "FSDP" and config.get(key):
            found.append(((key,), f"it is of distributed_type: FSDP, and this is {kind}; change one of them"))
    return [*found, *_pieces(config)] if kind == "FSDP" else found


def _outside(place: Location, config: dict[str, Any], known: dict[str, Allowed], read: tuple[str, ...]) -> list[Fault]:
    """Return keys that nothing here knows, and those whose values ask for what is not done here."""
    found: list[Fault] = []
    for key, value in config.items():
        allowed = known.get(key)
        if allowed is not None and allowed.values is not None and value not in allowed.values:
            found.append(((*place, key), f"{value!r} is not taken here; {allowed.remedy}"))
        elif allowed is None and key not in read:
            found.append(((*place, str(key)), f"unknown key {key!r}; {nearest(str(key), (*known, *read))}"))
    return found


def _counts(config: dict[str, Any], kind: str, entry: dict[str, Any]) -> list[Fault]:
    found: list[Fault] = []
    count, machines, nodes = config.get("num_processes", 1 if kind == "NO" else None), config.get("num_machines", 1), entry["run"].get("nodes", 1)
    if not _is_count(count):
        found.append((("num_processes",), f"{count!r} is no number of processes; write how many there are on all machines together"))
    elif kind == "NO" and count > 1:
        found.append(
            (("num_processes",), f"distributed_type: NO is one process, and these are {count}; write MULTI_CPU or MULTI_GPU there, or 1 here")
        )
    elif kind == "FSDP" and count == 1:
        found.append((("num_processes",), "one process has nobody to share a model with; write more, or distributed_type: NO"))
    if machines != nodes:
        found.append(
            (("num_machines",), f"these are {machines!r} machines, and the recipe's run is by {nodes}; give 'nodes: {machines}' to the model's run")
        )
    return found


def _precision(config: dict[str, Any], entry: dict[str, Any]) -> list[Fault]:
    said = "no" if config.get("mixed_precision") is False else config.get("mixed_precision")  # YAML reads no as false
    wanted = PRECISIONS.get(str(entry.get("precision")))
    if said is None or wanted is None or said == wanted:
        return []
    told = f"{said!r} is another precision than the model's, {entry['precision']}; write {wanted!r}, or change 'precision' of the model"
    return [(("mixed_precision",), told)]


def _pieces(config: dict[str, Any]) -> list[Fault]:
    """Return what of FSDP's keys cannot be done."""
    fsdp, mesh, count = config.get(FSDP) or {}, config.get(MESH) or {}, config.get("num_processes")
    for key, value in ((FSDP, fsdp), (MESH, mesh)):
        if not isinstance(value, dict):
            return [((key,), "it holds keys with values; write them below it")]
    found = [*_outside((FSDP,), fsdp, OF_FSDP, (OFFLOADED,)), *_outside((MESH,), mesh, OF_MESH, (REPLICATE, SHARD))]
    if "fsdp_version" not in fsdp:
        found.append(((FSDP,), "without fsdp_version it is FSDP1, which is not taken; write fsdp_version: 2"))
    if not isinstance(fsdp.get(OFFLOADED, False), bool):
        found.append(((FSDP, OFFLOADED), f"{fsdp[OFFLOADED]!r} is neither true nor false; write one of them"))
    replicate, shard = mesh.get(REPLICATE, 1), mesh.get(SHARD, 1)
    if mesh and not (_is_count(replicate) and _is_count(shard) and shard > 1 and replicate * shard == count):
        told = (
            f"copies ({replicate!r}) times pieces ({shard!r}) are to be the {count!r} processes, in 2 pieces at least; change {REPLICATE} or {SHARD}"
        )
        found.append(((MESH,), told))
    return found


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
