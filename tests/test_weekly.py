"""The weekly summary: every number is a recount of the event log; it reads well when there is nothing; what was issued stays."""

from __future__ import annotations

import asyncio
import io
import random
import uuid
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from app.issues.history import Past, PastEvent, load
from app.issues.lifecycle import OPEN

ZONES = ["Asia/Shanghai", "UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu", "America/St_Johns"]


def monday(zone):
    today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    return today - timedelta(days=today.weekday())


class Life:
    """One issue's random life, most of whose steps lie near a week's border."""

    def __init__(self, town, people, dice, at, now):
        self.town, self.dice, self.at, self.now = town, dice, at, now
        self.volunteer, self.leader, self.worker = people
        mended = dice.random() < 0.15
        first = PastEvent(
            "report_mended" if mended else "report", None, "closed" if mended else "reported", at, self.volunteer, "reporter"
        )
        self.case = Past(
            id=uuid.uuid4(), category=dice.choice(["litter", "fly_posting", "no_litter_bin"]), lat=town.lat + 0.005, lon=town.lon + 0.005,
            place=dice.choice(["东浦巷12号", "东浦巷3号", "人民东路"]), note="x", opened_at=at, reporter_id=self.volunteer, state=first.to,
            events=[first], closed_at=at if mended else None,
        )  # fmt: skip
        if not mended:
            self.live()

    def step(self, action, to, who, acted_as, **what):
        self.at += timedelta(seconds=self.dice.choice([1, 600, 86_400, self.dice.randrange(1, 9 * 86_400)]))
        if self.at >= self.now:
            return False
        self.case.events.append(PastEvent(action, self.case.state, to, self.at, who, acted_as, what))
        self.case.state = to
        return True

    def live(self):
        case, dice = self.case, self.dice
        if not self.step("accept", "accepted", self.leader, "leader"):
            return
        deadline = self.at + timedelta(days=dice.choice([0, 1, 3, 30]))
        if not self.step("assign", "assigned", self.leader, "leader", deadline=deadline.isoformat(), unit=str(self.town.unit)):
            return
        case.unit_id, case.deadline = self.town.unit, deadline
        if dice.random() < 0.2:
            reply_by = self.at + timedelta(days=2)
            if self.step("hand_over", "handed_over", self.leader, "leader", authority="交警", reply_by=reply_by.isoformat()):
                case.authority, case.reply_by = "交警", reply_by
            return
        if dice.random() < 0.8 and self.step("rectify", "rectified", self.worker, "assignee"):
            if dice.random() < 0.3 and self.step("send_back", "assigned", self.leader, "leader", reason="x"):
                self.step("rectify", "rectified", self.worker, "assignee")
            if case.state == "rectified" and dice.random() < 0.8 and self.step("verify", "closed", self.leader, "leader"):
                case.closed_at = self.at


async def _histories(town, database, people, dice, zone, count):
    """Lives over five weeks, many of which begin within a second of a week's border."""
    first = datetime.combine(monday(zone) - timedelta(days=28), time(), ZoneInfo(zone)).astimezone(UTC)
    now = datetime.now(UTC)
    begun = [
        first + timedelta(days=7 * dice.randrange(5), seconds=dice.choice([-1, 0, 1, dice.randrange(7 * 86_400)]))
        for _ in range(count)
    ]
    cases = [Life(town, people, dice, at, now).case for at in begun if at < now]
    async with database.transaction() as connection:
        await load(connection, cases, town.area)
        await connection.execute("update areas set time_zone = $2 where id = $1", town.area, zone)


