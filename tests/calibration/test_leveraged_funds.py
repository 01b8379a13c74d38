"""Value funds of MODEL 6.2.10 in their own market and in the engine; a leveraged position on its way out (6.2.11)."""

import numpy as np
import pytest

import sim
from calibration.experiments import clearing, fund_figures
from calibration.experiments import leveraged_funds as experiment
from docs.examples import critical_leverage as leaving
from docs.examples import leveraged_funds as books
from sim.agents import TradingAgent
from sim.report.published import read_published

N, FUNDS = clearing.SHARES, clearing.BETAS.size
NOTHING = np.zeros((1, FUNDS))


# --- the twin: demand meets supply at once
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cash_of_noise", [400.0, 1000.0, 1700.0])
def test_without_funds_the_price_is_the_noise_traders_cash_over_the_shares(cash_of_noise):
    price = clearing.clearing_price(np.array([cash_of_noise]), NOTHING, NOTHING, np.array([10.0]))
    assert price[0] == pytest.approx(cash_of_noise / N, rel=1e-9)


def test_funds_of_cash_alone_clear_in_closed_form():
    """N p = xi + sum(beta) W (1 - p) while nobody's limit binds."""
    noise, wealth = 930.0, 2.0
    price = clearing.clearing_price(np.array([noise]), NOTHING, NOTHING + wealth, np.array([1e9]))
    pull = float(clearing.BETAS.sum()) * wealth
    assert price[0] == pytest.approx((noise + pull) / (N + pull), rel=1e-9)


def test_demand_has_its_caps():
    shares, cash, limit = np.ones((1, FUNDS)), np.ones((1, FUNDS)), np.array([3.0])
    assert (clearing.spending(np.array([1.0]), shares, cash, limit) == 0.0).all()
    got = clearing.spending(np.array([0.9]), shares, cash, limit)[0]
    assert got == pytest.approx(1.9 * np.minimum(0.1 * clearing.BETAS, 3.0))
    assert (clearing.spending(np.array([0.9]), shares, cash - 2.0, limit) == 0.0).all()  # no wealth, no demand


def test_what_is_bought_is_what_there_is():
    rng = np.random.default_rng(1)
    shares, cash = rng.uniform(0.0, 20.0, (4, FUNDS)), rng.uniform(-15.0, 5.0, (4, FUNDS))
    noise, limit = rng.uniform(600.0, 990.0, 4), np.array([2.0, 5.0, 10.0, 15.0])
    price = clearing.clearing_price(noise, shares, cash, limit)
    bought = noise + clearing.spending(price, shares, cash, limit).sum(axis=1)
    assert bought == pytest.approx(N * price, rel=1e-6)
    assert (price < clearing.VALUE).all() and (price >= noise / N).all()


def test_a_ruined_fund_is_away_for_a_hundred_steps():
    wealth, absent = np.array([[0.19, 0.21]]), np.zeros((1, 2), np.int64)
    absent, ruined, back = clearing.out_and_back(wealth, absent)
    assert ruined.tolist() == [[True, False]] and not back.any()
    for step in range(1, clearing.ABSENT + 1):
        assert absent[0, 0] == clearing.ABSENT - step + 1
        absent, ruined, back = clearing.out_and_back(np.array([[0.0, 2.0]]), absent)
        assert not ruined.any() and back.tolist() == [[step == clearing.ABSENT, False]]
    assert absent.tolist() == [[0, 0]]


def test_more_leverage_makes_more_defaults_and_fatter_tails():
    out = clearing.simulate([1.0, 10.0], [1, 1], 4000)
    low, high = (books.statistics(out.prices[:, k]) for k in range(2))
    assert out.defaults[0] == 0 and out.defaults[1] > 10
    assert low["excess_kurtosis"] < high["excess_kurtosis"] and low["acf_absolute"] < high["acf_absolute"]
    assert low["sd"] > high["sd"] and low["hill_falls"] > high["hill_falls"]


# --- the same funds in the books
# ----------------------------------------------------------------------------------------------------------------------


