"""Who is told what, where and when; over a real SMTP server and real HTTP receivers on the loopback."""

import asyncio
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.kit.language import TEXTS
from app.notices import queries, targets
from app.notices.law import KINDS, TOLD
from app.notices.telling import follow, sentence
from app.settings import settings


async def inbox(person, **query):
    return [(n["kind"], n["text"]) for n in reversed((await person.get("/v1/notices", limit=200, **query))["items"])]


async def test_one_issue_from_report_to_reopening_with_every_notice(town, database):
    volunteer, leader, worker, staff = [await town.person(r) for r in ("volunteer", "leader", "worker", "staff")]
    told = await volunteer.report(**town.body(category="building_waste", place="东浦巷12号"))
    issue, number = told["issue"]["id"], told["issue"]["number"]
    await leader.act(issue, "accept")
    await leader.act(issue, "assign", unit=str(town.unit))
    await worker.act(issue, "request_extension", deadline=(datetime.now(UTC) + timedelta(days=9)).isoformat(), reason="需要吊车")
    await leader.act(issue, "refuse_extension", reason="太久")
    await worker.act(issue, "start")
    photo = str(uuid.uuid4())
    await worker.act(issue, "rectify", photos=[photo])
    await volunteer.act(issue, "send_back", reason="还有碎砖")
    await worker.act(issue, "rectify", photos=[str(uuid.uuid4())])
    await volunteer.act(issue, "verify")
    await volunteer.act(issue, "reopen", reason="又来了")
    await staff.act(issue, "close_unresolved", reason_code="not_our_matter", reason="属县住建局")
    for _ in range(2):
        await follow(database)
    what = f"{number} (Uncollected building waste, 东浦巷12号)"
    here = f"{number} Uncollected building waste, 东浦巷12号"
    assert await inbox(volunteer) == [
        ("accepted", f"What you reported, {what}, was accepted."),
        ("mended", f"What you reported, {what}, was mended; please look whether it was."),
        ("mended", f"What you reported, {what}, was mended; please look whether it was."),
        ("closed_unresolved", f"What you reported, {what}, was closed unresolved. 属县住建局"),
    ]
    assert [kind for kind, _ in await inbox(leader)] == ["new", "extension_asked", "to_verify", "to_verify", "reopened"]
    by_worker = await inbox(worker)
    assert [kind for kind, _ in by_worker] == ["assigned", "extension_refused", "sent_back", "closed"] and by_worker[2][
        1
    ] == f"{here}: sent back: 还有碎砖"
    mended = next(n for n in (await volunteer.get("/v1/notices"))["items"] if n["kind"] == "mended")
    assert mended["issue"] == issue and (await volunteer.get("/v1/notices"))["unread"] == 4
    first = (await volunteer.get("/v1/notices", limit=1))["items"][0]["id"]
    assert (await volunteer.call("POST", "/v1/notices/read", json={"ids": [first]})).status_code == 204
    assert (await volunteer.get("/v1/notices", unread=True))["unread"] == 3 and len(await inbox(volunteer, unread=True)) == 3
    await volunteer.call("POST", "/v1/notices/read", json={})
    assert (await volunteer.get("/v1/notices"))["unread"] == 0
    page = await leader.get("/v1/notices", limit=2)
    rest = await leader.get("/v1/notices", limit=50, cursor=page["next_cursor"])
    assert len(page["items"]) == 2 and len(rest["items"]) == 3
    chinese = await town.person("volunteer", language="zh-CN")
    await chinese.report(**town.body())
    assert (await leader.get("/v1/notices")) and "立案" not in str(await inbox(leader))


def test_the_table_names_only_what_exists():
    from app.issues.lifecycle import ACTIONS
    from app.kit.language import TEXTS

    assert set(TOLD) <= {*ACTIONS, "report", "report_mended", "remind", "overdue", "remind_reply", "reply_overdue", "recur"}
    assert all(f"notice-{kind}" in TEXTS for kind in KINDS)


