"""The built web client, shipped in the folder `built`: which file a name means, and what a browser may do with it."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

BUILT = Path(__file__).with_name("built")
_TEXT = {".html", ".js", ".mjs", ".css", ".svg", ".webmanifest", ".txt"}
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}
FILES = {path.relative_to(BUILT).as_posix(): path for path in BUILT.rglob("*") if path.is_file()}


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    zipped: bytes | None
    media_type: str
    etag: str


@lru_cache(maxsize=256)
def file(name: str) -> File | None:
    """A file of the client, compressed once; None when there is none of that name."""
    path = FILES.get(name)
    if path is None:
        return None
    content = path.read_bytes()
    text = path.suffix in _TEXT
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File(
        content,
        gzip.compress(content, 9) if text else None,
        f"{kind}; charset=utf-8" if text else kind,
        f'"{hashlib.sha256(content).hexdigest()[:20]}"',
    )


def policy(basemap: str) -> str:
    """Content-Security-Policy: this server alone, and the base map's when one is set."""
    beyond = ""
    if basemap.startswith("http"):
        beyond = " " + "/".join(basemap.split("/")[:3])
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{beyond}; connect-src 'self'{beyond}; "
        "worker-src 'self' blob:; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
