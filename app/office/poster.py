"""A sheet to hang up at the place of an issue: its number, and a code that leads residents to what became of it. It says only what is published."""

from __future__ import annotations

from html import escape
from typing import Any

import segno

from app.kit.language import say

_STYLE = """
@page { size: A5; margin: 12mm }
body { font: 18px/1.6 "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; text-align: center; max-width: 126mm; margin: 1em auto; color: #111 }
h1 { font-size: 30px; margin: .2em 0 } img { width: 78mm; height: 78mm } b { font-size: 26px; letter-spacing: .05em } small { color: #333; overflow-wrap: anywhere }
"""


def page(issue: dict[str, Any], category: str, base: str, language: str) -> str:
    """HTML of the sheet. `issue` as it is published (schemas.PublicIssue)."""

    def t(key: str, **values: Any) -> str:
        return escape(say(f"poster-{key}", language, **values))

    code = segno.make(f"{base}/see/{issue['number']}", error="q").svg_data_uri(scale=8, border=2)
    where = " · ".join(part for part in (issue["area"], issue["cell"], issue["place"], category) if part)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{t('title')} {escape(issue['number'])}</title><style>{_STYLE}</style></head><body><h1>{t('title')}</h1><p>{escape(where)}</p>"
        f'<img alt="{t("scan")}" src="{escape(code)}"><p>{t("scan")}</p><p><b>{t("number", number=issue["number"])}</b></p>'
        f"<p><small>{t('also', address=f'{base}/public')}</small></p></body></html>"
    )
