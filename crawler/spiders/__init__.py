"""One file per kind of source, and the Scrapy spider that walks for all of them.

    readings  what a spider brings home
    feed      RSS, Atom, JSON Feed
    sitemap   news sitemaps, plain ones, indexes
    page      pages that list articles
    api       JSON endpoints
    article   the page behind an entry
    manners   robots.txt before every request, redirects hop by hop
    following the documents that one only names, fetched within the same claim
    reader    the one Scrapy spider: drains the queue, judges the answer, asks a kind to read it

To add a kind: write `crawler/spiders/<kind>.py` with `ACCEPT` and `read`, and add its line to SPIDERS.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from crawler.answers import Answer
from crawler.archive import Claim
from crawler.child import ParsingChild
from crawler.documents import FeedDocument
from crawler.sources import Kind
from crawler.spiders import api, feed, page, sitemap


@dataclass(frozen=True, slots=True)
class KindOfSource:
    """What a kind has of its own; asking, revalidating and writing down is the same for all."""

    accept: str  # the Accept header
    read: Callable[[Answer, Claim, ParsingChild], Awaitable[FeedDocument]]


SPIDERS: Mapping[Kind, KindOfSource] = {
    "feed": KindOfSource(feed.ACCEPT, feed.read),
    "sitemap": KindOfSource(sitemap.ACCEPT, sitemap.read),
    "page": KindOfSource(page.ACCEPT, page.read),
    "api": KindOfSource(api.ACCEPT, api.read),
}
