"""Tokens, and what is kept of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def mint(secret: bytes, *seed: str) -> str:
    """A token of 256 bits: random, or, from a seed, the same each time, so that a repeated request gets the same one."""
    if not seed:
        return secrets.token_urlsafe(32)
    # Each part is preceded by its length: no two seeds run together alike.
    text = "".join(f"{len(part)}:{part}" for part in seed)
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
