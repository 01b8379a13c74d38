"""Lines of the six figures from runs: tables and ledgers of each seed on one clock, and words for what is not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from sim.calendar_ny import is_trading_day, session
from sim.report.weeks.lines import Found, Line, at_midnight, base_of, by_week, week_of
from sim.results import Run

HOUR_S, MINUTE_S, DAY_S = 3600.0, 60.0, 86400.0
HOURS_FROM_S = 2.0 * DAY_S
"""Runs of two days or more are shown by the hour, shorter ones by the minute."""
WITHIN = 0.01
BTC = "btc"
NO_BTC = "Not in this run: a listing of BTC"


def simulated(runs: Sequence[Run]) -> Found:
    """Every line that the runs can give, and a sentence for every channel that they do not have.

    Parameters
    ----------
    runs : sequence of Run
        Seeds of one scenario.
    """
    found = Found()
    books = [first_btc(run) for run in runs]
    known = [run for run in books if run is not None]
    _macro(runs, known, found)
    _flows(runs, found)
    _treasuries(runs, known, found)
    _open_interest(runs, known, found)
    _lending(runs, found)
    _depth(known, found)
    return found


def first_btc(run: Run) -> Run | None:
    """The market of BTC: the run itself, or the run of the first listing of BTC; None of a network without one."""
    names = [name for name, one in run.spec.listings.items() if one.asset == BTC]
    return run if not run.spec.listings else run.listings[names[0]] if names else None


def sampled(run: Run, values: pd.Series, how: Literal["last", "mean"]) -> pd.Series:
    """A column of ``series``, or a sum of some, by the hour: the last row of each or the mean; the start by itself.

    Parameters
    ----------
    run : Run
    values : Series
        On the rows of ``run.series``.
    how : {"last", "mean"}
    """
    elapsed = run.series["elapsed_s"].to_numpy()
    every = HOUR_S if elapsed[-1] - elapsed[0] >= HOURS_FROM_S else MINUTE_S
    key = np.minimum(np.ceil(np.round(elapsed / every, 9)) * every, elapsed[-1])
    return values.groupby(key).agg(how)


def _path(runs: Sequence[Run], column: Callable[[Run], pd.Series], how: Literal["last", "mean"]) -> pd.DataFrame:
    """Seeds by columns, moments by rows."""
    whole = pd.DataFrame({run.seed: sampled(run, column(run), how) for run in runs})
    start = pd.Timestamp(runs[0].spec.start_utc).as_unit("us")
    whole.index = start + pd.to_timedelta(np.round(whole.index.to_numpy() * 1e6).astype(np.int64), unit="us")
    return whole


def _line(figure: str, panel: str, series: str, path: pd.DataFrame) -> Line:
    values = path.to_numpy(np.float64).T
    return Line(figure, panel, series, "simulated", pd.DatetimeIndex(path.index).as_unit("us"), values, joined=True)


def _mark(books: Sequence[Run], figure: str, panel: str, found: Found) -> pd.DataFrame | None:
    """Mark of BTC; None and a sentence where nothing lists it."""
    if not books:
        found.say(figure, panel, NO_BTC)
        return None
    return _path(books, lambda run: run.series["mark_usd"], "last")


def _macro(runs: Sequence[Run], books: Sequence[Run], found: Found) -> None:
    spec = runs[0].spec
    mark = _mark(books, "macro", "index", found)
    if mark is not None:
        found.lines.append(_line("macro", "index", "BTC, mark", 100.0 * mark / mark.iloc[0]))
    if not spec.macro.enabled:
        found.say("macro", "index", "Not in this run: macro factors (macro.enabled is off)")
        return
    days = [session(day.date) for day in spec.macro.path]
    closes = pd.DatetimeIndex([hours[1] for hours in days if hours is not None]).as_unit("us")
    start = pd.Timestamp(spec.start_utc)
    for factor in spec.macro.path[0].levels:
        if not spec.macro.moves_by_log(factor):
            found.say("macro", "index", f"{factor} moves by differences: it has no index and is not drawn")
            continue
        levels = [day.levels[factor] for day, hours in zip(spec.macro.path, days, strict=True) if hours is not None]
        values = np.array(levels, np.float64)
        scaled = 100.0 * values[None, :] / base_of(closes, values, start)
        found.lines.append(Line("macro", "index", factor, "input", closes, scaled, joined=True))


def _whole_weeks(days: set[date]) -> tuple[set[date], dict[date, tuple[int, int]]]:
    """Fridays of the weeks of which every session is among the days, and of the others sessions held and all."""
    whole, part = set(), {}
    for friday in {week_of(day) for day in days}:
        week = [friday - timedelta(k) for k in range(5)]
        sessions = {day for day in week if is_trading_day(day)}
        if sessions <= days:
            whole.add(friday)
        else:
            part[friday] = (len(sessions & days), len(sessions))
    return whole, part


def _weekly(sums: Sequence[dict[date, float]], weeks: set[date]) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Fridays, and sums by seed and Friday; 0 where a seed has nothing in a week that it went through."""
    fridays = sorted(weeks)
    return at_midnight(fridays), np.array([[one.get(friday, 0.0) for friday in fridays] for one in sums])


