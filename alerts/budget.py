"""Noise budget: the stories a rule may tell a day; which word made them so many, and what people hear of it.

Lives here: the words of it. Pure. Not here: what becomes of the further stories (`alerting`), what was told
(`ledger`).
"""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from alerts.channels import DigestTime
from alerts.notifications import Notice

Words = Sequence[frozenset[str]]  # of each story, the words that matched, as they were spelled


@dataclass(frozen=True, slots=True)
class Spent:
    """A rule has told as many stories in 24 hours as it may."""

    watch: str
    rule: str
    stories: int
    word: str  # that made them so many; empty: none did
    among: int  # so many of them have it

    def __str__(self) -> str:
        by = f"; “{self.word}” is in {self.among} of them" if self.word else ""
        return f"rule {self.rule} has told {self.stories} stories in 24 hours{by}"


def spent(watch: str, rule: str, told: Words, before: Words) -> Spent:
    """`told`: in the past 24 hours; `before`: what this rule used to tell."""
    word, among = _behind(told, before)
    return Spent(watch, rule, len(told), word, among)


def notice(of: Spent, digest: DigestTime | None) -> Notice:
    """For a channel with this digest."""
    rest = "more are held, and this channel has no digest"
    if digest is not None:
        rest = f"more go to the digest at {digest.at:%H:%M} {digest.timezone}"
    title = f"Rule {of.watch}/{of.rule} has told {of.stories} stories in 24 hours; {rest}"
    if not of.word:
        return Notice(title, f"`tocsin backtest --watch {of.watch}` shows what it brings.")
    silence = f"tocsin silence add rule {of.watch}/{of.rule} term {shlex.quote(of.word)} --for 24h"
    return Notice(title, f"“{of.word}” is in {of.among} of them. `{silence}` keeps those quiet for a day.")


def _behind(told: Words, before: Words) -> tuple[str, int]:
    """The word that half of them have, and that gained most on what was usual.

    The names a rule always asks for are in all of them, today as before: they explain nothing.
    """
    counts, usual = _counted(told), _counted(before)
    enough = min(max(counts.values(), default=0), len(told) / 2)
    gains = {
        word: count / len(told) - (usual[word] / len(before) if before else 0)
        for word, count in counts.items()
        if count >= enough
    }
    if not gains:
        return "", 0
    word = min(gains, key=lambda one: (-gains[one], one))
    spelled = Counter(one for words in told for one in words if one.casefold() == word)
    return spelled.most_common(1)[0][0], counts[word]


def _counted(stories: Words) -> Counter[str]:
    return Counter(word for words in stories for word in {one.casefold() for one in words})
