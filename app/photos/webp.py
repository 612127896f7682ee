"""The structure of a WebP: its chunks and their headers."""

from __future__ import annotations

from collections.abc import Iterator

from app.photos.bounds import EXIF_BYTES, WEBP_CHUNKS, Bytes, Coded, Counter, Structure, damaged

_RUN = 256
# For so many pixels a WebP may have a byte of zeros in a row. VP8 needed one for 10,000 where a picture
# has one colour, VP8L, at its fastest, one for 110; and a third of all its bytes in a drawing.
_RUNS = {b"VP8 ": 4_000, b"VP8L": 32}
_SHARE = 0.45


def _chunks(view: Bytes, at: int, end: int, counter: Counter) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end:
        counter.spend()
        name, size = view[at : at + 4], int.from_bytes(view[at + 4 : at + 8], "little")
        yield name, at + 8, min(at + 8 + size, end)
        at += 8 + size + size % 2


def _size(view: Bytes, name: bytes, at: int) -> tuple[int, int]:
    """Width and height by the first chunk."""
    if name == b"VP8X":
        wide, high = view[at + 4 : at + 7], view[at + 7 : at + 10]
        return int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
    if name == b"VP8 " and view[at + 3 : at + 6] == b"\x9d\x01\x2a":
        wide, high = view[at + 6 : at + 8], view[at + 8 : at + 10]
        return int.from_bytes(wide, "little") & 0x3FFF, int.from_bytes(high, "little") & 0x3FFF
    if name == b"VP8L" and view[at] == 0x2F:
        bits = int.from_bytes(view[at + 1 : at + 5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise damaged()


def read(view: Bytes) -> Structure:
    """Raises BadPicture."""
    end = int.from_bytes(view[4:8], "little") + 8
    if end > len(view):
        raise damaged()
    counter, exif = Counter(WEBP_CHUNKS), b""
    found = list(_chunks(view, 12, end, counter))
    if not found:
        raise damaged()
    width, height = _size(view, *found[0][:2])
    for name, begin, stop in list(found):
        if name == b"ANMF":
            found += _chunks(view, begin + 16, stop, counter)
        elif name == b"EXIF" and not exif:
            exif = view[begin : min(stop, begin + EXIF_BYTES)]
    coded: list[Coded] = []
    for name, begin, stop in found:
        if name == bytes(4):
            raise damaged()
        if name in _RUNS:
            run = max(_RUN, width * height // _RUNS[name])
            if name == b"VP8L":
                run = max(_RUN, min(run, int((stop - begin) * _SHARE)))
            coded.append(Coded(begin, stop, run))
    return Structure(width, height, exif, tuple(coded))
