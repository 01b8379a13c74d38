"""Cases of accounts, forced closes, deleveraging and funding by an index: asked of the calculator.

The rules profile is `dydx_v4_like`. Semantics mapped: money in quanta of 1e-6 USD, positions in quanta of 1e-10 coins
unless the case gives a resolution. A case states the numbers of its own rules; the rest is the profile's. Where it
gives a maintenance rate alone, that is the initial rate too, for no question of it needs another.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import nan
from typing import Any

from sim import calculator as rules
from sim.calculator import Account, Contract, Risk
from sim.errors import RuleError
from sim.settings.rules import RuleSettings
from tests.conformance.common import Case, Difference, SkippedCase, exact, expect, near, whole

QUOTE, BASE = Fraction(1, 10**6), Fraction(1, 10**10)
PROFILE = rules.load_rules("dydx_v4_like").model_dump(mode="json")


def profile(**numbers: Fraction | int | float) -> RuleSettings:
    """The rules profile with a case's own numbers; money in quote quanta."""
    given: dict[str, Any] = {name: float(value) for name, value in numbers.items()}
    for name in given:
        if name.startswith("open_interest"):
            given[name] = f"${exact(numbers[name]) * QUOTE:.6f}"
    return RuleSettings.model_validate(PROFILE | given)


def margins(given: Case) -> dict[str, Fraction]:
    """Initial margin and maintenance as a share of it."""
    maintenance = exact(given.get("mmf", given.get("imf", 1)))
    initial = exact(given.get("imf", maintenance))
    if initial == 0 or (maintenance / initial * 10**6).denominator != 1:
        initial = maintenance
    return {"initial_margin": initial, "maintenance_share": maintenance / initial if initial else Fraction(1)}


def money(value: Any) -> int:
    """Dollars of a case in quote quanta."""
    return int(whole(exact(value) / QUOTE, "money"))


def coins(value: Any) -> int:
    """Coins of a case in base quanta."""
    return int(whole(exact(value) / BASE, "size"))


def dollars(quanta: Fraction | int) -> Fraction:
    return quanta * QUOTE


def contracts_of(prices: dict[str, Any], numbers: RuleSettings) -> dict[str, Contract]:
    """A contract for each oracle price in dollars."""
    return {name: Contract(numbers, exact(price) * BASE / QUOTE) for name, price in prices.items()}


def account_of(quote: Any, positions: dict[str, Any]) -> Account:
    return Account(money(quote), {name: coins(size) for name, size in positions.items()})


def read(given: Case, **numbers: Any) -> tuple[Account, dict[str, Contract]]:
    """Account and contracts of a case of one coin or of several."""
    positions = given.get("positions", {"": given.get("position")})
    prices = given.get("oracle_prices", dict.fromkeys(positions, given.get("oracle_price", given.get("fill_price", 1))))
    return (
        account_of(given["quote_balance"], positions),
        contracts_of(prices, profile(**margins(given), **{name: exact(value) for name, value in numbers.items()})),
    )


def closed(given: Case) -> str:
    """The contract that a case closes: the one it names, or the only one."""
    named = given.get("close_market", given.get("market"))
    return str(named) if named is not None else next(iter(given.get("positions", {"": 0})))


def is_liquidatable(case: Case) -> None:
    want, risk = case["expected"], rules.account_risk(*read(case["inputs"]))
    expect("liquidatable", risk.is_liquidatable, want["liquidatable"])
    near("equity", dollars(risk.net_collateral), want["equity"], case.get("tolerance"))
    near("maintenance", dollars(risk.maintenance), want["maintenance"], case.get("tolerance"))


def bankruptcy_quote(case: Case) -> None:
    given = case["inputs"]
    got = rules.bankruptcy_quote(*read(given), closed(given), coins(given["close_delta"]))
    expect("quote_delta", dollars(got), exact(case["expected"]["quote_delta"]))


def refusal(case: Case) -> None:
    """A close that is none."""
    given = case["inputs"]
    if "close_delta" not in given:
        raise SkippedCase("a refusal of something else than the size of a close")
    try:
        got = rules.bankruptcy_quote(*read(given), closed(given), coins(given["close_delta"]))
    except RuleError as error:
        if case["expected"]["error"] not in str(error):
            raise Difference(f"refused with {str(error)!r}, expected {case['expected']['error']!r}") from None
    else:
        raise Difference(f"answered {got}, expected the error {case['expected']['error']!r}")


def order_price(case: Case) -> None:
    given = case["inputs"]
    settings = {
        "bankruptcy_adjustment": given["bankruptcy_adjustment"],
        "maintenance_spread": given["spread_to_maintenance"],
    }
    got = rules.liquidation_limit(*read(given, **settings), closed(given))
    near("limit price", got * QUOTE / BASE, case["expected"]["limit_price"], case.get("tolerance"))


def fund_change(case: Case) -> None:
    given = case["inputs"]
    side = 1 if given["side"] == "sell" else -1
    delta = -side * coins(given["fill_size"])
    quote = rules.quote_of(-delta, exact(given["fill_price"]) * BASE / QUOTE)
    account, contracts = read(given, liquidation_fee=given["max_liquidation_fee"])
    got = rules.fund_change(account, contracts, closed(given), delta, quote)
    near("insurance_fund_delta", dollars(got), case["expected"]["insurance_fund_delta"], case.get("tolerance"))


