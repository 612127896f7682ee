"""The worker: takes jobs from the queue, in the server's process or alone. Any number may run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException

from app.duties import running
from app.issues import recurrence, searching
from app.kit import housekeeping
from app.kit.db import Database, plain
from app.kit.jobs import DUE, OLD_QUEUE, QUEUES, Job, Pulse, Queue, queue_of
from app.maps import hotspots, tally
from app.notices import work as notices_work
from app.notices.telling import follow
from app.photos import work as photos_work
from app.photos.darkroom import Darkrooms
from app.photos.store import Store
from app.photos.work import Means

log = structlog.get_logger()

_JOBS: tuple[Job, ...] = (
    *photos_work.JOBS,
    *notices_work.JOBS,
    *housekeeping.JOBS,
    *hotspots.JOBS,
)
_PULSES = (
    Pulse("duties", running.run, 5),
    Pulse("notices", follow, 1),
    Pulse("digest", running.digest, 60),
    Pulse("recurrences", recurrence.follow, 1),
    Pulse("map", tally.follow, 1),
    Pulse("cell figures", tally.figures, 5),
    Pulse("words", searching.sort_in, 5),
    Pulse("black spots", recurrence.end_clean, 600),
)
# Jobs of a queue that one process does at a time. Messages wait for others nearly all of their time.
CONCURRENCY: dict[Queue, int] = {"photos": 2, "messages": 16, "mail": 4, "upkeep": 2}
# A worker that has not been heard of for so long is dead, and its jobs run again.
_DEAD_AFTER_S = 30
_HEARTBEAT_S = 5


def _make(connector: procrastinate.PsycopgConnector, queue: Queue, means: Means) -> procrastinate.App:
    """What a queue's worker works with: it knows every job, since an older version may have put any into any queue. What runs by the clock
    is put into its queue by the upkeep's worker alone."""
    app = procrastinate.App(connector=connector)
    retry = procrastinate.RetryStrategy(max_attempts=8, exponential_wait=4)
    for job in _JOBS:

        def bound(job: Job = job) -> Any:
            async def run(**arguments: Any) -> None:
                await job.work(means, **arguments)

            return run

        task = app.task(name=job.name, queue=queue_of(job.name), retry=retry)(bound())
        if job.cron is not None and queue == "upkeep":
            app.periodic(cron=job.cron)(task)

    @app.task(name="revive", queue="upkeep")
    async def revive(timestamp: int = 0) -> None:
        await _revive(app)

    if queue == "upkeep":
        app.periodic(cron="* * * * *")(revive)
    return app


async def _revive(app: procrastinate.App) -> None:
    """Jobs of workers that died run again."""
    for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_AFTER_S):
        await app.job_manager.retry_job(stalled)


async def work(url: str, database: Database, objects: Store, until_empty: bool = False) -> None:
    """Do jobs until cancelled, or until there are none: for each queue a worker of its own, all in this process."""
    darkroom = Darkrooms()
    connector = procrastinate.PsycopgConnector(conninfo=plain(url), min_size=1, max_size=4)
    apps = {queue: _make(connector, queue, Means(database, objects, darkroom)) for queue in QUEUES}
    try:
        async with apps["upkeep"].open_async():
            await _revive(apps["upkeep"])
            if not until_empty:
                # One that ends by itself has lost its connection: all begin anew (work_on).
                await _together((_work_at(apps[queue], queue, True) for queue in QUEUES), asyncio.FIRST_COMPLETED)
            while until_empty and (due := await _due(database)):
                await _together((_work_at(apps[queue], queue, False) for queue in due), asyncio.ALL_COMPLETED)
    finally:
        await darkroom.close()


async def _work_at(app: procrastinate.App, queue: Queue, wait: bool) -> None:
    await app.run_worker_async(
        queues=_listened(queue), name=queue, concurrency=CONCURRENCY[queue], wait=wait, listen_notify=wait and queue != "upkeep",
        delete_jobs="successful", install_signal_handlers=False, update_heartbeat_interval=_HEARTBEAT_S,
        stalled_worker_timeout=_DEAD_AFTER_S, shutdown_graceful_timeout=5,
    )  # fmt: skip


def _listened(queue: Queue) -> list[str]:
    return [queue, OLD_QUEUE] if queue == "upkeep" else [queue]


async def _due(database: Database) -> list[Queue]:
    """Queues in which jobs may be done now."""
    async with database.acquire() as connection:
        found = {row["queue"] for row in await connection.fetch(DUE, [*QUEUES, OLD_QUEUE])}
    return [queue for queue in QUEUES if found & set(_listened(queue))]


async def _together(workers: Iterable[Coroutine[Any, Any, None]], when: str) -> None:
    """Run workers side by side until `when` (of asyncio.wait), or one fails: then all end."""
    tasks = [asyncio.create_task(each) for each in workers]
    try:
        done, _ = await asyncio.wait(tasks, return_when=when)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def beat(database: Database, pulse: Pulse) -> None:
    """Keep a pulse going until cancelled; a beat that fails is told and missed."""
    while True:
        try:
            await pulse.work(database)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("a beat was missed", pulse=pulse.name, error=error)
        except Exception as error:  # a fault of ours must not end the reminders of everybody
            log.error("a beat failed", pulse=pulse.name, exc_info=error)
        await asyncio.sleep(pulse.every_s)


async def work_on(url: str, database: Database, objects: Store) -> None:
    """Like `work`, and again after the database was away; with the pulses beside."""
    pulses = [asyncio.create_task(beat(database, pulse)) for pulse in _PULSES]
    try:
        while True:
            try:
                await work(url, database, objects)
            except (OSError, psycopg.Error, ConnectorException) as error:
                log.warning("worker: database connection lost", error=error)
            except Exception as error:
                log.error("the worker failed and begins anew", exc_info=error)
            await asyncio.sleep(2)
    finally:
        for task in pulses:
            task.cancel()
        await asyncio.gather(*pulses, return_exceptions=True)


@asynccontextmanager
async def working(url: str, database: Database, objects: Store) -> AsyncGenerator[None]:
    """A worker beside whatever runs inside."""
    task = asyncio.create_task(work_on(url, database, objects))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