class Seller(TradingAgent):
    """Sells a share of all coins at each given time."""

    def __init__(self, market, sales):
        super().__init__(market, cash_usd=50.0 * books.CAP_USD, latency_s=books.BEHIND_QUOTES_S)
        self.sales = list(sales)
        self.wake_at(self.sales[0][0])

    def act(self):
        _, share = self.sales.pop(0)
        books.trade(self, -share * books.COINS, 0.5 * books.VALUE_USD)
        if self.sales:
            self.wake_at(self.sales[0][0])


def one_fund(sales, max_leverage=5.0, steps=8, **rules):
    market = books.thin_market(steps).market(1)
    market.audit = True
    Seller(market, sales)
    return market, books.ValueFund(market, 50.0, books.FundRules(max_leverage, **rules), books.FIRST_FUND_S)


def test_the_makers_price_moves_by_what_is_sold():
    market = books.thin_market(2).market(1)
    seller = Seller(market, [(2.0, 0.05)])
    market.run_until(10.0)
    dollars = sum(fill.coins * fill.price for fill in seller.fills())
    moved = np.log(market.view().mid() / books.VALUE_USD)
    assert moved == pytest.approx(-dollars / books.CAP_USD, rel=0.01)


def test_a_fund_holds_what_it_wants_at_the_price_its_own_trade_leaves():
    market, fund = one_fund([(2.0, 0.05)], max_leverage=100.0)
    market.run_until(books.FIRST_FUND_S + 2.0)
    seen = fund.look()
    assert seen.price < books.VALUE_USD
    assert seen.leverage == pytest.approx(50.0 * (1.0 - seen.price / books.VALUE_USD), rel=0.01)
    assert not fund.refusals()


def test_a_margin_call_is_an_order_and_ends_at_the_limit():
    sales = [(2.0, 0.12), (books.STEP_S + 2.0, 0.03)]
    market, fund = one_fund(sales)
    market.run_until(books.STEP_S)
    assert fund.look().leverage == pytest.approx(5.0, rel=0.02) and fund.margin_calls == 0
    market.run_until(books.STEP_S + 6.0)
    called = fund.look()
    assert called.leverage > 5.1
    market.run_until(books.STEP_S + books.FIRST_FUND_S + 8.0)
    done = fund.look()
    assert fund.margin_calls == 1 and not fund.is_called
    assert done.leverage <= 5.0 and done.held < called.held and done.price < called.price
    assert done.price * market.state.books.positions[0, fund.owner] * market.lot_coin <= 5.0 * (
        fund.equity_usd + done.held * (done.price - market.view().mark)
    )


def test_a_fund_without_wealth_leaves_and_comes_back():
    sales = [(2.0, 0.12), (books.STEP_S + 2.0, 0.25)]
    market, fund = one_fund(sales, absent_steps=3)
    market.run_until(2.0 * books.STEP_S)
    assert fund.defaults == 1 and fund.position_coins == 0.0
    assert fund.equity_usd == pytest.approx(0.0, abs=0.01)
    back_s = 4.0 * books.STEP_S + books.FIRST_FUND_S  # ruined in its second step, away for three
    market.run_until(back_s - 1.0)
    assert fund.equity_usd == pytest.approx(0.0, abs=0.01)
    market.run_until(back_s + 1.0)
    assert fund.equity_usd == pytest.approx(books.START_USD, rel=1e-6)
    market.run_until(back_s + books.STEP_S + 2.0)
    assert fund.position_coins > 0.0 and fund.defaults == 1  # the price is far below value: it buys again


def test_no_call_ends_above_the_limit_and_the_books_stay_conserved(monkeypatch):
    """Every tick is checked for conservation, exactly; every call that ends is looked at."""
    ended: list[tuple[float, float]] = []
    act = books.ValueFund.act

    def looked(fund):
        was_called = fund.is_called
        seen = fund.look()
        act(fund)
        if was_called and not fund.is_called and not fund.is_closing:
            ended.append((seen.leverage, fund.rules.max_leverage))

    monkeypatch.setattr(books.ValueFund, "act", looked)
    out = books.simulate(2.0, 120, seed=3, audit=True)
    assert len(ended) > 5 and all(leverage <= limit for leverage, limit in ended)
    assert out.prices.size == 121 and np.isfinite(out.prices).all()
    assert not [refusal for fund in out.funds for refusal in fund.refusals()]


