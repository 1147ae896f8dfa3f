"""Why was it told, or why not? Exactly one answer of a closed list, with the parse tree and the evidence.

Lives here: reading the answer out of the archive, the ledger and the outbox. Not here: the words of a
terminal (`scheduler.commands.asking`), the decisions that are explained (`matching`, `alerting`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row

from alerts import ledger, outbox
from alerts.alerting import Action, Reason
from alerts.matching import Explanation
from alerts.outbox import Record, State
from alerts.screen import Rulebook
from crawler import archive
from crawler.articles import Article


class Answer(StrEnum):
    """The closed list."""

    TOLD = "told"
    WAITING = "waiting"  # decided, but the delivery has not arrived yet
    DEAD = "dead"  # decided, but the channel refused the message; a person must look
    HELD_FOR_DIGEST = "held_for_digest"
    ALREADY_TOLD = "already_told"  # of the same story
    SILENCED = "silenced"
    BASELINE = "baseline"
    TOO_OLD = "too_old"
    SHADOW = "shadow"
    NO_MATCH = "no_match"
    NOT_SCREENED = "not_screened"  # seen, but its turn has not come yet
    NOT_FETCHED = "not_fetched"  # no source announced it


_OF_REASON = {
    Reason.DIGEST_LEVEL: Answer.HELD_FOR_DIGEST,
    Reason.ALREADY_TOLD: Answer.ALREADY_TOLD,
    Reason.SILENCED: Answer.SILENCED,
    Reason.BASELINE: Answer.BASELINE,
    Reason.TOO_OLD: Answer.TOO_OLD,
    Reason.SHADOW: Answer.SHADOW,
}


@dataclass(frozen=True, slots=True)
class Why:
    """What is known of one article and one watch."""

    answer: Answer
    sentence: str  # one line for a person
    article: Article | None = None
    explanation: Explanation | None = None
    deliveries: tuple[Record, ...] = ()
    story: str | None = None
    page: str | None = None  # how it stands with the page behind the article
    tie: str | None = None  # what ties it to the story


def why(connection: Connection, rulebook: Rulebook, what: str, watch: str) -> list[Why]:
    """One answer for each article known by this address or id; NOT_FETCHED if there is none."""
    found = archive.find(connection, rulebook.sources, what)
    if not found:
        return [
            Why(
                Answer.NOT_FETCHED,
                f"No source announced {what}. `tocsin sources list` says how the sources are.",
            )
        ]
    return [_why(connection, rulebook, article, watch) for article in found]


def _why(connection: Connection, rulebook: Rulebook, article: Article, watch: str) -> Why:
    explanation = rulebook.matcher.explain(article, watch)
    page = archive.page_of(connection, article.id)
    rows = [row for row in ledger.matches_of(connection, article.id) if row.watch == watch]
    tie = ledger.tie_of(connection, article.id)
    answer, sentence, deliveries = _answer(connection, article, rows, explanation, page)
    return Why(
        answer=answer,
        sentence=sentence,
        article=article,
        explanation=explanation,
        deliveries=tuple(deliveries),
        story=tie.story if tie else None,
        page=_page(page),
        tie=tie.tie if tie else None,
    )


def _answer(
    connection: Connection,
    article: Article,
    rows: Sequence[Row[Any]],
    explanation: Explanation,
    page: Row[Any, Any, Any] | None,
) -> tuple[Answer, str, list[Record]]:
    told = next((row for row in rows if row.action == Action.TELL.value), None)
    if told is not None:
        return _told(connection, told)
    if not rows:
        if not archive.is_screened(connection, article.id):
            return Answer.NOT_SCREENED, "It was seen, and its turn to be screened has not come yet.", []
        return Answer.NO_MATCH, _failing(explanation), []
    row = rows[-1]
    answer = _OF_REASON[Reason(row.reason)]
    if answer is Answer.ALREADY_TOLD:
        alert = ledger.alert_of(connection, row.story, row.watch)
        first = f"“{alert.title}” of {alert.source}, {_shown(alert.at)}" if alert else row.story
        return answer, f"Its story was told already: {first}.", []
    return answer, row.detail or f"Rule {row.rule} is of level {row.level}.", []


def _told(connection: Connection, row: Row[Any]) -> tuple[Answer, str, list[Record]]:
    deliveries = [r for r in outbox.records(connection, story=row.story) if r.watch == row.watch]
    states = {r.state for r in deliveries}
    if State.DEAD in states:
        return Answer.DEAD, "The channel refused the message; see `tocsin dead`.", deliveries
    if states == {State.SENT}:
        return Answer.TOLD, f"Rule {row.rule} fired on {_shown(row.at)}.", deliveries
    return Answer.WAITING, "The alert is decided and on its way; see `tocsin status`.", deliveries


def _failing(explanation: Explanation) -> str:
    """Which part each rule lacked; of many rules the first few."""
    lacking = [f"{rule.rule} lacks {rule.failed}" for rule in explanation.rules if rule.failed]
    more = f" and {len(lacking) - 3} more rules" if len(lacking) > 3 else ""
    return "No rule holds: " + "; ".join(lacking[:3]) + more + "."


def _page(page: Row[Any, Any, Any] | None) -> str | None:
    if page is None:
        return None
    tried = f", {page.page_attempts} tries, the last: {page.page_outcome}" if page.page_attempts else ""
    return f"{page.page}{tried}"


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
