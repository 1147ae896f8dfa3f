"""Notebook: matches with their verdicts, stories, alerts, threads, silences, marks, rules in force.

    schema       the tables
    stories      which article is in which story; what ties others to it
    corrections  what a person merged or split
    matches      matches with their verdicts
    alerts       which watch has told of which story
    threads      the articles that were told, and who leads
    digests      what is held for a digest, and what one has told
    holding      what waits in a channel for its brief or its digest
    rules        rules in force; how their shadows differ
    silences     what stays quiet until when, and what that held
    floods       what is held while a source brings too much at once
    marks        what a person said of an article
    deeds        who turned what; how the control room stands

Lives here: the SQL of these tables. Every match is written down with the verdict it got, so that "why was I
not told?" is one SELECT. Functions take a connection and belong to the caller's transaction. From outside it
is one notebook: `from alerts import ledger`. Not here: the decisions (`alerts.stories`, `alerts.silences`,
`alerts.alerting`, `alerts.marks`), what is still to be delivered (`outbox`).
"""

from alerts.ledger.alerts import (
    alert_of,
    alerts_at,
    alerts_of,
    backlog_told,
    recent_alerts,
    take_turns,
    told,
    withdraw_alert,
    write_alert,
)
from alerts.ledger.corrections import corrections_of, merge_stories, note_correction, split_apart, split_story
from alerts.ledger.deeds import (
    ControlRoom,
    Deed,
    close_control_room,
    control_room_standing,
    deed,
    deed_of,
    mark_refusal_told,
    note_beneath,
    note_control_room,
    note_deed,
    note_heard,
    note_undone,
    recent_deeds,
    refusal_told_at,
    standing_deed,
)
from alerts.ledger.digests import digests_of, held_for_digest, mark_digested
from alerts.ledger.floods import flood_of, flooded, floods_untold, mark_calmed
from alerts.ledger.holding import (
    channels_that_hold,
    heard_of,
    held_in,
    hold,
    is_summed_up,
    mark_held,
    where_held,
)
from alerts.ledger.marks import (
    NOT_ARCHIVED,
    keep_mark,
    list_marks,
    marks_by_version,
    note_rulings,
    remove_mark,
)
from alerts.ledger.matches import (
    action_counts,
    hold_match,
    matches_of,
    ringing_of,
    verdict_counts,
    was_flood,
    withdraw_match,
    words_told,
    write_match,
)
from alerts.ledger.rules import differences, note_rules
from alerts.ledger.schema import tables
from alerts.ledger.silences import (
    Quieted,
    add_silence,
    end_silence,
    ended_untold,
    list_silences,
    mark_ended,
    quieted,
    silence_of,
    silenced,
)
from alerts.ledger.stories import (
    add_to_story,
    articles_of,
    closed_before,
    known_features,
    open_story,
    recent_stories,
    repeated,
    standing,
    standing_of,
    standing_row,
    story_of,
    story_row,
    tie_of,
)
from alerts.ledger.threads import (
    held_of,
    is_counted,
    join_thread,
    leave_thread,
    named_at,
    retitle,
    thread,
    threads_with,
)

__all__ = [
    "NOT_ARCHIVED",
    "ControlRoom",
    "Deed",
    "Quieted",
    "action_counts",
    "add_silence",
    "add_to_story",
    "alert_of",
    "alerts_at",
    "alerts_of",
    "articles_of",
    "backlog_told",
    "channels_that_hold",
    "close_control_room",
    "closed_before",
    "control_room_standing",
    "corrections_of",
    "deed",
    "deed_of",
    "differences",
    "digests_of",
    "end_silence",
    "ended_untold",
    "flood_of",
    "flooded",
    "floods_untold",
    "heard_of",
    "held_for_digest",
    "held_in",
    "held_of",
    "hold",
    "hold_match",
    "is_counted",
    "is_summed_up",
    "join_thread",
    "keep_mark",
    "known_features",
    "leave_thread",
    "list_marks",
    "list_silences",
    "mark_calmed",
    "mark_digested",
    "mark_ended",
    "mark_held",
    "mark_refusal_told",
    "marks_by_version",
    "matches_of",
    "merge_stories",
    "named_at",
    "note_beneath",
    "note_control_room",
    "note_correction",
    "note_deed",
    "note_heard",
    "note_rules",
    "note_rulings",
    "note_undone",
    "open_story",
    "quieted",
    "recent_alerts",
    "recent_deeds",
    "recent_stories",
    "refusal_told_at",
    "remove_mark",
    "repeated",
    "retitle",
    "ringing_of",
    "silence_of",
    "silenced",
    "split_apart",
    "split_story",
    "standing",
    "standing_deed",
    "standing_of",
    "standing_row",
    "story_of",
    "story_row",
    "tables",
    "take_turns",
    "thread",
    "threads_with",
    "tie_of",
    "told",
    "verdict_counts",
    "was_flood",
    "where_held",
    "withdraw_alert",
    "withdraw_match",
    "words_told",
    "write_alert",
    "write_match",
]
