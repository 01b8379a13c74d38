"""The rule of investors in spot BTC funds, fitted before the event, and what it says of the six weeks after.

A day of flow is a New York trading day; its own return is that from the close of the trading day before to the close
of 16:00 New York of the day itself, so a Monday's holds the weekend. Both are known only after that close, and the
rule uses nothing later: the day's return is what investors answered, not what their flow foretold.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from calibration.etf_rule import Fit, Floats, crps, drawn, fit, run
from calibration.later_figures import etf_terms, least_squares
from calibration.recordings import btc_daily, etf_flows, etf_flows_of_the_first_months, ibit_daily
from calibration.tables import Cell, table

LAST_DAY = "2025-10-09"  # nothing later enters a fit or the choice of the rule
FIRST_AHEAD, LAST_AHEAD = "2025-10-10", "2025-11-21"
HELD = 1.38e6  # coins that the funds held in early October 2025: row A12
COINS_PER_SHARE = 22.72 / 40_000  # of IBIT, 25 June 2025: basket of its registration of 27 June 2025
SETTLING = 60  # trading days after the launch that are left out: coins of an older fund left it in those weeks
HIGH, TREND = 60, 20  # trading days of the states
AHEAD = 31  # trading days from 10 October to 21 November 2025
HISTORY, EVERY = 150, 10  # days that a fit of the backtest has at least; days between its origins
BLOCK, DRAWS, DRAWS_BACK = 10, 500, 50  # days of a drawn block: two weeks; drawn fits
PATHS, SEED = 20_000, 16
COVERS = (0.50, 0.80, 0.95)
RULES: dict[str, tuple[str, ...]] = {
    "lagged": ("r1", "r2_6"),
    "same_day": ("r0", "r1", "r2_6"),
    "cost_sign": ("r0", "r1", "r2_6", "below_cost"),
    "cost_gain": ("r0", "r1", "r2_6", "over_cost"),
    "trend": ("r0", "r1", "r2_6", "trend"),
    "drawdown": ("r0", "r1", "r2_6", "drawdown"),
}
"""Rules by name, each with its terms beside a constant; the last four have a state."""
PUBLISHED = (-4.9, "founding article, since mid-October")
MONTH = -2.96  # $bn, November to the 22nd: row A10
A11 = (69.0, 0.41, 52.0, 7.0)  # row A11 as published, $m


def etf_flow(data: Path) -> str:
    """Coefficients, backtest and the event of every rule, as one file."""
    days, flow = rows(data), flows(data)
    before = days.loc[:LAST_DAY].dropna()
    results = {name: backtest(before, terms, flow) for name, terms in RULES.items()}
    chosen = choice({name: score for name, (score, _) in results.items()})
    out = [*_facts(before, flow)]
    for name, (score, ranks) in results.items():
        out += _backtest_rows(name, score, ranks)
    out.append(["choice", chosen, "least score of the rules with a state", None, None, None, None])
    ahead = days.loc[FIRST_AHEAD:LAST_AHEAD]
    for name, terms in RULES.items():
        rng = np.random.default_rng(SEED)
        fits = drawn(*_arrays(before, terms), DRAWS, BLOCK, rng)
        sums = np.cumsum(dollars(fits, before, ahead, terms, PATHS, rng), axis=1) / 1e9
        out += _coefficients(name, terms, fit(*_arrays(before, terms)), fits)
        out += _event_rows(name, sums, known_days(ahead, flow))
        if name == chosen:
            out += _parts(before, ahead, terms)
            out += _later_start(days, ahead, terms, flow)
    out += [*_recorded(flow), *_as_published(data, ahead)]
    return table(HEADER, ("part", "rule", "quantity", "value", "low", "high", "unit"), out)


HEADER = (
    "Daily net flow into US spot BTC funds as a rule of the price, fitted to 9 October 2025, and the six weeks after.",
    "Source: flows: choosenobody/GoldTrendAlert, da3315fa (28 August 2024 to 6 November 2025), before it",
    "0xLearn2Earn/btc-etf-flows, a5a61621; closes of IBIT: aaronwu2017/TheGlory, 929fd9c3; BTC closes of A11 rows:",
    "Sashamine/dat-tracker-next, c0c17e00; coins held: row A12; coins a share: IBIT's registration of 27 June 2025.",
    "Licence: the repositories state none; no recording is shipped, the rounded figures below are facts.",
    "Method: flow in bp of the funds' assets (coins x price at the close of the day before), on log returns in % of",
    "IBIT from close to close, 16:00 New York, trading days only: r0 of the day itself, r1 of the day before, r2_6 sum",
    "of the five before that. States at the close before: below_cost 1 or 0, and over_cost in %, against the mean",
    "price of net purchases; trend: return of 20 days; drawdown: % against the highest close of 60. Noise AR(1),",
    "Student t. Greatest likelihood; low and high: 95 % of 500 fits on drawn blocks of ten days. The first 60 trading",
    "days after the launch are left out. Backtest: fitted anew every ten days on the days before, price path of the",
    "next 31 days given, flows not; score: mean CRPS of their sum in % of assets. Chosen by it among the rules with a",
    "state, before the event; all are shown. Event: price of 10 October to 21 November given, 20,000 paths. Rounding:",
    "as printed.",
)


def flows(data: Path) -> pd.Series:
    """Net flow by trading day since the launch, USD; where two collectors have a day, the later file's."""
    late = etf_flows(data)
    early = etf_flows_of_the_first_months(data)
    return pd.concat([early[early.index < late.index[0]], late])


