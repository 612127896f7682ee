"""Areas in, cells cut, positions located."""

import json
import os
import random
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely.geometry import Point, Polygon, box
from shapely.ops import unary_union

from app.duties import running
from app.grid.geojson import Refused, read_name, read_polygon
from app.grid.imports import ImportProblem, cut, import_areas, make_grid
from app.kit import zones
from app.kit.db import migrate
from app.settings import Settings


def ring(*points):
    return {"type": "Polygon", "coordinates": [[list(p) for p in points]]}


def test_winding_holes_and_small_faults_are_mended():
    hole = {"type": "Polygon", "coordinates": [
        [[102, 24], [102, 25], [103, 25], [103, 24], [102, 24]], [[102.4, 24.4], [102.6, 24.4], [102.6, 24.6], [102.4, 24.6], [102.4, 24.4]]
    ]}  # fmt: skip
    shape, mended = read_polygon(hole, None)
    assert abs(shape.area - 0.96) < 1e-9 and mended is None
    spike = ring(
        (102, 24), (103, 24), (103, 25), (102.5, 25), (102.5, 25.001), (102.499, 25), (102.5001, 25.0009), (102, 25), (102, 24)
    )
    shape, mended = read_polygon(spike, None)
    assert shape.is_valid and mended and "ntersection" in mended


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (None, "no geometry"),
        ({"type": "Point", "coordinates": [102, 24]}, "not a polygon"),
        (ring((24, 102), (25, 102), (25, 103), (24, 102)), "swapped"),
        (ring((42, -71), (42.1, -71), (42.1, -71.1), (42, -71)), "swapped"),
        (ring((500000, 4000000), (500100, 4000000), (500100, 4000100), (500000, 4000000)), "not degrees"),
        (ring((0, 0), (2, 2), (2, 0), (0, 2), (0, 0)), "crosses itself"),
        (ring((102, 24), (102, 24), (102, 24), (102, 24)), "area|crosses"),
        ({"type": "Polygon", "coordinates": [[["a", "b"]]]}, "cannot be read"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ({"type": "Polygon", "coordinates": [[]]}, "cannot be read|empty"),
        ({"type": "Polygon"}, "cannot be read"),
        ({"type": "Polygon", "coordinates": [[[102, None], [103, 24], [103, 25], [102, None]]]}, "cannot be read"),
        ({"type": "Polygon", "coordinates": [[[102]]]}, "cannot be read"),
        ({"type": "Polygon", "coordinates": [[[102, 24], [103, 24], [102, 24]]]}, "Too few points"),
        ({"type": "GeometryCollection", "geometries": []}, "'GeometryCollection', not a polygon"),
        ({"type": ["Polygon"], "coordinates": []}, "has no type"),
        (ring((102, 24), (float("nan"), 24), (103, 25), (102, 24)), "not numbers"),
        (ring((102, 24), (float("inf"), 24), (103, 25), (102, 24)), "not numbers"),
        (ring((102, 24), (10**400, 24), (103, 25), (102, 24)), "not degrees"),
        (ring((102, 24), (103, 24), (103, 25), (102, 24)) | {"crs": {"properties": {"name": "EPSG:3857"}}}, "in EPSG:3857"),
    ],
)
def test_what_is_refused_and_why(geometry, words):
    with pytest.raises(Refused, match=words):
        read_polygon(geometry, None)


def test_swapped_against_the_parent():
    parent = box(20, 50, 22, 52)
    with pytest.raises(Refused, match="swapped"):
        read_polygon(ring((50.5, 20.5), (51, 20.5), (51, 21), (50.5, 20.5)), parent)


@pytest.mark.parametrize("hexagons", [False, True])
def test_cells_cover_the_area_and_do_not_overlap(hexagons):
    area = Polygon([(102.90, 24.66), (102.92, 24.665), (102.915, 24.68), (102.90, 24.675)])
    cells = cut(area, 250, hexagons)
    assert abs(unary_union(cells).area - area.area) < 0.01 * area.area
    assert sum(c.area for c in cells) - unary_union(cells).area < 1e-9 * len(cells)
    assert 20 < len(cells) < 80


