"""Which test runs which statement and which lines: a plugin of pytest (`-p tests.mutants.tracing`).

Each process writes `$GRIDPATROL_TRACE/<number>.json`: for every test its seconds, the statements it sent to the database (as
marks of their text) and the lines of `app` that it ran.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg
import coverage
import pytest

from tests.mutants.marks import mark

_FOLDER = Path(os.environ["GRIDPATROL_TRACE"])
_seen: dict[str, dict[str, Any]] = {}
_now: set[str] = set()
_cover = coverage.Coverage(data_file=None, include=["app/*"], config_file=False)


def _listen(name: str) -> None:
    inner = getattr(asyncpg.Connection, name)

    def heard(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
        _now.add(mark(query))
        return inner(self, query, *arguments, **options)

    setattr(asyncpg.Connection, name, heard)


for _name in ("_execute", "execute", "executemany", "cursor", "prepare"):
    _listen(_name)


def pytest_sessionstart(session: pytest.Session) -> None:
    _cover.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    _now.clear()
    begun = monotonic()
    _cover.switch_context(item.nodeid)
    result = yield
    _seen[item.nodeid] = {"seconds": round(monotonic() - begun, 3), "statements": sorted(_now)}
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    _cover.stop()
    if not _seen:
        return  # the process that only hands tests out
    data = _cover.get_data()
    root = str(session.config.rootpath) + "/"
    lines: dict[str, dict[str, list[int]]] = {}
    for file in data.measured_files():
        for line, tests in data.contexts_by_lineno(file).items():
            for test in tests:
                if test in _seen:
                    lines.setdefault(test, {}).setdefault(file.removeprefix(root), []).append(line)
    for test, seen in _seen.items():
        seen["lines"] = lines.get(test, {})
    _FOLDER.mkdir(parents=True, exist_ok=True)
    (_FOLDER / f"{os.getpid()}.json").write_text(json.dumps(_seen))
