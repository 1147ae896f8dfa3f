"""Matching: rules, evidence, explanations; the watch that ships, on sentences of our own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from alerts.evidence import SENTENCE_LIMIT
from alerts.matching import Match, Matcher
from alerts.operators import Node, Occurrence, Reading, Scope
from alerts.query import Members
from alerts.watches import Rule, Watch, WatchesFile
from tests.builders import article

SHIPPED = WatchesFile.model_validate(
    YAML(typ="safe").load(Path(__file__).parent.parent.parent / "config" / "watches.yaml")
)
MATCHER = Matcher(SHIPPED.watches, SHIPPED.members())


def watch(*queries: str, level: str = "alert", **changes: object) -> Watch:
    rules = tuple(Rule(id=f"r{n}", query=query, level=level) for n, query in enumerate(queries))  # type: ignore[arg-type]
    return Watch(**{"id": "w", "rules": rules, **changes})  # type: ignore[arg-type]


def only(query: str, title: str = "", text: str = "", sets: dict[str, Members] | None = None) -> Match:
    [match] = Matcher([watch(query)], sets).match(article(title, text=text))
    return match


def level(title: str, text: str = "") -> str:
    matches = MATCHER.match(article(title, text=text))
    return matches[0].level if matches else "quiet"


# ---- rules and watches


def test_the_first_rule_that_holds_decides_and_alerts_come_first() -> None:
    rules = (
        Rule(id="digest", level="digest", query="OpenAI"),
        Rule(id="no", query="OpenAI AND nothing"),
        Rule(id="yes", query="OpenAI AND deal"),
    )
    [match] = Matcher([Watch(id="w", rules=rules)]).match(article("OpenAI signs a deal"))
    assert (match.rule, match.level) == ("yes", "alert")


def test_each_watch_answers_for_itself_in_the_order_of_the_file() -> None:
    watches = [watch("deal", id="one"), watch("nothing", id="two"), watch("OpenAI", id="three")]
    found = Matcher(watches).match(article("OpenAI signs a deal"))
    assert [match.watch for match in found] == ["one", "three"]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param(
            ("alert", "alert"), [("real", False), ("shadow", True)], id="behind the one that decides"
        ),
        pytest.param(("alert", "digest"), [("shadow", True), ("real", False)], id="before it"),
    ],
)
def test_a_shadow_rule_is_reported_beside_the_one_that_decides(
    levels: tuple[Any, Any], expected: list[tuple[str, bool]]
) -> None:
    shadow, real = levels
    rules = (
        Rule(id="shadow", level=shadow, query="deal", shadow=True),
        Rule(id="real", level=real, query="OpenAI"),
        Rule(id="later", level="digest", query="OpenAI"),
    )
    found = Matcher([Watch(id="w", rules=rules)]).match(article("OpenAI signs a deal"))
    assert [(match.rule, match.shadow) for match in found] == expected


def test_a_watch_without_any_word_is_still_evaluated() -> None:
    assert Matcher([watch("NOT lawsuit")]).match(article("Nothing at all"))
    assert not Matcher([watch("NOT lawsuit")]).match(article("A lawsuit"))
    assert Matcher([watch("lang:en")]).match(article("Nothing at all"))


def test_a_thousand_watches_do_not_disturb_each_other() -> None:
    watches = [watch(f"name{n} AND deal", id=f"w{n}") for n in range(1000)]
    found = Matcher(watches).match(article("A deal for name7 and name99"))
    assert [match.watch for match in found] == ["w7", "w99"]


# ---- evidence, sentence, score


def test_ten_thousand_watches_for_others_cost_no_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    watches = [watch(f"title:Firm{n} AND (Maker{n} OR deal)", id=f"w{n}") for n in range(10_000)]
    one, all_of_them = Matcher(watches[:1]), Matcher(watches)
    asked: list[Node] = []
    find = Node.find

    def counted(node: Node, reading: Reading, scope: Scope) -> list[Occurrence] | None:
        asked.append(node)
        return find(node, reading, scope)

    monkeypatch.setattr(Node, "find", counted)
    for title in ("Firm0 and Maker0 sign a deal", "Firm0 opens an office", "A quiet day"):
        told = article(title, text="A deal. Nobody has heard of Firm123456 or Maker77.")
        expected = one.match(told)
        alone = len(asked)
        asked.clear()
        assert all_of_them.match(told) == expected
        assert len(asked) == alone, title
        asked.clear()


def test_a_word_of_a_headline_is_not_seen_inside_another() -> None:
    matcher = Matcher([watch("pen AND deal*"), watch("마이크로 AND deal*", id="hangul")])
    assert not matcher.match(article("OpenAI signs dealings"))
    assert matcher.match(article("마이크로와 dealings"))


def test_evidence_names_the_set_the_field_and_the_place() -> None:
    match = only("@names AND deal", "A deal", "Signed by  OpenAI™ today.", {"names": ["OpenAI"]})
    assert [(one.part, one.field, one.start, one.end, one.text) for one in match.evidence] == [
        ("deal", "title", 2, 6, "deal"),
        ("@names", "body", 11, 17, "OpenAI"),
    ]
    assert match.title_spans == ((2, 6),)


def test_the_best_sentence_is_the_one_with_the_most_distinct_parts() -> None:
    text = "OpenAI met OpenAI. Then Microsoft came. Finally OpenAI signed with Microsoft! OpenAI left."
    match = only("OpenAI AND Microsoft", "", text)
    assert match.sentence
    assert match.sentence.text == "Finally OpenAI signed with Microsoft!"
    assert [match.sentence.text[start:end] for start, end in match.sentence.spans] == ["OpenAI", "Microsoft"]


def test_a_sentence_in_a_script_without_spaces_ends_at_its_own_full_stop() -> None:
    match = only("微软 AND OpenAI", "", "昨天下雨。微软与OpenAI签约。明天晴。")
    assert match.sentence
    assert match.sentence.text == "微软与OpenAI签约。"


def test_an_endless_sentence_is_cut_around_its_evidence() -> None:
    match = only("OpenAI AND Microsoft", "", f"{'so ' * 500}OpenAI and Microsoft{' so' * 500}")
    assert match.sentence
    assert len(match.sentence.text) <= SENTENCE_LIMIT + 4
    assert [match.sentence.text[start:end] for start, end in match.sentence.spans] == ["OpenAI", "Microsoft"]


def shown(match: Match) -> tuple[str, list[str]]:
    """The sentence, and which of its words are emphasised."""
    assert match.sentence
    return match.sentence.text, [match.sentence.text[start:end] for start, end in match.sentence.spans]


def test_a_match_in_the_title_shows_the_best_sentence_of_the_text() -> None:
    text = "OpenAI was founded long ago. On Monday OpenAI told Microsoft. Microsoft is older."
    match = only("title:(@names AND Microsoft)", "OpenAI warns Microsoft", text, {"names": ["OpenAI"]})
    assert shown(match) == ("On Monday OpenAI told Microsoft.", ["OpenAI", "Microsoft"])
    assert {one.field for one in match.evidence} == {"title"}
    assert match.score == only("title:(OpenAI AND Microsoft)", "OpenAI warns Microsoft").score


def test_the_sentence_of_a_match_in_the_title_leaves_out_what_must_not_be_there() -> None:
    text = "Nvidia and AMD said nothing of Azure. Azure OpenAI grows."
    match = only('title:(OpenAI EXCEPT "Azure OpenAI") NOT title:(Nvidia OR AMD)', "OpenAI signs", text)
    assert shown(match) == ("Azure OpenAI grows.", ["OpenAI"])


def test_the_sentence_of_a_match_in_the_title_may_stand_far_below() -> None:
    text = f"{'A deal. ' * 300}OpenAI has the deal. {'A deal. ' * 300}"
    assert shown(only("title:(OpenAI AND deal)", "OpenAI: deal", text))[0] == "OpenAI has the deal."


def test_a_match_in_the_title_alone_has_no_sentence_where_the_text_says_nothing_of_it() -> None:
    assert only("OpenAI", "OpenAI signs", "Nothing here.").sentence is None
    assert only("OpenAI AND lang:en", "OpenAI signs", "").sentence is None


def test_what_stands_higher_scores_higher() -> None:
    far = f"{'word ' * 80}OpenAI. {'word ' * 80}Microsoft."
    scores = [
        only("OpenAI AND Microsoft", title, text).score
        for title, text in [
            ("", far),
            ("", "OpenAI. Microsoft."),
            ("", "OpenAI and Microsoft."),
            ("OpenAI, Microsoft", ""),
        ]
    ]
    assert scores == sorted(scores)
    assert len(set(scores)) == 4
    assert scores[-1] == 1.0


def test_a_name_repeated_a_thousand_times_gives_bounded_evidence() -> None:
    match = only("OpenAI AND Microsoft", "", "OpenAI Microsoft " * 1000)
    assert len(match.evidence) <= 60
    assert {one.part for one in match.evidence} == {"OpenAI", "Microsoft"}


# ---- explaining


def test_an_explanation_shows_which_part_failed() -> None:
    matcher = Matcher([watch("title:(OpenAI AND Microsoft) NOT lawsuit")])
    explanation = matcher.explain(article("OpenAI wins", text="Microsoft was not there."), "w")
    assert explanation.match is None
    assert explanation.rules[0].failed == "Microsoft in the title"
    assert any("✓ OpenAI" in line and "'OpenAI' title 0–6" in line for line in explanation.lines())
    assert any("✗ Microsoft" in line for line in explanation.lines())


def test_in_a_terminal_what_was_shown_or_has_nothing_to_show_is_not_taken_apart_again() -> None:
    sets = {"both": "OpenAI AND deal", "none": "lawsuit OR (fine NEAR/2 levy)"}
    query = "(@both OR @none) AND (@both AND Microsoft)"
    lines = Matcher([watch(query)], sets).explain(article("OpenAI signs a deal"), "w").lines()
    found = "   ← 'OpenAI' title 0–6, 'deal' title 15–19"
    assert [line.strip() for line in lines if "@both" in line or "@none" in line][2:] == [
        f"✓ @both{found}",
        "✗ @none   nothing of it",
        "✗ @both AND Microsoft",
        f"✓ @both{found}   as above",
    ]
    assert not any("lawsuit" in line for line in lines)


def test_what_a_shadow_lacks_is_no_reason_that_nobody_was_told() -> None:
    rules = (
        Rule(id="trial", level="alert", query="OpenAI NEAR/1 Microsoft", shadow=True),
        Rule(id="core", level="alert", query="lawsuit"),
    )
    explained = Matcher([Watch(id="w", rules=rules)]).explain(article("OpenAI and not Microsoft"), "w")
    assert [rule.rule for rule in explained.rules] == ["trial", "core"]
    assert explained.lacking == ["core lacks lawsuit"]


def test_an_explanation_of_a_match_agrees_with_the_match() -> None:
    matcher = Matcher([watch("nothing", "OpenAI NEAR/3 Microsoft")])
    one = article("A title", text="OpenAI pays Microsoft.")
    explanation = matcher.explain(one, "w")
    assert explanation.match == matcher.match(one)[0]
    document = json.loads(json.dumps(explanation.to_json()))
    assert [rule["holds"] for rule in document["rules"]] == [False, True]
    assert document["sentence"] == "OpenAI pays Microsoft."


def test_there_is_no_explanation_of_an_unknown_watch() -> None:
    with pytest.raises(KeyError):
        MATCHER.explain(article(), "unknown")


# ---- is the page worth fetching?


@pytest.mark.parametrize(
    ("title", "text", "worth"),
    [
        ("OpenAI opens an office", "", True),
        ("マイクロソフトが発表", "", True),
        ("Technology news of the day", "", True),
        ("Technology news of the day", "Read on.", True),
        (
            "Router recall",
            "The firm calls back thirty thousand routers because they may well overheat.",
            False,
        ),
        ("Router recall", "The firm calls back thirty thousand routers because they may well over…", True),
        (
            "Router recall",
            "Routers go back to the plant at the cost of the seller, says Microsoft of it.",
            True,
        ),
        (
            "Open house at the plant",
            "Everybody is welcome to look at the machines on Sunday from ten to four.",
            False,
        ),
    ],
)
def test_a_page_is_worth_fetching_if_a_name_is_there_or_nothing_is_said(
    title: str, text: str, worth: bool
) -> None:
    assert MATCHER.might_match(title, text) is worth


def test_a_shadow_rule_has_the_pages_it_would_have_if_it_told() -> None:
    text = "The firm calls back thirty thousand routers because they may well overheat."
    core = Rule(id="core", level="alert", query="title:(OpenAI AND Microsoft)")
    trial = Rule(id="trial", level="alert", query="Anthropic", shadow=True, instead_of="core")
    titles = ("OpenAI grows", "Anthropic grows", "Acme grows")

    def worth(*rules: Rule) -> list[bool]:
        matcher = Matcher([Watch(id="w", rules=rules)])
        return [matcher.might_match(title, text) for title in titles]

    assert worth(core) == [True, False, False]
    assert worth(Rule(id="core", level="alert", query=trial.query)) == [False, True, False]
    assert worth(core, trial) == [True, True, False]


# ---- what peers get wrong


def test_a_name_inside_chinese_or_japanese_text_is_a_word() -> None:
    assert only("OpenAI AND 微软", "微软与OpenAI续约").evidence[1].text == "OpenAI"
    assert (
        only("OpenAI AND マイクロソフト", "米マイクロソフトはOpenAIと契約").evidence[0].text
        == "マイクロソフト"
    )


def test_except_drops_an_occurrence_and_not_the_document() -> None:
    text = "The two renegotiate; Azure OpenAI customers see no change, says OpenAI."
    assert only('OpenAI EXCEPT "Azure OpenAI"', "", text).evidence[0].start == text.rindex("OpenAI")


def test_headlines_of_other_pages_below_a_text_never_ring() -> None:
    body = "Thirty thousand routers go back to the plant. Nobody was hurt.\n\n" * 8
    text = f"{body}OpenAI and Microsoft rewrite the contract\n\nMicrosoft at odds with OpenAI"
    assert level("Router recall", text) != "alert"


def test_headlines_of_other_pages_above_a_long_text_do_not_ring() -> None:
    body = "Thirty thousand routers go back to the plant. Nobody was hurt.\n\n" * 30
    text = f"OpenAI and Microsoft rewrite the contract\n\n{body}"
    assert level("Router recall", text) != "alert"
    assert level("Old friends", f"{text}Microsoft pays, OpenAI smiles.") == "alert"


def test_the_evidence_of_decomposed_and_hidden_letters_stays_on_its_words() -> None:
    text = "Re\u0301union\u200b : Open\u00adAI et Mi\u200bcrosoft rene\u0301gocient"
    match = only("OpenAI AND Microsoft", "", text)
    assert [one.text for one in match.evidence] == ["Open\u00adAI", "Mi\u200bcrosoft"]


# ---- the watch that ships


SEED = (
    "Rien ne va plus entre les deux associés. Selon plusieurs personnes au courant des échanges, "
    "OpenAI voudrait desserrer l’étreinte de Microsoft, son premier bailleur de fonds, "
    "avant d’élargir son capital.\n\n"
    "L’accord signé il y a des années réserve à l’éditeur de Windows une part des recettes. "
    "Les négociations traînent depuis le printemps et chacun campe sur ses positions.\n\n"
    "Aucune des deux sociétés n’a souhaité commenter."
)


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-15"])
def test_a_french_article_without_a_title_rings_by_its_text(charset: str) -> None:
    text = SEED if charset == "utf-8" else SEED.replace("’", "'")
    [match] = MATCHER.match(article("", text=text.encode(charset).decode(charset), language="fr"))
    assert match.level == "alert"
    assert {"@openai", "@microsoft"} <= {one.part for one in match.evidence}
    assert all(text[one.start : one.end] == one.text for one in match.evidence)
    assert match.sentence
    assert match.sentence.text.startswith("Selon plusieurs personnes")


@pytest.mark.parametrize(
    "title",
    [
        "OpenAI and Microsoft tear up their cloud contract",
        "Why Microsoft lets OpenAI shop around for computers",
        "Microsoft's stake in OpenAI shrinks",
        "Nadella and OpenAI bury the hatchet over revenue share",
        "Altman wants out of the Microsoft contract",
        "OpenAI und Microsoft ordnen ihre Verträge neu",
        "Microsofts Anteil an OpenAI sinkt",
        "OpenAI et Microsoft revoient leur pacte",
        "Microsoft y OpenAI renuevan su alianza por diez años",
        "OpenAI e Microsoft, tregua sui ricavi condivisi",
        "Microsoft e OpenAI encerram exclusividade na nuvem",
        "OpenAI maakt zich los van Microsoft",
        "OpenAI i Microsoft dzielą się na nowo przychodami",
        "Spor OpenAI s Microsoftem míří k soudu",
        "Az OpenAI új szerződést kötött a Microsofttal",
        "OpenAI:n ja Microsoftin sopimus uusiksi",
        "OpenAI och Microsoft skriver nytt avtal",
        "OpenAI ile Microsoft'un ortaklığı sarsılıyor",
        "OpenAI и Майкрософт пересматривают договор",
        "OpenAI та Microsoft переглядають угоду",
        "OpenAI dan Microsoft akhiri kontrak eksklusif",
        "OpenAI và Microsoft sửa hợp đồng độc quyền",
        "微软与OpenAI重签合约",
        "微軟與OpenAI改寫獨家協議",
        "オープンAIとマイクロソフト、契約を見直しへ",
        "오픈AI-MS, 독점 계약 손본다",
        "أوبن إيه آي ومايكروسوفت تعيدان صياغة العقد",
        "OpenAI ומיקרוסופט משנות את ההסכם",
        "ओपनएआई और माइक्रोसॉफ्ट ने समझौता बदला",
        "โอเพนเอไอและไมโครซอฟท์แก้สัญญา",
        "Η OpenAI και η Microsoft αλλάζουν τη συμφωνία τους",
        "Update: OpenAI and Microsoft tear up their cloud contract - Norvik Herald",
        "ОpenАI and Microsoft tear up their cloud contract",
    ],
)
def test_the_pact_in_the_headline_rings_in_any_language(title: str) -> None:
    assert level(title) == "alert"


@pytest.mark.parametrize(
    "title",
    [
        "Azure OpenAI: deploy your first model in ten steps",
        "Microsoft puts OpenAI's GPT-9 into Copilot",
        "Apple, Google, Microsoft, OpenAI and others promise safer chatbots",
        "Novelists sue OpenAI and Microsoft over copyright",
        "OpenAI-powered assistant comes to Microsoft 365",
        "Microsoft-backed OpenAI rents an office in Turin",
        "OpenAI rents computers from Oracle",
        "Microsoft closes forty holes in Windows",
        "New open AI models for everybody, says Microsoft",
        "Windsurf regatta in light winds",
        "奥特曼新剧集下周开播",
    ],
)
def test_what_merely_names_them_does_not_ring(title: str) -> None:
    assert level(title) != "alert"


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        (
            "Technology news of the day",
            "OpenAI has asked Microsoft to give up part of the revenue, and the partnership is strained.",
            "alert",
        ),
        (
            "A marriage of convenience",
            "Microsoft pays, OpenAI invents: the alliance was never easy, and now the lawyers talk.",
            "alert",
        ),
        (
            "Norvik sells its router business",
            "The buyer keeps the name. " * 30 + "Elsewhere, OpenAI amended its contract with Microsoft.",
            "digest",
        ),
        (
            "Microsoft and Nvidia put billions into Anthropic",
            "The deal gives Claude a home on Azure. Microsoft also remains a partner of its rival OpenAI.",
            "digest",
        ),
        ("Norvik sells its router business", "The buyer keeps the name and most of the staff.", "quiet"),
    ],
)
def test_without_names_in_the_headline_the_text_decides(title: str, text: str, expected: str) -> None:
    assert level(title, text) == expected


def test_matching_loads_no_vendor() -> None:
    vendors = ("scrapy", "feedparser", "slack_sdk", "sqlalchemy")
    code = f"import sys, alerts.matching; print([n for n in {vendors} if n in sys.modules])"
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
