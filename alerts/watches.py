"""Watch: a standing query with a name, rules and channels.

Lives here: what `watches.yaml` says, as far as it can be checked without an article, and the version of a
rule. Not here: the query language (`query`), what matches (`matching`).
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated

from pydantic import Field, model_validator

from alerts.operators import AnyTerm, Named, Node
from alerts.query import Members, Query, QueryError, Sets, parse
from alerts.routes import Destination, Level, possible, recipients
from config.reading import Keys
from crawler.articles import Article

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$", max_length=80)]
SetName = Annotated[str, Field(pattern=r"^[\w-]+$", max_length=80)]


class Rule(Keys):
    """One query of a watch, and how urgent it is when it holds."""

    id: Slug
    level: Level = "alert"
    query: str
    shadow: bool = False  # runs beside the others and tells nobody
    instead_of: str | None = None  # of a shadow: the rule it is compared with; None: with all that tell
    channels: tuple[Destination, ...] | None = None  # None: those of the watch
    note: str | None = None  # for whoever keeps the file


class Watch(Keys):
    """What somebody wants to be told about."""

    id: Slug
    name: str = ""
    rules: tuple[Rule, ...] = Field(min_length=1)
    channels: tuple[Destination, ...] = ()

    @model_validator(mode="after")
    def _rules_are_told_apart(self) -> "Watch":
        ids = [rule.id for rule in self.rules]
        twice = next((one for one in ids if ids.count(one) > 1), None)
        if twice:
            raise ValueError(f"two rules are called {twice!r}")
        return self

    @model_validator(mode="after")
    def _shadows_stand_in_for_live_rules(self) -> "Watch":
        live = [rule.id for rule in self.rules if not rule.shadow]
        for rule in self.rules:
            if rule.instead_of is not None and not rule.shadow:
                raise ValueError(f"rule {rule.id}: `instead_of:` is for a rule with `shadow: true`")
            if rule.instead_of is not None and rule.instead_of not in live:
                there = ", ".join(live) or "none"
                raise ValueError(
                    f"rule {rule.id}: `instead_of: {rule.instead_of}` names no rule of this watch that "
                    f"tells; there are: {there}"
                )
        return self

    def told(self, rule: str, level: str, article: Article) -> tuple[str, ...]:
        """The channels that a rule of this level tells of this article."""
        return recipients(self.destinations(rule), level, article)

    def may_be_told(self, rule: Rule) -> tuple[str, ...]:
        """The channels that a rule may tell, of whatever article."""
        return possible(self.destinations(rule.id), rule.level)

    def destinations(self, rule: str) -> tuple[Destination, ...]:
        """Of a rule: its own, else those of the watch."""
        own = next((one.channels for one in self.rules if one.id == rule), None)
        return own or self.channels

    def in_order(self) -> tuple[Rule, ...]:
        """The rules as they are tried: alerts first, otherwise as written."""
        return tuple(sorted(self.rules, key=lambda rule: (rule.level != "alert", rule.shadow)))


class WatchesFile(Keys):
    """All of `watches.yaml`. A set is a list of terms, lists of terms by language, or a query with a name."""

    sets: dict[SetName, tuple[str, ...] | dict[str, tuple[str, ...]] | str] = Field(default_factory=dict)
    watches: tuple[Watch, ...] = ()

    @model_validator(mode="after")
    def _everything_can_be_read(self) -> "WatchesFile":
        sets = Sets(self.members())
        for name in self.sets:
            try:
                sets.node(name)
            except ValueError as error:
                raise ValueError(f"sets.{name}: {error}") from error
        ids = [watch.id for watch in self.watches]
        twice = next((one for one in ids if ids.count(one) > 1), None)
        if twice:
            raise ValueError(f"two watches are called {twice!r}")
        for watch in self.watches:
            for rule in watch.rules:
                read_rule(watch, rule, sets)
        return self

    def members(self) -> dict[str, Members]:
        """The sets as `query.Sets` takes them."""
        return dict(self.sets)


def read_rule(watch: Watch, rule: Rule, sets: Sets) -> Query:
    """The query of a rule; raises ValueError that names watch and rule and shows the caret."""
    try:
        return parse(rule.query, sets)
    except QueryError as error:
        raise ValueError(f"watch {watch.id}, rule {rule.id}: {error}") from error


def trial(query: str, sets: Mapping[str, Members]) -> Watch:
    """A query that is in no file, as the one rule of a watch of its own; raises QueryError."""
    parse(query, sets)
    return Watch(id="try", rules=(Rule(id="query", query=query),), channels=("try",))


def version(rule: Rule, query: Query) -> str:
    """A short name for what a rule means: its level and its query, with the sets it uses member by member.

    Two of them differ where an article could be judged differently; an edit elsewhere in the file, or of a
    note or a channel, changes nothing.
    """
    sets: dict[str, str] = {}
    _spell_sets(query.root, sets)
    meaning = "\n".join([rule.level, str(query.root), *sorted(sets.values())])
    return blake2b(meaning.encode(), digest_size=4).hexdigest()


def _spell_sets(node: Node, sets: dict[str, str]) -> None:
    """Every set below a node and what it stands for; each once, however often it is named."""
    if isinstance(node, AnyTerm | Named) and str(node) in sets:
        return
    if isinstance(node, AnyTerm):
        sets[str(node)] = f"{node} = {sorted(str(member) for member in node.members)}"
    if isinstance(node, Named):
        sets[str(node)] = f"{node} = {node.children[0]}"
    for child in node.children:
        _spell_sets(child, sets)
