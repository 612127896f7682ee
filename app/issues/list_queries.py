"""Statements of lists of issues: any set of filters, in three orders, page by page or all of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app.issues.as_it_was import around, at_instant, below, left
from app.issues.counting import COUNTED
from app.issues.lifecycle import MENDABLE, OPEN
from app.issues.queries import ISSUE, NAMES, OVERDUE
from app.kit import photographs
from app.kit.access import CALLER, SCOPE

_SORTS = {
    "-created_at": ("i.created_at", "desc", "<"),
    "-updated_at": ("i.updated_at", "desc", "<"),
    "deadline": ("coalesce(i.deadline, 'infinity')", "asc", ">"),
}
# What was open at an instant is open still or has changed since. A clock ahead may have dated a report up to ten minutes after it came.
_OPEN_THEN = "i.created_at < ${0}::timestamptz + interval '10 minutes' and (i.is_open or i.updated_at >= ${0})"
_FILTERS = {
    "state": "i.state = any(${}::text[])",
    # One state other than `closed` has an index in the order of the list.
    "one_state": "i.state <> 'closed' and i.state = ${}",
    "open": "i.is_open",
    "cell": "i.cell_id = ${}",
    "area": "i.area_id = any(array(select t.area_id from area_tree t where t.ancestor_id = ${}))",
    "category": "i.category = any(${}::text[])",
    "unit": "i.unit_id = ${}",
    "assignee": "i.assignee_id = ${}",
    "premises": "i.premises_id = ${}",
    "mine": "i.id in (select r.issue_id from reports r where r.account_id = c.account_id)",
    # The index of open issues by deadline ends where overdue does.
    "overdue": f"{OVERDUE} and i.is_open and coalesce(i.deadline, 'infinity') < now()",
    "not_overdue": f"{OVERDUE} is not true",
    "bbox": "i.mercator && ${}::text::geometry",
    "unowned": "(i.unit_id is null and i.assignee_id is null and i.state in ('reported', 'accepted')) = ${}",
    "created_since": "i.created_at >= ${}",
    "created_until": "i.created_at < ${}",
    # Like one state, by the index of areas and states.
    "photos_missing": f"i.state <> 'closed' and i.state = 'rectified' and {photographs.EVIDENCE_MISSING}",
    # As papers name it: the place without its number, else the cell.
    "street": "coalesce(i.street, (select g.name from cells g where g.id = i.cell_id)) = ${}",
    "recurring": "(i.recurrences > 0) = ${}",
    "outcome_resolved": "i.state = 'closed' and i.unresolved is null",
    "outcome_unresolved": "i.unresolved is not null",
    "open_at": f"{_OPEN_THEN} and t.state in {OPEN!r}",
    "late_at": f"{_OPEN_THEN} and t.state in {MENDABLE!r} and t.deadline < ${{0}}",
    "reply_late_at": f"{_OPEN_THEN} and t.state = 'handed_over' and t.reply_by < ${{0}}",
} | {
    # Whatever has an event in a span has changed since it began.
    f"happened_{what}": "i.updated_at >= (${0}::timestamptz[])[1] and exists (select from events e where e.issue_id = i.id"
    " and e.at >= (${0}::timestamptz[])[1] and e.at < (${0}::timestamptz[])[2] and "
    + condition.replace("{", "{{").replace("}", "}}")
    + "{lying})"
    for what, condition in COUNTED.items()
}
# With an instant, these are asked of what the issue was then (`t`).
_FILTERS_THEN = {
    "state": "t.state = any(${}::text[])",
    "one_state": "t.state = ${}",
    "open": f"t.state in {OPEN!r}",
    "cell": "t.cell_id = ${}",
    "area": f"t.area_id = any({below('${}')})",
    "category": "t.category = any(${}::text[])",
    "unit": "t.unit_id = ${}",
    "assignee": "t.assignee_id = ${}",
    "premises": "t.premises_id = ${}",
    "street": "coalesce(t.street, (select g.name from cells g where g.id = t.cell_id)) = ${}",
    "recurring": "(t.recurrences > 0) = ${}",
}
_INSTANTS = ("open_at", "late_at", "reply_late_at")
VALUELESS = {"open", "mine", "overdue", "not_overdue", "outcome_resolved", "outcome_unresolved", "photos_missing"}
_DRIVERS = ("cell", "unit", "assignee", "premises", "mine")


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """How a set of filters narrows a list: its conditions, the parameter that holds the area (or null), what is joined to an issue, and the
    ids of issues that lay in the area at the time asked for and have left it since."""

    terms: list[str]
    area: str
    joined: str
    left: str | None


def _narrowed(filters: tuple[str, ...], number: int) -> _Narrowed:
    """Conditions for a set of filters whose values are parameters from `number` on."""
    places: dict[str, str] = {}
    for name in filters:
        if name not in VALUELESS:
            places[name] = f"${number}"
            number += 1
    instant = next((places[name] for name in _INSTANTS if name in places), None)
    happened = next((places[name] for name in filters if name.startswith("happened_")), None)
    area = places.get("area", "null")
    lying = f" and {around('area_id')} = any({below(area)})" if "area" in places and instant is None else ""
    since = instant or (f"({happened}::timestamptz[])[1]" if happened else None)
    terms: list[str] = []
    for name in filters:
        # Words are looked up apart: see `_found`.
        if name == "q" or (name == "area" and happened and instant is None):
            continue
        known = _FILTERS_THEN if instant and name in _FILTERS_THEN else _FILTERS
        terms.append(known[name].format(places.get(name, "$")[1:], lying=lying))
    gone = left("area_id", below(area), since) if since and "area" in places else None
    return _Narrowed(terms, area, at_instant(instant) if instant else "", gone)


def _branches(narrowed: _Narrowed, conditions: str, order: str) -> str:
    """Ids of the issues in scope, from each branch of the scope by its own index. `order` ends and limits each branch."""
    area = narrowed.area
    areas = "array(select x.id from areas x) || c.reads" if area == "null" else (
        f"array(select t.area_id from area_tree t where t.ancestor_id = {area})"
    )  # fmt: skip

    def first(condition: str) -> str:
        return f"select i.id from issues i {narrowed.joined} where {condition} and {conditions} {order}"

    gone = f"union select b.id from ({first(f'{SCOPE} and i.id in ({narrowed.left})')}) b" if narrowed.left else ""
    return f"""
  select b.id from unnest(case when c.is_admin or {area}::uuid is not null then {areas} else c.reads end) w(id)
    cross join lateral ({first(f"i.area_id = w.id and {SCOPE}")}) b
  union select b.id from ({first("c.is_admin and i.area_id is null")}) b
  union select b.id from unnest(c.units) w(id) cross join lateral ({first("i.unit_id = w.id")}) b
  union select b.id from ({first("i.assignee_id = c.account_id")}) b
  union select b.id from ({first("i.id in (select r.issue_id from reports r where r.account_id = c.account_id)")}) b
  {gone}