def _recount(rows, begin, end):
    """The same figures from the plain log, event by event: which issues each counts, and which were open at the end."""
    done = {
        name: set()
        for name in ("found", "mended_on_the_spot", "rectified", "in_time", "closed", "handed_over", "sent_back", "came_back")
    }
    state, deadline = {}, {}
    for row in rows:
        id, action, at = row["issue_id"], row["action"], row["at"]
        within = begin <= at < end
        if action == "rectify" and within and id in deadline and at <= deadline[id]:
            done["in_time"].add(id)
        if action in ("assign", "grant_extension") and row["data"].get("deadline"):
            deadline[id] = datetime.fromisoformat(row["data"]["deadline"])
        if within:
            if row["version"] == 1:
                done["found"].add(id)
                if action == "report_mended":
                    done["mended_on_the_spot"].add(id)
            elif row["to_state"] == "closed" and row["from_state"] != "closed":
                done["closed"].add(id)
            elif action in (
                names := {"rectify": "rectified", "hand_over": "handed_over", "send_back": "sent_back", "recur": "came_back"}
            ):
                done[names[action]].add(id)
        if at < end:
            state[id] = row["to_state"]
    return done, {id for id, now in state.items() if now in OPEN}


@pytest.mark.parametrize("zone", ZONES)
async def test_every_number_is_a_recount_of_the_log_at_every_border(town, database, zone):
    dice = random.Random(zone)
    people = [(await town.person(role)).id for role in ("volunteer", "leader", "worker")]
    staff = await town.person("staff")
    await _histories(town, database, people, dice, zone, 80)
    async with database.acquire() as connection:
        rows = await connection.fetch(
            "select e.* from events e join issues i on i.id = e.issue_id where i.area_id = $1 order by e.issue_id, e.version",
            town.area,
        )
    assert len(rows) > 150
    for back in range(5):
        first = monday(zone) - timedelta(days=7 * back)

        def at(day):
            return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)

        paper = await staff.get(
            "/v1/summaries/weekly.json", area=str(town.area), week=str(first + timedelta(days=dice.randrange(7) if back else 0))
        )
        assert paper["week"] == str(first) and paper["time_zone"] == zone
        issues, still = _recount(rows, at(first), at(first + timedelta(days=7)))
        done = {name: len(ids) for name, ids in issues.items()}
        figures = paper["figures"]
        # A week that goes on is compared with the one before as far as that was by then.
        until = datetime.fromisoformat(figures["before_until"])
        so_far = min(datetime.now(UTC) - timedelta(days=7), at(first))
        assert abs((until - so_far).total_seconds()) < 3700 and until <= at(
            first
        )  # an hour more or less where clocks were changed
        before = {name: len(ids) for name, ids in _recount(rows, at(first - timedelta(days=7)), until)[0].items()}
        assert {name: figures["done"][name] for name in done} == done, (zone, back)
        before.pop("in_time")  # compared with nothing
        assert {name: figures["before"][name] for name in before} == before, (zone, back)
        assert figures["remains"]["open"] == len(still), (zone, back)
        assert sum(place["n"] for place in figures["remains"]["places"]) == len(still)  # fewer than six places here
        for part in paper["parts"]:
            assert 1 <= len(part["clauses"]) <= 6
        # The list counts as the paper does, issue by issue.
        span = {"happened_since": at(first).isoformat(), "happened_until": at(first + timedelta(days=7)).isoformat()}
        for name, ids in issues.items():
            items = (await staff.get("/v1/issues", area=str(town.area), limit=200, happened=name, **span))["items"]
            assert {item["id"] for item in items} == {str(id) for id in ids}, (zone, back, name)
        items = (await staff.get("/v1/issues", area=str(town.area), limit=200, open_at=span["happened_until"]))["items"]
        assert {item["id"] for item in items} == {str(id) for id in still}, (zone, back)


