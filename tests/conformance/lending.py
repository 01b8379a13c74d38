"""Cases of a lending protocol: health, close factor, dust, liquidation calls, asked of the calculator's functions.

Semantics mapped: a case is a protocol of two assets, ``coin`` as collateral and ``dollar`` as debt, with the numbers of
``lender_a`` where the case names none. The two cases that are a sentence (dust, the identity of health) are asked of
calls on both sides of what the sentence says.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from sim import calculator as calc
from sim.errors import RuleError
from sim.settings.lender import LenderSettings
from tests.conformance.common import Case, MakeEngine, exact, expect, near

PROFILE = calc.load_lender("lender_a").model_dump(mode="json")
FEED = {"kind": "market", "deviation": 0.005, "heartbeat": "1h"}


def protocol(threshold: Any, bonus: Any = 0, fee: Any = None) -> LenderSettings:
    """A protocol of one collateral and one asset lent out."""
    coin = {"ltv": 0, "threshold": float(exact(threshold)), "bonus": float(exact(bonus)), "feed": FEED}
    dollar = PROFILE["assets"]["usdc"] | {"feed": FEED}
    more = {} if fee is None else {"protocol_fee": float(exact(fee))}
    return LenderSettings.model_validate(PROFILE | {"assets": {"coin": coin, "dollar": dollar}, "modes": {}} | more)


def health_factor(case: Case) -> None:
    given = case["inputs"]
    names = [f"coin_{i}" for i in range(len(given["collateral"]))]
    coin = protocol(0).assets["coin"].model_dump(mode="json")
    assets = {
        name: coin | {"threshold": float(exact(part["liquidation_threshold"]))}
        for name, part in zip(names, given["collateral"], strict=True)
    }
    assets["dollar"] = PROFILE["assets"]["usdc"]
    lender = LenderSettings.model_validate(PROFILE | {"assets": assets, "modes": {}})
    values = {name: exact(part["value"]) for name, part in zip(names, given["collateral"], strict=True)}
    at = calc.loan_standing(calc.Loan(lender, values, {"dollar": exact(given["debt"])}), dict.fromkeys(assets, 1))
    near("health", at.health or 0, case["expected"]["health_factor"], case.get("tolerance"))


def close_factor(case: Case) -> None:
    given = case["inputs"]
    values = (exact(given[key]) for key in ("health_factor", "collateral_reserve_value", "debt_reserve_value"))
    got = calc.close_factor(calc.load_lender("lender_a"), *values)
    expect("close factor", got, exact(case["expected"]["max_fraction_of_total_debt"]))


def call_of(lender: LenderSettings, coins: Fraction, debt: Fraction, price: Fraction, cover: Fraction) -> Any:
    loan = calc.Loan(lender, {"coin": coins}, {"dollar": debt})
    return calc.liquidation_call(loan, {"coin": price, "dollar": 1}, "coin", "dollar", cover)


def liquidation_call(case: Case) -> None:
    given, want, tolerance = case["inputs"], case["expected"], case.get("tolerance")
    bonus = exact(given["liquidation_bonus"]) - 1
    lender = protocol(given["liquidation_threshold"], bonus, given["protocol_fee_on_bonus"])
    price, unit = exact(given["collateral_price"]), exact(given["debt_price"])
    coins, debt = exact(given["collateral_value"]) / price, exact(given["debt"])
    loan = calc.Loan(lender, {"coin": coins}, {"dollar": debt})
    prices = {"coin": price, "dollar": unit}
    call = calc.liquidation_call(loan, prices, "coin", "dollar", exact(given["debt_to_cover"]))
    near("health before", call.before.health or 0, want["health_factor_before"], tolerance)
    near("repaid", call.repaid, want["debt_repaid"], tolerance)
    near("seized", call.seized, want["collateral_seized"], tolerance)
    near("fee", call.fee, want["protocol_fee_collateral"], tolerance)
    near("liquidator", call.liquidator, want["liquidator_collateral"], tolerance)
    near("collateral left", call.after.collateral, want["collateral_left_value"], tolerance)
    near("deficit", call.deficit.get("dollar", Fraction(0)), want["deficit"], tolerance)
    left = debt - call.repaid  # of a case, before what no collateral backs is written off
    near("debt left", left, want["debt_left"], tolerance)
    near("health after", call.after.threshold / (left * unit), want["health_factor_after"], tolerance)


def is_refused(lender: LenderSettings, coins: Fraction, debt: Fraction, cover: Fraction) -> bool:
    """Whether a call at a price of one leaves too little."""
    try:
        call_of(lender, coins, debt, Fraction(1), cover)
    except RuleError as why:
        if "would leave less than" not in str(why):
            raise
        return True
    return False


def leftover_rule(case: Case) -> None:
    """A cent less than the least of debt, or of collateral, is refused; the least itself and nothing at all are not."""
    least, cent = exact(case["inputs"]["min_leftover"]), Fraction(1, 100)
    lender, debt = protocol("0.5", "0.25"), Fraction(10_000)
    for left, refused in ((least - cent, True), (least, False), (least + cent, False), (Fraction(0), False)):
        expect(f"{left} of debt left", is_refused(lender, Fraction(18_900), debt, debt - left), refused)
        coins = Fraction(10_000)  # all of them pay 8,000 back
        expect(f"{left} of collateral left", is_refused(lender, coins, debt, (coins - left) * 4 / 5), refused)


def identity(case: Case) -> None:
    """HF' - HF = r (HF - LT LB) / (B - r): at debts of round dollars and a price of one exactly, bonus by bonus."""
    for threshold, bonus in ((80, 5), (92, 3), (50, 50), (95, 1)):
        lt, lb = Fraction(threshold, 100), 1 + Fraction(bonus, 100)
        lender = protocol(lt, lb - 1)
        for health in (Fraction(99, 100), lt * lb, (lt * lb + 1) / 2, lt * lb - Fraction(1, 20), Fraction(1, 2)):
            debt, paid = Fraction(10**6), Fraction(10**5)
            call = call_of(lender, round(health * debt / lt, 6), debt, Fraction(1), paid)
            expect("repaid", call.repaid, paid)
            before, after = call.before.health, call.after.health
            change = paid * (before - lt * lb) / (debt - paid)
            near("change of health", after - before, change, Fraction(1, 10**9))
            expect("health rises", after > before, before > lt * lb)


ASK: dict[str, Callable[[Case], None]] = {
    "health_factor": health_factor,
    "close_factor": close_factor,
    "leftover_rule": leftover_rule,
    "liquidation_call": liquidation_call,
    "identity": identity,
}


def recognises(case: Case) -> bool:
    """Whether the case has this pack's shape."""
    return {"kind", "inputs", "expected"} <= case.keys() and case["kind"] in ASK


def run(case: Case, header: Case, make_engine: MakeEngine) -> None:
    """Run one case; raises ``Difference`` when a kernel answers otherwise."""
    ASK[case["kind"]](case)
