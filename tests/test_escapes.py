"""What somebody writes into a paper or a table stays words: no way to another server, no formula, no markup."""

import csv
import io
import re
import zipfile

import pytest

from app.kit.cells import as_text
from app.settings import settings
from tests.test_papers import words

ELSEWHERE = (
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/app/issues", "javascript:alert(1)", "/app/../..//evil.example",
    "/app/%2e%2e/%2e%2e/v1/sessions", "/app/\n//evil.example", "/app/\t/evil", "https://x@evil.example/app/",
    "http://grid.example/app/issues", "/v1/sessions", "/join/abc",
    "https://grid.example@evil.example/app/", "https://grid.example.evil.example/app/", "/app//evil.example", "/app/issues\u202e", "/app/ issues",
    "data:text/html,x", "/app", "",
)  # fmt: skip
WEEK = "2025-12-29"


def paper(town, href, where="clause"):
    clause = {"text": "垃圾3起", "href": href if where == "clause" else None, "spans": []}
    if where == "span":
        clause["spans"] = [{"text": "垃圾", "href": None}, {"text": "3起", "href": href}]
    return {
        "area": str(town.area),
        "week": WEEK,
        "language": "zh-CN",
        "title": "总结",
        "parts": [{"title": "一", "clauses": [clause]}],
    }


async def test_a_paper_leads_to_this_server_alone(town, monkeypatch):
    monkeypatch.setattr(settings(), "public_url", "https://grid.example/")
    monkeypatch.setattr(settings(), "hosts", "test")
    staff = await town.person("staff")
    for where, pointer in (("clause", "/parts/0/clauses/0/href"), ("span", "/parts/0/clauses/0/spans/0/href")):
        for href in ELSEWHERE:
            answer = await staff.call("PUT", "/v1/summaries/weekly", json=paper(town, href, where))
            assert answer.status_code == 422, href
            found = answer.json()["errors"][0]["pointer"]
            assert found == (pointer if where == "clause" else pointer.replace("spans/0", "spans/1")), href
    for href in ("/app/issues?area=x&state=open&category=%E5%9E%83", "https://grid.example/app/issues/0199?act=accept"):
        body = paper(town, href, "span") | {"title": f"总结{len(href)}", "language": "en" if "grid" in href else "zh-CN"}
        answer = await staff.call("PUT", "/v1/summaries/weekly", json=body)
        assert answer.status_code == 201, answer.text
        (clause,) = answer.json()["parts"][0]["clauses"]
        assert clause["spans"][1]["href"] == href.removeprefix("https://grid.example")


async def test_a_paper_that_was_issued_before_leads_nowhere_else_either(town, database):
    """Papers are kept as they went out; ways to elsewhere that an earlier release took are not drawn."""
    staff = await town.person("staff")
    clauses = [
        {"text": f"第{n}条", "href": href, "spans": [{"text": "第", "href": href}, {"text": f"{n}条", "href": None}]}
        for n, href in enumerate(ELSEWHERE)
    ]
    clauses.append(
        {"text": "其余", "href": "/app/issues?state=open", "spans": [{"text": "其余", "href": "/app/issues?state=open"}]}
    )
    kept = {"title": "<script>x</script>", "span": "=1", "parts": [{"title": "{ PAGE }<w:p>", "clauses": clauses}], "figures": {}}
    async with database.acquire() as connection:
        await connection.execute(
            "insert into summaries (area_id, week, language, paper, issued_by) values ($1, '2025-12-29', 'zh-CN', $2, $3)",
            town.area, kept, staff.id,
        )  # fmt: skip
    query = {"area": str(town.area), "week": WEEK, "language": "zh-CN"}
    told = await staff.get("/v1/summaries/weekly.json", **query)
    hrefs = {clause["href"] for clause in told["parts"][0]["clauses"]} | {
        span["href"] for clause in told["parts"][0]["clauses"] for span in clause["spans"]
    }
    assert hrefs == {None, "/app/issues?state=open"}
    page = (await staff.call("GET", "/v1/summaries/weekly.html", params=query)).text
    assert re.findall(r'href="([^"]*)"', page) == ["http://test/app/issues?state=open"] and "<script>" not in page
    file = (await staff.call("GET", "/v1/summaries/weekly.docx", params=query)).content
    text, _ = words(file)
    assert "{ PAGE }<w:p>" in text and "<script>x</script>" in text
    with zipfile.ZipFile(io.BytesIO(file)) as parts:
        body = parts.read("word/document.xml")
        assert b"evil" not in b"".join(parts.read(name) for name in parts.namelist() if name.endswith(".rels"))
    assert b"hyperlink" not in body and b"instrText" not in body and b"{ PAGE }&lt;w:p&gt;" in body


FORMULAS = [
    before + sign + "HYPERLINK(\"http://evil.example\",\"x\")"
    for sign in "=+-@＝＋－＠﹦﹢﹣﹫−⁼₊"
    for before in ("", " ", "\t", "\r", "\n", "\r\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2060", "\u00ad", "\u202a", "\u2800", "\u3164", "\u200b\t ", "\x0b")
]  # fmt: skip


@pytest.mark.parametrize("text", ["'=1+1", "''=1", "'＝1"])
def test_an_apostrophe_that_somebody_wrote_is_no_other(text):
    from app.kit.cells import bare

    assert bare(as_text(text)) == text


def test_no_text_is_a_formula_in_any_width_behind_anything():
    assert [text for text in FORMULAS if not as_text(text).startswith("'")] == []


async def test_tables_hold_no_formula(town):
    """Every way in of words, every table out: the ledger as CSV and as a workbook, and the archive's."""
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    attacks = [FORMULAS[0], "＝cmd|' /C calc'!A0", "\u00a0=1+1", "\u200b＋1", "\ufeff@SUM(A1)", "a\n=1+1"]
    for text in attacks:
        await volunteer.report(**town.body(note=text, place=text))
    query = {"area": str(town.area)}
    answer = await staff.call("GET", "/v1/ledger.csv", params=query)
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
    assert len(rows) == len(attacks)
    for row in rows:
        for cell in row:
            at = re.fullmatch(r"\d{4}-[\d: -]+", cell)  # the program's own: a number, a time
            assert at or cell.startswith("'") or as_text(cell) == cell, repr(cell)
    archive = await staff.call("GET", "/v1/archive.zip", params=query)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as file:
        books = [file.read("ledger.xlsx"), (await staff.call("GET", "/v1/ledger.xlsx", params=query)).content]
    for content in books:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            assert not any(
                b"<f>" in parts.read(name) or b"<f " in parts.read(name) for name in parts.namelist() if "worksheets" in name
            )
            sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        # What is no number is text as it stands, which no spreadsheet reckons.
        assert set(re.findall(r'<c [^>]*?t="(\w+)"', sheet)) <= {"inlineStr", "s"}
