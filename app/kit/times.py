"""Instants on the wire: RFC 3339, UTC, `Z`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MAX_AHEAD = timedelta(minutes=10)
MAX_AGE = timedelta(days=30)


def now() -> datetime:
    return datetime.now(UTC)


def clock_fault(observed_at: datetime, received_at: datetime) -> str | None:
    """`ahead` or `old` when a phone's clock cannot be believed, else None."""
    if observed_at > received_at + MAX_AHEAD:
        return "ahead"
    if observed_at < received_at - MAX_AGE:
        return "old"
    return None
