"""The crash of 10 October 2025, measured on any one-coin path: the estimators that ``calibration/targets.yaml`` names.

Every estimator works on arrays, so the simulated and the recorded path are measured by one rule. ``inf`` means "did not
happen within the window"; NaN means "cannot be measured here". Fractions are converted by ``in_unit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.metrics import cascade, depth, price
from sim.metrics.liquidity import kyle_lambda
from sim.targets import Target

Floats = NDArray[np.float64]

MINUTE_S = 60.0
NONE: Mapping[str, Floats] = MappingProxyType({})


def after_headline_s(hour: int, minute: int) -> float:
    """Seconds from the second headline, 20:50 UTC, to a time of the same day."""
    return ((hour - 20) * 60 + minute - 50) * MINUTE_S


END_OF_DAY_S = after_headline_s(24, 0)
"""End of the flash window of EVENT.md 3b."""
COVERED_S = after_headline_s(22, 0)
"""A run must reach 22:00 for the rows measured until midnight; what comes after counts where it was simulated."""
SMALLEST_FALL = 0.01
"""A fall below 1 % has no half recovery worth timing [judgement]."""
CALM_RETURN_SD = 0.00041
"""Recorded one-minute return sd of 00:00-14:50 (fraction): the first F11 row of calibration/derived/figures.csv."""


class Window(NamedTuple):
    """Seconds from the headline: ``from_s`` is the start of the first minute, ``to_s`` the end of the last one."""

    from_s: float
    to_s: float


BEFORE = Window(after_headline_s(20, 20), 0.0)
"""The half hour before the headline, with which a replay opens."""
FLASH = Window(0.0, END_OF_DAY_S)


class Path(NamedTuple):
    """What is measured: seconds from 20:50 UTC, mark in USD, depth as share of the morning by minute (may be empty).

    Attributes
    ----------
    time_s, mark_usd : float64[n]
    minute_s, bid_share, ask_share : float64[m]
        Start of each minute, and shares of the morning depth.
    columns : mapping of str to float64[n]
        Further columns of the recorded seconds by their name in ``run.series``; an estimator whose column is missing
        gives NaN.
    band_mid_usd, band_btc : float64[k], float64[k, 60]
        Book profile, as ``run.bands``.
    """

    time_s: Floats
    mark_usd: Floats
    minute_s: Floats
    bid_share: Floats
    ask_share: Floats
    columns: Mapping[str, Floats] = NONE
    band_mid_usd: Floats = np.empty(0)
    band_btc: Floats = np.empty((0, 60))


def window_of(text: str) -> Window:
    """Window of a row, "20:55-21:10": both minutes included."""
    (h0, m0), (h1, m1) = ((int(x) for x in part.split(":")) for part in text.split("-"))
    return Window(after_headline_s(h0, m0), after_headline_s(h1, m1) + MINUTE_S)


def reference_usd(path: Path) -> float:
    """Mark at 20:50:00, the close of 20:49; NaN when the path does not reach back to it."""
    return price.price_at(path.time_s, path.mark_usd, 0.0)


def rows(path: Path, window: Window, *, first: bool = False) -> NDArray[np.bool_]:
    """Rows inside a window that the path covers, with the row at its start where ``first``; none where it does not."""
    covered = path.time_s.size and path.time_s[0] <= window.from_s and path.time_s[-1] >= min(window.to_s, COVERED_S)
    after = path.time_s >= window.from_s if first else path.time_s > window.from_s
    return after & (path.time_s <= window.to_s) & bool(covered)


def _marks(path: Path, window: Window) -> tuple[Floats, Floats]:
    inside = rows(path, window)
    return path.time_s[inside], path.mark_usd[inside]


def total(path: Path, window: Window, *names: str) -> float:
    """Sum of flows over a window, NaN where the path lacks a column or does not cover it."""
    inside = rows(path, window)
    if not inside.any() or any(name not in path.columns for name in names):
        return float("nan")
    return float(sum(path.columns[name][inside].sum() for name in names))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")


def first_passage_minutes(path: Path, fall: float = 0.04) -> float:
    """Minutes from 20:50 to the first mark 4 % (``fall``) below the close of 20:49; infinity for never by midnight."""
    time_s, mark = _marks(path, FLASH)
    if time_s.size == 0:
        return float("nan")
    at_s = price.first_passage(time_s, mark, (1.0 - fall) * reference_usd(path))
    return at_s / MINUTE_S if np.isfinite(at_s) else float("inf")


def highest_close(path: Path, window: Window) -> float:
    """Highest one-minute close of the window over the close of 20:49, less 1 (fraction)."""
    _, closes = price.last_in_each(*_marks(path, window), MINUTE_S)
    return float(closes.max()) / reference_usd(path) - 1.0 if closes.size else float("nan")


def lowest_close(path: Path, window: Window) -> float:
    """Lowest one-minute close of the window over the close of 20:49, less 1 (fraction)."""
    _, closes = price.last_in_each(*_marks(path, window), MINUTE_S)
    return float(closes.min()) / reference_usd(path) - 1.0 if closes.size else float("nan")


def drop(path: Path) -> float:
    """Lowest mark from 20:50 to midnight over the close of 20:49, less 1 (fraction)."""
    return price.lowest(_marks(path, FLASH)[1]) / reference_usd(path) - 1.0


def second_leg(path: Path) -> float:
    """Lowest mark of the ten minutes 21:11 to 21:20 over the close of 21:10, less 1 (fraction)."""
    start_s = after_headline_s(21, 11)
    _, mark = _marks(path, Window(start_s, after_headline_s(21, 21)))
    return price.lowest(mark) / price.price_at(path.time_s, path.mark_usd, start_s) - 1.0


def minutes_to_low(path: Path) -> float:
    """Minutes from 20:50 to the lowest mark before midnight."""
    return price.time_of_low(*_marks(path, FLASH)) / MINUTE_S


def half_recovery(path: Path) -> float:
    """Minutes from the low until half of the fall from 20:49 is regained; NaN for a fall below 1 %."""
    if not drop(path) <= -SMALLEST_FALL:
        return float("nan")
    return price.half_recovery_minutes(*_marks(path, FLASH), reference_usd(path))


def recovered_share(path: Path, window: Window) -> float:
    """Share of the fall from 20:49 regained at the start of the window (fraction); NaN for a fall below 1 %."""
    if not drop(path) <= -SMALLEST_FALL:
        return float("nan")
    return price.recovered_share(*_marks(path, FLASH), reference_usd(path), window.from_s)


def return_sd_over_calm(path: Path, window: Window) -> float:
    """Standard deviation of the window's one-minute log returns, over that of the recorded calm."""
    inside = rows(path, window, first=True)
    return price.return_sd(path.time_s[inside], path.mark_usd[inside]) / CALM_RETURN_SD


