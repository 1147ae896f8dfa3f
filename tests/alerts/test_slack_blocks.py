"""How an alert looks in Slack, and that no words from outside get out of their place."""

import json
import re
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.notifications import (
    MOST_ITEMS,
    Alarm,
    Body,
    Delivery,
    DeliveryId,
    Digest,
    DigestLine,
    DigestPart,
    FollowUp,
    Item,
    Kind,
    Notice,
    Plainness,
    Sentence,
    from_json,
    to_json,
)
from alerts.notifiers import slack_blocks
from alerts.notifiers.slack_blocks import message, recognised
from alerts.notifiers.words import (
    address_of,
    clean,
    clip,
    emphasised,
    looks_like_address,
    take_units,
    units,
)
from tests.slack_stand_in import block_problems, complaints
from tests.telling import NOW, alarm, delivery, follow_up, item, load_shared


def texts(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False)


def headline_of(said: dict[str, Any]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = said["blocks"][0]["elements"][0]["elements"]
    return parts


def test_an_alert_looks_like_this() -> None:
    said = message(delivery(alarm(sentence=Sentence("It binds OpenAI.", ((9, 15),)))))
    assert said == {
        "text": "OpenAI and Microsoft sign a new pact\nIt binds OpenAI.\nHerald · herald.example · en\n"
        "<https://herald.example/pact>\nref 5f0c7a9e2b",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {
            "event_type": "tocsin_delivery",
            "event_payload": {"delivery": "5f0c7a9e2b", "story": "s1", "watch": "pact"},
        },
        "blocks": [
            {
                "type": "rich_text",
                "block_id": "a-5f0c7a9e2b",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {
                                "type": "link",
                                "url": "https://herald.example/pact",
                                "text": "OpenAI and Microsoft sign a new pact",
                                "style": {"bold": True},
                            }
                        ],
                    },
                    {
                        "type": "rich_text_quote",
                        "elements": [
                            {"type": "text", "text": "It binds "},
                            {"type": "text", "text": "OpenAI", "style": {"bold": True}},
                            {"type": "text", "text": "."},
                        ],
                    },
                ],
            },
            {
                "type": "context",
                "elements": [
                    _plain("Herald · herald.example · en"),
                    {"type": "mrkdwn", "text": f"published {DATE}"},
                    _plain("seen at once"),
                ],
            },
            {"type": "context", "elements": [_plain("The pact: core · ref 5f0c7a9e2b")]},
        ],
    }


DATE = f"<!date^{int(NOW.timestamp())}^{{ago}}|2026-03-02 12:00 UTC>"


def _plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, "emoji": False}


def small_print(said: dict[str, Any]) -> list[str]:
    """What is written small, line by line."""
    lines = (block["elements"] for block in said["blocks"] if block["type"] == "context")
    return [" | ".join(element["text"] for element in line) for line in lines]


@pytest.mark.parametrize(
    ("waited", "said"),
    [
        (-5, "seen at once"),
        (0, "seen at once"),
        (1, "seen 1 s later"),
        (40, "seen 40 s later"),
        (60, "seen 1 min later"),
        (119, "seen 119 s later"),
        (240, "seen 4 min later"),
        (7200, "seen 2 h later"),
        (86400, "seen 1 d later"),
        (300_000, "seen 3 d later"),
    ],
)
def test_an_alert_says_how_long_after_it_was_published_it_was_seen(waited: int, said: str) -> None:
    told = message(delivery(alarm(seen=NOW + timedelta(seconds=waited))))
    assert small_print(told)[0] == f"Herald · herald.example · en | published {DATE} | {said}"


def test_where_nobody_knows_when_it_was_published_it_says_when_it_was_seen() -> None:
    told = message(delivery(alarm(published=None)))
    assert small_print(told)[0] == f"Herald · herald.example · en | seen {DATE}"


