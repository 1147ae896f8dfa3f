"""The four files together: what is accepted, what is refused and where, what is not in force yet."""

import importlib
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from config.reading import ConfigError, Problem
from scheduler import settings as module
from scheduler.settings import Settings, load, not_yet_in_force, remarks

SOURCES = """\
defaults: {every: 10m, timeout: 15s, tier: 3}
sources:
  - id: herald
    kind: feed
    url: https://herald.example/feed.xml
  - id: gazette
    kind: feed
    url: https://gazette.example/feed.xml
    every: 30s
    tier: 1
"""
WATCHES = """\
sets: {openai: [OpenAI], microsoft: {en: [Microsoft], zh: [微软]}}
watches:
  - id: pair
    rules:
      - id: core
        level: alert
        query: '@openai AND @microsoft'
    channels: [news]
"""
CHANNELS = """\
channels:
  - id: news
    kind: slack
    token: ${SLACK_BOT_TOKEN}
    channel: C0123456789
  - {id: ops, kind: console}
ops: ops
"""


@pytest.fixture
def configured(tmp_path: Path):
    def of(environ: dict[str, str] | None = None, **files: str | None) -> Settings:
        texts = {"sources": SOURCES, "watches": WATCHES, "channels": CHANNELS, "daemon": "", **files}
        for name, text in texts.items():
            path = tmp_path / f"{name}.yaml"
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text, encoding="utf-8")
        return load(tmp_path, environ or {})

    return of


def refused(configured, **files: str | None) -> list[Problem]:
    with pytest.raises(ConfigError) as refusal:
        configured(**files)
    return list(refusal.value.problems)


def spots(problems: list[Problem]) -> list[tuple[str, int | None, str]]:
    return [(Path(p.file).name, p.line, p.key) for p in problems]


# --- what is accepted


CONTRACT = {
    "sources": """\
defaults: {every: 5m, timeout: 20s}
sources:
  - id: generation-nt
    name: Génération-NT
    kind: feed
    url: https://www.generation-nt.com/export/rss.xml
    language: fr
    publisher: press
    tier: 2
    every: 5m
    articles: matching
    enabled: true
  - id: some-listing
    kind: page
    url: https://example.org/news
    page: {entries: "article.teaser", title: "h2", link: "h2 a", summary: "p", published: "time"}
  - id: some-api
    kind: api
    url: https://example.org/api
    api: {entries: "hits", id: objectID, title: title, link: url, summary: story_text, published: created_at}
  - {id: preset, kind: api, url: "https://example.org/api", api: {preset: hackernews}}
  - {id: map, kind: sitemap, url: "https://example.org/sitemap.xml"}
""",
    "watches": """\
sets: {openai: [OpenAI, "Open AI"], microsoft: [Microsoft, 微软]}
watches:
  - id: openai-microsoft
    name: OpenAI–Microsoft partnership
    rules:
      - {id: core, level: alert, query: 'title:(@openai AND @microsoft)'}
      - {id: body, level: digest, query: '@openai NEAR/15 @microsoft'}
    channels: [news]
""",
    "channels": """\
channels:
  - id: news
    kind: slack
    token: ${SLACK_BOT_TOKEN}
    channel: C0123456789
    api_url: https://slack.com/api/
    digest: {at: "08:30", timezone: Europe/Paris}
    quiet: {from: "22:00", to: "07:00", except: [filing, regulator]}
  - {id: ops, kind: console}
ops: ops
""",
    "daemon": """\
network: {allow: [127.0.0.0/8], user_agent: "tocsin/0 (+contact)", concurrency: 32, per_host: 1}
http: {listen: "127.0.0.1:8765"}
retention: {entries: 365d, raw: 30d}
delivery: {deadline: 20s, settle: 60s}
stories: {group_wait: 2m, follow_ups: 3m, quiet: 48h}
limits: {roots_per_day: 6, posts_per_hour: 12, flood: 20}
backlog: {age: 24h, at_most: 3}
""",
}


def test_the_whole_configuration_language_is_accepted(configured):
    found = configured(**CONTRACT)
    assert len(found.sources) == 5
    assert found.daemon.network.allow == (ip_network("127.0.0.0/8"),)
    assert found.daemon.http.address == ("127.0.0.1", 8765)
    assert found.daemon.backlog.age == timedelta(hours=24)


def test_what_is_accepted_before_its_time_is_named_key_by_key(configured):
    notes = not_yet_in_force(configured(**CONTRACT))
    assert {note.severity for note in notes} == {"note"}
    assert [key for _, _, key in spots(notes)] == ["retention"]
    assert all(note.line for note in notes)


def test_defaults_nobody_wrote_down_are_not_remarked_on(configured):
    assert not_yet_in_force(configured()) == []


