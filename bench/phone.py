"""A volunteer's phone: what is on its disk outlives restarts; what it heard from the server it believes only whole."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import random
import struct
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image

from app.kit.datum import from_wgs84
from bench.network import Answer, Cut, Network

_KINDS = ("litter", "cigarette_ends", "street_vending", "illegal_parking", "fly_posting", "stairway_clutter")
_PART = 24_000


def picture(dice: random.Random) -> bytes:
    """A small photograph whose bytes are nobody else's: noise of a few to some hundred kilobytes in its comment segments."""
    out = io.BytesIO()
    colour = tuple(dice.randrange(256) for _ in range(3))
    Image.new("RGB", (dice.randrange(40, 200), dice.randrange(40, 200)), colour).save(out, "JPEG", quality=70)
    whole = out.getvalue()
    noise = dice.randbytes(int(dice.expovariate(1 / 40_000)) + 1000)
    comments = b"".join(
        b"\xff\xfe" + struct.pack(">H", len(part) + 2) + part
        for part in (noise[at : at + 60_000] for at in range(0, min(len(noise), 400_000), 60_000))
    )
    return whole[:2] + comments + whole[2:]


@dataclass
class Disk:
    """What survives the app: reports and photographs to be sent, and what the server has confirmed."""

    token: str | None = None
    reports: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    photos: dict[str, bytes] = field(default_factory=dict[str, bytes])
    hashes: dict[str, str] = field(default_factory=dict[str, str])
    sent_reports: set[str] = field(default_factory=set[str])
    sent_photos: set[str] = field(default_factory=set[str])
    keys: dict[str, str] = field(default_factory=dict[str, str])
    cursor: str | None = None
    issues: dict[str, int] = field(default_factory=dict[str, int])


class Unexpected(Exception):
    """An answer that a phone doing nothing wrong must never get."""


