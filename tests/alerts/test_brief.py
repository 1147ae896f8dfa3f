"""Quiet hours through the doors: what is held, what passes, the brief at their end, what follows it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger
from alerts.alerting import UNLIMITED, Reason
from alerts.brief import brief
from alerts.catch_up import catch_up
from alerts.channels import Channel, QuietHours
from alerts.explanation import Answer, Why, why
from alerts.notifications import Alarm, Digest, Kind
from alerts.outbox import Record, State
from alerts.sum_up import sum_up
from crawler import archive
from scheduler import status
from tests.alerts.test_routes import routed
from tests.alerts.test_screen import PACT
from tests.alerts.test_telling import Room
from tests.builders import DAY, HOUR, MINUTE, NOW, entry

HOURS = QuietHours.model_validate(
    {"from": "22:00", "to": "07:00", "timezone": "UTC", "except": ["filing", "regulator"]}
)
NEWS = Channel(id="news", kind="console", quiet=HOURS)  # its digest is at 08:30 UTC
LOUD = Channel(id="news", kind="console")
NIGHT = NOW + 11 * HOUR  # 23:00
MORNING = NOW + 19 * HOUR  # 07:00
PAGE = "https://herald.example/pact"


class Night(Room):
    """A room whose one channel has quiet hours."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.use(NEWS)

    def use(self, *channels: Channel) -> None:
        there: Mapping[str, Channel] = {channel.id: channel for channel in channels}
        self.rulebook = replace(self.rulebook, channels=there)

    def at_night(self, title: str = PACT, now: datetime = NIGHT, **changes: Any) -> None:
        self.bring(title, now=now, **{"published": now, **changes})

    def brief(self, now: datetime = MORNING, channel: str = "news") -> bool:
        return brief(self.engine, self.rulebook, channel, now)

    def messages(self) -> list[Record]:
        return [one for one in self.records() if one.kind is not Kind.EDIT]

    def digests(self) -> list[Digest]:
        return [one.body for one in self.records() if isinstance(one.body, Digest)]

    def asked(self, what: str = PAGE) -> Why:
        with self.engine.connect() as connection:
            (answer,) = why(connection, self.rulebook, what, "pact")
        return answer


@pytest.fixture
def room(engine: Engine) -> Night:
    return Night(engine)


def titles(digest: Digest) -> list[str]:
    return [line.title for part in digest.parts for line in part.lines]


# ---- how many wait


def held(room: Night, now: datetime, channel: Channel = NEWS) -> status.HeldStanding:
    with room.engine.connect() as connection:
        watches = tuple(room.rulebook.watches.values())
        return status.picture(connection, room.rulebook.sources, now, watches, (channel,)).held[0]


def test_it_is_known_how_many_stories_wait_for_the_brief_and_when_it_comes(room: Night) -> None:
    room.at_night()
    room.at_night("OpenAI buys a unit of Microsoft")
    assert held(room, NIGHT).brief == status.Waiting(2, MORNING)
    assert held(room, NIGHT, LOUD).brief == status.Waiting(2, NIGHT)  # it goes out at once
    room.brief()
    assert held(room, MORNING).brief is None


def test_what_adds_nothing_to_a_brief_waits_for_the_digest(room: Night) -> None:
    room.at_night()
    room.brief()
    room.follow("OpenAI, Microsoft, a comment", of="gazette", now=MORNING + HOUR)
    assert held(room, MORNING + HOUR).digest == status.Waiting(1, MORNING + HOUR * 1.5)
    sum_up(room.engine, room.rulebook, NEWS, MORNING + 2 * HOUR)
    assert held(room, MORNING + 2 * HOUR).digest == status.Waiting(0, MORNING + HOUR * 25.5)


def test_a_channel_without_a_digest_has_none_to_wait_for(room: Night) -> None:
    assert held(room, NOW, LOUD.model_copy(update={"digest": None})).to_json() == {
        "channel": "news",
        "brief": None,
        "digest": None,
    }


# ---- what is held


def test_what_comes_at_night_is_held_and_told_in_one_brief_in_the_morning(room: Night) -> None:
    room.at_night()
    room.at_night("OpenAI and Microsoft, another story", now=NIGHT + 5 * HOUR)
    assert room.messages() == []
    assert not room.brief(MORNING - MINUTE)
    assert room.brief(MORNING)
    assert not room.brief(MORNING + MINUTE)
    (digest,) = room.digests()
    assert digest.title == "While it was quiet (22:00–07:00): 2 stories"
    assert titles(digest) == [PACT, "OpenAI and Microsoft, another story"]
    assert len(room.messages()) == 1


def test_why_names_the_end_of_quiet_and_then_the_brief(room: Night) -> None:
    room.at_night(url=PAGE)
    assert room.reasons(PAGE) == [Reason.QUIET_HOURS]
    asked = room.asked()
    assert asked.answer is Answer.HELD_BY_QUIET_HOURS
    assert "In news it waits for the brief, quiet until 2026-03-03 07:00 UTC." in asked.sentence
    room.brief()
    asked = room.asked()
    assert asked.answer is Answer.HELD_BY_QUIET_HOURS
    assert "In news it is in the brief of 2026-03-03 07:00 UTC (waiting)." in asked.sentence
    assert len(asked.deliveries) == 1


