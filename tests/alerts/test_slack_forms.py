"""Slack's JSON, both ways: what is odd has a reason, and nothing from outside acts."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.buttons import Button
from alerts.control import slack_forms
from alerts.control.requests import (
    Actor,
    Answer,
    Choice,
    Command,
    Field,
    Line,
    Modal,
    Press,
    Pressable,
    Submission,
)
from alerts.control.slack_forms import Unreadable
from alerts.notifiers import slack_blocks
from tests.slack_socket import buttons, words
from tests.slack_stand_in import block_problems, complaints, view_problems
from tests.telling import alarm, delivery, follow_up

COMMAND = Command("e1", Actor("U0ANN", "ann"), "C0NEWS", "https://hooks.slack.com/a", "t", "help")
HOSTILE = "<!channel> <https://evil.example|here> *b* \u202e\u200b xoxb-1234567890-abc & \ud83d"

PRESS: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U0ANN", "username": "ann"},
    "channel": {"id": "C0NEWS"},
    "container": {"thread_ts": "17.1"},
    "response_url": "https://hooks.slack.com/a",
    "trigger_id": "t",
    "actions": [{"action_id": "tocsin:why", "value": "d1"}],
}


def envelope(payload: Any, kind: str = "interactive") -> dict[str, Any]:
    return {"envelope_id": "e1", "type": kind, "payload": payload}


# ---- what Slack sends


def test_a_press_is_read() -> None:
    read = slack_forms.request(envelope(PRESS))
    assert read == Press(
        "e1", Actor("U0ANN", "ann"), "C0NEWS", "https://hooks.slack.com/a", "t", Button.WHY, "d1", "17.1"
    )


def test_a_choice_is_a_press_with_what_was_chosen() -> None:
    chosen = {"action_id": "tocsin:split", "selected_option": {"value": "s1/7"}}
    read = slack_forms.request(envelope({**PRESS, "actions": [chosen]}))
    assert isinstance(read, Press)
    assert (read.button, read.value) == (Button.SPLIT, "s1/7")


def test_a_submission_is_read_with_where_its_modal_was_opened() -> None:
    view = slack_forms.view(Modal("try", "Try a query", (), (Field("query", "Query"),)), "C0NEWS")
    values = {"query": {"tocsin:field": {"value": "openai"}}}
    sent = {"type": "view_submission", "user": PRESS["user"],
            "view": {"id": "V1", **view, "state": {"values": values}}}  # fmt: skip
    read = slack_forms.request(envelope(sent))
    assert read == Submission("e1", Actor("U0ANN", "ann"), "C0NEWS", "V1", "try", {"query": "openai"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"actions": []}, "no actions"),
        ({"actions": [{"action_id": "other", "value": "d1"}]}, "no button of ours: other"),
        ({"actions": [{"action_id": "tocsin:explode"}]}, "no button of ours: tocsin:explode"),
        ({"user": None}, "no user"),
        ({"user": {"id": "U0\n"}}, "no user id"),
        ({"user": {"id": "U" * 999}}, "no user id"),
        ({"channel": None, "container": None}, "no channel"),
        ({"response_url": 7}, "no response_url"),
        ({"type": "shortcut"}, "nothing we asked for: interactive"),
    ],
)
def test_what_is_odd_has_a_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unreadable) as odd:
        slack_forms.request(envelope({**PRESS, **change}))
    assert odd.value.reason == reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(sorted(PRESS)), JSON), st.sampled_from(["interactive", "slash_commands"])
)
def test_nothing_that_is_sent_breaks_the_reading(odd: dict[str, Any], kind: str) -> None:
    with contextlib.suppress(Unreadable):
        assert slack_forms.request(envelope({**PRESS, **odd}, kind)).place


def test_what_a_database_does_not_take_is_left_out() -> None:
    read = slack_forms.request(
        envelope({**PRESS, "actions": [{"action_id": "tocsin:try", "value": "a\0\ud83d"}]})
    )
    assert isinstance(read, Press)
    assert read.value == "a"


# ---- what we answer


FULL = Answer(
    HOSTILE,
    (
        Line(HOSTILE, link="https://herald.example/<x>", aside=HOSTILE),
        Line("evil.example", link="https://herald.example/a"),
        Line("javascript", link="javascript:alert(1)"),
        Line("openai  AND\n        ^", fixed=True),
        Line(""),
    ),
    buttons=(Pressable(Button.UNDO, "7"), Pressable(Button.TRY, "")),
    choice=Choice(Button.SPLIT, "Choose", ((HOSTILE * 5, "s1/7"), ("", "s1/8"), ("too long", "x" * 151))),
)


def test_nothing_from_outside_acts_in_an_answer() -> None:
    said = slack_forms.message(FULL, COMMAND)
    assert block_problems(said["blocks"]) == []
    assert not [one for one in complaints(said) if "argument" not in one and "unfurl" not in one
                and "markup of a headline" not in one]  # fmt: skip
    assert "<!channel>" not in said["text"]
    assert "xoxb-1" not in json.dumps(said)


def test_a_caret_stands_where_it_stood() -> None:
    (fixed,) = (p for p in slack_forms.message(FULL, COMMAND)["blocks"][0]["elements"]
                if p["type"] == "rich_text_preformatted")  # fmt: skip
    assert fixed["elements"][0]["text"] == "openai  AND\n        ^"


def test_a_long_answer_is_cut_where_slack_would_refuse_it_and_says_so() -> None:
    said = slack_forms.message(Answer("Much", tuple(Line("x" * 600) for _ in range(200))), COMMAND)
    assert "more lines" in words(said)
    assert len(json.dumps(said)) < 13_000


def test_only_an_answer_is_replaced_by_the_next() -> None:
    press = slack_forms.request(envelope({**PRESS, "container": {"is_ephemeral": True}}))
    assert isinstance(press, Press)
    assert slack_forms.message(Answer("Taken back"), press)["replace_original"] is True
    assert slack_forms.message(Answer("Muted"), COMMAND)["replace_original"] is False


def test_a_modal_is_one_that_slack_takes() -> None:
    field = Field("query", "Query", "q" * 9000, "e" * 400, long=True)
    full = Modal("try", "A title that is far too long", FULL.lines, (field,), "Try")
    assert view_problems(slack_forms.view(full, "C0NEWS")) == []
    assert view_problems(slack_forms.view(Modal("try", "Waiting", (Line("Looking"),)), "C0NEWS")) == []


# ---- beneath a message


def test_a_root_has_six_buttons_and_a_reply_two() -> None:
    root = slack_blocks.message(delivery(alarm(), id="d1"), buttons=True)
    assert list(buttons(root)) == [
        "relevant",
        "not_relevant",
        "mute_story",
        "snooze_rule",
        "wrong_story",
        "why",
    ]
    assert {element["value"] for element in buttons(root).values()} == {"d1"}
    assert block_problems(root["blocks"]) == complaints({**root, "channel": "C0"}) == []
    assert list(buttons(slack_blocks.message(delivery(follow_up()), buttons=True))) == ["wrong_story", "why"]


def test_the_labels_are_short_and_a_screen_reader_hears_what_they_leave_out() -> None:
    """The three that decide at once make the first row of a phone, the others the second."""
    elements = buttons(slack_blocks.message(delivery(alarm()), buttons=True)).values()
    labels = [element["text"]["text"] for element in elements]
    assert labels == ["Relevant", "Not relevant", "Mute", "Snooze rule", "Wrong story", "Why?"]
    aloud = {e["action_id"]: e["accessibility_label"] for e in elements if "accessibility_label" in e}
    assert aloud == {"tocsin:mute_story": "Mute story"}


def test_without_the_control_room_there_are_none() -> None:
    assert buttons(slack_blocks.message(delivery(alarm()))) == {}


def test_what_was_done_beneath_a_message_is_seen_in_it() -> None:
    shown = slack_blocks.message(delivery(alarm(noted="Muted until tomorrow by ann", status="Led by Herald")))
    assert "Led by Herald · Muted until tomorrow by ann" in words(shown)
    assert "Muted until tomorrow by ann" in shown["text"]
