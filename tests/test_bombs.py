"""Files made to cost the service much cost it little: refused by their structure, or ended in a process of their own."""

import asyncio
import io
import signal
import threading
import time
import uuid
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from app.photos import bounds, exif, receiving, wholeness
from app.photos.darkroom import Darkroom, Died
from tests import bombs
from tests.pictures import JPEG, encode, png_bomb, saying, scene
from tests.test_pictures import noise


@asynccontextmanager
async def http(person, address):
    """The person's phone on a real connection."""
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=person.client.headers, timeout=120) as client:
        yield client


async def put(client, content, photo=None):
    return await client.put(f"/v1/photos/{photo or uuid.uuid4()}", content=content)


def unique(width=64, height=48):
    return scene(width, height, uuid.uuid4().int % 2**32)


@contextmanager
def no_decoder():
    """What decodes fails in this process; the list says what was asked for."""
    asked = []

    def forbidden(name):
        def decode(*args, **options):
            asked.append(name)
            raise AssertionError(f"{name} in the server's process")

        return decode

    with pytest.MonkeyPatch.context() as patch:
        for where, name in (
            (Image, "open"), (Image.Image, "load"), (ImageFile.ImageFile, "load"), (ImageFile.ImageFile, "__init__"),
            (pillow_heif.HeifFile, "__init__"), (Image.Exif, "load"),
        ):  # fmt: skip
            patch.setattr(where, name, forbidden(name))
        yield asked