@pytest.mark.parametrize("heights", [(1890.5,) * 5, (1890.5, None, 3, (), 0), ((1, 2),) * 5])
def test_heights_are_dropped(heights):
    square = [(102, 24), (103, 24), (103, 25), (102, 25), (102, 24)]
    positions = [[*at, *(z if isinstance(z, tuple) else (z,))] for at, z in zip(square, heights, strict=True)]
    for raw in (
        {"type": "Polygon", "coordinates": [positions]},
        {"type": "MultiPolygon", "coordinates": [[positions]]},
    ):
        shape, mended = read_polygon(raw, None)
        assert shape.area == 1 and not shape.has_z and mended is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("试\0市", "U\\+0000"),
        ("试市\0\0", "U\\+0000"),
        ("试\ud800", "U\\+D800"),
        ("试\x07市", "U\\+0007"),
        ("试\ufffd", "lost characters"),
        ("试\n市", "line break"),
        ("试\u2028市", "line break"),
        ("试\u202e市", "U\\+202E"),
        ("试\u200b市", "U\\+200B"),
        ("\u200b", "no name that can be seen"),
        ("\u3164\u2800 \u00ad", "no name that can be seen"),
        ("\0", "no name that can be seen"),
        ("  ", "no name that can be seen"),
        ("字" * 101, "longer than 100"),
        ("字" * 10_000, "longer than 100"),
        (["a"], "no text"),
        (float("nan"), "no text"),
        (float("inf"), "no text"),
        (True, "no text"),
        ("", "no name"),
        (None, "no name"),
    ],
)
def test_names_that_are_refused(name, told):
    with pytest.raises(Refused, match=told):
        read_name({"type": "Feature", "properties": {"name": name}})


def test_what_cannot_be_seen_at_the_ends_of_a_name_is_dropped():
    for name in ("\ufeff 试市\u200b", "\u3000试市 ", "试市\u00ad"):
        assert read_name({"properties": {"name": name}}) == "试市"
    for number in (7, 7.0):
        assert read_name({"properties": {"name": number}}) == "7"
    assert read_name({"properties": {"name": "cafe\u0301"}}) == "caf\u00e9"


def test_a_polygon_across_the_180th_meridian_is_not_taken_for_one_around_the_earth():
    with pytest.raises(Refused, match="180th meridian"):
        read_polygon(ring((179, 0), (-179, 0), (-179, 1), (179, 1), (179, 0)), None)
    parts = [ring((a, 0), (b, 0), (b, 1), (a, 1), (a, 0))["coordinates"] for a, b in ((179, 180), (-180, -179))]
    shape, _ = read_polygon({"type": "MultiPolygon", "coordinates": parts}, None)
    assert shape.area == 2


class Desk:
    """Brings areas of its own in as the command does, and says what became of them."""

    def __init__(self, database, folder):
        self.database, self.path = database, folder / "areas.geojson"
        self.name, self.lon = f"市{uuid.uuid4().hex[:8]}", 60 + random.random()
        self.said = []

    def square(self, east=0.0):
        west = self.lon + east
        return ring((west, -41), (west + 0.01, -41), (west + 0.01, -40.99), (west, -40.99), (west, -41))

    def feature(self, name="东区", geometry=None):
        return {"type": "Feature", "properties": {"name": name}, "geometry": geometry or self.square()}

    async def take(self, *features, zone=None, content=None, **more):
        if content is None:
            content = json.dumps({"type": "FeatureCollection", "features": features, **more})
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        async with self.database.transaction() as connection:
            return await import_areas(connection, self.path, "community", self.name, zone, self.said.append)

    async def areas(self):
        async with self.database.acquire() as connection:
            return {
                row["name"]: row
                for row in await connection.fetch(
                    "select a.*, st_area(a.geom) as size from areas a join areas p on p.id = a.parent_id where p.name = $1",
                    self.name,
                )
            }


