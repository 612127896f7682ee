"""Searching as people type it: width, case, order, blanks, dashes and numbers, against a plain reference; by both ways of finding."""

import asyncio
import re
import unicodedata
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.issues import list_queries

NOTE, PLACE = "东门１２号垃圾桶旁 ＡＢＣ", "东浦巷 3－5 号"


@pytest.fixture(params=["by the index", "by walking"])
def way(request, monkeypatch):
    """Both ways of finding give the same; which one is taken depends on how many there are."""
    if request.param == "by walking":
        monkeypatch.setattr(list_queries, "_MOST", 0)
    for statement in (list_queries.issues, list_queries.ids):
        statement.cache_clear()
    yield request.param
    for statement in (list_queries.issues, list_queries.ids):
        statement.cache_clear()


async def found(person, q, **filters):
    return [issue["id"] for issue in (await person.get("/v1/issues", q=q, **filters))["items"]]


@pytest.mark.parametrize(
    "q",
    [
        "12号",
        "１２号",
        "abc",
        "ＡＢＣ",
        "aBc",
        "3-5",
        "３－５",
        "3–5",
        "3—5",
        "3‐5",
        "3−5",
        "垃圾桶 ",
        " 垃圾桶",
        "\u3000垃圾桶\u3000",
        "\u00a0垃圾桶",
        "垃圾\u200b桶",
        "\ufeff垃圾桶",
        "旁 东门",
        "东门 旁",
        "abc 垃圾 东浦",
        "号　东浦巷",
        "桶",
        "a",
        "3",
        "-",
        "门12",
        "旁 ABC",
    ],
)
async def test_what_people_type_is_found(town, way, q):
    staff = await town.person("staff")
    issue = (await staff.report(**town.body(note=NOTE, place=PLACE)))["issue"]["id"]
    assert await found(staff, q) == [issue]


@pytest.mark.parametrize("q", ["13号", "门东", "东门 西门", "%", "_", "\\", "东%", "东_", "12号1", "abcd", "🗑", "垃圾桶旁abc"])
async def test_what_is_not_there_is_not_found(town, way, q):
    staff = await town.person("staff")
    await staff.report(**town.body(note=NOTE, place=PLACE))
    assert await found(staff, q) == []


@pytest.mark.parametrize(
    "text", ["100%", "a_b", "c\\d", "😀桶", "e\u0301cole", "'; drop", '"x"', "（东）", "ｶﾀｶﾅ", "①号", "İstanbul"]
)
async def test_every_letter_stands_for_itself(town, way, text):
    staff = await town.person("staff")
    issue = (await staff.report(**town.body(note=f"前 {text} 后")))["issue"]["id"]
    await staff.report(**town.body(note="前 后"))
    assert await found(staff, text) == [issue]


