"""Code: the library of the running Python, so the bytes are those of the installation."""

from assets.datasets.builder import Builder, EmbeddedDataset
from kernels.synthesis.python_library import docstring_pages, library_files, topics

MACHINE_MADE = ("config-", "_sysconfigdata")
"""Library files that hold the paths of the machine that Python was built on."""


def _build(builder: Builder, max_files: int = 400, max_bytes: int = 6_000_000) -> None:
    """The running Python's own library: source files, its docstrings and help topics as pages."""
    for name, content in library_files(max_files, max_bytes):
        if not name.startswith(MACHINE_MADE):
            builder.write(f"stdlib/{name}", content)
    for name, text in docstring_pages(120):
        builder.write(f"docstrings/{name}.md", text.encode())
    for title, text in topics():
        builder.write(f"topics/{title}.rst", text.encode())


def _build_smoke(builder: Builder) -> None:
    """A few source files of the library."""
    for name, content in library_files(16, 200_000):
        builder.write(f"stdlib/{name}", content)


SPEC = EmbeddedDataset(name="code", build=_build, build_smoke=_build_smoke)