def test_an_alert_says_which_version_of_which_rule_found_what_in_the_headline() -> None:
    told = message(delivery(alarm(version="0badcafe", title_spans=((0, 6), (11, 20), (11, 20)))))
    assert small_print(told)[-1] == (
        "The pact: core · version 0badcafe · in the headline “OpenAI”, “Microsoft” · ref 5f0c7a9e2b"
    )


def test_of_many_words_in_the_headline_five_are_named_each_once() -> None:
    words = "one two ONE three four five six seven"
    spans = tuple((found.start(), found.end()) for found in re.finditer(r"\w+", words))
    assert "“one”, “two”, “three”, “four”, “five” · ref" in small_print(
        message(delivery(alarm(words, title_spans=spans)))
    )[-1].replace("“ONE”", "“one”")


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, []),
        ({"also": ("Gazette",)}, ["2 sources: also Gazette"]),
        ({"also": ("Gazette",), "languages": ("en", "fr")}, ["2 sources, 2 languages: also Gazette"]),
        ({"copies": 14}, ["1 source · 1 origin, 14 copies"]),
        (
            {"also": ("A", "B", "C", "D", "E", "F", "G"), "origins": 8, "copies": 1, "languages": ("en",)},
            ["8 sources: also A, B, C, D, E and 2 more · 8 origins, 1 copy"],
        ),
    ],
)
def test_a_root_counts_sources_languages_and_origins(known: dict[str, Any], said: list[str]) -> None:
    assert small_print(message(delivery(alarm(**known))))[1:-1] == said


def test_a_notice_has_no_story_and_no_nulls() -> None:
    said = message(delivery(Notice("herald is down", "HTTP 500\nTry later"), story=None, watch=None))
    assert said["metadata"]["event_payload"] == {"delivery": "5f0c7a9e2b"}
    assert headline_of(said) == [{"type": "text", "text": "herald is down", "style": {"bold": True}}]
    assert not complaints(said)


HOSTILE = [
    "<!channel> <!here> <!everyone> <@U0HUMAN> <!subteam^S1> <#C1> @channel",
    "*bold* _it_ ~gone~ `code` ```fence``` > quote",
    "<https://evil.example|https://openai.com>",
    "a | b < c > d & e &amp; &lt;",
    "OpenAI\u202eevil\u2066 Open\u200bAI\u200f \ufeff",
    "tab\tline\nfeed\rreturn\x1b[31mred\x07\x00 \u2028\u2029\x85",
    "half \ud83d surrogate \udfff",
    "🔔" * 3000,
    "x" * 9000,
    "&" * 5000,
    "<" * 400,
    "ref 5f0c7a9e2b",
    '{"level":"info"} %s {} \\u0000',
    "\u3164\u115f\u2800",
    "",
]


@pytest.mark.parametrize("plainness", Plainness)
@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_stay_words(words: str, plainness: Plainness) -> None:
    body = alarm(
        words,
        source_name=words,
        language=words[:8],
        sentence=Sentence(words, ((0, len(words)),)),
        watch_name=words,
    )
    for shown in (body, Notice(words, words)):
        said = message(delivery(shown, plainness=plainness, repeat_possible=True))
        assert block_problems(said.get("blocks", [])) == []
        assert complaints({"channel": "C1", **said}) == []
        assert units(said["text"]) <= 3000


