"""`gridpatrol simulate`: phones in bad networks, a server that is killed, and at the end every phone's books against the server's."""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.network import Cut, Network
from bench.phone import Phone, Unexpected

console = Console(stderr=True)
_FOLLOWERS = 10


@dataclass
class Plan:
    volunteers: int
    minutes: float
    reports: int
    photos: int
    cut: float
    kills: int
    seed: int


@dataclass
class Outcome:
    """What the comparison found; only `lost` … `books` must be nothing."""

    reports: int = 0
    photos: int = 0
    requests: int = 0
    cuts: int = 0
    server_away: int = 0
    duplicate_sends: int = 0
    app_restarts: int = 0
    server_kills: int = 0
    seconds: float = 0
    lost_reports: int = 0
    doubled_reports: int = 0
    differing_reports: int = 0
    lost_photos: int = 0
    broken_photos: int = 0
    wrong_books: int = 0
    unexpected: int = 0

    @property
    def good(self) -> bool:
        return not any(
            (self.lost_reports, self.doubled_reports, self.differing_reports, self.lost_photos, self.broken_photos, self.wrong_books,
             self.unexpected)
        )  # fmt: skip


class Server:
    """A server of our own in a folder of its own, which may be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def start(self) -> None:
        command = [sys.executable, "-m", "app.cli", "run", "--demo", "--port", str(self.port), "--data", str(self.folder)]
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        log.close()

    async def ready(self) -> None:
        network = Network("127.0.0.1", self.port, 0, random.Random(0))
        for _ in range(600):
            try:
                if (await network.send("GET", "/readyz", {})).status == 200:
                    return
            except Cut:
                pass
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"the server did not start; see {self.folder / 'server.log'}")
            await asyncio.sleep(0.1)
        raise RuntimeError("the server did not get ready")

    async def kill_now_and_then(self, times: int, seconds: float, dice: random.Random) -> None:
        for n in range(times):
            await asyncio.sleep(seconds / times * (0.4 + 0.6 * dice.random()) if n else seconds / times * 0.5)
            assert self.process is not None
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.kills += 1
            await asyncio.sleep(dice.random() * 2)
            self.start()
            await self.ready()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)

    def verify(self) -> str:
        """What `gridpatrol photos verify` says of the store afterwards."""
        command = [sys.executable, "-m", "app.cli", "photos", "verify", "--data", str(self.folder)]
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return f"{told.stdout.strip().splitlines()[-1] if told.stdout.strip() else told.stderr.strip()} (exit code {told.returncode})"


async def _call(network: Network, method: str, path: str, token: str | None, body: Any = None) -> Any:
    """A request on a good line that must succeed."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    answer = await network.send(method, path, headers, json.dumps(body).encode() if body is not None else b"")
    if answer.status not in (200, 201):
        raise Unexpected(f"{method} {path}: {answer.status} {answer.body[:300].decode(errors='replace')}")
    return json.loads(answer.body)


async def _invite(
    network: Network, accounts: list[dict[str, str]], volunteers: int
) -> tuple[list[str], tuple[float, float, float]]:
    """Invitations enough, by the demo's staff, and where the community lies."""
    staff = next(a for a in accounts if a["role"] == "staff")
    signed_in = await _call(network, "POST", "/v1/sessions", None, {"account": staff["account"], "password": staff["password"]})
    token = signed_in["token"]
    area = signed_in["account"]["roles"][0]["held_for"]["id"]
    shape = await _call(network, "GET", f"/v1/areas/{area}", token)
    points = [point for polygon in shape["geometry"]["coordinates"] for point in polygon[0]]
    west, south = min(p[0] for p in points), min(p[1] for p in points)
    size = min(max(p[0] for p in points) - west, max(p[1] for p in points) - south)
    codes: list[str] = []
    for start in range(0, volunteers, 200):
        uses = min(200, volunteers - start)
        made = await _call(network, "POST", "/v1/invitations", token, {"role": "volunteer", "area": area, "uses": uses})
        codes += [made["code"]] * uses
    return codes, (south, west, size)


