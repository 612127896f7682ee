"""Whether a photograph is one that can be kept, by its structure and by the bytes that hold its pixels: none of them is decoded.

A card that was full or a transfer that broke leaves a hole: the length is right, the bytes are zeros. JPEG, HEVC, AV1 and VP8
have no checksums, and their decoders draw something grey over it. What gives a hole away is that the codes of a whole picture
hold no such run of zeros: HEVC never, the others none longer than an area of one colour can need. So an evenly black picture
stays a good one. PNG has checksums; they are read with its chunks.
"""

from __future__ import annotations

from app.photos import iso, jpeg, png, webp
from app.photos.bounds import NOT_UNDERSTOOD, BadPicture, Bytes, Structure, damaged, has_zeros
from app.photos.formats import FORMATS, MAX_PIXELS

# A hole in a JPEG that its codes may also be an area of one colour.
_RUN = 256
_READERS = {
    "image/jpeg": jpeg.read,
    "image/png": png.read,
    "image/webp": webp.read,
    "image/heic": iso.read_heic,
    "image/avif": iso.read_avif,
}


def structure(kind: str, view: Bytes) -> Structure:
    """The structure of a photograph that may be decoded. Raises BadPicture, and nothing else whatever the bytes are."""
    try:
        read = _READERS[kind](view)
    except NOT_UNDERSTOOD:
        raise damaged() from None
    pixels = read.pixels or read.width * read.height
    if not pixels:
        raise damaged()
    most = min(MAX_PIXELS[kind], read.most or MAX_PIXELS[kind])
    if pixels > most:
        raise _too_many_pixels(kind, read, most)
    return read


def _too_many_pixels(kind: str, read: Structure, most: int) -> BadPicture:
    name = FORMATS[kind].replace("HEIF", "HEIC")
    return BadPicture("photo-pixels", width=read.width, height=read.height, format=name, millions=most // 1_000_000)


def has_holes(view: Bytes, read: Structure) -> bool:
    """Whether zeros stand where the codes of a picture should."""
    return any(part.end - part.begin >= part.hole and has_zeros(view, part.begin, part.end, part.hole) for part in read.coded)


def has_run(view: Bytes, begin: int, end: int) -> bool:
    """Whether a part holds a run of zeros that may be a hole, and may be an area of one colour."""
    return has_zeros(view, begin, end, _RUN)
