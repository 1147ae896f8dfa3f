"""Query: the text of a rule → its parts; errors with a caret under the mistake.

Lives here: the grammar (docs/watches.md is its manual) and the lint that needs nothing but the text. Not
here: what the operators mean (`operators`), which rules there are (`watches`).

    expr    := a tree of operands and operators; what binds tighter comes first:
               ( )  >  EXCEPT  >  NEAR/n ONEAR/n  >  field: ATLEAST/n  >  NOT  >  AND, adjacency  >  OR
    operand := '(' expr ')' | @set | "phrase" | word | word* | {Word} | /regex/ | /regex/i
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    Distance,
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
from crawler.sources import Publisher

Members = (
    Sequence[str] | Mapping[str, Sequence[str]] | str
)  # a flat list, lists by language, or a query with a name

_FIELDS = (*TEXT_FIELDS, *FACTS)
_FIELD_ALIASES = {"intitle": "title", "ingress": "lead"}
LONGEST_QUERY = 20_000  # characters
_SHOWN = 40  # characters of a word in a message
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
        line, caret = _line_and_caret(self.text, self.position)
        hints = [self.message]
        if self.expected:
            hints.append(f"expected {self.expected}")
        if self.nearest:
            hints.append(f"did you mean {self.nearest}?")
        said = "; ".join(hint if len(hint) <= _LONGEST_HINT else f"{hint[:_LONGEST_HINT]}…" for hint in hints)
        return f"{_printed(said)} (at character {self.position + 1})\n  {line}\n  {caret}"


_AROUND = 70  # characters shown on either side of a mistake
_LONGEST_HINT = 1000  # characters; a named query that is wrong brings its own lines


def _line_and_caret(text: str, position: int) -> tuple[str, str]:
    """The line of a mistake, as a terminal may show it, and blanks up to the mistake with a caret."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    first, last = max(start, position - _AROUND), position + _AROUND
    before, behind = text[first:position], text[position : last if end < 0 else min(end, last)]
    if first > start:
        before = f"…{before}"
    return _printed(before + behind), " " * sum(map(_width, _printed(before))) + "^"


