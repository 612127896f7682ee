"""What is past its term goes, batch by batch, and nothing else does; docs/retention.md says what stays."""

import asyncio
import io
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog
from PIL import Image
from rich.console import Console

from app.kit import housekeeping
from app.kit.housekeeping import KEPT, RULES, carry_out
from app.kit.language import TEXTS
from app.photos import store, verifying
from app.photos.store import FolderStore
from app.photos.work import purge
from app.settings import settings
from tests.pictures import encode, scene, with_exif

BY_KIND = {rule.kind: rule for rule in RULES}
PAGE = (Path(__file__).parents[1] / "docs" / "retention.md").read_text("utf-8")


def _rows(tables, *more):
    return f"| {' | '.join(filter(None, more[:1]))} | {', '.join(f'`{table}`' for table in tables)} | {' | '.join(more[1:])}"


def test_the_page_says_what_the_program_does():
    told = [line for line in PAGE.splitlines() if line.startswith("| ") and "`" in line]
    for rule in RULES:
        days = type(settings()).model_fields[rule.setting].default if rule.setting else rule.days
        setting = f"`GRIDPATROL_{rule.setting.upper()}` |" if rule.setting else "|"
        line = f"{_rows(rule.tables, rule.kind, f'{days} day' + 's' * (days > 1))} | {setting}"
        assert line in told, line
        assert f"kept-{rule.kind}" in TEXTS
    for what, tables in KEPT.items():
        assert any(line.startswith(_rows(tables, what, "")) for line in told), what
    assert len(told) == len(RULES) + len(KEPT)


async def test_every_table_of_the_database_has_a_term_or_a_reason(database):
    async with database.acquire() as connection:
        tables = {row[0] for row in await connection.fetch("select tablename from pg_tables where schemaname = 'public'")}
    named = [table for rule in RULES for table in rule.tables] + [table for tables in KEPT.values() for table in tables]
    assert sorted(named) == sorted(tables)


async def old_and_young(connection, person, town, days):
    """For each kind a row that is past its term by a day and one that is not by a day; the statement that counts what is left."""

    def add(table, columns, *values):
        marks = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        return connection.execute(f"insert into {table} ({columns}) values ({marks})", *values)

    counts = {}
    for off in (1, -1):

        def ago(kind, off=off):
            return datetime.now(UTC) - timedelta(days=days[kind] + off)

        id = uuid.uuid4()
        await add("idempotency_keys", "scope, key, fingerprint, created_at", str(person), str(id), b"x", ago("idempotency_keys"))
        await add("throttles", "subject, count, resets_at", f"{person} {off}", 1, ago("throttles"))
        await add("departures", "audience, issue_id, at", person, id, ago("departures"))
        for n, (expires, revoked) in enumerate(
            ((ago("sessions"), None), (datetime.now(UTC) + timedelta(days=9), ago("sessions")))
        ):
            await add(
                "sessions",
                "id, account_id, token_hash, expires_at, revoked_at",
                uuid.uuid4(),
                person,
                os.urandom(32),
                expires,
                revoked,
            )
            invited = (
                uuid.uuid4(),
                os.urandom(32),
                person,
                "volunteer",
                town.area,
                1,
                ago("invitations") if n == 0 else expires,
                revoked and ago("invitations"),
            )
            await add("invitations", "id, code_hash, inviter_id, role, area_id, uses, expires_at, revoked_at", *invited)
        channel = uuid.uuid4()
        await add("channels", "id, account_id, kind, address", channel, person, "mail", f"{channel}@example.org")
        await add("notices", "id, account_id, kind, key, created_at", id, person, "overdue", str(id), ago("notices"))
        await add("deliveries", "notice_id, channel_id", id, channel)
        walk = uuid.uuid4()
        await add("patrols", "id, account_id, started_at, counted_at", walk, person, ago("tracks"), ago("tracks"))
        await connection.execute(
            "insert into patrol_points values ($1, now(), st_setsrid(st_makepoint(1, 1), 4326), $2)", walk, ago("tracks")
        )
        job = await connection.fetchval(
            "insert into procrastinate_jobs (queue_name, task_name, args, status) values ('x', $1, '{}', 'todo') returning id",
            str(person),
        )
        await connection.execute("update procrastinate_jobs set status = 'doing' where id = $1", job)
        await connection.execute("update procrastinate_jobs set status = 'failed' where id = $1", job)
        await connection.execute(
            "insert into procrastinate_periodic_defers (task_name, defer_timestamp, job_id, periodic_id) values ($1, $2, $3, '')",
            str(person),
            off,
            job,
        )
        await connection.execute("update procrastinate_events set at = $2 where job_id = $1", job, ago("failed_jobs"))
    for kind, table, column, per in (
        ("idempotency_keys", "idempotency_keys", "scope", 1), ("throttles", "throttles", "split_part(subject, ' ', 1)", 1),
        ("departures", "departures", "audience::text", 1),
        ("sessions", "sessions", "account_id::text", 2), ("invitations", "invitations", "inviter_id::text", 2), ("notices", "notices", "account_id::text", 1),
        ("tracks", "patrol_points x join patrols p on p.id = x.patrol_id", "p.account_id::text", 1), ("failed_jobs", "procrastinate_jobs", "task_name", 1),
    ):  # fmt: skip
        counts[kind] = (f"select count(*) from {table} where {column} = $1", per)
    return counts


