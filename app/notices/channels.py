"""Sending a notice by mail or to a chat robot.

How a robot's address is called stands in targets.py. A mail address has letters of any script in its domain alone, since few servers
carry others before the @ (SMTPUTF8), and none says so before it is tried.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import re
import smtplib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import quote_plus, unquote, urlsplit

import structlog

from app.kit.own_threads import Full, OwnThreads
from app.notices import targets
from app.notices.targets import NotNow, Undeliverable
from app.settings import settings

log = structlog.get_logger()

# For one step of sending a mail, and for all of them.
PATIENCE_S, MAIL_PATIENCE_S = 10, 25
_posting = OwnThreads("mail", most=8, most_for_one=8)


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


async def send_robot(kind: str, url: str, secret: str, text: str, owner: object) -> None:
    """Raises Undeliverable or NotNow."""
    url, body = _signed(kind, url, secret, text)
    answer = await targets.post(url, owner, json=body)
    if answer.redirects:
        raise Undeliverable("target-redirects")
    if answer.status in (404, 410):
        raise Undeliverable("target-gone")
    if not answer.is_success or (b'"errcode"' in answer.told and b'"errcode":0' not in answer.told.replace(b" ", b"")):
        raise NotNow(f"{answer.status} {answer.told[:200]!r}")


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
        await _posting.run(None, MAIL_PATIENCE_S + 1, _smtp, message, settings().smtp_url)
    except NoTls as error:
        log.error("mail is not sent: the mail server offers no STARTTLS. Set GRIDPATROL_SMTP_URL to smtps://… if it takes TLS at once, "
            "or to smtp+plain://… if passwords and mail may go unencrypted", server=urlsplit(settings().smtp_url).hostname)  # fmt: skip
        raise NotNow("NoTls", silent=True) from error
    except smtplib.SMTPException as error:
        if _for_good(error):
            raise Undeliverable("mail-refused") from error
        raise NotNow(
            type(error).__name__, silent=not isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused)
        ) from error
    except (OSError, TimeoutError, Full) as error:
        raise NotNow(type(error).__name__, silent=True) from error


class NoTls(Exception):
    """The mail server does not offer STARTTLS, or somebody between has taken it out of what it offers (RFC 3207, 6)."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nobody is between."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _context(host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if is_loopback(host):  # no certificate is made out to it
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _smtp(message: EmailMessage, url: str) -> None:
    """Hand a message to the mail server. STARTTLS is demanded before anything is said of it, password or mail, unless the server is this
    machine or the setting says that it need not be. Raises NoTls, SMTPException, OSError."""
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or (465 if parts.scheme == "smtps" else 25)
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=PATIENCE_S, context=_context(host))
    else:
        server = smtplib.SMTP(timeout=PATIENCE_S)
    server._host = host  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]
    # Each step has its limit; one that answers a letter at a time is cut off when all of it has taken too long.
    cut = threading.Timer(MAIL_PATIENCE_S, _cut, (server,))
    cut.daemon = True
    cut.start()
    try:
        code, said = server.connect(host, port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        server.ehlo_or_helo_if_needed()
        if parts.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=_context(host))
            server.ehlo()
        elif parts.scheme == "smtp" and not is_loopback(host):
            raise NoTls
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
        # The message is taken: what is said after that changes nothing.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        cut.cancel()
        server.close()


def _cut(server: smtplib.SMTP) -> None:
    socket_: Any = server.sock
    if socket_ is not None:
        with contextlib.suppress(OSError):
            socket_.shutdown(socket.SHUT_RDWR)
