"""What a picture says of when and where it was taken, in the spellings that cameras have; what cannot be believed is left out."""

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Town
from tests.pictures import ASCII, BYTE, LONG, RATIONAL, SHORT, SRATIONAL, UNDEFINED, encode, exif_block, saying, scene

_numbers = iter(range(1_000_000))


async def facts(person, main=None, exif=None, gps=None, kind="JPEG", photo=None):
    content = saying(main, exif, gps, kind, next(_numbers))
    answer = await person.call("PUT", f"/v1/photos/{photo or uuid.uuid4()}", content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()


TIMES = [
    ("2026:11:20 10:00:00", "2026-11-20T02:00:00Z"),
    ("2026:11:20 10:00:00.123", "2026-11-20T02:00:00Z"),
    ("2026-11-20 10:00:00", "2026-11-20T02:00:00Z"),
    ("2026/11/20 10:00:00", "2026-11-20T02:00:00Z"),
    ("2026-11-20T10:00:00", "2026-11-20T02:00:00Z"),
    ("2026-11-20T10:00:00.5+09:00", "2026-11-20T01:00:00Z"),
    ("2026-11-20T02:00:00Z", "2026-11-20T02:00:00Z"),
    ("2026:11:20 10:00", "2026-11-20T02:00:00Z"),
    ("2026:11:20 24:04:20", "2026-11-19T16:04:20Z"),
    ("2026: 1: 5  8: 5: 9", "2026-01-05T00:05:09Z"),
    ("2026:11:20 下午3:20:11", "2026-11-20T07:20:11Z"),
    ("2026:11:20 03:20:11 PM", "2026-11-20T07:20:11Z"),
    ("  2026:11:20 10:00:00 ", "2026-11-20T02:00:00Z"),
    ("2026:11:20 10:00:00\0\0\0", "2026-11-20T02:00:00Z"),
    ("2026:11:20 10:00:00 CST", "2026-11-20T02:00:00Z"),
    ("2026:11:20 10:00:00+99:99", "2026-11-20T02:00:00Z"),
    ("2026:11:20 22:00:00 PM", None),
    ("0000:00:00 00:00:00", None),
    ("    :  :     :  :  ", None),
    ("1970:01:01 08:00:00", None),
    ("1999:12:31 10:00:00", None),
    ("2099:01:01 00:00:00", None),
    ("2026:13:20 10:00:00", None),
    ("2026:02:30 10:00:00", None),
    ("2026:11:20 25:00:00", None),
    ("2026:11:20 10:61:00", None),
    ("not a time", None),
]


@pytest.mark.parametrize(("said", "meant"), TIMES)
async def test_spellings_of_time(town, said, meant):
    person = await town.person("volunteer")
    assert (await facts(person, exif={0x9003: (ASCII, said)}))["taken_at"] == meant


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF", "AVIF"])
async def test_every_format_says_it(town, kind):
    person = await town.person("volunteer")
    told = await facts(person, exif={0x9003: (ASCII, "2026-11-20T10:00:00")}, kind=kind)
    assert told["taken_at"] == "2026-11-20T02:00:00Z"


OFFSETS = [
    ({0x9011: "+09:00"}, "2026-11-20T01:00:00Z"),
    ({0x9011: "-05:00"}, "2026-11-20T15:00:00Z"),
    ({0x9011: "Z"}, "2026-11-20T10:00:00Z"),
    ({0x9011: "+0900"}, "2026-11-20T01:00:00Z"),
    ({0x9011: "+9:00"}, "2026-11-20T01:00:00Z"),
    ({0x9011: "+09"}, "2026-11-20T01:00:00Z"),
    ({0x9011: "+05:45"}, "2026-11-20T04:15:00Z"),
    ({0x9010: "+09:00"}, "2026-11-20T01:00:00Z"),
    ({0x9012: "+09:00"}, "2026-11-20T01:00:00Z"),
    ({0x9011: "garbage", 0x9012: "+09:00"}, "2026-11-20T01:00:00Z"),
    ({0x9011: "+09:00", 0x9010: "+01:00"}, "2026-11-20T01:00:00Z"),
    ({0x9011: "+ab:cd"}, "2026-11-20T02:00:00Z"),
    ({0x9011: "+99:99"}, "2026-11-20T02:00:00Z"),
    ({0x9011: "+15:00"}, "2026-11-20T02:00:00Z"),
    ({0x9011: "   :  "}, "2026-11-20T02:00:00Z"),
]


@pytest.mark.parametrize(("said", "meant"), OFFSETS)
async def test_spellings_of_an_offset(town, said, meant):
    person = await town.person("volunteer")
    tags = {0x9003: (ASCII, "2026:11:20 10:00:00")} | {tag: (ASCII, text) for tag, text in said.items()}
    assert (await facts(person, exif=tags))["taken_at"] == meant


async def test_a_time_of_undefined_type_is_read(town):
    person = await town.person("volunteer")
    tags = {0x9003: (UNDEFINED, b"2026:11:20 10:00:00\0"), 0x9011: (UNDEFINED, b"+09:00\0")}
    assert (await facts(person, exif=tags))["taken_at"] == "2026-11-20T01:00:00Z"


async def test_a_time_that_has_not_come_is_not_believed(town):
    person = await town.person("volunteer")
    for days, believed in ((0.5, True), (3, False)):
        said = f"{datetime.now(UTC) + timedelta(days=days):%Y:%m:%d %H:%M:%S}"
        for offset in ({}, {0x9011: (ASCII, "+00:00")}):
            told = await facts(person, exif={0x9003: (ASCII, said)} | offset)
            assert (told["taken_at"] is not None) == believed, (days, offset)


# --- the zone of the community ------------------------------------------------------------------------------------------
async def _in_new_york(town):
    async with town.database.transaction() as connection:
        await connection.execute("update areas set time_zone = 'America/New_York' where id = $1", town.area)


async def test_a_clock_without_its_zone_is_that_of_the_community(town):
    await _in_new_york(town)
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    photo = str(uuid.uuid4())
    await volunteer.report(**town.body(photos=[photo]))
    await facts(volunteer, exif={0x9003: (ASCII, "2026:11:20 18:00:00")}, photo=photo)
    for reader in (volunteer, leader):
        assert (await reader.get(f"/v1/photos/{photo}"))["taken_at"] == "2026-11-20T23:00:00Z"


async def test_its_zone_is_settled_when_the_report_comes_after_the_picture(town):
    await _in_new_york(town)
    # Somebody of another community: only the report says where it was.
    other = Town(town.app, town.database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    await town.open_to_anybody()
    stranger, leader = await other.person("volunteer"), await town.person("leader")
    town.people += other.people
    photo = str(uuid.uuid4())
    early = await facts(stranger, exif={0x9003: (ASCII, "2026:11:20 18:00:00")}, photo=photo)
    assert early["taken_at"] == "2026-11-20T10:00:00Z"
    await stranger.report(**town.body(photos=[photo]))
    for reader in (stranger, leader):
        assert (await reader.get(f"/v1/photos/{photo}"))["taken_at"] == "2026-11-20T23:00:00Z"


async def test_doubts_are_reckoned_in_the_zone_of_the_community(town):
    await _in_new_york(town)
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    # By the clock of New York 47 hours ago; read as Shanghai's it would be two and a half days.
    there = datetime.now(ZoneInfo("America/New_York")) - timedelta(hours=47)
    said = f"{there:%Y:%m:%d %H:%M:%S}"
    photo = str(uuid.uuid4())
    issue = (await volunteer.report(**town.body(photos=[photo])))["issue"]
    await facts(volunteer, exif={0x9003: (ASCII, said)}, photo=photo)
    assert (await leader.get(f"/v1/issues/{issue['id']}"))["photos"][0]["doubts"] == []


# --- positions ----------------------------------------------------------------------------------------------------------
HERE = (24.6736, 102.9086)
BOSTON = (42.35, -71.07)
_BOSTON_LAT, _BOSTON_LON = [(42, 1), (21, 1), (0, 1)], [(71, 1), (4, 1), (12, 1)]


def _gps(lat, lon, north=(ASCII, "N"), east=(ASCII, "E"), kind=RATIONAL):
    tags = {1: north, 2: (kind, lat), 3: east, 4: (kind, lon)}
    return {tag: value for tag, value in tags.items() if value is not None}


async def position_of(town, gps):
    found = (await facts(await town.person("volunteer"), gps=gps))["position"]
    return None if found is None else (round(found["lat"], 4), round(found["lon"], 4))


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        ([(24, 1), (40, 1), (24960, 1000)], [(102, 1), (54, 1), (30960, 1000)]),
        ([(24, 1), (40416, 1000)], [(102, 1), (54516, 1000)]),
        ([(24, 1), (40416, 1000), (0, 1)], [(102, 1), (54516, 1000), (0, 1)]),
        ([(24, 1), (40416, 1000), (0, 0)], [(102, 1), (54516, 1000), (0, 0)]),
        ([(246736, 10000)], [(1029086, 10000)]),
        ([(246736, 10000), (0, 1), (0, 1)], [(1029086, 10000), (0, 1), (0, 1)]),
        ([(246736, 10000), (0, 0), (0, 0)], [(1029086, 10000), (0, 0), (0, 0)]),
    ],
)
async def test_spellings_of_degrees(town, lat, lon):
    assert await position_of(town, _gps(lat, lon)) == HERE