def test_a_copy_of_what_is_held_is_counted_in_the_brief(room: Night) -> None:
    room.at_night()
    for of in ("gazette", "echo"):
        room.at_night(of=of, url=f"https://{of}.example/copy", now=NIGHT + HOUR)
    assert room.asked("https://echo.example/copy").answer is Answer.DUPLICATE_OF
    room.brief()
    (digest,) = room.digests()
    assert [line.note for line in digest.parts[0].lines] == ["core, 3 sources"]


def test_a_follow_up_of_what_is_held_is_of_the_same_story_in_the_brief(room: Night) -> None:
    room.at_night()
    room.follow("OpenAI, Microsoft, a comment", of="gazette", now=NIGHT + HOUR)
    assert room.messages() == []
    room.brief()
    (digest,) = room.digests()
    assert digest.title.endswith("1 story")


@pytest.mark.parametrize(
    ("now", "of", "held"),
    [
        pytest.param(NOW + 10 * HOUR - MINUTE, "herald", True, id="its root would wait into quiet"),
        pytest.param(NOW + 10 * HOUR - MINUTE, "bugle", False, id="its root would not wait"),
        pytest.param(MORNING - MINUTE, "herald", False, id="its root waits until quiet is over"),
        pytest.param(MORNING - MINUTE, "bugle", True, id="its root would ring just before"),
    ],
)
def test_asked_is_the_moment_at_which_it_would_ring(room: Night, now: datetime, of: str, held: bool) -> None:
    room.at_night(of=of, now=now)
    assert (room.messages() == []) is held


def test_a_flood_at_night_is_in_the_one_brief_too(room: Night) -> None:
    room.rulebook = replace(
        room.rulebook, limits=UNLIMITED.model_copy(update={"flood": 20, "roots_per_day": 2})
    )
    room.read(*(entry(f"OpenAI and Microsoft sign pact {n}", published=NIGHT) for n in range(45)), now=NIGHT)
    while room.screen(NIGHT).articles:
        pass
    assert room.brief()
    (digest,) = room.digests()
    assert digest.title.endswith("45 stories")
    assert room.send(MORNING) != []
    with room.engine.connect() as connection:
        assert ledger.verdict_counts(connection, NOW) == {Reason.QUIET_HOURS: 45}


def test_what_a_rule_of_the_digest_holds_stays_with_the_digest(room: Night) -> None:
    lead = "OpenAI met Microsoft for a day of talks about nothing in particular, as the two of them often do."
    room.at_night("Talks", url=PAGE, summary=lead)
    assert room.reasons(PAGE) == [Reason.DIGEST_LEVEL]
    assert not room.brief()
    assert sum_up(room.engine, room.rulebook, NEWS, MORNING + 2 * HOUR)


def test_catching_up_at_night_says_what_the_brief_will_tell(room: Night) -> None:
    room.read(entry(PACT, url=PAGE))
    with room.engine.begin() as connection:
        (article,) = archive.find(connection, room.sources, PAGE)
        archive.mark_screened(connection, [article.revision], NOW)
    done = catch_up(room.engine, room.rulebook, NOW - HOUR, NIGHT)
    assert [late.article.title for late in done.told] == [PACT]
    assert (done.screened.alerts, done.screened.deliveries) == (1, 0)


# ---- what passes


def test_an_exception_rings_at_once(room: Night) -> None:
    room.at_night("OpenAI, Microsoft: form 8-K", of="sec")
    (told,) = room.messages()
    assert isinstance(told.body, Alarm)
    assert not room.brief()


def test_an_exception_begins_the_thread_of_what_was_held_and_the_brief_has_that_too(room: Night) -> None:
    room.at_night()
    room.follow("OpenAI, Microsoft: form 8-K", of="sec", now=NIGHT + HOUR)
    assert [one.body.title for one in room.messages()] == ["OpenAI, Microsoft: form 8-K"]
    room.brief()
    (digest,) = room.digests()
    assert titles(digest) == [PACT]


def test_in_a_thread_an_exception_passes_and_all_else_waits(room: Night) -> None:
    room.bring(PACT)
    room.send()
    room.follow("Microsoft denies pact with OpenAI", of="gazette", now=NIGHT)
    room.follow("OpenAI, Microsoft: form 8-K", of="sec", now=NIGHT + MINUTE)
    replies = [one for one in room.messages() if one.kind is Kind.REPLY]
    assert [one.body.title for one in replies] == [
        "Microsoft denies pact with OpenAI",
        "OpenAI, Microsoft: form 8-K",
    ]
    with room.engine.connect() as connection:
        urgent = connection.exec_driver_sql(
            "SELECT urgent FROM deliveries WHERE kind = 'reply' ORDER BY number"
        )
        assert [bool(row[0]) for row in urgent] == [False, True]
    assert not room.brief()


# ---- two channels


