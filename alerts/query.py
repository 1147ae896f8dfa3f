"""Query: the text of a rule → its parts; errors with a caret under the mistake.

Lives here: the grammar (docs/watches.md is its manual) and the lint that needs nothing but the text. Not
here: what the operators mean (`operators`), which rules there are (`watches`).

    expr    := a tree of operands and operators; what binds tighter comes first:
               ( )  >  EXCEPT  >  NEAR/n ONEAR/n  >  field: ATLEAST/n  >  NOT  >  AND, adjacency  >  OR
    operand := '(' expr ')' | @set | "phrase" | word | word* | {Word}
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import get_args

from alerts.operators import (
    FACTS,
    NUMBERS,
    OPERATORS,
    TEXT_FIELDS,
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
    Term,
    term,
)
from crawler.sources import Publisher

Members = (
    Sequence[str] | Mapping[str, Sequence[str]] | str
)  # a flat list, lists by language, or a query with a name

_FIELDS = (*TEXT_FIELDS, *FACTS)
_FIELD_ALIASES = {"intitle": "title", "ingress": "lead"}
_MAX_DEPTH = 60  # of a query in itself: deeper is an accident, and would end in a RecursionError


class QueryError(ValueError):
    """A query that cannot be read. `str()` shows the query and a caret under the mistake."""

    def __init__(
        self, message: str, text: str, position: int, expected: str | None = None, nearest: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.position = position
        self.expected = expected
        self.nearest = nearest

    def __str__(self) -> str:
        start = self.text.rfind("\n", 0, self.position) + 1
        line = self.text[start:].split("\n", 1)[0]
        hints = [self.message]
        if self.expected:
            hints.append(f"expected {self.expected}")
        if self.nearest:
            hints.append(f"did you mean {self.nearest}?")
        caret = " " * (self.position - start) + "^"
        return f"{'; '.join(hints)} (at character {self.position + 1})\n  {line}\n  {caret}"


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


# ---- words → tokens


class Kind(StrEnum):
    """What a token is."""

    OPEN = "("
    CLOSE = ")"
    PHRASE = "a phrase"
    EXACT = "a word in braces"
    SET = "a @set"
    FIELD = "a field"
    OPERATOR = "an operator"
    WORD = "a word"
    REGEX = "a regex"
    END = "the end"


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text of a query."""

    kind: Kind
    text: str
    at: int
    number: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<open>\() | (?P<close>\))
      | "(?P<phrase>[^"]*)"(?:~(?P<apart>\d+))?
      | (?P<exact>\{[^{}]*\})
      | @(?P<set>[\w-]+)
      | (?P<regex>/(?:[^/\\\s]|\\.)+/i?(?=[\s)]|$))
      | (?P<field>[A-Za-z]+):(?=\S)
      | (?P<minus>-)(?=["({@\w])
      | (?P<word>[^\s()"{}]+)
    """,
    re.VERBOSE,
)
_NUMBERED = re.compile(r"(?P<name>[A-Z]+|atleast)/?(?P<number>\d+)(?P<ordered>f?)")
_SLASHED = re.compile(r"(?P<name>[A-Z]+)/(?P<rest>.*)")
_OPERATOR_ALIASES = {"W": "NEAR", "PRE": "ONEAR", "N": "NEAR", "atleast": "ATLEAST"}
_TAKES_NUMBER = frozenset({"NEAR", "ONEAR", "ATLEAST"})


def _tokens(text: str) -> Iterable[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            closing = {'"': "a closing quotation mark", "{": "a closing brace"}.get(text[at])
            raise QueryError(f"{text[at]!r} is not understood here", text, at, closing)
        kind = match.lastgroup if match.lastgroup != "apart" else "phrase"
        if kind != "space":
            yield _token(text, at, str(kind), match)
        at = match.end()
    yield Token(Kind.END, "", len(text))


_KINDS = {
    "open": Kind.OPEN,
    "close": Kind.CLOSE,
    "phrase": Kind.PHRASE,
    "exact": Kind.EXACT,
    "set": Kind.SET,
    "regex": Kind.REGEX,
}


def _token(text: str, at: int, kind: str, match: re.Match[str]) -> Token:
    value = match.group(kind)
    if kind == "word":
        return _word_or_operator(text, at, value)
    if kind == "minus":
        return Token(Kind.OPERATOR, "NOT", at)
    if kind == "field":
        return Token(Kind.FIELD, _field(text, at, value), at)
    apart = match.group("apart")
    return Token(_KINDS[kind], value, at, int(apart) if apart else None)


def _field(text: str, at: int, written: str) -> str:
    name = _FIELD_ALIASES.get(written.lower(), written.lower())
    if name not in _FIELDS:
        raise QueryError(
            f"there is no field {written!r}",
            text,
            at,
            f"one of {', '.join(_FIELDS)}",
            _nearest(name, _FIELDS, "{}:"),
        )
    return name


def _word_or_operator(text: str, at: int, word: str) -> Token:
    if word in OPERATORS:
        return Token(Kind.OPERATOR, word, at)
    numbered = _NUMBERED.fullmatch(word)
    if numbered:
        name = _OPERATOR_ALIASES.get(numbered["name"], numbered["name"])
        if name == "NEAR" and numbered["ordered"]:
            name = "ONEAR"
        slash = "/" in word
        if name in _TAKES_NUMBER and (slash or name == "ATLEAST"):
            return Token(Kind.OPERATOR, name, at, int(numbered["number"]))
    slashed = _SLASHED.fullmatch(word)
    if slashed and slashed["name"] in {*OPERATORS, *_OPERATOR_ALIASES}:
        raise QueryError(
            f"{slashed['rest']!r} is no number of words",
            text,
            at + len(slashed["name"]) + 1,
            "a whole number",
        )
    if slashed and slashed["rest"].isdigit():
        names = sorted(_TAKES_NUMBER)
        raise QueryError(
            f"there is no operator {slashed['name']}",
            text,
            at,
            "NEAR/n, ONEAR/n or ATLEAST/n",
            _nearest(slashed["name"], names, "{}/n"),
        )
    return Token(Kind.WORD, word, at)


def _nearest(word: str, known: Iterable[str], form: str = "{}") -> str | None:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return form.format(close[0]) if close else None


# ---- tokens → nodes

_ADJACENT = And.binds
_CAPITALS = re.compile(r"[A-Z]{2,}")
_LOWER_OPERATORS = frozenset(
    {"and", "or", "not", "near", "except", "und", "oder", "et", "ou"} & {w.lower() for w in OPERATORS}
)


_TOO_DEEP = "the query is nested too deep"


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
        self._tokens = list(_tokens(text))
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
                    f"{token.text} needs words on both sides; {side} has no place in the text", token
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
                raise self._error(
                    "a regex is not yet in force", token, "a word, a phrase or a prefix such as openai*"
                )
            case Kind.CLOSE | Kind.END:
                raise self._error(
                    "something is missing here", token, "a word, a phrase, a @set or a parenthesis"
                )
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
            if not token.number:
                raise self._error("ATLEAST needs a number of one or more", token, "ATLEAST/n")
            child = self._expression(AtLeast.binds)
            if not child.has_places:
                raise self._error(f"ATLEAST needs words; {child} has no place in the text", token)
            return AtLeast(child, token.number)
        raise self._error(
            f"{token.text} needs something on its left", token, "a word, a phrase, a @set or a parenthesis"
        )

    def _set(self, token: Token) -> Node:
        try:
            return self._sets.node(token.text)
        except KeyError:
            nearest = _nearest(token.text, self._sets.members, "@{}")
            raise self._error(
                f"there is no set @{token.text}", token, "a set of watches.yaml", nearest
            ) from None
        except QueryError as error:
            raise self._error(f"the named query @{token.text} is wrong: {error}", token) from error
        except ValueError as error:
            raise self._error(f"@{token.text}: {error}", token) from error

    def _words(self, token: Token) -> Node:
        try:
            if token.kind is Kind.PHRASE and token.number is not None:
                words = [term(word) for word in token.text.split()]
                node: Node = words[0]
                for word in words[1:]:
                    node = Near(node, word, token.number)
                return node
            written = f'"{token.text}"' if token.kind is Kind.PHRASE else token.text
            found = term(written)
        except (ValueError, IndexError):
            raise self._error("there is no word in it", token, "letters or digits") from None
        self._warn_of(token, found)
        return found

    def _in_field(self, token: Token) -> Node:
        if token.text in FACTS:
            return Fact(token.text, self._values(token))
        child = self._expression(InField.binds)
        if not any(True for _ in child.terms()):
            raise self._error(f"{token.text}: needs words; {child} is none", token)
        return InField(token.text, child)

    def _values(self, field_token: Token) -> list[str]:
        first = self._next()
        tokens = [first]
        if first.kind is Kind.OPEN:
            tokens = []
            while True:
                tokens.append(self._next())
                after = self._next()
                if after.kind is Kind.CLOSE:
                    break
                if after.kind is not Kind.OPERATOR or after.text != "OR":
                    raise self._error(
                        f"the values of {field_token.text}: are joined by OR", after, "OR or a parenthesis"
                    )
        return [self._value(field_token.text, token) for token in tokens]

    def _value(self, name: str, token: Token) -> str:
        if token.kind not in {Kind.WORD, Kind.PHRASE, Kind.REGEX}:  # url:/2026/ is no regex
            raise self._error(f"{name}: needs a value", token, "a word or a phrase")
        if name in NUMBERS and not re.fullmatch(r"(<=|>=|<|>|=)?\d{1,9}", token.text):
            raise self._error(f"{token.text!r} is no comparison", token, f"{name}:2, {name}:<=2, {name}:>2")
        kinds = get_args(Publisher)
        if name == "kind" and token.text.casefold() not in kinds:
            raise self._error(
                f"there is no kind {token.text!r}",
                token,
                f"one of {', '.join(kinds)}",
                _nearest(token.text, kinds),
            )
        return token.text

    def _warn_of(self, token: Token, found: Term) -> None:
        if token.kind is Kind.WORD and token.text in _LOWER_OPERATORS:
            message = f"{token.text!r} is looked for as a word; the operator is {token.text.upper()}"
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
    yield from _lint_parts(root)


def _lint_parts(node: Node) -> Iterable[Warning]:
    if isinstance(node, Near) and node.distance > 30:
        yield Warning("L6", f"{node.word}/{node.distance} is hardly nearness any more: use AND", 0)
    for child in node.children:
        if not isinstance(child, Named):
            yield from _lint_parts(child)


__all__ = ["Members", "OrderedNear", "Query", "QueryError", "Sets", "Warning", "parse"]
