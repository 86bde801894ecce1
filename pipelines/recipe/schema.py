"""The recipe: one YAML file that states the whole life of a model.

The schema is assembled from the specs that the kernels declare: a new source format, filter, method or eval appears here without a line
of change. Unknown keys, dangling names and cycles are errors that name file, line, key and the nearest valid name.
"""

import difflib
import functools
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, cast, get_args, get_origin

from pydantic import Field, StringConstraints, ValidationError, create_model
from pydantic.fields import FieldInfo

from assets.corpus.classifiers import ClassifierEntry
from assets.corpus.decontamination import DecontaminationConfig
from assets.corpus.deduplication import DeduplicationEntry
from assets.corpus.documents import SourceLimits
from assets.corpus.report import GroupLimits
from kernels.evals.gates import GateConfig
from kernels.specs.config import Config
from kernels.specs.families import FamilyName, specs
from kernels.tokens.mixtures import MixtureConfig
from pipelines.recipe.yaml_source import RecipeError, YamlSource, read_yaml

EMBEDDED = "embedded:"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Location = tuple[str | int, ...]


def kernel_config(kind: FamilyName, name: str, chosen: Config) -> Config:
    """Return the part of a recipe's entry that is the kernel's own config."""
    config: type[Config] = specs(kind)[name].config
    return config.model_validate(chosen.model_dump(include=set(config.model_fields)))


class SourceEntry(Config):
    """One corpus: its files, how they are read, and which filters its documents pass, in order."""

    path: str
    """Folder or file: relative to the recipe, absolute, any fsspec URL, or ``embedded:NAME`` for data shipped with modelmill."""
    snapshot: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")] = "base"
    """Names the state of the corpus; part of its partitions' keys."""
    files_per_partition: Annotated[int, Field(gt=0)] = 1
    """How many new files make one partition."""
    patterns: list[str] | None = None
    """File name patterns to read; by default the format's own."""
    about: str | None = None
    """What the corpus is and who made it, in a sentence, for data cards."""
    licence: str | None = None
    """Under which terms it may be used: an SPDX expression (https://spdx.org/licenses) or words, for data cards."""
    limits: SourceLimits = SourceLimits()
    """What its partitions should look like; one outside is shown as a warning."""


class TokenizerEntry(Config):
    """The recipe's tokenizer, trained on the first partitions of some sources so that it stays as it is when data arrives."""

    sources: Annotated[list[Name], Field(min_length=1)]
    """Sources whose text it is trained on."""
    partitions_per_source: Annotated[int, Field(gt=0)]
    """How many partitions of each, counted from the first."""


class ModelEntry(Config):
    """One checkpoint."""

    parents: list[Name] = Field(default=[], alias="from")
    """The models it is made from, in the order its method names them."""
    data: str | list[Name] | None = None
    """A mixture's name, a list of conversation sources, or a path, as its method says."""


class EvalEntry(Config):
    """One task that every model's report includes."""

    data: str | None = None
    """A data file (path or ``embedded:``), or for held-out tasks the name of a mixture."""


class ReleaseEntry(GateConfig):
    """Which model is released when it is not worse than the one that stands."""

    candidate: Name
    """A model of this recipe."""


class ScheduleEntry(Config):
    """When the recipe is brought up to date by itself. Both run only while the Dagster daemon runs and they are switched on."""

    refresh: Annotated[str, StringConstraints(pattern=r"^\S+ \S+ \S+ \S+ \S+$")] = "0 5 * * *"
    """Cron expression (UTC) of the daily refresh."""
    watch_seconds: Annotated[int, Field(ge=30)] = 60
    """How often source folders are looked at for new files."""
    stale_after_hours: Annotated[int, Field(gt=0)] = 48
    """Age past which the corpus counts as not fresh."""


def _entries(kind: FamilyName, base: type[Config], tag: str, extra: dict[str, Any]) -> Any:
    """Return the discriminated union of one kind: the kernel's config, the base's fields and the tag."""
    create: Any = create_model  # its signature cannot say that fields come from a mapping
    types: Any = tuple(
        create(
            f"{name.title().replace('_', '')}{base.__name__.removesuffix('Config')}",
            __base__=(base, spec.config) if base is not Config else spec.config,
            __doc__=spec.config.__doc__,
            **{tag: (Literal[name], ...)},
            **extra,
        )
        for name, spec in specs(kind).items()
    )
    return Annotated[Union[types], Field(discriminator=tag)] if len(types) > 1 else types[0]  # noqa: UP007


