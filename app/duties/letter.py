"""The letter with which an issue is handed over to an authority outside (移交协调函): one page to print, whole in itself."""

from __future__ import annotations

import base64
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from app.kit.language import say
from app.kit.times import local

_MOST_PHOTOS = 4
_STYLE = """
@page { size: A4; margin: 25mm 22mm }
body { font: 16px/1.9 "FangSong", "仿宋", "Noto Serif CJK SC", serif; max-width: 166mm; margin: 2em auto; color: #111 }
h1 { text-align: center; font-size: 26px; letter-spacing: .2em }
table { border-collapse: collapse; width: 100%; margin: 1em 0 } th, td { border: 1px solid #444; padding: .3em .6em; text-align: left; vertical-align: top }
th { width: 8em; font-weight: normal; background: #f3f3f3 } figure { display: inline-block; width: 48%; margin: 0 1% 0 0 } img { width: 100% }
.sign { text-align: right; margin-top: 3em }
"""


def page(
    issue: dict[str, Any], category: str, address: dict[str, str], photos: list[tuple[str, bytes]], zone: ZoneInfo, language: str
) -> str:
    """HTML of the letter. `photos` are (kind, JPEG bytes)."""

    def t(key: str, **values: Any) -> str:
        return escape(say(f"letter-{key}", language, **values))

    def when(at: datetime) -> str:
        return local(at, zone).strftime("%Y-%m-%d %H:%M")

    handover = issue["handover"]
    rows = [
        ("number", issue["number"]), ("category", category), ("place", issue["place"] or "—"),
        ("cell", (issue["cell"] or {}).get("name", "—")), ("position", f"{issue['position']['lat']:.6f}, {issue['position']['lon']:.6f}"),
        ("found", when(issue["created_at"])), ("note", issue["note"] or "—"), ("reply_by", when(handover["reply_by"])),
    ]  # fmt: skip
    table = "".join(f"<tr><th>{t(key)}</th><td>{escape(str(value))}</td></tr>" for key, value in rows)
    figures = "".join(
        f'<figure><img alt="{t(kind)}" src="data:image/jpeg;base64,{base64.b64encode(content).decode()}"><figcaption>{t(kind)}</figcaption></figure>'
        for kind, content in photos[:_MOST_PHOTOS]
    )
    contact = escape(" ".join(part for part in (address.get("address"), address.get("phone")) if part))
    area = escape((issue["area"] or {}).get("name", ""))
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{t("title")} {escape(issue["number"])}</title><style>{_STYLE}</style>'
        f"<h1>{t('title')}</h1><p>{escape(handover['authority'])}：<br><small>{contact}</small></p>"
        f"<p>{t('body', area=(issue['area'] or {}).get('name', ''), reply_by=when(handover['reply_by']))}</p>"
        f"<table>{table}</table>{figures}<p class=sign>{area}<br>{escape(when(datetime.now(zone))[:10])}</p></html>"
    )
