"""Slash: what somebody typed behind `/tocsin`, and what is asked by it.

Lives here: how the slash command is spelled, and what it says to those who spell it otherwise. Pure. Not
here: what is answered (`answering`), what a change does (`acting`), the query language (`alerts.query`).
"""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import NamedTuple

from alerts.control.requests import EndSilence, Hush
from alerts.silences import Aim, Condition
from alerts.tokens import closest, quoted
from config.reading import duration

QUIET_FOR = timedelta(hours=24)  # of a silence for which no time was given, as on the command line
LONGEST = timedelta(days=366)  # a typing error must not silence for a century


@dataclass(frozen=True, slots=True)
class Help:
    """What can be asked."""

    mistake: str = ""  # what could not be understood
    about: str = ""  # the command that was probably meant; empty: all of them


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why was it told, or why not?"""

    what: str  # address or number of an article
    watch: str | None = None  # None: whichever has most to say


@dataclass(frozen=True, slots=True)
class Search:
    """What the archive has."""

    query: str


@dataclass(frozen=True, slots=True)
class Try:
    """How often would it ring?"""

    query: str  # empty: still to be written


@dataclass(frozen=True, slots=True)
class Silences:
    """What stays quiet, or what one silence held."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Stories:
    """The latest stories, or one of them."""

    story: str | None = None


Question = Help | Status | Why | Search | Try | Silences | Stories
Asked = Question | Hush | EndSilence


class Usage(NamedTuple):
    """A command as the help shows it."""

    form: str
    does: str


USAGES: Mapping[str, Usage] = {
    "status": Usage("status", "is it well, and what did it tell?"),
    "why": Usage("why URL [WATCH]", "why was this told, or why not?"),
    "search": Usage("search QUERY", "what of the last 7 days matches?"),
    "try": Usage("try [QUERY]", "how often would it have rung in the last 7 days?"),
    "stories": Usage("stories [ID]", "the latest stories, or one with its articles"),
    "silence": Usage(
        "silence add AIM VALUE [AIM VALUE …] [for 24h] [because …] · silence list · "
        "silence show NUMBER · silence remove NUMBER",
        f"AIM: {', '.join(Aim)}",
    ),
    "help": Usage("help", "this"),
}


class _Misspelt(Exception):
    """What is wrong, in one sentence."""


def read(text: str) -> Asked:
    """What is asked; Help says what could not be understood."""
    name, _, rest = _plain(text).partition(" ")
    name, rest = name.lower(), rest.strip()
    if not name:
        return Help()
    command = _COMMANDS.get(name)
    if command is None:
        nearest = closest(name, _COMMANDS)
        meant = f" Did you mean {nearest}?" if nearest else ""
        return Help(f"There is no {quoted(name)}.{meant}", nearest or "")
    try:
        return command(rest)
    except _Misspelt as mistake:
        return Help(str(mistake), name)


_LINK = re.compile(r"<(https?://[^<>|\s]+)(?:\|[^<>]*)?>")


def _plain(text: str) -> str:
    """As it was typed: Slack makes links of addresses, and escapes three characters."""
    return " ".join(unescape(_LINK.sub(r"\1", text)).split())


# ---- the commands


def _help(rest: str) -> Help:
    return Help(about=rest if rest in USAGES else "")


def _status(rest: str) -> Status:
    return Status()


def _why(rest: str) -> Why:
    match _words(rest):
        case [what]:
            return Why(what)
        case [what, watch]:
            return Why(what, watch)
        case []:
            raise _Misspelt("Which article? Its address, or its number.")
    raise _Misspelt("One article at a time.")


def _search(rest: str) -> Search:
    if not rest:
        raise _Misspelt("What shall be searched?")
    return Search(rest)


def _try(rest: str) -> Try:
    return Try(rest)


def _stories(rest: str) -> Stories:
    match _words(rest):
        case [] | ["list"]:
            return Stories()
        case [story] | ["show", story]:
            return Stories(story)
    raise _Misspelt("One story at a time.")


def _silence(rest: str) -> Silences | Hush | EndSilence:
    match _words(rest):
        case [] | ["list"]:
            return Silences()
        case ["show", number] if is_number(number):
            return Silences(int(number))
        case ["remove", number] if is_number(number):
            return EndSilence(int(number))
        case ["show" | "remove", *_]:
            raise _Misspelt("Which silence? `silence list` shows their numbers.")
        case ["add", *words]:
            return _hush(words)
        case [other, *_]:
            nearest = closest(other, ("add", "list", "show", "remove")) or "add"
            raise _Misspelt(f"There is no silence {quoted(other)}. Did you mean silence {nearest}?")
    raise AssertionError(rest)


def is_number(text: str) -> bool:
    """Whether it may be the number of a silence, an article or a deed."""
    return text.isascii() and text.isdecimal() and len(text) < 19  # more no database takes


def _hush(words: Sequence[str]) -> Hush:
    conditions, rest = _conditions(words)
    lasting, comment = QUIET_FOR, ""
    while rest:
        match _OPTIONS.get(_option(rest[0])), rest[1:]:
            case "for", [given, *rest]:
                lasting = _lasting(given)
            case "because", [*comments]:
                comment, rest = " ".join(comments), []
            case _:
                raise _Misspelt(
                    f"{quoted(rest[0])} is not understood here. What has blanks stands in quotes."
                )
    return Hush(tuple(conditions), lasting, comment)


def _conditions(words: Sequence[str]) -> tuple[list[Condition], Sequence[str]]:
    """What is to be quiet, and the words behind it."""
    found: list[Condition] = []
    while len(words) > 1 and words[0] in set(Aim):
        found.append(Condition(Aim(words[0]), words[1]))
        words = words[2:]
    if found:
        return found, words
    if len(words) < 2:
        raise _Misspelt("What shall be quiet? For example `silence add source herald for 2h`.")
    nearest = closest(words[0], list(Aim))
    meant = f" Did you mean {nearest}?" if nearest else ""
    raise _Misspelt(f"A silence has no aim {quoted(words[0])}.{meant}")


_OPTIONS = {"for": "for", "because": "because", "comment": "because"}


def _option(word: str) -> str:
    """`--for`; telephones make one long dash of two."""
    return word.lstrip("-–—")


def _lasting(given: str) -> timedelta:
    try:
        lasting = duration(given)
    except ValueError as error:
        raise _Misspelt(f"For how long? {error}.".replace("expected", "Expected")) from error
    if not timedelta(0) < lasting <= LONGEST:
        raise _Misspelt("A silence lasts longer than nothing, and at most a year.")
    return lasting


_COMMANDS: Mapping[str, Callable[[str], Asked]] = {
    "status": _status,
    "why": _why,
    "search": _search,
    "try": _try,
    "stories": _stories,
    "silence": _silence,
    "help": _help,
}

# Keyboards of telephones and Macs make curved quotation marks by themselves.
_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))


def _words(text: str) -> list[str]:
    """As on a command line, but an apostrophe is one."""
    lexer = shlex.shlex(text.translate(_QUOTES), posix=True)
    lexer.whitespace_split, lexer.quotes, lexer.escape, lexer.commenters = True, '"', "", ""
    try:
        return list(lexer)
    except ValueError as error:
        raise _Misspelt("A quotation mark is never closed.") from error
