"""What papers say of a past instant equals what was seen then: histories are played, and every step is kept as it was."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest

from app.issues.due import VOID
from app.issues.lifecycle import MENDABLE, OPEN
from app.maps import tally
from tests.histories import played

ZONES = ["Asia/Shanghai", "UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu", "America/St_Johns"]
NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def _street(row):
    return row["street"] or row["cell"] or ""


def _standing(rows, area, at):
    """What was open in an area at an instant, and the part of it that was overdue."""
    still = {id: row for id, row in rows.items() if row["area_id"] == area and row["state"] in OPEN}
    late = {id for id, row in still.items() if row["state"] in MENDABLE and row["deadline"] is not None and row["deadline"] < at}
    return still, late


def _mondays(zone):
    today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    first = today - timedelta(days=today.weekday())
    return [first - timedelta(days=7 * back) for back in range(5)]


def _instant(day, zone):
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


async def _zone(database, area, zone):
    async with database.transaction() as connection:
        await connection.execute("update areas set time_zone = $2 where id = $1", area, zone)


def _parts(rows, total, key):
    """The named parts are those counted, the largest first, and all parts make up the sum."""
    assert sum(row["n"] for row in rows) == sum(total.values()), (rows, total)
    for row in rows:
        if not row["rest"]:
            assert total[row[key]] == row["n"], (rows, total)
        elif row["rest"] == "none":
            assert total[None] == row["n"], (rows, total)


async def _same_ids(staff, expected, **filters):
    found = await staff.get("/v1/issues", limit=200, **filters)
    assert {item["id"] for item in found["items"]} == {str(id) for id in expected}, filters


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_remained_is_what_was_seen_then_at_every_border(town, database, seed):
    history, _ = await played(town, database, seed)
    await history.move_all()
    staff = history.people["staff"]
    moved = 0
    for area in (town.area, history.neighbour):
        for zone in ZONES:
            await _zone(database, area, zone)
            for first in _mondays(zone)[1:]:
                at = _instant(first + timedelta(days=7), zone)
                still, late = _standing(history.at(at), area, at)
                paper = await staff.get("/v1/summaries/weekly.json", area=str(area), week=str(first))
                remains = paper["figures"]["remains"]
                handed = {id for id, row in still.items() if row["state"] == "handed_over"}
                owed = {id for id in handed if still[id]["reply_by"] and still[id]["reply_by"] < at}
                assert remains["open"] == len(still) and remains["overdue"] == len(late), (zone, first)
                assert remains["recurring"] == sum(row["recurrences"] > 0 for row in still.values())
                assert (remains["handed_over"], remains["replies_late"]) == (len(handed), len(owed))
                _parts(remains["authorities"], Counter(still[id]["authority"] for id in handed), "authority")
                _parts(remains["authorities_late"], Counter(still[id]["authority"] for id in owed), "authority")
                units = Counter(None if (unit := still[id]["unit_id"]) is None else str(unit) for id in late)
                _parts(remains["units"], units, "id")
                places = Counter((_street(row), row["category"]) for row in still.values())
                assert sum(place["n"] for place in remains["places"]) == len(still)
                for place in remains["places"]:
                    assert place["rest"] or places[place["street"], place["category"]] == place["n"]
                await _same_ids(staff, still, area=str(area), open_at=at.isoformat())
                await _same_ids(staff, late, area=str(area), late_at=at.isoformat())
                await _same_ids(staff, handed, area=str(area), open_at=at.isoformat(), state="handed_over")
                await _same_ids(staff, owed, area=str(area), reply_late_at=at.isoformat())
                today = history.steps[-1].rows
                moved += sum(today[id]["area_id"] != area for id in still)
    assert moved > 3  # what has left since is told of where it was


async def test_lists_of_then_are_narrowed_by_what_was_then(town, database):
    history, units = await played(town, database, 3)
    staff, asked = history.people["staff"], {"area": str(town.area)}
    changed = 0
    for step in history.steps[3:]:
        at = step.at + timedelta(minutes=5)
        still, late = _standing(step.rows, town.area, at)
        then = asked | {"open_at": at.isoformat()}
        for unit in units:
            of = {id for id in late if still[id]["unit_id"] == unit}
            await _same_ids(staff, of, **asked, late_at=at.isoformat(), unit=str(unit))
        for kind in {row["category"] for row in still.values()}:
            await _same_ids(staff, {id for id, row in still.items() if row["category"] == kind}, **then, category=kind)
        for street in {_street(row) for row in still.values()} - {""}:
            await _same_ids(staff, {id for id, row in still.items() if _street(row) == street}, **then, street=street)
        for cell in town.cells:
            await _same_ids(staff, {id for id, row in still.items() if row["cell_id"] == cell}, **then, cell=str(cell))
        await _same_ids(staff, {id for id, row in still.items() if row["recurrences"]}, **then, recurring=True)
        today = history.steps[-1].rows
        changed += sum(
            any(today[id][name] != row[name] for name in ("unit_id", "category", "cell_id", "street"))
            for id, row in still.items()
        )
    assert changed > 20
    answer = await staff.call("GET", "/v1/issues", params={"open_at": "2026-01-01T00:00:00Z", "late_at": "2026-01-02T00:00:00Z"})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/late_at"


WORDS = {
    "rectify": "rectified", "hand_over": "handed_over", "send_back": "sent_back", "close_unresolved": "closed_unresolved",
}  # fmt: skip


def _happened(history, area, begin, end):
    done = {name: set() for name in ("found", "mended_on_the_spot", "closed", "in_time", "in_time_extended", *WORDS.values())}
    for deed in history.deeds:
        if not begin <= deed.at < end or deed.area != area:
            continue
        if deed.version == 1:
            done["found"].add(deed.issue)
        if deed.action == "report_mended":
            done["mended_on_the_spot"].add(deed.issue)
        if deed.action == "verify":
            done["closed"].add(deed.issue)
        if deed.action in WORDS:
            done[WORDS[deed.action]].add(deed.issue)
        if deed.action == "rectify" and deed.limit and deed.at <= deed.limit:
            done["in_time"].add(deed.issue)
        if deed.action == "rectify" and deed.deadline and deed.at <= deed.deadline:
            done["in_time_extended"].add(deed.issue)
    return done


async def test_what_happened_is_told_of_where_it_happened(town, database):
    history, _ = await played(town, database, 4)
    staff = history.people["staff"]
    for area in (town.area, history.neighbour):
        for zone in ZONES:
            await _zone(database, area, zone)
            for first in _mondays(zone):
                begin, end = _instant(first, zone), _instant(first + timedelta(days=7), zone)
                done = _happened(history, area, begin, end)
                figures = (await staff.get("/v1/summaries/weekly.json", area=str(area), week=str(first)))["figures"]["done"]
                assert {name: figures[name] for name in done} == {name: len(ids) for name, ids in done.items()}, (zone, first)
                if zone == "UTC":
                    span = {"happened_since": begin.isoformat(), "happened_until": end.isoformat()}
                    for name, ids in done.items():
                        await _same_ids(staff, ids, area=str(area), happened=name, **span)


async def test_each_number_of_a_past_week_leads_to_what_it_counts(town, database):
    history, _ = await played(town, database, 5)
    staff = history.people["staff"]
    checked = 0
    for area in (town.area, history.neighbour):
        for first in _mondays("Asia/Shanghai"):
            paper = await staff.get("/v1/summaries/weekly.json", area=str(area), week=str(first), language="zh-CN")
            for span in [span for part in paper["parts"] for clause in part["clauses"] for span in clause["spans"]]:
                way = urlsplit(span["href"] or "")
                if way.path == "/app/issues":
                    asked = {}
                    for name, value in parse_qsl(way.query):
                        asked.setdefault(name, []).append(value)
                    found = await staff.get("/v1/issues", **asked, limit=200)
                    assert len(found["items"]) == int(span["text"]), (first, span)
                    checked += 1
    assert checked > 40


def _due(history, area, since, end):
    """What was due, from the steps alone: an issue's limit fell between two steps, while it was as the first of them left it."""
    fell = {}
    for n, step in enumerate(history.steps):
        until = history.steps[n + 1].at if n + 1 < len(history.steps) else end
        for id, row in step.rows.items():
            limit = row["first_deadline"] or row["deadline"]
            void = row["state"] == "closed" and row["unresolved"] in VOID
            stood = void or row["state"] in ("handed_over", "merged", "rejected", "withdrawn")
            if limit and step.at <= limit < min(until, end) and limit >= since and row["area_id"] == area and not stood:
                missed = row["state"] != "rectified" and (row["state"] != "closed" or row["unresolved"] is not None)
                if missed or not fell.get(id, (None, None, False))[2]:
                    fell[id] = (limit, row, missed)
    due = {}
    for id, (limit, row, missed) in fell.items():
        then = history.at(end)[id]
        if not missed and then["state"] in ("merged", "rejected", "withdrawn"):
            continue
        mended = then["state"] in ("rectified", "closed") and then["unresolved"] is None
        closed = mended and then["state"] == "closed"
        sent_back = any(d.issue == id and d.action in ("send_back", "fail_inspection") and d.at < end for d in history.deeds)
        back = any(r["recurrence_of"] == id for r in history.at(end).values())
        at = then["rectified_at"] or then["closed_at"]
        due[id] = {
            "cell": row["cell_id"], "unit": row["unit_id"], "on_time": closed and at <= limit,
            "first_time": closed and not sent_back, "lasting": closed and not back, "limit": limit,
        }  # fmt: skip
    return due


