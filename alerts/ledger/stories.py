"""Stories, their articles, and what ties others to them.

Lives here: which article is in which story, and with what others are compared. Not here: whether it belongs
there (`alerts.stories`), what a person corrects (`corrections`).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, insert, literal, or_, select, update

from alerts.features import Traits
from alerts.ledger.schema import alerts, stories, story_articles, story_features
from alerts.stories import MOST_CLOSED, MOST_COMPARED, Joined, Known, Member, Standing, StoryId, Tie
from crawler.articles import Article
from crawler.storage import Instant

MOST_STORIES = 100  # with which an article is compared; the latest


def story_of(connection: Connection, article: int) -> StoryId | None:
    found = connection.scalar(select(story_articles.c.story).where(story_articles.c.article == article))
    return StoryId(found) if found else None


def tie_of(connection: Connection, article: int) -> Row[Any] | None:
    """story, tie, joined_at of an article; None: it is in no story."""
    return connection.execute(select(story_articles).where(story_articles.c.article == article)).one_or_none()


def repeated(connection: Connection, article: int, others: Collection[int]) -> frozenset[int]:
    """Of which of these others an article has an address, a headline or a passage."""
    one = story_articles.c
    both = select(one.article, one.features).where(one.article.in_((article, *others)))
    found = {row.article: set(row.features or ()) for row in connection.execute(both)}
    mine = found.pop(article, set())
    return frozenset(other for other, theirs in found.items() if mine & theirs)


def known_features(connection: Connection, wanted: Collection[str]) -> list[Known]:
    """Which of these features some story already has."""
    rows = (
        connection.execute(select(story_features).where(story_features.c.feature.in_(list(wanted))))
        if wanted
        else ()
    )
    return [Known(StoryId(r.story), r.feature, r.at) for r in rows]


def open_story(
    connection: Connection, joined: Joined, article: Article, moment: datetime, now: datetime
) -> None:
    connection.execute(
        insert(stories).values(
            id=joined.story,
            title=article.title,
            opened_at=now,
            first_at=moment,
            last_at=moment,
            follows=joined.follows,
        )
    )


def add_to_story(
    connection: Connection,
    joined: Joined,
    article: Article,
    features: Collection[str],
    now: datetime,
    moment: datetime | None = None,
    traits: Traits | None = None,
) -> None:
    """The article is of the story from now on, and what it has ties others to it.

    A later wording adds to what it is known by: papers go on copying the earlier one. `moment`: its time,
    where that is not now.
    """
    moment = moment or now
    if joined.tie is Tie.SAME_ARTICLE:
        this = story_articles.c.article == article.id
        former = connection.scalar(select(story_articles.c.features).where(this)) or ()
        features = {*features, *former}
    told = {"traits": traits and traits.to_json(), "features": sorted(features)}
    if joined.tie is Tie.SAME_ARTICLE:
        connection.execute(update(story_articles).where(this).values(**told))
    else:
        connection.execute(
            insert(story_articles).values(
                article=article.id,
                story=joined.story,
                tie=joined.tie.value,
                joined_at=now,
                moment=moment,
                origin=joined.origin,
                likeness=joined.likeness and joined.likeness.to_json(),
                nearly=[{"story": one.story, **one.likeness.to_json()} for one in joined.nearly],
                **told,
            )
        )
        stretch(connection, joined.story, moment, moment)
    tie_by(connection, joined.story, features, now)


def tie_by(connection: Connection, story: str, features: Iterable[str], at: datetime) -> None:
    for feature in features:
        row = (story_features.c.feature == feature) & (story_features.c.story == story)
        latest = case((story_features.c.at < at, literal(at, Instant)), else_=story_features.c.at)
        if connection.execute(update(story_features).where(row).values(at=latest)).rowcount == 0:
            connection.execute(insert(story_features).values(feature=feature, story=story, at=at))


def stretch(connection: Connection, story: str, first: datetime, last: datetime) -> None:
    """The time of a story reaches at least from here to there."""
    this = stories.c.id == story
    connection.execute(update(stories).where(this, stories.c.first_at > first).values(first_at=first))
    connection.execute(update(stories).where(this, stories.c.last_at < last).values(last_at=last))


def standing(connection: Connection, at: datetime, quiet: timedelta) -> list[Standing]:
    """The stories that may be open at a time, with the articles that others are compared with."""
    around = and_(stories.c.last_at >= at - quiet, stories.c.first_at <= at + quiet)
    return _standing(connection, around, MOST_STORIES)


def closed_before(connection: Connection, at: datetime, quiet: timedelta) -> list[Standing]:
    """The stories that were closed last before a time."""
    return _standing(connection, stories.c.last_at < at - quiet, MOST_CLOSED)


def _standing(connection: Connection, which: ColumnElement[bool], most: int) -> list[Standing]:
    rows = connection.execute(
        select(stories)
        .where(which, stories.c.merged_into.is_(None))
        .order_by(stories.c.last_at.desc(), stories.c.id)
        .limit(most)
    ).all()
    members = _compared(connection, [row.id for row in rows])
    return [
        Standing(StoryId(row.id), row.first_at, row.last_at, tuple(members.get(row.id, ()))) for row in rows
    ]


def _compared(connection: Connection, of: Sequence[str]) -> dict[str, list[Member]]:
    """The newest articles of these stories, without copies; the newest last."""
    one = story_articles.c
    age = func.row_number().over(partition_by=one.story, order_by=(one.moment.desc(), one.article.desc()))
    own = select(one.story, one.article, one.traits, age.label("age")).where(
        one.story.in_(of), one.origin.is_(None), one.traits.isnot(None)
    )
    ranked = own.subquery()
    newest = select(ranked).where(ranked.c.age <= MOST_COMPARED).order_by(ranked.c.story, ranked.c.age.desc())
    members: dict[str, list[Member]] = {}
    for row in connection.execute(newest) if of else ():
        members.setdefault(row.story, []).append(Member(row.article, Traits.from_json(row.traits)))
    return members


def story_row(connection: Connection, story: str) -> Row[Any] | None:
    """A story by its id."""
    return connection.execute(select(stories).where(stories.c.id == story)).one_or_none()


def standing_row(connection: Connection, story: str) -> Row[Any] | None:
    """The story of this id, or the one it was merged into."""
    row = story_row(connection, story)
    while row is not None and row.merged_into:
        row = story_row(connection, row.merged_into)
    return row


def standing_of(connection: Connection, names: Collection[str]) -> set[StoryId]:
    """The stories of these ids, or those they were merged into."""
    now_of = func.coalesce(stories.c.merged_into, stories.c.id)
    return set(map(StoryId, connection.scalars(select(now_of).where(stories.c.id.in_(names)))))


def recent_stories(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """The stories that stand, the latest first, with how many articles and origins they have."""
    one = story_articles.c
    counted = (
        select(
            one.story,
            func.count().label("articles"),
            func.sum(case((one.origin.is_(None), 1), else_=0)).label("origins"),
        )
        .group_by(one.story)
        .subquery()
    )
    other = stories.alias()
    under = select(other.c.id).where(or_(other.c.id == stories.c.id, other.c.merged_into == stories.c.id))
    its_own = alerts.c.story.in_(under.correlate(stories))
    told = select(func.count()).select_from(alerts).where(its_own).correlate(stories)
    return connection.execute(
        select(stories, counted.c.articles, counted.c.origins, told.scalar_subquery().label("alerts"))
        .join(counted, counted.c.story == stories.c.id)
        .order_by(stories.c.last_at.desc(), stories.c.id)
        .limit(limit)
    ).all()


def articles_of(connection: Connection, story: str) -> Sequence[Row[Any]]:
    """How each article of a story is tied to it, the earliest first."""
    one = story_articles.c
    return connection.execute(
        select(story_articles).where(one.story == story).order_by(one.moment, one.article)
    ).all()


def names_of(story: Any) -> Any:
    """The ids under which something may be on record of a story: its own, and of those merged into it."""
    other = stories.alias()
    return select(other.c.id).where(or_(other.c.id == story, other.c.merged_into == story))
