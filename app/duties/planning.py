"""What the clock does to an issue next: remind before a deadline, say that it has passed; likewise for an authority's reply.

Only one thing is planned at a time, in `issues.duty` and `issues.duty_at`, by the same statement that changes the issue. So a changed
deadline needs no clearing up, and a duty is done by whoever takes it first (running.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.kit.times import within

# Reminded when a quarter of the time is left, at least two hours before.
_SHARE, _AT_LEAST = 4, timedelta(hours=2)
_RUNNING = frozenset({"reported", "accepted", "assigned", "in_progress"})

Duty = tuple[str | None, datetime | None]


def _before(end: datetime, at: datetime, remind: str, overdue: str) -> Duty:
    end = within(end)
    moment = end - max((end - at) / _SHARE, _AT_LEAST)
    return (remind, moment) if moment > at else (overdue, end)


def _clock(state: str, deadline: datetime | None, reply_by: datetime | None) -> tuple[str, datetime] | None:
    """Which clock runs in a state, and until when."""
    if state in _RUNNING and deadline is not None:
        return "deadline", deadline
    if state == "handed_over" and reply_by is not None:
        return "reply", reply_by
    return None


def planned(before: Mapping[str, Any], after: Mapping[str, Any], state: str, at: datetime) -> Duty:
    """The next duty of an issue whose columns change from `before` to `after` and whose state becomes `state`. A clock that goes on
    running keeps its plan, so that nobody is reminded twice because of a comment."""
    running = _clock(state, after["deadline"], after["reply_by"])
    if running is None:
        return None, None
    if running == _clock(before["state"], before["deadline"], before["reply_by"]):
        return before["duty"], before["duty_at"]
    which, end = running
    return _before(end, at, "remind", "overdue") if which == "deadline" else _before(end, at, "remind_reply", "reply_overdue")
