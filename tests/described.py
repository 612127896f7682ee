"""Every answer that a test gets is what the description says: its status, its media type, its headers, and its JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import orjson

_NAME = "https://gridpatrol.example/openapi.json"
Validator = Callable[[Any], Any]


class Description:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.registry = jsonschema_rs.Registry([(_NAME, {"$schema": "https://json-schema.org/draft/2020-12/schema"} | document)])
        self.fixed = {path: path for path in document["paths"] if "{" not in path}
        self.shaped = [
            (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in document["paths"] if "{" in path
        ]
        self.answer = cache(self._answer)

    def path(self, path: str) -> str | None:
        """The path of the description that a request's path is of."""
        return self.fixed.get(path) or next((each for shape, each in self.shaped if shape.fullmatch(path)), None)

    def _answer(self, method: str, path: str, status: int) -> tuple[dict[str, Validator], dict[str, bool]] | None:
        """Media types of an answer, each with what judges its JSON, and headers, with whether they must be there; None for a
        status that is not declared."""
        found = self.document["paths"][path][method].get("responses", {}).get(str(status))
        if found is None:
            return None
        where = ["paths", path, method, "responses", str(status)]
        if "$ref" in found:
            where = found["$ref"].removeprefix("#/").split("/")
            found = self.document["components"]["responses"][where[-1]]
        media: dict[str, Validator] = {}
        for name, content in found.get("content", {}).items():
            parts = [*where, "content", name, "schema"]
            pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)
            fragment = re.sub(
                r"[^\w/~.-]", lambda odd: "".join(f"%{byte:02X}" for byte in odd[0].encode()), pointer, flags=re.ASCII
            )
            told = {"$ref": f"{_NAME}#/{fragment}"} if content.get("schema") else True
            media[name.partition(";")[0]] = jsonschema_rs.Draft202012Validator(
                told, registry=self.registry, validate_formats=True
            ).validate
        return media, {name: each.get("required", False) for name, each in found.get("headers", {}).items()}

    def fault(self, request: httpx.Request, response: httpx.Response) -> str | None:
        """What is not as the description says; None when all is."""
        method, path, status = request.method.lower(), self.path(request.url.path), response.status_code
        if path is None or method not in self.document["paths"][path]:
            return None if path is None or status == 405 else "a method that is not described is not refused"
        answer = self.answer(method, path, status)
        if answer is None:
            return f"status {status} is not declared"
        media, headers = answer
        missing = [name for name, needed in headers.items() if needed and name.lower() not in response.headers]
        if missing:
            return f"headers {missing} are missing"
        if method == "head":
            return None
        kind = response.headers.get("content-type", "").partition(";")[0]
        if not media:
            return "there is a body where none is declared" if response.content else None
        if kind not in media:
            return f"media type {kind!r} is not declared, but {sorted(media)}"
        if kind.endswith("json"):
            try:
                media[kind](orjson.loads(response.content))
            except (jsonschema_rs.ValidationError, ValueError) as wrong:
                return str(wrong)[:2000]
        return None


class Described(httpx.ASGITransport):
    """The service in this process; an answer that is not as it describes itself fails the test."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        await response.aread()
        fault = description(self.app).fault(request, response)
        assert fault is None, f"{request.method} {request.url} → {response.status_code}: {fault}\n{response.content[:500]!r}"
        return response


@cache
def description(app: Any) -> Description:
    return Description(app.openapi())
