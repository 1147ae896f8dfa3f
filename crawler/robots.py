"""May we read this address? robots.txt after RFC 9309.

Lives here: when a robots.txt is asked for, what its answer means, and the decision. The parser is Protego,
whose wildcards take linear time. Not here: the request itself (an `ask` is handed in), where the rules are
kept (`hosts`).

| robots.txt answered            | then                                                              |
|--------------------------------|-------------------------------------------------------------------|
| 200                            | its rules hold for a day                                          |
| 4xx, or more than 5 redirects  | there are no rules, for a day                                     |
| 429                            | nothing is read until the host's Retry-After is over              |
| 5xx                            | the rules we had go on; without any, nothing is read;             |
|                                | asked again after 5 min, 10, 20 … at most an hour                 |
| no answer                      | the same, but the fetch fails for that reason and sets the pace   |
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from protego import Protego

from crawler.answers import Answer
from crawler.archive import HostRules
from crawler.fetches import FetchFailed, Outcome
from crawler.hosts import Hosts, origin
from crawler.network import PRODUCT

LIFE = timedelta(hours=24)
SIZE = 512 * 1024  # RFC 9309 asks for at least 500 KiB; what is behind it does not count
FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=1)
PARSED = 1024  # files at hand in parsed form

Ask = Callable[[str], Awaitable[Answer]]  # raises FetchFailed


class Robots:
    """Every robots.txt we know of, asked for when it is needed and forgotten after a day."""

    def __init__(self, hosts: Hosts, clock: Callable[[], datetime]) -> None:
        self._hosts = hosts
        self._clock = clock
        self._parsed: OrderedDict[tuple[str, datetime | None], Protego] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def permit(self, url: str, ask: Ask) -> None:
        """Returns if we may read the address. Raises FetchFailed with the reason if not, or not now."""
        place = _place(url)
        rules = self._hosts.rules(place)
        if due(rules, self._clock()):
            rules = await self._renewed(place, ask)
        if _unknown(rules):
            raise _in_trouble(rules)
        if rules.robots is not None and not self._parse(place, rules).can_fetch(url, PRODUCT):
            parts = urlsplit(url)
            raise FetchFailed(
                Outcome.ROBOTS, f"robots.txt of {parts.hostname} forbids {parts.path[:80] or '/'}"
            )

    async def _renewed(self, place: str, ask: Ask) -> HostRules:
        """One question at a time per host; who waited looks whether the other's answer will do."""
        lock = self._asking.setdefault(place, asyncio.Lock())
        try:
            async with lock:
                rules = self._hosts.rules(place)
                if due(rules, self._clock()):
                    rules = await self._asked(place, rules, ask)
                return rules
        finally:
            if not lock.locked():
                self._asking.pop(place, None)

    async def _asked(self, place: str, known: HostRules, ask: Ask) -> HostRules:
        try:
            answer = await ask(f"{place}/robots.txt")
        except FetchFailed as failure:
            if failure.outcome is Outcome.RATE_LIMITED or known.robots is None:
                if failure.outcome is not Outcome.BAD_REDIRECT:
                    raise
                rules = renewed(known, 404, "", self._clock())
            else:
                rules = renewed(known, None, "", self._clock())
        else:
            if answer.status == 429:
                raise FetchFailed(Outcome.RATE_LIMITED, f"robots.txt of {place} answers 429", status=429)
            rules = renewed(known, answer.status, _text(answer.body), self._clock())
        # The host may have been held meanwhile: only what robots.txt said is new.
        rules = replace(rules, held_until=self._hosts.rules(place).held_until)
        self._hosts.remember(place, rules)
        return rules

    def _parse(self, place: str, rules: HostRules) -> Protego:
        key = (place, rules.robots_at)
        parsed = self._parsed.get(key)
        if parsed is None:
            parsed = Protego.parse(rules.robots or "")
            self._parsed[key] = parsed
            while len(self._parsed) > PARSED:
                self._parsed.popitem(last=False)
        self._parsed.move_to_end(key)
        return parsed


def _place(url: str) -> str:
    try:
        return origin(url)
    except ValueError as error:
        raise FetchFailed(Outcome.BAD_REDIRECT, "not a usable address") from error


def due(rules: HostRules, now: datetime) -> bool:
    """Whether robots.txt has to be asked for (again)."""
    if rules.robots_at is None:
        return True
    return not timedelta(0) <= now - rules.robots_at < life(rules)  # a clock set back asks again


def life(rules: HostRules) -> timedelta:
    """How long the last answer is good for."""
    if _answered(rules.robots_status):
        return LIFE
    doublings = min(max(rules.robots_failures - 1, 0), 10)
    return min(FIRST_RETRY * float(2**doublings), LONGEST_RETRY)


def renewed(known: HostRules, status: int | None, text: str, now: datetime) -> HostRules:
    """What we know after an answer (None: there was none)."""
    if not _answered(status):
        return replace(known, robots_status=status, robots_at=now, robots_failures=known.robots_failures + 1)
    found = status is not None and 200 <= status < 300
    return replace(
        known, robots=text if found else None, robots_status=status, robots_at=now, robots_failures=0
    )


def _answered(status: int | None) -> bool:
    return status is not None and status < 500


def _unknown(rules: HostRules) -> bool:
    """The host is in trouble and we have no older rules to go by: all of it is closed to us."""
    return not _answered(rules.robots_status) and rules.robots is None


def _in_trouble(rules: HostRules) -> FetchFailed:
    return FetchFailed(
        Outcome.SERVER_ERROR,
        f"robots.txt answers {rules.robots_status}; nothing is read until it does better",
    )


def _text(body: bytes) -> str:
    """As UTF-8, whatever it says; without the characters a database may refuse."""
    return body[:SIZE].decode("utf-8-sig", "replace").replace("\0", "")
