"""Stories in the ledger: likeness through the door, over languages, and what somebody corrects."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, event

from alerts import ledger, outbox, regrouping
from alerts.alerting import UNLIMITED
from alerts.explanation import Answer
from alerts.features import EventsFile, Reader
from alerts.ledger import schema
from alerts.matching import Matcher
from alerts.notifications import FollowUp, Kind
from alerts.outbox import State
from alerts.outbox.schema import deliveries
from alerts.stories import StoryHabits, StoryId, Tie
from alerts.watches import Rule, Watch
from tests.alerts.test_screen import Desk
from tests.builders import DAY, HOUR, MINUTE, NOW, source

EVENTS = EventsFile(
    background={"two": ("OpenAI", "Microsoft", "微软")},
    papers={"ft": ("Financial Times", "金融时报")},
    acts={"sues": ("sues", "verklagt", "起诉"), "hires": ("hires", "stellt ein")},
)
SUIT, KLAGE, SUIT_ZH = "OpenAI sues Microsoft over API fees", "OpenAI verklagt Microsoft", "OpenAI起诉微软"
WATCH = Watch(
    id="pact",
    rules=(Rule(id="core", level="alert", query="title:(OpenAI AND (Microsoft OR 微软))"),),
    channels=("news",),
)


@pytest.fixture
def desk(engine: Engine) -> Desk:
    desk = Desk(engine, source(), source("gazette"), source("zeitung"), source("caijing"))
    rulebook = replace(desk.rulebook, watches={"pact": WATCH}, matcher=Matcher([WATCH]))
    desk.rulebook = replace(rulebook, reader=Reader(EVENTS), stories=StoryHabits(alike=True))
    return desk


def stories(desk: Desk) -> list[tuple[str, int, int]]:
    """Headline, articles, origins of each; the latest first."""
    with desk.engine.connect() as connection:
        return [(row.title, row.articles, row.origins) for row in ledger.recent_stories(connection, 10)]


def ids(desk: Desk) -> list[StoryId]:
    """In the order of their names' headlines."""
    with desk.engine.connect() as connection:
        rows = ledger.recent_stories(connection, 10)
        return [StoryId(row.id) for row in sorted(rows, key=lambda row: row.opened_at)]


def numbers(desk: Desk, story: str) -> list[int]:
    with desk.engine.connect() as connection:
        return [row.article for row in ledger.articles_of(connection, story)]


def test_one_event_in_three_languages_is_told_once(desk: Desk) -> None:
    told = [
        desk.bring(title, of=of, now=NOW + n * HOUR, published=NOW + n * HOUR).alerts
        for n, (title, of) in enumerate([(SUIT, "herald"), (KLAGE, "zeitung"), (SUIT_ZH, "caijing")])
    ]
    assert told == [1, 0, 0]
    assert stories(desk) == [(SUIT, 3, 3)]


def test_another_act_is_another_story(desk: Desk) -> None:
    assert (
        desk.bring(SUIT).alerts
        == desk.bring("OpenAI hires ten engineers of Microsoft", of="gazette").alerts
        == 1
    )


def test_without_likeness_only_certain_ties_count(desk: Desk) -> None:
    desk.rulebook = replace(desk.rulebook, stories=StoryHabits(alike=False))
    assert desk.bring(SUIT).alerts == desk.bring(KLAGE, of="zeitung").alerts == 1


def test_after_days_of_quiet_a_new_story_goes_on_with_the_old(desk: Desk) -> None:
    summary = "The Financial Times reports on the suit that OpenAI brought against its partner last week."
    desk.bring(SUIT, summary=summary)
    later = NOW + 6 * DAY
    assert (
        desk.bring(f"{KLAGE} abermals", of="zeitung", now=later, published=later, summary=summary).alerts == 1
    )
    first, second = ids(desk)
    with desk.engine.connect() as connection:
        row = ledger.story_row(connection, second)
    assert row is not None
    assert row.follows == first


def test_how_an_article_joined_is_on_record(desk: Desk) -> None:
    desk.bring(SUIT)
    desk.bring(KLAGE, of="zeitung", now=NOW + MINUTE)
    (story,) = ids(desk)
    with desk.engine.connect() as connection:
        founder, joined = ledger.articles_of(connection, story)
    assert (founder.tie, founder.likeness) == (Tie.FOUNDER, None)
    assert joined.tie == Tie.ALIKE
    assert "act (sues)" in [point["what"] for point in joined.likeness["points"]]


