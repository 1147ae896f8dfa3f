"""Facts: what of an article could be news beside another: sums, years, who else takes part, a denial.

Lives here: reading them out of words, roughly and in many languages. Pure. A fact that is missed keeps an
article in its thread; one that is made up shows it in the channel too. Not here: what follows from a new one
(`promotion`).
"""

import re
from dataclasses import dataclass
from typing import Any

from alerts.amounts import amounts
from alerts.text import fold
from crawler.articles import Article

READ = 1500  # characters of a text that count: what happened stands at the top


@dataclass(frozen=True, slots=True)
class Facts:
    """`top` are those of the headline; the others include them."""

    amounts: frozenset[str] = frozenset()
    top_amounts: frozenset[str] = frozenset()
    years: frozenset[str] = frozenset()
    top_years: frozenset[str] = frozenset()
    parties: frozenset[str] = frozenset()
    top_parties: frozenset[str] = frozenset()
    denies: bool = False  # the headline does

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps them."""
        known = {name: getattr(self, name) for name in self.__slots__}
        return {name: sorted(v) if isinstance(v, frozenset) else v for name, v in known.items() if v}

    @classmethod
    def from_json(cls, known: dict[str, Any]) -> "Facts":
        read: dict[str, Any] = {name: v if name == "denies" else frozenset(v) for name, v in known.items()}
        return cls(**read)


def facts(article: Article) -> Facts:
    """What this article says."""
    top, all_of_it = article.title, f"{article.title}\n{article.text[:READ]}"
    return Facts(
        amounts=_amounts(all_of_it),
        top_amounts=_amounts(top),
        years=_years(all_of_it),
        top_years=_years(top),
        parties=_parties(all_of_it),
        top_parties=_parties(top),
        denies=_DENIALS.search(top) is not None,
    )


# ---- sums and years

_YEAR = re.compile(r"(?<![\w$€£.,/-])(20[2-4]\d)(?![\w%/-]|[.,]\d)")


def _amounts(words: str) -> frozenset[str]:
    return frozenset(map(_spoken, amounts(fold(words))))


def _spoken(amount: str) -> str:
    """For a reader: 5e10 is 50 billion; a share stays as it is."""
    if amount.endswith("%"):
        return amount
    value = float(amount)
    for scale, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if value >= scale:
            return f"{value / scale:.3g} {word}"
    return f"{value:,.0f}"


def _years(words: str) -> frozenset[str]:
    return frozenset(_YEAR.findall(words))


# ---- who else takes part

_NAMES = """
    Alibaba Altman Amazon AMD Anthropic Apple AWS Broadcom Cerebras CMA CoreWeave DeepMind DeepSeek DOJ FTC
    Google Huawei IBM Intel Meta Mistral Musk Nadella Nvidia Oracle Palantir Pentagon Perplexity Salesforce
    Samsung SEC SoftBank Stargate Suleyman Tesla Trump xAI
"""
_NAME = re.compile(rf"(?<![^\W_])({'|'.join(_NAMES.split())})(?![^\W_])")


def _parties(words: str) -> frozenset[str]:
    return frozenset(_NAME.findall(words))


# ---- denials

# Beginnings of words; in scripts without spaces, the words. A list to be sure of, not a complete one.
_BEGINNINGS = """
    denies denied deny dismisses dismissed rejects rejected refute terminates terminated scraps_ scrapped
    retracts retracted withdraws withdrawn withdrew walks_back calls_off called_off
    dementier bestreite bestritt widersprich beende zieht_zurück dément rejette rompt met_fin_à
    niega desmiente desmint rechaza rescinde rompe smenti respinge desment rejeita ontken verwerp
    zaprzecz dementuj zrywa popír popřel odmít cáfol dezminte neagă yalanla reddet förneka dementera
    afviser avkreft benekter kiist опроверг опроверга отрица разрыва спросту διαψεύδ αρνείται
"""
_WORDS = """
    否认 否認 撤回 終止 终止 打ち切 부인 철회 파기 ينفي تنفي نفت نفى تكذب تکذیب מכחיש הכחיש खंडन ปฏิเสธ
"""
_BEGIN = "|".join(_BEGINNINGS.split()).replace("_", " ")
_DENIALS = re.compile(rf"(?<![^\W\d_])(?:{_BEGIN})|{'|'.join(_WORDS.split())}", re.IGNORECASE)
