"""A new rule may tell of the past: once, only what was not told, whatever happens in between."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event

from alerts import catch_up as door
from alerts import ledger
from alerts.alerting import Backlog
from alerts.catch_up import CaughtUp, catch_up
from alerts.explanation import Answer
from alerts.judging import Screened
from alerts.matching import Matcher
from alerts.rulebook import Rulebook
from alerts.silences import Aim
from alerts.watches import Rule
from crawler import archive
from crawler.entries import Entry
from crawler.sources import SourceId
from tests.alerts.test_screen import PACT, WATCH, Desk
from tests.builders import AT_ONCE, DAY, HOUR, MINUTE, NOW, entry, source

CHIPS = Rule(id="chips", level="alert", query="title:(Microsoft AND chips)")
DEAL = "Microsoft orders chips"


def use(desk: Desk, *rules: Rule) -> None:
    """From now on these are the rules of the watch."""
    watch = WATCH.model_copy(update={"rules": rules})
    desk.rulebook = Rulebook(desk.sources, {"pact": watch}, Matcher([watch]), Backlog(), AT_ONCE)


def late(desk: Desk, hours: int = 24, dry_run: bool = False) -> CaughtUp:
    now = NOW + HOUR
    return catch_up(desk.engine, desk.rulebook, now - hours * HOUR, now, dry_run=dry_run)


def titles(done: CaughtUp) -> list[str]:
    return [one.article.title for one in done.told]


def verdicts(desk: Desk) -> list[tuple[int, str, str]]:
    matches = ledger.tables.tables["matches"]
    with desk.engine.connect() as connection:
        rows = connection.execute(matches.select().order_by(matches.c.id)).all()
    return [(row.article, row.rule, row.reason) for row in rows]


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def test_a_new_rule_tells_of_the_past_what_it_would_have_told(desk: Desk) -> None:
    desk.bring(DEAL, url="https://herald.example/it")
    use(desk, *WATCH.rules, CHIPS)
    assert desk.why("https://herald.example/it") is Answer.NEWER_RULE
    done = late(desk)
    assert (titles(done), done.screened) == ([DEAL], Screened(1, 1, 1, 2))
    assert {d.channel for d in desk.told()} == {"news", "desk"}
    assert desk.why("https://herald.example/it") is Answer.WAITING


def test_it_tells_nothing_twice_however_often_it_is_asked(desk: Desk) -> None:
    desk.bring(DEAL)
    desk.bring(PACT)
    use(desk, *WATCH.rules, CHIPS)
    late(desk)
    before = verdicts(desk)
    assert late(desk) == late(desk, hours=48) == CaughtUp(Screened(), ())
    assert verdicts(desk) == before
    assert len(desk.told()) == 4


def test_what_the_watch_told_by_another_rule_is_left_alone(desk: Desk) -> None:
    desk.bring(PACT)
    use(desk, Rule(id="names", level="alert", query="OpenAI"))
    assert late(desk) == CaughtUp(Screened(), ())
    assert verdicts(desk)[-1][1:] == ("core", "first_of_story")


def test_an_article_of_a_told_story_is_not_told_again(desk: Desk) -> None:
    desk.bring(PACT, url="https://press.example/pact")
    with desk.engine.begin() as connection:
        ledger.add_silence(connection, Aim.SOURCE, "gazette", NOW, NOW + MINUTE, "ann", "")
    desk.bring("It is signed", of="gazette", url="https://gazette.example/it", now=NOW + HOUR / 2)
    use(desk, *WATCH.rules, Rule(id="signed", level="alert", query="signed OR pact"))
    desk.bring(PACT + ", at last", of="gazette", url="https://press.example/pact")
    assert titles(late(desk)) == ["It is signed"]


def test_two_papers_with_one_headline_are_a_story_of_their_own_day(desk: Desk) -> None:
    for days, paper in ((6, "herald"), (6, "gazette"), (1, "herald")):
        then = NOW - days * DAY
        desk.bring(
            DEAL, of=paper, now=then, guid=f"{days}", url=f"https://{paper}.example/{days}", published=then
        )
    use(desk, CHIPS)
    desk.bring(DEAL, of="gazette", guid="today")
    done = late(desk, hours=7 * 24)
    assert [one.article.seen for one in done.told] == [NOW - 6 * DAY]


def test_a_story_told_later_in_the_week_keeps_its_last_day(desk: Desk) -> None:
    """Going back must not make a headline of today look old, or its copies of tomorrow would be news."""
    desk.bring(DEAL, now=NOW - DAY, url="https://herald.example/old", published=NOW - DAY)
    use(desk, CHIPS)
    desk.bring(DEAL, of="gazette", url="https://gazette.example/new")
    assert titles(late(desk, hours=48)) == []
    tomorrow = NOW + 47 * HOUR
    copied = desk.bring(DEAL, now=tomorrow, guid="copy", published=tomorrow)
    assert copied.alerts == 0


def test_of_a_first_reading_only_what_was_published_inside_the_window_is_told(engine: Engine) -> None:
    desk = Desk(engine)
    desk.sources[SourceId("new")] = source("new")
    with engine.begin() as connection:
        archive.enrol(connection, desk.sources.values())
    dates = {"fresh": NOW - HOUR, "undated": None, "old": NOW - 30 * HOUR}
    dates |= {f"more {n}": NOW - HOUR for n in range(5)}
    found = [
        Entry(SourceId("new"), f"g{n}", f"https://new.example/{n}", f"Microsoft chips: {when}", published=at)
        for n, (when, at) in enumerate(dates.items())
    ]
    desk.read(*found, of="new")
    use(desk, CHIPS)
    desk.screen()
    assert len(desk.told()) == 6, "three of a first reading, in two channels"
    late(desk)
    told = {d.body.title.partition(": ")[2] for d in desk.told()}
    assert told == dates.keys() - {"old"}


@pytest.mark.parametrize(
    ("then", "today", "told"),
    [
        ({"level": "digest"}, {}, True),
        ({"shadow": True}, {}, True),
        ({"level": "digest"}, {"level": "digest"}, False),
    ],
)
def test_a_rule_that_became_more_urgent_tells_what_it_held(
    desk: Desk, then: dict[str, object], today: dict[str, object], told: bool
) -> None:
    use(desk, CHIPS.model_copy(update=then))
    desk.bring(DEAL)
    assert desk.told() == []
    use(desk, CHIPS.model_copy(update=today))
    assert titles(late(desk)) == ([DEAL] if told else [])
    assert len(verdicts(desk)) == 1


def test_the_other_verdicts_hold_as_ever(desk: Desk) -> None:
    desk.bring(DEAL, published=NOW - 9 * DAY)
    desk.bring("Microsoft sells chips", of="gazette")
    desk.bring("Microsoft and its chips")
    with desk.engine.begin() as connection:
        ledger.add_silence(connection, Aim.SOURCE, "gazette", NOW, NOW + DAY, "ann", "")
    use(desk, CHIPS)
    assert titles(late(desk)) == ["Microsoft and its chips"]
    assert {reason for *_, reason in verdicts(desk)} == {"too_old", "silenced", "first_of_story"}
    late(desk)
    with desk.engine.connect() as connection:
        assert list(ledger.quieted(connection).values()) == [(1, 1)]


def test_the_last_wording_counts_and_one_that_waits_is_the_daemons(desk: Desk) -> None:
    use(desk, CHIPS)
    desk.rulebook = replace(desk.rulebook, matcher=Matcher([]))
    desk.bring(DEAL, guid="changed", url="https://herald.example/1")
    url, then = "https://herald.example/1", NOW + MINUTE
    desk.bring("Microsoft changes its mind", guid="changed", url=url, now=then)
    desk.read(entry("Microsoft sells chips"))
    use(desk, CHIPS)
    assert late(desk).screened == Screened()
    assert desk.screen(NOW + HOUR).alerts == 1


def test_a_dry_run_says_what_it_would_tell_and_tells_nothing(desk: Desk) -> None:
    desk.bring(DEAL)
    desk.bring(DEAL, of="gazette")
    use(desk, CHIPS)
    assert titles(late(desk, dry_run=True)) == [DEAL]
    assert (verdicts(desk), desk.told()) == ([], [])
    assert titles(late(desk)) == [DEAL]


def test_what_is_cut_short_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        desk.bring(f"Microsoft and the chips of round {n}", guid=f"g{n}")
    use(desk, CHIPS)
    monkeypatch.setattr(door, "BATCH", 2)
    alerts = iter(range(99))

    def power_cut(*given: object) -> None:
        if "INSERT INTO alerts" in str(given[2]) and next(alerts) == 3:
            raise KeyboardInterrupt

    event.listen(desk.engine, "before_cursor_execute", power_cut)
    with pytest.raises(KeyboardInterrupt):
        late(desk)
    event.remove(desk.engine, "before_cursor_execute", power_cut)
    assert len(desk.told()) == 4, "the first batch is told, of the second nothing"
    late(desk)
    assert sorted(d.body.title[-1] for d in desk.told() if d.channel == "news") == list("01234")
    assert len(verdicts(desk)) == 5


def test_whoever_decides_at_the_same_time_waits(desk: Desk) -> None:
    """The daemon screens a copy of what is just caught up on: one story, told once, and no error."""
    desk.bring(DEAL)
    use(desk, CHIPS)
    desk.read(entry(DEAL, source=SourceId("gazette"), url="https://gazette.example/it"), of="gazette")
    found: list[Screened] = []
    daemon = threading.Thread(target=lambda: found.append(desk.screen(NOW + HOUR)))

    def meanwhile(*given: object) -> None:
        if "INSERT INTO alerts" in str(given[2]) and not daemon.ident:
            daemon.start()
            daemon.join(0.3)
            assert daemon.is_alive()

    event.listen(desk.engine, "before_cursor_execute", meanwhile)
    done = late(desk)
    daemon.join(10)
    event.remove(desk.engine, "before_cursor_execute", meanwhile)
    assert (titles(done), [s.alerts for s in found]) == ([DEAL], [0])
    assert {reason for *_, reason in verdicts(desk)} == {"first_of_story", "already_told"}
