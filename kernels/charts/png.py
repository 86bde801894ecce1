"""Figures as small PNG files, which events and reports can hold."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, GREY = "#1f5fa8", "#888888"


def png(figure: "Figure", num_colours: int = 16) -> bytes:
    """Return the figure in few colours: 16 are what a few lines and smoothed letters need, at about a third of the bytes of full colour.

    Where many lines differ by colour alone give more: the rarest are given up first.
    """
    from PIL import Image

    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100)  # pyright: ignore[reportUnknownMemberType]
    Image.open(drawn).convert("RGB").quantize(num_colours, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()
