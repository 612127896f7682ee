"""Leaving and losing: closed accounts, lost phones, forgotten passwords, and who may do it to whom."""

import asyncio
import json
import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.people import limits
from tests.conftest import PICTURE, Town


def phone(app, token=None):
    headers = {"accept-language": "en"} | ({"authorization": f"Bearer {token}"} if token else {})
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test", headers=headers
    )


async def below(town):
    """A community of the street that the town stands for."""
    other = Town(town.app, town.database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    async with town.database.transaction() as connection:
        await connection.execute("update areas set parent_id = $1 where id = $2", town.area, other.area)
        await connection.execute("insert into area_tree values ($1, $2)", town.area, other.area)
    return other


async def grant_of(database, person, role=None):
    async with database.acquire() as connection:
        return await connection.fetchval(
            "select id from role_grants where account_id = $1 and ($2::text is null or role = $2)", person.id, role
        )


def said(response, status, slug):
    assert response.status_code == status and response.json()["type"] == f"/problems/{slug}", response.text
    return True


async def close(by, person):
    return await by.call("POST", f"/v1/people/{person.id}/close", json={"reason": "moved away"})


async def reopen(by, person):
    return await by.call("POST", f"/v1/people/{person.id}/reopen")


async def test_a_closed_account_ends_at_once_and_opens_without_what_was(town, app, database):
    staff, leader, deputy = [await town.person(r) for r in ("staff", "leader", "volunteer")]
    invited = (
        await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0]), "uses": 9})
    ).json()
    accept = f"/v1/invitations/{invited['code']}/accept"
    async with phone(app) as joining:
        joined = (await joining.post(accept, json={"name": "甲"})).json()
        day = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
        stand_in = {"deputy": str(deputy.id), "starts_on": day, "ends_on": day}
        assert (await leader.call("PUT", f"/v1/stand-ins/{uuid.uuid4()}", json=stand_in)).status_code == 200
        channel = {"kind": "mail", "address": f"{leader.account}@example.org"}
        assert (await leader.call("PUT", f"/v1/channels/{uuid.uuid4()}", json=channel)).status_code == 200
        for _ in range(2):  # sent again it is the same
            assert (await close(staff, leader)).status_code == 204
        for path in ("/v1/issues", "/v1/changes"):
            assert (await leader.call("GET", path)).status_code == 401
        assert said(await leader.call("GET", "/v1/me"), 401, "account-closed")  # a phone then keeps nothing to be seen
        assert (await leader.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=town.body())).status_code == 401
        # The invitation is void; who joined by it stays.
        assert said(await joining.post(accept, json={"name": "乙"}), 410, "invitation-over")
        assert (await joining.get("/v1/me", headers={"authorization": f"Bearer {joined['token']}"})).json()["cells"]
        assert [r["role"] for r in (await deputy.get("/v1/me"))["roles"]] == ["volunteer"]
        await deputy.report(**town.body())
        async with database.acquire() as connection:
            assert await connection.fetchval("select count(*) from channels where account_id = $1", leader.id) == 1
            waits = "select count(*) from deliveries d join channels c on c.id = d.channel_id where c.account_id = $1"
            assert await connection.fetchval(waits, leader.id) == 0
        listed = (await staff.get("/v1/people", limit=200))["items"]
        assert str(leader.id) not in {p["id"] for p in listed}
        (gone,) = [p for p in (await staff.get("/v1/people", closed=True))["items"] if p["id"] == str(leader.id)]
        assert gone["closed_for"] == "moved away" and [r["role"] for r in gone["roles"]] == ["leader"]
        # Somebody signed in at the very moment of closing: that session does not come alive either.
        token = uuid.uuid4().hex
        from app.people.sessions import add_session

        async with database.transaction() as connection:
            await add_session(connection, leader.id, token, "late")
        assert (await reopen(staff, leader)).status_code == 204 == (await reopen(staff, leader)).status_code
        assert said(await leader.call("GET", "/v1/me"), 401, "session-ended")
        assert (await joining.get("/v1/me", headers={"authorization": f"Bearer {token}"})).status_code == 401
        assert said(await joining.post(accept, json={"name": "丙"}), 410, "invitation-over")
        assert await grant_of(database, leader, "leader") is not None


