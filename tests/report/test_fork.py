"""A run that is stopped, saved and gone on with, from Python and from the command line; files that are no states."""

import json
import random
import re
import zipfile
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import sim
from sim.cli.app import app
from sim.errors import ForkError, ResultError, ScenarioError
from sim.saved_file import read_state, write_state
from sim.scenario.moment import moment
from tests.shell.files import ROOT

SMALL = {"duration": "2m"}
N_TIMES = 50
RECORD = {"note": "plain", "time_s": 0.1}
ARRAYS = {"a": np.arange(5), "books.b": np.zeros(2, [("x", "i8"), ("y", "f8")])}


def same(one, two) -> bool:
    return one.hashes == two.hashes and one.run_id == two.run_id


@pytest.mark.parametrize("name", ["calm_btc", "flash_10_11_btc"])
def test_x11_without_changes_it_is_the_run_that_was_never_stopped(name, tmp_path):
    scenario = sim.load(name, set=SMALL)
    saved = scenario.run(seed=3, until="61s")
    assert saved.time_s == 61.0
    again = sim.load_state(saved.save(tmp_path / "states" / "state.npz")).fork()
    run = again.run()
    assert again.run_id() == run.run_id
    assert same(run, scenario.run(seed=3)) and run.timing.cpu_s > saved.timing.cpu_s
    assert len(run.series) == 121


@pytest.mark.long
@pytest.mark.parametrize("name", ["calm_btc", "flash_10_11_btc"])
def test_x11_at_random_times(name, tmp_path):
    """QUALITY X11: 50 of them."""
    scenario = sim.load(name, duration="1h")
    unbroken, draw = scenario.run(seed=1), random.Random(4)
    for _ in range(N_TIMES):
        path = scenario.run(seed=1, until=draw.uniform(0.0, 3600.0)).save(tmp_path / "state.npz", force=True)
        assert same(sim.load_state(path).fork().run(), unbroken)


