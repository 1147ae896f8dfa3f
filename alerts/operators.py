"""Operators: the words of the query language; each finds its evidence.

Lives here: the nodes a query consists of, what each means, and the registry of those that are written as
words in capitals. Not here: how a query is read (`query`), how the terms of all watches are found at once
(`matching`).

A node answers `find(reading, scope)` with the occurrences that make it true, or with None where it does not
hold. An empty list means: it holds, and there is nothing to show for it (NOT, `lang:fr`).
"""

import copy
import re
import sys
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import accumulate, islice
from typing import ClassVar, Literal, NamedTuple
from urllib.parse import unquote

import re2

from alerts.text import APOSTROPHES, JOINS, KIND, Script, Text, fold, joined, script, words_of
from crawler.articles import Article
from crawler.urls import absolute, host

TITLE, BODY = 0, 1  # the fields in which words are looked for
LEAD = 2  # a piece of the body: its first words
FIELD_NAMES = ("title", "body")
Scope = str  # "all", "title", "lead", "body"
_PIECES = {"all": (TITLE, BODY), "title": (TITLE,), "lead": (TITLE, LEAD), "body": (BODY,)}


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
_MOST_PLACES = 1000


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
        other.answers = {(part, scope): [] for scope in _PIECES}
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
        return [] if any(isinstance(node, InField) for node in self.within()) else self._needed

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
        return isinstance(self, Words) or any(child.reads_words() for child in self.children)

    def terms(self) -> "Iterable[Term]":
        for child in self.children:
            yield from child.terms()

    def scope_of_children(self, scope: Scope) -> Scope:
        return scope


# Sets of anchors of each of which one must be seen; an empty list: may hold without any word.
Needs = list[frozenset[str]]


# ---- terms