@pytest.mark.parametrize("how", ["close", "role", "devices"])
async def test_a_running_stream_ends(town, address, how):
    staff, volunteer = await town.person("staff"), await town.person("volunteer")
    headers = {"authorization": volunteer.client.headers["authorization"]}
    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", f"http://{address}/v1/events", headers=headers, timeout=30) as stream,
    ):
        lines = stream.aiter_lines()
        assert stream.status_code == 200
        if how == "role":
            grant = await grant_of(town.database, volunteer)
            assert (await staff.call("DELETE", f"/v1/roles/{grant}")).status_code == 204
        elif how == "close":
            assert (await close(staff, volunteer)).status_code == 204
        else:
            assert (await staff.call("DELETE", f"/v1/people/{volunteer.id}/sessions")).status_code == 204
        # Well before the next heartbeat, which would find it too.
        async with asyncio.timeout(5):
            async for line in lines:
                if line.startswith("data:") and "status" in line:
                    assert json.loads(line[5:])["status"] == (410 if how == "role" else 401)
                    break
            else:
                pytest.fail("the stream ended without a word")
    if how == "role":
        assert (await volunteer.get("/v1/issues"))["items"] == []


async def test_an_upload_that_is_running_is_not_kept(town, database, monkeypatch):
    """Closed between the first byte and the last: the photograph is not stored."""
    from app.photos import receiving

    staff, volunteer = await town.person("staff"), await town.person("volunteer")
    photo = str(uuid.uuid4())
    await volunteer.report(**town.body(photos=[photo]))
    look = receiving.look_or_refuse

    async def closed_meanwhile(*given):
        assert (await close(staff, volunteer)).status_code == 204
        return await look(*given)

    monkeypatch.setattr(receiving, "look_or_refuse", closed_meanwhile)
    assert (await volunteer.call("PUT", f"/v1/photos/{photo}", content=PICTURE)).status_code in (401, 403)
    async with database.acquire() as connection:
        assert await connection.fetchval("select state from photos where id = $1", uuid.UUID(photo)) == "awaited"


async def test_who_may_close_whom(town, database):
    other = await below(town)
    staff, colleague, leader = [await town.person(r) for r in ("staff", "staff", "leader")]
    theirs, inspector, stranger = await other.person("staff"), await town.person("inspector"), await other.person("volunteer")
    assert said(await close(staff, staff), 403, "oneself") and said(await close(staff, colleague), 403, "not-above")
    assert said(await close(staff, inspector), 403, "not-above")
    assert (await close(theirs, leader)).status_code == 404 and (await reopen(theirs, leader)).status_code == 404
    assert (await close(leader, stranger)).status_code == 403
    # A role beyond the caller's reach protects the whole person.
    async with database.transaction() as connection:
        await connection.execute(
            "insert into role_grants (account_id, role, area_id, cell_id) values ($1, 'volunteer', $2, $3)",
            stranger.id,
            town.area,
            town.cells[0],
        )
    assert said(await close(theirs, stranger), 403, "not-above") and (await close(staff, stranger)).status_code == 204
    assert said(await reopen(theirs, stranger), 403, "not-above")
    assert (await close(staff, theirs)).status_code == 204  # of a higher area


async def test_the_last_admin_stays(town, database):
    """Two admins who remove each other, or both themselves, at once: one is left. With real commits, one way and the other."""
    async with database.transaction() as connection:
        others = await connection.fetch("delete from role_grants where role = 'admin' returning account_id")
    try:
        for way in ("close", "role"):
            first, second = await town.person("admin"), await town.person("admin")
            if way == "close":
                answers = await asyncio.gather(close(first, second), close(second, first))
            else:
                grants = [await grant_of(database, p) for p in (first, second)]
                answers = await asyncio.gather(
                    *(p.call("DELETE", f"/v1/roles/{g}") for p, g in zip((first, second), grants, strict=True))
                )
            assert sorted(a.status_code for a in answers) in ([204, 401], [204, 403], [204, 404], [204, 409]), way
            async with database.transaction() as connection:
                left = await connection.fetch(
                    "select r.account_id from role_grants r join accounts a on a.id = r.account_id where role = 'admin' and disabled_at is null"
                )
                assert len(left) == 1, way
            last = first if left[0]["account_id"] == first.id else second
            assert said(await last.call("DELETE", f"/v1/roles/{await grant_of(database, last)}"), 409, "last-admin")
            async with database.transaction() as connection:
                await connection.execute("delete from role_grants where role = 'admin'")
    finally:
        async with database.transaction() as connection:
            await connection.executemany(
                "insert into role_grants (account_id, role) values ($1, 'admin') on conflict do nothing",
                [(r["account_id"],) for r in others],
            )


