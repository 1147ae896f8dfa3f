"""`kind: api`: an endpoint that answers with a JSON listing.

Lives here: how the body of an answer becomes a document. Not here: the parsing itself (`endpoints`, in a
child process).
"""

from crawler.answers import Answer
from crawler.archive import Claim
from crawler.child import ParsingChild
from crawler.documents import FeedDocument

ACCEPT = "application/json, */*;q=0.5"


async def read(answer: Answer, claim: Claim, child: ParsingChild) -> FeedDocument:
    """The entries the last answer did not show. Raises ParseFailed."""
    return await child.endpoint(answer.body, answer.content_type, answer.url, claim.source, claim.state.shown)
