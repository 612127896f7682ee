"""One row of Boston's 311 cases, under the names of 2015 or of today, as a past case; or why it
cannot be taken."""

from __future__ import annotations

import hashlib
import re
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.grid.imports import ImportProblem
from app.issues.history import Past, PastEvent
from app.kit import cells, visible
from app.kit.times import EARLIEST, LATEST, now

NAMESPACE = uuid.UUID("0f1d4a5c-4c0b-5b5e-8f0e-9f3f6c9d8b21")
ZONE = "America/New_York"
_ZONE = ZoneInfo(ZONE)
# How far the city's own clocks may differ among each other and from ours.
_SKEW = timedelta(days=1)
NEEDED = (
    "CASE_ENQUIRY_ID",
    "OPEN_DT",
    "TARGET_DT",
    "CLOSED_DT",
    "CASE_STATUS",
    "TYPE",
    "DEPARTMENT",
    "LATITUDE",
    "LONGITUDE",
)
_WELCOME = ("NEIGHBORHOOD", "SOURCE")
_ALSO_NAMED = {"SLA_TARGET_DT": "TARGET_DT"}
_LONGEST = {"NEIGHBORHOOD": 200, "DEPARTMENT": 100, "SOURCE": 100, "CASE_ENQUIRY_ID": 64}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_ROUNDED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+|[0-9]+[.,][0-9]+")
# Nothing, or a day, to a spreadsheet; an id of nobody.
_NO_ID = re.compile(
    r"null|none|nan|n/?a|true|false|[0-9]{1,2}-[a-z]{3}(?:-[0-9]{2,4})?|[a-z]{3}-[0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2}",
    re.IGNORECASE,
)
_US_TIME = re.compile(
    r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}) ([0-9]{1,2}):([0-9]{2}):([0-9]{2}) ([AP])M",
    re.IGNORECASE,
)
_ISO_TIME = re.compile(
    r"([0-9]{4})-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?",
    re.IGNORECASE,
)
_DAY_FIRST = re.compile(r"\s*([0-9]{1,2})/[0-9]{1,2}/[0-9]{4}\b")
_NUMBER = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]+)?")


class Row(Exception):
    """A row that cannot be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What `boston.toml` says."""

    categories: Mapping[str, str]
    around: Sequence[float]


def rules() -> Rules:
    said: dict[str, Any] = tomllib.loads(Path(__file__).with_name("boston.toml").read_text("utf-8"))
    return Rules(said["categories"], said["around"])


def _meant(name: str) -> str:
    plain = re.sub(r"[\s-]+", "_", name.strip()).upper()
    return _ALSO_NAMED.get(plain, plain)


def known(header: list[str]) -> int:
    """How many columns of a header are those of Boston's cases."""
    return len({_meant(name) for name in header} & {*NEEDED, *_WELCOME})


def columns(header: list[str], path: Path) -> dict[str, int]:
    """Where each column stands that is read here. Raises ImportProblem where one is missing or
    stands twice."""
    found: dict[str, int] = {}
    twice: list[str] = []
    for n, name in enumerate(header):
        meant = _meant(name)
        if meant in found:
            twice.append(name)
        elif meant in NEEDED or meant in _WELCOME:
            found[meant] = n
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise ImportProblem(f"{path} lacks the columns {', '.join(missing)}; nothing was taken.")
    if twice:
        raise ImportProblem(f"{path} has columns that stand twice: {', '.join(twice)}; nothing was taken.")
    return found


def is_day_first(row: Mapping[str, str]) -> bool:
    """Whether a time of the row can only be read with the day before the month."""
    dates = (_DAY_FIRST.match(row[name]) for name in ("OPEN_DT", "TARGET_DT", "CLOSED_DT"))
    return any(int(date[1]) > 12 for date in dates if date)


def _out_of_bounds(text: str, column: str) -> Row:
    return Row(f"{column} is not between the years {EARLIEST.year} and {LATEST.year}: {text!r}")


def _local(text: str, column: str, day_first: bool) -> datetime:
    """A time as it is written, with its offset where one is written. Raises Row."""
    wrong = Row(f"{column} is not a time such as 01/31/2015 07:32:00 PM or 2015-01-31 19:32:00: {text!r}")
    if american := _US_TIME.fullmatch(text):
        month, day, year, hour, minute, second = (int(part) for part in american.groups()[:6])
        if day_first:
            raise Row(f"{column} may have the day before the month, as other rows of the file do: {text!r}")
        if not 1 <= hour <= 12:
            raise wrong
        hour = hour % 12 + (12 if american[7].upper() == "P" else 0)
        parts = (year, month, day, hour, minute, second)
    elif iso := _ISO_TIME.fullmatch(text):
        year, parts = int(iso[1]), None
    else:
        raise wrong
    # Before anything is reckoned: at the ends of the calendar a shift of zones is no longer
    # possible.
    if not EARLIEST.year <= year < LATEST.year:
        raise _out_of_bounds(text, column)
    try:
        return datetime(*parts) if parts else datetime.fromisoformat(text.upper())
    except ValueError:
        raise wrong from None


def _instant(text: str, column: str, day_first: bool) -> datetime | None:
    text = text.strip()
    if not text:
        return None
    at = _utc(_local(text, column, day_first), text, column)
    if not EARLIEST <= at < LATEST:
        raise _out_of_bounds(text, column)
    return at


