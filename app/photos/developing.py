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
from PIL import Image

from app.photos import pixels
from app.photos.formats import FORMATS, MAX_PIXELS, media_type
from app.photos.turning import orientation, turned
from app.photos.wholeness import one_scan

SIZES = {"screen": 1600, "thumb": 320}
_MEMORY = 1_500_000_000


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
    scan = None
    if kind == "image/jpeg":
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            scan = one_scan(view)
    source = _with_end(file, *scan) if scan else file
    image = Image.open(source, formats=[FORMATS[kind]])
    if image.size[0] * image.size[1] > MAX_PIXELS[kind]:
        raise ValueError("too many pixels")
    largest = max(SIZES.values())
    image.draft("RGB", (largest, largest))
    image.load()
    if scan and scan[1] - source.tell() > _slack(*scan):
        raise Damaged("the pixels end before their bytes do")
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


def _with_end(file: BinaryIO, begin: int, end: int) -> io.BytesIO:
    """A JPEG up to the end of its pixels, and then a little that says nothing, but no end marker: its decoder takes that for
    the rest of a picture of which half is missing, and here it says that it was cut short."""
    file.seek(0)
    return io.BytesIO(file.read(end) + b"\xff\x00" * (64 + (end - begin) // 128))


def _open_heif(path: Path) -> Image.Image:
    """libheif turns by itself. Its pixels are shrunk where they lie: a copy of 48 megapixels is never made."""
    picture = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)[0]
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
