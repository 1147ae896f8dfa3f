"""The noise budget: which word made a rule tell so much, and what people hear of it."""

from datetime import time

import pytest

from alerts.budget import notice, spent
from alerts.channels import DigestTime

USUAL = [("OpenAI", "Microsoft")] * 9 + [("OpenAI", "Copilot")]


@pytest.mark.parametrize(
    ("told", "before", "word", "among"),
    [
        pytest.param([("OpenAI", "Copilot")] * 5 + USUAL[:1], USUAL, "Copilot", 5, id="gained"),
        pytest.param([("OpenAI", "Microsoft")] * 6, [], "Microsoft", 6, id="nothing to compare with"),
        pytest.param([("Bing",), ("bing", "Copilot"), ("BING",)], [], "Bing", 3, id="however spelled"),
        pytest.param([("Azure",), *[("Bing",)] * 2, ("Teams",), ("Word",)], [], "Bing", 2, id="no half"),
        pytest.param([("Bing", "OpenAI"), *[("OpenAI",)] * 5], USUAL, "OpenAI", 6, id="once is no reason"),
        pytest.param([(), ()], [], "", 0, id="nothing matched by a word"),
    ],
)  # fmt: skip
def test_the_word_behind_it_is_the_one_that_gained(
    told: list[tuple[str, ...]], before: list[tuple[str, ...]], word: str, among: int
) -> None:
    found = spent("pact", "core", [frozenset(one) for one in told], [frozenset(one) for one in before])
    assert (found.word, found.among, found.stories) == (word, among, len(told))


TOLD = [frozenset({"OpenAI", "Copilot Chat"})] * 5 + [frozenset({"OpenAI", "Azure"})]
SPENT = spent("pact", "core", TOLD, [frozenset({"OpenAI", "Azure"})])
MORNING = DigestTime(at=time(8, 30), timezone="Europe/Paris")


def test_people_hear_of_it_with_what_they_can_do() -> None:
    said = notice(SPENT, MORNING)
    assert said.title == (
        "Rule pact/core has told 6 stories in 24 hours; more go to the digest at 08:30 Europe/Paris"
    )
    assert said.text == (
        "“Copilot Chat” is in 5 of them. `tocsin silence add rule pact/core term 'Copilot Chat' --for 24h` "
        "keeps those quiet for a day."
    )


def test_in_a_channel_without_a_digest_it_says_so() -> None:
    assert notice(SPENT, None).title.endswith("more are held, and this channel has no digest")


def test_without_a_word_it_says_where_to_look() -> None:
    wordless = spent("pact", "core", [frozenset()], [])
    assert "tocsin backtest --watch pact" in notice(wordless, MORNING).text
