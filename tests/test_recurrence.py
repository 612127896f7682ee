"""Cleared again and again, and it comes back: seen, counted, and a black spot in the end."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from app.issues import recurrence


def seen(town, **changes):
    """What somebody sees at this moment, after whatever was closed before."""
    return town.body(observed_at=datetime.now(UTC).isoformat(), **changes)


async def again(town, leader, staff, **changes):
    """A report, closed; its issue's id."""
    issue = (await leader.report(**seen(town, **changes)))["issue"]["id"]
    await staff.act(issue, "close_unresolved", reason_code="gone")
    return issue


async def test_what_comes_back_is_linked_and_counted(town, database):
    leader, staff = await town.person("leader"), await town.person("staff")
    first = await again(town, leader, staff)
    await recurrence.follow(database)
    near = {"lat": town.lat + 0.0051, "lon": town.lon + 0.005}  # eleven metres away
    far = {"lat": town.lat + 0.0056, "lon": town.lon + 0.005}
    second = (await leader.report(**seen(town, position=near)))["issue"]["id"]
    other_kind = (await leader.report(**seen(town, category="graffiti")))["issue"]["id"]
    elsewhere = (await leader.report(**seen(town, position=far)))["issue"]["id"]
    for _ in range(2):
        await asyncio.gather(*(recurrence.follow(database) for _ in range(3)))
    found = {i: await leader.get(f"/v1/issues/{i}") for i in (second, other_kind, elsewhere)}
    assert (found[second]["recurrence_of"], found[second]["recurrences"]) == (first, 1)
    assert found[other_kind]["recurrence_of"] is None and found[elsewhere]["recurrence_of"] is None
    timeline = (await leader.get(f"/v1/issues/{second}/timeline"))["items"]
    assert [e["action"] for e in timeline] == ["report", "recur"] and timeline[1]["data"] == {"of": first, "times": 1}
    # Open issues are duplicates, not recurrences; and after a month it is a new story.
    third = (await leader.report(**seen(town, position=near)))["issue"]["id"]
    async with database.acquire() as connection:
        await connection.execute("update issues set closed_at = closed_at - interval '31 days' where id = $1", uuid.UUID(first))
    await recurrence.follow(database)
    assert (await leader.get(f"/v1/issues/{third}"))["recurrence_of"] is None


async def test_three_times_make_a_black_spot_until_it_stays_clean(town, database):
    leader, staff, volunteer, stranger = [await town.person(r) for r in ("leader", "staff", "volunteer", None)]
    issues = []
    for _ in range(5):
        issues.append(await again(town, leader, staff))
        await recurrence.follow(database)
    assert [(await leader.get(f"/v1/issues/{i}"))["recurrences"] for i in issues] == [0, 1, 2, 3, 4]
    spots = (await volunteer.get("/v1/black-spots"))["items"]
    assert len(spots) == 1 and (spots[0]["recurrences"], spots[0]["latest_issue"]) == (4, issues[4])
    assert spots[0]["cell"]["id"] == str(town.cells[0]) and spots[0]["category"] == "litter"
    assert (await stranger.get("/v1/black-spots"))["items"] == []
    path = f"/v1/black-spots/{spots[0]['id']}"
    assert (await volunteer.call("PUT", path, json={"plan": "x"})).status_code == 403
    owned = await leader.call("PUT", path, json={"owner": str(leader.id), "plan": "加装监控，每日两巡"})
    assert owned.status_code == 200 and owned.json()["owner_name"] == "leader某" and owned.json()["plan"] == "加装监控，每日两巡"
    assert (await leader.call("PUT", path, json={"owner": str(uuid.uuid4())})).status_code == 422
    assert (await leader.call("PUT", f"/v1/black-spots/{uuid.uuid4()}", json={})).status_code == 404
    await recurrence.end_clean(database)
    assert len((await staff.get("/v1/black-spots"))["items"]) == 1
    async with database.acquire() as connection:
        await connection.execute(
            "update black_spots set last_seen_at = last_seen_at - $2::interval where id = $1",
            uuid.UUID(spots[0]["id"]),
            timedelta(days=31),
        )
    await recurrence.end_clean(database)
    assert (await staff.get("/v1/black-spots"))["items"] == []
    assert len((await staff.get("/v1/black-spots", ended=True))["items"]) == 1


async def test_past_cases_are_linked_along_the_chain(town, database):
    from app.issues.history import Past, PastEvent, load

    volunteer = await town.person("volunteer")
    start = datetime.now(UTC) - timedelta(days=70)

    def case(day, closed, north=0.0, category="litter"):
        at, end = start + timedelta(days=day), start + timedelta(days=closed)
        return Past(
            id=uuid.uuid4(), category=category, lat=town.lat + 0.005 + north, lon=town.lon + 0.005, opened_at=at, reporter_id=volunteer.id,
            state="closed", closed_at=end,
            events=[
                PastEvent("report", None, "reported", at, volunteer.id, "reporter"),
                PastEvent("import_close", "reported", "closed", end, None, "import"),
            ],
        )  # fmt: skip

    first, second, third, fourth, late, elsewhere, overlapping = cases = [
        case(0, 1), case(10, 12), case(30, 31), case(60, 61), case(0, 1, north=0.002), case(11, 12, category="graffiti"), case(0.5, 2),
    ]  # fmt: skip
    async with database.transaction() as connection:
        await load(connection, cases, town.area)
        assert await recurrence.link(connection, [c.id for c in cases]) == 3
        assert await recurrence.link(connection, [c.id for c in cases]) == 0
    staff = await town.person("staff")
    found = {c.id: await staff.get(f"/v1/issues/{c.id}") for c in cases}
    # The second repeats the one that was closed last before it; the fourth came within 30 days of the third.
    assert [(found[c.id]["recurrence_of"], found[c.id]["recurrences"]) for c in (second, third, fourth)] == [
        (str(overlapping.id), 1), (str(second.id), 2), (str(third.id), 3),
    ]  # fmt: skip
    assert all(found[c.id]["recurrence_of"] is None for c in (first, late, elsewhere, overlapping))
    assert [e["action"] for e in (await staff.get(f"/v1/issues/{third.id}/timeline"))["items"]] == [
        "report",
        "import_close",
        "recur",
    ]
    spots = (await staff.get("/v1/black-spots"))["items"]
    assert [(s["latest_issue"], s["recurrences"]) for s in spots] == [(str(fourth.id), 3)]


