"""Cases of margin, funding, deleveraging and waterfalls: converted to the kernels' integers and asked of the kernels.

Semantics mapped: a case's account becomes cash plus position (linear: cash = equity - position x entry; inverse: coins
= margin + worth of the position at entry). The grid is chosen so that the case's numbers are whole. Maintenance on the
value at entry is a tier of rate 0 that asks a fixed sum. What rests on a rule of another venue is skipped by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from sim.kernels.ledger import FUND
from sim.kernels.margin import TIER
from sim.kernels.memory import allocate_books
from tests.conformance.common import Difference, MakeEngine, SkippedCase, expect
from tests.market.drivers import (
    inverse_of,
    layers_of,
    margin_of,
    payment_of,
    premium_of,
    rate_of,
    scores_of,
    share_of,
    submit_many,
)
from tests.market.rig import FIRST, Rig

MILLION, BILLION = 10**6, 10**9
TICKS_PER_USD = 10_000
ADL_ON = 1

Case = dict[str, Any]
NOT_HERE = {
    "oi_scaled_imf": "initial margin that grows with open interest is no rule of this venue",
    "oi_scaled_imf_ppm": "initial margin that grows with open interest is no rule of this venue",
    "margin_fraction": "maintenance is given by the tier table and not as a share of initial margin",
    "valid_transition": "accounts below maintenance are closed by the engine and send no orders of their own",
    "liquidation_order_price": "a forced order is bounded by a share of the mark and not by the account's spread",
    "error": "the engine sizes its own orders: nobody can hand it a wrong size",
    "funding_index_delta": "funding is paid on the mark notional and not through an index",
    "funding_settlement": "funding is paid on the mark notional and not through an index",
    "funding_clamp": "the cap is a share of maintenance at the largest leverage, not of initial less maintenance",
    "funding_rate": "a rate from two time averages is a rule of another venue",
    "funding_asymmetric": "a fee pool that pays funding is a rule of another venue",
    "property": "not numeric; tests/market/test_adl.py holds it as a property",
    "fact": "not numeric",
}


def exact(value: Any) -> Fraction:
    """A number of a case as it is written."""
    return Fraction(str(value))


def whole(value: Fraction, what: str) -> np.int64:
    """An integer that the case's grid must give."""
    if value.denominator != 1:
        raise Difference(f"{what} is no whole number of its unit: {value}")
    return np.int64(int(value))


def near(what: str, got: Fraction | float, want: Any, tolerance: Any) -> None:
    """Raise ``Difference`` unless both are within the case's tolerance."""
    if abs(float(got) - float(want)) > float(tolerance if tolerance is not None else 1e-9):
        raise Difference(f"{what}: got {float(got)!r}, expected {want!r}")


