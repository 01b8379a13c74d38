"""Run folders: whole or not there, verified when read, no trace of the user."""

import errno
import getpass
import json
import os
import socket
from pathlib import Path

import pandas as pd
import pytest

from sim.errors import ResultError
from sim.results import Ensemble, Run, folder, load_run, run_folder
from sim.results.storage import yaml_bytes
from sim.scenario.load import load_spec
from tests.report.conftest import made_run

SMALL = {"a.txt": b"one", "deep/b.txt": b"two", "deep/c.txt": b"three"}
MANIFEST = {"schema": folder.SCHEMA, "run_id": "abc"}


def test_a_run_comes_back_as_it_was_saved(run, tmp_path):
    place = run.save(tmp_path / "made", report=False)
    back = load_run(place)
    assert isinstance(back, Run)
    assert (back.seed, back.hashes, back.timing, back.run_id) == (run.seed, run.hashes, run.timing, run.run_id)
    assert back.spec == run.spec and back.summary == run.summary and back.constants == run.constants
    for name in ("series", "bands", "events", "accounts"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(run, name))


def test_an_ensemble_comes_back_with_its_seeds(ensemble, tmp_path):
    back = load_run(ensemble.save(tmp_path / "made", report=False))
    assert isinstance(back, Ensemble)
    assert back.seeds == (1, 2, 3) and back.run_id == ensemble.run_id
    assert back.summary == ensemble.summary
    pd.testing.assert_frame_equal(back.band("mark_usd"), ensemble.band("mark_usd"))


def test_manifest_says_what_made_the_run_and_nothing_about_the_user(run, tmp_path):
    place = run.save(tmp_path / "made", report=False)
    text = (place / "manifest.json").read_text()
    saved = json.loads(text)
    wanted = {
        "schema",
        "kind",
        "tool",
        "kernel_sha256",
        "packages",
        "platform",
        "run_id",
        "resolved",
        "resolved_sha256",
        "overrides",
    }
    assert wanted | {"seeds", "runs", "sources", "status", "files", "audited"} == set(saved)
    assert saved["status"] == "complete" and saved["overrides"] == ["market.price=$116720"]
    assert set(saved["runs"]["1"]["result_sha256"]) == {"series", "bands", "events", "accounts", "state"}
    assert {"python", "system", "machine"} <= set(saved["platform"]) and saved["packages"]["numpy"] != "absent"
    for private in (str(Path.home()), os.getcwd(), str(tmp_path)):
        assert private not in text
    for name in (getpass.getuser(), socket.gethostname()):
        assert f'"{name}"' not in text


def test_resolved_scenario_reads_back_as_the_same_scenario(run, tmp_path):
    place = run.save(tmp_path / "made", report=False)
    assert load_spec(place / "scenario.resolved.yaml") == run.spec


def entries(parent: Path) -> list[str]:
    return sorted(p.name for p in parent.iterdir())


@pytest.mark.parametrize("title", ["1e3", "012", "yes", "2025-10-10", "1_000", "~"])
def test_a_title_that_looks_like_a_number_or_a_word_of_yaml_stays_text(title, run, tmp_path):
    """PyYAML would write ``1e3`` bare, which the scenario reader takes for a number."""
    spec = run.spec.model_copy(update={"title": title})
    path = tmp_path / "scenario.yaml"
    path.write_bytes(yaml_bytes(spec.model_dump(mode="json")))
    assert load_spec(path).title == title


def test_a_full_disk_at_any_write_leaves_nothing(tmp_path, monkeypatch):
    real, calls = folder.write_file, []

    def failing(at: int):
        def write(path, data):
            calls.append(path)
            if len(calls) == at:
                path.write_bytes(data[:1])  # a torn write, as a full disk leaves it
                raise OSError(errno.ENOSPC, "No space left on device")
            real(path, data)

        return write

    for at in range(1, len(SMALL) + 2):  # every file, then the manifest
        calls.clear()
        monkeypatch.setattr(folder, "write_file", failing(at))
        with pytest.raises(ResultError, match="No space left on device.*--out"):
            folder.write_folder(tmp_path / "made", SMALL, MANIFEST)
        assert len(calls) == at and entries(tmp_path) == []
    monkeypatch.setattr(folder, "write_file", real)
    folder.write_folder(tmp_path / "made", SMALL, MANIFEST)
    assert folder.read_manifest(tmp_path / "made")["run_id"] == "abc"


