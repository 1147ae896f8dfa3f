"""Noise: what the watch that ships makes of a stream of ordinary tech news, of which none should alert."""

import random
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from alerts.evaluation import read_corpus
from alerts.matching import Match, Matcher
from alerts.watches import WatchesFile
from tests.noise import headlines
from tests.noise.headlines import Headline, Pattern, meant, named, patterns, stream

WATCHES = Path(__file__).parent.parent.parent / "config" / "watches.yaml"
COUNT, SEED = 20_000, 1
FALSE_ALERTS = 2.0  # per thousand items that name either company


@pytest.fixture(scope="module")
def items() -> list[Headline]:
    return list(stream(COUNT, SEED))


def names_of(headline: Headline) -> set[str]:
    return named(f"{headline.item.title} {headline.item.lead}")


def false_alerts(items: list[Headline]) -> list[tuple[Headline, Match]]:
    file = WatchesFile.model_validate(YAML(typ="safe").load(WATCHES))
    matcher = Matcher(file.watches, file.members())
    return [
        (headline, match)
        for headline in items
        for match in matcher.match(headline.item.article())
        if match.level == "alert" and not match.shadow
    ]


def shown(headline: Headline, match: Match) -> str:
    evidence = ", ".join(dict.fromkeys(one.text for one in match.evidence))
    return f"{match.rule} ({headline.pattern.id}): {headline.item.title} | {headline.item.lead} ← {evidence}"


def test_hardly_any_ordinary_headline_wakes_anybody(items: list[Headline]) -> None:
    alerted = false_alerts(items)
    naming = sum(bool(names_of(one)) for one in items)
    rate = 1000 * len(alerted) / naming
    report = "\n".join(sorted(shown(*one) for one in alerted))
    assert rate < FALSE_ALERTS, f"{rate:.2f} per 1,000 of {naming} items that name either:\n{report}"


def test_the_stream_is_as_large_and_as_mixed_as_a_tech_feed(items: list[Headline]) -> None:
    either = [one for one in items if names_of(one)]
    both = [one for one in either if len(names_of(one)) == 2]
    assert len({(one.item.title, one.item.lead) for one in items}) == COUNT
    assert len(either) >= 7_000
    assert 0.04 < len(both) / len(either) < 0.06
    assert 0.4 < sum(bool(one.item.lead) for one in items) / COUNT < 0.7
    assert len({one.item.language for one in both}) >= 12


def test_what_a_pattern_is_filed_under_is_what_it_names() -> None:
    """A name in the wrong list would be noticed by nobody, and only make the rate look better."""
    for group, of_group in patterns().items():
        for pattern in of_group:
            said = everything_said_by(pattern)
            fits = {"both": len(meant(said)) == 2, "either": bool(meant(said)), "neither": not named(said)}
            assert fits[group], pattern


def everything_said_by(pattern: Pattern) -> str:
    return re.sub(
        r"\{([a-z]+)\d*\}",
        lambda slot: " ".join(pattern.slots.get(slot[1], ())),
        f"{pattern.title} {pattern.lead}",
    )


def test_a_slot_says_the_same_again_and_another_number_another_word() -> None:
    slots = {"city": ["Oslo", "Milan"]}
    pattern = Pattern(
        "en.either.1", "en", "[From|From] {city}", "{city}, {city2}", needs_lead=True, slots=slots
    )
    drawn = {headlines.filled(pattern, random.Random(seed)) for seed in range(20)}
    assert drawn == {("From Oslo", "Oslo, Milan"), ("From Milan", "Milan, Oslo")}


def test_where_only_the_lead_names_the_second_company_it_is_not_left_out(items: list[Headline]) -> None:
    assert all(one.item.lead for one in items if one.pattern.needs_lead)


def test_a_stream_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    first, again, other = (list(stream(500, seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_a_stream_is_written_as_a_labelled_corpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["headlines", "--count", "200", "--seed", "3"])
    headlines.main()
    path = tmp_path / "stream.jsonl"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert list(read_corpus(path)) == [one.item for one in stream(200, 3)]
