"""What belongs to another community, another person or another kind of thing: by its id nothing of it is read, changed or told.

Attacks as they would be played. That every route keeps to its scope is walked in test_policy.py.
"""

import asyncio
import base64
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.issues import queries, reading
from app.kit.access import token_hash
from app.office import pictures
from tests.conftest import Town
from tests.pictures import encode, scene

NOBODY = uuid.UUID(int=0x5C0FE)


@pytest.fixture
def other(town, app, database, run):
    """A community beside the test's own."""
    beside = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    run(beside.build())
    town.people = beside.people
    return beside


def _shop(place, **changes):
    point = {"type": "Point", "coordinates": [place.lon + 0.005, place.lat + 0.005]}
    return {"area": str(place.area), "name": "面馆", "frontage": point} | changes


def _activity(place, **changes):
    return {"area": str(place.area), "kind": "clean_up", "on_day": "2026-11-20"} | changes


VISIT = {"at": "2026-11-20T02:00:00Z"}


async def _put(person, path, expect, **body):
    answer = await person.call("PUT", path, json=body)
    assert answer.status_code in (expect if isinstance(expect, tuple) else (expect,)), (
        f"{path} {answer.status_code} {answer.text}"
    )
    return answer.json()


async def _moved(place, to, staff_of_both, **changes):
    """An issue of `place` that was relocated into another community, and who reported it."""
    reporter = await place.person("volunteer")
    issue = (await reporter.report(**place.body(**changes)))["issue"]
    await staff_of_both.act(issue["id"], "relocate", position={"lat": to.lat + 0.005, "lon": to.lon + 0.005})
    return issue, reporter


# --- one id, two kinds of things --------------------------------------------------------------------------------------
async def _with_photographs(town):
    """A shop with its letter, and a visit, each with a photograph; and somebody who reads them."""
    staff, reader = await town.person("staff"), await town.person("volunteer")
    shop, visit, letter, photo = (str(uuid.uuid4()) for _ in range(4))
    await _put(staff, f"/v1/premises/{shop}", 201, **_shop(town, letter={"signed_on": "2026-03-01", "photo": letter}))
    await _put(staff, f"/v1/premises/{shop}/visits/{visit}", 201, **VISIT, photos=[photo])
    for n, id in enumerate((letter, photo)):
        await staff.call("PUT", f"/v1/photos/{id}", content=encode(scene(seed=810 + n)))
    return shop, visit, letter, photo, reader


async def _kept(reader, shop, letter, photo):
    """What was attached is there and is all that is there."""
    for id in (letter, photo):
        assert (await reader.call("GET", f"/v1/photos/{id}")).status_code == 200
    seen = await reader.get(f"/v1/premises/{shop}")
    assert seen["letter"]["photo"] == letter and [v["photos"] for v in seen["record"]["visits"]] == [[photo]]


async def test_photographs_of_a_visit_are_erased_by_nobodys_activity(town, other):
    shop, visit, letter, photo, reader = await _with_photographs(town)
    thief = await other.person("staff")
    for id in (visit, shop):
        for photos in ([], [str(uuid.uuid4())]):
            await _put(thief, f"/v1/activities/{id}", 404, **_activity(other, photos=photos))
        assert (await thief.call("DELETE", f"/v1/activities/{id}")).status_code == 404
    await _kept(reader, shop, letter, photo)


async def test_an_id_is_of_one_kind_of_thing(town, other):
    """Of two kinds at once one has it, in whichever community; whoever comes later is told 404."""
    staff, thief = await town.person("staff"), await other.person("staff")
    shops = [str(uuid.uuid4()) for _ in range(2)]
    for person, place, id in ((staff, town, shops[0]), (thief, other, shops[1])):
        await _put(person, f"/v1/premises/{id}", 201, **_shop(place))
    makers = {
        "premises": lambda who, place, id: _put(who, f"/v1/premises/{id}", (201, 404), **_shop(place)),
        "visit": lambda who, place, id: _put(who, f"/v1/premises/{shops[who is thief]}/visits/{id}", (201, 404), **VISIT),
        "activity": lambda who, place, id: _put(who, f"/v1/activities/{id}", (201, 404), **_activity(place)),
    }
    for first, make in makers.items():
        for second, make_too in makers.items():
            if first == second:
                continue
            for later in ((staff, town), (thief, other)):
                id = str(uuid.uuid4())
                await make(staff, town, id)
                refused = await make_too(*later, id)
                assert refused.get("status") == 404, (first, second, refused)
        id = str(uuid.uuid4())
        others = [makers[name](thief, other, id) for name in makers if name != first]
        answers = await asyncio.gather(make(staff, town, id), *others)
        assert sum(answer.get("status") != 404 for answer in answers) == 1, answers


