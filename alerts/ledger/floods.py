"""Floods, and what is held with each.

Lives here: what a source brought too much of, until it is told in one message. Not here: when a flood is over
(`alerts.floods`), what its message says (`alerts.digests`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from alerts.floods import Flood
from alerts.ledger.schema import floods, matches
from crawler.sources import SourceId


def flood_of(connection: Connection, source: str, now: datetime) -> int:
    """The flood of a source that is not told yet; if there is none, it begins now."""
    current = select(floods.c.id).where(floods.c.source == source, floods.c.told_at.is_(None))
    known: int | None = connection.scalar(current)
    if known is not None:
        return known
    key = connection.execute(insert(floods).values(source=source, began_at=now)).inserted_primary_key
    if key is None:
        raise RuntimeError("floods gave no id")
    return int(key[0])


def floods_untold(connection: Connection) -> list[Flood]:
    which = select(floods.c.id, floods.c.source, floods.c.began_at, func.max(matches.c.at).label("last_at"))
    rows = connection.execute(
        which.join(matches, matches.c.flood == floods.c.id)
        .where(floods.c.told_at.is_(None))
        .group_by(floods.c.id, floods.c.source, floods.c.began_at)
        .order_by(floods.c.id)
    )
    return [Flood(row.id, SourceId(row.source), row.began_at, row.last_at) for row in rows]


def flooded(connection: Connection, flood: int) -> Sequence[Row[Any]]:
    """The matches held with a flood, oldest first."""
    return connection.execute(select(matches).where(matches.c.flood == flood).order_by(matches.c.id)).all()


def mark_calmed(connection: Connection, flood: int, now: datetime) -> None:
    """What it brought is told; with the message in one transaction."""
    connection.execute(update(floods).where(floods.c.id == flood).values(told_at=now))