@pytest.mark.parametrize(
    ("title", "lies"),
    [
        ("https://openai.com/blog", True),
        ("HTTPS://OPENAI.COM", True),
        ("openai.com", True),
        ("openai.com: all is well", True),
        ("www.openai.com says", True),
        ("See https://openai.com for more", True),
        ("openai.com/blog is down", True),
        ("192.168.0.1 is open", True),
        ("ｏｐｅｎａｉ．ｃｏｍ", True),
        ("(openai.com)", True),
        ("microsoft.com?x", True),
        ("OpenAI and Microsoft part", False),
        ("GPT-5.5 is out: 3.2 times faster", False),
        ("Node.js 30 is out", False),
        ("The U.S. sues", False),
        ("OpenAI… and so on", False),
    ],
)
def test_a_title_that_looks_like_an_address_is_no_label(title: str, lies: bool) -> None:
    assert looks_like_address(title) is lies
    parts = headline_of(message(delivery(alarm(title, link="https://evil.example/x"))))
    links = [part for part in parts if part["type"] == "link"]
    assert [link["text"] for link in links] == ["evil.example" if lies else title]
    assert parts[0]["type"] == "link"  # the article's link comes first in any case


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://a.example/x|y>z<w\"q'r s", "https://a.example/x%7Cy%3Ez%3Cw%22q%27r%20s"),
        ("https://müller.example/ü", "https://xn--mller-kva.example/%C3%BC"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://openai.com@evil.example/", None),
        ("https://a.example/" + "x" * 9000, None),
        ("not an address", None),
        ("", None),
        (None, None),
    ],
)
def test_which_links_are_shown(link: str | None, shown: str | None) -> None:
    assert address_of(link) == shown
    said = message(delivery(alarm(link=link)))
    found = [part["url"] for part in headline_of(said) if part["type"] == "link"]
    assert found == ([shown] if shown else [])
    assert complaints({"channel": "C1", **said}) == []


def test_a_lock_screen_shows_the_headline_and_then_the_sentence() -> None:
    assert message(delivery())["text"].splitlines()[:2] == [
        "OpenAI and Microsoft sign a new pact",
        "It binds OpenAI to Microsoft.",
    ]


def test_where_the_text_gets_too_long_the_sentence_goes_before_the_link() -> None:
    link = "https://a.example/" + "x" * 1900
    said = message(delivery(alarm("&" * 500, link=link, sentence=Sentence("& " * 300), also=("&" * 400,))))
    assert f"<{link}>" in said["text"]
    assert len(said["text"].splitlines()) == 5


def test_a_link_full_of_ampersands_leaves_the_text_whole() -> None:
    link = "https://a.example/?" + "a&" * 900
    said = message(delivery(alarm("&" * 500, link=link)))
    assert "<https" not in said["text"]
    assert headline_of(said)[0]["url"] == link


@pytest.mark.parametrize("year", [1, 1969, 2026, 9999])
def test_any_date_can_be_shown(year: int) -> None:
    said = message(delivery(alarm(published=datetime(year, 1, 1, tzinfo=UTC))))
    assert block_problems(said["blocks"]) == []
    assert complaints({"channel": "C1", **said}) == []


def test_look_alike_letters_are_pointed_out() -> None:
    assert "look-alike" in texts(message(delivery(alarm(look_alike=True))))


def test_a_possible_repeat_says_so() -> None:
    said = message(delivery(repeat_possible=True))
    assert "possible repeat · ref" in texts(said["blocks"])
    assert "possible repeat · ref" in said["text"]


def test_two_hundred_matches_make_one_valid_message() -> None:
    words = "OpenAI " * 200
    spans = tuple((at, at + 6) for at in range(0, len(words), 7))
    said = message(delivery(alarm(sentence=Sentence(words, spans), title_spans=spans)))
    assert block_problems(said["blocks"]) == []
    assert len(said["blocks"][0]["elements"][1]["elements"]) <= 60


def test_of_a_long_sentence_the_part_round_the_match_is_shown() -> None:
    words = "a " * 600 + "OpenAI" + " b" * 600
    shown = emphasised(words, ((1200, 1206),))
    assert [piece.text for piece in shown if piece.bold] == ["OpenAI"]
    assert shown[0].text == shown[-1].text == "…"
    assert sum(units(piece.text) for piece in shown) <= 602


