"""Estimators over listings, on small tables worked by hand."""

from math import isnan

import numpy as np
import pandas as pd
import pytest

from sim.metrics import cross, cross_forced, event
from sim.metrics.listings import HEADLINE_UTC, Listed, chosen, path_of, summed
from sim.targets import targets

TIME_S = np.arange(-1800.0, 11401.0, 10.0)
CRASH = event.window_of("20:50-21:30")
IN_CRASH = (TIME_S > 0) & (TIME_S <= 41 * 60)
NO_EVENTS = pd.DataFrame(columns=["time_utc", "elapsed_s", "kind", "account", "quantity_btc", "price_usd"])


def series(**columns: object) -> pd.DataFrame:
    """Rows each ten seconds from 20:20 to 24:00; a scalar fills its column."""
    time_utc = HEADLINE_UTC + pd.to_timedelta(TIME_S, unit="s")
    table = {"time_utc": time_utc, "elapsed_s": TIME_S + 1800.0}
    return pd.DataFrame(table | {name: np.full(TIME_S.size, value) for name, value in columns.items()})


def dip(before: float, low: float, at_min: float = 30.0) -> np.ndarray:
    """A price that stands before and after, and has its low in one row."""
    return np.where(TIME_S == at_min * 60.0, low, before)


def spot(asset: str, venue: str, low: float, before: float = 100.0, **columns: object) -> Listed:
    path = dip(before, low)
    return Listed(asset, venue, series(spot_last_usd=path, spot_mid_usd=path, **columns), NO_EVENTS, ("spot",))


def perp(asset: str, venue: str, low: float = 100.0, events: pd.DataFrame = NO_EVENTS, **columns: object) -> Listed:
    path = dip(100.0, low)
    return Listed(
        asset, venue, series(perp_last_usd=path, perp_mid_usd=path, mark_usd=100.0, **columns), events, ("perp",)
    )


def happened(kind: str, *rows: tuple[float, int, float, float]) -> pd.DataFrame:
    """Events of one kind: second from 20:50, account, coins, price."""
    at, account, coins, usd = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "time_utc": HEADLINE_UTC + pd.to_timedelta(at, unit="s"),
            "elapsed_s": np.array(at) + 1800.0,
            "kind": kind,
            "account": account,
            "quantity_btc": coins,
            "price_usd": usd,
        }
    )


def test_falls_and_gaps_by_asset_and_venue():
    """ETH 100 to 85; altcoins on cex_us to 80, 70, 40 (median -30 %), coin-margined to 20 and 10 (median -85 %)."""
    listings = {
        "a": spot("eth", "cex_a", 85.0), "b": spot("eth", "cex_us", 60.0),
        "c": spot("x", "cex_us", 80.0), "d": spot("y", "cex_us", 70.0), "e": spot("z", "cex_us", 40.0),
        "f": perp("x", "cex_a_coin", 20.0), "g": perp("y", "cex_a_coin", 10.0), "h": perp("btc", "cex_a_coin", 1.0),
        "i": spot("btc", "cex_a", 95.0), "j": spot("btc", "cex_us", 100.0), "k": spot("usde", "cex_a", 0.65, 1.0),
        "l": spot("lst", "cex_a", 12.0), "m": spot("usdt", "cex_us", 0.5, 1.0),
    }  # fmt: skip
    assert cross.eth_drop(listings) == pytest.approx(-0.15)
    assert cross.alt_drop_us(listings) == pytest.approx(-0.30)
    assert cross.alt_drop_coin(listings) == pytest.approx(-0.85)
    assert cross.alt_low_gap(listings) == pytest.approx((20 / 80 + 10 / 70) / 2)
    assert cross.btc_low_gap(listings) == pytest.approx(-0.05)
    assert cross.usde_low(listings) == pytest.approx(0.65) and cross.lst_drop(listings) == pytest.approx(-0.88)
    table = cross.falls(listings).set_index("listing")
    assert table.loc["e", "low_usd"] == pytest.approx(40.0) and table.loc["e", "low_after_min"] == 30.0
    assert [one.asset for one in chosen(listings, "spot", venue="cex_us", alts=True)] == ["x", "y", "z"]


def test_a_low_before_the_headline_or_after_midnight_does_not_count():
    table = series(spot_last_usd=dip(100.0, 1.0, at_min=-5.0))
    assert cross.eth_drop({"a": Listed("eth", "cex_a", table, NO_EVENTS)}) == 0.0


def test_missing_listings_and_columns_are_not_a_number():
    for name, estimator in cross.ESTIMATORS.items():
        assert isnan(estimator({})), name
        bare = Listed("btc", "cex_a", series(), NO_EVENTS)
        assert isnan(estimator({"a": bare})), name
    for name, windowed in cross.WINDOWED.items():
        assert isnan(windowed({}, CRASH)), name
        assert isnan(windowed({"a": Listed("btc", "cex_a", series(), NO_EVENTS)}, CRASH)), name


