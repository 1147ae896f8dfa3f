"""Messages as a page: everything in its place, nothing of it run."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.notifiers.slack_blocks import message
from alerts.notifiers.slack_page import Reader, Shown, drawn_message, page
from tests.messages import MESSAGES, NOW, ONLY_TO_YOU
from tests.telling import alarm, delivery

ALL = {**MESSAGES, **ONLY_TO_YOU}
READER = Reader(NOW, ZoneInfo("Europe/Paris"))


def drawn(said: dict[str, object], **how: bool) -> str:
    return drawn_message(Shown(said, NOW, **how), READER)


@pytest.mark.parametrize("name", ALL)
def test_every_message_can_be_drawn_and_no_block_is_unknown(name: str) -> None:
    whole = page("preview", [Shown(ALL[name], NOW)], READER)
    assert whole.count('class="message"') == 2  # a phone, a desk
    assert '<div class="small">(' not in whole


def test_words_from_outside_are_shown_and_not_run() -> None:
    hostile = '</div><script>x</script>"&amp;'
    said = drawn(message(delivery(alarm(hostile, source_name=hostile, link='https://a.example/"><b>'))))
    assert "<script" not in said
    assert "&lt;script&gt;x&lt;/script&gt;&quot;&amp;amp;" in said
    assert 'href="https://a.example/%22%3E%3Cb%3E"' in said


def test_a_time_is_how_long_ago_it_was_for_the_reader() -> None:
    assert "published 4 min ago" in drawn(MESSAGES["root"])


def test_links_times_and_bold_are_the_only_markup() -> None:
    at = int((NOW - timedelta(hours=1)).timestamp())
    time = f"<!date^{at}^{{date_short_pretty}} {{time}}|x>"
    said = drawn({"text": f"*so* <https://a.example/?a=1&amp;b=2|here> {time} <!here>"})
    assert '<b>so</b> <a href="https://a.example/?a=1&amp;b=2">here</a> Today 09:12 &lt;!here&gt;' in said


def test_where_slack_parses_no_markup_asterisks_stay_and_links_are_links() -> None:
    said = drawn({"text": "*so <https://a.example/|here>*", "mrkdwn": False})
    assert '*so <a href="https://a.example/">here</a>*' in said


def test_on_a_phone_the_page_shows_each_message_once() -> None:
    narrow = page("preview", [], READER).partition("@media (max-width: 800px)")[2]
    assert ".screen + .screen { display: none }" in narrow


def test_buttons_and_choices_are_drawn() -> None:
    plain = {"type": "plain_text", "text": "Why?"}
    said = drawn(
        {
            "blocks": [
                {
                    "type": "actions",
                    "elements": [
                        {"type": "button", "text": plain, "style": "danger"},
                        {"type": "static_select", "placeholder": plain},
                    ],
                }
            ]
        },
        only_to_you=True,
    )
    assert '<span class="danger">Why?</span><span class="">Why? ▾</span>' in said
    assert "Only visible to you" in said