def test_where_it_is_quiet_it_is_held_and_elsewhere_told(room: Night) -> None:
    routed(room, "news", "desk")
    room.use(NEWS, Channel(id="desk", kind="console"))
    room.at_night(url=PAGE)
    assert [one.channel for one in room.messages()] == ["desk"]
    assert room.reasons(PAGE) == [Reason.FIRST_OF_STORY]
    asked = room.asked()
    assert asked.answer is Answer.WAITING
    assert "In news it waits for the brief" in asked.sentence
    room.follow("OpenAI, Microsoft, a comment", of="gazette", now=NIGHT + HOUR)
    assert [one.channel for one in room.messages()] == ["desk", "desk"]
    room.brief()
    assert len(room.digests()) == 1


# ---- the brief comes, whatever happens


def test_a_crash_before_the_commit_briefs_the_same_again(
    room: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.at_night()

    def full_disk(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(ledger, "mark_held", full_disk)
        with pytest.raises(OSError, match="No space"):
            room.brief()
    assert room.digests() == []
    assert room.brief(MORNING + MINUTE)
    assert not room.brief(MORNING + 2 * MINUTE)
    assert len(room.digests()) == 1


def test_when_the_quiet_hours_are_taken_away_it_comes_at_once(room: Night) -> None:
    room.at_night()
    room.use(LOUD)
    assert room.brief(NIGHT + HOUR)
    (digest,) = room.digests()
    assert digest.title == "While it was quiet: 1 story"


def test_and_if_they_come_back_the_same_night_there_is_another_one(room: Night) -> None:
    room.at_night()
    room.use(LOUD)
    assert room.brief(NIGHT + HOUR)
    room.use(NEWS)
    room.at_night("OpenAI and Microsoft, another story", now=NIGHT + 2 * HOUR)
    assert room.brief(MORNING)
    assert [titles(digest) for digest in room.digests()] == [[PACT], ["OpenAI and Microsoft, another story"]]


def test_a_brief_that_was_missed_waits_for_the_next_end_if_it_is_quiet_again(room: Night) -> None:
    room.at_night()
    assert not room.brief(NIGHT + DAY)
    room.at_night("OpenAI and Microsoft, another story", now=NIGHT + DAY)
    assert room.brief(MORNING + DAY)
    assert [len(titles(digest)) for digest in room.digests()] == [2]


def test_a_channel_that_left_the_configuration_leaves_its_brief_to_a_person(room: Night) -> None:
    room.at_night()
    room.use(Channel(id="desk", kind="console"))
    assert room.brief(NIGHT + HOUR)
    (told,) = room.messages()
    assert (told.channel, told.state) == ("news", State.DEAD)


def test_a_story_that_turned_out_to_be_another_one_is_one_line(room: Night) -> None:
    room.at_night()
    first = room.story
    room.at_night("OpenAI and Microsoft, another story", now=NIGHT + HOUR)
    second = room.story
    with room.engine.begin() as connection:
        ledger.merge_stories(connection, first, second)
    room.brief()
    assert [len(titles(digest)) for digest in room.digests()] == [1]


# ---- after it


def test_what_would_be_promoted_begins_the_thread_and_all_else_is_in_the_digest(room: Night) -> None:
    room.at_night()
    room.brief()
    room.follow("OpenAI, Microsoft, a comment", of="gazette", now=MORNING + HOUR)
    (comment,) = _comments(room)
    assert [one.kind for one in room.messages()] == [Kind.ROOT]
    asked = room.asked(comment)
    assert asked.answer is Answer.HELD_FOR_DIGEST
    assert "In news it waits for the digest." in asked.sentence
    room.follow("Microsoft denies pact with OpenAI", of="echo", now=MORNING + HOUR + MINUTE)
    begun = [one for one in room.messages() if isinstance(one.body, Alarm)]
    assert [one.body.title for one in begun] == ["Microsoft denies pact with OpenAI"]
    assert sum_up(room.engine, room.rulebook, NEWS, MORNING + 2 * HOUR)
    assert not sum_up(room.engine, room.rulebook, NEWS, MORNING + DAY + 2 * HOUR)
    assert titles(room.digests()[-1]) == ["OpenAI, Microsoft, a comment"]
    assert "In news it is in the digest" in room.asked(comment).sentence


def _comments(room: Night) -> list[str]:
    with room.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT article FROM held WHERE until IS NULL").all()
    return [str(row[0]) for row in rows]


def test_a_copy_after_the_brief_is_only_counted(room: Night) -> None:
    room.at_night()
    room.brief()
    room.at_night(of="gazette", url="https://gazette.example/copy", now=MORNING + HOUR)
    assert _comments(room) == []
    assert room.reasons("https://gazette.example/copy") == [Reason.ALREADY_TOLD]


def test_where_no_digest_is_sent_a_comment_begins_the_thread(room: Night) -> None:
    room.use(NEWS.model_copy(update={"digest": None}))
    room.at_night()
    room.brief()
    room.follow("OpenAI, Microsoft, a comment", of="gazette", now=MORNING + HOUR)
    assert [one.body.title for one in room.messages()][1:] == ["OpenAI, Microsoft, a comment"]