@dataclass
class Phone:
    number: int
    network: Network
    dice: random.Random
    # South-west corner and size in degrees of where it walks.
    place: tuple[float, float, float]
    follows: bool
    disk: Disk = field(default_factory=Disk)
    restarts: int = 0
    duplicates: int = 0

    def __post_init__(self) -> None:
        # Most clocks are right; some are off by minutes, some by years.
        self.clock_off = self.dice.choice([timedelta()] * 6 + [timedelta(minutes=25), timedelta(days=-400), timedelta(days=900)])
        self.datum: Any = self.dice.choice(["wgs84", "gcj02", "bd09"])

    @property
    def waiting(self) -> int:
        return len(self.disk.reports) - len(self.disk.sent_reports) + len(self.disk.photos) - len(self.disk.sent_photos)

    def take(self, photos: int) -> None:
        """The volunteer reports: on the disk in one go, whatever the network."""
        south, west, size = self.place
        lat, lon = south + self.dice.random() * size, west + self.dice.random() * size
        lat, lon = from_wgs84(lat, lon, self.datum)
        ids = [str(uuid.UUID(int=self.dice.getrandbits(128), version=4)) for _ in range(photos)]
        for id in ids:
            content = picture(self.dice)
            self.disk.photos[id] = content
            self.disk.hashes[id] = hashlib.sha256(content).hexdigest()
        report = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
        self.disk.reports[report] = {
            "category": self.dice.choice(_KINDS),
            "position": {"lat": lat, "lon": lon, "accuracy_m": self.dice.randrange(3, 60), "datum": self.datum},
            "observed_at": (datetime.now(UTC) + self.clock_off).isoformat(),
            "note": f"{self.number}号志愿者 {len(self.disk.reports)}", "photos": ids,
        }  # fmt: skip

    async def join(self, code: str) -> None:
        """Accept the invitation, again and again under one key until an answer arrives."""
        while self.disk.token is None:
            key = self.disk.keys.setdefault("join", uuid.UUID(int=self.dice.getrandbits(128), version=4).hex)
            body = json.dumps({"name": f"志愿者{self.number}"}).encode()
            headers = {"content-type": "application/json", "idempotency-key": key}
            try:
                answer = await self.network.send("POST", f"/v1/invitations/{code}/accept", headers, body)
            except Cut:
                await self._rest()
                continue
            if self._later(answer):
                await self._rest()
                continue
            self._expect(answer, 201)
            self.disk.token = json.loads(answer.body)["token"]

    async def live(self, until: float) -> None:
        """Send what waits and follow what happens; the app is killed now and then. Ends when the time is over and all is sent."""
        loop = asyncio.get_running_loop()
        while loop.time() < until or self.waiting:
            app = asyncio.create_task(self._app(until))
            done, _ = await asyncio.wait([app], timeout=self.dice.expovariate(1 / 25))
            if not done:
                app.cancel()
                self.restarts += 1
                await asyncio.gather(app, return_exceptions=True)
            elif app.exception() is not None:
                raise app.exception() or RuntimeError

    async def _app(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < until or self.waiting:
            try:
                await self._send_some()
                if self.follows:
                    await self.pull()
                await asyncio.sleep(self.dice.random() * 0.5)
            except Cut:
                await self._rest()

    async def _rest(self) -> None:
        await asyncio.sleep(0.05 + self.dice.random() * 0.6)

    async def _send_some(self) -> None:
        disk, dice = self.disk, self.dice
        reports = [id for id in disk.reports if id not in disk.sent_reports]
        photos = [id for id in disk.photos if id not in disk.sent_photos]
        if len(reports) > 2 and dice.random() < 0.3:
            await self._send_batch(reports[:100])
        elif reports and (not photos or dice.random() < 0.7):
            await self._send_report(reports[0])
        elif photos:
            # Text first as a rule, but not always.
            await self._send_photo(dice.choice(photos))
        if disk.sent_reports and dice.random() < 0.1:
            self.duplicates += 1
            await self._send_report(dice.choice(sorted(disk.sent_reports)))
        if disk.sent_photos and dice.random() < 0.05:
            self.duplicates += 1
            await self._send_photo(dice.choice(sorted(disk.sent_photos)))

    def _headers(self, **more: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.disk.token}"} | {k.replace("_", "-"): v for k, v in more.items()}

    @staticmethod
    def _later(answer: Answer) -> bool:
        """Told to come again: busy, or the same request is still being carried out."""
        return answer.status == 503 or (answer.status == 409 and b"/problems/key-running" in answer.body)

    @staticmethod
    def _expect(answer: Answer, *statuses: int) -> None:
        if Phone._later(answer):
            raise Cut
        if answer.status not in statuses:
            raise Unexpected(f"{answer.status} {answer.body[:300].decode(errors='replace')}")

    async def _send_report(self, id: str) -> None:
        body = json.dumps(self.disk.reports[id]).encode()

        async def once() -> Answer:
            return await self.network.send("PUT", f"/v1/reports/{id}", self._headers(content_type="application/json"), body)

        if self.dice.random() < 0.1:  # two devices with one queue, at once
            self.duplicates += 1
            answers = await asyncio.gather(once(), once(), return_exceptions=True)
            heard = [a for a in answers if isinstance(a, Answer)]
            if not heard:
                raise Cut
        else:
            heard = [await once()]
        for answer in heard:
            self._expect(answer, 200, 201)
            told = json.loads(answer.body)["report"]
            if (
                told["id"] != id
                or told["note"] != self.disk.reports[id]["note"]
                or told["photos"] != self.disk.reports[id]["photos"]
            ):
                raise Unexpected(f"another report than was sent: {told}")
        self.disk.sent_reports.add(id)

    async def _send_batch(self, ids: list[str]) -> None:
        key = hashlib.sha256("".join(ids).encode()).hexdigest()
        body = json.dumps({"items": [{"id": id} | self.disk.reports[id] for id in ids]}).encode()
        headers = self._headers(content_type="application/json", idempotency_key=key)
        answer = await self.network.send("POST", "/v1/reports/batch", headers, body)
        self._expect(answer, 200)
        for item in json.loads(answer.body)["items"]:
            if item["status"] not in (200, 201):
                raise Unexpected(str(item)[:300])
            self.disk.sent_reports.add(item["id"])

    async def _send_photo(self, id: str) -> None:
        content = self.disk.photos[id]
        if len(content) < 2 * _PART or self.dice.random() < 0.4:
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            headers = self._headers(content_type="image/jpeg", content_digest=f"sha-256=:{digest}:")
            answer = await self.network.send("PUT", f"/v1/photos/{id}", headers, content)
            self._expect(answer, 200, 201)
            if json.loads(answer.body)["sha256"] != self.disk.hashes[id]:
                raise Unexpected("another photograph than was sent")
        else:
            await self._upload(id, content)
        self.disk.sent_photos.add(id)

    async def _upload(self, id: str, content: bytes) -> None:
        told = base64.b64encode(id.encode()).decode()
        headers = self._headers(tus_resumable="1.0.0", upload_length=str(len(content)), upload_metadata=f"photo {told}")
        answer = await self.network.send("POST", "/v1/uploads", headers)
        self._expect(answer, 201)
        at = int(answer.headers["upload-offset"])
        while at < len(content):
            part = content[at : at + self.dice.choice([_PART, 3 * _PART, 50 * _PART])]
            headers = self._headers(
                tus_resumable="1.0.0", upload_offset=str(at), content_type="application/offset+octet-stream",
            )  # fmt: skip
            if self.dice.random() < 0.3:
                headers["upload-checksum"] = "sha256 " + base64.b64encode(hashlib.sha256(part).digest()).decode()
            try:
                answer = await self.network.send("PATCH", f"/v1/uploads/{id}", headers, part)
                if answer.status not in (404, 409):
                    self._expect(answer, 204)
            except Cut:
                await self._rest()
            # Whatever happened, the server says how far it is. Gone altogether: given up or begun elsewhere, so begin again.
            answer = await self.network.send("HEAD", f"/v1/uploads/{id}", self._headers(tus_resumable="1.0.0"))
            self._expect(answer, 200)
            at = int(answer.headers["upload-offset"])

    async def pull(self) -> None:
        """Follow the delta sync until there is no more now."""
        more = True
        while more:
            path = "/v1/changes?limit=200" + (f"&cursor={self.disk.cursor}" if self.disk.cursor else "")
            answer = await self.network.send("GET", path, self._headers())
            self._expect(answer, 200)
            page = json.loads(answer.body)
            for id in page["removed"]:
                self.disk.issues.pop(id, None)
            self.disk.issues |= {item["id"]: item["version"] for item in page["items"]}
            self.disk.cursor, more = page["next_cursor"], page["more"]
