"""How many requests, of which kind, and how long they took."""

from __future__ import annotations

from prometheus_client import Histogram

REQUESTS = Histogram(
    "gridpatrol_request_seconds",
    "Time to answer a request, by route and status class.",
    ("route", "status"),
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10),
)
