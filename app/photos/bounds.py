"""What reading the structure of a file may cost, whatever its bytes say. Far above what cameras and programs write.

The readers beside this (jpeg.py, png.py, webp.py, iso.py, exif.py) are all that the server itself reads of a photograph. They
decode nothing, follow no nesting but what they name, and spend from a counter for every step.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from typing import Any

# A phone's progressive JPEG has about 10 scans. Each costs its decoder a walk over the whole picture.
SCANS = 100
# 50 MB in segments as long as they can be are 800.
SEGMENTS = 2_000
# Many programs write the pixels of a PNG in pieces of 8 KB.
CHUNKS = 20_000
WEBP_CHUNKS = 5_000
# 200 megapixels in tiles of 256 are 3,000 items, each with a place, a reference and some properties.
BOXES = 50_000
FRAMES = 2_000
EXIF_BYTES = 1_000_000
# Looked through at once: whoever waits for the interpreter waits for so little.
PIECE = 256 * 1024

# What reading an impossible structure ends in: a table that is not there, a sampling of zero.
NOT_UNDERSTOOD = (ArithmeticError, LookupError, ValueError)

Bytes = mmap.mmap | bytes


class BadPicture(Exception):
    """Not a photograph that can be kept; `slug` is a sentence of texts.toml, `values` are what it says."""

    def __init__(self, slug: str, status: int = 422, **values: Any) -> None:
        super().__init__(slug)
        self.slug, self.status, self.values = slug, status, values


def damaged() -> BadPicture:
    return BadPicture("photo-damaged")


class Counter:
    """How many parts may still be read."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self, count: int = 1) -> None:
        """Raises BadPicture when there are more than any camera makes."""
        self.left -= count
        if self.left < 0:
            raise BadPicture("photo-structure")


@dataclass(frozen=True, slots=True)
class Coded:
    """Where codes of pixels lie, and how many bytes of zeros in a row are a hole in them."""

    begin: int
    end: int
    hole: int


@dataclass(frozen=True, slots=True)
class Structure:
    """A photograph as its structure shows it. `width` and `height` are as the container turns them; where it does not, EXIF does
    (`exif_turns`). `scan` are the pixels of a JPEG that has them in one go; without `ended` only a decoder can say whether they
    are all there. `pixels` are those that its decoder makes, `most` how many these may be of what is made like this."""

    width: int
    height: int
    exif: bytes
    coded: tuple[Coded, ...] = ()
    exif_turns: bool = True
    ended: bool = True
    scan: tuple[int, int] | None = None
    pixels: int = 0
    most: int | None = None


def number(view: Bytes, at: int, size: int) -> int:
    return int.from_bytes(view[at : at + size], "big")


def has_zeros(view: Bytes, begin: int, end: int, run: int) -> bool:
    """Whether so many bytes of zeros stand in a row. Piece by piece: linear, whatever the bytes are."""
    zeros, step = bytes(run), max(PIECE, 2 * run)
    return any(zeros in view[at : min(at + step + run - 1, end)] for at in range(begin, end, step))


def found(view: Bytes, pattern: re.Pattern[bytes], at: int, length: int) -> int:
    """Where the next match of a pattern of `length` bytes begins; the end of the file where there is none."""
    for begin in range(at, len(view), PIECE):
        match = pattern.search(view[begin : begin + PIECE + length - 1])
        if match:
            return begin + match.start()
    return len(view)
