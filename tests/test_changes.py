"""Delta sync: nothing is missed, nothing is shown that is not the caller's, whichever transaction began first."""

import asyncio
import random
import time
import uuid

import pytest

from app.issues.reading import renumber
from app.issues.schemas import Changes
from app.kit import paging
from app.kit.access import CALLER, Caller, token_hash
from app.maps import tally
from app.notices import telling as notices
from tests.pictures import JPEG


class Phone:
    """Follows the feed and keeps a book of what it was told."""

    def __init__(self, person, **parameters):
        self.person, self.parameters, self.cursor, self.book = person, parameters, None, {}

    async def pull(self, limit=50):
        """Pages until there is no more now; ids that came and ids that went."""
        came, went = [], []
        while True:
            parameters = self.parameters if self.cursor is None else {"cursor": self.cursor}
            page = await self.person.get("/v1/changes", limit=limit, **parameters)
            Changes.model_validate(page)
            for id in page["removed"]:
                self.book.pop(id, None)
                went.append(id)
            for item in page["items"]:
                self.book[item["id"]] = item
                came.append(item["id"])
            self.cursor = page["next_cursor"]
            if not page["more"]:
                return came, went


async def test_first_everything_then_only_what_changed(town):
    leader = await town.person("leader")
    ids = [(await leader.report(**town.body()))["issue"]["id"] for _ in range(7)]
    await leader.act(ids[1], "reject", reason="重复")
    phone, lean = Phone(leader), Phone(leader, open=True)
    came, went = await phone.pull(limit=3)
    assert sorted(came) == sorted(ids) and came[0] == ids[1] and not went  # latest change first, each once
    assert phone.book[ids[2]] == await leader.get(f"/v1/issues/{ids[2]}")
    assert set((await lean.pull(limit=2))[0]) == set(ids) - {ids[1]}
    assert await phone.pull() == ([], [])
    await leader.act(ids[3], "accept")
    photo = str(uuid.uuid4())
    await leader.act(ids[4], "comment", note="看", photos=[photo])
    assert set((await phone.pull())[0]) == {ids[3], ids[4]}
    await leader.call("PUT", f"/v1/photos/{photo}", content=JPEG)
    assert (await phone.pull())[0] == [ids[4]] and phone.book[ids[4]]["photos"][0]["state"] == "stored"
    # A closed one is told to who only began with what is open.
    staff = await town.person("staff")
    await staff.act(ids[5], "close_unresolved", reason_code="gone")
    assert ids[5] in (await lean.pull())[0] and lean.book[ids[5]]["state"] == "closed"


async def test_what_leaves_the_scope_is_told_once(town, database):
    leader, worker, staff = [await town.person(r) for r in ("leader", "worker", "staff")]
    other = uuid.uuid4()
    async with database.acquire() as connection:
        await connection.execute("insert into units values ($1, $2, '物业', 'property_manager', '')", other, town.area)
    id = (await leader.report(**town.body()))["issue"]["id"]
    phone, stranger = Phone(worker), Phone(await town.person(None))
    assert await phone.pull() == ([], []) and await stranger.pull() == ([], [])
    await leader.act(id, "assign", unit=str(town.unit))
    assert await phone.pull() == ([id], [])
    await leader.act(id, "assign", unit=str(other))
    assert await phone.pull() == ([], [id])
    assert await phone.pull() == ([], [])
    # There and back between two looks: it never left.
    await leader.act(id, "assign", unit=str(town.unit))
    await phone.pull()
    await leader.act(id, "assign", unit=str(other))
    await leader.act(id, "assign", unit=str(town.unit))
    assert await phone.pull() == ([id], [])
    await leader.act(id, "assign", assignee=str(worker.id))
    assert await phone.pull() == ([id], [])  # not by his unit any more, but by his name
    await staff.act(id, "assign", unit=str(other))
    assert await phone.pull() == ([], [id])
    # Who never saw it is not told that it went.
    assert await stranger.pull() == ([], [])


async def test_relocated_into_another_community(town, app, database):
    from tests.conftest import Town

    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    reporter, neighbour, staff = await town.person("volunteer"), await town.person("volunteer"), await town.person("staff")
    there = await other.person("leader")
    id = (await reporter.report(**town.body()))["issue"]["id"]
    phones = {name: Phone(p) for name, p in (("reporter", reporter), ("neighbour", neighbour), ("there", there))}
    for phone in phones.values():
        await phone.pull()
    await staff.act(id, "relocate", position={"lat": other.lat + 0.005, "lon": other.lon + 0.005})
    assert await phones["neighbour"].pull() == ([], [id])
    assert await phones["reporter"].pull() == ([id], []) and await phones["there"].pull() == ([id], [])