def test_sources_of_every_kind_are_crawled(configured):
    assert {source.kind for source in configured(**CONTRACT).crawled.values()} == {
        "feed", "sitemap", "page", "api",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("section", "key", "says"),
    [
        ("kind: page\n    page: {entries: 'li..x'}", "page.entries", "not a CSS selector"),
        ("kind: page\n    page: {entries: li, title: '::'}", "page.title", "not a CSS selector"),
        ("kind: api\n    api: {entries: 'a[', title: t}", "api.entries", "not a JMESPath expression"),
        ("kind: api\n    api: {entries: a}", "api", "needs `title:` or `link:`"),
        ("kind: api", "kind", "needs `api:`"),
        ("kind: feed\n    page: {entries: li}", "page", "belong to `kind: page`"),
    ],
)
def test_what_points_nowhere_is_a_mistake_with_its_place(configured, section, key, says):
    sources = f"sources:\n  - id: odd\n    url: https://odd.example/\n    {section}\n"
    with pytest.raises(ConfigError) as caught:
        configured(sources=sources)
    (problem,) = caught.value.problems
    assert (problem.key, problem.line) == (f"sources[odd].{key}", 4 if key == "kind" else 5)
    assert says in problem.message


def test_the_sec_wants_to_know_whom_to_write_to(configured):
    sources = "sources:\n  - {id: s, kind: api, url: 'https://data.sec.gov/x.json', api: {preset: edgar}}\n"
    assert "names no contact" in str([r.message for r in remarks(configured(sources=sources))])
    mine = "network: {user_agent: 'tocsin (news@desk.example)'}"
    assert "names no contact" not in str(
        [r.message for r in remarks(configured(sources=sources, daemon=mine))]
    )


def test_a_source_that_is_switched_off_is_not_crawled(configured):
    found = configured(sources=SOURCES + "    enabled: false\n")
    assert (list(found.sources), list(found.crawled)) == (["herald", "gazette"], ["herald"])


# --- use: which of them are read


PACKED = """\
use: {languages: [en], without: [forum]}
sources:
  - {id: herald, kind: feed, url: "https://herald.example/feed.xml", language: en, tags: [technology]}
  - {id: blatt, kind: feed, url: "https://blatt.example/feed.xml", language: de, tags: [technology]}
  - {id: board, kind: feed, url: "https://board.example/feed.xml", language: en, tags: [forum]}
  - {id: zeitung, kind: feed, url: "https://zeitung.example/feed.xml", language: de, enabled: true}
"""


def test_what_use_leaves_out_is_kept_and_not_crawled(configured):
    found = configured(sources=PACKED)
    assert list(found.crawled) == ["herald", "zeitung"]
    assert list(found.sources) == ["herald", "blatt", "board", "zeitung"]
    assert found.left_out == {"blatt": "languages", "board": "without"}
    assert not found.sources["blatt"].enabled


def test_the_tier_of_the_defaults_counts_for_use(configured):
    found = configured(sources=SOURCES + "use: {tiers: [3]}\n")  # the default there
    assert (list(found.crawled), found.left_out) == (["herald"], {"gazette": "tiers"})


@pytest.mark.parametrize(
    ("use", "key", "message"),
    [
        ("languages: [EN]", "use.languages[0]", "no source has the language `EN`; did you mean `en`?"),
        ("languages: [en, xx]", "use.languages[1]", "no source has the language `xx`; there are: de, en"),
        ("tags: [tecnology]", "use.tags[0]", "no source has the tag `tecnology`; did you mean `technology`?"),
        ("without: [sport]", "use.without[0]", "no source has the tag `sport`; there are: forum, technology"),
        ("tiers: [1]", "use.tiers[0]", "no source has the tier `1`; there are: 2"),
        ("language: [en]", "use.language", "unknown key; did you mean `languages`?"),
        ("languages: [en], tiers: []", "use.tiers", "should have at least 1 item"),
    ],
)
def test_what_use_cannot_mean_is_a_mistake_with_what_was_meant(configured, use, key, message):
    problems = refused(configured, sources=PACKED.replace("languages: [en], without: [forum]", use))
    assert spots(problems) == [("sources.yaml", 1, key)]
    assert message in problems[0].message


def test_a_use_that_leaves_nothing_is_a_mistake(configured):
    use = "use: {tags: [forum], without: [forum]}\n"
    kept = [line for line in PACKED.splitlines(keepends=True) if "enabled" not in line]
    problems = refused(configured, sources=use + "".join(kept[1:]))
    assert [(p.line, p.key, p.message) for p in problems] == [(1, "use", "leaves out all of the 3 sources")]


def test_limits_can_be_taken_away(configured):
    found = configured(daemon="limits: {roots_per_day: null, posts_per_hour: null, flood: null}")
    assert found.daemon.limits.flood is None