@pytest.mark.parametrize("moment", ["write_file", "sync_folder"])
def test_ctrl_c_in_mid_save_leaves_nothing(tmp_path, monkeypatch, moment):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder.write_folder(tmp_path / "made", SMALL, MANIFEST)
    assert entries(tmp_path) == []


def test_a_failed_replacement_keeps_the_old_folder(tmp_path, monkeypatch):
    place = folder.write_folder(tmp_path / "made", {"a.txt": b"old"}, MANIFEST)
    real = os.rename

    def rename(source, target):
        if str(source).endswith(".partial"):
            raise OSError(errno.EIO, "Input/output error")
        real(source, target)

    monkeypatch.setattr(folder.os, "rename", rename)
    with pytest.raises(ResultError, match="Input/output error"):
        folder.write_folder(place, SMALL, MANIFEST, force=True)
    assert (place / "a.txt").read_bytes() == b"old" and entries(tmp_path) == ["made"]


def test_an_existing_folder_is_kept_unless_forced(tmp_path):
    place = folder.write_folder(tmp_path / "made", {"a.txt": b"old"}, MANIFEST)
    with pytest.raises(ResultError, match="exists already.*--force"):
        folder.write_folder(place, SMALL, MANIFEST)
    folder.write_folder(place, SMALL, MANIFEST, force=True)
    assert entries(place) == ["a.txt", "deep", "manifest.json"] and entries(tmp_path) == ["made"]


def test_force_never_replaces_what_is_no_run_folder(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "precious.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "home")
    for name in ("home", "link"):
        with pytest.raises(ResultError, match="not a run folder"):
            folder.write_folder(tmp_path / name, SMALL, MANIFEST, force=True)
    assert (tmp_path / "home" / "precious.txt").read_text() == "mine"


def test_read_only_parent_gives_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="cannot write the results"):
        folder.write_folder(tmp_path / "file" / "made", SMALL, MANIFEST)


def test_damage_is_found(tmp_path):
    place = folder.write_folder(tmp_path / "made", SMALL, MANIFEST)
    whole = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}
    for path, data in whole.items():
        damaged = [data[: len(data) // 2], b"", data[:-1] + bytes([data[-1] ^ 1])]
        if path.name != "manifest.json":
            damaged.append(b"\0" * len(data))
        else:
            damaged = damaged[:2]
        for bad in damaged:
            path.write_bytes(bad)
            with pytest.raises(ResultError):
                folder.read_manifest(place)
        path.unlink()
        with pytest.raises(ResultError):
            folder.read_manifest(place)
        path.write_bytes(data)
    assert folder.read_manifest(place)["run_id"] == "abc"


def test_a_manifest_cannot_point_outside_its_folder(tmp_path):
    place = folder.write_folder(tmp_path / "made", SMALL, MANIFEST)
    for outside in ("../../etc/passwd", "/etc/passwd"):
        saved = json.loads((place / "manifest.json").read_text())
        saved["files"][outside] = "0" * 64
        (place / "manifest.json").write_text(json.dumps(saved))
        with pytest.raises(ResultError, match="outside its folder"):
            folder.read_manifest(place)


def test_another_layout_names_the_version_to_use(tmp_path):
    place = folder.write_folder(tmp_path / "made", SMALL, {"schema": 99, "tool": {"version": "9.9"}})
    with pytest.raises(ResultError, match="read it with shoal 9.9"):
        load_run(place)
    with pytest.raises(ResultError, match="give a folder that `shoal run` wrote"):
        load_run(tmp_path)


@pytest.mark.parametrize("name", ["../../evil", "/etc", "a b\x1b[31m", "名前", "", "x" * 500])
def test_folder_names_stay_inside_the_parent(tmp_path, name):
    place = run_folder(tmp_path, name, "abc")
    assert place.parent == tmp_path and place.name.endswith("-abc") and len(place.name) <= 64


def test_run_id_moves_with_scenario_seed_and_kernels():
    from sim.results import manifest

    first = made_run(1)
    ids = {
        first.run_id,
        made_run(2).run_id,
        manifest.run_id({"scenario": {}}, (1,), "k"),
        manifest.run_id(first.origin.resolved, (1,), "k"),
    }
    assert len(ids) == 4 and all(len(i) == 12 for i in ids)


def test_a_run_keeps_its_identity_when_the_code_moves_on(run, tmp_path, monkeypatch):
    from sim.results import manifest

    place = run.save(tmp_path / "made", report=False)
    monkeypatch.setattr(manifest, "kernel_hash", lambda: "f" * 64)
    back = load_run(place)
    assert back.run_id == run.run_id and back.origin.code == run.origin.code
    assert run.run_id[:12] in back._repr_html_()