async def test_merge_and_its_undo_keep_every_report_picture_and_event(town):
    await town.open_to_anybody()
    first, second, third, leader = [await town.person(r) for r in (None, None, None, "leader")]
    photos = {p.account: str(uuid.uuid4()) for p in (first, second, third)}
    ours = (await first.report(**town.body(photos=[photos[first.account]])))["issue"]["id"]
    theirs = (await second.report(**town.body(photos=[photos[second.account]])))["issue"]["id"]
    # A stranger to the community may join only what he sees; the leader passes it on through the reporter's own issue.
    joined = (await leader.report(**town.body(issue_id=theirs)))["issue"]
    assert joined["id"] == theirs and joined["reports"] == 2
    phones = {p.account: Phone(p) for p in (first, second, third, leader)}
    for phone in phones.values():
        await phone.pull()
    await leader.act(theirs, "merge", into=ours)
    survivor = await leader.get(f"/v1/issues/{ours}")
    assert survivor["reports"] == 3 and {p["id"] for p in survivor["photos"]} == {photos[first.account], photos[second.account]}
    merged = await leader.get(f"/v1/issues/{theirs}")
    assert (merged["state"], merged["merged_into"], merged["reports"], merged["photos"]) == ("merged", ours, 0, [])
    # The reporter of the merged one hears of the survivor from now on.
    assert set((await phones[second.account].pull())[0]) == {ours, theirs}
    assert phones[second.account].book[theirs]["merged_into"] == ours
    assert await phones[third.account].pull() == ([], [])
    await leader.act(ours, "accept")
    assert (await phones[second.account].pull())[0] == [ours]
    assert (await second.get(f"/v1/photos/{photos[second.account]}"))["state"] == "awaited"
    assert (await second.call("PUT", f"/v1/photos/{photos[second.account]}", content=JPEG)).status_code == 201
    assert (await first.call("GET", f"/v1/photos/{photos[second.account]}")).status_code == 200  # evidence of what he reported
    # The survivor is merged on, and then the first merge undone: what it moved is found where it is now.
    last = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(ours, "merge", into=last)
    for phone in phones.values():
        await phone.pull()
    await leader.act(theirs, "unmerge")
    back, there = await leader.get(f"/v1/issues/{theirs}"), await leader.get(f"/v1/issues/{last}")
    assert (back["state"], back["reports"], back["merged_into"]) == ("reported", 2, None)
    assert [p["id"] for p in back["photos"]] == [photos[second.account]] and back["photos"][0]["state"] == "stored"
    assert there["reports"] == 2 and [p["id"] for p in there["photos"]] == [photos[first.account]]
    came, went = await phones[second.account].pull()
    assert came == [theirs] and went == [last]
    assert (await first.call("GET", f"/v1/photos/{photos[second.account]}")).status_code == 404
    await leader.act(ours, "unmerge")
    assert (await leader.get(f"/v1/issues/{ours}"))["reports"] == 1 and (await leader.get(f"/v1/issues/{last}"))["reports"] == 1
    for issue, actions in (
        (theirs, ["report", "report", "merge", "unmerge"]),
        (ours, ["report", "absorb", "accept", "photo", "merge", "unmerge"]),
        (last, ["report", "absorb", "release", "release"]),
    ):
        assert [e["action"] for e in (await leader.get(f"/v1/issues/{issue}/timeline"))["items"]] == actions


async def test_nobody_is_told_what_is_not_his(town, app, database):
    from tests.conftest import Town

    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    theirs = (await (await other.person("volunteer")).report(**other.body()))["issue"]["id"]
    mine = (await (await town.person("volunteer")).report(**town.body()))["issue"]["id"]
    for role in ("volunteer", "leader", "staff", "inspector"):
        phone = Phone(await town.person(role))
        await phone.pull()
        assert mine in phone.book and theirs not in phone.book
    admin = Phone(await town.person("admin"))
    await admin.pull(limit=200)
    assert {mine, theirs} <= set(admin.book)


