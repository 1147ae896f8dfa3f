"""Notebook: deliveries, and the only moves they may make.

Lives here: the SQL of the outbox and how long each wait lasts. Functions take a connection and belong to the
caller's transaction; `dispatch` commits before and after each call to a vendor. Not here: the calls.

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

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from alerts.notifications import (
    Body,
    Delivery,
    DeliveryFailed,
    DeliveryId,
    Fault,
    FollowUp,
    Kind,
    Plainness,
    from_json,
    joined,
    to_json,
)
from crawler.storage import Instant, RowId

RETRY_STOPPED = timedelta(minutes=15)  # a channel that a person has to mend is tried this often
FIRST_BACKOFF = timedelta(seconds=2)  # doubles with each failure in a row
# A lost answer says little about the next message: the others of the channel go on. But an outage that lasts
# must not make every one of them unclear.
LOST_ANSWERS_BORNE = 5
LONGEST_BACKOFF = timedelta(minutes=5)  # not more: after an outage of a night the bell should ring soon
UNSAID_LIMIT = timedelta(seconds=30)  # 429 without a usable Retry-After
LONGEST_LIMIT = timedelta(hours=24)  # no Retry-After keeps us silent for longer
LOOK_BACK = timedelta(seconds=60)  # how far before the watermark the channel is read
LOOK_AGAIN = timedelta(seconds=10)  # between the first look and the second: a history may lag
ENOUGH_LOOKS = 2
CLOCK_SLACK = timedelta(minutes=1)  # a row stamped further in the future than this: the clock was set back


class State(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    UNCLEAR = "unclear"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"  # there is nothing to be told any more, or not in this channel


UNFINISHED = (State.WAITING, State.CLAIMED, State.UNCLEAR)

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


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours for the time of the lease, stamped; to be sent once."""

    delivery: Delivery
    token: int


@dataclass(frozen=True, slots=True)
class Missed:
    """An unclear delivery that a look has to find."""

    id: DeliveryId
    token: int
    looks: int  # in vain, this one not included


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of a channel or a thread, for all that is unclear there: some allow one call a minute."""

    missed: tuple[Missed, ...]
    thread: str | None  # ts of the root whose thread is read; None: the channel
    oldest: str | None  # the vendor's time from which to read; None: from the channel's beginning
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What the outbox knows of a channel, for `status` and health."""

    id: str
    stopped_at: datetime | None
    stopped_reason: str | None
    held_until: datetime | None
    failures: int
    unreadable_at: datetime | None


@dataclass(frozen=True, slots=True)
class Record:
    """A delivery as `status`, `why` and `dead` show it."""

    id: DeliveryId
    kind: Kind
    broadcast: bool
    channel: str
    story: str | None
    watch: str | None
    body: Body
    state: State
    plainness: Plainness
    attempts: int
    created_at: datetime
    attempted_at: datetime | None
    sent_at: datetime | None
    ts: str | None
    reason: str | None


class Consequence(StrEnum):
    """What became of a delivery whose attempt failed."""

    WAITS = "waits"
    STOPPED = "stopped"  # it waits, and so does the whole channel, since just now, for a person
    UNCLEAR = "unclear"
    PLAINER = "plainer"
    DEAD = "dead"
    DROPPED = "dropped"


# --- into the outbox ------------------------------------------------------------------------------


def enqueue(
    connection: Connection,
    delivery: DeliveryId,
    channel: str,
    body: Body,
    story: str | None,
    watch: str | None,
    now: datetime,
    *,
    due_at: datetime | None = None,
) -> bool:
    """Put a root into the outbox; False if its id is there already, whatever became of it.

    `due_at`: not sent before; None: now.
    """
    if connection.execute(select(deliveries.c.number).where(deliveries.c.id == delivery)).first():
        return False
    _put(
        connection,
        now,
        id=delivery,
        channel=channel,
        kind=Kind.ROOT,
        broadcast=False,
        story=story,
        watch=watch,
        body=to_json(body),
        due_at=due_at or now,
    )
    return True


def _put(connection: Connection, now: datetime, **values: Any) -> None:
    new = {"state": State.WAITING, "plainness": Plainness.FULL, "attempts": 0, "repeat_possible": False}
    counts = {"lease_token": 0, "looks": 0}
    connection.execute(insert(deliveries).values(created_at=now, changed_at=now, **new, **counts, **values))


@dataclass(frozen=True, slots=True)
class Root:
    """The head of a thread, as whoever adds to it needs it."""

    id: DeliveryId
    channel: str
    body: Body
    begun: bool  # somebody may have seen it


def roots(connection: Connection, story: str, watch: str) -> list[Root]:
    """The root of a story in each channel that was told of it; a dead one only where there is no other."""
    rows = connection.execute(
        select(deliveries)
        .where(deliveries.c.story == story, deliveries.c.watch == watch, deliveries.c.kind == Kind.ROOT)
        .order_by(deliveries.c.number)
        .with_for_update()
    ).all()
    rows = sorted(rows, key=lambda row: row.state not in _GIVEN_UP)
    last = {row.channel: row for row in rows}
    return [
        Root(DeliveryId(row.id), row.channel, from_json(row.body), row.attempts > 0) for row in last.values()
    ]


