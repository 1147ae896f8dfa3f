"""What Tocsin makes of it all, read out of its own notebooks: nothing it is said to do is scripted.

Lives here: looking at sources, verdicts and deliveries again and again, and a sentence for each change. Not
here: the world that causes them, how a sentence is drawn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row

from alerts import explanation, ledger, outbox
from alerts.alerting import Action, Reason
from alerts.explanation import Answer
from alerts.outbox import UNFINISHED, Record, State
from alerts.rulebook import Rulebook
from alerts.stories import Tie
from crawler import archive
from crawler.sources import SourceId
from scheduler.demo.story import WATCH, Report

_TIES = {
    Tie.SAME_ADDRESS.value: "has the address of one it has told",
    Tie.SAME_HEADLINE.value: "has the headline of one it has told",
}

_DELIVERED: Mapping[tuple[State, State], str] = {
    (State.UNCLEAR, State.SENT): "found its message in the channel, so it is sent; nothing is posted twice",
    (State.UNCLEAR, State.WAITING): "did not find its message in the channel and sends it again",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A report about which we want to know what became of it, and how many verdicts we know of."""

    report: Report
    address: str  # as announced
    verdicts: int = 0
    settled: bool = False


@dataclass(slots=True)
class Watching:
    """`tell` gets one sentence at a time, whose subject is Tocsin."""

    engine: Engine
    rulebook: Rulebook
    clock: Callable[[], datetime]
    tell: Callable[[str], None] = lambda _: None
    questions: list[Question] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    deliveries: dict[str, tuple[State, str | None]] = field(default_factory=dict)
    sources_read: bool = False

    def ask(self, report: Report, address: str) -> None:
        """What becomes of this report? Asked a second time: what becomes of its new wording?"""
        known = next((q for q in self.questions if (q.report, q.address) == (report, address)), None)
        if known is None:
            self.questions.append(Question(report, address))
        else:
            self._replace(known, Question(report, address, known.verdicts))

    @property
    def settled(self) -> bool:
        """Every question is answered, every delivery finished, every source well."""
        finished = all(state not in UNFINISHED for state, _ in self.deliveries.values())
        return finished and all(q.settled for q in self.questions) and not any(self.failures.values())

    def look(self) -> None:
        """Tells what has changed since the last look."""
        with self.engine.connect() as connection:
            self._look_at_sources(connection)
            for question in [q for q in self.questions if self.sources_read and not q.settled]:
                self._look_into(connection, question)
            for record in outbox.records(connection):
                self._look_at_delivery(record)

    # ---- sources

    def _look_at_sources(self, connection: Connection) -> None:
        rows = archive.source_rows(connection)
        if not self.sources_read and rows and all(row.baseline_at for row in rows):
            self.sources_read = True
            entries = archive.counts(connection)["entries"]
            self.tell(
                f"has read its {len(rows)} feeds for the first time: {entries} entries were there before"
            )
        for row in rows:
            before, self.failures[row.id] = self.failures.get(row.id, 0), row.failures
            if row.failures > before:
                wait = round((row.next_due_at - self.clock()).total_seconds())
                again = f"in {wait} s" if wait > 0 else "at once"
                self.tell(f"could not read {self._name(row.id)} ({_trouble(row)}); asks again {again}")
            elif before and not row.failures:
                self.tell(f"reads {self._name(row.id)} again")

    def _name(self, source: str) -> str:
        return self.rulebook.sources[SourceId(source)].name

    # ---- reports

    def _look_into(self, connection: Connection, question: Question) -> None:
        if question.report.links_to is not None:
            self._look_for_link(connection, question)
            return
        found = archive.find(connection, self.rulebook.sources, question.address)
        if not found:
            return
        rows = [row for row in ledger.matches_of(connection, found[0].id) if row.watch == WATCH]
        for row in rows[question.verdicts :]:
            self.tell(_verdict(connection, row, question.report, is_first=row is rows[0]))
        if len(rows) > question.verdicts:
            self._replace(question, Question(question.report, question.address, len(rows), settled=True))
        elif not rows:
            self._look_for_no_match(connection, question)

    def _look_for_no_match(self, connection: Connection, question: Question) -> None:
        why = explanation.why(connection, self.rulebook, question.address, WATCH)[0]
        if why.answer is not Answer.NO_MATCH or why.explanation is None:
            return
        self._replace(question, Question(question.report, question.address, settled=True))
        lacking = [(rule.rule, rule.failed) for rule in why.explanation.rules if rule.failed]
        rule, failed = min(lacking, key=lambda one: _simplicity(one[1]))
        self.tell(f"stays quiet: no rule holds; {rule}, for one, lacks {failed}")

    def _look_for_link(self, connection: Connection, question: Question) -> None:
        """An entry that leads to an article we have adds no article, so nothing of it is screened."""
        latest = archive.latest_entries(connection, SourceId(question.report.site.id), 10)
        if any(entry.url == question.address for entry in latest):
            self._replace(question, Question(question.report, question.address, settled=True))
            self.tell(
                "stays quiet: without its tracking parameters the link is one it knows; one page, one article"
            )

    def _replace(self, old: Question, new: Question) -> None:
        self.questions[self.questions.index(old)] = new

    # ---- deliveries

    def _look_at_delivery(self, record: Record) -> None:
        now = (record.state, record.reason)
        before = self.deliveries.get(record.id, (State.WAITING, None))
        self.deliveries[record.id] = now
        if before == now:
            return
        sentence = _DELIVERED.get((before[0], record.state)) or _set_back(record)
        if sentence:
            self.tell(sentence)


def _simplicity(failed: str) -> tuple[int, int]:
    """Of several parts that are lacking, the one with the fewest sets in it is the easiest to grasp."""
    return failed.count("@"), len(failed)


def _trouble(row: Row[Any]) -> str:
    return f"{row.outcome}: {row.detail}" if row.detail else str(row.outcome)


def _verdict(connection: Connection, row: Row[Any], report: Report, *, is_first: bool) -> str:
    words = ", ".join(dict.fromkeys(str(found["text"]) for found in row.evidence))
    if row.action == Action.TELL.value:
        return f"rings: rule {row.rule} holds ({words})"
    if row.action == Action.ADD.value:
        return f"adds it to the thread of its story: {row.detail or 'another source has it'}"
    if row.reason == Reason.BASELINE.value:
        return f"stays quiet about “{report.title}”: {row.detail}"
    if row.reason == Reason.ALREADY_TOLD.value and is_first:
        tie = ledger.tie_of(connection, row.article)
        return (
            f"stays quiet: the article {_TIES.get(tie.tie if tie else '', 'belongs to a story it has told')}"
        )
    if row.reason == Reason.ALREADY_TOLD.value:
        return "stays quiet: the wording changed, the story was told"
    return f"stays quiet: {row.reason}"


def _set_back(record: Record) -> str | None:
    if record.state is State.UNCLEAR:
        return "cannot know whether Slack has the message; looks in the channel before it sends again"
    if record.state is State.WAITING and record.reason:
        return "keeps the message until Slack will have it"
    if record.state is State.DEAD:
        return f"gives a message up: {record.reason}"
    return None
