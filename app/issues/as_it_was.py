"""What an issue was at an instant, as SQL: from the event log, never from the columns of today.

`events.was` holds the columns that an event changed, each as it was before. So a column at an instant
is what the first event since then that changed it says it was; where no event did, it is what it is.
An issue that has not changed since (`updated_at`) is as it is, and costs no look into the log.

Up to an instant count the events before it: they are those up to the version of the last one, which
orders events also where two have one time.
"""

from __future__ import annotations

# The columns that papers read, with their types. `street` follows from `place`.
_COLUMNS = {
    "category": "text",
    "area_id": "uuid",
    "cell_id": "uuid",
    "place": "text",
    "unit_id": "uuid",
    "assignee_id": "uuid",
    "premises_id": "uuid",
    "deadline": "timestamptz",
    "first_deadline": "timestamptz",
    "authority": "text",
    "reply_by": "timestamptz",
    "rectified_at": "timestamptz",
    "closed_at": "timestamptz",
    "unresolved": "text",
    "recurrence_of": "uuid",
    "recurrences": "int",
    "merged_into": "uuid",
}


# What `at_instant` reads of an issue `i`: a subquery that is asked for an instant carries these on.
_OWN = ("id", "state", "street", "created_at", "updated_at")
CARRIED = ", ".join(f"i.{name}" for name in (*_OWN, *_COLUMNS))


def below(parameter: str) -> str:
    """An area and everything below it, as an array."""
    return f"array(select x.area_id from area_tree x where x.ancestor_id = {parameter})"


def _then(was: str, column: str) -> str:
    """A column of an issue `i`, or what `was` (jsonb, or null) says of it."""
    return f"case when {was} ? '{column}' then ({was} ->> '{column}')::{_COLUMNS[column]} else i.{column} end"


def at_instant(at: str, name: str = "t") -> str:
    """A join that gives to an issue `i` what it was at `at`.

    `name` has `state` (null: not here yet), the columns above and `street`.
    """
    was = f"w_{name}.was"
    then = ",\n    ".join(f"{_then(was, column)} as {column}" for column in _COLUMNS)
    return f"""
left join lateral (
  select e.version, e.to_state from events e
  where i.updated_at >= {at} and e.issue_id = i.id and e.at < {at} order by e.version desc limit 1
) n_{name} on true
left join lateral (
  select jsonb_object_agg(k.key, k.value order by e.version desc) as was
  from events e cross join lateral jsonb_each(e.was) k
  where i.updated_at >= {at} and e.issue_id = i.id and e.version > n_{name}.version
    and e.was is not null
) w_{name} on true
cross join lateral (
  select case when i.updated_at >= {at} then n_{name}.to_state else i.state end as state,
    {then},
    case when {was} ? 'place' then street_of({was} ->> 'place') else i.street end as street
) {name}
"""


def left(column: str, among: str, since: str) -> str:
    """Ids of issues that were taken out of some areas or cells (`column`, an array) since an instant."""
    return (
        "select e.issue_id from events e where (e.was ? 'area_id' or e.was ? 'cell_id')"
        f" and e.at >= {since} and (e.was ->> '{column}')::uuid = any({among})"
    )


def present(area: str, since: str, condition: str = "true") -> str:
    """Issues `i` that may have lain in an area (an array) at `since` or later.

    They are those that lie there, and those that have left it since then.
    """
    return f"""
select i.* from issues i where i.area_id = any({area}) and {condition}
union all
select i.* from issues i where i.id in ({left("area_id", area, since)})
  and (i.area_id = any({area})) is not true and {condition}
"""


def around(column: str, event: str = "e", before: bool = False) -> str:
    """A column of an issue `i` right after one of its events (or right before it)."""
    first = ">=" if before else ">"
    return f"""(
  select {_then("m.was", column)} from (select) o left join lateral (
    select x.was from events x where x.issue_id = {event}.issue_id
      and x.version {first} {event}.version and x.was ? '{column}' order by x.version limit 1
  ) m on true)"""
