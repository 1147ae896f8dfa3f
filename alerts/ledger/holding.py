"""What is held in a channel: an article of a told story that waits there for the brief or the digest.

Lives here: which article waits where, until when, and which message has it. Not here: whether
(`alerts.telling`), what rules of level `digest` hold (`digests`: that waits wherever it goes).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, func, insert, select, update

from alerts.ledger.schema import digested, held, stories
from alerts.ledger.stories import names_of
from alerts.matching import Match
from crawler.articles import Article


def hold(
    connection: Connection,
    channel: str,
    story: str,
    article: Article,
    match: Match,
    until: datetime | None,
    now: datetime,
) -> None:
    """It waits in this channel until then, for the brief; None: for the digest.

    Once; but as long as it waits it may turn out to be of another story.
    """
    key = {"channel": channel, "watch": match.watch, "article": article.id}
    if connection.execute(select(held.c.at).filter_by(**key)).first():
        waits = update(held).filter_by(**key, delivery=None)
        connection.execute(waits.values(story=story))
        return
    about = {"story": story, "rule": match.rule, "level": match.level, "score": match.score}
    connection.execute(insert(held).values(**key, **about, at=now, until=until))


def heard_of(connection: Connection, channel: str, story: str, watch: str) -> bool:
    """Whether this channel was told of a story in a brief or a digest, or will be."""
    return any(_of(connection, table, story, watch, table.c.channel == channel) for table in (held, digested))


def is_summed_up(connection: Connection, story: str, watch: str) -> bool:
    """Whether any channel was told of it in a brief or a digest, or will be."""
    return any(_of(connection, table, story, watch) for table in (held, digested))


def _of(connection: Connection, table: Table, story: str, watch: str, *more: ColumnElement[bool]) -> bool:
    which = (table.c.story.in_(names_of(story)), table.c.watch == watch, *more)
    return connection.execute(select(table.c.channel).where(*which).limit(1)).first() is not None


def channels_that_hold(connection: Connection) -> list[str]:
    """Where something waits for a brief."""
    waiting = (held.c.delivery.is_(None), held.c.until.is_not(None))
    return list(
        connection.scalars(select(held.c.channel).where(*waiting).distinct().order_by(held.c.channel))
    )


def held_in(connection: Connection, channel: str, *, for_brief: bool, by: datetime) -> Sequence[Row[Any]]:
    """What waits there since then or before, for the brief or for the digest; `now_of`: its story by now."""
    brief = held.c.until.is_not(None)
    waits = (held.c.channel == channel, held.c.delivery.is_(None), held.c.at <= by)
    named = func.coalesce(stories.c.merged_into, held.c.story).label("now_of")
    rows = select(held, named).outerjoin(stories, stories.c.id == held.c.story)
    order = (held.c.at, held.c.watch, held.c.article)
    return connection.execute(rows.where(*waits, brief if for_brief else ~brief).order_by(*order)).all()


def mark_held(connection: Connection, rows: Sequence[Row[Any]], delivery: str) -> None:
    """This brief or digest has them; with it in one transaction."""
    each = [{name: getattr(row, name) for name in ("channel", "watch", "article")} for row in rows]
    if each:
        one = (held.c[name] == bindparam(f"of_{name}") for name in each[0])
        given = [{f"of_{name}": value for name, value in key.items()} for key in each]
        connection.execute(update(held).where(*one).values(delivery=delivery), given)


def where_held(connection: Connection, article: int, watch: str) -> Sequence[Row[Any]]:
    """Where this article waits, or waited."""
    which = (held.c.article == article, held.c.watch == watch)
    return connection.execute(select(held).where(*which).order_by(held.c.channel)).all()
