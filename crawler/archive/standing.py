"""How things stand: figures for `status`, and which failures somebody has heard of.

Lives here: counting. Not here: whether a figure is good (`scheduler.health`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from crawler.archive.schema import articles, entries, revisions, sources
from crawler.sources import SourceId


def source_rows(connection: Connection) -> Sequence[Row[Any]]:
    """Every active source as it stands, by id."""
    return connection.execute(select(sources).where(sources.c.active).order_by(sources.c.id)).all()


def entry_counts(connection: Connection, since: datetime) -> dict[str, int]:
    """New entries per source since then."""
    rows = connection.execute(
        select(entries.c.source, func.count()).where(entries.c.seen_at >= since).group_by(entries.c.source)
    )
    return {row[0]: row[1] for row in rows}


def announced(connection: Connection) -> dict[str, tuple[int, datetime | None]]:
    """Entries per source, and the newest date one of them says it was published; None: none says."""
    counted = (entries.c.source, func.count(), func.max(entries.c.published_at))
    rows = connection.execute(select(*counted).group_by(entries.c.source))
    return {row[0]: (row[1], row[2]) for row in rows}


def mark_told(connection: Connection, named: Collection[str], now: datetime | None) -> None:
    """The ops channel has heard (or, with None, shall hear again) of these sources."""
    if named:
        connection.execute(update(sources).where(sources.c.id.in_(list(named))).values(told_at=now))


def lately_quiet(connection: Connection, shortest: timedelta) -> Sequence[Row[Any]]:
    """Active sources that answer, and had nothing new for so long when they were last asked.

    Without those that are known to be silent.
    """
    heard = and_(sources.c.active, sources.c.failures == 0, sources.c.changed_at.is_not(None))
    unknown = or_(sources.c.silent_since.is_(None), sources.c.silent_since < sources.c.changed_at)
    rows = connection.execute(select(sources).where(heard, unknown).order_by(sources.c.id)).all()
    return [row for row in rows if row.succeeded_at - row.changed_at >= shortest]


def heard(connection: Connection, source: Row[Any], since: datetime) -> list[tuple[datetime, int]]:
    """When a source announced something new, and how many entries; without what was there before us."""
    mine = (entries.c.source == source.id, entries.c.seen_at > max(since, source.baseline_at or since))
    rows = connection.execute(
        select(entries.c.seen_at, func.count())
        .where(*mine)
        .group_by(entries.c.seen_at)
        .order_by(entries.c.seen_at)
    )
    return [(row[0], row[1]) for row in rows]


def mark_silent(connection: Connection, source: SourceId, since: datetime, per_day: float) -> bool:
    """It is silent since then. False: it has announced something meanwhile."""
    still = (sources.c.id == source, sources.c.changed_at == since)
    marked = update(sources).where(*still).values(silent_since=since, per_day=per_day)
    return connection.execute(marked).rowcount == 1


def heard_again(connection: Connection) -> Sequence[str]:
    """The active sources known to be silent that have announced something since, by id."""
    since = (sources.c.active, sources.c.changed_at > sources.c.silent_since)
    return connection.scalars(select(sources.c.id).where(*since).order_by(sources.c.id)).all()


def end_silent(connection: Connection, named: Collection[str]) -> None:
    """The ops channel has heard that these sources announce something again."""
    if named:
        connection.execute(
            update(sources).where(sources.c.id.in_(list(named))).values(silent_since=None, per_day=None)
        )


def counts(connection: Connection) -> dict[str, int]:
    """How many entries, articles and unscreened revisions there are."""
    pending = select(func.count()).select_from(revisions).where(revisions.c.screened_at.is_(None))
    return {
        "entries": connection.scalar(select(func.count()).select_from(entries)) or 0,
        "articles": connection.scalar(select(func.count()).select_from(articles)) or 0,
        "unscreened": connection.scalar(pending) or 0,
    }


def first_seen(connection: Connection) -> datetime | None:
    """How far back the archive reaches; None: it is empty."""
    first: datetime | None = connection.scalar(select(func.min(articles.c.seen_at)))
    return first


def latest_entries(connection: Connection, source: SourceId, limit: int) -> Sequence[Row[Any]]:
    """What a source announced last, newest first."""
    newest = select(entries).where(entries.c.source == source).order_by(entries.c.id.desc()).limit(limit)
    return connection.execute(newest).all()
