"""robots.txt: when it is asked for, what its answer means, what it forbids."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from multidict import CIMultiDict
from sqlalchemy import Engine

from crawler import robots
from crawler.answers import Answer
from crawler.archive import HostRules
from crawler.fetches import FetchFailed, Outcome
from crawler.hosts import Hosts, origin
from crawler.robots import Robots
from tests.web_stand_in import empty_archive

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SITE = "http://a.example:80"


class World:
    """A clock that is set, and a robots.txt that answers as it is told."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.now = NOON
        self.engine = engine or empty_archive()
        self.hosts = Hosts(self.engine)
        self.robots = Robots(self.hosts, lambda: self.now)
        self.asked: list[str] = []
        self.says: Answer | FetchFailed = says("")

    async def ask(self, url: str) -> Answer:
        self.asked.append(url)
        await asyncio.sleep(0)
        if isinstance(self.says, FetchFailed):
            raise self.says
        return self.says

    async def outcome(self, url: str = f"{SITE}/feed") -> Outcome | None:
        try:
            await self.robots.permit(url, self.ask)
        except FetchFailed as failure:
            return failure.outcome
        return None


def says(text: str = "", status: int = 200) -> Answer:
    return Answer(f"{SITE}/robots.txt", status, CIMultiDict(), text.encode())


CLOSED = "User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/feed", True),
        (CLOSED, "/feed", False),
        ("User-agent: tocsin\nDisallow: /\n\nUser-agent: *\nDisallow:\n", "/feed", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Tocsin\nDisallow: /private/\n", "/feed", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: tocsin\nDisallow:\n", "/feed", True),
        ("User-agent: a\nUser-agent: tocsin\nDisallow: /feed\n", "/feed", False),
        ("User-agent: *\nDisallow: /private/\n", "/private/feed", False),
        ("User-agent: *\nDisallow: /private/\n", "/feed?x=/private/", True),
        ("User-agent: *\nDisallow: /\nAllow: /feed\n", "/feed", True),
        ("User-agent: *\nDisallow: /*.xml$\n", "/a.xml", False),
        ("User-agent: *\nDisallow: /*.xml$\n", "/a.xml?b", True),
        ("\ufeffUser-agent: *\nDisallow: /\n", "/feed", False),
        ("<!doctype html><title>Not found</title>", "/feed", True),
        ("User-agent: notocsin\nDisallow: /\n", "/feed", True),
    ],
)
async def test_the_group_that_names_us_decides_else_the_general_one(
    text: str, path: str, allowed: bool
) -> None:
    world = World()
    world.says = says(text)
    assert await world.outcome(SITE + path) == (None if allowed else Outcome.ROBOTS)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (says(CLOSED, 404), None),
        (says(CLOSED, 401), None),
        (says(CLOSED, 403), None),
        (says(CLOSED, 410), None),
        (says(CLOSED, 301), None),  # without Location
        (says("", 429), Outcome.RATE_LIMITED),
        (says("", 500), Outcome.SERVER_ERROR),
        (says("", 503), Outcome.SERVER_ERROR),
        (FetchFailed(Outcome.BAD_REDIRECT, "too many"), None),
        (FetchFailed(Outcome.TIMEOUT, ""), Outcome.TIMEOUT),
        (FetchFailed(Outcome.DNS, ""), Outcome.DNS),
        (FetchFailed(Outcome.BLOCKED_ADDRESS, ""), Outcome.BLOCKED_ADDRESS),
        (FetchFailed(Outcome.RATE_LIMITED, ""), Outcome.RATE_LIMITED),
    ],
)
async def test_what_an_answer_without_rules_means(
    answer: Answer | FetchFailed, outcome: Outcome | None
) -> None:
    world = World()
    world.says = answer
    assert await world.outcome() == outcome


