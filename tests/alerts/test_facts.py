"""What an article says that could be news beside another: a table."""

import pytest

from alerts.facts import Facts, facts
from tests.builders import article


@pytest.mark.parametrize(
    ("title", "amounts"),
    [
        ("OpenAI to pay $50 billion", {"50 billion"}),
        ("OpenAI zahlt 50 Milliarden Dollar", {"50 billion"}),
        ("OpenAI paie 50 milliards", {"50 billion"}),
        ("OpenAI, 500億ドル", {"50 billion"}),
        ("오픈AI 500억 달러", {"50 billion"}),
        ("1,5 Mrd. Euro", {"1.5 billion"}),
        ("$1,500m for a stake of 27 %", {"1.5 billion", "27%"}),
        ("27 percent, says the 1.5bn firm", {"1.5 billion", "27%"}),
        ("GPT-5 beats 3 rivals in 2026", set()),
    ],
)
def test_sums_and_shares_are_one_whatever_the_language(title: str, amounts: set[str]) -> None:
    assert facts(article(title)).top_amounts == amounts


@pytest.mark.parametrize(
    ("title", "years"),
    [("Exclusive until 2032", {"2032"}), ("$2032 for a phone", set()), ("on 2026-03-02", set())],
)
def test_years_are_what_stands_by_itself(title: str, years: set[str]) -> None:
    assert facts(article(title)).top_years == years


@pytest.mark.parametrize(
    "title",
    [
        "Microsoft denies it", "Microsoft dementiert Bericht", "Microsoft dément", "Microsoft desmiente",
        "Microsoft smentisce", "微软否认", "マイクロソフト、契約を打ち切り", "MS, 보도 부인",
        "مايكروسوفت تنفي", "Microsoft ontkent", "Microsoft zaprzecza", "Microsoft опровергает",
        "Microsoft calls off talks",
    ],
)  # fmt: skip
def test_denials_are_known_in_many_languages(title: str) -> None:
    assert facts(article(title)).denies


@pytest.mark.parametrize(
    "title",
    [
        "Microsoft confirms it",
        "Une compagnie",
        "Microsoft signe",
        "微软确认",
        "Microsoft on dementia",
        "Microsoft scrapes the web",
        "Nadella met finance ministers",
        "The Terminator of OpenAI",
    ],
)
def test_what_denies_nothing_is_no_denial(title: str) -> None:
    assert not facts(article(title)).denies


def test_only_the_headline_is_the_top() -> None:
    found = facts(article("A pact", text="Anthropic has $4 billion until 2030."))
    assert (found.parties, found.amounts, found.years) == ({"Anthropic"}, {"4 billion"}, {"2030"})
    assert not found.top_parties | found.top_amounts | found.top_years


def test_facts_come_out_of_the_ledger_as_they_went_in() -> None:
    found = facts(article("Nvidia denies it has 5 % until 2030"))
    assert Facts.from_json(found.to_json()) == found