@functools.cache
def recipe_type() -> type["RecipeBase"]:
    """Return the pydantic model of a whole recipe."""
    step: Any = _entries("filters", Config, "kind", {})
    source: Any = _entries("sources", SourceEntry, "format", {"filters": (list[step], [])})

    def by_name(entry: Any) -> Any:
        return dict.__class_getitem__((Name, entry))

    return create_model(
        "Recipe",
        __base__=RecipeBase,
        __doc__=RecipeBase.__doc__,
        sources=(by_name(source), ...),
        tokenizer=(_entries("tokenizers", TokenizerEntry, "method", {}), ...),
        models=(by_name(_entries("methods", ModelEntry, "method", {})), {}),
        evals=(by_name(_entries("tasks", EvalEntry, "task", {})), {}),
    )


class RecipeBase(Config):
    """The whole life of a model."""

    name: Name
    """Prefix of all its assets; unique among the recipes loaded together."""
    description: str = ""
    """What it makes, for readers."""
    owner: Annotated[str, StringConstraints(pattern=r"^(team:[A-Za-z0-9_]+|[^@\s]+@[^@\s]+\.[^@\s]+)$")] | None = None
    """E-mail address or ``team:name`` shown as the owner of its assets."""
    sources: dict[str, Any]
    keys: dict[Name, str] = Field(default={})
    """Files of secret keys by name, for filters that ask for one. Only their digests are stored; keep them out of the repository."""
    classifiers: dict[Name, ClassifierEntry] = Field(default={})
    """Classifiers for filters, trained on the sources' own documents."""
    deduplication: DeduplicationEntry
    """Deduplication over all sources, in order of arrival."""
    groups: GroupLimits = GroupLimits()
    """How much less often than others a group of people may be mentioned after curation; past it, a check warns."""
    decontamination: DecontaminationConfig = DecontaminationConfig(ngram=13)
    """What becomes of documents that share words with the recipe's evals."""
    tokenizer: Any
    mixtures: dict[Name, MixtureConfig] = Field(default={})
    """Packed training data, by name."""
    models: dict[str, Any] = Field(default={})
    evals: dict[str, Any] = Field(default={})
    release: ReleaseEntry | None = None
    """The release gate."""
    schedules: ScheduleEntry = ScheduleEntry()


class Recipe(NamedTuple):
    """A valid recipe and the file it stands in."""

    path: Path
    entries: RecipeBase

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.entries.name

    def locate(self, path: str, embedded: Path) -> str:
        """Return an absolute path or URL for a path as a recipe writes it."""
        if path.startswith(EMBEDDED):
            return str(embedded / path.removeprefix(EMBEDDED))
        return path if "://" in path else str((self.path.parent / Path(path).expanduser()).absolute())


def load_recipe(path: Path) -> Recipe:
    """Read and validate one recipe.

    Raises:
        RecipeError: with every fault found, one a line, each with file, line, key and remedy.
    """
    source = read_yaml(path)
    try:
        entries = recipe_type().model_validate(source.value)
    except ValidationError as error:
        raise RecipeError("\n".join(_describe(source, dict(fault)) for fault in error.errors())) from None
    faults = [f"{path}:{source.line(location)}: {'.'.join(map(str, location))}: {message}" for location, message in _dangling(entries)]
    if faults:
        raise RecipeError("\n".join(faults))
    return Recipe(path.absolute(), entries)


