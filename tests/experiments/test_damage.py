"""Files of a sweep that were altered: every damage is seen, told and mended, and none is used."""

import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sim.errors import ResultError
from sim.experiments import costs, lock
from sim.experiments.query import query
from sim.experiments.store import DAMAGED, JOURNAL, MANIFEST, PLAN, RUNS, SERIES, read_manifest, sealed
from sim.experiments.sweep import begin, run_sweep
from tests.experiments import fake
from tests.experiments.fake import folder_of, plan, results
from tests.experiments.inline import inline

KINDS = ("bit", "bit", "bit", "cut", "zeros", "swap")
UNTOLD = "cut between two lines: shorter, not false"


def files_of(folder: Path) -> list[Path]:
    """Every file that a sweep keeps."""
    return [f for f in folder.rglob("*") if f.is_file() and f.stat().st_size]


def damaged(folder: Path, draw: random.Random) -> tuple[Path, str]:
    """Do one kind of damage to one file of a folder; which file, and what was done."""
    groups = [[*(folder / RUNS).iterdir()], [*(folder / SERIES).iterdir()]]
    groups += [[folder / name] for name in (PLAN, JOURNAL, costs.COSTS, MANIFEST, lock.LOCK)]
    victim = draw.choice(draw.choice(groups))
    before = victim.read_bytes()
    data = bytearray(before)
    kind = draw.choice(KINDS)
    at = draw.randrange(len(data))
    if kind == "bit":
        data[at] ^= 1 << draw.randrange(8)
    elif kind == "cut":
        data = data[:at]
    elif kind == "zeros":
        while bytes(data) == before:
            at = draw.randrange(len(data))
            data[at : at + 64] = bytes(len(data[at : at + 64]))
    else:
        data = bytearray(draw.choice([f for f in files_of(folder) if f.read_bytes() != before]).read_bytes())
    victim.write_bytes(bytes(data))
    lines = kind == "cut" and victim.name in (JOURNAL, costs.COSTS)
    return victim, UNTOLD if lines and (not data or before[at - 1 : at] == b"\n") else f"{kind} at {at}"


def damages(place: Path, n: int, draw: random.Random) -> Counter[str]:
    """Damage a sweep under way ``n`` times, each time afresh, and finish it; how often what was damaged."""
    wanted, folder = plan(seeds=3), folder_of(place / "sweep", plan(seeds=3))
    run_sweep(folder_of(place / "whole", wanted), lanes=[inline()], work=fake.quick)
    run_sweep(folder, lanes=[inline(stop_after=11)], work=fake.quick)  # two files are whole, three runs are journalled
    shutil.copytree(folder, place / "kept")
    seen = Counter[str]()
    for _ in range(n):
        shutil.rmtree(folder)
        shutil.copytree(place / "kept", folder)
        (folder / lock.LOCK).write_text('{"host": "elsewhere", "pid": 7, "since": "then", "beat": 1}\n')
        file, how = damaged(folder, draw)
        what = f"{how} of {file.relative_to(folder)}"
        told: tuple[str, ...] = ()
        try:
            told = run_sweep(folder, lanes=[inline()], work=fake.quick).damaged
        except ResultError as error:
            assert file.name == PLAN and PLAN in str(error), what
            assert begin(folder, wanted)
            run_sweep(folder, lanes=[inline()], work=fake.quick)
        else:
            assert file.name != PLAN, what
            if how != UNTOLD and file.name != lock.LOCK:
                assert any(file.name in name for name in told), (what, told)
        assert results(folder) == results(place / "whole"), what
        assert read_manifest(folder / MANIFEST) and not costs.lines_of(folder)[1], what
        kind = file.parent.name if file.parent != folder else file.name
        seen[f"{kind}, not told" if how == UNTOLD else kind] += 1
    return seen


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat of another machine that is not heard is not waited for."""
    monkeypatch.setattr(lock, "_SILENT_S", 0.0)


def test_every_damage_is_seen_and_mended(tmp_path: Path):
    damages(tmp_path, 100, random.Random(3))


@pytest.mark.long
def test_a_thousand_damages(tmp_path: Path):
    print(dict(damages(tmp_path, 1000, random.Random(4))))


def test_whole_files_of_another_sweep_are_not_taken(tmp_path: Path):
    """Their names fit their content, but they hold other runs, or were made by other code."""
    wanted, other = plan(seeds=2), plan(seeds=2, parameters={"market.depth_scale_visible": [1.5, 1.2, 0.8, 0.6]})
    whole = folder_of(tmp_path / "whole", wanted)
    run_sweep(whole, lanes=[inline()], work=fake.quick)
    for k, made in enumerate((other, replace(wanted, kernel_sha256="0" * 64))):
        stranger = folder_of(tmp_path / f"stranger {k}", made)
        run_sweep(stranger, lanes=[inline()], work=fake.quick)
        for kind in (RUNS, SERIES):
            folder = tmp_path / f"{kind} {k}"
            shutil.copytree(whole, folder)
            sealed(folder, kind)[0].unlink()
            file = sealed(stranger, kind)[0]
            shutil.copy(file, folder / kind / file.name)
            tally = run_sweep(folder, lanes=[inline()], work=fake.quick)
            assert f"{kind}/{file.name}" in tally.damaged and tally.made == 4
            assert results(folder) == results(whole)


def test_costs_and_sessions_that_were_altered_are_told_kept_apart_and_not_used(tmp_path: Path):
    folder = folder_of(tmp_path / "sweep", plan(seeds=2))
    run_sweep(folder, lanes=[inline()], work=fake.quick)
    lines = (folder / costs.COSTS).read_bytes().splitlines(keepends=True)
    (folder / costs.COSTS).write_bytes(b"".join([lines[0].replace(b"0.001", b"0.901"), *lines[1:], lines[3][:20]]))
    manifest = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(manifest.replace(b'"runs": 8', b'"runs": 9'))
    found = query(folder, "SELECT cpu_s FROM costs")["cpu_s"]
    assert found.tolist() == [0.001] * 7
    tally = run_sweep(folder, lanes=[inline()], work=fake.quick)
    assert (tally.made, tally.damaged) == (0, ("costs.jsonl: 2 lines", "manifest.json"))
    assert (folder / costs.COSTS).read_bytes() == b"".join(lines[1:])
    assert (folder / DAMAGED / costs.COSTS).read_bytes().count(b"\n") == 2
    kept = read_manifest(folder / MANIFEST)
    assert kept and kept["runs"] == 8 and len(kept["sessions"]) == 1