# Gap inside a phrase: an optional possessive, then anything that is no word, but no end of a paragraph.
_GAP = re.compile(rf"(?:[{APOSTROPHES}]s)?(?:(?!\n\s*\n)(?:[^\w]|_))+")
_GAP_LIMIT = 12  # characters; more is not one phrase any more
_PARTICLES = re.compile(
    "(?:은|는|이|가|을|를|과|와|의|에|에서|에게|께|도|만|로|으로|부터|까지|보다|처럼|같은|측|사|한테|이나|나|랑|이랑|라는"
    "|이라는|라고|이라고|이며|며|인|였|이다|및|간|발|판|식|형|표|주|들|로서|으로서|께서|마저|조차|라며|이라며|엔|에선|에겐|든|하고)"
    "{1,4}(?![가-힣])"
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a term."""

    text: str  # folded
    prefix: bool = False
    first: int = field(init=False, compare=False)  # the classes of its first and its last character
    last: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", KIND[self.text[0]])
        object.__setattr__(self, "last", KIND[self.text[-1]])


class Words(Node):
    """What is found in the text itself: a term, or any of a set of them."""

    has_places = True

    def find(self, reading: Reading, scope: Scope) -> Found | None:
        pieces = _PIECES[scope]
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


class Term(Words):
    """A word, a prefix, a phrase, or any of them in exact case."""

    def __init__(self, words: Sequence[Word], part: str, source: str, exact: str | None = None) -> None:
        self.words = tuple(words)
        self.part = part  # what its evidence is called
        self.source = source  # as it was written
        self.exact = exact  # the spelling demanded; None: case does not matter
        # A place of any of these may be the place of the term.
        self._looks = {
            word.text: (word, self.words[:at][::-1], self.words[at + 1 :])
            for at, word in enumerate(self.words)
            if not _everywhere(word.text) or word == max(self.words, key=lambda one: len(one.text))
        }
        self.anchor = max(self._looks, key=lambda one: (len(one), one))
        # A lone letter (the Spanish y) stands everywhere: looked for where somebody asks, not beforehand.
        lone = len(self.anchor) == 1 and script(self.anchor) < Script.THAI
        self.anchors = frozenset() if lone else frozenset(self._looks)  # all of them must have been seen

    def terms(self) -> "Iterable[Term]":
        yield self

    def needs(self) -> Needs:
        return [frozenset({anchor}) for anchor in sorted(self.anchors, key=lambda one: one != self.anchor)]

    def look_up(self, reading: Reading, piece: int) -> Found:
        found = [place for form in reading.forms(piece) for place in self.found_in(form)]
        return found if len(found) < 2 else sorted(found)

    def found_in(self, form: Form) -> Found:
        """Its places in one form of a piece."""
        anchor, starts = self._rarest(form)
        if not starts:
            return []
        field, folded, part, look_alike = form.field, form.folded, self.part, form.look_alike
        found = []
        word, before, after = self._looks[anchor]
        for start in starts:
            end = word_end(folded, start, word)
            if end is None:
                continue
            stretch = _stretch(folded, start, end, before, after) if before or after else (start, end)
            if stretch is not None:
                found.append(Occurrence(field, stretch[0], stretch[1], part, look_alike))
        if self.exact is not None:
            found = [one for one in found if _spelled(form.text, one.start, one.end) == self.exact]
        return [one for one in found if form.differs(one.start, one.end)] if look_alike else found

    def _rarest(self, form: Form) -> tuple[str, Sequence[int]]:
        """The anchor seen least often, and where; nowhere if another was not seen at all."""
        if len(self.anchors) == 1:
            return self.anchor, form.hits.get(self.anchor, ())
        if not self.anchors:
            lone = [match.start() for match in _lone(self.anchor).finditer(form.folded)]
            return self.anchor, lone if form.end is None else lone[: bisect_left(lone, form.end)]
        if not self.anchors <= form.seen:
            return self.anchor, ()
        return min(((anchor, form.hits[anchor]) for anchor in self.anchors), key=_how_often)

    def anchored(self) -> Iterable[Word]:
        """The words that its anchors are."""
        return (self._looks[anchor][0] for anchor in self.anchors)

    def __str__(self) -> str:
        return self.source


def _everywhere(word: str) -> bool:
    """Whether a word is seen in every text: of two letters, of a script in which words are long."""
    return len(word) <= 2 and script(word[0]) < Script.HANGUL and script(word[-1]) != Script.DIGIT


@cache
def _lone(letter: str) -> re.Pattern[str]:
    """A letter that at least the most frequent letters of its script do not make part of a longer word."""
    row = {Script.LATIN: "a-z", Script.CYRILLIC: "а-я"}.get(script(letter), letter)
    return re.compile(f"{re.escape(letter)}(?![{row}])(?<![{row}].)")


def _how_often(seen: tuple[str, Sequence[int]]) -> int:
    return len(seen[1])


def _stretch(
    folded: str, start: int, end: int, before: Sequence[Word], after: Sequence[Word]
) -> tuple[int, int] | None:
    """The whole phrase around one of its words."""
    for word in after:
        gap = _GAP.match(folded, end, end + _GAP_LIMIT)
        at = gap.end() if gap else end
        behind = word_end(folded, at, word) if folded.startswith(word.text, at) else None
        if behind is None:
            return None
        end = behind
    for word in before:
        ahead = _backwards(folded, start, word)
        if ahead is None:
            return None
        start = ahead
    return start, end


def word_end(folded: str, start: int, word: Word) -> int | None:
    """Where a word that begins here ends; None if its boundaries are wrong. A prefix takes the whole word."""
    if start and JOINS[folded[start - 1]] & word.first:
        return None
    end = start + len(word.text)
    if end == len(folded) or not JOINS[folded[end]] & word.last:
        return end
    if word.prefix:
        while end < len(folded) and joined(folded[end - 1], folded[end]):
            end += 1
        return end
    if folded[end - 1] >= "\u1100" and script(folded[end - 1]) is Script.HANGUL:
        particles = _PARTICLES.match(folded, end)
        if particles and (
            particles.end() == len(folded) or not joined(folded[particles.end() - 1], folded[particles.end()])
        ):
            return end
    return None


def _backwards(folded: str, start: int, word: Word) -> int | None:
    """Where the word before this place begins, if it is this one."""
    window = folded[max(0, start - _GAP_LIMIT - 2 - len(word.text) - (30 if word.prefix else 0)) : start]
    offset = start - len(window)
    at = window.rfind(word.text)
    while at >= 0:
        end = word_end(folded, offset + at, word)
        if end is not None and end <= start:
            gap = _GAP.match(folded, end, start)
            return offset + at if end == start or (gap and gap.end() == start) else None
        at = window.rfind(word.text, 0, at)
    return None


def _spelled(text: Text, start: int, end: int) -> str:
    """How a stretch is spelled in the original, without invisible characters, words one space apart."""
    first, last = text.span(start, end)
    visible = "".join(c for c in text.raw[first:last] if unicodedata.category(c) != "Cf")
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", visible)))


_WILDCARD = re.compile(r"[*?](?=\w)|\w\?\*")


def term(written: str, part: str | None = None) -> Term:
    """A term as people write it: OpenAI, openai*, {MSFT}, "Open AI", the members of sets included.

    Raises ValueError where there is no word in it, or a wildcard inside one.
    """
    if _WILDCARD.search(written):
        raise ValueError(f"{written!r} has a wildcard; there is none but a star at the end of a word")
    exact = written.startswith("{") and written.endswith("}")
    if exact and "*" in written:
        raise ValueError(f"{written!r} asks for one spelling; a star has no place in it")
    inner = written[1:-1] if exact else written.strip('"')
    words: list[Word] = []
    for piece in inner.split():
        folded = words_of(piece)
        words.extend(Word(word) for word in folded)
        if piece.endswith("*") and folded:
            words[-1] = Word(words[-1].text, prefix=True)
    if not words:
        raise ValueError(f"there is no word in {written!r}")
    spelling = " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", inner))) if exact else None
    return Term(words, part or written.strip('"'), written, spelling)


class AnyTerm(Words):
    """A term set: any of its members; counts as one part of the evidence."""

    def __init__(self, name: str, members: Sequence[Term]) -> None:
        self.name = name
        self.members = tuple(_without_implied(members))
        self._lone = [member for member in self.members if not member.anchors]
        self._by_anchor = _by_anchor(self.members)
        self._anchors = frozenset(self._by_anchor)

    def terms(self) -> Iterable[Term]:
        return self.members

    def needs(self) -> Needs:
        return [] if self._lone else [self._anchors]

    def look_up(self, reading: Reading, piece: int) -> Found:
        found: Found = []
        for form in reading.forms(piece):
            for anchor in self._anchors & form.seen:
                for member in self._by_anchor[anchor]:
                    found += member.found_in(form)
            for member in self._lone:
                found += member.found_in(form)
        return _longest(found)

    def __str__(self) -> str:
        return f"@{self.name}"


def _without_implied(members: Sequence[Term]) -> Iterable[Term]:
    """Members of one word that no prefix among the others finds as well: contract beside contract*."""
    alone = {member: member.words[0] for member in members if len(member.words) == 1 and not member.exact}
    prefixes = {word.text for word in alone.values() if word.prefix and script(word.text[-1]) < Script.HANGUL}
    for member in members:
        word = alone.get(member)
        shorter = range(1, len(word.text) + (not word.prefix)) if word else ()
        if word is None or not any(word.text[:length] in prefixes for length in shorter):
            yield member


def _by_anchor(members: Sequence[Term]) -> dict[str, list[Term]]:
    """Members by the one of their anchors that the fewest others have: in "Azure OpenAI" it is not OpenAI."""
    shared = Counter(anchor for member in members for anchor in member.anchors)
    buckets: dict[str, list[Term]] = {}
    for member in members:
        if member.anchors:
            member.anchor = min(member.anchors, key=lambda one: (shared[one], -len(one), one))
            buckets.setdefault(member.anchor, []).append(member)
    return buckets


def _longest(found: Found) -> Found:
    """In order; of occurrences that lie in each other only the longest."""
    if len(found) < 2:
        return found
    found.sort()
    kept = found[:1]
    for one in found:
        last = kept[-1]
        if one.end <= last.end:
            continue
        if one.start == last.start:
            kept.pop()
        kept.append(one)
    return kept


def _in_order(one: Occurrence) -> tuple[int, int, int]:
    return one.field, one.start, -one.end


class Named(Node):
    """A query with a name, used like a set."""

    def __init__(self, name: str, inner: Node) -> None:
        self.name = name
        self.children = (inner,)

    def needs(self) -> Needs:
        return self.children[0].needs()

    def find(self, reading: Reading, scope: Scope) -> Found | None:
        return self.children[0].find(reading, scope)

    def __str__(self) -> str:
        return f"@{self.name}"


# ---- regular expressions

LONGEST_REGEX = 500  # characters
_REGEX_MEMORY = (
    1 << 20
)  # bytes RE2 may take for one expression; if it needs more it becomes slower, not wrong
_ANYTHING = ("", "aZ 09.\n微б")  # whoever finds nothing at all in these finds it in every article


class Regex(Words):
    """A regular expression in RE2's syntax, in linear time; read over the text with its capitals."""

    def __init__(self, pattern: str, *, any_case: bool = False) -> None:
        self.pattern = pattern
        self.any_case = any_case
        self._compiled = _compiled(pattern, any_case)

    def needs(self) -> Needs:
        return []

    def look_up(self, reading: Reading, piece: int) -> Found:
        field = BODY if piece == LEAD else piece
        text = reading.texts[field]
        limit = text.lead_end if piece == LEAD else len(text.folded)
        found = []
        for match in islice(self._compiled.finditer(text.cased), _MOST_PLACES):
            start, end = text.folded_span(*match.span())
            if start >= limit:
                break
            if start < end:
                found.append(Occurrence(field, start, end, str(self)))
        return found

    def __str__(self) -> str:
        return f"/{self.pattern}/{'i' if self.any_case else ''}"


def _compiled(pattern: str, any_case: bool) -> "re2._Regexp":
    """The expression, compiled; ValueError if RE2 refuses it or if it finds the empty string."""
    if len(pattern) > LONGEST_REGEX:
        raise ValueError(f"it has {len(pattern)} characters; {LONGEST_REGEX} are allowed")
    options = re2.Options()
    options.case_sensitive = not any_case
    options.max_mem = _REGEX_MEMORY
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0]
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None
    if any(match.start() == match.end() for text in _ANYTHING for match in compiled.finditer(text)):
        raise ValueError("it finds the empty string, and so every article")
    return compiled


