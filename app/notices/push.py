"""Web push: a message encrypted for one browser (RFC 8291) and signed with the server's own key (VAPID, RFC 8292)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from typing import Any
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from app.kit.wire import dumps
from app.notices import targets
from app.notices.targets import NotNow, Undeliverable
from app.settings import settings

# The order of P-256 (FIPS 186-5).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DAY_S = 86_400
# A push service takes 4096 bytes, of which 103 are the encryption's; the text is cut to fit.
_MOST_BYTES = 3000


class Gone(Exception):
    """The browser has given up this subscription."""


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def are_keys(p256dh: str, auth: str) -> bool:
    """Whether these are a point of P-256 and 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(p256dh))
        return len(_bytes(auth)) == 16
    except ValueError:
        return False


def _private_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The server's key follows from its secret, so every process has the same and none is stored."""
    number = int.from_bytes(hmac.digest(secret, b"vapid", hashlib.sha512), "big")
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


def public_key(secret: bytes) -> str:
    return _text(_private_key(secret).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def sealed(keys: str, message: bytes) -> bytes:
    """The message for the subscription whose `keys` are "p256dh auth", as aes128gcm (RFC 8188)."""
    p256dh, auth = keys.split(" ")
    return http_ece.encrypt(
        message, salt=os.urandom(16), private_key=ec.generate_private_key(ec.SECP256R1()), dh=_bytes(p256dh), auth_secret=_bytes(auth),
        version="aes128gcm",
    )  # fmt: skip


async def send(secret: bytes, endpoint: str, keys: str, title: str, text: str, issue: str | None, owner: object) -> None:
    """Raises Gone, Undeliverable or NotNow."""
    parts = urlsplit(endpoint)
    claims: dict[str, Any] = {
        "aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + _DAY_S // 2, "sub": f"mailto:{settings().mail_from}",
    }  # fmt: skip
    headers = Vapid02(_private_key(secret)).sign(claims) | {
        "content-encoding": "aes128gcm", "content-type": "application/octet-stream", "ttl": str(_DAY_S),
    }  # fmt: skip
    while len(message := dumps({"title": title, "text": text, "issue": issue})) > _MOST_BYTES:
        text = text[: len(text) * 3 // 4]
    answer = await targets.post(endpoint, owner, headers, content=sealed(keys, message))
    if answer.status in (404, 410):
        raise Gone
    if answer.redirects:
        raise Undeliverable("target-redirects")
    if not answer.is_success:
        raise NotNow(str(answer.status))