def peak_kb(anew=False):
    """The most memory this process has held; counted anew from now on when asked."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def environment(process):
    return Path(f"/proc/{process}/environ").read_bytes()


# --- before the answer --------------------------------------------------------------------------------------------------
async def test_nothing_is_decoded_where_requests_are_answered(town, address, do_jobs):
    whole = encode(noise())
    files = [
        encode(unique()), encode(unique(), progressive=True), encode(unique(), "PNG"), encode(unique(), "WEBP"),
        encode(unique(), "WEBP", lossless=True), encode(unique(), "HEIF"), encode(unique(), "AVIF"),
        *(saying({0x0112: (3, 6)}, kind=kind, seed=uuid.uuid4().int % 2**32) for kind in ("JPEG", "PNG", "HEIF")),
    ]  # fmt: skip
    broken = [whole[: len(whole) // 2], encode(noise(), "PNG")[:-200], encode(noise(), "HEIF")[:-9], png_bomb(), JPEG[:500]]
    volunteer = await town.person("volunteer")
    photos = [str(uuid.uuid4()) for _ in files]
    async with http(volunteer, address) as phone:
        with no_decoder() as asked:
            answers = [await put(phone, content, photo) for photo, content in zip(photos, files, strict=True)]
            refused = [await put(phone, content) for content in broken]
        assert not asked
    assert [a.status_code for a in answers] == [201] * len(files) and [a.status_code for a in refused] == [422] * len(broken)
    assert [(a.json()["width"], a.json()["height"]) for a in answers[-3:]] == [(150, 200)] * 3
    await do_jobs()
    for photo in photos:
        assert (await volunteer.get(f"/v1/photos/{photo}"))["developed"]


async def test_six_bombs_of_scans_and_anothers_upload(town, address):
    attacker, other = await town.person("volunteer"), await town.person("volunteer")
    bomb = bombs.progressive_jpeg(8000, 8000, 2000)
    good = encode(unique())
    async with http(attacker, address) as theirs, http(other, address) as mine:
        with no_decoder() as asked:
            *refused, taken = await asyncio.gather(*(put(theirs, bomb + bytes([n])) for n in range(6)), put(mine, good))
    assert not asked and taken.status_code == 201
    for answer in refused:
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/photo-structure")
        assert "phone's camera" in answer.json()["detail"]


async def test_a_jpeg_of_400_megapixels_takes_no_memory(town, address):
    person = await town.person("volunteer")
    contents = [bombs.progressive_jpeg(20_000, 20_000, 1, end) for end in (False, True)] + [bombs.baseline_jpeg(20_000, 20_000)]
    assert len(contents[0]) < 800_000
    async with http(person, address) as phone:
        before = peak_kb(anew=True)
        answers = [await put(phone, content) for content in contents]
        assert peak_kb() - before < 50_000
    assert [a.json()["type"].removeprefix("/problems/") for a in answers] == ["photo-damaged", "photo-pixels", "photo-pixels"]
    assert "20000 × 20000" in answers[2].json()["detail"] and "200 million" in answers[2].json()["detail"]
    # Of several scans every coefficient is held.
    assert "165 million" in answers[1].json()["detail"]


def _costly():
    jpeg, heic = encode(scene(64, 48)), bombs.heif(b"heic", 64, 48)
    yield "jpeg of empty comments", bombs.segments_jpeg(jpeg, 100_000)
    yield "jpeg of restarts without a scan", bombs.segments_jpeg(jpeg, 100_000, b"\xff\xd0")
    yield "jpeg of junk and markers", bombs.segments_jpeg(jpeg, 100_000, b"\xff\x01\0\0")
    yield "jpeg of scans, with an end", bombs.progressive_jpeg(800, 800, 101, end=True)
    yield "png of a million chunks", bombs.chunks_png(1_000_000)
    yield "png of a million texts", bombs.chunks_png(1_000_000, b"tEXt", b"a")
    yield "heic of boxes", heic + bombs.box(b"free") * 100_000
    yield "heic of extents at one place", bombs.heif(b"heic", 64, 48, 3, 30_000)
    yield "heic of large extents at one place", bombs.heif(b"heic", 64, 48, 50, 2, 100_000)
    yield "avif of extents at one place", bombs.heif(b"avif", 64, 48, 50, 2, 100_000)
    yield "avif that is a film", bombs.heif(b"avif", 64, 48, 1, 1, 16, bombs.film(5_000))
    yield "webp of chunks", bombs.webp(64, 48, bombs.riff(b"ANMF") * 100_000)
    yield (
        "webp of frames",
        bombs.webp(64, 48, *(bombs.riff(b"ANMF", bytes(16) + bombs.riff(b"VP8 ", b"a")) for _ in range(3_000))),
    )


async def test_what_no_camera_builds_is_refused_by_name(town, address):
    person = await town.person("volunteer")
    costly = list(_costly())
    async with http(person, address) as phone:
        with no_decoder() as asked:
            for name, content in costly:
                answer = await put(phone, content)
                assert (answer.status_code, answer.json()["type"]) == (422, "/problems/photo-structure"), name
        assert not asked
        assert (await put(phone, bombs.heif(b"heic", 16_320, 12_240))).json()["type"] == "/problems/photo-pixels"
        photo = uuid.uuid4()
        await put(phone, bombs.heif(b"heic", 16_320, 12_240), photo)
        seen = await phone.put(
            f"/v1/photos/{photo}", content=bombs.heif(b"heic", 1, 50_000_001), headers={"accept-language": "zh-CN"}
        )
        assert "HEIC" in seen.json()["detail"] and "5000 万像素" in seen.json()["detail"]


async def test_what_programs_build_is_taken(town, do_jobs):
    """Many small pieces are no attack."""
    person = await town.person("volunteer")
    picture = encode(unique())
    files = [
        bombs.segments_jpeg(picture, 800, b"\xff\xe2\0\2"), bombs.segments_jpeg(picture, 1, b"\xff" * 70_000),
        bombs.segments_jpeg(picture, 1, b"\xff\xfe\0\2" + b"\0" * 70_000), bombs.chunks_png(12_000),
        bombs.progressive_jpeg(64, 64, 90, end=True), encode(unique(), "HEIF") + bombs.box(b"free") * 1_000,
    ]  # fmt: skip
    photos = [uuid.uuid4() for _ in files]
    for photo, content in zip(photos, files, strict=True):
        answer = await put(person.client, content, photo)
        assert answer.status_code == 201, answer.text
    await do_jobs()
    assert [(await person.get(f"/v1/photos/{photo}"))["developed"] for photo in photos] == [True] * len(files)


def test_a_directory_of_exif_is_read_once_and_short():
    # 60,000 entries, each of a megabyte that begins at the same place.
    entries = b"".join(tag.to_bytes(2, "big") + b"\0\2\0\x0e\0\0\0\0\0\x08" for tag in [0x010F] * 60_000)
    read = exif.read(b"MM\0*\0\0\0\x08\xea\x60" + entries + bytes(300_000))
    assert len(read.main[0x010F]) == 4_096
    # Directories that lead to themselves.
    loop = b"MM\0*\0\0\0\x08\0\2" + b"\x87\x69\0\4\0\0\0\1\0\0\0\x08" + b"\x88\x25\0\4\0\0\0\1\0\0\0\x08" + b"\0\0\0\x08"
    assert exif.read(loop).exif == exif.read(loop).gps == {0x8769: 8, 0x8825: 8}


SMALL = {
    "image/jpeg": [encode(scene(40, 30)), bombs.progressive_jpeg(64, 64, 3), saying({0x0112: (3, 6)})],
    "image/png": [encode(scene(40, 30), "PNG")],
    "image/webp": [encode(scene(40, 30), "WEBP"), bombs.webp(9, 9, bombs.riff(b"ANMF", bytes(20)))],
    "image/heic": [encode(scene(40, 30), "HEIF"), bombs.heif(b"heic", 64, 48, 3)],
    "image/avif": [encode(scene(40, 30), "AVIF"), bombs.heif(b"avif", 64, 48, 1, 1, 16, bombs.film(7))],
}


@st.composite
def _mangled(draw):
    kind = draw(st.sampled_from(sorted(SMALL)))
    content = bytearray(draw(st.sampled_from(SMALL[kind])))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(content) - 1))
        content[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=6))
    return kind, bytes(content)


@settings(max_examples=250, deadline=None, database=None)
@given(_mangled() | st.tuples(st.sampled_from(sorted(SMALL)), st.binary(max_size=300)))
def test_whatever_the_bytes_are_there_is_an_answer(sample):
    kind, content = sample
    try:
        found = wholeness.structure(kind, content)
    except bounds.BadPicture as bad:
        assert bad.slug in ("photo-damaged", "photo-structure", "photo-pixels")
        return
    assert found.width > 0 and found.height > 0
    wholeness.has_holes(content, found)
    assert 1 <= exif.read(found.exif).orientation <= 8
    exif.read(content)


async def test_one_accounts_files_do_not_keep_anothers_from_being_looked_at(town, address, monkeypatch):
    attacker, other = await town.person("volunteer"), await town.person("volunteer")
    slow, good, look, go_on = encode(unique()), encode(unique()), receiving.look, threading.Event()

    def long(path):
        if path.read_bytes() == slow:
            assert go_on.wait(60)
        return look(path)

    monkeypatch.setattr(receiving, "look", long)
    async with http(attacker, address) as theirs, http(other, address) as mine:
        waiting = asyncio.gather(*(put(theirs, slow) for _ in range(12)))
        try:
            async with asyncio.timeout(20):
                assert (await put(mine, good)).status_code == 201
                assert not waiting.done()
        finally:
            go_on.set()
        assert {answer.status_code for answer in await waiting} == {201}


# --- a JPEG without its end marker --------------------------------------------------------------------------------------
async def test_a_jpeg_that_lacks_its_end_marker_alone_is_taken_and_shown(town, do_jobs):
    person = await town.person("volunteer")
    whole, photo = encode(Image.effect_noise((300, 200), 70).convert("RGB")), uuid.uuid4()
    assert (await put(person.client, whole[:-2], photo)).status_code == 201
    await do_jobs()
    assert (await person.get(f"/v1/photos/{photo}"))["developed"]
    refused = await put(person.client, whole[: len(whole) * 2 // 3])
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/photo-damaged")


async def test_where_judging_takes_too_long_the_worker_judges(town, do_jobs, monkeypatch):
    person = await town.person("volunteer")
    monkeypatch.setattr(receiving, "_JUDGING_S", 0.05)
    whole, photo = encode(Image.effect_noise((300, 200), 70).convert("RGB")), uuid.uuid4()
    async with receiving._judging:
        assert (await put(person.client, whole[: len(whole) // 2], photo)).status_code == 201
    await do_jobs()
    assert (await person.get(f"/v1/photos/{photo}"))["state"] == "damaged"


# --- in the process that decodes ----------------------------------------------------------------------------------------
async def test_what_uses_up_its_processor_time_is_damaged_at_once(town, do_jobs, database, monkeypatch):
    person, photo, tries = await town.person("volunteer"), uuid.uuid4(), []
    # Ninety scans of 64 megapixels: as many as are taken, seconds of work.
    bomb = bombs.progressive_jpeg(8000, 8000, 90, end=True)
    assert (await put(person.client, bomb, photo)).status_code == 201

    async def shorter(self, source, folder):
        tries.append(source)
        return await self._order({"source": str(source), "folder": str(folder), "cpu_s": 0.3})

    monkeypatch.setattr(Darkroom, "develop", shorter)
    await do_jobs()
    facts = await person.get(f"/v1/photos/{photo}")
    assert (facts["state"], facts["reason"], len(tries)) == ("damaged", "photo-damaged", 1)
    async with database.acquire() as connection:
        row = await connection.fetchrow(
            "select damage, deaths from photo_files where sha256 = $1", bytes.fromhex(facts["sha256"])
        )
    assert "processor" in row["damage"] and row["deaths"] == 0
    # Sent again under another id it is not decoded again.
    again = uuid.uuid4()
    assert (await put(person.client, bomb, again)).status_code == 201
    await do_jobs()
    assert (await person.get(f"/v1/photos/{again}"))["state"] == "damaged" and len(tries) == 1


@pytest.mark.parametrize(
    ("ended_by", "own"), [(signal.SIGABRT, True), (signal.SIGSEGV, True), (signal.SIGKILL, False), (signal.SIGTERM, False)]
)
async def test_whose_doing_the_end_of_a_process_is(tmp_path, ended_by, own):
    room = Darkroom()
    (tmp_path / "source").write_bytes(bombs.progressive_jpeg(8000, 8000, 99, end=True))
    work = asyncio.create_task(room.develop(tmp_path / "source", tmp_path))
    until = time.monotonic() + 20
    while room.process is None:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)
    room.process.send_signal(ended_by)
    with pytest.raises(Died) as died:
        await work
    assert died.value.own_doing is own


async def test_a_decoders_process_knows_nothing_of_the_servers(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@nowhere/")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    room = Darkroom()
    try:
        (tmp_path / "source").write_bytes(encode(unique()))
        assert (await room.develop(tmp_path / "source", tmp_path)).damage is None
        told = environment(room.process.pid)
        assert b"PATH=" in told and b"secret" not in told
    finally:
        await room.close()


async def test_200_megapixels_of_a_phone_are_taken_and_shown(town, do_jobs):
    person, photo = await town.person("volunteer"), uuid.uuid4()
    taken = await put(person.client, bombs.baseline_jpeg(16_320, 12_240), photo)
    assert (taken.status_code, taken.json()["width"], taken.json()["height"]) == (201, 16_320, 12_240)
    await do_jobs()
    shown = await person.call("GET", f"/v1/photos/{photo}/screen", headers={"accept": "image/jpeg"})
    assert Image.open(io.BytesIO(shown.content)).size == (1600, 1200)


# --- whose turn it is ---------------------------------------------------------------------------------------------------
async def test_one_accounts_files_do_not_keep_anothers_from_being_developed(town, app, database, database_url, do_jobs):
    from app.worker import working

    await do_jobs()
    many, other = await town.person("volunteer"), await town.person("volunteer")
    for _ in range(40):
        assert (await put(many.client, encode(unique(24, 24)))).status_code == 201
    photo = uuid.uuid4()
    await put(other.client, encode(unique(24, 24)), photo)
    count = "select count(*) from photo_files where sent_by = $1 and developed_at is not null"
    try:
        async with working(database_url, database, app.state.photos):
            until = time.monotonic() + 30
            while not (await other.get(f"/v1/photos/{photo}"))["developed"]:
                assert time.monotonic() < until
                await asyncio.sleep(0.01)
            async with database.acquire() as connection:
                before = await connection.fetchval(count, many.id)
    finally:
        async with database.acquire() as connection:
            await connection.execute("delete from procrastinate_jobs where status = 'todo' and priority < 0")
    assert before < 15
