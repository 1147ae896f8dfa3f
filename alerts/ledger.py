"""Notebook: matches with their verdicts, stories, alerts, silences.

Lives here: the SQL of these tables. Every match is written down with the verdict it got, so that "why was I
not told?" is one SELECT. Functions take a connection and belong to the caller's transaction. Not here: the
decisions (`stories`, `silences`, `alerting`), what is still to be delivered (`outbox`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from alerts.alerting import Verdict
from alerts.matching import Match
from alerts.silences import Aim, Silence
from alerts.stories import Joined, Known, StoryId, Tie
from crawler.articles import Article
from crawler.storage import Instant, RowId

tables = MetaData()

stories = Table(
    "stories",
    tables,
    Column("id", String(20), primary_key=True),
    Column("title", Text, nullable=False, comment="headline of the article that opened it"),
    Column("opened_at", Instant, nullable=False),
)

story_articles = Table(
    "story_articles",
    tables,
    Column("article", RowId, primary_key=True, autoincrement=False),
    Column("story", String(20), nullable=False, index=True),
    Column("tie", String(20), nullable=False),
    Column("joined_at", Instant, nullable=False),
)

story_features = Table(
    "story_features",
    tables,
    Column("feature", Text, primary_key=True),
    Column("story", String(20), primary_key=True),
    Column("at", Instant, nullable=False, comment="when an article of the story last had it"),
)

matches = Table(
    "matches",
    tables,
    Column("id", RowId, primary_key=True),
    Column("article", RowId, nullable=False, index=True),
    Column("revision", RowId, nullable=False),
    Column("source", String(80), nullable=False),
    Column("watch", String(80), nullable=False),
    Column("rule", String(80), nullable=False),
    Column("level", String(10), nullable=False),
    Column("score", Float, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("story", String(20), nullable=False),
    Column("action", String(10), nullable=False, comment="tell | hold | quiet"),
    Column("reason", String(30), nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("revision", "watch", "rule"),
    Index("matches_watch", "watch", "at"),
)

alerts = Table(
    "alerts",
    tables,
    Column("id", RowId, primary_key=True),
    Column("story", String(20), nullable=False),
    Column("watch", String(80), nullable=False),
    Column("rule", String(80), nullable=False),
    Column("article", RowId, nullable=False),
    Column("source", String(80), nullable=False),
    Column("baseline", Integer, nullable=False, comment="1: from the first reading of its source"),
    Column("title", Text, nullable=False),
    Column("link", Text, comment="null: the entry had no usable link"),
    Column("at", Instant, nullable=False),
    UniqueConstraint("story", "watch", name="one_alert_per_story_and_watch"),
)

silences = Table(
    "silences",
    tables,
    Column("id", RowId, primary_key=True),
    Column("aim", String(10), nullable=False),
    Column("value", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("held", Integer, nullable=False, comment="alerts it kept quiet so far"),
)


# ---- stories


def story_of(connection: Connection, article: int) -> StoryId | None:
    found = connection.scalar(select(story_articles.c.story).where(story_articles.c.article == article))
    return StoryId(found) if found else None


def known_features(connection: Connection, wanted: Collection[str]) -> list[Known]:
    """Which of these features some story already has."""
    rows = (
        connection.execute(select(story_features).where(story_features.c.feature.in_(list(wanted))))
        if wanted
        else ()
    )
    return [Known(StoryId(r.story), r.feature, r.at) for r in rows]


def open_story(connection: Connection, story: StoryId, article: Article, now: datetime) -> None:
    connection.execute(insert(stories).values(id=story, title=article.title, opened_at=now))


def add_to_story(
    connection: Connection, joined: Joined, article: Article, features: Iterable[str], now: datetime
) -> None:
    """The article is of the story from now on, and what it has ties others to it."""
    if joined.tie is not Tie.SAME_ARTICLE:
        connection.execute(
            insert(story_articles).values(
                article=article.id, story=joined.story, tie=joined.tie.value, joined_at=now
            )
        )
    for feature in features:
        row = (story_features.c.feature == feature) & (story_features.c.story == joined.story)
        if connection.execute(update(story_features).where(row).values(at=now)).rowcount == 0:
            connection.execute(insert(story_features).values(feature=feature, story=joined.story, at=now))


def tie_of(connection: Connection, article: int) -> Row[Any] | None:
    """story, tie, joined_at of an article; None: it is in no story."""
    return connection.execute(select(story_articles).where(story_articles.c.article == article)).one_or_none()


# ---- matches and alerts


def write_match(
    connection: Connection, article: Article, match: Match, story: StoryId, verdict: Verdict, now: datetime
) -> None:
    connection.execute(
        insert(matches).values(
            article=article.id,
            revision=article.revision,
            source=article.source,
            watch=match.watch,
            rule=match.rule,
            level=match.level,
            score=match.score,
            evidence=[asdict(e) for e in match.evidence],
            story=story,
            action=verdict.action.value,
            reason=verdict.reason.value,
            detail=verdict.detail,
            at=now,
        )
    )


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


def told(connection: Connection, story: StoryId, watch: str) -> bool:
    """Whether this watch has told of this story."""
    return (
        connection.scalar(select(alerts.c.id).where(alerts.c.story == story, alerts.c.watch == watch))
        is not None
    )


def backlog_told(connection: Connection, source: str) -> int:
    """Alerts that came from the first reading of a source."""
    which = (alerts.c.source == source) & (alerts.c.baseline == 1)
    return connection.scalar(select(func.count()).select_from(alerts).where(which)) or 0


def matches_of(connection: Connection, article: int) -> Sequence[Row[Any]]:
    """Every match of an article with its verdict, oldest first."""
    return connection.execute(
        select(matches).where(matches.c.article == article).order_by(matches.c.id)
    ).all()


def alert_of(connection: Connection, story: str, watch: str) -> Row[Any] | None:
    return connection.execute(
        select(alerts).where(alerts.c.story == story, alerts.c.watch == watch)
    ).one_or_none()


def recent_alerts(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    return connection.execute(select(alerts).order_by(alerts.c.id.desc()).limit(limit)).all()


def verdict_counts(connection: Connection, since: datetime) -> dict[str, int]:
    """How many matches were told, held, kept quiet, by reason."""
    rows = connection.execute(
        select(matches.c.reason, func.count()).where(matches.c.at >= since).group_by(matches.c.reason)
    )
    return {row[0]: row[1] for row in rows}


# ---- silences


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
