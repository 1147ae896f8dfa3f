"""From verdicts to roots, replies and edits, through the door and on each kind of database."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger, outbox
from alerts.alerting import UNLIMITED, Backlog, Reason
from alerts.channels import Channel, DigestTime
from alerts.explanation import Answer, why
from alerts.matching import Matcher
from alerts.notifications import Alarm, Digest, FollowUp, Kind, Notice
from alerts.outbox import Record, State
from alerts.rulebook import Rulebook
from alerts.silences import Aim
from alerts.stories import Joined, StoryHabits, StoryId, Tie
from alerts.sum_up import sum_up
from alerts.watches import Rule
from crawler import archive
from crawler.sources import SourceId
from tests.alerts.test_screen import PACT, WATCH, Desk
from tests.builders import DAY, HOUR, MINUTE, NOW, entry, source
from tests.telling import SECOND

HABITS = StoryHabits(group_wait=2 * MINUTE, follow_ups=3 * MINUTE, alike=False)
ONE_CHANNEL = WATCH.model_copy(update={"channels": ("news",)})
LATER = NOW + 10 * MINUTE


class Room(Desk):
    """A desk with sources of every sort; what was due is sent before the next thing happens."""

    def __init__(self, engine: Engine, habits: StoryHabits = HABITS) -> None:
        self.at = NOW
        super().__init__(
            engine,
            source(),
            source("gazette"),
            source("echo"),
            source("mirror"),
            source("bugle", tier=1),
            source("sec", publisher="filing", tier=1),
            source("corp", publisher="company"),
        )
        self.rulebook = Rulebook(
            self.sources, {"pact": ONE_CHANNEL}, Matcher([ONE_CHANNEL]), Backlog(), habits
        )

    def follow(self, title: str, of: str, now: datetime = LATER, **changes: Any) -> None:
        """Another article of the one story there is, in words of its own."""
        address = f"https://{of}.example/{abs(hash(title))}"
        new = entry(title, **{"source": SourceId(of), "url": address, **changes})
        self.read(new, of=of, now=now)
        joined = Joined(self.story, Tie.FOUNDER)
        with self.engine.begin() as connection:
            (article,) = archive.find(connection, self.sources, address)
            ledger.add_to_story(connection, joined, article, (), now)
        self.screen(now)

    @property
    def story(self) -> StoryId:
        with self.engine.connect() as connection:
            return StoryId(ledger.recent_alerts(connection, 1)[0].story)

    def send(self, now: datetime = LATER) -> list[Record]:
        """All that is due is sent. What was it?"""
        before = {one.id for one in self.records() if one.state is State.SENT}
        at = max(now, self.at)
        while True:
            at += 3 * SECOND
            with self.engine.begin() as connection:
                claim = outbox.claim(connection, "news", at, 25 * SECOND, SECOND)
                claim = claim or outbox.claim_edit(connection, "news", at, 25 * SECOND, SECOND)
                if claim is None:
                    break
                outbox.sent(connection, claim, f"{int(at.timestamp())}.000000", at)
        self.at = at
        return [one for one in self.records() if one.state is State.SENT and one.id not in before]

    def records(self) -> list[Record]:
        with self.engine.connect() as connection:
            return outbox.records(connection)

    def root(self) -> Alarm:
        """As it is by now."""
        (root,) = [one for one in self.records() if one.kind is Kind.ROOT]
        assert isinstance(root.body, Alarm)
        return root.body

    def replies(self) -> list[FollowUp]:
        return [one.body for one in self.records() if isinstance(one.body, FollowUp)]

    def reasons(self, what: str) -> list[str]:
        with self.engine.connect() as connection:
            (article,) = archive.find(connection, self.sources, what)
            return [row.reason for row in ledger.matches_of(connection, article.id)]


@pytest.fixture
def room(engine: Engine) -> Room:
    return Room(engine)


# ---- group_wait


@pytest.mark.parametrize(
    ("of", "wait"),
    [("herald", 2 * MINUTE), ("bugle", timedelta(0)), ("sec", timedelta(0)), ("corp", timedelta(0))],
)
def test_the_root_waits_only_where_a_better_source_may_come(room: Room, of: str, wait: timedelta) -> None:
    room.bring(PACT, of=of)
    just_before = [] if not wait else room.send(NOW + wait - 10 * SECOND)
    assert just_before == []
    assert [one.kind for one in room.send(NOW + wait)] == [Kind.ROOT]


def test_while_the_root_waits_the_better_source_takes_its_place_and_the_other_its_reply(room: Room) -> None:
    room.bring(PACT)
    room.follow("OpenAI and Microsoft in new agreement", of="gazette", now=NOW + 10 * SECOND)
    room.follow("OpenAI, Microsoft: form 8-K", of="sec", now=NOW + 20 * SECOND)
    told, reply = room.send(NOW + 20 * SECOND)
    assert isinstance(told.body, Alarm)
    assert (told.body.title, told.body.source_name) == ("OpenAI, Microsoft: form 8-K", "Sec")
    assert told.body.also == ("Herald", "Gazette")
    assert (told.body.first_source, told.body.first_seen) == ("Herald", NOW)
    assert isinstance(reply.body, FollowUp)
    assert [one.title for one in reply.body.items] == ["OpenAI and Microsoft in new agreement", PACT]


# ---- follow-ups


def test_commentary_stays_in_the_thread_in_one_reply_every_three_minutes(room: Room) -> None:
    room.bring(PACT)
    room.send()
    room.follow("What OpenAI and Microsoft mean for you", of="gazette")
    room.follow("OpenAI and Microsoft, a comment", of="herald", now=LATER + MINUTE)
    assert room.send(LATER + 2 * MINUTE) == []
    assert {one.kind for one in room.send(LATER + 4 * MINUTE)} == {Kind.REPLY, Kind.EDIT}
    assert [item.title for item in room.replies()[0].items] == [
        "What OpenAI and Microsoft mean for you",
        "OpenAI and Microsoft, a comment",
    ]
    assert room.root().also == ("Gazette",)


def test_when_a_filing_arrives_the_root_is_led_by_it_and_the_thread_says_so(room: Room) -> None:
    room.bring(PACT)
    room.send()
    room.follow("OpenAI, Microsoft: form 8-K", of="sec")
    assert {one.kind for one in room.send()} == {Kind.REPLY, Kind.EDIT}
    (said,) = room.replies()
    assert [(item.title, item.note) for item in said.items] == [
        ("OpenAI, Microsoft: form 8-K", "primary source (filing)"),
        (PACT, "told first"),
    ]
    root = room.root()
    assert (root.title, root.also) == ("OpenAI, Microsoft: form 8-K", ("Herald",))
    assert root.status == "Led by Sec (filing); first told by Herald"


def test_a_copy_with_more_authority_leads_and_the_page_is_not_named_twice(room: Room) -> None:
    room.bring(PACT)
    room.bring(PACT, of="bugle", now=NOW + 10 * SECOND)
    assert [one.kind for one in room.send(NOW + HOUR)] == [Kind.ROOT]
    assert room.replies() == []
    assert room.root().source_name == "Bugle"


def test_a_copy_of_what_the_thread_has_named_takes_no_lead_and_tells_no_page_again(room: Room) -> None:
    room.bring(PACT)
    room.send()
    room.follow("OpenAI and Microsoft give details", of="gazette")
    room.send(NOW + HOUR)
    room.follow("OpenAI and Microsoft give details", of="bugle", now=NOW + HOUR)
    room.send(NOW + 2 * HOUR)
    titles = [item.title for said in room.replies() for item in said.items]
    assert titles == ["OpenAI and Microsoft give details"]
    assert room.root().source_name == "Herald"


def test_a_contradiction_is_shown_in_the_channel_at_once(room: Room) -> None:
    room.bring(PACT)
    room.send()
    room.follow("Microsoft denies pact with OpenAI", of="gazette")
    claimed = room.send()
    assert [one.kind for one in claimed] == [Kind.REPLY]
    deliveries = outbox.tables.tables["deliveries"]
    with room.engine.connect() as connection:
        broadcast = connection.scalar(
            deliveries.select()
            .with_only_columns(deliveries.c.broadcast)
            .where(deliveries.c.kind == Kind.REPLY)
        )
    assert broadcast


def test_copies_are_counted_and_not_spoken_of(room: Room) -> None:
    room.bring(PACT)
    room.send()
    for of in ("gazette", "echo", "mirror"):
        room.bring(PACT, of=of, now=LATER)
    assert room.replies() == []
    assert [one.kind for one in room.send(LATER + 4 * MINUTE)] == [Kind.EDIT]
    assert (room.root().copies, room.root().also) == (3, ())


def test_a_root_says_by_which_version_of_its_rule_and_counts_the_languages_it_was_told_in(
    room: Room,
) -> None:
    room.bring(PACT)
    version = room.rulebook.matcher.versions()["pact", "core"]
    room.follow("OpenAI et Microsoft, un accord", of="gazette", language="fr")
    room.follow("OpenAI, Microsoft: form 8-K", of="sec")
    room.bring(PACT, of="mirror", now=LATER)
    root = room.root()
    assert (root.version, root.languages) == (version, ("en", "fr"))
    assert (root.origins, root.copies) == (3, 1)


def test_two_rules_that_hold_for_one_article_make_one_follow_up(room: Room) -> None:
    room.bring(PACT, summary="OpenAI and Microsoft, at length.")
    room.send()
    room.follow("OpenAI and Microsoft again", of="gazette", summary="OpenAI and Microsoft, at length.")
    assert sum(len(said.items) for said in room.replies()) == 1


def test_what_is_silenced_does_not_join_the_thread(room: Room) -> None:
    room.bring(PACT)
    story = room.story
    with room.engine.begin() as connection:
        ledger.add_silence(connection, Aim.STORY, story, NOW, LATER + MINUTE, "ann", "")
    room.send()
    room.follow("Microsoft denies pact with OpenAI", of="gazette")
    assert room.replies() == []
    assert room.root().also == ()


def test_a_crash_before_the_commit_adds_nothing_and_repeats_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.bring(PACT)
    room.send()

    def full_disk(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(archive, "mark_screened", full_disk)
        with pytest.raises(OSError, match="No space"):
            room.follow("Microsoft denies pact with OpenAI", of="gazette")
    assert room.replies() == []
    room.screen(LATER)
    room.screen(LATER)
    assert [len(said.items) for said in room.replies()] == [1]


# ---- changed headlines


def test_a_changed_headline_is_told_in_the_thread_with_what_it_was(room: Room) -> None:
    address = "https://herald.example/pact"
    room.bring(PACT, guid="g", url=address)
    room.send()
    room.bring("OpenAI and Microsoft end pact", guid="g", url=address, now=LATER)
    (said,) = room.replies()
    assert [(item.was, item.title) for item in said.items] == [(PACT, "OpenAI and Microsoft end pact")]
    assert room.root().title == "OpenAI and Microsoft end pact"
    assert room.reasons(address) == [Reason.FIRST_OF_STORY, Reason.RETITLED]
    assert room.why(address) is Answer.TOLD


def test_also_where_no_rule_holds_for_the_new_one(room: Room) -> None:
    address = "https://herald.example/pact"
    room.bring(PACT, guid="g", url=address)
    room.send()
    room.bring("Two firms end their pact", guid="g", url=address, now=LATER)
    assert [item.title for said in room.replies() for item in said.items] == ["Two firms end their pact"]


def test_a_headline_that_is_edited_fifty_times_makes_one_reply(room: Room) -> None:
    address = "https://herald.example/pact"
    room.bring(PACT, guid="g", url=address)
    room.send()
    for number in range(50):
        at = LATER + number * MINUTE
        room.bring(f"OpenAI and Microsoft, take {number}", guid="g", url=address, now=at)
        room.send(at)
    assert len(room.replies()) == 1


# ---- why


def test_why_says_that_it_joined_the_thread_and_what_it_adds(room: Room) -> None:
    room.bring(PACT)
    room.send()
    room.follow("Microsoft denies pact with OpenAI", of="gazette")
    room.follow("OpenAI and Microsoft, a comment", of="gazette")
    with room.engine.connect() as connection:
        reasons = ledger.verdict_counts(connection, NOW)
    assert reasons == {Reason.FIRST_OF_STORY: 1, Reason.PROMOTED: 1, Reason.FOLLOW_UP: 1}
    assert room.why(_address(room, "Microsoft denies")) is Answer.IN_THREAD


def _address(room: Room, beginning: str) -> str:
    (item,) = [item for said in room.replies() for item in said.items if item.title.startswith(beginning)]
    assert item.link is not None
    return item.link


# ---- limits


def limited(room: Room, **limits: int) -> None:
    room.rulebook = replace(
        room.rulebook, limits=UNLIMITED.model_copy(update=limits), channels={"news": NEWS}
    )


NEWS = Channel(id="news", kind="console", digest=DigestTime(at=time(13, 0)))


def roots(room: Room) -> list[Record]:
    """The stories that were told, each in its message."""
    return [one for one in room.records() if isinstance(one.body, Alarm)]


def test_a_rule_over_its_budget_falls_to_the_digest_and_why_names_the_word(room: Room) -> None:
    limited(room, roots_per_day=2)
    for number in range(3):
        room.bring(f"OpenAI and Microsoft, story {number} of three", url=f"https://herald.example/{number}")
    assert len(roots(room)) == 2
    with room.engine.connect() as connection:
        (said,) = why(connection, room.rulebook, "https://herald.example/2", "pact")
    assert said.answer is Answer.HELD_BY_BUDGET
    assert "rule core has told 2 stories in 24 hours; “Microsoft” is in 2 of them" in said.sentence
    room.bring("OpenAI and Microsoft, the day after", now=NOW + 25 * HOUR, published=NOW + 25 * HOUR)
    assert len(roots(room)) == 3


def test_a_spent_budget_is_said_once_a_day_with_the_word_that_gained(room: Room) -> None:
    for number in range(4):
        room.bring(f"OpenAI and Microsoft, number {number}", now=NOW - 3 * DAY, published=NOW - 3 * DAY)
    limited(room, roots_per_day=2)
    wanted = "title:(OpenAI AND (Microsoft OR Copilot))"
    watch = ONE_CHANNEL.model_copy(update={"rules": (Rule(id="core", query=wanted),)})
    room.rulebook = replace(room.rulebook, watches={"pact": watch}, matcher=Matcher([watch]))
    for number in range(6):
        room.bring(f"OpenAI in Copilot, number {number}")
    (said,) = [one.body for one in room.records() if isinstance(one.body, Notice)]
    assert said.title.endswith("has told 2 stories in 24 hours; more go to the digest at 13:00 UTC")
    assert said.text.startswith("“Copilot” is in 2 of them.")
    room.bring("OpenAI in Copilot, the next day", now=NOW + 23 * HOUR, published=NOW + 23 * HOUR)
    assert len([one for one in room.records() if isinstance(one.body, Notice)]) == 2


def test_two_hundred_stories_of_a_rule_are_its_budget_a_notice_and_a_digest(room: Room) -> None:
    limited(room, roots_per_day=6)
    room.read(*(entry(f"OpenAI and Microsoft, story {n} of many") for n in range(200)))
    while room.screen().articles:
        pass
    assert sum_up(room.engine, room.rulebook, NEWS, NOW + HOUR)
    assert [type(one.body) for one in room.records()].count(Alarm) == 6
    assert len(room.records()) == 8
    with room.engine.connect() as connection:
        assert sum(ledger.verdict_counts(connection, NOW).values()) == 200


def test_what_a_budget_held_is_in_the_digest(room: Room) -> None:
    limited(room, roots_per_day=1)
    room.bring("OpenAI and Microsoft, story one of two")
    room.bring("OpenAI and Microsoft, story two of two")
    assert sum_up(room.engine, room.rulebook, NEWS, NOW + 2 * HOUR)
    (digest,) = [one.body for one in room.records() if isinstance(one.body, Digest)]
    assert [line.title for part in digest.parts for line in part.lines] == [
        "OpenAI and Microsoft, story two of two"
    ]


def test_a_channel_that_has_had_enough_hears_of_new_stories_in_the_digest_and_of_nothing_aloud(
    room: Room,
) -> None:
    room.bring(PACT)
    room.send()
    limited(room, posts_per_hour=1)
    room.bring("Of OpenAI and Microsoft, another story", now=NOW + MINUTE)
    room.follow("Microsoft denies pact with OpenAI", of="gazette", now=NOW + 2 * MINUTE)
    assert [(one.kind, one.broadcast) for one in room.records() if one.kind is not Kind.EDIT] == [
        (Kind.ROOT, False),
        (Kind.REPLY, False),
    ]


def test_five_hundred_matches_at_once_are_on_record_and_in_one_digest(room: Room) -> None:
    limited(room, flood=20)
    many = [entry(f"OpenAI and Microsoft sign pact number {n}") for n in range(500)]
    room.read(*many)
    while room.screen().articles:
        pass
    assert room.records() == []
    with room.engine.connect() as connection:
        assert ledger.verdict_counts(connection, NOW) == {Reason.FLOOD: 500}


def test_a_flood_joins_a_told_story_by_number_and_is_spoken_of_by_nobody(room: Room) -> None:
    room.bring(PACT, of="gazette")
    room.send()
    limited(room, flood=2)
    room.read(*(entry(f"OpenAI and Microsoft, story {n} of three") for n in range(3)), now=LATER)
    room.screen(LATER)
    room.follow("Microsoft denies a $9 billion pact with OpenAI", of="herald")
    assert room.replies() == []
    assert room.root().copies == 1
    with room.engine.connect() as connection:
        thread = ledger.thread(connection, room.story, "pact")
        assert thread is not None
        (said,) = why(connection, room.rulebook, str(thread.articles[-1].article), "pact")
    assert said.answer is Answer.HELD_BY_FLOOD
    assert said.sentence.startswith("Rule core held, and herald brought 4 articles at once: the thread")


def test_a_source_that_brings_much_but_slowly_is_no_flood(room: Room) -> None:
    limited(room, flood=2)
    for number in range(4):
        at = NOW + number * 11 * MINUTE
        room.bring(f"OpenAI and Microsoft, story {number} of four", now=at, published=at)
    assert len(room.records()) == 4


def test_a_first_reading_is_no_flood(room: Room) -> None:
    limited(room, flood=2)
    new = source("new")
    room.sources[SourceId("new")] = new
    with room.engine.begin() as connection:
        archive.enrol(connection, [new])
    fresh = [entry(f"OpenAI and Microsoft, story {n} of five", source=SourceId("new")) for n in range(5)]
    room.read(*fresh, of="new")
    room.screen()
    assert len(room.records()) == 3
