"""The calculator: against its slow twin, against the simulator's engine, in its laws, and where it refuses.

L8 and L9 of the test programme for rules that only a calculator profile has; the cases are in tests/conformance.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import calculator as calc
from sim.calculator import Account, Contract, Risk
from sim.errors import RuleError, ScenarioError
from sim.kernels.ledger import FUND
from sim.kernels.margin import TIER
from sim.settings.rules import RuleSettings
from tests.conformance.accounts import profile
from tests.market.rig import FIRST, Rig
from tests.reference_market import calculator as twin

PPM = 10**6
FULL = np.array([(1 << 62, PPM, 0, 0)], TIER)  # maintenance of the whole notional
NAMES = ("BTC", "ETH", "SOL")


def drawn(rng: np.random.Generator) -> tuple[RuleSettings, dict[str, Fraction], Account, dict[str, Contract]]:
    """Random rules, the same for the twin, and an account near its maintenance with one to three positions."""
    imf, share = int(rng.integers(1, PPM)), int(rng.integers(1, PPM + 1))
    lower, upper = sorted(int(v) for v in rng.integers(0, 10**12, 2))
    ppm = {
        "imf": imf, "share": share, "adjustment": int(rng.integers(0, 5 * PPM)),
        "spread": int(rng.integers(0, 2 * PPM)), "fee": int(rng.integers(0, PPM + 1)),
    }  # fmt: skip
    theirs = {name: Fraction(value, PPM) for name, value in ppm.items()} | {
        "lower": Fraction(lower), "upper": Fraction(upper)
    }  # fmt: skip
    ours = profile(
        initial_margin=theirs["imf"],
        maintenance_share=theirs["share"],
        open_interest_lower=lower,
        open_interest_upper=upper,
        bankruptcy_adjustment=theirs["adjustment"],
        maintenance_spread=theirs["spread"],
        liquidation_fee=theirs["fee"],
    )
    held = NAMES[: int(rng.integers(1, 4))]
    contracts = {
        name: Contract(ours, Fraction(int(rng.integers(1, 10**6)), 997), int(rng.integers(0, 2 * 10**9)))
        for name in held
    }
    sizes = {name: int(rng.integers(1, 10**7)) * int(rng.choice([-1, 1])) for name in held}
    worth = calc.account_risk(Account(0, sizes), contracts)
    equity = int(worth.maintenance * rng.uniform(-0.5, 1.5))
    return ours, theirs, Account(equity - worth.net_collateral, sizes), contracts


def many(n: int, seed: int) -> Iterator[tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    for _ in range(n):
        yield rng, *drawn(rng)


def plain(contracts: dict[str, Contract]) -> dict[str, tuple[Fraction, int]]:
    """Contracts for the twin: worth, and open interest in money."""
    return {name: (c.quote_per_base, calc.quote_of(c.open_interest, c.quote_per_base)) for name, c in contracts.items()}


def triple(risk: Risk) -> tuple[int, int, int]:
    return risk.net_collateral, risk.initial, risk.maintenance


def test_margin_bankruptcy_and_order_price_are_the_twins():
    liquidatable = 0
    for rng, _, theirs, account, contracts in many(1_500, 1):
        args = (theirs, account.quote, dict(account.positions), plain(contracts))
        risk = calc.account_risk(account, contracts)
        assert triple(risk) == twin.account(*args)
        assert risk.is_liquidatable == (risk.net_collateral < risk.maintenance)
        liquidatable += risk.is_liquidatable
        name = str(rng.choice(list(account.positions)))
        size = account.positions[name]
        delta = -int(rng.integers(1, abs(size) + 1)) * (1 if size > 0 else -1)
        assert calc.bankruptcy_quote(account, contracts, name, delta) == twin.bankruptcy(*args, name, delta)
        assert calc.liquidation_limit(account, contracts, name) == twin.limit(*args, name)
    assert 500 < liquidatable < 1_400


def test_the_fund_gains_up_to_the_fee_and_bears_every_shortfall():
    for rng, _, theirs, account, contracts in many(800, 2):
        name, size = next(iter(account.positions.items()))
        least = calc.bankruptcy_quote(account, contracts, name, -size)
        quote = least + int(rng.integers(-abs(least) - 1, 2 * abs(least) + 1))
        got = calc.fund_change(account, contracts, name, -size, quote)
        most = abs(quote) * theirs["fee"] // 1
        assert got == (quote - least if quote <= least else min(quote - least, most))


def test_closing_at_the_bankruptcy_quote_never_makes_the_rest_riskier():
    """Equity over maintenance does not fall: the quote is rounded in favour of what is left."""
    for rng, _, _, account, contracts in many(800, 3):
        name, size = next(iter(account.positions.items()))
        delta = -int(rng.integers(1, abs(size) + 1)) * (1 if size > 0 else -1)
        quote = calc.bankruptcy_quote(account, contracts, name, delta)
        before, after = (
            calc.account_risk(a, contracts) for a in (account, account.changed(name, delta, quote))
        )  # fmt: skip
        assert after.net_collateral * before.maintenance >= before.net_collateral * after.maintenance
        # one quantum less would take more than its share
        assert (after.net_collateral - 1) * before.maintenance < before.net_collateral * after.maintenance


def test_deleveraging_conserves_and_is_refused_where_the_twin_says_so():
    allowed = refused = 0
    for rng, _, theirs, account, contracts in many(1_500, 4):
        name, size = next(iter(account.positions.items()))
        base = int(rng.integers(1, abs(size) + 1))
        held = -(base + int(rng.integers(0, 10**6))) * (1 if size > 0 else -1)
        price = contracts[name].quote_per_base
        other = Account(-calc.quote_of(held, price) + int(rng.integers(-(10**9), 10**9)), {name: held})
        delta = -base if size > 0 else base
        quote = twin.bankruptcy(theirs, account.quote, dict(account.positions), plain(contracts), name, delta)
        want = account.changed(name, delta, quote), other.changed(name, -delta, -quote)

        def state(a: Account, theirs: Any = theirs, contracts: Any = contracts) -> tuple[int, int, int]:
            return twin.account(theirs, a.quote, dict(a.positions), plain(contracts))

        if all(twin.may_follow(state(a), state(b)) for a, b in zip((account, other), want, strict=True)):
            got = calc.deleverage(account, other, contracts, name, base)
            assert got == want
            assert sum(a.quote for a in got) == account.quote + other.quote
            assert sum(a.positions[name] for a in got) == size + held
            allowed += 1
        else:
            with pytest.raises(RuleError, match="state transition not allowed"):
                calc.deleverage(account, other, contracts, name, base)
            refused += 1
    assert allowed > 300 and refused > 300


COLLATERAL = {"collateralised": 10_001, "below maintenance": 4_999, "none": 0, "under water": -1}


@pytest.mark.parametrize("short", list(COLLATERAL)[1:])
@pytest.mark.parametrize("long", list(COLLATERAL))
def test_every_state_of_collateral_against_every_other(short: str, long: str):
    """L8, 3 x 4: a short under liquidation and a long of one coin at $50,000; refused when bankruptcy prices cross."""
    contracts = {"BTC": Contract(profile(initial_margin=0.2, maintenance_share=0.5), Fraction(5))}
    coin = 10**10
    owed = Account((50_000 + COLLATERAL[short]) * PPM, {"BTC": -coin})
    other = Account((COLLATERAL[long] - 50_000) * PPM, {"BTC": coin})
    together = COLLATERAL[short] + COLLATERAL[long]
    if together < 0:
        with pytest.raises(RuleError, match="bankruptcy prices"):
            calc.deleverage(owed, other, contracts, "BTC", coin)
    else:
        after = calc.deleverage(owed, other, contracts, "BTC", coin)
        assert [a.quote for a in after] == [0, together * PPM]


@pytest.mark.parametrize("state", [Risk(-5, 20, 10), Risk(3, 20, 10), Risk(-1, 0, 0)])
def test_to_stay_is_allowed_but_for_a_debt_without_a_position(state: Risk):
    assert calc.is_less_risky(state, state) == (state.maintenance > 0)
    assert not calc.is_less_risky(state, Risk(state.net_collateral, 30, state.maintenance + 1))
    assert calc.is_allowed(state, Risk(30, 30, 15))


def test_one_block_takes_a_share_of_a_position_within_its_floor_and_ceiling():
    contracts = {"BTC": Contract(profile(), Fraction(5))}  # $50,000 a coin of 10^10 quanta

    def size(coins: Fraction | int, **more: int) -> Fraction:
        held = int(coins * 10**10)
        return Fraction(calc.liquidation_delta(Account(0, {"BTC": held}), contracts, "BTC", **more), 10**10)

    assert size(1) == Fraction(-1, 10)
    assert size(-1) == Fraction(1, 10)
    assert size(Fraction(1, 10)) == Fraction(-1, 50)  # $1,000 where a tenth is $500
    assert size(Fraction(1, 100)) == Fraction(-1, 100)  # the whole is below $1,000
    assert size(100) == -2  # $100,000 where a tenth is $500,000
    assert size(100, used=75_000 * PPM) == Fraction(-1, 2)
    assert size(1, step=3 * 10**8) == Fraction(-9, 100)  # rounded down to steps
    assert size(1, step=4 * 10**9) == Fraction(-2, 5)  # but one step at least
    assert size(100, used=100_000 * PPM, step=7) == Fraction(-7, 10**10)
    with pytest.raises(RuleError, match="more than it may"):
        size(1, used=100_001 * PPM)
    with pytest.raises(RuleError, match="no position of BTC"):
        size(0)


def test_the_engine_and_the_calculator_tell_the_fund_the_same():
    """One forced order that closes the whole, at every price from far below to far above the bankruptcy price."""
    for lots, cash in ((1, -5_100), (-1, 4_900)):
        for price in range(44_000, 56_200, 550):
            for fee in (0, 5_000, 25_000, PPM):
                side = "bids" if lots > 0 else "asks"
                rig = Rig(
                    cash * 1000, lots, price, **{side: [(price, 1)]}, tiers=FULL, unit=100, window=1 << 17,
                    clearance_fee_ppm=fee,
                )  # fmt: skip
                # equity is not below zero before the order, else the fund takes the account without one
                rig.scan(2 * max(price, 51_000) if lots > 0 else 2 * min(price, 49_000))
                contracts = {"": Contract(profile(liquidation_fee=fee / PPM), Fraction(5))}
                account = Account(cash * PPM, {"": lots * 10**9})
                got = calc.fund_change(account, contracts, "", -lots * 10**9, lots * price * PPM // 10)
                assert got == int(rig.accounts[FUND]["cash_micro"]) * 1000, (lots, price, fee)


@pytest.mark.parametrize("owed", [60_001, 50_000, 49_999, 45_000])
@pytest.mark.parametrize("cash", [-30_000, -45_001, -49_999])
def test_the_engine_and_the_calculator_deleverage_alike(owed: int, cash: int):
    """Where the engine asks the counterparty at all: one in profit and with equity at mark."""
    assert deleveraged_by_the_engine(owed, cash) == deleveraged_by_the_calculator(owed, cash)


@pytest.mark.parametrize("cash", [-50_000, -50_001])
def test_the_engine_asks_nobody_without_equity_and_the_calculator_does(cash: int):
    """The rule of this venue and that of the profile differ, where the price would leave the counterparty whole."""
    assert deleveraged_by_the_engine(60_001, cash) == [(60_001, -1), (cash, 1)]
    assert deleveraged_by_the_calculator(60_001, cash) == [(0, 0), (60_001 + cash, 0)]


def deleveraged_by_the_engine(owed: int, cash: int) -> list[tuple[int, int]]:
    """Money and position of a short of 1 and of the long that offsets it, bought far below the mark of 50,000."""
    rig = Rig([owed, cash], [-1, 1], 5_000, adl_on=1, adl_rule=1)
    rig.deleverage(FIRST, 2 * 50_000)
    return [(int(rig.accounts[a]["cash_micro"]), int(rig.books.positions[0, a])) for a in (FIRST, FIRST + 1)]


def deleveraged_by_the_calculator(owed: int, cash: int) -> list[tuple[int, int]]:
    """The same; both unchanged when it refuses."""
    contracts = {"": Contract(profile(initial_margin=0.2, maintenance_share=0.5), Fraction(50_000))}
    after = Account(owed, {"": -1}), Account(cash, {"": 1})
    try:
        after = calc.deleverage(*after, contracts, "", 1)
    except RuleError as error:
        assert "bankruptcy prices" in str(error)
    return [(a.quote, a.positions[""]) for a in after]


def test_funding_creates_no_money_and_an_index_in_steps_is_the_whole_within_its_rounding():
    rng = np.random.default_rng(5)
    rules = profile()
    for _ in range(500):
        rate, worth = int(rng.integers(-(10**5), 10**5)), Fraction(int(rng.integers(1, 10**9)), 10**4)
        change = calc.index_change(rules, rate, 28_800, worth)
        assert abs(change) == abs(rate) * worth // 1  # towards zero
        hours = [calc.index_change(rules, rate, 3_600, worth) for _ in range(8)]
        assert 0 <= abs(change) - abs(sum(hours)) < 9
        sizes = [int(v) for v in rng.integers(-(10**9), 10**9, 5)]
        sizes.append(-sum(sizes))
        moves = [calc.funding_settlement_ppm(size, change, 0) for size in sizes]
        assert sum(moves) == 0
        left = -sum(calc.settled_quote(0, move) for move in moves)
        assert 0 <= left < len(sizes)


def test_two_equal_bounds_of_open_interest_are_a_step_above_them():
    rules = profile(initial_margin=0.1, open_interest_lower=500, open_interest_upper=500)
    assert [calc.initial_margin_ppm(rules, at) for at in (0, 500, 501)] == [100_000, 100_000, PPM]


def test_the_rate_is_cut_to_the_cap_either_way():
    rules = profile(initial_margin=0.05, maintenance_share=0.6, funding_clamp=6)
    assert calc.funding_cap_ppm(rules) == 120_000
    rates = [calc.funding_rate_ppm(rules, premium) for premium in (-120_001, -120_000, -1, 0, 119_999, 120_001)]
    assert rates == [-120_000, -120_000, -1, 0, 119_999, 120_000]


def test_a_plain_payment_is_rounded_up_for_who_pays_and_a_mark_that_is_no_number_pays_nothing():
    size, mark, rate = Fraction("0.123"), Fraction("100000.1"), Fraction("0.000012345")
    exact = size * mark * rate * PPM
    assert calc.payment_due(size, mark, rate) == -(-exact // 1)
    assert calc.payment_due(-size, mark, rate) == -(exact // 1)
    assert calc.payment_due(size, nan, rate) == 0
    assert calc.payment_due(10, 2, Fraction("0.0002"), Fraction(1, 10**12)) == 4 * 10**9
    with pytest.raises(RuleError, match="a rate of 1e-10 does not fit"):
        calc.payment_due(1, 1, Fraction(1, 10**10))
    with pytest.raises(RuleError, match="a quantum of 1e-06 USD does not fit"):
        calc.payment_due(Fraction(1, 10**6), Fraction(1, 10), Fraction(1, 100))
    with pytest.raises(RuleError, match=r"past 2\^62"):
        calc.payment_due(10**15, 10**6, Fraction(1, 100))


def test_what_the_rules_refuse():
    contracts = {"BTC": Contract(profile(), Fraction(5))}
    account = Account(-(10**6), {"BTC": 10})
    for delta in (0, 1, -11):
        with pytest.raises(RuleError, match="invalid position size delta"):
            calc.bankruptcy_quote(account, contracts, "BTC", delta)
    with pytest.raises(RuleError, match="no price and rules of ETH"):
        calc.account_risk(Account(0, {"ETH": 1}), contracts)
    free = {"BTC": Contract(profile(initial_margin=0), Fraction(5))}
    with pytest.raises(RuleError, match="no bankruptcy price"):
        calc.bankruptcy_quote(account, free, "BTC", -1)
    with pytest.raises(RuleError, match="no forced order"):
        calc.liquidation_limit(Account(0, {}), contracts, "BTC")
    with pytest.raises(RuleError, match=r"an amount is 4.61e\+18, past 2\^62"):
        calc.maintenance_margin(profile(), 1 << 62)
    with pytest.raises(RuleError, match="invalid position size delta 1 of BTC"):
        calc.deleverage(account, Account(0, {"BTC": 5}), contracts, "BTC", 1)


def test_the_page_says_what_its_examples_answer():
    page = (Path(__file__).parents[2] / "docs" / "calculator.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in page.split("```python\n")[1:]]
    answered = []
    for code in blocks:
        names: dict[str, Any] = {}
        exec(code, names)  # the project's own page
        answers = [line.split("#") for line in code.splitlines() if line.startswith("calc.")]
        for question, said in answers:
            assert str(eval(question, names)) == said.strip().split(":")[0]
        answered.append(len(answers))
    assert answered == [3, 4]


def test_the_profile_is_the_protocols_genesis_and_names_no_finding():
    rules = calc.load_rules("dydx_v4_like")
    assert "no finding about any firm" in rules.statement
    assert (calc.initial_margin_ppm(rules, 10**15), calc.maintenance_ppm(rules)) == (20_000, 12_000)
    with pytest.raises(ScenarioError, match="no rules profile 'dydx_v4' .* did you mean 'dydx_v4_like'"):
        calc.load_rules("dydx_v4")
    with pytest.raises(ValueError, match="must not be above open_interest_upper"):
        profile(open_interest_lower=2 * PPM, open_interest_upper=PPM)
