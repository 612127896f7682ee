"""Premises (门前三包): frontage, letter, visits, warnings, repeats, on one screen."""

import uuid

from tests.pictures import encode, scene


async def test_the_record_of_a_shop(town, do_jobs):
    volunteer, leader, staff, worker = [await town.person(r) for r in ("volunteer", "leader", "staff", "worker")]
    id, letter = str(uuid.uuid4()), str(uuid.uuid4())
    line = [[town.lon + 0.004, town.lat + 0.005], [town.lon + 0.0041, town.lat + 0.005]]
    wish = {
        "area": str(town.area), "name": "老王<面馆>", "owner": "王建国", "phone": "13900000000", "address": "东浦巷12号",
        "frontage": {"type": "LineString", "coordinates": line}, "letter": {"signed_on": "2026-03-01", "photo": letter},
    }  # fmt: skip
    made = await staff.call("PUT", f"/v1/premises/{id}", json=wish)
    assert made.status_code == 201 and made.json()["cell"]["id"] == str(town.cells[0]), made.text
    assert (await leader.call("PUT", f"/v1/premises/{id}", json=wish)).status_code == 200
    # The letter's photograph comes from whoever named it first, and is seen by who reads the area.
    await staff.call("PUT", f"/v1/photos/{letter}", content=encode(scene(seed=71)))
    await do_jobs()
    assert (await volunteer.call("GET", f"/v1/photos/{letter}/thumb")).status_code == 200
    assert (await worker.call("GET", f"/v1/photos/{letter}/thumb")).status_code == 404
    told = await volunteer.report(**town.body(category="shopfront_duty", premises=id))
    assert told["issue"]["premises"] == {"id": id, "name": "老王<面馆>"} and told["report"]["premises"] == id
    second = (await volunteer.report(**town.body(category="shopfront_duty")))["issue"]["id"]
    named = await leader.act(second, "name_premises", premises=id)
    assert named["premises"]["id"] == id
    third = (await volunteer.report(**town.body(category="litter", premises=id)))["issue"]["id"]
    assert (await leader.act(third, "name_premises"))["premises"] is None
    assert {i["id"] for i in (await staff.get("/v1/issues", premises=id))["items"]} == {told["issue"]["id"], second}
    visit, photo = str(uuid.uuid4()), str(uuid.uuid4())
    for expect in (201, 200):
        said = {"kind": "warning", "at": "2026-11-20T02:00:00Z", "note": "当面告知", "photos": [photo]}
        answer = await leader.call("PUT", f"/v1/premises/{id}/visits/{visit}", json=said)
        assert answer.status_code == expect, answer.text
    assert (await leader.call("PUT", f"/v1/premises/{id}/visits/{visit}", json=said | {"note": "别的"})).status_code == 409
    warned = await volunteer.call("PUT", f"/v1/premises/{id}/visits/{uuid.uuid4()}", json=said)
    assert warned.status_code == 403
    assert (
        await volunteer.call("PUT", f"/v1/premises/{id}/visits/{uuid.uuid4()}", json={"at": "2026-11-21T02:00:00Z"})
    ).status_code == 201
    record = await leader.get(f"/v1/premises/{id}")
    assert {k: record[k] for k in ("issues", "open", "repeats", "visits", "warnings")} == {
        "issues": 2, "open": 2, "repeats": 1, "visits": 1, "warnings": 1,
    }  # fmt: skip
    assert [i["repeat"] for i in record["record"]["issues"]] == [True, False]
    assert record["record"]["visits"][1]["photos"] == [photo] and record["owner"] == "王建国"
    seen = await volunteer.get(f"/v1/premises/{id}")
    assert seen["owner"] is None and seen["phone"] is None and seen["name"] == "老王<面馆>"
    page = await leader.call("GET", f"/v1/premises/{id}/record", headers={"accept-language": "zh-CN"})
    for words in ("老王&lt;面馆&gt;", "王建国", "2026年3月1日", "当面告知", "反复"):
        assert words in page.text
    assert "王建国" not in (await volunteer.call("GET", f"/v1/premises/{id}/record")).text
    for query in ({"cell": str(town.cells[0])}, {"area": str(town.area)}, {"q": "面馆"}):
        assert [p["id"] for p in (await volunteer.get("/v1/premises", **query))["items"]] == [id], query
    assert (await volunteer.get("/v1/premises", q="100%"))["items"] == (await worker.get("/v1/premises"))["items"] == []


async def test_bad_premises(town, app, database):
    from tests.conftest import Town

    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    staff, leader, volunteer = await town.person("staff"), await town.person("leader"), await town.person("volunteer")
    here, beyond = [town.lon + 0.005, town.lat + 0.005], [other.lon + 0.005, other.lat + 0.005]

    async def put(person, coordinates, kind="Point", expect=422, **changes):
        wish = {"area": str(town.area), "name": "店", "frontage": {"type": kind, "coordinates": coordinates}, **changes}
        answer = await person.call("PUT", f"/v1/premises/{uuid.uuid4()}", json=wish)
        assert answer.status_code == expect, answer.text
        return answer.json()

    for kind, coordinates in (
        ("Point", [1]), ("Point", ["a", "b"]), ("Point", [181, 0]), ("Point", [None, 1]), ("Point", []), ("LineString", [here]),
        ("LineString", [here, [town.lon + 0.05, town.lat]]), ("LineString", [here] * 201), ("Polygon", [[here]]), ("Point", {"x": 1}),
    ):  # fmt: skip
        assert (await put(staff, coordinates, kind))["errors"][0]["pointer"].startswith("/frontage"), coordinates
    assert (await put(staff, beyond))["errors"][0]["pointer"] == "/frontage"
    await put(leader, [town.lon + 0.015, town.lat + 0.005], expect=404)  # the neighbour's cell
    await put(staff, here, expect=404, area=str(other.area))
    theirs = await (await other.person("staff")).call(
        "PUT", f"/v1/premises/{(foreign := uuid.uuid4())}", json={"area": str(other.area), "name": "店", "frontage": {"type": "Point", "coordinates": beyond}}
    )  # fmt: skip
    assert theirs.status_code == 201
    for unknown in (foreign, uuid.uuid4()):
        refused = await volunteer.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=town.body(premises=str(unknown)))
        assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "/premises"
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    assert (await leader.act(issue, "name_premises", expect=422, premises=str(foreign)))["errors"][0]["pointer"] == "/premises"
    assert (await put(leader, here, expect=201, letter={"signed_on": "2026-01-01"}))["letter"] == {
        "signed_on": "2026-01-01",
        "photo": None,
    }


async def test_a_report_sent_before_premises_were_known_is_the_same_report(town):
    """Its fingerprint does not change with a field that came later."""
    import hashlib

    from app.issues.intake import fingerprint
    from app.issues.schemas import ReportIn
    from app.kit.wire import dumps

    report = ReportIn.model_validate(town.body())
    before = report.model_dump(mode="json")
    del before["premises"]
    assert fingerprint(report) == hashlib.sha256(dumps(before)).digest()
    assert fingerprint(report.model_copy(update={"premises": uuid.uuid4()})) != fingerprint(report)
