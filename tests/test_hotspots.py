"""Hotspots with scores that add up, and summaries that equal a recount."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from statistics import median

from app.issues.history import Past, PastEvent, load
from app.maps import tally


def case(
    town,
    volunteer,
    days_ago,
    closed_after_h=None,
    category="litter",
    at=(0.005, 0.005),
    deadline_h=None,
    unit=None,
    sent_back=False,
    late_h=0,
):
    opened = datetime.now(UTC) - timedelta(days=days_ago)
    events = [PastEvent("report", None, "reported", opened, volunteer.id, "reporter")]
    past = Past(
        id=uuid.uuid4(), category=category, lat=town.lat + at[0], lon=town.lon + at[1], opened_at=opened, reporter_id=volunteer.id,
        state="assigned", events=events, unit_id=unit, deadline=None if deadline_h is None else opened + timedelta(hours=deadline_h),
    )  # fmt: skip
    events.append(PastEvent("import_assign", "reported", "assigned", opened, None, "system"))
    if sent_back:
        events.append(PastEvent("send_back", "rectified", "assigned", opened + timedelta(hours=1), volunteer.id, "leader"))
    if closed_after_h is not None:
        ended = opened + timedelta(hours=closed_after_h)
        past.state, past.closed_at, past.rectified_at = "closed", ended, ended
        events.append(PastEvent("import_close", "assigned", "closed", ended, None, "system"))
    return past


async def test_where_issues_gather(town, database):
    volunteer, leader, staff, worker = [await town.person(r) for r in ("volunteer", "leader", "staff", "worker")]
    dice = random.Random(3)

    def near(north, east):
        return north + dice.uniform(-1e-4, 1e-4), east + dice.uniform(-1e-4, 1e-4)

    cases = [case(town, volunteer, 3, at=near(0.002, 0.002)) for _ in range(5)]
    cases += [case(town, volunteer, 60, at=near(0.007, 0.006), category="fly_posting", deadline_h=1) for _ in range(5)]
    cases += [case(town, volunteer, 10, at=near(0.007, 0.006), closed_after_h=5) for _ in range(3)]  # mended: no hotspot
    cases += [case(town, volunteer, 1, at=(0.0005, 0.019)), case(town, volunteer, 1, at=(0.0095, 0.0105))]
    async with database.transaction() as connection:
        await load(connection, cases, town.area)
    await tally.follow(database)
    found = await staff.get("/v1/hotspots", area=str(town.area), radius_m=40)
    worst, other = found["features"]
    assert found["type"] == "FeatureCollection" and found["as_of"]
    p = worst["properties"]
    assert (p["open"], p["overdue"], p["recurring"], p["age"], p["score"]) == (5, 5, 0, 5.0, 15.0)
    assert p["score"] == p["open"] + p["overdue"] + p["recurring"] + p["age"]
    assert p["categories"] == [{"category": "fly_posting", "open": 5}]
    assert [(c["name"], c["open"]) for c in p["cells"]] == [("网格1", 5)] and p["cells"][0]["leaders"] == [
        {"id": str(leader.id), "name": "leader某"}
    ]
    assert p["trend"] == {"week": 0, "week_before": 3} and len(p["weeks"]) == 12 and sum(p["weeks"]) == 8
    assert other["properties"]["score"] == 5.5 and other["properties"]["trend"] == {"week": 5, "week_before": 0}
    from shapely.geometry import Point, shape

    hull = shape(worst["geometry"])
    assert hull.contains(Point(town.lon + 0.006, town.lat + 0.007)) and hull.area < 1e-5 and hull.is_valid
    # Leaders' names are for the office; a volunteer sees the rest.
    seen = (await volunteer.get("/v1/hotspots", area=str(town.area), radius_m=40))["features"][0]["properties"]
    assert "leaders" not in seen["cells"][0] and seen["score"] == 15.0
    one = await staff.get("/v1/hotspots", area=str(town.area), radius_m=40, category="litter")
    assert [f["properties"]["open"] for f in one["features"]] == [5]
    since = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    assert [
        f["properties"]["score"] for f in (await staff.get("/v1/hotspots", area=str(town.area), since=since))["features"]
    ] == [5.5]
    assert (await worker.call("GET", "/v1/hotspots", params={"area": str(town.area)})).status_code == 404
    for query, pointer in (
        ({"radius_m": 5}, "/radius_m"),
        ({"area": "x"}, "/area"),
        ({"area": str(town.area), "least": 1}, "/least"),
        ({}, "/area"),
    ):
        answer = await staff.call("GET", "/v1/hotspots", params=query)
        assert answer.status_code == 422 and pointer in {e["pointer"] for e in answer.json()["errors"]}, answer.text


async def test_what_was_found_is_kept_for_a_minute(town, database, do_jobs):
    staff, volunteer = await town.person("staff"), await town.person("volunteer")
    empty = await staff.get("/v1/hotspots", area=str(town.area))
    assert empty["features"] == []
    for _ in range(4):
        await volunteer.report(**town.body())
    await tally.follow(database)
    again = await staff.get("/v1/hotspots", area=str(town.area))
    assert again == empty
    age = "update hotspots_kept set as_of = as_of - $2::interval, renewed_at = renewed_at - $2::interval where area_id = $1"
    async with database.acquire() as connection:
        await connection.execute(age, town.area, timedelta(minutes=2))
    # Served once more as it was, and found anew behind.
    assert (await staff.get("/v1/hotspots", area=str(town.area)))["features"] == []
    await do_jobs()
    assert [f["properties"]["open"] for f in (await staff.get("/v1/hotspots", area=str(town.area)))["features"]] == [4]
    await volunteer.report(**town.body())
    await tally.follow(database)
    async with database.acquire() as connection:
        await connection.execute(age, town.area, timedelta(minutes=20))
    assert [f["properties"]["open"] for f in (await staff.get("/v1/hotspots", area=str(town.area)))["features"]] == [5]


async def test_summaries_equal_a_recount(town, database):
    staff, volunteer, worker = await town.person("staff"), await town.person("volunteer"), await town.person("worker")
    dice = random.Random(11)
    cases = [
        case(
            town, volunteer, dice.uniform(0.1, 50), dice.choice([None, dice.uniform(1, 400)]), dice.choice(["litter", "graffiti", "street_lamp"]),
            (dice.uniform(0.001, 0.009), dice.uniform(0.001, 0.019)), dice.choice([None, 24, 200]), dice.choice([None, town.unit]), dice.random() < 0.3,
        )
        for _ in range(60)
    ]  # fmt: skip
    now = datetime.now(UTC)
    for c in cases:  # nothing is closed in the future
        if c.closed_at and c.closed_at > now:
            c.state, c.closed_at, c.rectified_at = "assigned", None, None
            c.events.pop()
    async with database.transaction() as connection:
        await load(connection, cases, town.area)
    await tally.follow(database)
    await tally.figures(database)
    first = ((now + timedelta(hours=8)).date() - timedelta(days=27)).isoformat()
    start = datetime.fromisoformat(f"{first}T00:00:00+08:00")

    def recount(of):
        closed = [c for c in of if c.closed_at and c.closed_at >= start]
        due = [c for c in of if c.deadline and start <= c.deadline < now]  # open or closed
        hours = [(c.closed_at - c.opened_at).total_seconds() / 3600 for c in closed]
        return {
            "open": sum(c.state != "closed" for c in of), "overdue": sum(c.state != "closed" and bool(c.deadline) and c.deadline < now for c in of),
            "closed": len(closed), "median_hours": round(median(hours), 1) if hours else None,
            "due": len(due), "on_time_rate": round(sum(bool(c.closed_at) and c.closed_at <= c.deadline for c in due) / len(due), 3) if due else None,
            "rework_rate": round(sum(any(e.action == "send_back" for e in c.events) for c in closed) / len(closed), 3) if closed else None,
        }  # fmt: skip

    summary = await staff.get(f"/v1/areas/{town.area}/summary")
    assert summary["since"] == first and {k: summary[k] for k in recount(cases)} == recount(cases)
    assert summary["opened"] == sum(c.opened_at >= start for c in cases) == sum(d["opened"] for d in summary["days"])
    assert sum(d["closed"] for d in summary["days"]) == summary["closed"] and len(summary["days"]) == 28
    for row in summary["categories"]:
        assert {k: row[k] for k in recount([])} == recount([c for c in cases if c.category == row["category"]])
    for row in summary["units"]:
        unit = uuid.UUID(row["unit"]["id"]) if row["unit"] else None
        assert {k: row[k] for k in recount([])} == recount([c for c in cases if c.unit_id == unit])
    cells = (await staff.get("/v1/cells/summary", area=str(town.area)))["items"]
    assert [c["name"] for c in cells] == ["网格1", "网格2"] and all(c["as_of"] for c in cells)
    for number, cell in enumerate(cells):
        of = [c for c in cases if (c.lon >= town.lon + 0.01) == bool(number)]
        assert {k: cell[k] for k in recount(of)} == recount(of)
    assert (await worker.get("/v1/cells/summary"))["items"] == []
    assert (await worker.call("GET", f"/v1/areas/{town.area}/summary")).status_code == 404
    # The figures of a cell follow what changes in it.
    issue = next(c for c in cases if c.state != "closed" and c.lon < town.lon + 0.01)
    await staff.act(str(issue.id), "close_unresolved", reason_code="gone")
    await tally.follow(database)
    assert await tally.figures(database) >= 1
    after = (await staff.get("/v1/cells/summary", area=str(town.area)))["items"][0]
    assert (after["open"], after["closed"], after["closed_unresolved"]) == (cells[0]["open"] - 1, cells[0]["closed"], 1)
    for query in ({"since": "2026-02-30"}, {"since": "2026-02-02", "until": "2026-01-01"}, {"since": "2020-01-01"}):
        assert (await staff.call("GET", f"/v1/areas/{town.area}/summary", params=query)).status_code == 422, query
    empty = await staff.get(f"/v1/areas/{town.area}/summary", since="2031-01-01", until="2031-01-07")
    assert empty["closed"] == 0 and empty["median_hours"] is None and empty["on_time_rate"] is None


async def test_a_black_spot_that_came_back(town, database):
    from app.issues import recurrence

    staff = await town.person("staff")

    async def spot():
        for _ in range(4):
            id = (await staff.report(**town.body(observed_at=datetime.now(UTC).isoformat())))["issue"]["id"]
            await recurrence.follow(database)
            await staff.act(id, "close_unresolved", reason_code="gone")

    await spot()
    first = (await staff.get("/v1/black-spots"))["items"]
    assert [(s["recurrences"], s["came_back"]) for s in first] == [(3, 0)]
    async with database.acquire() as connection:
        await connection.execute("update black_spots set last_seen_at = now() - interval '31 days' where area_id = $1", town.area)
        await connection.execute(
            "update issues set closed_at = closed_at - interval '31 days', created_at = created_at - interval '31 days' where area_id = $1",
            town.area,
        )
    await recurrence.end_clean(database)
    assert (await staff.get("/v1/black-spots"))["items"] == []
    await spot()
    assert [(s["recurrences"], s["came_back"]) for s in (await staff.get("/v1/black-spots"))["items"]] == [(3, 1)]
