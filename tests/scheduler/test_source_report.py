"""The page on all sources: each on the pile of those with which the same is to be done."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from crawler.fetches import Outcome
from scheduler.source_report import OLD, Asked, Pile, pile, report

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FILE = Path("config/sources.yaml")


def asked(**keys: object) -> Asked:
    given: dict = {"id": "herald", "url": "https://herald.example/feed", "line": 7, "outcome": Outcome.OK}
    return Asked(**{**given, "entries": 3, "newest": NOW - timedelta(hours=1), **keys})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, Pile.WORKS),
        ({"newest": None}, Pile.WORKS),  # entries without dates are entries
        ({"newest": NOW - OLD - timedelta(days=1)}, Pile.OLD),
        ({"entries": 0, "newest": None}, Pile.OLD),
        ({"moved_to": "https://new.example/feed"}, Pile.MOVED),
        ({"outcome": Outcome.GONE}, Pile.GONE),
        ({"outcome": Outcome.NOT_FOUND}, Pile.GONE),
        ({"outcome": Outcome.NOT_A_FEED}, Pile.NOT_A_FEED),
        ({"outcome": Outcome.FORBIDDEN}, Pile.BLOCKED),
        ({"outcome": Outcome.ROBOTS}, Pile.BLOCKED),
        ({"outcome": Outcome.TIMEOUT}, Pile.TROUBLE),
        ({"outcome": Outcome.SERVER_ERROR}, Pile.TROUBLE),
        ({"outcome": None}, Pile.TROUBLE),
        ({"outcome": None, "unasked": "switched off"}, Pile.UNASKED),
    ],
)
def test_a_source_goes_on_the_pile(keys: dict, expected: Pile) -> None:
    assert pile(asked(**keys), NOW) is expected


@pytest.mark.parametrize("outcome", [one for one in Outcome if not one.succeeded])
def test_what_failed_is_never_among_what_works(outcome: Outcome) -> None:
    assert pile(asked(outcome=outcome), NOW) not in {Pile.WORKS, Pile.OLD, Pile.MOVED, Pile.UNASKED}


def test_a_source_that_moved_has_its_new_line_ready() -> None:
    page = report([asked(moved_to="https://new.example/feed?a=1&b=2")], FILE, NOW)
    said = "# config/sources.yaml:7, herald; it was https://herald.example/feed"
    block = f"```yaml\n{said}\n    url: https://new.example/feed?a=1&b=2\n```"
    assert block in page
    assert page.startswith("# Sources, asked once on 2026-11-24 09:30 UTC")


@pytest.mark.parametrize(
    "address", ["https://new.example/a: b", "https://new.example/#x", 'https://n.example/"x"']
)
def test_a_new_line_says_the_address_whatever_is_in_it(address: str) -> None:
    page = report([asked(moved_to=address)], FILE, NOW)
    block = page.partition("```yaml\n")[2].partition("```")[0]
    assert YAML(typ="safe").load(block) == {"url": address}


def test_every_source_is_on_the_page_once_with_what_is_known_of_it() -> None:
    found = [
        asked(id="fine"),
        asked(id="lost", outcome=Outcome.NOT_FOUND, detail="answered 404", entries=0, newest=None),
        asked(id="off", outcome=None, unasked="left out by use: tiers", entries=0, newest=None),
    ]
    page = report(found, FILE, NOW)
    assert [page.count(f"| {one.id} |") for one in found] == [1, 1, 1]
    assert "| fine | https://herald.example/feed | ok |  | 3 | 2026-11-24 |" in page
    advice = Outcome.NOT_FOUND.advice
    assert f"| lost | https://herald.example/feed | not_found: answered 404 | {advice} |  |  |" in page
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Gone: 1",
        "## Works: 1",
        "## Not asked: 1",
    ]


def test_what_comes_from_outside_does_not_break_the_table() -> None:
    page = report(
        [asked(url="https://a.example/x|y", outcome=Outcome.TLS, detail="a\nb | <c> `d`")], FILE, NOW
    )
    (row,) = [line for line in page.splitlines() if line.startswith("| herald |")]
    assert r"https://a.example/x\|y | tls: a b \| \<c> \`d\` |" in row


def test_where_nothing_answers_the_network_of_the_machine_is_named_first() -> None:
    silent = report([asked(outcome=Outcome.DNS), asked(id="b", outcome=Outcome.TIMEOUT)], FILE, NOW)
    assert "network of this machine" in silent
    assert "network of this machine" not in report([asked(outcome=Outcome.DNS), asked(id="b")], FILE, NOW)