def test_copies_of_a_text_are_one_origin(desk: Desk) -> None:
    summary = (
        "OpenAI accuses Microsoft of withholding fees that were due for the service, says a complaint that "
        "was filed in San Francisco on Monday, and asks the court for all of it with interest."
    )
    for n, of in enumerate(("herald", "gazette", "zeitung")):
        desk.bring(f"{SUIT}, part {n}", of=of, now=NOW + n * MINUTE, summary=summary)
    assert [row[1:] for row in stories(desk)] == [(3, 1)]


def test_what_was_told_of_either_counts_as_told_after_a_merge(desk: Desk) -> None:
    desk.bring(SUIT)
    desk.bring("OpenAI hires ten engineers of Microsoft", of="gazette", now=NOW + MINUTE)
    one, other = ids(desk)
    with desk.engine.begin() as connection:
        ledger.merge_stories(connection, one, other)
        assert ledger.told(connection, one, "pact")
        assert len(ledger.alerts_of(connection, one)) == 2
        found = [ledger.standing_row(connection, story) for story in (one, other, "s-unknown")]
        assert [row and row.id for row in found] == [one, one, None]
    assert desk.bring("OpenAI hires ten engineers of Microsoft", of="zeitung", now=NOW + HOUR).alerts == 0
    assert [row[1:] for row in stories(desk)] == [(3, 3)]


def test_what_was_split_off_is_told_by_itself_and_likeness_does_not_unite_it_again(desk: Desk) -> None:
    desk.bring(SUIT)
    desk.bring(KLAGE, of="zeitung", now=NOW + MINUTE)
    (story,) = ids(desk)
    new, german = StoryId("s-new"), numbers(desk, story)[1:]
    with desk.engine.begin() as connection:
        ledger.split_story(connection, story, german, new, NOW + HOUR)
        ledger.note_correction(connection, "split", story, new, "ann", NOW + HOUR)
        assert ledger.told(connection, story, "pact")
        assert not ledger.told(connection, new, "pact")
        assert ledger.split_apart(connection) == {frozenset({story, new})}
    assert desk.bring(f"{KLAGE} - Caijing", of="caijing", now=NOW + 2 * HOUR).alerts == 1
    assert len(numbers(desk, new)) == 2
    desk.bring(SUIT_ZH, of="gazette", now=NOW + 2 * HOUR)
    assert set(ids(desk)) == {story, new}


VAGUE = "OpenAI acts against Microsoft"


def united(desk: Desk, *, waiting: bool = False) -> tuple[StoryId, StoryId]:
    """Two stories that were told, and a third article that shows them to be one. `waiting`: not heard yet."""
    desk.bring(SUIT, summary="The Financial Times says so.")
    desk.bring(VAGUE, of="zeitung", now=NOW + MINUTE, guid="tag:vague")
    if not waiting:
        heard(desk)
    one, other = ids(desk)
    with desk.engine.begin() as connection:
        connection.execute(
            schema.story_articles.update()
            .where(schema.story_articles.c.story == other)
            .values(traits=suit_told())
        )
    desk.bring(KLAGE, of="caijing", now=NOW + 2 * MINUTE, summary="The Financial Times says so.")
    return one, other


def heard(desk: Desk) -> None:
    """All that was decided so far is in the channel."""
    with desk.engine.begin() as connection:
        outbox.assume_sent(connection, NOW + HOUR)


def suit_told() -> dict[str, list[str]]:
    names = {"top_acts": ["sues"], "acts": ["sues"], "papers": ["ft"]}
    return {**names, "watches": ["pact"]}


def said(desk: Desk, story: StoryId) -> list[tuple[str, str]]:
    with desk.engine.connect() as connection:
        records = outbox.records(connection, story=story)
    replies = [one.body for one in records if isinstance(one.body, FollowUp)]
    return [(item.note, item.title) for reply in replies for item in reply.items]


def test_of_two_told_stories_that_are_one_the_later_thread_says_where_it_goes_on(desk: Desk) -> None:
    one, other = united(desk)
    assert said(desk, other) == [("the same story goes on in the thread of", SUIT)]
    assert said(desk, one) == [("", KLAGE)]


