"""Who goes next: claims wait in a lane per host, so that a slow host holds up only its own.

Lives here: the order, in memory, of what is claimed. Scrapy's slots keep the limit per host as well,
redirects included; but what waits in a slot takes one of the places of all. Not here: claiming and giving
back (`crawl`).
"""

from collections import Counter, deque
from datetime import datetime

from crawler.archive import Claim, PageClaim
from crawler.urls import host

Place = tuple[str, str | int]


class Lanes:
    """At most `concurrency` claims are under way, at most `per_host` of them to one host."""

    def __init__(self, concurrency: int, per_host: int) -> None:
        self._concurrency, self._per_host = concurrency, per_host
        self._waiting: dict[str, deque[tuple[Claim | PageClaim, datetime]]] = {}
        self._under_way: dict[Place, Claim | PageClaim] = {}
        self._known: set[Place] = set()
        self._busy: Counter[str] = Counter()
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
        """`start_by`: later, its lease would end before the fetch. Pages go first: news waits for them."""
        lane = self._waiting.setdefault(_host(claim), deque())
        if isinstance(claim, PageClaim):
            lane.appendleft((claim, start_by))
        else:
            lane.append((claim, start_by))
        self._known.add(_place(claim))

    def ready(self, now: datetime) -> list[Claim | PageClaim]:
        """Whose turn it is; they are under way from here on."""
        starting: list[Claim | PageClaim] = []
        for name in list(self._waiting):
            lane = self._waiting[name]
            while lane and self._has_room(name):
                claim, start_by = lane.popleft()
                if now >= start_by:
                    self._known.discard(_place(claim))
                    continue
                self._under_way[_place(claim)] = claim
                self._busy[name] += 1
                starting.append(claim)
            if not lane:
                del self._waiting[name]
        return starting

    def _has_room(self, name: str) -> bool:
        return not self._stopped and self.under_way < self._concurrency and self._busy[name] < self._per_host

    def leave(self, claim: Claim | PageClaim, unfinished: bool = False) -> None:
        """It is no longer under way."""
        if self._under_way.pop(_place(claim), None) is None:
            return
        self._known.discard(_place(claim))
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