async def test_what_is_past_its_term_goes_and_nothing_else(town, database, monkeypatch):
    """Two runs at once, and one more: each row once, none too early."""
    person = (await town.person(None)).id
    admin = await town.person("admin")
    async with database.transaction() as connection:
        await connection.execute("delete from sessions where account_id = $1", person)
        counts = await old_and_young(connection, person, town, {rule.kind: rule.term() for rule in RULES})
    monkeypatch.setattr(housekeeping, "_BATCHES", 3)

    async def left():
        async with database.acquire() as connection:
            return {kind: await connection.fetchval(count, str(person)) / per for kind, (count, per) in counts.items()}

    assert set((await left()).values()) == {2}
    means = SimpleNamespace(database=database)
    before = {item["kind"]: item["removed_in_all"] for item in (await admin.get("/v1/retention"))["items"]}
    await asyncio.gather(housekeeping.sweep(means), housekeeping.sweep(means))
    assert set((await left()).values()) == {1}
    await housekeeping.sweep(means)
    assert set((await left()).values()) == {1}
    told = {item["kind"]: item for item in (await admin.get("/v1/retention"))["items"]}
    assert told.keys() == BY_KIND.keys()
    for kind, (_, per) in counts.items():
        assert told[kind]["ran_at"] and told[kind]["removed_in_all"] - before[kind] >= per, kind
    assert told["sessions"]["setting"] == "GRIDPATROL_ENDED_SESSION_DAYS" and told["sessions"]["days"] == 90
    assert (await (await town.person("staff")).call("GET", "/v1/retention")).status_code == 403


async def test_a_row_that_somebody_holds_is_waited_for_by_nobody(town, database):
    person = (await town.person(None)).id
    async with database.transaction() as connection:
        await connection.execute("update sessions set revoked_at = now() - interval '91 days' where account_id = $1", person)
    async with database.transaction() as connection:
        await connection.execute("select from sessions where account_id = $1 for update", person)
        await asyncio.wait_for(carry_out(database, BY_KIND["sessions"]), 5)
        assert await connection.fetchval("select count(*) from sessions where account_id = $1", person) == 1
    assert await carry_out(database, BY_KIND["sessions"]) >= 1


@pytest.fixture
def objects(app, tmp_path, monkeypatch):
    folder = FolderStore(tmp_path / "photos")
    monkeypatch.setitem(app.state._state, "photos", folder)
    return folder


async def photographed(town, content, **changes):
    volunteer, photo = await town.person("volunteer"), str(uuid.uuid4())
    issue = (await volunteer.report(**town.body(photos=[photo], **changes)))["issue"]
    assert (await volunteer.call("PUT", f"/v1/photos/{photo}", content=content)).status_code == 201
    return issue["id"], photo


