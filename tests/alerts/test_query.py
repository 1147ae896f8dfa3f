"""Query: reading, precedence, errors with a caret. The rest is in the manual's tables (test_docs_watches)."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from alerts.operators import OPERATORS, Node, terms_of
from alerts.query import QueryError, Sets, parse
from alerts.tokens import LONGEST_QUERY


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
        ("a NEAR/3 (b NEAR/2 c)", "a NEAR/3 (b NEAR/2 c)"),
        ("a AND (b AND c)", "a AND (b AND c)"),
        ("a NEAR/3 title:b NEAR/2 c", "a NEAR/3 (title:(b NEAR/2 c))"),
        ("lang:(fr OR de) a", "lang:(fr OR de) AND a"),
        ('source:"Lark Daily" a', 'source:"Lark Daily" AND a'),
    ],
)
def test_what_binds_tighter_comes_first(query: str, read_as: str) -> None:
    assert str(parse(query)) == read_as


SETS = {"openai": ["OpenAI", "오픈AI"], "deal": "contract NEAR/3 cloud"}

terms = st.sampled_from(
    ["a", "openai*", "24/7", "Ünal", "微软", "{MS}", '"two words"', '"a OR b"', "“curved”"]
)
others = st.sampled_from(
    ["@openai", "@deal", "/GPT-\\d+/", "/two words|a\\/b/i", '"far apart"~4', "title:/a b/"]
)
operands = terms | others | st.sampled_from(["title:a", "lead:(a OR b)", "(a)"])
facts = st.sampled_from(
    [
        "lang:fr",
        "kind:(wire OR press)",
        "tier:<=2",
        "length:>9",
        "url:/2026/",
        'source:"The Lark"',
        "site:a.b",
    ]
)
places = st.recursive(  # what has places in the text, as NEAR and EXCEPT want it
    operands,
    lambda inner: st.one_of(
        st.tuples(
            inner,
            st.sampled_from(["NEAR/3", "ONEAR", "NEAR/s", "W/2", "NEAR/0f", "EXCEPT", "OR", "AND"]),
            inner,
        ).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(operands, st.sampled_from(["NEAR/3", "EXCEPT", "AND", ""]), operands).map(" ".join),
        inner.map(lambda one: f"ATLEAST/2 ({one})"),
        inner.map(lambda one: f"body:({one})"),
    ),
    max_leaves=5,
)
queries = st.recursive(
    places | facts,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR", "", "AND NOT"]), inner).map(" ".join),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda one: f"NOT ({one})"),
        inner.map(lambda one: f"-({one})"),
    ),
    max_leaves=6,
)


def tree(node: Node) -> object:
    """All there is to a query, to be compared."""
    own = {name: value for name, value in vars(node).items() if isinstance(value, str | int | bool)}
    return type(node), own, str(node), [tree(child) for child in node.children]


@given(queries)
def test_a_query_written_out_reads_the_same_again(query: str) -> None:
    root = parse(query, SETS).root
    assert tree(parse(str(root), SETS).root) == tree(root)


def refusal(query: str) -> QueryError | None:
    try:
        parse(query, SETS)
    except QueryError as error:
        return error
    return None


# Pieces of which queries and mistakes are made.
pieces = st.one_of(
    st.sampled_from(
        ["a", "微", " ", " ", " ", "\n", "\t", "-", "–", "~5", "*", "?", "!", "^", "/", "\\", "&&"]
    ),
    st.sampled_from([*OPERATORS, "NEAR/", "NEAR/5", "NEAR/s", "near/5", "w/5", "/5", "/a.?b/i", "/(/"]),
    st.sampled_from(["(", ")", '"', "“", "”", "«", "{", "}", "@", ":", "（", "："]),
    st.sampled_from(["@openai", "@opnai", "title", "titel", "lang"]),
    st.sampled_from(["\u200b", "\u00ad", "\x00", "\x1b[31m", "\ud800"]),
)
anything = st.lists(pieces | st.text(max_size=3), max_size=14).map("".join)


@given(anything)
@example("a NEAR/" + "9" * 5000 + " b")
@example('"a b"~' + "9" * 5000)
@example("tier:" + "9" * 5000)
def test_a_query_is_read_or_refused_and_nothing_else(query: str) -> None:
    mistake = refusal(query)
    if mistake is None:
        return
    assert 0 <= mistake.position <= len(query)
    said = str(mistake).splitlines()
    assert said[-1].strip() == "^"
    assert all(line.isprintable() for line in said)
    assert max(map(len, said[-2:])) <= 300


@pytest.mark.parametrize(
    "query",
    ["a " * 50_000, "a OR " * 20_000, "x" * 100_000, '"' + "a " * 50_000, "(" * 100_000, "title:" * 17_000],
)
def test_a_query_of_a_hundred_thousand_characters_is_refused_at_once(query: str) -> None:
    mistake = refusal(query)
    assert mistake
    assert "at most 20,000" in str(mistake)
    assert len(str(mistake)) < 500


def test_the_longest_query_is_read_in_no_time() -> None:
    began = time.perf_counter()
    parse("ab " * (LONGEST_QUERY // 3))
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("query", "under"),
    [
        ("微软 NAER/5 OpenAI", "NAER/5"),
        ("e\u0301 NAER/5 OpenAI", "NAER/5"),
        ("a\tNAER/5 b", "NAER/5"),
        ("a \x1b\x07 b", " "),
        (f"{'abc ' * 500}NAER/5 b", "NAER/5"),
    ],
)
def test_the_caret_stands_under_the_mistake_in_a_terminal(query: str, under: str) -> None:
    mistake = refusal(query)
    assert mistake
    line, caret = str(mistake).splitlines()[1:]
    columns = "".join(character * cell_len(character) for character in line)  # a wide character fills two
    assert columns[caret.index("^") :].startswith(under)


@pytest.mark.parametrize(
    ("query", "position", "nearest"),
    [
        ("a NAER/3 b", 2, "NEAR/n"),
        ("a ATLEST/3 b", 2, "ATLEAST/n"),
        ("a AND titel:b", 6, "title:"),
        ("a AND título:b", 6, "title:"),
        ("a near/5f b", 2, "NEAR/5f"),
        ("a AtLeast/2 b", 2, "ATLEAST/2"),
        ("a NEAR5 b", 2, "NEAR/5"),
        ("a NEAR:5 b", 2, "NEAR/n"),
        ("a /5 b", 2, "NEAR/5"),
        ("a ANDNOT b", 2, "AND NOT"),
        ("a | b", 2, "OR"),
        ("a !b", 2, "NOT b"),
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
    assert [term.source for term in terms_of(parse("@openai", sets).root)] == ["OpenAI", "오픈AI"]


def test_a_set_is_read_once_and_shared() -> None:
    sets = Sets({"openai": ["OpenAI"]})
    assert parse("@openai", sets).root is parse("@openai", sets).root
