"""Digests: when one is due, and what it says."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from alerts.channels import DigestTime, QuietHours
from alerts.digests import MOST_STORIES, Held, compose, compose_brief, day_before, last_due, next_due
from alerts.notifications import Digest, DigestLine, DigestPart
from alerts.shadows import Difference
from tests.builders import DAY, HOUR, NOW, article


def at(clock: str, zone: str = "Europe/Paris") -> DigestTime:
    return DigestTime(at=time.fromisoformat(clock), timezone=zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "now", "due"),
    [
        pytest.param(at("08:30", "UTC"), "2026-03-02 08:30", "2026-03-02 08:30", id="this very moment"),
        pytest.param(at("08:30", "UTC"), "2026-03-02 08:29", "2026-03-01 08:30", id="not yet today"),
        pytest.param(at("08:30"), "2026-03-02 12:00", "2026-03-02 07:30", id="winter in Paris"),
        pytest.param(at("08:30"), "2026-07-02 12:00", "2026-07-02 06:30", id="summer in Paris"),
        pytest.param(at("00:10", "Asia/Tokyo"), "2026-03-01 20:00", "2026-03-01 15:10", id="tomorrow there"),
        pytest.param(at("23:50", "America/New_York"), "2026-03-02 03:00", "2026-03-01 04:50", id="yesterday"),
        pytest.param(at("02:30"), "2026-03-29 05:00", "2026-03-29 01:30", id="a time that does not exist"),
        pytest.param(at("02:30"), "2026-10-25 05:00", "2026-10-25 00:30", id="a time that comes twice"),
        pytest.param(at("03:30"), "2026-03-29 12:00", "2026-03-29 01:30", id="after the hour left out"),
        pytest.param(
            at("00:30", "America/Havana"), "2026-03-08 12:00", "2026-03-08 05:30", id="midnight left out"
        ),
    ],
)
def test_a_digest_is_due_at_its_time_of_the_day_there(when: DigestTime, now: str, due: str) -> None:
    assert last_due(when, utc(now)) == utc(due)


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("clock", ["02:00", "02:15", "02:30", "01:45", "08:30"])
def test_there_is_exactly_one_digest_for_each_day_of_a_year(clock: str, zone: str) -> None:
    when, now = at(clock, zone), utc("2026-01-01 12:00")
    seen = {last_due(when, now + n * timedelta(minutes=20)) for n in range(365 * 72)}
    assert [next_due(when, one) for one in sorted(seen)[:-1]] == sorted(seen)[1:]
    assert len(seen) in {365, 366}
    assert {day_before(when, due) for due in sorted(seen)[1:]} == set(sorted(seen)[:-1])


def held(number: int, story: str, *, watch: str = "pact", score: float = 0.5, tier: int = 2) -> Held:
    found = article(f"Article {number}", id=number, tier=tier, link=f"https://herald.example/{number}")
    return Held(watch, "deep", story, score, found)


NAMES = {"pact": "The pact", "other": "The other"}


def line(number: int, note: str) -> DigestLine:
    return DigestLine(f"Article {number}", f"https://herald.example/{number}", "Herald", note)


def test_a_digest_has_each_story_once_with_its_best_article_the_strongest_first() -> None:
    digest = compose(
        [
            held(1, "s1"),
            held(2, "s1", tier=1),
            held(3, "s2", score=0.9),
            held(2, "s1", score=0.1),
            held(4, "s3", watch="other"),
            held(5, "s4", tier=1),
        ],
        (),
        {},
        NAMES,
    )
    assert digest
    assert digest.title == "4 stories held for the digest"
    assert digest.parts == (
        DigestPart("The pact", (line(3, "deep"), line(2, "deep, 1 more article"), line(5, "deep"))),
        DigestPart("The other", (line(4, "deep"),)),
    )


def test_of_many_stories_the_weakest_are_only_counted() -> None:
    many = [held(n, f"s{n}", score=n / 100) for n in range(1, MOST_STORIES + 6)]
    weak = [held(n, f"s{n}", watch="other", score=0.0) for n in range(100, 103)]
    digest = compose([*many, *weak], (), {}, NAMES)
    assert digest
    pact, other = digest.parts
    assert (len(pact.lines), pact.more) == (MOST_STORIES, 5)
    assert pact.lines[0].title == f"Article {MOST_STORIES + 5}"
    assert (other.lines, other.more) == ((), 3)


# ---- the brief


QUIET = QuietHours.model_validate({"from": "22:00", "to": "07:00"})


def spoken(number: int, story: str, *, level: str = "alert", watch: str = "pact", **changes: Any) -> Held:
    score = changes.pop("score", 0.5)
    found = article(f"Article {number}", id=number, **changes)
    return Held(watch, "core", story, score, found, level)


def listed(digest: Digest | None) -> list[str]:
    assert digest
    return [line.title.removeprefix("Article ") for part in digest.parts for line in part.lines]


def test_a_brief_ranks_by_level_then_who_speaks_then_score_then_how_many_have_it() -> None:
    night = [
        spoken(1, "s1", level="digest", publisher="filing", tier=1, score=1.0),
        spoken(2, "s2", score=0.4),
        spoken(3, "s3", score=0.9),
        spoken(4, "s4", score=0.4),
        spoken(5, "s5", tier=1, score=0.1),
        spoken(6, "s6", publisher="company", tier=3, score=0.1),
        spoken(7, "s7", publisher="filing", tier=1, score=0.1),
    ]
    digest = compose_brief(night, {("pact", "s4"): 4}, NAMES, QUIET)
    assert listed(digest) == ["7", "6", "5", "3", "4", "2", "1"]
    assert digest
    assert digest.title == "While it was quiet (22:00–07:00): 7 stories"
    assert digest.parts[0].heading == "The pact"
    assert [line.note for line in digest.parts[0].lines][3:5] == ["core", "core, 4 sources"]


def test_a_story_is_in_the_brief_once_with_its_weightiest_article() -> None:
    night = [spoken(1, "s1", score=1.0), spoken(2, "s1", publisher="filing", score=0.2)]
    digest = compose_brief(night, {("pact", "s1"): 2}, NAMES, QUIET)
    assert listed(digest) == ["2"]
    assert digest
    assert digest.title.endswith("1 story")


def test_of_several_watches_there_is_one_list_and_hours_that_nobody_knows_are_not_said() -> None:
    night = [spoken(1, "s1"), spoken(2, "s2", watch="other", tier=1), spoken(3, "s3", watch="gone", tier=3)]
    digest = compose_brief(night, {}, NAMES, None)
    assert digest
    assert (digest.title, digest.parts[0].heading) == (
        "While it was quiet: 3 stories",
        "The weightiest first",
    )
    assert [line.note for line in digest.parts[0].lines] == ["The other, core", "The pact, core", "core"]


def test_a_long_night_is_cut_and_counted_and_an_empty_one_says_nothing() -> None:
    digest = compose_brief([spoken(n, f"s{n}") for n in range(MOST_STORIES + 9)], {}, NAMES, QUIET)
    assert digest
    assert (len(digest.parts[0].lines), digest.parts[0].more) == (MOST_STORIES, 9)
    assert digest.title.endswith(f"{MOST_STORIES + 9} stories")
    assert compose_brief([], {}, NAMES, QUIET) is None


def difference(**changes: object) -> Difference:
    sides = {"both": (1, 2), "only_new": (), "only_old": (), **changes}
    return Difference("pact", "trial", "core", NOW - DAY, **sides)  # type: ignore[arg-type]


def test_a_shadow_says_what_it_would_change() -> None:
    known = {n: article(f"Article {n}", id=n, link=f"https://herald.example/{n}") for n in range(10)}
    digest = compose([], [difference(only_new=(9, 8, 7, 6, 5, 4), only_old=(3,))], known, NAMES)
    assert digest
    (part,) = digest.parts
    assert part.heading == "In the shadow: pact/trial instead of core: 2 alike, 6 only new, 1 only old"
    assert [(one.title, one.note) for one in part.lines][-2:] == [
        ("Article 5", "only new"),
        ("Article 3", "only old"),
    ]
    assert part.more == 1


def test_where_nothing_was_held_and_no_shadow_differs_there_is_no_digest() -> None:
    assert compose([], (), {}, NAMES) is None
    assert compose([], [difference()], {}, NAMES) is None


def test_a_day_that_a_zone_left_out_has_no_digest_of_its_own() -> None:
    apia = at("08:30", "Pacific/Apia")
    day = datetime.combine(date(2011, 12, 28), time(12), UTC)
    seen = {last_due(apia, day + n * HOUR) for n in range(96)}
    assert len(seen) == 5
