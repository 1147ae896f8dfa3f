"""What is sent next, and whose it is for the time of a lease.

Lives here: from waiting to claimed, and what becomes of a claim that nobody works on any more. Not here: how
the call went (`outcomes`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, or_, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from alerts.notifications import Alarm, Delivery, DeliveryId, FollowUp, Kind, Plainness, from_json, to_json
from alerts.outbox.channels import channel_row, set_channel
from alerts.outbox.moves import TO_UNCLEAR, TO_WAITING, due, reached
from alerts.outbox.schema import UNFINISHED, State, deliveries


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours for the time of the lease, stamped; to be sent once."""

    delivery: Delivery
    token: int


def lapse(connection: Connection, channel: str, now: datetime, settle: timedelta) -> int:
    """Claims whose lease ran out become unclear. Returns how many."""
    mine = and_(deliveries.c.channel == channel, reached(deliveries.c.lease_until, now))
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
    edits = theirs.where(deliveries.c.kind == Kind.EDIT).values(**TO_WAITING, **values)
    messages = theirs.where(deliveries.c.kind != Kind.EDIT).values(**TO_UNCLEAR, **values)
    return connection.execute(edits).rowcount + connection.execute(messages).rowcount


def sendable_at(connection: Connection, channel: str, pace: timedelta, now: datetime) -> datetime | None:
    """When the next message may be sent, which may be in the past; None: none waits that may be heard."""
    due_at = _due_at(connection, now, *_messages(channel, now))
    return due_at and max(due_at, _free_at(channel_row(connection, channel, now), pace, now))


def editable_at(connection: Connection, channel: str, pace: timedelta, now: datetime) -> datetime | None:
    """When the next edit may be sent, which may be in the past; None: none is waiting."""
    due_at = _due_at(connection, now, *_edits(channel))
    return due_at and max(due_at, _edits_free_at(channel_row(connection, channel, now), pace, now))


def _due_at(connection: Connection, now: datetime, *waiting: ColumnElement[bool]) -> datetime | None:
    if connection.execute(select(deliveries.c.number).where(*waiting, due(now)).limit(1)).first():
        return now
    due_at: datetime | None = connection.scalar(select(func.min(deliveries.c.due_at)).where(*waiting))
    return due_at


_root = deliveries.alias("root")
_sibling = deliveries.alias("sibling")


def _messages(channel: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Waiting roots, and replies that neither their root nor an earlier reply holds up; none that is
    withheld."""
    unsent = exists().where(_root.c.id == deliveries.c.root, _root.c.state.in_(UNFINISHED))
    earlier = (_sibling.c.kind == Kind.REPLY, _sibling.c.number < deliveries.c.number)
    unclear = _sibling.c.state.in_((State.CLAIMED, State.UNCLEAR))
    behind = exists().where(_sibling.c.root == deliveries.c.root, *earlier, unclear)
    free = or_(deliveries.c.kind == Kind.ROOT, and_(~unsent, ~behind))
    loud = or_(deliveries.c.quiet_until.is_(None), deliveries.c.quiet_until <= now)
    return (*_waiting(channel), deliveries.c.kind != Kind.EDIT, loud, free)


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
    at = channel_row(connection, channel, now)
    if _free_at(at, pace, now) > now:
        return None
    row = _next(connection, now, _messages(channel, now))
    if row is None:
        return None
    if row.kind == Kind.REPLY and not _is_sent(connection, row.root):
        take_over(connection, row, now)
    elif row.kind == Kind.ROOT and row.attempts and not row.repeat_possible:
        _name_once(connection, row, now)
    claimed = _stamp(connection, row, at, now, lease)
    set_channel(connection, channel, now, called_at=now, held_until=None)
    return claimed


def claim_edit(
    connection: Connection, channel: str, now: datetime, lease: timedelta, pace: timedelta
) -> Claim | None:
    """Take the next edit that is due, with its root's newest wording; None if there is none, or not yet."""
    at = channel_row(connection, channel, now)
    if _edits_free_at(at, pace, now) > now:
        return None
    row = _next(connection, now, _edits(channel))
    if row is None:
        return None
    claimed = _stamp(connection, row, at, now, lease)
    set_channel(connection, channel, now, edited_at=now, edits_held_until=None)
    return claimed


def _next(connection: Connection, now: datetime, which: tuple[ColumnElement[bool], ...]) -> Row[Any] | None:
    return connection.execute(
        select(deliveries)
        .where(*which, due(now))
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


def _is_sent(connection: Connection, delivery: str) -> bool:
    which = (deliveries.c.id == delivery, deliveries.c.state == State.SENT)
    return connection.execute(select(deliveries.c.number).where(*which)).first() is not None


def _name_once(connection: Connection, root: Row[Any], now: datetime) -> None:
    """What a root shows that was tried and has not arrived, no reply repeats: it goes out in its newest form.

    While nobody knew whether it had arrived, its new lead was named in its thread.
    """
    shown = from_json(root.body)
    if not isinstance(shown, Alarm):
        return
    replies = (deliveries.c.root == root.id, deliveries.c.kind == Kind.REPLY)
    theirs = (*replies, deliveries.c.state == State.WAITING)
    for row in connection.execute(select(deliveries).where(*theirs)).all():
        said = from_json(row.body)
        if not isinstance(said, FollowUp):
            continue
        items = tuple(one for one in said.items if one.link is None or one.link != shown.link)
        if items == said.items:
            continue
        left: dict[str, Any] = {"body": to_json(replace(said, items=items))} if items else _SHOWN_BY_ROOT
        which = deliveries.c.number == row.number
        connection.execute(update(deliveries).where(which).values(changed_at=now, **left))


_SHOWN_BY_ROOT = {"state": State.DROPPED, "reason": "its root shows it"}


def take_over(connection: Connection, row: Row[Any], now: datetime) -> None:
    """A reply whose root never came becomes the root of those behind it. An edit of it has no object."""
    theirs = and_(deliveries.c.root == row.root, deliveries.c.state.in_(UNFINISHED))
    edit = update(deliveries).where(theirs, deliveries.c.kind == Kind.EDIT)
    connection.execute(edit.values(state=State.DROPPED, reason="its root never came", changed_at=now))
    behind = update(deliveries).where(theirs, deliveries.c.kind == Kind.REPLY, deliveries.c.id != row.id)
    connection.execute(behind.values(root=row.id, changed_at=now))
    mine = update(deliveries).where(deliveries.c.number == row.number)
    connection.execute(mine.values(kind=Kind.ROOT, root=None, broadcast=False))
