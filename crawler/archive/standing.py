"""How things stand: figures for `status`, and which failures somebody has heard of.

Lives here: counting. Not here: whether a figure is good (`scheduler.health`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

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


def mark_told(connection: Connection, named: Collection[str], now: datetime | None) -> None:
    """The ops channel has heard (or, with None, shall hear again) of these sources."""
    if named:
        connection.execute(update(sources).where(sources.c.id.in_(list(named))).values(told_at=now))


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
