"""Bytes in: from a request into a file, from the file into the store, and only then into the database.

A photograph is `stored` when its object has survived a power cut and its row has committed, in this order; so nothing refers to
an object that is not there. A crash in between leaves an object that nothing refers to, which `gridpatrol photos verify` lists.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from app.issues.evidence import photo_changed
from app.kit.access import Caller
from app.kit.db import Connection, Database
from app.kit.jobs import defer
from app.kit.problems import Problem, no_reach, not_found
from app.photos import queries, quotas, store
from app.photos.bounds import BadPicture, damaged
from app.photos.darkroom import Darkroom, Died
from app.photos.looking import Facts, look
from app.photos.store import Store
from app.settings import settings

# Threads of its own: passwords and papers wait for none of this, nor this for them.
_LOOKING = ThreadPoolExecutor(2, "looking")
_turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
_judging = asyncio.Semaphore(1)
_JUDGING_S = 5
_JUDGING_CPU_S = 2.0


@dataclass(frozen=True, slots=True)
class Spooled:
    path: Path
    bytes: int
    sha256: bytes


def too_large() -> Problem:
    return Problem(413, "too-large", limit=settings().max_photo_bytes)


def promised_digest(content_digest: str | None) -> bytes | None:
    """The SHA-256 of a Content-Digest header (RFC 9530); None when it names none. Problem 422 when it cannot be read."""
    for part in (content_digest or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "sha-256":
            try:
                digest = base64.b64decode(value.strip().strip(":"), validate=True)
            except ValueError:  # not base64, or not even ASCII
                digest = b""
            if len(digest) != 32:
                raise Problem(422, "digest-unread")
            return digest
    return None


def check_type(content_type: str | None) -> None:
    """What claims to be something else than a picture is refused unread; which picture it is, its bytes say."""
    media = (content_type or "").split(";")[0].strip().lower()
    picture = media.startswith("image/") and media != "image/svg+xml" and media.isprintable()
    if media not in ("", "application/octet-stream") and not picture:
        raise Problem(415, "photo-content-type", given=media[:60])


@asynccontextmanager
async def spooled(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Spooled]:
    """The pieces as a temporary file, read once. Problem 413 as soon as there are too many bytes."""
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(prefix="gridpatrol-", suffix=".photo") as file:
        async for piece in pieces:
            size += len(piece)
            if size > settings().max_photo_bytes:
                raise too_large()
            digest.update(piece)
            file.write(piece)
        file.flush()
        yield Spooled(Path(file.name), size, digest.digest())


async def check_may_send(database: Database, caller: Caller, id: UUID) -> None:
    """Before any byte is read: whoever holds no role sends only what their reports await. Problem 403."""
    if not caller.roles:
        async with database.acquire() as connection:
            if await held(connection, caller.account_id, id) is None:
                raise no_reach()


async def held(connection: Connection, account: UUID, id: UUID) -> Any:
    """The photograph's row, or None. Problem 404 when it is somebody else's."""
    row = await connection.fetchrow(queries.HELD, id)
    if row is not None and row["account_id"] != account:
        raise not_found()
    return row


def same_or_taken(row: Any, sha256: bytes) -> None:
    """Problem 409 when the id holds other bytes already that can be looked at."""
    if row is not None and row["state"] == "stored" and row["sha256"] != sha256:
        raise Problem(409, "photo-taken", extra={"photo": {"sha256": row["sha256"].hex(), "state": row["state"]}})


async def refuse(database: Database, account: UUID, id: UUID, reason: str) -> None:
    """Remember of an awaited photograph that what came cannot be kept: its issue stays, its phone need not send it again."""
    async with database.transaction() as connection:
        if await connection.fetchval(queries.REFUSE, id, account, reason):
            await photo_changed(connection, id, account, "refused", reason)


async def look_or_refuse(database: Database, account: UUID, id: UUID, path: Path) -> Facts:
    try:
        return await _looked(account, path)
    except BadPicture as bad:
        await refuse(database, account, id, bad.slug)
        raise Problem(bad.status, bad.slug, **bad.values) from None


async def _looked(account: UUID, path: Path) -> Facts:
    """The facts of a photograph. Raises BadPicture. An account's files are looked at one after the other: however many it sends at
    once, and however long they take, the others' wait for one of them at most."""
    turn = _turns.setdefault(account, asyncio.Lock())
    async with turn:
        try:
            facts = await asyncio.get_running_loop().run_in_executor(_LOOKING, look, path)
            if not facts.ended and await _cut_short(path):
                raise damaged()
        except BadPicture:
            # In the account's turn: its further files wait as well.
            await asyncio.sleep(quotas.pause_after_bad(account))
            raise
    return facts


async def _cut_short(path: Path) -> bool:
    """Whether a JPEG without its end marker lacks pixels as well. Only a decoder can say: in a process of its own, one at a time.
    Where that takes longer than somebody waits it is taken, and judged when it is developed."""
    room = Darkroom()
    try:
        async with asyncio.timeout(_JUDGING_S), _judging:
            return (await room.judge(path, _JUDGING_CPU_S)).damage is not None
    except Died as died:
        return died.own_doing
    except (TimeoutError, OSError):
        return False
    finally:
        await room.close()


async def keep(database: Database, objects: Store, account: UUID, id: UUID, file: Spooled, on_commit: Any = None) -> bool:
    """Keep a whole photograph: object first, row second. False when it was here already.

    Problems: 404 somebody else's id; 409 the id holds other bytes; 415/422 not a photograph. `on_commit(connection)` runs in the
    transaction that stores it.
    """
    async with database.acquire() as connection:
        row = await held(connection, account, id)
    same_or_taken(row, file.sha256)
    facts = await look_or_refuse(database, account, id, file.path)
    # Written even if an object with these bytes is here: that renews its date, so that no clean-up takes it meanwhile for forgotten.
    await objects.put(store.original(file.sha256.hex()), file.path)
    async with database.transaction() as connection:
        await connection.execute(
            queries.ADD_FILE, file.sha256, file.bytes, facts.media_type, facts.width, facts.height, facts.taken_at,
            facts.taken_local, facts.lon, facts.lat, facts.camera, account,
        )  # fmt: skip
        fresh = await connection.fetchval(queries.STORE, id, account, file.sha256)
        if fresh:
            await photo_changed(connection, id, account, "stored")
            await _defer(connection, account, file.sha256)
        else:
            row = await held(connection, account, id)
            if row is None:  # the last role was taken back, or the account closed, while the bytes came
                raise no_reach()
            same_or_taken(row, file.sha256)
        if on_commit is not None:
            await on_commit(connection)
    if fresh:
        quotas.spend(account, file.bytes)
    return bool(fresh)


async def _defer(connection: Connection, account: UUID, sha256: bytes) -> None:
    """Have a photograph developed: behind as many of everybody's as its account has waiting already, so that nobody waits for all
    of another's. The number only orders the queue: two uploads at once may get the same one, and nothing depends on it. That every
    file is developed, also when a worker dies or a job runs twice, stands by the job of its own that each file has."""
    waiting: Any = await connection.fetchval(queries.WAITING, account, sha256)
    await defer(connection, "develop", priority=-waiting, sha256=sha256.hex())
