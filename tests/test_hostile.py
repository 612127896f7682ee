"""What somebody who was let in once tries afterwards: more power, a way back, what is not theirs."""

import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.issues import intake
from app.kit.quota import Quota
from app.people import hashing
from app.people.places import DEVICE_COOKIE, new_device, written
from tests.conftest import PICTURE, Town


def day(n=0):
    return (datetime.now(UTC) + timedelta(hours=8, days=n)).date().isoformat()


async def test_a_stand_in_is_handed_to_nobody_outside(town, app, database):
    leader, deputy, staff = await town.person("leader"), await town.person("volunteer", cell=1), await town.person("staff")
    elsewhere = Town(app, database, lon=town.lon, lat=town.lat + 0.05)
    await elsewhere.build()
    stranger, admin = await elsewhere.person("volunteer"), await town.person("admin")
    town.people += elsewhere.people
    closed = await town.person("volunteer")
    assert (await admin.call("POST", f"/v1/people/{closed.id}/close", json={})).status_code == 204
    wish = {"deputy": str(deputy.id), "starts_on": day(), "ends_on": day(3)}
    assert (await leader.call("PUT", f"/v1/stand-ins/{uuid.uuid4()}", json=wish)).status_code == 200
    for to in (stranger.id, uuid.uuid4(), closed.id):
        answer = await staff.call("POST", f"/v1/people/{deputy.id}/hand-over", json={"to": str(to)})
        assert answer.status_code == 422, (answer.status_code, answer.text)
    assert len((await stranger.get("/v1/me"))["roles"]) == 1


async def test_a_link_gives_no_name_that_looks_like_another(town):
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    made = (await leader.call("PUT", f"/v1/people/{volunteer.id}/reset-links/{uuid.uuid4()}")).json()
    code = made["url"].partition("#")[2]
    used = await volunteer.call(
        "POST", "/v1/password-resets", json={"code": code, "account": "аԁміո", "password": "korrekt-pferd-9"}
    )
    assert used.status_code == 422, used.text


async def test_many_sessions_are_one_account_to_a_quota(town, monkeypatch):
    monkeypatch.setattr(intake, "_reports", Quota(lambda: 3, "reports-many"))
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    code = (await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0])})).json()["code"]
    statuses = []
    for _ in range(6):
        joined = await volunteer.call("POST", f"/v1/invitations/{code}/accept", json={"name": "甲"})
        assert joined.status_code == 201, joined.text
        sent = await volunteer.call(
            "PUT", f"/v1/reports/{uuid.uuid4()}", json=town.body(), headers={"authorization": f"Bearer {joined.json()['token']}"}
        )
        statuses.append(sent.status_code)
    assert statuses == [201] * 3 + [429] * 3


@pytest.mark.parametrize("how", ["all", "one"])
async def test_what_a_stolen_phone_made_ends_with_it(town, how):
    stolen, staff, volunteer = [await town.person(r) for r in ("leader", "staff", "volunteer")]
    wish = {"role": "volunteer", "cell": str(town.cells[0])}
    code = (await stolen.call("POST", "/v1/invitations", json=wish)).json()["code"]
    link = (await stolen.call("PUT", f"/v1/people/{volunteer.id}/reset-links/{uuid.uuid4()}")).json()["url"].partition("#")[2]
    robot = {"kind": "wecom", "address": "https://8.8.8.8/x"}
    assert (await stolen.call("PUT", f"/v1/channels/{uuid.uuid4()}", json=robot)).status_code == 200
    path = f"/v1/people/{stolen.id}/sessions"
    if how == "one":
        path += f"/{(await staff.get(path))['items'][0]['id']}"
    assert (await staff.call("DELETE", path)).status_code == 204
    joined = await staff.call("POST", f"/v1/invitations/{code}/accept", json={"name": "甲"}, headers={"authorization": ""})
    assert joined.status_code == 410
    wish = {"code": link, "account": f"n{uuid.uuid4().hex}", "password": "korrekt-pferd-9"}
    assert (await staff.call("POST", "/v1/password-resets", json=wish)).status_code == 410
    if how == "all":
        made = (await staff.call("PUT", f"/v1/people/{stolen.id}/reset-links/{uuid.uuid4()}")).json()["url"].partition("#")[2]
        back = (await staff.call("POST", "/v1/password-resets", json=wish | {"code": made})).json()["token"]
        left = await stolen.call("GET", "/v1/channels", headers={"authorization": f"Bearer {back}"})
        assert left.json()["items"] == []


