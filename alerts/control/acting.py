"""Door: a request that changes something → ledger, outbox and the deed on record, in one transaction.

Lives here: what each change does, and how it is taken back. A request is known by its envelope: delivered
again, even to another process, it finds its deed and gets the same answer. Not here: who may
(`permission`), the tables (`ledger`), stories taken apart (`regrouping`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from alerts import ledger, outbox, regrouping
from alerts.buttons import Button
from alerts.control.permission import Refusal
from alerts.control.requests import (
    Answer,
    Change,
    Desk,
    EndSilence,
    Hush,
    Judge,
    Mute,
    Pressable,
    Request,
    Snooze,
    Split,
    Undo,
)
from alerts.hushing import hold_back
from alerts.marks import Judgement, Mark, ruled
from alerts.notifications import Alarm, DeliveryId
from alerts.outbox import Record
from alerts.silences import Aim, Condition, Silence, misnamed
from alerts.stories import StoryId
from crawler import archive
from crawler.articles import Article

log = structlog.get_logger(__name__)

MUTED_FOR = timedelta(days=7)
SNOOZED_FOR = timedelta(hours=24)

COMMENT = "from Slack"

GONE = "Tocsin does not know this message any more."


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of a change."""

    said: str
    what: str
    value: str
    outcome: str = "done"  # or already, unknown, impossible
    delivery: str | None = None
    note: str | None = None
    undo: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    """One change in its transaction."""

    connection: Connection
    desk: Desk
    author: str
    now: datetime


def act(desk: Desk, request: Request, change: Change, now: datetime) -> Answer:
    """Does it once, however often it is asked."""
    with desk.engine.begin() as connection:
        ledger.take_turns(connection)
        known = ledger.deed_of(connection, request.envelope)
        if known is not None:
            return _answer(connection, known)
        done = _DOES[type(change)](_Work(connection, desk, request.actor.name, now), change)
        deed = _written(connection, request, done, now)
        _show(connection, done.delivery, now)
        answer = _answer(connection, deed)
    log.info("turned", what=done.what, value=done.value, actor=request.actor.id, outcome=done.outcome)
    return answer


def refuse(desk: Desk, request: Request, what: str, refusal: Refusal, now: datetime) -> Answer:
    """Nothing is done; that somebody tried is on record."""
    with desk.engine.begin() as connection:
        known = ledger.deed_of(connection, request.envelope)
        if known is not None:
            return _answer(connection, known)
        done = _Done(refusal.sentence, what, "", outcome=refusal.value)
        answer = _answer(connection, _written(connection, request, done, now))
    log.info("refused", what=what, actor=request.actor.id, outcome=refusal.value)
    return answer


def _written(connection: Connection, request: Request, done: _Done, now: datetime) -> ledger.Deed:
    return ledger.note_deed(
        connection,
        request.envelope,
        now,
        actor=request.actor.id,
        actor_name=request.actor.name,
        place=request.place,
        what=done.what,
        value=done.value,
        outcome=done.outcome,
        said=done.said,
        delivery=done.delivery,
        note=done.note,
        undo=done.undo,
    )


def _answer(connection: Connection, deed: ledger.Deed) -> Answer:
    """The same for the first time and for every other.

    What was so already can be undone too: Slack forgets the answer that first had the button.
    """
    undoes: ledger.Deed | None = deed
    if deed.outcome == "already":
        undoes = ledger.standing_deed(connection, deed.what, deed.value)
    stands = undoes is not None and undoes.undo is not None and undoes.undone_at is None
    return Answer(deed.said, buttons=(Pressable(Button.UNDO, str(undoes.id)),) if undoes and stands else ())


# --- what each change does


def _judge(work: _Work, change: Judge) -> _Done:
    what = change.judgement.value
    told = _told(work, change.delivery)
    watch = told.watch if told and told.watch in work.desk.rulebook.watches else None
    article = _article(work, _shown(work, told) if told else None)
    if told is None or watch is None or article is None:
        return _Done(GONE, what, change.delivery, outcome="unknown")
    before = _mark(work.connection, watch, article.id)
    word = what.replace("_", " ")
    if before is not None and before.judgement is change.judgement:
        return _Done(f"Marked {word} by {before.author} already.", what, str(article.id), outcome="already")
    ruling = ruled(article, work.desk.rulebook.matcher, watch)
    ledger.keep_mark(
        work.connection, watch, article, change.judgement, ruling, work.author, COMMENT, work.now
    )
    note = f"Marked {word} by {work.author}"
    undo = {"mark": article.id, "watch": watch, "before": _remembered(before)}
    return _Done(f"{note}.", what, str(article.id), delivery=told.id, note=note, undo=undo)


