"""Depth tables whose bands cannot belong to any one price: orders that stayed in the book after the price passed them.

A band's notional over its coins is the mean price of its orders. Orders between a and b per cent below a reference
price have a mean price between those two, so every band says in which interval the reference lies, and in a sound book
all intervals of both sides have a point in common. An order left behind by a price that has passed it (a bid above the
best ask) moves the reference, the middle between best bid and best ask, by half of its distance, and with it
the bands of both sides.
"""

from dataclasses import dataclass

import numpy as np

from sim.errors import DataError
from sim.ingest.book import FEWEST_FROZEN, BookSide, Depth, Floats, Integers, Truths
from sim.ingest.findings import Log, Side, iso
from sim.ingest.prices import Prices

_ROUNDING = 2e-4
"""Intervals may miss one another by this fraction before bands count as contradictory."""
_FINEST = 1e-4
"""A band whose mean price is less exact than this, for the digits printed, is not asked."""
_OFF_MARK = 10e-4
"""The reference may lie this far outside the mark's range of two minutes: basis of another contract, and time."""
_MARK_SLACK_US = 60_000_000
_NEAR_EDGE = 0.9
"""After a repair, depth at a distance counts as known from this share of the nearest band's edge on."""


@dataclass
class Phantom:
    """Orders that do not move when the price passes them.

    Attributes
    ----------
    name : {"bid", "ask"}
    coins, price : float64[m]
        Cumulative coins and mean price of the contents seen unchanged, coins rising.
    seen : int64[r]
        Rows in which one of them was seen.
    """

    name: Side
    coins: Floats
    price: Floats
    seen: Integers


def check_bands(depth: Depth, mark: Prices | None, repair: bool, log: Log) -> None:
    """Refuse or repair snapshots whose bands contradict one another, or the mark.

    Parameters
    ----------
    depth : Depth
        With coins on both sides; ``ok`` and, with ``repair``, depth are written.
    mark : Prices or None
        Mark, or trades, of the same instrument.
    repair : bool
        Take what was found out and measure the bands from the mark instead of refusing them.
    log : Log
        Written.

    Raises
    ------
    DataError
        When a repair is asked for and there is no mark to measure from.
    """
    low, high = _reference(depth)
    torn = (low > high * (1.0 + _ROUNDING)) & depth.bid.ok & depth.ask.ok
    middle = _middle(low, high, ~torn)
    path = _market(depth, middle, mark)
    explained = np.zeros(len(torn), np.bool_)
    for name, side, other in depth.sides():
        phantom = _unmoved(name, side, other, np.flatnonzero(torn))
        if phantom is None:
            continue
        span = _span(phantom, torn, path)
        explained |= span
        _tell(phantom, span, torn, depth, low, high, repair, log)
        if repair:
            if mark is None:
                raise DataError(
                    "--repair measures bands from the price, which this file does not hold: add --mark FILE"
                )
            _measure_again(depth, phantom, span, mark, log)
        else:
            depth.bid.ok &= ~span
            depth.ask.ok &= ~span
    rest = torn & ~explained
    if rest.any():
        depth.bid.ok &= ~rest
        depth.ask.ok &= ~rest
        why = (
            "no single price explains the bands of both sides, and no order that stays unchanged does either; not used"
        )
        log.add("contradictory", "refused", why, side="both", times_us=depth.time_us[rest])
    if mark is not None:
        check_mark(depth, low, high, explained | rest, mark, log)


def implied_price(depth: Depth) -> Floats:
    """Middle of the interval in which the bands put the reference price.

    Parameters
    ----------
    depth : Depth

    Returns
    -------
    float64[n]
        US dollars; NaN where coins are missing or the bands contradict one another.
    """
    low, high = _reference(depth)
    return _middle(low, high, low <= high * (1.0 + _ROUNDING))


def _middle(low: Floats, high: Floats, sound: Truths) -> Floats:
    out = np.full(len(low), np.nan)
    known = sound & np.isfinite(low) & np.isfinite(high)
    out[known] = (low[known] + high[known]) / 2.0
    return out


def _reference(depth: Depth) -> tuple[Floats, Floats]:
    """Interval of the reference price common to all bands; low above high where there is none."""
    n = len(depth.time_us)
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    for name, side, _ in depth.sides():
        if side.coins is None:
            continue
        sign = -1.0 if name == "bid" else 1.0
        mean, near = _means(side)
        ends = [mean / (1.0 + sign * d) for d in (near, side.within)]
        with np.errstate(invalid="ignore"):
            low = np.fmax(low, np.fmax.reduce(np.fmin(*ends), axis=1, initial=-np.inf))
            high = np.fmin(high, np.fmin.reduce(np.fmax(*ends), axis=1, initial=np.inf))
    return low, high