async def test_nobody_raises_themselves_or_removes_a_colleague(town, app, database):
    other = await below(town)
    staff, colleague, theirs, admin = (
        await town.person("staff"),
        await town.person("staff"),
        await other.person("staff"),
        await town.person("admin"),
    )

    async def invite(by, role, **target):
        return await by.call("POST", "/v1/invitations", json={"role": role, **target})

    here, there = {"area": str(town.area)}, {"area": str(other.area)}
    for role in ("staff", "inspector"):
        assert (await invite(staff, role, **here)).status_code == 404 and (await invite(theirs, role, **there)).status_code == 404
        assert (await invite(staff, role, **there)).status_code == 201 and (await invite(admin, role, **here)).status_code == 201
    assert said(await staff.call("DELETE", f"/v1/roles/{await grant_of(database, colleague)}"), 403, "not-above")
    assert said(await staff.call("DELETE", f"/v1/roles/{await grant_of(database, staff)}"), 403, "not-above")
    assert (await theirs.call("DELETE", f"/v1/roles/{await grant_of(database, staff)}")).status_code == 404
    listed = {p["id"]: p for p in (await staff.get("/v1/people", limit=200))["items"]}
    for person, below_staff in ((colleague, False), (staff, False), (theirs, True)):
        it = listed[str(person.id)]
        assert it["answers"] == below_staff == it["roles"][0]["may_take_back"]
    # One's own invitation gives one nothing, whatever it is for; somebody else it does.
    code = (await invite(staff, "leader", cell=str(town.cells[0]))).json()["code"]
    assert said(await staff.call("POST", f"/v1/invitations/{code}/accept", json={"name": "x"}), 403, "own-invitation")
    assert await grant_of(database, staff, "leader") is None
    assert (await colleague.call("POST", f"/v1/invitations/{code}/accept", json={"name": "x"})).status_code == 201
    assert (await staff.call("DELETE", f"/v1/roles/{await grant_of(database, theirs)}")).status_code == 204


async def test_devices_are_listed_and_ended_by_who_answers(town, app, database):
    leader, neighbour, staff = await town.person("leader"), await town.person("leader", cell=1), await town.person("staff")
    volunteer = await town.person("volunteer")
    path = f"/v1/people/{volunteer.id}/sessions"
    (device,) = (await leader.get(path))["items"]
    assert set(device) == {"id", "device", "created_at", "last_seen_at", "expires_at", "current"} and device["device"] == "test"
    assert (await neighbour.call("GET", path)).status_code == 404 and (await volunteer.call("GET", path)).status_code == 403
    assert said(await leader.call("GET", f"/v1/people/{leader.id}/sessions"), 404, "not-found")
    (own,) = (await staff.get("/v1/sessions"))["items"]
    assert (await leader.call("DELETE", f"{path}/{own['id']}")).status_code == 404  # somebody else's
    assert (await leader.call("DELETE", f"{path}/{device['id']}")).status_code == 204
    assert (await volunteer.call("GET", "/v1/me")).status_code == 401 and (await staff.call("GET", "/v1/me")).status_code == 200
    assert (await staff.call("DELETE", path)).status_code == 204  # nothing left to end is no error


async def link_for(by, person):
    path = f"/v1/people/{person.id}/reset-links/{uuid.uuid4()}"
    made = (await by.call("PUT", path)).json()
    assert (await by.call("PUT", path)).json() == made  # sent again
    assert made["qr"].startswith("<svg") and "/app/reset#" in made["url"]
    return made["url"].split("#")[1]


async def test_a_link_sets_a_password_once_and_ends_every_device(town, app, database):
    leader, staff, volunteer = [await town.person(r) for r in ("leader", "staff", "volunteer")]
    code = await link_for(leader, volunteer)
    stale, code = code, await link_for(leader, volunteer)
    async with phone(app) as anyone:

        async def use(**changes):
            return await anyone.post("/v1/password-resets", json={"code": code, "password": "雨后的东浦巷很干净"} | changes)

        assert said(await use(code=stale), 410, "reset-over") and said(await use(code="x"), 410, "reset-over")
        assert (await use(password="short")).status_code == 422
        answers = await asyncio.gather(*(use(account=f"{volunteer.account}-{n}") for n in range(3)))
        assert sorted(a.status_code for a in answers) == [201, 410, 410]
        done = next(a for a in answers if a.status_code == 201).json()
        assert done["account"]["account"].startswith(volunteer.account) and said(await use(), 410, "reset-over")
        assert (await volunteer.call("GET", "/v1/me")).status_code == 401
        assert (await anyone.get("/v1/me", headers={"authorization": f"Bearer {done['token']}"})).status_code == 200
        signed = {"account": done["account"]["account"], "password": "雨后的东浦巷很干净"}
        assert (await anyone.post("/v1/sessions", json=signed)).status_code == 201
    for reader, key in ((staff, "staff"), (volunteer, "person")):
        async with database.acquire() as connection:
            kinds = [r["kind"] for r in await connection.fetch("select kind from notices where account_id = $1", reader.id)]
        assert sorted(kinds) == ["reset_made", "reset_made", "reset_used"], key


