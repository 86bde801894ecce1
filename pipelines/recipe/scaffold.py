"""``mill init``: a recipe beside the user's own data, written from what is found in it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from kernels.specs.extras import Extra
from kernels.specs.families import specs
from pipelines.recipe.recognition import Findings, Group, recognise_folder
from pipelines.recipe.schema import load_recipe
from resources.storage.listing import REASONS

RECIPE_FILE = "recipe.yaml"
TEMPLATES = Path(__file__).parent
SHOWN = 5
LEAST_STEPS, MOST_STEPS = 60, 900
"""The template's warm-up takes 60."""
BYTES_PER_TOKEN = 4
WHY_UNREAD = REASONS | {
    "not_recognised": "nothing in them that a format of such names reads",
    "not_looked_at": "too many files; the first were looked at",
}


class Scaffolded(NamedTuple):
    """The recipe that was written, and what was found, a line each."""

    path: Path
    account: list[str]


def scaffold(folder: Path) -> Path:
    """Write ``recipe.yaml`` into a folder and return its path. Raises as `scaffold_with_account` does."""
    return scaffold_with_account(folder).path


def scaffold_with_account(folder: Path) -> Scaffolded:
    """Write ``recipe.yaml`` into a folder, and tell what each kind of file was taken for and what nothing reads.

    Raises:
        FileExistsError: there is a recipe already.
        FileNotFoundError: the folder does not exist, or holds nothing in a format that can be read.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; make it and put your data there")
    target = folder / RECIPE_FILE
    if target.exists():
        raise FileExistsError(f"{target}: exists; delete it first, or write your recipe by hand")
    found = recognise_folder(folder, (RECIPE_FILE,))
    unread = list(_unread(found))
    if not found.groups:
        patterns = "; ".join(f"{name}: {' '.join(spec.patterns)}" for name, spec in specs("sources").items())
        held = f"; it holds: {'; '.join(unread)}" if unread else ""
        raise FileNotFoundError(f"{folder}: no file in a format that can be read ({patterns}){held}")
    named = dict(zip(_names([group.format for group in found.groups]), found.groups, strict=True))
    target.write_text(_recipe(folder, named), encoding="utf-8")
    load_recipe(target)
    account = [f"{name}: {_count(group.files)} read as {group.format} ({group.why}), such as {group.files[0]}" for name, group in named.items()]
    extras: set[Extra] = {extra for group in found.groups if (extra := specs("sources")[group.format].extra) and not extra.is_installed()}
    account += [f"reading them needs the extra {extra.name!r}: {extra.remedy}" for extra in sorted(extras)]
    return Scaffolded(target, account + unread)


def _count(files: Sequence[str]) -> str:
    return f"{len(files)} file{'s' * (len(files) != 1)}"


def _unread(found: Findings) -> Iterator[str]:
    for reason, paths in sorted(found.unread.items()):
        more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        yield f"not read: {_count(paths)} ({WHY_UNREAD.get(reason, reason)}): {', '.join(paths[:SHOWN])}{more}"


def _names(formats: list[str]) -> Iterator[str]:
    """Yield a name for each source: its format, numbered where there are several."""
    for index, name in enumerate(formats):
        before = formats[:index].count(name)
        yield f"{name}_{before + 1}" if before else name


def _recipe(folder: Path, named: dict[str, Group]) -> str:
    name = re.sub(r"[^a-z0-9_]+", "_", folder.resolve().name.lower()).strip("_")[:50] or "mine"
    name = name if name[0].isalpha() else f"r_{name}"
    chosen = [source for source, group in named.items() if group.format != "chats"] or list(named)
    sources = "\n".join(_source(source, group) for source, group in named.items())
    text = (TEMPLATES / "template.yaml").read_text(encoding="utf-8")
    sizes = _sizes(folder, {source: named[source] for source in chosen})
    weights = _weights(sizes)
    text = text.replace("@NAME@", name).replace("@WEIGHTS@", "\n".join(f"      {source}: {weight}" for source, weight in weights.items()))
    talks = [source for source, group in named.items() if group.format == "chats"]
    text = text.replace("@SFT@", (TEMPLATES / "template_sft.yaml").read_text(encoding="utf-8").replace("@CHATS@", ", ".join(talks)) if talks else "")
    text = text.replace("@STEPS@", str(_steps(sum(sizes.values()))))
    return text.replace("@TOKENIZER_SOURCES@", ", ".join(chosen)).replace("@SOURCES@", sources)


def _sizes(folder: Path, named: dict[str, Group]) -> dict[str, int]:
    """Return the bytes of each source's files, at least 1."""
    return {source: max(1, sum((folder / path).stat().st_size for path in group.files)) for source, group in named.items()}


def _steps(num_bytes: int) -> int:
    """Return for how many steps of the template's 1,024 tokens a model is trained: eight times over the data, within bounds."""
    return min(MOST_STEPS, max(LEAST_STEPS, 8 * num_bytes // BYTES_PER_TOKEN // 1024))


def _weights(sizes: dict[str, int]) -> dict[str, float]:
    """Return the share of each source by its size, to two digits, so that a small one does not bound the whole by its epochs."""
    return {source: float(f"{size / sum(sizes.values()):.2g}") for source, size in sizes.items()}


def _source(source: str, group: Group) -> str:
    """Return a source's entry: its format's template with what was found in the files."""
    entry = (TEMPLATES / "template_sources" / f"{group.format}.yaml").read_text(encoding="utf-8").rstrip("\n").replace("@SOURCE@", source)
    for key, value in group.options:
        line = f"    {key}: {value if value.startswith(chr(34)) else _quoted(value)}"
        entry, count = re.subn(rf"(?m)^    {key}: .*$", lambda _, line=line: line, entry)
        entry = entry if count else entry.replace("    path: .\n", f"    path: .\n{line}\n")
    if group.patterns:
        lines = "".join(f"      - {_quoted(pattern)}\n" for pattern in group.patterns)
        entry = entry.replace("    path: .\n", f"    path: .\n    patterns:\n{lines}")
    return f"  # {_count(group.files)}, {group.why}\n{entry}"


def _quoted(value: str) -> str:
    """Return a string as YAML writes it on one line."""
    return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=float("inf")).strip()
