"""The map's look as a MapLibre style: no network beyond this server, own sprite, text drawn by the browser's own fonts (no glyphs)."""

from __future__ import annotations

import io
from functools import lru_cache
from math import cos, pi, sin
from typing import Any, Literal

from PIL import Image, ImageDraw

View = Literal["points", "heat", "cells"]
Theme = Literal["light", "dark"]

# One colour a group, apart for the colour-blind as far as eleven can be; the figures are told by size and words, never by colour alone.
GROUP_COLOURS = {
    "sanitation": "#8c564b", "construction": "#d4a017", "clutter": "#9467bd", "trade": "#ff7f0e", "traffic": "#1f77b4", "posting": "#e377c2",
    "animals": "#7f5539", "green": "#2ca02c", "facilities": "#17becf", "safety": "#d62728", "other": "#7f7f7f",
}  # fmt: skip
_THEMES: dict[Theme, dict[str, str]] = {
    "light": {
        "ground": "#f4f2ec", "line": "#8a8f98", "text": "#1d232b", "halo": "#ffffff", "low": "#fff3c4", "high": "#a50f15", "late": "#c1121f",
        "calm": "#2b6cb0",
    },
    "dark": {
        "ground": "#15191f", "line": "#5b6472", "text": "#e8ebf0", "halo": "#15191f", "low": "#3b3420", "high": "#ff6b4a", "late": "#ff5a5f",
        "calm": "#6aa9e9",
    },
}  # fmt: skip
_OPEN: list[Any] = ["coalesce", ["get", "open"], 1]
_FONT = ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"]
_SINGLE: list[Any] = ["has", "category"]


def style(
    base: str, view: View, theme: Theme, public: bool, basemap: str, attribution: str, datum: str, groups: dict[str, str]
) -> dict[str, Any]:  # fmt: skip
    """The style; `base` is the server's address, `groups` the group of each category. `basemap` is a raster template, or a style's
    address, which stands in the metadata for the client to lay beneath."""
    colour = _THEMES[theme]
    layer = "public" if public else "issues"
    sources: dict[str, Any] = {"issues": {"type": "vector", "url": f"{base}/v1/tiles/{layer}.json"}}
    layers: list[dict[str, Any]] = [{"id": "ground", "type": "background", "paint": {"background-color": colour["ground"]}}]
    if "{z}" in basemap:
        sources["basemap"] = {"type": "raster", "tiles": [basemap], "tileSize": 256, "maxzoom": 18, "attribution": attribution}
        layers.append({"id": "basemap", "type": "raster", "source": "basemap"})
    if not public:
        sources["cells"] = {"type": "vector", "url": f"{base}/v1/tiles/cells.json"}
        layers += _shapes(view, colour)
    layers += _heat(colour) if view == "heat" else [] if view == "cells" else _points(colour, groups)
    if not public:
        named: list[Any] = (
            ["get", "name"] if view != "cells" else ["concat", ["get", "name"], "\n", ["to-string", ["get", "open"]]]
        )
        for id, zooms in (
            ("area-names", {"minzoom": 8, "maxzoom": 12}),
            ("cell-names", {"minzoom": 12.2 if view == "cells" else 13.4}),
        ):
            layers.append({
                "id": id, "type": "symbol", "source": "cells", "source-layer": "labels", **zooms,
                "layout": {"text-field": named, "text-size": 12, "text-font": _FONT},
                "paint": {"text-color": colour["text"], "text-halo-color": colour["halo"], "text-halo-width": 1.2, "text-opacity": 0.75},
            })  # fmt: skip
    return {
        "version": 8, "name": f"GridPatrol {view} {theme}", "sprite": f"{base}/v1/map/sprite", "sources": sources, "layers": layers,
        "metadata": {"gridpatrol:basemap": "" if "{z}" in basemap else basemap, "gridpatrol:groups": GROUP_COLOURS, "gridpatrol:datum": datum},
    }  # fmt: skip


def _shapes(view: View, colour: dict[str, str]) -> list[dict[str, Any]]:
    """Areas and cells: filled by how many issues are open there when that is the view, else their outlines alone."""
    made: list[dict[str, Any]] = []
    for shape, steps in (("areas", [0, 50, 500, 5000]), ("cells", [0, 3, 12, 60])):
        if view == "cells":
            fill: list[Any] = [
                "interpolate",
                ["linear"],
                ["get", "open"],
                steps[0],
                colour["ground"],
                steps[1],
                colour["low"],
                steps[3],
                colour["high"],
            ]
            made.append({
                "id": f"{shape}-fill", "type": "fill", "source": "cells", "source-layer": shape,
                "paint": {"fill-color": fill, "fill-opacity": 0.75},
            })  # fmt: skip
        made.append({
            "id": f"{shape}-line", "type": "line", "source": "cells", "source-layer": shape,
            "paint": {"line-color": colour["line"], "line-width": 1 if shape == "cells" else 1.5, "line-opacity": 0.6},
        })  # fmt: skip
    return made