# ---- operators


class And(Node):
    """All of them hold, wherever in the scope."""

    word: ClassVar[str] = "AND"
    binds: ClassVar[int] = 2

    def __init__(self, *children: Node) -> None:
        self.children = children

    def needs(self) -> Needs:
        return [group for child in self.children for group in child.needs()]

    def evaluate(self, reading: Reading, scope: Scope) -> Found | None:
        found: Found = []
        for child in self.children:
            answer = child.find(reading, scope)
            if answer is None:
                return None
            found = found + answer if found else answer
        return _once(found)

    def __str__(self) -> str:
        return " AND ".join(_bracketed(child, self.binds + 1) for child in self.children)


class Or(Node):
    """At least one holds; the evidence of every one that does."""

    word: ClassVar[str] = "OR"
    binds: ClassVar[int] = 1

    def __init__(self, *children: Node) -> None:
        self.children = children

    @property
    def has_places(self) -> bool:
        return all(child.has_places for child in self.children)

    def needs(self) -> Needs:
        """One group of each child: whichever child holds, one of them was seen.

        Nothing where a child needs nothing.
        """
        groups = [child.needs() for child in self.children]
        if not all(groups):
            return []
        widest = max(len(each) for each in groups)
        return [frozenset().union(*(each[min(at, len(each) - 1)] for each in groups)) for at in range(widest)]

    def evaluate(self, reading: Reading, scope: Scope) -> Found | None:
        found: Found = []
        holds = False
        for child in self.children:
            answer = child.find(reading, scope)
            if answer is not None:
                holds = True
                found = found + answer if found else answer
        return _once(found) if holds else None

    def __str__(self) -> str:
        return " OR ".join(_bracketed(child, self.binds + 1) for child in self.children)


