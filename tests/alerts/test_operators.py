"""Operators: laws that hold for every text. What each finds stands in the manual (test_docs_watches)."""

import re
import time
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.matching import Match, Matcher
from alerts.operators import term
from alerts.watches import Rule, Watch
from tests.builders import article

INVISIBLE = ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\u202e"]
words = st.sampled_from(
    [
        "OpenAI",
        "Microsoft",
        "Azure OpenAI",
        "deal",
        "and",
        "微软",
        "与",
        "오픈AI가",
        "\n\n",
        ".",
        "Майкрософтом",
        "of",
        "is",
    ]
)
texts = st.lists(words, max_size=14).map(" ".join)
queries = st.sampled_from(
    [
        "OpenAI",
        "OpenAI AND Microsoft",
        "OpenAI OR deal",
        "OpenAI NEAR/3 Microsoft",
        'OpenAI EXCEPT "Azure OpenAI"',
        "title:deal",
        "ATLEAST/2 OpenAI",
        "微软",
        "오픈AI",
        "Майкрософт*",
        "OpenAI NOT deal",
        "lead:(OpenAI AND deal)",
        "OpenAI NEAR/s Microsoft",
        "OpenAI ONEAR/0 deal",
        "/OpenAI/",
        "/micro\\pL+/i NEAR/4 deal",
        "body:/[A-Z]+I\\b/",
        "(OpenAI AND Microsoft) EXCEPT (/Azure \\w+/ OR OpenAI NEAR/1 deal)",
        "{OpenAI} AND NOT title:Microsoft",
    ],
)


def matches(query: str, text: str, title: str = "") -> list[Match]:
    return Matcher([Watch(id="w", rules=(Rule(id="r", query=query),))]).match(article(title, text=text))


def evidence(query: str, text: str, title: str = "") -> tuple[str, ...] | None:
    """The words found, or None where the query does not hold."""
    found = matches(query, text, title)
    return tuple(one.text for one in found[0].evidence) if found else None


def holds(query: str, text: str, title: str = "") -> bool:
    return evidence(query, text, title) is not None


@given(queries, texts, texts)
def test_not_is_the_complement(query: str, title: str, text: str) -> None:
    assert holds(f"NOT ({query})", text, title) is not holds(query, text, title)


@given(queries, queries, texts)
def test_and_holds_where_both_do_and_or_where_one_does(one: str, other: str, text: str) -> None:
    assert holds(f"({one}) AND ({other})", text) is (holds(one, text) and holds(other, text))
    assert holds(f"({one}) OR ({other})", text) is (holds(one, text) or holds(other, text))


@given(texts, st.integers(0, 20), st.integers(0, 20))
def test_a_greater_distance_never_loses_what_a_smaller_one_found(text: str, one: int, other: int) -> None:
    near, far = sorted((one, other))
    if holds(f"OpenAI NEAR/{near} Microsoft", text):
        assert holds(f"OpenAI NEAR/{far} Microsoft", text)


@given(texts, st.integers(0, 12))
def test_near_is_either_order(text: str, distance: int) -> None:
    either = holds(f"OpenAI ONEAR/{distance} Microsoft", text) or holds(
        f"Microsoft ONEAR/{distance} OpenAI", text
    )
    assert holds(f"OpenAI NEAR/{distance} Microsoft", text) is either


@given(texts)
def test_except_never_finds_more(text: str) -> None:
    rest = evidence('OpenAI EXCEPT "Azure OpenAI"', text) or ()
    assert len(rest) == text.count("OpenAI") - text.count("Azure OpenAI")


@given(queries, texts, st.randoms(use_true_random=False))
def test_sprinkled_invisible_characters_change_nothing(query: str, text: str, random: Random) -> None:
    sprinkled = "".join(letter + random.choice(["", *INVISIBLE]) for letter in text)
    plain, found = evidence(query, text), evidence(query, sprinkled)
    strip = str.maketrans(dict.fromkeys(INVISIBLE))
    assert plain == (None if found is None else tuple(one.translate(strip) for one in found))


@given(queries, texts, texts)
def test_evidence_says_what_stands_there(query: str, title: str, text: str) -> None:
    for match in matches(query, text, title):
        for one in match.evidence:
            field = title if one.field == "title" else text
            assert field[one.start : one.end] == one.text
        if match.sentence:
            for start, end in match.sentence.spans:
                assert match.sentence.text[start:end] in text


distances = st.one_of(st.integers(0, 12).map(str), st.just("s"))


@given(texts, distances)
def test_ordered_nearness_is_nearness(text: str, distance: str) -> None:
    found = evidence(f"OpenAI ONEAR/{distance} Microsoft", text) or ()
    assert set(found) <= set(evidence(f"OpenAI NEAR/{distance} Microsoft", text) or ())


@given(texts, texts)
def test_what_is_near_in_a_sentence_is_shown_in_one_sentence(title: str, text: str) -> None:
    [match] = matches("body:(OpenAI NEAR/s Microsoft)", text, title) or [None]
    both = [match.sentence.text[start:end] for start, end in match.sentence.spans] if match else []
    assert match is None or {"OpenAI", "Microsoft"} <= set(both)


def spans(query: str, text: str, title: str) -> set[tuple[str, int, int]]:
    return {
        (one.field, one.start, one.end) for match in matches(query, text, title) for one in match.evidence
    }


parts = st.sampled_from(
    [
        "OpenAI",
        "Microsoft",
        "(OpenAI OR deal)",
        "(deal AND OpenAI)",
        "(OpenAI NEAR/4 deal)",
        "/O.*?I/",
        "title:deal",
    ]
)


