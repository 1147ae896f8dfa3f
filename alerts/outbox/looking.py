"""Looking for what is unclear: is it in the channel, or is it sent again?

Lives here: from unclear to sent or waiting. Not here: the reading of the channel (`dispatch`).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update

from alerts.notifications import DeliveryFailed, DeliveryId, Fault
from alerts.outbox.channels import RETRY_STOPPED, backoff, channel_row, limit, micros, set_channel
from alerts.outbox.moves import TO_UNCLEAR, TO_WAITING, due, reached, to_sent
from alerts.outbox.schema import State, deliveries

LOOK_BACK = timedelta(seconds=60)  # how far before the watermark the channel is read
LOOK_AGAIN = timedelta(seconds=10)  # between the first look and the second: a history may lag
ENOUGH_LOOKS = 2


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


def claim_look(connection: Connection, channel: str, now: datetime, lease: timedelta) -> Look | None:
    """All that is unclear in the channel, or in one thread, and has settled; None: nothing is, or not yet.

    A reading that was interrupted goes on first, with those it was begun for.
    """
    at = channel_row(connection, channel, now)
    if at.look_held_until and at.look_held_until > now:
        return None
    free = or_(deliveries.c.lease_until.is_(None), reached(deliveries.c.lease_until, now))
    rows = connection.execute(
        select(deliveries)
        .where(deliveries.c.channel == channel, deliveries.c.state == State.UNCLEAR, due(now), free)
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
    known = [micros(one) for one in watermarks if one is not None]
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
        values = {"changed_at": now, **to_sent(ts, now)}
        if connection.execute(update(deliveries).where(*which).values(values)).rowcount:
            news.append(delivery)
    if news:
        set_channel(connection, channel, now, failures=0)
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
            values = {**TO_UNCLEAR, "looks": one.looks + 1, "due_at": again}
            _still_missed(connection, (one,), now, **values)
        else:
            values = {**TO_WAITING, "due_at": now + _patience(connection, one, rng)}
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
    at = channel_row(connection, channel, now)
    values: dict[str, Any] = {"lease_until": None, "reason": failure.reason}
    if failure.fault is Fault.CONTENT:  # a cursor that is no longer good: read from the beginning
        values["look_cursor"] = None
    _still_missed(connection, look.missed, now, **values)
    if failure.fault is Fault.STOPPED:
        since = at.unreadable_at or now
        set_channel(connection, channel, now, look_held_until=now + RETRY_STOPPED, unreadable_at=since)
        return at.unreadable_at is None
    wait = limit(failure.retry_after, rng) if failure.fault is Fault.LIMITED else LOOK_AGAIN
    set_channel(connection, channel, now, look_held_until=now + wait)
    return False


def readable(connection: Connection, channel: str, now: datetime) -> None:
    """The channel could be read."""
    set_channel(connection, channel, now, look_held_until=None, unreadable_at=None)


def repeat_unclear(connection: Connection, channel: str, now: datetime) -> int:
    """Where nobody can look, what is unclear is sent again, and says so. Returns how many."""
    unclear = (deliveries.c.channel == channel, deliveries.c.state == State.UNCLEAR)
    values = {**TO_WAITING, "due_at": now, "changed_at": now, "repeat_possible": True}
    return connection.execute(update(deliveries).where(*unclear).values(values)).rowcount


def _still_missed(connection: Connection, missed: Sequence[Missed], now: datetime, **values: Any) -> int:
    done = 0
    for one in missed:
        ours = (deliveries.c.id == one.id, deliveries.c.lease_token == one.token)
        unclear = deliveries.c.state == State.UNCLEAR
        moved = update(deliveries).where(*ours, unclear).values(changed_at=now, **values)
        done += connection.execute(moved).rowcount
    return done
