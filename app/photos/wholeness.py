"""Whether a picture's pixels are all there, by the bytes that hold them: holes of zeros, and junk where no junk can be.

A card that was full or a transfer that broke leaves a hole: the length is right, the bytes are zeros. JPEG, HEVC, AV1 and VP8
have no checksums, and their decoders draw something grey over it. What gives a hole away is that the codes of a whole picture
hold no such run of zeros: HEVC never, the others none longer than an area of one colour can need. So an evenly black picture
stays a good one. PNG has checksums; they are read elsewhere.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_RUN = 256
# HEVC and AVC put a 3 between zeros: three in a row stand in no picture, four at most where the next part's length begins.
_ITEM_RUNS = {b"hvc1": 32, b"hev1": 32, b"avc1": 32, b"av01": _RUN}
# For so many pixels a WebP may have a byte of zeros in a row. VP8 needed one for 10,000 where a picture
# has one colour, VP8L, at its fastest, one for 110; and a third of all its bytes in a drawing.
_WEBP_RUNS = {b"VP8 ": 4_000, b"VP8L": 32}
_SHARE = 0.45


# What reading an impossible structure ends in: a table that is not there, a sampling of zero.
_NOT_UNDERSTOOD = (ArithmeticError, LookupError, ValueError)


def has_holes(kind: str, view: mmap.mmap, pixels: int) -> bool:
    """Whether zeros stand where the codes of a picture should. What cannot be understood here is left to the decoder."""
    if view.find(bytes(32)) < 0:
        return False
    try:
        return _HOLES[kind](view, pixels) if kind in _HOLES else False
    except _NOT_UNDERSTOOD:
        return False


# --- HEIC and AVIF ------------------------------------------------------------------------------------------------------
def _number(view: mmap.mmap | bytes, at: int, size: int) -> int:
    return int.from_bytes(view[at : at + size], "big")


def boxes(view: mmap.mmap | bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, begin, end) of the boxes between two places, as far as they are in order (ISO/IEC 14496-12, 4.2)."""
    while at + 8 <= end:
        size, header = _number(view, at, 4), 8
        if size == 1:
            size, header = _number(view, at + 8, 8), 16
        size = size or end - at
        if size < header or at + size > end:
            return
        yield view[at + 4 : at + 8], at + header, at + size
        at += size


def _item_types(view: mmap.mmap, begin: int, end: int) -> dict[int, bytes]:
    types: dict[int, bytes] = {}
    first = begin + (6 if view[begin] == 0 else 8)
    for name, at, _ in boxes(view, first, end):
        if name == b"infe" and view[at] in (2, 3):
            size = 2 if view[at] == 2 else 4
            types[_number(view, at + 4, size)] = view[at + 6 + size : at + 10 + size]
    return types


def _item_places(view: mmap.mmap, at: int) -> dict[int, list[tuple[int, int]]]:
    """Of items that lie in the file itself: where, as (begin, length)."""
    version, sizes = view[at], view[at + 4 : at + 6]
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version else 0
    wide = 4 if version == 2 else 2
    count, at = _number(view, at + 6, wide), at + 6 + wide
    places: dict[int, list[tuple[int, int]]] = {}
    for _ in range(min(count, 10_000)):
        id, at = _number(view, at, wide), at + wide
        method = 0
        if version:
            method, at = _number(view, at, 2) & 15, at + 2
        base, at = _number(view, at + 2, base_size), at + 2 + base_size
        extents, at = _number(view, at, 2), at + 2
        for _ in range(extents):
            at += index_size
            begin, length = base + _number(view, at, offset_size), _number(view, at + offset_size, length_size)
            at += offset_size + length_size
            if method == 0:
                places.setdefault(id, []).append((begin, length))
    return places


def _parts(view: mmap.mmap, begin: int, end: int, first: int) -> set[int]:
    """The item `first` and whatever it is put together from."""
    size = 2 if view[begin] == 0 else 4
    made_of: dict[int, list[int]] = {}
    for name, at, _ in boxes(view, begin + 4, end):
        if name == b"dimg":
            count = _number(view, at + size, 2)
            ids = [_number(view, at + size + 2 + n * size, size) for n in range(count)]
            made_of.setdefault(_number(view, at, size), []).extend(ids)
    found, more = {first}, [first]
    while more:
        more = [id for one in more for id in made_of.get(one, ()) if id not in found]
        found.update(more)
    return found


def _items_have_holes(view: mmap.mmap, _: int) -> bool:
    """The items that the picture is made of: not what its maker keeps beside it."""
    meta = next(((begin, end) for name, begin, end in boxes(view, 0, len(view)) if name == b"meta"), None)
    if meta is None:
        return False
    inside = {name: (begin, end) for name, begin, end in boxes(view, meta[0] + 4, meta[1])}
    begin, _end = inside[b"pitm"]
    first = _number(view, begin + 4, 2 if view[begin] == 0 else 4)
    types, places = _item_types(view, *inside[b"iinf"]), _item_places(view, inside[b"iloc"][0])
    parts = _parts(view, *inside[b"iref"], first) if b"iref" in inside else {first}
    for id in parts:
        run = _ITEM_RUNS.get(types.get(id, b""))
        for start, length in places.get(id, ()) if run else ():
            if start + length > len(view) or view.find(bytes(run or 0), start, start + length) >= 0:
                return True
    return False


