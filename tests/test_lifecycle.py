"""The lifecycle table, and each action that does more than change the state."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.issues.lifecycle import ACTIONS, OPEN, STATES, open_actions
from app.kit.language import TEXTS


def soon(hours: float = 48) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def test_every_state_and_action_has_a_name_in_both_languages():
    assert {f"state-{state}" for state in STATES} | {f"action-{action}" for action in ACTIONS} <= set(TEXTS)


async def test_a_refusal_is_told_in_the_readers_words(town):
    volunteer = await town.person("volunteer", language="zh-CN")
    id = (await volunteer.report(**town.body()))["issue"]["id"]
    assert (await volunteer.act(id, "verify", expect=409))["detail"] == "问题当前状态为“已上报”，不能办理“核查通过”。"


def test_the_table_is_whole():
    for action in ACTIONS.values():
        assert set(action.sources) <= set(STATES) and set(action.to or ()) <= set(STATES) and action.who
    # From every open state there is a way on for staff, and nobody verifies what he mended.
    for state in OPEN:
        assert len(open_actions(state, 8, False)) > 3
    assert "verify" not in open_actions("rectified", 8 + 32, False)
    assert "reopen" in open_actions("closed", 1, True) and "reopen" not in open_actions("closed", 1, False)


@pytest.mark.parametrize("action", sorted(ACTIONS))
async def test_no_action_is_open_to_a_stranger_or_from_a_wrong_state(town, action):
    reporter, stranger = await town.person("volunteer"), await town.person("volunteer")
    id = (await reporter.report(**town.body()))["issue"]["id"]
    refused = await stranger.act(id, action, expect=409)
    assert refused["type"] == "/problems/not-open" and refused["actions"] == []
    assert (await reporter.get(f"/v1/issues/{id}"))["version"] == 1


async def test_hand_over_stops_the_clock_and_a_reply_starts_it(town):
    leader, staff = await town.person("leader"), await town.person("staff")
    id = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(id, "assign", unit=str(town.unit), deadline=soon(10))
    assert (await leader.act(id, "hand_over", expect=422, authority="交警大队"))["errors"][0]["pointer"] == "/reply_by"
    over = await leader.act(id, "hand_over", authority="交警大队", reply_by=soon())
    assert over["state"] == "handed_over" and over["deadline"] is None and over["handover"]["authority"] == "交警大队"
    back = await staff.act(id, "reply", to="accepted", note="请社区先清理")
    left = datetime.fromisoformat(back["deadline"]) - datetime.now(UTC)
    assert timedelta(hours=9, minutes=58) < left <= timedelta(hours=10) and back["handover"] is None


async def test_extension(town):
    leader, worker = await town.person("leader"), await town.person("worker")
    id = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(id, "assign", unit=str(town.unit))
    await leader.act(id, "refuse_extension", expect=409, reason="无")
    wish = soon(72)
    asked = await worker.act(id, "request_extension", deadline=wish, reason="住户要时间")
    assert asked["extension_until"] and asked["deadline"] != asked["extension_until"]
    granted = await leader.act(id, "grant_extension")
    assert granted["deadline"] == asked["extension_until"] and granted["extension_until"] is None
    past = await worker.act(id, "request_extension", expect=422, deadline="2020-01-01T00:00:00Z", reason="x")
    assert past["errors"][0]["pointer"] == "/deadline"


async def test_send_back_reopen_withdraw_reclassify(town):
    volunteer, leader, worker = [await town.person(r) for r in ("volunteer", "leader", "worker")]
    id = (await volunteer.report(**town.body()))["issue"]["id"]
    await leader.act(id, "assign", unit=str(town.unit))
    await worker.act(id, "rectify")
    back = await volunteer.act(id, "send_back", reason="没清完")
    assert back["state"] == "assigned" and back["unit"]["id"] == str(town.unit)
    await worker.act(id, "rectify")
    await volunteer.act(id, "verify")
    again = await volunteer.act(id, "reopen", reason="又来了")
    assert (again["state"], again["unit"], again["deadline"], again["closed_at"]) == ("accepted", None, None, None)
    changed = await leader.act(id, "reclassify", category="graffiti")
    assert changed["category"] == "graffiti"
    other = (await volunteer.report(**town.body()))["issue"]["id"]
    assert (await volunteer.act(other, "withdraw"))["state"] == "withdrawn"


async def test_merge_and_its_undo_keep_every_report(town):
    first, second, leader = [await town.person(r) for r in ("volunteer", "volunteer", "leader")]
    a = (await first.report(**town.body()))["issue"]["id"]
    b = (await second.report(**town.body()))["issue"]["id"]
    merged = await leader.act(b, "merge", into=a)
    assert merged["state"] == "merged" and merged["merged_into"] == a and merged["reports"] == 0
    survivor = await second.get(f"/v1/issues/{a}")
    assert survivor["reports"] == 2
    assert (await second.get(f"/v1/reports/{b}"))["issue"]["id"] == a
    joined = await first.report(**town.body(issue_id=b))
    assert joined["issue"]["id"] == a
    assert (await leader.act(b, "unmerge"))["state"] == "reported"
    assert (await leader.get(f"/v1/issues/{a}"))["reports"] == 2
    assert (await second.get(f"/v1/reports/{b}"))["issue"]["id"] == b
    assert (await leader.act(b, "merge", expect=422, into=b))["errors"][0]["pointer"] == "/into"
    assert (await leader.act(b, "merge", expect=422, into=str(uuid.uuid4())))["errors"][0]["pointer"] == "/into"


async def test_assignment_by_rule_and_its_refusals(town, database):
    leader = await town.person("leader")
    stranger = uuid.uuid4()
    id = (await leader.report(**town.body()))["issue"]["id"]
    assert (await leader.act(id, "assign", expect=422))["errors"][0]["pointer"] == "/unit"
    assert (await leader.act(id, "assign", expect=422, unit=str(stranger)))["errors"][0]["pointer"] == "/unit"
    assert (await leader.act(id, "assign", expect=422, assignee=str(stranger)))["errors"][0]["pointer"] == "/assignee"
    async with database.acquire() as connection:
        await connection.execute("update cells set unit_id = $1 where id = $2", town.unit, town.cells[0])
    assert (await leader.act(id, "assign"))["unit"]["id"] == str(town.unit)
    person = await town.person("volunteer")
    assert (await leader.act(id, "assign", assignee=str(person.id)))["assignee"]["name"] == "volunteer某"
    assert "start" in (await person.get(f"/v1/issues/{id}"))["actions"]


async def refusal(person, issue, action, **fields):
    """What is told to somebody who may not; never a word of the state."""
    told = await person.act(issue, action, expect=409, **fields)
    assert told["type"] == "/problems/not-open" and action not in told["actions"] and told["issue"]["id"] == issue
    return told["reason"], told["detail"]


async def test_who_rectified_is_told_that_somebody_else_must_verify(town):
    leader, volunteer = await town.person("leader", language="zh-CN"), await town.person("volunteer")
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    await leader.act(issue, "rectify")
    assert await refusal(leader, issue, "verify") == (
        "rectifier", "此问题由您整改，“核查通过”须由他人办理（上报人、网格长、社区工作人员）。",
    )  # fmt: skip
    assert (await refusal(leader, issue, "send_back", reason="没清完"))[0] == "rectifier"


async def test_a_worker_of_another_unit_is_told_whose_it_is(town, database):
    leader, other = await town.person("leader"), await town.person("volunteer")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    await leader.act(issue, "assign", unit=str(town.unit))
    async with database.acquire() as connection:
        unit = uuid.uuid4()
        await connection.execute("insert into units values ($1, $2, '城管队', 'bureau', '')", unit, town.area)
        await connection.execute(
            "insert into role_grants (account_id, role, area_id, unit_id) values ($1, 'worker', $2, $3)",
            other.id, town.area, unit,
        )  # fmt: skip
    assert await refusal(other, issue, "start") == ("other", "“start” is not for you to do here, but for: person in charge.")


async def test_a_late_reporter_is_told_that_it_is_late(town, database):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await staff.act(issue, "close_unresolved", reason_code="gone")
    async with database.acquire() as connection:
        await connection.execute("update issues set closed_at = closed_at - interval '15 days' where id = $1", uuid.UUID(issue))
    reason, detail = await refusal(volunteer, issue, "reopen", reason="仍在")
    assert reason == "too_late" and "14 days" in detail


async def test_who_is_not_the_only_reporter_is_told_so(town):
    first, second = await town.person("volunteer"), await town.person("volunteer")
    issue = (await first.report(**town.body()))["issue"]["id"]
    await second.report(**town.body(issue_id=issue))
    assert (await refusal(first, issue, "withdraw"))[0] == "not_alone"


async def test_what_the_state_forbids_to_everybody_is_said_of_the_state(town):
    leader = await town.person("leader")
    issue = (await leader.report(**town.body()))["issue"]["id"]
    told = await leader.act(issue, "verify", expect=409)
    assert told["reason"] == "state" and told["detail"] == "The issue is reported: “verify” is not possible now."
