"""`shoal check` as a whole: verdicts, reuse of runs, age, range, failed runs, exit codes, refusals at their line."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.cli.check import exit_code
from sim.errors import ScenarioError
from sim.experiments import check as checks
from sim.experiments.assumed import assumed
from sim.experiments.check import Checked, judged, seeds_of
from sim.experiments.summary import Estimate
from sim.metrics.sequential import FAIL, PASS, UNDECIDED, decide
from sim.runner import load
from sim.scenario.load import load_spec
from tests.experiments.inline import Here

DAY = date(2025, 10, 20)
FILE = """extends: calm_btc
name: mine
duration: 3min
leveraged: {accounts: 300}
shocks:
- {kind: news_move, at: 60s, over: 30s, move: -2%}
assumptions:
  share_of_seeds: 50%
  seeds: 12
  tests:
  - {name: fund, kind: fund, at_least: 90%}
  - {name: long, kind: liquidation, side: long, leverage: 100}
  - {name: sale, kind: exit_cost, notional: $20m, at: 1min, over: 1min, at_most: 60bp}
  - {name: costly, kind: exit_cost, notional: $20m, at: 1min, over: 1min, at_most: 4bp}
"""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Workers that are this process: their lanes know no other difference."""

    class Lane(checks_lane()):
        def __init__(self, _worker) -> None:
            super().__init__(lambda: Here(None), capacity=1)

    monkeypatch.setattr("sim.experiments.sweep.Kept", Lane)
    monkeypatch.setattr("sim.experiments.check.FEWEST", 4)


def checks_lane():
    from sim.experiments.sweep import Kept

    return Kept


def wrote(folder: Path, text: str = FILE) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def run(folder: Path, text: str = FILE, **more) -> Checked:
    return checks.check(wrote(folder, text), out=folder / "out", **{"today": DAY, "workers": 1, "batch": 4, **more})


def test_four_assumptions_and_their_verdicts(tmp_path):
    found = run(tmp_path)
    assert {v.name: v.verdict for v in found.verdicts} == {
        "fund": PASS,
        "long": FAIL,
        "sale": PASS,
        "costly": FAIL,
    }
    made = len(found.of("costly").values)  # the sale of both, and the run without it
    assert not found.passed and found.runs_made == 2 * made
    assert found.of("fund").decision == decide([True] * made, 0.5, 0.95, 4)
    assert len(found.of("fund").values) < made  # it had its verdict before
    for v in found.verdicts:
        assert all(np.isfinite(v.values))


def test_a_changed_limit_makes_no_run_and_the_batch_moves_no_verdict(tmp_path):
    first = run(tmp_path)
    again = run(tmp_path, FILE.replace("at_most: 60bp", "at_most: 3bp").replace("90%", "95%"))
    assert again.runs_made == 0 and again.folder == first.folder
    assert again.of("sale").values[: len(first.of("sale").values)] == first.of("sale").values
    once = run(tmp_path, batch=12)
    assert [v.decision for v in once.verdicts] == [v.decision for v in first.verdicts]
    assert run(tmp_path).verdicts == first.verdicts  # whatever else lies in the folder by now


def test_more_seeds_go_on_from_there(tmp_path):
    text = FILE.replace("50%", "80%")
    few, many = run(tmp_path, text, seeds=4), run(tmp_path, text)
    assert few.of("fund").verdict == UNDECIDED and few.of("fund").reason == "not decided by 4 seeds"
    assert many.of("fund").values[:4] == few.of("fund").values
    assert 0 < many.runs_made <= 16


def test_joint_confidence_asks_more_of_each(tmp_path):
    spec = load_spec(wrote(tmp_path))
    alone, together = (assumed(spec, DAY, joint=j)[0].confidence for j in (False, True))
    assert (alone, together) == (0.95, pytest.approx(1.0 - 0.05 / 4))
    assert run(tmp_path, joint=True).of("fund").decision.n > 7


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"assumptions.max_age": "9d"}, "stale: the depth data are 10 days old, max_age is 9 days"),
        ({"sources.depth": None}, "no day is given for the depth data: add sources.depth.as_of"),
        ({"sources.depth.as_of": "2025-10-25"}, "the depth data are from 5 days after the day of the check"),
        ({"market.depth_scale_visible": 0.1}, "market.depth_scale_visible is 0.1, outside the range that was tried"),
        ({"assumptions.tests.1.leverage": 126}, "the venue allows leverage 125 for $10,000, the position has 126"),
        ({"assumptions.tests.1.notional": "$2bn"}, "the venue's tiers end at $1,800,000,000"),
        ({"assumptions.tests.2.notional": "$2bn"}, "no sale above $1.92bn is measured, notional is $2bn"),
    ],
)
def test_stale_or_out_of_range_is_undecided(tmp_path, change, reason):
    spec = load_spec(wrote(tmp_path), change)
    which = int(next(iter(change)).split(".")[2]) if "tests" in next(iter(change)) else 0
    one = assumed(spec, DAY)[which]
    assert any(why.startswith(reason) for why in one.reasons)
    verdict = judged(one, [], 180.0)
    assert (verdict.verdict, verdict.reason) == (UNDECIDED, "; ".join(one.reasons))


