"""The archive: every entry kept once, whatever its source does to it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from crawler import archive
from crawler.archive import Claim, HostRules, Recorded
from crawler.articles import Article, Wording
from crawler.entries import Entry
from crawler.fetches import Outcome
from crawler.sources import Source, SourceId
from tests.builders import DAY, HOUR, MINUTE, NOW, entry, fetch, source

LEASE = timedelta(minutes=2)


class Book:
    """The archive of one test, with the time at which everything happens."""

    def __init__(self, engine: Engine, *known: Source) -> None:
        self.engine = engine
        self.sources = {SourceId(s.id): s for s in known or (source(),)}
        with engine.begin() as connection:
            archive.enrol(connection, self.sources.values())

    def claim(self, now: datetime = NOW, limit: int = 10) -> list[Claim]:
        with self.engine.begin() as connection:
            return archive.claim_due(connection, self.sources, now, LEASE, limit)

    def read(
        self,
        *entries: Entry,
        of: str = "herald",
        now: datetime = NOW,
        shown: Sequence[str] | None = None,
        want_page: Callable[[Entry], bool] = lambda _: False,
    ) -> Recorded | None:
        """One whole crawl of one source, claim included."""
        with self.engine.begin() as connection:
            archive.make_due(connection, now, [SourceId(of)])
            claims = archive.claim_due(connection, self.sources, now + 2 * LEASE, LEASE, 99)
            for other in claims:
                archive.release(connection, other)
            (claim,) = (c for c in claims if c.source.id == of)
            seen = fetch(at=now)
            hashes = shown if shown is not None else [f"h{n}" for n in range(len(entries))]
            return archive.record_document(connection, claim, seen, entries, hashes, now + HOUR, want_page)

    def unscreened(self, now: datetime = NOW) -> list[Article]:
        with self.engine.connect() as connection:
            return archive.unscreened(connection, self.sources, now, 100)

    def screen_all(self, now: datetime = NOW) -> None:
        with self.engine.begin() as connection:
            waiting = archive.unscreened(connection, self.sources, now + HOUR, 100)
            if waiting:
                archive.mark_screened(connection, [a.revision for a in waiting], now)


@pytest.fixture
def book(engine: Engine) -> Book:
    made = Book(engine)
    made.read(entry("Old news"))  # the baseline
    made.screen_all()
    return made


# ---- claims


def test_a_source_that_was_never_crawled_is_due_at_once(engine: Engine) -> None:
    assert [c.source.id for c in Book(engine).claim()] == ["herald"]


def test_what_one_crawl_claimed_nobody_else_gets(engine: Engine) -> None:
    made = Book(engine)
    made.claim()
    assert made.claim() == []


def test_a_claim_lapses_with_its_lease(engine: Engine) -> None:
    made = Book(engine)
    made.claim()
    assert len(made.claim(NOW + LEASE + MINUTE)) == 1


def test_whoever_lost_the_lease_writes_nothing(engine: Engine) -> None:
    made = Book(engine)
    late = made.claim()[0]
    made.claim(NOW + LEASE + MINUTE)
    with engine.begin() as connection:
        assert archive.record_fetch(connection, late, fetch(Outcome.NOT_MODIFIED), NOW + HOUR) is False
        recorded = archive.record_document(connection, late, fetch(), [entry()], ["h"], NOW, lambda _: False)
    assert recorded is None
    assert made.unscreened(NOW + DAY) == []


def test_the_longest_overdue_goes_first(engine: Engine) -> None:
    made = Book(engine, source("one"), source("two"))
    made.read(of="one", now=NOW)
    made.read(of="two", now=NOW - HOUR)
    assert [c.source.id for c in made.claim(NOW + 2 * HOUR, limit=1)] == ["two"]


def test_a_source_that_left_the_configuration_is_not_crawled_and_not_forgotten(engine: Engine) -> None:
    made = Book(engine)
    made.read(entry("Old news"))
    with engine.begin() as connection:
        archive.enrol(connection, [source("other")])
        archive.enrol(connection, [source("herald")])
    recorded = made.read(entry("Old news"))
    assert recorded == Recorded(0, 0, 0, 0)


def test_a_changed_address_forgets_the_validators(engine: Engine) -> None:
    made = Book(engine)
    with engine.begin() as connection:
        claim = archive.claim_due(connection, made.sources, NOW, LEASE, 1)[0]
        archive.record_fetch(connection, claim, fetch(etag='"x"', body_hash="b"), NOW + HOUR)
        archive.enrol(connection, [source(url="https://herald.example/new.xml")])
    state = made.claim(NOW + HOUR)[0].state
    assert (state.etag, state.body_hash) == (None, None)


# ---- failures, moves


def test_failures_are_counted_in_a_row_and_forgotten_with_success(engine: Engine) -> None:
    made = Book(engine)
    for n in range(3):
        with engine.begin() as connection:
            claim = archive.claim_due(connection, made.sources, NOW + n * HOUR, LEASE, 1)[0]
            archive.record_fetch(connection, claim, fetch(Outcome.TIMEOUT), NOW + n * HOUR)
    assert made.claim(NOW + 9 * HOUR)[0].state.failures == 3
    made.read(entry(), now=NOW + 10 * HOUR)
    assert made.claim(NOW + DAY)[0].state.failures == 0


def test_being_asked_to_slow_down_is_no_failure(engine: Engine) -> None:
    made = Book(engine)
    with engine.begin() as connection:
        archive.record_fetch(connection, made_claim(connection, made), fetch(Outcome.RATE_LIMITED), NOW)
    assert made.claim(NOW + HOUR)[0].state.failures == 0


def made_claim(connection: object, made: Book) -> Claim:
    return archive.claim_due(connection, made.sources, NOW, LEASE, 1)[0]  # type: ignore[arg-type]


def test_a_permanent_redirect_is_believed_the_third_time(engine: Engine) -> None:
    made = Book(engine)
    where = []
    for n in range(4):
        with engine.begin() as connection:
            claim = archive.claim_due(connection, made.sources, NOW + n * HOUR, LEASE, 1)[0]
            where.append(claim.state.url)
            moved = fetch(Outcome.NOT_MODIFIED, moved_to="https://new.example/feed")
            archive.record_fetch(connection, claim, moved, NOW + n * HOUR)
    assert where == [None, None, None, "https://new.example/feed"]


# ---- identity


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"guid": "another"}, id="churned guid"),
        pytest.param({"guid": None}, id="guid dropped"),
        pytest.param({"url": "https://herald.example/news?utm_source=rss#x"}, id="tracking parameters"),
        pytest.param({"published": NOW + HOUR}, id="new date"),
        pytest.param({"url": "https://herald.example/renamed", "guid": "tag:news"}, id="renamed page"),
    ],
)
def test_an_entry_that_shares_one_identity_is_seen(book: Book, again: dict[str, object]) -> None:
    book.read(entry("News"))
    assert book.read(replace(entry("News"), **again)) == Recorded(0, 0, 0, 0)  # type: ignore[arg-type]


def test_an_identity_learnt_on_the_way_is_known_later(book: Book) -> None:
    first = entry("News")
    book.read(first)
    book.read(replace(first, guid="second", title="News of another day"))
    third = replace(first, guid="second", url="https://herald.example/moved", title="Quite another headline")
    assert book.read(third) is not None
    assert count(book, archive.tables.tables["entries"]) == 2  # the baseline's and this one


def test_entries_with_one_guid_for_all_are_kept_apart(book: Book) -> None:
    """H51"""
    recorded = book.read(*(entry(f"Story number {n}", guid="same") for n in range(5)))
    assert recorded is not None
    assert recorded.entries_new == 5


def test_entries_with_one_address_for_all_are_kept_apart(book: Book) -> None:
    one = "https://herald.example/"
    recorded = book.read(*(entry(f"Story number {n}", url=one) for n in range(3)))
    assert recorded is not None
    assert (recorded.entries_new, recorded.articles_new) == (3, 3)


def test_two_sources_that_announce_one_page_have_one_article(engine: Engine) -> None:
    made = Book(engine, source("one"), source("two"))
    for name in ("one", "two") * 2:
        made.read(of=name)
    page = "https://press.example/story"
    first = made.read(entry("News", source=SourceId("one"), url=page), of="one", now=NOW + HOUR)
    second = made.read(
        entry("News", source=SourceId("two"), url=page + "?utm_source=x"), of="two", now=NOW + HOUR
    )
    assert first is not None
    assert second is not None
    assert (first.articles_new, second.articles_new, second.entries_new) == (1, 0, 1)


def count(book: Book, table: object) -> int:
    with book.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]


# ---- baseline


def test_what_the_first_reading_finds_is_the_baseline(engine: Engine) -> None:
    made = Book(engine)
    made.read(entry("Old news"))
    made.read(entry("Old news"), entry("News"), now=NOW + HOUR)
    assert {a.title: a.baseline for a in made.unscreened(NOW + DAY)} == {"Old news": True, "News": False}


def test_an_empty_first_document_may_be_a_hiccup_and_a_second_is_not(engine: Engine) -> None:
    made = Book(engine)
    made.read()
    made.read()
    made.read(entry("News"), now=NOW + HOUR)
    assert [a.baseline for a in made.unscreened(NOW + DAY)] == [False]


# ---- revisions


def test_an_edited_headline_is_a_revision_and_a_view_counter_is_not(book: Book) -> None:
    text = "A long enough summary of what happened yesterday in the city."
    book.read(entry("News", summary=text + " Read 17 times."))
    book.screen_all()
    book.read(entry("News", summary=text + " Read 18 times."))
    assert book.unscreened() == []
    book.read(entry("News, corrected", guid="tag:news", summary=text))
    assert [(a.title, a.number) for a in book.unscreened()] == [("News, corrected", 2)]


def test_a_revision_nobody_screened_gives_way_to_the_next(book: Book) -> None:
    book.read(entry("News"))
    book.read(entry("News, corrected", guid="tag:news"))
    assert [(a.title, a.number) for a in book.unscreened()] == [("News, corrected", 2)]


# ---- pages


def pages(book: Book, now: datetime = NOW) -> list[archive.PageClaim]:
    with book.engine.begin() as connection:
        return archive.claim_pages(connection, book.sources, now, LEASE, 10)


def test_an_article_waits_a_moment_for_its_page(book: Book) -> None:
    book.read(entry("News"), want_page=lambda _: True)
    assert book.unscreened(NOW + archive.PAGE_GRACE / 2) == []
    assert len(book.unscreened(NOW + archive.PAGE_GRACE * 2)) == 1


def test_the_text_of_the_page_becomes_the_text_of_the_article(book: Book) -> None:
    book.read(entry("News", summary="Short."), want_page=lambda _: True)
    (claim,) = pages(book)
    with book.engine.begin() as connection:
        archive.record_page(
            connection, claim, fetch(), None, Wording("News | Herald", "The whole story. " * 20)
        )
    (found,) = book.unscreened()
    assert (found.title, found.text[:16]) == ("News", "The whole story.")


def test_a_page_that_cannot_be_read_is_tried_again_and_then_left(book: Book) -> None:
    book.read(entry("News"), want_page=lambda _: True)
    (claim,) = pages(book)
    with book.engine.begin() as connection:
        archive.record_page(connection, claim, fetch(Outcome.TIMEOUT), NOW + MINUTE)
    assert pages(book) == []
    (again,) = pages(book, NOW + MINUTE)
    assert again.attempts == 1
    with book.engine.begin() as connection:
        archive.record_page(connection, again, fetch(Outcome.NOT_FOUND), None)
    assert pages(book, NOW + DAY) == []
    assert len(book.unscreened()) == 1


def test_where_a_redirect_lands_is_the_article_too(book: Book) -> None:
    book.read(entry("News", url="https://hop.example/r/1"), want_page=lambda _: True)
    (claim,) = pages(book)
    with book.engine.begin() as connection:
        archive.record_page(
            connection, claim, fetch(), None, Wording("", "x"), ["https://press.example/story?utm_id=1"]
        )
        (found,) = archive.find(connection, book.sources, "http://www.press.example/story/")
    assert found.title == "News"


def test_articles_are_found_by_their_ids(book: Book) -> None:
    book.read(entry("News"), entry("More news", url="https://press.example/more"))
    first, second = book.unscreened()
    with book.engine.connect() as connection:
        found = archive.with_ids(connection, book.sources, [second.id, first.id, 2**64])
    assert found == {first.id: first, second.id: second}


# ---- hosts


def test_what_a_host_asked_survives(engine: Engine) -> None:
    rules = HostRules("User-agent: *", 200, NOW, 0, NOW + HOUR)
    with engine.begin() as connection:
        archive.remember_host(connection, "https://herald.example:443", HostRules())
        archive.remember_host(connection, "https://herald.example:443", rules)
    with engine.connect() as connection:
        assert archive.host_rules(connection, "https://herald.example:443") == rules
        assert archive.host_rules(connection, "https://other.example:443") is None


def test_a_redirect_to_a_page_we_have_makes_one_address_of_two_articles(book: Book) -> None:
    book.read(entry("News", url="https://press.example/story"))
    book.read(entry("News - Press", url="https://hop.example/r/1"), want_page=lambda _: True)
    (claim,) = pages(book)
    with book.engine.begin() as connection:
        archive.record_page(connection, claim, fetch(), None, None, ["https://press.example/story"])
    shared = [a.addresses for a in book.unscreened(NOW + HOUR)]
    assert len(shared) == 2
    assert shared[0] & shared[1]


def test_another_source_does_not_change_a_headline_to_and_fro(engine: Engine) -> None:
    made = Book(engine, source("one"), source("two"))
    for name in ("one", "two") * 2:
        made.read(of=name)
    page = "https://press.example/story"
    for n, title in enumerate(("News", "News [Update]", "News")):
        made.read(entry("News", source=SourceId("one"), url=page), of="one", now=NOW + n * HOUR)
        made.read(entry(title, source=SourceId("two"), url=page, guid="g"), of="two", now=NOW + n * HOUR)
    assert [(a.title, a.number) for a in made.unscreened(NOW + DAY)] == [("News", 1)]


# ---- replay


def past(
    book: Book, since: datetime = NOW, newest: int | None = None, batch: int = 500
) -> list[archive.Past]:
    found = archive.revisions_since(book.engine, book.sources, since, newest=newest, batch=batch)
    return list(found)


def test_a_replay_meets_every_wording_in_the_order_it_was_noticed(book: Book) -> None:
    book.read(entry("News"), now=NOW + HOUR)
    book.screen_all(NOW + HOUR)
    book.read(entry("Other news"), now=NOW + 2 * HOUR)
    book.read(entry("News, corrected", guid="tag:news"), now=NOW + 3 * HOUR)
    met = past(book)
    assert [(p.article.title, p.article.number, p.article.baseline) for p in met] == [
        ("Old news", 1, True),
        ("News", 1, False),
        ("Other news", 1, False),
        ("News, corrected", 2, False),
    ]
    assert [p.noticed_at for p in met] == [NOW, NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR]
    assert [p.screened_at for p in met] == [NOW, NOW + HOUR, None, None]
    assert met[1].article.addresses == {"https://herald.example/news"}


def test_a_wording_that_gave_way_before_its_turn_is_told_from_one_that_was_screened(book: Book) -> None:
    book.read(entry("News"), now=NOW + HOUR)
    book.read(entry("News, corrected", guid="tag:news"), now=NOW + 2 * HOUR)
    book.screen_all(NOW + 3 * HOUR)
    book.read(entry("News, corrected again", guid="tag:news"), now=NOW + 4 * HOUR)
    gave_way = {p.article.title: p.gave_way for p in past(book)}
    assert gave_way == {
        "Old news": False,
        "News": True,
        "News, corrected": False,
        "News, corrected again": False,
    }


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_a_replay_comes_in_batches_and_loses_none(book: Book, batch: int) -> None:
    book.read(*(entry(f"Story number {n}") for n in range(5)), now=NOW + HOUR)
    assert len(past(book, batch=batch)) == 6


def test_a_replay_begins_where_it_is_asked_to(book: Book) -> None:
    for n in range(4):
        book.read(entry(f"Story number {n}"), now=NOW + n * 3 * HOUR)
    book.read(entry("Old news, corrected", guid="tag:old-news"), now=NOW + 5 * HOUR)
    titles = [p.article.title for p in past(book, NOW + 5 * HOUR)]
    assert titles == ["Story number 2", "Story number 3", "Old news, corrected"]


def test_of_a_long_past_the_newest_are_met(book: Book) -> None:
    book.read(*(entry(f"Story number {n}") for n in range(5)), now=NOW + HOUR)
    assert [p.article.title for p in past(book, newest=2)] == ["Story number 1", "Story number 0"]
    assert len(past(book, newest=6)) == 6


def test_a_replay_includes_sources_that_left_the_configuration(book: Book) -> None:
    (met,) = archive.revisions_since(book.engine, {}, NOW)
    assert (met.article.source, met.article.source_name) == ("herald", "herald")


def test_the_archive_tells_how_far_back_it_reaches(engine: Engine) -> None:
    made = Book(engine)
    with engine.connect() as connection:
        assert archive.first_seen(connection) is None
    made.read(entry("Old news"))
    made.read(entry("News"), now=NOW + HOUR)
    with engine.connect() as connection:
        assert archive.first_seen(connection) == NOW


def test_a_replay_does_not_stand_in_the_way_of_the_daemon(book: Book) -> None:
    """What the daemon writes in the middle of it is written at once, and met at the end."""
    book.read(entry("News"), now=NOW + HOUR)
    replay = archive.revisions_since(book.engine, book.sources, NOW, batch=1)
    assert next(replay).article.title == "Old news"
    book.read(entry("Other news"), now=NOW + 2 * HOUR)
    assert [p.article.title for p in replay] == ["News", "Other news"]
