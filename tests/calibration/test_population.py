"""The leveraged population: exact sums, nobody liquidatable at the start, stated marginals, and its Lambda."""

from typing import Any

import numpy as np
import pytest

from calibration.population_table import FALLS, SEEDS, lambda_by_seed, lambda_table
from calibration.tables import DERIVED
from sim.errors import ScenarioError
from sim.population import draw_population, sizes
from sim.settings.leveraged import LeveragedSettings
from sim.thresholds import liquidation_share, liquidation_ticks, tier_table
from sim.venues.profile import load_profile

TIERS = load_profile("cex_a").margin_tiers
OI, MARK, UNIT = 130_000_000, 1_167_200, 100  # lots, ticks, micro-dollars a tick and lot: the thin BTC market
LOT_USD = MARK * UNIT / 1e6


def draw(seed: int = 1, oi: int = OI, **settings: Any) -> np.ndarray:
    return draw_population(LeveragedSettings(**settings), TIERS, oi, MARK, seed, unit_micro=UNIT)


def required_micro(notional_usd: float) -> float:
    """Maintenance by the brackets, slowly: each slice of the notional at the rate of its tier."""
    total, lower = 0.0, 0.0
    for tier in TIERS:
        upper = min(notional_usd, tier.up_to)
        total += max(0.0, upper - lower) * tier.maintenance
        lower = tier.up_to
    return total * 1e6


def marginal_required_usd(notional: float) -> float:
    return required_micro(notional) / 1e6


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_lots_add_up_exactly(seed):
    rows = draw(seed)
    longs, funds = rows["side"] > 0, rows["fund"]
    retail = ~longs & ~funds
    assert rows["lots"][longs].sum() == OI
    assert rows["lots"][retail].sum() == round(0.38 * OI)
    assert rows["lots"][funds].sum() == round(0.17 * OI)
    assert (longs.sum(), retail.sum(), funds.sum()) == (20_000, 7_600, 3_400)
    assert rows["lots"].min() >= 1
    assert rows["lots"].max() * LOT_USD <= 300e6


def test_the_same_seed_draws_the_same_accounts_and_another_seed_others():
    assert np.array_equal(draw(7), draw(7))
    assert not np.array_equal(draw(7)["lots"], draw(8)["lots"])


def test_equity_is_notional_over_leverage_and_nobody_is_liquidatable_at_the_start():
    rows = draw(3)
    gain = rows["side"] * rows["lots"] * (MARK - rows["entry_ticks"]) * UNIT
    equity = rows["margin_micro"] + gain
    notional = rows["lots"] * MARK * UNIT
    assert np.allclose(equity, notional / rows["leverage"], rtol=1e-9, atol=1.0)
    required = np.array([required_micro(n / 1e6) for n in notional])
    assert (equity > required).all()


def test_every_account_could_have_been_opened_at_its_entry():
    rows = draw(4)
    table = tier_table(TIERS)
    opened_usd = rows["lots"] * rows["entry_ticks"] * UNIT / 1e6
    limit = table.max_leverage[table.row(opened_usd)]
    assert (rows["margin_micro"] > 0).all()
    assert (rows["margin_micro"] * limit >= opened_usd * 1e6 * (1 - 1e-12)).all()
    assert (rows["leverage"] <= table.max_leverage[table.row(rows["lots"] * LOT_USD)]).all()


def test_funds_stand_between_their_two_leverages():
    funds = draw(5)
    funds = funds[funds["fund"]]
    assert (funds["side"] == -1).all()
    assert funds["leverage"].min() >= 1.0
    assert funds["leverage"].max() <= 3.0


def test_the_liquidation_price_is_where_equity_meets_the_requirement():
    rows = draw(6)[::371]
    at = liquidation_ticks(rows, TIERS, UNIT)
    reachable = at > 0
    assert reachable.sum() > 50
    for row, price in zip(rows[reachable], at[reachable], strict=True):
        equity = row["margin_micro"] + row["side"] * row["lots"] * (price - row["entry_ticks"]) * UNIT
        assert equity == pytest.approx(required_micro(row["lots"] * price * UNIT / 1e6), rel=1e-6, abs=10.0)
    assert (at[rows["side"] > 0] < MARK).all()
    assert (at[rows["side"] < 0] > MARK).all()


def test_a_textbook_long_is_liquidated_where_the_book_says():
    """10x long of 1 lot at the mark, first tier 0.4 %: P = e (1 - 1/10) / (1 - 0.004)."""
    row = draw(1, oi=1, accounts=10)[:1].copy()
    row["entry_ticks"], row["margin_micro"] = MARK, MARK * UNIT // 10
    assert liquidation_ticks(row, TIERS, UNIT)[0] == pytest.approx(MARK * 0.9 / 0.996, rel=1e-12)


def test_tiers_have_no_step_at_their_edges():
    table = tier_table(TIERS)
    for edge in table.up_to_usd:
        around = np.array([edge * (1 - 1e-9), edge, edge * (1 + 1e-9)])
        assert table.required_usd(around) == pytest.approx([marginal_required_usd(edge)] * 3, rel=1e-6)


