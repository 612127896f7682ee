"""The worker: takes jobs from the queue, in the server's process or alone. Any number may run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
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
from app.kit.jobs import Job, Pulse
from app.maps import hotspots, tally
from app.notices import work as notices_work
from app.notices.telling import follow
from app.patrols.walking import forget
from app.photos import work as photos_work
from app.photos.darkroom import Darkrooms
from app.photos.store import Store
from app.photos.work import Means

log = structlog.get_logger()

_JOBS: tuple[Job, ...] = (
    *photos_work.JOBS,
    *notices_work.JOBS,
    Job("forget_tracks", forget, cron="17 3 * * *"),
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
# A worker that has not been heard of for so long is dead, and its jobs run again.
_DEAD_AFTER_S = 30
_HEARTBEAT_S = 5


def _make(url: str, means: Means) -> procrastinate.App:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=plain(url), min_size=1, max_size=4))
    retry = procrastinate.RetryStrategy(max_attempts=8, exponential_wait=4)
    for job in _JOBS:

        def bound(job: Job = job) -> Any:
            async def run(**arguments: Any) -> None:
                await job.work(means, **arguments)

            return run

        task = app.task(name=job.name, queue="gridpatrol", retry=retry)(bound())
        if job.cron is not None:
            app.periodic(cron=job.cron)(task)

    @app.periodic(cron="* * * * *")
    @app.task(name="revive", queue="gridpatrol")
    async def revive(timestamp: int = 0) -> None:
        """Jobs of workers that died run again."""
        for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_AFTER_S):
            await app.job_manager.retry_job(stalled)

    _ = revive
    return app


async def work(url: str, database: Database, objects: Store, until_empty: bool = False) -> None:
    """Do jobs until cancelled, or until there are none."""
    darkroom = Darkrooms()
    app = _make(url, Means(database, objects, darkroom))
    try:
        async with app.open_async():
            for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_AFTER_S):
                await app.job_manager.retry_job(stalled)
            await app.run_worker_async(
                queues=["gridpatrol"], concurrency=4, wait=not until_empty, listen_notify=not until_empty, delete_jobs="successful",
                install_signal_handlers=False, update_heartbeat_interval=_HEARTBEAT_S, stalled_worker_timeout=_DEAD_AFTER_S,
                shutdown_graceful_timeout=5,
            )  # fmt: skip
    finally:
        await darkroom.close()


async def beat(database: Database, pulse: Pulse) -> None:
    """Keep a pulse going until cancelled; a beat that fails is told and missed."""
    while True:
        try:
            await pulse.work(database)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("a beat was missed", pulse=pulse.name, error=str(error))
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
                log.warning("worker: database connection lost", error=str(error))
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
