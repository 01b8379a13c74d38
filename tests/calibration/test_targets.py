"""The one table of targets: complete, in agreement with the estimators, the recordings and the settings."""

import re

import pytest

from calibration.figures import DEPTH_WINDOWS
from calibration.parameters import SCENARIO, paths_after_the_event, rows_of
from sim import evidence
from sim.errors import DataError
from sim.metrics import cross, event, weeks
from sim.scenario.load import load_spec
from sim.scenario.spec import Spec
from sim.settings.venue import VenueSettings
from sim.targets import NOT_YET, read_targets, targets
from sim.venues.profile import load_profile
from tests.shell.files import ROOT

ROWS = targets()
SETTINGS = [
    *rows_of(Spec, load_spec(SCENARIO).model_dump(mode="python"), {}, frozenset()),
    *rows_of(VenueSettings, load_profile("cex_a").model_dump(mode="python"), {}, frozenset()),
]
PARAMETERS = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")


def test_every_row_of_the_dossier_is_there():
    wanted = {f"P{n}" for n in range(1, 20)} | {f"F{n}" for n in range(49)} | {f"A{n}" for n in range(1, 21)}
    assert {row.id for row in ROWS} == wanted


def test_every_estimator_exists_or_says_why_not():
    for row in ROWS:
        source = {"market": event, "network": cross, "weeks": weeks}[row.scope]
        known = source.WINDOWED if row.window else source.ESTIMATORS
        assert row.estimator.startswith(NOT_YET) or row.estimator in known, row
        assert bool(row.why_not) == (row.scope != "market" or row.estimator.startswith(NOT_YET))
    assert {row.estimator for row in ROWS if row.scope == "weeks"} == {*weeks.ESTIMATORS}
    for source, scope in ((event, "market"), (cross, "network")):
        used = {row.estimator for row in ROWS if row.scope == scope}
        assert used >= {*source.WINDOWED, *source.ESTIMATORS}, "an estimator that no row names"


def test_every_estimator_over_listings_says_what_it_does():
    for row in ROWS:
        if row.scope == "network":
            name, text = cross.how(row).split(": ", 1)
            assert name == row.estimator and text.endswith(".") and len(text) > 20, row.id


def test_rows_of_the_weeks_say_what_they_do_and_lie_within_their_six_weeks():
    for row in ROWS:
        if row.scope == "weeks":
            assert len(weeks.how(row)) > 30, row.id
            first, last = weeks.days_of(row.dates)
            assert "2025-10-11" <= first <= last <= "2025-11-21", row.id


def test_settings_that_knew_a_row_exist():
    known = {row.path.split("[")[0] for row in SETTINGS}
    for row in ROWS:
        for path in row.touched_by:
            assert path in known, f"{row.id}: {path} is no setting"


def test_a_setting_whose_source_cites_a_row_stands_in_that_row():
    """docs/parameters.md names the rows behind each value: none of them may pass for untouched."""
    cited = re.findall(r"^\| `([a-z0-9_.]+)` \|.*\| ([^|]*) \|$", PARAMETERS, re.MULTILINE)
    assert len(cited) > 50
    touched = {(path, row.id) for row in ROWS for path in row.touched_by}
    for path, source in cited:
        for mark in re.findall(r"\b[PFA]\d+\b", source):
            assert (path, mark) in touched, f"add {path} to touched_by of {mark} in calibration/targets.yaml"


def test_a_setting_that_rests_on_later_data_is_listed_as_such():
    """A row of after 20:49 that touched a setting makes it one of calibration/after_the_event.md."""
    later = {path for row in ROWS if row.id[0] == "F" and row.role != "IN" for path in row.touched_by}
    assert later - {"insurance_fund"} <= paths_after_the_event()  # F44 quotes the fund's level before the event (P13)


@pytest.mark.parametrize("row", [r for r in ROWS if r.grade == "D" and r.value is not None], ids=lambda r: r.name)
def test_a_target_computed_from_recordings_agrees_with_the_figures(row):
    """Where calibration/derived/figures.csv measures the same row, it lies in the band of the target.

    F45 is a median over markets, of which the recordings hold one.
    """
    mine = [f for f in evidence.figures() if f.id == row.id and f.unit == row.unit and row.id != "F45"]
    if mine and row.band is not None and len([r for r in ROWS if r.id == row.id]) == 1:
        assert any(row.band[0] <= f.value <= row.band[1] for f in mine)


def test_calm_of_the_estimators_is_the_recorded_one():
    base = next(f for f in evidence.figures() if f.id == "F11")
    assert base.name.endswith("(base)") and event.CALM_RETURN_SD == pytest.approx(base.value / 100.0, rel=1e-12)


SHARES = ("bid_share", "ask_share")


def test_depth_windows_are_those_of_the_figures():
    mine = {(r.id, r.estimator.split("_")[0], *r.window.split("-")) for r in ROWS if r.estimator in SHARES}
    assert mine == {(row, side, first, last) for row, side, first, last in DEPTH_WINDOWS}


def test_windows_hold_their_last_minute():
    assert event.window_of("20:50-21:30") == event.Window(0.0, 41 * 60.0)
    assert event.window_of("20:30-20:30") == event.Window(-1200.0, -1140.0)


GOOD = '{id: F1, name: fall, estimator: drop, value: -1, unit: "%", band: [-2, 0], grade: D, role: FIT, source: D}'


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("id: F1", "id: Q1"), "row 1"),
        (("value: -1", "value: -3"), "outside its own band"),
        (("value: -1", "value: null"), "neither value nor recorded"),
        (("[-2, 0]", "[0, -2]"), "band must rise"),
        (("grade: D", "grade: E"), "grade"),
        (("role: FIT", "role: GUESS"), "role"),
        (("source: D", "source: D, tuned: yes"), "tuned"),
        (("estimator: drop", 'estimator: "none yet: no", window: "20:50-21:00"'), "window without"),
        (("estimator: drop", 'estimator: "none yet: no", scope: network'), "scope or window without"),
        (("estimator: drop", "estimator: drop, scope: galaxy"), "scope"),
        (("- {", "{"), "list of rows"),
        (("- {", "- {id: F1, "), "id"),
    ],
)
def test_a_broken_row_is_refused_by_its_place(tmp_path, change, word):
    good = f"- {GOOD}\n"
    file = tmp_path / "targets.yaml"
    file.write_text(good)
    assert read_targets(file)[0].untouched
    file.write_text(good.replace(*change))
    with pytest.raises(DataError, match=re.escape(word)):
        read_targets(file)


def test_a_row_stands_there_once(tmp_path):
    (tmp_path / "t.yaml").write_text(f"- {GOOD}\n- {GOOD}\n")
    with pytest.raises(DataError, match="twice"):
        read_targets(tmp_path / "t.yaml")
