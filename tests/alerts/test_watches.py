"""Watches: what `watches.yaml` may say, and how a mistake in it is told."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from alerts.matching import Matcher
from alerts.watches import Rule, Watch, WatchesFile

SHIPPED = Path(__file__).parent.parent.parent / "config" / "watches.yaml"


def shipped() -> WatchesFile:
    return WatchesFile.model_validate(YAML(typ="safe").load(SHIPPED))


def test_the_example_of_the_contract_is_read() -> None:
    file = WatchesFile.model_validate(
        {
            "sets": {"openai": ["OpenAI", "Open AI"], "microsoft": ["Microsoft", "微软"]},
            "watches": [
                {
                    "id": "openai-microsoft",
                    "name": "OpenAI–Microsoft partnership",
                    "rules": [
                        {"id": "core", "level": "alert", "query": "title:(@openai AND @microsoft)"},
                        {"id": "body", "level": "digest", "query": "@openai NEAR/15 @microsoft"},
                    ],
                    "channels": ["news"],
                }
            ],
        }
    )
    assert [rule.level for rule in file.watches[0].rules] == ["alert", "digest"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"query": "title:(a"}, "watch w, rule r: this parenthesis is never closed"),
        ({"query": "@missing"}, "there is no set @missing"),
        ({"level": "urgent"}, "'alert' or 'digest'"),
        ({"priority": 1}, "Extra inputs are not permitted"),
        ({"id": "Not A Slug"}, "should match pattern"),
    ],
)
def test_a_bad_rule_is_refused_and_never_skipped(change: dict[str, object], said: str) -> None:
    rule = {"id": "r", "query": "a", **change}
    with pytest.raises(ValidationError, match=re.escape(said)):
        WatchesFile.model_validate({"watches": [{"id": "w", "rules": [rule]}]})


def test_a_bad_set_is_refused_even_if_no_rule_uses_it() -> None:
    with pytest.raises(ValidationError, match=r"sets\.names: there is no word"):
        WatchesFile.model_validate({"sets": {"names": ["…"]}})


def test_two_of_the_same_name_are_refused() -> None:
    rule = {"id": "r", "query": "a"}
    with pytest.raises(ValidationError, match="two rules are called 'r'"):
        WatchesFile.model_validate({"watches": [{"id": "w", "rules": [rule, rule]}]})
    watch = {"id": "w", "rules": [rule]}
    with pytest.raises(ValidationError, match="two watches are called 'w'"):
        WatchesFile.model_validate({"watches": [watch, watch]})


def test_alerts_are_tried_before_digests_whatever_the_order_written() -> None:
    rules = (
        Rule(id="one", level="digest", query="a"),
        Rule(id="two", query="a"),
        Rule(id="three", query="b"),
    )
    assert [rule.id for rule in Watch(id="w", rules=rules).in_order()] == ["two", "three", "one"]


def test_the_watch_that_ships_is_read_without_a_warning() -> None:
    file = shipped()
    assert [watch.id for watch in file.watches] == ["openai-microsoft"]
    assert file.watches[0].channels == ("news",)
    assert Matcher(file.watches, file.members()).warnings() == []


def test_the_watch_that_ships_knows_the_names_in_many_languages() -> None:
    sets = shipped().sets
    for name in ("openai", "microsoft"):
        members = sets[name]
        assert isinstance(members, dict)
        assert len(members) >= 13  # "latin" serves two dozen languages at once
    pact = sets["pact"]
    assert isinstance(pact, dict)
    assert len(pact) >= 25
