"""Query: reading, precedence, errors with a caret. The rest is in the manual's tables (test_docs_watches)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.operators import OPERATORS
from alerts.query import QueryError, Sets, parse


@pytest.mark.parametrize(
    ("query", "read_as"),
    [
        ("a b OR c", "a AND b OR c"),
        ("a AND (b OR c)", "a AND (b OR c)"),
        ("NOT a b", "NOT a AND b"),
        ("NOT (a b)", "NOT (a AND b)"),
        ("title:a NEAR/3 b c", "title:(a NEAR/3 b) AND c"),
        ("a NEAR/3 b EXCEPT c", "a NEAR/3 b EXCEPT c"),
        ("(a NEAR/3 b) EXCEPT c", "(a NEAR/3 b) EXCEPT c"),
        ("a NEAR b", "a NEAR/10 b"),
        ("ATLEAST/2 a NEAR/1 b", "ATLEAST/2 (a NEAR/1 b)"),
        ("lead:ATLEAST/2 a", "lead:(ATLEAST/2 a)"),
        ("a EXCEPT b EXCEPT c", "a EXCEPT b EXCEPT c"),
        ("lang:(fr OR de) a", "lang:(fr OR de) AND a"),
        ('source:"Lark Daily" a', 'source:"Lark Daily" AND a'),
    ],
)
def test_what_binds_tighter_comes_first(query: str, read_as: str) -> None:
    assert str(parse(query)) == read_as


names = st.sampled_from(["a", "b", "openai*", '"two words"', "{MS}"])
queries = st.recursive(
    names,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(names, st.sampled_from(["NEAR/3", "ONEAR/2", "EXCEPT"]), names).map(
            lambda t: f"{t[0]} {t[1]} {t[2]}"
        ),
        inner.map(lambda one: f"NOT ({one})"),
        inner.map(lambda one: f"title:({one})"),
    ),
    max_leaves=6,
)


@given(queries)
def test_a_query_written_out_reads_the_same_again(query: str) -> None:
    written = str(parse(query))
    assert str(parse(written)) == written


def refusal(query: str) -> QueryError | None:
    try:
        parse(query, {"a": ["b"]})
    except QueryError as error:
        return error
    return None


@given(st.text(alphabet='ab ()"{}@:/*-ANDORNTE1~\n', max_size=30))
def test_a_query_is_read_or_refused_and_nothing_else(query: str) -> None:
    mistake = refusal(query)
    if mistake is not None:
        assert 0 <= mistake.position <= len(query)
        assert "^" in str(mistake)


@pytest.mark.parametrize(
    ("query", "position", "nearest"),
    [
        ("a NAER/3 b", 2, "NEAR/n"),
        ("a ATLEST/3 b", 2, "ATLEAST/n"),
        ("a AND titel:b", 6, "title:"),
        ("a AND @opena", 6, "@openai"),
        ("kind:pres", 5, "press"),
    ],
)
def test_an_error_knows_the_place_and_what_was_meant(query: str, position: int, nearest: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(query, {"openai": ["OpenAI"]})
    assert refused.value.position == position
    assert refused.value.nearest == nearest


def test_the_caret_stands_under_the_mistake_in_a_query_of_several_lines() -> None:
    with pytest.raises(QueryError) as refused:
        parse("a AND\n  b NEAR/x c")
    line, caret = str(refused.value).splitlines()[1:]
    assert line.strip() == "b NEAR/x c"
    assert line[caret.index("^")] == "x"


def test_every_operator_of_the_registry_can_be_written() -> None:
    for word, operator in OPERATORS.items():
        query = {"NOT": "NOT a", "ATLEAST": "ATLEAST/2 a"}.get(word, f"a {word} b")
        assert type(parse(query).root) is operator


def test_a_thousand_parentheses_are_a_mistake_and_not_a_crash() -> None:
    with pytest.raises(QueryError, match="too deep"):
        parse("(" * 1000 + "a" + ")" * 1000)


def test_a_thousand_nots_are_no_crash_either() -> None:
    with pytest.raises(QueryError, match="too deep"):
        parse("NOT " * 2000 + "a")


def test_a_thousand_nears_are_no_crash_either() -> None:
    with pytest.raises(QueryError, match="too deep"):
        parse(" NEAR/2 ".join("abcd" * 400))


def test_a_named_query_that_needs_itself_is_refused() -> None:
    with pytest.raises(QueryError, match="defined by itself"):
        parse("@one", {"one": "@two AND a", "two": "@one OR b"})


def test_a_mistake_in_a_named_query_says_in_which() -> None:
    with pytest.raises(QueryError, match="@one"):
        parse("@one", {"one": "a NEAR/x b"})


def test_a_member_without_a_word_is_refused() -> None:
    with pytest.raises(QueryError, match="no word in '…'"):
        parse("@one", {"one": ["a", "…"]})


def test_members_by_language_are_one_set() -> None:
    sets = Sets({"openai": {"latin": ["OpenAI"], "ko": ["오픈AI"]}})
    assert [term.source for term in parse("@openai", sets).root.terms()] == ["OpenAI", "오픈AI"]


def test_a_set_is_read_once_and_shared() -> None:
    sets = Sets({"openai": ["OpenAI"]})
    assert parse("@openai", sets).root is parse("@openai", sets).root
