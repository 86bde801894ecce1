"""What is wrong with a recipe: faults of its form, said with file, line, key and remedy, and names that point nowhere."""

import fnmatch
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic.fields import FieldInfo

from assets.corpus import filter_needs
from assets.evals import needs as eval_needs
from assets.models.needs import NeedsOfRecipe, RecipeNames, faults
from kernels.specs.config import Config
from kernels.specs.families import FOLDERS, load, specs
from kernels.specs.names import nearest
from kernels.specs.needs import HeldOut
from pipelines.recipe.yaml_source import YamlSource

MAX_FOUND_CHARS = 200
Location = tuple[str | int, ...]
Fault = tuple[Location, str]


def _place(source: YamlSource, location: Location) -> Location:
    """Drop the union tags that pydantic puts into locations: keep the parts that lead somewhere in the file."""
    value: Any = source.value
    kept: list[str | int] = []
    for part in location:
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = cast(Any, value)[part]
            kept.append(part)
    return tuple(kept)


def _valid_keys(recipe_type: type[Config], location: Location) -> list[str]:
    """Return the keys that may stand where pydantic found an unknown one (the last part of its location)."""
    kind: Any = recipe_type
    for part in location[:-1]:
        kind = _step_into(kind, part)
    fields = _fields(next((member for member in get_args(kind) if member is not type(None)), kind))
    return [field.alias or name for name, field in fields.items()]


