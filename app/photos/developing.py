"""Making what people look at from what a phone sent: upright, at two sizes, without a word of metadata.

Decoders meet bytes from outside here, so this runs in a process of its own (`python -m app.photos.developing`), one photograph
at a time, with a limit on memory and time: what kills it costs one photograph. Line by line it is told `{"source", "folder"}` and
answers `{"files"}`, `{"damage"}` or, when the machine is at fault, `{"failed"}`.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageCms, ImageOps

from app.photos.formats import FORMATS, MAX_PIXELS, media_type

SIZES = {"screen": 1600, "thumb": 320}
_MEMORY = 1_500_000_000
_STRIP_ROWS = 64


def _open(path: Path) -> Image.Image:
    """The picture, upright, not much larger than the largest variant."""
    with path.open("rb") as file:
        kind = media_type(file.read(256))
    if kind is None:
        raise ValueError("no known format")
    if kind == "image/heic":
        return _open_heif(path)
    image = Image.open(path, formats=[FORMATS[kind]])
    if image.size[0] * image.size[1] > MAX_PIXELS[kind]:
        raise ValueError("too many pixels")
    largest = max(SIZES.values())
    image.draft("RGB", (largest, largest))
    image.load()
    orientation = image.getexif().get(0x0112, 1)
    factor = max(image.size) // largest
    small = image.reduce(factor) if factor > 1 else image
    small.info = {"icc_profile": image.info.get("icc_profile")}
    return _turned(small, orientation)


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.info["exif"] = exif.tobytes()
    return ImageOps.exif_transpose(image)


def _open_heif(path: Path) -> Image.Image:
    """libheif turns by itself. Its pixels are shrunk strip by strip where they lie: a copy of 48 megapixels is never made."""
    picture = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)[0]
    width, height = picture.size
    if width * height > MAX_PIXELS["image/heic"]:
        raise ValueError("too many pixels")
    factor = max(1, max(width, height) // max(SIZES.values()))
    small = Image.new("RGB", (-(-width // factor), -(-height // factor)), "white")
    pixels, rows = memoryview(picture.data or b""), factor * _STRIP_ROWS
    for top in range(0, height, rows):
        count = min(rows, height - top)
        strip = Image.frombytes(
            picture.mode, (width, count), pixels[top * picture.stride : (top + count) * picture.stride], "raw", picture.mode,
            picture.stride, 1,
        )  # fmt: skip
        small.paste(_flat(strip.reduce(factor) if factor > 1 else strip), (0, top // factor))
    small.info["icc_profile"] = picture.info.get("icc_profile")
    return small


def _flat(image: Image.Image) -> Image.Image:
    """As RGB; what is transparent stands on white."""
    if image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info):
        rgba = image.convert("RGBA")
        ground = Image.new("RGB", rgba.size, "white")
        ground.paste(rgba, mask=rgba.getchannel("A"))
        return ground
    return image if image.mode == "RGB" else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A phone's wide colours as the web's: without its profile the picture would look pale."""
    if not profile or image.mode != "RGB":
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError):
        return image


def develop(source: Path, folder: Path) -> dict[str, str]:
    """Write every variant of `source` into `folder`; file names by variant. Raises whatever a decoder raises."""
    image = _open(source)
    profile = image.info.get("icc_profile")
    image = _in_srgb(_flat(image), profile)
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
