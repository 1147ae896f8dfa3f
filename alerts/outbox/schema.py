"""The outbox's tables, and the states of a delivery.

Lives here: what a row is. Not here: the moves between the states.
"""

from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, MetaData, String, Table, Text

from crawler.storage import Instant, RowId


class State(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    UNCLEAR = "unclear"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"  # there is nothing to be told any more, or not in this channel


UNFINISHED = (State.WAITING, State.CLAIMED, State.UNCLEAR)
GIVEN_UP = (State.DEAD, State.DROPPED)
tables = MetaData()

deliveries = Table(
    "deliveries",
    tables,
    Column("number", RowId, primary_key=True, comment="the order in which they are told"),
    Column(
        "id", String(200), nullable=False, unique=True, comment="what the message carries, to be found by"
    ),
    Column("channel", String(80), nullable=False, comment="id in channels.yaml"),
    Column("kind", String(10), nullable=False, comment="root | reply | edit"),
    Column("root", String(200), comment="id of the delivery it follows or changes; null: it is a root"),
    Column("broadcast", Boolean, nullable=False, comment="a reply which the channel sees too"),
    Column("urgent", Boolean, nullable=False, comment="it rings in quiet hours too"),
    Column("story", Text, comment="null: a notice"),
    Column("watch", Text, comment="null: a notice"),
    Column(
        "body", Text, nullable=False, comment="JSON; of a root: its newest wording; of an edit: its root's"
    ),
    Column("state", String(10), nullable=False),
    Column("plainness", String(10), nullable=False, comment="how much is dropped because it was refused"),
    Column("attempts", Integer, nullable=False),
    Column("repeat_possible", Boolean, nullable=False, comment="may have arrived where nobody can look"),
    Column("created_at", Instant, nullable=False),
    Column(
        "changed_at", Instant, nullable=False, comment="last move; lies in the future: the clock was set back"
    ),
    Column(
        "due_at", Instant, nullable=False, comment="waiting: not sent before; unclear: not looked for before"
    ),
    Column("quiet_until", Instant, comment="it is withheld in quiet hours; null: it never was"),
    Column("lease_until", Instant, comment="null: nobody is working on it"),
    Column(
        "lease_token", Integer, nullable=False, comment="goes up with every claim; an old one moves nothing"
    ),
    Column("attempted_at", Instant, comment="stamped before each attempt; null: none yet"),
    Column("watermark", String(40), comment="the channel's watermark at the last attempt; null: none known"),
    Column(
        "looks", Integer, nullable=False, comment="unclear: how often the channel was read to the end in vain"
    ),
    Column("look_cursor", Text, comment="unclear: where reading goes on; null: at the beginning"),
    Column(
        "ts", String(40), comment="the vendor's id of the message; null: not sent, or the vendor gives none"
    ),
    Column("sent_at", Instant, comment="null: not sent"),
    Column("reason", Text, comment="how the last attempt failed; null: none did"),
    Column("told_at", Instant, comment="dead: when the ops channel heard of it; null: it has not"),
    CheckConstraint(
        "state IN ('waiting', 'claimed', 'unclear', 'sent', 'dead', 'dropped')", name="deliveries_state"
    ),
    CheckConstraint("(kind = 'root') = (root IS NULL)", name="deliveries_root_has_none"),
    CheckConstraint("state <> 'claimed' OR attempted_at IS NOT NULL", name="deliveries_claimed_is_stamped"),
    Index("deliveries_due", "channel", "state", "number"),
    Index("deliveries_root", "root"),
    Index("deliveries_story", "story"),
)

channels = Table(
    "channels",
    tables,
    Column("id", String(80), primary_key=True, comment="id in channels.yaml"),
    Column(
        "watermark",
        String(40),
        comment="largest message id known in it, by the vendor's clock; null: none known",
    ),
    Column("changed_at", Instant, nullable=False, comment="lies in the future: the clock was set back"),
    Column("called_at", Instant, comment="begin or end of the last message's call; null: never called"),
    Column("held_until", Instant, comment="no message before; null: not held"),
    Column(
        "failures", Integer, nullable=False, comment="calls in a row that stored nothing, as far as we know"
    ),
    Column("stopped_at", Instant, comment="since when a person has to mend something; null: it works"),
    Column("stopped_reason", Text, comment="null: it works"),
    Column("look_held_until", Instant, comment="not read before; null: not held"),
    Column("unreadable_at", Instant, comment="since when its history cannot be read; null: it can"),
    Column("edited_at", Instant, comment="begin or end of the last edit's call; null: never called"),
    Column("edits_held_until", Instant, comment="no edit before; null: not held"),
)
