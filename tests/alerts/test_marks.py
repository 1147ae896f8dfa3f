"""Marks: what other rules would do to them, and what is kept of them."""

from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger
from alerts.alerting import Action, Reason, Verdict
from alerts.marks import Effect, Judgement, Mark, Ruling, Tally, effect, ruled
from alerts.matching import Matcher
from alerts.stories import StoryId
from alerts.watches import Rule, Watch
from crawler.articles import Article
from tests.builders import DAY, NOW, article, match

RELEVANT, NOT_RELEVANT, MISSED = Judgement
QUIET = Ruling("quiet")


# ---- other rules


@pytest.mark.parametrize(
    ("judgement", "was", "now", "expected"),
    [
        (RELEVANT, "alert", "alert", Effect.STILL_RIGHT),
        (RELEVANT, "alert", "digest", Effect.BROKEN),
        (RELEVANT, "alert", "quiet", Effect.BROKEN),
        (RELEVANT, "digest", "digest", Effect.STILL_WRONG),
        (RELEVANT, "digest", "quiet", Effect.BROKEN),
        (MISSED, "quiet", "quiet", Effect.STILL_WRONG),
        (MISSED, "quiet", "digest", Effect.STILL_WRONG),
        (MISSED, "quiet", "alert", Effect.MENDED),
        (MISSED, "digest", "alert", Effect.MENDED),
        (NOT_RELEVANT, "alert", "alert", Effect.STILL_WRONG),
        (NOT_RELEVANT, "alert", "digest", Effect.MENDED),
        (NOT_RELEVANT, "alert", "quiet", Effect.MENDED),
        (NOT_RELEVANT, "quiet", "digest", Effect.STILL_RIGHT),
        (NOT_RELEVANT, "digest", "quiet", Effect.STILL_RIGHT),
        (NOT_RELEVANT, "digest", "alert", Effect.BROKEN),
        (NOT_RELEVANT, "quiet", "alert", Effect.BROKEN),
    ],
)
def test_a_mark_fares_by_what_was_wanted(judgement: Judgement, was: Any, now: Any, expected: Effect) -> None:
    assert effect(judgement, was, now) is expected


# ---- the notebook


