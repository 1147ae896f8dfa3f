"""Answering: what is asked and changes nothing, for somebody with a telephone who decides in two seconds.

Lives here: which answer there is at once and which later, help, status, why, silences, stories. Not here:
how it is asked (`slash`), queries (`querying`), how an answer looks in Slack (`slack_forms`), changes
(`acting`), the words of a terminal (`scheduler.commands`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from alerts import explanation, ledger, outbox
from alerts.buttons import Button
from alerts.control import querying, slash
from alerts.control.phrasing import SHOWN, headline, lasting, more, shown_at
from alerts.control.requests import (
    Answer,
    Command,
    Desk,
    Line,
    Press,
    Request,
    Submission,
)
from alerts.ledger import Quieted
from alerts.notifications import Alarm, DeliveryId, FollowUp
from alerts.notifiers import words
from alerts.silences import Silence
from alerts.timeline import Chapter, Timeline, counted, timeline
from alerts.tokens import closest
from crawler import archive

NAMED = 3  # failing sources, last changes
EXPLAINED = 3  # answers to one "why?": an address may be that of several articles


def at_once(desk: Desk, request: Request) -> Answer | None:
    """What can be said without looking anything up; None: it has to wait for its turn.

    Of a form that was sent: what is wrong with it, or what is shown meanwhile.
    """
    match request:
        case Press(button=Button.TRY):
            return querying.opened(request.value)
        case Command():
            asked = slash.read(request.text)
            if isinstance(asked, slash.Try):
                return querying.form(asked.query)
            return _help(asked) if isinstance(asked, slash.Help) else None
        case Submission(form=form) if form == querying.FORM:
            return querying.sent(desk, request.fields.get(querying.QUERY, ""))
    return None


def answer(desk: Desk, request: Request, now: datetime, still: querying.Still | None = None) -> Answer:
    """What is said to a request that changes nothing; a search and a trial take some seconds."""
    match request:
        case Press(button=Button.WHY):
            return _why_told(desk, request.value)
        case Command():
            return _asked(desk, slash.read(request.text), now, still or querying.patience())
        case Submission(form=form) if form == querying.FORM:
            return querying.tried(
                desk, request.fields.get(querying.QUERY, ""), now, still or querying.patience()
            )
    return Answer("Tocsin does not know what is meant by that.")


def _asked(desk: Desk, asked: slash.Asked, now: datetime, still: querying.Still) -> Answer:
    if isinstance(asked, slash.Status):
        return _status(desk.status())
    if isinstance(asked, slash.Search):
        return querying.search_archive(desk, asked.query, now, still)
    with desk.engine.connect() as connection:
        match asked:
            case slash.Why():
                return _why(connection, desk, asked)
            case slash.Stories(story):
                return _story(connection, desk, story) if story else _stories(connection)
            case slash.Silences(number):
                return _silence_shown(connection, desk, number, now) if number else _silences(connection, now)
    raise AssertionError(asked)  # the others are answered at once, or change something


# ---- help


def _help(asked: slash.Help) -> Answer:
    usages = [slash.USAGES[asked.about]] if asked.about else slash.USAGES.values()
    lines = tuple(Line(f"/tocsin {one.form}", aside=f"— {one.does}", bold=True) for one in usages)
    return Answer(
        asked.mistake or "What may be asked", lines, () if asked.about else (querying.try_button(""),)
    )


# ---- status


def _status(known: Mapping[str, Any]) -> Answer:
    """From what `tocsin status --json` prints."""
    stopped = [one for one in known["channels"] if one["stopped_at"]]
    troubled = stopped or known["failing"] or known["silent"] or known["deliveries"]["dead"]
    sources = known["sources"]
    lines = [
        *(Line(f"Channel {one['id']} is stopped: {one['stopped_reason']}") for one in stopped),
        *_failing(known["failing"]),
        *_silent(known["silent"]),
        *_deliveries(known["deliveries"], known["oldest_waiting_s"]),
        *_last_alert(known["last_alert"]),
        *_quiet(known["silences"]),
        *map(_turned, known["actions"][:NAMED]),
    ]
    well = "Not all is well" if troubled else "All is well"
    return Answer(f"{well}: {sources.get('ok', 0)} of {sources['total']} sources answer", tuple(lines))


def _failing(failing: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    for one in failing[:NAMED]:
        yield Line(f"{one['id']} fails: {one['outcome']}", aside=f"({one['advice']})")
    yield from more(len(failing) - NAMED, "sources fail")


def _silent(silent: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    if silent:
        yield Line(f"Silent against their habit: {', '.join(one['id'] for one in silent[:NAMED])}")
        yield from more(len(silent) - NAMED, "sources are silent")


def _deliveries(counts: Mapping[str, int], oldest: float | None) -> Iterator[Line]:
    under_way = counts["waiting"] + counts["claimed"] + counts["unclear"]
    if counts["dead"]:
        yield Line(f"{_deliveries_of(counts['dead'])} given up", aside="(tocsin dead list)")
    if under_way:
        waits = f", the oldest for {lasting(timedelta(seconds=oldest))}" if oldest is not None else ""
        yield Line(f"{_deliveries_of(under_way)} under way{waits}")


def _deliveries_of(count: int) -> str:
    return words.counted(count, "delivery", "deliveries")


def _last_alert(last: Mapping[str, Any] | None) -> Iterator[Line]:
    if last is None:
        yield Line("No alert yet")
    else:
        at = shown_at(datetime.fromisoformat(last["at"]))
        yield Line(last["title"], link=last["link"], aside=f"({last['source']}, the last alert, {at})")


def _quiet(silences: int) -> Iterator[Line]:
    if silences:
        yield Line(words.counted(silences, "silence", "silences"), aside="(/tocsin silence list)")


def _turned(deed: Mapping[str, Any]) -> Line:
    """What somebody changed, or was not allowed to."""
    at = shown_at(datetime.fromisoformat(deed["at"]))
    what = f"{deed['what'].replace('_', ' ')} {deed['value']}"
    outcome = f", {deed['outcome'].replace('_', ' ')}" if deed["outcome"] != "done" else ""
    undone = f", taken back by {deed['undone_by']}" if deed["undone_at"] else ""
    return Line(f"{deed['actor_name']}: {what}", aside=f"({at}{outcome}{undone})")


# ---- why


def _why(connection: Connection, desk: Desk, asked: slash.Why) -> Answer:
    watches = list(desk.rulebook.watches)
    if asked.watch is not None and asked.watch not in watches:
        nearest = closest(asked.watch, watches) or ", ".join(watches)
        return Answer(f"There is no watch {asked.watch}. Did you mean {nearest}?")
    return _explained(connection, desk, asked.what, [asked.watch] if asked.watch else watches)


def _why_told(desk: Desk, delivery: str) -> Answer:
    """Why is this message there?"""
    with desk.engine.connect() as connection:
        told = outbox.record_of(connection, DeliveryId(delivery))
        if told is None or told.watch is None:
            return Answer("Nothing is known of this message any more.")
        story, watch, body = told.story, told.watch, told.body
        if watch not in desk.rulebook.watches:
            return Answer(f"There is no watch {watch} any more.")
        if isinstance(body, FollowUp):
            what = body.items[0].link
        else:
            alert = ledger.alert_of(connection, story or "", watch)
            what = str(alert.article) if alert else body.link if isinstance(body, Alarm) else None
        if what is None:
            return Answer("Nothing is known of this article but what the message says.")
        return _explained(connection, desk, what, [watch])


def _explained(connection: Connection, desk: Desk, what: str, watches: Sequence[str]) -> Answer:
    """By the watches that have something to say of it; by the first if none has."""
    found = [one for watch in watches for one in explanation.why(connection, desk.rulebook, what, watch)]
    telling = [one for one in found if one.article and one.answer is not explanation.Answer.NO_MATCH]
    shown = (telling or found[:1])[:EXPLAINED]
    if not shown:
        return Answer("There are no watches.")
    lines = dict.fromkeys(line for one in shown for line in _why_lines(one))  # of one article each line once
    title = "; ".join(_verdict(one, alone=len(shown) == 1) for one in shown)
    return Answer(title, tuple(lines))


def _verdict(why: explanation.Why, *, alone: bool) -> str:
    said = why.answer.value.replace("_", " ").capitalize()
    return said if alone or why.explanation is None else f"{why.explanation.watch}: {said}"


def _why_lines(why: explanation.Why) -> Iterator[Line]:
    if why.article is not None:
        yield headline(why.article)
    yield Line(why.sentence)
    match = why.explanation.match if why.explanation else None
    if match is not None:
        found = dict.fromkeys(one.text for one in match.evidence)
        if found:
            yield Line(f"{match.watch}/{match.rule} found: {', '.join(found)}")
        if match.sentence:
            yield Line(f"“{match.sentence.text}”")
    if why.story:
        yield Line(f"Story {why.story}", aside=f"(joined by: {str(why.tie).replace('_', ' ')})")


# ---- silences, stories


def _silences(connection: Connection, now: datetime) -> Answer:
    found = ledger.list_silences(connection, now)
    held = ledger.quieted(connection)
    lines = [_silence(one, held.get(one.id, Quieted()), now) for one in found[:SHOWN]]
    return Answer("What stays quiet" if found else "Nothing is silenced", tuple(lines))


def _silence(one: Silence, held: Quieted, now: datetime) -> Line:
    if one.starts_at > now:
        when = f"from {shown_at(one.starts_at)}"
    else:
        when = f"for {lasting(one.ends_at - now)}" if one.ends_at > now else f"until {shown_at(one.ends_at)}"
    why = f": {one.comment}" if one.comment else ""
    return Line(f"{one.id}: {one.about}", aside=f"({when}, by {one.author}, held {held}){why}")


def _silence_shown(connection: Connection, desk: Desk, number: int, now: datetime) -> Answer:
    silence = ledger.silence_of(connection, number)
    if silence is None:
        return Answer(f"There is no silence {number}", (Line("/tocsin silence list shows them"),))
    held = {row.article for row in ledger.silenced(connection, number)}
    newest = archive.with_ids(connection, desk.rulebook.sources, sorted(held)[-SHOWN:])
    line = _silence(silence, ledger.quieted(connection).get(number, Quieted()), now)
    lines = [headline(newest[one], shown_at(newest[one].seen)) for one in sorted(newest, reverse=True)]
    return Answer(f"Silence {number}", (line, *lines, *more(len(held) - len(lines), "articles")))


def _stories(connection: Connection) -> Answer:
    rows = ledger.recent_stories(connection, SHOWN)
    return Answer("The latest stories" if rows else "There are no stories yet", tuple(map(_listed, rows)))


def _listed(row: Row[Any]) -> Line:
    told = "told" if row.alerts else "not told"
    return Line(row.title, aside=f"({counted(row.origins, row.articles)}, {told}, {row.id})")


def _story(connection: Connection, desk: Desk, story: str) -> Answer:
    found = timeline(connection, desk.rulebook.sources, story)
    if found is None:
        return Answer(f"There is no story {story}", (Line("/tocsin stories shows the latest"),))
    lines = [_chapter(one, found) for one in found.chapters[:SHOWN]]
    rest = more(len(found.chapters) - len(lines), "articles")
    return Answer(f"{found.title} ({counted(found.origins, len(found.chapters))})", (*lines, *rest))


def _chapter(one: Chapter, of: Timeline) -> Line:
    told = ["told"] if one.number in of.told else []
    known = [shown_at(one.at), one.tie.replace("_", " "), *told]
    if one.article is None:
        return Line(f"article {one.number}", aside=f"({' · '.join(known)})")
    return headline(one.article, *known)
