"""SQL over a sweep, and its files for other programs."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import DataError, ResultError
from sim.experiments import export
from sim.experiments.query import query
from sim.experiments.store import RUNS, read_plan
from sim.experiments.sweep import run_sweep
from tests.experiments import fake
from tests.experiments.fake import folder_of, plan, quick
from tests.experiments.inline import inline

pytest.importorskip("duckdb", reason="DuckDB is not installed: pip install 'shoal[sweep]'")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen runs in result files, two in the journal, two not made."""
    place = folder_of(tmp_path_factory.mktemp("query") / "sweep", plan())
    run_sweep(place, lanes=[inline(18)], work=fake.failing)
    return place


def test_every_finished_run_is_seen_with_its_parameters(folder: Path):
    found = query(folder, "SELECT * FROM runs ORDER BY seed, point")
    assert len(found) == 18 and found["status"].value_counts().to_dict() == {"ok": 14, "failed": 4}
    wanted = read_plan(folder)
    for row in found.to_dict("records"):
        point = wanted.points[row["point"]]
        assert {path: row[path] for path in point.values} == point.values
        if row["status"] == "ok":
            assert row["drop_from_start"] == quick(wanted.cell(row["point"], row["seed"])).row["drop_from_start"]


def test_numbers_that_are_not_defined_do_not_spoil_an_aggregate(folder: Path):
    (row,) = query(folder, "SELECT count(max_drawdown) AS n, sum(messages) AS total FROM runs").to_dict("records")
    assert row == {"n": 0, "total": 14 * 7.0}


def test_paths_and_costs_can_be_asked(folder: Path):
    assert query(folder, "SELECT count(*) AS n FROM series")["n"].tolist() == [14 * 3]
    assert query(folder, "SELECT DISTINCT elapsed_s FROM series ORDER BY 1")["elapsed_s"].tolist() == [0.0, 10.0, 20.0]
    assert query(folder, "SELECT sum(cpu_s) AS s FROM costs JOIN runs USING (run_id)")["s"][0] == pytest.approx(0.014)
    assert len(query(folder, "SELECT * FROM points")) == 4


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_parquet('plan.json')",
        "COPY runs TO 'out.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW runs",
        "SELECT 1; SELECT 2",
        "SELECT * FROM sql",
        "SELECT nothing FROM runs",
        "",
    ],
)
def test_nothing_else_can_be_done(folder: Path, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        query(folder, sql)
    assert not list(tmp_path.iterdir())


def test_an_altered_file_is_not_read(tmp_path: Path):
    place = folder_of(tmp_path / "sweep", plan())
    run_sweep(place, lanes=[inline()], work=fake.quick)
    (first, *_) = (place / RUNS).iterdir()
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(bytes(data))
    for ask in (lambda: query(place, "SELECT 1"), lambda: export.export(place, tmp_path / "out")):
        with pytest.raises(ResultError, match="altered or damaged"):
            ask()
    assert not (tmp_path / "out").exists()


def test_the_command_prints_text_csv_and_json(folder: Path):
    words = ["query", str(folder), "SELECT status, count(*) AS n FROM runs GROUP BY 1 ORDER BY 1"]
    said = [CliRunner().invoke(app, [*words, *more]).stdout for more in ([], ["--csv"], ["--json"])]
    assert [line.split() for line in said[0].splitlines()] == [["status", "n"], ["failed", "4"], ["ok", "14"]]
    assert said[1].splitlines() == ['"status","n"', '"failed",4', '"ok",14']
    assert json.loads(said[2]) == [{"status": "failed", "n": 4}, {"status": "ok", "n": 14}]
    assert CliRunner().invoke(app, [*words[:2], "DROP TABLE runs"]).exit_code == 2


def test_export_takes_a_folder_with_or_without_the_word_sweep(folder: Path, tmp_path: Path):
    for k, words in enumerate((["export"], ["export", "sweep"])):
        for order in ([str(folder), "--out", str(tmp_path / f"a{k}")], ["--out", str(tmp_path / f"b{k}"), str(folder)]):
            assert CliRunner().invoke(app, [*words, *order]).exit_code == 0, (words, order)
    assert "shocks" in CliRunner().invoke(app, ["export", "--help"]).output


def test_an_export_holds_every_run_with_units_in_all_forms(folder: Path, tmp_path: Path):
    done = CliRunner().invoke(
        app, ["export", str(folder), "--out", str(tmp_path), "--numbers", "drop_from_start,messages"]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.split() == [str(tmp_path / f"small.{end}") for end in ("parquet", "csv", "units.csv", "tex")]
    frame = pq.read_table(tmp_path / "small.parquet").to_pandas()
    asked = query(folder, "SELECT * FROM runs").set_index("run_id").loc[list(frame["run_id"])].reset_index()
    assert frame["low_time_utc"].isna().all() and asked["low_time_utc"].isna().all()  # these runs have none
    pd.testing.assert_frame_equal(
        frame.drop(columns="low_time_utc"), asked[list(frame.columns)].drop(columns="low_time_utc"), check_dtype=False
    )
    text = pd.read_csv(tmp_path / "small.csv")
    assert list(text.columns) == list(frame.columns)
    assert text["drop_from_start"].dropna().tolist() == frame["drop_from_start"].dropna().tolist()
    said = pd.read_csv(tmp_path / "small.units.csv", keep_default_na=False).set_index("column")
    assert list(said.index) == list(frame.columns) and (said["meaning"] != "").all()
    assert pq.read_schema(tmp_path / "small.parquet").field("drop_from_start").metadata[b"unit"] == b"fraction"
    lines = (tmp_path / "small.tex").read_text().splitlines()
    assert lines[0].startswith(f"% sweep {read_plan(folder).id}") and lines[-1] == "\\end{tabular}"
    body = [line for line in lines if line.endswith("\\\\")]
    assert body[0] == (
        "market.depth\\_scale\\_visible [fraction] & news.scale & runs"
        " & drop\\_from\\_start [fraction] & messages [messages] \\\\"
    )
    assert len(body) == 1 + 4 and {line.count("&") for line in body} == {4}


def test_a_number_that_does_not_exist_is_refused(folder: Path, tmp_path: Path):
    with pytest.raises(DataError, match="no number 'drop'"):
        export.export(folder, tmp_path, ["drop"])
