"""The main job: report, accept, assign, start, rectify, verify, closed; and everybody sees where it stands."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from app.issues.schemas import Issue, IssuePage, ReportAnswer
from tests.conftest import PICTURE


async def test_one_report_walks_from_reported_to_closed(town):
    volunteer, leader, worker = [await town.person(role) for role in ("volunteer", "leader", "worker")]
    answer = await volunteer.report(**town.body(category="building_waste"))
    ReportAnswer.model_validate(answer)
    issue = answer["issue"]
    assert (issue["state"], issue["cell"]["id"], issue["area"]["id"]) == ("reported", str(town.cells[0]), str(town.area))
    assert issue["actions"] == ["withdraw", "comment"]
    id = issue["id"]
    assert (await worker.call("GET", f"/v1/issues/{id}")).status_code == 404
    assert (await leader.act(id, "accept"))["state"] == "accepted"
    assigned = await leader.act(id, "assign", unit=str(town.unit))
    assert assigned["unit"] == {"id": str(town.unit), "name": "环卫站"}
    assert datetime.fromisoformat(assigned["deadline"]) > datetime.now(UTC) + timedelta(hours=23)
    assert (await worker.act(id, "start"))["state"] == "in_progress"
    refused = await worker.act(id, "rectify", expect=422)
    assert refused["errors"][0]["pointer"] == "/photos"
    mended = await worker.act(id, "rectify", photos=[str(uuid.uuid4())])
    assert mended["photos"] == [{"id": mended["photos"][0]["id"], "kind": "after", "state": "stored", "doubts": None}]
    assert "verify" not in mended["actions"]
    assert (await worker.act(id, "verify", expect=409))["actions"] == ["comment"]
    closed = await volunteer.act(id, "verify")
    Issue.model_validate(closed)
    assert closed["state"] == "closed" and closed["closed_at"] and "reopen" in closed["actions"]
    timeline = (await volunteer.get(f"/v1/issues/{id}/timeline"))["items"]
    assert [e["action"] for e in timeline] == ["report", "accept", "assign", "start", "rectify", "verify"]
    assert [e["version"] for e in timeline] == [1, 2, 3, 4, 5, 6]
    # The worker's name is not the volunteer's to know; the leader's is.
    assert timeline[4]["by"]["name"] is None and timeline[1]["by"]["name"] == "leader某"


async def test_the_same_report_twice_at_once_is_one(town, database):
    volunteer = await town.person("volunteer")
    id, body = uuid.uuid4(), town.body(photos=[str(uuid.uuid4())])
    answers = await asyncio.gather(*[volunteer.call("PUT", f"/v1/reports/{id}", json=body) for _ in range(8)])
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]
    assert len({a.json()["issue"]["id"] for a in answers}) == 1
    async with database.acquire() as connection:
        for table, column in (("reports", "id"), ("issues", "id"), ("events", "issue_id"), ("evidence", "issue_id")):
            assert await connection.fetchval(f"select count(*) from {table} where {column} = $1", id) == 1


async def test_two_bodies_under_one_id_at_once_leave_one_whole_report(town, database):
    volunteer = await town.person("volunteer")
    first = (await volunteer.report(**town.body()))["issue"]["id"]
    for _ in range(5):
        id = uuid.uuid4()
        alone, joining = town.body(note="a"), town.body(note="b", issue_id=first)
        answers = await asyncio.gather(*[volunteer.call("PUT", f"/v1/reports/{id}", json=b) for b in (alone, joining)])
        assert sorted(a.status_code for a in answers) == [201, 409]
        async with database.acquire() as connection:
            target = await connection.fetchval("select issue_id from reports where id = $1", id)
            assert await connection.fetchval("select exists (select from issues where id = $1)", id) == (target == id)


async def test_an_id_holds_one_content_and_one_owner(town):
    volunteer, other = await town.person("volunteer"), await town.person("volunteer")
    id = uuid.uuid4()
    body = town.body()
    assert (await volunteer.call("PUT", f"/v1/reports/{id}", json=body)).status_code == 201
    conflict = await volunteer.call("PUT", f"/v1/reports/{id}", json=body | {"note": "else"})
    assert conflict.status_code == 409 and conflict.json()["report"]["note"] == "路边垃圾"
    assert (await other.call("PUT", f"/v1/reports/{id}", json=body)).status_code == 404


async def test_intake_in_one_statement_equals_the_plain_way(town, database):
    """Cell, area, distance and columns, each asked for by itself."""
    volunteer = await town.person("volunteer")
    first = await volunteer.report(**town.body())
    position = {"lat": town.lat + 0.00510, "lon": town.lon + 0.00510}
    answer = await volunteer.report(**town.body(position=position))
    async with database.acquire() as connection:
        row = await connection.fetchrow("select * from issues where id = $1", uuid.UUID(answer["issue"]["id"]))
        point = "st_setsrid(st_makepoint($1, $2), 4326)"
        cell = await connection.fetchval(f"select id from cells where st_covers(geom, {point})", position["lon"], position["lat"])
        distance = await connection.fetchval(
            f"select st_distancesphere(position, {point}) from issues where id = $3",
            position["lon"], position["lat"], uuid.UUID(first["issue"]["id"]),
        )  # fmt: skip
    assert (row["cell_id"], row["area_id"], row["reporter_id"]) == (cell, town.area, volunteer.id)
    assert [n["id"] for n in answer["nearby"]] == [first["issue"]["id"]]
    assert abs(answer["nearby"][0]["distance_m"] - distance) < 0.1
    read = await volunteer.get(f"/v1/issues/{answer['issue']['id']}")
    assert read == answer["issue"]
    assert (await volunteer.get(f"/v1/reports/{answer['report']['id']}"))["report"] == answer["report"]


async def test_a_second_report_joins_an_issue_and_a_late_one_opens_anew(town):
    volunteer, second, staff = [await town.person(r) for r in ("volunteer", "volunteer", "staff")]
    issue = (await volunteer.report(**town.body()))["issue"]
    joined = await second.report(**town.body(issue_id=issue["id"]))
    assert joined["issue"]["id"] == issue["id"] and joined["issue"]["reports"] == 2 and joined["issue"]["version"] == 2
    assert "withdraw" not in (await volunteer.get(f"/v1/issues/{issue['id']}"))["actions"]
    await staff.act(issue["id"], "close_unresolved", reason_code="gone")
    late = await second.report(**town.body(issue_id=issue["id"]))
    assert late["issue"]["id"] == late["report"]["id"] and late["issue"]["state"] == "reported"
    stranger = await town.person(None)
    refused = await stranger.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=town.body(issue_id=issue["id"]))
    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/issue_id"


async def test_mended_on_the_spot(town):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    closed = (await volunteer.report(**town.body(mended_on_the_spot=True)))["issue"]
    assert closed["state"] == "closed" and closed["closed_at"]
    body = town.body(category="black_spot", mended_on_the_spot=True)
    bare = await volunteer.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=body)
    assert bare.status_code == 422 and bare.json()["errors"][0]["pointer"] == "/photos"
    photos = [str(uuid.uuid4()), str(uuid.uuid4())]
    await volunteer.call("PUT", f"/v1/photos/{photos[1]}", content=PICTURE)
    issue = (await volunteer.report(**body, photos=photos))["issue"]
    assert issue["state"] == "rectified" and [p["kind"] for p in issue["photos"]] == ["before", "after"]
    await volunteer.act(issue["id"], "verify", expect=409)
    assert (await leader.act(issue["id"], "verify"))["state"] == "closed"


async def test_two_leaders_at_once_one_wins(town):
    leader, staff = await town.person("leader"), await town.person("staff")
    for _ in range(6):
        id = (await leader.report(**town.body()))["issue"]["id"]
        answers = await asyncio.gather(
            *[
                p.call("POST", f"/v1/issues/{id}/actions", json={"action": "assign", "unit": str(town.unit)})
                for p in (leader, staff)
            ]
        )
        issue = await leader.get(f"/v1/issues/{id}")
        timeline = (await leader.get(f"/v1/issues/{id}/timeline"))["items"]
        won = sum(a.status_code == 200 for a in answers)
        # Truly at once: one is refused with the present state; one after the other: both are in the log.
        assert len(timeline) == issue["version"] == 1 + won
        assert all(a.status_code == 200 or (a.status_code == 409 and a.json()["issue"]["state"] == "assigned") for a in answers)


async def test_comments_at_once_are_all_kept(town):
    leader = await town.person("leader")
    id = (await leader.report(**town.body()))["issue"]["id"]
    await asyncio.gather(*[leader.act(id, "comment", note=f"n{i}") for i in range(6)])
    assert (await leader.get(f"/v1/issues/{id}"))["version"] == 7


async def test_if_match(town):
    leader = await town.person("leader")
    id = (await leader.report(**town.body()))["issue"]["id"]
    path = f"/v1/issues/{id}/actions"
    tag = (await leader.call("GET", f"/v1/issues/{id}")).headers["etag"]
    stale = await leader.call("POST", path, json={"action": "accept"}, headers={"if-match": '"7"'})
    assert stale.status_code == 412 and stale.headers["etag"] == tag
    good = await leader.call("POST", path, json={"action": "accept"}, headers={"if-match": tag})
    assert good.status_code == 200 and good.headers["etag"] == '"2"'
    # A comment since is told apart from a decision: a phone may send again by itself.
    await leader.act(id, "comment", note="x")
    assign = {"action": "assign", "unit": str(town.unit)}
    added = await leader.call("POST", path, json=assign, headers={"if-match": '"2"'})
    assert added.status_code == 412 and (added.json()["only_added"], added.json()["version"]) == (True, 3)
    assert (await leader.call("POST", path, json=assign, headers={"if-match": '"3"'})).status_code == 200
    decided = await leader.call("POST", path, json=assign, headers={"if-match": '"3"'})
    assert decided.status_code == 412 and decided.json()["only_added"] is False


async def test_idempotency_key(town):
    leader = await town.person("leader")
    id = (await leader.report(**town.body()))["issue"]["id"]
    path, key = f"/v1/issues/{id}/actions", {"idempotency-key": uuid.uuid4().hex}
    body = {"action": "comment", "note": "一次"}
    answers = await asyncio.gather(*[leader.call("POST", path, json=body, headers=key) for _ in range(5)])
    assert {a.status_code for a in answers} <= {200, 409} and any(a.status_code == 200 for a in answers)
    again = await leader.call("POST", path, json=body, headers=key)
    first = next(a for a in answers if a.status_code == 200)
    assert again.status_code == 200 and again.json() == first.json() and again.headers["etag"] == first.headers["etag"]
    assert (await leader.get(f"/v1/issues/{id}"))["version"] == 2
    other = await leader.call("POST", path, json=body | {"note": "二"}, headers=key)
    assert other.status_code == 422 and other.json()["type"] == "/problems/key-reused"
    refused = await leader.call("POST", path, json={"action": "start"}, headers={"idempotency-key": "a"})
    assert refused.status_code == 409
    freed = await leader.call("POST", path, json={"action": "accept"}, headers={"idempotency-key": "a"})
    assert freed.status_code == 200


async def test_what_a_process_of_the_version_before_took_is_not_taken_again(town, database):
    """In an upgrade one goes on for a minute beside this one, and keeps keys and answers in clear."""
    leader = await town.person("leader")
    id = (await leader.report(**town.body()))["issue"]["id"]
    path, key, body = f"/v1/issues/{id}/actions", uuid.uuid4().hex, {"action": "comment", "note": "一次"}
    first = await leader.call("POST", path, json=body, headers={"idempotency-key": key})
    async with database.acquire() as connection:
        await connection.execute(
            "update idempotency_keys set key = $2, sealed = false, status = null where scope = $1", str(leader.id), key
        )
        running = await leader.call("POST", path, json=body, headers={"idempotency-key": key})
        await connection.execute(
            "update idempotency_keys set status = 200, body = $2, headers = $3 where scope = $1",
            str(leader.id), first.content, {"content-type": first.headers["content-type"]},
        )  # fmt: skip
    replayed = await leader.call("POST", path, json=body, headers={"idempotency-key": key})
    assert running.status_code == 409 and running.json()["type"] == "/problems/key-running"
    assert (replayed.status_code, replayed.json(), replayed.headers["idempotent-replay"]) == (200, first.json(), "true")
    assert (await leader.get(f"/v1/issues/{id}"))["version"] == 2
    reused = await leader.call("POST", path, json=body | {"note": "二"}, headers={"idempotency-key": key})
    assert reused.json()["type"] == "/problems/key-reused"


async def test_batch_answers_item_by_item(town):
    volunteer = await town.person("volunteer")
    ids = [str(uuid.uuid4()) for _ in range(3)]
    items = [town.body(id=ids[0]), town.body(id=ids[1], category="nonsense"), town.body(id=ids[2]), {"id": 7}]
    answer = await volunteer.call("POST", "/v1/reports/batch", json={"items": items})
    assert [i["status"] for i in answer.json()["items"]] == [201, 422, 201, 422]
    again = await volunteer.call("POST", "/v1/reports/batch", json={"items": items})
    assert [i["status"] for i in again.json()["items"]] == [200, 422, 200, 422]
    assert (await volunteer.call("POST", "/v1/reports/batch", json={"items": items * 26})).status_code == 422


async def test_list_filters_and_cursors(town):
    leader, worker = await town.person("leader"), await town.person("worker")
    made = [(await leader.report(**town.body(cell=i % 2, category=("litter", "graffiti")[i % 2]))) for i in range(7)]
    ids = [m["issue"]["id"] for m in made]
    await leader.act(ids[0], "assign", unit=str(town.unit))
    await leader.act(ids[2], "reject", reason="重复")

    async def listed(person=leader, **filters):
        found, cursor = [], None
        while True:
            page = await person.get("/v1/issues", limit=2, **filters, **({"cursor": cursor} if cursor else {}))
            IssuePage.model_validate(page)
            found += [i["id"] for i in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    newest = ids[::-1]
    assert await listed() == newest
    assert await listed(area=str(town.area)) == newest
    assert await listed(mine=True) == newest
    assert await listed(cell=str(town.cells[1])) == [i for i in newest if ids.index(i) % 2]
    assert await listed(category="graffiti") == [i for i in newest if ids.index(i) % 2]
    assert await listed(state="open") == [i for i in newest if i != ids[2]]
    assert await listed(state="rejected") == [ids[2]]
    assert await listed(unit=str(town.unit)) == [ids[0]] == await listed(worker)
    assert await listed(worker, area=str(town.area)) == [ids[0]]
    assert set(await listed(sort="deadline")) == set(ids) and (await listed(sort="deadline"))[0] == ids[0]
    assert (await listed(sort="-updated_at"))[0] == ids[2]
    assert await listed(overdue=True) == []
    assert await listed(q="路边") == newest and await listed(q="没有") == []
    assert await listed(q=made[3]["issue"]["number"]) == [ids[3]]
    assert await listed(bbox=f"{town.lon},{town.lat},{town.lon + 0.01},{town.lat + 0.01}") == [
        i for i in newest if ids.index(i) % 2 == 0
    ]
    assert await listed(created_until="2020-01-01T00:00:00Z") == []
    assert (await leader.get(f"/v1/issues/{made[3]['issue']['number']}"))["id"] == ids[3]


async def test_outside_every_cell_and_wrong_clocks_are_kept(town):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    away = (await volunteer.report(**town.body(position={"lat": 51.5, "lon": -0.12})))["issue"]
    assert away["cell"] is None and away["area"]["id"] == str(town.area)
    moved = await staff.act(away["id"], "relocate", position=town.body()["position"], place="东浦巷12号")
    assert moved["cell"]["id"] == str(town.cells[0]) and moved["place"] == "东浦巷12号"
    for observed_at, mark in (("1970-01-01T00:00:00Z", "old"), ("2090-01-01T00:00:00Z", "ahead")):
        answer = await volunteer.report(**town.body(observed_at=observed_at))
        assert answer["report"]["clock"] == mark and answer["report"]["observed_at"] == observed_at
        assert abs(datetime.fromisoformat(answer["issue"]["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    pole = await volunteer.report(**town.body(position={"lat": 90, "lon": 0}))
    assert pole["issue"]["position"] == {"lat": 90.0, "lon": 0.0}


async def test_a_joining_report_that_mended_it_rectifies_or_closes(town):
    volunteer, second, leader = [await town.person(r) for r in ("volunteer", "volunteer", "leader")]
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    closed = (await second.report(**town.body(issue_id=issue, mended_on_the_spot=True)))["issue"]
    assert closed["id"] == issue and closed["state"] == "closed" and closed["closed_at"] and closed["reports"] == 2
    issue = (await volunteer.report(**town.body(category="black_spot")))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    body = town.body(category="black_spot", issue_id=issue, mended_on_the_spot=True)
    bare = await second.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=body)
    assert bare.status_code == 422 and bare.json()["errors"][0]["pointer"] == "/photos"
    photos = [str(uuid.uuid4()), str(uuid.uuid4())]
    await second.call("PUT", f"/v1/photos/{photos[1]}", content=PICTURE)
    mended = (await second.report(**body | {"photos": photos}))["issue"]
    assert mended["state"] == "rectified" and [p["kind"] for p in mended["photos"]] == ["before", "after"]
    assert "verify" not in (await second.get(f"/v1/issues/{issue}"))["actions"]
    assert (await volunteer.act(issue, "verify"))["state"] == "closed"
    # What awaits an authority's answer is not moved by a passer-by.
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "accept")
    await leader.act(issue, "hand_over", authority="交警", reply_by=(datetime.now(UTC) + timedelta(days=3)).isoformat())
    assert (await second.report(**town.body(issue_id=issue, mended_on_the_spot=True)))["issue"]["state"] == "handed_over"


async def waiting(database, count):
    """Until so many connections wait for somebody's lock."""
    async with database.acquire() as connection:
        while count > await connection.fetchval(  # noqa: ASYNC110 - nobody tells when a lock is waited for
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)


