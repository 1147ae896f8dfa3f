"""Matches with their verdicts.

Lives here: every match as it was decided. Not here: the verdict (`alerts.alerting`), what is told (`alerts`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, false, func, insert, or_, select, update

from alerts.alerting import Action, Reason, Verdict, silenced_by
from alerts.ledger.schema import matches
from alerts.matching import Match
from alerts.silences import Silence
from alerts.stories import StoryId
from crawler.articles import Article


def write_match(
    connection: Connection,
    article: Article,
    match: Match,
    story: StoryId | None,
    verdict: Verdict,
    now: datetime,
    *,
    silence: int | None = None,
    flood: int | None = None,
) -> None:
    """`silence`: that keeps it quiet; `flood`: that it is held with."""
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
            silence=silence,
            flood=flood,
            at=now,
        )
    )


def hold_match(
    connection: Connection,
    article: int,
    watch: str,
    silence: Silence,
    since: datetime,
    *,
    anew: bool,
    seen: bool,
) -> None:
    """What was decided of an article since then is held by this silence after all; nobody has heard of it.

    `anew`: neither of its being told, or held, before. What is led by it, or seen elsewhere, stays told.
    """
    mine = (matches.c.article == article, matches.c.watch == watch, matches.c.silence.is_(None))
    before = matches.c.action.in_((Action.TELL.value, Action.HOLD.value)) if anew else false()
    quiet = (Reason.SHADOW.value, Reason.BASELINE.value, Reason.TOO_OLD.value)
    live = matches.c.reason.not_in(quiet)
    which = (*mine, live, or_(matches.c.at >= since, before))
    verdict = silenced_by(silence)
    held = {"action": verdict.action.value, "reason": verdict.reason.value, "detail": verdict.detail}
    told = matches.c.action == Action.TELL.value
    if not seen:
        connection.execute(update(matches).where(*which, ~told).values(silence=silence.id, **held))
    connection.execute(update(matches).where(*which).values(silence=silence.id))


def withdraw_match(connection: Connection, match: int) -> None:
    """Takes back a match that is decided anew."""
    connection.execute(delete(matches).where(matches.c.id == match))


def matches_of(connection: Connection, article: int) -> Sequence[Row[Any]]:
    """Every match of an article with its verdict, oldest first."""
    return connection.execute(
        select(matches).where(matches.c.article == article).order_by(matches.c.id)
    ).all()


def ringing_of(connection: Connection, source: str, since: datetime) -> set[int]:
    """The articles of a source for which some rule that may ring held since then."""
    which = (matches.c.source == source, matches.c.at >= since, matches.c.level == "alert")
    live = matches.c.reason.not_in((Reason.SHADOW.value, Reason.BASELINE.value))
    return set(connection.scalars(select(matches.c.article).distinct().where(*which, live)))


def was_flood(connection: Connection, article: int) -> bool:
    """Was an earlier wording of this article held because its source brought too much at once?"""
    which = (matches.c.article == article, matches.c.flood.isnot(None))
    return connection.scalar(select(matches.c.id).where(*which).limit(1)) is not None


def words_told(
    connection: Connection, watch: str, rule: str, after: datetime, until: datetime
) -> list[frozenset[str]]:
    """Of each story that this rule told in this time, the words that matched."""
    which = (matches.c.watch == watch, matches.c.rule == rule, matches.c.action == Action.TELL.value)
    rows = connection.execute(
        select(matches.c.evidence).where(*which, matches.c.at > after, matches.c.at <= until)
    )
    return [frozenset(one["text"] for one in row.evidence) for row in rows]


def verdict_counts(connection: Connection, since: datetime) -> dict[str, int]:
    """How many matches were told, held, kept quiet, by reason."""
    rows = connection.execute(
        select(matches.c.reason, func.count()).where(matches.c.at >= since).group_by(matches.c.reason)
    )
    return {row[0]: row[1] for row in rows}


def action_counts(connection: Connection, since: datetime) -> dict[Action, int]:
    """Of how many stories something was told, added, held, kept quiet; each counts for each watch."""
    kinds = select(matches.c.action, matches.c.watch, matches.c.story).where(matches.c.at >= since).distinct()
    one = kinds.subquery()
    rows = connection.execute(select(one.c.action, func.count()).group_by(one.c.action))
    return {Action(row[0]): row[1] for row in rows}
