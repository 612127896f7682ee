"""Rates are of what was due: nobody rises by leaving an issue open, and what was closed unresolved is no success anywhere."""

from __future__ import annotations

import csv
import io
import random
import uuid
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from app.issues.history import Past, PastEvent, load
from app.maps import tally
from app.notices.telling import follow
from app.office import circulation, league
from app.settings import settings
from tests.test_papers import words


async def _people(town):
    return [(await town.person(role)).id for role in ("volunteer", "leader", "worker")]


def lived(town, people, unit, dice, cell=0):
    """A past case of the last three weeks: assigned, mended early, late or never, perhaps sent back, perhaps closed unresolved."""
    volunteer, leader, worker = people
    at = datetime.now(UTC) - timedelta(days=dice.uniform(2, 20))
    deadline = at + timedelta(hours=dice.choice([12, 24, 40]))  # after it is assigned
    events = [PastEvent("report", None, "reported", at, volunteer, "reporter")]
    case = Past(
        id=uuid.uuid4(), category=dice.choice(["litter", "graffiti"]), lat=town.lat + dice.uniform(0.001, 0.009),
        lon=town.lon + 0.01 * cell + dice.uniform(0.001, 0.009), opened_at=at, reporter_id=volunteer, state="reported", events=events,
        unit_id=unit, deadline=deadline,
    )  # fmt: skip

    def step(action, to, who, acted_as, **what):
        nonlocal at
        at += timedelta(hours=dice.choice([1, 3, 10]))
        events.append(PastEvent(action, events[-1].to, to, at, who, acted_as, what))

    step("assign", "assigned", leader, "leader", deadline=deadline.isoformat(), unit=str(unit))
    fate = dice.random()
    if fate < 0.15:
        return finished(case)
    if fate < 0.25:
        step("close_unresolved", "closed", leader, "staff", reason_code=dice.choice(["gone", "duplicate", "cannot_be_mended"]))
        return finished(case)
    step("rectify", "rectified", worker, "assignee")
    if dice.random() < 0.3:
        step("send_back", "assigned", leader, "leader", reason="x")
        step("rectify", "rectified", worker, "assignee")
    if dice.random() < 0.9:
        step("verify", "closed", leader, "leader")
    return finished(case)


def finished(case):
    """The case as its events leave it."""
    last = case.events[-1]
    case.state, case.closed_at, case.rectified_at, case.rectified_by = last.to, None, None, None
    case.unresolved = last.data.get("reason_code") if last.action == "close_unresolved" else None
    for event in case.events:
        if event.to == "closed":
            case.closed_at = event.at
        elif event.to == "rectified":
            case.rectified_at, case.rectified_by = event.at, event.actor_id
        elif event.action == "send_back":
            case.rectified_at = case.rectified_by = None
    return case


def left_open(case, how):
    """The same case, never closed: as it was before the check, or nobody having done anything."""
    kept = case.events[:2] if how == "nothing" else case.events[:-1]
    return finished(
        Past(
            id=case.id, category=case.category, lat=case.lat, lon=case.lon, opened_at=case.opened_at, reporter_id=case.reporter_id,
            state="", events=kept, unit_id=case.unit_id, deadline=case.deadline,
        )
    )  # fmt: skip


async def _standings(town, database, staff, cases):
    """The league of cells and of units, by id, of these cases and no others; nothing of them is kept."""
    async with database.transaction() as connection:
        for table, column in (("events", "issue_id"), ("reports", "issue_id"), ("map_issues", "id"), ("issues", "id")):
            await connection.execute(
                f"delete from {table} where {column} in (select id from issues where area_id = $1)"
                if table != "issues" else "delete from issues where area_id = $1", town.area,
            )  # fmt: skip
        await load(connection, cases, town.area)
    found = {}
    for of in ("cells", "units"):
        found |= {item["id"]: item for item in (await staff.get("/v1/league", area=str(town.area), of=of))["items"]}
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_rises_by_leaving_an_issue_open(town, database, seed):
    dice = random.Random(seed)
    people, staff = await _people(town), await town.person("staff")
    units = [town.unit, *(uuid.uuid4() for _ in range(3))]
    async with database.transaction() as connection:
        for n, unit in enumerate(units[1:]):
            await connection.execute("insert into units values ($1, $2, $3, 'school', '')", unit, town.area, f"单位{n}")
    cases = [lived(town, people, dice.choice(units), dice, dice.randrange(2)) for _ in range(50)]
    before = await _standings(town, database, staff, cases)
    assert sum(item["rank"] is not None for item in before.values()) >= 5
    lower = 0
    for n in dice.sample([n for n, case in enumerate(cases) if case.state == "closed"], 8):
        for how in ("nothing", "unchecked"):
            other = [left_open(case, how) if m == n else case for m, case in enumerate(cases)]
            after = await _standings(town, database, staff, other)
            own = [str(cases[n].unit_id), str(town.cells[int(cases[n].lon >= town.lon + 0.01)])]
            for id in own:
                was, now = before[id], after[id]
                assert now["due"] >= was["due"]
                assert (was["rank"] is None) or (now["score"] <= was["score"] and now["rank"] >= was["rank"]), (how, was, now)
                lower += was["rank"] is not None and now["score"] < was["score"]
    assert lower >= 8


