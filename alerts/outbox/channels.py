"""What a channel has to wait for, how far it has been read, and how long each wait lasts.

Lives here: a channel's row. Not here: which failure is whose (`outcomes`, `looking`).
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from alerts.notifications import DeliveryFailed, Fault
from alerts.outbox.moves import CLOCK_SLACK
from alerts.outbox.schema import channels

RETRY_STOPPED = timedelta(minutes=15)  # a channel that a person has to mend is tried this often
FIRST_BACKOFF = timedelta(seconds=2)  # doubles with each failure in a row
# A lost answer says little about the next message: the others of the channel go on. But an outage that lasts
# must not make every one of them unclear.
LOST_ANSWERS_BORNE = 5
LONGEST_BACKOFF = timedelta(minutes=5)  # not more: after an outage of a night the bell should ring soon
UNSAID_LIMIT = timedelta(seconds=30)  # 429 without a usable Retry-After
LONGEST_LIMIT = timedelta(hours=24)  # no Retry-After keeps us silent for longer


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What the outbox knows of a channel, for `status` and health."""

    id: str
    stopped_at: datetime | None
    stopped_reason: str | None
    held_until: datetime | None
    failures: int
    unreadable_at: datetime | None


def channel_row(connection: Connection, channel: str, now: datetime) -> Row[Any]:
    """The channel's row, made on first sight and locked: two daemons must not both find it free."""
    statement = select(channels).where(channels.c.id == channel).with_for_update()
    row = connection.execute(statement).first()
    if row is None:
        connection.execute(insert(channels).values(id=channel, changed_at=now, failures=0))
    elif row.changed_at > now + CLOCK_SLACK:  # its waits were written by a clock that has been set back since
        holds = ("called_at", "held_until", "look_held_until", "edited_at", "edits_held_until")
        set_channel(connection, channel, now, **dict.fromkeys(holds))
    else:
        return row
    return connection.execute(statement).one()


def set_channel(connection: Connection, channel: str, now: datetime, **values: Any) -> None:
    connection.execute(update(channels).where(channels.c.id == channel).values(changed_at=now, **values))


def hold_channel(
    connection: Connection, channel: str, failure: DeliveryFailed, now: datetime, rng: random.Random
) -> bool:
    """No further message before a certain time, which a restart honours. True: it has stopped just now.

    Held is the channel, not the delivery that met the failure: otherwise each of forty would run against the
    same wall, and they would be told out of order afterwards.
    """
    at = channel_row(connection, channel, now)
    failures = at.failures + (failure.fault in {Fault.UNKNOWN, Fault.UNREACHABLE})
    if failure.fault is Fault.STOPPED:
        stop = {"stopped_at": at.stopped_at or now, "stopped_reason": failure.reason}
        set_channel(connection, channel, now, called_at=now, held_until=now + RETRY_STOPPED, **stop)
        return at.stopped_at is None
    if failure.fault is Fault.LIMITED:
        until = now + limit(failure.retry_after, rng)
    else:
        borne = LOST_ANSWERS_BORNE if failure.fault is Fault.UNKNOWN else 0
        until = now + backoff(failures - borne, rng) if failures > borne else now
    set_channel(connection, channel, now, called_at=now, held_until=until, failures=failures)
    return False


def hold_edits(
    connection: Connection, channel: str, failure: DeliveryFailed, now: datetime, rng: random.Random
) -> None:
    """Edits have a limit of their own; messages go on."""
    channel_row(connection, channel, now)
    until = now + limit(failure.retry_after, rng)
    set_channel(connection, channel, now, edited_at=now, edits_held_until=until)


def backoff(failures: int, rng: random.Random) -> timedelta:
    """2, 4, 8 seconds and so on, never more than five minutes, each a fifth more or less."""
    doubled: timedelta = FIRST_BACKOFF * 2 ** min(failures - 1, 20)
    return min(doubled, LONGEST_BACKOFF) * rng.uniform(0.8, 1.2)


def limit(retry_after: timedelta | None, rng: random.Random) -> timedelta:
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
    known = channel_row(connection, channel, now).watermark
    if ts is not None and (known is None or micros(ts) > micros(known)):
        set_channel(connection, channel, now, watermark=ts)


def micros(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int((fraction + "000000")[:6])


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
