"""HTTP of the web client: one page at every address that people see, and the files it is made of."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.client import shipping
from app.kit.problems import not_found
from app.kit.route import Route
from app.settings import settings

router = APIRouter(route_class=Route, tags=["client"])
_PAGE: dict[int | str, Any] = {200: {"content": {"text/html": {}}}, 304: {}}


def _files(*media: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {each: {} for each in media}}, 304: {}}


_FOREVER = "public, max-age=31536000, immutable"


def _file(request: Request, name: str, keep: str = "no-cache", headers: dict[str, str] | None = None) -> Response:
    found = shipping.file(name)
    if found is None:
        raise not_found()
    headers = {
        "etag": found.etag,
        "cache-control": keep,
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
        **(headers or {}),
    }
    if found.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = found.content
    if found.zipped and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = found.zipped, "gzip"
    return Response(content, 200, headers, found.media_type)


def _page(request: Request) -> Response:
    return _file(
        request, "index.html",
        headers={"content-security-policy": shipping.policy(settings().basemap), "referrer-policy": "same-origin",
                 "permissions-policy": "camera=(self), geolocation=(self), microphone=()"},
    )  # fmt: skip


@router.get("/", responses=_PAGE)
async def get_home(request: Request) -> Response:
    """The web client."""
    return _page(request)


@router.get("/app/{page}", responses=_PAGE)
async def get_page(page: str, request: Request) -> Response:
    """A page of the web client."""
    return _page(request)


@router.get("/app/{page}/{id}", responses=_PAGE)
async def get_page_of_one(page: str, id: str, request: Request) -> Response:
    """A page of the web client about one thing."""
    return _page(request)


@router.get("/join/{code}", responses=_PAGE)
async def get_join(code: str, request: Request) -> Response:
    """Where an invitation's link and QR lead."""
    return _page(request)


@router.get("/public", responses=_PAGE)
async def get_public(request: Request) -> Response:
    """What is published: map and list, for anybody."""
    return _page(request)


@router.get("/see/{number}", responses=_PAGE)
async def get_see(number: str, request: Request) -> Response:
    """What became of an issue, by its number, for anybody."""
    return _page(request)


@router.get("/assets/{name}", responses=_files("text/javascript", "text/css"))
async def get_asset(name: str, request: Request) -> Response:
    """What the client is made of; a name stands for one content for ever. The map's worker is asked for anew: its policy is not the page's
    but comes with its script, and the settings may name another base map."""
    if "worker" in name:
        return _file(request, f"assets/{name}", headers={"content-security-policy": shipping.policy(settings().basemap)})
    return _file(request, f"assets/{name}", _FOREVER)


@router.get("/sw.js", responses=_files("text/javascript"))
async def get_service_worker(request: Request) -> Response:
    """The client's service worker."""
    return _file(request, "sw.js", headers={"content-security-policy": shipping.policy(settings().basemap)})


@router.get("/icons/{name}", responses=_files("image/png", "image/svg+xml"))
async def get_icon(name: str, request: Request) -> Response:
    """The client's icons."""
    return _file(request, f"icons/{name}", "public, max-age=86400")


@router.get("/manifest.webmanifest", responses=_files("application/manifest+json"))
async def get_manifest(request: Request) -> Response:
    """What a phone needs to install the client."""
    return _file(request, "manifest.webmanifest")


# Public pages are for residents who stand there, and go after 30 days: no search engine shall keep them longer. A page of the client says nothing
# without its script.
_ROBOTS = "User-agent: *\nAllow: /$\nAllow: /public$\nDisallow: /\n"


@router.get("/robots.txt", responses={200: {"content": {"text/plain": {}}}})
async def get_robots(request: Request) -> Response:
    """What search engines may look at: the way in, and nothing about an issue."""
    return Response(_ROBOTS, 200, {"cache-control": "public, max-age=86400"}, "text/plain")