async def test_a_reset_never_reaches_further_than_its_maker(town, app, database):
    other = await below(town)
    leader, staff, admin = [await town.person(r) for r in ("leader", "staff", "admin")]
    colleague, theirs, volunteer = await town.person("staff"), await other.person("staff"), await town.person("volunteer")

    async def made(by, whom):
        return await by.call("PUT", f"/v1/people/{whom.id}/reset-links/{uuid.uuid4()}")

    assert (await made(staff, admin)).status_code == 404 and said(await made(staff, colleague), 403, "not-above")
    assert (await made(leader, staff)).status_code == 404 and (await made(theirs, staff)).status_code == 404
    assert said(await made(admin, admin), 403, "oneself") and (await made(staff, theirs)).status_code == 201
    # Whom a link is for has risen since it was made, or who made it holds nothing any more: it is over.
    first, second = await link_for(leader, volunteer), None
    async with phone(app) as anyone:

        async def use(code):
            return await anyone.post("/v1/password-resets", json={"code": code, "password": "雨后的东浦巷很干净"})

        async with database.transaction() as connection:
            await connection.execute(
                "insert into role_grants (account_id, role, area_id) values ($1, 'inspector', $2)", volunteer.id, town.area
            )
        assert said(await use(first), 410, "reset-over")
        async with database.transaction() as connection:
            await connection.execute("delete from role_grants where account_id = $1 and role = 'inspector'", volunteer.id)
        second = await link_for(leader, volunteer)
        async with database.transaction() as connection:
            await connection.execute("delete from role_grants where account_id = $1", leader.id)
        assert said(await use(second), 410, "reset-over")
        assert (await volunteer.call("GET", "/v1/me")).status_code == 200  # nothing was changed
        wrong = await asyncio.gather(*(use(f"guess-{n}") for n in range(25)))
        assert {a.status_code for a in wrong} == {410, 429}
    async with database.transaction() as connection:
        await connection.execute("delete from throttles where subject like 'reset-%'")
    limits.forget()


async def test_a_stolen_phone_sets_no_first_password(town, app, database):
    leader = await town.person("leader")
    code = (
        await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0]), "uses": 5})
    ).json()["code"]
    async with phone(app) as client:
        joined = (await client.post(f"/v1/invitations/{code}/accept", json={"name": "老王"})).json()
        client.headers["authorization"] = f"Bearer {joined['token']}"
        async with database.transaction() as connection:
            await connection.execute(
                "update accounts set created_at = now() - interval '2 hours' where id = $1", uuid.UUID(joined["account"]["id"])
            )
        wish = {"account": f"thief-{uuid.uuid4().hex[:8]}", "password": "雨后的东浦巷很干净"}
        assert said(await client.put("/v1/me/credentials", json=wish), 403, "first-credentials")
        # Nor does accepting an invitation again make the phone its owner's.
        assert (await client.post(f"/v1/invitations/{code}/accept", json={"name": "老王"})).status_code == 201
        assert said(await client.put("/v1/me/credentials", json=wish), 403, "first-credentials")
    async with phone(app) as client:  # who has just joined chooses at once
        joined = (await client.post(f"/v1/invitations/{code}/accept", json={"name": "小李"})).json()
        client.headers["authorization"] = f"Bearer {joined['token']}"
        assert (await client.put("/v1/me/credentials", json=wish | {"account": f"li-{uuid.uuid4().hex[:8]}"})).status_code == 204


async def told_kinds(database, person):
    async with database.acquire() as connection:
        rows = await connection.fetch("select kind, data from notices where account_id = $1 order by created_at", person.id)
    return [(r["kind"], r["data"]) for r in rows if r["kind"] in ("work_left", "work_handed", "stand_in_ended")]


