"""What papers and lists count: SQL conditions on an event `e`, each a word of the weekly summary. An issue counts once, however often it happened to it.

In time is a rectification before the deadline that was in force then.
"""

COUNTED = {
    "found": "e.version = 1",
    "mended_on_the_spot": "e.version = 1 and e.action = 'report_mended'",
    "closed": "e.version > 1 and e.to_state = 'closed' and e.from_state is distinct from 'closed'",
    "rectified": "e.action = 'rectify'",
    "in_time": """e.action = 'rectify' and e.at <= (
    select (d.data->>'deadline')::timestamptz from events d
    where d.issue_id = e.issue_id and d.version < e.version and d.action in ('assign', 'grant_extension') and d.data ? 'deadline'
    order by d.version desc limit 1)""",
    "handed_over": "e.action = 'hand_over'",
    "sent_back": "e.action = 'send_back'",
    "came_back": "e.action = 'recur'",
}
