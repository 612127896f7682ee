"""The worker under attack: slow robots, dead workers, poisoned rows. Real HTTP, SMTP and workers on the loopback."""

# ruff: noqa: F401, F811 (fixtures of other modules)
import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import asyncpg
import pytest

from app.kit.db import migrate
from app.notices.targets import host_of
from app.notices.telling import tell
from app.notices.work import deliver
from app.settings import settings
from app.worker import working
from tests.pictures import encode, scene
from tests.test_mail import Server
from tests.test_notices import receiver

_PATIENCE_S = 20


async def until(true, patience_s=_PATIENCE_S):
    """Wait for a condition, a coroutine function."""
    async with asyncio.timeout(patience_s):
        while not (found := await true()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


class Slow:
    """A robot that takes every message and answers none until it is released."""

    def __init__(self):
        self.called, self.open, self.most, self.release = [], 0, 0, asyncio.Event()

    async def __call__(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.called.append(head.split(b" ")[1].decode())
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self.release.wait()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()
        finally:
            self.open -= 1
            writer.close()


async def listen(robot):
    server = await asyncio.start_server(robot, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def stored_channel(connection, person, kind, address):
    """A channel as the service kept it before it limited their number."""
    id = uuid.uuid4()
    await connection.execute(
        "insert into channels (id, account_id, kind, address, language, host, confirmed_at) values ($1, $2, $3, $4, 'en', $5, now())",
        id, person.id, kind, address, "mail server" if kind == "mail" else "127.0.0.1",
    )  # fmt: skip
    return id


async def test_sixty_slow_robots_hold_back_neither_photographs_nor_mail(town, app, database, database_url, do_jobs, monkeypatch):
    robot, mail = Slow(), Server()
    (slow, url), (smtp, _) = await listen(robot), await listen(mail)
    monkeypatch.setattr(settings(), "private_targets", True)
    monkeypatch.setattr(settings(), "smtp_url", f"smtp://127.0.0.1:{smtp.sockets[0].getsockname()[1]}")
    attacker, other = await town.person("volunteer"), await town.person("volunteer")
    await do_jobs()
    async with database.transaction() as connection:
        for n in range(60):
            await stored_channel(connection, attacker, "wecom", f"{url}/{n}")
        await tell(connection, [attacker.id], "thanked", f"attack:{attacker.id}", None, {"by": "x", "text": "x"})
        await stored_channel(connection, other, "mail", f"{other.account}@example.org")
    photo = str(uuid.uuid4())

    async def developed():
        return (await other.get(f"/v1/photos/{photo}"))["developed"]

    async def hanging():
        return robot.open

    try:
        async with working(database_url, database, app.state.photos):
            await until(hanging)
            await other.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=uuid.uuid4().int % 2**32)))
            async with database.transaction() as connection:
                await tell(connection, [other.id], "thanked", f"good:{other.id}", None, {"by": "x", "text": "x"})

            async def mail_came():
                return mail.letters

            await until(developed)
            await until(mail_came)
            # All the while the robots hang, and few at a time.
            assert 0 < robot.open <= 2 and robot.most <= 2
            robot.release.set()
    finally:
        robot.release.set()
        slow.close()
        smtp.close()
        async with database.acquire() as connection:
            await connection.execute("delete from channels where account_id = $1", attacker.id)


class Means:
    def __init__(self, database):
        self.database = database


@pytest.fixture
def robot(run, monkeypatch):
    robot = Slow()
    server, robot.url = run(listen(robot))
    monkeypatch.setattr(settings(), "private_targets", True)
    yield robot
    robot.release.set()
    server.close()


@pytest.fixture
def mail(run, monkeypatch):
    """A mail server that keeps silent about a letter until it is released."""
    server = Server()
    listening, url = run(listen(server))
    monkeypatch.setattr(settings(), "smtp_url", url.replace("http", "smtp"))
    yield server
    listening.close()