@pytest.mark.parametrize(
    "spelt",
    [
        "{y}-{n:06}",
        "{y}－{n:06}",
        "{y}–{n:06}",
        "{y}—{n:06}",
        "{y}‐{n:06}",
        "{y}−{n:06}",
        "{y}{n:06}",
        "{y}-{n}",
        "{y} - {n:06}",
        "#{y}-{n:06}",
        "No. {y}-{n:06}",
        "№{y}-{n:06}",
        "编号：{y}-{n:06}",
        " {y}-{n:06}\u3000",
        "{y}-{n:08}",
    ],
)
async def test_a_number_in_any_spelling(town, way, spelt):
    staff = await town.person("staff")
    issue = (await staff.report(**town.body()))["issue"]
    year, number = map(int, issue["number"].split("-"))
    asked = spelt.format(y=year, n=number)
    for q in (asked, "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in asked)):
        assert issue["id"] in await found(staff, q), q


async def test_the_words_follow_a_move_and_the_scope_holds(town, way):
    staff, leader = await town.person("staff"), await town.person("leader")
    stranger = await town.person(None)
    issue = (await leader.report(**town.body(place="旧址甲")))["issue"]["id"]
    await staff.act(issue, "relocate", position=town.body(cell=1)["position"], place="新址乙")
    assert await found(staff, "旧址甲") == [] and await found(staff, "新址乙") == [issue]
    assert await found(stranger, "新址乙") == []
    assert await found(staff, "新址乙", cell=str(town.cells[1])) == [issue]
    assert await found(staff, "新址乙", cell=str(town.cells[0])) == []
    assert await found(leader, "新址乙", mine=True, area=str(town.area), state="open") == [issue]
    assert await found(staff, "新址乙", state="closed") == []


async def test_pages_of_a_search_hold_everything_once(town, way):
    staff = await town.person("staff")
    issues = [(await staff.report(**town.body(note=f"灯柱{n}")))["issue"]["id"] for n in range(7)]
    for sort in ("-created_at", "-updated_at", "deadline"):
        seen, cursor = [], {}
        while cursor is not None:
            page = await staff.get("/v1/issues", q="灯柱", limit=3, sort=sort, **cursor)
            seen += [issue["id"] for issue in page["items"]]
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        assert sorted(seen) == sorted(issues)


async def test_the_ledger_searches_alike(town, way):
    staff = await town.person("staff")
    number = (await staff.report(**town.body(note=NOTE, place=PLACE)))["issue"]["number"]
    await staff.report(**town.body(note="别的"))
    answer = await staff.call("GET", "/v1/ledger.csv", params={"q": "ABC　12号"})
    assert answer.status_code == 200 and number in answer.text and len(answer.text.strip().splitlines()) == 2


async def test_premises_are_searched_alike(town):
    staff = await town.person("staff")
    front = {"type": "Point", "coordinates": [town.lon + 0.005, town.lat + 0.005]}
    body = {"area": str(town.area), "name": "ＭＩＮＩ 小卖部", "address": "东浦巷３－５号", "frontage": front}
    id = "00000000-0000-4000-8000-" + town.area.hex[:12]
    assert (await staff.call("PUT", f"/v1/premises/{id}", json=body)).status_code == 201
    for q in ("mini", "小卖部 3-5", "\u3000东浦 MINI"):
        assert [p["id"] for p in (await staff.get("/v1/premises", q=q))["items"]] == [id], q
    assert (await staff.get("/v1/premises", q="3%5"))["items"] == []


@pytest.mark.parametrize("q", ["", " ", "\u3000", "\u200b", "x" * 501])
async def test_a_search_for_nothing_is_refused_by_name(town, q):
    staff = await town.person("staff")
    for path in ("/v1/issues", "/v1/ledger.csv"):
        answer = await staff.call("GET", path, params={"q": q})
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/q"


async def test_many_words_and_long_ones(town, way):
    staff = await town.person("staff")
    long = "".join(chr(0x4E00 + n) for n in range(480))
    issue = (await staff.report(**town.body(note=long)))["issue"]["id"]
    assert await found(staff, long) == [issue]
    assert await found(staff, " ".join(reversed(long[:100]))) == [issue]
    assert await found(staff, long[:479] + "没") == []


DASHES, WIDTHLESS = "‐‑‒–—―⁃−ー", "\u00ad\u200b\u200c\u200d\u2060\ufeff"
LETTERS = st.sampled_from("东门号垃圾桶１2aAｂB３-－—– \u3000\t%_\\é😀ßsΣςσ“\"’'〜～" + "\u200b\u00a0e\u0301Ж")


def plain(text):
    # Letter by letter: Python makes a last sigma of its own.
    text = "".join(map(str.lower, unicodedata.normalize("NFKC", text))).replace("ß", "ss")
    text = text.translate(str.maketrans("〜ς“”„‘’", '~σ"""\'\''))
    text = "".join("-" if c in DASHES else c for c in text if c not in WIDTHLESS)
    return re.sub(r"\s+", " ", text)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(LETTERS, max_size=25),
    q=st.text(LETTERS, min_size=1, max_size=6),
    cut=st.tuples(st.integers(0, 24), st.integers(1, 6)),
)
def test_the_database_finds_what_a_plain_reading_finds(database, run, text, q, cut):
    async def asked(q):
        async with database.acquire() as connection:
            return await connection.fetchrow(
                "select search_text($1) like all (search_patterns($2)) as holds, search_pairs(search_text($1)) @> search_keys($2) as kept,"
                " search_keys($2) = '{}' as empty",
                text,
                q,
            )

    # What is typed at random is seldom there; a piece of the text nearly always.
    for words in (q, text[cut[0] : cut[0] + cut[1]]):
        row = run(asked(words))
        holds = all(word in plain(text) for word in plain(words).split())
        assert row["holds"] == holds
        # The index may hold more than the words say, never less.
        assert not holds or row["empty"] or row["kept"]


@pytest.mark.parametrize("q", ["STRASSE", "straße", "οδυσσευς", "ΟΔΥΣΣΕΥΣ", '"甲"', "‘乙’", "10~12", "10〜12"])
async def test_letters_marks_and_waves_that_are_one_to_a_reader(town, way, q):
    volunteer = await town.person("volunteer")
    id = (await volunteer.report(**town.body(note="Straße “甲” '乙' 10～12", place="ΟΔΥΣΣΕΥΣ")))["issue"]["id"]
    assert id in await found(volunteer, q)


async def test_an_action_that_changes_no_word_does_not_write_them(town, database):
    leader = await town.person("leader")
    id = (await leader.report(**town.body(note="路灯")))["issue"]["id"]
    where = "select xmin::text || ctid::text from issue_words where issue_id = $1"
    async with database.acquire() as connection:
        before = await connection.fetchval(where, uuid.UUID(id))
        await leader.act(id, "accept")
        assert await connection.fetchval(where, uuid.UUID(id)) == before
        await connection.execute("update issues set place = '新址' where id = $1", uuid.UUID(id))
        assert await connection.fetchval(where, uuid.UUID(id)) != before


async def test_a_word_that_is_nowhere_reads_no_issue(town, database):
    """What a search costs when nothing is found depends on the index alone."""
    staff = await town.person("staff")
    await asyncio.gather(*(staff.report(**town.body(note=f"路灯{n}")) for n in range(20)))
    statement = list_queries.issues(("q",), "-created_at", False, 51)
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        token = bytes.fromhex("00" * 32)
        plan = await connection.fetch(f"explain {statement}", token, ["查无此词", None])
    told = "\n".join(row[0] for row in plan)
    assert "Bitmap Index Scan on issue_words_pairs" in told and "One-Time Filter" in told
