"""What is wrong with a recipe of good form: names that point nowhere, and entries that do not fit each other."""

from collections.abc import Iterator
from typing import Any

from assets.corpus import filter_needs
from assets.evals.training_runs import MEASURED_ON
from assets.models.needs import NeedsOfRecipe, RecipeNames, faults
from kernels.specs.config import Config
from kernels.specs.families import specs
from kernels.specs.layout import BY_DEEPSPEED, DEEPSPEED
from kernels.specs.tokenizers import TokenizerMethod
from kernels.training.config import TrainingConfig
from kernels.training.logs.offline_runs import PURPOSE, WANDB
from pipelines.recipe.faults.dangling import Fault, known
from pipelines.recipe.faults.evals import eval_faults
from pipelines.recipe.faults.learning import learning_faults
from pipelines.recipe.faults.mixtures import mixture_faults
from pipelines.recipe.splits import earlier_of, held_out_of
from pipelines.recipe.tokenizers import is_of_model, owner, packer, packer_of_model, tokenizer_of

MEASURED_BY = ("method", "objective", *MEASURED_ON)
"""Keys of a model that decide what its losses are of."""
TAKEN = {"leaderboard": "the leaderboard of evals", "training_runs": "the trainings side by side"}
"""Names of assets of evals that no model's may have."""


def find_faults(recipe: Any) -> Iterator[Fault]:
    """Yield every name of a recipe that points nowhere, and what it lacks, with where it stands."""
    yield from _sources(recipe)
    yield from _tokenizers(recipe)
    yield from mixture_faults(recipe)
    for model, entry in recipe.models.items():
        yield from _model(recipe, model, entry)
    yield from eval_faults(recipe)
    for name, entry in recipe.ladders.items():
        yield from _ladder(recipe, name, entry)
    if not recipe.sources and not recipe.models:
        yield (), "a recipe needs sources or models; add one of them"


def _ladder(recipe: Any, name: str, entry: Any) -> Iterator[Fault]:
    """Yield what is wrong with a ladder: its models, and that losses compare only of whole trainings that are measured alike on one mixture."""
    here = ("ladders", name)
    for index, model in enumerate(entry.models):
        yield from known((*here, "models", index), "model", model, recipe.models)
        if model in entry.models[:index]:
            yield (*here, "models", index), f"the model {model!r} stands here twice; leave one out"
    for index, model in enumerate(entry.held_out):
        yield from known((*here, "held_out", index), "model of the ladder", model, entry.models)
    mixtures = sorted({str(recipe.models[model].data) for model in entry.models if model in recipe.models})
    if len(mixtures) > 1:
        yield here, f"its models learn from {', '.join(mixtures)}, so that their losses do not compare; train them on one mixture"
    trained = [model for model in entry.models if model in recipe.models]
    for model in trained:
        unlike = [key for key in MEASURED_BY if _dumped(recipe.models[model], key) != _dumped(recipe.models[trained[0]], key)]
        if unlike:
            yield here, f"{trained[0]} and {model} are not measured alike ({', '.join(unlike)}), so that their losses do not compare; let them agree"
        stop = getattr(recipe.models[model], "stop_after_steps", None)
        if stop is not None and stop != recipe.models[model].num_steps:
            yield here, f"{model} stops before the end of its schedule, and its loss there is no point of a law; leave stop_after_steps out"


def _dumped(entry: Any, key: str) -> Any:
    """Return what an entry says under a key, as far as it has it."""
    value = getattr(entry, key, None)
    return value.model_dump() if isinstance(value, Config) else value


def _sources(recipe: Any) -> Iterator[Fault]:
    for index, source in enumerate(recipe.arrival):
        yield from known(("arrival", index), "source", source, recipe.sources)
        if source in recipe.arrival[:index]:
            yield ("arrival", index), f"the source {source!r} stands here twice; leave one out"
    for source, entry in recipe.sources.items():
        for index, step in enumerate(entry.filters):
            here = ("sources", source, "filters", index)
            for need in specs("filters")[step.kind].needs(step):
                fault = filter_needs.kind_of(need).fault(need, filter_needs.NamesForFilters(recipe.keys, recipe.classifiers))
                if fault is not None:
                    yield here, fault
    for name, entry in recipe.classifiers.items():
        for side in ("positive", "negative"):
            for index, source in enumerate(getattr(entry, side)):
                yield from known(("classifiers", name, side, index), "source", source, recipe.sources)
    if recipe.sources and recipe.deduplication is None:
        yield ("sources",), "a recipe with sources needs the key 'deduplication'; add it, such as {min_similarity: 0.8, minhash: {seed: 1}}"


def _tokenizers(recipe: Any) -> Iterator[Fault]:
    if recipe.tokenizer is not None and recipe.tokenizers:
        yield ("tokenizers",), "a recipe has one 'tokenizer' or several 'tokenizers'; move the one among the others and give it a name"
    found = {("tokenizer",): recipe.tokenizer} if recipe.tokenizer is not None else {}
    found |= {("tokenizers", name): entry for name, entry in recipe.tokenizers.items()}
    for here, entry in found.items():
        if is_of_model(entry):
            yield from known((*here, "model"), "model", entry.model, recipe.models)
            if entry.model in recipe.models and not specs("methods")[recipe.models[entry.model].method].has_weights:
                told = f"{entry.model!r} is a model of an API, of which no tokenizer is taken"
                yield (*here, "model"), f"{told}; take that of its data by the method of_file"
        if not isinstance(specs("tokenizers")[entry.method], TokenizerMethod):
            continue
        for index, name in enumerate(entry.sources):
            yield from known((*here, "sources", index), "source", name, recipe.sources)


