"""The ledger as a workbook that is sent while it is written: one sheet a month, frozen heads, filters, real dates, links to the photographs.

The library makes everything but the rows, as a workbook without any (`_frame`): what stands before them goes out at once, what names the sheets at the end, when
they are known (docs/adr/0010).
"""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from app.kit.times import local as in_zone
from app.office import written
from app.office.ledger import COLUMNS, Manner, heads, local, row
from app.office.pouring import Pouring

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
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TIME, _LINK = 2, 3
_FIXED = ("_rels/.rels", "xl/styles.xml", "xl/theme/theme1.xml", "docProps/core.xml")
_COLUMN_NAMES = [xl_col_to_name(n) for n in range(len(COLUMNS))]
_PHOTOS = COLUMNS.index("photos")
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


# An underscore that a spreadsheet would take for a character's number.
_CODED = re.compile("_(?=x[0-9a-fA-F]{4}_)")


def _text(value: str) -> str:
    """As a cell holds it: at most as long as one may be, without what XML cannot say."""
    return escape(_CODED.sub("_x005F_", written.clean(value)[:32_000]))


class Book:
    """Sheets in the order in which their rows come: `begin`, then `write` as often as there are rows, then `end`; each gives what has come out."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.pouring = Pouring()
        self.sheets: dict[str, int] = {}
        self.month, self.row, self.size = "", 0, 0
        self.links: list[tuple[int, str]] = []
        self.sheet: Any = None
        self.name = ""

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
            at_home = local(value, self.manner.zone)
            return f'<c r="{at}" s="{_TIME}"><v>{(at_home - _EPOCH) / _DAY!r}</v></c>' if at_home else ""
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
            month = f"{in_zone(issue['created_at'], self.manner.zone):%Y-%m}"
            if month != self.month or self.row > _ROWS or self.size > _BYTES:
                self._flush(lines)
                self._turn(month)
            cells = "".join(self._cell(n, value) for n, value in enumerate(row(issue, self.manner)))
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
