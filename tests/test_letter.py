"""The letter of handover: what an office writes to an authority, as a page and as a Word file, each of its own handing over."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from html import unescape
from xml.etree import ElementTree

import docx
import pytest

from tests.pictures import encode, scene


def told(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", page.split("<body>", 1)[1]))


def said(content: bytes) -> tuple[str, int]:
    """The words of a Word file, and how many pictures it holds; every part of it is sound XML."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        for name in file.namelist():
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(file.read(name))
        document = ElementTree.fromstring(file.read("word/document.xml"))
        return "".join(document.itertext()), sum(name.startswith("word/media/") for name in file.namelist())


def day(at: datetime) -> str:
    """A day at the town's place, as an office writes it."""
    at = at + timedelta(hours=8)
    return f"{at.year}年{at.month}月{at.day}日"


def ahead(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def letter(person, issue: str, **asked) -> str:
    answer = await person.call("GET", f"/v1/issues/{issue}/handover-letter.html", params=asked)
    assert answer.status_code == 200, answer.text
    return told(answer.text)


async def word(person, issue: str, **asked) -> tuple[str, int]:
    answer = await person.call("GET", f"/v1/issues/{issue}/handover-letter.docx", params=asked)
    assert answer.status_code == 200, answer.text
    assert "handover-letter.docx" in answer.headers["content-disposition"]
    return said(answer.content)


async def handed_over(town, reporter, leader, authority="县交警大队", reply_by=None, note=None, **changes) -> str:
    body = town.body(**({"category": "illegal_parking", "place": "人民东路", "note": "车辆占道"} | changes))
    issue = (await reporter.report(**body))["issue"]["id"]
    await leader.act(issue, "accept")
    fields = {"authority": authority, "reply_by": (reply_by or ahead(3)).isoformat()} | (
        {"note": note} if note is not None else {}
    )
    await leader.act(issue, "hand_over", **fields)
    return issue


async def zh(town, *roles: str):
    return [await town.person(role, language="zh-CN") for role in roles]


async def test_a_letter_asks_what_the_note_asks_and_closes_as_offices_do(town):
    volunteer, leader, staff = await zh(town, "volunteer", "leader", "staff")
    until = ahead(3)
    issue = await handed_over(town, volunteer, leader, reply_by=until, note="请在人民东路增设禁停标志。\n并安排早晚高峰值守。")
    page, (docx, _) = await letter(staff, issue), await word(staff, issue)
    for words in (
        "关于商请协助处理人民东路机动车乱停放问题的函", "县交警大队：", "商请事项：请在人民东路增设禁停标志。", "并安排早晚高峰值守。",
        f"于{day(until)}前函复", "书面函复。", "特此函告。", "情况说明：车辆占道", "网格1", day(datetime.now(UTC)), "联系人：", "电话：",
        "回　　执", "回复单位（盖章）", "办理情况", "经办人", "附件：回执",
    ):  # fmt: skip
        assert words in page, words
        assert words in docx, words


async def test_a_signature_never_stands_on_a_sheet_without_text(town):
    volunteer, leader, staff = await zh(town, "volunteer", "leader", "staff")
    issue = await handed_over(town, volunteer, leader)
    answer = await staff.call("GET", f"/v1/issues/{issue}/handover-letter.docx")
    paragraphs = docx.Document(io.BytesIO(answer.content)).paragraphs
    signed = next(n for n, paragraph in enumerate(paragraphs) if paragraph.text == day(datetime.now(UTC)))
    # Up to the signature's last line each keeps with the next: the formula that closes the letter goes along.
    kept = [paragraph.paragraph_format.keep_with_next for paragraph in paragraphs[signed - 4 : signed]]
    assert kept == [True] * 4 and "特此函告。" in [paragraph.text for paragraph in paragraphs[signed - 4 : signed]]


async def test_a_letter_tells_days_and_no_hours(town):
    volunteer, leader = await zh(town, "volunteer", "leader")
    issue = await handed_over(town, volunteer, leader, note="请处理。")
    for text in (await letter(leader, issue), (await word(leader, issue))[0]):
        assert not re.search(r"\d{1,2}:\d{2}|\d{4}-\d{2}-\d{2}", text)


async def test_a_letter_without_a_note_still_asks_for_something(town):
    volunteer, leader = await zh(town, "volunteer", "leader")
    issue = await handed_over(town, volunteer, leader)
    assert "商请事项：请贵单位依职责协调处理上述机动车乱停放问题。" in await letter(leader, issue)


async def test_the_issuing_body_and_its_contact_are_the_areas_to_set(town):
    volunteer, leader, staff, inspector = await zh(town, "volunteer", "leader", "staff", "inspector")
    issue = await handed_over(town, volunteer, leader)
    before = await letter(leader, issue)
    assert f"社区 {town.area.hex[:8]}" in before and "联系人：leader某　电话：＿＿＿＿＿＿＿＿" in before
    path = f"/v1/areas/{town.area}/office"
    mine = {"issuer": "东浦社区居民委员会", "contact": "李主任", "phone": "0877-6600110", "open_reports": False}
    for _ in range(2):
        assert (await staff.call("PUT", path, json=mine)).json() == mine | {"area": str(town.area), "publishes": "nothing"}
    assert (await inspector.get(path)) == mine | {"area": str(town.area), "publishes": "nothing"}
    page = await letter(leader, issue)
    assert "东浦社区居民委员会发现" in page and "（联系人：李主任　电话：0877-6600110）" in page
    assert f"东浦社区居民委员会{day(datetime.now(UTC))}" in page


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"phone": "1" * 41}, "/phone"), ({"contact": "a\x00"}, "/contact"), ({"issuer": 7}, "/issuer"), ({"fax": "1"}, "/fax")],
)
async def test_bad_settings_of_the_office_are_refused_by_name(town, body, pointer):
    staff = await town.person("staff")
    answer = await staff.call("PUT", f"/v1/areas/{town.area}/office", json=body)
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer


