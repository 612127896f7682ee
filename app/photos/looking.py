"""What a file of bytes is: a photograph, whole as far as its structure shows, and what it says about itself.

This runs where requests are answered, so nothing is decoded here, and what reading costs is bounded (bounds.py). Whether the
pixels can be had is found in a process of its own (developing.py). A bad EXIF block never makes a good photograph bad.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.photos import exif, said
from app.photos.bounds import BadPicture, damaged
from app.photos.exif import Exif
from app.photos.formats import media_type
from app.photos.said import Taken
from app.photos.wholeness import has_holes, structure


@dataclass(frozen=True, slots=True)
class Facts:
    """Width and height in pixels, as it is looked at; position in WGS 84 degrees, as the camera says. `taken_local` is the
    time of a camera that does not say in which zone. Whether a photograph that is not `ended` is whole, its decoder says."""

    media_type: str
    width: int
    height: int
    taken_at: datetime | None
    taken_local: datetime | None
    lat: float | None
    lon: float | None
    camera: str
    ended: bool


def look(path: Path) -> Facts:
    """The facts of a photograph. Raises BadPicture."""
    if path.stat().st_size == 0:
        raise BadPicture("photo-empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        kind = media_type(view[:256])
        if kind is None:
            raise BadPicture("photo-type", 415)
        found = structure(kind, view)
        if has_holes(view, found):
            raise damaged()
    told = exif.read(found.exif)
    width, height = found.width, found.height
    if found.exif_turns and told.orientation >= 5:
        width, height = height, width
    taken, position, camera = _said(told)
    lat, lon = position or (None, None)
    return Facts(kind, width, height, taken.at, taken.local, lat, lon, camera, found.ended)


def _said(told: Exif) -> tuple[Taken, tuple[float, float] | None, str]:
    """Time, position and camera; of what cannot be read, nothing. One broken entry does not take the others with it."""
    taken, position, camera = Taken(), None, ""
    with suppress(ArithmeticError, LookupError, TypeError, ValueError):
        camera = " ".join(said.text(told.main.get(tag)) for tag in (exif.MAKE, exif.MODEL)).strip()[:100]
    with suppress(ArithmeticError, LookupError, TypeError, ValueError):
        taken = said.taken(told.exif)
    with suppress(ArithmeticError, LookupError, TypeError, ValueError):
        position = said.position(told.gps)
    return taken, position, camera if camera.isprintable() else ""
