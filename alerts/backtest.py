"""Door: the archive's past → what rules would have told, before they go live.

Lives here: the replay. It goes over the revisions in the order in which the alerts met them, each at the
moment of its screening, and leaves every decision to the code that screens; its notebooks are a database in
memory that ends with it. Nothing is written down elsewhere, and nothing is sent. Not here: what is counted
(`forecast`), what becomes of new articles (`screen`).

What the archive cannot give back: pages that were never read because the rules of that time did not want
them, and that the language of an article was not known before its page was read.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from alerts import ledger, outbox
from alerts.alerting import UNLIMITED, Action, Reason
from alerts.forecast import (
    Comparison,
    Forecast,
    Judged,
    OneSided,
    Period,
    Replay,
    Sent,
    forecast,
    told_only_by,
)
from alerts.judging import judge
from alerts.matching import Match
from alerts.notifications import Kind
from alerts.rulebook import Rulebook
from alerts.screen import turn
from alerts.silences import Silence
from crawler import archive
from crawler.archive import Past
from crawler.articles import Article

# Gone over before the period and not counted, so that the stories of its first days have their beginning: a
# headline ties for two days, and an article older than seven is told to nobody (alerting.TOO_OLD_AFTER).
RUN_IN = timedelta(days=7)

EXPLAINED = 50  # stories of each kind: to explain ten rules costs more than to replay an article
MOST_RULES = 3  # of which a person is told why they did not tell an article


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of it."""

    period: Period
    watch: str | None  # None: all of them
    forecast: Forecast
    against: Comparison | None  # None: there was no second version

    def to_json(self) -> dict[str, Any]:
        """The document of `tocsin backtest --json`."""
        against = self.against and self.against.to_json()
        return {**self.period.to_json(), "watch": self.watch, **self.forecast.to_json(), "against": against}


@dataclass(frozen=True, slots=True)
class Met:
    """A revision for which rules held."""

    article: Article
    found: Sequence[Match]
    at: datetime


def backtest(
    engine: Engine,
    rulebook: Rulebook,
    since: datetime,
    now: datetime,
    *,
    running: Rulebook | None = None,
    watch: str | None = None,
    budget: int | None = None,
) -> Backtest:
    """Replays the archive since then under these rules, and under the running ones if they are given.

    `watch` limits what is counted, not what is replayed: watches share their stories.
    """
    books = [rulebook, running] if running else [rulebook]
    period, replays = replay(engine, books, since, now)
    forecasts = [
        _forecast(book, one.only(watch, since), period, watch, budget)
        for book, one in zip(books, replays, strict=True)
    ]
    if running is None:
        return Backtest(period, watch, forecasts[0], None)
    new, lost = (
        Replay(told_only_by(replays[a], replays[b]), ()).only(watch, since).judged
        for a, b in ((0, 1), (1, 0))
    )
    comparison = Comparison(
        running=forecasts[1],
        new=_one_sided(new, replays[1], running),
        lost=_one_sided(lost, replays[0], rulebook),
        both=sum(forecasts[0].total.alerts.values()) - len(new),
    )
    return Backtest(period, watch, forecasts[0], comparison)


def replay(
    engine: Engine, books: Sequence[Rulebook], since: datetime, now: datetime
) -> tuple[Period, list[Replay]]:
    """What each of these rulebooks makes of the past; the run-in before `since` is in it, but not counted."""
    period, met = _go_over(engine, books, since, now)
    with engine.connect() as connection:
        silences = ledger.list_silences(connection, now, ended=True)
    return period, [rehearse(book, one, silences) for book, one in zip(books, met, strict=True)]


# ---- the past


def _go_over(
    engine: Engine, books: Sequence[Rulebook], since: datetime, now: datetime
) -> tuple[Period, list[list[Met]]]:
    """Reads the archive once. What matches is kept, of all else only how much there was."""
    met: list[list[Met]] = [[] for _ in books]
    articles: set[int] = set()
    revisions, first = 0, now
    for past in _seen_by_the_alerts(engine, books[0], since - RUN_IN):
        at = past.screened_at or now
        if at >= since:
            articles.add(past.article.id)
            revisions, first = revisions + 1, min(first, at)
        for book, kept in zip(books, met, strict=True):
            if found := book.matcher.match(past.article):
                kept.append(Met(past.article, found, at))
    period = Period(max(since, first), now, len(articles), revisions)
    return period, [sorted(kept, key=_order) for kept in met]