@pytest.mark.parametrize("back", [0, 1])
async def test_each_number_leads_to_the_issues_it_counts(town, database, back):
    dice = random.Random(5)
    people = [(await town.person(role)).id for role in ("volunteer", "leader", "worker")]
    staff = await town.person("staff", language="zh-CN")
    await _histories(town, database, people, dice, "Asia/Shanghai", 90)
    week = monday("Asia/Shanghai") - timedelta(days=7 * back)
    paper = await staff.get("/v1/summaries/weekly.json", area=str(town.area), week=str(week))
    checked = 0
    for clause in [clause for part in paper["parts"] for clause in part["clauses"]]:
        assert "".join(span["text"] for span in clause["spans"]) == clause["text"]
        for span in clause["spans"]:
            parts = urlsplit(span["href"] or "")
            if parts.path != "/app/issues":
                continue
            found = await staff.get("/v1/issues", **_several(parse_qsl(parts.query)), limit=200)
            assert len(found["items"]) == int(span["text"]), (clause["text"], span)
            checked += 1
    assert checked >= 6


def _several(pairs):
    asked = {}
    for name, value in pairs:
        asked.setdefault(name, []).append(value)
    return asked


async def test_an_empty_week_says_so_and_what_cannot_be_is_refused(town):
    staff, leader, inspector = [await town.person(role, language="zh-CN") for role in ("staff", "leader", "inspector")]
    paper = await staff.get("/v1/summaries/weekly.json", area=str(town.area))
    assert [part["title"][0] for part in paper["parts"]] == ["一", "二", "三"]
    assert paper["parts"][0]["clauses"][0]["text"] == "本周没有发现、整改和巡查记录。"
    english = await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="en")
    assert english["parts"][0]["clauses"][0]["text"] == "Nothing was found, mended or walked this week."
    assert (await inspector.call("GET", "/v1/summaries/weekly.html", params={"area": str(town.area)})).status_code == 200
    for path in ("json", "html", "docx"):
        assert (await leader.call("GET", f"/v1/summaries/weekly.{path}", params={"area": str(town.area)})).status_code == 403
        ahead = {"area": str(town.area), "week": str(date.today() + timedelta(days=14))}
        assert (await staff.call("GET", f"/v1/summaries/weekly.{path}", params=ahead)).status_code == 422
        assert (await staff.call("GET", f"/v1/summaries/weekly.{path}", params={"area": str(uuid.uuid4())})).status_code == 404
    body = {"area": str(town.area), "week": paper["week"], "language": "zh-CN", "title": "x", "parts": paper["parts"]}
    assert (await inspector.call("PUT", "/v1/summaries/weekly", json=body)).status_code == 403


async def test_what_was_issued_stays_whoever_is_first_and_whatever_is_written(town, database):
    staff, other, volunteer = await town.person("staff"), await town.person("staff"), await town.person("volunteer")
    evil = "=1+1 <w:p>&amp;]]> \u0007\u001b\ufffe 😀 " + "长" * 1500
    await volunteer.report(**town.body(place=evil[:200], note=evil))
    draft = await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="zh-CN")
    body = {"area": str(town.area), "week": draft["week"], "language": "zh-CN", "title": "本周总结 <b>", "parts": draft["parts"]}
    body["parts"][0]["clauses"].append({"text": evil, "href": None})
    both = await asyncio.gather(
        *(
            person.call("PUT", "/v1/summaries/weekly", json=body | {"title": f"总结 {n}"})
            for n, person in enumerate((staff, other))
        )
    )
    assert sorted(answer.status_code for answer in both) == [201, 409], both[0].text
    won = next(answer.json() for answer in both if answer.status_code == 201)
    assert won["issued"]["by"] == "staff某"
    for _ in range(3):
        await volunteer.report(**town.body())
    issued = await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="zh-CN")
    assert issued["title"] == won["title"] and issued["figures"]["done"]["found"] == 1
    again = await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="zh-CN", draft=True)
    assert again["figures"]["done"]["found"] == 4 and again["issued"] is None
    # The English one is a paper of its own.
    assert (await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="en"))["issued"] is None
    asked = {"area": str(town.area), "language": "zh-CN"}
    page = await staff.call("GET", "/v1/summaries/weekly.html", params=asked)
    assert "&lt;w:p&gt;" in page.text and "<w:p>" not in page.text and "\u0007" not in page.text
    word = await staff.call("GET", "/v1/summaries/weekly.docx", params=asked)
    with zipfile.ZipFile(io.BytesIO(word.content)) as file:
        text = "".join(ElementTree.fromstring(file.read("word/document.xml")).itertext())
    assert "<w:p>&amp;]]>" in text and "长" * 1500 in text and "😀" in text and "一、本周创文工作开展情况" in text
    for bad in (
        {"parts": []},
        {"title": ""},
        {"language": "de"},
        {"parts": [{"title": "x", "clauses": [{"text": "x", "href": "https://elsewhere"}]}]},
    ):
        assert (await staff.call("PUT", "/v1/summaries/weekly", json=body | bad)).status_code == 422, bad