async def test_naming_anothers_photograph_hides_it_from_nobody(town):
    victim, other, leader = [await town.person(r) for r in ("volunteer", "volunteer", "leader")]
    photo = str(uuid.uuid4())
    issue = (await victim.report(**town.body(photos=[photo])))["issue"]["id"]
    assert (await victim.call("PUT", f"/v1/photos/{photo}", content=PICTURE)).status_code == 201
    copied = (await other.report(**town.body(photos=[photo])))["issue"]["id"]
    await leader.act(issue, "merge", into=copied)
    shown = (await leader.get(f"/v1/issues/{copied}"))["photos"]
    assert [(p["id"], p["state"]) for p in shown] == [(photo, "stored")]


async def test_devices_that_nobody_knows_take_no_seats_of_those_that_are_known(town, app, monkeypatch):
    """Whoever may join could have devices made without end, and each had a share of the reserved seats."""
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    wish = {"role": "volunteer", "cell": str(town.cells[0])}
    code = (await leader.call("POST", "/v1/invitations", json=wish)).json()["code"]
    again = await volunteer.call("POST", f"/v1/invitations/{code}/accept?cookie=true", json={"name": "甲"})
    assert again.status_code == 201 and DEVICE_COOKIE not in again.cookies
    cookie = {"cookie": f"{DEVICE_COOKIE}={written(app.state.secret, new_device())}"}
    taken = []
    seat = hashing.seat

    def watched(share, known=False):
        taken.append(known)
        return seat(share, known)

    monkeypatch.setattr(hashing, "seat", watched)
    statuses = []
    for _ in range(2):
        guess = {"account": f"x{uuid.uuid4().hex}", "password": "wrong-guess"}
        transport = httpx.ASGITransport(app, client=("198.51.100.77", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            statuses.append((await client.post("/v1/sessions", json=guess, headers=cookie)).status_code)
    assert statuses == [401] * 2 and taken == [False, False]


async def test_a_walk_is_changed_by_nobody_who_has_left(town, app, database):
    """Its owner walks elsewhere now: what their old community counts stays as it was."""
    elsewhere = Town(app, database, lon=town.lon, lat=town.lat + 0.05)
    await elsewhere.build()
    walker, staff = await town.person("volunteer"), await town.person("staff")
    path, walk = f"/v1/patrols/{uuid.uuid4()}", {"started_at": datetime.now(UTC).isoformat()}
    assert [(await walker.call("PUT", path, json=walk)).status_code for _ in range(2)] == [201, 200]
    roles = (await walker.get("/v1/me"))["roles"]
    async with database.acquire() as connection:
        await connection.execute(
            "insert into role_grants (account_id, role, area_id) values ($1, 'volunteer', $2)", walker.id, elsewhere.area
        )
    assert (await staff.call("DELETE", f"/v1/roles/{roles[0]['id']}")).status_code == 204
    assert (await walker.call("PUT", path, json=walk | {"people": 100})).status_code == 404
    assert (await walker.get(path))["people"] == 1


async def test_an_invitation_that_is_over_begins_no_session(town):
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    wish = {"role": "volunteer", "cell": str(town.cells[0])}
    made = (await leader.call("POST", "/v1/invitations", json=wish)).json()
    accept = f"/v1/invitations/{made['code']}/accept"
    key = {"idempotency-key": uuid.uuid4().hex}
    first = await volunteer.call("POST", accept, json={"name": "甲"}, headers=key)
    assert (await leader.call("DELETE", f"/v1/invitations/{made['id']}")).status_code == 204
    again = await volunteer.call("POST", accept, json={"name": "甲"}, headers=key)
    assert again.json()["token"] == first.json()["token"]
    assert (await volunteer.call("POST", accept, json={"name": "甲"})).status_code == 410
