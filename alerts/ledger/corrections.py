"""What a person corrects of the stories: two that are one, one that is two.

Lives here: articles, ties and alerts moved from story to story. Not here: who may ask for that
(`scheduler.commands.stories`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from alerts.ledger.schema import (
    alerts,
    stories,
    story_articles,
    story_corrections,
    story_features,
    told_articles,
)
from alerts.ledger.stories import names_of, stretch, tie_by
from alerts.stories import StoryId, Tie


def merge_stories(connection: Connection, story: str, other: str) -> None:
    """All articles of another story are of this one from now on.

    What was told of the other stays on record under its name, and counts as told of this one.
    """
    connection.execute(update(story_articles).where(story_articles.c.story == other).values(story=story))
    taken = connection.execute(select(story_features).where(story_features.c.story == other)).all()
    connection.execute(delete(story_features).where(story_features.c.story == other))
    for row in taken:
        tie_by(connection, story, [row.feature], row.at)
    gone = or_(stories.c.id == other, stories.c.merged_into == other)
    connection.execute(update(stories).where(gone).values(merged_into=story))
    connection.execute(update(stories).where(stories.c.follows == other).values(follows=story))
    reach = connection.execute(
        select(stories.c.first_at, stories.c.last_at).where(stories.c.id == other)
    ).one()
    stretch(connection, story, reach.first_at, reach.last_at)


def split_story(
    connection: Connection, story: str, articles: Collection[int], new: StoryId, now: datetime
) -> frozenset[int]:
    """These articles are a story of their own from now on. Returns those that are in the new one.

    The story keeps its root, which is in the channel: where the article that was told is among these, all
    others leave. Nobody was told of the new one, unless it was told as a story that was merged into this.
    """
    of_it = story_articles.c.story == story
    told = alerts.c.story == story, alerts.c.article.in_(articles)
    if connection.scalar(select(alerts.c.id).where(*told).limit(1)) is not None:
        there = connection.scalars(select(story_articles.c.article).where(of_it)).all()
        articles = [article for article in there if article not in articles]
    chosen = story_articles.c.article.in_(articles)
    rows = connection.execute(select(story_articles).where(chosen).order_by(story_articles.c.moment)).all()
    named = select(stories.c.title).where(stories.c.id == story)
    connection.execute(
        insert(stories).values(
            id=new,
            title=connection.scalar(named),
            opened_at=now,
            first_at=rows[0].moment,
            last_at=rows[-1].moment,
        )
    )
    connection.execute(
        update(story_articles).where(chosen).values(story=new, tie=Tie.BY_HAND.value, origin=None)
    )
    kept = connection.scalars(select(story_articles.c.features).where(of_it)).all()
    theirs = {feature for row in rows for feature in row.features or ()}
    theirs -= {feature for features in kept for feature in features or ()}
    both = and_(story_features.c.story == story, story_features.c.feature.in_(theirs))
    connection.execute(update(story_features).where(both).values(story=new))
    _part_threads(connection, story, articles, new)
    reach = select(func.min(story_articles.c.moment), func.max(story_articles.c.moment))
    first, last = connection.execute(reach.where(of_it)).one()
    connection.execute(update(stories).where(stories.c.id == story).values(first_at=first, last_at=last))
    return frozenset(articles)


def _part_threads(connection: Connection, story: str, articles: Collection[int], new: StoryId) -> None:
    """A root of one of these articles goes with them; the threads that stay count them no more."""
    theirs = select(alerts.c.story).where(alerts.c.article.in_(articles))
    returns = and_(stories.c.merged_into == story, stories.c.id.in_(theirs))
    connection.execute(update(stories).where(returns).values(merged_into=new))
    counted = (told_articles.c.article.in_(articles), told_articles.c.leads.is_(False))
    stays = told_articles.c.story.in_(names_of(story))
    connection.execute(delete(told_articles).where(*counted, stays))


def note_correction(
    connection: Connection, kind: str, story: str, other: str, author: str, now: datetime
) -> None:
    """Somebody merged two stories, or split one."""
    noted = {"kind": kind, "story": story, "other": other, "author": author, "at": now}
    connection.execute(insert(story_corrections).values(**noted))


def split_apart(connection: Connection) -> frozenset[frozenset[StoryId]]:
    """Pairs of stories that somebody split: likeness never makes one of them again."""
    rows = connection.execute(select(story_corrections).where(story_corrections.c.kind == "split"))
    return frozenset(frozenset({StoryId(row.story), StoryId(row.other)}) for row in rows)


def corrections_of(connection: Connection, story: str) -> Sequence[Row[Any]]:
    """What somebody corrected of a story, oldest first."""
    one = story_corrections.c
    which = or_(one.story == story, one.other == story)
    return connection.execute(select(story_corrections).where(which).order_by(one.id)).all()
