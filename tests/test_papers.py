"""Dossier, archive, league, circulation, photographs in papers, the sheet at the place: right to the unit, in scope, and whole whatever is in them."""

from __future__ import annotations

import hashlib
import io
import itertools
import re
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import segno

from app.issues.history import Past, PastEvent, load
from app.maps import tally
from app.office import league
from app.photos import store
from app.settings import settings
from tests.pictures import JPEG, encode, scene

EVIL = "=1+1 <w:p>&amp;]]> \u0007\u001b\ufffe 😀 " + "长" * 3900


def words(content: bytes) -> tuple[str, int]:
    """The text of a Word file, read as XML, and how many pictures it holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.testzip() is None
        for name in file.namelist():
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(file.read(name))
        text = "".join(ElementTree.fromstring(file.read("word/document.xml")).itertext())
        return text, sum(name.startswith("word/media/") for name in file.namelist())


async def mended(town, volunteer, leader, worker, before=None, after=None, **changes):
    """An issue that a unit mended and its leader verified, with photographs where bytes are given; its id and number."""
    photos = [str(uuid.uuid4()), str(uuid.uuid4())]
    issue = (await volunteer.report(**town.body(category="litter", photos=photos[:1], **changes)))["issue"]
    await leader.act(issue["id"], "assign", unit=str(town.unit))
    await worker.act(issue["id"], "start")
    await worker.act(issue["id"], "rectify", arrive=False, photos=photos[1:], note="已清理")
    await leader.act(issue["id"], "verify")
    for person, photo, content in ((volunteer, photos[0], before), (worker, photos[1], after)):
        if content is not None:
            answer = await person.call("PUT", f"/v1/photos/{photo}", content=content, headers={"content-type": "image/jpeg"})
            assert answer.status_code == 201, answer.text
    return issue["id"], issue["number"]


async def test_a_dossier_says_who_did_what_and_shows_before_and_after(town, do_jobs):
    volunteer, leader, worker, staff, inspector = [
        await town.person(role, language="zh-CN") for role in ("volunteer", "leader", "worker", "staff", "inspector")
    ]
    id, number = await mended(
        town, volunteer, leader, worker, encode(scene(seed=7001)), encode(scene(seed=7002)), note=EVIL, place="东浦巷<12>号"
    )
    # One photograph never arrives, one is no picture inside: both are said to be missing.
    torn = bytearray(encode(scene(seed=7003)))[:4000]
    lost, bad = str(uuid.uuid4()), str(uuid.uuid4())
    await leader.act(id, "comment", note="补充照片", photos=[lost, bad])
    await leader.call("PUT", f"/v1/photos/{bad}", content=bytes(torn), headers={"content-type": "image/jpeg"})
    await do_jobs()
    for reader in (staff, inspector, leader):
        answer = await reader.call("GET", f"/v1/issues/{id}/dossier.docx")
        assert answer.status_code == 200 and "dossier.docx" in answer.headers["content-disposition"]
    text, pictures = words((await staff.call("GET", f"/v1/issues/{id}/dossier.docx")).content)
    assert pictures == 2 and number in text and "<w:p>&amp;]]>" in text and "长" * 3900 in text and "东浦巷<12>号" in text
    assert text.count("照片缺失或已损坏") == 2 and "整改前（" in text and "整改后（" in text
    for told in ("上报人volunteer某", "网格长leader某", "环卫站worker某", "整改完成", "核查", "已清理", "环卫站", "期限"):
        assert told in text, told
    page = await staff.call("GET", f"/v1/issues/{id}/dossier.html")
    assert "<w:p>" not in page.text and "&lt;w:p&gt;" in page.text and page.text.count("data:image/jpeg;base64,") == 2
    assert "unsafe" not in page.headers["content-security-policy"].replace("style-src 'unsafe-inline'", "")
    # A leader of another cell may not know who reported; the paper says so and keeps the rest.
    other = await town.person("leader", cell=1, language="zh-CN")
    hidden, _ = words((await other.call("GET", f"/v1/issues/{id}/dossier.docx")).content)
    assert "volunteer某" not in hidden and "worker某" not in hidden and "（不公开）" in hidden and "leader某" in hidden
    english, _ = words((await staff.call("GET", f"/v1/issues/{id}/dossier.docx", headers={"accept-language": "en"})).content)
    assert "Before and after" in english and "Dossier of an issue" in english


async def test_an_archive_is_whole_and_holds_the_callers_scope_alone(town, app, database, do_jobs):
    from tests.conftest import Town

    volunteer, leader, worker, staff = [
        await town.person(role, language="zh-CN") for role in ("volunteer", "leader", "worker", "staff")
    ]
    numbers = {
        (
            await mended(
                town, volunteer, leader, worker, encode(scene(seed=7015)), encode(scene(seed=7010 + n)), note=f"{EVIL[:60]}{n}"
            )
        )[1]
        for n in range(3)
    }
    open_issue = (await volunteer.report(**town.body(category="fly_posting", note="<script>")))["issue"]
    await do_jobs()
    asked = {"area": str(town.area)}
    answer = await staff.call("GET", "/v1/archive.zip", params=asked)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert file.testzip() is None
        sums = dict(reversed(line.split("  ", 1)) for line in file.read("SHA256SUMS").decode().splitlines())
        assert set(sums) == set(file.namelist()) - {"SHA256SUMS"}
        for name, told in sums.items():
            assert hashlib.sha256(file.read(name)).hexdigest() == told, name
        dossiers = {name[9:-5] for name in file.namelist() if name.startswith("dossiers/")}
        assert dossiers == numbers | {open_issue["number"]}
        index = file.read("index.html").decode()
        assert all(f'href="dossiers/{number}.html"' in index for number in dossiers) and "<script>" not in index
        for number in numbers:
            page = file.read(f"dossiers/{number}.html").decode()
            pictures = re.findall(r'src="\.\./(photographs/[^"]+)"', page)
            assert len(pictures) == 2 and all(file.read(name)[:3] == b"\xff\xd8\xff" for name in pictures)
        with zipfile.ZipFile(io.BytesIO(file.read("ledger.xlsx"))) as book:
            rows = b"".join(book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        assert all(number.encode() in rows for number in dossiers)
    only = await staff.call("GET", "/v1/archive.zip", params=asked | {"state": "closed"})
    with zipfile.ZipFile(io.BytesIO(only.content)) as file:
        assert {name[9:-5] for name in file.namelist() if name.startswith("dossiers/")} == numbers
    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    stranger = await other.person("staff", language="zh-CN")
    empty = await stranger.call("GET", "/v1/archive.zip", params=asked)
    with zipfile.ZipFile(io.BytesIO(empty.content)) as file:
        assert set(file.namelist()) == {"ledger.xlsx", "index.html", "SHA256SUMS"}
    assert (await staff.call("GET", "/v1/archive.zip", params={"state": "x"})).status_code == 422
    assert (await volunteer.call("GET", "/v1/archive.zip")).status_code == 403


async def test_photographs_of_the_week_stand_in_its_paper(town, app, database, do_jobs):
    volunteer, leader, worker, staff = [
        await town.person(role, language="zh-CN") for role in ("volunteer", "leader", "worker", "staff")
    ]
    made = [
        await mended(town, volunteer, leader, worker, encode(scene(seed=7020 + n)), encode(scene(seed=7030 + n)))
        for n in range(3)
    ]
    await mended(town, volunteer, leader, worker, encode(scene(seed=7040)), None)  # no photograph after: no pair
    still = str(uuid.uuid4())
    unmended = (await volunteer.report(**town.body(category="fly_posting", photos=[still])))["issue"]
    await volunteer.call("PUT", f"/v1/photos/{still}", content=encode(scene(seed=7041)), headers={"content-type": "image/jpeg"})
    await do_jobs()
    # What was mended the week before belongs to that week's paper.
    async with database.acquire() as connection:
        await connection.execute(
            "update events set at = at - interval '7 days' where issue_id = $1 and action = 'rectify'", uuid.UUID(made[0][0])
        )
    await tally.follow(database)
    asked = {"area": str(town.area), "photographs": "true", "language": "zh-CN"}
    paper = await staff.get("/v1/summaries/weekly.json", **asked)
    assert [(row["number"], row["after"] is None) for row in paper["photographs"]] == [
        (made[2][1], False), (made[1][1], False), (unmended["number"], True),
    ]  # fmt: skip
    assert "photographs" not in await staff.get("/v1/summaries/weekly.json", area=str(town.area))
    text, pictures = words((await staff.call("GET", "/v1/summaries/weekly.docx", params=asked)).content)
    assert pictures == 4 and "附件：整改前后照片" in text and made[1][1] in text and made[0][1] not in text
    before = (datetime.now(UTC) - timedelta(days=7)).date()
    text, pictures = words((await staff.call("GET", "/v1/summaries/weekly.docx", params=asked | {"week": str(before)})).content)
    assert pictures == 2 and made[0][1] in text
    # A photograph that the store has lost, and one whose bytes have rotted there: the paper opens and says so.
    async with database.acquire() as connection:
        held = await connection.fetch(
            "select encode(p.sha256, 'hex') as file from evidence e join photos p on p.id = e.photo_id where e.issue_id = $1 order by e.position",
            uuid.UUID(made[1][0]),
        )
    objects = store.held(app.state)
    await objects.delete([store.variant(held[0]["file"], "screen.jpg")])
    await objects.put(store.variant(held[1]["file"], "screen.jpg"), b"\xff\xd8\xff rotten")
    text, pictures = words((await staff.call("GET", "/v1/summaries/weekly.docx", params=asked)).content)
    assert pictures == 2 and text.count("照片缺失或已损坏") == 2
    assert (await staff.call("GET", "/v1/summaries/weekly.html", params=asked)).status_code == 200


async def test_photographs_of_a_past_week_say_what_was_so_then(town, database, do_jobs):
    """Sent back, moved to another kind and place, and mended again later: that week's paper is as it was."""
    volunteer, leader, worker, staff = [
        await town.person(role, language="zh-CN") for role in ("volunteer", "leader", "worker", "staff")
    ]
    id, number = await mended(
        town, volunteer, leader, worker, encode(scene(seed=7050)), encode(scene(seed=7051)), place="东浦巷12号"
    )
    async with database.transaction() as connection:
        for statement in (
            "update events set at = at - interval '7 days' where issue_id = $1",
            "update evidence set at = at - interval '7 days' where issue_id = $1",
            "update issues set created_at = created_at - interval '7 days' where id = $1",
        ):
            await connection.execute(statement, uuid.UUID(id))
    await staff.act(id, "reopen", reason="又来了")
    await leader.act(id, "reclassify", category="fly_posting")
    await leader.act(id, "relocate", position={"lat": town.lat + 0.004, "lon": town.lon + 0.014}, place="人民东路")
    await staff.act(id, "assign", unit=str(town.unit))
    late = str(uuid.uuid4())
    await do_jobs()
    asked = {"area": str(town.area), "photographs": "true", "week": str((datetime.now(UTC) - timedelta(days=7)).date())}

    async def told():
        (row,) = [row for row in (await staff.get("/v1/summaries/weekly.json", **asked))["photographs"] if row["after"]]
        return row["number"], row["category"], row["state"], row["place"], row["cell"], row["after"]

    before = await told()
    assert before[:5] == (number, "litter", "closed", "东浦巷12号", "网格1")
    await worker.call("PUT", f"/v1/photos/{late}", content=encode(scene(seed=7052)), headers={"content-type": "image/jpeg"})
    await worker.act(id, "rectify", arrive=False, photos=[late])
    await do_jobs()
    assert await told() == before and before[5] != late