def _printed(text: str) -> str:
    """As a terminal may show it: a query may come with what would colour or clear it."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def _width(character: str) -> int:
    """Columns of a terminal."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


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
    number: Distance | None = None


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<open>\() | (?P<close>\))
      | (?:"(?P<phrase>[^"]*)" | [“”„](?P<curved>[^“”„"]*)[“”] | «(?P<pointed>[^«»"]*)»)(?:~(?P<apart>\d+))?
      | (?P<exact>\{[^{}]*\})
      | @(?P<set>[\w-]+)
      | /(?P<regex>(?![\s/])(?:[^/\\\n]|\\.)+)/(?P<case>i?)(?=[\s)]|$)
      | (?P<field>[^\W\d_]+):(?=[^\s)])
      | (?P<minus>[-−–])(?=["“„«({@/\w])
      | (?P<word>[^\s()"{}“”„«»]+)
    """,
    re.VERBOSE,
)
_VALUE = re.compile(r"[^\s()\"“”„«»]+")  # what stands behind site: and the like is taken as it is
_CLOSED_BY = {'"': "a closing quotation mark", "{": "a closing brace"} | dict.fromkeys(
    "“”„«", "a closing quotation mark"
)
# An input method for Chinese or Japanese writes （ＯＲ） for (OR).
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def _tokens(text: str) -> Iterator[Token]:
    if len(text) > LONGEST_QUERY:
        message = f"the query has {len(text):,} characters"
        raise QueryError(message, text, LONGEST_QUERY, f"at most {LONGEST_QUERY:,}; long lists make a set")
    plain = text.translate(_HALF_WIDTH)
    at = 0
    values = 0  # open parentheses of a field that takes values, and the field itself
    while at < len(plain):
        token, at = _next_token(text, plain, at, values > 0)
        if token is None:
            continue
        if token.kind is Kind.FIELD and token.text in FACTS:
            values = 1
        elif values:
            values += {Kind.OPEN: 1, Kind.CLOSE: -1}.get(token.kind, 0)
            values = values if values > 1 else 0
        yield token
    yield Token(Kind.END, "", len(text))


def _next_token(text: str, plain: str, at: int, in_values: bool) -> tuple[Token | None, int]:
    """The token that begins here (None: white space), and where the next one does."""
    value = _VALUE.match(plain, at) if in_values else None
    if value:
        kind = Kind.OPERATOR if value.group() in OPERATORS else Kind.WORD
        return Token(kind, value.group(), at), value.end()
    match = _TOKEN.match(plain, at)
    if match is None:
        raise QueryError(f"{plain[at]!r} is not understood here", text, at, _CLOSED_BY.get(plain[at]))
    token = None if match["space"] else _token(text, at, match)
    return token, match.end()


_KINDS = {
    "open": Kind.OPEN,
    "close": Kind.CLOSE,
    "phrase": Kind.PHRASE,
    "curved": Kind.PHRASE,
    "pointed": Kind.PHRASE,
    "exact": Kind.EXACT,
    "set": Kind.SET,
}


def _token(text: str, at: int, match: re.Match[str]) -> Token:
    if match["word"] is not None:
        return _word_or_operator(text, at, match["word"])
    if match["minus"]:
        return Token(Kind.OPERATOR, "NOT", at)
    if match["field"]:
        return Token(Kind.FIELD, _field(text, at, match["field"]), at)
    if match["regex"]:
        return Token(Kind.REGEX, match.group(), at)
    group = next(name for name in _KINDS if match[name] is not None)
    apart = match["apart"]
    return Token(
        _KINDS[group], match[group], at, _number(text, match.start("apart"), apart) if apart else None
    )


def _number(text: str, at: int, digits: str) -> int:
    if len(digits) > 6:
        raise QueryError("that is no number of words", text, at, "a whole number")
    return int(digits)


def _field(text: str, at: int, written: str) -> str:
    name = _FIELD_ALIASES.get(written.lower(), written.lower())
    if name not in _FIELDS:
        nearest = f"{written}/n" if written in _TAKES_NUMBER else _nearest(name, _FIELDS, "{}:")
        expected = f"one of {', '.join(_FIELDS)}"
        raise QueryError(f"there is no field {_quoted(written)}", text, at, expected, nearest)
    return name


# ---- words that are operators, or were meant to be

_NUMBERED = re.compile(r"(?P<name>[^\W\d_]+)/?(?:(?P<number>\d+)|(?P<sentence>[sS]))(?P<ordered>[fF]?)")
_SLASHED = re.compile(r"(?P<name>[^\W\d_]+)/(?P<rest>.*)")
_OPERATOR_ALIASES = {"W": "NEAR", "PRE": "ONEAR", "N": "NEAR", "atleast": "ATLEAST"}
_TAKES_NUMBER = ("ATLEAST", "NEAR", "ONEAR")
_ELSEWHERE = {  # what other search engines have
    "ANDNOT": "AND NOT", "BUTNOT": "NOT", "!": "NOT",
    "&": "AND", "&&": "AND", "+": "AND", "|": "OR", "||": "OR",
}  # fmt: skip
_HOW_FAR = "a whole number, or s for one sentence"


def _word_or_operator(text: str, at: int, word: str) -> Token:
    written = visible(word)
    if written in OPERATORS:
        return Token(Kind.OPERATOR, written, at)
    numbered = _NUMBERED.fullmatch(written)
    if numbered:
        name = _OPERATOR_ALIASES.get(numbered["name"], numbered["name"])
        by_slash = "/" in written and (name != "ATLEAST" or numbered["number"])
        if name in _TAKES_NUMBER and (by_slash or (name == "ATLEAST" and numbered["number"])):
            name = "ONEAR" if numbered["ordered"] and name == "NEAR" else name
            number: Distance = _number(text, at, numbered["number"]) if numbered["number"] else "s"
            return Token(Kind.OPERATOR, name, at, number)
    _refuse_misspelt(text, at, written)
    return Token(Kind.WORD, word, at)


def _refuse_misspelt(text: str, at: int, word: str) -> None:
    """Raise where a word is hardly one: read as a word it would look for something nobody meant."""
    if word in _ELSEWHERE:
        raise QueryError(f"there is no operator {word}", text, at, nearest=_ELSEWHERE[word])
    if word.startswith("@"):
        raise QueryError("there is no name behind @", text, at, "a set of watches.yaml")
    if word.startswith("!") and len(word) > 1:
        raise QueryError("'!' is not understood here", text, at, nearest=f"NOT {word[1:]}")
    odd = re.search(r"[~^\x00-\x1f\x7f-\x9f]", word)
    if odd:
        raise QueryError(f"{odd.group()!r} is not understood here", text, at + odd.start())
    if word.startswith("/"):
        raise _unclosed_slash(text, at, word)
    if word.endswith(":") and word[:-1].lower() in {*_FIELDS, *_FIELD_ALIASES}:
        raise QueryError(
            f"nothing stands behind {word}", text, at + len(word), "a word or a parenthesis, without a blank"
        )
    slashed = _SLASHED.fullmatch(word)
    if slashed:
        _refuse_slashed(text, at, slashed["name"], slashed["rest"])
    elif re.fullmatch(r"O?NEAR\d+", word):
        raise QueryError("the number stands behind a slash", text, at, nearest=word.replace("R", "R/"))


def _unclosed_slash(text: str, at: int, word: str) -> QueryError:
    if re.fullmatch(r"/(\d+|[sS])", word):
        return QueryError(f"there is no operator {word}", text, at, nearest=f"NEAR{word}")
    return QueryError(
        "this regular expression is never closed", text, at, "a closing slash, or quotation marks"
    )


def _refuse_slashed(text: str, at: int, name: str, rest: str) -> None:
    if name in {*OPERATORS, *_OPERATOR_ALIASES}:
        canonical = _OPERATOR_ALIASES.get(name, name)
        if canonical not in _TAKES_NUMBER:
            raise QueryError(f"{name} takes no number", text, at + len(name), nearest=name)
        counted, expected = ("", "a whole number") if canonical == "ATLEAST" else (" of words", _HOW_FAR)
        raise QueryError(f"{_quoted(rest)} is no number{counted}", text, at + len(name) + 1, expected)
    if name.upper() in _TAKES_NUMBER:
        raise QueryError("operators are written in capitals", text, at, nearest=f"{name.upper()}/{rest}")
    if name.isupper() and name.isascii() and rest.isdigit():
        raise QueryError(
            f"there is no operator {name}",
            text,
            at,
            "NEAR/n, ONEAR/n or ATLEAST/n",
            _nearest(name, _TAKES_NUMBER, "{}/n"),
        )


def _nearest(word: str, known: Iterable[str], form: str = "{}") -> str | None:
    close = difflib.get_close_matches(word[:_SHOWN], list(known), n=1, cutoff=0.5)
    return form.format(close[0]) if close else None


def _quoted(word: str) -> str:
    return repr(word if len(word) <= _SHOWN else word[: _SHOWN - 1] + "…")


# ---- tokens → nodes

_ADJACENT = And.binds
_CAPITALS = re.compile(r"[A-Z]{2,}")
_PLAIN = re.compile(
    r"(?!(?:AND|OR|NOT|NEAR|ONEAR|EXCEPT|ATLEAST)$)\w+\*?"
)  # reads as a word wherever it stands
_FOREIGN = {
    "UND": "AND",
    "ET": "AND",
    "ODER": "OR",
    "OU": "OR",
    "NICHT": "NOT",
    "NON": "NOT",
    "SAUF": "EXCEPT",
}
_NEARNESS = re.compile(r"(?P<name>w|pre|n)/(?P<rest>\d+|s)")


def _meant(word: str) -> str | None:
    """The operator that a word read as a word may have been meant for."""
    nearness = _NEARNESS.fullmatch(word.lower())
    if nearness:
        return f"{_OPERATOR_ALIASES[nearness['name'].upper()]}/{nearness['rest']}"
    if word.upper() in OPERATORS:
        return word.upper()
    if not word.isupper() or len(word) < 3:
        return _FOREIGN.get(word)
    close = difflib.get_close_matches(word, ("NEAR", "ONEAR", "EXCEPT", "ATLEAST"), n=1, cutoff=0.75)
    return _FOREIGN.get(word) or (close[0] if close and close[0][0] == word[0] else None)


_OPERAND = "a word, a phrase, a @set or a parenthesis"
_TOO_DEEP = "the query is nested too deep"


def _shortened(node: Node) -> str:
    written = str(node)
    return written if len(written) <= _SHOWN else f"{written[: _SHOWN - 1]}…"


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
            nearest = _nearest(token.text, self._sets.members, "@{}")
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
        words = [term(word if _PLAIN.fullmatch(word) else f'"{word}"') for word in token.text.split()]
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
                f"{_quoted(token.text)} is no comparison", token, f"{name}:2, {name}:<=2, {name}:>2"
            )
        if name == "site" and re.search(r"[/:\s]", token.text):
            message = f"{_quoted(token.text)} is no site"
            raise self._error(message, token, "a name such as example.org; url: looks into the whole address")
        kinds = get_args(Publisher)
        if name == "kind" and token.text.casefold() not in kinds:
            raise self._error(
                f"there is no kind {_quoted(token.text)}",
                token,
                f"one of {', '.join(kinds)}",
                _nearest(token.text, kinds),
            )
        return token.text

    def _warn_of(self, token: Token, found: Term) -> None:
        meant = _meant(token.text) if token.kind is Kind.WORD else None
        if meant:
            message = f"{_quoted(token.text)} is looked for as a word; the operator is {meant}"
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
    if isinstance(node, Near) and node.distance != "s" and node.distance > 30:
        yield Warning("L6", f"{node.word}/{node.distance} is hardly nearness any more: use AND", 0)
    for child in node.children:
        if not isinstance(child, Named):
            yield from _lint_parts(child)


__all__ = ["Members", "OrderedNear", "Query", "QueryError", "Sets", "Warning", "parse"]
