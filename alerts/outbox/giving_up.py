"""What is told no more, without a vendor's word on it; and how a person brings the dead back.

Lives here: from unfinished to dropped or dead where a channel cannot show it, or is there no more; of which
dead the ops channel has heard. Not here: what a vendor refused (`outcomes`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, false, or_, select, true, update

from alerts.notifications import DeliveryId, Kind, Plainness
from alerts.outbox.moves import TO_WAITING
from alerts.outbox.schema import GIVEN_UP, UNFINISHED, State, deliveries
from alerts.outbox.standing import dead_list

_root = deliveries.alias("root")


def forgo(connection: Connection, channel: str, now: datetime, *, threads: bool, edits: bool) -> int:
    """Drop what waits and cannot be shown, and edits of roots that were given up. Returns how many.

    A channel that takes edits knows a root by its ts; what another notifier told there has none.
    """
    lost = exists().where(_root.c.id == deliveries.c.root, _root.c.state.in_(GIVEN_UP))
    nameless = exists().where(
        _root.c.id == deliveries.c.root, _root.c.state == State.SENT, _root.c.ts.is_(None)
    )
    quiet = and_(deliveries.c.kind == Kind.REPLY, deliveries.c.broadcast.is_(False))
    edit = deliveries.c.kind == Kind.EDIT
    hopeless = or_(
        and_(edit, or_(lost, nameless) if edits else true()),
        and_(quiet, nameless if threads and edits else false() if threads else true()),
    )
    waiting = (deliveries.c.channel == channel, deliveries.c.state == State.WAITING)
    dropped = update(deliveries).where(*waiting, hopeless)
    reason = "its root was given up, or this channel cannot show it"
    return connection.execute(dropped.values(state=State.DROPPED, reason=reason, changed_at=now)).rowcount


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


_UNSEEN = and_(deliveries.c.state == State.WAITING, deliveries.c.attempts == 0)


def unheard(connection: Connection) -> set[str]:
    """The stories of which a root waits that nobody has seen; they may have been heard of elsewhere."""
    roots = select(deliveries.c.story).where(_UNSEEN, deliveries.c.kind == Kind.ROOT)
    return {story for story in connection.scalars(roots) if story is not None}


def take_back(connection: Connection, story: str, watch: str, now: datetime) -> bool:
    """Drop what waits to be told of a story; False, and nothing is dropped, if anybody may have seen some, or
    nothing waits."""
    of = and_(deliveries.c.story == story, deliveries.c.watch == watch)
    seen = connection.scalars(select(~_UNSEEN).where(of).with_for_update()).all()
    if not seen or any(seen):
        return False
    dropped = {"state": State.DROPPED, "reason": "taken back before it was sent", "changed_at": now}
    connection.execute(update(deliveries).where(of).values(**dropped))
    return True


def retry_dead(connection: Connection, ids: Collection[DeliveryId] | None, now: datetime) -> list[DeliveryId]:
    """Bring the dead back, in full dress; None: all of them. Returns those that were dead."""
    dead = [record.id for record in dead_list(connection) if ids is None or record.id in ids]
    values = {**TO_WAITING, "plainness": Plainness.FULL, "due_at": now, "changed_at": now, "told_at": None}
    still_dead = and_(deliveries.c.id.in_(dead), deliveries.c.state == State.DEAD)
    connection.execute(update(deliveries).where(still_dead).values(**values))
    return dead


def untold_dead(connection: Connection, ops: str) -> Sequence[Row[Any]]:
    """Of all other channels the dead it has not heard of."""
    one = deliveries.c
    untold = (one.state == State.DEAD, one.told_at.is_(None), one.channel != ops)
    return connection.execute(select(deliveries).where(*untold).order_by(one.number)).all()


def mark_dead_told(connection: Connection, ids: Collection[str], now: datetime) -> None:
    connection.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(told_at=now))
