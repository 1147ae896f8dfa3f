"""Why was it told, or why not? Exactly one answer of a closed list, with the parse tree and the evidence.

Lives here: reading the answer out of the archive, the ledger and the outbox, and its one sentence. Not here:
the rest of the words of a terminal (`scheduler.commands`), the decisions that are explained (`matching`,
`alerting`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from alerts import ledger, outbox
from alerts.alerting import Action, Reason
from alerts.matching import Explanation
from alerts.notifications import DeliveryId, Kind
from alerts.outbox import Record, State
from alerts.rulebook import Rulebook
from alerts.stories import Tie
from crawler import archive
from crawler.articles import Article
from crawler.urls import host, site


class Answer(StrEnum):
    """The closed list."""

    TOLD = "told"
    WAITING = "waiting"  # decided, but the delivery has not arrived yet
    DEAD = "dead"  # decided, but nobody will hear of it until a person has looked
    HELD_FOR_DIGEST = "held_for_digest"
    IN_THREAD = "in_thread"  # its story was told, and its thread says what it adds
    HELD_BY_QUIET_HOURS = "held_by_quiet_hours"  # wherever it goes it was quiet: it is in the brief
    HELD_BY_FLOOD = "held_by_flood"  # its source brought too much at once: one message tells of all
    HELD_BY_BUDGET = "held_by_budget"  # its rule or its channel had had enough: it is in the digest
    DUPLICATE_OF = "duplicate_of"  # of an article that was told
    FOLDED_INTO_STORY = "folded_into_story"  # its story was told, and it is no copy of what was told
    SILENCED = "silenced"
    BASELINE = "baseline"
    TOO_OLD = "too_old"
    REMOVED = "removed"  # a rule held when its page was gone
    SHADOW = "shadow"  # only shadow rules held
    NO_MATCH = "no_match"
    NEWER_RULE = "newer_rule"  # a rule holds today that did not, or was not there, when it was screened
    NOT_SCREENED = "not_screened"  # seen, but its turn has not come yet
    NOT_FETCHED = "not_fetched"  # no source announced it


@dataclass(frozen=True, slots=True)
class Why:
    """What is known of one article and one watch."""

    answer: Answer
    sentence: str  # one line for a person
    article: Article | None = None
    explanation: Explanation | None = None  # by the rules of today
    decided: Row[Any] | None = None  # the match in the ledger, by the rules of then; None: there was none
    deliveries: tuple[Record, ...] = ()
    story: str | None = None
    page: str | None = None  # how it stands with the page behind the article
    tie: str | None = None  # what ties it to the story


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything an answer may depend on."""

    connection: Connection
    rulebook: Rulebook
    article: Article
    rows: Sequence[Row[Any]]  # of the ledger, for this article and watch, oldest first
    explanation: Explanation
    page: Row[Any, Any, Any] | None
    tie: Row[Any] | None
    screened_at: datetime | None  # None: its last wording is not screened yet


class _Said(NamedTuple):
    answer: Answer
    sentence: str
    deliveries: Sequence[Record] = ()


def why(connection: Connection, rulebook: Rulebook, what: str, watch: str) -> list[Why]:
    """One answer for each article known by this address or id; NOT_FETCHED if there is none."""
    found = archive.find(connection, rulebook.sources, what)
    if not found:
        return [Why(Answer.NOT_FETCHED, _not_fetched(rulebook, what))]
    return [_why(connection, rulebook, article, watch) for article in found]


def _why(connection: Connection, rulebook: Rulebook, article: Article, watch: str) -> Why:
    case = _Case(
        connection=connection,
        rulebook=rulebook,
        article=article,
        rows=[row for row in ledger.matches_of(connection, article.id) if row.watch == watch],
        explanation=rulebook.matcher.explain(article, watch),
        page=archive.page_of(connection, article.id),
        tie=ledger.tie_of(connection, article.id),
        screened_at=archive.screened_at(connection, article.id),
    )
    decided = _decisive(case.rows)
    if decided is None or (case.explanation.match and decided.reason == Reason.SHADOW.value):
        said = _undecided(case)
    else:
        said = OF_REASON[Reason(decided.reason)](case, decided)
    elsewhere = [] if said.answer in _HELD else [sentence for sentence, _ in _held_in(case)]
    remarks = _of_removal(connection, article)
    remarks += [] if said.answer in _ARRIVED else _remarks(case, said.answer)
    return Why(
        answer=said.answer,
        sentence=" ".join([said.sentence, *elsewhere, *remarks]),
        article=article,
        explanation=case.explanation,
        decided=decided,
        deliveries=tuple(said.deliveries),
        story=case.tie.story if case.tie else None,
        page=_page(case.page),
        tie=case.tie.tie if case.tie else None,
    )


