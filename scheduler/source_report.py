"""What came of asking every source once, as a page for whoever keeps the list (pure).

Lives here: which pile a source goes on, what is to be done with each pile, Markdown. Not here: the asking
(`online`), the outcomes and their advice (`crawler.fetches`), how a daemon's sources stand (`status`).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from crawler.fetches import Outcome

OLD = timedelta(
    days=60
)  # a monthly blog may miss a month; what is silent for longer has mostly been given up


@dataclass(frozen=True, slots=True)
class Asked:
    """One section of sources.yaml, and what its address gave."""

    id: str
    url: str
    line: int | None  # of its address, in the file
    unasked: str | None = None  # why it was not asked; None: it was
    outcome: Outcome | None = None  # None: it was not reached in time, or not asked
    detail: str = ""
    moved_to: str | None = None
    entries: int = 0
    newest: datetime | None = None


class Pile(Enum):
    """What is to be done, the most useful first."""

    MOVED = ("Moved", "They answer elsewhere, and said that it is for good. Change the line in the file.")
    GONE = ("Gone", "Nothing is there any more. Look for the new address on the site, or remove the source.")
    NOT_A_FEED = ("Not a feed", "Something answers that cannot be read. Look for the new feed on the site.")
    BLOCKED = (
        "Blocked",
        "Set a contact in `network: user_agent`, look for another feed, or ask the publisher.",
    )
    TROUBLE = ("In trouble", "It says nothing of the address. Try on another day; then look at the site.")
    OLD = (
        "Nothing new",
        f"No entry, or none of the last {OLD.days} days. Look for a newer feed on the site.",
    )
    WORKS = ("Works", "Nothing to do.")
    UNASKED = ("Not asked", "They are not read.")

    def __init__(self, title: str, what_to_do: str) -> None:
        self.title, self.what_to_do = title, what_to_do


_PILES = {
    Outcome.NOT_FOUND: Pile.GONE,
    Outcome.GONE: Pile.GONE,
    Outcome.DNS: Pile.GONE,
    Outcome.NOT_A_FEED: Pile.NOT_A_FEED,
    Outcome.EMPTY: Pile.NOT_A_FEED,
    Outcome.MALFORMED: Pile.NOT_A_FEED,
    Outcome.UNPARSABLE: Pile.NOT_A_FEED,
    Outcome.TOO_LARGE: Pile.NOT_A_FEED,
    Outcome.BAD_ENCODING: Pile.NOT_A_FEED,
    Outcome.FORBIDDEN: Pile.BLOCKED,
    Outcome.ROBOTS: Pile.BLOCKED,
    Outcome.RATE_LIMITED: Pile.BLOCKED,
    Outcome.BLOCKED_ADDRESS: Pile.BLOCKED,
}


_ANSWERED = frozenset({Pile.MOVED, Pile.OLD, Pile.WORKS})


def pile(asked: Asked, now: datetime) -> Pile:
    """Where a source goes. What says nothing about its address is trouble."""
    if asked.unasked is not None:
        return Pile.UNASKED
    if asked.outcome is None or not asked.outcome.succeeded:
        return _PILES.get(asked.outcome, Pile.TROUBLE) if asked.outcome else Pile.TROUBLE
    if asked.moved_to is not None:
        return Pile.MOVED
    return Pile.OLD if not asked.entries or (asked.newest and now - asked.newest > OLD) else Pile.WORKS


def report(sources: Sequence[Asked], file: Path, now: datetime) -> str:
    """The whole page. Every source is on it once."""
    piles: dict[Pile, list[Asked]] = {one: [] for one in Pile}
    for asked in sources:
        piles[pile(asked, now)].append(asked)
    summary = [f"| {one.title} | {len(members)} |" for one, members in piles.items() if members]
    table = "\n".join(["| | |", "|---|---|", *summary])
    parts = [f"# Sources, asked once on {now:%Y-%m-%d %H:%M} UTC", table]
    if not any(members for one, members in piles.items() if one in _ANSWERED):
        parts.append("Not one of them answered with a feed: look at the network of this machine first.")
    for one, members in piles.items():
        if members:
            parts += [f"## {one.title}: {len(members)}", one.what_to_do, "\n".join(_table(one, members))]
        parts += _changes(members, file) if one is Pile.MOVED and members else []
    return "\n\n".join(parts) + "\n"


def _table(one: Pile, members: Sequence[Asked]) -> Iterator[str]:
    yield "| id | address | state | advice | entries | newest |"
    yield "|---|---|---|---|---|---|"
    for asked in members:
        newest = f"{asked.newest:%Y-%m-%d}" if asked.newest else ""
        cells = (asked.id, asked.url, _state(asked), _advice(one, asked), str(asked.entries or ""), newest)
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _state(asked: Asked) -> str:
    if asked.unasked is not None:
        return asked.unasked
    if asked.outcome is None:
        return "not reached in time"
    return f"{asked.outcome}: {asked.detail}" if asked.detail else asked.outcome.value


def _advice(one: Pile, asked: Asked) -> str:
    if one is Pile.MOVED:
        return f"use {asked.moved_to}"
    return asked.outcome.advice if asked.outcome else ""


def _changes(members: Sequence[Asked], file: Path) -> Iterator[str]:
    """The lines as they would be in the file, ready to be copied."""
    yield "The new lines:"
    for asked in members:
        where = f"{file}:{asked.line}" if asked.line else str(file)
        line = f"    url: {_scalar(asked.moved_to or '')}"
        yield f"```yaml\n# {where}, {asked.id}; it was {_one_line(asked.url)}\n{line}\n```"


_PLAIN = re.compile(r"https?://[\w.~/?&=%+,;:@!$()*\[\]-]*[\w/=]", re.ASCII)


def _scalar(address: str) -> str:
    """An address as YAML; quoted unless it is surely read as written."""
    return address if _PLAIN.fullmatch(address) else json.dumps(address)


def _cell(text: str) -> str:
    """What came from outside must not end its cell, its row or become markup."""
    return re.sub(r"([|<`*\[\\])", r"\\\1", _one_line(text)) if not _PLAIN.fullmatch(text) else text


def _one_line(text: str) -> str:
    return " ".join(text.split())
