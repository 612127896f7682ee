"""Blocking calls that may hang, in threads that nothing else uses.

A call that hangs cannot be ended: whoever waits for it goes away, and its thread counts until the call returns. So what is bounded is
the number of calls that run, in all and for one owner, and not the number of those that wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Full(Exception):
    """As many calls run as may, in all or for this owner."""


class OwnThreads:
    def __init__(self, name: str, most: int, most_for_one: int) -> None:
        self.name, self.most, self.most_for_one = name, most, most_for_one
        self.running: Counter[object] = Counter()

    async def run(self, owner: object, patience_s: float, call: Callable[..., T], *arguments: Any) -> T:
        """What `call` returns or raises. Raises Full, or TimeoutError when it takes longer than `patience_s`."""
        if self.running.total() >= self.most or self.running[owner] >= self.most_for_one:
            raise Full(self.name)
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()

        def tell(result: T | None, error: BaseException | None) -> None:
            self.running[owner] -= 1
            if not self.running[owner]:
                del self.running[owner]
            if told.done():
                return
            if error is not None:
                told.set_exception(error)
            else:
                told.set_result(result)  # pyright: ignore[reportArgumentType]

        def work() -> None:
            result, error = None, None
            try:
                result = call(*arguments)
            except BaseException as caught:
                error = caught
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, result, error)

        self.running[owner] += 1
        # A daemon: a call that hangs does not keep the process from ending.
        threading.Thread(target=work, name=self.name, daemon=True).start()
        async with asyncio.timeout(patience_s):
            return await told
