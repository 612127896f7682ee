"""What the office did is kept, whole, and told to whom it concerns."""

import uuid
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from app.kit.access import CALLER, Caller, token_hash
from app.kit.audit import KINDS, record
from app.kit.language import TEXTS
from tests.conftest import PICTURE, Town


async def caller_of(database, person):
    async with database.acquire() as connection:
        return Caller.of(await connection.fetchrow(CALLER, token_hash(person.client.headers["authorization"])))


@pytest.mark.parametrize("attack", ["update audit set kind = 'x'", "delete from audit", "truncate audit"])
async def test_nothing_that_was_kept_is_changed(town, database, attack):
    staff = await town.person("staff")
    caller = await caller_of(database, staff)
    async with database.transaction() as connection:
        await record(connection, caller, "role_given", staff.id, town.area, {"role": "leader", "note": "王小二 说的话", "n": 3})
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.RaiseError, match="only ever added"):
            await connection.execute(attack)
        (kept,) = await connection.fetch("select * from audit where area_id = $1", town.area)
    assert (kept["account_id"], kept["session_id"], kept["device"]) == (staff.id, caller.session_id, "test")
    # Words that somebody wrote are not kept beside what they did.
    assert kept["details"] == {"role": "leader", "note": None, "n": 3} and kept["subject_id"] == staff.id


async def test_a_change_that_is_rolled_back_leaves_no_trace_of_itself(town, database):
    caller = await caller_of(database, await town.person("staff"))
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await record(connection, caller, "unit_set", uuid.uuid4(), town.area)
            raise ZeroDivisionError
    async with database.acquire() as connection:
        assert await connection.fetchval("select count(*) from audit where area_id = $1", town.area) == 0


async def deeds(person, **query):
    return (await person.get("/v1/audit", **query))["items"]


async def everything(town, staff, admin):
    """One of each deed of the office, by HTTP; what it did, to what and by whom."""
    leader, volunteer, deputy, member = [await town.person(role) for role in ("leader", None, "volunteer", "volunteer")]
    theirs = f"/v1/people/{member.id}"
    id, area = str(uuid.uuid4()), str(town.area)
    photo = str(uuid.uuid4())
    body = {"role": "volunteer", "cell": str(town.cells[0])}
    invited = (await staff.call("POST", "/v1/invitations", json=body)).json()
    await volunteer.call("POST", f"/v1/invitations/{invited['code']}/accept", json={"name": "王小二"})
    issue = (await volunteer.report(**town.body(photos=[photo], note="王小二的话")))["issue"]["id"]
    await volunteer.call("PUT", f"/v1/photos/{photo}", content=PICTURE)
    again = (await staff.call("POST", "/v1/invitations", json=body | {"role": "leader"})).json()
    role = next(
        r["id"]
        for p in (await staff.get("/v1/people", cell=str(town.cells[0])))["items"]
        if p["id"] == str(deputy.id)
        for r in p["roles"]
    )
    today = date.today()
    stand_in = {
        "leader": str(leader.id),
        "deputy": str(deputy.id),
        "starts_on": str(today),
        "ends_on": str(today + timedelta(days=3)),
    }
    paper = {
        "area": area,
        "week": "2025-12-29",
        "language": "zh-CN",
        "title": "王小二的总结",
        "parts": [{"title": "一", "clauses": []}],
    }
    kind = {"group": "other", "name": {"zh-CN": "类", "en": "Kind"}, "deadline_hours": 8, "deadline_clock": "working"}
    asked = (
        (staff, "PUT", f"/v1/areas/{area}/office", {"issuer": "王小二居委会", "publishes": "issues"}, "office_set"),
        (staff, "PUT", f"/v1/units/{town.unit}", {"area": area, "name": "王小二站", "kind": "bureau"}, "unit_set"),
        (staff, "PATCH", f"/v1/cells/{town.cells[0]}", {"name": "王小二格", "unit": str(town.unit)}, "cell_set"),
        (staff, "PUT", f"/v1/assignment-rules/{id}", {"area": area, "unit": str(town.unit), "category": "litter"}, "rule_set"),
        (staff, "DELETE", f"/v1/assignment-rules/{id}", None, "rule_removed"),
        (staff, "PUT", f"/v1/areas/{area}/calendar/2026-12-01", {"working": False, "name": "王小二日"}, "calendar_set"),
        (staff, "DELETE", f"/v1/areas/{area}/calendar/2026-12-01", None, "calendar_removed"),
        (staff, "PUT", f"/v1/authorities/{id}", {"area": area, "name": "王小二局"}, "authority_set"),
        (staff, "PUT", f"/v1/stand-ins/{id}", stand_in, "stand_in_put"),
        (staff, "DELETE", f"/v1/stand-ins/{id}", None, "stand_in_ended"),
        (staff, "DELETE", f"/v1/roles/{role}", None, "role_taken"),
        (leader, "DELETE", f"{theirs}/sessions", None, "devices_ended"),
        (leader, "PUT", f"{theirs}/reset-links/{uuid.uuid4()}", None, "password_reset_made"),
        (staff, "POST", f"{theirs}/close", {"reason": "王小二走了"}, "account_closed"),
        (staff, "POST", f"{theirs}/reopen", None, "account_reopened"),
        (staff, "DELETE", f"/v1/invitations/{again['id']}", None, "invitation_taken_back"),
        (staff, "PUT", "/v1/summaries/weekly", paper, "paper_issued"),
        (staff, "GET", f"/v1/summaries/weekly.docx?area={area}&week=2025-12-29", None, "weekly_exported"),
        (leader, "GET", "/v1/ledger.csv?q=王小二&state=reported&created_since=2026-01-01T00:00:00Z", None, "ledger_exported"),
        (staff, "GET", f"/v1/ledger.xlsx?area={area}", None, "ledger_exported"),
        (staff, "GET", f"/v1/archive.zip?area={area}", None, "archive_exported"),
        (leader, "GET", f"/v1/issues/{issue}/dossier.html", None, "dossier_exported"),
        (staff, "GET", f"/v1/circulation.html?area={area}", None, "circulation_exported"),
        (staff, "GET", f"/v1/photos/{photo}/original", None, "original_seen"),
        (admin, "PUT", f"/v1/categories/c{uuid.uuid4().hex[:6]}", kind, "category_set"),
    )  # fmt: skip
    for person, method, path, sent, _ in asked:
        answer = await person.call(method, path, json=sent)
        assert answer.status_code in (200, 201, 204), (path, answer.text)
    return [deed for *_, deed in asked], leader, volunteer