def _mark(connection: Connection, watch: str, article: int) -> Mark | None:
    return next((one for one in ledger.list_marks(connection, watch) if one.article == article), None)


def _remembered(mark: Mark | None) -> dict[str, str] | None:
    if mark is None:
        return None
    at = mark.at.isoformat()
    return {"judgement": mark.judgement, "author": mark.author, "comment": mark.comment, "at": at}


def _mute(work: _Work, change: Mute) -> _Done:
    told = _told(work, change.delivery)
    if told is None or told.story is None:
        return _Done(GONE, "silence", change.delivery, outcome="unknown")
    story = regrouping.standing_story(work.connection, told.story)
    return _silence(work, Hush((Condition(Aim.STORY, story),), MUTED_FOR), "Muted", told.id)


def _snooze(work: _Work, change: Snooze) -> _Done:
    told = _told(work, change.delivery)
    if told is None or not isinstance(told.body, Alarm):
        return _Done(GONE, "silence", change.delivery, outcome="unknown")
    rule = f"{told.body.watch}/{told.body.rule}"
    return _silence(work, Hush((Condition(Aim.RULE, rule),), SNOOZED_FOR), f"Rule {rule} snoozed", told.id)


def _hush(work: _Work, change: Hush) -> _Done:
    book = work.desk.rulebook
    if unknown := misnamed(change.conditions, book.watches.values(), book.sources):
        return _Done(f"Not silenced. {unknown}", "silence", _about(change), outcome="unknown")
    return _silence(work, change, f"Silenced {_about(change)}", None)


def _silence(work: _Work, change: Hush, verb: str, delivery: str | None) -> _Done:
    """One that lasts at least half as long already will do: people press twice."""
    what = _about(change)
    known = [
        one
        for one in ledger.list_silences(work.connection, work.now)
        if one.starts_at <= work.now and _is_about(one, change)
    ]
    if longer := next((one for one in known if one.ends_at >= work.now + change.lasting / 2), None):
        said = f"{verb} by {longer.author} until {_time(longer.ends_at)} already."
        return _Done(said, "silence", what, outcome="already", delivery=delivery)
    ends_at = work.now + change.lasting
    first, *also = change.conditions
    comment = change.comment or COMMENT
    silence = ledger.add_silence(work.connection, *first, work.now, ends_at, work.author, comment, also)
    hold_back(work.connection, work.desk.rulebook, work.now)
    note = f"{verb} until {_time(ends_at)} by {work.author}"
    undo = {"silence": silence.id}
    return _Done(f"{note}.", "silence", what, delivery=delivery, note=delivery and note, undo=undo)


def _is_about(silence: Silence, change: Hush) -> bool:
    of_silence, wanted = (
        {(aim, value.casefold()) for aim, value in conditions}
        for conditions in (silence.conditions, change.conditions)
    )
    return of_silence == wanted


def _about(change: Hush) -> str:
    return ", ".join(map(str, change.conditions))


def _end_silence(work: _Work, change: EndSilence) -> _Done:
    number = change.number
    known = {one.id: one for one in ledger.list_silences(work.connection, work.now)}
    silence = known.get(number)
    if silence is None or not ledger.end_silence(work.connection, number, work.now):
        said = f"No silence {number} is in force; `/tocsin silence list` shows them."
        return _Done(said, "end_silence", str(number), outcome="unknown")
    held = ledger.quieted(work.connection).get(number, ledger.Quieted())
    said = f"Silence {number} ({silence.about}) ended; it held {held}."
    undo = {
        "conditions": [tuple(one) for one in silence.conditions],
        "ends_at": silence.ends_at.isoformat(),
        "author": silence.author,
        "comment": silence.comment,
    }
    return _Done(said, "end_silence", str(number), undo=undo)