async def test_an_activity_that_was_taken_back_frees_its_id(town):
    staff, id = await town.person("staff"), str(uuid.uuid4())
    shop = str(uuid.uuid4())
    await _put(staff, f"/v1/premises/{shop}", 201, **_shop(town))
    for _ in range(2):
        await _put(staff, f"/v1/activities/{id}", 201, **_activity(town))
        assert (await staff.call("DELETE", f"/v1/activities/{id}")).status_code == 204
    await _put(staff, f"/v1/premises/{shop}/visits/{id}", 201, **VISIT)


async def test_attachments_of_before_are_told_apart(town, other, database):
    """Each becomes one of the thing whose id it has; of two things with one id, of the one in its area, then of its author's."""
    shop, visit, letter, photo, _ = await _with_photographs(town)
    staff, thief = await town.person("staff"), await other.person("staff")
    activity, shown, planted = (str(uuid.uuid4()) for _ in range(3))
    await _put(staff, f"/v1/activities/{activity}", 201, **_activity(town, photos=[shown]))
    text = (Path(__file__).parent.parent / "migrations" / "versions" / "0022_subjects.sql").read_text("utf-8")
    async with database.acquire() as connection:
        undone = connection.transaction()
        await undone.start()
        for statement in (
            "drop table subjects",
            "alter table attachments drop constraint attachments_pkey, drop column kind, add primary key (subject_id, photo_id)",
        ):
            await connection.execute(statement)
        # As it was played: an activity with the visit's id, and its photograph on it.
        await connection.execute(
            "insert into activities (id, area_id, kind, on_day, count, account_id) values ($1, $2, 'leaflet', '2026-11-20', 1, $3)",
            uuid.UUID(visit), other.area, thief.id,
        )  # fmt: skip
        await connection.execute(
            "insert into attachments (subject_id, photo_id, account_id, area_id, position) values ($1, $2, $3, $4, 1)",
            uuid.UUID(visit), uuid.UUID(planted), thief.id, other.area,
        )  # fmt: skip
        for statement in text.split("\n\n"):
            await connection.execute(statement)
        kinds = await connection.fetch(
            "select photo_id::text, kind from attachments where area_id = any($1)", [town.area, other.area]
        )
        held = await connection.fetch(
            "select id::text, kind from subjects where id = any($1)", [uuid.UUID(id) for id in (shop, visit, activity)]
        )
        await undone.rollback()
    assert dict(kinds) == {letter: "premises", photo: "visit", shown: "activity", planted: "activity"}
    assert dict(held) == {shop: "premises", visit: "visit", activity: "activity"}


async def test_a_unit_with_the_id_of_somebodys_audience(town, other, database):
    """What left a community's or a person's sight is told to them alone: a unit may not have their id."""
    staff, thief = await town.person("staff"), await other.person("staff")
    for id in (town.area, town.cells[0], staff.id, other.area, thief.id):
        await _put(thief, f"/v1/units/{id}", 404, area=str(other.area), name=f"队{id.hex[:5]}", kind="bureau")


# --- an id that is somebody else's ------------------------------------------------------------------------------------
def _chosen(place, unit, thanked, leader):
    """Every PUT with an id that the client chooses: a body that is good in `place`."""
    future = (date.today() + timedelta(days=3)).isoformat()
    return {
        "/v1/units/{}": {"area": str(place.area), "name": f"队{uuid.uuid4().hex[:6]}", "kind": "bureau"},
        "/v1/assignment-rules/{}": {"area": str(place.area), "unit": str(unit), "category": "litter"},
        "/v1/authorities/{}": {"area": str(place.area), "name": f"交警{uuid.uuid4().hex[:6]}"},
        "/v1/premises/{}": _shop(place),
        "/v1/activities/{}": _activity(place),
        "/v1/samples/{}": {"area": str(place.area), "week": "2025-12-29", "percent": 10},
        "/v1/thanks/{}": {"account": str(thanked), "text": "谢谢"},
        "/v1/stand-ins/{}": {"leader": str(leader), "deputy": str(thanked), "starts_on": future, "ends_on": future},
        "/v1/patrols/{}": {"started_at": "2026-11-24T08:00:00Z"},
        "/v1/channels/{}": {"kind": "mail", "address": f"{uuid.uuid4().hex}@example.org"},
        "/v1/reports/{}": place.body(),
    }  # fmt: skip


