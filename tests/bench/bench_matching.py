"""What matching costs, beside two plain rivals. Run by hand: `python -m tests.bench.bench_matching`.

CPU time of one core, medians of rounds in which all take turns: absolute figures belong to this machine and
hour, ratios travel. The rivals find less: one `re` alternation of all terms says where words stand, knows
no word boundaries of other scripts, no operators, and shows no evidence; and a matcher for each watch.
"""

import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ruamel.yaml import YAML

from alerts.matching import Matcher
from alerts.query import Sets, parse
from alerts.watches import Rule, Watch, WatchesFile
from crawler.articles import Article
from tests.builders import article

ROUNDS = 15
SLICE = 0.02  # seconds a contestant runs in a round
GOALS = {"article": 300, "headline": 20}  # µs, default watch

_ABOUT = (
    "OpenAI and Microsoft have agreed to loosen the contract that ties the laboratory to one supplier"
    " of computers, four people who have read the draft say. The software company keeps a share of "
    "the revenue and gives up its right to refuse capacity bought elsewhere.\n\n"
)
_ABOUT_FR = (
    "OpenAI et Microsoft ont convenu d’assouplir le contrat qui lie le laboratoire à un seul "
    "fournisseur de machines, selon quatre personnes qui ont lu le projet. L’éditeur garde une part "
    "des recettes, mais renonce à refuser de la capacité achetée ailleurs.\n\n"
)
_FILLER = (
    "The talks began in the spring, after engineers had complained that new machines came too late. A"
    " person close to the board said that nobody had thought of leaving, though both had asked their "
    "advisers what it would cost. For customers little changes at first: the interface remains the "
    "same, and prices are not touched.\n\n"
)
_ELSEWHERE = (
    "Thirty thousand routers go back to the plant because a batch of condensers may overheat. Owners "
    "are asked to pull the plug and to wait for a letter. The fault was found by a student who opened"
    " hers for a school project and was offered a prize.\n\n"
)


def _page(title: str, text: str) -> Article:
    return article(title, text=text[:3000])


ARTICLES = {
    "headline, about it": article("OpenAI and Microsoft loosen their cloud contract"),
    "headline, one name": article("OpenAI opens an office in Turin"),
    "headline, no name": article("Router recall: thirty thousand devices go back to the plant"),
    "article, about it": _page("OpenAI and Microsoft loosen their contract", _ABOUT + _FILLER * 9),
    "article, French": _page("OpenAI et Microsoft assouplissent leur contrat", _ABOUT_FR * 12),
    "article, by its lead": _page("Technology of the day", _ABOUT + _FILLER * 4 + _ABOUT * 4),
    "article, no name": _page("Router recall", _ELSEWHERE * 14),
}


def in_turn(contestants: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median CPU time of one call of each, in µs."""
    calls = {name: _calls_per_slice(run) for name, run in contestants.items()}
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, run in contestants.items():
            taken[name].append(_cpu(run, calls[name]) / calls[name])
    return {name: statistics.median(each) * 1e6 for name, each in taken.items()}


def _cpu(run: Callable[[], object], calls: int) -> float:
    begun = time.process_time()
    for _ in range(calls):
        run()
    return time.process_time() - begun


def _calls_per_slice(run: Callable[[], object]) -> int:
    run()  # what is computed once in a process is not counted
    return max(1, int(SLICE / max(_cpu(run, 3) / 3, 1e-7)))


def alternation(watches: Sequence[Watch], file: WatchesFile) -> Callable[[Article], int]:
    """All terms of all rules in one pattern, searched without regard to case."""
    sets = Sets(file.members())
    roots = [parse(rule.query, sets).root for watch in watches for rule in watch.rules]
    terms = {" ".join(word.text for word in term.words) for root in roots for term in root.terms()}
    pattern = re.compile("|".join(map(re.escape, sorted(terms, key=len, reverse=True))), re.IGNORECASE)
    return lambda one: sum(1 for field in (one.title, one.text) for _ in pattern.finditer(field))


def default_watch(file: WatchesFile) -> None:
    matcher = Matcher(file.watches, file.members())
    plain = alternation(file.watches, file)
    _say(f"{'default watch':24}{'µs':>8}{'goal':>8}{'re µs':>9}{'ratio':>8}")
    for name, one in ARTICLES.items():
        cost = in_turn({"ours": lambda one=one: matcher.match(one), "re": lambda one=one: plain(one)})
        goal = GOALS[name.split(",")[0]]
        _say(f"{name:24}{cost['ours']:8.1f}{goal:8}{cost['re']:9.1f}{cost['ours'] / cost['re']:8.2f}")


def many_watches() -> None:
    """Watches for invented companies, one of which the article names."""
    _say(f"\n{'watches':24}{'µs':>8}{'to one':>8}{'apart µs':>10}{'ratio':>8}")
    one = _page("Firm7x and Partner7x loosen their contract", _FILLER * 10)
    single = 0.0
    for number in (1, 100, 1000):
        watches = [_invented(n) for n in range(7, 7 + number)]
        together = Matcher(watches)
        apart = [Matcher([watch]) for watch in watches]
        cost = in_turn(
            {
                "ours": lambda m=together: m.match(one),
                "apart": lambda a=apart: [each.match(one) for each in a],
            }
        )
        single = single or cost["ours"]
        ratios = f"{cost['ours'] / single:8.2f}{cost['apart']:10.1f}{cost['ours'] / cost['apart']:8.3f}"
        _say(f"{number:<24}{cost['ours']:8.1f}{ratios}")


def _invented(number: int) -> Watch:
    query = f"title:(Firm{number}x AND Partner{number}x) OR (Firm{number}x NEAR/10 Maker{number}x)"
    return Watch(id=f"w{number}", rules=(Rule(id="r", query=query),))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    shipped = Path(__file__).parent.parent.parent / "config" / "watches.yaml"
    default_watch(WatchesFile.model_validate(YAML(typ="safe").load(shipped)))
    many_watches()
