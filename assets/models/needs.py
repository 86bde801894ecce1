"""What methods need, kind by kind: what a recipe may say of it, which cells it hangs on, and how it is fetched.

The one place that knows kinds of needs (kernels/specs/needs.py); a new kind is a class here.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, cast

import pyarrow as pa

from assets.corpus.names import CLEAN
from assets.graph.build import CellBuild
from assets.graph.upstream import Upstream, every, source_of, whole
from assets.models.names import model_asset
from assets.tokens.names import mixture_asset, tokenizer_asset
from kernels.specs.names import nearest
from kernels.specs.needs import Examples, MethodNeed, Mixture, Package, Parent, Tokenizer
from kernels.tokens.mixtures.config import ValidationShare, is_validation
from resources.storage.sources import Location
from resources.storage.tables import write_table

Fault = tuple[tuple[str | int, ...], str]
"""Keys below the entry, and what is wrong there."""


class NeedsOfRecipe(NamedTuple):
    """What a model's recipe entry says of its method's needs."""

    model: str
    parents: tuple[str, ...]
    data: str | tuple[str, ...] | None
    tokenizer: str | None
    """Of the mixture; None is the recipe's only one."""
    location: Location | None
    """Where the package is."""
    held_out: Mapping[str, tuple[ValidationShare, ...]] = MappingProxyType({})
    """By source of examples what mixtures may hold out of it: it is not learned from, since evals ask every model about it."""


class RecipeNames(NamedTuple):
    """What a recipe has, by kind."""

    models: Collection[str]
    mixtures: Collection[str]
    sources: Collection[str]
    has_tokenizer: bool
    """Whether it has one tokenizer that needs no name."""


class NeedKind(Protocol):
    """One kind of need."""

    def faults(self, need: Any, method: str, said: NeedsOfRecipe, names: RecipeNames) -> Iterator[Fault]:
        """Yield what is wrong with what the recipe says of it."""
        ...

    def upstream(self, need: Any, position: int, said: NeedsOfRecipe) -> Upstream:
        """Return the cells it hangs on. ``position`` counts the needs of its kind."""
        ...

    def path(self, need: Any, position: int, said: NeedsOfRecipe, build: CellBuild) -> Path:
        """Return where it is, fetched."""
        ...


def _unknown(key: tuple[str | int, ...], kind: str, name: str, valid: Collection[str]) -> Iterator[Fault]:
    if name not in valid:
        yield key, f"no {kind} is named {name!r}; {nearest(name, valid)}"


class _ParentKind:
    def faults(self, need: Parent, method: str, said: NeedsOfRecipe, names: RecipeNames) -> Iterator[Fault]:
        yield from ()  # names and number of parents are the entry's own, whichever need takes them

    def upstream(self, need: Parent, position: int, said: NeedsOfRecipe) -> Upstream:
        return whole(model_asset(said.parents[position]))

    def path(self, need: Parent, position: int, said: NeedsOfRecipe, build: CellBuild) -> Path:
        return build.folder(model_asset(said.parents[position]))


class _MixtureKind:
    def faults(self, need: Mixture, method: str, said: NeedsOfRecipe, names: RecipeNames) -> Iterator[Fault]:
        if isinstance(said.data, str):
            yield from _unknown(("data",), "mixture", said.data, names.mixtures)
        else:
            yield ("data",), f"the method {method!r} needs the name of a mixture ({', '.join(names.mixtures) or 'add one'})"

    def upstream(self, need: Mixture, position: int, said: NeedsOfRecipe) -> Upstream:
        return whole(mixture_asset(str(said.data)))

    def path(self, need: Mixture, position: int, said: NeedsOfRecipe, build: CellBuild) -> Path:
        return build.folder(mixture_asset(str(said.data)))


class _TokenizerKind:
    def faults(self, need: Tokenizer, method: str, said: NeedsOfRecipe, names: RecipeNames) -> Iterator[Fault]:
        yield from ()  # a mixture has one, and `faults` asks for one where there is none

    def upstream(self, need: Tokenizer, position: int, said: NeedsOfRecipe) -> Upstream:
        return whole(tokenizer_asset(said.tokenizer))

    def path(self, need: Tokenizer, position: int, said: NeedsOfRecipe, build: CellBuild) -> Path:
        return build.folder(tokenizer_asset(said.tokenizer))


