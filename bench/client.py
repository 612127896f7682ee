"""A closed-loop HTTP/1.1 client: each connection sends its next request when the last answer is whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class _Connection(asyncio.Protocol):
    def __init__(self, make: Callable[[], bytes], until: float, done: asyncio.Future[None], patient: bool) -> None:
        self.make, self.until, self.done, self.patient = make, until, done, patient
        self.answered = self.refused = self.later = 0
        self.buffer = self.refusal = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.make())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self.buffer.lower().find(b"content-length:", 0, head)
        length = int(self.buffer[at + 15 : self.buffer.find(b"\r\n", at)]) if at >= 0 else 0
        if len(self.buffer) < head + 4 + length:
            return
        if self.buffer[9:10] == b"2" or self.buffer[9:12] == b"304":
            self.answered += 1
        elif self.patient and self.buffer[9:12] == b"503":
            self.later += 1
            self.buffer = b""
            asyncio.get_running_loop().call_later(2, self._next)
            return
        else:
            self.refused += 1
            self.refusal = bytes(self.buffer)
        self.buffer = b""
        self._next()

    def _next(self) -> None:
        assert self.transport is not None
        if self.transport.is_closing():
            return
        if time.perf_counter() < self.until:
            self.transport.write(self.make())
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def drive(port: int, make: Callable[[], bytes], seconds: float, connections: int = 16, patient: bool = False) -> float:
    """Answers per second over `connections` to 127.0.0.1. Raises when any request was refused; `patient`: who is told to come back later
    does so after two seconds."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    workers: list[_Connection] = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        worker = _Connection(make, start + seconds, done, patient)
        workers.append(worker)
        await loop.create_connection(lambda w=worker: w, "127.0.0.1", port)
    await asyncio.wait_for(asyncio.gather(*(w.done for w in workers)), seconds + 30)
    refused = sum(w.refused for w in workers)
    if refused:
        raise RuntimeError(f"{refused} requests were refused: {next(w.refusal for w in workers if w.refusal)[:1000]!r}")
    return sum(w.answered for w in workers) / (time.perf_counter() - start)


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
