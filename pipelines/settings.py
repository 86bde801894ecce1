"""Which recipes are in force and where their state is: the environment read in one place, every variable optional.

``MILL_RECIPES``: recipe files, parted as ``PATH`` is; ``MILL_HOME``: the state's folder; ``MILL_LAKE``: path or URL of the lake;
``MILL_CACHE``: downloaded packages. ``MILL_ENGINE``: what makes data cells (``inline``, ``local``, ``ray`` or ``slurm``; resources/engines.py);
``MILL_WORKERS``: how many of its workers at a time, by default one a core of this machine; ``RAY_ADDRESS``: the Ray cluster, by default one
of the run's own; ``MILL_SLURM_PARTITION``, ``MILL_SLURM_TIME`` and ``MILL_SLURM_ARGUMENTS`` (``name=value name=value``): what sbatch is given.
``MILL_NODES``: who brings the other machines of a training that asks for several: ``ray`` or ``slurm`` starts them, ``join`` is somebody's own doing;
by default as ``MILL_ENGINE`` says. ``MILL_BACKEND``: what has models generate in evals (``own``, ``transformers`` or ``vllm``;
kernels/inference/backends/); ``MILL_VLLM``: the Python of the environment that has vLLM; ``MILL_INVARIANT``: 1 lets not one bit of what evals
find depend on what is asked beside it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from resources.devices.inference import Inference
from resources.devices.leases import num_cores
from resources.engines.engine import KINDS, NODES_KINDS, Engine, NodesKind, SlurmQueue
from resources.storage.home import Home

SHIPPED = Path(__file__).parent / "recipes"
PROJECT = Path(__file__).parents[1]
HOME_NAME = ".mill"
SLURM_TIME = "24:00:00"


def find_recipes(environment: Mapping[str, str]) -> list[Path]:
    """Return the recipe files of ``MILL_RECIPES``, else those shipped with modelmill."""
    given = environment.get("MILL_RECIPES")
    if given and Path(given).is_file():
        return [Path(given)]  # whose name may hold what parts the names of several
    return [Path(path) for path in given.split(os.pathsep) if path] if given else sorted(SHIPPED.glob("*.yaml"))


def find_recipe(name_or_path: str) -> Path:
    """Return the file of a recipe given as a path or as the name of a shipped one.

    Raises:
        FileNotFoundError: neither exists.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = {recipe.stem: recipe for recipe in SHIPPED.rglob("*.yaml")}
    if name_or_path in shipped:
        return shipped[name_or_path]
    names = ", ".join(sorted(shipped))
    raise FileNotFoundError(f"{name_or_path}: no such recipe file, nor one shipped with modelmill ({names})")


def is_shipped(recipe: Path) -> bool:
    """Return whether a recipe came with modelmill."""
    return recipe.absolute().is_relative_to(SHIPPED)


def find_home(recipes: list[Path], environment: Mapping[str, str]) -> Home:
    """Return the home of recipes loaded together: beside the first, or in the project for those shipped."""
    first = recipes[0].absolute()
    return Home.resolve((PROJECT if is_shipped(first) else first.parent) / HOME_NAME, environment)


def find_engine(environment: Mapping[str, str]) -> Engine:
    """Return the engine that makes data cells, the run's own process unless ``MILL_ENGINE`` names another, and starts nodes.

    Raises:
        ValueError: a variable's value means nothing, or Slurm is chosen without a partition.
    """
    kind = environment.get("MILL_ENGINE") or "inline"
    workers = environment.get("MILL_WORKERS") or str(num_cores())
    if not workers.isdecimal() or int(workers) < 1:
        raise ValueError(f"MILL_WORKERS is {workers!r}; give a number of workers, 1 or more")
    for known in KINDS:
        if known == kind:
            nodes = _nodes_kind(environment, kind)
            slurm = _slurm_queue(environment) if "slurm" in (kind, nodes) else None
            address = environment.get("RAY_ADDRESS") or "local"
            return Engine(kind=known, num_workers=int(workers), ray_address=address, slurm=slurm, nodes=nodes)
    raise ValueError(f"MILL_ENGINE is {kind!r}; choose one of {', '.join(KINDS)}")


def find_inference(environment: Mapping[str, str]) -> Inference:
    """Return what answers in evals: our own engine unless ``MILL_BACKEND`` names another back end, and how, by ``MILL_INVARIANT``.

    Raises:
        ValueError: there is none of the name, or it rounds weights, which would change what is computed; or a value means nothing.
    """
    name, invariant = environment.get("MILL_BACKEND"), environment.get("MILL_INVARIANT") or "0"
    if invariant not in ("0", "1"):
        raise ValueError(f"MILL_INVARIANT is {invariant!r}; say 1 where no bit of what evals find may depend on what is asked beside it, else 0")
    is_invariant = invariant == "1"
    if not name:
        return Inference(is_invariant=is_invariant)
    from kernels.inference.backends.backend import LOADED
    from kernels.inference.backends.choosing import backends

    able = [each.name for each in backends().values() if each.weights[0] == LOADED]
    if name not in backends():
        raise ValueError(f"MILL_BACKEND is {name!r}; choose one of {', '.join(sorted(able))}")
    if name not in able:
        raise ValueError(f"MILL_BACKEND is {name!r}, which rounds weights: evals would be of another model; choose one of {', '.join(sorted(able))}")
    return Inference(backend=name, is_invariant=is_invariant)


def _nodes_kind(environment: Mapping[str, str], kind: str) -> NodesKind:
    asked = environment.get("MILL_NODES") or (kind if kind in NODES_KINDS else "join")
    for known in NODES_KINDS:
        if known == asked:
            return known
    raise ValueError(f"MILL_NODES is {asked!r}; choose one of {', '.join(NODES_KINDS)}")


def _slurm_queue(environment: Mapping[str, str]) -> SlurmQueue:
    partition = environment.get("MILL_SLURM_PARTITION")
    if not partition:
        raise ValueError("MILL_ENGINE or MILL_NODES is slurm, which needs MILL_SLURM_PARTITION; sinfo lists the partitions there are")
    options = (environment.get("MILL_SLURM_ARGUMENTS") or "").split()
    arguments = {name.removeprefix("--"): value for name, _, value in (option.partition("=") for option in options)}
    return SlurmQueue(partition, environment.get("MILL_SLURM_TIME") or SLURM_TIME, arguments)