def _past(town, people, cell, unit, n, late=False, reworked=False, closed=True):
    """A past case in a cell: mended in time or late, sent back or not."""
    volunteer, leader, worker = people
    at = datetime.now(UTC) - timedelta(days=3, minutes=n)
    deadline = at + timedelta(hours=24)
    events = [PastEvent("report", None, "reported", at, volunteer, "reporter")]

    def step(action, to, hours, who, acted_as, **what):
        events.append(PastEvent(action, events[-1].to, to, at + timedelta(hours=hours), who, acted_as, what))

    step("accept", "accepted", 1, leader, "leader")
    step("assign", "assigned", 2, leader, "leader", deadline=deadline.isoformat(), unit=str(unit))
    mended_after = 30 if late else 6
    if closed:
        step("rectify", "rectified", 4 if reworked else mended_after, worker, "assignee")
        if reworked:
            step("send_back", "assigned", 5, leader, "leader", reason="x")
            step("rectify", "rectified", mended_after, worker, "assignee")
        step("verify", "closed", mended_after + 1, leader, "leader")
    case = Past(
        id=uuid.uuid4(), category="litter", lat=town.lat + 0.001 + 0.00001 * n, lon=town.lon + 0.005 + 0.01 * cell, opened_at=at,
        reporter_id=volunteer, state=events[-1].to, events=events, note="x", place="x", unit_id=unit, deadline=deadline,
    )  # fmt: skip
    if closed:
        case.closed_at, case.rectified_at, case.rectified_by = events[-1].at, events[-2].at, worker
    return case


