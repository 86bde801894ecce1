"""The Python installation as a corpus: its source files, docstrings and help topics. Files are parsed, never imported."""

import ast
import inspect
import sysconfig
from collections.abc import Iterator
from pathlib import Path

SKIPPED_PARTS = {"site-packages", "test", "tests", "idlelib", "lib2to3", "__pycache__", "encodings", "ensurepip", "turtledemo", "pydoc_data"}
MIN_FILE_BYTES = 500
MIN_DOCSTRING_CHARS = 60
MIN_PAGE_CHARS = 900


def _files() -> list[Path]:
    root = Path(sysconfig.get_paths()["stdlib"])
    found = [path for path in root.rglob("*.py") if not SKIPPED_PARTS.intersection(path.relative_to(root).parts)]
    return sorted(path for path in found if path.stat().st_size >= MIN_FILE_BYTES)


def library_files(max_files: int, max_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield relative name and content of library files, in order of name, within both bounds."""
    root = Path(sysconfig.get_paths()["stdlib"])
    size = 0
    for path in _files()[:max_files]:
        content = path.read_bytes()
        if size + len(content) > max_bytes:
            continue
        size += len(content)
        yield path.relative_to(root).as_posix(), content


def _docstrings() -> Iterator[tuple[str, str, str]]:
    """Yield module, qualified name and docstring of every documented function and class."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in _files():
        module = path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        if any(part.startswith("_") for part in module.split(".")):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:  # a template that is not Python of this version
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                text = ast.get_docstring(node)
                if text and len(text) >= MIN_DOCSTRING_CHARS:
                    yield module, f"{module}.{node.name}", inspect.cleandoc(text)


def docstring_pages(limit: int) -> Iterator[tuple[str, str]]:
    """Yield module and the page of all its docstrings, for the first ``limit`` modules that have enough to say."""
    pages: dict[str, list[str]] = {}
    for module, name, text in _docstrings():
        pages.setdefault(module, []).append(f"## {name}\n\n{text}")
    long_enough = {module: "\n\n".join(dict.fromkeys(parts)) for module, parts in pages.items()}
    yield from list((module, text) for module, text in long_enough.items() if len(text) >= MIN_PAGE_CHARS)[:limit]


def first_lines() -> Iterator[tuple[str, str]]:
    """Yield qualified name and the first sentence of its docstring, where that is one line of 20 to 160 characters."""
    seen: set[str] = set()
    for _, name, text in _docstrings():
        line = text.split("\n", 1)[0].strip()
        if name not in seen and 20 <= len(line) <= 160 and line.endswith("."):
            seen.add(name)
            yield name, line


def topics() -> Iterator[tuple[str, str]]:
    """Yield the help topics that Python ships, in order of title."""
    from pydoc_data.topics import topics as texts

    for title in sorted(texts):
        if len(texts[title]) >= MIN_PAGE_CHARS:
            yield title, inspect.cleandoc(texts[title])
