"""`tocsin watch`: the rules as they are, and the past on request."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from tests.builders import HOUR, NOW
from tests.scheduler.test_cli import Desk

NARROW = """
watches:
  - id: pact
    name: The pact
    channels: [news]
    rules: [{id: core, level: alert, query: "title:(OpenAI AND Microsoft)"}]
"""
WIDE = NARROW.replace(
    "rules: [", "rules: [{id: chips, level: digest, shadow: true, query: chips, channels: [ops]}, "
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose one paper has told of chips, before there was a rule for them."""
    made = Desk(tmp_path)
    made.write("watches.yaml", NARROW)
    with time_machine.travel(NOW + HOUR):
        made.bring("Microsoft orders chips", "OpenAI rents an office")
        assert made("once").exit_code == 3, "its one source does not answer; what is there is screened"
        yield made


def test_watches_are_listed_with_their_rules(desk: Desk) -> None:
    desk.write("watches.yaml", WIDE)
    listed = desk("watch").stdout.splitlines()
    assert listed[0] == "pact  The pact  → news"
    assert [line.split(",")[0] for line in listed[1:]] == ["  core  alert", "  chips  digest"]
    assert listed[2].endswith("→ ops")
    assert ", shadow, version " in listed[2]
    (watch,) = desk.json("watch", "pact")
    assert [(rule["id"], rule["channels"]) for rule in watch["rules"]] == [
        ("core", ["news"]),
        ("chips", ["ops"]),
    ]


def test_a_channel_on_conditions_is_shown_as_it_is_written(desk: Desk) -> None:
    routed = "channels: [{to: news, level: [alert, digest], tier: 2}]"
    desk.write("watches.yaml", NARROW.replace("channels: [news]", routed))
    assert desk("watch").stdout.splitlines()[0] == "pact  The pact  → news {level: alert|digest, tier: 2}"
    (watch,) = desk.json("watch")
    assert watch["channels"] == [{"to": "news", "level": ["alert", "digest"], "tier": 2}]


def test_a_watch_catches_up_on_the_past_when_it_is_asked_to(desk: Desk) -> None:
    desk.write("watches.yaml", NARROW.replace("OpenAI AND Microsoft", "chips"))
    tried = desk("watch", "pact", "--catch-up", "24h", "--dry-run")
    assert "pact/core  03-02 12:00  Microsoft orders chips" in tried.stdout
    assert "1 would be told" in tried.stdout
    done = desk.json("watch", "pact", "--catch-up", "24h")
    assert (done["alerts"], done["deliveries"], done["dry_run"]) == (1, 1, False)
    assert [told["title"] for told in done["told"]] == ["Microsoft orders chips"]
    assert desk.json("watch", "--catch-up", "24h")["alerts"] == 0
    assert desk.json("status")["deliveries"]["waiting"] == 1


def test_one_rule_catches_up_alone(desk: Desk) -> None:
    both = "rules: [{id: any, query: Microsoft}, {id: chips, query: chips}, {id: office, query: office}, "
    desk.write("watches.yaml", NARROW.replace("rules: [", both))
    done = desk.json("watch", "pact", "--catch-up", "24h", "--rule", "chips")
    assert [(told["rule"], told["title"]) for told in done["told"]] == [("chips", "Microsoft orders chips")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--catch-up", "32d"], "at most 31d"),
        (["--catch-up", "soon"], "--catch-up"),
        (["pact", "--catch-up", "1d", "--rule", "nothing"], "no such rule; there are: core"),
        (["nobody"], "no such watch"),
        (["--dry-run"], "belong to --catch-up"),
    ],
)
def test_a_slip_of_the_keyboard_is_exit_2(desk: Desk, words: list[str], said: str) -> None:
    answer = desk("watch", *words)
    assert answer.exit_code == 2
    assert said in answer.stderr
