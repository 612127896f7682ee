"""Bringing in real areas from GeoJSON, and cutting areas into cells."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import shapely
from shapely.affinity import scale
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.prepared import prep

from app.grid import queries
from app.grid.geojson import Refused, read_polygon
from app.kit.db import Connection
from app.settings import settings

LEVELS = ("city", "district", "street", "community")
_NAMES = ("name", "NAME", "Name", "名称", "name_zh")
_METRES_PER_DEGREE = 111_320.0
_NAMESPACE = uuid.UUID("5b0f6c0e-0a53-5b7e-9c39-7d0f4d0a6a11")

Say = Callable[[str], None]


class ImportProblem(Exception):
    """The file or the named area cannot be used at all."""


async def put_area(
    connection: Connection, name: str, level: str, parent: uuid.UUID | None, geometry: bytes | None, time_zone: str
) -> uuid.UUID:
    """Make an area or redraw it; known by its name within its parent (areas' unique constraint)."""
    id = uuid.uuid5(_NAMESPACE, f"{parent}/{name}")
    found: Any = await connection.fetchval(queries.PUT_AREA, id, parent, level, name, geometry, time_zone)
    await connection.execute(queries.PUT_AREA_TREE, found, parent)
    return found


async def find_area(connection: Connection, name: str) -> Any:
    rows = await connection.fetch(queries.AREAS_BY_NAME, name)
    if len(rows) != 1:
        raise ImportProblem(f"There {'is no area' if not rows else 'are several areas'} named {name!r}.")
    return rows[0]


def _features(path: Path) -> list[Any]:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ImportProblem(f"{path} cannot be read as GeoJSON: {error}") from error
    crs = str(document.get("crs", "") if isinstance(document, dict) else "")
    if crs and not any(word in crs for word in ("CRS84", "4326")):
        raise ImportProblem(f"{path} is not in WGS 84 but in {crs}; convert it first.")
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise ImportProblem(f"{path} is not a GeoJSON FeatureCollection.")
    return features


async def import_areas(
    connection: Connection, path: Path, level: str, parent_name: str | None, time_zone: str | None, say: Say
) -> tuple[int, int]:
    """Areas taken and refused. Repeatable: an area is known by its name within its parent. Raises ImportProblem."""
    features = _features(path)
    zone = time_zone or settings().time_zone
    parent: Any = None
    outline: BaseGeometry | None = None
    if parent_name is not None:
        rows = await connection.fetch(queries.AREAS_BY_NAME, parent_name)
        if rows:
            parent = rows[0]["id"]
            zone = time_zone or rows[0]["time_zone"]
            raw = await connection.fetchval(queries.PARENT_GEOM, parent)
            outline = shapely.from_wkb(raw) if raw else None
        else:
            parent = await put_area(connection, parent_name, "city", None, None, zone)
            say(f"made city {parent_name}")
    taken = refused = 0
    for index, feature in enumerate(features):
        properties: Any = feature.get("properties") if isinstance(feature, dict) else None
        name = next((str(properties[key]).strip() for key in _NAMES if properties and properties.get(key)), "")
        try:
            if not name:
                raise Refused("it has no name")
            geometry, mended = read_polygon(feature.get("geometry"), outline)
        except Refused as reason:
            refused += 1
            say(f"refused feature {index + 1} {name!r}: {reason}")
            continue
        await put_area(connection, name, level, parent, geometry.wkb, zone)
        taken += 1
        say(f"{name}{f' ({mended})' if mended else ''}")
    return taken, refused


def _squares(west: float, south: float, east: float, north: float, size: float) -> Iterator[Polygon]:
    columns, rows = math.ceil((east - west) / size), math.ceil((north - south) / size)
    for row in range(rows):
        for column in range(columns):
            x, y = west + column * size, south + row * size
            yield box(x, y, x + size, y + size)


def _hexagons(west: float, south: float, east: float, north: float, size: float) -> Iterator[Polygon]:
    """Pointy-top hexagons, `size` from flat side to flat side."""
    radius = size / math.sqrt(3)
    row, y = 0, south
    while y - radius < north:
        x = west + (size / 2 if row % 2 else 0)
        while x - size / 2 < east:
            angles = [math.radians(60 * corner + 30) for corner in range(6)]
            yield Polygon([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles])
            x += size
        y += 1.5 * radius
        row += 1


def cut(geometry: BaseGeometry, size_m: float, hexagons: bool = False) -> list[MultiPolygon]:
    """Cells of about `size_m` metres that cover `geometry` (WGS 84) without overlapping, clipped to it.

    Cut on a plane where a degree of longitude is shortened by the cosine of the middle latitude: within a city the error
    of a cell's size stays under 1 %. Slivers under a hundredth of a cell are dropped into no cell.
    """
    middle = math.radians((geometry.bounds[1] + geometry.bounds[3]) / 2)
    x_factor, y_factor = _METRES_PER_DEGREE * math.cos(middle), _METRES_PER_DEGREE
    plane = scale(geometry, x_factor, y_factor, origin=(0, 0))
    inside = prep(plane)
    cells: list[MultiPolygon] = []
    for tile in (_hexagons if hexagons else _squares)(*plane.bounds, size_m):
        if not inside.intersects(tile):
            continue
        part = tile if inside.contains(tile) else plane.intersection(tile)
        polygons = [p for p in getattr(part, "geoms", [part]) if isinstance(p, Polygon) and p.area > 1]
        if sum(p.area for p in polygons) >= 0.01 * tile.area:
            cells.append(scale(MultiPolygon(polygons), 1 / x_factor, 1 / y_factor, origin=(0, 0)))
    return cells


async def make_grid(connection: Connection, area_name: str, size_m: float, hexagons: bool, say: Say) -> int:
    """Cut an area, or each of the smallest areas below it, into cells; how many were made. Areas that have cells keep them."""
    area = await find_area(connection, area_name)
    made = 0
    leaves = await connection.fetch(queries.LEAVES, area["id"])
    if not leaves:
        raise ImportProblem(f"{area_name} has no outline to cut; import its areas first.")
    for leaf in leaves:
        if await connection.fetchval("select exists (select from cells where area_id = $1)", leaf["id"]):
            say(f"{leaf['name']}: has cells already")
            continue
        parts = cut(shapely.from_wkb(leaf["geom"]), size_m, hexagons)
        width = len(str(len(parts)))
        await connection.executemany(
            queries.PUT_CELL,
            [
                (uuid.uuid5(_NAMESPACE, f"{leaf['id']}/{n}"), leaf["id"], f"{leaf['name']} {n:0{width}}", part.wkb, None)
                for n, part in enumerate(parts, 1)
            ],
        )
        made += len(parts)
        say(f"{leaf['name']}: {len(parts)} cells")
    return made
