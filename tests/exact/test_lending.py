"""A lending protocol by its public functions: MODEL 3.1, 3.2 and 6.2.13, refusals, and ``shoal calc lending``."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim import calculator as calc
from sim.calculator import Loan
from sim.cli.app import app
from sim.errors import RuleError

LENDER = calc.load_lender("lender_a")
LOAN = Loan(LENDER, {"weth": 100}, {"usdc": 300_000})
LOOP = Loan(LENDER, {"wsteth": 1000}, {"weth": 900}, mode="eth")
CALL = ["--take", "weth", "--repay", "usdc", "--collateral", "weth=100", "--debt", "usdc=300000", "--price", "usdc=1"]


def at(price: float, loan: Loan = LOAN, cover: int | None = None) -> calc.LiquidationCall:
    return calc.liquidation_call(loan, {"weth": price, "usdc": 1}, "weth", "usdc", cover)


@pytest.mark.parametrize(
    ("price", "health", "repaid", "seized", "after"),
    [
        (3600, ".9960", 150_000, Fraction("43.75"), "1.1205"),
        (3500, ".9683", 150_000, Fraction(45), "1.0652"),
        (3400, ".9407", 300_000, Fraction(300_000 * 105, 100 * 3400), None),
    ],
)
def test_the_worked_example(price: int, health: str, repaid: int, seized: Fraction, after: str | None):
    """6.2.13: 100 ETH, 300k USDC, LT .83, LB 1.05; half is closed above 0.95, all below."""
    call = at(price)
    assert call.before.health == Fraction(83 * price, 300_000)
    assert round(call.before.health, 4) == Fraction(health)
    assert call.repaid == repaid and 0 <= seized - call.seized < Fraction(1, 10**11)
    assert (None if call.after.health is None else round(call.after.health, 4)) == (after and Fraction(after))
    assert call.deficit == {} and call.after.debt == 300_000 - repaid
    assert 0 <= repaid * Fraction(5, 100) - call.bonus < Fraction(1, 10**7)
    if price == 3600:
        assert call.bonus == 7_500 and 0 <= call.fee * price - 750 < Fraction(1, 10**8)  # the fee is rounded up
        assert call.after.health == Fraction("1.1205")


def test_what_a_liquidator_can_afford():
    """MODEL 3.1: the largest slippage for WETH at a fee of 10% is 4.31%: 1 - 1 / 1.045."""
    assert abs(at(3500).largest_slippage - (1 - 1 / Fraction("1.045"))) < Fraction(1, 10**12)


def test_the_border_of_the_toxic_spiral():
    """MODEL 3.1: WETH 0.8715, sUSDe in its mode 0.948; in between a call lowers health, and debt may stay unpaid."""
    weth, susde = LENDER.assets["weth"], LENDER.modes["susde"]
    assert round(weth.threshold * (1 + weth.bonus), 4) == 0.8715
    assert round(susde.threshold * (1 + susde.bonus), 3) == 0.948
    border = 300_000 * Fraction("0.8715") / 83  # price at which health is the border
    rises, falls = at(border + 1, cover=100_000), at(border - 1, cover=100_000)
    assert rises.after.health > rises.before.health and falls.after.health < falls.before.health
    assert at(border + 1).deficit == {} and at(border - 1).deficit != {}


def test_what_no_collateral_backs_is_written_off_in_every_asset():
    loan = Loan(LENDER, {"weth": 100, "wbtc": 1}, {"usdc": 300_000, "usdt": 100_000})
    prices = {"weth": 2000, "wbtc": 50_000, "usdc": 1, "usdt": 1}
    first = calc.liquidation_call(loan, prices, "weth", "usdc")
    assert first.seized == 100 and first.deficit == {} and first.loan.collateral == {"wbtc": 1}
    last = calc.liquidation_call(first.loan, prices, "wbtc", "usdt")
    assert last.loan.collateral == {} and last.loan.debt == {}
    assert last.deficit == {"usdc": 300_000 - first.repaid, "usdt": 100_000 - last.repaid}
    assert [round(float(call.repaid), 2) for call in (first, last)] == [190_476.19, 47_619.05]


def test_half_is_of_all_that_is_owed():
    """Since v3.3 the close factor is of the total debt: one asset may be closed whole when it is half of it."""
    loan = Loan(LENDER, {"weth": 100}, {"usdc": 150_000, "usdt": 150_000})
    call = calc.liquidation_call(loan, {"weth": 3600, "usdc": 1, "usdt": 1}, "weth", "usdc")
    assert call.repaid == 150_000 and call.loan.debt == {"usdt": 150_000}


def test_a_mode_counts_for_its_collateral_alone():
    prices = {"wsteth": 4000, "weth": 4000, "usdc": 1, "wbtc": 100_000}
    inside, outside = calc.loan_standing(LOOP, prices), calc.loan_standing(replace(LOOP, mode=None), prices)
    assert inside.health == Fraction(95 * 10, 9 * 100) and outside.health == Fraction(81 * 10, 9 * 100)
    assert (inside.limit, outside.limit) == (3_720_000, 3_140_000)
    other = Loan(LENDER, {"wbtc": 1}, {"usdc": 1}, mode="eth")
    assert calc.loan_standing(other, prices).threshold == 78_000
    assert calc.may_borrow(LOOP, prices, "weth", 30) and not calc.may_borrow(LOOP, prices, "weth", "30.000001")
    assert not calc.may_borrow(LOOP, prices, "usdc", 1)  # the mode lends weth alone
    assert calc.may_borrow(replace(LOOP, debt={}, mode=None), prices, "usdc", 3_140_000)
    assert calc.loan_standing(LOOP, prices).room == 3_720_000 - 3_600_000


def test_a_token_without_numbers_of_its_own_backs_loans_in_its_mode_alone():
    prices = {"susde": "1.2", "usdc": 1}
    loan = Loan(LENDER, {"susde": 100_000}, {"usdc": 100_000}, mode="susde")
    assert calc.loan_standing(loan, prices).health == Fraction(92 * 12, 1000)
    assert calc.loan_standing(replace(loan, mode=None), prices).health == 0
    with pytest.raises(RuleError, match="no susde backs the loan"):
        calc.liquidation_call(replace(loan, mode=None), prices, "susde", "usdc")


def test_rates_at_the_points_of_the_curves():
    """MODEL 3.1: stablecoins u* 0.92, 6.5%, 60%; WETH u* 0.9, 2.7%, 80%."""
    shares = {"usdc": ((0, 0), (46, "0.0325"), (92, "0.065"), (96, "0.365"), (100, "0.665"))}
    shares["weth"] = ((0, 0), (45, "0.0135"), (90, "0.027"), (95, "0.427"), (100, "0.827"))
    for asset, points in shares.items():
        for used, rate in points:
            assert calc.borrow_rate(LENDER, asset, used, 100 - used) == Fraction(rate)
    assert calc.borrow_rate(LENDER, "usdc", 1, 10**9) == Fraction(1, 10**6)  # a millionth, rounded up
    with pytest.raises(RuleError, match="wbtc is not lent out"):
        calc.borrow_rate(LENDER, "wbtc", 1, 1)


def test_a_feed_steps_by_deviation_or_age_and_lands_later():
    """0.5% of 4,000 is 20: 3,981 is not far, 3,980 is; it lands 12 s later, while the market goes on."""
    market = [(0, 4000), (1, 3981), (2, 3980), (3, 3900), (13, 3890), (14, 3850), (15, 3840), (26, 3840)]
    assert calc.feed_prices(LENDER, "weth", market, 12) == [4000] * 5 + [3980, 3980, 3850]
    assert calc.feed_prices(LENDER, "weth", market, 0) == [4000, 4000, 3980, 3900, 3900, 3850, 3850, 3850]
    still = [(0, 4000), (3599, 4001), (3600, 4002), (3601, 4003), (7200, 4004)]
    assert calc.feed_prices(LENDER, "weth", still, 0) == [4000, 4000, 4002, 4002, 4004]
    assert calc.feed_prices(LENDER, "usdc", [(0, 1), (1, "0.9976"), (2, "0.9975")], 0) == [1, 1, Fraction("0.9975")]


def test_prices_without_a_market():
    """USDe is at USDT's price whatever it trades at; a staked token at its exchange rate up to the cap."""
    assert calc.derived_price(LENDER, "usde", "0.9993") == Fraction("0.9993")
    assert calc.derived_price(LENDER, "wsteth", 4000, "1.21", "1.2", age=0) == 4800  # the cap has not grown yet
    year = 365 * 86_400
    assert calc.derived_price(LENDER, "wsteth", 4000, "1.4", "1.2", age=year) == Fraction("1.2") * 4000 * Fraction(
        "1.0968"
    )
    assert calc.derived_price(LENDER, "wsteth", 4000, "1.21", "1.2", age=year) == 4840
    for wrong, why in (
        (("weth", 4000), "follows the market"),
        (("usde", 1, "1.1"), "no exchange rate is asked for"),
        (("wsteth", 4000, "1.21", "1.0000000001"), "nine decimals"),
        (("wsteth", 0, 1, 1), "give a number above 0"),
    ):
        with pytest.raises(RuleError, match=why):
            calc.derived_price(LENDER, *wrong)
    with pytest.raises(RuleError, match="the feed of usde follows no market: it is hard_coded of usdt"):
        calc.feed_prices(LENDER, "usde", [(0, 1)], 0)
    with pytest.raises(RuleError, match="times that rise"):
        calc.feed_prices(LENDER, "weth", [(1, 1), (1, 1)], 0)


