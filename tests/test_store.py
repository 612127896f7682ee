"""The object store: a folder and S3 behave alike, and the check finds what is wrong."""

import hashlib
import os
import stat
import threading
import uuid
from datetime import timedelta

import pytest
from moto.server import ThreadedMotoServer
from rich.console import Console

from app.photos import store, verifying
from app.photos.store import FolderStore, MissingObject, open_store
from app.settings import settings
from tests.pictures import encode, scene


@pytest.fixture(scope="module")
def bucket():
    """A real S3 endpoint on the loopback."""
    import boto3

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    boto3.client("s3").create_bucket(Bucket="evidence")
    yield "s3://evidence/office"
    server.stop()
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(params=["folder", "s3"])
def objects(request, tmp_path, monkeypatch):
    if request.param == "s3":
        monkeypatch.setattr(settings(), "photos", request.getfixturevalue("bucket"))
    return open_store(tmp_path)


async def test_put_read_list_delete(objects, tmp_path):
    key = store.original(uuid.uuid4().hex)
    file = tmp_path / "file"
    file.write_bytes(b"a" * 700_000)
    await objects.put(key, file)
    await objects.put(key, file)
    assert await store.read(objects, key) == b"a" * 700_000 and await objects.size(key) == 700_000
    assert [(e.key, e.bytes) async for e in objects.entries("originals") if e.key == key] == [(key, 700_000)]
    await objects.put(key, b"small")
    assert await store.read(objects, key) == b"small"
    await objects.delete([key, store.original("nothing")])
    assert await objects.size(key) is None
    with pytest.raises(MissingObject):
        await store.read(objects, key)


async def test_what_a_folder_holds_is_its_owners_alone(tmp_path):
    """Whatever the umask, and where an earlier version left it open to everybody."""
    old = tmp_path / "open"
    old.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        for folder in (old, tmp_path / "data" / "photos"):
            objects = FolderStore(folder)
            await objects.put(store.original("ab" * 32), b"x")
            found = [(path, stat.S_IMODE(path.stat().st_mode)) for path in (folder, *folder.rglob("*"))]
            assert len(found) == 6 and all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in found), found
    finally:
        os.umask(before)


async def test_a_folder_never_shows_half_an_object(tmp_path):
    """Writers of one key over and over, and a reader who only ever finds whole ones."""
    import asyncio

    objects, key = FolderStore(tmp_path), store.original("ab" * 32)
    contents = [bytes([n]) * 400_000 for n in range(4)]
    await objects.put(key, contents[0])
    stop = threading.Event()

    async def write(content):
        for _ in range(10):
            await objects.put(key, content)

    async def look():
        while not stop.is_set():
            found = await store.read(objects, key)
            assert len(found) == 400_000 and len(set(found)) == 1

    reader = asyncio.create_task(look())
    await asyncio.gather(*(write(content) for content in contents))
    stop.set()
    await reader
    assert list((tmp_path / "writing").iterdir()) == []


async def test_photographs_in_s3(town, app, bucket, monkeypatch, database, database_url):
    from app.worker import work

    monkeypatch.setattr(settings(), "photos", bucket)
    monkeypatch.setitem(app.state._state, "photos", open_store(None))
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    photo, content = str(uuid.uuid4()), encode(scene(seed=500))
    await volunteer.report(**town.body(photos=[photo]))
    assert (await volunteer.call("PUT", f"/v1/photos/{photo}", content=content)).status_code == 201
    await work(database_url, database, app.state.photos, until_empty=True)
    assert (await volunteer.call("GET", f"/v1/photos/{photo}/thumb")).status_code == 200
    assert (await staff.call("GET", f"/v1/photos/{photo}/original")).content == content


async def test_verify_lists_missing_damaged_and_orphaned(town, app, database, do_jobs, tmp_path, monkeypatch, capsys):
    volunteer = await town.person("volunteer")
    objects = FolderStore(tmp_path / "photos")
    monkeypatch.setitem(app.state._state, "photos", objects)
    contents = [encode(scene(seed=seed)) for seed in (601, 602, 603)]
    async with database.transaction() as connection:  # this test's photographs alone
        for table in ("evidence", "photos", "photo_files"):
            await connection.execute(f"delete from {table}")
    for content in contents:
        assert (await volunteer.call("PUT", f"/v1/photos/{uuid.uuid4()}", content=content)).status_code == 201
    names = [hashlib.sha256(content).hexdigest() for content in contents]
    assert await verifying.verify(database, objects, False, Console())
    assert "3 photographs: 0 objects missing, 0 damaged, 0 orphaned" in capsys.readouterr().out
    await objects.delete([store.original(names[0])])
    await objects.put(store.original(names[1]), b"rot")
    await objects.put(store.original("ef" * 32), b"forgotten")
    assert not await verifying.verify(database, objects, False, Console())
    told = capsys.readouterr().out
    assert f"missing {store.original(names[0])}" in told and f"damaged {store.original(names[1])}" in told
    assert "0 orphaned" in told  # too young: it may be on its way
    monkeypatch.setattr(verifying, "_YOUNG", timedelta(0))
    await verifying.verify(database, objects, True, Console())
    assert f"orphaned {store.original('ef' * 32)}" in capsys.readouterr().out
    assert await objects.size(store.original("ef" * 32)) is None and await objects.size(store.original(names[2]))
