"""`tocsin backtest`: what it says, what it refuses, and how rules come into force."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from scheduler import adopting
from tests.builders import HOUR, NOW
from tests.scheduler.test_cli import Desk

RUNNING = """
watches:
  - id: pact
    channels: [news]
    rules: [{id: core, level: alert, query: "title:(OpenAI AND Microsoft)"}]
"""
WIDER = RUNNING.replace("OpenAI AND Microsoft", "Microsoft")
HEADLINES = ("OpenAI and Microsoft sign a pact", "Microsoft buys chips", "Microsoft sells chips")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk an hour after three headlines; the budget is one alert a day."""
    made = Desk(tmp_path)
    made.write("watches.yaml", RUNNING)
    made.write(
        "daemon.yaml",
        "network: {allow: [127.0.0.0/8]}\nhttp: null\nlimits: {roots_per_day: 1}\nstories: {alike: false}\n",
    )
    made.bring(*HEADLINES)
    with time_machine.travel(NOW + HOUR, tick=False):
        yield made


@pytest.fixture
def wider(tmp_path: Path) -> str:
    file = tmp_path / "wider.yaml"
    file.write_text(WIDER, encoding="utf-8")
    return str(file)


def watches(desk: Desk) -> str:
    return (desk.config / "watches.yaml").read_text(encoding="utf-8")


def test_the_rules_in_force_are_counted(desk: Desk) -> None:
    answer = desk("backtest", "--since", "2d")
    assert answer.exit_code == 0
    assert "the rules in force: 3 articles of 1.0 days" in answer.stdout
    assert "messages a day, the digest included: news 1.0" in answer.stdout


def test_other_rules_are_held_against_the_running_ones(desk: Desk, wider: str) -> None:
    answer = desk("backtest", "--rules", wider, "--force")
    assert answer.exit_code == 0
    assert "1 stories are told by both, 2 are new, 0 are lost" in answer.stdout
    assert "Microsoft buys chips" in answer.stdout
    assert "the running rules: core lacks OpenAI in the title" in answer.stdout
    found = desk.json("backtest", "--rules", wider, "--force")
    assert {one["title"] for one in found["against"]["new"]} == set(HEADLINES[1:])
    assert found["against"]["lost"] == []


def test_a_rule_over_its_noise_budget_is_named_and_refused_unless_forced(desk: Desk, wider: str) -> None:
    answer = desk("backtest", "--rules", wider, "--adopt")
    assert answer.exit_code == 3
    assert "pact/core would ring 3.0 times a day, limits.roots_per_day is 1" in answer.stderr
    assert "“microsoft” (Microsoft) in 3 of 3" in answer.stderr
    assert watches(desk) == RUNNING
    assert desk("backtest", "--rules", wider, "--adopt", "--force").exit_code == 0
    assert watches(desk) == WIDER


def test_rules_that_pass_are_adopted_and_the_old_ones_kept(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(RUNNING.replace("core", "names"), encoding="utf-8")
    (desk.config / "watches.yaml").chmod(0o640)
    answer = desk("backtest", "--rules", str(file), "--adopt")
    assert (answer.exit_code, watches(desk)) == (0, file.read_text(encoding="utf-8"))
    assert "kill -HUP" in answer.stderr
    assert (desk.config / adopting.KEPT).read_text(encoding="utf-8") == RUNNING
    assert (desk.config / "watches.yaml").stat().st_mode & 0o777 == 0o640
    assert {path.suffix for path in desk.config.iterdir()} == {".yaml", ".before"}, "nothing half written"


def test_rules_that_lose_what_was_marked_are_not_adopted(desk: Desk, tmp_path: Path) -> None:
    desk("mark", "add", "https://herald.example/0", "relevant")
    file = tmp_path / "new.yaml"
    file.write_text(RUNNING.replace("OpenAI AND", "Oracle AND"), encoding="utf-8")
    answer = desk("backtest", "--rules", str(file), "--adopt")
    assert answer.exit_code == 2
    assert f"{file}:3: watches[pact]: mark 1" in answer.stderr
    assert "core lacks Oracle in the title" in answer.stderr
    assert watches(desk) == RUNNING


def test_without_a_past_nothing_is_adopted_unless_forced(desk: Desk, wider: str) -> None:
    with time_machine.travel(NOW + timedelta(days=90), tick=False):
        answer = desk("backtest", "--rules", wider, "--adopt")
        assert (answer.exit_code, watches(desk)) == (3, RUNNING)
        assert "nothing to try them on" in answer.stderr
        assert desk("backtest", "--rules", wider, "--adopt", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--adopt"], "which file"),
        (["--since", "yesterday"], "--since"),
        (["--watch", "nobody"], "no such watch"),
    ],
)
def test_a_slip_of_the_keyboard_is_exit_2(desk: Desk, words: list[str], said: str) -> None:
    answer = desk("backtest", *words)
    assert answer.exit_code == 2
    assert said in answer.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [("(OpenAI", "((OpenAI", "other.yaml:5"), ("[news]", "[nobody]", "no channel `nobody`")],
)
def test_a_mistake_in_the_file_is_exit_2_with_its_place(
    desk: Desk, tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(RUNNING.replace(right, wrong), encoding="utf-8")
    answer = desk("backtest", "--rules", str(file))
    assert answer.exit_code == 2
    assert said in answer.stderr


def test_no_database_is_made_to_look_into(desk: Desk) -> None:
    (desk.data / "tocsin.db").unlink()
    answer = desk("backtest")
    assert answer.exit_code == 1
    assert "no database yet" in answer.stderr
    assert not (desk.data / "tocsin.db").exists()
