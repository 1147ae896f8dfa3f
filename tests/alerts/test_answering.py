"""What the slash command and the form to try a query answer: short, and true."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger, outbox, screen
from alerts.buttons import Button
from alerts.channels import Control
from alerts.control.answering import answer, at_once
from alerts.control.requests import Actor, Answer, Command, Desk, Press, Submission
from alerts.silences import Aim
from alerts.watches import Rule, Watch
from scheduler import status
from tests.alerts.test_backtest import PACT, SETS, rulebook
from tests.builders import AT_ONCE, DAY, HOUR, MINUTE, NOW, entry, source
from tests.crawler.test_archive import Book

CHIPS = Watch(id="chips", rules=(Rule(id="any", level="alert", query="chip*"),), channels=("news",))
ANN = Actor("U1", "ann")
TOLD = "https://herald.example/pact"
SILENT = "https://gazette.example/union"


class Room:
    """A database in which something was told, and somebody who asks."""

    def __init__(self, engine: Engine) -> None:
        self.book = Book(engine, source("herald"), source("gazette"))
        self.rules = rulebook(PACT, CHIPS)
        self.desk = Desk(engine, self._with_sets(), {}, Control(), self._status)

    def _with_sets(self) -> screen.Rulebook:
        made = self.rules
        return screen.Rulebook(made.sources, made.watches, made.matcher, made.backlog, AT_ONCE, sets=SETS)

    def _status(self) -> Mapping[str, Any]:
        with self.book.engine.connect() as connection:
            return status.picture(connection, self.book.sources, NOW + HOUR).to_json()

    def live(self) -> "Room":
        """A pact that two papers have, and something else."""
        self.book.read(now=NOW - DAY)
        self.book.read(now=NOW - DAY, of="gazette")
        title = "OpenAI and Microsoft sign a pact"
        self.tell(entry(title, url=TOLD, summary="It binds OpenAI to Microsoft for ten years."))
        self.tell(entry("The union has a say", url=SILENT, source="gazette"), of="gazette")
        self.tell(entry(title, url="https://gazette.example/pact", source="gazette", guid="p"), of="gazette")
        return self

    def tell(self, *entries: Any, of: str = "herald", now: Any = NOW) -> None:
        self.book.read(*entries, of=of, now=now)
        screen.screen(self.book.engine, self.desk.rulebook, now + MINUTE)

    def asks(self, text: str, still: Callable[[], bool] | None = None) -> Answer:
        asked = Command("e1", ANN, "C0NEWS", "https://hooks.example/1", "t1", text)
        return at_once(self.desk, asked) or answer(self.desk, asked, NOW + HOUR, still)

    def presses(self, button: Button, value: str) -> Answer:
        pressed = Press("e1", ANN, "C0NEWS", "https://hooks.example/1", "t1", button, value)
        return at_once(self.desk, pressed) or answer(self.desk, pressed, NOW + HOUR)

    def sends(self, query: str, still: Callable[[], bool] | None = None) -> tuple[Answer, Answer]:
        """What is shown at once, and what then."""
        form = Submission("e1", ANN, "C0NEWS", "V1", "try", {"query": query})
        first = at_once(self.desk, form)
        assert first is not None
        return first, answer(self.desk, form, NOW + HOUR, still)

    def deliveries(self) -> list[outbox.Record]:
        with self.book.engine.connect() as connection:
            return outbox.records(connection)


@pytest.fixture
def room(engine: Engine) -> Room:
    return Room(engine)


def said(answered: Answer | None) -> str:
    """All of its words."""
    assert answered is not None
    lines = [*answered.lines, *(answered.modal.lines if answered.modal else ())]
    return "\n".join([answered.title, *(f"{line.text} {line.aside}" for line in lines)])


# --- help


def test_help_lists_the_commands_and_opens_the_form(room: Room) -> None:
    answered = room.asks("help")
    assert "/tocsin why URL" in said(answered)
    assert "/tocsin silence add AIM VALUE" in said(answered)
    (button,) = answered.buttons
    form = room.presses(button.button, button.value).modal
    assert form is not None
    assert form.fields[0].initial == ""


def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(room: Room) -> None:
    assert said(room.asks("serach pact")).startswith(
        "There is no 'serach'. Did you mean search?\n/tocsin search"
    )


# --- status


def test_status_says_whether_all_is_well_and_what_was_told_last(room: Room) -> None:
    answered = room.live().asks("status")
    assert answered.title == "All is well: 2 of 2 sources answer"
    assert "OpenAI and Microsoft sign a pact (herald, the last alert, Mon 02 Mar 12:01 UTC)" in said(answered)
    assert "2 deliveries under way, the oldest for 59 min" in said(answered)


def test_status_of_an_empty_database_is_an_answer_too(room: Room) -> None:
    assert said(room.asks("status")) == "All is well: 0 of 2 sources answer\nNo alert yet "


def test_status_names_what_a_person_has_to_look_at(room: Room) -> None:
    known = room.live().desk.status() | {
        "failing": [{"id": f"paper-{n}", "outcome": "dns", "advice": "look at it"} for n in range(5)],
        "channels": [{"id": "news", "stopped_at": "2026-03-02", "stopped_reason": "not_in_channel"}],
        "silent": [{"id": "monthly"}],
        "silences": 2,
    }
    known["deliveries"]["dead"] = 1
    room.desk = Desk(room.book.engine, room.desk.rulebook, {}, Control(), lambda: known)
    answered = room.asks("status")
    assert answered.title.startswith("Not all is well")
    for words in (
        "Channel news is stopped: not_in_channel",
        "paper-0 fails: dns (look at it)",
        "… and 2 more sources fail",
        "Silent against their habit: monthly",
        "1 delivery given up",
        "2 silences",
    ):
        assert words in said(answered)


# --- why


def test_why_says_what_became_of_an_article_and_what_was_found(room: Room) -> None:
    answered = room.live().asks(f"why {TOLD}")
    assert answered.title == "Waiting"
    assert answered.lines[0].link == TOLD
    assert "Rule core" in said(answered)
    assert "pact/core found: OpenAI, Microsoft" in said(answered)
    assert "“It binds OpenAI to Microsoft for ten years.”" in said(answered)
    assert len(answered.lines) <= 6


def test_why_has_the_answers_of_several_watches(room: Room) -> None:
    room.live().tell(entry("OpenAI and Microsoft order chips", url="https://herald.example/both"))
    answered = room.asks("why https://herald.example/both")
    assert answered.title == "pact: Waiting; chips: Waiting"
    assert said(answered).count("OpenAI and Microsoft order chips") == 1


def test_why_of_an_article_that_no_rule_wants_says_what_it_lacks(room: Room) -> None:
    answered = room.live().asks(f"why {SILENT}")
    assert answered.title == "No match"
    assert "core lacks @openai" in said(answered)


def test_why_prefers_the_watch_that_has_something_to_say(room: Room) -> None:
    room.live().tell(entry("Chips are scarce", url="https://herald.example/chips"))
    assert "Rule any" in said(room.asks("why https://herald.example/chips"))
    assert room.asks("why https://herald.example/chips pact").title == "No match"


def test_why_of_an_unknown_address_or_watch_is_an_answer_too(room: Room) -> None:
    assert room.live().asks("why https://nobody.example/").title == "Not fetched"
    assert room.asks(f"why {'9' * 3000}").title == "Not fetched"
    assert room.asks(f"why {TOLD} pakt").title == "There is no watch pakt. Did you mean pact?"


def test_the_button_says_why_its_message_is_there(room: Room) -> None:
    room.live()
    answered = room.presses(Button.WHY, room.deliveries()[0].id)
    assert "Rule core" in said(answered)
    assert answered.lines[0].link == TOLD


def test_the_button_below_a_message_that_is_forgotten_says_so(room: Room) -> None:
    assert room.presses(Button.WHY, "nothing").title == "Nothing is known of this message any more."


def test_the_button_below_a_watch_that_is_gone_says_so(room: Room) -> None:
    value = room.live().deliveries()[0].id
    room.desk = Desk(room.book.engine, rulebook(CHIPS), {}, Control(), dict)
    assert room.presses(Button.WHY, value).title == "There is no watch pact any more."


# --- search


def test_a_search_shows_headlines_with_links(room: Room) -> None:
    answered = room.live().asks("search @openai AND pact")
    assert answered.title == "2 of 3 articles of the last 7 days"
    assert {line.link for line in answered.lines} == {TOLD, "https://gazette.example/pact"}
    assert "Herald · en · Mon 02 Mar 12:00 UTC" in said(answered)


def test_a_search_says_what_is_hardly_meant(room: Room) -> None:
    assert "L0: 'and' is looked for as a word" in said(room.live().asks("search OpenAI and pact"))


def test_a_search_for_what_nobody_wrote_says_of_how_much(room: Room) -> None:
    assert room.live().asks("search Oracle").title == "0 of 3 articles of the last 7 days"


def test_a_search_ends_with_patience_and_says_how_far_it_came(room: Room) -> None:
    answered = room.live().asks("search pact", iter([True, False]).__next__)
    assert answered.title.startswith("1 of 1 articles, all back to Mon 02 Mar 12:00 UTC")


def test_a_query_that_cannot_be_read_shows_its_caret_and_can_be_mended(room: Room) -> None:
    answered = room.asks("search OpenAI NEER/3 Microsoft")
    assert answered.lines[0].fixed
    assert answered.lines[0].text.endswith("\n         ^")
    form = room.presses(answered.buttons[0].button, answered.buttons[0].value).modal
    assert form is not None
    assert form.fields[0].initial == "OpenAI NEER/3 Microsoft"


def test_a_query_too_long_for_a_button_leaves_the_form_empty(room: Room) -> None:
    (button,) = room.live().asks(f"search {' OR '.join(['pact'] * 400)}").buttons
    assert room.presses(button.button, button.value).modal.fields[0].initial == ""  # type: ignore[union-attr]


# --- the form


def test_the_form_comes_with_the_query_that_was_typed(room: Room) -> None:
    form = room.asks("try title:OpenAI").modal
    assert form is not None
    assert (form.fields[0].initial, len(form.title) <= 24) == ("title:OpenAI", True)


def test_a_mistake_is_shown_at_its_field_with_a_caret(room: Room) -> None:
    form = Submission("e1", ANN, "C0NEWS", "V1", "try", {"query": "OpenAI NEER/3 Microsoft"})
    first = at_once(room.desk, form)
    assert first is not None
    assert first.errors == {
        "query": "there is no operator NEER; expected NEAR/n, ONEAR/n or ATLEAST/n; did you mean NEAR/n?: "
        "OpenAI ^NEER/3 Microsoft"
    }


@pytest.mark.parametrize("fields", [{}, {"query": ""}, {"other": "x"}])
def test_a_form_without_a_query_is_a_mistake_too(room: Room, fields: Mapping[str, str]) -> None:
    first = at_once(room.desk, Submission("e1", ANN, "C0NEWS", "V1", "try", fields))
    assert first is not None
    assert "query" in first.errors


def test_a_trial_says_hits_by_the_day_messages_and_headlines(room: Room) -> None:
    first, then = room.live().sends("@openai AND @microsoft")
    assert not first.errors
    assert first.modal is not None
    assert first.modal.fields == ()
    assert "2 of 3 articles of 7.0 days match, in 1 story: about 0.1 messages a day" in said(then)
    assert "Mon 02 ▇▇▇▇▇▇▇▇▇▇ 2" in said(then)
    assert "Sun 01  0" in said(then)
    assert "OpenAI and Microsoft sign a pact (Herald · en · Mon 02 Mar 12:00 UTC)" in said(then)
    assert then.modal is not None
    assert then.modal.fields[0].initial == "@openai AND @microsoft"


def test_a_trial_of_what_matches_nothing_has_its_days_too(room: Room) -> None:
    _, then = room.live().sends("Oracle")
    assert "0 of 3 articles" in said(then)
    assert "Mon 02  0" in said(then)


def test_a_trial_shows_ten_headlines_and_counts_the_rest(room: Room) -> None:
    room.live()
    several = [entry(f"Chips of the sort {n}, told", url=f"https://herald.example/{n}") for n in range(12)]
    room.book.read(*several, now=NOW)
    _, then = room.sends("chips")
    assert said(then).count("of the sort") == 10
    assert "… and 2 more stories" in said(then)


def test_a_set_that_went_away_meanwhile_is_said(room: Room) -> None:
    form = Submission("e1", ANN, "C0NEWS", "V1", "try", {"query": "@openai"})
    assert not at_once(room.desk, form).errors  # type: ignore[union-attr]
    room.desk = Desk(room.book.engine, rulebook(CHIPS), {}, Control(), dict)
    assert "The query cannot be read" in said(answer(room.desk, form, NOW))


def test_a_form_that_is_none_of_ours_is_answered(room: Room) -> None:
    form = Submission("e1", ANN, "C0NEWS", "V1", "other", {})
    assert at_once(room.desk, form) is None
    assert answer(room.desk, form, NOW).modal is None


# --- silences, stories


def test_silences_are_listed_with_what_is_left_of_them(room: Room) -> None:
    assert room.asks("silence").title == "Nothing is silenced"
    with room.book.engine.begin() as connection:
        ledger.add_silence(connection, Aim.TERM, "Copilot", NOW, NOW + timedelta(hours=5), "ann", "the fair")
    answered = room.asks("silence list")
    assert answered.title == "What stays quiet"
    assert said(answered).endswith(": term Copilot (for 4 h, by ann, held nothing): the fair")


def test_stories_are_listed_and_one_is_shown(room: Room) -> None:
    assert room.asks("stories").title == "There are no stories yet"
    (listed,) = room.live().asks("stories").lines
    assert listed.text == "OpenAI and Microsoft sign a pact"
    assert listed.aside.startswith("(2 origins, told, s")
    story = listed.aside.rstrip(")").rpartition(" ")[2]
    shown = room.asks(f"stories {story}")
    assert shown.title == "OpenAI and Microsoft sign a pact (2 origins)"
    assert [line.link for line in shown.lines] == [TOLD, "https://gazette.example/pact"]
    assert "founder · told" in shown.lines[0].aside
    assert "same headline" in shown.lines[1].aside


def test_a_story_that_is_not_there_is_said_so(room: Room) -> None:
    assert room.asks("stories s0").title == "There is no story s0"


def test_a_silence_is_shown_with_what_it_held(room: Room) -> None:
    with room.book.engine.begin() as connection:
        silence = ledger.add_silence(connection, Aim.SOURCE, "herald", NOW, NOW + DAY, "ann", "").id
    answered = room.live().asks(f"silence show {silence}")
    assert answered.title == f"Silence {silence}"
    assert "source herald (for 23 h, by ann, held 1 article of 1 story)" in said(answered)
    assert answered.lines[1].link == TOLD
    assert room.asks("silence show 99").title == "There is no silence 99"


def test_a_silence_to_come_says_from_when_on(room: Room) -> None:
    with room.book.engine.begin() as connection:
        ledger.add_silence(connection, Aim.SOURCE, "herald", NOW + DAY, NOW + 2 * DAY, "ann", "")
    assert "(from Tue 03 Mar 12:00 UTC, by ann, held nothing)" in said(room.asks("silence"))


def test_status_says_who_turned_what(room: Room) -> None:
    deed = {"actor_name": "ann", "what": "end_silence", "value": "3", "at": NOW.isoformat()}
    known = room.desk.status() | {
        "actions": [
            {**deed, "outcome": "done", "undone_at": None},
            {**deed, "outcome": "not_allowed", "undone_at": None},
            {**deed, "outcome": "done", "undone_at": NOW.isoformat(), "undone_by": "bob"},
        ]
    }
    room.desk = Desk(room.book.engine, room.desk.rulebook, {}, Control(), lambda: known)
    assert said(room.asks("status")).splitlines()[-3:] == [
        "ann: end silence 3 (Mon 02 Mar 12:00 UTC)",
        "ann: end silence 3 (Mon 02 Mar 12:00 UTC, not allowed)",
        "ann: end silence 3 (Mon 02 Mar 12:00 UTC, taken back by bob)",
    ]