async def _histories(town, database):
    """Cell one: 20 of 22 in time, one of them sent back. Cell two: one, in time. The unit of one case, and the town's with the rest."""
    people = [(await town.person(role)).id for role in ("volunteer", "leader", "worker")]
    small = uuid.uuid4()
    cases = [_past(town, people, 0, town.unit, n, late=n < 2, reworked=n == 5) for n in range(22)]
    cases += [_past(town, people, 1, small, 30), _past(town, people, 0, town.unit, 40, closed=False)]
    async with database.transaction() as connection:
        await connection.execute("insert into units values ($1, $2, '小单位', 'school', '')", small, town.area)
        await load(connection, cases, town.area)
        # Cell one was walked twice, cell two never.
        for day in (1, 2):
            walk = uuid.uuid4()
            at = datetime.now(UTC) - timedelta(days=day)
            await connection.execute(
                "insert into patrols (id, account_id, area_id, started_at, counted_at) values ($1, $2, $3, $4, $4)",
                walk,
                people[0],
                town.area,
                at,
            )
            await connection.execute(
                "insert into patrol_cells (patrol_id, cell_id, first_at) values ($1, $2, $3)", walk, town.cells[0], at
            )
    return small


async def test_the_league_has_its_figures_behind_it_and_is_fair_to_few_cases(town, database):
    small = await _histories(town, database)
    await tally.follow(database)
    staff, leader, volunteer = [await town.person(role) for role in ("staff", "leader", "volunteer")]
    found = await staff.get("/v1/league", area=str(town.area))
    one, two = (next(item for item in found["items"] if item["id"] == str(cell)) for cell in town.cells)
    assert (one["found"], one["closed"], one["open"], one["overdue"]) == (23, 22, 1, 1)
    # Due were all whose limit has passed, the one that nobody closed as well.
    assert (one["on_time"]["part"], one["on_time"]["whole"], one["rework"]["part"], one["rework"]["whole"]) == (20, 23, 1, 22)
    assert (one["first_time"]["part"], one["lasting"]["part"], one["lasting"]["whole"], one["due"]) == (21, 22, 23, 23)
    assert (two["on_time"]["part"], two["on_time"]["whole"], two["on_time"]["rate"]) == (1, 1, 1.0)
    # Of the last day's round as much is planned as has passed of the day.
    assert one["coverage"]["whole"] in (27, 28)
    assert (one["coverage"]["part"], two["coverage"]["part"]) == (2, 0)
    # All of one is no better than nearly all of many: drawn towards the area's 21 of 24, and without a rank.
    mean = 21 / 24
    assert found["overall"]["on_time"] == {"part": 21, "whole": 24, "rate": round(mean, 4)}
    assert two["on_time"]["adjusted"] == round((1 + league.PRIOR * mean) / (1 + league.PRIOR), 4) < 0.93
    assert (two["rank"], two["score"], one["rank"]) == (None, None, 1) and found["items"][-1]["id"] == two["id"]
    score = sum(one[name]["adjusted"] for name in ("on_time", "first_time", "lasting", "coverage")) / 4
    assert abs(one["score"] - 100 * score) < 0.02
    units = {item["id"]: item for item in (await leader.get("/v1/league", area=str(town.area), of="units"))["items"]}
    assert units[str(town.unit)]["on_time"]["whole"] == 23 and units[str(small)]["rank"] is None
    assert units[str(small)]["coverage"] is None if "coverage" in units[str(small)] else True
    # Days before anything happened: nobody is ranked, nothing is divided by nothing.
    quiet = await staff.get("/v1/league", area=str(town.area), since="2020-01-01", until="2020-02-01")
    assert all(item["rank"] is None and item["on_time"]["rate"] is None for item in quiet["items"]) and len(quiet["items"]) == 2
    for bad in ({"since": "2099-01-01"}, {"since": "2026-02-01", "until": "2026-01-01"}, {"of": "people"}, {"since": "x"}):
        assert (await staff.call("GET", "/v1/league", params={"area": str(town.area)} | bad)).status_code == 422, bad
    assert (await volunteer.call("GET", "/v1/league", params={"area": str(town.area)})).status_code == 403


