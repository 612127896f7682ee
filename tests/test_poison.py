"""Rows that cannot be worked on, as a wrong hand or an older fault may leave them: they end nothing but themselves."""

import uuid
from datetime import UTC, datetime, timedelta

import structlog

from app.duties import running
from app.issues import recurrence
from app.kit import aside
from app.maps import tally
from app.notices.telling import follow
from tests.test_notices import inbox, kinds


async def beats(work, database, times=aside.TRIES + 1):
    """Beats of a pulse: what failed in them is told, as the worker tells it."""
    failures = []
    with structlog.testing.capture_logs() as logs:
        for _ in range(times):
            try:
                await work(database)
            except Exception as error:
                failures.append(error)
    return failures, logs


async def set_aside(database, follower):
    async with database.acquire() as connection:
        rows = await connection.fetch("delete from set_aside where follower = $1 returning subject", follower)
    return [row["subject"] for row in rows]


async def reported(town, person, **body):
    return uuid.UUID((await person.report(**town.body(**body)))["issue"]["id"])


async def test_one_event_that_cannot_be_told_ends_nobody_elses_notices(town, database):
    await follow(database)
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    before, poisoned, after = [await reported(town, volunteer) for _ in range(3)]
    for issue in (before, poisoned, after):
        await leader.act(str(issue), "accept")
    async with database.acquire() as connection:
        await connection.execute(
            """update events set was = '{"deadline": "rubbish"}' where issue_id = $1 and action = 'accept'""", poisoned
        )
        event = await connection.fetchval("select id from events where issue_id = $1 and action = 'accept'", poisoned)
    failures, logs = await beats(follow, database)
    assert 0 < len(failures) < aside.TRIES
    # Of the poisoned issue neither event can be told; of the others all is told once.
    assert await kinds(volunteer) == ["accepted"] * 2 and await kinds(leader) == ["new"] * 2
    assert str(event) in await set_aside(database, "notices") and "set aside, the rest goes on" in [
        line["event"] for line in logs
    ]
    await leader.act(str(await reported(town, volunteer)), "accept")
    assert await beats(follow, database, 1) == ([], [])
    assert len(await inbox(volunteer)) == 3
    async with database.acquire() as connection:
        await connection.execute("update events set was = null where id = $1", event)


async def test_one_issue_whose_duty_cannot_be_done_ends_nobody_elses_reminders(town, database):
    await running.run(database)
    leader = await town.person("leader")
    poisoned, good = [await reported(town, leader) for _ in range(2)]
    for issue in (poisoned, good):
        await leader.act(str(issue), "assign", unit=str(town.unit))
    async with database.acquire() as connection:
        # Its version was set back by hand: the next event has a number that is taken.
        await connection.execute("update issues set version = 1 where id = $1", poisoned)
        past = datetime.now(UTC) - timedelta(minutes=5)
        await connection.execute(
            "update issues set duty = 'overdue', deadline = $2::timestamptz, duty_at = $2::timestamptz - (id = $3)::int * interval '1 minute' where id = any($1)",
            [poisoned, good], past, poisoned,
        )  # fmt: skip
    failures, _ = await beats(running.run, database)
    assert 0 < len(failures) < aside.TRIES
    async with database.acquire() as connection:
        done = await connection.fetch(
            "select issue_id from events where action = 'overdue' and issue_id = any($1)", [poisoned, good]
        )
    assert [row["issue_id"] for row in done] == [good]
    assert await beats(running.run, database) == ([], [])
    # Mended by hand, with another deadline, it is done at once.
    async with database.acquire() as connection:
        await connection.execute("update issues set version = 2, duty_at = now() - interval '1 second' where id = $1", poisoned)
    assert await running.run(database) == 1
    assert str(poisoned) in (await set_aside(database, "duties"))[0]


