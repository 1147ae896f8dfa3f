"""Query: the text of a rule → its parts; errors with a caret under the mistake.

Lives here: the grammar (docs/watches.md is its manual) and the lint that needs nothing but the text. Not
here: how it is spelled (`tokens`), what the operators mean (`operators`), which rules there are (`watches`).

    expr    := a tree of operands and operators; what binds tighter comes first:
               ( )  >  EXCEPT  >  NEAR/n ONEAR/n  >  field: ATLEAST/n  >  NOT  >  AND, adjacency  >  OR
    operand := '(' expr ')' | @set | "phrase" | word | word* | {Word} | /regex/ | /regex/i
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from alerts.operators import (
    FACTS,
    NUMBERS,
    OPERATORS,
    And,
    AnyTerm,
    AtLeast,
    Except,
    Fact,
    InField,
    Named,
    Near,
    Node,
    Not,
    Or,
    OrderedNear,
    Regex,
    Term,
    term,
)
from alerts.text import visible
from alerts.tokens import PLAIN_WORD, SHOWN, Kind, QueryError, Token, closest, meant, quoted, tokens
from crawler.sources import Publisher

Members = (
    Sequence[str] | Mapping[str, Sequence[str]] | str
)  # a flat list, lists by language, or a query with a name

_MAX_DEPTH = 60  # of a query in itself: deeper is an accident, and would end in a RecursionError


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001  it is the word of the manual
    """Something that is allowed and probably not meant."""

    code: str  # L1 … as in docs/watches.md
    message: str
    position: int


@dataclass(frozen=True, slots=True)
class Query:
    """A query that has been read."""

    text: str
    root: Node
    warnings: tuple[Warning, ...] = ()

    def __str__(self) -> str:
        return str(self.root)


class Sets:
    """The term sets and named queries of a file; each is read once and shared by all rules that name it."""

    def __init__(self, members: Mapping[str, Members] | None = None) -> None:
        self.members = dict(members or {})
        self._nodes: dict[str, Node] = {}
        self._open: list[str] = []  # named queries being read: one that needs itself has no end

    def node(self, name: str) -> Node:
        """The node of a set; KeyError if there is none, ValueError if one of its members is no term."""
        if name not in self._nodes:
            self._nodes[name] = self._read(name, self.members[name])
        return self._nodes[name]

    def _read(self, name: str, members: Members) -> Node:
        if name in self._open:
            raise ValueError(f"@{name} is defined by itself: {' → '.join(self._open)} → {name}")
        self._open.append(name)
        try:
            if isinstance(members, str):
                return Named(name, parse(members, self).root)
            listed = (
                members
                if not isinstance(members, Mapping)
                else [m for each in members.values() for m in each]
            )
            return AnyTerm(name, [term(member, f"@{name}") for member in dict.fromkeys(listed)])
        finally:
            self._open.pop()


def parse(text: str, sets: "Sets | Mapping[str, Members] | None" = None) -> Query:
    """Read a query; raises QueryError."""
    known = sets if isinstance(sets, Sets) else Sets(sets)
    parser = _Parser(text, known)
    root = parser.whole()
    return Query(text, root, (*parser.warnings, *_lint(root)))


# ---- tokens → nodes

_OPERAND = "a word, a phrase, a @set or a parenthesis"
_TOO_DEEP = "the query is nested too deep"


def _shortened(node: Node) -> str:
    written = str(node)
    return written if len(written) <= SHOWN else f"{written[: SHOWN - 1]}…"


def _deeper_than(root: Node, limit: int) -> bool:
    level: Iterable[Node] = (root,)
    for _ in range(limit):
        level = {child for node in level for child in node.children}
        if not level:
            return False
    return True


class _Parser:
    def __init__(self, text: str, sets: Sets) -> None:
        self._text = text
        self._sets = sets
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0
        self._bracketed: set[int] = set()  # ids of the nodes that came out of parentheses
        self.warnings: list[Warning] = []

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._token
        self._at += 1
        return token

    def _error(
        self, message: str, token: Token, expected: str | None = None, nearest: str | None = None
    ) -> QueryError:
        return QueryError(message, self._text, token.at, expected, nearest)

    def whole(self) -> Node:
        if self._token.kind is Kind.END:
            raise self._error("the query is empty", self._token, "a word, a phrase or a @set")
        root = self._expression(0)
        if self._token.kind is Kind.CLOSE:
            raise self._error("this parenthesis was never opened", self._token, "an operator or the end")
        if _deeper_than(root, _MAX_DEPTH):
            raise self._error(_TOO_DEEP, self._tokens[0])
        return root

    def _expression(self, binds: int) -> Node:
        """An operand and the operators behind it that bind at least so tightly."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error(_TOO_DEEP, self._token)
        left = self._operators(self._operand(), binds)
        self._depth -= 1
        return left

    def _operators(self, left: Node, binds: int) -> Node:
        chained = 0
        while True:
            token = self._token
            if token.kind in {Kind.END, Kind.CLOSE}:
                return left
            adjacent = token.kind is not Kind.OPERATOR or token.text in {"NOT", "ATLEAST"}
            operator = And if adjacent else OPERATORS[token.text]
            if operator.binds < binds:
                return left
            if adjacent:
                self._warn_if_capitalised(token)
            else:
                self._next()
            chained += operator not in {And, Or}  # those two stay flat
            if chained > _MAX_DEPTH:
                raise self._error(_TOO_DEEP, token)
            left = self._joined(operator, left, token)

    def _joined(self, operator: type[Node], left: Node, token: Token) -> Node:
        binds: int = operator.binds  # type: ignore[attr-defined]
        right = self._expression(binds + 1)
        if operator is And or operator is Or:
            if operator is Or and any(
                isinstance(side, And) and id(side) not in self._bracketed for side in (left, right)
            ):
                self.warnings.append(
                    Warning("L2", "AND and OR are mixed: parentheses would say what is meant", token.at)
                )
            if not isinstance(left, operator) or id(left) in self._bracketed:
                return operator(left, right)
            return operator(*left.children, right)
        for side in (left, right):
            if not side.has_places:
                raise self._error(
                    f"{token.text} needs words on both sides; {_shortened(side)} has no place in the text",
                    token,
                )
        if operator is Except:
            return Except(left, right)
        return operator(left, right, Near.default if token.number is None else token.number)  # type: ignore[call-arg]

    def _operand(self) -> Node:
        token = self._next()
        match token.kind:
            case Kind.OPEN:
                return self._parenthesis(token)
            case Kind.OPERATOR:
                return self._prefix(token)
            case Kind.FIELD:
                return self._in_field(token)
            case Kind.SET:
                return self._set(token)
            case Kind.REGEX:
                return self._regex(token)
            case Kind.CLOSE | Kind.END:
                raise self._error("something is missing here", token, _OPERAND)
        return self._words(token)

    def _parenthesis(self, token: Token) -> Node:
        node = self._expression(0)
        if self._token.kind is not Kind.CLOSE:
            raise self._error("this parenthesis is never closed", token, "a closing parenthesis")
        self._next()
        self._bracketed.add(id(node))
        return node

    def _prefix(self, token: Token) -> Node:
        if token.text == "NOT":
            return Not(self._expression(Not.binds))
        if token.text == "ATLEAST":
            if not isinstance(token.number, int) or token.number < 1:
                raise self._error("ATLEAST needs a number of one or more", token, "ATLEAST/n")
            child = self._expression(AtLeast.binds)
            if not child.has_places:
                raise self._error(f"ATLEAST needs words; {_shortened(child)} has no place in the text", token)
            return AtLeast(child, token.number)
        raise self._error(f"{token.text} needs something on its left", token, _OPERAND)

    def _set(self, token: Token) -> Node:
        try:
            return self._sets.node(token.text)
        except KeyError:
            nearest = closest(token.text, self._sets.members, "@{}")
            raise self._error(
                f"there is no set @{token.text}", token, "a set of watches.yaml", nearest
            ) from None
        except QueryError as error:
            raise self._error(f"the named query @{token.text} is wrong: {error}", token) from error
        except ValueError as error:
            raise self._error(f"@{token.text}: {error}", token) from error

    def _regex(self, token: Token) -> Node:
        pattern, _, case = token.text[1:].rpartition("/")
        try:
            return Regex(pattern, any_case=case == "i")
        except ValueError as error:
            message = f"the regular expression cannot be used: {error}"
            raise self._error(message, token, "RE2 syntax") from None

    def _words(self, token: Token) -> Node:
        try:
            if token.kind is Kind.PHRASE and token.number is not None:
                return self._apart(token)
            found = term(f'"{token.text}"' if token.kind is Kind.PHRASE else token.text)
        except ValueError as error:
            raise self._error(str(error), token, "a word such as openai or openai*") from None
        self._warn_of(token, found)
        return found

    def _apart(self, token: Token) -> Node:
        words = [term(word if PLAIN_WORD.fullmatch(word) else f'"{word}"') for word in token.text.split()]
        if len(words) < 2 or token.number is None:
            raise ValueError("there are no two words between which to count")
        node: Node = words[0]
        for word in words[1:]:
            node = Near(node, word, token.number)
        return node

    def _in_field(self, token: Token) -> Node:
        if token.text in FACTS:
            return Fact(token.text, self._values(token))
        child = self._expression(InField.binds)
        if not child.reads_words():
            raise self._error(f"{token.text}: needs words; {_shortened(child)} is none", token)
        return InField(token.text, child)

    def _values(self, field_token: Token) -> list[str]:
        first = self._next()
        if first.kind is not Kind.OPEN:
            return [self._value(field_token.text, first)]
        values = []
        while True:
            values.append(self._value(field_token.text, self._next()))
            after = self._next()
            if after.kind is Kind.CLOSE:
                return values
            if after.kind is not Kind.OPERATOR or after.text != "OR":
                message = f"the values of {field_token.text}: are joined by OR"
                raise self._error(message, after, "OR or a closing parenthesis")

    def _value(self, name: str, token: Token) -> str:
        if token.kind not in {Kind.WORD, Kind.PHRASE} or not visible(token.text).strip():
            raise self._error(f"{name}: needs a value", token, "a word or a phrase")
        if name in NUMBERS and not re.fullmatch(r"(<=|>=|<|>|=)?\d{1,9}", token.text):
            raise self._error(
                f"{quoted(token.text)} is no comparison", token, f"{name}:2, {name}:<=2, {name}:>2"
            )
        if name == "site" and re.search(r"[/:\s]", token.text):
            message = f"{quoted(token.text)} is no site"
            raise self._error(message, token, "a name such as example.org; url: looks into the whole address")
        kinds = get_args(Publisher)
        if name == "kind" and token.text.casefold() not in kinds:
            raise self._error(
                f"there is no kind {quoted(token.text)}",
                token,
                f"one of {', '.join(kinds)}",
                closest(token.text, kinds),
            )
        return token.text

    def _warn_of(self, token: Token, found: Term) -> None:
        operator = meant(token.text) if token.kind is Kind.WORD else None
        if operator:
            message = f"{quoted(token.text)} is looked for as a word; the operator is {operator}"
            self.warnings.append(Warning("L0", message, token.at))
        if any(word.prefix and len(word.text) < 3 and ord(word.text[0]) < 0x2E80 for word in found.words):
            self.warnings.append(
                Warning("L5", f"the prefix {token.text} has fewer than three letters", token.at)
            )

    def _warn_if_capitalised(self, token: Token) -> None:
        before = self._tokens[self._at - 1]
        if before.kind is token.kind is Kind.WORD and before.text[:1].isupper() and token.text[:1].isupper():
            both = f"{before.text} {token.text}"
            message = f'{both} is read as {before.text} AND {token.text}; the phrase would be "{both}"'
            self.warnings.append(Warning("L1", message, before.at))


# ---- lint that needs only the query


def _lint(root: Node) -> Iterable[Warning]:
    if not root.has_places and not root.needs() and isinstance(root, Not):
        yield Warning("L3", "the query only says what must not be there: nearly every article matches", 0)
    if root.has_places and not root.needs() and any(isinstance(n, Regex) for n in (root, *root.within())):
        message = (
            "nothing must be there before the regular expression: each article is searched, each page fetched"
        )
        yield Warning("L10", message, 0)
    yield from _lint_parts(root)


def _lint_parts(node: Node) -> Iterable[Warning]:
    if isinstance(node, Near) and node.distance != "s" and node.distance > 30:
        yield Warning("L6", f"{node.word}/{node.distance} is hardly nearness any more: use AND", 0)
    for child in node.children:
        if not isinstance(child, Named):
            yield from _lint_parts(child)


__all__ = ["Members", "OrderedNear", "Query", "QueryError", "Sets", "Warning", "parse"]