def rates(given: Case) -> RuleSettings:
    """Rules of a case that gives them in millionths and quote quanta."""
    numbers: dict[str, Fraction | int] = {"initial_margin": Fraction(given["imf_ppm"], 10**6)}
    for name, key in (("maintenance_share", "maintenance_fraction_ppm"), ("funding_clamp", "clamp_factor_ppm")):
        if key in given:
            numbers[name] = Fraction(given[key], 10**6)
    for name, key in (("open_interest_lower", "oi_lower_cap"), ("open_interest_upper", "oi_upper_cap")):
        numbers[name] = given.get(key, 0)
    return profile(**numbers)


def margin_fraction(case: Case) -> None:
    expect("mmf_ppm", rules.maintenance_ppm(rates(case["inputs"])), case["expected"]["mmf_ppm"])


def scaled_margin(case: Case) -> None:
    given = case["inputs"]
    got = rules.initial_margin(rates(given), given["notional"], given["open_interest"])
    expect("initial_margin", got, case["expected"]["initial_margin"])


def scaled_rate(case: Case) -> None:
    given = case["inputs"]
    expect("imf_ppm", rules.initial_margin_ppm(rates(given), given["open_interest"]), case["expected"]["imf_ppm"])


def transition(case: Case) -> None:
    old, new = (Risk(state["nc"], 0, state["mmr"]) for state in (case["inputs"]["old"], case["inputs"]["new"]))
    expect("allowed", rules.is_less_risky(old, new), case["expected"]["allowed"])


def deleverage(case: Case) -> None:
    given, want = case["inputs"], case["expected"]
    sides = [given[who] for who in ("liquidated", "offsetting")]
    held = [{name: size for name, size in side.items() if name != "quote"} for side in sides]
    accounts = [account_of(side["quote"], positions) for side, positions in zip(sides, held, strict=True)]
    name = given.get("market", next(iter(held[0])))
    prices = given.get("oracle_prices", {name: given.get("oracle_price")})
    contracts = contracts_of(prices, profile(**margins(given)))
    try:
        after = rules.deleverage(accounts[0], accounts[1], contracts, name, coins(given["close_qty"]))
    except RuleError as error:
        if str(want.get("error")) not in str(error):
            raise Difference(f"refused: {error}; expected {want}") from None
        return
    got = [{n: size * BASE for n, size in a.positions.items()} | {"quote": dollars(a.quote)} for a in after]
    expect("accounts", got, [{k: exact(v) for k, v in want[who].items()} for who in ("liquidated", "offsetting")])


def index_change(case: Case) -> None:
    given = case["inputs"]
    exponent = given["price_exponent"] + given["base_atomic_resolution"] - given["quote_atomic_resolution"]
    worth = given["price"] * Fraction(10) ** exponent
    got = rules.index_change(profile(), given["rate_8h_ppm"], given["seconds"], worth)
    expect("index_delta", got, case["expected"]["index_delta"])


def settlement(case: Case) -> None:
    given = case["inputs"]
    got = rules.funding_settlement_ppm(given["position"], given["index_now"], given["index_last"])
    expect("net_settlement_ppm", got, case["expected"]["net_settlement_ppm"])


def funding_cap(case: Case) -> None:
    expect("max_abs_rate_ppm", rules.funding_cap_ppm(rates(case["inputs"])), case["expected"]["max_abs_rate_ppm"])


def payment(case: Case) -> None:
    """Money is in steps of the case's tolerance, where it names one."""
    given = case["inputs"]
    if "size" not in given:
        raise SkippedCase("a rate from the pool's imbalance is a rule of another venue")
    mark = nan if given["mark_price"] is None else exact(given["mark_price"])
    size = exact(given["size"]) * (-1 if given["side"] == "short" else 1)
    step = exact(case.get("tolerance") or QUOTE)
    got = -rules.payment_due(size, mark, exact(given["rate"]), step) * step
    near("received", got, case["expected"]["received"], case.get("tolerance"))


def funding_day(case: Case, premium_ppm: int) -> None:
    """From a mean premium to what each position is paid: rate, index, settlement."""
    given, want = case["inputs"], case["expected"]
    expect("premium_ppm", premium_ppm, want["premium_ppm"])
    numbers = profile(**margins(given), funding_clamp=exact(given["clamp_factor"]))
    rate = rules.funding_rate_ppm(numbers, premium_ppm)
    expect("clamped_rate_ppm", rate, want["clamped_rate_ppm"])
    worth = exact(given["oracle_for_index"]) * BASE / QUOTE
    change = rules.index_change(numbers, rate, 3600 * float(given["hours"]), worth)
    expect("index_delta", change, want["index_delta"])
    paid = {
        name: dollars(rules.settled_quote(0, rules.funding_settlement_ppm(coins(size), change, 0)))
        for name, size in given["positions"].items()
    }
    expect("settlement", paid, {name: exact(v) for name, v in want["settlement"].items()})
    expect("sum", sum(paid.values()), want["sum"])


ASK: dict[str, Callable[[Case], None]] = {
    "is_liquidatable": is_liquidatable,
    "bankruptcy_quote": bankruptcy_quote,
    "error": refusal,
    "liquidation_order_price": order_price,
    "insurance_fund_delta": fund_change,
    "margin_fraction": margin_fraction,
    "oi_scaled_imf": scaled_margin,
    "oi_scaled_imf_ppm": scaled_rate,
    "valid_transition": transition,
    "deleverage": deleverage,
    "funding_index_delta": index_change,
    "funding_settlement": settlement,
    "funding_clamp": funding_cap,
    "funding_payment": payment,
}