async def test_the_circulation_names_rates_and_who_is_behind(town, database):
    await _histories(town, database)
    staff, leader = await town.person("staff", language="zh-CN"), await town.person("leader", language="zh-CN")
    asked = {"area": str(town.area), "month": str((datetime.now(UTC) - timedelta(days=3)).date())}
    text, _ = words((await staff.call("GET", "/v1/circulation.docx", params=asked)).content)
    # Of the 24 found all were filed, 23 closed; late are the two that were mended late, and the one that is open and late.
    month = datetime.now(UTC) + timedelta(hours=8)
    assert "创文督查情况的通报" in text and "共发现问题24起，立案24起（立案率100.0%）" in text and month.year >= 2026
    assert (
        "应结案24起，完成整改23起（整改率95.8%），已结案23起（结案率95.8%），按期整改21起（按期整改率87.5%），超期3起（超期率12.5%）。"
        in text
    )
    assert "经退回重办的1起（返工率4.3%）" in text and "87.0% (20/23)" in text
    english, _ = words((await staff.call("GET", "/v1/circulation.docx", params=asked | {"language": "en"})).content)
    assert "Found: 24. Filed: 24 (100.0%)" in english
    # A month of nothing reads well; one to come is refused; so is an area without cells no trouble.
    text, _ = words((await staff.call("GET", "/v1/circulation.docx", params=asked | {"month": "2020-05-05"})).content)
    assert "2020年5月" in text and "本月没有发现问题。" in text
    assert (await staff.call("GET", "/v1/circulation.html", params=asked | {"month": "2099-01-01"})).status_code == 422
    assert (await leader.call("GET", "/v1/circulation.html", params=asked)).status_code == 403
    bare = uuid.uuid4()
    async with database.transaction() as connection:
        await connection.execute(
            "insert into areas select $1, null, 'community', '空社区 <&>', geom, 'Asia/Shanghai' from areas where id = $2",
            bare,
            town.area,
        )
        await connection.execute("insert into area_tree values ($1, $1)", bare)
    admin = await town.person("admin", language="zh-CN")
    for path in ("circulation.docx", "summaries/weekly.docx"):
        text, _ = words((await admin.call("GET", f"/v1/{path}", params={"area": str(bare)})).content)
        assert "空社区 <&>" in text
    assert (await admin.get("/v1/league", area=str(bare)))["items"] == []


