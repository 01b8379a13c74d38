"""The six figures of weeks: numbers of the table by hand, what is missing in words, own files and their refusals."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import DataError, ScenarioError
from sim.report.weeks import read_own, save, weeks
from sim.report.weeks.lines import CHARTS, base_of, by_week, week_of
from sim.report.weeks.own import UNITS, parse_own
from sim.report.weeks.recorded import rows
from sim.report.weeks.save import COLUMNS, Weeks
from sim.results import load_run
from sim.results.storage import read_parquet
from sim.scenario.load import load_spec
from tests.report.conftest import made_run

DAYS = ["2025-10-13", "2025-10-14", "2025-10-15", "2025-10-16", "2025-10-17", "2025-10-20", "2025-10-21"]
"""A whole week of New York's sessions and two days of the next."""


def at(day: str, hour: int) -> pd.Timestamp:
    return pd.Timestamp(f"{day} {hour:02d}:00", tz="UTC")


def ledgers(times: float) -> dict[str, pd.DataFrame]:
    """Books of three institutions; ``times`` scales flows and coins."""
    etf = [
        {"time_utc": at(day, 23), "date": day, "flow_of": day, "who": "all", "what": "published",
         "amount_usd": times * usd}
        for day, usd in zip(DAYS, [-300e6, 100e6, 50e6, -25e6, 5e6, 900e6, 900e6], strict=True)
    ]  # fmt: skip
    etf.append({**etf[0], "what": "investors", "amount_usd": 1e12})
    dat = []
    for n, day in enumerate(DAYS):
        dat.append({"time_utc": at(day, 20), "date": day, "who": "strategy", "what": "close", "coins": 0.0,
                    "amount_usd": 0.0, "mean_cost_usd": 74_000.0 + n, "m_ev": 1.4 - 0.01 * n})  # fmt: skip
    for day, coins, usd in ((DAYS[0], 10.0, -1e6), (DAYS[4], 30.0, -3.6e6), (DAYS[5], 500.0, -50e6)):
        row = {"time_utc": at(day, 19), "date": day, "who": "strategy", "what": "buy coins"}
        dat.append({**row, "coins": times * coins, "amount_usd": times * usd})
        dat.append({**row, "who": "small_1", "coins": 1e6, "amount_usd": -1e9})
    lending = [
        {"time_utc": at(day, 4), "date": day, "who": "protocol", "what": "day", "amount_usd": usd}
        for day, usd in ((DAYS[0], 8e9), (DAYS[1], 6e9))
    ]
    return {name: pd.DataFrame(book) for name, book in (("etf", etf), ("dat", dat), ("lending", lending))}


def made(seed: int = 1, desks: dict[str, pd.DataFrame] | None = None, **columns: Any) -> Any:
    """Eleven days by the half hour: mark 100,000, from the second day on 90,000; open interest one less each row."""
    time = pd.date_range("2025-10-10 20:20", "2025-10-21 20:20", freq="30min", tz="UTC").as_unit("us")
    n = np.arange(len(time))
    table = {
        "time_utc": time, "elapsed_s": n * 1800.0, "mark_usd": np.where(n < 48, 100_000.0, 90_000.0),
        "open_interest_btc": 130_000.0 - n, "depth_bid_1pct_usd": 60e6, "depth_ask_1pct_usd": 49.2e6 + 20e6 * (n % 2),
        "depth_bid_5pct_usd": 200e6, "depth_ask_5pct_usd": 300e6,
    } | columns  # fmt: skip
    spec = load_spec("aftermath_10_11")
    return SimpleNamespace(seed=seed, spec=spec, series=pd.DataFrame(table), ledgers=desks or {}, listings={})


@pytest.fixture(scope="module")
def two() -> Weeks:
    """Two seeds, the second with double flows."""
    return Weeks([made(1, ledgers(1.0)), made(2, ledgers(2.0))], "abc")


def values(found: Weeks, figure: str, panel: str, series: str, kind: str = "simulated") -> pd.DataFrame:
    table = found.table
    mine = (table["figure"] == figure) & (table["panel"] == panel) & (table["series"] == series)
    out = table[mine & (table["kind"] == kind)]
    assert len(out), (figure, panel, series, kind)
    return out.set_index("time_utc")