class _ExamplesKind:
    def faults(self, need: Examples, method: str, said: NeedsOfRecipe, names: RecipeNames) -> Iterator[Fault]:
        if not isinstance(said.data, tuple) or not said.data:
            yield ("data",), f"name the sources of {need.form} as a list, such as [chats]"
            return
        for index, name in enumerate(said.data):
            yield from _unknown(("data", index), "source", name, names.sources)

    def upstream(self, need: Examples, position: int, said: NeedsOfRecipe) -> Upstream:
        return every(CLEAN, said.data or ())

    def path(self, need: Examples, position: int, said: NeedsOfRecipe, build: CellBuild) -> Path:
        """Write the clean documents of the sources to one file, in order of arrival, without those that mixtures hold out."""
        sources = said.data or ()
        keys = [key for key in build.usable(CLEAN) if source_of(key) in sources]
        if not keys:
            raise ValueError(f"{build.cell}: no partition of {', '.join(sources)} passed its checks; mend the data first")
        path = build.scratch / "examples.parquet"
        found = {key: build.table(CLEAN, "documents", key) for key in keys}
        kept = pa.concat_tables([_to_learn_from(table, said.held_out.get(source_of(key), ())) for key, table in found.items()])
        num_found = sum(table.num_rows for table in found.values())
        if kept.num_rows < num_found:
            build.tell(f"{num_found - kept.num_rows} of {num_found} documents are not learned from, as mixtures may hold them out")
        write_table(path, kept)
        return path


def _to_learn_from(documents: pa.Table, held_out: tuple[ValidationShare, ...]) -> pa.Table:
    """Return the documents that no mixture may hold out."""
    if not held_out:
        return documents
    ids = cast(list[str], documents["id"].to_pylist())
    return documents.filter(pa.array([not any(is_validation(document_id, share) for share in held_out) for document_id in ids], pa.bool_()))


class _PackageKind:
    def faults(self, need: Package, method: str, said: NeedsOfRecipe, names: RecipeNames) -> Iterator[Fault]:
        if not isinstance(said.data, str) and not (need.is_optional and said.data is None):
            yield ("data",), f"the method {method!r} needs the path of a folder or file, such as embedded:smollm2"

    def upstream(self, need: Package, position: int, said: NeedsOfRecipe) -> Upstream:
        return whole(f"inputs/{said.model}")

    def path(self, need: Package, position: int, said: NeedsOfRecipe, build: CellBuild) -> Path:
        if said.location is None:
            raise ValueError(f"{build.cell}: the recipe names no package; name it under 'data'")
        return build.verified_input(said.model, said.location)


KINDS: dict[type, NeedKind] = {
    Parent: _ParentKind(),
    Mixture: _MixtureKind(),
    Tokenizer: _TokenizerKind(),
    Examples: _ExamplesKind(),
    Package: _PackageKind(),
}


def faults(needs: tuple[MethodNeed, ...], method: str, said: NeedsOfRecipe, names: RecipeNames) -> Iterator[Fault]:
    """Yield what is wrong with a model's entry: its parents, its data, and keys that its method has no use for."""
    roles = [need.role for need in needs if isinstance(need, Parent)]
    if len(said.parents) != len(roles):
        yield ("from",), f"the method {method!r} takes {len(roles)} parent(s) {roles}, found {list(said.parents)}"
    for index, name in enumerate(said.parents):
        yield from _unknown(("from", index), "model", name, names.models)
    for need in needs:
        yield from KINDS[type(need)].faults(need, method, said, names)
    kinds = {type(need) for need in needs}
    if Tokenizer in kinds and Mixture not in kinds and not names.has_tokenizer:
        yield (), f"the method {method!r} needs a tokenizer; give the recipe the key 'tokenizer' (several 'tokenizers' would not say which)"
    if said.data is not None and not any(isinstance(need, Mixture | Examples | Package) for need in needs):
        yield ("data",), f"the method {method!r} reads no data; leave the key out"


def upstreams(needs: tuple[MethodNeed, ...], said: NeedsOfRecipe) -> tuple[Upstream, ...]:
    """Return what a model is made from."""
    return tuple(KINDS[type(need)].upstream(need, position, said) for need, position in _counted(needs) if not _is_left_out(need, said))


def fetch(needs: tuple[MethodNeed, ...], said: NeedsOfRecipe, build: CellBuild) -> list[Path | None]:
    """Return where each need is, in order; None for one that the recipe may leave out and does."""
    return [None if _is_left_out(need, said) else KINDS[type(need)].path(need, position, said, build) for need, position in _counted(needs)]


def _is_left_out(need: MethodNeed, said: NeedsOfRecipe) -> bool:
    return isinstance(need, Package) and need.is_optional and said.data is None


def _counted(needs: tuple[MethodNeed, ...]) -> Iterator[tuple[MethodNeed, int]]:
    """Yield each need with how many of its kind stand before it."""
    for index, need in enumerate(needs):
        yield need, sum(type(other) is type(need) for other in needs[:index])


def training_sources(needs: tuple[MethodNeed, ...], said: NeedsOfRecipe) -> tuple[str, ...]:
    """Return the sources whose documents a method learns from as examples; none where it learns from a mixture or from nothing."""
    return said.data if isinstance(said.data, tuple) and any(isinstance(need, Examples) for need in needs) else ()
