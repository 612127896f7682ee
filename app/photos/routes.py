"""HTTP of photographs and resumable uploads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from app.kit import paging
from app.kit.access import CALLER, Caller
from app.kit.audit import record
from app.kit.openapi import refused
from app.kit.problems import Problem, not_found
from app.kit.route import Route, Secret, TheCaller, TheDatabase, Transaction, hot, unauthorized
from app.kit.wire import answer, page
from app.photos import queries, quotas, receiving, schemas, store, uploads
from app.photos.formats import FORMATS
from app.photos.store import MissingObject
from app.settings import settings

router = APIRouter(route_class=Route, tags=["photos"])
_TUS = {"tus-resumable": "1.0.0", "cache-control": "no-store"}
_BYTES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {each: {"schema": {"type": "string", "format": "binary"}} for each in (*FORMATS, "application/octet-stream")},
    },
    "parameters": [schemas.DIGEST],
}
_FACTS: dict[int | str, dict[str, Any]] = {200: {"model": schemas.PhotoFacts}, 201: {"model": schemas.PhotoFacts}}
_OFFSET_TYPE = "application/offset+octet-stream"


def _facts(row: Any) -> dict[str, Any]:
    """What the caller may know of a photograph; where and when it was taken only its owner and who answers for the place."""
    knows = row["own"] or row["manages"]
    position = {"lat": row["lat"], "lon": row["lon"]} if row["lat"] is not None else None
    return {
        "id": row["id"], "state": row["state"], "reason": row["reason"], "sha256": row["sha256"], "bytes": row["bytes"],
        "media_type": row["media_type"], "width": row["width"], "height": row["height"], "developed": row["developed"],
        "taken_at": row["taken_at"] if knows else None, "position": position if knows else None, "camera": row["camera"] if knows else None,
    }  # fmt: skip


async def _seen(request: Request, id: UUID) -> Any:
    database, token, _ = hot(request)
    async with database.acquire() as connection:
        row = await connection.fetchrow(queries.PHOTO, token, id, settings().time_zone)
    if row is None:
        raise unauthorized()
    if row["id"] is None:
        raise not_found()
    return row


@router.put("/v1/photos/{id}", responses=_FACTS, openapi_extra=_BYTES)
async def put_photo(id: UUID, request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """A photograph's bytes, in one go: 201 the first time, 200 when they are here already. `Content-Digest` is checked when sent."""
    await receiving.check_may_send(database, caller, id)
    receiving.check_type(request.headers.get("content-type"))
    digest = receiving.promised_digest(request.headers.get("content-digest"))
    try:
        told = request.headers.get("content-length")
        if told is not None and uploads.length(told, "Content-Length") > settings().max_photo_bytes:
            raise receiving.too_large()
        quotas.check(caller.account_id, int(told or 0))
        async with receiving.spooled(request.stream()) as file:
            if digest is not None and digest != file.sha256:
                raise Problem(422, "digest")
            fresh = await receiving.keep(database, store.held(request.app.state), caller.account_id, id, file)
    except Problem as problem:
        if problem.status == 413:
            await receiving.refuse(database, caller.account_id, id, "photo-large")
        raise
    return answer(_facts(await _seen(request, id)), 201 if fresh else 200)


@router.get("/v1/photos/{id}", responses={200: {"model": schemas.PhotoFacts}})
async def get_photo(id: UUID, request: Request) -> Response:
    """What is known of a photograph: its state, size and hash; for those who answer for the place also when and where it was taken."""
    return answer(_facts(await _seen(request, id)))


