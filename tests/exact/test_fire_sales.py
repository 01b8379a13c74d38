"""Fire sales in closed form: cases worked by hand, published numbers, and a market's own engine beside them."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from sim import calculator as calc
from sim.cli.app import app
from sim.errors import RuleError
from tests.exact.test_linear_cascade import DENSITY, MAINTENANCE, PER_TICK, SOLD, START, TIERS, USD_M_PER_LOT, cascade
from tests.market.rig import Rig

L, D = 9_000e6, 15_000e6  # MODEL 6.2.2
SYSTEM = ([100, 100], [10, 20], [[0.5, 0.5], [0, 1]], [1e-3, 1e-3])


def test_the_linear_book_of_the_specification():
    assert calc.linear_amplification(L, D) == pytest.approx(2.5)
    assert calc.linear_amplification(D, D) == math.inf
    got = calc.cascade_fall(0.02, [(0.1, 0.1 * L)], D)
    assert got == pytest.approx((0.05, 450e6, 2.5))


def test_the_markets_engine_reaches_the_closed_form():
    """As tests/exact/test_linear_cascade.py; accounts stand under the first 3 % alone in the second case."""
    tick = PER_TICK / SOLD
    fall, forced = cascade(1600)
    assert fall / (SOLD / PER_TICK) == pytest.approx(calc.linear_amplification(L, D), abs=4 / 1600 + tick)
    reach, n = 3 * START // 100, 750
    marks = np.array([2 * START - (2 * i + 1) * reach // n for i in range(n)], np.int64)
    lots = np.full(n, DENSITY * reach // n)
    cash = -(-lots * marks * MAINTENANCE // 200) - lots * marks // 2
    rig = Rig(cash, lots, START, bids=[(START - 1 - i, PER_TICK) for i in range(9_500)], tiers=TIERS)
    rig.sell(SOLD)
    was = -1
    while was != int(rig.accounts["forced_lots"].sum()):
        was = int(rig.accounts["forced_lots"].sum())
        rig.scan(2 * rig.last())
    want = calc.cascade_fall(0.02, [(0.03, 0.03 * L)], D)
    assert want.fall == pytest.approx(0.038)  # 2 % and all of the 270m
    assert (START - rig.last()) / START == pytest.approx(want.fall, rel=0.001)
    assert was * USD_M_PER_LOT == pytest.approx(want.forced_usd / 1e6, rel=0.001)


def test_a_cascade_stops_at_the_first_root_and_runs_through_a_steep_wall():
    wall = [(0.02, 0.0), (0.021, 300e6)]  # twenty times the depth
    assert calc.cascade_fall(0.02, wall, D).fall == 0.02
    assert calc.cascade_fall(0.0205, wall, D).fall == pytest.approx(0.0405)
    assert calc.cascade_fall(0.02, [(1.0, 2 * D)], D).fall == math.inf


def test_roots_equal_those_of_the_plain_iteration():
    draw = np.random.default_rng(5)
    for _ in range(200):
        lam = np.cumsum(draw.exponential([0.02, 100.0], (5, 2)), axis=0)
        imp = np.cumsum(draw.exponential([80.0, 0.01], (4, 2)), axis=0)
        s, slope = 0.01, (imp[-1, 1] - imp[-2, 1]) / (imp[-1, 0] - imp[-2, 0])
        x = s
        for _ in range(20_000):  # from s upwards: it meets the smallest root first
            q = np.interp(x, [0, *lam[:, 0]], [0, *lam[:, 1]])
            past = imp[-1, 1] + slope * (q - imp[-1, 0])
            x = s + (past if q > imp[-1, 0] else np.interp(q, [0, *imp[:, 0]], [0, *imp[:, 1]]))
        got = calc.cascade_fall(s, lam, imp).fall
        assert got == (math.inf if x > 1.0 else pytest.approx(x, rel=1e-6))


def test_covariance_of_a_fund_that_is_run_down():
    """s/V0 = 0.1, Lambda = (0.5, 0.25), pi = (10, 10): W = 1 + 0.1 Lambda pi' = [[1.5, 0.5], [0.25, 1.25]]."""
    sigma = 0.04 * np.eye(2)
    got = calc.fire_sale_covariance(sigma, [10, 10], [1, 1], [20, 40], 2.0)
    assert got == pytest.approx(np.array([[0.1, 0.04], [0.04, 0.065]]))
    assert calc.fire_sale_covariance(sigma, [10, 10], [1, 1], [20, 40], 0.0) == pytest.approx(sigma)
    thin = calc.fire_sale_covariance(sigma, [10, 10], [1, 1], [2e-6, 4e-6], 2.0)
    assert calc.correlation(thin)[0, 1] == pytest.approx(1.0, abs=1e-6)