def test_weeks_end_on_friday_and_a_weekend_belongs_to_the_next():
    assert [week_of(date(2025, 10, day)) for day in (13, 17, 18, 19)] == [date(2025, 10, d) for d in (17, 17, 24, 24)]
    assert by_week([date(2025, 10, 20), date(2025, 10, 17)], np.array([1.0, 2.0])) == {
        date(2025, 10, 17): 2.0, date(2025, 10, 24): 1.0,
    }  # fmt: skip


def test_flows_are_summed_over_whole_weeks_of_published_sessions(two):
    """-300 + 100 + 50 - 25 + 5 = -170 in seed 1, twice that in seed 2; the next week has two of five sessions."""
    flow = values(two, "etf", "flow", "all funds")
    assert list(flow.index) == [at("2025-10-17", 0)]
    assert flow["p10"].item() == pytest.approx(-340.0) and flow["p90"].item() == pytest.approx(-170.0)
    assert flow["value"].item() == pytest.approx(-340.0), "of two seeds the lower one: a value that a seed has"
    assert flow["unit"].item() == "million USD" and flow["seeds"].item() == 2
    assert "Week to 24 Oct: the run holds 2 of 5 sessions, so it is not drawn" in two.text()


def test_purchases_of_strategy_alone_with_cost_and_price_paid(two):
    bought = values(two, "treasuries", "bought", "Strategy, coins bought")
    assert bought["p10"].tolist() == [40.0] and bought["p90"].tolist() == [80.0]
    paid = values(two, "treasuries", "price", "Strategy, paid in the week")
    assert paid["value"].item() == pytest.approx(4.6e6 / 40.0)
    cost = values(two, "treasuries", "price", "Strategy, mean cost of all coins")
    assert cost["value"].tolist() == [74_000.0 + n for n in range(7)] and cost.index[0] == at("2025-10-13", 20)
    assert values(two, "treasuries", "premium", "Strategy, m_EV")["value"].iloc[2] == pytest.approx(1.38)


def test_depth_is_the_mean_of_the_hour_over_the_morning_of_the_scenario(two):
    """109.2 and 129.2 $m in turn; the morning of the scenario (P5, P6) is 305 + 241."""
    usd = values(two, "depth", "usd", "BTC perp, 1 %, this venue")["value"]
    assert usd.iloc[0] == pytest.approx(109.2) and usd.iloc[1] == pytest.approx(119.2)
    share = values(two, "depth", "share", "BTC perp, 1 %, this venue")["value"]
    assert share.iloc[1] == pytest.approx(100.0 * 119.2 / 546.0)
    assert len(usd) == 1 + 11 * 24


def test_mark_and_open_interest_are_over_the_start_by_the_hour(two):
    index = values(two, "macro", "index", "BTC, mark")["value"]
    assert index.iloc[0] == 100.0 and index.iloc[-1] == pytest.approx(90.0)
    interest = values(two, "open_interest", "coins", "cex_a, perp")["value"]
    assert interest.iloc[1] == pytest.approx(129.998)
    share = values(two, "open_interest", "share", "cex_a, perp")["value"]
    assert share.iloc[1] == pytest.approx(100.0 * 129_998 / 130_000)


def test_loans_are_those_of_the_day_and_over_the_debt_of_the_start(two):
    debt = two.table[two.table["panel"] == "owed"]
    assert debt.loc[debt["kind"] == "simulated", "value"].tolist() == [8.0, 6.0]
    share = two.table[(two.table["figure"] == "lending") & (two.table["panel"] == "share")]
    start = float(load_spec("aftermath_10_11").lending.debt)
    assert share.loc[share["kind"] == "simulated", "value"].tolist() == pytest.approx([8e11 / start, 6e11 / start])


