"""The job queue inside PostgreSQL (procrastinate): a job is deferred in the transaction that causes it.

A rolled-back transaction leaves no job; a killed worker's job runs again (worker.py). So every handler may run twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from prometheus_client import Gauge

from app.kit.db import Connection, Database

LENGTH = Gauge(
    "gridpatrol_queue_jobs", "Jobs in a queue: waiting (todo), being done (doing), given up (failed).", ("queue", "state")
)
WAIT = Gauge("gridpatrol_queue_wait_seconds", "For how long the oldest job waits that may be done.", ("queue",))
ASIDE = Gauge("gridpatrol_set_aside", "What followers and the clock could not do and left for the others' sake.", ("follower",))

# Each kind of work has a queue and workers of its own: what is slow in one holds back nothing in another.
Queue = Literal["photos", "messages", "mail", "upkeep"]
QUEUES: tuple[Queue, ...] = get_args(Queue)
# The one queue of versions before 0.5: what a process of such a version still defers is done as well.
OLD_QUEUE = "gridpatrol"
# Jobs that are not upkeep.
_QUEUE_OF: dict[str, Queue] = {"develop": "photos", "deliver": "messages", "send_code": "mail"}

_DEFER = """
select procrastinate_defer_jobs_v1(array[row($5, $1, $2, null, null, $3::jsonb, $4)::procrastinate_job_to_defer_v1])
"""
# Queues in which jobs may be done now.
DUE = """
select distinct queue_name as queue from procrastinate_jobs
where status = 'todo' and (scheduled_at is null or scheduled_at <= now()) and queue_name = any($1::text[])
"""
# How many jobs each queue holds, and for how long the oldest that may be done waits. Only what is in the queue is read: a job
# that was done is deleted.
LENGTHS = """
select j.queue_name as queue, j.status::text as state, count(*) as jobs,
  coalesce(max(extract(epoch from now() - coalesce(j.scheduled_at, d.at)))
    filter (where j.status = 'todo' and coalesce(j.scheduled_at, d.at) <= now()), 0)::float8 as waits_s
from procrastinate_jobs j
left join lateral (select min(e.at) as at from procrastinate_events e where e.job_id = j.id and j.status = 'todo') d on true
where j.status in ('todo', 'doing', 'failed') group by 1, 2
"""
SET_ASIDE = "select follower, count(*) as subjects from set_aside group by 1"
JOBS = """
select j.id, j.queue_name as queue, j.task_name as job, j.status::text as state, j.attempts, j.args as arguments, j.scheduled_at,
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


def queue_of(job: str) -> Queue:
    return _QUEUE_OF.get(job, "upkeep")


async def defer(
    connection: Connection, job: str, priority: int = 0, at: datetime | None = None, queue: Queue | None = None, **arguments: Any
) -> None:
    """Have `job` done after this transaction commits, once at least; in its own queue unless another is named."""
    await connection.execute(_DEFER, job, priority, arguments, at, queue or queue_of(job))


async def measure(database: Database) -> None:
    """Set the gauges of the queues to what the database says now."""
    async with database.acquire() as connection:
        lengths = await connection.fetch(LENGTHS)
        aside = await connection.fetch(SET_ASIDE)
    LENGTH.clear()
    WAIT.clear()
    ASIDE.clear()
    for queue in QUEUES:
        WAIT.labels(queue).set(0)
        for state in ("todo", "doing", "failed"):
            LENGTH.labels(queue, state).set(0)
    for row in lengths:
        LENGTH.labels(row["queue"], row["state"]).set(row["jobs"])
        if row["state"] == "todo":
            WAIT.labels(row["queue"]).set(row["waits_s"])
    for row in aside:
        ASIDE.labels(row["follower"]).set(row["subjects"])
