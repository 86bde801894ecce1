"""What the code source is told: which files count as written by hand, and whose licence allows their use."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from kernels.specs.config import Config


class CodeConfig(Config):
    """Which files are documents. Thresholds with a default are those of published corpora."""

    max_bytes: PositiveInt
    """A larger file is a reject, and no more than this of any member of an archive is held in memory."""
    max_mean_line_chars: PositiveInt = 100
    """A file whose lines are longer on average is minified or data (100: arXiv:2107.03374, section 3.1; kept by The Stack, arXiv:2211.15533)."""
    max_line_chars: PositiveInt = 1000
    """So is a file with a longer line (1000: arXiv:2107.03374, section 3.1; StarCoder, arXiv:2305.06161)."""
    min_alphanumeric_fraction: Annotated[float, Field(ge=0, le=1)] = 0.25
    """A file with a smaller share of letters and digits is data (0.25: the preprocessing of The Stack and StarCoder, arXiv:2305.06161)."""
    max_data_chars: PositiveInt = 5000
    """A longer JSON or YAML file is data, not configuration (5000: StarCoder, arXiv:2305.06161)."""
    num_marker_lines: NonNegativeInt
    """How many of the first lines are searched for words that mark generated code; 0 searches none."""
    max_blank_lines: NonNegativeInt
    """Longer runs of blank lines are cut to this many; 2 keeps the layout of PEP 8."""
    licences: tuple[str, ...] | None = None
    """SPDX identifiers of the licences to keep; a file under another or under none known is a reject. None keeps all. ``GPL-2.0`` stands
    for its ``-only`` and ``-or-later`` forms too."""
    licence: str | None = None
    """SPDX identifier of files that tell nothing themselves and have no licence file above them in their archive."""
