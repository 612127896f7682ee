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
body that is not described here is refused, and so is NUL in any text; blanks around a text are not kept.

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
    421: ("MisdirectedRequest", "The Host is not one of this service", {}),
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
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
_KNOWN_TAG: dict[str, Any] = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
# Where the id of a thing stands in the answer of its list, and of a report, which makes an issue and names photographs.
_THINGS = {
    f"/v1/{name}/{{id}}": "$response.body#/items/0/id"
    for name in ("issues", "patrols", "premises", "samples", "units", "invitations", "channels", "activities", "authorities",
                 "assignment-rules", "black-spots", "stand-ins", "sessions", "jobs")
} | {"/v1/areas/{id}": "$response.body#/features/0/id"}  # fmt: skip
_NAMED = {
    "/v1/reports/{id}": {"/v1/issues/{id}": "$response.body#/issue/id", "/v1/photos/{id}": "$response.body#/report/photos/0"},
    "/v1/issues/{id}": {"/v1/photos/{id}": "$response.body#/photos/0/id"},
}
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
        if isinstance(route, Route) and route.include_in_schema:
            for method in route.methods or ():
                _complete(document["paths"][route.path_format][method.lower()], route, method)
    _link(document["paths"])
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


def _link(paths: dict[str, Any]) -> None:
    """From an answer to what can be asked about the thing that it is about, or names: `/v1/issues` → `/v1/issues/{id}/timeline`."""
    for path, operations in paths.items():
        about = {prefix: expression for prefix, expression in _THINGS.items() if path == prefix.removesuffix("/{id}")}
        if path.endswith("/{id}"):
            about[path] = "$request.path.id"
        about |= _NAMED.get(path, {})
        for method, operation in operations.items():
            # What makes a thing answers with it, not with a list of them.
            made = {"$response.body#/items/0/id": "$response.body#/id"} if method == "post" else {}
            links = {
                name: link
                for prefix, expression in about.items()
                for name, link in _asked_about(paths, prefix, made.get(expression, expression)).items()
            }
            for status, answer in operation["responses"].items():
                if status in ("200", "201") and links and "$ref" not in answer and (method != "delete"):
                    answer["links"] = links


def _asked_about(paths: dict[str, Any], prefix: str, expression: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, operations in paths.items():
        if path == prefix or (path.startswith(prefix + "/") and path.count("{") == 1):
            for operation in operations.values():
                id = operation["operationId"]
                found[id] = {"operationId": id, "parameters": {"path.id": expression}}
    return found


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
    for each in parameters:
        _never_null(each)
        if each["name"] == "cursor":
            each["schema"]["pattern"] = "^[A-Za-z0-9_-]*$"
    if method == "POST" and not route.rule.anyone:
        parameters.append(_KEY)
    if "304" in responses:
        parameters.append(_KNOWN_TAG)
    if not route.rule.anyone:
        operation["security"] = [{"token": []}, {"session": []}]
    for status in sorted(_refusals(operation, route, method)):
        responses[str(status)] = {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}


def _never_null(parameter: dict[str, Any]) -> None:
    """A parameter that is not given is left out: in an address there is no null."""
    told: dict[str, Any] = parameter["schema"]
    kinds = [one for one in told.get("anyOf", ()) if one.get("type") != "null"]
    if len(kinds) == 1:
        del told["anyOf"]
        told |= kinds[0]


def _say_only_what_is_answered(answer: dict[str, Any], declared: dict[str, Any]) -> None:
    """Take away the JSON that FastAPI takes for granted, where the route says that it answers with something else."""
    content = declared.get("content")
    if content and "model" not in declared and "application/json" not in content:
        answer.get("content", {}).pop("application/json", None)


def _refusals(operation: dict[str, Any], route: Route, method: str) -> set[int]:
    """With which statuses a route may refuse, by what it is."""
    own = {int(status) for status in cast("dict[int | str, Any]", route.responses) if int(status) >= 400}
    # A Host that cannot be, or that is not this service's, and too much to do.
    found = own | {400, 421, 503}
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
