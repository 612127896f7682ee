"""The office's papers as pages and as Word files, in the manner of Chinese official documents (GB/T 9704-2012).

A paper is a list of blocks, written once; this module draws them in both forms.

Measures of the standard: A4 with margins of 37, 26, 35 and 28 mm, body in 仿宋 of size 3 (16 pt), 22 lines of 28 characters a page (28.95 pt a line), title in
小标宋 of size 2 (22 pt), first-level heads in 黑体, page numbers of size 4 (14 pt) between dashes.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Mm, Pt
from PIL import Image

from app.kit.language import day_told as day_told
from app.kit.language import moment_told as moment_told
from app.kit.language import month_told as month_told
from app.office import ways

# XML 1.0 holds none of these, escaped or not.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
# Marks of direction: one that somebody typed would turn the words that follow it round.
_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Offices have 方正小标宋 and 仿宋_GB2312; the others stand in where they are missing.
_SONG, _FANG, _HEI = "方正小标宋简体", "仿宋_GB2312", "黑体"
_LINE_PT, _TEXT_MM = 28.95, 156
# A picture's longest side in pixels (300 dots an inch at half the width of the text), and the space it gets.
_PICTURE_PX, _PICTURE_MM = 900, (72, 52)


def clean(text: str) -> str:
    """Without what XML cannot say, and without what changes the direction of writing."""
    return _TURNING.sub("", _ILLEGAL.sub("", text))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; `spans` the same in pieces, each with the path on this server that leads to what it counts, or None; `sheet`: on a new one."""

    text: str
    kind: Literal["body", "head", "middle", "small", "flush"] = "body"
    spans: Sequence[tuple[str, str | None]] = ()
    sheet: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words under `heads` (none: each row's first cell is its head); `widths` are shares of the line."""

    rows: list[list[str]]
    widths: list[float]
    heads: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Figure:
    """A photograph: JPEG `content`, or for a page `source`, an address relative to it; `missing` is said where neither can be looked at."""

    label: str
    missing: str
    content: bytes | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """Photographs, two in a row, under what they show; on one sheet."""

    caption: str
    figures: list[Figure]


Block = Line | Table | Pictures


@dataclass(frozen=True, slots=True)
class Paper:
    """`signed`: the office and the day; `after`: what follows them. `author` is told by the file's properties."""

    language: str
    title: str
    author: str
    blocks: Sequence[Block]
    signed: Sequence[str] = ()
    after: Sequence[Block] = ()


# --- a page -------------------------------------------------------------------------------------------------------------
_STYLE = """
@page { size: A4; margin: 37mm 26mm 35mm 28mm }
body { font: 16pt/28.95pt "仿宋_GB2312", "FangSong", "仿宋", "Noto Serif CJK SC", serif; max-width: 156mm; margin: 2em auto; color: #111; padding: 0 1em }
h1 { font: 22pt/1.4 "方正小标宋简体", "STZhongsong", "Noto Serif CJK SC", serif; text-align: center; margin: 0 }
h2 { font: 16pt/28.95pt "黑体", "SimHei", "Noto Sans CJK SC", sans-serif; margin: 0; text-indent: 2em; break-after: avoid }
p { margin: 0; text-indent: 2em; overflow-wrap: anywhere } p.middle { text-align: center; text-indent: 0 }
p.sign { text-align: right; margin-top: 2em; text-indent: 0 }
p.small { font-size: 12pt; line-height: 1.6 } p.flush { text-indent: 0 } .sheet { break-before: page; margin-top: 2em }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: 12pt; line-height: 1.5; margin: .4em 0 }
th, td { border: 1px solid #444; padding: .15em .4em; text-align: left; vertical-align: top; overflow-wrap: anywhere; font-weight: normal; white-space: pre-wrap }
th { background: #f2f2f2 }
figure { margin: .6em 0; break-inside: avoid } figcaption { font-size: 12pt; line-height: 1.5 } .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 3mm }
.pair img { width: 100%; max-height: 75mm; object-fit: contain; background: #f6f6f6 }
.pair span { display: block; font-size: 11pt; line-height: 1.5; text-align: center }
.pair i { display: block; border: 1px dashed #888; min-height: 30mm }
a { color: inherit; text-decoration-color: #999 } @media print { a { text-decoration: none } body { padding: 0; margin: 0 } }
"""


def _html(block: Block, base: str) -> str:
    if isinstance(block, Line):
        text = escape(clean(block.text))
        if block.kind == "head":
            return f'<h2 class="sheet">{text}</h2>' if block.sheet else f"<h2>{text}</h2>"
        if block.spans:
            pieces = [(escape(clean(piece)), href and ways.own(href)) for piece, href in block.spans]
            text = "".join(f'<a href="{escape(base + href)}">{piece}</a>' if href else piece for piece, href in pieces)
        return f"<p>{text}</p>" if block.kind == "body" else f'<p class="{block.kind}">{text}</p>'
    if isinstance(block, Table):
        columns = "".join(f'<col style="width:{100 * width / sum(block.widths):.1f}%">' for width in block.widths)
        heads = "".join(f'<th scope="col">{escape(clean(head))}</th>' for head in block.heads)
        lines = [f"<tr>{heads}</tr>"] if heads else []
        for row in block.rows:
            cells = [f"<td>{escape(clean(cell))}</td>" for cell in row]
            if not heads:
                cells[0] = f'<th scope="row">{escape(clean(row[0]))}</th>'
            lines.append(f"<tr>{''.join(cells)}</tr>")
        return f'<div class="wide"><table><colgroup>{columns}</colgroup>{"".join(lines)}</table></div>'
    shown: list[str] = []
    for figure in block.figures:
        source = figure.source
        if source is None and (made := _small(figure.content)):
            source = f"data:image/jpeg;base64,{base64.b64encode(made[0].getvalue()).decode()}"
        label = escape(clean(figure.label if source else figure.missing))
        picture = f'<img alt="{label}" src="{escape(source)}">' if source else "<i></i>"
        shown.append(f"<div>{picture}<span>{label}</span></div>")
    return f'<figure><figcaption>{escape(clean(block.caption))}</figcaption><div class="pair">{"".join(shown)}</div></figure>'


def as_html(paper: Paper, base: str) -> str:
    """A page whole in itself; `base` is the server's address, for the ways to what is counted."""
    lines = [f"<h1>{escape(clean(paper.title))}</h1>", *(_html(block, base) for block in paper.blocks)]
    if paper.signed:
        lines.append(f'<p class="sign">{"<br>".join(escape(clean(line)) for line in paper.signed)}</p>')
    lines += [_html(block, base) for block in paper.after]
    return (
        f'<!doctype html><html lang="{paper.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(clean(paper.title))}</title><style>{_STYLE}</style></head><body>{''.join(lines)}</body></html>"
    )


# --- a Word file --------------------------------------------------------------------------------------------------------
def _run(paragraph: Any, text: str, font: str, size: float, bold: bool = False) -> None:
    run = paragraph.add_run(clean(text))
    run.font.size, run.bold = Pt(size), bold
    run.font.name = "Times New Roman"
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)


