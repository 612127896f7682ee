"""Instants on the wire: RFC 3339, UTC, `Z`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

MAX_AHEAD = timedelta(minutes=10)
MAX_AGE = timedelta(days=30)
# How far ahead a person may set a deadline, or a day by which to reply.
MAX_DEADLINE = timedelta(days=366)
# What may be sent, and what a past case may have: from the first up to, not including, the second.
# What is stored beyond these is somebody's mistake. It is shown as the nearest instant within:
# neither a zone nor a sum of times can then leave what a datetime holds.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_LAST = LATEST - timedelta(seconds=1)


def now() -> datetime:
    return datetime.now(UTC)


def clock_fault(observed_at: datetime, received_at: datetime) -> str | None:
    """`ahead` or `old` when a phone's clock cannot be believed, else None."""
    if observed_at > received_at + MAX_AHEAD:
        return "ahead"
    if observed_at < received_at - MAX_AGE:
        return "old"
    return None


def within(at: datetime) -> datetime:
    """The instant, or the bound that it lies beyond; in UTC. `infinity` comes without a zone."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(aware, EARLIEST), _LAST).astimezone(UTC)


def clamped(at: datetime | None) -> datetime | None:
    """A stored instant as answers show it."""
    return None if at is None else within(at)


def local(at: datetime, zone: tzinfo) -> datetime:
    """A stored instant in a zone, whatever is stored."""
    return within(at).astimezone(zone)


def told_instant(text: object) -> datetime | None:
    """An instant as events and notices keep it; None for what is none (`infinity`, say)."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return within(at)