_ARRIVED = frozenset({Answer.TOLD, Answer.WAITING, Answer.DEAD})
_HELD = frozenset({Answer.HELD_BY_QUIET_HOURS, Answer.HELD_FOR_DIGEST})


def _decisive(rows: Sequence[Row[Any]]) -> Row[Any] | None:
    """What was told counts first, then what a thread has of it, then the last verdict.

    A shadow's counts only where no other is.
    """
    told = [row for row in rows if row.action == Action.TELL.value]
    added = [row for row in rows if row.action == Action.ADD.value]
    live = [row for row in rows if row.reason != Reason.SHADOW.value]
    return next((some[-1] for some in (told, added, live, rows) if some), None)


# ---- without a match in the ledger


def _not_fetched(rulebook: Rulebook, what: str) -> str:
    where = site(what) if host(what) else ""
    near = [s for s in rulebook.sources.values() if where and site(s.url) == where]
    known = "; ".join(
        f"{s.id}, {'which is read' if s.enabled else 'which is switched off'}" for s in near[:3]
    )
    of_site = f" Sources of that site: {known}." if known else ""
    return f"No source announced {what}.{of_site} `tocsin sources list` says how the sources are."


def _undecided(case: _Case) -> _Said:
    if case.screened_at is None:
        return _Said(Answer.NOT_SCREENED, "It was seen, and its turn to be screened has not come yet.")
    match = case.explanation.match
    if match is None:
        return _Said(Answer.NO_MATCH, _failing(case.explanation))
    return _Said(
        Answer.NEWER_RULE,
        f"No rule held when it was screened on {_shown(case.screened_at)}. Rules have changed since: "
        f"{match.rule} (level {match.level}) holds today. "
        f"`tocsin watch {case.explanation.watch} --catch-up 24h` would look at the past day again.",
    )


def _failing(explanation: Explanation) -> str:
    """Which part each rule lacked, the nearest rule first; of many rules the first few."""
    lacking = explanation.lacking
    more = f" and {len(lacking) - 3} more rules" if len(lacking) > 3 else ""
    parts = "; ".join(lacking[:3]) + more
    return f"No rule holds: {parts}." if parts else "No rule that may tell holds."


# ---- by the reason of the verdict


def _told(case: _Case, row: Row[Any]) -> _Said:
    records = outbox.records(case.connection, story=row.story)
    deliveries = [record for record in records if (record.watch, record.kind) == (row.watch, Kind.ROOT)]
    dead = [record for record in deliveries if record.state is State.DEAD]
    sent = [record for record in deliveries if record.state is State.SENT]
    version = f" (version {row.version})" if row.version else ""
    fired = f"Rule {row.rule}{version} fired on {_shown(row.at)}"
    if not deliveries:
        said = f"{fired}, but none of its channels takes such an article: nobody was told."
        return _Said(Answer.DEAD, said)
    if dead:
        given_up = "; ".join(f"{record.channel}: {record.reason}" for record in dead)
        return _Said(
            Answer.DEAD, f"{fired}, and was given up ({given_up}); see `tocsin dead list`.", deliveries
        )
    if len(sent) == len(deliveries):
        channels = ", ".join(record.channel for record in sent)
        return _Said(Answer.TOLD, f"{fired}, and told {channels}.{_since_then(case, row)}", deliveries)
    left = [record for record in deliveries if record not in sent]
    tries = "; ".join(f"{r.channel}: {r.reason or r.state}" for r in left)
    return _Said(Answer.WAITING, f"{fired} and is on its way ({tries}); see `tocsin status`.", deliveries)


def _since_then(case: _Case, row: Row[Any]) -> str:
    """What became of the rule that told."""
    today = next((rule for rule in case.explanation.rules if rule.rule == row.rule), None)
    if today is None:
        return " There is no such rule any more."
    if not today.holds:
        return f" As rule and article stand today it does not hold: it lacks {today.failed}."
    return " It runs in the shadow today." if today.shadow else ""