async def test_one_offices_digest_that_cannot_be_made_ends_no_other(town, app, database, monkeypatch):
    from tests.conftest import Town

    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    staffs = [await place.person("staff") for place in (town, other)]
    for place in (town, other):
        issue = await reported(place, await place.person("volunteer"))
        async with database.acquire() as connection:
            await connection.execute("update issues set deadline = now() - interval '1 day' where id = $1", issue)
            # It is past half past eight there: no zone is far enough from another for both to be so all day.
            hour = datetime.now(UTC).hour
            zone = "Etc/UTC" if 9 <= hour < 23 else "Asia/Shanghai" if 1 <= hour < 9 else "Pacific/Auckland"
            await connection.execute("update areas set time_zone = $2 where id = $1", place.area, zone)
    async with database.acquire() as connection:
        # One office's people cannot be told: the key of the notice is taken by a thing that raises.
        await connection.execute(f"""
            create or replace function poison() returns trigger language plpgsql as $$ begin
              raise data_exception using message = 'poisoned'; end $$;
            create trigger poison before insert on notices for each row when (new.account_id = '{staffs[0].id}') execute function poison()""")
    try:
        failures, logs = await beats(running.digest, database, 1)
        assert failures == [] and [line["event"] for line in logs] == ["a digest failed"]
        assert await kinds(staffs[1]) == ["digest"]
        await beats(running.digest, database, aside.TRIES)
        assert str(town.area) in (await set_aside(database, "digest"))[0]
        assert await beats(running.digest, database, 1) == ([], [])
    finally:
        async with database.acquire() as connection:
            await connection.execute("drop trigger poison on notices; drop function poison()")
    assert await kinds(staffs[1]) == ["digest"] and await kinds(staffs[0]) == []
    for client in other.people:
        await client.aclose()


async def test_one_issue_that_breaks_the_reckoning_ends_neither_recurrences_nor_figures(town, database):
    for work in (recurrence.follow, tally.follow, tally.figures):
        await work(database)
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    first = await reported(town, volunteer)
    await leader.act(str(first), "accept")
    await leader.act(str(first), "assign", unit=str(town.unit))
    await leader.act(str(first), "rectify")
    await volunteer.act(str(first), "verify")
    poisoned, again = [await reported(town, volunteer, observed_at=datetime.now(UTC).isoformat()) for _ in range(2)]
    await reported(town, volunteer, cell=1)
    async with database.acquire() as connection:
        # An instant so late that a day more is none.
        await connection.execute("update issues set created_at = '294276-12-31 12:00+00' where id = $1", poisoned)
    failures, _ = await beats(recurrence.follow, database)
    assert 0 < len(failures) < aside.TRIES and len(await set_aside(database, "recurrence")) == 1
    async with database.acquire() as connection:
        assert await connection.fetchval("select recurrence_of from issues where id = $1", again) == first
        await connection.execute("update issues set created_at = now() where id = $1", poisoned)
        # An instant that nothing can be subtracted from.
        await connection.execute("update issues set closed_at = 'infinity' where id = $1", first)
    await tally.follow(database)
    failures, _ = await beats(tally.figures, database)
    assert 0 < len(failures) < aside.TRIES and str(town.cells[0]) in await set_aside(database, "cell figures")
    async with database.acquire() as connection:
        assert await connection.fetchval("select opened from cell_figures where cell_id = $1 and not stale", town.cells[1]) == 1
        await connection.execute("update issues set closed_at = now() where id = $1", first)


async def test_one_issue_that_cannot_be_on_the_map_keeps_no_other_off_it(town, database):
    await tally.follow(database)
    volunteer = await town.person("volunteer")
    poisoned, good = await reported(town, volunteer), await reported(town, volunteer)
    async with database.acquire() as connection:
        await connection.execute(f"""
            create or replace function poison() returns trigger language plpgsql as $$ begin
              raise data_exception using message = 'poisoned'; end $$;
            create trigger poison before insert on map_issues for each row when (new.id = '{poisoned}') execute function poison()""")
    try:
        failures, _ = await beats(tally.follow, database)
        assert 0 < len(failures) < aside.TRIES
        async with database.acquire() as connection:
            there = await connection.fetch("select id from map_issues where id = any($1)", [poisoned, good])
            assert [row["id"] for row in there] == [good]
            # Made anew, the map is without it too.
            await tally.count_anew(connection)
        assert await beats(tally.follow, database, 1) == ([], [])
        assert await set_aside(database, "map") == [str(poisoned)]
    finally:
        async with database.acquire() as connection:
            await connection.execute("drop trigger poison on map_issues; drop function poison()")
            await tally.count_anew(connection)
        await tally.follow(database)
