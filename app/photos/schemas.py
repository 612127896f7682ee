"""Shapes of answers about photographs and uploads, and the headers of tus 1.0.0."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from app.kit.wire import Instant, Wire


class TakenAt(Wire):
    lat: float
    lon: float


class PhotoFacts(Wire):
    """`taken_at`, `position` and `camera` only for its owner and who answers for the place."""

    id: UUID
    state: Literal["awaited", "stored", "refused", "damaged"]
    reason: str | None
    sha256: str | None
    bytes: int | None
    media_type: str | None
    width: int | None
    height: int | None
    developed: bool
    taken_at: Instant | None
    position: TakenAt | None
    camera: str | None


class Arrived(Wire):
    offset: int
    length: int
    expires_at: Instant


class AwaitedPhoto(Wire):
    photo: UUID
    kind: Literal["before", "after", "scene"]
    issue: UUID | None
    report: UUID | None
    named_at: Instant
    upload: Arrived | None


class AwaitedPhotos(Wire):
    items: list[AwaitedPhoto]
    next_cursor: str | None


def header(name: str, description: str, required: bool = False, **schema: Any) -> dict[str, Any]:
    """A header of a request, for a route's `openapi_extra`."""
    return {"name": name, "in": "header", "required": required, "description": description, "schema": {"type": "string"} | schema}


_BASE64 = "([A-Za-z0-9+/]{4}){1,16}"
_COUNT = {"type": "string", "pattern": "^[0-9]{1,15}$"}
VERSION = header("Tus-Resumable", "The version of tus; 1.0.0 when it is not said.", const="1.0.0")
LENGTH = header("Upload-Length", "Bytes of the whole.", True, pattern="^[1-9][0-9]{0,14}$")
OFFSET = header("Upload-Offset", "Bytes that have arrived.", True, pattern="^[0-9]{1,15}$")
METADATA = header(
    "Upload-Metadata",
    "`photo` with the photograph's id, and `filetype`; values in base64.",
    True,
    pattern="(^|,) *photo [A-Za-z0-9+/]{48} *(,|$)",
)
CHECKSUM = header(
    "Upload-Checksum", "`sha256`, `sha1` or `md5`, and the digest in base64.", pattern=f"^(sha256|sha1|md5) {_BASE64}$"
)
DIGEST = header("Content-Digest", "RFC 9530; of its algorithms `sha-256` is checked.")


def tus(*names: str) -> dict[str, Any]:
    """The headers of an answer of tus, for a route's `responses`."""
    counted = {name: {"required": True, "schema": _COUNT} for name in names}
    return {"headers": {"Tus-Resumable": {"required": True, "schema": {"type": "string", "const": "1.0.0"}}} | counted}
