"""What filters need, kind by kind: what a recipe may lack of it, which cells it hangs on, and where it is.

The one place that knows kinds of filters' needs (kernels/specs/needs.py); a new kind is a class here.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from assets.corpus.names import classifier_asset, key_input
from assets.graph.build import CellBuild
from assets.graph.upstream import Upstream, whole
from kernels.specs.names import nearest
from kernels.specs.needs import FilterNeed, SecretKey, TrainedClassifier
from resources.storage.sources import Location


class NamesForFilters(NamedTuple):
    """What a recipe has that filters may need."""

    keys: Collection[str]
    classifiers: Collection[str]


class FilterNeedKind(Protocol):
    """One kind of need."""

    def fault(self, need: Any, names: NamesForFilters) -> str | None:
        """Return what is wrong with the recipe's part of it, None where nothing is."""
        ...

    def upstream(self, need: Any) -> Upstream:
        """Return the cell or file it hangs on."""
        ...

    def path(self, need: Any, build: CellBuild, keys: Mapping[str, Location]) -> Path:
        """Return where it is. ``keys`` are the recipe's files of secret keys."""
        ...


class _KeyKind:
    def fault(self, need: SecretKey, names: NamesForFilters) -> str | None:
        return None if need.name in names.keys else f"no key is named {need.name!r}; {nearest(need.name, names.keys)}"

    def upstream(self, need: SecretKey) -> Upstream:
        return whole(key_input(need.name))

    def path(self, need: SecretKey, build: CellBuild, keys: Mapping[str, Location]) -> Path:
        return build.verified_input(key_input(need.name).removeprefix("inputs/"), keys[need.name])


class _ClassifierKind:
    def fault(self, need: TrainedClassifier, names: NamesForFilters) -> str | None:
        return None if need.name in names.classifiers else f"no classifier is named {need.name!r}; {nearest(need.name, names.classifiers)}"

    def upstream(self, need: TrainedClassifier) -> Upstream:
        return whole(classifier_asset(need.name))

    def path(self, need: TrainedClassifier, build: CellBuild, keys: Mapping[str, Location]) -> Path:
        return build.folder(classifier_asset(need.name))


KINDS: dict[type, FilterNeedKind] = {SecretKey: _KeyKind(), TrainedClassifier: _ClassifierKind()}


def kind_of(need: FilterNeed) -> FilterNeedKind:
    """Return what knows a need."""
    return KINDS[type(need)]
