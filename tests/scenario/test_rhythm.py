"""A scenario at another hour of the week."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sim import evidence
from sim.cli.app import app
from sim.errors import DataError, ScenarioError
from sim.experiments.cases import differences
from sim.report.hours import hours
from sim.rhythm import depth_level, moment_after, moved, ratios
from sim.runner import load
from sim.scenario.load import load_spec

FRIDAY = datetime(2025, 10, 10, 20, 20, tzinfo=UTC)
DAY = timedelta(days=1)


def test_depth_goes_through_the_published_points_and_between_them():
    at = [depth_level(datetime(2025, 10, 7, h, tzinfo=UTC)) for h in range(24)]
    assert at[11] == pytest.approx(3.86) and at[21] == pytest.approx(2.36)
    assert max(at) == at[11] and min(at) == at[21]
    assert at[16] == pytest.approx(3.11) and at[4] == pytest.approx(3.11)  # half way down, half way up
    last, first = (depth_level(datetime(2025, 10, 7, 0, tzinfo=UTC) + timedelta(seconds=s)) for s in (-1, 0))
    assert last == pytest.approx(first, abs=1e-3)


def test_activity_peaks_where_new_york_opens_and_rests_at_weekends():
    """MODEL 6.1 row 15: volume peaks at 13 to 16 UTC, weekends 0.5 to 0.7 of it."""
    weekday, weekend = evidence.rhythm("rhythm_btc")
    assert weekday.shape == weekend.shape == (24,)
    assert 13 <= int(np.argmax(weekday)) <= 16
    assert 0.5 <= weekend.mean() / weekday.mean() <= 0.7


def test_ratios_are_means_of_two_hours_and_undo_each_other():
    weekday, weekend = evidence.rhythm("rhythm_btc")
    sunday = datetime(2025, 10, 12, 11, 0, tzinfo=UTC)
    was = (40 * weekday[20] + 60 * weekday[21] + 20 * weekday[22]) / 120  # from 20:20 to 22:20
    activity, depth = ratios(FRIDAY, sunday)
    assert activity == pytest.approx((weekend[11] + weekend[12]) / 2 / was, rel=1e-12)
    assert 1.0 / activity == pytest.approx(ratios(sunday, FRIDAY)[0], rel=1e-12)
    assert depth == pytest.approx(ratios(FRIDAY, sunday + DAY)[1], rel=1e-12)  # of depth each day is alike
    assert depth == pytest.approx(1.0 / ratios(sunday, FRIDAY)[1], rel=1e-12)
    assert ratios(FRIDAY, FRIDAY) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Sun 11:00", datetime(2025, 10, 12, 11, tzinfo=UTC)),
        ("friday 20:20", FRIDAY),
        ("Fri 20:00", datetime(2025, 10, 17, 20, tzinfo=UTC)),  # it is past: the next one
        ("2025-11-02T13:00+01:00", datetime(2025, 11, 2, 12, tzinfo=UTC)),
    ],
)
def test_times_are_read(text, wanted):
    assert moment_after(FRIDAY, text) == wanted


@pytest.mark.parametrize("text", ["", "11:00", "Sun 25:00", "2025-10-12", "2025-10-12T11:00", "Son 11:00"])
def test_other_times_are_refused_in_a_sentence(text):
    with pytest.raises(ScenarioError, match="expected a day and a time of day"):
        moment_after(FRIDAY, text)


def test_a_moved_scenario_differs_in_hour_volume_noise_and_visible_depth_alone(tmp_path):
    file = moved("flash_10_11_btc", "Sun 11:00").write(tmp_path / "sunday.yaml")
    old, new = load_spec("flash_10_11_btc"), load_spec(file)
    paths = {d.path for d in differences(load("flash_10_11_btc"), load(file))} - {"name", "title"}
    volumes = {"market.perp_daily_volume", "market.spot_daily_volume"}
    assert paths == {"start_utc", "evidence", "market.depth_scale_visible", "news.noise_per_day", *volumes}
    activity, depth = ratios(FRIDAY, new.start_utc)
    assert new.market.depth_scale_visible == pytest.approx(depth, rel=1e-5)
    for get in (
        lambda s: s.market.perp_daily_volume,
        lambda s: s.market.spot_daily_volume,
        lambda s: s.news.noise_per_day,
    ):
        assert get(new) / get(old) == pytest.approx(activity, rel=1e-5)
    back = load_spec(moved(str(file), "Fri 20:20").write(tmp_path / "back.yaml"))
    assert back.market.depth_scale_visible == pytest.approx(1.0, rel=1e-5)


def test_networks_are_refused_and_files_are_kept(tmp_path):
    with pytest.raises(ScenarioError, match="listings with depths of their own"):
        moved("flash_10_11", "Sun 11:00")
    (tmp_path / "there.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="exists already"):
        moved("calm_btc", "Sun 11:00").write(tmp_path / "there.yaml")
    assert (tmp_path / "there.yaml").read_text(encoding="utf-8") == "mine"


def test_the_command_prints_or_writes(tmp_path):
    printed = CliRunner().invoke(app, ["move", "flash_10_11_btc", "--to", "Sun 11:00"])
    assert printed.exit_code == 0 and "start_utc: 2025-10-12T11:00:00Z" in printed.stdout
    (tmp_path / "printed.yaml").write_text(printed.stdout, encoding="utf-8")
    assert load_spec(tmp_path / "printed.yaml").start_utc == datetime(2025, 10, 12, 11, tzinfo=UTC)
    written = CliRunner().invoke(
        app, ["move", "flash_10_11_btc", "--to", "Sun 11:00", "--out", str(tmp_path / "a.yaml")]
    )
    assert written.exit_code == 0 and (tmp_path / "a.yaml").is_file()
    refused = CliRunner().invoke(app, ["move", "flash_10_11_btc", "--to", "noon"])
    assert refused.exit_code == 2 and "expected a day" in refused.stderr


def test_the_figure_has_every_hour_of_the_week_and_both_starts(tmp_path):
    args = ["move", "flash_10_11_btc", "--to", "Sun 11:00", "--figure", str(tmp_path / "f")]
    made = CliRunner().invoke(app, args)
    assert made.exit_code == 0 and "start_utc: 2025-10-12T11:00:00Z" in made.stdout
    table = pd.read_csv(tmp_path / "f" / "hours.csv")
    assert len(table) == 168 + 2 and (tmp_path / "f" / "hours.svg").is_file()
    own, target = (table[table[name]].iloc[0] for name in ("is_own", "is_target"))
    assert own["activity"] == own["visible_depth"] == 1.0
    assert (target["activity"], target["visible_depth"]) == pytest.approx(
        ratios(FRIDAY, datetime(2025, 10, 12, 11, tzinfo=UTC))
    )
    thursday = table[(table["weekday"] == "Thu") & (table["hour"] == 3.0)].iloc[0]
    at = datetime(2025, 10, 9, 3, tzinfo=UTC)
    assert (thursday["activity"], thursday["visible_depth"]) == pytest.approx(ratios(FRIDAY, at))
    drawn = hours("flash_10_11_btc", "Sun 11:00").figure()
    assert [axes.get_ylabel() for axes in drawn.axes] == [
        "activity, ratio to now",
        "visible depth, ratio to now",
    ]
    assert "UTC" in drawn.axes[1].get_xlabel() and len(drawn.axes[0].lines[0].get_xdata()) == 168
    refused = CliRunner().invoke(app, [*args[:-1], "/proc/none/f"])
    assert refused.exit_code == 1 and "choose another place with --figure" in refused.stderr and not refused.stdout
