"""How far coins move with BTC, on one-minute bars of 10 October 2025 before 21:10 UTC: ``derived/betas.csv``.

The factor is the mark of the Binance coin-M BTC perpetual. Nothing of 21:10 or later is read, so a model that takes a
number of this table has not seen the second leg.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calibration.recordings import at, mark_1m, trade_bars
from calibration.tables import Cell, table
from sim.metrics.liquidity import slope
from sim.metrics.stylised import hill

Floats = NDArray[np.float64]

COINBASE, COIN_M, GEMINI = "coinbase_spot", "binance_coinm_perp", "gemini_spot"
DEEP = ("ADA", "DOGE", "LINK")
THIN = ("AAVE", "ATOM", "AVAX", "BCH", "DOT", "ETC", "FIL", "UNI", "WIF", "WLD", "XLM")
"""Coins recorded on Coinbase and as coin-margined perpetuals alike: those of row F9."""
CALM, HIT, PAUSE, HEADLINE = ("00:00", "14:56"), ("20:49", "20:56"), ("20:56", "21:09"), ("20:49", "21:09")
"""First and last close; the bar of 14:57 holds the first headline, that of 20:50 the second."""
BEFORE_SECOND = ("14:56", "20:49")
WIDTH = 5  # minutes of a calm return: one minute loses a fifth of the slope of a coin that trades seldom
BLOCK, HEADLINE_BLOCK = 6, 4  # returns of a bootstrap block: half an hour of the calm, four minutes of the headline
DRAWS, SEED, TOP = 2000, 21, 0.05
ROUNDS = 60  # of the fixed point below; from 0.7 each loading is then at rest to 1e-6 on these coins
COLUMNS = (
    "asset", "venue", "coins", "calm_beta", "calm_low", "calm_high", "calm_beta_1m", "correlation", "drift_ratio",
    "headline_beta_1m", "headline_low", "headline_high", "ratio_hit", "ratio", "ratio_low", "ratio_high",
    "pause_move_pct", "pause_low_pct", "pause_high_pct", "own_sd_day_pct", "own_correlation", "own_tail", "tail_low",
    "tail_high", "alt_loading", "alt_low", "alt_high", "alt_sd_day_pct", "alone_sd_day_pct",
)  # fmt: skip


def betas(data: Path) -> str:
    """Betas to BTC of every recorded series and of classes of coins, as one file."""
    closes, btc = log_closes(data)
    groups: list[tuple[str, str, tuple[str, ...]]] = [
        *((coin, GEMINI, (coin,)) for coin in ("ETH", "SOL", "XRP")),
        ("deep alts", COINBASE, DEEP),
        ("thin alts", COINBASE, THIN),
        ("thin alts", COIN_M, THIN),
        ("all alts", COINBASE, tuple(coin for venue, coin in closes.columns if venue == COINBASE)),
        *((coin, venue, (coin,)) for venue, coin in closes.columns if venue != GEMINI),
    ]
    shared = {venue: alt_loadings(closes, btc, venue) for venue in (COINBASE, COIN_M)}
    shared[GEMINI] = shared[COINBASE]
    rows = [
        _row(asset, venue, closes[venue].loc[:, list(coins)], btc)
        + _shared(closes[venue].loc[:, list(coins)], btc, shared[venue])
        for asset, venue, coins in groups
    ]
    header = (
        "Betas of coins to BTC on 10 October 2025, one-minute closes before 21:10 UTC; nothing later is read.",
        "Source: BTC: mark of the Binance coin-M BTC perpetual; coins: trades in one-minute bars; by way of repository",
        "aaronwu2017/TheGlory, commit 929fd9c3, 27 Jan 2026.",
        "Licence: the repository states none, so its files are not shipped; the rounded figures below are facts.",
        "Method: log returns, a minute without a trade keeps its close; a row of several coins is the median.",
        "calm: closes of 00:00-14:56; slope on five-minute returns (calm_beta) and on one-minute returns, which",
        "flatten a coin that trades seldom. drift_ratio: move of the coin over BTC's, 14:56-20:49. headline: slope of",
        "one-minute closes 20:49-21:09, 20 returns; ratio_hit: move 20:49-20:56 over BTC's; ratio: 20:49-21:09.",
        "pause: move 20:56-21:09, in which BTC rose by 0.1 %. own: what calm_beta x BTC leaves of the calm: sd a day",
        "of five-minute returns, mean correlation between the coins of the row, Hill tail index of the largest 5 % of",
        "one-minute returns. alt: one factor fitted to the correlations of the own returns (least squares off the",
        "diagonal) of the coins of the row's venue, with ETH, SOL and XRP of Gemini: alt_loading is a coin's",
        "correlation with it, alt_sd_day_pct that part of the own sd, alone_sd_day_pct the rest (squares add up).",
        "Intervals 95 %: calm, alt and headline by bootstrap of blocks (half an hour, four minutes),",
        "ratio and pause by the calm's own moves over as many minutes, tail by its asymptotic error; rows of several",
        "coins draw the coins as well. Rounding: 0.01.",
    )
    return table(header, COLUMNS, rows)


def log_closes(data: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Log closes by minute to 21:09, columns (venue, coin), and those of BTC."""
    minutes = pd.date_range(at("00:00"), at("21:09"), freq="min")
    bars = trade_bars(data)
    held = {
        (str(venue), str(coin)): np.log(mine["close"].reindex(minutes).ffill().bfill())
        for (venue, coin), mine in bars[bars["venue"].isin((COINBASE, COIN_M, GEMINI))].groupby(["venue", "coin"])
        if coin != "BTC"
    }
    return pd.DataFrame(held), np.log(mark_1m(data)["close"].reindex(minutes))