# --- WebP ---------------------------------------------------------------------------------------------------------------
def _chunks(view: mmap.mmap, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end:
        name, size = view[at : at + 4], int.from_bytes(view[at + 4 : at + 8], "little")
        yield name, at + 8, min(at + 8 + size, end)
        at += 8 + size + size % 2


def _webp_has_holes(view: mmap.mmap, pixels: int) -> bool:
    end = min(len(view), int.from_bytes(view[4:8], "little") + 8)
    found = list(_chunks(view, 12, end))
    for name, begin, stop in list(found):
        if name == b"ANMF":
            found += _chunks(view, begin + 16, stop)
    for name, begin, stop in found:
        run = max(_RUN, pixels // _WEBP_RUNS[name]) if name in _WEBP_RUNS else 0
        if name == b"VP8L":
            run = max(_RUN, min(run, int((stop - begin) * _SHARE)))
        if name == bytes(4) or (run and view.find(bytes(run), begin, stop) >= 0):
            return True
    return False


# --- JPEG ---------------------------------------------------------------------------------------------------------------
# In a scan, 255 is followed by 0 or a restart; anything else ends it.
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_NO_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))


@dataclass(slots=True)
class _Jpeg:
    """What was read of a JPEG on the way to a scan. Tables by (class, number): the symbol of the code of zeros, its length."""

    tables: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict[tuple[int, int], tuple[int, int]])
    # Of each component its share of blocks in a group.
    shares: dict[int, int] = field(default_factory=dict[int, int])
    progressive: bool = False
    sequential: bool = False
    groups: int = 0

    def read(self, marker: int, body: bytes) -> None:
        if marker == 0xC4:
            self._read_tables(body)
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC8, 0xCC):
            self.progressive, self.sequential = marker == 0xC2, marker in (0xC0, 0xC1)
            height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            sampling = {body[n]: (body[n + 1] >> 4, body[n + 1] & 15) for n in range(6, 6 + 3 * body[5], 3)}
            self.shares = {id: h * v for id, (h, v) in sampling.items()}
            wide = 8 * max(h for h, _ in sampling.values())
            high = 8 * max(v for _, v in sampling.values())
            self.groups = -(-width // wide) * -(-height // high)

    def _read_tables(self, body: bytes) -> None:
        at = 0
        while at + 17 <= len(body):
            counts = body[at + 1 : at + 17]
            shortest = next((n for n, count in enumerate(counts, 1) if count), 0)
            if shortest:
                self.tables[body[at] >> 4, body[at] & 15] = (body[at + 17], shortest)
            at += 17 + sum(counts)

    def longest_run(self, body: bytes) -> int:
        """How many bytes of zeros the scan with this head can hold: those of a picture of one colour, where the codes allow it."""
        count = body[0]
        named = [(body[n], body[n + 1]) for n in range(1, 1 + 2 * count, 2)]
        begin, end, high = body[1 + 2 * count], body[2 + 2 * count], body[3 + 2 * count] >> 4
        bits = 0
        for id, tables in named:
            blocks = self.groups * self.shares[id]
            if begin == 0 and high:  # one bit a block
                bits += blocks
                continue
            if begin == 0:
                symbol, length = self.tables[0, tables >> 4]
                if symbol:
                    return 0
                bits += blocks * length
            if end and (begin or not self.progressive):
                symbol, length = self.tables[1, tables & 15]
                if symbol & 15 or symbol == 0xF0 or (symbol and not self.progressive):
                    return 0
                bits += blocks * (length + (symbol >> 4))
        return bits // 8


def _walk(view: mmap.mmap) -> Iterator[tuple[int, bytes, int, int, _Jpeg]]:
    """(marker, head, begin, end, what was read before) of every scan up to the end of the first picture."""
    jpeg, at = _Jpeg(), 2
    while at + 4 <= len(view) and view[at] == 0xFF:
        marker = view[at + 1]
        if marker == 0xFF or marker in _NO_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            return
        length = _number(view, at + 2, 2)
        body, at = view[at + 4 : at + 2 + length], at + 2 + length
        if marker != 0xDA:
            jpeg.read(marker, body)
            continue
        found = _SCAN_END.search(view, at)
        begin, at = at, found.start() if found else len(view)
        yield view[at + 1] if found else 0, body, begin, at, jpeg


def _jpeg_has_holes(view: mmap.mmap, _: int) -> bool:
    for _marker, head, begin, end, jpeg in _walk(view):
        longest = max(_RUN, jpeg.longest_run(head) + 16)
        if end - begin > longest and view.find(bytes(longest), begin, end) >= 0:
            return True
    return False


def jpeg_has_junk(view: mmap.mmap) -> bool:
    """Whether a scan is broken off by a marker that no JPEG has."""
    try:
        return any(0x02 <= marker <= 0xBF for marker, *_ in _walk(view))
    except _NOT_UNDERSTOOD:
        return False


def one_scan(view: mmap.mmap) -> tuple[int, int] | None:
    """(begin, end) of the pixels of a JPEG that has them in one go; None of any other."""
    try:
        scans = [(begin, end, jpeg, head) for _, head, begin, end, jpeg in _walk(view)]
    except _NOT_UNDERSTOOD:
        return None
    if len(scans) != 1:
        return None
    begin, end, jpeg, head = scans[0]
    return (begin, end) if jpeg.sequential and head[0] == len(jpeg.shares) else None


def has_run(view: mmap.mmap, begin: int, end: int) -> bool:
    """Whether a part holds a run of zeros that may be a hole, and may be an area of one colour."""
    return view.find(bytes(_RUN), begin, end) >= 0


_HOLES = {
    "image/jpeg": _jpeg_has_holes,
    "image/heic": _items_have_holes,
    "image/avif": _items_have_holes,
    "image/webp": _webp_has_holes,
}
