"""Following: a document that only names others is read as one with them, within the same claim.

Lives here: which of them are asked for, how many, and what it means when one does not answer. Not here: the
asking (`reader`: every request passes robots.txt, the host's slot and the address guard), which of many an
index puts first (`sitemaps`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from urllib.parse import urlsplit

from crawler.child import ParseFailed
from crawler.documents import FeedDocument
from crawler.fetches import FetchFailed, Outcome

MOST = 5  # requests for what a document names; an index inside an index costs one of them
WITHIN = timedelta(minutes=1)  # for all of them, so that the claim's lease outlives it

# What will be no better with the next fetch must not keep the others from being read.
_LASTING = frozenset(
    {
        Outcome.NOT_FOUND,
        Outcome.GONE,
        Outcome.FORBIDDEN,
        Outcome.ROBOTS,
        Outcome.TOO_LARGE,
        Outcome.NOT_A_FEED,
    }
)

Read = Callable[[str, timedelta], Awaitable[FeedDocument]]


@dataclass(slots=True)
class _Found:
    documents: list[FeedDocument] = field(default_factory=list)
    failures: list[FetchFailed] = field(default_factory=list)


async def followed(index: FeedDocument, read: Read, *, first: bool) -> FeedDocument:
    """The document with the entries of those it names. Raises FetchFailed where that would be wrong.

    `first`: it is the source's first reading, whose entries count as old. One that does not answer then would
    bring all of its own as news later, so the whole reading is left to the next fetch.
    """
    found = await _ask(index.follow, read)
    grave = [failure for failure in found.failures if first and failure.outcome not in _LASTING]
    if found.failures and (grave or not found.documents):
        raise (grave or found.failures)[0]
    if not found.documents:
        raise FetchFailed(Outcome.MALFORMED, "it leads to other indexes and to no entries")
    problems = [failure.detail for failure in found.failures]
    return FeedDocument(
        entries=tuple(chain.from_iterable(each.entries for each in found.documents)),
        shown=tuple(dict.fromkeys(chain.from_iterable(each.shown for each in found.documents))),
        total=sum(each.total for each in found.documents),
        version=index.version,
        skipped=sum(each.skipped for each in found.documents),
        problems=(*index.problems, *problems, *chain.from_iterable(d.problems for d in found.documents))[:10],
        follow=index.follow,
    )


async def _ask(urls: Sequence[str], read: Read) -> _Found:
    found, waiting, asked = _Found(), deque(urls), set[str]()
    loop = asyncio.get_running_loop()
    end = loop.time() + WITHIN.total_seconds()
    while waiting and len(asked) < MOST:
        url = waiting.popleft()
        left = timedelta(seconds=end - loop.time())
        if url in asked:
            continue
        asked.add(url)
        if left <= timedelta(0):
            found.failures.append(_of(url, FetchFailed(Outcome.TIMEOUT, "no time was left for it")))
            break
        try:
            document = await read(url, left)
        except (FetchFailed, ParseFailed) as failure:
            found.failures.append(_of(url, failure))
            continue
        if document.follow:
            waiting.extendleft(reversed(document.follow))
        else:
            found.documents.append(document)
    return found


def _of(url: str, failure: FetchFailed | ParseFailed) -> FetchFailed:
    """The failure, saying whose it is."""
    detail = f"{urlsplit(url).path[:80]}: {failure.detail}"
    if isinstance(failure, ParseFailed):
        return FetchFailed(failure.outcome, detail)
    return FetchFailed(failure.outcome, detail, status=failure.status, retry_after=failure.retry_after)
