"""Instants that nobody means: refused where they are set, and shown where they stand already."""

import asyncio
import io
import time
import uuid
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from app.duties import calendar
from app.notices.telling import follow

FAR = "9999-12-31T23:59:59Z"
# What stands in a database that took everything.
POISON = ["9999-12-31 23:59:59+00", "9999-12-31 23:59:59.999999+00", "0001-01-01 00:00:00+00", "infinity"]


def ahead(**span):
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


@pytest.mark.parametrize("when", [FAR, "9999-12-31T23:59:59-12:00", "2099-01-01T00:00:00Z", "in 367 days"])
@pytest.mark.parametrize("action", ["assign", "hand_over", "request_extension", "grant_extension"])
async def test_no_action_takes_an_instant_too_far_ahead(town, action, when):
    leader, worker = await town.person("leader"), await town.person("worker")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    far = ahead(days=367) if when.startswith("in") else when
    fields = {
        "assign": {"unit": str(town.unit), "deadline": far, "reason": "x"},
        "hand_over": {"authority": "x", "reply_by": far},
    }
    who = worker if action == "request_extension" else leader
    refused = await who.act(issue, action, expect=422, **fields.get(action, {"deadline": far, "reason": "x"}))
    (wrong,) = refused["errors"]
    assert wrong["pointer"] == ("/reply_by" if action == "hand_over" else "/deadline") and wrong["message"]


async def test_a_year_to_reply_is_taken(town):
    leader = await town.person("leader")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "accept")
    await leader.act(issue, "hand_over", authority="县住建局", reply_by=ahead(days=365))


