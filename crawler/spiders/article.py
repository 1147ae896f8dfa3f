"""The page behind an entry: not a kind of source, but read the same way.

Lives here: how the body of an answer becomes the wording of an article. Not here: the extraction itself
(`pages`, in a child process), whether the wording says more than we have (`articles`).
"""

from crawler.answers import Answer
from crawler.archive import PageClaim
from crawler.articles import Wording
from crawler.child import ParsingChild
from crawler.fetches import Fetch
from crawler.spiders.readings import PageReading

ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"


async def read(answer: Answer, claim: PageClaim, child: ParsingChild, fetch: Fetch) -> PageReading:
    """What the page says. Raises ParseFailed."""
    page = await child.page(answer.body, answer.content_type, answer.url)
    landed = tuple(url for url in (answer.url, page.url) if url)
    return PageReading(claim, fetch, Wording(page.title, page.text), landed, page.language)
