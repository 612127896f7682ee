"""Which cell is this?"""

from __future__ import annotations

from uuid import UUID

from app.grid import queries
from app.kit.db import Connection


async def locate(connection: Connection, lat: float, lon: float) -> tuple[UUID | None, UUID | None]:
    """Ids of the cell and the area at a WGS 84 position; None where there is none. A shared border belongs to one cell."""
    cell = await connection.fetchrow(queries.CELL_AT, lon, lat)
    if cell is not None:
        return UUID(cell["id"]), UUID(cell["area_id"])
    area = await connection.fetchrow(queries.AREA_AT, lon, lat)
    return None, UUID(area["id"]) if area else None
