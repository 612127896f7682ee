"""Every setting of the program, read from the environment."""

from __future__ import annotations

import os
from email.utils import parseaddr
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.kit.zones import canonical


def _default_data() -> Path:
    # Postgres refuses to run as root and is started as `postgres`, who cannot enter root's home.
    if os.geteuid() == 0:
        return Path("/var/lib/gridpatrol")
    return Path.home() / ".local" / "share" / "gridpatrol"


class Settings(BaseSettings):
    """Environment variables with the prefix `GRIDPATROL_`; `DATABASE_URL` keeps its usual name."""

    # A setting that is refused may hold a password: it is not shown.
    model_config = SettingsConfigDict(env_prefix="GRIDPATROL_", populate_by_name=True, hide_input_in_errors=True)

    data: Path = Field(default_factory=_default_data, description="Folder of the program's own data.")
    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL with PostGIS to use; without it the program runs a private one in its data folder.",
    )
    pool_size: int = Field(default=16, ge=2, le=500, description="Database connections of one process, at most.")
    language: str = Field(default="zh-CN", description="Language of texts when the caller asks for none: zh-CN or en.")
    time_zone: str = Field(default="Asia/Shanghai", description="Time zone of communities that name none of their own.")
    public: bool = Field(
        default=False,
        description="Let communities publish: each says at `PUT /v1/areas/{id}/office` whether, and what, of its accepted issues everybody may see.",
    )
    hosts: str = Field(
        default="",
        description="Comma-separated names (Host) that the service answers to; by default the public address's and this machine's own, "
        "or without a public address any; `*`: any.",
    )
    metrics_token: str = Field(
        default="",
        pattern=r"^(\S{16,})?$",
        description="Bearer token, of 16 characters at least, with which `/metrics` may be read beside an administrator's session.",
    )
    streams_per_account: int = Field(
        default=10, ge=1, le=1000, description="Streams of live events that one account may hold open in one process."
    )
    streams: int = Field(default=2000, ge=1, le=100_000, description="Streams of live events that one process serves at most.")
    public_url: str = Field(default="", description="Address under which people reach the service; stands in links and QR codes.")
    addressee: str = Field(
        default="",
        description="To whom weekly summaries are addressed; by default the office for the civilised city one level up.",
    )
    session_days: int = Field(default=90, ge=1, le=3650, description="Days after which a signed-in device must sign in again.")
    max_body_bytes: int = Field(default=1_000_000, ge=10_000, description="Largest JSON body accepted, in bytes.")
    basemap: str = Field(
        default="",
        description="Base map under the issues: a raster template with {z}, {x} and {y}, or the address of a MapLibre style; without it none.",
    )
    basemap_datum: Literal["wgs84", "gcj02"] = Field(
        default="wgs84", description="Datum of the base map; on gcj02 issues and cells are shifted to fit."
    )
    basemap_attribution: str = Field(default="", description="Whom to name on the base map.")
    photos: str = Field(
        default="",
        description="Where photographs lie: a folder (default: `photos` in the data folder) or `s3://bucket/prefix` (with the usual AWS_* variables).",
    )
    max_photo_bytes: int = Field(default=50_000_000, ge=100_000, description="Largest photograph accepted, in bytes.")
    reports_an_hour: int = Field(
        default=6_000,
        ge=1,
        description="Reports that one account may send in an hour, or at once after a time without a network.",
    )
    photos_an_hour: int = Field(
        default=3_000, ge=1, description="Photographs that one account may send in an hour; on average of 4 MB each."
    )
    open_uploads: int = Field(default=200, ge=1, description="Unfinished uploads of one account, at most; together of 2 GB.")
    decoders: int = Field(
        default=2, ge=1, le=64, description="Photographs that one worker decodes at once; never more than there are cores."
    )
    upload_days: int = Field(default=7, ge=1, le=90, description="Days after which an unfinished upload is given up.")
    photo_owed_hours: int = Field(
        default=4, ge=1, le=720, description="Hours after which whoever mended something is reminded of its photograph."
    )
    track_days: int = Field(default=30, ge=1, le=3650, description="Days after which the track of a walk is forgotten.")
    ended_session_days: int = Field(default=90, ge=1, le=3650, description="Days after which an ended session is forgotten.")
    ended_invitation_days: int = Field(
        default=90, ge=1, le=3650, description="Days after which an ended invitation is forgotten."
    )
    notice_days: int = Field(default=400, ge=31, le=3650, description="Days after which a notice is forgotten, read or not.")
    failed_job_days: int = Field(
        default=90, ge=1, le=3650, description="Days after which a job that failed for good is forgotten."
    )
    original_days: int = Field(
        default=365, ge=0, le=36_500,
        description="Days after its last issue was closed when a photograph's original goes, with all that its camera wrote; the picture stays. 0: never.",
    )  # fmt: skip
    extension_days: int = Field(default=30, ge=1, le=366, description="Days by which one extension may move a deadline, at most.")
    extensions: int = Field(default=3, ge=0, le=50, description="Extensions of one deadline, at most.")
    smtp_url: str = Field(
        default="",
        description="Mail server for notices: smtps://user:password@host:port (TLS at once), smtp://… (STARTTLS, which is demanded unless the host "
        "is this machine), or smtp+plain://… (unencrypted where the server offers nothing else); without it no mail is sent.",
    )
    mail_from: str = Field(default="gridpatrol@localhost", description="Sender of mail.")
    private_targets: bool = Field(
        default=False,
        description="Let chat robots' addresses be http and within the private network: for an intranet, or a test.",
    )
    trust_proxy: str = Field(
        default="", description="Comma-separated addresses of reverse proxies whose X-Forwarded-For is believed."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="debug, info, warning or error."
    )

    @field_validator("trust_proxy")
    @classmethod
    def _named_proxies(cls, text: str) -> str:
        """Addresses or networks. `*` would believe whatever anybody writes into the header."""
        for part in filter(None, (part.strip() for part in text.split(","))):
            try:
                network = ip_network(part)
            except ValueError:
                raise ValueError(f"{part!r} is no address and no network of a reverse proxy") from None
            if network.prefixlen == 0:
                raise ValueError(f"{part!r} would believe everybody; name the reverse proxy's own address")
        return text

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("smtp", "smtps", "smtp+plain") or not parts.hostname or (parts.port or 25) > 65_535):
            raise ValueError("write smtps://user:password@host:port, smtp://… or smtp+plain://…")
        return url

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, sender: str) -> str:
        if not sender.isprintable() or "@" not in parseaddr(sender)[1]:
            raise ValueError("write a mail address, or Name <address>")
        return sender

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return canonical(name)


@lru_cache
def settings() -> Settings:
    return Settings()