def _say_part(found: Found, figure: str, panel: str, part: dict[date, tuple[int, int]]) -> None:
    for friday, (held, of) in sorted(part.items()):
        sentence = f"Week to {friday.day} {friday:%b}: the run holds {held} of {of} sessions, so it is not drawn"
        found.say(figure, panel, sentence)


def _dates(rows: pd.DataFrame, column: str) -> list[date]:
    return [date.fromisoformat(text) for text in rows[column]]


def _flows(runs: Sequence[Run], found: Found) -> None:
    if not all("etf" in run.ledgers for run in runs):
        found.say("etf", "flow", "Not in this run: spot funds (etf.enabled is off)")
        return
    published = [run.ledgers["etf"].loc[run.ledgers["etf"]["what"] == "published"] for run in runs]
    days = [_dates(rows, "flow_of") if len(rows) else [] for rows in published]
    whole, part = _whole_weeks(set.intersection(*map(set, days)))
    _say_part(found, "etf", "flow", part)
    if not whole:
        found.say("etf", "flow", "The run holds no whole week of New York's sessions: nothing simulated is drawn")
        return
    sums = [by_week(d, 1e-6 * rows["amount_usd"].to_numpy(np.float64)) for d, rows in zip(days, published, strict=True)]
    found.lines.append(Line("etf", "flow", "all funds", "simulated", *_weekly(sums, whole)))


def _treasuries(runs: Sequence[Run], books: Sequence[Run], found: Found) -> None:
    mark = _mark(books, "treasuries", "price", found)
    if mark is not None:
        found.lines.append(_line("treasuries", "price", "BTC, mark", mark))
    own = [run.ledgers["dat"][run.ledgers["dat"]["who"] == "strategy"] for run in runs if "dat" in run.ledgers]
    if len(own) < len(runs) or any(not len(rows[rows["what"] == "close"]) for rows in own):
        for panel in ("price", "bought", "premium"):
            found.say("treasuries", panel, "Not in this run: a close of Strategy's books (dat.enabled, dat.strategy)")
        return
    closes = [rows[rows["what"] == "close"].set_index("time_utc") for rows in own]
    for panel, series, column in (("price", "mean cost of all coins", "mean_cost_usd"), ("premium", "m_EV", "m_ev")):
        path = pd.DataFrame({run.seed: one[column] for run, one in zip(runs, closes, strict=True)})
        found.lines.append(_line("treasuries", panel, f"Strategy, {series}", path))
    whole, part = _whole_weeks(set.intersection(*(set(_dates(one, "date")) for one in closes)))
    _say_part(found, "treasuries", "bought", part)
    if not whole:
        return
    bought = [rows[rows["what"] == "buy coins"] for rows in own]
    coins = [by_week(_dates(rows, "date"), rows["coins"].to_numpy(np.float64)) for rows in bought]
    paid = [by_week(_dates(rows, "date"), -rows["amount_usd"].to_numpy(np.float64)) for rows in bought]
    fridays, amounts = _weekly(coins, whole)
    found.lines.append(Line("treasuries", "bought", "Strategy, coins bought", "simulated", fridays, amounts))
    price = np.divide(_weekly(paid, whole)[1], amounts, out=np.full_like(amounts, np.nan), where=amounts > 0.0)
    found.lines.append(Line("treasuries", "price", "Strategy, paid in the week", "simulated", fridays, price))


