"""A bounded queue before costly reading: whoever comes when it is full is told to come back, so that the rest goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.kit.problems import Problem


class Gate:
    """Lets `width` in at a time and `queue` wait, at most `patience_s` seconds. State of one process."""

    def __init__(self, width: int, queue: int, patience_s: float) -> None:
        self.free, self.queue, self.patience_s, self.waiting = asyncio.Semaphore(width), queue, patience_s, 0

    @asynccontextmanager
    async def entered(self) -> AsyncGenerator[None]:
        """Raises a 503 problem with Retry-After when there is no room."""
        if self.free.locked():
            if self.waiting >= self.queue:
                raise Problem(503, "busy", headers={"retry-after": "2"})
            self.waiting += 1
            try:
                await asyncio.wait_for(self.free.acquire(), self.patience_s)
            except TimeoutError:
                raise Problem(503, "busy", headers={"retry-after": "2"}) from None
            finally:
                self.waiting -= 1
        else:
            await self.free.acquire()
        try:
            yield
        finally:
            self.free.release()
