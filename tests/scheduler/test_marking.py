"""`tocsin mark`, and what `check`, `evaluate` and `status` make of the marks."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scheduler.test_cli import WATCHES, Desk

PACT = "OpenAI and Microsoft sign"
ALONE = "OpenAI alone"
GIVEN = ("--title", "Microsoft pays OpenAI", "--language", "en")
NOWHERE = "https://nobody.example/pays?utm_source=x"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two articles, screened: the first was told."""
    desk = Desk(tmp_path)
    desk.bring(PACT, ALONE)
    desk("once")
    return desk


def mark(desk: Desk, what: str, judgement: str, *more: str) -> Any:
    answer = desk("mark", "add", what, judgement, "--author", "ann", "--json", *more)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_an_article_is_marked_by_address_or_number_and_again(desk: Desk) -> None:
    first = mark(desk, "https://www.herald.example/0?utm_source=x", "relevant", "--comment", "good")
    assert (first["title"], first["judgement"], first["verdict"]) == (PACT, "relevant", "alert")
    assert (first["rule"], first["author"], first["comment"]) == ("core", "ann", "good")
    assert (
        first["version"] == desk.json("why", "https://herald.example/0")["explanation"]["rules"][0]["version"]
    )
    again = mark(desk, str(first["article"]), "not-relevant")
    assert again["replaced"] == "relevant"
    assert [one["judgement"] for one in desk.json("mark", "list")] == ["not_relevant"]
    said = desk("mark", "add", str(first["article"]), "relevant").output
    assert "relevant for pact" in said
    assert "it was marked not relevant" in said


def test_what_no_source_announced_is_marked_with_its_words(desk: Desk) -> None:
    assert desk("mark", "add", "99", "relevant").output == "tocsin: no source announced 99\n"
    unknown = desk("mark", "add", NOWHERE, "should-have-alerted")
    assert unknown.exit_code == 2
    assert "--title" in unknown.output
    given = mark(desk, NOWHERE, "should-have-alerted", *GIVEN)
    assert (given["article"], given["source"], given["verdict"], given["language"]) == (
        None,
        None,
        "alert",
        "en",
    )
    assert given["url"] == "https://nobody.example/pays"
    answer = desk("mark", "add", NOWHERE, "relevant", "--text", "-", "--json", stdin="The text of it.")
    assert json.loads(answer.stdout)["replaced"] == "should_have_alerted"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("https://herald.example/0", "relevant", *GIVEN), "is in the archive"),
        (("99", "relevant", *GIVEN), "99 is no address"),
        ((NOWHERE, "relevant", "--title", " "), "are empty"),
        ((NOWHERE, "good", *GIVEN), "'good' is none of relevant, not-relevant, should-have-alerted"),
        ((NOWHERE, "relevant", *GIVEN, "--watch", "rail"), "no such watch"),
    ],
)
def test_what_cannot_be_marked_is_exit_2(desk: Desk, words: tuple[str, ...], said: str) -> None:
    answer = desk("mark", "add", *words)
    assert answer.exit_code == 2
    assert said in answer.output
    assert desk.json("mark", "list") == []


def test_marks_are_listed_counted_by_rule_and_removed(desk: Desk) -> None:
    good = mark(desk, "https://herald.example/0", "relevant", "--comment", "the pact")
    mark(desk, "https://herald.example/1", "should-have-alerted")
    lines = desk("mark", "list").output.splitlines()
    assert (
        f"relevant for pact by ann, told by core {good['version']}; now alert by rule core  {PACT}  the pact"
        in lines[0]
    )
    assert "now quiet" in lines[1]
    core, missed = desk.json("mark", "list", "--by-rule")
    assert (core["rule"], core["version"], core["relevant"]) == ("core", good["version"], 1)
    assert (core["precision"], missed["rule"], missed["should_have_alerted"]) == (1.0, None, 1)
    assert "core" in desk("mark", "list", "--by-rule").output
    assert desk.json("status")["marks"] == [core, missed]
    assert "1 relevant, 0 not relevant, 1 should have alerted" in desk("status").output
    assert desk("mark", "remove", str(good["id"])).exit_code == 0
    assert desk("mark", "remove", str(good["id"])).exit_code == 2
    assert len(desk.json("mark", "list")) == 1