def test_impact_and_volume_of_altcoins_over_the_half_hour_before():
    """A log mid moves by 1e-6 a net dollar before and k x 1e-6 after, dollars rise m-fold: medians of k and m."""

    def coin(k: float, m: float, book: str) -> dict[str, object]:
        minute = np.ceil(TIME_S / 60.0)
        last = TIME_S == 60.0 * minute
        net_usd = np.where(last, np.where(minute % 3 == 0, 2000.0, -1000.0), 0.0)
        mid = 100.0 * np.exp(np.cumsum(net_usd * np.where(minute <= 0, 1e-6, k * 1e-6)))
        both = (np.where(IN_CRASH, m, 1.0) * 5000.0 - np.abs(net_usd) / 2.0) / mid  # so that a row is 10,000 x m USD
        return {
            f"{book}_taker_buy_btc": both + np.where(net_usd > 0, net_usd / mid, 0.0),
            f"{book}_taker_sell_btc": both + np.where(net_usd < 0, -net_usd / mid, 0.0),
            f"{book}_mid_usd": mid, f"{book}_last_usd": mid,
        }  # fmt: skip

    listings = {
        f"u{k}": Listed("x", "cex_us", series(**coin(k, 5.0 * k, "spot")), NO_EVENTS, ("spot",))
        for k in (2.0, 3.0, 7.0)
    }
    listings |= {
        f"c{k}": Listed("x", "cex_a_coin", series(**coin(k, k, "perp")), NO_EVENTS, ("perp",)) for k in (4.0, 6.0)
    }
    assert cross.alt_impact_us(listings, CRASH) == pytest.approx(3.0)
    assert cross.alt_impact_coin(listings, CRASH) == pytest.approx(5.0)
    assert cross.alt_volume_us(listings, CRASH) == pytest.approx(15.0)
    assert cross.alt_volume_coin(listings, CRASH) == pytest.approx(5.0)


def test_perp_over_spot_volume_counts_dollars_and_leaves_the_chain_out():
    """Perps 3 coins at 100 and 5 at 100 a row, spot 2 at 80: 800 over 160."""
    window = event.window_of("21:09-21:59")
    listings = {
        "a": perp("btc", "cex_a", perp_taker_buy_btc=2.0, perp_taker_sell_btc=1.0),
        "b": perp("x", "cex_b", perp_taker_buy_btc=5.0, perp_taker_sell_btc=0.0),
        "c": spot("x", "cex_us", 80.0, 80.0, spot_taker_buy_btc=1.0, spot_taker_sell_btc=1.0),
        "d": perp("btc", "dex_a", perp_taker_buy_btc=900.0, perp_taker_sell_btc=0.0),
    }
    assert cross.perp_over_spot_all(listings, window) == pytest.approx(5.0)


def test_perp_discount_is_the_median_over_markets_of_minute_lows():
    """Minute 29: perps 2, 4 and 30 % under spot, median 4; minute 32: two even, one 50 % under, median 0."""

    def pair(early: float, late: float) -> Listed:
        path = np.where(TIME_S == 29 * 60.0, 100.0 - early, np.where(TIME_S == 32 * 60.0, 100.0 - late, 100.0))
        return Listed("x", "cex_a", series(perp_last_usd=path, spot_last_usd=100.0), NO_EVENTS)

    listings = {"a": pair(2.0, 0.0), "b": pair(4.0, 0.0), "c": pair(30.0, 50.0)}
    window = event.window_of("21:11-21:30")
    assert cross.perp_discount(listings, window) == pytest.approx(-0.04)
    assert cross.perp_discount({"c": listings["c"]}, window) == pytest.approx(-0.50)


def test_depth_fall_and_imbalance_within_one_per_cent():
    """60 + 40 before; 3 + 7 in one row of the crash: -90 %, and an imbalance of -0.4 in it, +0.2 else."""
    one = TIME_S == 25 * 60.0
    depth = {"depth_bid_1pct_usd": np.where(one, 3.0, 60.0), "depth_ask_1pct_usd": np.where(one, 7.0, 40.0)}
    listings = {"a": perp("btc", "cex_a", **depth)}
    assert cross.touch_depth_fall(listings, CRASH) == pytest.approx(-0.90)
    rows = 41 * 6
    assert cross.book_imbalance(listings, CRASH) == pytest.approx((0.2 * (rows - 1) - 0.4) / rows)


