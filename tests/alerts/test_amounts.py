"""Amounts: one sum is the same whatever language it is written in."""

import pytest

from alerts.amounts import amounts
from alerts.text import fold


@pytest.mark.parametrize(
    "written",
    [
        "$13 billion",
        "$13bn",
        "US$13B",
        "13 Milliarden Dollar",
        "13 Mrd. Dollar",
        "13 milliards de dollars",
        "13.000 millones de dólares",
        "13 mil millones de dólares",
        "US$ 13 bilhões",
        "13 mil milhões de dólares",
        "13 miliardi di dollari",
        "13 miljard dollar",
        "13 miljarder dollar",
        "13 mld dolarów",
        "13 milliárd dollár",
        "13 milyar dolar",
        "13 miliar dolar",
        "13 tỷ USD",
        "13 млрд долларов",
        "13 мільярдів доларів",
        "13 δισεκατομμύρια δολάρια",
        "13 مليار دولار",
        "١٣ مليار دولار",
        "۱۳ میلیارد دلار",
        "13 מיליארד דולר",
        "13 अरब डॉलर",
        "130亿美元",
        "130億ドル",
        "130억 달러",
        "投資額は130億ドルに",
    ],
)
def test_thirteen_billion_is_thirteen_billion_in_every_language(written: str) -> None:
    assert amounts(fold(written)) == {"1.3e10"}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("$13.75 billion", {"1.38e10"}),
        ("13,75 Milliarden", {"1.38e10"}),
        ("137億5000万ドル", {"1.38e10"}),
        ("1,000 million", {"1e9"}),
        ("1.234,5 milioni", {"1.23e9"}),
        ("33 percent", {"33%"}),
        ("33 %", {"33%"}),
        ("33 Prozent", {"33%"}),
        ("yüzde 33", {"33%"}),
        ("33퍼센트", {"33%"}),
        ("en 33 por ciento y 5 000 millones", {"33%", "5e9"}),
        ("4.5 gigawatts, 3 phones, 40 million users", {"4e7"}),
        ("version 3.5 of 2024", set()),
        ("200% more", set()),
    ],
)
def test_what_is_an_amount_and_how_large(written: str, found: set[str]) -> None:
    assert amounts(fold(written)) == found


def test_a_table_of_prices_is_cut_short() -> None:
    assert len(amounts(" ".join(f"{n} million," for n in range(1, 60)))) == 12