async def waiting(database, person, kind, address):
    """A channel over which one notice waits."""
    async with database.transaction() as connection:
        channel = await stored_channel(connection, person, kind, address)
        await tell(connection, [person.id], "thanked", f"{channel}", None, {"by": "x", "text": "x"})
    return str(channel)


async def test_while_a_robot_is_slow_nothing_is_held_and_two_workers_send_once(town, database, robot):
    volunteer = await town.person("volunteer")
    channel = await waiting(database, volunteer, "wecom", robot.url)
    tasks = [asyncio.create_task(deliver(Means(database), channel=channel, notice=None)) for _ in range(2)]

    async def called():
        return robot.open

    await until(called)
    async with database.acquire() as connection:
        await connection.execute("set lock_timeout = '1s'")
        await connection.execute("update channels set daily = daily where id = $1", uuid.UUID(channel))
        await connection.execute("reset lock_timeout")
        held = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"
        assert await connection.fetchval(held) == 0
    robot.release.set()
    await asyncio.gather(*tasks)
    await deliver(Means(database), channel=channel, notice=None)
    assert len(robot.called) == 1


async def test_a_killed_workers_mail_is_sent_again_as_the_same_mail(town, database, database_url, do_jobs, mail):
    volunteer = await town.person("volunteer")
    await do_jobs()
    channel = await waiting(database, volunteer, "mail", f"{volunteer.account}@example.org")
    mail.silent = asyncio.Event()
    script = (
        "import asyncio, sys\nfrom types import SimpleNamespace\nfrom app.kit.db import Database\nfrom app.notices.work import deliver\n"
        "async def main():\n    database = await Database.open(sys.argv[1], 2)\n"
        "    await deliver(SimpleNamespace(database=database), channel=sys.argv[2], notice=None)\nasyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, database_url, channel, env=os.environ | {"GRIDPATROL_SMTP_URL": settings().smtp_url}
    )

    async def came():
        return mail.letters

    await until(came)
    process.kill()
    await process.wait()
    mail.silent.set()
    await do_jobs()
    assert len(mail.letters) == 1  # its lease has not run out: it may still be alive
    async with database.transaction() as connection:
        # Another notice meanwhile is another mail.
        await tell(connection, [volunteer.id], "thanked", f"{channel} 2", None, {"by": "y", "text": "y"})
        await connection.execute("update channels set leased_until = now() where id = $1", uuid.UUID(channel))
        await connection.execute("update procrastinate_jobs set scheduled_at = now() where args ->> 'channel' = $1", channel)
    for _ in range(2):  # a mail box has a minute's rest between two
        await do_jobs()
        async with database.transaction() as connection:
            await connection.execute("update channels set not_before = null where id = $1", uuid.UUID(channel))
            await connection.execute("update procrastinate_jobs set scheduled_at = now() where args ->> 'channel' = $1", channel)
    names = [message_from_bytes(letter, policy=policy.default)["Message-ID"] for letter in mail.letters]
    assert len(names) == 3 and names[0] == names[1] != names[2]
    async with database.acquire() as connection:
        assert await connection.fetchval("select lease from channels where id = $1", uuid.UUID(channel)) is None
        unsent = "select count(*) from deliveries where channel_id = $1 and sent_at is null"
        assert await connection.fetchval(unsent, uuid.UUID(channel)) == 0


