"""Photographs: kept whole or refused by name, once; turned upright, stripped, shown to whom they are for."""

import asyncio
import base64
import hashlib
import io
import uuid
from datetime import datetime, timedelta

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from app.photos import developing, formats
from tests.pictures import CORNERS, JPEG, encode, png, png_bomb, scene, turned, with_exif


async def put(person, photo, content, **headers):
    return await person.call("PUT", f"/v1/photos/{photo}", content=content, headers=headers)


async def named(person, town, count=1, **changes):
    """An issue whose report names photographs that have not arrived."""
    photos = [str(uuid.uuid4()) for _ in range(count)]
    return (await person.report(**town.body(photos=photos, **changes)))["issue"], photos


async def test_text_first_then_the_picture(town, do_jobs):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    issue, (first, second) = await named(volunteer, town, 2)
    assert [p["state"] for p in issue["photos"]] == ["awaited", "awaited"]
    awaited = (await volunteer.get("/v1/uploads/awaited"))["items"]
    assert [(a["photo"], a["issue"], a["report"], a["kind"], a["upload"]) for a in awaited] == [
        (p, issue["id"], issue["id"], "before", None) for p in sorted((first, second))
    ]
    content = encode(scene(seed=1))
    stored = await put(volunteer, first, content, **{"content-type": "image/jpeg"})
    assert stored.status_code == 201 and stored.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert (stored.json()["width"], stored.json()["height"], stored.json()["developed"]) == (640, 480, False)
    now = await leader.get(f"/v1/issues/{issue['id']}")
    assert {p["id"]: p["state"] for p in now["photos"]} == {first: "stored", second: "awaited"} and now["version"] == 2
    event = (await leader.get(f"/v1/issues/{issue['id']}/timeline"))["items"][-1]
    assert event["action"] == "photo" and event["data"] == {"photo": first, "state": "stored"}
    assert [a["photo"] for a in (await volunteer.get("/v1/uploads/awaited"))["items"]] == [second]
    pending = await leader.call("GET", f"/v1/photos/{first}/thumb")
    assert pending.status_code == 404 and pending.json()["type"] == "/problems/photo-pending" and pending.headers["retry-after"]
    await do_jobs()
    for variant, size in (("thumb", (320, 240)), ("screen", (640, 480))):
        for accept, kind in (("image/avif,image/webp,*/*", "WEBP"), ("*/*", "JPEG")):
            shown = await leader.call("GET", f"/v1/photos/{first}/{variant}", headers={"accept": accept})
            assert shown.status_code == 200 and "Accept" in shown.headers["vary"]
            picture = Image.open(io.BytesIO(shown.content))
            assert (picture.format, picture.size) == (kind, size)
            again = await leader.call(
                "GET", f"/v1/photos/{first}/{variant}", headers={"accept": accept, "if-none-match": shown.headers["etag"]}
            )
            assert again.status_code == 304


async def test_the_picture_first_then_the_text(town):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    assert (await put(volunteer, photo, JPEG)).status_code == 201
    answer = await volunteer.report(**town.body(photos=[photo]))
    assert answer["issue"]["photos"] == [{"id": photo, "kind": "before", "state": "stored", "doubts": None}]
    assert answer["issue"] == await volunteer.get(f"/v1/issues/{answer['issue']['id']}")
    assert (await volunteer.get("/v1/uploads/awaited"))["items"] == []


async def test_report_and_picture_at_once_never_miss_each_other(town):
    volunteer = await town.person("volunteer")
    for n in range(25):
        report, photo = uuid.uuid4(), str(uuid.uuid4())
        work = [
            volunteer.call("PUT", f"/v1/reports/{report}", json=town.body(photos=[photo])),
            put(volunteer, photo, encode(scene(96, 96, seed=n))),
        ]
        answers = await asyncio.gather(*(work if n % 2 else work[::-1]))
        assert [a.status_code for a in answers] == [201, 201]
        issue = await volunteer.get(f"/v1/issues/{report}")
        assert [p["state"] for p in issue["photos"]] == ["stored"]
        # Whoever came second has written an event after both were there: no reader keeps the picture of "awaited".
        changes = await volunteer.get("/v1/changes", limit=200)
        assert next(i for i in changes["items"] if i["id"] == str(report))["photos"][0]["state"] == "stored"


