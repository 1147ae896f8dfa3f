"""Route: which of its channels a rule tells of an article.

Lives here: what an entry of `channels:` says, of a watch or of a rule, and where an article goes by it. Pure.
Not here: what a channel is (`channels`), whether there is anything to tell (`alerting`).
"""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Discriminator, Field, Tag

from config.reading import Keys
from crawler.articles import Article
from crawler.sources import Publisher

Level = Literal["alert", "digest"]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
T = TypeVar("T")
Some = Annotated[tuple[T, ...], BeforeValidator(lambda given: given if _is_list(given) else [given])]


def _is_list(given: object) -> bool:
    return isinstance(given, list | tuple)


class Route(Keys):
    """A channel on conditions. What a condition leaves out it does not ask."""

    to: str
    level: Some[Level] = ()  # of the rule
    language: Some[Language] = ()
    publisher: Some[Publisher] = ()
    tier: Annotated[int, Field(ge=1, le=3)] | None = None  # at most

    def takes(self, level: str, article: Article) -> bool:
        language = (article.language or "").casefold().partition("-")[0]
        return (
            self.takes_level(level)
            and (not self.language or language in self.language)
            and (not self.publisher or article.publisher in self.publisher)
            and (self.tier is None or article.tier <= self.tier)
        )

    def takes_level(self, level: str) -> bool:
        return not self.level or level in self.level


def _kind(given: object) -> str:
    return "route" if isinstance(given, dict | Route) else "id"


# A channel's id alone is told of everything.
Destination = Annotated[Annotated[str, Tag("id")] | Annotated[Route, Tag("route")], Discriminator(_kind)]


def channel_of(destination: str | Route) -> str:
    return destination if isinstance(destination, str) else destination.to


def recipients(destinations: Iterable[str | Route], level: str, article: Article) -> tuple[str, ...]:
    """The channels that are told of this article by a rule of this level: each once, in order."""
    taking = (one for one in destinations if isinstance(one, str) or one.takes(level, article))
    return tuple(dict.fromkeys(map(channel_of, taking)))


def possible(destinations: Iterable[str | Route], level: str) -> tuple[str, ...]:
    """The channels that may be told by a rule of this level, of whatever article."""
    taking = (one for one in destinations if isinstance(one, str) or one.takes_level(level))
    return tuple(dict.fromkeys(map(channel_of, taking)))
