"""`gridpatrol bench photos`: how long a large photograph takes to be stored and answered, then until it can be looked at, and what
memory that takes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pillow_heif
from PIL import Image, ImageFilter
from rich.console import Console
from rich.table import Table

from bench.simulate import Server


def _picture(width: int, height: int) -> Image.Image:
    """Something with the detail of a street: smoothed noise, scaled up."""
    noise = Image.effect_noise((width // 6, height // 6), 90).convert("RGB").filter(ImageFilter.GaussianBlur(1))
    return noise.resize((width, height), Image.Resampling.BICUBIC)


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _memory_mb(content: bytes) -> float:
    """Peak memory of the developing process over this photograph alone."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.write_bytes(content)
        order = json.dumps({"source": str(source), "folder": name}) + "\n"
        told = subprocess.run(
            [sys.executable, "-m", "app.photos.developing"], input=order, capture_output=True, text=True, check=True
        )
    answer = json.loads(told.stdout)
    assert "files" in answer, answer
    return answer["peak_kb"] / 1024


async def _time(server: Server, contents: dict[str, bytes], rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    accounts = json.loads((server.folder / "demo-accounts.json").read_text("utf-8"))
    who = next(a for a in accounts if a["role"] == "volunteer")
    found: dict[str, tuple[list[float], list[float]]] = {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        signed_in = await client.post("/v1/sessions", json={"account": who["account"], "password": who["password"]})
        client.headers["authorization"] = f"Bearer {signed_in.json()['token']}"
        for name, content in contents.items():
            answered, developed = [], []
            for n in range(rounds):
                photo, start = uuid.uuid4(), time.perf_counter()
                # Some bytes behind the end make each a file of its own.
                unique = content + b"%d" % n if name.endswith("JPEG") else content
                (await client.put(f"/v1/photos/{photo}", content=unique)).raise_for_status()
                answered.append(time.perf_counter() - start)
                for _ in range(3000):
                    if (await client.get(f"/v1/photos/{photo}/thumb")).status_code == 200:
                        break
                    await asyncio.sleep(0.02)
                developed.append(time.perf_counter() - start)
                if not name.endswith("JPEG"):
                    break
                await asyncio.sleep(0.5)
            found[name] = (answered, developed)
    return found


def main(rounds: int, out: Path | None) -> None:
    """Measure and print."""
    pillow_heif.register_heif_opener()
    console = Console()
    large, huge = _picture(4000, 3000), _picture(8064, 6048)
    contents = {
        "12 megapixels, JPEG": _encode(large, "JPEG", quality=90), "12 megapixels, HEIC": _encode(large, "HEIF", quality=70),
        "48 megapixels, JPEG": _encode(huge, "JPEG", quality=90), "48 megapixels, HEIC": _encode(huge, "HEIF", quality=60),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="gridpatrol-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        server = Server(Path(name))
        server.start()
        try:
            asyncio.run(server.ready())
            times = asyncio.run(_time(server, contents, rounds))
        finally:
            server.stop()
    table = Table("photograph", "bytes", "stored and answered", "variants there after", "peak memory of developing")
    rows: list[dict[str, Any]] = []
    for name, content in contents.items():
        answered, developed = times[name]
        row = {
            "what": name, "bytes": len(content), "answered_s": sorted(answered)[len(answered) // 2],
            "developed_s": sorted(developed)[len(developed) // 2], "peak_mb": _memory_mb(content),
        }  # fmt: skip
        rows.append(row)
        table.add_row(
            name, f"{len(content):,}", f"{row['answered_s']:.3f} s", f"{row['developed_s']:.2f} s", f"{row['peak_mb']:.0f} MB"
        )
    console.print(table)
    if out is not None:
        out.write_text(json.dumps({"cores": os.cpu_count(), "results": rows}, indent=1))
