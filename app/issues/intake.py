"""Intake: a report becomes an issue, or joins one, exactly once."""

from __future__ import annotations

import hashlib
from math import cos, log, pi, radians, tan
from typing import Any
from uuid import UUID

import orjson

from app.issues import queries
from app.issues.lifecycle import MENDABLE
from app.issues.reading import issue_json, one
from app.issues.schemas import ReportIn
from app.kit.datum import Datum, from_wgs84
from app.kit.db import Connection, Database, tell_after_commit
from app.kit.problems import Problem, invalid, no_reach, not_found
from app.kit.quota import Owners, Quota
from app.kit.route import unauthorized
from app.kit.times import clock_fault, now
from app.kit.wire import dumps
from app.settings import settings

_reports: Quota[UUID] = Quota(lambda: settings().reports_an_hour, "reports-many")
_owners = Owners()

_SPHERE_M = 6378137.0
_EDGE = 85.06

_NEW_ISSUE: dict[str, Any] = {
    "unit_id": None, "unit_name": None, "assignee_id": None, "assignee_name": None, "deadline": None, "first_deadline": None,
    "extensions": 0, "overdue": False,
    "extension_until": None, "authority": None, "reply_by": None, "recurrence_of": None, "recurrences": 0, "merged_into": None, "reports": 1,
    "unresolved": None, "version": 1, "ended_lately": True, "evidence_missing": False,
}  # fmt: skip


def mercator(lat: float, lon: float) -> tuple[float, float, float]:
    """Web Mercator x and y in metres, and by how much a metre there is stretched."""
    phi = radians(max(-_EDGE, min(_EDGE, lat)))
    return _SPHERE_M * radians(lon), _SPHERE_M * log(tan(pi / 4 + phi / 2)), 1 / cos(phi)


def fingerprint(report: ReportIn) -> bytes:
    """What makes two bodies the same report: their values, not their spelling."""
    # A field that came later must not change what earlier reports are known by.
    later = {"premises"} if report.premises is None else None
    return hashlib.sha256(dumps(report.model_dump(mode="json", exclude=later))).digest()


def _report_json(id: str, issue_id: str, report: ReportIn, received_at: Any, clock: str | None) -> dict[str, Any]:
    position = report.position
    return {
        "id": id,
        "issue_id": issue_id,
        "category": report.category,
        "position": {"lat": position.lat, "lon": position.lon, "accuracy_m": position.accuracy_m, "datum": position.datum},
        "observed_at": report.observed_at,
        "received_at": received_at,
        "clock": clock,
        "note": report.note,
        "place": report.place,
        "photos": [str(photo) for photo in report.photos],
        "mended_on_the_spot": report.mended_on_the_spot,
        "premises": None if report.premises is None else str(report.premises),
    }


async def submit(database: Database, token: bytes, id: UUID, report: ReportIn, datum: Datum) -> tuple[int, dict[str, Any]]:
    """Take a report; 201 with report, issue and nearby, or 200 with the same when it was here already.

    Problems: 401; 403 no role of the caller reaches the place; 422 unknown category or issue, or no photograph where the category
    demands one; 409 when the caller has sent another report under this id; 404 when somebody else has; 429 when the caller has
    sent too many in an hour.
    """
    await _check_quota(database, token)
    if report.issue_id is not None:
        return await _join(database, token, id, report, datum)
    lat, lon = report.position.wgs84()
    x, y, stretch = mercator(lat, lon)
    received_at = now()
    clock = clock_fault(report.observed_at, received_at)
    mark = fingerprint(report)
    statement = queries.intake(bool(report.photos), report.mended_on_the_spot, report.premises is not None)
    named = () if report.premises is None else (report.premises,)
    async with database.acquire() as connection:
        if named:
            await _check_premises(connection, token, report.premises)
        row = await connection.fetchrow(
            statement, token, id, report.category, lon, lat, x, y, stretch, mark, report.position.lat, report.position.lon,
             report.position.datum, report.position.accuracy_m, report.observed_at,
            received_at if clock else report.observed_at, clock, report.place, report.note, report.mended_on_the_spot,
            report.photos, settings().time_zone, *named,
        )  # fmt: skip
        if row is None:
            raise unauthorized()
        if row["id"] is None:
            if row["prior_account"] is None:
                if not row["reaches"]:
                    raise no_reach()
                if not row["known"]:
                    raise invalid("/category", "unknown-category")
                if row["lacks_photo"]:
                    raise invalid("/photos", "after-photo")
            # It was here before, or arrived at the same moment on another connection.
            return 200, await stored(connection, token, id, mark, datum)
    _owners.learn(token, row["account_id"])
    _reports.spend(row["account_id"])
    database.tell((UUID(row["area_id"]) if row["area_id"] else None, row["account_id"]))
    arrived: set[UUID] = set(row["arrived"] or ())
    photos: list[dict[str, Any]] = [
        {"id": str(photo), "kind": "before", "state": "stored" if photo in arrived else "awaited", "doubts": None}
        for photo in report.photos
    ]
    if photos and report.mended_on_the_spot:
        photos[-1]["kind"] = "after"
    issue = issue_json({**_NEW_ISSUE, **row, "photos": dumps(photos)}, datum)
    near: Any = orjson.Fragment(row["nearby"] or "[]")
    if datum != "wgs84":
        near = orjson.loads(row["nearby"] or "[]")
        shift(near, datum)
    return 201, {
        "report": _report_json(str(id), str(id), report, row["received_at"], clock),
        "issue": issue,
        "nearby": near,
    }


