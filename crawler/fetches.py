"""Fetch: one HTTP retrieval with its outcome.

Lives here: the closed list of outcomes, each with what to try next, and the value a fetch leaves behind. Not
here: how an answer becomes an outcome (`revalidation`, `spiders`), what it does to the pace (`pacing`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Outcome(StrEnum):
    """What came of a fetch. Written alike to log, table and message."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"  # 304
    UNCHANGED = "unchanged"  # 200 with the same bytes as before
    RATE_LIMITED = "rate_limited"  # 429, or 503 with Retry-After: slow down, not an error
    DNS = "dns"
    TLS = "tls"
    REFUSED = "refused"
    RESET = "reset"  # the connection ended before the answer did
    TIMEOUT = "timeout"
    BLOCKED_ADDRESS = "blocked_address"  # the address guard said no
    ROBOTS = "robots"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"  # Content-Encoding that cannot be undone
    BAD_REDIRECT = "bad_redirect"  # a loop, too many, or a scheme that is not http(s)
    FORBIDDEN = "forbidden"  # 401, 403, 451
    NOT_FOUND = "not_found"  # 404
    GONE = "gone"  # 410
    SERVER_ERROR = "server_error"  # 5xx
    HTTP_ERROR = "http_error"  # any other status
    EMPTY = "empty"  # 200 without a body
    NOT_A_FEED = "not_a_feed"  # HTML, an image, something else where the feed was
    MALFORMED = "malformed"  # meant to be a feed, but nothing can be read out of it
    UNPARSABLE = "unparsable"  # the parsing child ran into its limits

    @property
    def succeeded(self) -> bool:
        return self in _SUCCEEDED

    @property
    def failed(self) -> bool:
        """A failure a person may want to hear of. Being asked to slow down is neither success nor failure."""
        return self not in _SUCCEEDED and self is not Outcome.RATE_LIMITED

    @property
    def advice(self) -> str:
        """What to try next, for whoever keeps the source."""
        return _ADVICE.get(self, "")


_SUCCEEDED = frozenset({Outcome.OK, Outcome.NOT_MODIFIED, Outcome.UNCHANGED})

_ADVICE = {
    Outcome.RATE_LIMITED: "nothing to do: it asked us to slow down and we do; a larger `every:` helps",
    Outcome.DNS: "check the host name; the site may have moved",
    Outcome.TLS: "the certificate does not hold; the site may have moved, or a proxy stands in between",
    Outcome.REFUSED: "nothing listens there; check host and port",
    Outcome.RESET: "the server hung up; if it lasts, ask less often",
    Outcome.TIMEOUT: "the server was too slow; raise `timeout:` if it lasts",
    Outcome.BLOCKED_ADDRESS: "the address is private or special; if that is meant, allow it under `network:`",
    Outcome.ROBOTS: "the site's robots.txt forbids it; look for another feed, or ask the publisher",
    Outcome.TOO_LARGE: "look for a smaller feed of the same site",
    Outcome.BAD_ENCODING: "the server says one encoding and sends another; nothing to do here",
    Outcome.BAD_REDIRECT: "open the address in a browser and use where it ends",
    Outcome.FORBIDDEN: "the site refuses us; set a contact in `network: user_agent`, look for another feed",
    Outcome.NOT_FOUND: "the feed is not there any more; look for its new address on the site",
    Outcome.GONE: "the publisher took the feed down for good; remove the source or find another feed",
    Outcome.SERVER_ERROR: "the site is in trouble; nothing to do here",
    Outcome.HTTP_ERROR: "open the address in a browser and see what it says",
    Outcome.EMPTY: "the answer had no body; if it lasts, look for another feed",
    Outcome.NOT_A_FEED: "something else is served where the feed was; look for the new feed on the site",
    Outcome.MALFORMED: "broken: tell the publisher; or built otherwise now: compare `page:`, `api:` with it",
    Outcome.UNPARSABLE: "parsing the document never ends; tell the publisher, or remove the source",
}


@dataclass(frozen=True, slots=True)
class Fetch:
    """One finished retrieval."""

    outcome: Outcome
    at: datetime
    detail: str = ""  # one line for a person, without secrets
    status: int | None = None  # None: no HTTP answer
    conditional: bool = False  # it was asked with validators
    etag: str | None = None  # verbatim; None: none given, or one that must not be sent back
    last_modified: str | None = None
    body_hash: str | None = None
    retry_after: timedelta | None = None
    max_age: timedelta | None = None  # Cache-Control: max-age of the answer
    ttl: timedelta | None = None  # <ttl>, sy:updatePeriod and the like, from inside the document
    moved_to: str | None = None  # the target, where every redirect on the way was permanent
    elapsed: timedelta = timedelta(0)


class FetchFailed(Exception):
    """A retrieval without an answer we can use. Converted once at the border; `detail` holds no secret."""

    def __init__(
        self,
        outcome: Outcome,
        detail: str,
        *,
        status: int | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome, self.detail, self.status, self.retry_after = outcome, detail, status, retry_after