async def _draft(town, staff):
    """The draft of this week as it could be issued."""
    draft = await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="zh-CN")
    parts = draft["parts"]
    return {"area": str(town.area), "week": draft["week"], "language": "zh-CN", "title": "本周总结", "parts": parts}


async def test_a_correction_is_numbered_and_keeps_the_first(town):
    staff, other = await town.person("staff"), await town.person("staff")
    body = await _draft(town, staff)
    assert (await staff.call("PUT", "/v1/summaries/weekly", json=body)).status_code == 201
    corrected = body | {"title": "本周总结（更正）", "corrects": 1, "reason": "网格数有误"}
    answer = await other.call("PUT", "/v1/summaries/weekly", json=corrected)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["title"], told["issued"]["version"], told["issued"]["reason"]) == ("本周总结（更正）", 2, "网格数有误")
    assert [v["version"] for v in told["versions"]] == [1, 2] and told["versions"][0]["reason"] is None
    asked = {"area": str(town.area), "language": "zh-CN"}
    first = await staff.get("/v1/summaries/weekly.json", **asked, version=1)
    assert (first["title"], first["issued"]["version"]) == ("本周总结", 1)
    page = (await staff.call("GET", "/v1/summaries/weekly.html", params=asked)).text
    assert "（第1次更正：网格数有误）" in page
    assert (await staff.call("GET", "/v1/summaries/weekly.json", params=asked | {"version": 3})).status_code == 404


async def test_a_draft_says_what_was_issued_before_it(town):
    staff = await town.person("staff")
    asked = {"area": str(town.area), "language": "zh-CN"}
    draft = await staff.get("/v1/summaries/weekly.json", **asked)
    assert (draft["issued"], draft["versions"]) == (None, [])
    kept = {name: draft[name] for name in ("week", "title", "parts")}
    await staff.call("PUT", "/v1/summaries/weekly", json=asked | kept)
    again = await staff.get("/v1/summaries/weekly.json", **asked, draft="true")
    assert again["issued"] is None and [one["version"] for one in again["versions"]] == [1]


async def test_of_two_corrections_at_once_one_is_taken(town):
    staff, other = await town.person("staff"), await town.person("staff")
    body = await _draft(town, staff)
    assert (await staff.call("PUT", "/v1/summaries/weekly", json=body)).status_code == 201
    both = await asyncio.gather(
        *(who.call("PUT", "/v1/summaries/weekly", json=body | {"corrects": 1, "reason": "x"}) for who in (staff, other))
    )
    assert sorted(answer.status_code for answer in both) == [201, 409]
    refused = next(answer.json() for answer in both if answer.status_code == 409)
    assert refused["type"] == "/problems/summary-corrected"


async def test_a_correction_needs_a_reason_and_something_to_correct(town):
    staff = await town.person("staff")
    body = await _draft(town, staff)
    for bad, field in (
        ({"corrects": 1}, "/reason"),
        ({"reason": "x"}, "/corrects"),
        ({"corrects": 0, "reason": "x"}, "/corrects"),
    ):
        answer = await staff.call("PUT", "/v1/summaries/weekly", json=body | bad)
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == field, bad
    answer = await staff.call("PUT", "/v1/summaries/weekly", json=body | {"corrects": 1, "reason": "x"})
    assert answer.status_code == 409


