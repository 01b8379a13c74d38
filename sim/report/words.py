"""Numbers and sentences for people: amounts with unit, and what this version leaves out."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k"))
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain_text(text: object) -> str:
    """Text without ANSI escapes and other control characters; line breaks and tabs stay."""
    return _CONTROL.sub("", _ESCAPE.sub("", str(text)))


def amount(value: float, unit: str) -> str:
    """Write a number with its unit, short: "$1.24bn", "-12.3 %", "1,323"."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "none"
    if isinstance(value, float) and math.isinf(value):
        return "never"
    if unit == "USD":
        return f"{'-' if value < 0 else ''}${_scaled(abs(value))}"
    if unit == "fraction" and 0.0 < abs(value) < 1e-6:
        return "less than 0.0001 %" if value > 0.0 else "more than -0.0001 %"
    if unit == "fraction":
        return f"{100.0 * value:.3g} %" if abs(value) < 0.9995 else f"{100.0 * value:.4g} %"
    if unit in ("accounts", "messages", "fills", "count"):
        return f"{value:,.0f}"
    if unit == "BTC" and abs(value) >= 1000.0:
        return f"{value:,.0f} BTC"
    return f"{value:,.4g} {unit}".replace("e+06", "m").strip()


def price(value: float) -> str:
    """Price in whole dollars."""
    return "none" if math.isnan(value) else f"${value:,.0f}"


def duration(seconds: float) -> str:
    """Seconds as "6 h 40 min", "23 min 10 s" or "250 ms"."""
    if seconds and abs(seconds) < 1.0:
        return f"{seconds * 1e3:g} ms"
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    shown = [f"{n} {unit}" for n, unit in parts if n]
    return " ".join(shown[:3]) or "0 s"


def _scaled(value: float) -> str:
    for scale, letter in _SCALES:
        if value >= scale:
            return f"{value / scale:.4g}{letter}"
    return f"{value:.4g}"


def setting_text(value: Any, unit: str) -> str:
    """Value of a setting as a reader writes it, with all its digits."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if not isinstance(value, (int, float)):
        return plain_text(value)
    if unit == "s":
        return duration(value) if value else "0 s"
    if unit.startswith("USD"):
        return f"${_exact(value)}{unit[3:]}"
    if unit.startswith("fraction"):
        shown = f"{1e4 * value:.10g} bp" if 0 < abs(value) < 0.001 else f"{100.0 * value:.10g} %"
        return f"{shown}{unit[8:]}"
    return f"{value:,.10g} {unit}".strip()


def _exact(value: float) -> str:
    """Amount with all its digits; scaled from a million upwards."""
    scale, letter = next(((s, x) for s, x in _SCALES if value >= s >= 1e6), (1.0, ""))
    return f"{value / scale:,.12g}{letter}"


LIMITS: tuple[str, ...] = (
    "One coin, one venue, one spot book: no other venue or coin, no collateral tokens, no lending, ETFs or treasuries.",
    "Demand below the visible book is that of a latent layer and of dip buyers whose cash is a judgement. Once that "
    "cash, the makers' capital and the insurance fund are used up, deleveraging of traders in profit alone stands "
    "against a fall, and its depth means nothing.",
    "Stops, take-profits, added margin and panic closes of leveraged traders are judgements: no record of single "
    "accounts was found. Nobody opens a new leveraged position during a run.",
    "News value, starting depth and leverage are inputs; where sources differ, the parameter table names the one used.",
    "A seed is one draw of the model's noise. Shares of seeds say nothing about how often such a day happens.",
)
"""What a reader must know before quoting a number; docs/limits.md says more."""

LIMITS_OF_LISTINGS: tuple[str, ...] = (
    "The listings that the scenario names, and no others: no lending, ETFs or treasuries; a bridge firm is never "
    "liquidated.",
    *LIMITS[1:],
)
"""The same for a scenario with listings."""

_ACTING = "Absent from this version and acting in this direction"
_NO_CAUSE = "No cause is claimed here."
ABSENT = {
    "too deep": "The simulated makers withdraw less than the recorded ones did; no cause is claimed here.",
    "too thin": "The simulated book refills more slowly than the recorded one; no cause is claimed here.",
    "too shallow": f"{_ACTING}: forced flow of other venues and coins, hedges of options dealers.",
    "too far": f"{_ACTING}: new positions of traders who buy into the fall, demand from other venues.",
    "too early": "The pause of 21:00 to 21:10 has no mechanism here; the trigger of the second leg is not explained.",
    "no pause": "The level of 21:00 to 21:10 is that of the news and of the first wave of orders; no cause is claimed.",
    "too late": "The trigger of the second leg is not explained by this version.",
    "recovers late": f"{_ACTING}: traders who open new positions after the low, demand from other venues.",
    "recovers early": _NO_CAUSE,
    "too calm": f"{_ACTING}: forced flow of other venues and coins, news of this coin alone.",
    "too wild": _NO_CAUSE,
    "too little traded": "Background flow has no view and does not react to a fall; a smaller fall forces less.",
    "almost none before": "Hardly anything is liquidated in the simulated half hour before, which divides.",
    "longs alone": "Shorts are liquidated where the price rebounds; the simulated rebound reaches none or few.",
    "too few close": "Accounts close by force, stops, take-profits and in panic; a smaller, slower fall closes fewer.",
    "no premium": "One set of makers quotes both books, and arbitrage between them stays open.",
}
"""One sentence for each way to miss a row; it names what is missing and claims no more."""


def why(row: str, value: float, low: float, unit: str = "") -> str:
    """Sentence beside a missed row, by the row and the side on which it was missed; empty where none is known."""
    below = value < low
    if row in ("F1", "F2"):
        return ABSENT["too far" if below else "too shallow"]
    if row == "F0" and unit == "%":
        return ABSENT["no pause"]
    if row in ("F0", "F3"):
        return ABSENT["too early" if below else "too late"]
    if row in ("F4", "F5"):
        return ABSENT["recovers early" if below == (row == "F4") else "recovers late"]
    if row in ("F11", "F12"):
        return ABSENT["too calm" if below else "too wild"]
    only_side = {
        ("F23", True): "too little traded", ("F26", False): "almost none before", ("F28", False): "longs alone",
        ("F32", False): "too few close", ("F45", False): "no premium",
    }  # fmt: skip
    if (row, below) in only_side:
        return ABSENT[only_side[row, below]]
    return ABSENT["too thin" if below else "too deep"] if row in ("F14", "F15", "F16", "F17") else ""
