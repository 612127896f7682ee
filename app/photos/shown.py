"""Photographs of an issue as bytes, for papers that are whole in themselves."""

from __future__ import annotations

from uuid import UUID

from app.kit.db import Connection
from app.photos import queries, store
from app.photos.store import MissingObject, Store


async def of_issue(connection: Connection, objects: Store, issue: UUID, most: int = 4) -> list[tuple[str, bytes]]:
    """(kind, JPEG) of an issue's developed photographs in their order, at most `most`. The caller has seen to it that they may be seen."""
    found: list[tuple[str, bytes]] = []
    for row in await connection.fetch(queries.OF_ISSUE, issue, most):
        try:
            found.append((row["kind"], await store.read(objects, store.variant(row["sha256"], "screen.jpg"))))
        except MissingObject:
            continue
    return found


async def attach(connection: Connection, subject: UUID, photos: list[UUID], account: UUID, area: UUID) -> None:
    """Photographs of something that is no issue, perhaps before their bytes arrive; who reads the area may see them. Named again: nothing."""
    await connection.execute(queries.ATTACH, subject, photos, account, area)
