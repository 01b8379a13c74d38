"""The leveraged population: position sizes, leverage, entry prices, and who stands on the short side."""

from pydantic import model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.leveraged_conduct import LeveragedConduct
from sim.settings.quantities import Count, Flag, Fraction, Money, Number

_SHORTS = "DECISIONS 18, judgement: shares of the short side at the start"


class ShortShares(Settings):
    """Who holds the short side of the open interest; the four shares add up to 1."""

    makers: Fraction = setting(
        "10%",
        unit="fraction of open interest",
        provenance="judgement",
        source=_SHORTS,
        note="Market makers, matched coin for coin by spot they own.",
        at_least=0.0,
        at_most=1.0,
    )
    basis: Fraction = setting(
        "35%",
        unit="fraction of open interest",
        provenance="judgement",
        source=_SHORTS,
        note=(
            "Basis traders and issuer hedges, matched coin for coin by spot they own; they do not trade in this"
            " version."
        ),
        at_least=0.0,
        at_most=1.0,
    )
    funds: Fraction = setting(
        "17%",
        unit="fraction of open interest",
        provenance="judgement",
        source=_SHORTS,
        note="Funds at low leverage.",
        at_least=0.0,
        at_most=1.0,
    )
    retail: Fraction = setting(
        "38%",
        unit="fraction of open interest",
        provenance="judgement",
        source=_SHORTS,
        note="Shorts drawn from the same population as the longs.",
        at_least=0.0,
        at_most=1.0,
    )

    @model_validator(mode="after")
    def _add_up(self) -> "ShortShares":
        total = self.makers + self.basis + self.funds + self.retail
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the four shares must add up to 1, they add up to {total:.6g}")
        return self


