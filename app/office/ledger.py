"""The ledger (台账): every issue of a filter as one row, written page by page, however many there are."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from app.issues import reading
from app.kit.db import Database
from app.kit.language import say
from app.kit.times import now
from app.office import written
from app.office.pouring import Pouring

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
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


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
        issue["number"], say(f"state-{issue['state']}", manner.language), manner.category(issue["category"]), name(issue["area"]),
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


_ROWS, _BYTES, _LINKS = 1_000_000, 1 << 30, 60_000
_DAY = timedelta(days=1)
# What a spreadsheet counts days from.
_EPOCH = datetime(1899, 12, 30)


def _frame(sheets: dict[str, int], manner: Manner) -> zipfile.ZipFile:
    """A workbook with everything but its rows: for each sheet its name and its last row."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    head = book.add_format({"bold": True, "bg_color": "#DCEFE7", "text_wrap": True, "valign": "vcenter"})
    time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    link = book.add_format({"font_color": "#0563C1", "underline": 1})
    for name, last in sheets.items():
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(last - 1, 1), len(COLUMNS) - 1)
        for n, (column, text) in enumerate(zip(COLUMNS, heads(manner.language), strict=True)):
            sheet.set_column(n, n, _WIDTHS.get(column, 12))
            sheet.write_string(0, n, text, head)
        # These two make the library write their styles; the numbers are _TIME and _LINK.
        sheet.write_blank(1, 0, None, time)
        sheet.write_blank(1, 1, None, link)
    book.close()
    return zipfile.ZipFile(file)


_TIME, _LINK = 2, 3
_FIXED = ("_rels/.rels", "xl/styles.xml", "xl/theme/theme1.xml", "docProps/core.xml")
_COLUMN_NAMES = [xl_col_to_name(n) for n in range(len(COLUMNS))]
_PHOTOS = COLUMNS.index("photos")
# An underscore that a spreadsheet would take for a character's number.
_CODED = re.compile("_(?=x[0-9a-fA-F]{4}_)")


def _text(value: str) -> str:
    """As a cell holds it: at most as long as one may be, without what XML cannot say."""
    return escape(_CODED.sub("_x005F_", written.clean(value)[:32_000]))


class Book:
    """A workbook that is sent while it is written, one sheet a month, newest first.

    The library makes everything but the rows (`_frame`): what stands before them at once, what names the sheets at the end, when they are known.
    """

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.pouring = Pouring()
        self.sheets: dict[str, int] = {}
        self.month, self.row, self.size = "", 0, 0
        self.links: list[tuple[int, str]] = []
        self.sheet: Any = None

    def _turn(self, month: str) -> None:
        self._end()
        n = sum(name.startswith(month) for name in self.sheets)
        self.month, self.row, self.size, self.links = month, 2, 0, []
        self.name = f"{month} ({n + 1})" if n else month
        self.sheets[self.name] = 1
        self.sheet = self.pouring.zip.open(f"xl/worksheets/sheet{len(self.sheets)}.xml", "w")
        frame = _frame({self.name: 1}, self.manner).read("xl/worksheets/sheet1.xml").decode()
        # How far it reaches is known at the end only; a sheet may leave that out.
        before = re.sub("<dimension [^>]*/>", "", frame[: frame.index('<row r="2"')])
        if len(self.sheets) > 1:
            before = before.replace(' tabSelected="1"', "")
        self.sheet.write(before.encode())

    def _end(self) -> None:
        if self.sheet is None:
            return
        self.sheets[self.name] = self.row - 1
        frame = _frame({self.name: self.row - 1}, self.manner).read("xl/worksheets/sheet1.xml").decode()
        tail = frame[frame.index("</sheetData>") :]
        if self.links:
            at = _COLUMN_NAMES[_PHOTOS]
            links = "".join(f'<hyperlink ref="{at}{row}" r:id="rId{n}"/>' for n, (row, _) in enumerate(self.links, 1))
            tail = tail.replace("<pageMargins", f"<hyperlinks>{links}</hyperlinks><pageMargins")
        self.sheet.write(tail.encode())
        self.sheet.close()
        if self.links:
            targets = "".join(
                f'<Relationship Id="rId{n}" Type="{_RELATION}/hyperlink" Target={quoteattr(url)} TargetMode="External"/>'
                for n, (_, url) in enumerate(self.links, 1)
            )
            self.pouring.zip.writestr(
                f"xl/worksheets/_rels/sheet{len(self.sheets)}.xml.rels",
                f'<Relationships xmlns="{_PACKAGE}">{targets}</Relationships>',
            )

    def _cell(self, n: int, value: Any) -> str:
        at = f"{_COLUMN_NAMES[n]}{self.row}"
        if isinstance(value, datetime):
            local = _local(value, self.manner.zone)
            return f'<c r="{at}" s="{_TIME}"><v>{(local - _EPOCH) / _DAY!r}</v></c>' if local else ""
        if isinstance(value, int):
            return f'<c r="{at}"><v>{value}</v></c>'
        if not value:
            return ""
        style = ""
        if n == _PHOTOS and len(self.links) < _LINKS:
            # A sheet holds some 65,000 links; beyond that the address stands there as text.
            self.links.append((self.row, value))
            style = f' s="{_LINK}"'
        return f'<c r="{at}"{style} t="inlineStr"><is><t xml:space="preserve">{_text(value)}</t></is></c>'

    def write(self, items: list[dict[str, Any]]) -> bytes:
        """Add rows; what has come out by it."""
        lines: list[str] = []
        for issue in items:
            month = f"{issue['created_at'].astimezone(self.manner.zone):%Y-%m}"
            if month != self.month or self.row > _ROWS or self.size > _BYTES:
                self._flush(lines)
                self._turn(month)
            cells = "".join(self._cell(n, value) for n, value in enumerate(_row(issue, self.manner)))
            lines.append(f'<row r="{self.row}">{cells}</row>')
            self.row += 1
        self._flush(lines)
        return self.pouring.poured()

    def _flush(self, lines: list[str]) -> None:
        text = "".join(lines).encode()
        lines.clear()
        self.size += len(text)
        if text:
            self.sheet.write(text)

    def begin(self) -> bytes:
        """What no sheet changes: it goes out before the first row is read."""
        return self._framed(_frame({"x": 1}, self.manner), True)

    def end(self) -> bytes:
        if self.sheet is None:
            self._turn(f"{datetime.now(self.manner.zone):%Y-%m}")
        self._end()
        return self._framed(_frame(self.sheets, self.manner), False) + self.pouring.end()

    def _framed(self, frame: zipfile.ZipFile, fixed: bool) -> bytes:
        for name in frame.namelist():
            if not name.startswith("xl/worksheets/") and (name in _FIXED) == fixed:
                self.pouring.zip.writestr(name, frame.read(name))
        return self.pouring.poured()


async def as_xlsx(found: AsyncIterator[list[dict[str, Any]]], manner: Manner) -> AsyncGenerator[bytes]:
    """The workbook, piece by piece, made beside the server's other work with the memory of some hundred rows."""
    book = Book(manner)
    yield await asyncio.to_thread(book.begin)
    async for items in found:
        yield await asyncio.to_thread(book.write, items)
    yield await asyncio.to_thread(book.end)
