"""Routes: a table of what an entry of `channels:` takes, and what comes of it on the way."""

from datetime import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger
from alerts.alerting import Backlog, Reason
from alerts.channels import Channel, DigestTime
from alerts.explanation import Answer
from alerts.matching import Matcher
from alerts.notifications import Alarm, Digest, FollowUp, Kind
from alerts.routes import Route, possible, recipients
from alerts.rulebook import Rulebook
from alerts.sum_up import sum_up
from alerts.watches import Rule, WatchesFile
from config.reading import ConfigError, read
from tests.alerts.test_screen import PACT, WATCH
from tests.alerts.test_telling import HABITS, LATER, Room
from tests.builders import HOUR, MINUTE, NOW, article

FILING = {"publisher": "filing", "tier": 1}


@pytest.mark.parametrize(
    ("conditions", "level", "of", "takes"),
    [
        pytest.param({}, "digest", {"language": None, "tier": 3}, True, id="no condition"),
        pytest.param({"level": "alert"}, "alert", {}, True, id="its level"),
        pytest.param({"level": "alert"}, "digest", {}, False, id="another level"),
        pytest.param({"level": ["alert", "digest"]}, "digest", {}, True, id="one of its levels"),
        pytest.param({"language": "fr"}, "alert", {"language": "fr"}, True, id="its language"),
        pytest.param({"language": "fr"}, "alert", {"language": "fr-CA"}, True, id="as it is written there"),
        pytest.param({"language": ["de", "fr"]}, "alert", {"language": "en"}, False, id="another language"),
        pytest.param({"language": "fr"}, "alert", {"language": None}, False, id="a language nobody knows"),
        pytest.param({"publisher": ["filing", "regulator"]}, "alert", FILING, True, id="its publisher"),
        pytest.param({"publisher": "regulator"}, "alert", FILING, False, id="another publisher"),
        pytest.param({"tier": 2}, "alert", {"tier": 1}, True, id="a better tier"),
        pytest.param({"tier": 2}, "alert", {"tier": 2}, True, id="its tier"),
        pytest.param({"tier": 2}, "alert", {"tier": 3}, False, id="a worse tier"),
        pytest.param({"language": "en", "publisher": "filing"}, "alert", FILING, True, id="all hold"),
        pytest.param({"language": "en", "publisher": "wire"}, "alert", FILING, False, id="one does not"),
    ],
)
def test_a_route_takes_what_fits_all_its_conditions(
    conditions: dict[str, Any], level: str, of: dict[str, Any], takes: bool
) -> None:
    route = Route.model_validate({"to": "legal", **conditions})
    assert route.takes(level, article(**of)) is takes


def test_an_article_goes_to_each_channel_once_in_the_order_of_the_file() -> None:
    routes = (
        Route.model_validate({"to": "legal", "publisher": "filing"}),
        "news",
        Route(to="low", level=("digest",)),
        Route(to="legal", tier=1),
    )
    assert recipients(routes, "alert", article(**FILING)) == ("legal", "news")
    assert recipients(routes, "digest", article(tier=3)) == ("news", "low")
    assert recipients((), "alert", article()) == ()
    assert possible(routes, "alert") == ("legal", "news")
    assert possible(routes, "digest") == ("legal", "news", "low")


# ---- in watches.yaml


def written(tmp_path: Path, channels: str) -> WatchesFile:
    path = tmp_path / "watches.yaml"
    text = f"watches:\n  - id: pact\n    rules: [{{id: core, query: a}}]\n    channels:\n{channels}"
    path.write_text(text, encoding="utf-8")
    return read(path, WatchesFile, {})


def test_a_channel_is_an_id_or_a_route_with_one_value_or_several(tmp_path: Path) -> None:
    file = written(tmp_path, "      - news\n      - {to: legal, level: alert, language: [en, fr], tier: 1}\n")
    assert file.watches[0].channels == (
        "news",
        Route(to="legal", level=("alert",), language=("en", "fr"), tier=1),
    )