async def test_the_office_of_another_area_is_nobody_elses(town):
    staff, path = await town.person("staff"), f"/v1/areas/{uuid.uuid4()}/office"
    assert (await staff.call("GET", path)).status_code == 404
    assert (await staff.call("PUT", path, json={"phone": "1"})).status_code == 404
    assert (await (await town.person("volunteer")).call("PUT", path, json={})).status_code == 403


async def test_each_letter_is_of_its_own_handing_over(town):
    volunteer, leader, staff = await zh(town, "volunteer", "leader", "staff")
    first, second = ahead(3), ahead(9)
    issue = await handed_over(town, volunteer, leader, reply_by=first, note="请拖移车辆。")
    await staff.act(issue, "reply", to="accepted", note="已安排")
    assert "县交警大队：" in await letter(leader, issue)  # also when the reply is there
    await staff.act(issue, "relocate", position=town.body(cell=1)["position"], place="环城南路")
    await staff.act(issue, "reclassify", category="non_motor_parking")
    await staff.act(issue, "hand_over", authority="县城市管理局", reply_by=second.isoformat(), note="请清理。")
    steps = (await staff.get(f"/v1/issues/{issue}/timeline"))["items"]
    one, two = [step["version"] for step in steps if step["action"] == "hand_over"]
    for version, has, lacks in (
        (
            one,
            ("县交警大队：", "请拖移车辆。", f"于{day(first)}前", "人民东路机动车乱停放", "网格1"),
            ("县城市管理局", "环城南路", "请清理"),
        ),
        (
            two,
            ("县城市管理局：", "请清理。", f"于{day(second)}前", "环城南路非机动车乱停放", "网格2"),
            ("县交警大队", "人民东路"),
        ),
    ):
        for text in (await letter(staff, issue, handover=version), (await word(staff, issue, handover=version))[0]):
            assert all(words in text for words in has) and not any(words in text for words in lacks)
    assert "县城市管理局：" in await letter(staff, issue)
    assert (await staff.call("GET", f"/v1/issues/{issue}/handover-letter.html", params={"handover": one + 1})).status_code == 404


async def test_a_letter_shows_the_scene_and_the_authoritys_address(town, do_jobs):
    volunteer, leader, staff = await zh(town, "volunteer", "leader", "staff")
    entry = {"area": str(town.area), "name": "县交警大队", "phone": "0877-1234567", "address": "环城南路 1 号"}
    assert (await staff.call("PUT", f"/v1/authorities/{uuid.uuid4()}", json=entry)).status_code == 200
    before, after = str(uuid.uuid4()), str(uuid.uuid4())
    issue = await handed_over(town, volunteer, leader, place="人民东路<b>", note="车辆占道 & 堵塞", photos=[before])
    await staff.act(issue, "reply", to="rectified", note="已处理", photos=[after])
    for person, photo, seed in ((volunteer, before, 88), (staff, after, 89)):
        await person.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=seed)))
    await do_jobs()
    answer = await leader.call("GET", f"/v1/issues/{issue}/handover-letter")
    assert answer.text.count("data:image/jpeg;base64,") == 1 and "人民东路&lt;b&gt;" in answer.text
    assert "车辆占道 &amp; 堵塞" in answer.text and "default-src 'none'" in answer.headers["content-security-policy"]
    page = told(answer.text)
    assert "送：县交警大队　0877-1234567 环城南路 1 号" in page and "附件：1.现场照片" in page and "volunteer某" not in page
    _, pictures = await word(leader, issue)
    assert pictures == 1