@pytest.fixture
def desk(database, tmp_path):
    return Desk(database, tmp_path)


async def test_a_name_in_other_letters_is_refused_by_name(desk):
    features = [desk.feature("Ａ区"), *(desk.feature(name, desk.square(0.1)) for name in ("A区", "a区", "Ａ 区"))]
    assert await desk.take(*features) == (1, 3)
    assert list(await desk.areas()) == ["Ａ区"] and "in other letters" in desk.said[0]


async def test_a_feature_in_a_system_of_its_own_is_refused(desk):
    other = desk.feature("西区") | {"crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}
    assert await desk.take(desk.feature(), other) == (1, 1) and list(await desk.areas()) == ["东区"]


@pytest.mark.parametrize(
    "crs",
    [
        None,
        {},
        *(
            {"type": "name", "properties": {"name": name}}
            for name in (
                "urn:ogc:def:crs:OGC:1.3:CRS84",
                "urn:ogc:def:crs:ogc:1.3:crs84",
                "urn:ogc:def:crs:OGC::CRS84",
                "OGC:CRS84",
                "CRS84",
                "WGS 84",
                "WGS84",
                "GCS_WGS_1984",
                " wgs  84 ",
                "EPSG:4326",
                "epsg:4326",
                "urn:ogc:def:crs:EPSG::4326",
                "urn:ogc:def:crs:EPSG:6.9:4326",
                "urn:ogc:def:crs:EPSG::4979",
                "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                "http://www.opengis.net/def/crs/EPSG/0/4326",
                "http://www.opengis.net/gml/srs/epsg.xml#4326",
                "https://epsg.io/4326",
            )
        ),
        {"type": "EPSG", "properties": {"code": 4326}},
        {"type": "EPSG", "properties": {"code": "4326"}},
        "EPSG:4326",
        {"type": "link", "properties": {"href": "http://spatialreference.org/ref/epsg/4326/proj4/", "type": "proj4"}},
    ],
)
async def test_wgs_84_in_any_words_is_taken(desk, crs):
    assert await desk.take(desk.feature(), crs=crs) == (1, 0)


@pytest.mark.parametrize(
    "name",
    [
        "EPSG:3857",
        "EPSG:4490",
        "urn:ogc:def:crs:EPSG::32648",
        "WGS 84 / UTM zone 48N",
        "WGS 84 / Pseudo-Mercator",
        "GCJ-02",
        "EPSG:43260",
    ],
)
async def test_another_system_of_coordinates_is_refused_by_name(desk, name):
    with pytest.raises(ImportProblem, match=f"not in WGS 84 but in {name}; convert it to EPSG:4326 first"):
        await desk.take(desk.feature(), crs={"type": "name", "properties": {"name": name}})


async def test_features_of_one_name_are_one_area_with_all_their_parts(desk):
    parts = [desk.feature("双片社区"), desk.feature("单片社区", desk.square(0.5)), desk.feature("双片社区", desk.square(0.02))]
    for _ in range(2):
        assert await desk.take(*parts) == (2, 0)
    areas = await desk.areas()
    assert abs(areas["双片社区"]["size"] - 2e-4) < 1e-9 and abs(areas["单片社区"]["size"] - 1e-4) < 1e-9
    assert any("双片社区 (2 features of this name, joined)" in line for line in desk.said)


async def test_a_bad_feature_is_refused_and_the_others_are_taken(desk):
    high = desk.feature("带高程")
    high["geometry"]["coordinates"] = [[[*at, 1890.5] for at in high["geometry"]["coordinates"][0]]]
    bad = [
        desk.feature("试\0市"),
        desk.feature("\ud800"),
        desk.feature("\u200b"),
        None,
        7,
        {"type": "Feature"},
        desk.feature("点") | {"geometry": None},
    ]
    assert await desk.take(high, *bad, desk.feature("西区", desk.square(0.1))) == (2, len(bad))
    assert set(await desk.areas()) == {"带高程", "西区"}
    assert any(line.startswith("refused feature 2 '试\\x00市': its name has") for line in desk.said)


async def test_an_area_of_another_level_is_not_redrawn(desk):
    assert await desk.take(desk.feature("东城"), desk.feature("西城")) == (2, 0)
    async with desk.database.transaction() as connection:
        redrawn = await import_areas(connection, desk.path, "street", desk.name, None, desk.said.append)
    assert redrawn == (0, 2) and "refused '东城': there is a community of this name, which it would redraw" in desk.said
    assert {row["level"] for row in (await desk.areas()).values()} == {"community"}


def test_zones_that_were_taken_before_are_mended(run, cluster):
    """A database of the release before, with areas in zones that are none."""
    name = f"zones_{uuid.uuid4().hex}"
    url = cluster.replace("/gridpatrol?", f"/{name}?")
    stored = {
        "Asia/Shanghai": "Asia/Shanghai",
        "asia/urumqi": "Asia/Urumqi",
        "PRC": "PRC",
        "Asia/Beijing": "Asia/Shanghai",
        "UTC+8": "Asia/Shanghai",
    }

    async def work(to, statement):
        connection = await asyncpg.connect(to)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    run(work(cluster.replace("/gridpatrol?", "/postgres?"), f"create database {name}"))
    migrate(url, "0010")
    rows = ", ".join(f"(gen_random_uuid(), 'city', '{zone}', '{zone}')" for zone in stored)
    run(work(url, f"insert into areas (id, level, name, time_zone) values {rows}"))
    migrate(url)
    assert {row["name"]: row["time_zone"] for row in run(work(url, "select name, time_zone from areas"))} == stored
    run(work(cluster.replace("/gridpatrol?", "/postgres?"), f"drop database {name}"))


async def test_a_file_whose_features_are_all_refused_leaves_nothing(desk):
    assert await desk.take(desk.feature("\u200b")) == (0, 1)
    async with desk.database.acquire() as connection:
        assert not await connection.fetchval("select exists (select from areas where name = $1)", desk.name)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read as GeoJSON"),
        (b"{", "cannot be read as GeoJSON"),
        (b'{"type": "Feature"}\n{"type": "Feature"}', "cannot be read as GeoJSON: Extra data"),
        (b'\x1e{"type": "Feature"}', "cannot be read as GeoJSON"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"features": ' + b"[" * 900 + b"]" * 900 + b"}", None),
        (b"[]", "is not a GeoJSON FeatureCollection"),
        (b'"x"', "is not a GeoJSON FeatureCollection"),
        (b'{"type": "Topology", "objects": {}}', "is not a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": {}}', "is not a GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection", "features": [], "名": "社区"}'.encode("gbk"), "is not in UTF-8"),
        (b"\x1f\x8b\x08" + bytes(20), "is not in UTF-8|cannot be read"),
        (b'{"features": [], "n": ' + b"9" * 5000 + b"}", "cannot be read as GeoJSON"),
    ],
)
async def test_a_file_that_is_no_geojson_says_so(desk, content, told):
    if told is None:
        assert await desk.take(content=content) == (0, 1)
        return
    with pytest.raises(ImportProblem, match=told):
        await desk.take(content=content)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
