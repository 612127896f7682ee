"""Vacations: somebody of the community leads a leader's cells for some days."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.issues.reading import serves
from app.kit.access import Caller
from app.kit.audit import record
from app.kit.db import Connection
from app.kit.problems import invalid, not_found
from app.people import queries

MOST_DAYS = 366


async def listed(connection: Connection, caller: Caller, id: UUID | None = None) -> list[dict[str, Any]]:
    rows = await connection.fetch(queries.STAND_INS, caller.is_admin, caller.account_id, caller.staffs, id)
    return [dict(row) for row in rows]


async def put(
    connection: Connection, caller: Caller, id: UUID, leader: UUID, deputy: UUID, starts_on: date, ends_on: date
) -> dict[str, Any]:
    """Plan a stand-in, or plan it anew. The deputy gets the leader's cells for that time alone, in the communities that they are of.

    Problems: 404 the leader leads no cell for whom the caller answers, or the stand-in reaches beyond the caller's areas; 422 days that
    end before they begin, are over, or are more than a year; a deputy who is the leader or nobody of the community.
    """
    # Held until commit, so that closing the account of either finds what is planned here.
    await connection.execute(queries.LOCK_BOTH, [leader, deputy])
    led = await connection.fetch(queries.LED, leader, caller.is_admin, caller.account_id, caller.staffs)
    if not led:
        raise not_found()
    if ends_on < starts_on or (ends_on - starts_on).days > MOST_DAYS:
        raise invalid("/ends_on", "days-order")
    if ends_on < datetime.now(ZoneInfo(led[0]["time_zone"])).date():
        raise invalid("/ends_on", "past-time")
    areas = {area for area in {row["area_id"] for row in led} if await serves(connection, deputy, area)}
    if deputy == leader or not areas:
        raise invalid("/deputy", "unknown-account")
    whole = caller.is_admin or leader == caller.account_id
    plan = (id, leader, deputy, starts_on, ends_on, caller.account_id)
    if not await connection.fetchval(queries.PUT_STAND_IN, *plan, whole, caller.staffs):
        raise not_found()
    await connection.execute(queries.DROP_STAND_IN_GRANTS, id)
    for row in (row for row in led if row["area_id"] in areas):
        await connection.execute(
            queries.ADD_STAND_IN_GRANT, deputy, row["area_id"], row["cell_id"], caller.account_id, id, starts_on, ends_on,
            row["time_zone"],
        )  # fmt: skip
    told = {"leader": leader, "starts_on": starts_on, "ends_on": ends_on, "cells": [row["cell_id"] for row in led]}
    await record(connection, caller, "stand_in_put", deputy, led[0]["area_id"], told)
    return (await listed(connection, caller, id))[0]
