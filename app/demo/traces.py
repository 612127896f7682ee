"""What the demo's people left behind beside issues: photographs, walks, and what the office did at people's doors."""

from __future__ import annotations

import asyncio
import hashlib
import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.demo import drawing
from app.issues.history import Past
from app.issues.lifecycle import OPEN
from app.kit.db import Connection
from app.kit.jobs import defer
from app.photos import queries as photo_queries
from app.photos import store
from app.photos.store import Store


async def photographs(connection: Connection, objects: Store, cases: list[Past], streets: Sequence[str]) -> None:
    """Drawn photographs of the latest cases: what waits to be checked and sixty that were closed, before and after, and thirty that are open.
    The worker makes their variants."""
    latest = sorted(cases, key=lambda case: case.events[-1].at, reverse=True)
    mended = [case for case in latest if case.rectified_at and case.state == "rectified"]
    mended += [case for case in latest if case.rectified_at and case.state == "closed"][:60]
    stored: set[bytes] = set()
    for case in [*mended, *[case for case in latest if case.state in OPEN and case.state != "rectified"][:30]]:
        seed = next(n for n, street in enumerate(streets) if case.place.startswith(street))
        shown: list[tuple[str, str | None, uuid.UUID, uuid.UUID | None, datetime]] = [
            ("before", case.category, case.reporter_id, case.id, case.opened_at)
        ]
        if case.rectified_at:
            shown.append(("after", None, case.rectified_by or case.reporter_id, None, case.rectified_at))
        for position, (kind, found, account, report, at) in enumerate(shown, 1):
            picture = await asyncio.to_thread(drawing.street, seed, found)
            if picture is None:
                break
            digest, photo = hashlib.sha256(picture).digest(), uuid.uuid4()
            if digest not in stored:
                stored.add(digest)
                await objects.put(store.original(digest.hex()), picture)
                size = (drawing.WIDTH, drawing.HEIGHT)
                await connection.execute(
                    photo_queries.ADD_FILE, digest, len(picture), "image/jpeg", *size, *[None] * 4, "", account
                )
                await defer(connection, "develop", sha256=digest.hex())
            await connection.execute(photo_queries.STORE, photo, account, digest)
            await connection.execute(_SHOW, case.id, photo, report, kind, position, account, at)


_SHOW = """
with e as (
  insert into evidence (issue_id, photo_id, report_id, kind, position, account_id, at) values ($1, $2, $3, $4, $5, $6, $7)
) update issues set evidence = evidence + 1 where id = $1
"""


async def walks(
    connection: Connection,
    dice: random.Random,
    cells: list[uuid.UUID],
    community: uuid.UUID,
    people: Any,
    now: datetime,
    streets: Sequence[str],
    zone: str,
) -> None:
    """Eight weeks of walks, which pass by two cells nearly always, and what the office did at people's doors."""
    walked: list[tuple[Any, ...]] = []
    seen: list[tuple[Any, ...]] = []
    for day in range(56):
        for _ in range(dice.randrange(4, 9)):
            begun = now - timedelta(days=day, minutes=dice.randrange(30, 600))
            index = dice.randrange(len(cells) - 2) if dice.random() < 0.98 else dice.randrange(len(cells))
            id = uuid.uuid4()
            walker = dice.choice(people.volunteers[index])
            walked.append((id, walker, community, begun, begun + timedelta(minutes=25), dice.choice([1, 1, 2, 3]), begun))
            seen += [(id, cells[n], begun) for n in {index, max(0, index - dice.randrange(2))}]
    await connection.executemany(
        "insert into patrols (id, account_id, area_id, started_at, ended_at, people, counted_at) values ($1, $2, $3, $4, $5, $6, $7)",
        walked,
    )
    await connection.executemany("insert into patrol_cells (patrol_id, cell_id, first_at) values ($1, $2, $3)", seen)
    acts: list[tuple[Any, ...]] = []
    today = now.astimezone(ZoneInfo(zone)).date()
    for week in range(8):
        day = today - timedelta(days=today.weekday() + 7 * week)
        for kind, low, high, share in (
            ("household_visit", 30, 90, 0),
            ("questionnaire", 100, 400, 0.97),
            ("leaflet", 200, 700, 0),
            ("meeting", 1, 2, 0),
        ):
            many = dice.randrange(low, high)
            taking_part = 14 if kind == "meeting" else 4
            acts.append(
                (uuid.uuid4(), community, kind, day, many, int(many * share) if share else None, taking_part, "", people.staff)
            )
        acts.append(
            (uuid.uuid4(), community, "clean_up", day, 1, None, dice.randrange(15, 40), dice.choice(streets), people.staff)
        )
    await connection.executemany(
        "insert into activities (id, area_id, kind, on_day, count, collected, people, place, account_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        acts,
    )
