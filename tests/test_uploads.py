"""Resumable uploads: tus 1.0.0, cut anywhere, sent twice, lied to."""

import asyncio
import base64
import hashlib
import random
import uuid

import pytest
from PIL import Image

from app.photos import queries, uploads
from tests.pictures import encode, scene

OFFSET = {"content-type": "application/offset+octet-stream", "tus-resumable": "1.0.0"}


def about(photo, filetype="image/jpeg"):
    pairs = {"photo": photo, "filetype": filetype, "filename": "../../etc/passwd"}
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in pairs.items())


async def begin(person, photo, length, expect=201, **headers):
    answer = await person.call(
        "POST",
        "/v1/uploads",
        headers={"tus-resumable": "1.0.0", "upload-length": str(length), "upload-metadata": about(photo)} | headers,
    )
    assert answer.status_code == expect, answer.text
    return answer


async def patch(person, photo, offset, content, **headers):
    return await person.call(
        "PATCH", f"/v1/uploads/{photo}", content=content, headers=OFFSET | {"upload-offset": str(offset)} | headers
    )


async def offset(person, photo):
    answer = await person.call("HEAD", f"/v1/uploads/{photo}")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


@pytest.fixture
def large():
    """A photograph of several parts."""
    return encode(Image.effect_noise((1200, 900), 80).convert("RGB"), quality=92)


async def test_options(town):
    person = await town.person("volunteer")
    answer = await person.call("OPTIONS", "/v1/uploads")
    assert answer.status_code == 204 and answer.headers["tus-version"] == "1.0.0"
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation", "creation-with-upload", "checksum", "expiration", "termination",
    }  # fmt: skip


async def test_in_pieces(town, app, large):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    issue = (await volunteer.report(**town.body(photos=[photo])))["issue"]
    made = await begin(volunteer, photo, len(large))
    assert made.headers["location"] == f"/v1/uploads/{photo}" and made.headers["upload-expires"].endswith("GMT")
    at = 0
    while at < len(large):
        assert await offset(volunteer, photo) == at
        piece = large[at : at + 400_000]
        answer = await patch(volunteer, photo, at, piece)
        assert answer.status_code == 204, answer.text
        at += len(piece)
        assert int(answer.headers["upload-offset"]) == at
        if at < len(large):
            entry = (await volunteer.get("/v1/uploads/awaited"))["items"][0]
            assert entry["photo"] == photo and (entry["upload"]["offset"], entry["upload"]["length"]) == (at, len(large))
    assert await offset(volunteer, photo) == len(large)
    assert (await volunteer.get(f"/v1/photos/{photo}"))["sha256"] == hashlib.sha256(large).hexdigest()
    assert (await volunteer.get(f"/v1/issues/{issue['id']}"))["photos"][0]["state"] == "stored"
    # Begun again by a phone that lost the last answer, it is whole.
    again = await begin(volunteer, photo, len(large))
    assert int(again.headers["upload-offset"]) == len(large)
    left = [entry async for entry in app.state.photos.entries("parts") if uuid.UUID(photo).hex in entry.key]
    assert left == []


async def test_a_lost_answer_and_a_begin_sent_twice_are_one_upload(town, large):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    answers = await asyncio.gather(*[begin(volunteer, photo, len(large)) for _ in range(4)])
    assert {a.headers["location"] for a in answers} == {f"/v1/uploads/{photo}"}
    await patch(volunteer, photo, 0, large[:300_000])
    assert int((await begin(volunteer, photo, len(large))).headers["upload-offset"]) == 300_000
    differs = await begin(volunteer, photo, len(large) + 1, expect=409)
    assert differs.json()["type"] == "/problems/upload-differs"
    assert (await volunteer.call("DELETE", f"/v1/uploads/{photo}")).status_code == 204
    assert (await volunteer.call("HEAD", f"/v1/uploads/{photo}")).status_code == 404
    assert (await volunteer.call("DELETE", f"/v1/uploads/{photo}")).status_code == 404
    await begin(volunteer, photo, len(large) + 1)