async def test_rules_hold_for_a_day() -> None:
    world = World()
    world.says = says(CLOSED)
    assert await world.outcome() == Outcome.ROBOTS
    world.says = says("")
    world.now += 23 * HOUR
    assert await world.outcome() == Outcome.ROBOTS
    world.now += HOUR
    assert await world.outcome() is None
    assert len(world.asked) == 2


async def test_rules_survive_a_restart() -> None:
    first = World()
    first.says = says(CLOSED)
    await first.outcome()
    second = World(first.engine)
    assert await second.outcome() == Outcome.ROBOTS
    assert second.asked == []


async def test_a_host_in_trouble_is_asked_again_sooner_each_time_a_little_later() -> None:
    world = World()
    world.says = says("", 503)
    minutes = []
    for _ in range(6):
        assert await world.outcome() == Outcome.SERVER_ERROR
        asked = len(world.asked)
        began = world.now
        while len(world.asked) == asked:
            world.now += timedelta(minutes=1)
            await world.outcome()
        minutes.append(round((world.now - began) / timedelta(minutes=1)))
    assert minutes == [5, 10, 20, 40, 60, 60]
    world.says = says("")
    world.now += HOUR
    assert await world.outcome() is None


@pytest.mark.parametrize("trouble", [says("", 503), FetchFailed(Outcome.TIMEOUT, "")])
async def test_a_host_in_trouble_keeps_the_rules_it_had(trouble: Answer | FetchFailed) -> None:
    world = World()
    world.says = says("User-agent: *\nDisallow: /private/\n")
    await world.outcome()
    world.says, world.now = trouble, NOON + 25 * HOUR
    assert await world.outcome() is None
    assert await world.outcome(f"{SITE}/private/a") == Outcome.ROBOTS
    assert len(world.asked) == 2


async def test_a_host_that_does_not_answer_is_asked_at_the_pace_of_its_sources() -> None:
    world = World()
    world.says = FetchFailed(Outcome.REFUSED, "")
    await world.outcome()
    await world.outcome()
    assert len(world.asked) == 2


async def test_many_at_once_ask_once() -> None:
    world = World()
    assert await asyncio.gather(*(world.outcome(f"{SITE}/{n}") for n in range(20))) == [None] * 20
    assert world.asked == [f"{SITE}/robots.txt"]


async def test_each_scheme_host_and_port_has_rules_of_its_own() -> None:
    world = World()
    world.says = says(CLOSED)
    await world.outcome("http://a.example/feed")
    world.says = says("")
    assert await world.outcome("https://a.example/feed") is None
    assert await world.outcome("http://a.example:8080/feed") is None
    assert await world.outcome("http://A.example/feed") == Outcome.ROBOTS


async def test_h21_what_lies_behind_half_a_mebibyte_does_not_count() -> None:
    world = World()
    world.says = says("#" * robots.SIZE + "\n" + CLOSED)
    assert await world.outcome() is None


async def test_a_hold_that_came_with_the_answer_is_kept() -> None:
    world = World()

    async def ask(url: str) -> Answer:
        world.hosts.hold(SITE, NOON + HOUR)
        return says("")

    await world.robots.permit(f"{SITE}/feed", ask)
    assert world.hosts.held_until(SITE, NOON) == NOON + HOUR


def test_a_clock_set_back_asks_again() -> None:
    assert robots.due(HostRules("", 200, NOON + HOUR), NOON)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example/x", "http://a.example:80"),
        ("https://A.example:8443/x", "https://a.example:8443"),
        ("http://[::1]/x", "http://[::1]:80"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: str) -> None:
    assert origin(url) == expected


def test_a_hold_survives_a_restart_and_only_grows() -> None:
    engine = empty_archive()
    Hosts(engine).hold(SITE, NOON + HOUR)
    hosts = Hosts(engine)
    hosts.hold(SITE, NOON + HOUR / 2)
    assert Hosts(engine).held_until(SITE, NOON) == NOON + HOUR
    assert Hosts(engine).held_until(SITE, NOON + HOUR) is None
