"""What somebody typed behind `/tocsin`, on whatever keyboard."""

from datetime import timedelta

import pytest

from alerts.control.requests import EndSilence, Hush
from alerts.control.slash import USAGES, Help, Search, Silences, Status, Stories, Try, Why, read
from alerts.silences import Aim, Condition

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def hush(aim: Aim, value: str, lasting: timedelta, comment: str = "") -> Hush:
    return Hush((Condition(aim, value),), lasting, comment)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("", Help()),
        ("  help ", Help()),
        ("help why", Help(about="why")),
        ("help me", Help()),
        ("status", Status()),
        ("STATUS", Status()),
        ("why https://herald.example/a", Why("https://herald.example/a")),
        ("why <https://herald.example/a?b=1&amp;c=2>", Why("https://herald.example/a?b=1&c=2")),
        ("why <https://herald.example/a|herald.example/a> pact", Why("https://herald.example/a", "pact")),
        ("why 12", Why("12")),
        ('search "Open AI" NEAR/5 deal', Search('"Open AI" NEAR/5 deal')),
        ("search  it's   /pact(s)?/i", Search("it's /pact(s)?/i")),
        ("try", Try("")),
        ("try title:OpenAI", Try("title:OpenAI")),
        ("stories", Stories()),
        ("stories list", Stories()),
        ("stories s12", Stories("s12")),
        ("stories show s12", Stories("s12")),
        ("silence", Silences()),
        ("silence list", Silences()),
        ("silence show 3", Silences(3)),
        ("silence remove 3", EndSilence(3)),
        ("silence add source herald", hush(Aim.SOURCE, "herald", DAY)),
        ("silence add source herald for 2h", hush(Aim.SOURCE, "herald", 2 * HOUR)),
        ("silence add source herald --for 2h", hush(Aim.SOURCE, "herald", 2 * HOUR)),
        ("silence add source herald —for 2h", hush(Aim.SOURCE, "herald", 2 * HOUR)),
        ('silence add term "Copilot plus"', hush(Aim.TERM, "Copilot plus", DAY)),
        ("silence add term “Copilot plus”", hush(Aim.TERM, "Copilot plus", DAY)),
        (
            "silence add rule core term for for 2h",
            Hush((Condition(Aim.RULE, "core"), Condition(Aim.TERM, "for")), 2 * HOUR),
        ),
        ("silence add author O'Neil", hush(Aim.AUTHOR, "O'Neil", DAY)),
        (
            "silence add rule pact/core for 3d because it's the fair",
            hush(Aim.RULE, "pact/core", 3 * DAY, "it's the fair"),
        ),
        ('silence add story s12 --comment "told enough"', hush(Aim.STORY, "s12", DAY, "told enough")),
    ],
)
def test_what_is_typed_is_understood(typed: str, asked: object) -> None:
    assert read(typed) == asked


@pytest.mark.parametrize(
    ("typed", "mistake", "about"),
    [
        ("statsu", "There is no 'statsu'. Did you mean status?", "status"),
        ("xyzzy", "There is no 'xyzzy'.", ""),
        ("why", "Which article?", "why"),
        ("why a b c", "One article at a time.", "why"),
        ("search", "What shall be searched?", "search"),
        ("stories a b", "One story at a time.", "stories"),
        ("silence ad source herald", "Did you mean silence add?", "silence"),
        ("silence add source", "What shall be quiet?", "silence"),
        ("silence add sauce herald", "A silence has no aim 'sauce'. Did you mean source?", "silence"),
        ("silence add term Copilot plus", "'plus' is not understood here.", "silence"),
        ('silence add term "Copilot plus', "A quotation mark is never closed.", "silence"),
        ("silence add source herald for", "'for' is not understood here.", "silence"),
        (
            "silence add source herald for ever",
            "For how long? Expected a duration such as 30s, 5m, 24h or 30d, not 'ever'.",
            "silence",
        ),
        ("silence add source herald for 0", "at most a year", "silence"),
        ("silence add source herald for 99w", "at most a year", "silence"),
        ("silence remove herald", "Which silence?", "silence"),
        (f"silence remove {'9' * 30}", "Which silence?", "silence"),
    ],
)
def test_what_is_not_understood_is_said_with_what_was_probably_meant(
    typed: str, mistake: str, about: str
) -> None:
    asked = read(typed)
    assert isinstance(asked, Help)
    assert mistake in asked.mistake
    assert asked.about == about


def test_every_command_has_its_line_of_help() -> None:
    for name in USAGES:
        answer = read(f"{name} x y z")
        assert not isinstance(answer, Help) or "There is no" not in answer.mistake or name == "silence"
