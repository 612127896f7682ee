"""The clock: reminders, overdue, the office's calendar, the daily digest; each once."""

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from app.duties import calendar, running
from app.duties.planning import planned
from app.notices import telling


async def later(database, issue, **shift):
    """Let time pass for one issue: everything that lies ahead of it comes nearer."""
    async with database.acquire() as connection:
        await connection.execute(
            "update issues set deadline = deadline - $2::interval, duty_at = duty_at - $2, reply_by = reply_by - $2 where id = $1",
            uuid.UUID(issue), timedelta(**shift),
        )  # fmt: skip


async def plan(database, issue):
    async with database.acquire() as connection:
        row = await connection.fetchrow("select duty, duty_at, deadline, reply_by from issues where id = $1", uuid.UUID(issue))
    return row["duty"], row["duty_at"], row["deadline"] or row["reply_by"]


async def actions(person, issue):
    return [e["action"] for e in (await person.get(f"/v1/issues/{issue}/timeline"))["items"]]


async def test_reminded_then_overdue_each_once(town, database):
    leader, worker = await town.person("leader"), await town.person("worker")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    assert await plan(database, issue) == (None, None, None)
    longer = (datetime.now(UTC) + timedelta(hours=40)).isoformat()
    await leader.act(issue, "assign", unit=str(town.unit), deadline=longer, reason="量大")
    duty, at, deadline = await plan(database, issue)
    assert duty == "remind" and abs((deadline - at) - timedelta(hours=10)) < timedelta(seconds=2)  # a quarter of the time
    await leader.act(issue, "comment", note="看")
    await worker.act(issue, "start")
    assert (await plan(database, issue))[:2] == (duty, at)  # what does not move the deadline does not move the plan
    await running.run(database)
    assert "remind" not in await actions(leader, issue)
    await later(database, issue, hours=31)
    for _ in range(2):
        await running.run(database)
    assert (await actions(leader, issue)).count("remind") == 1 and (await plan(database, issue))[0] == "overdue"
    assert not (await leader.get(f"/v1/issues/{issue}"))["overdue"]
    await later(database, issue, hours=10)
    for _ in range(2):
        await running.run(database)
    assert (await actions(leader, issue))[-2:] == ["remind", "overdue"] and await plan(database, issue) == (
        None,
        None,
        (await plan(database, issue))[2],
    )
    assert (await leader.get(f"/v1/issues/{issue}"))["overdue"]
    # Rectified, and sent back after the deadline: overdue still, but told already.
    await worker.act(issue, "rectify")
    await leader.act(issue, "send_back", reason="没干净")
    await running.run(database)
    assert (await actions(leader, issue)).count("overdue") == 1


async def test_a_changed_deadline_plans_anew_and_a_handover_stops_the_clock(town, database):
    leader, worker, staff = [await town.person(r) for r in ("leader", "worker", "staff")]
    issue = (await leader.report(**town.body()))["issue"]["id"]
    now = datetime.now(UTC)
    await leader.act(issue, "assign", unit=str(town.unit), deadline=(now + timedelta(hours=1)).isoformat())
    assert (await plan(database, issue))[0] == "overdue"  # too short to be reminded two hours before
    await worker.act(issue, "request_extension", deadline=(now + timedelta(hours=48)).isoformat(), reason="住户需要时间")
    await leader.act(issue, "grant_extension")
    duty, at, deadline = await plan(database, issue)
    assert duty == "remind" and abs(deadline - at - timedelta(hours=12)) < timedelta(seconds=5)
    reply_by = now + timedelta(hours=20)
    await leader.act(issue, "hand_over", authority="交警大队", reply_by=reply_by.isoformat())
    duty, at, _ = await plan(database, issue)
    assert duty == "remind_reply" and abs(reply_by - at - timedelta(hours=5)) < timedelta(seconds=5)
    await later(database, issue, hours=16)
    await running.run(database)
    await later(database, issue, hours=5)
    await running.run(database)
    assert (await actions(leader, issue))[-2:] == ["remind_reply", "reply_overdue"]
    await staff.act(issue, "reply", to="accepted", note="三日内联合整治")
    assert (await plan(database, issue))[0] == "remind"  # the clock goes on
    await leader.act(issue, "assign", unit=str(town.unit))
    await worker.act(issue, "rectify")
    assert (await plan(database, issue))[0] is None


async def test_many_due_at_once_with_several_workers_one_of_them_killed(town, database):
    leader = await town.person("leader")
    ids = [(await leader.report(**town.body()))["issue"]["id"] for _ in range(150)]
    async with database.acquire() as connection:
        await connection.execute(
            "update issues set state = 'assigned', unit_id = $2, deadline = now() - interval '1 minute', duty = 'overdue', "
            "duty_at = now() - interval '1 minute' where id = any($1::uuid[])", [uuid.UUID(i) for i in ids], town.unit,
        )  # fmt: skip

    taken = asyncio.Event()

    async def others():
        await taken.wait()
        await asyncio.gather(running.run(database), running.run(database), telling.follow(database))

    async def killed():
        with pytest.raises(ConnectionError):
            async with database.transaction() as connection:
                from app.issues.clockwork import do_due

                assert await do_due(connection) > 0
                taken.set()
                await asyncio.sleep(0.3)
                raise ConnectionError  # before the commit: as if it had never begun

    await asyncio.gather(killed(), others())
    await running.run(database)
    await asyncio.gather(*(telling.follow(database) for _ in range(3)))
    await telling.follow(database)
    for issue in ids[::30]:
        assert (await actions(leader, issue)).count("overdue") == 1
    async with database.acquire() as connection:
        told = await connection.fetch(
            "select issue_id, count(*) as n from notices where account_id = $1 and kind = 'overdue' group by issue_id", leader.id
        )
        events = await connection.fetchval(
            "select count(*) from events where action = 'overdue' and issue_id = any($1::uuid[])", [uuid.UUID(i) for i in ids]
        )
    assert len(told) == 150 and all(row["n"] == 1 for row in told) and events == 150


