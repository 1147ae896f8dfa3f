"""Who leads a thread, what is a copy, when a changed headline is news, what is shown in the channel too."""

from typing import Any

import pytest

from alerts.promotion import Promotion, addition, promotions
from alerts.threads import Thread, Told, better, is_retitled, told_of
from tests.builders import HOUR, NOW, article

ROOT = article("OpenAI and Microsoft sign a new pact", publisher="press", tier=2)


def told(title: str = "Another headline", number: int = 2, **changes: Any) -> Told:
    kept = {name: changes.pop(name) for name in ("copy", "leads") if name in changes}
    source = changes.pop("source", f"paper-{number}")
    made = article(title, id=number, source=source, source_name=source.title(), **changes)
    return told_of(made, **kept)


def thread(*more: Told, root: Told | None = None) -> Thread:
    return Thread("s1", "pact", (root or told_of(ROOT, leads=True), *more))


# ---- the lead and the others


@pytest.mark.parametrize(
    ("publisher", "tier", "leads"),
    [
        ("press", 2, False),
        ("press", 1, True),
        ("wire", 1, True),
        ("blog", 3, False),
        ("filing", 1, True),
        ("regulator", 3, True),
        ("company", 2, True),
        ("aggregator", 2, False),
    ],
)
def test_only_more_authority_takes_the_lead(publisher: Any, tier: int, leads: bool) -> None:
    assert better(told(publisher=publisher, tier=tier), thread().lead) is leads


def test_a_thread_counts_each_source_once_and_copies_apart() -> None:
    grown = thread(
        told(number=2, source="gazette", tier=3),
        told(number=3, source="gazette"),
        told(number=4, source="bugle", tier=1),
        told(number=5, source="echo", copy=True),
        told(number=6, source="herald"),
    )
    assert grown.also(besides="Herald") == ("Bugle", "Gazette")
    assert grown.copies == 1


def test_who_joins_as_the_lead_is_the_only_one_and_the_first_stays_the_first() -> None:
    grown = thread().joined_by(told(publisher="filing", seen=NOW + HOUR, leads=True))
    assert [one.leads for one in grown.articles] == [False, True]
    assert (grown.lead.article, grown.first.article) == (2, ROOT.id)


# ---- changed headlines


@pytest.mark.parametrize(
    ("was", "now", "news"),
    [
        ("Microsoft invests $10 billion in OpenAI", "Microsoft invests $13 billion in OpenAI", True),
        ("Microsoft to buy OpenAI", "Microsoft will not buy OpenAI", True),
        ("Microsoft confirms talks with OpenAI", "Microsoft denies talks with OpenAI", True),
        ("Talks of OpenAI and Microsoft", "Talks of OpenAI and Microsoft end", True),
        ("微软投资OpenAI", "微软起诉OpenAI", True),
        ("Micorsoft invests in OpenAI again", "Microsoft invests in OpenAI again", False),
        ("Microsoft invests in OpenAI again", "MICROSOFT invests in OpenAI, again!", False),
        ("Microsoft invests in OpenAI again", "Update: Microsoft invests in OpenAI again", False),
        ("Microsoft invests in OpenAI again", "Microsoft invests in OpenAI again - The Herald", False),
        ("Microsoft invests in OpenAI again", "", False),
        ("", "Microsoft invests in OpenAI again", False),
    ],
)
def test_a_slip_of_the_pen_is_no_news_but_every_number_is(was: str, now: str, news: bool) -> None:
    assert is_retitled(was, now) is news


def test_a_changed_headline_is_told_once() -> None:
    changed = article("OpenAI and Microsoft break up", id=ROOT.id, number=2)
    added = addition(thread(), changed)
    assert added is not None
    assert (added.was, added.note) == (ROOT.title, "headline changed")
    once = thread(root=Told(**{**_values(told_of(ROOT, leads=True)), "retitled": True}))
    assert addition(once, changed) is None


def _values(one: Told) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


# ---- copies


