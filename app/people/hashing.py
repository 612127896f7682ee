"""Argon2 in threads of its own, so that guesses of passwords hold back nothing else, and only so many at a time.

A hash takes tens of milliseconds of several cores and 64 MiB by intent. Whoever comes when the seats are taken is told to come
back, before anything is read or counted. Some seats are kept for devices that have signed in before, and one address or
account has only a few of them. State of one process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from prometheus_client import Counter as Series
from pwdlib import PasswordHash

from app.kit.problems import Problem

T = TypeVar("T")

_WIDTH, _WAITING, _RESERVED, _FOR_ONE = 2, 8, 8, 6
HASHED = Series("gridpatrol_passwords_hashed", "Passwords that were hashed, to keep one or to check one.")
REFUSED = Series("gridpatrol_passwords_refused", "Tries of a password that were refused before any work.", ("why",))

hasher = PasswordHash.recommended()
# What a password is compared with where there is none.
nobody = hasher.hash(secrets.token_urlsafe(16))


def _yield_to_others() -> None:
    # The threads that a hash starts inherit it: requests go first. Linux knows priorities of threads; elsewhere the pool's width is all.
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)


_threads = ThreadPoolExecutor(_WIDTH, "argon2", _yield_to_others)


class Seat:
    """The right to hash, one at a time."""

    def __init__(self, turns: Turns, share: str, known: bool) -> None:
        self.turns, self.share, self.known = turns, share, known
        self.running: asyncio.Future[Any] | None = None

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        await self.turns.mine(self.share, self.known)
        HASHED.inc()
        self.running = asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)
        self.running.add_done_callback(lambda _: self.turns.over(self.share))
        # A request that is given up does not take its hash with it: the thread works until that has ended.
        return await asyncio.shield(self.running)

    async def hash(self, password: str) -> str:
        return await self._run(hasher.hash, password)

    async def fits(self, password: str, stored: str | None) -> bool:
        """An unknown account costs the same time as a wrong password."""
        return await self._run(hasher.verify, password, stored or nobody) and stored is not None


class Turns:
    """Whose hash is next when a thread is free: a device that is known, then whose share had its last turn longest ago or none yet.
    So one address with many tries makes another wait for one hash, not for all of its own."""

    def __init__(self) -> None:
        self.at_work = 0
        self.present, self.last, self.turn = Counter[str](), dict[str, int](), 0
        self.waiting: list[tuple[str, bool, asyncio.Future[None]]] = []

    async def mine(self, share: str, known: bool) -> None:
        self.present[share] += 1
        if self.at_work < _WIDTH:
            return self._begin(share)
        entry = (share, known, asyncio.get_running_loop().create_future())
        self.waiting.append(entry)
        try:
            await entry[2]
        except asyncio.CancelledError:
            if entry in self.waiting:
                self.waiting.remove(entry)
                self._gone(share)
            else:
                self.over(share)
            raise

    def over(self, share: str) -> None:
        self.at_work -= 1
        self._gone(share)
        # Who was given up a moment ago takes itself off the list. In the order of arrival: `min` takes the first of equals.
        ready = [entry for entry in self.waiting if not entry[2].done()]
        if ready:
            following = min(ready, key=lambda entry: (not entry[1], self.last.get(entry[0], -1)))
            self.waiting.remove(following)
            self._begin(following[0])
            following[2].set_result(None)

    def _begin(self, share: str) -> None:
        self.at_work += 1
        self.turn += 1
        self.last[share] = self.turn

    def _gone(self, share: str) -> None:
        self.present[share] -= 1
        if not self.present[share]:
            del self.present[share]
            self.last.pop(share, None)


class Seats:
    def __init__(self) -> None:
        self.taken, self.shares, self.turns = 0, Counter[str](), Turns()

    @asynccontextmanager
    async def seat(self, share: str, known: bool = False) -> AsyncGenerator[Seat]:
        """Raises a 503 problem with Retry-After when there is none for this `share` (an address, a device, an account)."""
        room = _WIDTH + _WAITING + (_RESERVED if known else 0)
        if self.taken >= room or self.shares.get(share, 0) >= _FOR_ONE:
            REFUSED.labels("busy").inc()
            raise Problem(503, "busy", headers={"retry-after": "2"})
        self.taken += 1
        self.shares[share] += 1
        seat = Seat(self.turns, share, known)
        try:
            yield seat
        finally:
            # Taken until the hash has ended, too, or requests that are given up would pile up before the threads.
            if seat.running is None or seat.running.done():
                self._leave(share)
            else:
                seat.running.add_done_callback(lambda _: self._leave(share))

    def _leave(self, share: str) -> None:
        self.taken -= 1
        self.shares[share] -= 1
        if not self.shares[share]:
            del self.shares[share]


_seats = Seats()
seat = _seats.seat
