"""The law of threads: what matched of a story that was told is linked in the channel, or repeats what is.

Random days of news go through the door, with kills, better sources, copies, limits, stories that are united,
merged and split; and whatever came, was told or held.
"""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Connection, Engine

from alerts import ledger, outbox, regrouping
from alerts.alerting import UNLIMITED, Backlog
from alerts.features import EventsFile, Reader
from alerts.matching import Matcher
from alerts.notifications import Alarm, Body, FollowUp
from alerts.rulebook import Rulebook
from alerts.stories import StoryHabits, StoryId
from alerts.watches import Rule, Watch
from crawler import archive
from crawler.articles import Article
from crawler.entries import Entry
from crawler.sources import SourceId
from tests.alerts.test_screen import Desk
from tests.builders import HOUR, MINUTE, NOW, entry, source
from tests.telling import SECOND

ACTS = ("sues", "hires", "buys", "warns", "leaves")
PAPERS = ("Gazette", "Tribune", "Mercury")
PARTIES = ("Oracle", "Google", "Amazon")
EVENTS = EventsFile(
    background={"two": ("OpenAI", "Microsoft")},
    parties={name.lower(): (name,) for name in PARTIES},
    papers={name.lower(): (name,) for name in PAPERS},
    acts={name: (name,) for name in ACTS},
)
WATCH = Watch(
    id="pact",
    rules=(
        Rule(id="core", level="alert", query="title:(OpenAI AND Microsoft)"),
        Rule(id="deep", level="digest", query="body:(OpenAI AND Microsoft)"),
    ),
    channels=("news",),
)
SOURCES = (
    source("herald"),
    source("echo", tier=3),
    source("bugle", tier=1),
    source("sec", publisher="filing", tier=1),
    source("corp", publisher="company"),
)


class Day(Desk):
    """News that comes as chance has it; what the channel has been shown is noted."""

    def __init__(self, engine: Engine, chance: Random) -> None:
        self.chance, self.at, self.shown = chance, NOW, set[str]()
        super().__init__(engine, *SOURCES)
        limits = UNLIMITED.model_copy(update={"roots_per_day": chance.choice([None, 2, 4])})
        habits = StoryHabits(group_wait=2 * MINUTE, follow_ups=3 * MINUTE, alike=True)
        self.rulebook = Rulebook(
            self.sources, {"pact": WATCH}, Matcher([WATCH]), Backlog(), habits, limits, reader=Reader(EVENTS)
        )
        self.told: list[Entry] = []  # type: ignore[assignment]

    def something_comes(self) -> None:
        for _ in range(self.chance.choice([1, 1, 2, 12])):
            of = self.chance.choice(list(self.sources))
            self.read(self.news(of), of=of, now=self.at)
        self.screen(self.at)

    def news(self, of: str) -> Entry:
        number = len(self.told)
        title = (
            f"OpenAI {self.chance.choice(ACTS)} Microsoft over {self.chance.choice(PARTIES)}, take {number}"
        )
        summary = f"{self.chance.choice(PAPERS)} says so of OpenAI and Microsoft. " * self.chance.randint(
            0, 2
        )
        new = entry(title, source=SourceId(of), url=f"https://{of}.example/{number}", summary=summary)
        if self.told and self.chance.random() < 0.3:  # a copy, or another headline over the same words
            before = self.chance.choice(self.told)
            again = {"title": before.title} if self.chance.random() < 0.5 else {"summary": before.summary}
            new = replace(new, published=self.at, **again)
        self.told.append(new)
        return replace(new, published=self.at)

    def it_is_killed(self) -> None:
        """Before the commit: all of it is done again."""
        of = self.chance.choice(list(self.sources))
        self.read(self.news(of), of=of, now=self.at)
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(archive, "mark_screened", _cut)
            with pytest.raises(OSError, match="power"):
                self.screen(self.at)

    def something_is_sent(self) -> None:
        for _ in range(self.chance.choice([1, 3, 100])):
            self.at += 3 * SECOND
            with self.engine.begin() as connection:
                claim = outbox.claim(connection, "news", self.at, 25 * SECOND, SECOND)
                claim = claim or outbox.claim_edit(connection, "news", self.at, 25 * SECOND, SECOND)
                if claim is None:
                    return
                self.shown |= links(claim.delivery.body)
                outbox.sent(connection, claim, f"{int(self.at.timestamp())}.000000", self.at)

    def somebody_corrects(self) -> None:
        with self.engine.begin() as connection:
            rows = ledger.recent_stories(connection, 5)
            if len(rows) > 1 and self.chance.random() < 0.5:
                regrouping.merge(connection, self.rulebook, rows[0].id, rows[1].id, "ann", self.at)
            for row in rows[2:3]:
                there = [one.article for one in ledger.articles_of(connection, row.id)]
                if len(there) > 1:
                    new = StoryId(f"split-{len(self.told)}-{self.at:%H%M%S}")
                    ledger.split_story(connection, row.id, there[:1], new, self.at)

    def time_passes(self) -> None:
        self.at += self.chance.choice([SECOND, MINUTE, 4 * MINUTE, HOUR])

    def swallowed(self) -> list[str]:
        """What is linked nowhere, and repeats nothing that is."""
        with self.engine.connect() as connection:
            everything = archive.with_ids(connection, self.sources, range(1, 2000)).values()
            linked = [one.id for one in everything if one.link in self.shown]
            held = ledger.held_for_digest(connection, "news", NOW - HOUR, self.at)
            waiting = {row.article for row in held}
            return [
                f"{one.id} {one.title}"
                for one in everything
                if one.id not in linked
                and one.id not in waiting
                and is_owed(connection, one)
                and not ledger.repeated(connection, one.id, linked)
            ]


def is_owed(connection: Connection, one: Article) -> bool:
    """Whether a rule that rings held for it, and its story was told."""
    rings = any(row.level == "alert" for row in ledger.matches_of(connection, one.id))
    story = ledger.story_of(connection, one.id)
    return rings and story is not None and ledger.told(connection, story, "pact")


def links(body: Body) -> set[str]:
    if isinstance(body, Alarm):
        return {body.link or ""}
    return {item.link or "" for item in body.items} if isinstance(body, FollowUp) else set()


def _cut(*_: object) -> None:
    raise OSError("power is cut")


@pytest.mark.parametrize("seed", range(8))
def test_what_matched_of_a_told_story_is_linked_or_repeats_what_is(engine: Engine, seed: int) -> None:
    chance = Random(seed)
    day = Day(engine, chance)
    steps = [day.something_comes, day.something_is_sent, day.time_passes]
    for _ in range(25):
        chance.choice([*steps, *steps, *steps, day.it_is_killed, day.somebody_corrects])()
    day.screen(day.at)
    for _ in range(12):
        day.at += timedelta(minutes=5)
        day.something_is_sent()
    while outbox_waits(day):
        day.something_is_sent()
    assert day.swallowed() == []
    assert len(day.shown) > 5


def outbox_waits(day: Day) -> bool:
    with day.engine.connect() as connection:
        counted = outbox.counts(connection, "news")
    return any(counted[state] for state in outbox.UNFINISHED)
