"""What is kept for a caller who will present a key again: readable with that key alone.

The secret of the server lies in the same database, so it does not protect an answer by itself; the key does, of which only a
hash is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _cipher(secret: bytes, scope: str, key: str) -> AESGCM:
    # Each part is preceded by its length, so that no two keys of two callers are one.
    seed = f"answer{len(scope)}:{scope}{len(key)}:{key}"
    return AESGCM(hmac.new(secret, seed.encode(), hashlib.sha256).digest())


def seal(secret: bytes, scope: str, key: str, text: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(secret, scope, key).encrypt(nonce, text, None)


def unseal(secret: bytes, scope: str, key: str, kept: bytes) -> bytes | None:
    """None for what another secret or key has sealed."""
    try:
        return _cipher(secret, scope, key).decrypt(kept[:_NONCE], kept[_NONCE:], None)
    except InvalidTag:
        return None