async def test_a_file_in_another_unicode_is_read(desk, encoding):
    document = json.dumps({"type": "FeatureCollection", "features": [desk.feature("东区")]}, ensure_ascii=False)
    assert await desk.take(content=document.encode(encoding)) == (1, 0) and set(await desk.areas()) == {"东区"}


async def test_a_single_feature_is_a_file_of_one(desk):
    assert await desk.take(content=json.dumps(desk.feature())) == (1, 0)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(exclude_categories=[]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "name", "properties", "crs"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_feature_ends_in_a_traceback(run, database, tmp_path, data):
    desk = Desk(database, tmp_path)
    features = [desk.feature("好")]
    for _ in range(data.draw(st.integers(1, 3))):
        feature = desk.feature("坏")
        where = data.draw(
            st.sampled_from(
                [("geometry",), ("geometry", "type"), ("geometry", "coordinates"), ("properties",), ("properties", "name")]
            )
        )
        holder = feature if len(where) == 1 else feature[where[0]]
        holder[where[-1]] = data.draw(_JSON)
        features.append(feature)
    taken, refused = run(desk.take(*features))
    assert taken >= 1 and taken + refused <= len(features) and len([s for s in desk.said if s.startswith("refused")]) == refused


def test_every_zone_that_is_taken_means_the_same_to_the_database(run, database):
    names = sorted(
        {zones.canonical(name) for name in available_timezones() - {"CET", "EET", "MET", "WET", "localtime", "Factory"}}
    )
    instants = [datetime(year, month, 1, tzinfo=UTC) for year in (2000, 2026, 2040) for month in (1, 7)]

    async def told():
        async with database.acquire() as connection:
            return await connection.fetch(
                "select n, p, known_zone(n) as known, p at time zone n as local from unnest($1::text[]) n, unnest($2::timestamptz[]) p",
                names,
                instants,
            )

    rows = run(told())
    assert len(rows) == len(names) * 6
    for row in rows:
        assert row["known"] == row["n"] and row["p"].astimezone(ZoneInfo(row["n"])).replace(tzinfo=None) == row["local"], row


_NO_ZONES = [
    "Asia/Beijing",
    "Mars/Phobos",
    "UTC+8",
    "UTC-08:00",
    "+08:00",
    "CST",
    "CET",
    "",
    "localtime",
    "Asia/Shanghai\0",
    "../etc/passwd",
    "北京",
]


@pytest.mark.parametrize("zone", _NO_ZONES)
async def test_what_is_no_zone_is_refused_when_it_is_given(desk, zone):
    with pytest.raises(ImportProblem, match="is no time zone of the IANA list"):
        await desk.take(desk.feature(), zone=zone)
    async with desk.database.acquire() as connection:
        assert not await connection.fetchval("select exists (select from areas where name = $1)", desk.name)
    with pytest.raises(ValidationError, match="is no time zone of the IANA list"):
        Settings(time_zone=zone)


async def test_a_zone_that_only_the_program_knows_is_refused_with_a_sentence(desk, monkeypatch):
    monkeypatch.setattr(zones, "canonical", lambda name: name)
    with pytest.raises(ImportProblem, match="does not know the time zone Asia/Newtown"):
        await desk.take(desk.feature(), zone="Asia/Newtown")


async def test_a_zone_is_spelled_as_its_list_spells_it_and_given_anew_where_it_is_named(desk):
    assert await desk.take(desk.feature("a"), zone="America/New_York") == (1, 0)
    assert (await desk.areas())["a"]["time_zone"] == "America/New_York"
    assert await desk.take(desk.feature("a"), zone=" asia/shanghai") == (1, 0)
    assert (await desk.areas())["a"]["time_zone"] == "Asia/Shanghai"
    assert await desk.take(desk.feature("a"), desk.feature("b")) == (2, 0)  # no zone named: kept, and that of the parent
    assert {row["time_zone"] for row in (await desk.areas()).values()} == {"Asia/Shanghai", "America/New_York"}
    assert Settings(time_zone="asia/URUMQI").time_zone == "Asia/Urumqi"


@pytest.mark.parametrize("zone", ["Asia/Beijing", "UTC+8", "asia/shanghai", "CST", "posix/Asia/Shanghai", "CET", ""])
async def test_the_database_itself_takes_no_area_without_a_zone(town, database, zone):
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="is no time zone"):
            await connection.execute("update areas set time_zone = $2 where id = $1", town.area, zone)


