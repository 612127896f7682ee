"""Past cases from a city's open data, as issues with their true history."""

from __future__ import annotations

import csv
import itertools
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.grid.imports import ImportProblem, put_area
from app.interop import boston
from app.interop.boston import Row
from app.interop.tables import Record, Table
from app.issues import recurrence
from app.issues.history import Past, load
from app.kit import cells
from app.kit.db import Connection
from app.people.accounts import add_account

_BATCH = 3000
# A spreadsheet keeps no more of a cell.
_LONGEST_CELL = 32_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of every row of a file: taken, here already, or refused."""

    taken: int
    known: int
    refused: int
    came_back: int
    refusals: Path

    def __str__(self) -> str:
        where = f" (see {self.refusals})" if self.refused else ""
        counts = f"{self.taken} taken, {self.known} were here already, {self.refused} refused{where}."
        return f"{counts} {self.came_back} came back." if self.taken or self.known else f"Nothing was taken: {counts}"

    @property
    def is_empty(self) -> bool:
        return not self.taken and not self.known


@dataclass(slots=True)
class _Survey:
    """What only the whole file tells of its rows."""

    day_first: bool = False
    # Of each id the line it stands on first, and a hash of that row.
    first: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    # Ids that stand on rows which differ: which of them is right nobody can tell.
    torn: set[str] = field(default_factory=set[str])


async def _units(connection: Connection, area: uuid.UUID, names: set[str]) -> dict[str, uuid.UUID]:
    for name in names:
        # The unique key over area and name lets a department be there once.
        await connection.execute(
            "insert into units (id, area_id, name, kind) values ($1, $2, $3, 'bureau') on conflict do nothing",
            uuid.uuid5(boston.NAMESPACE, f"{area}/{name}"), area, name,
        )  # fmt: skip
    return {row["name"]: row["id"] for row in await connection.fetch("select id, name from units where area_id = $1", area)}


async def _reporter(connection: Connection) -> uuid.UUID:
    found = await connection.fetchval("select id from accounts where account = 'import-boston-311'")
    made = found or await add_account(connection, "import-boston-311", "Boston 311", None, [])
    assert made is not None
    return made


def _for_people(cell: str) -> str:
    return cells.as_text(cells.shown(cell[:_LONGEST_CELL]))


def _row(record: Record, columns: Mapping[str, int]) -> dict[str, str]:
    return {name: record.cells[n] for name, n in columns.items()}


class _Reader:
    """Rows of a table into cases; those that cannot be taken into the file of refusals, each with
    its line and the reason."""

    def __init__(self, table: Table, reporter: uuid.UUID, refusals: Any) -> None:
        self.table, self.reporter, self.rules = table, reporter, boston.rules()
        self.columns = boston.columns(table.header, table.path)
        self.survey = self._survey()
        self.refused = 0
        self._out = csv.writer(refusals)
        self._out.writerow(["line", "reason", *(cells.as_text(cells.shown(name)) for name in table.header)])

    def _survey(self) -> _Survey:
        survey = _Survey()
        for record in self.table.records():
            if record.fault is not None:
                continue
            row = _row(record, self.columns)
            survey.day_first = survey.day_first or boston.is_day_first(row)
            try:
                boston.case(row, self.rules, self.reporter, survey.day_first)
            except Row:
                continue
            id, content = row["CASE_ENQUIRY_ID"].strip(), hash(tuple(row.values()))
            if survey.first.setdefault(id, (record.line, content))[1] != content:
                survey.torn.add(id)
        return survey

    def _case(self, record: Record) -> tuple[Past, str]:
        if record.fault is not None:
            raise Row(record.fault)
        row = _row(record, self.columns)
        found = boston.case(row, self.rules, self.reporter, self.survey.day_first)
        id = row["CASE_ENQUIRY_ID"].strip()
        if id in self.survey.torn:
            raise Row(f"its CASE_ENQUIRY_ID stands on several rows that differ: {id!r}")
        first = self.survey.first[id][0]
        if first != record.line:
            raise Row(f"the same row stands on line {first} already")
        return found

    def cases(self) -> Generator[tuple[Past, str]]:
        for record in self.table.records():
            try:
                yield self._case(record)
            except Row as reason:
                self.refused += 1
                said = str(reason)
                if "U+FFFD" in said and not self.table.mark:
                    said += f": the file is not {self.table.encoding}; name its encoding with --encoding, as gb18030"
                if any(len(cell) > _LONGEST_CELL for cell in record.cells):
                    said += "; of its longest cells only the beginning is here"
                self._out.writerow([record.line, said, *(_for_people(cell) for cell in record.cells)])


def _keep_apart(path: Path, refusals: Path) -> None:
    if refusals.exists() and refusals.samefile(path):
        raise ImportProblem(f"{path} would be overwritten by its own refusals; name another file with --refusals.")


def _progress(console: Console) -> Progress:
    shown = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    return Progress(*shown, console=console)


async def import_cases(
    connection: Connection,
    path: Path,
    preset: str,
    refusals: Path,
    console: Console,
    encoding: str | None = None,
) -> Outcome:
    """Stream a CSV of past cases in. Refused rows go to `refusals` with their reasons: mended
    there, that file can be brought in again.

    Repeatable: a case's id follows from the source's, so one that is here already is left as it is.
    All or nothing: a run that is stopped leaves nothing behind. Raises ImportProblem where the file
    as a whole cannot be read.
    """
    assert preset == "boston"
    table = Table(path, encoding, boston.known)
    _keep_apart(path, refusals)
    boston.columns(table.header, path)
    taken = known = 0
    reporter = await _reporter(connection)
    area: uuid.UUID | None = None
    units: dict[str, uuid.UUID] = {}
    ids: set[uuid.UUID] = set()
    with (
        refusals.open("w", newline="", encoding="utf-8-sig") as out,
        _progress(console) as progress,
    ):
        bar = progress.add_task("cases", total=table.size)
        reader = _Reader(table, reporter, out)
        found = reader.cases()
        while batch := list(itertools.islice(found, _BATCH)):
            area = area or await put_area(connection, "Boston", "city", None, None, boston.ZONE)
            fresh = {department for _, department in batch if department} - set(units)
            if fresh:
                units = await _units(connection, area, fresh)
            for past, department in batch:
                boston.answered_by(past, units.get(department))
            added = await load(connection, [past for past, _ in batch], area)
            ids.update(past.id for past, _ in batch)
            taken += added
            known += len(batch) - added
            progress.update(bar, completed=table.position, description=f"{taken + known + reader.refused} cases")
    back = 0
    if taken:
        console.print("Looking for what came back …")
        back = await recurrence.link(connection, ids)
    return Outcome(taken, known, reader.refused, back, refusals)
