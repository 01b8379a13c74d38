"""What a run leaves behind: the recorded arrays, copied out of a market, and one hash over everything that defines
its results.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.kernels.book import Books
from sim.view import BOOKS

if TYPE_CHECKING:
    from sim.market import Market
    from sim.state import Array, State

ACCOUNT_ROW = np.dtype(
    [
        ("account", "i8"),
        ("start_lots", "i8"),
        ("end_lots", "i8"),
        ("cash_micro", "i8"),
        ("fees_paid_micro", "i8"),
        ("forced_lots", "i8"),
        ("taken_lots", "i8"),
        ("first_forced_us", "i8"),  # -1 when the fund took the account without an order
        ("liquidation_half_ticks", "i8"),
    ]
)


@dataclass(frozen=True, slots=True)
class RunArrays:
    """Recorded arrays of one run.

    Attributes
    ----------
    series : RECORD[n]
        One row at time 0 and one each ``record_every``.
    bands : BAND_ROW[m]
        Depth profile of the perp, one row each ten seconds.
    events : EVENT[k]
        Forced orders, takeovers, fund orders, shocks; in order of time.
    accounts : ACCOUNT_ROW[j]
        Every account that was liquidated or taken over.
    constants : dict
        Units and start values: ``tick_usd``, ``lot_coin``, ``micro_per_tick_lot``, ``price_usd``, ``n_accounts``, ...
    """

    series: "Array"
    bands: "Array"
    events: "Array"
    accounts: "Array"
    constants: dict[str, Any] = field(default_factory=dict)


def rows_so_far(market: "Market") -> "Array":
    """The recorded rows up to the last finished tick, not copied: for looking only."""
    return market.state.rows[: int(market.state.clock[0]["n_rows"])]


def collect(market: "Market", copy: bool = True) -> RunArrays:
    """The recorded rows of a market up to the last finished tick; without ``copy`` those of a market that will not go
    on are taken as they lie.
    """
    state = market.state
    clock = state.clock[0]
    series, bands, events = (
        room[: int(clock[n])]
        for room, n in ((state.rows, "n_rows"), (state.bands, "n_bands"), (state.events, "n_events"))
    )
    return RunArrays(
        series=series.copy() if copy else series,
        bands=bands.copy() if copy else bands,
        events=events.copy() if copy else events,
        accounts=touched_accounts(state),
        constants=constants_of(market),
    )


def touched_accounts(state: "State") -> "Array":
    """One row for each account that the engine or the fund touched."""
    accounts, positions = state.accounts, state.books.positions
    rows = np.flatnonzero((accounts["first_forced_us"] >= 0) | (accounts["taken_lots"] != 0))
    out = np.zeros(len(rows), ACCOUNT_ROW)
    out["account"] = rows
    out["end_lots"] = positions[0, rows]
    for name in (
        "start_lots",
        "cash_micro",
        "fees_paid_micro",
        "forced_lots",
        "taken_lots",
        "first_forced_us",
        "liquidation_half_ticks",
    ):
        out[name] = accounts[name][rows]
    return out


def constants_of(market: "Market") -> dict[str, Any]:
    """Units and start values that a reader of the arrays needs."""
    state = market.state
    longs = np.maximum(state.accounts["start_lots"], 0)
    return {
        "tick_usd": market.tick_usd,
        "lot_coin": market.lot_coin,
        "micro_per_tick_lot": int(state.rules[0]["micro_per_tick_lot"]),
        "tick_us": int(state.clock[0]["tick_us"]),
        "start_utc": market.spec.start_utc.isoformat(),
        "price_usd": float(state.news[0]["start_usd"]),
        "n_accounts": len(state.accounts),
        "n_makers": len(state.firms),
        "first_leveraged": int(state.engine[0]["first_watched"]),
        "start_open_interest_lots": int(longs.sum()),
        "seed": market.seed,
    }


def live_lots(books: Books, handles: "Array") -> "Array":
    """Open lots behind each handle, 0 where it is dead; independent of slot numbers as a result, though not as an
    input.
    """
    slots = handles & 0xFFFFFFFF
    alive = books.pool["generation"][slots] == (handles >> 32)
    return np.where((handles != 0) & alive, books.pool["lots"][slots], 0)


def near_usd(market: "Market", book: str, side: str, within: float) -> float:
    """Dollars that rest on a side of a book within a distance from its mid, at the end of the last finished tick.

    Parameters
    ----------
    market : Market
    book, side : str
        "perp" or "spot"; "buy" for bids, "sell" for asks.
    within : float
        Fraction of mid, inside the ladder (``window_half`` of the venue).

    Returns
    -------
    float
        Coins times mid; NaN where a side of the book is empty.
    """
    mid = market.view().mid(book)
    if mid is None:
        return float("nan")
    books = market.state.books
    row = books.sides[2 * BOOKS[book] + (side == "sell")]
    mask = int(row["mask"])
    keys = np.arange(int(row["lo"]), int(row["lo"]) + mask + 1)
    near = np.abs(np.abs(keys) * market.tick_usd - mid) <= within * mid
    lots = books.levels["total_lots"][int(row["level0"]) + (keys[near] & mask)].sum()
    return float(lots) * market.lot_coin * mid


READ_ANEW = frozenset({"spot_half_ticks", "spot_us", "given_half_ticks"})
"""Prices of a market kept for its network to read; what the market itself used is its index, which is hashed."""


def columns(array: "Array") -> "Iterator[tuple[str, Array]]":
    """Name and values of each field of a record array that is not all zero, so that a field which a later version adds
    and a market does not use leaves its hash as it was; a plain array whole, without a name.
    """
    for name in array.dtype.names or ("",):
        if name in READ_ANEW:
            continue
        column = np.ascontiguousarray(array[name] if name else array)
        if not name or column.any():
            yield name, column


def state_hash(state: "State") -> str:
    """SHA-256 over everything that defines results: records, accounts, positions, beliefs, open orders, time; never
    slot numbers.
    """
    clock = state.clock[0]
    digest = hashlib.sha256()
    for array, n in (
        (state.rows, int(clock["n_rows"])),
        (state.bands, int(clock["n_bands"])),
        (state.events, int(clock["n_events"])),
        (state.guest_fills, int(clock["n_guest_fills"])),
    ):
        digest.update(array[:n])
    for name in (
        "cash_micro",
        "entry_micro",
        "free_micro",
        "fees_paid_micro",
        "forced_lots",
        "taken_lots",
        "adl_lots",
        "first_forced_us",
        "liquidation_half_ticks",
        "leveraged",
    ):
        digest.update(np.ascontiguousarray(state.accounts[name]))
    for array in (
        state.accounts[["forced_again_us"]],
        state.books.positions,
        state.books.book,
        state.flows,
        state.price,
        state.samples,
        state.news,
        state.seen,
        state.moods,
        state.crowd,
        state.metaorders,
        state.layers,
        state.mass,
        state.firms,
        state.arbitrageurs,
        state.arbitrage,
        state.dip_buyers,
        state.trend_funds,
        state.trend,
        state.caution,
        state.conduct,
        state.persons,
        state.past_marks,
        state.safeguards[["n_looks", "next_us", "until_us"]],
        state.looks,
        state.fund_drop[["n_parts"]],
        state.fund_peaks,
    ):
        for name, column in columns(array):
            digest.update(name.encode())
            digest.update(column)
    digest.update(np.ascontiguousarray(state.books.sides["best"]))
    digest.update(live_lots(state.books, state.tickets["handle"]))
    digest.update(np.ascontiguousarray(state.tickets["price_ticks"]))
    digest.update(np.int64(clock["tick"]).tobytes())
    return digest.hexdigest()