def _seen_by_the_alerts(engine: Engine, book: Rulebook, since: datetime) -> Iterator[Past]:
    return (past for past in archive.revisions_since(engine, book.sources, since) if not past.gave_way)


def _order(met: Met) -> tuple[datetime, float, int]:
    """The order of screening: batch by batch, and each as `screen` sorts it."""
    return met.at, turn(met.article), met.article.revision


# ---- going over it again


def rehearse(book: Rulebook, met: Iterable[Met], silences: Sequence[Silence] = ()) -> Replay:
    """What becomes of these, the oldest first. Without limits: how far rules would go beyond them is the
    question. As if it were never quiet: a brief would tell it all the same.
    """
    book = replace(book, limits=UNLIMITED, channels={})
    scratch = create_engine("sqlite://", poolclass=StaticPool)
    try:
        for tables in (ledger.tables, outbox.tables):
            tables.create_all(scratch)
        # whoever reads the log of a daemon must not take for told what somebody only tries out
        with structlog.contextvars.bound_contextvars(rehearsal=True), scratch.begin() as connection:
            judged = tuple(one for revision in met for one in _judge(connection, book, revision, silences))
            sent = tuple(_sent(connection))
    finally:
        scratch.dispose()
    return Replay(judged, sent)


def _judge(connection: Connection, book: Rulebook, met: Met, silences: Sequence[Silence]) -> Iterator[Judged]:
    outbox.assume_sent(connection, met.at)
    judge(connection, book, met.article, met.found, silences, met.at)
    for row in ledger.matches_of(connection, met.article.id):
        if row.revision == met.article.revision:
            yield Judged(
                article=met.article,
                at=met.at,
                watch=row.watch,
                rule=row.rule,
                level=row.level,
                story=row.story or "",
                action=Action(row.action),
                reason=Reason(row.reason),
                detail=row.detail,
                words=frozenset((one["part"], one["text"].casefold()) for one in row.evidence),
            )


def _sent(connection: Connection) -> Iterator[Sent]:
    """What would have stood in the channels; what stayed in a thread did not."""
    for record in outbox.records(connection, limit=-1):
        if record.kind is Kind.ROOT or record.broadcast:
            yield Sent(record.channel, record.watch or "", record.created_at)


# ---- what it amounts to


def _forecast(
    book: Rulebook, replay: Replay, period: Period, watch: str | None, budget: int | None
) -> Forecast:
    wanted = [one for one in book.watches.values() if watch in {None, one.id}]
    rules = [(one.id, rule) for one in wanted for rule in one.in_order()]
    return forecast(replay, rules, partial(_told, book), period.days, budget)


def _told(book: Rulebook, one: Judged) -> tuple[str, ...]:
    return book.watches[one.watch].told(one.rule, one.level, one.article)


def _one_sided(told: Sequence[Judged], other: Replay, book: Rulebook) -> tuple[OneSided, ...]:
    """Why the other version does not tell these; of very many only the first are looked into."""
    fates: dict[tuple[str, int], list[Judged]] = defaultdict(list)
    for one in other.judged:
        fates[one.watch, one.article.revision].append(one)
    return tuple(
        OneSided(one, _because(one, fates[one.watch, one.article.revision], book) if n < EXPLAINED else None)
        for n, one in enumerate(told)
    )


def _because(told: Judged, fates: Sequence[Judged], book: Rulebook) -> str:
    """What became of the article's matches, and what the other rules lack, the nearest first."""
    if told.watch not in book.watches:
        return f"there is no watch {told.watch}"
    held = [
        f"{one.rule} holds: {one.reason.value}" + (f" ({one.detail})" if one.detail else "") for one in fates
    ]
    lacking = book.matcher.explain(told.article, told.watch).lacking
    return "; ".join([*held, *lacking][:MOST_RULES])