class Pad:
    """A ledger and a hand that marks."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def mark(self, judgement: Judgement = RELEVANT, of: Article | None = None, **more: Any) -> Mark:
        return self.marked(judgement, of, **more)[0]

    def marked(
        self, judgement: Judgement, of: Article | None = None, watch: str = "pact", ruling: Ruling = QUIET
    ) -> tuple[Mark, Judgement | None]:
        with self.engine.begin() as connection:
            return ledger.keep_mark(
                connection, watch, of or article("OpenAI"), judgement, ruling, "ann", "so it is", NOW
            )

    def matched(self, action: Action, rule: str = "core", of: int = 1, revision: int = 1) -> None:
        verdict = Verdict(action, Reason.FIRST_OF_STORY)
        with self.engine.begin() as connection:
            found = match(rule=rule, version=f"{rule[:4]}-v1")
            ledger.write_match(
                connection, article(id=of, revision=revision), found, StoryId("s"), verdict, NOW
            )

    def all(self) -> list[Mark]:
        with self.engine.connect() as connection:
            return ledger.list_marks(connection)


@pytest.fixture
def pad(engine: Engine) -> Pad:
    return Pad(engine)


def test_a_mark_keeps_all_of_the_article_that_a_rule_may_ask_for(pad: Pad) -> None:
    given = article(
        "OpenAI",
        text="One.\n\nTwo.",
        link="https://herald.example/a?from=feed",
        author="Jo Writer",
        tags=("cloud", "ai"),
        tier=1,
        publisher="wire",
        language="fr",
        published=NOW - DAY,
    )
    mark = pad.mark(of=given, ruling=Ruling("alert", "core", "0badcafe"))
    assert pad.all() == [mark]
    assert (mark.author, mark.comment, mark.at, mark.published) == ("ann", "so it is", NOW, NOW - DAY)
    assert mark.ruling == Ruling("alert", "core", "0badcafe")
    copied, facts = mark.item.article(), ("url", "link", "title", "text", "language", "author", "source",
                                          "source_name", "publisher", "tier")  # fmt: skip
    assert [getattr(copied, fact) for fact in facts] == [getattr(given, fact) for fact in facts]
    assert set(copied.tags) == {"cloud", "ai"}


def test_marking_again_replaces_and_says_what_was_there(pad: Pad) -> None:
    assert pad.marked(RELEVANT)[1] is None
    again, before = pad.marked(NOT_RELEVANT)
    assert before is RELEVANT
    assert pad.all() == [again]
    assert again.item.label == "negative"


def test_another_watch_and_another_article_have_marks_of_their_own(pad: Pad) -> None:
    for which in ({}, {"watch": "rail"}, {"of": article(id=2)}):
        assert pad.marked(RELEVANT, **which)[1] is None  # type: ignore[arg-type]
    assert len(pad.all()) == 3


def test_a_page_nobody_announced_is_known_by_its_address_once_it_is(pad: Pad) -> None:
    alone = {"addresses": frozenset(), "url": "https://x.example/1"}
    assert pad.marked(MISSED, article(id=ledger.NOT_ARCHIVED, **alone))[1] is None
    assert pad.all()[0].article is None
    assert pad.marked(MISSED, article(id=ledger.NOT_ARCHIVED, **alone))[1] is MISSED
    other = article(id=ledger.NOT_ARCHIVED, url="https://x.example/2", addresses=frozenset())
    assert pad.marked(MISSED, other)[1] is None
    announced = article(id=7, addresses=frozenset({"https://x.example/1"}))
    assert pad.marked(RELEVANT, announced)[1] is MISSED
    assert [mark.article for mark in pad.all()] == [None, 7]


def test_an_article_the_archive_has_forgotten_is_marked_anew_by_its_address(pad: Pad) -> None:
    pad.mark(of=article(id=7, url="https://x.example/1"))
    forgotten = article(id=ledger.NOT_ARCHIVED, url="https://x.example/1", addresses=frozenset())
    assert pad.marked(NOT_RELEVANT, forgotten)[1] is RELEVANT
    assert len(pad.all()) == 1


def test_two_pages_without_an_address_are_not_the_same(pad: Pad) -> None:
    nowhere = {"url": None, "link": None, "addresses": frozenset()}
    assert pad.marked(RELEVANT, article(id=3, **nowhere))[1] is None
    assert pad.marked(RELEVANT, article(id=4, **nowhere))[1] is None


def test_a_mark_knows_which_rule_in_which_version_had_told_it(pad: Pad) -> None:
    pad.matched(Action.QUIET, "silent", revision=1)
    assert (pad.mark().rule, pad.mark().version) == (None, None)
    pad.matched(Action.HOLD, "held", revision=2)
    assert pad.mark().rule == "held"
    pad.matched(Action.TELL, "core", revision=3)
    pad.matched(Action.HOLD, "held", revision=4)
    assert (pad.mark().rule, pad.mark().version) == ("core", "core-v1")
    assert pad.mark(watch="rail").rule is None


def test_a_mark_can_be_removed_once(pad: Pad) -> None:
    mark = pad.mark()
    with pad.engine.begin() as connection:
        assert ledger.remove_mark(connection, mark.id)
        assert not ledger.remove_mark(connection, mark.id)
    assert pad.all() == []


def test_rules_that_come_into_force_change_the_rulings_of_marks(pad: Pad) -> None:
    mark = pad.mark(of=article("OpenAI signs"))
    rules = (Rule(id="core", query="title:OpenAI"), Rule(id="trial", query="signs", shadow=True))
    matcher = Matcher([Watch(id="pact", rules=rules)])
    now = ruled(mark.item.article(), matcher, "pact")
    assert now == Ruling("alert", "core", matcher.versions()["pact", "core"])
    with pad.engine.begin() as connection:
        ledger.note_rulings(connection, {mark.id: now})
    assert pad.all()[0].ruling == now


def test_marks_are_counted_for_each_version_of_a_rule(pad: Pad) -> None:
    for n, judgement in enumerate([RELEVANT, RELEVANT, NOT_RELEVANT], 1):
        pad.matched(Action.TELL, of=n, revision=n)
        pad.mark(judgement, article(id=n))
    pad.mark(MISSED, article(id=9))
    pad.mark(NOT_RELEVANT, article(id=10))
    pad.mark(NOT_RELEVANT, article(id=1), watch="rail")
    with pad.engine.connect() as connection:
        core, missed = ledger.marks_by_version(connection, "pact")
        every = ledger.marks_by_version(connection)
    assert core == Tally("pact", "core", "core-v1", relevant=2, not_relevant=1)
    assert core.precision == 0.6667
    assert missed == Tally("pact", None, None, not_relevant=1, should_have_alerted=1)
    assert missed.precision is None
    assert {tally.watch for tally in every} == {"pact", "rail"}


def test_a_mark_is_a_line_of_a_labelled_corpus(pad: Pad) -> None:
    line = pad.mark(MISSED, article("OpenAI", text="Lead.", published=None)).to_corpus()
    assert (line["id"], line["label"], line["title"], line["text"]) == (
        "mark-1",
        "positive",
        "OpenAI",
        "Lead.",
    )
    assert (line["url"], line["language"], line["kind"], line["tier"]) == (
        "https://herald.example/a", "en", "press", 2)  # fmt: skip
