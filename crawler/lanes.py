"""Who goes next: claims wait in a lane per host, so that a slow host holds up only its own.

Lives here: the order, in memory, of what is claimed. Scrapy's slots keep the limit per host as well,
redirects included; but what waits in a slot takes one of the places of all. Not here: claiming and giving
back (`crawl`).
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from crawler.archive import Claim, PageClaim
from crawler.urls import host

Place = tuple[str, str | int]
Waiting = tuple[Claim | PageClaim, datetime]


@dataclass(slots=True)
class Lane:
    """What waits for one host. Pages go first, as news waits for them, and then in turn with the sources."""

    pages: deque[Waiting] = field(default_factory=deque)
    sources: deque[Waiting] = field(default_factory=deque)
    page_went: bool = False  # last

    def next(self, pages_too: bool) -> Waiting | None:
        pages = self.pages if pages_too else ()
        page = bool(pages) and not (self.page_went and self.sources)
        if not page and not self.sources:
            return None
        self.page_went = page
        return (self.pages if page else self.sources).popleft()

    def __iter__(self) -> Iterator[Waiting]:
        return chain(self.pages, self.sources)


class Lanes:
    """At most `concurrency` claims are under way, at most `per_host` of them to one host.

    No more than three quarters are pages, so that a flood of wanted pages does not keep us from the news.
    """

    def __init__(self, concurrency: int, per_host: int) -> None:
        self._concurrency, self._per_host = concurrency, per_host
        self._most_pages = max(1, concurrency * 3 // 4)
        self._waiting: dict[str, Lane] = {}
        self._under_way: dict[Place, Claim | PageClaim] = {}
        self._known: set[Place] = set()
        self._busy: Counter[str] = Counter()
        self._pages = 0
        self._unfinished: list[Claim | PageClaim] = []
        self._stopped = False

    def __len__(self) -> int:
        return len(self._known)

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    def knows(self, claim: Claim | PageClaim) -> bool:
        return _place(claim) in self._known

    def add(self, claim: Claim | PageClaim, start_by: datetime) -> None:
        """`start_by`: later, its lease would end before the fetch."""
        lane = self._waiting.setdefault(_host(claim), Lane())
        (lane.pages if isinstance(claim, PageClaim) else lane.sources).append((claim, start_by))
        self._known.add(_place(claim))

    def ready(self, now: datetime) -> list[Claim | PageClaim]:
        """Whose turn it is; they are under way from here on."""
        starting: list[Claim | PageClaim] = []
        for name in list(self._waiting):
            lane = self._waiting[name]
            while self._has_room(name) and (waiting := lane.next(self._pages < self._most_pages)):
                claim, start_by = waiting
                if now < start_by:
                    self._start(name, claim)
                    starting.append(claim)
                else:
                    self._known.discard(_place(claim))
            if not any(lane):
                del self._waiting[name]
        return starting

    def _has_room(self, name: str) -> bool:
        return not self._stopped and self.under_way < self._concurrency and self._busy[name] < self._per_host

    def _start(self, name: str, claim: Claim | PageClaim) -> None:
        self._under_way[_place(claim)] = claim
        self._busy[name] += 1
        self._pages += isinstance(claim, PageClaim)

    def leave(self, claim: Claim | PageClaim, unfinished: bool = False) -> None:
        """It is no longer under way."""
        if self._under_way.pop(_place(claim), None) is None:
            return
        self._known.discard(_place(claim))
        self._pages -= isinstance(claim, PageClaim)
        name = _host(claim)
        self._busy[name] -= 1
        if not self._busy[name]:
            del self._busy[name]
        if unfinished:
            self._unfinished.append(claim)

    def stop(self) -> None:
        """Nobody starts any more."""
        self._stopped = True

    def unfinished(self) -> list[Claim | PageClaim]:
        """All that was claimed and not finished, for whoever gives it back."""
        waiting = [claim for lane in self._waiting.values() for claim, _ in lane]
        return [*self._unfinished, *self._under_way.values(), *waiting]


def _place(claim: Claim | PageClaim) -> Place:
    return ("page", claim.article) if isinstance(claim, PageClaim) else ("source", claim.source.id)


def _host(claim: Claim | PageClaim) -> str:
    return host(claim.url if isinstance(claim, PageClaim) else claim.state.url or claim.source.url)
