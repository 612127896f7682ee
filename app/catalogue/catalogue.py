"""The two-level catalogue: what can be reported, and what each kind demands."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from app.catalogue import queries
from app.kit.db import Connection
from app.kit.problems import invalid
from app.kit.wire import Name, Wire
from app.maps.tally import count_anew


class CategoryName(Wire):
    zh: Annotated[Name, Field(alias="zh-CN")]
    en: Name


class CategoryIn(Wire):
    """A category as it shall be from now on; issues reported before keep the version they had."""

    group: Name
    name: CategoryName
    deadline_hours: Annotated[int, Field(ge=1, le=8760)]
    deadline_clock: Literal["working", "calendar"]
    needs: list[Literal["after"]] = []
    volunteer_may_close: bool = False
    radius_m: Annotated[int, Field(ge=1, le=1000)] = 30
    window_hours: Annotated[int, Field(ge=1, le=87600)] = 720
    public_precision_m: Annotated[int, Field(ge=0, le=5000)] = 10
    active: bool = True


async def read(connection: Connection) -> list[dict[str, Any]]:
    """The groups in order, each with its categories, names in both languages."""
    return [
        {"code": row["code"], "name": {"zh-CN": row["name_zh"], "en": row["name_en"]}, "categories": row["categories"] or []}
        for row in await connection.fetch(queries.CATALOGUE)
    ]


async def put(connection: Connection, code: str, wish: CategoryIn) -> None:
    """Make a category or a new version of it; the same again changes nothing. 422 for an unknown group."""
    await connection.execute(queries.LOCK_CATALOGUE)
    if await connection.fetchval(queries.GROUP, wish.group) is None:
        raise invalid("/group", "unknown-category")
    values = (
        wish.name.zh, wish.name.en, wish.deadline_hours, wish.deadline_clock, "after" in wish.needs,
        wish.volunteer_may_close, wish.radius_m, wish.public_precision_m, wish.window_hours,
    )  # fmt: skip
    present = await connection.fetchrow(queries.CURRENT, code)
    if present is not None and tuple(present.values())[2:] == (wish.active, wish.group, *values):
        return
    version = 1 if present is None else present["version"] + 1
    position = present["position"] if present else await connection.fetchval(queries.NEXT_POSITION)
    await connection.execute(queries.PUT_CATEGORY, code, wish.group, position, version, wish.active)
    if present is not None and present["group_code"] != wish.group:
        await count_anew(connection)
    await connection.execute(queries.ADD_VERSION, code, version, *values)


async def seed(connection: Connection) -> None:
    """Fill an empty catalogue; one that has anything in it is left alone."""
    await connection.execute(queries.LOCK_CATALOGUE)
    if not await connection.fetchval(queries.IS_EMPTY):
        return
    table: dict[str, dict[str, list[Any]]] = tomllib.loads(Path(__file__).with_name("seed.toml").read_text("utf-8"))
    position = 0
    for group_position, (group, entries) in enumerate(table.items()):
        await connection.execute(queries.PUT_GROUP, group, group_position, *entries["name"])
        for code, values in entries.items():
            if code != "name":
                position += 1
                await connection.execute(queries.PUT_CATEGORY, code, group, position, 1, True)
                await connection.execute(queries.ADD_VERSION, code, 1, *values)
