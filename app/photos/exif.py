"""EXIF, as far as it is asked: a few tags of three directories, each read once and no value longer than it can be.

Pillow reads every entry of a directory whole; 65,000 entries that all point at the same megabytes would keep it busy for hours.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

MAKE, MODEL, ORIENTATION = 0x010F, 0x0110, 0x0112
_EXIF, _GPS = 0x8769, 0x8825
_ENTRIES = 512
_VALUE_BYTES = 4_096
_NUMBERS = 16
# TIFF types: how a value is packed; bytes and text are taken as they are.
_PACKED = {3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q"}
_PAIRS = {5: "II", 10: "ii"}
_SIZES = {1: 1, 2: 1, 7: 1, 5: 8, 10: 8} | {kind: struct.calcsize("<" + code) for kind, code in _PACKED.items()}


@dataclass(frozen=True, slots=True)
class Rational:
    """A fraction as it stands there: 0/0 means that it is not known."""

    numerator: int
    denominator: int

    def __float__(self) -> float:
        return self.numerator / self.denominator


Directory = dict[int, Any]


@dataclass(frozen=True, slots=True)
class Exif:
    main: Directory
    exif: Directory
    gps: Directory

    @property
    def orientation(self) -> int:
        """1 to 8. Whatever the tag holds beside such a number, phones show the picture as it lies."""
        value = self.main.get(ORIENTATION)
        if isinstance(value, bytes) and len(value) == 1:
            value = value[0]
        return value if type(value) is int and 1 <= value <= 8 else 1


def _value(block: bytes, order: str, kind: int, count: int, at: int) -> Any:
    size = _SIZES[kind]
    if size * count > 4:
        (at,) = struct.unpack_from(order + "I", block, at)
    if at + size * count > len(block):
        raise ValueError("beyond the block")
    if kind in (1, 7):
        return block[at : at + min(count, _VALUE_BYTES)]
    if kind == 2:
        text = block[at : at + min(count, _VALUE_BYTES)]
        return text.removesuffix(b"\0").decode("latin-1")
    count = min(count, _NUMBERS)
    if kind in _PAIRS:
        pairs = struct.iter_unpack(order + _PAIRS[kind], block[at : at + size * count])
        values = tuple(Rational(*pair) for pair in pairs)
    else:
        values = struct.unpack_from(f"{order}{count}{_PACKED[kind]}", block, at)
    return values[0] if len(values) == 1 else values


def _directory(block: bytes, order: str, at: Any) -> Directory:
    """A directory's tags; what cannot be read of it is left out."""
    tags: Directory = {}
    if not isinstance(at, int) or not 0 < at <= len(block) - 2:
        return tags
    (count,) = struct.unpack_from(order + "H", block, at)
    for entry in range(at + 2, at + 2 + 12 * min(count, _ENTRIES), 12):
        if entry + 12 > len(block):
            break
        tag, kind, many = struct.unpack_from(order + "HHI", block, entry)
        if kind in _SIZES and many:
            try:
                tags[tag] = _value(block, order, kind, many, entry + 8)
            except (struct.error, ValueError):
                continue
    return tags


def read(block: bytes) -> Exif:
    """The tags of a block of EXIF; of what cannot be read, nothing. Never raises."""
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return Exif({}, {}, {})
    main = _directory(block, order, struct.unpack_from(order + "I", block, 4)[0])
    return Exif(main, _directory(block, order, main.get(_EXIF)), _directory(block, order, main.get(_GPS)))
