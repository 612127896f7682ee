"""Bringing in real areas from GeoJSON, and cutting areas into cells."""

from __future__ import annotations

import math
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import shapely
from shapely.affinity import scale
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.prepared import prep

from app.grid import geojson, queries
from app.grid.geojson import Refused, read_name, read_polygon
from app.kit import cells, visible, zones
from app.kit.db import Connection
from app.settings import settings

LEVELS = ("city", "district", "street", "community")
_METRES_PER_DEGREE = 111_320.0
# Cells of one area, at most: more than anybody answers for, and a slip of the keyboard.
_MOST_CELLS = 100_000
_NAMESPACE = uuid.UUID("5b0f6c0e-0a53-5b7e-9c39-7d0f4d0a6a11")

Say = Callable[[str], None]


class ImportProblem(Exception):
    """The file or the named area cannot be used at all."""


async def put_area(
    connection: Connection,
    name: str,
    level: str,
    parent: uuid.UUID | None,
    geometry: bytes | None,
    time_zone: str,
    changes_zone: bool = False,
) -> uuid.UUID:
    """Make an area or redraw it; known by its name within its parent (areas' unique constraint).
    Raises ImportProblem for a zone that the database does not know."""
    id = uuid.uuid5(_NAMESPACE, f"{parent}/{name}")
    values = (id, parent, level, name, geometry, time_zone, changes_zone)
    try:
        found: Any = await connection.fetchval(queries.PUT_AREA, *values)
    except asyncpg.CheckViolationError:  # zones of a release that is younger than this PostgreSQL's
        raise ImportProblem(f"This PostgreSQL does not know the time zone {time_zone}.") from None
    await connection.execute(queries.PUT_AREA_TREE, found, parent)
    return found


async def find_area(connection: Connection, name: str) -> Any:
    _check_name(name)
    rows = await connection.fetch(queries.AREAS_BY_NAME, name)
    if len(rows) != 1:
        raise ImportProblem(f"There {'is no area' if not rows else 'are several areas'} named {name!r}.")
    return rows[0]


def _check_name(name: str) -> None:
    if not visible.is_visible(name) or cells.name_fault(name, 100):
        raise ImportProblem(f"{name!r} is no name of an area.")


@dataclass(slots=True)
class _Found:
    """What a file holds of one area: its parts, and what was mended of them."""

    parts: list[BaseGeometry] = field(default_factory=list[BaseGeometry])
    mended: list[str] = field(default_factory=list[str])

    def drawn(self) -> bytes:
        whole = self.parts[0] if len(self.parts) == 1 else shapely.union_all(self.parts)
        return whole.wkb

    def told(self) -> str:
        joined = [f"{len(self.parts)} features of this name, joined"] if len(self.parts) > 1 else []
        said = "; ".join([*joined, *self.mended])
        return f" ({said})" if said else ""


def _folded(name: str) -> str:
    """A name without what people hardly see: the width and case of its letters, and its blanks."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _read(features: list[Any], outline: BaseGeometry | None, say: Say) -> tuple[dict[str, _Found], int]:
    """The areas of a file by name, and how many of its features were refused."""
    found: dict[str, _Found] = {}
    written: dict[str, str] = {}
    refused = 0
    for index, feature in enumerate(features):
        try:
            name = read_name(feature)
            other = written.setdefault(_folded(name), name)
            if other != name:
                raise Refused(f"its name is that of {other!r} in other letters; write both the same to join them")
            geojson.check_system(feature)
            geometry, mended = read_polygon(feature.get("geometry"), outline)
        except Refused as reason:
            refused += 1
            say(f"refused feature {index + 1} {geojson.shown_name(feature)}: {reason}")
            continue
        area = found.setdefault(name, _Found())
        area.parts.append(geometry)
        area.mended += [mended] if mended else []
    return found, refused


async def _parent(connection: Connection, name: str, level: str) -> Any:
    """The area above that is meant by a name, or None where there is none yet. Raises ImportProblem
    where it may be several."""
    _check_name(name)
    rows = await connection.fetch(queries.AREAS_BY_NAME, name)
    above = [row for row in rows if LEVELS.index(row["level"]) < LEVELS.index(level)] or rows
    if len(above) > 1:
        raise ImportProblem(f"There are several areas named {name!r}.")
    return above[0] if above else None


async def import_areas(
    connection: Connection, path: Path, level: str, parent_name: str | None, time_zone: str | None, say: Say
) -> tuple[int, int]:
    """Areas taken, and features refused. Repeatable: an area is known by its name within its
    parent, and features of one name are one area. A zone that is named is given to areas that are
    here already, too. Raises ImportProblem."""
    try:
        zone = zones.canonical(time_zone) if time_zone is not None else settings().time_zone
        features = geojson.read_features(path)
    except (zones.NoZone, geojson.Unreadable) as problem:
        raise ImportProblem(str(problem)) from None
    parent: Any = None
    outline: BaseGeometry | None = None
    if parent_name is not None:
        row = await _parent(connection, parent_name, level)
        if row is not None:
            parent = row["id"]
            zone = zone if time_zone is not None else row["time_zone"]
            raw = await connection.fetchval(queries.PARENT_GEOM, parent)
            outline = shapely.from_wkb(raw) if raw else None
    found, refused = _read(features, outline, say)
    if found and parent_name is not None and parent is None:
        parent = await put_area(connection, parent_name, "city", None, None, zone)
        say(f"made city {parent_name}")
    there = {row["name"]: row["level"] for row in await connection.fetch(queries.LEVELS_BELOW, parent, list(found))}
    for name in [name for name in found if there.get(name, level) != level]:
        refused += len(found.pop(name).parts)
        say(f"refused {name!r}: there is a {there[name]} of this name, which it would redraw")
    for name, area in found.items():
        await put_area(connection, name, level, parent, area.drawn(), zone, time_zone is not None)
        say(f"{name}{area.told()}")
    return len(found), refused


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


def _tiles(geometry: BaseGeometry, size_m: float) -> float:
    """How many tiles are laid over a geometry, about."""
    west, south, east, north = geometry.bounds
    width = (east - west) * _METRES_PER_DEGREE * math.cos(math.radians((south + north) / 2))
    return width * (north - south) * _METRES_PER_DEGREE / size_m**2


async def make_grid(connection: Connection, area_name: str, size_m: float, hexagons: bool, say: Say) -> int:
    """Cut an area, or each of the smallest areas below it, into cells; how many were made. Areas that have cells keep them."""
    if not math.isfinite(size_m) or size_m <= 0:
        raise ImportProblem(f"{size_m} is no size of a cell in metres.")
    area = await find_area(connection, area_name)
    made = 0
    leaves = await connection.fetch(queries.LEAVES, area["id"])
    if not leaves:
        raise ImportProblem(f"{area_name} has no outline to cut; import its areas first.")
    for leaf in leaves:
        if await connection.fetchval("select exists (select from cells where area_id = $1)", leaf["id"]):
            say(f"{leaf['name']}: has cells already")
            continue
        outline = shapely.from_wkb(leaf["geom"])
        if _tiles(outline, size_m) > _MOST_CELLS:
            raise ImportProblem(f"{leaf['name']} would have more than {_MOST_CELLS} cells; name a larger --size.")
        parts = cut(outline, size_m, hexagons)
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