@router.get(
    "/v1/photos/{id}/{variant}",
    responses={200: {"content": {each: {} for each in FORMATS}, "description": "The picture"}, 304: {}} | refused(410),
)
async def get_variant(id: UUID, variant: Literal["thumb", "screen", "original"], request: Request) -> Response:
    """`thumb` (320) or `screen` (1600): WebP, or JPEG for who does not accept it; the `original` for the office alone."""
    row = await _seen(request, id)
    if row["sha256"] is None or (variant == "original" and not row["office"]):
        raise not_found()
    objects = store.held(request.app.state)
    if variant == "original":
        if row["original_purged_at"] is not None:
            raise Problem(410, "original-purged")
        await _kept_look(request, id)
        # Bytes from outside: shown by no browser in this site's name.
        headers = {
            "content-disposition": f'attachment; filename="{row["id"]}"', "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'", "cache-control": "private, no-store",
            "content-length": str(row["bytes"]),
        }  # fmt: skip
        return StreamingResponse(await _begun(objects.stream(store.original(row["sha256"]))), 200, headers, row["media_type"])
    suffix = "webp" if "image/webp" in request.headers.get("accept", "") else "jpg"
    tag = f'"{row["sha256"][:32]}-{variant}-{suffix}"'
    headers = {
        "etag": tag, "vary": "Accept, Authorization, Cookie", "cache-control": "private, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
    }  # fmt: skip
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if row["state"] == "damaged":
        raise Problem(404, "photo-damaged")
    if not row["developed"]:
        raise Problem(404, "photo-pending", headers={"retry-after": "2", "cache-control": "no-store"})
    try:
        body = await store.read(objects, store.variant(row["sha256"], f"{variant}.{suffix}"))
    except MissingObject:
        raise not_found() from None
    return Response(body, 200, headers, "image/webp" if suffix == "webp" else "image/jpeg")


async def _kept_look(request: Request, id: UUID) -> None:
    """That somebody looks at an original is kept before they see it."""
    database, token, _ = hot(request)
    async with database.transaction() as connection:
        row = await connection.fetchrow(CALLER, token)
        if row is None:
            raise unauthorized()
        caller = Caller.of(row)
        shows = await connection.fetchrow(queries.SHOWS, id)
        told = {"issue": shows["issue_id"]} if shows else {}
        await record(connection, caller, "original_seen", id, shows["area_id"] if shows else None, told)


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, the first one already fetched: what is missing is a 404, not a torn answer."""
    try:
        first = await anext(pieces, b"")
    except MissingObject:
        raise not_found() from None

    async def rest() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return rest()


# --- tus 1.0.0 ----------------------------------------------------------------------------------------------------------
def _check_version(request: Request) -> None:
    if request.headers.get("tus-resumable", "1.0.0") != "1.0.0":
        raise Problem(412, "tus-version", headers={"tus-version": "1.0.0", **_TUS})


def _expires(expires_at: Any) -> dict[str, str]:
    return {"upload-expires": format_datetime(expires_at, usegmt=True)} if expires_at else {}


@router.options("/v1/uploads", status_code=204, responses={204: schemas.tus("Tus-Max-Size")})
async def options_uploads() -> Response:
    """What of tus 1.0.0 is understood here."""
    extensions = "creation,creation-with-upload,checksum,expiration,termination"
    headers = {
        "tus-version": "1.0.0", "tus-extension": extensions, "tus-max-size": str(settings().max_photo_bytes),
        "tus-checksum-algorithm": ",".join(uploads.CHECKSUMS),
    }  # fmt: skip
    return Response(status_code=204, headers=_TUS | headers)


@router.post(
    "/v1/uploads",
    status_code=201,
    response_class=Response,
    responses={201: schemas.tus("Upload-Offset")} | refused(400, 404, 412, 413, 415, 460),
    openapi_extra={
        "parameters": [schemas.VERSION, schemas.LENGTH, schemas.METADATA, schemas.CHECKSUM],
        "requestBody": {"content": {_OFFSET_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def post_upload(request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """Begin a resumable upload: `Upload-Length`, and `Upload-Metadata` with the photograph's id as `photo`. Sent again, it is the
    same upload, at `/v1/uploads/{photo}`."""
    _check_version(request)
    told = uploads.metadata(request.headers.get("upload-metadata", ""))
    try:
        id = UUID(told["photo"])
    except (KeyError, ValueError):
        raise Problem(422, "upload-metadata", fields=[("/Upload-Metadata/photo", "bad-id")]) from None
    await receiving.check_may_send(database, caller, id)
    media_type = told.get("filetype", "")
    receiving.check_type(media_type)
    size = uploads.length(request.headers.get("upload-length"), "Upload-Length")
    try:
        received, size, expires_at = await uploads.create(database, caller.account_id, id, size, media_type)
    except Problem as problem:
        if problem.status == 413:
            await receiving.refuse(database, caller.account_id, id, "photo-large")
        raise
    if request.headers.get("content-type", "").lower() == _OFFSET_TYPE:
        checksum = uploads.promised_checksum(request.headers.get("upload-checksum"))
        received = await uploads.append(
            database, store.held(request.app.state), caller.account_id, id, received, request.stream(), checksum
        )
    headers = {"location": f"/v1/uploads/{id}", "upload-offset": str(received), **_expires(expires_at)}
    return Response(status_code=201, headers=_TUS | headers)


@router.get("/v1/uploads/awaited", responses={200: {"model": schemas.AwaitedPhotos}})
async def get_awaited(
    caller: TheCaller,
    connection: Transaction,
    secret: Secret,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=paging.MAX_LIMIT)] = paging.DEFAULT_LIMIT,
) -> Response:
    """Photographs that the caller's reports and actions name and the server still lacks, with how much of each has arrived."""
    keys = paging.unseal(secret, "awaited", cursor) if cursor else ["1970-01-01T00:00:00+00:00", str(UUID(int=0))]
    after = (datetime.fromisoformat(keys[0]), UUID(keys[1]))
    rows = await connection.fetch(queries.AWAITED, caller.account_id, *after, limit + 1)
    items = [
        {
            "photo": row["photo"], "kind": row["kind"], "issue": row["issue"], "report": row["report"], "named_at": row["created_at"],
            "upload": {"offset": row["received"], "length": row["bytes"], "expires_at": row["expires_at"]} if row["bytes"] else None,
        }
        for row in rows[:limit]
    ]  # fmt: skip
    more = len(rows) > limit
    return page(
        items,
        paging.seal(secret, "awaited", [rows[limit - 1]["created_at"].isoformat(), rows[limit - 1]["photo"]]) if more else None,
    )