async def test_what_an_older_version_left_in_the_one_queue_is_done_and_queues_are_shown(town, database, do_jobs, receiver):
    volunteer, admin = await town.person("volunteer"), await town.person("admin")
    channel = await waiting(database, volunteer, "wecom", receiver.url)
    async with database.acquire() as connection:
        await connection.execute("delete from procrastinate_jobs where args ->> 'channel' = $1", channel)
        notice = await connection.fetchval("select notice_id::text from deliveries where channel_id = $1", uuid.UUID(channel))
        old = "select procrastinate_defer_jobs_v1(array[row('gridpatrol', $1, 0, null, null, $2::jsonb, $3)::procrastinate_job_to_defer_v1])"
        await connection.execute(old, "deliver", {"notice": notice, "channel": channel}, None)
        await connection.execute(old, "deliver", {"notice": notice, "channel": channel}, datetime.now(UTC) + timedelta(hours=9))
    waits = [
        job
        for job in (await admin.get("/v1/jobs", state="todo", limit=200))["items"]
        if job["arguments"].get("channel") == channel
    ]
    assert {job["queue"] for job in waits} == {"gridpatrol"} and len(waits) == 2
    metrics = (await admin.call("GET", "/metrics")).text
    shown = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("gridpatrol_queue_"))
    assert float(shown['gridpatrol_queue_jobs{queue="gridpatrol",state="todo"}']) >= 2
    assert float(shown['gridpatrol_queue_wait_seconds{queue="gridpatrol"}']) > 0
    assert {f'gridpatrol_queue_wait_seconds{{queue="{queue}"}}' for queue in ("photos", "messages", "mail", "upkeep")} <= set(
        shown
    )
    await do_jobs()
    assert len(receiver.bodies) == 1


def test_channels_and_jobs_of_the_release_before(run, cluster):
    """Robots and mail addresses in use go on; one that nothing was sent to yet is asked; jobs that wait go to the queue of their kind."""
    name = f"queues_{uuid.uuid4().hex}"
    url = cluster.replace("/gridpatrol?", f"/{name}?")
    account, used, unused, refused, robot = (uuid.uuid4() for _ in range(5))
    before = f"""
      insert into accounts (id, name) values ('{account}', 'x');
      insert into channels (id, account_id, kind, address, failed_at, failure) values
        ('{used}', '{account}', 'mail', 'a@example.org', null, null), ('{unused}', '{account}', 'mail', 'b@example.org', null, null),
        ('{refused}', '{account}', 'mail', 'c@example.org', now(), 'mail-refused'),
        ('{robot}', '{account}', 'wecom', 'https://Me:x@QyApi.example:8443/send?key=1', null, null);
      with n as (insert into notices (account_id, kind, key, data) values ('{account}', 'thanked', 'k', '{{}}') returning id)
        insert into deliveries (notice_id, channel_id, sent_at) select n.id, c.id, now() from n, channels c where c.id in ('{used}', '{refused}');
    """
    jobs = [
        ("develop", "{}"),
        ("deliver", f'{{"channel": "{used}"}}'),
        ("deliver", f'{{"channel": "{robot}"}}'),
        ("sweep_kept", "{}"),
    ]
    before += "".join(
        f"select procrastinate_defer_jobs_v1(array[row('gridpatrol', '{job}', 0, null, null, '{arguments}'::jsonb, null)"
        "::procrastinate_job_to_defer_v1]);"
        for job, arguments in jobs
    )

    async def work(to, *statements):
        connection = await asyncpg.connect(to)
        try:
            return [await (connection.fetch(s) if s.startswith("select ") else connection.execute(s)) for s in statements][-1]
        finally:
            await connection.close()

    run(work(cluster.replace("/gridpatrol?", "/postgres?"), f"create database {name}"))
    migrate(url, "0016")
    run(work(url, before))
    migrate(url)
    channels = {row["id"]: row for row in run(work(url, "select id, host, confirmed_at from channels"))}
    assert {id for id, row in channels.items() if row["confirmed_at"]} == {used, robot}
    assert (
        channels[robot]["host"] == host_of("https://QyApi.example:8443/") == "qyapi.example:8443"
        and channels[used]["host"] == "mail server"
    )
    queues = [row["queue_name"] for row in run(work(url, "select queue_name from procrastinate_jobs order by id"))]
    assert queues == ["photos", "mail", "messages", "upkeep"]
    run(work(cluster.replace("/gridpatrol?", "/postgres?"), f"drop database {name}"))