@pytest.mark.parametrize("spans", [((5, 3),), ((0, 99),), ((3, 5), (1, 2)), ((-4, 2),)])
def test_spans_that_make_no_sense_lose_no_words(spans: tuple[tuple[int, int], ...]) -> None:
    assert "".join(piece.text for piece in emphasised("Open the gate", spans)) == "Open the gate"


@given(st.text(alphabet=st.characters(), max_size=400))
def test_cleaning_is_done_after_one_time(words: str) -> None:
    assert clean(clean(words)) == clean(words)


@given(st.text(max_size=200), st.integers(1, 300))
def test_clipping_keeps_to_the_limit_and_halves_no_character(words: str, most: int) -> None:
    assert units(clip(words, most)) <= most
    assert words.startswith(take_units(words, most))


NASTY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("<>&|@#!*_~`\n\t\u202e\u200b\u2028 .:/"),
        st.sampled_from(string.ascii_letters),
        st.sampled_from("🔔👩‍🚀"),
    ),
    max_size=300,
)
MOMENTS = st.datetimes(timezones=st.just(UTC))


@st.composite
def alarms(draw: st.DrawFn) -> Alarm:
    sentence = draw(NASTY)
    cuts = sorted(draw(st.lists(st.integers(0, len(sentence)), max_size=8)))
    return Alarm(
        title=draw(NASTY | st.sampled_from(HOSTILE)),
        title_spans=(),
        link=draw(st.none() | NASTY | NASTY.map(lambda words: f"https://a.example/{words}")),
        source_name=draw(NASTY),
        language=draw(st.none() | NASTY),
        published=draw(st.none() | MOMENTS),
        seen=draw(MOMENTS),
        sentence=draw(
            st.none() | st.just(Sentence(sentence, tuple(zip(cuts[::2], cuts[1::2], strict=False))))
        ),
        watch="pact",
        watch_name=draw(NASTY),
        rule=draw(st.text(string.ascii_lowercase, min_size=1, max_size=20)),
        look_alike=draw(st.booleans()),
        version=draw(st.text(string.hexdigits, max_size=8)),
        also=tuple(draw(st.lists(NASTY, max_size=8))),
        languages=tuple(draw(st.lists(st.sampled_from(["en", "fr", "zh"]), max_size=3))),
        origins=draw(st.integers(1, 99)),
        copies=draw(st.integers(0, 99)),
        first_seen=draw(st.none() | MOMENTS),
        first_source=draw(NASTY),
        status=draw(NASTY),
    )


DIGEST_LINES = st.builds(
    DigestLine,
    title=NASTY | st.sampled_from(HOSTILE),
    link=st.none() | NASTY | NASTY.map(lambda words: f"https://a.example/{words}"),
    source_name=NASTY,
    note=NASTY,
)
DIGEST_PARTS = st.builds(DigestPart, NASTY, st.lists(DIGEST_LINES, max_size=4).map(tuple), st.integers(0, 99))
DIGESTS = st.builds(Digest, NASTY, st.lists(DIGEST_PARTS, max_size=3).map(tuple))


@st.composite
def follow_ups(draw: st.DrawFn) -> FollowUp:
    one = st.builds(
        Item,
        title=NASTY | st.sampled_from(HOSTILE),
        link=st.none() | NASTY.map(lambda words: f"https://a.example/{words}"),
        source_name=NASTY,
        language=st.none() | NASTY,
        published=st.none() | MOMENTS,
        seen=MOMENTS,
        note=NASTY,
        was=st.none() | NASTY,
    )
    items = draw(st.lists(one, min_size=1, max_size=MOST_ITEMS))
    return FollowUp(draw(NASTY), "pact", draw(NASTY), tuple(items), draw(st.integers(0, 99)))


