"""Photographs of an issue as bytes, for papers that are whole in themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.kit.db import Connection
from app.photos import queries, store
from app.photos.store import MissingObject, Store


@dataclass(frozen=True, slots=True)
class Shown:
    """A photograph of an issue; `file` is its hash when there is a picture to look at. `taken_at` and `away_m` are what it says
    itself of when it was taken, and how far from where the report says."""

    id: str
    kind: str
    at: datetime
    file: str | None
    taken_at: datetime | None = None
    away_m: float | None = None
    doubts: tuple[str, ...] = ()


async def of_issues(connection: Connection, issues: list[UUID]) -> dict[str, list[Shown]]:
    """Photographs of issues in their order, also those that have not arrived or are damaged. The caller has seen to it that they may be seen."""
    found: dict[str, list[Shown]] = {}
    for row in await connection.fetch(queries.OF_ISSUES, issues):
        one = Shown(row["id"], row["kind"], row["at"], row["file"], row["taken_at"], row["away_m"], tuple(row["doubts"]))
        found.setdefault(row["issue"], []).append(one)
    return found


async def content(objects: Store, file: str | None) -> bytes | None:
    """The JPEG (1600) of a photograph; None where there is none, or the store has lost it."""
    if file is None:
        return None
    try:
        return await store.read(objects, store.variant(file, "screen.jpg"))
    except MissingObject:
        return None


# What is no issue and has photographs; the same words in the table `subjects`.
Subject = Literal["premises", "visit", "activity"]


async def attach(connection: Connection, kind: Subject, id: UUID, area: UUID, photos: list[UUID], account: UUID) -> None:
    """Photographs of something that is no issue, perhaps before their bytes arrive; who reads the area may see them. Named again: nothing."""
    await connection.execute(queries.ATTACH, kind, id, area, photos, account)


async def detach(connection: Connection, kind: Subject, id: UUID, area: UUID, but: list[UUID]) -> None:
    """Photographs of something that is no issue are no longer of it, `but` these; their bytes stay."""
    await connection.execute(queries.DETACH, kind, id, area, but)
