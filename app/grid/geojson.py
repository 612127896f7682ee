"""Polygons from GeoJSON, mended where that is harmless and refused by name where it is not."""

from __future__ import annotations

import math
from typing import Any

from shapely import transform
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity, make_valid


class Refused(Exception):
    """A feature that cannot be taken; the message says why."""


def _polygons(geometry: BaseGeometry) -> MultiPolygon:
    if isinstance(geometry, Polygon):
        return MultiPolygon([geometry])
    if isinstance(geometry, MultiPolygon):
        return geometry
    parts = [p for part in getattr(geometry, "geoms", []) for p in _polygons(part).geoms]
    return MultiPolygon(parts)


def _swapped(geometry: BaseGeometry) -> BaseGeometry:
    return transform(geometry, lambda points: points[:, ::-1])


def read_polygon(raw: Any, parent: BaseGeometry | None) -> tuple[MultiPolygon, str | None]:
    """The polygon of a GeoJSON geometry, in WGS 84, and what was mended (None: nothing).

    Winding does not matter. A self-intersection is mended when that changes the area by less than 1 %. Raises Refused for
    anything but polygons, positions outside the world, latitude and longitude swapped, and polygons that cannot be mended.
    """
    if not isinstance(raw, dict):
        raise Refused("it has no geometry")
    if raw.get("type") not in ("Polygon", "MultiPolygon"):
        raise Refused(f"its geometry is a {raw.get('type')}, not a polygon")
    try:
        geometry = shape(raw)
        bounds = geometry.bounds
    except Exception as error:  # shapely raises many kinds for malformed coordinates; each is the same to the reader
        raise Refused(f"its coordinates cannot be read: {error}") from error
    if geometry.is_empty or not all(math.isfinite(value) for value in bounds):
        raise Refused("it is empty or has coordinates that are not numbers")
    west, south, east, north = bounds
    if max(abs(west), abs(east)) <= 90 < max(abs(south), abs(north)) <= 180:
        raise Refused("latitude and longitude are swapped: GeoJSON puts longitude first")
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise Refused("its coordinates are not degrees of WGS 84")
    if (
        parent is not None
        and not geometry.envelope.intersects(parent.envelope)
        and _swapped(geometry).envelope.intersects(parent.envelope)
    ):
        raise Refused("latitude and longitude are swapped: it lies in its parent only the other way round")
    if south < -60:
        raise Refused("it lies in Antarctica: latitude and longitude are probably swapped")
    mended = None
    if not geometry.is_valid:
        fault = explain_validity(geometry)
        whole = _polygons(make_valid(geometry))
        before, after = sum(Polygon(p.exterior).area for p in _polygons(geometry).geoms), whole.area
        if whole.is_empty or abs(after - geometry.area) > 0.01 * max(before, 1e-12):
            raise Refused(f"its outline crosses itself and cannot be mended without changing it: {fault}")
        geometry, mended = whole, f"mended: {fault}"
    result = _polygons(geometry)
    if result.is_empty or result.area == 0:
        raise Refused("it has no area")
    return result, mended