async def test_an_id_of_elsewhere_is_refused(town, other):
    """Whoever holds it first keeps it as it is, also when both come at once; the other is told 404 or 409."""
    people, bodies = [], []
    for place in (town, other):
        people.append(await place.person("staff"))
        volunteer, leader = await place.person("volunteer"), await place.person("leader")
        bodies.append(_chosen(place, place.unit, volunteer.id, leader.id))
    mine, theirs = people
    for path in list(bodies[0]):
        target = path.format(uuid.uuid4())
        first = await mine.call("PUT", target, json=bodies[0][path])
        assert first.status_code in (200, 201), f"{path} {first.text}"
        for _ in range(2):
            answer = await theirs.call("PUT", target, json=bodies[1][path])
            assert answer.status_code in (404, 409), f"{path} {answer.status_code} {answer.text}"
            theirs_alone = [value for value in bodies[1][path].values() if isinstance(value, str)]
            secrets = [value for value in bodies[0][path].values() if isinstance(value, str) and value not in theirs_alone]
            assert not any(secret in answer.text for secret in secrets), path
        again = await mine.call("PUT", target, json=bodies[0][path])
        assert again.status_code == 200, f"{path} {again.status_code} {again.text}"
        # A rule, a sample, an address and a name are there once: the next id is for others.
        free = {"week": "2025-12-22", "address": f"{uuid.uuid4().hex}@example.org", "name": f"名{uuid.uuid4().hex[:6]}"}
        free |= {"category": "flooding"} if "rules" in path else {}
        wishes = [body[path] | {name: value for name, value in free.items() if name in body[path]} for body in bodies]
        target = path.format(uuid.uuid4())
        both = await asyncio.gather(*(who.call("PUT", target, json=wish) for who, wish in zip(people, wishes, strict=True)))
        answered = sorted(answer.status_code for answer in both)
        assert answered[0] in (200, 201) and answered[1] in (404, 409), f"{path} {[answer.text for answer in both]}"


async def test_a_visit_id_of_elsewhere_is_refused(town, other):
    shop, visit, letter, photo, reader = await _with_photographs(town)
    thief, theirs = await other.person("staff"), str(uuid.uuid4())
    await _put(thief, f"/v1/premises/{theirs}", 201, **_shop(other))
    for body in (VISIT, VISIT | {"photos": [str(uuid.uuid4())]}):
        await _put(thief, f"/v1/premises/{theirs}/visits/{visit}", (404, 409), **body)
        await _put(thief, f"/v1/premises/{shop}/visits/{visit}", 404, **body)
    await _kept(reader, shop, letter, photo)
    assert (await thief.get(f"/v1/premises/{theirs}"))["record"]["visits"] == []


async def test_two_who_come_at_once_with_one_id(town, other):
    """Photographs, uploads, visits: one has it, the other is told 404."""
    people = [await place.person("staff") for place in (town, other)]
    shops = [str(uuid.uuid4()) for _ in people]
    for person, place, shop in zip(people, (town, other), shops, strict=True):
        await _put(person, f"/v1/premises/{shop}", 201, **_shop(place))
    for _ in range(3):
        id = str(uuid.uuid4())
        named = {"upload-length": "10", "upload-metadata": "photo " + base64.b64encode(str(uuid.uuid4()).encode()).decode()}
        pictures = [encode(scene(seed=850 + n)) for n in range(2)]
        rounds = (
            [person.call("PUT", f"/v1/photos/{id}", content=picture) for person, picture in zip(people, pictures, strict=True)],
            [person.call("POST", "/v1/uploads", headers=named) for person in people],
            [
                person.call("PUT", f"/v1/premises/{shop}/visits/{id}", json=VISIT)
                for person, shop in zip(people, shops, strict=True)
            ],
        )
        for both in rounds:
            answers = await asyncio.gather(*both)
            assert sorted(answer.status_code for answer in answers) == [201, 404], [answer.text for answer in answers]


