"""Silences, and how much they kept quiet.

Lives here: what is silenced until when. Not here: whether that concerns a match (`alerts.silences`).
"""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from alerts.ledger.schema import silences
from alerts.silences import Aim, Silence


def add_silence(
    connection: Connection,
    aim: Aim,
    value: str,
    starts_at: datetime,
    ends_at: datetime,
    author: str,
    comment: str,
) -> Silence:
    key = connection.execute(
        insert(silences).values(
            aim=aim.value,
            value=value,
            starts_at=starts_at,
            ends_at=ends_at,
            author=author,
            comment=comment,
            held=0,
        )
    ).inserted_primary_key
    if key is None:
        raise RuntimeError("silences gave no id")
    return Silence(int(key[0]), aim, value, starts_at, ends_at, author, comment)


def list_silences(connection: Connection, now: datetime, ended: bool = False) -> list[Silence]:
    """Those in force or still to come; with `ended` also those of the past."""
    rows = select(silences).order_by(silences.c.id)
    if not ended:
        rows = rows.where(silences.c.ends_at > now)
    return [
        Silence(r.id, Aim(r.aim), r.value, r.starts_at, r.ends_at, r.author, r.comment, r.held)
        for r in connection.execute(rows)
    ]


def end_silence(connection: Connection, silence: int, now: datetime) -> bool:
    """Ends a silence now; False: there is none in force with this id. What it held stays on record."""
    ended = update(silences).where(silences.c.id == silence, silences.c.ends_at > now).values(ends_at=now)
    return connection.execute(ended).rowcount == 1


def count_held(connection: Connection, silence: int) -> None:
    connection.execute(update(silences).where(silences.c.id == silence).values(held=silences.c.held + 1))