@pytest.mark.parametrize(
    "west",
    [
        (ASCII, "W"),
        (ASCII, "w"),
        (ASCII, "W "),
        (ASCII, " W"),
        (ASCII, "West"),
        (ASCII, "west"),
        (UNDEFINED, b"W"),
        (UNDEFINED, b"W\0\0\0"),
        (BYTE, b"W\0"),
    ],
)
async def test_spellings_of_a_hemisphere(town, west):
    assert await position_of(town, _gps(_BOSTON_LAT, _BOSTON_LON, east=west)) == BOSTON


async def test_degrees_that_have_a_minus_of_their_own(town):
    lon = [(-71, 1), (4, 1), (12, 1)]
    assert await position_of(town, _gps(_BOSTON_LAT, lon, east=(ASCII, "W"), kind=SRATIONAL)) == BOSTON
    assert await position_of(town, _gps(_BOSTON_LAT, lon, north=(ASCII, "N"), east=(ASCII, "E"), kind=SRATIONAL)) is None
    lon = [(-71, 1), (-4, 1), (-12, 1)]
    assert await position_of(town, _gps(_BOSTON_LAT, lon, east=(ASCII, "W"), kind=SRATIONAL)) == BOSTON
    lon = [(-71, 1), (4, 1), (-12, 1)]
    assert await position_of(town, _gps(_BOSTON_LAT, lon, east=(ASCII, "W"), kind=SRATIONAL)) is None


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        ([(0, 1), (0, 1), (0, 1)], [(0, 1), (0, 1), (0, 1)]),
        ([(91, 1), (0, 1), (0, 1)], [(10, 1), (0, 1), (0, 1)]),
        ([(10, 1), (0, 1), (0, 1)], [(181, 1), (0, 1), (0, 1)]),
        ([(10, 1), (75, 1), (0, 1)], [(10, 1), (0, 1), (0, 1)]),
        ([(10, 0), (0, 1), (0, 1)], [(10, 1), (0, 1), (0, 1)]),
        ([(10, 1), (5, 0), (0, 1)], [(10, 1), (0, 1), (0, 1)]),
        ([(0, 0), (0, 0), (0, 0)], [(0, 0), (0, 0), (0, 0)]),
        ([(10, 1), (20, 1), (0, 0)], [(10, 1), (30, 1), (0, 0)]),
        ([(246736, 10000), (40416, 1000), (2496, 100)], [(102, 1), (54, 1), (31, 1)]),
        ([(24, 1), (40416, 1000), (2496, 100)], [(102, 1), (54, 1), (31, 1)]),
    ],
)
async def test_positions_that_cannot_be_believed(town, lat, lon):
    assert await position_of(town, _gps(lat, lon)) is None


@pytest.mark.parametrize("side", [None, (ASCII, ""), (ASCII, "X"), (SHORT, 3)])
async def test_without_a_hemisphere_there_is_no_position(town, side):
    assert await position_of(town, _gps(_BOSTON_LAT, _BOSTON_LON, east=side)) is None


async def test_a_broken_entry_does_not_take_the_others_with_it(town):
    person = await town.person("volunteer")
    block = exif_block({0x0112: (LONG, 70_000)}, {0x9003: (ASCII, "2026:11:20 10:00:00")}, _gps([(1, 1)] * 9, _BOSTON_LON))
    content = encode(scene(200, 150, 4711), exif=block)
    told = (await person.call("PUT", f"/v1/photos/{uuid.uuid4()}", content=content)).json()
    assert told["taken_at"] == "2026-11-20T02:00:00Z" and told["position"] is None
