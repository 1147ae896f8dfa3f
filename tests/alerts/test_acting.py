"""What is turned from within Slack: done once, on record, and taken back."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger, outbox
from alerts.buttons import Button
from alerts.channels import Channel, Control
from alerts.control.attending import attend
from alerts.control.permission import Membership
from alerts.control.requests import Actor, Answer, Command, Desk, Press
from alerts.marks import Judgement
from alerts.notifications import Alarm
from alerts.outbox import Record
from alerts.silences import Aim
from alerts.stories import StoryId
from config.reading import Secret
from tests.alerts.test_screen import PACT
from tests.alerts.test_screen import Desk as World
from tests.builders import DAY, HOUR, NOW, source

ANN = Actor("U0ANN", "ann")
NEWS = Channel(id="news", kind="slack", token=Secret("xoxb-t"), channel="C0NEWS")


class Room:
    """A world in which a story was told, and people who press."""

    def __init__(self, world: World, **control: Any) -> None:
        self.world = world
        self.control = Control(app_token=Secret("xapp-t"), **control)
        self.now = NOW
        self.presses = 0
        world.bring(PACT)

    @property
    def desk(self) -> Desk:
        return Desk(self.world.engine, self.world.rulebook, {"news": NEWS}, self.control, dict)

    @property
    def root(self) -> Record:
        return next(one for one in self.records() if one.channel == "news")

    def records(self) -> list[Record]:
        with self.world.engine.connect() as connection:
            return outbox.records(connection)

    def noted(self) -> str:
        body = self.root.body
        assert isinstance(body, Alarm)
        return body.noted

    def press(
        self, button: Button, value: str | None = None, envelope: str = "", actor: Actor = ANN, **more: Any
    ) -> Answer:
        self.presses += 1
        request = Press(
            envelope=envelope or f"e{self.presses}", actor=actor, place=more.pop("place", "C0NEWS"),
            response_url="", trigger="", button=button, value=self.root.id if value is None else value,
        )  # fmt: skip
        return attend(self.desk, request, more.pop("membership", Membership.MEMBER), self.now)

    def type(self, text: str, envelope: str = "") -> Answer:
        self.presses += 1
        request = Command(envelope or f"e{self.presses}", ANN, "C0NEWS", "", "", text)
        return attend(self.desk, request, Membership.MEMBER, self.now)

    def undo(self, answer: Answer, **more: Any) -> Answer:
        (button,) = answer.buttons
        return self.press(button.button, button.value, **more)

    def deeds(self) -> list[ledger.Deed]:
        with self.world.engine.connect() as connection:
            return ledger.recent_deeds(connection, 20)[::-1]

    def silences(self) -> list[tuple[str, datetime]]:
        with self.world.engine.connect() as connection:
            return [(s.about, s.ends_at) for s in ledger.list_silences(connection, self.now)]

    def marks(self) -> list[tuple[str, str]]:
        with self.world.engine.connect() as connection:
            return [(mark.judgement, mark.author) for mark in ledger.list_marks(connection)]


@pytest.fixture
def room(engine: Engine) -> Room:
    return Room(World(engine))


# ---- each button


def test_a_muted_story_is_quiet_for_seven_days(room: Room) -> None:
    answer = room.press(Button.MUTE_STORY)
    assert answer.title == "Muted until 2026-03-09 12:00 UTC by ann."
    assert room.silences() == [(f"story {room.root.story}", NOW + 7 * DAY)]
    room.world.bring(f"{PACT}, says a source", of="gazette", now=NOW + HOUR)
    assert room.noted() == "Muted until 2026-03-09 12:00 UTC by ann"


def test_a_snoozed_rule_is_quiet_for_a_day(room: Room) -> None:
    room.press(Button.SNOOZE_RULE)
    assert room.silences() == [("rule pact/core", NOW + DAY)]
    assert room.world.bring("Microsoft sues OpenAI", now=NOW + HOUR).alerts == 0


def test_a_reply_that_waits_when_its_story_is_muted_is_held(engine: Engine) -> None:
    room = Room(World(engine, source(), source("sec", publisher="filing")))
    with engine.begin() as connection:
        outbox.assume_sent(connection, NOW + HOUR)
    room.world.bring(f"{PACT} - SEC", of="sec", now=NOW + HOUR)
    waiting = [one for one in room.records() if one.kind == "reply"]
    assert waiting
    room.press(Button.MUTE_STORY)
    assert {one.state for one in room.records() if one.kind == "reply"} == {"dropped"}


@pytest.mark.parametrize("button", [Button.RELEVANT, Button.NOT_RELEVANT])
def test_a_mark_is_kept_with_who_made_it(room: Room, button: Button) -> None:
    room.press(button)
    assert room.marks() == [(Judgement(button.value), "ann")]
    assert room.noted() == f"Marked {button.value.replace('_', ' ')} by ann"


def test_a_silence_of_what_there_is_not_is_refused_with_what_was_meant(room: Room) -> None:
    answer = room.type("silence add source herold for 2h")
    assert answer.title == "Not silenced. herold: no such source; did you mean herald?"
    assert room.silences() == []
    assert [(one.what, one.outcome) for one in room.deeds()] == [("silence", "unknown")]


def test_a_silence_may_be_of_several_things_at_once(room: Room) -> None:
    room.type("silence add source herald term OpenAI for 2h")
    again = room.type("silence add term openai source Herald for 2h")
    assert "already" in again.title
    assert room.silences() == [("source herald, term OpenAI", NOW + 2 * HOUR)]


def test_a_silence_to_come_is_none_yet(room: Room) -> None:
    with room.world.engine.begin() as connection:
        ledger.add_silence(connection, Aim.SOURCE, "herald", NOW + DAY, NOW + 9 * DAY, "bob", "")
    assert room.type("silence add source herald for 2h").title.startswith("Silenced source herald until")


def test_a_silence_is_typed(room: Room) -> None:
    room.type("silence add source herald for 2h")
    assert room.silences() == [("source herald", NOW + 2 * HOUR)]


def test_a_silence_is_ended_by_its_number_and_comes_back(room: Room) -> None:
    room.type("silence add source herald for 2h")
    answer = room.type("silence remove 1")
    assert room.silences() == []
    room.undo(answer)
    assert room.silences() == [("source herald", NOW + 2 * HOUR)]


# ---- taken back


def test_a_story_is_heard_again_after_undo(room: Room) -> None:
    room.undo(room.press(Button.MUTE_STORY))
    assert room.silences() == []
    assert room.noted() == ""


def test_undo_brings_back_what_was_marked_before(room: Room) -> None:
    room.press(Button.RELEVANT)
    room.undo(room.press(Button.NOT_RELEVANT, actor=Actor("U0BOB", "bob")))
    assert room.marks() == [("relevant", "ann")]
    assert room.noted() == "Marked relevant by ann"


def test_undo_of_the_first_mark_leaves_none(room: Room) -> None:
    room.undo(room.press(Button.RELEVANT))
    assert room.marks() == []


def test_what_was_taken_back_is_not_taken_back_twice(room: Room) -> None:
    answer = room.press(Button.MUTE_STORY)
    room.undo(answer, actor=Actor("U0BOB", "bob"))
    again = room.undo(answer)
    assert "by bob already" in again.title
    assert not again.buttons


# ---- once


def test_an_envelope_that_comes_again_changes_nothing_and_gets_the_same_answer(room: Room) -> None:
    first = room.press(Button.MUTE_STORY, envelope="one")
    assert room.press(Button.MUTE_STORY, envelope="one") == first
    assert len(room.silences()) == len(room.deeds()) == 1


def test_pressing_twice_makes_one_silence_and_offers_to_undo_it_again(room: Room) -> None:
    room.press(Button.MUTE_STORY)
    again = room.press(Button.MUTE_STORY, actor=Actor("U0BOB", "bob"))
    assert again.title.startswith("Muted by ann until")
    assert len(room.silences()) == 1
    room.undo(again)
    assert room.silences() == []
    assert room.noted() == ""


def test_a_crash_before_the_commit_leaves_neither_silence_nor_record(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "note_deed", crash)
        with pytest.raises(RuntimeError):
            room.press(Button.MUTE_STORY, envelope="one")
    assert room.silences() == []
    room.press(Button.MUTE_STORY, envelope="one")
    assert len(room.silences()) == 1


# ---- on record


def test_every_change_is_on_record_with_who_from_where_and_what_came_of_it(room: Room) -> None:
    room.undo(room.press(Button.MUTE_STORY), actor=Actor("U0BOB", "bob"))
    muted, undone = room.deeds()
    assert (muted.actor, muted.actor_name, muted.place) == ("U0ANN", "ann", "C0NEWS")
    assert (muted.what, muted.value, muted.outcome) == ("silence", f"story {room.root.story}", "done")
    assert (muted.undone_by, undone.what, undone.value) == ("bob", "undo", str(muted.id))


def test_a_refusal_is_answered_and_on_record(room: Room) -> None:
    answer = room.press(Button.MUTE_STORY, membership=Membership.STRANGER)
    assert "Only members" in answer.title
    assert room.silences() == []
    assert [(one.what, one.outcome) for one in room.deeds()] == [("mute_story", "not_a_member")]


def test_whoever_is_not_on_the_list_changes_nothing(engine: Engine) -> None:
    room = Room(World(engine), allow=("U0BOB",))
    assert "allow" in room.press(Button.MUTE_STORY).title
    room.press(Button.MUTE_STORY, actor=Actor("U0BOB", "bob"), place="D0BOB")
    assert len(room.silences()) == 1


def test_a_value_that_is_none_of_ours_changes_nothing(room: Room) -> None:
    for button in Button:
        for value in ("", "no-such", "1", "9" * 30, "a/b", "١", "../../1", "s1/99999"):
            assert room.press(button, value).title
    assert (room.silences(), room.marks()) == ([], [])


# ---- another event


SUIT = "Microsoft sues OpenAI over the pact"


def two_in_one_story(room: Room) -> tuple[str, list[int]]:
    """The Gazette has the pact too, and then an article that has nothing to do with it."""
    room.world.bring(f"{PACT} - Gazette", of="gazette", now=NOW + HOUR)
    with room.world.engine.connect() as connection:
        story = room.root.story or ""
        return story, [one.article for one in ledger.articles_of(connection, story)]


def test_wrong_story_asks_which_article_is_meant(room: Room) -> None:
    story, articles = two_in_one_story(room)
    choice = room.press(Button.WRONG_STORY).choice
    assert choice is not None
    assert [value for _, value in choice.options] == [f"{story}/{one}" for one in articles]
    assert choice.options[1][0].endswith("Gazette")


def test_a_story_of_one_article_cannot_be_split(room: Room) -> None:
    assert "one article" in room.press(Button.WRONG_STORY).title


def test_what_is_split_off_gets_a_root_of_its_own(room: Room) -> None:
    story, (_, second) = two_in_one_story(room)
    room.press(Button.SPLIT, f"{story}/{second}")
    roots = [one for one in room.records() if one.channel == "news" and one.kind == "root"]
    assert [one.body.title for one in roots] == [PACT, f"{PACT} - Gazette"]
    first = roots[0].body
    assert isinstance(first, Alarm)
    assert (first.also, first.copies) == ((), 0)


def test_a_root_that_showed_what_is_split_off_shows_the_best_of_the_others(engine: Engine) -> None:
    room = Room(World(engine, source(), source("gazette"), source("sec", publisher="filing")))
    room.world.bring(f"{PACT} - SEC", of="sec", now=NOW + HOUR)
    story, filed = room.root.story or "", 0
    assert room.root.body.title.endswith("SEC")
    with engine.connect() as connection:
        filed = ledger.articles_of(connection, story)[-1].article
    room.press(Button.SPLIT, f"{story}/{filed}")
    assert room.root.body.title == PACT
    assert [one.body.title for one in room.records() if one.channel == "news" and one.kind == "root"] == [
        PACT,
        f"{PACT} - SEC",
    ]


def test_where_the_article_that_was_told_is_chosen_its_message_stays_and_the_others_ring(room: Room) -> None:
    story, (first, _) = two_in_one_story(room)
    room.press(Button.SPLIT, f"{story}/{first}")
    roots = [one.body.title for one in room.records() if one.channel == "news" and one.kind == "root"]
    assert roots == [PACT, f"{PACT} - Gazette"]


def test_a_split_is_taken_back_before_anybody_has_seen_it(room: Room) -> None:
    story, (_, second) = two_in_one_story(room)
    room.undo(room.press(Button.SPLIT, f"{story}/{second}"))
    waiting = [one for one in room.records() if one.channel == "news" and one.state == "waiting"]
    assert [one.body.title for one in waiting if one.kind == "root"] == [PACT]
    with room.world.engine.connect() as connection:
        assert [one.article for one in ledger.articles_of(connection, story)][-1] == second
        thread = ledger.thread(connection, StoryId(story), "pact")
    assert thread is not None
    assert thread.of(second) is not None
    assert "goes on" not in str([one.body for one in waiting])


def test_where_somebody_has_seen_what_was_split_off_its_thread_says_where_it_goes_on(room: Room) -> None:
    story, (_, second) = two_in_one_story(room)
    answer = room.press(Button.SPLIT, f"{story}/{second}")
    with room.world.engine.begin() as connection:
        outbox.assume_sent(connection, NOW + DAY)
    room.undo(answer)
    pointing = [one.story for one in room.records() if "goes on in the thread" in str(one.body)]
    assert pointing
    assert story not in pointing