async def test_nobody_is_missed_while_others_write(town, database):
    """Followers that run all the while, and transactions that commit late: in the end each event is told once."""
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    running = True

    async def following():
        while running:
            await follow(database)
            await asyncio.sleep(0.005)

    tasks = [asyncio.create_task(following()) for _ in range(3)]
    issues = await asyncio.gather(*(volunteer.report(**town.body()) for _ in range(40)))
    await asyncio.gather(*(leader.act(i["issue"]["id"], "accept") for i in issues))
    running = False
    await asyncio.gather(*tasks)
    await follow(database)
    assert [k for k, _ in await inbox(volunteer)] == ["accepted"] * 40 and [k for k, _ in await inbox(leader)] == ["new"] * 40


async def request_of(reader):
    """Head and body of an HTTP request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length"))
    return head, await reader.readexactly(length)


class Receiver:
    """A chat robot's end: keeps what it is told and answers as it is set."""

    def __init__(self):
        self.bodies, self.paths, self.answer = [], [], b'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{"errcode": 0}'
        self.hang = False

    async def __call__(self, reader, writer):
        head, body = await request_of(reader)
        self.bodies.append(json.loads(body))
        self.paths.append(head.split(" ")[1])
        if self.hang:
            await asyncio.sleep(5)
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
def receiver(run, monkeypatch):
    robot = Receiver()
    server = run(asyncio.start_server(robot, "127.0.0.1", 0))
    robot.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?key=1"
    monkeypatch.setattr(settings(), "private_targets", True)
    yield robot
    server.close()


async def again(database, do_jobs):
    """As if the time had passed after which channels, hosts and jobs are tried again."""
    async with database.acquire() as connection:
        await connection.execute("update channels set not_before = null, leased_until = null")
        await connection.execute("delete from hosts_away")
        await connection.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
    await do_jobs()


async def add(person, expect=200, **fields):
    answer = await person.call("PUT", f"/v1/channels/{uuid.uuid4()}", json=fields)
    assert answer.status_code == expect, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("wecom", lambda b: b["text"]["content"]),
        ("dingtalk", lambda b: b["text"]["content"]),
        ("feishu", lambda b: b["content"]["text"]),
    ],
)
async def test_chat_robots(town, database, do_jobs, receiver, kind, text):
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    await add(leader, kind=kind, address=receiver.url, secret="SEC1", kinds=["new"], language="zh-CN")
    issue = (await volunteer.report(**town.body(place="东浦巷")))["issue"]
    await follow(database)
    await do_jobs()
    await do_jobs()
    assert [text(b) for b in receiver.bodies] == [f"{issue['number']} 垃圾，东浦巷：新上报，请及时审核立案。"]
    if kind == "dingtalk":
        assert "&timestamp=" in receiver.paths[0] and "&sign=" in receiver.paths[0]
    if kind == "feishu":
        assert receiver.bodies[0]["sign"] and receiver.bodies[0]["timestamp"]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", "target-redirects"),
        (b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", "target-gone"),
    ],
)
async def test_a_robot_that_redirects_or_is_gone_is_switched_off(town, database, do_jobs, receiver, answer, failure):
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    await add(leader, kind="wecom", address=receiver.url)
    receiver.answer = answer
    for _ in range(2):
        await volunteer.report(**town.body())
        await follow(database)
        await do_jobs()
    assert len(receiver.bodies) == 1
    assert (await leader.get("/v1/channels"))["items"][0]["failure"] == failure
    assert [kind for kind, _ in await inbox(leader)] == ["new", "channel_failed", "new"]  # the inbox goes on


async def test_a_robot_that_hangs_or_fails_is_tried_again(town, database, do_jobs, receiver, monkeypatch):
    monkeypatch.setattr(targets, "PATIENCE_S", 0.3)
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    await add(leader, kind="feishu", address=receiver.url)
    await volunteer.report(**town.body())
    await follow(database)
    receiver.hang = True
    await do_jobs()
    receiver.hang = False
    receiver.answer = b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"

    await again(database, do_jobs)
    receiver.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    await again(database, do_jobs)
    await again(database, do_jobs)
    assert len(receiver.bodies) == 3
    async with database.acquire() as connection:
        assert await connection.fetchval(
            "select count(*) from deliveries d join channels c on c.id = d.channel_id where c.account_id = $1 and d.sent_at is not null", leader.id
        ) == 1  # fmt: skip


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("http://example.com/hook", "target-https"), ("https://127.0.0.1/hook", "target-private"), ("https://localhost/x", "target-private"),
        ("https://10.0.0.7/x", "target-private"), ("https://169.254.169.254/latest", "target-private"), ("https://[::1]/x", "target-private"),
        ("https://192.168.1.1:8443/", "target-private"), ("ftp://example.com/x", "target-https"), ("https:///x", "target-https"),
        ("https://no-such-host.invalid/x", "target-unknown"),
    ],
)  # fmt: skip
async def test_addresses_that_a_server_must_not_call(town, address, key):
    from app.kit.language import say

    leader = await town.person("leader")
    told = await add(leader, 422, kind="wecom", address=address)
    assert told["errors"] == [{"pointer": "/address", "code": key, "message": say(key, "en")}]


