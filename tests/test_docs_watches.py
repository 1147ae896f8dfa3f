"""The manual of the query language is a test: every row of its tables is run."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from alerts.matching import Matcher
from alerts.query import QueryError, parse
from alerts.watches import Rule, Watch, WatchesFile
from crawler.articles import Article
from crawler.sources import SourceId
from tests.builders import article

PAGE = (Path(__file__).parent.parent / "docs" / "watches.md").read_text(encoding="utf-8")


def rows(*header: str) -> list[tuple[str, ...]]:
    """The rows of all tables with these columns."""
    found, inside = [], False
    for line in PAGE.splitlines():
        cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
        if cells == header:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not set(line) <= set("|- "):
            found.append(cells)
    return found


def code(cell: str) -> str:
    return cell.strip("`")


def settings() -> WatchesFile:
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example
    return WatchesFile.model_validate(YAML(typ="safe").load(example[1]))


SETS = settings().members()


def read(text: str) -> Article:
    """The article of the page's tables."""
    title, parted, body = text.partition(" // ")
    address = "https://news.example.org/2026/07/pact"
    return article(
        title if parted else "", text=body if parted else text, language="fr", url=address, link=address,
        source=SourceId("lark-daily"), source_name="Lark Daily", author="Ada Lark", tags=("cloud",),
    )  # fmt: skip


def found(query: str, text: str) -> str:
    watch = Watch(id="example", rules=(Rule(id="example", query=query),))
    matches = Matcher([watch], SETS).match(read(text))
    if not matches:
        return "—"
    return " · ".join(one.text for one in matches[0].evidence) or "✓"


@pytest.mark.parametrize(("query", "text", "finds"), rows("query", "text", "finds"))
def test_an_example_finds_what_the_manual_says(query: str, text: str, finds: str) -> None:
    assert found(code(query), text) == finds


@pytest.mark.parametrize(("query", "same"), rows("query", "same as"))
def test_another_spelling_means_the_same(query: str, same: str) -> None:
    assert str(parse(code(query), SETS)) == str(parse(code(same), SETS))


@pytest.mark.parametrize(("query", "said"), rows("query", "what is said"))
def test_a_mistake_is_refused_with_the_words_of_the_manual(query: str, said: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(code(query), SETS)
    assert said in str(refused.value)


@pytest.mark.parametrize(("query", "warning"), rows("query", "warning"))
def test_a_query_that_is_hardly_meant_is_warned_of(query: str, warning: str) -> None:
    assert warning in [one.code for one in parse(code(query), SETS).warnings]


def test_the_message_of_the_manual_is_the_message() -> None:
    example = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert example
    with pytest.raises(QueryError) as refused:
        parse("OpenAI NAER/5 Microsoft", SETS)
    assert str(refused.value) == example[1].rstrip("\n")


def test_the_manual_has_examples() -> None:
    assert len(rows("query", "text", "finds")) > 60
    assert settings().watches[0].rules[1].level == "digest"
