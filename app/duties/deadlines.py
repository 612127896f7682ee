"""The clock of an issue's deadline: how it begins, stands still, goes on, and how two become one.

Two deadlines are kept. `deadline` is the one in force. `first_deadline` is the one before extensions,
null where none was granted: by it an issue is on time or late. While the issue is handed over both
are null, and `deadline_left_s` and `first_left_s` say how much time was left of each; negative when
it had passed. Nothing but the time that an issue is handed over moves the first of them to later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.duties import calendar
from app.kit.times import told_instant, within

Columns = dict[str, Any]
_PAIRS = (("deadline", "deadline_left_s"), ("first_deadline", "first_left_s"))
NO_CLOCK: Mapping[str, None] = {name: None for pair in _PAIRS for name in pair}


@dataclass(frozen=True, slots=True)
class Counting:
    """How the time of an issue is counted, and the instant from which."""

    at: datetime
    clock: calendar.Clock
    zone: str
    days: calendar.Exceptions

    def after(self, seconds: int, start: datetime | None = None) -> datetime:
        return calendar.add(start or self.at, seconds, self.clock, self.zone, self.days)

    def left(self, until: datetime) -> int:
        return calendar.between(self.at, until, self.clock, self.zone, self.days)

    def since(self, start: datetime) -> int:
        return calendar.between(start, self.at, self.clock, self.zone, self.days)


@dataclass(frozen=True, slots=True)
class Stopped:
    """When the clock was stopped, and the columns as they were before."""

    at: datetime
    was: Mapping[str, Any]


def first(columns: Mapping[str, Any]) -> datetime | None:
    """The deadline by which the issue is judged, while its clock runs."""
    return columns["first_deadline"] or columns["deadline"]


def passed(columns: Mapping[str, Any], at: datetime) -> bool:
    """Whether the deadline by which it is judged had passed at an instant."""
    until = first(columns)
    return until is not None and within(until) < within(at)


def ran_out(columns: Mapping[str, Any]) -> bool:
    """Whether that deadline had passed when the clock was stopped."""
    left = columns["deadline_left_s"] if columns["first_left_s"] is None else columns["first_left_s"]
    return left is not None and left < 0


def stop(columns: Columns, counting: Counting) -> None:
    """The clock stands still from now on."""
    for deadline, left in _PAIRS:
        end = columns[deadline]
        columns[left] = None if end is None else counting.left(end)
        columns[deadline] = None


def go_on(columns: Columns, counting: Counting, stopped: Stopped | None) -> None:
    """The clock goes on with what was left. `stopped`, where it is known, is the bound: a deadline
    outside working hours has no working time of its own, and must not become the next working day's
    because of a handover of a minute."""
    still = max(0, counting.since(stopped.at)) if stopped else 0
    for deadline, left in _PAIRS:
        if columns[left] is None:
            continue
        end = counting.after(columns[left])
        before = told_instant(stopped.was.get(deadline)) if stopped else None
        if before is not None:
            bound = counting.after(still, before) if still else before
            # What lies within a second is only what rounding took away.
            end = bound if bound - end < timedelta(seconds=1) else end
        columns.update({deadline: end, left: None})


def set_deadline(columns: Columns, until: datetime, base: datetime | None) -> bool:
    """Put `until` in force in place of `base`; whether that is an extension. An earlier deadline is
    none, and whatever lies before the first is itself the first."""
    before = within(columns["first_deadline"]) if columns["first_deadline"] else base
    columns["deadline"] = until
    columns["first_deadline"] = before if before is not None and until > before else None
    return base is not None and until > base


def recount(columns: Columns, old: Counting, new: Counting) -> None:
    """While the clock stands still, its time comes to be counted in another way."""
    for _, left in _PAIRS:
        if columns[left] is not None:
            columns[left] = new.left(old.after(columns[left]))


def join(columns: Columns, other: Mapping[str, Any], stands_still: bool, counting: Counting) -> None:
    """An issue takes in another: of two clocks the earlier counts, for what is in force and for what
    it is judged by. So a late issue is not on time again by being merged into a new one."""

    def ends(of: Mapping[str, Any], deadline: str, left: str) -> datetime | None:
        if of[deadline] is not None:
            return within(of[deadline])
        return None if of[left] is None else counting.after(of[left])

    def earlier(*candidates: datetime | None) -> datetime | None:
        return min((at for at in candidates if at is not None), default=None)

    force = earlier(ends(columns, *_PAIRS[0]), ends(other, *_PAIRS[0]))
    judged = earlier(force, ends(columns, *_PAIRS[1]), ends(other, *_PAIRS[1]))
    mine = ends(columns, *_PAIRS[0]), ends(columns, *_PAIRS[1]) or ends(columns, *_PAIRS[0])
    if force is None or (force, judged) == mine:
        return
    columns.update(NO_CLOCK)
    columns.update(deadline=force, first_deadline=judged if judged != force else None)
    if stands_still:
        stop(columns, counting)