@pytest.mark.parametrize(
    ("entry", "key", "said"),
    [
        ("{level: alert}", "channels[0].to", "is missing"),
        ("{to: legal, levle: alert}", "channels[0].levle", "did you mean `level`?"),
        ("{to: legal, level: alarm}", "channels[0].level", "should be 'alert' or 'digest', not 'alarm'"),
        ("{to: legal, publisher: [filing, bolg]}", "channels[0].publisher[1]", "did you mean `blog`?"),
        ("{to: legal, language: French}", "channels[0].language", "pattern"),
        ("{to: legal, tier: 0}", "channels[0].tier", "greater than or equal to 1"),
        ("7", "channels[0]", "should be a valid string"),
    ],
)
def test_a_mistake_in_a_route_has_its_line_and_its_key(
    tmp_path: Path, entry: str, key: str, said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        written(tmp_path, f"      - {entry}\n")
    (problem,) = refused.value.problems
    assert problem.line == 5
    assert problem.key == f"watches[pact].{key}"
    assert said in problem.message


# ---- on the way


def routed(room: Room, *channels: Any, rules: tuple[Rule, ...] = WATCH.rules) -> None:
    watch = WATCH.model_copy(update={"channels": channels, "rules": rules})
    room.rulebook = Rulebook(room.sources, {"pact": watch}, Matcher([watch]), Backlog(), HABITS)


def roots(room: Room) -> dict[str, str]:
    return {
        one.channel: one.body.title
        for one in room.records()
        if one.kind is Kind.ROOT and isinstance(one.body, Alarm)
    }


def replies(room: Room, channel: str) -> list[str]:
    said = [one.body for one in room.records() if one.channel == channel]
    return [item.title for body in said if isinstance(body, FollowUp) for item in body.items]


FILINGS = Route(to="legal", publisher=("filing", "regulator"))


@pytest.fixture
def room(engine: Engine) -> Room:
    return Room(engine)


def test_a_story_begins_in_a_further_channel_with_the_first_article_that_goes_there(room: Room) -> None:
    routed(room, "news", FILINGS)
    room.bring(PACT)
    room.send()
    assert roots(room) == {"news": PACT}
    room.follow("OpenAI, Microsoft: form 8-K", of="sec")
    assert roots(room) == {"news": "OpenAI, Microsoft: form 8-K", "legal": "OpenAI, Microsoft: form 8-K"}
    assert replies(room, "news") == ["OpenAI, Microsoft: form 8-K", PACT]
    assert replies(room, "legal") == []
    room.follow("OpenAI, Microsoft: form 8-K, once more", of="sec", now=LATER + MINUTE)
    assert len(roots(room)) == 2


def test_whoever_has_the_root_hears_of_the_whole_story_but_aloud_only_of_what_goes_there(room: Room) -> None:
    routed(room, "news", FILINGS)
    room.bring("OpenAI, Microsoft: form 8-K", of="sec")
    room.send()
    with room.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET attempts = 1")
    room.follow("Microsoft denies pact with OpenAI", of="gazette")
    aloud = {one.channel: one.broadcast for one in room.records() if one.kind is Kind.REPLY}
    assert aloud == {"news": True, "legal": False}


def test_a_root_is_led_only_by_what_goes_to_its_channel(room: Room) -> None:
    routed(room, "news", Route(to="press", publisher=("press",)))
    room.bring(PACT)
    room.follow("OpenAI, Microsoft: form 8-K", of="sec", now=LATER)
    assert roots(room) == {"news": "OpenAI, Microsoft: form 8-K", "press": PACT}
    (press,) = [one.body for one in room.records() if one.channel == "press" and one.kind is Kind.ROOT]
    assert isinstance(press, Alarm)
    assert (press.also, press.status) == (("Sec",), "")
    assert replies(room, "press") == ["OpenAI, Microsoft: form 8-K"]


def test_a_copy_begins_the_story_where_it_is_new(room: Room) -> None:
    routed(room, "news", Route(to="wires", tier=2), Route(to="small", tier=3, publisher=("blog",)))
    room.sources["echo"] = room.sources["echo"].model_copy(update={"publisher": "blog", "tier": 3})  # type: ignore[index]
    room.bring(PACT)
    room.bring(PACT, of="echo", url="https://echo.example/copy", now=LATER)
    assert set(roots(room)) == {"news", "wires", "small"}
    assert room.reasons("https://echo.example/copy") == [Reason.NEW_IN_CHANNEL]
    assert room.why("https://echo.example/copy") is Answer.WAITING


def test_another_rule_that_holds_for_a_later_article_tells_its_own_channels(room: Room) -> None:
    second = Rule(id="sign", query="sign*", channels=("legal",))
    routed(room, "news", rules=(second, Rule(id="core", query="title:(OpenAI AND Microsoft)")))
    room.bring("OpenAI and Microsoft agree")
    room.follow("OpenAI and Microsoft: it is signed", of="gazette")
    assert roots(room) == {
        "news": "OpenAI and Microsoft agree",
        "legal": "OpenAI and Microsoft: it is signed",
    }
    with room.engine.connect() as connection:
        assert len(ledger.recent_alerts(connection, 9)) == 1


LOW = Channel(id="low", kind="console", digest=DigestTime(at=time(13)))
BODY = "OpenAI met Microsoft for a day of talks about nothing in particular, as the two of them often do."


def digested(room: Room, channel: Channel) -> list[str]:
    if not sum_up(room.engine, room.rulebook, channel, NOW + 2 * HOUR):
        return []
    (digest,) = [
        one.body for one in room.records() if one.channel == channel.id and isinstance(one.body, Digest)
    ]
    return [line.title for part in digest.parts for line in part.lines]


def test_a_digest_has_what_its_channel_was_not_told_whoever_was_told_of_the_story(room: Room) -> None:
    routed(room, Route(to="news", level=("alert",)), Route(to="low", level=("digest",)))
    room.bring("A day of talks", summary=BODY)
    room.bring(PACT, of="gazette", summary=BODY, now=NOW + MINUTE)
    assert roots(room) == {"news": PACT}
    assert digested(room, LOW.model_copy(update={"id": "news"})) == []
    assert digested(room, LOW) == ["A day of talks"]


def test_what_a_digests_rule_adds_to_a_told_story_is_in_the_digest_it_is_routed_to(room: Room) -> None:
    routed(room, Route(to="news", level=("alert",)), Route(to="low", level=("digest",)))
    room.bring(PACT)
    room.follow("What it means", of="gazette", summary=BODY)
    assert set(roots(room)) == {"news"}
    assert replies(room, "news") == ["What it means"]
    assert digested(room, LOW) == ["What it means"]


def test_what_no_channel_takes_is_on_record_and_why_says_so(room: Room) -> None:
    routed(room, Route(to="paris", language=("fr",)))
    room.bring(PACT, url="https://herald.example/pact")
    assert room.records() == []
    assert room.why("https://herald.example/pact") is Answer.DEAD