def test_a_cap_that_is_too_low_liquidates_loops_and_leaves_no_bad_debt():
    """MODEL 3.2: a cap 2.85% below the rate of wstETH liquidated about $27m without bad debt."""
    rate, cap = Fraction("1.22"), Fraction("1.22") * Fraction("0.9715")
    prices = {"weth": 4000, "wsteth": calc.derived_price(LENDER, "wsteth", 4000, rate, cap)}
    fair = {"weth": 4000, "wsteth": calc.derived_price(LENDER, "wsteth", 4000, rate, rate)}
    assert prices["wsteth"] / fair["wsteth"] == Fraction("0.9715")
    for health in ("1.0001", "1.01", "1.02", "1.03"):
        debt = round(Fraction(1000) * rate * Fraction("0.95") / Fraction(health), 6)
        loan = Loan(LENDER, {"wsteth": 1000}, {"weth": debt}, mode="eth")
        assert not calc.loan_standing(loan, fair).is_liquidatable
        is_hit = calc.loan_standing(loan, prices).is_liquidatable
        assert is_hit == (Fraction(health) * Fraction("0.9715") < 1)
        n = 0
        while calc.loan_standing(loan, prices).is_liquidatable and n < 20:
            call = calc.liquidation_call(loan, prices, "wsteth", "weth")
            assert call.deficit == {}
            loan, n = call.loan, n + 1
        assert n < 20


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda: at(4000), "health is 1.10667, not below 1"),
        (lambda: at(3600, replace(LOAN, debt={})), "health is without debt, not below 1"),
        (lambda: at(3600, cover=0), "give a number above 0"),
        (lambda: at(0), "the price of weth is 0"),
        (lambda: at(3600, cover=Fraction(1, 3)), "has more digits than fit"),
        (lambda: at(1000, Loan(LENDER, {"weth": "2.3"}, {"usdc": 2200}), 1500), "leave less than \\$1000"),
        (lambda: at(3600, replace(LOAN, mode="btc")), "no mode 'btc'"),
        (lambda: at(3600, replace(LOAN, debt={"usdc": -1})), "are at least 0"),
        (lambda: at(3600, replace(LOAN, debt={"doge": 1})), "no asset 'doge'"),
        (lambda: at(3600, replace(LOAN, debt={"usdt": 1})), "no price of usdt"),
        (lambda: at(3600, replace(LOAN, debt={"usdc": 10**14})), "past 2\\^62"),
        (lambda: calc.close_factor(LENDER, 1, 1, 1), "a health below 1"),
        (lambda: calc.liquidation_call(LOAN, {"weth": 3600, "usdc": 1, "usdt": 1}, "weth", "usdt"), "no usdt is owed"),
        (lambda: calc.borrow_rate(LENDER, "usdc", -1, 1), "at least 0"),
    ],
)  # fmt: skip
def test_what_is_refused(ask, why: str):
    with pytest.raises(RuleError, match=why):
        ask()


