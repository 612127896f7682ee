"""What is kept for a time only: each kind with its term, and how it is removed; and what is kept for good. docs/retention.md says the same.

Removal takes some hundreds of rows at a time, each batch in a transaction of its own, found by an index: nobody waits for it. Rows that another run
holds are passed over, so two at once share the work, and one that ends in between leaves the rest to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter

from app.kit.db import Database
from app.kit.jobs import Job
from app.settings import settings

log = structlog.get_logger()
REMOVED = Counter("gridpatrol_retention_removed_total", "Rows and objects removed since their term was over.", ("kind",))
_BATCH, _BATCHES = 500, 200


@dataclass(frozen=True, slots=True)
class Rule:
    """`days` the term, or `setting` the name of the setting that says it. `remove` takes the days ($1) and removes one batch; None: the job `by`
    does it."""

    kind: str
    tables: tuple[str, ...]
    days: int | None = None
    setting: str | None = None
    remove: str | None = None
    by: str = "sweep_kept"

    def term(self) -> int:
        return self.days if self.days is not None else getattr(settings(), self.setting or "")


def _batch(table: str, over: str, order: str) -> str:
    """A batch of what is over. `ctid` names a row as it was seen; whoever changes it meanwhile holds it, and it is passed over."""
    return f"""
delete from {table} where ctid = any(array(
  select ctid from {table} where {over} order by {order} limit {_BATCH} for update skip locked))
"""


_AGO = "now() - make_interval(days => $1)"
_ENDED = "least(expires_at, revoked_at)"
RULES = (
    # An answer that holds a secret expires sooner.
    Rule(
        "idempotency_keys", ("idempotency_keys",), 7,
        remove=_batch("idempotency_keys", f"(expires_at < now() or created_at < {_AGO})", "expires_at"),
    ),
    Rule("known_places", ("known_places",), 90, remove=_batch("known_places", f"last_at < {_AGO}", "last_at")),
    Rule("reset_links", ("reset_links",), 90, remove=_batch("reset_links", f"expires_at < {_AGO}", "expires_at")),
    Rule("hosts_away", ("hosts_away",), 1, remove=_batch("hosts_away", f"not_before < {_AGO}", "not_before")),
    Rule("set_aside", ("set_aside",), 90, remove=_batch("set_aside", f"at < {_AGO}", "at")),
    Rule("throttles", ("throttles",), 1, remove=_batch("throttles", f"resets_at < {_AGO}", "resets_at")),
    Rule("departures", ("departures",), 31, remove=_batch("departures", f"at < {_AGO}", "at")),
    Rule("hotspots", ("hotspots_kept",), 1, remove=_batch("hotspots_kept", f"as_of < {_AGO}", "as_of")),
    Rule("sessions", ("sessions",), setting="ended_session_days", remove=_batch("sessions", f"{_ENDED} < {_AGO}", _ENDED)),
    Rule("invitations", ("invitations",), setting="ended_invitation_days", remove=_batch("invitations", f"{_ENDED} < {_AGO}", _ENDED)),
    Rule(
        "notices", ("notices", "deliveries"), setting="notice_days",
        remove=f"""
with over as (select id from notices where created_at < {_AGO} order by created_at limit {_BATCH} for update skip locked),
sent as (delete from deliveries d using over where d.notice_id = over.id)
delete from notices n using over where n.id = over.id
""",
    ),
    Rule("digests", ("digests",), 400, remove=_batch("digests", f"day < ({_AGO})::date", "day")),
    Rule(
        "failed_jobs", ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers"), setting="failed_job_days",
        remove=f"""
delete from procrastinate_jobs where id = any(array(
  select j.id from procrastinate_jobs j where j.status in ('failed', 'cancelled', 'aborted', 'succeeded')
    and coalesce((select max(e.at) from procrastinate_events e where e.job_id = j.id), '-infinity') < {_AGO}
  order by j.id limit {_BATCH} for update skip locked))
""",
    ),
    Rule("tracks", ("patrol_points",), setting="track_days", remove=_batch("patrol_points", f"received_at < {_AGO}", "received_at")),
    Rule("uploads", ("uploads", "upload_parts"), setting="upload_days", by="sweep_uploads"),
    # Zero days: never.
    Rule("originals", ("photo_files",), setting="original_days", by="purge_originals"),
)  # fmt: skip
# Kept as long as the community's records are, and by what name docs/retention.md tells of it.
KEPT: dict[str, tuple[str, ...]] = {
    "issues": (
        "issues", "issue_words", "reports", "events", "evidence", "published", "black_spots", "samples", "sample_issues", "premises", "premises_visits",
    ),
    "photographs": ("photos", "attachments", "subjects"),
    "people": ("accounts", "role_grants", "closed_grants", "stand_ins", "thanks", "channels", "quiet_hours"),
    "walks": ("patrols", "patrol_cells"),
    "papers": ("summaries", "activities"),
    "audit": ("audit",),
    "settings": (
        "areas", "area_tree", "cells", "units", "authorities", "assignment_rules", "calendar_days", "categories", "category_groups", "category_versions",
    ),
    "working": (
        "map_issues", "map_counts", "cell_figures", "followers", "retention", "secrets", "time_zones", "alembic_version", "spatial_ref_sys",
        "procrastinate_workers",
    ),
}  # fmt: skip
_NOTE = """
insert into retention (kind, removed, removed_in_all) values ($1, $2, $2)
on conflict (kind) do update set ran_at = now(), removed = excluded.removed, removed_in_all = retention.removed_in_all + excluded.removed
"""
_BEGINS = "select not_before from retention where kind = $1 and not_before > now()"
RETENTION = "select kind, ran_at, removed, removed_in_all from retention"


async def begins(database: Database, kind: str) -> str | None:
    """When removal of a kind begins that an upgrade brought; None when it has begun."""
    async with database.acquire() as connection:
        at: datetime | None = await connection.fetchval(_BEGINS, kind)
    return None if at is None else at.isoformat()


async def note(database: Database, kind: str, removed: int) -> None:
    """Keep and tell how much a run removed."""
    async with database.acquire() as connection:
        await connection.execute(_NOTE, kind, removed)
    REMOVED.labels(kind).inc(removed)
    log.info("past their term", kind=kind, removed=removed)


async def carry_out(database: Database, rule: Rule) -> int:
    """Remove what is past its term, batch by batch; how much. What is left after so many batches is the next run's."""
    assert rule.remove is not None
    removed = 0
    for _ in range(_BATCHES):
        async with database.acquire() as connection:
            told = await connection.execute(rule.remove, rule.term())
        count = int(told.rsplit(" ", 1)[1])
        removed += count
        if count < _BATCH:
            break
    await note(database, rule.kind, removed)
    return removed


async def sweep(means: Any, timestamp: int = 0) -> None:
    """Each kind by itself: one that fails holds up no other, and is told when all had their turn."""
    failed: list[Exception] = []
    for rule in RULES:
        if rule.remove is not None:
            try:
                await carry_out(means.database, rule)
            except Exception as error:  # told below
                failed.append(error)
    if failed:
        raise ExceptionGroup("retention", failed)


JOBS = (Job("sweep_kept", sweep, cron="7 * * * *"),)