def test_recorded_points_stand_beside_and_on_the_scale_of_the_run(two):
    btc = values(two, "macro", "index", "BTC", "recorded")
    assert btc.loc[at("2025-10-17", 20), "value"] == pytest.approx(106.41), "USD of a coin over the simulated start"
    stock = values(two, "macro", "index", "Nasdaq-100 fund", "recorded")["value"]
    assert stock.loc[at("2025-10-10", 20)] == 100.0 and stock.loc[at("2025-10-13", 20)] == pytest.approx(60200 / 589.5)
    interest = values(two, "open_interest", "share", "BTC, Binance", "recorded")["value"]
    assert interest.tolist() == pytest.approx([100.0, 100.0 * 105 / 130])
    depth = values(two, "depth", "share", "BTC spot, 1 %, mean of venues", "recorded")
    assert depth["value"].tolist() == [100.0, 70.0] and set(depth["grade"]) == {"B"}
    bounds = values(two, "depth", "share", "BTC spot, 0.5 %, mean of venues", "recorded")["bound"]
    assert bounds.tolist() == ["", "at most"]
    assert not ((two.table["panel"] == "share") & (two.table["series"] == "ETH spot, 1 %, mean of venues")).any(), (
        "over a bound nothing can be told"
    )
    cost = values(two, "treasuries", "price", "Strategy, mean cost of all coins", "recorded")["value"]
    assert cost.loc[at("2025-11-17", 0)] == 74_433.0
    back = (74_433 * 649_870 - 8_178 * 102_171) / (649_870 - 8_178)
    assert cost.loc[at("2025-11-10", 0)] == pytest.approx(back, abs=1.0)
    flows = values(two, "etf", "flow", "all funds", "recorded")["value"]
    assert flows.loc["2025-10-03":].tolist() == [3240.0, 2715.0, -1231.0, 446.0, -799.0, -1208.0]


def test_a_channel_that_is_missing_is_said_and_points_still_stand():
    found = Weeks([made(3)], "abc")
    text = found.text()
    for sentence in (
        "Not in this run: spot funds (etf.enabled is off)",
        "Not in this run: a close of Strategy's books (dat.enabled, dat.strategy)",
        "Not in this run: a day of a lending protocol (lending.enabled)",
        "Not in this run: macro factors (macro.enabled is off)",
        "One venue in this run (cex_a, perp): others are recorded alone",
        "gold: one level, at least 4,000 USD an ounce on 7 Oct: no index",
    ):
        assert sentence in text, sentence
    for name in CHARTS:
        kinds = set(found.table.loc[found.table["figure"] == name, "kind"])
        assert "recorded" in kinds, name
    drawn = found.figures["lending"]
    assert "Not in this run: a day of a lending protocol" in drawn.axes[0].get_title(loc="left")
    footer = drawn.get_supxlabel()
    assert "one seed (seed 3) of any number" in footer and "points: recorded" in footer and "Token Terminal" in footer


def test_the_base_of_a_share_is_the_last_value_at_or_before_the_start():
    time = pd.DatetimeIndex([at("2025-10-09", 0), at("2025-10-10", 0), at("2025-10-12", 0)])
    levels = np.array([1.0, 2.0, 3.0])
    assert base_of(time, levels, at("2025-10-11", 0)) == 2.0
    assert base_of(time, levels, at("2025-10-12", 0)) == 3.0
    assert base_of(time, levels, at("2025-10-08", 0)) == 1.0


def listed(*names: str) -> Any:
    """A network of these listings, the asset first: further ones have half the rows and twice the open interest."""
    run = made()
    run.spec = SimpleNamespace(
        **{key: getattr(run.spec, key) for key in ("title", "start_utc", "venue", "macro", "lending")}
    )
    run.spec.listings = {name: SimpleNamespace(asset=name.partition("_")[0]) for name in names}
    for k, name in enumerate(names):
        part = made()
        part.series = part.series.iloc[:: 1 + k].assign(open_interest_btc=130_000.0 * (1 + k)).reset_index(drop=True)
        run.listings[name] = part
    return run


