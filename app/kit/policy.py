"""The law of access: every route and who may call it; every role, what it is held for, and who may give it.

A route without a line here does not start. What a caller then finds behind a route is narrowed in SQL by
`access.SCOPE`, and what may be done to an issue by `issues/lifecycle.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["volunteer", "leader", "worker", "staff", "inspector", "admin"]
ROLES: tuple[Role, ...] = ("volunteer", "leader", "worker", "staff", "inspector", "admin")

# What a role is held for; a volunteer's may be a cell or a whole community.
HELD_FOR: dict[Role, frozenset[str]] = {
    "volunteer": frozenset({"area", "cell"}),
    "leader": frozenset({"cell"}),
    "worker": frozenset({"unit"}),
    "staff": frozenset({"area"}),
    "inspector": frozenset({"area"}),
    "admin": frozenset(),
}

# Who gives a role, and who takes it back: whoever stands strictly above it. So nobody raises themselves, and nobody removes a
# colleague. A leader for the cells they lead, staff for their areas and all beneath; "staff above" is staff of an area strictly
# above the one that the role is held for; an admin everywhere, but never the last admin.
Giver = Literal["leader", "staff", "staff above", "admin"]
MAY_INVITE: dict[Giver, frozenset[Role]] = {
    "leader": frozenset({"volunteer"}),
    "staff": frozenset({"volunteer", "leader", "worker"}),
    "staff above": frozenset({"staff", "inspector"}),
    "admin": frozenset(ROLES),
}
# The same rule decides who answers for a person: their devices, a reset of their password, closing their account. It takes to stand
# above every role that the person holds.
MAY_TAKE_BACK = MAY_INVITE


@dataclass(frozen=True, slots=True)
class Rule:
    """`roles` None: any signed-in account; what is written at a place needs a role that reaches it besides (`access.REACHES`).
    `in_query`: the route's own statement reads the token, to save a round trip.
    `streams`: the route reads its body piece by piece under a limit of its own. `scraped`: whoever holds the token of the metrics may too.
    `secret`: its answer holds one, and is not kept long for a repeated Idempotency-Key."""

    anyone: bool = False
    roles: frozenset[str] | None = None
    in_query: bool = False
    streams: bool = False
    scraped: bool = False
    secret: bool = False


ANYONE = Rule(anyone=True)
SIGNED_IN = Rule()
IN_QUERY = Rule(in_query=True)
STREAMED = Rule(streams=True)
HOLDERS = Rule(roles=frozenset(ROLES))
INVITERS = Rule(roles=frozenset({"leader", "staff", "admin"}))
OFFICE = Rule(roles=frozenset({"staff", "admin"}))
INSPECTORS = Rule(roles=frozenset({"staff", "inspector", "admin"}))
PAPERS = Rule(roles=frozenset({"leader", "staff", "inspector", "admin"}))
ADMIN = Rule(roles=frozenset({"admin"}))
SCRAPERS = Rule(roles=frozenset({"admin"}), scraped=True)

ROUTES: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/openapi.json"): ANYONE,
    ("GET", "/metrics"): SCRAPERS,
    ("GET", "/problems/{slug}"): ANYONE,
    ("POST", "/v1/sessions"): ANYONE,
    ("GET", "/v1/sessions"): SIGNED_IN,
    ("DELETE", "/v1/sessions"): SIGNED_IN,
    ("DELETE", "/v1/sessions/{id}"): SIGNED_IN,
    ("GET", "/v1/me"): SIGNED_IN,
    ("PUT", "/v1/me/credentials"): SIGNED_IN,
    ("GET", "/v1/people"): INVITERS,
    ("GET", "/v1/people/{id}/sessions"): INVITERS,
    ("DELETE", "/v1/people/{id}/sessions"): INVITERS,
    ("DELETE", "/v1/people/{id}/sessions/{session}"): INVITERS,
    ("PUT", "/v1/people/{id}/reset-links/{link}"): INVITERS,
    ("POST", "/v1/password-resets"): ANYONE,
    ("GET", "/v1/people/{id}/work"): INVITERS,
    ("POST", "/v1/people/{id}/hand-over"): INVITERS,
    ("POST", "/v1/people/{id}/close"): OFFICE,
    ("POST", "/v1/people/{id}/reopen"): OFFICE,
    ("DELETE", "/v1/roles/{id}"): INVITERS,
    ("POST", "/v1/invitations"): Rule(roles=INVITERS.roles, secret=True),
    ("GET", "/v1/invitations"): INVITERS,
    ("DELETE", "/v1/invitations/{id}"): INVITERS,
    ("POST", "/v1/invitations/{code}/accept"): ANYONE,
    ("GET", "/v1/stand-ins"): SIGNED_IN,
    ("PUT", "/v1/stand-ins/{id}"): INVITERS,
    ("DELETE", "/v1/stand-ins/{id}"): INVITERS,
    ("GET", "/v1/categories"): ANYONE,
    ("PUT", "/v1/categories/{code}"): ADMIN,
    ("GET", "/v1/areas"): SIGNED_IN,
    ("GET", "/v1/areas/locate"): SIGNED_IN,
    ("GET", "/v1/areas/{id}"): SIGNED_IN,
    ("GET", "/v1/areas/{id}/office"): INSPECTORS,
    ("PUT", "/v1/areas/{id}/office"): OFFICE,
    ("GET", "/v1/units"): SIGNED_IN,
    ("PUT", "/v1/units/{id}"): OFFICE,
    ("PATCH", "/v1/cells/{id}"): OFFICE,
    ("PUT", "/v1/reports/{id}"): IN_QUERY,
    ("GET", "/v1/reports/{id}"): IN_QUERY,
    ("POST", "/v1/reports/batch"): SIGNED_IN,
    ("GET", "/v1/issues"): IN_QUERY,
    ("GET", "/v1/issues/nearby"): IN_QUERY,
    ("GET", "/v1/issues/{id}"): IN_QUERY,
    ("GET", "/v1/issues/{id}/timeline"): IN_QUERY,
    ("POST", "/v1/issues/{id}/actions"): SIGNED_IN,
    ("PUT", "/v1/photos/{id}"): STREAMED,
    ("GET", "/v1/photos/{id}"): IN_QUERY,
    ("GET", "/v1/photos/{id}/{variant}"): IN_QUERY,
    ("OPTIONS", "/v1/uploads"): ANYONE,
    ("POST", "/v1/uploads"): STREAMED,
    ("GET", "/v1/uploads/awaited"): SIGNED_IN,
    ("HEAD", "/v1/uploads/{id}"): SIGNED_IN,
    ("PATCH", "/v1/uploads/{id}"): STREAMED,
    ("DELETE", "/v1/uploads/{id}"): SIGNED_IN,
    ("GET", "/v1/areas/{id}/calendar"): SIGNED_IN,
    ("PUT", "/v1/areas/{id}/calendar/{day}"): OFFICE,
    ("DELETE", "/v1/areas/{id}/calendar/{day}"): OFFICE,
    ("PUT", "/v1/thanks/{id}"): INVITERS,
    ("GET", "/v1/me/record"): SIGNED_IN,
    ("GET", "/v1/authorities"): SIGNED_IN,
    ("PUT", "/v1/authorities/{id}"): OFFICE,
    ("GET", "/v1/issues/{id}/handover-letter"): SIGNED_IN,
    ("GET", "/v1/issues/{id}/handover-letter.html"): SIGNED_IN,
    ("GET", "/v1/issues/{id}/handover-letter.docx"): SIGNED_IN,
    ("GET", "/v1/samples"): INSPECTORS,
    ("PUT", "/v1/samples/{id}"): OFFICE,
    ("GET", "/v1/samples/{id}"): INSPECTORS,
    ("GET", "/v1/premises"): SIGNED_IN,
    ("PUT", "/v1/premises/{id}"): INVITERS,
    ("GET", "/v1/premises/{id}"): SIGNED_IN,
    ("GET", "/v1/premises/{id}/record"): SIGNED_IN,
    ("PUT", "/v1/premises/{id}/visits/{visit}"): SIGNED_IN,
    ("GET", "/v1/black-spots"): SIGNED_IN,
    ("PUT", "/v1/black-spots/{id}"): INVITERS,
    ("PUT", "/v1/patrols/{id}"): HOLDERS,
    ("POST", "/v1/patrols/{id}/points"): HOLDERS,
    ("GET", "/v1/patrols"): SIGNED_IN,
    ("GET", "/v1/patrols/{id}"): SIGNED_IN,
    ("GET", "/v1/coverage"): SIGNED_IN,
    ("GET", "/v1/assignment-rules"): OFFICE,
    ("PUT", "/v1/assignment-rules/{id}"): OFFICE,
    ("DELETE", "/v1/assignment-rules/{id}"): OFFICE,
    ("GET", "/v1/notices"): IN_QUERY,
    ("POST", "/v1/notices/read"): SIGNED_IN,
    ("GET", "/v1/channels"): SIGNED_IN,
    ("PUT", "/v1/channels/{id}"): SIGNED_IN,
    ("DELETE", "/v1/channels/{id}"): SIGNED_IN,
    ("POST", "/v1/channels/{id}/confirm"): SIGNED_IN,
    ("GET", "/v1/push-key"): SIGNED_IN,
    ("GET", "/v1/me/quiet-hours"): SIGNED_IN,
    ("PUT", "/v1/me/quiet-hours"): SIGNED_IN,
    ("GET", "/v1/audit"): OFFICE,
    ("GET", "/v1/retention"): ADMIN,
    ("GET", "/v1/jobs"): ADMIN,
    ("POST", "/v1/jobs/{id}/retry"): ADMIN,
    ("GET", "/v1/tiles/issues/{z}/{x}/{y}.mvt"): IN_QUERY,
    ("GET", "/v1/tiles/cells/{z}/{x}/{y}.mvt"): IN_QUERY,
    ("GET", "/v1/tiles/public/{z}/{x}/{y}.mvt"): ANYONE,
    ("GET", "/v1/tiles/{layer}.json"): ANYONE,
    ("GET", "/v1/map/style.json"): ANYONE,
    ("GET", "/v1/map/{sheet}"): ANYONE,
    ("GET", "/v1/summaries/weekly.json"): INSPECTORS,
    ("GET", "/v1/summaries/weekly.html"): INSPECTORS,
    ("GET", "/v1/summaries/weekly.docx"): INSPECTORS,
    ("PUT", "/v1/summaries/weekly"): OFFICE,
    ("GET", "/v1/summaries"): INSPECTORS,
    ("PUT", "/v1/activities/{id}"): INVITERS,
    ("GET", "/v1/activities"): SIGNED_IN,
    ("DELETE", "/v1/activities/{id}"): INVITERS,
    ("GET", "/v1/ledger.csv"): PAPERS,
    ("GET", "/v1/ledger.xlsx"): PAPERS,
    ("GET", "/v1/archive.zip"): PAPERS,
    ("GET", "/v1/issues/{id}/dossier.html"): PAPERS,
    ("GET", "/v1/issues/{id}/dossier.docx"): PAPERS,
    ("GET", "/v1/issues/{id}/poster.html"): SIGNED_IN,
    ("GET", "/v1/league"): PAPERS,
    ("GET", "/v1/circulation.html"): INSPECTORS,
    ("GET", "/v1/circulation.docx"): INSPECTORS,
    ("GET", "/v1/public/issues"): ANYONE,
    ("GET", "/v1/public/issues/{number}"): ANYONE,
    ("GET", "/"): ANYONE,
    ("GET", "/app/{page}"): ANYONE,
    ("GET", "/app/{page}/{id}"): ANYONE,
    ("GET", "/join/{code}"): ANYONE,
    ("GET", "/public"): ANYONE,
    ("GET", "/see/{number}"): ANYONE,
    ("GET", "/assets/{name}"): ANYONE,
    ("GET", "/sw.js"): ANYONE,
    ("GET", "/icons/{name}"): ANYONE,
    ("GET", "/manifest.webmanifest"): ANYONE,
    ("GET", "/robots.txt"): ANYONE,
    ("GET", "/v1/hotspots"): SIGNED_IN,
    ("GET", "/v1/areas/{id}/summary"): SIGNED_IN,
    ("GET", "/v1/cells/summary"): IN_QUERY,
    ("GET", "/v1/changes"): IN_QUERY,
    ("GET", "/v1/events"): SIGNED_IN,
}

# Pages and files of the web client: their script reads the query, and who passes a link on may have added to it. Every other
# route refuses a parameter that it does not know.
ANY_QUERY = frozenset(
    path
    for _, path in ROUTES
    if path in ("/", "/public", "/sw.js", "/manifest.webmanifest")
    or path.startswith(("/app/", "/join/", "/see/", "/assets/", "/icons/"))
)