@pytest.mark.parametrize("clock", ["working", "calendar"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"])
def test_the_calendar_reckons_with_anything_at_once(clock, zone):
    begun = time.monotonic()
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    now = datetime.now(UTC)
    for start, end in ((now, last), (now, first), (first, last), (last, first), (now, datetime.max)):
        left = calendar.between(start, end, clock, zone)
        assert (left > 0) == (end.replace(tzinfo=UTC) > start)
        assert calendar.add(now, left, clock, zone).tzinfo is not None
    for seconds in (10**15, -(10**15)):
        assert 1990 < calendar.add(now, seconds, clock, zone).year <= 2100
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("clock", ["working", "calendar"])
def test_the_calendar_goes_back_as_it_goes_ahead(clock):
    zone, now = "Asia/Shanghai", datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    for hours in (1, 7, 30, 100):
        end = calendar.add(now, hours * 3600, clock, zone)
        assert calendar.between(end, now, clock, zone) == -hours * 3600
        assert calendar.add(end, -hours * 3600, clock, zone) == now


def test_where_no_day_is_worked_on_a_deadline_is_reckoned_still():
    day = datetime.now(UTC).date()
    never = {day + timedelta(days=n): False for n in range(-4000, 4000)}
    now = datetime.now(UTC)
    assert calendar.add(now, 3600, "working", "Asia/Shanghai", never) == now
    assert calendar.between(now, now + timedelta(days=9), "working", "Asia/Shanghai", never) == 0


async def poisoned(town, database, poison, category="litter"):
    """An issue whose deadline is `poison`, in the columns and in what was told of it."""
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    issue = (await volunteer.report(**town.body(category=category)))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    async with database.acquire() as connection:
        await connection.execute(f"update issues set deadline = '{poison}' where id = $1", uuid.UUID(issue))
        await connection.execute(
            f"""update events set data = jsonb_set(data, '{{deadline}}', to_jsonb('{poison}'::timestamptz))
            where issue_id = $1 and action = 'assign'""", uuid.UUID(issue),
        )  # fmt: skip
    await follow(database)
    return issue, leader


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
@pytest.mark.parametrize("poison", POISON)
async def test_every_reader_shows_what_is_stored_already(town, database, poison, zone):
    async with database.acquire() as connection:
        await connection.execute("update areas set time_zone = $2 where id = $1", town.area, zone)
    issue, leader = await poisoned(town, database, poison)
    staff, worker = await town.person("staff"), await town.person("worker")
    await follow(database)
    number = (await staff.get(f"/v1/issues/{issue}"))["number"]
    ledger = await staff.call("GET", "/v1/ledger.csv", params={"area": str(town.area)})
    assert ledger.status_code == 200 and number in ledger.text
    book = await staff.call("GET", "/v1/ledger.xlsx", params={"area": str(town.area)})
    assert any(number.encode() in zipfile.ZipFile(io.BytesIO(book.content)).read(n) for n in _sheets(book.content))
    archive = await staff.call("GET", "/v1/archive.zip", params={"area": str(town.area)})
    assert zipfile.ZipFile(io.BytesIO(archive.content)).testzip() is None
    assert (await staff.call("GET", f"/v1/issues/{issue}/dossier.html")).status_code == 200
    for person in (staff, leader, worker):
        await person.get("/v1/notices")
    monday = datetime.now(UTC).date() - timedelta(days=datetime.now(UTC).weekday())
    for path in (f"/v1/issues/{issue}/timeline", "/v1/changes", f"/v1/areas/{town.area}/summary", "/v1/league"):
        answer = await staff.call("GET", path, params={"area": str(town.area)} if path == "/v1/league" else {})
        assert answer.status_code == 200, (path, answer.text)
    weekly = await staff.call("GET", "/v1/summaries/weekly.json", params={"area": str(town.area), "week": str(monday)})
    assert weekly.status_code in (200, 404, 422), weekly.text
    assert weekly.status_code == 200, weekly.text


def _sheets(content):
    return [name for name in zipfile.ZipFile(io.BytesIO(content)).namelist() if "sheet" in name]


@pytest.mark.parametrize("poison", POISON)
async def test_the_list_by_deadline_leaves_nothing_out(town, database, poison):
    staff = await town.person("staff")
    issues = [(await poisoned(town, database, poison))[0] for _ in range(2)]
    issues += [(await staff.report(**town.body()))["issue"]["id"] for _ in range(3)]
    found, cursor = [], None
    for _ in range(9):
        more = {"cursor": cursor} if cursor else {}
        page = await staff.get("/v1/issues", area=str(town.area), sort="deadline", limit=1, **more)
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(issues)


@pytest.mark.parametrize("category", ["litter", "building_waste"])
@pytest.mark.parametrize("poison", POISON)
async def test_what_stands_wrong_can_be_acted_on_and_the_server_goes_on(town, database, poison, category):
    issue, leader = await poisoned(town, database, poison, category)
    staff = await town.person("staff")
    begun = time.monotonic()
    await leader.act(issue, "hand_over", authority="县住建局", reply_by=ahead(days=2))
    await staff.act(issue, "reply", to="accepted", note="不归我们")
    await leader.act(issue, "assign", unit=str(town.unit))
    assert time.monotonic() - begun < 5
    other, leader = await poisoned(town, database, poison, category)
    sane = await leader.act(other, "assign", unit=str(town.unit), deadline=ahead(hours=5), reason="改正")
    assert abs(datetime.fromisoformat(sane["deadline"]) - datetime.now(UTC) - timedelta(hours=5)) < timedelta(minutes=1)


@pytest.mark.parametrize("created", ["0001-01-01 00:00:00+00", "3020-01-01 00:00:00+00"])
async def test_the_ledger_holds_what_was_reported_in_an_impossible_year(town, database, created):
    staff = await town.person("staff")
    issue = (await staff.report(**town.body()))["issue"]
    try:
        async with database.acquire() as connection:
            await connection.execute(f"update issues set created_at = '{created}' where id = $1", uuid.UUID(issue["id"]))
        begun = time.monotonic()
        ledger = await asyncio.wait_for(staff.call("GET", "/v1/ledger.csv", params={"area": str(town.area)}), 30)
        assert issue["number"] in ledger.text and time.monotonic() - begun < 10
    finally:
        async with database.acquire() as connection:
            await connection.execute("update issues set created_at = now() where id = $1", uuid.UUID(issue["id"]))


@pytest.mark.parametrize("created", ["9999-12-31 23:59:59.999999+00", "0001-01-01 00:00:00+00", "infinity", "-infinity"])
async def test_papers_show_what_was_reported_and_is_answered_in_an_impossible_year(town, database, created):
    staff = await town.person("staff")
    issue = (await staff.report(**town.body()))["issue"]["id"]
    await staff.act(issue, "accept")
    await staff.act(issue, "hand_over", authority="县住建局", reply_by=ahead(days=2))
    try:
        async with database.acquire() as connection:
            await connection.execute(
                f"update issues set created_at = '{created}', reply_by = '{created}' where id = $1", uuid.UUID(issue)
            )
            await connection.execute(
                f"""update events set data = jsonb_set(data, '{{reply_by}}', to_jsonb('{created}'::timestamptz))
                where issue_id = $1 and action = 'hand_over'""", uuid.UUID(issue),
            )  # fmt: skip
        area = {"area": str(town.area)}
        for path in (
            f"/v1/issues/{issue}/handover-letter.html",
            f"/v1/issues/{issue}/handover-letter.docx",
            f"/v1/issues/{issue}/dossier.html",
        ):
            assert (await staff.call("GET", path)).status_code == 200, path
        for path in ("/v1/ledger.csv", "/v1/ledger.xlsx", "/v1/archive.zip"):
            answer = await staff.call("GET", path, params=area)
            assert answer.status_code == 200 and answer.content, path
    finally:
        async with database.acquire() as connection:
            await connection.execute("update issues set created_at = now() where id = $1", uuid.UUID(issue))


@pytest.mark.parametrize("closed", ["9999-12-31 23:59:59+00", "infinity", "-infinity"])
async def test_figures_are_told_of_what_was_closed_in_an_impossible_year(town, database, closed):
    staff, volunteer = await town.person("staff"), await town.person("volunteer")
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await staff.act(issue, "accept")
    await staff.act(issue, "close_unresolved", reason_code="not_our_matter", reason="x")
    now = datetime.now(UTC).isoformat()
    walk = {"started_at": now, "ended_at": now}
    assert (await volunteer.call("PUT", f"/v1/patrols/{uuid.uuid4()}", json=walk)).status_code in (200, 201)
    async with database.acquire() as connection:
        await connection.execute(f"update issues set closed_at = '{closed}' where id = $1", uuid.UUID(issue))
        if closed[0] != "-":
            await connection.execute(f"update patrols set ended_at = '{closed}' where account_id = $1", volunteer.id)
    await follow(database)
    for path in ("/v1/league", "/v1/circulation.html", f"/v1/areas/{town.area}/summary"):
        answer = await staff.call("GET", path, params={} if path.endswith("summary") else {"area": str(town.area)})
        assert answer.status_code == 200, (path, answer.text)
    assert (await volunteer.call("GET", "/v1/me/record")).status_code == 200
