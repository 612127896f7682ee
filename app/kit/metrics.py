"""How many requests, of which kind, and how long they took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import REGISTRY
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

_BOUNDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
_NAMES = (*map(str, _BOUNDS), "+Inf")


class Requests(Collector):
    """A histogram of prometheus_client costs each request ten times as much: it locks for each bucket, and the event loop needs no lock."""

    def __init__(self) -> None:
        # By route and class of status: how many in each bucket, and the seconds of all.
        self.series: dict[tuple[str, int], tuple[list[int], list[float]]] = {}

    def observe(self, route: str, status: int, seconds: float) -> None:
        key = route, status // 100
        found = self.series.get(key)
        if found is None:
            found = self.series[key] = [0] * len(_NAMES), [0.0]
        found[0][bisect_left(_BOUNDS, seconds)] += 1
        found[1][0] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(
            "gridpatrol_request_seconds", "Time to answer a request, by route and status class.", labels=("route", "status")
        )
        for (route, status), (counts, seconds) in self.series.items():
            family.add_metric((route, f"{status}xx"), list(zip(_NAMES, accumulate(counts), strict=True)), seconds[0])
        yield family


REQUESTS = Requests()
REGISTRY.register(REQUESTS)
