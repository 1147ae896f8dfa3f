"""Ask with ETag and Last-Modified; take 304 and the unchanged body for an answer.

Lives here: the validators we send, and the way from an answer or a failure to a `Fetch` with its outcome.
Pure functions of values. Not here: what the body says (`spiders`), when to ask again (`pacing`).
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from crawler import pacing
from crawler.answers import PERMANENT, Answer
from crawler.fetches import Fetch, FetchFailed, Outcome
from crawler.sources import SourceId, SourceState

WEEK = timedelta(days=7)  # a server stuck on 304 is found out within this time
LONGEST_VALIDATOR = 1024
LONGEST_AGE = timedelta(days=365)

_SENDABLE = re.compile(r"[\x20-\x7e]+")  # verbatim, but nothing that could become a header of its own
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)

_OUTCOMES = {
    401: Outcome.FORBIDDEN,
    403: Outcome.FORBIDDEN,
    451: Outcome.FORBIDDEN,
    404: Outcome.NOT_FOUND,
    410: Outcome.GONE,
    429: Outcome.RATE_LIMITED,
}


def validators(state: SourceState, now: datetime) -> dict[str, str]:
    """Headers that ask only for what changed. None of them once a week, nor before the first whole answer."""
    if state.full_fetch_at is None or not timedelta(0) <= now - state.full_fetch_at < WEEK:
        return {}
    if state.body_hash is None:  # a 304 would leave us without a document
        return {}
    given = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in given.items() if value is not None and sendable(value) is not None}


def sendable(value: str | None) -> str | None:
    """The validator as it came, or None for one that must not be sent back: line ends, NUL, oversize."""
    if value is None or len(value) > LONGEST_VALIDATOR or not _SENDABLE.fullmatch(value):
        return None
    return value


def answered(state: SourceState, answer: Answer, conditional: bool, now: datetime) -> Fetch:
    """What an answer means for a source, before anybody has read its body. OK: there is something to read."""
    wait = pacing.retry_after(answer.headers.get("Retry-After"), answer.headers.get("Date"), now)
    body_hash = hashlib.sha256(answer.body).hexdigest()
    outcome = judged(answer, wait)
    if outcome is Outcome.NOT_MODIFIED and not conditional:
        outcome = Outcome.HTTP_ERROR  # nobody asked whether it was
    if outcome is Outcome.OK and body_hash == state.body_hash:
        outcome = Outcome.UNCHANGED
    return Fetch(
        outcome=outcome,
        at=now,
        detail=""
        if outcome.succeeded
        else f"answered {answer.status}" + (" without a body" if outcome is Outcome.EMPTY else ""),
        status=answer.status,
        conditional=conditional,
        etag=sendable(answer.headers.get("ETag")),
        last_modified=sendable(answer.headers.get("Last-Modified")),
        body_hash=body_hash,
        retry_after=wait,
        max_age=max_age(answer.headers),
        moved_to=moved_to(answer),
        elapsed=answer.elapsed,
    )


def page_answered(answer: Answer, page: SourceState | None, conditional: bool, now: datetime) -> Fetch:
    """The same for a page. `page`: what is remembered of it; None: nothing, so the answer is a first one."""
    return answered(page or SourceState(source=SourceId("")), answer, conditional, now)


def judged(answer: Answer, wait: timedelta | None) -> Outcome:
    """The outcome a status stands for, whoever asked. `wait` is what Retry-After says."""
    status = answer.status
    if status in _OUTCOMES:
        return _OUTCOMES[status]
    if status == 503 and wait is not None:
        return Outcome.RATE_LIMITED
    if status >= 500:
        return Outcome.SERVER_ERROR
    if status == 304:
        return Outcome.NOT_MODIFIED
    if status in (200, 203):
        return Outcome.OK if answer.body else Outcome.EMPTY
    return Outcome.EMPTY if status in (204, 205) else Outcome.HTTP_ERROR


def failed(failure: FetchFailed, now: datetime, conditional: bool = False) -> Fetch:
    """A fetch that brought no answer."""
    return Fetch(
        outcome=failure.outcome,
        at=now,
        detail=failure.detail,
        status=failure.status,
        conditional=conditional,
        retry_after=failure.retry_after,
    )


def moved_to(answer: Answer) -> str | None:
    """Where the source went for good: only if every redirect on the way said so."""
    if answer.hops and all(hop.status in PERMANENT for hop in answer.hops):
        return answer.url
    return None


def max_age(headers: Mapping[str, str]) -> timedelta | None:
    found = _MAX_AGE.search(headers.get("Cache-Control", ""))
    return min(timedelta(seconds=int(found[1])), LONGEST_AGE) if found else None