def rows(data: Path) -> pd.DataFrame:
    """One row a trading day with its flow (bp of assets, NaN where none is recorded) and all terms.

    Assets, states and r1, r2_6 are of the close before; columns ``assets`` in USD, ``close`` in USD a coin.
    """
    return terms_of(ibit_daily(data) / COINS_PER_SHARE, flows(data)).iloc[SETTLING:]


def terms_of(close: pd.Series, flow: pd.Series) -> pd.DataFrame:
    """Terms of every trading day in ``close``; USD a coin, flows in USD."""
    day = 100.0 * np.log(close).diff()
    coins = (flow / close.reindex(flow.index)).cumsum()
    coins = coins - coins.loc[LAST_DAY] + HELD
    assets = (coins.reindex(close.index).ffill() * close).shift(1)
    over = 100.0 * np.log(close / mean_cost(close, flow).reindex(close.index).ffill()).shift(1)
    return pd.DataFrame(
        {
            "flow": 1e4 * flow.reindex(close.index) / assets,
            "assets": assets,
            "close": close,
            "r0": day,
            "r1": day.shift(1),
            "r2_6": day.shift(2).rolling(5).sum(),
            "below_cost": (over < 0.0).astype(np.float64),
            "over_cost": over,
            "trend": day.rolling(TREND).sum().shift(1),
            "drawdown": 100.0 * np.log(close / close.rolling(HIGH, min_periods=1).max()).shift(1),
        }
    )


def mean_cost(close: pd.Series, flow: pd.Series) -> pd.Series:
    """Mean price of the coins that net flow bought, at the end of each day; outflow takes coins at that mean."""
    money, coins, out = 0.0, 0.0, []
    for day, amount in flow.items():
        bought = float(amount) / float(close[day])
        money += float(amount) if bought > 0.0 else money / coins * max(bought, -coins) if coins > 0.0 else 0.0
        coins = max(coins + bought, 0.0)
        out.append(money / coins if coins > 0.0 else np.nan)
    return pd.Series(out, index=flow.index)


def dollars(
    fits: Fit, before: pd.DataFrame, ahead: pd.DataFrame, terms: tuple[str, ...], paths: int, rng: np.random.Generator
) -> Floats:
    """Flow of each day ahead, USD, float64[paths, h]: assets follow the price given and the path's own flow.

    Of the days ahead only prices are read: what investors paid on average stays where it was on the last day known.
    """
    last = before.iloc[-1]
    bp = run(fits, _x(at_cost_of_start(ahead), terms), (_x(before.tail(1), terms)[0], float(last["flow"])), paths, rng)
    growth = np.exp(ahead["r0"].to_numpy() / 100.0)
    assets = np.full(paths, last["assets"] * (np.exp(last["r0"] / 100.0) + 1e-4 * last["flow"]))
    out = np.empty_like(bp)
    for day in range(bp.shape[1]):
        out[:, day] = 1e-4 * bp[:, day] * assets
        assets = assets * growth[day] + out[:, day]
    return out


def at_cost_of_start(ahead: pd.DataFrame) -> pd.DataFrame:
    """The days ahead with the state of cost that prices alone give: the first row's cost is known, and stays."""
    over = ahead["over_cost"].iloc[0] + ahead["r0"].cumsum().shift(1, fill_value=0.0)
    return ahead.assign(over_cost=over, below_cost=(over < 0.0).astype(np.float64))


