"""Cases of margin, funding, deleveraging and waterfalls: asked of the calculator's public functions.

Semantics mapped: a case's account becomes a portfolio under terms of one tier, whose lot is the case's size and whose
tick holds its prices. What the calculator asks only with a whole venue (the cut of a funding rate, a score of given
percentages) is asked of the kernel. Rules of a chain are in ``accounts``; what rests on no rule is skipped by name.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from sim import calculator as calc
from sim.calculator import Terms, Tier
from sim.calculator.doors import rate_of
from tests.conformance import accounts
from tests.conformance.common import Case, MakeEngine, SkippedCase, exact, expect, near
from tests.market.drivers import scores_of

MILLION, BILLION = 10**6, 10**9

NOT_HERE = {
    "funding_rate": "a rate from two time averages is a rule of another venue",
    "funding_asymmetric": "a fee pool that pays funding is a rule of another venue",
    "property": "not numeric; tests/market/test_adl.py holds it as a property",
    "fact": "not numeric",
}


def terms(rate: Fraction, deduction: Fraction | int = 0, size: Fraction = Fraction(1), **more: Any) -> Terms:
    """Contract terms of one tier whose lot is a case's size; no rule of a liquidation price asks the tick."""
    one = Tier(None, rate, Fraction(deduction), Fraction(1))
    return Terms(Fraction(1, 100), abs(size), (one,), **more)


def account_of(given: Case) -> calc.Portfolio:
    """The account of a linear case: its position, and the money that backs it before unrealised profit."""
    fixed = given.get("model") == "bybit_linear"
    if given.get("model") in ("binance", "bybit_linear"):
        entry, size = exact(given["entry"]), exact(given["amount"])
        money = entry * size / exact(given["leverage"]) + exact(given.get("extra_margin", 0))
        rate, deduction = exact(given["mmr"]), Fraction(0) if fixed else exact(given["maintenance_amount"])
    elif given.get("model") == "hyperliquid":
        entry, size, money = exact(given["price"]), exact(given["size"]), exact(given["isolated_margin"])
        rate, deduction = 1 / (2 * exact(given["max_leverage"])), Fraction(0)
    elif "wallet_balance" in given:
        entry, size = exact(given["entry"]), exact(given["position"])
        money = exact(given["wallet_balance"]) - exact(given["other_maintenance"]) + exact(given["other_upnl"])
        rate, deduction = exact(given["mmr"]), exact(given["maintenance_amount"])
    else:
        entry, size, money = exact(given["entry"]), exact(given["size"]), exact(given["equity"])
        rate, deduction = exact(given["mmf"]), Fraction(0)
    rules = terms(rate, deduction, size, maintenance_on="entry" if fixed else "mark")
    return calc.Portfolio(money, {"": calc.Position(rules, -size if given.get("side") == "short" else size, entry)})


def liquidation_price(case: Case) -> None:
    given, want = case["inputs"], case["expected"]
    if given.get("model", "").startswith("inverse"):
        inverse_price(case)
        return
    got = calc.liquidation_price(account_of(given), "")
    near("liquidation price", got or 0, want["liquidation_price"], case.get("tolerance"))


def inverse_price(case: Case) -> None:
    """Contracts of one dollar; closing a cross account costs a taker fee at its bankruptcy price as well."""
    given, want, tolerance = case["inputs"], case["expected"], case.get("tolerance")
    n, entry = int(given.get("contracts", given.get("contracts_usd"))), exact(given["entry"])
    side, rate = -1 if given.get("side") == "short" else 1, exact(given["mmr"])
    if given["model"] == "inverse":
        balance, fee = exact(given["balance_btc"]), exact(given["taker_fee"])
        with_fee = calc.Portfolio(balance, {"": calc.Position(terms(fee, is_inverse=True), n, entry)})
        bankrupt = calc.liquidation_price(with_fee, "")
        assert bankrupt is not None
        near("bankruptcy price", bankrupt, want["bankruptcy_price"], tolerance["bankruptcy_price"])
        balance, tolerance = balance - fee * n / bankrupt, tolerance["liquidation_price"]
    else:
        balance = n / entry / exact(given["leverage"])
    rules = terms(rate, is_inverse=True, maintenance_on="entry")
    got = calc.liquidation_price(calc.Portfolio(balance, {"": calc.Position(rules, side * n, entry)}), "")
    near("liquidation price", got or 0, want["liquidation_price"], tolerance)