@pytest.mark.parametrize("zone", ["Asia/Beijing", "UTC+8", "asia/shanghai"])
async def test_a_bad_zone_that_is_stored_already_stops_nothing(town, database, zone):
    staff, leader = await town.person("staff"), await town.person("leader")
    async with database.transaction() as connection:
        await connection.execute("alter table areas disable trigger areas_zone")
        await connection.execute("update areas set time_zone = $2 where id = $1", town.area, zone)
        await connection.execute("alter table areas enable trigger areas_zone")
    try:
        await running.digest(database)
        issue = (await leader.report(**town.body()))["issue"]
        assert issue["number"].startswith(f"{datetime.now(ZoneInfo('Asia/Shanghai')).year}-")
        await leader.act(issue["id"], "assign", unit=str(town.unit))
        area = {"area": str(town.area)}
        for path, asked in (
            (f"/v1/areas/{town.area}", {}),
            (f"/v1/areas/{town.area}/calendar", {"year": 2026}),
            ("/v1/coverage", area),
            ("/v1/summaries/weekly.json", area),
            (f"/v1/areas/{town.area}/summary", {}),
            ("/v1/league", area | {"of": "units"}),
            ("/v1/cells/summary", area),
        ):
            await staff.get(path, **asked)
        ledger = await staff.call("GET", "/v1/ledger.csv", params=area)
        assert ledger.status_code == 200 and issue["number"] in ledger.text
        monday = {"area": str(town.area), "week": "2026-11-16", "percent": 5}
        assert (await staff.call("PUT", f"/v1/samples/{uuid.uuid4()}", json=monday)).status_code in (201, 409)
    finally:
        async with database.acquire() as connection:
            await connection.execute("update areas set time_zone = 'Asia/Shanghai' where id = $1", town.area)


