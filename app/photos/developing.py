"""Making what people look at from what a phone sent: upright, at two sizes, without a word of metadata.

Decoders meet bytes from outside here, so this runs in a process of its own (`python -m app.photos.developing`), one photograph
at a time, with a limit on memory and time: what kills it costs one photograph. Line by line it is told `{"source", "folder"}` and
answers `{"files"}`, `{"damage"}` or, when the machine is at fault, `{"failed"}`.
"""

from __future__ import annotations

import io
import json
import mmap
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pillow_heif
from PIL import Image, ImageFile

from app.photos import pixels
from app.photos.formats import MAX_PIXELS, media_type
from app.photos.opening import used
from app.photos.turning import orientation, turned
from app.photos.wholeness import has_run, one_scan

SIZES = {"screen": 1600, "thumb": 320}
_MEMORY = 1_500_000_000
# Where a hole of zeros is possible, the decoder reads by so little that its end is known: codes of zeros
# are as many pixels as were there only by chance.
_SMALL_BLOCK, _SMALL_SLACK = 512, 64


class Damaged(Exception):
    """Some of the pixels are not there."""


def _open(path: Path) -> Image.Image:
    """The picture, upright and flat, not much larger than the largest variant."""
    with path.open("rb") as file:
        kind = media_type(file.read(256))
    if kind is None:
        raise ValueError("no known format")
    if kind == "image/heic":
        return _open_heif(path)
    with path.open("rb") as file:
        image = _loaded(file, kind)
        size, info = image.size, image.info
        factor = max(1, max(size) // max(SIZES.values()))
        small = pixels.shrunk(size, factor, lambda top, bottom: image.crop((0, top, size[0], bottom)))
        return turned(_in_srgb(small, info), orientation(info))


def _loaded(file: BinaryIO, kind: str) -> Image.Image:
    """Every pixel read. Raises Damaged, or whatever its decoder says."""
    scan, doubtful = None, False
    if kind == "image/jpeg":
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            scan = one_scan(view)
            doubtful = scan is not None and has_run(view, *scan)
    padding = _padding(*scan) if scan else b""

    def load(image: Image.Image, source: BinaryIO) -> Image.Image:
        if image.size[0] * image.size[1] > MAX_PIXELS[kind]:
            raise ValueError("too many pixels")
        largest = max(SIZES.values())
        image.draft("RGB", (largest, largest))
        if doubtful and isinstance(image, ImageFile.ImageFile):
            image.decodermaxblock = _SMALL_BLOCK
        image.load()
        if scan:
            at = source.tell()
            left = source.seek(0, io.SEEK_END) - len(padding) - at
            if left > (_SMALL_SLACK if doubtful else _slack(*scan)):
                raise Damaged("the pixels end before their bytes do")
        return image

    if scan:
        file.seek(0)
        return used(io.BytesIO(file.read(scan[1]) + padding), kind, load)
    image = used(file, kind, load)
    if kind == "image/png":
        file.seek(24)
        depth, colour = file.read(2)
        clear = pixels.clear_colour(image.info, depth, colour)
        if clear is not None:
            image.info["transparency"] = clear
    return image


def _slack(begin: int, end: int) -> int:
    """By how much the bytes of a JPEG may miss its pixels: its decoder reads 64 KB at once, and cameras have their faults."""
    return max(66_000, (end - begin) // 16)


def _padding(begin: int, end: int) -> bytes:
    """What goes behind a JPEG that ends with its pixels: a little that says nothing, but no end marker. Its decoder takes that for
    the rest of a picture of which half is missing, and here it says that it was cut short."""
    return b"\xff\x00" * (64 + (end - begin) // 128)


def _open_heif(path: Path) -> Image.Image:
    """libheif turns by itself. Its pixels are shrunk where they lie: a copy of 48 megapixels is never made."""
    held = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    # Of several it is the one that phones show, wherever it stands.
    picture = held[held.primary_index]
    width, height = picture.size
    if width * height > MAX_PIXELS["image/heic"]:
        raise ValueError("too many pixels")
    mode, stride, data = picture.mode, picture.stride, memoryview(picture.data or b"")

    def strip(top: int, bottom: int) -> Image.Image:
        part = data[top * stride : bottom * stride]
        return Image.frombytes(mode, (width, bottom - top), part, "raw", mode, stride, 1)

    factor = max(1, max(width, height) // max(SIZES.values()))
    return _in_srgb(pixels.shrunk((width, height), factor, strip), picture.info)


def _in_srgb(image: Image.Image, info: dict[Any, Any]) -> Image.Image:
    return pixels.in_srgb(image, info.get("icc_profile"))


def develop(source: Path, folder: Path) -> dict[str, str]:
    """Write every variant of `source` into `folder`; file names by variant. Raises whatever a decoder raises."""
    image = _open(source)
    files: dict[str, str] = {}
    for name, size in SIZES.items():
        image = image.copy()
        image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
        image.info = {}
        for suffix, options in (("webp", {"quality": 78, "method": 4}), ("jpg", {"quality": 80, "progressive": True})):
            file = folder / f"{name}.{suffix}"
            image.save(file, "WEBP" if suffix == "webp" else "JPEG", **options)
            files[file.name] = str(file)
    return files


def _peak_kb() -> int:
    """The most memory this process has held. (`getrusage` would tell of its parent's, if that was larger when it forked.)"""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.MAX_IMAGE_PIXELS = None
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        try:
            answer: dict[str, Any] = {"files": develop(Path(order["source"]), Path(order["folder"]))}
        except Exception as error:  # of any decoder: the photograph is damaged, and says why
            # A decoder's complaints carry no number of the system's; a full disk does.
            fault = "failed" if isinstance(error, OSError) and error.errno is not None else "damage"
            answer = {fault: f"{type(error).__name__}: {error}"[:300]}
        answer["peak_kb"] = _peak_kb()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
