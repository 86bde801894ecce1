"""Labels that stand in a file of their own, one a line, beside the records (PIQA, SIQA)."""

from collections.abc import Collection
from pathlib import Path

from kernels.evals.datasets.records import lines_of


def labels_beside(path: Path, known: Collection[str]) -> list[str]:
    """Return the labels of a file of records, which stand in ``STEM-labels.lst`` beside it.

    Raises:
        ValueError: there is no such file, or a label is none of those known.
    """
    labels = path.with_name(f"{path.name.split('.')[0]}-labels.lst")
    if not labels.is_file():
        raise ValueError(f"{path.name}: its records have no label, and {labels.name} is not beside it; give the folder of the official files")
    found: list[str] = []
    for key, line in lines_of(labels):
        if line.strip() not in known:
            raise ValueError(f"{key}: {line.strip()!r} is no label; the labels are {', '.join(sorted(known))}")
        found.append(line.strip())
    return found