def test_minute_sd_ratio_of_each_book():
    """Log price swings by 0.1 % a minute before and 0.5 % after: five times."""
    swing = np.where(np.ceil(TIME_S / 60.0) % 2 == 1, 1.0, 0.0)
    size = np.where(TIME_S <= 0, 0.001, 0.005)
    table = cross.minute_sd_ratios(
        {"a": Listed("x", "cex_us", series(spot_last_usd=np.exp(size * swing)), NO_EVENTS, ("spot",))}, CRASH
    )
    assert table["ratio"].tolist() == [pytest.approx(5.0, rel=1e-3)] and table["before_frac"][0] == pytest.approx(0.001)


def test_liquidations_of_all_venues_add_up():
    """Before 1 + 1 dollars a row, in the crash 20 (longs) + 4; nothing else. Rows: 180 before, 246 in the crash."""
    before, crash = (TIME_S <= 0) & (TIME_S > -1800.0), IN_CRASH
    listings = {
        "a": perp("btc", "cex_a", forced_sell_usd=before + 20.0 * crash, forced_buy_usd=0.0),
        "b": perp("x", "dex_a", forced_sell_usd=before * 1.0, forced_buy_usd=4.0 * crash),
        "c": spot("btc", "cex_us", 90.0),
    }
    whole = 2.0 * 180 + 24.0 * 246
    assert cross_forced.all_forced_share_within(listings, CRASH) == pytest.approx(24.0 * 246 / whole)
    assert cross_forced.all_forced_rate_over_before(listings, CRASH) == pytest.approx(12.0)
    assert cross_forced.all_forced_peak_minute(listings) == pytest.approx(24.0 * 6 / whole)
    assert cross_forced.all_long_share(listings) == pytest.approx((360.0 + 20.0 * 246) / whole)


def test_open_interest_in_dollars_in_coins_and_by_contract():
    """BTC 300 to 240 and 100 to 80 coins, an altcoin on dex_a 500 to 200, all at 100 USD; CME's coins do not move."""
    late = TIME_S > 20 * 60.0

    def held(before: float, after: float, low: float | None = None) -> dict[str, object]:
        path = np.where(late, after, before)
        return {"open_interest_btc": path if low is None else np.where(TIME_S == 1800.0, low, path)}

    once = np.where(TIME_S == 60.0, 1.0, 0.0)
    listings = {
        "a": perp("btc", "cex_a", **held(300.0, 240.0), forced_sell_btc=15.0 * once, forced_buy_btc=0.0),
        "b": perp("btc", "cex_a_coin", **held(100.0, 80.0, 70.0), forced_sell_btc=0.0, forced_buy_btc=5.0 * once),
        "c": perp("x", "dex_a", **held(500.0, 200.0)), "d": perp("x", "cex_a_coin", **held(10.0, 3.0)),
        "e": perp("y", "cex_a_coin", **held(10.0, 1.0)), "f": perp("eth", "cex_a_coin", **held(10.0, 2.0)),
    }  # fmt: skip
    assert cross_forced.interest_change_all(listings) == pytest.approx((240 + 80 + 200 + 3 + 1 + 2) / 930 - 1)
    assert cross_forced.interest_change_chain(listings) == pytest.approx(-0.6)
    assert cross_forced.btc_interest_change_a(listings) == pytest.approx(-0.2)
    assert cross_forced.btc_interest_change_all(listings) == pytest.approx(-80.0 / 145_400.0)
    assert cross_forced.btc_forced_over_interest_fall(listings) == pytest.approx(20.0 / 80.0)
    falls = {asset: cross.ESTIMATORS[f"coin_interest_fall_{asset}"](listings) for asset in ("btc", "eth", "sol", "alt")}
    assert falls["btc"] == pytest.approx(-0.3) and falls["eth"] == pytest.approx(-0.8)
    assert falls["alt"] == pytest.approx(-0.8) and isnan(falls["sol"])
    # btc before eth, x and y: three right; eth (-0.8) before x (-0.7) wrong, before y (-0.9) right
    assert cross_forced.coin_interest_order(listings) == pytest.approx(4 / 5)


def test_deleveraging_of_the_chain():
    """400 coins at 100 USD in two listings of 5,000 coins; 300 more go through the books."""
    listings = {
        "a": perp("btc", "dex_a", open_interest_btc=4000.0, forced_sell_usd=np.where(TIME_S == 60.0, 30_000.0, 0.0),
                  forced_buy_usd=0.0, fund_usd=np.where(TIME_S > 600.0, 70.0, 50.0),
                  adl_btc=np.where(TIME_S == 120.0, 300.0, np.where(TIME_S == 360.0, 60.0, 0.0))),
        "b": perp("x", "dex_a", open_interest_btc=1000.0, forced_sell_usd=0.0, forced_buy_usd=0.0, fund_usd=5.0,
                  adl_btc=np.where(TIME_S == 480.0, 40.0, 0.0)),
        "c": perp("btc", "cex_a", open_interest_btc=9e9, adl_btc=7.0, forced_sell_usd=1.0, forced_buy_usd=0.0,
                  fund_usd=np.where(TIME_S > 600.0, 80.0, 100.0)),
    }  # fmt: skip
    assert cross_forced.adl_over_interest(listings) == pytest.approx(400.0 / 5000.0)
    assert cross_forced.adl_share_of_forced(listings) == pytest.approx(4.0 / 7.0)
    assert cross_forced.adl_delay_s(listings) == 60.0
    assert cross_forced.adl_minutes_to_90(listings) == pytest.approx(4.0)  # 300 + 60 of 400 at 360 s
    assert cross_forced.vault_result_usd(listings) == pytest.approx(20.0)
    assert cross_forced.fund_change_a(listings) == pytest.approx(-0.2)


