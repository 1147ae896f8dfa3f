"""What people complain of most in other news monitors, one test each, from end to end where it needs one.

1. names inside Chinese and Japanese text are not found, because `\\b` sees no boundary there
2. an exclusion throws away a good story, because it looks at the whole document
3. headlines in a page's sidebar make it match
4. a rule that cannot be read is skipped in silence
5. a new rule only works for what comes after it
6. an entry dated before the newest one seen is never looked at
7. what a filter does is seen only after it is in force
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from alerts import outbox
from alerts.catch_up import catch_up
from alerts.matching import Matcher
from alerts.outbox import State
from alerts.watches import Rule, Watch
from config.documents import ConfigError
from crawler.pages import read_page
from scheduler import cli
from scheduler.daemon import Daemon
from scheduler.settings import load
from tests.alerts.test_screen import PACT, WATCH, Desk
from tests.builders import DAY, NOW, article
from tests.crawler import test_pages as pages

WATCHES = """\
watches:
  - id: pact
    channels: [ops]
    rules:
      - {id: core, query: OpenAI AND Microsoft}
"""


def holds(query: str, title: str, text: str = "") -> bool:
    watch = Watch(id="w", rules=(Rule(id="r", query=query),))
    return bool(Matcher([watch]).match(article(title, text=text)))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration that is in order."""
    place = tmp_path / "config"
    place.mkdir()
    (place / "watches.yaml").write_text(WATCHES)
    (place / "sources.yaml").write_text(
        "sources: [{id: herald, kind: feed, url: 'http://127.0.0.1:9/feed'}]\n"
    )
    (place / "channels.yaml").write_text("channels: [{id: ops, kind: console}]\nops: ops\n")
    return place


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("OpenAI AND 微软", "微软与OpenAI重签合约"),
        ("OpenAI AND マイクロソフト", "米マイクロソフトがOpenAIと契約を見直す"),
        ("OpenAI AND まいくろ", "きのうOpenAIとまいくろ社が話した"),
        ("OpenAI AND ไมโครซอฟท์", "บริษัทไมโครซอฟท์กับOpenAIลงนาม"),
    ],
)
def test_1_a_name_is_found_between_letters_of_a_script_without_spaces(query: str, title: str) -> None:
    assert holds(query, title)


def test_2_a_story_is_kept_although_a_phrase_to_be_left_out_stands_in_it_too() -> None:
    story = "OpenAI and Microsoft renegotiate exclusivity; customers of Azure OpenAI are not affected."
    recipe = "How to call Azure OpenAI from a script that runs on Microsoft Windows."
    rule = 'Microsoft AND OpenAI EXCEPT "Azure OpenAI"'
    assert holds(rule, "", story)
    assert not holds(rule, "", recipe)
    assert not holds('Microsoft AND OpenAI NOT "Azure OpenAI"', "", story)


@pytest.mark.parametrize(
    "around",
    [
        f'<aside><h3>Latest</h3><p><a href="/x">{pages.DECOY}</a></p></aside>',
        f'<div class="sidebar"><p>{pages.DECOY}, sources say.</p></div>',
        f'<div class="related-articles"><h4>{pages.DECOY}</h4></div>',
        f'<div><h3>Most read</h3><p><a href="/x">{pages.DECOY}</a></p></div>',
    ],
)
def test_3_headlines_around_the_article_of_a_page_do_not_match(around: str) -> None:
    page = read_page(pages.article(around=around).encode(), "text/html", pages.URL)
    inside = read_page(pages.article(inside=f"<p>{pages.DECOY}.</p>").encode(), "text/html", pages.URL)
    assert not holds("OpenAI AND Microsoft", page.title or "", page.text)
    assert holds("OpenAI AND Microsoft", inside.title or "", inside.text)


def test_4_a_rule_that_cannot_be_read_stops_the_start_with_its_place(directory: Path) -> None:
    (directory / "watches.yaml").write_text(WATCHES.replace("OpenAI AND", "(OpenAI AND"))
    with pytest.raises(ConfigError) as refused:
        load(directory, {})
    (problem,) = refused.value.problems
    assert (Path(problem.file).name, problem.line) == ("watches.yaml", 5)
    assert problem.key == "watches[pact].rules[core].query"
    assert "this parenthesis is never closed" in problem.message


async def test_4_on_a_reload_the_last_good_rules_stay_and_somebody_is_told(
    directory: Path, engine: Engine
) -> None:
    daemon = Daemon(load(directory, {}), engine, {})
    before = daemon.jobs.rulebook
    (directory / "watches.yaml").write_text(WATCHES.replace("OpenAI AND", "OpenAI ADN/2"))
    daemon.reload()
    assert daemon.jobs.rulebook is before
    with engine.connect() as connection:
        (notice,) = outbox.records(connection, states=[State.WAITING])
    assert notice.body.title == "The new configuration is refused; the last good one stays in force"


def test_5_a_new_rule_works_for_the_past_too_when_it_is_asked_to(engine: Engine) -> None:
    desk = Desk(engine)
    desk.bring("Microsoft orders chips")
    rules = (*WATCH.rules, Rule(id="chips", query="title:(Microsoft AND chips)"))
    wider = WATCH.model_copy(update={"rules": rules})
    book = replace(desk.rulebook, watches={"pact": wider}, matcher=Matcher([wider]))
    assert [len(catch_up(engine, book, NOW - DAY, NOW).told) for _ in range(2)] == [1, 0]
    assert {d.body.title for d in desk.told()} == {"Microsoft orders chips"}


def test_6_an_entry_dated_before_the_newest_one_seen_is_told(engine: Engine) -> None:
    desk = Desk(engine)
    desk.bring("Something else altogether", published=NOW)
    late = desk.bring(PACT, now=NOW + timedelta(hours=1), published=NOW - 2 * DAY)
    assert late.alerts == 1
    undated = desk.bring("Microsoft gives OpenAI more room", now=NOW + timedelta(hours=2), published=None)
    assert undated.alerts == 1


def test_7_what_a_query_does_is_seen_before_it_is_saved(directory: Path, tmp_path: Path) -> None:
    def tried(query: str, text: str) -> tuple[int, str]:
        places = {"TOCSIN_CONFIG": str(directory), "TOCSIN_DATA": str(tmp_path), "NO_COLOR": "1"}
        answer = CliRunner().invoke(cli.app, ["try", query, "-"], env=places, input=text)
        return answer.exit_code, answer.output

    body = "Rain in the north. Azure OpenAI grows, and OpenAI pays."
    code, said = tried('OpenAI EXCEPT "Azure OpenAI"', f"News of the day\n\n{body}")
    assert code == 0
    place = body.rindex("OpenAI")
    assert f"body {place}–{place + 6}" in said
    assert tried("Anthropic", body)[0] == 3
    assert list(tmp_path.iterdir()) == [directory]  # trying leaves nothing behind
