"""The operators: what combines parts of a query, and the registry of those written as words in capitals.

Not here: words (`terms`, `regex`), what is known besides them (`known`), how a query is read
(`alerts.query`).
"""

import sys
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import ClassVar, Literal

from alerts.operators.nodes import MOST_PLACES, Found, Needs, Node, Occurrence, Reading, Scope, atoms
from alerts.text import Text


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
                if len(pairs) == MOST_PLACES:
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
    looks_elsewhere = True

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


def _in_order(one: Occurrence) -> tuple[int, int, int]:
    return one.field, one.start, -one.end


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
