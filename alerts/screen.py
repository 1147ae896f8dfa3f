"""Door: new revisions → matches → stories → verdicts → outbox.

Lives here: one batch in one transaction, and what is known of it as a whole: which sources bring too much at
once. A crash before its commit screens the same revisions again and finds the same; after it, match, alert,
delivery and the mark "screened" are all there. Not here: what follows from the matches of an article
(`judging`), the sending (`dispatch`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, Engine

from alerts import ledger
from alerts.floods import AT_ONCE
from alerts.judging import Screened, judge, name_held, note_changed
from alerts.matching import Match
from alerts.rulebook import Rulebook
from crawler import archive
from crawler.articles import Article
from crawler.sources import SourceId

log = structlog.get_logger(__name__)

BATCH = 100  # revisions a transaction: long enough to pay for its sync, short enough to let others write

MOST_AHEAD = 1000  # articles of a source that are looked at before their turn

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def screen(engine: Engine, rulebook: Rulebook, now: datetime) -> Screened:
    """Screens one batch. Call it again until `articles` is 0."""
    with engine.begin() as connection:
        ledger.take_turns(connection)
        articles = archive.unscreened(connection, rulebook.sources, now, BATCH)
        if not articles:
            return Screened()
        silences = ledger.list_silences(connection, now)
        done = Screened(articles=len(articles))
        matched = {article.id: rulebook.matcher.match(article) for article in articles}
        floods = _floods(connection, rulebook, articles, matched, now)
        for article in sorted(articles, key=turn):
            found = matched[article.id]
            if found:
                flood = floods.get(article.source) or _still_flood(connection, article)
                done += judge(connection, rulebook, article, found, silences, now, flood=flood)
            elif article.number > 1:
                done += note_changed(connection, rulebook, article, silences, now)
        done += name_held(connection, rulebook, now) if done.alerts else Screened()
        if done.matches:  # a thread names no article but through a match
            archive.look_again(connection, ledger.named_at(connection, now), now)
        archive.mark_screened(connection, [a.revision for a in articles], now)
    log.info("screened", **done._asdict())
    return done


def turn(article: Article) -> float:
    """By this those of one batch are sorted.

    As they came; but of a first reading the newest first, since only a few of it may be told.
    """
    return -(article.published or _EPOCH).timestamp() if article.baseline else 0


def _floods(
    connection: Connection,
    rulebook: Rulebook,
    articles: Sequence[Article],
    matched: Mapping[int, Sequence[Match]],
    now: datetime,
) -> dict[SourceId, str]:
    """The sources that bring more at once than people should be rung for, and how much."""
    most = rulebook.limits.flood
    if most is None:
        return {}
    ringing: dict[SourceId, set[int]] = defaultdict(set)
    for article in articles:
        if _rings(article, matched[article.id]):
            ringing[article.source].add(article.id)
    floods = {}
    for source, here in ringing.items():
        brought = here | ledger.ringing_of(connection, source, now - AT_ONCE)
        if len(brought) <= most:
            brought |= _on_their_way(connection, rulebook, source)
        if len(brought) > most:
            floods[source] = f"{source} brought {len(brought)} articles at once"
            log.warning("flood held", source=source, articles=len(brought))
    return floods


def _on_their_way(connection: Connection, rulebook: Rulebook, source: SourceId) -> set[int]:
    """Of a source, what will ring by the words it has already: a flood is to be known by its first article.

    Their pages come one by one, or they are beyond this batch.
    """
    waiting = archive.unscreened_of(connection, rulebook.sources, source, MOST_AHEAD)
    return {one.id for one in waiting if _rings(one, rulebook.matcher.match(one))}


def _still_flood(connection: Connection, article: Article) -> str:
    """A later wording, such as its page, is no reason to tell by itself what was told among many."""
    if article.number == 1 or not ledger.was_flood(connection, article.id):
        return ""
    return f"{article.source} brought it among many"


def _rings(article: Article, found: Sequence[Match]) -> bool:
    return not article.baseline and any(match.rings for match in found)
