"""Handing over: a directory, a reply owed, and how long each takes."""

import uuid
from datetime import UTC, datetime, timedelta


async def test_directory_reply_and_how_long_it_took(town, database):
    volunteer, leader, staff = [await town.person(r) for r in ("volunteer", "leader", "staff")]
    id = uuid.uuid4()
    entry = {"area": str(town.area), "name": "县交警大队", "kind": "police", "phone": "0877-1234567", "address": "环城南路 1 号"}
    for _ in range(2):
        assert (await staff.call("PUT", f"/v1/authorities/{id}", json=entry)).status_code == 200
    twice = await staff.call("PUT", f"/v1/authorities/{uuid.uuid4()}", json=entry)
    assert twice.status_code == 409 and twice.json()["errors"][0]["pointer"] == "/name"
    issue = (await volunteer.report(**town.body(category="illegal_parking")))["issue"]["id"]
    await leader.act(issue, "accept")
    missing = await leader.act(issue, "hand_over", expect=422, authority="县交警大队")
    assert missing["errors"][0]["pointer"] == "/reply_by"
    past = await leader.act(issue, "hand_over", expect=422, authority="县交警大队", reply_by="2020-01-01T00:00:00Z")
    assert past["errors"][0]["pointer"] == "/reply_by"
    await leader.act(issue, "hand_over", authority="县交警大队", reply_by=(datetime.now(UTC) + timedelta(days=3)).isoformat())
    listed = (await volunteer.get("/v1/authorities"))["items"]
    assert [(a["name"], a["open"], a["overdue"], a["replies"]) for a in listed] == [("县交警大队", 1, 0, 0)]
    async with database.acquire() as connection:
        await connection.execute(
            "update events set at = at - interval '26 hours' where issue_id = $1 and action = 'hand_over'", uuid.UUID(issue)
        )
    await staff.act(issue, "reply", to="accepted", note="已安排")
    (authority,) = (await staff.get("/v1/authorities"))["items"]
    assert (authority["open"], authority["replies"], authority["median_hours"]) == (0, 1, 26.0)
    stranger = await town.person(None)
    assert (await stranger.get("/v1/authorities"))["items"] == []
