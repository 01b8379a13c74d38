"""Tables of a network beside those of its listings: what was on its way, what the liquidated had, whose accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.network.watch import GROUPS
from sim.results import frames

if TYPE_CHECKING:
    from sim.network.spool import Spool
    from sim.network.watch import Watched
    from sim.results.frames import Rows

_NAMES = np.array([name.replace("_", " ") for name in GROUPS], dtype=object)


def table_of(
    spool: Spool, watched: Watched, listing: str, name: str, rows: Rows, constants: Mapping[str, Any],
    start_utc: datetime,
) -> pd.DataFrame:  # fmt: skip
    """As ``frames.table_of`` for a listing of a network, whose rows lie in a file: its pages are given up again. Events
    say whose account they were.
    """
    table = frames.table_of(name, rows, constants, start_utc)
    if name == "events":
        name_owners(table, watched, listing)
    spool.release()
    return table


def transit_frame(watched: Watched, exchanges: Sequence[str], start_utc: datetime) -> pd.DataFrame:
    """One row a minute and exchange: dollars and coins on their way there, legs of bridge firms sent and stopped.

    Parameters
    ----------
    watched : Watched
        As ``Network.watched`` gives it.
    exchanges : sequence of str
        Names by their number.
    start_utc : datetime
        Start of the scenario.
    """
    rows = watched.transit
    start = pd.Timestamp(start_utc).as_unit("us")
    return pd.DataFrame(
        {
            "time_utc": start + pd.to_timedelta(np.asarray(rows["time_us"], dtype="m8[us]")),
            "elapsed_s": rows["time_us"] / 1e6,
            "exchange": pd.array(np.array(exchanges, object)[rows["exchange"]], dtype="str"),
            "cash_on_way_usd": rows["cash_micro"] / 1e6,
            "coins_on_way_usd": rows["coins_micro"] / 1e6,
            "legs_sent": rows["legs_sent"].copy(),
            "legs_stopped": rows["legs_stopped"].copy(),
        }
    )


def stakes_frame(watched: Watched, listings: Sequence[str]) -> pd.DataFrame:
    """One row for each account of an owner who was liquidated anywhere, and for each listing's fund."""
    rows = watched.stakes
    return pd.DataFrame(
        {
            "listing": pd.array(np.array(listings, object)[rows["listing"]], dtype="str"),
            "account": rows["account"].copy(),
            "group": pd.array(_NAMES[rows["group"]], dtype="str"),
            "owner": rows["owner"].copy(),
            "start_usd": rows["start_micro"] / 1e6,
            "end_usd": rows["end_micro"] / 1e6,
        }
    )


def name_owners(events: pd.DataFrame, watched: Watched, listing: str) -> None:
    """Add whose account each event was: columns ``group`` and ``owner``, empty and -1 where there is no account."""
    account = events["account"].to_numpy()
    known = (account >= 0) & (account < len(watched.owners[listing]))
    at = np.where(known, account, 0)
    events["group"] = pd.array(np.where(known, _NAMES[watched.groups[listing][at]], ""), dtype="str")
    events["owner"] = np.where(known, watched.owners[listing][at], np.int64(-1))
