"""`tocsin preview`: the alerts of the last days as a page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from alerts import outbox
from alerts.notifications import DeliveryId
from scheduler.database import FILE, open_database
from tests.builders import DAY, HOUR, NOW
from tests.scheduler.test_cli import Desk
from tests.telling import alarm, follow_up

TITLE = "OpenAI and Microsoft sign a pact"


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


def test_a_page_is_written_with_what_was_told(desk: Desk, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    answer = desk("preview", str(page))
    assert answer.stdout == f"{page}: 2 messages\n"
    seen = page.read_text(encoding="utf-8")
    assert seen.index(TITLE) < seen.index("It is denied")


def test_what_is_older_is_left_out(desk: Desk, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with time_machine.travel(NOW + 8 * DAY, tick=False):
        assert desk("preview", str(page)).stdout == f"{page}: 0 messages\n"
        assert desk("preview", str(page), "--since", "30d").stdout == f"{page}: 2 messages\n"


def test_where_the_page_cannot_be_written_it_says_so(desk: Desk, tmp_path: Path) -> None:
    answer = desk("preview", str(tmp_path / "nowhere" / "page.html"))
    assert answer.exit_code == 2
    assert "cannot be written: No such file or directory" in answer.stderr
