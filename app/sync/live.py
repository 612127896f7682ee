"""Live events: the same changes as the delta sync, as they happen.

Whom a committed change concerns is passed on with NOTIFY (kit/db.py); each process listens on one connection and wakes those
of its listeners who may be concerned. What a listener is then sent is read with their own cursor and token, so a hint that is
lost or too many costs time, never a change, and shows nobody what is not his. Each heartbeat reads once as well: it finds what
a lost hint would have told, and ends the stream of somebody whose session or roles are gone.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from app.kit.access import Caller
from app.kit.datum import Datum
from app.kit.db import CHANNEL, Database, plain
from app.kit.problems import Problem
from app.kit.wire import dumps
from app.settings import settings
from app.sync.changes import Cursor, since

log = structlog.get_logger()

HEARTBEAT_S = 20.0
_GATHER_S = 0.05
_PAGE = 100
# Readers of all listeners together use so many connections of the pool, at most.
_READERS = 2


class Live:
    """The listeners of one process."""

    def __init__(self, database: Database, url: str) -> None:
        self.database, self.url = database, url
        self.concerned: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self.everybody: set[asyncio.Event] = set()
        self.admins: set[asyncio.Event] = set()
        self.readers = asyncio.Semaphore(_READERS)
        # Open streams by account.
        self.streams: Counter[UUID] = Counter()

    @asynccontextmanager
    async def place(self, account: UUID) -> AsyncGenerator[None]:
        """A place for one stream, free again when it ends. Looked at and taken without a pause between, so two cannot take the last one.

        Problems: 429 when the account holds as many as it may, 503 when the process does; both with Retry-After.
        """
        if self.streams[account] >= settings().streams_per_account:
            raise Problem(429, "streams", headers={"retry-after": "60"}, most=settings().streams_per_account)
        if self.streams.total() >= settings().streams:
            raise Problem(503, "busy", headers={"retry-after": "30"})
        self.streams[account] += 1
        try:
            yield
        finally:
            self.streams[account] -= 1
            if not self.streams[account]:
                del self.streams[account]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Live]:
        tasks = [asyncio.create_task(self._pass_on()), asyncio.create_task(self._listen())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass_on(self) -> None:
        while True:
            await self.database.has_changed.wait()
            try:
                await self.database.pass_on()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("hints not passed on", error=error)
            await asyncio.sleep(_GATHER_S)

    async def _listen(self) -> None:
        while True:
            try:
                connection: Any = await asyncpg.connect(plain(self.url))
                lost = asyncio.Event()

                def ended(_: object, lost: asyncio.Event = lost) -> None:
                    lost.set()

                connection.add_termination_listener(ended)
                await connection.add_listener(CHANNEL, self._heard)
                self._wake(self.everybody)  # whatever happened while nobody listened
                try:
                    await lost.wait()
                finally:
                    await connection.close(timeout=2)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("live events: database connection lost", error=error)
            await asyncio.sleep(1)

    def _heard(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        self._wake(self.admins)
        for audience in str(payload).split(","):
            self._wake(self.concerned.get(UUID(audience), ()))

    def _wake(self, events: Any) -> None:
        for event in events:
            event.set()

    @asynccontextmanager
    async def _listening(self, caller: Caller) -> AsyncGenerator[asyncio.Event]:
        woken = asyncio.Event()
        audiences = {*caller.reads, *caller.units, caller.account_id}
        groups = [self.everybody, *(self.concerned[a] for a in audiences), *([self.admins] if caller.is_admin else [])]
        for group in groups:
            group.add(woken)
        try:
            yield woken
        finally:
            for group in groups:
                group.discard(woken)
            for audience in audiences:
                if not self.concerned.get(audience, True):
                    del self.concerned[audience]

    async def stream(
        self, caller: Caller, token: bytes, cursor: Cursor, secret: bytes, datum: Datum
    ) -> AsyncGenerator[dict[str, str]]:
        """Server-Sent Events: `changes` with the body of GET /v1/changes, whose `id` is the cursor to go on from; `over` when the
        cursor, the roles or the session no longer hold. In between, comments as heartbeats."""
        async with self._listening(caller) as woken:
            more = True
            while True:
                if not more:
                    try:
                        await asyncio.wait_for(woken.wait(), HEARTBEAT_S)
                        await asyncio.sleep(_GATHER_S)
                    except TimeoutError:
                        yield {"comment": "heartbeat"}
                woken.clear()
                try:
                    async with self.readers, self.database.acquire() as connection:
                        cursor, items, removed, more = await since(connection, token, cursor, _PAGE, datum)
                except Problem as problem:
                    yield {
                        "event": "over",
                        "data": dumps({"type": f"/problems/{problem.slug}", "status": problem.status}).decode(),
                    }
                    return
                if items or removed or more:
                    sealed = cursor.seal(secret)
                    body = {"items": items, "removed": removed, "next_cursor": sealed, "more": more}
                    yield {"event": "changes", "id": sealed, "data": dumps(body).decode()}