class Not(Node):
    """Holds where the other does not; shows nothing."""

    word: ClassVar[str] = "NOT"
    binds: ClassVar[int] = 3
    has_places = False

    def __init__(self, child: Node) -> None:
        self.children = (child,)

    def needs(self) -> Needs:
        return []

    def evaluate(self, reading: Reading, scope: Scope) -> Found | None:
        return [] if self.children[0].find(reading, scope) is None else None

    def places(self, reading: Reading, piece: int) -> Found:
        return []

    def struck(self, reading: Reading, scope: Scope) -> Found:
        return self.children[0].find(reading, scope) or []

    def __str__(self) -> str:
        return f"NOT {_bracketed(self.children[0], self.binds)}"


Distance = int | Literal["s"]  # words that may lie between; s: in one sentence


class Near(Node):
    """Both, in one sentence, or with at most so many words between; a paragraph's end counts as ten."""

    word: ClassVar[str] = "NEAR"
    binds: ClassVar[int] = 5
    ordered: ClassVar[bool] = False
    default: ClassVar[int] = 10

    def __init__(self, left: Node, right: Node, distance: Distance) -> None:
        self.children = (left, right)
        self.distance = distance

    @property
    def has_places(self) -> bool:
        return all(child.has_places for child in self.children)

    def needs(self) -> Needs:
        return [group for child in self.children for group in child.needs()]

    def evaluate(self, reading: Reading, scope: Scope) -> Found | None:
        left = self.children[0].find(reading, scope)
        right = self.children[1].find(reading, scope) if left else None
        if not left or not right:
            return None
        pairs = self._pairs(reading, left, right)
        if not self.ordered:
            pairs += self._pairs(reading, right, left)
        return _distinct(pairs) or None

    def _pairs(self, reading: Reading, first: Found, second: Found) -> Found:
        """Stretches from one of the first to one of the second behind it."""
        second = sorted(second, key=_in_order)  # what lies further back is further away
        starts = [(one.field, one.start) for one in second]
        pairs: Found = []
        for one in first:
            text = reading.texts[one.field]
            for at in range(bisect_left(starts, (one.field, one.end)), len(second)):
                other = second[at]
                if other.field != one.field or not self._close(text, one.end, other.start):
                    break
                pairs.append(
                    Occurrence(one.field, one.start, other.end, "", parts=(*atoms(one), *atoms(other)))
                )
                if len(pairs) == _MOST_PLACES:
                    return pairs
        return pairs

    def _close(self, text: Text, end: int, start: int) -> bool:
        if self.distance == "s":
            return text.in_one_sentence(end, start)
        return text.words_between(end, start) <= self.distance

    def __str__(self) -> str:
        left, right = self.children
        near = f"{self.word}/{self.distance}"
        return f"{_bracketed(left, self.binds)} {near} {_bracketed(right, self.binds + 1)}"


