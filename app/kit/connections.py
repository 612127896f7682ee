"""Connections: what one may cost before it has asked for anything.

uvicorn bounds neither how long the head of a request may take nor how large it may be: a visitor whom nobody knows could hold as many
connections as there are files, or have gigabytes of headers kept.
"""

from __future__ import annotations

import asyncio
import resource
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# A request's head, or whatever else is sent around its body, in bytes and in seconds.
MOST_HEAD, PATIENCE_S = 64 * 1024, 20.0
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_MOST_FILES = 65_536


class Connection(HttpToolsProtocol):
    """uvicorn's, with bounds."""

    waits: asyncio.TimerHandle | None = None
    # Whether the next bytes belong to a head; bytes since the last head or piece of a body ended.
    in_head, unread = True, 0

    # uvicorn narrows the type of asyncio's own protocol here as well.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.in_head and self.waits is None:
            self._wait()
        self.unread += len(data)
        super().data_received(data)
        if self.unread > MOST_HEAD and not self.transport.is_closing():
            if self.in_head and not self._answers():
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._wait_no_more()
        self.in_head, self.unread = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_head, self.unread = True, 0
        super().on_message_complete()

    def _answers(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self.waits = self.loop.call_later(PATIENCE_S, self.transport.close)

    def _wait_no_more(self) -> None:
        if self.waits is not None:
            self.waits.cancel()
            self.waits = None


def allow_many() -> None:
    """As many connections as the system lets this process have: by default a program has 1,024 files, and may ask for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
