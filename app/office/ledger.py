"""The ledger (台账): every issue of a filter as one row, written page by page, however many there are."""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any
from zoneinfo import ZoneInfo

import xlsxwriter

from app.issues import reading
from app.kit.db import Database
from app.kit.language import say
from app.kit.times import now

COLUMNS = (
    "number", "state", "category", "area", "cell", "place", "note", "unit", "assignee", "created_at", "deadline", "overdue", "closed_at", "reports",
    "recurrences", "authority", "photos",
)  # fmt: skip
_WIDTHS = {
    "note": 40,
    "place": 22,
    "category": 20,
    "number": 14,
    "created_at": 17,
    "deadline": 17,
    "closed_at": 17,
    "photos": 30,
    "unit": 16,
}
_AT_ONCE = 500
# What a spreadsheet would take for a formula at the beginning of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a ledger is written: the reader's language, the community's time zone, the categories' names, and where issues are looked at."""

    language: str
    zone: ZoneInfo
    categories: dict[str, str]
    base: str


def _months(first: datetime, zone: ZoneInfo) -> Generator[tuple[datetime, datetime]]:
    """The months in a zone from the present one back to that of `first`, each from its beginning up to the next."""
    today = now().astimezone(zone)
    year, month = today.year, today.month
    # A report of the next seconds, which a clock ahead of this one has stamped, belongs to the present month.
    end = now() + timedelta(days=1)
    while end > first:
        begin = datetime(year, month, 1, tzinfo=zone).astimezone(UTC)
        yield begin, end
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


def _row(issue: dict[str, Any], manner: Manner) -> list[Any]:
    def name(ref: dict[str, Any] | None) -> str:
        return (ref or {}).get("name") or ""

    handover = issue["handover"]
    link = f"{manner.base}/app/issues/{issue['id']}" if issue["photos"] else ""
    return [
        issue["number"], say(f"state-{issue['state']}", manner.language), manner.categories.get(issue["category"], issue["category"]), name(issue["area"]),
        name(issue["cell"]), issue["place"], issue["note"], name(issue["unit"]), name(issue["assignee"]), issue["created_at"], issue["deadline"],
        say("yes", manner.language) if issue["overdue"] else "", issue["closed_at"], issue["reports"], issue["recurrences"],
        handover["authority"] if handover else "", link,
    ]  # fmt: skip


def _local(value: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if value is None else value.astimezone(zone).replace(tzinfo=None)


def heads(language: str) -> list[str]:
    return [say(f"ledger-{name}", language) for name in COLUMNS]


def _cell(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, datetime):
        return f"{_local(value, zone):%Y-%m-%d %H:%M}"
    if isinstance(value, str) and value.startswith(_FORMULA):
        # An apostrophe makes it text to every spreadsheet.
        return "'" + value
    return "" if value is None else value


async def as_csv(found: AsyncIterator[list[dict[str, Any]]], manner: Manner) -> AsyncGenerator[bytes]:
    """UTF-8 with the mark that Excel looks for; whatever could be a formula is text."""

    def lines(rows: Iterable[list[Any]]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()

    yield b"\xef\xbb\xbf" + lines([heads(manner.language)])
    async for items in found:
        yield lines([_cell(value, manner.zone) for value in _row(issue, manner)] for issue in items)


class _Book:
    """A workbook written row by row into a file, one sheet a month."""

    def __init__(self, file: IO[bytes], manner: Manner) -> None:
        self.manner = manner
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.book = xlsxwriter.Workbook(file, options)
        self.head = self.book.add_format({"bold": True, "bg_color": "#DCEFE7", "text_wrap": True, "valign": "vcenter"})
        self.time = self.book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self.sheet: Any = None
        self.month, self.row = "", 0

    def _turn(self, month: str) -> None:
        self._end()
        self.month, self.row = month, 1
        self.sheet = self.book.add_worksheet(month)
        self.sheet.freeze_panes(1, 1)
        for n, (name, text) in enumerate(zip(COLUMNS, heads(self.manner.language), strict=True)):
            self.sheet.set_column(n, n, _WIDTHS.get(name, 12))
            self.sheet.write_string(0, n, text, self.head)

    def _end(self) -> None:
        if self.sheet is not None:
            self.sheet.autofilter(0, 0, max(self.row - 1, 1), len(COLUMNS) - 1)

    def write(self, items: list[dict[str, Any]]) -> None:
        for issue in items:
            month = f"{issue['created_at'].astimezone(self.manner.zone):%Y-%m}"
            if month != self.month:
                self._turn(month)
            for n, value in enumerate(_row(issue, self.manner)):
                if isinstance(value, datetime):
                    self.sheet.write_datetime(self.row, n, _local(value, self.manner.zone), self.time)
                elif isinstance(value, int):
                    self.sheet.write_number(self.row, n, value)
                elif COLUMNS[n] == "photos" and value and self.row < 60_000:
                    # A sheet holds 65,530 links; beyond that the address stands there as text.
                    self.sheet.write_url(self.row, n, value)
                elif value:
                    self.sheet.write_string(self.row, n, value)
            self.row += 1

    def close(self) -> None:
        if self.sheet is None:
            self._turn(f"{datetime.now(self.manner.zone):%Y-%m}")
        self._end()
        self.book.close()


async def as_xlsx(found: AsyncIterator[list[dict[str, Any]]], manner: Manner) -> IO[bytes]:
    """The workbook in a file that is gone once it is closed: written beside the server's other work, with the memory of one row."""
    file = tempfile.TemporaryFile(prefix="ledger-")  # noqa: SIM115 the caller closes it, once it is sent
    book = _Book(file, manner)
    async for items in found:
        await asyncio.to_thread(book.write, items)
    await asyncio.to_thread(book.close)
    file.seek(0)
    return file