_GIVEN_UP = (State.DEAD, State.DROPPED)


def revise(
    connection: Connection, root: Root, body: Body, now: datetime, *, edit_at: datetime, due_at: datetime
) -> None:
    """A newer wording of a root: an edit follows at `edit_at`.

    If nobody has seen the root yet, it is sent like this, and at `due_at` if that is sooner.
    """
    if body == root.body:
        return
    which = deliveries.c.id == root.id
    connection.execute(update(deliveries).where(which).values(body=to_json(body)))
    if root.begun:
        _want_edit(connection, root, body, now, edit_at)
    else:
        later = and_(which, deliveries.c.due_at > due_at)
        connection.execute(update(deliveries).where(later).values(due_at=due_at, changed_at=now))


def _want_edit(connection: Connection, root: Root, body: Body, now: datetime, at: datetime) -> None:
    """There is one edit for each root. While its call is under way it is left alone: `sent` compares."""
    mine = and_(deliveries.c.root == root.id, deliveries.c.kind == Kind.EDIT)
    edit = connection.execute(select(deliveries).where(mine).with_for_update()).one_or_none()
    if edit is None:
        _put_below(connection, root, now, id=f"{root.id}-edit", kind=Kind.EDIT, body=body, due_at=at)
    elif edit.state == State.WAITING:
        sooner = min(edit.due_at, at)
        connection.execute(update(deliveries).where(mine).values(due_at=sooner, changed_at=now))
    elif edit.state != State.CLAIMED:
        again = {"state": State.WAITING, "plainness": Plainness.FULL, "created_at": now, "attempts": 0}
        connection.execute(update(deliveries).where(mine).values(due_at=at, changed_at=now, **again))


def reply(
    connection: Connection,
    root: Root,
    delivery: DeliveryId,
    body: FollowUp,
    now: datetime,
    *,
    due_at: datetime,
    broadcast: bool = False,
) -> bool:
    """Say something in the thread of a root. A reply that still waits there takes it along.

    False: its id is there already.
    """
    if connection.execute(select(deliveries.c.number).where(deliveries.c.id == delivery)).first():
        return False
    if _taken_along(connection, root, body, now, due_at, broadcast=broadcast):
        return True
    _put_below(
        connection, root, now, id=delivery, kind=Kind.REPLY, body=body, due_at=due_at, broadcast=broadcast
    )
    return True


def _put_below(
    connection: Connection,
    root: Root,
    now: datetime,
    *,
    id: str,  # noqa: A002  the column's name
    kind: Kind,
    body: Body,
    due_at: datetime,
    broadcast: bool = False,
) -> None:
    """A delivery that goes with a root: of its channel, story and watch."""
    told = connection.execute(select(deliveries).where(deliveries.c.id == root.id)).one()
    _put(
        connection,
        now,
        id=id,
        channel=root.channel,
        kind=kind,
        root=root.id,
        broadcast=broadcast,
        story=told.story,
        watch=told.watch,
        body=to_json(body),
        due_at=due_at,
    )


def _taken_along(
    connection: Connection, root: Root, body: FollowUp, now: datetime, due_at: datetime, *, broadcast: bool
) -> bool:
    """By a reply that nobody has seen yet; what the channel sees too takes only its like."""
    fresh = (deliveries.c.state == State.WAITING, deliveries.c.attempts == 0)
    waiting = connection.execute(
        select(deliveries)
        .where(deliveries.c.root == root.id, deliveries.c.kind == Kind.REPLY, *fresh)
        .where(deliveries.c.broadcast == broadcast)
        .order_by(deliveries.c.number)
        .limit(1)
        .with_for_update()
    ).first()
    earlier = from_json(waiting.body) if waiting else None
    if waiting is None or not isinstance(earlier, FollowUp):
        return False
    values = {"body": to_json(joined(earlier, body)), "due_at": min(waiting.due_at, due_at)}
    which = deliveries.c.number == waiting.number
    connection.execute(update(deliveries).where(which).values(changed_at=now, **values))
    return True


# --- sending --------------------------------------------------------------------------------------


def lapse(connection: Connection, channel: str, now: datetime, settle: timedelta) -> int:
    """Claims whose lease ran out become unclear. Returns how many."""
    mine = and_(deliveries.c.channel == channel, _reached(deliveries.c.lease_until, now))
    return _abandon(connection, mine, now, settle)


def recover(connection: Connection, now: datetime, settle: timedelta) -> int:
    """At the start of the only daemon on this database: nobody works on what is claimed. Returns how many.

    Settling counts from now, not from the attempt: the connection ended at the latest when its process did.
    """
    connection.execute(update(deliveries).where(deliveries.c.state == State.UNCLEAR).values(lease_until=None))
    return _abandon(connection, true(), now, settle)


