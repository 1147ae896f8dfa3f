"""What matching costs, beside plain rivals. Run by hand: `python -m tests.bench.bench_matching`.

CPU time of one core, medians of rounds in which all take turns: absolute figures belong to this machine and
hour, ratios travel. It ends with 1 if a goal was missed; the line says which.

The rivals find less. The bare automaton (ahocorasick-rs, over text that is folded already) and one `re`
alternation of all terms say where words stand: no boundaries, no operators, no evidence. A matcher for each
watch finds the same, watch by watch. Where a rival would run for minutes, a share of its watches is measured
and the rest extrapolated: such figures are marked with ~.
"""

import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ahocorasick_rs import AhoCorasick
from ruamel.yaml import YAML

from alerts.matching import Matcher
from alerts.operators import terms_of
from alerts.query import Sets, parse
from alerts.text import fold
from alerts.watches import Rule, Watch, WatchesFile
from crawler.articles import Article
from tests.builders import article

ROUNDS = 15
SLICE = 0.02  # seconds a contestant runs in a round
GOALS = {"article": 300, "headline": 20}  # µs, default watch
TO_ONE, TO_BARE = 3.0, 2.0  # 1,000 watches to one; 10,000 watches to the bare automaton
WHOLE = 100  # watches up to which the slow rivals are measured whole

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


