"""Threads: the articles that were told, listed or counted, for each story and watch.

Lives here: who is in a thread, and who leads it. Not here: who shall (`alerts.threads`).
"""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from alerts.alerting import Action
from alerts.facts import Facts
from alerts.ledger.schema import digested, matches, told_articles
from alerts.ledger.stories import names_of
from alerts.stories import StoryId
from alerts.threads import Thread, Told


def thread(connection: Connection, story: StoryId, watch: str, article: int | None = None) -> Thread | None:
    """What this watch has told of this story; None: nothing, or before threads were kept.

    A story that turned out to be another as well goes on in the thread that was first; but an article that a
    thread has already stays in that.
    """
    order = (told_articles.c.at, told_articles.c.seen, told_articles.c.article)
    rows = connection.execute(
        select(told_articles)
        .where(told_articles.c.story.in_(names_of(story)), told_articles.c.watch == watch)
        .order_by(*order)
    ).all()
    if not rows:
        return None
    which = next((row.story for row in rows if row.article == article), rows[0].story)
    return Thread(which, watch, tuple(_told(row) for row in rows if row.story == which))


def _told(row: Row[Any]) -> Told:
    kept = row._asdict()
    for ours in ("watch", "story", "at"):
        del kept[ours]
    return Told(**{**kept, "facts": Facts.from_json(row.facts)})


def threads_with(connection: Connection, article: int) -> list[Thread]:
    """The threads, one of each watch, that have this article."""
    which = told_articles.c.article == article
    rows = connection.execute(select(told_articles.c.story, told_articles.c.watch).where(which)).all()
    found = (thread(connection, StoryId(row.story), row.watch) for row in rows)
    return [one for one in found if one is not None]


def held_of(connection: Connection, story: StoryId, watch: str) -> list[int]:
    """The articles of a story that are held for a watch and in no digest yet, oldest first.

    What came in a flood has a message of its own.
    """
    summed = (digested.c.story == matches.c.story, digested.c.watch == matches.c.watch)
    held = (
        matches.c.story.in_(names_of(story)),
        matches.c.watch == watch,
        matches.c.action == Action.HOLD.value,
        matches.c.flood.is_(None),
        ~exists().where(*summed),
    )
    return list(dict.fromkeys(connection.scalars(select(matches.c.article).where(*held))))


def named_at(connection: Connection, at: datetime) -> list[int]:
    """The articles that some thread has named, not only counted, since this very moment."""
    named = (told_articles.c.at == at, told_articles.c.copy.is_(False))
    return list(connection.scalars(select(told_articles.c.article).where(*named).distinct()))


def join_thread(connection: Connection, story: StoryId, watch: str, told: Told, now: datetime) -> None:
    """An article is told, or counted, in the thread of its story; if it leads, nobody else does.

    It is in one thread of a watch: a story that somebody split off takes its articles with it.
    """
    before = (told_articles.c.watch == watch, told_articles.c.article == told.article)
    connection.execute(delete(told_articles).where(*before))
    if told.leads:
        theirs = (told_articles.c.story == story, told_articles.c.watch == watch)
        connection.execute(update(told_articles).where(*theirs).values(leads=False))
    row = {**asdict(told), "facts": told.facts.to_json()}
    connection.execute(insert(told_articles).values(**row, story=story, watch=watch, at=now))


def is_counted(connection: Connection, article: int, watch: str) -> bool:
    """Whether a thread of this watch counts the article as a copy of another."""
    which = (told_articles.c.watch == watch, told_articles.c.article == article, told_articles.c.copy)
    return connection.execute(select(told_articles.c.article).where(*which)).first() is not None


def retitle(connection: Connection, watch: str, article: int, title: str) -> None:
    """The thread tells that this article has another headline."""
    which = (told_articles.c.watch == watch, told_articles.c.article == article)
    connection.execute(update(told_articles).where(*which).values(title=title, retitled=True))


def leave_thread(connection: Connection, thread: Thread, articles: Collection[int]) -> None:
    """These are of this thread no more; it is led as it says."""
    of = (told_articles.c.watch == thread.watch, told_articles.c.story == thread.story)
    connection.execute(delete(told_articles).where(*of, told_articles.c.article.in_(articles)))
    for one in thread.articles:
        this = (told_articles.c.watch == thread.watch, told_articles.c.article == one.article)
        connection.execute(update(told_articles).where(*this).values(leads=one.leads, copy=one.copy))
