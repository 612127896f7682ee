"""Vector tiles (MVT 2.1) of open issues and of cells, for whom they may be seen by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.kit.db import Connection
from app.kit.problems import Problem
from app.kit.route import unauthorized
from app.maps import queries

MOST_ZOOM = 22
# Beyond this zoom cells are shown, before it the areas they make up.
_AREA_ZOOMS = ((6, "city"), (8, "district"), (10, "street"), (11, "community"))


@dataclass(frozen=True, slots=True)
class Tile:
    """`content` None: the client has it already."""

    content: bytes | None
    etag: str | None
    as_of: datetime | None


def z_range(z: int, x: int, y: int) -> tuple[int, int]:
    """The tile as a range of `q`: from the first, up to but without the second."""
    order = 0
    for bit in range(z):
        order |= (x >> bit & 1) << 2 * bit | (y >> bit & 1) << 2 * bit + 1
    shift = 2 * (queries.FINEST - z)
    return order << shift, (order + 1) << shift


def check(z: int, x: int, y: int) -> None:
    """Problem 422 for a tile that there is not."""
    if not 0 <= z <= MOST_ZOOM:
        raise Problem(422, "validation", fields=[("/z", "bad-tile")], zoom=MOST_ZOOM)
    wrong = [(f"/{name}", "bad-tile") for name, value in (("x", x), ("y", y)) if not 0 <= value < 2**z]
    if wrong:
        raise Problem(422, "validation", fields=wrong, zoom=MOST_ZOOM)


async def issues(
    connection: Connection, token: bytes | None, z: int, x: int, y: int, filters: dict[str, Any], known: list[str]
) -> Tile:
    """A tile of issues: single ones from zoom 14, counts of squares before. `token` None: as the public may see them. `known`: ETags that the
    client has."""
    names = tuple(sorted(filters))
    statement = queries.tile(z, names, token is None)
    asked = f"{z}/{x}/{y} " + " ".join(f"{name}={filters[name]}" for name in names)
    row = await connection.fetchrow(statement, token, *z_range(z, x, y), known, asked, *(filters[name] for name in names))
    if row is None:
        raise unauthorized()
    return Tile(row["tile"], row["etag"], row["as_of"])


async def cells(connection: Connection, token: bytes, z: int, x: int, y: int) -> bytes:
    """A tile of cells with their counts; further out of the areas that they make up."""
    level = next((level for last, level in _AREA_ZOOMS if z <= last), None)
    if level is None:
        row = await connection.fetchrow(queries.CELLS, token, z, x, y)
    else:
        row = await connection.fetchrow(queries.AREAS, token, z, x, y, level)
    if row is None:
        raise unauthorized()
    return row["tile"] or b""