async def test_mail(town, database, do_jobs, run, monkeypatch):
    letters = []

    async def smtp(reader, writer):
        async def say(line):
            writer.write(line + b"\r\n")
            await writer.drain()

        await say(b"220 test")
        while line := (await reader.readline()).strip():
            word = line[:4].upper()
            if word == b"DATA":
                await say(b"354 go on")
                letters.append(await reader.readuntil(b"\r\n.\r\n"))
                await say(b"250 kept")
            elif word == b"RCPT" and b"nobody" in line:
                await say(b"550 no such mailbox")
            elif word == b"QUIT":
                await say(b"221 bye")
                break
            else:
                await say(b"250 ok")
        writer.close()

    server = await asyncio.start_server(smtp, "127.0.0.1", 0)
    monkeypatch.setattr(settings(), "smtp_url", f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    await add(leader, kind="mail", address="leader@example.org", language="zh-CN")
    await add(leader, kind="mail", address="nobody@example.org")
    assert (await add(leader, 422, kind="mail", address="not a mail"))["errors"][0]["pointer"] == "/address"
    async with database.acquire() as connection:
        await connection.execute("update channels set confirmed_at = now() where account_id = $1", leader.id)
    issue = (await volunteer.report(**town.body(place="东浦巷")))["issue"]
    await follow(database)
    await do_jobs()
    server.close()
    from email import message_from_bytes, policy

    told = [message_from_bytes(letter, policy=policy.default) for letter in letters]
    # That the other channel failed may be told by this one already.
    (letter,) = [letter for letter in told if "停用" not in letter.get_content()]
    assert letter["To"] == "leader@example.org" and issue["number"] in letter["Subject"]
    assert letter.get_content().strip().startswith(f"{issue['number']} 垃圾，东浦巷：新上报，请及时审核立案。")
    failures = {c["address"]: c["failure"] for c in (await leader.get("/v1/channels"))["items"]}
    assert failures == {"leader@example.org": None, "nobody@example.org": "mail-refused"}


async def test_channels_are_their_owners_alone(town, receiver):
    leader, other = await town.person("leader"), await town.person("leader")
    mine = await add(leader, kind="wecom", address=receiver.url)
    assert (await other.get("/v1/channels"))["items"] == []
    stolen = await other.call("PUT", f"/v1/channels/{mine['id']}", json={"kind": "wecom", "address": receiver.url})
    assert stolen.status_code == 404
    assert (await other.call("DELETE", f"/v1/channels/{mine['id']}")).status_code == 404
    assert (await add(leader, 409, kind="wecom", address=receiver.url))["type"] == "/problems/conflict"
    assert (await add(leader, 422, kind="wecom", address=receiver.url + "2", kinds=["gossip"]))["errors"][0][
        "pointer"
    ] == "/kinds"
    assert (await leader.call("DELETE", f"/v1/channels/{mine['id']}")).status_code == 204


async def test_quiet_hours(town, database, receiver):
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    channel = uuid.UUID((await add(leader, kind="wecom", address=receiver.url))["id"])
    local = datetime.now(UTC) + timedelta(hours=8)
    starts, ends = (local - timedelta(hours=1)).strftime("%H:%M"), (local + timedelta(hours=2)).strftime("%H:%M")
    assert await leader.get("/v1/me/quiet-hours") is None
    assert (await leader.call("PUT", "/v1/me/quiet-hours", json={"starts": starts, "ends": ends})).status_code == 204
    assert await leader.get("/v1/me/quiet-hours") == {"starts": starts, "ends": ends}
    async with database.acquire() as connection:
        until = await connection.fetchval(queries.UNDISTURBED_UNTIL, channel, "UTC")
        assert timedelta(hours=1, minutes=58) < until - datetime.now(UTC) <= timedelta(hours=2)
    await volunteer.report(**town.body())
    await follow(database)
    assert len(await inbox(leader)) == 1  # the inbox is not quiet
    async with database.acquire() as connection:
        at = await connection.fetchval(
            "select scheduled_at from procrastinate_jobs where task_name = 'deliver' order by id desc limit 1"
        )
    assert at == until
    outside = {"starts": (local + timedelta(hours=3)).strftime("%H:%M"), "ends": (local + timedelta(hours=4)).strftime("%H:%M")}
    await leader.call("PUT", "/v1/me/quiet-hours", json=outside)
    async with database.acquire() as connection:
        assert await connection.fetchval(queries.UNDISTURBED_UNTIL, channel, "UTC") is None
    await leader.call("PUT", "/v1/me/quiet-hours", json={"starts": "08:00", "ends": "08:00"})
    assert await leader.get("/v1/me/quiet-hours") is None


async def test_past_cases_are_no_news(town, database):
    from app.issues.history import Past, PastEvent, load

    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    at = datetime.now(UTC) - timedelta(days=40)
    case = Past(
        id=uuid.uuid4(), category="litter", lat=town.lat + 0.005, lon=town.lon + 0.005, opened_at=at, reporter_id=volunteer.id, state="accepted",
        events=[
            PastEvent("report", None, "reported", at, volunteer.id, "reporter"),
            PastEvent("accept", "reported", "accepted", at + timedelta(hours=1), leader.id, "leader"),
        ],
    )  # fmt: skip
    async with database.transaction() as connection:
        assert await load(connection, [case], town.area) == 1
    await follow(database)
    assert await inbox(leader) == [] and await inbox(volunteer) == []
    assert (await leader.get(f"/v1/issues/{case.id}"))["state"] == "accepted"


async def test_the_office_is_told_when_something_is_sent_back_for_the_third_time(town, database):
    leader, worker, staff = [await town.person(r) for r in ("leader", "worker", "staff")]
    issue = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    for times in range(1, 5):
        await worker.act(issue, "rectify")
        await leader.act(issue, "send_back", reason=f"第{times}次")
        await follow(database)
        told = [text for kind, text in await inbox(staff) if kind == "sent_back_often"]
        assert len(told) == (times >= 3) and all("第3次" in text for text in told)


class Browser:
    """A browser's subscription and its push service."""

    def __init__(self):
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        from app.notices.push import _text

        self.key, self.auth, self.heads, self.bodies, self.status = (
            ec.generate_private_key(ec.SECP256R1()),
            b"0123456789abcdef",
            [],
            [],
            201,
        )
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.keys = {"p256dh": _text(point), "auth": _text(self.auth)}

    async def __call__(self, reader, writer):
        head, body = await request_of(reader)
        self.heads.append(dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:]))
        self.bodies.append(body)
        writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    def read(self, body):
        import http_ece

        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"))


