"""Manners on the way: robots.txt before every request, and redirects hop by hop.

Lives here: our one Scrapy downloader middleware. As every hop is a request of its own, each passes
robots.txt, the host's slot and the address guard like the first. Not here: what robots.txt means
(`robots`).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from scrapy import Request
from scrapy.http import Response

from crawler.answers import REDIRECTS, Answer, Hop
from crawler.download import Arrived, Limit
from crawler.fetches import FetchFailed, Outcome
from crawler.hosts import origin
from crawler.robots import SIZE, Robots
from crawler.urls import absolute

MOST_HOPS = 5

# What may be shown to another host; the rest of a source's `headers:` (a key, perhaps) stays with the first.
_TRAVELLING = frozenset(
    {b"User-Agent", b"Accept", b"Accept-Encoding", b"If-None-Match", b"If-Modified-Since"}
)


class Manners:
    """Requests carry `timeout`, `hops` and `robots` in their meta."""

    def __init__(self, crawler: Any, robots: Robots, headers: Mapping[str, str]) -> None:
        self._crawler = crawler
        self._robots = robots
        self._headers = headers

    @classmethod
    def from_crawler(cls, crawler: Any) -> "Manners":
        kit = crawler.spider.kit
        return cls(crawler, kit.robots, kit.headers)

    async def process_request(self, request: Request) -> None:
        if request.meta.get("robots", True):
            await self._robots.permit(request.url, lambda url: self._ask(url, request.meta["timeout"]))

    async def _ask(self, url: str, within: timedelta) -> Answer:
        """robots.txt, over the same slots, guard and redirects as everything else."""
        meta = {"timeout": within, "hops": (), "robots": False, "limit": Limit(SIZE, prefix=True)}
        question = Request(url, headers=dict(self._headers), meta=meta, dont_filter=True)
        arrived = await self._crawler.engine.download_async(question)
        return cast("Arrived", arrived).answer

    def process_response(self, request: Request, response: Response) -> Response | Request:
        answer = cast("Arrived", response).answer
        location = answer.headers.get("Location")
        if answer.status not in REDIRECTS or location is None:
            return response
        hop = next_hop(request.url, request.meta["hops"], answer.status, location)
        meta = request.meta | {
            "hops": (*request.meta["hops"], hop),
            "timeout": max(request.meta["timeout"] - answer.elapsed, timedelta(seconds=1)),
        }
        meta.pop("download_slot", None)  # the next hop belongs to its own host
        headers = request.headers.copy()
        if origin(hop.to) != origin(request.url):
            for name in set(headers) - _TRAVELLING:
                del headers[name]
        return request.replace(url=hop.to, headers=headers, meta=meta)


def next_hop(url: str, hops: tuple[Hop, ...], status: int, location: str) -> Hop:
    """Where a redirect leads. Raises FetchFailed for what we do not follow."""
    if len(hops) >= MOST_HOPS:
        raise FetchFailed(Outcome.BAD_REDIRECT, f"more than {MOST_HOPS} redirects", status=status)
    target = absolute(location, url)
    if target is None:
        raise FetchFailed(
            Outcome.BAD_REDIRECT, "leads to something that is no http(s) address", status=status
        )
    target = target.partition("#")[0]
    if target == url or any(hop.to == target for hop in hops):
        raise FetchFailed(Outcome.BAD_REDIRECT, "leads round in a circle", status=status)
    return Hop(status, target)


def with_hops(response: Response) -> Answer:
    """The answer at the end of the way, knowing the way."""
    return replace(cast("Arrived", response).answer, hops=response.meta["hops"])
