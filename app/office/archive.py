"""What an assessor takes along: a zip of the ledger, every dossier, every photograph, an index, and checksums, sent while it is made."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from html import escape
from typing import Any

from app.kit.db import Database
from app.kit.language import say
from app.kit.times import local, now
from app.office import dossier, ledger, workbook, written
from app.office.dossier import Dossier
from app.office.ledger import Manner
from app.office.pictures import far_told
from app.office.pouring import Pouring
from app.photos import shown
from app.photos.shown import Shown
from app.photos.store import Store

# How many dossiers are read at once.
_AT_ONCE = 50
_PIECE = 256 * 1024
_STYLE = """
body { font: 15px/1.6 "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; max-width: 72em; margin: 1.5em auto; padding: 0 1em; color: #111 }
table { border-collapse: collapse; width: 100% } th, td { border: 1px solid #bbb; padding: .2em .5em; text-align: left; vertical-align: top }
th { background: #eef6f2 }
"""


class _Archive:
    """Members of the zip with their checksums, and the lines of the index, in the order in which they were added."""

    def __init__(self, manner: Manner) -> None:
        self.manner, self.pouring = manner, Pouring()
        self.book = workbook.Book(manner)
        self.sheet = tempfile.TemporaryFile(prefix="ledger-")  # noqa: SIM115 closed by whoever writes the archive
        self.sheet.write(self.book.begin())
        self.sums: list[str] = []
        self.lines: list[str] = []

    def _add(self, name: str, content: bytes, packed: bool = True) -> None:
        self.sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}")
        self.pouring.zip.writestr(name, content, compress_type=None if packed else 0)

    def add(self, one: Dossier, photos: list[tuple[Shown, bytes]]) -> bytes:
        """One issue: its photographs (JPEG), its dossier, its row of the ledger, its line of the index."""
        manner, issue = self.manner, one.issue
        sources: dict[str, str] = {}
        for n, (photo, content) in enumerate(photos, 1):
            name = f"photographs/{issue['number']}/{n}-{photo.kind}.jpg"
            self._add(name, content, packed=False)
            sources[photo.id] = f"../{name}"
        name = f"dossiers/{issue['number']}.html"
        page = written.as_html(dossier.laid_out(one, dossier.figures(one, {}, sources, manner), manner), manner.base)
        self._add(name, page.encode())
        self.sheet.write(self.book.write([issue]))
        cells = (
            manner.category(issue["category"]),
            str(issue["cell"]["name"]) if issue["cell"] else "",
            issue["place"],
            ledger.state(issue, manner.language),
            written.moment_told(issue["created_at"], manner.zone, manner.language),
            str(len(photos)),
        )
        told = "".join(f"<td>{escape(written.clean(cell))}</td>" for cell in cells)
        told += "".join(f"<td>{'<br>'.join(lines)}</td>" for lines in self._said([photo for photo, _ in photos]))
        self.lines.append(f'<tr><td><a href="{name}">{issue["number"]}</a></td>{told}</tr>')
        return self.pouring.poured()

    def _said(self, photos: list[Shown]) -> list[list[str]]:
        """When each photograph was taken, how far from the place, and whether that is doubtful: a line for each, by its number."""
        manner, language = self.manner, self.manner.language
        taken, away, doubtful = list[str](), list[str](), list[str]()
        for n, photo in enumerate(photos, 1):
            at, far = photo.taken_at, photo.away_m
            taken.append(f"{n}: {local(at, manner.zone):%Y-%m-%d %H:%M}" if at else f"{n}: —")
            away.append(f"{n}: {far_told(far, language)}" if far is not None else f"{n}: —")
            doubtful.append(f"{n}: {say('paper-doubtful', language)}" if photo.doubts else f"{n}: —")
        return [taken, away, doubtful]

    def begin_end(self) -> None:
        """The ledger, whose checksum is known when it is whole."""
        self.sheet.write(self.book.end())
        self.sheet.seek(0)
        self.sum = hashlib.sha256()
        self.member = self.pouring.zip.open("ledger.xlsx", "w", force_zip64=True)

    def more(self) -> bytes | None:
        """The next piece of the ledger; None when it has ended."""
        piece = self.sheet.read(_PIECE)
        self.sum.update(piece)
        self.member.write(piece)
        return self.pouring.poured() if piece else None

    def end(self) -> bytes:
        self.member.close()
        self.sums.append(f"{self.sum.hexdigest()}  ledger.xlsx")
        language = self.manner.language

        def t(key: str, **values: Any) -> str:
            return escape(say(f"archive-{key}", language, **values))

        heads = "".join(
            f'<th scope="col">{escape(say(f"ledger-{name}", language))}</th>'
            for name in ("number", "category", "cell", "place", "state", "created_at", "photos")
        )
        heads += "".join(f'<th scope="col">{t(name)}</th>' for name in ("taken", "away", "doubt"))
        made = t("made", at=written.moment_told(now(), self.manner.zone, language), n=len(self.lines))
        page = (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{t("title")}</title><style>{_STYLE}</style></head>'
            f'<body><h1>{t("title")}</h1><p>{made}</p><p><a href="ledger.xlsx">{t("ledger")}</a></p><p>{t("sums")}</p>'
            f"<table><tr>{heads}</tr>{''.join(self.lines)}</table></body></html>"
        )
        self._add("index.html", page.encode())
        self.pouring.zip.writestr("SHA256SUMS", "\n".join(self.sums) + "\n")
        return self.pouring.end()


async def as_zip(
    database: Database, token: bytes, objects: Store, found: AsyncIterator[list[dict[str, Any]]], manner: Manner
) -> AsyncGenerator[bytes]:
    """The archive of a ledger's pages, piece by piece. Photographs are the 1,600 pixel JPEGs, without a word of metadata.

    Each issue stands in it as it was when its turn came, in dossier, ledger and index alike. In memory are one issue's photographs, and of every
    issue a line of the index and of the checksums.
    """
    archive = _Archive(manner)
    try:
        async for items in found:
            for start in range(0, len(items), _AT_ONCE):
                some = items[start : start + _AT_ONCE]
                async with database.acquire() as connection:
                    dossiers = await dossier.gathered(connection, token, some)
                for one in dossiers:
                    photos = [(p, content) for p in one.photos if (content := await shown.content(objects, p.file))]
                    yield await asyncio.to_thread(archive.add, one, photos)
        await asyncio.to_thread(archive.begin_end)
        while (piece := await asyncio.to_thread(archive.more)) is not None:
            yield piece
        yield await asyncio.to_thread(archive.end)
    finally:
        archive.sheet.close()
