"""The text model in all its scripts: a name however it is disguised, and one rule over a dozen languages."""

import unicodedata

import pytest

from alerts.matching import Match, Matcher
from alerts.query import Members
from alerts.watches import Rule, Watch
from tests.builders import article


def matched(query: str, text: str, sets: dict[str, Members] | None = None) -> Match | None:
    matches = Matcher([Watch(id="w", rules=(Rule(id="r", query=query),))], sets).match(article("", text=text))
    return matches[0] if matches else None


NAMES = {  # script → a name, and a sentence of its own with room for it
    "Latin": ("Microsoft", "Wie {} gestern mitteilte, bleibt alles beim Alten."),
    "Latin with accents": ("Éléphant", "Selon « {} », rien ne change."),
    "Cyrillic": ("Майкрософт", "Компания {} вчера промолчала."),
    "Cyrillic with a breve": ("Йодный", "Завод {} закрыт."),
    "Greek": ("Μικροσόφτ", "Η {} δεν σχολίασε."),
    "Arabic": ("مايكروسوفت", "قالت {} إنها لا تعلق."),
    "Arabic with hamza": ("أوبن", "قالت {} إنها لا تعلق."),
    "Hebrew": ("מיקרוסופט", "חברת {} לא הגיבה."),
    "Han": ("微软", "昨天{}没有回应。"),
    "Kana": ("マイクロソフト", "米{}は答えていない。"),
    "voiced Kana": ("グーグル", "米{}は答えていない。"),
    "Hangul": ("마이크로소프트", "어제 {}는 답하지 않았다."),
    "Thai": ("ไมโครซอฟท์", "เมื่อวานนี้{}ไม่ได้ตอบ"),
    "Devanagari": ("माइक्रोसॉफ्ट", "कल {} चुप रही।"),
}
DISGUISES = {
    "as it is": lambda name: name,
    "decomposed": lambda name: unicodedata.normalize("NFD", name),
    "composed": lambda name: unicodedata.normalize("NFC", name),
    "soft hyphens": "\u00ad".join,
    "zero-width spaces": "\u200b".join,
    "word joiners": "\u2060".join,
    "zero-width non-joiners": "\u200c".join,
    "marks of direction": lambda name: f"\u2067\u200f{name}\u200e\u2069",
    "overridden direction": lambda name: f"\u202e{name}\u202c",
    "a byte order mark": lambda name: f"\ufeff{name}",
    "variation selectors": "\ufe0f".join,
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("script", NAMES)
def test_a_name_is_found_in_every_script_however_it_is_disguised(script: str, disguise: str) -> None:
    name, sentence = NAMES[script]
    written = DISGUISES[disguise](name)
    match = matched(name, sentence.format(written))
    assert match
    (evidence,) = match.evidence
    assert evidence.text == sentence.format(written)[evidence.start : evidence.end]
    assert evidence.text.strip("\u2067\u2069\u200e\u200f\u202c\u202e\ufeff\ufe0f") in written
    assert not match.look_alike


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Microsoft", "Ｍｉｃｒｏｓｏｆｔ"),
        ("Microsoft", "𝐌𝐢𝐜𝐫𝐨𝐬𝐨𝐟𝐭"),
        ("Microsoft", "MICROSOFT"),
        ("Microsoft", "MİCROSOFT"),
        ("Microsoft", "Microsoft®"),
        ("Microsoft", "Microsoft²"),
        ("Майкрософт", "МАЙКРОСОФТ"),
        ("Μικροσόφτ", "Μικροσο\u0301φτ"),
        ("Όμιλος", "ΌΜΙΛΟΣ"),
        ("マイクロソフト", "ﾏｲｸﾛｿﾌﾄ"),
        ("グーグル", "ｸﾞｰｸﾞﾙ"),
        ("مايكروسوفت", "مـايـكروسـوفت"),
        ("مايكروسوفت", "مَايكروسُوفت"),
        ("مايكروسوفت", "ﻣﺎﻳﻜﺮﻭﺳﻮﻓﺖ"),
        ("об'єднання", "обʼєднання"),
        ("обʼєднання", "об’єднання"),
        ("오픈AI", "오픈ＡＩ"),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("Straße", "STRASSE"),
        ("first", "ﬁrst"),
    ],
)
def test_another_form_of_the_same_letters_is_the_same_name(name: str, written: str) -> None:
    match = matched(name, f"… {written}, …")
    assert match
    assert match.evidence[0].text.rstrip("®²") == written.rstrip("®²")
    assert not match.look_alike


