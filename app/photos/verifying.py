"""Is what the database says of photographs true of the object store, and the other way round?"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.kit.db import Database
from app.photos import queries, store
from app.photos.developing import SIZES
from app.photos.store import Entry, MissingObject, Store

_VARIANTS = tuple(f"{name}.{suffix}" for name in SIZES for suffix in ("webp", "jpg"))
# A photograph that is being received is in the store before it is in the database.
_YOUNG = timedelta(days=1)


async def _damage(objects: Store, sha256: str) -> str | None:
    digest = hashlib.sha256()
    try:
        async for piece in objects.stream(store.original(sha256)):
            digest.update(piece)
    except MissingObject:
        return "missing"
    return None if digest.hexdigest() == sha256 else "damaged"


async def verify(database: Database, objects: Store, delete_orphans: bool, console: Console) -> bool:
    """Print every object that is missing, damaged (its bytes have another hash) or orphaned; True when none is missing or damaged.

    Reads every original once; stopped in between and begun again it does no harm.
    """
    missing = damaged = orphaned = files = 0
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("photographs")
        after = b""
        while True:
            async with database.acquire() as connection:
                rows = await connection.fetch(queries.FILES_AFTER, after)
            if not rows:
                break
            for row in rows:
                found = None if row["purged"] else await _damage(objects, row["sha256"])
                missing += found == "missing"
                damaged += found == "damaged"
                if found:
                    print(f"{found} {store.original(row['sha256'])}")
                for key in [store.variant(row["sha256"], name) for name in _VARIANTS if row["developed"]]:
                    if await objects.size(key) is None:
                        missing += 1
                        print(f"missing {key}")
            files += len(rows)
            after = bytes.fromhex(rows[-1]["sha256"])
            progress.update(task, description=f"{files} photographs read")
        for prefix in ("originals", "variants", "parts"):
            batch: list[Entry] = []
            async for entry in objects.entries(prefix):
                batch.append(entry)
                if len(batch) == 500:
                    orphaned += await _orphans(database, objects, prefix, batch, delete_orphans)
                    batch = []
            orphaned += await _orphans(database, objects, prefix, batch, delete_orphans)
    print(
        f"{files} photographs: {missing} objects missing, {damaged} damaged, {orphaned} orphaned{' and deleted' if delete_orphans else ''}."
    )
    return not missing and not damaged


async def _orphans(database: Database, objects: Store, prefix: str, batch: list[Entry], delete: bool) -> int:
    old = [entry.key for entry in batch if entry.modified_at < datetime.now(UTC) - _YOUNG]
    async with database.acquire() as connection:
        if prefix == "parts":
            known = {row["key"] for row in await connection.fetch(queries.KNOWN_PARTS, old)}
            lost = [key for key in old if key not in known]
        else:
            hashes = {key: key.rsplit("/", 1)[1].split(".")[0] for key in old}
            wanted = [bytes.fromhex(sha) for sha in hashes.values() if len(sha) == 64]
            known = queries.KNOWN_ORIGINALS if prefix == "originals" else queries.KNOWN_FILES
            kept = {row["sha256"] for row in await connection.fetch(known, wanted)}
            lost = [key for key, sha in hashes.items() if sha not in kept]
    for key in lost:
        print(f"orphaned {key}")
    if delete:
        await objects.delete(lost)
    return len(lost)