def _formed(paragraph: Any, align: Any = None, indent: bool = False, line_pt: float | None = _LINE_PT) -> Any:
    form = paragraph.paragraph_format
    if line_pt is not None:
        form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(line_pt)
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


def _small(content: bytes | None) -> tuple[io.BytesIO, tuple[int, int]] | None:
    """A picture no larger than paper needs; None when there is none, or it cannot be read."""
    if content is None:
        return None
    try:
        image = Image.open(io.BytesIO(content), formats=["JPEG"])
        image.draft("RGB", (_PICTURE_PX, _PICTURE_PX))
        image = image.convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None
    image.thumbnail((_PICTURE_PX, _PICTURE_PX))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    out.seek(0)
    return out, image.size


def _widths(table: Any, widths_mm: list[float]) -> None:
    table.autofit = False
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)


def _whole_rows(table: Any) -> None:
    """No row is cut by the end of a sheet."""
    for row in table.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _table(document: Any, block: Table) -> None:
    table = document.add_table(rows=0, cols=len(block.widths), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for n, row in enumerate([block.heads, *block.rows] if block.heads else block.rows):
        for m, (cell, text) in enumerate(zip(table.add_row().cells, row, strict=True)):
            head = n == 0 if block.heads else m == 0
            _run(_formed(cell.paragraphs[0], line_pt=18), text, _HEI if head else _FANG, 12 if len(block.widths) < 5 else 10.5)
    if block.heads and block.rows:
        table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    _widths(table, [_TEXT_MM * width / sum(block.widths) for width in block.widths])
    _whole_rows(table)
    _formed(document.add_paragraph(), line_pt=9)


def _pictures(document: Any, block: Pictures) -> None:
    caption = _formed(document.add_paragraph(), line_pt=20)
    caption.paragraph_format.keep_with_next = True
    _run(caption, block.caption, _FANG, 12)
    table = document.add_table(rows=0, cols=2)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for start in range(0, len(block.figures), 2):
        for cell, figure in zip(table.add_row().cells, block.figures[start : start + 2], strict=False):
            paragraph = _formed(cell.paragraphs[0], WD_ALIGN_PARAGRAPH.CENTER, line_pt=None)
            made = _small(figure.content)
            if made is not None:
                file, (width, height) = made
                scale = min(Mm(_PICTURE_MM[0]) / width, Mm(_PICTURE_MM[1]) / height)
                paragraph.add_run().add_picture(file, Emu(int(width * scale)), Emu(int(height * scale)))
                paragraph.paragraph_format.keep_with_next = True
                paragraph = _formed(cell.add_paragraph(), WD_ALIGN_PARAGRAPH.CENTER, line_pt=18)
            _run(paragraph, figure.label if made else figure.missing, _FANG, 11)
    _widths(table, [_TEXT_MM / 2, _TEXT_MM / 2])
    _whole_rows(table)
    _formed(document.add_paragraph(), line_pt=9)


def _block(document: Any, block: Block, language: str) -> None:
    if isinstance(block, Table):
        _table(document, block)
    elif isinstance(block, Pictures):
        _pictures(document, block)
    elif block.kind == "middle":
        _run(_formed(document.add_paragraph(), WD_ALIGN_PARAGRAPH.CENTER), block.text, _FANG, 16)
    elif block.kind == "small":
        _run(_formed(document.add_paragraph(), line_pt=20), block.text, _FANG, 12)
    else:
        paragraph = _formed(document.add_paragraph(), indent=block.kind != "flush")
        head = block.kind == "head"
        paragraph.paragraph_format.keep_with_next = head
        paragraph.paragraph_format.page_break_before = block.sheet
        _run(paragraph, block.text, _HEI if head else _FANG, 16, bold=head and language == "en")


_GO_ALONG = 4


def as_docx(paper: Paper) -> bytes:
    document: Any = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = Mm(37), Mm(26), Mm(35), Mm(28)
    section.footer_distance = Mm(25)
    document.core_properties.title = clean(paper.title)[:250]
    document.core_properties.author = clean(paper.author)[:250]
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _page_number(footer)
    _run(_formed(document.add_paragraph(), WD_ALIGN_PARAGRAPH.CENTER), paper.title, _SONG, 22)
    for block in paper.blocks:
        _block(document, block, paper.language)
    if paper.signed:
        _formed(document.add_paragraph())
        # A signature on a sheet without any of the text could be put to another: the last lines go along.
        for paragraph in document.paragraphs[-_GO_ALONG:]:
            paragraph.paragraph_format.keep_with_next = True
    for n, line in enumerate(paper.signed):
        paragraph = _formed(document.add_paragraph(), WD_ALIGN_PARAGRAPH.RIGHT)
        paragraph.paragraph_format.keep_with_next = n < len(paper.signed) - 1
        _run(paragraph, line, _FANG, 16)
    for block in paper.after:
        _block(document, block, paper.language)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
