"""The map as a page of its own, until a client shows it: files of the folder `app/web`, and nothing else."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "web"
_TYPES = {".html": "text/html; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
FILES = {path.name: path for path in _FOLDER.iterdir() if path.suffix in _TYPES}


def media_type(name: str) -> str:
    return _TYPES[FILES[name].suffix]


def policy(basemap: str) -> str:
    """Content-Security-Policy: this server alone, and the base map's when one is set."""
    beyond = ""
    if basemap.startswith("http"):
        beyond = " " + "/".join(basemap.split("/")[:3])
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{beyond}; connect-src 'self'{beyond}; "
        "worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
