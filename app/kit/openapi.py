"""The service's description, `/openapi.json`: what FastAPI reads off each route, and what the frame around every route adds.

A refusal is declared where something can cause it: the route's rule in `policy`, its method, its body, its path. What
only a route itself knows of stands at the route: `responses={…} | refused(410)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from fastapi import FastAPI
from starlette.routing import BaseRoute

from app.kit import policy
from app.kit.route import COOKIE, Route

_ABOUT = """
Errors are problem documents (RFC 9457). Lists are read on with `cursor`, which only the server makes. A parameter or a member of a
body that is not described here is refused.

Formats beyond those of JSON Schema: `name`, a text that people can see, without line breaks, control characters or characters
that turn the direction of writing. Instants and days lie from 2000 up to 2100, and a zone is always said.
"""
_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "Why a request is refused (RFC 9457). A type may have members of its own beside these.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/[a-z0-9-]+$", "description": "Says what is wrong; stable."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "A sentence for people, in their language."},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemField"}},
    },
}
_FIELD: dict[str, Any] = {
    "title": "ProblemField",
    "type": "object",
    "required": ["pointer", "code", "message"],
    "additionalProperties": False,
    "properties": {
        "pointer": {"type": "string", "description": "The field: a JSON pointer (RFC 6901) into body, query or path."},
        "code": {"type": "string", "description": "What is wrong with it, for programs; stable."},
        "message": {"type": "string", "description": "The same for people, in their language."},
    },
}
_SECONDS: dict[str, Any] = {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "description": "Seconds to wait"}
_REFUSALS: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: ("BadRequest", "The request cannot be read as its protocol demands", {}),
    401: ("Unauthorized", "Nobody is signed in", {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}),
    403: ("Forbidden", "The caller's roles do not allow it", {}),
    404: ("NotFound", "There is no such thing, or the caller may not see it", {}),
    409: ("Conflict", "It does not fit what is there now", {"Retry-After": _SECONDS}),
    410: ("Gone", "It is over", {}),
    412: ("PreconditionFailed", "It has changed since, or another version of the protocol is meant", {}),
    413: ("ContentTooLarge", "More than is taken", {}),
    415: ("UnsupportedMediaType", "A media type that is not taken", {}),
    422: ("UnprocessableContent", "A field is wrong; `errors` names it", {}),
    429: ("TooManyRequests", "Too often", {"Retry-After": _SECONDS}),
    460: ("ChecksumMismatch", "The bytes are not those of the promised checksum (tus)", {}),
    503: ("ServiceUnavailable", "Busy; the same again, later", {"Retry-After": _SECONDS}),
}
_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and request again get the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_KNOWN_TAG: dict[str, Any] = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
_READING = ("GET", "HEAD", "OPTIONS")


def refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: refusals that only the route itself knows of."""
    return {status: {} for status in statuses}


def install(app: FastAPI) -> None:
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(plain(), app.routes)
        return app.openapi_schema

    app.openapi = described


def _completed(document: dict[str, Any], routes: Sequence[BaseRoute]) -> dict[str, Any]:
    document["info"]["description"] = _ABOUT.strip()
    for route in routes:
        if isinstance(route, Route):
            for method in route.methods or ():
                _complete(document["paths"][route.path_format][method.lower()], route, method)
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"] |= {"Problem": _PROBLEM, "ProblemField": _FIELD}
    components["responses"] = {name: _refusal(text, headers) for name, text, headers in _REFUSALS.values()}
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    return document


def _refusal(description: str, headers: dict[str, Any]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content} | ({"headers": headers} if headers else {})


def _complete(operation: dict[str, Any], route: Route, method: str) -> None:
    responses = operation["responses"]
    for status in [status for status in responses if status >= "4"]:
        del responses[status]
    for status, answer in responses.items():
        _say_only_what_is_answered(answer, route.responses.get(int(status), {}))
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    if method == "POST" and not route.rule.anyone:
        parameters.append(_KEY)
    if "304" in responses:
        parameters.append(_KNOWN_TAG)
    if not route.rule.anyone:
        operation["security"] = [{"token": []}, {"session": []}]
    for status in sorted(_refusals(operation, route, method)):
        responses[str(status)] = {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}


def _say_only_what_is_answered(answer: dict[str, Any], declared: dict[str, Any]) -> None:
    """Take away the JSON that FastAPI takes for granted, where the route says that it answers with something else."""
    content = declared.get("content")
    if content and "model" not in declared and "application/json" not in content:
        answer.get("content", {}).pop("application/json", None)


def _refusals(operation: dict[str, Any], route: Route, method: str) -> set[int]:
    """With which statuses a route may refuse, by what it is."""
    own = {int(status) for status in cast("dict[int | str, Any]", route.responses) if int(status) >= 400}
    found = own | {503}
    rule, writes = route.rule, method not in _READING
    if not rule.anyone:
        found.add(401)
    if rule.roles is not None or writes:  # a page of another site may change nothing in the name of a cookie
        found.add(403)
    if "{" in route.path_format or any(each["schema"].get("format") == "uuid" for each in operation["parameters"]):
        found.add(404)
    if route.path_format not in policy.ANY_QUERY:
        found.add(422)
    if writes:
        found.add(429)
    if writes and method != "DELETE" and not rule.anyone:
        found.add(409)
    if any(each["name"] == "if-match" for each in operation["parameters"]):
        found.add(412)
    if "requestBody" in operation:
        found |= {413, 415}
    return found
