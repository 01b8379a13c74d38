"""Long experiments keep what is done: a job is run once for the same code, a failed one costs no other."""

import json
from concurrent.futures import Future

from calibration.experiments.aftermath import PRESSURES, pressure_cases
from calibration.experiments.kept import Job, kept, key_of
from sim.scenario.load import load_spec


class Here:
    """A pool of this process."""

    def __init__(self):
        self.done = []

    def submit(self, function, job):
        future = Future()
        self.done.append(job)
        try:
            future.set_result(function(job))
        except ValueError as error:
            future.set_exception(error)
        return future


def measured(job):
    if job.seed == 3:
        raise ValueError("no such market")
    return {"seed": job.seed}


JOBS = [Job("calm_btc", (), seed) for seed in (1, 2, 3)]


def test_what_is_done_is_read_and_what_failed_is_tried_again(tmp_path, capsys):
    pool = Here()
    found = kept(pool, measured, JOBS, "try", __file__, tmp_path)
    assert found == {JOBS[0]: {"seed": 1}, JOBS[1]: {"seed": 2}}
    assert "no such market" in capsys.readouterr().out
    again = Here()
    assert kept(again, measured, JOBS, "try", __file__, tmp_path) == found
    assert again.done == [JOBS[2]]


def test_a_line_that_a_kill_cut_short_is_run_again(tmp_path):
    kept(Here(), measured, JOBS[:2], "try", __file__, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text()[:-5])
    pool = Here()
    assert len(kept(pool, measured, JOBS[:2], "try", __file__, tmp_path)) == 2
    assert len(pool.done) == 1
    assert sorted(json.loads(line)["found"]["seed"] for line in file.read_text().splitlines()) == [1, 2]


def test_other_code_or_another_scenario_is_another_job(tmp_path):
    kept(Here(), measured, JOBS[:1], "try", __file__, tmp_path)
    pool = Here()
    kept(pool, measured, [Job("calm_btc", ("market.open_interest=100k BTC",), 1)], "try", __file__, tmp_path)
    kept(pool, measured, JOBS[:1], "try", kept.__code__.co_filename, tmp_path)
    assert len(pool.done) == 2
    assert key_of(JOBS[0]) != key_of(JOBS[1])


def test_each_pressure_is_off_on_and_in_pairs_and_its_changes_are_settings():
    cases = pressure_cases()
    assert len({on for on, _ in cases}) == 8
    assert all(informed == 0.0 or "outflows" in on for on, informed in cases)
    whole = load_spec("aftermath_reset")
    none = load_spec("aftermath_reset", list(cases[(), 0.0]))
    assert cases[tuple(PRESSURES), 0.0] == ()
    assert not none.etf.investors and whole.etf.investors
    assert none.market.open_interest == 130_000 > whole.market.open_interest
    assert none.market.bid_depth_share == none.market.ask_depth_share == 1.0 > whole.market.bid_depth_share