def test_each_listing_of_btc_is_a_venue_and_other_assets_are_not():
    found = Weeks([listed("eth_a", "btc_a", "btc_b")], "abc")
    table = found.table[(found.table["panel"] == "coins") & (found.table["kind"] == "simulated")]
    assert table.groupby("series")["value"].first().to_dict() == {"btc_a": 260.0, "btc_b": 390.0}
    assert "One venue" not in found.text()


def test_a_network_without_btc_says_so_and_draws_recorded_points_alone():
    found = Weeks([listed("eth_a")], "abc")
    assert found.text().count("Not in this run: a listing of BTC") == 2
    assert "Not in this run: a perp book of BTC" in found.text()
    assert "simulated" not in set(found.table["kind"])
    btc = values(found, "macro", "index", "BTC", "recorded")["value"]
    assert btc.loc[at("2025-10-10", 20)] == 100.0


def test_factors_of_the_run_are_indexed_at_its_start():
    run = made()
    path = [{"date": "2025-10-09", "levels": {"nasdaq": 200.0, "cut_odds": 0.9}},
            {"date": "2025-10-10", "levels": {"nasdaq": 190.0, "cut_odds": 0.8}},
            {"date": "2025-10-13", "levels": {"nasdaq": 209.0, "cut_odds": 0.7}}]  # fmt: skip
    macro = run.spec.macro.model_validate({"enabled": True, "path": path, "betas": {"nasdaq": 1.0}})
    run.spec = run.spec.model_copy(update={"macro": macro})
    found = Weeks([run], "abc")
    given = values(found, "macro", "index", "nasdaq", "input")["value"]
    assert given.loc[at("2025-10-10", 20)] == 100.0 and given.loc[at("2025-10-13", 20)] == pytest.approx(110.0)
    assert "cut_odds moves by differences" in found.text()


def own(tmp_path: Path, text: str) -> str:
    file = tmp_path / "mine.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_own_flows_are_summed_by_week_in_million_usd(tmp_path):
    file = own(tmp_path, "date,My fund [$bn]\n2025-10-13,0.1\n2025-10-17,0.25\n2025-10-20,\n2025-10-21,-1\n")
    (series,) = read_own("etf", file)
    assert series.name == "my fund" and series.unit == "million USD"
    assert series.values.tolist() == pytest.approx([350.0, -1000.0])
    assert [moment.date() for moment in series.time] == [date(2025, 10, 17), date(2025, 10, 24)]
    found = Weeks([made()], "abc", [series])
    mine = values(found, "etf", "flow", "my fund", "own")
    assert mine["value"].tolist() == pytest.approx([350.0, -1000.0]) and mine["source"].iloc[0].startswith(
        "mine.csv, SHA-256 "
    )


def test_own_levels_take_times_zones_and_one_unit_for_all(tmp_path):
    file = own(tmp_path, "# a comment\ntime,unit,a,b\n2025-10-10T22:00+02:00,btc,2000,1\n2025-10-11,btc,1000,3\n")
    a, b = read_own("open_interest", file)
    assert a.time[0] == pd.Timestamp(datetime(2025, 10, 10, 20, tzinfo=UTC)) and a.values.tolist() == [2.0, 1.0]
    found = Weeks([made()], "abc", [a, b])
    assert values(found, "open_interest", "share", "b", "own")["value"].tolist() == pytest.approx([100.0, 300.0])
    (gold,) = read_own("macro", own(tmp_path, "date,gold [EUR an ounce]\n2025-10-10,4000\n2025-10-11,4400\n"))
    index = values(Weeks([made()], "abc", [gold]), "macro", "index", "gold", "own")["value"]
    assert index.tolist() == pytest.approx([100.0, 110.0])


