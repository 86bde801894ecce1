"""Image files: what is decoded gives the pixels that were drawn, and what is broken, huge or of another kind is refused with a reason."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kernels.reading.images.decoding import FILLING, UnreadableImage, decode, decode_file, normalised


def file_of(image: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def reason(content: bytes) -> str:
    with pytest.raises(UnreadableImage) as caught:
        decode(content, 8)
    return caught.value.reason


@pytest.mark.parametrize(("kind", "settings"), [("PNG", {}), ("JPEG", {"quality": 100}), ("WEBP", {"lossless": True})])
def test_the_three_kinds_are_decoded_as_they_were_drawn(kind: str, settings: dict[str, object]) -> None:
    pixels = decode(file_of(Image.new("RGB", (8, 8), (200, 30, 90)), kind, **settings), 8)
    assert pixels.shape == (8, 8, 3) and np.abs(pixels.astype(int) - (200, 30, 90)).max() <= 2


def test_what_is_no_square_is_padded_on_both_sides() -> None:
    pixels = decode(file_of(Image.new("RGB", (8, 4), (255, 255, 255))), 8)
    assert (pixels[2:6] == 255).all() and (pixels[:2] == FILLING).all() and (pixels[6:] == FILLING).all()


def test_another_size_is_resized() -> None:
    assert decode(file_of(Image.new("L", (64, 64), 77)), 8).tolist() == np.full((8, 8, 3), 77).tolist()


def test_what_shines_through_is_laid_on_white() -> None:
    assert (decode(file_of(Image.new("RGBA", (8, 8), (0, 0, 0, 0))), 8) == 255).all()


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off() -> None:
    assert (decode(file_of(Image.fromarray(np.full((8, 8), 0x8000, np.uint16))), 8) == 0x80).all()


def test_a_picture_is_turned_as_its_camera_was() -> None:
    image = Image.new("RGB", (8, 8), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 8, 4))
    orientation = Image.Exif()
    orientation[0x0112] = 3
    assert decode(file_of(image, exif=orientation), 8)[:, 0, 0].tolist() == [0] * 4 + [255] * 4


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "ICO", "PPM"])
def test_other_kinds_are_not_decoded(kind: str) -> None:
    assert reason(file_of(Image.new("RGB", (8, 8)), kind)) == "image_format"


def test_an_image_that_is_cut_is_broken() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8))
    for kind in ("PNG", "JPEG", "WEBP"):
        content = file_of(noise, kind)
        assert reason(content[: len(content) // 2]) in ("image_broken", "image_format"), kind
    assert reason(b"") == reason(b"\x89PNG\r\n\x1a\n") == "image_format"


def test_a_small_file_that_would_unpack_to_gigabytes_is_refused_unopened() -> None:
    header = b"IHDR" + (100_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    content = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big") + b"\0\0\0\0IDAT"
    assert reason(content) == "image_too_large"


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(UnreadableImage, match="image_missing"):
            decode_file(path, 8)


def test_values_are_normalised_as_transformers_does_it() -> None:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    image = np.random.default_rng(1).integers(0, 255, (8, 8, 3), np.uint8)
    theirs = CLIPImageProcessorPil(do_resize=False, do_center_crop=False)(Image.fromarray(image), return_tensors="np")["pixel_values"]
    assert np.allclose(normalised(image[None]), theirs, rtol=0, atol=1e-6)
