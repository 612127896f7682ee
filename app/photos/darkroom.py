"""The process in which photographs are developed, from outside: one order at a time, watched, ended when it takes too long."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PATIENCE_S = 60
# A decoder's memory does not all come back to the system: a fresh process now and then.
_ORDERS = 200
_PEAK_KB = 250_000


class Died(Exception):
    """The process was killed or took too long over this photograph."""


@dataclass(frozen=True, slots=True)
class Developed:
    """Files by variant (`thumb.webp` …), or why there are none."""

    files: dict[str, Path]
    damage: str | None
    peak_kb: int


class Darkroom:
    def __init__(self) -> None:
        self.process: Process | None = None
        self.turn = asyncio.Lock()
        self.orders = 0

    async def develop(self, source: Path, folder: Path) -> Developed:
        """Write the variants of `source` into `folder`. Raises Died; OSError when the machine, not the picture, is at fault."""
        async with self.turn:
            process = await self._ready()
            assert process.stdin is not None and process.stdout is not None
            order = json.dumps({"source": str(source), "folder": str(folder)}) + "\n"
            try:
                process.stdin.write(order.encode())
                await process.stdin.drain()
                line = await asyncio.wait_for(process.stdout.readline(), _PATIENCE_S)
                answer: dict[str, Any] = json.loads(line)
            except (TimeoutError, OSError, ValueError) as error:
                await self.close()
                raise Died(str(source)) from error
            if "failed" in answer:  # no room on the disk, say: not the picture's doing
                raise OSError(answer["failed"])
            self.orders += 1
            if self.orders >= _ORDERS or answer["peak_kb"] > _PEAK_KB:
                await self.close()
        files = {name: Path(path) for name, path in answer.get("files", {}).items()}
        return Developed(files, answer.get("damage"), answer["peak_kb"])

    async def _ready(self) -> Process:
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app.photos.developing",
                stdin=PIPE,
                stdout=PIPE,
                limit=1_000_000,
                start_new_session=True,  # Ctrl-C at the server's terminal is not for it
            )
            self.orders = 0
        return self.process

    async def close(self) -> None:
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
