"""What schemathesis is told beyond the description: who is asking, and which ids stand for something.

A generated request names things by random ids, which nobody holds. Where it holds a well-formed id, most often one that is
there takes its place, so that requests reach what lies behind. What was made wrong on purpose stays wrong.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

from app.kit import visible

WORLD: dict[str, Any] = json.loads(Path(os.environ["GRIDPATROL_FUZZ_WORLD"]).read_text("utf-8"))
_SHARE = 0.8

# Refusals of well-formed requests, each by the `code` that the problem document gives for a field or, where no field is at fault,
# by the problem's own name. A description cannot say these conditions; whatever else is refused is a finding.
REFUSED = {
    "unknown-category": "the catalogue is the office's own",
    "unknown-unit": "a reference to what is not there",
    "unknown-place": "a reference to what is not there",
    "unknown-premises": "a reference to what is not there",
    "unknown-account": "a reference to somebody who is not there",
    "unknown-issue": "a reference to what is not there",
    "no-rule": "no rule says who mends it",
    "bad-cursor": "the server signs its cursors",
    "field-missing /happened": "a span is asked of something that happened",
    "one-instant": "two filters about the past name different instants",
    "bad-range": "the south of a box lies below its north",
    "bad-tile": "how many columns there are depends on the zoom",
    "other-area": "the frontage lies in another area's cell",
    "bad-frontage": "a frontage is no longer than 2 km",
    "days-order": "the last day does not come before the first",
    "bad-days": "the last day does not come before the first",
    "ends-before": "a walk ends after it began",
    "past-time": "depends on the time of day",
    "week-ahead": "depends on today",
    "week-not-over": "depends on today",
    "month-ahead": "depends on today",
    "later-needs-reason": "depends on the deadline that the issue has",
    "not-later": "depends on the deadline that the issue has",
    "extension-too-long": "depends on the deadline that the issue has",
    "deadline-far": "depends on today",
    "one-assignee": "a unit or a person, not both",
    "same-issue": "an issue is not its own duplicate",
    "photo-used": "the photograph proves another thing already",
    "after-photo": "depends on the category",
    "collected": "of as many questionnaires as were handed out, at most",
    "push-keys": "a point on P-256",
    "key-reused": "depends on what was sent with the key before",
    "code-wrong": "only who reads the mail knows the code",
    "code-over": "only who reads the mail knows the code",
    "uses-few": "how many times depends on the role",
    "expires-soon": "how long depends on the role",
    "password-short": "characters are counted after they are composed",
    "password-digits": "a list of what everybody guesses",
    "password-common": "a list of what everybody guesses",
    "password-simple": "a list of what everybody guesses",
    "password-own": "depends on one's own name",
    "account-letters": "an account that had such a name before keeps it",
    "own-way": "a path of this service, however it is written",
    "blank": "blanks around a text do not count",
    "wrong-password": "only who knows the present password",
    "digest": "the digest is of other bytes",
    "photo-type": "bytes that are no photograph",
    "photo-damaged": "bytes that are no whole photograph",
    "photo-pixels": "a photograph of more pixels than are decoded",
}


def _known(name: str, path: str) -> list[str]:
    """Ids, or codes, that may stand where `name` stands in a request to `path`."""
    if name == "code":
        return WORLD["known"]["invited" if path.startswith("/v1/invitations") else "category"]
    if name == "id":
        part = re.match(r"/v1/([\w-]+)", path)
        name = f"/{part[1]}" if part else name
    return WORLD["known"].get(name, [])


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 36 and bool(uuid.UUID(value))
    except ValueError:
        return False


def _is_name(text: str) -> bool:
    name = visible.trimmed(text)
    return bool(name) and len(name) <= 100 and visible.is_visible(name) and not any(map(visible.fits_no_name, name))


def _rfc3339(at: datetime) -> str:
    # RFC 3339 knows no zone that is off by seconds.
    if (at.utcoffset() or timedelta()) % timedelta(minutes=1):
        at = at.replace(tzinfo=UTC)
    return at.isoformat().replace("+00:00", "Z")


def _header(name: str, value: Any, dice: random.Random) -> Any:
    if name.lower() == "idempotency-key":  # the same key twice is the same request
        return f"{dice.getrandbits(64):x}"
    if name.lower() == "upload-metadata":
        photo = dice.choice(_known("photos", "")) if dice.random() < 0.5 else str(uuid.UUID(int=dice.getrandbits(128)))
        return "photo " + base64.b64encode(photo.encode()).decode()
    return value


_FREE = (
    "category", "code", "number", "layer", "variant", "sheet", "slug", "group", "week", "month", "deadline", "reply_by", "starts_on", "ends_on",
)  # fmt: skip


def _put(value: Any, name: str, path: str, dice: random.Random) -> Any:
    if isinstance(value, dict):
        return {key: _put(each, key, path, dice) for key, each in value.items()}
    if isinstance(value, list):
        return [_put(each, name, path, dice) for each in value]
    known = _known(name, path)
    if known and dice.random() < _SHARE and (_is_id(value) or (name in _FREE and isinstance(value, str))):
        return dice.choice(known)
    return value


# --- what stands for formats and media types ------------------------------------------------------------------------------
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40)
_NAMES = _TEXT.filter(_is_name)
_ZONES = st.timezones() | st.sampled_from([UTC])
_MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC) | _ZONES)
schemathesis.openapi.format("name", _NAMES)
schemathesis.openapi.format("label", st.just("") | _NAMES)
schemathesis.openapi.format("date-time", _MOMENTS.map(_rfc3339))
schemathesis.openapi.format("date", st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(date.isoformat))
_BYTES = st.binary(max_size=200)
_PHOTO = st.sampled_from([bytes.fromhex(each) for each in WORLD["pictures"]]) | _BYTES
for media in ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif"):
    schemathesis.openapi.media_type(media, _PHOTO)
schemathesis.openapi.media_type("application/offset+octet-stream", _BYTES)


def _follows(case: Any) -> bool:
    """Whether a request is a step of several that one person takes: what it is about, an answer before has named."""
    return bool(case.meta) and case.meta.phase.name.value == "stateful"


@schemathesis.hook
def map_case(context: Any, case: Any) -> Any:
    path, meta = case.operation.path, case.meta
    wrong = {where.name for where, each in meta.components.items() if each.mode.is_negative} if meta else set()
    dice = random.Random(repr((path, case.path_parameters, case.query, case.body)))
    if "PATH" not in wrong and case.path_parameters and not _follows(case):
        case.path_parameters = {name: _put(value, name, path, dice) for name, value in case.path_parameters.items()}
    if "QUERY" not in wrong and case.query:
        case.query = {name: _put(value, name, path, dice) for name, value in case.query.items()}
    if "BODY" not in wrong and isinstance(case.body, dict):
        case.body = _put(case.body, "", path, dice)
        if path == "/v1/channels/{id}":
            case.body["address"] = (
                f"{dice.getrandbits(64):x}@example.org" if case.body.get("kind") == "mail" else "https://8.8.8.8/x"
            )
    if "HEADER" not in wrong and case.headers:
        case.headers = {name: _header(name, value, dice) for name, value in case.headers.items()}
    return case


# A session that ends with what it does is not the one that the run goes on with.
_STAFF = WORLD["roles"].index("staff")
_ENDING = {("DELETE", "/v1/sessions"), ("DELETE", "/v1/sessions/{id}"), ("PUT", "/v1/me/credentials")}


@schemathesis.auth(refresh_interval=None)
class Roles:
    """Each request in the name of the next role; several that follow each other in the name of one."""

    def __init__(self) -> None:
        self.asked = 0

    def get(self, case: Any, context: Any) -> str:
        self.asked += 1
        tokens = WORLD["spare" if (case.method.upper(), case.operation.path) in _ENDING else "tokens"]
        return tokens[(_STAFF if _follows(case) else self.asked) % len(tokens)]

    def set(self, case: Any, token: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


_BLANK = "blank"


def _is_trimmed(body: Any, pointer: str) -> bool:
    """Whether what stands there is a text with blanks around it: they are trimmed before its length is taken, which no schema can say."""
    for part in pointer.split("/")[1:]:
        if isinstance(body, list) and part.isdigit() and int(part) < len(body):
            body = body[int(part)]
        elif isinstance(body, dict) and part in body:
            body = body[part]
        else:
            return False
    return isinstance(body, str) and body != body.strip()


def _codes(response: Any, body: Any) -> set[str]:
    try:
        told = json.loads(response.content)
        fields = [each for each in told["errors"] if each["code"] != "field-length" or not _is_trimmed(body, each["pointer"])]
        if told["errors"] and not fields:
            return {_BLANK}
        codes = {each["code"] if each["code"] in REFUSED else f"{each['code']} {each['pointer']}" for each in fields}
        return codes or {told["type"].rpartition("/")[2]}
    except (ValueError, KeyError, TypeError):
        return set()


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    if type(failure).__name__ == "RejectedPositiveData":
        codes = _codes(response, case.body)
        return not codes or bool(codes - set(REFUSED))
    return True


@schemathesis.serializer("application/offset+octet-stream", "image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")
def as_they_are(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()