@pytest.mark.parametrize("size", [float("nan"), float("inf"), 0, -5, 0.001])
async def test_no_size_of_cells_ends_in_a_traceback(desk, size):
    await desk.take(desk.feature())
    async with desk.database.transaction() as connection:
        with pytest.raises(ImportProblem, match=r"is no size of a cell|would have more than"):
            await make_grid(connection, desk.name, size, False, desk.said.append)
        for name in ("", "\u200b", "\udcff", "\0", "x" * 500):
            with pytest.raises(ImportProblem, match="is no name of an area"):
                await make_grid(connection, name, 250, False, desk.said.append)


def test_a_bad_zone_among_the_settings_ends_the_program_with_a_sentence():
    command = Path(sys.executable).with_name("gridpatrol")
    done = subprocess.run(
        [command, "--help"], env=os.environ | {"GRIDPATROL_TIME_ZONE": "UTC+8"}, capture_output=True, text=True, check=False
    )
    assert (
        done.returncode == 1
        and done.stderr.startswith("GRIDPATROL_TIME_ZONE: 'UTC+8' is no time zone")
        and "Traceback" not in done.stderr
    )


async def test_import_and_cut_repeat_without_doubling(database, tmp_path):
    name, lon = f"区{uuid.uuid4().hex[:6]}", 60 + random.random()
    square = ring((lon, -41), (lon + 0.01, -41), (lon + 0.01, -40.99), (lon, -40.99), (lon, -41))
    features = [{"type": "Feature", "properties": {"name": f"{name}社区"}, "geometry": square},
                {"type": "Feature", "properties": {"name": "坏"}, "geometry": None}]  # fmt: skip
    path = tmp_path / "areas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    said: list[str] = []
    async with database.transaction() as connection:
        for _ in range(2):
            assert await import_areas(connection, path, "community", name, None, said.append) == (1, 1)
        assert any("refused feature 2 '坏'" in line for line in said)
        assert await make_grid(connection, name, 250, False, said.append) > 8
        assert await make_grid(connection, name, 250, False, said.append) == 0
        with pytest.raises(ImportProblem):
            await make_grid(connection, "没有", 250, False, said.append)
        path.write_text('{"type": "FeatureCollection", "crs": {"name": "EPSG:4490"}, "features": []}')
        with pytest.raises(ImportProblem, match="EPSG:4490"):
            await import_areas(connection, path, "community", name, None, said.append)


