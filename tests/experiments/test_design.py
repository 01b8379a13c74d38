"""Design files, the points they give, and the saved plan."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.errors import ResultError, ScenarioError
from sim.experiments.design import Design, Range, read_design
from sim.experiments.plan import Plan, make_plan
from sim.experiments.store import PLAN, read_plan, save_plan
from sim.results.manifest import text_hash
from tests.experiments.fake import ROOT, plan

SPACE = {"market.depth_scale_visible": {"low": 0.2, "high": 1.5, "scale": "log"}, "news.scale": {"low": 0, "high": 2}}


def design(**more: object) -> Design:
    return Design.model_validate({"name": "d", "scenario": "calm_btc", **more})


def test_a_grid_has_every_combination_in_order():
    points = design(parameters={"a": [1, 2], "b": ["x", "y", "z"]}).chosen()
    assert points == [{"a": a, "b": b} for a, b in itertools.product([1, 2], ["x", "y", "z"])]


@pytest.mark.parametrize("method", ["sobol", "lhs"])
def test_points_that_fill_a_space_are_the_same_each_time_and_reach_everywhere(method: str):
    points = design(method=method, points=64, parameters=SPACE).chosen()
    assert points == design(method=method, points=64, parameters=SPACE).chosen()
    assert points != design(method=method, points=64, parameters=SPACE, draw=2).chosen()
    depth = [p["market.depth_scale_visible"] for p in points]
    # Half of them below the geometric mean: each of the two samplers puts equally many into equal shares of the range.
    assert sum(d < (0.2 * 1.5) ** 0.5 for d in depth) == 32 and 0.2 <= min(depth) < 0.21 and 1.45 < max(depth) <= 1.5


def test_morris_paths_move_one_parameter_at_a_time():
    pytest.importorskip("SALib", reason="SALib is not installed")
    points = design(
        method="morris", points=5, parameters={**SPACE, "latent.impact_prefactor": {"low": 1, "high": 2}}
    ).chosen()
    assert len(points) == 5 * 4
    for path in range(5):
        steps = points[4 * path : 4 * path + 4]
        moved = [[name for name in a if a[name] != b[name]] for a, b in itertools.pairwise(steps)]
        assert sorted(moved) == sorted([name] for name in points[0])


def test_values_of_a_range_are_written_as_in_a_scenario():
    assert Range(low=5, high=50, unit="bp").at(0.5) == "27.5bp"
    assert Range(low=1, high=9, whole=True).at(0.49) == 5
    assert Range(low=0.1, high=10.0, scale="log").at(0.5) == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parameters: {a: [1]}\nseeds: 0x", None),
        ("method: grid", "wants at least one parameter"),
        ("method: sobol\npoints: 8\nparameters: {a: [1, 2]}", "low and high"),
        ("method: sobol\nparameters: {a: {low: 1, high: 2}}", "a number from 1"),
        ("method: lhs\npoints: 4\nparameters: {a: {low: 2, high: 1}}", "must lie above low"),
        ("method: list", "wants a list of points"),
        ("parameters: {a: [1]}\nsede: 3", "did you mean 'seeds'?"),
        ("parameters: {a: []}", "a list of values"),
    ],
)
def test_a_bad_design_is_refused_with_the_place(tmp_path: Path, text: str, said: str | None):
    path = tmp_path / "bad.yaml"
    path.write_text(f"name: bad\nscenario: calm_btc\n{text}\n")
    if said is None:
        from sim.cli.run import parse_seeds

        with pytest.raises(ScenarioError, match="--seeds"):
            parse_seeds(str(read_design(path).seeds))
        return
    with pytest.raises(ScenarioError, match=said) as error:
        read_design(path)
    assert str(error.value).startswith(f"{path}:")


def test_a_point_that_is_no_scenario_is_refused_before_anything_runs():
    with pytest.raises(ScenarioError, match=r"point 2: .*depth_scale_visible"):
        make_plan(design(parameters={"market.depth_scale_visible": [1, -1]}), [1])


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios" / "designs").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_designs_are_plans(path: Path):
    found = make_plan(read_design(path), [1, 2])
    assert found.count() == 2 * len(found.points) > 0


def test_a_point_is_the_scenario_that_the_command_line_gives():
    for point in plan().points.values():
        same = sim.load("calm_btc", set={"duration": "20s", "leveraged.accounts": 200, **point.set})
        assert text_hash(same.resolved)[:16] == point.id
        assert plan().scenario(point.id) == same.resolved["scenario"]
        assert point.values == {
            "market.depth_scale_visible": same.spec.market.depth_scale_visible,
            "news.scale": same.spec.news.scale,
        }


def test_a_saved_plan_reads_back_and_names_the_sweep(tmp_path: Path):
    wanted = plan()
    save_plan(tmp_path, wanted)
    assert read_plan(tmp_path) == wanted and read_plan(tmp_path).id == wanted.id
    assert plan(seeds=6).id != wanted.id
    altered = json.loads((tmp_path / PLAN).read_text())
    altered["plan"]["parts"][0]["seeds"][0] = 7
    (tmp_path / PLAN).write_text(json.dumps(altered))
    with pytest.raises(ResultError, match="differs from its checksum"):
        read_plan(tmp_path)


def test_the_plan_is_the_same_in_every_process():
    command = "from tests.experiments.fake import plan; print(plan().id)"
    ids = {
        subprocess.run(
            [sys.executable, "-c", command],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "3")
    }
    assert len(ids) == 1


def test_an_extended_plan_keeps_every_result_file_where_it_is():
    before = plan()
    after = before.with_seeds(range(1, 8))
    files, more = list(before.shards()), list(after.shards())
    assert more[: len(files)] == files and after.count() == 4 * 7
    assert [s for runs in more[len(files) :] for _, s in runs] == [6] * 4 + [7] * 4
    assert after.with_seeds(range(1, 8)) is after


def test_points_of_another_design_join_with_all_parameters():
    other = make_plan(
        design(
            set={"duration": "20s", "leveraged.accounts": 200},
            parameters={"news.scale": [0, 0.5], "latent.enabled": [True]},
            series={"columns": ["mark_usd", "n_fills"], "every": "10s"},
        ),
        [1],
    )
    both = plan().extended(other)
    assert both.count() == 20 + 1  # scale 0 with latent liquidity is there already
    new = both.points[other.parts[0].points[1]]
    assert new.values == {"market.depth_scale_visible": 1.0, "news.scale": 0.5, "latent.enabled": True}
    assert both.scenario(new.id) == other.scenario(new.id)
    assert Plan.read(json.loads(json.dumps(both.plain()))) == both


def test_other_columns_or_other_code_are_refused():
    with pytest.raises(ResultError, match="different columns"):
        plan().extended(plan(series=None))
    with pytest.raises(ResultError, match="compiled code changed"):
        from dataclasses import replace

        plan().extended(replace(plan(), kernel_sha256="0"))
