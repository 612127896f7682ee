"""Signing in, devices, invitations, and what they can never give."""

import asyncio
import uuid

import httpx

from app.people.accounts import add_account


def _client(app) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers={"accept-language": "en"})


async def _account(database, password="correct horse") -> str:
    name = f"user-{uuid.uuid4().hex[:8]}"
    async with database.transaction() as connection:
        await add_account(connection, name, "某人", password, [])
    return name


async def test_sign_in_list_and_revoke(app, database):
    account = await _account(database)
    async with _client(app) as client:
        body = {"account": account.upper(), "password": "correct horse", "device": "old phone"}
        answer = await client.post("/v1/sessions", json=body)
        assert answer.status_code == 201
        token = answer.json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        devices = (await client.get("/v1/sessions")).json()["items"]
        assert [(d["device"], d["current"]) for d in devices] == [("old phone", True)]
        async with database.acquire() as connection:
            stored = await connection.fetch("select token_hash from sessions where id = $1", uuid.UUID(devices[0]["id"]))
        assert token.encode() not in stored[0]["token_hash"] and len(stored[0]["token_hash"]) == 32
        assert (await client.delete("/v1/sessions")).status_code == 204
        assert (await client.get("/v1/me")).status_code == 401
        assert (await client.get("/v1/issues")).status_code == 401


async def test_sign_in_with_a_key_is_one_session(app, database):
    account = await _account(database)
    async with _client(app) as client:
        body, key = {"account": account, "password": "correct horse"}, {"idempotency-key": "k1"}
        tokens = {(await client.post("/v1/sessions", json=body, headers=key)).json()["token"] for _ in range(2)}
        assert len(tokens) == 1


async def test_wrong_passwords_are_throttled(app, database):
    account = await _account(database)
    async with _client(app) as client:
        wrong = {"account": account, "password": "wrong"}
        # At once: whoever finds no seat is told to come back, and that is no try.
        answers = [a.status_code for a in await asyncio.gather(*[client.post("/v1/sessions", json=wrong) for _ in range(10)])]
        assert set(answers) == {401, 503}
        answers += [(await client.post("/v1/sessions", json=wrong)).status_code for _ in range(8)]
        assert answers.count(401) == 8 and set(answers[-3:]) == {429}
        late = await client.post("/v1/sessions", json={"account": account, "password": "correct horse"})
        assert late.status_code == 429 and int(late.headers["retry-after"]) > 0


async def test_invitation_is_used_up_once_even_at_once(app, town):
    leader = await town.person("leader")
    answer = await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0]), "uses": 2})
    invitation = answer.json()
    assert invitation["qr"].startswith("<svg") and invitation["code"] in invitation["url"]
    path = f"/v1/invitations/{invitation['code']}/accept"
    async with _client(app) as client:
        answers = await asyncio.gather(*[client.post(path, json={"name": f"王{i}"}) for i in range(6)])
        assert sorted(a.status_code for a in answers) == [201, 201, 410, 410, 410, 410]
        joined = next(a for a in answers if a.status_code == 201).json()
        assert joined["account"]["roles"][0]["role"] == "volunteer" and joined["account"]["cells"][0]["id"] == str(town.cells[0])
        me = await client.get("/v1/me", headers={"authorization": f"Bearer {joined['token']}"})
        assert me.json()["cells"] == joined["account"]["cells"]


async def test_accepting_again_with_the_same_key_uses_nothing_up(app, town):
    leader = await town.person("leader")
    answer = await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0]), "uses": 2})
    path = f"/v1/invitations/{answer.json()['code']}/accept"
    async with _client(app) as client:
        key = {"idempotency-key": "phone-1-of-somebody"}
        answers = await asyncio.gather(*[client.post(path, json={"name": "李"}, headers=key) for _ in range(4)])
        assert {a.status_code for a in answers} == {201} and len({a.json()["account"]["id"] for a in answers}) == 1
        assert (await client.post(path, json={"name": "赵"}, headers=key)).status_code == 422
    assert [i["used"] for i in (await leader.get("/v1/invitations"))["items"]] == [1]


