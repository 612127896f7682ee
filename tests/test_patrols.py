"""Walks: begun, tracked in batches, ended; which cells were walked and which were not."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from app.kit.housekeeping import RULES, carry_out
from app.patrols import walking
from app.patrols.walking import thinned


def points(town, count, start, cell=0, step_s=5, step=0.00002, **more):
    """A straight walk through a cell, a step of about two metres every few seconds."""
    return [
        {
            "at": (start + timedelta(seconds=step_s * n)).isoformat(), "lat": town.lat + 0.002 + step * n,
            "lon": town.lon + 0.005 + 0.01 * cell, **more,
        }
        for n in range(count)
    ]  # fmt: skip


async def begin(person, start, expect=201, id=None, **fields):
    id = id or str(uuid.uuid4())
    answer = await person.call("PUT", f"/v1/patrols/{id}", json={"started_at": start.isoformat(), **fields})
    assert answer.status_code == expect, answer.text
    return id


async def send(person, id, batch, expect=200, **more):
    answer = await person.call("POST", f"/v1/patrols/{id}/points", json={"points": batch, **more})
    assert answer.status_code == expect, answer.text
    return answer.json()


async def test_a_walk_and_what_it_covers(town):
    volunteer, leader, staff = [await town.person(r) for r in ("volunteer", "leader", "staff")]
    start = datetime.now(UTC) - timedelta(minutes=20)
    id = await begin(volunteer, start, people=3)
    batch = points(town, 100, start)
    kept = (await send(volunteer, id, batch))["kept"]
    assert 15 <= kept <= 40  # some two metres a point: one in five or six says something new
    assert (await send(volunteer, id, batch))["kept"] <= 1  # sent again
    await send(volunteer, id, points(town, 10, start + timedelta(minutes=10), cell=1, accuracy_m=500))  # too vague for a cell
    ended = start + timedelta(minutes=15)
    await begin(volunteer, start, 200, id, people=3, ended_at=ended.isoformat())
    walk = await volunteer.get(f"/v1/patrols/{id}")
    assert (
        [c["id"] for c in walk["cells"]] == [str(town.cells[0])] and walk["track"]["type"] == "LineString" and walk["people"] == 3
    )
    await leader.report(**town.body(mended_on_the_spot=True))
    coverage = await staff.get("/v1/coverage", area=str(town.area))
    cells = {c["id"]: c for c in coverage["cells"]}
    mine = cells[str(town.cells[0])]
    assert (mine["walks"], mine["person_times"], mine["cleared"], mine["rounds_per_week"]) == (1, 3, 1, 7) and len(
        mine["days"]
    ) == 7
    assert {c["name"] for c in coverage["behind"]} == {"网格1", "网格2"}  # seven rounds a week are planned
    assert coverage["unwalked"] == [{"id": str(town.cells[1]), "name": "网格2"}] and coverage["person_times"] == 3
    assert sum(d["walks"] for d in mine["days"]) == 1
    planned = await staff.call("PATCH", f"/v1/cells/{town.cells[0]}", json={"rounds_per_week": 3})
    assert planned.status_code == 200
    assert (await staff.get("/v1/coverage", area=str(town.area)))["cells"][0]["rounds_per_week"] == 3
    before = await staff.get("/v1/coverage", area=str(town.area), since="2026-01-05", until="2026-01-06")
    assert before["walked"] == 0 and len(before["cells"][0]["days"]) == 2


async def test_who_sees_a_walk(town):
    volunteer, neighbour, leader, other, staff = [
        await town.person(r, c) for r, c in (("volunteer", 0), ("volunteer", 0), ("leader", 0), ("leader", 1), ("staff", 0))
    ]
    start = datetime.now(UTC) - timedelta(minutes=5)
    id = await begin(volunteer, start)
    await send(volunteer, id, points(town, 30, start))
    for person, sees in ((volunteer, True), (leader, True), (staff, True), (neighbour, False), (other, False)):
        listed = [w["id"] for w in (await person.get("/v1/patrols"))["items"]]
        assert (id in listed) == sees and (await person.call("GET", f"/v1/patrols/{id}")).status_code == (200 if sees else 404)
    assert (await leader.get(f"/v1/patrols/{id}"))["name"] == "volunteer某"
    await send(neighbour, id, points(town, 2, start), 404)
    await begin(neighbour, start, 404, id)
    assert (await neighbour.get("/v1/coverage", area=str(town.area)))["walked"] == 1  # that a cell was walked, not by whom
    stranger = await town.person(None)
    assert (await stranger.call("GET", f"/v1/coverage?area={town.area}")).status_code == 404
    more = [await begin(volunteer, start + timedelta(seconds=n + 1)) for n in range(3)]
    first = await volunteer.get("/v1/patrols", limit=2, mine=True)
    rest = await volunteer.get("/v1/patrols", limit=2, mine=True, cursor=first["next_cursor"])
    assert [w["id"] for w in first["items"] + rest["items"]] == [*more[::-1], id]


async def test_batches_at_once_and_out_of_order_make_one_track(town, database):
    volunteer = await town.person("volunteer")
    start = datetime.now(UTC) - timedelta(hours=1)
    id = await begin(volunteer, start)
    batch = points(town, 400, start, step=0.00001)
    parts = [batch[n : n + 50] for n in range(0, 400, 50)]
    await asyncio.gather(*(send(volunteer, id, part) for part in [*parts[::-1], *parts]))
    async with database.acquire() as connection:
        rows = await connection.fetch("select at from patrol_points where patrol_id = $1 order by at", uuid.UUID(id))
        assert await connection.fetchval("select count(*) from patrol_cells where patrol_id = $1", uuid.UUID(id)) == 1
    assert 30 <= len(rows) <= 120


async def test_bad_walks(town, database, monkeypatch):
    volunteer = await town.person("volunteer")
    start = datetime.now(UTC) - timedelta(minutes=5)
    await begin(volunteer, start, 422, ended_at=(start - timedelta(minutes=1)).isoformat())
    await begin(volunteer, start, 422, people=0)
    id = await begin(volunteer, start)
    earlier = {"started_at": (start - timedelta(hours=2)).isoformat(), "ended_at": (start - timedelta(hours=1)).isoformat()}
    assert (await volunteer.call("PUT", f"/v1/patrols/{id}", json=earlier)).status_code == 422
    await send(volunteer, id, [], 422)
    await send(volunteer, id, points(town, 100_000, start, step_s=0.1), 413)
    await send(volunteer, id, points(town, 5001, start), 422)
    await send(volunteer, id, [{"at": start.isoformat(), "lat": 91, "lon": 0}], 422)
    await send(volunteer, id, [{"at": start.isoformat(), "lat": 0.0, "lon": -160.0}])  # at sea: kept, in no cell
    assert (await volunteer.get(f"/v1/patrols/{id}"))["cells"] == []
    monkeypatch.setattr(walking, "MOST_POINTS", 20)
    assert (await send(volunteer, id, points(town, 500, start), 422))["type"] == "/problems/track-full"
    # A clock in 1970 is marked, and today counts.
    old = await begin(volunteer, datetime(1970, 1, 1, tzinfo=UTC))
    assert (await volunteer.get(f"/v1/patrols/{old}"))["clock"] == "old"
    for query in ("since=2026-01-01&until=2026-12-31", "since=2026-02-01&until=2026-01-01"):
        assert (await volunteer.call("GET", f"/v1/coverage?area={town.area}&{query}")).status_code == 422


async def test_tracks_are_forgotten_and_cells_are_not(town, database):
    volunteer = await town.person("volunteer")
    start = datetime.now(UTC) - timedelta(minutes=5)
    id = await begin(volunteer, start)
    await send(volunteer, id, points(town, 50, start))
    async with database.acquire() as connection:
        await connection.execute(
            "update patrol_points set received_at = now() - interval '31 days' where patrol_id = $1", uuid.UUID(id)
        )
    await carry_out(database, next(rule for rule in RULES if rule.kind == "tracks"))
    walk = await volunteer.get(f"/v1/patrols/{id}")
    assert walk["track"] is None and len(walk["cells"]) == 1


def test_thinning_keeps_what_says_something_new():
    start = datetime(2026, 11, 24, 8, tzinfo=UTC)

    def at(seconds, metres):
        return (start + timedelta(seconds=seconds), 24.6 + metres / 111_320, 102.9, None)

    assert thinned([at(0, 0), at(1, 1), at(2, 9), at(3, 11), at(4, 12), at(70, 12)], None) == [at(0, 0), at(3, 11), at(70, 12)]
    assert thinned([at(1, 1)], (start, 24.6, 102.9)) == []