def test_covariance_equals_that_of_the_discrete_recursion():
    """MODEL 6.2.9: prices of Cont and Wagalath's recursion, 400 paths of 500 small steps; within 2 %."""
    draw = np.random.default_rng(9)
    sd, shares, depth, s = np.array([1e-4, 2e-4]), np.array([3.0, 5.0]), np.array([6.0, 20.0]), 1.5
    sigma = np.outer(sd, sd) * np.array([[1.0, 0.2], [0.2, 1.0]])
    price = np.ones((400, 2))
    returns = []
    for _ in range(500):
        move = draw.multivariate_normal([0, 0], sigma, 400)
        lost = (price * move) @ shares / shares.sum()  # of V / V0
        step = move + shares / depth * s * lost[:, None]
        price *= 1.0 + step
        returns.append(step)
    seen = np.cov(np.concatenate(returns).T)
    assert calc.fire_sale_covariance(sigma, shares, [1, 1], depth, s) == pytest.approx(seen, rel=0.02)


def test_aggregate_vulnerability_by_hand():
    """Leverages 9 and 4, asset returns of the holders 5 % and 0: 45 sold, half of each asset, falls 2.25 %; holdings
    of 50 and 150 lose 4.5, of equity 30.
    """
    got = calc.aggregate_vulnerability(*SYSTEM, [0.1, 0])
    assert got.aggregate == pytest.approx(0.15)
    assert got.sales_usd == pytest.approx([22.5, 22.5]) and got.price_falls == pytest.approx([0.0225, 0.0225])
    assert got.systemicness == pytest.approx([0.15, 0.0]) and got.direct == pytest.approx([0.5, 0.0])
    assert got.indirect == pytest.approx([0.225, 0.1125])
    factors = calc.vulnerability_factors(*SYSTEM, [0.1, 0])
    assert factors[:2] == pytest.approx((200, 17 / 3 * 20 / 3))
    assert factors.concentration == pytest.approx(0.0625e-3 * 27 / 17 * 0.05 + 0.5625e-3 / 3 * 27 / 17 * 0.05)


def test_factors_multiply_to_the_aggregate_and_parts_sum_to_it():
    draw = np.random.default_rng(3)
    for _ in range(50):
        n, k = draw.integers(2, 6, 2)
        equity = draw.uniform(1, 5, n)
        assets = equity * draw.uniform(1, 20, n)
        weights = draw.dirichlet(np.ones(k), n)
        system = (assets, equity, weights, draw.uniform(0, 1e-3, k), draw.uniform(0, 0.1, k))
        got = calc.aggregate_vulnerability(*system)
        assert got.systemicness.sum() == pytest.approx(got.aggregate)
        assert got.indirect @ equity == pytest.approx(got.aggregate * equity.sum())
        assert calc.vulnerability_factors(*system).aggregate == pytest.approx(got.aggregate)
        again = calc.overlap_matrix(*system[:4]) @ system[4]
        assert again == pytest.approx(got.price_falls)


