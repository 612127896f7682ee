"""Which way up a picture is."""

from __future__ import annotations

from typing import Any

from PIL import Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(info: dict[Any, Any]) -> int:
    """1 to 8 by the EXIF block of an open picture. Whatever the tag holds beside such a number, phones show the picture as it lies."""
    exif = Image.Exif()
    try:
        exif.load(info.get("exif") or b"")
        value: Any = exif.get(0x0112)
    except Exception:  # a broken block says nothing
        return 1
    if isinstance(value, bytes) and len(value) == 1:
        value = value[0]
    return value if type(value) is int and 1 <= value <= 8 else 1


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture upright."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
