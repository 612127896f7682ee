"""What one account may send: refused with 429 and a time, and nothing of it is lost."""

import asyncio
import base64
import uuid

import pytest

from app.issues import intake
from app.kit.quota import Quota
from app.photos import quotas, receiving
from app.settings import settings
from tests.conftest import PICTURE


def full(answer) -> bool:
    return answer.status_code == 429 and int(answer.headers["retry-after"]) > 0 and answer.json()["type"] == "/problems/quota"


async def test_one_account_sends_so_many_reports_in_an_hour(town, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(settings(), "reports_an_hour", 5)
    monkeypatch.setattr(intake, "_reports", Quota(lambda: settings().reports_an_hour, "reports-many", lambda: now[0]))
    flooding, other = await town.person("volunteer"), await town.person("volunteer")
    sent = [str(uuid.uuid4()) for _ in range(6)]
    answers = [await flooding.call("PUT", f"/v1/reports/{id}", json=(body := town.body())) for id in sent]
    assert [a.status_code for a in answers] == [201] * 5 + [429] and full(answers[-1])
    items = (await flooding.call("POST", "/v1/reports/batch", json={"items": [body | {"id": sent[5]}]})).json()["items"]
    assert items[0]["status"] == 429 and items[0]["problem"]["type"] == "/problems/quota"
    joined = await flooding.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=body | {"issue_id": sent[0]})
    assert full(joined)
    await other.report(**town.body())
    # The phone sends it again when it was told to, and it is there.
    now[0] += int(answers[-1].headers["retry-after"])
    assert (await flooding.call("PUT", f"/v1/reports/{sent[5]}", json=body)).status_code == 201


def test_a_week_without_network_and_a_hotline_desk_fit():
    assert settings().reports_an_hour >= 500 and settings().photos_an_hour >= 3 * 500
    now, hours = [0.0], 0
    desk = Quota(lambda: settings().reports_an_hour, "reports-many", lambda: now[0])
    for _ in range(45_000):
        while True:
            try:
                desk.check("desk")
                break
            except Exception as problem:
                now[0] += int(problem.headers["retry-after"])
        desk.spend("desk")
    hours = now[0] / 3600
    assert hours < 8 and len(desk.left) == 1


async def test_one_account_sends_so_many_photographs_in_an_hour(town, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(quotas, "_photos", Quota(lambda: 2, "photos-many", lambda: now[0]))
    volunteer, other = await town.person("volunteer"), await town.person("volunteer")
    ids = [str(uuid.uuid4()) for _ in range(3)]
    answers = [await volunteer.call("PUT", f"/v1/photos/{id}", content=PICTURE) for id in ids]
    assert [a.status_code for a in answers] == [201, 201, 429] and full(answers[-1])
    assert full(await begin(volunteer, ids[2], 300_000))
    assert (await other.call("PUT", f"/v1/photos/{uuid.uuid4()}", content=PICTURE)).status_code == 201
    now[0] += int(answers[-1].headers["retry-after"])
    assert (await volunteer.call("PUT", f"/v1/photos/{ids[2]}", content=PICTURE)).status_code == 201


async def begin(person, photo, size):
    metadata = "photo " + base64.b64encode(photo.encode()).decode()
    headers = {"tus-resumable": "1.0.0", "upload-length": str(size), "upload-metadata": metadata}
    return await person.call("POST", "/v1/uploads", headers=headers)


async def test_one_account_leaves_so_much_unfinished(town, monkeypatch):
    monkeypatch.setattr(settings(), "open_uploads", 3)
    volunteer, other = await town.person("volunteer"), await town.person("volunteer")
    ids = [str(uuid.uuid4()) for _ in range(6)]
    answers = await asyncio.gather(*[begin(volunteer, id, 300_000) for id in ids])
    assert sorted(a.status_code for a in answers) == [201] * 3 + [429] * 3 and full(
        next(a for a in answers if a.status_code == 429)
    )
    # What has begun goes on, and who gives one up may begin another.
    begun = [id for id, a in zip(ids, answers, strict=True) if a.status_code == 201]
    assert {(await begin(volunteer, id, 300_000)).status_code for id in begun} == {201}
    assert (await volunteer.call("DELETE", f"/v1/uploads/{begun[0]}", headers={"tus-resumable": "1.0.0"})).status_code == 204
    assert (await begin(volunteer, str(uuid.uuid4()), 300_000)).status_code == 201
    assert (await begin(other, str(uuid.uuid4()), 300_000)).status_code == 201
    monkeypatch.setattr(settings(), "open_uploads", 100)
    answers = [await begin(other, str(uuid.uuid4()), 50_000_000) for _ in range(41)]
    assert [a.status_code for a in answers].count(201) == 39 and full(answers[-1])


def test_a_quota_remembers_so_many_accounts_and_no_more(monkeypatch):
    from app.kit import quota
    from app.kit.problems import Problem

    monkeypatch.setattr(quota, "_MOST_REMEMBERED", 10)
    some = Quota(lambda: 1, "reports-many")
    for account in range(50):
        some.check(account)
        some.spend(account)
    assert len(some.left) == 10
    with pytest.raises(Problem):
        some.check(49)


async def test_whoever_sends_many_that_are_no_photographs_waits_and_nobody_else(town, monkeypatch):
    monkeypatch.setattr(quotas, "_BAD_AT_ONCE", 3)
    monkeypatch.setattr(quotas, "BAD_PAUSE_S", 30.0)
    flooding, other = await town.person("volunteer"), await town.person("volunteer")

    def put(person, content):
        return person.call("PUT", f"/v1/photos/{uuid.uuid4()}", content=content)

    assert [(await put(flooding, b"no photograph")).status_code for _ in range(3)] == [415] * 3
    fourth = asyncio.create_task(put(flooding, b"no photograph"))
    for _ in range(1000):  # it has its account's turn before the fifth asks for it
        if (turn := receiving._turns.get(flooding.id)) is not None and turn.locked():
            break
        await asyncio.sleep(0.01)
    fifth = asyncio.create_task(put(flooding, PICTURE))
    assert (await put(other, b"no photograph")).status_code == 415 and (await put(other, PICTURE)).status_code == 201
    _, waiting = await asyncio.wait((fourth, fifth), timeout=0.1)
    assert waiting == {fourth, fifth}
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