async def test_a_letter_of_a_merged_issue_keeps_what_it_said(town, do_jobs):
    volunteer, leader, staff = await zh(town, "volunteer", "leader", "staff")
    photo = str(uuid.uuid4())
    issue = await handed_over(town, volunteer, leader, note="请拖移车辆。", photos=[photo])
    await volunteer.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=90)))
    await do_jobs()
    others = [(await volunteer.report(**town.body(category="illegal_parking")))["issue"]["id"] for _ in range(2)]
    await leader.act(issue, "merge", into=others[0])
    await leader.act(others[0], "merge", into=others[1])
    assert "请拖移车辆。" in await letter(staff, issue)
    assert (await word(staff, issue))[1] == 1


async def test_a_letter_is_for_who_may_hand_over(town):
    volunteer, leader, staff = await zh(town, "volunteer", "leader", "staff")
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    for path in ("handover-letter", "handover-letter.html", "handover-letter.docx"):
        assert (await staff.call("GET", f"/v1/issues/{issue}/{path}")).status_code == 404  # never handed over
    await leader.act(issue, "accept")
    await leader.act(issue, "hand_over", authority="县交警大队", reply_by=ahead(2).isoformat())
    others = [await town.person("leader", cell=1), volunteer, await town.person("worker"), await town.person(None)]
    for path in ("handover-letter", "handover-letter.html", "handover-letter.docx"):
        for person in others:
            assert (await person.call("GET", f"/v1/issues/{issue}/{path}")).status_code == 404
        assert (await leader.call("GET", f"/v1/issues/{issue}/{path}")).status_code == 200


@pytest.mark.parametrize(
    "asked", [{"handover": "first"}, {"handover": "0"}, {"handover": str(2**40)}, {"version": "1"}, {"language": "fr"}]
)
async def test_what_a_letter_is_not_asked_is_refused_by_name(town, asked):
    volunteer, leader = await zh(town, "volunteer", "leader")
    issue = await handed_over(town, volunteer, leader)
    for form in ("html", "docx"):
        answer = await leader.call("GET", f"/v1/issues/{issue}/handover-letter.{form}", params=asked)
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"].endswith(next(iter(asked)))


@pytest.mark.parametrize(
    "note",
    [
        "<w:p>&amp;]]></w:p><script>alert(1)</script>", "控制\u0007字符\u001b与\u000b制表", "请\U0001f6a7处理\U0001f468\u200d\U0001f469",
        "反向\u202e字符\u2066标记\u200f", "长" * 4000, "一\r\n二\u2028三\n\n\n四", "\ufffe\uffff非字符",
    ],
)  # fmt: skip
async def test_any_note_makes_a_letter(town, note):
    volunteer, leader = await zh(town, "volunteer", "leader")
    place = f"东浦巷\n<12>\u202e号\u0007{note[:20]}"
    issue = await handed_over(town, volunteer, leader, authority="物业<&>公司", note=note, place=place)
    answer = await leader.call("GET", f"/v1/issues/{issue}/handover-letter.html")
    assert "<script" not in answer.text and not re.search("[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]", answer.text)
    page, (docx, _) = told(answer.text), await word(leader, issue)
    for text in (page, docx):
        assert "物业<&>公司：" in text and "特此函告。" in text and "回　　执" in text
        if note.startswith("长"):
            assert note in text


async def test_a_place_too_long_for_a_title_stands_in_the_letter_alone(town):
    volunteer, leader = await zh(town, "volunteer", "leader")
    place = "人民东路与环城南路交叉口东北角第三棵行道树旁边的公交站台背后停车位" * 4
    issue = await handed_over(town, volunteer, leader, place=place, category="other")
    page = await letter(leader, issue)
    assert "关于商请协助处理网格1其他问题的函" in page and place in page


async def test_a_letter_in_english_says_the_same(town):
    volunteer, leader = [await town.person(role) for role in ("volunteer", "leader")]
    until = ahead(4)
    issue = await handed_over(town, volunteer, leader, authority="Traffic police", reply_by=until, note="Please tow the cars.")
    page, (docx, _) = await letter(leader, issue), await word(leader, issue)
    local = until + timedelta(hours=8)
    for words in ("Request for help", "To: Traffic police", "What we ask: Please tow the cars.", f"by {local.day} {local:%B %Y}",
                  "Slip for the reply", "Contact: leader某"):  # fmt: skip
        assert words in page, words
        assert words in docx, words
    chinese = await letter(leader, issue, language="zh-CN")
    assert "特此函告。" in chinese
