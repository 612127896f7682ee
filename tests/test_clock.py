"""The first clock of an issue: nothing moves it but the time that the issue is handed over; reopening begins a new
one, unless what was late was never mended."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.duties import calendar, running

SECOND = timedelta(seconds=1)


def ahead(**time):
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


def instant(text):
    return datetime.fromisoformat(text)


async def late_by(database, issue, **time):
    """The deadline passed so long ago."""
    async with database.acquire() as connection:
        await connection.execute(
            "update issues set deadline = now() - $2::interval, duty_at = now() - $2::interval where id = $1",
            uuid.UUID(issue), timedelta(**time),
        )  # fmt: skip
    await running.run(database)


async def set_deadline(database, issue, at):
    async with database.acquire() as connection:
        await connection.execute("update issues set deadline = $2 where id = $1", uuid.UUID(issue), at)


async def other_unit(town):
    unit = uuid.uuid4()
    async with town.database.acquire() as connection:
        await connection.execute("insert into units values ($1, $2, '城管队', 'bureau', '')", unit, town.area)
    return str(unit)


async def assigned(town, leader, **changes):
    issue = (await leader.report(**town.body(**changes)))["issue"]["id"]
    return issue, await leader.act(issue, "assign", unit=str(town.unit))


async def last_event(person, issue):
    return (await person.get(f"/v1/issues/{issue}/timeline", limit=200))["items"][-1]


async def same_unit(town, leader, worker, staff, issue):
    await leader.act(issue, "assign", unit=str(town.unit))


async def another_unit(town, leader, worker, staff, issue):
    await leader.act(issue, "assign", unit=await other_unit(town))


async def over_and_back(town, leader, worker, staff, issue):
    await leader.act(issue, "hand_over", authority="交警大队", reply_by=ahead(days=2))
    await staff.act(issue, "reply", to="accepted", note="不归我们")
    await leader.act(issue, "assign", unit=str(town.unit))


async def taken_back(town, leader, worker, staff, issue):
    await leader.act(issue, "hand_over", authority="交警大队", reply_by=ahead(days=2))
    await leader.act(issue, "assign", unit=str(town.unit))


async def sent_back(town, leader, worker, staff, issue):
    await worker.act(issue, "rectify")
    await leader.act(issue, "send_back", reason="没清完")
    await leader.act(issue, "assign", unit=await other_unit(town))


async def merged_and_back(town, leader, worker, staff, issue):
    other = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "merge", into=other)
    await leader.act(issue, "unmerge")
    await leader.act(issue, "assign", unit=str(town.unit))


async def reclassified(town, leader, worker, staff, issue):
    await leader.act(issue, "reclassify", category="no_litter_bin")
    await leader.act(issue, "assign", unit=str(town.unit))


async def relocated(town, leader, worker, staff, issue):
    await leader.act(issue, "relocate", position={"lat": town.lat + 0.004, "lon": town.lon + 0.004})
    await leader.act(issue, "assign", unit=str(town.unit))


async def rejected_and_reopened(town, leader, worker, staff, issue):
    await leader.act(issue, "hand_over", authority="交警大队", reply_by=ahead(days=2))
    await staff.act(issue, "reply", to="accepted", note="不归我们")
    await leader.act(issue, "reject", reason="不管了")
    await leader.act(issue, "reopen", reason="还是要管")
    await leader.act(issue, "assign", unit=str(town.unit))


async def ended_and_reopened(town, leader, worker, staff, issue):
    await staff.act(issue, "close_unresolved", reason_code="cannot_be_mended")
    await staff.act(issue, "reopen", reason="能整改了")
    await leader.act(issue, "assign", unit=str(town.unit))


async def ended_elsewhere_and_reopened(town, leader, worker, staff, issue):
    await leader.act(issue, "hand_over", authority="交警大队", reply_by=ahead(days=2))
    await ended_and_reopened(town, leader, worker, staff, issue)


WAYS = [
    same_unit, another_unit, over_and_back, taken_back, sent_back, merged_and_back, reclassified, relocated,
    rejected_and_reopened, ended_and_reopened, ended_elsewhere_and_reopened,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
async def test_what_is_late_stays_late_however_it_is_assigned_again(town, database, way):
    leader, worker, staff = [await town.person(r) for r in ("leader", "worker", "staff")]
    issue, _ = await assigned(town, leader)
    await late_by(database, issue, hours=50)
    before = instant((await leader.get(f"/v1/issues/{issue}"))["deadline"])
    await way(town, leader, worker, staff, issue)
    after = await leader.get(f"/v1/issues/{issue}")
    assert after["overdue"] and after["state"] == "assigned"
    assert timedelta() <= instant(after["deadline"]) - before < 10 * SECOND
    assert (after["first_deadline"], after["extensions"]) == (None, 0)


async def test_what_ran_out_over_a_weekend_is_not_on_time_again_by_a_handover(town, database):
    """A deadline outside working hours has no working time of its own; nor has a handover of a second."""
    leader, staff = await town.person("leader"), await town.person("staff")
    issue, _ = await assigned(town, leader, category="building_waste")
    async with database.acquire() as connection:
        # Never a working day, so nothing of the clock passes: as on a Saturday.
        day = datetime.now(UTC).date()
        await connection.executemany(
            "insert into calendar_days (area_id, day, working, name) values ($1, $2, false, '')",
            [(town.area, day + timedelta(days=n)) for n in range(-6, 6)],
        )
    await set_deadline(database, issue, datetime.now(UTC) - timedelta(days=2))
    await leader.act(issue, "hand_over", authority="交警大队", reply_by=ahead(days=2))
    await staff.act(issue, "reply", to="accepted", note="不归我们")
    assert (await leader.get(f"/v1/issues/{issue}"))["overdue"]


async def test_an_overdue_handover_owes_its_working_hours_still(town, database):
    leader, staff = await town.person("leader"), await town.person("staff")
    issue, _ = await assigned(town, leader, category="building_waste")
    await late_by(database, issue, days=20)
    late = instant((await leader.get(f"/v1/issues/{issue}"))["deadline"])
    for _ in range(3):
        await leader.act(issue, "hand_over", authority="交警大队", reply_by=ahead(days=2))
        await staff.act(issue, "reply", to="accepted", note="不归我们")
    after = await leader.get(f"/v1/issues/{issue}")
    assert after["overdue"] and instant(after["deadline"]) - late < 10 * SECOND


async def test_a_handover_keeps_the_time_that_was_left_of_both_deadlines(town, database):
    leader, staff = await town.person("leader"), await town.person("staff")
    issue, first = await assigned(town, leader)
    await leader.act(issue, "grant_extension", deadline=ahead(days=5), reason="住户出差")
    over = await leader.act(issue, "hand_over", authority="交警大队", reply_by=ahead(days=2))
    assert (over["deadline"], over["first_deadline"], over["extensions"]) == (None, None, 1)
    async with database.acquire() as connection:  # handed over for three hours
        await connection.execute("update events set at = at - interval '3 hours' where issue_id = $1", uuid.UUID(issue))
        row = await connection.fetchrow("select deadline_left_s, first_left_s from issues where id = $1", uuid.UUID(issue))
        assert abs(row["first_left_s"] - 86400) < 60 and abs(row["deadline_left_s"] - 5 * 86400) < 60
        was = await connection.fetchval("select was from events where issue_id = $1 and action = 'hand_over'", uuid.UUID(issue))
    assert instant(was["first_deadline"]) == instant(first["deadline"])
    back = await staff.act(issue, "reply", to="accepted", note="不归我们")
    assert abs(instant(back["first_deadline"]) - datetime.now(UTC) - timedelta(days=1)) < 60 * SECOND
    assert abs(instant(back["deadline"]) - datetime.now(UTC) - timedelta(days=5)) < 60 * SECOND


@pytest.mark.parametrize("action", ["reopen", "fail_inspection"])
async def test_a_new_round_has_a_new_clock_and_new_extensions(town, database, action):
    leader, worker, staff = [await town.person(r) for r in ("leader", "worker", "staff")]
    issue, _ = await assigned(town, leader)
    for days in (2, 3, 4):
        await leader.act(issue, "grant_extension", deadline=ahead(days=days), reason="量大")
    await late_by(database, issue, hours=3)
    await worker.act(issue, "rectify")
    await leader.act(issue, "verify")
    opened = await staff.act(issue, action, reason="又来了")
    assert (opened["deadline"], opened["first_deadline"], opened["extensions"]) == (None, None, 0)
    anew = await leader.act(issue, "assign", unit=str(town.unit))
    assert not anew["overdue"]
    assert abs(instant(anew["deadline"]) - datetime.now(UTC) - timedelta(days=1)) < 60 * SECOND
    assert (await leader.act(issue, "grant_extension", deadline=ahead(days=5), reason="量大"))["extensions"] == 1


async def test_no_more_extensions_are_had_by_ending_what_is_late(town, database):
    leader, staff = await town.person("leader"), await town.person("staff")
    issue, _ = await assigned(town, leader)
    for days in (2, 3, 4):
        await leader.act(issue, "grant_extension", deadline=ahead(days=days), reason="量大")
    async with database.acquire() as connection:
        await connection.execute(
            "update issues set deadline = now() - interval '1 hour', first_deadline = now() - interval '2 hours' where id = $1",
            uuid.UUID(issue),
        )  # fmt: skip
    await staff.act(issue, "close_unresolved", reason_code="cannot_be_mended")
    opened = await staff.act(issue, "reopen", reason="能整改了")
    assert opened["extensions"] == 3
    fields = {"unit": str(town.unit), "deadline": ahead(days=2), "reason": "量大"}
    assert (await leader.act(issue, "assign", expect=409, **fields))["type"] == "/problems/extensions-used-up"


async def test_what_was_ended_before_its_deadline_begins_anew(town, database):
    leader, staff = await town.person("leader"), await town.person("staff")
    issue, _ = await assigned(town, leader)
    await staff.act(issue, "close_unresolved", reason_code="cannot_be_mended")
    async with database.acquire() as connection:  # its deadline passes while it is closed
        await connection.execute(
            "update issues set closed_at = now() - interval '3 hours', deadline = now() - interval '1 hour' where id = $1",
            uuid.UUID(issue),
        )  # fmt: skip
    opened = await staff.act(issue, "reopen", reason="能整改了")
    assert (opened["deadline"], opened["overdue"]) == (None, False)


async def test_a_later_deadline_at_reassignment_is_an_extension_with_a_reason(town, database):
    leader = await town.person("leader")
    issue, first = await assigned(town, leader)
    unit = str(town.unit)
    refused = await leader.act(issue, "assign", expect=422, unit=unit, deadline=ahead(days=3))
    assert [e["pointer"] for e in refused["errors"]] == ["/reason"]
    wish = ahead(days=3)
    later = await leader.act(issue, "assign", unit=unit, deadline=wish, reason="住户出差")
    assert instant(later["deadline"]) == instant(wish) and later["first_deadline"] == first["deadline"]
    assert later["extensions"] == 1
    data = (await last_event(leader, issue))["data"]
    assert instant(data["extended_from"]) == instant(first["deadline"]) and data["reason"] == "住户出差"


async def test_assigning_and_granting_share_one_count(town):
    leader = await town.person("leader")
    issue, first = await assigned(town, leader)
    unit = str(town.unit)
    await leader.act(issue, "assign", unit=unit, deadline=ahead(days=2), reason="量大")
    await leader.act(issue, "grant_extension", deadline=ahead(days=3), reason="量大")
    await leader.act(issue, "assign", unit=await other_unit(town), deadline=ahead(days=4), reason="量大")
    for action, fields in (("assign", {"unit": unit}), ("grant_extension", {})):
        refused = await leader.act(issue, action, expect=409, deadline=ahead(days=5), reason="量大", **fields)
        assert refused["type"] == "/problems/extensions-used-up"
    # An earlier one may be set at any time, and the first clock stays.
    nearer = await leader.act(issue, "assign", unit=unit, deadline=ahead(days=2))
    assert nearer["first_deadline"] == first["deadline"] and nearer["extensions"] == 3


@pytest.mark.parametrize("days", [32, 365])
async def test_a_later_deadline_is_limited_also_at_the_first_assignment(town, days):
    leader = await town.person("leader")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    unit = str(town.unit)
    bare = await leader.act(issue, "assign", expect=422, unit=unit, deadline=ahead(days=days))
    assert [e["pointer"] for e in bare["errors"]] == ["/reason"]
    long = await leader.act(issue, "assign", expect=422, unit=unit, deadline=ahead(days=days), reason="慢慢来")
    assert [e["pointer"] for e in long["errors"]] == ["/deadline"]
    assert (await leader.get(f"/v1/issues/{issue}"))["state"] == "reported"


async def test_a_first_deadline_later_than_the_category_gives_is_an_extension(town):
    leader = await town.person("leader")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    set_later = await leader.act(issue, "assign", unit=str(town.unit), deadline=ahead(days=3), reason="住户出差")
    due = instant(set_later["first_deadline"])
    assert abs(due - datetime.now(UTC) - timedelta(days=1)) < 60 * SECOND and set_later["extensions"] == 1
    assert instant((await last_event(leader, issue))["data"]["extended_from"]) == due


async def test_an_earlier_deadline_needs_nothing_and_is_the_first(town):
    leader = await town.person("leader")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    wish = ahead(hours=2)
    early = await leader.act(issue, "assign", unit=str(town.unit), deadline=wish)
    assert instant(early["deadline"]) == instant(wish) and (early["first_deadline"], early["extensions"]) == (None, 0)
    nearer = await leader.act(issue, "assign", unit=str(town.unit), deadline=ahead(hours=1))
    assert nearer["first_deadline"] is None
    back = await leader.act(issue, "assign", unit=str(town.unit), deadline=wish, reason="改回")
    assert back["first_deadline"] == nearer["deadline"]


async def test_a_late_issue_brings_its_clock_to_the_one_it_is_merged_into(town, database):
    leader = await town.person("leader")
    late, _ = await assigned(town, leader)
    await late_by(database, late, hours=30)
    fresh = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(late, "merge", into=fresh)
    survivor = await leader.act(fresh, "assign", unit=str(town.unit))
    assert survivor["overdue"]


async def test_a_survivor_takes_the_earlier_clock_and_gives_it_back(town, database):
    leader = await town.person("leader")
    late, _ = await assigned(town, leader)
    other, own = await assigned(town, leader)
    await late_by(database, late, hours=30)
    before = (await leader.get(f"/v1/issues/{late}"))["deadline"]
    await leader.act(late, "merge", into=other)
    assert (await leader.get(f"/v1/issues/{other}"))["deadline"] == before
    await leader.act(late, "unmerge")
    assert (await leader.get(f"/v1/issues/{other}"))["deadline"] == own["deadline"]
    assert (await leader.get(f"/v1/issues/{late}"))["deadline"] == before


async def test_a_survivor_with_the_earlier_clock_keeps_it(town):
    leader = await town.person("leader")
    survivor, own = await assigned(town, leader)
    other, _ = await assigned(town, leader)
    await leader.act(other, "merge", into=survivor)
    assert (await leader.get(f"/v1/issues/{survivor}"))["deadline"] == own["deadline"]


async def test_to_reclassify_what_is_handed_over_gives_no_time(town):
    """48 hours left are not 48 working hours: a week."""
    leader, staff = await town.person("leader"), await town.person("staff")
    issue, first = await assigned(town, leader)
    await leader.act(issue, "hand_over", authority="交警大队", reply_by=ahead(days=2))
    await leader.act(issue, "reclassify", category="building_waste")
    back = await staff.act(issue, "reply", to="accepted", note="不归我们")
    # No later than the opening of the next working day after it.
    latest = calendar.add(instant(first["deadline"]), 60, "working", "Asia/Shanghai")
    assert instant(back["deadline"]) <= latest


async def test_an_event_keeps_what_a_joining_report_and_a_photograph_changed(town, database):
    first, second = await town.person("volunteer"), await town.person("volunteer")
    issue = (await first.report(**town.body()))["issue"]["id"]
    await second.report(**town.body(issue_id=issue, mended_on_the_spot=True, photos=[str(uuid.uuid4())]))
    async with database.acquire() as connection:
        was = await connection.fetchval("select was from events where issue_id = $1 and version = 2", uuid.UUID(issue))
    assert (was["reports"], was["evidence"], was["rectified_by"], was["rectified_at"]) == (1, 0, None, None)
    assert "premises_id" not in was


async def test_closing_unresolved_keeps_its_reason_until_it_is_reopened(town, database):
    staff = await town.person("staff")
    issue = (await staff.report(**town.body()))["issue"]["id"]

    async def unresolved():
        async with database.acquire() as connection:
            return await connection.fetchval("select unresolved from issues where id = $1", uuid.UUID(issue))

    await staff.act(issue, "close_unresolved", reason_code="not_our_matter")
    assert await unresolved() == "not_our_matter"
    await staff.act(issue, "reopen", reason="仍在")
    assert await unresolved() is None
