"""What is said to be mended is closed when the photograph that its category demands is here, and whoever owes it is told."""

import asyncio
import io
import uuid
import zipfile
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.notices import telling
from tests.conftest import PICTURE
from tests.pictures import ASCII, RATIONAL, encode, png, saying, scene

KIND = "black_spot"  # a category that demands a photograph afterwards


async def put(person, photo, content=PICTURE):
    return await person.call("PUT", f"/v1/photos/{photo}", content=content)


async def mended(town, photo=None):
    """Volunteer, leader, worker and an issue whose photograph of what was mended has not arrived; its id."""
    people = [await town.person(role) for role in ("volunteer", "leader", "worker")]
    volunteer, leader, worker = people
    issue = (await volunteer.report(**town.body(category=KIND)))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    photo = photo or str(uuid.uuid4())
    await worker.act(issue, "rectify", arrive=False, photos=[photo])
    return *people, issue, photo


async def on_the_spot(town, person, photo, **changes):
    body = town.body(category=KIND, mended_on_the_spot=True, photos=[photo], **changes)
    return (await person.report(**body))["issue"]


async def volunteers_may_close(town, staff):
    rule = {"area": str(town.area), "volunteer_may_close": True}
    answer = await staff.call("PUT", f"/v1/assignment-rules/{uuid.uuid4()}", json=rule)
    assert answer.status_code == 200, answer.text


async def told(database, person):
    await telling.follow(database)
    return [notice["kind"] for notice in (await person.get("/v1/notices"))["items"]]


async def test_no_check_while_the_photograph_is_missing(town):
    volunteer, leader, worker, issue, photo = await mended(town)
    seen = await leader.get(f"/v1/issues/{issue}")
    assert seen["evidence_missing"] is True
    assert "verify" not in seen["actions"] and "send_back" in seen["actions"]
    for person in (leader, volunteer):
        refused = await person.act(issue, "verify", expect=409)
        assert refused["type"] == "/problems/evidence-missing"
        assert refused["missing"] == [{"id": photo, "state": "awaited"}]
        assert "verify" not in refused["actions"] and refused["issue"]["state"] == "rectified"
    assert (await put(worker, photo)).status_code == 201
    seen = await leader.get(f"/v1/issues/{issue}")
    assert seen["evidence_missing"] is False and "verify" in seen["actions"]
    assert (await leader.act(issue, "verify"))["state"] == "closed"


async def test_a_category_that_demands_none_is_checked_without(town):
    volunteer, leader, worker = [await town.person(role) for role in ("volunteer", "leader", "worker")]
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    rectified = await worker.act(issue, "rectify", arrive=False, photos=[str(uuid.uuid4())])
    assert rectified["evidence_missing"] is False
    assert (await leader.act(issue, "verify"))["state"] == "closed"


