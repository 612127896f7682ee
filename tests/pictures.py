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


def png(width: int, height: int, depth: int, colour: int, pixels: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG whose pixel data are these bytes, packed or not; `more` are chunks before them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    middle = b"".join(chunk(kind, data) for kind, data in more)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + middle + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def rows(width: int, height: int, pixel: Any) -> bytes:
    """Packed pixel data of a PNG from `pixel(x)`, the bytes of each column's pixel."""
    return zlib.compress((b"\0" + b"".join(pixel(x) for x in range(width))) * height)


def png_bomb(side: int = 50_000) -> bytes:
    """A PNG whose header promises side × side pixels in a few kilobytes."""
    return png(side, side, 8, 2, zlib.compress(bytes(1_000_000)))


# TIFF types: how many bytes one value has.
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SSHORT, SLONG, SRATIONAL = 1, 2, 3, 4, 5, 7, 8, 9, 10
_PACKED = {SHORT: ">H", LONG: ">I", SSHORT: ">h", SLONG: ">i"}


def _value(kind: int, value: Any) -> tuple[int, bytes]:
    """(count, bytes) of a tag's value."""
    if kind in (BYTE, ASCII, UNDEFINED):
        data = value if isinstance(value, bytes) else str(value).encode() + (b"\0" if kind == ASCII else b"")
        return len(data), data
    values = value if isinstance(value, list) else [value]
    if kind in (RATIONAL, SRATIONAL):
        return len(values), b"".join(struct.pack(">II" if kind == RATIONAL else ">ii", *part) for part in values)
    return len(values), b"".join(struct.pack(_PACKED[kind], part) for part in values)


def exif_block(
    main: dict[int, Any] | None = None, exif: dict[int, Any] | None = None, gps: dict[int, Any] | None = None
) -> bytes:
    """EXIF as a camera may write it: tags with a TIFF type and value of any kind, `{tag: (type, value)}`."""

    def directory(tags: dict[int, Any], at: int) -> bytes:
        entries, beyond = b"", b""
        end = at + 2 + 12 * len(tags) + 4
        for tag, (kind, value) in sorted(tags.items()):
            count, data = _value(kind, value)
            field = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(">I", end + len(beyond))
            beyond += data + b"\0" * (len(data) % 2) if len(data) > 4 else b""
            entries += struct.pack(">HHI", tag, kind, count) + field
        return struct.pack(">H", len(tags)) + entries + b"\0" * 4 + beyond

    first = {**(main or {}), 0x8769: (LONG, 0), 0x8825: (LONG, 0)}
    second_at = 8 + len(directory(first, 8))
    second = directory(exif or {}, second_at)
    first[0x8769], first[0x8825] = (LONG, second_at), (LONG, second_at + len(second))
    return b"Exif\0\0MM\0*\0\0\0\x08" + directory(first, 8) + second + directory(gps or {}, second_at + len(second))


def saying(
    main: dict[int, Any] | None = None,
    exif: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
    kind: str = "JPEG",
    seed: int = 0,
) -> bytes:
    """A small scene with that EXIF."""
    return encode(scene(200, 150, seed), kind, exif=exif_block(main, exif, gps))


JPEG = encode(scene())
