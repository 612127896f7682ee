"""What papers and lists count: SQL conditions on an event `e` of an issue `i`.

Each is a word of the weekly summary. An issue counts once, however often it happened to it. In time is
a rectification before the deadline of before extensions, as it stood then; extended in time, before the
one in force then.
"""

from app.issues.as_it_was import around

_FIRST, _IN_FORCE = around("first_deadline", before=True), around("deadline", before=True)

COUNTED = {
    "found": "e.version = 1",
    "mended_on_the_spot": "e.version = 1 and e.action = 'report_mended'",
    "closed": "e.version > 1 and e.to_state = 'closed' and e.from_state is distinct from 'closed'"
    " and e.action <> 'close_unresolved'",
    "closed_unresolved": "e.action = 'close_unresolved'",
    "rectified": "e.action = 'rectify'",
    "in_time": f"e.action = 'rectify' and e.at <= coalesce({_FIRST}, {_IN_FORCE})",
    "in_time_extended": f"e.action = 'rectify' and e.at <= {_IN_FORCE}",
    "handed_over": "e.action = 'hand_over'",
    "sent_back": "e.action = 'send_back'",
    "came_back": "e.action = 'recur'",
}
