"""Time zones: which names are taken, and what is wrong with the others."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache

# Names that do not mean the same everywhere: PostgreSQL takes the first four for a fixed offset
# without summer time; the last two are no place's, but this machine's and nobody's.
_AMBIGUOUS = frozenset({"CET", "EET", "MET", "WET", "localtime", "Factory"})


class NoZone(ValueError):
    """What was named is no time zone; the message says so."""


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones() - _AMBIGUOUS}


def canonical(name: str) -> str:
    """A zone of the IANA list as it is spelled there. Raises NoZone, for an offset such as UTC+8
    too: the one half of the world reads it as east of Greenwich, the other as west."""
    found = _names().get(name.strip().lower())
    if found is None:
        raise NoZone(f"{name!r} is no time zone of the IANA list; China's is Asia/Shanghai, that of New York America/New_York.")
    return found
