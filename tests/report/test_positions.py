"""Figures of closes, positions and the venue's fund, on columns made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from sim.experiments import base_run
from sim.report import closes, page, positions, style, tables
from sim.results import Run
from tests.report.conftest import made_run, made_spec


def with_columns(run: Run, **columns) -> Run:
    return replace(run, tables=run.tables._replace(series=run.series.assign(**columns)))


def steps(run: Run, at: int, size: float) -> np.ndarray:
    flow = np.zeros(len(run.series))
    flow[at] = size
    return flow


@pytest.fixture(scope="module")
def bare():
    """Ten minutes in which nobody closes anything and nothing of the venue moves."""
    run = made_run(1, made_spec(duration="10min"))
    none = dict.fromkeys([name for name, _ in (*closes.FORCED, *closes.CHOSEN)], 0.0)
    return with_columns(run, **none, fund_usd=1.23e9, deficit_usd=0.0, funding_rate_frac=1e-4)


def test_closes_by_cause_are_the_sums_of_their_columns(bare):
    run = with_columns(
        bare, stop_btc=steps(bare, 5, 700.0), forced_sell_btc=steps(bare, 9, 40.0), adl_btc=steps(bare, 9, 2.0)
    )
    figure = closes.closes_figure((run,), "abc")
    _, so_far, by_cause = figure.axes
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in so_far.get_lines()}
    assert drawn["forced: liquidated accounts"][[8, 9, -1]].tolist() == [0.0, 42.0, 42.0]
    assert drawn["chosen: stops, take-profits, panic"][[4, 5, -1]].tolist() == [0.0, 700.0, 700.0]
    widths = dict(
        zip([t.get_text() for t in by_cause.get_yticklabels()], [b.get_width() for b in by_cause.patches], strict=True)
    )
    assert widths == {
        **dict.fromkeys(widths, 0.0),
        "longs sold through the book": 40.0,
        "stops": 700.0,
        "closed against traders in profit (ADL)": 2.0,
    }
    assert so_far.get_ylabel() == by_cause.get_xlabel() == "BTC"
    assert (
        closes.closes_figure((made_run(1, made_spec(duration="10min", leveraged={"enabled": False})),), "abc") is None
    )


def test_positions_count_from_the_start(bare):
    held = 50_000.0 + 3_000.0 * np.linspace(0.0, 1.0, len(bare.series))
    figure = positions.positions_figure((with_columns(bare, latent_net_btc=held),), "abc")
    line = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}["latent layer"]
    assert line[0] == 0.0 and line[-1] == pytest.approx(3.0) and figure.axes[0].get_ylabel() == "thousand BTC"


def test_the_venue_shows_what_moved_and_nothing_else(bare):
    assert positions.venue_figure((bare,), "abc") is None
    fund = np.where(np.arange(len(bare.series)) < 60, 1.23e9, -2e6)
    run = with_columns(bare, fund_usd=fund, deficit_usd=np.maximum(0.0, -fund), adl_btc=steps(bare, 70, 12.0))
    figure = positions.venue_figure((run,), "abc")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [t.split()[0] for t in titles] == ["Insurance", "Closed"] and "below 0 a deficit" in titles[0]
    fund_line, adl_line = (max(axes.get_lines(), key=lambda x: len(x.get_ydata())) for axes in figure.axes)
    assert fund_line.get_ydata()[-1] == pytest.approx(-2.0) and figure.axes[0].get_ylabel() == "million USD"
    assert adl_line.get_ydata()[-1] == 12.0
    gain = positions.venue_figure((with_columns(bare, fund_usd=1.23e9 + np.cumsum(steps(bare, 5, 70.0))),), "abc")
    assert len(gain.axes) == 1 and "$1.23bn then" in gain.axes[0].get_title(loc="left")
    assert max(gain.axes[0].get_lines(), key=lambda x: len(x.get_ydata())).get_ydata()[-1] == 70.0


def test_who_is_switched_off_is_not_drawn(bare):
    off = {name: {"enabled": False} for name in ("arbitrage", "trend", "latent")}
    without = replace(bare, spec=made_spec(duration="10min", **off))
    figure = positions.positions_figure((without,), "abc")
    assert [t.get_text() for axes in figure.axes for t in axes.get_legend().get_texts()] == [
        "market makers",
        "dip buyers",
    ]


def test_units_fit_what_is_shown():
    assert style.scale(np.array([2e3, -3e6])) == (1e6, "million ")
    assert style.scale(np.array([999.0]), np.array([np.nan, 1e3])) == (1e3, "thousand ")
    assert style.scale(np.array([0.01])) == (1.0, "") and style.scale(np.empty(0)) == (1.0, "")


def test_deleveraged_coins_are_forced(bare):
    run = with_columns(bare, takeover_btc=steps(bare, 3, 5.0), adl_btc=steps(bare, 4, 7.0))
    assert base_run.forced_btc(run) == 12.0


def test_what_stops_a_fall_follows_the_switch_of_deleveraging(bare):
    gone = with_columns(bare, fund_usd=-1.0)
    assert "closed against traders in profit" in tables.runaway((gone,))
    without = replace(gone, spec=made_spec(duration="10min", clearing={"adl": False}))
    assert "switched off" in tables.runaway((without,))


def test_a_page_of_several_seeds_says_where_cascades_are_judged_and_a_calm_one_shows_its_facts():
    calm = made_spec(duration="20min")
    hit = made_spec(duration="20min", market={"bid_depth_share": "50%"})
    texts = {
        name: page.render([made_run(s, spec) for s in (1, 2)], "abc", None, {})
        for name, spec in (("calm", calm), ("hit", hit))
    }
    judged = "Whether a seed cascades is judged beside a base run"
    assert judged in texts["hit"] and "autocorrelation of 5-min returns" not in texts["hit"]
    assert judged not in texts["calm"] and "autocorrelation of 5-min returns" in texts["calm"]
    assert "shoal evidence" not in page.render([made_run(1, hit)], "abc", None, {})