def _abandon(connection: Connection, which: ColumnElement[bool], now: datetime, settle: timedelta) -> int:
    """An edit may be sent again without a look, but not before the interrupted one cannot overtake it."""
    theirs = update(deliveries).where(deliveries.c.state == State.CLAIMED, which)
    values = {"due_at": now + settle, "changed_at": now, "reason": "stopped in the middle of an attempt"}
    edits = theirs.where(deliveries.c.kind == Kind.EDIT).values(**_WAITING, **values)
    messages = theirs.where(deliveries.c.kind != Kind.EDIT).values(**_UNCLEAR, **values)
    return connection.execute(edits).rowcount + connection.execute(messages).rowcount


_UNCLEAR: Mapping[str, Any] = {"state": State.UNCLEAR, "looks": 0, "look_cursor": None, "lease_until": None}
_WAITING: Mapping[str, Any] = {"state": State.WAITING, "lease_until": None, "looks": 0, "look_cursor": None}


def sendable_at(connection: Connection, channel: str, pace: timedelta, now: datetime) -> datetime | None:
    """When the next message may be sent, which may be in the past; None: none is waiting."""
    due_at = _due_at(connection, now, *_messages(channel))
    return due_at and max(due_at, _free_at(_channel(connection, channel, now), pace, now))


def editable_at(connection: Connection, channel: str, pace: timedelta, now: datetime) -> datetime | None:
    """When the next edit may be sent, which may be in the past; None: none is waiting."""
    due_at = _due_at(connection, now, *_edits(channel))
    return due_at and max(due_at, _edits_free_at(_channel(connection, channel, now), pace, now))


def _due_at(connection: Connection, now: datetime, *waiting: ColumnElement[bool]) -> datetime | None:
    if connection.execute(select(deliveries.c.number).where(*waiting, _due(now)).limit(1)).first():
        return now
    due_at: datetime | None = connection.scalar(select(func.min(deliveries.c.due_at)).where(*waiting))
    return due_at


_root = deliveries.alias("root")
_sibling = deliveries.alias("sibling")


def _messages(channel: str) -> tuple[ColumnElement[bool], ...]:
    """Waiting roots, and replies that neither their root nor an earlier reply holds up."""
    unsent = exists().where(_root.c.id == deliveries.c.root, _root.c.state.in_(UNFINISHED))
    earlier = (_sibling.c.kind == Kind.REPLY, _sibling.c.number < deliveries.c.number)
    unclear = _sibling.c.state.in_((State.CLAIMED, State.UNCLEAR))
    behind = exists().where(_sibling.c.root == deliveries.c.root, *earlier, unclear)
    free = or_(deliveries.c.kind == Kind.ROOT, and_(~unsent, ~behind))
    return (*_waiting(channel), deliveries.c.kind != Kind.EDIT, free)


def _edits(channel: str) -> tuple[ColumnElement[bool], ...]:
    """Waiting edits of what is sent."""
    sent = exists().where(_root.c.id == deliveries.c.root, _root.c.state == State.SENT)
    return (*_waiting(channel), deliveries.c.kind == Kind.EDIT, sent)


def _waiting(channel: str) -> tuple[ColumnElement[bool], ...]:
    return (deliveries.c.channel == channel, deliveries.c.state == State.WAITING)


def _free_at(channel: Row[Any], pace: timedelta, now: datetime) -> datetime:
    paced = channel.called_at + pace if channel.called_at else now
    return max(paced, channel.held_until or paced)


def _edits_free_at(channel: Row[Any], pace: timedelta, now: datetime) -> datetime:
    """A channel that is held for its messages takes no edits either: it has stopped, or nobody answers."""
    paced = channel.edited_at + pace if channel.edited_at else now
    return max(paced, channel.edits_held_until or paced, channel.held_until or paced)


def claim(
    connection: Connection, channel: str, now: datetime, lease: timedelta, pace: timedelta
) -> Claim | None:
    """Take the next message that is due and stamp its attempt; None if there is none, or not yet.

    Commit before the call: the stamp is what tells a later process that the message may have arrived.
    """
    at = _channel(connection, channel, now)
    if _free_at(at, pace, now) > now:
        return None
    row = _next(connection, now, _messages(channel))
    if row is None:
        return None
    if row.kind == Kind.REPLY and not _is_sent(connection, row.root):
        _take_over(connection, row, now)
    claimed = _stamp(connection, row, at, now, lease)
    _set_channel(connection, channel, now, called_at=now, held_until=None)
    return claimed


def claim_edit(
    connection: Connection, channel: str, now: datetime, lease: timedelta, pace: timedelta
) -> Claim | None:
    """Take the next edit that is due, with its root's newest wording; None if there is none, or not yet."""
    at = _channel(connection, channel, now)
    if _edits_free_at(at, pace, now) > now:
        return None
    row = _next(connection, now, _edits(channel))
    if row is None:
        return None
    claimed = _stamp(connection, row, at, now, lease)
    _set_channel(connection, channel, now, edited_at=now, edits_held_until=None)
    return claimed


