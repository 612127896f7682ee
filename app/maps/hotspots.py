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

from app.kit.access import Caller
from app.kit.db import Connection
from app.kit.problems import not_found
from app.kit.times import now
from app.kit.wire import dumps
from app.maps import hotspot_queries as queries

# What was found is served again for so long; then the next who asks finds anew.
KEPT = timedelta(seconds=60)
WEEKS = 12


async def found(
    connection: Connection, caller: Caller, area: UUID, categories: list[str], since: datetime | None, radius_m: int, least: int | None
) -> tuple[dict[str, Any], datetime]:  # fmt: skip
    """GeoJSON of an area's hotspots, the worst first and at most 50, and when it was found. Problem 404.

    Two who ask at once find once: the second waits for the first one's lock and takes what that one kept.
    """
    if not (caller.is_admin or area in caller.reads) or not await connection.fetchval(queries.AREA_EXISTS, area):
        raise not_found()
    asked = dumps([sorted(categories), since.isoformat() if since else None, radius_m, least]).decode()
    kept: Any = await connection.fetchrow(queries.KEPT, area, asked)
    if kept is None or kept["as_of"] < now() - KEPT:
        await connection.execute(queries.LOCK, f"{area} {asked}")
        kept = await connection.fetchrow(queries.KEPT, area, asked)
        if kept is None or kept["as_of"] < now() - KEPT:
            await connection.execute("set local work_mem = '64MB'")
            features: Any = await connection.fetchval(queries.FIND, area, categories or None, since, radius_m, least, WEEKS)
            kept = await connection.fetchrow(queries.KEEP, area, asked, features or [])
    features = kept["found"]
    if caller.is_admin or area in caller.staffs:
        leaders = {
            r["cell"]: r["leaders"]
            for r in await connection.fetch(queries.LEADERS, [c["id"] for f in features for c in f["properties"]["cells"]])
        }
        for feature in features:
            for cell in feature["properties"]["cells"]:
                cell["leaders"] = leaders.get(cell["id"], [])
    return {"type": "FeatureCollection", "features": features}, kept["as_of"]
