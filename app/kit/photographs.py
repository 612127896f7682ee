"""What a photograph says of itself, held against what it is evidence of: SQL for statements with a photograph's file `f`, its
evidence `e`, the report `r` that named it (if any) and the issue `i`."""

from __future__ import annotations

# More than this from where the report says, or from when, is looked at twice. A phone's clock may never have been set to its zone.
_FAR_M = 1000
_OLD_S = 48 * 3600


def taken_at(zone: str) -> str:
    """When, where `zone` is that of the community: for a camera that does not say in which zone its clock runs."""
    return f"coalesce(f.taken_at, f.taken_local at time zone coalesce(known_zone({zone}), 'Asia/Shanghai'))"


AWAY_M = "st_distancesphere(f.position, coalesce(r.position, i.position))"


def doubts(zone: str) -> str:
    """An array of `far` and `old`."""
    return f"""array_remove(array[
  case when {AWAY_M} > {_FAR_M} then 'far' end,
  case when abs(extract(epoch from {taken_at(zone)} - coalesce(r.counted_at, e.at))) > {_OLD_S} then 'old' end], null)"""


# The photographs `e`, `p` that were given as proof with the present rectification of `i`. One that was evidence of another issue
# before proves nothing here.
GIVEN = """
e.issue_id = i.id and e.kind = 'after' and e.at >= i.rectified_at and not exists (
  select from evidence o where o.photo_id = e.photo_id and o.account_id = e.account_id
    and o.issue_id <> e.issue_id and o.at < e.at)"""
# Whether an issue is said to be mended, its category demands a photograph of that, and none can be looked at.
UNPROVED = f"""
exists (
    select from category_versions v
    where v.code = i.category and v.version = i.category_version and v.after_photo)
  and not exists (
    select from evidence e join photos p on p.id = e.photo_id and p.account_id = e.account_id
    where {GIVEN} and p.state = 'stored')"""
EVIDENCE_MISSING = f"case when i.state = 'rectified' then {UNPROVED} else false end"
