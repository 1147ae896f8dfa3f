"""Features: what an article offers to be known again by."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from alerts.features import EventsFile, Reader, Traits
from config.reading import read
from crawler.articles import Article
from tests.builders import article, match

SHIPPED = read(Path(__file__).parents[2] / "config" / "events.yaml", EventsFile, {})
READER = Reader(SHIPPED)


def traits(title: str, text: str = "", language: str = "en") -> Traits:
    return READER.traits(article(title, text=text, language=language), [match()])


@pytest.mark.parametrize(
    "title",
    [
        "OpenAI sues Microsoft",
        "OpenAI verklagt Microsoft",
        "OpenAI demandan a Microsoft",
        "OpenAI pozywa Microsoft",
        "OpenAI、マイクロソフトを提訴",
        "OpenAI起诉微软",
        "오픈AI, 마이크로소프트에 소송",
        "OpenAI подала в суд на Microsoft",
        "OpenAI, Microsoft'a dava açtı",
        "OpenAI menggugat Microsoft",
        "OpenAI khởi kiện Microsoft",
        "OpenAI تقاضي مايكروسوفت",
    ],
)
def test_an_act_is_known_in_many_languages(title: str) -> None:
    assert "sues" in traits(title).top_acts


@pytest.mark.parametrize(
    "text",
    [
        "The Wall Street Journal reported it.",
        "laut Wall Street Journal",
        "월스트리트저널에 따르면",
        "据华尔街日报报道",
        "بحسب وول ستريت جورنال",
        "ウォール・ストリート・ジャーナルによると",
    ],
)
def test_the_paper_a_report_goes_back_to_is_one_in_every_script(text: str) -> None:
    assert traits("A headline", text).papers == {"wsj"}


def test_what_all_articles_of_a_watch_name_is_no_trait() -> None:
    found = traits("Microsoft and OpenAI", "OpenAI rents more of Azure from Microsoft.")
    assert not found.parties | found.names


def test_without_a_headline_the_first_sentence_is_the_top() -> None:
    found = traits("", "Oracle sues OpenAI. Google said nothing.")
    assert (found.top_parties, found.top_acts) == ({"oracle"}, {"sues"})
    assert found.parties == {"oracle", "google"}


def test_names_are_words_with_a_capital_that_head_no_sentence() -> None:
    found = traits("A headline", "They hired Scott Guthrie. Nobody was surprised, said MAI-3.")
    assert found.names == {"scott", "guthrie", "mai-3"}
    assert traits("見出し", "創業者のBluebonnet社", "ja").names == {"bluebonnet"}


def test_words_are_alike_over_languages_that_share_them() -> None:
    spanish, english = traits("Tensión en la negociación"), traits("Tension in the negotiation")
    assert {"tensi"} <= spanish.words & english.words


def test_a_copy_is_known_by_its_text_and_another_report_is_not() -> None:
    sentence = "The two companies said on Monday that the agreement which binds them will be written anew. "
    text = (
        sentence
        + "Nobody outside had expected it so soon, and the shares of both moved little in the afternoon."
    )
    one, copied = traits("One", text).copy, traits("Another", text + " (Reporting by our desk)").copy
    other = traits(
        "Third",
        "It is a contract of many pages, which nobody but a few lawyers has read to the end yet, says she.",
    ).copy
    assert sum(a == b for a, b in zip(one, copied, strict=True)) > 12
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 4


def test_traits_come_back_from_the_ledger_as_they_went() -> None:
    found = traits(
        "Oracle sues OpenAI for $30 billion until 2032", "Reuters reports. " * 9 + "Said Ellison to us."
    )
    assert Traits.from_json(found.to_json()) == found


def test_without_lists_words_and_amounts_are_left() -> None:
    found = Reader().traits(article("Oracle sues OpenAI for $30 billion"))
    assert found.amounts == {"3e10"}
    assert found.words
    assert not found.parties | found.acts


def test_a_digest_or_shadow_rule_is_no_watch_that_would_tell() -> None:
    one: Article = article("OpenAI and Microsoft")
    assert READER.traits(one, [match()]).watches == {"pact"}
    assert not READER.traits(one, [match(level="digest"), match(shadow=True)]).watches


def test_a_member_that_is_no_term_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match=r"acts\.sues"):
        EventsFile(acts={"sues": ("su*e",)})