def test_the_marks_are_a_corpus_to_evaluate(desk: Desk, tmp_path: Path) -> None:
    assert desk("evaluate").exit_code == 2
    mark(desk, "https://herald.example/0", "relevant")
    mark(desk, "https://herald.example/1", "should-have-alerted")
    mark(desk, NOWHERE, "not-relevant", *GIVEN)
    kept = desk.json("evaluate")
    assert (kept["tp"], kept["fn"], kept["fp"]) == (1, 1, 1)
    exported = tmp_path / "marks.jsonl"
    exported.write_text(desk("mark", "export").stdout, encoding="utf-8")
    assert desk.json("evaluate", str(exported)) == kept


# ---- rules that change


def check(desk: Desk, *changes: tuple[str, str]) -> tuple[int, list[tuple[str, str]]]:
    """Exit code, and severity and message of each problem, with the rules changed."""
    text = WATCHES
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    desk.write("watches.yaml", text)
    answer = desk("check", "--json")
    said = json.loads(answer.stdout)["problems"]
    return answer.exit_code, [(one["severity"], one["message"]) for one in said]


def test_a_rule_edit_that_loses_what_was_relevant_stops_the_deploy(desk: Desk) -> None:
    number = mark(desk, "https://herald.example/0", "relevant")["id"]
    assert check(desk) == (0, [])
    code, [(severity, said)] = check(desk, ("microsoft: [Microsoft]", "microsoft: [MSFT]"))
    assert (code, severity) == (2, "error")
    assert said == (
        f"mark {number}, “{PACT}” (https://herald.example/0): marked relevant; was alert by rule core, "
        "would be quiet: core lacks @microsoft in the title"
    )
    assert desk("mark", "remove", str(number)).exit_code == 0
    assert desk("check").exit_code == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("level: alert", "level: digest"), "would be digest by rule core: core is of level digest now"),
        (("id: core", "id: kern"), None),
        (('{id: core, level: alert, query: "title:(@openai AND @microsoft)"}',
          '{id: kern, level: alert, query: "lawsuit"}'), "would be quiet: rule core is gone"),
    ],
)  # fmt: skip
def test_a_lost_mark_says_why(desk: Desk, change: tuple[str, str], reason: str | None) -> None:
    mark(desk, "https://herald.example/0", "relevant")
    code, said = check(desk, change)
    assert code == (2 if reason else 0)
    assert not reason or any(message.endswith(reason) for _, message in said)


def test_an_edit_that_mends_is_noted_and_what_stays_wrong_is_counted(desk: Desk) -> None:
    missed = mark(desk, "https://herald.example/1", "should-have-alerted")["id"]
    mark(desk, NOWHERE, "not-relevant", *GIVEN)
    code, said = check(desk)
    assert code == 0
    assert said == [("warning", f"2 of 2 marks are not as they should be, as before: {missed}, {missed + 1}")]
    code, said = check(desk, ("(@openai AND @microsoft)", "(@openai NOT pays)"))
    assert (code, [severity for severity, _ in said]) == (0, ["note", "note"])
    assert "was quiet, would be alert by rule core" in said[0][1]
    assert "was alert by rule core, would be quiet" in said[1][1]


def test_an_edit_that_rings_for_what_is_not_relevant_is_an_error(desk: Desk) -> None:
    mark(desk, "https://herald.example/1", "not-relevant")
    code, [(severity, said)] = check(desk, ("(@openai AND @microsoft)", "@openai"))
    assert (code, severity) == (2, "error")
    assert "marked not relevant; was quiet, would be alert by rule core" in said


def test_rules_in_force_are_what_the_next_edit_is_held_against(desk: Desk) -> None:
    mark(desk, "https://herald.example/1", "not-relevant")
    check(desk, ("(@openai AND @microsoft)", "@openai"))
    desk("once")
    assert [one["verdict"] for one in desk.json("mark", "list")] == ["alert"]
    assert desk("check").exit_code == 0
    assert check(desk)[1][0][0] == "note"


def test_marks_of_a_watch_that_is_gone_stop_nothing(desk: Desk) -> None:
    mark(desk, "https://herald.example/0", "relevant")
    assert check(desk, ("id: pact", "id: rail")) == (
        0,
        [("warning", "1 marks are of this watch, which is gone")],
    )


def test_check_names_the_word_behind_what_is_not_relevant(desk: Desk) -> None:
    for n in range(6):
        words = ("--title", f"Microsoft teaches Azure OpenAI, part {n}")
        mark(desk, f"https://nobody.example/{n}", "not-relevant", *words)
    mark(desk, "https://herald.example/0", "relevant")
    said = [message for _, message in check(desk)[1]]
    assert any(one.startswith("L8 “") and "6 of the 6" in one for one in said)


def test_check_of_marks_makes_no_database(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk("check").exit_code == 0
    assert list(desk.data.iterdir()) == []
