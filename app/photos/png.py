"""The structure of a PNG: its chunks, with the checksums of those that a reader may not pass over. Nothing is unpacked."""

from __future__ import annotations

import struct
import zlib

from app.photos.bounds import CHUNKS, EXIF_BYTES, Bytes, Counter, Structure, damaged

_LARGEST = 2**31 - 1
# A checksum over so much lets others run meanwhile.
_PIECE = 4 * 1024 * 1024


def _checksum(view: Bytes, begin: int, end: int) -> int:
    told = 0
    for at in range(begin, end, _PIECE):
        told = zlib.crc32(view[at : min(at + _PIECE, end)], told)
    return told


def read(view: Bytes) -> Structure:
    """Raises BadPicture."""
    chunks, at, head, exif, pixels = Counter(CHUNKS), 8, b"", b"", False
    while True:
        chunks.spend()
        size, name = struct.unpack(">I4s", _exactly(view, at, 8))
        end = at + 8 + size
        if end + 4 > len(view) or not name.isalpha():
            raise damaged()
        if name[:1].isupper() and _checksum(view, at + 4, end) != int.from_bytes(view[end : end + 4], "big"):
            raise damaged()
        if not head:
            if name != b"IHDR" or size != 13:
                raise damaged()
            head = view[at + 8 : end]
        elif name == b"eXIf" and size <= EXIF_BYTES:
            exif = view[at + 8 : end]
        elif name == b"IDAT":
            pixels = True
        elif name == b"IEND":
            break
        at = end + 4
    width, height = struct.unpack(">II", head[:8])
    if not pixels or max(width, height) > _LARGEST:
        raise damaged()
    return Structure(width, height, exif)


def _exactly(view: Bytes, at: int, size: int) -> bytes:
    part = view[at : at + size]
    if len(part) < size:
        raise damaged()
    return part