def _already_told(case: _Case, row: Row[Any]) -> _Said:
    alert = ledger.alert_of(case.connection, row.story, row.watch)
    first = (
        f"article {alert.article}, “{alert.title}” of {alert.source}, told on {_shown(alert.at)}"
        if alert
        else f"story {row.story}, which was told"
    )
    if ledger.is_counted(case.connection, case.article.id, row.watch):
        shared = _SHARED.get(Tie(case.tie.tie)) if case.tie else None
        said = f"{shared} {first}" if shared else f"It repeats what is in the thread of {first}"
        return _Said(Answer.DUPLICATE_OF, f"{said}.")
    return _Said(Answer.FOLDED_INTO_STORY, f"Its story was told before its turn came: {first}.")


_SHARED = {
    Tie.SAME_ADDRESS: "Its address is that of",
    Tie.SAME_HEADLINE: "Its headline is that of",
    Tie.SAME_PASSAGE: "It shares a passage with",
}


def _held_by_level(case: _Case, row: Row[Any]) -> _Said:
    return _held(case, row, Answer.HELD_FOR_DIGEST, f"Rule {row.rule} is of level {row.level}")


def _over_budget(case: _Case, row: Row[Any]) -> _Said:
    return _held(case, row, Answer.HELD_BY_BUDGET, f"Rule {row.rule} held, and {row.detail}")


def _flooded(case: _Case, row: Row[Any]) -> _Said:
    held = f"Rule {row.rule} held, and {row.detail}"
    if row.action == Action.ADD.value:
        return _Said(Answer.HELD_BY_FLOOD, f"{held}: the thread of its story counts it.")
    if row.flood and not ledger.digests_of(case.connection, row.story, row.watch):
        said = f"{held}: it is told with the others in one message, within ten minutes."
        return _Said(Answer.HELD_BY_FLOOD, said)
    return _held(case, row, Answer.HELD_BY_FLOOD, held)


def _held(case: _Case, row: Row[Any], answer: Answer, held: str) -> _Said:
    digests = ledger.digests_of(case.connection, row.story, row.watch)
    records = [r for one in digests if (r := outbox.record_of(case.connection, DeliveryId(one)))]
    alert = ledger.alert_of(case.connection, row.story, row.watch)
    if records:
        which = ", ".join(f"{r.channel} of {_shown(r.created_at)} ({r.state})" for r in records)
        return _Said(answer, f"{held}: its story is in the digest for {which}.", records)
    if alert:
        told = f"its story was told meanwhile, on {_shown(alert.at)}"
        where = "its thread names it, or the digest of a channel that has no thread of it"
        return _Said(answer, f"{held}: {told}, and {where}.")
    return _Said(answer, f"{held}: it is held for the digest; `tocsin check` says when that is.")


def _quiet(answer: Answer, opening: str) -> Callable[[_Case, Row[Any]], _Said]:
    def said(case: _Case, row: Row[Any]) -> _Said:
        return _Said(answer, f"Rule {row.rule} held. {opening}{row.detail}.")

    return said


def _silenced(case: _Case, row: Row[Any]) -> _Said:
    silence = ledger.silence_of(case.connection, row.silence) if row.silence else None
    told_at = silence.told_at if silence else None
    end = f" That has ended, and said what it held on {_shown(told_at)}." if told_at else ""
    return _Said(Answer.SILENCED, f"Rule {row.rule} held. It is kept quiet by {row.detail}.{end}")


def _held_in(case: _Case) -> list[tuple[str, Record | None]]:
    """Where the article waits for the brief or the digest, or which of them has it."""
    said: list[tuple[str, Record | None]] = []
    for row in ledger.where_held(case.connection, case.article.id, case.explanation.watch):
        message = "brief" if row.until else "digest"
        record = outbox.record_of(case.connection, DeliveryId(row.delivery)) if row.delivery else None
        if record:
            of = f"of {_shown(record.created_at)} ({record.state})"
            said.append((f"In {row.channel} it is in the {message} {of}.", record))
        else:
            due = f", quiet until {_shown(row.until)}" if row.until else ""
            said.append((f"In {row.channel} it waits for the {message}{due}.", None))
    return said


