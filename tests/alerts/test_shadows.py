"""Shadows: what would be different, by values and by the ledger."""

from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts import ledger
from alerts.shadows import Difference, Holding, difference
from alerts.watches import Rule, Watch
from tests.alerts.test_explanation import use
from tests.alerts.test_screen import PACT, Desk
from tests.builders import DAY, HOUR, NOW

LIVE = (Rule(id="first", query="a"), Rule(id="core", query="b"), Rule(id="deep", level="digest", query="c"))


def compared(shadow: Rule, *found: tuple[int, str]) -> Difference:
    watch = Watch(id="w", rules=(*LIVE, shadow))
    return difference(watch, shadow, NOW, [Holding(a, rule, rule == shadow.id) for a, rule in found])


@pytest.mark.parametrize(
    ("found", "both", "only_new", "only_old"),
    [
        pytest.param([(1, "core"), (1, "trial")], (1,), (), (), id="both held"),
        pytest.param([(1, "trial"), (2, "trial")], (), (2, 1), (), id="only the new one, newest first"),
        pytest.param([(1, "core")], (), (), (1,), id="only the old one"),
        pytest.param([(1, "first"), (1, "trial")], (), (), (), id="decided by a rule before both"),
        pytest.param([(1, "first")], (), (), (), id="none of them"),
        pytest.param([(1, "deep"), (1, "trial")], (), (1,), (), id="decided by a rule behind"),
        pytest.param(
            [(1, "core"), (1, "first"), (1, "trial")], (1,), (), (), id="another wording, another rule"
        ),
        pytest.param([(1, "core"), (1, "trial"), (1, "trial")], (1,), (), (), id="two wordings"),
    ],
)
def test_a_shadow_is_compared_with_the_rule_it_is_to_stand_in_for(
    found: list[tuple[int, str]], both: Any, only_new: Any, only_old: Any
) -> None:
    got = compared(Rule(id="trial", query="d", shadow=True, instead_of="core"), *found)
    assert (got.both, got.only_new, got.only_old) == (both, only_new, only_old)
    assert bool(got) == bool(only_new or only_old)


def test_a_shadow_of_another_level_would_be_tried_elsewhere() -> None:
    weaker = Rule(id="trial", level="digest", query="d", shadow=True, instead_of="core")
    assert compared(weaker, (1, "first"), (1, "trial")).only_new == ()
    stronger = Rule(id="trial", query="d", shadow=True, instead_of="deep")
    assert compared(stronger, (1, "core"), (1, "trial")).only_new == ()
    assert compared(stronger, (1, "trial"), (2, "deep")).only_new == (1,)


def test_a_shadow_that_stands_in_for_none_is_an_addition_and_loses_nothing() -> None:
    got = compared(
        Rule(id="trial", query="d", shadow=True), (1, "core"), (2, "deep"), (2, "trial"), (3, "trial")
    )
    assert (got.both, got.only_new, got.only_old) == ((2,), (3,), ())


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            Rule(id="trial", query="d", instead_of="core"),
            "rule trial: `instead_of:` is for a rule with `shadow",
        ),
        (
            Rule(id="trial", query="d", shadow=True, instead_of="croe"),
            "`instead_of: croe` names no rule of this watch that tells; there are: first, core, deep",
        ),
        (
            Rule(id="trial", query="d", shadow=True, instead_of="trial"),
            "names no rule of this watch that tells",
        ),
    ],
)
def test_a_shadow_that_stands_in_for_nothing_is_a_mistake(rule: Rule, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Watch(id="w", rules=(*LIVE, rule))


# ---- in the ledger

TRIAL = Rule(id="trial", query="talks", shadow=True, instead_of="core")
CORE = Rule(id="core", query="title:(OpenAI AND Microsoft)")


@pytest.fixture
def desk(engine: Engine) -> Desk:
    desk = Desk(engine)
    use(desk, CORE, TRIAL)
    in_force(desk)
    return desk


def in_force(desk: Desk, now: Any = NOW - HOUR) -> None:
    with desk.engine.begin() as connection:
        ledger.note_rules(connection, desk.rulebook.matcher.versions(), now)


def differences(desk: Desk, **changes: Any) -> list[Difference]:
    when = {"after": NOW - 2 * DAY, "until": NOW + DAY, **changes}
    with desk.engine.connect() as connection:
        return ledger.differences(connection, desk.rulebook.watches.values(), **when)


def test_what_only_a_shadow_finds_opens_no_story_and_ties_nothing(desk: Desk) -> None:
    desk.bring("Talks between OpenAI and others in the town hall", url="https://herald.example/1")
    tables = ledger.tables.tables
    with desk.engine.connect() as connection:
        assert connection.scalars(select(tables["stories"].c.id)).all() == []
        assert connection.scalars(select(tables["story_features"].c.feature)).all() == []
        assert connection.scalars(select(tables["matches"].c.story)).all() == [None]
    use(desk, CORE, Rule(id="talks", query="talks"))
    told = desk.bring("Talks between OpenAI and others in the town hall", of="gazette")
    assert told.alerts == 1


def test_a_shadow_beside_the_rule_that_tells_changes_nothing_that_is_told(desk: Desk) -> None:
    assert desk.bring(PACT + " after talks").alerts == 1
    assert {record.body.title for record in desk.told()} == {PACT + " after talks"}


def test_the_difference_comes_from_the_ledger(desk: Desk) -> None:
    desk.bring(PACT + " after talks")
    desk.bring("Talks about nothing")
    desk.bring(PACT)
    (found,) = differences(desk)
    assert (found.watch, found.rule, found.instead_of) == ("pact", "trial", "core")
    assert [len(found.both), len(found.only_new), len(found.only_old)] == [1, 1, 1]
    assert found.since == NOW - HOUR


def test_the_difference_begins_when_both_versions_were_in_force(desk: Desk) -> None:
    desk.bring(PACT)
    use(desk, CORE, TRIAL.model_copy(update={"query": "talk*"}))
    in_force(desk, NOW + HOUR)
    in_force(desk, NOW + 2 * HOUR)  # the daemon starts again: nothing new
    desk.bring("Talks about nothing", now=NOW + 3 * HOUR)
    (found,) = differences(desk)
    assert found.since == NOW + HOUR
    assert [len(found.both), len(found.only_new), len(found.only_old)] == [0, 1, 0]
    assert differences(desk, until=NOW + 2 * HOUR)[0].only_new == ()


def test_a_shadow_that_no_daemon_has_run_has_no_difference_yet(desk: Desk) -> None:
    use(desk, CORE, Rule(id="other", query="talks", shadow=True))
    assert differences(desk) == []
    in_force(desk)
    assert [one.rule for one in differences(desk)] == ["other"]