def _split(work: _Work, change: Split) -> _Done:
    value = f"{change.story} {change.article}"
    book = work.desk.rulebook
    try:
        old = regrouping.standing_story(work.connection, change.story)
        new = regrouping.split(work.connection, book, old, [change.article], work.author, work.now)
    except regrouping.Impossible as error:
        return _Done(f"Not split: {error}.", "split", value, outcome="impossible")
    said = f"Split off: it is story {new} now, and will not be grouped with {old} again."
    return _Done(said, "split", value, undo={"split": new, "from": old})


# --- taking back


def _undo(work: _Work, change: Undo) -> _Done:
    number = change.deed
    deed = ledger.deed(work.connection, number)
    if deed is None or deed.undo is None:
        return _Done("There is nothing to take back.", "undo", str(number), outcome="unknown")
    if deed.undone_at is not None:
        said = f"Taken back by {deed.undone_by} already: {deed.said}"
        return _Done(said, "undo", str(number), outcome="already")
    try:
        _restore(work, deed.undo)
    except regrouping.Impossible as error:
        return _Done(f"Not taken back: {error}.", "undo", str(number), outcome="impossible")
    ledger.note_undone(work.connection, number, work.author, work.now)
    return _Done(f"Taken back: {deed.said}", "undo", str(number), delivery=deed.delivery)


def _restore(work: _Work, undo: Mapping[str, Any]) -> None:
    match undo:
        case {"silence": int(silence)}:
            ledger.end_silence(work.connection, silence, work.now)
        case {"conditions": [[aim, value], *also]}:
            ends_at = datetime.fromisoformat(undo["ends_at"])
            ledger.add_silence(
                work.connection, Aim(aim), value, work.now, ends_at, undo["author"], undo["comment"],
                [Condition(Aim(aim), value) for aim, value in also],
            )  # fmt: skip
        case {"mark": int(article), "watch": str(watch), "before": before}:
            _restore_mark(work, watch, article, before)
        case {"split": str(new), "from": str(old)}:
            book = work.desk.rulebook
            regrouping.merge(work.connection, book, old, new, work.author, work.now)


def _restore_mark(work: _Work, watch: str, marked: int, before: Mapping[str, str] | None) -> None:
    mark = _mark(work.connection, watch, marked)
    if before is None:
        if mark is not None:
            ledger.remove_mark(work.connection, mark.id)
        return
    article = _article(work, marked)
    if article:
        ledger.keep_mark(
            work.connection, watch, article, Judgement(before["judgement"]),
            ruled(article, work.desk.rulebook.matcher, watch), before["author"], before["comment"],
            datetime.fromisoformat(before["at"]),
        )  # fmt: skip


_DOES: Mapping[type, Callable[[_Work, Any], _Done]] = {
    Judge: _judge,
    Mute: _mute,
    Snooze: _snooze,
    Hush: _hush,
    EndSilence: _end_silence,
    Split: _split,
    Undo: _undo,
}


# --- the message it was pressed beneath


def _told(work: _Work, delivery: str) -> Record | None:
    return outbox.record_of(work.connection, DeliveryId(delivery))


def _article(work: _Work, article: int | None) -> Article | None:
    """As the archive has it; None: it never did, or has forgotten it."""
    if article is None:
        return None
    return archive.with_ids(work.connection, work.desk.rulebook.sources, [article]).get(article)


def _shown(work: _Work, told: Record) -> int | None:
    """The article a root shows: of those before threads were kept, the one that was told."""
    if told.story is None or told.watch is None:
        return None
    thread = ledger.thread(work.connection, StoryId(told.story), told.watch)
    if thread is not None:
        return thread.lead.article
    alert = ledger.alert_of(work.connection, told.story, told.watch)
    return alert.article if alert else None


def _show(connection: Connection, delivery: str | None, now: datetime) -> None:
    """What was done beneath a message is seen in it, and in its like in other channels."""
    told = outbox.record_of(connection, DeliveryId(delivery)) if delivery else None
    if told is None or told.story is None or told.watch is None:
        return
    roots = outbox.roots(connection, told.story, told.watch)
    note = ledger.note_beneath(connection, [root.id for root in roots])
    for root in roots:
        if isinstance(root.body, Alarm):
            noted = replace(root.body, noted=note)
            outbox.revise(connection, root, noted, now, edit_at=now, due_at=now + MUTED_FOR)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
