"""What somebody leaves behind, and handing it to somebody else: all of it or nothing, and what is not handed over is told to the office."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.issues.actions import pass_on
from app.issues.reading import serves
from app.kit.access import Caller
from app.kit.audit import record
from app.kit.db import Connection
from app.kit.problems import invalid
from app.notices.telling import tell
from app.people import handing_queries as queries
from app.people import standing

_SHOWN = 50


async def work(connection: Connection, token: bytes, id: UUID) -> dict[str, Any]:
    """What somebody answers for: open issues assigned to them by name, cells they lead (or led, their account being closed), black spots,
    stand-ins. Of issues, at most 50 are named. Problems: see `standing.person`."""
    await standing.person(connection, token, id, work=True)
    issues = [dict(row) for row in await connection.fetch(queries.ISSUES, token, id)]
    cells = [dict(row) for row in await connection.fetch(queries.CELLS, token, id)]
    spots = [dict(row) for row in await connection.fetch(queries.SPOTS, token, id)]
    stand_ins = [dict(row) for row in await connection.fetch(queries.STAND_INS, id)]
    return {
        "issues": {"count": len(issues), "items": issues[:_SHOWN]}, "cells": cells, "black_spots": spots, "stand_ins": stand_ins,
    }  # fmt: skip


async def hand_over(connection: Connection, caller: Caller, token: bytes, id: UUID, to: UUID) -> dict[str, Any]:
    """Everything of it that the caller answers for goes to `to`, in one transaction. Both are told. Repeatable: nothing is left then.

    The rows of both are locked, so that nothing is given to them and no role of theirs goes meanwhile; then each issue's, in the order of
    the ids. Problems: see `standing.person`; 422 `to` is the person, or somebody who serves not all of those areas.
    """
    row = await standing.person(connection, token, id, to=to, work=True)
    if to == id:
        raise invalid("/to", "unknown-account")
    cells = await connection.fetch(queries.CELLS, token, id)
    spots = await connection.fetch(queries.SPOTS, token, id)
    stand_ins = await connection.fetch(queries.STAND_IN_AREAS, id, to)
    for area in sorted({UUID(each["area_id"]) for each in (*cells, *spots)} | {each["area_id"] for each in stand_ins}):
        if not await serves(connection, to, area):
            raise invalid("/to", "unknown-account")
    ids = [UUID(each["id"]) for each in await connection.fetch(queries.ISSUES, token, id)]
    issues = await pass_on(connection, caller, token, ids, id, to)
    given = await connection.fetch(queries.GIVE_CELLS, token, id, to) if cells else []
    await connection.execute(queries.GIVE_SPOTS, token, id, to)
    await connection.execute(queries.GIVE_STAND_INS, id, to)
    done = {"issues": issues, "cells": len(cells), "black_spots": len(spots)}
    if any(done.values()) or stand_ins:
        await _record(connection, caller, id, to, row["areas"], done | {"stand_ins": len(stand_ins)}, given)
    if any(done.values()):
        name: Any = await connection.fetchval(queries.NAME, to)
        told = {
            "by": row["caller_name"],
            "name": row["name"],
            "to": name,
            "issues": issues,
            "cells": len(cells),
            "spots": len(spots),
        }
        key: Any = await connection.fetchval("select 'handed:' || pg_current_xact_id()::text")
        await tell(connection, [id, to], "work_handed", key, None, told)
    return done


async def _record(
    connection: Connection, caller: Caller, id: UUID, to: UUID, areas: list[UUID], done: dict[str, int], given: list[Any]
) -> None:
    area = next(iter(areas), given[0]["area_id"] if given else caller.home_id)
    await record(connection, caller, "work_handed", id, area, done | {"to": to})
    for each in given:
        told = {"role": "leader", "cell": each["cell_id"], "unit": None, "from": id}
        await record(connection, caller, "role_given", to, each["area_id"], told)


async def tell_what_is_left(connection: Connection, id: UUID, areas: list[UUID], cell: UUID | None = None) -> None:
    """To the office's inboxes: what nobody answers for, since somebody who did has left. `areas` are those of their roles; `cell` one
    that they led until now."""
    left: Any = await connection.fetchrow(queries.LEFT, id, cell)
    if not (left["issues"] or left["cells"] or left["spots"]):
        return
    office = [row["account_id"] for row in await connection.fetch(queries.OFFICE_OF_AREAS, [*areas, *left["areas"]], id)]
    told = {"name": left["name"], "issues": left["issues"], "cells": len(left["cells"]), "spots": left["spots"]}
    key: Any = await connection.fetchval("select 'left:' || pg_current_xact_id()::text")
    await tell(connection, office, "work_left", key, None, told)