def _row(asset: str, venue: str, closes: pd.DataFrame, btc: pd.Series) -> list[Cell]:
    rng = np.random.default_rng(SEED)
    calm, factor = _returns(closes, CALM, WIDTH), _returns(btc, CALM, WIDTH)
    beta = slopes(calm, factor)
    minute, minute_factor = _returns(closes, CALM), _returns(btc, CALM)
    head, head_factor = _returns(closes, HEADLINE), _returns(btc, HEADLINE)
    own, own_minute = calm - np.outer(factor, beta), minute - np.outer(minute_factor, beta)
    tails = np.array([hill(own_minute[:, k], TOP) for k in range(beta.size)])
    tail, error = float(np.median(tails)), 1.96 / np.sqrt(int(TOP * minute_factor.size))
    ratio, fall = _moves(closes, HEADLINE) / _moves(btc, HEADLINE), float(_moves(btc, HEADLINE)[0])
    pause = _moves(closes, PAUSE)
    numbers = (
        np.median(beta), *_slope_interval(calm, factor, BLOCK, rng), np.median(slopes(minute, minute_factor)),
        np.median([np.corrcoef(calm[:, k], factor)[0, 1] for k in range(beta.size)]),
        np.median(_moves(closes, BEFORE_SECOND) / _moves(btc, BEFORE_SECOND)),
        np.median(slopes(head, head_factor)), *_slope_interval(head, head_factor, HEADLINE_BLOCK, rng),
        np.median(_moves(closes, HIT) / _moves(btc, HIT)), np.median(ratio),
        *_move_interval(ratio, own_minute, _length(HEADLINE), 1.0 / fall, rng),
        100.0 * np.median(pause), *(100.0 * x for x in _move_interval(pause, own_minute, _length(PAUSE), 1.0, rng)),
        100.0 * np.median(own.std(axis=0, ddof=1)) * np.sqrt(1440 / WIDTH),
        _mean_correlation(own), tail, tail * (1.0 - error), tail * (1.0 + error),
    )  # fmt: skip
    return [asset, venue, beta.size, *(f"{float(x):.2f}" if np.isfinite(x) else None for x in numbers)]


def alt_loadings(closes: pd.DataFrame, btc: pd.Series, venue: str) -> dict[str, Floats]:
    """Loading of each coin of a venue, and of Gemini's, on one factor of their own calm returns: float64[1 + DRAWS],
    the estimate and its bootstrap.
    """
    panel = closes[[key for key in closes.columns if key[0] in (venue, GEMINI)]]
    calm, factor = _returns(panel, CALM, WIDTH), _returns(btc, CALM, WIDTH)
    rows = drawn_blocks(factor.size, BLOCK, np.random.default_rng(SEED))
    found = one_factor(np.stack([own_correlations(calm[draw], factor[draw]) for draw in (slice(None), *rows)]))
    return {str(coin): found[:, k] for k, (_, coin) in enumerate(panel.columns)}


def own_correlations(returns: Floats, factor: Floats) -> Floats:
    """Correlations, float64[k, k], of what the factor leaves of float64[n, k]."""
    x = factor - factor.mean()
    return np.asarray(np.corrcoef((returns - np.outer(factor, x @ returns / (x @ x))).T))


