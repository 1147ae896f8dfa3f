"""Tokens: the text of a query → its words, operators and fields; what is hardly meant is refused here.

Lives here: how a query is spelled, whatever keyboard or product it comes from, the mistakes of spelling, and
QueryError with its caret. Not here: what may stand beside what (`query`), what it means (`operators`).
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from alerts.operators import FACTS, OPERATORS, TEXT_FIELDS, Distance
from alerts.text import visible


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
        before, behind = _around(self.text, self.position)
        caret = " " * sum(map(_width, before)) + "^"
        return f"{self._said} (at character {self.position + 1})\n  {before}{behind}\n  {caret}"

    @property
    def inline(self) -> str:
        """The same where letters have no common width: the caret stands before the mistake."""
        before, behind = _around(self.text, self.position)
        return f"{self._said}: {before}^{behind}"

    @property
    def _said(self) -> str:
        hints = [self.message]
        if self.expected:
            hints.append(f"expected {self.expected}")
        if self.nearest:
            hints.append(f"did you mean {self.nearest}?")
        said = "; ".join(hint if len(hint) <= _LONGEST_HINT else f"{hint[:_LONGEST_HINT]}…" for hint in hints)
        return _printed(said)


_AROUND = 70  # characters shown on either side of a mistake
_LONGEST_HINT = 1000  # characters; a named query that is wrong brings its own lines


def _around(text: str, position: int) -> tuple[str, str]:
    """The line of a mistake, as it may be shown: what stands before the mistake, and the rest."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    first, last = max(start, position - _AROUND), position + _AROUND
    before, behind = text[first:position], text[position : last if end < 0 else min(end, last)]
    if first > start:
        before = f"…{before}"
    return _printed(before), _printed(behind)


def _printed(text: str) -> str:
    """As a terminal may show it: a query may come with what would colour or clear it."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def _width(character: str) -> int:
    """Columns of a terminal."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


_FIELDS = (*TEXT_FIELDS, *FACTS)
_FIELD_ALIASES = {"intitle": "title", "ingress": "lead"}
LONGEST_QUERY = 20_000  # characters
SHOWN = 40  # characters of a word in a message


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


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a query and its end; raises QueryError."""
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
        nearest = f"{written}/n" if written in _TAKES_NUMBER else closest(name, _FIELDS, "{}:")
        expected = f"one of {', '.join(_FIELDS)}"
        raise QueryError(f"there is no field {quoted(written)}", text, at, expected, nearest)
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
        raise QueryError(f"{quoted(rest)} is no number{counted}", text, at + len(name) + 1, expected)
    if name.upper() in _TAKES_NUMBER:
        raise QueryError("operators are written in capitals", text, at, nearest=f"{name.upper()}/{rest}")
    if name.isupper() and name.isascii() and rest.isdigit():
        raise QueryError(
            f"there is no operator {name}",
            text,
            at,
            "NEAR/n, ONEAR/n or ATLEAST/n",
            closest(name, _TAKES_NUMBER, "{}/n"),
        )


def closest(word: str, known: Iterable[str], form: str = "{}") -> str | None:
    """Which of the known words was probably meant."""
    close = difflib.get_close_matches(word[:SHOWN], list(known), n=1, cutoff=0.5)
    return form.format(close[0]) if close else None


def quoted(word: str) -> str:
    """A word as a message shows it."""
    return repr(word if len(word) <= SHOWN else word[: SHOWN - 1] + "…")


PLAIN_WORD = re.compile(
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


def meant(word: str) -> str | None:
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
