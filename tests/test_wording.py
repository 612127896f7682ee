"""The weekly summary and the findings are worded as an office words them."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from app.issues.history import Past, PastEvent, load
from app.office import wording
from app.settings import settings
from tests.test_papers import words


def past(town, people, category="litter", place="东浦巷12号", unit=None, handed=None, hours=None, n=0):
    """An open issue of two days ago: with a unit, overdue, or handed over to an authority that owes a reply."""
    at = datetime.now(UTC) - timedelta(hours=40, minutes=n)
    events = [PastEvent("report", None, "reported", at, people[0], "reporter")]
    case = Past(
        id=uuid.uuid4(), category=category, lat=town.lat + 0.005, lon=town.lon + 0.005, opened_at=at, reporter_id=people[0],
        state="reported", events=events, place=place, unit_id=unit,
    )  # fmt: skip
    later = at + timedelta(minutes=30)
    if unit:
        case.deadline = at + timedelta(hours=hours or 400)
        told = {"deadline": case.deadline.isoformat(), "unit": str(unit)}
        events.append(PastEvent("assign", "reported", "assigned", later, people[1], "leader", told))
    if handed:
        case.authority, case.reply_by = handed, at + timedelta(hours=hours or 400)
        told = {"authority": handed, "reply_by": case.reply_by.isoformat()}
        events.append(PastEvent("hand_over", events[-1].to, "handed_over", later, people[1], "leader", told))
    case.state = events[-1].to
    return case


async def written(town, database, cases):
    """The clauses of this week's summary after these cases, part by part."""
    async with database.transaction() as connection:
        await load(connection, cases, town.area)
    staff = await town.person("staff", language="zh-CN")
    paper = await staff.get("/v1/summaries/weekly.json", area=str(town.area), language="zh-CN")
    return [[clause["text"] for clause in part["clauses"]] for part in paper["parts"]], paper, staff


async def _people(town):
    return [(await town.person(role)).id for role in ("volunteer", "leader")]


async def _unit(town, database, name, kind):
    unit = uuid.uuid4()
    async with database.transaction() as connection:
        await connection.execute("insert into units values ($1, $2, $3, $4, '')", unit, town.area, name, kind)
    return unit


async def test_the_paper_has_an_addressee_an_opening_and_a_signature(town, database):
    _, paper, staff = await written(town, database, [])
    assert paper["addressee"] == "街道（创文办）：" and paper["issuer"]
    assert paper["opening"] == "按照创建全国文明城市工作要求，现将本周工作总结如下："
    text, _ = words(
        (await staff.call("GET", "/v1/summaries/weekly.docx", params={"area": str(town.area), "language": "zh-CN"})).content
    )
    assert text.index("街道（创文办）：") < text.index("现将本周工作总结如下：") < text.index("一、本周创文工作开展情况")


async def test_the_addressee_is_a_setting_and_can_be_edited(town, database, monkeypatch):
    monkeypatch.setattr(settings(), "addressee", "县创文办：")
    _, paper, staff = await written(town, database, [])
    assert paper["addressee"] == "县创文办："
    body = {"area": str(town.area), "week": paper["week"], "language": "zh-CN", "title": "x", "parts": paper["parts"]}
    issued = await staff.call("PUT", "/v1/summaries/weekly", json=body | {"addressee": "县委宣传部：", "opening": "现总结如下："})
    assert (issued.json()["addressee"], issued.json()["opening"]) == ("县委宣传部：", "现总结如下：")


async def test_figures_have_their_units_and_cells_are_walked_not_visited(town, database):
    volunteer = await town.person("volunteer")
    start = datetime.now(UTC) - timedelta(minutes=30)
    walk = {"started_at": start.isoformat(), "ended_at": datetime.now(UTC).isoformat(), "people": 11}
    assert (await volunteer.call("PUT", f"/v1/patrols/{uuid.uuid4()}", json=walk)).status_code == 201
    async with database.transaction() as connection:
        await connection.execute(
            "insert into patrol_cells (patrol_id, cell_id, first_at) select id, $2, counted_at from patrols where account_id = $1",
            volunteer.id, town.cells[0],
        )  # fmt: skip
    (one, two, three), _, _ = await written(town, database, [])
    assert "组织志愿者巡查11人次（较上周同期增加11人次），巡查网格1个（辖区共2个）。" in one
    assert "本周有1个网格未开展巡查：网格2。" in two
    assert "安排志愿者对网格2开展巡查，做到网格巡查全覆盖。" in three


async def test_all_of_a_place_that_came_back_is_not_said_to_be_some_of_it(town, database):
    people = await _people(town)
    cases = [past(town, people, n=n) for n in range(5)]
    async with database.transaction() as connection:
        await load(connection, cases, town.area)
        await connection.execute("update issues set recurrences = 1 where area_id = $1", town.area)
    (_, two, three), _, _ = await written(town, database, [])
    assert two[0] == "东浦巷垃圾5起，均为反复出现。"
    assert three[0] == "针对东浦巷垃圾等反复出现的问题，联合主管部门开展集中整治。"