async def test_two_senders_of_one_upload_at_once(town, large):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    await begin(volunteer, photo, len(large))
    for _ in range(200):
        at = await offset(volunteer, photo)
        if at == len(large):
            break
        piece = large[at : at + 350_000]
        answers = await asyncio.gather(*[patch(volunteer, photo, at, piece) for _ in range(3)])
        assert {a.status_code for a in answers} <= {204, 409} and any(a.status_code == 204 for a in answers)
    assert (await volunteer.get(f"/v1/photos/{photo}"))["sha256"] == hashlib.sha256(large).hexdigest()


async def test_cut_in_the_middle_of_a_request(town, address, large):
    """Over a real connection that breaks at a random byte: what arrived is kept, in parts, and gone on from."""
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    await begin(volunteer, photo, len(large))
    dice = random.Random(4)
    host, port = address.split(":")
    at, kept = 0, []
    for _ in range(6):
        rest = large[at:]
        head = (
            f"PATCH /v1/uploads/{photo} HTTP/1.1\r\nhost: x\r\nauthorization: {volunteer.client.headers['authorization']}\r\n"
            f"content-type: application/offset+octet-stream\r\nupload-offset: {at}\r\ncontent-length: {len(rest)}\r\n\r\n"
        )
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode() + rest[: dice.randrange(len(rest))])
        await writer.drain()
        writer.close()
        for _ in range(100):
            await asyncio.sleep(0.02)
            if (now := await offset(volunteer, photo)) > at:
                break
        await asyncio.sleep(0.2)
        now = await offset(volunteer, photo)
        kept.append(now)
        at = now
    assert kept == sorted(kept) and kept[-1] > 0
    assert (await patch(volunteer, photo, at, large[at:])).status_code == 204
    assert (await volunteer.get(f"/v1/photos/{photo}"))["sha256"] == hashlib.sha256(large).hexdigest()


async def test_a_server_killed_before_the_last_commit_leaves_an_upload_to_go_on_with(town, large, monkeypatch):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    await begin(volunteer, photo, len(large))

    async def killed(*args, **options):
        raise ConnectionError

    monkeypatch.setattr(uploads, "keep", killed)
    assert (await patch(volunteer, photo, 0, large)).status_code == 503
    monkeypatch.undo()
    at = await offset(volunteer, photo)
    assert 0 < at < len(large)  # never reads as complete unless the photograph is stored
    assert (await patch(volunteer, photo, at, large[at:])).status_code == 204
    assert (await volunteer.get(f"/v1/photos/{photo}"))["state"] == "stored"


async def test_checksums(town, large):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    await begin(volunteer, photo, len(large))
    piece = large[:100_000]
    good = "sha256 " + base64.b64encode(hashlib.sha256(piece).digest()).decode()
    wrong = await patch(volunteer, photo, 0, b"x" + piece[1:], **{"upload-checksum": good})
    assert wrong.status_code == 460 and await offset(volunteer, photo) == 0
    assert (await patch(volunteer, photo, 0, piece, **{"upload-checksum": "crc32 AAAA"})).status_code == 400
    assert (await patch(volunteer, photo, 0, piece, **{"upload-checksum": good})).status_code == 204
    assert await offset(volunteer, photo) == 100_000
    other = str(uuid.uuid4())
    await begin(volunteer, other, 9_000_000)
    large = await patch(volunteer, other, 0, bytes(9_000_000), **{"upload-checksum": good})  # held until checked: not so much
    assert large.status_code == 413 and await offset(volunteer, other) == 0


async def test_creation_with_upload(town):
    volunteer = await town.person("volunteer")
    photo, content = str(uuid.uuid4()), encode(scene(seed=8))
    answer = await volunteer.call(
        "POST",
        "/v1/uploads",
        content=content,
        headers=OFFSET | {"upload-length": str(len(content)), "upload-metadata": about(photo)},
    )
    assert answer.status_code == 201 and int(answer.headers["upload-offset"]) == len(content)
    assert (await volunteer.get(f"/v1/photos/{photo}"))["state"] == "stored"