DELIVERIES = st.builds(
    Delivery,
    id=st.uuids().map(lambda one: DeliveryId(one.hex)),
    channel=st.just("news"),
    body=alarms() | st.builds(Notice, NASTY, NASTY) | DIGESTS | follow_ups(),
    story=st.none() | st.just("s1"),
    watch=st.none() | st.just("pact"),
    plainness=st.sampled_from(Plainness),
    attempts=st.just(1),
    repeat_possible=st.booleans(),
    kind=st.sampled_from(Kind),
    root=st.just(DeliveryId("5f0c7a9e2b")),
    thread=st.none() | st.just("1700000000.000100"),
    broadcast=st.booleans(),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DELIVERIES)
def test_any_words_make_a_message_that_is_valid_and_beyond_reproach(given_delivery: Delivery) -> None:
    said = {"channel": "C1", **message(given_delivery)}
    json.dumps(said).encode()
    assert block_problems(said.get("blocks", [])) == []
    assert complaints(said) == []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DELIVERIES)
def test_the_second_stand_in_finds_nothing_either(given_delivery: Delivery) -> None:
    fakeslack, lint = load_shared("fakeslack"), load_shared("lint")
    said = {"channel": "C1", **message(given_delivery)}
    assert fakeslack.BlockKit(said.get("blocks", [])).errs == []
    # To its taste any long word after "Bearer" is a secret; in news it is the bearer of something.
    editing = given_delivery.kind is Kind.EDIT
    if editing:
        del said["ts"]  # it knows only what chat.postMessage takes
    found = lint.lint(said, update=editing)
    assert [one for one in found if one[0] != "secret" or "Bearer" not in texts(said)] == []


@pytest.mark.parametrize("plainness", Plainness)
@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-123456-abcdef",
        "XOXP-1234567890",
        "xo\u200bxb-12\u202e3456-abcdef",
        "xapp-1-A0123-4567",
        "https://hooks.slack.com/services/T0/B0/abcdef",
    ],
)
def test_a_page_that_got_hold_of_a_secret_does_not_have_it_told(secret: str, plainness: Plainness) -> None:
    words = f"See {secret} here"
    body = alarm(words, sentence=Sentence(words, ((6, 12),)), source_name=words)
    visible = secret.replace("\u200b", "").replace("\u202e", "")
    for shown in (body, Notice(words, words), alarm(link=f"https://a.example/{visible}")):
        said = texts(message(delivery(shown, plainness=plainness)))
        assert "3456" not in said
        assert "1234567890" not in said
        assert "abcdef" not in said


@settings(max_examples=200, deadline=None)
@given(alarms() | st.builds(Notice, NASTY, NASTY) | DIGESTS | follow_ups())
def test_a_body_comes_out_of_the_outbox_as_it_went_in(body: Body) -> None:
    assert from_json(to_json(body)) == body


def test_an_alarm_of_an_earlier_version_can_still_be_told() -> None:
    row = json.loads(to_json(alarm()))
    for later in ("version", "languages", "origins"):
        del row[later]
    assert from_json(json.dumps(row)) == alarm()


# --- digests ----------------------------------------------------------------------------------------


def digest(*parts: DigestPart) -> Digest:
    return Digest("2 stories held for the digest", parts)


def lines(count: int, link: str = "https://herald.example/") -> tuple[DigestLine, ...]:
    return tuple(DigestLine(f"Story {n}", f"{link}{n}", "Herald", "deep") for n in range(count))


def test_a_digest_looks_like_this() -> None:
    body = digest(DigestPart("The pact", lines(2)), DigestPart("In the shadow: trial", (), more=1))
    said = message(delivery(body, story=None, watch=None))
    assert said["metadata"]["event_payload"] == {"delivery": "5f0c7a9e2b"}
    assert said["text"].splitlines() == [
        "2 stories held for the digest",
        "The pact",
        "• Story 0 · Herald · herald.example · deep <https://herald.example/0>",
        "• Story 1 · Herald · herald.example · deep <https://herald.example/1>",
        "In the shadow: trial",
        "… and 1 more",
        "ref 5f0c7a9e2b",
    ]
    first, small_print = said["blocks"]
    assert first["block_id"] == "a-5f0c7a9e2b"
    assert [part["type"] for part in first["elements"]] == [
        *["rich_text_section"] * 2, "rich_text_list", *["rich_text_section"] * 2,
    ]  # fmt: skip
    link, aside = first["elements"][2]["elements"][1]["elements"]
    assert (link["text"], link["url"]) == ("Story 1", "https://herald.example/1")
    assert aside["text"] == " · Herald · herald.example · deep"
    assert small_print["elements"][0]["text"] == "ref 5f0c7a9e2b"
    assert block_problems(said["blocks"]) == []
    assert complaints({"channel": "C1", **said}) == []