def test_overlap_of_one_asset_is_the_linear_book():
    matrix = calc.contagion_matrix([[L]], [D])
    assert calc.spectral_radius(matrix) == pytest.approx(0.6)
    assert calc.total_falls(matrix, [0.02]) == pytest.approx([0.05])
    two = calc.contagion_matrix([[0, 4], [9, 0]], [1, 1])  # eigenvalues 6 and -6
    assert calc.spectral_radius(two) == pytest.approx(6.0) and np.isinf(calc.total_falls(two, [0.1, 0])).all()
    half = calc.contagion_matrix([[0, 4], [9, 0]], [12, 12])  # (1 - N)^-1 = 4/3 [[1, 1/3], [3/4, 1]]
    assert calc.total_falls(half, [0.3, 0.0]) == pytest.approx([0.4, 0.3])


def test_thresholds_of_leverage_by_hand():
    """95 of assets on 5 of equity is 19, above 15; 45 are sold to be at 10; the rest, 50, and half of the sale bear the
    fall of (1 - B')(1 - exp(-45 / ((1 - B') 1000))), B' = 0.5 / 0.95.
    """
    drop = (1 - 0.5 / 0.95) * (1 - math.exp(-45 / ((1 - 0.5 / 0.95) * 1000)))
    got = calc.threshold_deleveraging([[100]], [10], [0.05], [1000], 15, 10)
    assert got.sold_usd[0] == pytest.approx([45])
    assert got.n_rounds > 1 and got.sold_usd[1, 0] == pytest.approx(50 * (1 - drop) - 10 * (5 - 72.5 * drop))
    deep = calc.threshold_deleveraging([[100]], [10], [0.05], [1e15], 15, 10)
    assert (deep.n_rounds, deep.loss_usd[0], deep.prices[0]) == (1, pytest.approx(5), pytest.approx(0.95))
    calm = calc.threshold_deleveraging([[100]], [10], [0.02], [1000], 15, 10)
    assert calm.n_rounds == 0 and calm.sold_usd.shape == (0, 1)
    ruin = calc.threshold_deleveraging([[100]], [10], [0.2], [1000], 15, 10)
    assert ruin.sold_usd.tolist() == [[80]] and ruin.is_insolvent.tolist() == [True]


def test_depth_and_bounded_impact():
    assert calc.market_depth(20e9, 0.025, 4) == pytest.approx(0.4 * 20e9 / 0.025 * 2)
    small, all_of_it = calc.bounded_impact([1.0, 1e15], [1e6, 1e6], [0.5, 0.5])
    assert small == pytest.approx(1e-6, rel=1e-5) and all_of_it == 0.5


def test_both_spirals_exceed_their_sum():
    """2 / (1e-3 x 400) x 10 = 50; the margin spiral takes 10 off, the loss spiral 15."""
    got = calc.price_response(1e-3, 20, 10, -0.5, 20, 15)
    assert got == pytest.approx((1 / 25, 1 / 50, 1 / 35, 1 / 40))
    assert got.price - got.neither > (got.loss_alone - got.neither) + (got.margin_alone - got.neither)
    assert calc.price_response(1e-3, 20, 10, -0.5, 80, 15).price == math.inf


