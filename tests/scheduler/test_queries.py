"""`tocsin search` and `tocsin try --since`: a query of the moment against the archive."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from tests.builders import HOUR, NOW
from tests.scheduler.test_cli import Desk

HEADLINES = ("OpenAI and Microsoft sign a pact", "Microsoft buys chips", "The union has a say")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.bring(*HEADLINES)
    with time_machine.travel(NOW + HOUR, tick=False):
        yield made


def test_the_archive_is_searched_in_the_language_of_the_rules(desk: Desk) -> None:
    answer = desk("search", "@microsoft NOT chips")
    assert answer.exit_code == 0
    assert HEADLINES[0] in answer.stdout
    assert "https://herald.example/0" in answer.stdout
    assert HEADLINES[1] not in answer.stdout
    assert "1 article of 3, seen since" in answer.stderr


def test_a_search_prints_json_lines_and_nothing_else(desk: Desk) -> None:
    answer = desk("search", "@microsoft", "--json")
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [one["title"] for one in found] == [HEADLINES[0], HEADLINES[1]]  # a feed has the newest first
    assert [one["text"] for one in found[1]["evidence"]] == ["Microsoft"]


def test_a_search_says_that_there_is_more(desk: Desk) -> None:
    answer = desk("search", "@microsoft", "--limit", "1", "--json")
    assert len(answer.stdout.splitlines()) == 1
    assert "1 article; there are more, see --limit 1" in answer.stderr


def test_a_search_that_finds_nothing_is_no_failure(desk: Desk) -> None:
    answer = desk("search", "Oracle")
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert "0 articles of 3" in answer.stderr


def test_a_search_makes_no_database(desk: Desk) -> None:
    for file in desk.data.iterdir():
        file.unlink()
    answer = desk("search", "Oracle")
    assert answer.exit_code == 1
    assert "there is no database yet" in answer.stderr
    assert list(desk.data.iterdir()) == []


def test_a_mistake_in_the_query_is_exit_2_with_a_caret(desk: Desk) -> None:
    for words in (["search", "OpenAI NEER/3 Microsoft"], ["try", "OpenAI NEER/3 Microsoft", "--since", "7d"]):
        answer = desk(*words)
        assert answer.exit_code == 2
        assert "did you mean NEAR/n" in answer.stderr


def test_a_query_is_tried_on_the_past(desk: Desk) -> None:
    answer = desk("try", "@microsoft", "--since", "7d")
    assert answer.exit_code == 0
    assert "2 of 3 articles of 7.0 days match, in 2 stories" in answer.stdout
    assert HEADLINES[1] in answer.stdout
    document = desk.json("try", "@microsoft", "--since", "7d")
    assert (document["matches"], document["messages"]) == (2, 2)
    assert [one["told"] for one in document["stories"]] == [True, True]


def test_a_query_that_would_have_found_nothing_is_exit_3(desk: Desk) -> None:
    answer = desk("try", "Oracle", "--since", "7d")
    assert answer.exit_code == 3
    assert "0 of 3 articles" in answer.stdout


def test_a_text_and_the_archive_are_not_asked_at_once(desk: Desk, tmp_path: Path) -> None:
    answer = desk("try", "Oracle", str(tmp_path / "text"), "--since", "7d")
    assert answer.exit_code == 2
    assert "one of them" in answer.stderr
