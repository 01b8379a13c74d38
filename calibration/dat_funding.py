"""How Strategy paid for its coins, by source and by the premium of the week: ``derived/dat_funding.csv``."""

from pathlib import Path

import pandas as pd

from calibration.recordings import strategy_daily, strategy_purchases, strategy_sales
from calibration.tables import Cell, table
from sim.calculator import treasury_premia

FIRST_WEEK, LAST_WEEK = "2024-11-04", "2026-01-19"  # Mondays; daily premia end on 26 January 2026
LADDER_FROM = (
    "2025-08-18"  # filing that allows common stock below 2.5 for any purpose; from 31 July for dividends alone
)
EDGES_EV = (0.0, 1.0, 1.2, 1.5, 1.8, 2.2, 2.5, 4.0)
EDGES_EQ = (0.0, 0.9, 1.0, 1.2, 1.5, 2.0, 4.0)
LADDER = (0.0, 1.0, 2.5)
PREFERRED_AT = 100.0  # USD, stated value of a preferred share; weeks of preferred alone brought 95 to 106
BOUNDS_OF_PREFERRED = (
    80.0,
    125.0,
)  # proceeds a share of a week without common shares in the file, else some are missing
DAYS_TO_SPEND = 14  # an offering pays for the filings of so many days after its closing
OFFERINGS = (  # closing, source, net proceeds, $m
    ("2024-11-21", "convert", 2970.0),
    ("2025-02-05", "preferred", 563.4),
    ("2025-02-21", "convert", 1990.0),
    ("2025-03-25", "preferred", 711.2),
    ("2025-06-10", "preferred", 979.7),
    ("2025-07-29", "preferred", 2474.0),
    ("2025-11-13", "preferred", 702.2),
)
ONLY_PREFERRED = ("2025-08-11",)  # 115,169 shares of STRF alone, by the 8-K; the file has no shares
SOURCES = ("common", "preferred", "convert", "unmatched")
SIX_WEEKS = ("2025-10-06", "2025-11-17")  # Mondays of the weeks that hold 10 October and 21 November
DAYS = ("2025-10-10", "2025-10-31", "2025-11-14", "2025-11-21")
COLUMNS = (
    "part", "of", "weeks", "coins", "cost_musd", *(f"{source}_musd" for source in SOURCES), "common_sold_musd",
    "preferred_sold_musd", "m_eq", "m_ev", "m_net",
)  # fmt: skip


def dat_funding(data: Path) -> str:
    """Purchases by premium and by source, the ladder after it was stated, the six weeks, and premia of four days."""
    found = weeks(strategy_purchases(data), strategy_sales(data), strategy_daily(data))
    rows = [_row("all", "all weeks", found)]
    rows += buckets("m_ev", found, EDGES_EV) + buckets("m_eq", found, EDGES_EQ)
    rows += buckets("m_ev", found.loc[LADDER_FROM:], LADDER, part="ladder")
    inside = found.loc[slice(*SIX_WEEKS)]
    rows += [_row("week", str(monday.date()), inside.loc[[monday]]) for monday in inside.index]
    daily = strategy_daily(data)
    for day in DAYS:
        one = daily.loc[day]
        premia = treasury_premia(
            *(float(one[key]) for key in ("coins", "price", "market_value", "debt", "preferred", "cash"))
        )
        assert premia.net is not None
        shown = [f"{float(value):.2f}" for value in (premia.equity, premia.enterprise, premia.net)]
        rows.append(["day", day, *[None] * (len(COLUMNS) - 5), *shown])
    return table(HEADER, COLUMNS, rows)


HEADER = (
    "Strategy: what its purchases of coins were paid with, by week and premium, 4 November 2024 to 25 January 2026.",
    "Source: 8-K filings and daily balance sheets by way of Sashamine/dat-tracker-next, c0c17e00; net proceeds of",
    "seven offerings (converts of November 2024 and February 2025; STRK, STRF, STRD, STRC, STRE) from the",
    "company's releases, each within 2 % of what its filing leaves to pay.",
    "Licence: the repository states none; no file is shipped, the rounded figures below are facts.",
    "Method: a filing belongs to the week before its own, and the premium is that week's mean over trading days.",
    "Cost is coins x stated mean price. It is paid from what the same filing sold at the market, in proportion;",
    "then from an offering that closed within 14 days; what is left is unmatched (the filings of 17 and 24 March",
    "and 27 May 2025 have no sales in the file). sold: all that was sold at the market, coins bought or not.",
    "Preferred shares count $100 each, common stock the rest; weeks of preferred alone brought 95 to 106 a share.",
    "m_eq: shares at market over coins; m_ev: with debt and preferred stock less cash, as the file has it; m_net:",
    "shares over coins net of claims; shares diluted. ladder: from the filing of 18 August 2025 on, which allowed",
    "common stock below 2.5 for any purpose. Rounding: as printed.",
    "Not in it: 219 coins of the 8-K of 13 October 2025 and 1,283 of early January 2026, known from holdings",
    "alone. Defects: the file has no debt from 31 December 2024 to 20 February 2025 (m_ev too low by about 0.15),",
    "and from 30 September 2025 on $2.8bn less preferred stock than the day before (m_ev too low by about 0.04).",
)


