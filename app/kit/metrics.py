"""How many requests, of which kind, and how long they took."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Histogram(
    "gridpatrol_request_seconds",
    "Time to answer a request, by route and status class.",
    ("route", "status"),
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10),
)


class Measured:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.series: dict[tuple[str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope.get("route")
                key = (getattr(route, "path", "none"), message["status"] // 100)
                series = self.series.get(key)
                if series is None:
                    series = self.series[key] = REQUESTS.labels(key[0], f"{key[1]}xx")
                series.observe(perf_counter() - start)
            await send(message)

        await self.app(scope, receive, watch)
