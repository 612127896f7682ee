"""Photographs drawn for the tests: a scene whose corners tell how it is turned, in every format, whole and broken."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

import pillow_heif
from PIL import Image, ImageDraw

pillow_heif.register_heif_opener()

# Red, green, blue and white from the upper left corner on, clockwise.
CORNERS = ((220, 30, 30), (30, 180, 30), (30, 30, 220), (240, 240, 240))


def scene(width: int = 640, height: int = 480, seed: int = 0) -> Image.Image:
    image = Image.new("RGB", (width, height), (120, 120, 120))
    draw = ImageDraw.Draw(image)
    w, h = width // 3, height // 3
    for (x, y), colour in zip(((0, 0), (width - w, 0), (width - w, height - h), (0, height - h)), CORNERS, strict=True):
        draw.rectangle((x, y, x + w, y + h), colour)
    dice = random.Random(seed)
    for _ in range(20):
        x, y = dice.randrange(w, width - w), dice.randrange(h, height - h)
        draw.ellipse((x, y, x + 9, y + 9), tuple(dice.randrange(256) for _ in range(3)))
    return image


def encode(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# What a scene looks like in a file whose orientation tag is n: turned so that a reader who obeys the tag sees it upright.
_UNTURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
}  # fmt: skip


def turned(orientation: int, **exif_values: Any) -> bytes:
    image = scene()
    if orientation in _UNTURN:
        image = image.transpose(_UNTURN[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(image, exif=exif.tobytes())


def with_exif(
    taken: str | None = None, lat: Any = None, lon: Any = None, seed: int = 0, sides: tuple[str, str] = ("N", "E")
) -> bytes:
    """A photograph that says when and where it was taken; lat and lon as (degrees, minutes, seconds)."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "Phone"
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
        exif.get_ifd(0x8769)[0x9011] = "+08:00"
    if lat is not None:
        gps = exif.get_ifd(0x8825)
        gps[1], gps[2], gps[3], gps[4] = sides[0], lat, sides[1], lon
    return encode(scene(seed=seed), exif=exif.tobytes())


def png_bomb(side: int = 50_000) -> bytes:
    """A PNG whose header promises side × side pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")


JPEG = encode(scene())
