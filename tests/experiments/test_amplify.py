"""``amplify``: the axis of a shock, seeds added near a threshold, going on where it was, and the command."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import ScenarioError
from sim.experiments import amplify as asking
from sim.experiments import luck
from sim.experiments.amplify import Answer, amplify, blocks_to_add
from sim.experiments.amplify_tables import critical_frame, settings_frame, violations
from sim.experiments.base_run import fuel
from sim.experiments.cases import Interrupted
from sim.experiments.depth_grid import Found, Question
from sim.experiments.paired import MEASURE
from sim.experiments.shock_axis import deterministic_news, flow_axis, lowest_news, news_axis
from sim.runner import load
from tests.experiments.inline import inline
from tests.experiments.planted import Planted

SMALL = ("leveraged.accounts=2000",)
SMALLEST = Question("calm_btc", SMALL, "news", (-0.02, -0.06), (1.0, 0.5), ("all",), 3, 0.0, 0, 60.0, 30.0, 20.0)


# --- the axis


def test_the_news_axis_scales_a_recorded_path_to_the_size_asked():
    spec = load("flash_10_11_btc").spec
    axis = news_axis(spec)
    times, level = deterministic_news(spec)
    assert axis.until_s == times[np.argmin(level)] and 1800.0 <= axis.from_s < 1860.0  # the headline is at 20:50
    for size in (-0.03, -0.12):
        scaled = load("flash_10_11_btc", set=axis.changes(spec, size)).spec
        assert lowest_news(scaled) == pytest.approx(math.log1p(size), rel=1e-12)
    assert lowest_news(load("flash_10_11_btc", set=dict(axis.quiet)).spec) == 0.0


def test_the_news_axis_scales_moves_of_the_scenario_and_leaves_other_shocks():
    shocks = [
        {"kind": "news_move", "at": "60s", "over": "60s", "move": "-2%"},
        {"kind": "news_move", "at": "5min", "over": "60s", "move": "1%"},
        {"kind": "transfer_halt", "at": "2min", "over": "60s"},
    ]
    spec = load("calm_btc", set={"shocks": shocks}).spec
    axis = news_axis(spec)
    assert axis.from_s == 66.0 and axis.until_s == 120.0  # a tenth of the log move is there after six seconds
    scaled = load("calm_btc", set=axis.changes(spec, -0.04)).spec
    assert lowest_news(scaled) == pytest.approx(math.log(0.96), rel=1e-12)
    assert scaled.shocks[2] == spec.shocks[2]
    assert lowest_news(load("calm_btc", set=dict(axis.quiet)).spec) == 0.0


def test_a_calm_scenario_gets_a_move_and_a_sale():
    spec = load("calm_btc").spec
    move = load("calm_btc", set=news_axis(spec).changes(spec, -0.03)).spec.shocks
    assert [(s.kind, s.at, s.over, s.move) for s in move] == [("news_move", 600.0, 60.0, -0.03)]  # type: ignore[union-attr]
    sale = load("calm_btc", set=flow_axis(spec).changes(spec, 1.5e8)).spec.shocks
    assert [(s.kind, s.side, s.notional) for s in sale] == [("flow", "sell", 1.5e8)]  # type: ignore[union-attr]


# --- seeds added near the threshold


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> type[Planted]:
    Planted.made, Planted.ran, Planted.fuelled = [], [], False
    monkeypatch.setattr(asking, "Sweeper", Planted)
    return Planted


def asked(tmp_path: Path, **more: Any) -> Answer:
    sizes = (-0.04, -0.06, -0.08, -0.1, -0.13)
    question = Question("calm_btc", sizes=sizes, depths=(1.5, 1.0, 0.5), seeds=64, **more)
    return amplify(question, tmp_path)


def test_seeds_are_added_until_the_interval_is_as_narrow_as_asked(tmp_path: Path, planted: type[Planted]):
    answer = asked(tmp_path, half_width=0.002, most_seeds=1024)
    frame = critical_frame(answer)
    assert (frame["half_width_pct"] <= 0.2).all()
    for depth, low, high in zip(frame["depth"], frame["critical_low"], frame["critical_high"], strict=True):
        assert low - 0.2 < 8.0 * depth**0.3 < high + 0.2
    blocks = [seeds for _, seeds in planted.made]
    assert len(blocks) > 1 and blocks[0] == list(range(1, 65)) and blocks[1] == list(range(10_001, 10_065))
    later = [seed for block in blocks[1:] for seed in block]
    assert len(set(later)) == len(later)  # each depth has added seeds of its own
    slope = answer.elasticity["all"]
    assert slope.low - 0.05 < 0.3 < slope.high + 0.05
    assert violations(answer) == []


def test_no_more_seeds_than_allowed_and_none_without_a_width(tmp_path: Path, planted: type[Planted]):
    asked(tmp_path, half_width=1e-6, most_seeds=192)
    assert [(n, len(seeds)) for n, seeds in planted.made] == [(15, 64), *[(1, 64)] * 6]
    planted.made = []
    asked(tmp_path, half_width=0.0)
    assert [len(seeds) for _, seeds in planted.made] == [64]


def test_seeds_are_added_by_half_of_what_the_root_law_says_is_missing():
    """Worked by hand: from 640 seeds at twice the asked width 2560 are needed, so 1920 are missing: 15 blocks of 64."""
    question = Question("calm_btc", seeds=64, half_width=0.001, most_seeds=10_000)
    assert blocks_to_add(0.002, question, 576) == 15
    assert blocks_to_add(0.00101, question, 576) == 1
    assert blocks_to_add(math.nan, question, 0) == 1
    assert blocks_to_add(1.0, replace(question, most_seeds=100), 0) == 1  # a block is never cut
    assert blocks_to_add(1.0, replace(question, most_seeds=192), 64) == 1
    assert blocks_to_add(1.0, replace(question, most_seeds=192), 0) == 2


def test_the_fuel_of_seeds_is_taken_out_where_there_are_enough_of_them(
    tmp_path: Path, planted: type[Planted], monkeypatch: pytest.MonkeyPatch
):
    """Luck that the planted thresholds hang on, in the place of fuel: the same s*, far narrower."""
    alone = asked(tmp_path, half_width=0.0)
    assert alone.fuel_explains == {}
    planted.fuelled = True
    monkeypatch.setattr(luck, "REFERENCE", range(1_000_001, 1_000_301))
    monkeypatch.setattr(asking, "REFERENCE", luck.REFERENCE)
    draw = lambda _spec, seed, _falls: luck.FALLS + 0.1 * np.random.default_rng([seed, 5]).standard_normal()  # noqa: E731
    monkeypatch.setattr(luck, "fuel", draw)
    told = asked(tmp_path, half_width=0.0)
    assert set(told.fuel_explains) == set(told.critical)
    for key, share in told.fuel_explains.items():
        assert share > 0.8
        assert told.critical[key].half_width < 0.6 * alone.critical[key].half_width
        assert told.critical[key].size == pytest.approx(alone.critical[key].size, rel=0.06)
        assert told.critical[key].spread == alone.critical[key].spread
    assert (critical_frame(told)["fuel_explains"] > 0.8).all()


def test_the_fuel_of_a_seed_is_drawn_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(luck, "REFERENCE", range(90, 93))
    spec = load("calm_btc", set={"leveraged.accounts": 200}).spec
    first = luck.Luck(spec, tmp_path)
    first.draw([3, 1, 90, 91, 92])
    again = luck.Luck(spec, tmp_path)
    said: list[str] = []
    again.draw([1, 3], said.append)
    assert not said
    known, fuels = again.known([1, 3], 0.08), [fuel(spec, seed, 0.08 * np.array(luck.AT)) for seed in (1, 3)]
    assert known.reference.shape == (3, 2)
    np.testing.assert_allclose(known.own, fuels, atol=0.02)
    (tmp_path / luck.FILE).write_bytes(b"damaged")
    luck.Luck(spec, tmp_path).draw([1], said.append)
    assert len(said) == 1


def test_sizes_are_looked_for_where_none_are_named(tmp_path: Path, planted: type[Planted]):
    answer = amplify(Question("calm_btc", depths=(1.5, 1.0, 0.5), seeds=64, half_width=0.0), tmp_path)
    frame = settings_frame(answer)
    assert frame.loc[frame["seeds"] == 64, "size"].nunique() >= 3
    assert (critical_frame(answer)["beyond"] == "").all()


def test_the_table_tells_shares_falls_and_what_pairing_is_worth(tmp_path: Path, planted: type[Planted]):
    answer = asked(tmp_path, half_width=0.0)
    frame = settings_frame(answer)
    row = frame[(frame["depth"] == 1.0) & (frame["size"] == -8.0)].iloc[0]
    hits = sum(0.08 > 0.08 * math.exp(0.15 * np.random.default_rng([s, 5]).standard_normal()) for s in range(1, 65))
    assert row["cascade_share"] == hits / 64
    assert row["share_at_half_cut"] == row["share_at_double_cut"] == hits / 64
    assert row["amplification_if_not"] == pytest.approx(1.05)
    assert row["fall_pct_if_cascade"] == pytest.approx(100.0 * (1.0 - 0.92**3))
    thin = frame[(frame["depth"] == 0.5) & (frame["size"] == -8.0)].iloc[0]
    assert thin["pairing_cascade"] > 1.2  # the same seeds are lucky at both depths


# --- the sweep itself


def small(out: Path, stop_after: int | None = None) -> Answer:
    return amplify(SMALLEST, out, lanes=lambda: [inline(stop_after)])


def test_a_question_goes_on_where_it_was_stopped(tmp_path: Path):
    whole = small(tmp_path / "a")
    assert whole.tally.made == 12
    with pytest.raises(Interrupted, match="the same command goes on"):
        small(tmp_path / "b", stop_after=5)
    done = small(tmp_path / "b")
    assert 0 < done.tally.made < 12
    assert settings_frame(done).equals(settings_frame(whole))
    again = small(tmp_path / "b")
    assert again.tally.made == 0


def test_a_smaller_question_leaves_the_rest_of_a_larger_one_alone(tmp_path: Path):
    with pytest.raises(Interrupted):
        small(tmp_path, stop_after=2)
    fewer = amplify(replace(SMALLEST, seeds=2), tmp_path, lanes=lambda: [inline()])
    assert len(fewer.settings) == 4 and set(fewer.settings["seeds"]) == {2}
    assert fewer.tally.made == 6 and fewer.tally.done == 8 < fewer.tally.total == 12


def test_the_command_writes_tables_figures_and_a_page(tmp_path: Path):
    words = ["amplify", "calm_btc", "--set", SMALL[0], "--news", "-2%,-6%", "--depths", "1,0.5", "--seeds", "2"]
    words += ["--half-width", "0", "--horizon", "60s", "--at", "30s", "--over", "20s", "--workers", "1"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len(told["settings"]) == 4 and {row["seeds"] for row in told["settings"]} == {2}
    place = Path(told["folder"])
    names = {path.name for path in place.iterdir()}
    assert {
        "settings.csv",
        "settings.parquet",
        "critical.csv",
        "fuel.csv",
        "units.csv",
        "share.svg",
        "fuel.svg",
    } <= names
    page = (place / "amplification.html").read_text()
    assert "not a forecast" in page and "<script" not in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--news", "5%"], "news 5%: expected a fall"),
        (["--news", "-5%", "--sale", "$1m"], "exclude each other"),
        (["--layers", "visible,magic"], "layers magic: there are all, visible"),
        (["--depths", "0"], "depths: expected multiples"),
        (["--news", "-five"], "--news '-five'"),
        (["--seeds", "1"], "seeds: expected 2 to 10000"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, words: list[str], said: str):
    done = CliRunner().invoke(app, ["amplify", "calm_btc", *words, "--out", str(tmp_path)])
    assert done.exit_code == 2 and said in done.stderr and "Traceback" not in done.output
    assert not list(tmp_path.iterdir())


def test_a_sale_wants_its_size():
    with pytest.raises(ScenarioError, match="wants its sizes"):
        amplify(Question("calm_btc", shock="flow"))


# --- what is measured of a seed


def test_an_added_seed_tells_the_same_cascade_and_stops_once_it_is_known():
    """The second round is the same number as of a whole seed, or past the largest cut; what ran is the run."""
    whole = {"kind": "amplification", "quiet": {"news.scale": 0.0}, "from_s": 1820, "whole_seeds": 10_000}
    only = whole | {"whole_seeds": 0}
    seen = set()
    for scale, seeds in ((3.0, (1,)), (7.5, (1, 2))):
        changes = {"news.scale": scale, "duration": "5400s", "market.depth_scale_visible": 0.4}
        scenario = load("flash_10_11_btc", set=changes)
        for seed in seeds:
            run, all_of_it = MEASURE.make(scenario, seed, whole)
            part, told = MEASURE.make(scenario, seed, only)
            assert told["first_round"] == all_of_it["first_round"] and told["crowding"] == all_of_it["crowding"]
            assert math.isnan(told["fall"]) and math.isnan(told["base_fall"]) and math.isnan(all_of_it["ended_s"])
            n = len(part.series)
            assert part.series.equals(run.series.iloc[:n])
            if math.isnan(told["ended_s"]):
                assert n == len(run.series) and told["second_round"] == all_of_it["second_round"] <= 0.04
            else:
                assert n < len(run.series) and 0.04 < told["second_round"] <= all_of_it["second_round"]
            seen.add(math.isnan(told["ended_s"]))
    assert seen == {True, False}


def test_falls_are_of_whole_seeds_and_shares_of_all():
    same = {"crowding": 9.0, "first_round": 0.1}
    rows: dict[int, dict[str, Any]] = {
        seed: {"second_round": 0.3 * (seed % 2), "fall": 0.1, "base_fall": 0.05, **same} for seed in range(1, 13)
    }
    for seed in range(10_001, 10_005):
        rows[seed] = {"second_round": 0.3, "fall": None, "base_fall": math.nan, **same}
    found = Found("all", 1.0, {-0.05: rows})
    assert sorted(found.column(-0.05, "fall")) == list(range(1, 13))
    assert found.outcomes().hit.sum() == 10 and len(found.column(-0.05, "second_round")) == 16
