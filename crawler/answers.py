"""Answer: what a server said at the end of all redirects, before anybody judged it.

Lives here: the values. Not here: how they are downloaded (`download`), what they mean (`revalidation`,
`robots`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

PERMANENT = frozenset({301, 308})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect on the way."""

    status: int
    to: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, its body unpacked."""

    url: str  # where it came from, after redirects
    status: int
    headers: Mapping[str, str]  # looked up by any spelling
    body: bytes
    hops: tuple[Hop, ...] = ()
    elapsed: timedelta = timedelta(0)

    @property
    def content_type(self) -> str | None:
        return self.headers.get("Content-Type")
