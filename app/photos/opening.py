"""Opening a picture so that nothing it says beside its pixels makes it bad."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Generator
from typing import BinaryIO, TypeVar

from PIL import Image, PngImagePlugin

from app.photos.bounds import BOXES, Counter
from app.photos.formats import FORMATS
from app.photos.iso import boxes

# Some programs write their whole document into a text of a PNG.
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 1024 * 1024

T = TypeVar("T")


def used(file: BinaryIO, kind: str, use: Callable[[Image.Image, BinaryIO], T]) -> T:
    """`use(picture, its file)`. Where that fails it is tried once more with nothing but the pixels: a broken
    profile, text or block of EXIF is no fault of theirs. Raises whatever the decoder says."""
    try:
        return use(Image.open(file, formats=[FORMATS[kind]]), file)
    except Exception:  # whatever a decoder raises; raised again where nothing can be left out
        if kind not in _BARE:
            raise
        file.seek(0)
        bare = io.BytesIO(b"".join(_BARE[kind](file.read())))
        return use(Image.open(bare, formats=[FORMATS[kind]]), bare)


def _bare_avif(content: bytes) -> Generator[bytes]:
    """An AVIF whose item of EXIF has another type, which every reader passes over."""
    meta = next(((begin, end) for name, begin, end in boxes(content, 0, len(content), Counter(BOXES)) if name == b"meta"), (0, 0))
    yield content[: meta[0]]
    yield content[slice(*meta)].replace(b"Exif", b"none")
    yield content[meta[1] :]


def _bare_jpeg(content: bytes) -> Generator[bytes]:
    """A JPEG without its APP segments and comments, but for EXIF and for Adobe's, which says what the
    colours mean."""
    at = 2
    yield content[:at]
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        marker, end = content[at + 1], at + 2
        if marker == 0xFF:
            at += 1
            continue
        if marker not in (0x01, *range(0xD0, 0xD8)):
            end += int.from_bytes(content[at + 2 : at + 4], "big")
        is_adobe = marker == 0xEE and content[at + 4 : at + 9] == b"Adobe" and end - at >= 16
        is_exif = marker == 0xE1 and content[at + 4 : at + 10] == b"Exif\0\0"
        if is_adobe or is_exif or ((marker < 0xE0 or marker > 0xEF) and marker != 0xFE):
            yield content[at:end]
        at = end
    yield content[at:]


# How long a transparent colour is, by the kind of pixels.
_CLEAR = {0: 2, 2: 6}


def _bare_png(content: bytes) -> Generator[bytes]:
    """A PNG without any chunk that a reader may pass over (PNG, 5.4), but for EXIF and what is transparent."""
    at, colour = 8, content[25]
    yield content[:at]
    while at + 12 <= len(content):
        name, size = content[at + 4 : at + 8], int.from_bytes(content[at : at + 4], "big")
        is_clear = name == b"tRNS" and (0 < size <= 256 if colour == 3 else size == _CLEAR.get(colour))
        is_exif = name == b"eXIf" and zlib.crc32(content[at + 4 : at + 8 + size]) == int.from_bytes(
            content[at + 8 + size : at + 12 + size], "big"
        )
        if name[:1].isupper() or is_exif or is_clear:
            yield content[at : at + 12 + size]
        at += 12 + size


_BARE = {"image/avif": _bare_avif, "image/jpeg": _bare_jpeg, "image/png": _bare_png}
