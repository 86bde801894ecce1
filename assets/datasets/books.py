"""Books: Shakespeare's works as Gutenberg has them; two books of help topics for smoke runs."""

from itertools import islice

from assets.datasets.builder import SMOKE_TOPICS, Builder, EmbeddedDataset
from kernels.synthesis.python_library import topics


def _build(builder: Builder) -> None:
    """Shakespeare's works as Gutenberg has them, in two editions: natural near-duplicates."""
    for name, content in builder.read_all("shakespeare", "*/shksprdata/texts/*_gut*.txt"):
        builder.write(name.rpartition("/")[2], content)


def _build_smoke(builder: Builder) -> None:
    """Two books of help topics, one of them with Gutenberg's boilerplate."""
    texts = [f"CHAPTER {number}\n\n{text}" for number, (_, text) in enumerate(islice(topics(), *SMOKE_TOPICS["books"]), start=1)]
    builder.write("plain.txt", "\n\n\n".join(texts[:5]).encode())
    start, end = (f"*** {edge} OF THE PROJECT GUTENBERG EBOOK TOPICS ***" for edge in ("START", "END"))
    chapters = "\n\n\n".join(texts[5:])
    builder.write("gutenberg.txt", f"Title: Help Topics\n\n{start}\n\nProduced by nobody.\n\n{chapters}\n\n{end}\n\nLicence follows.\n".encode())


SPEC = EmbeddedDataset(name="books", build=_build, build_smoke=_build_smoke)
