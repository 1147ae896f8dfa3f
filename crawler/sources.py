"""Source: a place we read, of a kind, at a pace; and the manners we keep while reading.

Lives here: what `sources.yaml` and the `network:` part of `daemon.yaml` say. Not here: when a source is due
(`pacing`), what a fetch of it gave (`archive`), how its bytes are read (`spiders`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, NewType

from pydantic import Field, PrivateAttr, model_validator

from config.reading import Duration, Keys
from crawler.selecting import CssSelector, JmesPath

SourceId = NewType("SourceId", str)

Kind = Literal["feed", "sitemap", "page", "api"]
Publisher = Literal["filing", "regulator", "company", "wire", "press", "blog", "aggregator"]
FetchArticles = Literal["never", "matching", "always"]

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]

# RFC 9110 §5: a token, and visible text; a line end in either would let a file write headers of its own
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=100)]
HeaderValue = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$", max_length=4000)]

DEFAULT_PACE = timedelta(minutes=5)
DEFAULT_TIMEOUT = timedelta(seconds=20)


class PageKeys(Keys):
    """CSS selectors of a listing page without a feed; all but `entries` are asked inside an entry."""

    entries: CssSelector
    title: CssSelector | None = None  # None: its first heading, or its link
    link: CssSelector | None = None  # None: the link in or round its heading, or its first
    summary: CssSelector | None = None
    published: CssSelector | None = None  # None: its `<time>`


class ApiKeys(Keys):
    """JMESPath of a JSON listing, or the name of a ready preset."""

    preset: Literal["hackernews", "gdelt", "reddit", "edgar"] | None = None
    entries: JmesPath | None = None  # None: the document is the list
    id: JmesPath | None = None
    title: JmesPath | None = None
    link: JmesPath | None = None
    summary: JmesPath | None = None
    published: JmesPath | None = None

    @model_validator(mode="after")
    def _says_what_an_entry_is(self) -> "ApiKeys":
        if not (self.preset or self.title or self.link):
            raise ValueError("needs `title:` or `link:`, or a `preset:`")
        return self


class Source(Keys):
    """One section of `sources.yaml`."""

    id: Slug
    name: str = ""
    kind: Kind
    url: str
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] | None = None
    publisher: Publisher = "press"
    tier: Annotated[int, Field(ge=1, le=3)] = 2
    every: Duration | None = None  # None: the `pace`, adapted to what the source asks
    timeout: Duration = DEFAULT_TIMEOUT
    articles: FetchArticles = "matching"
    enabled: bool = True
    tags: tuple[str, ...] = ()
    confidence: str | None = None  # how we know the address works; a note for whoever keeps the pack
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    page: PageKeys | None = None
    api: ApiKeys | None = None
    _pace: timedelta = PrivateAttr(default=DEFAULT_PACE)  # not a key: `every` of the file's defaults

    @property
    def pace(self) -> timedelta:
        """The interval to start from where the source has no `every` of its own."""
        return self._pace

    def at_pace(self, pace: timedelta) -> "Source":
        changed = self.model_copy()
        changed._pace = pace  # noqa: SLF001  # our own kind
        return changed


@dataclass(frozen=True, slots=True)
class SourceState:
    """What we remember of a source between two fetches."""

    source: SourceId
    url: str | None = None  # where a permanent redirect led three times; None: the configured address
    etag: str | None = None  # verbatim, quotes and all
    last_modified: str | None = None  # verbatim
    body_hash: str | None = None
    shown: frozenset[str] = frozenset()  # hashes of the raw entries the last document showed
    misused: frozenset[str] = frozenset()  # kinds of identity this source gives to different entries
    baseline_at: datetime | None = (
        None  # None: never read to the end; what its first reading finds is the baseline
    )
    fetched_at: datetime | None = None
    succeeded_at: datetime | None = None
    full_fetch_at: datetime | None = None  # when it last answered an unconditional request
    failures: int = 0  # in a row
    moved_to: str | None = None  # target of the last permanent redirect
    moved_times: int = 0  # how often in a row