def _by_quiet_hours(case: _Case, row: Row[Any]) -> _Said:
    return _as_held(case, Answer.HELD_BY_QUIET_HOURS, f"Rule {row.rule} held on {_shown(row.at)}.")


def _as_held(case: _Case, answer: Answer, opening: str) -> _Said:
    held = _held_in(case)
    sentences = [sentence for sentence, _ in held]
    return _Said(answer, " ".join([opening, *sentences]), [record for _, record in held if record])


def _in_thread(case: _Case, row: Row[Any]) -> _Said:
    records = outbox.records(case.connection, story=row.story)
    begun = any((record.watch, record.kind) == (row.watch, Kind.ROOT) for record in records)
    if not begun and _held_in(case):
        said = f"Rule {row.rule} held on {_shown(row.at)}; its story was told in a brief or a digest."
        return _as_held(case, Answer.HELD_FOR_DIGEST, said)
    alert = ledger.alert_of(case.connection, row.story, row.watch)
    of = f" of “{alert.title}” of {alert.source}, told on {_shown(alert.at)}" if alert else ""
    adds = f" ({row.detail})" if row.detail else ""
    promoted = ", promoted for what it adds" if row.reason == Reason.PROMOTED.value else ""
    return _Said(
        Answer.IN_THREAD,
        f"Rule {row.rule} held on {_shown(row.at)}. It joined the thread{of}{promoted}{adds}.",
    )


def _removed(case: _Case, row: Row[Any]) -> _Said:
    if row.action == Action.ADD.value:
        return _in_thread(case, row)
    return _Said(Answer.REMOVED, f"Rule {row.rule} held on {_shown(row.at)}, when {row.detail}.")


OF_REASON: Mapping[Reason, Callable[[_Case, Row[Any]], _Said]] = {
    Reason.FIRST_OF_STORY: _told,
    Reason.QUIET_HOURS: _by_quiet_hours,
    Reason.FOLLOW_UP: _in_thread,
    Reason.PROMOTED: _in_thread,
    Reason.RETITLED: _in_thread,
    Reason.REMOVED: _removed,
    Reason.NEW_IN_CHANNEL: _told,
    Reason.ALREADY_TOLD: _already_told,
    Reason.DIGEST_LEVEL: _held_by_level,
    Reason.FLOOD: _flooded,
    Reason.BUDGET: _over_budget,
    Reason.SILENCED: _silenced,
    Reason.BASELINE: _quiet(Answer.BASELINE, "It is not told: "),
    Reason.TOO_OLD: _quiet(Answer.TOO_OLD, "It is not told, being old news: "),
    Reason.SHADOW: _quiet(Answer.SHADOW, "Nobody is told: "),
}


# ---- what else a person should know


def _remarks(case: _Case, answer: Answer) -> list[str]:
    later = "A later wording of it waits to be screened."
    remarks = [later] if case.screened_at is None and answer is not Answer.NOT_SCREENED else []
    return [*remarks, *_of_page(case.page), *_of_source(case)]


def _of_page(page: Row[Any, Any, Any] | None) -> list[str]:
    """Whether the page behind it has been read, or headline and summary are all there is."""
    if page is None or page.page == "read":
        return []
    how = {
        "wanted": "is yet to be read",
        "failed": "could not be read",
        "unasked": "was not asked for",
    }[page.page]
    outcome = f" (last outcome: {page.page_outcome})" if page.page_outcome else ""
    return [f"Its page {how}{outcome}: only headline and summary are known."]


def _of_removal(connection: Connection, article: Article) -> list[str]:
    """Whether a reader of its link still finds it."""
    removal = archive.removal_of(connection, article.id)
    if removal is None or removal.over:
        return []
    return [f"Its page is gone ({removal.status}) since {_shown(removal.since)}."]


def _of_source(case: _Case) -> list[str]:
    name = case.article.source
    source = case.rulebook.sources.get(name)
    if source is None:
        return [f"Its source {name} is not in sources.yaml any more."]
    return [] if source.enabled else [f"Its source {name} is switched off."]


def _page(page: Row[Any, Any, Any] | None) -> str | None:
    if page is None:
        return None
    tried = f", {page.page_attempts} tries, the last: {page.page_outcome}" if page.page_attempts else ""
    return f"{page.page}{tried}"


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