def test_leverage_by_open_interest_follows_the_recorded_split():
    """0-3x 36 %, 3-7x 48.5 %, above 7x 15.5 % of open interest outside the high-leverage group (MODEL.md 4.3)."""
    shares = []
    for seed in range(1, 17):
        longs = draw(seed)
        longs = longs[(longs["side"] > 0) & ~longs["cex"]]
        weight = longs["lots"] / longs["lots"].sum()
        shares.append([weight[longs["leverage"] < 3].sum(), weight[longs["leverage"] >= 7].sum()])
    low, high = np.mean(shares, axis=0)
    assert low == pytest.approx(0.36, abs=0.05)
    assert high == pytest.approx(0.155, abs=0.05)  # the tiers' limit for large accounts takes some away


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(x, kind="stable"), kind="stable") for x in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def test_size_and_leverage_have_the_stated_rank_correlation():
    one_group = [draw(seed, cex_share=0.0) for seed in range(1, 5)]
    rank = np.mean([spearman(r["lots"][r["side"] > 0], r["leverage"][r["side"] > 0]) for r in one_group])
    assert rank == pytest.approx(-0.25, abs=0.01)
    mixture = [draw(seed) for seed in range(1, 5)]
    rank = np.mean([spearman(r["lots"][r["side"] > 0], r["leverage"][r["side"] > 0]) for r in mixture])
    assert rank == pytest.approx(-0.175, abs=0.015)  # diluted by a group that does not depend on size


def test_size_has_a_heavy_tail():
    """Mean over median near 140 (MODEL.md 4.3: 140-226; the cap takes some), Hill exponent of the top 5 % near 0.7."""
    ratios, hills = [], []
    for seed in range(1, 9):
        lots = np.sort(draw(seed)["lots"][:20_000])[::-1].astype(float)
        ratios.append(lots.mean() / np.median(lots))
        hills.append(1.0 / np.log(lots[:1000] / lots[1000]).mean())
    assert np.mean(ratios) == pytest.approx(115, rel=0.15)
    assert np.mean(hills) == pytest.approx(0.7, abs=0.15)


def test_one_setting_leaves_the_draws_of_the_others_alone():
    base, other = draw(9), draw(9, entry_near_share="20%")
    assert np.array_equal(base["lots"], other["lots"])
    assert np.array_equal(base["leverage"], other["leverage"])
    assert not np.array_equal(base["entry_ticks"], other["entry_ticks"])


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"accounts": 10}, "raise the cap or leveraged.accounts"),
        ({"notional_cap": "$2bn"}, "last margin tier"),
        ({"entry_near_mean": "-90%", "entry_far_mean": "-90%"}, "found no entry price"),
    ],
)
def test_impossible_settings_are_refused_with_the_cure(settings, word):
    with pytest.raises(ScenarioError, match=word):
        draw(1, **settings)


@pytest.mark.parametrize(("sigma", "total", "cap"), [(0.0, 1000, 50), (3.2, 10_007, 400), (5.0, 2000, 20)])
def test_sizes_reach_their_sum_under_the_cap(sigma, total, cap):
    lots = sizes(np.random.default_rng(1).standard_normal(100), sigma, total, cap)
    assert lots.sum() == total
    assert lots.min() >= 1
    assert lots.max() <= cap


def test_lambda_counts_longs_only_and_grows_with_the_fall():
    share = liquidation_share(draw(1), TIERS, MARK, UNIT, np.linspace(0.0, 1.0, 11))
    assert share[0] == 0.0
    assert (np.diff(share) >= 0).all()
    assert share[-1] == 1.0


def test_the_committed_lambda_table_is_current():
    assert (DERIVED / "lambda_population.csv").read_text(encoding="utf-8") == lambda_table()


@pytest.mark.long
def test_lambda_agrees_with_the_table_on_fresh_seeds():
    """Within 10 % of the table's mean (DECISIONS 18); within 1 % of the mark only 0.06 % of open interest stands."""
    first = lambda_by_seed(SEEDS).mean(0)
    fresh = lambda_by_seed(range(1001, 1129)).mean(0)
    assert fresh[FALLS > 0.015] == pytest.approx(first[FALLS > 0.015], rel=0.10)


def test_isolated_accounts_hold_cash_beside_their_position_and_others_do_not():
    rows = draw(accounts=20_000)
    crowd = rows[~rows["fund"]]
    assert abs(crowd["isolated"].mean() - 0.55) < 0.01
    assert not rows["isolated"][rows["fund"]].any()
    assert (rows["free_micro"][~rows["isolated"]] == 0).all()
    isolated = rows[rows["isolated"]]
    ratio = isolated["free_micro"] / isolated["margin_micro"]
    assert abs(np.median(ratio) - 1.0) < 0.05
    assert abs(np.log(ratio[ratio > 0]).std() - 1.0) < 0.05


def test_modes_shift_no_other_draw():
    some, none = draw(), draw(isolated_share=0.0)
    assert (none["free_micro"] == 0).all()
    for name in ("side", "lots", "entry_ticks", "margin_micro", "leverage", "cex", "fund"):
        assert (some[name] == none[name]).all()
