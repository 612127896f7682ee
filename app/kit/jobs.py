"""The job queue inside PostgreSQL (procrastinate): a job is deferred in the transaction that causes it.

A rolled-back transaction leaves no job; a killed worker's job runs again (worker.py). So every handler may run twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.kit.db import Connection, Database

_DEFER = """
select procrastinate_defer_jobs_v1(array[row('gridpatrol', $1, $2, null, null, $3::jsonb, $4)::procrastinate_job_to_defer_v1])
"""
JOBS = """
select j.id, j.task_name as job, j.status::text as state, j.attempts, j.args as arguments, j.scheduled_at,
  (select max(e.at) from procrastinate_events e where e.job_id = j.id) as changed_at
from procrastinate_jobs j where j.status::text = $1 and ($2::bigint is null or j.id < $2) order by j.id desc limit $3
"""
RETRY = """
update procrastinate_jobs set status = 'todo', scheduled_at = null, attempts = 0, worker_id = null
where id = $1 and status = 'failed' returning true
"""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Something that every worker looks after every few seconds; it takes turns with the others by locks of its own."""

    name: str
    work: Callable[[Database], Awaitable[object]]
    every_s: float


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done later: the coroutine gets `means` of its room and the job's arguments. `cron`: when it also runs by itself."""

    name: str
    work: Callable[..., Awaitable[None]]
    cron: str | None = None


async def defer(connection: Connection, job: str, priority: int = 0, at: datetime | None = None, **arguments: Any) -> None:
    """Have `job` done after this transaction commits, once at least."""
    await connection.execute(_DEFER, job, priority, arguments, at)
