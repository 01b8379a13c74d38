"""Macro factors: what a path means in ramps of the news value, regimes and betas, the CSV slot and its errors."""

import math

import pytest

from sim.errors import ScenarioError
from sim.network.build import build_network
from sim.news_path import macro_ramps, own_noise
from sim.scenario.load import load_spec
from sim.scenario.write import spec_to_yaml
from tests.market.small import market_of, spec_of
from tests.network.small import spec_of as network_spec
from tests.scenario.broken import HEAD

CSV = "# mine\ndate,nasdaq,gold\n2025-10-09,600,100\n2025-10-10,580,102\n2025-10-13,590,103\n"
DAYS = [
    {"date": "2025-10-09", "levels": {"nasdaq": 600.0, "gold": 100.0, "cut_odds": 0.5}},
    {"date": "2025-10-10", "levels": {"nasdaq": 580.0, "gold": 102.0, "cut_odds": 0.6}},
    {"date": "2025-10-13", "levels": {"nasdaq": 590.0, "gold": 103.0, "cut_odds": 0.4}},
]
HOUR = 3_600_000_000


def spec_with(folder, text, more="enabled: true"):
    (folder / "my_macro.csv").write_text(text)
    (folder / "mine.yaml").write_text(HEAD + f"macro: {{path: my_macro.csv, {more}}}\n")
    return load_spec(folder / "mine.yaml")


def macro_of(**more):
    return {"enabled": True, "path": DAYS, **more}


def test_a_day_moves_the_value_over_its_session_by_beta_times_its_log_return():
    """From 9 October noon: the sessions of the 10th and of the 13th, 13:30 to 20:00 UTC."""
    spec = spec_of(
        start_utc="2025-10-09T12:00:00Z", macro=macro_of(betas={"nasdaq": 2.0, "gold": 0.5, "cut_odds": 0.1})
    )
    (start0, end0, move0), (start1, end1, move1) = macro_ramps(spec).tolist()
    assert (start0, end0) == (int(25.5 * HOUR), 32 * HOUR)
    assert (start1, end1) == (int(97.5 * HOUR), 104 * HOUR)
    assert move0 == pytest.approx(2.0 * math.log(580 / 600) + 0.5 * math.log(1.02) + 0.1 * 0.1)
    assert move1 == pytest.approx(2.0 * math.log(590 / 580) + 0.5 * math.log(103 / 102) - 0.1 * 0.2)


def test_what_lies_before_the_start_is_left_out():
    whole = macro_ramps(spec_of(start_utc="2025-10-09T12:00:00Z", macro=macro_of()))
    part = macro_ramps(spec_of(start_utc="2025-10-10T18:30:00Z", macro=macro_of()))  # 1.5 h of 6.5 h are left
    assert part["start_us"].tolist() == [0, 67 * HOUR]
    assert part[0]["log_move"] == pytest.approx(whole[0]["log_move"] * 1.5 / 6.5)
    assert part[1]["log_move"] == whole[1]["log_move"]
    assert len(macro_ramps(spec_of(start_utc="2025-10-10T20:20:00Z", macro=macro_of()))) == 1


def test_regimes_hold_from_their_day_on():
    regimes = [{"first": "2025-10-13", "betas": {"gold": 3.0}}]
    spec = spec_of(start_utc="2025-10-09T12:00:00Z", macro=macro_of(regimes=regimes, scale=2.0))
    before, after = macro_ramps(spec)["log_move"]
    assert before == pytest.approx(2.0 * 1.07 * math.log(580 / 600))
    assert after == pytest.approx(2.0 * 3.0 * math.log(103 / 102))


def test_each_asset_has_its_own_betas_or_its_share_of_the_first_ones():
    spec = spec_of(start_utc="2025-10-09T12:00:00Z", macro=macro_of(assets={"eth": {"gold": 2.0}}))
    shared, own = macro_ramps(spec, "sol", 1.5), macro_ramps(spec, "eth", 1.5)
    assert shared[0]["log_move"] == pytest.approx(1.5 * 1.07 * math.log(580 / 600))
    assert own[0]["log_move"] == pytest.approx(2.0 * math.log(1.02))


def test_factors_that_are_off_leave_the_market_as_it_is():
    off = market_of(macro=macro_of(enabled=False))
    none = market_of()
    for market in (off, none):
        market.run_until(30.0)
    assert off.state_hash() == none.state_hash()
    assert own_noise(off.spec) == own_noise(none.spec) == none.spec.news.noise_per_day


def test_the_value_follows_and_the_rest_of_the_noise_is_its_own():
    quiet = {"news": {"noise_per_day": 0.0}, "leveraged": {"enabled": False}, "start_utc": "2025-10-10T13:30:00Z"}
    market = market_of(macro=macro_of(), **quiet)
    market.run_until(390.0)
    expected = 1000.0 * math.exp(1.07 * math.log(580 / 600) * 390 / 23_400)
    assert market.collect().series["value_usd"][-1] == pytest.approx(expected, rel=1e-4)
    spec = spec_of(macro=macro_of(own_variance="36%"))
    assert own_noise(spec) == pytest.approx(0.6 * spec.news.noise_per_day)


