"""Where unresolved issues gather: clusters by density, with a score that can be explained.

Clusters are those of DBSCAN (Ester, Kriegel, Sander, Xu: A density-based algorithm for discovering clusters, KDD 1996), as PostGIS's
ST_ClusterDBSCAN finds them, with the radius in metres on the ground. The score of a cluster is

    score = open + overdue + recurring + age

where `open` is how many issues are open there, `overdue` and `recurring` how many of them are past their deadline and came back, and `age` the
sum of min(days open, 30) / 30: an issue that has been open for a month counts one more. So an issue weighs 1 when it is new and 4 when it is
old, late and there again. The weights are ours, and equal, so that anybody can check the sum.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from app.kit.access import Caller
from app.kit.db import Connection, Database
from app.kit.jobs import Job, defer
from app.kit.problems import not_found
from app.kit.times import now
from app.kit.wire import dumps
from app.maps import hotspot_queries as queries

# What was found is served again for so long; then it is found anew behind, by the worker, and what there is served meanwhile, but not
# when it is older than STALE: then whoever asks waits.
KEPT, STALE = timedelta(seconds=60), timedelta(minutes=15)
WEEKS = 12


async def found(
    connection: Connection, caller: Caller, area: UUID, categories: list[str], since: datetime | None, radius_m: int, least: int | None
) -> tuple[dict[str, Any], datetime]:  # fmt: skip
    """GeoJSON of an area's hotspots, the worst first and at most 30, and when it was found. Problem 404.

    Two who ask at once find once: the second waits for the first one's lock and takes what that one kept.
    """
    if not (caller.is_admin or area in caller.reads) or not await connection.fetchval(queries.AREA_EXISTS, area):
        raise not_found()
    asked = dumps([sorted(categories), since.isoformat() if since else None, radius_m, least]).decode()
    kept: Any = await connection.fetchrow(queries.KEPT, area, asked)
    if kept is None or kept["as_of"] < now() - STALE:
        kept = await _find(connection, area, asked)
    elif kept["as_of"] < now() - KEPT and await connection.fetchval(queries.RENEW, area, asked):
        await defer(connection, "find_hotspots", area=str(area), asked=asked)
    features = kept["found"]
    if caller.is_admin or area in caller.staffs:
        cells = [cell["id"] for feature in features for cell in feature["properties"]["cells"]]
        leaders = {row["cell"]: row["leaders"] for row in await connection.fetch(queries.LEADERS, cells)}
        for feature in features:
            for cell in feature["properties"]["cells"]:
                cell["leaders"] = leaders.get(cell["id"], [])
    return {"type": "FeatureCollection", "features": features}, kept["as_of"]


async def _find(connection: Connection, area: UUID, asked: str) -> Any:
    await connection.execute(queries.LOCK, f"{area} {asked}")
    kept: Any = await connection.fetchrow(queries.KEPT, area, asked)
    if kept is None or kept["as_of"] < now() - KEPT:
        categories, since, radius_m, least = orjson.loads(asked)
        await connection.execute("set local work_mem = '64MB'")
        features: Any = await connection.fetchval(
            queries.FIND, area, categories or None, datetime.fromisoformat(since) if since else None, radius_m, least, WEEKS
        )
        kept = await connection.fetchrow(queries.KEEP, area, asked, features or [])
    return kept


async def find_again(means: Any, area: str, asked: str) -> None:
    """The job behind: nothing when it was found meanwhile."""
    database: Database = means.database
    async with database.transaction() as connection:
        await _find(connection, UUID(area), asked)


JOBS = (Job("find_hotspots", find_again),)
