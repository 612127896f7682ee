"""Keyset cursors: the last row's sort keys, signed so that a changed cursor is refused rather than misread."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson

from app.kit.problems import Problem

MAX_LIMIT = 200
DEFAULT_LIMIT = 50


def rows_for(limit: int) -> int:
    """How many rows to fetch for a page of `limit` and the knowledge whether there are more: one of two numbers.

    A statement holds it as a literal. A bound LIMIT is unknown to a generic plan, which then takes a tenth of the table for wanted
    and sorts it all instead of walking the index.
    """
    return DEFAULT_LIMIT + 1 if limit <= DEFAULT_LIMIT else MAX_LIMIT + 1


def seal(secret: bytes, kind: str, keys: list[Any]) -> str:
    body = orjson.dumps(keys)
    mark = hmac.digest(secret, kind.encode() + body, hashlib.sha256)[:8]
    return base64.urlsafe_b64encode(mark + body).rstrip(b"=").decode()


def unseal(secret: bytes, kind: str, cursor: str) -> list[Any]:
    """The keys in `cursor`, made for the same `kind` of list. Raises a 422 problem for any other text."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, body = raw[:8], raw[8:]
        if hmac.compare_digest(mark, hmac.digest(secret, kind.encode() + body, hashlib.sha256)[:8]):
            return orjson.loads(body)
    except ValueError:
        pass
    raise Problem(422, "bad-cursor", fields=[("/cursor", "bad-cursor")])