def test_noise_alone_is_the_path_it_aims_at():
    out = books.simulate(0.0, 150, seed=1)
    noise = next(agent for agent in out.market.agents if isinstance(agent, books.NoiseTraders))
    assert not out.funds and out.defaults == 0
    assert np.log(out.prices[-1] / books.VALUE_USD) == pytest.approx(noise.from_x, abs=0.01)
    assert abs(noise.from_x) > 0.05


def test_a_market_with_funds_is_saved_and_goes_on(tmp_path):
    out = books.simulate(5.0, 20, seed=2)
    path = sim.SavedState.of(out.market).save(tmp_path / "funds.npz")
    again = sim.load_state(path).fork(agents=[books.ValueFund, books.NoiseTraders]).market()
    for market in (out.market, again):
        market.run_until(out.market.spec.duration)
    assert again.state_hash() == out.market.state_hash()
    funds = [agent for agent in again.agents if isinstance(agent, books.ValueFund)]
    assert [fund.state() for fund in funds] == [fund.state() for fund in out.funds]


# --- a leveraged position on its way out
# ----------------------------------------------------------------------------------------------------------------------


def test_leverage_rises_on_the_way_out_of_a_large_position_and_not_of_a_small_one():
    large, small = (leaving.leave(leaving.CASES[name]) for name in ("I = 10 %", "I = 2 %"))
    for out in (large, small):
        assert out.leverage[0] == pytest.approx(9.0, abs=0.1) and out.falls[0] == 0.0 and out.leverage[-1] == 0.0
    assert large.leverage[1] > 10.0 > 9.0 > small.leverage[1]
    assert small.leverage == sorted(small.leverage, reverse=True)
    assert 0.05 < large.cost < 0.1 and 0.005 < small.cost < 0.02


def test_the_law_of_the_cases():
    assert [case.law for case in leaving.CASES.values()] == pytest.approx([0.1, 0.02, 0.9 * 0.0188 * 0.1**0.5])


# --- the experiment
# ----------------------------------------------------------------------------------------------------------------------


def paths(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return [{"prices": np.exp(np.cumsum(scale * rng.standard_normal(400))), "defaults": float(k)} for k in range(8)]


def test_statistics_are_those_of_all_seeds_together():
    value, parts = experiment.pooled(paths(1))
    moves = np.concatenate([np.diff(np.log(path["prices"])) for path in paths(1)])
    assert value["sd"] == pytest.approx(moves.std()) and value["defaults"] == 3.5
    assert parts["defaults"] == pytest.approx(np.arange(8.0))  # of a mean they are the values themselves
    assert np.isfinite(parts["hill_falls"]).all()


def test_rows_count_the_seeds_that_moved_as_expected(capsys):
    rows = experiment.rows_of("books", (0.0, 1.0, 2.0), [paths(1), paths(1), paths(1, 2.0)], 400)
    assert "sd_as_expected" not in rows[0] and "sd_as_expected" not in rows[1]
    assert (rows[2]["sd_as_expected"], rows[2]["sd_against"]) == (0, 8)  # it doubled and should fall
    assert (rows[2]["defaults_as_expected"], rows[2]["defaults_against"]) == (0, 0)
    assert rows[0]["sd_low"] < rows[0]["sd"] < rows[0]["sd_high"] and "books" in capsys.readouterr().out
    assert (
        rows[0]["defaults_median"] == 3.0 and rows[0]["largest_fall_of_4_pct"] > rows[0]["largest_fall_of_1_pct"] > 80.0
    )


@pytest.mark.parametrize(
    ("name", "make"),
    [("leveraged_funds", fund_figures.leverage_figure), ("critical_leverage", fund_figures.path_figure)],
)
def test_figures_draw_what_is_published(name, make):
    found = read_published(experiment.OUT / f"{name}.csv")
    figure = make(found)
    assert all(axes.lines for axes in figure.axes)
    assert "--seeds" in figure.get_supxlabel()