def weeks(purchases: pd.DataFrame, sales: pd.DataFrame, daily: pd.DataFrame) -> pd.DataFrame:
    """One row a week, by its Monday: coins, cost and its sources, what was sold at the market, mean premia.

    Parameters
    ----------
    purchases, sales, daily : DataFrame
        As ``recordings`` reads them.

    Returns
    -------
    DataFrame
        Money in $m.
    """
    sold = pd.DataFrame(
        [split_sale(day, row.proceeds, row.common, row.preferred) for day, row in sales.iterrows()],
        index=sales.index, columns=["common_sold", "preferred_sold"],
    )  # fmt: skip
    paid = funded(purchases, sold)
    worth = daily["coins"] * daily["price"]
    claims = daily["debt"] + daily["preferred"] - daily["cash"]
    premia = pd.DataFrame(
        {
            "m_eq": daily["market_value"] / worth,
            "m_ev": (daily["market_value"] + claims) / worth,
            "m_net": daily["market_value"] / (worth - claims),
        }
    )
    mondays = pd.date_range(FIRST_WEEK, LAST_WEEK, freq="7D")
    sums = pd.concat([part.groupby(reported_week(part.index)).sum() for part in (paid, sold)], axis=1, sort=True)
    means = premia.groupby(premia.index.normalize() - pd.to_timedelta(premia.index.day_of_week, unit="D")).mean()
    return sums.reindex(mondays).fillna(0.0).join(means.reindex(mondays))


def reported_week(filed: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Monday of the week before the filing's own: filings come on Monday, on Tuesday after a holiday."""
    return filed - pd.to_timedelta(filed.day_of_week + 7, unit="D")


def split_sale(filed: pd.Timestamp, proceeds: float, common: float, preferred: float) -> tuple[float, float]:
    """Proceeds of common and of preferred stock, $m, of one filing: dollars, shares."""
    total, low, high = proceeds * 1e-6, *BOUNDS_OF_PREFERRED
    if str(filed.date()) in ONLY_PREFERRED or (common == 0.0 and low * preferred <= proceeds <= high * preferred):
        return 0.0, total
    of_preferred = PREFERRED_AT * preferred * 1e-6
    return total - of_preferred, of_preferred


def funded(purchases: pd.DataFrame, sold: pd.DataFrame) -> pd.DataFrame:
    """Coins and cost of each filing, and how much of the cost each source paid; $m. The sources sum to the cost."""
    left = {closing: amount for closing, _, amount in OFFERINGS}
    rows = []
    for filed, row in purchases[purchases["coins"] > 0.0].iterrows():
        cost = float(row["cost"]) * 1e-6
        paid = dict.fromkeys(SOURCES, 0.0)
        if filed in sold.index:
            mine = sold.loc[filed]
            share = min(1.0, cost / float(mine.sum()))
            paid["common"], paid["preferred"] = (share * float(mine[f"{source}_sold"]) for source in SOURCES[:2])
        open_cost = max(cost - sum(paid.values()), 0.0)
        for closing, source, _ in OFFERINGS:
            if 0 <= (filed - pd.Timestamp(closing)).days <= DAYS_TO_SPEND:
                used = min(open_cost, left[closing])
                left[closing] -= used
                paid[source] += used
                open_cost -= used
        rows.append({"coins": float(row["coins"]), "cost": cost, **paid, "unmatched": open_cost})
    return pd.DataFrame(rows, index=purchases.index[purchases["coins"] > 0.0])


def buckets(measure: str, found: pd.DataFrame, edges: tuple[float, ...], part: str | None = None) -> list[list[Cell]]:
    """Rows of the weeks whose mean premium lies from one edge up to the next; the last has no end."""
    out = []
    for low, high in zip(edges, (*edges[1:], float("inf")), strict=True):
        inside = found[(found[measure] >= low) & (found[measure] < high)]
        if len(inside):
            out.append(
                _row(part or measure, f"{low:g} and more" if high == float("inf") else f"{low:g} to {high:g}", inside)
            )
    return out


def _row(part: str, of: str, inside: pd.DataFrame) -> list[Cell]:
    money = [f"{float(inside[key].sum()):.0f}" for key in ("cost", *SOURCES, "common_sold", "preferred_sold")]
    premia = [f"{float(inside[key].mean()):.2f}" for key in ("m_eq", "m_ev", "m_net")]
    return [part, of, len(inside), f"{float(inside['coins'].sum()):.0f}", *money, *premia]
