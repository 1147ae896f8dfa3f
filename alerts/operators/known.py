"""What is known of an article besides its words: site:, lang:, kind: …

Lives here: the fields there are, and when an article has a value of one.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import unquote

from alerts.operators.combining import OPERATORS
from alerts.operators.nodes import Found, Needs, Node, Reading, Scope
from alerts.text import fold, words_of
from crawler.articles import Article
from crawler.urls import absolute, host

Test = Callable[[Article, str], bool]


@lru_cache(maxsize=1024)
def _host(address: str) -> str:
    return host(absolute(address) or address).removeprefix("www.")


def _on_site(article: Article, value: str) -> bool:
    here, there = _host(article.link or article.url or ""), _host(f"https://{value}/")
    return here == there or here.endswith(f".{there}")


def _at_url(article: Article, value: str) -> bool:
    addresses = [address for address in (article.url, article.link) if address]
    return any(value in fold(form) for address in addresses for form in (address, unquote(address)))


def _of_source(article: Article, value: str) -> bool:
    return value == article.source.casefold() or value in article.source_name.casefold()


def _by_author(article: Article, value: str) -> bool:
    return f" {' '.join(words_of(value))} " in f" {' '.join(words_of(article.author or ''))} "


def _tagged(article: Article, value: str) -> bool:
    return any(fold(tag) == value for tag in article.tags)


def _in_language(article: Article, value: str) -> bool:
    language, value = (article.language or "").casefold().replace("_", "-"), value.replace("_", "-")
    return language == value or language.startswith(f"{value}-")


def _of_kind(article: Article, value: str) -> bool:
    return article.publisher == value


def _compared(number: int, comparison: str) -> bool:
    operator, limit = re.fullmatch(r"(<=|>=|<|>|=?)(\d+)", comparison).groups()  # type: ignore[union-attr]
    return {
        "<": number < int(limit),
        "<=": number <= int(limit),
        ">": number > int(limit),
        ">=": number >= int(limit),
    }.get(operator, number == int(limit))


def _of_tier(article: Article, value: str) -> bool:
    return _compared(article.tier, value)


def _of_length(article: Article, value: str) -> bool:
    return _compared(len(article.text), value)


FACTS: dict[str, Test] = {
    "url": _at_url,
    "site": _on_site,
    "source": _of_source,
    "author": _by_author,
    "tag": _tagged,
    "lang": _in_language,
    "kind": _of_kind,
    "tier": _of_tier,
    "length": _of_length,
}
NUMBERS = frozenset({"tier", "length"})


class Fact(Node):
    """Something known of the article besides its words: site:, lang:, kind: …"""

    has_places = False

    def __init__(self, field: str, values: Sequence[str]) -> None:
        self.field = field
        self.values = tuple(values)
        self._folded = tuple(fold(value) for value in values)

    def needs(self) -> Needs:
        return []

    def evaluate(self, reading: Reading, scope: Scope) -> Found | None:
        test = FACTS[self.field]
        return [] if any(test(reading.article, value) for value in self._folded) else None

    def __str__(self) -> str:
        values = [
            value if re.fullmatch(r"[^\s()\"]+", value) and value not in OPERATORS else f'"{value}"'
            for value in self.values
        ]
        return f"{self.field}:{values[0]}" if len(values) == 1 else f"{self.field}:({' OR '.join(values)})"
