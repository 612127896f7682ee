"""The ledger (台账): every issue of a filter as one row, page by page, however many there are; as CSV, and (workbook) for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.issues import reading
from app.kit.cells import as_text
from app.kit.db import Database
from app.kit.language import say
from app.kit.times import local as in_zone
from app.kit.times import now, within

COLUMNS = (
    "number", "state", "category", "area", "cell", "place", "note", "unit", "assignee", "created_at", "deadline", "overdue", "closed_at", "reports",
    "recurrences", "authority", "photos",
)  # fmt: skip
# Written by the program itself: an issue's number, and its address.
_OWN = ("number", "photos")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Manner:
    """How a ledger is written: the reader's language, the community's time zone, the categories' names, and where issues are looked at."""

    language: str
    zone: ZoneInfo
    categories: dict[str, str]
    base: str

    def category(self, code: str) -> str:
        return self.categories.get(code, code)


def _months(first: datetime, zone: ZoneInfo) -> Generator[tuple[datetime, datetime]]:
    """The months in a zone from the present one back to that of `first`, each from its beginning up to the next."""
    today = now().astimezone(zone)
    year, month = today.year, today.month
    # A report of the next seconds, which a clock ahead of this one has stamped, belongs to the present month; so does whatever says
    # that it is of a year to come. What says that it is older than anything can be stands in the last.
    end = datetime.max.replace(tzinfo=UTC)
    oldest, first = within(first), first if first.tzinfo else first.replace(tzinfo=UTC)  # `infinity` comes without a zone
    while end > oldest:
        begin = datetime(year, month, 1, tzinfo=zone).astimezone(UTC)
        yield begin if begin > oldest else min(begin, first), end
        end = begin
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


async def pages(
    database: Database, token: bytes, filters: dict[str, Any], zone: ZoneInfo
) -> AsyncGenerator[list[dict[str, Any]]]:
    """The issues, newest first, some hundreds at a time: a month's ids, then the issues themselves. No connection is held in between."""
    async with database.acquire() as connection:
        first = await reading.oldest(connection)
    for since, until in _months(first, zone) if first else ():
        async with database.acquire() as connection:
            ids = await reading.ids(connection, token, filters, since, until)
        for start in range(0, len(ids), _AT_ONCE):
            async with database.acquire() as connection:
                items = await reading.by_ids(connection, token, ids[start : start + _AT_ONCE])
            yield items


def state(issue: dict[str, Any], language: str) -> str:
    """The state in words; what was closed without being mended is never called closed."""
    return say("state-unresolved" if issue["outcome"] == "unresolved" else f"state-{issue['state']}", language)


def row(issue: dict[str, Any], manner: Manner) -> list[Any]:
    def name(ref: dict[str, Any] | None) -> str:
        return (ref or {}).get("name") or ""

    handover = issue["handover"]
    link = f"{manner.base}/app/issues/{issue['id']}" if issue["photos"] else ""
    return [
        issue["number"], state(issue, manner.language), manner.category(issue["category"]), name(issue["area"]),
        name(issue["cell"]), issue["place"], issue["note"], name(issue["unit"]), name(issue["assignee"]), issue["created_at"], issue["deadline"],
        say("yes", manner.language) if issue["overdue"] else "", issue["closed_at"], issue["reports"], issue["recurrences"],
        handover["authority"] if handover else "", link,
    ]  # fmt: skip


def local(value: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if value is None else in_zone(value, zone).replace(tzinfo=None)


def heads(language: str) -> list[str]:
    return [say(f"ledger-{name}", language) for name in COLUMNS]


def _cell(name: str, value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, datetime):
        return f"{local(value, zone):%Y-%m-%d %H:%M}"
    if isinstance(value, str):
        return value if name in _OWN else as_text(value)
    return "" if value is None else value


async def as_csv(found: AsyncIterator[list[dict[str, Any]]], manner: Manner) -> AsyncGenerator[bytes]:
    """UTF-8 with the mark that Excel looks for; whatever could be a formula, a number or a date is text."""

    def lines(rows: Iterable[list[Any]]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()

    yield b"\xef\xbb\xbf" + lines([heads(manner.language)])
    async for items in found:
        yield lines(
            [_cell(name, value, manner.zone) for name, value in zip(COLUMNS, row(issue, manner), strict=True)] for issue in items
        )
