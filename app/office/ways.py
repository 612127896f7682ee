"""Ways that papers may hold: to pages of this server's client, and nowhere else."""

from __future__ import annotations

import re

from app.settings import settings

# A page of the client, perhaps of one thing, with its query. One segment after another, none of them empty or dots: browsers read `//` as
# another server, `\` as `/`, and drop tabs and line breaks.
_PAGE = re.compile(
    r"/app(?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*){1,2}(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?(?:#[A-Za-z0-9_-]*)?"
)


def own(text: str) -> str | None:
    """The path of a way that stays on this server's pages; None for any other. The server's own address before it is left out."""
    base = settings().public_url.rstrip("/")
    path = text.removeprefix(base) if base else text
    return path if len(path) <= 4000 and _PAGE.fullmatch(path) else None