@pytest.mark.parametrize("later_first", [False, True])
def test_where_somebody_makes_one_of_two_told_stories_the_later_thread_points_to_the_earlier(
    desk: Desk, *, later_first: bool
) -> None:
    desk.bring(SUIT)
    desk.bring(VAGUE, of="zeitung", now=NOW + MINUTE)
    heard(desk)
    one, other = ids(desk)
    pair = (other, one) if later_first else (one, other)
    with desk.engine.begin() as connection:
        regrouping.merge(connection, desk.rulebook, *pair, "ann", NOW + HOUR)
    assert said(desk, other) == [("the same story goes on in the thread of", SUIT)]
    assert said(desk, one) == []


def test_a_root_that_waits_is_taken_back_when_its_story_turns_out_to_be_another(desk: Desk) -> None:
    one, _ = united(desk, waiting=True)
    with desk.engine.connect() as connection:
        told = [record.body.title for record in outbox.records(connection, states=[State.WAITING])]
        assert ledger.told(connection, one, "pact")
    assert (told[0], len(told)) == (SUIT, 2)
    assert {title for _, title in said(desk, one)} == {VAGUE, KLAGE}


def two_told(desk: Desk, *, first_heard: bool = False, second_heard: bool = False) -> tuple[StoryId, StoryId]:
    """SUIT, and a minute later VAGUE in another paper."""
    desk.bring(SUIT)
    desk.bring(VAGUE, of="zeitung", now=NOW + MINUTE, guid="tag:vague")
    one, other = ids(desk)
    with desk.engine.begin() as connection:
        for story, sent in ((one, first_heard), (other, second_heard)):
            values = {"state": State.SENT, "attempts": 1, "sent_at": NOW + MINUTE} if sent else {}
            which = deliveries.c.story == story
            connection.execute(deliveries.update().where(which).values(changed_at=NOW, **values))
    return one, other


def merge(desk: Desk, one: StoryId, other: StoryId) -> None:
    with desk.engine.begin() as connection:
        regrouping.merge(connection, desk.rulebook, one, other, "ann", NOW + HOUR)


@pytest.mark.parametrize(
    ("first", "second", "root", "reply"), [(True, False, SUIT, VAGUE), (False, True, VAGUE, SUIT)]
)
def test_what_was_heard_keeps_its_thread_and_what_waits_moves_into_it(
    desk: Desk, *, first: bool, second: bool, root: str, reply: str
) -> None:
    pair = two_told(desk, first_heard=first, second_heard=second)
    merge(desk, *pair)
    with desk.engine.connect() as connection:
        records = outbox.records(connection)
    sent = [record.body.title for record in records if record.state is State.SENT]
    waiting = [record.body.title for record in records if record.state is State.WAITING]
    assert (sent[0], waiting[-1]) == (root, reply)
    assert desk.why(f"https://zeitung.example/{hash(VAGUE)}") is (Answer.IN_THREAD if first else Answer.TOLD)


def test_what_no_rule_finds_any_more_moves_too(desk: Desk) -> None:
    pair = two_told(desk, first_heard=True)
    same = {"url": f"https://zeitung.example/{hash(VAGUE)}", "guid": "tag:vague"}
    desk.bring("A headline that names nobody", of="zeitung", now=NOW + 2 * MINUTE, **same)
    merge(desk, *pair)
    assert said(desk, pair[0]) == [("", "A headline that names nobody")]


def test_a_story_that_waits_for_a_brief_somewhere_is_not_taken_back(desk: Desk) -> None:
    one, other = two_told(desk, first_heard=True)
    waits = {"channel": "news", "watch": "pact", "article": numbers(desk, other)[0], "story": other}
    with desk.engine.begin() as connection:
        about = {"rule": "core", "level": "alert", "score": 1.0, "at": NOW, "until": NOW + HOUR}
        connection.execute(schema.held.insert().values(**waits, **about))
    merge(desk, one, other)
    assert said(desk, other) == [("the same story goes on in the thread of", SUIT)]