async def test_overdue_is_told_by_unit_with_units_of_figures(town, database):
    people = await _people(town)
    units = [await _unit(town, database, name, "school") for name in ("一中", "二中", "三中", "四中")]
    cases = [past(town, people, unit=unit, hours=2, n=n) for n, unit in enumerate([*units[:1] * 3, *units[1:2] * 2, *units[2:]])]
    (_, two, three), paper, _ = await written(town, database, cases)
    assert "超期未整改7起，其中：一中3起、二中2起、三中1起、其他单位1起。" in two or (
        "超期未整改7起，其中：一中3起、二中2起、四中1起、其他单位1起。" in two
    )
    assert any(text.startswith("督促一中（3起）、二中（2起）") for text in three)
    assert sum(row["n"] for row in paper["figures"]["remains"]["units"]) == 7


async def test_a_bureau_is_not_pressed_by_a_community(town, database):
    people = await _people(town)
    bureau = await _unit(town, database, "县城市管理局", "bureau")
    (_, two, three), _, _ = await written(town, database, [past(town, people, unit=bureau, hours=2, n=n) for n in range(2)])
    assert "超期未整改2起，其中：县城市管理局2起。" in two
    assert "提请街道（创文办）协调县城市管理局（2起）限期完成超期问题的整改。" in three
    assert not any(text.startswith("督促县城市管理局") for text in three)


async def test_an_authority_is_asked_for_its_reply_by_name(town, database):
    people = await _people(town)
    late = [past(town, people, handed="县交警大队", hours=2, n=n) for n in range(2)]
    (one, _, three), _, _ = await written(town, database, [*late, past(town, people, handed="县住建局", n=5)])
    assert any("待回复3起（县交警大队2起、县住建局1起）" in text for text in one)
    assert "逾期未回复的问题2起，商请相关部门尽快函复：县交警大队2起。" in three


@pytest.mark.parametrize(
    ("category", "answer"),
    [
        ("street_lamp", "协调供电部门检修线路，解决东浦巷路灯不亮等问题。"),
        ("street_vending", "针对东浦巷占道经营等问题安排错时定点值守，引导摊贩入市经营。"),
        ("no_litter_bin", "协调环卫部门增设垃圾桶，解决东浦巷"),
        ("broken_paving", "协调市政管护单位对东浦巷路面破损等问题进行修补。"),
        ("fire_lane", "立即排查处置东浦巷消防通道堵塞等安全隐患，处置完毕前安排专人值守。"),
        ("damaged_sign", "协调设施管护单位对东浦巷标志牌损坏等问题进行维修、更换。"),
    ],
)
async def test_each_kind_is_answered_by_what_helps_against_it(town, database, category, answer):
    (_, _, three), _, _ = await written(town, database, [past(town, await _people(town), category=category)])
    assert three[0].startswith(answer) and "蹲守" not in "".join(three)


async def test_a_cause_is_named_where_something_is_overdue(town, database):
    people = await _people(town)
    cases = [past(town, people, category="street_vending", unit=town.unit, hours=2)]
    (_, two, _), _, _ = await written(town, database, cases)
    assert "从原因看，部分经营户创文意识有待加强。" in two


async def test_a_week_that_is_over_and_left_nothing_says_so(town):
    staff = await town.person("staff", language="zh-CN")
    week = date.today() - timedelta(days=14)
    async with town.database.transaction() as connection:
        for cell in town.cells:
            await connection.execute("update cells set retired_at = now() where id = $1", cell)
    paper = await staff.get("/v1/summaries/weekly.json", area=str(town.area), week=str(week), language="zh-CN")
    assert [clause["text"] for clause in paper["parts"][1]["clauses"]] == ["截至本周日，无未整改问题。"]


def test_names_are_sorted_by_the_numbers_in_them():
    names = ["网格十一组", "网格二十组", "网格十组", "网格十二组", "网格二组", "网格一百零五组"]
    assert sorted(names, key=wording.in_order) == [
        "网格二组",
        "网格十组",
        "网格十一组",
        "网格十二组",
        "网格二十组",
        "网格一百零五组",
    ]
    assert sorted(["第10网格", "第9网格", "第１１网格"], key=wording.in_order) == ["第9网格", "第10网格", "第１１网格"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("十", 10), ("二十", 20), ("二十一", 21), ("一百零五", 105), ("一百一十", 110), ("二〇三", 203), ("12", 12)],
)
def test_numbers_in_chinese_are_read(text, number):
    assert wording.number(text) == number