def test_a_network_gives_each_listing_the_moves_of_its_asset(tmp_path):
    listings = {
        "btc": {"asset": "btc", "exchange": "a"},
        "eth": {"asset": "eth", "exchange": "a", "market": {"price": "$4000"}, "news": {"path": None}},
        "sol": {"asset": "sol", "exchange": "a", "market": {"price": "$4000"}},
    }
    path = [{"at": "1min", "move": -0.01}]
    spec = network_spec(
        tmp_path, listings, {"assets": {"eth": {"beta": 1.3}, "sol": {"beta": 1.5}}}, news={"path": path},
        start_utc="2025-10-10T13:30:00Z", macro=macro_of(assets={"eth": {"gold": 2.0}}),
    )  # fmt: skip
    network = build_network(spec)
    own = {name: market.state.ramps["log_move"].tolist() for name, market in network.markets.items()}
    drop, moves = math.log(0.99), [math.log(580 / 600), math.log(590 / 580)]
    assert own["btc"] == pytest.approx([drop, *(1.07 * move for move in moves)])
    assert own["sol"] == pytest.approx([1.5 * drop, *(1.5 * 1.07 * move for move in moves)])
    assert own["eth"] == pytest.approx([2.0 * math.log(1.02), 2.0 * math.log(103 / 102)])


def test_a_file_is_carried_with_the_scenario(tmp_path):
    spec = spec_with(tmp_path, CSV)
    assert [day.levels for day in spec.macro.path] == [
        {"nasdaq": 600.0, "gold": 100.0}, {"nasdaq": 580.0, "gold": 102.0}, {"nasdaq": 590.0, "gold": 103.0}
    ]  # fmt: skip
    (tmp_path / "my_macro.csv").unlink()
    (tmp_path / "again.yaml").write_text(spec_to_yaml(spec))
    assert load_spec(tmp_path / "again.yaml") == spec


WRONG = {
    "empty": ("", "must begin with 'date,<factor>' and more factors, names in lower case, got ''"),
    "heading": ("date,QQQ\n", "must begin with 'date,<factor>' and more factors, names in lower case, got 'date,QQQ'"),
    "date": (CSV + "soon,1,2\n", "line 6: expected a date such as 2025-10-10, got 'soon'"),
    "backwards": (CSV + "2025-10-10,1,2\n", "line 6: days must rise, got 2025-10-10 after 2025-10-13"),
    "weekend": (CSV + "2025-10-18,1,2\n", "line 6: shares do not trade in New York on 2025-10-18: leave the row out"),
    "beyond": (CSV + "2031-10-17,1,2\n", "line 6: the calendar of nyse holds 2024-01-01 to 2026-12-31, not 2031-10-17"),
    "columns": (CSV + "2025-10-14,1\n", "line 6: expected 3 columns, got 2"),
    "word": (CSV + "2025-10-14,1,high\n", "line 6: expected a number, got 'high'"),
    "zero": (CSV + "2025-10-14,0,1\n", "0 has no logarithm: give a level above 0, or say that it moves by its differ"),
    "one day": ("date,nasdaq\n2025-10-10,1\n", "1 days move nothing: give two or more, or leave macro.enabled off"),
    "factor": (
        "date,gold\n2025-10-09,1\n2025-10-10,1\n",
        "the path has no factor nasdaq (it has gold): add its column",
    ),
    "far": (CSV + "2025-10-14,1,1\n", "moves the news value more than tenfold by this day: lower the betas"),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG)
def test_every_wrong_file_is_refused_in_one_line(tmp_path, text, sentence):
    with pytest.raises(ScenarioError) as caught:
        spec_with(tmp_path, text)
    (line,) = caught.value.problems
    assert "mine.yaml:" in line
    assert sentence in line


def test_a_list_in_the_scenario_is_judged_alike(tmp_path):
    days = "[{date: 2025-10-10, levels: {nasdaq: 1}}, {date: 2025-10-11, levels: {nasdaq: 2}}]"
    (tmp_path / "mine.yaml").write_text(HEAD + f"macro: {{enabled: true, path: {days}}}\n")
    with pytest.raises(ScenarioError, match="shares do not trade in New York on 2025-10-11: leave the day out"):
        load_spec(tmp_path / "mine.yaml")
    with pytest.raises(ScenarioError, match="regimes must rise: 2025-10-10 does not follow 2025-10-10"):
        load_spec("calm_btc", {"macro.regimes": [{"first": "2025-10-10"}, {"first": "2025-10-10"}]})
