"""Tables in human units: names carry units, integers come back exactly, files hold what the tables hold."""

import csv
import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from sim.results import frames, manifest, storage
from sim.schema import BAND_EDGES_BP, EVENT, RECORD
from tests.report.conftest import START, made_arrays

CONSTANTS = {"tick_usd": 0.1, "lot_coin": 0.001}


def one_row() -> np.ndarray:
    row = np.zeros(1, RECORD)
    row["time_us"], row["perp_bid_ticks"], row["perp_ask_ticks"] = 1_500_000, 1_167_190, 1_167_210
    row["bid_1pct_lots"], row["forced_sell_micro"], row["open_interest_lots"] = 2_000_000, 12_345_678, 130_000_000
    return row


def test_units_by_hand():
    table = frames.series_frame(one_row(), CONSTANTS, START)
    row = table.iloc[0]
    assert row["time_utc"] == pd.Timestamp("2025-10-10T20:20:01.5Z")
    assert row["elapsed_s"] == 1.5
    assert row["perp_mid_usd"] == pytest.approx(116_720.0)
    assert row["perp_spread_bp"] == pytest.approx(2.0 / 116_720.0 * 1e4)
    assert row["depth_bid_1pct_btc"] == pytest.approx(2000.0)
    assert row["depth_bid_1pct_usd"] == pytest.approx(2000.0 * 116_720.0)
    assert row["forced_sell_usd"] == pytest.approx(12.345678)
    assert np.isnan(row["spot_bid_usd"])  # an empty side has no price, not a price of 0


def test_integers_come_back_exactly():
    lots = np.array([1, 3, 999_999_999, 2**52 + 1], dtype=np.int64)
    rows = np.zeros(lots.size, RECORD)
    rows["open_interest_lots"], rows["fund_micro"], rows["perp_bid_ticks"] = lots, -lots, lots
    table = frames.series_frame(rows, CONSTANTS, START)
    assert np.array_equal(np.rint(table["open_interest_btc"].to_numpy() / 0.001).astype(np.int64), lots)
    assert np.array_equal(np.rint(table["perp_bid_usd"].to_numpy() / 0.1).astype(np.int64), lots)
    assert np.array_equal(np.rint(table["fund_usd"].to_numpy() * 1e6).astype(np.int64), -lots)


def test_every_column_has_unit_and_meaning(run):
    for frame in (run.series, run.bands, run.events):
        for column in frame.columns:
            assert frames.unit_of(column), column
            assert frames.meaning_of(column), column
    assert {"name", "count", "USD", "BTC", "bp", "s", "UTC", "fraction"} == {
        frames.unit_of(c) for t in (run.series, run.bands, run.events) for c in t.columns
    }


def test_account_fields_by_suffix():
    fields = np.dtype(
        [("account", "i8"), ("first_forced_us", "i8"), ("liquidation_half_ticks", "i8"), ("taken_lots", "i8")]
    )
    rows = np.array([(7, -1, 2_000_001, 5), (8, 2_500_000, 0, 0)], dtype=fields)
    table = frames.accounts_frame(rows, CONSTANTS, START)
    assert list(table.columns) == ["account", "first_forced_s", "liquidation_usd", "taken_btc"]
    assert np.isnan(table["first_forced_s"][0]) and table["first_forced_s"][1] == 2.5
    assert table["liquidation_usd"][0] == pytest.approx(100_000.05)


def test_bands_keep_order_and_amounts():
    arrays = made_arrays(1, 120)
    table = frames.bands_frame(arrays.bands, arrays.constants, START)
    assert list(table.columns[:4]) == ["time_utc", "elapsed_s", "mid_usd", "bid_to_0.5bp_btc"]
    assert table.columns[-1] == f"ask_to_{BAND_EDGES_BP[-1]:g}bp_btc"
    assert np.allclose(table.iloc[:, 3:].to_numpy(), arrays.bands["lots"] * 0.001)


def test_event_kinds_are_words():
    rows = np.zeros(4, EVENT)
    rows["kind"] = [0, 1, 2, 3]
    assert frames.events_frame(rows, CONSTANTS, START)["kind"].tolist() == [
        "forced_order",
        "takeover",
        "fund_unload",
        "shock",
    ]


def test_a_bankruptcy_price_of_zero_is_a_price_and_a_missing_one_is_none():
    """Of takeovers and deleveraging; a shock at 0 ticks has no price."""
    rows = np.zeros(3, EVENT)
    rows["kind"] = [1, 5, 3]
    price = frames.events_frame(rows, CONSTANTS, START)["price_usd"]
    assert price[:2].tolist() == [0.0, 0.0] and np.isnan(price[2])


def test_parquet_keeps_values_units_and_run_id(run):
    data = storage.parquet_bytes(run.series, "abc123")
    assert data == storage.parquet_bytes(run.series, "abc123")  # same bytes each time
    pd.testing.assert_frame_equal(storage.read_parquet(data), run.series)
    schema = pq.read_schema(io.BytesIO(data))
    assert schema.metadata[b"shoal_run_id"] == b"abc123"
    assert schema.field("mark_usd").metadata[b"unit"] == b"USD"


def test_an_empty_table_survives(run):
    empty = run.events.iloc[:0]
    back = storage.read_parquet(storage.parquet_bytes(empty, "x"))
    assert len(back) == 0 and list(back.columns) == list(empty.columns)


def test_csv_keeps_all_digits_and_defuses_formulas():
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "plain", ""]
    frame = pd.DataFrame({"note": texts, "price_usd": [0.1 + 0.2, -1.0, 1e-300, 1e300, 1 / 3, 2**53 + 2.0, 0.0, -0.5]})
    text = storage.csv_bytes(frame).decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["note", "price_usd"]
    assert [float(r[1]) for r in rows] == frame["price_usd"].tolist()  # numbers untouched, sign included
    assert [r[0].removeprefix("'") for r in rows] == texts
    assert all(not r[0].startswith(("=", "+", "-", "@", "\t", "\r")) for r in rows)


def test_csv_folder_has_a_units_sidecar(run, tmp_path):
    place = run.to_csv(tmp_path / "csv")
    units = pd.read_csv(place / "units.csv", keep_default_na=False)
    with open(place / "series.csv", newline="", encoding="utf-8") as stream:
        series = list(csv.DictReader(stream))
    assert set(units[units["table"] == "series"]["column"]) == set(series[0])
    assert [float(row["mark_usd"]) for row in series] == run.series["mark_usd"].tolist()


def test_array_hash_sees_value_layout_and_length():
    rows = made_arrays(1, 60).series
    same, other = rows.copy(), rows.copy()
    other["mark_usd"][-1] = np.nextafter(other["mark_usd"][-1], 0.0)
    assert manifest.array_hash(rows) == manifest.array_hash(same)
    assert manifest.array_hash(rows) != manifest.array_hash(other)
    assert manifest.array_hash(rows) != manifest.array_hash(rows[:-1])
    assert manifest.array_hash(rows) != manifest.array_hash(rows.view(rows.dtype.descr[:-1] + [("n_other", "i8")]))


def test_json_has_no_nan():
    assert storage.json_bytes({"a": float("nan"), "b": np.float32(0.5), "c": [np.int64(3), float("inf")]}) == (
        b'{\n "a": null,\n "b": 0.5,\n "c": [\n  3,\n  null\n ]\n}\n'
    )
