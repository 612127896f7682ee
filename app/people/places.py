"""From where somebody signs in: the address as the trusted proxy says it, and the device that has signed in before."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from dataclasses import dataclass

from app.people.limits import Subject
from app.people.tokens import mint

# Proves to be a device that has signed in here; gives no access. Stays when somebody signs out.
DEVICE_COOKIE = "gridpatrol-device"
DEVICE_DAYS = 400


@dataclass(frozen=True, slots=True)
class Place:
    """`network`: an IPv4 address, or the /64 of an IPv6 address. `wide`: the /48 that it lies in. `mark` and `device_mark` are how an
    account remembers them."""

    network: str
    wide: str | None
    mark: str
    device: str | None
    device_mark: str | None

    @property
    def share(self) -> str:
        return self.device_mark or self.network

    def subjects(self, what: str) -> list[tuple[Subject, int]]:
        """What tries from this address are counted under, with how many times the limit of one address each has."""
        wide = [((f"{what}-wide", self.wide), 4)] if self.wide else []
        return [((f"{what}-address", self.network), 1), *wide]


def networks(host: str) -> tuple[str, str | None]:
    """The networks that count as one place: one IPv4 address, however it is written; of IPv6 the /64 that a subscriber has,
    and the /48 above it."""
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return "unknown", None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, ipaddress.IPv4Address):
        return str(address), None
    near, wide = (ipaddress.IPv6Network((address, length), strict=False) for length in (64, 48))
    return str(near), str(wide)


def place(secret: bytes, host: str, cookie: str | None) -> Place:
    network, wide = networks(host)
    device = _read(secret, cookie)
    return Place(
        network, wide, mint(secret, "address", network)[:32], device, mark(secret, device)
    )  # fmt: skip


def new_device() -> str:
    return secrets.token_urlsafe(16)


def written(secret: bytes, device: str) -> str:
    """The cookie's value: signed, so that a made-up one costs no look into the database."""
    return f"{device}.{mint(secret, 'device', device)[:32]}"


def _read(secret: bytes, cookie: str | None) -> str | None:
    device, _, signature = (cookie or "").partition(".")
    good = 16 <= len(device) <= 40 and signature.isascii() and hmac.compare_digest(signature, mint(secret, "device", device)[:32])
    return device if good else None


def mark(secret: bytes, device: str | None) -> str | None:
    """How an account remembers a device."""
    return None if device is None else mint(secret, "device-mark", device)[:32]
