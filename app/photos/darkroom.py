"""The processes in which photographs are developed, from outside: one order at a time each, watched, ended when it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.settings import settings

# A process that gets no turn at the processor is not the photograph's doing: long after its limit of processor time.
_PATIENCE_S = 120
_ENDING_S = 2
# A decoder's memory does not all come back to the system: a fresh process now and then.
_ORDERS = 200
_PEAK_KB = 250_000
# Of what the server knows (addresses and keys of database and store) a decoder's process is told nothing.
_TOLD = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")
# By these ends a process that used up its processor time, or whose decoder went wrong or found no memory. Whoever stops a server,
# or has too little memory for all that runs on it, sends others.
_OWN_DOING = frozenset(
    (signal.SIGPROF, signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP)
)


class Died(Exception):
    """The process ended or took too long over this photograph; `own_doing` when the photograph is what ended it."""

    def __init__(self, how: str, own_doing: bool) -> None:
        super().__init__(how)
        self.how, self.own_doing = how, own_doing


@dataclass(frozen=True, slots=True)
class Developed:
    """Files by variant (`thumb.webp` …), or why there are none."""

    files: dict[str, Path]
    damage: str | None
    peak_kb: int


class Darkroom:
    """One process, begun when it is first needed."""

    def __init__(self) -> None:
        self.process: Process | None = None
        self.turn = asyncio.Lock()
        self.orders = 0

    async def develop(self, source: Path, folder: Path) -> Developed:
        """Write the variants of `source` into `folder`. Raises Died; OSError when the machine, not the picture, is at fault."""
        return await self._order({"source": str(source), "folder": str(folder)})

    async def judge(self, source: Path, cpu_s: float) -> Developed:
        """Whether all pixels of `source` can be had, within so much of the processor's time. Raises as `develop` does."""
        return await self._order({"source": str(source), "cpu_s": cpu_s})

    async def _order(self, order: dict[str, Any]) -> Developed:
        async with self.turn:
            answer = await self._answer(await self._ready(), json.dumps(order).encode() + b"\n")
            if "failed" in answer:  # no room on the disk, say: not the picture's doing
                raise OSError(answer["failed"])
            self.orders += 1
            if self.orders >= _ORDERS or answer["peak_kb"] > _PEAK_KB:
                await self.close()
        files = {name: Path(path) for name, path in answer.get("files", {}).items()}
        return Developed(files, answer.get("damage"), answer["peak_kb"])

    async def _answer(self, process: Process, order: bytes) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                process.stdin.write(order)
                await process.stdin.drain()
                line = await process.stdout.readline()
            return json.loads(line)
        except TimeoutError:
            await self.close()
            raise Died("it got no turn at the processor", own_doing=False) from None
        except (OSError, ValueError) as error:
            code = await _end(process)
            await self.close()
            raise _died(code) from error
        except BaseException:
            # Nobody waits any more: what it may still answer is no answer to the next order.
            await self.close()
            raise

    async def _ready(self) -> Process:
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app.photos.developing",
                stdin=PIPE,
                stdout=PIPE,
                limit=1_000_000,
                env={name: os.environ[name] for name in _TOLD if name in os.environ},
                start_new_session=True,  # Ctrl-C at the server's terminal is not for it
            )
            self.orders = 0
        return self.process

    async def close(self) -> None:
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


async def _end(process: Process) -> int | None:
    """By what a process ended whose pipe is closed; None when it has not."""
    try:
        return await asyncio.wait_for(process.wait(), _ENDING_S)
    except TimeoutError:
        return None


def _died(code: int | None) -> Died:
    if code is None or code >= 0:
        return Died(f"its process ended with {code}", own_doing=False)
    ended_by = signal.Signals(-code)
    why = "it took too much of the processor's time" if ended_by == signal.SIGPROF else f"its decoder ended by {ended_by.name}"
    return Died(why, ended_by in _OWN_DOING)


class Darkrooms:
    """As many processes as may decode at once: `GRIDPATROL_DECODERS`, and no more than there are cores."""

    def __init__(self) -> None:
        self.rooms = [Darkroom() for _ in range(min(settings().decoders, len(os.sched_getaffinity(0))))]
        # The one that was used last comes first: a second one begins only when two are needed at once.
        self.free = asyncio.LifoQueue[Darkroom]()
        for room in self.rooms:
            self.free.put_nowait(room)

    async def develop(self, source: Path, folder: Path) -> Developed:
        """As Darkroom's, in the first that is free."""
        async with self._room() as room:
            return await room.develop(source, folder)

    @asynccontextmanager
    async def _room(self) -> AsyncGenerator[Darkroom]:
        room = await self.free.get()
        try:
            yield room
        finally:
            self.free.put_nowait(room)

    async def close(self) -> None:
        for room in self.rooms:
            await room.close()
