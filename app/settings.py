"""Every setting of the program, read from the environment."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

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

    model_config = SettingsConfigDict(env_prefix="GRIDPATROL_", populate_by_name=True)

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
        default=False, description="Publish the map: open issues without names, no more exact than each category allows."
    )
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
    decoders: int = Field(
        default=2, ge=1, le=64, description="Photographs that one worker decodes at once; never more than there are cores."
    )
    upload_days: int = Field(default=7, ge=1, le=90, description="Days after which an unfinished upload is given up.")
    photo_owed_hours: int = Field(
        default=4, ge=1, le=720, description="Hours after which whoever mended something is reminded of its photograph."
    )
    track_days: int = Field(default=30, ge=1, le=3650, description="Days after which the track of a walk is forgotten.")
    extension_days: int = Field(default=30, ge=1, le=366, description="Days by which one extension may move a deadline, at most.")
    extensions: int = Field(default=3, ge=0, le=50, description="Extensions of one deadline, at most.")
    smtp_url: str = Field(
        default="",
        description="Mail server for notices: smtp://user:password@host:port or smtps://…; without it no mail is sent.",
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

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return canonical(name)


@lru_cache
def settings() -> Settings:
    return Settings()
