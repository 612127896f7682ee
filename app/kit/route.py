"""The frame around every route: policy, Idempotency-Key, one transaction for each change.

A handler takes what it needs with `Depends`: `caller`, `token`, or `database`. A POST with an Idempotency-Key runs inside
a claim on the row (scope, key):

1. The claim is a row with no status, committed at once: the primary key lets one of two simultaneous requests have it,
   the other answers 409.
2. The handler's changes and the stored answer commit in the same transaction, so a key without an answer means that
   nothing was done. A claim left by a killed process is taken over after a minute.
3. A refused request (4xx) changed nothing and frees its key.
4. Of the key a hash is kept, and the answer is sealed with the key: an answer may hold an invitation's code or a link.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Annotated, Any, NamedTuple, cast

import orjson
from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, compile_path
from starlette.types import Message

from app.kit import policy, sealed
from app.kit.access import CALLER, Caller, token_hash
from app.kit.db import Connection, Database
from app.kit.problems import Problem, pointer_to
from app.settings import settings

_CLAIM = """
insert into idempotency_keys (scope, key, fingerprint)
select $1::text, $2::text, $3::bytea where not exists (
  select from idempotency_keys where scope = $1 and key = $4 and not sealed
    and (status is not null and expires_at >= now() or created_at >= now() - interval '1 minute'))
on conflict (scope, key) do update set
  created_at = now(), expires_at = excluded.expires_at, fingerprint = excluded.fingerprint, status = null, body = null
  where idempotency_keys.status is null and idempotency_keys.created_at < now() - interval '1 minute'
     or idempotency_keys.expires_at < now()
returning true
"""
# Under the key itself ($3) stands what a process of a version before 0.5 took, while it went on beside this one in an upgrade.
_CLAIMED = """
select fingerprint, status, body, headers, sealed from idempotency_keys where scope = $1 and (key = $2 or key = $3 and not sealed)
order by key = $2 desc limit 1
"""
_ANSWER = """
update idempotency_keys set status = $3, body = $4, sealed = true, headers = '{}', expires_at = least(expires_at, now() + $5::interval)
where scope = $1 and key = $2
"""
# A phone that was away sends again within a week; an answer that holds a secret is not kept so long.
_KEPT, _SECRET_KEPT = timedelta(days=7), timedelta(hours=1)
_ASKING = ("upload-length", "upload-metadata")
_FREE = "delete from idempotency_keys where scope = $1 and key = $2 and status is null"


def unauthorized(slug: str = "sign-in") -> Problem:
    return Problem(401, slug, headers={"www-authenticate": "Bearer"})


_WHY = """
select case when a.disabled_at is not null then 'account-closed' when s.revoked_at is not null then 'session-ended' else 'sign-in' end
from sessions s join accounts a on a.id = s.account_id where s.token_hash = $1
"""


# The web client's session: a cookie that no script reads and no other site's page sends.
COOKIE = "gridpatrol"


def _presented(request: Request) -> bytes | None:
    """The hash of the token in the Authorization header, else in the cookie.

    A browser sends cookies of itself, so whatever changes something must come from a page of this server: browsers say so in
    Sec-Fetch-Site, older ones in Origin (both set by the browser alone). Problem 403 for any other.
    """
    authorization = request.headers.get("authorization")
    if authorization is not None or "cookie" not in request.headers:
        return token_hash(authorization)
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        same = (
            site in ("same-origin", "none")
            if site
            else origin is not None and origin.split("://")[-1] == request.headers.get("host")
        )
        if not same:
            raise Problem(403, "cross-site")
    return token_hash(f"Bearer {token}")


def _scrapes(token: bytes | None) -> bool:
    """Whether a token's hash is that of the metrics' token. Hashes are compared, in constant time."""
    given = settings().metrics_token
    return bool(given) and token is not None and hmac.compare_digest(token, hashlib.sha256(given.encode()).digest())


def base_url(request: Request) -> str:
    """Under which address people reach the service: as it is set, else as this request did (kit/middleware.py has checked
    its Host)."""
    if settings().public_url:
        return settings().public_url.rstrip("/")
    return str(request.base_url).rstrip("/")


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """Problem 422 that names each parameter of the query that the route does not know, or whose value is no text.
    A filter that was misspelt must not answer everything."""
    fields: list[tuple[str, str]] = []
    for name, value in request.query_params.multi_items():
        if name not in known:
            fields.append((pointer_to(name), "field-extra"))
        elif "\x00" in value:
            fields.append((pointer_to(name), "nul"))
        elif "\ufffd" in value:  # what stands for bytes that are not UTF-8
            fields.append((pointer_to(name), "not-utf8"))
    if fields:
        raise Problem(422, "validation", fields=fields[:50])


def bounded(request: Request, limit: int) -> Request:
    """The request, whose body ends in 413 when it grows beyond `limit` bytes, whatever its Content-Length says."""
    receive, read = request.receive, 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise HTTPException(413)
        return message

    return Request(request.scope, counted)


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


def _queried(dependant: Dependant) -> list[str]:
    """The names of query parameters that a handler takes, itself or by what it depends on."""
    own = [field.alias for field in dependant.query_params]
    return own + [name for each in dependant.dependencies for name in _queried(each)]


class Route(APIRoute):
    """Default deny: a route that `policy.ROUTES` does not name cannot be made."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        method = next(iter(self.methods or ()))
        self.rule = policy.ROUTES[method, path]

    def _parameters(self) -> frozenset[str] | None:
        """The names that a query may hold, as the route declares them; None where any may stand."""
        if self.path in policy.ANY_QUERY:
            return None
        declared = set(_queried(self.dependant))
        described: list[dict[str, Any]] = (self.openapi_extra or {}).get("parameters", [])
        return frozenset(declared | {each["name"] for each in described if each["in"] == "query"})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        limit = settings().max_body_bytes
        known = self._parameters()

        async def handle(request: Request) -> Response:
            rule = self.rule
            key = request.headers.get("idempotency-key") if request.method == "POST" and not rule.anyone else None
            if request.method not in ("GET", "HEAD") and (key is not None or not rule.streams):
                request = bounded(request, limit)
            token = request.state.token = _presented(request)
            if not rule.anyone and token is None:
                raise unauthorized()
            if rule.in_query:
                if known is not None and request.scope["query_string"]:
                    _refuse_unknown(request, known)
                return await inner(request)
            state: Any = request.app.state
            unit = request.state.unit = Unit(state.database)
            if not rule.anyone and not (rule.scraped and _scrapes(token)):
                async with unit.database.acquire() as connection:
                    row = await connection.fetchrow(CALLER, token)
                    # To whoever holds the token of a session that was, why it is no more: a phone then keeps nothing to be seen.
                    why = await connection.fetchval(_WHY, token) if row is None else None
                if row is None:
                    raise unauthorized(why or "sign-in")
                request.state.caller = Caller.of(row)
                if rule.roles is not None and not rule.roles & request.state.caller.roles:
                    raise Problem(403, "forbidden")
            if known is not None and request.scope["query_string"]:
                _refuse_unknown(request, known)
            if key is not None:
                return await _once(request, unit, key, rule, inner)
            async with unit.stack:
                return await inner(request)

        return handle


