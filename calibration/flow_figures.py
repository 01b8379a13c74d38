"""Figures of traded flow on 10 October 2025: impact slope (F21, F22), volume (F23, F24), perp below spot (F45), R14."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from calibration.recordings import at, trade_bars, traded_volume
from calibration.tables import Figure
from sim.metrics.liquidity import kyle_lambda

BARS = "trades in bars of 1 min"
VOLUME = "traded volume by market, as far as its author's database reaches"
BASE, HALF_HOUR, CRASH = ("00:00", "14:50"), ("20:20", "20:49"), ("20:50", "21:30")
PHASES = (("15:00", "20:49"), CRASH, ("21:31", "22:30"), ("22:31", "23:59"))
SLIDE = (("20:50", "20:55"), ("20:56", "21:02"), ("21:03", "21:09"))
COINBASE, COIN_M, BINANCE_SPOT = "coinbase_spot", "binance_coinm_perp", "binance_spot"
CONTRACT_USD = 10.0  # a coin-margined contract of an altcoin
DRAWS, SEED = 2000, 21


def impact(data: Path) -> list[Figure]:
    """F21, F22: impact slope of a phase over that of the base, coin by coin; median over coins (MODEL R15).

    The slope is ``sim.metrics.liquidity.kyle_lambda`` on one-minute closes, the estimator of simulated bars. The
    interval of the median is a percentile bootstrap over coins.
    """
    out = []
    for row, venue, what in (("F21", COINBASE, "Coinbase altcoins"), ("F22", COIN_M, "Binance coin-M altcoins")):
        coins = list(_coins(data, venue))
        base = np.array([_slope(bars, *BASE) for _, bars in coins])
        for phase in PHASES:
            times = np.array([_slope(bars, *phase) for _, bars in coins]) / base
            name = f"impact slope {'-'.join(phase)} over 00:00-14:50, {len(coins)} {what}, median"
            out.append(Figure(row, name, f"{float(np.median(times)):.1f}", "x", BARS))
            if phase == CRASH:
                ends = (*np.quantile(times, (0.0, 1.0)), *_bootstrap(times))
                for part, value in zip(("least coin", "most coin", "95% low", "95% high"), ends, strict=True):
                    out.append(Figure(row, f"the same, {'-'.join(phase)}, {part}", f"{value:.1f}", "x", BARS))
        before = np.array([_slope(bars, *HALF_HOUR) for _, bars in coins])
        times = np.array([_slope(bars, *CRASH) for _, bars in coins]) / before
        name = f"impact slope {'-'.join(CRASH)} over {'-'.join(HALF_HOUR)}, {len(coins)} {what}, median"
        out.append(Figure(row, name, f"{float(np.median(times)):.1f}", "x", BARS))
    return out


def volume(data: Path) -> list[Figure]:
    """F23, F24: volume a minute in the crash over that of a base, median over coins; futures over spot volume."""
    out = []
    for venue, what in ((COINBASE, "Coinbase altcoins"), (COIN_M, "Binance coin-M altcoins")):
        traded = [_usd(bars) for _, bars in _coins(data, venue)]
        for base in (BASE, HALF_HOUR):
            clock = [_per_minute(usd, *CRASH) / _per_minute(usd, *base) for usd in traded]
            name = f"volume a minute {'-'.join(CRASH)} over {'-'.join(base)}, {len(traded)} {what}, median"
            out.append(Figure("F23", name, f"{float(np.median(clock)):.0f}", "x", BARS))
        held = [_within(usd, *CRASH).mean() / _within(usd, *BASE).mean() for usd in traded]
        name = f"the same over {'-'.join(BASE)}, minutes with a trade alone, {what}"
        out.append(Figure("F23", name, f"{float(np.median(held)):.0f}", "x", BARS))
    table = traded_volume(data)
    futures, spot = (1e-9 * float(table.loc[table["type"] == kind, "usd_volume"].sum()) for kind in ("futures", "spot"))
    out += [
        Figure("F24", "futures volume 21:09-22:00, all exchanges of the file", f"{futures:.1f}", "$bn", VOLUME),
        Figure("F24", "spot volume 21:09-22:00, all exchanges of the file", f"{spot:.1f}", "$bn", VOLUME),
        Figure("F24", "futures over spot volume 21:09-22:00", f"{futures / spot:.1f}", "x", VOLUME),
    ]
    return out


def altcoins_before_2110(data: Path) -> list[Figure]:
    """R14: was a slide of altcoins under way before BTC's second leg? Volume, sellers and impact before 21:10."""
    out = []
    for venue, what in ((COINBASE, "Coinbase altcoins"), (COIN_M, "Binance coin-M altcoins")):
        coins = [bars for _, bars in _coins(data, venue)]
        for phase in SLIDE:
            times = [_per_minute(_usd(bars), *phase) / _per_minute(_usd(bars), *HALF_HOUR) for bars in coins]
            name = f"volume a minute {'-'.join(phase)} over {'-'.join(HALF_HOUR)}, {len(coins)} {what}, median"
            out.append(Figure("R14", name, f"{float(np.median(times)):.0f}", "x", BARS))
        for phase in (("00:00", "14:56"), *SLIDE):
            sold = [_sold_share(bars, *phase) for bars in coins]
            name = f"taker sales over volume {'-'.join(phase)}, {what}, median"
            out.append(Figure("R14", name, f"{100.0 * float(np.median(sold)):.0f}", "%", BARS))
        slopes = [_slope(bars, "20:50", "21:09") / _slope(bars, *BASE) for bars in coins]
        name = f"impact slope 20:50-21:09 over {'-'.join(BASE)}, {len(coins)} {what}, median"
        out.append(Figure("R14", name, f"{float(np.median(slopes)):.1f}", "x", BARS))
    return out


