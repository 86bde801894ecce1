"""What is wrong with a recipe's evals and its release: data that is not there, and questions that make no sense of a model or are no test of it."""

import fnmatch
from collections.abc import Iterator
from typing import Any

from assets.evals import needs
from kernels.reading.images.conversations import TRAIN
from kernels.specs.families import specs
from kernels.specs.names import nearest
from kernels.specs.needs import HeldOut
from kernels.specs.tasks import Task
from pipelines.recipe.faults.dangling import Fault, known
from pipelines.recipe.kinds_of_models import applies, kind_of_model
from pipelines.recipe.splits import not_held_out


def eval_faults(recipe: Any) -> Iterator[Fault]:
    """Yield what is wrong, with where it stands."""
    for name, entry in recipe.evals.items():
        yield from _eval(recipe, name, entry)
    if recipe.release is not None:
        yield from known(("release", "candidate"), "model", recipe.release.candidate, recipe.models)
        yield from _metric(recipe, recipe.release.metric)


def _eval(recipe: Any, name: str, entry: Any) -> Iterator[Fault]:
    for location, message in needs.kind_of(specs("tasks")[entry.task]).faults(entry.task, entry.data, recipe.mixtures):
        yield ("evals", name, *location), message
    yield from _learned_images(recipe, name, entry)
    kinds = {kind_of_model(recipe, model) for model in recipe.models}
    if kinds and None not in kinds and not any(applies(recipe, name, model) for model in recipe.models):
        told = f"the task {entry.task!r} is for {_asked(specs('tasks')[entry.task])}, and the recipe has none"
        is_silent = specs("tasks")[entry.task].asks_likelihoods and any(kind is not None and not kind.tells_likelihoods for kind in kinds)
        ways = ", or have a model of an API tell likelihoods by its tokenizer under 'data'" if is_silent else ""
        yield ("evals", name, "task"), f"{told}; leave the eval out, or add such a model{ways}"
    mixture = recipe.mixtures.get(entry.data) if isinstance(specs("tasks")[entry.task].need, HeldOut) else None
    if mixture is not None and not (mixture.validation_fraction and mixture.max_heldout_documents):
        key = "max_heldout_documents" if mixture.validation_fraction else "validation_fraction"
        yield ("evals", name, "data"), f"the mixture {entry.data!r} holds no document out ({key} is 0); raise it"
    elif mixture is not None:
        for model in recipe.models:
            other = not_held_out(recipe, entry.data, model) if applies(recipe, name, model) else None
            if other is not None:
                told = f"{model!r} is trained on the mixture {other!r}, which may train on what {entry.data!r} holds out"
                yield ("evals", name, "data"), f"{told}; give both one seed, and {other!r} no smaller validation_fraction"


def _learned_images(recipe: Any, name: str, entry: Any) -> Iterator[Fault]:
    """Yield questions about images whose answers a model of the recipe is taught."""
    if not specs("tasks")[entry.task].reads_images or getattr(entry, "split", None) != TRAIN:
        return
    for model, made in recipe.models.items():
        if specs("methods")[made.method].reads_images and made.data == entry.data:
            told = f"{model!r} learns the split {entry.split!r} of this folder; ask another split, or questions of another folder"
            yield ("evals", name, "split"), told


def _metric(recipe: Any, metric: str) -> Iterator[Fault]:
    here = ("release", "metric")
    name, _, score = metric.partition("/")
    if name not in recipe.evals:
        yield from known(here, "eval", name, recipe.evals)
        return
    task = specs("tasks")[recipe.evals[name].task]
    if not any(fnmatch.fnmatchcase(score, spelled) for spelled in task.metrics):
        yield here, f"the task {task.name!r} has no score {score!r}; {nearest(score, task.metrics)}"
    yield from _gate(recipe, name, task, recipe.release.candidate)


def _gate(recipe: Any, name: str, task: Task, candidate: str) -> Iterator[Fault]:
    """Yield an eval that is to decide over a candidate which it cannot be asked."""
    kind = kind_of_model(recipe, candidate)
    if kind is not None and not applies(recipe, name, candidate):
        others = [other for other in recipe.evals if applies(recipe, other, candidate)]
        lacks = " and reads none" if task.reads_images and not kind.reads_images else ""
        lacks += " and tells no likelihoods" if task.asks_likelihoods and not kind.tells_likelihoods else ""
        told = f"the task {task.name!r} is for {_asked(task)}, and the candidate {candidate!r} is {kind.attention}{lacks}"
        yield ("release", "metric"), f"{told}; decide by another eval ({', '.join(others) or 'add one'}) or release another model"


def _asked(task: Task) -> str:
    """Return in words of which models a task is asked."""
    return f"{' or '.join(sorted(task.attentions))} models{' that read images' if task.reads_images else ''}"