def bid_share(path: Path, window: Window) -> float:
    """Median over the window's minutes of bid depth over the morning's, each in the band the record has there."""
    return _share(path, path.bid_share, window)


def ask_share(path: Path, window: Window) -> float:
    """Median over the window's minutes of ask depth over the morning's, each in the band the record has there."""
    return _share(path, path.ask_share, window)


def _share(path: Path, shares: Floats, window: Window) -> float:
    inside = (path.minute_s >= window.from_s) & (path.minute_s < window.to_s) & np.isfinite(shares)
    return float(np.median(shares[inside])) if inside.any() else float("nan")


def peak_spread(path: Path, window: Window) -> float:
    """Widest recorded perp spread of the window, bp."""
    inside = rows(path, window)
    return cascade.highest(path.columns["perp_spread_bp"][inside]) if "perp_spread_bp" in path.columns else float("nan")


TAKEN = ("perp_taker_buy_btc", "perp_taker_sell_btc")
SPOT_TAKEN = ("spot_taker_buy_btc", "spot_taker_sell_btc")
FORCED = ("forced_sell_usd", "forced_buy_usd")


def volume_over_before(path: Path, window: Window) -> float:
    """Perp coins traded a minute in the window over those of the half hour before the headline."""
    return _ratio(_rate(path, window, *TAKEN), _rate(path, BEFORE, *TAKEN))