async def test_residents_look_up_at_the_place_what_became_of_it(town, monkeypatch):
    volunteer, staff = await town.person("volunteer", language="zh-CN"), await town.person("staff", language="zh-CN")
    issue = (await volunteer.report(**town.body(note="张三家的垃圾", place="东浦巷12号")))["issue"]
    await town.publish()
    path = f"/v1/issues/{issue['id']}/poster.html"
    assert (await staff.call("GET", path)).status_code == 404  # nothing is published here
    monkeypatch.setattr(settings(), "public", True)
    monkeypatch.setattr(settings(), "public_url", "https://grid.example/")
    monkeypatch.setattr(settings(), "hosts", "test")
    assert (await staff.call("GET", path)).status_code == 404  # nobody has said yet that it is so
    await staff.act(issue["id"], "accept")
    monkeypatch.setattr(settings(), "hosts", "test")
    page = (await volunteer.call("GET", path)).text
    assert issue["number"] in page and "张三" not in page and "volunteer" not in page
    code = segno.make(f"https://grid.example/see/{issue['number']}", error="q").svg_data_uri(scale=8, border=2)
    assert code.replace("&", "&amp;").replace("'", "&#x27;") in page
    assert (await staff.call("GET", f"/v1/public/issues/{issue['number']}")).status_code == 200
    await staff.act(issue["id"], "reject", reason="没有")
    assert (await staff.call("GET", path)).status_code == 404


async def test_a_poster_of_an_issue_merged_again_and_again_leads_to_the_last(town, monkeypatch):
    monkeypatch.setattr(settings(), "public", True)
    volunteer, staff = await town.person("volunteer", language="zh-CN"), await town.person("staff", language="zh-CN")
    chain = [(await volunteer.report(**town.body()))["issue"] for _ in range(4)]
    await town.publish()
    await staff.act(chain[-1]["id"], "accept")
    for merged, into in itertools.pairwise(chain):
        await staff.act(merged["id"], "merge", into=into["id"])
    last = chain[-1]["number"]
    for issue in chain:
        page = await staff.call("GET", f"/v1/issues/{issue['id']}/poster.html")
        assert page.status_code == 200 and f"编号 {last}" in page.text
        public = await volunteer.get(f"/v1/public/issues/{issue['number']}")
        assert public["number"] == last
        assert public["merged_from"] == (None if issue is chain[-1] else issue["number"])
        assert public["steps"][0]["state"] == "reported"


