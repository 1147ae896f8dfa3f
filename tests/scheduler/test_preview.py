"""`tocsin preview`: the alerts of the last days as a page."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import update

from alerts import outbox
from alerts.notifications import DeliveryId
from alerts.outbox.schema import deliveries
from scheduler.database import FILE, open_database
from tests.builders import DAY, HOUR, NOW
from tests.scheduler.test_cli import Desk
from tests.telling import alarm, follow_up

TITLE = "OpenAI and Microsoft sign a pact"
GROWN = "OpenAI and Microsoft sign two pacts"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.bring()
    engine = open_database(f"sqlite:///{made.data / FILE}")
    with engine.begin() as connection:
        outbox.enqueue(connection, DeliveryId("a1"), "news", alarm(TITLE), "s1", "pact", NOW)
        (root,) = outbox.roots(connection, "s1", "pact")
        outbox.reply(connection, root, DeliveryId("r1"), follow_up("It is denied"), NOW, due_at=NOW)
    engine.dispose()
    with time_machine.travel(NOW + HOUR, tick=False):
        yield made


def drawn(desk: Desk, tmp_path: Path) -> str:
    page = tmp_path / "page.html"
    assert desk("preview", str(page)).stdout == f"{page}: 2 messages\n"
    return page.read_text(encoding="utf-8")


def test_a_page_is_written_with_what_was_told(desk: Desk, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    answer = desk("preview", str(page))
    assert answer.stdout == f"{page}: 2 messages\n"
    seen = page.read_text(encoding="utf-8")
    assert seen.index(TITLE) < seen.index("It is denied")


SLACK = """
channels: [{{id: news, kind: slack, token: "{token}", channel: C0NEWS{more}}}]
control: {{app_token: "{app}"}}
"""


@pytest.mark.parametrize(
    ("app", "token", "more", "roots", "replies"),
    [
        pytest.param("xapp-t", "xoxb-t", "", 1, 2, id="as Slack gets them"),
        pytest.param("xapp-t", "${NOT_SET}", "", 1, 2, id="the channel is still the console"),
        pytest.param("${NOT_SET}", "xoxb-t", "", 0, 0, id="no press would be heard"),
        pytest.param("xapp-t", "xoxb-t", ", buttons: false", 0, 0, id="the channel wants none"),
    ],
)
def test_the_buttons_are_drawn_that_slack_shows(
    desk: Desk, tmp_path: Path, app: str, token: str, more: str, roots: int, replies: int
) -> None:
    desk.write("channels.yaml", SLACK.format(app=app, token=token, more=more))
    seen = drawn(desk, tmp_path)
    assert seen.count(">Not relevant</span>") == 2 * roots  # on a phone, on a desk
    assert seen.count(">Why?</span>") == 2 * replies


def test_a_message_is_drawn_as_it_went_out(desk: Desk, tmp_path: Path) -> None:
    """Edited; again where nobody could look; without its blocks where they were refused."""
    assert "(edited)" not in drawn(desk, tmp_path)
    engine = open_database(f"sqlite:///{desk.data / FILE}")
    with engine.begin() as connection:
        (root,) = outbox.roots(connection, "s1", "pact")
        outbox.revise(connection, replace(root, begun=True), alarm(GROWN), NOW, edit_at=NOW, due_at=NOW)
        connection.execute(update(deliveries).where(deliveries.c.kind == "edit").values(sent_at=NOW))
        root_row = update(deliveries).where(deliveries.c.id == "a1")
        connection.execute(root_row.values(plainness="minimal", repeat_possible=True))
    engine.dispose()
    seen = drawn(desk, tmp_path)
    assert seen.count("(edited)") == 2
    assert GROWN in seen
    assert "possible repeat · ref a1" in seen
    assert f"<b>{GROWN}" not in seen


def test_what_is_older_is_left_out(desk: Desk, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with time_machine.travel(NOW + 8 * DAY, tick=False):
        assert desk("preview", str(page)).stdout == f"{page}: 0 messages\n"
        assert desk("preview", str(page), "--since", "30d").stdout == f"{page}: 2 messages\n"


def test_where_the_page_cannot_be_written_it_says_so(desk: Desk, tmp_path: Path) -> None:
    answer = desk("preview", str(tmp_path / "nowhere" / "page.html"))
    assert answer.exit_code == 2
    assert "cannot be written: No such file or directory" in answer.stderr