def test_what_is_stale_is_measured_once_and_never_judged(tmp_path):
    found = run(tmp_path, FILE.replace("seeds: 12", "seeds: 12\n  max_age: 1d"))
    assert {v.verdict for v in found.verdicts} == {UNDECIDED} and exit_code(found) == 4
    assert all(len(v.values) == 4 for v in found.verdicts)


def test_depth_too_far_out_is_undecided(tmp_path):
    text = FILE + "  - {name: far, kind: depth, side: bids, within: 8%, at: 1min, at_least: $1m}\n"
    assert assumed(load_spec(wrote(tmp_path, text)), DAY)[4].reasons == (
        "depth beyond 5% of mid is not measured, within is 0.08",
    )


def row(**numbers: float) -> dict:
    return {
        "status": "ok",
        "error": None,
        "news_left_s": np.nan,
        "fund_gone_s": np.nan,
        "no_floor_s": np.nan,
        **numbers,
    }


def test_a_run_that_ends_to_be_a_result_is_open_unless_it_breached_by_then(tmp_path):
    one = assumed(load_spec(wrote(tmp_path)), DAY)[1]
    lost = {"news_left_s": 90.0}
    pairs = [(row(**{one.key: room, **more}), None) for room, more in ((0.1, {}), (0.1, lost), (-0.1, lost))]
    verdict = judged(one, pairs, 180.0)
    assert verdict.within == (True, None, False)
    early = judged(one, [(row(**{one.key: 0.1, "news_left_s": 180.0}), None)], 180.0)
    assert early.within == (True,)


def test_a_sale_that_is_not_filled_breaches_any_limit(tmp_path):
    one = assumed(load_spec(wrote(tmp_path)), DAY)[2]
    base = row(**{f"{one.key}_twin_usd": 100.0, f"{one.key}_arrival_usd": 101.0})
    sale = row(**{f"{one.key}_sale_usd": 99.9, f"{one.key}_filled": 1.0})
    short = {**sale, f"{one.key}_filled": 0.5}
    verdict = judged(one, [(base, sale), (base, short)], 180.0)
    assert verdict.values == (pytest.approx(0.001), np.inf) and verdict.within == (True, False)
    arrival = replace(one, test=one.test.model_copy(update={"against": "arrival"}), fee=0.0005)
    assert arrival.value(base, sale) == pytest.approx(1.0 - 99.9 / 101.0 + 0.0005)
    buy = replace(one, test=one.test.model_copy(update={"side": "buy"}))
    assert buy.value(base, sale) == pytest.approx(-0.001)


def test_failed_runs_are_an_error_and_a_gap_ends_the_seeds(tmp_path):
    one = assumed(load_spec(wrote(tmp_path)), DAY)[0]
    good, bad = row(**{one.key: 1.0}), {**row(**{one.key: np.nan}), "status": "failed", "error": "CapacityError: x"}
    verdict = judged(one, [(good, None), (bad, None)], 180.0)
    assert (verdict.verdict, verdict.reason) == ("error", "1 run failed: CapacityError: x")
    rows = {("p", 1): good, ("p", 2): good, ("p", 4): good}
    assert len(seeds_of(one, rows, {"": "p"}, 12)) == 2


def cli(*arguments: str):
    return CliRunner().invoke(app, ["check", *arguments])


def test_the_command_ends_with_the_code_of_its_verdicts(tmp_path):
    path, out = str(wrote(tmp_path)), ["--out", str(tmp_path / "out"), "--today", "2025-10-20", "--workers", "1"]
    failed = cli(path, *out)
    assert failed.exit_code == 3, failed.output
    assert "FAIL       long" in failed.stdout and "scenario outcome" not in failed.stderr
    passed = cli(
        path, *out, "--set", "assumptions.tests.1.leverage=2", "--set", "assumptions.tests.3.at_most=1%", "--json"
    )
    assert passed.exit_code == 0
    found = json.loads(passed.stdout)
    assert found["passed"] and [a["verdict"] for a in found["assumptions"]] == ["pass"] * 4
    assert found["assumptions"][0]["depth_as_of"] == "2025-10-10" and found["assumptions"][0]["depth_age_days"] == 10
    assert found["assumptions"][0]["good_until"] == "2026-01-08"
    assert cli(path, *out[:2], "--today", "2027-01-01", "--workers", "1").exit_code == 4
    assert cli("calm_btc", *out).exit_code == 2


