"""Figures as small PNG files, which events and reports can hold."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, GREY = "#1f5fa8", "#888888"


def png(figure: "Figure") -> bytes:
    """Return the figure in 16 colours, which a few lines and smoothed letters need, at about a third of the bytes of full colour."""
    from PIL import Image

    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100)  # pyright: ignore[reportUnknownMemberType]
    Image.open(drawn).convert("RGB").quantize(16, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()
