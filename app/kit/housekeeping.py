"""What is kept for a time only: answered keys, departures that no cursor asks for any more, throttles."""

from __future__ import annotations

from typing import Any

import asyncpg
import structlog

from app.kit.jobs import Job

log = structlog.get_logger()

_SWEEPS = (
    "delete from idempotency_keys where expires_at < now()",
    "delete from known_places where last_at < now() - interval '90 days'",
    "delete from departures where at < now() - interval '31 days'",
    "delete from hotspots_kept where as_of < now() - interval '1 day'",
    "delete from throttles where resets_at < now()",
    "delete from hosts_away where not_before < now() - interval '1 day'",
    "delete from set_aside where at < now() - interval '90 days'",
)


async def sweep(means: Any, timestamp: int = 0) -> None:
    async with means.database.acquire() as connection:
        for statement in _SWEEPS:
            try:
                await connection.execute(statement)
            except asyncpg.PostgresError as error:  # one table's trouble does not keep the others full
                log.error("something old could not be deleted", statement=statement, error=str(error))


JOBS = (Job("sweep_kept", sweep, cron="7 * * * *"),)