class LeveragedSettings(Settings):
    """Accounts with borrowed exposure, liquidated by the venue's rules when their equity is too small."""

    enabled: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="DECISIONS 20: the base run of an amplification experiment has the engines off",
        note=(
            "false freezes all positions, their owners, and the liquidation engine; the draws of everyone else "
            "stay the same."
        ),
    )
    accounts: Count = setting(
        20_000,
        unit="",
        provenance="judgement",
        source="MODEL.md 4.3: 20,000-200,000 accounts; the lower end, each then a weighted super-account",
        note=(
            "Number of long accounts; retail shorts and funds are as many again in proportion to their shares, on top."
        ),
        at_least=10,
        at_most=1_000_000,
    )
    notional_sigma: Number = setting(
        3.2,
        unit="log units",
        provenance="measured",
        source=(
            "MODEL.md 4.3: mean over median 140-226, upper tail Hill 0.7, from per-account liquidation records "
            "of 10 Oct 2025 on Hyperliquid"
        ),
        note="Standard deviation of the logarithm of position size.",
        at_least=0.0,
        at_most=5.0,
    )
    notional_cap: Money = setting(
        "$300m",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 4.3: truncated at $200-400m",
        note="Largest position of one account; larger sizes are cut to it.",
        at_least=1000.0,
        at_most=1e11,
    )
    leverage_median: Number = setting(
        3.7,
        unit="x",
        provenance="sourced",
        source=(
            "MODEL.md 4.3: fit to open interest by leverage bucket on Hyperliquid, Dec 2025 press; no hindsight"
            " shift (DECISIONS 18)"
        ),
        note="Median effective leverage outside the CEX group (log-normal, weighted by open interest).",
        at_least=1.0,
        at_most=125.0,
    )
    leverage_sigma: Number = setting(
        0.62,
        unit="log units",
        provenance="sourced",
        source="MODEL.md 4.3: same fit",
        note="Standard deviation of the logarithm of that leverage.",
        at_least=0.0,
        at_most=3.0,
    )
    cex_share: Fraction = setting(
        "30%",
        unit="fraction of accounts",
        provenance="judgement",
        source="MODEL.md 4.3: CEX mixture 0.7/0.3, weight by judgement",
        note="Share of accounts in the high-leverage group.",
        at_least=0.0,
        at_most=1.0,
    )
    cex_leverage_median: Number = setting(
        15.0,
        unit="x",
        provenance="sourced",
        source="MODEL.md 4.3: BitMEX leverage note 2019 (effective 22-30x, 80% up to 54x), taken lower",
        note="Median leverage of that group; each account is capped by the venue's tier.",
        at_least=1.0,
        at_most=125.0,
    )
    cex_leverage_sigma: Number = setting(
        0.6,
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.3",
        note="Standard deviation of the logarithm of that leverage.",
        at_least=0.0,
        at_most=3.0,
    )
    entry_near_share: Fraction = setting(
        "60%",
        unit="fraction of accounts",
        provenance="judgement",
        source="MODEL.md 4.3",
        note="Share of accounts that entered recently.",
        at_least=0.0,
        at_most=1.0,
    )
    entry_near_mean: Fraction = setting(
        "-1%",
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.3; entry = mark x e^x, x below 0 is in profit for a long (DECISIONS 18)",
        note="Mean of the logarithmic distance of a recent entry from the mark.",
        at_least=-1.0,
        at_most=1.0,
    )
    entry_near_sd: Fraction = setting(
        "4%",
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.3",
        note="Standard deviation of that distance.",
        at_least=0.0,
        at_most=1.0,
    )
    entry_far_mean: Fraction = setting(
        "-8%",
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.3; entry = mark x e^x, x below 0 is in profit for a long (DECISIONS 18)",
        note="Mean of the logarithmic distance of an old entry from the mark.",
        at_least=-1.0,
        at_most=1.0,
    )
    entry_far_sd: Fraction = setting(
        "8%",
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.3",
        note="Standard deviation of that distance.",
        at_least=0.0,
        at_most=1.0,
    )
    rank_correlation: Number = setting(
        -0.25,
        unit="",
        provenance="measured",
        source=(
            "MODEL.md R4: Spearman correlation of account value and leverage, Hyperliquid records of 10 Oct "
            "2025 (known after the event)"
        ),
        note="Rank correlation of position size and leverage within each leverage group (Gaussian copula).",
        at_least=-0.99,
        at_most=0.99,
    )
    isolated_share: Fraction = setting(
        "55%",
        unit="fraction of accounts",
        provenance="judgement",
        source="0.55 for centralised exchanges, from memory, low confidence",
        note=(
            "Share of accounts, funds left out, whose position is isolated: a liquidation leaves their other cash "
            "alone."
        ),
        at_least=0.0,
        at_most=1.0,
    )
    free_cash_median: Number = setting(
        1.0,
        unit="margins",
        provenance="judgement",
        source="own judgement: as much again as the position's margin; no record of idle balances was found",
        note="Median cash of an isolated account beside its position, in units of the position's margin.",
        at_least=0.0,
        at_most=100.0,
    )
    free_cash_sigma: Number = setting(
        1.0,
        unit="log units",
        provenance="judgement",
        source="own judgement: two thirds of accounts between 0.4 and 2.7 margins",
        note="Standard deviation of the logarithm of that ratio.",
        at_least=0.0,
        at_most=3.0,
    )
    conduct: LeveragedConduct = setting(
        {},
        unit="",
        provenance="judgement",
        source="MODEL.md 4.3",
        note="Stops, take-profits, top-ups and panic closes.",
    )
    short_shares: ShortShares = setting(
        {},
        unit="",
        provenance="judgement",
        source=_SHORTS,
        note="Who holds the short side.",
    )
    funds_leverage_min: Number = setting(
        1.0,
        unit="x",
        provenance="judgement",
        source="DECISIONS 18: funds at 1-3x",
        note="Lowest leverage of a fund's short.",
        at_least=0.1,
        at_most=50.0,
    )
    funds_leverage_max: Number = setting(
        3.0,
        unit="x",
        provenance="judgement",
        source="DECISIONS 18: funds at 1-3x",
        note="Highest leverage of a fund's short.",
        at_least=0.1,
        at_most=50.0,
    )

    @model_validator(mode="after")
    def _leverages_are_ordered(self) -> "LeveragedSettings":
        if self.funds_leverage_max < self.funds_leverage_min:
            why = f"must not be below funds_leverage_min ({self.funds_leverage_min:g}), got {self.funds_leverage_max:g}"
            raise problem_at("funds_leverage_max", sentence=why)
        return self
