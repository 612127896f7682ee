"""The structure of a JPEG (ITU T.81, annex B): its segments and scans, walked once, nothing decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.photos.bounds import (
    EXIF_BYTES,
    NOT_UNDERSTOOD,
    PIECE,
    SCANS,
    SEGMENTS,
    Bytes,
    Coded,
    Counter,
    Structure,
    damaged,
    found,
    number,
)

_RUN = 256
_MARKER = re.compile(rb"\xff(?=[^\xff])")
# In a scan, 255 is followed by 0 or a restart; anything else ends it.
_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_NO_LENGTH = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_RESERVED = range(0x02, 0xC0)
# Of a picture in several scans its decoder holds every coefficient, two bytes each.
_COEFFICIENT_BYTES = 330_000_000
_TABLES = 32
# A piece of a scan in which every fourth byte is 255 takes long to look through; so many of them may be.
_DENSE = 4
_DENSE_PIECES = 64


@dataclass(slots=True)
class _Frame:
    """What was read on the way to a scan. Tables by (class, number): the symbol of the code of zeros, its length."""

    tables: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict[tuple[int, int], tuple[int, int]])
    # Of each component its share of blocks in a group.
    shares: dict[int, int] = field(default_factory=dict[int, int])
    width: int = 0
    height: int = 0
    progressive: bool = False
    sequential: bool = False
    groups: int = 0
    group_pixels: int = 0

    def read(self, marker: int, body: bytes) -> None:
        """Raises BadPicture for a frame that no decoder here takes."""
        self.progressive, self.sequential = marker == 0xC2, marker in (0xC0, 0xC1)
        depth, count = body[0], body[5]
        self.height, self.width = number(body, 1, 2), number(body, 3, 2)
        sampling = {body[n]: (body[n + 1] >> 4, body[n + 1] & 15) for n in range(6, 6 + 3 * count, 3)}
        if depth != 8 or count not in (1, 3, 4) or not all(h and v for h, v in sampling.values()):
            raise damaged()
        self.shares = {id: h * v for id, (h, v) in sampling.items()}
        wide = 8 * max(h for h, _ in sampling.values())
        high = 8 * max(v for _, v in sampling.values())
        self.groups = -(-self.width // wide) * -(-self.height // high)
        self.group_pixels = wide * high

    def read_tables(self, body: bytes) -> None:
        at = 0
        for _ in range(_TABLES):
            if at + 18 > len(body):
                break
            counts = body[at + 1 : at + 17]
            shortest = next((n for n, count in enumerate(counts, 1) if count), 0)
            if shortest:
                self.tables[body[at] >> 4, body[at] & 15] = (body[at + 17], shortest)
            at += 17 + sum(counts)

    def longest_run(self, head: bytes) -> int:
        """How many bytes of zeros the scan with this head can hold: those of a picture of one colour, where the codes allow it."""
        count = head[0]
        named = [(head[n], head[n + 1]) for n in range(1, 1 + 2 * count, 2)]
        begin, end, high = head[1 + 2 * count], head[2 + 2 * count], head[3 + 2 * count] >> 4
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

    def coded(self, head: bytes, begin: int, end: int) -> Coded | None:
        """None where the head cannot be understood: that is left to the decoder."""
        try:
            return Coded(begin, end, max(_RUN, self.longest_run(head) + 16))
        except NOT_UNDERSTOOD:
            return None

    @property
    def most(self) -> int:
        """How many pixels may be decoded of a picture like this in several scans."""
        return _COEFFICIENT_BYTES * self.group_pixels // (128 * sum(self.shares.values()))


def _marker(view: Bytes, at: int) -> int:
    """Where the code of the next marker stands, behind its bytes of 255; the end of the file where there is none. What lies between
    segments is passed over, as its decoder does."""
    if view[at : at + 1] == b"\xff" and view[at + 1 : at + 2] != b"\xff":
        return at + 1
    return found(view, _MARKER, at, 2) + 1


def _scan_end(view: Bytes, at: int, dense: Counter) -> int:
    """Where the scan that begins at `at` ends: at a marker, or with the file."""
    for begin in range(at, len(view), PIECE):
        piece = view[begin : begin + PIECE + 1]
        match = _SCAN_END.search(piece, 0, 4_096)
        if match is None:
            if piece.count(b"\xff") > len(piece) // _DENSE:
                dense.spend()
            match = _SCAN_END.search(piece)
        if match:
            return begin + match.start()
    return len(view)


@dataclass(slots=True)
class _Walk:
    """What a walk over the segments of the first picture has found."""

    frame: _Frame = field(default_factory=_Frame)
    # (begin, end, head) of every scan.
    scans: list[tuple[int, int, bytes]] = field(default_factory=list[tuple[int, int, bytes]])
    coded: list[Coded] = field(default_factory=list[Coded])
    exif: bytes = b""
    ended: bool = False

    def walk(self, view: Bytes) -> None:
        segments, scans, dense = Counter(SEGMENTS), Counter(SCANS), Counter(_DENSE_PIECES)
        at = 2
        while (at := _marker(view, at)) < len(view):
            segments.spend()
            marker, at = view[at], at + 1
            if marker == 0xD9:
                self.ended = True
                return
            if marker in _NO_LENGTH:
                continue
            if marker in _RESERVED:
                raise damaged()
            begin, at = at + 2, at + max(2, number(view, at, 2))
            if at > len(view):
                return
            if marker == 0xDA:
                scans.spend()
                begin, at = at, self._scan(view, begin, at, dense)
            else:
                self._segment(view, marker, begin, at)

    def _scan(self, view: Bytes, head_at: int, begin: int, dense: Counter) -> int:
        head, end = view[head_at:begin], _scan_end(view, begin, dense)
        self.scans.append((begin, end, head))
        part = self.frame.coded(head, begin, end)
        if part:
            self.coded.append(part)
        return end

    def _segment(self, view: Bytes, marker: int, begin: int, end: int) -> None:
        if marker in _FRAMES:
            self.frame.read(marker, view[begin:end])
        elif marker == 0xC4:
            self.frame.read_tables(view[begin:end])
        elif marker == 0xE1 and view[begin : begin + 6] == b"Exif\0\0" and len(self.exif) < EXIF_BYTES:
            self.exif += view[begin + 6 * bool(self.exif) : end]


def read(view: Bytes) -> Structure:
    """Raises BadPicture."""
    found = _Walk()
    found.walk(view)
    frame = found.frame
    if not found.scans or not frame.shares:
        raise damaged()
    begin, end, head = found.scans[0]
    in_one = len(found.scans) == 1 and frame.sequential and head[0] == len(frame.shares)
    # Of several scans without an end marker nobody knows how many are missing.
    if not found.ended and not in_one:
        raise damaged()
    scan, most = ((begin, end), None) if in_one else (None, frame.most)
    return Structure(frame.width, frame.height, found.exif, tuple(found.coded), ended=found.ended, scan=scan, most=most)
