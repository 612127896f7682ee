"""A CSV file as rows, whatever wrote it: packed or not, in any encoding that is certain, with any
separator, with broken quotes.

What makes the whole file useless raises `ImportProblem`; what is wrong with one row is said of that
row, and the next one is read.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.grid.imports import ImportProblem
from app.kit.cells import bare

# What a user may name; a file with a mark of its encoding, and UTF-16 without one, are known
# without.
ENCODINGS = (
    "utf-8",
    "gb18030",
    "gbk",
    "big5",
    "utf-16-le",
    "utf-16-be",
    "windows-1252",
    "iso-8859-1",
)
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_SEPARATORS = ",;\t|"
_PIECE = 1 << 20
# A line beyond this is no row, and is not kept in memory whole. A row of several lines has no more
# than these.
_LONGEST_LINE = 1 << 20
_KEPT_OF_LINE = 1000
_MOST_LINES = 100
_UNCLOSED = "a quotation mark in it is not closed, or stands where none may"
_TOO_LONG = f"it is longer than {csv.field_size_limit()} characters, perhaps after a quotation mark that is not closed"


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the line it begins on, its cells, and why it cannot be read, if so."""

    line: int
    cells: list[str]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    whole: bool = True


class Table:
    """A file of rows under a header. It is read as often as `records` is called."""

    def __init__(self, path: Path, encoding: str | None, known: Callable[[list[str]], int]) -> None:
        """`known` says how many columns of a header it knows: the separator under which that is
        most is the file's."""
        if not path.is_file():
            raise ImportProblem(f"{path} is no file.")
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self._packed = _is_packed(path)
        with self._bytes() as stream:
            self.encoding, self.mark = _encoding(_head(path, stream), encoding)
        self._begins_after, self.separator, self.header = self._find_header(known)
        # A file of refused rows begins with where and why; what follows is the row as it was.
        self.extra = 2 if [name.lower() for name in self.header[:2]] == ["line", "reason"] else 0
        self.header = self.header[self.extra :]

    def _bytes(self) -> Any:
        return gzip.open(self.path, "rb") if self._packed else self.path.open("rb")

    def _lines(self) -> Generator[_Line]:
        with self.path.open("rb") as raw:
            stream: Any = gzip.GzipFile(fileobj=raw) if self._packed else raw
            text = io.TextIOWrapper(stream, self.encoding, errors="replace", newline="")
            number = 0
            while line := text.readline(_LONGEST_LINE):
                number += 1
                whole = line.endswith(("\n", "\r")) or len(line) < _LONGEST_LINE
                yield _Line(number, line if whole else line[:_KEPT_OF_LINE], whole)
                while not whole and (rest := text.readline(_LONGEST_LINE)):
                    whole = rest.endswith(("\n", "\r")) or len(rest) < _LONGEST_LINE
                self.position = raw.tell()

    def _find_header(self, known: Callable[[list[str]], int]) -> tuple[int, str, list[str]]:
        separators = _SEPARATORS
        for line in self._lines():
            text = line.text.lstrip("\ufeff")
            if text.lower().startswith("sep=") and len(text.strip("\r\n")) == 5:
                separators = text[4]
            elif text.strip():
                headers = [(separator, _names(text, separator)) for separator in separators]
                return line.number, *max(headers, key=lambda header: known(header[1]))
        raise ImportProblem(f"{self.path} is empty.")

    def records(self) -> Generator[Record]:
        """The rows, in order, each once; blank lines are none."""
        lines = (line for line in self._lines() if line.number > self._begins_after)
        waiting: deque[_Line] = deque()
        width = len(self.header) + self.extra
        while line := waiting.popleft() if waiting else next(lines, None):
            if not line.text.strip():
                continue
            if not line.whole:
                yield Record(
                    line.number,
                    [line.text],
                    f"it is longer than {_LONGEST_LINE} characters; only its beginning is here",
                )
                continue
            waiting.appendleft(line)
            cells, used, fault = _parse(waiting, lines, self.separator, width)
            for _ in range(used):
                waiting.popleft()
            yield Record(line.number, [bare(cell) for cell in cells[self.extra :]], fault)


def _is_packed(path: Path) -> bool:
    """Whether a file is gzip, by what stands in it. One that is damaged or cut short is refused as
    a whole: which of its rows are as they were cannot be told."""
    with path.open("rb") as raw:
        if raw.read(2) != b"\x1f\x8b":
            return False
    try:
        with gzip.open(path, "rb") as stream:
            while stream.read(_PIECE):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        what = "is cut short" if isinstance(error, EOFError) else "is damaged"
        raise ImportProblem(f"{path} {what} (gzip: {error}); nothing was taken. Fetch it again.") from None
    return True


def _head(path: Path, stream: Any) -> bytes:
    head: bytes = stream.read(4096)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF")):
        raise ImportProblem(f"{path} is no CSV but a workbook, an archive or a document; save it as CSV (UTF-8).")
    return head


def _encoding(head: bytes, named: str | None) -> tuple[str, bool]:
    """How a file is encoded, and whether it says so itself. Never guessed: without a mark or a name
    it is UTF-8."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, True
    if named is not None:
        return named, False
    # A header in Latin letters has a zero in every second byte in UTF-16, and in no other encoding.
    even, odd = head[0:200:2], head[1:200:2]
    if len(head) >= 8 and odd.count(0) == len(odd) and not even.count(0):
        return "utf-16-le", False
    if len(head) >= 8 and even.count(0) == len(even) and not odd.count(0):
        return "utf-16-be", False
    return "utf-8", False


def _split(text: str, separator: str) -> list[str]:
    """A line's cells, though its quotes be broken: then they stand in the cells."""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        try:
            return next(csv.reader([text], delimiter=separator, quoting=quoting, strict=True))
        except csv.Error:
            continue
    return text.rstrip("\r\n").split(separator)


def _names(text: str, separator: str) -> list[str]:
    return [bare(cell.strip("\ufeff \t\r\n")) for cell in _split(text, separator)]


def _parse(waiting: deque[_Line], lines: Iterator[_Line], separator: str, width: int) -> tuple[list[str], int, str | None]:
    """The row that begins on the first waiting line: its cells, over how many lines it goes, and
    its fault. A quotation mark that is not closed spoils its own line only: what it would swallow
    is read as rows of its own."""

    def texts() -> Generator[str]:
        for n in range(_MOST_LINES):
            if n == len(waiting):
                following = next(lines, None)
                if following is None:
                    return
                waiting.append(following)
            if not waiting[n].whole:
                return
            yield waiting[n].text

    first = waiting[0].text
    reader = csv.reader(texts(), delimiter=separator, strict=True)
    try:
        cells = next(reader)
    except csv.Error as error:
        return _split(first, separator), 1, _TOO_LONG if "limit" in str(error) else _UNCLOSED
    used = reader.line_num
    if used > 1 and (len(cells) != width or any(_is_rows(cell, separator, width) for cell in cells)):
        return _split(first, separator), 1, _UNCLOSED
    if len(cells) < width or any(cell.strip() for cell in cells[width:]):
        return cells, used, "it has more or fewer columns than the header"
    return cells[:width], used, None


def _is_rows(cell: str, separator: str, width: int) -> bool:
    """Whether a cell of several lines looks as if whole rows had been swallowed."""
    return len(cell.splitlines()) > 1 and cell.count(separator) >= width - 1