async def _unit(town, staff):
    found = await staff.get("/v1/league", area=str(town.area), of="units")
    return next((item for item in found["items"] if item["id"] == str(town.unit)), None)


async def _late(town, database, by, **changes):
    """An issue whose deadline passed, and who bears on it."""
    leader, worker, staff = [await town.person(role) for role in ("leader", "worker", "staff")]
    id = (await leader.report(**town.body(**changes)))["issue"]["id"]
    await leader.act(id, "assign", unit=str(town.unit))
    async with database.transaction() as connection:
        at = datetime.now(UTC) - timedelta(hours=by)
        times = [uuid.UUID(id), at, timedelta(hours=by + 2)]
        await connection.execute(
            "update issues set deadline = $2, created_at = created_at - $3::interval, updated_at = updated_at - $3::interval where id = $1",
            *times,
        )  # fmt: skip
        await connection.execute("update events set at = at - $2::interval where issue_id = $1", times[0], times[2])
    return id, leader, worker, staff


async def test_no_new_round_makes_up_for_one_that_was_late(town, database):
    id, leader, worker, staff = await _late(town, database, 30)
    await worker.act(id, "rectify", photos=[str(uuid.uuid4())])
    await leader.act(id, "verify")
    assert (await _unit(town, staff))["on_time"]["part"] == 0
    await leader.act(id, "reopen", reason="再来一次")
    await leader.act(id, "assign", unit=str(town.unit), deadline=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    await worker.act(id, "rectify", photos=[str(uuid.uuid4())])
    await leader.act(id, "verify")
    async with database.transaction() as connection:  # its new deadline passes as well, an hour after it was mended
        await connection.execute("update issues set deadline = now() where id = $1", uuid.UUID(id))
    item = await _unit(town, staff)
    assert (item["due"], item["on_time"]["part"], item["on_time_extended"]["part"]) == (1, 0, 0)


@pytest.mark.parametrize("way", ["merge", "reject"])
async def test_what_missed_its_limit_was_due_however_it_is_put_away(town, database, way):
    id, leader, _, staff = await _late(town, database, 30)
    if way == "merge":
        fresh = (await leader.report(**town.body()))["issue"]["id"]
        await leader.act(id, "merge", into=fresh)
    else:
        await leader.act(id, "hand_over", authority="交警大队", reply_by=(datetime.now(UTC) + timedelta(days=1)).isoformat())
        await staff.act(id, "reply", to="accepted", note="不归我们")
        await leader.act(id, "reject", reason="不管了")
    item = await _unit(town, staff)
    assert (item["due"], item["on_time"]["part"]) == (1, 0)


async def test_what_nobody_has_checked_is_neither_on_time_nor_overdue(town, database):
    leader, worker, staff = [await town.person(role) for role in ("leader", "worker", "staff")]
    id = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(id, "assign", unit=str(town.unit))
    await worker.act(id, "rectify", photos=[str(uuid.uuid4())], arrive=False)
    async with database.transaction() as connection:
        await connection.execute("update issues set deadline = now() where id = $1", uuid.UUID(id))
    assert ((await _unit(town, staff))["due"], (await _unit(town, staff))["on_time"]["part"]) == (1, 0)
    asked = {"area": str(town.area), "language": "zh-CN"}
    text, _ = words((await staff.call("GET", "/v1/circulation.docx", params=asked)).content)
    told = "应结案1起，完成整改1起（整改率100.0%），已结案0起（结案率0.0%），按期整改0起（按期整改率0.0%）"
    assert f"{told}，已按期整改、尚待核查1起，超期0起（超期率0.0%）。" in text
    # As soon as somebody has looked it is on time, or it is not.
    await leader.act(id, "send_back", reason="没有清")
    assert (await _unit(town, staff))["on_time"]["part"] == 0


def test_a_percentage_is_rounded_once():
    assert circulation._percent({"part": 14, "whole": 17, "rate": 0.8235}) == "82.4%"
    assert circulation._percent({"part": 0, "whole": 0, "rate": None}) == "—"


async def test_the_unit_with_the_most_overdue_is_last(town, database):
    people, staff = await _people(town), await town.person("staff", language="zh-CN")
    idle, dice = uuid.uuid4(), random.Random(1)
    async with database.transaction() as connection:
        await connection.execute("insert into units values ($1, $2, '拖延单位', 'school', '')", idle, town.area)
        cases = []
        while len(cases) < 30:
            case = lived(town, people, town.unit, dice)
            cases += [case] if case.state == "closed" and not case.unresolved else []
        await load(connection, cases, town.area)
        # One mended at once, and twelve left lying.
        slow = [lived(town, people, idle, dice) for _ in range(13)]
        await load(connection, [left_open(case, "nothing") for case in slow[1:]], town.area)
    await tally.follow(database)
    units = (await staff.get("/v1/league", area=str(town.area), of="units"))["items"]
    assert [item["name"] for item in units] == ["环卫站", "拖延单位"] and [item["rank"] for item in units] == [1, 2]
    assert (units[1]["due"], units[1]["overdue"], units[1]["on_time"]["part"], units[1]["closed"]) == (12, 12, 0, 0)


def _item(name, n, score, **more):
    """A row of the league as the findings read it."""
    part = {"part": 0, "whole": 10, "rate": 0.0, "adjusted": 0.0}
    return {
        "id": str(n), "name": name, "rank": n, "score": score, "overdue": 0, "recurrence": part, "coverage": part | {"part": 10}
    } | more  # fmt: skip


def _said(cells, units):
    def t(key, **values):
        return f"{key}:" + "|".join(str(value) for value in values.values())

    return circulation._findings({"items": cells}, {"items": units}, t, "、")


def test_the_first_three_are_praised_and_the_last_three_named_where_six_are_ranked():
    cells = [_item(f"网格{n}", n, 100 - n) for n in range(1, 8)]
    assert _said(cells, []) == ["praised:网格1、网格2、网格3", "behind:网格5、网格6、网格7"]


def test_nobody_is_praised_or_blamed_where_few_are_ranked_or_all_are_equal():
    assert _said([_item(f"网格{n}", n, 100 - n) for n in range(1, 6)], []) == ["no-findings:"]
    assert _said([_item(f"网格{n}", 1, 90) for n in range(1, 8)], []) == ["no-findings:"]


def test_whoever_has_no_rank_is_neither_praised_nor_behind():
    few = [_item(f"网格{n}", None, None, rank=None) for n in range(8, 12)]
    assert _said([_item(f"网格{n}", n, 100 - n) for n in range(1, 7)] + few, [])[1] == "behind:网格5、网格6"


def test_units_with_most_overdue_and_cells_that_nobody_walked_are_named_in_order():
    units = [_item(f"单位{n}", n, 50, overdue=n) for n in range(7)]
    walked = {"part": 4, "whole": 10, "rate": 0.4, "adjusted": 0.4}
    back = {"part": 3, "whole": 9, "rate": 0.3, "adjusted": 0.3}
    cells = [_item(f"网格{name}", n, 50, coverage=walked, recurrence=back) for n, name in enumerate(["十一", "十", "九"], 1)]
    said = _said(cells, units)
    assert said[0].startswith("press:unit-late:单位6|6、unit-late:单位5|5") and "单位1" not in said[0]
    assert said[1].startswith("back:cell-back:网格十一|3") and said[2] == "walk:3|网格九、网格十、网格十一"


async def _ended(town, how):
    """An issue that was mended and closed, or closed unresolved; its id and number."""
    volunteer, leader, worker, staff = [await town.person(role) for role in ("volunteer", "leader", "worker", "staff")]
    issue = (await volunteer.report(**town.body(place="东浦巷12号")))["issue"]
    await leader.act(issue["id"], "assign", unit=str(town.unit))
    if how == "mended":
        await worker.act(issue["id"], "rectify", photos=[str(uuid.uuid4())])
        await leader.act(issue["id"], "verify")
    else:
        await staff.act(issue["id"], "close_unresolved", reason_code=how, reason="产权不明")
    return issue["id"], issue["number"], staff


async def test_an_issue_says_how_it_ended(town):
    mended, _, staff = await _ended(town, "mended")
    ended, _, _ = await _ended(town, "cannot_be_mended")
    seen = [await staff.get(f"/v1/issues/{id}") for id in (mended, ended)]
    assert [(i["state"], i["outcome"], i["reason_code"]) for i in seen] == [
        ("closed", "resolved", None), ("closed", "unresolved", "cannot_be_mended"),
    ]  # fmt: skip
    for outcome, id in (("resolved", mended), ("unresolved", ended)):
        items = (await staff.get("/v1/issues", area=str(town.area), outcome=outcome))["items"]
        assert [item["id"] for item in items] == [id]
    answer = await staff.call("GET", "/v1/issues", params={"outcome": "x"})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/outcome"
    # Opened again it has ended in no way.
    again = await staff.act(ended, "reopen", reason="业主已找到")
    assert (again["outcome"], again["reason_code"]) == (None, None)


async def test_an_open_issue_has_no_outcome_yet(town):
    volunteer = await town.person("volunteer")
    issue = (await volunteer.report(**town.body()))["issue"]
    assert (issue["outcome"], issue["reason_code"]) == (None, None)


@pytest.mark.parametrize("reason", ["cannot_be_mended", "not_our_matter", "gone", "duplicate", "other"])
async def test_ledger_dossier_and_archive_never_call_it_closed(town, do_jobs, reason):
    id, number, staff = await _ended(town, reason)
    zh = {"accept-language": "zh-CN"}
    answer = await staff.call("GET", "/v1/ledger.csv", params={"area": str(town.area)}, headers=zh)
    (row,) = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert row["状态"] == "终止办理（未解决）" and row["编号"] == number
    text, _ = words((await staff.call("GET", f"/v1/issues/{id}/dossier.docx", headers=zh)).content)
    assert "终止办理（未解决）" in text and "已结案" not in text and "未解决结案" not in text
    archive = await staff.call("GET", "/v1/archive.zip", params={"area": str(town.area)}, headers=zh)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as file:
        index = next(file.read(name).decode() for name in file.namelist() if name.startswith("index"))
    assert "终止办理（未解决）" in index and "已结案" not in index


async def test_the_public_page_tells_it_apart(town, monkeypatch):
    monkeypatch.setattr(settings(), "public", True)
    await town.publish()
    _, number, staff = await _ended(town, "not_our_matter")
    seen = await staff.get(f"/v1/public/issues/{number}")
    assert (seen["state"], seen["outcome"], seen["reason_code"]) == ("closed", "unresolved", "not_our_matter")
    assert [step["outcome"] for step in seen["steps"]][-1] == "unresolved" and seen["steps"][0]["outcome"] is None
    assert "产权" not in str(seen)


async def test_the_weekly_summary_gives_it_a_clause_of_its_own(town):
    _, _, staff = await _ended(town, "cannot_be_mended")
    await _ended(town, "mended")
    paper = await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="zh-CN")
    assert (paper["figures"]["done"]["closed"], paper["figures"]["done"]["closed_unresolved"]) == (1, 1)
    texts = [clause["text"] for clause in paper["parts"][0]["clauses"]]
    assert "未解决、终止办理1起（较上周同期增加1起），不计入结案。" in texts
    assert any("核查结案1起（较上周同期增加1起）" in text for text in texts)