@pytest.mark.parametrize(
    ("figure", "text", "line", "told"),
    [
        ("etf", "date,a\n2025-10-13,1\n", 1, "no unit is told: name the column 'a [unit]' or add a column 'unit'"),
        ("etf", "date,a [EUR]\n2025-10-13,1\n", 1, "is none of this figure's"),
        ("etf", "date,a [$m]\n2025-10-13,1\n13.10.2025,1\n", 3, "expected a date or time, got '13.10.2025': write"),
        ("etf", "date,a [$m]\n2025-10-13,1\n\n2025-10-14,many\n", 4, "expected a number, got 'many'"),
        ("etf", "date,a [$m]\n2025-10-14,1\n2025-10-13,1\n", 3, "does not come after the row before: sort or merge"),
        ("etf", "date,a [$m]\n", 1, "no rows follow the header"),
        ("etf", "date,a [$m]\n2025-10-13,\n", 1, "holds no value: fill it or take it out"),
        ("etf", "day,a [$m]\n2025-10-13,1\n", 1, "no column for the date: name one of them 'date' or 'time'"),
        ("etf", "date,unit\n2025-10-13,$m\n", 1, "no column of values"),
        ("lending", "date,unit,a\n2025-10-13,$m,1\n2025-10-14,$bn,1\n", 3, "one file has one unit"),
        ("macro", "date,gold\n2025-10-13,4000\n2025-10-14,0\n", 3, "must be above 0"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_file_line_and_cure(tmp_path, figure, text, line, told):
    file = own(tmp_path, text)
    with pytest.raises(DataError) as refused:
        read_own(figure, file)
    message = str(refused.value)
    assert message.startswith(f"{file}:{line}: ") and told in message and "\n" not in message


def test_a_figure_that_is_none_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(ScenarioError, match="no such figure; there are macro, etf"):
        parse_own(["eft=flows.csv"])
    with pytest.raises(ScenarioError, match=r"expected FIGURE=FILE.csv"):
        parse_own(["flows.csv"])
    with pytest.raises(DataError, match="no such file"):
        read_own("etf", tmp_path / "none.csv")


def test_every_recorded_row_has_a_figure_a_source_and_a_grade():
    for row in rows():
        assert row["figure"] in CHARTS and row["series"] and row["unit"] and row["source"], row
        assert row["grade"] in tuple("ABCD") and row["bound"] in ("", "at most", "at least", "words"), row
    assert {row["figure"] for row in rows()} == set(CHARTS)
    assert set(UNITS) == set(CHARTS) - {"macro"}


def test_the_files_of_a_run_folder(tmp_path):
    """A made-up run of two hours through the command: twelve images, one table in two forms, units, a page."""
    folder = made_run(1, every_s=60).save(tmp_path / "run", report=False)
    file = own(tmp_path, "date,gold\n2025-10-10,4000\n2025-10-11,4010\n")
    told = CliRunner().invoke(app, ["weeks", str(folder), "--own", f"macro={file}"])
    assert told.exit_code == 0, told.output
    place = folder / "weeks"
    names = {f"{name}.{kind}" for name in CHARTS for kind in ("svg", "png")}
    assert {p.name for p in place.iterdir()} == names | {"weeks.csv", "weeks.parquet", "units.csv", "weeks.html"}
    table = read_parquet((place / "weeks.parquet").read_bytes())
    assert list(table.columns) == list(COLUMNS) and {"recorded", "simulated", "own"} == set(table["kind"])
    assert pd.read_csv(place / "units.csv")["column"].tolist() == list(COLUMNS)
    assert table.loc[table["kind"] == "simulated", "p10"].isna().all(), "one seed has no band"
    mark = table[(table["series"] == "BTC, mark") & (table["panel"] == "price")]
    assert mark["value"].tolist() == made_run(1, every_s=60).series["mark_usd"].tolist(), "a short run by the minute"
    page = (place / "weeks.html").read_text(encoding="utf-8")
    drawn = weeks(load_run(folder)).figures["depth"]
    assert "The run lasts 1 h 59 min: its path is a sliver" in drawn.axes[0].get_title(loc="left")
    assert "Not in this run: spot funds" in page and "one seed (seed 1) of any number" in page
    again = save(weeks(load_run(folder), {"macro": file}), tmp_path / "again")
    assert all((again / p.name).read_bytes() == p.read_bytes() for p in place.iterdir()), "same run, same bytes"
    bad = CliRunner().invoke(app, ["weeks", str(folder), "--own", f"etf={file}"])
    assert bad.exit_code == 2 and "mine.csv:1: 'gold': no unit is told" in bad.output
