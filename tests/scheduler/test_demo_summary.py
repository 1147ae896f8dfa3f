"""What the demo shows at the end, and when it fails."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from scheduler.demo.narrator import Narrator
from scheduler.demo.slack import Message
from scheduler.demo.summary import DemoFailed, Summary


def summary(**changes: object) -> Summary:
    given: dict[str, object] = {
        "seconds": 40.0, "sites": 2, "requests": 9, "entries": 5, "articles": 1, "messages": {"a": 1, "b": 1},
        "strangers": 0, "latencies": [1.0, 2.5], "faults": 1, "cut": False,
    }  # fmt: skip
    return Summary(**{**given, **changes})  # type: ignore[arg-type]


def shown(draw: Callable[[Narrator], None], **terminal: object) -> str:
    page = io.StringIO()
    draw(Narrator(Console(file=page, width=100, **terminal), lambda: 67.0))  # type: ignore[arg-type]
    return page.getvalue()


def test_one_message_for_each_story_is_fine() -> None:
    summary().judge()
    assert "2 of 2 stories in 2 messages, 1.0 to 2.5 s after publication" in shown(summary().show)
    assert "9 requests to 2 sites: 5 entries, 1 article " in shown(summary().show)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"messages": {"a": 1, "b": 0}}, "lost: b"),
        ({"messages": {"a": 3, "b": 1}}, "told 3 times: a"),
        ({"strangers": 1}, "1 message about nothing"),
    ],
)
def test_a_lost_a_repeated_and_a_needless_message_fail_the_demo(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(DemoFailed, match=said):
        summary(**changes).judge()


def test_a_play_that_was_cut_says_so() -> None:
    assert "cut short" not in shown(summary().show)
    assert "not everything had happened" in shown(summary(cut=True).show)


def test_a_line_says_when_who_and_what_without_escapes_where_there_is_no_terminal() -> None:
    line = shown(lambda narration: narration.say("The Ledger", "publishes [red]this[/red]", "cyan"))
    assert line.split() == ["01:07", "The", "Ledger", "publishes", "[red]this[/red]"]


def test_matched_words_are_set_off_with_asterisks_where_bold_cannot_be_seen() -> None:
    rich_text = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "link", "url": "http://127.0.0.2/a", "text": "Title", "style": {"bold": True}},
                    {"type": "text", "text": " of "},
                    {"type": "text", "text": "OpenAI", "style": {"bold": True}},
                ],
            }
        ],
    }
    message = Message("1.0", {"blocks": [rich_text]})
    assert "Title of *OpenAI*" in shown(lambda narration: narration.show(message, "#news"))
    coloured = shown(
        lambda narration: narration.show(message, "#news"), force_terminal=True, color_system="standard"
    )
    assert "*" not in coloured
    assert "\x1b[1mOpenAI" in coloured
