"""`tocsin stories`: what a person sees of stories, and corrects."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from tests.builders import NOW
from tests.scheduler.test_cli import Desk

SUIT, HIRE = "OpenAI sues Microsoft over its API", "OpenAI hires the cloud chief of Microsoft"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Two events in three articles, screened."""
    made = Desk(tmp_path)
    made.write(
        "sources.yaml",
        "sources: [{id: herald, kind: feed, url: 'http://127.0.0.1:9/feed', enabled: false}]\n",
    )
    made.write("daemon.yaml", "stories: {alike: true}\n")
    made.bring("OpenAI verklagt Microsoft wegen der API", HIRE, SUIT)
    with time_machine.travel(NOW, tick=False):
        assert made("once").exit_code == 0
        yield made


def test_the_list_says_how_many_articles_and_origins_a_story_has(desk: Desk) -> None:
    listed = desk.json("stories", "list")
    assert {(row["title"], row["articles"], row["origins"], row["alerts"]) for row in listed} == {
        (SUIT, 2, 2, 1),
        (HIRE, 1, 1, 1),
    }
    assert "2 origins, 1 alert " in desk("stories").stdout


def named(desk: Desk, title: str) -> str:
    return str(next(row["id"] for row in desk.json("stories", "list") if row["title"] == title))


def test_a_story_is_shown_with_its_ties_and_scores(desk: Desk) -> None:
    shown = desk.json("stories", "show", named(desk, SUIT))
    founder, joined = shown["articles"]
    assert (founder["tie"], joined["tie"]) == ("founder", "alike")
    assert joined["likeness"]["score"] > 0
    assert [near["story"] for near in joined["nearly"]] == [named(desk, HIRE)]
    said = desk("stories", "show", named(desk, SUIT)).stdout
    assert "joined by: alike" in said
    assert f"nearly joined {named(desk, HIRE)}: -" in said
    assert "act (sues)" in said


def test_merged_stories_are_one_under_either_name(desk: Desk) -> None:
    one, other = named(desk, SUIT), named(desk, HIRE)
    assert desk("stories", "merge", one, other, "--author", "ann").stdout.strip() == one
    assert len(desk.json("stories", "list")) == 1
    shown = desk.json("stories", "show", other)
    assert (shown["id"], len(shown["articles"])) == (one, 3)
    assert [c["author"] for c in shown["corrections"]] == ["ann"]
    assert desk("stories", "merge", one, other).exit_code == 2


def test_articles_are_split_off_into_a_story_of_their_own(desk: Desk) -> None:
    story = named(desk, SUIT)
    first, second = (one["article"] for one in desk.json("stories", "show", story)["articles"])
    new = desk("stories", "split", story, str(second)).stdout.strip()
    assert [one["article"] for one in desk.json("stories", "show", new)["articles"]] == [second]
    assert [one["article"] for one in desk.json("stories", "show", story)["articles"]] == [first]


def test_what_is_turned_at_the_command_line_is_on_record(desk: Desk) -> None:
    story = named(desk, SUIT)
    _, second = (one["article"] for one in desk.json("stories", "show", story)["articles"])
    desk("stories", "split", story, str(second), "--author", "ann")
    desk("silence", "add", "story", story, "--author", "bob")
    desk("silence", "remove", "1", "--author", "eve")
    desk("mark", "add", str(second), "not-relevant", "--author", "eve")
    turned = desk.json("status")["actions"]
    assert [(one["actor"], one["what"], one["place"]) for one in turned] == [
        ("eve", "not_relevant", None),
        ("eve", "end_silence", None),
        ("bob", "silence", None),
        ("ann", "split", None),
    ]
    assert f"was split off {story}" in desk("status").stdout


def test_what_cannot_be_corrected_is_said(desk: Desk) -> None:
    story = named(desk, HIRE)
    (only,) = (one["article"] for one in desk.json("stories", "show", story)["articles"])
    for words in (
        ("show", "s0"),
        ("merge", story, "s0"),
        ("split", story, "999"),
        ("split", story, str(only)),
    ):
        answer = desk("stories", *words)
        assert answer.exit_code == 2, words