async def test_every_deed_of_the_office_is_kept_once_with_who_and_where(town, database):
    staff, admin = await town.person("staff"), await town.person("admin")
    done, leader, volunteer = await everything(town, staff, admin)
    kept = await deeds(staff, limit=200)
    first = ["invitation_made", "invitation_accepted", "role_given", "invitation_made", "people_read"]
    assert [deed["kind"] for deed in reversed(kept)] == [*first, *done[:-1]]
    by = {deed["kind"]: deed for deed in kept}
    assert all(deed["area"]["id"] == str(town.area) and deed["device"] == "test" for deed in kept if deed["kind"] not in first)
    assert by["dossier_exported"]["by"]["id"] == str(leader.id) and by["role_given"]["by"]["id"] == str(volunteer.id)
    assert by["role_given"]["details"] == {"role": "volunteer", "cell": str(town.cells[0]), "unit": None, "by": str(staff.id)}
    assert (
        by["original_seen"]["subject"]["name"] == by["dossier_exported"]["subject"]["name"]
        and by["stand_in_put"]["subject"]["name"]
    )
    ledger = next(deed for deed in kept if deed["kind"] == "ledger_exported" and deed["details"]["form"] == "csv")
    assert ledger["by"]["id"] == str(leader.id) and ledger["details"]["state"] == ["reported"]
    # No words of anybody, no code, no token: only names of today, which follow from the ids.
    async with database.acquire() as connection:
        rows = await connection.fetch("select a.*::text as row from audit a where area_id = $1", town.area)
    assert len(rows) == len(kept) and "王小二" not in str(rows)
    (category,) = [d for d in await deeds(admin, kind="category_set") if d["by"]["id"] == str(admin.id)]
    assert category["subject"]["code"].startswith("c") and category["area"] is None


async def test_what_was_refused_is_not_kept_as_done(town, app, database):
    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    stranger = await other.person("staff")
    acting = await town.person("staff")
    for n in range(8):
        assert (
            await acting.call("PUT", f"/v1/units/{uuid.uuid4()}", json={"area": str(town.area), "name": f"站{n}"})
        ).status_code == 200
    assert (await acting.call("PUT", f"/v1/areas/{town.area}/calendar/2026-12-01", json={"working": False})).status_code == 204
    before = await deeds(await town.person("staff"), limit=200)
    for method, path, sent in (
        ("PUT", f"/v1/areas/{town.area}/office", {"issuer": "x"}), ("PUT", f"/v1/units/{town.unit}", {"area": str(town.area), "name": "x"}),
        ("PATCH", f"/v1/cells/{town.cells[0]}", {"rounds_per_week": 3}), ("GET", f"/v1/circulation.html?area={town.area}", None),
        ("PUT", f"/v1/units/{uuid.uuid4()}", {"area": str(town.area), "name": "x", "kind": "bureau"}),
    ):  # fmt: skip
        assert (await stranger.call(method, path, json=sent)).status_code == 404, path
    assert await deeds(stranger) == [] and await deeds(stranger, area=str(town.area)) == []
    assert await deeds(await town.person("staff"), limit=200) == before
    for role in ("volunteer", "leader", "inspector", "worker"):
        assert (await (await town.person(role)).call("GET", "/v1/audit")).status_code == 403
    staff = await town.person("staff")
    page, got = await staff.get("/v1/audit", limit=4), []
    while True:
        got += page["items"]
        if page["next_cursor"] is None:
            break
        page = await staff.get("/v1/audit", limit=4, cursor=page["next_cursor"])
    assert got == before
    assert {d["kind"] for d in await deeds(staff, kind=["calendar_set", "office_set"])} == {"calendar_set"}
    assert await deeds(staff, until=before[-1]["at"]) == [] and len(await deeds(staff, since=before[-1]["at"], limit=200)) == len(
        before
    )
    assert await deeds(staff, since=(datetime.now(UTC) + timedelta(hours=1)).isoformat()) == []
    assert {d["by"]["id"] for d in await deeds(staff, account=before[0]["by"]["id"])} == {before[0]["by"]["id"]}
    assert (await staff.call("GET", "/v1/audit?kind=x")).json()["errors"][0]["pointer"].startswith("/kind")


def test_every_kind_has_its_words():
    assert {f"audit-{kind}" for kind in KINDS} == {key for key in TEXTS if key.startswith("audit-")}
