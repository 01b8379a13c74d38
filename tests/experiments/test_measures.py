"""Measures of a sweep: extra columns of its rows, from a run, its base run and its quiet base run."""

import numpy as np
import pytest

from sim.errors import ResultError
from sim.experiments import paired, tables
from sim.experiments.base_run import base_changes, forced_btc
from sim.experiments.cells import run_cell
from sim.experiments.design import Design
from sim.experiments.plan import Plan, make_plan
from sim.metrics.amplification import log_fall
from sim.runner import load

SMALL = {"duration": "3min", "leveraged.accounts": 500}
MOVE = {"kind": "news_move", "at": "60s", "over": "30s", "move": "-4%"}
QUIET = {"kind": "amplification", "quiet": {"shocks": []}, "from_s": 60.0}


def planned(**more: object) -> Plan:
    """One point of a small market with a news move."""
    design = {"name": "small", "scenario": "calm_btc", "set": SMALL | {"shocks": [MOVE]}, "method": "list"}
    return make_plan(Design.model_validate(design | {"points": [more]}), (1,), QUIET)


def test_a_measure_is_columns_of_the_row():
    plan = planned()
    outcome = run_cell(plan.cell(*next(iter(plan.shards()))[0]))
    frame = tables.runs_frame([outcome.row], plan)
    assert set(paired.COLUMNS) <= set(frame.columns)
    assert np.isfinite(frame[list(paired.COLUMNS)].to_numpy()).all()


def test_the_numbers_are_those_of_three_runs_made_apart():
    plan = planned()
    found = run_cell(plan.cell(*next(iter(plan.shards()))[0])).row
    whole = SMALL | {"shocks": [MOVE]}
    run = load("calm_btc", set=whole).run(seed=1)
    off = base_changes(run.spec)
    base, quiet = (load("calm_btc", set=whole | off | more).run(seed=1).series for more in ({}, {"shocks": []}))
    after = run.series["elapsed_s"].to_numpy() >= 60.0
    mark, base_usd, quiet_usd = (s["mark_usd"].to_numpy()[after] for s in (run.series, base, quiet))
    assert found["fall"] == log_fall(mark, quiet_usd) > 0.0
    assert found["base_fall"] == log_fall(base_usd, quiet_usd) > 0.0
    interest = run.series["open_interest_btc"].iloc[0]
    assert found["second_round"] == forced_btc(run) / interest - found["first_round"]
    assert 0.0 < found["first_round"] < 1.0
    assert found["result_sha256"] == run_cell(planned().cell(*next(iter(planned().shards()))[0])).row["result_sha256"]


def test_without_leverage_and_withdrawal_a_run_is_its_base_run():
    plan = planned(**{"leveraged.enabled": False, "market_maker.withdrawal": False})
    found = run_cell(plan.cell(*next(iter(plan.shards()))[0])).row
    assert found["fall"] == found["base_fall"] > 0.0
    assert found["second_round"] == found["first_round"] == 0.0


def test_a_measure_is_part_of_what_names_a_sweep():
    plan = planned()
    again = Plan.read(plan.plain())
    assert again == plan
    bare = make_plan(Design.model_validate(plan.designs[0] | {"scenario": "calm_btc"}), (1,))
    assert bare.id != plan.id
    assert "measure" not in bare.plain()
    with pytest.raises(ResultError, match="measure different things"):
        plan.extended(bare)


def test_an_unknown_measure_is_refused_by_name():
    with pytest.raises(ResultError, match="no measure 'magic'; this version has amplification"):
        tables.numbers_of(make_plan(Design.model_validate({"name": "x", "scenario": "calm_btc", "method": "list",
                                                           "points": [SMALL]}), (1,), {"kind": "magic"}))  # fmt: skip