class OrderedNear(Near):
    """The same, the left one first."""

    word = "ONEAR"
    ordered = True


class Except(Node):
    """The occurrences of the left side that lie in no occurrence of the right side."""

    word: ClassVar[str] = "EXCEPT"
    binds: ClassVar[int] = 6

    def __init__(self, left: Node, right: Node) -> None:
        self.children = (left, right)

    @property
    def has_places(self) -> bool:
        return self.children[0].has_places

    def needs(self) -> Needs:
        return self.children[0].needs()

    def evaluate(self, reading: Reading, scope: Scope) -> Found | None:
        left, right = self.children
        found = left.find(reading, scope)
        struck = right.find(reading, scope) if found else None
        return _rest(left, reading, scope, struck) if struck else found or None

    def struck(self, reading: Reading, scope: Scope) -> Found:
        left, right = (child.find(reading, scope) or [] for child in self.children)
        kept = set(_outside(left, right))
        return [one for one in left if one not in kept]

    def places(self, reading: Reading, piece: int) -> Found:
        return self.children[0].places(reading, piece)

    def __str__(self) -> str:
        left, right = self.children
        return f"{_bracketed(left, self.binds)} EXCEPT {_bracketed(right, self.binds + 1)}"


def _rest(node: Node, reading: Reading, scope: Scope, struck: Found) -> Found | None:
    """What is left of a part without what lies in these places; of AND, something of each of its sides."""
    found = node.find(reading, scope)
    if not isinstance(node, (And, Or, Named)):
        return _outside(found or [], struck) or None
    sides = [_rest(child, reading, scope, struck) for child in node.children if child.has_places]
    if found is None or not (all if isinstance(node, And) else any)(sides):
        return None
    return _distinct([one for side in sides for one in side or []])


