"""Many assets as one market: definitions against hand computations, the scenario, the command, and bad input."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import sim
from sim.cli.app import app
from sim.errors import ResultError
from sim.metrics import assets as metrics
from sim.metrics.listings import Listed
from sim.report.assets import COLUMNS, assets, save
from sim.scenario.load import load_spec

HOUR = pd.Timedelta(hours=1)
NAMES = ["btc", "eth", "sol", "alt_deep", "alt_thin", "alt_private"]


def listing(asset: str, price: np.ndarray, depth: float | np.ndarray = 1.0) -> Listed:
    """Rows of an hour from 12 October 2025."""
    time = pd.date_range("2025-10-12", periods=len(price), freq="1h", tz="UTC")
    series = {"time_utc": time, "mark_usd": price, "depth_bid_1pct_usd": depth, "depth_ask_1pct_usd": depth}
    return Listed(asset, "cex_a", pd.DataFrame(series), pd.DataFrame(), ("perp",))


def planted(n: int = 20_000, rho: float = 0.6) -> np.ndarray:
    """Prices of two coins whose returns have a correlation of rho and a beta of 2 rho, and of one that has none."""
    a, b, c = np.random.default_rng(5).standard_normal((3, n))
    moves = np.column_stack([a, 2.0 * (rho * a + math.sqrt(1.0 - rho * rho) * b), 3.0 * c])
    return 100.0 * np.exp(1e-3 * np.vstack([np.zeros(3), np.cumsum(moves, axis=0)]))


def test_total_value_leaves_out_what_has_no_coins():
    prices = np.array([[10.0, 2.0, 7.0], [11.0, 1.0, np.nan]])
    assert metrics.total_value(prices, np.array([3.0, 5.0, np.nan])).tolist() == [40.0, 38.0]
    assert np.isnan(metrics.total_value(prices, np.full(3, np.nan))).all()
    assert np.isnan(metrics.total_value(prices, np.array([1.0, 1.0, 1.0]))[1])


def test_dispersion_is_the_deviation_of_the_returns_of_a_window():
    prices = np.array([[10.0, 10.0, 10.0], [99.0, 1.0, 5.0], [11.0, 9.0, 10.0]])
    assert metrics.dispersion(prices) == pytest.approx(math.sqrt((0.01 + 0.01 + 0.0) / 3))
    assert math.isnan(metrics.dispersion(prices[:, :1]))
    assert math.isnan(metrics.dispersion(prices[:1]))
    prices[0, 2] = 0.0
    assert metrics.dispersion(prices) == pytest.approx(0.1)


def test_correlation_and_beta_by_hand():
    x, y = np.array([1.0, 2.0, 4.0, np.nan]), np.array([1.0, 3.0, 2.0, 9.0])
    # deviations -4/3, -1/3, 5/3 and -1, 1, 0
    assert metrics.pair_correlation(x, y) == pytest.approx(1.0 / math.sqrt(42 / 9 * 2))
    assert metrics.beta(y, x) == pytest.approx(1.0 / (42 / 9))
    assert math.isnan(metrics.beta(y[:2], x[:2]))
    assert math.isnan(metrics.pair_correlation(x, np.ones(4)))
    assert math.isnan(metrics.beta(y, np.ones(4)))


def test_a_planted_correlation_is_found_and_an_outlier_lowers_the_mean():
    prices = planted()
    matrix = metrics.correlation(metrics.log_returns(prices))
    error = (1 - 0.36) / math.sqrt(20_000)
    assert matrix[0, 1] == pytest.approx(0.6, abs=4 * error)
    assert matrix[0, 1] == pytest.approx(np.corrcoef(metrics.log_returns(prices).T)[0, 1])
    assert metrics.mean_pairwise(matrix) == pytest.approx((matrix[0, 1] + matrix[0, 2] + matrix[1, 2]) / 3)
    assert metrics.mean_pairwise(matrix) < metrics.mean_pairwise(matrix[:2, :2]) - 0.3


def test_rolling_uses_the_last_returns_alone():
    prices = planted(40)
    mean, wide = metrics.rolling(prices, 10)
    assert np.isnan(mean[:10]).all()
    assert np.isfinite(mean[10:]).all()
    assert mean[25] == pytest.approx(metrics.mean_pairwise(np.corrcoef(metrics.log_returns(prices[15:26]).T)))
    assert wide[25] == pytest.approx(np.std(prices[25] / prices[15] - 1.0))


def test_windows_are_the_first_three_days_and_weeks():
    first = pd.Timestamp("2025-10-12", tz="UTC")
    spans = metrics.weeks_of(first, first + pd.Timedelta(days=11))
    assert [s.name for s in spans] == ["all", "first_days", "week_1", "week_2"]
    days = [((s.first - first).days, (s.last - first).days) for s in spans]
    assert days == [(0, 11), (0, 3), (3, 10), (10, 11)]


def test_measured_numbers_of_listings():
    n = 24 * 11 + 1
    price = planted(n - 1)
    half = np.where(np.arange(n) <= 72, 1e6, 5e5)
    mine = {"btc": listing("btc", price[:, 0]), "alt": listing("alt", price[:, 1], half)}
    closes = pd.date_range("2025-10-12 20:00", periods=10, freq="1D", tz="UTC")
    btc = metrics.prices_at(mine, closes)["btc"].to_numpy()
    factors = pd.DataFrame({"gold": np.concatenate([[0.0], np.diff(np.log(btc)) / 0.8])}, index=closes)
    table = metrics.measure(mine, {"btc": 3.0}, HOUR, factors, {"alt": 4e6}).table
    value = table.set_index(["window", "quantity", "asset", "other"])["value"]
    assert value["all", "total_value_end", "", ""] == pytest.approx(3.0 * price[-1, 0])
    assert value["week_1", "depth_of_start", "alt", ""] == pytest.approx((2e6 + 168 * 1e6) / 169 / 2e6)
    assert value["first_days", "depth_of_profile", "alt", ""] == pytest.approx(0.5)
    assert math.isnan(value["all", "depth_of_profile", "btc", ""])
    assert value["all", "beta", "btc", "btc"] == pytest.approx(1.0)
    assert value["all", "factor_beta", "btc", "gold"] == pytest.approx(0.8)
    assert value["all", "factor_correlation", "btc", "gold"] == pytest.approx(1.0)
    assert value["all", "correlation", "alt", "btc"] == value["all", "correlation", "btc", "alt"]


def test_the_scenario_has_an_outlier_and_a_cycle_and_the_altcoins_start_thinner():
    spec = load_spec("assets_six_weeks")
    assert [one.asset for one in spec.listings.values()] == NAMES
    assert all(spec.network.assets[name].coins for name in NAMES)
    cycle = [regime.betas.get("gold", 0.0) > regime.betas.get("nasdaq", 0.0) for regime in spec.macro.regimes]
    assert cycle == [True, False]
    day = spec.macro.path[3].date
    assert spec.macro.betas_on(day, "alt_private", 0.2) == {}
    assert spec.macro.betas_on(day, "eth", 1.3)["nasdaq"] == pytest.approx(1.3 * 1.07)
    shares = {name: one.market["bid_depth_share"] for name, one in spec.listings.items() if name != "btc_cex_a"}
    assert shares["alt_thin_cex_a"] == shares["alt_deep_cex_a"] == "52%"
    assert spec.market.bid_depth_share == 0.7


@pytest.fixture(scope="module")
def run():
    return sim.load("assets_six_weeks", duration="4h").run(seed=1, audit=True)


def test_a_short_run_holds_and_is_measured(run, tmp_path):
    found = assets(run, 900.0)
    assert found.names == {name: f"{name}_cex_a" for name in NAMES}
    coins = {name: run.spec.network.assets[name].coins for name in NAMES}
    start = sum(run.listings[f"{name}_cex_a"].series["mark_usd"].iloc[0] * coins[name] for name in NAMES)
    assert found.value("total_value_start") == pytest.approx(start)
    assert found.value("depth_of_start", "all", "btc") == pytest.approx(1.0)
    place = save(found, tmp_path / "out")
    table = pd.read_parquet(place / "assets.parquet")
    assert list(table.columns) == list(COLUMNS)
    assert (place / "assets.png").stat().st_size > 10_000
    assert len(pd.read_csv(place / "assets.csv")) == len(table)


def test_coins_that_are_not_set_are_said(run):
    spec = run.spec
    known = spec.network.assets | {"sol": spec.network.assets["sol"].model_copy(update={"coins": None})}
    without = spec.model_copy(update={"network": spec.network.model_copy(update={"assets": known})})
    found = assets(replace(run, spec=without), 900.0)
    assert any("network.assets.sol.coins" in said for said in found.said)
    assert "without sol" in found.figure().axes[1].get_title(loc="left")


def test_the_command_writes_table_and_figure(run, tmp_path):
    folder = Path(run.save(tmp_path / "run"))
    answer = CliRunner().invoke(app, ["assets", str(folder), "--width", "15min", "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    wanted = {"mean_correlation", "dispersion", "depth_of_start", "factor_beta"}
    assert {row["quantity"] for row in told["rows"]} >= wanted
    for end in ("parquet", "csv", "units.csv", "txt", "svg", "png"):
        assert (folder / "assets" / f"assets.{end}").is_file()
    plain = CliRunner().invoke(app, ["assets", str(folder), "--width", "15min"])
    assert "dispersion" in plain.output
    wrong = CliRunner().invoke(app, ["assets", str(folder), "--width", "soon"])
    assert wrong.exit_code == 2
    assert "--width: " in wrong.output


def test_bad_input_is_told_in_a_sentence(run):
    with pytest.raises(ResultError, match=r"give --width 300 or more"):
        assets(run, 60.0)
    with pytest.raises(ResultError, match=r"fewer than 3 returns"):
        assets(run, 3 * 3600.0)
    alone = sim.load("calm_btc", duration="2min").run(seed=1)
    with pytest.raises(ResultError, match=r"assets_six_weeks"):
        assets(alone)