def test_a_copy_adds_nothing_unless_it_has_more_authority() -> None:
    assert addition(thread(), article(ROOT.title, id=2, source="echo"), {ROOT.id}) is None
    filed = addition(thread(), article(ROOT.title, id=2, source="sec", publisher="filing"), {ROOT.id})
    assert filed is not None
    assert (filed.told.leads, filed.instead) == (True, True)


def test_a_later_wording_of_what_was_told_adds_nothing() -> None:
    assert addition(thread(), article(ROOT.title, text="More.", number=2)) is None


# ---- promotion

BEFORE = thread(
    root=told_of(
        article(ROOT.title, tier=2, text="Microsoft pays $10 billion until 2030, says Anthropic."), leads=True
    )
)

PROMOTED: list[tuple[dict[str, Any], list[Promotion]]] = [
    ({"title": "What the pact means for you"}, []),
    ({"title": "The pact, explained", "tier": 3}, []),
    ({"title": "Why $10 billion is little, and 2030 near"}, []),
    ({"title": "Anthropic comments on the pact"}, []),
    ({"title": "Form 8-K", "publisher": "filing", "tier": 1}, [Promotion.PRIMARY_SOURCE]),
    ({"title": "CMA statement", "publisher": "regulator"}, [Promotion.PRIMARY_SOURCE, Promotion.NEW_PARTY]),
    ({"title": "A new chapter", "publisher": "company"}, [Promotion.PRIMARY_SOURCE]),
    ({"title": "Pact signed", "publisher": "wire", "tier": 1}, [Promotion.HIGHER_TIER]),
    ({"title": "Microsoft denies the pact"}, [Promotion.CONTRADICTION]),
    ({"title": "微软否认"}, [Promotion.CONTRADICTION]),
    ({"title": "Pact is worth $13 billion"}, [Promotion.NEW_AMOUNT]),
    ({"title": "Pact runs until 2032"}, [Promotion.NEW_DATE]),
    ({"title": "Nvidia joins the pact"}, [Promotion.NEW_PARTY]),
    (
        {"title": "Microsoft denies paying $13 billion until 2032", "tier": 1},
        [
            Promotion.HIGHER_TIER,
            Promotion.CONTRADICTION,
            Promotion.NEW_AMOUNT,
            Promotion.NEW_DATE,
        ],
    ),
]


@pytest.mark.parametrize(("new", "reasons"), PROMOTED, ids=[new["title"] for new, _ in PROMOTED])
def test_a_follow_up_is_shown_in_the_channel_for_a_reason_and_commentary_has_none(
    new: dict[str, Any], reasons: list[Promotion]
) -> None:
    assert [one.promotion for one in promotions(BEFORE, told(**new))] == reasons


def test_each_reason_is_one_that_somebody_can_give() -> None:
    assert {reason for _, reasons in PROMOTED for reason in reasons} == set(Promotion) - {Promotion.DOUBTFUL}


def test_the_second_of_a_kind_says_nothing_new() -> None:
    """A second filing, a second denial, the same sum again."""
    known = thread(
        told("Microsoft denies $13 billion with Nvidia until 2032", publisher="filing", tier=1, leads=True)
    )
    again = told("Firm denies $13 billion, Nvidia, 2032", number=3, publisher="filing", tier=1)
    assert promotions(known, again) == ()


def test_what_could_be_another_event_leads_nothing_and_is_shown() -> None:
    filed = article("Form 8-K", id=2, source="sec", publisher="filing", tier=1)
    added = addition(thread(), filed, doubtful=True)
    assert added is not None
    assert not added.told.leads
    assert added.note == "perhaps another event, primary source (filing)"
    assert addition(thread(), article(ROOT.title, id=2, source="echo"), {ROOT.id}, doubtful=True) is None


def test_a_note_says_what_is_new_in_words() -> None:
    new = article("Nvidia pays $13 billion until 2032", id=9, source="sec", publisher="filing", tier=1)
    added = addition(BEFORE, new)
    assert added is not None
    assert added.note == (
        "primary source (filing), new figure: 13 billion, new date: 2032, new party: Nvidia"
    )
