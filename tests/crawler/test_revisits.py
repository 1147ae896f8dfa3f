"""The page of a told article, looked at again: when, and what is made of what it says."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from crawler import archive
from crawler.archive import PageClaim
from crawler.articles import Article, Removal, Wording
from crawler.fetches import Fetch, Outcome
from crawler.revisits import Revisit, State, after, due
from crawler.sources import SourceId, SourceState
from tests.builders import DAY, HOUR, MINUTE, NOW, entry, fetch, source
from tests.crawler.test_archive import LEASE, Book

TEXT = "OpenAI and Microsoft have put their names to a new agreement"
OTHER = "Sorry, there is nothing here any more. Try the search"


def revisit(state: State = State.THERE, since: datetime | None = None) -> Revisit:
    return Revisit(NOW, SourceState(SourceId("herald")), state, since)


# ---- decisions


@pytest.mark.parametrize(
    ("before", "outcome", "alike", "then"),
    [
        (State.THERE, Outcome.OK, True, State.THERE),
        (State.THERE, Outcome.NOT_FOUND, False, State.MISSING),
        (State.THERE, Outcome.GONE, False, State.MISSING),
        (State.THERE, Outcome.OK, False, State.THERE),  # the home page, or "not found" with 200
        (State.THERE, Outcome.FORBIDDEN, False, State.THERE),
        (State.THERE, Outcome.TIMEOUT, False, State.THERE),
        (State.MISSING, Outcome.OK, True, State.THERE),
        (State.MISSING, Outcome.GONE, False, State.GONE),
        (State.MISSING, Outcome.SERVER_ERROR, False, State.MISSING),
        (State.MISSING, Outcome.OK, False, State.MISSING),
        (State.GONE, Outcome.NOT_FOUND, False, State.GONE),
        (State.GONE, Outcome.OK, False, State.GONE),
        (State.GONE, Outcome.OK, True, State.BACK),
        (State.BACK, Outcome.GONE, False, State.BACK),
    ],
)
def test_what_a_look_makes_of_a_page(before: State, outcome: Outcome, alike: bool, then: State) -> None:
    assert after(revisit(before, NOW), fetch(outcome), reads_alike=alike).state is then


def test_a_page_is_gone_since_it_was_missing_first() -> None:
    missing = after(revisit(), fetch(Outcome.GONE, at=NOW + HOUR), reads_alike=False)
    gone = after(missing, fetch(Outcome.GONE, at=NOW + 2 * HOUR), reads_alike=False)
    assert (gone.state, gone.since) == (State.GONE, NOW + HOUR)


@pytest.mark.parametrize(
    ("state", "answer", "at", "next_"),
    [
        (State.THERE, Outcome.OK, HOUR, 6 * HOUR),
        (State.THERE, Outcome.OK, 6 * HOUR, DAY),
        (State.THERE, Outcome.TIMEOUT, DAY, 3 * DAY),
        (State.THERE, Outcome.OK, 3 * DAY, None),
        (State.THERE, Outcome.OK, 30 * HOUR, 3 * DAY),  # the daemon was down
        (State.MISSING, Outcome.GONE, HOUR, HOUR + 10 * MINUTE),
        (State.MISSING, Outcome.GONE, 3 * DAY, 3 * DAY + 10 * MINUTE),
        (State.MISSING, Outcome.SERVER_ERROR, HOUR, 6 * HOUR),
        (State.GONE, Outcome.GONE, HOUR, 25 * HOUR),
        (State.GONE, Outcome.GONE, 6.5 * DAY, None),
        (State.BACK, Outcome.OK, 2 * DAY, 3 * DAY),
    ],
)
def test_when_a_page_is_looked_at_next(
    state: State, answer: Outcome, at: timedelta, next_: timedelta | None
) -> None:
    found = due(revisit(state), fetch(answer, at=NOW + at))
    assert found == (NOW + next_ if next_ else None)


def test_who_is_asked_to_wait_waits() -> None:
    asked = fetch(Outcome.RATE_LIMITED, at=NOW + HOUR, retry_after=12 * HOUR)
    assert due(revisit(), asked) == NOW + 13 * HOUR


# ---- what is written down


class Shelf(Book):
    """An archive with one told article."""

    def __init__(self, engine: Engine, **changes: object) -> None:
        super().__init__(engine, source(**changes))
        self.read(now=NOW - DAY, shown=["nothing yet"])
        self.read(entry("A pact", summary=TEXT))
        self.screen_all()
        with engine.begin() as connection:
            archive.look_again(connection, [1], NOW)

    def claim_pages(self, now: datetime) -> list[PageClaim]:
        with self.engine.begin() as connection:
            return archive.claim_revisits(connection, self.sources, now, LEASE, 9)

    def look(
        self, now: datetime, answer: Outcome = Outcome.OK, title: str = "A pact", text: str = TEXT
    ) -> bool:
        """One look, if one is due. Was it?"""
        for claim in self.claim_pages(now):
            assert claim.revisit is not None
            words = Wording(title, text) if answer is Outcome.OK else None
            with self.engine.begin() as connection:
                seen = Fetch(answer, now, etag='"1"', body_hash="h")
                assert archive.record_revisit(connection, claim, claim.revisit, seen, words)
            return True
        return False

    def news(self) -> list[Article]:
        found = self.unscreened()
        self.screen_all()
        return found


@pytest.fixture
def shelf(engine: Engine) -> Shelf:
    return Shelf(engine)


def test_a_told_article_is_looked_at_four_times(shelf: Shelf) -> None:
    looks = [h for h in range(10 * 24) if shelf.look(NOW + h * HOUR)]
    assert looks == [1, 6, 24, 72]
    assert shelf.news() == []


def test_one_404_is_a_hiccup_and_two_are_a_removal(shelf: Shelf) -> None:
    shelf.look(NOW + HOUR, Outcome.NOT_FOUND)
    assert shelf.news() == []
    assert not shelf.look(NOW + HOUR + 9 * MINUTE, Outcome.NOT_FOUND)
    shelf.look(NOW + HOUR + 10 * MINUTE, Outcome.NOT_FOUND)
    (news,) = shelf.news()
    assert news.removal == Removal(Outcome.NOT_FOUND, NOW + HOUR)
    assert (news.title, news.text) == ("A pact", TEXT)


def test_a_page_that_comes_back_is_noted_once_and_never_again(shelf: Shelf) -> None:
    for minutes in (60, 70):
        shelf.look(NOW + minutes * MINUTE, Outcome.GONE)
    shelf.news()
    shelf.look(NOW + 26 * HOUR)
    (news,) = shelf.news()
    assert news.removal == Removal(Outcome.OK, NOW + 26 * HOUR)
    shelf.look(NOW + 3 * DAY, Outcome.GONE)
    assert shelf.news() == []


def test_a_page_that_is_gone_and_then_only_the_home_page_is_not_back(shelf: Shelf) -> None:
    for minutes in (60, 70):
        shelf.look(NOW + minutes * MINUTE, Outcome.GONE)
    shelf.news()
    assert shelf.look(NOW + 26 * HOUR, text=OTHER)
    assert shelf.news() == []


def test_a_page_that_changes_its_headline_gives_a_revision_and_its_text_none(shelf: Shelf) -> None:
    shelf.look(NOW + HOUR, title="A pact | Herald")  # that is how this page writes it
    assert shelf.news() == []
    shelf.look(NOW + 6 * HOUR, title="No pact after all | Herald", text=f"Corrected. {TEXT}")
    (news,) = shelf.news()
    assert (news.title, news.text, news.removal) == ("No pact after all | Herald", TEXT, None)


def test_a_page_that_became_another_changes_no_headline(shelf: Shelf) -> None:
    shelf.look(NOW + HOUR)
    shelf.look(NOW + 6 * HOUR, title="Page not found", text=OTHER)
    assert shelf.news() == []


def test_a_changed_page_alone_is_asked_for(shelf: Shelf) -> None:
    shelf.look(NOW + HOUR)
    (claim,) = shelf.claim_pages(NOW + 6 * HOUR)
    assert claim.revisit is not None
    assert (claim.revisit.page.etag, claim.revisit.page.body_hash) == ('"1"', "h")


def test_a_missing_page_is_asked_for_as_a_whole(shelf: Shelf) -> None:
    shelf.look(NOW + HOUR)
    shelf.look(NOW + 6 * HOUR, Outcome.GONE)
    (claim,) = shelf.claim_pages(NOW + 7 * HOUR)
    assert claim.revisit is not None
    assert claim.revisit.page.body_hash is None


def test_pages_of_a_source_whose_pages_are_never_read_are_not_read_for_this_either(engine: Engine) -> None:
    assert not Shelf(engine, articles="never").look(NOW + HOUR)


def test_a_page_is_claimed_once_and_a_lost_lease_writes_nothing(shelf: Shelf) -> None:
    (claim,) = shelf.claim_pages(NOW + HOUR)
    assert shelf.claim_pages(NOW + HOUR) == []
    (again,) = shelf.claim_pages(NOW + HOUR + LEASE)
    assert claim.revisit is not None
    assert again.token > claim.token
    with shelf.engine.begin() as connection:
        assert not archive.record_revisit(connection, claim, claim.revisit, fetch(Outcome.GONE), None)


def test_a_removal_that_nobody_has_screened_is_not_lost_by_a_later_wording(shelf: Shelf) -> None:
    for minutes in (60, 70):
        shelf.look(NOW + minutes * MINUTE, Outcome.GONE)
    shelf.read(entry("A pact is off", guid="tag:a-pact", url="https://herald.example/a-pact", summary=TEXT))
    (news,) = shelf.news()
    assert (news.title, news.removal) == ("A pact is off", Removal(Outcome.GONE, NOW + HOUR))


def test_an_article_told_twice_keeps_its_looks(shelf: Shelf) -> None:
    with shelf.engine.begin() as connection:
        archive.look_again(connection, [1], NOW + DAY)
        archive.look_again(connection, [], NOW + DAY)
    assert shelf.look(NOW + HOUR)