@pytest.mark.parametrize("parts", [1, 40])
def test_what_does_not_fit_into_a_message_is_counted(parts: int) -> None:
    long = lines(30, "https://herald.example/" + "&" * 400)
    said = message(delivery(digest(*[DigestPart("The pact", long)] * parts)))
    assert block_problems(said["blocks"]) == []
    assert complaints({"channel": "C1", **said}) == []
    assert units(texts(said["blocks"])) < 40_000
    shown = sum(len(p["elements"]) for p in said["blocks"][0]["elements"] if p["type"] == "rich_text_list")
    counted = re.findall(r"… and (\d+) more", texts(said["blocks"]))
    assert shown + sum(map(int, counted)) == 30 * parts
    assert 0 < shown < 30


def test_a_digest_that_was_refused_is_plain_and_then_minimal() -> None:
    body = digest(DigestPart("The pact", lines(2)))
    plain = message(delivery(body, plainness=Plainness.PLAIN))
    assert "blocks" not in plain
    assert "Story 1" in plain["text"]
    assert message(delivery(body, plainness=Plainness.MINIMAL))["text"].splitlines() == [
        "2 stories held for the digest",
        "ref 5f0c7a9e2b",
    ]


ROOT = DeliveryId("5f0c7a9e2b")


def test_a_root_by_and_by_names_who_has_the_story_and_who_had_it_first() -> None:
    grown = alarm(
        sentence=None,
        published=None,
        also=("Gazette", "Bugle"),
        origins=3,
        copies=14,
        first_seen=NOW,
        first_source="Gazette",
        status="Led by Herald (filing) now",
    )
    said = message(delivery(grown))
    assert said["blocks"] == [
        {
            "type": "rich_text",
            "block_id": "a-5f0c7a9e2b",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {
                            "type": "link",
                            "url": "https://herald.example/pact",
                            "text": "OpenAI and Microsoft sign a new pact",
                            "style": {"bold": True},
                        }
                    ],
                },
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "Led by Herald (filing) now"}],
                },
            ],
        },
        {
            "type": "context",
            "elements": [
                _plain("Herald · herald.example · en"),
                {"type": "mrkdwn", "text": f"seen {DATE}"},
            ],
        },
        {
            "type": "context",
            "elements": [
                _plain("3 sources: also Gazette, Bugle · 3 origins, 14 copies"),
                {"type": "mrkdwn", "text": f"first seen {DATE}"},
                _plain("by Gazette"),
            ],
        },
        {"type": "context", "elements": [_plain("The pact: core · ref 5f0c7a9e2b")]},
    ]


def test_a_reply_says_what_each_article_adds_and_what_its_headline_was() -> None:
    body = follow_up(item(note="primary source"), item("Talks end", was="Talks go on"), left_out=2)
    said = message(delivery(body, kind=Kind.REPLY, root=ROOT, thread="1700000000.000100", broadcast=True))
    link = {"type": "link", "url": "https://gazette.example/pact", "style": {"bold": True}}
    by = {"type": "text", "text": "\nGazette · gazette.example · en"}
    assert (said["thread_ts"], said["reply_broadcast"]) == ("1700000000.000100", True)
    assert [part["elements"] for part in said["blocks"][0]["elements"]] == [
        [{"type": "text", "text": "primary source: "}, {**link, "text": "Microsoft confirms it"}, by],
        [
            {"type": "text", "text": "Talks go on", "style": {"strike": True}},
            {"type": "text", "text": " → "},
            {**link, "text": "Talks end"},
            by,
        ],
        [{"type": "text", "text": "and 2 more articles"}],
    ]
    assert said["text"] == (
        "primary source: Microsoft confirms it (Gazette · gazette.example · en) <https://gazette.example/pact>\n"
        "Talks end (Gazette · gazette.example · en) <https://gazette.example/pact>\n"
        "and 2 more articles\nref 5f0c7a9e2b"
    )


