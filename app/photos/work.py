"""The photographs' jobs: variants made, unfinished uploads dropped."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Histogram

from app.issues.evidence import photo_changed
from app.kit import housekeeping
from app.kit.aside import one_by_one
from app.kit.db import Connection, Database
from app.kit.jobs import Job
from app.notices.telling import tell
from app.photos import queries, store, uploads
from app.photos.darkroom import Darkroom, Darkrooms, Died
from app.photos.store import MissingObject, Store
from app.settings import settings

log = structlog.get_logger()

_DEATHS = 3

DEVELOPING = Histogram(
    "gridpatrol_photo_developing_seconds", "Time to make the variants of a photograph.", buckets=(0.1, 0.3, 1, 3, 10, 60)
)


@dataclass(frozen=True, slots=True)
class Means:
    database: Database
    objects: Store
    darkroom: Darkroom | Darkrooms


async def develop(means: Means, sha256: str) -> None:
    """Make the variants of a file. May run twice: the same bytes give the same objects under the same keys."""
    digest = bytes.fromhex(sha256)
    async with means.database.acquire() as connection:
        file = await connection.fetchrow(queries.FILE, digest)
    if file is None or file["developed_at"] is not None:
        return
    if file["damage"] is not None:
        await _damaged(means.database, digest, file["damage"])
        return
    with tempfile.TemporaryDirectory(prefix="gridpatrol-") as name, DEVELOPING.time():
        folder = Path(name)
        source = folder / "original"
        try:
            with source.open("wb") as out:
                async for piece in means.objects.stream(store.original(sha256)):
                    out.write(piece)
        except MissingObject:
            log.error("a stored photograph is missing", sha256=sha256)
            raise
        try:
            made = await means.darkroom.develop(source, folder)
        except Died as died:
            log.warning("a photograph's decoder was ended", sha256=sha256, why=died.how, own_doing=died.own_doing)
            if died.own_doing:
                await _damaged(means.database, digest, died.how)
                return
            # Perhaps the whole server was being stopped: tried again. Three times is the picture's own doing all the same.
            async with means.database.acquire() as connection:
                deaths: Any = await connection.fetchval(queries.DEATH, digest)
            if deaths < _DEATHS:
                raise
            await _damaged(means.database, digest, "its decoder died")
            return
        if made.damage is not None:
            await _damaged(means.database, digest, made.damage)
            return
        await asyncio.gather(*(means.objects.put(store.variant(sha256, name), path) for name, path in made.files.items()))
    async with means.database.acquire() as connection:
        await connection.execute(queries.DEVELOPED, digest)


async def _damaged(database: Database, digest: bytes, damage: str) -> None:
    """The bytes are kept as they came; everybody who named them is told that nothing can be seen on them."""
    async with database.transaction() as connection:
        await connection.execute(queries.DAMAGED, digest, damage)
        for photo in await connection.fetch(queries.MARK_DAMAGED, digest, "photo-damaged"):
            await photo_changed(connection, photo["id"], photo["account_id"], "damaged", "photo-damaged")


async def sweep(means: Means, timestamp: int = 0) -> None:
    """Give up uploads that nobody goes on with."""
    await uploads.drop_expired(means.database, means.objects)


async def remind(means: Means, timestamp: int = 0) -> None:
    """Tell whoever owes the photograph of what they mended: once for a rectification, by the key of the notice."""
    async with means.database.transaction() as connection:
        owed = {row["photo_id"]: row for row in await connection.fetch(queries.OWED, settings().photo_owed_hours)}

        async def tell_of(connection: Connection, photos: list[UUID]) -> int:
            for row in map(owed.__getitem__, photos):
                told = {name: row[name] for name in ("number", "category", "place")}
                key = f"photo-missing:{row['id']}:{row['rectified_at'].isoformat()}"
                await tell(connection, [row["account_id"]], "photo_missing", key, row["id"], told)
            return len(photos)

        # One that cannot be told holds up nobody else's.
        await one_by_one(connection, "photo reminders", list(owed), tell_of)


_PAGES = 200


async def purge(means: Means, timestamp: int = 0) -> None:
    """Take originals out of the store whose last issue was closed long ago; the picture of 1,600 pixels, and what was read of the original, stay.

    Marked, taken out, marked as gone: each step may happen twice, and what a stopped process left is done first. No lock is held over the store.
    """
    days = settings().original_days
    if days and (begins := await housekeeping.begins(means.database, "originals")):
        log.warning(
            "originals past their term begin to go then; GRIDPATROL_ORIGINAL_DAYS=0 keeps them", then=begins, term_days=days
        )
        return
    removed = await _take_out(means)
    after = (datetime.min.replace(tzinfo=UTC), b"")
    for _ in range(_PAGES if days else 0):
        async with means.database.acquire() as connection:
            old = await connection.fetch(queries.OLD_ORIGINALS, days, *after)
            if old:
                await connection.execute(queries.PURGE, days, [row["sha256"] for row in old])
        if not old:
            break
        after = (old[-1]["created_at"], old[-1]["sha256"])
        removed += await _take_out(means)
    await housekeeping.note(means.database, "originals", removed)


async def _take_out(means: Means) -> int:
    """Originals that are marked; how many."""
    async with means.database.acquire() as connection:
        leaving = [row["sha256"] for row in await connection.fetch(queries.LEAVING)]
    if leaving:
        await means.objects.delete(store.original(sha256.hex()) for sha256 in leaving)
        async with means.database.acquire() as connection:
            await connection.execute(queries.GONE, leaving)
    return len(leaving)


JOBS = (
    Job("develop", develop),
    Job("sweep_uploads", sweep, cron="*/15 * * * *"),
    Job("purge_originals", purge, cron="37 3 * * *"),
    Job("remind_of_photos", remind, cron="5,20,35,50 * * * *"),
)
