"""What is held for a digest, and what a digest has told.

Lives here: which held match no message has had yet. Not here: when a digest is due (`alerts.digests`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select

from alerts.alerting import Action, Reason
from alerts.ledger.schema import digested, matches


def held_for_digest(
    connection: Connection, channel: str, after: datetime, until: datetime
) -> Sequence[Row[Any]]:
    """Held matches whose story no digest of this channel has told; oldest first.

    What came in a flood, or in quiet hours, has a message of its own.
    """
    summed = (
        digested.c.channel == channel,
        digested.c.story == matches.c.story,
        digested.c.watch == matches.c.watch,
    )
    waiting = (
        matches.c.action == Action.HOLD.value,
        matches.c.reason != Reason.QUIET_HOURS.value,
        matches.c.flood.is_(None),
        matches.c.at > after,
        matches.c.at <= until,
        ~exists().where(*summed),
    )
    return connection.execute(select(matches).where(*waiting).order_by(matches.c.id)).all()


def mark_digested(
    connection: Connection, channel: str, told: Iterable[tuple[str, str]], delivery: str
) -> None:
    """These stories, by (watch, story), are in this message; with it in one transaction.

    The first that had a story keeps it.
    """
    mine = select(digested.c.watch, digested.c.story).where(digested.c.channel == channel)
    known = {(row.watch, row.story) for row in connection.execute(mine)}
    rows = [
        {"channel": channel, "watch": watch, "story": story, "delivery": delivery}
        for watch, story in sorted(set(told) - known)
    ]
    if rows:
        connection.execute(insert(digested), rows)


def digests_of(connection: Connection, story: str, watch: str) -> list[str]:
    """The deliveries of the digests that have this story."""
    which = (digested.c.story == story, digested.c.watch == watch)
    return list(connection.scalars(select(digested.c.delivery).where(*which).order_by(digested.c.channel)))
