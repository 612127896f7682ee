"""HTTP of sync: what changed since, and what changes now."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import Field
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from app.issues.schemas import Changes
from app.kit import paging
from app.kit.asking import Asked, described, read
from app.kit.datum import Datum
from app.kit.openapi import refused
from app.kit.route import Route, Secret, TheCaller, TheDatabase, Token, hot
from app.kit.wire import answer
from app.sync.changes import from_now, read_cursor, since
from app.sync.live import Live

router = APIRouter(route_class=Route, tags=["sync"])
CursorText = Annotated[str | None, Query(max_length=20_000)]


class ChangesAsked(Asked):
    cursor: str | None = Field(None, max_length=20_000)
    open: bool = Field(False, description="Without a cursor: start with what is open; later answers hold every change.")
    most: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Without a cursor: so many, the latest, and then only what changes; for a phone with little room.",
    )
    datum: Datum = "wgs84"
    limit: int = Field(paging.DEFAULT_LIMIT, ge=1, le=paging.MAX_LIMIT)


@router.get("/v1/changes", responses={200: {"model": Changes}} | refused(410), openapi_extra=described(ChangesAsked))
async def get_changes(request: Request) -> Response:
    """What changed in the caller's scope since the cursor, latest first, and ids of what left it; without a cursor, all of it."""
    database, token, secret = hot(request)
    asked = read(ChangesAsked, request)
    place = read_cursor(database, secret, asked.cursor, asked.open, asked.most)
    async with database.acquire() as connection:
        following, items, removed, more = await since(connection, token, place, asked.limit, asked.datum)
    return answer({"items": items, "removed": removed, "next_cursor": following.seal(secret), "more": more})


async def _placed(request: Request, caller: TheCaller) -> AsyncGenerator[Live]:
    """The listeners, with a place among them; given back after the answer has ended, however it ended."""
    live = cast("Live", request.app.state.live)
    async with live.place(caller.account_id):
        yield live


@router.get(
    "/v1/events", responses={200: {"content": {"text/event-stream": {}}, "description": "Server-Sent Events"}} | refused(410, 429)
)
async def get_events(
    live: Annotated[Live, Depends(_placed)],
    caller: TheCaller,
    token: Token,
    database: TheDatabase,
    secret: Secret,
    cursor: CursorText = None,
    last_event_id: Annotated[str | None, Header(max_length=20_000)] = None,
    datum: Datum = "wgs84",
) -> Response:
    """The same, live, as Server-Sent Events. Goes on after `Last-Event-ID` (or `cursor`); with neither, from now."""
    text = last_event_id or cursor
    place = read_cursor(database, secret, text)
    if text is None:
        async with database.acquire() as connection:
            place = await from_now(connection, token, place, datum)
    # The heartbeat is the stream's own, since it also looks whether the listener may still listen.
    return EventSourceResponse(
        live.stream(caller, token, place, secret, datum),
        ping=86_400,
        headers={"x-accel-buffering": "no", "cache-control": "no-store"},
    )