async def test_a_refused_photograph_is_missing_until_a_good_one_comes(town):
    _, leader, worker, issue, photo = await mended(town)
    assert (await put(worker, photo, PICTURE[: len(PICTURE) // 2])).status_code == 422
    refused = await leader.act(issue, "verify", expect=409)
    assert refused["type"] == "/problems/evidence-damaged"
    assert refused["missing"] == [{"id": photo, "state": "refused"}]
    await put(worker, photo)
    assert (await leader.act(issue, "verify"))["state"] == "closed"


async def test_a_damaged_photograph_is_missing_and_its_owner_is_told(town, do_jobs, database):
    _, leader, worker, issue, photo = await mended(town)
    assert (await put(worker, photo, png(32, 32, 8, 2, b"nothing"))).status_code == 201
    await do_jobs()
    refused = await leader.act(issue, "verify", expect=409)
    assert refused["type"] == "/problems/evidence-damaged"
    assert (await leader.get(f"/v1/issues/{issue}"))["evidence_missing"] is True
    assert "photo_damaged" in await told(database, worker)
    await put(worker, photo)
    await do_jobs()
    assert (await leader.act(issue, "verify"))["state"] == "closed"


async def test_a_photograph_of_an_earlier_rectification_proves_nothing(town):
    _, leader, worker, issue, photo = await mended(town)
    await put(worker, photo)
    await leader.act(issue, "send_back", reason="没有清理干净")
    again = await worker.act(issue, "rectify", expect=422, photos=[photo])
    assert again["errors"][0]["pointer"] == "/photos"
    await worker.act(issue, "rectify", arrive=False, photos=[str(uuid.uuid4())])
    assert (await leader.act(issue, "verify", expect=409))["type"] == "/problems/evidence-missing"


async def test_the_photograph_of_before_proves_nothing(town):
    volunteer, leader, worker = [await town.person(role) for role in ("volunteer", "leader", "worker")]
    before = str(uuid.uuid4())
    issue = (await volunteer.report(**town.body(category=KIND, photos=[before])))["issue"]["id"]
    await put(volunteer, before)
    await leader.act(issue, "assign", unit=str(town.unit))
    for person in (worker, leader):
        refused = await person.act(issue, "rectify", expect=422, arrive=False, photos=[before])
        assert refused["errors"][0]["pointer"] == "/photos" and refused["errors"][0]["message"]


async def test_the_photograph_of_another_issue_proves_nothing(town):
    _, leader, worker, first, photo = await mended(town)
    await put(worker, photo)
    second = (await leader.report(**town.body(category=KIND)))["issue"]["id"]
    await leader.act(second, "assign", unit=str(town.unit))
    refused = await worker.act(second, "rectify", expect=422, arrive=False, photos=[photo])
    assert refused["errors"][0]["pointer"] == "/photos"
    # A report cannot be refused for it: it waits.
    third = await on_the_spot(town, worker, photo)
    assert third["state"] == "rectified" and third["evidence_missing"]
    assert (await leader.act(third["id"], "verify", expect=409))["type"] == "/problems/evidence-missing"
    assert (await leader.act(first, "verify"))["state"] == "closed"


async def test_an_authoritys_reply_needs_its_photograph_too(town):
    staff, leader = await town.person("staff"), await town.person("leader")
    issue = (await leader.report(**town.body(category=KIND)))["issue"]["id"]
    await leader.act(issue, "accept")
    await leader.act(issue, "hand_over", authority="县交警大队", reply_by=(datetime.now(UTC) + timedelta(days=3)).isoformat())
    photo = str(uuid.uuid4())
    fields = {"to": "rectified", "note": "已处理", "photos": [photo]}
    assert (await staff.act(issue, "reply", arrive=False, **fields))["evidence_missing"]
    await leader.act(issue, "verify", expect=409)
    await put(staff, photo)
    assert (await leader.act(issue, "verify"))["state"] == "closed"


async def test_mended_on_the_spot_closes_when_its_photograph_arrives(town):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    await volunteers_may_close(town, staff)
    photo = str(uuid.uuid4())
    issue = await on_the_spot(town, volunteer, photo)
    assert issue["state"] == "rectified" and issue["evidence_missing"] and issue["closed_at"] is None
    assert issue == await volunteer.get(f"/v1/issues/{issue['id']}")
    await put(volunteer, photo)
    closed = await volunteer.get(f"/v1/issues/{issue['id']}")
    assert closed["state"] == "closed" and closed["closed_at"] and not closed["evidence_missing"]
    last = (await staff.get(f"/v1/issues/{issue['id']}/timeline"))["items"][-1]
    assert (last["action"], last["from"], last["to"]) == ("photo", "rectified", "closed")


async def test_mended_on_the_spot_is_closed_at_once_with_a_photograph_that_is_here(town):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    await volunteers_may_close(town, staff)
    photo = str(uuid.uuid4())
    await put(volunteer, photo)
    issue = await on_the_spot(town, volunteer, photo)
    assert issue["state"] == "closed" and issue["closed_at"] and not issue["evidence_missing"]


async def test_a_joining_report_closes_when_its_photograph_arrives(town):
    volunteer, second, staff = [await town.person(r) for r in ("volunteer", "volunteer", "staff")]
    await volunteers_may_close(town, staff)
    issue = (await volunteer.report(**town.body(category=KIND)))["issue"]["id"]
    photo = str(uuid.uuid4())
    joined = await on_the_spot(town, second, photo, issue_id=issue)
    assert joined["id"] == issue and joined["state"] == "rectified" and joined["evidence_missing"]
    await put(second, photo)
    assert (await second.get(f"/v1/issues/{issue}"))["state"] == "closed"


@pytest.mark.parametrize("photo_first", [False, True])
async def test_what_a_damaged_photograph_closed_waits_to_be_checked(town, do_jobs, database, photo_first):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    await volunteers_may_close(town, staff)
    photo, ruin = str(uuid.uuid4()), png(32, 32, 8, 2, b"nothing to see" + bytes([photo_first]))
    if photo_first:
        await put(volunteer, photo, ruin)
    issue = (await on_the_spot(town, volunteer, photo))["id"]
    if not photo_first:
        await put(volunteer, photo, ruin)
    assert (await staff.get(f"/v1/issues/{issue}"))["state"] == "closed"
    await do_jobs()
    seen = await staff.get(f"/v1/issues/{issue}")
    assert seen["state"] == "rectified" and seen["evidence_missing"] and seen["closed_at"] is None
    assert "photo_damaged" in await told(database, volunteer)
    await put(volunteer, photo)
    assert (await staff.get(f"/v1/issues/{issue}"))["state"] == "closed"


async def test_what_somebody_verified_stays_closed(town, do_jobs):
    _, leader, worker, issue, photo = await mended(town)
    await put(worker, photo, png(32, 32, 8, 2, b"nothing at all"))
    await leader.act(issue, "verify")
    await do_jobs()
    seen = await leader.get(f"/v1/issues/{issue}")
    assert seen["state"] == "closed" and seen["photos"][0]["state"] == "damaged"


async def test_where_a_volunteer_may_not_close_the_photograph_does_not(town):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    photo = str(uuid.uuid4())
    issue = await on_the_spot(town, volunteer, photo)
    await put(volunteer, photo)
    seen = await leader.get(f"/v1/issues/{issue['id']}")
    assert seen["state"] == "rectified" and "verify" in seen["actions"]


async def test_the_list_of_what_lacks_its_photograph(town):
    _, leader, worker, issue, photo = await mended(town)
    await leader.report(**town.body(category=KIND))
    listed = (await leader.get("/v1/issues", photos="missing", area=str(town.area)))["items"]
    assert [item["id"] for item in listed] == [issue]
    staff = await town.person("staff")
    ledger = (await staff.call("GET", f"/v1/ledger.csv?photos=missing&area={town.area}")).text
    assert listed[0]["number"] in ledger and len(ledger.strip().splitlines()) == 2
    assert (await leader.call("GET", "/v1/issues?photos=here")).status_code == 422
    await put(worker, photo)
    assert (await leader.get("/v1/issues", photos="missing"))["items"] == []


async def test_what_never_arrived_may_be_brought_with_a_comment(town):
    _, leader, worker, issue, _ = await mended(town)
    other = str(uuid.uuid4())
    await put(leader, other)
    await leader.act(issue, "comment", note="现场看过", photos=[other])
    assert (await leader.get(f"/v1/issues/{issue}"))["evidence_missing"]
    another = str(uuid.uuid4())
    await put(worker, another)
    await worker.act(issue, "comment", note="补传", photos=[another])
    seen = await leader.get(f"/v1/issues/{issue}")
    assert not seen["evidence_missing"]
    assert {p["id"]: p["kind"] for p in seen["photos"]}[another] == "after"
    assert (await leader.act(issue, "verify"))["state"] == "closed"


async def test_whoever_owes_the_photograph_is_told_once(town, do_jobs, database, app):
    from app.photos.darkroom import Darkroom
    from app.photos.work import Means, remind

    _, leader, worker, issue, _ = await mended(town)
    means = Means(database, app.state.photos, Darkroom())
    await remind(means)
    assert "photo_missing" not in await told(database, worker)
    async with database.transaction() as connection:
        for table, column in (("issues", "rectified_at"), ("evidence", "at")):
            key = "id" if table == "issues" else "issue_id"
            await connection.execute(
                f"update {table} set {column} = {column} - interval '5 hours' where {key} = $1", uuid.UUID(issue)
            )
    for _ in range(2):
        await remind(means)
    assert (await told(database, worker)).count("photo_missing") == 1
    assert "photo_missing" not in await told(database, leader)


async def test_a_photograph_and_a_check_at_once(town):
    for n in range(12):
        _, leader, worker, issue, photo = await mended(town)
        work = [put(worker, photo), leader.call("POST", f"/v1/issues/{issue}/actions", json={"action": "verify"})]
        arrived, checked = await asyncio.gather(*work) if n % 2 else (await asyncio.gather(*work[::-1]))[::-1]
        assert arrived.status_code == 201 and checked.status_code in (200, 409), checked.text
        seen = await leader.get(f"/v1/issues/{issue}")
        assert not seen["evidence_missing"]
        if checked.status_code == 409:
            assert seen["state"] == "rectified" and (await leader.act(issue, "verify"))["state"] == "closed"
        events = (await leader.get(f"/v1/issues/{issue}/timeline"))["items"]
        happened = [e["action"] for e in events]
        assert happened.index("photo") < happened.index("verify")


async def test_on_the_spot_and_its_photograph_at_once_never_close_without_it(town):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    await volunteers_may_close(town, staff)
    for n in range(12):
        photo, report = str(uuid.uuid4()), uuid.uuid4()
        body = town.body(category=KIND, mended_on_the_spot=True, photos=[photo])
        work = [volunteer.call("PUT", f"/v1/reports/{report}", json=body), put(volunteer, photo)]
        answers = await asyncio.gather(*(work if n % 2 else work[::-1]))
        assert [a.status_code for a in answers] == [201, 201]
        seen = await staff.get(f"/v1/issues/{report}")
        assert seen["state"] == "closed" or (seen["state"] == "rectified" and "verify" in seen["actions"])


@pytest.mark.parametrize("days", [0, 400])
async def test_doubts_stand_at_the_photograph_of_what_was_mended(town, days):
    _, leader, worker, issue, photo = await mended(town)
    said = "2024:05:01 10:00:00" if days else None
    exif = {0x9003: (ASCII, said)} if said else {}
    lat, lon = [(40, 1), (0, 1), (0, 1)], [(20, 1), (0, 1), (0, 1)]
    gps = {1: (ASCII, "N"), 2: (RATIONAL, lat), 3: (ASCII, "E"), 4: (RATIONAL, lon)} if days else {}
    content = saying({}, exif, gps) if days else encode(scene(80, 60, 91))
    await put(worker, photo, content)
    (shown,) = (await leader.get(f"/v1/issues/{issue}"))["photos"]
    assert shown["doubts"] == (["far", "old"] if days else [])


# --- on paper -----------------------------------------------------------------------------------------------------------
def doubtful(town, seed):
    """A photograph of 2 March 2008, about 4.2 km north of where the reports of the town are."""
    lat, lon = town.lat + 0.005 + 4.2 / 111.195, town.lon + 0.005
    north, east = "N" if lat > 0 else "S", "E" if lon > 0 else "W"
    degrees = [[(round(abs(value) * 1e6), 1_000_000)] for value in (lat, lon)]
    gps = {1: (ASCII, north), 2: (RATIONAL, degrees[0]), 3: (ASCII, east), 4: (RATIONAL, degrees[1])}
    return saying({}, {0x9003: (ASCII, "2008:03:02 10:00:00")}, gps, seed=seed)


SAID = "拍摄于2008年3月2日，距上报位置4.2公里，存疑"


async def doubtful_issue(town, do_jobs):
    """Staff and an issue, closed, of which both photographs are doubtful."""
    volunteer, leader, worker = [await town.person(role) for role in ("volunteer", "leader", "worker")]
    staff = await town.person("staff", language="zh-CN")
    before, after = str(uuid.uuid4()), str(uuid.uuid4())
    issue = (await volunteer.report(**town.body(category=KIND, photos=[before])))["issue"]
    await put(volunteer, before, doubtful(town, 1))
    await leader.act(issue["id"], "assign", unit=str(town.unit))
    await put(worker, after, doubtful(town, 2))
    await worker.act(issue["id"], "rectify", arrive=False, photos=[after])
    await leader.act(issue["id"], "verify")
    await do_jobs()
    return staff, issue


async def test_a_dossier_says_what_is_doubtful_of_its_photographs(town, do_jobs):
    staff, issue = await doubtful_issue(town, do_jobs)
    page = (await staff.call("GET", f"/v1/issues/{issue['id']}/dossier.html")).text
    assert page.count(f"<span>整改前（{_told_today()}），{SAID}</span>") == 1 and page.count(SAID) >= 2
    word = (await staff.call("GET", f"/v1/issues/{issue['id']}/dossier.docx")).content
    with zipfile.ZipFile(io.BytesIO(word)) as file:
        assert file.read("word/document.xml").decode().count(SAID) == 2


async def test_an_archive_says_what_is_doubtful_of_its_photographs(town, do_jobs):
    staff, issue = await doubtful_issue(town, do_jobs)
    content = (await staff.call("GET", f"/v1/archive.zip?area={town.area}")).content
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert SAID in file.read(f"dossiers/{issue['number']}.html").decode()
        index = file.read("index.html").decode()
    assert "<td>1: 2008-03-02 10:00<br>2: 2008-03-02 10:00</td>" in index
    assert "<td>1: 4.2公里<br>2: 4.2公里</td><td>1: 存疑<br>2: 存疑</td>" in index


async def test_the_weeks_photographs_say_what_is_doubtful(town, do_jobs):
    staff, _ = await doubtful_issue(town, do_jobs)
    monday = date.fromisoformat(_today()) - timedelta(days=date.fromisoformat(_today()).weekday())
    asked = f"area={town.area}&week={monday}&photographs=true"
    page = (await staff.call("GET", f"/v1/summaries/weekly.html?{asked}")).text
    assert page.count(f"<span>整改前（{_told_today()}），{SAID}</span>") == 1 and page.count(SAID) >= 2
    told = (await staff.call("GET", f"/v1/summaries/weekly.json?{asked}")).json()
    (pair,) = told["photographs"]
    assert pair["before_doubts"] == pair["after_doubts"] == ["far", "old"]


async def test_a_photograph_without_doubts_has_no_mark(town, do_jobs):
    volunteer, staff = await town.person("volunteer"), await town.person("staff", language="zh-CN")
    photo = str(uuid.uuid4())
    issue = (await volunteer.report(**town.body(photos=[photo])))["issue"]
    await put(volunteer, photo)
    await do_jobs()
    page = (await staff.call("GET", f"/v1/issues/{issue['id']}/dossier.html")).text
    assert f"<span>整改前（{_told_today()}）</span>" in page and "存疑" not in page


async def test_a_letter_says_what_is_doubtful_of_its_photographs(town, do_jobs):
    volunteer, leader = await town.person("volunteer"), await town.person("leader", language="zh-CN")
    photo = str(uuid.uuid4())
    issue = (await volunteer.report(**town.body(category=KIND, photos=[photo])))["issue"]["id"]
    await put(volunteer, photo, doubtful(town, 1))
    await do_jobs()
    await leader.act(issue, "accept")
    reply_by = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    await leader.act(issue, "hand_over", authority="县交警大队", reply_by=reply_by)
    page = (await leader.call("GET", f"/v1/issues/{issue}/handover-letter.html")).text
    assert page.count(f"整改前（{_told_today()}），{SAID}") >= 1


def _told_today():
    day = date.fromisoformat(_today())
    return f"{day.year}年{day.month}月{day.day}日"


def _today():
    return datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