_SALE = "kind: exit_cost, notional: $20m, at: 1min, over: 1min, at_most: 60bp"
_NEWS = "kind: news_move, at: 60s, over: 30s, move: -2%"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("kind: fund", "kind: fond", "mine.yaml:11:18: assumptions.tests.0.kind: "),
        ("at_least: 90%", "at_most: 90%", "mine.yaml:11:30: assumptions.tests.0.at_most: unknown key"),
        ("name: long", "name: fund", "mine.yaml:12:6: assumptions.tests.1.name: 'fund' names two"),
        ("leverage: 100", "leverage: 0.5", "mine.yaml:12:"),
        (", leverage: 100", "", "mine.yaml:12:5: assumptions.tests.1.leverage: give either leverage or"),
        (_SALE, _SALE.replace("over: 1min", "over: 9min"), "mine.yaml:13:5: assumptions.tests.2: ends at"),
        (_SALE, _SALE.replace("$20m", "20m"), "mine.yaml:13:"),
        (
            _NEWS,
            "kind: flow, at: 60s, over: 30s, side: sell, notional: $1m",
            "mine.yaml:13:5: assumptions.tests.2: the sale and shocks.0 trade from one account",
        ),
    ],
)
def test_a_broken_file_is_refused_at_its_line(tmp_path, monkeypatch, old, new, sentence):
    monkeypatch.chdir(tmp_path)
    assert old in FILE
    wrote(tmp_path, FILE.replace(old, new))
    with pytest.raises(ScenarioError) as caught:
        load_spec("mine.yaml")
    assert any(problem.startswith(sentence) for problem in caught.value.problems), caught.value.problems


def test_assumptions_are_no_part_of_what_identifies_a_run(tmp_path):
    with_, without = load(wrote(tmp_path)), load(wrote(tmp_path, FILE.split("assumptions:")[0]))
    assert with_.run_id((1,)) == without.run_id((1,))


def test_the_shipped_example_is_ready():
    tests = assumed(load_spec("assumptions_example"), date(2026, 1, 1))
    assert len(tests) == 10 and not any(one.reasons for one in tests)


def test_no_verdict_before_the_fewest_seeds(tmp_path, monkeypatch):
    one = assumed(load_spec(wrote(tmp_path)), DAY)[1]
    pairs = [(row(**{one.key: -0.1}), None)] * 12
    verdicts = []
    for fewest in (1, 9, 50):
        monkeypatch.setattr("sim.experiments.check.FEWEST", fewest)
        verdicts.append([(v.verdict, v.decision.n) for v in (judged(one, pairs[:8], 180.0), judged(one, pairs, 180.0))])
    assert verdicts == [[(FAIL, 6), (FAIL, 6)], [(UNDECIDED, 8), (FAIL, 9)], [(UNDECIDED, 8), (FAIL, 12)]]


def test_a_dry_run_says_what_is_claimed_and_makes_no_folder(tmp_path, monkeypatch):
    asked = []

    def estimate(plan, done, workers):
        asked.append((plan.count(), len(plan.points), done))
        return Estimate(plan.count(), len(plan.points), 1.0, 0.5, 12.0, 1000)

    monkeypatch.setattr("sim.experiments.summary.estimate", estimate)
    found = cli(str(wrote(tmp_path)), "--dry-run", "--out", str(tmp_path / "out"), "--today", "2026-06-01")
    assert found.exit_code == 0, found.output
    assert asked == [(24, 2, 0)] and not (tmp_path / "out").exists()
    assert "sale: cost to sell $20m on perp from 1 min over 1 min <= 60 bp in at least 50 % of seeds" in found.stdout
    assert "no verdict: stale: the depth data are 234 days old, max_age is 90 days" in found.stdout
    assert "12 seeds first: 24 runs (12 without a sale, 1 x 12 with one)" in found.stdout


def test_a_junit_file_that_cannot_be_written_is_refused_before_anything_is_run(tmp_path):
    found = cli(str(wrote(tmp_path)), "--junit", str(tmp_path), "--out", str(tmp_path / "out"))
    assert found.exit_code == 2 and "cannot be written" in found.stderr
    assert not (tmp_path / "out").exists()
