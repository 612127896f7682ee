"""`gridpatrol bench papers`: the office's papers of a city with its event log, over HTTP, by one caller."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from rich.console import Console
from rich.table import Table

from app.demo import drawing
from app.kit.db import Database
from app.photos import queries, store
from app.photos.store import FolderStore
from bench.city import build
from bench.intake import create_database, scratch, serve


def _peak_mb(pid: int) -> float:
    """The most memory that a process has had at once."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


# The log that the city's issues would have left, and when each changed last.
_HISTORY = (
    """insert into events (issue_id, version, action, from_state, to_state, actor_id, acted_as, data, at)
select i.id, 1, 'report', null, 'reported', i.reporter_id, 'reporter', '{}', i.created_at from issues i
union all select i.id, 2, 'assign', 'reported', 'assigned', i.reporter_id, 'leader', jsonb_build_object('deadline', i.deadline), i.created_at + interval '1 hour'
  from issues i where i.unit_id is not null and i.created_at < now() - interval '2 hours'
union all select i.id, 3, 'rectify', 'assigned', 'rectified', i.reporter_id, 'assignee', '{}', i.rectified_at from issues i where i.rectified_at is not null
union all select i.id, 4, 'verify', 'rectified', 'closed', i.reporter_id, 'leader', '{}', i.closed_at from issues i where i.closed_at is not null""",
    "update issues set updated_at = greatest(created_at, rectified_at, closed_at), version = 4",
    "vacuum analyze issues",
    "vacuum analyze events",
)
_MENDED = """
select i.id, i.reporter_id from issues i where i.area_id = $1
  and i.rectified_at >= date_trunc('week', now() at time zone 'Asia/Shanghai') at time zone 'Asia/Shanghai'
order by i.rectified_at desc limit 20
"""


async def _furnish(url: str, area: uuid.UUID, folder: Path) -> int:
    """The log of all issues, and photographs of twenty that were mended this week in `area`, as large as phones' are shown; how many."""
    database = await Database.open(url, 2)
    objects, made = FolderStore(folder), 0
    async with database.acquire() as connection:
        for statement in _HISTORY:
            await connection.execute(statement, timeout=1800)
        for n, row in enumerate(await connection.fetch(_MENDED, area)):
            for position, (kind, found) in enumerate((("before", "litter"), ("after", None)), 1):
                drawn = Image.open(io.BytesIO(drawing.street(n, found) or b"")).resize((1600, 1200))
                out = io.BytesIO()
                Image.blend(drawn, Image.effect_noise((1600, 1200), 60).convert("RGB"), 0.12).save(
                    out, "JPEG", quality=80, progressive=True
                )
                digest, photo = hashlib.sha256(out.getvalue()).digest(), uuid.uuid4()
                await objects.put(store.variant(digest.hex(), "screen.jpg"), out.getvalue())
                await connection.execute(
                    queries.ADD_FILE, digest, len(out.getvalue()), "image/jpeg", 1600, 1200, *[None] * 4, "", None
                )
                await connection.execute(queries.DEVELOPED, digest)
                await connection.execute(
                    "insert into photos (id, account_id, state, sha256, stored_at) values ($1, $2, 'stored', $3, now())",
                    photo, row["reporter_id"], digest,
                )  # fmt: skip
                await connection.execute(
                    "insert into evidence (issue_id, photo_id, kind, position, account_id) values ($1, $2, $3, $4, $5)",
                    row["id"], photo, kind, position, row["reporter_id"],
                )  # fmt: skip
                made += 1
    await database.close()
    return made


async def _measure(url: str, size: int) -> dict[str, dict[str, float]]:
    city = await build(url, size)
    photographs = await _furnish(url, city.community, Path(os.environ["GRIDPATROL_PHOTOS"]))
    process, port = await serve("ours", url)
    found: dict[str, dict[str, float]] = {}
    headers = {"authorization": f"Bearer {city.token}"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=900) as client:

            async def ask(name: str, path: str, **parameters: Any) -> None:
                started, first, read = time.perf_counter(), 0.0, 0
                async with client.stream("GET", path, params=parameters) as answer:
                    answer.raise_for_status()
                    async for piece in answer.aiter_bytes():
                        first = first or time.perf_counter() - started
                        read += len(piece)
                took = time.perf_counter() - started
                found[name] = {
                    "first byte, s": first,
                    "all, s": took,
                    "MB": read / 1e6,
                    "peak of the process, MB": _peak_mb(process.pid),
                }

            for name, area in (("city", city.city), ("community", city.community)):
                await ask(f"weekly summary of the {name}, first time", "/v1/summaries/weekly.json", area=area)
                await ask(f"weekly summary of the {name}", "/v1/summaries/weekly.json", area=area)
            for words in ("龙凤呈祥", "qz", "2026-000123"):
                await ask(f"search for {words}", "/v1/issues", q=words)
            paper = "/v1/summaries/weekly.docx"
            await ask(f"weekly summary as Word with {photographs} photographs", paper, area=city.community, photographs=True)
            for of in ("cells", "units"):
                await ask(f"league of the city's {of}, 28 days", "/v1/league", area=city.city, of=of)
            await ask("circulated findings of the city's month as Word", "/v1/circulation.docx", area=city.city)
            await ask("dossier of one issue as Word", f"/v1/issues/{city.issues[0]}/dossier.docx")
            await ask("archive of a community's open issues", "/v1/archive.zip", area=city.community, state="open")
            for kind in ("csv", "xlsx"):
                await ask(f"ledger of {city.open:,} open issues, {kind}", f"/v1/ledger.{kind}", state="open")
    finally:
        process.terminate()
        process.wait(10)
    return found


def main(size: int, out: Path | None) -> None:
    with scratch() as (base, _), tempfile.TemporaryDirectory(prefix="gridpatrol-papers-") as folder:
        os.environ["GRIDPATROL_PHOTOS"] = folder
        found = asyncio.run(_measure(create_database(base, "papers"), size))
    table = Table("what", *next(iter(found.values())))
    for name, figures in found.items():
        table.add_row(name, *(f"{figure:,.2f}" for figure in figures.values()))
    Console().print(table)
    if out:
        out.write_text(json.dumps(found, indent=1))