async def test_work_is_handed_over_whole_or_not_at_all(town, database):
    staff, leader, successor = [await town.person(r) for r in ("staff", "leader", "volunteer")]
    stranger = await (await below(town)).person("volunteer")
    async with database.transaction() as connection:
        spot = await connection.fetchval("select gen_random_uuid()")
        issue = uuid.UUID((await leader.report(**town.body(category="black_spot")))["issue"]["id"])
        await connection.execute(
            "insert into black_spots (id, area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at, owner_id)"
            " select $1, area_id, cell_id, category, position, mercator, id, 3, now(), $3 from issues where id = $2",
            spot, issue, leader.id,
        )  # fmt: skip
    ids, photo = [], str(uuid.uuid4())
    for _ in range(3):
        ids.append((await staff.report(**town.body()))["issue"]["id"])
        await staff.act(ids[-1], "assign", assignee=str(leader.id))
    await leader.act(ids[1], "rectify", photos=[photo])
    path = f"/v1/people/{leader.id}"
    work = await staff.get(f"{path}/work")
    assert (
        work["issues"]["count"] == 3
        and [c["id"] for c in work["cells"]] == [str(town.cells[0])]
        and len(work["black_spots"]) == 1
    )
    # To somebody who does not serve there: nothing of it.
    for to in (leader.id, uuid.uuid4()):
        assert (await staff.call("POST", f"{path}/hand-over", json={"to": str(to)})).status_code == 422
        assert (await staff.call("POST", f"{path}/close", json={"to": str(to)})).status_code == 422
    assert (await staff.get(f"{path}/work")) == work and (await leader.call("GET", "/v1/me")).status_code == 200
    # At once, twice: one of them hands everything over, and each event is written once.
    answers = await asyncio.gather(*(staff.call("POST", f"{path}/close", json={"to": str(successor.id)}) for _ in range(2)))
    assert {a.status_code for a in answers} == {204}
    for id in ids:
        seen = await staff.get(f"/v1/issues/{id}")
        assert seen["assignee"]["id"] == str(successor.id) and seen["state"] == ("rectified" if id == ids[1] else "assigned")
        actions = [e["action"] for e in (await staff.get(f"/v1/issues/{id}/timeline"))["items"]]
        assert actions.count("pass_on") == 1
    assert {c["id"] for c in (await successor.get("/v1/me"))["cells"]} == {str(town.cells[0])}
    async with database.acquire() as connection:
        assert await connection.fetchval("select owner_id from black_spots where id = $1", spot) == successor.id
    for person in (leader, successor):
        ((kind, told),) = await told_kinds(database, person)
        assert kind == "work_handed" and (told["issues"], told["cells"], told["spots"], told["to"]) == (3, 1, 1, "volunteer某")
    assert await told_kinds(database, staff) == []  # nothing is left
    # A role that is given by it is kept in the audit like any other, once.
    given = (await staff.get("/v1/audit", kind="role_given", account=str(staff.id)))["items"]
    assert [(deed["subject"]["id"], deed["details"]) for deed in given] == [
        (str(successor.id), {"role": "leader", "cell": str(town.cells[0]), "unit": None, "from": str(leader.id)})
    ]
    assert stranger.id != successor.id


async def test_what_is_not_handed_over_is_told_to_the_office(town, database):
    staff, leader, worker = [await town.person(r) for r in ("staff", "leader", "worker")]
    id = (await staff.report(**town.body()))["issue"]["id"]
    await staff.act(id, "assign", assignee=str(worker.id))
    assert (await close(staff, leader)).status_code == 204
    assert (await staff.call("DELETE", f"/v1/roles/{await grant_of(database, worker)}")).status_code == 204
    told = await told_kinds(database, staff)
    assert [(kind, data["issues"], data["cells"]) for kind, data in told] == [("work_left", 0, 1), ("work_left", 1, 0)]
    # It can still be handed over, to who led the cell before and is back.
    assert (await reopen(staff, leader)).status_code == 204
    (gone,) = [p for p in (await staff.get("/v1/people", closed=True))["items"] if p["id"] == str(worker.id)]
    assert (gone["roles"], gone["issues"]) == ([], 1)
    answer = await staff.call("POST", f"/v1/people/{worker.id}/hand-over", json={"to": str(leader.id)})
    assert answer.json() == {"issues": 1, "cells": 0, "black_spots": 0}


async def test_nothing_is_given_to_somebody_who_is_just_leaving(town, database):
    """An assignment at the moment of closing is either seen by it or refused: none is left with a closed account untold."""
    staff, leader = await town.person("staff"), await town.person("leader")
    for _ in range(3):
        worker = await town.person("worker")
        id = (await leader.report(**town.body()))["issue"]["id"]
        await asyncio.gather(
            leader.call("POST", f"/v1/issues/{id}/actions", json={"action": "assign", "assignee": str(worker.id)}),
            close(staff, worker),
        )
        assigned = (await staff.get(f"/v1/issues/{id}"))["assignee"] is not None
        left = sum(data["issues"] for kind, data in await told_kinds(database, staff) if kind == "work_left")
        assert left == int(assigned), "given and not told"
        async with database.transaction() as connection:
            await connection.execute(
                "delete from deliveries where notice_id in (select id from notices where account_id = $1)", staff.id
            )
            await connection.execute("delete from notices where account_id = $1", staff.id)