async def test_nobody_invites_to_more_than_he_holds(app, town, database):
    leader, staff, worker = [await town.person(r) for r in ("leader", "staff", "worker")]

    async def invite(person, **wish):
        return (await person.call("POST", "/v1/invitations", json=wish)).status_code

    here, there = str(town.cells[0]), str(town.cells[1])
    assert await invite(leader, role="volunteer", cell=there) == 404
    assert await invite(leader, role="leader", cell=here) == 404
    assert await invite(leader, role="staff", area=str(town.area)) == 404
    assert await invite(leader, role="admin") == 404
    assert await invite(worker, role="worker", unit=str(town.unit)) == 403
    assert await invite(staff, role="leader", cell=there) == 201
    assert await invite(staff, role="admin") == 404
    assert await invite(staff, role="leader", area=str(town.area)) == 422
    # An invitation given earlier is worth nothing once its giver has lost the role.
    code = (await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": here})).json()["code"]
    async with database.acquire() as connection:
        await connection.execute("delete from role_grants where account_id = $1", leader.id)
    async with _client(app) as client:
        assert (await client.post(f"/v1/invitations/{code}/accept", json={"name": "孙"})).status_code == 410


async def test_people_are_named_to_leader_and_staff_alone(town):
    volunteer, leader, staff = [await town.person(r) for r in ("volunteer", "leader", "staff")]
    inspector, other = await town.person("inspector"), await town.person("leader", cell=1)
    assert {p["id"] for p in (await leader.get("/v1/people"))["items"]} == {str(volunteer.id)}
    assert {p["id"] for p in (await staff.get("/v1/people"))["items"]} >= {str(volunteer.id), str(leader.id)}
    assert (await other.get("/v1/people"))["items"] == []
    assert (await inspector.call("GET", "/v1/people")).status_code == 403
    id = (await volunteer.report(**town.body()))["issue"]["id"]
    for person, sees in ((leader, True), (staff, True), (inspector, False), (other, False)):
        by = (await person.get(f"/v1/issues/{id}/timeline"))["items"][0]["by"]
        assert (by["name"] is not None) == sees == (by["id"] is not None)


async def test_credentials(app, town):
    volunteer, other = await town.person("volunteer"), await town.person("leader")
    async with town.database.acquire() as connection:
        await connection.execute("update accounts set account = null where id = $1", volunteer.id)
    taken = await volunteer.call("PUT", "/v1/me/credentials", json={"account": other.account, "password": "lilacs by the gate"})
    assert taken.status_code == 409
    name = f"wang-{uuid.uuid4().hex[:6]}"
    assert (
        await volunteer.call("PUT", "/v1/me/credentials", json={"account": name, "password": "lilacs by the gate"})
    ).status_code == 204
    changed = await volunteer.call("PUT", "/v1/me/credentials", json={"account": name, "password": "roses at the door"})
    assert changed.status_code == 422 and changed.json()["errors"][0]["pointer"] == "/current_password"


async def test_who_is_signed_in_gets_a_second_role_and_uses_one_up_once(town):
    staff, volunteer = await town.person("staff"), await town.person("volunteer")
    made = await staff.call("POST", "/v1/invitations", json={"role": "worker", "unit": str(town.unit), "uses": 1})
    path = f"/v1/invitations/{made.json()['code']}/accept"
    for _ in range(2):
        joined = await volunteer.call("POST", path, json={"name": "别名"})
        assert joined.status_code == 201 and joined.json()["account"]["id"] == str(volunteer.id)
        assert {r["role"] for r in joined.json()["account"]["roles"]} == {"volunteer", "worker"}
    me = await volunteer.get("/v1/me")
    assert me["name"] == "volunteer某" and [u["id"] for u in me["units"]] == [str(town.unit)]
    other = await town.person("volunteer")
    assert (await other.call("POST", path, json={"name": "迟"})).status_code == 410


async def test_ones_own_page_and_thanks(town, database):
    from datetime import UTC, datetime, timedelta

    volunteer, leader, staff = [await town.person(r) for r in ("volunteer", "leader", "staff")]
    first = (await volunteer.report(**town.body()))["issue"]["id"]
    await volunteer.report(**town.body(mended_on_the_spot=True))
    await staff.act(first, "close_unresolved", reason_code="gone")
    start = datetime.now(UTC) - timedelta(hours=3)
    walk = {"started_at": start.isoformat(), "ended_at": (start + timedelta(minutes=90)).isoformat()}
    await volunteer.call("PUT", f"/v1/patrols/{uuid.uuid4()}", json=walk)
    id, wish = uuid.uuid4(), {"account": str(volunteer.id), "text": "辛苦了，东浦巷干净多了", "issue": first}
    assert (await leader.call("PUT", f"/v1/thanks/{id}", json=wish)).status_code == 201
    assert (await leader.call("PUT", f"/v1/thanks/{id}", json=wish)).status_code == 200
    assert (await leader.call("PUT", f"/v1/thanks/{id}", json=wish | {"text": "x"})).status_code == 409
    assert (await staff.call("PUT", f"/v1/thanks/{id}", json=wish)).status_code == 404
    record = await volunteer.get("/v1/me/record")
    # What was closed unresolved is told apart from what was mended.
    assert (record["reports"], record["closed"], record["unresolved"], record["cleared"]) == (2, 1, 1, 1)
    assert record["walked"] == {"patrols": 1, "hours": 1.5, "cells": 0}
    assert [(t["text"], t["by"]) for t in record["thanks"]] == [("辛苦了，东浦巷干净多了", "leader某")]
    inbox = (await volunteer.get("/v1/notices"))["items"]
    assert [n["text"] for n in inbox if n["kind"] == "thanked"] == ["leader某 thanks you: 辛苦了，东浦巷干净多了"]


async def test_a_cookie_session_is_for_pages_of_this_server_alone(app, database, town):
    account = await _account(database)
    async with _client(app) as client:
        answer = await client.post(
            "/v1/sessions", params={"cookie": True}, json={"account": account, "password": "correct horse"}
        )
        assert answer.status_code == 201 and answer.json()["token"] is None
        cookie = answer.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/")) and "secure" not in cookie
        assert (await client.get("/v1/me")).json()["account"] == account
        quiet = {"starts": "22:00", "ends": "07:00"}
        for headers, expect in (
            ({"sec-fetch-site": "same-origin"}, 204), ({"origin": "http://test"}, 204), ({"sec-fetch-site": "cross-site"}, 403),
            ({"sec-fetch-site": "same-site"}, 403), ({"origin": "https://evil.example"}, 403), ({}, 403),
            ({"sec-fetch-site": "cross-site", "origin": "http://test"}, 403),
        ):  # fmt: skip
            answer = await client.put("/v1/me/quiet-hours", json=quiet, headers=headers)
            assert answer.status_code == expect, headers
        assert answer.json()["type"] == "/problems/cross-site"
        # A token in the header goes before the cookie, and no page of another site can set it.
        leader = await town.person("leader")
        other = await client.get("/v1/me", headers={"authorization": leader.client.headers["authorization"]})
        assert other.json()["account"] == leader.account
        invited = (await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0])})).json()
        accept = f"/v1/invitations/{invited['code']}/accept"
        assert (await client.post(accept, json={"name": "x"}, headers={"sec-fetch-site": "cross-site"})).status_code == 403
        joined = await client.post(accept, params={"cookie": True}, json={"name": "x"}, headers={"sec-fetch-site": "same-origin"})
        assert joined.status_code == 201 and joined.json()["account"]["account"] == account
        assert (await client.delete("/v1/sessions", headers={"sec-fetch-site": "same-origin"})).status_code == 204
        assert (await client.get("/v1/me")).status_code == 401
        client.cookies.set("gridpatrol", "nonsense")
        assert (await client.get("/v1/me")).status_code == 401
