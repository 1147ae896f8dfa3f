"""Amounts: sums and shares in a text, written alike whatever its language.

Lives here: `$50 billion`, `50 Milliarden Dollar`, `500亿美元`, `500억 달러` → `5e10`; `27 %`, `27 percent`,
`27퍼센트` → `27%`. The currency is left out: it is often unsaid, and two sums of the same size in one week in
the same story are hardly ever in two currencies. Not here: what equal amounts say of two articles
(`likeness`).
"""

import re
import unicodedata
from collections.abc import Iterator

_MOST = 12  # of one text; a table of prices is no feature

_SCALES: dict[str, float] = {}
for _scale, _words in {
    1e3: "тыс тысяч thousand tusen bin ribu nghìn ألف هزار אלף हज़ार 千",
    1e4: "万 萬 만",
    1e5: "lakh लाख",
    1e6: (
        "m mn mio million millions millionen millones milhão milhões milione milioni miljoen "
        "miljoner miljoonaa millioner milion miliony milionów milionu millió milioane juta triệu "
        "milyon млн миллион миллиона миллионов мільйон мільйони мільйонів милиона εκατομμύρια "
        "εκατ مليون ملايين میلیون מיליון मिलियन 百万 百萬"
    ),
    1e7: "crore करोड़",
    1e8: "亿 億 억",
    1e9: (
        "b bn billion billions milliarde milliarden mrd milliard milliards bilhão bilhões "
        "miliardo miliardi mld mlrd miljard miljarden miljarder miljardia milliarder miliard "
        "miliardy miliardów miliardu milliárd miliarde miliarden miliar milyar tỷ tỉ млрд "
        "миллиард миллиарда миллиардов мільярд мільярди мільярдів милиарда δισεκατομμύρια δισ "
        "مليار مليارات میلیارد מיליארד अरब 十亿 十億"
    ),
    1e12: (
        "t tn billionen trillion trillions billón billones trilhão trilhões triliun trilyun "
        "trilyon nghìn-tỷ трлн триллион تريليون טריליון 兆 万亿 萬億 조"
    ),
}.items():
    _SCALES |= dict.fromkeys(_words.split(), _scale)

# "mil millones", "mil milhões", "ألف مليون", "nghìn tỷ": a thousand before the scale.
_THOUSANDS = "mil|mila|ألف|nghìn|ngàn|thousand"
_NUMBER = r"\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?!\d)|\d+(?:[.,]\d+)*"
_CJK = "万亿|萬億|百万|百萬|十亿|十億|[万萬만亿億억兆조千]"
_WORDS = "|".join(sorted((re.escape(w) for w in _SCALES if not re.fullmatch(_CJK, w)), key=len, reverse=True))
_SUM = re.compile(
    rf"(?<![a-z0-9.,])(?:[a-z]{{0,3}}[$€£¥₩₹]|us\$|r\$)?[ \u00a0]?(?P<number>{_NUMBER})"
    rf"(?:[ \u00a0\u202f-]?(?P<cjk>{_CJK})(?:(?P<more>\d+)(?P<small>[万萬만亿億억]))?"
    rf"|[ \u00a0\u202f-]?(?:(?P<thousand>{_THOUSANDS})[ \u00a0])?(?P<scale>{_WORDS})(?!\w))"
)
_PERCENT = (
    "%|٪|percent\\b|per cent\\b|prozent|pour cent|por ciento|por cento|per cento|procent|prosent|prosenttia"
    "|proc\\b|százalék|процент|відсот|τοις εκατό|yüzde|persen|phần trăm|في المئة|في المائة|بالمئة|بالمائة"
    "|درصد|אחוז|प्रतिशत|फीसदी|パーセント|퍼센트|프로|เปอร์เซ็นต์"
)
_SHARE = re.compile(rf"(?<![a-z0-9.,])(?P<number>{_NUMBER})[ \u00a0\u202f-]?(?:{_PERCENT})")
_TURKISH_SHARE = re.compile(rf"(?:yüzde|%)[ \u00a0]?(?P<number>{_NUMBER})")


def amounts(folded: str) -> frozenset[str]:
    """The sums and shares of a folded text, at most a dozen."""
    text = _western(folded)
    found = dict.fromkeys((*_sums(text), *_shares(text)))
    return frozenset(list(found)[:_MOST])


def _western(text: str) -> str:
    """Digits of every script as 0–9, and the Arabic marks between them as we write them."""
    if text.isascii():
        return text
    return (
        "".join(
            str(unicodedata.digit(c))
            if c > "\x7f" and c.isdigit() and unicodedata.digit(c, None) is not None
            else c
            for c in text
        )
        .replace("٫", ".")
        .replace("٬", ",")
    )


def _sums(text: str) -> Iterator[str]:
    for match in _SUM.finditer(text):
        scale = _SCALES[match["cjk"] or match["scale"]]
        value = _value(match["number"]) * scale * (1000 if match["thousand"] else 1)
        if match["more"]:
            value += float(match["more"]) * _SCALES[match["small"]]
        if value >= 1e5:  # "2千" and "3 k" are said of anything
            yield _written(value)


def _shares(text: str) -> Iterator[str]:
    for pattern in (_SHARE, _TURKISH_SHARE):
        for match in pattern.finditer(text):
            value = _value(match["number"])
            if 0 < value <= 100:
                yield f"{value:.3g}%"


def _value(number: str) -> float:
    """1,234.5 and 1.234,5 and 1 234,5; three digits behind a lone mark are thousands, others a fraction."""
    digits = re.sub(r"[ \u00a0\u202f'’]", "", number)
    marks = [c for c in digits if c in ".,"]
    if not marks:
        return float(digits)
    last = marks[-1]
    whole, _, rest = digits.rpartition(last)
    whole = re.sub(r"[.,]", "", whole)
    if marks.count(last) > 1 or (len(rest) == 3 and len(marks) == 1 and whole != "0" and len(whole) <= 3):
        return float(whole + rest)
    return float(f"{whole}.{rest}")


def _written(value: float) -> str:
    """Three digits and the power of ten: 13.75 billion → 1.38e10, as 137億5000万 does."""
    mantissa, _, power = f"{value:.2e}".partition("e")
    return f"{float(mantissa):g}e{int(power)}"
