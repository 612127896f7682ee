"""The structure of HEIC and AVIF: boxes of ISO/IEC 14496-12 and items of 23008-12, along the few paths that lead to a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.photos.bounds import (
    BOXES,
    EXIF_BYTES,
    FRAMES,
    NOT_UNDERSTOOD,
    BadPicture,
    Bytes,
    Coded,
    Counter,
    Structure,
    damaged,
    number,
)

_RUN = 256
# HEVC and AVC put a 3 between zeros: three in a row stand in no picture, four at most where the next part's length begins.
_ITEM_RUNS = {b"hvc1": 32, b"hev1": 32, b"avc1": 32, b"av01": _RUN}
_DERIVED = 8

Part = tuple[int, int]
Places = dict[int, list[tuple[int, int, int]]]


def boxes(view: Bytes, at: int, end: int, counter: Counter) -> Iterator[tuple[bytes, int, int]]:
    """(type, begin, end) of the boxes between two places, as far as they are in order (14496-12, 4.2)."""
    while at + 8 <= end:
        counter.spend()
        size, header = number(view, at, 4), 8
        if size == 1:
            size, header = number(view, at + 8, 8), 16
        size = size or end - at
        if size < header or at + size > end:
            return
        yield view[at + 4 : at + 8], at + header, at + size
        at += size


@dataclass(slots=True)
class _Meta:
    """The items of a file. Whatever lists them is read once, and spends from one counter."""

    view: Bytes
    counter: Counter
    # Only the first box of each kind counts.
    inside: dict[bytes, Part]
    primary: int = 0
    references: dict[bytes, dict[int, list[int]]] = field(default_factory=dict[bytes, dict[int, list[int]]])

    def __post_init__(self) -> None:
        begin, _ = self.inside[b"pitm"]
        self.primary = number(self.view, begin + 4, 2 if self.view[begin] == 0 else 4)
        if b"iref" in self.inside:
            self._read_references(*self.inside[b"iref"])

    def _read_references(self, begin: int, end: int) -> None:
        view, size = self.view, 2 if self.view[begin] == 0 else 4
        for name, at, _ in boxes(view, begin + 4, end, self.counter):
            count = number(view, at + size, 2)
            self.counter.spend(count)
            ids = [number(view, at + size + 2 + n * size, size) for n in range(count)]
            self.references.setdefault(name, {}).setdefault(number(view, at, size), []).extend(ids)

    def types(self) -> dict[int, bytes]:
        view, (begin, end) = self.view, self.inside[b"iinf"]
        types: dict[int, bytes] = {}
        for name, at, _ in boxes(view, begin + (6 if view[begin] == 0 else 8), end, self.counter):
            if name == b"infe" and view[at] in (2, 3):
                size = 2 if view[at] == 2 else 4
                types[number(view, at + 4, size)] = view[at + 6 + size : at + 10 + size]
        return types

    def places(self) -> Places:
        """Of each item where it lies: (how it is meant, begin, length)."""
        view, at = self.view, self.inside[b"iloc"][0]
        version, sizes = view[at], view[at + 4 : at + 6]
        offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
        index_size = sizes[1] & 15 if version else 0
        wide = 4 if version == 2 else 2
        count, at = number(view, at + 6, wide), at + 6 + wide
        places: Places = {}
        for _ in range(count):
            self.counter.spend()
            id, at, method = number(view, at, wide), at + wide, 0
            if version:
                method, at = number(view, at, 2) & 15, at + 2
            base, at = number(view, at + 2, base_size), at + 2 + base_size
            extents, at = number(view, at, 2), at + 2
            self.counter.spend(extents)
            for _ in range(extents):
                at += index_size
                begin, length = base + number(view, at, offset_size), number(view, at + offset_size, length_size)
                at += offset_size + length_size
                places.setdefault(id, []).append((method, begin, length))
        return places

    def properties(self, id: int) -> list[tuple[bytes, int, int]]:
        """The properties of an item, in their order."""
        view, inside = self.view, _firsts(self.view, *self.inside[b"iprp"], self.counter)
        held = list(boxes(view, *inside[b"ipco"], self.counter))
        begin, end = inside[b"ipma"]
        wide, size, at = 2 if view[begin] == 0 else 4, 2 if view[begin + 3] & 1 else 1, begin + 8
        for _ in range(number(view, begin + 4, 4)):
            self.counter.spend()
            if at >= end:
                break
            count = view[at + wide]
            if number(view, at, wide) == id:
                first = at + wide + 1
                places = [
                    number(view, n, size) & (0x7FFF if size == 2 else 0x7F) for n in range(first, first + count * size, size)
                ]
                return [held[place - 1] for place in places if 0 < place <= len(held)]
            at += wide + 1 + count * size
        return []

    def parts(self) -> set[int]:
        """The primary item and whatever it is put together from."""
        made_of = self.references.get(b"dimg", {})
        found, more = {self.primary}, [self.primary]
        while more:
            more = list({id for one in more for id in made_of.get(one, ()) if id not in found})
            found.update(more)
        return found

    def coded(self, types: dict[int, bytes], places: Places) -> list[Coded]:
        """Where the codes of the picture lie, not what its maker keeps beside it. Raises BadPicture where they end outside the file."""
        found: list[Coded] = []
        left = 2 * len(self.view)
        for id in self.parts():
            run = _ITEM_RUNS.get(types.get(id, b""))
            for method, begin, length in places.get(id, ()) if run else ():
                if method != 0:
                    continue
                if begin + length > len(self.view):
                    raise damaged()
                left -= length
                if left < 0:  # the same bytes again and again
                    raise BadPicture("photo-structure")
                found.append(Coded(begin, begin + length, run or 0))
        return found

    def exif(self, types: dict[int, bytes], places: Places) -> bytes:
        told = self.references.get(b"cdsc", {})
        id = next((id for id, kind in types.items() if kind == b"Exif" and self.primary in told.get(id, ())), None)
        if id is None:
            return b""
        block, origins = b"", {0: 0, 1: self.inside.get(b"idat", (len(self.view), 0))[0]}
        for method, begin, length in places.get(id, ()):
            if method in origins and len(block) < EXIF_BYTES:
                begin += origins[method]
                block += self.view[begin : begin + min(length, EXIF_BYTES)]
        # It begins with how far its header is from here; not everybody counts alike.
        head = min((at for at in (block.find(mark, 4, 1_000) for mark in (b"II*\0", b"MM\0*")) if at >= 0), default=len(block))
        return block[head:]


def _firsts(view: Bytes, at: int, end: int, counter: Counter) -> dict[bytes, Part]:
    """The first box of each type."""
    found: dict[bytes, Part] = {}
    for name, begin, stop in boxes(view, at, end, counter):
        found.setdefault(name, (begin, stop))
    return found


def _sizes(meta: _Meta, heic: bool) -> tuple[int, int, int, int]:
    """(width, height) as they are decoded, and as they are looked at."""
    id, properties = meta.primary, list[tuple[bytes, int, int]]()
    for _ in range(_DERIVED):
        properties = meta.properties(id)
        if any(name == b"ispe" for name, *_ in properties):
            break
        # An item that only turns another has no size of its own.
        id = meta.references.get(b"dimg", {}).get(id, [id])[0]
    view, width, height, decoded = meta.view, 0, 0, (0, 0)
    for name, at, _ in properties:
        if name == b"ispe":
            decoded = width, height = number(view, at + 4, 4), number(view, at + 8, 4)
        elif name == b"clap" and heic:
            parts = [number(view, at + n, 4) for n in range(0, 16, 4)]
            width, height = min(width, round(parts[0] / parts[1])), min(height, round(parts[2] / parts[3]))
        elif name == b"irot" and view[at] & 1:
            width, height = height, width
    return *decoded, width, height


def _track_sizes(view: Bytes, moov: Part, counter: Counter) -> list[Part]:
    """Width and height of every track. Raises BadPicture for a film."""
    sizes: list[Part] = []
    for name, begin, end in boxes(view, *moov, counter):
        if name != b"trak":
            continue
        at, inside = (begin, end), _firsts(view, begin, end, counter)
        if b"tkhd" in inside:
            last = inside[b"tkhd"][1]
            sizes.append((number(view, last - 8, 4) >> 16, number(view, last - 4, 4) >> 16))
        for path in (b"mdia", b"minf", b"stbl"):
            at = _firsts(view, *at, counter).get(path, (0, 0))
        table = _firsts(view, *at, counter).get(b"stsz")
        if table and number(view, table[0] + 8, 4) > FRAMES:
            raise BadPicture("photo-structure")
    return sizes


def read_heic(view: Bytes) -> Structure:
    """Raises BadPicture."""
    return _read(view, True)


def read_avif(view: Bytes) -> Structure:
    """Raises BadPicture."""
    return _read(view, False)


def _read(view: Bytes, heic: bool) -> Structure:
    counter, top, at = Counter(BOXES), dict[bytes, Part](), 0
    for name, begin, at in boxes(view, 0, len(view), counter):
        top.setdefault(name, (begin, at))
    if at != len(view):  # a box ends behind the file, or what is left is none
        raise damaged()
    tracks = _track_sizes(view, top[b"moov"], counter) if b"moov" in top else []
    if not heic and tracks and (b"meta" not in top or view[8:12] == b"avis"):
        width, height = max(tracks, key=lambda size: size[0] * size[1])
        return Structure(width, height, b"", exif_turns=False)
    begin, end = top[b"meta"]
    meta = _Meta(view, counter, _firsts(view, begin + 4, end, counter))
    decoded_width, decoded_height, width, height = _sizes(meta, heic)
    if not decoded_width * decoded_height:
        raise damaged()
    coded, exif = list[Coded](), b""
    # What cannot be understood beside the size is left to the decoder.
    try:
        types, places = meta.types(), meta.places()
        coded = meta.coded(types, places)
        exif = meta.exif(types, places)
    except NOT_UNDERSTOOD:
        pass
    return Structure(width, height, exif, tuple(coded), exif_turns=False, pixels=decoded_width * decoded_height)
