"""The door of the digest: what was held goes out once, whatever happens."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts import ledger, outbox
from alerts.alerting import Backlog
from alerts.channels import Channel, DigestTime
from alerts.matching import Matcher
from alerts.notifications import Digest
from alerts.rulebook import Rulebook
from alerts.sum_up import sum_up
from alerts.watches import Rule, Watch
from tests.alerts.test_explanation import LEAD, PAGE, asked, deliver, use
from tests.alerts.test_screen import PACT, WATCH, Desk
from tests.builders import DAY, HOUR, MINUTE, NOW

NEWS = Channel(id="news", kind="console", digest=DigestTime(at="13:00"))  # an hour after NOW
DUE = NOW + HOUR


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def hold(desk: Desk, number: int = 1, now: datetime = NOW) -> None:
    lead = LEAD.replace("a day", f"{number} days of number {number}")
    desk.bring(f"Talk {number}", url=f"{PAGE}{number}", summary=lead, now=now, published=now)


def digests(desk: Desk) -> list[Digest]:
    with desk.engine.connect() as connection:
        return [r.body for r in outbox.records(connection) if isinstance(r.body, Digest)]


def test_what_was_held_goes_out_once_at_its_time(desk: Desk) -> None:
    hold(desk)
    assert not sum_up(desk.engine, desk.rulebook, NEWS, DUE - MINUTE)
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE)
    assert not sum_up(desk.engine, desk.rulebook, NEWS, DUE + MINUTE)
    assert not sum_up(desk.engine, desk.rulebook, NEWS, DUE + DAY)
    (digest,) = digests(desk)
    assert [(part.heading, [line.title for line in part.lines]) for part in digest.parts] == [
        ("The pact", ["Talk 1"])
    ]


def test_what_is_held_after_the_time_waits_for_the_next_day(desk: Desk) -> None:
    hold(desk, 1, DUE + MINUTE)
    assert not sum_up(desk.engine, desk.rulebook, NEWS, DUE + HOUR)
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE + DAY)


def test_a_digest_that_was_missed_is_made_up_for(desk: Desk) -> None:
    hold(desk)
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE + 20 * HOUR)
    assert len(digests(desk)) == 1


def test_what_waited_for_more_than_a_week_is_no_news(desk: Desk) -> None:
    hold(desk)
    assert not sum_up(desk.engine, desk.rulebook, NEWS, DUE + 8 * DAY)


def test_each_channel_has_a_digest_of_its_own(desk: Desk) -> None:
    hold(desk)
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE)
    assert sum_up(desk.engine, desk.rulebook, NEWS.model_copy(update={"id": "desk"}), DUE)
    assert not sum_up(desk.engine, desk.rulebook, NEWS.model_copy(update={"id": "ops"}), DUE)


def test_a_channel_may_do_without(desk: Desk) -> None:
    hold(desk)
    assert not sum_up(desk.engine, desk.rulebook, NEWS.model_copy(update={"digest": None}), DUE)


def test_a_story_that_was_told_or_summed_up_is_not_in_the_next_one(desk: Desk) -> None:
    use(desk, Rule(id="core", query="OpenAI AND Microsoft AND pact"), WATCH.rules[1])
    hold(desk, 1)
    hold(desk, 2)
    desk.bring("A pact", of="gazette", summary=LEAD.replace("a day", "1 days of number 1"), now=NOW + MINUTE)
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE)
    (digest,) = digests(desk)
    assert [line.title for part in digest.parts for line in part.lines] == ["Talk 2"]
    again = LEAD.replace("a day", "2 days of number 2")
    desk.bring("Talk again", of="gazette", summary=again, now=DUE + HOUR)
    assert not sum_up(desk.engine, desk.rulebook, NEWS, DUE + DAY)


def test_a_crash_before_the_commit_sums_up_the_same_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(desk)

    def full_disk(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(ledger, "mark_digested", full_disk)
        with pytest.raises(OSError, match="No space"):
            sum_up(desk.engine, desk.rulebook, NEWS, DUE)
    assert digests(desk) == []
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE + MINUTE)
    assert len(digests(desk)) == 1


def test_a_digest_in_the_outbox_keeps_late_comers_for_the_next_one(desk: Desk) -> None:
    hold(desk, 1)
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE)
    hold(desk, 2, DUE)  # screened at that very moment, written down after it
    assert not sum_up(desk.engine, desk.rulebook, NEWS, DUE + MINUTE)
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE + DAY)


@pytest.mark.parametrize(
    ("then", "says"),
    [
        pytest.param(lambda desk: None, "it is held for the digest", id="waits"),
        pytest.param(
            lambda desk: sum_up(desk.engine, desk.rulebook, NEWS, DUE),
            "its story is in the digest for news of 2026-03-02 13:00 UTC (waiting)",
            id="in the outbox",
        ),
        pytest.param(
            lambda desk: sum_up(desk.engine, desk.rulebook, NEWS, DUE) and deliver(desk, DUE),
            "its story is in the digest for news of 2026-03-02 13:00 UTC (sent)",
            id="sent",
        ),
    ],
)
def test_why_says_in_which_digest_it_is(desk: Desk, then: Callable[[Desk], Any], says: str) -> None:
    hold(desk)
    then(desk)
    assert says in asked(desk, PAGE + "1").sentence


def test_the_digest_names_what_a_shadow_would_have_changed_in_its_day(desk: Desk) -> None:
    trial = Rule(id="trial", query="talks", shadow=True, instead_of="core")
    watch = Watch(id="pact", rules=(*WATCH.rules, trial), channels=("news",))
    desk.rulebook = Rulebook(desk.sources, {"pact": watch}, Matcher([watch]), Backlog())
    with desk.engine.begin() as connection:
        ledger.note_rules(connection, desk.rulebook.matcher.versions(), NOW - 2 * DAY)
    desk.bring("Talks of yesterday", now=NOW - DAY)
    desk.bring("Talks of today")
    desk.bring(PACT)
    assert sum_up(desk.engine, desk.rulebook, NEWS, DUE)
    (digest,) = digests(desk)
    assert digest.title == "Rules in the shadow"
    (part,) = digest.parts
    assert part.heading.endswith("pact/trial instead of core: 0 alike, 1 only new, 1 only old")
    assert [(line.title, line.note) for line in part.lines] == [
        ("Talks of today", "only new"),
        (PACT, "only old"),
    ]
    with desk.engine.connect() as connection:
        assert connection.scalars(select(ledger.tables.tables["digested"].c.story)).all() == []
