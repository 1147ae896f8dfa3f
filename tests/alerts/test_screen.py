"""The door: from the archive to the outbox in one transaction."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, event

from alerts import ledger, outbox
from alerts.alerting import Backlog
from alerts.explanation import Answer, why
from alerts.judging import Screened
from alerts.matching import Matcher
from alerts.outbox import State
from alerts.rulebook import Rulebook
from alerts.screen import screen
from alerts.silences import Aim
from alerts.watches import Rule, Watch
from crawler import archive
from crawler.entries import Entry
from crawler.sources import Source, SourceId
from tests.builders import AT_ONCE, DAY, HOUR, MINUTE, NOW, entry, source
from tests.crawler.test_archive import Book

PACT = "OpenAI and Microsoft sign a new pact"
WATCH = Watch(
    id="pact",
    name="The pact",
    rules=(
        Rule(id="core", level="alert", query="title:(OpenAI AND Microsoft)"),
        Rule(id="deep", level="digest", query="body:(OpenAI AND Microsoft)"),
    ),
    channels=("news", "desk"),
)


class Desk(Book):
    """A book with a watch on it."""

    def __init__(self, engine: Engine, *known: Source) -> None:
        super().__init__(engine, *(known or (source(), source("gazette"))))
        self.rulebook = Rulebook(self.sources, {"pact": WATCH}, Matcher([WATCH]), Backlog(), AT_ONCE)
        for s in self.sources:
            self.read(entry("Old news", source=SourceId(s)), of=s, now=NOW - HOUR)
        self.screen()

    def screen(self, now: datetime = NOW) -> Screened:
        return screen(self.engine, self.rulebook, now)

    def bring(self, title: str, of: str = "herald", now: datetime = NOW, **changes: Any) -> Screened:
        """One new entry, screened."""
        new = entry(
            title, **{"source": SourceId(of), "url": f"https://{of}.example/{hash(title)}", **changes}
        )
        self.read(new, of=of, now=now)
        return self.screen(now)

    def told(self) -> list[outbox.Record]:
        with self.engine.connect() as connection:
            return outbox.records(connection, states=[State.WAITING])

    def why(self, what: str) -> Answer:
        with self.engine.connect() as connection:
            (answer,) = why(connection, self.rulebook, what, "pact")
        return answer.answer


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def test_a_match_is_told_once_in_each_channel_of_its_watch(desk: Desk) -> None:
    assert desk.bring(PACT) == Screened(articles=1, matches=1, alerts=1, deliveries=2)
    assert {(d.channel, d.body.title) for d in desk.told()} == {("news", PACT), ("desk", PACT)}


def test_what_does_not_match_is_screened_and_stays_quiet(desk: Desk) -> None:
    assert desk.bring("OpenAI rents an office") == Screened(articles=1)
    assert desk.screen() == Screened()


def test_where_nothing_matches_no_thread_and_no_page_is_asked_for(desk: Desk) -> None:
    asked = []

    @event.listens_for(desk.engine, "before_cursor_execute")
    def _(connection: object, cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    desk.bring("OpenAI rents an office")
    assert asked
    assert [one for one in asked if "told_articles" in one or "revisits" in one] == []


def test_the_same_headline_in_another_paper_is_the_same_story(desk: Desk) -> None:
    desk.bring(PACT)
    assert desk.bring(PACT + " - Gazette", of="gazette").alerts == 0
    assert len(desk.told()) == 2


def test_the_same_page_announced_elsewhere_under_another_headline_is_the_same_story(desk: Desk) -> None:
    page = "https://press.example/pact"
    desk.bring(PACT, url=page)
    desk.bring("Microsoft and OpenAI: it is signed", of="gazette", url=page + "?utm_source=gazette")
    assert len(desk.told()) == 2


def test_the_same_headline_next_week_is_told_again(desk: Desk) -> None:
    desk.bring(PACT)
    later = NOW + 6 * DAY
    assert desk.bring(PACT, of="gazette", now=later, published=later).alerts == 1


def test_an_edited_headline_is_not_told_again(desk: Desk) -> None:
    desk.bring(PACT, guid="one", url="https://herald.example/pact")
    desk.bring(PACT + ", at last", guid="one", url="https://herald.example/pact", now=NOW + HOUR)
    assert len(desk.told()) == 2


def test_a_weak_match_is_held_and_a_strong_one_of_its_story_is_still_told(desk: Desk) -> None:
    summary = "OpenAI and Microsoft agreed on a number of things that nobody had expected of them."
    held = desk.bring("A surprise", guid="one", url="https://herald.example/x", summary=summary)
    assert (held.matches, held.alerts) == (1, 0)
    told = desk.bring(PACT, guid="one", url="https://herald.example/x", summary=summary, now=NOW + HOUR)
    assert told.alerts == 1


def test_of_a_first_reading_the_freshest_three_are_told(engine: Engine) -> None:
    desk = Desk(engine)
    desk.sources[SourceId("new")] = source("new")
    with engine.begin() as connection:
        archive.enrol(connection, desk.sources.values())
    ages = [2, 30, 1, 4, 3]
    found = [
        Entry(
            SourceId("new"),
            f"g{age}",
            f"https://new.example/{age}",
            f"OpenAI Microsoft report {age} of five",
            published=NOW - age * HOUR,
        )
        for age in ages
    ]
    desk.read(*found, of="new")
    desk.screen()
    told = {d.body.title for d in desk.told() if d.channel == "news"}
    assert told == {f"OpenAI Microsoft report {age} of five" for age in (1, 2, 3)}


def test_a_silenced_story_is_written_down_but_not_delivered(desk: Desk) -> None:
    with desk.engine.begin() as connection:
        ledger.add_silence(connection, Aim.SOURCE, "herald", NOW - MINUTE, NOW + HOUR, "ann", "")
    desk.bring(PACT, url="https://herald.example/pact")
    assert desk.told() == []
    assert desk.why("https://herald.example/pact") is Answer.SILENCED
    with desk.engine.connect() as connection:
        assert list(ledger.quieted(connection).values()) == [(1, 1)]


def test_a_crash_before_the_commit_loses_nothing_and_repeats_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.read(entry(PACT))

    def full_disk(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(archive, "mark_screened", full_disk)
        with pytest.raises(OSError, match="No space"):
            desk.screen()
    assert desk.told() == []
    assert desk.screen().alerts == 1
    assert len(desk.told()) == 2


def test_a_rule_with_channels_of_its_own_tells_those(desk: Desk) -> None:
    rules = (Rule(id="core", level="alert", query="title:(OpenAI AND Microsoft)", channels=("desk",)),)
    own = WATCH.model_copy(update={"rules": rules, "channels": ()})
    desk.rulebook = Rulebook(desk.sources, {"pact": own}, Matcher([own]), Backlog(), AT_ONCE)
    desk.bring(PACT)
    assert [d.channel for d in desk.told()] == ["desk"]