def backtest(before: pd.DataFrame, terms: tuple[str, ...], flow: pd.Series) -> tuple[float, Floats]:
    """Mean score of the rule over origins, and the share of paths below the recorded sum at each.

    The flow of a window is the recorded dollars; the score is taken in % of the assets at its start.
    """
    scores, ranks = [], []
    for origin in origins(len(before)):
        known, ahead = before.iloc[:origin], before.iloc[origin : origin + AHEAD]
        rng = np.random.default_rng(SEED + origin)
        fits = drawn(*_arrays(known, terms), DRAWS_BACK, BLOCK, rng)
        sums = dollars(fits, known, ahead, terms, PATHS // 10, rng).sum(axis=1)
        recorded, base = float(flow[ahead.index].sum()), float(ahead["assets"].iloc[0])
        scores.append(crps(100.0 * sums / base, 100.0 * recorded / base))
        ranks.append((sums < recorded).mean())
    return float(np.mean(scores)), np.array(ranks)


def origins(n: int) -> range:
    """First days ahead, counted in ``n`` days known: a window ends with the last of them at the latest."""
    return range(HISTORY, n - AHEAD + 1, EVERY)


def choice(scores: dict[str, float]) -> str:
    """The rule of the least score among those with a state."""
    return min(list(RULES)[2:], key=lambda name: scores[name])


def known_days(ahead: pd.DataFrame, flow: pd.Series) -> int:
    """Days ahead whose flow is in the file."""
    return int((ahead.index <= flow.index[-1]).sum())


def _arrays(days: pd.DataFrame, terms: tuple[str, ...]) -> tuple[Floats, Floats]:
    return _x(days, terms), days["flow"].to_numpy()


def _x(days: pd.DataFrame, terms: tuple[str, ...]) -> Floats:
    return np.column_stack([np.ones(len(days)), *(days[term] for term in terms)])


def _interval(sample: Floats, form: str, width: float = 0.95) -> tuple[str, str]:
    low, high = np.quantile(sample, (0.5 - width / 2.0, 0.5 + width / 2.0))
    return f"{low:{form}}", f"{high:{form}}"


def _facts(before: pd.DataFrame, flow: pd.Series) -> list[list[Cell]]:
    """What was fitted, and that flow goes with returns of its day and the day before, not of the day after."""
    y, ret = before["flow"], before["r0"]
    out: list[list[Cell]] = [
        ["data", None, f"days, {before.index[0].date()} to {before.index[-1].date()}", len(before), None, None, "1"],
        ["data", None, "recorded flow, last day", str(flow.index[-1].date()), None, None, None],
        ["data", None, "assets at the close of 8 October", f"{before['assets'].iloc[-1] / 1e9:.0f}", None, None, "$bn"],
        ["data", None, "standard deviation of flow", f"{y.std():.1f}", None, None, "bp"],
        ["data", None, "autocorrelation of flow at a day", f"{y.autocorr():.2f}", None, None, "1"],
    ]
    for lag, what in ((-1, "day after"), (0, "day itself"), (1, "day before"), (2, "second day before")):
        found = f"{y.corr(ret.shift(lag)):.2f}"
        out.append(["data", None, f"correlation of flow with the return of the {what}", found, None, None, "1"])
    return out


def _coefficients(name: str, terms: tuple[str, ...], best: Fit, fits: Fit) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    units = {"constant": "bp", "below_cost": "bp"}
    for n, term in enumerate(("constant", *terms)):
        row = [f"{best.b[0, n]:.2f}", *_interval(fits.b[:, n], ".2f"), units.get(term, "bp/%")]
        rows.append(["coefficient", name, term, *row])
    for term, one, form, unit in (("rho", "rho", ".2f", "1"), ("s", "s", ".1f", "bp"), ("nu", "nu", ".0f", "1")):
        row = [f"{getattr(best, one)[0]:{form}}", *_interval(getattr(fits, one), form), unit]
        rows.append(["coefficient", name, term, *row])
    return rows


def _backtest_rows(name: str, score: float, ranks: Floats) -> list[list[Cell]]:
    """Score, and how often the interval held the recorded sum: all origins, and those whose windows do not overlap."""
    apart = ranks[:: -(-AHEAD // EVERY)]
    out: list[list[Cell]] = [
        ["backtest", name, "mean CRPS of 31 days", f"{score:.3f}", None, None, "% of assets"],
        ["backtest", name, "origins, and those that do not overlap", ranks.size, None, apart.size, "1"],
        ["backtest", name, "mean share of paths below the recorded sum", f"{ranks.mean():.2f}", None, None, "1"],
    ]
    for width in COVERS:
        inside = np.abs(ranks - 0.5) <= width / 2.0
        what = f"held by the {width:.0%} interval: share, and number of those apart"
        apart_inside = int((np.abs(apart - 0.5) <= width / 2.0).sum())
        out.append(["backtest", name, what, f"{inside.mean():.2f}", None, apart_inside, "1"])
    return out


def _event_rows(name: str, sums: Floats, known: int) -> list[list[Cell]]:
    """Sums in $bn at the last recorded day and at the end; ``sums`` is cumulative, float64[paths, h]."""
    out: list[list[Cell]] = []
    for what, day in (("10 October to 6 November", known - 1), ("10 October to 21 November", AHEAD - 1)):
        for width in (0.95, 0.80):
            row = [f"{np.median(sums[:, day]):.1f}", *_interval(sums[:, day], ".1f", width), "$bn"]
            out.append(["event", name, f"{what}, {width:.0%}", *row])
    below = float((sums[:, -1] < PUBLISHED[0]).mean())
    out.append(["event", name, f"share of paths below {PUBLISHED[0]:g} $bn", f"{below:.2f}", None, None, "1"])
    return out


def _parts(before: pd.DataFrame, ahead: pd.DataFrame, terms: tuple[str, ...]) -> list[list[Cell]]:
    """What each term adds to the six weeks at the coins held on 9 October, noise left out."""
    b = fit(*_arrays(before, terms)).b[0]
    assets = HELD * ahead["close"].shift(1, fill_value=before["close"].iloc[-1]).to_numpy()
    added = (1e-4 * b * _x(at_cost_of_start(ahead), terms) * assets[:, None]).sum(axis=0) / 1e9
    return [
        ["parts", None, term, f"{float(one):.1f}", None, None, "$bn"]
        for term, one in zip(("constant", *terms), added, strict=True)
    ]


def _later_start(days: pd.DataFrame, ahead: pd.DataFrame, terms: tuple[str, ...], flow: pd.Series) -> list[list[Cell]]:
    """The chosen rule on the days of one collector alone."""
    before, rng = days.loc["2024-08-28":LAST_DAY], np.random.default_rng(SEED)
    fits = drawn(*_arrays(before, terms), DRAWS, BLOCK, rng)
    sums = np.cumsum(dollars(fits, before, ahead, terms, PATHS, rng), axis=1) / 1e9
    return _event_rows("chosen, fitted from 28 August 2024", sums, known_days(ahead, flow))


def _recorded(flow: pd.Series) -> list[list[Cell]]:
    out: list[list[Cell]] = []
    file, october = (float(flow.loc[FIRST_AHEAD:end].sum()) / 1e9 for end in (LAST_AHEAD, "2025-10-31"))
    both = f"{october + MONTH:.2f}"
    for what, value in (
        ("10 October to 6 November, file", f"{file:.2f}"),
        ("10 to 31 October, file", f"{october:.2f}"),
        ("10 October to 21 November, file and row A10", both),
        (PUBLISHED[1], f"{PUBLISHED[0]:.1f}"),
    ):
        out.append(["recorded", None, what, value, None, None, "$bn"])
    return out


def _as_published(data: Path, ahead: pd.DataFrame) -> list[list[Cell]]:
    """A11 as it was published (fitted to 6 November), and its form fitted to 9 October, on UTC closes by day."""
    close, flow = btc_daily(data), etf_flows(data) * 1e-6
    terms = etf_terms(close, flow)
    known = terms.loc[:LAST_DAY].dropna()
    slopes = least_squares(known)
    out: list[list[Cell]] = []
    for name, b in (("A11 as published", np.array(A11)), ("A11, fitted to 9 October", slopes)):
        left = known["flow"].to_numpy() - known.drop(columns="flow").to_numpy() @ b
        rng = np.random.default_rng(SEED)
        x = terms.reindex(ahead.index).drop(columns="flow").to_numpy()
        last, sums = np.full(PATHS, known["flow"].iloc[-1]), np.zeros(PATHS)
        for day in x:
            last = b[0] + b[1] * last + b[2] * day[2] + b[3] * day[3] + rng.choice(left - left.mean(), PATHS)
            sums += last
        row = [f"{np.median(sums) / 1e3:.1f}", *_interval(sums / 1e3, ".1f"), "$bn"]
        out.append(["event", name, "10 October to 21 November, 95%", *row])
        alone = b[0] / (1.0 - b[1]) * len(x) / 1e3
        out.append(["event", name, "the constant alone, in the long run", f"{alone:.1f}", None, None, "$bn"])
    last, total = float(known["flow"].iloc[-1]), 0.0
    for _, day in ahead.iterrows():
        last = A11[0] + A11[1] * last + A11[2] * day["r1"] + A11[3] * day["r2_6"]
        total += last
    what = "10 October to 21 November, returns of trading days"
    return [*out, ["event", "A11 as published", what, f"{total / 1e3:.1f}", None, None, "$bn"]]