"""


def _driven(filters: tuple[str, ...]) -> bool:
    """Whether a list is narrowed to what has an index of its own today: not where it is asked what was at an instant."""
    names = {"mine"} if any(name in filters for name in _INSTANTS) else _DRIVERS
    return any(name in filters for name in names)


# What few issues hold is found by the index of words; what many hold, by walking the issues in order until a
# page is full. The index costs as much as it finds; the walk the more, the rarer the words and the more areas it
# walks in. At this many times the square root of the areas both cost about the same. See docs/adr/0011. (Nothing is sorted
# under this limit, so it need be no literal.)
_FEW, _MOST = 4000, 60_000


def _words(number: int, area: str) -> str:
    """Common table expressions for what is searched, parameter `number`: `s` its patterns, its keys of the index and
    the number that it may be; `few` the ids of what holds it, null where that are many."""
    areas = f"(select count(*) from area_tree t where t.ancestor_id = {area})"
    if area == "null":
        areas = "case when c.is_admin then (select count(*) from areas) else cardinality(c.reads) end"
    return f""", s as materialized (
  select search_patterns(x.q[1]) as patterns, search_keys(x.q[1]) as keys, x.q[2] as number
  from (select ${number}::text[] as q) x
), most as materialized (
  select least({_MOST}, {_FEW} * sqrt(greatest({areas}, 1)))::int as n from c
), hits as materialized (
  select w.issue_id from issue_words w where search_pairs(w.words) @> (select s.keys from s)
    and w.words like all ((select s.patterns from s)::text[]) limit coalesce((select most.n from most), 0)
), few as materialized (
  select case when (select count(*) from hits) < most.n then array(
    select h.issue_id from hits h union select i.id from issues i where i.number = (select s.number from s)
  ) end as ids from most
)"""


_MANY = "(select few.ids is null from few)"
# Inside coalesce the planner takes it for what half of all hold, and walks in order; of LIKE ALL it expects one row in
# thousands, and would rather sort all that there are.
_HOLDS = """coalesce(i.number = (select s.number from s)
  or (select w.words from issue_words w where w.issue_id = i.id) like all ((select s.patterns from s)::text[]), false)"""


def _found(filters: tuple[str, ...], number: int, narrowed: _Narrowed, conditions: str, order: str) -> tuple[str, str]:
    """Common table expressions, and a query for the ids of the issues in scope that fit the conditions and hold the
    words of `q`, if that is among the filters."""

    def walked(conditions: str) -> str:
        if _driven(filters):
            return f"(select i.id from issues i {narrowed.joined} where {SCOPE} and {conditions} {order})"
        return _branches(narrowed, conditions, order)

    if "q" not in filters:
        return "", walked(conditions)
    number += sum(name not in VALUELESS for name in filters[: filters.index("q")])
    by_words = f"""
  (select i.id from unnest((select few.ids from few)) h(id) join issues i on i.id = h.id {narrowed.joined}
   where {SCOPE} and {conditions} {order})
  union"""
    return _words(number, narrowed.area), by_words + walked(f"{_MANY} and {conditions} and {_HOLDS}")


@lru_cache(maxsize=1024)
def issues(filters: tuple[str, ...], sort: str, after: bool, rows: int) -> str:
    """The list for a set of filters. Parameters: token hash, the two keys of the cursor (if `after`), the filters' values.

    A list narrowed to a cell, unit or person reads that index and applies the scope to each row. A wide one takes the
    first rows of every branch of the scope, each from its own index, and then the first of those: never more than
    rows × branches, however many issues there are. `rows` is a literal: see paging.rows_for.
    """
    key, direction, beyond = _SORTS[sort]
    narrowed = _narrowed(filters, 4 if after else 2)
    terms = narrowed.terms
    if after:
        # As text: asyncpg would send the first and the last instant of all as infinities.
        terms.insert(0, f"({key}, i.id) {beyond} ($2::text::timestamptz, $3::uuid)")
    conditions = " and ".join(terms) or "true"
    order = f"order by {key} {direction}, i.id {direction} limit {rows}"
    with_words, found = _found(filters, 4 if after else 2, narrowed, conditions, order)
    if _driven(filters) and not with_words:
        found = f"select i.* from issues i {narrowed.joined} where {SCOPE} and {conditions} {order}"
    else:
        found = f"select i.* from issues i join ({found}) b on b.id = i.id {order}"
    return f"""
