"""The frame around every route: policy, Idempotency-Key, one transaction for each change.

A handler takes what it needs with `Depends`: `caller`, `token`, or `database`. A POST with an Idempotency-Key runs inside
a claim on the row (scope, key):

1. The claim is a row with no status, committed at once: the primary key lets one of two simultaneous requests have it,
   the other answers 409.
2. The handler's changes and the stored answer commit in the same transaction, so a key without an answer means that
   nothing was done. A claim left by a killed process is taken over after a minute.
3. A refused request (4xx) changed nothing and frees its key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Annotated, Any, NamedTuple, cast

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.kit import policy
from app.kit.access import CALLER, Caller, token_hash
from app.kit.db import Connection, Database
from app.kit.problems import Problem

_CLAIM = """
insert into idempotency_keys (scope, key, fingerprint) values ($1, $2, $3)
on conflict (scope, key) do update set created_at = now(), fingerprint = excluded.fingerprint
  where idempotency_keys.status is null and idempotency_keys.created_at < now() - interval '1 minute'
     or idempotency_keys.created_at < now() - interval '7 days'
returning true
"""
_CLAIMED = "select fingerprint, status, body, etag from idempotency_keys where scope = $1 and key = $2"
_ANSWER = "update idempotency_keys set status = $3, body = $4, etag = $5 where scope = $1 and key = $2"
_FREE = "delete from idempotency_keys where scope = $1 and key = $2 and status is null"


def unauthorized() -> Problem:
    return Problem(401, "sign-in", headers={"www-authenticate": "Bearer"})


class Unit:
    """The work of one request: its transaction is opened when first asked for and ended by the route."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.stack = AsyncExitStack()
        self.connection: Connection | None = None

    async def begin(self) -> Connection:
        if self.connection is None:
            self.connection = await self.stack.enter_async_context(self.database.transaction())
        return self.connection


class Route(APIRoute):
    """Default deny: a route that `policy.ROUTES` does not name cannot be made."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        method = next(iter(self.methods or ()))
        self.rule = policy.ROUTES[method, path]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            rule = self.rule
            token = request.state.token = token_hash(request.headers.get("authorization"))
            if not rule.anyone and token is None:
                raise unauthorized()
            if rule.in_query:
                return await inner(request)
            state: Any = request.app.state
            unit = request.state.unit = Unit(state.database)
            if not rule.anyone:
                async with unit.database.acquire() as connection:
                    row = await connection.fetchrow(CALLER, token)
                if row is None:
                    raise unauthorized()
                request.state.caller = Caller.of(row)
                if rule.roles is not None and not rule.roles & request.state.caller.roles:
                    raise Problem(403, "forbidden")
            key = request.headers.get("idempotency-key")
            if request.method == "POST" and key is not None and not rule.anyone:
                return await _once(request, unit, key, inner)
            async with unit.stack:
                return await inner(request)

        return handle


async def _once(request: Request, unit: Unit, key: str, inner: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Problem(422, "bad-key")
    scope = str(request.state.caller.account_id)
    mark = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + await request.body()).digest()
    async with unit.database.acquire() as connection:
        if not await connection.fetchval(_CLAIM, scope, key, mark):
            held = await connection.fetchrow(_CLAIMED, scope, key)
            if held is None or held["status"] is None:
                raise Problem(409, "key-running", headers={"retry-after": "1"})
            if held["fingerprint"] != mark:
                raise Problem(422, "key-reused")
            headers = {"idempotent-replay": "true"} | ({"etag": held["etag"]} if held["etag"] else {})
            return Response(held["body"], held["status"], headers, "application/json")
    try:
        async with unit.stack:
            response = await inner(request)
            await (await unit.begin()).execute(
                _ANSWER, scope, key, response.status_code, bytes(response.body), response.headers.get("etag")
            )
            return response
    except BaseException:
        async with unit.database.acquire() as connection:
            await connection.execute(_FREE, scope, key)
        raise


async def _caller(request: Request) -> Caller:
    return cast("Caller", request.state.caller)


async def _token(request: Request) -> bytes:
    return cast("bytes", request.state.token)


async def _database(request: Request) -> Database:
    return cast("Database", request.app.state.database)


async def _transaction(request: Request) -> Connection:
    return await cast("Unit", request.state.unit).begin()


async def _secret(request: Request) -> bytes:
    return cast("bytes", request.app.state.secret)


class Hot(NamedTuple):
    """What a route whose statement reads the token needs; taken straight from the request, which costs less than `Depends`."""

    database: Database
    token: bytes
    secret: bytes


def hot(request: Request) -> Hot:
    state = request.app.state
    return Hot(state.database, request.state.token, state.secret)


TheCaller = Annotated[Caller, Depends(_caller)]
Token = Annotated[bytes, Depends(_token)]
TheDatabase = Annotated[Database, Depends(_database)]
Transaction = Annotated[Connection, Depends(_transaction)]
Secret = Annotated[bytes, Depends(_secret)]
