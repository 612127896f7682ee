"""Areas in, cells cut, positions located."""

import json
import random
import uuid

import pytest
from shapely.geometry import Point, Polygon, box
from shapely.ops import unary_union

from app.grid.geojson import Refused, read_polygon
from app.grid.imports import ImportProblem, cut, import_areas, make_grid


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