def premium(bid: Fraction, ask: Fraction, index: Fraction) -> Fraction:
    """Premium of two impact prices over an index: a book of one large order a side, on a grid that holds all three."""
    tick = Fraction(1, lcm(*(price.denominator for price in (bid, ask, index))))
    rules = Terms(tick, Fraction(1), (Tier(None, Fraction(0), Fraction(0), Fraction(1)),))
    return calc.premium_index(rules, [(bid, MILLION)], [(ask, MILLION)], index, 1000 * tick).premium


def settled_rate(mean: Fraction, base: Fraction, clamp: Fraction, cap: Fraction) -> Fraction:
    """The rate of a period with a mean premium."""
    values = (np.int64(int(v * BILLION)) for v in (mean, base, clamp, cap))
    return Fraction(int(rate_of(*values)), BILLION)


def funding_rate_clamp(case: Case) -> None:
    given = case["inputs"]
    rate = settled_rate(exact(given["premium"]), exact(given["interest"]), exact(given["clamp"]), Fraction(1))
    near("rate", rate, case["expected"]["rate"], case.get("tolerance"))


def premium_index(case: Case) -> None:
    given = case["inputs"]
    got = premium(*(exact(given[key]) for key in ("impact_bid", "impact_ask", "index")))
    near("premium", got, case["expected"]["premium"], case.get("tolerance"))


def funding_e2e(case: Case) -> None:
    """The premium is the kernel's, cut to millionths towards zero; rate and index are the calculator's."""
    given = case["inputs"]
    mean = premium(*(exact(given[key]) for key in ("impact_bid", "impact_ask", "index_for_premium")))
    accounts.funding_day(case, int(mean * MILLION))


def score(pnl: float, cost: float, notional: float, equity: float) -> float:
    """Profit over cost times leverage."""
    values = (pnl, 1.0, 1.0, cost, notional, equity, 1.0, 1.0)
    return float(scores_of(*(np.float64(v) for v in values), np.int64(1))[1])


def adl_score(case: Case) -> None:
    given = case["inputs"]
    side = 1 if given["side"] == "long" else -1
    entry, mark, bankrupt = (float(given[k]) for k in ("entry", "mark", "bankruptcy"))
    got = score(side * (mark - entry), entry, mark, side * (mark - bankrupt))
    near("score", got, case["expected"]["score"], case.get("tolerance"))


def adl_ranking(case: Case) -> None:
    scores = {row["account"]: score(row["pnl_pct"], 1.0, row["leverage"], 1.0) for row in case["inputs"]}
    for row in case["expected"]:
        near(row["account"], scores[row["account"]], row["score"], 1e-9)
    order = sorted(scores, key=lambda name: -scores[name])
    expect("order", order, [r["account"] for r in sorted(case["expected"], key=lambda r: r["order"])])


def waterfall(case: Case) -> None:
    given, want = case["inputs"], case["expected"]
    layers = {layer["name"]: exact(layer["amount"]) for layer in given["layers"]}
    used, left = calc.loss_layers(exact(given["loss"]), layers)
    expect("used", list(used.items()), [(name, exact(part)) for name, part in want["used"]])
    expect("uncovered", left, exact(want["uncovered"]))


ASK: dict[str, Callable[[Case], None]] = accounts.ASK | {
    "liquidation_price": liquidation_price,
    "bankruptcy_price": liquidation_price,
    "funding_rate_clamp": funding_rate_clamp,
    "premium_index": premium_index,
    "funding_e2e": funding_e2e,
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