def one_factor(correlations: Floats) -> Floats:
    """Loadings l, float64[..., k], whose products l_i l_j come nearest to the correlations, float64[..., k, k], off the
    diagonal (minres with one factor): each in turn is the least-squares slope of its row on the others' loadings.

    Source: H. H. Harman, W. H. Jones, Psychometrika 31 (1966) 351.
    """
    loadings = np.full(correlations.shape[:-1], 0.7)
    for _ in range(ROUNDS):
        for i in range(loadings.shape[-1]):
            others = loadings.copy()
            others[..., i] = 0.0
            loadings[..., i] = (correlations[..., i, :] * others).sum(axis=-1) / (others * others).sum(axis=-1)
    return loadings


def _shared(closes: pd.DataFrame, btc: pd.Series, loadings: dict[str, Floats]) -> list[Cell]:
    """Loading on the altcoins' factor with its interval, and the own sd of a day in its two parts."""
    calm, factor = _returns(closes, CALM, WIDTH), _returns(btc, CALM, WIDTH)
    sd = float(np.median((calm - np.outer(factor, slopes(calm, factor))).std(axis=0, ddof=1))) * np.sqrt(1440 / WIDTH)
    mine = np.column_stack([loadings[str(coin)] for coin in closes.columns])
    drawn = np.take_along_axis(mine[1:], _coins(mine.shape[1], np.random.default_rng(SEED)), axis=1)
    loading = float(np.median(mine[0]))
    numbers = (loading, *_ends(np.median(drawn, axis=1)), 100.0 * sd * loading, 100.0 * sd * np.sqrt(1.0 - loading**2))
    return [f"{float(x):.2f}" for x in numbers]


def slopes(returns: Floats, factor: Floats) -> Floats:
    """Least-squares slope on the factor, one a column of float64[n, k]."""
    return np.array([slope(factor, returns[:, k]) for k in range(returns.shape[1])])


def drawn_blocks(n: int, block: int, rng: np.random.Generator, draws: int = DRAWS) -> NDArray[np.int64]:
    """Rows of a moving-block bootstrap, int64[draws, n]: blocks of neighbouring rows, drawn with replacement."""
    starts = rng.integers(0, n - block + 1, (draws, -(-n // block)))
    return (starts[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :n]


def _slope_interval(returns: Floats, factor: Floats, block: int, rng: np.random.Generator) -> tuple[float, float]:
    """Interval of the median slope: blocks of minutes drawn for all coins at once, and the coins."""
    rows = drawn_blocks(factor.size, block, rng)
    x = factor[rows] - factor[rows].mean(axis=1, keepdims=True)
    each = np.einsum("dn,dnk->dk", x, returns[rows]) / np.einsum("dn,dn->d", x, x)[:, None]
    return _ends(np.median(np.take_along_axis(each, _coins(each.shape[1], rng), axis=1), axis=1))


def _move_interval(
    moves: Floats, own: Floats, length: int, scale: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Interval of a median move: coins drawn anew, each less the calm's own move over a drawn span of ``length``."""
    sums = np.lib.stride_tricks.sliding_window_view(own, length, axis=0).sum(axis=-1) * scale
    each = moves - sums[rng.integers(0, sums.shape[0], DRAWS)]
    return _ends(np.median(np.take_along_axis(each, _coins(moves.size, rng), axis=1), axis=1))


def _coins(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.integers(0, n, (DRAWS, n))


def _ends(found: Floats) -> tuple[float, float]:
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def _mean_correlation(own: Floats) -> float:
    """Mean correlation of different columns; NaN for one column."""
    k = own.shape[1]
    return float((np.corrcoef(own.T).sum() - k) / (k * (k - 1))) if k > 1 else float("nan")


def _returns(closes: pd.DataFrame | pd.Series, span: tuple[str, str], width: int = 1) -> Floats:
    """Returns between closes ``width`` minutes apart, from the first close of the span on."""
    inside = closes.loc[at(span[0]) : at(span[1])].to_numpy()[::width]
    changes: Floats = np.diff(inside, axis=0)
    return changes


def _moves(closes: pd.DataFrame | pd.Series, span: tuple[str, str]) -> Floats:
    return np.atleast_1d(np.asarray(closes.loc[at(span[1])] - closes.loc[at(span[0])], dtype=np.float64))


def _length(span: tuple[str, str]) -> int:
    return round((at(span[1]) - at(span[0])).total_seconds() / 60.0)