async def test_issued_papers_are_listed_page_by_page_for_who_may_read_them(town, app, database):
    from tests.conftest import Town

    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    staff, inspector, stranger = await town.person("staff"), await town.person("inspector"), await other.person("staff")
    town.people += other.people
    body = await _draft(town, staff)
    assert (await staff.call("PUT", "/v1/summaries/weekly", json=body)).status_code == 201
    for n in range(1, 4):
        more = body | {"title": f"更正{n}", "corrects": n, "reason": "x"}
        assert (await staff.call("PUT", "/v1/summaries/weekly", json=more)).status_code == 201
    seen, cursor = [], None
    while True:
        found = await inspector.get("/v1/summaries", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += found["items"]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert [(paper["version"], paper["title"]) for paper in seen] == [(4, "更正3"), (3, "更正2"), (2, "更正1"), (1, "本周总结")]
    assert {paper["area"]["id"] for paper in seen} == {str(town.area)} and seen[0]["by"] == "staff某"
    assert (await stranger.get("/v1/summaries"))["items"] == []
    assert (await stranger.get("/v1/summaries", area=str(town.area)))["items"] == []


async def test_activities_feed_part_one_once_each(town):
    staff, leader, volunteer = [await town.person(role, language="zh-CN") for role in ("staff", "leader", "volunteer")]
    first = monday("Asia/Shanghai")
    body = {"area": str(town.area), "kind": "questionnaire", "on_day": str(first), "count": 1850, "collected": 1800}
    id = str(uuid.uuid4())
    answers = [await leader.call("PUT", f"/v1/activities/{id}", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    for more in (
        {"kind": "household_visit", "count": 40}, {"kind": "household_visit", "count": 2}, {"kind": "leaflet", "count": 2580},
        {"kind": "clean_up", "people": 30, "place": "东浦巷"}, {"kind": "meeting", "people": 12},
        {"kind": "leaflet", "count": 999, "on_day": str(first - timedelta(days=7))}, {"kind": "leaflet", "count": 999, "on_day": str(first + timedelta(days=7))},
    ):  # fmt: skip
        sent = {"area": str(town.area), "on_day": str(first)} | more
        assert (await staff.call("PUT", f"/v1/activities/{uuid.uuid4()}", json=sent)).status_code == 201
    paper = await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="zh-CN")
    texts = [clause["text"] for clause in paper["parts"][0]["clauses"]]
    assert texts == [
        "入户宣传：走访42户（较上周同期增加42户）。发放调查表1850份（较上周同期增加1850份），收回1800份。发放宣传品2580份（较上周同期增加1581份）。",
        "在东浦巷开展集中清理1次（较上周同期增加1次），参加30人次。召开会议1次（较上周同期增加1次），参加12人次。",
    ]  # fmt: skip
    listed = (await volunteer.get("/v1/activities", area=str(town.area), since=str(first), until=str(first)))["items"]
    assert len(listed) == 6 and {item["own"] for item in listed} == {False}
    # Another leader's is not one's own to change; the office may; and only questionnaires come back.
    other = await town.person("leader", cell=1)
    assert (await other.call("PUT", f"/v1/activities/{id}", json=body | {"count": 1})).status_code in (404, 422)
    assert (await other.call("PUT", f"/v1/activities/{id}", json=body | {"count": 2000})).status_code == 404
    assert (await staff.call("PUT", f"/v1/activities/{id}", json=body | {"count": 2000})).status_code == 200
    for bad in ({"collected": 1851}, {"kind": "leaflet"}, {"count": 0}, {"on_day": "x"}, {"kind": "party"}):
        assert (await leader.call("PUT", f"/v1/activities/{uuid.uuid4()}", json=body | bad)).status_code == 422, bad
    assert (await other.call("DELETE", f"/v1/activities/{id}")).status_code == 404
    assert (await leader.call("DELETE", f"/v1/activities/{id}")).status_code == 204
