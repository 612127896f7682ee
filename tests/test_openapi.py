"""The description says of every operation what it answers and how it refuses."""

import pathlib

import pytest

from app.kit.policy import ROUTES
from app.main import create_app
from tests.described import Description

DOCUMENT = create_app("postgresql://nowhere", pathlib.Path()).openapi()
OPERATIONS = {(m.upper(), path): operation for path, item in DOCUMENT["paths"].items() for m, operation in item.items()}


def test_refusals_are_problem_documents():
    for key, operation in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            if status >= "4":
                told = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
                assert list(told["content"]) == ["application/problem+json"], (key, status)
    assert not [name for name in DOCUMENT["components"]["schemas"] if name.endswith("ValidationError")]


def test_who_may_not_is_told_so():
    for key, rule in ROUTES.items():
        statuses, security = OPERATIONS[key]["responses"].keys(), OPERATIONS[key].get("security")
        assert ("401" in statuses and bool(security)) or rule.anyone, key
        assert "403" in statuses or rule.roles is None, key


def test_what_is_answered_has_a_schema_and_a_type():
    for key, operation in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            if status in ("200", "201") and key[0] != "HEAD" and key != ("POST", "/v1/uploads"):
                assert answer["content"], (key, status)
                assert answer["content"].get("application/json", {"schema": 1}).get("schema"), (key, status)


def test_links_lead_to_operations_that_are_there():
    there = {operation["operationId"] for operation in OPERATIONS.values()}
    links = [
        link
        for operation in OPERATIONS.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 100 and {link["operationId"] for link in links} <= there


@pytest.mark.parametrize(
    ("status", "media", "body", "fault"),
    [
        (418, "application/json", b"{}", "418"),
        (200, "text/html", b"", "text/html"),
        (200, "application/json", b'{"status": "asleep"}', "asleep"),
        (200, "application/json", b'{"status": "alive", "since": 1}', "since"),
        (200, "application/json", b"{", "{"),
        (422, "application/problem+json", b'{"type": "/problems/x"}', "title"),
        (200, "application/json", b'{"status": "alive"}', None),
    ],
)
def test_an_answer_that_is_not_as_described_is_seen(status, media, body, fault):
    import httpx

    told = Description(DOCUMENT).fault(
        httpx.Request("GET", "http://test/healthz"), httpx.Response(status, content=body, headers={"content-type": media})
    )
    assert told is None if fault is None else told is not None
