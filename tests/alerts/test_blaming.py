"""Blaming: which word stands behind what was marked as not relevant."""

from collections.abc import Sequence

import pytest

from alerts.blaming import blamed
from alerts.evaluation import LabelledItem
from alerts.marks import Judgement, Mark, Ruling
from alerts.matching import Matcher
from alerts.watches import Rule, Watch
from tests.builders import NOW

SETS = {"pact": ("deal*", "stake", "agreement")}
WATCH = Watch(id="pact", rules=(Rule(id="core", query='OpenAI AND (@pact OR "cloud")'),))
MATCHER = Matcher([WATCH], SETS)

GOOD = ("OpenAI sells a stake", "OpenAI signs a deal", "The agreement of OpenAI and its maker")
TUTORIALS = tuple(f"Azure OpenAI in the cloud, part {n}" for n in range(6))
GIFTS = tuple(f"Deals of the day {n}: OpenAI mugs" for n in range(6))


def mark(number: int, title: str, judgement: Judgement, watch: str = "pact") -> Mark:
    item = LabelledItem(f"mark-{number}", judgement.label, "en", title, "", "")
    return Mark(
        number, watch, judgement, "ann", "", NOW, number, item, None, None, None, Ruling("alert")
    )  # fmt: skip


def marks(unwelcome: Sequence[str], welcome: Sequence[str], watch: str = "pact") -> list[Mark]:
    said = [(title, Judgement.NOT_RELEVANT) for title in unwelcome]
    said += [(title, Judgement.RELEVANT) for title in welcome]
    return [mark(n, *one, watch=watch) for n, one in enumerate(said)]


@pytest.mark.parametrize(
    ("unwelcome", "welcome", "advice"),
    [
        (GIFTS, GOOD, "leave it out (EXCEPT), or ask for it only near another word (NEAR)"),
        (TUTORIALS, (*GOOD, "OpenAI in the cloud: a deal"), 'OpenAI EXCEPT "Azure OpenAI" would leave'),
        ((*GIFTS[:5], *TUTORIALS[:4]), GOOD, "“Deals” stands in 5 of the 9"),
        ((*GIFTS[:4], "no match", "nothing"), GOOD, None),
        (GIFTS[:4], GOOD, None),
        (GIFTS, (), None),
        (GIFTS, GIFTS, None),
        (GIFTS, (*GOOD, *GIFTS[:3]), "in 3 of the 6 others"),
        (GOOD * 2, GOOD, None),
        ((*GIFTS[:3], *TUTORIALS[:3]), GOOD, None),
    ],
    ids=["a word", "a name in a phrase", "most", "of four that match", "of four", "nothing to compare with",
         "as often in the welcome", "half as often", "the watch itself", "half"],
)  # fmt: skip
def test_the_word_behind_most_unwelcome_and_few_welcome_ones_is_named(
    unwelcome: Sequence[str], welcome: Sequence[str], advice: str | None
) -> None:
    said = [str(one) for one in blamed(marks(unwelcome, welcome), MATCHER)]
    assert (said == []) if advice is None else (len(said) == 1 and advice in said[0]), said


def test_it_is_said_how_often_the_word_stands_where() -> None:
    (one,) = blamed(marks(GIFTS, GOOD), MATCHER)
    assert str(one).startswith(
        "“Deals” stands in 6 of the 6 articles that match and are marked not relevant, and"
    )
    assert "in 0 of the 3 others" in str(one)


def test_the_marks_of_a_watch_that_is_gone_blame_nobody() -> None:
    assert blamed(marks(GIFTS, GOOD, watch="gone"), MATCHER) == []


def test_a_set_is_named_with_the_word_of_it() -> None:
    (one,) = blamed(marks(["Azure deal: OpenAI"] * 6, GOOD), MATCHER)
    assert (one.phrase, one.inside) == ("Azure deal", "@pact")


def test_a_phrase_of_the_query_is_quoted_in_the_advice() -> None:
    matcher = Matcher([Watch(id="pact", rules=(Rule(id="core", query='"Open AI" OR Azure'),))])
    (one,) = blamed(
        marks([f"The Open AI club, meeting {n}" for n in range(6)], ["Open AI pays Azure"]), matcher
    )
    assert str(one).endswith('"Open AI" EXCEPT "Open AI club" would leave it out')
