"""Image files as pixels: PNG, JPEG and WebP alone, decoded by Pillow, bounded before anything is unpacked, padded to a square and resized.

Pillow guesses a format from a file's first bytes; it is only ever asked for these three, so that no other decoder sees what strangers wrote.
"""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 1 << 26
MAX_PIXELS = 1 << 26
"""Of a file and of what it unpacks to: 64 MiB, and 8192 by 8192 pixels."""
FILLING = (122, 116, 104)
"""Around what is no square: the mean colour of CLIP's training images, as LLaVA 1.5 pads (Liu et al. 2023, arXiv 2310.03744)."""
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""By which CLIP normalises red, green and blue (Radford et al. 2021, arXiv 2103.00020), of values from 0 to 1."""


class UnreadableImage(ValueError):
    """An image that cannot be or is not decoded. ``reason`` is a short fixed code."""

    def __init__(self, reason: str, detail: str) -> None:
        """Say why."""
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def decode_file(path: Path, size: int) -> NDArray[np.uint8]:
    """Return the pixels of an image file, [size, size, 3]. Raises UnreadableImage."""
    try:
        if (num_bytes := path.stat().st_size) > MAX_BYTES:
            raise UnreadableImage("image_too_large", f"{num_bytes} bytes, and at most {MAX_BYTES} are read")
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableImage("image_missing", type(error).__name__) from error
    return decode(content, size)


def decode(content: bytes, size: int) -> NDArray[np.uint8]:
    """Return the pixels of an image's bytes, [size, size, 3], padded to a square and resized by bicubic interpolation; alpha is laid on white.

    Raises:
        UnreadableImage: it is none of `FORMATS`, has more than `MAX_PIXELS`, or is damaged or cut.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise UnreadableImage("image_too_large", f"{image.width} x {image.height} pixels, and at most {MAX_PIXELS} are unpacked")
                image.load()
                return _squared(_on_white(image), size)
    except UnreadableImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage("image_too_large", str(error)) from error
    except Image.UnidentifiedImageError as error:
        raise UnreadableImage("image_format", f"neither {', '.join(FORMATS[:-1])} nor {FORMATS[-1]}") from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise UnreadableImage("image_broken", f"{type(error).__name__}: {error}") from error


def normalised(pixels_IHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images [I, height, width, 3] as a tower takes them, [I, 3, height, width]."""
    scaled = pixels_IHWC.astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(((scaled - np.array(MEAN, np.float32)) / np.array(STD, np.float32)).transpose(0, 3, 1, 2))


def _on_white(image: Image.Image) -> Image.Image:
    """Return an image in three channels of a byte, as it is to be looked at: turned as its camera was, and the first of several frames."""
    if image.mode.startswith("I;16"):  # which would be cut off at 255, not scaled
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = ImageOps.exif_transpose(image)
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    shown = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", shown.size, (255, 255, 255, 255)), shown).convert("RGB")


def _squared(image: Image.Image, size: int) -> NDArray[np.uint8]:
    side = max(image.size)
    if image.width != image.height:
        square = Image.new("RGB", (side, side), FILLING)
        square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        image = square
    return np.asarray(image if side == size else image.resize((size, size), Image.Resampling.BICUBIC), np.uint8)
