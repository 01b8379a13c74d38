"""What paid for a treasury's coins: the split by hand, conservation, and published figures."""

import csv

import pandas as pd
import pytest

from calibration import dat_funding as dat
from calibration.recordings import strategy_daily, strategy_purchases, strategy_sales
from calibration.tables import DERIVED, evidence_folder

MONDAY = pd.Timestamp("2025-11-17")


def rows(part: str) -> list[dict[str, str]]:
    lines = (DERIVED / "dat_funding.csv").read_text(encoding="utf-8").splitlines()
    return [r for r in csv.DictReader(line for line in lines if not line.startswith("#")) if r["part"] == part]


def bought(*filings: tuple[str, float, float]) -> pd.DataFrame:
    """Purchases: day, coins, cost in $m."""
    index = pd.DatetimeIndex([day for day, _, _ in filings])
    return pd.DataFrame({"coins": [c for _, c, _ in filings], "cost": [1e6 * m for _, _, m in filings]}, index=index)


def sold(*filings: tuple[str, float, float]) -> pd.DataFrame:
    index = pd.DatetimeIndex([day for day, _, _ in filings])
    return pd.DataFrame({"common_sold": [c for _, c, _ in filings], "preferred_sold": [p for *_, p in filings]}, index)


def test_a_sale_is_split_by_the_value_of_preferred_shares():
    """10 m$ with 20,000 preferred shares: 2 and 8. Preferred alone takes all; at $575 a share others are missing."""
    assert dat.split_sale(MONDAY, 10e6, 30_000, 20_000) == (8.0, 2.0)
    assert dat.split_sale(MONDAY, 9.5e6, 0, 100_000) == (0.0, 9.5)
    assert dat.split_sale(MONDAY, 100e6, 0, 173_834) == pytest.approx((82.6166, 17.3834))
    assert dat.split_sale(pd.Timestamp("2025-08-11"), 13.6e6, 0, 0) == (0.0, 13.6)


def test_a_purchase_is_paid_from_its_own_filing_then_from_an_offering_of_two_weeks():
    """100 of 150 sold is used, in proportion; STRE's 702.2 pays 60 + 30, not what is filed after 14 days."""
    got = dat.funded(
        bought(
            ("2025-11-10", 1.0, 100.0), ("2025-11-17", 1.0, 90.0), ("2025-11-24", 1.0, 30.0), ("2025-12-01", 1.0, 5.0)
        ),
        sold(("2025-11-10", 120.0, 30.0), ("2025-11-17", 10.0, 20.0)),
    )
    assert got[list(dat.SOURCES)].to_numpy().tolist() == [[80, 20, 0, 0], [10, 80, 0, 0], [0, 30, 0, 0], [0, 0, 0, 5]]


def test_an_offering_is_spent_once():
    got = dat.funded(bought(("2025-11-17", 1.0, 700.0), ("2025-11-18", 1.0, 100.0)), sold())
    assert got["preferred"].tolist() == pytest.approx([700.0, 2.2])
    assert got["unmatched"].tolist() == pytest.approx([0.0, 97.8])


def test_a_filing_belongs_to_the_week_before_it():
    """Monday and, after a holiday, Tuesday."""
    filed = pd.DatetimeIndex(["2026-01-12", "2026-01-20"])
    assert dat.reported_week(filed).strftime("%Y-%m-%d").tolist() == ["2026-01-05", "2026-01-12"]


def test_every_split_of_weeks_sums_to_the_whole_and_sources_to_the_cost():
    (whole,) = rows("all")
    money = [key for key in dat.COLUMNS if key.endswith("_musd")]
    for part in ("m_ev", "m_eq"):
        for key in ("weeks", "coins", *money):
            assert sum(int(r[key]) for r in rows(part)) == pytest.approx(int(whole[key]), abs=6), (part, key)
    for part in ("all", "m_ev", "m_eq", "ladder", "week"):
        for row in rows(part):
            assert sum(int(row[f"{s}_musd"]) for s in dat.SOURCES) == pytest.approx(int(row["cost_musd"]), abs=3)


def test_the_six_weeks_were_paid_by_preferred_stock():
    """A14: 168, 390, 397, 487 and 8,178 coins (220 more by a filing that is missing); A13: the premia."""
    weeks = rows("week")
    assert [int(r["coins"]) for r in weeks] == [0, 168, 390, 397, 487, 8178, 0]
    paid = {s: sum(int(r[f"{s}_musd"]) for r in weeks) for s in dat.SOURCES}
    assert paid["preferred"] > 0.95 * sum(paid.values()) and paid["convert"] == 0
    assert [float(r["m_ev"]) for r in rows("day")] == [1.45, 1.34, 1.19, 1.12]


def test_common_stock_was_sold_for_coins_below_every_step_of_the_ladder():
    """From 18 August 2025 on: between 1 and 2.5, and below 1, where an issue takes coins from every share."""
    below, between = rows("ladder")
    assert (below["of"], between["of"]) == ("0 to 1", "1 to 2.5")
    assert int(below["common_musd"]) > 3000 and float(below["m_eq"]) < 0.9
    assert int(between["common_musd"]) > 2500


@pytest.mark.evidence
def test_offerings_are_what_their_filings_leave_to_pay():
    """Each within 2 % of the cost that the sales of the same filing do not cover; used up by it."""
    data = evidence_folder()
    assert data is not None
    split = pd.DataFrame(
        [dat.split_sale(day, r.proceeds, r.common, r.preferred) for day, r in strategy_sales(data).iterrows()],
        index=strategy_sales(data).index,
    )
    costs = strategy_purchases(data)["cost"] * 1e-6
    for closing, _, amount in dat.OFFERINGS:
        first = costs[(costs.index >= closing)].index[0]
        left = costs[first] - split.sum(axis=1).get(first, 0.0)
        assert left == pytest.approx(amount, rel=0.02), closing


@pytest.mark.evidence
def test_common_stock_at_par_of_preferred_is_within_1_percent_of_what_filings_print():
    """Filings of 25 August, 2 and 8 September 2025: $309.9m, $425.3m and $200.5m of common stock."""
    data = evidence_folder()
    assert data is not None
    sales = strategy_sales(data)
    for day, printed in (("2025-08-25", 309.9), ("2025-09-02", 425.3), ("2025-09-08", 200.5)):
        row = sales.loc[day]
        common, _ = dat.split_sale(pd.Timestamp(day), row["proceeds"], row["common"], row["preferred"])
        assert common == pytest.approx(printed, rel=0.01)


@pytest.mark.evidence
def test_the_recorded_enterprise_premium_is_the_calculators():
    data = evidence_folder()
    assert data is not None
    daily = strategy_daily(data).loc["2024-10-01":]
    worth = daily["coins"] * daily["price"]
    mine = (daily["market_value"] + daily["debt"] + daily["preferred"] - daily["cash"]) / worth
    assert (mine - daily["m_ev"]).abs().max() < 1e-4
