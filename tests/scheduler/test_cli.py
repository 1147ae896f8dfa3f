"""The command line: what it answers, and with which exit code."""

import json
import pkgutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import time_machine
from typer.testing import CliRunner, Result

from alerts import ledger
from alerts.silences import Aim
from crawler import archive
from crawler.sources import SourceId
from scheduler import cli, commands
from scheduler.database import FILE, open_database
from scheduler.sole import sole_instance
from tests.builders import DAY, HOUR, NOW, entry, fetch, source

WATCHES = """
sets: {openai: [OpenAI], microsoft: [Microsoft]}
watches:
  - id: pact
    name: The pact
    channels: [news]
    rules: [{id: core, level: alert, query: "title:(@openai AND @microsoft)"}]
"""
SOURCES = "sources: [{id: herald, kind: feed, url: 'http://127.0.0.1:9/feed'}]\n"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_list_of_commands_says_of_each_what_it_says_of_itself(name: str) -> None:
    own = cli.command_named(name).help
    assert own.split("\n\n")[0].replace("\n", " ") == cli.COMMANDS[name].help


def test_every_command_is_in_the_list() -> None:
    families = {place.family for place in cli.COMMANDS.values()}
    assert families == {module.name for module in pkgutil.iter_modules(commands.__path__)}
    for family in families:
        own = cli.family(family).commands
        listed = {name for name, place in cli.COMMANDS.items() if place.family == family}
        assert listed == set(own) or len(listed) == 1  # a family that is one command: `tocsin mark add`


class Desk:
    """A configuration, a data directory, and a hand on the command line."""

    def __init__(self, directory: Path) -> None:
        self.config, self.data = directory / "config", directory / "data"
        self.config.mkdir()
        self.data.mkdir()
        self.write("sources.yaml", SOURCES)
        self.write("watches.yaml", WATCHES)
        self.write("daemon.yaml", "network: {allow: [127.0.0.0/8]}\nhttp: null\n")

    def write(self, name: str, text: str) -> None:
        (self.config / name).write_text(text, encoding="utf-8")

    def __call__(self, *words: str, stdin: str | None = None) -> Result:
        places = {"TOCSIN_CONFIG": str(self.config), "TOCSIN_DATA": str(self.data), "NO_COLOR": "1"}
        return CliRunner().invoke(cli.app, list(words), env=places, input=stdin)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)

    def bring(self, *titles: str) -> None:
        """Entries in the archive, as if crawled."""
        engine = open_database(f"sqlite:///{self.data / FILE}")
        known = {SourceId("herald"): source()}
        with engine.begin() as connection:
            archive.enrol(connection, known.values())
            for n, found in enumerate(
                [(), [entry(t, url=f"https://herald.example/{n}") for n, t in enumerate(titles)]]
            ):
                archive.make_due(connection, NOW)
                (claim,) = archive.claim_due(connection, known, NOW, HOUR, 1)
                archive.record_document(
                    connection, claim, fetch(), list(found), [f"h{n}"], NOW, lambda _: False
                )
        engine.dispose()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_mistake_in_the_configuration_is_exit_2_with_file_line_and_key(desk: Desk) -> None:
    desk.write("sources.yaml", "sources:\n  - {id: herald, kind: feed, ulr: 'https://herald.example'}\n")
    for command in (["run"], ["once"], ["status"], ["why", "x"], ["check"]):
        answer = desk(*command)
        assert answer.exit_code == 2, command
        said = answer.output
        assert "sources.yaml:2" in said
        assert "url" in said


def test_check_says_ok_and_what_is_not_in_force(desk: Desk) -> None:
    desk.write("daemon.yaml", "retention: {raw: 3d}\n")
    answer = desk.json("check")
    assert answer["ok"] is True
    assert [(p["severity"], p["line"], p["key"]) for p in answer["problems"]] == [("note", 1, "retention")]


