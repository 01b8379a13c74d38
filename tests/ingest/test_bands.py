"""Depth tables: orders left behind by the price are found on either side, and sound files raise no alarm."""

from pathlib import Path

import numpy as np
import pytest

from sim import ingest
from sim.errors import DataError
from tests.ingest import books

SCALES = [(120_000.0, 6.0), (3_900.0, 150.0), (180.0, 3_000.0)]  # BTC, ETH, SOL: price, coins a level


def kinds(result: ingest.DepthResult) -> list[str]:
    return [finding.kind for finding in result.findings]


@pytest.mark.parametrize(("price", "coins"), SCALES)
@pytest.mark.parametrize("volatility", [1e-4, 2e-3, 1e-2])  # 1e-2 a snapshot: a percent every 30 s
def test_sound_files_raise_no_alarm(tmp_path: Path, price: float, coins: float, volatility: float) -> None:
    for seed in range(4):
        recording = books.record(books.path(120, price, seed, volatility), seed, coins)
        file = books.band_file(recording, tmp_path / f"{seed}.csv")
        mark = books.mark_file(recording, tmp_path / f"mark{seed}.csv")
        assert kinds(ingest.depth(file)) == (["other_instrument"] if price < 100_000 else [])
        assert "off_mark" not in kinds(ingest.depth(file, mark=mark))


def falling(price: float, n: int = 160) -> np.ndarray:
    """Flat for 60 snapshots, down by 4% over 40, flat again, each with noise."""
    shape = np.concatenate((np.zeros(60), np.linspace(0.0, -0.04, 40), np.full(n - 100, -0.04)))
    return books.path(n, price, 5, 1e-4) * np.exp(shape)


@pytest.mark.parametrize(("price", "coins"), SCALES)
@pytest.mark.parametrize("side", ["bid", "ask"])
@pytest.mark.parametrize("off", [0.004, 0.012])
def test_an_order_left_behind_is_found_with_its_size_price_and_time(
    tmp_path: Path, price: float, coins: float, side: str, off: float
) -> None:
    mids = falling(price) if side == "bid" else price**2 / falling(price)
    at = price * (1.0 - off if side == "bid" else 1.0 + off)
    size = round(3.7 * coins, 3)
    recording = books.record(mids, 3, coins, (side, round(at, 4), size))
    file = books.band_file(recording, tmp_path / "corrupt.csv")
    with pytest.raises(DataError, match="phantom"):
        ingest.depth(file, start="01:00", end="01:15")
    result = ingest.depth(file, end="00:20")
    phantom = next(f for f in result.findings if f.kind == "phantom")
    shifted = next(f for f in result.findings if f.kind == "shifted_bands")
    passed = int(np.argmax(mids < at if side == "bid" else mids > at))  # the first snapshot beyond the order
    begins = (np.datetime64(shifted.from_utc.rstrip("Z"), "s").astype(np.int64) - books.START_S) / 30
    assert phantom.side == side
    assert f"{size:.10g} coins" in phantom.sentence
    assert f"{at:,.2f}" in phantom.sentence
    assert abs(begins - passed) <= 8  # the bands tell the price to some 40 bp, 4 snapshots of the fall
    assert shifted.to_utc == phantom.to_utc == "2025-10-10T01:19:30Z"  # the last snapshot
    assert begins * 30 + books.START_S <= np.datetime64(phantom.from_utc.rstrip("Z"), "s").astype(np.int64)


def test_the_price_coming_back_ends_what_is_refused(tmp_path: Path) -> None:
    down = falling(100_000.0)
    mids = np.concatenate((down, np.linspace(down[-1], 101_000.0, 20), books.path(40, 101_000.0, 9, 1e-4)))
    recording = books.record(mids, 3, 6.0, ("bid", 99_000.0, 20.0))
    result = ingest.depth(books.band_file(recording, tmp_path / "a.csv"), start="01:32")
    shifted = next(f for f in result.findings if f.kind == "shifted_bands")
    back = int(np.argmax(mids[100:] > 99_000.0)) + 100
    ends = (np.datetime64(shifted.to_utc.rstrip("Z"), "s").astype(np.int64) - books.START_S) / 30
    assert abs(ends - back) <= 8
    assert result.bid.snapshots > 30


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_repair_measures_the_bands_from_the_mark(tmp_path: Path, side: str) -> None:
    mids = falling(100_000.0) if side == "bid" else 1e10 / falling(100_000.0)
    at = 99_000.0 if side == "bid" else 101_000.0
    recording = books.record(mids, 3, 6.0, (side, at, 20.0))
    file, mark = books.band_file(recording, tmp_path / "a.csv"), books.mark_file(recording, tmp_path / "m.csv")
    with pytest.raises(DataError, match="--mark"):
        ingest.depth(file, repair=True)
    result = ingest.depth(file, start="01:00", repair=True, mark=mark)
    for i, profile in enumerate((result.bid, result.ask)):
        assert profile.within.size >= 3
        for within, usd in zip(profile.within, profile.usd, strict=True):
            pairs = zip(recording.sound[120:], mids[120:], strict=True)
            truth = np.median([books.within(sound[i], mid, within)[1] for sound, mid in pairs])
            assert usd == pytest.approx(
                truth, rel=0.0008 / within
            )  # two levels: they lie 4 bp apart, and edges and the best price fall between them


