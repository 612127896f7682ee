"""Calling an address that somebody entered: a chat robot's, or a browser's push service.

This server calls it from within its own network, so the host must have public addresses only, and what is called is one of the very
addresses that were looked at: a name that is looked up again may lead elsewhere. No redirects are followed, no proxy is used, the
whole call has one limit of time, and of the answer the first kilobytes are read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from app.kit.own_threads import Full, OwnThreads
from app.settings import settings

# For one delivery in all: name, connection, question and answer.
PATIENCE_S = 10
_NAME_S, _CONNECT_S = 4, 4
_MOST_ANSWER = 4096
_MOST_ADDRESSES = 3

# Addresses that are no public host's (IANA's registries of special-purpose addresses). Of IPv6 only 2000::/3 is given out, which leaves out
# NAT64 (64:ff9b::/96, 64:ff9b:1::/48), IPv4 in IPv6, link-local, private and multicast addresses; within it 2001::/23 holds Teredo.
_NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
_GIVEN_OUT_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

# Names are looked up by the system, which may take half a minute over one: few for one account, and never in the threads of others' work.
_names = OwnThreads("names", most=24, most_for_one=4)


class Undeliverable(Exception):
    """This channel will not work as it is; trying again would not help."""


class NotNow(Exception):
    """The other side is away or busy: try again later. `silent`: its host was called and did not answer, so that others need not call it
    either; never said for what one account could bring about for a host of others."""

    def __init__(self, reason: str, silent: bool = False) -> None:
        super().__init__(reason)
        self.silent = silent


@dataclass(frozen=True, slots=True)
class Target:
    """A URL and the addresses that its host was found to have."""

    url: str
    parts: SplitResult
    port: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    redirects: bool
    told: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def is_public(address: str) -> bool:
    """Whether an address, as `getaddrinfo` tells it, is one that any host of the internet may have."""
    if "%" in address:  # within one network (RFC 4007)
        return False
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_4)
    return ip in _GIVEN_OUT_6 and not any(ip in network for network in _NOT_PUBLIC_6)


def host_of(url: str) -> str:
    """Host and port that a URL names, or nothing. With the port: that nobody answers at another one of a host, or answers slowly, is no
    reason to hold back what others send to this one."""
    try:
        parts, port = _parts(url)
    except Undeliverable:
        return ""
    return f"{parts.hostname}:{port}" if parts.hostname else ""


def _parts(url: str) -> tuple[SplitResult, int]:
    """A URL in its parts, and its port. Raises Undeliverable for what is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise Undeliverable("target-url") from None
    if not url.isprintable() or " " in url:
        raise Undeliverable("target-url")
    return parts, port


async def check_target(url: str, owner: object) -> Target:
    """The target, with addresses that may be called. `owner`: for whom names are looked up. Raises Undeliverable with a sentence's key
    for what may not be called, NotNow while names are not looked up."""
    parts, port = _parts(url)
    private = settings().private_targets
    if (parts.scheme != "https" and not private) or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Undeliverable("target-https")
    try:
        # An address needs nobody to be asked.
        is_address = parts.hostname.replace(".", "").isdigit() or ":" in parts.hostname
        found: Any = (
            _look_up(parts.hostname, port, socket.AI_NUMERICHOST)
            if is_address
            else await _names.run(owner, _NAME_S, _look_up, parts.hostname, port)
        )
    except UnicodeError:  # a label that is empty or too long
        raise Undeliverable("target-url") from None
    except (Full, TimeoutError) as error:
        raise NotNow("names are not looked up now") from error
    except OSError as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise NotNow("names are not looked up now") from error
        raise Undeliverable("target-unknown") from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not private and not all(map(is_public, addresses)):
        raise Undeliverable("target-private")
    return Target(url, parts, port, addresses)


def _look_up(host: str, port: int, flags: int = 0) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)


@lru_cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


async def post(url: str, owner: object, headers: dict[str, str] | None = None, **body: Any) -> Answer:
    """POST to what somebody entered. Raises Undeliverable, or NotNow when it does not answer in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            target = await check_target(url, owner)
            return await _post(target, headers or {}, body)
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        raise NotNow(type(error).__name__, silent=True) from error


async def _post(target: Target, headers: dict[str, str], body: dict[str, Any]) -> Answer:
    # A host whose first address does not answer may have another.
    *others, last = target.addresses[:_MOST_ADDRESSES]
    for address in others:
        try:
            return await _post_to(address, target, headers, body)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return await _post_to(last, target, headers, body)


async def _post_to(address: str, target: Target, headers: dict[str, str], body: dict[str, Any]) -> Answer:
    """Connect to `address` in the name of the target's host: Host, SNI and the certificate are the name's."""
    url = httpx.URL(target.url)
    told = headers | {"host": url.netloc.decode(), "accept-encoding": "identity"}
    patience = httpx.Timeout(PATIENCE_S, connect=_CONNECT_S)
    async with (
        httpx.AsyncClient(timeout=patience, verify=_tls(), follow_redirects=False, trust_env=False) as client,
        client.stream(
            "POST", url.copy_with(host=address, port=target.port), headers=told, extensions={"sni_hostname": url.raw_host.decode()}, **body
        ) as answer,
    ):  # fmt: skip
        read = b""
        async for piece in answer.aiter_raw():
            read += piece
            if len(read) >= _MOST_ANSWER:
                break
    return Answer(answer.status_code, answer.is_redirect, read[:_MOST_ANSWER])
