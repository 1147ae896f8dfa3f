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


VERSIONED = """
sets:
  openai: [OpenAI*, "{Open AI}"]
  microsoft: {latin: [Microsoft*], zh: [微软]}
  both: "@openai NEAR/10 @microsoft"
  rail: [train*]
watches:
  - id: pact
    rules:
      - {id: core, query: "title:(@openai AND deal)"}
      - {id: named, level: digest, query: "@both"}
"""


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("OpenAI*, ", "OpenAI*, ChatGPT, ", {"core", "named"}),
        ("微软", "微軟", {"named"}),
        ("NEAR/10", "NEAR/5", {"named"}),
        ("AND deal", "AND deals", {"core"}),
        ("level: digest", "level: alert", {"named"}),
        ('OpenAI*, "{Open AI}"', '"{Open AI}", OpenAI*', set()),
        ("{latin: [Microsoft*], zh: [微软]}", "[微软, Microsoft*]", set()),
        ("@openai AND deal", "@openai   deal", set()),
        ("[train*]", "[train*, tram*]", set()),
        ("id: core,", "id: core, note: the first, shadow: true,", set()),
    ],
)
def test_a_version_changes_with_what_a_rule_means_and_with_nothing_else(
    before: str, after: str, changed: set[str]
) -> None:
    assert before in VERSIONED
    old, new = versions(VERSIONED), versions(VERSIONED.replace(before, after))
    assert {rule for rule in old if old[rule] != new[rule]} == changed


def versions(text: str) -> dict[str, str]:
    file = WatchesFile.model_validate(YAML(typ="safe").load(text))
    return {rule: found for (_, rule), found in Matcher(file.watches, file.members()).versions().items()}


def test_a_version_is_the_same_in_every_process_and_on_every_machine() -> None:
    assert versions(VERSIONED) == {"core": "29a1db40", "named": "c87f80e0"}