def test_a_query_is_tried_on_a_text(desk: Desk) -> None:
    hit = desk("try", "@openai NEAR/3 @microsoft", "-", stdin="Big news\n\nOpenAI and Microsoft sign a pact.")
    assert hit.exit_code == 0
    assert "best sentence: OpenAI and Microsoft sign a pact." in hit.output
    assert desk("try", "title:OpenAI", "-", stdin="Nothing here").exit_code == 3


def test_try_says_what_is_hardly_meant(desk: Desk) -> None:
    answer = desk("try", "OpenAI and Microsoft", "-", "--json", stdin="OpenAI and Microsoft sign a pact.")
    assert answer.stderr.startswith("warning: L0 'and' is looked for as a word")
    assert json.loads(answer.stdout)["matched"]


def test_a_query_that_cannot_be_read_is_exit_2_with_a_caret(desk: Desk) -> None:
    answer = desk("try", "OpenAI NEER/3 Microsoft", "-", stdin="x")
    assert answer.exit_code == 2
    assert "did you mean NEAR/n" in answer.output
    assert "         ^" in answer.output


def test_a_file_that_is_not_there_is_said_so(desk: Desk) -> None:
    answer = desk("evaluate", "missing.jsonl")
    assert answer.exit_code == 2
    assert "missing.jsonl" in answer.output