async def test_the_same_bytes_are_kept_once_and_an_id_holds_one_picture(town, app, database):
    volunteer, other = await town.person("volunteer"), await town.person("volunteer")
    photo, content = str(uuid.uuid4()), encode(scene(seed=77))
    answers = await asyncio.gather(*[put(volunteer, photo, content) for _ in range(6)])
    assert sorted(a.status_code for a in answers) == [200] * 5 + [201]
    assert (await put(other, str(uuid.uuid4()), content)).status_code == 201
    entries = [e async for e in app.state.photos.entries("originals") if e.key.endswith(hashlib.sha256(content).hexdigest())]
    assert len(entries) == 1
    taken = await put(volunteer, photo, encode(scene(seed=78)))
    assert taken.status_code == 409 and taken.json()["photo"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (await put(other, photo, content)).status_code == 404
    # Two pictures under one id at once: one has it, whole.
    photo = str(uuid.uuid4())
    answers = await asyncio.gather(*[put(volunteer, photo, encode(scene(seed=seed))) for seed in (1001, 1002)])
    assert sorted(a.status_code for a in answers) == [201, 409]


async def test_a_digest_is_checked(town):
    volunteer = await town.person("volunteer")

    def header(content):
        return {"content-digest": f"md5=:AAAA:, sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"}

    photo = str(uuid.uuid4())
    wrong = await put(volunteer, photo, JPEG, **header(b"else"))
    assert wrong.status_code == 422 and wrong.json()["type"] == "/problems/digest"
    assert (await put(volunteer, photo, JPEG, **{"content-digest": "sha-256=:!:"})).status_code == 422
    assert (await put(volunteer, photo, JPEG, **header(JPEG))).status_code == 201


async def test_every_orientation_is_turned_upright_and_stripped(town, do_jobs):
    volunteer = await town.person("volunteer")
    for orientation in range(1, 9):
        photo = str(uuid.uuid4())
        content = turned(orientation)
        stored = await put(volunteer, photo, content)
        assert (stored.json()["width"], stored.json()["height"]) == (640, 480)
        await do_jobs()
        for accept in ("image/webp", "image/jpeg"):
            shown = await volunteer.call("GET", f"/v1/photos/{photo}/thumb", headers={"accept": accept})
            picture = Image.open(io.BytesIO(shown.content))
            assert picture.size == (320, 240) and not picture.getexif() and not {"exif", "icc_profile", "xmp"} & set(picture.info)
            w, h = picture.size
            for at, colour in zip(((20, 20), (w - 20, 20), (w - 20, h - 20), (20, h - 20)), CORNERS, strict=True):
                seen = picture.convert("RGB").getpixel(at)
                assert all(abs(a - b) < 30 for a, b in zip(seen, colour, strict=True)), (orientation, at, seen)


@pytest.mark.parametrize(
    ("kind", "options", "media_type"),
    [
        ("JPEG", {"progressive": True}, "image/jpeg"), ("PNG", {}, "image/png"), ("WEBP", {}, "image/webp"),
        ("HEIF", {}, "image/heic"), ("AVIF", {}, "image/avif"),
    ],
)  # fmt: skip
async def test_formats(town, do_jobs, kind, options, media_type):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    # Phones mislabel: what the bytes are counts.
    stored = await put(volunteer, photo, encode(scene(), kind, **options), **{"content-type": "image/jpeg"})
    assert stored.status_code == 201 and stored.json()["media_type"] == media_type
    await do_jobs()
    shown = await volunteer.call("GET", f"/v1/photos/{photo}/thumb")
    assert shown.status_code == 200 and Image.open(io.BytesIO(shown.content)).size == (320, 240)


async def test_transparency_stands_on_white_and_wide_colours_are_converted(tmp_path):
    source = tmp_path / "clear.png"
    Image.new("RGBA", (400, 400), (0, 0, 0, 0)).save(source)
    developing.develop(source, tmp_path)
    assert min(Image.open(tmp_path / "thumb.jpg").getpixel((100, 100))) > 250


async def test_far_and_old_pictures_are_marked_for_the_leader(town):
    volunteer, leader, staff = [await town.person(r) for r in ("volunteer", "leader", "staff")]
    here = [abs(v) for v in (town.lat, town.lon)]

    def dms(value, add=0.0):
        milliseconds = round((abs(value) + add) * 3_600_000)
        return (milliseconds // 3_600_000, milliseconds // 60_000 % 60, milliseconds % 60_000 / 1000)

    # The town lies south and west; EXIF says so by reference letters.
    def content(add, taken, seed):
        exif = Image.open(io.BytesIO(with_exif(taken, dms(here[0], add), dms(here[1]), seed))).getexif()
        exif.get_ifd(0x8825)[1], exif.get_ifd(0x8825)[3] = "S" if town.lat < 0 else "N", "W" if town.lon < 0 else "E"
        return encode(scene(seed=seed), exif=exif.tobytes())

    today = (datetime.now() + timedelta(hours=1)).strftime("%Y:%m:%d %H:%M:%S")
    issue, photos = await named(volunteer, town, 3)
    for photo, body in zip(
        photos, (content(0, today, 5), content(0.05, today, 6), content(0.05, "2024:05:01 10:00:00", 7)), strict=True
    ):
        assert (await put(volunteer, photo, body)).status_code == 201
    for reader, doubts in (
        (leader, [[], ["far"], ["far", "old"]]),
        (staff, [[], ["far"], ["far", "old"]]),
        (volunteer, [None] * 3),
    ):
        assert [p["doubts"] for p in (await reader.get(f"/v1/issues/{issue['id']}"))["photos"]] == doubts
    facts = await leader.get(f"/v1/photos/{photos[2]}")
    assert facts["taken_at"] == "2024-05-01T02:00:00Z" and facts["camera"] == "Maker Phone"
    assert abs(facts["position"]["lat"] - (town.lat - 0.05 if town.lat < 0 else town.lat + 0.05)) < 1e-4
    stranger = await town.person("volunteer")
    assert (await stranger.get(f"/v1/photos/{photos[2]}"))["taken_at"] is None


async def test_who_sees_a_picture(town, do_jobs):
    volunteer, neighbour, leader, staff = [await town.person(r) for r in ("volunteer", "volunteer", "leader", "staff")]
    inspector, stranger = await town.person("inspector"), await town.person(None)
    _, (photo,) = await named(volunteer, town)
    await put(volunteer, photo, JPEG)
    alone = str(uuid.uuid4())
    await put(volunteer, alone, JPEG)
    await do_jobs()
    for person, sees in (
        (volunteer, True),
        (neighbour, True),
        (leader, True),
        (staff, True),
        (inspector, True),
        (stranger, False),
    ):
        for path in (f"/v1/photos/{photo}", f"/v1/photos/{photo}/thumb", f"/v1/photos/{photo}/screen"):
            assert (await person.call("GET", path)).status_code == (200 if sees else 404), path
        original = await person.call("GET", f"/v1/photos/{photo}/original")
        assert original.status_code == (200 if person is staff else 404)
    original = await staff.call("GET", f"/v1/photos/{photo}/original")
    assert original.content == JPEG and original.headers["content-disposition"].startswith("attachment")
    assert original.headers["x-content-type-options"] == "nosniff" and "sandbox" in original.headers["content-security-policy"]
    # A picture that nothing names is its owner's alone.
    assert (await staff.call("GET", f"/v1/photos/{alone}")).status_code == 404
    assert (await volunteer.call("GET", f"/v1/photos/{alone}/thumb")).status_code == 200
    # Somebody who names another's picture in a report of his own does not get to see it by that.
    await town.open_to_anybody()
    theirs = (await stranger.report(**town.body(photos=[alone])))["issue"]
    assert theirs["photos"][0]["state"] == "awaited"
    assert (await stranger.call("GET", f"/v1/photos/{alone}")).status_code == 404


def _svg():
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("content", "content_type", "status", "slug"),
    [
        (b"", "image/jpeg", 422, "photo-empty"),
        (JPEG[: len(JPEG) // 2], "image/jpeg", 422, "photo-damaged"),
        (encode(scene(), "PNG")[:-200], "image/png", 422, "photo-damaged"),
        (encode(scene(), "WEBP")[:-50], "image/webp", 422, "photo-damaged"),
        (encode(scene(), "HEIF")[:-300], "image/heic", 422, "photo-damaged"),
        (encode(scene(), "AVIF")[:-100], "image/avif", 422, "photo-damaged"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x07" * 4000, "image/heic", 422, "photo-damaged"),
        (b"\xff\xd8\xff" + b"\x00" * 100, "image/jpeg", 422, "photo-damaged"),
        (png_bomb(), "image/png", 422, "photo-pixels"),
        (_svg(), "image/svg+xml", 415, "photo-content-type"),
        (_svg(), "image/png", 415, "photo-type"),
        (b"GIF89a" + b"\x00" * 50, "image/gif", 415, "photo-type"),
        (b"%PDF-1.7" + b"\x00" * 50, "application/octet-stream", 415, "photo-type"),
        (JPEG, "text/html", 415, "photo-content-type"),
        (JPEG, "application/json", 415, "photo-content-type"),
    ],
)
async def test_bad_pictures_are_refused_by_name_and_the_report_stays(town, content, content_type, status, slug):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    issue, (photo,) = await named(volunteer, town)
    refused = await put(volunteer, photo, content, **{"content-type": content_type})
    assert refused.status_code == status and refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == f"/problems/{slug}" and refused.json()["detail"]
    seen = await leader.get(f"/v1/issues/{issue['id']}")
    assert seen["state"] == "reported"
    if content_type not in ("text/html", "application/json", "image/svg+xml"):  # those were not even read
        assert seen["photos"][0]["state"] == "refused"
        assert (await volunteer.get(f"/v1/photos/{photo}"))["reason"] == slug
        assert (await volunteer.get("/v1/uploads/awaited"))["items"] == []
    # Taken again, a good one is welcome under the same id.
    assert (await put(volunteer, photo, JPEG)).status_code == 201
    assert (await leader.get(f"/v1/issues/{issue['id']}"))["photos"][0]["state"] == "stored"


async def test_too_many_bytes_are_refused_unread(town, monkeypatch):
    from app.settings import settings

    volunteer = await town.person("volunteer")
    _, (photo,) = await named(volunteer, town)
    monkeypatch.setattr(settings(), "max_photo_bytes", 1_000_000)
    sent = 0

    async def endless():
        nonlocal sent
        for _ in range(200):
            sent += 1_000_000
            yield JPEG + bytes(1_000_000 - len(JPEG))

    large = await volunteer.call("PUT", f"/v1/photos/{photo}", content=endless())
    assert large.status_code == 413 and "1000000" in large.json()["detail"] and sent <= 3_000_000
    assert (await volunteer.get(f"/v1/photos/{photo}"))["reason"] == "photo-large"
    announced = await put(volunteer, photo, JPEG, **{"content-length": "200000000"})
    assert announced.status_code == 413


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + b"\xff" * 40,
        b"Exif\x00\x00",
        b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00",
    ],
)
async def test_a_broken_exif_block_does_not_make_a_picture_bad(town, exif, do_jobs):
    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    content = JPEG[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + JPEG[2:]
    stored = await put(volunteer, photo, content)
    assert stored.status_code == 201 and stored.json()["taken_at"] is None
    await do_jobs()
    assert (await volunteer.call("GET", f"/v1/photos/{photo}/thumb")).status_code == 200


async def test_positions_that_are_no_numbers_are_no_position(town):
    volunteer = await town.person("volunteer")
    for lat in ((IFDRational(0, 0), 0, 0), (91, 0, 0), (0, 0, 0)):
        photo = str(uuid.uuid4())
        stored = await put(volunteer, photo, with_exif("not a date at all!!", lat, (0, 0, 0) if lat == (0, 0, 0) else (10, 0, 0)))
        assert stored.status_code == 201 and stored.json()["position"] is None and stored.json()["taken_at"] is None


async def test_a_polyglot_is_served_as_a_picture_only(town, do_jobs):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    _, (photo,) = await named(volunteer, town)
    content = JPEG + b"<html><script>alert(1)</script></html>PK\x03\x04"
    assert (await put(volunteer, photo, content)).status_code == 201
    await do_jobs()
    shown = await volunteer.call("GET", f"/v1/photos/{photo}/screen")
    assert b"script" not in shown.content and shown.headers["content-type"] == "image/jpeg"
    original = await staff.call("GET", f"/v1/photos/{photo}/original")
    assert original.content == content and original.headers["content-type"] == "image/jpeg"
    assert original.headers["x-content-type-options"] == "nosniff"


async def test_what_its_decoder_cannot_read_is_kept_marked_and_told(town, do_jobs):
    """A header in order and pixels in ruins: found when the variants are made. The worker goes on."""
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    issue, (bad, good) = await named(volunteer, town, 2)
    assert (await put(volunteer, bad, png(64, 64, 8, 2, b"no picture"))).status_code == 201
    assert (await put(volunteer, good, encode(scene(seed=10)))).status_code == 201
    await do_jobs()
    states = {p["id"]: p["state"] for p in (await leader.get(f"/v1/issues/{issue['id']}"))["photos"]}
    assert states == {bad: "damaged", good: "stored"}
    shown = await leader.call("GET", f"/v1/photos/{bad}/thumb")
    assert shown.status_code == 404 and shown.json()["type"] == "/problems/photo-damaged"
    assert (await leader.call("GET", f"/v1/photos/{good}/thumb")).status_code == 200


async def test_a_decoder_that_dies_costs_one_picture(town, do_jobs, app, database, monkeypatch):
    from app.photos import darkroom

    volunteer = await town.person("volunteer")
    photo = str(uuid.uuid4())
    await put(volunteer, photo, encode(scene(seed=11)))
    real = darkroom.Darkroom.develop

    async def die(self, source, folder):
        (await self._ready()).kill()
        return await real(self, source, folder)

    async def again():
        async with database.acquire() as connection:
            await connection.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
        await do_jobs()

    monkeypatch.setattr(darkroom.Darkroom, "develop", die)
    await do_jobs()
    # Once may be a server that was stopped in the middle: a good picture survives that.
    survivor = str(uuid.uuid4())
    await put(volunteer, survivor, encode(scene(seed=13)))
    await do_jobs()
    assert (await volunteer.get(f"/v1/photos/{photo}"))["state"] == "stored"
    monkeypatch.undo()
    async with database.acquire() as connection:
        await connection.execute(
            "update procrastinate_jobs set scheduled_at = now() where status = 'todo' and args ->> 'sha256' = $1",
            (await volunteer.get(f"/v1/photos/{survivor}"))["sha256"],
        )  # fmt: skip
    await do_jobs()
    assert (await volunteer.get(f"/v1/photos/{survivor}"))["developed"]
    # Three times is the picture's own doing.
    monkeypatch.setattr(darkroom.Darkroom, "develop", die)
    await again()
    await again()
    assert (await volunteer.get(f"/v1/photos/{photo}"))["state"] == "damaged"
    monkeypatch.undo()
    photo = str(uuid.uuid4())
    await put(volunteer, photo, encode(scene(seed=12)))
    await do_jobs()
    assert (await volunteer.get(f"/v1/photos/{photo}"))["developed"]


async def test_path_tricks_in_names(town):
    volunteer = await town.person("volunteer")
    for name in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%00", "a/b", str(uuid.uuid4()) + "/../x"):
        assert (await volunteer.call("PUT", f"/v1/photos/{name}", content=JPEG)).status_code in (404, 405, 422)
        assert (await volunteer.call("GET", f"/v1/photos/{name}/thumb")).status_code in (404, 422)
    assert (await volunteer.call("GET", f"/v1/photos/{uuid.uuid4()}/..%2foriginal")).status_code in (404, 422)


def test_limits_by_format_are_what_fits_into_300_mb():
    assert formats.MAX_PIXELS["image/heic"] >= 48_800_000 and formats.MAX_PIXELS["image/jpeg"] >= 16_320 * 12_240


async def test_a_full_disk_is_not_the_pictures_fault(town, do_jobs, app, database, monkeypatch):
    import errno

    from app.photos import receiving
    from app.photos.darkroom import Darkroom

    volunteer = await town.person("volunteer")
    _, (photo,) = await named(volunteer, town)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(receiving, "look", full)
    assert (await put(volunteer, photo, JPEG)).status_code == 503  # come again, and nothing is refused
    monkeypatch.undo()
    assert (await volunteer.get(f"/v1/photos/{photo}"))["state"] == "awaited"
    # The developing process says which of the two it was.
    room = Darkroom()
    try:
        with pytest.raises(OSError):
            await room.develop(app.state.photos.folder / "nothing-here", app.state.photos.folder)
    finally:
        await room.close()


async def test_a_store_that_is_away_is_told_as_busy(town, app, monkeypatch):
    from app.photos.store import S3

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    away = S3("evidence", "")
    away.store = type(away.store)(
        "evidence", client_options={"allow_http": True, "timeout": "1s"}, retry_config={"max_retries": 0}
    )
    monkeypatch.setitem(app.state._state, "photos", away)
    volunteer = await town.person("volunteer")
    _, (photo,) = await named(volunteer, town)
    assert (await put(volunteer, photo, JPEG)).status_code == 503
    assert (await volunteer.get(f"/v1/photos/{photo}"))["state"] == "awaited"
