"""A reply that waits when its story is silenced is held by the silence, and told at its end."""

from datetime import datetime

import pytest
from sqlalchemy import Engine

from alerts import ledger, outbox
from alerts.explanation import Answer, why
from alerts.hushing import hold_back
from alerts.notifications import Digest, FollowUp
from alerts.outbox import State
from alerts.silences import Aim, Silence
from alerts.wind_up import wind_up
from tests.alerts.test_screen import PACT
from tests.alerts.test_telling import LATER, Room
from tests.builders import HOUR, MINUTE, NOW
from tests.telling import SECOND

END = LATER + HOUR
COMMENT, DENIAL = "OpenAI and Microsoft, a comment", "OpenAI and Microsoft in other words"


@pytest.fixture
def room(engine: Engine) -> Room:
    """A story that was told, and a comment that waits to be said in its thread."""
    room = Room(engine)
    room.bring(PACT)
    room.send()
    room.follow(COMMENT, of="gazette")
    return room


def silence(room: Room, aim: Aim, value: str, starts_at: datetime = LATER) -> Silence:
    with room.engine.begin() as connection:
        made = ledger.add_silence(connection, aim, value, starts_at, END, "ann", "")
        hold_back(connection, room.rulebook, LATER)
    return made


def waiting(room: Room) -> list[list[str]]:
    with room.engine.connect() as connection:
        found = outbox.records(connection, states=[State.WAITING])
    return [[item.title for item in one.body.items] for one in found if isinstance(one.body, FollowUp)]


def held(room: Room, made: Silence) -> list[str]:
    """What its end says."""
    wind_up(room.engine, room.rulebook, "ops", END)
    with room.engine.connect() as connection:
        said = [one.body for one in outbox.records(connection) if isinstance(one.body, Digest)]
    return [line.title for body in said for part in body.parts for line in part.lines]


def test_a_reply_that_waits_is_held_and_told_at_the_end(room: Room) -> None:
    made = silence(room, Aim.STORY, room.story)
    assert waiting(room) == []
    with room.engine.connect() as connection:
        assert str(ledger.quieted(connection)[made.id]) == "1 article of 1 story"
    assert held(room, made) == [COMMENT]


def test_why_says_that_the_silence_holds_it(room: Room) -> None:
    silence(room, Aim.SOURCE, "gazette")
    with room.engine.connect() as connection:
        (told,) = why(connection, room.rulebook, f"https://gazette.example/{abs(hash(COMMENT))}", "pact")
    assert told.answer is Answer.SILENCED


def test_what_the_silence_does_not_concern_is_said(room: Room) -> None:
    room.follow(DENIAL, of="echo", now=LATER)
    assert waiting(room) == [[COMMENT, DENIAL]]
    made = silence(room, Aim.SOURCE, "gazette")
    assert waiting(room) == [[DENIAL]]
    assert held(room, made) == [COMMENT]


def test_what_is_held_is_in_the_thread_no_more_and_its_root_does_not_count_it(room: Room) -> None:
    assert room.root().also == ("Gazette",)
    silence(room, Aim.SOURCE, "gazette")
    assert room.root().also == ()


def test_a_silence_that_begins_later_holds_what_waits_then(room: Room) -> None:
    silence(room, Aim.STORY, room.story, LATER + MINUTE)
    assert waiting(room) == [[COMMENT]]
    wind_up(room.engine, room.rulebook, None, LATER + MINUTE)
    assert waiting(room) == []


def test_what_was_said_is_left_alone(room: Room) -> None:
    room.send(LATER + HOUR)
    made = silence(room, Aim.STORY, room.story)
    with room.engine.connect() as connection:
        assert made.id not in ledger.quieted(connection)


def test_another_story_is_left_alone(room: Room) -> None:
    silence(room, Aim.STORY, "s0")
    assert waiting(room) == [[COMMENT]]


def test_the_article_a_root_is_led_by_stays_in_the_thread(room: Room) -> None:
    room.follow("OpenAI, Microsoft: form 8-K", of="sec", now=LATER)
    made = silence(room, Aim.STORY, room.story)
    assert waiting(room) == []
    with room.engine.connect() as connection:
        thread = ledger.thread(connection, room.story, "pact")
    assert thread is not None
    assert [one.source for one in thread.articles] == ["herald", "sec"]
    assert room.root().source_name == "Sec"
    assert held(room, made) == ["OpenAI, Microsoft: form 8-K"]


def test_what_an_unseen_root_showed_first_is_told_at_the_end_too(engine: Engine) -> None:
    room = Room(engine)
    room.bring(PACT)
    room.follow("OpenAI, Microsoft: form 8-K", of="sec", now=NOW + MINUTE)
    assert waiting(room) == [[PACT]]
    made = silence(room, Aim.SOURCE, "herald")
    assert waiting(room) == []
    assert held(room, made) == [PACT]


def test_what_may_have_arrived_is_left_alone(room: Room) -> None:
    with room.engine.begin() as connection:
        claim = outbox.claim(connection, "news", LATER + HOUR, 25 * SECOND, SECOND)
    assert claim is not None
    silence(room, Aim.STORY, room.story)
    assert room.replies() != []
    with room.engine.connect() as connection:
        assert outbox.counts(connection)[State.DROPPED] == 0
