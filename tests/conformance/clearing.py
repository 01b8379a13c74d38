"""Cases of margin, funding, deleveraging and waterfalls: converted to the kernels' integers and asked of the kernels.

Semantics mapped: a case's account becomes cash plus position (linear: cash = equity - position x entry; inverse: coins
= margin + worth of the position at entry). The grid is chosen so that the case's numbers are whole. Maintenance on the
value at entry is a tier of rate 0 that asks a fixed sum. Rules that the simulated venue lacks are asked of the
calculator (``accounts``); what rests on a rule of neither is skipped by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from sim.calculator.doors import rate_of
from sim.kernels.margin import TIER
from sim.kernels.memory import allocate_books
from tests.conformance import accounts
from tests.conformance.common import Case, MakeEngine, SkippedCase, exact, expect, near, whole
from tests.market.drivers import inverse_of, layers_of, margin_of, premium_of, scores_of, submit_many

MILLION, BILLION = 10**6, 10**9
ROOM = 1 << 61  # no product of a kernel comes near 2^63

NOT_HERE = {
    "funding_rate": "a rate from two time averages is a rule of another venue",
    "funding_asymmetric": "a fee pool that pays funding is a rule of another venue",
    "property": "not numeric; tests/market/test_adl.py holds it as a property",
    "fact": "not numeric",
}


def tier(rate: Fraction, deduction: Fraction | int = 0) -> Any:
    """A table of one tier; the rate in millionths, rounded up, the deduction in money units, rounded down."""
    return np.array([(1 << 62, -(-rate * MILLION // 1), deduction // 1, 0)], TIER)


def finest(most: Fraction) -> int:
    """The finest power of ten of ticks a dollar at which ``most`` of them fit a kernel."""
    return int(10 ** (len(str(int(ROOM / most))) - 1))


def ask_margin(cash: Fraction, size: Fraction, tiers: Any, lots: int, ticks: int, top: Fraction) -> tuple[Any, ...]:
    """The margin kernel on a grid of ``lots`` a coin and ``ticks`` a dollar; ``cash`` in dollars."""
    values = (
        np.int64(round(cash * lots * ticks)), whole(size * lots, "size"),
        np.int64(round(top * ticks)), np.int64(1), tiers, np.int64(round(8 * top * ticks)), np.int64(0),
    )  # fmt: skip
    return tuple(int(v) for v in margin_of(*values))


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
    ticks = finest(8 * (abs(size) * lots + 1) * entry)
    tiers = tier(rate, deduction * lots * ticks)
    _, _, _, safe, _, _ = ask_margin(margin - size * entry, size, tiers, lots, ticks, entry)
    near("liquidation price", Fraction(safe, 2 * ticks), want["liquidation_price"], case.get("tolerance"))


def ask_inverse(cash: Fraction, contracts: int, tiers: Any) -> Fraction:
    """Last safe price of contracts of one dollar by the inverse kernel; ``cash`` in coins."""
    ticks = min(finest(Fraction(2 * abs(contracts) * 10**8)), 10_000)
    values = (round(cash * 10**8), contracts, 1, 2 * ticks * 10**8)
    ceiling = np.int64(200_000 * 2 * ticks)
    return Fraction(int(inverse_of(*(np.int64(v) for v in values), tiers, ceiling)[2]), 2 * ticks)


def inverse_price(case: Case) -> None:
    given, want, tolerance = case["inputs"], case["expected"], case.get("tolerance")
    n, entry = int(given.get("contracts", given.get("contracts_usd"))), exact(given["entry"])
    worth = n / entry
    side = -1 if given.get("side") == "short" else 1
    need = exact(given["mmr"]) * worth
    if given["model"] == "inverse":  # cross: closing costs a taker fee at the bankruptcy price
        cash, fee = exact(given["balance_btc"]) + worth, exact(given["taker_fee"])
        bankrupt = ask_inverse(cash, n, tier(fee))
        near("bankruptcy price", bankrupt, want["bankruptcy_price"], tolerance["bankruptcy_price"])
        need += fee * n / bankrupt
        tolerance = tolerance["liquidation_price"]
    else:
        cash = worth / exact(given["leverage"]) + side * worth
    safe = ask_inverse(cash, side * n, tier(Fraction(0), -need * 10**8))
    near("liquidation price", safe, want["liquidation_price"], tolerance)


def premium(bid: Fraction, ask: Fraction, index: Fraction) -> Fraction:
    """Premium of two impact prices over an index: a book of one large order a side, on a grid that holds all three."""
    ticks = lcm(*(price.denominator for price in (bid, ask, index)))
    books = allocate_books([1 << 20, 64], 8, 9, 2, 1)
    rows = [(0, s, whole(p * ticks, "price"), MILLION, s, 0) for s, p in enumerate((bid, ask))]
    submit_many(np.array(rows, np.int64), *books)
    got = premium_of(whole(2 * index * ticks, "index"), np.int64(1), np.int64(1000), *books)
    return Fraction(int(got), BILLION)


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
    amounts = [exact(layer["amount"]) for layer in given["layers"]]
    unit = lcm(*(value.denominator for value in (exact(given["loss"]), *amounts)))
    layers = np.array([whole(amount * unit, "a layer") for amount in amounts], np.int64)
    used = np.zeros(layers.size, np.int64)
    left = int(layers_of(whole(exact(given["loss"]) * unit, "loss"), layers, used))
    got = [[layer["name"], Fraction(part, unit)] for layer, part in zip(given["layers"], used.tolist(), strict=True)]
    expect("used", got, [[name, exact(part)] for name, part in want["used"]])
    expect("uncovered", Fraction(left, unit), exact(want["uncovered"]))


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
