"""Who is told what: a table to be read. Whoever did a thing is not told of it."""

from __future__ import annotations

# What happened → (who is told, what it is called to him: a sentence `notice-…` in texts.toml).
TOLD: dict[str, tuple[tuple[str, str], ...]] = {
    "report": (("leaders", "new"), ("unplaced", "unplaced")),
    "report_mended": (("leaders", "mended_on_the_spot"),),
    "accept": (("reporters", "accepted"),),
    "reject": (("reporters", "rejected"),),
    "assign": (("assignees", "assigned"), ("late_assignees", "overdue")),
    "rectify": (("reporters", "mended"), ("leaders", "to_verify")),
    "verify": (("reporters", "closed"), ("assignees", "closed")),
    "send_back": (("assignees", "sent_back"), ("staff_at_third", "sent_back_often")),
    "hand_over": (("staff", "handed_over"),),
    "reply": (("leaders", "replied"),),
    "request_extension": (("leaders", "extension_asked"),),
    "grant_extension": (("assignees", "extension_granted"),),
    "refuse_extension": (("assignees", "extension_refused"),),
    # To everybody whom it concerns: it may be a question to any of them, and nobody else reads it in time.
    "comment": (("leaders", "commented"), ("assignees", "commented"), ("reporters", "commented"), ("unplaced", "commented")),
    "close_unresolved": (("reporters", "closed_unresolved"),),
    "fail_inspection": (("leaders", "inspection_failed"), ("assignees", "inspection_failed"), ("staff", "inspection_failed")),
    "reopen": (("reporters", "reopened"), ("leaders", "reopened")),
    "merge": (("reporters", "merged"),),
    "remind": (("assignees", "due_soon"),),
    "overdue": (("assignees", "overdue"), ("leaders", "overdue")),
    "recur": (("leaders", "came_back"),),
    "remind_reply": (("leaders", "reply_due_soon"),),
    "reply_overdue": (("leaders", "reply_overdue"), ("staff", "reply_overdue")),
}
KINDS = (
    *dict.fromkeys(kind for told in TOLD.values() for _, kind in told),
    "digest",
    "thanked",
    "photo_damaged",
    "photo_missing",
    "channel_failed",
    "reset_made",
    "work_handed",
    "work_left",
    "stand_in_ended",
    "reset_used",
)
