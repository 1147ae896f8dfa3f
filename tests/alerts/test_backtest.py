"""The past gone over again gives what was decided when it was the present."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from alerts import backtest as door
from alerts import ledger, outbox, screen
from alerts.alerting import Action, Backlog, Reason
from alerts.backtest import Backtest, backtest, replay
from alerts.forecast import Judged, Replay, Standing, forecast, told_only_by
from alerts.matching import Matcher
from alerts.rulebook import Rulebook
from alerts.silences import Aim
from alerts.watches import Rule, Watch
from crawler import archive
from crawler.articles import Article, Wording
from crawler.entries import Entry
from crawler.sources import SourceId
from tests.builders import AT_ONCE, DAY, HOUR, MINUTE, NOW, article, entry, fetch, source
from tests.crawler.test_archive import LEASE, Book

SETS = {"openai": ["OpenAI"], "microsoft": ["Microsoft"]}
PACT = Watch(
    id="pact",
    name="The pact",
    rules=(
        Rule(id="core", level="alert", query="title:(@openai AND @microsoft)"),
        Rule(id="deep", level="digest", query="@openai AND @microsoft"),
    ),
    channels=("news", "desk"),
)
CHIPS = Watch(id="chips", rules=(Rule(id="any", level="alert", query="chip* OR pact"),), channels=("news",))


def rulebook(*watches: Watch, of: Sequence[str] = ("herald", "gazette", "monitor")) -> Rulebook:
    known = {SourceId(s): source(s) for s in of}
    return Rulebook(known, {w.id: w for w in watches}, Matcher(watches, SETS), Backlog(), AT_ONCE)


# --- the same as when it was the present


class World:
    """Some days of news made up by a seed: papers that copy, edit and start late, pages, a silence."""

    NAMES = ("OpenAI", "Microsoft", "Nvidia", "Oracle", "the union")
    DOINGS = ("sign a pact", "part ways", "order chips", "go to court", "rent an office")
    PAPERS = ("herald", "gazette", "monitor")

    def __init__(self, engine: Engine, seed: int) -> None:
        self.rng, self.now = Random(seed), NOW
        self.book = Book(engine, *map(source, self.PAPERS))
        self.rules = rulebook(PACT, CHIPS, of=self.PAPERS)
        self.said: list[tuple[str, str, str]] = []  # guid, address, headline

    def live(self, rounds: int = 40) -> None:
        for _ in range(rounds):
            self.now += self.rng.choice((MINUTE, HOUR, 9 * HOUR))
            self.rng.choice((self.publish, self.publish, self.publish, self.read_a_page, self.hush))()
            if self.rng.random() < 0.7:
                self.screen()
        self.now += HOUR
        self.screen()

    def screen(self) -> None:
        while screen.screen(self.book.engine, self.rules, self.now).articles:
            self.now += MINUTE

    def publish(self) -> None:
        paper = self.rng.choice(self.PAPERS)
        entries = [self.story(paper) for _ in range(self.rng.randint(1, 4))]
        self.book.read(*entries, of=paper, now=self.now, want_page=lambda _: self.rng.random() < 0.3)

    def story(self, paper: str) -> Entry:
        if self.said and self.rng.random() < 0.4:  # copied or edited
            guid, url, title = self.rng.choice(self.said)
            url, title = self.rng.choice(((url, title), (url, title + ", at last"), (url + "-copy", title)))
        else:
            n = len(self.said)
            one, other = self.rng.sample(self.NAMES, 2)
            title = f"{one} and {other} {self.rng.choice(self.DOINGS)} in round {self.rng.randint(1, 12)}"
            guid, url = f"g{n}", f"https://{paper}.example/{n}"
        self.said.append((guid, url, title))
        one, other = self.rng.sample(self.NAMES, 2)
        old = self.rng.choice((HOUR, 30 * HOUR, 9 * DAY))
        return entry(
            title,
            source=SourceId(paper),
            guid=guid,
            url=url,
            summary=f"What {one} wants of {other} is said on page {self.rng.randint(1, 99)}."
            * self.rng.randint(0, 4),
            published=self.rng.choice((self.now - old, None)),
        )

    def read_a_page(self) -> None:
        with self.book.engine.begin() as connection:
            for claim in archive.claim_pages(connection, self.book.sources, self.now, LEASE, 2):
                said = Wording("", " ".join(f"{n} words of OpenAI, and Microsoft" for n in range(60)))
                seen = fetch(at=self.now)
                wording = said if self.rng.random() < 0.7 else None
                landed = [self.rng.choice(self.said)[1]] if self.rng.random() < 0.5 else []
                archive.record_page(connection, claim, seen, None, wording, landed)

    def hush(self) -> None:
        with self.book.engine.begin() as connection:
            paper = self.rng.choice(self.PAPERS)
            ledger.add_silence(connection, Aim.SOURCE, paper, self.now, self.now + 9 * HOUR, "ann", "")


Fact = tuple[int, int, str, str, str, str, str]


def decided(engine: Engine) -> list[Fact]:
    m = ledger.tables.tables["matches"].c
    columns = (m.article, m.revision, m.watch, m.rule, m.story, m.action, m.reason)
    with engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(select(*columns)))


@dataclass
class Overheard:
    """What a replay decided, as the ledger would have it."""

    facts: list[Fact]
    deliveries: int


def replayed(engine: Engine, rules: Rulebook, now: datetime) -> Overheard:
    _, (found,) = replay(engine, [rules], NOW, now)
    facts = [
        (j.article.id, j.article.revision, j.watch, j.rule, j.story, j.action.value, j.reason.value)
        for j in found.judged
    ]
    return Overheard(sorted(facts), len(found.sent))


@pytest.mark.parametrize("seed", range(6))
def test_a_replay_decides_as_it_was_decided_live(
    engine: Engine, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "BATCH", 3)
    world = World(engine, seed)
    world.live()
    live = decided(engine)
    again = replayed(engine, world.rules, world.now)
    assert again.facts == live
    deliveries = outbox.tables.tables["deliveries"]
    with engine.connect() as connection:
        assert again.deliveries == connection.scalar(select(func.count()).select_from(deliveries))
    assert len({fact[-1] for fact in live}) >= 3, "a world in which little happens shows little"


# --- what is counted


class Past:
    """An archive with one paper in it, and what became of it under the rules in force."""

    def __init__(self, engine: Engine) -> None:
        self.book = Book(engine, source())
        self.book.read(entry("Old news"), now=NOW - 40 * DAY)
        self.count = 0

    def bring(self, *titles: str, at: datetime) -> None:
        for title in titles:
            self.count += 1
            found = entry(
                title, guid=f"g{self.count}", url=f"https://herald.example/{self.count}", published=at
            )
            self.book.read(found, now=at, shown=[f"h{self.count}"])
        self.book.screen_all(at)

    def test(self, *watches: Watch, since: datetime = NOW - 30 * DAY, **more: Any) -> Backtest:
        return backtest(self.book.engine, rulebook(*watches), since, NOW, **more)


@pytest.fixture
def past(engine: Engine) -> Past:
    return Past(engine)


def test_a_forecast_says_what_comes_on_which_day_and_in_how_many_messages(past: Past) -> None:
    past.bring("OpenAI and Microsoft sign a pact", "OpenAI and Microsoft part ways", at=NOW - 4 * DAY)
    past.bring("OpenAI rents an office", at=NOW - 3 * DAY)
    found = past.test(PACT).to_json()
    (core, deep) = found["rules"]
    assert (core["alerts"], core["alerts_per_day"], core["budget"]) == (2, 0.5, "within")
    assert core["by_day"] == {"2026-02-26": {"matches": 2, "alerts": 2, "digest": 0}}
    assert deep["matches"] == 0
    assert found["messages"] == {"total": 4, "per_day": 1.0, "by_channel": {"desk": 2, "news": 2}}
    assert (found["articles"], found["days"], found["against"]) == (3, 4.0, None)


def test_a_held_story_is_one_digest_a_day_for_each_channel(past: Past) -> None:
    digest = PACT.model_copy(update={"rules": PACT.rules[1:]})
    past.bring("OpenAI and Microsoft sign a pact", "OpenAI and Microsoft part ways", at=NOW - 4 * DAY)
    past.bring("OpenAI and Microsoft meet in court", at=NOW - 2 * DAY)
    found = past.test(digest).to_json()
    assert (found["total"]["alerts"], found["total"]["digest"]) == (0, 3)
    assert found["messages"]["by_channel"] == {"desk": 2, "news": 2}


def test_a_story_of_the_run_in_is_not_told_again_in_the_period(past: Past) -> None:
    past.bring("OpenAI and Microsoft sign a pact", at=NOW - 3 * DAY)
    past.bring("OpenAI and Microsoft sign a pact - Herald", at=NOW - 2 * DAY)
    found = past.test(PACT, since=NOW - 2 * DAY - HOUR).to_json()
    assert (found["total"]["matches"], found["total"]["alerts"]) == (1, 0)


def test_what_waits_to_be_screened_counts_as_screened_now(past: Past) -> None:
    past.book.read(entry("OpenAI and Microsoft sign a pact"), now=NOW - MINUTE)
    assert past.test(PACT).to_json()["total"]["by_day"] == {
        "2026-03-02": {"matches": 1, "alerts": 1, "digest": 0}
    }


def test_a_source_that_left_the_configuration_counts(past: Past) -> None:
    past.bring("OpenAI and Microsoft sign a pact", at=NOW - DAY)
    book = rulebook(PACT, of=["gazette"])
    assert backtest(past.book.engine, book, NOW - 2 * DAY, NOW).to_json()["total"]["alerts"] == 1


def test_only_one_watch_is_counted_when_it_is_named(past: Past) -> None:
    past.bring("OpenAI and Microsoft sign a pact", at=NOW - DAY)
    found = past.test(PACT, CHIPS, watch="chips").to_json()
    assert [rule["watch"] for rule in found["rules"]] == ["chips"]
    assert (found["total"]["alerts"], found["messages"]["by_channel"]) == (1, {"news": 1})


def test_new_and_lost_stories_are_named_with_what_the_other_rules_lack(past: Past) -> None:
    past.bring("OpenAI and Microsoft sign a pact", at=NOW - 3 * DAY)
    past.bring("OpenAI rents an office", "Microsoft buys chips", at=NOW - 2 * DAY)
    rules = (
        Rule(id="core", level="alert", query="title:(@openai AND (@microsoft OR office) NOT ways)"),
        Rule(id="wide", level="digest", query="@microsoft"),
    )
    past.bring("OpenAI and Microsoft part ways", at=NOW - DAY)
    against = past.test(PACT.model_copy(update={"rules": rules}), running=rulebook(PACT)).against
    assert against is not None
    said = [(d.told.article.title, d.told.rule, d.because) for d in (*against.new, *against.lost)]
    assert said == [
        ("OpenAI rents an office", "core", "deep lacks @microsoft; core lacks @microsoft in the title"),
        (
            "OpenAI and Microsoft part ways",
            "core",
            "wide holds: digest_level; core lacks NOT ways in the title",
        ),
    ]
    assert (against.both, against.overlap) == (1, 0.3333)


def test_of_very_many_only_the_first_are_looked_into(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "EXPLAINED", 2)
    past.bring(*(f"The union orders chips of kind {n}" for n in range(3)), at=NOW - DAY)
    against = past.test(CHIPS, running=rulebook(PACT)).against
    assert against is not None
    assert [one.because for one in against.new] == [
        "there is no watch chips",
        "there is no watch chips",
        None,
    ]


def test_the_same_story_told_by_another_of_its_articles_is_not_new() -> None:
    first, second = article(id=1, revision=1), article(id=2, revision=2)
    one = Replay((judged(first, "s1"), judged(second, "s1", action=Action.QUIET)), ())
    other = Replay((judged(second, "s2"),), ())
    assert told_only_by(one, other) == told_only_by(other, one) == ()
    elsewhere = Replay((judged(second, "s2", watch="chips"),), ())
    assert len(told_only_by(one, elsewhere)) == len(told_only_by(elsewhere, one)) == 1


def test_what_a_shadow_finds_is_counted_and_said_to_be_a_shadows(past: Past) -> None:
    past.bring("OpenAI rents an office", at=NOW - DAY)
    trial = Rule(id="trial", level="alert", query="office", shadow=True)
    found = past.test(PACT.model_copy(update={"rules": (*PACT.rules, trial)})).forecast
    (shadow,) = (rule.to_json() for rule in found.rules if rule.rule == "trial")
    assert (shadow["shadow"], shadow["matches"], shadow["alerts"]) == (True, 1, 0)


@pytest.mark.parametrize(
    ("on_days", "budget", "standing"),
    [
        ([1, 1, 1], 1, Standing.WITHIN),
        ([3, 0, 0], 1, Standing.PEAKS),
        ([3, 1, 0], 1, Standing.OVER),
        ([9, 9, 9], None, Standing.WITHIN),
        ([0, 0, 0], 1, Standing.WITHIN),
    ],
)
def test_a_rule_stands_to_its_budget_by_the_average_and_by_the_worst_day(
    on_days: list[int], budget: int | None, standing: Standing
) -> None:
    told = [
        judged(article(), f"s{d}{n}", at=NOW + d * DAY) for d, many in enumerate(on_days) for n in range(many)
    ]
    found = forecast(Replay(tuple(told), ()), [("pact", PACT.rules[0])], lambda one: (), 3.0, budget)
    assert found.rules[0].standing is standing
    assert bool(found.noisy) is (standing is Standing.OVER)


def test_the_words_behind_most_alerts_of_a_rule_come_first() -> None:
    name, deal = ("@openai", "openai"), ("deal*", "deals")
    told = [judged(article(), f"s{n}", words=frozenset(w)) for n, w in enumerate(([deal, name], [name]))]
    (rule,) = forecast(Replay(tuple(told), ()), [("pact", PACT.rules[0])], lambda one: (), 1.0, 1).rules
    assert rule.words == ((*name, 2), (*deal, 1))


def judged(of: Article, story: str, **changes: Any) -> Judged:
    given: dict[str, Any] = {
        "article": of,
        "at": NOW,
        "watch": "pact",
        "rule": "core",
        "level": "alert",
        "story": story,
        "action": Action.TELL,
        "reason": Reason.FIRST_OF_STORY,
        "detail": "",
        "words": frozenset(),
    }
    return Judged(**{**given, **changes})