@given(parts, parts, texts, texts)
def test_except_only_takes_away(left: str, right: str, title: str, text: str) -> None:
    rest = spans(f"({left}) EXCEPT ({right})", text, title)
    assert rest <= spans(left, text, title)
    assert not spans(f"({left}) EXCEPT ({left})", text, title)
    assert spans(f"({left}) EXCEPT absent", text, title) == spans(left, text, title)


@example(["OpenAI", "/micro\\pL+/i NEAR/4 deal"], "Microsoft deal", "OpenAI Microsoft", Random(1))
@given(st.lists(queries, max_size=6), texts, texts, st.randoms(use_true_random=False))
def test_a_watch_finds_the_same_whatever_others_there_are_and_in_whatever_order(
    several: list[str], title: str, text: str, random: Random
) -> None:
    watches = [Watch(id=f"w{n}", rules=(Rule(id="r", query=one),)) for n, one in enumerate(several)]
    one = article(title, text=text)
    alone = [match for watch in watches for match in Matcher([watch]).match(one)]
    assert Matcher(watches).match(one) == alone
    random.shuffle(watches)
    assert sorted(Matcher(watches).match(one), key=lambda match: match.watch) == alone


@given(queries, texts, texts)
def test_an_explanation_that_tries_everything_finds_what_the_short_cuts_found(
    query: str, title: str, text: str
) -> None:
    matcher = Matcher([Watch(id="w", rules=(Rule(id="r", query=query),))])
    one = article(title, text=text)
    explained = matcher.explain(one, "w").match
    assert matcher.match(one) == ([explained] if explained else [])


@given(
    st.text(alphabet="aAbB\n .ßIİ", max_size=30), st.sampled_from(["a+", "[ab]b", "A.b", "ß", "[^a]+", "i"])
)
def test_a_regular_expression_finds_what_python_finds(text: str, pattern: str) -> None:
    expected = tuple(found.group() for found in re.finditer(pattern, text) if found.group())
    assert (evidence(f"/{pattern}/", text) or ()) == expected


HOSTILE = "OpenAI Microsoft Azure OpenAI " * 3300  # a hundred thousand characters, as long as a text may be


@pytest.mark.parametrize(
    "query",
    [
        'OpenAI EXCEPT "Azure OpenAI"',
        "OpenAI NEAR/s Microsoft",
        "OpenAI NEAR/100000 Microsoft",
        "OpenAI NEAR/s Microsoft NEAR/s Azure NEAR/s OpenAI",
        "(OpenAI NEAR/s Microsoft) EXCEPT (Azure NEAR/s OpenAI)",
        "/(O.*)+(M.*)+x/",
        "/./",
        " OR ".join(["(OpenAI NEAR/3 Microsoft)"] * 10),
    ],
)
def test_no_page_and_no_query_holds_the_others_up(query: str) -> None:
    began = time.perf_counter()
    evidence(query, HOSTILE)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("written", ["", "…", "*", "{}", '""'])
def test_a_term_needs_a_word(written: str) -> None:
    with pytest.raises(ValueError, match="no word"):
        term(written)


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("OpenAI NEAR/0 Microsoft", "OpenAI, Microsoft", ("OpenAI", "Microsoft")),
        ("OpenAI NEAR/12 Microsoft", "It was OpenAI.\n\nMicrosoft came later.", ("OpenAI", "Microsoft")),
        ("OpenAI NEAR/9 Microsoft", "It was OpenAI.\n\nMicrosoft came later.", None),
        ('"Microsoft deal"', "Microsoft.\n\nDeal of the day", None),
        ("{MS}", "The note of a Ms. Smith", None),
        ("Uno y Dos", "Uno y Dos", ("Uno", "y", "Dos")),
        ('"uno y dos"', "Uno y Dos", ("Uno y Dos",)),
        ("y", "nothing but yes", None),
        ("OpenAI", "OpenAI_Microsoft and #OpenAI", ("OpenAI", "OpenAI")),
        ("OpenAI", "gpt2OpenAI", None),
        ("माइक्रोसॉफ्ट", "माइक्रोसॉफ्ट और ओपनएआई", ("माइक्रोसॉफ्ट",)),
        ("מיקרוסופט", "החברה מיקרוסופט השקיעה", ("מיקרוסופט",)),
        ("Όπεν", "η Όπεν στην Αθήνα", ("Όπεν",)),
        ("مايكروسوفت", "قالت مايكروسوفت اليوم", ("مايكروسوفت",)),
        ("مايكروسوفت", "قالت ومايكروسوفت اليوم", None),
        ("OpenAI", "قالت وOpenAI اليوم", ("OpenAI",)),
        ("오픈AI", "오픈AI와의 계약", ("오픈AI",)),
        ("MS", "MS가 투자한다", ("MS",)),
        ("OpenAI", "OpenAI:n hallitus", ("OpenAI",)),
        ("Microsoft*", "Microsoftin ja Microsoftille", ("Microsoftin", "Microsoftille")),
    ],
)
def test_words_are_found_where_a_reader_finds_them(
    query: str, text: str, found: tuple[str, ...] | None
) -> None:
    assert evidence(query, text) == found


def test_a_look_alike_is_found_and_flagged() -> None:
    watch = Watch(id="w", rules=(Rule(id="r", query="OpenAI AND Microsoft"),))
    match = Matcher([watch]).match(article("ОpenАI meets Microsoft"))[0]
    assert match.look_alike
    assert [one.look_alike for one in match.evidence] == [True, False]
    assert match.evidence[0].text == "ОpenАI"
