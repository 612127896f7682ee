"""The lifecycle, as a table to be read: action, states it leaves from, state it leads to, who may, what it needs.

The API, the open actions of an issue, the documentation and the tests read this table and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from app.kit.access import ASSIGNEE, INSPECTOR, LEADER, RECTIFIER, REPORTER, SOLE_REPORTER, STAFF

OPEN = ("reported", "accepted", "assigned", "in_progress", "handed_over", "rectified")
STATES = (*OPEN, "closed", "rejected", "withdrawn", "merged")
REOPEN_DAYS = 14
# From where a report "mended on the spot" moves an issue that it joins.
MENDABLE = ("reported", "accepted", "assigned", "in_progress")

Who = Literal["sole_reporter", "reporter", "leader", "staff", "assignee", "inspector", "late_reporter"]
# In order: somebody who is several things acts as the first that allows the action.
_BITS: dict[Who, int] = {
    "staff": STAFF,
    "leader": LEADER,
    "assignee": ASSIGNEE,
    "inspector": INSPECTOR,
    "sole_reporter": SOLE_REPORTER,
    "reporter": REPORTER,
    "late_reporter": REPORTER,
}


@dataclass(frozen=True, slots=True)
class Action:
    """`to` None keeps the state; several states: the request says which. `needs` and `may` are fields of the request."""

    name: str
    sources: tuple[str, ...]
    to: tuple[str, ...] | None
    who: tuple[Who, ...]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    not_rectifier: bool = False
    # Commuting actions never conflict: made at once, both happen.
    commutes: bool = False
    # Not while the photograph that the category demands is missing.
    proved: bool = False


_MANAGERS: tuple[Who, ...] = ("leader", "staff")

ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action("withdraw", ("reported",), ("withdrawn",), ("sole_reporter",), may=("reason",)),
        Action("accept", ("reported",), ("accepted",), _MANAGERS, may=("public_place",)),
        Action("reject", ("reported", "accepted"), ("rejected",), _MANAGERS, needs=("reason",)),
        Action("merge", OPEN, ("merged",), _MANAGERS, needs=("into",), may=("reason",)),
        Action("unmerge", ("merged",), OPEN, _MANAGERS, may=("reason",)),
        Action(
            "assign",
            ("reported", "accepted", "assigned", "in_progress", "handed_over"),
            ("assigned",),
            _MANAGERS,
            may=("unit", "assignee", "deadline", "reason", "note"),
        ),
        Action("start", ("assigned",), ("in_progress",), ("assignee",)),
        Action(
            "rectify", ("assigned", "in_progress"), ("rectified",), ("assignee", "leader"), needs=("photos",), may=("note",)
        ),
        Action("verify", ("rectified",), ("closed",), ("reporter", *_MANAGERS), may=("note",), not_rectifier=True, proved=True),
        Action("send_back", ("rectified",), ("assigned",), ("reporter", *_MANAGERS), needs=("reason",), not_rectifier=True),
        Action(
            "hand_over", ("accepted", "assigned", "in_progress"), ("handed_over",), _MANAGERS, needs=("authority", "reply_by"),
            may=("note",),
        ),
        Action("reply", ("handed_over",), ("rectified", "accepted"), ("staff",), needs=("to", "note"), may=("photos",)),
        Action("request_extension", ("assigned", "in_progress"), None, ("assignee",), needs=("deadline", "reason")),
        Action("grant_extension", ("assigned", "in_progress"), None, _MANAGERS, needs=("deadline", "reason")),
        Action("refuse_extension", ("assigned", "in_progress"), None, _MANAGERS, needs=("reason",)),
        Action("close_unresolved", OPEN, ("closed",), ("staff",), needs=("reason_code",), may=("reason",)),
        Action(
            "reopen", ("closed", "rejected", "withdrawn"), ("accepted",), ("late_reporter", *_MANAGERS), needs=("reason",)
        ),
        Action(
            "comment", STATES, None, ("reporter", "assignee", "inspector", *_MANAGERS), needs=("note",), may=("photos",),
            commutes=True,
        ),
        Action("pass_inspection", ("closed",), None, ("inspector", "staff"), may=("note", "photos"), not_rectifier=True),
        Action(
            "fail_inspection", ("closed",), ("accepted",), ("inspector", "staff"), needs=("reason",), may=("photos",),
            not_rectifier=True,
        ),
        Action("name_premises", OPEN, None, _MANAGERS, may=("premises", "reason")),
        Action("reclassify", OPEN, None, _MANAGERS, needs=("category",), may=("reason",)),
        Action("relocate", OPEN, None, _MANAGERS, needs=("position",), may=("place", "reason")),
        Action("name_place", (*OPEN[1:], "closed"), None, _MANAGERS, needs=("public_place",)),
    )
}  # fmt: skip


# With these a leader or the office says that an issue is one; after `reject` it is none, until one of these says so again.
DECIDING = ("accept", "assign", "hand_over", "verify", "send_back", "reply", "reopen", "fail_inspection", "name_place")


def acts_as(action: Action, state: str, relation: int, recently_ended: bool) -> Who | None:
    """As what somebody with `relation` (bits of kit/access.py) may take `action` now, or None."""
    if state not in action.sources or (action.not_rectifier and relation & RECTIFIER):
        return None
    for who, bit in _BITS.items():
        if who in action.who and relation & bit and (who != "late_reporter" or recently_ended):
            return who
    return None


Obstacle = Literal["rectifier", "too_late", "not_alone", "other"]


def personal_obstacle(action: Action, state: str, relation: int) -> Obstacle | None:
    """Why somebody may not take an action that the state would allow to others; None where it is the state."""
    if state not in action.sources:
        return None
    if action.not_rectifier and relation & RECTIFIER:
        return "rectifier"
    if relation & REPORTER and "late_reporter" in action.who:
        return "too_late"
    return "not_alone" if relation & REPORTER and "sole_reporter" in action.who else "other"


@lru_cache(maxsize=8192)
def open_actions(state: str, relation: int, recently_ended: bool, evidence_missing: bool = False) -> tuple[str, ...]:
    """The actions open to somebody with `relation` on an issue in `state`."""
    return tuple(
        action.name
        for action in ACTIONS.values()
        if acts_as(action, state, relation, recently_ended) and not (action.proved and evidence_missing)
    )