async def test_cursors_that_are_over(town, app, database):
    leader, staff = await town.person("leader"), await town.person("staff")
    phone = Phone(leader)
    await phone.pull()
    for cursor in ("nonsense", phone.cursor[:-2] + "xx", "é"):
        assert (await leader.call("GET", "/v1/changes", params={"cursor": cursor})).status_code == 422
    secret = app.state.secret
    parts = paging.unseal(secret, "changes", phone.cursor)

    async def refused(changes):
        cursor = paging.seal(secret, "changes", [*parts[: changes[0]], changes[1], *parts[changes[0] + 1 :]])
        answer = await leader.call("GET", "/v1/changes", params={"cursor": cursor})
        assert answer.status_code == 410 and answer.json()["type"] == "/problems/cursor-over"

    await refused((0, "another.1"))  # of another database
    await refused((2, int(time.time()) - 31 * 86400))  # too old
    assert (await staff.call("GET", "/v1/changes", params={"cursor": phone.cursor})).status_code == 410  # another's
    # New roles, new scope: begin again.
    async with database.acquire() as connection:
        await connection.execute(
            "insert into role_grants (account_id, role, area_id) values ($1, 'inspector', $2)", leader.id, town.area
        )
    assert (await leader.call("GET", "/v1/changes", params={"cursor": phone.cursor})).status_code == 410


async def test_a_dump_restored_on_another_server_marks_everything_as_changed(town, database):
    leader = await town.person("leader")
    id = (await leader.report(**town.body()))["issue"]["id"]
    phone = Phone(leader)
    await phone.pull()
    async with database.transaction() as connection:
        await renumber(connection)
    assert await phone.pull() == ([], [])
    async with database.transaction() as connection:
        await connection.execute("update secrets set value = 'another' where name = 'database'")
        await connection.execute("update issues set tx = '9223372036854775807'::xid8 where id = $1", uuid.UUID(id))
        await connection.execute("update events set tx = '9223372036854775807'::xid8 where issue_id = $1", uuid.UUID(id))
        await connection.execute("update followers set snapshot = '9223372036854775000:9223372036854775000:'")
        await renumber(connection)
    assert (await phone.pull())[0] == [id]
    assert await phone.pull() == ([], [])
    # Followers go on: what was told is not told again, what is new is; and the map is counted anew.
    later = (await (await town.person("staff")).report(**town.body()))["issue"]["id"]
    await notices.follow(database)
    assert [n["issue"] for n in (await leader.get("/v1/notices"))["items"]] == [later]
    await tally.follow(database)
    async with database.acquire() as connection:
        assert {str(r["id"]) for r in await connection.fetch("select id from map_issues where area_id = $1", town.area)} == {
            id,
            later,
        }


@pytest.mark.parametrize("seed", [1, 2])
async def test_concurrent_writers_and_a_polling_reader(town, app, database, seed):
    """Writers whose transactions overlap and commit in any order; readers who poll all the while. In the end every book is the
    truth: each issue of the scope at its last version, and nothing else."""
    from app.issues.actions import act

    dice = random.Random(seed)
    leader, staff, worker, volunteer = [await town.person(r) for r in ("leader", "staff", "worker", "volunteer")]
    other = uuid.uuid4()
    async with database.acquire() as connection:
        await connection.execute("insert into units values ($1, $2, '物业', 'property_manager', '')", other, town.area)
    ids = [(await volunteer.report(**town.body()))["issue"]["id"] for _ in range(12)]
    token = token_hash(staff.client.headers["authorization"])
    writing = True

    async def slow_writer():
        """Acts inside a transaction that stays open for a while after: it began before others that commit earlier."""
        for _ in range(25):
            action, fields = dice.choice(
                [("comment", {"note": "n"}), ("assign", {"unit": str(town.unit)}), ("assign", {"unit": str(other)})]
            )
            try:
                async with database.transaction() as connection:
                    caller = Caller.of(await connection.fetchrow(CALLER, token))
                    await asyncio.sleep(dice.random() * 0.02)
                    await act(connection, caller, token, uuid.UUID(dice.choice(ids)), action, fields, None)
                    await asyncio.sleep(dice.random() * 0.05)
            except Exception as error:  # two at once: refused, and nothing written
                assert getattr(error, "status", None) == 409, error

    async def reporter():
        for _ in range(25):
            ids.append((await volunteer.report(**town.body()))["issue"]["id"])
            await asyncio.sleep(dice.random() * 0.02)

    async def read(phone):
        while writing:
            await phone.pull(limit=dice.choice([1, 3, 50]))
            await asyncio.sleep(dice.random() * 0.01)
        await phone.pull()

    phones = [Phone(leader), Phone(worker), Phone(volunteer)]
    readers = [asyncio.create_task(read(phone)) for phone in phones]
    await asyncio.gather(*(slow_writer() for _ in range(5)), reporter())
    writing = False
    await asyncio.gather(*readers)
    for phone in phones:
        truth, cursor = {}, None
        while True:
            page = await phone.person.get("/v1/issues", limit=200, **({"cursor": cursor} if cursor else {}))
            truth |= {i["id"]: i for i in page["items"]}
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert {i: v["version"] for i, v in phone.book.items()} == {i: v["version"] for i, v in truth.items()}
        assert phone.book == truth