def test_critical_leverage_of_the_specification():
    """MODEL 6.2.11."""
    assert [calc.critical_leverage(i) for i in (0.1, 0.05, 0.02)] == pytest.approx([15, 30, 75])
    path = calc.leverage_path(9, 0.1, [0, 0.1, 0.25, 0.5, 0.75, 0.95])
    assert path == pytest.approx([9.0, 10.82, 10.91, 8.90, 4.95, 1.01], abs=0.005)
    assert calc.leverage_path(9, 0.02, [0, 0.1, 0.25]) == pytest.approx([9, 8.52, 7.28], abs=0.005)
    assert np.isinf(calc.leverage_path(15.01, 0.1, [0.99999])).all()
    assert calc.root_impact(0.025, 4e9, 20e9) == pytest.approx(0.025 / math.sqrt(5))


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: calc.linear_amplification(1, 0), "depth is 0"),
        (lambda: calc.cascade_fall(0.02, [(0.1, 5), (0.2, 4)], 1), "neither column falling"),
        (lambda: calc.fire_sale_covariance([[1, 0], [0, 1]], [1], [1], [1], 1), "symmetric one of 1 x 1"),
        (lambda: calc.aggregate_vulnerability([100], [10], [[0.5, 0.4]], [1, 1], [0, 0]), "sum to 1"),
        (lambda: calc.aggregate_vulnerability([100], [10, 1], [[1]], [1], [0]), "equity_usd has 2 numbers"),
        (lambda: calc.threshold_deleveraging([[1]], [1], [0.1], [1], 5, 9), "1 < target <= max"),
        (lambda: calc.critical_leverage(0), "the impact is 0"),
        (lambda: calc.spectral_radius([[1, 2]]), "give a square one"),
        (lambda: calc.bounded_impact([float("nan")], [1], [0]), "not finite"),
    ],
)
def test_what_is_not_possible_is_refused(call, why):
    with pytest.raises(RuleError, match=why):
        call()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holders.csv").write_text("name,equity,BTC,ETH\na,10,50,50\nb,20,0,100\n")
    (tmp_path / "market.csv").write_text("asset,depth,shock\nBTC,1000,0.1\nETH,1000,0\n")
    (tmp_path / "fund.csv").write_text("asset,shares,price,depth,volatility\nBTC,10,1,20,0.2\nETH,10,1,40,0.2\n")
    (tmp_path / "lambda.csv").write_text("fall,usd\n0.1,900e6\n")
    (tmp_path / "bad.csv").write_text("asset,depth,shock\nBTC,1000,x\n")


def asked(*words: str):
    return CliRunner().invoke(app, ["calc", "fire-sale", *words])


def answer(*words: str):
    done = asked(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_commands_give_the_numbers(folder):
    linear = answer("linear", "--liquidations", "9e9", "--depth", "15e9", "--shock", "0.02")
    assert linear == pytest.approx({"n": 0.6, "amplification": 2.5, "fall": 0.05, "forced_usd": 450e6})
    assert answer("linear", "--liquidations", "9", "--depth", "9")["amplification"] is None
    table = ("--shock", "0.02", "--liquidations", "lambda.csv", "--depth", "15e9")
    assert answer("cascade", *table)["fall"] == pytest.approx(0.05)
    assert answer("covariance", "fund.csv", "--slope", "2")["volatility"][0]["volatility_during"] == pytest.approx(
        math.sqrt(0.1)
    )
    system = answer("vulnerability", "holders.csv", "market.csv")
    assert system["aggregate_vulnerability"] == pytest.approx(0.15) and system["holders"][1]["indirect"] == 0.1125
    rounds = answer("deleverage", "holders.csv", "market.csv", "--max-leverage", "15", "--target-leverage", "10")
    assert rounds["rounds"] > 0 and [row["asset"] for row in rounds["assets"]] == ["BTC", "ETH"]
    words = "--risk-aversion 1e-3 --volatility 20 --margin 10 --margin-slope -0.5 --position 20 --before 15"
    assert answer("spiral", *words.split())["response_price"] == pytest.approx(0.04)
    assert answer("critical-leverage", "--impact", "0.1")["critical_leverage"] == pytest.approx(15)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("vulnerability", "holders.csv", "bad.csv"), "bad.csv: line 2: shock is 'x', which is no number"),
        (("vulnerability", "market.csv", "market.csv"), "line 2: no name and no equity"),
        (("cascade", "--shock", "0.02", "--liquidations", "lambda.csv"), "give either --depth or --impact"),
        (("critical-leverage", "--size", "1"), "give either --impact or all of"),
        (("linear", "--liquidations", "x", "--depth", "1"), "--liquidations is 'x'"),
    ],
)
def test_bad_input_is_one_sentence(folder, words, why):
    done = asked(*words)
    assert done.exit_code == 2 and why in done.stderr and "Traceback" not in done.output