def _means(side: BookSide) -> tuple[Floats, Floats]:
    """Mean price of the orders between each distance and the one before, NaN where unknown; and the distance before."""
    assert side.coins is not None
    before = np.zeros((len(side.usd), 1))
    coins, usd = (np.diff(v, axis=1, prepend=before) for v in (side.coins, side.usd))
    digits = _step(side.coins), _step(side.usd)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = usd / coins
        inexact = digits[0] / coins + digits[1] / np.abs(usd)
    mean[~((coins > 0.0) & (usd > 0.0) & (inexact < _FINEST))] = np.nan
    return mean, np.append(0.0, side.within[:-1])


def _step(values: Floats) -> float:
    """Last digit printed: 0.001 where no value has more than three decimals."""
    some = values[np.isfinite(values)][:20_000]
    return next(
        (10.0**-d for d in range(9) if np.allclose(some * 10.0**d, np.rint(some * 10.0**d), rtol=0, atol=1e-3)), 1e-9
    )


def _market(depth: Depth, middle: Floats, mark: Prices | None) -> tuple[Floats, Floats]:
    """Where the market may have been at each snapshot, lowest and highest: the mark's range, or the bands' middle."""
    if mark is None:
        return middle, middle
    low, high = mark.around(depth.time_us, _MARK_SLACK_US)
    return np.where(np.isfinite(low), low, middle), np.where(np.isfinite(high), high, middle)


def _unmoved(name: Side, side: BookSide, other: BookSide, torn: Integers) -> Phantom | None:
    """Contents that contradictory snapshots show unchanged to the last digit, beyond the other side's orders."""
    if side.coins is None or other.coins is None or torn.size < FEWEST_FROZEN:
        return None
    sign = -1.0 if name == "bid" else 1.0
    rivals, _ = _means(other)
    known = np.isfinite(rivals)
    nearest = rivals[np.arange(len(rivals)), np.argmax(known, axis=1)]
    rows, bands = np.nonzero((side.coins[torn] > 0.0) & np.isfinite(side.usd[torn]))
    rows = torn[rows]
    coins, usd = side.coins[rows, bands], side.usd[rows, bands]
    wrong = sign * (usd / coins - nearest[rows]) < 0.0
    shown = np.unique(np.column_stack((coins[wrong], usd[wrong], rows[wrong])), axis=0)  # one copy a snapshot
    contents, which, counts = np.unique(shown[:, :2], axis=0, return_inverse=True, return_counts=True)
    often = counts >= FEWEST_FROZEN
    if not often.any():
        return None
    seen = np.asarray(np.unique(shown[often[which.ravel()], 2]), np.int64)
    held, value = contents[often].astype(np.float64).T
    return Phantom(name, held, value / held, seen)


def _span(phantom: Phantom, torn: Truths, path: tuple[Floats, Floats]) -> Truths:
    """Rows that the phantom may have spoilt: from the last time the market was at its price to the next."""
    if phantom.name == "bid":
        at_price = path[1] >= phantom.price.max()
    else:
        at_price = path[0] <= phantom.price.min()
    at_price &= ~torn
    span = np.zeros(len(torn), np.bool_)
    contacts = np.flatnonzero(at_price)
    for row in phantom.seen:
        if not span[row]:
            after = np.searchsorted(contacts, row)
            start = contacts[after - 1] + 1 if after else 0
            end = contacts[after] if after < len(contacts) else len(torn)
            span[start:end] = True
    return span


