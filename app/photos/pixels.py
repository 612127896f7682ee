"""Pixels of every kind as 8 bits of red, green and blue: what is transparent stands on white, what is deep is scaled."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageCms

_STRIP_ROWS = 64
_WITH_ALPHA = frozenset(("RGBA", "LA", "PA", "RGBa", "La"))
_DEEP = frozenset(("I", "I;16", "I;16L", "I;16B", "I;16N", "F"))
_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}


def _white_ground(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    ground = Image.new("RGB", rgba.size, "white")
    ground.paste(rgba, mask=rgba.getchannel("A"))
    return ground


def _shallow(image: Image.Image, clear: Any) -> Image.Image:
    """16 bits of grey as 8; `clear` is the grey that is transparent."""
    deep = image.convert("I")
    grey = deep.point([value >> 8 for value in range(65536)], "L")
    if isinstance(clear, int):
        grey.paste(255, mask=deep.point([255 * (value == clear) for value in range(65536)], "L"))
    return grey


def flat(image: Image.Image) -> Image.Image:
    """As RGB, grey (L) or CMYK, without transparency."""
    if image.mode in _DEEP:
        return _shallow(image, image.info.get("transparency"))
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        return _white_ground(image)
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def clear_colour(info: dict[Any, Any], depth: int, colour: int) -> Any:
    """The transparent colour of a PNG as its pixels are read: 8 bits where the file has 16, 2 or 4 of them."""
    clear = info.get("transparency")
    if colour == 2 and depth == 16 and isinstance(clear, tuple):
        return tuple(part >> 8 for part in clear)
    if colour == 0 and depth < 8 and isinstance(clear, int):
        return clear * 255 // (2**depth - 1)
    return clear


def shrunk(size: tuple[int, int], factor: int, strip: Callable[[int, int], Image.Image]) -> Image.Image:
    """A flat picture, `factor` times smaller, from `strip(top, bottom)` of a large one: no copy of the large one is made."""
    width, height = size
    small: Image.Image | None = None
    rows = factor * _STRIP_ROWS
    for top in range(0, height, rows):
        part = flat(strip(top, min(top + rows, height)))
        part = part.reduce(factor) if factor > 1 else part
        if small is None:
            small = Image.new(part.mode, (-(-width // factor), -(-height // factor)))
        small.paste(part, (0, top // factor))
    if small is None:
        raise ValueError("no pixels")
    return small


def in_srgb(image: Image.Image, profile: Any) -> Image.Image:
    """A phone's wide colours as the web's: without its profile the picture would look pale."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        if _SPACES.get(profile[16:20]) == image.mode:
            target = ImageCms.createProfile("sRGB")
            made = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            return made or image
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        pass  # a profile that cannot be read says nothing
    return image if image.mode == "RGB" else image.convert("RGB")