def _sold_share(bars: pd.DataFrame, first: str, last: str) -> float:
    return float(_within(bars["taker_sell_volume"], first, last).sum() / _within(bars["volume"], first, last).sum())


def perp_below_spot(data: Path) -> list[Figure]:
    """F45 on the one coin of the recordings with both books on Binance: TRX, a market, not the median over markets."""
    low = {venue: dict(_coins(data, venue))["TRX"]["low"] for venue in (COIN_M, BINANCE_SPOT)}
    gap = _within(100.0 * (low[COIN_M] / low[BINANCE_SPOT] - 1.0), "21:11", "21:30").dropna()
    source = f"{BARS}; the median over markets is read off a published chart and has no file"
    return [
        Figure("F45", "minute low, perp over spot, least of 21:11-21:30, TRX alone", f"{gap.min():.1f}", "%", source),
        Figure("F45", "the same, minute after 20:50", f"{(gap.idxmin() - at('20:50')).seconds // 60}", "min", source),
    ]


def _coins(data: Path, venue: str) -> Iterator[tuple[str, pd.DataFrame]]:
    bars = trade_bars(data)
    for coin, mine in bars[bars["venue"] == venue].groupby("coin"):
        yield str(coin), mine


def _usd(bars: pd.DataFrame, column: str = "volume") -> pd.Series:
    """Dollars by minute: coins at the close, or contracts of 10 USD."""
    each = CONTRACT_USD if bars["venue"].iloc[0] == COIN_M else bars["close"]
    return bars[column] * each


def _within(values: pd.Series, first: str, last: str) -> pd.Series:
    return values[(values.index >= at(first)) & (values.index <= at(last))]


def _per_minute(usd: pd.Series, first: str, last: str) -> float:
    """Dollars a minute of the clock, minutes without a trade included."""
    minutes = (at(last) - at(first)).total_seconds() / 60.0 + 1.0
    return float(_within(usd, first, last).sum()) / minutes


def _slope(bars: pd.DataFrame, first: str, last: str) -> float:
    """Log return on net taker dollars, minutes of the window that follow one another."""
    net = _within(_usd(bars) - 2.0 * _usd(bars, "taker_sell_volume"), first, last)
    close = bars["close"].reindex(net.index)
    end_s = (net.index - at("00:00")).total_seconds().to_numpy() + 60.0
    return kyle_lambda(end_s, close.to_numpy(), net.to_numpy(), 60.0)


def _bootstrap(times: np.ndarray) -> tuple[float, float]:
    drawn = np.random.default_rng(SEED).choice(times, (DRAWS, times.size))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return float(low), float(high)
