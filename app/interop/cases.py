"""Past cases from a city's open data, as issues with their true history."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import itertools
import os
import tomllib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.grid.imports import put_area
from app.issues import recurrence
from app.issues.history import Past, PastEvent, load
from app.kit.db import Connection
from app.people.accounts import add_account

_NAMESPACE = uuid.UUID("0f1d4a5c-4c0b-5b5e-8f0e-9f3f6c9d8b21")
_BOSTON = ZoneInfo("America/New_York")
_BATCH = 3000
_SKEW = timedelta(days=1)
_COLUMNS = {"CASE_ENQUIRY_ID", "OPEN_DT", "TARGET_DT", "CLOSED_DT", "CASE_STATUS", "TYPE", "Department", "LATITUDE", "LONGITUDE"}


class Row(Exception):
    """A row that cannot be taken; the message says why."""


def _instant(text: str, column: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        local = datetime.strptime(text.strip(), "%m/%d/%Y %I:%M:%S %p")
    except ValueError:
        raise Row(f"{column} is not a time: {text!r}") from None
    return local.replace(tzinfo=_BOSTON).astimezone(UTC)


def _coordinate(text: str, limit: float, column: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Row(f"{column} is not a number: {text!r}") from None
    if not abs(value) <= limit or value == 0:
        raise Row(f"{column} is no position: {text!r}")
    return value


def boston_case(row: dict[str, str], categories: dict[str, str], units: dict[str, uuid.UUID], reporter: uuid.UUID) -> Past:
    """A row of Boston's 311 cases. Raises Row. Who mended is known only as the department; `import_close` says no more."""
    id = row["CASE_ENQUIRY_ID"].strip()
    if not id:
        raise Row("it has no CASE_ENQUIRY_ID")
    category = categories.get(row["TYPE"])
    if category is None:
        raise Row(f"TYPE is not known: {row['TYPE']!r}")
    opened, target, closed = (_instant(row[name], name) for name in ("OPEN_DT", "TARGET_DT", "CLOSED_DT"))
    if opened is None:
        raise Row("OPEN_DT is missing")
    ended = closed
    if closed is not None and closed < opened:
        if opened - closed > _SKEW:
            raise Row("CLOSED_DT is long before OPEN_DT")
        # Two clocks of the city's differ; the case was opened and closed in one go.
        ended = opened
    lat, lon = _coordinate(row["LATITUDE"], 90, "LATITUDE"), _coordinate(row["LONGITUDE"], 180, "LONGITUDE")
    unit = units.get(row["Department"])
    data: dict[str, Any] = {"unit": str(unit) if unit else None, "deadline": target.isoformat() if target else None}
    events = [
        PastEvent("report", None, "reported", opened, reporter, "reporter", {"source": row.get("Source", ""), "case": id}),
        PastEvent("import_assign", "reported", "assigned", opened, None, "system", data),
    ]
    state = "assigned"
    if row["CASE_STATUS"] == "Closed":
        if closed is None:
            raise Row("it is closed but has no CLOSED_DT")
        state = "closed"
        assert ended is not None
        events.append(
            PastEvent("import_close", "assigned", "closed", ended, None, "system", {"source_closed_at": closed.isoformat()})
        )
    elif closed is not None:
        raise Row("it is open but has a CLOSED_DT")
    return Past(
        id=uuid.uuid5(_NAMESPACE, f"boston/{id}"), category=category, lat=lat, lon=lon, opened_at=opened, reporter_id=reporter,
        state=state, events=events, note=row["TYPE"], place=row.get("neighborhood", ""), unit_id=unit, deadline=target,
        rectified_at=ended, closed_at=ended, fingerprint=hashlib.sha256(id.encode()).digest(),
    )  # fmt: skip


def _open(path: Path) -> tuple[TextIO, Any]:
    """The text of a CSV, and the file whose position tells the progress."""
    raw = path.open("rb")
    magic = raw.read(2)
    raw.seek(0)
    stream: Any = gzip.GzipFile(fileobj=raw) if magic == b"\x1f\x8b" else raw
    return io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline=""), raw


async def _units(connection: Connection, area: uuid.UUID, names: set[str]) -> dict[str, uuid.UUID]:
    for name in names:
        await connection.execute(
            "insert into units (id, area_id, name, kind) values ($1, $2, $3, 'bureau') on conflict do nothing",
            uuid.uuid5(_NAMESPACE, f"{area}/{name}"), area, name,
        )  # fmt: skip
    return {row["name"]: row["id"] for row in await connection.fetch("select id, name from units where area_id = $1", area)}


async def _reporter(connection: Connection) -> uuid.UUID:
    found = await connection.fetchval("select id from accounts where account = 'import-boston-311'")
    made = found or await add_account(connection, "import-boston-311", "Boston 311", None, [])
    assert made is not None
    return made


async def import_cases(connection: Connection, path: Path, preset: str, refusals: Path, console: Console) -> str:
    """Stream a CSV of past cases in; a sentence about what happened. Refused rows go to `refusals` with their reasons.

    Repeatable: a case's id follows from the source's, so one that is here already is left as it is. All or nothing: a run
    that is stopped leaves nothing behind.
    """
    categories: dict[str, str] = tomllib.loads(Path(__file__).with_name(f"{preset}.toml").read_text("utf-8"))
    text, raw = _open(path)
    with text, refusals.open("w", newline="", encoding="utf-8") as out:
        reader = csv.DictReader(text)
        missing = _COLUMNS - set(reader.fieldnames or ())
        if missing:
            return f"{path} lacks the columns {', '.join(sorted(missing))}; nothing was taken."
        refused = csv.writer(out)
        refused.writerow(["line", "reason", *(reader.fieldnames or ())])
        area = await put_area(connection, "Boston", "city", None, None, "America/New_York")
        reporter = await _reporter(connection)
        units: dict[str, uuid.UUID] = {}
        taken = known = bad = 0
        seen: set[uuid.UUID] = set()
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %"),
            TimeElapsedColumn(),
            console=console,
        )
        with progress:
            bar = progress.add_task("cases", total=os.fstat(raw.fileno()).st_size)
            for batch in _batches(reader):
                fresh = {row["Department"] for _, row in batch if row.get("Department")} - set(units)
                if fresh:
                    units = await _units(connection, area, fresh)
                cases: list[Past] = []
                for line, row in batch:
                    try:
                        if len(row) != len(reader.fieldnames or ()) or any(not isinstance(v, str) for v in row.values()):
                            raise Row("it has more or fewer columns than the header")
                        case = boston_case(row, categories, units, reporter)
                        if case.id in seen:
                            raise Row("its CASE_ENQUIRY_ID stands in the file before")
                    except Row as reason:
                        bad += 1
                        refused.writerow([line, str(reason), *row.values()])
                        continue
                    seen.add(case.id)
                    cases.append(case)
                if cases:
                    added = await load(connection, cases, area)
                    taken += added
                    known += len(cases) - added
                progress.update(bar, completed=raw.tell(), description=f"{taken + known + bad} cases")
        back = 0
        if taken:
            console.print("Looking for what came back …")
            back = await recurrence.link(connection, seen)
    return f"{taken} taken, {known} were here already, {bad} refused{f' (see {refusals})' if bad else ''}. {back} came back."


def _batches(reader: csv.DictReader[str]) -> Iterator[list[tuple[int, Any]]]:
    # Short and long rows carry None, which the reader's own type does not tell.
    lines = ((reader.line_num, row) for row in reader)
    while batch := list(itertools.islice(lines, _BATCH)):
        yield batch
