"""What closes and opens again: extensions within limits, samples for inspection, what a volunteer may close, stand-ins."""

import uuid
from datetime import UTC, datetime, timedelta

from app.notices.telling import follow
from tests.conftest import PICTURE


def ahead(**time):
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


async def test_extensions_have_limits(town):
    leader, worker = await town.person("leader"), await town.person("worker")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    for deadline in (ahead(days=-1), ahead(hours=20), ahead(days=33)):
        for person, action in ((worker, "request_extension"), (leader, "grant_extension")):
            refused = await person.act(issue, action, expect=422, deadline=deadline, reason="x")
            assert refused["errors"][0]["pointer"] == "/deadline", deadline
    assert "30" in refused["errors"][0]["message"]
    for n in range(3):
        await worker.act(issue, "request_extension", deadline=ahead(days=4 + n), reason="住户需要时间")
        assert (await leader.act(issue, "grant_extension"))["deadline"]
    spent = await worker.act(issue, "request_extension", expect=409, deadline=ahead(days=9), reason="还要时间")
    assert spent["type"] == "/problems/extensions-used-up"
    # To assign it again begins no new count.
    await leader.act(issue, "assign", unit=str(town.unit))
    again = await worker.act(issue, "request_extension", expect=409, deadline=ahead(days=20), reason="吊车")
    assert again["type"] == "/problems/extensions-used-up"


async def test_a_weeks_sample_is_drawn_once_and_a_finding_reopens(town, database):
    volunteer, leader, worker, staff, inspector = [
        await town.person(r) for r in ("volunteer", "leader", "worker", "staff", "inspector")
    ]
    today = (datetime.now(UTC) + timedelta(hours=8)).date()  # where the town's clocks are
    monday = today - timedelta(days=today.weekday() + 7)
    closed = []
    for n in range(11):
        issue = (await volunteer.report(**town.body()))["issue"]["id"]
        await leader.act(issue, "assign", unit=str(town.unit))
        await worker.act(issue, "rectify")
        await volunteer.act(issue, "verify")
        closed.append(issue)
        async with database.acquire() as connection:  # noon of the first days of last week, the last one the week before
            at = datetime.combine(monday + timedelta(days=n % 7 if n < 10 else -1), datetime.min.time(), UTC) + timedelta(hours=4)
            await connection.execute("update issues set closed_at = $2 where id = $1", uuid.UUID(issue), at)
    id, wish = uuid.uuid4(), {"area": str(town.area), "week": monday.isoformat(), "percent": 25}
    for week in (monday + timedelta(days=1), monday + timedelta(days=7)):
        early = await staff.call("PUT", f"/v1/samples/{uuid.uuid4()}", json=wish | {"week": week.isoformat()})
        assert early.status_code == 422 and early.json()["errors"][0]["pointer"] == "/week"
    drawn = await staff.call("PUT", f"/v1/samples/{id}", json=wish)
    assert drawn.status_code == 201, drawn.text
    sample = drawn.json()
    ids = [i["id"] for i in sample["issues"]]
    assert (sample["closed"], sample["drawn"], len(set(ids))) == (10, 3, 3) and set(ids) <= set(closed[:10])
    same = await staff.call("PUT", f"/v1/samples/{id}", json=wish)
    assert same.status_code == 200 and [i["id"] for i in same.json()["issues"]] == ids
    for other, body in ((id, wish | {"percent": 50}), (uuid.uuid4(), wish)):
        again = await staff.call("PUT", f"/v1/samples/{other}", json=body)
        assert again.status_code == 409 and again.json()["type"] == "/problems/drawn-already"
    await inspector.act(ids[0], "pass_inspection", note="现场整洁")
    await worker.act(ids[1], "fail_inspection", expect=409, reason="x")
    await leader.act(ids[1], "fail_inspection", expect=409, reason="x")
    assert (await inspector.act(ids[1], "fail_inspection", reason="仍有碎砖"))["state"] == "accepted"
    found = await inspector.get(f"/v1/samples/{id}")
    assert {i["id"]: i["finding"] for i in found["issues"]} == {ids[0]: "passed", ids[1]: "failed", ids[2]: None}
    listed = (await inspector.get("/v1/samples"))["items"]
    assert [(s["drawn"], s["passed"], s["failed"]) for s in listed] == [(3, 1, 1)]
    await follow(database)
    for person in (leader, worker, staff):
        notice = (await person.get("/v1/notices"))["items"][0]
        assert notice["kind"] == "inspection_failed" and "仍有碎砖" in notice["text"]