async def test_a_photographs_id_that_another_names_too(town, other):
    """Somebody who names another's photograph neither sees it nor takes its power to prove."""
    mender, leader, thief = await town.person("volunteer"), await town.person("leader"), await other.person("volunteer")
    photo = str(uuid.uuid4())
    assert (await mender.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=820)))).status_code == 201
    named = await thief.report(**other.body(photos=[photo]))
    assert named["issue"]["photos"][0]["state"] == "awaited"
    assert (await thief.call("GET", f"/v1/photos/{photo}")).status_code == 404
    # Nor by an activity of one's own community.
    host, day = await other.person("leader"), str(datetime.now(UTC).date())
    noted = {"area": str(other.area), "kind": "clean_up", "on_day": day, "photos": [photo]}
    noted_as = await host.call("PUT", f"/v1/activities/{uuid.uuid4()}", json=noted)
    assert noted_as.status_code in (200, 201), noted_as.text
    assert (await host.call("GET", f"/v1/photos/{photo}")).status_code == 404
    for method, headers in (
        ("HEAD", {}),
        ("DELETE", {}),
        ("PATCH", {"upload-offset": "0", "content-type": "application/offset+octet-stream"}),
    ):
        assert (await thief.call(method, f"/v1/uploads/{photo}", headers=headers)).status_code == 404
    issue = (await mender.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", assignee=str(mender.id))
    await mender.act(issue, "rectify", photos=[photo])
    for arrives_first in (True, False):
        second = str(uuid.uuid4())
        picture = {"content": encode(scene(seed=821 + arrives_first))}
        if arrives_first:
            await mender.call("PUT", f"/v1/photos/{second}", **picture)
        await thief.report(**other.body(photos=[second]))
        if not arrives_first:
            assert (
                await mender.call("PUT", f"/v1/photos/{second}", **picture)
            ).status_code == 404  # who names an id first has it
            continue
        mended = await mender.report(**town.body(photos=[second], mended_on_the_spot=True))
        assert mended["issue"]["state"] == "closed"


async def test_what_somebody_does_to_their_own_account_is_their_own(town, database):
    """Signing out other devices, reading notices, quiet hours: nobody else's."""
    kept, busy = await town.person("volunteer"), await town.person("volunteer")
    async with database.transaction() as connection:
        notice = await connection.fetchval(
            "insert into notices (account_id, kind, key) values ($1, 'thanked', 'x') returning id::text", kept.id
        )
    for person in (kept, busy):
        assert (await person.call("PUT", "/v1/me/quiet-hours", json={"starts": "22:00", "ends": "07:00"})).status_code == 204
    for method, path, body in (
        ("POST", "/v1/notices/read", {}),
        ("POST", "/v1/notices/read", {"ids": [notice]}),
        ("PUT", "/v1/me/quiet-hours", {"starts": "07:00", "ends": "07:00"}),
        ("PUT", "/v1/me/credentials", {"account": f"x{uuid.uuid4().hex[:8]}", "password": "correct horse 12"}),
    ):
        assert (await busy.call(method, path, json=body)).status_code == 204, path
    assert (await kept.get("/v1/notices"))["unread"] == 1 and (await busy.get("/v1/notices"))["unread"] == 0
    assert (await kept.get("/v1/me/quiet-hours"))["starts"] == "22:00"
    assert await busy.get("/v1/me/quiet-hours") is None
    assert (await busy.call("DELETE", "/v1/sessions")).status_code == 204 and await kept.get("/v1/me")


# --- references to what is elsewhere ----------------------------------------------------------------------------------
async def test_what_a_body_names_is_of_the_place_or_unknown(town, other):
    """By an id of another community one is told what one is told of an id that nobody holds."""
    staff, leader, foreign = await town.person("staff"), await town.person("leader"), await other.person("staff")
    volunteer, their_volunteer, their_leader = (
        await town.person("volunteer"),
        await other.person("volunteer"),
        await other.person("leader"),
    )
    their_issue = (await their_volunteer.report(**other.body()))["issue"]["id"]
    their_shop, mine = str(uuid.uuid4()), (await volunteer.report(**town.body()))["issue"]["id"]
    await _put(foreign, f"/v1/premises/{their_shop}", 201, **_shop(other))
    joined = (await volunteer.report(**town.body()))["issue"]["id"]
    future = (date.today() + timedelta(days=3)).isoformat()
    days = {"starts_on": future, "ends_on": future}
    rule = {"area": str(town.area), "unit": str(town.unit)}
    act = f"/v1/issues/{mine}/actions"
    named = [
        (staff, "PATCH", f"/v1/cells/{town.cells[0]}", {"unit": other.unit}, {}),
        (staff, "PUT", "/v1/assignment-rules/{}", {"unit": other.unit}, {"area": str(town.area)}),
        (staff, "PUT", "/v1/assignment-rules/{}", {"cell": other.cells[0]}, rule),
        (staff, "PUT", "/v1/assignment-rules/{}", {"area": other.area}, {"unit": str(town.unit)}),
        (staff, "PUT", "/v1/units/{}", {"area": other.area}, {"name": "队", "kind": "bureau"}),
        (staff, "PUT", "/v1/authorities/{}", {"area": other.area}, {"name": "交警"}),
        (staff, "PUT", "/v1/premises/{}", {"area": other.area}, {k: v for k, v in _shop(town).items() if k != "area"}),
        (staff, "PUT", "/v1/activities/{}", {"area": other.area}, {"kind": "clean_up", "on_day": "2026-11-20"}),
        (staff, "PUT", "/v1/samples/{}", {"area": other.area}, {"week": "2025-12-29", "percent": 10}),
        (staff, "PUT", "/v1/thanks/{}", {"account": their_volunteer.id}, {"text": "谢谢"}),
        (leader, "PUT", "/v1/thanks/{}", {"issue": their_issue}, {"text": "谢谢", "account": str(volunteer.id)}),
        (staff, "PUT", "/v1/thanks/{}", {"issue": their_issue}, {"text": "谢谢", "account": str(volunteer.id)}),
        (leader, "PUT", "/v1/stand-ins/{}", {"deputy": their_volunteer.id}, days),
        (staff, "PUT", "/v1/stand-ins/{}", {"leader": their_leader.id}, days | {"deputy": str(volunteer.id)}),
        (staff, "POST", "/v1/invitations", {"area": other.area}, {"role": "staff"}),
        (staff, "POST", "/v1/invitations", {"cell": other.cells[0]}, {"role": "leader"}),
        (staff, "POST", "/v1/invitations", {"unit": other.unit}, {"role": "worker"}),
        (volunteer, "PUT", "/v1/reports/{}", {"issue_id": their_issue}, town.body()),
        (volunteer, "PUT", "/v1/reports/{}", {"premises": their_shop}, town.body()),
        (volunteer, "PUT", "/v1/reports/{}", {"premises": their_shop}, town.body(issue_id=joined)),
        (leader, "POST", act, {"unit": other.unit}, {"action": "assign"}),
        (leader, "POST", act, {"assignee": their_volunteer.id}, {"action": "assign"}),
        (leader, "POST", act, {"into": their_issue}, {"action": "merge"}),
        (leader, "POST", act, {"premises": their_shop}, {"action": "name_premises"}),
        (staff, "PUT", "/v1/summaries/weekly", {"area": other.area}, {
            "week": "2025-12-29", "language": "en", "title": "x", "parts": [{"title": "x", "clauses": []}]}),
    ]  # fmt: skip
    for person, method, path, field, body in named:
        ((name, value),) = field.items()
        told = []
        for id in (value, NOBODY):
            answer = await person.call(method, path.format(uuid.uuid4()), json=body | {name: str(id)})
            told.append((answer.status_code, answer.text.replace(str(id), "")))
        where = f"{method} {path} {name}: {told}"
        assert told[0][0] in (404, 422) and told[0] == told[1], where
    for path, name in (
        ("/v1/issues", "cell"), ("/v1/issues", "area"), ("/v1/issues", "unit"), ("/v1/issues", "assignee"), ("/v1/issues", "premises"),
        ("/v1/people", "cell"), ("/v1/premises", "area"), ("/v1/premises", "cell"), ("/v1/cells/summary", "area"), ("/v1/summaries", "area"),
    ):  # fmt: skip
        value = {
            "cell": other.cells[0],
            "area": other.area,
            "unit": other.unit,
            "assignee": their_volunteer.id,
            "premises": their_shop,
        }[name]
        assert (await staff.get(path, **{name: str(value)}))["items"] == [], (path, name)


async def test_each_statement_keeps_to_its_scope_by_itself(town, other, database):
    """Also where another one is asked before it: between the two an issue may have moved."""
    mine, theirs = await town.person("staff"), await other.person("volunteer")
    issue = uuid.UUID((await theirs.report(**other.body()))["issue"]["id"])
    for person, sees in ((mine, False), (theirs, True)):
        token = token_hash(person.client.headers["authorization"])
        assert token is not None
        async with database.acquire() as connection:
            assert bool(await reading.timelines(connection, token, [issue])) == sees
            assert bool(await reading.by_ids(connection, token, [issue])) == sees
            row = await connection.fetchrow(queries.STORED_REPORT, token, issue)
            assert (row["id"] is not None) == sees
            assert bool(await connection.fetchval(queries.SEEN, token, issue)) == sees
            assert (await connection.fetchrow(queries.FOR_CHANGE, token, issue, "UTC") is not None) == sees
            assert bool(await connection.fetch(queries.JOINABLE, token, issue)) == sees


async def test_a_stale_picture_of_a_foreign_issue_tells_nothing(town, other):
    """`If-Match` is compared for who sees the issue alone: a version is told to nobody else."""
    issue, stranger = (await (await other.person("volunteer")).report(**other.body()))["issue"]["id"], await town.person("staff")
    for tag in ('"99"', '"1"', "*"):
        answer = await stranger.call("POST", f"/v1/issues/{issue}/actions", json={"action": "accept"}, headers={"if-match": tag})
        assert answer.status_code == 404, (tag, answer.text)


async def test_the_black_spots_owner_is_of_the_place(town, other, database):
    staff, stranger = await town.person("staff"), await other.person("volunteer")
    issue = (await staff.report(**town.body()))["issue"]["id"]
    async with database.transaction() as connection:
        spot = await connection.fetchval(
            """insert into black_spots (area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at)
            select area_id, cell_id, category, position, mercator, id, 3, now() from issues where id = $1 returning id""", uuid.UUID(issue),
        )  # fmt: skip
    told = [
        (await staff.call("PUT", f"/v1/black-spots/{spot}", json={"owner": str(id), "plan": "x"})).text
        for id in (stranger.id, NOBODY)
    ]
    assert told[0] == told[1] and "/owner" in told[0]


async def test_a_foreign_sponsor_that_a_cell_has_is_given_nothing(town, other, database):
    """Cells that were given one before it was refused: an issue goes to nobody rather than to another community's unit."""
    leader = await town.person("leader")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    async with database.transaction() as connection:
        await connection.execute("update cells set unit_id = $2 where id = $1", town.cells[0], other.unit)
    assert (await leader.act(issue, "assign", expect=422))["errors"][0]["pointer"] == "/unit"


# --- issues that moved away -------------------------------------------------------------------------------------------
@pytest.fixture
def both(town, other, database, run):
    """Staff of the two communities."""

    async def make():
        person = await town.person("staff")
        async with database.transaction() as connection:
            await connection.execute(
                "insert into role_grants (account_id, role, area_id) values ($1, 'staff', $2)", person.id, other.area
            )
        return person

    return run(make())


async def test_a_moved_issue_leaves_the_record_of_premises(town, other, both):
    staff, shop = await town.person("staff"), str(uuid.uuid4())
    await _put(staff, f"/v1/premises/{shop}", 201, **_shop(town))
    moved, reporter = await _moved(town, other, both, category="shopfront_duty", premises=shop, note="机密的话")
    kept = (await reporter.report(**town.body(category="shopfront_duty", premises=shop)))["issue"]
    seen = await staff.get(f"/v1/premises/{shop}")
    assert [i["id"] for i in seen["record"]["issues"]] == [kept["id"]]
    assert (seen["issues"], seen["open"], seen["repeats"]) == (1, 1, 0)
    (listed,) = (await staff.get("/v1/premises", area=str(town.area)))["items"]
    assert (listed["issues"], listed["open"], listed["repeats"]) == (1, 1, 0)
    page = (await staff.call("GET", f"/v1/premises/{shop}/record")).text
    assert moved["number"] not in page and "机密的话" not in page and kept["number"] in page
    # What it was found at stays behind: the other community has no such premises.
    assert (await (await other.person("staff")).get(f"/v1/issues/{moved['id']}"))["premises"] is None


async def test_premises_that_a_moved_issue_still_names(town, other, both, database):
    """As relocated before premises were left behind."""
    staff, shop = await town.person("staff"), str(uuid.uuid4())
    await _put(staff, f"/v1/premises/{shop}", 201, **_shop(town))
    moved, _ = await _moved(town, other, both, category="shopfront_duty", note="机密的话")
    async with database.transaction() as connection:
        await connection.execute("update issues set premises_id = $2 where id = $1", uuid.UUID(moved["id"]), uuid.UUID(shop))
    seen = await staff.get(f"/v1/premises/{shop}")
    assert seen["record"]["issues"] == [] and (seen["issues"], seen["open"]) == (0, 0)
    assert (await staff.get("/v1/premises", area=str(town.area)))["items"][0]["issues"] == 0
    assert moved["number"] not in (await staff.call("GET", f"/v1/premises/{shop}/record")).text


async def test_a_moved_issue_leaves_a_sample(town, other, both, database):
    inspector, their_inspector = await town.person("inspector"), await other.person("inspector")
    monday = date.today() - timedelta(days=date.today().weekday() + 7)
    issues = [(await (await town.person("volunteer")).report(**town.body()))["issue"] for _ in range(2)]
    async with database.transaction() as connection:
        sample = uuid.uuid4()
        await connection.execute(
            "insert into samples (id, area_id, week, percent, closed, by_id) values ($1, $2, $3, 100, 2, $4)",
            sample,
            town.area,
            monday,
            both.id,
        )
        for issue in issues:
            await connection.execute("insert into sample_issues values ($1, $2)", sample, uuid.UUID(issue["id"]))
    moved, kept = issues
    await both.act(moved["id"], "relocate", position={"lat": other.lat + 0.005, "lon": other.lon + 0.005})
    async with database.transaction() as connection:
        await connection.execute("update issues set state = 'closed', closed_at = now() where id = $1", uuid.UUID(moved["id"]))
    await their_inspector.act(moved["id"], "pass_inspection", note="机密的话")
    seen = await inspector.get(f"/v1/samples/{sample}")
    assert [i["id"] for i in seen["issues"]] == [kept["id"]] and (seen["drawn"], seen["passed"]) == (1, 0)
    (listed,) = (await inspector.get("/v1/samples"))["items"]
    assert (listed["drawn"], listed["passed"]) == (1, 0)
    assert (await their_inspector.call("GET", f"/v1/samples/{sample}")).status_code == 404


async def test_joining_a_merged_issue_whose_survivor_moved(town, other, both):
    """A report that joins it becomes an issue of its own here, and tells nothing of the one that moved."""
    leader, late = await town.person("leader"), await town.person("volunteer")
    first, second = [(await (await town.person("volunteer")).report(**town.body(note="机密的话")))["issue"] for _ in range(2)]
    await leader.act(first["id"], "merge", into=second["id"])
    await both.act(second["id"], "relocate", position={"lat": other.lat + 0.005, "lon": other.lon + 0.005})
    answer = await late.call("PUT", f"/v1/reports/{(id := uuid.uuid4())}", json=town.body(issue_id=first["id"]))
    assert answer.status_code == 201 and answer.json()["issue"]["id"] == str(id), answer.text
    assert second["id"] not in answer.text and second["number"] not in answer.text and "机密" not in answer.text
    assert (await (await other.person("staff")).get(f"/v1/issues/{second['id']}"))["reports"] == 2
    # The merged one lies here still: its papers do not name the other, and it cannot be taken out of it.
    for paper in (f"/v1/issues/{first['id']}/dossier.html", f"/v1/issues/{first['id']}", f"/v1/issues/{first['id']}/timeline"):
        assert second["number"] not in (await leader.call("GET", paper)).text
    await leader.act(first["id"], "unmerge", expect=404)


async def test_what_is_handed_over_elsewhere_is_not_counted(town, other, database):
    """An authority of a district is in the directory of both communities; what it owes, each is told of its own."""
    staff, theirs = await town.person("staff"), await other.person("staff")
    district, authority = uuid.uuid4(), str(uuid.uuid4())
    async with database.transaction() as connection:
        await connection.execute(
            "insert into areas values ($1, null, 'district', $2, null, 'Asia/Shanghai')", district, f"区{district.hex[:6]}"
        )
        for area in (town.area, other.area, district):
            await connection.execute("insert into area_tree values ($1, $2)", district, area)
        await connection.execute(
            "insert into authorities (id, area_id, name) values ($1, $2, '交警')", uuid.UUID(authority), district
        )
    until = (date.today() + timedelta(days=5)).isoformat() + "T08:00:00Z"
    for person, place, times in ((staff, town, 1), (theirs, other, 2)):
        for _ in range(times):
            issue = (await person.report(**place.body()))["issue"]["id"]
            for action in ({"action": "accept"}, {"action": "hand_over", "authority": "交警", "reply_by": until}):
                assert (await person.call("POST", f"/v1/issues/{issue}/actions", json=action)).status_code == 200
            if times == 2 and _ == 0:
                await person.act(issue, "reply", to="accepted", note="好")
    for person, counts in ((staff, (1, 0)), (theirs, (1, 1))):
        (seen,) = [a for a in (await person.get("/v1/authorities"))["items"] if a["id"] == authority]
        assert (seen["open"], seen["replies"]) == counts


async def test_a_moved_issue_departs_everywhere(town, other, both, database):
    """Lists, search, sync, tiles, hotspots, papers, exports: what moved is told of to those whom it moved to."""
    from app.maps import tally

    staff, theirs = await town.person("staff"), await other.person("staff")
    photo, word = str(uuid.uuid4()), f"词{uuid.uuid4().hex[:8]}"
    reporter = await town.person("volunteer")
    issue = (await reporter.report(**town.body(photos=[photo], note=word)))["issue"]
    await reporter.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=830)))
    await tally.follow(database)
    cursor = (await staff.get("/v1/changes"))["next_cursor"]
    await both.act(issue["id"], "relocate", position={"lat": other.lat + 0.005, "lon": other.lon + 0.005})
    await tally.follow(database)
    told = await staff.get("/v1/changes", cursor=cursor)
    assert told["removed"] == [issue["id"]] and told["items"] == []
    for person, sees in ((staff, False), (theirs, True), (reporter, True)):
        for query in ({}, {"q": word}, {"q": issue["number"]}, {"open_at": "2026-11-20T00:00:00Z"}):
            found = {i["id"] for i in (await person.get("/v1/issues", **query))["items"]}
            assert (issue["id"] in found) == (sees and "open_at" not in query), (query, sees)
        for path in (f"/v1/issues/{issue['id']}", f"/v1/issues/{issue['number']}", f"/v1/issues/{issue['id']}/timeline", f"/v1/photos/{photo}",
                     f"/v1/reports/{issue['id']}"):  # fmt: skip
            assert (await person.call("GET", path)).status_code == (200 if sees else 404), path
    week = {"area": str(town.area), "photographs": "true"}
    for path in ("/v1/ledger.csv", "/v1/summaries/weekly.json", "/v1/hotspots"):
        answer = await staff.call("GET", path, params=week if "weekly" in path else {"area": str(town.area)})
        assert answer.status_code == 200 and issue["number"] not in answer.text and issue["id"] not in answer.text, path


