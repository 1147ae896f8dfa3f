"""Into the outbox: roots, newer wordings of them, and what is said in their threads.

Lives here: what is written in the transaction of whoever decided to tell. Not here: when it is sent
(`claiming`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select, update

from alerts.notifications import Body, DeliveryId, FollowUp, Kind, Plainness, from_json, joined, to_json
from alerts.outbox.schema import GIVEN_UP, State, deliveries


@dataclass(frozen=True, slots=True)
class Root:
    """The head of a thread, as whoever adds to it needs it."""

    id: DeliveryId
    channel: str
    body: Body
    begun: bool  # somebody may have seen it


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
    urgent: bool = False,
) -> bool:
    """Put a root into the outbox; False if its id is there already, whatever became of it.

    `due_at`: not sent before; None: now. `urgent`: it rings in quiet hours too.
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
        urgent=urgent,
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


def roots(connection: Connection, story: str, watch: str) -> list[Root]:
    """The root of a story in each channel that was told of it; a dead one only where there is no other."""
    rows = connection.execute(
        select(deliveries)
        .where(deliveries.c.story == story, deliveries.c.watch == watch, deliveries.c.kind == Kind.ROOT)
        .order_by(deliveries.c.number)
        .with_for_update()
    ).all()
    rows = sorted(rows, key=lambda row: row.state not in GIVEN_UP)
    last = {row.channel: row for row in rows}
    return [
        Root(DeliveryId(row.id), row.channel, from_json(row.body), _may_be_seen(row)) for row in last.values()
    ]


def _may_be_seen(row: Row[Any]) -> bool:
    """Not if it waits: what was tried and not stored is sent in its newest wording."""
    return row.state != State.WAITING or bool(row.repeat_possible)


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
    urgent: bool = False,
) -> bool:
    """Say something in the thread of a root. The last reply that waits there takes it along if it has room.

    False: its id is there already.
    """
    if connection.execute(select(deliveries.c.number).where(deliveries.c.id == delivery)).first():
        return False
    how = {"broadcast": broadcast, "urgent": urgent}
    if _taken_along(connection, root, body, now, due_at, **how):
        return True
    _put_below(connection, root, now, id=delivery, kind=Kind.REPLY, body=body, due_at=due_at, **how)
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
    urgent: bool = False,
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
        urgent=urgent,
        story=told.story,
        watch=told.watch,
        body=to_json(body),
        due_at=due_at,
    )


def _taken_along(
    connection: Connection,
    root: Root,
    body: FollowUp,
    now: datetime,
    due_at: datetime,
    *,
    broadcast: bool,
    urgent: bool,
) -> bool:
    """By a reply that nobody has seen yet; what the channel sees too, or at any hour, takes only its like."""
    fresh = (deliveries.c.state == State.WAITING, deliveries.c.attempts == 0)
    waiting = connection.execute(
        select(deliveries)
        .where(deliveries.c.root == root.id, deliveries.c.kind == Kind.REPLY, *fresh)
        .where(deliveries.c.broadcast == broadcast, deliveries.c.urgent == urgent)
        .order_by(deliveries.c.number.desc())
        .limit(1)
        .with_for_update()
    ).first()
    earlier = from_json(waiting.body) if waiting else None
    both = joined(earlier, body) if isinstance(earlier, FollowUp) else None
    if waiting is None or both is None:
        return False
    values = {"body": to_json(both), "due_at": min(waiting.due_at, due_at)}
    which = deliveries.c.number == waiting.number
    connection.execute(update(deliveries).where(which).values(changed_at=now, **values))
    return True