async def closed_at(database, issue, at):
    async with database.acquire() as connection:
        await connection.execute("update issues set closed_at = $2 where id = $1", uuid.UUID(issue), at)


async def test_it_comes_back_within_the_second_of_its_closing(town, database):
    """A phone says when in whole seconds, the server closes to the microsecond."""
    leader, staff = await town.person("leader"), await town.person("staff")
    second = datetime.now(UTC).replace(microsecond=0)
    first = (await leader.report(**town.body()))["issue"]["id"]
    await staff.act(first, "close_unresolved", reason_code="gone")
    await closed_at(database, first, second + timedelta(milliseconds=700))
    again = (await leader.report(**town.body(observed_at=second.isoformat())))["issue"]["id"]
    await recurrence.follow(database)
    assert (await leader.get(f"/v1/issues/{again}"))["recurrence_of"] == first


async def test_what_was_seen_well_before_the_closing_is_no_recurrence(town, database):
    leader, staff = await town.person("leader"), await town.person("staff")
    first = (await leader.report(**town.body()))["issue"]["id"]
    await staff.act(first, "close_unresolved", reason_code="gone")
    seen_at = (datetime.now(UTC) - timedelta(seconds=30)).isoformat()
    late = (await leader.report(**town.body(observed_at=seen_at)))["issue"]["id"]
    await recurrence.follow(database)
    assert (await leader.get(f"/v1/issues/{late}"))["recurrence_of"] is None


async def test_what_was_reported_before_the_closing_is_a_duplicate(town, database):
    """Both within one second, and read by the follower only after that."""
    leader, staff = await town.person("leader"), await town.person("staff")
    first = (await leader.report(**seen(town)))["issue"]["id"]
    second = (await leader.report(**seen(town)))["issue"]
    await staff.act(first, "close_unresolved", reason_code="gone")
    created = datetime.fromisoformat(second["created_at"])
    await closed_at(database, first, created.replace(microsecond=0))
    await recurrence.follow(database)
    assert (await leader.get(f"/v1/issues/{second['id']}"))["recurrence_of"] is None


async def test_a_phone_ahead_of_the_time_closes_nothing_later_than_it_was_told(town, database):
    leader = await town.person("leader")
    async with database.acquire() as connection:
        await connection.execute(
            "insert into assignment_rules (area_id, category, volunteer_may_close) values ($1, 'litter', true)", town.area
        )
    ahead = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    first = (await leader.report(**town.body(observed_at=ahead, mended_on_the_spot=True)))["issue"]
    assert first["state"] == "closed"
    again = (await leader.report(**seen(town)))["issue"]["id"]
    await recurrence.follow(database)
    assert (await leader.get(f"/v1/issues/{again}"))["recurrence_of"] == first["id"]


async def test_two_past_cases_of_one_second_do_not_repeat_each_other(town, database):
    from app.issues.history import Past, PastEvent, load

    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    at = (datetime.now(UTC) - timedelta(days=9)).replace(microsecond=0)
    cases = [
        Past(
            id=uuid.uuid4(), category="litter", lat=town.lat + 0.005, lon=town.lon + 0.005, opened_at=at, closed_at=at,
            reporter_id=volunteer.id, state="closed",
            events=[
                PastEvent("report", None, "reported", at, volunteer.id, "reporter"),
                PastEvent("import_close", "reported", "closed", at, None, "import"),
            ],
        )
        for _ in range(2)
    ]  # fmt: skip
    async with database.transaction() as connection:
        await load(connection, cases, town.area)
        assert await recurrence.link(connection, [case.id for case in cases]) == 1
    found = [(await staff.get(f"/v1/issues/{case.id}"))["recurrences"] for case in cases]
    assert sorted(found) == [0, 1]


async def test_coming_back_keeps_what_it_changed(town, database):
    leader, staff = await town.person("leader"), await town.person("staff")
    await again(town, leader, staff)
    second = (await leader.report(**seen(town)))["issue"]["id"]
    await recurrence.follow(database)
    async with database.acquire() as connection:
        was = await connection.fetchval("select was from events where issue_id = $1 and action = 'recur'", uuid.UUID(second))
    assert was == {"recurrence_of": None, "recurrences": 0}


async def test_the_last_of_501_black_spots_gets_an_owner(town, database):
    leader = await town.person("leader")
    last = uuid.uuid4()
    issue = uuid.UUID((await leader.report(**town.body()))["issue"]["id"])
    put = (
        "insert into black_spots (id, area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at) "
        "select $1, area_id, cell_id, category, position, mercator, id, $2, now() from issues where id = $3"
    )
    async with database.transaction() as connection:
        await connection.executemany(put, [(uuid.uuid4(), 9, issue) for _ in range(500)])
        await connection.execute(put, last, 3, issue)
    answer = await leader.call("PUT", f"/v1/black-spots/{last}", json={"owner": str(leader.id), "plan": "每日两巡"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["owner_name"]) == (str(last), "leader某")
