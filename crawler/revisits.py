"""Revisit: the page of an article that was told is looked at again. Is it gone, is it back, and when next?

Lives here: the decisions, as functions of values. Not here: how it is fetched (`spiders`), where it is kept
(`archive`), who is told (`alerts`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from crawler.fetches import Fetch, Outcome
from crawler.sources import SourceState

# After an article was told. Headlines are changed and articles withdrawn within hours, some after a night
# and a lawyer; what stood for three days stays. Four requests are little for a page people were sent to.
LOOKS = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24), timedelta(hours=72))
CONFIRM = timedelta(minutes=10)  # one 404 may be a deployment; two are meant
WHILE_GONE = timedelta(days=1)  # some come back after a correction
END = timedelta(days=7)

GONE = frozenset({Outcome.NOT_FOUND, Outcome.GONE})


class State(StrEnum):
    """How it stands with a page that is looked at again."""

    THERE = "there"
    MISSING = "missing"  # once: it may be a hiccup
    GONE = "gone"
    BACK = "back"  # and from now on nobody is told any more


@dataclass(frozen=True, slots=True)
class Revisit:
    """What is known of a page between two looks."""

    begun_at: datetime  # when its article was told
    page: SourceState  # validators, by which only a changed page is sent
    state: State = State.THERE
    since: datetime | None = None  # MISSING, GONE, BACK: since when; None: it was always there
    title: str | None = None  # the headline the page had; None: it was never read


def after(before: Revisit, fetch: Fetch, *, reads_alike: bool) -> Revisit:
    """What a look changes. `reads_alike`: the page still holds the article.

    A page that answers with something else (the home page, "not found" with 200, a wall) says nothing, and
    neither does a server in trouble.
    """
    there = fetch.outcome in {Outcome.NOT_MODIFIED, Outcome.UNCHANGED} or reads_alike
    match before.state, fetch.outcome in GONE:
        case State.THERE, True:
            return replace(before, state=State.MISSING, since=fetch.at)
        case State.MISSING, True:
            return replace(before, state=State.GONE)
        case State.MISSING, False if there:
            return replace(before, state=State.THERE, since=None)
        case State.GONE, False if there:
            return replace(before, state=State.BACK, since=fetch.at)
    return before


def due(now: Revisit, fetch: Fetch) -> datetime | None:
    """When the page is looked at next; None: no more."""
    if now.state is State.MISSING and fetch.outcome in GONE:
        return fetch.at + CONFIRM
    if now.state is State.GONE:
        return next_look if (next_look := fetch.at + WHILE_GONE) <= now.begun_at + END else None
    asked = fetch.at + (fetch.retry_after or timedelta(0))
    return next((max(look, asked) for wait in LOOKS if (look := now.begun_at + wait) > fetch.at), None)