def keep_apart(routes: Sequence[BaseRoute]) -> None:
    """Let no pattern of a path match a path that stands by itself: `/v1/uploads/awaited` is no upload, whatever the method."""
    ours = [route for route in routes if isinstance(route, Route)]
    fixed = {route.path_format for route in ours if not route.param_convertors}
    for route in ours:
        if route.param_convertors:
            pattern = compile_path(route.path)[0]
            others = "|".join(re.escape(path) for path in sorted(fixed) if pattern.match(path))
            route.path_regex = re.compile(f"(?!(?:{others})$){pattern.pattern}") if others else pattern


async def _once(
    request: Request, unit: Unit, key: str, rule: policy.Rule, inner: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    if not 1 <= len(key) <= 200 or not key.isascii() or not key.isprintable():
        raise Problem(422, "bad-key")
    scope, id = str(request.state.caller.account_id), sealed.hashed(key)
    # What a request asks for beside its body stands in its path, its query and the headers of a resumable upload.
    query = request.scope["query_string"].decode("latin-1")
    asked = [request.method, request.scope["path"], query, *(request.headers.get(name, "") for name in _ASKING)]
    mark = hashlib.sha256("\n".join(asked).encode() + b"\n" + await request.body()).digest()
    async with unit.database.acquire() as connection:
        if not await connection.fetchval(_CLAIM, scope, id, mark, key):
            held = await connection.fetchrow(_CLAIMED, scope, id, key)
            if held is None or held["status"] is None:
                raise Problem(409, "key-running", headers={"retry-after": "1"})
            if held["fingerprint"] != mark:
                raise Problem(422, "key-reused")
            return _replayed(request, scope, key, held)
    try:
        async with unit.stack:
            response = await inner(request)
            kept = sealed.seal(request.app.state.secret, scope, key, _written(response))
            for_how_long = _SECRET_KEPT if rule.secret else _KEPT
            await (await unit.begin()).execute(_ANSWER, scope, id, response.status_code, kept, for_how_long)
            return response
    except BaseException:
        async with unit.database.acquire() as connection:
            await connection.execute(_FREE, scope, id)
        raise


def _written(response: Response) -> bytes:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return orjson.dumps(headers) + b"\n" + bytes(response.body)


def _replayed(request: Request, scope: str, key: str, held: Any) -> Response:
    """The answer that was given. Problem 422 when it cannot be read any more: the server's secret is another."""
    if not held["sealed"]:  # kept before answers were sealed
        return Response(held["body"], held["status"], {**held["headers"], "idempotent-replay": "true"})
    text = sealed.unseal(request.app.state.secret, scope, key, held["body"])
    if text is None:
        raise Problem(422, "key-reused")
    headers, _, body = text.partition(b"\n")
    return Response(body, held["status"], {**orjson.loads(headers), "idempotent-replay": "true"})


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