@pytest.mark.parametrize("text", ["http: null", "http: {listen: null}"])
def test_no_port_is_opened_where_none_is_wanted(configured, text):
    http = configured(daemon=text).daemon.http
    assert http is None or http.address is None


def test_defaults_fill_gaps_but_every_stays_the_sources_own_word(configured):
    found = configured()
    herald, gazette = found.sources["herald"], found.sources["gazette"]
    assert (herald.timeout, herald.tier, gazette.tier) == (timedelta(seconds=15), 3, 1)
    assert (herald.every, herald.pace) == (None, timedelta(minutes=10))
    assert gazette.every == timedelta(seconds=30)


def test_without_channels_and_daemon_files_the_console_is_told(configured):
    found = configured(channels=None, daemon=None)
    assert [(c.id, c.kind) for c in found.channels.channels] == [("news", "console"), ("ops", "console")]
    assert found.daemon == module.Daemon()


def test_the_secrets_to_blank_are_those_that_are_set(configured):
    assert configured().secrets == ()
    assert configured({"SLACK_BOT_TOKEN": "xoxb-test"}).secrets == ("xoxb-test",)
    assert "xoxb-test" not in repr(configured({"SLACK_BOT_TOKEN": "xoxb-test"}))


# --- what is refused


def test_an_id_given_twice_is_refused_with_its_line_in_every_file(configured):
    double = SOURCES + "  - {id: herald, kind: feed, url: 'https://other.example/'}\n"
    watches = WATCHES + "  - {id: pair, rules: [{id: a, query: x}], channels: [news]}\n"
    channels = CHANNELS.replace("id: ops", "id: news", 1)
    found = refused(configured, sources=double, watches=watches, channels=channels)
    assert spots(found) == [
        ("sources.yaml", 11, "sources[herald].id"),
        ("watches.yaml", 9, "watches[pair].id"),
        ("channels.yaml", 6, "channels[news].id"),
    ]
    assert "first on line 3" in found[0].message


@pytest.mark.parametrize(
    "url", ["herald.example/feed", "ftp://herald.example/", "https://", "javascript:alert(1)"]
)
def test_an_address_that_is_none_is_refused(configured, url):
    found = refused(configured, sources=SOURCES.replace("https://herald.example/feed.xml", f'"{url}"'))
    assert spots(found) == [("sources.yaml", 5, "sources[herald].url")]


def test_keys_of_another_kind_of_source_are_refused(configured):
    found = refused(configured, sources=SOURCES + "    page: {entries: article}\n")
    assert spots(found) == [("sources.yaml", 11, "sources[gazette].page")]


def test_a_watch_that_tells_an_unknown_channel_is_refused(configured):
    found = refused(configured, watches=WATCHES.replace("[news]", "[news, nwes]"))
    assert spots(found) == [("watches.yaml", 8, "watches[pair].channels[1]")]
    assert "there are: news, ops" in found[0].message


def test_also_on_conditions(configured):
    found = refused(configured, watches=WATCHES.replace("[news]", "[{to: nwes, level: alert}]"))
    assert spots(found) == [("watches.yaml", 8, "watches[pair].channels[0].to")]


def test_a_rule_whose_level_no_channel_takes_is_worth_a_word(configured):
    found = configured(watches=WATCHES.replace("[news]", "[{to: news, level: digest}]"))
    (said,) = [one for one in module.remarks(found) if one.severity == "warning"]
    assert said.message == "none of its channels takes the level alert: nobody is told of it"


def test_an_ops_channel_nobody_knows_is_refused(configured):
    (found,) = refused(configured, channels=CHANNELS.replace("ops: ops", "ops: oops"))
    assert "oops" in found.message


@pytest.mark.parametrize(
    ("query", "said"), [("@openai AND", "expected"), ("@opnai", "openai"), ("(a", "("), ("", "empty")]
)
def test_a_query_that_cannot_be_read_is_refused_on_its_line(configured, query, said):
    (found,) = refused(configured, watches=WATCHES.replace("@openai AND @microsoft", query))
    assert spots([found]) == [("watches.yaml", 7, "watches[pair].rules[core].query")]
    assert said in found.message


def test_mistakes_of_all_files_are_told_at_once(configured):
    found = refused(
        configured,
        sources=SOURCES.replace("every: 10m", "evry: 10m"),
        watches=WATCHES.replace("level: alert", "level: loud"),
        channels="channels: [{id: news, kind: pigeon}]",
        daemon="network: {concurency: 3}\nhttp: {listen: everywhere}\ndelivery: {deadline: 0}",
    )
    assert spots(found) == [
        ("sources.yaml", 1, "defaults.evry"),
        ("watches.yaml", 6, "watches[pair].rules[core].level"),
        ("channels.yaml", 1, "channels[news].kind"),
        ("daemon.yaml", 1, "network.concurency"),
        ("daemon.yaml", 2, "http.listen"),
        ("daemon.yaml", 3, "delivery.deadline"),
    ]