def tier(rate: Fraction, deduction: Fraction | int = 0) -> Any:
    """A table of one tier; the rate in millionths, rounded up, the deduction in money units, rounded down."""
    return np.array([(1 << 62, -(-rate * MILLION // 1), deduction // 1)], TIER)


def ask_margin(cash: Fraction, size: Fraction, tiers: Any, lots: int, ticks: int, top: Fraction) -> tuple[Any, ...]:
    """The margin kernel on a grid of ``lots`` a coin and ``ticks`` a dollar; ``cash`` in dollars."""
    values = (
        np.int64(round(cash * lots * ticks)), whole(size * lots, "size"),
        np.int64(round(top * ticks)), np.int64(1), tiers, np.int64(round(8 * top * ticks)), np.int64(0),
    )  # fmt: skip
    return tuple(int(v) for v in margin_of(*values))


def is_liquidatable(case: Case) -> None:
    given, want = case["inputs"], case["expected"]
    size, cash = exact(given["position"]), exact(given["quote_balance"])
    if size == 0 and cash < 0:
        raise SkippedCase("here an account without position that owes money is taken over")
    mark = 2 * exact(given["oracle_price"])
    equity, need, bad, *_ = ask_margin(cash, size, tier(exact(given["mmf"])), 10, 1000, mark)
    expect("liquidatable", bool(bad), want["liquidatable"])
    near("equity", Fraction(equity, 10_000), want["equity"], None)
    near("maintenance", Fraction(need, 10_000), want["maintenance"], None)


def terms_of(given: Case) -> tuple[Fraction, Fraction, Fraction, Any]:
    """Signed size, entry, equity at entry, and (rate, deduction in dollars) of a linear case."""
    if given.get("model") in ("binance", "bybit_linear"):
        entry, size = exact(given["entry"]), exact(given["amount"])
        margin = entry * size / exact(given["leverage"]) + exact(given.get("extra_margin", 0))
        rate = exact(given["mmr"])
        fixed = given["model"] == "bybit_linear"
        terms = (Fraction(0), -rate * entry * size) if fixed else (rate, exact(given["maintenance_amount"]))
    elif given.get("model") == "hyperliquid":
        entry, size, margin = exact(given["price"]), exact(given["size"]), exact(given["isolated_margin"])
        terms = (1 / (2 * exact(given["max_leverage"])), Fraction(0))
    elif "wallet_balance" in given:
        entry, size = exact(given["entry"]), exact(given["position"])
        margin = exact(given["wallet_balance"]) - exact(given["other_maintenance"]) + exact(given["other_upnl"])
        terms = (exact(given["mmr"]), exact(given["maintenance_amount"]))
    else:
        entry, size, margin = exact(given["entry"]), exact(given["size"]), exact(given["equity"])
        terms = (exact(given["mmf"]), Fraction(0))
    return -size if given.get("side") == "short" else size, entry, margin, terms


def liquidation_price(case: Case) -> None:
    given, want = case["inputs"], case["expected"]
    if given.get("model", "").startswith("inverse"):
        inverse_price(case)
        return
    size, entry, margin, (rate, deduction) = terms_of(given)
    lots = size.denominator
    ticks = 10**8 if entry < 1000 else 10**6
    tiers = tier(rate, deduction * lots * ticks)
    _, _, _, safe, _, _ = ask_margin(margin - size * entry, size, tiers, lots, ticks, entry)
    near("liquidation price", Fraction(safe, 2 * ticks), want["liquidation_price"], case.get("tolerance"))


SCALE_USD = 2 * TICKS_PER_USD * 10**8  # satoshi x half ticks of a contract of one dollar


def ask_inverse(cash: Fraction, contracts: int, tiers: Any) -> tuple[Any, ...]:
    """The inverse kernel for contracts of one dollar; ``cash`` in coins."""
    values = (round(cash * 10**8), contracts, 1, SCALE_USD)
    ceiling = np.int64(200_000 * 2 * TICKS_PER_USD)
    return inverse_of(*(np.int64(v) for v in values), tiers, ceiling)  # type: ignore[no-any-return]


def inverse_price(case: Case) -> None:
    given, want, tolerance = case["inputs"], case["expected"], case.get("tolerance")
    n, entry = int(given.get("contracts", given.get("contracts_usd"))), exact(given["entry"])
    worth = n / entry
    side = -1 if given.get("side") == "short" else 1
    need = exact(given["mmr"]) * worth
    if given["model"] == "inverse":  # cross: closing costs a taker fee at the bankruptcy price
        cash, fee = exact(given["balance_btc"]) + worth, exact(given["taker_fee"])
        bankrupt = Fraction(int(ask_inverse(cash, n, tier(fee))[2]), 2 * TICKS_PER_USD)
        near("bankruptcy price", bankrupt, want["bankruptcy_price"], tolerance["bankruptcy_price"])
        need += fee * n / bankrupt
        tolerance = tolerance["liquidation_price"]
    else:
        cash = worth / exact(given["leverage"]) + side * worth
    safe = ask_inverse(cash, side * n, tier(Fraction(0), -need * 10**8))[2]
    near("liquidation price", Fraction(int(safe), 2 * TICKS_PER_USD), want["liquidation_price"], tolerance)


def bankruptcy_quote(case: Case) -> None:
    """What closing a part must bring: the part's share of the cash, as the engine hands it over."""
    given = case["inputs"]
    if len(given["positions"]) > 1:
        raise SkippedCase("accounts hold one coin")
    size, part = exact(given["positions"]["BTC"]), exact(given["close_delta"])
    lots = 10**8
    cash = whole(exact(given["quote_balance"]) * MILLION, "cash")
    share = int(share_of(cash, whole(abs(part) * lots, "part"), whole(abs(size) * lots, "size")))
    expect("quote_delta", Fraction(-share, MILLION), exact(case["expected"]["quote_delta"]))


def insurance_fund_delta(case: Case) -> None:
    """One forced order through the engine, with one order to meet; the requirement is the whole notional."""
    given = case["inputs"]
    lots = int(whole(exact(given["position"]) * 10, "size"))  # of 0.1 coins; ticks of a dollar, money in 0.1 cents
    price = int(whole(exact(given["fill_price"]), "price"))
    side = "bids" if lots > 0 else "asks"
    fee = int(whole(exact(given["max_liquidation_fee"]) * MILLION, "fee"))
    cash = whole(exact(given["quote_balance"]) * 1000, "cash")
    rig = Rig(
        cash, lots, price, **{side: [(price, abs(lots))]}, tiers=tier(Fraction(1)), unit=100, window=1 << 17,
        clearance_fee_ppm=fee,
    )  # fmt: skip
    # equity is not below zero before the order, else the fund takes the account without one
    rig.scan(2 * max(price, 51_000) if lots > 0 else 2 * min(price, 49_000))
    got = Fraction(int(rig.accounts[FUND]["cash_micro"]), 1000)
    near("insurance_fund_delta", got, case["expected"]["insurance_fund_delta"], None)


def book_of(bid: Fraction, ask: Fraction) -> Any:
    """A book of one large order a side, in ticks of 0.1 dollars."""
    books = allocate_books([1 << 20, 64], 8, 9, 2, 1)
    rows = [(0, s, whole(p * 10, "price"), MILLION, s, 0) for s, p in enumerate((bid, ask))]
    submit_many(np.array(rows, np.int64), *books)
    return books


def premium(bid: Any, ask: Any, index: Any) -> Fraction:
    """Premium of two impact prices over an index."""
    half_ticks = whole(exact(index) * 20, "index")
    got = premium_of(half_ticks, np.int64(1), np.int64(1000), *book_of(exact(bid), exact(ask)))
    return Fraction(int(got), BILLION)


def settled_rate(mean: Fraction, base: Fraction, clamp: Fraction, cap: Fraction) -> Fraction:
    """The rate of a period with a mean premium."""
    values = (np.int64(int(v * BILLION)) for v in (mean, base, clamp, cap))
    return Fraction(int(rate_of(*values)), BILLION)


def funding_rate_clamp(case: Case) -> None:
    given = case["inputs"]
    rate = settled_rate(exact(given["premium"]), exact(given["interest"]), exact(given["clamp"]), Fraction(1))
    near("rate", rate, case["expected"]["rate"], case["tolerance"])


def premium_index(case: Case) -> None:
    given = case["inputs"]
    got = premium(given["impact_bid"], given["impact_ask"], given["index"])
    near("premium", got, case["expected"]["premium"], case["tolerance"])


def payment(size: Fraction, mark: Fraction, rate: Fraction) -> Fraction:
    """What an account pays, in dollars: ticks of a cent, lots of a hundredth."""
    values = (whole(size * 100, "size"), whole(mark * 200, "mark"), np.int64(100), whole(rate * BILLION, "rate"))
    return Fraction(int(payment_of(*values)), MILLION)


def funding_payment(case: Case) -> None:
    given = case["inputs"]
    if "size" not in given:
        raise SkippedCase("a rate from the pool's imbalance is a rule of another venue")
    if given["mark_price"] is None:
        raise SkippedCase("prices are integers here: a mark that is no number cannot reach the kernel")
    size = exact(given["size"]) * (-1 if given["side"] == "short" else 1)
    got = -payment(size, exact(given["mark_price"]), exact(given["rate"]))
    near("received", got, case["expected"]["received"], case["tolerance"])


def funding_e2e(case: Case) -> None:
    """Premium, cap and payments; its index is the payment of one coin."""
    given, want = case["inputs"], case["expected"]
    mean = premium(given["impact_bid"], given["impact_ask"], given["index_for_premium"])
    expect("premium_ppm", int(mean * MILLION), want["premium_ppm"])
    cap = exact(given["clamp_factor"]) * (exact(given["imf"]) - exact(given["mmf"]))
    rate = settled_rate(mean, Fraction(0), Fraction(0), cap)
    expect("clamped_rate_ppm", rate * MILLION, Fraction(want["clamped_rate_ppm"]))
    hourly = rate * int(given["hours"]) / 8
    mark = exact(given["oracle_for_index"])
    paid = {name: -payment(exact(size), mark, hourly) for name, size in given["positions"].items()}
    expect("settlement", paid, {name: exact(v) for name, v in want["settlement"].items()})
    expect("sum", sum(paid.values()), want["sum"])


def deleverage(case: Case) -> None:
    """Both accounts through the engine; the offsetting one bought at a tenth of the price, so that it is in profit."""
    given, want = case["inputs"], case["expected"]
    price = int(given["oracle_price"])
    (short, owed), (long, cash) = ((int(given[w]["BTC"]), int(given[w]["quote"])) for w in ("liquidated", "offsetting"))
    if cash + long * price == 0:
        why = "an account without equity is not deleveraged here, even where the price would leave it whole"
        raise SkippedCase(why)
    rig = Rig([owed, cash], [short, long], price // 10, adl_on=ADL_ON, adl_rule=1)
    rig.deleverage(FIRST, 2 * price)
    got = [
        {"BTC": int(rig.books.positions[0, a]), "quote": int(rig.accounts[a]["cash_micro"])} for a in (FIRST, FIRST + 1)
    ]
    if "error" in want:
        expect("accounts", got, [given["liquidated"], given["offsetting"]])
    else:
        expect("accounts", got, [want["liquidated"], want["offsetting"]])


def score(pnl: float, cost: float, notional: float, equity: float) -> float:
    """Profit over cost times leverage."""
    values = (pnl, 1.0, 1.0, cost, notional, equity, 1.0, 1.0)
    return float(scores_of(*(np.float64(v) for v in values), np.int64(1))[1])


def adl_score(case: Case) -> None:
    given = case["inputs"]
    side = 1 if given["side"] == "long" else -1
    entry, mark, bankrupt = (float(given[k]) for k in ("entry", "mark", "bankruptcy"))
    got = score(side * (mark - entry), entry, mark, side * (mark - bankrupt))
    near("score", got, case["expected"]["score"], case["tolerance"])


def adl_ranking(case: Case) -> None:
    scores = {row["account"]: score(row["pnl_pct"], 1.0, row["leverage"], 1.0) for row in case["inputs"]}
    for row in case["expected"]:
        near(row["account"], scores[row["account"]], row["score"], 1e-9)
    order = sorted(scores, key=lambda name: -scores[name])
    expect("order", order, [r["account"] for r in sorted(case["expected"], key=lambda r: r["order"])])


def waterfall(case: Case) -> None:
    given, want = case["inputs"], case["expected"]
    layers = np.array([layer["amount"] for layer in given["layers"]], np.int64)
    used = np.zeros(layers.size, np.int64)
    left = int(layers_of(np.int64(given["loss"]), layers, used))
    names = [layer["name"] for layer in given["layers"]]
    expect("used", [list(pair) for pair in zip(names, used.tolist(), strict=True)], want["used"])
    expect("uncovered", left, want["uncovered"])


ASK: dict[str, Callable[[Case], None]] = {
    "is_liquidatable": is_liquidatable,
    "liquidation_price": liquidation_price,
    "bankruptcy_price": liquidation_price,
    "bankruptcy_quote": bankruptcy_quote,
    "insurance_fund_delta": insurance_fund_delta,
    "funding_rate_clamp": funding_rate_clamp,
    "premium_index": premium_index,
    "funding_payment": funding_payment,
    "funding_e2e": funding_e2e,
    "deleverage": deleverage,
    "adl_score": adl_score,
    "adl_ranking": adl_ranking,
    "waterfall": waterfall,
}


def recognises(case: Case) -> bool:
    """Whether the case has this pack's shape."""
    return {"kind", "inputs", "expected"} <= case.keys() and case["kind"] in ASK.keys() | NOT_HERE.keys()


def run(case: Case, header: Case, make_engine: MakeEngine) -> None:
    """Run one case; raises ``Difference`` when a kernel answers otherwise."""
    if case["kind"] in NOT_HERE:
        raise SkippedCase(NOT_HERE[case["kind"]])
    ASK[case["kind"]](case)
