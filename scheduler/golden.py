"""Other rules against the golden set: what `tocsin check` says of the marks.

Lives here: the words of a mark that changes sides. Not here: when it does (`alerts.marks`), what stands
behind the unwelcome ones (`alerts.blaming`), the rest of the check (`checking`).
"""

from collections.abc import Iterator, Mapping, Sequence

from alerts.blaming import blamed
from alerts.marks import Effect, Judgement, Mark, Ruling, effect, rulings
from alerts.matching import Matcher
from config.reading import Problem, Severity
from scheduler.settings import Settings

MOST_NAMED = 20  # marks that change sides, one by one; of more the number is said

_SEVERITY: Mapping[Effect, Severity] = {Effect.BROKEN: "error", Effect.MENDED: "note"}


def against_marks(settings: Settings, matcher: Matcher, kept: Sequence[Mark]) -> list[Problem]:
    """What is marked and would change sides, what stays wrong, and the word behind most of the unwelcome."""
    now = rulings(kept, matcher)
    effects = {
        mark.id: effect(mark.judgement, mark.ruling.verdict, now[mark.id].verdict)
        for mark in kept
        if mark.id in now
    }
    problems = []
    for which in (Effect.BROKEN, Effect.MENDED):
        changed = [mark for mark in kept if effects.get(mark.id) is which]
        problems += [
            _problem(settings, mark.watch, _SEVERITY[which], _turned(mark, now[mark.id], matcher))
            for mark in changed[:MOST_NAMED]
        ]
        if len(changed) > MOST_NAMED:
            more = f"{len(changed) - MOST_NAMED} more marks are {which.value}"
            problems.append(_problem(settings, changed[0].watch, _SEVERITY[which], more))
    problems += _remarks(settings, kept, effects)
    problems += [_problem(settings, one.watch, "warning", f"L8 {one}") for one in blamed(kept, matcher)]
    return problems


def _remarks(settings: Settings, kept: Sequence[Mark], effects: Mapping[int, Effect]) -> Iterator[Problem]:
    for watch in dict.fromkeys(mark.watch for mark in kept):
        marks = [mark for mark in kept if mark.watch == watch]
        wrong = [mark for mark in marks if effects.get(mark.id) is Effect.STILL_WRONG]
        gone = [mark for mark in marks if mark.id not in effects]
        if wrong:
            ids = ", ".join(str(mark.id) for mark in wrong[:10]) + (" …" if len(wrong) > 10 else "")
            said = f"{len(wrong)} of {len(marks)} marks are not as they should be, as before: {ids}"
            yield _problem(settings, watch, "warning", said)
        if gone:
            yield _problem(settings, watch, "warning", f"{len(gone)} marks are of this watch, which is gone")


def _turned(mark: Mark, now: Ruling, matcher: Matcher) -> str:
    item = mark.item
    what = f"mark {mark.id}, “{item.title or item.text[:80]}”{f' ({item.url})' if item.url else ''}"
    wished = mark.judgement.value.replace("_", " ")
    return f"{what}: marked {wished}; was {mark.ruling}, would be {now}{_because(mark, now, matcher)}"


def _because(mark: Mark, now: Ruling, matcher: Matcher) -> str:
    """Why what was wanted is not told any more: which part fails of the rule that held."""
    before = mark.ruling.rule
    if before is None or mark.judgement is Judgement.NOT_RELEVANT or now.verdict == "alert":
        return ""
    rules = {rule.rule: rule for rule in matcher.explain(mark.item.article(), mark.watch).rules}
    if before not in rules:
        return f": rule {before} is gone"
    failed = rules[before].failed
    return f": {before} lacks {failed}" if failed else f": {before} is of level {rules[before].level} now"


def _problem(settings: Settings, watch: str, severity: Severity, message: str) -> Problem:
    """At the line of the watch."""
    document = settings.documents["watches.yaml"]
    places = [n for n, known in enumerate(settings.watches.watches) if known.id == watch]
    if places:
        return document.problem(("watches", places[0]), message, severity)
    return Problem(severity, str(document.path), None, f"watches[{watch}]", message)
