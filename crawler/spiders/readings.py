"""Reading: what a spider brings home from one fetch, ready to be written down.

Lives here: the values between `spiders` and `pipeline`; Scrapy calls them items. Not here: how they come
about (`reader`), where they go (`pipeline`).
"""

from dataclasses import dataclass
from datetime import datetime

from crawler.archive import Claim, PageClaim
from crawler.articles import Wording
from crawler.documents import FeedDocument
from crawler.fetches import Fetch


@dataclass(frozen=True, slots=True)
class SourceReading:
    """A fetch of a source; `document` is None where there was nothing new to read."""

    claim: Claim
    fetch: Fetch
    document: FeedDocument | None = None


@dataclass(frozen=True, slots=True)
class PageReading:
    """A fetch of the page behind an article."""

    claim: PageClaim
    fetch: Fetch
    wording: Wording | None = None  # None: the page could not be read
    landed: tuple[str, ...] = ()  # where the redirects ended, and what the page calls its own address
    language: str | None = None
    held_until: datetime | None = None  # nothing was sent, the host asked us to wait


Reading = SourceReading | PageReading
