"""A company that holds coins: MODEL 6.2.15, and the algebra against a ledger of shares, coins and dollars."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some
from typer.testing import CliRunner

from sim import calculator as calc
from sim.cli.app import app
from sim.errors import RuleError

POSITIVE = some.fractions(min_value=Fraction(1, 100), max_value=100, max_denominator=1000)
SHARE = some.fractions(min_value=0, max_value=2, max_denominator=1000)
STRATEGY = {"coins": 649_870, "price": 86_500}


def test_the_numbers_of_the_model():
    """1 % issued at 1.2 and at 0.9, to the last digit; Strategy at 86,500, at $74,433 and at the text's 74,333."""
    assert calc.after_issue("0.01", "1.2") == Fraction(1012, 1010)
    assert calc.after_issue("0.01", "0.9") == Fraction(1009, 1010)
    assert round(100 * float(calc.after_issue("0.01", "1.2") - 1), 3) == 0.198
    assert round(100 * float(calc.after_issue("0.01", "0.9") - 1), 3) == -0.099
    now = calc.against_cost(**STRATEGY, mean_cost=74_433)
    assert (now.value, now.cost) == (56_213_755_000, 48_371_773_710)
    assert now.gain == now.value - now.cost
    assert round(float(calc.against_cost(**STRATEGY, mean_cost=74_333).cost) / 1e9, 1) == 48.3


def test_three_premia_of_one_balance_sheet():
    """10 coins at 100, shares worth 900, debt 300, preferred 200, cash 100: 0.9, 1.3 and 900 / 600."""
    found = calc.treasury_premia(10, 100, 900, debt=300, preferred=200, cash=100)
    assert (found.equity, found.enterprise, found.net) == (Fraction(9, 10), Fraction(13, 10), Fraction(3, 2))
    assert calc.treasury_premia(10, 100, 900, debt=1000).net is None
    assert calc.treasury_premia(10, 100, 900, debt=1001).net is None
    plain = calc.treasury_premia(10, 100, 900)
    assert plain.equity == plain.enterprise == plain.net


def test_an_enterprise_premium_above_1_does_not_make_an_issue_accretive():
    found = calc.treasury_premia(10, 100, 900, debt=300)
    assert found.enterprise > 1 > found.equity
    assert calc.after_issue("0.05", found.equity) < 1


@given(POSITIVE, SHARE)
def test_an_issue_adds_coins_a_share_where_the_equity_premium_is_above_1_and_only_there(
    premium: Fraction, new: Fraction
):
    """Against a ledger: 1,000 shares, 50 coins at 20."""
    shares, coins, price = Fraction(1000), Fraction(50), Fraction(20)
    quote = premium * coins * price / shares
    bought = new * shares * quote / price
    factor = ((coins + bought) / (shares + new * shares)) / (coins / shares)
    assert calc.after_issue(new, premium) == factor
    assert (factor > 1) == (premium > 1 and new > 0)
    assert (factor < 1) == (premium < 1 and new > 0)


@given(POSITIVE, some.fractions(min_value=0, max_value=Fraction(99, 100), max_denominator=1000))
def test_a_buyback_adds_coins_a_share_where_the_equity_premium_is_below_1_and_only_there(
    premium: Fraction, sold: Fraction
):
    shares, coins, price = Fraction(1000), Fraction(50), Fraction(20)
    if sold >= premium:
        with pytest.raises(RuleError, match="buy every share"):
            calc.after_buyback(sold, premium)
        return
    quote = premium * coins * price / shares
    retired = sold * coins * price / quote
    factor = ((coins - sold * coins) / (shares - retired)) / (coins / shares)
    assert calc.after_buyback(sold, premium) == factor
    assert (factor > 1) == (premium < 1 and sold > 0)


@given(POSITIVE, SHARE)
def test_claims_add_gross_coins_and_leave_what_is_the_shares(premium: Fraction, raised: Fraction):
    """Coins bought with preferred stock: more gross coins a share, the value net of claims as it was."""
    coins, price = Fraction(50), Fraction(20)
    more = coins * calc.after_claims(raised)
    before = calc.treasury_premia(coins, price, premium * coins * price)
    after = calc.treasury_premia(more, price, premium * coins * price, preferred=raised * coins * price)
    assert after.net == before.net
    assert after.equity == before.equity / (1 + raised)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: calc.treasury_premia(0, 1, 1), "the number of coins is 0"),
        (lambda: calc.treasury_premia(1, 1, 1, debt=-1), "debt is -1: it is at least 0"),
        (lambda: calc.treasury_premia(1, float("nan"), 1), "the price is nan, which is no number"),
        (lambda: calc.after_issue(-1, 1), "the fraction of new shares is -1"),
        (lambda: calc.after_issue(1, 0), "the equity premium is 0"),
        (lambda: calc.after_buyback(1, 2), "below 1"),
        (lambda: calc.after_claims("x"), "the fraction raised is 'x'"),
        (lambda: calc.against_cost(1, 1, 0), "the mean cost is 0"),
    ],
)
def test_what_has_no_meaning_is_refused(call, why: str):
    with pytest.raises(RuleError, match=why):
        call()


def test_the_command_answers_what_it_was_asked_and_no_more():
    words = ["calc", "dat", "--coins", "10", "--price", "100", "--market-value", "900", "--debt", "300", "--json"]
    plain = CliRunner().invoke(app, words)
    assert plain.exit_code == 0 and plain.stdout.split() == [
        "{",
        '"m_eq":',
        "0.9,",
        '"m_ev":',
        "1.2,",
        '"m_net":',
        "1.2857142857142858",
        "}",
    ]
    more = ["--mean-cost", "80", "--issue", "0.01", "--claims", "0.1", "--buyback", "0.5"]
    done = CliRunner().invoke(app, [*words[:-1], *more])
    assert done.exit_code == 0
    shown = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines())
    assert {key.strip(): value for key, value in shown.items()} == {
        "m eq": "0.9", "m ev": "1.2", "m net": "1.285714286", "value usd": "1,000", "cost usd": "800",
        "gain usd": "200",
        "coins a share after issue": "0.999009901", "coins a share after claims": "1.1",
        "coins a share after buyback": "1.125",
    }  # fmt: skip
    assert CliRunner().invoke(app, [*words, "--buyback", "1"]).exit_code == 2
