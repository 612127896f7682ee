"""Files made to cost their reader much: small, in order by their first bytes, and endless to decode."""

from __future__ import annotations

import struct
import zlib


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def _table(kind: int, symbol: int) -> bytes:
    """A Huffman table of one code: the bit 0 is `symbol`."""
    return _segment(0xC4, bytes((kind, 1, *[0] * 15, symbol)))


def _frame(width: int, height: int, progressive: bool) -> bytes:
    quantum = _segment(0xDB, bytes((0, *[1] * 64)))
    frame = struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)
    tables = _table(0x00, 0) + _table(0x10, 0xE0 if progressive else 0)
    return b"\xff\xd8" + quantum + _segment(0xC2 if progressive else 0xC0, frame) + tables


def _bits(bits: str) -> bytes:
    """Bits as the bytes of a scan: filled up with ones, and a zero behind every 255."""
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def progressive_jpeg(width: int, height: int, scans: int, end: bool = False) -> bytes:
    """A progressive JPEG in grey whose first scan has the brightness; every further one says of all blocks that nothing changes."""
    blocks = -(-width // 8) * -(-height // 8)
    runs = ("0" + format(min(left, 32767) - 16384, "014b") for left in range(blocks, 16384, -32767))
    empty = _bits("".join(runs)) if blocks > 16384 else b"\x7f"
    head = _segment(0xDA, bytes((1, 1, 0, 0, 0, 0)))
    first = head + bytes(-(-blocks // 8))
    more = _segment(0xDA, bytes((1, 1, 0, 1, 63, 0))) + empty
    return _frame(width, height, True) + first + more * (scans - 1) + (b"\xff\xd9" if end else b"")


def baseline_jpeg(width: int, height: int) -> bytes:
    """A whole baseline JPEG of one grey: two bits a block."""
    blocks = -(-width // 8) * -(-height // 8)
    return _frame(width, height, False) + _segment(0xDA, bytes((1, 1, 0, 0, 63, 0))) + bytes(-(-blocks // 4)) + b"\xff\xd9"


def segments_jpeg(content: bytes, count: int, segment: bytes = b"\xff\xfe\0\2") -> bytes:
    """A JPEG with so many segments, empty comments for instance, before its picture."""
    return content[:2] + segment * count + content[2:]


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks_png(count: int, kind: bytes = b"IDAT", data: bytes = b"") -> bytes:
    """A PNG with so many chunks."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
    picture = chunk(b"IDAT", zlib.compress(bytes(64 * (1 + 3 * 64))))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(kind, data) * count + picture + chunk(b"IEND")


def box(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def _full(kind: bytes, data: bytes, version: int = 0) -> bytes:
    return box(kind, bytes((version, 0, 0, 0)) + data)


def heif(brand: bytes, width: int, height: int, tiles: int = 1, extents: int = 1, length: int = 16, *more: bytes) -> bytes:
    """A HEIC or AVIF of so many tiles, each in so many parts that all lie at the same place; `more` are boxes behind it."""
    kind, first = (b"hvc1" if brand == b"heic" else b"av01"), box(b"ftyp", brand + bytes(4) + b"mif1" + brand)
    names = (b"grid", *[kind] * tiles)
    items = b"".join(_full(b"infe", struct.pack(">HH", n, 0) + name + b"\0", 2) for n, name in enumerate(names, 1))
    refer = box(b"dimg", struct.pack(">HH", 1, tiles) + b"".join(struct.pack(">H", n + 2) for n in range(tiles)))
    size = box(b"iprp", box(b"ipco", _full(b"ispe", struct.pack(">II", width, height))) + _full(b"ipma", b"\0\0\0\1\0\1\1\1"))

    def meta(at: int) -> bytes:
        where = struct.pack(">II", at, length) * extents
        lies = b"".join(struct.pack(">HHH", n, 0, extents) + where for n in range(1, tiles + 2))
        places = _full(b"iloc", b"\x44\0" + struct.pack(">H", tiles + 1) + lies)
        count = struct.pack(">H", tiles + 1)
        return _full(b"meta", _full(b"pitm", b"\0\1") + _full(b"iinf", count + items) + places + _full(b"iref", refer) + size)

    at = len(first) + len(meta(0)) + 8
    return first + meta(at) + box(b"mdat", b"\x55" * length) + b"".join(more)


def film(frames: int) -> bytes:
    """A moov box with one track of so many pictures."""
    sizes = _full(b"stsz", struct.pack(">II", 0, frames))
    head = _full(b"tkhd", bytes(72) + struct.pack(">II", 64 << 16, 48 << 16))
    return box(b"moov", box(b"trak", head + box(b"mdia", box(b"minf", box(b"stbl", sizes)))))


def webp(width: int, height: int, *chunks: bytes) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + riff(b"VP8X", bytes(4) + size) + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff(kind: bytes, data: bytes = b"") -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