async def test_a_point_on_a_shared_border_has_one_cell(town):
    leader = await town.person("leader")
    border = {"lat": town.lat + 0.005, "lon": town.lon + 0.01}
    found = {(await leader.get("/v1/areas/locate", **border))["cell"]["id"] for _ in range(3)}
    assert found == {str(min(town.cells))}
    report = await leader.report(**town.body(position=border))
    assert report["issue"]["cell"]["id"] in found
    nowhere = await leader.get("/v1/areas/locate", lat=town.lat + 0.1, lon=town.lon)
    assert nowhere == {"cell": None, "area": None}


async def test_the_tree_is_geojson(town):
    leader, other = await town.person("leader"), await town.person("volunteer", cell=1)
    below = await leader.get("/v1/areas", parent=str(town.area))
    assert below["type"] == "FeatureCollection" and {f["id"] for f in below["features"]} == {str(c) for c in town.cells}
    mine = await leader.get(f"/v1/areas/{town.cells[0]}")
    assert [p["role"] for p in mine["properties"]["people"]] == ["leader"]
    assert (await other.get(f"/v1/areas/{town.cells[0]}"))["properties"]["people"] is None
    first = await leader.get("/v1/areas", parent=str(town.area), limit=1)
    second = await leader.get("/v1/areas", parent=str(town.area), limit=1, cursor=first["next_cursor"])
    assert [*first["features"], *second["features"]] == below["features"] and second["next_cursor"] is None


async def test_units_and_cells_are_the_offices(town):
    staff, leader = await town.person("staff"), await town.person("leader")
    id = uuid.uuid4()
    body = {"area": str(town.area), "name": "县医院", "kind": "hospital"}
    assert (await leader.call("PUT", f"/v1/units/{id}", json=body)).status_code == 403
    assert (await staff.call("PUT", f"/v1/units/{id}", json=body)).json()["name"] == "县医院"
    assert (await staff.call("PUT", f"/v1/units/{uuid.uuid4()}", json=body)).status_code == 409
    assert (await staff.call("PUT", f"/v1/units/{uuid.uuid4()}", json=body | {"area": str(uuid.uuid4())})).status_code == 404
    changed = await staff.call("PATCH", f"/v1/cells/{town.cells[0]}", json={"unit": str(id), "name": "网格四组"})
    assert (changed.json()["properties"]["unit"], changed.json()["properties"]["name"]) == (str(id), "网格四组")
    assert Point(town.lon + 0.005, town.lat + 0.005).within(box(*_bounds(changed.json())))


def _bounds(feature):
    points = feature["geometry"]["coordinates"][0][0]
    return min(p[0] for p in points), min(p[1] for p in points), max(p[0] for p in points), max(p[1] for p in points)


async def test_areas_in_the_datum_of_a_chinese_map(town):
    """Drawn on a map in GCJ-02, a cell's corner lies where a position in GCJ-02 says: locate agrees."""
    from app.kit.datum import from_wgs84

    leader = await town.person("leader")
    plain = await leader.get(f"/v1/areas/{town.cells[0]}")
    assert (await leader.get(f"/v1/areas/{town.cells[0]}", datum="gcj02"))["geometry"] == plain[
        "geometry"
    ]  # outside China: the same
    async with town.database.acquire() as connection:
        await connection.execute(
            "update areas set geom = st_multi(st_makeenvelope(102.9, 24.6, 102.91, 24.61, 4326)) where id = $1", town.area
        )
    for datum in ("gcj02", "bd09"):
        ring = (await leader.get(f"/v1/areas/{town.area}", datum=datum))["geometry"]["coordinates"][0][0]
        lat, lon = from_wgs84(24.6, 102.9, datum)
        assert any(abs(x - lon) < 1e-6 and abs(y - lat) < 1e-6 for x, y in ring)
        inside = from_wgs84(24.605, 102.905, datum)
        assert (await leader.get("/v1/areas/locate", lat=inside[0], lon=inside[1], datum=datum))["area"]["id"] == str(town.area)
