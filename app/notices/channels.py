"""Sending a notice by mail or to a chat robot.

A robot's address is somebody's input that this server then calls, so: https to a public address only, no redirects followed, ten seconds,
and of the answer the first few kilobytes. A mail address has letters of any script in its domain alone, since few servers carry
others before the @ (SMTPUTF8), and none says so before it is tried.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import re
import smtplib
import socket
import ssl
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import SplitResult, quote_plus, unquote, urlsplit

import httpx

from app.settings import settings

PATIENCE_S = 10


class Undeliverable(Exception):
    """This channel will not work as it is; trying again would not help."""


class NotNow(Exception):
    """The other side is away or busy: try again later."""


_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# Letters that Python's IDNA (of 2003) takes for others, and so for another's domain.
_OTHERS_DOMAIN = frozenset("ßς\u200c\u200d")


def mailable(address: str) -> str:
    """The address as servers take it, its domain in ASCII. Raises Undeliverable with a sentence's key."""
    local, at, domain = address.rpartition("@")
    if not local.isascii():
        raise Undeliverable("mail-address-ascii")
    try:
        told = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise Undeliverable("mail-address") from None
    labels = told.split(".")
    host = len(labels) > 1 and len(told) <= 253 and all(map(_LABEL.fullmatch, labels))
    if not at or not host or labels[-1].isdigit() or _OTHERS_DOMAIN & set(domain):
        raise Undeliverable("mail-address")
    if len(local) > 64 or not _LOCAL.fullmatch(local):
        raise Undeliverable("mail-address")
    return f"{local}@{told}"


def _parts(url: str) -> tuple[SplitResult, int]:
    """A URL in its parts, and its port. Raises Undeliverable for what is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise Undeliverable("target-url") from None
    if not url.isprintable() or " " in url:
        raise Undeliverable("target-url")
    return parts, port


async def check_target(url: str) -> None:
    """Refuse what a robot's address must not be. Raises Undeliverable with a sentence's key, NotNow while names are not looked up."""
    parts, port = _parts(url)
    private = settings().private_targets
    if (parts.scheme != "https" and not private) or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Undeliverable("target-https")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or too long
        raise Undeliverable("target-url") from None
    except OSError as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise NotNow("names are not looked up now") from error
        raise Undeliverable("target-unknown") from None
    hosts = [str(entry[4][0]).split("%")[0] for entry in found]
    if not private and not all(ipaddress.ip_address(host).is_global for host in hosts):
        raise Undeliverable("target-private")


def _signed(kind: str, url: str, secret: str, text: str) -> tuple[str, dict[str, Any]]:
    """URL and body as the three robots want them (their developer documentation: text messages, and the signature where a secret is set)."""
    if kind == "wecom":
        return url, {"msgtype": "text", "text": {"content": text}}
    if kind == "dingtalk":
        if secret:
            stamp = str(round(time.time() * 1000))
            mark = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
            url += f"{'&' if '?' in url else '?'}timestamp={stamp}&sign={quote_plus(base64.b64encode(mark))}"
        return url, {"msgtype": "text", "text": {"content": text}}
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if secret:
        stamp = str(int(time.time()))
        mark = hmac.digest(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
        body |= {"timestamp": stamp, "sign": base64.b64encode(mark).decode()}
    return url, body


async def send_robot(kind: str, url: str, secret: str, text: str) -> None:
    """Raises Undeliverable or NotNow."""
    await check_target(url)
    url, body = _signed(kind, url, secret, text)
    try:
        async with (
            httpx.AsyncClient(timeout=PATIENCE_S, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", url, json=body) as answer,
        ):
            told = await asyncio.wait_for(anext(answer.aiter_bytes(4096), b""), PATIENCE_S)
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        raise NotNow(type(error).__name__) from error
    if answer.is_redirect:
        raise Undeliverable("target-redirects")
    if answer.status_code in (404, 410):
        raise Undeliverable("target-gone")
    if not answer.is_success or (b'"errcode"' in told and b'"errcode":0' not in told.replace(b" ", b"")):
        raise NotNow(f"{answer.status_code} {told[:200]!r}")


def _own_domain() -> str:
    """The domain that this server writes mail from."""
    return parseaddr(settings().mail_from)[1].rpartition("@")[2] or "localhost"


def letter(address: str, subject: str, text: str, key: str) -> EmailMessage:
    """The mail with what RFC 5322 demands and RFC 3834 asks of programs. `key` names the message: sent twice, it is the same one.

    The text goes as base64, which every server passes on, whatever letters it holds and however long its lines are.
    """
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings().mail_from, address, subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{key}@{_own_domain()}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="base64")
    return message


def _for_good(error: smtplib.SMTPException) -> bool:
    """Whether the receiving side will never take this: codes from 500 on (RFC 5321, 4.2.1). A refused sender is a fault of this server's
    settings, which may be set right."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


async def send_mail(address: str, subject: str, text: str, key: str) -> None:
    """Raises Undeliverable or NotNow."""
    if not settings().smtp_url:
        raise Undeliverable("mail-unset")
    message = letter(mailable(address), subject, text, key)
    try:
        await asyncio.to_thread(_smtp, message)
    except smtplib.SMTPException as error:
        if _for_good(error):
            raise Undeliverable("mail-refused") from error
        raise NotNow(type(error).__name__) from error
    except OSError as error:
        raise NotNow(type(error).__name__) from error


def _smtp(message: EmailMessage) -> None:
    parts = urlsplit(settings().smtp_url)
    host, port = parts.hostname or "localhost", parts.port or (465 if parts.scheme == "smtps" else 25)
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=PATIENCE_S, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, port, timeout=PATIENCE_S)
    with server:
        if parts.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
