"""Around every request, in one pass: its id, the Host it is for, the headers of its answer, its time, and the answer when it fails."""

from __future__ import annotations

import os
import re
from itertools import count
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.logs import REQUEST
from app.kit.metrics import REQUESTS
from app.kit.problems import Problem, document
from app.settings import settings

log = structlog.get_logger()

Headers = tuple[tuple[bytes, bytes], ...]

# Ids made here: of this process, and counted.
_PROCESS, _NUMBERS = os.urandom(6).hex().encode(), count(1)
# As long as a UUID at most: shorter than a token.
_GIVEN_ID = re.compile(rb"[\w.:+/=-]{1,36}")
_HOST = re.compile(r"[\w.:\[\]-]{1,255}", re.ASCII)
# Whoever looks whether the service lives calls it by whatever address it has.
_BY_ANY_NAME = frozenset({"/healthz", "/readyz", "/metrics"})
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SILENT_S = 60
_FRAMES = b"frame-ancestors 'none'"

# What an answer says where its route says nothing of its own. Without a word of the route nothing is kept by anybody: most
# answers are for one session. Scripts and styles are for pages, which name theirs.
_DEFAULTS: Headers = (
    (b"cache-control", b"private, no-store"),
    (b"content-security-policy", b"default-src 'none'; " + _FRAMES),
    (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
# What only says something of pages and pictures: each header costs a request of JSON half a per cent.
_SHOWN: Headers = (
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
_HTTPS: Headers = ((b"strict-transport-security", b"max-age=31536000"),)


def syntactic(host: str) -> bool:
    return _HOST.fullmatch(host) is not None


def _without_port(host: str) -> str:
    return re.sub(r":\d*$", "", host).lower().rstrip(".")


class Hosts:
    """The names that the service answers to: those of the settings, else the public address's and this machine's own, else any."""

    def __init__(self) -> None:
        self.given: tuple[str, str] | None = None
        self.names: frozenset[str] | None = None
        self.good: set[bytes] = set()
        self.silent_until = 0.0

    def fault(self, host: bytes) -> int | None:
        """The status to refuse a Host with: 400 for none that can be (RFC 9112, 3.2), 421 for another's; None for a good one."""
        given = settings().hosts, settings().public_url
        if given != self.given:
            self._read(*given)
        if host in self.good:
            return None
        name = host.decode("latin-1")
        if not syntactic(name):
            return 400
        if self.names is not None and _without_port(name) not in self.names:
            return 421
        if len(self.good) < 1000:
            self.good.add(host)
        return None

    def tell(self, host: bytes) -> None:
        """Now and then, for an operator whose proxy passes another name on: whoever invents names does not fill the log."""
        if perf_counter() >= self.silent_until:
            self.silent_until = perf_counter() + _SILENT_S
            log.warning(
                "a request for another host was refused; GRIDPATROL_HOSTS and GRIDPATROL_PUBLIC_URL name ours",
                host=host.decode("latin-1"),
            )

    def _read(self, hosts: str, public_url: str) -> None:
        self.given, self.good = (hosts, public_url), set()
        named = {_without_port(name.strip()) for name in hosts.split(",") if name.strip()}
        public = {_without_port(urlsplit(public_url).netloc.rpartition("@")[2])} if public_url else set[str]()
        names = named or public
        self.names = frozenset(names | public | _LOCAL) if names and "*" not in names else None


class Outermost:
    def __init__(self, app: ASGIApp) -> None:
        self.app, self.hosts = app, Hosts()
        # What is added to an answer, by whether it goes over https, its media type, and the headers that it has.
        self.added: dict[tuple[bool, bytes, tuple[bytes, ...]], Headers] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        host, id = b"localhost", b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"x-request-id" and _GIVEN_ID.fullmatch(value):
                id = value
        id = id or b"%b-%x" % (_PROCESS, next(_NUMBERS))
        scope["request_id"] = id.decode()
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                REQUESTS.observe(getattr(scope.get("route"), "path", "none"), message["status"], perf_counter() - start)
                message["headers"] = self._completed(scope, id, message["headers"])
            await send(message)

        token = REQUEST.set(scope)
        try:
            fault = self.hosts.fault(host)
            if fault is not None and (fault == 400 or scope["path"] not in _BY_ANY_NAME):
                if fault == 421:
                    self.hosts.tell(host)
                await document(Request(scope), Problem(fault, "bad-host"))(scope, receive, watch)
                return
            await self.app(scope, receive, watch)
        except Exception as error:  # the last place where one is caught, so that nothing else writes it down in full
            log.error("unhandled", method=scope["method"], **_where(scope), exc_info=error)
            # What has begun cannot be taken back: the server ends the connection in the middle, and so the caller knows.
            if not begun:
                problem = Problem(500, "internal", id=scope["request_id"], extra={"id": scope["request_id"]})
                await document(Request(scope), problem)(scope, receive, watch)
        finally:
            REQUEST.reset(token)

    def _completed(self, scope: Scope, id: bytes, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = tuple([name for name, _ in headers])
        media = headers[names.index(b"content-type")][1] if b"content-type" in names else b""
        key = scope["scheme"] == "https" or settings().public_url.startswith("https:"), media, names
        added = self.added.get(key)
        if added is None:
            if len(self.added) >= 1000:
                self.added.clear()
            data = media in (b"application/json", b"application/problem+json")
            wanted = (*_DEFAULTS, *(() if data else _SHOWN), *(_HTTPS if key[0] else ()))
            added = self.added[key] = tuple(pair for pair in wanted if pair[0] not in names)
        if b"content-security-policy" in names:
            headers = [_framed(pair) for pair in headers]
        return [*headers, *added, (b"x-request-id", id)]


def _framed(pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A page's own policy, with what holds for all."""
    name, value = pair
    if name != b"content-security-policy" or b"frame-ancestors" in value:
        return pair
    return name, value + b"; " + _FRAMES


def _where(scope: Scope) -> dict[str, Any]:
    """Which route failed and for what: ids and numbers of its path, no other text of it."""
    told = {name: str(value) for name, value in scope.get("path_params", {}).items() if name == "id" and len(str(value)) <= 40}
    return {"route": getattr(scope.get("route"), "path", None), **told}
