"""What the listings of a network share: one table that says where each lies, and the arrays they lie in.

The arrays of a listing that no tick replaces are parts of shared ones, so that what couples listings reaches all of
them at once. Ladders and levels are named by their place in the shared arrays; slots, tickets and rows of accounts stay
the listing's own.
"""

from typing import Any, NamedTuple

import numpy as np

# One row a listing: where it lies in the shared arrays, and its units.
LISTING = np.dtype(
    [
        ("account0", "i8"),  # first row in the shared accounts
        ("n_owners", "i8"),
        ("position0", "i8"),  # first of 2 x n_owners shared positions: the perp's, then the coins
        ("asset", "i8"),
        ("next_same", "i8"),  # 1 + the next listing of the same asset, 0 for the last
        ("exchange", "i8"),
        ("quote", "i8"),
        ("has_perp", "i8"),
        ("has_spot", "i8"),
        ("half_tick_nano", "i8"),
        ("median", "i8"),  # 1: the index is the weighted median, 0: the weighted mean
        ("deviation", "f8"),
        ("stale_us", "i8"),
        ("n_inbox", "i8"),
        ("inbox0", "i8"),  # first row in the shared inbox
        ("inbox_end", "i8"),
        ("maker0", "i8"),  # first row in the shared makers
        ("n_makers", "i8"),
    ]
)


class Shared(NamedTuple):
    """``listings`` LISTING[n], ``price`` PRICE[n], ``clock`` CLOCK[n], ``rules`` RULES[2 n], ``sides`` SIDE[4 n],
    ``levels`` LEVEL[...], ``words`` uint64[...], ``accounts`` ACCOUNT[...], ``positions`` int64[...], ``inbox``
    MESSAGE[...], ``makers`` MAKER[...]; rows of a listing lie together, in the order of ``listings``.
    """

    listings: Any
    price: Any
    clock: Any
    rules: Any
    sides: Any
    levels: Any
    words: Any
    accounts: Any
    positions: Any
    inbox: Any
    makers: Any
