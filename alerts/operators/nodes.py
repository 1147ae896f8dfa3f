"""Node: a part of a query; Reading: an article while the parts of queries look for their evidence in it.

Lives here: what every part is asked, and what an answer consists of. Not here: the parts themselves.

A node answers `find(reading, scope)` with the occurrences that make it true, or with None where it does not
hold. An empty list means: it holds, and there is nothing to show for it (NOT, `lang:fr`).
"""

import copy
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from alerts.text import Text
from crawler.articles import Article

TITLE, BODY = 0, 1  # the fields in which words are looked for
LEAD = 2  # a piece of the body: its first words
FIELD_NAMES = ("title", "body")
Scope = str  # "all", or one of these
TEXT_FIELDS: tuple[Scope, ...] = ("title", "lead", "body")
PIECES = {"all": (TITLE, BODY), "title": (TITLE,), "lead": (TITLE, LEAD), "body": (BODY,)}


class Occurrence(NamedTuple):
    """A stretch of the folded text of one field in which a part of the query was found."""

    field: int
    start: int
    end: int
    part: str  # the set or the term it belongs to
    look_alike: bool = False
    parts: tuple["Occurrence", ...] = ()  # what a stretch found by NEAR consists of


Found = list[Occurrence]
# Of one NEAR or regular expression in a field; a page with more was made to be slow to read.
MOST_PLACES = 1000


Hits = Mapping[str, list[int]]  # anchor → where it begins, whatever stands around it


class Form:
    """A piece of an article, as it is or with its look-alikes replaced, and where anchors were seen in it."""

    __slots__ = ("end", "field", "folded", "hits", "look_alike", "seen", "text")

    def __init__(self, field: int, text: Text, folded: str, hits: Hits, end: int | None = None) -> None:
        self.field = field
        self.text = text
        self.folded = folded
        self.look_alike = folded is not text.folded
        self.hits = hits
        self.seen = frozenset(hits)
        self.end = end  # of the piece in the text; None: that of the text

    def differs(self, start: int, end: int) -> bool:
        """Whether something was only found here because look-alikes were replaced."""
        return self.folded[start:end] != self.text.folded[start:end]


class Reading:
    """One article while it is being read: its fields, and what has been found in them so far."""

    def __init__(self, article: Article, texts: tuple[Text, Text], search: Callable[[str], Hits]) -> None:
        self.article = article
        self.texts = texts
        self._forms = [_forms(field, text, search) for field, text in enumerate(texts)]
        title, body = map(_seen, self._forms)
        self.seen = {"title": title, "body": body, "all": title | body}  # by scope; the lead when asked for
        self.answers: dict[tuple[Node, Scope], Found | None] = {}  # of what could hold
        self.places: dict[tuple[Node, int], Found] = {}  # of terms and sets, by piece

    def forms(self, piece: int) -> list[Form]:
        """A piece in its one form, or in both."""
        if piece == LEAD == len(self._forms):
            self._forms.append([_lead(form) for form in self._forms[BODY]])
        return self._forms[piece]

    def seen_in(self, scope: Scope) -> frozenset[str]:
        """The anchors seen in a scope."""
        if scope not in self.seen:
            self.seen["lead"] = self.seen["title"] | _seen(self.forms(LEAD))
        return self.seen[scope]

    def supposing(self, part: "Node") -> "Reading":
        """The same article, read as if this part held with nothing to show."""
        other = copy.copy(self)  # what was found where is the same; what follows from it is asked anew
        other.answers = {(part, scope): [] for scope in PIECES}
        return other


def _forms(field: int, text: Text, search: Callable[[str], Hits]) -> list[Form]:
    forms = [Form(field, text, text.folded, search(text.folded))]
    if text.unmasked is not None:
        forms.append(Form(field, text, text.unmasked, search(text.unmasked)))
    return forms


def _seen(forms: Sequence[Form]) -> frozenset[str]:
    return forms[0].seen if len(forms) == 1 else forms[0].seen | forms[1].seen


def _lead(body: Form) -> Form:
    """The beginning of a body: what begins in it."""
    end = body.text.lead_end
    hits = {a: starts[: bisect_left(starts, end)] for a, starts in body.hits.items() if starts[0] < end}
    return Form(body.field, body.text, body.folded, hits, end)


class Node:
    """A part of a query. Nodes are shared between rules, so they hold nothing that changes."""

    children: tuple["Node", ...] = ()
    looks_elsewhere = False  # than in the scope it is asked for

    def find(self, reading: Reading, scope: Scope) -> Found | None:
        """The occurrences that make this part true, or None; asked once per article and scope."""
        answers = reading.answers
        key = (self, scope)
        if key in answers:
            return answers[key]
        seen = reading.seen.get(scope) or reading.seen_in(scope)
        for group in self._needed if scope == "all" else self._needed_in_scope:
            if group.isdisjoint(seen):
                return None
        found = answers[key] = self.evaluate(reading, scope)
        return found

    @cached_property
    def _needed(self) -> "Needs":
        return sorted(self.needs(), key=len)  # of few words hardly any is seen

    @cached_property
    def _needed_in_scope(self) -> "Needs":
        """What is needed in a scope: nothing if a field is named inside, which looks elsewhere."""
        return [] if any(node.looks_elsewhere for node in self.within()) else self._needed

    def within(self) -> "Iterable[Node]":
        """All parts below it."""
        for child in self.children:
            yield child
            yield from child.within()

    def places(self, reading: Reading, piece: int) -> Found:
        """Where its words stand in a piece, whether it holds or not; none of those that must be absent."""
        return [one for child in self.children for one in child.places(reading, piece)]

    def struck(self, reading: Reading, scope: Scope) -> Found:
        """What an exclusion found and holds against the article; nothing of every other part."""
        return []

    def evaluate(self, reading: Reading, scope: Scope) -> Found | None:
        raise NotImplementedError

    def needs(self) -> "Needs":
        """What must be seen in an article before this part can hold."""
        raise NotImplementedError

    @property
    def has_places(self) -> bool:
        """Whether it can have occurrences at all: NEAR has to measure from somewhere."""
        return any(child.has_places for child in self.children)

    def reads_words(self) -> bool:
        """Whether it looks at the text at all."""
        return any(child.reads_words() for child in self.children)

    def scope_of_children(self, scope: Scope) -> Scope:
        return scope


# Sets of anchors of each of which one must be seen; an empty list: may hold without any word.
Needs = list[frozenset[str]]


class Words(Node):
    """What is found in the text itself: a term, or any of a set of them."""

    has_places = True

    def reads_words(self) -> bool:
        return True

    def find(self, reading: Reading, scope: Scope) -> Found | None:
        pieces = PIECES[scope]
        found = self.places(reading, pieces[0])
        if len(pieces) > 1:
            found = found + self.places(reading, pieces[1])
        return found or None

    def places(self, reading: Reading, piece: int) -> Found:
        key = (self, piece)
        found = reading.places.get(key)
        if found is None:
            found = reading.places[key] = self.look_up(reading, piece)
        return found

    def look_up(self, reading: Reading, piece: int) -> Found:
        """The places in a piece of the article, in order; asked once per article and piece."""
        raise NotImplementedError


def atoms(one: Occurrence) -> tuple[Occurrence, ...]:
    """The words of which an occurrence consists."""
    return one.parts or (one,)