async def test_photographs_of_a_week_that_have_moved_away(town, other, both, database):
    """Mended here and moved since: its pictures go with the issue."""
    leader, reporter = await town.person("leader"), await town.person("volunteer")
    before, after = str(uuid.uuid4()), str(uuid.uuid4())
    issue = (await reporter.report(**town.body(photos=[before])))["issue"]
    await reporter.call("PUT", f"/v1/photos/{before}", content=encode(scene(seed=841)))
    await leader.act(issue["id"], "assign", assignee=str(reporter.id))
    await reporter.call("PUT", f"/v1/photos/{after}", content=encode(scene(seed=842)))
    await reporter.act(issue["id"], "rectify", arrive=False, photos=[after])
    async with database.transaction() as connection:
        await connection.execute(
            "update photo_files set developed_at = now() where sha256 in (select sha256 from photos where id = any($1))",
            [uuid.UUID(before), uuid.UUID(after)],
        )
    ended = datetime.now(UTC)

    async def pictured():
        """As a paper of days that ended before it moved shows them."""
        async with database.acquire() as connection:
            rows = await pictures.of_span(connection, town.area, ended - timedelta(hours=1), ended, 20, 0)
        return [row["id"] for row in rows]

    assert await pictured() == [issue["id"]]
    await both.act(issue["id"], "relocate", position={"lat": other.lat + 0.005, "lon": other.lon + 0.005})
    assert await pictured() == []


