"""When is a source due again? Interval, Retry-After, backoff, jitter; and when to try a page again.

Lives here: the decisions, as functions of values. Not here: where the due time is kept (`archive`), who
looks at it (`crawl`). What a server asks with Retry-After outranks everything; an explicit `every:`
outranks the rest.

| the fetch was             | explicit `every:`                 | pace of the defaults (5 min)         |
|---------------------------|-----------------------------------|--------------------------------------|
| a success                 | `every`, at most 1 s (2 %) later  | the pace, or what max-age and ttl    |
|                           |                                   | ask; between 2 min and 1 h, ±10 %    |
| a failure, n-th in a row  | 1, 1, 2, 4, 8 … x `every`, to 1 h | the same of the pace                 |
| "slow down" (429, 503)    | Retry-After, at least `every`     | Retry-After, at least 1 min          |
| forbidden by robots.txt   | `every`, at least 1 h             | 1 h                                  |
| 410, third in a row on    | daily                             | daily                                |

It never gives up: a source that comes back is found within an hour, one that is gone within a day.
"""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from crawler.fetches import Fetch, Outcome
from crawler.sources import Source, SourceState

SHORTEST = timedelta(minutes=2)  # of the pace from the defaults
LONGEST = timedelta(hours=1)
DAY = timedelta(days=1)
UNSAID = timedelta(minutes=1)  # "slow down" without a usable word how long

GIVEN_UP_ON_410 = 3  # a first 410 may be a hiccup of a deployment; three in a row are meant

# Minutes do not matter to a page that is not there yet; the news does not wait for it anyway
# (archive.PAGE_GRACE).
PAGE_TRIES = (timedelta(seconds=4), timedelta(seconds=20), timedelta(minutes=5), timedelta(minutes=50))
PAGE_TRIES_IF_REFUSED = PAGE_TRIES[:2]  # feeds run ahead of their pages, and caches in front of both
_REFUSED = frozenset({Outcome.NOT_FOUND, Outcome.FORBIDDEN})
_FOR_GOOD = frozenset(
    {
        Outcome.GONE, Outcome.ROBOTS, Outcome.BLOCKED_ADDRESS, Outcome.TOO_LARGE, Outcome.BAD_REDIRECT,
        Outcome.BAD_ENCODING, Outcome.UNPARSABLE, Outcome.NOT_A_FEED, Outcome.MALFORMED,
    }
)  # fmt: skip


def next_due(source: Source, state: SourceState, fetch: Fetch, rng: random.Random) -> datetime:
    """When to ask again. `state` is what we knew before this fetch; `fetch.at` is when its answer was
    there.
    """
    asked = fetch.retry_after or timedelta(0)
    if fetch.outcome is Outcome.RATE_LIMITED:
        return fetch.at + later(max(asked, _after_slow_down(source, fetch)), rng)
    if fetch.outcome.succeeded:
        return fetch.at + max(asked, _after_success(source, fetch, rng))
    return fetch.at + later(max(asked, _after_failure(source, fetch, state.failures + 1)), rng)


def _after_success(source: Source, fetch: Fetch, rng: random.Random) -> timedelta:
    if source.every is not None:
        return later(source.every, rng)
    asked = min(max(fetch.max_age or timedelta(0), fetch.ttl or timedelta(0)), LONGEST)
    return min(max(_usual(source) * rng.uniform(0.9, 1.1), asked, SHORTEST), LONGEST)


def _usual(source: Source) -> timedelta:
    return source.every or min(max(source.pace, SHORTEST), LONGEST)


def _after_slow_down(source: Source, fetch: Fetch) -> timedelta:
    """Being asked to wait a moment is no reason to wait longer, nor to forget the pace; without a word,
    wait two paces.
    """
    if fetch.retry_after is None:
        return min(max(2 * _usual(source), UNSAID), LONGEST)
    return source.every or UNSAID


def _after_failure(source: Source, fetch: Fetch, in_a_row: int) -> timedelta:
    every = _usual(source)
    if fetch.outcome is Outcome.ROBOTS:
        return max(every, LONGEST)
    if fetch.outcome is Outcome.GONE and in_a_row >= GIVEN_UP_ON_410:
        return max(every, DAY)
    doublings = min(max(in_a_row - 2, 0), 20)  # beyond that every pace has reached its cap
    return min(every * float(2**doublings), max(every, LONGEST))


def later(wait: timedelta, rng: random.Random) -> timedelta:
    """A moment later, never earlier: at most 2 % and one second, so that sources do not march in step."""
    return wait + min(wait * 0.02, timedelta(seconds=1)) * rng.random()


def page_again(attempts: int, fetch: Fetch) -> timedelta | None:
    """How long until the page is tried again, after `attempts` tries before this one; None: the summary has
    to do.
    """
    if fetch.outcome in _FOR_GOOD:
        return None
    tries = PAGE_TRIES_IF_REFUSED if fetch.outcome in _REFUSED else PAGE_TRIES
    if attempts >= len(tries):
        return None
    return max(tries[attempts], fetch.retry_after or timedelta(0))


def retry_after(value: str | None, date: str | None, now: datetime) -> timedelta | None:
    """What a Retry-After header asks, in seconds or as a date; None: nothing, or nothing sensible. At most
    a day.

    A date is measured against the server's own clock (its Date header) where it shows one: clocks differ.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 10**8)), DAY)
    until = _http_date(text)
    if until is None:
        return None
    return min(max(until - (_http_date(date or "") or now), timedelta(0)), DAY)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