async def _check_quota(database: Database, token: bytes) -> None:
    """Problem 429. Whose session it is takes a statement once: somebody with many sessions is still one."""
    account = _owners.of(token)
    if account is None:
        async with database.acquire() as connection:
            account = await connection.fetchval(queries.ACCOUNT, token)
        if account is not None:
            _owners.learn(token, account)
    _reports.check(account)


def shift(items: list[dict[str, Any]], datum: Datum) -> None:
    """Positions of `items`, from WGS 84 to `datum`, in place."""
    for item in items:
        lat, lon = from_wgs84(item["position"]["lat"], item["position"]["lon"], datum)
        item["position"] = {"lat": lat, "lon": lon}


async def stored(connection: Connection, token: bytes, id: UUID, mark: bytes | None, datum: Datum = "wgs84") -> dict[str, Any]:
    """The answer to a report that is here. With `mark`, only to the caller who sent these very values."""
    row = await connection.fetchrow(queries.STORED_REPORT, token, id)
    if row is None:
        raise unauthorized()
    if row["id"] is None or (mark is not None and not row["own"]):
        raise not_found()
    position = {
        "lat": row["claimed_lat"], "lon": row["claimed_lon"], "accuracy_m": row["accuracy_m"], "datum": row["datum"]
    }  # fmt: skip
    report = {
        "id": row["id"], "issue_id": row["issue_id"], "category": row["category"], "position": position,
        "observed_at": row["observed_at"], "received_at": row["received_at"], "clock": row["clock"], "note": row["note"],
        "place": row["place"], "photos": row["photos"], "mended_on_the_spot": row["mended"], "premises": row["premises"],
    }  # fmt: skip
    if mark is not None and row["fingerprint"] != mark:
        raise Problem(409, "id-taken", extra={"report": report})
    issue = await one(connection, token, UUID(row["issue_id"]), datum)
    near = await nearby(connection, token, row["category"], row["lat"], row["lon"], datum)
    return {"report": report, "issue": issue, "nearby": [item for item in near if item["id"] != issue["id"]]}


async def nearby(
    connection: Connection, token: bytes, category: str, lat: float, lon: float, datum: Datum = "wgs84"
) -> list[dict[str, Any]]:
    """Open issues of a category within its radius of a WGS 84 position, nearest first, at most ten."""
    row = await connection.fetchrow(queries.NEARBY, token, None, category, lon, lat, *mercator(lat, lon))
    if row is None:
        raise unauthorized()
    if not row["known"]:
        raise invalid("/category", "unknown-category")
    items: list[dict[str, Any]] = orjson.loads(row["nearby"] or "[]")
    shift(items, datum)
    return items


async def _check_premises(connection: Connection, token: bytes, premises: UUID | None) -> None:
    row = await connection.fetchrow(queries.PREMISES_SEEN, token, premises)
    if row is None:
        raise unauthorized()
    if not row["seen"]:
        raise invalid("/premises", "unknown-premises")


