"""Companies over a month of given prices: what a stressed market makes them sell, saved, and beside the filings."""

import csv
import math
from datetime import date, timedelta

import pytest

from calibration.tables import DERIVED
from sim.errors import DataError
from sim.treasury.balance import HELD, Balance, replayed
from sim.treasury.treasurer import Treasurer
from sim.treasury.walk import trade_day, walk
from tests.treasury.made import drawn, trading_days

STRESS = {
    "strategy": {"premium": 1.08, "usual_premium": 0.9},
    "small": {"premium_median": 0.85},
    "access_closed_from": "2025-10-20",
    "exclusions": [{"on": "2025-10-15"}],
    "puts": [{"company": "strategy", "on": "2025-10-24", "share": "12%"}],
}


def falling(n: int, fall: float = 0.25) -> list[tuple[date, int, int]]:
    """``n`` trading days over which the price falls by ``fall``."""
    start, out = 116_720_000, []
    for day in trading_days(n):
        t = (day - date(2025, 10, 10)) / timedelta(days=42)
        price = round(start * math.exp(math.log(1 - fall) * t))
        out.append((day, price, price))
    return out


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_month_of_stress_makes_at_least_three_of_thirty_sell(seed: int):
    companies = drawn(seed=seed, **STRESS)
    starts = [Balance(**one.balance.state() | {"journal": []}) for one in companies]
    walk(companies, falling(22))
    sellers = [one for one in companies[1:] if any(entry[0] == "sell coins" for entry in one.balance.journal)]
    assert len(sellers) >= 3
    assert all(one.balance.coins_lots > 0 for one in sellers)
    for one, start in zip(companies, starts, strict=True):
        books = replayed(start, one.balance.journal)
        assert [getattr(books, name) for name in HELD] == [getattr(one.balance, name) for name in HELD]


def test_a_quiet_month_at_high_premia_makes_none_sell_by_force():
    companies = drawn(seed=1, small={"premium_median": 2.0},
                      sales={"hazard_above_1": 0, "hazard": 0, "hazard_deep": 0})  # fmt: skip
    walk(companies, falling(22, fall=0.0))
    assert not any(entry[0] == "sell coins" for one in companies for entry in one.balance.journal)
    assert all(one.memory.events == [] for one in companies)


def test_the_put_of_strategy_sells_its_coins_where_nothing_else_can_be_had():
    """$977m are due on 24 October, $54m are there, nobody buys stock: the coins are sold before, and the notes paid."""
    strategy = drawn(seed=1, **STRESS)[0]
    walk([strategy], falling(15))
    what = [entry[0] for entry in strategy.balance.journal]
    assert "forced sale begins" in {event[0] for event in strategy.memory.events}
    assert what.count("sell coins") >= 5 and "retire notes" in what
    assert strategy.balance.debt_micro == 8_144_000_000 * 10**6 * 88 // 100
    assert 5_000_000 < 640_031_000 - strategy.balance.coins_lots < 20_000_000


def test_a_treasurer_that_is_saved_goes_on_as_if_it_had_not_been():
    prices = falling(20)
    whole, half = (drawn(seed=4, **STRESS) for _ in range(2))
    walk(whole, prices)
    walk(half, prices[:9])
    again = drawn(seed=4, **STRESS)
    for one, other in zip(half, again, strict=True):
        other.restore(one.state())
    walk(again, prices[9:])
    assert [one.state() for one in again] == [one.state() for one in whole]


def test_companies_do_not_hear_of_each_other():
    together, alone = drawn(seed=2, **STRESS), drawn(seed=2, **STRESS)
    walk(together, falling(10))
    walk(alone[5:6], falling(10))
    assert together[5].state() == alone[5].state()


def test_a_company_without_coins_does_nothing_more():
    one = drawn(seed=1)[3]
    one.balance.sold(one.balance.coins_lots, 1)
    walk([one], falling(3))
    assert (one.m_eq, one.m_ev) == (0.0, 0.0) and len(one.balance.journal) == 1


def test_a_day_without_a_session_is_refused():
    one: Treasurer = drawn()[0]
    with pytest.raises(DataError, match="2025-10-11 is no trading day"):
        trade_day(one, date(2025, 10, 11), 1, 1)


# --- beside the filings


def rule_rows(part: str) -> dict[str, dict[str, str]]:
    lines = (DERIVED / "dat_rule.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["of"]: row for row in rows if row["part"] == part}


def test_rates_of_the_settings_are_those_measured_before_the_event():
    claims, fit = drawn()[0].settings.claims, rule_rows("fit")
    assert claims.preferred_a_week == 1e6 * float(fit["sold at the market, a week"]["preferred_musd"])
    for source in ("preferred", "convert"):
        prefix = "converts" if source == "convert" else source
        every = float(fit[f"{source}: days between offerings"][f"{source}_musd"])
        assert getattr(claims, f"{prefix}_every") / 86400 == every
        size = float(fit[f"{source}: geometric mean of an offering"][f"{source}_musd"])
        assert getattr(claims, f"{prefix}_median") == pytest.approx(1e6 * size, rel=0.001)
        sigma = float(fit[f"{source}: sigma of log size"][f"{source}_musd"])
        assert getattr(claims, f"{prefix}_sigma") == pytest.approx(sigma, abs=0.005)


def test_preferred_stock_of_the_filings_lies_within_the_rules_range_and_common_stock_does_not():
    """R17: the ladder holds for common stock alone, and missed what was sold between 1 and 2.5 and below 1."""
    rows = rule_rows("ladder")
    whole = rows["all weeks"]
    for source in ("preferred", "convert"):
        assert float(whole[f"rule_{source}_5"]) <= float(whole[f"{source}_musd"]) <= float(whole[f"rule_{source}_95"])
    assert rows["0 to 1"]["rule_common_for_coins_musd"] == "0" and float(rows["0 to 1"]["common_musd"]) > 3000
    assert float(whole["rule_common_for_coins_musd"]) < 0.1 * float(whole["common_musd"])