@pytest.fixture
def browser(run, monkeypatch):
    browser = Browser()
    server = run(asyncio.start_server(browser, "127.0.0.1", 0))
    browser.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/push/abc"
    monkeypatch.setattr(settings(), "private_targets", True)
    yield browser
    server.close()


async def test_web_push_reaches_the_browser_alone_and_forgets_one_that_is_gone(town, database, do_jobs, browser):
    from py_vapid import Vapid02

    leader, volunteer = await town.person("leader", language="zh-CN"), await town.person("volunteer")
    key = (await leader.get("/v1/push-key"))["key"]
    assert key == (await volunteer.get("/v1/push-key"))["key"]
    await add(leader, kind="push", address=browser.url, keys=browser.keys)
    issue = (await volunteer.report(**town.body(place="东浦巷" * 60)))["issue"]
    await follow(database)
    await do_jobs()
    told = browser.read(browser.bodies[0])
    assert told["issue"] == issue["id"] and issue["number"] in told["title"] and "东浦巷" in told["text"]
    head = {name.lower(): value for name, value in browser.heads[0].items()}
    assert head["content-encoding"] == "aes128gcm" and int(head["ttl"]) > 0 and Vapid02.verify(head["authorization"])
    assert head["authorization"].endswith(f"k={key}")
    browser.status = 410
    await volunteer.report(**town.body())
    await follow(database)
    await do_jobs()
    assert (await leader.get("/v1/channels"))["items"] == [] and len(await inbox(leader)) == 2
    for keys in (None, {"p256dh": "AAAA", "auth": browser.keys["auth"]}, {"p256dh": browser.keys["p256dh"], "auth": "AAAA"}):
        refused = await add(leader, 422, kind="push", address=browser.url, **({"keys": keys} if keys else {}))
        assert refused["errors"][0]["pointer"] == "/keys"