async def test_lies_are_refused_by_name(town):
    volunteer, other = await town.person("volunteer"), await town.person("volunteer")
    photo, content = str(uuid.uuid4()), encode(scene(seed=20))
    await begin(volunteer, photo, 1000)
    for status, slug, answer in (
        (409, "upload-offset", await patch(volunteer, photo, 7, b"x")),
        (409, "upload-offset", await patch(volunteer, photo, 10_000, b"x")),
        (413, "upload-long", await patch(volunteer, photo, 0, content)),
        (422, "upload-length", await patch(volunteer, photo, "-1", b"x")),
        (422, "upload-length", await patch(volunteer, photo, "1e3", b"x")),
        (415, "upload-type", await patch(volunteer, photo, 0, b"x", **{"content-type": "application/json"})),
        (412, "tus-version", await patch(volunteer, photo, 0, b"x", **{"tus-resumable": "0.2.2"})),
        (404, "not-found", await patch(other, photo, 0, b"x")),
        (404, "not-found", await patch(volunteer, str(uuid.uuid4()), 0, b"x")),
        (413, "too-large", await begin(volunteer, str(uuid.uuid4()), 200_000_000, expect=413)),
        (422, "photo-empty", await begin(volunteer, str(uuid.uuid4()), 0, expect=422)),
        (422, "upload-length", await begin(volunteer, str(uuid.uuid4()), "many", expect=422)),
        (422, "upload-metadata", await begin(volunteer, photo, 9, expect=422, **{"upload-metadata": "photo !!!"})),
        (422, "upload-metadata", await begin(volunteer, photo, 9, expect=422, **{"upload-metadata": about("../../x")})),
        (
            415,
            "photo-content-type",
            await begin(volunteer, photo, 9, expect=415, **{"upload-metadata": about(photo, "image/svg+xml")}),
        ),
        (404, "not-found", await begin(other, photo, 1000, expect=404)),
    ):
        assert answer.status_code == status and answer.json()["type"] == f"/problems/{slug}", answer.text
    assert await offset(volunteer, photo) == 0


async def test_whole_but_not_a_picture(town, app):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    issue = (await volunteer.report(**town.body(photos=[photo])))["issue"]
    content = b"\xff\xd8\xff" + bytes(600_000)
    await begin(volunteer, photo, len(content))
    refused = await patch(volunteer, photo, 0, content)
    assert refused.status_code == 422 and refused.json()["type"] == "/problems/photo-damaged"
    assert (await volunteer.get(f"/v1/issues/{issue['id']}"))["photos"][0]["state"] == "refused"
    assert (await volunteer.call("HEAD", f"/v1/uploads/{photo}")).status_code == 404
    assert [e async for e in app.state.photos.entries("parts") if uuid.UUID(photo).hex in e.key] == []


async def test_an_unfinished_upload_expires(town, app, database, large):
    volunteer = await town.person("volunteer")
    photo = uuid.uuid4()
    await begin(volunteer, str(photo), len(large))
    await patch(volunteer, str(photo), 0, large[:300_000])
    async with database.acquire() as connection:
        await connection.execute("update uploads set expires_at = now() - interval '1 s' where photo_id = $1", photo)
        assert await connection.fetch(queries.PARTS, photo)
    assert await uploads.drop_expired(database, app.state.photos) == 1
    assert (await volunteer.call("HEAD", f"/v1/uploads/{photo}")).status_code == 404
    assert [e async for e in app.state.photos.entries("parts") if photo.hex in e.key] == []


async def test_an_idempotency_key_replays_a_begin_with_its_headers(town, large):
    volunteer = await town.person("volunteer")
    photo, key = str(uuid.uuid4()), {"idempotency-key": uuid.uuid4().hex}
    first = await begin(volunteer, photo, len(large), **key)
    again = await begin(volunteer, photo, len(large), **key)
    assert again.headers["location"] == first.headers["location"] and again.headers["idempotent-replay"] == "true"
    other = await begin(volunteer, str(uuid.uuid4()), len(large), expect=422, **key)
    assert other.json()["type"] == "/problems/key-reused"