def perp_over_spot_volume(path: Path, window: Window) -> float:
    """Perp over spot coins traded in the window."""
    return _ratio(total(path, window, *TAKEN), total(path, window, *SPOT_TAKEN))


def impact_slope_over_before(path: Path, window: Window) -> float:
    """Impact slope of one-minute bars (log return on net taker dollars) over that of the half hour before (R15)."""
    return _ratio(_impact_slope(path, window), _impact_slope(path, BEFORE))


def _impact_slope(path: Path, window: Window) -> float:
    inside = rows(path, window)
    if not inside.any() or any(name not in path.columns for name in ("perp_mid_usd", *TAKEN)):
        return float("nan")
    mid, bought, sold = (path.columns[name][inside] for name in ("perp_mid_usd", *TAKEN))
    return kyle_lambda(path.time_s[inside], mid, (bought - sold) * mid, MINUTE_S)


def forced_share_within(path: Path, window: Window) -> float:
    """Dollars liquidated in the window over those of 20:20 to midnight (fraction); NaN where nothing was."""
    return _ratio(total(path, window, *FORCED), total(path, Window(BEFORE.from_s, END_OF_DAY_S), *FORCED))


def forced_rate_over_before(path: Path, window: Window) -> float:
    """Dollars liquidated a minute in the window over those of the half hour before; NaN when nothing was before."""
    return _ratio(_rate(path, window, *FORCED), _rate(path, BEFORE, *FORCED))


def _rate(path: Path, window: Window, *names: str) -> float:
    return total(path, window, *names) / (window.to_s - window.from_s)


def forced_peak_minute(path: Path) -> float:
    """Largest share of the dollars liquidated from 20:20 to midnight that fell into one minute (fraction)."""
    inside = rows(path, Window(BEFORE.from_s, END_OF_DAY_S))
    if not inside.any() or any(name not in path.columns for name in FORCED):
        return float("nan")
    flow = np.asarray(path.columns[FORCED[0]] + path.columns[FORCED[1]], dtype=np.float64)
    return cascade.peak_minute_share(path.time_s[inside], flow[inside])


def long_share(path: Path) -> float:
    """Longs among the dollars liquidated from 20:20 to midnight (fraction)."""
    whole = Window(BEFORE.from_s, END_OF_DAY_S)
    return _ratio(total(path, whole, FORCED[0]), total(path, whole, *FORCED))


def level(path: Path, name: str, at_s: float) -> float:
    """A level at a time, or at the end of a path that ends between 22:00 and then."""
    if name not in path.columns or path.time_s.size == 0 or path.time_s[-1] < min(at_s, COVERED_S):
        return float("nan")
    return price.price_at(path.time_s, path.columns[name], min(at_s, float(path.time_s[-1])))


def open_interest_change(path: Path) -> float:
    """Open interest in coins at midnight over that of 20:49, less 1 (fraction)."""
    return level(path, "open_interest_btc", END_OF_DAY_S) / level(path, "open_interest_btc", 0.0) - 1.0


def forced_over_interest_fall(path: Path) -> float:
    """Coins liquidated from 20:50 to midnight over the fall of open interest (fraction); NaN when it did not fall."""
    fallen = level(path, "open_interest_btc", 0.0) - level(path, "open_interest_btc", END_OF_DAY_S)
    return _ratio(total(path, FLASH, "forced_sell_btc", "forced_buy_btc"), fallen)


def fund_change(path: Path) -> float:
    """Insurance fund equity at midnight over that of 20:49, less 1 (fraction)."""
    return level(path, "fund_usd", END_OF_DAY_S) / level(path, "fund_usd", 0.0) - 1.0