async def test_what_a_volunteer_may_close_by_category_and_cell(town):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")

    async def state(cell=0, **changes):
        photo = str(uuid.uuid4())
        await volunteer.call("PUT", f"/v1/photos/{photo}", content=PICTURE)
        body = town.body(cell=cell, mended_on_the_spot=True, photos=[photo], **changes)
        return (await volunteer.report(**body))["issue"]["state"]

    async def rule(expect=200, **fields):
        id = str(uuid.uuid4())
        answer = await staff.call("PUT", f"/v1/assignment-rules/{id}", json={"area": str(town.area), **fields})
        assert answer.status_code == expect, answer.text
        return id

    assert [await state(), await state(category="building_waste")] == ["closed", "rectified"]
    await rule(volunteer_may_close=False)
    assert [await state(), await state(category="building_waste")] == ["rectified", "rectified"]
    here = await rule(cell=str(town.cells[1]), category="building_waste", volunteer_may_close=True)
    assert [await state(1, category="building_waste"), await state(1), await state(0, category="building_waste")] == [
        "closed",
        "rectified",
        "rectified",
    ]
    # A report that joins an issue follows the rules of the issue's place.
    open_ = (await volunteer.report(**town.body(cell=1, category="building_waste")))["issue"]["id"]
    assert await state(1, category="building_waste", issue_id=open_) == "closed"
    # Such a rule says nothing about who mends it.
    leader = await town.person("leader", cell=1)
    issue = (await volunteer.report(**town.body(cell=1, category="building_waste")))["issue"]["id"]
    assert (await leader.act(issue, "assign", expect=422))["errors"][0]["pointer"] == "/unit"
    await staff.call(
        "PUT",
        f"/v1/assignment-rules/{here}",
        json={"area": str(town.area), "cell": str(town.cells[1]), "category": "building_waste", "unit": str(town.unit)},
    )
    assert (await leader.act(issue, "assign"))["unit"]["id"] == str(town.unit)
    await rule(422)


async def test_a_stand_in_leads_for_some_days_and_no_longer(town, database):
    leader, deputy, other = await town.person("leader"), await town.person("volunteer", cell=1), await town.person("volunteer")
    stranger = await town.person("leader", cell=1)
    issue = (await other.report(**town.body()))["issue"]["id"]
    await deputy.act(issue, "accept", expect=409)
    id = str(uuid.uuid4())
    today = datetime.now(UTC) + timedelta(hours=8)
    days = {"starts_on": today.date().isoformat(), "ends_on": (today.date() + timedelta(days=6)).isoformat()}
    for person, wish, expect, pointer in (
        (stranger, days | {"deputy": str(deputy.id), "leader": str(leader.id)}, 404, None),
        (other, days | {"deputy": str(deputy.id)}, 403, None),
        (leader, days | {"deputy": str(leader.id)}, 422, "/deputy"),
        (leader, days | {"deputy": str(uuid.uuid4())}, 422, "/deputy"),
        (leader, days | {"deputy": str(deputy.id), "ends_on": "2020-01-01"}, 422, "/ends_on"),
        (leader, days | {"deputy": str(deputy.id), "ends_on": "2099-01-01"}, 422, "/ends_on"),
    ):
        answer = await person.call("PUT", f"/v1/stand-ins/{id}", json=wish)
        assert answer.status_code == expect, answer.text
        assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer
    for _ in range(2):
        planned = await leader.call("PUT", f"/v1/stand-ins/{id}", json=days | {"deputy": str(deputy.id)})
        assert planned.status_code == 200 and planned.json()["now"] and len(planned.json()["cells"]) == 1
    assert (await deputy.act(issue, "accept"))["state"] == "accepted"
    second = (await other.report(**town.body()))["issue"]["id"]
    await follow(database)
    told = {n["issue"] for n in (await deputy.get("/v1/notices"))["items"] if n["kind"] == "new"}
    assert second in told and second not in {n["issue"] for n in (await leader.get("/v1/notices"))["items"]}
    assert [s["id"] for s in (await deputy.get("/v1/stand-ins"))["items"]] == [id] and (await stranger.get("/v1/stand-ins"))[
        "items"
    ] == []
    roles = (await deputy.get("/v1/me"))["roles"]
    assert {r["role"]: r["ends_at"] is not None for r in roles} == {"volunteer": False, "leader": True}
    # Its time is over: nothing of it is left, and the leader is told again.
    async with database.acquire() as connection:
        await connection.execute(
            "update role_grants set starts_at = starts_at - interval '8 days', ends_at = ends_at - interval '8 days' where stand_in_id = $1", uuid.UUID(id)
        )  # fmt: skip
    await deputy.act(second, "accept", expect=409)
    third = (await other.report(**town.body()))["issue"]["id"]
    await follow(database)
    assert third in {n["issue"] for n in (await leader.get("/v1/notices"))["items"]}
    assert (await leader.call("DELETE", f"/v1/stand-ins/{id}")).status_code == 204
    assert (await leader.get("/v1/stand-ins"))["items"] == []
