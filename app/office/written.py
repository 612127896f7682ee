"""A weekly summary as a page and as a Word file, in the manner of Chinese official documents (GB/T 9704-2012).

Measures of the standard: A4 with margins of 37, 26, 35 and 28 mm, body in 仿宋 of size 3 (16 pt), 22 lines of 28 characters a page (28.95 pt a line), title in
小标宋 of size 2 (22 pt), first-level heads in 黑体, page numbers of size 4 (14 pt) between dashes.
"""

from __future__ import annotations

import io
import re
from datetime import date
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from app.kit.language import say

# XML 1.0 holds none of these, escaped or not.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
# Offices have 方正小标宋 and 仿宋_GB2312; the others stand in where they are missing.
_SONG, _FANG, _HEI = "方正小标宋简体", "仿宋_GB2312", "黑体"
_LINE_PT = 28.95

_STYLE = """
@page { size: A4; margin: 37mm 26mm 35mm 28mm }
body { font: 16pt/28.95pt "仿宋_GB2312", "FangSong", "仿宋", "Noto Serif CJK SC", serif; max-width: 156mm; margin: 2em auto; color: #111; padding: 0 1em }
h1 { font: 22pt/1.4 "方正小标宋简体", "STZhongsong", "Noto Serif CJK SC", serif; text-align: center; margin: 0 }
h2 { font: 16pt/28.95pt "黑体", "SimHei", "Noto Sans CJK SC", sans-serif; margin: 0; text-indent: 2em }
p { margin: 0; text-indent: 2em } p.middle { text-align: center; text-indent: 0 } p.sign { text-align: right; margin-top: 2em; text-indent: 0 }
a { color: inherit; text-decoration-color: #999 } @media print { a { text-decoration: none } body { padding: 0; margin: 0 } }
"""


def clean(text: str) -> str:
    """Without what XML cannot say."""
    return _ILLEGAL.sub("", text)


def _signed(paper: dict[str, Any]) -> tuple[str, str]:
    """The two lines of the signature: the office, and the day."""
    day: date = paper["issued"]["at"].astimezone(ZoneInfo(paper["time_zone"])).date() if paper["issued"] else paper["until"]
    told = f"{day.year}年{day.month}月{day.day}日" if paper["language"] == "zh-CN" else f"{day.day} {day:%B %Y}"
    return paper["area"]["name"], told


def as_html(paper: dict[str, Any], base: str) -> str:
    """A page whole in itself, each clause with the way to what it counts."""
    language = paper["language"]
    draft = "" if paper["issued"] else say("weekly-draft", language)
    lines = [f"<h1>{escape(clean(paper['title']))}</h1>", f'<p class="middle">{escape(paper["span"])}{draft}</p>']
    for part in paper["parts"]:
        lines.append(f"<h2>{escape(clean(part['title']))}</h2>")
        for n, clause in enumerate(part["clauses"], 1):
            text = escape(clean(clause["text"]))
            linked = f'<a href="{escape(base + clause["href"])}">{text}</a>' if clause.get("href") else text
            lines.append(f"<p>{n}{'、' if language == 'zh-CN' else '. '}{linked}</p>")
    office, day = _signed(paper)
    lines.append(f'<p class="sign">{escape(office)}<br>{day}</p>')
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(clean(paper["title"]))}</title><style>{_STYLE}</style></head>'
        f"<body>{''.join(lines)}</body></html>"
    )


def _run(paragraph: Any, text: str, font: str, size: float, bold: bool = False) -> None:
    run = paragraph.add_run(clean(text))
    run.font.size, run.bold = Pt(size), bold
    run.font.name = "Times New Roman"
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)


def _paragraph(document: Any, align: Any = None, indent: bool = False) -> Any:
    paragraph = document.add_paragraph()
    form = paragraph.paragraph_format
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(_LINE_PT)
    form.space_before = form.space_after = Pt(0)
    if indent:
        form.first_line_indent = Pt(32)
    if align is not None:
        paragraph.alignment = align
    return paragraph


def _page_number(paragraph: Any) -> None:
    """The number of the page, which the reader's program fills in."""
    _run(paragraph, "— ", "宋体", 14)
    run = paragraph.add_run()
    run.font.size = Pt(14)
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        if kind:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        else:
            element = OxmlElement("w:instrText")
            element.set(qn("xml:space"), "preserve")
            element.text = text
        run._element.append(element)
    _run(paragraph, " —", "宋体", 14)


def as_docx(paper: dict[str, Any]) -> bytes:
    document: Any = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = Mm(37), Mm(26), Mm(35), Mm(28)
    section.footer_distance = Mm(25)
    document.core_properties.title = clean(paper["title"])[:250]
    document.core_properties.author = clean(paper["area"]["name"])[:250]
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _page_number(footer)
    language = paper["language"]
    _run(_paragraph(document, WD_ALIGN_PARAGRAPH.CENTER), paper["title"], _SONG, 22)
    draft = "" if paper["issued"] else say("weekly-draft", language)
    _run(_paragraph(document, WD_ALIGN_PARAGRAPH.CENTER), f"{paper['span']}{draft}", _FANG, 16)
    _paragraph(document)
    for part in paper["parts"]:
        head = _paragraph(document, indent=True)
        head.paragraph_format.keep_with_next = True
        _run(head, part["title"], _HEI, 16, bold=language == "en")
        for n, clause in enumerate(part["clauses"], 1):
            mark = f"{n}、" if language == "zh-CN" else f"{n}. "
            _run(_paragraph(document, indent=True), mark + clause["text"], _FANG, 16)
    _paragraph(document)
    for line in _signed(paper):
        _run(_paragraph(document, WD_ALIGN_PARAGRAPH.RIGHT), line, _FANG, 16)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
