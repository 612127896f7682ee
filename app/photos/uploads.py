"""Resumable uploads (tus 1.0.0): creation, creation-with-upload, checksum, expiration, termination.

The upload's id is the photograph's, so a phone that lost the answer to its POST finds the upload again. What arrives is committed
every quarter of a megabyte, as an object of its own, so a cut or a killed server costs no more than that. The last part is
committed together with the whole photograph: an upload that reads as complete is a stored photograph, always.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import ClientDisconnect

from app.kit.db import Connection, Database
from app.kit.problems import Problem, no_reach, not_found
from app.photos import queries, quotas, store
from app.photos.receiving import held, keep, spooled, too_large
from app.photos.store import Store
from app.settings import settings

PART_BYTES = 256 * 1024
# A piece with a checksum is held until it is whole and checked.
CHECKED_BYTES = 8_000_000
CHECKSUMS = {"sha256": hashlib.sha256, "sha1": hashlib.sha1, "md5": hashlib.md5}


def metadata(header: str) -> dict[str, str]:
    """Upload-Metadata: `key base64, key base64`. Problem 422 when it cannot be read."""
    found: dict[str, str] = {}
    try:
        for pair in header.split(","):
            key, _, value = pair.strip().partition(" ")
            if key:
                found[key] = base64.b64decode(value.strip(), validate=True).decode()
    except ValueError:  # not base64, not ASCII, or not UTF-8
        raise Problem(422, "upload-metadata", fields=[("/Upload-Metadata", "upload-metadata")]) from None
    return found


def length(header: str | None, name: str) -> int:
    """A header that counts bytes. Problem 422 when it does not."""
    if header is None or not header.isascii() or not header.isdigit() or len(header) > 15:
        raise Problem(422, "upload-length", fields=[(f"/{name}", "upload-length")])
    return int(header)


def promised_checksum(header: str | None) -> tuple[str, bytes] | None:
    """Upload-Checksum: `algorithm base64`. Problem 400 for an algorithm that is not ours, as tus demands."""
    if header is None:
        return None
    name, _, value = header.strip().partition(" ")
    name = name.lower()
    if name not in CHECKSUMS:
        raise Problem(400, "upload-checksum")
    try:
        return name, base64.b64decode(value, validate=True)
    except ValueError:
        raise Problem(400, "upload-checksum") from None


async def create(database: Database, account: UUID, id: UUID, bytes: int, media_type: str) -> tuple[int, int, datetime | None]:
    """(received, bytes, expiry) of a new upload, or of the one that is there; of a stored photograph all is received.

    Problems: 404 somebody else's photograph; 409 another length than before; 413 too large; 429 too many unfinished, or in an hour.
    """
    if bytes > settings().max_photo_bytes:
        raise too_large()
    if bytes == 0:
        raise Problem(422, "photo-empty")
    quotas.check(account, bytes)
    async with database.transaction() as connection:
        row = await held(connection, account, id)
        if row is not None and row["state"] == "stored":
            return bytes, bytes, None
        await quotas.check_open(connection, account, id, bytes)
        found = await connection.fetchrow(queries.ADD_UPLOAD, id, account, bytes, media_type[:100], settings().upload_days)
        if found is None:
            if await connection.fetchrow(queries.UPLOAD, id, account) is not None:
                raise Problem(409, "upload-differs")
            raise not_found() if await connection.fetchval(queries.IS_UPLOAD, id) else no_reach()
    return found["received"], found["bytes"], found["expires_at"]


async def find(connection: Connection, account: UUID, id: UUID) -> Any:
    """(received, bytes, expires_at) of an upload or of a stored photograph. Problem 404."""
    row = await connection.fetchrow(queries.UPLOAD, id, account)
    if row is not None:
        return row["received"], row["bytes"], row["expires_at"]
    file = await connection.fetchrow(queries.STORED, id, account)
    if file is None:
        raise not_found()
    return file["bytes"], file["bytes"], None


async def append(
    database: Database, objects: Store, account: UUID, id: UUID, offset: int, pieces: AsyncIterator[bytes],
    checksum: tuple[str, bytes] | None,
) -> int:  # fmt: skip
    """Add bytes from `offset` on; how many there are then. What arrived before a cut is kept, unless a checksum was promised
    for the whole.

    Problems: 404; 409 another offset; 413 more than was announced; 460 checksum; 415/422 whole, but not a photograph.
    """
    async with database.acquire() as connection:
        received, total, _ = await find(connection, account, id)
    if offset != received:
        raise Problem(409, "upload-offset", headers={"upload-offset": str(received)}, offset=received)
    if received == total:
        return total
    digest = CHECKSUMS[checksum[0]](usedforsecurity=False) if checksum else None
    pending, taken = bytearray(), received
    try:
        async for piece in pieces:
            pending += piece
            if digest:
                digest.update(piece)
            if taken + len(pending) > total:
                raise Problem(413, "upload-long", bytes=total)
            if checksum and len(pending) > CHECKED_BYTES:
                raise Problem(413, "too-large", limit=CHECKED_BYTES)
            while not checksum and len(pending) > PART_BYTES:
                await _commit(database, objects, account, id, taken, bytes(pending[:PART_BYTES]))
                taken += PART_BYTES
                del pending[:PART_BYTES]
    except ClientDisconnect:
        if checksum:
            raise
        if pending and taken + len(pending) < total:
            await _commit(database, objects, account, id, taken, bytes(pending))
        raise
    if digest and checksum and digest.digest() != checksum[1]:
        raise Problem(460, "upload-checksum-mismatch")
    if taken + len(pending) < total:
        if pending:
            await _commit(database, objects, account, id, taken, bytes(pending))
        return taken + len(pending)
    await _finish(database, objects, account, id, taken, bytes(pending))
    return total


async def _commit(database: Database, objects: Store, account: UUID, id: UUID, start: int, part: bytes) -> None:
    key = f"{store.sharded('parts', id.hex)}/{start:012}-{uuid.uuid4().hex[:8]}"
    await objects.put(key, part)
    async with database.transaction() as connection:
        if await connection.fetchval(queries.ADVANCE, id, start, len(part), key, settings().upload_days, account):
            return
    await objects.delete([key])
    raise Problem(409, "upload-moved")


async def _finish(database: Database, objects: Store, account: UUID, id: UUID, start: int, last: bytes) -> None:
    """The parts and the last bytes as one photograph, and the upload's row gone, in one transaction."""
    async with database.acquire() as connection:
        parts = await connection.fetch(queries.PARTS, id)

    async def whole() -> AsyncIterator[bytes]:
        at = 0
        for part in parts:
            if part["start"] != at:
                break
            async for piece in objects.stream(part["key"]):
                yield piece
            at += part["bytes"]
        if at != start:  # another sender finished it, or gave it up
            raise Problem(409, "upload-moved")
        yield last

    async def drop(connection: Connection) -> None:
        await connection.execute(queries.DROP_UPLOAD, id)

    try:
        async with spooled(whole()) as file:
            await keep(database, objects, account, id, file, drop)
    except Problem as problem:
        if problem.status in (415, 422):  # refused for what it is: sending the rest again would not mend it
            async with database.transaction() as connection:
                await drop(connection)
            await objects.delete([part["key"] for part in parts])
        raise
    except store.MissingObject:
        raise Problem(409, "upload-moved") from None
    await objects.delete([part["key"] for part in parts])


async def give_up(database: Database, objects: Store, account: UUID, id: UUID) -> None:
    """Termination. Problem 404; a stored photograph is not an upload any more."""
    async with database.transaction() as connection:
        if await connection.fetchrow(queries.UPLOAD, id, account) is None:
            raise not_found()
    await drop(database, objects, id)


async def drop(database: Database, objects: Store, id: UUID) -> None:
    async with database.transaction() as connection:
        keys = [part["key"] for part in await connection.fetch(queries.PARTS, id)]
        await connection.execute(queries.DROP_UPLOAD, id)
    await objects.delete(keys)


async def drop_expired(database: Database, objects: Store) -> int:
    """Uploads that nobody went on with; how many."""
    async with database.acquire() as connection:
        ids = [row["photo_id"] for row in await connection.fetch(queries.EXPIRED)]
    for id in ids:
        await drop(database, objects, id)
    return len(ids)
