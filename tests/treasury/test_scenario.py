"""``dat_stress``: who sells by its rules over its own days, and two days of it in the market."""

from datetime import date, timedelta

import pytest

import sim
from sim.calendar_ny import is_trading_day
from sim.scenario.load import load_spec
from sim.treasury.company import companies
from sim.treasury.treasurer import Treasurer
from sim.treasury.walk import walk


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_at_least_three_of_thirty_sell_in_dat_stress(seed: int):
    """On the path of its news, without a market."""
    spec = load_spec("dat_stress")
    assert spec.dat.enabled and spec.dat.small.companies == 30
    lot_micro = round(spec.market.price * 1000)
    start_s = spec.start_utc.timestamp()
    ones = [
        Treasurer(company, balance, spec.dat, seed, start_s, lot_micro)
        for company, balance in companies(spec.dat, seed, spec.market.price, 0.001)
    ]
    first = spec.start_utc.date()
    n_days = int(spec.duration / 86400) + 1
    fall = spec.news.path[-1].move
    prices = []
    for k in range(n_days):
        day = first + timedelta(days=k)
        if is_trading_day(day):
            prices.append((day, *[round(lot_micro * (1 + fall * k / n_days))] * 2))
    walk(ones, prices)
    sellers = [one.company.name for one in ones if any(entry[0] == "sell coins" for entry in one.balance.journal)]
    assert len([name for name in sellers if name.startswith("small")]) >= 3
    assert "strategy" in sellers  # the put: nothing else can be had after 20 October
    assert prices[-1][0] <= date(2025, 11, 10)


def test_two_days_in_the_market_with_many_sales():
    """A hazard so high that most small companies begin on Tuesday; every coin goes through the book."""
    over = {"duration": "1d7h10m", "tick": "10s", "news.path": [{"at": "1d7h", "move": "-0.5%"}],
            "dat.sales": {"hazard_above_1": 30, "hazard": 60, "hazard_deep": 100}}  # fmt: skip
    run = sim.load("dat_stress", **over).run(seed=1)
    ledger = run.ledgers["dat"]
    begun = ledger[ledger["what"] == "own sale begins"]
    sold = ledger[ledger["what"] == "sell coins"]
    assert len(begun) >= 20 and set(begun["who"]) >= set(sold["who"])
    assert len(sold) >= 20
    planned = begun.set_index("who")["planned_coins"]
    for row in sold.itertuples():
        whole = round(float(planned[row.who]) * 1000)
        assert 0 < round(-row.coins * 1000) <= -(-whole // 5)  # a fifth on each of five days, in lots
        assert row.amount_usd / -row.coins == pytest.approx(116_720, rel=0.03)
    assert {row["what"] for _, row in ledger[ledger["who"] == "strategy"].iterrows()} >= {"buy coins", "close"}


@pytest.mark.long
def test_four_weeks_in_the_market():
    """All of it, on its two clocks: three small companies and Strategy sell, and the notes that are put are paid."""
    ledger = sim.load("dat_stress").run(seed=1).ledgers["dat"]
    sellers = set(ledger[ledger["what"] == "sell coins"]["who"])
    assert "strategy" in sellers and len(sellers) >= 4
    paid = ledger[(ledger["who"] == "strategy") & (ledger["what"] == "retire notes")]["amount_usd"].sum()
    assert paid == -0.12 * 8.144e9
    assert set(ledger[ledger["what"].isin(["buy coins", "sell coins"])]["time_utc"].dt.hour) <= {20, 21}  # the close
