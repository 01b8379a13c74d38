"""Sweeps of a real, small market, and the ways to go on with one."""

import dataclasses
import itertools
import json
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import sim
from sim.cli.app import app
from sim.errors import ResultError
from sim.experiments import cells, merge, store, tables
from sim.experiments.cells import FAILED, OK, run_cell
from sim.experiments.store import RUNS, SERIES
from sim.experiments.summary import spread
from sim.experiments.sweep import run_sweep
from sim.results.manifest import text_hash
from tests.experiments import fake
from tests.experiments.fake import folder_of, plan, results
from tests.experiments.inline import inline

DESIGN = """
name: small
scenario: calm_btc
set: {duration: 20s, leveraged.accounts: 200}
parameters:
  market.depth_scale_visible: [1.0, 0.5]
seeds: 2
shard: 3
series: {columns: [mark_usd, n_fills], every: 10s}
"""


@pytest.fixture
def design(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(DESIGN)
    return path


def shoal(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.stdout


def rows(folder: Path) -> list[dict[str, object]]:
    return [row for path in store.sealed(folder, RUNS).values() for row in pq.read_table(path).to_pylist()]


def test_a_row_is_the_run_that_shoal_run_makes():
    wanted = plan()
    point = list(wanted.points)[2]
    got = run_cell(wanted.cell(point, 3))
    run = sim.load("calm_btc", set={"duration": "20s", "leveraged.accounts": 200, **wanted.points[point].set}).run(3)
    assert got.row["run_id"] == run.run_id and got.row["result_sha256"] == text_hash(run.hashes)
    assert got.row["status"] == OK and got.row["messages"] == run.summary["messages"] > 0
    time_s, mark, fills = np.frombuffer(got.path, dtype="<f4").reshape(3, -1)
    assert time_s.tolist() == [0.0, 10.0, 20.0]
    assert mark.tolist() == run.series["mark_usd"].to_numpy(dtype="f4")[[0, 10, 20]].tolist()
    assert fills[1:].tolist() == [run.series["n_fills"][1:11].sum(), run.series["n_fills"][11:21].sum()]


def test_rows_hold_every_number_of_a_summary_but_the_cost():
    run = sim.load("calm_btc", duration="5s", set={"leveraged.accounts": 200}).run(1)
    replay = {"drop_from_2049"}
    assert set(run.summary) - set(cells._COSTS) | replay == set(tables.measured())


def test_every_column_that_adds_up_is_known_as_a_flow():
    run = sim.load("calm_btc", duration="5s", set={"leveraged.accounts": 200}).run(1)
    flows = {column for column in run.series if cells.is_flow(column)}
    assert {"forced_sell_usd", "adl_btc", "n_fills", "perp_taker_buy_btc", "takeover_btc", "funding_usd"} <= flows
    assert not {"mark_usd", "open_interest_btc", "fund_usd", "in_liquidation", "deficit_usd", "elapsed_s"} & flows


def test_code_data_or_columns_other_than_planned_stop_the_sweep():
    cell = plan().cell(next(iter(plan().points)), 1)
    with pytest.raises(ResultError, match="compiled code of a worker"):
        run_cell(cell._replace(kernel="0" * 64))
    with pytest.raises(ResultError, match="a data file changed"):
        run_cell(cell._replace(point="0" * 16))
    with pytest.raises(ResultError, match="no column 'mark'"):
        run_cell(cell._replace(columns=("mark",)))


def test_an_error_of_a_run_is_a_row_that_names_the_place(monkeypatch: pytest.MonkeyPatch):
    def broken(*_arguments: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("sim.runner.Scenario._simulate", broken)
    row = run_cell(plan().cell(next(iter(plan().points)), 1)).row
    assert row["status"] == FAILED and row["error"].startswith("MemoryError: no room (at test_sweep.py:")
    assert "sim/runner.py:" in row["error"] and str(Path.cwd()) not in row["error"]


def test_the_command_runs_a_design_in_workers_and_goes_on_where_it_was(design: Path, tmp_path: Path):
    told = shoal("sweep", design, "--out", tmp_path, "--workers", 2)
    assert "4 of 4 runs done; 4 made now" in told
    (folder,) = tmp_path.glob("small-*")
    first = results(folder)
    alone = [run_cell(store.read_plan(folder).cell(p, s)) for k in store.read_plan(folder).shards() for p, s in k]
    assert [row["result_sha256"] for row in rows(folder)] == [outcome.row["result_sha256"] for outcome in alone]
    assert "4 of 4 runs done:" in shoal("sweep", design, "--out", tmp_path) and results(folder) == first
    more = json.loads(shoal("resume", folder, "--seeds", "1-3", "--workers", 1, "--json"))
    assert (more["made"], more["done"]) == (2, 6)
    assert {name: results(folder)[name] for name in first if name != store.PLAN} == {
        name: data for name, data in first.items() if name != store.PLAN
    }
    manifest = json.loads((folder / store.MANIFEST).read_text())
    assert (manifest["status"], manifest["runs"], len(manifest["sessions"])) == ("complete", 6, 3)
    assert all(s["busy_s"] <= s["workers"] * s["elapsed_s"] for s in manifest["sessions"])
    assert manifest["sessions"][0]["busy_s"] > 0.0


def test_a_dry_run_tells_and_writes_nothing(design: Path, tmp_path: Path):
    told = json.loads(shoal("sweep", design, "--out", tmp_path / "out", "--dry-run", "--json", "--workers", 4))
    assert (told["runs"], told["points"], told["done"]) == (4, 2, 0) and not (tmp_path / "out").exists()
    assert told["time_s"] == pytest.approx(told["start_s"] + told["one_run_s"]) and told["one_run_s"] > 0.0
    shoal("sweep", design, "--out", tmp_path / "out", "--workers", 1)
    size = sum(f.stat().st_size for kind in (RUNS, SERIES) for f in (tmp_path / "out").glob(f"*/{kind}/*"))
    assert size <= told["disk_bytes"] < 4 * size


def test_the_points_that_are_timed_are_spread_over_every_axis():
    assert spread(3, 4) == [0, 1, 2] and spread(12, 4) == [0, 4, 7, 11]
    for first, second in ((4, 3), (8, 5), (3, 4), (5, 5), (10, 2), (7, 4)):
        tried = spread(first * second, 4)
        assert len({k % second for k in tried}) > 1 and len({k // second for k in tried}) > 1


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "a/b"])
def test_a_share_that_is_none_is_refused(design: Path, part: str):
    shoal("sweep", design, "--part", part, code=2)


def test_a_folder_without_a_sweep_is_refused(tmp_path: Path):
    shoal("resume", tmp_path, code=1)


def test_failed_runs_are_told_kept_and_made_again_when_asked(tmp_path: Path):
    folder = folder_of(tmp_path / "sweep", plan())
    tally = run_sweep(folder, lanes=[inline()], work=fake.failing)
    assert (tally.done, tally.failed) == (20, 4)
    assert run_sweep(folder, lanes=[inline()], work=fake.quick).made == 0
    again = run_sweep(folder, lanes=[inline()], work=fake.quick, retry_failed=True)
    assert (again.made, again.failed) == (4, 0)
    whole = folder_of(tmp_path / "whole", plan())
    run_sweep(whole, lanes=[inline()], work=fake.quick)
    assert results(folder) == results(whole)


def test_shares_of_machines_merge_into_the_files_of_one(tmp_path: Path):
    whole = folder_of(tmp_path / "whole", plan())
    run_sweep(whole, lanes=[inline()], work=fake.quick)
    shares = [folder_of(tmp_path / f"{k}", plan()) for k in (1, 2, 3)]
    for k, folder in enumerate(shares, 1):
        run_sweep(folder, lanes=[inline(3 if k == 2 else None)], work=fake.quick, part=(k, 3))
    tally = merge.merge(shares[0], shares[1:])
    assert tally.done == 20 - 5  # share 2 was stopped after three of its eight runs
    assert run_sweep(shares[0], lanes=[inline()], work=fake.quick).made == 5
    assert results(shares[0]) == results(whole)


def test_folders_of_other_designs_merge_and_an_altered_file_is_refused(tmp_path: Path):
    one, two = folder_of(tmp_path / "one", plan(seeds=2)), folder_of(tmp_path / "two", plan(seeds=4))
    for folder in (one, two):
        run_sweep(folder, lanes=[inline()], work=fake.quick)
    assert merge.merge(one, [two]).made == 8
    assert sorted(r["run_id"] for r in rows(one)) == sorted(r["run_id"] for r in rows(two))
    (first, *_) = (two / RUNS).iterdir()
    first.write_bytes(first.read_bytes()[:-1] + b"\0")
    with pytest.raises(ResultError, match="altered or damaged"):
        merge.merge(one, [two])
    with pytest.raises(ResultError, match="with itself"):
        merge.merge(one, [one])


def edited(points: list[dict[str, float]], draw: random.Random) -> list[dict[str, float]]:
    """Points of a design after one of them was added, removed or moved."""
    kind = draw.choice(("add", "remove", "move")[: 3 if len(points) > 1 else 1][len(points) > 4 :])
    if kind == "add":
        new = {"market.depth_scale_visible": draw.randint(2, 15) / 10, "news.scale": draw.choice((0, 1))}
        return points if new in points else [*points[: (k := draw.randint(0, len(points)))], new, *points[k:]]
    kept = [*points]
    point = kept.pop(draw.randrange(len(kept)))
    if kind == "move":
        kept.insert(draw.randint(0, len(kept)), point)
    return kept


def test_a_hundred_edits_of_a_design_change_no_other_run():
    draw, known, edits = random.Random(5), dict[object, cells.Cell](), 0
    points: list[dict[str, float]] = [{"market.depth_scale_visible": 1.0, "news.scale": 1}]
    while edits < 100:
        before, points = points, edited(points, draw)
        edits += points != before
        seeds = draw.sample(range(1, 9), draw.randint(1, 4))  # added, removed and re-ordered too
        wanted = plan(shard=draw.randint(1, 9), method="list", parameters={}, points=points)
        wanted = dataclasses.replace(wanted, parts=(wanted.parts[0]._replace(seeds=seeds),))
        (first, *more) = seeds
        later = dataclasses.replace(wanted, parts=(wanted.parts[0]._replace(seeds=[first]),)).with_seeds(more)
        for made in (wanted, later):
            assert made.count() == len(points) * len(seeds)
            for point, seed in itertools.chain.from_iterable(made.shards()):
                cell = made.cell(point, seed)
                changes = made.points[point].values
                assert known.setdefault((*changes.items(), seed), cell) == cell
    assert len(known) > 40


def test_result_files_hold_units_and_meanings(tmp_path: Path):
    folder = folder_of(tmp_path / "sweep", plan())
    run_sweep(folder, lanes=[inline()], work=fake.quick)
    for kind in (RUNS, SERIES):
        for field in pq.read_schema(store.sealed(folder, kind)[0]):
            assert field.metadata[b"meaning"], field.name
    schema = pq.read_schema(store.sealed(folder, RUNS)[0])
    assert schema.field("drop_from_start").metadata[b"unit"] == b"fraction"
