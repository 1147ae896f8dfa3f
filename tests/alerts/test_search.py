"""A query of the moment finds in the archive what a rule would find."""

from io import StringIO

import pytest
from sqlalchemy import Engine

from alerts.query import QueryError
from alerts.rulebook import Rulebook
from alerts.search import Search, search
from alerts.trial import try_out
from crawler import archive
from scheduler import logs
from tests.alerts.test_backtest import PACT, rulebook
from tests.builders import AT_ONCE, DAY, HOUR, NOW, entry, source
from tests.crawler.test_archive import Book

SINCE = NOW - 7 * DAY


@pytest.fixture
def book(engine: Engine) -> Book:
    """Four articles, three hours apart; the oldest lies behind the week."""
    made = Book(engine, source("herald"), source("gazette"))
    made.read(now=NOW - 9 * DAY)
    made.read(now=NOW - 9 * DAY, of="gazette")
    for n, (paper, title) in enumerate(
        [
            ("herald", "OpenAI opens an office"),
            ("gazette", "OpenAI and Microsoft sign a pact"),
            ("herald", "Microsoft and OpenAI: what the pact says"),
            ("herald", "The union orders chips"),
        ]
    ):
        at = NOW - 8 * DAY if n == 0 else NOW - (12 - 3 * n) * HOUR
        made.read(
            entry(title, source=paper, url=f"https://{paper}.example/{n}", published=at), of=paper, now=at
        )
    return made


@pytest.fixture
def rules() -> Rulebook:
    made = rulebook(PACT)
    return Rulebook(
        made.sources, made.watches, made.matcher, made.backlog, AT_ONCE, sets={"openai": ["OpenAI"]}
    )


def titles(found: Search) -> list[str]:
    return [hit.article.title for hit in found.hits]


def test_what_matches_is_found_the_newest_first(book: Book, rules: Rulebook) -> None:
    found = search(book.engine, rules, "@openai", SINCE, 10)
    assert titles(found) == ["Microsoft and OpenAI: what the pact says", "OpenAI and Microsoft sign a pact"]
    assert (found.articles, found.since, found.more) == (3, SINCE, False)


def test_the_last_wording_of_an_article_counts(book: Book, rules: Rulebook) -> None:
    said = {"url": "https://gazette.example/1", "guid": "tag:openai-and-microsoft-sign-a-pact"}
    changed = entry("Nvidia and Microsoft sign a pact", source="gazette", **said)
    book.read(changed, of="gazette", now=NOW)
    assert titles(search(book.engine, rules, "Nvidia", SINCE, 10)) == ["Nvidia and Microsoft sign a pact"]
    assert titles(search(book.engine, rules, "@openai AND sign", SINCE, 10)) == []


def test_a_search_ends_when_enough_is_found_and_says_so(book: Book, rules: Rulebook) -> None:
    found = search(book.engine, rules, "@openai", SINCE, 1)
    assert titles(found) == ["Microsoft and OpenAI: what the pact says"]
    assert found.more
    assert not search(book.engine, rules, "@openai", SINCE, 2).more


def test_a_search_ends_when_nobody_waits_any_more(book: Book, rules: Rulebook) -> None:
    patience = iter([True, True, False])
    found = search(book.engine, rules, "@openai", SINCE, 10, lambda: next(patience))
    assert titles(found) == ["Microsoft and OpenAI: what the pact says"]
    assert (found.articles, found.since, found.more) == (2, NOW - 9 * HOUR, True)


def test_a_query_that_cannot_be_read_is_refused_with_its_caret(book: Book, rules: Rulebook) -> None:
    with pytest.raises(QueryError, match=r"did you mean NEAR/n"):
        search(book.engine, rules, "OpenAI NEER/3 Microsoft", SINCE, 10)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_each_article_comes_once_whatever_the_batch(book: Book, batch: int) -> None:
    at = NOW - HOUR
    several = [entry(f"Seen at once {n}", url=f"https://herald.example/at-once-{n}") for n in range(3)]
    book.read(*several, now=at)
    seen = [one.id for one in archive.newest_since(book.engine, book.sources, SINCE, batch=batch)]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 6


# --- had it been a rule


def test_a_trial_says_how_often_a_query_would_have_rung(book: Book, rules: Rulebook) -> None:
    done = try_out(book.engine, rules, "@openai", SINCE, NOW)
    assert dict(done.matches) == {(NOW - 9 * HOUR).date(): 2}
    assert [one.article.title for one in done.stories] == titles(
        search(book.engine, rules, "@openai", SINCE, 9)
    )
    assert (done.messages, done.articles, done.more) == (2, 3, False)
    assert done.summary == (
        "2 of 3 articles of 7.0 days match, in 2 stories: about 0.3 messages a day for each channel"
    )


def test_a_story_that_two_papers_have_is_one_message(book: Book, rules: Rulebook) -> None:
    copied = entry("OpenAI and Microsoft sign a pact", url="https://herald.example/copy", guid="copy")
    book.read(copied, now=NOW - HOUR)
    done = try_out(book.engine, rules, "sign", SINCE, NOW)
    assert (sum(done.matches.values()), len(done.stories), done.messages) == (2, 1, 1)
    assert done.stories[0].article.source == "gazette"


def test_a_trial_leaves_nothing_behind(book: Book, rules: Rulebook) -> None:
    before = book.unscreened()
    try_out(book.engine, rules, "@openai", SINCE, NOW)
    assert book.unscreened() == before


def test_a_trial_that_was_cut_short_says_of_which_time_it_speaks(book: Book, rules: Rulebook) -> None:
    patience = iter([True, True, False])
    done = try_out(book.engine, rules, "@openai", SINCE, NOW, still=lambda: next(patience))
    assert (done.more, done.since, done.messages) == (True, NOW - 9 * HOUR, 1)
    assert done.summary.startswith("1 of the newest 2 articles of 1.0 days match")


def test_what_only_would_have_happened_is_in_no_log(book: Book, rules: Rulebook) -> None:
    lines = StringIO()
    logs.configure(stream=lines)
    done = try_out(book.engine, rules, "@openai", SINCE, NOW)
    assert done.messages == 2
    assert lines.getvalue() == ""


def test_a_trial_goes_over_so_many_matches_again_and_no_more(book: Book, rules: Rulebook) -> None:
    done = try_out(book.engine, rules, "@openai", SINCE, NOW, most=1)
    assert (done.more, done.messages) == (True, 1)


def test_a_search_does_not_wait_for_whoever_writes(book: Book, rules: Rulebook) -> None:
    with book.engine.begin() as writing:
        archive.make_due(writing, NOW)
        found = search(book.engine, rules, "@openai", SINCE, 10)
    assert len(found.hits) == 2