def _open_interest(runs: Sequence[Run], books: Sequence[Run], found: Found) -> None:
    listed = [name for name, one in runs[0].spec.listings.items() if one.asset == BTC]
    markets = {name: [run.listings[name] for run in runs] for name in listed}
    if books and not listed:
        markets = {f"{runs[0].spec.venue}, perp": list(books)}
    paths = {name: _path(each, lambda run: run.series["open_interest_btc"], "last") for name, each in markets.items()}
    paths = {name: path for name, path in paths.items() if (path.iloc[0] > 0.0).all()}
    if not paths:
        for panel in ("coins", "share"):
            found.say("open_interest", panel, "Not in this run: open interest of a perp of BTC at the start")
        return
    if len(paths) == 1:
        found.say("open_interest", "coins", f"One venue in this run ({next(iter(paths))}): others are recorded alone")
    for name, path in paths.items():
        found.lines.append(_line("open_interest", "coins", name, 1e-3 * path))
        found.lines.append(_line("open_interest", "share", name, 100.0 * path / path.iloc[0]))


def _lending(runs: Sequence[Run], found: Found) -> None:
    books = [run.ledgers.get("lending") for run in runs]
    days = [book[book["what"] == "day"] for book in books if book is not None]
    if len(days) < len(runs) or any(day.empty for day in days):
        for panel in ("owed", "share"):
            found.say("lending", panel, "Not in this run: a day of a lending protocol (lending.enabled)")
        return
    owed = pd.DataFrame(
        {run.seed: day.set_index("time_utc")["amount_usd"].abs() for run, day in zip(runs, days, strict=True)}
    )
    asset = runs[0].spec.lending.coin.upper()
    found.lines.append(_line("lending", "owed", f"loans against {asset}, one protocol", 1e-9 * owed))
    share = 100.0 * owed / float(runs[0].spec.lending.debt)
    found.lines.append(_line("lending", "share", f"loans against {asset}, one protocol", share))


def _depth(runs: Sequence[Run], found: Found) -> None:
    if not runs or not np.isfinite(runs[0].series["depth_bid_1pct_usd"].to_numpy(np.float64)).any():
        for panel in ("usd", "share"):
            found.say("depth", panel, "Not in this run: a perp book of BTC")
        return
    for percent in (1, 5):
        bid, ask = f"depth_bid_{percent}pct_usd", f"depth_ask_{percent}pct_usd"
        both = _path(runs, lambda run, b=bid, a=ask: run.series[b] + run.series[a], "mean")  # type: ignore[misc]
        found.lines.append(_line("depth", "usd", f"BTC perp, {percent} %, this venue", 1e-6 * both))
        if percent == 1:
            _share_of_the_morning(runs, both, found)


def _share_of_the_morning(runs: Sequence[Run], both: pd.DataFrame, found: Found) -> None:
    market = runs[0].spec.market
    points = (*market.perp_bid_depth, *market.perp_ask_depth)
    morning = sum(point.notional for point in points if point.within == WITHIN)
    if morning > 0.0:
        found.lines.append(_line("depth", "share", "BTC perp, 1 %, this venue", 100.0 * both / morning))
    else:
        found.say("depth", "share", "The scenario states no depth within 1 %: the run has no share of it")
