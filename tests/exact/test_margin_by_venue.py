"""The margin calculator by venue profile: published formulas, the market's own engine, the slow twin, and refusals."""

from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest

from sim import calculator as calc
from sim.build import tier_table
from sim.calculator import Collateral, Portfolio, Position, Terms, Tier, doors
from sim.errors import RuleError
from tests.exact.test_liquidation_price import drawn
from tests.market.rig import FIRST, Rig
from tests.reference_market import portfolio as twin

CEX = calc.load_profile("cex_a")
TABLE = tier_table(CEX)
MICRO = Fraction(1, 10**6)


def one_tier(rate: str, **more: object) -> Terms:
    return Terms(
        Fraction(1, 100), Fraction(1, 1000), (Tier(None, Fraction(rate), Fraction(0), Fraction(rate)),), **more
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("leverage", [1, 2, 3, 10, 50])
@pytest.mark.parametrize("side", [1, -1])
def test_an_isolated_position_is_closed_where_the_published_formula_says(side: int, leverage: int):
    """MODEL 2.4: e (1 - s/L) / (1 - s m) and e (1 - s/L), to a millionth of a dollar a coin."""
    entry, m = 50_000, Fraction(1, 100)
    account = calc.isolated(one_tier("0.01"), 2 * side, entry, leverage)
    bankrupt = entry * (1 - Fraction(side, leverage))
    got = calc.liquidation_price(account, "perp")
    assert (got or 0) == pytest.approx(float(bankrupt / (1 - side * m)), abs=1e-6)
    assert (got is None) == (bankrupt == 0)
    found = calc.bankruptcy_price(account, "perp")
    assert (found or 0) == pytest.approx(float(bankrupt), abs=1e-6)


def test_the_formula_of_available_margin_gives_the_same_price():
    """Hyperliquid: P - s x available / |q| / (1 - l s) with available = E - MM(P), l = 1 / (2 x largest leverage)."""
    terms = one_tier("0.0125")
    account = Portfolio(7_000, {"BTC": Position(terms, Fraction(-3, 2), 98_765)})
    mark = Fraction(99_999)
    at = calc.standing(account, {"BTC": mark})
    want = mark + (at.equity - at.maintenance) / Fraction(3, 2) / (1 + Fraction(1, 80))
    assert abs(calc.liquidation_price(account, "BTC", {"BTC": mark}) - want) < MICRO


def test_maintenance_on_the_value_at_entry():
    """Bybit, linear and isolated: e - s (IM - MM(e q)) / q."""
    terms = one_tier("0.005", maintenance_on="entry")
    for side in (1, -1):
        account = calc.isolated(terms, 3 * side, 20_000, 8)
        want = 20_000 - side * (Fraction(20_000, 8) - 20_000 * Fraction(5, 1000))
        assert abs(calc.liquidation_price(account, "perp") - want) < MICRO
        assert calc.standing(account, {"perp": 30_000}).maintenance == 300
        assert calc.forced_size(account, "perp", {"perp": 10_000 if side > 0 else 30_000}) == 3
    # paid in full, a fixed requirement still liquidates: at MM(e q) / q
    assert abs(calc.liquidation_price(calc.isolated(terms, 3, 20_000, 1), "perp") - 100) < MICRO


@pytest.mark.parametrize("leverage", [2, 5, 20])
def test_an_inverse_position_is_bankrupt_at_the_published_price(leverage: int):
    """Bybit, inverse: e L / (L + 1) for a long, e L / (L - 1) for a short."""
    for side in (1, -1):
        account = calc.isolated(one_tier("0.005", is_inverse=True), 25_000 * side, 40_000, leverage)
        want = 40_000 * Fraction(leverage, leverage + side)
        bankrupt, closed = (f(account, "perp") for f in (calc.bankruptcy_price, calc.liquidation_price))
        assert abs(bankrupt - want) < Fraction(1, 1000)
        # coins at the price: equity = cash - n / p = m n / p, so p = n (1 + s m) / cash
        assert abs(closed - want * (1 + side * Fraction(5, 1000))) < Fraction(1, 100)


def test_the_markets_engine_and_the_calculator_keep_the_same_last_safe_mark_and_close_the_same():
    """On the venue's grid, bit for bit: isolated accounts of cex_a against what the engine hangs and forces."""
    rng = np.random.default_rng(61)
    n, unit, tick = 400, CEX.perp.micro_per_tick_lot, Fraction(1, 10)
    lots = rng.integers(1, 400_000, n) * rng.choice([-1, 1], n)
    entry = rng.integers(900_000, 1_400_000, n)
    margin = (abs(lots) * entry * unit / rng.uniform(2, 60, n)).astype(np.int64)
    rig = Rig(margin - lots * entry * unit, lots, entry, tiers=TABLE, unit=unit, ceiling_ticks=4_000_000)
    rig.hang()
    hung = rig.accounts["liquidation_half_ticks"][FIRST:].tolist()
    closed = 0
    for money, size, paid, safe in zip(margin.tolist(), lots.tolist(), entry.tolist(), hung, strict=True):
        account = Portfolio(money * MICRO, {"BTC": Position(CEX, Fraction(size, 1000), paid * tick)})
        got = calc.liquidation_price(account, "BTC", grid="venue")
        assert (0 if got is None else got * 20) == safe
        mark = safe - 1 if size > 0 else safe + 1
        if safe > 1:
            cash = np.int64(money - size * paid * unit)
            want = doors.to_close(int(cash), size, mark, unit, TABLE, 12_500)
            assert calc.forced_size(account, "BTC", {"BTC": Fraction(mark, 20)}) * 1000 == want
            assert calc.forced_size(account, "BTC", {"BTC": Fraction(safe, 20)}) == 0
            closed += want < abs(size)
    assert closed > 50


def test_standing_is_the_twins_within_a_millionth_against_the_account():
    rng = np.random.default_rng(62)
    for _ in range(500):
        portfolio, marks, money, held = drawn(rng)
        got = calc.standing(portfolio, marks)
        n = len(held)
        assert 0 <= twin.equity(money, held, marks) - got.equity <= 2 * (n + 1) * MICRO
        assert 0 <= got.maintenance - twin.needed(held, marks) <= 3 * n * MICRO
        value = sum(abs(size) * marks[name] for name, (size, _, _) in held.items())
        assert 0 <= got.notional - value <= n * MICRO
        assert got.initial >= 2 * got.maintenance - 3 * n * MICRO


def test_a_haircut_on_initial_margin_alone_leaves_the_liquidation_price_where_it_is():
    """MODEL 2.4: $10,000 of a token at 0.98, haircut 5%: 9,310 count for opening, 9,800 or 9,310 for the rest."""
    position = {"BTC": Position(CEX, 1, 100_000)}
    token = {"amount": 10_000, "price": "0.98", "haircut": "0.05"}
    loose, strict = (
        Portfolio(0, position, [Collateral(**token, applies_to=to)])  # type: ignore[arg-type]
        for to in ("initial", "both")
    )
    plain = Portfolio(9_800, position)
    at = {"BTC": 100_000}
    assert [calc.standing(p, at).equity for p in (loose, strict)] == [9_800, 9_310]
    assert [calc.standing(p, at).free_equity for p in (loose, strict)] == [9_310, 9_310]
    assert calc.liquidation_price(loose, "BTC") == calc.liquidation_price(plain, "BTC")
    assert calc.liquidation_price(strict, "BTC") > calc.liquidation_price(loose, "BTC")
    # what the market marks collateral at is the whole amplifier: 0.66 instead of 0.98
    depegged = Portfolio(0, position, [Collateral(10_000, "0.66", "0.05", "initial")])
    assert calc.standing(depegged, {"BTC": 93_500}).is_liquidatable
    assert not calc.standing(loose, {"BTC": 93_500}).is_liquidatable


def test_what_may_be_withdrawn_and_opened():
    account = Portfolio(20_000, {"BTC": Position(CEX, 1, 100_000)})
    at = calc.standing(account, {"BTC": 110_000}, {"BTC": 20})
    assert (at.equity, at.initial, at.notional) == (30_000, 5_500, 110_000)
    assert at.withdrawable() == 24_500 and at.withdrawable("0.1") == 19_000
    assert at.may_open and not calc.standing(account, {"BTC": 110_000}, {"BTC": 3}).may_open
    assert calc.standing(account, {"BTC": 80_000}).withdrawable() == 0


def test_requirements_follow_the_published_tiers():
    """MODEL 6.2.14: deductions 50, 950, 11,450, 131,450, 481,450, 2,981,450; no step at an edge."""
    want = [0, 50, 950, 11_450, 131_450, 481_450, 2_981_450]
    assert [tier.deduction for tier in calc.terms_of(CEX).tiers[:7]] == want
    for tier, after in zip(calc.terms_of(CEX).tiers, calc.terms_of(CEX).tiers[1:], strict=False):
        assert tier.up_to is not None
        at, above = (calc.requirement(CEX, tier.up_to + more)[0] for more in (0, MICRO))
        assert at == tier.up_to * after.maintenance - after.deduction
        assert above - at == MICRO
    assert calc.requirement(CEX, 1_000_000, 10) == (5_550, 100_000)
    assert calc.requirement(CEX, 1_000_000)[1] == 13_334  # 75x, the rate rounded up to millionths


def test_a_portfolio_that_nothing_liquidates_has_no_price_and_one_that_is_lost_is_told():
    assert calc.liquidation_price(Portfolio(100_000, {"BTC": Position(CEX, 1, 100_000)}), "BTC") is None
    assert calc.bankruptcy_price(Portfolio(100_001, {"BTC": Position(CEX, 1, 100_000)}), "BTC") is None
    lost = Portfolio(-200, {"BTC": Position(CEX, Fraction(-1, 1000), 100_000)})
    with pytest.raises(RuleError, match="below maintenance at every mark of BTC"):
        calc.liquidation_price(lost, "BTC")
    assert calc.forced_size(lost, "BTC", {"BTC": 1}) == Fraction(1, 1000)


@pytest.mark.parametrize("bad", [nan, inf, "abc", "nan"])
def test_l13_a_mark_that_is_no_number_is_refused_by_name(bad: float | str):
    account = Portfolio(10_000, {"BTC": Position(CEX, 1, 100_000), "ETH": Position(CEX, 1, 4_000)})
    for ask in (calc.standing, calc.equity):
        with pytest.raises(RuleError, match=r"the mark of ETH is .*, which is no number"):
            ask(account, {"BTC": 100_000, "ETH": bad})
    with pytest.raises(RuleError, match=r"the mark of ETH is .*, which is no number"):
        calc.liquidation_price(account, "BTC", {"ETH": bad})
    with pytest.raises(RuleError, match=r"the money is .*, which is no number"):
        calc.standing(Portfolio(bad, account.positions), {"BTC": 1, "ETH": 1})


def test_what_is_refused():
    held = {"BTC": Position(CEX, 1, 100_000)}
    refused = [
        (lambda: calc.standing(Portfolio(1, held), {}), "no mark of BTC"),
        (lambda: calc.standing(Portfolio(1, held), {"BTC": 0}), "the mark of BTC is not above 0"),
        (lambda: calc.standing(Portfolio(1, held), {"BTC": 1}, {"BTC": "0.5"}), "a leverage of 0.5 is below 1"),
        (lambda: calc.liquidation_price(Portfolio(1, held), "ETH"), "no position of 'ETH'; it holds BTC"),
        (lambda: calc.isolated(CEX, "0.0005", 100_000, 2) and calc.liquidation_price(
            calc.isolated(CEX, "0.0005", 100_000, 2), "perp"), "no whole number of lots of 0.001"),
        (lambda: calc.isolated(CEX, 1, 100_000, 126), "a leverage of 126 is not within 1 and 100"),
        (lambda: calc.isolated(CEX, 0, 100_000, 1), "a size of 0"),
        (lambda: calc.isolated(CEX, 1, -3, 1), "a price of -3"),
        (lambda: calc.requirement(CEX, -1), "a notional is at least 0"),
        (lambda: calc.liquidation_price(Portfolio(1, held, [Collateral(1, 1, 2)]), "BTC"), "a haircut within 0 and 1"),
        (lambda: calc.standing(Portfolio(10**15, held), {"BTC": 1}), "too large for 64-bit integers"),
        (lambda: calc.standing(Portfolio(1, held | {"X": Position(one_tier("0.1", is_inverse=True), 1, 1)}),
                               {"BTC": 1, "X": 1}), "margined in different money"),
        (lambda: calc.forced_size(Portfolio(0, {"X": Position(one_tier("0.1", is_inverse=True), 100, 1)}), "X",
                                  {"X": 1}), "knows linear contracts alone"),
        (lambda: calc.forced_size(calc.isolated(calc.load_profile("cex_b"), 1, 100_000, 10), "perp",
                                  {"perp": 90_000}), "an engine of kind tier_fok is not offered"),
    ]  # fmt: skip
    for ask, why in refused:
        with pytest.raises(RuleError, match=why):
            ask()


def test_every_number_is_the_kernels_own(monkeypatch: pytest.MonkeyPatch):
    """Each kernel is made to answer wrongly, and the answer of the calculator follows it."""
    account = calc.isolated(CEX, 1, 100_000, 10)
    coins = calc.isolated(one_tier("0.01", is_inverse=True), 1_000, 50_000, 10)
    at = {"perp": 90_000}
    asked = {
        "requirements_of": lambda: calc.standing(account, at).maintenance,
        "linear_of": lambda: (calc.equity(account, at), calc.bankruptcy_price(account, "perp")),
        "linear_safe_of": lambda: calc.liquidation_price(account, "perp"),
        "close_of": lambda: calc.forced_size(account, "perp", at),
        "inverse_of": lambda: (calc.equity(coins, at), calc.bankruptcy_price(coins, "perp")),
        "inverse_safe_of": lambda: calc.liquidation_price(coins, "perp"),
        "rate_up_of": lambda: calc.equity(Portfolio(0, account.positions, [Collateral(1, 1, "0.5")]), at),
    }
    for door, ask in asked.items():
        right, kernel = ask(), getattr(doors, door)

        def wrong(*args: object, kernel: object = kernel) -> object:
            said = kernel(*args)  # type: ignore[operator]
            return tuple(v + 10_000 for v in said) if isinstance(said, tuple) else said + 10_000

        monkeypatch.setattr(doors, door, wrong)
        answer = ask()
        monkeypatch.undo()
        pairs = zip(right, answer, strict=True) if isinstance(right, tuple) else [(right, answer)]
        assert all(a != b for a, b in pairs), door
        assert ask() == right