async def _use(phones: list[Phone], plan: Plan, dice: random.Random) -> None:
    """Volunteers report, spread over the time."""
    moments = sorted(dice.random() * plan.minutes * 60 for _ in range(plan.reports))
    photos = [plan.photos // plan.reports] * plan.reports
    for n in range(plan.photos - sum(photos)):
        photos[n] += 1
    # Some without, some with a handful; the sum stays.
    for _ in range(plan.reports):
        a, b = dice.randrange(plan.reports), dice.randrange(plan.reports)
        if a != b and photos[a] and photos[b] < 6:
            photos[a], photos[b] = photos[a] - 1, photos[b] + 1
    start = time.monotonic()
    for moment, count in zip(moments, photos, strict=True):
        await asyncio.sleep(max(0, start + moment - time.monotonic()))
        dice.choice(phones).take(count)


@asynccontextmanager
async def _progress(phones: list[Phone], plan: Plan) -> AsyncGenerator[None]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        reports, photos = progress.add_task("reports", total=plan.reports), progress.add_task("photographs", total=plan.photos)

        async def show() -> None:
            while True:
                progress.update(reports, completed=sum(len(p.disk.sent_reports) for p in phones))
                progress.update(photos, completed=sum(len(p.disk.sent_photos) for p in phones))
                await asyncio.sleep(0.5)

        task = asyncio.create_task(show())
        try:
            yield
        finally:
            task.cancel()


async def _pages(network: Network, token: str, path: str) -> list[Any]:
    items: list[Any] = []
    cursor = ""
    while True:
        page = await _call(network, "GET", f"{path}{'&' if '?' in path else '?'}limit=200{cursor}", token)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


async def _compare(phone: Phone, network: Network, outcome: Outcome) -> None:
    """One phone's books against the server's, on a good line."""
    disk, token = phone.disk, phone.disk.token or ""
    mine = {item["id"] for item in await _pages(network, token, "/v1/issues?mine=true")}
    # Every report of a phone opened an issue of its own, under its own id.
    outcome.lost_reports += len(set(disk.reports) - mine)
    outcome.doubled_reports += len(mine - set(disk.reports))
    for id, sent in disk.reports.items():
        if id not in mine:
            continue
        told = (await _call(network, "GET", f"/v1/reports/{id}", token))["report"]
        same = all(told[key] == sent[key] for key in ("category", "note", "photos")) and told["issue_id"] == id
        outcome.differing_reports += not (same and told["position"] == sent["position"])
    for id, sha256 in disk.hashes.items():
        answer = await network.send("GET", f"/v1/photos/{id}", phone._headers())  # pyright: ignore[reportPrivateUsage]
        facts = json.loads(answer.body) if answer.status == 200 else {}
        if facts.get("state") != "stored" or facts["sha256"] != sha256:
            outcome.lost_photos += 1
            continue
        outcome.broken_photos += not await _shown(phone, network, id)
    if (await _call(network, "GET", "/v1/uploads/awaited", token))["items"]:
        outcome.lost_photos += 1


async def _shown(phone: Phone, network: Network, id: str) -> bool:
    """The thumbnail comes and can be looked at; the queue is given its time."""
    for _ in range(1200):
        answer = await network.send("GET", f"/v1/photos/{id}/thumb", phone._headers(accept="image/webp"))  # pyright: ignore[reportPrivateUsage]
        if answer.status == 200:
            try:
                with Image.open(io.BytesIO(answer.body)) as image:
                    image.load()
                return True
            except OSError:
                return False
        if b"photo-pending" not in answer.body:
            return False
        await asyncio.sleep(0.5)
    return False


async def _books(phones: list[Phone], network: Network) -> int:
    """How many followers' books of the delta sync differ from the list of issues."""
    wrong = 0
    for phone in (p for p in phones if p.follows):
        phone.network = network
        # What is still being developed changes nothing any more: variants are no events. One last look, and it is the truth.
        await phone.pull()
        truth = {item["id"]: item["version"] for item in await _pages(network, phone.disk.token or "", "/v1/issues")}
        wrong += phone.disk.issues != truth
    return wrong


async def simulate(plan: Plan, host: str, port: int, accounts: list[dict[str, str]], server: Server | None) -> Outcome:
    """Play the plan against a server and compare. With a `server` of our own it is killed now and then."""
    dice = random.Random(plan.seed)
    good = Network(host, port, 0, random.Random(plan.seed + 1))
    bad = Network(host, port, plan.cut, random.Random(plan.seed + 2))
    start = time.monotonic()
    codes, place = await _invite(good, accounts, plan.volunteers)
    every = max(1, plan.volunteers // _FOLLOWERS)
    phones = [
        Phone(n, bad, random.Random(plan.seed * 1000 + n), place, follows=n % every == 0) for n in range(plan.volunteers)
    ]  # fmt: skip
    outcome = Outcome(reports=plan.reports, photos=plan.photos)
    await asyncio.gather(*(phone.join(code) for phone, code in zip(phones, codes, strict=True)))
    until = asyncio.get_running_loop().time() + plan.minutes * 60
    patience = plan.minutes * 60 * 3 + 600
    async with _progress(phones, plan):
        killer = asyncio.create_task(
            server.kill_now_and_then(plan.kills, plan.minutes * 60, dice) if server and plan.kills else asyncio.sleep(0)
        )
        lives = [asyncio.create_task(phone.live(until)) for phone in phones]
        await _use(phones, plan, random.Random(plan.seed + 3))
        await killer
        ended = await asyncio.wait_for(asyncio.gather(*lives, return_exceptions=True), patience)
    for error in ended:
        if isinstance(error, BaseException):
            outcome.unexpected += 1
            console.print(f"{type(error).__name__}: {error}", style="red", markup=False)
    outcome.wrong_books = await _books(phones, good)
    gate = asyncio.Semaphore(8)

    async def one(work: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await work()

    await asyncio.gather(*(one(lambda p=phone: _compare(p, good, outcome)) for phone in phones))
    outcome.requests, outcome.cuts, outcome.server_away = bad.requests, bad.cuts, bad.away
    outcome.duplicate_sends = sum(p.duplicates for p in phones)
    outcome.app_restarts = sum(p.restarts for p in phones)
    outcome.server_kills = server.kills if server else 0
    outcome.seconds = round(time.monotonic() - start, 1)
    return outcome


def _accounts(path: Path) -> list[dict[str, str]]:
    return json.loads(path.read_text("utf-8"))


def main(plan: Plan, url: str | None, accounts: Path | None, out: Path | None) -> bool:
    """Run, print the table, and say whether nothing was lost, doubled or broken."""
    if url is not None:
        parts = urlsplit(url)
        if accounts is None:
            raise ValueError("--url needs --accounts, the demo-accounts.json of that server")
        outcome = asyncio.run(simulate(plan, parts.hostname or "127.0.0.1", parts.port or 80, _accounts(accounts), None))
        store = "not looked at: another server's"
    else:
        with tempfile.TemporaryDirectory(prefix="gridpatrol-simulate-", dir="/var/tmp") as name:
            folder = Path(name)
            folder.chmod(0o755)
            server = Server(folder)
            server.start()

            async def play() -> Outcome:
                await server.ready()
                return await simulate(plan, "127.0.0.1", server.port, _accounts(folder / "demo-accounts.json"), server)

            try:
                outcome = asyncio.run(play())
            finally:
                server.stop()
            store = server.verify()
    table = Table("what", "count")
    for name, value in asdict(outcome).items():
        table.add_row(name.replace("_", " "), str(value))
    table.add_row("object store", store)
    Console().print(table)
    if out is not None:
        out.write_text(json.dumps({**asdict(outcome), "object_store": store, "plan": asdict(plan)}, indent=1, ensure_ascii=False))
    return outcome.good and (url is not None or "(exit code 0)" in store)