def _next(connection: Connection, now: datetime, which: tuple[ColumnElement[bool], ...]) -> Row[Any] | None:
    return connection.execute(
        select(deliveries)
        .where(*which, _due(now))
        .order_by(deliveries.c.number)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def _stamp(connection: Connection, row: Row[Any], at: Row[Any], now: datetime, lease: timedelta) -> Claim:
    mine = deliveries.c.number == row.number
    connection.execute(
        update(deliveries)
        .where(mine)
        .values(
            state=State.CLAIMED,
            lease_until=now + lease,
            lease_token=row.lease_token + 1,
            attempts=row.attempts + 1,
            attempted_at=now,
            watermark=at.watermark,
            changed_at=now,
        )
    )
    stamped = connection.execute(select(deliveries).where(mine)).one()
    root = connection.execute(select(deliveries).where(deliveries.c.id == stamped.root)).one_or_none()
    return Claim(_delivery(stamped, root), stamped.lease_token)


def _is_sent(connection: Connection, delivery: str) -> bool:
    which = (deliveries.c.id == delivery, deliveries.c.state == State.SENT)
    return connection.execute(select(deliveries.c.number).where(*which)).first() is not None


def _take_over(connection: Connection, row: Row[Any], now: datetime) -> None:
    """A reply whose root never came becomes the root of those behind it. An edit of it has no object."""
    theirs = and_(deliveries.c.root == row.root, deliveries.c.state.in_(UNFINISHED))
    edit = update(deliveries).where(theirs, deliveries.c.kind == Kind.EDIT)
    connection.execute(edit.values(state=State.DROPPED, reason="its root never came", changed_at=now))
    behind = update(deliveries).where(theirs, deliveries.c.kind == Kind.REPLY, deliveries.c.id != row.id)
    connection.execute(behind.values(root=row.id, changed_at=now))
    mine = update(deliveries).where(deliveries.c.number == row.number)
    connection.execute(mine.values(kind=Kind.ROOT, root=None, broadcast=False))


def forgo(connection: Connection, channel: str, now: datetime, *, threads: bool, edits: bool) -> int:
    """Drop what waits and cannot be shown, and edits of roots that were given up. Returns how many.

    A channel that takes edits knows a root by its ts; what another notifier told there has none.
    """
    lost = exists().where(_root.c.id == deliveries.c.root, _root.c.state.in_(_GIVEN_UP))
    nameless = exists().where(
        _root.c.id == deliveries.c.root, _root.c.state == State.SENT, _root.c.ts.is_(None)
    )
    quiet = and_(deliveries.c.kind == Kind.REPLY, deliveries.c.broadcast.is_(False))
    edit = deliveries.c.kind == Kind.EDIT
    hopeless = or_(
        and_(edit, or_(lost, nameless) if edits else true()),
        and_(quiet, nameless if threads and edits else false() if threads else true()),
    )
    dropped = update(deliveries).where(*_waiting(channel), hopeless)
    reason = "its root was given up, or this channel cannot show it"
    return connection.execute(dropped.values(state=State.DROPPED, reason=reason, changed_at=now)).rowcount


def _delivery(row: Row[Any], root: Row[Any] | None) -> Delivery:
    """As it is sent by the attempt its row is stamped with."""
    newest = root if root is not None and row.kind == Kind.EDIT else row
    return Delivery(
        id=DeliveryId(row.id),
        channel=row.channel,
        body=from_json(newest.body),
        story=row.story,
        watch=row.watch,
        plainness=Plainness(row.plainness),
        attempts=row.attempts,
        repeat_possible=row.repeat_possible,
        kind=Kind(row.kind),
        root=row.root and DeliveryId(row.root),
        thread=root.ts if root is not None else None,
        broadcast=row.broadcast,
    )


def sent(connection: Connection, claim: Claim, ts: str | None, now: datetime) -> bool:
    """The vendor took it. False: the lease was lost, and a look into the channel will find the message."""
    delivery = claim.delivery
    if delivery.kind is Kind.EDIT:
        return _edited(connection, claim, now)
    done = _move(connection, claim, now, **_sent(ts, now))
    _set_channel(
        connection,
        delivery.channel,
        now,
        called_at=now,
        failures=0,
        stopped_at=None,
        stopped_reason=None,
    )
    learn_watermark(connection, delivery.channel, ts, now)
    return done


def _edited(connection: Connection, claim: Claim, now: datetime) -> bool:
    """If the root has got a newer wording during the call, the edit is due again."""
    delivery = claim.delivery
    newest = connection.scalar(select(deliveries.c.body).where(deliveries.c.id == delivery.root))
    if newest == to_json(delivery.body):
        done = _move(connection, claim, now, **_sent(None, now), body=newest)
    else:
        done = _move(connection, claim, now, **_WAITING, due_at=now)
    _set_channel(connection, delivery.channel, now, edited_at=now)
    return done


def _sent(ts: str | None, now: datetime) -> dict[str, Any]:
    return {
        "state": State.SENT,
        "ts": ts,
        "sent_at": now,
        "lease_until": None,
        "look_cursor": None,
        "reason": None,
    }


def failed(
    connection: Connection,
    claim: Claim,
    failure: DeliveryFailed,
    now: datetime,
    *,
    settle: timedelta,
    readable: bool,
    rng: random.Random,
) -> Consequence:
    """The attempt failed: is it tried again, when, and what does the rest of the channel have to wait for?"""
    channel, reason = claim.delivery.channel, failure.reason
    if claim.delivery.kind is Kind.EDIT:
        return _edit_failed(connection, claim, failure, now, settle=settle, rng=rng)
    if failure.fault in {Fault.CONTENT, Fault.GONE}:
        _set_channel(connection, channel, now, called_at=now)
        if failure.fault is Fault.GONE and claim.delivery.kind is Kind.REPLY:
            return _thread_gone(connection, claim, reason, now)
        return _plainer(connection, claim, reason, now)
    stopped = hold_channel(connection, channel, failure, now, rng)
    if failure.fault is not Fault.UNKNOWN:
        _move(connection, claim, now, **_WAITING, due_at=now, reason=reason)
        return Consequence.STOPPED if stopped else Consequence.WAITS
    if readable:
        _move(connection, claim, now, **_UNCLEAR, due_at=now + settle, reason=reason)
        return Consequence.UNCLEAR
    later = now + backoff(claim.delivery.attempts, rng)
    _move(connection, claim, now, **_WAITING, due_at=later, reason=reason, repeat_possible=True)
    return Consequence.WAITS


def _edit_failed(
    connection: Connection,
    claim: Claim,
    failure: DeliveryFailed,
    now: datetime,
    *,
    settle: timedelta,
    rng: random.Random,
) -> Consequence:
    """An edit may be made twice, so it is never unclear; and no edit is worth a person's time."""
    channel, reason, fault = claim.delivery.channel, failure.reason, failure.fault
    _set_channel(connection, channel, now, edited_at=now)
    if fault is Fault.GONE:
        _move(connection, claim, now, state=State.DROPPED, lease_until=None, reason=reason)
        return Consequence.DROPPED
    if fault is Fault.CONTENT:
        return _plainer(connection, claim, reason, now)
    later = now
    if fault is Fault.UNKNOWN:  # it may be under way: a newer wording must not be overtaken by it
        later = now + max(settle, backoff(claim.delivery.attempts, rng))
    stopped = False
    if fault is Fault.LIMITED:
        hold_edits(connection, channel, failure, now, rng)
    elif fault is not Fault.UNKNOWN:
        stopped = hold_channel(connection, channel, failure, now, rng)
    _move(connection, claim, now, **_WAITING, due_at=later, reason=reason)
    return Consequence.STOPPED if stopped else Consequence.WAITS


def _thread_gone(connection: Connection, claim: Claim, reason: str, now: datetime) -> Consequence:
    """Somebody deleted the root. What was to be seen in the channel is; the rest goes with its thread."""
    if not claim.delivery.broadcast:
        _move(connection, claim, now, state=State.DROPPED, lease_until=None, reason=reason)
        return Consequence.DROPPED
    row = connection.execute(select(deliveries).where(deliveries.c.id == claim.delivery.id)).one()
    if _move(connection, claim, now, **_WAITING, due_at=now, reason=reason):
        _take_over(connection, row, now)
    return Consequence.WAITS


def _plainer(connection: Connection, claim: Claim, reason: str, now: datetime) -> Consequence:
    plainer = {Plainness.FULL: Plainness.PLAIN, Plainness.PLAIN: Plainness.MINIMAL}.get(
        claim.delivery.plainness
    )
    if plainer is None:
        dropped = claim.delivery.kind is Kind.EDIT
        end = State.DROPPED if dropped else State.DEAD
        _move(connection, claim, now, state=end, lease_until=None, reason=reason)
        return Consequence.DROPPED if dropped else Consequence.DEAD
    _move(connection, claim, now, **_WAITING, plainness=plainer, due_at=now, reason=reason)
    return Consequence.PLAINER


def _move(connection: Connection, claim: Claim, now: datetime, **values: Any) -> bool:
    """Move a delivery that is still ours; an attempt that outlived its lease undoes nothing."""
    ours = (deliveries.c.id == claim.delivery.id, deliveries.c.lease_token == claim.token)
    in_hand = deliveries.c.state.in_((State.CLAIMED, State.UNCLEAR))
    done = connection.execute(update(deliveries).where(*ours, in_hand).values(changed_at=now, **values))
    return done.rowcount == 1


# --- what a channel has to wait for -----------------------------------------------------------------


def hold_channel(
    connection: Connection, channel: str, failure: DeliveryFailed, now: datetime, rng: random.Random
) -> bool:
    """No further message before a certain time, which a restart honours. True: it has stopped just now.

    Held is the channel, not the delivery that met the failure: otherwise each of forty would run against the
    same wall, and they would be told out of order afterwards.
    """
    at = _channel(connection, channel, now)
    failures = at.failures + (failure.fault in {Fault.UNKNOWN, Fault.UNREACHABLE})
    if failure.fault is Fault.STOPPED:
        stop = {"stopped_at": at.stopped_at or now, "stopped_reason": failure.reason}
        _set_channel(connection, channel, now, called_at=now, held_until=now + RETRY_STOPPED, **stop)
        return at.stopped_at is None
    if failure.fault is Fault.LIMITED:
        until = now + _limit(failure.retry_after, rng)
    else:
        borne = LOST_ANSWERS_BORNE if failure.fault is Fault.UNKNOWN else 0
        until = now + backoff(failures - borne, rng) if failures > borne else now
    _set_channel(connection, channel, now, called_at=now, held_until=until, failures=failures)
    return False


def hold_edits(
    connection: Connection, channel: str, failure: DeliveryFailed, now: datetime, rng: random.Random
) -> None:
    """Edits have a limit of their own; messages go on."""
    _channel(connection, channel, now)
    until = now + _limit(failure.retry_after, rng)
    _set_channel(connection, channel, now, edited_at=now, edits_held_until=until)


def backoff(failures: int, rng: random.Random) -> timedelta:
    """2, 4, 8 seconds and so on, never more than five minutes, each a fifth more or less."""
    doubled: timedelta = FIRST_BACKOFF * 2 ** min(failures - 1, 20)
    return min(doubled, LONGEST_BACKOFF) * rng.uniform(0.8, 1.2)


def _limit(retry_after: timedelta | None, rng: random.Random) -> timedelta:
    """At least as long as we were told: early is a violation, so the jitter only adds."""
    told = min(UNSAID_LIMIT if retry_after is None else max(retry_after, timedelta(0)), LONGEST_LIMIT)
    return told + timedelta(seconds=rng.uniform(0.05, 0.5)) + told * rng.uniform(0, 0.05)


def resume(connection: Connection, now: datetime) -> int:
    """A person has changed something (a start, a reload): try at once what has stopped. Returns how many."""
    stopped = channels.c.stopped_at.is_not(None)
    unreadable = channels.c.unreadable_at.is_not(None)
    connection.execute(update(channels).where(unreadable).values(look_held_until=None, changed_at=now))
    return connection.execute(
        update(channels).where(stopped).values(held_until=None, changed_at=now)
    ).rowcount


def watermark_of(connection: Connection, channel: str) -> str | None:
    return connection.scalar(select(channels.c.watermark).where(channels.c.id == channel))


def learn_watermark(connection: Connection, channel: str, ts: str | None, now: datetime) -> None:
    """Remember the largest message id seen: where reading begins is told by the vendor's clock, not ours."""
    known = _channel(connection, channel, now).watermark
    if ts is not None and (known is None or _micros(ts) > _micros(known)):
        _set_channel(connection, channel, now, watermark=ts)


def _micros(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int((fraction + "000000")[:6])


# --- looking for what is unclear ------------------------------------------------------------------


def claim_look(connection: Connection, channel: str, now: datetime, lease: timedelta) -> Look | None:
    """All that is unclear in the channel, or in one thread, and has settled; None: nothing is, or not yet.

    A reading that was interrupted goes on first, with those it was begun for.
    """
    at = _channel(connection, channel, now)
    if at.look_held_until and at.look_held_until > now:
        return None
    free = or_(deliveries.c.lease_until.is_(None), _reached(deliveries.c.lease_until, now))
    rows = connection.execute(
        select(deliveries)
        .where(deliveries.c.channel == channel, deliveries.c.state == State.UNCLEAR, _due(now), free)
        .order_by(deliveries.c.number)
        .with_for_update(skip_locked=True)
    ).all()
    threads = _threads(connection, [row.root for row in rows])
    first = next((row for row in rows if row.look_cursor), rows[0] if rows else None)
    if first is None:
        return None
    thread, cursor = threads.get(first.root), first.look_cursor
    rows = [row for row in rows if row.look_cursor == cursor and threads.get(row.root) == thread]
    connection.execute(
        update(deliveries)
        .where(deliveries.c.number.in_([row.number for row in rows]))
        .values(lease_until=now + lease, lease_token=deliveries.c.lease_token + 1, changed_at=now)
    )
    missed = tuple(Missed(DeliveryId(row.id), row.lease_token + 1, row.looks) for row in rows)
    return Look(missed, thread, _oldest([row.watermark for row in rows]), cursor)


def _threads(connection: Connection, roots: Sequence[str | None]) -> dict[str | None, str]:
    """Where the replies to these roots stand; those of a root without a ts stand in the channel."""
    which = deliveries.c.id.in_({root for root in roots if root is not None})
    rows = connection.execute(select(deliveries.c.id, deliveries.c.ts).where(which))
    return {row.id: row.ts for row in rows if row.ts is not None}


def _oldest(watermarks: Sequence[str | None]) -> str | None:
    """A minute before the earliest watermark; None if one of them was tried before the channel had any."""
    known = [_micros(one) for one in watermarks if one is not None]
    if len(known) < len(watermarks):
        return None
    earliest = max(0, min(known) - int(LOOK_BACK.total_seconds()) * 1_000_000)
    return f"{earliest // 1_000_000}.{earliest % 1_000_000:06d}"


def turn_page(connection: Connection, look: Look, cursor: str, now: datetime, lease: timedelta) -> None:
    """Remember how far the channel has been read: at a page a minute a reading outlives its process."""
    _still_missed(connection, look.missed, now, look_cursor=cursor, lease_until=now + lease)


def found(
    connection: Connection, channel: str, there: Mapping[DeliveryId, str], now: datetime
) -> list[DeliveryId]:
    """These messages are in the channel, so whatever we thought of them, they are sent. Returns the news.

    Not those that are claimed: their call is under way and will tell for itself.
    """
    news = []
    doubted = deliveries.c.state.in_((State.UNCLEAR, State.WAITING, State.DEAD))
    for delivery, ts in there.items():
        which = (deliveries.c.id == delivery, deliveries.c.channel == channel, doubted)
        values = {"changed_at": now, **_sent(ts, now)}
        if connection.execute(update(deliveries).where(*which).values(values)).rowcount:
            news.append(delivery)
    if news:
        _set_channel(connection, channel, now, failures=0)
    return news


def looked(
    connection: Connection, look: Look, now: datetime, *, settle: timedelta, rng: random.Random
) -> list[DeliveryId]:
    """The channel was read to its end. Returns what is certainly not there, and is sent again.

    Certain is only the second look: a history may show a message seconds after it was stored.
    """
    gone = []
    for one in look.missed:
        if one.looks + 1 < ENOUGH_LOOKS:
            again = now + min(LOOK_AGAIN, settle)
            values = {**_UNCLEAR, "looks": one.looks + 1, "due_at": again}
            _still_missed(connection, (one,), now, **values)
        else:
            values = {**_WAITING, "due_at": now + _patience(connection, one, rng)}
            gone += [one.id] * _still_missed(connection, (one,), now, **values)
    return gone


def _patience(connection: Connection, missed: Missed, rng: random.Random) -> timedelta:
    """None after the first attempt; a message that gets lost again and again is given more time."""
    attempts = connection.scalar(select(deliveries.c.attempts).where(deliveries.c.id == missed.id)) or 0
    return timedelta(0) if attempts < 2 else backoff(attempts - 1, rng)


def look_failed(
    connection: Connection,
    channel: str,
    look: Look,
    failure: DeliveryFailed,
    now: datetime,
    *,
    rng: random.Random,
) -> bool:
    """The channel could not be read (further). True: for the first time, for a reason a person has to mend.

    Sending goes on: what may be lost is no reason to be silent about the rest.
    """
    at = _channel(connection, channel, now)
    values: dict[str, Any] = {"lease_until": None, "reason": failure.reason}
    if failure.fault is Fault.CONTENT:  # a cursor that is no longer good: read from the beginning
        values["look_cursor"] = None
    _still_missed(connection, look.missed, now, **values)
    if failure.fault is Fault.STOPPED:
        since = at.unreadable_at or now
        _set_channel(connection, channel, now, look_held_until=now + RETRY_STOPPED, unreadable_at=since)
        return at.unreadable_at is None
    wait = _limit(failure.retry_after, rng) if failure.fault is Fault.LIMITED else LOOK_AGAIN
    _set_channel(connection, channel, now, look_held_until=now + wait)
    return False


def readable(connection: Connection, channel: str, now: datetime) -> None:
    """The channel could be read."""
    _set_channel(connection, channel, now, look_held_until=None, unreadable_at=None)


def repeat_unclear(connection: Connection, channel: str, now: datetime) -> int:
    """Where nobody can look, what is unclear is sent again, and says so. Returns how many."""
    unclear = (deliveries.c.channel == channel, deliveries.c.state == State.UNCLEAR)
    values = {**_WAITING, "due_at": now, "changed_at": now, "repeat_possible": True}
    return connection.execute(update(deliveries).where(*unclear).values(values)).rowcount


def _still_missed(connection: Connection, missed: Sequence[Missed], now: datetime, **values: Any) -> int:
    done = 0
    for one in missed:
        ours = (deliveries.c.id == one.id, deliveries.c.lease_token == one.token)
        unclear = deliveries.c.state == State.UNCLEAR
        moved = update(deliveries).where(*ours, unclear).values(changed_at=now, **values)
        done += connection.execute(moved).rowcount
    return done


# --- gone over again


def assume_sent(connection: Connection, now: datetime) -> None:
    """In a notebook of a replay, where nobody sends: what would have been sent by now was."""
    due = (deliveries.c.state == State.WAITING, deliveries.c.due_at <= now)
    values = {"state": State.SENT, "sent_at": deliveries.c.due_at, "attempts": 1, "changed_at": now}
    connection.execute(update(deliveries).where(*due).values(values))


# --- what a person may ask and do -----------------------------------------------------------------


def counts(connection: Connection, channel: str | None = None) -> dict[State, int]:
    """How many deliveries are in which state; states without any are 0."""
    statement = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    if channel is not None:
        statement = statement.where(deliveries.c.channel == channel)
    known = {State(state): number for state, number in connection.execute(statement)}
    return {state: known.get(state, 0) for state in State}


def posts(connection: Connection, channel: str, since: datetime) -> int:
    """How many messages were put in for a channel since then; what stays in a thread is none."""
    seen = or_(deliveries.c.kind == Kind.ROOT, deliveries.c.broadcast.is_(True))
    which = (deliveries.c.channel == channel, deliveries.c.created_at >= since, seen)
    return connection.scalar(select(func.count()).select_from(deliveries).where(*which)) or 0


def oldest_waiting(connection: Connection) -> datetime | None:
    """Since when the longest unfinished delivery has been in the outbox; None: nothing is unfinished."""
    unfinished = deliveries.c.state.in_(UNFINISHED)
    oldest: datetime | None = connection.scalar(select(func.min(deliveries.c.created_at)).where(unfinished))
    return oldest


def last_sent(connection: Connection) -> datetime | None:
    last: datetime | None = connection.scalar(select(func.max(deliveries.c.sent_at)))
    return last


def records(
    connection: Connection,
    *,
    states: Collection[State] | None = None,
    story: str | None = None,
    delivery: DeliveryId | None = None,
    limit: int = 1000,
    newest_first: bool = False,
) -> list[Record]:
    """Deliveries in the order in which they were put in, or the other way round."""
    order = deliveries.c.number.desc() if newest_first else deliveries.c.number
    statement = select(deliveries).order_by(order).limit(limit)
    if states is not None:
        statement = statement.where(deliveries.c.state.in_(tuple(states)))
    if story is not None:
        statement = statement.where(deliveries.c.story == story)
    if delivery is not None:
        statement = statement.where(deliveries.c.id == delivery)
    return [_record(row) for row in connection.execute(statement)]


def give_up_channels(connection: Connection, kept: Collection[str], now: datetime) -> int:
    """Deliveries of channels that left the configuration: nobody could send them, they would wait for ever.

    `retry_dead` brings them back once the channel is there again. Returns how many.
    """
    theirs = update(deliveries).where(
        deliveries.c.channel.not_in(tuple(kept)), deliveries.c.state.in_(UNFINISHED)
    )
    values = {"reason": "its channel left the configuration", "lease_until": None, "changed_at": now}
    edits = theirs.where(deliveries.c.kind == Kind.EDIT).values(state=State.DROPPED, **values)
    messages = theirs.where(deliveries.c.kind != Kind.EDIT).values(state=State.DEAD, **values)
    return connection.execute(edits).rowcount + connection.execute(messages).rowcount


def dead_list(connection: Connection) -> list[Record]:
    return records(connection, states=(State.DEAD,))


def retry_dead(connection: Connection, ids: Collection[DeliveryId] | None, now: datetime) -> list[DeliveryId]:
    """Bring the dead back, in full dress; None: all of them. Returns those that were dead."""
    dead = [record.id for record in dead_list(connection) if ids is None or record.id in ids]
    values = {**_WAITING, "plainness": Plainness.FULL, "due_at": now, "changed_at": now}
    still_dead = and_(deliveries.c.id.in_(dead), deliveries.c.state == State.DEAD)
    connection.execute(update(deliveries).where(still_dead).values(**values))
    return dead


def channel_states(connection: Connection) -> list[ChannelState]:
    rows = connection.execute(select(channels).order_by(channels.c.id))
    return [
        ChannelState(
            id=row.id,
            stopped_at=row.stopped_at,
            stopped_reason=row.stopped_reason,
            held_until=row.held_until,
            failures=row.failures,
            unreadable_at=row.unreadable_at,
        )
        for row in rows
    ]


def _record(row: Row[Any]) -> Record:
    return Record(
        id=DeliveryId(row.id),
        kind=Kind(row.kind),
        broadcast=row.broadcast,
        channel=row.channel,
        story=row.story,
        watch=row.watch,
        body=from_json(row.body),
        state=State(row.state),
        plainness=Plainness(row.plainness),
        attempts=row.attempts,
        created_at=row.created_at,
        attempted_at=row.attempted_at,
        sent_at=row.sent_at,
        ts=row.ts,
        reason=row.reason,
    )


# --- rows -----------------------------------------------------------------------------------------


def _due(now: datetime) -> ColumnElement[bool]:
    """Its time has come, or its time was written by a clock that has been set back since."""
    return or_(deliveries.c.due_at <= now, deliveries.c.changed_at > now + CLOCK_SLACK)


def _reached(at: Any, now: datetime) -> ColumnElement[bool]:
    return or_(at <= now, deliveries.c.changed_at > now + CLOCK_SLACK)


def _channel(connection: Connection, channel: str, now: datetime) -> Row[Any]:
    """The channel's row, made on first sight and locked: two daemons must not both find it free."""
    statement = select(channels).where(channels.c.id == channel).with_for_update()
    row = connection.execute(statement).first()
    if row is None:
        connection.execute(insert(channels).values(id=channel, changed_at=now, failures=0))
    elif row.changed_at > now + CLOCK_SLACK:  # its waits were written by a clock that has been set back since
        holds = ("called_at", "held_until", "look_held_until", "edited_at", "edits_held_until")
        _set_channel(connection, channel, now, **dict.fromkeys(holds))
    else:
        return row
    return connection.execute(statement).one()


def _set_channel(connection: Connection, channel: str, now: datetime, **values: Any) -> None:
    connection.execute(update(channels).where(channels.c.id == channel).values(changed_at=now, **values))