def test_a_corpus_is_evaluated(desk: Desk, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    items = [
        {
            "id": "a",
            "language": "en",
            "title": "OpenAI meets Microsoft",
            "lead": "",
            "text": "",
            "label": "positive",
        },
        {
            "id": "b",
            "language": "en",
            "title": "OpenAI meets Oracle",
            "lead": "",
            "text": "",
            "label": "positive",
        },
        {"id": "c", "language": "en", "title": "Nothing", "lead": "", "text": "", "label": "negative"},
    ]
    corpus.write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    answer = desk.json("evaluate", str(corpus))
    assert (answer["tp"], answer["fn"], answer["tn"], answer["recall"]) == (1, 1, 1, 0.5)
    assert "missed (quiet): b" in desk("evaluate", str(corpus)).output


def test_once_reads_screens_delivers_and_says_what_failed(desk: Desk) -> None:
    answer = desk("once", "--json")
    assert answer.exit_code == 3  # nothing listens on port 9
    assert json.loads(answer.stdout)["sources"] == {"ok": 0, "not_modified": 0, "failed": 1}
    failing = desk.json("status")["failing"]
    assert [(s["id"], s["outcome"]) for s in failing] == [("herald", "refused")]


def test_json_is_all_there_is_on_stdout_even_when_the_console_is_told(desk: Desk) -> None:
    desk.bring("OpenAI and Microsoft sign")
    answer = desk("once", "--json")
    assert json.loads(answer.stdout)["deliveries"]["sent"] == 2  # the alert, and the line of the day
    assert "OpenAI and Microsoft sign" in answer.stderr


def test_two_daemons_do_not_share_a_directory(desk: Desk) -> None:
    with sole_instance(desk.data):
        answer = desk("once")
    assert answer.exit_code == 4
    assert "another daemon" in answer.output


def test_why_has_an_answer_for_every_article(desk: Desk) -> None:
    desk.bring("OpenAI and Microsoft sign", "OpenAI alone")
    assert desk.json("why", "https://herald.example/1")["answer"] == "not_screened"
    assert desk.json("why", "https://nobody.example")["answer"] == "not_fetched"
    desk("once")
    told = desk.json("why", "https://herald.example/0")
    assert told["answer"] == "told"
    assert told["decided"]["version"] == told["explanation"]["rules"][0]["version"]
    assert [one["text"] for one in told["decided"]["evidence"]] == ["OpenAI", "Microsoft"]
    silent = desk.json("why", "https://herald.example/1")
    assert silent["answer"] == "no_match"
    assert "@microsoft" in silent["sentence"]
    assert silent["explanation"]["rules"][0]["tree"]["holds"] is False
    assert silent["explanation"]["rules"][0]["nearness"] == 0.45
    assert silent["decided"] is None


def test_sources_are_listed_and_shown(desk: Desk) -> None:
    desk.bring("OpenAI alone")
    (listed,) = desk.json("sources", "list")
    assert (listed["id"], listed["state"]) == ("herald", "ok")
    assert desk.json("sources", "show", "herald")["latest"][0]["title"] == "OpenAI alone"
    assert desk("sources", "show", "nobody").exit_code == 2
    assert "herald" in desk("sources").output


def test_a_single_address_is_tried_without_touching_the_database(desk: Desk) -> None:
    answer = desk("sources", "test", "http://127.0.0.1:9/feed")
    assert answer.exit_code == 3
    assert answer.output.startswith("refused")
    assert not (desk.data / FILE).exists()


OPML = """<opml version="2.0"><body><outline text="Ships">
<outline type="rss" text="Harbour Gazette" xmlUrl="https://harbour.example/feed" language="en"/>
<outline type="rss" text="Known" xmlUrl="http://127.0.0.1:9/feed"/></outline></body></opml>"""
LISTED = "# mine\nsources:\n  - id: herald\n    kind: feed\n    url: http://127.0.0.1:9/feed\n"


def test_the_feeds_of_another_reader_are_shown_as_sections(desk: Desk) -> None:
    answer = desk("sources", "import", "-", stdin=OPML)
    assert answer.exit_code == 0
    assert answer.stdout == (
        "  - id: harbour-gazette\n    name: Harbour Gazette\n    kind: feed\n"
        "    url: https://harbour.example/feed\n    language: en\n    tags: [ships]\n"
    )
    assert answer.stderr == "1 new, 1 there already, 0 left out\n"
    assert (desk.config / "sources.yaml").read_text() == SOURCES


def test_they_are_added_to_the_file_and_are_sources_then(desk: Desk, tmp_path: Path) -> None:
    desk.write("sources.yaml", LISTED)
    (tmp_path / "feeds.opml").write_text(OPML)
    answer = desk.json("sources", "import", str(tmp_path / "feeds.opml"), "--write")
    assert (answer["written"], answer["left_out"]) == (True, [])
    assert [one["id"] for one in answer["new"]] == ["harbour-gazette"]
    assert answer["known"] == [{"id": "herald", "url": "http://127.0.0.1:9/feed"}]
    assert (desk.config / "sources.yaml").read_text().startswith(LISTED)
    assert [one["id"] for one in desk.json("sources", "list")] == ["herald", "harbour-gazette"]
    assert desk("sources", "import", str(tmp_path / "feeds.opml"), "--write").exit_code == 0
    assert len(desk.json("sources", "list")) == 2


def test_what_is_left_out_of_an_import_is_exit_3_and_what_is_no_opml_exit_2(desk: Desk) -> None:
    answer = desk("sources", "import", "-", stdin='<opml><outline type="rss" text="No address"/></opml>')
    assert answer.exit_code == 3
    assert "left out: No address: it has no xmlUrl" in answer.stderr
    assert desk("sources", "import", "-", stdin="<html/>").exit_code == 2
    assert desk("sources", "import", "nowhere.opml").exit_code == 2


def test_the_feeds_are_handed_on_without_what_the_environment_hides(desk: Desk) -> None:
    desk.write(
        "sources.yaml",
        LISTED
        + "  - {id: off, kind: feed, url: 'https://off.example/f', enabled: false}\n"
        + "  - {id: mine, kind: feed, url: 'https://mine.example/${KEY:-hunter2}'}\n",
    )
    answer = desk("sources", "export")
    assert answer.exit_code == 0
    assert 'xmlUrl="http://127.0.0.1:9/feed"' in answer.stdout
    assert "off.example" not in answer.stdout
    assert "hunter2" not in answer.output
    assert "left out: mine: its address holds a value of the environment" in answer.stderr


def test_silences_come_and_go(desk: Desk) -> None:
    added = desk.json("silence", "add", "source", "herald", "--for", "2h", "--comment", "too loud")
    assert (added[0]["aim"], added[0]["value"], added[0]["comment"]) == ("source", "herald", "too loud")
    assert len(desk.json("silence", "list")) == 1
    assert desk("silence", "remove", str(added[0]["id"])).exit_code == 0
    assert desk.json("silence", "list") == []
    assert len(desk.json("silence", "list", "--all")) == 1
    assert desk("silence", "remove", "99").exit_code == 2
    assert desk("silence", "add", "source", "herald", "--for", "soon").exit_code == 2


def test_a_silence_may_have_several_conditions_and_a_span_of_its_own(desk: Desk) -> None:
    span = ("--from", "2126-12-01 09:00", "--until", "2126-12-01T12:30+01:00")
    (added,) = desk.json("silence", "add", "rule", "pact/core", "term", "Open AI", *span)
    assert added["conditions"] == [
        {"aim": "rule", "value": "pact/core"},
        {"aim": "term", "value": "Open AI"},
    ]
    assert (added["aim"], added["value"]) == ("rule", "pact/core")
    assert (added["starts_at"], added["ends_at"]) == (
        "2126-12-01T09:00:00+00:00",
        "2126-12-01T11:30:00+00:00",
    )
    assert (added["held"], added["held_stories"], added["told_at"]) == (0, 0, None)
    assert "rule pact/core, term Open AI  2126-12-01 09:00 to" in desk("silence", "list").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("source", "source: an AIM needs a VALUE"),
        ("watch pact rule", "rule: an AIM needs a VALUE"),
        ("planet mars", "planet: not something a silence can look at; it can at: watch, rule, story, source"),
        ("source herold", "herold: no such source; did you mean herald?"),
        ("rule pact/other", "pact/other: no such rule"),
        ("watch nothing-like-it", "nothing-like-it: no such watch"),
        ("source herald --until soon", "--until soon: expected a time such as"),
        (
            "source herald --until 2020-01-01",
            "it would end at 2020-01-01 00:00 UTC, before it holds anything",
        ),
        ("source herald --from 2126-01-02 --until 2126-01-01", "before it holds anything"),
        ("source herald --for 2h --until 2126-01-01", "give one of them"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused(desk: Desk, words: str, said: str) -> None:
    answer = desk("silence", "add", *words.split())
    assert (answer.exit_code, said in answer.stderr) == (2, True)
    assert not (desk.data / FILE).exists()


def test_what_a_silence_held_is_shown_by_story_and_article(desk: Desk) -> None:
    desk.bring("OpenAI and Microsoft sign")
    desk("silence", "add", "source", "herald")
    desk("once")
    shown = desk.json("silence", "show", "1")
    assert (shown["id"], shown["held"], shown["held_stories"]) == (1, 1, 1)
    ((held,),) = [story["articles"] for story in shown["stories"]]
    assert (held["title"], held["link"]) == ("OpenAI and Microsoft sign", "https://herald.example/0")
    assert "OpenAI and Microsoft sign (herald, rule core)" in desk("silence", "show", "1").output
    assert desk("silence", "show", "2").exit_code == 2


def test_a_silence_that_is_removed_says_what_it_held(desk: Desk) -> None:
    desk.bring("OpenAI and Microsoft sign")
    desk("silence", "add", "source", "herald")
    desk("once")
    desk("silence", "remove", "1")
    assert "A silence 1 on source herald has ended: it held 1 story" in desk("once").output


def test_there_are_no_dead_to_retry(desk: Desk) -> None:
    assert desk.json("dead", "list") == []
    assert desk("dead", "retry", "all").output == "0 waiting again\n"
    assert desk("dead", "retry", "nobody").exit_code == 3


def test_a_silence_of_the_command_line_holds_what_the_daemon_finds(desk: Desk) -> None:
    desk.bring("OpenAI and Microsoft sign")
    desk("silence", "add", Aim.SOURCE.value, "herald")
    desk("once")
    assert desk.json("why", "https://herald.example/0")["answer"] == "silenced"
    engine = open_database(f"sqlite:///{desk.data / FILE}")
    with engine.connect() as connection:
        assert ledger.recent_alerts(connection, 9) == []
    engine.dispose()


# ---- packs, and the report on all sources


PACKED = """\
use: {tiers: [1], without: [forum]}
sources:
  - {id: herald, kind: feed, url: "http://127.0.0.1:9/feed", tier: 1, tags: [business]}
  - {id: gazette, kind: feed, url: "http://127.0.0.1:9/gazette", tier: 2}
  - {id: board, kind: feed, url: "http://127.0.0.1:9/board", tier: 1, tags: [forum]}
  - {id: closed, kind: feed, url: "http://127.0.0.1:9/closed", enabled: false}
"""


def test_the_list_says_what_is_left_out_and_by_which_key(desk: Desk) -> None:
    desk.write("sources.yaml", PACKED)
    listed = desk.json("sources", "list")
    assert [(s["id"], s["state"], s["enabled"], s["left_out"]) for s in listed] == [
        ("herald", "new", True, None),
        ("gazette", "off", False, "tiers"),
        ("board", "off", False, "without"),
        ("closed", "off", False, None),
    ]
    assert listed[2]["tags"] == ["forum"]
    said = desk("sources", "list").output
    assert "off (use: tiers)" in said
    assert "use: leaves out 2 of 4 sources: 1 by tiers, 1 by without" in " ".join(said.split())


def test_without_use_the_list_says_nothing_of_it(desk: Desk) -> None:
    assert "leaves out" not in desk("sources", "list").output


def test_the_report_has_every_source_and_stdout_stays_json(desk: Desk, tmp_path: Path) -> None:
    desk.write("sources.yaml", PACKED)
    page = tmp_path / "report.md"
    answer = desk("check", "--online", "--report", str(page), "--json")
    assert [p["key"] for p in json.loads(answer.stdout)["problems"] if p["severity"] != "note"] == [
        "sources[herald]"
    ]
    written = page.read_text(encoding="utf-8")
    assert "| herald | http://127.0.0.1:9/feed | refused" in written
    assert "| board | http://127.0.0.1:9/board | left out by use: without |" in written
    assert "| closed | http://127.0.0.1:9/closed | switched off |" in written


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--report", "page.md"], "--report goes with --online"),
        (["--online", "--report", "no/such/page.md"], "expected a file in a directory that is there"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_anybody_is_asked(
    desk: Desk, options: list[str], said: str
) -> None:
    answer = desk("check", *options)
    assert answer.exit_code == 2
    assert said in answer.output


# ---- check and the past


def test_check_asks_the_archive_if_there_is_one_and_makes_none(desk: Desk) -> None:
    desk.write("watches.yaml", WATCHES.replace("@microsoft)", "@microsoft) NOT lawsuit"))
    assert desk.json("check")["problems"] == []
    assert not (desk.data / FILE).exists()
    desk.bring(
        *(f"OpenAI and Microsoft on day {n}" for n in range(6)),
        *(f"OpenAI, Microsoft, lawsuit {n}" for n in range(6)),
    )
    with time_machine.travel(NOW, tick=False):
        answer = desk.json("check")
    assert answer["ok"] is True
    [problem] = answer["problems"]
    assert (problem["severity"], problem["line"], problem["key"]) == (
        "warning",
        7,
        "watches[pact].rules[core].query",
    )
    assert problem["message"].startswith("L4 NOT lawsuit drops 6 of 12 past matches (50 %)")


def test_check_looks_at_the_last_months_only(desk: Desk) -> None:
    desk.write("watches.yaml", WATCHES.replace("@microsoft)", "@microsoft) NOT lawsuit"))
    desk.bring(*(f"OpenAI, Microsoft, lawsuit {n}" for n in range(12)))
    with time_machine.travel(NOW + 91 * DAY, tick=False):
        assert desk.json("check")["problems"] == []


def test_check_leaves_a_database_of_another_version_alone_and_says_so(desk: Desk) -> None:
    desk.bring()
    with sqlite3.connect(desk.data / FILE) as connection:
        connection.execute("UPDATE schema_of_alerts SET version_num = 'alerts_9999'")
    connection.close()
    answer = desk.json("check")
    assert answer["ok"] is True
    [problem] = answer["problems"]
    assert (problem["severity"], problem["line"]) == ("note", None)
    assert "the archive is not asked" in problem["message"]
    assert "another version" in problem["message"]


def test_check_names_the_set_that_has_no_words_for_a_language_we_read(desk: Desk) -> None:
    desk.write("sources.yaml", SOURCES.replace("feed'}", "feed', language: ru}"))
    desk.write("watches.yaml", WATCHES.replace("[OpenAI]", "{latin: [OpenAI]}"))
    [problem] = desk.json("check")["problems"]
    assert (problem["line"], problem["key"]) == (2, "sets.openai")
    assert problem["message"] == "L9 has no member for languages the sources speak: ru (1 source)"


def test_status_says_how_many_stories_wait_for_the_next_digest(desk: Desk) -> None:
    desk.write("watches.yaml", WATCHES.replace("level: alert", "level: digest"))
    desk.bring("OpenAI and Microsoft sign", "OpenAI and Microsoft part")
    with time_machine.travel(NOW, tick=False):
        desk("once")
        (held,) = (one for one in desk.json("status")["held"] if one["channel"] == "news")
        shown = desk("status").output
    at = (NOW + DAY).replace(hour=8, minute=30)
    assert held == {"channel": "news", "brief": None, "digest": {"stories": 2, "at": at.isoformat()}}
    assert f"held        news: digest with 2 stories at {at:%Y-%m-%d %H:%M} UTC" in shown


def test_status_shows_what_a_shadow_would_change(desk: Desk) -> None:
    trial = "rules: [{id: trial, query: sign, shadow: true, instead_of: core}, "
    desk.write("watches.yaml", WATCHES.replace("rules: [", trial))
    desk.bring("OpenAI and Microsoft sign", "OpenAI and Microsoft part", "A sign of spring")
    desk("once")
    (shadow,) = desk.json("status")["shadow"]
    assert (shadow["rule"], shadow["instead_of"], shadow["both"]) == ("trial", "core", 1)
    assert [a["title"] for a in shadow["only_new"]["articles"]] == ["A sign of spring"]
    assert shadow["only_old"]["count"] == 1
    shown = desk("status").output
    assert "pact/trial instead of core, since " in shown
    assert "1 alike, 1 only new, 1 only old" in shown
    assert "only old: herald: OpenAI and Microsoft part" in shown


def test_a_shadow_of_no_rule_is_a_mistake_with_its_place(desk: Desk) -> None:
    trial = "rules: [{id: trial, query: sign, shadow: true, instead_of: croe}, "
    desk.write("watches.yaml", WATCHES.replace("rules: [", trial))
    answer = desk("check")
    assert answer.exit_code == 2
    assert "`instead_of: croe` names no rule of this watch that tells; there are: core" in answer.output
    assert "watches.yaml:4: watches[pact]" in answer.output


def test_one_pass_sends_the_digest_that_has_come_due_since_the_last(desk: Desk) -> None:
    desk.write("watches.yaml", WATCHES.replace("alert", "digest"))
    desk.write("channels.yaml", "channels: [{id: news, kind: console}]\n")
    desk.bring("OpenAI and Microsoft sign")
    with time_machine.travel(NOW.replace(hour=8, minute=0)):
        assert desk.json("once")["deliveries"]["sent"] == 0
    with time_machine.travel(NOW.replace(hour=8, minute=31)):
        answer = desk("once", "--json")
        assert json.loads(answer.stdout)["deliveries"]["sent"] == 1
        assert desk.json("once")["deliveries"]["sent"] == 0
    assert "1 story held for the digest" in answer.stderr
    assert "OpenAI and Microsoft sign" in answer.stderr