@pytest.mark.long
def test_the_page_says_what_can_be_typed(results):
    """Its Python block runs as it stands, and gives what it says."""
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(import sim.*?)```", (ROOT / "docs/forking.md").read_text(), re.DOTALL)[0], names)
    assert same(names["as_it_was"], sim.load("flash_10_11_btc", duration="1h").run(seed=1))
    ids = {names[name].run_id for name in ("as_it_was", "stay", "halted", "other")}
    assert len(ids) == 4 and all(len(names[name].series) == 3601 for name in ("stay", "halted", "other"))


def test_changes_name_the_run_by_its_past_and_an_audit_finds_nothing():
    saved = sim.load("calm_btc", set=SMALL).run(seed=1, until=60)
    plain, changed = saved.fork(), saved.fork({"market.depth_scale_visible": 0.5}, duration="3m")
    other = saved.fork(seed=2)
    assert len({plain.run_id(), changed.run_id(), other.run_id()}) == 3
    run = changed.run(audit=True)
    assert len(run.series) == 181 and run.origin.resolved["forked"]["at_s"] == 60.0
    twice = saved.fork({"market.depth_scale_visible": 0.5}, duration="3m").run(until="90s").fork().run()
    assert same(twice, run)


def test_provenance_is_no_change():
    saved = sim.load("calm_btc", set=SMALL).run(until="30s")
    dated = saved.fork({"sources.depth.as_of": "2025-10-01"})
    assert dated.spec != saved.spec and dated.run_id() == saved.fork().run_id()
    assert same(dated.run(), saved.fork().run())


def test_a_moment_is_a_time_of_day_an_instant_a_duration_or_seconds():
    start = sim.load("flash_10_11_btc").spec.start_utc  # 20:20 UTC
    for text in (
        "20:49",
        "20:49:00",
        "2025-10-10T20:49:00Z",
        "2025-10-10T22:49:00+02:00",
        "29m",
        "1740s",
        1740,
        1740.0,
        "1740",
    ):
        assert moment(start, text) == 1740.0
    assert moment(start, "0:10") == 13_800.0
    for text in ("", "25:00", "soon", "2025-10-10T20:49:00", float("nan"), True):
        with pytest.raises(ScenarioError, match="until"):
            moment(start, text)
    with pytest.raises(ScenarioError, match="outside the run from 0 to 60 s"):
        sim.load("calm_btc", duration="1m").run(until="2m")
    with pytest.raises(ScenarioError, match="until 10s: 10 s from the start, outside the run from 30 to 60 s"):
        sim.load("calm_btc", duration="1m").run(until="30s").fork().run(until="10s")


def test_changes_of_a_fork_are_refused_as_those_of_a_scenario():
    saved = sim.load("calm_btc", set=SMALL).run(until="30s")
    with pytest.raises(ScenarioError, match="got the single text"):
        saved.fork("market.depth_scale_visible=0.5")
    for changes, said in (
        ({"set": ["nonsense=1"]}, r"^--set nonsense=1: nonsense: unknown key"),
        ({"set": {"market.price": "$100k"}}, r"^market\.price: cannot change at a fork"),
        ({"add_shocks": ["kind: halt"]}, r"^shocks\.0\.at: missing: add 'at: \.\.\.'\n"),
        ({"add_shocks": ["[1"]}, r"^--add-shock '\[1': expected a shock such as"),
    ):
        with pytest.raises(ScenarioError, match=said):
            saved.fork(**changes).market()


def test_a_file_reads_back_and_a_taken_place_is_kept(tmp_path):
    path = write_state(tmp_path / "s.npz", RECORD, ARRAYS)
    record, arrays = read_state(path)
    assert {key: record[key] for key in RECORD} == RECORD
    assert arrays.keys() == ARRAYS.keys()
    assert all(arrays[name].dtype == ARRAYS[name].dtype and (arrays[name] == ARRAYS[name]).all() for name in ARRAYS)
    with pytest.raises(ResultError, match="exists already"):
        write_state(path, {}, {})
    write_state(path, {}, {}, force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["s.npz"]


def test_a_damaged_file_is_refused(tmp_path):
    path = write_state(tmp_path / "s.npz", RECORD, ARRAYS)
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            record, arrays = read_state(path)
        except ForkError as error:
            assert str(path) in str(error)
        else:  # a byte that the zip format does not use
            assert record["note"] == "plain" and (arrays["a"] == ARRAYS["a"]).all()
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(ForkError, match="no saved state"):
            read_state(path)


def test_a_file_with_another_number_in_it_fails_its_checksum(tmp_path):
    path = write_state(tmp_path / "s.npz", RECORD, ARRAYS)
    with np.load(path) as loaded:
        members = {name: loaded[name] for name in loaded.files}
    members["a"][2] += 1
    np.savez(path, **members)
    with pytest.raises(ForkError, match="differs from its checksum"):
        read_state(path)


def test_foreign_files_versions_and_kernels_are_refused(tmp_path, monkeypatch):
    foreign, objects, text, archive = (tmp_path / name for name in ("a.npz", "o.npz", "t.npz", "z.npz"))
    np.savez(foreign, a=np.zeros(3))
    np.savez(objects, record=np.array([{}], object), sha256=np.zeros(2))
    text.write_text("no archive")
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("readme.txt", "hello")
    for path in (foreign, objects, text, archive):
        with pytest.raises(ForkError, match="no saved state"):
            read_state(path)
    with pytest.raises(ForkError, match="cannot be read"):
        read_state(tmp_path / "missing.npz")
    own = write_state(tmp_path / "s.npz", RECORD, ARRAYS)
    monkeypatch.setattr("sim.saved_file.kernel_hash", lambda: "0" * 64)
    with pytest.raises(ForkError, match="saved by other compiled code"):
        read_state(own)
    newer = write_state(tmp_path / "n.npz", {"version": 2}, {})
    with pytest.raises(ForkError, match="layout version 2, this is 1"):
        read_state(newer)


def test_the_command_line_saves_forks_and_runs_again(results):
    def shoal(*arguments):
        answer = CliRunner().invoke(app, list(arguments))
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    sets = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]
    told = json.loads(shoal("run", "calm_btc", *sets, "--until", "60s", "--save", "state.npz", "--json"))
    assert (told["state"], told["seed"], told["time_s"]) == ("state.npz", 1, 60.0) and told["time_utc"][-4:] == ":00Z"
    whole = json.loads(shoal("run", "calm_btc", *sets, "--seed", "1", "--json", "--no-report"))
    again = json.loads(shoal("fork", "state.npz", "--json", "--no-report", "--force"))
    assert again["run_id"] == whole["run_id"] and again["folder"] == whole["folder"]
    halt = "{kind: halt, at: 80s, over: 20s}"
    said = shoal("fork", "state.npz", "--add-shock", halt, "--until", "90s", "--save", "halted.npz")
    assert "stopped at 90 s" in said and "shoal fork halted.npz" in said
    halted = json.loads(shoal("fork", "halted.npz", "--seed", "5", "--json", "--no-report"))
    assert halted["run_id"] != whole["run_id"] and halted["seeds"] == [5]
    assert "same: all" in shoal("rerun", halted["folder"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "calm_btc", "--until", "60s"), "--until and --save go together"),
        (("run", "calm_btc", "--until", "60s", "--save", "s.npz", "--seeds", "2"), "--seeds does not go with --until"),
        (("fork", "missing.npz"), "cannot be read"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, said, results):
    answer = CliRunner().invoke(app, list(arguments))
    assert answer.exit_code == 2 and said in answer.stderr