def _step_into(kind: Any, part: str | int) -> Any:
    """Return the type one part further down: a field's, a container's items', or the member of a union that the part tags."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    members = [member for member in get_args(kind) if member is not type(None)]
    if get_origin(kind) in (Union, UnionType):
        tagged = [member for member in members if any(field.annotation == Literal[part] for field in _fields(member).values())]
        return tagged[0] if tagged else _step_into(members[0], part)
    if get_origin(kind) in (dict, list, tuple):
        return members[1] if get_origin(kind) is dict else members[0]
    found = [field.annotation for name, field in _fields(kind).items() if part in (name, field.alias)]
    return found[0] if found else kind


def _fields(kind: Any) -> dict[str, FieldInfo]:
    return getattr(kind, "model_fields", {})


def describe(source: YamlSource, recipe_type: type[Config], fault: dict[str, Any]) -> str:
    """Return one fault that pydantic found as a line: file, line, key, what is wrong and the remedy."""
    location: Location = fault["loc"]
    if fault["type"] == "key":
        location = (*location, fault["ctx"]["key"])
    place = _place(source, location)
    line = source.line(place)
    key = ".".join(map(str, place)) or str(location[-1])
    match fault["type"]:
        case "extra_forbidden":
            message = f"unknown key {location[-1]!r}; {nearest(str(location[-1]), _valid_keys(recipe_type, location))}"
        case "union_tag_invalid":
            tags = [tag.strip(" '") for tag in fault["ctx"]["expected_tags"].split(",")]
            tag = fault["ctx"]["tag"]
            message = f"no {fault['ctx']['discriminator'].strip(chr(39))} is named {tag!r}; {_broken_module(tag) or nearest(tag, tags)}"
        case "missing" | "union_tag_not_found":
            absent = str(location[-1]) if fault["type"] == "missing" else fault["ctx"]["discriminator"].strip("'")
            message = f"the key {absent!r} is missing; add it"
        case "key":
            message = fault["ctx"]["message"]
        case _:
            found = "" if isinstance(fault["input"], dict) else f" (found {repr(fault['input'])[:MAX_FOUND_CHARS]})"
            message = fault["msg"].removeprefix("Value error, ") + found
    return f"{source.path}:{line}: {key}: {message}"


def _broken_module(name: str) -> str:
    """Return why the module of a name does not load, empty where there is no such module or it loads."""
    found = [reason for family in FOLDERS for module, reason in load(family).broken.items() if module == name]
    return f"its module does not load: {found[0]}; mend it" if found else ""


def _known(location: Location, kind: str, name: str, valid: Any) -> Iterator[Fault]:
    if name not in valid:
        yield location, f"no {kind} is named {name!r}; {nearest(name, list(valid))}"


def find_faults(recipe: Any) -> Iterator[Fault]:
    """Yield every name of a recipe that points nowhere, and what it lacks, with where it stands."""
    yield from _sources(recipe)
    yield from _tokens(recipe)
    for model, entry in recipe.models.items():
        yield from _model(recipe, model, entry)
    for name, entry in recipe.evals.items():
        yield from _eval(recipe, name, entry)
    if recipe.release is not None:
        yield from _known(("release", "candidate"), "model", recipe.release.candidate, recipe.models)
        yield from _metric(recipe, recipe.release.metric)
    if not recipe.sources and not recipe.models:
        yield (), "a recipe needs sources or models; add one of them"


def _metric(recipe: Any, metric: str) -> Iterator[Fault]:
    here = ("release", "metric")
    name, _, score = metric.partition("/")
    if name not in recipe.evals:
        yield from _known(here, "eval", name, recipe.evals)
        return
    task = specs("tasks")[recipe.evals[name].task]
    if not any(fnmatch.fnmatchcase(score, known) for known in task.metrics):
        yield here, f"the task {task.name!r} has no score {score!r}; {nearest(score, task.metrics)}"


def _sources(recipe: Any) -> Iterator[Fault]:
    for index, source in enumerate(recipe.arrival):
        yield from _known(("arrival", index), "source", source, recipe.sources)
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
                yield from _known(("classifiers", name, side, index), "source", source, recipe.sources)
    if recipe.sources and recipe.deduplication is None:
        yield ("sources",), "a recipe with sources needs the key 'deduplication'; add it, such as {min_similarity: 0.8, minhash: {seed: 1}}"


def _tokens(recipe: Any) -> Iterator[Fault]:
    if recipe.tokenizer is not None and recipe.tokenizers:
        yield ("tokenizers",), "a recipe has one 'tokenizer' or several 'tokenizers'; move the one among the others and give it a name"
    found = {("tokenizer",): recipe.tokenizer} if recipe.tokenizer is not None else {}
    found |= {("tokenizers", name): entry for name, entry in recipe.tokenizers.items()}
    for here, entry in found.items():
        for index, name in enumerate(entry.sources):
            yield from _known((*here, "sources", index), "source", name, recipe.sources)
    for mixture, entry in recipe.mixtures.items():
        for name in entry.weights:
            yield from _known(("mixtures", mixture, "weights", name), "source", name, recipe.sources)
        yield from _tokenizer_of(recipe, mixture, entry)


def _tokenizer_of(recipe: Any, mixture: str, entry: Any) -> Iterator[Fault]:
    here = ("mixtures", mixture, "tokenizer")
    if entry.tokenizer is not None:
        yield from _known(here, "tokenizer", entry.tokenizer, recipe.tokenizers)
    elif recipe.tokenizers:
        yield here[:2], f"say by which tokenizer it is packed, with the key 'tokenizer': {', '.join(recipe.tokenizers)}"
    elif recipe.tokenizer is None:
        yield here[:2], "a mixture needs a tokenizer; add the key 'tokenizer' to the recipe"


def said_of(recipe: Any, model: str, entry: Any) -> NeedsOfRecipe:
    """Return what a model's entry says of its method's needs."""
    data = tuple(entry.data) if isinstance(entry.data, list) else entry.data
    mixture = recipe.mixtures.get(data) if isinstance(data, str) else None
    return NeedsOfRecipe(model, tuple(entry.parents), data, mixture.tokenizer if mixture else None, None)


def _model(recipe: Any, model: str, entry: Any) -> Iterator[Fault]:
    here = ("models", model)
    if model == "leaderboard":
        yield here, "this name is taken by the leaderboard of evals; choose another"
    names = RecipeNames(recipe.models, recipe.mixtures, recipe.sources)
    for location, message in faults(specs("methods")[entry.method].needs, entry.method, said_of(recipe, model, entry), names):
        yield (*here, *location), message
    frontier = [name for name in entry.parents if name in recipe.models]
    seen: set[str] = set()
    while frontier:
        name = frontier.pop()
        if name == model:
            yield (*here, "from"), f"the model {model!r} is made from itself; cut the cycle"
            return
        if name not in seen:
            seen.add(name)
            frontier += [parent for parent in recipe.models[name].parents if parent in recipe.models]
    for index, parent in enumerate(entry.parents):
        if parent in recipe.models and specs("methods")[recipe.models[parent].method].is_last:
            kind = recipe.models[parent].method
            yield (*here, "from", index), f"{parent!r} is made by {kind!r}, which nothing can be made from; name the model it was made from"
    yield from _lengths(recipe, model, entry)


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


def _eval(recipe: Any, name: str, entry: Any) -> Iterator[Fault]:
    for location, message in eval_needs.kind_of(specs("tasks")[entry.task]).faults(entry.task, entry.data, recipe.mixtures):
        yield ("evals", name, *location), message
    mixture = recipe.mixtures.get(entry.data) if isinstance(specs("tasks")[entry.task].need, HeldOut) else None
    if mixture is not None and not (mixture.validation_fraction and mixture.max_heldout_documents):
        key = "max_heldout_documents" if mixture.validation_fraction else "validation_fraction"
        yield ("evals", name, "data"), f"the mixture {entry.data!r} holds no document out ({key} is 0); raise it"