async def test_one_message_a_day_in_the_readers_language(town, database, do_jobs, receiver):
    leader, volunteer = await town.person("leader"), await town.person("volunteer")
    channel = await add(leader, kind="wecom", address=receiver.url, daily=True, language="en")
    assert channel["daily"] and channel["language"] == "en"
    numbers = []
    for _ in range(3):
        numbers.append((await volunteer.report(**town.body()))["issue"]["number"])
        await follow(database)
    await do_jobs()
    assert receiver.bodies == []
    async with database.acquire() as connection:
        at = await connection.fetchval(
            "select scheduled_at from procrastinate_jobs where args ->> 'channel' = $1 limit 1", channel["id"]
        )
        assert (at + timedelta(hours=8)).strftime("%H:%M") == "08:30" and timedelta() < at - datetime.now(UTC) <= timedelta(
            days=1
        )
        await connection.execute(
            "update procrastinate_jobs set scheduled_at = now() where args ->> 'channel' = $1", channel["id"]
        )
    await do_jobs()
    lines = [line for body in receiver.bodies for line in body["text"]["content"].splitlines()]
    assert len(receiver.bodies) == 1 and [line.split(" ")[0] for line in lines] == numbers and "newly reported" in lines[0]


async def kinds(person):
    return [kind for kind, _ in await inbox(person)]


def shown(at):
    """An instant as notices show it in the town's zone."""
    return (datetime.fromisoformat(at) + timedelta(hours=8)).strftime("%m-%d %H:%M")


@pytest.mark.parametrize("author", ["volunteer", "leader", "worker", "staff"])
async def test_a_comment_reaches_those_concerned_but_not_its_author(town, database, author):
    people = {role: await town.person(role) for role in ("volunteer", "leader", "worker", "staff")}
    issue = (await people["volunteer"].report(**town.body(place="东浦巷")))["issue"]["id"]
    await people["leader"].act(issue, "assign", unit=str(town.unit))
    await people[author].act(issue, "comment", note="明天有车吗？")
    for _ in range(2):
        await follow(database)
    told = {role: (await kinds(person)).count("commented") for role, person in people.items()}
    assert told == {role: int(role in ("volunteer", "leader", "worker") and role != author) for role in people}
    for role in {"volunteer", "leader", "worker"} - {author}:
        text = next(text for kind, text in await inbox(people[role]) if kind == "commented")
        assert text.endswith("Litter, 东浦巷: a new comment: 明天有车吗？")


async def test_a_comment_on_what_lies_in_no_cell_reaches_the_office(town, database):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    outside = {"lat": town.lat + 0.05, "lon": town.lon + 0.05}
    issue = (await volunteer.report(**town.body(position=outside)))["issue"]["id"]
    await volunteer.act(issue, "comment", note="在路口")
    await follow(database)
    assert await kinds(staff) == ["unplaced", "commented"]


async def test_a_comment_after_reopening_is_no_longer_told_to_the_unit(town, database):
    volunteer, leader, worker = [await town.person(r) for r in ("volunteer", "leader", "worker")]
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    await worker.act(issue, "rectify")
    await leader.act(issue, "verify")
    await leader.act(issue, "reopen", reason="又来了")
    await leader.act(issue, "comment", note="内部讨论")
    await follow(database)
    assert await kinds(worker) == ["assigned", "closed"] and "commented" in await kinds(volunteer)