async def test_it_is_a_success_in_no_rate(town, database):
    _, _, staff = await _ended(town, "cannot_be_mended")
    await _ended(town, "mended")
    summary = await staff.get(f"/v1/areas/{town.area}/summary")
    assert (summary["closed"], summary["closed_unresolved"], summary["closed_this_week"]) == (1, 1, 1)
    assert sum(day["closed"] for day in summary["days"]) == 1
    league_of = await staff.get("/v1/league", area=str(town.area))
    item = next(item for item in league_of["items"] if item["id"] == str(town.cells[0]))
    assert (item["closed"], item["closed_unresolved"]) == (1, 1)
    text, _ = words(
        (await staff.call("GET", "/v1/circulation.docx", params={"area": str(town.area), "language": "zh-CN"})).content
    )
    assert "未解决、终止办理1起，不计入结案。" in text


async def test_due_and_closed_unresolved_is_a_miss_unless_it_was_void_before(town, database):
    people, staff = await _people(town), await town.person("staff")

    def case(reason, hours):
        at = datetime.now(UTC) - timedelta(days=3)
        deadline = at + timedelta(hours=24)
        told = {"deadline": deadline.isoformat(), "unit": str(town.unit)}
        events = [
            PastEvent("report", None, "reported", at, people[0], "reporter"),
            PastEvent("assign", "reported", "assigned", at + timedelta(hours=1), people[1], "leader", told),
            PastEvent(
                "close_unresolved", "assigned", "closed", at + timedelta(hours=hours), people[1], "staff", {"reason_code": reason}
            ),
        ]
        return finished(
            Past(
                id=uuid.uuid4(), category="litter", lat=town.lat + 0.005, lon=town.lon + 0.005, opened_at=at, reporter_id=people[0],
                state="", events=events, unit_id=town.unit, deadline=deadline,
            )
        )  # fmt: skip

    cases = [case(reason, 5) for reason in ("duplicate", "not_our_matter", "gone", "cannot_be_mended", "other")]
    cases += [case("duplicate", 30), case("not_our_matter", 30)]
    async with database.transaction() as connection:
        await load(connection, cases, town.area)
    found = await staff.get("/v1/league", area=str(town.area), of="units")
    assert (found["items"][0]["on_time"]["part"], found["items"][0]["due"]) == (0, 5)