def said_of(recipe: Any, model: str, entry: Any) -> NeedsOfRecipe:
    """Return what a model's entry says of its method's needs."""
    data = tuple(entry.data) if isinstance(entry.data, list) else entry.data
    mixture = recipe.mixtures.get(data) if isinstance(data, str) else None
    held_out = held_out_of(recipe, data) if isinstance(data, tuple) else {}
    return NeedsOfRecipe(model, tuple(entry.parents), data, mixture.tokenizer if mixture else None, None, held_out)


def _model(recipe: Any, model: str, entry: Any) -> Iterator[Fault]:
    here = ("models", model)
    if model in TAKEN:
        yield here, f"this name is taken by {TAKEN[model]}; choose another"
    names = RecipeNames(recipe.models, recipe.mixtures, recipe.sources, recipe.tokenizer is not None)
    for location, message in faults(specs("methods")[entry.method].needs, entry.method, said_of(recipe, model, entry), names):
        yield (*here, *location), message
    if entry.run.processes > 1 and not issubclass(specs("methods")[entry.method].config, TrainingConfig):
        yield (*here, "run", "processes"), f"the method {entry.method!r} trains nothing and takes one process; leave the key out"
    if entry.run.back_end == "deepspeed" and (lack := DEEPSPEED.lacks(BY_DEEPSPEED)):
        yield (*here, "run", "back_end"), f"{lack}, or take back_end: modelmill"
    if getattr(entry, "wandb_project", None) is not None and (lack := WANDB.lacks(PURPOSE)):
        yield (*here, "wandb_project"), f"{lack}, or leave the key out"
    frontier = _made_from(recipe, model)
    seen: set[str] = set()
    while frontier:
        name = frontier.pop()
        if name == model:
            yield (*here, "from"), f"the model {model!r} is made from itself; cut the cycle"
            return
        if name not in seen:
            seen.add(name)
            frontier += _made_from(recipe, name)
    for index, parent in enumerate(entry.parents):
        if parent in recipe.models and specs("methods")[recipe.models[parent].method].is_last:
            kind = recipe.models[parent].method
            if specs("methods")[kind].has_weights:
                yield (*here, "from", index), f"{parent!r} is made by {kind!r}, which nothing can be made from; name the model it was made from"
            else:
                told = f"{parent!r} is a model of an API ({kind}), and {entry.method!r} needs weights"
                yield (*here, "from", index), f"{told}; adopt its checkpoint, such as by adopt_hub or adopt_transformers"
    yield from _fit_of_tokenizer(recipe, model, entry)
    yield from _lengths(recipe, model, entry)
    yield from learning_faults(recipe, model, entry)


def _made_from(recipe: Any, model: str) -> list[str]:
    """Return the models that a model is made from: its parents, and those whose tokenizers pack its mixture and the ones before that."""
    entry = recipe.models[model]
    data = entry.data if isinstance(entry.data, str) and entry.data in recipe.mixtures else None
    packers = [] if data is None else [packer(recipe, mixture) for mixture in (data, *earlier_of(recipe, data))]
    names = [*entry.parents, *(packed_by.model for packed_by in packers if packed_by is not None and is_of_model(packed_by))]
    return [name for name in names if name in recipe.models]


def _fit_of_tokenizer(recipe: Any, model: str, entry: Any) -> Iterator[Fault]:
    """Yield a mixture that is packed by another tokenizer than the model has that is trained on it."""
    packed_by = packer_of_model(recipe, entry)
    if packed_by is None or not entry.parents:
        return
    parent = entry.parents[0]
    own, other = tokenizer_of(recipe, parent), owner(recipe, packed_by)
    if own is not None and other is not None and own is not other:
        told = f"the mixture {entry.data!r} is packed by another tokenizer than {parent!r} has"
        yield ("models", model, "data"), f"{told}; pack it by one such as {{method: of_model, model: {parent}}}"


def _lengths(recipe: Any, model: str, entry: Any) -> Iterator[Fault]:
    """Yield what a model would read that is longer than it can."""
    positions = _positions(recipe, model)
    if positions is None:
        return
    method = specs("methods")[entry.method]
    read = method.reads(entry)
    if read is not None and read[1] > positions:
        yield ("models", model, read[0]), f"{read[1]} tokens, and the model may read {positions} (max_position_embeddings); lower it"
    mixture = recipe.mixtures.get(entry.data) if isinstance(entry.data, str) else None
    if mixture is not None and mixture.sequence_length > positions:
        told = f"its sequences have {mixture.sequence_length} tokens (sequence_length), and the model may read {positions} (max_position_embeddings)"
        yield ("models", model, "data"), f"{told}; raise the one or lower the other"


def _positions(recipe: Any, model: str) -> int | None:
    """Return how many tokens a model may read, by itself or as the first of its ancestors that says so; None where none does."""
    for _ in recipe.models:
        entry = recipe.models.get(model)
        if entry is None:
            return None
        positions = specs("methods")[entry.method].max_positions(entry)
        if positions is not None or not entry.parents:
            return positions
        model = entry.parents[0]
    return None  # a circle, which is a fault of its own
