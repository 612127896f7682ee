"""What a file of bytes is: a photograph, whole as far as its structure shows, and what it says about itself.

Nothing is decoded here beyond headers, so a bomb costs nothing; whether the pixels can be had is found when the variants are
made (developing.py). A bad EXIF block never makes a good photograph bad.
"""

from __future__ import annotations

import mmap
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pillow_heif
from PIL import Image

from app.photos import said
from app.photos.formats import MAX_PIXELS, media_type
from app.photos.opening import used
from app.photos.said import Taken
from app.photos.turning import orientation
from app.photos.wholeness import has_holes, jpeg_has_junk

pillow_heif.register_heif_opener()
# The limits are ours, in formats.py.
Image.MAX_IMAGE_PIXELS = None
# A phone's broken EXIF is no news to an operator.
warnings.filterwarnings("ignore", module=r"PIL\.")

_EXIF, _GPS = 0x8769, 0x8825


class BadPicture(Exception):
    """Not a photograph that can be kept; `slug` is a sentence of texts.toml."""

    def __init__(self, slug: str, status: int = 422) -> None:
        super().__init__(slug)
        self.slug, self.status = slug, status


@dataclass(frozen=True, slots=True)
class Facts:
    """Width and height in pixels, as it is looked at; position in WGS 84 degrees, as the camera says. `taken_local` is the
    time of a camera that does not say in which zone."""

    media_type: str
    width: int
    height: int
    taken_at: datetime | None
    taken_local: datetime | None
    lat: float | None
    lon: float | None
    camera: str


def look(path: Path) -> Facts:
    """The facts of a photograph. Raises BadPicture."""
    if path.stat().st_size == 0:
        raise BadPicture("photo-empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        kind = media_type(view[:256])
        if kind is None:
            raise BadPicture("photo-type", 415)
        if not _WHOLE[kind](view):
            raise BadPicture("photo-damaged")
    try:
        with path.open("rb") as file:
            (width, height), info = used(file, kind, _head)
    except Exception as error:  # whatever a decoder says of bytes from outside, they are not a photograph
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's own trouble is not the picture's
        raise BadPicture("photo-damaged") from error
    if width * height > MAX_PIXELS[kind]:
        raise BadPicture("photo-pixels")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        if has_holes(kind, view, width * height) or (kind == "image/jpeg" and jpeg_has_junk(view)):
            raise BadPicture("photo-damaged")
        if kind == "image/png" and "exif" not in info:
            info["exif"] = _png_exif(view)
    # What HEIC says of its turning is obeyed when it is opened; there EXIF only repeats it.
    if kind != "image/heic" and orientation(info) >= 5:
        width, height = height, width
    taken, position, camera = _said(info.get("exif") or b"")
    lat, lon = position or (None, None)
    return Facts(kind, width, height, taken.at, taken.local, lat, lon, camera)


def _head(image: Image.Image, _: BinaryIO) -> tuple[tuple[int, int], dict[Any, Any]]:
    size, info = image.size, dict(image.info)
    # Whoever promises too many pixels is not read further.
    if image.format == "PNG" and size[0] * size[1] <= MAX_PIXELS["image/png"]:
        image.verify()  # the checksums of its chunks
    return size, info


def _jpeg_is_whole(view: mmap.mmap) -> bool:
    """The end marker stands after the first scan begins. A file without one may still be whole: its decoder says."""
    at = 2
    while at + 4 <= len(view) and view[at] == 0xFF:
        marker = view[at + 1]
        if marker == 0xDA:
            break
        at += 2 if marker in (0x01, 0xFF, *range(0xD0, 0xD8)) else 2 + int.from_bytes(view[at + 2 : at + 4], "big")
    if view.rfind(b"\xff\xd9") > at:
        return True
    view.seek(0)
    try:
        with Image.open(view, formats=["JPEG"]) as image:  # pyright: ignore[reportArgumentType]
            image.draft("RGB", (64, 64))
            image.load()
    except Exception:  # whatever the decoder says of it: it was cut short
        return False
    return True


def _png_is_whole(view: mmap.mmap) -> bool:
    return view.rfind(b"IEND") >= 0


def _webp_is_whole(view: mmap.mmap) -> bool:
    return int.from_bytes(view[4:8], "little") + 8 <= len(view)


def _boxes_are_whole(view: mmap.mmap) -> bool:
    """Every box at the top of an ISO base media file ends within the file (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(view):
        size, header = int.from_bytes(view[at : at + 4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(view[at + 8 : at + 16], "big"), 16
        if size == 0:
            return True
        if size < header or at + size > len(view):
            return False
        at += size
    return at == len(view)


_WHOLE = {
    "image/jpeg": _jpeg_is_whole,
    "image/png": _png_is_whole,
    "image/webp": _webp_is_whole,
    "image/heic": _boxes_are_whole,
    "image/avif": _boxes_are_whole,
}


def _png_exif(view: mmap.mmap) -> bytes:
    """The block of EXIF of a PNG, also behind its pixels: Pillow would decode the picture to look there."""
    at = 8
    while at + 12 <= len(view):
        size = int.from_bytes(view[at : at + 4], "big")
        if view[at + 4 : at + 8] == b"eXIf":
            return view[at + 8 : at + 8 + size]
        at += 12 + size
    return b""


def _said(block: bytes) -> tuple[Taken, tuple[float, float] | None, str]:
    """Time, position and camera; of what cannot be read, nothing. One broken entry does not take the others with it."""
    taken, position, camera = Taken(), None, ""
    exif = Image.Exif()
    with suppress(Exception):
        exif.load(block)
        camera = " ".join(said.text(exif.get(tag)) for tag in (0x010F, 0x0110)).strip()[:100]
    with suppress(Exception):
        taken = said.taken(exif.get_ifd(_EXIF))
    with suppress(Exception):
        position = said.position(exif.get_ifd(_GPS))
    return taken, position, camera if camera.isprintable() else ""
