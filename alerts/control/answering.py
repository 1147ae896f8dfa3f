"""Answering: what is asked and changes nothing, for somebody with a telephone who decides in two seconds.

Lives here: reading the answer, and saying it shortly. Not here: what is asked (`slash`), how an answer looks
in Slack (`slack_forms`), changes (`acting`), the words of a terminal (`scheduler.commands`).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from alerts import explanation, ledger, outbox
from alerts.alerting import Action
from alerts.buttons import Button
from alerts.control import slash
from alerts.control.requests import (
    Answer,
    Command,
    Desk,
    Field,
    Line,
    Modal,
    Press,
    Pressable,
    Request,
    Submission,
)
from alerts.forecast import Judged
from alerts.ledger import Quieted
from alerts.notifications import Alarm, DeliveryId, FollowUp
from alerts.notifiers.words import units
from alerts.query import QueryError, parse
from alerts.search import Hit, Search, search
from alerts.silences import Silence
from alerts.timeline import Chapter, Timeline, counted, timeline
from alerts.tokens import closest
from alerts.trial import Trial, try_out
from crawler import archive
from crawler.articles import Article

BACK = timedelta(days=7)  # of a search and a trial
PATIENCE = 10.0  # seconds; whoever asked looks at a screen
TRIED = 300  # matching articles of a trial: some seconds, and far more than a rule should bring in a week
SHOWN = 10  # articles, stories, silences
NAMED = 3  # failing sources, last changes
EXPLAINED = 3  # answers to one "why?": an address may be that of several articles
VALUE_UNITS = 2000  # of what a button carries; Slack refuses more

FORM = "try"
_QUERY = "query"
_CARRIED = "="  # before the query a button carries, which may be none: Slack refuses an empty value

Still = Callable[[], bool]


def patience() -> Still:
    """As long as somebody waits, from now on; by a clock that nobody sets."""
    end = time.monotonic() + PATIENCE
    return lambda: time.monotonic() < end


def at_once(desk: Desk, request: Request) -> Answer | None:
    """What can be said without looking anything up; None: it has to wait for its turn.

    Of a form that was sent: what is wrong with it, or what is shown meanwhile.
    """
    match request:
        case Press(button=Button.TRY):
            return _form_asked(request.value.removeprefix(_CARRIED))
        case Command():
            asked = slash.read(request.text)
            if isinstance(asked, slash.Try):
                return _form_asked(asked.query)
            return _help(asked) if isinstance(asked, slash.Help) else None
        case Submission(form=form) if form == FORM:
            return _sent(desk, request.fields.get(_QUERY, ""))
    return None


def answer(desk: Desk, request: Request, now: datetime, still: Still | None = None) -> Answer:
    """What is said to a request that changes nothing; a search and a trial take some seconds."""
    match request:
        case Press(button=Button.WHY):
            return _why_told(desk, request.value)
        case Command():
            return _asked(desk, slash.read(request.text), now, still or patience())
        case Submission(form=form) if form == FORM:
            return _tried(desk, request.fields.get(_QUERY, ""), now, still or patience())
    return Answer("Tocsin does not know what is meant by that.")


def _asked(desk: Desk, asked: slash.Asked, now: datetime, still: Still) -> Answer:
    if isinstance(asked, slash.Status):
        return _status(desk.status())
    if isinstance(asked, slash.Search):
        return _search(desk, asked.query, now, still)
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
    return Answer(asked.mistake or "What may be asked", lines, () if asked.about else (_try_button(""),))


def _try_button(query: str) -> Pressable:
    """Opens the form, with this query in it if it is not too long."""
    carried = f"{_CARRIED}{query}"
    return Pressable(Button.TRY, carried if units(carried) <= VALUE_UNITS else _CARRIED)


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
    yield from _more(len(failing) - NAMED, "sources fail")


def _silent(silent: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    if silent:
        yield Line(f"Silent against their habit: {', '.join(one['id'] for one in silent[:NAMED])}")
        yield from _more(len(silent) - NAMED, "sources are silent")


def _deliveries(counts: Mapping[str, int], oldest: float | None) -> Iterator[Line]:
    under_way = counts["waiting"] + counts["claimed"] + counts["unclear"]
    if counts["dead"]:
        yield Line(f"{counts['dead']} deliveries were given up", aside="(tocsin dead list)")
    if under_way:
        waits = f", the oldest for {_lasting(timedelta(seconds=oldest))}" if oldest is not None else ""
        yield Line(f"{under_way} deliveries are under way{waits}")


def _last_alert(last: Mapping[str, Any] | None) -> Iterator[Line]:
    if last is None:
        yield Line("No alert yet")
    else:
        at = _shown(datetime.fromisoformat(last["at"]))
        yield Line(last["title"], link=last["link"], aside=f"({last['source']}, the last alert, {at})")


def _quiet(silences: int) -> Iterator[Line]:
    if silences:
        yield Line(f"{silences} silences are in force", aside="(/tocsin silence list)")


def _turned(action: Mapping[str, Any]) -> Line:
    """What somebody changed, or was not allowed to."""
    at = _shown(datetime.fromisoformat(action["at"]))
    what = f"{action['what'].replace('_', ' ')} {action['value']}"
    outcome = f", {action['outcome'].replace('_', ' ')}" if action["outcome"] != "done" else ""
    undone = f", taken back by {action['undone_by']}" if action["undone_at"] else ""
    return Line(f"{action['actor_name']}: {what}", aside=f"({at}{outcome}{undone})")


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
        records = outbox.records(connection, delivery=DeliveryId(delivery))
        if not records or records[0].watch is None:
            return Answer("Nothing is known of this message any more.")
        story, watch, body = records[0].story, records[0].watch, records[0].body
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
        yield _headline(why.article)
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


# ---- search


def _search(desk: Desk, query: str, now: datetime, still: Still) -> Answer:
    try:
        found = search(desk.engine, desk.rulebook, query, now - BACK, SHOWN, still)
    except QueryError as error:
        return Answer("The query cannot be read", (Line(str(error), fixed=True),), (_try_button(query),))
    lines = [_hit(hit) for hit in found.hits] + _hints(desk, query)
    return Answer(_found(found), tuple(lines), (_try_button(query),))


def _found(found: Search) -> str:
    if not found.more:
        return f"{len(found.hits)} of {found.articles} articles of the last {BACK.days} days"
    if len(found.hits) == SHOWN:
        return f"The newest {SHOWN} articles; there are more"
    back = f"all back to {_shown(found.since)}, which is as far as it came in {PATIENCE:.0f} seconds"
    return f"{len(found.hits)} of {found.articles} articles, {back}"


def _hit(hit: Hit) -> Line:
    return _headline(hit.article, _shown(hit.article.seen))


def _headline(article: Article, *more: str) -> Line:
    by = " · ".join([article.source_name, *([article.language] if article.language else []), *more])
    return Line(article.title or "(no headline)", link=article.link, aside=f"({by})")


def _hints(desk: Desk, query: str) -> list[Line]:
    """What is allowed in a query and probably not meant."""
    return [Line(f"{one.code}: {one.message}") for one in parse(query, desk.rulebook.sets).warnings]


# ---- try


def _form_asked(query: str) -> Answer:
    """Where a query can be written, and sent."""
    return Answer("Try a query", modal=_form(query, f"How often would it have rung in {BACK.days} days?"))


def _form(query: str, said: str, *lines: Line) -> Modal:
    example = "title:(OpenAI AND Microsoft)"
    box = Field(_QUERY, "Query, as in watches.yaml", query, example, long=True)
    return Modal(FORM, "Try a query", (Line(said, bold=True), *lines), (box,), "Try")


def _sent(desk: Desk, query: str) -> Answer:
    """At once: what is wrong with the query, or that it is being looked into."""
    try:
        parse(query, desk.rulebook.sets)
    except QueryError as error:
        return Answer("The query cannot be read", errors={_QUERY: error.inline})
    return Answer("Looking", modal=Modal(FORM, "Try a query", (Line("Going over the last days …"),)))


def _tried(desk: Desk, query: str, now: datetime, still: Still) -> Answer:
    """How often it would have rung."""
    try:
        done = try_out(desk.engine, desk.rulebook, query, now - BACK, now, TRIED, still)
    except QueryError as error:  # the sets have changed since it was sent
        return Answer("Tried", modal=_form(query, "The query cannot be read", Line(str(error), fixed=True)))
    shown = [_story_told(one) for one in done.stories[:SHOWN]]
    rest = _more(len(done.stories) - len(shown), "stories")
    lines = (Line(_days(done), fixed=True), *shown, *rest, *_hints(desk, query))
    return Answer("Tried", modal=_form(query, done.summary, *lines))


def _days(done: Trial) -> str:
    """Matching articles by the day, as bars."""
    first, most = done.since.date(), max(done.matches.values(), default=1)
    days = [first + timedelta(days=n) for n in range((done.until.date() - first).days + 1)]
    counts = [(day, done.matches.get(day, 0)) for day in days]
    return "\n".join(f"{day:%a %d} {'▇' * -(-10 * count // most)} {count}" for day, count in counts)


def _story_told(one: Judged) -> Line:
    quiet = [] if one.action is Action.TELL else [f"quiet: {one.reason.value.replace('_', ' ')}"]
    return _headline(one.article, _shown(one.at), *quiet)


# ---- silences, stories


def _silences(connection: Connection, now: datetime) -> Answer:
    found = ledger.list_silences(connection, now)
    held = ledger.quieted(connection)
    lines = [_silence(one, held.get(one.id, Quieted()), now) for one in found[:SHOWN]]
    return Answer("What stays quiet" if found else "Nothing is silenced", tuple(lines))


def _silence(one: Silence, held: Quieted, now: datetime) -> Line:
    if one.starts_at > now:
        when = f"from {_shown(one.starts_at)}"
    else:
        when = f"for {_lasting(one.ends_at - now)}" if one.ends_at > now else f"until {_shown(one.ends_at)}"
    why = f": {one.comment}" if one.comment else ""
    return Line(f"{one.id}: {one.about}", aside=f"({when}, by {one.author}, held {held}){why}")


def _silence_shown(connection: Connection, desk: Desk, number: int, now: datetime) -> Answer:
    silence = ledger.silence_of(connection, number)
    if silence is None:
        return Answer(f"There is no silence {number}", (Line("/tocsin silence list shows them"),))
    held = {row.article for row in ledger.silenced(connection, number)}
    newest = archive.with_ids(connection, desk.rulebook.sources, sorted(held)[-SHOWN:])
    line = _silence(silence, ledger.quieted(connection).get(number, Quieted()), now)
    lines = [_headline(one, _shown(one.seen)) for one in sorted(newest, key=lambda one: -one.id)]
    return Answer(f"Silence {number}", (line, *lines, *_more(len(held) - len(lines), "articles")))


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
    rest = _more(len(found.chapters) - len(lines), "articles")
    return Answer(f"{found.title} ({counted(found.origins, len(found.chapters))})", (*lines, *rest))


def _chapter(one: Chapter, of: Timeline) -> Line:
    told = ["told"] if one.number in of.told else []
    known = [_shown(one.at), one.tie.replace("_", " "), *told]
    if one.article is None:
        return Line(f"article {one.number}", aside=f"({' · '.join(known)})")
    return _headline(one.article, *known)


# ---- words


def _more(count: int, of: str) -> list[Line]:
    return [Line(f"… and {count} more {of}")] if count > 0 else []


def _shown(at: datetime) -> str:
    return f"{at:%a %d %b %H:%M} UTC"


def _lasting(length: timedelta) -> str:
    """As a person says it who does not look at a clock."""
    seconds = int(length.total_seconds())
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