async def test_the_trend_of_a_hotspot_ends_at_the_border(town, app, database):
    """A hotspot beside the border counts what its own community found, not what lies across."""
    from app.maps import tally

    across = Town(app, database, lon=town.lon + 0.02, lat=town.lat)
    await across.build()
    town.people = across.people
    staff, theirs = await town.person("staff"), await across.person("staff")
    position = {"lat": town.lat + 0.005, "lon": town.lon + 0.02 - 0.00005, "accuracy_m": 5}
    for n in range(5):
        await staff.report(**town.body(position=position | {"lat": position["lat"] + n * 1e-6}))
    for n in range(3):
        await theirs.report(
            **across.body(position=position | {"lon": town.lon + 0.02 + 0.00005, "lat": position["lat"] + n * 1e-6})
        )
    await tally.follow(database)
    (spot,) = (await staff.get("/v1/hotspots", area=str(town.area)))["features"]
    assert spot["properties"]["open"] == 5 and spot["properties"]["weeks"][-1] == 5


async def test_what_came_back_is_of_its_own_community(town, app, database):
    """Closed on one side of the border and found on the other: neither is told of the other's, and no black spot is shared."""
    from app.issues import clock_queries, recurrence

    across = Town(app, database, lon=town.lon + 0.02, lat=town.lat)
    await across.build()
    town.people = across.people
    staff, theirs = await town.person("staff"), await across.person("staff")
    here, there = (town.body()["position"] | {"lon": town.lon + 0.02 + by} for by in (-0.00002, 0.00002))
    closed = (await staff.report(**town.body(position=here)))["issue"]["id"]
    await staff.act(closed, "close_unresolved", reason_code="gone")
    for person, place, position, times in ((theirs, across, there, 0), (staff, town, here, 1)):
        found_at = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
        issue = (await person.report(**place.body(position=position, observed_at=found_at)))["issue"]["id"]
        await recurrence.follow(database)
        assert (await person.get(f"/v1/issues/{issue}"))["recurrences"] == times
        async with database.transaction() as connection:
            await connection.execute(clock_queries.PUT_BLACK_SPOT, uuid.UUID(issue))
        (spot,) = (await person.get("/v1/black-spots"))["items"]
        assert spot["latest_issue"] == issue and spot["came_back"] == 0


