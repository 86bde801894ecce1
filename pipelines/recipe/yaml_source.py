"""YAML that remembers where each value stands, so that an error can name its line.

Plain data only (YAML 1.1 as PyYAML's safe loader reads it); a key written twice is an error.
"""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

MAX_BYTES = 1 << 20
MAX_VALUES = 100_000
"""Of a recipe with its aliases written out: a file of nested aliases grows without bound ("a billion laughs")."""


class RecipeError(ValueError):
    """A recipe is not valid; the message names file, line, key and remedy."""


class YamlSource(NamedTuple):
    """A parsed file: its value, and the line (from 1) of each key path."""

    path: Path
    value: Any
    lines: dict[tuple[str | int, ...], int]

    def line(self, location: tuple[str | int, ...]) -> int:
        """Return the line of a key path, or of its nearest parent that is in the file."""
        known = tuple(part for part in location)
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, 1)


def read_yaml(path: Path, what: str = "recipe", made_by: str = "mill init") -> YamlSource:
    """Read one YAML file.

    Args:
        path: of the file.
        what: it is, for errors.
        made_by: which command one is begun.

    Raises:
        RecipeError: the file is absent, too large, not YAML, or repeats a key.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1).decode("utf-8")
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such {what} file") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 text ({error}); save it as UTF-8") from None
    if len(text) > MAX_BYTES:
        raise RecipeError(f"{path}: larger than {MAX_BYTES:,} bytes; a {what} is no data, name data by their paths")
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RecipeError(f"{path}:{line}: not YAML: the character {chr(int(error.character))!r} may not stand here; remove it") from None
    try:
        root = loader.get_single_node()
        lines: dict[tuple[str | int, ...], int] = {}
        if root is None:
            raise RecipeError(f"{path}:1: the file is empty; start from a {what} made by {made_by}")
        if _num_values(root, {}) > MAX_VALUES:
            raise RecipeError(f"{path}:1: its aliases stand for more than {MAX_VALUES:,} values; write out what is meant")
        _walk(path, root, (), lines)
        value = loader.construct_document(root)
        if not isinstance(value, dict):
            told = f"a {what} is a mapping of keys, found {type(value).__name__}; start from a {what} made by {made_by}"
            raise RecipeError(f"{path}:1: {told}")
        return YamlSource(path, value, lines)
    except RecursionError:
        raise RecipeError(f"{path}:1: nested too deeply, or an alias that holds itself; write it out flat") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"{path}:{line}: not YAML: {error.problem}") from error
    except ValueError as error:
        if isinstance(error, RecipeError):
            raise
        raise RecipeError(f"{path}: a number or date in it cannot be read ({error}); correct it, or put it in quotes") from error
    finally:
        loader.dispose()


def _num_values(node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """Return how many values a node stands for with its aliases written out; each node is counted once, however often it is named."""
    if node not in known:
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        known[node] = 1 + sum(_num_values(part, known) for part in inner)
    return known[node]


def _walk(path: Path, node: yaml.Node, location: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*location, str(key.value))
            line = key.start_mark.line + 1
            if inner in lines:
                raise RecipeError(f"{path}:{line}: the key {key.value!r} stands here again (first on line {lines[inner]}); keep one")
            lines[inner] = line
            _walk(path, value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(path, value, (*location, index), lines)
