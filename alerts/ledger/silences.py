"""Silences, and what they kept quiet.

Lives here: what is silenced until when, and which matches each silence held. Not here: whether one concerns a
match (`alerts.silences`), what is said at its end (`alerts.digests`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, update

from alerts.ledger.schema import matches, silences, stories
from alerts.silences import Aim, Condition, Silence


class Quieted(NamedTuple):
    """How much a silence kept quiet."""

    articles: int = 0
    stories: int = 0

    def __str__(self) -> str:
        if not self.articles:
            return "nothing"
        articles = f"{self.articles} article{'' if self.articles == 1 else 's'}"
        return f"{articles} of {self.stories} {'story' if self.stories == 1 else 'stories'}"


def add_silence(
    connection: Connection,
    aim: Aim,
    value: str,
    starts_at: datetime,
    ends_at: datetime,
    author: str,
    comment: str,
    also: Sequence[Condition] = (),
) -> Silence:
    """`also`: what has to hold besides."""
    conditions = (Condition(aim, value), *also)
    key = connection.execute(
        insert(silences).values(
            conditions=[one._asdict() for one in conditions],
            starts_at=starts_at,
            ends_at=ends_at,
            author=author,
            comment=comment,
        )
    ).inserted_primary_key
    if key is None:
        raise RuntimeError("silences gave no id")
    return Silence(int(key[0]), conditions, starts_at, ends_at, author, comment)


def list_silences(connection: Connection, now: datetime, ended: bool = False) -> list[Silence]:
    """Those in force or still to come; with `ended` also those of the past.

    What has said its end holds nothing more, also for whoever decides by the time of a while ago.
    """
    rows = select(silences).order_by(silences.c.id)
    if not ended:
        rows = rows.where(silences.c.ends_at > now, silences.c.told_at.is_(None))
    return [_silence(connection, row) for row in connection.execute(rows)]


def silence_of(connection: Connection, silence: int) -> Silence | None:
    row = connection.execute(select(silences).where(silences.c.id == silence)).one_or_none()
    return _silence(connection, row) if row else None


def _silence(connection: Connection, row: Row[Any]) -> Silence:
    conditions = tuple(_condition(connection, Aim(one["aim"]), one["value"]) for one in row.conditions)
    return Silence(row.id, conditions, row.starts_at, row.ends_at, row.author, row.comment, row.told_at)


def _condition(connection: Connection, aim: Aim, value: str) -> Condition:
    """A story that turned out to be another is silenced under the name of that."""
    standing = select(stories.c.merged_into).where(stories.c.id == value)
    name = connection.scalar(standing) if aim is Aim.STORY else None
    return Condition(aim, name or value)


def end_silence(connection: Connection, silence: int, now: datetime) -> bool:
    """Ends a silence now; False: there is none in force with this id. What it held stays on record."""
    ended = update(silences).where(silences.c.id == silence, silences.c.ends_at > now).values(ends_at=now)
    return connection.execute(ended).rowcount == 1


# ---- what they held


def silenced(connection: Connection, silence: int) -> Sequence[Row[Any]]:
    """The matches a silence kept quiet, oldest first."""
    return connection.execute(
        select(matches).where(matches.c.silence == silence).order_by(matches.c.id)
    ).all()


def quieted(connection: Connection) -> Mapping[int, Quieted]:
    """How much each silence held; those that held nothing are left out."""
    counted = select(
        matches.c.silence, func.count(matches.c.article.distinct()), func.count(matches.c.story.distinct())
    )
    rows = connection.execute(counted.where(matches.c.silence.isnot(None)).group_by(matches.c.silence))
    return {row[0]: Quieted(row[1], row[2]) for row in rows}


# ---- their end


def ended_untold(connection: Connection, now: datetime) -> list[Silence]:
    """Silences that have ended without having said so."""
    which = (silences.c.ends_at <= now, silences.c.told_at.is_(None))
    rows = connection.execute(select(silences).where(*which).order_by(silences.c.id))
    return [_silence(connection, row) for row in rows]


def mark_ended(connection: Connection, silence: int, now: datetime) -> None:
    """Its end is said; with the message in one transaction."""
    connection.execute(update(silences).where(silences.c.id == silence).values(told_at=now))