async def test_a_dossier_of_a_merged_issue_says_where_it_went(town):
    volunteer, staff = await town.person("volunteer", language="zh-CN"), await town.person("staff", language="zh-CN")
    chain = [(await volunteer.report(**town.body(place=f"东浦巷{n}号", photos=[str(uuid.uuid4())])))["issue"] for n in (1, 2, 3)]
    await town.publish()
    await staff.act(chain[-1]["id"], "accept")
    for merged, into in itertools.pairwise(chain):
        await staff.act(merged["id"], "merge", into=into["id"])
    last = chain[-1]["number"]
    for issue in chain[:2]:
        text, _ = words((await staff.call("GET", f"/v1/issues/{issue['id']}/dossier.docx")).content)
        assert f"东浦巷{1 if issue is chain[0] else 2}号" in text and f"已并入编号{last}的问题" in text
    text, _ = words((await staff.call("GET", f"/v1/issues/{chain[-1]['id']}/dossier.docx")).content)
    assert "已并入" not in text and "并入其他问题" not in text and "合并了其他问题" in text


async def test_activities_have_photographs_that_whoever_reads_the_area_sees(town):
    leader, staff, volunteer, worker = [await town.person(role) for role in ("leader", "staff", "volunteer", "worker")]
    id, photos = str(uuid.uuid4()), [str(uuid.uuid4()), str(uuid.uuid4())]
    today = str(datetime.now(UTC).date())
    body = {"area": str(town.area), "kind": "clean_up", "on_day": today, "people": 20, "photos": photos}
    for status in (201, 200):
        answer = await leader.call("PUT", f"/v1/activities/{id}", json=body)
        assert answer.status_code == status and answer.json()["photos"] == photos
    for photo in photos:
        assert (await leader.call("PUT", f"/v1/photos/{photo}", content=JPEG)).status_code == 201
        for person, status in ((staff, 200), (volunteer, 200), (worker, 404)):
            assert (await person.call("GET", f"/v1/photos/{photo}")).status_code == status
    (item,) = (await volunteer.get("/v1/activities", area=str(town.area), since=today, until=today))["items"]
    assert item["photos"] == photos
    # Without one of them it is no longer shown; somebody else's photograph is not to be seen by naming it.
    assert (await leader.call("PUT", f"/v1/activities/{id}", json=body | {"photos": photos[:1]})).json()["photos"] == photos[:1]
    assert (await volunteer.call("GET", f"/v1/photos/{photos[1]}")).status_code == 404
    private = str(uuid.uuid4())
    assert (await worker.call("PUT", f"/v1/photos/{private}", content=JPEG)).status_code == 201
    await leader.call("PUT", f"/v1/activities/{uuid.uuid4()}", json=body | {"photos": [private]})
    assert (await leader.call("GET", f"/v1/photos/{private}")).status_code == 404
    assert (await leader.call("DELETE", f"/v1/activities/{id}")).status_code == 204
    assert (await volunteer.call("GET", f"/v1/photos/{photos[0]}")).status_code == 404


async def test_marks_of_peoples_own_words_are_not_doubled(town):
    """In the weekly summary and the dossier, in both languages."""
    leader, staff = await town.person("leader"), await town.person("staff")
    issue = (await leader.report(**town.body(place="东浦巷，12号")))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit), note="请尽快。")
    monday = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    activity = {"area": str(town.area), "kind": "clean_up", "on_day": str(monday), "count": 1, "people": 5, "place": "东门广场。"}
    assert (await staff.call("PUT", f"/v1/activities/{uuid.uuid4()}", json=activity)).status_code in (200, 201)
    monday -= timedelta(days=monday.weekday())
    for language in ("zh-CN", "en"):
        head = {"accept-language": language}
        asked = {"area": str(town.area), "week": str(monday), "language": language}
        weekly = (await staff.call("GET", "/v1/summaries/weekly.json", params=asked, headers=head)).json()
        told = "\n".join(clause["text"] for part in weekly["parts"] for clause in part["clauses"])
        dossier = (await staff.call("GET", f"/v1/issues/{issue}/dossier.html", headers=head)).text
        assert "东门广场" in told and "东浦巷" in told and "请尽快" in dossier
        assert not re.search(r"东门广场。|东浦巷，[^1]", told), told
        assert "请尽快。；" not in dossier and "请尽快。;" not in dossier