async def test_a_comment_in_between_does_not_send_a_leader_back(town, database):
    """Reading and writing of an action, with an addition committed in between: it is tried again. A change that bears on it is not."""
    from app.issues import queries

    leader, volunteer, staff = [await town.person(r) for r in ("leader", "volunteer", "staff")]
    for between, expect in (("comment", 200), ("accept", 409)):
        id = (await volunteer.report(**town.body()))["issue"]["id"]
        async with database.transaction() as connection:  # holds the row until both have read it
            await connection.fetchrow(queries.LOCK_ISSUE, uuid.UUID(id))
            fields = {"note": "看见了"} if between == "comment" else {}
            first = asyncio.create_task(staff.call("POST", f"/v1/issues/{id}/actions", json={"action": between, **fields}))
            await waiting(database, 1)
            second = asyncio.create_task(
                leader.call("POST", f"/v1/issues/{id}/actions", json={"action": "assign", "unit": str(town.unit)})
            )
            await waiting(database, 2)
        assert (await first).status_code == 200
        answer = await second
        assert answer.status_code == expect, answer.text


async def test_nearby_knows_how_long_a_kind_stays(town, database):
    volunteer = await town.person("volunteer")
    old = {
        kind: (await volunteer.report(**town.body(category=kind)))["issue"]["id"] for kind in ("illegal_parking", "broken_paving")
    }
    async with database.acquire() as connection:
        await connection.execute(
            "update issues set updated_at = now() - interval '3 days' where id = any($1::uuid[])", list(old.values())
        )
    for kind, seen in (("illegal_parking", []), ("broken_paving", [old["broken_paving"]])):
        assert [n["id"] for n in (await volunteer.report(**town.body(category=kind)))["nearby"]] == seen