def premium_low(path: Path, window: Window) -> float:
    """Lowest, over the window's minutes, of the perp's low over the spot's low, less 1 (fraction)."""
    inside = rows(path, window)
    if not inside.any() or any(f"{book}_mid_usd" not in path.columns for book in ("perp", "spot")):
        return float("nan")
    minute = np.ceil(path.time_s[inside] / MINUTE_S)
    perp, spot = (path.columns[f"{book}_mid_usd"][inside] for book in ("perp", "spot"))
    gaps = [price.lowest(perp[minute == m]) / price.lowest(spot[minute == m]) - 1.0 for m in np.unique(minute)]
    known = [gap for gap in gaps if np.isfinite(gap)]
    return min(known, default=float("nan"))


def open_interest_at_start(path: Path) -> float:
    """Open interest of the first row, BTC."""
    return float(path.columns["open_interest_btc"][0]) if "open_interest_btc" in path.columns else float("nan")


def fund_at_start(path: Path) -> float:
    """Equity of the insurance fund in the first row, USD."""
    return float(path.columns["fund_usd"][0]) if "fund_usd" in path.columns else float("nan")


def calm_volatility(path: Path) -> float:
    """Standard deviation of five-minute log returns, a year (fraction)."""
    return price.return_sd(path.time_s, path.mark_usd, 300.0) * float(np.sqrt(288 * 365))


def calm_spread(path: Path) -> float:
    """Mean recorded perp spread, bp; rows are evenly spaced, so the mean is weighted by time."""
    spread = path.columns.get("perp_spread_bp", np.empty(0))
    return float(np.nanmean(spread)) if np.isfinite(spread).any() else float("nan")


def _calm_depth(path: Path, within: float, ask: bool) -> float:
    """Median over the profile rows of depth within a distance, USD."""
    held = depth.inside(path.band_btc, within, ask) * path.band_mid_usd
    return float(np.nanmedian(held)) if np.isfinite(held).any() else float("nan")


def _crowding(path: Path, within: float) -> float:
    """Open interest of the first row over median bid depth within a distance, both in dollars."""
    value = open_interest_at_start(path) * float(path.mark_usd[0]) if path.mark_usd.size else float("nan")
    return _ratio(value, _calm_depth(path, within, False))


ESTIMATORS: Mapping[str, Callable[[Path], float]] = MappingProxyType(
    {
        f.__name__: f
        for f in (
            first_passage_minutes, drop, second_leg, minutes_to_low, half_recovery, forced_peak_minute, long_share,
            open_interest_change, forced_over_interest_fall, fund_change, open_interest_at_start, fund_at_start,
            calm_volatility, calm_spread,
        )
    }
    | {
        f"calm_{side}_depth_{pct}pct": partial(_calm_depth, within=pct / 100.0, ask=side == "ask")
        for side in ("bid", "ask")
        for pct in (1, 2, 5)
    }
    | {f"crowding_{pct}pct": partial(_crowding, within=pct / 100.0) for pct in (1, 2)}
)  # fmt: skip
"""Estimators by the name that a target uses: one path to one number."""

WINDOWED: Mapping[str, Callable[[Path, Window], float]] = MappingProxyType(
    {
        f.__name__: f
        for f in (
            highest_close, lowest_close, recovered_share, return_sd_over_calm, bid_share, ask_share, peak_spread,
            volume_over_before, perp_over_spot_volume, impact_slope_over_before, forced_share_within,
            forced_rate_over_before, premium_low,
        )
    }
)  # fmt: skip
"""Estimators that want the window of the row as well."""


def how(target: Target) -> str:
    """What the estimator of a row does, one sentence; the row must have one."""
    estimator = WINDOWED[target.estimator] if target.window is not None else ESTIMATORS[target.estimator]
    text = " ".join((getattr(estimator, "func", estimator).__doc__ or "").split("\n\n")[0].split())
    return f"{target.estimator}: {text.replace('``', '')}"


PER_UNIT = {"%": 100.0, "$m": 1e-6}


def measure(target: Target, path: Path) -> float:
    """Measure a row on a path, in the unit of the row; NaN where it has no estimator or the path cannot answer."""
    if target.why_not:
        return float("nan")
    if target.window is not None:
        value = WINDOWED[target.estimator](path, window_of(target.window))
    else:
        value = ESTIMATORS[target.estimator](path)
    return PER_UNIT.get(target.unit, 1.0) * value