@pytest.mark.parametrize(
    "written", ["Мicrosoft", "Miсrоsоft", "Μicrosoft", "Micros\u0585ft", "M\u0131crosoft"]
)
def test_letters_that_only_look_right_are_found_and_flagged(written: str) -> None:
    match = matched("Microsoft", f"Said {written}.")
    assert match
    assert match.look_alike
    assert match.evidence[0].text == written


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("Microsoft", "Microsoft's, Microsoft’s und Microsoftʼs", 3),
        ("Microsoft", "Microsofts Anteil", 0),
        ("Microsoft*", "Microsofts Anteil, Microsoftin osuus, a Microsoftot", 3),
        ("Microsoft", "Microsoft'un payı, Microsoft:n osuus, Microsoft-aandeel", 3),
        ("Microsoft", "l'Microsoft d’Microsoft", 2),
        ("Майкрософт", "Майкрософтом", 0),
        ("Майкрософт*", "Майкрософтом и Майкрософту", 2),
        ("Майкрософт", "Интермайкрософт", 0),
        ("Μικροσόφτ", "Μικροσόφτης", 0),
        ("مايكروسوفت", "مايكروسوفتية", 0),
        ("מיקרוסופט", "מיקרוסופטית", 0),
        ("מיקרוסופט*", "מיקרוסופטית", 1),
        ("마이크로소프트", "마이크로소프트가 마이크로소프트와의 마이크로소프트에서는", 3),
        ("마이크로소프트", "마이크로소프트웨어", 0),
        ("माइक्रोसॉफ्ट", "माइक्रोसॉफ्टी", 0),
        ("माइक्रोसॉफ्ट", "माइक्रोसॉफ्ट-ओपनएआई", 1),
        ("微软", "微弱的软件", 0),
        ("微软", "微软亚洲，微软中国", 2),
        ("OpenAI", "与OpenAI合作，OpenAIは、OpenAI가, أوOpenAI", 4),
        ("OpenAI", "OpenAIs GPTOpenAI OpenAI2", 0),
    ],
)
def test_a_word_ends_where_a_reader_sees_it_end(query: str, text: str, found: int) -> None:
    match = matched(query, text)
    assert (len(match.evidence) if match else 0) == found


# ---- one rule, many languages

SETS: dict[str, Members] = {
    "openai": ["OpenAI*", "오픈AI", "أوبن إيه آي", "אופן איי איי", "ओपनएआई", "โอเพนเอไอ"],
    "microsoft": {
        "names": ["Microsoft*", "Майкрософт*", "微软", "微軟", "マイクロソフト", "마이크로소프트"],
        "more": ["مايكروسوفت", "מיקרוסופט", "माइक्रोसॉफ्ट", "ไมโครซอฟท์"],
    },
    "product": ["Azure OpenAI", "Microsoft OpenAI Service"],
}
RULE = "(@openai EXCEPT @product) NEAR/8 @microsoft"

HOLDS = {
    "en": "Microsoft's lawyers and OpenAI have found a way out of their quarrel.",
    "de": "Nach Wochen des Streits reichen sich OpenAI und Microsofts Anwälte die Hand.",
    "fr": "Brouille terminée : OpenAI garde l’appui de Microsoft, à d’autres conditions.",
    "es": "Microsoft cede parte de lo que OpenAI le debía.",
    "fi": "Microsoftin osuus OpenAI:sta kutistuu jälleen.",
    "tr": "OpenAI, Microsoft'un payını azaltmak istiyor.",
    "ru": "OpenAI и Майкрософту удалось договориться.",
    "el": "Η OpenAI ξαναγράφει τη συμφωνία της με τη Microsoft.",
    "ar": "قالت أوبن إيه آي إن اتفاقها مع مايكروسوفت تغير.",
    "he": "אופן איי איי תשלם פחות לחברת מיקרוסופט.",
    "zh": "知情人士称，微软将减少从OpenAI分得的收入。",
    "ja": "米マイクロソフトはOpenAIへの出資を見直す。",
    "ko": "오픈AI와 마이크로소프트는 계약을 다시 쓴다.",
    "th": "ไมโครซอฟท์ยอมให้โอเพนเอไอเลือกคู่ค้าเองได้",
    "hi": "ओपनएआई ने माइक्रोसॉफ्ट से हुआ करार बदला।",
}
FAILS = {
    "en": "How to call Azure OpenAI from a Microsoft spreadsheet.",
    "de": "OpenAI eröffnet ein Büro.\n\nMicrosoft schließt eines.",
    "fr": "Microsoft préfère une IA ouverte (open AI, en anglais).",
    "es": "OpenAI sube sus precios otra vez en toda Europa.",
    "fi": "Microsoftin osake nousi, kun muut yhtiöt putosivat, ja paljon myöhemmin mainittiin OpenAI.",
    "tr": "Microsoft OpenAI Service artık Türkiye'de.",
    "ru": "Майкрософт закрыл сорок дыр.",
    "el": "Η Microsoft έκλεισε ένα γραφείο.",
    "ar": "قالت مايكروسوفت إنها لا تعلق.",
    "he": "מיקרוסופטית ותיקה פרשה, ואופן איי איי שתקה.",
    "zh": "微软宣布了季度业绩，股价小幅上涨。",
    "ja": "マイクロソフトは新しい端末を発表した。",
    "ko": "마이크로소프트웨어 잡지가 오픈AI를 다뤘다.",
    "th": "ไมโครซอฟท์เปิดสำนักงานใหม่",
    "hi": "माइक्रोसॉफ्ट ने नया दफ़्तर खोला।",
}


@pytest.mark.parametrize("language", HOLDS)
def test_one_rule_serves_every_language(language: str) -> None:
    match = matched(RULE, HOLDS[language], SETS)
    assert match
    assert {one.part for one in match.evidence} == {"@openai", "@microsoft"}
    assert matched(RULE, FAILS[language], SETS) is None
