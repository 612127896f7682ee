"""Mutants that change nothing that anybody could see: name without its line, and why."""

_ASKED_FIRST = "asked first whether anything is new: a wrong yes only costs the question itself, which has the scope"

EQUIVALENT: dict[str, str] = {
    "ownership app/issues/queries.py ANY_CHANGED i.reporter_id = c.account_id": _ASKED_FIRST,
    "ownership app/issues/queries.py ANY_CHANGED i.assignee_id = c.account_id": _ASKED_FIRST,
    "ownership app/issues/queries.py ANY_CHANGED r.account_id = c.account_id": _ASKED_FIRST,
    "lock app/issues/clock_queries.py BLACK_SPOT for update": "the update that follows locks the row; a spot's area and cell never change",
}