async def test_what_could_not_be_mended_does_not_come_back_but_what_was_gone_does(town, database):
    from app.issues import recurrence

    for reason, times in (("cannot_be_mended", 0), ("gone", 1)):
        _, _, staff = await _ended(town, reason)
        place = {"lat": town.lat + 0.005, "lon": town.lon + 0.005}
        fresh = (await staff.report(**town.body(position=place, observed_at=datetime.now(UTC).isoformat())))["issue"]["id"]
        await recurrence.follow(database)
        assert (await staff.get(f"/v1/issues/{fresh}"))["recurrences"] == times, reason


async def test_the_reporter_is_not_told_that_it_was_closed(town, database):
    volunteer, staff = await town.person("volunteer", language="zh-CN"), await town.person("staff")
    issue = (await volunteer.report(**town.body(place="东浦巷12号")))["issue"]["id"]
    await staff.act(issue, "close_unresolved", reason_code="cannot_be_mended", reason="产权不明")
    await follow(database)
    (notice,) = [n for n in (await volunteer.get("/v1/notices"))["items"] if n["kind"] == "closed_unresolved"]
    assert "结案" not in notice["text"] and "终止办理" in notice["text"]


def test_ranks_go_by_the_score_before_it_is_rounded():
    def row(name, on_time, due):
        counts = dict.fromkeys(("found", "closed", "closed_unresolved", "open", "overdue", "reworked", "came_back"), 0)
        return counts | {
            "id": name, "name": name, "due": due, "on_time": on_time, "on_time_extended": on_time, "first_time": on_time, "lasting": on_time
        }  # fmt: skip

    names = ["on_time", "on_time_extended", "first_time", "lasting", "rework", "recurrence"]
    found = league.ranked(
        [row("a", 100_000, 100_001), row("b", 100_001, 100_002), row("c", 4, 4), row("d", 5, 5), row("e", 5, 5)], names
    )
    items = {item["name"]: item for item in found["items"]}
    assert items["a"]["score"] == items["b"]["score"] and items["b"]["rank"] < items["a"]["rank"]
    # Four that were due have no rank; equal scores share one.
    assert items["c"]["rank"] is None and items["d"]["rank"] == items["e"]["rank"] == 1
