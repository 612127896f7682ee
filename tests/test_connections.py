"""What a visitor whom nobody knows may cost before a request is there, over real connections."""

import asyncio
import resource
import uuid
from contextlib import asynccontextmanager

import pytest

from app.cli import served
from app.kit import connections
from tests.conftest import PICTURE, listening

_BEGIN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
_CHUNKED = b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"


@asynccontextmanager
async def serving(app):
    config = served(app, "127.0.0.1", 0)
    config.lifespan = "off"
    async with listening(config) as address:
        yield int(address.rpartition(":")[2])


async def poured(port, begin, piece):
    """How much of 20 MB of this is taken, and what is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begin)
    taken = 0
    try:
        while taken < 20_000_000:
            writer.write(piece)
            await writer.drain()
            taken += len(piece)
        answer = await asyncio.wait_for(reader.read(), 5)
    except OSError:
        answer = b""
    writer.close()
    return taken, answer


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (_BEGIN, b"a: b\r\n" * 5000), (_BEGIN + b"A: ", b"x" * 30_000), (b"GET /", b"x" * 30_000), (_CHUNKED + b"A: ", b"x" * 30_000),
        (_CHUNKED, b"a: b\r\n" * 5000),
    ],
)  # fmt: skip
async def test_what_is_no_body_has_an_end(app, begin, piece):
    async with serving(app) as port:
        taken, answer = await poured(port, begin, piece)
        assert taken < 20_000_000 and (not answer or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 422")))


async def test_a_head_that_never_ends_is_not_waited_for_and_a_slow_body_is(town, app, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE_S", 0.2)
    person = await town.person("volunteer")
    token = person.client.headers["authorization"].encode()
    async with serving(app) as port:
        silent, half, slow, kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        half[1].write(_BEGIN)
        kept[1].write(_BEGIN + b"\r\n")
        assert b"alive" in await kept[0].readuntil(b"}")
        kept[1].write(_BEGIN)  # and the second request's head never ends
        head = b"PUT /v1/photos/%b HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\nContent-Length: %d\r\n\r\n"
        slow[1].write(head % (str(uuid.uuid4()).encode(), token, len(PICTURE)) + PICTURE[:100])
        for reader, _ in (silent, half, kept):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        slow[1].write(PICTURE[100:])
        assert b" 201 " in await asyncio.wait_for(slow[0].readline(), 5)
        for _, writer in (silent, half, slow, kept):
            writer.close()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(65_536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