def _heat(colour: dict[str, str]) -> list[dict[str, Any]]:
    """Overdue and returning issues weigh double, as in the hotspots' score."""
    late: list[Any] = [
        "case",
        _SINGLE,
        ["+", ["to-number", ["get", "overdue"]], ["to-number", ["get", "recurring"]]],
        ["+", ["get", "overdue"], ["get", "recurring"]],
    ]
    return [{
        "id": "heat", "type": "heatmap", "source": "issues", "source-layer": "issues",
        "paint": {
            "heatmap-weight": ["interpolate", ["linear"], ["sqrt", ["+", _OPEN, late]], 0, 0, 1, 0.12, 10, 1],
            "heatmap-intensity": ["interpolate", ["linear"], ["zoom"], 8, 0.7, 13, 1, 16, 1.6],
            # Squares are 32 pixels apart where tiles show counts.
            "heatmap-radius": ["step", ["zoom"], 46, 14, 24, 15, 32, 16, 44],
            "heatmap-opacity": 0.85,
            "heatmap-color": [
                "interpolate", ["linear"], ["heatmap-density"], 0, "rgba(0,0,0,0)", 0.15, "#4575b4", 0.35, "#91bfdb", 0.55, "#fee090", 0.75, "#fc8d59",
                1, colour["late"]],
        },
    }]  # fmt: skip


def _points(colour: dict[str, str], groups: dict[str, str]) -> list[dict[str, Any]]:
    share: list[Any] = ["/", ["get", "overdue"], ["get", "open"]]
    # A point says its category alone: a tile of many thousands is quicker made without the group beside.
    match: list[Any] = ["match", ["get", "category"]]
    for group, shade in GROUP_COLOURS.items():
        if kinds := [category for category, its in groups.items() if its == group]:
            match += [kinds, shade]
    match.append(GROUP_COLOURS["other"])
    issues = {"source": "issues", "source-layer": "issues"}
    return [
        {
            "id": "squares", "type": "circle", **issues, "filter": ["!", _SINGLE],
            "paint": {
                "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "open"]], 1, 6, 10, 16, 40, 30],
                "circle-color": ["interpolate", ["linear"], share, 0, colour["calm"], 0.6, colour["late"]],
                "circle-opacity": 0.78, "circle-stroke-color": colour["halo"], "circle-stroke-width": 1.2,
            },
        },
        {
            "id": "squares-open", "type": "symbol", **issues, "filter": ["!", _SINGLE],
            "layout": {"text-field": ["to-string", ["get", "open"]], "text-size": 12, "text-font": _FONT, "text-allow-overlap": True},
            "paint": {"text-color": "#ffffff", "text-halo-color": "rgba(0,0,0,0.35)", "text-halo-width": 1},
        },
        {
            "id": "issues", "type": "circle", **issues, "filter": _SINGLE,
            "paint": {
                "circle-radius": ["interpolate", ["linear"], ["zoom"], 14, 5, 18, 10], "circle-color": match,
                "circle-stroke-color": ["case", ["get", "overdue"], colour["late"], colour["halo"]],
                "circle-stroke-width": ["case", ["get", "overdue"], 3, 1.2],
            },
        },
        {
            "id": "issues-recurring", "type": "symbol", **issues, "filter": ["all", _SINGLE, ["get", "recurring"]], "minzoom": 14,
            "layout": {"icon-image": "recurring", "icon-size": 0.7, "icon-offset": [9, -9], "icon-allow-overlap": True},
        },
    ]  # fmt: skip


_ICON = 24


@lru_cache
def sprite(scale: int) -> tuple[bytes, dict[str, Any]]:
    """The sprite sheet at a pixel ratio: PNG and its index."""
    fine = 4 * scale
    names = ("recurring", "overdue", "black_spot")
    sheet = Image.new("RGBA", (_ICON * fine * len(names), _ICON * fine))
    draw = ImageDraw.Draw(sheet)
    for n, name in enumerate(names):
        left, middle = n * _ICON * fine, _ICON * fine / 2
        centre = left + middle
        radius = middle - fine
        draw.ellipse([centre - radius, middle - radius, centre + radius, middle + radius], fill="#ffffff")
        inner = radius - 1.5 * fine
        if name == "overdue":
            draw.ellipse([centre - inner, middle - inner, centre + inner, middle + inner], fill="#c1121f")
            draw.rounded_rectangle(
                [centre - 1.4 * fine, middle - 6 * fine, centre + 1.4 * fine, middle + fine], fine, fill="#ffffff"
            )
            draw.ellipse([centre - 1.5 * fine, middle + 3 * fine, centre + 1.5 * fine, middle + 6 * fine], fill="#ffffff")
        elif name == "recurring":  # an arrow that comes round again
            draw.arc(
                [centre - inner * 0.7, middle - inner * 0.7, centre + inner * 0.7, middle + inner * 0.7],
                -30,
                270,
                fill="#7b2cbf",
                width=int(2.2 * fine),
            )
            tip = (centre + inner * 0.45, middle - inner * 0.7)
            draw.polygon(
                [(tip[0], tip[1]), (tip[0] - 5 * fine, tip[1] - 4 * fine), (tip[0] - 5 * fine, tip[1] + 4 * fine)], fill="#7b2cbf"
            )
        else:  # a spot with spikes
            spikes = [
                (
                    centre + inner * (1 if k % 2 else 0.55) * cos(k * pi / 8),
                    middle + inner * (1 if k % 2 else 0.55) * sin(k * pi / 8),
                )
                for k in range(16)
            ]
            draw.polygon(spikes, fill="#111111")
    out = io.BytesIO()
    sheet.resize((_ICON * scale * len(names), _ICON * scale), Image.Resampling.LANCZOS).save(out, "PNG")
    size = _ICON * scale
    return out.getvalue(), {
        name: {"x": n * size, "y": 0, "width": size, "height": size, "pixelRatio": scale} for n, name in enumerate(names)
    }