def test_bands_that_contradict_one_another_are_refused_alone(tmp_path: Path) -> None:
    recording = books.record(books.path(60, 100_000.0, 1), 1, 6.0)
    file = books.band_file(recording, tmp_path / "a.csv")
    lines = file.read_text().splitlines()
    for i in range(30, 34):  # the 1% ask band, never the same twice: no order that stays explains it
        lines[1 + i * 10 + 5] = lines[1 + i * 10 + 5].rsplit(",", 1)[0] + f",{i}.0"
    file.write_text("\n".join(lines))
    result = ingest.depth(file)
    assert [(f.kind, f.count) for f in result.findings] == [("contradictory", 4)]
    assert result.ask.snapshots == 56


def test_a_thin_book_with_holes_raises_no_alarm(tmp_path: Path) -> None:
    """A dozen levels a side, often none within 1%: bands are empty or equal to the one before."""
    rng = np.random.default_rng(4)
    mids = books.path(200, 2.5, 4, 1e-3)
    pairs = []
    for mid in mids:
        distance = np.sort(rng.uniform(0.0005, 0.05, (2, 12)), axis=1)
        sizes = np.round(rng.lognormal(5.0, 1.0, (2, 12)), 3)
        bids, asks = (
            books.Levels(mid * (1 + sign * d), q) for sign, d, q in zip((-1, 1), distance, sizes, strict=True)
        )
        pairs.append((bids, asks))
    file = books.band_file(books.Recording(mids, pairs, pairs), tmp_path / "thin.csv")
    assert {f.kind for f in ingest.depth(file).findings} <= {"other_instrument", "jump"}


def test_a_side_that_stands_still_is_not_used(tmp_path: Path) -> None:
    recording = books.record(books.path(60, 100_000.0, 1, 1e-3), 1, 6.0)
    for i in range(21, 30):
        recording.books[i] = (recording.books[i][0], recording.books[20][1])
    lines = books.band_file(recording, tmp_path / "a.csv").read_text().splitlines()
    still = [line.split(",", 1)[1] for line in lines[1 + 20 * 10 + 5 : 1 + 21 * 10]]
    for i in range(21, 30):
        for k in range(5):
            at = 1 + i * 10 + 5 + k
            lines[at] = f"{lines[at].split(',', 1)[0]},{still[k]}"
    (tmp_path / "a.csv").write_text("\n".join(lines))
    frozen = next(f for f in ingest.depth(tmp_path / "a.csv").findings if f.kind == "frozen")
    assert (frozen.side, frozen.count) == ("ask", 9)


def test_gaps_copies_order_and_bad_values_are_told(tmp_path: Path) -> None:
    recording = books.record(books.path(80, 100_000.0, 1), 1, 6.0)
    lines = books.band_file(recording, tmp_path / "a.csv").read_text().splitlines()
    head, rows = lines[0], lines[1:]
    del rows[200:220]  # snapshots 20 and 21
    rows[3] = rows[3].rsplit(",", 1)[0] + ",nan"
    rows[14] = rows[14].replace(rows[14].split(",")[2], "-5")
    rows[100:110], rows[110:120] = rows[110:120], rows[100:110]  # two snapshots exchanged
    rows.append(rows[300])  # a copy, at the end
    rows.append(rows[301].rsplit(",", 1)[0] + ",77.0")  # the same band with another value
    (tmp_path / "a.csv").write_text("\n".join([head, *rows]))
    result = ingest.depth(tmp_path / "a.csv")
    found = {(f.kind, f.side): f for f in result.findings}
    assert found["gap", None].sentence.startswith("about 2 snapshots are missing")
    assert found["bad_value", "bid"].count == 2
    assert found["bad_value", "bid"].line == 5
    assert found["unsorted", None].severity == "repaired"
    assert {f.severity for f in result.findings if f.kind == "duplicate"} == {"repaired", "refused"}


def test_the_plain_table_and_its_empty_side(tmp_path: Path) -> None:
    rows = ["timestamp,within_pct,bid_usd,ask_usd"]
    for i in range(40):
        for pct, bid, ask in ((0.5, 1e6, 2e6), (1.0, 2e6, 3e6), (5.0, 9e6, 8e6)):
            scale = 1.0 + 0.01 * (i % 7)
            ask = 0.0 if i == 7 else ask
            rows.append(f"2025-10-10T00:{i:02d}:00+02:00,{pct},{bid * scale},{ask * scale}")
    (tmp_path / "a.csv").write_text("\n".join(rows))
    result = ingest.depth(tmp_path / "a.csv")
    assert kinds(result) == ["empty_side"]
    assert result.plain()["from_utc"] == "2025-10-09T22:00:00Z"
    assert result.bid.usd == pytest.approx(np.array([1e6, 2e6, 9e6]) * 1.03)
    assert (result.bid.snapshots, result.ask.snapshots) == (40, 39)


@pytest.mark.parametrize(("growth", "found"), [(1.8, []), (2.5, ["drift", "drift"])])
def test_a_window_that_is_another_at_its_end_is_told(tmp_path: Path, growth: float, found: list[str]) -> None:
    rows = ["timestamp,within_pct,bid_usd,ask_usd"]
    for i in range(30):
        usd = 1e6 * (1.0 + (growth - 1.0) * (i >= 15)) + i
        rows += [f"{books.START_S + 60 * i},{pct},{pct * usd},{pct * usd}" for pct in (1, 2)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    assert [k for k in kinds(ingest.depth(tmp_path / "a.csv")) if k != "jump"] == found


def test_depth_that_falls_with_distance_is_not_cumulative(tmp_path: Path) -> None:
    rows = ["timestamp,within_pct,bid_usd,ask_usd"]
    rows += [
        f"{books.START_S + 60 * i},{p},{b + i},{a + i}" for i in range(12) for p, b, a in ((1, 5e6, 2e6), (2, 4e6, 3e6))
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match="not_cumulative"):
        ingest.depth(tmp_path / "a.csv")