with c as ({CALLER}){with_words}
select {ISSUE}, {key} as sort_key from c left join lateral ({found}) i on true {NAMES}
order by {key} {direction}, i.id {direction}
"""


@lru_cache(maxsize=1024)
def ids(filters: tuple[str, ...]) -> str:
    """Ids of all issues for a set of filters that were reported within a span ($2 up to $3), newest first; one row with null when there
    are none. Parameters: token hash, the span, the filters' values. For a pass through very many: a page of a wide list reads as many rows of
    each branch as it has itself, this each row once."""
    narrowed = _narrowed(filters, 4)
    conditions = " and ".join([*narrowed.terms, "i.created_at >= $2::timestamptz and i.created_at < $3::timestamptz"])
    with_words, found = _found(filters, 4, narrowed, conditions, "")
    return f"""
with c as ({CALLER}){with_words}
select i.id from c left join lateral (select i.id, i.created_at from issues i join ({found}) b on b.id = i.id) i on true
order by i.created_at desc, i.id desc
"""


BY_IDS = f"""
with c as ({CALLER})
select {ISSUE} from c cross join unnest($2::uuid[]) with ordinality w(id, n) join issues i on i.id = w.id and {SCOPE} {NAMES} order by w.n
"""
OLDEST = """
select min(m.at) from (
  select (select i.created_at from issues i where i.area_id = a.id order by i.created_at limit 1) as at from areas a
  union all select (select i.created_at from issues i where i.area_id is null order by i.created_at limit 1)
) m
"""
