"""A bad network: HTTP/1.1 requests that break at a random byte, on the way there or on the way back."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

_PATIENCE_S = 30
# An answer's length is not known before it comes: a cut on the way back falls within so many bytes.
_ANSWER_BYTES = 1500


class Cut(Exception):
    """The connection broke, or the server was away: nobody knows whether the request was carried out."""


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Network:
    """`cut` is the share of requests that break."""

    host: str
    port: int
    cut: float
    dice: random.Random
    requests: int = 0
    cuts: int = 0
    away: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    async def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """One request on a connection of its own. Raises Cut."""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"host: {self.host}",
            "connection: close",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(body)}")
        message = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        breaks_at = self.dice.randrange(len(message) + _ANSWER_BYTES) if self.dice.random() < self.cut else None
        self.requests += 1
        try:
            return await asyncio.wait_for(self._exchange(method, message, breaks_at), _PATIENCE_S)
        except Cut:
            self.cuts += 1
            raise
        except (OSError, TimeoutError, EOFError, ValueError, IndexError) as error:
            self.away += 1
            raise Cut from error

    async def _exchange(self, method: str, message: bytes, breaks_at: int | None) -> Answer:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        self.open.add(writer)
        try:
            if breaks_at is not None and breaks_at < len(message):
                writer.write(message[:breaks_at])
                await writer.drain()
                if self.dice.random() < 0.5:
                    writer.transport.abort()  # a reset; else a close in the middle
                raise Cut
            writer.write(message)
            await writer.drain()
            if breaks_at is not None:
                await reader.read(max(1, breaks_at - len(message)))
                writer.transport.abort()
                raise Cut
            return await self._read(method, reader)
        finally:
            self.open.discard(writer)
            writer.close()

    @staticmethod
    async def _read(method: str, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        if method == "HEAD" or status in (204, 304):
            return Answer(status, headers, b"")
        if "content-length" in headers:
            return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))
        body = bytearray()
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        return Answer(status, headers, bytes(body))