def _tell(
    phantom: Phantom, span: Truths, torn: Truths, depth: Depth, low: Floats, high: Floats, repair: bool, log: Log
) -> None:
    name, price = phantom.name, phantom.price[-1]
    other = "asks" if name == "bid" else "bids"
    first = phantom.seen[0]
    certain = np.flatnonzero(span & torn)
    done = "taken out" if repair else "not used"
    log.add(
        "phantom",
        "repaired" if repair else "refused",
        f"orders of {phantom.coins[-1]:.10g} coins at a mean price of {price:,.2f} stay among the {name}s "
        "unchanged to the last digit in "
        f"{len(phantom.seen)} snapshots while the {other} trade through it. At {iso(int(depth.time_us[first]))} "
        "the bands need a "
        f"reference of at least {low[first]:,.2f} and of at most {high[first]:,.2f}: no price satisfies both "
        f"sides. {done.capitalize()}",
        side=name,
        times_us=depth.time_us[phantom.seen],
    )
    spoilt = np.flatnonzero(span)
    log.add(
        "shifted_bands",
        "repaired" if repair else "refused",
        "with that order in the book the reference of all bands lies half its distance off the market, so the "
        "bands of both sides are not "
        f"those they are labelled. The contradiction is plain from {iso(int(depth.time_us[certain[0]]))} on "
        f"({certain.size} snapshots); the "
        f"market left {phantom.price[0]:,.2f} before {iso(int(depth.time_us[spoilt[0]]))}, and from then on "
        "nothing is safe. "
        + ("Measured again from the mark" if repair else "Not used; --repair with --mark measures them again"),
        side="both",
        times_us=depth.time_us[spoilt],
    )


def _measure_again(depth: Depth, phantom: Phantom, span: Truths, mark: Prices, log: Log) -> None:
    """Take the phantom out and interpolate the bands, as measured from the mark, at the distances of their labels."""
    rows = np.flatnonzero(span)
    market = mark.at(depth.time_us[rows])
    lacking = rows[~np.isfinite(market)]
    if lacking.size:
        why = "the mark does not reach these snapshots, so their bands cannot be measured again; not used"
        log.add("no_mark", "refused", why, side="both", times_us=depth.time_us[lacking])
        depth.bid.ok[lacking] = depth.ask.ok[lacking] = False
    reference = (phantom.price[0] + market) / 2.0
    for name, side, _ in depth.sides():
        assert side.coins is not None
        sign = -1.0 if name == "bid" else 1.0
        edges = sign * (reference[:, None] * (1.0 + sign * side.within) / market[:, None] - 1.0)
        usd = side.usd[rows].copy()
        if name == phantom.name:
            value = phantom.coins * phantom.price
            held = side.coins[rows][:, :, None] >= phantom.coins * (1.0 - 1e-12)
            usd -= np.where(held, value, 0.0).max(axis=2)
        usd = np.maximum(usd, 0.0)
        side.usd[rows] = [_at_labels(side.within, e, v) for e, v in zip(edges, usd, strict=True)]
        side.coins[rows] = np.nan
    log.remark(
        "repair: reference = (order's price + mark) / 2, so a band of k per cent ends at reference x (1 -/+ k%) "
        "/ mark - 1 from the mark; depth "
        "at the labelled distances is linear between those ends, unknown beyond the last and nearer than "
        f"{_NEAR_EDGE:g} of the first"
    )


def _at_labels(labels: Floats, edges: Floats, usd: Floats) -> Floats:
    """Depth at the distances of the labels from depth at other distances; NaN where they do not reach."""
    outside = (edges > 0.0) & np.isfinite(usd)
    if not outside.any():
        return np.full(len(labels), np.nan)
    x, y = np.append(0.0, edges[outside]), np.append(0.0, usd[outside])
    known = (labels >= _NEAR_EDGE * x[1]) & (labels <= x[-1])
    return np.where(known, np.interp(labels, x, y), np.nan)


def check_mark(depth: Depth, low: Floats, high: Floats, done: Truths, mark: Prices, log: Log) -> None:
    """Refuse runs of snapshots that are sound in themselves and yet measured from another price than the mark.

    Parameters
    ----------
    depth : Depth
        ``ok`` is written.
    low, high : float64[n]
        Interval of the reference price of each snapshot; NaN or infinite where unknown.
    done : bool[n]
        Snapshots already judged.
    mark : Prices
    log : Log
        Written.
    """
    least, most = mark.around(depth.time_us, _MARK_SLACK_US)
    with np.errstate(invalid="ignore"):
        off = (low > most * (1.0 + _OFF_MARK)) | (high < least * (1.0 - _OFF_MARK))
    off &= ~done & depth.bid.ok & depth.ask.ok
    edges = np.flatnonzero(np.diff(np.concatenate(([0], off.view(np.int8), [0]))))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start < FEWEST_FROZEN:
            off[start:end] = False
    if off.any():
        depth.bid.ok &= ~off
        depth.ask.ok &= ~off
        log.add(
            "off_mark",
            "refused",
            f"the reference price of the snapshot lies more than {_OFF_MARK * 1e4:g} bp outside the mark's range "
            f"of two minutes, {FEWEST_FROZEN} or more "
            "snapshots in a row; not used",
            side="both",
            times_us=depth.time_us[off],
        )
