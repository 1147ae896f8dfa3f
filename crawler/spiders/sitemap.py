"""`kind: sitemap`: news sitemaps, plain ones, and indexes of sitemaps.

Lives here: how the body of an answer becomes a document. Not here: the parsing itself (`sitemaps`, in a child
process), the fetching of what an index names (`following`).
"""

from crawler.answers import Answer
from crawler.archive import Claim
from crawler.child import ParsingChild
from crawler.documents import FeedDocument

ACCEPT = "application/xml, text/xml;q=0.9, application/gzip;q=0.8, */*;q=0.5"


async def read(answer: Answer, claim: Claim, child: ParsingChild) -> FeedDocument:
    """The entries the last document did not show, or what to follow. Raises ParseFailed."""
    return await child.sitemap(answer.body, answer.content_type, answer.url, claim.source, claim.state.shown)
