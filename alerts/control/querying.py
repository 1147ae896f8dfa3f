"""Querying: a query from within Slack, to search the archive or to be tried as a rule.

Lives here: the search, the form, and for how long somebody waits. Not here: the query language
(`alerts.query`), what is found (`alerts.search`, `alerts.trial`), other questions (`answering`).
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from alerts.alerting import Action
from alerts.buttons import Button
from alerts.control.phrasing import SHOWN, headline, more, shown_at
from alerts.control.requests import Answer, Desk, Field, Line, Modal, Pressable
from alerts.forecast import Judged
from alerts.notifiers.slack_buttons import VALUE_UNITS
from alerts.notifiers.words import units
from alerts.query import QueryError, parse
from alerts.search import Search, search
from alerts.trial import Trial, try_out

BACK = timedelta(days=7)  # of a search and a trial
PATIENCE = 10.0  # seconds; whoever asked looks at a screen
TRIED = 300  # matching articles of a trial: some seconds, and far more than a rule should bring in a week

FORM = "try"
QUERY = "query"  # its field
_CARRIED = "="  # before the query a button carries, which may be none: Slack refuses an empty value

Still = Callable[[], bool]


def patience() -> Still:
    """As long as somebody waits, from now on; by a clock that nobody sets."""
    end = time.monotonic() + PATIENCE
    return lambda: time.monotonic() < end


def search_archive(desk: Desk, query: str, now: datetime, still: Still) -> Answer:
    """The newest articles for which it holds."""
    try:
        found = search(desk.engine, desk.rulebook, query, now - BACK, SHOWN, still)
    except QueryError as error:
        return Answer("The query cannot be read", (Line(str(error), fixed=True),), (try_button(query),))
    lines = [headline(hit.article, shown_at(hit.article.seen)) for hit in found.hits] + _hints(desk, query)
    return Answer(_found(found), tuple(lines), (try_button(query),))


def _found(found: Search) -> str:
    if not found.more:
        return f"{len(found.hits)} of {found.articles} articles of the last {BACK.days} days"
    if len(found.hits) == SHOWN:
        return f"The newest {SHOWN} articles; there are more"
    back = f"all back to {shown_at(found.since)}, which is as far as it came in {PATIENCE:.0f} seconds"
    return f"{len(found.hits)} of {found.articles} articles, {back}"


def _hints(desk: Desk, query: str) -> list[Line]:
    """What is allowed in a query and probably not meant."""
    return [Line(f"{one.code}: {one.message}") for one in parse(query, desk.rulebook.sets).warnings]


# ---- the form


def try_button(query: str) -> Pressable:
    """Opens the form, with this query in it if it is not too long."""
    carried = f"{_CARRIED}{query}"
    return Pressable(Button.TRY, carried if units(carried) <= VALUE_UNITS else _CARRIED)


def opened(pressed: str) -> Answer:
    """The form, with the query of the button that opens it."""
    return form(pressed.removeprefix(_CARRIED))


def form(query: str) -> Answer:
    """Where a query can be written, and sent."""
    return Answer("Try a query", modal=_form(query, f"How often would it have rung in {BACK.days} days?"))


def _form(query: str, said: str, *lines: Line) -> Modal:
    example = "title:(OpenAI AND Microsoft)"
    box = Field(QUERY, "Query, as in watches.yaml", query, example, long=True)
    return Modal(FORM, "Try a query", (Line(said, bold=True), *lines), (box,), "Try")


def sent(desk: Desk, query: str) -> Answer:
    """At once: what is wrong with the query, or that it is being looked into."""
    try:
        parse(query, desk.rulebook.sets)
    except QueryError as error:
        return Answer("The query cannot be read", errors={QUERY: error.inline})
    return Answer("Looking", modal=Modal(FORM, "Try a query", (Line("Going over the last days …"),)))


def tried(desk: Desk, query: str, now: datetime, still: Still) -> Answer:
    """How often it would have rung."""
    try:
        done = try_out(desk.engine, desk.rulebook, query, now - BACK, now, TRIED, still)
    except QueryError as error:  # the sets have changed since it was sent
        return Answer("Tried", modal=_form(query, "The query cannot be read", Line(str(error), fixed=True)))
    told = [_story_told(one) for one in done.stories[:SHOWN]]
    rest = more(len(done.stories) - len(told), "stories")
    lines = (Line(_days(done), fixed=True), *told, *rest, *_hints(desk, query))
    return Answer("Tried", modal=_form(query, done.summary, *lines))


def _days(done: Trial) -> str:
    """Matching articles by the day, as bars."""
    first, most = done.since.date(), max(done.matches.values(), default=1)
    days = [first + timedelta(days=n) for n in range((done.until.date() - first).days + 1)]
    counts = [(day, done.matches.get(day, 0)) for day in days]
    return "\n".join(f"{day:%a %d} {'▇' * -(-10 * count // most)} {count}" for day, count in counts)


def _story_told(one: Judged) -> Line:
    quiet = [] if one.action is Action.TELL else [f"quiet: {one.reason.value.replace('_', ' ')}"]
    return headline(one.article, shown_at(one.at), *quiet)
