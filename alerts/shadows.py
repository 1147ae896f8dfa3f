"""Shadow: what would be different if a rule that tells nobody told?

Lives here: the comparison of a shadow rule with the rule it is to stand in for, article by article. Pure. Not
here: which rules held (`ledger`), that a shadow tells nobody (`alerting`), how the difference is shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from alerts.watches import Rule, Watch


class Holding(NamedTuple):
    """A rule held for an article."""

    article: int
    rule: str
    shadow: bool  # it ran in the shadow then


@dataclass(frozen=True, slots=True)
class Difference:
    """What a shadow rule found and what it is compared with; articles by id, the newest first."""

    watch: str
    rule: str
    instead_of: str | None  # None: all rules of the watch that tell; then nothing is lost
    since: datetime
    both: tuple[int, ...]
    only_new: tuple[int, ...]
    only_old: tuple[int, ...]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.only_new or self.only_old)


def difference(watch: Watch, rule: Rule, since: datetime, found: Iterable[Holding]) -> Difference:
    """The difference between a shadow rule and its counterpart, by what held since then.

    A shadow rule is asked of every article, so that where it left no trace it did not hold. Of the rules
    that tell, only the first that holds is known; what a rule ahead of both decided stays as it was.
    """
    new: dict[int, None] = {}
    live: dict[int, set[str]] = {}
    for article, name, shadow in found:
        if not shadow:
            live.setdefault(article, set()).add(name)
        elif name == rule.id:
            new[article] = None
    old = {a for a, rules in live.items() if rule.instead_of is None or rule.instead_of in rules}
    ahead = _ahead(watch, rule)
    decided = {a for a, rules in live.items() if rules & ahead} - old
    return Difference(
        watch=watch.id,
        rule=rule.id,
        instead_of=rule.instead_of,
        since=since,
        both=_newest_first(old & new.keys()),
        only_new=_newest_first(new.keys() - old - decided),
        only_old=_newest_first(old - new.keys()) if rule.instead_of else (),
    )


def _ahead(watch: Watch, rule: Rule) -> set[str]:
    """The rules that would be tried before the shadow and are tried before its counterpart."""
    live = [one for one in watch.in_order() if not one.shadow]
    old = next((one for one in live if one.id == rule.instead_of), None)
    if old is None:
        return set()
    in_its_place = [rule if one is old else one for one in live]
    as_tried = sorted(in_its_place, key=lambda one: one.level != "alert")
    before_new = {one.id for one in as_tried[: as_tried.index(rule)]}
    return before_new & {one.id for one in live[: live.index(old)]}


def _newest_first(articles: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(articles, reverse=True))
