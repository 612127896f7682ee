"""Short names of statements."""

from __future__ import annotations

import hashlib
from functools import cache


@cache
def mark(statement: str) -> str:
    """A short name of a statement's text."""
    return hashlib.sha256(statement.encode()).hexdigest()[:12]