def _utc(at: datetime, text: str, column: str) -> datetime:
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    first, second = (at.replace(tzinfo=_ZONE, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        there = first.astimezone(UTC).astimezone(_ZONE).replace(tzinfo=None) == at
        what = "was there twice" if there else "was never"
        raise Row(f"{column} {what} in Boston, where the clocks were changed; write it with its offset: {text!r}")
    return first.astimezone(UTC)


def _position(row: Mapping[str, str], around: Sequence[float]) -> tuple[float, float]:
    """Latitude and longitude. Raises Row for what is no position, or one far from Boston."""
    values: list[float] = []
    for column in ("LATITUDE", "LONGITUDE"):
        text = row[column].strip()
        if not text:
            raise Row(f"it has no position: {column} is empty")
        if not _NUMBER.fullmatch(text):
            raise Row(f"{column} is not a number of degrees: {text!r}")
        values.append(float(text))
    lat, lon = values
    south, west, north, east = around
    if lat == 0 or lon == 0:
        raise Row("it has no position: LATITUDE or LONGITUDE is 0")
    if south <= lon <= north and west <= lat <= east:
        raise Row("LATITUDE and LONGITUDE are swapped")
    if not (south <= lat <= north and west <= lon <= east):
        raise Row(f"its position is far from Boston: LATITUDE {lat}, LONGITUDE {lon}")
    return lat, lon


def _id(text: str) -> str:
    id = text.strip()
    if not id:
        raise Row("it has no CASE_ENQUIRY_ID")
    if _ROUNDED.fullmatch(id) or _NO_ID.fullmatch(id) or not _ID.fullmatch(id):
        raise Row(f"CASE_ENQUIRY_ID is not a case's number, perhaps since a spreadsheet rewrote it: {id!r}")
    return id


def _state(text: str) -> str:
    state = {"open": "assigned", "closed": "closed"}.get(text.strip().lower())
    if state is None:
        raise Row(f"CASE_STATUS is neither Open nor Closed: {text!r}")
    return state


def _times(row: Mapping[str, str], day_first: bool) -> tuple[datetime, datetime | None, datetime | None]:
    """When it was opened, was due and was closed. Raises Row for what cannot be so."""
    opened, target, closed = (_instant(row[name], name, day_first) for name in ("OPEN_DT", "TARGET_DT", "CLOSED_DT"))
    if opened is None:
        raise Row("OPEN_DT is missing")
    for at, column in ((opened, "OPEN_DT"), (closed, "CLOSED_DT")):
        if at is not None and at > now() + _SKEW:
            raise Row(f"{column} lies in the future: {row[column]!r}")
    if target is not None and target < opened:
        raise Row("TARGET_DT is before OPEN_DT")
    if closed is not None and opened - closed > _SKEW:
        raise Row("CLOSED_DT is long before OPEN_DT")
    return opened, target, closed


def case(row: Mapping[str, str], said: Rules, reporter: uuid.UUID, day_first: bool) -> tuple[Past, str]:
    """The case of a row, and the department that answers for it, which is all that is known of who
    mended it. Raises Row."""
    for column, text in row.items():
        why = cells.fault(text, _LONGEST.get(column, 100))
        if why:
            raise Row(f"{column} {why}")
    id = _id(row["CASE_ENQUIRY_ID"])
    kind, place, department, source = (
        text.strip() if visible.is_visible(text := row.get(name, "")) else ""
        for name in ("TYPE", "NEIGHBORHOOD", "DEPARTMENT", "SOURCE")
    )
    if why := cells.name_fault(department, _LONGEST["DEPARTMENT"]):
        raise Row(f"DEPARTMENT {why}")
    category = said.categories.get(kind)
    if category is None:
        raise Row(f"TYPE is not known: {kind!r}")
    state = _state(row["CASE_STATUS"])
    opened, target, closed = _times(row, day_first)
    if state == "closed" and closed is None:
        raise Row("it is closed but has no CLOSED_DT")
    if state != "closed" and closed is not None:
        raise Row("it is open but has a CLOSED_DT")
    lat, lon = _position(row, said.around)
    events = [
        PastEvent("report", None, "reported", opened, reporter, "reporter", {"source": source, "case": id}),
        PastEvent("import_assign", "reported", "assigned", opened, None, "system"),
    ]
    # Two clocks of the city's differ where it is closed before it is opened: that was done in one
    # go.
    ended = max(opened, closed) if closed else None
    if ended and closed:
        data = {"source_closed_at": closed.isoformat()}
        events.append(PastEvent("import_close", "assigned", "closed", ended, None, "system", data))
    past = Past(
        id=uuid.uuid5(NAMESPACE, f"boston/{id}"),
        category=category,
        lat=lat,
        lon=lon,
        opened_at=opened,
        reporter_id=reporter,
        state=state,
        events=events,
        note=kind,
        place=place,
        deadline=target,
        rectified_at=ended,
        closed_at=ended,
        fingerprint=hashlib.sha256(id.encode()).digest(),
    )
    return past, department


def answered_by(past: Past, unit: uuid.UUID | None) -> None:
    """Write who answers for a case into it, as it was assigned when it was opened."""
    past.unit_id = unit
    deadline = past.deadline.isoformat() if past.deadline else None
    past.events[1].data = {"unit": str(unit) if unit else None, "deadline": deadline}
