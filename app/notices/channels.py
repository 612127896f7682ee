"""Sending a notice by mail or to a chat robot.

A robot's address is somebody's input that this server then calls, so: https to a public address only, no redirects followed, ten seconds,
and of the answer the first few kilobytes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import smtplib
import socket
import ssl
import time
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote_plus, unquote, urlsplit

import httpx

from app.settings import settings

PATIENCE_S = 10


class Undeliverable(Exception):
    """This channel will not work as it is; trying again would not help."""


class NotNow(Exception):
    """The other side is away or busy: try again later."""


async def check_target(url: str) -> None:
    """Refuse what a robot's address must not be. Raises Undeliverable with a sentence's key."""
    parts = urlsplit(url)
    private = settings().private_targets
    if (parts.scheme != "https" and not private) or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Undeliverable("target-https")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        raise Undeliverable("target-unknown") from None
    if not private and not all(ipaddress.ip_address(entry[4][0]).is_global for entry in found):
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


async def send_mail(address: str, subject: str, text: str) -> None:
    """Raises Undeliverable or NotNow."""
    if not settings().smtp_url:
        raise Undeliverable("mail-unset")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings().mail_from, address, subject
    message.set_content(text)
    try:
        await asyncio.to_thread(_smtp, message)
    except smtplib.SMTPRecipientsRefused as error:
        raise Undeliverable("mail-refused") from error
    except (smtplib.SMTPException, OSError) as error:
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
