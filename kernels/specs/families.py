"""The one table of families: which folder holds the modules that each declare one thing.

A module binds one frozen spec to the name ``SPEC``, or several that belong together to ``SPECS``; `load` imports the modules of a family and returns
their specs by name; nothing else registers anything. A module that does not load stops only what names it.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from copy import copy
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, cast, get_args, get_origin

from pydantic import Field, create_model

from kernels.specs.config import Config

FamilyName = Literal["sources", "filters", "tokenizers", "architectures", "objectives", "methods", "tasks"]

FOLDERS: dict[FamilyName, tuple[str, ...]] = {
    "sources": ("kernels.reading.formats",),
    "filters": ("kernels.curation.filters",),
    "tokenizers": ("kernels.tokens.tokenizers",),
    "architectures": ("kernels.models.architectures",),
    "objectives": ("kernels.training.objectives",),
    "methods": (
        "kernels.methods.pretraining",
        "kernels.methods.alignment",
        "kernels.methods.compression",
        "kernels.methods.adoption",
    ),
    "tasks": (
        "kernels.evals.tasks.commonsense",
        "kernels.evals.tasks.documents",
        "kernels.evals.tasks.images",
        "kernels.evals.tasks.knowledge",
        "kernels.evals.tasks.language",
        "kernels.evals.tasks.multilingual",
        "kernels.evals.tasks.own",
        "kernels.evals.tasks.reading",
        "kernels.evals.tasks.reasoning",
        "kernels.evals.tasks.security",
    ),
}


class Family(NamedTuple):
    """What the modules of a family declare."""

    specs: dict[str, Any]
    """By name, in order of name."""
    broken: dict[str, str]
    """Modules that do not load, by their own name, and why."""


@functools.cache
def load(family: FamilyName) -> Family:
    """Import the modules of a family; one without ``SPEC`` only serves the others.

    Raises:
        ValueError: two modules declare one name.
    """
    return collect(FOLDERS[family])


def specs(family: FamilyName) -> dict[str, Any]:
    """Return the specs of a family by name."""
    return load(family).specs


def collect(folders: tuple[str, ...]) -> Family:
    """Return what the modules of some packages declare. Raises ValueError where two declare one name."""
    found: dict[str, Any] = {}
    broken: dict[str, str] = {}
    for folder in folders:
        for info in pkgutil.iter_modules(importlib.import_module(folder).__path__):
            module = f"{folder}.{info.name}"
            try:
                loaded = importlib.import_module(module)
            except Exception as error:  # whatever a module raises, the others still load
                broken[info.name] = f"{module}: {type(error).__name__}: {error}"
                continue
            for spec in (loaded.SPEC,) if hasattr(loaded, "SPEC") else getattr(loaded, "SPECS", ()):
                if spec.name in found:
                    raise ValueError(f"{module}: the name {spec.name!r} is already taken in its family; choose another")
                found[spec.name] = spec
    return Family(dict(sorted(found.items())), broken)


class OneOf(NamedTuple):
    """Marks a config field whose value is the config of one spec of a family, chosen by its key ``kind``: ``Annotated[Config, OneOf(...)]``."""

    family: FamilyName


def chosen(family: FamilyName, config: Config) -> Any:
    """Return the spec that a field marked `OneOf` chose."""
    return specs(family)[cast(Any, config).kind]


def choices(config: Config) -> Iterator[Any]:
    """Yield the specs that fields marked `OneOf` chose, at any depth."""
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        yield from (chosen(mark.family, value) for mark in field.metadata if isinstance(mark, OneOf))
        for inner in cast(tuple[Any, ...], value) if isinstance(value, tuple) else (value,):
            if isinstance(inner, Config):
                yield from choices(inner)


def configured(family: FamilyName, name: str) -> Any:
    """Return the config of a spec that has a default for everything, as a field marked `OneOf` holds it."""
    members = get_args(get_args(tagged(family, "kind"))[0])
    return next(member for member in members if get_args(member.model_fields["kind"].annotation) == (name,))(kind=name)


def made_config(name: str, bases: Any, description: str | None, fields: dict[str, Any], **settings: Any) -> Any:
    """Return a config class that no file defines, with fields as `pydantic.create_model` takes them.

    Its own fields say what they are by ``Field(description=...)``: pydantic would look for the text of the class in all modules that are loaded.
    """
    create: Any = create_model  # its signature cannot say that fields come from a mapping
    return create(name, __base__=bases, __doc__=description, __cls_kwargs__={"use_attribute_docstrings": False}, **settings, **fields)


@functools.cache
def expanded(config: type[Config]) -> type[Config]:
    """Return a config class whose fields marked `OneOf`, at any depth, take the configs of their families; the class itself without any."""
    fields: dict[str, Any] = {}
    for name, field in config.model_fields.items():
        marks = [mark for mark in field.metadata if isinstance(mark, OneOf)]
        annotation = tagged(marks[0].family, "kind") if marks else _expanded_annotation(field.annotation)
        if annotation is not field.annotation:
            own = copy(field)
            own.discriminator = "kind" if marks and len(specs(marks[0].family)) > 1 else field.discriminator
            fields[name] = (annotation, own)
    if not fields:
        return config
    made: Any = made_config(config.__name__, config, config.__doc__, fields, __module__=config.__module__)
    return made


def _expanded_annotation(annotation: Any) -> Any:
    """Return a type with the config classes in it expanded: itself where there is nothing to expand."""
    unchanged: Any = annotation  # which loses what the check below would have the type checker believe of it
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return expanded(annotation)
    arguments = get_args(annotation)
    inner = tuple(_expanded_annotation(argument) for argument in arguments)
    if not arguments or all(new is old for new, old in zip(inner, arguments, strict=True)):
        return unchanged
    origin: Any = get_origin(annotation)
    return Union[inner] if origin in (Union, UnionType) else origin[inner]  # noqa: UP007


@functools.cache
def tagged(family: FamilyName, tag: str, base: type[Config] | None = None, extra: Callable[[Any], dict[str, Any]] = lambda spec: {}) -> Any:
    """Return the union of a family's configs, told apart by the key ``tag``, each with the fields of a base class and some extra ones.

    Args:
        family: whose specs may be chosen.
        tag: the key that names the spec.
        base: fields that every member has beside its own config's.
        extra: further fields of a spec's member, as `pydantic.create_model` takes them.
    """
    suffix = "" if base is None else base.__name__.removesuffix("Config")
    members: list[Any] = []
    for name, spec in specs(family).items():
        own = expanded(spec.config)
        bases = own if base is None else (base, own)
        title = f"{name.title().replace('_', '')}{suffix}"
        members.append(made_config(title, bases, spec.config.__doc__, {tag: (Literal[name], ...), **extra(spec)}))
    return Annotated[Union[tuple(members)], Field(discriminator=tag)] if len(members) > 1 else members[0]  # noqa: UP007
