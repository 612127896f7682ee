"""How much one account may send in an hour. State of one process, bounded: it costs the hot way in a look into a dictionary."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from app.kit.problems import Problem

K = TypeVar("K")
_MOST_REMEMBERED = 20_000


class Quota(Generic[K]):
    """A bucket for each key: so much may be sent at once, and is given anew in an hour. Whom it has forgotten, since too many
    came after them, begins with a full one."""

    def __init__(self, an_hour: Callable[[], float], sentence: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.an_hour, self.sentence, self.clock = an_hour, sentence, clock
        self.left: OrderedDict[K, tuple[float, float]] = OrderedDict()

    def _level(self, key: K) -> float:
        held = self.left.get(key)
        whole = self.an_hour()
        return whole if held is None else min(whole, held[0] + (self.clock() - held[1]) * whole / 3600)

    def check(self, key: K | None, amount: float = 1) -> None:
        """Problem 429 with Retry-After when nothing is left for `key`, until so much is."""
        if key is None or key not in self.left:
            return
        level = self._level(key)
        if level < min(amount, self.an_hour()):
            seconds = max(1, math.ceil((min(amount, self.an_hour()) - level) * 3600 / self.an_hour()))
            raise Problem(429, "quota", headers={"retry-after": str(seconds)}, sentence=self.sentence, seconds=seconds)

    def spend(self, key: K, amount: float = 1) -> None:
        self.left[key] = (self._level(key) - amount, self.clock())
        self.left.move_to_end(key)
        if len(self.left) > _MOST_REMEMBERED:
            self.left.popitem(last=False)


class Owners:
    """Whose session a token is, as its last request showed: for what must be known before the statement that reads the token."""

    def __init__(self) -> None:
        self.known: OrderedDict[bytes, UUID] = OrderedDict()

    def of(self, token: bytes) -> UUID | None:
        return self.known.get(token)

    def learn(self, token: bytes, account: UUID) -> None:
        self.known[token] = account
        if len(self.known) > _MOST_REMEMBERED:
            self.known.popitem(last=False)
