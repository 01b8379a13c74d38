"""The leveraged population, drawn once before time 0: who is long or short, how large, how leveraged, entered where.

One law for longs and retail shorts (MODEL.md 4.3, R4; DECISIONS 18). Size is lognormal, cut to the cap. Leverage is the
*effective* one, notional over equity at the starting mark, lognormal around one of two medians; it is stated weighted
by open interest, and joined to size by a Gaussian copula. Margin follows from both: equity = notional / leverage, and
what the position has gained or lost since its entry is taken out of it. Funds are shorts at low leverage.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.settings.leveraged import LeveragedSettings
from sim.settings.venue import MarginTier
from sim.thresholds import TierTable, tier_table

ACCOUNT_DRAW = np.dtype(
    [
        ("side", "i8"),  # +1 long, -1 short
        ("lots", "i8"),  # > 0
        ("entry_ticks", "i8"),
        ("margin_micro", "i8"),  # isolated: equity = margin + side x lots x (mark - entry) x unit_micro
        ("free_micro", "i8"),  # cash beside an isolated position; 0 for a cross account, all of whose cash is margin
        ("isolated", "?"),
        ("leverage", "f8"),  # notional / equity at the mark of the draw
        ("cex", "?"),  # of the high-leverage group
        ("fund", "?"),  # a fund's short
    ]
)
LONG, RETAIL, FUND = 0, 1, 2  # groups, first word of the spawn key
SIZE, LEVERAGE, GROUP, ENTRY, MODE, FREE = range(6)  # purposes, second word of the spawn key
REDRAWS_AT_ONE = 256  # draws of an entry at one leverage
MOST_REDRAWS = 8 * REDRAWS_AT_ONE  # an entry is found with a chance of at least 0.2 a draw under the default settings
_MICRO = 1_000_000

Floats = NDArray[np.float64]
Draw = Callable[[int, int], np.random.Generator]


def draw_population(
    leveraged: LeveragedSettings,
    tiers: Sequence[MarginTier],
    open_interest_lots: int,
    mark_ticks: int,
    seed: int,
    *,
    unit_micro: int,
) -> NDArray[np.void]:
    """Every leveraged account at time 0: longs first, then retail shorts, then funds.

    Parameters
    ----------
    leveraged : LeveragedSettings
        ``accounts`` is the number of longs; shorts are as many again in proportion to their share.
    tiers : sequence of MarginTier
        Margin tiers of the venue.
    open_interest_lots : int
        Lots of all longs together, exact. Retail shorts and funds hold their share of it, rounded to a lot, exact.
    mark_ticks : int
        Mark price, in ticks.
    seed : int
        0 .. 2^64 - 1. Each purpose has a generator of its own: changing one setting leaves the other draws alone.
    unit_micro : int
        Micro-dollars a lot gains with one tick.

    Returns
    -------
    ACCOUNT_DRAW[n_accounts]
        Nobody is liquidatable at the mark, and each account could have been opened at its entry under the tiers.

    Raises
    ------
    ScenarioError
        When the accounts cannot hold the open interest under the cap, or no entry price agrees with the tiers.

    Notes
    -----
    The high-leverage share is of accounts; membership does not depend on size, so its expected share of open interest
    is the same. The rank correlation holds within each group. Leverage is cut to the tier's largest for the account's
    notional. Sizes are rounded to lots, entries to ticks, margins down to a micro-dollar. Funds are cross accounts.
    """
    table = tier_table(tiers)
    lot_usd = mark_ticks * unit_micro / _MICRO
    cap_lots = int(leveraged.notional_cap / lot_usd)
    if leveraged.notional_cap > table.up_to_usd[-1]:
        raise ScenarioError(
            f"leveraged.notional_cap of ${leveraged.notional_cap:,.0f} is beyond the venue's last margin tier, "
            f"${table.up_to_usd[-1]:,.0f}: lower it"
        )
    shares = {LONG: 1.0, RETAIL: leveraged.short_shares.retail, FUND: leveraged.short_shares.funds}
    parts = []
    for group, share in shares.items():
        lots = round(share * open_interest_lots)
        if lots == 0:
            continue
        n = min(max(1, round(share * leveraged.accounts)), lots)

        def draw(purpose: int, count: int, group: int = group) -> np.random.Generator:
            return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(group, purpose, count))))

        z = draw(SIZE, 0).standard_normal(n)
        rows = np.zeros(n, ACCOUNT_DRAW)
        rows["side"], rows["fund"] = (1 if group == LONG else -1), group == FUND
        rows["lots"] = sizes(z, leveraged.notional_sigma, lots, cap_lots)
        notional_usd = rows["lots"] * lot_usd
        leverage, rows["cex"] = leverages(leveraged, rows["lots"] / lots, z, draw, is_fund=group == FUND)
        rows["leverage"] = np.minimum(leverage, table.max_leverage[table.row(notional_usd)])
        enter(rows, leveraged, table, mark_ticks, unit_micro, draw)
        if group != FUND:
            set_mode(rows, leveraged, draw)
        parts.append(rows)
    return np.concatenate(parts)


def sizes(z: Floats, sigma: float, total_lots: int, cap_lots: int) -> NDArray[np.int64]:
    """Positions ``median * e^(sigma z)``, cut to the cap and to a lot at least, with the median of the exact sum.

    Parameters
    ----------
    z : float64[n]
        Standard normal draws.
    sigma : float
        Standard deviation of the logarithm of size.
    total_lots, cap_lots : int
        Sum to reach; most one account may hold.

    Returns
    -------
    int64[n]

    Raises
    ------
    ScenarioError
        When ``n`` accounts at the cap hold less than the total.
    """
    n = len(z)
    if n * cap_lots < total_lots:
        raise ScenarioError(
            f"leveraged.notional_cap: {n} accounts at the cap hold {n * cap_lots} lots, {total_lots} are needed; "
            "raise the cap or leveraged.accounts"
        )
    log_shape = sigma * (z - z.max())

    def at(log_median: float) -> NDArray[np.int64]:
        return np.clip(np.exp(np.minimum(log_median + log_shape, 43.0)), 1.0, float(cap_lots)).astype(np.int64)

    low, high = 0.0, float(np.log(cap_lots) - log_shape.min()) + 1.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if int(at(middle).sum()) <= total_lots else (low, middle)
    lots = at(low)
    missing = total_lots - int(lots.sum())
    largest_first = np.argsort(-z, kind="stable")
    while missing > 0:  # a lot each to the largest that have room: fewer than n are missing unless sigma is 0
        room = largest_first[lots[largest_first] < cap_lots][:missing]
        lots[room] += 1
        missing -= len(room)
    return lots


def leverages(
    leveraged: LeveragedSettings, weight: Floats, z: Floats, draw: Draw, *, is_fund: bool
) -> tuple[Floats, NDArray[np.bool_]]:
    """Effective leverage of each account and its group, before the tiers' limit.

    Parameters
    ----------
    leveraged : LeveragedSettings
    weight : float64[n]
        Share of each account in the group's open interest.
    z : float64[n]
        The normal draws behind the sizes.
    draw : callable
        Generator of a purpose.
    is_fund : bool
        Funds: uniform between their two limits.

    Returns
    -------
    leverage : float64[n]
    cex : bool[n]
        Of the high-leverage group.

    Notes
    -----
    log leverage = log median + sigma (y - ybar), y = rho z + sqrt(1 - rho^2) e, rho = 2 sin(pi r / 6) for rank
    correlation r (exact for a bivariate normal). ybar is the part of y's mean, weighted by open interest, that comes
    from size: large accounts have low y, and the medians are those of open interest, not of accounts.
    """
    n = len(z)
    if is_fund:
        low, high = leveraged.funds_leverage_min, leveraged.funds_leverage_max
        return low + (high - low) * draw(LEVERAGE, 0).random(n), np.zeros(n, np.bool_)
    rho = 2.0 * np.sin(np.pi * leveraged.rank_correlation / 6.0)
    y = rho * (z - float(weight @ z)) + np.sqrt(1.0 - rho * rho) * draw(LEVERAGE, 0).standard_normal(n)
    cex = draw(GROUP, 0).random(n) < leveraged.cex_share
    usual = leveraged.leverage_median * np.exp(leveraged.leverage_sigma * y)
    high_group = leveraged.cex_leverage_median * np.exp(leveraged.cex_leverage_sigma * y)
    return np.where(cex, high_group, usual), cex


def set_mode(rows: NDArray[np.void], leveraged: LeveragedSettings, draw: Draw) -> None:
    """Choose who keeps an isolated position, and how much cash such an account holds beside it."""
    n = len(rows)
    rows["isolated"] = draw(MODE, 0).random(n) < leveraged.isolated_share
    ratio = leveraged.free_cash_median * np.exp(leveraged.free_cash_sigma * draw(FREE, 0).standard_normal(n))
    rows["free_micro"] = np.where(rows["isolated"], np.floor(ratio * rows["margin_micro"]), 0.0)


def enter(
    rows: NDArray[np.void], leveraged: LeveragedSettings, table: TierTable, mark_ticks: int, unit_micro: int, draw: Draw
) -> None:
    """Write entry and margin of accounts whose lots and leverage are known.

    An entry is drawn again until the margin it leaves would have opened the position there: margin >= entry notional /
    the tier's largest leverage. Without this rule a gain could exceed the equity. An account at the edge of a tier that
    finds none in ``REDRAWS_AT_ONE`` draws is taken at a tenth less leverage.
    """
    n, waiting = len(rows), np.arange(len(rows))
    for attempt in range(MOST_REDRAWS):
        if attempt and attempt % REDRAWS_AT_ONE == 0:
            rows["leverage"][waiting] = np.maximum(1.0, 0.9 * rows["leverage"][waiting])
        equity_micro = rows["lots"] * float(mark_ticks * unit_micro) / rows["leverage"]
        generator = draw(ENTRY, attempt)
        near, z = generator.random(n)[waiting] < leveraged.entry_near_share, generator.standard_normal(n)[waiting]
        x = np.where(
            near,
            leveraged.entry_near_mean + leveraged.entry_near_sd * z,
            leveraged.entry_far_mean + leveraged.entry_far_sd * z,
        )
        side, lots = rows["side"][waiting], rows["lots"][waiting]
        entry = np.maximum(1.0, np.rint(mark_ticks * np.exp(side * x)))
        margin_micro = np.floor(equity_micro[waiting] - side * lots * (mark_ticks - entry) * unit_micro)
        opened_usd = lots * entry * unit_micro / _MICRO
        admitted = margin_micro * table.max_leverage[table.row(opened_usd)] >= opened_usd * _MICRO
        taken = waiting[admitted]
        rows["entry_ticks"][taken], rows["margin_micro"][taken] = entry[admitted], margin_micro[admitted]
        waiting = waiting[~admitted]
        if not len(waiting):
            return
    raise ScenarioError(
        f"leveraged: {len(waiting)} of {len(rows)} accounts found no entry price that the venue's margin tiers "
        f"admit in {MOST_REDRAWS} draws; move entry_near_mean and entry_far_mean towards 0 or lower the leverage"
    )