async def pass_time(database, town, days):
    async with database.transaction() as connection:
        for column in ("closed_at", "updated_at", "created_at"):
            await connection.execute(
                f"update issues set {column} = {column} - make_interval(days => $1) where area_id = $2", days, town.area
            )
        await connection.execute(
            "update photo_files set created_at = created_at - make_interval(days => $1) where sha256 in ("
            "select p.sha256 from photos p join evidence e on e.photo_id = p.id join issues i on i.id = e.issue_id where i.area_id = $2)",
            days, town.area,
        )  # fmt: skip


async def away(keys):
    raise ConnectionError("the store is away")


async def test_an_original_goes_when_its_last_issue_is_long_closed(town, app, database, do_jobs, objects, monkeypatch, capsys):
    content = with_exif("2026:11:20 08:00:00", (24, 40, 12), (102, 54, 0), seed=77)
    assert Image.open(io.BytesIO(content)).getexif()
    staff = await town.person("staff")
    ended, photo = await photographed(town, content)
    again, twice = await photographed(town, content)  # the same bytes show another issue
    _, kept = await photographed(town, encode(scene(seed=78)))
    await do_jobs()
    for id in (ended, again):
        await staff.act(id, "close_unresolved", reason_code="gone")
    means = SimpleNamespace(database=database, objects=objects)
    path = f"/v1/photos/{photo}/original"
    await purge(means)
    assert (await staff.call("GET", path)).content == content
    facts = await staff.get(f"/v1/photos/{photo}")
    await pass_time(database, town, 366)
    async with database.transaction() as connection:
        await connection.execute("update issues set closed_at = now() - interval '364 days' where id = $1", uuid.UUID(again))
    await purge(means)
    assert (await staff.call("GET", path)).content == content  # the other issue's term is not over
    async with database.transaction() as connection:
        await connection.execute("update issues set closed_at = now() - interval '366 days' where id = $1", uuid.UUID(again))
    with monkeypatch.context() as patch:
        patch.setattr(settings(), "original_days", 0)
        await purge(means)
        assert (await staff.call("GET", path)).content == content
    # An upgrade that brought the term leaves its operator time to say that originals shall stay.
    grace = "insert into retention (kind, not_before) values ('originals', now() + $1::interval) on conflict (kind) do update set not_before = excluded.not_before"
    async with database.acquire() as connection:
        await connection.execute(grace, timedelta(days=14))
        with structlog.testing.capture_logs() as logs:
            await purge(means)
        assert (await staff.call("GET", path)).content == content and "GRIDPATROL_ORIGINAL_DAYS" in logs[0]["event"]
        await connection.execute(grace, timedelta(0))
    # Stopped in between, as by a store that is away: the next run, or two at once, end it.
    with monkeypatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(objects, "delete", away)
        await purge(means)
    assert await objects.size(store.original(facts["sha256"])) and (await staff.call("GET", path)).status_code == 410
    await asyncio.gather(purge(means), purge(means))
    for id in (photo, twice):
        answer = await staff.call("GET", f"/v1/photos/{id}/original")
        assert (
            answer.status_code == 410
            and answer.json()["type"] == "/problems/original-purged"
            and "term" in answer.json()["detail"]
        )
        shown = await staff.call("GET", f"/v1/photos/{id}/screen", headers={"accept": "image/jpeg"})
        assert shown.status_code == 200 and not Image.open(io.BytesIO(shown.content)).getexif()
    assert (await staff.call("GET", f"/v1/photos/{kept}/original")).status_code == 200
    assert await staff.get(f"/v1/photos/{photo}") == facts and facts["position"] and facts["taken_at"]
    assert not [entry.key async for entry in objects.entries("originals") if entry.key == store.original(facts["sha256"])]
    dossier = (await staff.call("GET", f"/v1/issues/{ended}/dossier.html")).text
    assert "data:image/jpeg" in dossier
    await verifying.verify(database, objects, False, Console())
    assert facts["sha256"] not in capsys.readouterr().out
    # Sent again for a new issue it is evidence again, whole.
    _, fresh = await photographed(town, content)
    assert (await staff.call("GET", f"/v1/photos/{fresh}/original")).content == content