@router.head(
    "/v1/uploads/{id}",
    response_class=Response,
    responses={200: schemas.tus("Upload-Offset", "Upload-Length")} | refused(412),
    openapi_extra={"parameters": [schemas.VERSION]},
)
async def head_upload(id: UUID, request: Request, caller: TheCaller, connection: Transaction) -> Response:
    """How much of an upload has arrived."""
    _check_version(request)
    received, size, expires_at = await uploads.find(connection, caller.account_id, id)
    return Response(headers=_TUS | {"upload-offset": str(received), "upload-length": str(size), **_expires(expires_at)})


@router.patch("/v1/uploads/{id}", status_code=204, responses={204: schemas.tus("Upload-Offset")} | refused(400, 412, 460), openapi_extra={
    "parameters": [schemas.VERSION, schemas.OFFSET, schemas.CHECKSUM],
    "requestBody": {"required": True, "content": {_OFFSET_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
})  # fmt: skip
async def patch_upload(id: UUID, request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """Go on with an upload from `Upload-Offset`; `Upload-Checksum` is checked when sent. Whole, it is the stored photograph."""
    _check_version(request)
    if request.headers.get("content-type", "").lower() != _OFFSET_TYPE:
        raise Problem(415, "upload-type")
    offset = uploads.length(request.headers.get("upload-offset"), "Upload-Offset")
    checksum = uploads.promised_checksum(request.headers.get("upload-checksum"))
    received = await uploads.append(
        database, store.held(request.app.state), caller.account_id, id, offset, request.stream(), checksum
    )
    return Response(status_code=204, headers=_TUS | {"upload-offset": str(received)})


@router.delete(
    "/v1/uploads/{id}",
    status_code=204,
    responses={204: schemas.tus()} | refused(412),
    openapi_extra={"parameters": [schemas.VERSION]},
)
async def delete_upload(id: UUID, request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """Give up an unfinished upload."""
    _check_version(request)
    await uploads.give_up(database, store.held(request.app.state), caller.account_id, id)
    return Response(status_code=204, headers=_TUS)
