"""The recorded file of 10 October 2025: its phantom bid is found from the file itself, its sound part is left alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim import ingest

pytestmark = pytest.mark.evidence


@pytest.fixture(scope="module")
def folder(evidence: Path) -> Path:
    return evidence / "data" / "event_1011"


@pytest.fixture(scope="module")
def raw(folder: Path) -> Path:
    return folder / "binance_um_bookDepth_BTCUSDT_2025-10-10_raw.csv"


def test_the_phantom_bid_is_found_from_the_file_itself(raw: Path) -> None:
    result = ingest.depth(raw, end="14:50")
    found = {f.kind: f for f in result.findings}
    assert set(found) == {"gap", "frozen", "phantom", "shifted_bands"}
    phantom = found["phantom"]
    assert phantom.side == "bid"
    assert phantom.from_utc == "2025-10-10T15:30:42Z"
    assert "17.654 coins" in phantom.sentence
    assert "121,363.27" in phantom.sentence
    assert found["gap"].from_utc == "2025-10-10T02:04:02Z"


def test_the_morning_raises_no_alarm_and_gives_the_published_depth(raw: Path, tmp_path: Path) -> None:
    head, *rows = raw.read_text().splitlines()
    (tmp_path / "morning.csv").write_text("\n".join([head, *(r for r in rows if r.strip()[11:16] < "14:57")]))
    result = ingest.depth(tmp_path / "morning.csv", mark=raw.parent / "BTCUSD_PERP_mark_1m_2025-10-09_10.csv")
    assert [f.kind for f in result.findings] == ["gap"]
    for profile, published in ((result.bid, (305e6, 698e6, 1197e6)), (result.ask, (241e6, 392e6, 722e6))):
        assert profile.usd[[0, 1, 4]] == pytest.approx(published, rel=0.01)  # EVENT.md P5, P6


def test_the_repaired_evening_is_the_published_one(raw: Path, folder: Path) -> None:
    """Against the file derived by hand, which states depth at the bands' true widths."""
    mark = folder / "BTCUSD_PERP_mark_1m_2025-10-09_10.csv"
    result = ingest.depth(raw, start="20:00", end="20:49", mark=mark, repair=True)
    by_hand = pd.read_csv(folder / "binance_um_depth_corrected_after_1531.csv", index_col="ts", parse_dates=True)
    window = by_hand["2025-10-10 20:00":"2025-10-10 20:49"]
    for name, profile in (("bid", result.bid), ("ask", result.ask)):
        width, usd = window[f"{name}_band_pct"].median() / 100.0, window[f"{name}_usdm"].median() * 1e6
        mine = np.interp(width, np.append(0.0, profile.within), np.append(0.0, profile.usd))
        assert mine == pytest.approx(usd, rel=0.05)


def test_near_bids_were_not_pulled_after_the_first_headline(raw: Path, folder: Path) -> None:
    """docs/limits.md: 15:00 to 15:30 over the morning, with either mark; the raw bands say 0.48 within 1%."""
    for mark in ("BTCUSD_PERP_mark_1m_2025-10-09_10.csv", "BTCUSDT_mark_5m_2025-10-01_12-30.csv"):
        depth = ingest.depth(raw, end="14:50", mark=folder / mark, repair=True).depth
        minute = (depth.time_us // 60_000_000) % 1440
        morning, after = minute < 14 * 60 + 50, (minute >= 15 * 60) & (minute < 15 * 60 + 30)
        share = [
            np.nanmedian(s.usd[after][:, k]) / np.nanmedian(s.usd[morning][:, k])
            for s, k in ((depth.bid, 0), (depth.ask, 2))
        ]
        assert share == pytest.approx([1.16, 0.71], abs=0.02)
