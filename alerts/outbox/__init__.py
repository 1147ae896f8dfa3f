"""Notebook: deliveries, and the only moves they may make.

    schema      the tables, and the states of a delivery
    moves       what a move writes, and when its time has come
    channels    what a channel has to wait for, and for how long
    enqueuing   into the outbox: roots, newer wordings, replies
    claiming    what is sent next; who sends it
    outcomes    how a call went, and what follows
    withholding what waits for the end of quiet hours; what a silence takes out of a reply
    looking     what is unclear: is it in the channel?
    giving_up   what is told no more; the dead brought back
    standing    figures and records

Lives here: the SQL of the outbox and how long each wait lasts. Functions take a connection and belong to the
caller's transaction; `dispatch` commits before and after each call to a vendor. From outside it is one
notebook: `from alerts import outbox`. Not here: the calls.

    waiting ──claim──▶ claimed ──accepted──▶ sent
       ▲                │ │ │
       │◀──not stored───┘ │ └──refused in its plainest form──▶ dead, until a person has looked
       │                  └──nobody knows──▶ unclear ──found in the channel──▶ sent
       └──────────────────────────looked for twice, not there──┘

A delivery is a root, a reply in a root's thread, or an edit of a root. A reply waits until its root is sent
and nobody wonders about an earlier reply; if the root is dead, it takes its place. The body of a root is
always its newest wording: an edit sends that, so there is one for each root, and it can be sent again
without looking. What a channel cannot show is dropped.

A message is sent only while its row says so on disk: `claim` is committed before the call. So a claimed row
that nobody works on any more (its lease ran out, or the process was killed) may have arrived; it is
unclear, never just waiting. A kill between claim and call costs a look into the channel; the other order
would cost a repeat.
"""

from alerts.outbox.channels import (
    ChannelState,
    backoff,
    channel_states,
    hold_channel,
    hold_edits,
    learn_watermark,
    resume,
    watermark_of,
)
from alerts.outbox.claiming import Claim, claim, claim_edit, editable_at, lapse, recover, sendable_at
from alerts.outbox.enqueuing import Root, enqueue, reply, revise, roots
from alerts.outbox.giving_up import (
    forgo,
    give_up_channels,
    mark_dead_told,
    retry_dead,
    take_back,
    unheard,
    untold_dead,
)
from alerts.outbox.looking import (
    Look,
    Missed,
    claim_look,
    found,
    look_failed,
    looked,
    readable,
    repeat_unclear,
    turn_page,
)
from alerts.outbox.outcomes import Consequence, assume_sent, failed, sent
from alerts.outbox.schema import UNFINISHED, State, tables
from alerts.outbox.standing import (
    Record,
    counts,
    dead_list,
    last_sent,
    named,
    oldest_waiting,
    posts,
    record_of,
    records,
    unseen_replies,
)
from alerts.outbox.withholding import hold_back, let_pass, withhold

__all__ = [
    "UNFINISHED",
    "ChannelState",
    "Claim",
    "Consequence",
    "Look",
    "Missed",
    "Record",
    "Root",
    "State",
    "assume_sent",
    "backoff",
    "channel_states",
    "claim",
    "claim_edit",
    "claim_look",
    "counts",
    "dead_list",
    "editable_at",
    "enqueue",
    "failed",
    "forgo",
    "found",
    "give_up_channels",
    "hold_back",
    "hold_channel",
    "hold_edits",
    "lapse",
    "last_sent",
    "learn_watermark",
    "let_pass",
    "look_failed",
    "looked",
    "mark_dead_told",
    "named",
    "oldest_waiting",
    "posts",
    "readable",
    "record_of",
    "records",
    "recover",
    "repeat_unclear",
    "reply",
    "resume",
    "retry_dead",
    "revise",
    "roots",
    "sendable_at",
    "sent",
    "tables",
    "take_back",
    "turn_page",
    "unheard",
    "unseen_replies",
    "untold_dead",
    "watermark_of",
    "withhold",
]