def test_concentration_of_the_deleveraged_by_account_and_by_owner():
    """Twelve accounts of 100 USD a coin: one of 50 coins, eleven of 1; an owner across listings counts once."""
    rows = [(60.0, 0, 30.0, 100.0), (70.0, 0, 20.0, 100.0), *((80.0, k, 1.0, 100.0) for k in range(1, 12))]
    too_early = happened("adl", (-5.0, 0, 999.0, 100.0))
    events = pd.concat([too_early, happened("adl", *rows), happened("forced_order", (60.0, 0, 500.0, 100.0))])
    one = {"a": perp("btc", "dex_a", events=events)}
    assert cross.ESTIMATORS["adl_top_10_share"](one) == pytest.approx(59.0 / 61.0)
    both = one | {"b": perp("x", "dex_a", events=happened("adl", (60.0, 0, 10.0, 100.0)))}
    assert cross_forced.adl_by_owner(both).iloc[:2].tolist() == [5000.0, 1000.0]
    both = {name: listed._replace(events=listed.events.assign(owner=7)) for name, listed in both.items()}
    assert cross_forced.adl_by_owner(both).tolist() == [7100.0]


def test_a_feed_that_shows_one_a_second_is_a_floor():
    """Second 61 holds 3 orders, of which the last is shown; each symbol has its own second. Sales are below 0."""
    orders = happened(
        "forced_order", (60.2, 1, -5.0, 100.0), (60.7, 2, -3.0, 100.0), (61.0, 3, 1.0, 100.0), (61.5, 4, 2.0, 100.0)
    )
    listings = {
        "a": perp("btc", "cex_a", events=orders), "b": perp("x", "cex_a", events=orders),
        "c": perp("btc", "cex_b", events=happened("forced_order", (60.2, 1, 7.0, 100.0))),
        "d": perp("btc", "dex_a", events=happened("forced_order", (60.2, 1, 8.0, 100.0))),
    }  # fmt: skip
    table = cross_forced.forced_by_listing(listings).set_index("listing")
    assert table.loc["a", ["orders", "usd", "shown_orders", "shown_usd"]].tolist() == [4, 1100.0, 2, 300.0]
    assert table.loc["a", "shown_share_frac"] == pytest.approx(3.0 / 11.0)
    assert cross_forced.shown_venue_order(listings) == 1.0  # 800 over 700 over 2 x 300, though 2,200 were liquidated
    more = happened("forced_order", (60.2, 1, 9.0, 100.0))
    assert cross_forced.shown_venue_order(listings | {"c": perp("btc", "cex_b", events=more)}) == 0.5


def test_sums_keep_the_times_of_all_and_paths_swap_the_book():
    short = perp("x", "cex_b", open_interest_btc=1.0)
    short = short._replace(series=short.series.iloc[:10])
    path = summed([perp("btc", "cex_a", open_interest_btc=2.0), short])
    assert path.columns["open_interest_btc"][[0, 9, 10]].tolist() == [300.0, 300.0, 200.0]
    both = Listed("x", "cex_a", series(perp_mid_usd=1.0, spot_mid_usd=2.0, spot_last_usd=3.0), NO_EVENTS)
    assert path_of(both, "spot").columns["perp_mid_usd"][0] == 2.0 and path_of(both, "spot").mark_usd[0] == 3.0
    assert path_of(both, "perp").columns["perp_mid_usd"][0] == 1.0


def test_rows_over_listings_are_measured_in_their_unit():
    rows = {row.estimator: row for row in targets() if row.scope == "network"}
    listings = {"a": spot("eth", "cex_a", 85.0), "b": perp("btc", "dex_a", fund_usd=np.where(TIME_S > 0, 5e6, 1e6))}
    assert cross.measure(rows["eth_drop"], listings) == pytest.approx(-15.0)
    assert cross.measure(rows["vault_result_usd"], listings) == pytest.approx(4.0)
    alone = next(row for row in targets() if row.estimator == "drop")
    assert isnan(cross.measure(alone, listings)) and rows["eth_drop"].why_not.startswith("one market")
