"""The door of what is over: what a silence or a flood held is said once, whatever happens."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger, outbox
from alerts.alerting import Limits, Reason
from alerts.channels import Channel, DigestTime
from alerts.explanation import Answer
from alerts.judging import Screened
from alerts.notifications import Digest, Notice
from alerts.outbox import Record
from alerts.silences import Aim, Condition, Silence
from alerts.stories import StoryHabits
from alerts.sum_up import sum_up
from alerts.wind_up import wind_up
from crawler import archive
from crawler.articles import Wording
from tests.alerts.test_explanation import asked, deliver
from tests.alerts.test_screen import PACT, WATCH, Desk
from tests.builders import DAY, HOUR, MINUTE, NOW, entry, fetch

END = NOW + HOUR


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def silence(
    desk: Desk, aim: Aim = Aim.SOURCE, value: str = "herald", *also: Condition, comment: str = ""
) -> Silence:
    with desk.engine.begin() as connection:
        return ledger.add_silence(connection, aim, value, NOW, END, "ann", comment, also)


def ended(desk: Desk, now: datetime = END, ops: str | None = "ops") -> list[Record]:
    """What is said that was not said before."""
    before = {one.id for one in records(desk)}
    wind_up(desk.engine, desk.rulebook, ops, now)
    return [one for one in records(desk) if one.id not in before]


def records(desk: Desk) -> list[Record]:
    with desk.engine.connect() as connection:
        return outbox.records(connection)


def story(desk: Desk) -> str:
    """That was told last."""
    with desk.engine.connect() as connection:
        return str(ledger.recent_alerts(connection, 1)[0].story)


def lines(said: Record) -> list[str]:
    assert isinstance(said.body, Digest)
    return [line.title for part in said.body.parts for line in part.lines]


# ---- the end of a silence


def test_at_its_end_a_silence_says_what_it_held_in_each_channel_that_would_have_been_told(desk: Desk) -> None:
    silence(desk, comment="too loud")
    desk.bring(PACT)
    assert ended(desk, END - MINUTE) == []
    said = ended(desk)
    assert {one.channel for one in said} == {"news", "desk"}
    body = said[0].body
    assert isinstance(body, Digest)
    assert body.title == "A silence 1 on source herald has ended: it held 1 story"
    assert [part.heading for part in body.parts] == [
        "By ann (too loud), 2026-03-02 12:00 to 2026-03-02 13:00 UTC"
    ]
    assert [(line.title, line.link) for line in body.parts[0].lines] == [
        (PACT, f"https://herald.example/{hash(PACT)}")
    ]
    assert ended(desk) == ended(desk, END + DAY) == []


def test_it_names_the_five_best_stories_and_counts_the_rest(desk: Desk) -> None:
    silence(desk)
    for number in range(6):
        desk.bring(f"OpenAI and Microsoft sign pact number {number}")
    best = "OpenAI and Microsoft, at last"
    desk.bring(
        best, summary="OpenAI and Microsoft agreed on a number of things that nobody expected of them."
    )
    said = ended(desk)[0]
    assert isinstance(said.body, Digest)
    (part,) = said.body.parts
    assert (len(part.lines), part.more) == (5, 2)
    assert "it held 7 stories" in said.body.title


def test_ended_early_it_says_so_at_once(desk: Desk) -> None:
    made = silence(desk)
    desk.bring(PACT)
    with desk.engine.begin() as connection:
        assert ledger.end_silence(connection, made.id, NOW + MINUTE)
    assert lines(ended(desk, NOW + MINUTE)[0]) == [PACT]
    assert ended(desk) == []


def test_a_silence_that_held_nothing_says_so_in_the_ops_channel(desk: Desk) -> None:
    silence(desk)
    desk.bring(PACT, of="gazette")
    (said,) = ended(desk)
    assert said.channel == "ops"
    assert isinstance(said.body, Notice)
    assert said.body.title == "A silence 1 on source herald has ended: it held nothing"


def test_a_silence_that_was_removed_before_it_began_says_nothing(desk: Desk) -> None:
    made = silence(desk)
    with desk.engine.begin() as connection:
        ledger.end_silence(connection, made.id, NOW - MINUTE)
    assert ended(desk) == []
    with desk.engine.connect() as connection:
        assert ledger.ended_untold(connection, END) == []


def test_why_says_when_it_was_said(desk: Desk) -> None:
    silence(desk)
    desk.bring(PACT, url="https://herald.example/pact")
    after = "That has ended, and said what it held on 2026-03-02 13:00 UTC."
    assert after not in asked(desk, "https://herald.example/pact").sentence
    ended(desk)
    assert after in asked(desk, "https://herald.example/pact").sentence


def test_without_an_ops_channel_nobody_hears_of_that(desk: Desk) -> None:
    silence(desk)
    assert ended(desk, ops=None) == []
    assert ended(desk) == []


def test_what_nobody_is_told_of_any_more_is_said_in_the_ops_channel(desk: Desk) -> None:
    silence(desk)
    desk.bring(PACT)
    desk.rulebook = replace(desk.rulebook, watches={})
    (said,) = ended(desk)
    assert (said.channel, type(said.body)) == ("ops", Notice)
    assert "it held 1 article of 1 story, of which no channel has to hear" in said.body.title


def test_old_news_is_not_held_by_a_silence(desk: Desk) -> None:
    silence(desk)
    desk.bring(PACT, published=NOW - 30 * DAY, url="https://herald.example/pact")
    assert desk.why("https://herald.example/pact") is Answer.TOO_OLD
    (said,) = ended(desk)
    assert said.channel == "ops"


def test_what_it_held_is_on_record_by_article_and_story(desk: Desk) -> None:
    made = silence(desk, Aim.WATCH, "pact")
    desk.bring(PACT)
    desk.bring(PACT, of="gazette")
    desk.bring("OpenAI and Microsoft, another story")
    with desk.engine.connect() as connection:
        assert ledger.quieted(connection) == {made.id: (3, 2)}
        assert [row.source for row in ledger.silenced(connection, made.id)] == ["herald", "gazette", "herald"]


def test_only_what_meets_all_its_conditions_is_held(desk: Desk) -> None:
    silence(desk, Aim.WATCH, "pact", Condition(Aim.SOURCE, "gazette"))
    desk.bring(PACT)
    assert len(desk.told()) == 2
    desk.bring("OpenAI and Microsoft, another story", of="gazette")
    assert len(desk.told()) == 2


def test_a_crash_before_the_commit_says_the_same_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    silence(desk)
    desk.bring(PACT)

    def full_disk(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(ledger, "mark_ended", full_disk)
        with pytest.raises(OSError, match="No space"):
            ended(desk)
    assert records(desk) == []
    assert len(ended(desk, END + MINUTE)) == 2


def test_whoever_decides_by_the_time_of_a_while_ago_is_not_held_by_what_has_said_its_end(desk: Desk) -> None:
    silence(desk)
    ended(desk)
    desk.bring(PACT, now=END - MINUTE)
    assert len(desk.told()) == 3


def test_a_story_that_was_silenced_is_told_by_what_comes_after_the_end(desk: Desk) -> None:
    silence(desk)
    desk.bring(PACT)
    ended(desk)
    desk.bring(PACT, of="gazette", now=END + MINUTE)
    assert [one.body.title for one in desk.told() if one.story] == [PACT, PACT]


def test_what_was_said_at_its_end_is_in_no_digest_after_it(desk: Desk) -> None:
    silence(desk, Aim.TERM, "OpenAI")
    desk.bring(PACT)
    (news, _) = sorted(ended(desk), key=lambda one: one.channel != "news")
    with desk.engine.connect() as connection:
        (row,) = ledger.silenced(connection, 1)
        assert news.id in ledger.digests_of(connection, row.story, "pact")


def test_the_channels_are_those_of_today(desk: Desk) -> None:
    silence(desk)
    desk.bring(PACT)
    watch = WATCH.model_copy(update={"channels": ("desk",)})
    desk.rulebook = replace(desk.rulebook, watches={"pact": watch})
    assert [one.channel for one in ended(desk)] == ["desk"]


# ---- a silence of a story


@pytest.mark.parametrize("follows", ["Two firms end their pact", "OpenAI and Microsoft end their pact"])
def test_a_silenced_story_keeps_its_thread_quiet_also_of_a_changed_headline(desk: Desk, follows: str) -> None:
    told: dict[str, Any] = {"guid": "g", "url": "https://herald.example/pact"}
    desk.bring(PACT, **told)
    deliver(desk)
    silence(desk, Aim.STORY, story(desk))
    desk.bring(follows, now=NOW + MINUTE, **told)
    assert desk.told() == []


def test_a_story_that_turned_out_to_be_another_stays_silenced(desk: Desk) -> None:
    desk.bring(PACT)
    first = story(desk)
    desk.bring("OpenAI and Microsoft, another story")
    second = story(desk)
    silence(desk, Aim.STORY, first)
    with desk.engine.begin() as connection:
        ledger.merge_stories(connection, second, first)
        (found,) = ledger.list_silences(connection, NOW)
    assert found.conditions == (Condition(Aim.STORY, second),)


# ---- the end of a flood


MANY = [f"OpenAI and Microsoft sign pact number {n}" for n in range(25)]


@pytest.fixture
def limited(desk: Desk) -> Desk:
    """With a limit, and a time in which its source must stay calm."""
    limits = Limits(roots_per_day=None, posts_per_hour=None, flood=20)
    habits = StoryHabits(group_wait=2 * MINUTE, alike=False)
    desk.rulebook = replace(desk.rulebook, limits=limits, stories=habits)
    return desk


def flood(desk: Desk, *titles: str, now: datetime = NOW, want_page: bool = False) -> None:
    entries = [entry(title, published=now) for title in titles]
    desk.read(*entries, now=now, want_page=lambda _: want_page)
    while desk.screen(now).articles:
        pass


def test_a_flood_is_one_message_in_each_channel_when_its_source_has_calmed(limited: Desk) -> None:
    flood(limited, *MANY)
    assert ended(limited, NOW + MINUTE) == []
    said = ended(limited, NOW + 2 * MINUTE)
    assert {one.channel for one in said} == {"news", "desk"}
    body = said[0].body
    assert isinstance(body, Digest)
    assert body.title == "herald brought 25 matching articles at once"
    (part,) = body.parts
    assert (len(part.lines), part.more) == (10, 15)
    assert ended(limited, NOW + DAY) == []


def test_all_of_it_is_on_record_with_why(limited: Desk) -> None:
    flood(limited, *MANY)
    address = "https://herald.example/openai-and-microsoft-sign-pact-number-3"
    assert "in one message, within ten minutes" in asked(limited, address).sentence
    ended(limited, NOW + 2 * MINUTE)
    said = asked(limited, address)
    assert said.answer is Answer.HELD_BY_FLOOD
    assert "its story is in the digest for desk of 2026-03-02 12:02 UTC (waiting), news" in said.sentence
    with limited.engine.connect() as connection:
        assert ledger.verdict_counts(connection, NOW) == {Reason.FLOOD: 25}


def test_a_source_that_never_calms_is_told_of_after_ten_minutes(limited: Desk) -> None:
    flood(limited, *MANY)
    for minute in range(1, 10):
        at = NOW + minute * MINUTE
        flood(limited, f"OpenAI and Microsoft, minute {minute}", now=at)
        assert ended(limited, at) == []
    (said, _) = ended(limited, NOW + 10 * MINUTE)
    assert isinstance(said.body, Digest)
    assert said.body.title == "herald brought 34 matching articles at once"


def test_what_comes_after_that_message_is_more_of_it(limited: Desk) -> None:
    flood(limited, *MANY)
    ended(limited, NOW + 2 * MINUTE)
    flood(limited, "OpenAI and Microsoft, a straggler", now=NOW + 3 * MINUTE)
    (said, _) = ended(limited, NOW + 5 * MINUTE)
    assert isinstance(said.body, Digest)
    assert said.body.title == "herald brought 1 more matching article"


def test_while_articles_of_it_wait_to_be_screened_it_is_not_over(limited: Desk) -> None:
    flood(limited, *MANY)
    limited.read(entry("OpenAI and Microsoft, one more"), now=NOW + MINUTE)
    assert ended(limited, NOW + 3 * MINUTE) == []


def test_a_flood_whose_pages_come_one_by_one_is_known_by_its_first_article(limited: Desk) -> None:
    limited.read(*map(entry, MANY), want_page=lambda _: True)
    assert limited.screen() == Screened()
    _read_pages(limited, 1)
    assert limited.screen().matches == 1
    assert limited.told() == []


def test_a_later_wording_of_what_came_in_a_flood_rings_for_nobody(limited: Desk) -> None:
    limited.read(*map(entry, MANY), want_page=lambda _: True)
    flood_over = NOW + 30 * MINUTE
    limited.screen(NOW + MINUTE)
    assert len(ended(limited, flood_over)) == 2
    _read_pages(limited, 3)
    assert limited.screen(flood_over + HOUR).matches >= 3
    assert [one for one in limited.told() if one.story] == []


def test_an_article_with_two_wordings_counts_once(limited: Desk) -> None:
    for number in range(11):
        told: dict[str, Any] = {"guid": f"g{number}", "url": f"https://herald.example/{number}"}
        flood_of_one = f"OpenAI and Microsoft sign pact number {number}"
        limited.bring(flood_of_one, **told)
        limited.bring(f"{flood_of_one} after a long night of talks", **told)
    assert len([one for one in limited.told() if one.story]) == 22


def test_a_flood_is_in_no_daily_digest(limited: Desk) -> None:
    flood(limited, *MANY)
    news = Channel(id="news", kind="console", digest=DigestTime(at="13:00"))
    assert not sum_up(limited.engine, limited.rulebook, news, NOW + HOUR)


def test_a_crash_before_the_commit_tells_of_the_flood_again(
    limited: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood(limited, *MANY)

    def full_disk(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(ledger, "mark_calmed", full_disk)
        with pytest.raises(OSError, match="No space"):
            ended(limited, NOW + 3 * MINUTE)
    assert records(limited) == []
    assert len(ended(limited, NOW + 4 * MINUTE)) == 2


def _read_pages(desk: Desk, number: int) -> None:
    with desk.engine.begin() as connection:
        for claim in archive.claim_pages(connection, desk.sources, NOW, HOUR, number):
            archive.record_page(connection, claim, fetch(), None, Wording("", "The whole story. " * 30))