# --- who was something once -------------------------------------------------------------------------------------------
async def test_an_activity_is_not_taken_back_from_elsewhere(town, other, database):
    """Whoever noted it and is leader elsewhere now, has no say over it any more."""
    leader, id = await town.person("leader"), str(uuid.uuid4())
    await _put(leader, f"/v1/activities/{id}", 201, **_activity(town))
    async with database.transaction() as connection:
        await connection.execute(
            "update role_grants set area_id = $2, cell_id = $3 where account_id = $1", leader.id, other.area, other.cells[0]
        )
    assert (await leader.call("DELETE", f"/v1/activities/{id}")).status_code == 404
    await _put(leader, f"/v1/activities/{id}", 404, **_activity(town))
    await _put(leader, f"/v1/activities/{id}", 404, **_activity(other))


async def test_a_stand_in_in_two_communities_is_not_one_office_matter(town, other, database):
    """A leader of cells in both plans it; the office of one neither ends nor changes what lies in the other."""
    leader, deputy = await town.person("leader"), await town.person("volunteer")
    async with database.transaction() as connection:
        await connection.execute(
            "insert into role_grants (account_id, role, area_id, cell_id) values ($1, 'leader', $2, $3), ($4, 'volunteer', $2, $3)",
            leader.id, other.area, other.cells[0], deputy.id,
        )  # fmt: skip
    staff, only_here = await town.person("staff"), await town.person("volunteer")
    today, id = date.today(), uuid.uuid4()
    days = {"starts_on": (today - timedelta(days=1)).isoformat(), "ends_on": (today + timedelta(days=9)).isoformat()}
    made = await _put(leader, f"/v1/stand-ins/{id}", 200, deputy=str(deputy.id), **days)
    assert len(made["cells"]) == 2
    await _put(staff, f"/v1/stand-ins/{id}", 404, leader=str(leader.id), deputy=str(only_here.id), **days)
    assert (await staff.call("DELETE", f"/v1/stand-ins/{id}")).status_code == 404
    assert len((await leader.get("/v1/stand-ins"))["items"][0]["cells"]) == 2
    # A deputy leads in the communities that know them.
    assert len((await _put(leader, f"/v1/stand-ins/{id}", 200, deputy=str(only_here.id), **days))["cells"]) == 1


async def test_two_leaders_enter_premises_under_one_id(town):
    """At once, each in their own cell: one has them, the other is told 404."""
    first, second, id = await town.person("leader"), await town.person("leader", cell=1), uuid.uuid4()
    there = {"type": "Point", "coordinates": [town.lon + 0.015, town.lat + 0.005]}
    both = await asyncio.gather(
        first.call("PUT", f"/v1/premises/{id}", json=_shop(town)),
        second.call("PUT", f"/v1/premises/{id}", json=_shop(town, frontage=there)),
    )
    assert sorted(answer.status_code for answer in both) == [201, 404], [answer.text for answer in both]