def nearest(name: str, valid: Iterator[str] | list[str]) -> str:
    """Return ``; did you mean X?`` or the list of valid names."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"valid: {', '.join(names) or 'none'}"


def _place(source: YamlSource, location: Location) -> Location:
    """Drop the union tags that pydantic puts into locations: keep the parts that lead somewhere in the file."""
    value: Any = source.value
    kept: list[str | int] = []
    for part in location:
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = cast(Any, value)[part]
            kept.append(part)
    return tuple(kept)


def _valid_keys(location: Location) -> list[str]:
    """Return the keys that may stand where pydantic found an unknown one (the last part of its location)."""
    kind: Any = recipe_type()
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


def _describe(source: YamlSource, fault: dict[str, Any]) -> str:
    location: Location = fault["loc"]
    place = _place(source, location)
    line = source.line(place)
    key = ".".join(map(str, place)) or str(location[-1])
    match fault["type"]:
        case "extra_forbidden":
            message = f"unknown key {location[-1]!r}; {nearest(str(location[-1]), _valid_keys(location))}"
        case "union_tag_invalid":
            tags = [tag.strip(" '") for tag in fault["ctx"]["expected_tags"].split(",")]
            tag = fault["ctx"]["tag"]
            message = f"no {fault['ctx']['discriminator'].strip(chr(39))} is named {tag!r}; {nearest(tag, tags)}"
        case "missing" | "union_tag_not_found":
            absent = str(location[-1]) if fault["type"] == "missing" else fault["ctx"]["discriminator"].strip("'")
            message = f"the key {absent!r} is missing; add it"
        case _:
            message = f"{fault['msg']} (found {fault['input']!r})"
    return f"{source.path}:{line}: {key}: {message}"


def _dangling(recipe: RecipeBase) -> Iterator[tuple[Location, str]]:
    """Yield every name that points nowhere, with where it stands."""

    def known(location: Location, kind: str, name: str, valid: Any) -> Iterator[tuple[Location, str]]:
        if name not in valid:
            yield location, f"no {kind} is named {name!r}; {nearest(name, list(valid))}"

    for source, entry in recipe.sources.items():
        for index, step in enumerate(entry.filters):
            for name in specs("filters")[step.kind].files(step):
                kind, _, own = name.partition("/")
                yield from known(("sources", source, "filters", index), kind.removesuffix("s"), own, getattr(recipe, kind))
    for name, entry in recipe.classifiers.items():
        for side in ("positive", "negative"):
            for index, source in enumerate(getattr(entry, side)):
                yield from known(("classifiers", name, side, index), "source", source, recipe.sources)
    for index, name in enumerate(recipe.tokenizer.sources):
        yield from known(("tokenizer", "sources", index), "source", name, recipe.sources)
    for mixture, config in recipe.mixtures.items():
        for name in config.weights:
            yield from known(("mixtures", mixture, "weights", name), "source", name, recipe.sources)
    for model, entry in recipe.models.items():
        yield from _dangling_model(recipe, model, entry, known)
    for name, entry in recipe.evals.items():
        needs = specs("tasks")[entry.task].data
        if needs == "heldout":
            if entry.data is None:
                yield ("evals", name, "data"), f"the task {entry.task!r} needs the key 'data': a mixture ({', '.join(recipe.mixtures) or 'add one'})"
            else:
                yield from known(("evals", name, "data"), "mixture", entry.data, recipe.mixtures)
        elif needs == "file" and entry.data is None:
            yield ("evals", name), f"the task {entry.task!r} needs the key 'data': the path of its data file"
    if recipe.release is not None:
        yield from known(("release", "candidate"), "model", recipe.release.candidate, recipe.models)
        yield from known(("release", "metric"), "eval", recipe.release.metric.split("/")[0], recipe.evals)


def _dangling_model(recipe: RecipeBase, model: str, entry: Any, known: Any) -> Iterator[tuple[Location, str]]:
    spec = specs("methods")[entry.method]
    here = ("models", model)
    if len(entry.parents) != len(spec.roles):
        yield (*here, "from"), f"the method {entry.method!r} takes {len(spec.roles)} parent(s) {list(spec.roles)}, found {entry.parents}"
    for index, name in enumerate(entry.parents):
        yield from known((*here, "from", index), "model", name, recipe.models)
    if spec.data == "mixture":
        if isinstance(entry.data, str):
            yield from known((*here, "data"), "mixture", entry.data, recipe.mixtures)
        else:
            yield (*here, "data"), f"the method {entry.method!r} needs the name of a mixture ({', '.join(recipe.mixtures) or 'add one'})"
    elif spec.data == "conversations":
        if not isinstance(entry.data, list):
            yield (*here, "data"), "name the conversation sources as a list, such as [chats]"
        else:
            for index, name in enumerate(entry.data):
                yield from known((*here, "data", index), "source", name, recipe.sources)
    elif spec.data == "package" and not isinstance(entry.data, str):
        yield (*here, "data"), "give the folder or file to adopt, such as embedded:smollm2"
    above = {model}
    frontier = [name for name in entry.parents if name in recipe.models]
    seen: set[str] = set()
    while frontier:
        name = frontier.pop()
        if name in above:
            yield (*here, "from"), f"the model {model!r} is made from itself; cut the cycle"
            return
        if name not in seen:
            seen.add(name)
            frontier += [parent for parent in recipe.models[name].parents if parent in recipe.models]
