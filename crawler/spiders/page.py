"""`kind: page`: a web page that lists articles, where there is no feed.

Lives here: how the body of an answer becomes a document. Not here: the parsing itself (`listings`, in a child
process), the page behind an entry (`article`).
"""

from crawler.answers import Answer
from crawler.archive import Claim
from crawler.child import ParsingChild
from crawler.documents import FeedDocument

ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"


async def read(answer: Answer, claim: Claim, child: ParsingChild) -> FeedDocument:
    """The entries the page did not show last time. Raises ParseFailed."""
    return await child.listing(answer.body, answer.content_type, answer.url, claim.source, claim.state.shown)