async def _join(database: Database, token: bytes, id: UUID, report: ReportIn, datum: Datum) -> tuple[int, dict[str, Any]]:
    """A report of something that has an issue. One that ended meanwhile gets a new issue rather than a refusal."""
    mark = fingerprint(report)
    lat, lon = report.position.wgs84()
    received_at = now()
    clock = clock_fault(report.observed_at, received_at)
    async with database.transaction() as connection:
        known = await connection.fetchrow(queries.STORED_REPORT, token, id)
        if known is None:
            raise unauthorized()
        if known["id"] is not None:
            return 200, await stored(connection, token, id, mark, datum)
        target = await connection.fetchrow(queries.JOINABLE, token, report.issue_id)
        if target is None:
            raise invalid("/issue_id", "unknown-issue")
        if target["is_open"] and not target["reaches"]:
            raise no_reach()
        # Locked until commit: the issue cannot close or be merged between this look and the joining.
        issue: Any = await connection.fetchrow(queries.LOCK_ISSUE, target["id"])
        kind = await connection.fetchrow(queries.KIND, report.category, issue["area_id"], issue["cell_id"])
        if report.premises is not None:
            await _check_premises(connection, token, report.premises)
        if kind is None:
            raise invalid("/category", "unknown-category")
        if report.mended_on_the_spot and kind["after_photo"] and not report.photos:
            raise invalid("/photos", "after-photo")
        # Behind the lock, since it may have moved out of sight, as the survivor of a merge or meanwhile: then it is as if it had ended.
        if issue["is_open"] and await connection.fetchval(queries.SEEN, token, issue["id"]):
            account: Any = await connection.fetchval(queries.ACCOUNT, token)
            inserted = await connection.fetchval(
                queries.JOIN_REPORT, id, issue["id"], account, mark, kind["code"], kind["version"], lon, lat,
                report.position.lat, report.position.lon, report.position.datum, report.position.accuracy_m,
                report.observed_at, received_at if clock else report.observed_at, clock, report.place, report.note,
                report.mended_on_the_spot, report.premises,
            )  # fmt: skip
            if inserted is None:  # the same report, at the same moment, on another connection
                return 200, await stored(connection, token, id, mark, datum)
            await _add_to(connection, issue, report, id, account, kind)
            _owners.learn(token, account)
            _reports.spend(account)
            return 201, await stored(connection, token, id, mark, datum)
    alone = report.model_copy(update={"issue_id": None})
    status, body = await submit(database, token, id, alone, datum)
    return status, body


async def _add_to(connection: Connection, issue: Any, report: ReportIn, id: UUID, account: UUID, kind: Any) -> None:
    """Evidence, count and event of a joining report. Who says that they mended it on the spot rectify it, or close it where the
    category lets a volunteer and the photograph of it is here; what is handed over or already awaits its check stays there."""
    before, after = list(report.photos), list[UUID]()
    state, action = issue["state"], "report"
    rectified_by, rectified_at, closed_at = issue["rectified_by"], issue["rectified_at"], issue["closed_at"]
    if report.mended_on_the_spot:
        before, after = before[:-1], before[-1:]
        if state in MENDABLE:
            action, rectified_by, rectified_at = "report_mended", account, now()
            proved = not kind["after_photo"] or await connection.fetchval(queries.PROVES, after[0], account)
            closes = kind["volunteer_may_close"] and proved
            state, closed_at = ("closed", rectified_at) if closes else ("rectified", None)
    photos = 0
    at = rectified_at if action == "report_mended" else None
    for named, what in ((before, "before"), (after, "after")):
        if named:
            added: Any = await connection.fetchval(queries.ADD_EVIDENCE, issue["id"], named, id, what, account, at)
            photos += added
    await connection.execute(
        queries.ADD, issue["id"], 1, photos, state, rectified_by, rectified_at, closed_at, action, issue["state"], account,
        "reporter", id, {}, report.premises,
    )  # fmt: skip
    tell_after_commit(connection, (*(issue[name] for name in ("area_id", "unit_id", "assignee_id", "reporter_id")), account))
