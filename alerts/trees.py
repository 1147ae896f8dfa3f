"""Trees: a rule's parse tree held against an article; which part held, and which was lacking.

Lives here: the tree, how near it is to holding, its lines for a terminal. Pure. Not here: whether a part
holds (`operators`), the rules and their order (`matching`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.evidence import Evidence, evidence_of
from alerts.operators import And, AnyTerm, Except, Named, Node, Not, Or, Reading, Scope

_SILENT_SHOWN = 2  # in a terminal, levels of a tree that are shown even where nothing was found


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a rule's parse tree, and whether it held."""

    query: str
    holds: bool
    evidence: tuple[Evidence, ...]
    steps: tuple["Step", ...] = ()
    struck: tuple[Evidence, ...] | None = None  # of an exclusion: what it struck out; None: it is none

    def to_json(self) -> dict[str, Any]:
        """As `tocsin why --json` prints it."""
        struck = {} if self.struck is None else {"struck": [one.to_json() for one in self.struck]}
        return {
            "query": self.query,
            "holds": self.holds,
            "evidence": [one.to_json() for one in self.evidence],
            **struck,
            "steps": [step.to_json() for step in self.steps],
        }

    @property
    def is_silent(self) -> bool:
        """Whether nothing of it was found: there is no more to say of its parts than of itself."""
        if not self.steps:
            return not self.holds
        return not (self.evidence or self.struck) and all(step.is_silent for step in self.steps)


def tree(node: Node, reading: Reading, scope: Scope) -> Step:
    """A part with its parts."""
    places = node.find(reading, scope)
    evidence = evidence_of(places or [], reading)
    inner = node.scope_of_children(scope)
    return Step(
        str(node),
        places is not None,
        evidence,
        tuple(tree(child, reading, inner) for child in node.children),
        evidence_of(node.struck(reading, scope), reading) if isinstance(node, Not | Except) else None,
    )


def nearness(node: Node, reading: Reading, scope: Scope) -> float:
    """How much of a part holds: of AND the mean of its parts, of OR the best, of a word all or nothing.

    Both words without the distance between them are nearer than one word, and still not there. What holds
    without a word to show for it, as NOT does, brings nothing nearer.
    """
    if node.find(reading, scope) is not None:
        return 1.0
    if isinstance(node, Not) or not node.children:
        return 0.0
    inner = node.scope_of_children(scope)
    wanted = [child for child in node.children if child.find(reading, inner) != []]
    parts = [nearness(child, reading, inner) for child in wanted]
    if isinstance(node, Or | Named):
        return max(parts)
    if isinstance(node, Except):
        return 0.9 * parts[0]
    return (1.0 if isinstance(node, And) else 0.9) * sum(parts) / len(parts)


def first_failure(node: Node, reading: Reading, scope: Scope) -> str:
    """The smallest part that was needed and did not hold."""
    inner = node.scope_of_children(scope)
    if isinstance(node, And) or (len(node.children) == 1 and not isinstance(node, AnyTerm)):
        for child in node.children:
            if child.find(reading, inner) is None:
                return first_failure(child, reading, inner)
    within = "" if scope == "all" else f" in the {scope}"
    return f"{_shortened(str(node))}{within}"


def tree_lines(step: Step, depth: int, shown: set[Step]) -> Iterable[str]:
    """A part and its parts; what was shown before, or has nothing to show, is not taken apart again."""
    found = f"   ← {_places(step.evidence)}" if step.evidence else ""
    struck = f"   struck out: {_places(step.struck)}" if step.struck else ""
    silent = depth > _SILENT_SHOWN and step.is_silent
    left_out = "   nothing of it" if silent else "   as above" if step in shown else ""
    whole = not step.steps or not left_out
    said = f"{'✓' if step.holds else '✗'} {_shortened(step.query)}{found}{struck}"
    yield f"{'  ' * depth}{said}{'' if whole else left_out}"
    if whole:
        shown.add(step)
        for inner in step.steps:
            yield from tree_lines(inner, depth + 1, shown)


def _places(found: Sequence[Evidence]) -> str:
    more = f" … {len(found) - 4} more" if len(found) > 4 else ""
    return ", ".join(map(_place, found[:4])) + more


def _place(one: Evidence) -> str:
    look_alike = " in look-alike letters" if one.look_alike else ""
    return f"{one.text!r} {one.field} {one.start}–{one.end}{look_alike}"


def _shortened(query: str) -> str:
    return query if len(query) <= 100 else query[:97] + "…"
