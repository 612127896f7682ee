"""Where one room's work meets another's: work that is handed over, accounts that close at that moment, and the order of locks."""

import asyncio
import random
import uuid
from datetime import date, timedelta

from app.notices import queries
from tests.conftest import PICTURE, Town
from tests.test_leaving import close, link_for, said


def days():
    return {"starts_on": str(date.today()), "ends_on": str(date.today() + timedelta(days=3))}


async def stand_in(by, leader, deputy):
    body = days() | {"leader": str(leader.id), "deputy": str(deputy.id)}
    return await by.call("PUT", f"/v1/stand-ins/{uuid.uuid4()}", json=body)


async def hand_over(by, person, to):
    return await by.call("POST", f"/v1/people/{person.id}/hand-over", json={"to": str(to)})


async def waits(database, count, *tasks):
    """Until so many of this database's sessions wait for a lock, or one of the tasks is done."""
    for _ in range(400):
        async with database.acquire() as connection:
            blocked = await connection.fetchval(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            )
        if blocked >= count or any(task.done() for task in tasks):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def test_a_stand_in_is_handed_to_nobody_of_elsewhere(town, database):
    staff, leader, deputy, successor = [await town.person(r) for r in ("staff", "leader", "volunteer", "volunteer")]
    other = Town(town.app, town.database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    stranger = await other.person("volunteer")
    assert (await stand_in(staff, leader, deputy)).status_code == 200
    for to in (stranger.id, uuid.uuid4()):
        answer = await hand_over(staff, deputy, to)
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/to", answer.text
        closing = await staff.call("POST", f"/v1/people/{deputy.id}/close", json={"reason": "", "to": str(to)})
        assert closing.status_code == 422
    assert str(town.cells[0]) not in [c["id"] for c in (await stranger.get("/v1/me"))["cells"]]
    assert (await hand_over(staff, deputy, successor.id)).status_code == 200
    assert [c["id"] for c in (await successor.get("/v1/me"))["cells"]] == [str(town.cells[0])]


async def test_two_whose_work_goes_to_each_other_at_once(town, database):
    staff, one, two = [await town.person(r) for r in ("staff", "worker", "worker")]
    issues = []
    for person in (one, two):
        issues.append((await staff.report(**town.body()))["issue"]["id"])
        await staff.act(issues[-1], "assign", assignee=str(person.id))
    async with database.transaction() as connection:
        await connection.execute("select from issues where id = any($1::uuid[]) order by id for update", issues)
        going = [asyncio.create_task(hand_over(staff, *pair)) for pair in ((one, two.id), (two, one.id))]
        await waits(database, 2, *going)
    answers = await asyncio.gather(*going)
    assert [a.status_code for a in answers] == [200, 200], [a.text for a in answers]


async def test_what_is_handed_over_is_kept(town):
    staff, leader, successor = [await town.person(r) for r in ("staff", "leader", "volunteer")]
    issue = (await staff.report(**town.body()))["issue"]["id"]
    await staff.act(issue, "assign", assignee=str(leader.id))
    assert (await hand_over(staff, leader, successor.id)).status_code == 200
    for _ in range(2):
        assert (await hand_over(staff, leader, successor.id)).status_code == 200
        assert (await close(staff, leader)).status_code == 204
    for _ in range(2):
        assert (await staff.call("POST", f"/v1/people/{leader.id}/reopen")).status_code == 204
    kept = [(d["kind"], d["subject"]["id"], d["area"]["id"]) for d in reversed((await staff.get("/v1/audit"))["items"])]
    area = str(town.area)
    assert kept == [
        ("work_handed", str(leader.id), area), ("role_given", str(successor.id), area),
        ("account_closed", str(leader.id), area), ("account_reopened", str(leader.id), area),
    ]  # fmt: skip


async def test_who_joins_at_the_moment_of_closing_holds_no_role(town, database):
    staff, volunteer = await town.person("staff"), await town.person("volunteer")
    invited = await staff.call("POST", "/v1/invitations", json={"role": "leader", "cell": str(town.cells[1])})
    invited = invited.json()
    async with database.transaction() as connection:
        await connection.execute("select from invitations where id = $1 for update", uuid.UUID(invited["id"]))
        joining = asyncio.create_task(volunteer.call("POST", f"/v1/invitations/{invited['code']}/accept", json={"name": "王"}))
        await waits(database, 1, joining)
        closing = asyncio.create_task(close(staff, volunteer))
        await waits(database, 2, closing)
    assert (await closing).status_code == 204 and (await joining).status_code == 201
    async with database.acquire() as connection:
        assert await connection.fetchval("select count(*) from role_grants where account_id = $1", volunteer.id) == 0


async def test_nobody_stands_in_for_who_is_just_leaving(town, database):
    staff, leader, deputy = [await town.person(r) for r in ("staff", "leader", "volunteer")]
    async with database.transaction() as connection:
        await connection.execute("select from accounts where id = $1 for no key update", deputy.id)
        planning = asyncio.create_task(stand_in(staff, leader, deputy))
        await waits(database, 1, planning)
        closing = asyncio.create_task(close(staff, leader))
        await waits(database, 2, closing)
    assert (await closing).status_code == 204 and (await planning).status_code in (200, 404)
    async with database.acquire() as connection:
        assert await connection.fetchval("select count(*) from stand_ins where leader_id = $1", leader.id) == 0


async def test_a_new_password_by_link_ends_what_a_lost_phone_is_pushed(town, app, database):
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    async with database.acquire() as connection:
        await connection.execute(
            "insert into channels (id, account_id, kind, address, secret) values (gen_random_uuid(), $1, 'push', $2, '')",
            volunteer.id, f"https://push.example/{uuid.uuid4()}",
        )  # fmt: skip
    answer = await town.people[0].post(
        "/v1/password-resets", json={"code": await link_for(leader, volunteer), "password": "雨后的东浦巷很干净"}
    )
    assert answer.status_code == 201, answer.text
    async with database.acquire() as connection:
        assert await connection.fetchval("select count(*) from channels where account_id = $1", volunteer.id) == 0


async def test_who_closes_while_inviting_invites_nobody(town, database):
    admin, leader = await town.person("admin"), await town.person("leader")
    body = {"role": "volunteer", "cell": str(town.cells[0])}
    async with database.transaction() as connection:
        await connection.execute("select from accounts where id = $1 for no key update", leader.id)
        closing = asyncio.create_task(close(admin, leader))
        await waits(database, 1, closing)
        inviting = asyncio.create_task(leader.call("POST", "/v1/invitations", json=body))
        await waits(database, 2, inviting)
    assert (await closing).status_code == 204 and said(await inviting, 404, "not-found")


async def test_everything_at_once_loses_nothing_and_never_waits_in_a_circle(town, database):
    """Twenty people at once: closing, reopening, handing over, giving work, reporting, sending, joining, planning. Each lock is taken in the
    order of docs/adr/0014: nobody is told of an error or of a deadlock, and what was answered is there."""
    admin, staff = await town.person("admin"), await town.person("staff")
    leaders, workers = [await town.person("leader", n % 2) for n in range(4)], [await town.person("worker") for _ in range(4)]
    volunteers = [await town.person("volunteer") for _ in range(3)]
    everybody = [*leaders, *workers, *volunteers]
    invited = await staff.call(
        "POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0]), "uses": 50, "expires_in_hours": 24}
    )
    code = invited.json()["code"]
    issues = [(await staff.report(**town.body()))["issue"]["id"] for _ in range(6)]
    sent, reports, answers = [], [], []

    async def once(who, method, path, body=None, **content):
        answer = await who.call(method, path, **({"json": body} if body is not None else content))
        answers.append((method, path, answer.status_code, answer.text[:200]))
        return answer

    async def report(n):
        id = str(uuid.uuid4())
        if (await once(volunteers[n % 3], "PUT", f"/v1/reports/{id}", town.body())).status_code == 201:
            reports.append(id)

    async def send(n):
        id, who = str(uuid.uuid4()), volunteers[n % 3]
        if (await once(who, "PUT", f"/v1/photos/{id}", content=PICTURE)).status_code == 201:
            sent.append((who.id, id))

    def person(n):
        return everybody[n % len(everybody)]

    deeds = [
        lambda n: once(admin, "POST", f"/v1/people/{person(n).id}/close", {"reason": "x", "to": str(person(n + 1).id)}),
        lambda n: once(staff, "POST", f"/v1/people/{person(n).id}/close", {"reason": "x"}),
        lambda n: once(staff, "POST", f"/v1/people/{person(n).id}/reopen"),
        lambda n: once(admin, "POST", f"/v1/people/{person(n + 1).id}/reopen"),
        lambda n: once(staff, "POST", f"/v1/people/{person(n).id}/hand-over", {"to": str(person(n + 3).id)}),
        lambda n: once(admin, "POST", f"/v1/people/{person(n + 3).id}/hand-over", {"to": str(person(n).id)}),
        lambda n: once(staff, "POST", f"/v1/issues/{issues[n % 6]}/actions", {"action": "assign", "assignee": str(person(n).id)}),
        lambda n: once(admin, "POST", f"/v1/issues/{issues[n % 6]}/actions", {"action": "assign", "assignee": str(person(n + 4).id)}),
        lambda n: once(volunteers[n % 3], "POST", f"/v1/invitations/{code}/accept", {"name": "王"}),
        lambda n: once(staff, "PUT", f"/v1/stand-ins/{uuid.uuid4()}", days() | {"leader": str(leaders[n % 4].id), "deputy": str(person(n).id)}),
        lambda n: once(leaders[n % 4], "POST", "/v1/invitations", {"role": "volunteer", "cell": str(town.cells[0])}),
        lambda n: once(staff, "DELETE", f"/v1/people/{person(n).id}/sessions"),
        report, report, send, send,
    ]  # fmt: skip

    async def task(number):
        dice = random.Random(number)
        for _ in range(4):
            await dice.choice(deeds)(dice.randrange(100))

    await asyncio.gather(*(task(number) for number in range(20)))
    wrong = [a for a in answers if a[2] >= 500]
    assert not wrong, wrong
    assert len(answers) == 80 and {a[2] for a in answers} & {200, 201} and {a[2] for a in answers} & {204}
    async with database.acquire() as connection:
        ids = [uuid.UUID(id) for id in reports]
        assert await connection.fetchval(
            "select count(*) from reports r join issues i on i.id = r.issue_id where r.id = any($1)", ids
        ) == len(ids)
        for account, id in sent:
            assert (
                await connection.fetchval("select state from photos where id = $1 and account_id = $2", uuid.UUID(id), account)
                == "stored"
            )
        # No closed account holds a role, and each version of an issue is told once.
        assert await connection.fetchval(
            "select count(*) from role_grants g join accounts a on a.id = g.account_id where a.disabled_at is not null and a.id = any($1)",
            [p.id for p in everybody],
        ) == 0  # fmt: skip
        assert await connection.fetchval(
            "select count(*) from issues i where i.area_id = $1 and i.version <> (select count(*) from events e where e.issue_id = i.id)", town.area
        ) == 0  # fmt: skip


async def own_spot(database, issue, owner):
    async with database.acquire() as connection:
        await connection.execute(
            "insert into black_spots (id, area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at, owner_id)"
            " select gen_random_uuid(), area_id, cell_id, category, position, mercator, id, 3, now(), $2 from issues where id = $1",
            uuid.UUID(issue), owner.id,
        )  # fmt: skip


async def closed_list(by):
    return {p["id"] for p in (await by.get("/v1/people", closed=True, limit=200))["items"]}


async def test_what_somebody_leaves_is_their_own_offices(town, database):
    """Each condition by itself: a left issue, a left black spot, a role elsewhere, a cell that is another's, a colleague."""
    other = Town(town.app, town.database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    staff, leader, colleague, stranger = [await town.person(r) for r in ("staff", "leader", "leader", "inspector")]
    theirs = await other.person("staff")
    with_issue, with_spot, member = [await town.person("volunteer") for _ in range(3)]
    for person, cell in ((with_issue, 0), (member, 1), (member, 0)):
        issue = (await staff.report(**town.body(cell=cell)))["issue"]["id"]
        await staff.act(issue, "assign", assignee=str(person.id))
        await own_spot(database, issue, with_spot if person is with_issue else person)
    # A leader hands over what is of their cells, and sees no more of the rest.
    work = await leader.get(f"/v1/people/{member.id}/work")
    assert (work["issues"]["count"], len(work["black_spots"])) == (1, 1)
    given = await hand_over(leader, member, leader.id)
    assert given.json() == {"issues": 1, "cells": 0, "black_spots": 1}
    async with database.acquire() as connection:
        assert await connection.fetchval("select count(*) from black_spots where owner_id = $1", member.id) == 1
    for by, person in ((leader, colleague), (leader, stranger)):
        assert (await by.call("GET", f"/v1/people/{person.id}/work")).status_code == 404
    async with database.acquire() as connection:
        await connection.execute("delete from role_grants where account_id = any($1)", [with_issue.id, with_spot.id])
    for person in (with_issue, with_spot):
        assert str(person.id) in await closed_list(staff) and str(person.id) not in await closed_list(theirs)
        assert (await theirs.call("GET", f"/v1/people/{person.id}/work")).status_code == 404
        assert (await staff.call("GET", f"/v1/people/{person.id}/work")).status_code == 200
    # Who holds a role elsewhere has not left: they are that office's.
    async with database.acquire() as connection:
        await connection.execute(
            "insert into role_grants (account_id, role, area_id) values ($1, 'volunteer', $2)", with_issue.id, other.area
        )
    assert (await staff.call("GET", f"/v1/people/{with_issue.id}/work")).status_code == 404
    assert str(with_issue.id) not in await closed_list(staff)
    # Closed accounts with roles are listed for who sees the roles.
    assert (await close(staff, member)).status_code == 204
    assert str(member.id) in await closed_list(staff) and str(member.id) not in await closed_list(theirs)


async def test_nobody_stands_in_for_themselves_and_no_link_comes_back(town, app):
    staff, leader, deputy, volunteer = [await town.person(r) for r in ("staff", "leader", "volunteer", "volunteer")]
    assert (await stand_in(staff, leader, deputy)).status_code == 200
    assert (await hand_over(staff, deputy, leader.id)).status_code == 200
    (plan,) = (await staff.get("/v1/stand-ins"))["items"]
    assert (plan["leader"]["id"], plan["deputy"]["id"]) == (str(leader.id), str(deputy.id))
    code = await link_for(leader, volunteer)
    assert (await close(staff, leader)).status_code == 204
    assert (await staff.call("POST", f"/v1/people/{leader.id}/reopen")).status_code == 204
    body = {"code": code, "password": "雨后的东浦巷很干净"}
    assert said(await town.people[0].post("/v1/password-resets", json=body), 410, "reset-over")


async def test_who_was_too_slow_does_not_end_anothers_turn(town, database):
    """A lease that has run out is taken over; who held it before says then that they are done."""
    person, id, (slow, quick) = await town.person("volunteer"), uuid.uuid4(), (uuid.uuid4(), uuid.uuid4())
    async with database.acquire() as connection:
        await connection.execute(
            "insert into channels (id, account_id, kind, address, secret) values ($1, $2, 'mail', 'a@b.example', '')",
            id,
            person.id,
        )
        for lease in (slow, quick):
            await connection.execute(queries.CLAIM, id, lease, timedelta(minutes=1))
        await connection.execute(queries.RELEASE, id, slow)
        assert await connection.fetchval("select lease from channels where id = $1", id) == quick
        await connection.execute(queries.RELEASE, id, quick)
        assert await connection.fetchval("select lease from channels where id = $1", id) is None
