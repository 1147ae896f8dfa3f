"""`kind: feed`: RSS, Atom and JSON Feed.

Lives here: how the body of an answer becomes a document. Not here: the parsing itself (`feeds`, in a child
process).
"""

from crawler.answers import Answer
from crawler.archive import Claim
from crawler.child import ParsingChild
from crawler.documents import FeedDocument

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)


async def read(answer: Answer, claim: Claim, child: ParsingChild) -> FeedDocument:
    """The entries the last document did not show. Raises ParseFailed."""
    return await child.feed(
        answer.body, answer.content_type, answer.url, claim.state.source, claim.state.shown
    )
