"""Promotion: is a follow-up shown in the channel too, or does it stay in its thread?

Lives here: what an article adds to a thread, and the reasons for which that is worth an interruption. Pure:
commentary has no reason. Not here: what is known of the thread (`threads`), how its words are read (`facts`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alerts.threads import PRIMARY, Thread, Told, better, is_retitled, told_of
from crawler.articles import Article, Removal


class Promotion(StrEnum):
    """Why a follow-up is shown in the channel too."""

    PRIMARY_SOURCE = "primary_source"  # a filing, a regulator, a company speaks, and none of its kind had
    HIGHER_TIER = "higher_tier"
    CONTRADICTION = "contradiction"  # its headline denies, and none did
    NEW_AMOUNT = "new_amount"  # its headline has a sum that nobody had
    NEW_DATE = "new_date"  # a year
    NEW_PARTY = "new_party"
    DOUBTFUL = "doubtful"  # by little likeness, or nearly of another story: it could be another event


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A reason, and the words for it."""

    promotion: Promotion
    said: str


@dataclass(frozen=True, slots=True)
class Addition:
    """What an article adds to the thread of its story."""

    told: Told
    promoted: tuple[Reasoned, ...] = ()
    was: str | None = None  # the headline it was told by; None: it is new in the thread, or not changed
    removal: Removal | None = None  # its page is gone, or there again; None: neither
    instead: bool = False  # it leads in place of a copy of it

    @property
    def doubtful(self) -> bool:
        return Promotion.DOUBTFUL in self._reasons

    @property
    def primary(self) -> bool:
        return Promotion.PRIMARY_SOURCE in self._reasons

    @property
    def _reasons(self) -> set[Promotion]:
        return {one.promotion for one in self.promoted}

    @property
    def note(self) -> str:
        if self.removal is not None:
            return _of_page(self.removal)
        if self.was is not None:
            return "headline changed"
        return ", ".join(one.said for one in self.promoted)


def _of_page(removal: Removal) -> str:
    since = f"since {removal.since:%Y-%m-%d %H:%M} UTC"
    if removal.over:
        return f"The page is there again {since}"
    return f"The page is gone ({removal.status}) {since}"


def addition(
    thread: Thread, article: Article, repeated: Collection[int] = (), *, doubtful: bool = False
) -> Addition | None:
    """What it adds; None: nothing. A changed headline is told once for each article: some flap.

    `repeated`: articles that the thread names and that have its address, headline or a passage. Nothing less
    will do: what only seems to be the same could be another event, and whoever is not named is lost.
    A copy takes the lead from what it copies, or as a primary source: else its page, which the thread has
    already, would be told again, and the one that led before too. `doubtful`: perhaps it is another event; so
    it leads nothing, and nobody shall miss it.
    """
    before = thread.of(article.id)
    if article.removal is not None:
        return Addition(before, removal=article.removal) if before and not before.copy else None
    if before is not None:
        if before.copy or before.retitled or not is_retitled(before.title, article.title):
            return None
        return Addition(before, was=before.title)
    doubtful = doubtful and not repeated
    instead = thread.lead.article in repeated
    may_lead = instead or not repeated or article.publisher in PRIMARY
    leads = may_lead and better(told_of(article), thread.lead) and not doubtful
    if repeated and not leads:
        return None
    told = told_of(article, leads=leads)
    doubt = (Reasoned(Promotion.DOUBTFUL, "perhaps another event"),) if doubtful else ()
    return Addition(told, doubt + promotions(thread, told), instead=leads and instead)


def promotions(thread: Thread, new: Told) -> tuple[Reasoned, ...]:
    """All reasons there are, the weightiest first; empty: it stays in the thread."""
    found = (rule(thread, new) for rule in RULES)
    return tuple(one for one in found if one is not None)


def _primary_source(thread: Thread, new: Told) -> Reasoned | None:
    spoke = {one.publisher for one in thread.articles}
    if new.publisher not in PRIMARY or new.publisher in spoke:
        return None
    return Reasoned(Promotion.PRIMARY_SOURCE, f"primary source ({new.publisher})")


def _higher_tier(thread: Thread, new: Told) -> Reasoned | None:
    if new.publisher in PRIMARY or new.tier >= min(one.tier for one in thread.articles):
        return None
    if any(one.publisher in PRIMARY for one in thread.articles):
        return None
    return Reasoned(Promotion.HIGHER_TIER, f"tier {new.tier}")


def _contradiction(thread: Thread, new: Told) -> Reasoned | None:
    if not new.facts.denies or any(one.facts.denies for one in thread.articles):
        return None
    return Reasoned(Promotion.CONTRADICTION, "contradicts")


def _new(promotion: Promotion, what: str, top: str, known: str) -> Callable[[Thread, Told], Reasoned | None]:
    """Something in the headline that no article of the thread has, in its headline or below."""

    def rule(thread: Thread, new: Told) -> Reasoned | None:
        had = frozenset[str]().union(*(getattr(one.facts, known) for one in thread.articles))
        added = sorted(getattr(new.facts, top) - had)
        return Reasoned(promotion, f"{what} {', '.join(added)}") if added else None

    return rule


# In this order they are said.
RULES: Sequence[Callable[[Thread, Told], Reasoned | None]] = (
    _primary_source,
    _higher_tier,
    _contradiction,
    _new(Promotion.NEW_AMOUNT, "new figure:", "top_amounts", "amounts"),
    _new(Promotion.NEW_DATE, "new date:", "top_years", "years"),
    _new(Promotion.NEW_PARTY, "new party:", "top_parties", "parties"),
)
