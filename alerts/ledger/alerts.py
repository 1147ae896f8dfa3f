"""Alerts: which watch has told of which story.

Lives here: one row for a story and a watch. Not here: the articles of its thread (`threads`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text

from alerts.ledger.schema import alerts
from alerts.ledger.stories import names_of
from alerts.matching import Match
from alerts.stories import StoryId
from crawler.articles import Article


def take_turns(connection: Connection) -> None:
    """Whoever decides what is told waits here until another that does has committed.

    On SQLite every writer waits for the one before it anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE alerts IN SHARE ROW EXCLUSIVE MODE"))


def write_alert(connection: Connection, article: Article, match: Match, story: StoryId, now: datetime) -> int:
    key = connection.execute(
        insert(alerts).values(
            story=story,
            watch=match.watch,
            rule=match.rule,
            article=article.id,
            source=article.source,
            baseline=int(article.baseline),
            title=article.title,
            link=article.link,
            at=now,
        )
    ).inserted_primary_key
    if key is None:
        raise RuntimeError("alerts gave no id")
    return int(key[0])


def withdraw_alert(connection: Connection, story: str, watch: str) -> None:
    """Takes back an alert of which nobody has heard."""
    connection.execute(delete(alerts).where(alerts.c.story == story, alerts.c.watch == watch))


def told(connection: Connection, story: StoryId, watch: str) -> bool:
    """Whether this watch has told of this story."""
    return (
        connection.scalar(
            select(alerts.c.id).where(alerts.c.story.in_(names_of(story)), alerts.c.watch == watch).limit(1)
        )
        is not None
    )


def alert_of(connection: Connection, story: str, watch: str) -> Row[Any] | None:
    return connection.execute(
        select(alerts)
        .where(alerts.c.story.in_(names_of(story)), alerts.c.watch == watch)
        .order_by(alerts.c.id)
    ).first()


def alerts_of(connection: Connection, story: str) -> Sequence[Row[Any]]:
    """What was told of a story, and of those that were merged into it."""
    return connection.execute(
        select(alerts).where(alerts.c.story.in_(names_of(story))).order_by(alerts.c.id)
    ).all()


def recent_alerts(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    return connection.execute(select(alerts).order_by(alerts.c.id.desc()).limit(limit)).all()


def alerts_at(connection: Connection, at: datetime) -> Sequence[Row[Any]]:
    """Those decided at this very moment."""
    return connection.execute(select(alerts).where(alerts.c.at == at).order_by(alerts.c.id)).all()


def backlog_told(connection: Connection, source: str) -> int:
    """Alerts that came from the first reading of a source."""
    which = (alerts.c.source == source) & (alerts.c.baseline == 1)
    return connection.scalar(select(func.count()).select_from(alerts).where(which)) or 0