@pytest.mark.parametrize("name", ["sources", "watches"])
def test_sources_and_watches_must_be_there(configured, name):
    (found,) = refused(configured, **{name: None})
    assert (Path(found.file).name, found.message) == (f"{name}.yaml", "this file is missing")


@pytest.mark.parametrize(
    "text",
    [
        "sets: &s {a: [b]}\n",
        "sets: !!python/object/apply:os.system [true]\n",
        "sets:\n  a: b\nwatches: nothing\n",
        "watches: [{rules: 5}, 7, {id: [], rules: [{query: {}}]}]\n",
        "sets: [a, b]\nwatches: []\n",
        "sets: {a: {b: c}, d: [[e]], f: [5]}\nwatches: []\n",
        "sets: {a: '@a'}\nwatches: []\n",
        "- a\n",
        "x" * 2_000_000,
    ],
)
def test_a_watches_file_that_is_odd_all_over_is_refused_and_nothing_worse(configured, text):  # H70
    assert refused(configured, watches=text)


def test_a_file_that_changes_under_our_eyes_is_read_again(configured, tmp_path, monkeypatch):
    configured()
    read_first = module._load
    times = 0

    def load_while_somebody_saves(directory: Path, environ) -> Settings:
        nonlocal times
        times += 1
        found = read_first(directory, environ)
        if times == 1:
            (tmp_path / "sources.yaml").write_text(SOURCES.replace("herald", "tribune"))
        return found

    monkeypatch.setattr(module, "_load", load_while_somebody_saves)
    assert list(load(tmp_path, {}).sources) == ["tribune", "gazette"]


# --- what is remarked on


def test_a_channel_without_its_token_falls_back_and_check_says_so(configured):
    (note,) = remarks(configured())
    assert (note.severity, note.key) == ("note", "channels[news].token")
    assert remarks(configured({"SLACK_BOT_TOKEN": "xoxb-test"})) == []


def test_a_token_written_out_in_the_file_is_warned_of(configured):
    (warning,) = remarks(configured(channels=CHANNELS.replace("${SLACK_BOT_TOKEN}", "xoxb-test")))
    assert (warning.severity, warning.key) == ("warning", "channels[news].token")
    assert "xoxb-test" not in str(warning)


def test_a_watch_that_tells_nobody_is_warned_of(configured):
    found = remarks(
        configured({"SLACK_BOT_TOKEN": "x"}, watches=WATCHES.replace("    channels: [news]\n", ""))
    )
    assert [(p.severity, p.key) for p in found] == [("warning", "watches[pair].rules[core]")]


@pytest.mark.parametrize(
    ("digest", "severity", "says"),
    [
        ("", "note", "not given; the digest is sent at 08:30 UTC"),
        ("    digest: null\n", "warning", "what rules of level digest hold is never sent"),
        ("    digest: {at: '07:00'}\n", None, ""),
    ],
)
def test_a_rule_of_level_digest_says_when_it_is_heard_of(configured, digest, severity, says):
    watches = WATCHES.replace("level: alert", "level: digest")
    assert watches != WATCHES
    channels = CHANNELS.replace("    kind: slack\n", "    kind: slack\n" + digest)
    found = remarks(configured({"SLACK_BOT_TOKEN": "x"}, watches=watches, channels=channels))
    assert [problem.severity for problem in found] == ([severity] if severity else [])
    assert all(says in problem.message for problem in found)


# --- files others write


NEWSWEB = Path(__file__).parents[3] / "shared" / "newsweb"


@pytest.mark.skipif(not (NEWSWEB / "plan.py").exists(), reason="the news web is not here")
def test_what_an_acceptance_run_writes_is_accepted(tmp_path, monkeypatch, configured):
    monkeypatch.syspath_prepend(str(NEWSWEB))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    plan = importlib.import_module("plan")
    tongues = ("en", "fr", "de", "es", "it", "ja", "zh")
    items = [
        {"id": f"i{n}", "label": "negative", "language": tongues[n % 7], "title": f"headline {n}"}
        for n in range(42)
    ]
    plan.Plan(items, faults="hostile").write(tmp_path, digest_at="08:30")
    (tmp_path / "watches.yaml").write_text(WATCHES, encoding="utf-8")
    found = load(tmp_path, {"SLACK_BOT_TOKEN": "xoxb-test"})
    assert len(found.sources) > 10
    assert found.daemon.delivery.deadline == timedelta(seconds=6)