def test_outside_its_thread_a_follow_up_says_of_what_it_is_one() -> None:
    said = message(delivery(follow_up(), kind=Kind.ROOT))
    assert "thread_ts" not in said
    assert said["text"].startswith("Follow-up of: OpenAI and Microsoft sign a new pact\n")


def test_an_edit_changes_its_root_and_stays_known_by_its_id() -> None:
    edit = delivery(id=DeliveryId("other"), kind=Kind.EDIT, root=ROOT, thread="1700000000.000100")
    said = message(edit)
    assert set(said) == {"ts", "text", "parse", "metadata", "blocks"}
    assert said["ts"] == "1700000000.000100"
    assert recognised({"bot_id": "B1", **said}, [ROOT]) == ROOT
    plainer = message(replace(edit, plainness=Plainness.PLAIN))
    assert plainer["blocks"] == []


def test_many_long_articles_leave_the_text_of_a_reply_short_enough() -> None:
    items = [item("A headline that goes on and on " * 9, note="new figures " * 20) for _ in range(MOST_ITEMS)]
    said = message(delivery(follow_up(*items), kind=Kind.REPLY, thread="1700000000.000100"))
    assert units(said["text"]) <= 3000
    assert "\nand more\nref " in said["text"]


def test_control_without_escaping_the_reader_complains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_blocks, "escape", lambda words: words)
    said = {"channel": "C1", **message(delivery(alarm("<!channel> <https://evil.example|openai.com>")))}
    assert complaints(said)


# --- recognised again -------------------------------------------------------------------------------

MINE = DeliveryId("5f0c7a9e2b")


@pytest.mark.parametrize("plainness", Plainness)
def test_our_message_is_recognised_in_each_form(plainness: Plainness) -> None:
    said = {"bot_id": "B1", **message(delivery(plainness=plainness))}
    assert recognised(said, [MINE]) == MINE


@pytest.mark.parametrize("lost", ["metadata", "blocks", "text"])
def test_one_way_may_be_lost(lost: str) -> None:
    said = {"bot_id": "B1", **message(delivery())}
    del said[lost]
    assert recognised(said, [MINE]) == MINE


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"text": "ref 5f0c7a9e2b"},
        {"bot_id": "B1", "text": "ref 5f0c7a9e2b is the end of a headline\nref 0000000000"},
        {"bot_id": "B1", "text": "ref 5f0c7a9e2bX"},
        {"bot_id": "B1", "text": None, "blocks": None, "metadata": None},
        {
            "bot_id": "B1",
            "blocks": ["odd"],
            "metadata": {"event_type": "tocsin_delivery", "event_payload": 3},
        },
        {"bot_id": "B1", "metadata": {"event_type": "other", "event_payload": {"delivery": "5f0c7a9e2b"}}},
    ],
    ids=range(7),
)
def test_what_only_looks_like_ours_is_not(said: dict[str, Any]) -> None:
    assert recognised(said, [MINE]) is None


def test_a_headline_that_quotes_the_reference_of_another_does_not_hide_it() -> None:
    other = delivery(alarm("ref 5f0c7a9e2b"), id=DeliveryId("0000000000"))
    assert recognised({"bot_id": "B1", **message(other)}, [MINE]) == "0000000000"
