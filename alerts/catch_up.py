"""Door: what was screened before a rule came into force → alerts, on request.

Lives here: which articles are gone over again, and the transactions. What is told is decided by
`screen.judge`, as if the article had come just now; only its story is looked up as of the day it came, and
being there before its source was first read does not hold it back. Nothing is told twice: what a watch has
told it does not tell again, so a run that was cut short is simply repeated. Not here: new articles
(`screen`), a look without consequences at any length of the past (`backtest`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row

from alerts import ledger
from alerts.alerting import Action, Reason
from alerts.judging import Screened, judge, name_held
from alerts.matching import Match
from alerts.rulebook import Rulebook
from alerts.screen import turn
from alerts.silences import Silence
from crawler import archive
from crawler.articles import Article

LONGEST = timedelta(days=31)  # older news is none
BATCH = 100  # matched articles a transaction: the daemon waits no longer than for a batch of its own


@dataclass(frozen=True, slots=True)
class Late:
    """An article that is told after all."""

    article: Article
    match: Match


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What came of it. `screened.articles` are those for which a rule of these holds."""

    screened: Screened
    told: tuple[Late, ...]

    def __add__(self, other: object) -> "CaughtUp":
        if not isinstance(other, CaughtUp):
            return NotImplemented
        return CaughtUp(self.screened + other.screened, self.told + other.told)


def catch_up(
    engine: Engine, rulebook: Rulebook, since: datetime, now: datetime, *, dry_run: bool = False
) -> CaughtUp:
    """Goes over the articles seen since then, for the watches of this rulebook; the oldest first.

    Safe beside a running daemon. A dry run decides and takes it back.
    """
    waiting = _held(engine, rulebook, since)
    size = len(waiting) if dry_run else BATCH
    done = CaughtUp(Screened(), ())
    for start in range(0, len(waiting), size or 1):
        with _transaction(engine, kept=not dry_run) as connection:
            ledger.take_turns(connection)
            silences = ledger.list_silences(connection, now)
            for one in waiting[start : start + size]:
                done += _catch_up(connection, rulebook, one, silences, since, now)
    return done


@contextmanager
def _transaction(engine: Engine, *, kept: bool) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        if not kept:
            transaction.rollback()


# ---- which articles


@dataclass(frozen=True, slots=True)
class _Held:
    """A screened article for which rules hold today."""

    article: Article
    found: Sequence[Match]
    at: datetime  # when it was screened


def _held(engine: Engine, rulebook: Rulebook, since: datetime) -> list[_Held]:
    """By their last wording. One whose last wording waits for the daemon is left to the daemon."""
    held: dict[int, _Held] = {}
    for past in archive.revisions_since(engine, rulebook.sources, since):
        article = past.article
        if article.seen < since:
            continue
        held.pop(article.id, None)
        found = [match for match in rulebook.matcher.match(article) if not match.shadow]
        if found and past.screened_at and not past.gave_way:
            held[article.id] = _Held(article, found, past.screened_at)
    return sorted(held.values(), key=lambda one: (one.at, turn(one.article), one.article.revision))


# ---- what becomes of them


def _catch_up(
    connection: Connection,
    rulebook: Rulebook,
    held: _Held,
    silences: Sequence[Silence],
    since: datetime,
    now: datetime,
) -> CaughtUp:
    article = held.article
    rows = ledger.matches_of(connection, article.id)
    told = {row.watch for row in rows if row.action == Action.TELL.value}
    written = {(row.watch, row.rule): row for row in rows if row.revision == article.revision}
    if article.baseline and (article.published is None or article.published >= since):
        article = replace(article, baseline=False)
    open_ = [m for m in held.found if m.watch not in told and _is_open(article, m, written)]
    if not open_:
        return CaughtUp(Screened(), ())
    for match in open_:
        if row := written.get((match.watch, match.rule)):
            ledger.withdraw_match(connection, row.id)
    done = judge(connection, rulebook, article, open_, silences, now, came=held.at)
    done += name_held(connection, rulebook, now) if done.alerts else Screened()
    archive.look_again(connection, ledger.named_at(connection, now), now)
    late = ledger.matches_of(connection, article.id)
    tells = {(row.watch, row.rule) for row in late if _tells(row)}
    return CaughtUp(
        Screened(articles=1) + done,
        tuple(Late(article, match) for match in open_ if (match.watch, match.rule) in tells),
    )


def _tells(row: Row[Any]) -> bool:
    """At once, or in the brief at the end of quiet hours."""
    return Reason(row.reason) in {Reason.FIRST_OF_STORY, Reason.QUIET_HOURS}


def _is_open(article: Article, match: Match, written: Mapping[tuple[str, str], Row[Any]]) -> bool:
    """Whether there is a decision to make: it was made neither then nor by an earlier catching up."""
    row = written.get((match.watch, match.rule))
    if row is None:
        return True
    reason = Reason(row.reason)
    more_urgent_since = reason is Reason.DIGEST_LEVEL and match.level == "alert"
    out_of_the_shadow_since = reason is Reason.SHADOW
    held_by_baseline = reason is Reason.BASELINE and not article.baseline
    return more_urgent_since or out_of_the_shadow_since or held_by_baseline
