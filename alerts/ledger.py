"""Notebook: matches with their verdicts, stories, alerts, threads, silences, marks, rules in force.

Lives here: the SQL of these tables. Every match is written down with the verdict it got, so that "why was I
not told?" is one SELECT. Functions take a connection and belong to the caller's transaction. Not here: the
decisions (`stories`, `silences`, `alerting`, `marks`), what is still to be delivered (`outbox`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
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
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from alerts.alerting import Action, Reason, Verdict
from alerts.evaluation import LabelledItem
from alerts.facts import Facts
from alerts.features import Traits
from alerts.marks import Judgement, Mark, Ruling, Tally, tallied
from alerts.matching import Match
from alerts.shadows import Difference, Holding, difference
from alerts.silences import Aim, Silence
from alerts.stories import MOST_CLOSED, MOST_COMPARED, Joined, Known, Member, Standing, StoryId, Tie
from alerts.threads import Thread, Told
from alerts.watches import Watch
from crawler.articles import Article
from crawler.storage import Instant, RowId, Words

tables = MetaData()

stories = Table(
    "stories",
    tables,
    Column("id", String(20), primary_key=True),
    Column("title", Text, nullable=False, comment="headline of the article that opened it"),
    Column("opened_at", Instant, nullable=False),
    Column("first_at", Instant, nullable=False, comment="the time of its earliest article"),
    Column("last_at", Instant, nullable=False, index=True, comment="of its latest"),
    Column("follows", String(20), comment="the closed story it goes on with; null: none"),
    Column("merged_into", String(20), index=True, comment="the story it turned out to be; null: it stands"),
)

story_articles = Table(
    "story_articles",
    tables,
    Column("article", RowId, primary_key=True, autoincrement=False),
    Column("story", String(20), nullable=False, index=True),
    Column("tie", String(20), nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("moment", Instant, nullable=False, comment="published, or else seen"),
    Column("origin", RowId, comment="the article it is a copy of; null: its text is its own"),
    Column("traits", JSON, comment="by what others are compared with it; null: from before this was kept"),
    Column("features", JSON, comment="its certain ties; null: from before this was kept"),
    Column(
        "likeness", JSON, comment="to the story when it joined; null: it founded it, or a certain tie held"
    ),
    Column("nearly", JSON, comment="other stories it was like, with their likeness"),
    Index("story_articles_moment", "story", "moment"),
)

story_features = Table(
    "story_features",
    tables,
    Column("feature", Text, primary_key=True),
    Column("story", String(20), primary_key=True),
    Column("at", Instant, nullable=False, comment="when an article of the story last had it"),
)

story_corrections = Table(
    "story_corrections",
    tables,
    Column("id", RowId, primary_key=True),
    Column("kind", String(10), nullable=False, comment="merge | split"),
    Column("story", String(20), nullable=False, comment="that took in another, or lost articles"),
    Column("other", String(20), nullable=False, comment="that was taken in, or was made of them"),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
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
    Column("version", String(8), comment="of the rule; null: from before versions were kept"),
    Column("level", String(10), nullable=False),
    Column("score", Float, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("story", String(20), comment="null: in none, only shadow rules held"),
    Column("action", String(10), nullable=False, comment="tell | add | hold | quiet"),
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

told_articles = Table(
    "told_articles",
    tables,
    Column("watch", String(80), primary_key=True),
    Column("article", RowId, primary_key=True, autoincrement=False),
    Column("story", String(20), nullable=False),
    Column("source", String(80), nullable=False),
    Column("source_name", Text, nullable=False),
    Column("publisher", String(20), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("title", Text, nullable=False, comment="the headline by which it was told"),
    Column("seen", Instant, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("copy", Boolean, nullable=False, comment="it says nothing of its own, and is only counted"),
    Column("leads", Boolean, nullable=False, comment="the root shows it"),
    Column("retitled", Boolean, nullable=False, comment="the thread has told that its headline was changed"),
    Column("at", Instant, nullable=False, comment="when it joined the thread"),
    Index("told_articles_story", "story", "watch"),
    Index("told_articles_article", "article"),
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

digested = Table(
    "digested",
    tables,
    Column("channel", String(80), primary_key=True),
    Column("watch", String(80), primary_key=True),
    Column("story", String(20), primary_key=True),
    Column("delivery", String(200), nullable=False, comment="the digest that has it"),
)

rules_in_force = Table(
    "rules_in_force",
    tables,
    Column("watch", String(80), primary_key=True),
    Column("rule", String(80), primary_key=True),
    Column("version", String(8), nullable=False),
    Column("since", Instant, nullable=False, comment="when a daemon first ran with this version"),
)

marks = Table(
    "marks",
    tables,
    Column("id", RowId, primary_key=True),
    Column("watch", String(80), nullable=False),
    Column("judgement", String(20), nullable=False),
    Column("author", Text, nullable=False, comment="who marked it"),
    Column("comment", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("article", RowId, comment="null: no source announced it"),
    # The article as it was when it was marked: a mark outlives the archive's retention.
    Column("url", Text, comment="canonical; null: the entry had no usable link"),
    Column("link", Text, comment="null: the entry had no usable link"),
    Column("language", String(40), comment="null: unknown"),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("byline", Text, comment="who wrote the article; null: unknown"),
    Column("tags", Words, nullable=False),
    Column("source", String(80), nullable=False),
    Column("source_name", Text, nullable=False),
    Column("publisher", String(20), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("published", Instant, comment="null: unknown"),
    Column(
        "rule", String(80), comment="which told it, or held it for the digest; null: none had when marked"
    ),
    Column("version", String(8), comment="of that rule; null: none, or from before versions were kept"),
    Column(
        "ruling",
        String(10),
        nullable=False,
        comment="alert | digest | quiet: under the rules last in force",
    ),
    Column("ruling_rule", String(80), comment="whose verdict that is; null: quiet"),
    Column("ruling_version", String(8), comment="of that rule; null: quiet"),
    UniqueConstraint("watch", "article", name="one_mark_per_article_and_watch"),
)


# ---- stories


def take_turns(connection: Connection) -> None:
    """Whoever decides what is told waits here until another that does has committed.

    On SQLite every writer waits for the one before it anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE alerts IN SHARE ROW EXCLUSIVE MODE"))


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

    `moment`: its time, where that is not now.
    """
    moment = moment or now
    told = {"traits": traits and traits.to_json(), "features": sorted(features)}
    if joined.tie is Tie.SAME_ARTICLE:
        connection.execute(
            update(story_articles).where(story_articles.c.article == article.id).values(**told)
        )
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
        _stretch(connection, joined.story, moment, moment)
    _tie_by(connection, joined.story, features, now)


def _tie_by(connection: Connection, story: str, features: Iterable[str], at: datetime) -> None:
    for feature in features:
        row = (story_features.c.feature == feature) & (story_features.c.story == story)
        latest = case((story_features.c.at < at, literal(at, Instant)), else_=story_features.c.at)
        if connection.execute(update(story_features).where(row).values(at=latest)).rowcount == 0:
            connection.execute(insert(story_features).values(feature=feature, story=story, at=at))


def _stretch(connection: Connection, story: str, first: datetime, last: datetime) -> None:
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


MOST_STORIES = 100  # with which an article is compared; the latest


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


def merge_stories(connection: Connection, story: str, other: str) -> None:
    """All articles of another story are of this one from now on.

    What was told of the other stays on record under its name, and counts as told of this one.
    """
    connection.execute(update(story_articles).where(story_articles.c.story == other).values(story=story))
    taken = connection.execute(select(story_features).where(story_features.c.story == other)).all()
    connection.execute(delete(story_features).where(story_features.c.story == other))
    for row in taken:
        _tie_by(connection, story, [row.feature], row.at)
    gone = or_(stories.c.id == other, stories.c.merged_into == other)
    connection.execute(update(stories).where(gone).values(merged_into=story))
    connection.execute(update(stories).where(stories.c.follows == other).values(follows=story))
    reach = connection.execute(
        select(stories.c.first_at, stories.c.last_at).where(stories.c.id == other)
    ).one()
    _stretch(connection, story, reach.first_at, reach.last_at)


def split_story(
    connection: Connection, story: str, articles: Collection[int], new: StoryId, now: datetime
) -> None:
    """These articles are a story of their own from now on, and what was told of them is told of it."""
    chosen = story_articles.c.article.in_(articles)
    rows = connection.execute(select(story_articles).where(chosen).order_by(story_articles.c.moment)).all()
    title = connection.scalar(select(alerts.c.title).where(alerts.c.article.in_(articles)))
    named = select(stories.c.title).where(stories.c.id == story)
    connection.execute(
        insert(stories).values(
            id=new,
            title=title or connection.scalar(named) or "",
            opened_at=now,
            first_at=rows[0].moment,
            last_at=rows[-1].moment,
        )
    )
    connection.execute(
        update(story_articles).where(chosen).values(story=new, tie=Tie.BY_HAND.value, origin=None)
    )
    kept = connection.scalars(select(story_articles.c.features).where(story_articles.c.story == story)).all()
    theirs = {feature for row in rows for feature in row.features or ()}
    theirs -= {feature for features in kept for feature in features or ()}
    both = and_(story_features.c.story == story, story_features.c.feature.in_(theirs))
    connection.execute(update(story_features).where(both).values(story=new))
    moved = and_(alerts.c.story == story, alerts.c.article.in_(articles))
    connection.execute(update(alerts).where(moved).values(story=new))
    reach = select(func.min(story_articles.c.moment), func.max(story_articles.c.moment))
    first, last = connection.execute(reach.where(story_articles.c.story == story)).one()
    connection.execute(update(stories).where(stories.c.id == story).values(first_at=first, last_at=last))


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


def story_row(connection: Connection, story: str) -> Row[Any] | None:
    """A story by its id."""
    return connection.execute(select(stories).where(stories.c.id == story)).one_or_none()


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


def alerts_of(connection: Connection, story: str) -> Sequence[Row[Any]]:
    """What was told of a story, and of those that were merged into it."""
    return connection.execute(
        select(alerts).where(alerts.c.story.in_(_names_of(story))).order_by(alerts.c.id)
    ).all()


def _names_of(story: Any) -> Any:
    """The ids under which something may be on record of a story: its own, and of those merged into it."""
    other = stories.alias()
    return select(other.c.id).where(or_(other.c.id == story, other.c.merged_into == story))


def tie_of(connection: Connection, article: int) -> Row[Any] | None:
    """story, tie, joined_at of an article; None: it is in no story."""
    return connection.execute(select(story_articles).where(story_articles.c.article == article)).one_or_none()


# ---- matches and alerts


def write_match(
    connection: Connection,
    article: Article,
    match: Match,
    story: StoryId | None,
    verdict: Verdict,
    now: datetime,
) -> None:
    connection.execute(
        insert(matches).values(
            article=article.id,
            revision=article.revision,
            source=article.source,
            watch=match.watch,
            rule=match.rule,
            version=match.version,
            level=match.level,
            score=match.score,
            evidence=[e._asdict() for e in match.evidence],
            story=story,
            action=verdict.action.value,
            reason=verdict.reason.value,
            detail=verdict.detail,
            at=now,
        )
    )


def withdraw_match(connection: Connection, match: int) -> None:
    """Takes back a match that is decided anew."""
    connection.execute(delete(matches).where(matches.c.id == match))


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
        connection.scalar(
            select(alerts.c.id).where(alerts.c.story.in_(_names_of(story)), alerts.c.watch == watch).limit(1)
        )
        is not None
    )


# ---- threads


def thread(connection: Connection, story: StoryId, watch: str) -> Thread | None:
    """What this watch has told of this story; None: nothing, or before threads were kept.

    A story that turned out to be another as well goes on in the thread that was first.
    """
    order = (told_articles.c.at, told_articles.c.seen, told_articles.c.article)
    rows = connection.execute(
        select(told_articles)
        .where(told_articles.c.story.in_(_names_of(story)), told_articles.c.watch == watch)
        .order_by(*order)
    ).all()
    theirs = tuple(_told(row) for row in rows if row.story == rows[0].story)
    return Thread(rows[0].story, watch, theirs) if rows else None


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


def join_thread(connection: Connection, story: StoryId, watch: str, told: Told, now: datetime) -> None:
    """An article is told, or counted, in the thread of its story; if it leads, nobody else does."""
    if told.leads:
        theirs = (told_articles.c.story == story, told_articles.c.watch == watch)
        connection.execute(update(told_articles).where(*theirs).values(leads=False))
    row = {**asdict(told), "facts": told.facts.to_json()}
    connection.execute(insert(told_articles).values(**row, story=story, watch=watch, at=now))


def retitle(connection: Connection, watch: str, article: int, title: str) -> None:
    """The thread tells that this article has another headline."""
    which = (told_articles.c.watch == watch, told_articles.c.article == article)
    connection.execute(update(told_articles).where(*which).values(title=title, retitled=True))


def backlog_told(connection: Connection, source: str) -> int:
    """Alerts that came from the first reading of a source."""
    which = (alerts.c.source == source) & (alerts.c.baseline == 1)
    return connection.scalar(select(func.count()).select_from(alerts).where(which)) or 0


def words_told(connection: Connection, watch: str, rule: str, since: datetime) -> list[frozenset[str]]:
    """Of each story that this rule told since then, the words that matched."""
    which = (matches.c.watch == watch, matches.c.rule == rule, matches.c.at >= since)
    rows = connection.execute(select(matches.c.evidence).where(*which, matches.c.action == Action.TELL.value))
    return [frozenset(one["text"].casefold() for one in row.evidence) for row in rows]


def matched_of(connection: Connection, source: str, since: datetime) -> int:
    """How many articles of a source some rule that may ring held for since then."""
    which = (matches.c.source == source, matches.c.at >= since, matches.c.level == "alert")
    live = matches.c.reason.not_in((Reason.SHADOW.value, Reason.BASELINE.value))
    counted = select(func.count(matches.c.article.distinct())).where(*which, live)
    return connection.scalar(counted) or 0


def matches_of(connection: Connection, article: int) -> Sequence[Row[Any]]:
    """Every match of an article with its verdict, oldest first."""
    return connection.execute(
        select(matches).where(matches.c.article == article).order_by(matches.c.id)
    ).all()


def alert_of(connection: Connection, story: str, watch: str) -> Row[Any] | None:
    return connection.execute(
        select(alerts)
        .where(alerts.c.story.in_(_names_of(story)), alerts.c.watch == watch)
        .order_by(alerts.c.id)
    ).first()


def recent_alerts(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    return connection.execute(select(alerts).order_by(alerts.c.id.desc()).limit(limit)).all()


def verdict_counts(connection: Connection, since: datetime) -> dict[str, int]:
    """How many matches were told, held, kept quiet, by reason."""
    rows = connection.execute(
        select(matches.c.reason, func.count()).where(matches.c.at >= since).group_by(matches.c.reason)
    )
    return {row[0]: row[1] for row in rows}


# ---- the digest


def held_for_digest(
    connection: Connection, channel: str, after: datetime, until: datetime
) -> Sequence[Row[Any]]:
    """Held matches whose story neither an alert nor a digest of this channel has told; oldest first."""
    same = (alerts.c.story == matches.c.story, alerts.c.watch == matches.c.watch)
    summed = (
        digested.c.channel == channel,
        digested.c.story == matches.c.story,
        digested.c.watch == matches.c.watch,
    )
    waiting = (
        matches.c.action == Action.HOLD.value,
        matches.c.at > after,
        matches.c.at <= until,
        ~exists().where(*same),
        ~exists().where(*summed),
    )
    return connection.execute(select(matches).where(*waiting).order_by(matches.c.id)).all()


def mark_digested(
    connection: Connection, channel: str, told: Iterable[tuple[str, str]], delivery: str
) -> None:
    """These stories, by (watch, story), are in this digest; with it in one transaction."""
    rows = [
        {"channel": channel, "watch": watch, "story": story, "delivery": delivery} for watch, story in told
    ]
    if rows:
        connection.execute(insert(digested), rows)


def digests_of(connection: Connection, story: str, watch: str) -> list[str]:
    """The deliveries of the digests that have this story."""
    which = (digested.c.story == story, digested.c.watch == watch)
    return list(connection.scalars(select(digested.c.delivery).where(*which).order_by(digested.c.channel)))


# ---- rules in force, and how their shadows differ from them


def note_rules(connection: Connection, versions: Mapping[tuple[str, str], str], now: datetime) -> None:
    """These rules run from now on, by (watch, rule); a version that was in force already keeps its date."""
    known = {(row.watch, row.rule): row.version for row in connection.execute(select(rules_in_force))}
    for watch, rule in known.keys() - versions.keys():
        connection.execute(delete(rules_in_force).where(*_is_rule(watch, rule)))
    for (watch, rule), version in versions.items():
        if (watch, rule) not in known:
            added = insert(rules_in_force).values(watch=watch, rule=rule, version=version, since=now)
            connection.execute(added)
        elif known[watch, rule] != version:
            changed = update(rules_in_force).where(*_is_rule(watch, rule))
            connection.execute(changed.values(version=version, since=now))


def _is_rule(watch: str, rule: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return rules_in_force.c.watch == watch, rules_in_force.c.rule == rule


def differences(
    connection: Connection, watches: Iterable[Watch], after: datetime, until: datetime
) -> list[Difference]:
    """How each shadow rule differed from what it stands for, as far as both were in force in this time."""
    since = {(row.watch, row.rule): row.since for row in connection.execute(select(rules_in_force))}
    found = []
    for watch in watches:
        for rule in (one for one in watch.rules if one.shadow):
            begin = since.get((watch.id, rule.id))
            compared = since.get((watch.id, rule.instead_of)) if rule.instead_of else begin
            if begin is not None and compared is not None:
                from_ = max(after, begin, compared)
                found.append(difference(watch, rule, from_, _holdings(connection, watch.id, from_, until)))
    return found


def _holdings(connection: Connection, watch: str, after: datetime, until: datetime) -> list[Holding]:
    which = (matches.c.watch == watch, matches.c.at >= after, matches.c.at <= until)
    rows = connection.execute(
        select(matches.c.article, matches.c.rule, matches.c.reason).where(*which).order_by(matches.c.id)
    )
    return [Holding(row.article, row.rule, row.reason == Reason.SHADOW.value) for row in rows]


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


# ---- marks

NOT_ARCHIVED = 0  # the id of an article that no source announced


def keep_mark(
    connection: Connection,
    watch: str,
    article: Article,
    judgement: Judgement,
    ruling: Ruling,
    author: str,
    comment: str,
    now: datetime,
) -> tuple[Mark, Judgement | None]:
    """The new mark, and what this watch was told of this article before; None: nothing."""
    before = connection.execute(select(marks).where(_marked(watch, article))).all()
    connection.execute(delete(marks).where(_marked(watch, article)))
    behind = _behind(connection, article.id, watch)
    key = connection.execute(
        insert(marks).values(
            watch=watch,
            judgement=judgement.value,
            author=author,
            comment=comment,
            at=now,
            rule=behind.rule if behind else None,
            version=behind.version if behind else None,
            **_copied(article),
            **_ruling(ruling),
        )
    ).inserted_primary_key
    if key is None:
        raise RuntimeError("marks gave no id")
    row = connection.execute(select(marks).where(marks.c.id == key[0])).one()
    return _mark(row), Judgement(before[0].judgement) if before else None


def _marked(watch: str, article: Article) -> ColumnElement[bool]:
    """The mark of an article; by its address also one from before or after the archive knew it."""
    by_address = marks.c.url.in_({*article.addresses, article.url} - {None})
    if article.id == NOT_ARCHIVED:
        return and_(marks.c.watch == watch, by_address)
    which = or_(marks.c.article == article.id, and_(marks.c.article.is_(None), by_address))
    return and_(marks.c.watch == watch, which)


def _behind(connection: Connection, article: int, watch: str) -> Row[Any] | None:
    """The match by which an article was told; else the last that is held for the digest."""
    rows = [row for row in matches_of(connection, article) if row.watch == watch]
    told = [row for row in rows if row.action == Action.TELL.value]
    held = [row for row in rows if row.action == Action.HOLD.value]
    return next(iter([*told, *reversed(held)]), None)


_COPIED = ("url", "link", "language", "title", "text", "tags", "source", "source_name", "publisher", "tier",
           "published")  # fmt: skip


def _copied(article: Article) -> dict[str, Any]:
    copied = {name: getattr(article, name) for name in _COPIED}
    return {**copied, "byline": article.author, "article": article.id if article.id != NOT_ARCHIVED else None}


def _ruling(ruling: Ruling) -> dict[str, Any]:
    return {
        "ruling": ruling.verdict,
        "ruling_rule": ruling.rule,
        "ruling_version": ruling.version,
    }


def _mark(row: Row[Any]) -> Mark:
    judgement = Judgement(row.judgement)
    item = LabelledItem(
        id=f"mark-{row.id}",
        label=judgement.label,
        language=row.language or "und",
        title=row.title,
        lead="",
        text=row.text,
        url=row.url,
        link=row.link,
        source=row.source,
        source_name=row.source_name,
        kind=row.publisher,
        tier=row.tier,
        author=row.byline,
        tags=row.tags,
    )
    ruling = Ruling(row.ruling, row.ruling_rule, row.ruling_version)
    return Mark(
        row.id, row.watch, judgement, row.author, row.comment, row.at, row.article, item, row.published,
        row.rule, row.version, ruling,
    )  # fmt: skip


def list_marks(connection: Connection, watch: str | None = None) -> list[Mark]:
    """In the order they were made; of one watch, or of all."""
    rows = select(marks).order_by(marks.c.id)
    return [_mark(row) for row in connection.execute(rows.where(marks.c.watch == watch) if watch else rows)]


def remove_mark(connection: Connection, mark: int) -> bool:
    """False: there is none with this id."""
    return connection.execute(delete(marks).where(marks.c.id == mark)).rowcount == 1


def note_rulings(connection: Connection, rulings: Mapping[int, Ruling]) -> None:
    """What the rules that are in force from now on make of each mark."""
    for mark, ruling in rulings.items():
        connection.execute(update(marks).where(marks.c.id == mark).values(**_ruling(ruling)))


def marks_by_version(connection: Connection, watch: str | None = None) -> list[Tally]:
    """What was said of the articles that each version of a rule brought; rule None: no rule had."""
    which = (marks.c.watch, marks.c.rule, marks.c.version)
    counted = select(*which, marks.c.judgement, func.count()).group_by(*which, marks.c.judgement)
    counted = counted.order_by(func.min(marks.c.id))
    rows = connection.execute(counted.where(marks.c.watch == watch) if watch else counted)
    return tallied((row[0], row[1], row[2], row[3], row[4]) for row in rows)
