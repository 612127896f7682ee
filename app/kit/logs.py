"""Logs: JSON lines on stderr, one for each event, of the program and of its libraries alike.

No line holds what gives somebody access (tokens, cookies, invitation codes, passwords, the server's secret, keys of robots, keys of
requests). Four rules see to it; each holds without the others:

1. An exception is told by its type and where it was raised: no local variables, no source text. Its message is told only where
   the type cannot quote what somebody sent.
2. A library's line is reduced to what is known of it: a job is told without its arguments, a request without its query.
3. In every text addresses lose their path and query, and what follows a word such as `password` is left out.
4. What the present request was sent with, and what `conceal` was told, is left out wherever it stands.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import deque
from collections.abc import Iterator, MutableMapping
from contextvars import ContextVar
from http.cookies import CookieError, SimpleCookie
from traceback import walk_tb
from typing import Any, TextIO, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

import asyncpg
import orjson
import structlog

from app.settings import settings

Event = MutableMapping[str, Any]

# The request that is answered here: its scope, with its id under "request_id".
REQUEST: ContextVar[MutableMapping[str, Any] | None] = ContextVar("request", default=None)

_FRAMES, _CHAIN, _MOST_TEXT, _LEFT_OUT = 20, 4, 500, "…"
_concealed: set[str] = set()
# The messages of these name things of the code.
_PLAIN = frozenset({TypeError, AttributeError, NameError, UnboundLocalError, ImportError, ModuleNotFoundError, ZeroDivisionError,
                    IndexError, RecursionError, MemoryError})  # fmt: skip
# Classes of SQLSTATE whose messages quote values: data exceptions, broken constraints, what our own functions raise.
_QUOTING = ("22", "23", "44", "P0")
_NAMES = re.compile(
    r"authori[sz]ation|cookie|token|passw|secret|credential|api_?key|headers|smtp|^(key|code|args|kwargs|body|query)$", re.I
)
_TEXTS = (
    (re.compile(r"(\w+://)(?:[^/\s@]*@)?([^/\s?#\"'<>]*)[^\s\"'<>]*"), rf"\1\2/{_LEFT_OUT}"),
    (re.compile(r"(/(?:join|invitations)/)[^/\s?\"']+"), rf"\1{_LEFT_OUT}"),
    (re.compile(r"(?<=\S)\?[^\s\"'<>]+"), f"?{_LEFT_OUT}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.I), rf"\1 {_LEFT_OUT}"),
    (re.compile(r"(\b\w*(?:passw\w*|secret|token|cookie|authorization|api_?key|access_key)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&})]+", re.I), rf"\1{_LEFT_OUT}"),
    # Longer than any id of ours: a token, a key, a hash of one.
    (re.compile(r"[\w-]{40,}", re.ASCII), _LEFT_OUT),
)  # fmt: skip


def conceal(*values: str | bytes) -> None:
    """Have these left out of every line, in whatever form they are usually written."""
    for value in values:
        if value:
            _concealed.update((value.hex(), repr(value)[2:-1]) if isinstance(value, bytes) else (value, unquote(value)))


def _sent() -> Iterator[str]:
    """What the present request was sent with that gives access."""
    scope = REQUEST.get()
    for name, value in scope["headers"] if scope is not None else ():
        text = value.decode("latin-1")
        if name == b"authorization":
            yield text.partition(" ")[2].strip()
        elif name == b"idempotency-key":
            yield text
        elif name == b"cookie":
            try:
                yield from (morsel.value for morsel in SimpleCookie(text).values())
            except CookieError:
                yield text
    if scope is not None and "code" in scope.get("path_params", {}):
        yield str(scope["path_params"]["code"])


def _cleaned(text: str, hidden: frozenset[str]) -> str:
    for value in hidden:
        text = text.replace(value, _LEFT_OUT)
    for pattern, by in _TEXTS:
        text = pattern.sub(by, text)
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + _LEFT_OUT


def _file(path: str) -> str:
    for mark in ("site-packages/", "/app/", "/lib/"):
        at = path.rfind(mark)
        if at >= 0:
            return path[at + len(mark) :] if mark == "site-packages/" else path[at + 1 :]
    return path.rsplit("/", 1)[-1]


def _message(error: BaseException) -> dict[str, Any]:
    """What may be said of an exception beside its type."""
    if isinstance(error, asyncpg.PostgresError):
        facts = {name: getattr(error, name, None) for name in ("sqlstate", "table_name", "column_name", "constraint_name")}
        state = str(facts["sqlstate"] or "")
        if state and not state.startswith(_QUOTING):
            facts["message"] = error.args[0] if error.args else None
        return {name: value for name, value in facts.items() if value}
    if type(error) in _PLAIN:
        return {"message": str(error)}
    if isinstance(error, OSError) and error.strerror:
        return {"message": error.strerror}
    return {}


def told(error: BaseException, frames: bool = True) -> list[dict[str, Any]]:
    """An exception and what led to it, the latest first; of each the innermost frames."""
    chain: list[dict[str, Any]] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting and len(chain) < _CHAIN:
        this = waiting.pop(0)
        if this is None or id(this) in seen:
            continue
        seen.add(id(this))
        one: dict[str, Any] = {
            "type": f"{type(this).__module__}.{type(this).__qualname__}".removeprefix("builtins."),
            **_message(this),
        }
        if frames:
            last = deque(walk_tb(this.__traceback__), _FRAMES)
            one["frames"] = [f"{_file(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}" for frame, line in last]
        chain.append(one)
        if isinstance(this, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", this).exceptions[:_CHAIN]
        waiting.append(this.__cause__ or (None if this.__suppress_context__ else this.__context__))
    return chain


def _with_request(logger: Any, method: str, event: Event) -> Event:
    scope = REQUEST.get()
    if scope is not None and "request_id" in scope:
        event.setdefault("request_id", scope["request_id"])
    return event


def _with_exception(logger: Any, method: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event["exception"] = told(error)
    for name, value in event.items():
        if isinstance(value, BaseException):
            event[name] = told(value, frames=False)
    return event


def _of_library(logger: Any, method: str, event: Event) -> Event:
    """A line that a library wrote by way of `logging`."""
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    room, parts = record.name.partition(".")[0], event.pop("positional_args", ())
    if room == "procrastinate":
        job: Any = getattr(record, "job", None)
        event["event"] = getattr(record, "action", None) or str(event["event"]).partition("(")[0]
        if isinstance(job, dict):
            known = cast("dict[str, Any]", job)
            event["job"] = {name: known.get(name) for name in ("id", "task_name", "queue", "attempts")}
    elif record.name == "uvicorn.access" and len(parts) == 5:
        _, verb, path, _, status = parts
        event.update(event="request", method=verb, path=str(path).partition("?")[0], status=status)
    elif room == "asyncio":  # what follows shows tasks and exceptions as they are
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _secretless(logger: Any, method: str, event: Event) -> Event:
    hidden = frozenset(value for value in (*_sent(), *_concealed) if len(value) >= 6)

    def clean(name: str, value: Any) -> Any:
        if _NAMES.search(name):
            return _LEFT_OUT
        if value is None or isinstance(value, (bool, int, float, UUID)):
            return value
        if isinstance(value, str):
            return value if name == "sha256" else _cleaned(value, hidden)
        if isinstance(value, dict):
            return {str(key): clean(str(key), part) for key, part in cast("dict[Any, Any]", value).items()}
        if isinstance(value, (list, tuple)):
            return [clean("", part) for part in cast("list[Any]", value)[:50]]
        return _cleaned(f"<{type(value).__name__}>", hidden)

    return {name: value if name.startswith("_") else clean(name, value) for name, value in event.items()}


def _json(event: Event, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()


_SHARED: tuple[Any, ...] = (
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    _with_request,
    _with_exception,
    _secretless,
)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what is stderr at the time."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=(_of_library, *_SHARED),
                pass_foreign_args=True,
                processors=(structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer(_json)),
            )
        )

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride]
        return sys.stderr


def configure() -> None:
    """Have everything that is logged written by the rules above, from the level of the settings on. May be called again."""
    root = logging.getLogger()
    if not any(isinstance(handler, _Stderr) for handler in root.handlers):
        root.addHandler(_Stderr())
    root.setLevel(settings().log_level.upper())
    # Below warnings these tell headers and addresses.
    for name in ("httpx", "httpcore", "hpack", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    for url in (settings().smtp_url, settings().database_url or ""):
        conceal(urlsplit(url).password or "")
