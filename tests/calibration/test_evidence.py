"""Reading of the recorded evidence: units, clocks, unknown names, damaged files."""

import numpy as np
import pytest

from sim import evidence
from sim.errors import DataError

MINUTE = 60_000_000


def test_the_recorded_path_opens_at_2020_and_closes_at_midnight():
    time_us, close_usd = evidence.recorded_path("btc_2025_10_10")
    assert time_us.dtype == np.int64
    assert np.array_equal(time_us, np.arange(221) * MINUTE)
    assert close_usd[0] == 116_720
    assert time_us[np.argmin(close_usd)] == 61 * MINUTE  # the close of 21:20, the minute of the low (EVENT.md F3)
    assert (close_usd % 10 == 0).all()


def test_the_index_path_falls_with_the_headline_and_ends_at_2200():
    time_us, log_move = evidence.news_path("qqq_2025_10_10")
    assert np.array_equal(time_us, np.arange(51) * 2 * MINUTE)
    assert log_move[0] == 0.0
    at = dict(zip((time_us // MINUTE).tolist(), log_move, strict=True))
    headline = at[36] - at[30]  # 20:50 to 20:56; MODEL.md R8: -0.92 % by the bar that ends there
    assert headline == pytest.approx(np.log(584.61 / 589.94), abs=1.1e-4)
    assert at[100] == pytest.approx(np.log(583.06 / 590.01), abs=0.6e-4)


def test_depth_shares_know_where_the_bids_are_unknown():
    shares = evidence.depth_shares("btc_2025_10_10")
    minutes = shares.minute_us // MINUTE
    assert np.array_equal(minutes, np.arange(220))
    assert np.array_equal(minutes[np.isnan(shares.bid_share)], np.arange(56, 72))  # 21:16 to 21:31
    assert np.isfinite(shares.ask_share).all()
    assert shares.bid_share[10] == pytest.approx(0.56, abs=0.02)  # 20:30, EVENT.md F13: 0.55 and 0.74, +-0.1
    assert shares.ask_share[10] == pytest.approx(0.78, abs=0.02)
    assert 0.02 < shares.bid_within[0] < 0.04
    assert np.array_equal(evidence.depth_shares("depth_shares_2025_10_10").minute_us, shares.minute_us)


def test_figures_carry_unit_and_source():
    rows = evidence.figures()
    ids = {row.id for row in rows}
    wanted = "F0 F1 F2 F3 F4 F11 F13 F14 F15 F16 F17 P5 P6 P9 P10 P16"
    assert set(wanted.split()) <= ids
    for row in rows:
        assert row.name
        assert row.source
        assert np.isfinite(row.value)
    first = next(row for row in rows if row.id == "F2")
    assert first.value == pytest.approx(-10.3, abs=0.05)
    assert first.unit == "%"


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (evidence.recorded_path, "btc_1999"),
        (evidence.recorded_path, "qqq_2025_10_10"),
        (evidence.news_path, "../qqq_2025_10_10"),
        (evidence.depth_shares, ""),
    ],
)
def test_an_unknown_name_lists_what_there_is(read, name):
    with pytest.raises(DataError, match="choose one of: .*2025_10_10"):
        read(name)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("close_usd\n1\n", "row 1 has no column 'seconds'"),
        ("# head\nseconds,close_usd\n0,1\n60,\n", "row 2: close_usd must be a number, got ''"),
        ("seconds,close_usd\n", "no rows"),
    ],
)
def test_a_damaged_file_is_refused_with_row_and_column(tmp_path, monkeypatch, text, word):
    (tmp_path / "btc_x.csv").write_text(text, encoding="utf-8")
    monkeypatch.setattr(evidence, "derived_dir", lambda: tmp_path)
    monkeypatch.setattr(evidence, "recorded_names", lambda column: ("btc_x",))
    with pytest.raises(DataError, match=word):
        evidence.recorded_path("btc_x")


def test_without_any_file_the_cure_is_to_derive_them(monkeypatch):
    monkeypatch.setattr(evidence, "recorded_names", lambda column: ())
    with pytest.raises(DataError, match=r"calibration\.derive"):
        evidence.news_path("qqq_2025_10_10")