def plain(watches: Sequence[Watch], sets: Sets) -> Callable[[Article], int]:
    """All terms of all rules in one pattern, searched without regard to case."""
    longest_first = sorted(terms(watches, sets), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    return lambda one: sum(1 for field in (one.title, one.text) for _ in pattern.finditer(field))


def terms(watches: Sequence[Watch], sets: Sets) -> set[str]:
    roots = [parse(rule.query, sets).root for watch in watches for rule in watch.rules]
    return {" ".join(word.text for word in term.words) for root in roots for term in terms_of(root)}


class Goals:
    """What was asked, and whether it was reached."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def held(self, what: str, found: float, goal: float) -> str:
        """How it is printed behind the figure."""
        if found <= goal:
            return "ok"
        self.missed.append(f"{what}: {found:.2f}, goal {goal:g}")
        return "short of goal"


def default_watch(file: WatchesFile, goals: Goals) -> None:
    matcher = Matcher(file.watches, file.members())
    alternation = plain(file.watches, Sets(file.members()))
    _say(f"{'default watch':22}{'ours µs':>9}{'goal':>6}{'re µs':>10}{'ratio':>8}")
    for name, one in ARTICLES.items():
        cost = in_turn({"ours": lambda one=one: matcher.match(one), "re": lambda one=one: alternation(one)})
        goal = GOALS[name.split(",")[0]]
        figures = f"{cost['ours']:9.1f}{goal:6}{cost['re']:10.1f}{cost['ours'] / cost['re']:8.4f}"
        _say(f"{name:22}{figures}  {goals.held(f'default watch, {name}, µs', cost['ours'], goal)}")


# ---- many watches


def many_watches(goals: Goals) -> None:
    names = _names(random.Random(7))
    watches = [_invented(number, names) for number in range(10_000)]
    hit = _page(f"{names[0]} and {names[1]} loosen their contract", _FILLER * 10)
    _say(
        "\none article that one of the watches matches; goal: 1,000 watches cost no more than three times one"
    )
    for number, cost in _costs(watches, [hit]):
        to_one = cost["ours"] / cost["one"]
        said = goals.held("1,000 watches to one", to_one, TO_ONE) if number == 1000 else ""
        _say_costs(number, cost, said)
    mix = _mix(names, random.Random(8))
    matcher = Matcher(watches)
    matched = [len(matcher.match(one)) for one in mix]
    _say(
        f"\nmean of {len(mix)} articles, of which 10,000 watches match {len(mix) - matched.count(0)};"
        " goal: 10,000 watches cost no more than twice the bare automaton"
    )
    assert max(matched) == 2
    for number, cost in _costs(watches, mix):
        to_bare = cost["ours"] / cost["bare"]
        said = goals.held("10,000 watches to bare", to_bare, TO_BARE) if number == 10_000 else ""
        _say_costs(number, cost, said)


def _costs(watches: Sequence[Watch], articles: Sequence[Article]) -> Iterator[tuple[int, dict[str, float]]]:
    """µs an article, for a growing number of watches; `one` is what the first alone costs us."""
    _say(f"{'watches':8}{'ours µs':>9}{'to one':>8}{'bare µs':>9}{'to bare':>8}{'re µs':>11}{'apart µs':>10}")
    one = 0.0
    for number in (1, 100, 1000, 10_000):
        cost = in_turn(_contestants(watches[:number], articles))
        cost = {name: each / len(articles) for name, each in cost.items()}
        one = one or cost["ours"]
        yield number, {**cost, "one": one}


def _say_costs(number: int, cost: Mapping[str, float], said: str) -> None:
    ours = f"{cost['ours']:9.1f}{cost['ours'] / cost['one']:8.2f}"
    bare = f"{cost['bare']:9.1f}{cost['ours'] / cost['bare']:8.2f}"
    more, mark = (number // WHOLE, "~") if number > WHOLE else (1, "")
    slow = [f"{mark}{cost[rival] * more:.0f}" for rival in ("re", "apart")]
    _say(f"{number:<8}{ours}{bare}{slow[0]:>11}{slow[1]:>10}  {said}".rstrip())


def _contestants(watches: Sequence[Watch], articles: Sequence[Article]) -> dict[str, Callable[[], object]]:
    together = Matcher(watches)
    automaton = AhoCorasick(sorted(terms(watches, Sets())))
    folded = [fold(field) for one in articles for field in (one.title, one.text)]
    share = watches[:WHOLE]
    alternation = plain(share, Sets())
    apart = [Matcher([watch]) for watch in share]
    return {
        "ours": lambda: [together.match(one) for one in articles],
        "bare": lambda: [automaton.find_matches_as_indexes(text, overlapping=True) for text in folded],
        "re": lambda: [alternation(one) for one in articles],
        "apart": lambda: [each.match(one) for one in articles for each in apart],
    }


_SYLLABLES = re.findall("..", "bacodefigahoixjukalumenorprasetovewaylzeskteneguribolupimarosidothu")


def _names(rng: random.Random) -> list[str]:
    """Invented names, each once, four for each watch; some of two words."""
    found: dict[str, None] = {}
    while len(found) < 40_000:
        name = "".join(rng.choices(_SYLLABLES, k=rng.choice((3, 4, 4)))).capitalize()
        found[f"{name} {rng.choice(('Labs', 'Systems', 'Energy'))}" if rng.random() < 0.1 else name] = None
    return list(found)


def _invented(number: int, names: Sequence[str]) -> Watch:
    """A watch for two firms and a product or two: 3.6 terms each."""
    firm, partner, product, other = (f'"{name}"' for name in names[4 * number : 4 * number + 4])
    products = f"({product} OR {other})" if number % 5 < 3 else product
    return Watch(
        id=f"w{number}",
        rules=(Rule(id="r", query=f"title:({firm} AND {partner}) OR ({firm} NEAR/10 {products})"),),
    )


def _mix(names: Sequence[str], rng: random.Random) -> list[Article]:
    """Of twenty articles nine name nobody, seven somebody some watch looks for, four make one or two hold."""
    articles = [_page("Router recall", rng.choice((_ELSEWHERE, _FILLER)) * 14) for _ in range(9)]
    for _ in range(7):
        named = rng.sample(names, 3)
        aside = f"{named[0]} and {named[1]} are not concerned, says {named[2]}.\n\n"
        articles.append(_page("Router recall", _FILLER * 3 + aside + _ELSEWHERE * 9))
    for held in (1, 1, 1, 2):
        pairs = [names[4 * number : 4 * number + 2] for number in rng.sample(range(10_000), held)]
        title = " while ".join(f"{firm} buys {partner}" for firm, partner in pairs)
        articles.append(_page(title, "".join(f"{firm} pays. " for firm, _ in pairs) + _FILLER * 9))
    return articles


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    shipped = Path(__file__).parent.parent.parent / "config" / "watches.yaml"
    goals = Goals()
    default_watch(WatchesFile.model_validate(YAML(typ="safe").load(shipped)), goals)
    many_watches(goals)
    _say("\n" + ("\n".join(["short of goal:", *goals.missed]) if goals.missed else "all goals reached"))
    return 1 if goals.missed else 0


if __name__ == "__main__":
    sys.exit(main())
