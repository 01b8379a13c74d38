"""The part of the report about all listings: sections with figures and tables, and lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from sim.report import markets, markets_time, style, words
from sim.report.heatmap import median_run
from sim.report.recorded import Recorded
from sim.report.sheet import Section
from sim.results import Run
from sim.results import markets as measured
from sim.results.summary import headline_after_s

CONDITION = "share of simulated seeds given scenario, depth and model; not a forecast"


def sections(runs: Sequence[Run], run_id: str, recorded: Recorded | None) -> list[Section]:
    """Sections in the order of the page; none for a run of one market."""
    if not runs[0].between:
        return []
    drawn = {
        "panel": markets.panel_figure(runs, run_id),
        "timeline": markets_time.timeline_figure(runs, run_id, recorded),
        "waterfall": markets.waterfall_figure(runs, run_id),
        "deleveraged": markets.adl_figure(runs, run_id),
        "gaps": markets_time.gap_figure(runs, run_id),
    }
    svg = {name: style.svg_bytes(f, f"{run_id}-{name}") if f is not None else b"" for name, f in drawn.items()}
    run, count = median_run(runs), f"{len(runs)} seed{'s' if len(runs) > 1 else ''}"
    of_one = f" The figure and the table are of seed {run.seed}, the one with the median fall." if len(runs) > 1 else ""
    replay = headline_after_s(run.spec) is not None
    return [
        Section(
            "Every listing: price by asset and exchange",
            [
                f"{len(run.spec.listings)} listings, {count}; {CONDITION}. Prices are fractions of that of "
                f"{markets.base_name(run)}, each in its own money; medians over seeds where there are several.",
                *([_POINTS] if replay else []),
            ],
            markets.listing_head(runs), markets.listing_rows(runs), svg["panel"],
        ),
        Section(
            "Timeline: events, forced flow, and what feeds would show",
            [
                *([_DAY] if replay else []), markets_time.feed_sentence(run),
                "Forced orders that traded through a book, by the minute, coins at their own price.",
            ],
            svg=svg["timeline"],
        ),
        Section(
            "Who bore the losses, by exchange",
            [_LAYERS + of_one],
            markets.waterfall_head(), markets.waterfall_rows(runs), svg["waterfall"],
        ),
        Section(
            "Who was deleveraged",
            [concentration_sentence(runs), *([_WHO + of_one] if svg["deleveraged"] else [])],
            markets.adl_head(runs), markets.adl_rows(runs), svg["deleveraged"],
        ),
        Section(
            "Gaps between exchanges, and what was on its way",
            [
                "One asset's dearest less its cheapest exchange over the median price; monies are not converted, so "
                "a gap to a dollar exchange holds the stable coin's own price. On its way: transfers between "
                "exchanges that have left and not arrived. Where transfers are halted, firms trade until one side's "
                "balance is used up."
            ],
            ["asset", "book", "largest gap", "at (UTC)", *(["range over seeds"] if len(runs) > 1 else [])],
            markets_time.gap_rows(runs), svg["gaps"],
        ),
    ]  # fmt: skip


_POINTS = (
    "Black diamonds are recorded lows, points and no paths: only lows were found for these books (EVENT F6 to F8, "
    "F10; altcoins: the median of 17 in dollars and of 12 coin-margined ones, the bar from the least to the deepest "
    "fall). They stand at 21:20 UTC; the lows themselves fell between 21:18 and 21:24. F9, the ratio of the two "
    "altcoin lows, has a recorded median of 0.39 over 11 coins."
)
_DAY = (
    "Marked are events of the day: the second headline at 20:50, transfers out of one exchange halted from 21:12 to "
    "22:19, the recorded low at 21:20, collateral tokens marked down on that exchange from 21:36 to 22:16. The first "
    "headline came at 14:57, before the run begins. The price marked as recorded is that of the first listing alone."
)
_LAYERS = (
    "Margin: what owners who were liquidated or taken over had on the exchange at the start, less what they have at "
    "the end. Fund or vault: its worth at the start and its clearance fees, less its worth at the end; below 0 it "
    "gained. Deleveraged traders: what they got less than at mark. Deficit: what the fund owes at the end, which "
    "nobody bore. The layers of an exchange sum to the last column to a micro-dollar."
)
_WHO = (
    "By the kind of trader whose position in profit was closed. Hedges broken are positions of hedgers, arbitrage "
    "and bridge firms, and cross-margin accounts with longs and shorts: what stood against them stays open. An "
    "account with positions in several listings is one owner."
)


def concentration_sentence(runs: Sequence[Run]) -> str:
    """How many seeds deleverage anybody, and how concentrated it is in the median seed with any."""
    found = [(run, measured.deleveraged(run)) for run in runs]
    hit = [(run, closed) for run, closed in found if len(closed)]
    if not hit:
        return f"Nobody was deleveraged in {len(runs)} seed{'s' if len(runs) > 1 else ''}."
    run, closed = sorted(hit, key=lambda pair: float(pair[1]["usd"].sum()))[(len(hit) - 1) // 2]
    n = measured.concentration(closed)
    shares = [words.amount(n[f"{key}_frac"], "fraction") for key in ("top_1", "top_10", "top_1pct", "hedges")]
    return (
        f"{len(hit)} of {len(runs)} seeds deleverage somebody ({CONDITION}). Seed {run.seed}: "
        f"{words.amount(float(closed['usd'].sum()), 'USD')} of {n['owners']:,.0f} owners; the first of them bore "
        f"{shares[0]}, the first ten {shares[1]}, the first hundredth {shares[2]}; {shares[3]} broke hedges."
        + (
            " Recorded on one exchange: ten accounts 46 %, a hundredth 84 % (EVENT F39)."
            if headline_after_s(run.spec) is not None
            else ""
        )
    )


def terminal_lines(runs: Sequence[Run]) -> list[str]:
    """Short table by listing for ``shoal run``, and who bore the losses; none for a run of one market."""
    if not runs[0].between:
        return []
    chosen = (0, 5, 6, 7, 8, 9)
    head = [markets.listing_head(runs)[k] for k in chosen]
    rows = [[row[k] for k in chosen] for row in markets.listing_rows(runs)]
    wide = [max(len(row[k]) for row in [head, *rows]) for k in range(len(chosen))]
    lines = [
        "  ".join([row[0].ljust(wide[0]), *(cell.rjust(w) for cell, w in zip(row[1:], wide[1:], strict=True))])
        for row in [head, *rows]
    ]
    whole = [measured.waterfall(run).sum() for run in runs]
    middle = whole[[run.seed for run in runs].index(median_run(runs).seed)]
    borne = ", ".join(
        f"{name} {words.amount(float(middle[f'{key}_usd']), 'USD')}" for key, name in markets.LAYER_NAMES.items()
    )
    return [*lines, f"losses of the liquidated, seed {median_run(runs).seed}: {borne}", concentration_sentence(runs)]
