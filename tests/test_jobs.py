"""The job queue: deferred with its cause, gone with it, done again after a kill."""

import asyncio
import signal
import subprocess
import sys
import time
import uuid

import pytest

from app.kit.jobs import defer
from app.photos import work as photos_work
from tests.pictures import encode, scene


async def jobs(database, name):
    async with database.acquire() as connection:
        return [
            (r["status"], r["attempts"])
            for r in await connection.fetch(
                "select status::text, attempts from procrastinate_jobs where task_name = $1 order by id", name
            )
        ]


async def test_a_rolled_back_cause_leaves_no_job(database):
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await defer(connection, "develop", sha256="00" * 32)
            raise RuntimeError
    before = await jobs(database, "develop")
    async with database.transaction() as connection:
        await defer(connection, "develop", sha256="00" * 32)
    assert len(await jobs(database, "develop")) == len(before) + 1


async def test_a_failing_job_is_tried_again_later_and_kept(town, app, database, do_jobs):
    volunteer = await town.person("volunteer")
    photo, content = str(uuid.uuid4()), encode(scene(seed=uuid.uuid4().int % 2**32))
    await volunteer.call("PUT", f"/v1/photos/{photo}", content=content)
    sha256 = (await volunteer.get(f"/v1/photos/{photo}"))["sha256"]
    from app.photos import store

    await app.state.photos.delete([store.original(sha256)])  # the store is away
    await do_jobs()
    assert ("todo", 1) in await jobs(database, "develop")
    await app.state.photos.put(store.original(sha256), content)
    async with database.acquire() as connection:
        await connection.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
    await do_jobs()
    assert (await volunteer.get(f"/v1/photos/{photo}"))["developed"]


async def test_a_killed_workers_job_runs_again(town, app, database, database_url, do_jobs, tmp_path, monkeypatch):
    """A real worker process, killed while it works; another one does its job."""
    volunteer = await town.person("volunteer")
    await do_jobs()
    photo = str(uuid.uuid4())
    # A picture that no other test has: of one that is developed already there is nothing to do.
    content = encode(scene(seed=uuid.uuid4().int % 2**32))
    await volunteer.call("PUT", f"/v1/photos/{photo}", content=content)
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom app.kit.db import Database\nfrom app.photos import darkroom\n"
        "from app.photos.store import FolderStore\nfrom app.worker import work\n"
        "async def hang(self, source, folder):\n    print('working', flush=True)\n    await asyncio.sleep(60)\n"
        "darkroom.Darkroom.develop = hang\n"
        "async def main():\n    database = await Database.open(sys.argv[1], 2)\n"
        "    await work(sys.argv[1], database, FolderStore(Path(sys.argv[2])))\nasyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, database_url, str(app.state.photos.folder), stdout=subprocess.PIPE
    )
    assert await process.stdout.readline() == b"working\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert "doing" in {status for status, _ in await jobs(database, "develop")}
    await do_jobs()
    assert not (await volunteer.get(f"/v1/photos/{photo}"))["developed"]  # it may still be alive
    async with database.acquire() as connection:
        await connection.execute("update procrastinate_workers set last_heartbeat = now() - interval '1 hour'")
    await do_jobs()
    assert (await volunteer.get(f"/v1/photos/{photo}"))["developed"]


async def test_every_handler_may_run_twice(town, app, database):
    from app.photos.darkroom import Darkroom

    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    await volunteer.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=uuid.uuid4().int % 2**32)))
    sha256 = (await volunteer.get(f"/v1/photos/{photo}"))["sha256"]
    room = Darkroom()
    means = photos_work.Means(database, app.state.photos, room)
    try:
        await asyncio.gather(*(photos_work.develop(means, sha256) for _ in range(2)))
        first = (await volunteer.call("GET", f"/v1/photos/{photo}/thumb")).content
        async with database.acquire() as connection:
            await connection.execute("update photo_files set developed_at = null where sha256 = $1", bytes.fromhex(sha256))
        await photos_work.develop(means, sha256)
        assert (await volunteer.call("GET", f"/v1/photos/{photo}/thumb")).content == first
        await photos_work.sweep(means)
        await photos_work.sweep(means)
    finally:
        await room.close()


async def test_a_running_worker_is_told_at_once(town, app, database, database_url, do_jobs):
    from app.worker import working

    volunteer = await town.person("volunteer")
    await do_jobs()
    async with working(database_url, database, app.state.photos):
        await asyncio.sleep(1)
        photo = str(uuid.uuid4())
        await volunteer.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=uuid.uuid4().int % 2**32)))
        until = time.monotonic() + 20
        while not (await volunteer.get(f"/v1/photos/{photo}"))["developed"]:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)


async def test_a_job_given_up_is_listed_for_the_admin_and_tried_again(town, app, database, do_jobs):
    from app.photos import store

    volunteer, admin = await town.person("volunteer"), await town.person("admin")
    photo, content = str(uuid.uuid4()), encode(scene(seed=uuid.uuid4().int % 2**32))
    await volunteer.call("PUT", f"/v1/photos/{photo}", content=content)
    sha256 = (await volunteer.get(f"/v1/photos/{photo}"))["sha256"]
    await app.state.photos.delete([store.original(sha256)])
    for _ in range(10):
        async with database.acquire() as connection:
            await connection.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
        await do_jobs()
    failed = [j for j in (await admin.get("/v1/jobs"))["items"] if j["arguments"] == {"sha256": sha256}]
    assert len(failed) == 1 and (failed[0]["job"], failed[0]["state"]) == ("develop", "failed")
    await app.state.photos.put(store.original(sha256), content)
    assert (await admin.call("POST", f"/v1/jobs/{failed[0]['id']}/retry")).status_code == 204
    assert (await admin.call("POST", f"/v1/jobs/{failed[0]['id']}/retry")).status_code == 404
    await do_jobs()
    assert (await volunteer.get(f"/v1/photos/{photo}"))["developed"]


async def test_a_beat_that_fails_does_not_end_the_pulse(database):
    from app.kit.jobs import Pulse
    from app.worker import beat

    beats, many = [], asyncio.Event()

    async def faulty(database):
        beats.append(1)
        if len(beats) > 3:
            many.set()
        raise KeyError("a fault of ours")

    task = asyncio.create_task(beat(database, Pulse("faulty", faulty, 0.01)))
    try:
        await asyncio.wait_for(many.wait(), 30)
    finally:
        task.cancel()
