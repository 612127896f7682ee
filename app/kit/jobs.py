"""The job queue inside PostgreSQL (procrastinate): a job is deferred in the transaction that causes it.

A rolled-back transaction leaves no job; a killed worker's job runs again (worker.py). So every handler may run twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.kit.db import Connection

_DEFER = """
select procrastinate_defer_jobs_v1(array[row('gridpatrol', $1, $2, null, null, $3::jsonb, $4)::procrastinate_job_to_defer_v1])
"""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done later: the coroutine gets `means` of its room and the job's arguments. `cron`: when it also runs by itself."""

    name: str
    work: Callable[..., Awaitable[None]]
    cron: str | None = None


async def defer(connection: Connection, job: str, priority: int = 0, at: datetime | None = None, **arguments: Any) -> None:
    """Have `job` done after this transaction commits, once at least."""
    await connection.execute(_DEFER, job, priority, arguments, at)
