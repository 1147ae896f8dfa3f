"""How things stand: figures and records for `status`, `why`, `dead` and health.

Lives here: counting and listing. Not here: whether a figure is good (`scheduler.health`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, case, func, or_, select

from alerts.notifications import Body, DeliveryId, FollowUp, Kind, Plainness, from_json
from alerts.outbox.schema import UNFINISHED, State, deliveries


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
    repeat_possible: bool
    created_at: datetime
    attempted_at: datetime | None
    sent_at: datetime | None
    ts: str | None
    reason: str | None


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


def oldest_waiting(connection: Connection, now: datetime) -> datetime | None:
    """Since when the longest unfinished delivery could have been sent; None: nothing is unfinished.

    What quiet hours withhold waits since they ended.
    """
    withheld = deliveries.c.quiet_until > deliveries.c.created_at
    since = case((withheld, deliveries.c.quiet_until), else_=deliveries.c.created_at)
    statement = select(func.min(since)).where(deliveries.c.state.in_(UNFINISHED), since <= now)
    oldest: datetime | None = connection.scalar(statement)
    return oldest


def last_sent(connection: Connection) -> datetime | None:
    last: datetime | None = connection.scalar(select(func.max(deliveries.c.sent_at)))
    return last


def records(
    connection: Connection,
    *,
    states: Collection[State] | None = None,
    story: str | None = None,
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
    return [_record(row) for row in connection.execute(statement)]


def record_of(connection: Connection, delivery: DeliveryId) -> Record | None:
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery)).one_or_none()
    return _record(row) if row else None


def unseen_replies(connection: Connection) -> list[Record]:
    """What waits to be said in a thread, and nobody can have seen."""
    which = (deliveries.c.kind == Kind.REPLY, deliveries.c.state == State.WAITING)
    statement = select(deliveries).where(*which, deliveries.c.repeat_possible.is_(False))
    return [_record(row) for row in connection.execute(statement.order_by(deliveries.c.number))]


def named(connection: Connection, story: str, watch: str) -> set[int]:
    """The articles that replies of this story name which somebody may have seen."""
    of = (deliveries.c.story == story, deliveries.c.watch == watch, deliveries.c.kind == Kind.REPLY)
    seen = or_(
        deliveries.c.state.in_((State.CLAIMED, State.UNCLEAR, State.SENT)), deliveries.c.repeat_possible
    )
    bodies = (from_json(text) for text in connection.scalars(select(deliveries.c.body).where(*of, seen)))
    items = (item for body in bodies if isinstance(body, FollowUp) for item in body.items)
    return {item.article for item in items if item.article is not None}


def dead_list(connection: Connection) -> list[Record]:
    return records(connection, states=(State.DEAD,))


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
        repeat_possible=row.repeat_possible,
        created_at=row.created_at,
        attempted_at=row.attempted_at,
        sent_at=row.sent_at,
        ts=row.ts,
        reason=row.reason,
    )
