"""Invented messages of every kind: what the snapshots keep and the pictures of the manual show.

Lives here: the deliveries. Not here: how they must look (`tests/alerts/test_snapshots.py`), who draws them
(`tests/pictures.py`).
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.buttons import Button
from alerts.control import slack_forms
from alerts.control.requests import Actor, Answer, Choice, Line, Press, Pressable
from alerts.notifications import (
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
)
from alerts.notifiers.slack_blocks import message

NOW = datetime(2026, 11, 24, 9, 12, 40, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ROOT = DeliveryId("7f3b1c9ad2e84f60b5a1c0de4477aa90")

TITLE = "Microsoft et OpenAI prolongent leur partenariat jusqu’en 2032"
SENTENCE = (
    "Selon le communiqué publié mardi matin, Microsoft reste le premier fournisseur de calcul d’OpenAI, "
    "et l’accord perd son exclusivité."
)
FILED = "Microsoft Corp: Form 8-K, material agreement with OpenAI OpCo"


def spans(text: str, *words: str) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((text.index(word), text.index(word) + len(word)) for word in words))


ALARM = Alarm(
    title=TITLE,
    title_spans=spans(TITLE, "Microsoft", "OpenAI", "partenariat"),
    link="https://www.courrier-du-calcul.example/economie/microsoft-openai-2032",
    source_name="Courrier du calcul",
    language="fr",
    published=NOW - 4 * MINUTE,
    seen=NOW - 4 * MINUTE + timedelta(seconds=40),
    sentence=Sentence(SENTENCE, spans(SENTENCE, "Microsoft", "OpenAI", "accord")),
    watch="openai-microsoft",
    watch_name="OpenAI–Microsoft partnership",
    rule="headline-pact",
    version="3fa94c1e",
    languages=("fr",),
)
GROWN = replace(
    ALARM,
    title=FILED,
    title_spans=spans(FILED, "Microsoft", "agreement", "OpenAI"),
    link="https://filings.example/8-k/000789019-26-000112",
    source_name="Filings Register",
    language="en",
    published=NOW + 21 * MINUTE,
    seen=NOW + 22 * MINUTE,
    sentence=None,
    also=("Courrier du calcul", "Harbour Wire", "科技晨报"),
    languages=("fr", "en", "zh"),
    origins=4,
    copies=14,
    first_seen=ALARM.seen,
    first_source="Courrier du calcul",
    status="Led by Filings Register (filing); first told by Courrier du calcul",
)


def item(title: str, source: str, language: str, note: str = "", was: str | None = None) -> Item:
    link = f"https://{source.lower().replace(' ', '-')}.example/openai-microsoft"
    return Item(title, link, source, language, NOW + 10 * MINUTE, NOW + 11 * MINUTE, note, was)


def follow_up(*items: Item, left_out: int = 0) -> FollowUp:
    return FollowUp(TITLE, ALARM.watch, ALARM.watch_name, items, left_out)


COMMENTARY = follow_up(
    item("What the new terms mean for cloud customers", "Harbour Wire", "en"),
    item("Was der Vertrag für Europas Rechenzentren bedeutet", "Tagblatt Technik", "de"),
)
PROMOTED = follow_up(item(FILED, "Filings Register", "en", "primary source (filing)"))
RETITLED = follow_up(
    item(
        "Microsoft et OpenAI prolongent leur partenariat jusqu’en 2030", "Courrier du calcul", "fr",
        "headline changed", TITLE,
    )
)  # fmt: skip
LINES = tuple(
    DigestLine(title, f"https://{host}.example/a", name, note)
    for title, host, name, note in (
        ("Cloud prices: who pays for whose models?", "harbour-wire", "Harbour Wire", "body, 2 more articles"),
        ("Ein Jahr danach: die Allianz im Rückblick", "tagblatt-technik", "Tagblatt Technik", "body"),
        ("微软与OpenAI修订收入分成协议", "keji-chenbao", "科技晨报", "headline-pact"),
    )
)
HELD = Digest("3 stories held for the digest", (DigestPart(ALARM.watch_name, LINES),))
BRIEF = Digest("While it was quiet (22:00–07:00): 7 stories", (DigestPart(ALARM.watch_name, LINES, more=4),))
TROUBLE = Notice(
    "2 sources cannot be read",
    "Tagblatt Technik: answered 503 (server_error), since 08:47 UTC. Nothing to do, it is tried again.\n"
    "Harbour Wire: no address for the host (dns). Check the host name; the site may have moved.",
)


def delivery(body: Body, **changes: Any) -> Delivery:
    alarm = not isinstance(body, Notice | Digest)
    told = {"story": "s5b1f0a9c3d2e7164" if alarm else None, "watch": ALARM.watch if alarm else None}
    given = {"id": ROOT, "channel": "news", "plainness": Plainness.FULL, "attempts": 1, **told}
    return Delivery(body=body, **{**given, **changes})


def below(body: Body, id: str, **changes: Any) -> Delivery:  # noqa: A002  the name of the field
    """What goes with the root."""
    given = {"id": DeliveryId(id), "kind": Kind.REPLY, "root": ROOT, "thread": "1795511560.000100"}
    return delivery(body, **{**given, **changes})


DELIVERIES = {
    "root": delivery(ALARM),
    "root-edited": below(GROWN, f"{ROOT}-edit", kind=Kind.EDIT),
    "root-plain": delivery(ALARM, plainness=Plainness.PLAIN),
    "root-minimal": delivery(ALARM, plainness=Plainness.MINIMAL),
    "root-possible-repeat": delivery(ALARM, repeat_possible=True),
    "reply": below(COMMENTARY, "0c4d6a1be1f24b0c9a3f7d5e20b18c44"),
    "reply-aloud": below(PROMOTED, "5e8812f0a6c94d7db7f1c3a9e6d40b57", broadcast=True),
    "reply-retitled": below(RETITLED, "91bb27d35c0e4a81a2d66e0f4c7b9d12"),
    "reply-without-its-root": below(PROMOTED, "5e8812f0a6c94d7db7f1c3a9e6d40b57", thread=None),
    "digest": delivery(HELD, id=DeliveryId("c2a90f47b1d84e6e8f05a7d3629e1b70")),
    "brief": delivery(BRIEF, id=DeliveryId("e80d5b3c7f264919a4c1d0b6f38e2a95")),
    "notice": delivery(TROUBLE, id=DeliveryId("3d7e9a2c5b184f60b1e4c8d07a6f5923"), channel="ops"),
}
PRESSED = ("root", "root-edited", "reply", "reply-aloud", "reply-retitled")  # also kept with their buttons

ASKED = Press("e1", Actor("U0ANN", "ann"), "C0NEWS", "https://slack.example/r", "t1", Button.WHY, ROOT)
WHY = Answer(
    "told: headline-pact (version 3fa94c1e) holds",
    (
        Line(TITLE, ALARM.link, " · Courrier du calcul"),
        Line("title: “Microsoft”, “OpenAI”, “partenariat”"),
        Line("not held back by: “Azure OpenAI”"),
    ),
    buttons=(Pressable(Button.NOT_RELEVANT, ROOT), Pressable(Button.MUTE_STORY, ROOT)),
)
SPLIT = Answer(
    "Which of them is another event?",
    choice=Choice(
        Button.SPLIT, "Choose an article", (("Harbour Wire: What the new terms mean", "s5b1f 17"),)
    ),
)
ANSWERS = {"answer-why": WHY, "answer-wrong-story": SPLIT}
MESSAGES = {
    **{name: message(told) for name, told in DELIVERIES.items()},
    **{f"{name}-with-buttons": message(DELIVERIES[name], buttons=True) for name in PRESSED},
}
ONLY_TO_YOU = {name: slack_forms.message(answer, ASKED) for name, answer in ANSWERS.items()}
