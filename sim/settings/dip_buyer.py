"""Dip buyers: how many, how much cash, who rests bids and who waits, how deep, how late and how fast they buy."""

from pydantic import model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Count, Duration, Flag, Fraction, Money, MoneyRate, Number

_DISCRETE = "MODEL.md 4.5: 40 whales and desks, thresholds U(-5%, -40%), delay LogN(median 5 min, sigma 1)"


class DipBuyerSettings(Settings):
    """Buyers with local cash: some rest bids far below, the others buy some time after their price was passed."""

    enabled: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="own choice: the market without dip buyers is shown beside the full one",
        note="false leaves the buyers without money and without orders; the draws of everyone else stay the same.",
    )
    buyers: Count = setting(
        40, unit="", provenance="judgement", source=_DISCRETE, note="Number of buyers.", at_least=1, at_most=2000
    )
    cash: Money = setting(
        "$1.7bn",
        unit="USD",
        provenance="judgement",
        source="DECISIONS 17: dip cash here is 9 x 20/53 = $3.4bn, half of it for these buyers",
        note="Cash of all buyers at the start; nobody adds to it.",
        at_least=0.0,
        at_most=1e12,
    )
    budget_sigma: Number = setting(
        1.0,
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.5 says log-normal and gives no width",
        note="Standard deviation of the logarithm of a buyer's share of the cash.",
        at_least=0.0,
        at_most=3.0,
    )
    perp_share: Fraction = setting(
        "65%",
        unit="fraction",
        provenance="judgement",
        source="own judgement: as the books' volumes, $20bn of $30.8bn a day (DECISIONS 17)",
        note="Chance that a buyer's cash lies in the perp's venue, else in the spot venues; perps are paid in full.",
        at_least=0.0,
        at_most=1.0,
    )
    resting_share: Fraction = setting(
        "50%",
        unit="fraction",
        provenance="judgement",
        source="own judgement; MODEL.md 4.5 has both kinds and no share",
        note="Share of the buyers who rest bids from the start instead of waiting.",
        at_least=0.0,
        at_most=1.0,
    )
    bids_per_buyer: Count = setting(
        8,
        unit="",
        provenance="judgement",
        source="own judgement: no single price holds a whole budget",
        note="Bids of equal value that a resting buyer spreads over its band.",
        at_least=1,
        at_most=200,
    )
    rest_from: Fraction = setting(
        "5%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.5: the 4-10% bands; from 5% on, since the depth within 5% is measured and posted in full",
        note="Shortest distance of a resting bid below the start price.",
        at_least=0.0,
        at_most=0.9,
    )
    rest_to: Fraction = setting(
        "10%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.5: the 4-10% bands",
        note="Longest distance of a resting bid below the start price.",
        at_least=0.0,
        at_most=0.9,
    )
    nearest: Fraction = setting(
        "5%",
        unit="fraction",
        provenance="judgement",
        source=_DISCRETE,
        note="Smallest fall from the start price at which a waiting buyer buys; drawn evenly.",
        at_least=0.0,
        at_most=0.95,
    )
    farthest: Fraction = setting(
        "40%",
        unit="fraction",
        provenance="judgement",
        source=_DISCRETE,
        note="Largest fall from the start price at which a waiting buyer buys.",
        at_least=0.0,
        at_most=0.95,
    )
    delay_median: Duration = setting(
        "5min",
        unit="s",
        provenance="judgement",
        source=_DISCRETE,
        note="Median time from the mark's passing a threshold to the first order (log-normal).",
        at_least=0.0,
        at_most=8.64e6,
    )
    delay_sigma: Number = setting(
        1.0,
        unit="log units",
        provenance="judgement",
        source=_DISCRETE,
        note="Standard deviation of the logarithm of that time.",
        at_least=0.0,
        at_most=4.0,
    )
    pace: MoneyRate = setting(
        "$500k/s",
        unit="USD/s",
        provenance="judgement",
        source="own judgement: a mean budget of $42m takes a minute and a half (DECISIONS 20b: entries are sliced)",
        note="Most that one waiting buyer spends in a second.",
        at_least=1.0,
        at_most=1e10,
    )

    @model_validator(mode="after")
    def _ranges_rise(self) -> "DipBuyerSettings":
        for low, high in (("rest_from", "rest_to"), ("nearest", "farthest")):
            if getattr(self, high) < getattr(self, low):
                why = f"must be at least {low} ({getattr(self, low):g}), got {getattr(self, high):g}"
                raise problem_at(high, sentence=why)
        return self
