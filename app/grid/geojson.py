"""GeoJSON as people have it: what a file holds, which words for WGS 84 are understood, and its
polygons, mended where that is harmless and refused by name where it is not."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

from shapely import transform
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity, make_valid

from app.kit import cells, visible

_NAMES = ("name", "NAME", "Name", "名称", "name_zh")
_LONGEST_NAME = 100
_DEPTH = {"Polygon": 2, "MultiPolygon": 3}
# WGS 84 as programs write it. Positions are longitude first, whatever a name of a system says about
# the order of its axes: so does every program that writes GeoJSON.
_WGS84 = re.compile(
    r"(?:urn:(?:x-)?ogc:def:crs:)?ogc:(?:[0-9.]*:)?crs:?84h?|crs:?84h?|(?:urn:(?:x-)?ogc:def:crs:)?epsg:(?:[0-9.]*:)?(?:4326|4979)|4326"
    r"|https?://(?:www\.)?opengis\.net/def/crs/(?:ogc/[0-9.]+/crs84h?|epsg/[0-9.]+/(?:4326|4979))"
    r"|https?://(?:www\.)?opengis\.net/gml/srs/epsg\.xml#4326"
    r"|https?://(?:www\.)?(?:spatialreference\.org|epsg\.io)/(?:ref/epsg/)?4326(?:/[a-z0-9]*)*"
    r"|(?:gcs[ _-]?)?wgs[ _-]?(?:19)?84(?: ?\((?:crs ?84|epsg:4326|2d|3d)\))?|epsg:4326 - wgs ?84|world geodetic system (?:19)?84",
    re.ASCII,
)


class Unreadable(Exception):
    """A file that is no GeoJSON of areas; the message says why."""


class Refused(Exception):
    """A feature that cannot be taken; the message says why."""


def read_features(path: Path) -> list[Any]:
    """The features of a FeatureCollection, or a single one. Raises Unreadable."""
    try:
        document: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path} is not in UTF-8 (perhaps in GBK, or packed); save it as UTF-8.") from None
    except RecursionError:
        raise Unreadable(f"{path} cannot be read as GeoJSON: its lists are nested too deep.") from None
    except ValueError as error:
        raise Unreadable(f"{path} cannot be read as GeoJSON: {error}.") from None
    if not isinstance(document, dict):
        raise Unreadable(f"{path} is not a GeoJSON FeatureCollection.")
    other = _other_crs(document)
    if other is not None:
        raise Unreadable(f"{path} is not in WGS 84 but in {other}; convert it to EPSG:4326 first.")
    features: Any = [document] if document.get("type") == "Feature" else document.get("features")
    if not isinstance(features, list):
        raise Unreadable(f"{path} is not a GeoJSON FeatureCollection.")
    return features


def _other_crs(thing: Any) -> str | None:
    """The system of coordinates that a file, feature or geometry names, where that is not WGS 84."""
    crs: Any = thing.get("crs") if isinstance(thing, dict) else None
    if not crs:
        return None
    said = list(_said(crs)) or ["a system without a name"]
    other = next((word for word in said if not _WGS84.fullmatch(" ".join(word.lower().split()))), None)
    return None if other is None else cells.shown(other[:200])


def check_system(thing: Any) -> None:
    """Raises Refused for a feature or geometry that says it is in another system than WGS 84."""
    other = _other_crs(thing)
    if other is not None:
        raise Refused(f"it is not in WGS 84 but in {other}")


def _said(crs: Any) -> Generator[str]:
    if isinstance(crs, str | int | float):
        yield str(crs)
    elif isinstance(crs, dict):
        for holder in (crs.get("properties"), crs):
            for key in ("name", "href", "code"):
                named: Any = holder.get(key) if isinstance(holder, dict) else None
                if isinstance(named, str | int | float) and str(named).strip():
                    yield str(named).removesuffix(".0")


def _named(feature: Any) -> Any:
    properties: Any = feature.get("properties") if isinstance(feature, dict) else None
    return next((properties[k] for k in _NAMES if properties.get(k)), "") if isinstance(properties, dict) else ""


def shown_name(feature: Any) -> str:
    """What a feature is called in its file, for a sentence about it."""
    named: Any = _named(feature)
    return repr(named[:60]) if isinstance(named, str) else "''"


def read_name(feature: Any) -> str:
    """The name of a feature, without what cannot be seen at its ends. Raises Refused."""
    named: Any = _named(feature)
    if isinstance(named, float) and not math.isfinite(named):
        raise Refused("its name is no text")
    if isinstance(named, float) and named.is_integer():
        named = int(named)
    if isinstance(named, bool) or not isinstance(named, str | int | float):
        raise Refused("its name is no text")
    name = visible.trimmed(str(named))
    if not visible.is_visible(name):
        raise Refused("it has no name" if named == "" else "it has no name that can be seen")
    fault = cells.name_fault(name, _LONGEST_NAME)
    if fault is not None:
        raise Refused(f"its name {fault}")
    return name


def _polygons(geometry: BaseGeometry) -> MultiPolygon:
    if isinstance(geometry, Polygon):
        return MultiPolygon([geometry])
    if isinstance(geometry, MultiPolygon):
        return geometry
    parts = [p for part in getattr(geometry, "geoms", []) for p in _polygons(part).geoms]
    return MultiPolygon(parts)


def _swapped(geometry: BaseGeometry) -> BaseGeometry:
    return transform(geometry, lambda points: points[:, ::-1])


def _flat(coordinates: Any, depth: int) -> Any:
    """Coordinates as numbers of longitude and latitude: a height, or whatever else a position has,
    is dropped."""
    if not isinstance(coordinates, list):
        raise Refused("its coordinates cannot be read: a list is missing")
    if depth:
        return [_flat(part, depth - 1) for part in coordinates]
    position = coordinates[:2]
    if len(position) < 2 or any(isinstance(n, bool) or not isinstance(n, int | float) for n in position):
        raise Refused("its coordinates cannot be read: a position is not two numbers")
    try:
        numbers = [float(n) for n in position]
    except OverflowError:
        raise Refused("its coordinates are not degrees of WGS 84") from None
    if not all(math.isfinite(n) for n in numbers):
        raise Refused("it has coordinates that are not numbers")
    return numbers


def _shape(raw: Any) -> BaseGeometry:
    if not isinstance(raw, dict):
        raise Refused("it has no geometry")
    kind: Any = raw.get("type")
    if not isinstance(kind, str) or kind not in _DEPTH:
        raise Refused(f"its geometry is a {kind[:40]!r}, not a polygon" if isinstance(kind, str) else "its geometry has no type")
    coordinates = _flat(raw.get("coordinates"), _DEPTH[kind])
    try:
        return shape({"type": kind, "coordinates": coordinates})
    except Exception as error:  # shapely raises many kinds for malformed coordinates; each is the same to the reader
        raise Refused(f"its coordinates cannot be read: {error}") from error


def read_polygon(raw: Any, parent: BaseGeometry | None) -> tuple[MultiPolygon, str | None]:
    """The polygon of a GeoJSON geometry, in WGS 84, and what was mended (None: nothing).

    Winding and heights do not matter. A self-intersection is mended when that changes the area by
    less than 1 %. Raises Refused for anything but polygons, positions outside the world, latitude
    and longitude swapped, and polygons that cannot be mended.
    """
    check_system(raw)
    geometry = _shape(raw)
    bounds = geometry.bounds
    if geometry.is_empty:
        raise Refused("it is empty")
    west, south, east, north = bounds
    if max(abs(west), abs(east)) <= 90 < max(abs(south), abs(north)) <= 180:
        raise Refused("latitude and longitude are swapped: GeoJSON puts longitude first")
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise Refused("its coordinates are not degrees of WGS 84, but perhaps metres; export it in EPSG:4326")
    if any(east - west > 180 for west, _, east, _ in (part.bounds for part in _polygons(geometry).geoms)):
        raise Refused("it spans more than half the earth; cut it in two where it crosses the 180th meridian")
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
