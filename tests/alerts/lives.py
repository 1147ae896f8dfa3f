"""A story's life in a channel, as the machine of `test_story_states` leads it.

Lives here: where a story may stand and along which letters of docs/stories.md it may move, a channel that can
lose answers, the doors with a clock that is turned, what is to be seen in the end. Not here: the moves.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import wraps
from itertools import count
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
)
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from alerts import ledger, outbox
from alerts.alerting import UNLIMITED, Backlog, Reason
from alerts.brief import brief
from alerts.channels import Channel, DigestTime, QuietHours
from alerts.dispatch import dispatch
from alerts.features import EventsFile, Reader
from alerts.matching import Matcher
from alerts.notifications import (
    Alarm,
    Body,
    Delivery,
    DeliveryFailed,
    DeliveryId,
    Digest,
    Fault,
    FollowUp,
    HistoryPage,
    Kind,
    Plainness,
    Receipt,
)
from alerts.outbox import Record, State
from alerts.outbox.schema import GIVEN_UP
from alerts.rulebook import Rulebook
from alerts.screen import screen
from alerts.stories import StoryHabits
from alerts.sum_up import sum_up
from alerts.watches import Rule, Watch
from alerts.wind_up import wind_up
from crawler import archive
from crawler.fetches import Fetch, Outcome
from crawler.sources import SourceId
from tests.builders import DAY, HOUR, MINUTE, NOW, entry, source
from tests.crawler.test_archive import Book
from tests.telling import HABITS, SECOND, Clock

WATCH = Watch(
    id="pact",
    rules=(
        Rule(id="core", level="alert", query="title:(OpenAI AND Microsoft)"),
        Rule(id="deep", level="digest", query="body:(OpenAI AND Microsoft)"),
    ),
    channels=("news",),
)
NIGHT = QuietHours.model_validate({"from": "22:00", "to": "07:00", "except": ["filing"]})
NEWS = Channel(id="news", kind="console", digest=DigestTime(at=time(13, 0)), quiet=NIGHT)
ROOTS_A_DAY = 3
SOURCES = (
    source(),
    source("gazette"),
    source("echo"),
    source("mirror"),
    source("sec", publisher="filing", tier=1),
)


class Event(NamedTuple):
    """What happens; by act and paper its articles know each other, whatever else they say."""

    act: str
    paper: str
    what: str


HAPPENINGS = (
    Event("sues", "Harbour Post", "for its fees"),
    Event("hires", "Lantern Weekly", "for its engineers"),
    Event("acquires", "Quarry Times", "for its halls"),
    Event("abandons", "Meadow Chronicle", "for its plans"),
    Event("insures", "Copper Gazette", "for its losses"),
)
READER = Reader(
    EventsFile(
        background={"two": ("OpenAI", "Microsoft")},
        papers={event.act: (event.paper,) for event in HAPPENINGS},
        acts={event.act: (event.act,) for event in HAPPENINGS},
    )
)


# --- the drawing ------------------------------------------------------------------------------------


class At(StrEnum):
    """Where a story stands in a channel."""

    NOWHERE = "nowhere"
    HELD = "held"
    SUMMED_UP = "summed up"
    CANDIDATE = "candidate"
    ALERTED = "alerted"
    DEAD = "dead"
    UPDATING = "updating"
    QUIET = "quiet"
    CLOSED = "closed"


TOLD = (At.ALERTED, At.UPDATING, At.QUIET)
OPEN = (At.CANDIDATE, At.DEAD, *TOLD)
COUNTS = dict.fromkeys(TOLD, (At.UPDATING,))
GROWS = {**COUNTS, At.DEAD: (At.CANDIDATE,)}
ENDS = dict.fromkeys((At.ALERTED, At.QUIET, At.SUMMED_UP, At.DEAD), (At.CLOSED,))
RINGS = dict.fromkeys((At.HELD, At.SUMMED_UP), (At.CANDIDATE,))
STAYS: Mapping[At, tuple[At, ...]] = {}
MOVES: Mapping[str, Mapping[At, tuple[At, ...]]] = {  # from where to where; staying is allowed
    "a": {At.NOWHERE: (At.CANDIDATE,)},
    "b": STAYS,
    "c": {At.CANDIDATE: (At.ALERTED, At.UPDATING)},
    "d": GROWS,
    "e": GROWS,
    "f": COUNTS,
    "g": GROWS,
    "h": STAYS,
    "i": {At.UPDATING: (At.QUIET,)},
    "j": ENDS,
    "k": {At.NOWHERE: (At.CANDIDATE,)},
    "l": {At.NOWHERE: (At.HELD,)},
    "m": {At.HELD: (At.SUMMED_UP,)},
    "n": RINGS,
    "o": {At.NOWHERE: (At.HELD,)},
    "p": {At.UPDATING: (At.QUIET, At.ALERTED)},
    "q": {At.HELD: (At.SUMMED_UP,)},
    "r": STAYS,
    "s": STAYS,
    "t": {At.NOWHERE: (At.HELD,)},
    "u": {At.HELD: (At.SUMMED_UP,)},
    "v": RINGS,
    "w": {At.SUMMED_UP: (At.HELD,)},
    "x": GROWS,
    "y": {At.HELD: (At.SUMMED_UP,)},
    "z": {At.CANDIDATE: (At.DEAD,)},
}


MADE: set[str] = set()  # letters of which there is a rule


def letters(*these: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """What the machine does there moves each story along these letters, or not at all."""
    MADE.update(these)

    def moving(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def checked(self: "Life", *given: Any, **named: Any) -> None:
            function(self, *given, **named)
            self.check_moves((*these, "j"))  # time passes with everything

        return checked

    return moving


def may_move(before: At, after: At, by: Collection[str]) -> bool:
    """Is there a way from here to there along these letters?"""
    reached = {before}
    for _ in At:
        reached |= {to for letter in by for at in reached for to in MOVES[letter].get(at, ())}
    return after in reached


# --- a channel --------------------------------------------------------------------------------------


class Killed(BaseException):
    """kill -9, in the middle of a call."""


def killed(*_: object) -> None:
    raise Killed


FAULTS = ("lost", "vanished", "limited", "refused", "unreachable", "killed before", "killed after")


@dataclass
class Post:
    """A message as the channel has it, and every wording it ever had."""

    ts: str
    delivery: DeliveryId
    kind: Kind
    story: str | None
    thread: str | None
    wordings: list[Body]


@dataclass
class FakeChannel:
    """Threads, edits and a history, as Slack has them; `faults` happen to the next calls.

    `refuses`: what it will not take in any form.
    """

    posts: list[Post] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    refuses: set[DeliveryId] = field(default_factory=set)
    reads_back = threads = edits = True
    pace = edit_pace = timedelta(0)

    async def send(self, delivery: Delivery) -> Receipt:
        if delivery.id in self.refuses:
            raise DeliveryFailed(Fault.CONTENT, "invalid_blocks")
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case "killed before":
                raise Killed
            case "limited":
                raise DeliveryFailed(Fault.LIMITED, "too fast", 7 * SECOND)
            case "refused" if delivery.plainness is not Plainness.MINIMAL:
                raise DeliveryFailed(Fault.CONTENT, "invalid_blocks")
            case "unreachable":
                raise DeliveryFailed(Fault.UNREACHABLE, "nobody there")
            case "vanished":
                raise DeliveryFailed(Fault.UNKNOWN, "no answer")
        ts = self._store(delivery)
        if fault == "killed after":
            raise Killed
        if fault == "lost":
            raise DeliveryFailed(Fault.UNKNOWN, "no answer")
        return Receipt(ts)

    def _store(self, delivery: Delivery) -> str:
        if delivery.kind is Kind.EDIT:
            post = next(one for one in self.posts if one.ts == delivery.thread)
            post.wordings.append(delivery.body)
            return post.ts
        ts = f"{len(self.posts) + 1}.000000"
        story, kind = delivery.story, delivery.kind
        self.posts.append(Post(ts, delivery.id, kind, story, delivery.thread, [delivery.body]))
        return ts

    async def newest(self) -> str:
        return self.posts[-1].ts if self.posts else "0.000001"

    async def read(
        self,
        oldest: str | None,
        cursor: str | None,
        wanted: Collection[DeliveryId],
        thread: str | None = None,
    ) -> HistoryPage:
        there = {one.delivery: one.ts for one in self.posts if one.thread == thread}
        return HistoryPage(there, await self.newest())

    async def check(self) -> str:
        return "a channel for tests"

    @property
    def links(self) -> set[str]:
        """Every article that some wording of some message led to."""
        return {link for post in self.posts for body in post.wordings for link in links_of(body)}


def links_of(body: Body) -> Iterator[str]:
    match body:
        case Alarm():
            yield body.link or ""
        case FollowUp():
            yield from (item.link or "" for item in body.items)
        case Digest():
            yield from (line.link or "" for part in body.parts for line in part.lines)


# --- the model --------------------------------------------------------------------------------------


@dataclass
class Tale:
    """An event as the machine remembers it: what was brought, and what is to be seen of it."""

    event: Event
    story: str = ""
    headline: str = ""  # of the article it was told by
    headline_at: datetime = NOW  # when an article last had it
    at: At = At.NOWHERE
    last: datetime = NOW  # of its latest article
    filed: bool = False  # a filing is in its thread
    denied: bool = False
    briefed: bool = False  # it was told in a brief: it has a thread, and no root until something is promoted
    retitled: bool = False
    mended: bool = False  # its headline was changed before, told or not
    address: str = ""  # of its first article
    gone_at: datetime | None = None  # since when its page is known to be gone
    back: bool = False
    held: set[str] = field(default_factory=set)  # addresses
    silenced: set[str] = field(default_factory=set)
    silenced_until: datetime | None = None
    spoken: int = 0  # roots and replies when it was silenced

    @property
    def waiting(self) -> set[str]:
        """What was put off. A digest has a line for each story: one of these is told, others counted."""
        return self.held | self.silenced


def open_notebooks() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    for tables in (archive.tables, ledger.tables, outbox.tables):
        tables.create_all(engine)
    return engine


class Life(RuleBasedStateMachine):
    """One channel, one watch, some events; nothing happens by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(NOW)
        self.channel = FakeChannel()
        self.loop = asyncio.new_event_loop()
        self.engine = open_notebooks()
        self.book = Book(self.engine, *SOURCES)
        self.rulebook = Rulebook(
            self.book.sources,
            {"pact": WATCH},
            Matcher([WATCH]),
            Backlog(),
            StoryHabits(alike=True),
            UNLIMITED.model_copy(update={"roots_per_day": ROOTS_A_DAY}),
            channels={"news": NEWS},
            reader=READER,
        )
        for of in self.book.sources:
            self.book.read(entry("Old news", source=of), of=of, now=NOW - HOUR)
        screen(self.engine, self.rulebook, NOW)
        self.tales: list[Tale] = []
        self.past: list[Tale] = []  # whose event is spoken of again in another story
        self.told_at: list[datetime] = []
        self.owed: set[str] = set()  # addresses that the channel must have been led to in the end
        self.number = count(1)
        self.doomed = False  # the next door is killed before it commits

    def teardown(self) -> None:
        try:
            self.end()
        finally:
            self.loop.close()
            self.engine.dispose()

    def end(self) -> None:
        """Whatever happened: once the faults are over, everything is said, each once."""
        self.channel.faults.clear()
        self.deliver()
        self.clock.now += DAY + HOUR  # the longest silence
        self.next_digest()
        self.deliver()
        self.bring_back_the_dead()
        with self.engine.connect() as connection:
            left = outbox.counts(connection)
            dropped = outbox.records(connection, states=(State.DROPPED,))
        assert not any(left[state] for state in (*outbox.UNFINISHED, State.DEAD)), left
        held = [one for one in dropped if (one.reason or "").startswith("held by silence")]
        assert {one.kind for one in dropped if one not in held} <= {Kind.EDIT}  # of a root that never came
        self.note_held()
        assert not self.owed - self.channel.links
        for tale in (*self.tales, *self.past):
            assert not tale.waiting or tale.waiting & self.channel.links

    def bring_back_the_dead(self) -> None:
        """As a person does who mended what Slack refused; nothing else is dead."""
        with self.engine.begin() as connection:
            assert set(outbox.retry_dead(connection, None, self.clock())) == self.channel.refuses
        self.channel.refuses.clear()
        self.deliver()

    def note_held(self) -> None:
        """What waited in a thread when it was silenced is owed by the silence now."""
        with self.engine.connect() as connection:
            for tale in (*self.tales, *self.past):
                for row in ledger.articles_of(connection, tale.story) if tale.story else ():
                    article = archive.with_ids(connection, self.book.sources, [row.article])[row.article]
                    named = any(one.silence for one in ledger.matches_of(connection, article.id))
                    if named and article.link in self.owed:
                        self.owed.discard(article.link)
                        tale.silenced.add(article.link)

    # ---- what happens

    def bring(self, tale: Tale, title: str, of: str, *, wants: Reason, **changes: Any) -> str:
        """One article is announced and screened. Its address."""
        (address,) = self.bring_at_once(tale, (title,), of, wants=wants, **changes)
        return address

    def bring_at_once(
        self, tale: Tale, titles: Sequence[str], of: str, *, wants: Reason, **changes: Any
    ) -> list[str]:
        """Several in one reading of their source."""
        self.clock.pass_by(5)
        entries, addresses = [], []
        for title in titles:
            address = changes.get("url") or f"https://{of}.example/{next(self.number)}"
            told = {"guid": address, "published": self.clock(), **changes, "url": address}
            entries.append(entry(title, source=SourceId(of), **told))
            addresses.append(address)
        self.book.read(*entries, of=of, now=self.clock())
        if "url" not in changes:  # a later wording is no article that joins
            tale.last = self.clock()
        self.screen(tale, *addresses, wants=wants)
        return addresses

    def look(self, tale: Tale, answer: Outcome, wants: Reason | None) -> None:
        """The page of its first article is looked at. `wants`: what is said of that; None: nothing."""
        with self.engine.begin() as connection:
            for claim in archive.claim_revisits(connection, self.book.sources, self.clock(), MINUTE, 99):
                assert claim.revisit is not None
                if claim.url == tale.address:
                    seen = Fetch(answer, self.clock())
                    assert archive.record_revisit(connection, claim, claim.revisit, seen, None)
                else:
                    archive.postpone_revisit(connection, claim, self.clock())
        if wants is not None:
            self.screen(tale, tale.address, wants=wants)

    def screen(self, tale: Tale, *addresses: str, wants: Reason) -> None:
        """What is new of these articles is screened, and remembered as it is to be seen."""
        self.through(lambda: screen(self.engine, self.rulebook, self.clock()))
        for address in addresses:
            self._note(tale, address, wants)

    def _note(self, tale: Tale, address: str, wants: Reason) -> None:
        with self.engine.connect() as connection:
            (article,) = archive.find(connection, self.book.sources, address)
            match = ledger.matches_of(connection, article.id)[-1]
        assert match.reason == wants, (match.reason, match.detail, wants)
        tale.story = tale.story or match.story
        assert match.story == tale.story
        if match.action == "tell":
            self.told_at.append(self.clock())
        if match.action == "hold" or (tale.briefed and match.reason == Reason.FOLLOW_UP):
            tale.held.add(address)
        elif match.action in {"tell", "add"}:
            self.owed.add(address)
            if match.action == "tell" and tale.at is At.HELD:
                self.owed |= tale.held  # no digest will have it: its thread does
        elif match.reason == Reason.SILENCED:
            tale.silenced.add(address)

    def reason(self, tale: Tale, otherwise: Reason) -> Reason:
        """What is said of an article that is not a copy: silences come first, then the story's thread."""
        silenced = tale.silenced_until is not None and self.clock() + 5 * SECOND < tale.silenced_until
        return Reason.SILENCED if silenced else otherwise

    def begins(self) -> Reason:
        """What is said of an article that would ring."""
        recent = [at for at in self.told_at if at >= self.clock() + 5 * SECOND - DAY]
        return Reason.BUDGET if len(recent) >= ROOTS_A_DAY else Reason.FIRST_OF_STORY

    def words(self, tale: Tale) -> str:
        """A headline as nobody had it, of this event. No figure in it: that would be news."""
        ahead, behind = (" ".join(self.word() for _ in range(3)) for _ in range(2))
        return f"{ahead} as OpenAI {tale.event.act} Microsoft, {behind} {tale.event.paper} {self.word()}"

    def word(self) -> str:
        """One that nobody used before."""
        letters = Random(next(self.number))
        return "".join(letters.choice("bdfgklmnprstvz") + letters.choice("aeiou") for _ in range(4))

    def turn(self) -> bool:
        """Ended silences are wound up, and the door opens once. False: it was killed, and is there again."""
        self.through(lambda: wind_up(self.engine, self.rulebook, None, self.clock()))
        work = dispatch(
            self.engine, NEWS, self.channel, HABITS, self.clock, Random(7), sleep=self.clock.sleep
        )
        try:
            self.sendable_at = self.loop.run_until_complete(work).sendable_at
        except Killed:
            with self.engine.begin() as connection:
                outbox.recover(connection, self.clock(), HABITS.settle)
            return False
        return True

    def deliver(self) -> None:
        """The door turns until nothing is left for it."""
        for _ in range(60):
            done = self.turn()
            with self.engine.connect() as connection:
                left = outbox.counts(connection)
            if done and not any(left[state] for state in outbox.UNFINISHED):
                return
            due = self.sendable_at if done and self.sendable_at else self.clock()
            self.clock.now = max(due, self.clock() + 5 * SECOND)
        raise AssertionError("something waits for ever")

    def next_digest(self) -> None:
        at = self.clock().replace(hour=13, minute=0, second=1)
        self.clock.now = at if at > self.clock() else at + DAY
        self.through(lambda: sum_up(self.engine, self.rulebook, NEWS, self.clock()))

    def night_falls(self) -> None:
        """With all that is due before."""
        self.next_digest()
        self.deliver()
        self.clock.now = self.clock().replace(hour=22, minute=0)

    def day_breaks(self) -> None:
        self.clock.now += 9 * HOUR
        self.through(lambda: brief(self.engine, self.rulebook, "news", self.clock()))
        self.deliver()

    def through(self, door: Callable[[], Any]) -> None:
        """Once more after the kill, if there is one."""
        if self.doomed:
            self.doomed = False
            with pytest.MonkeyPatch.context() as broken, suppress(Killed):
                broken.setattr(archive, "mark_screened", killed)
                broken.setattr(ledger, "mark_digested", killed)
                broken.setattr(ledger, "mark_ended", killed)
                broken.setattr(ledger, "mark_calmed", killed)
                broken.setattr(ledger, "mark_held", killed)
                door()
        door()

    # ---- what is seen

    def records(self, tale: Tale) -> list[Record]:
        with self.engine.connect() as connection:
            return outbox.records(connection, story=tale.story) if tale.story else []

    def seen(self, tale: Tale) -> At:
        """Where a story stands, as the notebooks have it."""
        records = self.records(tale)
        if not records:
            return self._untold(tale)
        roots = [one for one in records if one.kind is Kind.ROOT]
        root = min(roots, key=lambda one: one.state in GIVEN_UP)
        below = [one for one in records if one.kind is not Kind.ROOT and one.state is not State.DROPPED]
        if root.state in outbox.UNFINISHED:
            return At.CANDIDATE
        if root.state is State.DEAD:
            return self._replaced(tale, below)
        if any(one.state in outbox.UNFINISHED for one in below):
            return At.UPDATING
        if self.clock() - tale.last > self.rulebook.stories.quiet:
            return At.CLOSED
        return At.QUIET if below else At.ALERTED

    def _replaced(self, tale: Tale, below: Sequence[Record]) -> At:
        """Its root will never come: does a reply wait that takes its place?"""
        if any(one.kind is Kind.REPLY and one.state in outbox.UNFINISHED for one in below):
            return At.CANDIDATE
        return At.CLOSED if self.clock() - tale.last > self.rulebook.stories.quiet else At.DEAD

    def _untold(self, tale: Tale) -> At:
        """Of a story without a root: does it wait for a digest or a brief, or has one told it?"""
        if not tale.story:
            return At.NOWHERE
        with self.engine.connect() as connection:
            heard = ledger.heard_of(connection, "news", tale.story, "pact")
            kinds = (
                ledger.held_in(connection, "news", for_brief=one, by=self.clock()) for one in (True, False)
            )
            waits = any(row.now_of == tale.story for rows in kinds for row in rows)
        if waits or not heard:
            return At.HELD
        return At.CLOSED if self.clock() - tale.last > self.rulebook.stories.quiet else At.SUMMED_UP

    def check_moves(self, by: Collection[str]) -> None:
        for tale in self.tales:
            now = self.seen(tale)
            assert may_move(tale.at, now, by), (tale.at, now, by)
            tale.at = now

    def some(self, data: st.DataObject, *at: At) -> Tale:
        return data.draw(st.sampled_from([one for one in self.tales if one.at in at]))

    def unused(self) -> Event | None:
        """What has not happened yet."""
        known = {tale.event for tale in self.tales}
        return next((event for event in HAPPENINGS if event not in known), None)

    def is_open(self, tale: Tale) -> bool:
        """It was told, or will be, and the next article would join it."""
        return tale.at in OPEN and self.is_young(tale)

    def is_young(self, tale: Tale) -> bool:
        """Would the next article join it, seconds from now? What waits or has more to say may be too old."""
        return self.clock() + 5 * SECOND - tale.last <= self.rulebook.stories.quiet

    def is_there(self, *at: At) -> bool:
        return any(tale.at in at for tale in self.tales)