def test_the_page_says_what_its_examples_answer():
    page = (Path(__file__).parents[2] / "docs" / "lending.md").read_text(encoding="utf-8")
    code = next(block.split("```")[0] for block in page.split("```python\n")[1:])  # the next one runs a market
    names: dict[str, object] = {}
    exec(code, names)  # the project's own page
    answers = [line.split("#") for line in code.splitlines() if line.startswith("calc.")]
    assert len(answers) == 5
    for question, said in answers:
        assert str(eval(question, names)) == said.strip().split(":")[0]


def answer(*words: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["calc", "lending", *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_command_answers_as_the_functions(tmp_path: Path):
    got = answer("liquidate", "lender_a", *CALL, "--price", "weth=3600")
    assert (got["repaid"], got["seized"], got["health_after"], got["deficit"]) == (150_000, 43.75, 1.1205, [])
    got = answer("health", "lender_a", *CALL[4:], "--price", "weth=4000")
    assert (got["health"], got["borrow_room_usd"], got["is_liquidatable"]) == (
        pytest.approx(1.1066666667),
        22_000,
        False,
    )
    assert answer("rate", "lender_a", "usdc", "--borrowed", "96", "--available", "4")["rate_of_a_year"] == 0.365
    path = tmp_path / "path.csv"
    path.write_text("seconds,price\n0,4000\n2,3980\n14,3990\n")
    got = answer("feed", "lender_a", "weth", str(path), "--delay", "12")
    assert [row["in_force_usd"] for row in got["prices"]] == [4000, 4000, 3980]  # type: ignore[attr-defined]
    got = answer("liquidate", "lender_a", *CALL, "--price", "weth=3000", "--cover", "300000")
    assert got["deficit"] == [{"asset": "usdc", "coins": pytest.approx(300_000 / 21)}]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["health", "lender_b", *CALL[4:]], "no lender profile 'lender_b'"),
        (["health", "lender_a", *CALL[4:-2], "--price", "weth"], "--price is 'weth': give ASSET=NUMBER"),
        (["liquidate", "lender_a", *CALL, "--price", "weth=4000"], "nothing may be liquidated"),
        (["feed", "lender_a", "weth", "no_such.csv", "--delay", "12"], "cannot be read as a CSV file"),
    ],
)
def test_the_command_refuses_in_one_sentence(words: list[str], why: str):
    done = CliRunner().invoke(app, ["calc", "lending", *words])
    assert done.exit_code == 2
    assert why in done.stderr and "Traceback" not in done.output
