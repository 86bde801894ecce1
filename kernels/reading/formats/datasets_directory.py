"""Folders that the ``datasets`` library saves (``save_to_disk``): each ``data-*.arrow`` is a file of its own, in the Arrow stream format.

Splits are subfolders, so that a document's path tells its split. ``dataset_info.json``, ``state.json`` and cached results
(``cache-*.arrow``) are no data: the patterns pass them over.
"""

from kernels.reading.formats.arrow import read, recognise
from kernels.reading.parsing.rows import RowsConfig
from kernels.specs.sources import SourceFormat


class DatasetsConfig(RowsConfig):
    """Which columns of the dataset make a document; ``max_bytes`` bounds a text."""


SPEC = SourceFormat(
    name="datasets", version=2, config=DatasetsConfig, patterns=("data-*.arrow",), read=read, is_compressible=False, recognise=recognise
)
