"""Errors as RFC 9457 problem documents, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from app.kit.language import TEXTS, choose, say
from app.settings import settings

log = structlog.get_logger()


class Problem(Exception):
    """Refuse a request. `slug` names the problem and its sentence in texts.toml; `sentence` another one
    that says more; `fields` are (JSON pointer, sentence key)."""

    def __init__(
        self,
        status: int,
        slug: str,
        *,
        fields: Sequence[tuple[str, str]] = (),
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        sentence: str | None = None,
        **values: Any,
    ) -> None:
        super().__init__(slug)
        self.status, self.slug, self.fields, self.headers = status, slug, fields, headers
        self.extra, self.values, self.sentence = extra or {}, values, sentence or slug


NOT_FOUND = ("not-found", 404)


def not_found() -> Problem:
    return Problem(404, "not-found")


def no_reach() -> Problem:
    """Writing needs a role that reaches the place."""
    return Problem(403, "no-reach")


def invalid(pointer: str, key: str) -> Problem:
    """One field is wrong, in a way that only the verb can know."""
    return Problem(422, "validation", fields=[(pointer, key)])


_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           409: "Conflict", 410: "Gone", 412: "Precondition Failed", 413: "Content Too Large", 415: "Unsupported Media Type", 421: "Misdirected Request",
           460: "Checksum Mismatch", 422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


def _spoken(values: dict[str, Any], language: str) -> dict[str, Any]:
    """States and actions by the names that people know; what has no name is shown as it came. A tuple
    holds the keys of sentences that are listed."""
    comma = "、" if language == "zh-CN" else ", "

    def spoken(name: str, value: Any) -> Any:
        if isinstance(value, tuple):
            keys: tuple[str, ...] = value
            return comma.join(dict.fromkeys(say(key, language) for key in keys))
        return say(f"{name}-{value}", language) if f"{name}-{value}" in TEXTS else value

    return {name: spoken(name, value) for name, value in values.items()}


def document(request: Request, problem: Problem) -> Response:
    language = choose(request.headers.get("accept-language", ""), settings().language)
    body: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": _TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": say(problem.sentence, language, **_spoken(problem.values, language)),
        "errors": [
            {"pointer": pointer, "code": key, "message": say(key, language, **problem.values)} for pointer, key in problem.fields
        ],
        **problem.extra,
    }
    return Response(
        orjson.dumps(body, option=orjson.OPT_UTC_Z),
        problem.status,
        {"content-language": language, **(problem.headers or {})},
        "application/problem+json",
    )


def _sentence(kind: str, message: str) -> str:
    """The sentence for one of pydantic's error types; a ValueError of our own carries its sentence's key."""
    own = message.removeprefix("Value error, ")
    if own in TEXTS:
        return own
    if kind == "missing":
        return "field-missing"
    if kind == "extra_forbidden":
        return "field-extra"
    if kind == "finite_number":
        return "field-number"
    if kind.startswith(("greater_than", "less_than")):
        return "field-range"
    if kind.startswith(("too_", "string_too", "bytes_too")):
        return "field-length"
    if kind == "timezone_aware":
        return "with-zone"
    if kind.startswith("uuid"):
        return "bad-id"
    if kind.startswith("datetime_"):
        return "instant"
    if kind.startswith("date_"):
        return "day"
    return "field-type"


def pointer_to(*parts: object) -> str:
    """A JSON pointer (RFC 6901); what cannot be written as UTF-8 in it stands as a question mark."""
    told = (str(part).encode(errors="replace").decode()[:200] for part in parts)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in told)


def from_validation(errors: Sequence[Any]) -> Problem:
    if any(error["type"] == "json_invalid" for error in errors):
        return Problem(422, "bad-json", fields=[("", "bad-json")])
    fields: list[tuple[str, str]] = []
    for error in errors[:50]:
        where = error["loc"]
        if where and where[0] in ("body", "query", "path", "header"):
            where = where[1:]
        fields.append((pointer_to(*where), _sentence(error["type"], error["msg"])))
    return Problem(422, "validation", fields=fields)


def _methods_at(request: Request) -> set[str]:
    """The methods of the path that a request names. Each route has one method, and the router knows of the first alone."""
    routes = cast("list[BaseRoute]", request.app.routes)
    found = [each for each in routes if isinstance(each, Route) and each.matches(request.scope)[0] is not Match.NONE]
    return {method for each in found for method in each.methods or ()}


def install(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def on_problem(request: Request, error: Problem) -> Response:
        return document(request, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        of_body = any(e["loc"][:1] == ("body",) for e in error.errors())
        if of_body and not re.fullmatch(r"application/(\S+\+)?json", media):
            return document(request, Problem(415, "content-type"))
        return document(request, from_validation(error.errors()))

    @app.exception_handler(ValidationError)
    async def on_model(request: Request, error: ValidationError) -> Response:
        return document(request, from_validation(error.errors()))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        slug = {400: "bad-json", 404: "not-found", 405: "method", 413: "too-large", 415: "content-type"}.get(
            error.status_code, "validation"
        )
        status = 422 if error.status_code == 400 else error.status_code
        headers = dict(error.headers) if error.headers else None
        if status == 405:
            headers = {"allow": ", ".join(sorted(_methods_at(request)))}
        return document(request, Problem(status, slug, headers=headers, limit=settings().max_body_bytes))

    @app.exception_handler(ClientDisconnect)
    async def on_gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it: the phone is gone in the middle of its request

    async def on_busy(request: Request, error: Exception) -> Response:
        refused = isinstance(error, OSError) and not isinstance(error, (ConnectionError, TimeoutError))
        if refused or isinstance(error, (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)):
            log.error("the system refuses", error=error)  # a full disk, say
        return document(request, Problem(503, "busy", headers={"retry-after": "2"}))

    # A deadlock's victim changed nothing and may simply try again; a statement or a wait that ran out of time likewise; and whoever was
    # answered nothing by a database that was stopped in the middle, or that has become one to read from alone.
    for kind in (
        asyncpg.InsufficientResourcesError, asyncpg.CannotConnectNowError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError,
        asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.ReadOnlySQLTransactionError, OSError,
    ):  # fmt: skip
        app.add_exception_handler(kind, on_busy)

    @app.exception_handler(asyncpg.InterfaceError)
    async def on_interface(request: Request, error: asyncpg.InterfaceError) -> Response:
        # The connection that a transaction was to end on is gone; anything else of this kind is a fault of ours.
        if "closed" not in str(error):
            raise error
        return await on_busy(request, error)

    @app.exception_handler(asyncpg.DataError)
    async def on_value(request: Request, error: asyncpg.DataError) -> Response:
        # A value that the database cannot hold, and that a bound of ours should have refused before.
        if isinstance(error, asyncpg.DivisionByZeroError):
            raise error
        log.error("the database refuses a value", route=getattr(request.scope.get("route"), "path", None), exc_info=error)
        return document(request, Problem(422, "validation"))