class AtLeast(Node):
    """At least so many occurrences."""

    word: ClassVar[str] = "ATLEAST"
    binds: ClassVar[int] = 4

    def __init__(self, child: Node, number: int) -> None:
        self.children = (child,)
        self.number = number

    def needs(self) -> Needs:
        return self.children[0].needs()

    def evaluate(self, reading: Reading, scope: Scope) -> Found | None:
        found = self.children[0].find(reading, scope)
        return found if found is not None and len(found) >= self.number else None

    def __str__(self) -> str:
        return f"ATLEAST/{self.number} {_bracketed(self.children[0], _ALWAYS)}"


class InField(Node):
    """Looked for only in the title, the lead or the body."""

    binds: ClassVar[int] = 4

    def __init__(self, field: Scope, child: Node) -> None:
        self.field = field
        self.children = (child,)

    def needs(self) -> Needs:
        return self.children[0].needs()

    def scope_of_children(self, scope: Scope) -> Scope:
        return self.field

    def find(self, reading: Reading, scope: Scope) -> Found | None:
        return self.children[0].find(reading, self.field)

    def __str__(self) -> str:
        return f"{self.field}:{_bracketed(self.children[0], _ALWAYS)}"


_ALWAYS = 8  # bracket whatever is an operator, needed or not: a field with an operator behind it is misread


def _bracketed(node: Node, binds: int) -> str:
    inner = getattr(node, "binds", 9)
    return f"({node})" if inner < binds else str(node)


def atoms(one: Occurrence) -> tuple[Occurrence, ...]:
    """The words of which an occurrence consists."""
    return one.parts or (one,)


def _outside(left: Found, right: Found) -> Found:
    """Those of the left that lie in none of the right."""
    ordered = sorted((one.field, one.start, one.end) for one in right)
    reach = list(accumulate(((field, end) for field, _, end in ordered), max))  # how far those up to here go
    kept = []
    for one in left:
        before = bisect_right(ordered, (one.field, one.start, sys.maxsize))
        if not before or reach[before - 1] < (one.field, one.end):
            kept.append(one)
    return kept


def _once(found: Found) -> Found:
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def _distinct(found: Found) -> Found:
    return sorted(dict.fromkeys(found), key=_in_order) if len(found) > 1 else found


# ---- what is known of an article besides its words

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


TEXT_FIELDS: tuple[Scope, ...] = ("title", "lead", "body")
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


Operator = type[And] | type[Or] | type[Not] | type[Near] | type[Except] | type[AtLeast]

# Add an operator: write its class above, one line here, and its rows in docs/watches.md.
OPERATORS: dict[str, Operator] = {
    "OR": Or,
    "AND": And,
    "NOT": Not,
    "ATLEAST": AtLeast,
    "NEAR": Near,
    "ONEAR": OrderedNear,
    "EXCEPT": Except,
}