def test_planning_in_every_state():
    at = datetime(2026, 11, 24, tzinfo=UTC)
    before = {"state": "reported", "deadline": None, "reply_by": None, "duty": None, "duty_at": None}
    for state in ("reported", "accepted", "assigned", "in_progress"):
        assert planned(before, before | {"deadline": at + timedelta(hours=100)}, state, at) == (
            "remind",
            at + timedelta(hours=75),
        )
        assert planned(before, before | {"deadline": at - timedelta(hours=1)}, state, at) == ("overdue", at - timedelta(hours=1))
    for state in ("rectified", "closed", "rejected", "withdrawn", "merged"):
        assert planned(before, before | {"deadline": at + timedelta(hours=100)}, state, at) == (None, None)


async def test_the_office_enters_its_own_days(town, database):
    leader, staff, volunteer = [await town.person(r) for r in ("leader", "staff", "volunteer")]
    year = 2026
    path = f"/v1/areas/{town.area}/calendar"
    before = await volunteer.get(path, year=year)
    assert before["published"] and len(before["days"]) == 365 and not before["days"][0]["working"]
    # China's make-up days: 2026-02-14, a Saturday, is worked on.
    assert next(d for d in before["days"] if d["day"] == "2026-02-14")["working"]
    assert not (await volunteer.get(path, year=2090))["published"]
    day = date.today() + timedelta(days=1)
    while not calendar.is_working_day(day, "Asia/Shanghai"):
        day += timedelta(days=1)

    async def deadline():
        issue = (await leader.report(**town.body(category="building_waste")))["issue"]["id"]
        return datetime.fromisoformat((await leader.act(issue, "assign", unit=str(town.unit)))["deadline"])

    usual = await deadline()
    for _ in range(2):  # the same again changes nothing
        assert (await staff.call("PUT", f"{path}/{day}", json={"working": False, "name": "街道活动日"})).status_code == 204
    entry = next(d for d in (await volunteer.get(path, year=day.year))["days"] if d["day"] == day.isoformat())
    assert entry == {"day": day.isoformat(), "working": False, "name": "街道活动日", "area": str(town.area)}
    assert await deadline() >= usual + timedelta(hours=20)
    assert (await leader.call("PUT", f"{path}/{day}", json={"working": True})).status_code == 403
    assert (await staff.call("PUT", f"/v1/areas/{uuid.uuid4()}/calendar/{day}", json={"working": True})).status_code == 404
    assert (await staff.call("PUT", f"{path}/2026-02-30", json={"working": True})).status_code == 422
    assert (await staff.call("DELETE", f"{path}/{day}")).status_code == 204
    assert abs(await deadline() - usual) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("zone", "days_off", "published"),
    [
        *(
            (zone, True, True)
            for zone in ("Asia/Shanghai", "Asia/Urumqi", "PRC", "Asia/Chongqing", "Asia/Chungking", "Asia/Harbin", "Asia/Kashgar")
        ),
        *((zone, False, False) for zone in ("Asia/Hong_Kong", "Asia/Macau", "Asia/Taipei", "Asia/Singapore", "America/New_York")),
    ],
)
async def test_chinas_holidays_are_those_of_all_its_zones(town, database, zone, days_off, published):
    volunteer = await town.person("volunteer")
    async with database.acquire() as connection:
        await connection.execute("update areas set time_zone = $2 where id = $1", town.area, zone)
    told = await volunteer.get(f"/v1/areas/{town.area}/calendar", year=2026)
    days = {day["day"]: day["working"] for day in told["days"]}
    assert told["time_zone"] == zone and told["published"] == published
    # National Day and New Year's Day of the old calendar; and a Saturday that is worked on for the second.
    assert (days["2026-10-01"], days["2026-02-17"], days["2026-02-14"]) == (
        (False, False, True) if days_off else (True, True, False)
    )
    assert not (await volunteer.get(f"/v1/areas/{town.area}/calendar", year=2090))["published"]


async def test_the_digest_is_made_once_a_day(town, database):
    staff, leader = await town.person("staff"), await town.person("leader")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    await leader.report(**town.body())
    await later(database, issue, hours=1000)
    async with database.acquire() as connection:  # wherever it is past half past eight now
        zone = "Asia/Shanghai" if (datetime.now(UTC) + timedelta(hours=8)).hour >= 9 else "America/New_York"
        await connection.execute("update areas set time_zone = $2 where id = $1", town.area, zone)
    await asyncio.gather(*(running.digest(database) for _ in range(3)))
    await running.digest(database)
    digests = [n for n in (await staff.get("/v1/notices"))["items"] if n["kind"] == "digest"]
    assert len(digests) == 1 and digests[0]["text"] == "Today 1 issues are overdue and 1 are not assigned."
    assert [i["id"] for i in (await staff.get("/v1/issues", unowned=True))["items"]] != [issue]
