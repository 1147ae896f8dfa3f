"""Door: new revisions → matches → stories → verdicts → outbox.

Lives here: the order of these steps and their one transaction. A crash before its commit screens the same
revisions again and finds the same; after it, match, alert, delivery and the mark "screened" are all there.
`judge`, what follows from the matches of one article, is also how the past is gone over again (`catch_up`,
`backtest`). Not here: the decisions themselves (`matching`, `stories`, `alerting`), the sending (`dispatch`).
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Engine

from alerts import ledger, outbox
from alerts.alerting import Action, Backlog, Circumstances, Reason, decide
from alerts.matching import Match, Matcher
from alerts.notifications import Alarm, DeliveryId
from alerts.silences import Silence, silencing
from alerts.stories import Joined, StoryId, Tie, features, join, opened_by
from alerts.watches import Watch
from crawler import archive
from crawler.articles import Article
from crawler.sources import Source, SourceId

log = structlog.get_logger(__name__)

BATCH = 100  # revisions a transaction: long enough to pay for its sync, short enough to let others write

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DELIVERIES = uuid.UUID(
    "6f0a5b0e-6f43-4d1a-9e0b-7a1d9d1f4c55"
)  # namespace of delivery ids; chosen once, never changed


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What the user's configuration says about screening."""

    sources: Mapping[SourceId, Source]
    watches: Mapping[str, Watch]
    matcher: Matcher
    backlog: Backlog


class Screened(NamedTuple):
    articles: int = 0
    matches: int = 0
    alerts: int = 0
    deliveries: int = 0

    def __add__(self, other: object) -> "Screened":
        if not isinstance(other, Screened):
            return NotImplemented
        return Screened(*(a + b for a, b in zip(self, other, strict=True)))


def screen(engine: Engine, rulebook: Rulebook, now: datetime) -> Screened:
    """Screens one batch. Call it again until `articles` is 0."""
    with engine.begin() as connection:
        ledger.take_turns(connection)
        articles = archive.unscreened(connection, rulebook.sources, now, BATCH)
        if not articles:
            return Screened()
        silences = ledger.list_silences(connection, now)
        done = Screened(articles=len(articles))
        for article in sorted(articles, key=turn):
            found = rulebook.matcher.match(article)
            if found:
                done += judge(connection, rulebook, article, found, silences, now)
        archive.mark_screened(connection, [a.revision for a in articles], now)
    log.info("screened", **done._asdict())
    return done


def turn(article: Article) -> float:
    """By this those of one batch are sorted.

    As they came; but of a first reading the newest first, since only a few of it may be told.
    """
    return -(article.published or _EPOCH).timestamp() if article.baseline else 0


def judge(
    connection: Connection,
    rulebook: Rulebook,
    article: Article,
    found: Sequence[Match],
    silences: Sequence[Silence],
    now: datetime,
    came: datetime | None = None,
) -> Screened:
    """What follows from the matches of an article: story, verdicts, alerts, deliveries; all written down.

    `came`: the day by which its story is looked up, where that is not today.
    """
    story = _story(connection, article, found, came or now)
    done = Screened(matches=len(found))
    for match in found:
        silence = silencing(silences, article, match, story, now)
        verdict = decide(
            Circumstances(
                article=article,
                match=match,
                now=now,
                told=story is not None and ledger.told(connection, story, match.watch),
                silence=silence,
                backlog_told=ledger.backlog_told(connection, article.source) if article.baseline else 0,
                backlog=rulebook.backlog,
            )
        )
        ledger.write_match(connection, article, match, story, verdict, now)
        if silence and verdict.reason is Reason.SILENCED:
            ledger.count_held(connection, silence.id)
        if verdict.action is Action.TELL and story is not None:
            done += _alert(connection, rulebook.watches[match.watch], article, match, story, now)
    return done


def _story(connection: Connection, article: Article, found: Sequence[Match], now: datetime) -> StoryId | None:
    """The story of a matched article: the one it is in, the one it shares a feature with, or a new one.

    What only shadow rules found opens none and ties nothing: a trial changes nothing that is told.
    """
    already = ledger.story_of(connection, article.id)
    telling = [match for match in found if not match.shadow]
    if not telling:
        return already
    mine = features(article, telling)
    if already:
        joined = Joined(already, Tie.SAME_ARTICLE)
    else:
        joined = join(ledger.known_features(connection, mine), now) or Joined(opened_by(article), Tie.FOUNDER)
    if joined.tie is Tie.FOUNDER:
        ledger.open_story(connection, joined.story, article, now)
    ledger.add_to_story(connection, joined, article, mine, now)
    return joined.story


def _alert(
    connection: Connection, watch: Watch, article: Article, match: Match, story: StoryId, now: datetime
) -> Screened:
    ledger.write_alert(connection, article, match, story, now)
    alarm = _alarm(watch, article, match)
    queued = 0
    for channel in watch.told(match.rule):
        delivery = DeliveryId(uuid.uuid5(_DELIVERIES, f"{story}/{watch.id}/{channel}").hex)
        queued += outbox.enqueue(connection, delivery, channel, alarm, story=story, watch=watch.id, now=now)
    log.info(
        "alerted",
        watch=watch.id,
        rule=match.rule,
        story=story,
        source=article.source,
        title=article.title[:120],
    )
    return Screened(alerts=1, deliveries=queued)


def _alarm(watch: Watch, article: Article, match: Match) -> Alarm:
    return Alarm(
        title=article.title or (match.sentence.text if match.sentence else "") or "(no headline)",
        title_spans=match.title_spans if article.title else (),
        link=article.link,
        source_name=article.source_name,
        language=article.language,
        published=article.published,
        seen=article.seen,
        sentence=match.sentence,
        watch=watch.id,
        watch_name=watch.name or watch.id,
        rule=match.rule,
        look_alike=match.look_alike,
    )
