"""Rendered images with a question each: digits, letters, shapes and counts, in colours, sizes, places and fonts that vary.

Every value is drawn by a seed and the picture's number alone; answers of one kind of question are equally likely, so that a model that does not look
answers by chance. Fonts are those of matplotlib.
"""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

COLOURS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 87, 200),
    "yellow": (240, 210, 40),
    "purple": (140, 60, 180),
    "white": (245, 245, 245),
}
BACKGROUNDS = ((20, 20, 20), (60, 60, 66), (95, 78, 66), (48, 70, 78))
"""Dark, each far from every colour that is asked for."""
SHAPES = ("circle", "square", "triangle", "cross")
DIGITS = tuple("0123456789")
LETTERS = tuple("ABEHKMRSTX")
"""Ten whose capitals look unlike."""
COUNTS = ("1", "2", "3", "4")
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSans-Oblique.ttf")
JITTER = 24
"""Most by which a channel of a colour is changed."""


class Rendered(NamedTuple):
    """A picture as PNG, and what is asked of it."""

    png: bytes
    kind: str
    question: str
    answer: str
    options: tuple[str, ...]


def render(number: int, seed: int, size: int) -> Rendered:
    """Return a picture of ``size`` by ``size`` pixels: kinds of question take turns by number."""
    chance = random.Random(f"{seed} {number}")
    image = Image.new("RGB", (size, size), _jittered(chance.choice(BACKGROUNDS), chance))
    kind = tuple(_KINDS)[number % len(_KINDS)]
    question, answer, options = _KINDS[kind](image, chance)
    for _ in range(size * size // 50):
        place = chance.randrange(size), chance.randrange(size)
        image.putpixel(place, _jittered(_pixel(image, place), chance))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return Rendered(stream.getvalue(), kind, question, answer, options)


def _digit(image: Image.Image, chance: random.Random) -> tuple[str, str, tuple[str, ...]]:
    answer = chance.choice(DIGITS)
    _glyph(image, answer, chance)
    return "What digit is this?", answer, DIGITS


def _letter(image: Image.Image, chance: random.Random) -> tuple[str, str, tuple[str, ...]]:
    answer = chance.choice(LETTERS)
    _glyph(image, answer, chance)
    return "What letter is this?", answer, LETTERS


def _colour(image: Image.Image, chance: random.Random) -> tuple[str, str, tuple[str, ...]]:
    """Two shapes of two colours, of which one is asked for."""
    answer, other = chance.sample(tuple(COLOURS), 2)
    asked, beside = chance.sample(SHAPES, 2)
    left = chance.random() < 0.5
    _shape(image, asked, answer, _box(image, chance, 0.0 if left else 0.5, 0.5), chance)
    _shape(image, beside, other, _box(image, chance, 0.5 if left else 0.0, 0.5), chance)
    return f"What colour is the {asked}?", answer, tuple(COLOURS)


def _form(image: Image.Image, chance: random.Random) -> tuple[str, str, tuple[str, ...]]:
    answer = chance.choice(SHAPES)
    _shape(image, answer, chance.choice(tuple(COLOURS)), _box(image, chance, 0.0, 1.0), chance)
    return "What shape is this?", answer, SHAPES


def _count(image: Image.Image, chance: random.Random) -> tuple[str, str, tuple[str, ...]]:
    """Circles in some of four quarters."""
    answer = chance.choice(COUNTS)
    colour, half = chance.choice(tuple(COLOURS)), image.width // 2
    for quarter in chance.sample(range(4), int(answer)):
        side = chance.randint(half // 2, half - 2)
        x, y = (start * half + chance.randint(0, half - side - 1) for start in (quarter % 2, quarter // 2))
        _shape(image, "circle", colour, (x, y, side), chance)
    return "How many circles are there?", answer, COUNTS


_KINDS: dict[str, Callable[[Image.Image, random.Random], tuple[str, str, tuple[str, ...]]]] = {
    "digit": _digit,
    "letter": _letter,
    "colour": _colour,
    "shape": _form,
    "count": _count,
}


def _glyph(image: Image.Image, text: str, chance: random.Random) -> None:
    """Draw a character wholly inside the picture."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / chance.choice(FONTS)
    font = ImageFont.truetype(str(path), chance.randint(image.width * 6 // 10, image.width * 9 // 10))
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    room = image.width - (right - left), image.height - (bottom - top)
    x, y = (chance.randint(0, max(0, int(each))) for each in room)
    draw.text((x - left, y - top), text, font=font, fill=_jittered(COLOURS[chance.choice(tuple(COLOURS))], chance))


def _box(image: Image.Image, chance: random.Random, start: float, share: float) -> tuple[int, int, int]:
    """Return a square within a share of the width, as left, top and side."""
    room = int(image.width * share)
    side = chance.randint(int(room * 0.6), room - 2)
    return int(image.width * start) + chance.randint(0, room - side - 1), chance.randint(0, image.height - side - 1), side


def _shape(image: Image.Image, name: str, colour: str, box: tuple[int, int, int], chance: random.Random) -> None:
    draw, fill, (x, y, side) = ImageDraw.Draw(image), _jittered(COLOURS[colour], chance), box
    if name == "circle":
        draw.ellipse((x, y, x + side, y + side), fill=fill)
    elif name == "square":
        draw.rectangle((x, y, x + side, y + side), fill=fill)
    elif name == "triangle":
        draw.polygon([(x + side // 2, y), (x, y + side), (x + side, y + side)], fill=fill)
    else:
        third = side // 3
        draw.rectangle((x + third, y, x + side - third, y + side), fill=fill)
        draw.rectangle((x, y + third, x + side, y + side - third), fill=fill)


def _jittered(colour: tuple[int, int, int], chance: random.Random) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, channel + chance.randint(-JITTER, JITTER))) for channel in colour)
    return red, green, blue


def _pixel(image: Image.Image, place: tuple[int, int]) -> tuple[int, int, int]:
    found = image.getpixel(place)
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]