async def test_a_notice_tells_what_was_so_at_the_event(town, database):
    """Everything is changed before anybody is told: each notice says what it said when it happened."""
    leader, worker, staff, volunteer = [await town.person(r) for r in ("leader", "worker", "staff", "volunteer")]
    issue = (await volunteer.report(**town.body(place="东浦巷")))["issue"]["id"]
    first = (await leader.act(issue, "assign", unit=str(town.unit)))["deadline"]
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    await leader.act(issue, "grant_extension", deadline=later, reason="住户出差")
    reply_by = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    await leader.act(issue, "hand_over", authority="县交警大队", reply_by=reply_by)
    await leader.act(issue, "reclassify", category="graffiti")
    await leader.act(issue, "relocate", position={"lat": town.lat + 0.005, "lon": town.lon + 0.015}, place="北门")
    await staff.act(issue, "close_unresolved", reason_code="gone")
    await follow(database)
    number = (await leader.get(f"/v1/issues/{issue}"))["number"]
    here = f"{number} Litter, 东浦巷"
    assert await inbox(worker) == [
        ("assigned", f"{here}: assigned to you, to be mended by {shown(first)}."),
        ("extension_granted", f"{here}: extended until {shown(later)}."),
    ]
    assert await inbox(staff) == [
        ("handed_over", f"{here}: handed over to 县交警大队, a reply is owed by {shown(reply_by)}."),
    ]
    assert [kind for kind, _ in await inbox(leader)] == ["new"]


async def test_a_notice_is_told_to_whom_it_concerned_then(town, database):
    """Merged before anybody was told: the reporter hears of both, and the first unit of its assignment."""
    volunteer, other, leader, worker = [await town.person(r) for r in ("volunteer", "volunteer", "leader", "worker")]
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    survivor = (await other.report(**town.body()))["issue"]["id"]
    last = (await other.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "accept")
    await leader.act(issue, "assign", unit=str(town.unit))
    await leader.act(issue, "merge", into=survivor)
    await leader.act(survivor, "merge", into=last)
    await follow(database)
    assert await kinds(volunteer) == ["accepted", "merged", "merged"] and await kinds(worker) == ["assigned"]


async def test_who_is_given_what_is_overdue_is_told_so(town, database):
    from app.duties import running

    leader, worker = await town.person("leader"), await town.person("worker")
    unit = uuid.uuid4()
    issue = (await leader.report(**town.body(place="东浦巷")))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    async with database.acquire() as connection:
        await connection.execute("insert into units values ($1, $2, '城管队', 'bureau', '')", unit, town.area)
        await connection.execute(
            "update issues set deadline = now() - interval '5 hours', duty = 'overdue', duty_at = now() - interval '5 hours' "
            "where id = $1", uuid.UUID(issue),
        )  # fmt: skip
    await running.run(database)
    other = await town.person("worker")
    async with database.acquire() as connection:
        await connection.execute("update role_grants set unit_id = $2 where account_id = $1", other.id, unit)
    await leader.act(issue, "assign", unit=str(unit))
    await leader.act(issue, "assign", unit=str(town.unit))
    for _ in range(2):
        await follow(database)
    assert sorted(await kinds(other)) == ["assigned", "overdue"]
    # Whom the clock has told is not told again of the same deadline.
    assert (await kinds(worker)).count("overdue") == 1 and (await kinds(leader)).count("overdue") == 1
    due = (await leader.get(f"/v1/issues/{issue}"))["deadline"]
    texts = dict(await inbox(other))
    assert texts["assigned"].endswith(f"东浦巷: assigned to you; it was due by {shown(due)}, mend it at once.")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", sorted(k[len("notice-") :] for k in TEXTS if k.startswith("notice-") and "subject" not in k))
@pytest.mark.parametrize("place", ["", "东浦巷12号，", "\n"])
def test_no_sentence_limps_where_something_is_not_known(kind, language, place):
    """Nothing is left of the mark before an empty place or reason, and no mark of a place's own is doubled."""
    zone = ZoneInfo("Asia/Shanghai")
    for reason in ("", "还有碎砖"):
        told = {"number": "2026-000001", "category": "litter", "place": place, "reason": reason, "authority": "县交警大队"}
        told |= {
            "channel": "mail",
            "address": "li@example.org",
            "failure": "mail-refused",
            "name": "王芳",
            "by": "李强",
            "to": "赵敏",
        }
        text = sentence(kind, told | {"overdue": 1, "unowned": 2}, {"litter": ("垃圾", "Litter")}, language, zone)
        assert not re.search(r"[，。：:,.；;（(]\s*[，。：:,.；;）)]|[：:]$|^[，：:,]|  |\n", text), text
        assert "2026-000001" in text or kind in ("digest", "thanked", "channel_failed") or "王芳" in text