def test_where_only_one_of_two_was_told_no_thread_points_anywhere(desk: Desk) -> None:
    limits = UNLIMITED.model_copy(update={"roots_per_day": 1})
    desk.rulebook = replace(desk.rulebook, limits=limits)
    desk.bring(SUIT)
    desk.bring(VAGUE, of="zeitung", now=NOW + MINUTE)
    one, other = ids(desk)
    with desk.engine.begin() as connection:
        regrouping.merge(connection, desk.rulebook, one, other, "ann", NOW + HOUR)
    assert said(desk, one) == said(desk, other) == []


def test_a_later_wording_of_an_article_stays_in_the_thread_that_has_it(desk: Desk) -> None:
    _, other = united(desk)
    same = {"url": f"https://zeitung.example/{hash(VAGUE)}", "guid": "tag:vague"}
    desk.bring("OpenAI sues Microsoft after all", of="zeitung", now=NOW + HOUR, **same)
    with desk.engine.connect() as connection:
        (root,) = [r.body for r in outbox.records(connection, story=other) if r.kind is Kind.ROOT]
    assert root.title == "OpenAI sues Microsoft after all"


def test_who_copies_the_former_wording_of_an_article_adds_nothing_to_it(desk: Desk) -> None:
    desk.bring(SUIT, guid="tag:suit", url="https://herald.example/suit")
    mended = {"guid": "tag:suit", "url": "https://herald.example/suit"}
    desk.bring("OpenAI sues Microsoft over fees for its API", now=NOW + MINUTE, **mended)
    assert desk.bring(SUIT, of="gazette", now=NOW + 2 * MINUTE).deliveries == 0
    (story,) = ids(desk)
    assert len(numbers(desk, story)) == 2
    assert said(desk, story) == []


def test_a_text_that_seems_to_be_a_copy_is_named_with_its_link(desk: Desk) -> None:
    summary = "OpenAI accuses Microsoft of withholding fees, says a complaint that was filed in court today."
    desk.bring(SUIT, summary=summary)
    desk.bring("How OpenAI sues Microsoft", of="gazette", now=NOW + MINUTE, summary=summary)
    with desk.engine.connect() as connection:
        (reply,) = [r.body for r in outbox.records(connection) if isinstance(r.body, FollowUp)]
    assert [(item.title, item.link is not None) for item in reply.items] == [
        ("How OpenAI sues Microsoft", True)
    ]


def test_what_was_held_of_a_story_is_named_once_it_is_told(desk: Desk) -> None:
    limits = UNLIMITED.model_copy(update={"roots_per_day": 1})
    desk.rulebook = replace(desk.rulebook, limits=limits)
    desk.bring("OpenAI hires ten engineers of Microsoft")
    desk.bring(SUIT, of="gazette", now=NOW + MINUTE)
    desk.rulebook = replace(desk.rulebook, limits=UNLIMITED)
    desk.bring(KLAGE, of="zeitung", now=NOW + 2 * MINUTE)
    (_, story) = ids(desk)
    assert said(desk, story) == [("", SUIT)]
    assert desk.why(f"https://gazette.example/{hash(SUIT)}") is Answer.HELD_BY_BUDGET


def test_where_the_told_article_is_split_off_the_others_leave_and_are_told_by_themselves(desk: Desk) -> None:
    desk.bring(SUIT)
    desk.bring(KLAGE, of="zeitung", now=NOW + MINUTE)
    (story,) = ids(desk)
    told, german = numbers(desk, story)
    with desk.engine.begin() as connection:
        new = StoryId("s-new")
        assert ledger.split_story(connection, story, [told], new, NOW + HOUR) == {german}
        assert (ledger.told(connection, story, "pact"), ledger.told(connection, new, "pact")) == (True, False)
        ledger.note_correction(connection, "split", story, new, "ann", NOW + HOUR)
    assert desk.bring(f"{KLAGE} - Caijing", of="caijing", now=NOW + 2 * HOUR).alerts == 1


def test_screening_asks_the_database_no_more_often_in_a_long_story(desk: Desk) -> None:
    asked = 0

    @event.listens_for(desk.engine, "before_cursor_execute")
    def _(*_: object) -> None:
        nonlocal asked
        asked += 1

    def cost(at: datetime) -> int:
        before = asked
        desk.bring(f"{SUIT}, says paper {at:%H%M}", now=at, published=at)
        return asked - before

    costs = [cost(NOW + n * timedelta(minutes=7)) for n in range(40)]
    assert max(costs[5:]) <= min(costs[1:5]) + 2
