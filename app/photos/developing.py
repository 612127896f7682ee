"""Making what people look at from what a phone sent: upright, at two sizes, without a word of metadata.

Decoders meet bytes from outside here, and nowhere else: in a process of its own (`python -m app.photos.developing`), one
photograph at a time, with limits of memory and of processor time, and after everybody else at the processor. What kills it costs
one photograph. Line by line it is told `{"source", "folder"}`, without a folder only to read all pixels, and answers `{"files"}`,
`{"damage"}` or, when the machine is at fault, `{"failed"}`.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pillow_heif
from PIL import AvifImagePlugin, Image, ImageFile

from app.photos import exif, pixels
from app.photos.bounds import BadPicture, Structure
from app.photos.formats import MAX_PIXELS, media_type
from app.photos.opening import used
from app.photos.turning import turned
from app.photos.wholeness import has_run, structure

SIZES = {"screen": 1600, "thumb": 320}
# Of addresses; the largest that are taken need 400 MB.
_MEMORY = 1_000_000_000
# Of the processor, for one photograph.
CPU_S = 5.0
_NICE = 10
# Where a hole of zeros is possible, the decoder reads by so little that its end is known: codes of zeros
# are as many pixels as were there only by chance.
_SMALL_BLOCK, _SMALL_SLACK = 512, 64


class Damaged(Exception):
    """Some of the pixels are not there."""


def _open(path: Path) -> Image.Image:
    """The picture, upright and flat, not much larger than the largest variant."""
    with path.open("rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            kind = media_type(view[:256])
            if kind is None:
                raise ValueError("no known format")
            # Looked at when it came: again, for what was taken before there were these bounds.
            found = structure(kind, view)
            doubtful = found.scan is not None and has_run(view, *found.scan)
        if kind == "image/heic":
            return _open_heif(path)
        image = _loaded(file, kind, found, doubtful)
        size, info = image.size, image.info
        factor = max(1, max(size) // max(SIZES.values()))
        small = pixels.shrunk(size, factor, lambda top, bottom: image.crop((0, top, size[0], bottom)))
        return turned(_in_srgb(small, info), exif.read(info.get("exif") or b"").orientation)


def _loaded(file: BinaryIO, kind: str, found: Structure, doubtful: bool) -> Image.Image:
    """Every pixel read. Raises Damaged, or whatever its decoder says."""
    scan = found.scan
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

    file.seek(0)
    if scan:
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


def _carried_out(order: dict[str, Any]) -> dict[str, Any]:
    try:
        source, folder = Path(order["source"]), order.get("folder")
        if folder is None:
            _open(source)
            return {"files": {}}
        return {"files": develop(source, Path(folder))}
    except BadPicture as bad:
        return {"damage": bad.slug}
    except Exception as error:  # of any decoder: the photograph is damaged, and says why
        # A decoder's complaints carry no number of the system's; a full disk does.
        fault = "failed" if isinstance(error, OSError) and error.errno is not None else "damage"
        return {fault: f"{type(error).__name__}: {error}"[:300]}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICE)
    Image.MAX_IMAGE_PIXELS = None
    # One photograph, one core: how many are decoded at once is the worker's to say, and each thread would take memory of its own.
    AvifImagePlugin.DEFAULT_MAX_THREADS = pillow_heif.options.DECODE_THREADS = 1
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        # The signal ends the process, in the middle of a decoder too, and tells whoever waits why.
        signal.setitimer(signal.ITIMER_PROF, order.get("cpu_s", CPU_S))
        answer = _carried_out(order)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(answer | {"peak_kb": _peak_kb()}), flush=True)


if __name__ == "__main__":
    main()