@pytest.mark.parametrize("seed", [8, 22])
async def test_the_league_of_past_days_is_what_was_seen_then(town, database, seed):
    history, _ = await played(town, database, seed)
    await tally.follow(database)
    staff, zone = history.people["staff"], "Asia/Shanghai"
    today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    counted = 0
    for back, days in ((3, 7), (7, 14), (10, 28), (14, 10), (0, 28)):
        first, last = today - timedelta(days=back + days - 1), today - timedelta(days=back)
        since, end = _instant(first, zone), min(_instant(last + timedelta(days=1), zone), datetime.now(UTC))
        due, rows = _due(history, town.area, since, end), history.at(end)
        still, late = _standing(rows, town.area, end)
        counted += len(due)
        for of in ("cells", "units"):
            key, column = of[:-1], f"{of[:-1]}_id"
            league = await staff.get("/v1/league", area=str(town.area), of=of, since=str(first), until=str(last))
            for item in league["items"]:
                mine = [row for row in due.values() if str(row[key]) == item["id"]]
                for name in ("on_time", "first_time", "lasting"):
                    assert (item[name]["part"], item[name]["whole"]) == (sum(row[name] for row in mine), len(mine)), (name, item)
                assert item["due"] == len(mine)
                assert item["open"] == sum(str(row[column]) == item["id"] for row in still.values())
                assert item["overdue"] == sum(str(still[id][column]) == item["id"] for id in late)
            named = {str(row[key]) for row in due.values()} - {"None"}
            assert named <= {item["id"] for item in league["items"]}
        summary = await staff.get(f"/v1/areas/{town.area}/summary", since=str(first), until=str(last))
        mended = [
            row for row in rows.values()
            if row["area_id"] == town.area and row["state"] == "closed" and since <= row["closed_at"] < end
        ]  # fmt: skip
        assert summary["due"] == len(due) == sum(row["due"] for row in summary["categories"])
        assert summary["closed"] == sum(row["unresolved"] is None for row in mended) == sum(d["closed"] for d in summary["days"])
        assert summary["closed_unresolved"] == sum(row["unresolved"] is not None for row in mended)
    assert counted > 15


async def test_a_month_that_is_over_reads_the_same_whatever_happens_later(town, database):
    history, units = await played(town, database, 8)
    staff = history.people["staff"]
    today: date = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date()
    asked = {"area": str(town.area), "since": str(today - timedelta(days=20)), "until": str(today - timedelta(days=6))}
    before = [await staff.get("/v1/league", **asked, of=of) for of in ("cells", "units")]
    week = str(today - timedelta(days=14))
    paper = await staff.get("/v1/summaries/weekly.json", area=str(town.area), week=week)
    for _ in range(3):
        for id in history.issues:
            await history._act(id, units)
    for of, was in zip(("cells", "units"), before, strict=True):
        now = await staff.get("/v1/league", **asked, of=of)
        assert now["items"] == was["items"]
    again = await staff.get("/v1/summaries/weekly.json", area=str(town.area), week=week)
    assert again["figures"] == paper["figures"] and again["parts"] == paper["parts"]
