"""Writing needs a role that reaches the place: what somebody can still do once their roles are gone, and at the edges."""

import asyncio
import base64
import uuid

import pytest

from tests.conftest import PICTURE, Town


async def take_all_roles(database, person):
    async with database.transaction() as connection:
        await connection.execute("delete from role_grants where account_id = $1", person.id)


async def sent(person, body, id=None):
    return await person.call("PUT", f"/v1/reports/{id or uuid.uuid4()}", json=body)


def refused(response):
    assert response.status_code == 403 and response.json()["type"] == "/problems/no-reach", response.text
    return True


async def beside(town):
    """Another community, far from the town's."""
    other = Town(town.app, town.database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    return other


async def test_without_a_role_nothing_is_written_any_more(town, database):
    other = await beside(town)
    former, staff = await town.person("volunteer"), await town.person("staff")
    photo, id = str(uuid.uuid4()), uuid.uuid4()
    body = town.body(photos=[photo])
    mine = (await sent(former, body, id)).json()["issue"]["id"]
    walk = f"/v1/patrols/{uuid.uuid4()}"
    assert (await former.call("PUT", walk, json={"started_at": body["observed_at"]})).status_code == 201
    ended = (await former.report(**town.body()))["issue"]["id"]
    await staff.act(ended, "close_unresolved", reason_code="gone")
    await take_all_roles(database, former)
    assert refused(await sent(former, town.body())) and refused(await sent(former, other.body()))
    assert refused(await sent(former, town.body(issue_id=mine)))
    items = [town.body(id=str(uuid.uuid4())), other.body(id=str(uuid.uuid4()))]
    batch = (await former.call("POST", "/v1/reports/batch", json={"items": items})).json()["items"]
    assert [(item["status"], item["problem"]["type"]) for item in batch] == [(403, "/problems/no-reach")] * 2
    for action in ({"action": "withdraw"}, {"action": "comment", "note": "x"}):
        assert refused(await former.call("POST", f"/v1/issues/{mine}/actions", json=action))
    assert refused(await former.call("POST", f"/v1/issues/{ended}/actions", json={"action": "reopen", "reason": "x"}))
    # Their own old reports can still be read and sent again; nothing is offered.
    assert (await sent(former, body, id)).status_code == 200
    assert (await former.get(f"/v1/issues/{mine}"))["actions"] == [] == (await former.get(f"/v1/issues/{ended}"))["actions"]
    # A photograph that a report of theirs awaits may still arrive; no other.
    assert refused(await former.call("PUT", f"/v1/photos/{uuid.uuid4()}", content=PICTURE))
    metadata = {"upload-length": "9000", "upload-metadata": "photo " + base64.b64encode(str(uuid.uuid4()).encode()).decode()}
    assert refused(await former.call("POST", "/v1/uploads", headers=metadata))
    assert (await former.call("PUT", f"/v1/photos/{photo}", content=PICTURE)).status_code == 201
    for method, path, sent_body in (
        ("PUT", f"/v1/patrols/{uuid.uuid4()}", {"started_at": body["observed_at"]}), ("PUT", walk, {"started_at": body["observed_at"]}),
        ("POST", f"{walk}/points", {"points": [{"at": body["observed_at"], "lat": town.lat, "lon": town.lon}]}),
    ):  # fmt: skip
        assert (await former.call(method, path, json=sent_body)).status_code == 403, path
    async with database.acquire() as connection:
        assert await connection.fetchval("select count(*) from reports where account_id = $1", former.id) == 2
        assert await connection.fetchval("select count(*) from photos where account_id = $1", former.id) == 1


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_photograph_closes_nothing_for_who_may_not_write(town, database, elsewhere):
    former, leader = await town.person("volunteer"), await town.person("leader")
    before, after = str(uuid.uuid4()), str(uuid.uuid4())
    async with database.transaction() as connection:
        await connection.execute(
            "insert into assignment_rules (area_id, category, volunteer_may_close) values ($1, 'black_spot', true)", town.area
        )
    body = town.body(category="black_spot", mended_on_the_spot=True, photos=[before, after])
    issue = (await former.report(**body))["issue"]
    assert issue["state"] == "rectified"
    await take_all_roles(database, former)
    if elsewhere:
        other = Town(town.app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
        await other.build()
        async with database.acquire() as connection:
            await connection.execute(
                "insert into role_grants (account_id, role, area_id) values ($1, 'volunteer', $2)", former.id, other.area
            )
    assert (await former.call("PUT", f"/v1/photos/{after}", content=PICTURE)).status_code == 201
    seen = await leader.get(f"/v1/issues/{issue['id']}")
    assert seen["state"] == "rectified" and not seen["evidence_missing"]


async def test_each_role_reaches_its_area_and_what_lies_beneath(town, database):
    other = await beside(town)
    async with database.transaction() as connection:  # `other` becomes a community of a street that the town stands for
        await connection.execute("update areas set parent_id = $1 where id = $2", town.area, other.area)
        await connection.execute("insert into area_tree values ($1, $2)", town.area, other.area)
    for role in ("volunteer", "leader", "worker", "staff", "inspector", "admin"):
        above, below = await town.person(role), await other.person(role)
        assert (await sent(above, town.body(cell=1))).status_code == 201, role
        assert (await sent(above, other.body())).status_code == 201, role
        assert (await sent(below, other.body())).status_code == 201, role
        up = await sent(below, town.body())
        assert up.status_code == 201 if role == "admin" else refused(up), role


async def test_an_area_may_take_reports_of_anybody(town, database):
    staff, nobody = await town.person("staff"), await town.person(None)
    assert refused(await sent(nobody, town.body()))
    office = f"/v1/areas/{town.area}/office"
    assert (await staff.get(office))["open_reports"] is False
    assert (await staff.call("PUT", office, json={"open_reports": True, "phone": "0877"})).json()["open_reports"] is True
    # What does not name it leaves it as it is.
    assert (await staff.call("PUT", office, json={"phone": "0878"})).json()["open_reports"] is True
    photo = str(uuid.uuid4())
    other = Town(town.app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    assert refused(await sent(nobody, other.body()))  # that is another community's to say
    mine = (await sent(nobody, town.body(photos=[photo]))).json()["issue"]
    assert "withdraw" in mine["actions"]
    assert (await nobody.call("PUT", f"/v1/photos/{photo}", content=PICTURE)).status_code == 201
    await nobody.act(mine["id"], "comment", note="还在")
    await staff.call("PUT", office, json={"open_reports": False})
    assert refused(await sent(nobody, town.body()))


async def test_at_the_edge_and_outside_of_every_area(town):
    volunteer, nobody = await town.person("volunteer"), await town.person(None)
    neighbours = Town(town.app, town.database, lon=town.lon + 0.02, lat=town.lat)  # wall to wall
    await neighbours.build()

    def at(metres, accuracy=8):
        lon = town.lon + 0.02 + metres / 104_600
        return town.body(position={"lat": town.lat + 0.005, "lon": lon, "accuracy_m": accuracy})

    near = await sent(volunteer, at(80))
    assert near.status_code == 201 and near.json()["issue"]["area"]["id"] == str(neighbours.area)
    # Who may report there may also answer for the report.
    await volunteer.act(near.json()["issue"]["id"], "comment", note="x")
    # How bad the phone calls its position gives nobody more.
    assert refused(await sent(volunteer, at(140))) and refused(await sent(volunteer, at(140, accuracy=5000)))
    nowhere = town.body(position={"lat": town.lat - 0.06, "lon": town.lon - 0.06})
    assert (await sent(volunteer, nowhere)).status_code == 201
    assert refused(await sent(nobody, nowhere))


async def test_walks_count_where_the_walker_has_a_role(town, database):
    other = await beside(town)
    walker, there = await town.person("volunteer"), await other.person("staff")
    walk, at = f"/v1/patrols/{uuid.uuid4()}", town.body()["observed_at"]
    assert (await walker.call("PUT", walk, json={"started_at": at})).status_code == 201
    points = [{"at": at, "lat": place.lat + 0.005, "lon": place.lon + 0.005} for place in (town,)]
    points += [{"at": town.body()["observed_at"], "lat": other.lat + 0.005, "lon": other.lon + 0.005}]
    assert (await walker.call("POST", f"{walk}/points", json={"points": points})).status_code == 200
    assert [cell["id"] for cell in (await walker.get(walk))["cells"]] == [str(town.cells[0])]
    assert (await there.get("/v1/coverage", area=str(other.area)))["walked"] == 0


async def test_a_role_taken_back_at_the_same_moment(town, database):
    """However the two fall together, each report is there or was refused, and none is taken once the taking back is answered."""
    for _ in range(3):
        person, staff = await town.person("volunteer"), await town.person("staff")
        async with database.acquire() as connection:
            grant = await connection.fetchval("select id from role_grants where account_id = $1", person.id)
        answers = await asyncio.gather(
            sent(person, town.body()),
            staff.call("DELETE", f"/v1/roles/{grant}"),
            sent(person, town.body()),
            sent(person, town.body()),
        )
        taken = sum(a.status_code == 201 for a in answers)
        assert answers[1].status_code == 204 and {a.status_code for a in answers} <= {201, 204, 403}
        assert refused(await sent(person, town.body()))
        async with database.acquire() as connection:
            assert await connection.fetchval("select count(*) from reports where account_id = $1", person.id) == taken
