"""A page that vanishes after people were sent to it: its thread says so."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp.web import Response
from sqlalchemy import Engine

from alerts import ledger, outbox
from alerts.alerting import Backlog, Reason
from alerts.explanation import Answer, why
from alerts.matching import Matcher
from alerts.notifications import FollowUp
from alerts.notifiers import slack_blocks
from alerts.outbox import State
from alerts.rulebook import Rulebook
from alerts.screen import screen
from alerts.silences import Aim
from alerts.watches import Rule, Watch
from crawler import archive
from crawler.articles import Wording
from crawler.fetches import Fetch, Outcome
from crawler.sources import SourceId
from tests.alerts.test_screen import PACT
from tests.alerts.test_telling import LATER, Room
from tests.builders import AT_ONCE, DAY, HOUR, MINUTE, NOW
from tests.crawler.test_crawl import crawling, site, source
from tests.telling import SECOND, delivery
from tests.web_stand_in import serving

ADDRESS = "https://herald.example/pact"
GONE = NOW + HOUR
NOTE = "The page is gone (410) since 2026-03-02 13:00 UTC"


class Vanishing(Room):
    """A told article, whose page may be looked at."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.bring(PACT, guid="g", url=ADDRESS, summary=f"{PACT}, both say.")
        self.send()

    def look(self, now: datetime, answer: Outcome) -> None:
        with self.engine.begin() as connection:
            for claim in archive.claim_revisits(connection, self.sources, now, MINUTE, 9):
                words = Wording(PACT, f"{PACT}, both say.") if answer is Outcome.OK else None
                assert claim.revisit is not None
                archive.record_revisit(connection, claim, claim.revisit, Fetch(answer, now), words)
        self.screen(now)

    def vanish(self) -> None:
        self.look(GONE, Outcome.GONE)
        self.look(GONE + 10 * MINUTE, Outcome.GONE)

    def notes(self) -> list[tuple[str, str | None]]:
        return [(item.note, item.link) for said in self.replies() for item in said.items]

    def explained(self) -> str:
        with self.engine.connect() as connection:
            (found,) = why(connection, self.rulebook, ADDRESS, "pact")
        assert found.answer is Answer.TOLD
        return found.sentence


@pytest.fixture
def room(engine: Engine) -> Vanishing:
    return Vanishing(engine)


def test_a_page_that_is_gone_is_noted_once_in_its_thread_and_without_its_link(room: Vanishing) -> None:
    room.vanish()
    for hours in range(2, 200):
        room.look(NOW + hours * HOUR, Outcome.GONE)
    assert room.notes() == [(NOTE, None)]
    assert room.reasons(ADDRESS) == [Reason.FIRST_OF_STORY, Reason.REMOVED]
    assert [one.state for one in room.records() if isinstance(one.body, FollowUp)] == [State.WAITING]


def test_if_it_comes_back_that_is_noted_once_too(room: Vanishing) -> None:
    room.vanish()
    room.send(GONE + HOUR)
    for hours in range(26, 100):
        room.look(NOW + hours * HOUR, Outcome.OK)
    assert room.notes() == [(NOTE, None), ("The page is there again since 2026-03-03 14:00 UTC", ADDRESS)]


def test_a_hiccup_is_not_noted(room: Vanishing) -> None:
    room.look(GONE, Outcome.NOT_FOUND)
    room.look(GONE + 10 * MINUTE, Outcome.OK)
    assert room.notes() == []


def test_a_page_is_noted_where_no_rule_holds_for_the_headline_any_more(room: Vanishing) -> None:
    room.bring("Two firms end their pact", guid="g", url=ADDRESS, now=LATER)
    room.vanish()
    assert NOTE in [note for note, _ in room.notes()]


def test_a_silence_on_the_story_holds_the_note_too(room: Vanishing) -> None:
    story = room.story
    with room.engine.begin() as connection:
        ledger.add_silence(connection, Aim.STORY, story, NOW, NOW + DAY, "anna", "")
    room.vanish()
    assert room.notes() == []
    assert room.reasons(ADDRESS)[-1] == Reason.SILENCED


def test_an_article_that_was_not_told_is_not_looked_at(room: Vanishing) -> None:
    room.bring("The weather tomorrow", guid="w", url="https://herald.example/weather", now=LATER)
    with room.engine.begin() as connection:
        claims = archive.claim_revisits(connection, room.sources, NOW + DAY, SECOND, 9)
    assert [claim.url for claim in claims] == [ADDRESS]


def test_why_says_that_the_page_is_gone(room: Vanishing) -> None:
    assert "gone" not in room.explained()
    room.vanish()
    assert room.explained().endswith("Its page is gone (410) since 2026-03-02 13:00 UTC.")


def test_slack_is_given_no_link_to_a_dead_page(room: Vanishing) -> None:
    room.vanish()
    (said,) = room.replies()
    shown = str(slack_blocks.message(delivery(said)))
    assert NOTE in shown
    assert PACT in shown
    assert ADDRESS not in shown


async def test_from_the_page_to_the_thread(engine: Engine) -> None:
    """Through both doors: the feed, the page, the alert; then the page answers 410."""
    watch = Watch(id="pact", rules=(Rule(id="core", level="alert", query="title:News"),), channels=("news",))
    answers: dict[str, Any] = {"/feed": "http://e.example/old", "/pact": "words"}
    async with (
        serving(site(answers)) as there,
        crawling(source(f"{there.url}/feed", articles="always"), engine=engine) as world,
    ):
        book = Rulebook(world.sources, {"pact": watch}, Matcher([watch]), Backlog(), AT_ONCE)

        async def go_on(ahead: timedelta) -> list[str]:
            world.clock.ahead += ahead
            await world.crawl.crawl_all()
            screen(engine, book, world.clock())
            with engine.connect() as connection:
                bodies = [one.body for one in outbox.records(connection)]
            return [item.note for body in bodies if isinstance(body, FollowUp) for item in body.items]

        assert await go_on(timedelta(0)) == []
        answers["/feed"] = f"{there.url}/pact"
        assert await go_on(MINUTE) == []
        answers["/pact"] = lambda _: Response(status=410)
        assert await go_on(HOUR) == []
        (note,) = await go_on(10 * MINUTE)
        assert note.startswith("The page is gone (410) since ")
        assert there.paths.count("/pact") == 3


def test_an_article_that_was_only_counted_is_not_looked_at(room: Vanishing) -> None:
    room.bring(PACT, of="gazette", guid="c", url="https://gazette.example/pact", now=LATER)
    with room.engine.begin() as connection:
        claims = archive.claim_revisits(connection, room.sources, NOW + DAY, SECOND, 9)
    assert [claim.source.id for claim in claims] == [SourceId("herald")]
