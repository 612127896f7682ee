"""The ledger: any filter of the list, of any size, and nothing in it that a spreadsheet would run or stumble over."""

from __future__ import annotations

import csv
import io
import re
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from app.office import workbook
from tests.pictures import JPEG

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
EVIL = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2",
    "@SUM(A1)",
    'a,b\n"c"',
    "<b>&amp;</b>",
    "\u0007\u001b bell",
    "😀 emoji",
    "x" * 4000,
    "_x0041_ is no letter",
    "'quoted",
]


def _sheets(content):
    """name → rows of a workbook, each cell as text, as a reader of the format sees it."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        names = [sheet.get("name") for sheet in ElementTree.fromstring(book.read("xl/workbook.xml")).iterfind(".//m:sheet", NS)]
        found = {}
        for n, name in enumerate(names, 1):
            tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{n}.xml"))
            assert tree.find(".//m:pane", NS).get("state") == "frozen" and tree.find("m:autoFilter", NS) is not None
            assert tree.find(".//m:f", NS) is None, "a formula"
            found[name] = [
                {cell.get("r").rstrip("0123456789"): "".join(cell.itertext()) for cell in row.iterfind("m:c", NS)}
                for row in tree.iterfind(".//m:row", NS)
            ]
        return found


async def test_every_issue_of_a_filter_is_one_row_in_both_forms(town, database, monkeypatch):
    volunteer, staff, leader = [await town.person(role, language="zh-CN") for role in ("volunteer", "staff", "leader")]
    photo = str(uuid.uuid4())
    made = [(await volunteer.report(**town.body(note=note, place=note[:200])))["issue"] for note in EVIL]
    made.append((await volunteer.report(**town.body(category="fly_posting", photos=[photo])))["issue"])
    await volunteer.call("PUT", f"/v1/photos/{photo}", content=JPEG, headers={"content-type": "image/jpeg"})
    # One of the month before last, for a sheet of its own; at an hour that is another day in the community's zone.
    old = datetime.now(UTC).replace(day=1, hour=17, minute=30, second=0, microsecond=0) - timedelta(days=40)
    async with database.acquire() as connection:
        await connection.execute("update issues set created_at = $2 where id = $1", uuid.UUID(made[0]["id"]), old)
    await leader.act(made[1]["id"], "accept")

    answer = await staff.call("GET", "/v1/ledger.csv", params={"area": str(town.area)})
    assert (
        answer.status_code == 200
        and answer.content.startswith(b"\xef\xbb\xbf")
        and "ledger.csv" in answer.headers["content-disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["编号"] for row in rows} == {issue["number"] for issue in made} and len(rows) == len(made)
    by = {row["编号"]: row for row in rows}
    for issue, note in zip(made, EVIL, strict=False):
        told = by[issue["number"]]["说明"]
        assert told == (f"'{note}" if note[0] in "=+-@" else note.strip())
    assert by[made[1]["number"]]["状态"] == "已立案" and by[made[-1]["number"]]["照片"].endswith(f"/app/issues/{made[-1]['id']}")
    local = old.astimezone(ZoneInfo("Asia/Shanghai"))
    assert by[made[0]["number"]]["上报时间"] == f"{local:%Y-%m-%d %H:%M}"

    book = _sheets((await staff.call("GET", "/v1/ledger.xlsx", params={"area": str(town.area)})).content)
    assert list(book)[-1] == f"{local:%Y-%m}" and sum(len(rows) - 1 for rows in book.values()) == len(made)
    notes = {row["A"]: row.get("G", "") for rows in book.values() for row in rows[1:]}
    # What begins like a formula is text of its own here, so nothing is put before it; what XML cannot hold is left out.
    for issue, note in zip(made, EVIL, strict=False):
        assert notes[issue["number"]] == CONTROL.sub("", note.strip()).replace("_x0041_", "_x005F_x0041_"), note
    first = next(row for rows in book.values() for row in rows[1:] if row["A"] == made[0]["number"])
    days = (local.replace(tzinfo=None) - datetime(1899, 12, 30)) / timedelta(days=1)
    assert abs(float(first["J"]) - days) < 1e-6

    # A month of more rows than a sheet may have goes on in the next; beyond so many links the address stands there as text.
    monkeypatch.setattr(workbook, "_ROWS", 4)
    monkeypatch.setattr(workbook, "_LINKS", 0)
    split = _sheets((await staff.call("GET", "/v1/ledger.xlsx", params={"area": str(town.area)})).content)
    first_sheet = next(iter(book))
    assert list(split)[:2] == [first_sheet, f"{first_sheet} (2)"] and max(len(rows) for rows in split.values()) == 4
    assert [row for rows in split.values() for row in rows[1:]] == [row for rows in book.values() for row in rows[1:]]

    # The same filters as the list, and the same scope; nobody else's, and nothing for whom it is not.
    only = await staff.call("GET", "/v1/ledger.csv", params={"area": str(town.area), "category": "fly_posting"})
    assert len(only.content.decode().splitlines()) == 2
    from tests.conftest import Town

    other = Town(town.app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    stranger = await other.person("staff", language="zh-CN")
    for asked in ({"area": str(town.area)}, {"cell": str(town.cells[0])}, {}):
        assert (await stranger.call("GET", "/v1/ledger.csv", params=asked)).content.decode("utf-8-sig").count("\n") == 1, asked
    empty = await staff.call("GET", "/v1/ledger.xlsx", params={"category": "snow_ice", "area": str(town.area)})
    assert [len(rows) for rows in _sheets(empty.content).values()] == [1]
    since = {"happened_since": "2026-11-01T00:00:00Z"}  # what happened is not said
    for bad in ({"state": "x"}, {"sort": "deadline"}, {"bbox": "1,2"}, {"area": "x"}, {"happened": "x"}, since):
        assert (await staff.call("GET", "/v1/ledger.csv", params=bad)).status_code == 422, bad
    assert (await volunteer.call("GET", "/v1/ledger.csv")).status_code == 403


async def test_a_place_reads_in_a_spreadsheet_as_it_was_written(town):
    """Full width is a formula too; a house number is no date, a telephone number loses no zero. In the workbook every one is text."""
    volunteer, staff = await town.person("volunteer"), await town.person("staff", language="zh-CN")
    places = [
        "＝1+1",
        "＋86",
        "－2",
        "＠SUM(A1)",
        "3-5",
        "3－5",
        "010-2",
        "08710012345",
        "123456789012",
        "3月5日",
        "东浦巷3-5号",
        "12",
    ]
    made = {place: (await volunteer.report(**town.body(place=place, note=place)))["issue"]["number"] for place in places}
    answer = await staff.call("GET", "/v1/ledger.csv", params={"area": str(town.area)})
    rows = {row["编号"]: row for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))}
    for place in places:
        plain = place in ("东浦巷3-5号", "12")
        row = rows[made[place]]
        assert row["地点"] == row["说明"] == (place if plain else f"'{place}")
    answer = await staff.call("GET", "/v1/ledger.xlsx", params={"area": str(town.area)})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        tree = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    cells = {cell.get("r"): cell for cell in tree.iterfind(".//m:c", NS)}
    numbers = {"".join(cell.itertext()): at[1:] for at, cell in cells.items() if at.startswith("A")}
    for place in places:
        cell = cells[f"F{numbers[made[place]]}"]
        assert cell.get("t") == "inlineStr" and "".join(cell.itertext()) == place
